"""Changes to an index since it was built: few fences, found by a hash of cells, and written in place while others read.

Every fence is born with one edition of the index and may die with another. Who reads keeps to one edition, and sees nothing of what is
written meanwhile: what is written is never overwritten, and arrays that are full are left to those who hold them (multiversion concurrency
control, Bernstein and Goodman 1983, doi:10.1145/319996.319998). The hash is that of a hierarchical grid: a fence stands in at most two by
two cells of the level that fits it.
"""

from collections.abc import Sequence
from itertools import chain
from math import floor, isnan
from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from geofence.cells import BITS, EIGHTHS, PER_DEG, ROWS, Spots
from geofence.fences import FENCE, SLACK, SLACK_M, Fences
from geofence.frames import metres_per_degree_at
from geofence.given import AROUND_DEG, LARGEST_LAT_DEG, WIDEST_DEG, Outline, OutlineError

Complex128 = NDArray[np.complex128]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
Structured = NDArray[np.void]

_CELLS_PER_DEG = PER_DEG / (1 << EIGHTHS)
_PARTED = complex("nan+nanj")
_HASH_BITS = 16
_X, _Y, _LEVEL = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
_HASH_SHIFT = 15
_LEVEL_SHIFT = 2 * BITS
_MARGIN = 1e-5
_FIRST = 1024
_Cell = TypeVar("_Cell", int, Int64)
_Item = TypeVar("_Item", bound=np.generic)
NEVER = np.iinfo(np.int64).max


class Arrays(NamedTuple):
    """What an overlay holds; slots (S,) of fences, vertices, and entries (E,) in chains.

    Attributes
    ----------
    fence : (S,) FENCE
        See there.
    vertex : (V,) complex128
        See `Fences`.
    number : (S,) int64
        What the fence is called outside.
    born, died : (S,) int64
        Editions of the index.
    head : (2**16,) int32
        By hash of a cell: the first entry, or 0.
    after : (E,) int32
        The entry after each, or 0.
    cell : (E,) int64
        Level, row and column of its cell.
    slot : (E,) int32
        Its fence.
    """

    fence: Structured
    vertex: Complex128
    number: Int64
    born: Int64
    died: Int64
    head: Int32
    after: Int32
    cell: Int64
    slot: Int32


class Version(NamedTuple):
    """Slot of a fence, the edition that it was born with, and what was there before in the same overlay."""

    slot: int
    born: int
    earlier: "Version | None"


class Overlay:
    """Fences that were added, written one at a time by one thread."""

    def __init__(self) -> None:
        self.arrays = Arrays(
            fence=np.zeros(_FIRST, FENCE),
            vertex=np.zeros(8 * _FIRST, np.complex128),
            number=np.zeros(_FIRST, np.int64),
            born=np.zeros(_FIRST, np.int64),
            died=np.zeros(_FIRST, np.int64),
            head=np.zeros(1 << _HASH_BITS, np.int32),
            after=np.zeros(4 * _FIRST, np.int32),
            cell=np.zeros(4 * _FIRST, np.int64),
            slot=np.zeros(4 * _FIRST, np.int32),
        )
        self.levels: tuple[int, ...] = ()
        self.newest: Final[dict[int, Version]] = {}
        self._slots, self._vertices, self._entries = 0, 0, 1

    def __len__(self) -> int:
        return self._slots

    def add(self, number: int, outline: Outline, edition: int) -> None:
        """Hold one more fence, born with that edition.

        Raises
        ------
        OutlineError
            As `geofence.given.check_rings`, `check_extent` and `check_reach`.
        """
        fence, vertex = planar(outline, number)
        self.insert(number, fence, vertex, edition)

    def insert(self, number: int, fence: tuple[float | bool, ...], vertex: Sequence[complex] | Complex128, edition: int) -> None:
        """Hold one more fence, as `planar` gives it, born with that edition."""
        lon_deg, lat_deg, east, north, reach_m, _, edges, half_east_m, half_north_m, _ = fence
        cells = _cells(lon_deg, lat_deg, (half_east_m + reach_m) / east, (half_north_m + reach_m) / north)
        slot, start, entry = self._slots, self._vertices, self._entries
        arrays = self._with_room(len(vertex), len(cells))
        arrays.fence[slot] = (lon_deg, lat_deg, east, north, reach_m, start, edges, half_east_m, half_north_m, fence[-1])
        arrays.vertex[start : start + len(vertex)] = vertex
        arrays.number[slot], arrays.born[slot], arrays.died[slot] = number, edition, NEVER
        for hashed, cell in cells:
            arrays.after[entry], arrays.cell[entry], arrays.slot[entry] = arrays.head[hashed], cell, slot
            arrays.head[hashed] = entry
            entry += 1
        level = cells[0][1] >> _LEVEL_SHIFT
        if level not in self.levels:
            self.levels = (*self.levels, level)
        self.newest[number] = Version(slot, edition, self.newest.get(number))
        self._slots, self._vertices, self._entries = slot + 1, start + len(vertex), entry

    def _with_room(self, vertices: int, entries: int) -> Arrays:
        """Arrays with room for one more fence: those that are there, or larger copies."""
        arrays = self.arrays
        fences, vertices, entries = self._slots + 1, self._vertices + vertices, self._entries + entries
        if fences <= len(arrays.fence) and vertices <= len(arrays.vertex) and entries <= len(arrays.after):
            return arrays
        # Chains are written to from now on: who reads the old ones must not come to entries that they have no room for.
        self.arrays = Arrays(
            fence=_grown(arrays.fence, fences),
            vertex=_grown(arrays.vertex, vertices),
            number=_grown(arrays.number, fences),
            born=_grown(arrays.born, fences),
            died=_grown(arrays.died, fences),
            head=arrays.head.copy(),
            after=_grown(arrays.after, entries),
            cell=_grown(arrays.cell, entries),
            slot=_grown(arrays.slot, entries),
        )
        return self.arrays


