"""Areas: on which side of area fences residents are, by what they wear, fix by fix."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from devices.model import Bool, HomeId, PersonId
from devices.sensors.position import PositionBatch
from geofence import sides
from geofence.shapes import Area as Shape
from geofence.sides import Change
from rules.kinds import EventKind
from rules.premises import Fence, FenceKind, Premises


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """Somebody is on the other side of a fence; `row` is that of the fix that decided it, in its batch."""

    row: int
    fence: Fence
    change: Change


class Borders:
    """Sides of area fences; followed in every mode, whether the fence guards or not.

    Parameters
    ----------
    premises
        Its area fences concern the devices that their residents wear.
    events
        Fences that report any of these are followed.
    """

    def __init__(self, premises: Premises, events: frozenset[EventKind]) -> None:
        self._registry = premises.registry
        self._areas: list[tuple[Fence, Shape, float, Bool]] = []
        for fence in premises.fences:
            if fence.kind is FenceKind.AREA and fence.events & events:
                shape = Shape.of(fence.rings)
                self._areas.append((fence, shape, shape.depth_m, wearers(premises, fence, fence.residents)))
        self._sides: dict[tuple[int, str], sides.Side] = {}

    def concerned(self) -> Bool:
        """(D,) bool: devices whose sides are followed."""
        concerned = np.zeros(len(self._registry.devices), np.bool_)
        for _, _, _, wear in self._areas:
            concerned |= wear
        return concerned

    def crossings(self, batch: PositionBatch) -> list[Crossing]:
        """Changes of side, in the order of the fixes that decided them."""
        fixes = usable(batch)
        found: list[Crossing] = []
        for fence, shape, depth_m, concerned in self._areas:
            rows = np.flatnonzero(fixes & concerned[batch.device])
            if len(rows):
                distance_m = shape.signed_distance(batch.lon_deg[rows], batch.lat_deg[rows])
                for row, inside_m in zip(rows.tolist(), distance_m.tolist(), strict=True):
                    if (change := self._step(fence, depth_m, batch, row, inside_m)) is not None:
                        found.append(Crossing(row=row, fence=fence, change=change))
        return sorted(found, key=lambda crossing: crossing.row)

    def snapshot(self) -> dict[str, dict[str, Any]]:
        """Side of each fence by device."""
        state: dict[str, dict[str, Any]] = {}
        for (device, fence_id), side in self._sides.items():
            state.setdefault(self._registry[device].key, {})[fence_id] = asdict(side)
        return state

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Take over the sides of known devices and fences."""
        for fence, _, _, concerned in self._areas:
            for row in np.flatnonzero(concerned).tolist():
                if (side := snapshot.get(self._registry[row].key, {}).get(fence.id)) is not None:
                    self._sides[row, fence.id] = sides.Side(**side)

    def _step(self, fence: Fence, depth_m: float, batch: PositionBatch, row: int, inside_m: float) -> Change | None:
        key, time_ns, accuracy_m = (int(batch.device[row]), fence.id), int(batch.time_ns[row]), float(batch.accuracy_m[row])
        side = self._sides.get(key)
        if side is not None:
            return side.step(time_ns, inside_m, accuracy_m, depth_m)
        if (first := sides.begin(time_ns, inside_m, accuracy_m)) is not None:
            self._sides[key] = first
        return None


def is_guarding(premises: Premises, fence: Fence, home: HomeId | None, time_ns: int) -> bool:
    """Whether a fence guards at a time: always, or in its modes and by its schedule, while both hold."""
    if fence.schedule is not None and not fence.schedule.hold(time_ns, premises.clock(fence.community_id).zone):
        return False
    return fence.modes is None or premises.modes.at(fence.community_id, home or "", time_ns) in fence.modes


def wearers(premises: Premises, fence: Fence, people: frozenset[PersonId]) -> Bool:
    """(D,) bool: devices that these people of the fence's community wear."""
    devices = premises.registry.devices
    return np.array([device.community_id == fence.community_id and device.wearer in people for device in devices], np.bool_)


def usable(batch: PositionBatch) -> Bool:
    """(N,) bool: fixes that say where somebody is now: not repeated by a broker, not the (0, 0) of a receiver without a fix."""
    somewhere: Bool = (batch.lon_deg != 0.0) | (batch.lat_deg != 0.0)
    return somewhere & ~batch.retained
