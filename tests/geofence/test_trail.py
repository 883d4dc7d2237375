"""The way to a fence: kept as it came in, told as text, read from it again, and what is no such text."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geofence.frames import Frame
from geofence.trail import APART_MS, LONGEST_MS, MOST, Steps, Trail, Trails, read, written

FRAME = Frame.at(119.95, 31.78)
MS = 1_000_000
fixes = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40_000), st.integers(-500, 500)), max_size=150)
cut_places = st.sets(st.integers(0, 150), max_size=12)

metre = st.integers(-99_000, 99_000).map(lambda cm: cm / 100)
ways = st.lists(st.tuples(metre, metre, st.integers(-6000, 6000).map(lambda tenths: tenths / 10)), min_size=1, max_size=MOST)


def trail(points: list[tuple[float, float, float]]) -> Trail:
    columns = np.array(sorted(points, key=lambda point: point[2]))
    return Trail(place_m=columns[:, :2], time_s=columns[:, 2])


@given(ways)
def test_a_way_is_read_as_it_was_written_to_the_decimetre_and_the_tenth_of_a_second(points: list[tuple[float, float, float]]) -> None:
    way = trail(points)
    found = read(written(way))
    assert found is not None
    np.testing.assert_allclose(found.place_m, way.place_m, atol=0.05 + 1e-9)
    np.testing.assert_allclose(found.time_s, way.time_s, atol=1e-9)
    assert written(found) == written(way)


def test_of_a_long_way_the_newest_part_is_told() -> None:
    time_s = np.arange(-200.0, 1.0)
    found = read(written(Trail(place_m=np.stack([time_s, -time_s], axis=1), time_s=time_s)))
    assert found is not None
    assert (len(found.time_s), found.time_s[-1], found.place_m[-1].tolist()) == (MOST, 0.0, [0.0, 0.0])


def test_whole_seconds_are_told_without_tenths() -> None:
    assert written(trail([(1.04, -2.06, -3.0), (0.0, 0.04, 0.5)])) == {"track_dm": "10 -21 0 0", "track_s": "-3 0.5"}


@pytest.mark.parametrize(
    "broken",
    [
        {"track_dm": ""},
        {"track_dm": "1"},
        {"track_dm": "1 2 3 4 5"},
        {"track_dm": "1 2 3 x"},
        {"track_dm": "1 2 3 4.5"},
        {"track_dm": "1 2  3 4"},
        {"track_dm": "1 2 3 ٤"},
        {"track_dm": "1 2 3 9999999"},
        {"track_dm": 12},
        {"track_s": "0"},
        {"track_s": "0 -1"},
        {"track_s": "0 nan"},
        {"track_s": "0 1e3"},
        {"track_s": None},
        {"track_dm": "1 2 " * (MOST + 1), "track_s": "0 " * (MOST + 1)},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_no_way(broken: dict[str, object]) -> None:
    assert read({"track_dm": "1 2 3 4", "track_s": "-1 0"}) is not None
    assert read({"track_dm": "1 2 3 4", "track_s": "-1 0"} | broken) is None
    assert read({}) is None


@given(
    st.dictionaries(st.sampled_from(["track_dm", "track_s"]), st.none() | st.integers() | st.text(alphabet="0123456789-. x", max_size=40))
)
def test_no_text_whatever_is_an_error(evidence: dict[str, object]) -> None:
    found = read(evidence)
    assert found is None or len(found.time_s) == len(found.place_m)


def take(trails: Trails, taken: list[tuple[int, int, int]]) -> None:
    """(device, time in ms, tenths of a metre to the east) of each fix, in one batch."""
    row, time_ms, east_dm = np.array(taken, np.int64).reshape(-1, 3).T
    trails.take(row, time_ms * MS, FRAME.lon_deg + east_dm / 10 / FRAME.east_m_per_deg, np.full(len(row), FRAME.lat_deg))


def ways(trails: Trails, until_ms: int) -> list[dict[str, str]]:
    return [written(trails.way(row, FRAME, 0, until_ms * MS)) for row in (0, 1, 3)]


def concerned() -> np.ndarray:
    return np.array([True, True, False, True])


def slow(taken: list[tuple[int, int, int]], until_ms: int) -> list[dict[str, str]]:
    """The same, one fix after another, by what is promised."""
    kept: dict[int, list[tuple[int, int]]] = {0: [], 1: [], 3: []}
    for row, time_ms, east_dm in taken:
        if row in kept and (not kept[row] or time_ms // APART_MS > kept[row][-1][0] // APART_MS):
            kept[row].append((time_ms, east_dm))
    told = []
    for way in kept.values():
        until = [one for one in way if one[0] <= until_ms]
        newest = [one for one in until[-MOST:] if one[0] >= until[-1][0] - LONGEST_MS]
        east_m, time_s = [one[1] / 10 for one in newest], [one[0] / 1000 for one in newest]
        told.append(written(Trail(place_m=np.stack([east_m, np.zeros(len(newest))], axis=1), time_s=np.array(time_s))))
    return told


@given(fixes, cut_places, st.integers(0, 40_000))
def test_however_fixes_come_in_the_way_is_the_same(taken: list[tuple[int, int, int]], cuts: set[int], until_ms: int) -> None:
    trails = Trails(concerned())
    for start, end in pairwise([0, *sorted(cuts), 150]):
        take(trails, taken[start:end])
    assert ways(trails, 40_000) == slow(taken, 40_000)
    once = Trails(concerned())
    take(once, taken)
    assert ways(once, until_ms) == slow(taken, until_ms)


@given(fixes, st.integers(0, 150))
def test_a_snapshot_taken_anywhere_changes_nothing_and_is_small(taken: list[tuple[int, int, int]], place: int) -> None:
    trails, other = Trails(concerned()), Trails(concerned())
    take(trails, taken[:place])
    for row in range(4):
        text = trails.snapshot(row)
        assert len(text) <= 1280
        other.restore(row, text)
    for one in (trails, other):
        take(one, taken[place:])
    assert ways(other, 40_000) == ways(trails, 40_000) == slow(taken, 40_000)


def test_who_is_not_concerned_has_no_way() -> None:
    trails = Trails(concerned())
    take(trails, [(2, 0, 0)])
    assert trails.snapshot(2) == ""
    trails.restore(2, "AAAA")
    assert trails.snapshot(2) == ""


@pytest.mark.parametrize(("lon", "lat"), [(-43.2, -22.9), (151.2, -33.9), (-179.9999, 70.1), (179.9999, 0.0), (-0.00001, 0.00001)])
def test_a_way_is_kept_to_the_centimetre_anywhere_on_the_earth(lon: float, lat: float) -> None:
    trails, other = Trails(concerned()), Trails(concerned())
    trails.take(np.array([3]), np.array([5000 * MS]), np.array([lon]), np.array([lat]))
    other.restore(3, trails.snapshot(3))
    for one in (trails, other):
        way = one.way(3, Frame.at(lon, lat), 0, 5000 * MS)
        assert way.place_m == pytest.approx(np.zeros((1, 2)), abs=0.006)
        assert way.time_s.tolist() == [5.0]


def test_what_was_long_before_the_newest_is_no_part_of_the_way() -> None:
    trails = Trails(concerned())
    take(trails, [(0, 0, 0), (0, 1000, 10), (0, 1000 + LONGEST_MS, 20)])
    assert ways(trails, 2 * LONGEST_MS)[0] == {"track_dm": "10 0 20 0", "track_s": "1 601"}


def test_the_steps_of_a_radars_target_are_kept_a_quarter_of_a_second_apart() -> None:
    steps = Steps()
    for tenth in range(400):
        steps.take(tenth * 100 * MS, (tenth / 100, -1.0))
    assert len(steps.rows) == MOST
    assert {later[0] - row[0] for row, later in pairwise(steps.rows)} == {200, 300}
    assert steps.places_m()[-1] == (3.98, -1.0)
    way = steps.way(np.array(steps.places_m()) + np.array([0.0, 3.0]), 38_000 * MS)
    assert written(way)["track_s"].endswith(" 1.8")
    assert written(way)["track_dm"].endswith(" 40 20")
