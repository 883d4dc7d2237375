"""What every kind of readings promises. A new kind needs one line in `EXAMPLES`."""

import json
import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.model import SENSORS_OF, Batch, Kind, Message, SensorKind
from devices.payload import MAX_REASON
from devices.sensors import KINDS

Build = Callable[..., Message]

EXAMPLES: dict[SensorKind, list[dict[str, Any]]] = {
    SensorKind.ACCELERATION: [
        {"rate_hz": 50, "unit": "g", "xyz": [[0, 0.1, 1], [0.2, 0, 0.9]]},
        {"rate_hz": 25.5, "unit": "m/s2", "xyz": [[0, 0, 9.81]], "gyro_dps": [[1, 2, 3]]},
    ],
    SensorKind.POSITION: [
        {"lon": 119.95, "lat": 31.78, "accuracy_m": 8, "speed_mps": 1.1, "heading_deg": 90, "datum": "gcj02"},
        {"lon": -70, "lat": -33},
    ],
    SensorKind.TARGETS: [
        {"targets": [{"x_m": -0.78, "y_m": 1.71, "speed_mps": -0.16}, {"x_m": 1, "y_m": 2, "accuracy_m": 0.3, "id": "a"}]},
        {"targets": []},
    ],
    SensorKind.CONTACT: [{"open": True}, {"open": False}],
    SensorKind.MOTION: [{"motion": True}, {"motion": False}],
    SensorKind.BUTTON: [{"pressed": "sos"}, {"pressed": "cancel"}, {"pressed": "duress"}],
    SensorKind.KEYPAD: [{"mode": "away", "code": "2580"}, {"mode": "disarmed", "code": "012345678901"}],
    SensorKind.METER: [{"water_l": 81234.5}, {"electricity_wh": 10}],
    SensorKind.STATUS: [{"battery_percent": 81, "online": True, "tamper": False}, {"battery_low": True}, {}],
}
PACKED = b"A1" + struct.pack("<Hfq", 2, 50.0, 1_772_416_800_000_000) + np.arange(6, dtype="<i2").tobytes()
ROWS = {"device": np.int32, "time_ns": np.int64, "received_ns": np.int64, "seq": np.int64}
MASKS = ("retained", "clock_wrong", "back")
WITHOUT_UNIT = {
    *ROWS,
    *MASKS,
    "offset",
    "press",
    "online",
    "tamper",
    "battery_low",
    "mode",
    "name",
    "code",
}  # answers and codes, not numbers
UNITS = ("_g", "_dps", "_hz", "_deg", "_m", "_mps", "_l", "_wh", "_percent", "_ns")

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def examples(kind: Kind[Batch]) -> list[bytes | dict[str, Any]]:
    return [*EXAMPLES[kind.name], *([PACKED] if kind.name is SensorKind.ACCELERATION else [])]


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Paths to the numbers of a payload."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path


def with_token(payload: dict[str, Any], path: tuple[str | int, ...], token: str) -> bytes:
    """The payload as JSON, with a token instead of one of its numbers."""
    copy = json.loads(json.dumps(payload))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = "@@"
    return json.dumps(copy).replace('"@@"', token).encode()


def check(batch: Batch, rows: int) -> None:
    """What holds of every batch."""
    n = len(batch)
    assert n == rows
    for name, dtype in ROWS.items():
        assert getattr(batch, name).dtype == dtype
    for column in fields(batch):
        values = getattr(batch, column.name)
        assert isinstance(values, np.ndarray)
        assert not values.flags.writeable
        assert values.dtype.kind in "bif" or column.name == "code"
        assert column.name.endswith(UNITS) or column.name in WITHOUT_UNIT or values.dtype == np.bool_
        assert not (values.dtype.kind == "f" and np.isinf(values).any())
        if column.name in {*ROWS, *MASKS}:
            assert values.shape == (n,)
    for name in MASKS:
        assert getattr(batch, name).dtype == np.bool_
    assert (np.diff(batch.seq) > 0).all()
    offset = getattr(batch, "offset", None)
    widths = {getattr(batch, c.name).shape[-1] for c in fields(batch)} - {n}
    if offset is None:
        assert not widths
    else:
        assert offset.dtype == np.int64
        assert offset.shape == (n + 1,)
        assert offset[0] == 0
        assert (np.diff(offset) >= 0).all()
        assert widths <= {n + 1, int(offset[-1])}


