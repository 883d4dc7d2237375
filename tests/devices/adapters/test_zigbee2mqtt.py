import json
from collections.abc import Mapping

import pytest

from devices.adapters.model import Heard, Said
from devices.adapters.zigbee2mqtt import ZIGBEE2MQTT, hear
from devices.model import SensorKind

T_MS = 1_772_416_800_000


def heard(topic: str, payload: bytes, received_ns: int = T_MS * 1_000_000 + 999) -> Said | str:
    return hear(Heard(topic=topic, payload=payload, received_ns=received_ns))


def said(topic: str, payload: bytes) -> tuple[str, Mapping[SensorKind, object]]:
    names, said = ZIGBEE2MQTT.speakers(topic, payload), heard(topic, payload)
    assert not isinstance(names, str)
    assert not isinstance(said, str)
    (name,) = names
    readings = {kind: json.loads(reading) for kind, reading in said}
    assert all(reading.pop("t") == T_MS for reading in readings.values())
    return name, readings


def test_contact_true_means_closed() -> None:
    # Koenkk/zigbee2mqtt#2826, Sercomm SZ-DWS04
    name, readings = said("zigbee2mqtt/living_room/window 1", b'{"contact":false,"tamper":false,"battery_low":false,"linkquality":102}')
    assert name == "living_room/window 1"
    assert readings == {
        SensorKind.CONTACT: {"open": True},
        SensorKind.STATUS: {"battery_percent": None, "battery_low": False, "tamper": False},
    }
    assert said("zigbee2mqtt/x", b'{"contact":true}')[1] == {SensorKind.CONTACT: {"open": False}}


def test_occupancy_is_motion() -> None:
    # node-red-contrib-zigbee2mqtt#126
    payload = b'{"battery":100,"last_seen":"2023-12-16T20:03:29+01:00","linkquality":18,"occupancy":true,"tamper":true,"voltage":3100}'
    assert said("zigbee2mqtt/厨房", payload) == (
        "厨房",
        {SensorKind.MOTION: {"motion": True}, SensorKind.STATUS: {"battery_percent": 100, "tamper": True}},
    )


@pytest.mark.parametrize(
    ("action", "mode"),
    [
        ("arm_all_zones", "away"),
        ("arm_day_zones", "home"),
        ("arm_partial_zones", "home"),
        ("arm_night_zones", "night"),
        ("disarm", "disarmed"),
    ],
)
def test_what_is_typed_at_a_keypad_is_a_code_and_a_mode(action: str, mode: str) -> None:
    # zha-device-handlers#692 and Koenkk/zigbee2mqtt#6242, Xfinity XHK1 and Linkind keypads
    payload = {"action": action, "action_code": "0123", "action_zone": 23, "action_transaction": 99, "battery": 100, "tamper": None}
    assert said("zigbee2mqtt/hall", json.dumps(payload).encode())[1] == {
        SensorKind.KEYPAD: {"mode": mode, "code": "0123"},
        SensorKind.STATUS: {"battery_percent": 100, "tamper": None},
    }


def test_what_is_typed_goes_before_what_else_the_message_says() -> None:
    said = heard("zigbee2mqtt/hall", b'{"battery":9,"action":"disarm","action_code":"0123"}')
    assert [kind for kind, _ in said if not isinstance(said, str)] == [SensorKind.KEYPAD, SensorKind.STATUS]


@pytest.mark.parametrize(("code", "passed_on"), [("1234", "1234"), (1234, "1234"), (None, None), ("", ""), ("+7C2A91FF", "+7C2A91FF")])
def test_a_code_is_left_to_the_keypads_reading_to_judge(code: object, passed_on: object) -> None:
    # Zigbee2MQTT exposes it as text of some keypads and as a number of others; a tag held to a Frient keypad begins with a plus
    readings = said("zigbee2mqtt/hall", json.dumps({"action": "disarm", "action_code": code}).encode())[1]
    assert readings[SensorKind.KEYPAD] == {"mode": "disarmed", "code": passed_on}


@pytest.mark.parametrize("action", ["emergency", "panic", "sos"])
def test_the_key_for_help_of_a_keypad_or_a_button_is_an_sos(action: str) -> None:
    assert said("zigbee2mqtt/bed", json.dumps({"action": action}).encode())[1][SensorKind.BUTTON] == {"pressed": "sos"}


