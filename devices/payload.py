"""What every kind's decoder needs: JSON into typed payloads, the columns that all batches share, and words for what is set aside.

A payload is a msgspec struct: unknown fields are ignored, null in an optional field is as if it were not sent, and every
other deviation is a reason. JSON has no NaN and no infinity, and msgspec refuses numbers that float64 cannot hold.
"""

import re
import reprlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Annotated, Generic, NoReturn, TypedDict, TypeVar

import msgspec
import numpy as np

from devices.clock import correct
from devices.model import NS_PER_MS, Batch, Bool, Float64, Int32, Int64, Message, Rejected

MAX_REASON = 200
"""Longest reason, in characters: it is read by people, in one line."""
NonNegative = Annotated[float, msgspec.Meta(ge=0)]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INT64 = np.iinfo(np.int64)
_PATH = re.compile(r"(.*) - at `(\$[^`]+)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_TIME = "ISO 8601 with Z or an offset, or integer milliseconds since 1970"


class Timed(msgspec.Struct, frozen=True, gc=False):
    """A payload; `t` is when it was measured."""

    t: int | str


P = TypeVar("P", bound=Timed)
B = TypeVar("B", bound=Batch)


class Header(TypedDict):
    """The columns of `Batch`."""

    device: Int32
    time_ns: Int64
    received_ns: Int64
    seq: Int64
    retained: Bool
    clock_wrong: Bool
    back: Bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Payloads(Generic[P]):
    """N messages that could be read, in order of arrival, and what could not.

    Attributes
    ----------
    messages : N messages
    values : N payloads
    sent_ns : (N,) int64
        Their `t`, saturated.
    rejected : tuple of Rejected
    """

    messages: list[Message]
    values: list[P]
    sent_ns: Int64
    rejected: tuple[Rejected, ...]

    @property
    def header(self) -> Header:
        """Columns that all batches share."""
        return header(self.messages, self.sent_ns)


def read(messages: Iterable[Message], decode: Callable[[bytes], P]) -> Payloads[P]:
    """Payloads of messages; `decode` is that of a `msgspec.json.Decoder`."""
    kept: list[Message] = []
    values: list[P] = []
    sent_ns: list[int] = []
    rejected: list[Rejected] = []
    for message in messages:
        try:
            if not message.payload.isascii():
                message.payload.decode()  # msgspec does not look into the fields that it skips
            value = decode(message.payload)
            time_ns = parse_time_ns(value.t)
        except (ValueError, RecursionError) as error:  # every error of msgspec is a ValueError
            rejected.append(set_aside(message, reason_of(error, message.payload)))
        else:
            kept.append(message)
            values.append(value)
            sent_ns.append(time_ns)
    return Payloads(messages=kept, values=values, sent_ns=np.array(sent_ns, np.int64), rejected=tuple(rejected))


def header(messages: Sequence[Message], sent_ns: Int64) -> Header:
    """Columns that all batches share, with the devices' clocks corrected."""
    n = len(messages)
    received_ns = np.fromiter((m.received_ns for m in messages), np.int64, n)
    time_ns, clock_wrong = correct(sent_ns, received_ns)
    return Header(
        device=np.fromiter((m.device for m in messages), np.int32, n),
        time_ns=time_ns,
        received_ns=received_ns,
        seq=np.fromiter((m.seq for m in messages), np.int64, n),
        retained=np.fromiter((m.retained for m in messages), np.bool_, n),
        clock_wrong=clock_wrong,
        back=np.zeros(n, np.bool_),
    )


def numbers(values: Iterable[float | None]) -> Float64:
    """(N,) float64; NaN where there is none."""
    return np.array([np.nan if value is None else value for value in values], np.float64)


def offsets(counts: Sequence[int] | Int64) -> Int64:
    """(N + 1,) int64: where each row's part of a ragged column begins, and where the last one ends."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(np.asarray(counts, np.int64))])


def sealed(batch: B) -> B:
    """The same batch, its columns read-only."""
    for column in fields(batch):
        getattr(batch, column.name).setflags(write=False)
    return batch


def parse_time_ns(t: int | str) -> int:
    """Nanoseconds since the Unix epoch, saturated to int64: what no clock shows is still only a wrong clock.

    Raises
    ------
    ValueError
        Not a time, without an offset, or an integer beyond int64.
    """
    if isinstance(t, int):
        if not _INT64.min <= t <= _INT64.max:
            refuse("$.t", "beyond 64 bits", _TIME)
        time_ns = t * NS_PER_MS
    else:
        try:
            moment = datetime.fromisoformat(t)
        except ValueError:
            refuse("$.t", shown(t), _TIME)
        if moment.tzinfo is None:
            refuse("$.t", shown(t), _TIME)
        time_ns = (moment - _EPOCH) // timedelta(microseconds=1) * 1000
    return int(min(max(time_ns, _INT64.min), _INT64.max))


def refuse(path: str, value: str, wanted: str) -> NoReturn:
    """Say of a payload what is wrong with it.

    Raises
    ------
    ValueError
        Always.
    """
    raise ValueError(f"{path} is {value}, wanted {wanted}")


def shown(value: object) -> str:
    """A value in few characters."""
    return reprlib.repr(value)


def set_aside(message: Message, reason: str) -> Rejected:
    """The message, set aside."""
    return Rejected(topic=message.topic, reason=one_line(reason), received_ns=message.received_ns, seq=message.seq)


def one_line(reason: str) -> str:
    """A reason as it is printed: one line, not longer than `MAX_REASON`."""
    short = reason if len(reason) <= MAX_REASON else reason[: MAX_REASON - 1] + "…"
    return "".join(c if c.isprintable() else "?" for c in short)


def reason_of(error: Exception, payload: bytes) -> str:
    """Path, value and what was wanted, as far as they can be told, of an error in decoding a payload."""
    if isinstance(error, RecursionError):
        return "payload is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"payload is not UTF-8 at byte {error.start}"
    if isinstance(error, msgspec.ValidationError):
        return _deviation(str(error), payload)
    if isinstance(error, msgspec.DecodeError):
        return f"payload of {len(payload)} bytes is not JSON: {error}"
    return str(error)


def _deviation(words: str, payload: bytes) -> str:
    """Words of msgspec about a field of a wrong type or size, in ours; those of `refuse` are."""
    path = "$"
    if found := _PATH.fullmatch(words):
        words, path = found.groups()
    if missing := _MISSING.fullmatch(words):
        return f"{path}.{missing[1]} is missing"
    if path == "$":  # the value would be the whole payload
        return words.replace("Expected", "payload: wanted", 1)
    wanted = f"wanted {_TIME}" if path == "$.t" else words.replace("Expected", "wanted", 1)
    value = _value_at(payload, path)
    return f"{path}: {wanted}" if value is None else f"{path} is {value}, {wanted}"


def _value_at(payload: bytes, path: str) -> str | None:
    """What stands at a path that msgspec named, if it can be shown. Reads the payload anew: only what is set aside pays for it."""
    try:
        value = msgspec.json.decode(payload)
        for name, index in _STEP.findall(path):
            value = value[name] if name else value[int(index)]
        return shown(value)
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