def test_every_kind_stands_in_the_register_once_and_has_examples() -> None:
    names = [kind.name for kind in KINDS]
    assert sorted(names) == sorted(SensorKind)
    assert names.index(SensorKind.POSITION) < names.index(SensorKind.TARGETS)
    assert set(EXAMPLES) == set(SensorKind)
    assert all(any(name in sent for sent in SENSORS_OF.values()) for name in names)


@every_kind
def test_nothing_becomes_an_empty_batch_of_the_same_columns(kind: Kind[Batch], message: Build) -> None:
    nothing, something = kind.decode([]).batch, kind.decode([message(kind.name, e) for e in examples(kind)]).batch
    check(nothing, 0)
    for column in fields(nothing):
        empty, full = getattr(nothing, column.name), getattr(something, column.name)
        assert (empty.dtype, empty.ndim) == (full.dtype, full.ndim)


@every_kind
def test_examples_of_many_devices_become_rows_in_order_of_arrival(kind: Kind[Batch], message: Build) -> None:
    messages = [message(kind.name, e, device=d, after_ms=d) for d in (3, 0, 7) for e in examples(kind)]
    decoded = kind.decode(messages)
    assert not decoded.rejected
    check(decoded.batch, len(messages))
    assert decoded.batch.device.tolist() == [m.device for m in messages]
    assert decoded.batch.seq.tolist() == [m.seq for m in messages]
    assert decoded.batch.received_ns.tolist() == [m.received_ns for m in messages]
    assert not decoded.batch.back.any()


@every_kind
def test_a_broken_message_leaves_its_neighbours_as_they_are(kind: Kind[Batch], message: Build) -> None:
    sound = [message(kind.name, e, device=i) for i, e in enumerate(examples(kind))]
    mixed = [m for s in sound for m in (message(kind.name, b"\x00\xff"), s, message(kind.name, b"A1"))]
    mixed = [
        Message(topic=m.topic, device=m.device, kind=m.kind, payload=m.payload, received_ns=m.received_ns, seq=i)
        for i, m in enumerate(mixed)
    ]
    alone, among = kind.decode(sound).batch, kind.decode(mixed)
    check(among.batch, len(sound))
    assert [r.seq for r in among.rejected] == [i for i in range(len(mixed)) if i % 3 != 1]
    for column in fields(alone):
        if column.name != "seq":
            np.testing.assert_array_equal(getattr(alone, column.name), getattr(among.batch, column.name))


@every_kind
def test_one_batch_equals_many(kind: Kind[Batch], message: Build) -> None:
    messages = [message(kind.name, e) for e in examples(kind)]
    whole = kind.decode(messages).batch
    parts = [kind.decode([m]).batch for m in messages]
    for column in fields(whole):
        if column.name != "offset":
            np.testing.assert_array_equal(
                np.concatenate([getattr(part, column.name) for part in parts], axis=-1), getattr(whole, column.name), strict=True
            )


GARBAGE = [
    b"",
    b" ",
    b"null",
    b"[]",
    b"{}",
    b'"sos"',
    b"\x00\x01\x02\x03",
    b"\xff\xfe{\x00}\x00",
    b"A1",
    b"A1" + bytes(14),
    b"{" * 500_000,
    b"[" * 500_000,
    b'{"zz":' * 200_000,
    b'{"t": 1772416800000, "zz": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    b'{"t": 1772416800000, "t": {}, "xyz": 1, "open": 2, "motion": 3, "pressed": 4, "targets": 5, "lon": [], "water_l": {}, "tamper": []}',
    b"9" * 100_000,
    b'"' + b"\\u0000" * 1000,
]


@every_kind
@pytest.mark.parametrize("payload", GARBAGE, ids=lambda payload: f"{payload[:12]!r}-{len(payload)}")
def test_garbage_is_set_aside_with_a_short_reason(kind: Kind[Batch], payload: bytes, message: Build) -> None:
    decoded = kind.decode([message(kind.name, payload)])
    check(decoded.batch, 0)
    (rejected,) = decoded.rejected
    assert rejected.reason
    assert rejected.reason.isprintable()
    assert len(rejected.reason) <= MAX_REASON