@pytest.mark.parametrize("action", ["", None, "single", "exit_delay", 3, ["disarm"]])
def test_an_empty_action_or_another_one_is_only_a_sign_of_life(action: object) -> None:
    payload = json.dumps({"action": action, "action_code": "1234"}).encode()
    assert said("zigbee2mqtt/hall", payload)[1] == {SensorKind.STATUS: {"battery_percent": None, "tamper": None}}


@pytest.mark.parametrize("payload", [b'{"state":"online"}', b"online", b" online\n", b'"online"'])
def test_availability_is_a_status(payload: bytes) -> None:
    assert said("zigbee2mqtt/a/b/availability", payload) == ("a/b", {SensorKind.STATUS: {"online": True}})
    assert said("zigbee2mqtt/a/b/availability", payload.replace(b"online", b"offline"))[1] == {SensorKind.STATUS: {"online": False}}


@pytest.mark.parametrize("payload", [b'{"state":"online"}', b"online"])
def test_the_state_of_the_bridge_is_the_status_of_a_gateway(payload: bytes) -> None:
    assert said("zigbee2mqtt/bridge/state", payload) == ("bridge", {SensorKind.STATUS: {"online": True}})
    assert said("zigbee2mqtt/bridge/state", payload.replace(b"online", b"offline"))[1] == {SensorKind.STATUS: {"online": False}}


def test_the_health_of_the_bridge_is_a_sign_of_life() -> None:
    # https://zigbee2mqtt.io/guide/usage/health.html, every ten minutes
    assert said("zigbee2mqtt/bridge/health", b'{"response_time":1772416800000,"mqtt":{"connected":true}}') == (
        "bridge",
        {SensorKind.STATUS: {}},
    )


def test_a_low_battery_is_told_as_such_where_there_is_no_percentage() -> None:
    assert said("zigbee2mqtt/x", b'{"battery_low":true}')[1] == {
        SensorKind.STATUS: {"battery_percent": None, "battery_low": True, "tamper": None}
    }
    assert said("zigbee2mqtt/x", b'{"battery_low":true,"battery":60}')[1] == {SensorKind.STATUS: {"battery_percent": 60, "tamper": None}}


def test_gas_is_an_open_contact() -> None:
    assert said("zigbee2mqtt/kitchen", b'{"gas":true}')[1] == {SensorKind.CONTACT: {"open": True}}
    assert said("zigbee2mqtt/kitchen", b'{"gas":false}')[1] == {SensorKind.CONTACT: {"open": False}}


@pytest.mark.parametrize(
    ("last_seen", "age_ms"),
    [
        (T_MS - 3_600_000, 3_600_000),
        ("2026-03-02T02:00:00+01:00", 3_600_000),
        ("2026-03-02T01:00:00.000Z", 3_600_000),
        ("2026-03-02T01:00:00", 0),
        (T_MS - 2000, 0),
        (T_MS + 5000, 0),
        (T_MS - 25 * 3_600_000, 0),
        (None, 0),
        (True, 0),
        ("yesterday", 0),
        (2**70, 0),
    ],
)
def test_a_state_that_was_kept_is_of_when_its_device_was_last_seen(last_seen: object, age_ms: int) -> None:
    payload = json.dumps({"contact": True, "last_seen": last_seen}).encode()
    ((_, reading),) = heard("zigbee2mqtt/x", payload)
    assert json.loads(reading)["t"] == T_MS - age_ms


def test_a_message_that_says_nothing_we_know_is_a_sign_of_life() -> None:
    assert said("zigbee2mqtt/x", b'{"linkquality":102,"contact":null}')[1] == {SensorKind.STATUS: {"battery_percent": None, "tamper": None}}


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("zigbee2mqtt/bridge/state", b'{"state":"away"}'),
        ("zigbee2mqtt/x", b""),
        ("zigbee2mqtt/x", b"online"),
        ("zigbee2mqtt/x", b'{"contact":"ON"}'),
        ("zigbee2mqtt/x", b'{"zz":' + b"[" * 100_000),
        ("zigbee2mqtt/x", b'{"contact":NaN}'),
        ("zigbee2mqtt/x/availability", b'{"state":"away"}'),
        ("zigbee2mqtt/x/availability", b"\xff"),
        ("zigbee2mqtt/x/availability", b""),
    ],
)
def test_what_is_no_state_of_a_device_is_told_in_words(topic: str, payload: bytes) -> None:
    assert isinstance(heard(topic, payload, 0), str)


def test_what_the_bridge_says_to_itself_is_nobodys() -> None:
    assert isinstance(ZIGBEE2MQTT.speakers("zigbee2mqtt/bridge/info", b'{"state":"online"}'), str)
