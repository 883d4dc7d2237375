"""How thresholds are chosen: who is judged has no part in the choice. Needs the `training` extra."""

import numpy as np
import pytest

from rules.fall.recordings import Recordings

pytest.importorskip("torch", reason="needs the extra `training`")
pytest.importorskip("sklearn", reason="needs the extra `training`")
from training import report

HOUR = 3600 * 50


def found(rows: list[tuple[str, str, float]]) -> report.Found:
    """One recording of an hour for each (person, activity, final logit of its one impact); nothing is known early."""
    who, activity, logit = zip(*rows, strict=True)
    recordings = Recordings(
        acc=np.zeros((3, len(rows) * HOUR), np.int16),
        off=np.arange(len(rows) + 1, dtype=np.int32) * HOUR,
        act=np.array(activity),
        subj=np.array(who),
    )
    return report.Found(
        recordings=recordings,
        logits=np.stack([np.full(len(rows), -np.inf), np.array(logit)]),
        label=np.array([int(one.startswith("F")) for one in activity]),
        recording=np.arange(len(rows)),
        sample=np.full(len(rows), 100),
    )


QUIET = [("a", "D01", -3.0), ("b", "D01", -3.0), ("c", "D01", -3.0)]


def nobody_is_disturbed(figure: tuple[report.Share, report.Share, report.PerHour]) -> bool:
    return figure[2].count == 0


def test_a_person_is_judged_by_the_limits_that_the_others_set() -> None:
    of = found([*QUIET, ("a", "D02", 3.1), ("b", "F01", 2.0), ("c", "F01", 4.0)])
    sensitivity, specificity, alarms = report.nested(of, nobody_is_disturbed)
    assert (sensitivity.count, sensitivity.of) == (1, 2)  # who set 3.25 for the others lets b's fall be missed, and c's be found
    assert (specificity.count, alarms.count) == (3, 1)  # and is disturbed by the low limit that b and c set


def test_where_all_are_alike_the_nested_choice_is_the_plain_one() -> None:
    of = found([*QUIET, ("a", "F01", 1.0), ("b", "F01", 1.0), ("c", "F01", 1.0)])
    sensitivity, specificity, alarms = report.nested(of, nobody_is_disturbed)
    assert (sensitivity.value, specificity.value, alarms.count) == (1.0, 1.0, 0)


def test_one_set_is_judged_by_the_limit_that_finds_the_falls_of_the_other() -> None:
    other = found([*QUIET, *(("a", "F01", float(logit)) for logit in range(100))])
    (sensitivity, _, _), limit = report.across(found([*QUIET, ("a", "F01", 2.9), ("b", "F01", 3.0)]), other, 0.97)
    assert limit == 3.0
    assert sensitivity.count == 1
