"""Outages: many devices that are gone together are one outage of what they are heard through, not each a fault of its own.

The groups that can be lost together are the devices behind a gateway, those of a home, and those of a community. `Offline` asks here
whenever a device is gone.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from devices.model import NS_PER_S, Bool, CommunityId, Device, DeviceKind, HomeId, Int64, Registry
from rules.faults.latch import Evidence
from rules.kinds import EventKind
from rules.model import Cleared, Event, untaken_ns

TOGETHER_NS = 60 * NS_PER_S
"""Devices that leave within this leave together: brokers notice a lost connection after 1.5 times a keep-alive of mostly 60 s or less."""
LEAST_DEVICES = 4
"""Fewer are faults of their own: two wearables of a couple who went out, a radar and its contact."""
LEAST_BESIDE = 2
"""One device beside an outage of a smaller group is a fault of its own too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Devices that can be lost together.

    Attributes
    ----------
    key : str
        Within its community: `gateway:<id>`, `home:<id>` or `all`.
    cause : str
        The id of the gateway, the home or the community.
    rows : (M,) int64
        Their rows; of a gateway's group its own too.
    """

    community_id: CommunityId
    key: str
    cause: str
    rows: Int64


@dataclass(slots=True, kw_only=True)
class Outage:
    """An outage that goes on.

    Attributes
    ----------
    begin_ns : int
        When the last of its first devices was heard last, or was said to be gone; its event's time.
    known_ns : int
        When it was found.
    first, returned : int
        How many devices were lost at first (within `TOGETHER_NS` of `known_ns`), and how many of these have been heard since.
    """

    community_id: CommunityId
    key: str
    cause: str
    begin_ns: int
    known_ns: int
    first: int = 0
    returned: int = 0


class Outages:
    """The outages that go on, and the devices that are part of them.

    An outage is over with the first word of its gateway, or when half of the devices that were lost at first have been heard again: as many
    as made it an outage. One word of each is enough, because it shows that the way is open.

    Attributes
    ----------
    behind : mapping
        Row of a gateway to the rows of the devices that are heard through it.
    is_part : (D,) bool
        Devices that were lost in an outage that goes on and have not been heard since.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        gateway = _gateways(registry)
        self.behind: Mapping[int, Sequence[int]] = {
            row: tuple(np.flatnonzero(gateway == row).tolist()) for row in np.unique(gateway[gateway >= 0]).tolist()
        }
        self.is_part: Bool = np.zeros(len(registry), np.bool_)
        self._standing: dict[tuple[CommunityId, str], Outage] = {}
        self._of: dict[int, Outage] = {}
        self._first: set[int] = set()
        self._groups = _groups(registry, gateway)
        self._rows = {(group.community_id, group.key): group.rows for some in self._groups for group in some}

    def groups(self, row: int) -> Sequence[Group]:
        """Groups that a device can be lost with, the narrowest first."""
        return self._groups[row]

    def rows(self, outage: Outage) -> Int64:
        """(M,) int64: devices that are heard through what an outage is of; none where a restored one is of what is no more."""
        return self._rows.get((outage.community_id, outage.key), np.zeros(0, np.int64))

    def covering(self, row: int, last_ns: int) -> Outage | None:
        """The outage that a device is lost in which was last heard at a time: none if that was after the outage began."""
        if row in self._of:
            return self._of[row]
        for group in reversed(self._groups[row]):
            outage = self._standing.get((group.community_id, group.key))
            if outage is not None and last_ns <= outage.begin_ns + TOGETHER_NS:
                return outage
        return None

    def begin(self, group: Group, lost: Collection[int], begin_ns: int, known_ns: int) -> Outage:
        """Let an outage begin, or one that goes on begin anew with more devices.

        A millisecond earlier where its community has one of that time, because the time is its identity.
        """
        taken = {one.begin_ns for one in self._standing.values() if one.community_id == group.community_id}
        begin_ns = untaken_ns(begin_ns, taken)
        outage = self._standing.setdefault(
            (group.community_id, group.key),
            Outage(community_id=group.community_id, key=group.key, cause=group.cause, begin_ns=begin_ns, known_ns=known_ns),
        )
        outage.begin_ns, outage.known_ns = begin_ns, known_ns
        for row in lost:
            self.join(row, outage, known_ns)
        return outage

    def join(self, row: int, outage: Outage, now_ns: int) -> None:
        """Make a device part of an outage."""
        if row in self._of:
            return
        self._of[row] = outage
        self.is_part[row] = True
        if row not in self._first and now_ns - outage.known_ns <= TOGETHER_NS:
            self._first.add(row)
            outage.first += 1

    def hear(self, row: int) -> tuple[Outage, Sequence[int]] | None:
        """Take a word of a device that is part of an outage; if that is over with it, the outage and the devices it leaves unheard."""
        outage = self._of.pop(row)
        self.is_part[row] = False
        if row in self._first:
            self._first.discard(row)
            outage.returned += 1
        if outage.key != f"gateway:{self._registry[row].id}" and 2 * outage.returned < outage.first:
            return None
        rest = sorted(one for one, its in self._of.items() if its is outage)
        self._leave(rest)
        del self._standing[outage.community_id, outage.key]
        return outage, rest

    def event(self, outage: Outage, lost: Iterable[int], seq: int, evidence: Evidence) -> Event:
        """What is told of an outage that was found."""
        homes = {self._registry[row].home for row in lost}
        gateway = self._registry.row(outage.community_id, outage.cause) if outage.key.startswith("gateway:") else None
        return Event(
            community_id=outage.community_id,
            kind=EventKind.OUTAGE,
            subject=outage.community_id,
            t_ns=outage.begin_ns,
            known_ns=outage.known_ns,
            seq=seq,
            device_id=None if gateway is None else self._registry[gateway].id,
            home_id=next(iter(homes)) if len(homes) == 1 else None,
            cause=outage.cause,
            evidence=evidence,
        )

    def states(self) -> dict[str, dict[str, Any]]:
        """The outages that go on, by community and key."""
        found: dict[str, dict[str, Any]] = {}
        for (community_id, key), outage in sorted(self._standing.items()):
            found.setdefault(community_id, {})[key] = asdict(outage)
        return found

    def part(self, row: int) -> tuple[str, bool] | None:
        """Key of the outage that a device is part of, and whether it was lost at first."""
        return (self._of[row].key, row in self._first) if row in self._of else None

    def restore(self, states: Mapping[str, Mapping[str, Any]], parts: Mapping[int, tuple[str, bool]]) -> None:
        """Take over what `states` and `part` said; whatever else there was is forgotten."""
        self._leave(list(self._of))
        self._standing = {
            (CommunityId(community_id), key): Outage(**state)
            for community_id, some in states.items()
            if community_id in self._registry.communities
            for key, state in some.items()
        }
        for row, (key, is_first) in parts.items():
            outage = self._standing.get((self._registry[row].community_id, key))
            if outage is not None:
                self._of[row] = outage
                self.is_part[row] = True
                if is_first:
                    self._first.add(row)

    def _leave(self, rows: Iterable[int]) -> None:
        for row in rows:
            del self._of[row]
            self._first.discard(row)
            self.is_part[row] = False


