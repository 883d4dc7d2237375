"""Wandering: pacing, lapping or random walking out of doors, and leaving an area by night.

Travel is direct, random, pacing or lapping, and the last three are wandering (Martino-Saltzman et al., The Gerontologist 1991). They are
found in positions as Lin et al. do (Detecting wandering behavior based on GPS traces for elders with dementia, 2012, hal-01297724): noise
is taken out first, then sharp changes of direction and loops are counted. The limits are our own, chosen on simulated ways with the noise
that `geofence.sides` assumes: 223 nights of sitting, in a third of which the accuracy is understated by 1.5, and 576 errands gave no false
alarm; of ways back and forth of 80 m, and at random within 60 m, at 0.8 m/s, 94 % were found.
"""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from devices.model import NS_PER_S, Bool, Device
from devices.sensors.position import PositionBatch
from geofence import paths
from geofence.paths import Path, Pattern
from rules.fences.borders import Borders, Sighting, is_guarding, usable
from rules.kinds import EventKind
from rules.model import Cleared, Event, Facts, Snapshot
from rules.premises import Premises

Evidence = dict[str, float | int | str | bool]
_Known = tuple[int, int]
"""When something was known, and the number of the reading that decided it; -1 of none."""

LENGTH_M, RADIUS_M, REACH_M = 500.0, 120.0, 130.0
"""Walked in 20 minutes, without getting far in them or in any 5 of them: an errand gets further, who sits does not walk so much."""

SHARP_TURNS, METRES_A_TURN = 6, 150.0
"""Pacing and random: turns back (by 120 degrees: street corners are none), and one every so many metres. An errand has one."""

LAPS, LAP_M = 3.0, 300.0
"""Lapping: so often round, and no longer a lap: the usual way round a park or a block is longer."""

QUIET_NS = 1800 * NS_PER_S
"""After so long without a pattern the next is a new walk."""

WAY = "way"
"""Cause of a pattern; that of a leaving is its fence."""

STAY_M, STAY_ACCURACIES = 30.0, 3.0
"""So far from where a stay began it still is one: positions err and people move about."""

STAY_LENGTH_M = 300.0
"""Who walks more than this in a quarter of an hour does not stay."""

HOME_NS, BACK_NS = 3600 * NS_PER_S, 900 * NS_PER_S
"""Home is where somebody last stayed for an hour before; who stays there for a quarter of an hour has come back."""


@dataclass(slots=True, kw_only=True)
class _Walker:
    """What is known of the way of one device.

    Attributes
    ----------
    stay : (float, float)
        Where it has been, give or take `STAY_M`, since `stay_ns`; WGS 84 degrees.
    home : (float, float) or None
        Where it last stayed for an hour.
    """

    path: Path
    stay: tuple[float, float]
    stay_ns: int
    home: tuple[float, float] | None = None

    def step(self, time_ns: int, lon_deg: float, lat_deg: float, accuracy_m: float) -> None:
        """Take one fix."""
        self.path = self.path.step(time_ns, lon_deg, lat_deg, accuracy_m)
        if not self._is_near(self.stay, max(STAY_M, STAY_ACCURACIES * accuracy_m)):
            self.stay, self.stay_ns = self.path.place, time_ns

    def is_back(self, accuracy_m: float) -> bool:
        """Whether it has been at home for long enough to say so."""
        if self.home is None or self.path.time_ns - self.stay_ns < BACK_NS:
            return False
        is_home = self._is_near(self.home, max(2.0 * STAY_M, STAY_ACCURACIES * accuracy_m))
        return is_home and self.path.length_m(self.path.time_ns - BACK_NS) <= STAY_LENGTH_M

    def _is_near(self, place: tuple[float, float], within_m: float) -> bool:
        x_m, y_m = self.path.metres(*place)
        return math.hypot(x_m - self.path.x_m, y_m - self.path.y_m) <= within_m


