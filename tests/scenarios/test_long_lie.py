"""After a fall: on the floor, up again, or nothing heard. Told as it goes at b1-102, where Xu Bo wears a watch at the waist.

What counts as a fall is not what these stories are about: here it is any packet of more than 2.4 g (`Thud`), but for the one that says
otherwise.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes.thud import Thud
from stories import at, did, estate, picked, said, tell, until

from rules.fall.rule import Fall

RATE_HZ = 50
FALL_S = 6.5
Phase = tuple[tuple[float, float, float], float, float]

STANDING: Phase = ((0.0, 0.0, 1.0), 0.0, 6.0)
FALLING: list[Phase] = [STANDING, ((0.1, 0.1, 0.2), 0.0, 0.5), ((2.5, 1.5, 2.5), 0.0, 0.1), ((1.0, 0.05, 0.1), 0.0, 5.4)]


def lying(seconds: float, movement_g: float = 0.0) -> Phase:
    return ((1.0, 0.05, 0.1), movement_g, seconds)


def walking(seconds: float) -> Phase:
    return ((0.0, 0.0, 1.0), 0.3, seconds)


def worn(*phases: Phase, device: str = "w-2", start_s: float = 0.0) -> Iterator[dict[str, Any]]:
    """Packets of a second, as they are sent: a wave of two steps a second, and the sensor's noise."""
    rng = np.random.default_rng(3)
    parts = []
    for direction_g, movement_g, seconds in phases:
        wave = 1.0 + movement_g * np.sin(4 * np.pi * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)
        parts.append(np.outer(wave, direction_g))
    samples = np.concatenate(parts)
    samples = np.round(samples + rng.normal(0, 0.01, samples.shape), 3)
    for i in range(0, len(samples), RATE_HZ):
        second = start_s + i / RATE_HZ
        line = said(second, device, "acceleration", rate_hz=RATE_HZ, unit="g", xyz=samples[i : i + RATE_HZ].tolist())
        yield line | {"at": at(second + 1)}


@pytest.fixture(autouse=True)
def thud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.Fall", Thud)


def kinds(output: list[dict[str, Any]]) -> list[str]:
    return [line["kind"] for line in picked(output, "event", resident="xu-bo")]


def marks(output: list[dict[str, Any]], name: str = "still_s") -> list[int]:
    return [line["evidence"][name] for line in picked(output, "event", kind="long_lie") if name in line["evidence"]]


def texts(output: list[dict[str, Any]], to: str) -> list[str]:
    return [line["text"] for line in picked(output, "notification", to=to)]


def told(output: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(line["at"], line["to"], line["channel"]) for line in picked(output, "notification")]


def wanting(recovered: str) -> dict[str, Any]:
    given = estate()
    given["people"][1]["recovered"] = recovered
    return given


def test_he_falls_and_lies_still_and_the_incident_says_so_as_it_goes_on(tmp_path: Path) -> None:
    output = tell(tmp_path, [*worn(*FALLING, lying(700)), until(800)])
    assert kinds(output) == ["fall", *["long_lie"] * 6]
    assert marks(output) == [10, 30, 60, 120, 300, 600]
    fall, *lies = picked(output, "event")
    for lie, mark_s in zip(lies, marks(output), strict=True):
        assert datetime.fromisoformat(lie["t"]) - datetime.fromisoformat(fall["t"]) == timedelta(seconds=mark_s)
        assert at(mark_s + FALL_S) <= lie["at"] <= at(mark_s + FALL_S + 4)
    assert {line["subject"] for line in picked(output, "incident")} == {"xu-bo"}
    assert len({line["id"] for line in picked(output, "incident")}) == 1


def test_each_later_message_has_the_newest_word_and_no_mark_has_a_message_of_its_own(tmp_path: Path) -> None:
    lines = [*worn(*FALLING, lying(700)), until(800)]
    output = tell(tmp_path, lines)
    assert [(to, channel) for _, to, channel in told(output)] == [
        ("day-guard", "sms"),
        ("emma-xu", "sms"),
        ("hospital", "voice"),
    ]
    (relative,), (guard,), (hospital,) = (texts(output, to) for to in ("emma-xu", "day-guard", "hospital"))
    assert "may have fallen at 10:00. Not moved for 30 s." in relative
    assert "疑似摔倒。到10:00已有30秒没有动静。" in guard
    assert "已有1分钟没有动静" in hospital


def test_a_second_fall_in_the_cancel_window_does_not_restart_it(tmp_path: Path) -> None:
    once = tell(tmp_path, [*worn(*FALLING, lying(45)), until(60)])
    twice = tell(tmp_path, [*worn(*FALLING, lying(8), *FALLING[1:], lying(30)), until(60)])
    assert kinds(twice).count("fall") == 2
    opened = [[line["at"] for line in picked(output, "incident", state="open")] for output in (once, twice)]
    assert opened[0] == opened[1] != []
    assert told(once) == told(twice)


