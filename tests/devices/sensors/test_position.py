from collections.abc import Callable

import numpy as np
import pytest

from devices.model import Message, SensorKind
from devices.sensors.position import DEFAULT_ACCURACY_M, POSITION

Build = Callable[..., Message]


def test_gcj_02_is_converted_and_wgs_84_is_not(message: Build) -> None:
    fix = {"lon": 119.95, "lat": 31.78}
    messages = [message(SensorKind.POSITION, {**fix, **more}) for more in ({}, {"datum": "wgs84"}, {"datum": "gcj02"})]
    batch = POSITION.decode(messages).batch
    assert batch.lon_deg[:2].tolist() == [119.95, 119.95]
    east_m, north_m = (119.95 - batch.lon_deg[2]) * 94_600, (batch.lat_deg[2] - 31.78) * 111_000
    assert 100 < np.hypot(east_m, north_m) < 1000  # the shift in eastern China is about half a kilometre


def test_a_missing_or_zero_accuracy_becomes_the_default(message: Build) -> None:
    fixes = [
        message(SensorKind.POSITION, {"lon": 1, "lat": 2, **more})
        for more in ({}, {"accuracy_m": 0}, {"accuracy_m": None}, {"accuracy_m": 3})
    ]
    assert POSITION.decode(fixes).batch.accuracy_m.tolist() == [DEFAULT_ACCURACY_M] * 3 + [3]


def test_speed_and_heading_are_nan_where_not_sent(message: Build) -> None:
    batch = POSITION.decode([message(SensorKind.POSITION, {"lon": 1, "lat": 2, "heading_deg": 360})]).batch
    assert np.isnan(batch.speed_mps).all()
    assert batch.heading_deg.tolist() == [360]


@pytest.mark.parametrize("fix", [{"lon": 180, "lat": -90}, {"lon": -180, "lat": 90}, {"lon": 0, "lat": 51.5}, {"lon": 6.6, "lat": 0}])
def test_the_limits_and_the_meridians_are_positions(fix: dict[str, float], message: Build) -> None:
    assert not POSITION.decode([message(SensorKind.POSITION, fix)]).rejected


@pytest.mark.parametrize(
    ("fix", "words"),
    [
        ({"lon": 0, "lat": 0}, "($.lon, $.lat) is (0, 0), wanted a position"),
        ({"lon": -0.0, "lat": 0.0}, "($.lon, $.lat) is (0, 0), wanted a position"),
        ({"lon": 180.001, "lat": 0}, "$.lon is 180.001, wanted `float` <= 180.0"),
        ({"lon": 31.78, "lat": 119.95}, "$.lat is 119.95, wanted `float` <= 90.0"),
        ({"lon": 1, "lat": 2, "accuracy_m": -1}, "$.accuracy_m is -1, wanted `float` >= 0.0"),
        ({"lon": 1, "lat": 2, "speed_mps": -1}, "$.speed_mps is -1, wanted"),
        ({"lon": 1, "lat": 2, "heading_deg": 361}, "$.heading_deg is 361, wanted"),
        ({"lon": 1, "lat": 2, "datum": "bd09"}, "$.datum is 'bd09', wanted wgs84 or gcj02"),
        ({"lon": "1", "lat": 2}, "$.lon is '1', wanted `float`"),
        ({"lon": 1}, "$.lat is missing"),
    ],
)
def test_a_wrong_fix_is_set_aside_with_its_reason(fix: dict[str, object], words: str, message: Build) -> None:
    (rejected,) = POSITION.decode([message(SensorKind.POSITION, fix)]).rejected
    assert rejected.reason.startswith(words)
