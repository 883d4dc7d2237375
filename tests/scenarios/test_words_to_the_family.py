"""The daily word and the question of the day after, through the whole core: said when wanted, and never that all is well when it is not."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stories import at, did, estate, picked, said, tell, until

from store.community import parse
from store.model import InputError

HOUR_S = 3600
SIX_PM = 8 * HOUR_S  # the story begins at 10:00
DAY_S = 24 * HOUR_S


def wanting(**chosen: Any) -> dict[str, Any]:
    given = estate()
    for person in given["people"]:
        if person["id"] == "zhou-jie":
            person["chosen"] = chosen
    return given


def words(output: list[dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    return [(line["at"], line["to"], line["channel"], line["text"]) for line in picked(output, "notification", purpose="word")]


def lives(until_s: float, *, every_s: float = 300) -> list[dict[str, Any]]:
    """What 周芬 wears and what is in her home says something every 5 minutes, and she walks about until then."""
    lines = []
    for n in range(int(until_s // every_s)):
        second = n * every_s
        lines.append(said(second, "w-1", "status", battery_percent=81))
        lines.append(said(second + 1, "t-1", "position", lon=119.96, lat=31.79 + 0.001 * (n % 2), accuracy_m=5))
        lines.append(said(second + 2, "radar-1", "targets", targets=[]))
    return lines


def test_all_is_well_is_said_once_a_day_by_sms_where_there_is_no_push(tmp_path: Path) -> None:
    output = tell(tmp_path, [*lives(SIX_PM), until(SIX_PM + HOUR_S)], wanting(daily="18:00"))
    assert words(output) == [(at(SIX_PM), "zhou-jie", "sms", "【柳岸新村】周芬（1栋101室）今天一切正常，17:55有活动。")]
    assert [line["state"] for line in picked(output, "incident", kind="daily")] == ["resolved"]


def test_by_push_where_there_is_one(tmp_path: Path) -> None:
    given = wanting(daily="18:00", push=['{"endpoint": "https://push.example.org/1", "keys": {"p256dh": "a", "auth": "b"}}'])
    assert [word[2] for word in words(tell(tmp_path, [*lives(SIX_PM), until(SIX_PM + HOUR_S)], given))] == ["push"]


def test_nobody_is_told_who_did_not_want_it(tmp_path: Path) -> None:
    output = tell(tmp_path, [*lives(SIX_PM), until(SIX_PM + HOUR_S)])
    assert words(output) == []
    assert not picked(output, "event", kind="daily")


def test_where_nothing_was_heard_that_is_said_and_not_that_all_is_well(tmp_path: Path) -> None:
    ((_, _, _, text),) = words(tell(tmp_path, [said(0, "w-2", "status", battery_percent=81), until(SIX_PM)], wanting(daily="18:00")))
    assert text == "【柳岸新村】周芬（1栋101室）今天不能说一切正常：还没有收到活动。请打电话问问。打开安居可以看到详情。"


def test_a_device_that_is_not_heard_is_named(tmp_path: Path) -> None:
    watch = [said(n * 300, "w-1", "status", battery_percent=81) for n in range(24)]  # the first two hours
    tag = [line for line in lives(SIX_PM) if "/w-1/" not in line["topic"]]
    lines = sorted([*watch, *tag], key=lambda line: str(line["at"]))
    ((_, _, _, text),) = words(tell(tmp_path, [*lines, until(SIX_PM)], wanting(daily="18:00")))
    assert text == "【柳岸新村】周芬（1栋101室）今天不能说一切正常：穿戴设备失去联系。请打电话问问。打开安居可以看到详情。"


def test_while_something_is_open_all_is_not_well(tmp_path: Path) -> None:
    lines = [*lives(SIX_PM), said(SIX_PM - 60, "w-1", "button", pressed="sos"), until(SIX_PM + 1)]
    ((_, _, _, text),) = words(tell(tmp_path, sorted(lines, key=lambda line: str(line["at"])), wanting(daily="18:00")))
    assert "今天不能说一切正常：有事还没处理完。" in text


def test_what_was_heard_yesterday_is_not_of_today(tmp_path: Path) -> None:
    output = tell(tmp_path, [*lives(SIX_PM), until(SIX_PM + DAY_S)], wanting(daily="18:00"))
    first, second = words(output)
    assert "今天一切正常" in first[3]
    assert "今天不能说一切正常：还没有收到活动" in second[3]
    assert second[0] == at(SIX_PM + DAY_S)


def test_each_hears_it_by_their_own_clock(tmp_path: Path) -> None:
    given = wanting(daily="18:00")
    next(one for one in given["people"] if one["id"] == "zhou-jie")["timezone"] = "Europe/London"
    ((when, *_),) = words(tell(tmp_path, [*lives(SIX_PM), until(SIX_PM + 12 * HOUR_S)], given))
    assert when == at(SIX_PM + 8 * HOUR_S)


def test_it_is_the_same_at_any_size_of_a_batch(tmp_path: Path) -> None:
    outputs = [tell(tmp_path, [*lives(SIX_PM), until(SIX_PM + 60)], wanting(daily="12:00"), batch) for batch in (1, 256)]
    assert outputs[0] == outputs[1]
    assert len(words(outputs[0])) == 1


def fell() -> list[dict[str, Any]]:
    """Packets of a second: standing, falling, lying still."""
    rng = np.random.default_rng(7)
    parts = [((0.0, 0.0, 1.0), 6.0), ((0.1, 0.1, 0.2), 0.5), ((2.5, 1.5, 2.5), 0.1), ((1.0, 0.05, 0.1), 9.4)]
    signal = np.concatenate([np.tile(np.array([row]), (round(seconds * 50), 1)) for row, seconds in parts])
    signal = np.round(signal + rng.normal(0, 0.01, signal.shape), 4)
    packets = [signal[start : start + 50].tolist() for start in range(0, len(signal) - 49, 50)]
    payloads = [{"t": at(second), "rate_hz": 50, "unit": "g", "xyz": xyz} for second, xyz in enumerate(packets)]
    return [{"at": at(second + 1), "topic": "anju/willow/w-1/acceleration", "payload": payload} for second, payload in enumerate(payloads)]


TOMORROW_AT_TEN = DAY_S
RESOLVED = did(120, "day-guard", "resolve", "zhou-fen")


def asked(folder: Path, end: dict[str, Any], **chosen: Any) -> list[tuple[str, str, str, str]]:
    given = wanting(**chosen)
    given["devices"][0]["placement"] = "waist"
    output = tell(folder, [*fell(), end, until(3 * DAY_S)], given)
    assert picked(output, "event", kind="fall")
    return words(output)


def test_the_day_after_a_fall_the_family_is_asked_once(tmp_path: Path) -> None:
    ((when, to, channel, text),) = asked(tmp_path, RESOLVED, day_after=True)
    assert (when, to, channel) == (at(TOMORROW_AT_TEN), "zhou-jie", "sms")
    assert text == "【柳岸新村】周芬（1栋101室）3月2日10:00疑似摔倒。今天怎么样？打个电话问问吧。"


def test_nobody_is_asked_who_did_not_want_it(tmp_path: Path) -> None:
    assert asked(tmp_path, RESOLVED) == []


def test_a_false_alarm_is_not_asked_about(tmp_path: Path) -> None:
    assert asked(tmp_path, did(120, "day-guard", "false_alarm", "zhou-fen"), day_after=True) == []


def test_a_call_for_help_without_a_fall_is_not_asked_about(tmp_path: Path) -> None:
    lines = [said(0, "w-1", "button", pressed="sos"), RESOLVED, until(2 * DAY_S)]
    assert words(tell(tmp_path, lines, wanting(day_after=True))) == []


@pytest.mark.parametrize(
    ("chosen", "path"),
    [
        ({"daily": "24:00"}, "people[2].chosen.daily"),
        ({"daily": "six"}, "people[2].chosen.daily"),
        ({"day_after": "yes"}, "people[2].chosen.day_after"),
    ],
)
def test_a_wrong_wish_is_refused_with_its_path(chosen: dict[str, Any], path: str) -> None:
    with pytest.raises(InputError) as refused:
        parse(json.dumps(wanting(**chosen)), "willow.json")
    assert path in str(refused.value)
