import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import decode
from devices.adapters import ADAPTERS
from devices.decode import MAX_PAYLOAD_BYTES, Decoder
from devices.model import Batch, CommunityId, Device, DeviceId, DeviceKind, Message, Registry, Rejected, SensorKind, Source

T_MS = 1_772_416_800_000
DAY_MS = 86_400_000


def device(name: str, kind: DeviceKind, source: str | None = None, community: str = "elm", adapter: str = "zigbee2mqtt") -> Device:
    where = Source(adapter=adapter, name=source) if source else None
    return Device(community_id=CommunityId(community), id=DeviceId(name), kind=kind, source=where)


DEVICES = (
    device("w-1", DeviceKind.WEARABLE),
    device("w-2", DeviceKind.WEARABLE),
    device("c-1", DeviceKind.CONTACT),
    device("z-1", DeviceKind.CONTACT, "hall/window 1"),
    device("z-2", DeviceKind.MOTION, "twin"),
    device("z-3", DeviceKind.MOTION, "twin", community="oak"),
    device("r-1", DeviceKind.RADAR, "home/east", adapter="esphome_ld2450"),
    device("cam-1", DeviceKind.CAMERA, "front_door", adapter="frigate"),
    device("cam-2", DeviceKind.CAMERA, "yard_cam", adapter="frigate"),
)


class Door:
    """A decoder, and messages that arrive at it."""

    def __init__(self) -> None:
        self.decoder = Decoder(Registry(DEVICES))
        self.seq = 0

    def route(self, topic: str, payload: object, after_ms: int = 0, *, retained: bool = False) -> tuple[Message, ...] | Rejected:
        self.seq += 1
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return self.decoder.route(topic, raw, (T_MS + after_ms) * 1_000_000, self.seq, retained=retained)

    def batches(self, *routed: tuple[Message, ...] | Rejected) -> dict[SensorKind, Batch]:
        messages = [message for one in routed if not isinstance(one, Rejected) for message in one]
        return self.decoder.decode(messages)[0]

    def count(self, topic: str, payload: object, after_ms: int = 0, *, retained: bool = False) -> int:
        """How many new readings a message has."""
        return sum(len(batch) for batch in self.batches(self.route(topic, payload, after_ms, retained=retained)).values())


@pytest.fixture
def door() -> Door:
    return Door()


def press(t_ms: int = T_MS, pressed: str = "sos") -> dict[str, Any]:
    return {"t": t_ms, "pressed": pressed}


BUTTON = "anju/elm/w-1/button"


@pytest.mark.parametrize(
    ("topic", "words"),
    [
        ("anju/elm/w-1", "topic is 'anju/elm/w-1', wanted anju/<community>/<device>/<kind>"),
        ("home/elm/w-1/button", "topic is"),
        ("anju/ash/w-1/button", "community ash is unknown"),
        ("anju/oak/w-1/button", "device w-1 is unknown in community oak"),
        ("anju/elm/w-1/pulse", "kind in the topic is 'pulse', wanted one of"),
        ("anju/elm/w-1/contact", "device w-1 is a wearable, which sends acceleration, button, position, status, not contact"),
        ("zigbee2mqtt/attic", "no device has the zigbee2mqtt source 'attic'"),
        ("zigbee2mqtt/twin", "more than one device has the zigbee2mqtt source 'twin'"),
        ("zigbee2mqtt/bridge/info", "the topic is of the Zigbee bridge itself"),
        ("home/west/sensor/target-1_x/state", "no device has the esphome_ld2450 source 'home/west'"),
        ("home/sensor/target-1_x/state", "no device has the esphome_ld2450 source 'home'"),
        ("osmand/7", "no device has the osmand source '7'"),
        ("owntracks/jane/phone", "no device has the owntracks source 'jane/phone'"),
        ("", "topic is '', wanted anju/<community>/<device>/<kind>"),
        ("anju", "topic is 'anju', wanted anju/<community>/<device>/<kind>"),
    ],
)
def test_what_cannot_be_routed_is_set_aside_with_its_reason(topic: str, words: str, door: Door) -> None:
    rejected = door.route(topic, {})
    assert isinstance(rejected, Rejected)
    assert (rejected.topic, rejected.seq) == (topic, 1)
    assert rejected.reason.startswith(words)


@pytest.mark.parametrize("topic", [BUTTON, "zigbee2mqtt/hall/window 1"])
def test_more_than_1_mib_is_set_aside_before_it_is_read(topic: str, door: Door) -> None:
    payload = b'{"t": %d, "pressed": "sos", "contact": true}' % T_MS
    assert not isinstance(door.route(topic, payload.ljust(MAX_PAYLOAD_BYTES)), Rejected)
    rejected = door.route(topic, payload.ljust(MAX_PAYLOAD_BYTES + 1))
    assert isinstance(rejected, Rejected)
    assert rejected.reason == "payload has 1048577 bytes, wanted at most 1048576"


