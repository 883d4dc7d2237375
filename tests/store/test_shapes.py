"""Shapes of the community file: what is a shape, what is repaired, what is none, and why and where."""

import math
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geofence.datum import Datum, Wgs84, Wgs84Rings
from geofence.outlines import metric
from store import shapes
from store.shapes import MAX_VERTICES, ShapeError, area, around, border, circle, corridor, line, point, rectangle

SQUARE = [[119.95, 31.78], [119.96, 31.78], [119.96, 31.79], [119.95, 31.79], [119.95, 31.78]]
HOLE = [[119.953, 31.783], [119.953, 31.787], [119.957, 31.787], [119.957, 31.783], [119.953, 31.783]]
FAR = [[120.0, 31.78], [120.01, 31.78], [120.01, 31.79], [120.0, 31.78]]
PLACE = [119.95, 31.78]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def several(*polygons: Any) -> dict[str, Any]:
    return {"type": "MultiPolygon", "coordinates": list(polygons)}


def path(*positions: Any) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": list(positions)}


def area_m2(rings: Wgs84Rings) -> float:
    return float(metric(rings)[1].area)


def test_a_polygon_is_its_shell_and_its_holes() -> None:
    found = area(polygon(SQUARE, HOLE), Datum.WGS84)
    assert [len(rings) for rings in found.rings] == [2]
    assert found.rings[0][0] == tuple(map(tuple, SQUARE))
    assert found.notes == ()


def test_a_multipolygon_is_several() -> None:
    assert len(area(several([SQUARE], [FAR]), Datum.WGS84).rings) == 2


def test_shells_run_anticlockwise_and_holes_clockwise_however_they_were_drawn() -> None:
    found = area(polygon(SQUARE[::-1], HOLE[::-1]), Datum.WGS84)
    assert found == area(polygon(SQUARE, HOLE), Datum.WGS84)
    assert found.notes == ()


SPIKE = [*SQUARE[:3], [119.97, 31.8], *SQUARE[2:]]
AT_THE_EDGE = [[119.95, 31.783], [119.952, 31.783], [119.952, 31.785], [119.95, 31.785], [119.95, 31.783]]
BESIDE = [[119.96, 31.78], [119.97, 31.78], [119.97, 31.79], [119.96, 31.79], [119.96, 31.78]]
TOUCHED = (("coordinates",), "touched itself, and was drawn anew with the same area")


@pytest.mark.parametrize(
    ("geometry", "sound", "notes"),
    [
        pytest.param(polygon(SQUARE[:-1]), polygon(SQUARE), [(("coordinates", 0), "was not closed")], id="not closed"),
        pytest.param(
            polygon([*SQUARE[:2], *SQUARE[1:]]),
            polygon(SQUARE),
            [(("coordinates", 0), "held 1 positions that repeat the one before")],
            id="a position twice in a row",
        ),
        pytest.param(
            polygon([[*position, 12.5] for position in SQUARE]),
            polygon(SQUARE),
            [(("coordinates", 0), "held heights, which are left out")],
            id="heights",
        ),
        pytest.param(polygon(HOLE, SQUARE), polygon(SQUARE, HOLE), [(("coordinates",), "had its outer ring at place 1")], id="hole first"),
        pytest.param(
            several([FAR], [HOLE, SQUARE]),
            several([FAR], [SQUARE, HOLE]),
            [(("coordinates", 1), "had its outer ring at place 1")],
            id="hole first in the second polygon",
        ),
        pytest.param(polygon(SPIKE), polygon(SQUARE), [TOUCHED], id="a spike"),
        pytest.param(several([SQUARE], [BESIDE]), polygon([SQUARE[0], *BESIDE[1:3], SQUARE[3], SQUARE[0]]), [TOUCHED], id="wall to wall"),
        pytest.param(
            polygon(SQUARE, AT_THE_EDGE),
            polygon([*SQUARE[:4], *AT_THE_EDGE[3:1:-1], *AT_THE_EDGE[1::-1], SQUARE[0]]),
            [TOUCHED],
            id="a hole at the edge",
        ),
    ],
)
def test_what_can_be_meant_in_one_way_is_repaired_and_said(geometry: dict[str, Any], sound: dict[str, Any], notes: list[Any]) -> None:
    found, meant = area(geometry, Datum.WGS84), area(sound, Datum.WGS84)
    assert list(found.notes) == notes
    assert metric(found.rings)[1].symmetric_difference(metric(meant.rings)[1]).area == pytest.approx(0, abs=1e-3)


