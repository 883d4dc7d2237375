"""Everybody who lives in a home has left it, as their trackers and telephones say: a time to think of arming it."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from devices.model import NS_PER_S, SENSORS_OF, CommunityId, HomeId, Registry, SensorKind
from devices.sensors.position import PositionBatch
from geofence.frames import Frame
from rules.fences.borders import usable
from rules.home.guarding import Place
from rules.kinds import EventKind, Mode
from rules.model import Cleared, Event, Facts, Snapshot
from rules.premises import HomePlace, Premises

OUT_M, BACK_M = 60.0, 30.0
"""So far beyond the footprint, after twice the accuracy that a fix claims, somebody is out; nearer than this, whatever it claims, back. A
telephone indoors errs by 20 to 50 m and says so; between the two nothing is decided."""

OUT_NS = 180 * NS_PER_S
"""Out for so long: who takes the rubbish down has not left."""

FRESH_NS = 1800 * NS_PER_S
"""What was said longer ago says nothing of now: a telephone may be off, and its bearer at home."""


@dataclass(slots=True, kw_only=True)
class _Whereabouts:
    """Of one who lives there: since when out, in ns, 0 while not; and when that was heard last."""

    out_ns: int = 0
    heard_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """Where a home is: a plane around its middle, and how far its footprint reaches, in metres."""

    frame: Frame
    reach_m: float


class EverybodyLeft:
    """Told once of each leaving, when the last of them has been out for 3 minutes and the home is disarmed.

    It is over when one of them is back, or the home is armed.

    - A home without a footprint, or where one of those who live there carries nothing that says where it is, is never told of.
    - Who lives there is out when everything of theirs is that ever said where it is: a telephone that was left at home counts.
    - Once they are all out and the home is armed, or was when they left, this leaving is over and done.

    Fails where a device is left behind elsewhere, and where positions come less often than every half hour.
    """

    name = "everybody_left"
    window_s = 0.0

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._registry: Registry = premises.registry
        self._carried: dict[Place, list[list[int]]] = {}
        carried: dict[tuple[str, str], list[int]] = {}
        for row, one in enumerate(self._registry.devices):
            if one.wearer is not None and SensorKind.POSITION in SENSORS_OF[one.kind]:
                carried.setdefault((one.community_id, one.wearer), []).append(row)
        self._ground: dict[Place, _Ground] = {}
        self._home_of: dict[int, Place] = {}
        for (community_id, home_id), home in premises.homes.items():
            theirs = [carried.get((community_id, person), []) for person in home.occupants]
            if home.footprint and theirs and all(theirs):
                place = community_id, home_id
                self._ground[place] = _ground(home)
                self._carried[place] = theirs
                self._home_of |= dict.fromkeys((row for rows in theirs for row in rows), place)
        self._watched = np.zeros(len(self._registry), np.bool_)
        self._watched[list(self._home_of)] = True
        self._at: dict[int, _Whereabouts] = {}
        self._told: dict[Place, bool] = {}
        """Homes that everybody has left: whether that was told and stands."""
        self._due: dict[Place, int] = {}
        self._log_read = 0

    def update(self, batch: PositionBatch, /) -> Facts:
        """Take note of where somebody is; say at once that somebody is back."""
        facts: Facts = []
        for row in np.flatnonzero(self._watched[batch.device] & usable(batch)).tolist():
            device = int(batch.device[row])
            place = self._home_of[device]
            ground = self._ground[place]
            away_m = float(np.hypot(*ground.frame.metres(batch.lon_deg[row], batch.lat_deg[row]))) - ground.reach_m
            accuracy_m = float(np.nan_to_num(batch.accuracy_m[row], nan=OUT_M))
            t_ns = min(int(batch.time_ns[row]), int(batch.received_ns[row]))
            known = self._at.setdefault(device, _Whereabouts())
            if t_ns < known.heard_ns:
                continue
            known.heard_ns = t_ns
            if away_m - 2.0 * accuracy_m > OUT_M:
                known.out_ns = known.out_ns or t_ns
            elif away_m < BACK_M:
                known.out_ns = 0
                facts += self._back(place, t_ns, int(batch.received_ns[row]), int(batch.seq[row]))
            self._find_due(place, int(batch.received_ns[row]))
        return facts

    def next_due(self) -> int | None:
        """When the last to leave has been out for long enough, or a home that was told of was armed."""
        log = self._premises.modes.log
        for place in log[self._log_read :]:
            if self._told.get(place) and (since := self._armed_since(place)) is not None:
                self._due[place] = since
        self._log_read = len(log)
        return min(self._due.values(), default=None)

    def tick(self, now_ns: int, /) -> Facts:
        """Say which homes everybody has left, and of which that needs no word any more."""
        self.next_due()
        facts: Facts = []
        for place in sorted(place for place, due_ns in self._due.items() if due_ns <= now_ns):
            del self._due[place]
            if self._told.get(place):
                self._told[place] = False
                facts.append(_cleared(place, now_ns, now_ns, -1))
                continue
            left_ns = self._left_ns(place)
            people = [self._whereabouts(rows) for rows in self._carried[place]]
            if left_ns is None or not all(any(now_ns - one.heard_ns <= FRESH_NS for one in known) for known in people):
                continue
            self._told[place] = self._premises.modes.at(*place, now_ns) is Mode.DISARMED
            if self._told[place]:
                facts.append(_event(place, left_ns, now_ns))
        return facts

    def snapshot(self) -> Snapshot:
        """Where each device is, and what was told of each home."""
        state: dict[str, Any] = {self._registry[row].key: asdict(one) for row, one in self._at.items()}
        return state | {
            f"{community_id}/home:{home}": {"told": self._told.get((community_id, home)), "due_ns": self._due.get((community_id, home))}
            for community_id, home in sorted({*self._told, *self._due})
        }

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over what `snapshot` said."""
        for key, kept in snapshot.items():
            community_id, name = key.split("/", 1)
            row = self._registry.row(community_id, name)
            place = community_id, name.removeprefix("home:")
            if row in self._home_of and row is not None:
                self._at[row] = _Whereabouts(**kept)
            elif name.startswith("home:") and place in self._ground:
                for known, value in ((self._told, kept["told"]), (self._due, kept["due_ns"])):
                    if value is not None:
                        known[place] = value

    def _find_due(self, place: Place, now_ns: int) -> None:
        """When this leaving is one: once each."""
        left_ns = self._left_ns(place)
        if left_ns is None:
            self._due.pop(place, None)
        elif place not in self._told and place not in self._due:
            self._due[place] = max(left_ns + OUT_NS, now_ns + NS_PER_S)

    def _left_ns(self, place: Place) -> int | None:
        """When the last of them left, in ns; None while one is at home, or not known to be out."""
        people = [self._whereabouts(rows) for rows in self._carried[place]]
        if not all(known and all(one.out_ns for one in known) for known in people):
            return None
        return max(one.out_ns for known in people for one in known)

    def _whereabouts(self, rows: list[int]) -> list[_Whereabouts]:
        return [self._at[row] for row in rows if row in self._at]

    def _back(self, place: Place, t_ns: int, known_ns: int, seq: int) -> Facts:
        self._due.pop(place, None)
        return [_cleared(place, t_ns, known_ns, seq)] if self._told.pop(place, False) else []

    def _armed_since(self, place: Place) -> int | None:
        changes = self._premises.modes.changes(*place)
        return changes[-1][0] if changes and changes[-1][1] is not Mode.DISARMED else None


def _ground(home: HomePlace) -> _Ground:
    outline = np.array([vertex for polygon in home.footprint for vertex in polygon[0]], np.float64)
    frame = Frame.over(*outline.T)
    return _Ground(frame=frame, reach_m=float(np.hypot(*frame.metres(*outline.T).T).max()))


def _event(place: Place, t_ns: int, known_ns: int) -> Event:
    return Event(
        community_id=CommunityId(place[0]),
        kind=EventKind.EVERYBODY_LEFT,
        subject=place[1],
        t_ns=t_ns,
        known_ns=known_ns,
        seq=-1,
        home_id=HomeId(place[1]),
        cause=place[1],
        evidence={"out_s": (known_ns - t_ns) / NS_PER_S},
    )


def _cleared(place: Place, t_ns: int, known_ns: int, seq: int) -> Cleared:
    return Cleared(
        community_id=CommunityId(place[0]),
        kind=EventKind.EVERYBODY_LEFT,
        subject=place[1],
        cause=place[1],
        t_ns=t_ns,
        known_ns=known_ns,
        seq=seq,
    )