def test_readings_of_many_kinds_are_grouped_in_order_of_arrival(door: Door) -> None:
    batches = door.batches(
        door.route("anju/elm/c-1/contact", {"t": T_MS, "open": True}),
        door.route(BUTTON, press()),
        door.route("anju/elm/c-1/contact", {"t": T_MS, "open": False}),
        door.route("anju/elm/w-2/button", press()),
    )
    assert {kind: batch.seq.tolist() for kind, batch in batches.items()} == {SensorKind.CONTACT: [1, 3], SensorKind.BUTTON: [2, 4]}
    assert batches[SensorKind.BUTTON].device.tolist() == [0, 1]


def test_a_foreign_message_becomes_a_reading_of_each_kind_at_its_arrival(door: Door) -> None:
    batches = door.batches(door.route("zigbee2mqtt/hall/window 1", {"contact": False, "battery": 80}, 1234, retained=True))
    assert set(batches) == {SensorKind.CONTACT, SensorKind.STATUS}
    for batch in batches.values():
        assert (batch.device.tolist(), batch.retained.tolist()) == ([3], [True])
        assert batch.time_ns.tolist() == batch.received_ns.tolist() == [(T_MS + 1234) * 1_000_000]


def test_a_battery_that_cannot_be_does_not_hide_an_open_window(door: Door) -> None:
    routed = door.route("zigbee2mqtt/hall/window 1", {"contact": False, "battery": 255})
    assert not isinstance(routed, Rejected)
    batches, rejected = door.decoder.decode(routed)
    assert set(batches) == {SensorKind.CONTACT}
    assert [one.reason for one in rejected] == ["$.battery_percent is 255, wanted `float` <= 100.0"]


def test_what_does_not_fit_a_foreign_device_is_set_aside_only_if_nothing_fits(door: Door) -> None:
    both = door.route("zigbee2mqtt/hall/window 1", {"contact": False, "occupancy": True})
    assert not isinstance(both, Rejected)
    assert [message.kind for message in both] == [SensorKind.CONTACT]
    neither = door.route("zigbee2mqtt/hall/window 1", {"occupancy": True})
    assert isinstance(neither, Rejected)
    assert neither.reason == "device z-1 is a contact, which sends contact, status, not motion"


def test_halves_of_a_place_are_taken_and_the_second_one_is_a_frame(door: Door) -> None:
    assert door.route("home/east/sensor/target-1_x/state", b"-782") == ()
    batches = door.batches(door.route("home/east/sensor/target-1_y/state", b"1713", 20))
    batch = batches[SensorKind.TARGETS]
    assert (batch.device.tolist(), batch.seq.tolist()) == ([6], [2])
    assert (batch.time_ns - batch.received_ns).tolist() == [-20_000_000]


def test_each_radar_remembers_its_own_halves() -> None:
    twins = [device(f"r-{n}", DeviceKind.RADAR, f"node-{n}", adapter="esphome_ld2450") for n in (1, 2)]
    decoder = Decoder(Registry(twins))
    assert decoder.route("node-1/sensor/target-1_x/state", b"-782", 0, 1) == ()
    assert decoder.route("node-2/sensor/target-1_y/state", b"1713", 1_000_000, 2) == ()


def test_a_message_about_many_devices_is_a_reading_of_each_that_is_ours(door: Door) -> None:
    stats = {"cameras": {name: {"camera_fps": 5.0} for name in ("garage", "front_door", "yard_cam")}}
    batches = door.batches(door.route("frigate/stats", stats))
    assert batches[SensorKind.STATUS].device.tolist() == [7, 8]
    assert batches[SensorKind.STATUS].seq.tolist() == [1, 1]
    strangers = door.route("frigate/stats", {"cameras": {"garage": {}}})
    assert isinstance(strangers, Rejected)
    assert strangers.reason == "no device has the frigate source 'frigate'"


def test_what_a_device_of_another_kind_would_say_is_set_aside_by_its_kind() -> None:
    door = Decoder(Registry([device("t-1", DeviceKind.TRACKER, "node", adapter="esphome_ld2450")]))
    assert door.route("node/sensor/target-1_x/state", b"1", 0, 1) == ()
    rejected = door.route("node/sensor/target-1_y/state", b"1", 1_000_000, 2)
    assert isinstance(rejected, Rejected)
    assert rejected.reason == "device t-1 is a tracker, which sends button, position, status, not targets"


def test_a_redelivered_reading_counts_once_and_is_not_set_aside(door: Door) -> None:
    assert door.count(BUTTON, press()) == 1
    again = door.route(BUTTON, press(), 5000)
    assert not isinstance(again, Rejected)
    assert door.decoder.decode(again) == ({}, ())


