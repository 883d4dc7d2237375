"""What an adapter to another ecosystem is."""

from collections.abc import Callable
from dataclasses import dataclass

from devices.model import SensorKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """What another ecosystem's message says.

    Attributes
    ----------
    name : str
        Who says it: the `Source.name` of a device.
    readings : tuple of (kind, payload)
        Native payloads, as a device of ours would have sent them; at most one of a kind.
    """

    name: str
    readings: tuple[tuple[SensorKind, bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """Another ecosystem.

    Attributes
    ----------
    name : str
        As `Source.adapter` names it.
    prefix : str
        How its topics begin.
    translate : callable
        Topic, payload and time of arrival (ns) to what it says, or in words why it says nothing. Never raises on either. What has no
        time of its own happened when it arrived.
    """

    name: str
    prefix: str
    translate: Callable[[str, bytes, int], Translation | str]
