"""What an adapter to another ecosystem is."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from devices.model import Device, SensorKind

Said = tuple[tuple[SensorKind, bytes], ...]
"""Native payloads, as a device of ours would have sent them; at most one of a kind. None: understood, and nothing new in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A message of another ecosystem, as it arrived.

    Attributes
    ----------
    topic, payload
        As they were published.
    received_ns : int
        When it arrived, ns since the Unix epoch.
    retained : bool
        Repeated by the broker on subscribing.
    """

    topic: str
    payload: bytes
    received_ns: int
    retained: bool = False


Listener = Callable[[Heard], Said | str]
"""What a message says of one device, or in words why it says nothing.

Never raises. What has no time of its own happened when it arrived. A listener may remember what it heard (`esphome_ld2450` pairs x and y),
and what it answers depends on nothing but the messages that it was given, in their order: then a replay and a restart give the same.
"""


def known(value: float | None, most: float = math.inf) -> float | None:
    """A number from 0 to `most`; None for any other, by which telephones say that they do not know."""
    return value if value is not None and 0.0 <= value <= most else None


def whole(_topic: str, payload: bytes) -> bytes:
    """Every payload as it came."""
    return payload


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """Another ecosystem.

    Attributes
    ----------
    name : str
        As `Source.adapter` names it.
    prefix : str
        How its topics begin. Empty: they begin with what the device itself is called; such an adapter is asked last.
    speakers : callable
        Topic and payload to the `Source.name` of every device that a message is about, at least one, or in words why it is about none.
        Never raises. Where the topic says it all the payload may be empty: ingest decodes nothing but the topic.
    listener : callable
        Made anew for each device that has such a source.
    kept : callable
        Topic and payload to what the log keeps of the payload: without what names people and nothing here reads. `speakers` and `listener`
        say of that what they say of the whole. Never raises.
    """

    name: str
    prefix: str
    speakers: Callable[[str, bytes], tuple[str, ...] | str]
    listener: Callable[[Device], Listener]
    kept: Callable[[str, bytes], bytes] = whole
