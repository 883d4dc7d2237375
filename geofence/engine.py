"""Who enters and leaves areas, comes near and goes through lines: fixes of many devices in, changes out, as columns.

The index (`geofence.index`) says which fences a fix is in or near. While a device is well inside some areas, and well away from all other
borders and lines, it *sleeps*: its fixes only say again what is known of it. A fix near a border or a line, or in other areas than the one
before, wakes it: from its last place on, its fixes go through a filter (`geofence.tracker`), and `geofence.sides` decides the side of each
pair of the device and a fence. When every side is certain and every border far away, it sleeps again. So a batch costs as much as it has
fixes, most of it for those near a border, whatever else there is.

A pair has a state only while it matters: that a device is outside an area, or not near a line, is what is held of every pair that has none.

Assumptions: those of the tracker. A line is guarded against anyone; of an area may be told which devices it concerns. Fails where somebody
goes through a whole area between two fixes: nobody knows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from geofence.frames import metres_per_degree, short_way
from geofence.index import FenceIndex
from geofence.sides import _SURE, _UNKNOWN, Changes, Sides, seen
from geofence.tracker import Places, Tracker, turns

Float64 = NDArray[np.float64]
UInt64 = NDArray[np.uint64]
Int8 = NDArray[np.int8]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
Rows = NDArray[np.integer]
Structured = NDArray[np.void]

NEAR_DEVIATIONS = 2.0
"""A fix is near a border when it is within so many standard deviations of it."""

# contract.md, "What the words decide" 8: so much travel towards a line is no noise of a radar; of other sources, a deviation.
_TRAVELLED_M = 0.5
_LIKELY = 0.5
_NONE, _CLEAR = -1, -2
_NO_ROWS = np.empty(0, np.int64)
_FIRST = 1024
# Where nobody's plane can be.
_HIGHEST_DEG = 89.9
# Ways are looked at this closely at most; who has gone further than so many steps may have gone any way.
_LEAST_SPACING_M, _MOST_STEPS = 1.0, 100.0
_AWAY_M = 1.0
# No degree is longer.
_M_PER_DEG = 111_700.0
# Who has been somewhere for longer than a receiver's jump lasts was there.
_JUMPED_NS = 8_000_000_000
_MIX, _SHIFT = np.uint64(0x9E3779B97F4A7C15), np.uint64(29)

DEVICE = np.dtype(
    {
        "names": ["lon_deg", "lat_deg", "time_ns", "since_ns", "inside", "accuracy_m", "row"],
        "formats": ["f8", "f8", "i8", "i8", "u8", "f4", "i4"],
        "itemsize": 64,
    }
)
"""A device: its last place, which is the filtered one while it is awake; the times of its last fix, -1 before there is one, and of its
first; the areas that it sleeps in, as one number; how accurate its last fix was; and its row in the filter, -1 while it sleeps, -2 where
no line was within the index's reach either. It fills one line of the processor's cache."""
_WHOLE = np.dtype(f"V{DEVICE.itemsize}")


class Change(IntEnum):
    """What a device did."""

    ENTER = 0
    EXIT = 1
    APPROACH = 2
    CROSS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Changes (C,), in the order of the fixes that decided them.

    Attributes
    ----------
    row : (C,) int64
        Of the fix, in its batch.
    device : (C,) int64
        Whose it is.
    fence : (C,) int64
        Number in the index.
    change : (C,) int8
        `Change`.
    time_ns : (C,) int64
        Of the first fix that says so.
    fixes : (C,) int64
        How many do.
    distance_m, sigma_m : (C,) float64
        How far beyond the border, or from the line, above 0; and the standard deviation of the place.
    certainty : (C,) float64
        Probability, 0 to 1, of being on that side.
    """

    row: Int64
    device: Int64
    fence: Int64
    change: Int8
    time_ns: Int64
    fixes: Int64
    distance_m: Float64
    sigma_m: Float64
    certainty: Float64

    def __len__(self) -> int:
        return len(self.row)

    @classmethod
    def joined(cls, parts: list["Told"]) -> Self:
        """All of them, by row."""
        if len(parts) == 1:
            return cls(**{field.name: getattr(parts[0], field.name) for field in fields(cls)})
        columns = {field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)}
        order = np.lexsort((columns["change"], columns["fence"], columns["row"]))
        return cls(**{name: column[order] for name, column in columns.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """What is wanted of fences, by their numbers in the index.

    Attributes
    ----------
    is_line : (M,) bool
        As in the index.
    reach_m : (M,) float64
        Of a line, how near somebody has to come; of an area 0.
    near_is_left : (M,) bool
        Of a line, which side is protected, seen along it.
    depth_m : (M,) float64
        Of an area, how deep inside one can be at most.
    """

    is_line: Bool
    reach_m: Float64
    near_is_left: Bool
    depth_m: Float64


class Engine:
    """Fences and devices. How fixes are cut into batches changes nothing.

    Parameters
    ----------
    index
        The fences, each with a reach of what its guard wants and `margin_m` more.
    guards
        What is wanted of them.
    devices
        How many there are.
    margin_m
        A device sleeps only while `NEAR_DEVIATIONS` of its fixes are within this; with 0 none ever does.
    concerns : (P,) int64 and (P,) int64
        Devices and fences that are about them. Such a fence is about these devices alone; any other is about everybody.
    """

    def __init__(
        self, index: FenceIndex, guards: Guards, devices: int, *, margin_m: float, concerns: tuple[Int64, Int64] | None = None
    ) -> None:
        self.index, self._guards, self._margin_m = index, guards, margin_m
        room = np.zeros((devices + 1) * DEVICE.itemsize, np.uint8)
        aligned = -room.ctypes.data % DEVICE.itemsize
        self._devices = room[aligned : aligned + devices * DEVICE.itemsize].view(DEVICE)
        self._devices["time_ns"] = self._devices["row"] = _NONE
        # Copied as a whole, not field by field.
        self._whole = self._devices.view(_WHOLE)
        self._awake = _Awake()
        self._pairs = _Pairs(devices)
        self._is_private = np.zeros(len(guards.is_line), np.bool_)
        self._concerned = _NO_ROWS
        if concerns is not None:
            device, fence = concerns
            self._is_private[fence] = True
            self._concerned = np.unique(device * len(guards.is_line) + fence)
        reaches = guards.reach_m[guards.is_line]
        self._spacing_m = max(float(reaches.min(initial=np.inf)) + margin_m, _LEAST_SPACING_M)

    @property
    def nbytes(self) -> int:
        """Memory of all states, the index not counted."""
        return self._devices.nbytes + self._awake.nbytes + self._pairs.nbytes

    @property
    def awake(self) -> int:
        """How many devices are awake."""
        return len(self._awake)

    def update(self, device: Rows, time_ns: Int64, lon_deg: Float64, lat_deg: Float64, accuracy_m: Float64) -> Told:
        """Take fixes in order of arrival.

        Parameters
        ----------
        device : (N,) integer
            Whose each is; several of one are taken one after another.
        time_ns : (N,) int64
            Of the measurement. One that is not newer than the newest of its device is not looked at.
        lon_deg, lat_deg : (N,) float64
            WGS 84; one that is not finite is not looked at.
        accuracy_m : (N,) float64
            Radius that the device reports, above 0.
        """
        parts = [_NOTHING]
        who: Int64 = device.astype(np.int64)
        given = _Given(np.arange(len(device)), who, time_ns, lon_deg, lat_deg, accuracy_m, np.empty(len(device), DEVICE))
        for turn in turns(device):
            part = given if len(turn) == len(device) else given.taken(turn)
            parts += self._take(replace(part, known=self._whole.take(part.device).view(DEVICE)))
        return Told.joined(parts)

    def _take(self, given: "_Given") -> list[Told]:
        """Take at most one fix of each device."""
        usable = (given.time_ns > given.known["time_ns"]) & np.isfinite(given.lon_deg) & (np.abs(given.lat_deg) < _HIGHEST_DEG)
        usable &= (given.accuracy_m > 0.0) & (given.accuracy_m < np.inf)
        if not usable.all():
            given = given.taken(usable.nonzero()[0])
        if not len(given.row):
            return []
        known = given.known
        after = known.view(_WHOLE).copy().view(DEVICE)
        first = (known["time_ns"] < 0).nonzero()[0]
        after["since_ns"][first] = given.time_ns[first]
        after["lon_deg"], after["lat_deg"], after["time_ns"] = given.lon_deg, given.lat_deg, given.time_ns
        after["accuracy_m"] = given.accuracy_m
        # Written at once, as long as they are in the processor's cache; most stay as they are now.
        self._whole[given.device] = after.view(_WHOLE)
        around = self._around(given)
        after["row"] = np.where(around.is_clear, _CLEAR, _NONE)
        is_moving = (known["row"] >= 0) | around.is_near | (around.inside != known["inside"])
        moves = is_moving.nonzero()[0]
        told = self._track(given.taken(moves), around, moves, after) if len(moves) else []
        changed = (is_moving | (after["row"] != known["row"])).nonzero()[0]
        self._whole[given.device.take(changed)] = after.view(_WHOLE).take(changed)
        return told

    def _around(self, given: "_Given") -> "_Around":
        """Areas that fixes are well inside, and fences that they are near."""
        guards, count = self._guards, len(given.row)
        near_m = given.accuracy_m * (NEAR_DEVIATIONS / self._awake.tracker.model.accuracy_deviations)
        of_way, *ways = self._ways(given)
        lon_deg, lat_deg = given.lon_deg, given.lat_deg
        if len(of_way):
            lon_deg, lat_deg = (np.concatenate(both) for both in zip((lon_deg, lat_deg), ways, strict=True))
        fix, fence, distance_m = self.index.near(lon_deg, lat_deg)
        is_line = guards.is_line.take(fence)
        is_passed = np.zeros(len(fix), np.bool_)
        if len(of_way):
            is_passed = fix >= count
            fix = np.concatenate((np.arange(count), of_way)).take(fix)
        if len(of_way) or len(self._concerned):
            kept = (self._is_about(given.device.take(fix), fence) & (is_line | ~is_passed)).nonzero()[0]
            fix, fence, distance_m = fix.take(kept), fence.take(kept), distance_m.take(kept)
            is_line, is_passed = is_line.take(kept), is_passed.take(kept)
        within_m = near_m.take(fix)
        is_deep = (distance_m > within_m) & ~is_line
        is_clear, is_near = np.ones(count, np.bool_), near_m > self._margin_m
        beside = is_line.nonzero()[0]
        at = fix.take(beside)
        within_m[beside] = np.maximum(within_m.take(beside), given.ways_deg(at)[2]) + guards.reach_m.take(fence.take(beside))
        is_clear[at] = False
        deep, close = is_deep.nonzero()[0], ((np.abs(distance_m) <= within_m) | is_passed).nonzero()[0]
        is_near[fix.take(close)] = True
        inside = np.zeros(count, np.uint64)
        np.add.at(inside, fix.take(deep), _mixed(fence.take(deep)))
        of_both = np.concatenate((deep, close))
        if is_passed.any():
            of_both = of_both[np.unique(fence.take(of_both) * count + fix.take(of_both), return_index=True)[1]]
        return _Around(
            near_m=near_m,
            inside=inside,
            is_near=is_near,
            is_clear=is_clear,
            fix=fix.take(of_both),
            fence=fence.take(of_both),
            is_deep=is_deep.take(of_both),
        )

    def _is_about(self, device: Int64, fence: Int64) -> Bool:
        """Which pairs (P,) of a device and a fence there are."""
        if not len(self._concerned):
            return np.ones(len(fence), np.bool_)
        key = device * len(self._is_private) + fence
        at = np.minimum(np.searchsorted(self._concerned, key), len(self._concerned) - 1)
        is_about: Bool = ~self._is_private.take(fence) | (self._concerned.take(at) == key)
        return is_about

    def _ways(self, given: "_Given") -> tuple[Int64, Float64, Float64]:
        """Places on the ways to fixes (P,) that are further from the last place than a line reaches: none is passed over unseen."""
        # What no line is near to is further from each than that reaches, both ways.
        far = given.may_be_far(np.where(given.known["row"] == _CLEAR, 2.0, 1.0) * self._spacing_m).nonzero()[0]
        if not len(far):
            return far, given.lon_deg[:0], given.lat_deg[:0]
        east, north, way_m = given.ways_deg(far)
        steps = way_m / self._spacing_m
        some = ((steps > 1.0) & (steps < _MOST_STEPS)).nonzero()[0]
        count = np.ceil(steps[some]).astype(np.int64)
        which = some.repeat(count)
        back = 1.0 - (np.arange(len(which)) - (np.cumsum(count) - count).repeat(count) + 0.5) / count.repeat(count)
        fix = far.take(which)
        return fix, given.lon_deg.take(fix) - back * east.take(which), given.lat_deg.take(fix) - back * north.take(which)

    def _track(self, given: "_Given", around: "_Around", moves: Int64, after: Structured) -> list[Told]:
        """Let some fixes go through the filter, and decide what they amount to; what is known after them goes to `after`."""
        device = given.device
        place, x_m, y_m = self._awake.rows(given)
        places = self._awake.tracker.update(place, given.time_ns, x_m, y_m, given.accuracy_m)
        fixes = _Fixes.of(given, around.near_m.take(moves), places, self._awake.plane.take(place, axis=0))
        of_move = np.full(len(after), _NONE)
        of_move[moves] = np.arange(len(moves))
        fix = of_move.take(around.fix)
        some = (fix >= 0).nonzero()[0]
        fix, fence, is_deep = fix.take(some), around.fence.take(some), around.is_deep.take(some)
        slot = self._pairs.find(device.take(fix), fence)
        unknown = (slot < 0).nonzero()[0]
        if len(unknown):
            slot[unknown] = self._begun(fixes, fix.take(unknown), fence.take(unknown))
        # Whoever is deep inside, and was, stays there.
        deep = is_deep.nonzero()[0]
        resting = deep[self._pairs.sides.rests_inside(slot.take(deep))]
        at = np.zeros(self._pairs.size, np.bool_)
        at[slot.take(resting)] = True
        chained, slots = self._pairs.known(device)
        moving = (~at.take(slots)).nonzero()[0]
        at[slot] = ~is_deep
        chained, slots = chained.take(moving), slots.take(moving)
        told, held = self._judged(fixes, chained, slots, at.take(slots)) if len(moving) else ([], _NO_ROWS)

        sleeps = ~around.is_near.take(moves) & (places.jump <= _LIKELY)
        sleeps &= np.bincount(fix.take(deep), minlength=len(moves)) == np.bincount(fix.take(resting), minlength=len(moves))
        sleeps[held] = False
        self._awake.free(place[sleeps])
        asleep, others = moves[sleeps], (~sleeps).nonzero()[0]
        after["inside"][asleep] = around.inside[asleep]
        after["row"][moves[others]] = place[others]
        after["lon_deg"][moves[others]], after["lat_deg"][moves[others]] = (degrees.take(others) for degrees in fixes.mean)
        return told

    def _begun(self, fixes: "_Fixes", fix: Int64, fence: Int64) -> Int64:
        """Slots of pairs that have none: whoever was somewhere before was outside of the area, or on that side of the line."""
        slot = self._pairs.hold(fixes.device.take(fix), fence)
        known = fixes.known.take(fix)
        last_lon, last_lat, last_ns = (known[name] for name in ("lon_deg", "lat_deg", "time_ns"))
        was_somewhere = (last_ns >= 0) & (last_ns - known["since_ns"] >= _JUMPED_NS)
        is_line = self._guards.is_line.take(fence)
        near_m = np.where(last_ns >= 0, self._signed(last_lon, last_lat, fence), -np.inf)
        # An area around where somebody was already, without a pair, is new.
        self._pairs.sides.begin(slot, is_line & (near_m >= 0.0), was_somewhere & (is_line | (near_m < 0.0)))
        self._pairs.peak_m[slot] = np.where(was_somewhere & is_line, -near_m, -np.inf)
        self._pairs.far[slot] = np.stack((last_lon, last_lat), axis=1)
        self._pairs.far[slot[last_ns < 0]] = np.nan
        return slot

    def _signed(self, lon_deg: Float64, lat_deg: Float64, fence: Int64) -> Float64:
        """Signed distances (P,), above 0 inside an area and on the near side of a line."""
        distance_m = self.index.signed_distance(lon_deg, lat_deg, fence)
        return np.where(self._guards.is_line.take(fence) & ~self._guards.near_is_left.take(fence), -distance_m, distance_m)

    def _judged(self, fixes: "_Fixes", fix: Int64, slot: Int64, is_close: Bool) -> tuple[list[Told], Int64]:
        """What pairs of a fix and a slot (P,) amount to, and the fixes of those for which the device stays awake."""
        fence = self._pairs.fence.take(slot)
        lon_deg, lat_deg = (np.concatenate((stand.take(fix), walk.take(fix))) for stand, walk in zip(fixes.stand, fixes.walk, strict=True))
        stand_m, walk_m = self._signed(lon_deg, lat_deg, np.concatenate((fence, fence))).reshape(2, -1)
        gone = np.isnan(walk_m)
        if gone.any():
            self._pairs.drop(slot[gone])
            here = (~gone).nonzero()[0]
            fix, slot, fence, is_close = fix.take(here), slot.take(here), fence.take(here), is_close.take(here)
            stand_m, walk_m = stand_m.take(here), walk_m.take(here)
        is_line = self._guards.is_line.take(fence)
        given = seen(fixes.places, fix, stand_m, walk_m, np.where(is_line, np.inf, self._guards.depth_m.take(fence)))
        changes = self._pairs.sides.update(slot, given)
        certain = np.where(changes.inside, given.inside, 1.0 - given.inside)

        def told(which: Int64, change: Int8, time_ns: Int64, count: Int64) -> Told:
            return Told(
                row=fixes.row.take(fix.take(which)),
                device=fixes.device.take(fix.take(which)),
                fence=fence.take(which),
                change=change,
                time_ns=time_ns.take(which),
                fixes=count.take(which),
                distance_m=np.abs(given.distance_m.take(which)),
                sigma_m=given.sigma_m.take(which),
                certainty=certain.take(which),
            )

        areas = (changes.is_told & ~is_line).nonzero()[0]
        parts = [
            told(areas, np.where(changes.inside.take(areas), Change.ENTER, Change.EXIT).astype(np.int8), changes.time_ns, changes.fixes)
        ]
        lined = is_line.nonzero()[0]
        if len(lined):
            approaching, crossing = self._walked(
                fixes, _Beside(lined, fix, slot, fence, given.distance_m, given.sigma_m), given.jump, changes
            )
            parts += [
                told(approaching, np.full(len(approaching), Change.APPROACH, np.int8), given.since_ns, given.fixes),
                told(crossing, np.full(len(crossing), Change.CROSS, np.int8), changes.time_ns, changes.fixes),
            ]
        beyond = is_line & (np.abs(given.distance_m) > self._guards.reach_m.take(fence) + np.maximum(given.sigma_m, _AWAY_M))
        is_over = self._pairs.sides.rests(slot) & np.where(is_line, beyond, ~changes.inside)
        self._pairs.drop(slot[is_over & ~is_close])
        again = (is_over & is_line).nonzero()[0]
        # Who was away may come again.
        self._pairs.is_told[slot.take(again)] = False
        self._pairs.peak_m[slot.take(again)] = -given.distance_m.take(again)
        is_far = np.abs(given.distance_m) > fixes.near_m.take(fix) + self._guards.reach_m.take(fence)
        return [part for part in parts if len(part)], fix[~(is_over & is_far)]

    def _walked(self, fixes: "_Fixes", beside: "_Beside", jump: Float64, changes: Changes) -> tuple[Int64, Int64]:
        """Which pairs with lines are approaches, and which are crossings."""
        lined, pairs = beside.lined, self._pairs
        slot, fence, fix = beside.slot.take(lined), beside.fence.take(lined), beside.fix.take(lined)
        far_m = -beside.distance_m.take(lined)
        peak_m = np.maximum(pairs.peak_m.take(slot), far_m)
        travelled_m = peak_m - far_m
        comes = (far_m > 0.0) & (far_m <= self._guards.reach_m.take(fence)) & (jump.take(lined) < 0.5)  # noqa: PLR2004  likelier a true fix
        comes &= (travelled_m >= np.maximum(_TRAVELLED_M, beside.sigma_m.take(lined))) & ~pairs.is_told.take(slot)
        pairs.peak_m[slot] = peak_m
        pairs.is_told[slot[comes]] = True
        through = (changes.is_told & changes.inside).take(lined).nonzero()[0]
        crosses = through
        if len(through):
            last_lon, last_lat = pairs.far[slot[through]].T
            mean_lon, mean_lat = (degrees.take(fix.take(through)) for degrees in fixes.mean)
            crosses = through[self.index.passes((last_lon, last_lat), (mean_lon, mean_lat), fence.take(through))]
        outside = ((far_m > 0.0) & ~changes.inside.take(lined)).nonzero()[0]
        pairs.far[slot[outside]] = np.stack([degrees.take(fix.take(outside)) for degrees in fixes.mean], axis=1)
        return lined[comes], lined[crosses]


@dataclass(frozen=True, slots=True)
class _Given:
    """Fixes (N,), at most one of each device, and what was known before them."""

    row: Int64
    device: Int64
    time_ns: Int64
    lon_deg: Float64
    lat_deg: Float64
    accuracy_m: Float64
    known: Structured

    def taken(self, some: Int64) -> Self:
        """Some of them."""
        return type(self)(*(getattr(self, field.name).take(some) for field in fields(self)))

    def may_be_far(self, limit_m: Float64) -> Bool:
        """Which (N,) may be further than so much (N,) from the last place: as if all degrees were as long as the longest."""
        east, north = self.lon_deg - self.known["lon_deg"], self.lat_deg - self.known["lat_deg"]
        east *= east
        north *= north
        east += north
        far: Bool = east > (limit_m / _M_PER_DEG) ** 2
        return far

    def ways_deg(self, some: Int64) -> tuple[Float64, Float64, Float64]:
        """How far some (P,) are from the last place, in degrees to the east and to the north, and in metres; 0 where there is none."""
        known = self.known.take(some)
        is_there = known["time_ns"] >= 0
        east = np.where(is_there, short_way(self.lon_deg.take(some) - known["lon_deg"]), 0.0)
        north = np.where(is_there, self.lat_deg.take(some) - known["lat_deg"], 0.0)
        per_east, per_north = metres_per_degree(known["lat_deg"])
        return east, north, np.hypot(east * per_east, north * per_north)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Around:
    """What is around fixes (N,), and pairs (P,) with the fences that they are well inside of or near.

    How near is near; the areas that they are well inside, as one number; whether they are near any; whether the index finds no line.
    """

    near_m: Float64
    inside: UInt64
    is_near: Bool
    is_clear: Bool
    fix: Int64
    fence: Int64
    is_deep: Bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fixes:
    """Fixes (N,) that went through the filter: rows of the batch, what was known before, and places, also in degrees."""

    row: Int64
    device: Int64
    known: Structured
    near_m: Float64
    places: Places
    stand: tuple[Float64, Float64]
    walk: tuple[Float64, Float64]
    mean: tuple[Float64, Float64]

    @classmethod
    def of(cls, given: "_Given", near_m: Float64, places: Places, plane: Float64) -> Self:
        middle_lon, middle_lat, per_east, per_north = plane.T

        def degrees(x_m: Float64, y_m: Float64) -> tuple[Float64, Float64]:
            return middle_lon + x_m / per_east, middle_lat + y_m / per_north

        x_m, y_m = places.walk_x_m, places.walk_y_m
        return cls(
            row=given.row,
            device=given.device,
            known=given.known,
            near_m=near_m,
            places=places,
            stand=degrees(places.stand_x_m, places.stand_y_m),
            walk=degrees(x_m, y_m),
            mean=degrees(x_m + places.stands * (places.stand_x_m - x_m), y_m + places.stands * (places.stand_y_m - y_m)),
        )


@dataclass(frozen=True, slots=True)
class _Beside:
    """Pairs (P,), and which of them are with lines."""

    lined: Int64
    fix: Int64
    slot: Int64
    fence: Int64
    distance_m: Float64
    sigma_m: Float64


class _Awake:
    """Rows of the filter, for devices that are awake, each with a plane: its middle in degrees, and metres of a degree there."""

    def __init__(self) -> None:
        self.tracker, self.plane = Tracker(_FIRST), np.zeros((_FIRST, 4))
        self._free = np.arange(_FIRST)[::-1].copy()
        self._left = _FIRST

    def __len__(self) -> int:
        return len(self.plane) - self._left

    @property
    def nbytes(self) -> int:
        """Memory of all of it."""
        return self.tracker.nbytes + self.plane.nbytes + self._free.nbytes

    def rows(self, given: _Given) -> tuple[Int64, Float64, Float64]:
        """Rows (N,) of devices, and where their fixes are in their planes; those that slept begin with their last place."""
        row = given.known["row"].astype(np.int64)
        wakes = (row < 0).nonzero()[0]
        if len(wakes):
            slept = given.known.take(wakes)
            mine = row[wakes] = self._taken(len(wakes))
            has_place = slept["time_ns"] >= 0
            middle_lon = np.where(has_place, slept["lon_deg"], given.lon_deg.take(wakes))
            middle_lat = np.where(has_place, slept["lat_deg"], given.lat_deg.take(wakes))
            self.plane[mine] = np.stack((middle_lon, middle_lat, *metres_per_degree(middle_lat)), axis=1)
            still = np.zeros(len(wakes))
            self.tracker.begin(mine, slept["time_ns"], still, still, slept["accuracy_m"].astype(np.float64))
        middle_lon, middle_lat, per_east, per_north = self.plane.take(row, axis=0).T
        return row, short_way(given.lon_deg - middle_lon) * per_east, (given.lat_deg - middle_lat) * per_north

    def free(self, row: Int64) -> None:
        """Have rows (N,) no longer."""
        self._free[self._left : self._left + len(row)] = row
        self._left += len(row)

    def _taken(self, count: int) -> Int64:
        while self._left < count:
            rows = len(self.plane)
            self.tracker.grow(2 * rows)
            self.plane = np.concatenate((self.plane, np.zeros((rows, 4))))
            self._free = np.concatenate((np.arange(rows, 2 * rows), self._free))
            self._left += rows
        self._left -= count
        return self._free[self._left : self._left + count].copy()


class _Sides(Sides):
    """Sides of slots."""

    def begin(self, slot: Int64, inside: Bool, is_known: Bool) -> None:
        """Set sides (P,), those that are known for sure."""
        self._level[slot] = np.where(is_known, _SURE, _UNKNOWN)
        self._inside[slot] = inside
        self._moved[slot] = False
        self._fixes[slot] = self._begun_ns[slot] = self._run_ns[slot] = 0

    def rests(self, slot: Int64) -> Bool:
        """Which (P,) are sure and have nothing that speaks against them."""
        resting: Bool = (self._level.take(slot) == _SURE) & (self._fixes.take(slot) == 0)
        return resting

    def rests_inside(self, slot: Int64) -> Bool:
        """Which (P,) do so inside."""
        return self.rests(slot) & self._inside.take(slot)

    def grown(self, pairs: int) -> "_Sides":
        """As many, and what was there."""
        more = _Sides(pairs, self._certain)
        for column, before in zip(more._columns, self._columns, strict=True):
            column[: len(before)] = before
        return more


class _Pairs:
    """Pairs of a device and a fence that have a state: a chain of slots for each device. A slot stays its device's, and may be empty."""

    def __init__(self, devices: int) -> None:
        self.head = np.full(devices, _NONE, np.int32)
        self.after = np.full(_FIRST, _NONE, np.int32)
        self.fence = np.full(_FIRST, _NONE, np.int64)
        self.peak_m = np.zeros(_FIRST)
        self.is_told = np.zeros(_FIRST, np.bool_)
        self.far = np.zeros((_FIRST, 2))
        self.sides = _Sides(_FIRST)
        self.size = 0

    @property
    def nbytes(self) -> int:
        """Memory of all of it."""
        sides = sum(column.nbytes for column in self.sides._columns)  # noqa: SLF001  its own
        columns = self.head, self.after, self.fence, self.peak_m, self.is_told, self.far
        return sides + sum(column.nbytes for column in columns)

    def known(self, device: Int64) -> tuple[Int64, Int64]:
        """Places in `device` (N,), of which none is there twice, and slots of all their pairs."""
        rows, slots = [_NO_ROWS], [_NO_ROWS]
        for row, slot in self._links(np.arange(len(device)), self.head.take(device)):
            some = (self.fence.take(slot) >= 0).nonzero()[0]
            rows.append(row.take(some))
            slots.append(slot.take(some))
        return np.concatenate(rows), np.concatenate(slots)

    def find(self, device: Int64, fence: Int64) -> Int64:
        """Slots of pairs (P,); -1 of those that have none."""
        found = np.full(len(device), _NONE, np.int64)
        for row, slot in self._links(np.arange(len(device)), self.head.take(device)):
            some = (self.fence.take(slot) == fence.take(row)).nonzero()[0]
            found[row.take(some)] = slot.take(some)
        return found

    def hold(self, device: Int64, fence: Int64) -> Int64:
        """Slots for pairs (P,) that have none: their devices' empty ones, or more."""
        slot = np.full(len(device), _NONE, np.int64)
        for turn in turns(device):
            mine = device[turn]
            for row, link in self._links(np.arange(len(turn)), self.head.take(mine)):
                empty = ((self.fence.take(link) < 0) & (slot.take(turn.take(row)) < 0)).nonzero()[0]
                slot[turn.take(row.take(empty))] = link.take(empty)
            more = turn[slot[turn] < 0]
            self._grow(self.size + len(more))
            slot[more] = np.arange(self.size, self.size + len(more))
            self.after[slot[more]] = self.head[device[more]]
            self.head[device[more]] = slot[more]
            self.size += len(more)
            self.fence[slot[turn]] = fence[turn]
        self.is_told[slot] = False
        self.sides.begin(slot, np.zeros(len(slot), np.bool_), np.zeros(len(slot), np.bool_))
        self.peak_m[slot], self.far[slot] = -np.inf, np.nan
        return slot

    def drop(self, slot: Int64) -> None:
        """Hold pairs no longer."""
        self.fence[slot] = _NONE

    def _links(self, row: Int64, slot: Int32) -> Iterator[tuple[Int64, Int64]]:
        """All slots of chains that begin there, one of each chain at a time, beside their rows."""
        while True:
            some = (slot >= 0).nonzero()[0]
            if not len(some):
                return
            row, link = row.take(some), slot.take(some).astype(np.int64)
            yield row, link
            slot = self.after.take(link)

    def _grow(self, needed: int) -> None:
        if needed <= len(self.fence):
            return
        size = max(needed, 2 * len(self.fence))
        for name, empty in (("after", _NONE), ("fence", _NONE), ("peak_m", 0.0), ("is_told", False), ("far", 0.0)):
            before = getattr(self, name)
            larger = np.full((size, *before.shape[1:]), empty, before.dtype)
            larger[: len(before)] = before
            setattr(self, name, larger)
        self.sides = self.sides.grown(size)


_NOTHING = Told(
    row=np.empty(0, np.int64),
    device=np.empty(0, np.int64),
    fence=np.empty(0, np.int64),
    change=np.empty(0, np.int8),
    time_ns=np.empty(0, np.int64),
    fixes=np.empty(0, np.int64),
    distance_m=np.empty(0),
    sigma_m=np.empty(0),
    certainty=np.empty(0),
)


def _mixed(fence: Int64) -> UInt64:
    """Numbers (P,) whose sum is that of one set of fences only, as good as surely (Steele et al. 2014, doi:10.1145/2660193.2660195)."""
    mixed = (fence + 1).astype(np.uint64) * _MIX
    mixed ^= mixed >> _SHIFT
    mixed *= _MIX
    return mixed
