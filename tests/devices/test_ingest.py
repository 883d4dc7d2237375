import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from fakes.brokers import MIB, PATIENCE_S, Mosquitto, Publisher, embedded, kill, until
from paho.mqtt.client import MQTTMessage

from devices.broker import CORE, INGEST, EmbeddedBroker, credentials_of, new_device
from devices.decode import Decoder
from devices.entry import MAX_ENTRY_BYTES, MAX_PAYLOAD_BYTES, Record, pack
from devices.ingest import Ingest, _cut, by_device
from devices.log import Limits, Log
from devices.model import CommunityId, Device, DeviceId, DeviceKind, Registry, Rejected, Source
from devices.mqtt import BrokerLink, Connection, Counters


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    server = embedded(tmp_path / "nats")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "mosquitto") as running:
        yield running


def link(broker: EmbeddedBroker) -> BrokerLink:
    return BrokerLink(name="embedded", url=broker.mqtt_url, username=INGEST, password=credentials_of(broker.config.folder).ingest)


def beside(mosquitto: Mosquitto) -> BrokerLink:
    return BrokerLink(name="mosquitto", url=mosquitto.url, topics=("anju/#", "zigbee2mqtt/#"))


def device(broker: EmbeddedBroker, name: str = "w-01") -> Publisher:
    user, token = new_device(broker.config.folder, "elm", name)
    broker.stop()
    broker.start()
    return Publisher(broker.mqtt_url, user, token)


async def opened(broker: EmbeddedBroker, *, max_bytes: int = 32 * MIB) -> Log:
    return await Log.open(broker.nats_url, CORE, credentials_of(broker.config.folder).core, Limits(max_bytes=max_bytes))


def run(story: Awaitable[None]) -> None:
    async def told() -> None:
        async with asyncio.timeout(2 * PATIENCE_S):
            await story

    asyncio.run(told())


@asynccontextmanager
async def ingesting(broker: EmbeddedBroker, *links: BrokerLink, max_bytes: int = 32 * MIB) -> AsyncIterator[SimpleNamespace]:
    log = await opened(broker, max_bytes=max_bytes)
    stop = asyncio.Event()
    ingest = Ingest(log, links)
    task = asyncio.create_task(ingest.run(stop))
    try:
        yield SimpleNamespace(log=log, ingest=ingest, counters=ingest.counters)
    finally:
        stop.set()
        await task
        await log.close()


async def eventually(condition: Callable[[], object], what: str) -> None:
    await asyncio.to_thread(until, condition, what)


async def subscribed(mosquitto: Mosquitto, counters: Counters) -> None:
    """Wait until the session exists: what is published before it is nobody's."""
    with Publisher(mosquitto.url) as probe:

        def heard() -> bool:
            probe.publish("anju/probe", b"", qos=0)
            return counters.received > 0

        await eventually(heard, "ingest is subscribed")


async def logged(log: Log, enough: Callable[[list[Record]], object]) -> list[Record]:
    """Every record of the log, once there is enough; probes aside."""
    records: list[Record] = []
    async with aclosing(log.read(0)) as entries:
        async for entry in entries:
            records += [record for record in entry.records if record.topic != "anju/probe"]
            if enough(records):
                break
    return records


def numbers(records: list[Record]) -> set[int]:
    return {int(record.payload) for record in records}


def test_a_reading_of_a_device_stands_in_the_log_as_it_was_sent(broker: EmbeddedBroker) -> None:
    async def story() -> None:
        with device(broker) as wearable:
            async with ingesting(broker, link(broker)) as door:
                await eventually(lambda: door.ingest._connections[0].is_subscribed, "ingest is subscribed")
                wearable.publish("anju/elm/w-01/acceleration", b"A1\x00\xff")
                (record,) = await logged(door.log, len)
                await eventually(lambda: door.counters.acknowledged == 1, "it is acknowledged")
        assert (record.broker, record.topic, record.retained, record.payload) == (
            "embedded",
            "anju/elm/w-01/acceleration",
            False,
            b"A1\x00\xff",
        )

    run(story())


