"""Which side somebody is on: what is told, what is not, and when it was. Of a half-plane that is inside where x is below 0."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geofence import sides
from geofence.sides import Changes, Sides
from geofence.tracker import Tracker

NS_PER_S = 1_000_000_000
Fix = tuple[float, float, float]
"""Second, metres beyond the border, accuracy."""


class Followed:
    """One device and one border."""

    def __init__(self, depth_m: float = 100.0) -> None:
        self.tracker, self.sides, self.depth_m = Tracker(1), Sides(1), depth_m

    def take(self, *fixes: Fix) -> list[tuple[bool, float, float]]:
        """(inside, when it was, when it was known) of what is told."""
        second, x_m, accuracy_m = np.array(fixes, np.float64).reshape(-1, 3).T
        row = np.zeros(len(second), np.int64)
        places = self.tracker.update(row, ((second + 1000.0) * NS_PER_S).astype(np.int64), x_m, np.zeros(len(x_m)), accuracy_m)
        new = np.flatnonzero(places.is_new)
        given_ = sides.seen(places, new, -places.stand_x_m[new], -places.walk_x_m[new], np.full(len(new), self.depth_m))
        changes = self.sides.update(row[new], given_)
        told = np.flatnonzero(changes.is_told)
        when = changes.time_ns[told] / NS_PER_S - 1000.0
        return list(zip(changes.inside[told].tolist(), when.tolist(), second[new][told].tolist(), strict=True))


def told(*fixes: Fix, depth_m: float = 100.0) -> list[bool]:
    return [inside for inside, _, _ in Followed(depth_m).take(*fixes)]


def noisy(seed: int, true_m: np.ndarray, sigma_m: float = 5.0) -> list[Fix]:
    """Fixes a second of somebody who is there, with an error of which 70 % lasts for half a minute."""
    random = np.random.default_rng(seed)
    slow, keeps = random.normal(0, 0.84 * sigma_m), np.exp(-1 / 30)
    fixes = []
    for second, x_m in enumerate(true_m):
        slow = keeps * slow + np.sqrt(1 - keeps**2) * random.normal(0, 0.84 * sigma_m)
        fixes.append((float(second), x_m + slow + random.normal(0, 0.55 * sigma_m), 1.5 * sigma_m))
    return fixes


@pytest.mark.parametrize("inside", [True, False])
def test_a_crossing_is_told_once_with_the_time_at_the_border(*, inside: bool) -> None:
    way_m = np.clip(np.arange(-120.0, 61.0), -60.0, 60.0)
    (change,) = Followed().take(*noisy(2, -way_m if inside else way_m))
    assert change[0] == inside
    assert change[1] == pytest.approx(120, abs=10)
    assert 120 <= change[2] <= 140


@pytest.mark.parametrize("first_m", [-50.0, 50.0])
def test_a_first_fix_is_no_change(first_m: float) -> None:
    assert told((0, first_m, 5.0)) == []
    assert told(*((i, first_m, 5.0) for i in range(100))) == []


def test_finding_out_that_a_first_fix_was_a_jump_is_no_change() -> None:
    assert told((0, 60.0, 7.5), *((float(i), x, a) for i, x, a in noisy(3, np.full(300, -20.0))[1:])) == []


@pytest.mark.parametrize("length_s", [1, 3, 5])
def test_a_jump_is_no_change(length_s: int) -> None:
    fixes = [(i, x + (80.0 if 100 <= i < 100 + length_s else 0.0), a) for i, x, a in noisy(4, np.full(200, -15.0))]
    assert told(*fixes) == []


def test_jumps_one_after_another_in_several_directions_are_no_change() -> None:
    away_m = {100: 60.0, 101: 60.0, 102: 60.0, 103: 25.0, 104: 25.0, 105: 75.0, 106: 75.0, 107: 75.0, 108: 40.0, 109: 40.0}
    assert told(*((i, x + away_m.get(int(i), 0.0), a) for i, x, a in noisy(5, np.full(200, -15.0)))) == []


@pytest.mark.parametrize("period_s", [1, 10, 30, 60, 300, 1800])
@pytest.mark.parametrize("away_m", [60.0, 150.0, 1000.0])
def test_who_is_gone_is_told_of_at_the_second_fix_or_soon_after(period_s: int, away_m: float) -> None:
    fixes = [(i * period_s, -50.0 + 0.01 * i, 10.0) for i in range(30)]
    gone = [((30 + i) * period_s, away_m + 0.01 * i, 10.0) for i in range(20)]
    ((inside, when_s, known_s),) = Followed().take(*fixes, *gone)
    assert not inside
    assert when_s == 30 * period_s
    assert known_s <= max(31 * period_s, 30 * period_s + 12)


def test_who_rides_away_is_told_of() -> None:
    ride = [(60.0 + i, -30.0 + 15.0 * i, 7.5) for i in range(40)]
    ((inside, _, known_s),) = Followed().take(*noisy(6, np.full(60, -30.0)), *ride)
    assert not inside
    assert known_s <= 62 + 20


def test_a_receiver_that_is_frozen_makes_nobody_surer() -> None:
    """Standing 6 m outside, frozen 4 m inside by an error for an hour, and right again."""
    assert (
        told(
            *noisy(7, np.full(300, 6.0)),
            *((300.0 + i, -4.0, 7.5) for i in range(3600)),
            *((3900.0 + i, 6.0 + 0.1 * (i % 7), 7.5) for i in range(300)),
        )
        == []
    )


def test_a_silent_frozen_receiver_that_wakes_far_away_is_told_of() -> None:
    assert told(*((i, -50.0, 5.0) for i in range(300)), *((300 + i, 40.0 + 1.1 * i, 5.0) for i in range(30))) == [False]


def test_who_says_to_be_bad_changes_nothing_and_the_first_good_one_does() -> None:
    bad = [(60.0 + i, 100.0, 400.0) for i in range(60)]
    assert told(*((i, -40.0 + 0.1 * (i % 3), 5.0) for i in range(60)), *bad) == []


def test_a_tag_of_a_few_centimetres_knows_who_goes_through_a_door() -> None:
    way_m = np.clip(np.arange(-200, 60) * 0.1, -4.0, 4.0)
    random = np.random.default_rng(1)
    fixes = [(i / 10, x + random.normal(0, 0.1), 0.2) for i, x in enumerate(way_m)]
    ((inside, when_s, known_s),) = Followed(4.0).take(*fixes)
    assert not inside
    assert when_s == pytest.approx(20.0, abs=0.5)
    assert known_s <= 21.5


def test_what_is_small_can_be_entered() -> None:
    assert told(*noisy(8, np.maximum(60.0 - np.arange(180), -4.0)), depth_m=4.0) == [True]


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 30), cuts=st.lists(st.integers(0, 400), max_size=30))
def test_fixes_cut_anywhere_give_the_same_changes(seed: int, cuts: list[int]) -> None:
    fixes = noisy(seed, 40.0 * np.sin(np.arange(400) / 40.0))
    whole, cut = Followed(), Followed()
    expected = whole.take(*fixes)
    assert expected
    parts = [one for a, b in pairwise(sorted({0, *cuts, 400})) for one in cut.take(*fixes[a:b])]
    assert parts == expected
    assert cut.sides.snapshot(0) == whole.sides.snapshot(0)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 30), cut=st.integers(0, 400))
def test_sides_restored_from_a_snapshot_go_on_the_same(seed: int, cut: int) -> None:
    fixes = noisy(seed, 40.0 * np.sin(np.arange(400) / 40.0))
    before, after = Followed(), Followed()
    before.take(*fixes[:cut])
    after.tracker.restore(0, json.loads(json.dumps(before.tracker.snapshot(0))))
    after.sides.restore(0, json.loads(json.dumps(before.sides.snapshot(0))))
    assert after.take(*fixes[cut:]) == before.take(*fixes[cut:])


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 30))
def test_both_ways_are_judged_alike(seed: int) -> None:
    fixes = noisy(seed, 40.0 * np.sin(np.arange(400) / 40.0))
    assert [(inside, *when) for inside, *when in Followed(1e9).take(*fixes)] == [
        (not inside, *when) for inside, *when in Followed(1e9).take(*((i, -x, a) for i, x, a in fixes))
    ]


def test_a_border_that_nothing_is_known_of_has_no_state() -> None:
    nobody = Sides(2)
    nobody.restore(1, nobody.snapshot(0))
    assert nobody.snapshot(1) == []
    assert isinstance(
        nobody.update(np.zeros(0, np.int64), sides.seen(Tracker(1).known(np.zeros(0, np.int64)), np.zeros(0, np.int64), *np.zeros((3, 0)))),
        Changes,
    )
