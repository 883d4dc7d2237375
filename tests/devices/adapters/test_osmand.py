import json
from typing import Any

import pytest
from fakes.ear import Ear

from devices.adapters.osmand import OSMAND
from devices.model import SensorKind

TOPIC = "osmand/48241179"
# traccar.org/osmand
POST = (
    b'{"location":{"timestamp":"2000-01-01T00:00:00.000Z","coords":{"latitude":0.0,"longitude":0.0,"accuracy":0,"speed":0,"heading":0,'
    b'"altitude":0},"is_moving":false,"odometer":0,"event":"motionchange","battery":{"level":1,"is_charging":false},'
    b'"activity":{"type":"still"},"extras":{}},"device_id":"48241179"}'
)


@pytest.fixture
def phone() -> Ear:
    return Ear(OSMAND, "48241179")


def post(**location: Any) -> dict[str, Any]:
    sound = {"timestamp": "2026-03-02T02:00:00.000Z", "coords": {"latitude": 31.78, "longitude": 119.95, "accuracy": 8, "speed": 1.1}}
    return {"location": {**sound, **location}, "device_id": "48241179"}


def position(said: object) -> dict[str, Any]:
    assert isinstance(said, dict)
    return said[SensorKind.POSITION]


def test_the_published_sample_is_a_fix_and_a_full_battery(phone: Ear) -> None:
    # (0, 0) in 2000 is for the position and its clock to judge.
    t = "2000-01-01T00:00:00.000Z"
    assert phone.hear(TOPIC, POST) == {
        SensorKind.POSITION: {"t": t, "lon": 0.0, "lat": 0.0, "accuracy_m": 0.0, "speed_mps": 0.0, "heading_deg": 0.0},
        SensorKind.STATUS: {"t": t, "battery_percent": 100.0},
    }


def test_speed_is_in_metres_a_second_already(phone: Ear) -> None:
    assert position(phone.hear(TOPIC, post()))["speed_mps"] == 1.1


@pytest.mark.parametrize("field", ["accuracy", "speed", "heading"])
def test_what_is_minus_one_is_not_known(field: str, phone: Ear) -> None:
    said = position(phone.hear(TOPIC, post(coords={"latitude": 31.78, "longitude": 119.95, field: -1})))
    assert [said["accuracy_m"], said["speed_mps"], said["heading_deg"]] == [None, None, None]


@pytest.mark.parametrize(("level", "percent"), [(0.81, 81.0), (0.29, 29.0), (0, 0.0), (-1, None), (None, None)])
def test_the_battery_is_a_share(level: float | None, percent: float | None, phone: Ear) -> None:
    said = phone.hear(TOPIC, post(battery={"level": level, "is_charging": True}))
    assert isinstance(said, dict)
    assert said.get(SensorKind.STATUS, {}).get("battery_percent") == percent


def test_a_call_for_help_of_the_app_is_a_press(phone: Ear) -> None:
    said = phone.hear(TOPIC, post(extras={"alarm": "sos"}))
    assert isinstance(said, dict)
    assert said[SensorKind.BUTTON] == {"t": "2026-03-02T02:00:00.000Z", "pressed": "sos"}
    for extras in ({"alarm": "lowBattery"}, [], "sos", None):
        assert SensorKind.BUTTON not in phone.hear(TOPIC, post(extras=extras))


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (json.dumps({"device_id": "1"}).encode(), "$.location is missing"),
        (json.dumps({"location": [post()["location"]]}).encode(), "$.location is"),
        (json.dumps(post(coords={"latitude": 1})).encode(), "$.location.coords.longitude is missing"),
        (json.dumps(post(timestamp=1.5)).encode(), "$.location.timestamp is 1.5, wanted"),
        (b"id=123456&lat=1&lon=2", "payload of 21 bytes is not JSON"),
    ],
)
def test_what_is_no_post_is_told_in_words(payload: bytes, words: str, phone: Ear) -> None:
    said = phone.hear(TOPIC, payload)
    assert isinstance(said, str)
    assert said.startswith(words)