def test_zigbee_names_with_spaces_and_what_is_retained_come_through_a_mosquitto(broker: EmbeddedBroker, mosquitto: Mosquitto) -> None:
    async def story() -> None:
        with Publisher(mosquitto.url) as bridge:
            bridge.publish("zigbee2mqtt/Front door 正门", b'{"contact": true}', retain=True)
            await eventually(lambda: bridge.acknowledged, "it is retained")
            async with ingesting(broker, beside(mosquitto)) as door:
                await subscribed(mosquitto, door.counters)
                bridge.publish("zigbee2mqtt/Front door 正门", b'{"contact": false}', qos=0)
                records = await logged(door.log, lambda records: len(records) == 2)
        assert [(record.topic, record.retained, record.payload) for record in records] == [
            ("zigbee2mqtt/Front door 正门", True, b'{"contact": true}'),
            ("zigbee2mqtt/Front door 正门", False, b'{"contact": false}'),
        ]

    run(story())


def test_other_ecosystems_at_a_mosquitto_are_heard_beside_our_own_devices(broker: EmbeddedBroker, mosquitto: Mosquitto) -> None:
    """By the topics of a broker's list, QoS 0 and retained as they send it; what comes out of the log is readings of our devices."""
    filters = (
        "anju/#",
        "owntracks/+/+",
        "traccar/#",
        "osmand/+",
        "yard/+/+/+/state",
        "yard/+/status",
        "frigate/events",
        "frigate/+/person",
    )
    fix = {"fixTime": "2026-03-02T02:00:00Z", "latitude": 31.78, "longitude": 119.95}
    post = {"timestamp": "2026-03-02T02:00:00Z", "coords": {"latitude": 31.78, "longitude": 119.95}}
    sent: list[tuple[str, object]] = [
        ("owntracks/fen/phone", {"_type": "location", "lat": 31.78, "lon": 119.95, "tst": 1_772_416_800}),
        ("traccar/positions", {"position": fix, "device": {"uniqueId": "123"}}),
        ("osmand/7", {"location": post}),
        ("yard/window/status", "online"),
        ("yard/window/sensor/target-1_x/state", -782),
        ("yard/window/sensor/target-1_y/state", 1713),
        (
            "frigate/events",
            {"type": "new", "after": {"camera": "yard_cam", "label": "dog", "id": "1", "frame_time": 1.0, "box": [1, 2, 3, 4]}},
        ),
        ("frigate/yard/person", 1),
    ]
    sources = {
        "phone": (DeviceKind.TRACKER, "owntracks", "fen/phone"),
        "watch": (DeviceKind.TRACKER, "traccar", "123"),
        "app": (DeviceKind.TRACKER, "osmand", "7"),
        "radar": (DeviceKind.RADAR, "esphome_ld2450", "yard/window"),
        "cam": (DeviceKind.CAMERA, "frigate", "yard_cam"),
        "zone": (DeviceKind.MOTION, "frigate", "yard"),
    }
    devices = [
        Device(community_id=CommunityId("elm"), id=DeviceId(name), kind=kind, source=Source(adapter=adapter, name=source))
        for name, (kind, adapter, source) in sources.items()
    ]

    async def story() -> None:
        with Publisher(mosquitto.url) as others, device(broker) as ours:
            others.publish("yard/window/sensor/target-1_x/state", b"3000", retain=True)
            await eventually(lambda: others.acknowledged, "it is retained")
            listened = BrokerLink(name="mosquitto", url=mosquitto.url, topics=filters)
            async with ingesting(broker, link(broker), listened) as door:
                await subscribed(mosquitto, door.counters)
                await eventually(lambda: door.ingest._connections[0].is_subscribed, "ingest is subscribed to our own")
                for topic, payload in sent:
                    others.publish(
                        topic, payload.encode() if isinstance(payload, str) else json.dumps(payload).encode(), qos=0, retain=True
                    )
                ours.publish("anju/elm/w-01/button", b"{}")
                records = await logged(door.log, lambda records: len(records) >= len(sent) + 2)
        assert {record.broker for record in records} == {"mosquitto", "embedded"}
        decoder = Decoder(Registry(devices))
        found: list[tuple[str, str, bool]] = []
        for seq, one in enumerate(sorted(records, key=lambda one: one.received_ns)):
            routed = decoder.route(one.topic, one.payload, one.received_ns, seq, retained=one.retained)
            if isinstance(routed, Rejected):
                assert routed.topic == "anju/elm/w-01/button"
                continue
            found += [(devices[message.device].id, str(message.kind), message.retained) for message in routed]
        assert found == [
            ("phone", "position", False),
            ("watch", "position", False),
            ("watch", "status", False),
            ("app", "position", False),
            ("radar", "status", False),
            ("radar", "targets", False),
            ("cam", "status", False),
            ("zone", "motion", False),
        ]

    run(story())


