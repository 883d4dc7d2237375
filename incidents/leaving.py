"""Somebody moved out or died: what is open about them ends quietly. Nobody is told of it, and nothing of them is said any more."""

from collections.abc import Iterable, Iterator

from devices.model import DeviceKind
from incidents.directory import Directory
from incidents.lifecycle import Action, closed
from incidents.model import Ended, Incident, Outcome

WORN = frozenset({DeviceKind.WEARABLE, DeviceKind.TRACKER})


def gone(directory: Directory) -> Iterator[str]:
    """Subjects about whom nothing is said any more: who has left, and devices that were worn and are nobody's now."""
    yield from (one.id for one in directory.people.values() if one.left_ns is not None)
    yield from (one.id for one in directory.devices.values() if one.kind in WORN and one.wearer is None and one.home is None)


def quietly(incidents: Iterable[Incident], directory: Directory, now_ns: int) -> Outcome:
    """Those incidents at their end, of which nobody is told."""
    return Outcome(incidents=tuple(closed(one, Action.RESOLVE, Ended.GONE, directory, now_ns)[0] for one in incidents))
