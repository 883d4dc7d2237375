import json
from typing import Any

import pytest
from fakes.ear import Ear

from devices.adapters.owntracks import OWNTRACKS
from devices.model import SensorKind

JANE = "owntracks/jane/iphone"
# A published sample; meanings: owntracks/booklet, docs/tech/json.md
LOCATION = (
    b'{"_type":"location","acc":5,"alt":167,"batt":41,"cog":271,"lat":48.85833,"lon":2.29513,"t":"u","tid":"JJ","tst":1497508651,'
    b'"vac":21,"vel":61,"p":71,"topic":"owntracks/jane/iphone"}'
)
FIX = {"t": 1_497_508_651_000, "lon": 2.29513, "lat": 48.85833, "accuracy_m": 5, "speed_mps": 61 / 3.6, "heading_deg": 271}
# owntracks.org/booklet/features/waypoints
TRANSITION = (
    b'{"_type":"transition","desc":"My favorite coffee shop (Delaville)","event":"enter","lat":48.87069,"lon":2.34916,"rid":"f7676c",'
    b'"tid":"j1","tst":1707057574,"wtst":1610104395}'
)
LWT = b'{"_type":"lwt","tst":1380738247}'
WAYPOINT = b'{"_type":"waypoint","desc":"home","lat":48.87,"lon":2.34,"rad":100,"tst":1380738247}'


@pytest.fixture
def jane() -> Ear:
    return Ear(OWNTRACKS, "jane/iphone")


def test_a_location_is_a_fix_of_its_own_time_in_metres_a_second_and_a_battery(jane: Ear) -> None:
    assert jane.hear(JANE, LOCATION) == {
        SensorKind.POSITION: FIX,
        SensorKind.STATUS: {"t": 1_497_508_651_000, "battery_percent": 41},
    }


def test_numbers_of_old_telephones_are_text(jane: Ear) -> None:
    said = {name: value if isinstance(value, str) else str(value) for name, value in json.loads(LOCATION).items()}
    assert jane.hear(JANE, said) == jane.hear(JANE, LOCATION)


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [
        ("vel", -1, "speed_mps"),
        ("cog", -1, "heading_deg"),
        ("cog", 361, "heading_deg"),
        ("acc", -1, "accuracy_m"),
        ("vel", None, "speed_mps"),
    ],
)
def test_what_the_telephone_does_not_know_costs_no_fix(key: str, value: object, field: str, jane: Ear) -> None:
    said = jane.hear(JANE, {**json.loads(LOCATION), key: value})
    assert not isinstance(said, str)
    assert said[SensorKind.POSITION] == {**FIX, field: None}


@pytest.mark.parametrize("batt", [-1, -100, None])
def test_a_battery_that_is_not_known_is_not_told(batt: object, jane: Ear) -> None:
    assert jane.hear(JANE, {**json.loads(LOCATION), "batt": batt}) == {SensorKind.POSITION: FIX}


def test_a_fix_without_what_is_optional_is_a_fix(jane: Ear) -> None:
    # owntracks/booklet, docs/features/traccar.md
    assert jane.hear(JANE, b'{"lon":2.29513,"lat":48.85833,"_type":"location","tst":1497476456, "tid":"JJ"}') == {
        SensorKind.POSITION: {
            "t": 1_497_476_456_000,
            "lon": 2.29513,
            "lat": 48.85833,
            "accuracy_m": None,
            "speed_mps": None,
            "heading_deg": None,
        }
    }


def test_a_transition_of_a_region_of_the_app_is_a_fix_like_any_other(jane: Ear) -> None:
    said = jane.hear(f"{JANE}/event", TRANSITION)
    assert not isinstance(said, str)
    assert set(said) == {SensorKind.POSITION}
    assert (said[SensorKind.POSITION]["lon"], said[SensorKind.POSITION]["t"]) == (2.34916, 1_707_057_574_000)


def test_where_somebody_has_been_is_in_no_reason(jane: Ear) -> None:
    for payload in (WAYPOINT, TRANSITION.replace(b'"lat":48.87069,', b"")):
        reason = jane.hear(f"{JANE}/event", payload)
        assert isinstance(reason, str)
        assert "coffee" not in reason
        assert "2.34" not in reason


@pytest.mark.parametrize(
    ("topic", "payload", "words"),
    [
        (JANE, LWT, "payload of _type 'lwt' says that the broker lost the app"),
        (JANE, b'{"_type":"encrypted","data":"j6Qo"}', "payload of _type 'encrypted' is encrypted: take the encryption key out of the app"),
        (f"{JANE}/waypoint", WAYPOINT, "payload of _type 'waypoint' is not looked at"),
        (f"{JANE}/waypoints", b'{"_type":"waypoints","waypoints":[]}', "payload of _type 'waypoints' is not looked at"),
        (f"{JANE}/info", b'{"_type":"card","name":"Jane","face":"iVBOR"}', "payload of _type 'card' is not looked at"),
        (JANE, b'{"_type":"pigeon"}', "payload of _type 'pigeon' is not looked at"),
        (JANE, {"_type": "location", "lat": 1, "lon": 2}, "payload of _type 'location' has no fix, wanted tst, lat and lon"),
        (f"{JANE}/event", b'{"_type":"transition","event":"leave","tst":1}', "payload of _type 'transition' has no fix"),
        (JANE, {"_type": "location", "lat": "north", "lon": 2, "tst": 1}, "$.lat is 'north', wanted"),
        (JANE, {"_type": "location", "lat": 1, "lon": 2, "tst": 1e13}, "$.tst is 10000000000000.0, wanted"),
        (JANE, {"lat": 1, "lon": 2, "tst": 1}, "$._type is missing"),
        (JANE, b"", "payload of 0 bytes is not JSON"),
        (JANE, b"\xff\xfe", "payload of 2 bytes is not JSON"),
        ("owntracks/jane", LOCATION, "topic is 'owntracks/jane', wanted owntracks/<user>/<device>"),
    ],
)
def test_what_is_no_fix_is_told_in_words(topic: str, payload: Any, words: str, jane: Ear) -> None:
    said = jane.hear(topic, payload)
    assert isinstance(said, str)
    assert said.startswith(words)
