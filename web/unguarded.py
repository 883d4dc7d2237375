"""Whose falls may not be noticed now: their wearable is not worn, charges, is not heard, or sends what could not show one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from devices.model import DeviceId, DeviceKind, HomeId
from incidents.audience import home_of
from incidents.model import Incident, Story
from rules.faults.wear import Why
from rules.kinds import EventKind
from web.scene import Scene

_SILENCED_BY = (EventKind.OFFLINE, EventKind.STUCK, EventKind.IMPLAUSIBLE)
"""Faults of which the worker keeps no reason of its own."""


def unguarded(unfit: Mapping[DeviceId, Why], open_incidents: Iterable[Incident], scene: Scene) -> Mapping[HomeId | None, tuple[str, ...]]:
    """Who, with the reason, by home and in the order of the community's devices."""
    faults = {one.subject: {kind for kind, _ in one.active} for one in open_incidents if one.story is Story.FAULT}
    found: defaultdict[HomeId | None, list[str]] = defaultdict(list)
    for device in scene.directory.devices.values():
        kind = next((one for one in _SILENCED_BY if one in faults.get(device.id, ())), None)
        why = scene.words.unfit[unfit[device.id]] if device.id in unfit else scene.words.kinds[kind] if kind else ""
        if device.kind is DeviceKind.WEARABLE and why:
            said = scene.words.unguarded_by.format(name=scene.name(device.wearer) or device.id, why=why)
            found[home_of(device.id, scene.directory)].append(said)
    return {home: tuple(said) for home, said in found.items()}


def in_words(said: Iterable[str], scene: Scene) -> str:
    """All of them in one line; "" where there is none."""
    names = scene.words.list_gap.join(said)
    return scene.words.unguarded.format(names=names) if names else ""
