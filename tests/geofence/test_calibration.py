"""Somebody stands where they are asked to, and the pose of the radar and the line come of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geofence.calibration import FRAMES, Stand, fitted, line_along, line_at, stood
from geofence.frames import turned

METRES = st.floats(-8, 8)
NOTHING = np.empty((0, 2, 2))
WINDOW = np.array([[[-1.0, 0.0], [0.5, 0.0]]])
WALLS = np.array([[[-3.0, 0.0], [3.0, 0.0]], [[3.0, 0.0], [3.0, 5.0]], [[3.0, 5.0], [-3.0, 5.0]], [[-3.0, 5.0], [-3.0, 0.0]]])


def seen_of(known_m: np.ndarray, place_m: np.ndarray, heading_deg: float) -> np.ndarray:
    """What a radar that hangs so sees of places on the floor."""
    return turned(-heading_deg, *(known_m - place_m).T)


def half_turn(degrees: float) -> float:
    return (degrees + 180.0) % 360.0 - 180.0


def standing(seed: int, frames: int = 30, sway_m: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    return np.ones(frames, np.int64), np.random.default_rng(seed).normal([1.5, 2.5], sway_m, (frames, 2))


@settings(deadline=None)
@given(x=METRES, y=METRES, heading_deg=st.floats(0, 359.9), drawn=st.tuples(METRES, METRES))
def test_three_places_say_where_a_radar_hangs_and_looks_wherever_it_was_drawn(
    x: float, y: float, heading_deg: float, drawn: tuple[float, float]
) -> None:
    known = np.array([[0.0, 0.0], [3.0, 0.5], [1.0, 2.5]])
    fit = fitted(seen_of(known, np.array([x, y]), heading_deg), known, np.array(drawn))
    assert fit.fits
    if fit.moved_m > 0:  # else the drawn place fits well enough
        np.testing.assert_allclose(fit.place_m, [x, y], atol=1e-6)
        assert abs(half_turn(fit.heading_deg - heading_deg)) < 1e-6
    else:
        assert fit.worst_m <= 0.3


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), heading_deg=st.floats(0, 359.9), away_m=st.floats(1.5, 5.5))
def test_one_place_turns_a_radar_that_stays_where_it_hangs(seed: int, heading_deg: float, away_m: float) -> None:
    hung = np.array([1.0, -2.0])
    known = hung + turned(np.random.default_rng(seed).uniform(0, 360), 0.0, away_m)[None]
    fit = fitted(seen_of(known, hung, heading_deg), known, hung)
    assert (fit.moved_m, fit.fits) == (0.0, True)
    assert abs(half_turn(fit.heading_deg - heading_deg)) < 1e-6


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), heading_deg=st.floats(0, 359.9), count=st.integers(2, 4))
def test_noise_of_a_radar_turns_it_by_few_degrees(seed: int, heading_deg: float, count: int) -> None:
    random = np.random.default_rng(seed)
    hung = random.uniform(-3, 3, 2)
    known = hung + np.array([turned(angle, 0.0, random.uniform(2, 5)) for angle in np.linspace(-50, 50, count) + random.uniform(0, 360)])
    fit = fitted(seen_of(known, hung, heading_deg) + random.normal(0, 0.05, known.shape), known, hung)
    assert fit.fits
    assert fit.moved_m == 0.0
    assert abs(half_turn(fit.heading_deg - heading_deg)) < 6.0


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), heading_deg=st.floats(0, 359.9))
def test_a_radar_that_hangs_upside_down_is_told_from_one_that_does_not(seed: int, heading_deg: float) -> None:
    random = np.random.default_rng(seed)
    hung, known = np.zeros(2), np.array([[-2.0, 2.0], [2.0, 2.0], [0.5, 4.5]]) + random.uniform(-0.3, 0.3, (3, 2))
    seen = seen_of(known, hung, heading_deg) + random.normal(0, 0.04, known.shape)
    assert not fitted(seen, known, hung).is_mirrored
    mirrored = fitted(seen * [-1, 1], known, hung)
    assert (mirrored.is_mirrored, mirrored.fits) == (True, False)


def test_places_on_one_line_say_nothing_of_upside_down() -> None:
    known = np.array([[0.0, 3.0], [1.5, 3.0], [3.0, 3.0]])
    seen = seen_of(known, np.zeros(2), 20.0) * [-1, 1]
    assert not fitted(seen, known, np.zeros(2)).is_mirrored


def test_somebody_else_does_not_fit() -> None:
    known = np.array([[-2.0, 2.0], [2.0, 2.0], [0.5, 4.5]])
    seen = seen_of(known, np.zeros(2), 20.0)
    seen[2] += [1.6, 0.4]
    fit = fitted(seen, known, np.zeros(2))
    assert (fit.fits, fit.is_mirrored) == (False, False)
    one = fitted(seen[:1] * 1.5, known[:1], np.zeros(2))
    assert not one.fits


@given(seed=st.integers(0, 10_000))
def test_who_stands_is_where_the_median_is(seed: int) -> None:
    people, place = standing(seed)
    people[::9], place[::9] = 0, np.nan
    stand, at = stood(people, place)
    assert stand is Stand.STILL
    assert np.hypot(*(at - [1.5, 2.5])) < 0.1


@given(seed=st.integers(0, 10_000))
def test_several_nobody_and_who_walks_are_no_place(seed: int) -> None:
    people, place = standing(seed)
    two = people.copy()
    two[::3] = 2
    none = np.where(np.arange(len(people)) < 20, 0, people)
    for count, where, expected in (
        (two, place, Stand.SEVERAL),
        (none, place, Stand.NOBODY),
        (people[: FRAMES - 1], place[: FRAMES - 1], Stand.NOBODY),
        (people, place + np.linspace([0, 0], [0, 0.9], len(place)), Stand.MOVING),
        (people[:0], place[:0], Stand.NOBODY),
    ):
        stand, at = stood(count, np.where((count == 1)[:, None], where, np.nan))
        assert stand is expected
        assert np.isnan(at).all()


def test_who_stands_before_a_window_has_a_line_along_it_that_protects_it() -> None:
    line = line_at(np.array([0.3, 1.5]), WINDOW, WALLS, np.array([0.0, 4.0]))
    np.testing.assert_allclose(line, [[1.0, 1.5], [-1.5, 1.5]])  # the window is to the left of who goes along it
    outside = line_at(np.array([0.3, -1.5]), WINDOW, WALLS, np.array([0.0, 4.0]))
    np.testing.assert_allclose(outside, [[-1.5, -1.5], [1.0, -1.5]])


def test_without_a_window_the_line_is_along_the_nearest_wall_and_without_walls_across_the_view() -> None:
    np.testing.assert_allclose(line_at(np.array([2.0, 2.0]), NOTHING, WALLS, np.zeros(2)), [[2.0, 3.0], [2.0, 1.0]])
    np.testing.assert_allclose(line_at(np.array([0.0, 3.0]), NOTHING, NOTHING, np.zeros(2)), [[1.0, 3.0], [-1.0, 3.0]])


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), angle_deg=st.floats(0, 180), long_m=st.floats(1.5, 5))
def test_who_walks_along_a_line_has_it_where_they_walked(seed: int, angle_deg: float, long_m: float) -> None:
    random = np.random.default_rng(seed)
    along = np.array([np.sin(np.radians(angle_deg)), np.cos(np.radians(angle_deg))])
    track = np.array([0.0, 2.5]) + np.outer(np.linspace(-long_m / 2, long_m / 2, 40), along) + random.normal(0, 0.1, (40, 2))
    track[random.integers(0, 40)] += [3.0, 1.0]  # a ghost
    line = line_along(track, WINDOW, WALLS, np.zeros(2))
    assert line is not None
    away = (line - [0.0, 2.5]) @ [-along[1], along[0]]
    assert np.abs(away).max() < 0.35
    assert abs(np.hypot(*(line[1] - line[0])) - long_m) < 0.8


@pytest.mark.parametrize(
    "track", [np.zeros((30, 2)), np.zeros((3, 2)), np.array([[np.cos(a), np.sin(a)] for a in np.linspace(0, 6, 60)]) * 2]
)
def test_who_did_not_walk_or_not_straight_has_no_line(track: np.ndarray) -> None:
    assert line_along(track, WINDOW, WALLS, np.zeros(2)) is None
