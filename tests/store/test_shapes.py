"""GeoJSON of the community file: what is a shape, what is none, and why."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.shapes import ShapeError, area, distance_m, half_width_m, line, point

SQUARE = [[119.95, 31.78], [119.96, 31.78], [119.96, 31.79], [119.95, 31.79], [119.95, 31.78]]
HOLE = [[119.953, 31.783], [119.953, 31.787], [119.957, 31.787], [119.957, 31.783], [119.953, 31.783]]
FAR = [[120.0, 31.78], [120.01, 31.78], [120.01, 31.79], [120.0, 31.78]]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def path(*positions: Any) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": list(positions)}


def test_a_polygon_is_its_shell_and_its_holes() -> None:
    rings = area(polygon(SQUARE, HOLE), "wgs84")
    assert [len(polygon_rings) for polygon_rings in rings] == [2]
    assert rings[0][0] == tuple(map(tuple, SQUARE))


def test_a_multipolygon_is_several() -> None:
    assert len(area({"type": "MultiPolygon", "coordinates": [[SQUARE], [FAR]]}, "wgs84")) == 2


def test_a_height_is_left_out() -> None:
    assert line(path([1, 2, 30], [1.5, 2, 30]), "wgs84") == ((1.0, 2.0), (1.5, 2.0))


def test_a_position_that_stands_twice_in_a_row_is_one() -> None:
    assert line(path([1, 2], [1, 2], [1.5, 2]), "wgs84") == ((1.0, 2.0), (1.5, 2.0))


BOW_TIE = [[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]


@pytest.mark.parametrize(
    ("geometry", "where", "what"),
    [
        (polygon(BOW_TIE), ("coordinates",), "Self-intersection"),
        (polygon(SQUARE[:-1]), ("coordinates", 0), "not closed"),
        (polygon(SQUARE[:2]), ("coordinates", 0), "at least 4"),
        (polygon(), ("coordinates",), "at least 1"),
        (polygon(FAR, HOLE), ("coordinates",), "no valid area"),
        (polygon([[31.78, 119.95], *SQUARE]), ("coordinates", 0, 0), "are they swapped?"),
        (polygon([[190, 31.78], *SQUARE]), ("coordinates", 0, 0), "no longitude"),
        (polygon([[math.nan, 31.78], *SQUARE]), ("coordinates", 0, 0), "no position"),
        (polygon([[math.inf, 31.78], *SQUARE]), ("coordinates", 0, 0), "no position"),
        (polygon([[True, 31.78], *SQUARE]), ("coordinates", 0, 0), "no position"),
        (polygon([["119", "31"], *SQUARE]), ("coordinates", 0, 0), "no position"),
        (polygon([[119], *SQUARE]), ("coordinates", 0, 0), "no position"),
        (polygon([5, *SQUARE]), ("coordinates", 0, 0), "no position"),
        (polygon("round"), ("coordinates", 0), "wanted a list"),
        ({"type": "Point", "coordinates": [1, 2]}, ("type",), "wanted Polygon or MultiPolygon"),
        ({"type": ["Polygon"], "coordinates": []}, ("type",), "wanted Polygon or MultiPolygon"),
        ({"coordinates": []}, ("type",), "is missing"),
        ({"type": "Polygon"}, ("coordinates",), "is missing"),
        ({"type": "Polygon", "coordinates": [SQUARE], "crs": 4326}, ("crs",), "no key"),
    ],
)
def test_a_wrong_area_says_where_and_why(geometry: dict[str, Any], where: tuple[str | int, ...], what: str) -> None:
    with pytest.raises(ShapeError) as caught:
        area(geometry, "wgs84")
    assert caught.value.path == where
    assert what in caught.value.what


@pytest.mark.parametrize(
    ("geometry", "what"),
    [
        (path([1, 2], [1, 2]), "has no length"),
        (path([1, 2]), "at least 2"),
        (path([0, 0], [2, 2], [2, 0], [0, 2]), "crosses itself"),
        ({"type": "MultiLineString", "coordinates": [[[0, 0], [1, 1]]]}, "wanted LineString"),
    ],
)
def test_a_wrong_line_says_why(geometry: dict[str, Any], what: str) -> None:
    with pytest.raises(ShapeError, match=what):
        line(geometry, "wgs84")


def test_what_was_drawn_on_a_chinese_map_is_moved_to_where_it_is() -> None:
    drawn = line(path([119.955, 31.782], [119.956, 31.782]), "gcj02")
    assert 100 < distance_m(drawn, (119.955, 31.782)) < 1000
    assert point(119.955, 31.782, "gcj02") == pytest.approx(drawn[0])


def test_outside_china_the_datums_are_the_same() -> None:
    assert point(-0.1, 51.5, "gcj02") == (-0.1, 51.5)


def test_the_half_width_is_the_radius_of_the_largest_circle_inside() -> None:
    assert half_width_m(area(polygon(SQUARE), "wgs84")) == pytest.approx(0.005 * 111_195 * math.cos(math.radians(31.785)), rel=0.01)


def test_the_distance_to_a_line_is_to_its_nearest_point() -> None:
    assert distance_m(((119.94, 31.78), (119.96, 31.78)), (119.95, 31.7801)) == pytest.approx(11.12, abs=0.01)


@settings(deadline=None, max_examples=60)
@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=5))
)
def test_any_coordinates_are_a_shape_or_an_error_of_it(coordinates: object) -> None:
    for kind, read in (("Polygon", area), ("MultiPolygon", area), ("LineString", line)):
        try:
            read({"type": kind, "coordinates": coordinates}, "gcj02")
        except ShapeError as error:
            assert error.what  # noqa: PT017  either outcome is right
