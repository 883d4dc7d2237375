"""Topics of our own devices: `anju/<community>/<device>/<kind>`."""

import re
import reprlib
from dataclasses import dataclass

from devices.model import SensorKind

ROOT = "anju"
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_LEVELS = ("root", "community", "device", "kind")
_KINDS = frozenset(SensorKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """Whose reading of which kind a message is."""

    community: str
    device: str
    kind: SensorKind


def parse(topic: str) -> Topic | str:
    """What a topic names, or in words why it names nothing."""
    levels = topic.split("/")
    if levels[0] != ROOT or len(levels) != len(_LEVELS):
        return f"topic is {reprlib.repr(topic)}, wanted {ROOT}/<community>/<device>/<kind>"
    _, community, device, kind = levels
    for name, value in (("community", community), ("device", device)):
        if not _ID.fullmatch(value):
            return f"{name} in the topic is {reprlib.repr(value)}, wanted {_ID.pattern}"
    if kind not in _KINDS:
        return f"kind in the topic is {reprlib.repr(kind)}, wanted one of {', '.join(SensorKind)}"
    return Topic(community=community, device=device, kind=SensorKind(kind))
