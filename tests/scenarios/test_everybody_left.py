"""Everybody has gone out, through the whole core: a word by push, once, and never an arming."""

from pathlib import Path
from typing import Any

import pytest
from stories import armed, at, estate, picked, said, tell, until

LON, LAT = 119.96, 31.79
RING = [[LON + dx * 1e-4, LAT + dy * 1e-4] for dx, dy in ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))]
PUSH = '{"endpoint": "https://push.example.org/1", "keys": {"p256dh": "a", "auth": "b"}}'


def watched() -> dict[str, Any]:
    """One lives there alone and wears a tracker; the son has push messages, and so does another's daughter."""
    given = estate()
    given["homes"][0]["footprint"] = {"type": "Polygon", "coordinates": [RING]}
    for person in given["people"]:
        if person["id"] in {"zhou-jie", "emma-xu", "day-guard"}:
            person["contacts"] = [{"push": PUSH}]
    return given


def fix(second: float, metres: float) -> dict[str, Any]:
    return said(second, "t-1", "position", lon=LON, lat=LAT + metres / 110_870, accuracy_m=8)


LEAVES = [fix(0, 5), fix(60, 300), fix(200, 400)]


def test_the_family_gets_one_push_and_nobody_an_sms(tmp_path: Path) -> None:
    output = tell(tmp_path, [*LEAVES, fix(600, 500), until(3600)], watched())
    (told,) = picked(output, "notification")
    assert (told["to"], told["channel"], told["purpose"], told["at"]) == ("zhou-jie", "push", "word", at(240))
    assert told["text"] == "【柳岸新村】周芬家（1栋101室）10:01都出门了，还没有布防。要布防吗？点开安居，一按就好。"


def test_it_arms_nothing_by_itself(tmp_path: Path) -> None:
    lines = [said(0, "window-1", "contact", open=False), *LEAVES, said(900, "window-1", "contact", open=True), until(3600)]
    assert not picked(tell(tmp_path, lines, watched()), "event", kind="intrusion")


@pytest.mark.parametrize("end", [fix(900, 5), armed(900, "b1-101", "away")], ids=["back", "armed"])
def test_its_end_is_told_to_nobody(tmp_path: Path, end: dict[str, Any]) -> None:
    output = tell(tmp_path, [*LEAVES, end, until(3600)], watched())
    assert [line["state"] for line in picked(output, "incident", kind="everybody_left")] == ["open", "resolved"]
    assert len(picked(output, "notification")) == 1


def test_it_is_nobodys_to_take_on(tmp_path: Path) -> None:
    act = {"at": at(900), "act": {"by": "zhou-jie", "do": "acknowledge", "subject": "b1-101"}}
    output = tell(tmp_path, [*LEAVES, act, until(3600)], watched())
    assert [line["reason"] for line in picked(output, "rejected")] == ["b1-101 has no open incident"]


def test_it_is_the_same_at_any_size_of_a_batch(tmp_path: Path) -> None:
    lines = [*LEAVES, *(fix(200 + second, 400) for second in range(1, 200)), fix(900, 5), fix(1000, 300), until(3600)]
    first, second = (tell(tmp_path, lines, watched(), batch) for batch in (1, 256))
    assert len(picked(first, "notification")) == 2
    assert first == second


def test_a_push_that_does_not_arrive_is_followed_by_nothing(tmp_path: Path) -> None:
    failed = {"at": at(241), "receipt": {"to": "zhou-jie", "channel": "push", "status": "failed"}}
    assert len(picked(tell(tmp_path, [*LEAVES, failed, until(3600)], watched()), "notification")) == 1
