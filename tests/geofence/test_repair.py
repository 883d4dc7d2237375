"""What is drawn badly, and what can be meant by it; and outlines that are drawn by figures."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from geofence import outlines, repair
from geofence.datum import Datum, Wgs84
from geofence.frames import Frame

Corners = list[tuple[int, int]]
PLACE = Wgs84.of(Datum.WGS84, 119.95, 31.78)


def ring(*corners: tuple[float, float]) -> NDArray[np.float64]:
    return np.array(corners, np.float64)


def region(valid: repair.Valid) -> shapely.MultiPolygon:
    return shapely.MultiPolygon([shapely.Polygon(shell, holes) for shell, *holes in valid.polygons])


def meant(corners: Corners) -> shapely.MultiPolygon | None:
    try:
        return region(repair.area([[ring(*corners)]]))
    except repair.UnclearShapeError:
        return None


CORNERS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=9)


@settings(deadline=None, max_examples=300)
@example(corners=[(0, 1), (0, 0), (1, 1), (0, 1), (1, 1)], begin=3, turned=False)  # an edge that is walked three times
@given(corners=CORNERS, begin=st.integers(0, 8), turned=st.booleans())
def test_where_a_ring_begins_and_which_way_it_runs_changes_nothing(corners: Corners, begin: int, *, turned: bool) -> None:
    shift = begin % len(corners)
    other = corners[shift:] + corners[:shift]
    one, another = meant(corners), meant(other[::-1] if turned else other)
    assert (one is None) is (another is None)
    if one is not None and another is not None:
        assert one.symmetric_difference(another).area == pytest.approx(0.0, abs=1e-9)


@settings(deadline=None, max_examples=300)
@given(CORNERS)
def test_what_is_accepted_is_valid_and_accepted_again_without_a_word(corners: Corners) -> None:
    if (one := meant(corners)) is not None:
        assert one.is_valid
        again = repair.area([[np.array(part.exterior.coords), *(np.array(hole.coords) for hole in part.interiors)] for part in one.geoms])
        assert again.notes == ()
        assert region(again).equals(one)


@pytest.mark.parametrize(
    ("polygons", "part", "what"),
    [
        pytest.param([[ring((0, 0), (4, 4), (4, 0), (0, 4))]], (0,), "Self-intersection at [2, 2]", id="bow tie"),
        pytest.param([[ring((0, 0), (1, 0), (1, 1))], [ring((5, 5), (9, 9), (9, 5), (5, 9))]], (1,), "at [7, 7]", id="second of two"),
        pytest.param([[ring((0, 0), (4, 0), (4, 4))], [ring((1, 0), (4, 0), (4, 3))]], (), "do not overlap", id="one in another"),
        pytest.param(
            [[ring((0, 0), (4, 0), (4, 4)), ring((3, 1), (9, 1), (9, 2))]], (0,), "rings that do not cross", id="hole across the edge"
        ),
        pytest.param([[ring((0, 0), (4, 0), (0, 0))]], (0, 0), "has 2 different positions, wanted at least 3", id="there and back"),
        pytest.param([[ring((0, 0), (2, 2), (5, 5))]], (0, 0), "encloses nothing", id="on one line"),
        pytest.param(
            [[ring((0, 0), (4, 0), (4, 4)), ring((3, 1), (3, 1), (3, 1))]], (0, 1), "has 1 different positions", id="a hole that is a point"
        ),
    ],
)
def test_what_is_ambiguous_is_refused_with_its_part(polygons: list[list[NDArray[np.float64]]], part: tuple[int, ...], what: str) -> None:
    with pytest.raises(repair.UnclearShapeError) as caught:
        repair.area(polygons)
    assert caught.value.part == part
    assert what in caught.value.what


def test_a_sliver_that_rounding_leaves_is_dropped() -> None:
    # The third and fourth corner go back along the second edge, in degrees that do not hit it exactly.
    corners = [(119.95 + x / 1000, 31.78 + y / 1000) for x, y in ((0, 0), (1, 4), (0, 5), (2, 3))]
    assert len(repair.area([[ring(*corners)]]).polygons) == 1


@given(st.floats(-300, 300), st.floats(-300, 300), st.floats(-179, 179), st.floats(-80, 80))
def test_metres_and_degrees_are_each_others_inverse(x: float, y: float, lon: float, lat: float) -> None:
    frame = Frame.at(lon, lat)
    place = frame.wgs84((x, y))
    assert frame.metres(place.lon_deg, place.lat_deg) == pytest.approx((x, y), abs=1e-6)


@settings(deadline=None)
@given(st.floats(0.02, 20_000))
def test_a_circle_is_round_to_a_centimetre(radius_m: float) -> None:
    _, shape = outlines.metric(outlines.circle(PLACE, radius_m))
    edge_m = shapely.get_coordinates(shape)
    middle_m = (edge_m[:-1] + edge_m[1:]) / 2
    assert np.hypot(*edge_m.T) == pytest.approx(radius_m, rel=1e-6)
    assert np.hypot(*middle_m.T).min() >= radius_m - 0.0101


@settings(deadline=None, max_examples=50)
@given(st.floats(0.5, 40), st.floats(0.5, 40), st.floats(-360, 360), st.floats(0.1, 20))
def test_what_grows_outwards_has_its_edge_so_far_away(length_m: float, width_m: float, heading_deg: float, outwards_m: float) -> None:
    inner = outlines.rectangle(PLACE, length_m, width_m, heading_deg)
    frame, grown = outlines.metric(outlines.outwards(inner, outwards_m))
    _, footprint = outlines.metric(inner, frame)
    away_m = shapely.distance(footprint, shapely.points(shapely.get_coordinates(grown)))
    assert away_m == pytest.approx(outwards_m, abs=1e-6)
    assert footprint.area == pytest.approx(length_m * width_m, rel=1e-6)
    assert grown.area == pytest.approx(footprint.area + 2 * (length_m + width_m) * outwards_m + math.pi * outwards_m**2, rel=0.01)
