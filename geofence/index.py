"""Which of many fences positions are in or near: exact, and fast for batches.

Words: a *fence* here is an area (polygons with holes) or a directed line (a polyline). Positions and vertices are WGS 84 degrees.

Geometry is judged in each fence's own metric frame, `Frame.at` the middle of its extent: a position is in an area where GEOS says
`intersects` of `frame.metres(...)` of both, so what lies on a border or a vertex is in. Distances are in metres of that frame:
of an area the distance to its border, above 0 inside, 0 on it; of a line the distance to it, above 0 to its left
(`geofence.lines.signed_distance`). Membership is exact (determinants too near 0 for floating point are summed without error), distances
are right to 1e-9 m.

Areas must be valid (`geofence.shapes` repairs or refuses). A fence across the antimeridian is given with longitudes that go on beyond
180; one that spans 180 degrees or more, or reaches a latitude beyond 89, is refused. Positions may have any longitude; NaN is nowhere.

>>> square = Outline(rings=[[(119.9, 31.7), (119.901, 31.7), (119.901, 31.701), (119.9, 31.701)]])
>>> index = FenceIndex.build(Outlines.of([square]))
>>> index.containing(np.array([119.9005, 119.95]), np.array([31.7005, 31.7]))
(array([0]), array([0]))
>>> number = index.add(Outline(rings=[[(119.94, 31.69), (119.96, 31.69), (119.95, 31.71)]]))
>>> index.containing(np.array([119.9005, 119.95]), np.array([31.7005, 31.7]))
(array([0, 1]), array([0, 1]))
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from threading import Lock
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from geofence import overlay
from geofence.cells import POLE_DEG, Spots
from geofence.fences import TIE_M, Fences, Runs, Seen, signed
from geofence.frames import Frame
from geofence.given import Outline, Outlines
from geofence.grid import Found, Grid
from geofence.overlay import NEVER, Arrays, Overlay, Version

Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
Slots = NDArray[np.integer[Any]]
Structured = NDArray[np.void]

_POSITIONS_AT_ONCE = 1 << 15
_NO_ROWS, _NO_METRES = np.empty(0, np.int64), np.empty(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Base:
    """What was there when the index was built.

    Attributes
    ----------
    fences, grid
        Slots (M,) of fences, and where they are.
    number : (M,) int64
        What each is called outside, ascending.
    slot : (N,) int32
        By number: its slot, or -1.
    died : (M,) int64
        The edition that each died with; 0, none.
    """

    fences: Fences
    grid: Grid
    number: Int64
    slot: Int32
    died: Int64

    @classmethod
    def of(cls, fences: Fences, number: Int64, numbers: int) -> Self:
        slot = np.full(numbers, -1, np.int32)
        slot[number] = np.arange(len(number), dtype=np.int32)
        return cls(fences=fences, grid=Grid.of(fences), number=number, slot=slot, died=np.zeros(len(number), np.int64))

    def called(self, slot: Slots) -> Slots:
        """Numbers (P,) of slots; these are the same until something is removed."""
        return slot if len(self.slot) == len(self.number) else self.number.take(slot)


class _Edition(NamedTuple):
    """What one query sees."""

    edition: int
    base: _Base
    has_deaths: bool
    arrays: Arrays
    levels: tuple[int, ...]
    newest: Mapping[int, Version]


class FenceIndex:
    """Many fences, found by position; see `build`. Any number of threads may read while one after another writes."""

    def __init__(self, fences: Fences) -> None:
        self._numbers = len(fences)
        self._overlay = Overlay()
        self._deaths: list[tuple[int, int]] = []
        self._writing, self._compacting = Lock(), Lock()
        base = _Base.of(fences, np.arange(len(fences)), len(fences))
        self._seen = _Edition(0, base, False, self._overlay.arrays, (), self._overlay.newest)  # noqa: FBT003

    @classmethod
    def build(cls, outlines: Outlines) -> Self:
        """Index of fences, which are numbered from 0 in their order.

        Raises
        ------
        OutlineError
            Where a fence is none; see `geofence.given`.
        """
        return cls(Fences.of(outlines))

    @property
    def changes(self) -> int:
        """How much was added and removed since the index was built or compacted: each makes queries a little slower."""
        return len(self._overlay) + len(self._deaths)

    @property
    def nbytes(self) -> int:
        """Memory of all arrays."""
        base, overlaid = self._seen.base, self._seen.arrays
        grid = [array for level in base.grid.levels for array in (*_arrays(level), *_arrays(level.pages))]
        return sum(array.nbytes for array in (*_arrays(base), *_arrays(base.fences), *grid, *_arrays(base.grid.borders), *overlaid))

    def containing(self, lon_deg: Float64, lat_deg: Float64) -> tuple[Int64, Int64]:
        """Areas that positions are in, or on the border of.

        Parameters
        ----------
        lon_deg, lat_deg : (N,) float64
            WGS 84.

        Returns
        -------
        position, fence : (P,) int64
            All pairs, in no order: rows of the positions, and numbers of the fences.
        """
        rows, fences, _ = self._search(lon_deg, lat_deg, near=False)
        return rows, fences

    def near(self, lon_deg: Float64, lat_deg: Float64) -> tuple[Int64, Int64, Float64]:
        """Areas and lines that positions are in or within reach of, and a nanometre more of a line.

        Parameters
        ----------
        lon_deg, lat_deg : (N,) float64
            WGS 84.

        Returns
        -------
        position, fence : (P,) int64
            All pairs, in no order: rows of the positions, and numbers of the fences.
        distance_m : (P,) float64
            Signed distances; infinite deeper inside an area than it reaches.
        """
        return self._search(lon_deg, lat_deg, near=True)

    def signed_distance(self, lon_deg: Float64, lat_deg: Float64, fence: Int64) -> Float64:
        """Signed distances of positions, each from one fence.

        Parameters
        ----------
        lon_deg, lat_deg : (P,) float64
            WGS 84.
        fence : (P,) int64
            Numbers of fences.

        Returns
        -------
        (P,) float64
            Metres; NaN of what is nowhere, and from fences that are not there.
        """
        distance_m = np.full(len(fence), np.nan)
        somewhere = np.isfinite(lon_deg) & (np.abs(lat_deg) <= POLE_DEG)
        for here, fences, slot in self._stored(fence, somewhere):
            distance_m[here] = fences.pairs(lon_deg[here], lat_deg[here], slot).signed_distance()
        return distance_m

    def passes(self, before: tuple[Float64, Float64], after: tuple[Float64, Float64], fence: Int64) -> Bool:
        """Which movements touch or go through a border or line each, as `geofence.lines.passes`.

        Parameters
        ----------
        before, after : (P,) float64 and (P,) float64
            Longitudes and latitudes, WGS 84, of where each begins and ends.
        fence : (P,) int64
            Numbers of fences.

        Returns
        -------
        (P,) bool
            False of what begins or ends nowhere, and of fences that are not there.
        """
        met = np.zeros(len(fence), np.bool_)
        somewhere = np.isfinite(before[0]) & np.isfinite(after[0]) & (np.maximum(np.abs(before[1]), np.abs(after[1])) <= POLE_DEG)
        for here, fences, slot in self._stored(fence, somewhere):
            ends = fences.pairs(after[0][here], after[1][here], slot)
            met[here] = fences.pairs(before[0][here], before[1][here], slot).passes(ends.place)
        return met

    def _stored(self, fence: Int64, wanted: Bool) -> Iterator[tuple[Int64, Fences, Slots]]:
        """Rows of fences (P,) by number that are wanted and there, and where they are held: fences, and slots in them."""
        seen = self._seen
        slot = np.full(len(fence), -1, np.int64)
        known = (wanted & (fence >= 0) & (fence < len(seen.base.slot))).nonzero()[0]
        slot[known] = seen.base.slot.take(fence[known])
        if seen.has_deaths:
            slot[~_is_alive(seen, slot)] = -1
        here = (slot >= 0).nonzero()[0]
        yield here, seen.base.fences, slot[here]
        if seen.levels and len(rest := (wanted & (slot < 0)).nonzero()[0]):
            numbers, inverse = np.unique(fence[rest], return_inverse=True)
            slot = np.array([_slot_in_overlay(seen, number) for number in numbers.tolist()], np.int64)[inverse]
            yield rest[slot >= 0], overlay.fences(seen.arrays), slot[slot >= 0]

    def planar(self, number: int) -> tuple[Frame, Float64]:
        """Frame of a fence, and its vertices (V, 2) in metres there; rings are closed, with NaN between two.

        Raises
        ------
        KeyError
            Where there is no such fence.
        """
        with self._writing:
            slot = self._slot(number)
            fences = overlay.fences(self._overlay.arrays) if slot < 0 else self._seen.base.fences
        one = fences.fence[~slot if slot < 0 else slot]
        vertex = fences.vertex[one["start"] : one["start"] + one["edges"] + 1]
        return Frame.at(one["lon_deg"], one["lat_deg"]), np.stack((vertex.real, vertex.imag), axis=1)

    def add(self, outline: Outline) -> int:
        """Hold one more fence; its number, which no other had or will have.

        Raises
        ------
        OutlineError
            Where it is none; see `geofence.given`.
        """
        with self._writing:
            edition, number = self._seen.edition + 1, self._numbers
            self._overlay.add(number, outline, edition)
            self._numbers += 1
            self._publish(edition)
        return number

    def change(self, number: int, outline: Outline) -> None:
        """Let a fence be another; a query sees the one or the other.

        Raises
        ------
        KeyError
            Where there is no such fence.
        OutlineError
            Where the other is none; see `geofence.given`. The fence is then as it was.
        """
        with self._writing:
            edition, before = self._seen.edition + 1, self._slot(number)
            self._overlay.add(number, outline, edition)
            self._end(before, edition)
            self._publish(edition)

    def remove(self, number: int) -> None:
        """Hold a fence no longer.

        Raises
        ------
        KeyError
            Where there is no such fence.
        """
        with self._writing:
            edition = self._seen.edition + 1
            self._end(self._slot(number), edition)
            self._publish(edition)

    def compact(self) -> None:
        """Build what was changed into the index, which takes as long as building it; meanwhile others read, and write, as ever."""
        with self._compacting:
            with self._writing:
                seen, deaths = self._seen, len(self._deaths)
            base, arrays = seen.base, seen.arrays
            old = (_is_alive(seen, np.arange(len(base.number)))).nonzero()[0]
            new = ((arrays.born > 0) & (arrays.born <= seen.edition) & (arrays.died > seen.edition)).nonzero()[0]
            number = np.concatenate((base.number[old], arrays.number[new]))
            order = np.argsort(number)
            fences = _joined(base.fences, old, overlay.fences(arrays), new, order)
            made = _Base.of(fences, number[order], self._numbers)
            with self._writing:
                self._replay(seen, deaths, made)

    def _replay(self, since: _Edition, deaths: int, base: _Base) -> None:
        """Go on with another base, which is as that edition was, and what has happened since."""
        edition = self._seen.edition + 1
        before, self._overlay, killed = self._overlay, Overlay(), self._deaths[deaths:]
        self._deaths = []
        arrays = before.arrays
        size = len(before)
        gone = [int(since.base.number[slot]) for _, slot in killed]
        born, died = arrays.born[:size], arrays.died[:size]
        gone += arrays.number[:size][(born <= since.edition) & (died > since.edition) & (died < NEVER)].tolist()
        for number in gone:
            slot = int(base.slot[number])
            base.died[slot] = edition
            self._deaths.append((edition, slot))
        for slot in ((born > since.edition) & (died == NEVER)).nonzero()[0].tolist():
            one = arrays.fence[slot]
            vertex = arrays.vertex[one["start"] : one["start"] + one["edges"] + 1]
            self._overlay.insert(int(arrays.number[slot]), one.item(), vertex, edition)
        self._seen = self._seen._replace(base=base)
        self._publish(edition)

    def _publish(self, edition: int) -> None:
        made = self._overlay
        self._seen = _Edition(edition, self._seen.base, bool(self._deaths), made.arrays, made.levels, made.newest)

    def _slot(self, number: int) -> int:
        """Slot of a fence; of one in the overlay its complement."""
        version = self._overlay.newest.get(number)
        if version is not None and self._overlay.arrays.died[version.slot] == NEVER:
            return ~version.slot
        base = self._seen.base
        if version is None and 0 <= number < len(base.slot):
            slot = int(base.slot[number])
            if slot >= 0 and not base.died[slot]:
                return slot
        raise KeyError(f"fence {number} is not there")

    def _end(self, slot: int, edition: int) -> None:
        """Let what has that slot die with an edition."""
        if slot < 0:
            self._overlay.arrays.died[~slot] = edition
        else:
            self._seen.base.died[slot] = edition
            self._deaths.append((edition, slot))

    def _search(self, lon_deg: Float64, lat_deg: Float64, *, near: bool) -> tuple[Int64, Int64, Float64]:
        seen, lon_deg, lat_deg = self._seen, np.asarray(lon_deg, np.float64), np.asarray(lat_deg, np.float64)
        parts: list[tuple[Int64, Slots, Float64]] = [(_NO_ROWS, _NO_ROWS, _NO_METRES)]
        for first in range(0, len(lon_deg), _POSITIONS_AT_ONCE):
            some = slice(first, first + _POSITIONS_AT_ONCE)
            parts += [
                (row + first if first else row, number, metres)
                for row, number, metres in _search(seen, lon_deg[some], lat_deg[some], near=near)
            ]
        rows, numbers, distances = zip(*parts, strict=True)
        return np.concatenate(rows), np.concatenate(numbers, dtype=np.int64), np.concatenate(distances)


def _search(seen: _Edition, lon_deg: Float64, lat_deg: Float64, *, near: bool) -> Iterator[tuple[Int64, Slots, Float64]]:
    """Rows, numbers and, of those near, distances of pairs, part after part."""
    spots, base = Spots.of(lon_deg, lat_deg), seen.base
    for found in base.grid.find(spots):
        small = found.small_row, found.small_fence
        for row, slot, distance_m in (
            _of_large(base, found, lon_deg, lat_deg, near=near),
            _of_each(base.fences, *small, lon_deg, lat_deg, near=near),
        ):
            if not seen.has_deaths:
                yield row, base.called(slot), distance_m
                continue
            some = _is_alive(seen, slot).nonzero()[0]
            yield row.take(some), base.called(slot.take(some)), distance_m.take(some) if near else distance_m
    if seen.levels:
        fences = overlay.fences(seen.arrays)
        row, slot = overlay.find(seen.arrays, seen.levels, seen.edition, spots)
        some = fences.pairs(lon_deg.take(row), lat_deg.take(row), slot).within(reach=near)
        row, slot, distance_m = _of_each(fences, row.take(some), slot.take(some), lon_deg, lat_deg, near=near)
        yield row, seen.arrays.number.take(slot), distance_m


def _of_each(fences: Fences, row: Int64, slot: Slots, lon_deg: Float64, lat_deg: Float64, *, near: bool) -> tuple[Int64, Slots, Float64]:
    """Pairs that are so, and their distances, of those that may be; judged by all edges of the fence."""
    if not len(row):
        return row, slot, _NO_METRES
    pairs = fences.pairs(lon_deg.take(row), lat_deg.take(row), slot)
    if near:
        some, distance_m = _reached(pairs.fence, pairs.signed_distance())
    else:
        some, distance_m = pairs.is_inside().nonzero()[0], _NO_METRES
    return row.take(some), slot.take(some), distance_m


def _of_large(base: _Base, found: Found, lon_deg: Float64, lat_deg: Float64, *, near: bool) -> tuple[Int64, Int64, Float64]:
    """Pairs that are so, and their distances, of the large fences in the positions' cells; judged by the edges there."""
    distance_m = np.full(len(found.large_row), np.inf) if near else _NO_METRES
    if not len(found.border):
        return found.large_row, found.large_fence, distance_m
    is_inside, unsure = base.grid.borders.is_inside(found.border, found.place)
    if len(unsure):
        pair = found.border_pair.take(unsure)
        row = found.large_row.take(pair)
        is_inside[unsure] = base.fences.pairs(lon_deg.take(row), lat_deg.take(row), found.large_fence.take(pair)).is_inside()
    if near:
        row = found.large_row.take(found.border_pair)
        pairs = base.fences.pairs(lon_deg.take(row), lat_deg.take(row), found.large_fence.take(found.border_pair))
        runs, _ = base.grid.borders.runs(found.border)
        runs = Runs(edge=base.grid.borders.vertex.take(runs.edge), first=runs.first, count=runs.count)
        is_line = pairs.fence["is_line"]
        nearest, is_left = Seen.of(pairs.vertex, runs, pairs.place).nearest(with_side=bool(is_line.any()))
        kept, metres = _reached(pairs.fence, signed(nearest, is_inside if is_left is None else np.where(is_line, is_left, is_inside)))
        distance_m[found.border_pair] = np.nan
        distance_m[found.border_pair.take(kept)] = metres
        some = (~np.isnan(distance_m)).nonzero()[0]
        return found.large_row.take(some), found.large_fence.take(some), distance_m.take(some)
    is_so = np.ones(len(found.large_row), np.bool_)
    is_so[found.border_pair] = is_inside
    some = is_so.nonzero()[0]
    return found.large_row.take(some), found.large_fence.take(some), distance_m


