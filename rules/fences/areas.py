"""Areas: residents who enter or leave one, stay in it for long, or are not in it when they should be."""

from dataclasses import asdict, dataclass, replace

import numpy as np

from devices.model import NS_PER_S, PersonId
from devices.sensors.position import PositionBatch
from geofence.trail import Trails
from rules.fences.borders import Borders, Evidence, Sighting, is_guarding
from rules.fences.way import frame_of, told
from rules.kinds import EventKind
from rules.model import Cleared, Event, Facts, Snapshot
from rules.premises import Fence, Premises

_EVENTS = frozenset({EventKind.ENTER, EventKind.EXIT, EventKind.ABSENT, EventKind.DWELL})
_OPPOSITE = {EventKind.ENTER: EventKind.EXIT, EventKind.EXIT: EventKind.ENTER}

HEARD_NS = 300 * NS_PER_S
"""Who was heard so long before is believed to be there still; else the next fix must say so."""
_AHEAD_NS, _AGAIN_NS = NS_PER_S, 60 * NS_PER_S
_ALWAYS_NS = 0
# In a snapshot, beside what is known of a device.
_WAY = "/way"


@dataclass(slots=True, kw_only=True)
class _Stay:
    """A person and a fence.

    Attributes
    ----------
    inside, is_sure : bool
        The side, and whether it is more than a guess of a first fix.
    since_ns : int
        Since when.
    device : str
        The one that said so.
    score, evidence
        How probable it was, and why.
    waits : bool
        The next fix may decide what the time alone did not.
    dwells, is_absent : bool
        Told of, and not over.
    absent_ns : int or None
        Begin of the time for which the absence was told last.
    """

    inside: bool
    is_sure: bool
    since_ns: int
    device: str
    score: float
    evidence: Evidence
    waits: bool = False
    dwells: bool = False
    is_absent: bool = False
    absent_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moment:
    """What decides, a fix or a tick: what it says happened when, when it was itself, when it was known, and the number of the reading."""

    time_ns: int
    decided_ns: int
    known_ns: int
    seq: int


Who = tuple[str, PersonId]


