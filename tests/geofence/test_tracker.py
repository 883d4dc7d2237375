"""The filter: what it makes of fixes, and that it is the same however they are cut."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geofence.tracker import Places, Tracker, turns

NS_PER_S = 1_000_000_000
Fixes = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def fixes(seed: int, count: int = 300, rows: int = 7) -> Fixes:
    """Of several devices, mixed: some late, some repeated, some at no place, some far off."""
    random = np.random.default_rng(seed)
    row = random.integers(0, rows, count)
    time_ns = ((np.arange(count) * 0.7 - 20.0 * (random.random(count) < 0.05)) * NS_PER_S).astype(np.int64) + 60 * NS_PER_S
    x_m = np.round(random.normal(0, 5, count) + 60.0 * (random.random(count) < 0.05), 1)
    y_m = np.round(random.normal(0, 5, count), 1)
    again = random.random(count) < 0.1
    x_m[again], y_m[again] = 1.5, -2.5
    x_m[random.random(count) < 0.02] = np.nan
    accuracy_m = random.uniform(3, 12, count) * np.where(random.random(count) < 0.03, 0.0, 1.0)
    return row, time_ns, x_m, y_m, accuracy_m


def columns(places: Places) -> list[np.ndarray]:
    return [getattr(places, name) for name in Places.__dataclass_fields__]


@settings(deadline=None, max_examples=12)
@given(seed=st.integers(0, 50), cuts=st.lists(st.integers(0, 300), max_size=40))
def test_fixes_cut_anywhere_give_the_same_places_to_the_last_bit(seed: int, cuts: list[int]) -> None:
    given_ = fixes(seed)
    whole, cut = Tracker(7), Tracker(7)
    expected = columns(whole.update(*given_))
    parts = [columns(cut.update(*(column[a:b] for column in given_))) for a, b in pairwise(sorted({0, *cuts, 300}))]
    for index, column in enumerate(expected):
        np.testing.assert_array_equal(np.concatenate([part[index] for part in parts]), column)
    assert [cut.snapshot(row) for row in range(7)] == [whole.snapshot(row) for row in range(7)]


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 50), cut=st.integers(0, 300))
def test_a_tracker_restored_from_a_snapshot_goes_on_the_same(seed: int, cut: int) -> None:
    given_ = fixes(seed)
    before, after = Tracker(7), Tracker(7)
    before.update(*(column[:cut] for column in given_))
    for row in range(7):
        after.restore(row, json.loads(json.dumps(before.snapshot(row), allow_nan=False)))
    for one, other in zip(*(columns(tracker.update(*(column[cut:] for column in given_))) for tracker in (before, after)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_row_that_begins_with_a_fix_is_as_if_it_had_been_given_it_first() -> None:
    begun, given_ = Tracker(4), Tracker(4)
    for tracker in (begun, given_):
        tracker.update(*fixes(1, rows=4))
    used, fix = np.array([2, 0]), (np.array([3, 5]) * 1000 * NS_PER_S, np.array([4.0, -1.0]), np.array([0.5, 7.0]), np.array([6.0, 9.0]))
    begun.begin(used, *fix)
    fresh = Tracker(4)
    fresh.update(used, *fix)
    assert [begun.snapshot(row) for row in used] == [fresh.snapshot(row) for row in used]
    assert [begun.snapshot(row) for row in (1, 3)] == [given_.snapshot(row) for row in (1, 3)]
    begun.begin(used, np.full(2, -1), *fix[1:])
    assert [begun.snapshot(row) for row in used] == [[], []]


def test_a_tracker_that_grows_goes_on_the_same() -> None:
    given_ = fixes(3)
    small, large = Tracker(7), Tracker(11)
    small.update(*(column[:150] for column in given_))
    large.update(*(column[:150] for column in given_))
    small.grow(11)
    more = tuple(np.concatenate((column[150:], column[-1:])) for column in given_)
    more[0][-1] = 10
    for one, other in zip(columns(small.update(*more)), columns(large.update(*more)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_turns_take_each_row_once() -> None:
    row = np.array([3, 1, 3, 3, 0, 1])
    assert [turn.tolist() for turn in turns(row)] == [[0, 1, 4], [2, 5], [3]]
    assert list(turns(row[:0])) == []


@pytest.mark.parametrize(("x_m", "accuracy_m"), [(np.nan, 5.0), (np.inf, 5.0), (1.0, 0.0), (1.0, -1.0), (1.0, np.nan), (1.0, np.inf)])
def test_a_fix_that_says_nothing_changes_nothing(x_m: float, accuracy_m: float) -> None:
    tracker = Tracker(1)
    one = np.zeros(1, np.int64), np.array([NS_PER_S])
    assert not tracker.update(*one, np.array([x_m]), np.zeros(1), np.array([accuracy_m])).is_new[0]
    assert tracker.snapshot(0) == []
    tracker.update(*one, np.ones(1), np.ones(1), np.full(1, 5.0))
    kept = tracker.snapshot(0)
    assert not tracker.update(one[0], one[1] * 2, np.array([x_m]), np.zeros(1), np.array([accuracy_m])).is_new[0]
    assert tracker.snapshot(0) == kept