def find(arrays: Arrays, levels: Sequence[int], edition: int, spots: Spots) -> tuple[Int64, Int32]:
    """Positions (P,) and slots (P,) of fences of one edition that may be near."""
    rows, slots = [np.empty(0, np.int64)], [np.empty(0, np.int32)]
    for level in levels:
        x, y = spots.x >> level + EIGHTHS, spots.y >> level + EIGHTHS
        at = arrays.head.take(_hashed(x.astype(np.int64), y.astype(np.int64), level))
        row = at.nonzero()[0]
        at = at.take(row)
        cell = (y.take(row).astype(np.int64) << BITS) + x.take(row) + (level << _LEVEL_SHIFT)
        while len(row):
            slot = arrays.slot.take(at)
            some = ((arrays.cell.take(at) == cell) & (arrays.born.take(slot) <= edition) & (arrays.died.take(slot) > edition)).nonzero()[0]
            rows.append(row.take(some))
            slots.append(slot.take(some))
            at = arrays.after.take(at)
            more = at.nonzero()[0]
            row, at, cell = row.take(more), at.take(more), cell.take(more)
    return np.concatenate(rows), np.concatenate(slots)


def fences(arrays: Arrays) -> Fences:
    """The same arrays as fences."""
    return Fences(fence=arrays.fence, vertex=arrays.vertex)


def planar(outline: Outline, number: int) -> tuple[tuple[float | bool, ...], list[complex]]:
    """One fence as `Fences.of` makes many: FENCE, but for where its vertices begin, and these.

    Raises
    ------
    OutlineError
        As `geofence.given.check_rings`, `check_extent` and `check_reach`.
    """
    rings, is_line = outline.rings, outline.is_line
    if not rings or (is_line and len(rings) > 1):
        raise OutlineError(f"fence {number} has {len(rings)} rings, wanted one or more, one of a line")
    if min(len(ring) for ring in rings) < (2 if is_line else 3):
        raise OutlineError(f"fence {number} has a ring of too few vertices, wanted 3, or 2 of a line")
    if not 0.0 <= outline.reach_m < float("inf"):
        raise OutlineError(f"fence {number} has a reach that is no distance")
    lon_deg, lat_deg = zip(*(rings[0] if len(rings) == 1 else chain.from_iterable(rings)), strict=True)
    west, east, south, north = min(lon_deg), max(lon_deg), min(lat_deg), max(lat_deg)
    # Of numbers with one that is none, the least may be any: the sum is none.
    if not (south >= -LARGEST_LAT_DEG and north <= LARGEST_LAT_DEG) or isnan(sum(lat_deg)):
        raise OutlineError(f"fence {number} reaches a latitude beyond 89 degrees, or one that is none")
    if not east - west < WIDEST_DEG or isnan(sum(lon_deg)):
        raise OutlineError(f"fence {number} spans 180 degrees of longitude or more: split it, or go on beyond 180")
    middle_lon, middle_lat = (west + east) / 2.0, (south + north) / 2.0
    per_east, per_north = metres_per_degree_at(middle_lat)
    if not east - west + 2.0 * outline.reach_m / per_east < AROUND_DEG:
        raise OutlineError(f"fence {number} reaches round the earth")
    vertex: list[complex] = []
    for ring in rings:
        if vertex:
            vertex.append(_PARTED)
        vertex += [complex((lon - middle_lon) * per_east, (lat - middle_lat) * per_north) for lon, lat in ring]
        if not is_line and ring[0] != ring[-1]:
            vertex.append(vertex[-len(ring)])
    half_east_m = (east - west) / 2.0 * per_east * (1.0 + SLACK) + SLACK_M
    half_north_m = (north - south) / 2.0 * per_north * (1.0 + SLACK) + SLACK_M
    return (
        (middle_lon, middle_lat, per_east, per_north, outline.reach_m, 0, len(vertex) - 1, half_east_m, half_north_m, is_line),
        vertex,
    )


def _cells(lon_deg: float, lat_deg: float, half_lon_deg: float, half_lat_deg: float) -> list[tuple[int, int]]:
    """Hashes and cells, of the level that fits it, that a box of degrees is in."""
    u, v = (lon_deg + 180.0) * _CELLS_PER_DEG, (lat_deg + 90.0) * _CELLS_PER_DEG
    half_u, half_v = half_lon_deg * _CELLS_PER_DEG + _MARGIN, half_lat_deg * _CELLS_PER_DEG + _MARGIN
    level = int(2.0 * max(half_u, half_v)).bit_length()
    x0, x1 = floor(u - half_u) >> level, floor(u + half_u) >> level
    y0, y1 = max(floor(v - half_v), 0) >> level, min(floor(v + half_v), ROWS - 1) >> level
    columns = (1 << BITS - level) - 1 if level < BITS else 0
    above = level << _LEVEL_SHIFT
    if x0 == x1 and y0 == y1:
        x0 &= columns
        return [(_hashed(x0, y0, level), (y0 << BITS) + x0 + above)]
    return [(_hashed(x, y, level), (y << BITS) + x + above) for y in {y0, y1} for x in {x0 & columns, x1 & columns}]


def _hashed(x: _Cell, y: _Cell, level: int) -> _Cell:
    """Places in `head` of cells."""
    return (x * _X + y * _Y + level * _LEVEL >> _HASH_SHIFT) & (1 << _HASH_BITS) - 1


def _grown(array: NDArray[_Item], needed: int) -> NDArray[_Item]:
    if needed <= len(array):
        return array
    larger = np.zeros(max(2 * len(array), needed), array.dtype)
    larger[: len(array)] = array
    return larger