def test_rings_that_touch_at_a_corner_become_two_areas() -> None:
    eight = [[0, 0], [5, 5], [10, 0], [10, 10], [5, 5], [0, 10], [0, 0]]
    assert len(area(polygon(eight), Datum.WGS84).rings) == 2


BOW_TIE = [[119.95, 31.78], [119.96, 31.79], [119.96, 31.78], [119.95, 31.79], [119.95, 31.78]]
SHIFTED = [[119.955, 31.78], [119.965, 31.78], [119.965, 31.79], [119.955, 31.79], [119.955, 31.78]]


@pytest.mark.parametrize(
    ("geometry", "where", "what"),
    [
        (polygon(BOW_TIE), ("coordinates",), "Self-intersection at [119.955, 31.785]), wanted rings that do not cross"),
        (several([FAR], [BOW_TIE]), ("coordinates", 1), "Self-intersection at [119.955, 31.785]"),
        (several([SQUARE], [SHIFTED]), ("coordinates",), "wanted polygons that do not overlap"),
        (polygon(SQUARE, SHIFTED), ("coordinates",), "no valid area"),
        (polygon(SQUARE, FAR), ("coordinates",), "Hole lies outside shell at [120, 31.78]"),
        (polygon(FAR, HOLE), ("coordinates",), "Hole lies outside shell"),
        (polygon(SQUARE[:2]), ("coordinates", 0), "holds 2 positions [lon, lat], wanted at least 3"),
        (polygon([*SQUARE[:2], SQUARE[0]]), ("coordinates", 0), "has 2 different positions, wanted at least 3"),
        (polygon([[0, 0], [1, 1], [3, 3], [0, 0]]), ("coordinates", 0), "encloses nothing"),
        (polygon([[0, 0], [1.0e-300, 0], [1, 1], [0, 0]]), ("coordinates", 0), "encloses nothing"),
        (polygon(SQUARE, [PLACE] * 4), ("coordinates", 1), "has 1 different positions"),
        (polygon(), ("coordinates",), "at least 1"),
        (several(), ("coordinates",), "holds 0 polygons, wanted at least 1"),
        (polygon([]), ("coordinates", 0), "holds 0 positions"),
        (polygon([[31.78, 119.95], *SQUARE]), ("coordinates", 0, 0), "are they swapped?"),
        (polygon([[190, 31.78], *SQUARE]), ("coordinates", 0, 0), "no longitude"),
        (polygon([[13352345.6, 3738210.2], *SQUARE]), ("coordinates", 0, 0), "3738210.2 is no latitude"),
        (polygon([[math.nan, 31.78], *SQUARE]), ("coordinates", 0, 0), "no position"),
        (polygon([[math.inf, 31.78], *SQUARE]), ("coordinates", 0, 0), "no position"),
        (polygon([[True, 31.78], *SQUARE]), ("coordinates", 0, 0), "no position"),
        (polygon([["119", "31"], *SQUARE]), ("coordinates", 0, 0), "no position"),
        (polygon([[119], *SQUARE]), ("coordinates", 0, 0), "no position"),
        (polygon([[119, 31, 5, 6], *SQUARE]), ("coordinates", 0, 0), "no position"),
        (polygon([5, *SQUARE]), ("coordinates", 0, 0), "no position"),
        (polygon("round"), ("coordinates", 0), "wanted a list"),
        (
            polygon([[179.9, 10], [-179.9, 10], [-179.9, 11], [179.9, 11], [179.9, 10]]),
            ("coordinates",),
            "reaches from longitude -179.9 to 179.9: across the antimeridian or around a pole",
        ),
        (
            several([[[179.9, 10], [180, 10], [180, 11], [179.9, 10]]], [[[-180, 10], [-179.9, 10], [-180, 11], [-180, 10]]]),
            ("coordinates",),
            "across the antimeridian",
        ),
        (polygon([[-120, 80], [0, 81], [120, 80], [-120, 80]]), ("coordinates",), "around a pole"),
        (polygon([[10, 84], [11, 84], [10, 86], [10, 84]]), ("coordinates",), "reaches latitude 86, wanted at most 85"),
        ({"type": "Point", "coordinates": [1, 2]}, ("type",), "wanted Polygon or MultiPolygon"),
        ({"type": ["Polygon"], "coordinates": []}, ("type",), "wanted Polygon or MultiPolygon"),
        ({"coordinates": []}, ("type",), "is missing"),
        ({"type": "Polygon"}, ("coordinates",), "is missing"),
        ({"type": "Polygon", "coordinates": [SQUARE], "crs": 4326}, ("crs",), "GeoJSON is WGS 84 (RFC 7946), wanted no crs"),
        ({"type": "Polygon", "coordinates": [SQUARE], "round": True}, ("round",), "no key"),
    ],
)
def test_a_wrong_area_says_where_and_why(geometry: dict[str, Any], where: tuple[str | int, ...], what: str) -> None:
    with pytest.raises(ShapeError) as caught:
        area(geometry, Datum.WGS84)
    assert caught.value.path == where
    assert what in caught.value.what


