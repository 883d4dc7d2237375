"""Ordinary life through the whole core: somebody is away and falls, a carer comes, a watch is worn by somebody else."""

import copy
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
from stories import START, armed, at, estate, fall, picked, said, tell, until

MINUTE_S, HOUR_S = 60, 3600
CARER = {"name": "小李", "kind": "carer", "from": "10:00", "to": "12:00", "days": ["mon", "tue", "wed", "thu", "fri"]}


def visited(*visitors: dict[str, Any]) -> dict[str, Any]:
    given = estate()
    given["homes"][0]["visitors"] = list(visitors)
    given["devices"].append({"id": "pir-1", "kind": "motion", "home": "b1-101"})
    return given


def opened(seconds: float, device: str) -> list[dict[str, Any]]:
    return [said(seconds - 1, device, "contact", open=False), said(seconds, device, "contact", open=True)]


def told(output: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(line["at"], line["to"]) for line in picked(output, "notification")]


def states(output: list[dict[str, Any]], kind: str) -> list[tuple[str, str, str]]:
    return [(line["at"], line["state"], line["severity"]) for line in picked(output, "incident", kind=kind)]


# A paused person


def away(seconds: float, minutes: float) -> dict[str, Any]:
    quiet = {"by": "zhou-jie", "subject": "zhou-fen", "minutes": minutes, "reason": "住院", "away": True}
    return {"at": at(seconds), "silence": quiet}


def waist() -> dict[str, Any]:
    """The estate, where she wears her watch at the waist."""
    given = estate()
    given["devices"][0]["placement"] = "waist"
    return given


def test_a_paused_person_who_falls_is_told_as_ever(tmp_path: Path) -> None:
    output = tell(tmp_path, [away(0, 600), *fall(HOUR_S), until(2 * HOUR_S)], waist())
    (fell,) = picked(output, "event", kind="fall")
    assert [state for _, state, severity in states(output, "fall") if severity == "life"] == ["suspected", "open"]
    first = picked(output, "notification", purpose="tell")[0]
    assert first["incident"].startswith("fall-zhou-fen-")
    assert first["at"] > fell["at"]
    assert "疑似摔倒" in first["text"]


def test_the_pause_ends_by_itself_and_says_so(tmp_path: Path) -> None:
    output = tell(tmp_path, [away(0, 60), until(2 * HOUR_S)])
    (ending,) = picked(output, "notification", purpose="ending")
    assert (ending["at"], ending["to"]) == (at(HOUR_S), "zhou-jie")
    assert "11:00起恢复通知" in ending["text"]


# Known visitors


def test_a_carer_who_comes_when_she_is_to_is_noted_and_alarms_nobody(tmp_path: Path) -> None:
    lines = [
        armed(0, "b1-101", "away"),
        *opened(10 * MINUTE_S, "door-1"),
        said(11 * MINUTE_S, "pir-1", "motion", motion=True),
        said(29 * MINUTE_S, "pir-1", "motion", motion=False),
        said(30 * MINUTE_S, "pir-1", "motion", motion=True),
        until(3 * HOUR_S),
    ]
    lines.insert(3, said(10 * MINUTE_S + 5, "door-1", "contact", open=False))
    output = tell(tmp_path, lines, visited(CARER))
    assert len(picked(output, "event", kind="intrusion")) >= 2
    assert told(output) == []
    assert states(output, "intrusion") == [
        (at(10 * MINUTE_S), "acknowledged", "info"),
        (at(60 * MINUTE_S), "resolved", "info"),
    ]


@pytest.mark.parametrize(
    ("seconds", "change"),
    [
        (2 * HOUR_S, {}),  # her time is over: half-open
        (10 * MINUTE_S, {"from": "10:30"}),
        (10 * MINUTE_S, {"days": ["sun"]}),
        (10 * MINUTE_S, {"until": "2026-03-01"}),
    ],
)
def test_before_and_after_her_time_it_is_an_intrusion(tmp_path: Path, seconds: float, change: dict[str, Any]) -> None:
    lines = [armed(0, "b1-101", "away"), *opened(seconds, "door-1"), until(seconds + MINUTE_S)]
    output = tell(tmp_path, lines, visited(CARER | change))
    assert states(output, "intrusion") == [(at(seconds), "open", "urgent")]
    assert told(output) == [(at(seconds), "day-guard"), (at(seconds), "zhou-jie")]


def test_a_window_is_not_how_she_comes_and_is_told_at_once_though_she_is_there(tmp_path: Path) -> None:
    lines = [armed(0, "b1-101", "away"), *opened(10 * MINUTE_S, "door-1"), *opened(20 * MINUTE_S, "window-1"), until(21 * MINUTE_S)]
    output = tell(tmp_path, lines, visited(CARER))
    assert states(output, "intrusion") == [(at(10 * MINUTE_S), "acknowledged", "info"), (at(20 * MINUTE_S), "open", "urgent")]
    assert told(output) == [(at(20 * MINUTE_S), "day-guard"), (at(20 * MINUTE_S), "zhou-jie")]