def over(outage: Outage, now_ns: int, seq: int) -> Cleared:
    """What is told of an outage that is over."""
    return Cleared(
        community_id=outage.community_id,
        kind=EventKind.OUTAGE,
        subject=outage.community_id,
        cause=outage.cause,
        t_ns=now_ns,
        known_ns=now_ns,
        seq=seq,
    )


def _gateways(registry: Registry) -> Int64:
    """(D,) int64: row of the gateway that a device is heard through, -1 where there is none.

    It is the one that the device names, else the only gateway of its community that stands in the same other ecosystem.
    """
    of_adapter: dict[tuple[str, str], list[int]] = {}
    for row, device in enumerate(registry.devices):
        if device.kind is DeviceKind.GATEWAY and device.source is not None:
            of_adapter.setdefault((device.community_id, device.source.adapter), []).append(row)

    def gateway(row: int, device: Device) -> int:
        if device.via is not None:
            named = registry.row(device.community_id, device.via)
            return -1 if named is None else named
        rows = of_adapter.get((device.community_id, device.source.adapter), []) if device.source is not None else []
        return rows[0] if len(rows) == 1 and rows[0] != row else -1

    return np.array([gateway(row, device) for row, device in enumerate(registry.devices)], np.int64)


def _groups(registry: Registry, gateway: Int64) -> list[Sequence[Group]]:
    """Groups of every device, the narrowest first."""
    rows_of: dict[tuple[CommunityId, str, str], list[int]] = {}
    names: list[list[tuple[CommunityId, str, str]]] = []
    for row, device in enumerate(registry.devices):
        way = row if row in gateway else int(gateway[row])
        named = [] if way < 0 else [("gateway", str(registry[way].id))]
        named += [] if device.home is None else [("home", str(HomeId(device.home)))]
        named.append(("all", device.community_id))
        names.append([(device.community_id, scope, cause) for scope, cause in named])
        for name in names[-1]:
            rows_of.setdefault(name, []).append(row)
    groups = {
        (community_id, scope, cause): Group(
            community_id=community_id, key=scope if scope == "all" else f"{scope}:{cause}", cause=cause, rows=np.array(rows, np.int64)
        )
        for (community_id, scope, cause), rows in rows_of.items()
    }
    return [[groups[name] for name in some] for some in names]
