"""Paths: what is left of a way when the positions' errors are taken out, and its pattern."""

import math

import pytest

from geofence import paths
from geofence.frames import Frame
from geofence.paths import Path

FRAME = Frame.at(119.96, 31.79)
NS = 1_000_000_000


def path(*places: tuple[float, float, float], accuracy_m: float = 5.0) -> Path:
    """Of (second, metres east, metres north)."""
    found: Path | None = None
    for second, east_m, north_m in places:
        fix = (round(second * NS), 119.96 + east_m / FRAME.east_m_per_deg, 31.79 + north_m / FRAME.north_m_per_deg, accuracy_m)
        found = paths.begin(*fix) if found is None else found.step(*fix)
    assert found is not None
    return found


def walk(seconds: int, speed_mps: float = 1.0, every_s: int = 5) -> list[tuple[float, float, float]]:
    return [(second, second * speed_mps, 0.0) for second in range(0, seconds, every_s)]


def test_a_straight_way_is_as_long_as_it_is_and_has_no_turns() -> None:
    pattern = path(*walk(600)).pattern()
    assert pattern is not None
    assert pattern.length_m == pytest.approx(590, abs=25)
    assert pattern.lasts_s == pytest.approx(590, abs=25)
    assert pattern.radius_m == pytest.approx(295, abs=15)
    assert pattern.reach_m == pytest.approx(300, abs=15)
    assert (pattern.sharp_turns, round(pattern.laps, 1)) == (0, 0)


def test_a_way_there_and_back_turns_once_and_is_no_lap() -> None:
    pattern = path(*((second, 300.0 - abs(300 - second), 0.0) for second in range(0, 600, 5))).pattern()
    assert pattern is not None
    assert pattern.sharp_turns == 1
    assert pattern.laps < 0.6


@pytest.mark.parametrize("way_round", [1, -1])
def test_laps_are_counted_in_either_direction(way_round: int) -> None:
    places = [(i * 5.0, 40 * math.cos(i / 8), way_round * 40 * math.sin(i / 8)) for i in range(round(16 * math.pi * 3) + 1)]
    pattern = path(*places).pattern()
    assert pattern is not None
    assert pattern.laps == pytest.approx(3, abs=0.2)
    assert pattern.sharp_turns == 0


def test_steps_shorter_than_twice_the_accuracy_leave_no_points() -> None:
    assert len(path(*((second, 9.0 * (second % 10 == 0), 0.0) for second in range(0, 600, 5)), accuracy_m=10).points) == 1


def test_only_twenty_minutes_are_kept() -> None:
    kept = path(*walk(3000))
    assert kept.points[0][0] >= (2980 - 1200) * NS
    assert len(kept.points) <= 121


def test_a_receivers_jump_is_left_out() -> None:
    jumpy = [(second, 200.0 if 100 <= second < 106 else 0.0, 0.0) for second in range(300)]
    assert len(path(*jumpy).points) == 1


@pytest.mark.parametrize("places", [[*walk(100), (400, 100.0, 0.0)], [*walk(100), *((100 + i, 100.0 + 15 * i, 0.0) for i in range(30))]])
def test_after_a_silence_or_a_ride_a_path_begins_anew(places: list[tuple[float, float, float]]) -> None:
    assert len(path(*places).points) <= 2


def test_a_fix_of_the_same_time_or_an_earlier_one_changes_nothing() -> None:
    before = path(*walk(100))
    assert path(*walk(100), (95, 500.0, 0.0), (50, 0.0, 0.0)) == before


def test_a_path_of_few_points_has_no_pattern() -> None:
    assert path(*walk(20)).pattern() is None


def test_its_place_is_where_somebody_is() -> None:
    east_m, north_m = FRAME.metres(*path(*walk(300)).place)
    assert east_m == pytest.approx(295, abs=10)
    assert north_m == pytest.approx(0, abs=0.1)


def test_a_path_goes_across_the_antimeridian() -> None:
    found = paths.begin(0, 179.9999, 10.0, 5.0)
    for second in range(10, 300, 10):
        lon_deg = 179.9999 + second * 1e-5
        found = found.step(second * NS, lon_deg - 360.0 if lon_deg > 180.0 else lon_deg, 10.0, 5.0)
    assert len(found.points) > 15
