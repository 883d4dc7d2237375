"""Entries of the log: what is in them, and which partition they go to."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

MAX_PAYLOAD_BYTES = 1 << 20
"""A longer payload is cut to one byte more than this: kept as evidence, and rejected for its size by whoever decodes it."""
MAX_ENTRY_BYTES = 4 << 20
"""What an entry may take; a server that accepts less cannot keep the log."""
PARTITIONS = 8
"""What one home's rules need is in one partition. To change it: drain the log, stop ingest, change it, start. Positions are of the stream,
and state is by device, so only the order across the change matters, and draining keeps that."""


class Record(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One message as it arrived.

    New fields go to the end, with a default: entries of earlier versions are read for as long as they are kept.

    Attributes
    ----------
    received_ns : int
        When ingest got it, int64 nanoseconds since the Unix epoch.
    broker : str
        Name of the broker that it came from.
    topic : str
        As it was published.
    retained : bool
        Repeated by the broker on subscribing: a state.
    payload : bytes
        As it was published; never longer than `devices.ingest.MAX_PAYLOAD_BYTES` + 1.
    """

    received_ns: int
    broker: str
    topic: str
    retained: bool
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What was appended at once.

    Attributes
    ----------
    seq : int
        Number in the stream, from 1.
    partition : int
        0 … `PARTITIONS` - 1.
    records : tuple of Record
        In order of arrival; empty if the entry is broken.
    pending : int
        Entries that wait behind it: 0 at the end of the log.
    broken : str or None
        Why it cannot be read, in words.
    """

    seq: int
    partition: int
    records: tuple[Record, ...]
    pending: int
    broken: str | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[Record, ...]).decode


def pack(records: Sequence[Record]) -> bytes:
    """Records as one entry."""
    return _encode(records)


def unpack(data: bytes) -> tuple[Record, ...] | str:
    """The records of an entry, or in words why they cannot be read."""
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return f"entry of {len(data)} bytes cannot be read: {error}"


def partition_of(community: str, key: str) -> int:
    """Partition of a home, or of a device that has none: the same for ever, on every machine."""
    digest = hashlib.blake2b(f"{community}/{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % PARTITIONS
