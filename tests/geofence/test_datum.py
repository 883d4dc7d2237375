"""The shifted datum of Chinese maps."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geofence.datum import Datum, Gcj02, Wgs84

BOX_LON, BOX_LAT = (72.004, 137.8347), (0.8293, 55.8271)
MM_DEG = 1e-3 / 111_320
OUTSIDE = [(-0.1, 51.5), (139.7, 35.7), (151.2, -33.9), (0.0, 0.0), (180.0, 90.0)]


def true(lon: float, lat: float) -> Wgs84:
    return Wgs84(np.float64(lon), np.float64(lat))


def degrees(place: Wgs84 | Gcj02) -> tuple[float, float]:
    return float(place.lon_deg), float(place.lat_deg)


def test_a_published_example_is_shifted_as_published() -> None:
    # coordtransform's own example, wgs84togcj02(116.404, 39.915)
    assert degrees(true(116.404, 39.915).to_gcj02()) == pytest.approx((116.41024449916938, 39.91640428150164), abs=1e-12)


@settings(deadline=None, max_examples=200)
@given(lon=st.floats(*BOX_LON), lat=st.floats(*BOX_LAT))
@example(lon=BOX_LON[0], lat=BOX_LAT[0])
@example(lon=BOX_LON[0], lat=BOX_LAT[1])
@example(lon=BOX_LON[1], lat=BOX_LAT[0])
@example(lon=BOX_LON[1], lat=BOX_LAT[1])
@example(lon=105.0, lat=35.0)
@example(lon=105.0 + 1e-13, lat=35.0)
def test_there_and_back_is_exact_to_below_a_millimetre_all_over_the_box(lon: float, lat: float) -> None:
    assert degrees(true(lon, lat).to_gcj02().to_wgs84()) == pytest.approx((lon, lat), rel=0, abs=0.1 * MM_DEG)


def test_a_fine_net_over_the_box_comes_back_at_once() -> None:
    lon, lat = (axis.ravel() for axis in np.meshgrid(np.linspace(*BOX_LON, 400), np.linspace(*BOX_LAT, 300)))
    back = Wgs84(lon, lat).to_gcj02().to_wgs84()
    np.testing.assert_allclose(back.lon_deg, lon, rtol=0, atol=0.1 * MM_DEG)
    np.testing.assert_allclose(back.lat_deg, lat, rtol=0, atol=0.1 * MM_DEG)


@pytest.mark.parametrize(("lon", "lat"), OUTSIDE)
def test_outside_china_nothing_is_changed(lon: float, lat: float) -> None:
    assert degrees(true(lon, lat).to_gcj02()) == degrees(Wgs84.of(Datum.GCJ02, lon, lat)) == (lon, lat)


def test_arrays_keep_their_shape_and_are_not_changed() -> None:
    lon, lat = np.array([[119.95, 2.35, np.nan]]), np.array([[31.78, 48.85, 30.0]])
    given_lon, given_lat = lon.copy(), lat.copy()
    out = Gcj02(lon, lat).to_wgs84()
    assert out.lon_deg.shape == out.lat_deg.shape == (1, 3)
    assert out.lon_deg.dtype == np.float64
    assert np.isnan(out.lon_deg[0, 2])
    np.testing.assert_array_equal((lon, lat), (given_lon, given_lat))


def test_the_shift_is_hundreds_of_metres() -> None:
    place = Wgs84.of(Datum.GCJ02, 119.95, 31.78)
    assert 300 < np.hypot((119.95 - place.lon_deg) * 94640, (31.78 - place.lat_deg) * 110870) < 800


def test_what_is_wgs_84_comes_in_as_it_is() -> None:
    assert degrees(Wgs84.of(Datum.WGS84, 119.95, 31.78)) == (119.95, 31.78)


SNIPPET = """
import numpy as np
from devices.model import CommunityId
from geofence.datum import Gcj02, Wgs84, Wgs84Ring
from rules.premises import Fence, FenceId, FenceKind

drawn = Gcj02(np.array([119.95]), np.array([31.78]))
place: Wgs84 = drawn.to_wgs84()
ring: Wgs84Ring = place.ring()
again: Gcj02 = place.to_gcj02()
Fence(community_id=CommunityId("elm"), id=FenceId("park"), kind=FenceKind.LINE, path=ring)
"""

TWICE = {
    "place.to_wgs84()": '"Wgs84" has no attribute "to_wgs84"',
    "drawn.to_gcj02()": '"Gcj02" has no attribute "to_gcj02"',
    "drawn.ring()": '"Gcj02" has no attribute "ring"',
    "place = drawn": 'expression has type "Gcj02", variable has type "Wgs84"',
    "ring = ((119.95, 31.78),)": 'variable has type "Wgs84Ring"',
    'Fence(community_id=CommunityId("elm"), id=FenceId("park"), kind=FenceKind.LINE, path=((1.0, 2.0),))': 'Argument "path" to "Fence"',
}


def test_converting_once_type_checks_and_converting_twice_or_never_does_not(tmp_path: Path) -> None:
    file = tmp_path / "snippet.py"
    file.write_text(SNIPPET + "\n".join(TWICE) + "\n", encoding="utf-8")
    mypy = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--follow-imports=silent",
        "--config-file",
        "",
        "--cache-dir",
        str(tmp_path),
        str(file),
    ]
    done = subprocess.run(mypy, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    first = SNIPPET.count("\n") + 1
    assert [int(error.split(":")[1]) for error in errors] == list(range(first, first + len(TWICE))), done.stdout
    for error, said in zip(errors, TWICE.values(), strict=True):
        assert said in error
