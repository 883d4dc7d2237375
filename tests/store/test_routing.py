"""Topics of every ecosystem go to the partition of the home of their device."""

import json
from collections.abc import Callable

import pytest

from devices.entry import partition_of
from devices.model import CommunityId
from store import configuration
from store.routing import Partitions
from store.session import Database

HOMES = [f"b-{n}" for n in range(6)]
ESTATE = {
    "community": {"id": "elm", "name": "榆园", "timezone": "Asia/Shanghai"},
    "homes": [{"id": home} for home in HOMES],
    "people": [{"id": "ann", "name": "安", "roles": ["resident"], "home": "b-0"}],
    "devices": [
        {"id": "w-1", "kind": "wearable", "wearer": "ann"},
        {"id": "t-1", "kind": "tracker", "wearer": "ann", "source": {"adapter": "owntracks", "name": "ann/phone"}},
        {"id": "t-2", "kind": "tracker", "home": "b-1", "source": {"adapter": "traccar", "name": "123"}},
        {"id": "t-3", "kind": "tracker", "home": "b-2", "source": {"adapter": "osmand", "name": "7"}},
        {"id": "z-1", "kind": "contact", "home": "b-3", "source": {"adapter": "zigbee2mqtt", "name": "hall/window 1"}},
        {"id": "r-1", "kind": "radar", "home": "b-4", "source": {"adapter": "esphome_ld2450", "name": "home/east"}},
        {"id": "cam-1", "kind": "camera", "home": "b-5", "source": {"adapter": "frigate", "name": "front_door"}},
    ],
    "policies": [{"id": "way", "kinds": ["sos"], "steps": [{"after_s": 0, "tell": ["guard"], "by": ["sms"]}]}],
}
ESTATE["people"] += [{"id": "guard", "name": "陈", "roles": ["guard"], "phone": "+8613800000002"}]  # type: ignore[operator]


@pytest.fixture
def partition(database: Database) -> Callable[[str], int]:
    with database.write() as session:
        configuration.append_community(session, CommunityId("elm"), 1, json.dumps(ESTATE))
    return Partitions(database)


@pytest.mark.parametrize(
    ("topic", "home"),
    [
        ("anju/elm/w-1/acceleration", "b-0"),
        ("owntracks/ann/phone", "b-0"),
        ("owntracks/ann/phone/event", "b-0"),
        ("traccar/123", "b-1"),
        ("osmand/7", "b-2"),
        ("zigbee2mqtt/hall/window 1", "b-3"),
        ("zigbee2mqtt/hall/window 1/availability", "b-3"),
        ("home/east/sensor/target-1_x/state", "b-4"),
        ("home/east/sensor/target-1_y/state", "b-4"),
        ("home/east/status", "b-4"),
        ("frigate/front_door/person", "b-5"),
    ],
)
def test_a_topic_goes_to_the_partition_of_its_devices_home(topic: str, home: str, partition: Callable[[str], int]) -> None:
    assert partition(topic) == partition_of("elm", home)


def test_a_topic_of_nobody_we_know_goes_somewhere(partition: Callable[[str], int]) -> None:
    for topic in ("frigate/events", "zigbee2mqtt/attic", "a/sensor/b/state", "anju", "", "owntracks/x"):
        assert 0 <= partition(topic) < 8
