"""Local metres of a home, and the way back to degrees."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geofence.floor import Floor
from geofence.frames import Frame

LON, LAT = 119.95, 31.78


@given(heading_deg=st.floats(-180, 180), x_m=st.floats(-100, 100), y_m=st.floats(-100, 100))
def test_there_and_back_is_the_same_place(heading_deg: float, x_m: float, y_m: float) -> None:
    floor = Floor.at(LON, LAT, heading_deg)
    there = floor.wgs84([[x_m, y_m]])
    np.testing.assert_allclose(floor.metres(there.lon_deg, there.lat_deg), [[x_m, y_m]], atol=1e-6)


def test_ahead_is_where_it_points() -> None:
    east = Floor.at(LON, LAT, 90.0).wgs84([0.0, 10.0])
    np.testing.assert_allclose(Frame.at(LON, LAT).metres(east.lon_deg, east.lat_deg), [10.0, 0.0], atol=1e-6)


@pytest.mark.parametrize("turned_deg", [0.0, 30.0, -44.0, 44.0])
@pytest.mark.parametrize("quarter", [0, 90, 180, 270])
def test_the_walls_of_a_footprint_are_straight_on_its_floor(turned_deg: float, quarter: int) -> None:
    corners = np.array([[-6, -4], [6, -4], [6, 4], [-6, 4], [-6, -4]], np.float64)
    drawn = Floor.at(LON, LAT, turned_deg + quarter).wgs84(corners)
    ring = np.stack([drawn.lon_deg, drawn.lat_deg], axis=1)
    floor = Floor.under(ring)
    assert abs(floor.heading_deg) <= 45.0
    walls = np.diff(floor.metres(*ring.T), axis=0)
    np.testing.assert_allclose(np.abs(walls).min(axis=1), 0.0, atol=1e-3)
