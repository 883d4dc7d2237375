"""Evaluation on counts that can be done by hand."""

import math

import numpy as np
import pytest

from rules.fall.evaluation import Evaluation, PerHour, Share, evaluate
from rules.fall.recordings import Detection, Recordings


def recordings(**changes: object) -> Recordings:
    values: dict[str, object] = {
        "acc": np.zeros((3, 4 * 1000), np.int16),
        "off": np.arange(0, 4001, 1000, dtype=np.int32),
        "act": np.array(["F01", "F02", "D01", "D01"]),
        "fall_start": np.array([5, math.nan, math.nan, math.nan], np.float32),
        "fall_end": np.array([7, math.nan, math.nan, math.nan], np.float32),
    }
    return Recordings(**(values | changes))  # type: ignore[arg-type]


def evaluated(*detections: tuple[int, float], **changes: object) -> Evaluation:
    found = [Detection(recording=i, kind="fall", at_s=at_s, score=0.8, decided_s=at_s + 3 + i) for i, at_s in detections]
    return evaluate(recordings(**changes), found)


@pytest.mark.parametrize(("at_s", "found"), [(4.4, 0), (4.5, 1), (6.0, 1), (8.0, 1), (8.1, 0)])
def test_a_detection_counts_from_just_before_the_fall_to_just_after(at_s: float, found: int) -> None:
    result = evaluated((0, at_s))
    assert (result.everyone.sensitivity.count, result.everyone.sensitivity.of) == (found, 2)
    assert result.false_in_falls == 1 - found


def test_where_the_time_of_a_fall_is_not_known_a_detection_anywhere_finds_it() -> None:
    assert evaluated((1, 19.0)).everyone.sensitivity.count == 1
    assert evaluated((0, 19.0), fall_start=None, fall_end=None).everyone.sensitivity.count == 1


def test_a_detection_elsewhere_is_a_false_alarm_and_two_disturb_one_recording() -> None:
    result = evaluated((2, 3.0), (2, 15.0))
    assert (result.everyone.specificity.count, result.everyone.specificity.of) == (1, 2)
    assert (result.everyone.false_alarms.count, result.everyone.false_alarms.hours) == (2, 40 / 3600)


def test_activities_are_told_apart() -> None:
    result = evaluated((0, 6.0), (3, 2.0))
    assert [(a.name, a.is_fall, a.right.count, a.right.of) for a in result.activities] == [
        ("D01", False, 1, 2),
        ("F01", True, 1, 1),
        ("F02", True, 0, 1),
    ]


def test_old_people_are_counted_apart() -> None:
    result = evaluated((2, 3.0), elderly=np.array([False, False, False, True]))
    assert result.elderly is not None
    assert result.others is not None
    assert (result.elderly.specificity.count, result.elderly.specificity.of, result.elderly.false_alarms.count) == (1, 1, 0)
    assert (result.others.specificity.count, result.others.specificity.of, result.others.false_alarms.count) == (0, 1, 1)


def test_the_delay_is_of_the_first_word_on_each_fall_found() -> None:
    assert evaluated().delay_s is None
    delay_s = evaluated((0, 6.0), (1, 3.0), (1, 14.0), (2, 1.0)).delay_s
    assert delay_s is not None
    assert delay_s[0] == pytest.approx(3.5)


def test_wilsons_interval_is_the_books() -> None:
    assert Share(count=81, of=263).interval == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe, Stat. Med. 1998, 17:857, table I
    assert Share(count=0, of=20).interval == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert Share(count=0, of=0).interval == (0.0, 1.0)


def test_the_poisson_interval_is_the_books() -> None:
    assert PerHour(count=0, hours=1).interval == pytest.approx((0.0, 3.6889), abs=1e-4)  # Garwood, Biometrika 1936
    assert PerHour(count=10, hours=2).interval == pytest.approx((4.7954 / 2, 18.3904 / 2), abs=1e-4)


def test_without_activities_nothing_can_be_evaluated() -> None:
    with pytest.raises(ValueError, match="act"):
        evaluated(act=None)