def test_nothing_that_a_device_was_answered_for_is_lost_when_the_server_is_killed(broker: EmbeddedBroker) -> None:
    async def story() -> None:
        with device(broker) as wearable:
            async with ingesting(broker, link(broker)) as door:
                await eventually(lambda: door.ingest._connections[0].is_subscribed, "ingest is subscribed")
                await asyncio.to_thread(wearable.number, "anju/elm/w-01/button", range(3000))
                await eventually(lambda: len(wearable.acknowledged) > 300, "some are answered")
                await asyncio.to_thread(kill, broker)
                await asyncio.to_thread(broker.start)
                records = await logged(door.log, lambda records: numbers(records) == set(range(3000)))
        assert numbers(records) >= wearable.acknowledged

    run(story())


def test_a_full_log_stops_acknowledging_and_room_lets_it_go_on(broker: EmbeddedBroker, mosquitto: Mosquitto) -> None:
    async def story() -> None:
        async with ingesting(broker, beside(mosquitto), max_bytes=MIB) as door:
            await subscribed(mosquitto, door.counters)
            with Publisher(mosquitto.url) as wearable:
                for number in range(30):
                    wearable.publish("anju/elm/w-01/acceleration", str(number).encode().ljust(100_000))
                await eventually(lambda: door.counters.refused > 1, "the log refuses")
                assert door.counters.acknowledged < 30
                wider = await opened(broker, max_bytes=16 * MIB)
                await eventually(lambda: door.counters.acknowledged == 30, "all are acknowledged")
                records = await logged(wider, lambda records: len(records) >= 30)
                await wider.close()
        assert numbers(records) == set(range(30))

    run(story())


def test_a_backlog_that_has_no_room_is_not_acknowledged_to_devices(tmp_path: Path) -> None:
    broker = embedded(tmp_path / "nats", backlog_bytes=MIB)
    broker.start()

    async def story() -> None:
        with device(broker) as wearable:
            async with ingesting(broker, link(broker)) as door:
                await eventually(lambda: door.ingest._connections[0].is_subscribed, "ingest is subscribed")
            for number in range(30):
                wearable.publish("anju/elm/w-01/acceleration", str(number).encode().ljust(100_000))
                if number == 0:  # what the broker answers together with its hanging up may never be read
                    await eventually(lambda: wearable.acknowledged or wearable.lost, "the first one is acknowledged")
            await eventually(lambda: wearable.lost or len(wearable.acknowledged) == 30, "the broker has no room")
            acknowledged = set(wearable.acknowledged)
            assert 0 < len(acknowledged) < 30
            async with ingesting(broker, link(broker)) as door:
                records = await logged(door.log, lambda records: numbers(records) >= acknowledged)
        assert numbers(records) >= acknowledged

    try:
        run(story())
    finally:
        broker.stop()


