"""After a fall: on the floor, up again, or nothing heard. Told as it goes at b1-102, where Xu Bo wears a watch at the waist."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stories import at, did, estate, picked, said, tell, until

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


def kinds(output: list[dict[str, Any]]) -> list[str]:
    return [line["kind"] for line in picked(output, "event", resident="xu-bo")]


def test_he_falls_lies_still_and_after_two_minutes_it_is_known_that_he_does_not_get_up(tmp_path: Path) -> None:
    output = tell(tmp_path, [*worn(*FALLING, lying(200)), until(300)])
    assert kinds(output) == ["fall", "long_lie"]
    fall, lie = picked(output, "event")
    assert datetime.fromisoformat(lie["t"]) - datetime.fromisoformat(fall["t"]) == timedelta(seconds=120)
    assert at(120 + FALL_S) <= lie["at"] <= at(124 + FALL_S)
    assert {line["subject"] for line in picked(output, "incident")} == {"xu-bo"}
    assert len({line["id"] for line in picked(output, "incident")}) == 1


def test_he_lies_there_and_waves_an_arm_for_ten_minutes(tmp_path: Path) -> None:
    output = tell(tmp_path, [*worn(*FALLING, lying(620, movement_g=0.12)), until(700)])
    assert kinds(output) == ["fall", "long_lie"]
    assert at(600 + FALL_S) <= picked(output, "event", kind="long_lie")[0]["at"] <= at(604 + FALL_S)


def test_he_gets_up_after_half_a_minute_and_walks_to_his_chair(tmp_path: Path) -> None:
    output = tell(tmp_path, [*worn(*FALLING, lying(30), walking(20), lying(700)), until(800)])
    assert kinds(output) == ["fall", "recovered"]
    assert len({line["id"] for line in picked(output, "incident")}) == 1


def test_he_presses_cancel_and_is_left_in_peace(tmp_path: Path) -> None:
    lines = sorted([*worn(*FALLING, lying(300)), said(20.5, "w-2", "button", pressed="cancel")], key=lambda line: line["at"])
    output = tell(tmp_path, [*lines, until(400)])
    assert kinds(output) == ["fall"]
    assert [line["state"] for line in picked(output, "incident")] == ["suspected", "cancelled"]


def test_the_watch_is_switched_off_after_the_fall_and_nobody_says_that_he_lies_still(tmp_path: Path) -> None:
    output = tell(tmp_path, [*worn(*FALLING, lying(40)), until(590)])
    assert kinds(output) == ["fall"]


def test_the_family_has_acknowledged_the_fall_and_hears_of_no_second_one(tmp_path: Path) -> None:
    lines = sorted([*worn(*FALLING, lying(300)), did(60, "emma-xu", "acknowledge", "xu-bo")], key=lambda line: line["at"])
    output = tell(tmp_path, [*lines, until(400)])
    assert kinds(output) == ["fall", "long_lie"]
    assert [line["state"] for line in picked(output, "incident")] == ["suspected", "open", "acknowledged"]


@pytest.mark.parametrize("batch", [1, 1000])
def test_it_is_the_same_story_however_it_is_cut(tmp_path: Path, batch: int) -> None:
    lines = [*worn(*FALLING, lying(140), walking(30)), until(300)]
    assert tell(tmp_path, lines, estate(), batch=batch) == tell(tmp_path, lines, estate(), batch=7)