def test_where_an_area_crosses_itself_is_told_in_its_own_coordinates() -> None:
    with pytest.raises(ShapeError, match=r"at \[119.955, 31.785\]"):
        area(polygon(BOW_TIE), Datum.GCJ02)


def test_more_than_a_million_positions_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_VERTICES == 1_000_000
    monkeypatch.setattr(shapes, "MAX_VERTICES", 4)
    with pytest.raises(ShapeError, match="holds 5 positions, wanted at most 4"):
        area(polygon(SQUARE), Datum.WGS84)


@pytest.mark.parametrize(
    ("geometry", "what"),
    [
        (path([1, 2], [1, 2]), "has no length"),
        (path([1, 2]), "at least 2"),
        (path([0, 0], [2, 2], [2, 0], [0, 2]), r"crosses itself at \[1, 1\]"),
        (path([0, 0], [2, 0], [1, 0]), r"crosses itself at \[1, 0\]"),
        (path([179.9, 10], [-179.9, 10]), "across the antimeridian"),
        (polygon(SQUARE), "wanted LineString or MultiLineString"),
        ({"type": "MultiLineString", "coordinates": [[[0, 0], [1, 1]], [[2, 2], [3, 2]]]}, "2 lines that do not go on from each other"),
        ({"type": "MultiLineString", "coordinates": [[[0, 0], [1, 1]], [[2, 2], [1, 1]]]}, "draw each as a fence of its own"),
    ],
)
def test_a_wrong_line_says_why(geometry: dict[str, Any], what: str) -> None:
    with pytest.raises(ShapeError, match=what):
        line(geometry, Datum.WGS84)


def test_a_line_of_several_parts_that_go_on_from_each_other_is_one() -> None:
    found = line({"type": "MultiLineString", "coordinates": [[[1, 1], [2, 1]], [[0, 0], [1, 1]]]}, Datum.WGS84)
    assert found.path == ((0.0, 0.0), (1.0, 1.0), (2.0, 1.0))
    assert found.notes == ((("coordinates",), "held 2 lines that go on from each other"),)


def test_a_line_may_be_closed() -> None:
    assert len(line(path([0, 0], [1, 0], [1, 1], [0, 0]), Datum.WGS84).path) == 4


def test_a_lines_heights_and_repeated_positions_are_left_out() -> None:
    found = line(path([1, 2, 30], [1, 2, 31], [1.5, 2, 30]), Datum.WGS84)
    assert found.path == ((1.0, 2.0), (1.5, 2.0))
    assert [what for _, what in found.notes] == ["held heights, which are left out", "held 1 positions that repeat the one before"]


def test_a_circle_is_as_large_as_it_says() -> None:
    assert area_m2(circle(PLACE, 50, Datum.WGS84).rings) == pytest.approx(math.pi * 50**2, rel=1e-3)


def test_a_rectangle_runs_along_its_heading() -> None:
    ((ring,),) = rectangle(PLACE, 40, 10, 90, Datum.WGS84).rings
    extent_m = np.ptp(metric((((ring),),))[0].metres(*np.array(ring).T), axis=0)
    assert extent_m == pytest.approx([40, 10], abs=1e-6)


def test_a_corridor_reaches_half_its_width_to_every_side() -> None:
    found = corridor([PLACE, [119.951, 31.78]], 6, Datum.WGS84)
    length_m = 0.001 * metric(found.rings)[0].east_m_per_deg
    assert area_m2(found.rings) == pytest.approx(6 * length_m + math.pi * 9, rel=1e-3)


def test_a_footprint_grows_by_so_much_on_every_side() -> None:
    footprint = rectangle(PLACE, 10, 8, 0, Datum.WGS84).rings
    assert area_m2(around(footprint, 2).rings) == pytest.approx(80 + 2 * 2 * 18 + math.pi * 4, rel=1e-3)
    assert around(footprint, 0).rings == footprint


def test_a_line_around_a_footprint_has_it_on_its_left() -> None:
    (ring,) = (border(rectangle(PLACE, 10, 8, 0, Datum.WGS84).rings, 2).path,)
    x, y = (np.array(ring) - PLACE).T
    assert ring[0] == ring[-1]
    assert float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) > 0  # anticlockwise