PROCESS = """
import asyncio, sys
from devices.ingest import IngestSettings, run
from devices.log import Limits
from devices.mqtt import BrokerLink
links = (BrokerLink(name="mosquitto", url=sys.argv[3]),)
limits = Limits(max_bytes=1 << 25)
settings = IngestSettings(brokers=links, nats_url=sys.argv[1], nats_user="core", nats_password=sys.argv[2], limits=limits)
asyncio.run(run(settings, asyncio.Event()))
"""


def test_ingest_that_is_killed_is_sent_again_what_it_had_not_stored(broker: EmbeddedBroker, mosquitto: Mosquitto) -> None:
    def process() -> subprocess.Popen[bytes]:
        core = credentials_of(broker.config.folder).core
        return subprocess.Popen([sys.executable, "-c", PROCESS, broker.nats_url, core, mosquitto.url], stdout=subprocess.DEVNULL)

    async def story() -> None:
        async with ingesting(broker, beside(mosquitto)) as door:
            await subscribed(mosquitto, door.counters)
        log = await opened(broker)
        with Publisher(mosquitto.url) as wearable, process() as first:
            await asyncio.to_thread(wearable.number, "anju/elm/w-01/button", range(3000))
            before = await logged(log, len)
            first.kill()
            first.wait()
            with process() as second:
                after = await logged(log, lambda records: numbers(records) == set(range(3000)))
                second.terminate()
        assert len(before) < 3000 <= len(after)
        await log.close()

    run(story())


def test_told_to_stop_it_stores_and_acknowledges_what_it_took(broker: EmbeddedBroker, mosquitto: Mosquitto) -> None:
    async def story() -> None:
        with Publisher(mosquitto.url) as wearable:
            async with ingesting(broker, beside(mosquitto)) as door:
                await subscribed(mosquitto, door.counters)
                wearable.number("anju/elm/w-01/button", range(500))
                await eventually(lambda: door.counters.received > 100, "some are taken")
            assert door.counters.received == door.counters.appended
            async with ingesting(broker, beside(mosquitto)) as door:
                records = await logged(door.log, lambda records: numbers(records) == set(range(500)))
        assert len(records) == 500, "what had been acknowledged is not sent again"

    run(story())


def test_a_broker_that_comes_back_is_listened_to_again(broker: EmbeddedBroker, mosquitto: Mosquitto) -> None:
    async def story() -> None:
        async with ingesting(broker, beside(mosquitto)) as door:
            await subscribed(mosquitto, door.counters)
            await asyncio.to_thread(mosquitto.kill)
            await asyncio.to_thread(mosquitto.start)
            with Publisher(mosquitto.url) as wearable:

                def heard() -> bool:
                    wearable.publish("anju/elm/w-01/button", b"again")
                    return door.counters.acknowledged > 0

                await eventually(heard, "ingest hears the device again")

    run(story())


def test_a_payload_beyond_a_mebibyte_is_cut_to_one_byte_more(broker: EmbeddedBroker, mosquitto: Mosquitto) -> None:
    async def story() -> None:
        async with ingesting(broker, beside(mosquitto)) as door:
            await subscribed(mosquitto, door.counters)
            with Publisher(mosquitto.url) as camera:
                camera.publish("anju/elm/c-01/targets", b"x" * (2 * MIB))
                camera.publish("anju/elm/c-01/targets", b"small")
                records = await logged(door.log, lambda records: len(records) == 2)
                await eventually(lambda: door.counters.acknowledged == 2, "both are acknowledged")
            assert door.counters.oversized == 1
        assert [len(record.payload) for record in records] == [MAX_PAYLOAD_BYTES + 1, 5]

    run(story())


