"""The kinds whose readings are one state, one press or one total, and frames of targets."""

from collections.abc import Callable

import numpy as np
import pytest

from devices.model import Batch, Kind, Message, SensorKind
from devices.sensors.button import BUTTON, Press
from devices.sensors.contact import CONTACT
from devices.sensors.meter import METER
from devices.sensors.motion import MOTION
from devices.sensors.status import STATUS
from devices.sensors.targets import TARGETS

Build = Callable[..., Message]


def test_a_target_at_exactly_the_origin_is_none_and_its_frame_stays(message: Build) -> None:
    frames = [
        [{"x_m": 0, "y_m": 0, "speed_mps": 1}],
        [{"x_m": 0, "y_m": 1}, {"x_m": 0.0, "y_m": -0.0}, {"x_m": -2, "y_m": 0, "speed_mps": -0.5}],
        [],
        [{"x_m": 3, "y_m": 3}],
    ]
    batch = TARGETS.decode([message(SensorKind.TARGETS, {"targets": frame}) for frame in frames]).batch
    assert batch.offset.tolist() == [0, 0, 2, 2, 3]
    assert batch.x_m.tolist() == [0, -2, 3]
    np.testing.assert_array_equal(batch.speed_mps, [np.nan, -0.5, np.nan])


def test_every_press_has_its_code(message: Build) -> None:
    presses = [message(SensorKind.BUTTON, {"pressed": name}) for name in ("duress", "sos", "cancel")]
    assert BUTTON.decode(presses).batch.press.tolist() == [Press.DURESS, Press.SOS, Press.CANCEL]


def test_a_total_that_is_not_sent_is_nan(message: Build) -> None:
    batch = METER.decode([message(SensorKind.METER, {"water_l": 0}), message(SensorKind.METER, {"electricity_wh": 2.5})]).batch
    np.testing.assert_array_equal(batch.water_l, [0, np.nan])
    np.testing.assert_array_equal(batch.electricity_wh, [np.nan, 2.5])


def test_a_status_tells_yes_no_and_not_sent_apart(message: Build) -> None:
    statuses = [{}, {"online": True, "tamper": False}, {"online": False, "battery_percent": 0}, {"online": None, "tamper": True}]
    batch = STATUS.decode([message(SensorKind.STATUS, status) for status in statuses]).batch
    assert batch.online.tolist() == [-1, 1, 0, -1]
    assert batch.tamper.tolist() == [-1, 0, -1, 1]
    np.testing.assert_array_equal(batch.battery_percent, [np.nan, np.nan, 0, np.nan])


@pytest.mark.parametrize(
    ("kind", "payload", "words"),
    [
        (CONTACT, {"open": 1}, "$.open is 1, wanted `bool`, got `int`"),
        (CONTACT, {"open": "true"}, "$.open is 'true', wanted `bool`, got `str`"),
        (CONTACT, {"open": None}, "$.open is None, wanted `bool`, got `null`"),
        (CONTACT, {}, "$.open is missing"),
        (MOTION, {"motion": 0}, "$.motion is 0, wanted `bool`, got `int`"),
        (BUTTON, {"pressed": "SOS"}, "$.pressed is 'SOS', wanted one of sos, cancel, duress"),
        (BUTTON, {"pressed": "x" * 1000}, "$.pressed is 'xxxxxx"),
        (METER, {}, "$ has neither water_l nor electricity_wh, wanted at least one"),
        (METER, {"water_l": None}, "$ has neither water_l nor electricity_wh, wanted at least one"),
        (METER, {"water_l": -0.1, "electricity_wh": 1}, "$.water_l is -0.1, wanted `float` >= 0.0"),
        (STATUS, {"battery_percent": 100.5}, "$.battery_percent is 100.5, wanted `float` <= 100.0"),
        (STATUS, {"tamper": 1}, "$.tamper is 1, wanted"),
        (TARGETS, {"targets": None}, "$.targets is None, wanted `array`, got `null`"),
        (TARGETS, {"targets": [{"x_m": 1}]}, "$.targets[0].y_m is missing"),
        (TARGETS, {"targets": [{"x_m": 1, "y_m": 1e9}]}, "$.targets[0].y_m is 1000000000.0, wanted"),
    ],
)
def test_a_wrong_payload_is_set_aside_with_its_reason(kind: Kind[Batch], payload: dict[str, object], words: str, message: Build) -> None:
    (rejected,) = kind.decode([message(kind.name, payload)]).rejected
    assert rejected.reason.startswith(words)
