"""The way to a fence as text: there and back, and what is no such text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geofence.trail import MOST, Trail, read, written

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