def test_no_line_goes_around_two_wings_that_stay_apart() -> None:
    wings = area(several([SQUARE], [FAR]), Datum.WGS84).rings
    with pytest.raises(ShapeError, match="has 2 parts, which no single line goes around"):
        border(wings, 2)


@pytest.mark.parametrize(
    ("draw", "where", "what"),
    [
        (lambda: circle([31.78, 119.95], 5, Datum.WGS84), ("center",), "are they swapped?"),
        (lambda: circle([119.95], 5, Datum.WGS84), ("center",), "is no position"),
        (lambda: circle([180, 10], 5, Datum.WGS84), ("center",), "across the antimeridian"),
        (lambda: rectangle([10, 85], 5, 5, 0, Datum.WGS84), ("center",), "nearer to a pole"),
        (lambda: corridor([PLACE, PLACE], 5, Datum.WGS84), ("line",), "has no length"),
        (lambda: corridor([PLACE], 5, Datum.WGS84), ("line",), "wanted at least 2"),
        (lambda: corridor([PLACE, [31.78, 119.95]], 5, Datum.WGS84), ("line", 1), "are they swapped?"),
    ],
)
def test_a_wrong_outline_says_where_and_why(draw: Any, where: tuple[str | int, ...], what: str) -> None:
    with pytest.raises(ShapeError) as caught:
        draw()
    assert caught.value.path == where
    assert what in caught.value.what


def test_what_was_drawn_on_a_chinese_map_is_moved_to_where_it_is() -> None:
    drawn = line(path([119.955, 31.782], [119.956, 31.782]), Datum.GCJ02).path
    true = Wgs84.of(Datum.GCJ02, 119.955, 31.782)
    assert drawn[0] == point(119.955, 31.782, Datum.GCJ02) == (float(true.lon_deg), float(true.lat_deg))
    assert 100 < math.dist(drawn[0], (119.955, 31.782)) * 111_195 < 1000


def test_a_circle_on_a_chinese_map_is_round_on_the_ground() -> None:
    rings = circle(PLACE, 50, Datum.GCJ02).rings
    frame, _ = metric(rings)
    assert math.dist(frame.metres(*point(119.95, 31.78, Datum.GCJ02)), (0, 0)) < 0.01
    assert np.hypot(*frame.metres(*np.array(rings[0][0]).T).T) == pytest.approx(50, abs=0.01)


def test_what_touches_on_a_chinese_map_still_does_where_it_is() -> None:
    corner_at_the_edge = [[119.955, 31.78], [119.956, 31.782], [119.954, 31.782], [119.955, 31.78]]
    found = area(polygon(SQUARE, corner_at_the_edge), Datum.GCJ02)
    assert metric(found.rings)[1].is_valid
    assert area_m2(found.rings) == pytest.approx(area_m2(area(polygon(SQUARE, corner_at_the_edge), Datum.WGS84).rings), rel=1e-2)


def test_outside_china_the_datums_are_the_same() -> None:
    assert point(-0.1, 51.5, Datum.GCJ02) == (-0.1, 51.5)


@settings(deadline=None, max_examples=60)
@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=5))
)
def test_any_coordinates_are_a_shape_or_an_error_of_it(coordinates: object) -> None:
    for kind, read in (("Polygon", area), ("MultiPolygon", area), ("LineString", line), ("MultiLineString", line)):
        try:
            read({"type": kind, "coordinates": coordinates}, Datum.GCJ02)
        except ShapeError as error:
            assert error.what  # noqa: PT017  either outcome is right


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=9), st.sampled_from(Datum))
def test_any_ring_is_refused_or_becomes_valid_with_the_area_that_was_drawn(corners: list[tuple[int, int]], datum: Datum) -> None:
    ring = [[119.95 + x / 1000, 31.78 + y / 1000] for x, y in corners]
    try:
        found = area(polygon(ring), datum)
    except ShapeError:
        return
    x, y = np.array([*corners, corners[0]], np.float64).T
    drawn = abs(float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))) / 2
    # In degrees, as it is kept: where a corner touches an edge, another rounding of the same shape may cross it.
    assert shapely.MultiPolygon([shapely.Polygon(shell, holes) for shell, *holes in found.rings]).is_valid
    frame, shape = metric(found.rings)
    assert shape.area == pytest.approx(drawn * frame.east_m_per_deg * frame.north_m_per_deg / 1e6, rel=0.01)
