"""Sides of polylines, and movements through them."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from geofence.lines import Lines, passes, signed_distance

BENT = np.array([[0.0, 0.0], [0.0, 10.0], [10.0, 10.0]])  # north, then east: left is outside the corner
places = st.tuples(st.floats(-20, 20), st.floats(-20, 20))


def crossed(path: np.ndarray, *way: tuple[float, float]) -> list[bool]:
    steps = np.array(way, np.float64)
    return passes(path, steps[:-1], steps[1:]).tolist()


@pytest.mark.parametrize(
    ("place", "expected"),
    [((-3, 5), 3), ((3, 5), -3), ((5, 12), 2), ((5, 8), -2), ((-3, 14), 5), ((2, 9), -1), ((-1, -4), np.hypot(1, 4)), ((0, 5), 0)],
)
def test_left_is_positive_and_the_distance_is_to_the_segments(place: tuple[float, float], expected: float) -> None:
    assert signed_distance(BENT, np.array([place], np.float64))[0] == pytest.approx(expected)


def test_outside_a_sharp_corner_the_side_is_that_of_the_corner() -> None:
    spike = np.array([[-1.0, 0.0], [0.0, 10.0], [1.0, 0.0]])
    np.testing.assert_allclose(signed_distance(spike, np.array([[0.4, 12.0], [-0.4, 12.0], [0.0, 5.0]])) > 0, [True, True, False])


def test_vertices_that_repeat_are_skipped() -> None:
    path = np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 10.0], [0.0, 10.0]])
    np.testing.assert_allclose(signed_distance(path, np.array([[-2.0, 5.0]])), [2.0])


def test_a_movement_passes_where_it_meets_a_segment() -> None:
    assert crossed(BENT, (-1, 5), (1, 5)) == [True]
    assert crossed(BENT, (-1, 5), (-0.1, 5)) == [False]
    assert crossed(BENT, (-1, -1), (1, -1)) == [False]


def test_a_movement_through_a_vertex_passes() -> None:
    assert crossed(BENT, (-1, 11), (1, 9)) == [True]


def test_of_movements_that_meet_on_the_line_both_touch_it() -> None:
    assert crossed(BENT, (-1, 5), (0, 5), (1, 5)) == [True, True]


def test_a_movement_along_the_line_or_none_at_all_does_not_pass() -> None:
    assert crossed(BENT, (0, 2), (0, 8)) == [False]
    assert crossed(BENT, (-3, 5), (-3, 5)) == [False]


def test_no_positions_give_no_answers() -> None:
    none = np.empty((0, 2))
    assert signed_distance(BENT, none).shape == passes(BENT, none, none).shape == (0,)


@settings(deadline=None, max_examples=50)
@given(ways=st.lists(st.tuples(places, places), min_size=1, max_size=4))
def test_many_lines_at_once_answer_as_each_does(ways: list[tuple[tuple[float, float], tuple[float, float]]]) -> None:
    before, after = np.moveaxis(np.array(ways), 1, 0)
    paths = [BENT, BENT[::-1], np.array([[1.0, -3.0], [1.0, -3.0], [4.0, 15.0]])]
    distance_m, passed = Lines(paths).seen(before, after)
    np.testing.assert_allclose(np.abs(distance_m), [np.abs(signed_distance(path, after)) for path in paths], atol=1e-9)
    clear = np.abs(distance_m) > 1e-6
    assert ((distance_m > 0) == [signed_distance(path, after) > 0 for path in paths])[clear].all()
    assert passed.tolist() == [passes(path, before, after).tolist() for path in paths]


@settings(deadline=None, max_examples=100)
@given(place=places)
def test_a_line_and_its_reverse_swap_sides(place: tuple[float, float]) -> None:
    assume(abs(place[0]) > 1e-6 and abs(place[1] - 10.0) > 1e-6)  # what lies on the line itself has no side
    position = np.array([place])
    np.testing.assert_allclose(signed_distance(BENT[::-1], position), -signed_distance(BENT, position), atol=1e-9)


@settings(deadline=None, max_examples=100)
@given(before=places, after=places, move=places)
def test_moving_everything_changes_nothing(before: tuple[float, float], after: tuple[float, float], move: tuple[float, float]) -> None:
    vector = np.round(np.array(move))
    a, b = np.round(np.array([before]), 3), np.round(np.array([after]), 3)
    np.testing.assert_allclose(signed_distance(BENT + vector, a + vector), signed_distance(BENT, a), atol=1e-9)
    clear = np.abs(signed_distance(np.concatenate((a, b)), BENT)).min() > 1e-6 if not np.allclose(a, b) else False
    if clear and np.abs(signed_distance(BENT, np.concatenate((a, b)))).min() > 1e-6:
        assert passes(BENT + vector, b + vector, a + vector)[0] == passes(BENT, a, b)[0]


@settings(deadline=None, max_examples=100)
@given(before=places, after=places)
def test_a_long_line_is_passed_exactly_when_the_side_changes(before: tuple[float, float], after: tuple[float, float]) -> None:
    path = np.array([[0.0, -1000.0], [0.0, 0.0], [3.0, 4.0], [0.0, 8.0], [0.0, 1000.0]])
    ends = np.array([before, after])
    side = signed_distance(path, ends)
    if np.abs(side).min() > 1e-6 and side[0] * side[1] < 0:
        assert passes(path, ends[:1], ends[1:])[0]