def test_whoever_is_still_there_when_her_time_is_over_is_told(tmp_path: Path) -> None:
    lines = [
        armed(0, "b1-101", "away"),
        *opened(2 * HOUR_S - 10 * MINUTE_S, "door-1"),
        said(2 * HOUR_S + 5 * MINUTE_S, "pir-1", "motion", motion=True),
        until(3 * HOUR_S),
    ]
    output = tell(tmp_path, lines, visited(CARER))
    assert told(output)[0] == (at(2 * HOUR_S + 5 * MINUTE_S), "day-guard")


def test_a_fall_a_call_for_help_and_duress_in_her_time_are_told_as_ever(tmp_path: Path) -> None:
    lines = [armed(0, "b1-101", "away"), *opened(60, "door-1"), said(120, "w-1", "button", pressed="duress"), until(200)]
    output = tell(tmp_path, lines, visited(CARER))
    assert states(output, "duress") == [(at(120), "open", "life")]
    assert told(output)


# A watch that somebody else wears


def given_to(wearer: str, given: dict[str, Any], *, by: str, until_s: float) -> dict[str, Any]:
    """The estate as the file says it after w-1 was given to somebody."""
    changed = copy.deepcopy(given)
    changed["devices"][0] |= {"wearer": wearer, "worn_before": [{"by": by, "until": at(until_s)}]}
    return changed


def configured(seconds: float, given: dict[str, Any]) -> dict[str, Any]:
    return {"at": at(seconds), "community": given}


def pressed(seconds: float, t_s: float, press: str = "sos") -> dict[str, Any]:
    moment = (START.astimezone(UTC) + timedelta(seconds=t_s)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"at": at(seconds), "topic": "anju/willow/w-1/button", "payload": {"t": moment, "pressed": press}}


def test_what_it_measured_before_is_about_who_wore_it_then_and_what_comes_after_about_who_wears_it(tmp_path: Path) -> None:
    given = estate()
    swapped = given_to("xu-bo", given, by="zhou-fen", until_s=100)
    lines = [configured(100, swapped), pressed(200, t_s=50), pressed(260, t_s=255), until(300)]
    output = tell(tmp_path, lines, given)
    assert [(line["subject"], line["home"], line["t"]) for line in picked(output, "event", kind="sos")] == [
        ("zhou-fen", "b1-101", at(50)),
        ("xu-bo", "b1-102", at(255)),
    ]
    assert [(line["subject"], line["state"]) for line in picked(output, "incident")] == [("zhou-fen", "open"), ("xu-bo", "open")]
    families = {(line["incident"].split("-2026")[0], line["to"]) for line in picked(output, "notification", channel="sms")}
    assert {("sos-zhou-fen", "zhou-jie"), ("sos-xu-bo", "emma-xu")} <= families


def test_a_fall_that_it_kept_while_it_was_out_of_reach_is_the_earlier_wearers(tmp_path: Path) -> None:
    given = waist()
    swapped = given_to("xu-bo", given, by="zhou-fen", until_s=100)
    lines = [configured(100, swapped), *fall(10, late_s=1000), until(1200)]
    output = tell(tmp_path, lines, given)
    (fell,) = picked(output, "event", kind="fall")
    assert (fell["subject"], fell["resident"], fell["home"]) == ("zhou-fen", "zhou-fen", "b1-101")
    assert {line["subject"] for line in picked(output, "incident")} == {"zhou-fen"}
    assert "迟" in picked(output, "notification", to="zhou-jie")[0]["text"]  # late: it says so


def test_the_new_wearers_cancel_answers_nothing_of_the_earlier_ones(tmp_path: Path) -> None:
    given = estate()
    swapped = given_to("xu-bo", given, by="zhou-fen", until_s=100)
    output = tell(
        tmp_path, [said(50, "w-1", "button", pressed="sos"), configured(100, swapped), pressed(150, 150, "cancel"), until(200)], given
    )
    assert picked(output, "notification", purpose="update") == []


def test_an_earlier_wearer_who_is_not_there_any_more_is_told_of_nobody(tmp_path: Path) -> None:
    given = estate()
    swapped = given_to("xu-bo", given, by="zhou-fen", until_s=100)
    swapped["people"] = [one for one in swapped["people"] if one["id"] not in {"zhou-fen", "zhou-jie"}]
    swapped["devices"] = [one for one in swapped["devices"] if one["id"] != "t-1"]
    output = tell(tmp_path, [configured(100, swapped), pressed(200, t_s=50), until(300)], given)
    assert picked(output, "incident") == []