@dataclass(slots=True, kw_only=True)
class _Told:
    """What was told of one person.

    Attributes
    ----------
    odd_ns : int
        When a pattern was last seen at a time at which it is told; 0 for never.
    is_odd : bool
        A pattern was told and is not cleared.
    out : list of str
        Fences that were left by night, and not come back into.
    """

    odd_ns: int = 0
    is_odd: bool = False
    out: list[str] = field(default_factory=list)


class Wandering:
    """A walk that goes nowhere, and an exit by night from an area whose `events` name wandering.

    - A pattern is told by night, with `Care.wandering` by day too; without it never, and no exit either. Once a walk: again after 30
      minutes without a pattern. Nothing is told of it while an exit stands. It is cleared when the person has come home, not when they sit
      down somewhere.
    - An exit is told each time, whatever was told before; it is by night if the first fix outside is. The return into the area clears it.

    Fails where fixes come less often than every half minute, and on a way back and forth that is shorter than six times the accuracy.

    Parameters
    ----------
    premises
        Who wears what, what is watched over of them, what is night, and which areas concern them.
    """

    name = "wandering"
    window_s = 0.0

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._registry = premises.registry
        self._borders = Borders(premises, frozenset({EventKind.WANDERING}))
        care = [premises.care_for(device.community_id, device.wearer or "").wandering for device in premises.registry.devices]
        worn = [device.wearer is not None for device in premises.registry.devices]
        self._watched: Bool = np.array([is_worn and wanted is not False for is_worn, wanted in zip(worn, care, strict=True)], np.bool_)
        self._by_day = [wanted is True for wanted in care]
        self._walkers: dict[int, _Walker] = {}
        self._told: dict[tuple[str, str], _Told] = {}

    def update(self, batch: PositionBatch, /) -> Facts:
        """Follow fixes, in order of arrival."""
        crossings: dict[int, list[Sighting]] = {}
        for one in self._borders.sightings(batch, self._borders.concerned(batch)):
            if one.went:
                crossings.setdefault(one.row, []).append(one)
        facts: Facts = []
        for row in np.flatnonzero(usable(batch) & self._watched[batch.device]).tolist():
            known = int(batch.received_ns[row]), int(batch.seq[row])
            facts += [fact for one in crossings.get(row, ()) for fact in self._cross(one, known)]
            facts += self._walk(batch, row)
        return facts

    def next_due(self) -> int | None:
        """When fixes that were sent late are judged."""
        return self._borders.next_due()

    def tick(self, now_ns: int, /) -> Facts:
        """Who left meanwhile."""
        return [fact for one in self._borders.tick(now_ns) if one.went for fact in self._cross(one, (now_ns, -1))]

    def snapshot(self) -> Snapshot:
        """Way and sides of each device, and what was told of each person."""
        state: dict[str, dict[str, Any]] = {
            f"{community}/person:{person}": {"told": asdict(told)} for (community, person), told in self._told.items()
        }
        for row, walker in self._walkers.items():
            state[self._registry[row].key] = {"walker": asdict(walker)}
        for key, borders in self._borders.snapshot().items():
            state.setdefault(key, {})["borders"] = borders
        return state

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over what `snapshot` said."""
        self._borders.restore({key: state["borders"] for key, state in snapshot.items() if "borders" in state})
        for row, device in enumerate(self._registry.devices):
            if (told := snapshot.get(f"{device.community_id}/person:{device.wearer}", {}).get("told")) is not None:
                self._told[_whose(device)] = _Told(**{**told, "out": list(told["out"])})
            if (kept := snapshot.get(device.key, {}).get("walker")) is not None:
                points = [(time_ns, x_m, y_m) for time_ns, x_m, y_m in kept["path"]["points"]]
                home = None if kept["home"] is None else (kept["home"][0], kept["home"][1])
                path = Path(**{**kept["path"], "points": points})
                self._walkers[row] = _Walker(path=path, stay=(kept["stay"][0], kept["stay"][1]), stay_ns=kept["stay_ns"], home=home)

    def _cross(self, crossing: Sighting, known: _Known) -> Facts:
        fence, time_ns = crossing.fence, crossing.time_ns
        device = self._registry[crossing.device]
        told = self._told.setdefault(_whose(device), _Told())
        if crossing.inside:
            told.out = [one for one in told.out if one != fence.id]
            return [_cleared(known, device, fence.id, time_ns)]
        is_night = self._premises.clock(device.community_id).is_night(time_ns)
        if not is_night or not is_guarding(self._premises, fence, fence.home or device.home, time_ns):
            return []
        told.out = [*(one for one in told.out if one != fence.id), fence.id]
        return [_event(known, device, cause=fence.id, t_ns=time_ns, score=crossing.score, evidence=crossing.evidence)]

    def _walk(self, batch: PositionBatch, row: int) -> Facts:
        index, time_ns, accuracy_m = int(batch.device[row]), int(batch.time_ns[row]), float(batch.accuracy_m[row])
        device, walker = self._registry[index], self._walkers.get(index)
        fix = (time_ns, float(batch.lon_deg[row]), float(batch.lat_deg[row]), accuracy_m)
        if walker is None:
            self._walkers[index] = _Walker(path=paths.begin(*fix), stay=fix[1:3], stay_ns=time_ns)
            return []
        if time_ns <= walker.path.time_ns:
            return []
        walker.step(*fix)
        told = self._told.setdefault(_whose(device), _Told())
        if told.is_odd:
            if not walker.is_back(accuracy_m):
                return self._judge(batch, row, walker, told)
            told.is_odd = False
            return [_cleared((int(batch.received_ns[row]), int(batch.seq[row])), device, WAY, time_ns)]
        if time_ns - walker.stay_ns >= HOME_NS:
            walker.home = walker.stay
        return self._judge(batch, row, walker, told)

    def _judge(self, batch: PositionBatch, row: int, walker: _Walker, told: _Told) -> Facts:
        index, time_ns = int(batch.device[row]), int(batch.time_ns[row])
        device = self._registry[index]
        if walker.path.points[-1][0] != time_ns or (pattern := walker.path.pattern()) is None or not (name := _named(pattern)):
            return []
        if not (self._by_day[index] or self._premises.clock(device.community_id).is_night(time_ns)):
            return []
        is_new, told.odd_ns = time_ns - told.odd_ns >= QUIET_NS, time_ns
        if not is_new or told.out:
            return []
        told.is_odd = True
        evidence: Evidence = {"pattern": name, "accuracy_m": float(batch.accuracy_m[row]), **asdict(pattern)}
        score = pattern.length_m / (pattern.length_m + LENGTH_M / 2.0)
        known = int(batch.received_ns[row]), int(batch.seq[row])
        return [_event(known, device, cause=WAY, t_ns=time_ns, score=score, evidence=evidence)]


def _named(pattern: Pattern) -> str:
    """The pattern's name if it is wandering, else nothing."""
    if pattern.length_m < LENGTH_M or pattern.radius_m > RADIUS_M or pattern.reach_m > REACH_M:
        return ""
    if pattern.sharp_turns >= max(SHARP_TURNS, pattern.length_m / METRES_A_TURN):
        return "pacing"
    return "lapping" if pattern.laps >= LAPS and pattern.length_m <= LAP_M * pattern.laps else ""


def _whose(device: Device) -> tuple[str, str]:
    return device.community_id, device.wearer or ""


def _event(known: _Known, device: Device, *, cause: str, t_ns: int, score: float, evidence: Evidence) -> Event:
    return Event(
        community_id=device.community_id,
        kind=EventKind.WANDERING,
        subject=device.wearer or "",
        t_ns=t_ns,
        known_ns=known[0],
        seq=known[1],
        device_id=device.id,
        resident_id=device.wearer,
        home_id=device.home,
        score=score,
        cause=cause,
        evidence=evidence,
    )


def _cleared(known: _Known, device: Device, cause: str, t_ns: int) -> Cleared:
    return Cleared(
        community_id=device.community_id,
        kind=EventKind.WANDERING,
        subject=device.wearer or "",
        cause=cause,
        t_ns=t_ns,
        known_ns=known[0],
        seq=known[1],
    )
