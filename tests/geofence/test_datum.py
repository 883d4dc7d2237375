"""The shifted datum of Chinese maps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geofence.datum import gcj02_to_wgs84, wgs84_to_gcj02


def test_a_published_example_is_shifted_as_published() -> None:
    # coordtransform's own example, wgs84togcj02(116.404, 39.915)
    lon, lat = wgs84_to_gcj02(116.404, 39.915)
    assert (float(lon), float(lat)) == pytest.approx((116.41024449916938, 39.91640428150164), abs=1e-12)


@settings(deadline=None, max_examples=50)
@given(lon=st.floats(72.1, 137.7), lat=st.floats(0.9, 55.7))
def test_there_and_back_is_exact_to_far_below_a_millimetre(lon: float, lat: float) -> None:
    back = gcj02_to_wgs84(*wgs84_to_gcj02(lon, lat))
    np.testing.assert_allclose(back, (lon, lat), rtol=0, atol=1e-10)


@pytest.mark.parametrize(("lon", "lat"), [(-0.1, 51.5), (139.7, 35.7), (151.2, -33.9), (0.0, 0.0), (180.0, 90.0)])
def test_outside_china_nothing_is_changed(lon: float, lat: float) -> None:
    assert tuple(map(float, wgs84_to_gcj02(lon, lat))) == tuple(map(float, gcj02_to_wgs84(lon, lat))) == (lon, lat)


def test_arrays_keep_their_shape_and_are_not_changed() -> None:
    lon, lat = np.array([[119.95, 2.35, np.nan]]), np.array([[31.78, 48.85, 30.0]])
    given_lon, given_lat = lon.copy(), lat.copy()
    out_lon, out_lat = gcj02_to_wgs84(lon, lat)
    assert out_lon.shape == out_lat.shape == (1, 3)
    assert out_lon.dtype == np.float64
    assert np.isnan(out_lon[0, 2])
    np.testing.assert_array_equal((lon, lat), (given_lon, given_lat))


def test_the_shift_is_hundreds_of_metres() -> None:
    lon, lat = gcj02_to_wgs84(119.95, 31.78)
    assert 300 < np.hypot((119.95 - lon) * 94640, (31.78 - lat) * 110870) < 800
