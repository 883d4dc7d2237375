"""Captures: what a line may be, which lines are errors, and which are broken messages only."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incidents.directory import Channel
from incidents.model import Do
from rules.kinds import Mode
from store.capture import Acted, Arrival, CarrierChanged, Line, ModeChanged, Pause, Received, read
from store.model import InputError

AT = "2026-03-01T06:00:00.000Z"
AT_NS = 1_772_344_800_000_000_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "capture.jsonl"


def lines_of(file: Path, *lines: str | bytes | dict[str, Any]) -> list[Line]:
    raws = [line if isinstance(line, bytes) else (line if isinstance(line, str) else json.dumps(line)).encode() for line in lines]
    file.write_bytes(b"\n".join(raws))
    return list(read(file))


def error_of(file: Path, *lines: str | bytes | dict[str, Any]) -> str:
    with pytest.raises(InputError) as caught:
        lines_of(file, *lines)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def message(payload: str) -> str:
    return f'{{"at": "{AT}", "topic": "anju/a/b/c", "payload": {payload}}}'


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ({}, Pause(at_ns=AT_NS, number=1)),
        ({"topic": "x", "payload_b64": "AAE="}, Arrival(at_ns=AT_NS, number=1, topic="x", payload=b"\x00\x01")),
        ({"topic": "x", "payload": {}, "retained": True}, Arrival(at_ns=AT_NS, number=1, topic="x", payload=b"{}", retained=True)),
        (
            {"act": {"by": "guard-1", "do": "acknowledge", "subject": "ann", "eta_min": 5}},
            Acted(at_ns=AT_NS, number=1, by="guard-1", do=Do.ACKNOWLEDGE, subject="ann", eta_min=5.0),
        ),
        ({"act": {"by": "g", "do": "on_scene", "subject": "s"}}, Acted(at_ns=AT_NS, number=1, by="g", do=Do.ON_SCENE, subject="s")),
        ({"mode": {"home": "h", "mode": "away"}}, ModeChanged(at_ns=AT_NS, number=1, home="h", mode=Mode.AWAY)),
        (
            {"mode": {"home": "h", "mode": "away", "by": "p", "code": "0123"}},
            ModeChanged(at_ns=AT_NS, number=1, home="h", mode=Mode.AWAY, by="p", code="0123"),
        ),
        (
            {"receipt": {"to": "p", "channel": "sms", "status": "undelivered", "code": "30003"}},
            Received(at_ns=AT_NS, number=1, to="p", channel=Channel.SMS, status="undelivered", code="30003"),
        ),
        ({"carrier": "silent"}, CarrierChanged(at_ns=AT_NS, number=1, delivers=False)),
        ({"carrier": "delivers"}, CarrierChanged(at_ns=AT_NS, number=1, delivers=True)),
    ],
)
def test_each_line_of_the_contract_is_read(file: Path, said: dict[str, Any], line: Line) -> None:
    assert lines_of(file, {"at": AT, **said}) == [line]


@pytest.mark.parametrize(
    "at", [AT, "2026-03-01T06:00:00Z", "2026-03-01T14:00:00+08:00", "2026-03-01T06:00:00.000000Z", AT_NS // 1_000_000], ids=str
)
def test_a_time_is_iso_8601_with_an_offset_or_whole_milliseconds(file: Path, at: object) -> None:
    assert [line.at_ns for line in lines_of(file, {"at": at})] == [AT_NS]


def test_a_json_payload_keeps_its_bytes_as_they_stand(file: Path) -> None:
    written = '{"x":  1.50, "n": 12345678901234567890.10, "s": "\\u738b"}'
    [line] = lines_of(file, message(written))
    assert isinstance(line, Arrival)
    assert line.payload == written.encode()


def test_a_payload_that_is_text_is_its_own_bytes(file: Path) -> None:
    [online, chinese] = lines_of(file, message('"online"'), message('"\\u738b\\n"'))
    assert isinstance(online, Arrival)
    assert isinstance(chinese, Arrival)
    assert (online.payload, chinese.payload) == (b"online", "王\n".encode())


@pytest.mark.parametrize("payload", ["null", "3", "[]", "false", '""'])
def test_any_json_is_a_payload(file: Path, payload: str) -> None:
    [line] = lines_of(file, message(payload))
    assert isinstance(line, Arrival)
    assert (line.payload, line.broken) == (b"" if payload == '""' else payload.encode(), None)


@pytest.mark.parametrize("text", ["A!", "é", "AAE", "AA E=", "===="])
def test_bad_base64_is_a_broken_message_and_no_error(file: Path, text: str) -> None:
    [line] = lines_of(file, {"at": AT, "topic": "x", "payload_b64": text})
    assert isinstance(line, Arrival)
    assert (line.payload, line.broken) == (b"", "payload_b64 is not base64")


@pytest.mark.parametrize(
    "payload", ["[" * 100_000 + "]" * 100_000, '{"a":' * 5000 + '"[]}\\""' + "}" * 5000, '"\\ud800"', '{"a": "\\ud800"}']
)
def test_a_payload_that_no_decoder_takes_is_a_broken_message_and_no_error(file: Path, payload: str) -> None:
    [line, after] = lines_of(file, message(payload), message("1"))
    assert isinstance(line, Arrival)
    assert isinstance(after, Arrival)
    assert line.topic == "anju/a/b/c"
    assert line.broken is not None
    assert after.broken is None


def test_blank_lines_and_a_byte_order_mark_are_nothing(file: Path) -> None:
    assert [line.number for line in lines_of(file, b"\xef\xbb\xbf", {"at": 1}, "", "  \r", '{"at": 2}\r', "")] == [2, 5]


def test_an_empty_capture_has_no_lines(file: Path) -> None:
    assert lines_of(file) == []


def test_a_field_that_nobody_knows_is_ignored_beside_one_that_is_known(file: Path) -> None:
    assert lines_of(file, {"at": AT, "carrier": "silent", "note": 1}) == [CarrierChanged(at_ns=AT_NS, number=1, delivers=False)]


def test_two_lines_may_have_one_time(file: Path) -> None:
    assert len(lines_of(file, {"at": AT}, {"at": AT})) == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("not json", "not JSON"),
        ('{"at": 1', "not JSON"),
        ('{"at": 1} {"at": 2}', "not JSON"),
        ('{"at": 1, "topic": "x", "payload": NaN}', "not JSON"),
        ('{"at": 1, "topic": "\\ud800", "payload": 1}', "not JSON"),
        ("[" * 100_000, "object"),
        (b'{"at": "\xff"}', "0xff is not UTF-8"),
        ("[]", "object"),
        ("3", "object"),
        ("{}", "at"),
        ({"at": 1.5}, "at"),
        ({"at": True}, "at"),
        ({"at": None}, "at"),
        ({"at": "yesterday"}, "wanted ISO 8601"),
        ({"at": "2026-03-01T06:00:00"}, "trailing Z"),
        ({"at": "2026-03-01"}, "trailing Z"),
        ({"at": -1}, "between 1970 and 2200"),
        ({"at": 10**30}, "between 1970 and 2200"),
        ({"at": "0001-01-01T00:00:00+23:00"}, "between 1970 and 2200"),
        ({"at": AT, "topic": "x"}, "neither payload nor payload_b64"),
        ({"at": AT, "topic": "x", "payload": 1, "payload_b64": "AAE="}, "both payload and payload_b64"),
        ({"at": AT, "topic": 3, "payload": 1}, "topic"),
        ({"at": AT, "topic": "x", "payload_b64": 3}, "payload_b64"),
        ({"at": AT, "topic": "x", "payload": 1, "retained": 1}, "retained"),
        ({"at": AT, "payload": 1}, "without a topic"),
        ({"at": AT, "topic": "x", "payload": 1, "carrier": "silent"}, "topic and carrier"),
        ({"at": AT, "act": {"by": "g", "do": "dance", "subject": "s"}}, "acknowledge, on_scene, resolve, false_alarm"),
        ({"at": AT, "act": {"by": "g", "do": "resolve"}}, "subject"),
        ({"at": AT, "act": {"by": 3, "do": "resolve", "subject": "s"}}, "act.by"),
        ({"at": AT, "act": "resolve"}, "act"),
        ({"at": AT, "act": {"by": "g", "do": "resolve", "subject": "s", "eta_min": 0}}, "eta_min is 0"),
        ({"at": AT, "act": {"by": "g", "do": "resolve", "subject": "s", "eta_min": -5}}, "eta_min is -5"),
        ({"at": AT, "act": {"by": "g", "do": "resolve", "subject": "s", "eta_min": 1e300}}, "eta_min is 1e.300"),
        ({"at": AT, "act": {"by": "g", "do": "resolve", "subject": "s", "eta_min": "5"}}, "act.eta_min"),
        (f'{{"at": "{AT}", "act": {{"by": "g", "do": "resolve", "subject": "s", "eta_min": 1e999}}}}', "act.eta_min"),
        ({"at": AT, "mode": {"home": "h", "mode": "asleep"}}, "disarmed, home, away, night, holiday"),
        ({"at": AT, "mode": {"home": "h", "mode": "away", "code": 98765}}, "mode.code: Expected `str | null`, got `int`"),
        ({"at": AT, "receipt": {"to": "p", "channel": "pigeon", "status": "sent"}}, "sms, voice, push"),
        ({"at": AT, "receipt": {"to": "p", "channel": "sms", "status": "lost"}}, "sent, delivered, undelivered"),
        ({"at": AT, "carrier": "slow"}, "silent, delivers"),
        ({"at": AT, "topik": "x", "payload": 1}, "without a topic"),
        ({"at": AT, "topik": "x"}, "'topik' says nothing known"),
        ({"at": AT, "topic": None}, "'topic' says nothing known"),
    ],
)
def test_a_line_that_is_none_is_an_error_with_its_number(file: Path, line: str | bytes | dict[str, Any], said: str) -> None:
    error = error_of(file, {"at": 0}, "", line)
    assert f"{file}: line 3: " in error
    assert said in error.replace("1e+300", "1e.300"), error


def test_a_line_earlier_than_the_one_before_is_an_error(file: Path) -> None:
    assert "line 2: at is 4, earlier than the line before" in error_of(file, {"at": 5}, {"at": 4})


def test_the_lines_before_a_wrong_one_are_read(file: Path) -> None:
    file.write_text('{"at": 1}\nnot json\n', encoding="utf-8")
    lines = read(file)
    assert next(lines).at_ns == 1_000_000
    with pytest.raises(InputError, match="line 2"):
        next(lines)


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_capture_that_cannot_be_read_is_an_input_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        list(read(tmp_path / name))


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,\\ud8at10.eE- \n', max_size=60).map(str.encode))
def test_garbage_is_lines_or_one_line_of_error(file: Path, raw: bytes) -> None:
    file.write_bytes(raw)
    try:
        list(read(file))
    except InputError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017  either outcome is right


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(), st.lists, max_leaves=4
)
_WORDS = st.sampled_from(["at", "topic", "payload", "payload_b64", "retained", "act", "mode", "receipt", "carrier", "other"])


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(_WORDS, _JSON | st.dictionaries(st.sampled_from(["by", "do", "to", "home", "mode"]), _JSON)))
def test_any_object_is_a_line_or_one_line_of_error(file: Path, said: dict[str, Any]) -> None:
    file.write_text(json.dumps({"at": 1} | said), encoding="utf-8")
    try:
        list(read(file))
    except InputError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017  either outcome is right


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=50))
def test_any_bytes_survive_in_base64(file: Path, payload: bytes) -> None:
    [line] = lines_of(file, {"at": AT, "topic": "x", "payload_b64": base64.b64encode(payload).decode()})
    assert isinstance(line, Arrival)
    assert line.payload == payload