@every_kind
def test_every_truncation_is_set_aside(kind: Kind[Batch], message: Build) -> None:
    for example in examples(kind):
        whole = message(kind.name, example).payload
        cuts = [message(kind.name, whole[:end]) for end in range(len(whole))]
        decoded = kind.decode(cuts)
        check(decoded.batch, 0)
        assert len(decoded.rejected) == len(cuts)


@every_kind
@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" + "0" * 400, '"1"', "true", "[1]"])
def test_a_number_that_is_none_is_set_aside_wherever_it_stands(kind: Kind[Batch], token: str, message: Build) -> None:
    for example in EXAMPLES[kind.name]:
        payload = {"t": 1_772_416_800_000, **example}
        for path in leaves(payload):
            decoded = kind.decode([message(kind.name, with_token(payload, path, token))])
            check(decoded.batch, 0)
            assert len(decoded.rejected) == 1


@every_kind
def test_a_number_of_any_size_never_becomes_infinite(kind: Kind[Batch], message: Build) -> None:
    for example in EXAMPLES[kind.name]:
        payload = {"t": 1_772_416_800_000, **example}
        for path in leaves(payload):
            for token in ("1e39", "-1e39", "1e308", "-0.0", "1e-320"):
                decoded = kind.decode([message(kind.name, with_token(payload, path, token))])
                check(decoded.batch, 1 - len(decoded.rejected))


@every_kind
def test_10_mb_are_survived(kind: Kind[Batch], message: Build) -> None:
    for payload in (b"\x00" * 10_000_000, b"A1" + bytes(10_000_000), b'{"t": 1772416800000, "zz": "' + b"z" * 10_000_000 + b'"'):
        assert len(kind.decode([message(kind.name, payload)]).rejected) == 1


@every_kind
def test_a_time_is_required_and_typed(kind: Kind[Batch], message: Build) -> None:
    (example, *_) = EXAMPLES[kind.name]
    for t in (None, True, 1.5, 1.0, math.nan, "2026-03-02T02:00:00", "", [], {}):
        (rejected,) = kind.decode([message(kind.name, {**example, "t": t})]).rejected
        assert "t" in rejected.reason
    bare = json.dumps(example).encode()
    assert kind.decode([message(kind.name, bare)]).rejected[0].reason == "$.t is missing"


@every_kind
def test_a_clock_beyond_its_limits_is_marked_and_arrival_is_used(kind: Kind[Batch], message: Build) -> None:
    (example, *_) = EXAMPLES[kind.name]
    for t in (0, "1999-01-01T00:00:00Z", "9999-12-31T23:59:59Z", 2**63 - 1, -(2**63), "2026-03-02T02:01:00.001Z"):
        batch = kind.decode([message(kind.name, {**example, "t": t})]).batch
        assert batch.clock_wrong.tolist() == [True]
        assert batch.time_ns.tolist() == batch.received_ns.tolist()


@every_kind
def test_unknown_fields_are_ignored_and_retained_is_kept(kind: Kind[Batch], message: Build) -> None:
    (example, *_) = EXAMPLES[kind.name]
    decoded = kind.decode([message(kind.name, {**example, "zz": {"a": [None, 1e300]}, "名": "值"}, retained=True)])
    check(decoded.batch, 1)
    assert decoded.batch.retained.tolist() == [True]


@every_kind
def test_text_that_is_not_utf_8_is_set_aside_even_in_an_unknown_field(kind: Kind[Batch], message: Build) -> None:
    (example, *_) = EXAMPLES[kind.name]
    whole = message(kind.name, {**example, "zz": "@@"}).payload.replace(b"@@", b"\xc3\x28")
    assert "UTF-8" in kind.decode([message(kind.name, whole)]).rejected[0].reason


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_no_bytes_and_no_json_raise(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    keys = st.sampled_from(sorted({"t", *(key for example in EXAMPLES[kind.name] for key in example)}))
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    values = st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=8
    )
    payload = data.draw(st.binary(max_size=60) | st.dictionaries(keys, values, max_size=5).map(lambda fields: json.dumps(fields).encode()))
    sent = Message(topic="anju/elm/d/x", device=0, kind=kind.name, payload=payload, received_ns=1_772_416_800_000_000_000, seq=1)
    decoded = kind.decode([sent])
    check(decoded.batch, 1 - len(decoded.rejected))