def test_a_redelivered_reading_counts_once_within_a_batch(door: Door) -> None:
    packet = {"t": T_MS, "rate_hz": 50, "unit": "g", "xyz": [[0, 0, 1]]}
    other = {**packet, "xyz": [[0, 0, 2], [0, 0, 3]]}
    batches = door.batches(*(door.route("anju/elm/w-1/acceleration", one) for one in (packet, other, packet, b"", other)))
    batch = batches[SensorKind.ACCELERATION]
    assert batch.seq.tolist() == [1, 2]
    np.testing.assert_array_equal(getattr(batch, "offset"), [0, 1, 3])  # noqa: B009  a column of this kind only


def test_the_same_press_at_another_time_or_by_another_device_is_another(door: Door) -> None:
    assert door.count(BUTTON, press()) == 1
    assert door.count(BUTTON, press(T_MS + 1)) == 1
    assert door.count("anju/elm/w-2/button", press()) == 1
    assert door.count(BUTTON, press(pressed="cancel")) == 1


def test_presses_under_a_clock_that_stands_still_are_told_apart_by_arrival(door: Door) -> None:
    assert [door.count(BUTTON, press(0), after_ms) for after_ms in (0, 60_000, 60_000)] == [1, 1, 0]


def test_a_copy_that_arrives_after_its_time_is_no_longer_believed_is_still_a_copy(door: Door) -> None:
    assert door.count(BUTTON, press()) == 1
    assert door.count(BUTTON, press(), DAY_MS + 1) == 0


def test_a_retained_copy_of_a_live_reading_is_dropped(door: Door) -> None:
    assert door.count(BUTTON, press()) == 1
    assert door.count(BUTTON, press(), 1, retained=True) == 0


def test_a_live_reading_counts_after_its_retained_copy(door: Door) -> None:
    assert [door.count(BUTTON, press(), retained=retained) for retained in (True, True, False, False, True)] == [1, 0, 1, 0, 0]


def test_readings_of_another_kind_do_not_push_out_what_is_known(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "REMEMBERED", 3)
    assert door.count(BUTTON, press()) == 1
    for n in range(10):
        door.count("anju/elm/w-1/status", {"t": T_MS + n})
    assert door.count(BUTTON, press()) == 0
    assert [door.count("anju/elm/w-1/status", {"t": T_MS + n}) for n in (9, 0)] == [0, 1]


def test_a_source_of_another_adapter_is_not_ours() -> None:
    odd = Device(community_id=CommunityId("elm"), id=DeviceId("o"), kind=DeviceKind.CONTACT, source=Source(adapter="frigate", name="x"))
    assert isinstance(Decoder(Registry([odd])).route("zigbee2mqtt/x", b'{"contact":true}', 0, 1), Rejected)


def test_no_adapter_takes_our_topics_or_those_of_another_but_the_last_which_takes_the_rest() -> None:
    *prefixes, rest = [adapter.prefix for adapter in ADAPTERS]
    assert rest == ""
    assert not [(a, b) for a in ("anju/", *prefixes) for b in prefixes if a is not b and a.startswith(b)]


TOPICS = [BUTTON, "anju/elm/w-2/button", "anju/elm/c-1/contact", "zigbee2mqtt/hall/window 1", "anju/elm/w-1/acceleration"]
TOPICS += [f"home/east/sensor/{name}/state" for name in ("target-1_x", "target-1_y", "target-2_x", "target-2_y", "target_count")]
Arrival = tuple[str, object, bool, int]
"""Topic, payload, whether it is retained, and how many ms after the one before it comes."""
PAYLOADS = [
    press(),
    press(0),
    {"t": T_MS, "open": True},
    {"contact": True, "tamper": True},
    b"\xff",
    b"-782",
    b"0",
    b"nan",
    {"t": T_MS, "rate_hz": 50, "unit": "g", "xyz": [[0, 0, 1]]},
]


@settings(deadline=None, max_examples=60)
@given(
    arrivals=st.lists(st.tuples(st.sampled_from(TOPICS), st.sampled_from(PAYLOADS), st.booleans(), st.integers(0, 90)), max_size=16),
    cut=st.integers(0, 16),
)
def test_a_batch_cut_anywhere_gives_the_same_readings(arrivals: list[Arrival], cut: int) -> None:
    def readings(*parts: list[Arrival]) -> tuple[list[tuple[str, int, int]], list[tuple[int, str]]]:
        door, found, aside, now_ms = Door(), [], [], 0
        for part in parts:
            routed = []
            for topic, payload, retained, later_ms in part:
                now_ms += later_ms
                routed.append(door.route(topic, payload, now_ms, retained=retained))
            batches, rejected = door.decoder.decode([m for one in routed if not isinstance(one, Rejected) for m in one])
            found += [(str(kind), seq, t) for kind, b in batches.items() for seq, t in zip(b.seq.tolist(), b.time_ns.tolist(), strict=True)]
            aside += [(one.seq, one.reason) for one in rejected]
        return sorted(found), aside

    assert readings(arrivals) == readings(arrivals[:cut], arrivals[cut:])
