"""Whose reading it was: what a wearable or tracker measured before it was given to somebody else is about whoever wore it then.

Rules judge by device, and name the wearer that the community's file names now. A watch that was out of reach may tell of a fall hours
later, when somebody else wears it: `by_their_wearer` gives such a fact to the earlier wearer. What it has learnt of the one says nothing
of the other: what goes on from a fall of before is not told of the new wearer, and where an earlier wearer was is nobody's business now.
"""

from collections.abc import Iterator
from dataclasses import replace

from devices.model import NS_PER_MS, Device, Registry, Worn
from rules.kinds import EventKind
from rules.model import Cancelled, Event, Fact, Facts

_OF_BEFORE = frozenset({EventKind.FALL, EventKind.LONG_LIE, EventKind.RECOVERED, EventKind.SOS, EventKind.DURESS})
"""What is told of somebody although they wear the device no more: they may still need help."""


def by_their_wearer(facts: Facts, registry: Registry) -> Facts:
    """Those facts, each about whoever wore the device when it happened; without what is about nobody."""
    return [told for fact in facts for told in _whose(fact, registry)]


def _whose(fact: Fact, registry: Registry) -> Iterator[Fact]:
    if not isinstance(fact, Event | Cancelled) or fact.device_id is None:
        yield fact
        return
    row = registry.row(fact.community_id, fact.device_id)
    device = None if row is None else registry[row]
    if device is None or not device.worn_before or fact.subject not in {device.wearer, device.sole_occupant}:
        yield fact  # a fault is the device's own, whoever wears it
        return
    before = _wearer_before(device, fact.t_ns)
    if isinstance(fact, Cancelled):
        if before is None:
            yield fact
        elif before.by is not None:
            yield replace(fact, subject=before.by)
        return
    fell_ms = fact.evidence.get("fall_t_ms")
    if isinstance(fell_ms, int) and _wearer_before(device, fell_ms * NS_PER_MS) != before:
        return  # somebody else has put it on since
    if before is None:
        yield fact
    elif before.by is not None and fact.kind in _OF_BEFORE:
        yield replace(fact, subject=before.by, resident_id=before.by, home_id=before.home)


def _wearer_before(device: Device, t_ns: int) -> Worn | None:
    """Who wore it at a time, where that is not who wears it now."""
    return next((one for one in device.worn_before if t_ns < one.until_ns), None)
