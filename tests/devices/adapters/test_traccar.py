from typing import Any

import pytest
from fakes.ear import Ear

from devices.adapters.traccar import TRACCAR
from devices.model import SensorKind

T = "2024-05-20T14:29:55.000+00:00"
# Fields of org/traccar/model/Position.java and Device.java, as PositionForwarderMqtt.java writes them
FORWARDED: dict[str, Any] = {
    "position": {
        "id": 12345,
        "attributes": {"batteryLevel": 85.0, "distance": 15.4, "totalDistance": 12500.5, "motion": True},
        "deviceId": 10,
        "protocol": "gt06",
        "serverTime": "2024-05-20T14:30:00.000+00:00",
        "deviceTime": T,
        "fixTime": T,
        "outdated": False,
        "valid": True,
        "latitude": 31.78,
        "longitude": 119.95,
        "altitude": 7.0,
        "speed": 2.0,
        "course": 180.0,
        "address": None,
        "accuracy": 0.0,
        "network": None,
    },
    "device": {"id": 10, "name": "Watch", "uniqueId": "123456789012345", "status": "online", "disabled": False},
}


@pytest.fixture
def watch() -> Ear:
    return Ear(TRACCAR, "123456789012345")


def forwarded(**position: Any) -> dict[str, Any]:
    return {**FORWARDED, "position": {**FORWARDED["position"], **position}}


def heard(watch: Ear, payload: object, topic: str = "traccar/123456789012345") -> dict[SensorKind, dict[str, Any]]:
    said = watch.hear(topic, payload)
    assert not isinstance(said, str)
    return said


@pytest.mark.parametrize("topic", ["traccar/123456789012345", "traccar/positions"])
def test_a_position_is_a_fix_in_metres_a_second_wherever_it_is_forwarded_to(topic: str, watch: Ear) -> None:
    assert heard(watch, FORWARDED, topic) == {
        SensorKind.POSITION: {
            "t": T,
            "lon": 119.95,
            "lat": 31.78,
            "accuracy_m": 0.0,
            "speed_mps": pytest.approx(2 * 0.514444, rel=1e-5),
            "heading_deg": 180.0,
        },
        SensorKind.STATUS: {"t": T, "battery_percent": 85.0},
    }


@pytest.mark.parametrize("change", [{"outdated": True}, {"valid": False}])
def test_a_place_that_was_known_before_is_no_fix_but_a_sign_of_life(change: dict[str, Any], watch: Ear) -> None:
    later = "2024-05-20T15:00:00.000+00:00"
    assert heard(watch, forwarded(deviceTime=later, **change)) == {SensorKind.STATUS: {"t": later, "battery_percent": 85.0}}


def test_the_fix_has_its_own_time_and_the_battery_the_devices(watch: Ear) -> None:
    said = heard(watch, forwarded(deviceTime="2024-05-20T14:30:05.000+00:00"))
    assert (said[SensorKind.POSITION]["t"], said[SensorKind.STATUS]["t"]) == (T, "2024-05-20T14:30:05.000+00:00")


@pytest.mark.parametrize("alarm", ["sos", "lowBattery,sos"])
def test_an_alarm_of_sos_is_a_press(alarm: str, watch: Ear) -> None:
    assert heard(watch, forwarded(attributes={"alarm": alarm}))[SensorKind.BUTTON] == {"t": T, "pressed": "sos"}


@pytest.mark.parametrize("attributes", [None, [], {}, {"alarm": "sosarm"}, {"alarm": None}, {"batteryLevel": "full"}])
def test_other_attributes_are_neither_a_press_nor_a_battery(attributes: object, watch: Ear) -> None:
    said = heard(watch, forwarded(attributes=attributes))
    assert SensorKind.BUTTON not in said
    assert said[SensorKind.STATUS]["battery_percent"] is None


def test_without_its_payload_a_topic_that_ends_with_the_id_says_whose_it_is() -> None:
    assert TRACCAR.speakers("traccar/123456789012345", b"") == ("123456789012345",)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({**FORWARDED, "event": {"type": "geofenceExit"}}, "payload is an event of Traccar, wanted a position"),
        ({"device": FORWARDED["device"]}, "$.position is missing"),
        ({"position": FORWARDED["position"]}, "$.device is missing"),
        ({**FORWARDED, "device": {"uniqueId": 7}}, "$.device.uniqueId is 7, wanted"),
        (forwarded(latitude=None), "$.position.latitude is None, wanted"),
        (b"online", "payload of 6 bytes is not JSON"),
    ],
)
def test_what_is_no_position_is_told_in_words(payload: object, words: str, watch: Ear) -> None:
    said = watch.hear("traccar/positions", payload)
    assert isinstance(said, str)
    assert said.startswith(words)
