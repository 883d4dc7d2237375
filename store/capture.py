"""Captures: what arrived and what people did, one JSON object a line, in time order; read as a stream.

A broken *line* is an error in the file. A broken *message* in a sound line is what devices do: it is read, and marked, and set aside later.
"""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args

import msgspec

from devices.model import NS_PER_MS
from incidents.directory import Channel
from incidents.model import Do, Story
from rules.kinds import Mode
from store import community
from store.document import shown
from store.model import Community, InputError

Status = Literal["sent", "delivered", "undelivered", "failed", "busy", "no_answer"]
"""What a gateway may say; `notifier.model.ReceiptStatus` in this layer's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Time passes, to `at_ns`; `number` is the line's, from 1."""

    at_ns: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A message arrives. `broken` says why `payload` (then empty) could not be had."""

    at_ns: int
    number: int
    topic: str
    payload: bytes
    retained: bool = False
    broken: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """A responder says what they do about a subject."""

    at_ns: int
    number: int
    by: str
    do: Do
    subject: str
    eta_min: float | None = None
    story: Story | None = None
    """Of several that are open: which is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeChanged:
    """A home is armed or disarmed: by whom, if that is told, and with the code that was typed, if one was.

    `duress`: that code, which is not told, was the one under duress.
    """

    at_ns: int
    number: int
    home: str
    mode: Mode
    by: str | None = None
    code: str | None = field(default=None, repr=False)
    duress: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A gateway says what became of the newest delivery to a person by a channel; of those of `subject` and `story`, if they are named."""

    at_ns: int
    number: int
    to: str
    channel: Channel
    status: Status
    code: str | None = None
    subject: str | None = None
    story: Story | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierChanged:
    """From now on receipts come by themselves, or do not."""

    at_ns: int
    number: int
    delivers: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceWanted:
    """Somebody asks for silence about a subject, for some minutes."""

    at_ns: int
    number: int
    by: str
    subject: str
    reason: str
    minutes: float
    life: bool = False
    away: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillWanted:
    """Somebody begins a drill about a resident."""

    at_ns: int
    number: int
    by: str
    resident: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityChanged:
    """From now on the community is as another file says."""

    at_ns: int
    number: int
    community: Community


@dataclass(frozen=True, slots=True, kw_only=True)
class AccelerationThinned:
    """From now on most acceleration is left out, so that a device sends little of it means nothing."""

    at_ns: int
    number: int


Line = (
    CommunityChanged | AccelerationThinned | SilenceWanted | DrillWanted | Arrival | Acted | ModeChanged | Received | CarrierChanged | Pause
)


class _Act(msgspec.Struct):
    by: str
    do: Do
    subject: str
    eta_min: float | None = None
    story: Story | None = None


class _Mode(msgspec.Struct):
    home: str
    mode: Mode
    by: str | None = None
    code: str | None = None
    duress: bool = False


class _Silence(msgspec.Struct):
    by: str
    subject: str
    reason: str
    minutes: float
    life: bool = False
    away: bool = False


class _Drill(msgspec.Struct):
    by: str
    resident: str


class _Receipt(msgspec.Struct):
    to: str
    channel: Channel
    status: Status
    code: str | int | None = None
    subject: str | None = None
    story: Story | None = None


class _Line(msgspec.Struct):
    at: str | int
    topic: str | None = None
    payload: msgspec.Raw = msgspec.Raw(b"")
    """The bytes as they stand, so that no number changes on its way."""
    payload_b64: str | None = None
    retained: bool = False
    act: _Act | None = None
    mode: _Mode | None = None
    receipt: _Receipt | None = None
    silence: _Silence | None = None
    drill: _Drill | None = None
    carrier: Literal["silent", "delivers"] | None = None
    community: dict[str, Any] | None = None
    acceleration: Literal["thinned"] | None = None


_DECODER = msgspec.json.Decoder(_Line)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = 7_258_118_400_000
"""2200-01-01: int64 nanoseconds end in 2262, and timers lie ahead of a line."""

_CHOICES = {"carrier": "silent, delivers", "acceleration": "thinned"}
_MAX_ETA_MIN = 365 * 24 * 60
_MAX_DEPTH = 64
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]')
_WANTED = "topic with payload or payload_b64, act, mode, receipt, silence, drill, carrier, community or acceleration"
_PARTS = ("topic", "act", "mode", "receipt", "silence", "drill", "carrier", "community", "acceleration")


class _WrongLineError(ValueError):
    """What is wrong with a line."""


def read(file: Path) -> Iterator[Line]:
    """Lines of a capture, one at a time, blank ones left out.

    Raises
    ------
    InputError
        The file cannot be read, or a line is not as the contract says, or earlier than the one before.
    """
    before_ns = 0
    number = 0
    try:
        with file.open("rb") as stream:
            for number, raw in enumerate(stream, start=1):
                text = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
                if not text.strip():
                    continue
                line = _line(text, number, before_ns)
                before_ns = line.at_ns
                yield line
    except _WrongLineError as error:
        raise InputError(file, f"line {number}", str(error)) from None
    except OSError as error:
        raise InputError(file, "", f"cannot be read: {error.strerror or error}") from None


def _line(raw: bytes, number: int, before_ns: int) -> Line:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise _WrongLineError(f"byte 0x{raw[error.start]:02x} is not UTF-8, wanted UTF-8 text") from None
    broken = None
    try:
        said = _DECODER.decode(raw)
    except msgspec.ValidationError as error:
        raise _WrongLineError(_words(error)) from None
    except (msgspec.DecodeError, RecursionError) as error:
        said = _without_payload(text, error)
        broken = "payload is nested too deeply, or is text that is not Unicode"
    at_ns = _at_ns(said.at)
    if at_ns < before_ns:
        raise _WrongLineError(f"at is {shown(said.at)}, earlier than the line before, wanted lines in time order")
    parts = [name for name in _PARTS if getattr(said, name) is not None]
    if len(parts) > 1:
        raise _WrongLineError(f"holds {' and '.join(parts)}, wanted one of {_WANTED}")
    if said.topic is not None:
        return _arrival(said, said.topic, at_ns, number, broken)
    if bytes(said.payload) or said.payload_b64 is not None:
        raise _WrongLineError("holds a payload without a topic, wanted both")
    return _word(said, text, at_ns, number)


def _word(said: _Line, text: str, at_ns: int, number: int) -> Line:
    """Anything that is not a message."""
    if said.act is not None:
        act = said.act
        if act.eta_min is not None and not 0 < act.eta_min <= _MAX_ETA_MIN:
            raise _WrongLineError(f"act.eta_min is {act.eta_min:g}, wanted minutes above 0, at most {_MAX_ETA_MIN}")
        return Acted(at_ns=at_ns, number=number, by=act.by, do=act.do, subject=act.subject, eta_min=act.eta_min, story=act.story)
    if said.mode is not None:
        wish = said.mode
        if wish.duress and wish.by is None:
            raise _WrongLineError("mode.duress is true, wanted mode.by with it")
        return ModeChanged(at_ns=at_ns, number=number, home=wish.home, mode=wish.mode, by=wish.by, code=wish.code, duress=wish.duress)
    if said.silence is not None:
        quiet = said.silence
        if not 0 < quiet.minutes <= _MAX_ETA_MIN:
            raise _WrongLineError(f"silence.minutes is {quiet.minutes:g}, wanted minutes above 0, at most {_MAX_ETA_MIN}")
        return SilenceWanted(at_ns=at_ns, number=number, **msgspec.structs.asdict(quiet))
    if said.drill is not None:
        return DrillWanted(at_ns=at_ns, number=number, by=said.drill.by, resident=said.drill.resident)
    if said.receipt is not None:
        one = said.receipt
        code = None if one.code is None else str(one.code)
        return Received(at_ns=at_ns, number=number, **msgspec.structs.asdict(one) | {"code": code})
    if said.community is not None:
        try:
            return CommunityChanged(at_ns=at_ns, number=number, community=community.parse(json.dumps(said.community), "community"))
        except InputError as error:
            raise _WrongLineError(str(error)) from None
    return _state(said, text, at_ns, number)


def _state(said: _Line, text: str, at_ns: int, number: int) -> Line:
    """How things are from now on, or time that passes."""
    if said.carrier is not None:
        return CarrierChanged(at_ns=at_ns, number=number, delivers=said.carrier == "delivers")
    if said.acceleration is not None:
        return AccelerationThinned(at_ns=at_ns, number=number)
    others = json.loads(text).keys() - {"at"}
    if others:
        raise _WrongLineError(f"{shown(min(others))} says nothing known, wanted {_WANTED}")
    return Pause(at_ns=at_ns, number=number)


def _arrival(said: _Line, topic: str, at_ns: int, number: int, broken: str | None) -> Arrival:
    payload = bytes(said.payload)
    if bool(payload) == (said.payload_b64 is not None):
        raise _WrongLineError(f"holds {'both payload and' if payload else 'neither payload nor'} payload_b64, wanted one of them")
    if said.payload_b64 is not None:
        try:
            payload = base64.b64decode(said.payload_b64, validate=True)
        except ValueError:
            broken = "payload_b64 is not base64"
    elif payload.startswith(b'"'):
        try:
            payload = msgspec.json.decode(payload, type=str).encode()
        except ValueError:
            broken = "payload is text that is not Unicode"
    return Arrival(at_ns=at_ns, number=number, topic=topic, payload=b"" if broken else payload, retained=said.retained, broken=broken)


def _without_payload(text: str, error: Exception) -> _Line:
    """A line that is JSON though the decoder refuses its payload: nested without end, or half a surrogate pair."""
    try:
        values: Any = json.loads(_shallow(text), parse_constant=_refuse)
        if isinstance(values, dict) and "payload" in values:
            return _DECODER.decode(json.dumps(values | {"payload": None}))
    except (ValueError, RecursionError):
        pass
    raise _WrongLineError(_words(error))


def _shallow(text: str) -> str:
    """JSON without what lies deeper than `_MAX_DEPTH`."""
    kept, depth, start = [], 0, 0
    for token in _TOKEN.finditer(text):
        mark = token.group()
        if mark in {"[", "{"}:
            depth += 1
            if depth == _MAX_DEPTH + 1:
                kept += [text[start : token.start()], "null"]
        elif mark in {"]", "}"}:
            depth -= 1
            if depth == _MAX_DEPTH:
                start = token.end()
    return "".join(kept) + text[start:] if depth == 0 else ""


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _at_ns(at: str | int) -> int:
    if isinstance(at, int):
        at_ns, written = at * NS_PER_MS, shown(at) if at.bit_length() < 64 else "an enormous number"  # noqa: PLR2004  bits
    else:
        written = shown(at)
        try:
            when = datetime.fromisoformat(at)
        except ValueError:
            raise _WrongLineError(f"at is {written}, wanted ISO 8601 such as 2026-03-01T06:00:00.000Z, or whole ms since 1970") from None
        if when.tzinfo is None:
            raise _WrongLineError(f"at is {written}, wanted a trailing Z")
        at_ns = (when - _EPOCH) // timedelta(microseconds=1) * 1000
    if not 0 <= at_ns < _LAST_MS * NS_PER_MS:
        raise _WrongLineError(f"at is {written}, wanted a time between 1970 and 2200")
    return at_ns


def _words(error: Exception) -> str:
    """What the decoder says, in our words: `act.do is 'x'` rather than `$.act.do`."""
    text = str(error)
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    if not isinstance(error, msgspec.ValidationError):
        return f"is not JSON: {text.removeprefix('JSON is malformed: ')}"
    what, _, path = text.partition(" - at `$.")
    path = path.removesuffix("`")
    if "enum value" in what:
        known = {"act.do": Do, "act.story": Story, "receipt.story": Story, "mode.mode": Mode, "receipt.channel": Channel}.get(path)
        words = ", ".join(known) if known else ", ".join(get_args(Status)) if path == "receipt.status" else _CHOICES.get(path, "")
        return f"{path}: {what}, wanted one of {words}"
    return f"{path}: {what}" if path else what


def iso(time_ns: int) -> str:
    """A time as the contract writes it: ISO 8601 UTC with milliseconds (cut off, not rounded) and a trailing Z."""
    seconds, rest_ns = divmod(time_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%dT%H:%M:%S}.{rest_ns // NS_PER_MS:03d}Z"