class Acknowledged:
    """A connection that is not connected, with its acknowledgements written down."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.counters = Counters()
        self.connection = Connection(BrokerLink(name="any", url="mqtt://127.0.0.1:1"), self.counters)
        self.mids: list[int] = []
        monkeypatch.setattr(self.connection._client, "ack", lambda mid, _qos: self.mids.append(mid))

    def arrive(self, mid: int, payload: bytes = b"", *, qos: int = 1, dup: bool = False, topic: bytes = b"anju/elm/w-01/button") -> None:
        message = MQTTMessage(mid, topic)
        message.qos, message.dup, message.payload = qos, dup, payload
        self.connection._on_message(self.connection._client, None, message)

    def reconnect(self) -> None:
        self.connection._forget_ids()


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Acknowledged:
    return Acknowledged(monkeypatch)


def test_an_acknowledgement_of_an_earlier_connection_is_dropped(taken: Acknowledged) -> None:
    taken.arrive(7, b"first")
    early = taken.connection.take()
    taken.reconnect()
    taken.arrive(7, b"another message with the same id")
    taken.connection.done(early)
    assert (taken.mids, taken.counters.stale) == ([], 1)
    taken.connection.done(taken.connection.take())
    assert taken.mids == [7]


def test_a_copy_that_is_sent_while_the_first_is_held_is_not_taken_twice(taken: Acknowledged) -> None:
    taken.arrive(7, b"slow")
    taken.arrive(7, b"slow", dup=True)
    arrivals = taken.connection.take()
    taken.connection.done(arrivals)
    assert (len(arrivals), taken.mids) == (1, [7])


def test_an_id_used_again_belongs_to_the_newer_message(taken: Acknowledged) -> None:
    taken.arrive(7, b"copy that crossed our acknowledgement", dup=True)
    copy = taken.connection.take()
    taken.arrive(7, b"new")
    taken.connection.done(copy)
    assert taken.mids == []
    taken.connection.done(taken.connection.take())
    assert taken.mids == [7]


def test_an_unacknowledged_kind_of_message_is_taken_and_not_answered(taken: Acknowledged) -> None:
    taken.arrive(0, b"fire and forget", qos=0)
    arrivals = taken.connection.take()
    taken.connection.done(arrivals)
    assert (len(arrivals), taken.mids, taken.counters.stale) == (1, [], 0)


def test_a_bug_in_taking_a_message_stops_ingest(taken: Acknowledged) -> None:
    with pytest.raises(AttributeError):
        taken.connection._on_message(taken.connection._client, None, None)  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        taken.connection.take()


def test_a_piece_is_never_more_than_an_entry_may_hold(taken: Acknowledged) -> None:
    for mid in range(1, 12):
        taken.arrive(mid, b"x" * MAX_PAYLOAD_BYTES * 2, topic=b"anju/" + b"y" * 60_000)
    pieces = list(_cut(taken.connection.take()))
    assert [arrival.mid for piece in pieces for arrival in piece] == list(range(1, 12))
    assert max(len(pack([arrival.record for arrival in piece])) for piece in pieces) <= MAX_ENTRY_BYTES


def test_a_topic_that_is_no_text_is_kept_for_the_record(taken: Acknowledged) -> None:
    taken.arrive(1, topic=b"anju/\xff/w-01/button")
    assert taken.connection.take()[0].record.topic == "anju/\\xff/w-01/button"


def test_who_a_camera_recognised_does_not_come_through_the_door(taken: Acknowledged) -> None:
    taken.arrive(1, b'{"type":"new","after":{"id":"a","sub_label":["John Smith",0.8]}}', topic=b"frigate/events")
    assert taken.connection.take()[0].record.payload == b'{"type":"new","after":{"id":"a"}}'


def test_after_the_door_is_closed_nothing_is_taken(taken: Acknowledged) -> None:
    taken.connection.close_door()
    taken.arrive(1)
    assert taken.connection.take() == []


def test_a_devices_readings_of_all_kinds_share_a_partition() -> None:
    assert len({by_device(f"anju/elm/w-01/{kind}") for kind in ("acceleration", "button", "position", "status")}) == 1
    assert 0 <= by_device("zigbee2mqtt/Front door") < 8