def test_the_hospital_is_called_only_if_he_does_not_get_up(tmp_path: Path) -> None:
    given = estate()
    given["policies"][0]["steps"][1]["when"] = {"lies_s": 60}
    assert [to for _, to, _ in told(tell(tmp_path, [*worn(*FALLING, lying(150)), until(200)], given))] == [
        "day-guard",
        "emma-xu",
        "hospital",
    ]
    walks = [*worn(*FALLING, lying(40), walking(60)), until(200)]
    assert [to for _, to, _ in told(tell(tmp_path, walks, given))] == ["day-guard", "emma-xu"]


def test_he_lies_there_and_waves_an_arm_for_ten_minutes(tmp_path: Path) -> None:
    output = tell(tmp_path, [*worn(*FALLING, lying(620, movement_g=0.12)), until(700)])
    assert kinds(output) == ["fall", "long_lie"]
    assert marks(output, "down_s") == [600]
    assert at(600 + FALL_S) <= picked(output, "event", kind="long_lie")[0]["at"] <= at(604 + FALL_S)


def test_he_gets_up_after_half_a_minute_and_walks_to_his_chair(tmp_path: Path) -> None:
    output = tell(tmp_path, [*worn(*FALLING, lying(30), walking(20), lying(700)), until(800)])
    assert kinds(output) == ["fall", "long_lie", "long_lie", "recovered"]
    assert len({line["id"] for line in picked(output, "incident")}) == 1
    assert "似已起来活动。" in texts(output, "hospital")[-1]


def test_his_family_wants_to_hear_that_he_is_up_and_hears_it_once(tmp_path: Path) -> None:
    lines = [*worn(*FALLING, lying(40), walking(30), lying(100)), until(300)]
    usual, output = tell(tmp_path, lines), tell(tmp_path, lines, wanting("tell"))
    more = [line for line in told(output) if line not in told(usual)]
    assert [to for _, to, _ in more] == ["day-guard", "emma-xu"]
    assert "Update: " in texts(output, "emma-xu")[1]
    assert "Seems up again at 10:00; make sure." in texts(output, "emma-xu")[1]
    assert texts(output, "day-guard")[1].count("似已起来活动") == 1


def test_his_family_wants_no_message_where_he_gets_up_at_once(tmp_path: Path) -> None:
    lines = [*worn(*FALLING, lying(2), walking(30), lying(100)), until(300)]
    assert [line["state"] for line in picked(tell(tmp_path, lines), "incident")] == ["suspected", "open"]
    output = tell(tmp_path, lines, wanting("cancel"))
    assert [line["state"] for line in picked(output, "incident")] == ["suspected", "cancelled"]
    assert told(output) == []
    assert kinds(output) == ["fall", "recovered"]


def test_he_presses_cancel_and_is_left_in_peace(tmp_path: Path) -> None:
    lines = sorted([*worn(*FALLING, lying(300)), said(20.5, "w-2", "button", pressed="cancel")], key=lambda line: line["at"])
    output = tell(tmp_path, [*lines, until(400)])
    assert marks(output) == [10]
    assert [line["state"] for line in picked(output, "incident")] == ["suspected", "cancelled"]


def test_the_watch_is_switched_off_after_the_fall_and_nobody_says_that_he_lies_still_any_longer(tmp_path: Path) -> None:
    output = tell(tmp_path, [*worn(*FALLING, lying(40)), until(590)])
    assert marks(output) == [10, 30]


def test_the_family_has_acknowledged_the_fall_and_hears_of_no_second_one(tmp_path: Path) -> None:
    lines = sorted([*worn(*FALLING, lying(300)), did(60, "emma-xu", "acknowledge", "xu-bo")], key=lambda line: line["at"])
    output = tell(tmp_path, [*lines, until(400)])
    assert marks(output) == [10, 30, 60, 120, 300]
    assert [line["state"] for line in picked(output, "incident")] == ["suspected", "open", "acknowledged"]
    assert [to for _, to, _ in told(output)] == ["day-guard", "emma-xu"]


def test_he_was_helped_into_his_chair_and_sits_still(tmp_path: Path) -> None:
    lines = sorted([*worn(*FALLING, lying(300)), did(60, "day-guard", "resolve", "xu-bo")], key=lambda line: line["at"])
    output = tell(tmp_path, [*lines, until(400)])
    assert marks(output) == [10, 30, 60, 120, 300]
    assert [line["state"] for line in picked(output, "incident")] == ["suspected", "open", "resolved"]


def test_what_the_detector_finds_goes_on_in_the_same_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.Fall", Fall)
    output = tell(tmp_path, [*worn(*FALLING, lying(140)), until(200)])
    assert kinds(output)[0] == "fall"
    assert marks(output) == [10, 30, 60, 120]


@pytest.mark.parametrize("batch", [1, 1000])
def test_it_is_the_same_story_however_it_is_cut(tmp_path: Path, batch: int) -> None:
    lines = [*worn(*FALLING, lying(140), walking(30)), until(300)]
    assert tell(tmp_path, lines, wanting("tell"), batch=batch) == tell(tmp_path, lines, wanting("tell"), batch=7)
