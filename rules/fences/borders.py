"""Which side of area fences residents are on, by all that they wear: where each device is, which is believed, when somebody crossed.

Every device is followed by itself (`geofence.tracker`, `geofence.sides`). A person crosses when one of their devices does, so a watch and a
telephone that are carried through the same gate cross once, and a telephone that lies at home crosses nothing. A device whose fixes are
worse does not contradict a better one that may be at the same place: then the better one decides. If they are certainly apart, only one
is with the person, and who leaves is told of.

What a device measured while it could not be heard, and sends after newer fixes or in no order, is sorted and judged from where the device
was before the silence: who left and came back meanwhile is told of, with the times at which it was.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from devices.model import NS_PER_S, Bool, CommunityId, Float64, HomeId, Int64, PersonId
from devices.sensors.position import PositionBatch
from geofence import sides
from geofence.frames import Frame
from geofence.shapes import Area, Areas
from geofence.sides import Changes, Seen, Sides
from geofence.tracker import Places, Tracker
from rules.kinds import EventKind
from rules.premises import Fence, FenceKind, Premises

Evidence = dict[str, float | int | str | bool]

_AGES_MPS = 1.0
"""What is known of a device grows old as fast as somebody walks."""
_APART_DEVIATIONS, _APART_MPS = 5.0, 1.5
"""Devices are certainly apart if they are further from each other than their errors and a walk since then explain."""
_SILENT_NS = 600 * NS_PER_S
"""A device that has been silent for so long no longer says where its wearer is, if another one does."""
_UNHEARD_NS, _OLD_NS = 60 * NS_PER_S, 60 * NS_PER_S
"""Of a silence it is remembered where the device was before; a fix so old that comes after a newer one belongs to a silence."""
_SORTED_NS = 10 * NS_PER_S
"""Such fixes are collected for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Something new about the side of a fence that a person is on.

    Attributes
    ----------
    row, device : int
        Of the fix that decided, in its batch, -1 of what was sent late; and of the device in the register.
    inside : bool
        The side.
    went : bool
        The person went there; else they are found there: by a first fix, or because what was believed was wrong.
    is_sure : bool
        More than a guess of a first fix.
    time_ns, decided_ns : int
        Of the first fix on that side, and of the one that made it sure.
    score : float
        Probability of being on that side.
    evidence : mapping
        Why.
    """

    row: int
    device: int
    person: PersonId
    fence: Fence
    inside: bool
    went: bool
    is_sure: bool
    time_ns: int
    decided_ns: int
    score: float
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What a device said of a fence last: its side, where it was, and how much its fixes err."""

    time_ns: int
    inside: bool
    is_set: bool
    lon_deg: float
    lat_deg: float
    deviation_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fixes:
    """Fixes that are taken together, in order of arrival: in the plane of their device, whose number among the followed is `at`.

    Attributes
    ----------
    row : (N,) int64
        In the batch; -1 of those that were sent late.
    """

    row: Int64
    at: Int64
    time_ns: Int64
    x_m: Float64
    y_m: Float64
    accuracy_m: Float64


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entries:
    """What the fixes of a batch say of fences: E of them, in the order of the fixes.

    Attributes
    ----------
    fix : (E,) int64
        Of the fix among those that were taken together, whose places these are.
    pair : (E,) int64
        Device and fence.
    """

    fix: Int64
    pair: Int64
    fixes: "_Fixes"
    places: Places
    seen: Seen
    changes: Changes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """What was known before some fixes of the devices of people with several: looked into where it matters, which is seldom.

    Attributes
    ----------
    places, place : Places (O,) and (P,) int64
        Of O devices; and of P pairs the device's.
    at : dict
        By pair: which of the P.
    inside, is_set : (P,) bool
        See `Sides.known`.
    said : dict
        By pair: what was asked for, and what the fixes have said since.
    """

    places: Places
    place: Int64
    at: Mapping[int, int]
    inside: Bool
    is_set: Bool
    said: dict[int, _Said] = field(default_factory=dict)


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
        self.fences = tuple(fence for fence in premises.fences if fence.kind is FenceKind.AREA and fence.events & events)
        areas = tuple(Area.of(fence.rings) for fence in self.fences)
        self._areas, self._planes = Areas(areas), [area.frame for area in areas]
        self._depth_m = np.array([area.depth_m for area in areas], np.float64)
        count = len(premises.registry.devices)
        worn = worn_by(premises)
        concerned = {
            (index, number)
            for number, fence in enumerate(self.fences)
            for person in fence.residents
            for index in worn.get((fence.community_id, person), ())
        }
        of_pair, self._fence = np.array(sorted(concerned), np.int64).reshape(-1, 2).T
        self._device = np.unique(of_pair)
        self._row = np.full(count, -1, np.int64)
        self._row[self._device] = np.arange(len(self._device))
        self.is_concerned: Bool = self._row >= 0
        row = self._row[of_pair]
        self._first = np.searchsorted(row, np.arange(len(self._device) + 1))
        self._people: dict[tuple[str, str], list[int]] = {}
        for at, device in enumerate(premises.registry.devices[one] for one in self._device.tolist()):
            self._people.setdefault((device.community_id, device.wearer or ""), []).append(at)
        self._beside = {at: tuple(one for one in rows if one != at) for rows in self._people.values() for at in rows}
        # Devices of one person have the same fences, so the pairs of the first of them stand for the person.
        first_of = np.array([min(at, *self._beside[at], at) for at in range(len(self._device))], np.int64)
        self._whose = self._first[first_of[row]] + np.arange(len(row)) - self._first[row]
        self._pair_at = row
        self._frames = np.array([self._plane(at) for at in range(len(self._device))], np.float64).reshape(-1, 4)
        # In the second half stands what was known before the last silence of each.
        self._tracker, self._sides = Tracker(2 * len(self._device)), Sides(2 * len(row))
        self._heard_ns, self._back_ns = np.zeros((2, len(self._device)), np.int64)
        self._late: dict[int, list[tuple[int, float, float, float]]] = {}
        self._due_ns: dict[int, int] = {}
        self._side = np.full(len(row), -1, np.int8)
        self._sure, self._is_pending = np.zeros((2, len(row)), np.bool_)
        self._by = np.full(len(row), -1, np.int64)
        self._pending: dict[int, tuple[int, int]] = {}

    def concerned(self, batch: PositionBatch) -> Int64:
        """Rows of the fixes that are looked at."""
        return np.flatnonzero(usable(batch) & self.is_concerned[batch.device])

    def devices_of(self, who: tuple[str, str]) -> list[int]:
        """Rows in the register of the devices that a person of a community wears, if they are concerned."""
        return [int(self._device[at]) for at in self._people.get(who, ())]

    def sightings(self, batch: PositionBatch, fixes: Int64) -> list[Sighting]:
        """What is new about people's sides by fixes that are looked at (`concerned`), in the order of those that decided it."""
        if not len(fixes):
            return []
        at = self._row[batch.device[fixes]]
        silent, is_first = self._after_silence(at, batch.received_ns[fixes])
        # What is known is put aside before a device's first fix after a silence: no other may stand before that in what is taken together.
        parts = pairwise((0, *np.flatnonzero(silent & ~is_first).tolist(), len(fixes)))
        return [one for begin, end in parts for one in self._part(batch, fixes[begin:end], silent[begin:end])]

    def next_due(self) -> int | None:
        """When what was sent late is judged."""
        return min(self._due_ns.values(), default=None)

    def tick(self, now_ns: int) -> list[Sighting]:
        """What is new about people's sides by fixes that were sent late."""
        due = sorted((self._registry[int(self._device[at])].key, at) for at, due_ns in self._due_ns.items() if due_ns <= now_ns)
        return [one for _, at in due for one in self._judge_late(at)]

    def _after_silence(self, at: Int64, received_ns: Int64) -> tuple[Bool, Bool]:
        """Which fixes come after a silence of their device, and which are its first here. Takes note of when it was heard."""
        order = np.argsort(at, kind="stable")
        is_first, before_ns = np.empty(len(at), np.bool_), np.empty_like(received_ns)
        is_first[order] = np.concatenate(([True], np.diff(at[order]) != 0))
        before_ns[order[1:]] = received_ns[order[:-1]]
        before_ns = np.where(is_first, self._heard_ns[at], before_ns)
        np.maximum.at(self._heard_ns, at, received_ns)
        return (before_ns > 0) & (received_ns - before_ns >= _UNHEARD_NS), is_first

    def _part(self, batch: PositionBatch, rows: Int64, silent: Bool) -> Iterator[Sighting]:
        """Take fixes of which none but a device's first comes after a silence."""
        at = self._row[batch.device[rows]]
        if silent.any():
            self._put_aside(at[silent], batch.time_ns[rows][silent])
        before = self._before(at)
        x_m, y_m = self._metres(at, batch.lon_deg[rows], batch.lat_deg[rows])
        fixes = _Fixes(row=rows, at=at, time_ns=batch.time_ns[rows], x_m=x_m, y_m=y_m, accuracy_m=batch.accuracy_m[rows])
        entries = self._take(fixes)
        received_ns = batch.received_ns[rows]
        for one in np.flatnonzero(~entries.places.is_new & (received_ns - fixes.time_ns > _OLD_NS)).tolist():
            late = int(fixes.time_ns[one]), float(x_m[one]), float(y_m[one]), float(fixes.accuracy_m[one])
            self._late.setdefault(int(at[one]), []).append(late)
            self._due_ns.setdefault(int(at[one]), int(received_ns[one]) + _SORTED_NS)
        for entry in self._noteworthy(entries):
            yield from self._settle(entries, entry, before)

    def _put_aside(self, at: Int64, time_ns: Int64) -> None:
        """Remember where devices were before a silence, and when it was over."""
        self._back_ns[at] = time_ns
        self._tracker.copy(at, at + len(self._device))
        _, pair = self._pairs(at)
        self._sides.copy(pair, pair + len(self._whose))

    def _pairs(self, at: Int64) -> tuple[Int64, Int64]:
        """All fences of devices (N,): which of the N each is of, and the pair of the two."""
        counts = self._first[at + 1] - self._first[at]
        number = np.repeat(np.arange(len(at)), counts)
        return number, np.repeat(self._first[at] - np.cumsum(counts) + counts, counts) + np.arange(len(number))

    def _take(self, fixes: _Fixes, *, late: bool = False) -> _Entries:
        """What fixes say of the fences of their devices; late ones go on from what was put aside."""
        at = fixes.at
        places = self._tracker.update(at + late * len(self._device), fixes.time_ns, fixes.x_m, fixes.y_m, fixes.accuracy_m)
        new = np.flatnonzero(places.is_new)
        number, pair = self._pairs(at[new])
        fix = new[number]
        seen = self._seen(places, fix, pair)
        changes = self._sides.update(pair + late * len(self._whose), seen)
        return _Entries(fix=fix, pair=pair, fixes=fixes, places=places, seen=seen, changes=changes)

    def _judge_late(self, at: int) -> Iterator[Sighting]:
        """Go on from where a device was before its silence, and end where it is now."""
        del self._due_ns[at]
        late = sorted(self._late.pop(at))
        rest = np.array([one[1:] for one in late], np.float64).T
        count = np.full(len(late), at, np.int64)
        fixes = _Fixes(
            row=np.full_like(count, -1),
            at=count,
            time_ns=np.array([one[0] for one in late], np.int64),
            x_m=rest[0],
            y_m=rest[1],
            accuracy_m=rest[2],
        )
        entries = self._take(fixes, late=True)
        changes, last = entries.changes, dict[int, int]()
        for entry in np.flatnonzero(changes.is_told).tolist():
            pair = int(entries.pair[entry])
            whose, inside = self._whose[pair], bool(changes.inside[entry])
            if self._side[whose] == (not inside):
                self._turn(pair, inside=inside, is_sure=True)
                last[pair] = entry
                yield self._sighting(entries, entry, went=True, time_ns=int(changes.time_ns[entry]), fixes=int(changes.fixes[entry]))
        for pair, entry in last.items():
            inside, is_set = self._sides.side(pair)
            if is_set and self._side[self._whose[pair]] != inside:
                self._turn(pair, inside=inside, is_sure=True)
                yield self._sighting(entries, entry, went=True, time_ns=int(self._back_ns[at]), fixes=1, inside=inside)

    def _turn(self, pair: int, *, inside: bool, is_sure: bool) -> None:
        """A person is on that side now, by what a device of theirs says."""
        whose = self._whose[pair]
        self._side[whose], self._sure[whose], self._by[whose] = inside, is_sure, self._pair_at[pair]
        self._drop(pair)

    def snapshot(self) -> dict[str, dict[str, Any]]:
        """Where devices are, by device, and on which sides people are, by `<community>/person:<id>`."""
        state: dict[str, dict[str, Any]] = {}
        for at, index in enumerate(self._device.tolist()):
            if not (known := self._tracker.snapshot(at)):
                continue
            device, pairs = self._registry[index], range(self._first[at], self._first[at + 1])
            state[device.key] = {
                "plane": self._frames[at].tolist(),
                "tracker": known,
                "sides": {self._id(pair): side for pair in pairs if (side := self._sides.snapshot(pair))},
                "pending": {self._id(pair): list(self._pending[pair]) for pair in pairs if pair in self._pending},
                "aside": {
                    "tracker": self._tracker.snapshot(at + len(self._device)),
                    "sides": {self._id(pair): side for pair in pairs if (side := self._sides.snapshot(pair + len(self._whose)))},
                    "heard_ns": int(self._heard_ns[at]),
                    "back_ns": int(self._back_ns[at]),
                    "late": [list(one) for one in self._late.get(at, ())],
                    "due_ns": self._due_ns.get(at),
                },
            }
            whose = state.setdefault(f"{device.community_id}/person:{device.wearer}", {}).setdefault("people", {})
            whose.update(
                {
                    self._id(pair): {
                        "inside": bool(self._side[pair]),
                        "is_sure": bool(self._sure[pair]),
                        "by": self._registry[int(self._device[self._by[pair]])].id if self._by[pair] >= 0 else None,
                    }
                    for pair in self._whose[pairs.start : pairs.stop].tolist()
                    if self._side[pair] >= 0
                }
            )
        return state

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Take over what is known of devices and fences that there still are."""
        for at, index in enumerate(self._device.tolist()):
            device, pairs = self._registry[index], range(self._first[at], self._first[at + 1])
            if "tracker" in (kept := snapshot.get(device.key, {})):
                self._restore_device(at, pairs, kept)
            whose = snapshot.get(f"{device.community_id}/person:{device.wearer}", {}).get("people", {})
            for pair in pairs:
                if side := whose.get(self._id(pair)):
                    by = None if side["by"] is None else self._registry.row(device.community_id, side["by"])
                    person = self._whose[pair]
                    self._side[person], self._sure[person] = side["inside"], side["is_sure"]
                    self._by[person] = -1 if by is None else self._row[by]

    def _restore_device(self, at: int, pairs: range, kept: Mapping[str, Any]) -> None:
        aside = kept["aside"]
        self._frames[at] = kept["plane"]
        self._tracker.restore(at, kept["tracker"])
        self._tracker.restore(at + len(self._device), aside["tracker"])
        self._heard_ns[at], self._back_ns[at] = aside["heard_ns"], aside["back_ns"]
        if aside["due_ns"] is not None:
            self._late[at], self._due_ns[at] = [(one[0], one[1], one[2], one[3]) for one in aside["late"]], aside["due_ns"]
        for pair in pairs:
            self._sides.restore(pair, kept["sides"].get(self._id(pair), []))
            self._sides.restore(pair + len(self._whose), aside["sides"].get(self._id(pair), []))
            if pending := kept["pending"].get(self._id(pair)):
                self._keep(pair, (pending[0], pending[1]))

    def _id(self, pair: int) -> str:
        fence: Fence = self.fences[self._fence[pair]]
        return fence.id

    def _plane(self, at: int) -> tuple[float, float, float, float]:
        """Plane in which a device is followed: that of its first fence."""
        frame = self._planes[self._fence[self._first[at]]]
        return frame.lon_deg, frame.lat_deg, frame.east_m_per_deg, frame.north_m_per_deg

    def _metres(self, row: Int64, lon_deg: Float64, lat_deg: Float64) -> tuple[Float64, Float64]:
        lon, lat, east, north = self._frames[row].T
        return ((lon_deg - lon + 180.0) % 360.0 - 180.0) * east, (lat_deg - lat) * north

    def _degrees(self, row: Int64, x_m: Float64, y_m: Float64) -> tuple[Float64, Float64]:
        lon, lat, east, north = self._frames[row].T
        return lon + x_m / east, lat + y_m / north

    def _seen(self, places: Places, place: Int64, pair: Int64) -> Seen:
        """What places say of fences."""
        fence, at_of = self._fence[pair], self._pair_at[pair]
        x_m = np.concatenate((places.stand_x_m[place], places.walk_x_m[place]))
        y_m = np.concatenate((places.stand_y_m[place], places.walk_y_m[place]))
        lon_deg, lat_deg = self._degrees(np.concatenate((at_of, at_of)), x_m, y_m)
        stand_m, walk_m = self._areas.signed_distance(lon_deg, lat_deg, np.concatenate((fence, fence))).reshape(2, -1)
        return sides.seen(places, place, stand_m, walk_m, self._depth_m[fence])

    def _noteworthy(self, entries: _Entries) -> Iterator[int]:
        """Entries of a person and a fence of which any may change something, in order."""
        whose, changes = self._whose[entries.pair], entries.changes
        differs = changes.is_set & ((self._side[whose] != changes.inside) | (changes.is_sure & ~self._sure[whose]))
        concerned = whose[changes.is_told | differs | self._is_pending[entries.pair]]
        if len(concerned):
            yield from np.flatnonzero(np.isin(whose, concerned)).tolist()

    def _settle(self, entries: _Entries, entry: int, before: _Before) -> Iterator[Sighting]:
        """What one fix of a device says of the person: somebody went to the other side, or is found there, or is there for sure."""
        pair, changes = int(entries.pair[entry]), entries.changes
        said = before.said[pair] = self._said(entries, entry)
        whose, is_sure, went, fixes, time_ns = int(self._whose[pair]), bool(changes.is_sure[entry]), False, 1, said.time_ns
        if changes.is_told[entry]:
            self._keep(pair, (int(changes.time_ns[entry]), int(changes.fixes[entry])))
        if not said.is_set:
            return
        is_news = self._side[whose] != said.inside
        if pair in self._pending and (is_news or self._is_gone(whose, pair, time_ns, before)):
            if self._is_contradicted(pair, said, before):
                return
            (time_ns, fixes), went = self._pending[pair], True
        elif not is_news:
            self._drop(pair)
            if self._sure[whose] or not is_sure:
                return
        elif self._side[whose] >= 0 and self._by[whose] != self._pair_at[pair]:
            return
        self._turn(pair, inside=said.inside, is_sure=is_sure)
        yield self._sighting(entries, entry, went=went, time_ns=time_ns, fixes=fixes)

    def _sighting(self, entries: _Entries, entry: int, *, went: bool, time_ns: int, fixes: int, inside: bool | None = None) -> Sighting:
        pair, fix, seen = int(entries.pair[entry]), int(entries.fix[entry]), entries.seen
        side = bool(entries.changes.inside[entry]) if inside is None else inside
        fence, device = self.fences[self._fence[pair]], int(self._device[self._pair_at[pair]])
        probability = float(seen.inside[entry] if side else 1.0 - seen.inside[entry])
        return Sighting(
            row=int(entries.fixes.row[fix]),
            device=device,
            person=self._registry[device].wearer or PersonId(""),
            fence=fence,
            inside=side,
            went=went,
            is_sure=bool(entries.changes.is_sure[entry]),
            time_ns=time_ns,
            decided_ns=max(time_ns, int(entries.fixes.time_ns[fix])),
            score=probability,
            evidence={
                "fence": fence.id,
                "side": "inside" if side else "outside",
                "distance_m": abs(float(seen.distance_m[entry])),
                "probability": probability,
                "fixes": fixes,
                "sigma_m": float(seen.sigma_m[entry]),
                "accuracy_m": float(entries.fixes.accuracy_m[fix]),
            },
        )

    def _keep(self, pair: int, change: tuple[int, int]) -> None:
        self._pending[pair], self._is_pending[pair] = change, True

    def _drop(self, pair: int) -> None:
        self._pending.pop(pair, None)
        self._is_pending[pair] = False

    def _said(self, entries: _Entries, entry: int) -> _Said:
        pair, fix, changes = int(entries.pair[entry]), int(entries.fix[entry]), entries.changes
        time_ns, inside, is_set = int(entries.fixes.time_ns[fix]), bool(changes.inside[entry]), bool(changes.is_set[entry])
        return self._spoken(pair, entries.places, fix, time_ns, inside=inside, is_set=is_set)

    def _spoken(self, pair: int, places: Places, place: int, time_ns: int, *, inside: bool, is_set: bool) -> _Said:
        stands = places.stands[place]
        x_m = stands * places.stand_x_m[place] + (1.0 - stands) * places.walk_x_m[place]
        y_m = stands * places.stand_y_m[place] + (1.0 - stands) * places.walk_y_m[place]
        lon_deg, lat_deg = self._degrees(self._pair_at[pair], x_m, y_m)
        return _Said(
            time_ns=time_ns,
            inside=inside,
            is_set=is_set,
            lon_deg=float(lon_deg),
            lat_deg=float(lat_deg),
            deviation_m=float(places.deviation_m[place]),
        )

    def _before(self, row: Int64) -> _Before:
        """What is known, before these fixes, of the devices of people with several."""
        several = {at for at in row.tolist() if self._beside[at]}
        others = np.array(sorted({other for at in several for other in (at, *self._beside[at])}), np.int64)
        if not len(others):
            return _Before(places=Places.of(0), place=others, at={}, inside=np.zeros(0, np.bool_), is_set=np.zeros(0, np.bool_))
        place, pair = self._pairs(others)
        inside, is_set = self._sides.known(pair)
        at = dict(zip(pair.tolist(), range(len(pair)), strict=True))
        return _Before(places=self._tracker.known(others), place=place, at=at, inside=inside, is_set=is_set)

    def _said_before(self, pair: int, before: _Before) -> _Said | None:
        """What a device said of a fence last, in these fixes or before them; None of a device that was not asked for."""
        if pair not in before.said and pair in before.at:
            at = before.at[pair]
            place, inside, is_set = int(before.place[at]), bool(before.inside[at]), bool(before.is_set[at])
            time_ns = int(before.places.since_ns[place])
            before.said[pair] = self._spoken(pair, before.places, place, time_ns, inside=inside, is_set=is_set)
        return before.said.get(pair)

    def _other_pairs(self, pair: int) -> list[int]:
        """The same fence, and the other devices of the same person."""
        at = int(self._pair_at[pair])
        return [int(self._first[other] + pair - self._first[at]) for other in self._beside[at]]

    def _is_gone(self, whose: int, pair: int, time_ns: int, before: _Before) -> bool:
        """Whether the side was said by another device, of which nothing is heard any more."""
        by, at = int(self._by[whose]), int(self._pair_at[pair])
        if by == at:
            return False
        said = self._said_before(int(self._first[by] + pair - self._first[at]), before) if by >= 0 else None
        return said is None or time_ns - said.time_ns > _SILENT_NS

    def _is_contradicted(self, pair: int, said: _Said, before: _Before) -> bool:
        """Whether a better device, which may be at the same place, says that its wearer is still on the other side."""
        for other in self._other_pairs(pair):
            one = self._said_before(other, before)
            if one is None:
                continue
            age_s = max(0.0, (said.time_ns - one.time_ns) / NS_PER_S)
            if not one.is_set or one.inside == said.inside or one.deviation_m + _AGES_MPS * age_s >= said.deviation_m:
                continue
            apart = Frame.at(said.lon_deg, said.lat_deg).metres(one.lon_deg, one.lat_deg)
            if np.hypot(*apart) <= _APART_DEVIATIONS * np.hypot(said.deviation_m, one.deviation_m) + _APART_MPS * age_s:
                return True
        return False


def is_guarding(premises: Premises, fence: Fence, home: HomeId | None, time_ns: int) -> bool:
    """Whether a fence guards at a time: always, or in its modes and by its schedule, while both hold."""
    if fence.schedule is not None and not fence.schedule.hold(time_ns, premises.clock(fence.community_id).zone):
        return False
    return fence.modes is None or premises.modes.at(fence.community_id, home or "", time_ns) in fence.modes


def worn_by(premises: Premises) -> dict[tuple[CommunityId, PersonId], list[int]]:
    """Rows of the devices that each person of a community wears."""
    worn: dict[tuple[CommunityId, PersonId], list[int]] = {}
    for row, device in enumerate(premises.registry.devices):
        if device.wearer is not None:
            worn.setdefault((device.community_id, device.wearer), []).append(row)
    return worn


def usable(batch: PositionBatch) -> Bool:
    """(N,) bool: fixes that say where somebody is now: not repeated by a broker, not the (0, 0) of a receiver without a fix."""
    somewhere: Bool = (batch.lon_deg != 0.0) | (batch.lat_deg != 0.0)
    return somewhere & ~batch.retained
