"""Areas and the plane they are measured in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geofence.frames import Frame, turned
from geofence.shapes import Area

CENTRE = (119.95, 31.78)
Corners = list[tuple[float, float]]


def ring(corners: Corners, centre: tuple[float, float] = CENTRE) -> list[tuple[float, float]]:
    frame = Frame.at(*centre)
    return [(centre[0] + x / frame.east_m_per_deg, centre[1] + y / frame.north_m_per_deg) for x, y in corners]


def square(half_m: float, x: float = 0.0, y: float = 0.0) -> Corners:
    return [
        (x - half_m, y - half_m),
        (x + half_m, y - half_m),
        (x + half_m, y + half_m),
        (x - half_m, y + half_m),
        (x - half_m, y - half_m),
    ]


def distance(area: Area, *places: tuple[float, float], centre: tuple[float, float] = CENTRE) -> list[float]:
    return area.signed_distance(*np.array(ring(list(places), centre)).T).tolist()


def test_a_degree_has_the_length_that_geodesy_says() -> None:
    # WGS 84 at 45 degrees: 111,131.8 m of latitude, 78,846.8 m of longitude.
    frame = Frame.at(7.0, 45.0)
    assert (frame.north_m_per_deg, frame.east_m_per_deg) == pytest.approx((111_131.8, 78_846.8), abs=0.1)


def test_metres_go_the_short_way_round() -> None:
    assert Frame.at(179.999, 0.0).metres(-179.999, 0.0)[0] == pytest.approx(222.6, abs=0.1)


@pytest.mark.parametrize(("heading_deg", "expected"), [(0, (1, 2)), (90, (2, -1)), (180, (-1, -2)), (270, (-2, 1))])
def test_a_sensor_looks_where_it_points(heading_deg: float, expected: tuple[float, float]) -> None:
    np.testing.assert_allclose(turned(heading_deg, 1.0, 2.0), expected, atol=1e-12)


def test_inside_is_positive_and_a_hole_is_outside() -> None:
    area = Area.of([[ring(square(50)), ring(square(10, x=20))]])
    assert distance(area, (0, 0), (20, 0), (70, 0), (-40, 0), (53, 54)) == pytest.approx([10, -10, -20, 10, -5], abs=1e-6)


def test_of_several_polygons_the_nearest_counts() -> None:
    area = Area.of([[ring(square(10))], [ring(square(10, x=100))]])
    assert distance(area, (40, 0), (65, 0), (100, 0)) == pytest.approx([-30, -25, 10], abs=1e-6)


def test_a_ring_that_is_not_closed_is_closed() -> None:
    assert distance(Area.of([[ring(square(50)[:-1])]]), (0, 0)) == pytest.approx([50], abs=1e-6)


def test_a_shape_that_crosses_itself_is_repaired() -> None:
    bow = ring([(-10, -10), (10, 10), (10, -10), (-10, 10), (-10, -10)])
    inside, outside = distance(Area.of([[bow]]), (8, 0), (0, 8))
    assert inside > 0 > outside


def test_polygons_that_overlap_have_no_border_within() -> None:
    area = Area.of([[ring(square(20))], [ring(square(20, x=20))]])
    assert distance(area, (10, 0)) == pytest.approx([20], abs=1e-6)


def test_depth_is_that_of_the_deepest_point() -> None:
    assert Area.of([[ring(square(50))]]).depth_m == pytest.approx(50, rel=0.02)
    assert Area.of([[ring([(0, 0), (1000, 0), (1000, 4), (0, 4)])]]).depth_m == pytest.approx(2, rel=0.05)
    assert Area.of([[ring([(0, 0), (5, 5), (10, 10), (0, 0)])]]).depth_m == pytest.approx(0.0, abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(
    angles=st.lists(st.floats(0.0, 6.28), min_size=3, max_size=9, unique=True),
    x=st.floats(-80, 80),
    y=st.floats(-80, 80),
    begin=st.integers(0, 8),
    east=st.floats(-0.5, 0.5),
)
def test_reversing_turning_or_moving_a_ring_changes_nothing(angles: list[float], x: float, y: float, begin: int, east: float) -> None:
    corners = [(50 * float(np.cos(a)) * (1 + a / 9), 50 * float(np.sin(a))) for a in sorted(angles)]
    shift = begin % len(corners)
    (expected,) = distance(Area.of([[ring(corners)]]), (x, y))
    moved = (CENTRE[0] + east, CENTRE[1])
    others = [
        *distance(Area.of([[ring(corners[::-1])]]), (x, y)),
        *distance(Area.of([[ring(corners[shift:] + corners[:shift])]]), (x, y)),
        *distance(Area.of([[ring(corners, moved)]]), (x, y), centre=moved),
    ]
    np.testing.assert_allclose(np.abs(others), abs(expected), atol=1e-6)
    if abs(expected) > 1e-6:
        np.testing.assert_array_equal(np.sign(others), np.sign(expected))