def _reached(fence: Structured, distance_m: Float64) -> tuple[Int64, Float64]:
    """Which pairs (P,) are within reach, and the distances of those."""
    reach_m, is_line = fence["reach_m"], fence["is_line"]
    # What is exactly on a line is found, though its distance may be rounded.
    lowest_m = np.where(is_line, -TIE_M, 0.0) - reach_m
    kept = ((distance_m >= lowest_m) & ((distance_m <= -lowest_m) | ~is_line)).nonzero()[0]
    distance_m = distance_m.take(kept)
    distance_m[(distance_m > reach_m.take(kept)) & ~is_line.take(kept)] = np.inf
    return kept, distance_m


def _arrays(one: object) -> list[NDArray[Any]]:
    return [value for field in fields(one) if isinstance(value := getattr(one, field.name), np.ndarray)]  # type: ignore[arg-type]


def _is_alive(seen: _Edition, slot: Slots) -> Bool:
    """Which slots of the base hold a fence, in that edition."""
    died = seen.base.died.take(slot)
    alive: Bool = (died == 0) | (died > seen.edition)
    return alive


def _slot_in_overlay(seen: _Edition, number: int) -> int:
    """Slot of a fence in the overlay, in that edition; -1 where it is not."""
    version = seen.newest.get(number)
    while version is not None and version.born > seen.edition:
        version = version.earlier
    return version.slot if version is not None and seen.arrays.died[version.slot] > seen.edition else -1


def _joined(one: Fences, some: Int64, other: Fences, others: Int64, order: Int64) -> Fences:
    """Some fences of two, in an order."""
    fence = np.concatenate((one.fence.take(some), other.fence.take(others)))
    start, size = fence["start"].copy(), fence["edges"].astype(np.int64) + 1
    start[len(some) :] += len(one.vertex)
    fence, start, size = fence.take(order), start.take(order), size.take(order)
    vertex = np.concatenate((one.vertex, other.vertex)).take(Runs.of(start, size).edge)
    fence["start"] = np.cumsum(size) - size
    return Fences(fence=fence, vertex=vertex)
