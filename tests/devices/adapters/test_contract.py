"""What holds of every adapter."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.adapters import ADAPTERS
from devices.adapters.model import Adapter, Heard
from devices.model import CommunityId, Device, DeviceId, DeviceKind, SensorKind, Source
from devices.view import View

VIEW = View(width_px=1000, height_px=1000, homography=((0.01, 0.0, -5.0), (0.0, -0.01, 10.0), (0.0, 1e-4, 1.0)))
NAME = "a/b"
ENDINGS = (
    *("", "/availability", "/event", "/status", "/debug", "/person", "/status/detect", "/motion"),
    *(f"/sensor/target-{n}_{piece}/state" for n in (1, 2, 3) for piece in ("x", "y", "speed", "distance")),
    *("/sensor/presence_target_count/state", "/binary_sensor/presence/state"),
)
WHOLE = ("zigbee2mqtt/bridge/state", "frigate/available", "frigate/events", "frigate/stats", "traccar/positions")
KEYS = (
    *(
        "_type",
        "tst",
        "lat",
        "lon",
        "acc",
        "vel",
        "cog",
        "batt",
        "location",
        "coords",
        "latitude",
        "longitude",
        "timestamp",
        "battery",
        "level",
    ),
    *(
        "extras",
        "alarm",
        "position",
        "device",
        "uniqueId",
        "fixTime",
        "attributes",
        "event",
        "after",
        "camera",
        "frame_time",
        "box",
        "label",
    ),
    *("id", "type", "cameras", "camera_fps", "contact", "tamper", "last_seen", "state", "action", "action_code"),
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["location", "person", "sos", "a", "1e400"])
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6), max_leaves=20
)
NUMBERS = st.sampled_from([b"nan", b"0", b"-782", b"1713", b"1e400", b"online", b"OFF", b"None"])
PAYLOADS = st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()) | NUMBERS
every_adapter = pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda one: one.name)


def device(adapter: Adapter) -> Device:
    source = Source(adapter=adapter.name, name=NAME)
    return Device(community_id=CommunityId("elm"), id=DeviceId("d"), kind=DeviceKind.CAMERA, source=source, view=VIEW)


@every_adapter
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_nothing_raises_and_what_is_said_is_json_of_a_kind_each(adapter: Adapter, data: st.DataObject) -> None:
    listen = adapter.listener(device(adapter))
    topics = st.text().map(lambda rest: adapter.prefix + rest) | st.sampled_from([f"{adapter.prefix}{NAME}{end}" for end in ENDINGS])
    arrivals = st.lists(st.tuples(topics | st.sampled_from(WHOLE), PAYLOADS, st.integers(0, 200), st.booleans()), max_size=8)
    at_ms = 1_772_416_800_000
    for topic, payload, later_ms, retained in data.draw(arrivals):
        at_ms += later_ms
        names = adapter.speakers(topic, payload)
        assert names if isinstance(names, str) else all(isinstance(name, str) for name in names)
        assert names
        assert adapter.speakers(topic, adapter.kept(topic, payload)) == names or isinstance(names, str)
        if isinstance(names, str):
            continue
        said = listen(Heard(topic=topic, payload=payload, received_ns=at_ms * 1_000_000, retained=retained))
        if isinstance(said, str):
            assert said
            continue
        kinds = [kind for kind, _ in said]
        assert len(set(kinds)) == len(kinds)
        assert set(kinds) <= set(SensorKind)
        assert all("t" in json.loads(reading) for _, reading in said)


@every_adapter
def test_a_topic_alone_is_no_error(adapter: Adapter) -> None:
    for end in ENDINGS:
        assert adapter.speakers(f"{adapter.prefix}{NAME}{end}", b"")


@every_adapter
@pytest.mark.parametrize(
    "payload",
    [b"[" * 100_000, b"{" * 100_000, b'{"_type":' * 50_000, b"9" * 100_000, b'{"after":' * 50_000],
    ids=lambda one: repr(one[:10]),
)
def test_depth_and_length_are_survived(adapter: Adapter, payload: bytes) -> None:
    listen = adapter.listener(device(adapter))
    for topic in (*(f"{adapter.prefix}{NAME}{end}" for end in ENDINGS), *WHOLE):
        if topic.startswith(adapter.prefix) and not isinstance(adapter.speakers(topic, payload), str):
            listen(Heard(topic=topic, payload=payload, received_ns=0))
        adapter.kept(topic, payload)