class Area:
    """Enter, exit, dwell and absence of residents. Sides are followed in every mode, told only where the fence guards.

    - On a change of side, what the opposite change reported is cleared, whichever of the two is told.
    - `dwell`: inside for the fence's `dwell_s`, and heard within the last 5 minutes of it; else the next fix decides. Once a stay.
    - `absent`: outside for sure at a time at which the fence expects its residents, whether they left or never were inside. Once each such
      time; not besides an exit that is told then.

    Parameters
    ----------
    premises
        Its area fences concern the devices that their residents wear.
    """

    name = "area"
    window_s = 0.0

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._registry = premises.registry
        self._borders = Borders(premises, _EVENTS)
        self._fences: dict[tuple[str, str], Fence] = {(fence.community_id, fence.id): fence for fence in self._borders.fences}
        self._trails = Trails(self._borders.is_concerned)
        self._stays: dict[Who, dict[str, _Stay]] = {}
        self._heard_ns = np.zeros(len(premises.registry.devices), np.int64)
        self._begins_ns: dict[tuple[str, str], int] = {}
        self._dues_ns: dict[tuple[Who, str], int] = {}

    def update(self, batch: PositionBatch, /) -> Facts:
        """What fixes say, in their order."""
        fixes = self._borders.concerned(batch)
        self._trails.take(batch.device[fixes], batch.time_ns[fixes], batch.lon_deg[fixes], batch.lat_deg[fixes])
        found: dict[int, list[Sighting]] = {}
        for one in self._borders.sightings(batch, fixes):
            found.setdefault(one.row, []).append(one)
        whose = {device: self._whose(device) for device in set(batch.device[fixes].tolist())}
        new = {whose[int(batch.device[row])] for row in found}
        waiting = {who for who in whose.values() if who in new or any(stay.waits for stay in self._stays.get(who, {}).values())}
        facts: Facts = []
        for row in fixes.tolist() if waiting else ():
            who = whose[int(batch.device[row])]
            if who in waiting:
                time_ns = int(batch.time_ns[row])
                now = _Moment(time_ns=time_ns, decided_ns=time_ns, known_ns=int(batch.received_ns[row]), seq=int(batch.seq[row]))
                facts += [fact for one in found.get(row, ()) for fact in self._see(who, one, now)]
                facts += self._wait(who, now)
        np.maximum.at(self._heard_ns, batch.device[fixes], batch.time_ns[fixes])
        return facts

    def next_due(self) -> int | None:
        """When somebody has stayed for long, when people are expected, and when what was sent late is judged."""
        late_ns = self._borders.next_due()
        return min([*self._dues_ns.values(), *self._begins_ns.values(), *([] if late_ns is None else [late_ns])], default=None)

    def tick(self, now_ns: int, /) -> Facts:
        """Who went meanwhile, who has stayed for long, and who is not where they are expected from now on."""
        now = _Moment(time_ns=now_ns, decided_ns=now_ns, known_ns=now_ns, seq=-1)
        facts = [fact for one in self._borders.tick(now_ns) for fact in self._see(self._whose(one.device), one, now)]
        for who, fence_id in sorted(key for key, due_ns in self._dues_ns.items() if due_ns <= now_ns):
            del self._dues_ns[who, fence_id]
            fence, stay = self._fences[who[0], fence_id], self._stays[who][fence_id]
            moment = replace(now, time_ns=_dwelt_ns(fence, stay))
            stay.waits = moment.time_ns - self._heard(who) > HEARD_NS
            facts += [] if stay.waits else self._dwell(who, fence, stay, moment)
        for key in sorted(key for key, begin_ns in self._begins_ns.items() if begin_ns <= now_ns):
            moment, fence = replace(now, time_ns=self._begins_ns[key]), self._fences[key]
            for who in sorted(who for who, stays in self._stays.items() if who[0] == key[0] and key[1] in stays):
                facts += self._miss(who, fence, self._stays[who][fence.id], moment)
            self._expect(fence, now_ns)
        return facts

    def snapshot(self) -> Snapshot:
        """Where devices are and on which sides people are; what was told of them, and when that is looked at next."""
        state = self._borders.snapshot()
        for (community_id, person), stays in self._stays.items():
            dues_ns = {fence_id: due_ns for (who, fence_id), due_ns in self._dues_ns.items() if who == (community_id, person)}
            kept = {"stays": {fence_id: asdict(stay) for fence_id, stay in stays.items()}, "dues_ns": dues_ns}
            state.setdefault(f"{community_id}/person:{person}", {}).update(kept)
        for row in np.flatnonzero(self._heard_ns).tolist():
            state.setdefault(self._registry[row].key, {})["heard_ns"] = int(self._heard_ns[row])
            if way := self._trails.snapshot(row):
                state[self._registry[row].key][_WAY] = way
        for (community_id, fence_id), begin_ns in self._begins_ns.items():
            state.setdefault(f"{community_id}/all", {})[fence_id] = begin_ns
        return state

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over what `snapshot` said of the devices, people and fences that there still are."""
        self._borders.restore(snapshot)
        for row in np.flatnonzero(self._borders.is_concerned).tolist():
            device, who = self._registry[row], self._whose(row)
            self._heard_ns[row] = snapshot.get(device.key, {}).get("heard_ns", 0)
            self._trails.restore(row, snapshot.get(device.key, {}).get(_WAY, ""))
            kept = snapshot.get(f"{device.community_id}/person:{device.wearer}", {})
            for fence_id, stay in kept.get("stays", {}).items():
                if (device.community_id, fence_id) in self._fences:
                    self._stays.setdefault(who, {})[fence_id] = _Stay(**stay)
                    if (due_ns := kept["dues_ns"].get(fence_id)) is not None:
                        self._dues_ns[who, fence_id] = due_ns
        for community_id, fence_id in self._fences:
            if (begin_ns := snapshot.get(f"{community_id}/all", {}).get(fence_id)) is not None:
                self._begins_ns[community_id, fence_id] = begin_ns

    def _whose(self, row: int) -> Who:
        device = self._registry[row]
        return device.community_id, device.wearer or PersonId("")

    def _heard(self, who: Who) -> int:
        return int(max(self._heard_ns[row] for row in self._borders.devices_of(who)))

    def _see(self, who: Who, one: Sighting, now: _Moment) -> Facts:
        """What it means that a person went to the other side, or is found on one."""
        fence, stays = one.fence, self._stays.setdefault(who, {})
        if (fence.community_id, fence.id) not in self._begins_ns:
            self._expect(fence, now.known_ns)
        before = stays.get(fence.id)
        stay = stays[fence.id] = _Stay(
            inside=one.inside,
            is_sure=one.is_sure,
            since_ns=one.time_ns if before is None or before.inside != one.inside else before.since_ns,
            device=self._registry[one.device].id,
            score=one.score,
            evidence=one.evidence,
            absent_ns=None if before is None or one.inside else before.absent_ns,
            is_absent=before is not None and before.is_absent and not one.inside,
            dwells=before is not None and before.dwells and one.inside,
        )
        self._dues_ns.pop((who, fence.id), None)
        if one.inside and EventKind.DWELL in fence.events and not stay.dwells:
            self._dues_ns[who, fence.id] = max(_dwelt_ns(fence, stay), now.known_ns + _AHEAD_NS)
        facts: Facts = []
        if one.went:
            facts += self._go(who, one, stay, now)
        if before is not None and before.is_absent and one.inside:
            facts.append(_over(who, fence, EventKind.ABSENT, one.time_ns, now))
        if before is not None and before.dwells and not one.inside:
            facts.append(_over(who, fence, EventKind.DWELL, one.time_ns, now))
        stay.waits = EventKind.ABSENT in fence.events and not one.inside
        return facts

    def _go(self, who: Who, one: Sighting, stay: _Stay, now: _Moment) -> Facts:
        fence, kind = one.fence, EventKind.ENTER if one.inside else EventKind.EXIT
        over = _over(who, fence, _OPPOSITE[kind], one.time_ns, now)
        if kind not in fence.events or not self._guards(fence, stay, one.time_ns):
            return [over]
        if not one.inside:
            stay.absent_ns = self._expected_ns(fence, one.time_ns)
        went = replace(now, time_ns=one.time_ns, decided_ns=one.decided_ns)
        return [over, self._event(who, fence, stay, went, kind=kind, evidence=stay.evidence)]

    def _wait(self, who: Who, now: _Moment) -> Facts:
        """What a fix decides that time alone did not."""
        facts: Facts = []
        for fence_id, stay in self._stays.get(who, {}).items():
            if stay.waits and stay.inside:
                # The first fix after a silence alone does not say that they are there still.
                stay.waits, self._dues_ns[who, fence_id] = False, now.known_ns + _AGAIN_NS
            elif stay.waits:
                facts += self._miss(who, self._fences[who[0], fence_id], stay, now)
        return facts

    def _dwell(self, who: Who, fence: Fence, stay: _Stay, moment: _Moment) -> Facts:
        stay.waits = False
        if not stay.is_sure or not self._guards(fence, stay, moment.time_ns):
            return []
        stay.dwells = True
        evidence: Evidence = {**stay.evidence, "stayed_s": fence.dwell_s}
        return [self._event(who, fence, stay, moment, kind=EventKind.DWELL, evidence=evidence)]

    def _miss(self, who: Who, fence: Fence, stay: _Stay, moment: _Moment) -> Facts:
        """Somebody is outside; whether they should not be."""
        expected_ns = self._expected_ns(fence, moment.time_ns)
        stay.waits = not stay.inside and (expected_ns is not None or fence.expected is None) and stay.absent_ns != expected_ns
        if not stay.waits or EventKind.ABSENT not in fence.events or not stay.is_sure or not self._guards(fence, stay, moment.time_ns):
            return []
        stay.waits, stay.is_absent, stay.absent_ns = False, True, expected_ns
        outside_s = max(0, moment.time_ns - stay.since_ns) / NS_PER_S
        return [self._event(who, fence, stay, moment, kind=EventKind.ABSENT, evidence={**stay.evidence, "outside_s": outside_s})]

    def _guards(self, fence: Fence, stay: _Stay, time_ns: int) -> bool:
        row = self._registry.row(fence.community_id, stay.device)
        return is_guarding(self._premises, fence, fence.home or (None if row is None else self._registry[row].home), time_ns)

    def _expected_ns(self, fence: Fence, time_ns: int) -> int | None:
        """Begin of the time at which residents are expected that runs now; None while they are not."""
        if fence.expected is None:
            return _ALWAYS_NS
        begin_ns, _ = fence.expected.span(time_ns, self._premises.clock(fence.community_id).zone)
        return begin_ns if begin_ns <= time_ns else None

    def _expect(self, fence: Fence, now_ns: int) -> None:
        """Look again when residents are expected from then on: later than now, and no sooner than a due time may be."""
        if EventKind.ABSENT not in fence.events or fence.expected is None:
            return
        zone = self._premises.clock(fence.community_id).zone
        begin_ns, end_ns = fence.expected.span(now_ns, zone)
        if begin_ns <= now_ns:
            begin_ns, _ = fence.expected.span(end_ns, zone)
        self._begins_ns[fence.community_id, fence.id] = max(begin_ns, now_ns + _AHEAD_NS)

    def _event(self, who: Who, fence: Fence, stay: _Stay, moment: _Moment, *, kind: EventKind, evidence: Evidence) -> Event:
        row = self._registry.row(fence.community_id, stay.device)
        device = None if row is None else self._registry[row]
        if row is not None:
            way = self._trails.way(row, frame_of(fence), moment.time_ns, moment.decided_ns)
            evidence = {**evidence, **told(way, moment.time_ns, moment.decided_ns)}
        return Event(
            community_id=fence.community_id,
            kind=kind,
            subject=who[1],
            t_ns=moment.time_ns,
            known_ns=moment.known_ns,
            seq=moment.seq,
            device_id=None if device is None else device.id,
            resident_id=who[1],
            home_id=None if device is None else device.home,
            score=stay.score,
            cause=fence.id,
            evidence=evidence,
        )


def _dwelt_ns(fence: Fence, stay: _Stay) -> int:
    return stay.since_ns + fence.dwell_s * NS_PER_S


def _over(who: Who, fence: Fence, kind: EventKind, time_ns: int, now: _Moment) -> Cleared:
    return Cleared(
        community_id=fence.community_id, kind=kind, subject=who[1], cause=fence.id, t_ns=time_ns, known_ns=now.known_ns, seq=now.seq
    )
