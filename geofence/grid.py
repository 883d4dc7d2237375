"""Which fences may matter to a position: those of its cell.

A fence that lies in at most two by two cells is *small*: its cells name it, and of each cell 64 bits say which eighths by eighths of it any
small fence touches. Any other is *large*: cells deeper inside it than it reaches name it and need no geometry; those that its border comes
near also hold the edges that do, and whether their middle is inside. What is said of a middle holds for a position that no edge
parts from it (the grid method of Antonio 1992 in Graphics Gems III; with parity at the middle, Žalik and Kolingerová 2001,
doi:10.1080/136588101753136761).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from geofence.cells import BITS, EIGHTHS, PER_DEG, ROWS, Pages, Spots
from geofence.fences import Fences, Runs

Complex64 = NDArray[np.complex64]
Float64 = NDArray[np.float64]
Complex128 = NDArray[np.complex128]
Int8 = NDArray[np.int8]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
UInt64 = NDArray[np.uint64]
Structured = NDArray[np.void]
Bool = NDArray[np.bool_]

UNSURE = np.float32(2e-6)
"""Single precision does not decide the sign of a determinant of differences in a cell that is nearer to 0."""

# Cells; rounding is far less, and a fence's cells may well be one too many.
_MARGIN = 1e-6
_SMALL = 2
_STEP, _WIDEST = 3, 32
_CLIP = 0.01
_MIDDLE = np.complex64(0.5 + 0.5j)
# So near to an edge nothing is said of a middle.
_NEAR_MIDDLE = 1e-4
_EIGHTH = 1 << EIGHTHS
_FINE_BITS = 8
_FINE = 1 << _FINE_BITS
_FENCES_AT_ONCE, _LARGE_AT_ONCE = 1 << 13, 1 << 8
# By first and last eighth: bits of those columns in all rows, and of those rows in all columns.
_COLUMNS = np.array(
    [[sum(1 << x + 8 * y for y in range(8) for x in range(a, b + 1)) for b in range(8)] for a in range(8)], np.uint64
).ravel()
_ROWS = np.array([[sum(1 << x + 8 * y for y in range(a, b + 1) for x in range(8)) for b in range(8)] for a in range(8)], np.uint64).ravel()
_BORDER_SHIFT, _FENCE_BITS = 32, 31
_SMALL_MORE, _LARGE_MORE = 1 << _FENCE_BITS, np.iinfo(np.int64).min
_BORDER = 1 << _BORDER_SHIFT
_ONE = np.uint64(1)
_ENTRY = np.iinfo(np.int64).max
_FENCE = np.iinfo(np.int32).max
_NO_ROWS, _NO_FENCES = np.empty(0, np.int64), np.empty(0, np.int32)
# An edge that comes near a cell but not into it parts nothing in it.
_APART = np.array([9.0 + 9.0j, 9.0 + 10.0j])


CELL = np.dtype([("touched", "u8"), ("small", "i4"), ("large", "i4")])
"""Of a cell in use: a bit for each of its eighths by eighths that small fences touch, and where its first small and its first large fence
stand; 0, nowhere."""


class Found(NamedTuple):
    """What one level knows of positions.

    Attributes
    ----------
    large_row, large_fence : (L,) int64
        Positions in cells that a large fence is in.
    border_pair : (B,) int64
        Which of those pairs are in cells that the fence's border comes near; the others are deeper inside than the fence reaches.
    border : (B,) int64
        Where `Borders` holds the edges there.
    place : (B,) complex64
        Where in their cells the positions are, x + iy from 0 to 1.
    small_row, small_fence : (S,) int64, (S,) int32
        Positions where a small fence may be.
    """

    large_row: Int64
    large_fence: Int64
    border_pair: Int64
    border: Int64
    place: Complex64
    small_row: Int64
    small_fence: Int32


@dataclass(frozen=True, slots=True, kw_only=True)
class Borders:
    """Edges of large fences by cell.

    Attributes
    ----------
    start : (B + 1,) int64
        Twice the first edge of each, and the end, plus whether the cell's middle is inside.
    vertex : (E,) int32
        First vertex of each edge.
    line : (E, 2) complex64
        Ends of its part in the cell, x + iy in cells, so that the middle is not to its right.
    """

    start: Int64
    vertex: Int32
    line: Complex64

    def runs(self, border: Int64) -> tuple[Runs, Bool]:
        """Edges of these, run after run, as places in `vertex` and `line`; and whether the middles of their cells are inside."""
        begin = self.start.take(border)
        middle = (begin & 1).view(np.bool_)[::8]
        begin >>= 1
        end = self.start.take(border + 1)
        end >>= 1
        end -= begin
        return Runs.of(begin, end), middle

    def is_inside(self, border: Int64, place: Complex64) -> tuple[Bool, Int64]:
        """Which positions (N,) in cells, x + iy from 0 to 1, are inside, and those of which that is not certain."""
        runs, middle = self.runs(border)
        each = place.repeat(runs.count)
        a, b = self.line.take(2 * runs.edge), self.line.take(2 * runs.edge + 1)
        to_middle = np.conj(_MIDDLE - each)
        a -= each
        b -= each
        here = (np.conj(a) * b).imag
        # Below 0 where the way to the middle goes between the ends.
        between = (to_middle * a).imag
        between *= (to_middle * b).imag
        parted = np.bitwise_xor.reduceat(np.maximum(here, between) < 0.0, runs.first)
        unsure = np.minimum(np.abs(here), np.abs(between)) <= UNSURE
        parted ^= middle
        return parted, np.bitwise_or.reduceat(unsure, runs.first).nonzero()[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Cells of one size.

    Attributes
    ----------
    pages : Pages
        Numbers of cells in use.
    cell : (C,) CELL
        By number.
    small : (S,) int64
        From the second on, small fences, cell after cell: the number of the fence (31 bits), whether another follows (1), and of its box
        in the cell, in 256ths, the first and last column and the first and last row (8 each).
    large : (L,) int64
        From the second on, large fences, cell after cell: the number of the fence (32 bits), the place of its edges there in `Borders`, 0
        where there are none (31), and whether another follows (1).
    """

    pages: Pages
    cell: Structured
    small: Int64
    large: Int64

    def find(self, spots: Spots) -> Found:
        """What is known of positions (N,)."""
        row, number = self.pages.find(spots)
        cell = self.cell.take(number)
        large_row, large = self._find_large(row, cell["large"])
        pair = (large >= _BORDER).nonzero()[0]
        border, border_row = large.take(pair), large_row.take(pair)
        border >>= _BORDER_SHIFT
        large &= _BORDER - 1
        small_row, small_fence = self._find_small(row, cell, spots)
        shift = self.pages.shift
        return Found(
            large_row=large_row,
            large_fence=large,
            border_pair=pair,
            border=border,
            place=_within_cell(spots, border_row, shift),
            small_row=small_row,
            small_fence=small_fence,
        )

    def _find_large(self, row: Int64, first: Int32) -> tuple[Int64, Int64]:
        rows, entries = [_NO_ROWS], [_NO_ROWS]
        some = first.nonzero()[0]
        row, at = row.take(some), first.take(some).astype(np.int64)
        while len(row):
            entry = self.large.take(at)
            rows.append(row)
            entries.append(entry)
            more = (entry < 0).nonzero()[0]
            row, at = row.take(more), at.take(more)
            at += 1
        large = np.concatenate(entries)
        large &= _ENTRY
        return np.concatenate(rows), large

    def _find_small(self, row: Int64, cell: Structured, spots: Spots) -> tuple[Int64, Int32]:
        rows, fences = [_NO_ROWS], [_NO_FENCES]
        bit = spots.y.take(row)
        bit &= _EIGHTH - 1
        bit <<= EIGHTHS
        x = spots.x.take(row)
        x &= _EIGHTH - 1
        bit += x
        touched = cell["touched"] >> bit.astype(np.uint64)
        touched &= _ONE
        some = touched.nonzero()[0]
        row, at = row.take(some), cell["small"].take(some).astype(np.int64)
        x, y = _fine(spots.u, row), _fine(spots.v, row)
        while len(row):
            entry = self.small.take(at)
            box, fence = entry.view(np.uint8).reshape(-1, 8), entry.view(np.int32)[::2]
            hit = ((x >= box[:, 4]) & (x <= box[:, 5]) & (y >= box[:, 6]) & (y <= box[:, 7])).nonzero()[0]
            rows.append(row.take(hit))
            fences.append(fence.take(hit))
            more = (fence < 0).nonzero()[0]
            row, at, x, y = row.take(more), at.take(more), x.take(more), y.take(more)
            at += 1
        fence = np.concatenate(fences)
        fence &= _FENCE
        return np.concatenate(rows), fence


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """All levels that hold a fence."""

    levels: tuple[Level, ...]
    borders: Borders

    @classmethod
    def of(cls, fences: Fences) -> Self:
        """Grid of these."""
        shift = np.empty(len(fences), np.int8)
        small = [_NO_ENTRIES]
        for begin in range(0, len(fences), _FENCES_AT_ONCE):
            extent = _Extent.of(fences.fence[begin : begin + _FENCES_AT_ONCE])
            part = shift[begin : begin + len(extent)]
            part[:] = extent.shifts()
            small.append(_small_entries(extent, (part < 0).nonzero()[0], begin))
        builder = _BorderBuilder()
        large: dict[int, list[_Entries]] = {}
        for level in np.unique(shift[shift >= 0]).tolist():
            rows = (shift == level).nonzero()[0]
            for begin in range(0, len(rows), _LARGE_AT_ONCE):
                some = rows[begin : begin + _LARGE_AT_ONCE]
                large.setdefault(level, []).append(builder.entries(fences, some, level))
        levels = sorted(large.keys() | ({0} if any(len(one) for one in small) else set()))
        return cls(
            levels=tuple(_level(level, [] if level else small, large.get(level, [])) for level in levels),
            borders=builder.borders(),
        )

    def find(self, spots: Spots) -> Iterator[Found]:
        """What each level knows of positions (N,)."""
        return (level.find(spots) for level in self.levels)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Extent:
    """Where fences are, in cells of level 0, with what they reach: (M,) float64 each; and cells of a metre."""

    west: Float64
    east: Float64
    south: Float64
    north: Float64
    per_m_east: Float64
    per_m_north: Float64
    u: Float64
    v: Float64

    def __len__(self) -> int:
        return len(self.u)

    @classmethod
    def of(cls, fence: Structured) -> Self:
        per_deg = PER_DEG / _EIGHTH
        per_m_east, per_m_north = per_deg / fence["east_m_per_deg"], per_deg / fence["north_m_per_deg"]
        u = np.mod(fence["lon_deg"] + 180.0, 360.0) * per_deg
        v = (fence["lat_deg"] + 90.0) * per_deg
        east, north = (fence["half_east_m"] + fence["reach_m"]) * per_m_east, (fence["half_north_m"] + fence["reach_m"]) * per_m_north
        east += _MARGIN
        north += _MARGIN
        return cls(
            west=u - east,
            east=u + east,
            south=np.maximum(v - north, 0.0),
            north=np.minimum(v + north, ROWS - 0.5),
            per_m_east=per_m_east,
            per_m_north=per_m_north,
            u=u,
            v=v,
        )

    def shifts(self) -> Int64:
        """Level (M,) of each fence; -1 of small ones."""
        across = np.floor(self.east) - np.floor(self.west)
        along = np.floor(self.north) - np.floor(self.south)
        shift = np.where((across < _SMALL) & (along < _SMALL), -1, 0)
        large = (shift == 0).nonzero()[0]
        widest = np.maximum(self.east - self.west, self.north - self.south)[large]
        while (too_wide := widest > _WIDEST * 2.0 ** shift[large]).any():
            shift[large[too_wide]] += _STEP
        return shift


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entries:
    """Fences in cells of one level: x + 2**20 y of the cell, and what `Level.small` or `Level.large` holds, but for what follows."""

    cell: Int64
    entry: Int64

    def __len__(self) -> int:
        return len(self.cell)


_NO_ENTRIES = _Entries(cell=np.empty(0, np.int64), entry=np.empty(0, np.int64))


def _small_entries(extent: _Extent, rows: Int64, first: int) -> _Entries:
    """Cells of small fences, given as rows (N,) of the extent, which begins with that fence: one, two or four each."""
    west, east, south, north = (
        np.floor(side.take(rows) * _FINE).astype(np.int64) for side in (extent.west, extent.east, extent.south, extent.north)
    )
    fence = rows + first
    cells, entries = [], []
    for y, y_box, in_y in _halves(south, north):
        for x, x_box, in_x in _halves(west, east):
            box = (y_box << 2 * _FINE_BITS) + x_box
            box <<= _BORDER_SHIFT
            box += fence
            some = (in_x & in_y).nonzero()[0]
            cells.append(((y << BITS) + (x & ((1 << BITS) - 1))).take(some))
            entries.append(box.take(some))
    return _Entries(cell=np.concatenate(cells), entry=np.concatenate(entries))


def _halves(first: Int64, last: Int64) -> tuple[tuple[Int64, Int64, Bool], ...]:
    """Of extents, in 256ths of cells: the cell that they begin in and the next; where they end and begin in each, and whether they do."""
    cell, inner = first >> _FINE_BITS, _FINE - 1
    beyond = (last >> _FINE_BITS) > cell
    end = last & inner
    one = (np.where(beyond, inner, end) << _FINE_BITS) + (first & inner)
    return (cell, one, np.ones(len(cell), np.bool_)), (cell + 1, end << _FINE_BITS, beyond)


class _BorderBuilder:
    """Borders, part by part."""

    def __init__(self) -> None:
        # Number 0 stands for none.
        self._counts: list[Int64] = [np.zeros(1, np.int64)]
        self._middles: list[Bool] = [np.zeros(1, np.bool_)]
        self._vertices: list[Int32] = [np.empty(0, np.int32)]
        self._lines: list[Complex64] = [np.empty(0, np.complex64)]
        self._size = 1

    def borders(self) -> Borders:
        start = np.concatenate(([0], np.cumsum(np.concatenate(self._counts)))) << 1
        start[:-1] += np.concatenate(self._middles)
        return Borders(
            start=start,
            vertex=np.concatenate(self._vertices),
            line=np.concatenate(self._lines),
        )

    def entries(self, fences: Fences, rows: Int64, shift: int) -> _Entries:
        """Cells of large fences (N,) of one level."""
        fence = fences.fence.take(rows)
        extent = _Extent.of(fence)
        boxes = _Boxes.of(extent, shift)
        edges = _Edges.of(fences.vertex, fence, extent, boxes)
        row, edge = edges.by_row(boxes)
        inside = _middles(edges, edge, row, boxes, fence["is_line"])
        edge, row, column = edges.by_cell(edge, row, boxes)
        place = boxes.place(edges.fence[edge], column, row)
        count = np.bincount(place, minlength=boxes.size)
        order = _order(place)
        edge, row, column = edge[order], row[order], column[order]
        pieces = edges.pieces(edge, row, column)
        # Nothing is inside a line.
        pieces[fence["is_line"][edges.fence[edge]]] = _APART
        pieces[_passes_middle(pieces).nonzero()[0]] = 0.0
        at_border = count.nonzero()[0]
        self._counts.append(count[at_border])
        self._middles.append(inside[at_border])
        self._vertices.append(edges.vertex[edge].astype(np.int32))
        self._lines.append(pieces.astype(np.complex64).ravel())
        entry = np.zeros(boxes.size, np.int64)
        entry[at_border] = np.arange(self._size, self._size + len(at_border)) << _BORDER_SHIFT
        self._size += len(at_border)
        used = (inside | (count > 0)).nonzero()[0]
        owner, cell = boxes.cells(used)
        return _Entries(cell=cell, entry=entry[used] + rows[owner])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Boxes:
    """Boxes of cells around some large fences (N,), all their cells in one row: box after box, from the south and from the west."""

    shift: int
    x: Int64
    y: Int64
    width: Int64
    height: Int64
    base: Int64

    @classmethod
    def of(cls, extent: _Extent, shift: int) -> Self:
        scale = 2.0**-shift
        sides = extent.west, extent.east, extent.south, extent.north
        west, east, south, north = (np.floor(side * scale).astype(np.int64) for side in sides)
        width, height = east - west + 1, north - south + 1
        return cls(shift=shift, x=west, y=south, width=width, height=height, base=np.cumsum(width * height) - width * height)

    @property
    def size(self) -> int:
        return int(self.base[-1] + self.width[-1] * self.height[-1])

    def place(self, box: Int64, column: Int64, row: Int64) -> Int64:
        """Where in the row of all cells these are."""
        return self.base[box] + row * self.width[box] + column

    def cells(self, place: Int64) -> tuple[Int64, Int64]:
        """Boxes and cells, x + 2**20 y, of places."""
        box = np.searchsorted(self.base, place, side="right") - 1
        within = place - self.base[box]
        x, y = self.x[box] + within % self.width[box], self.y[box] + within // self.width[box]
        return box, (x & ((1 << BITS - self.shift) - 1)) + (y << BITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edges:
    """Edges of some large fences, in cells from the corner of their fence's box; (E,) each."""

    fence: Int64
    vertex: Int64
    ax: Float64
    ay: Float64
    bx: Float64
    by: Float64
    pad_x: Float64
    pad_y: Float64

    @classmethod
    def of(cls, vertex: Complex128, fence: Structured, extent: _Extent, boxes: _Boxes) -> Self:
        runs = Runs.of(fence["start"], fence["edges"].astype(np.int64))
        owner = np.repeat(np.arange(len(fence)), runs.count)
        a, b = vertex.take(runs.edge), vertex.take(runs.edge + 1)
        real = (~(np.isnan(a.real) | np.isnan(b.real))).nonzero()[0]
        a, b, owner = a[real], b[real], owner[real]
        scale = 2.0**-boxes.shift
        per_east, per_north = (extent.per_m_east * scale)[owner], (extent.per_m_north * scale)[owner]
        u, v = (extent.u * scale - boxes.x)[owner], (extent.v * scale - boxes.y)[owner]
        reach_m = fence["reach_m"][owner]
        return cls(
            fence=owner,
            vertex=runs.edge.astype(np.int64)[real],
            ax=u + a.real * per_east,
            ay=v + a.imag * per_north,
            bx=u + b.real * per_east,
            by=v + b.imag * per_north,
            pad_x=reach_m * per_east + _MARGIN / 2.0,
            pad_y=reach_m * per_north + _MARGIN / 2.0,
        )

    def by_row(self, boxes: _Boxes) -> tuple[Int64, Int64]:
        """Rows of cells that edges come near, and which edge each is of: (R,) each."""
        low, high = np.minimum(self.ay, self.by) - self.pad_y, np.maximum(self.ay, self.by) + self.pad_y
        return _range(low, high, boxes.height[self.fence])

    def by_cell(self, edge: Int64, row: Int64, boxes: _Boxes) -> tuple[Int64, Int64, Int64]:
        """Edges, rows and columns of cells that edges come near: (C,) each."""
        ax, dx, ay, dy = self.ax[edge], (self.bx - self.ax)[edge], self.ay[edge], (self.by - self.ay)[edge]
        pad_x, pad_y = self.pad_x[edge], self.pad_y[edge]
        level = dy == 0.0
        dy[level] = 1.0
        begin, end = (row - pad_y - ay) / dy, (row + 1.0 + pad_y - ay) / dy
        low, high = np.clip(np.minimum(begin, end), 0.0, 1.0), np.clip(np.maximum(begin, end), 0.0, 1.0)
        low[level], high[level] = 0.0, 1.0
        one, other = ax + low * dx, ax + high * dx
        column, which = _range(np.minimum(one, other) - pad_x, np.maximum(one, other) + pad_x, boxes.width[self.fence[edge]])
        return edge[which], row[which], column

    def pieces(self, edge: Int64, row: Int64, column: Int64) -> Complex128:
        """Ends (C, 2) of the parts of edges in cells (Liang and Barsky 1984), x + iy in cells, with the middle to their left."""
        ax, ay, bx, by = self.ax[edge] - column, self.ay[edge] - row, self.bx[edge] - column, self.by[edge] - row
        dx, dy = bx - ax, by - ay
        low, high = np.zeros(len(edge)), np.ones(len(edge))
        apart = np.zeros(len(edge), np.bool_)
        for at, along in ((ax, dx), (ay, dy)):
            still = along == 0.0
            apart |= still & ((at < -_CLIP) | (at > 1.0 + _CLIP))
            step = np.where(still, 1.0, along)
            one, other = (-_CLIP - at) / step, (1.0 + _CLIP - at) / step
            np.maximum(low, np.where(still, 0.0, np.minimum(one, other)), out=low)
            np.minimum(high, np.where(still, 1.0, np.maximum(one, other)), out=high)
        apart |= low > high
        start, end = np.empty(len(edge), np.complex128), np.empty(len(edge), np.complex128)
        start.real, start.imag = np.where(low > 0.0, ax + low * dx, ax), np.where(low > 0.0, ay + low * dy, ay)
        end.real, end.imag = np.where(high < 1.0, ax + high * dx, bx), np.where(high < 1.0, ay + high * dy, by)
        pieces = np.stack((start, end), axis=1)
        pieces = np.where((_from_middle(pieces) < 0.0)[:, None], pieces[:, ::-1], pieces)
        pieces[apart] = _APART
        return pieces


def _range(low: Float64, high: Float64, limit: Int64) -> tuple[Int64, Int64]:
    """Whole numbers from 0 to below a limit that extents (N,) touch, and which extent each is of."""
    first = np.maximum(np.floor(low), 0.0).astype(np.int64)
    runs = Runs.of(first, np.minimum(np.floor(high).astype(np.int64), limit - 1) - first + 1)
    return runs.edge.astype(np.int64), np.repeat(np.arange(len(first)), runs.count)


def _middles(edges: _Edges, edge: Int64, row: Int64, boxes: _Boxes, is_line: Bool) -> Bool:
    """Whether the middles of all boxes' cells are inside, by edges and the rows they come near: from the west, each edge changes it."""
    middle = row + 0.5
    some = (((edges.ay[edge] > middle) != (edges.by[edge] > middle)) & ~is_line[edges.fence[edge]]).nonzero()[0]
    edge, middle, row = edge[some], middle[some], row[some]
    ax, ay, bx, by = edges.ax[edge], edges.ay[edge], edges.bx[edge], edges.by[edge]
    x = np.clip(ax + (middle - ay) / (by - ay) * (bx - ax), np.minimum(ax, bx), np.maximum(ax, bx))
    # What changes beyond the last column changes at the beginning of the next row: it does so an even number of times.
    place = boxes.place(edges.fence[edge], np.ceil(x - 0.5).astype(np.int64), row)
    changes = np.zeros(boxes.size + 1, np.bool_)
    np.bitwise_xor.at(changes, place, np.True_)
    return np.bitwise_xor.accumulate(changes)[:-1]


def _from_middle(pieces: Complex128) -> Float64:
    """Determinants of edges (E, 2) as seen from the middle of the cell, above 0 where that is to their left."""
    a, b = pieces[:, 0] - _MIDDLE, pieces[:, 1] - _MIDDLE
    return (np.conj(a) * b).imag


def _passes_middle(pieces: Complex128) -> Bool:
    """Which edges (E, 2) may pass too near to the middle of the cell to say on which side of them it is."""
    along = pieces[:, 1] - pieces[:, 0]
    near: Bool = np.abs(_from_middle(pieces)) <= _NEAR_MIDDLE * (np.abs(along.real) + np.abs(along.imag))
    return near


def _level(shift: int, small: Sequence[_Entries], large: Sequence[_Entries]) -> Level:
    """Level of all its entries."""
    pages = Pages.of(shift, np.concatenate([part.cell for part in (*small, *large)]))
    cell = np.zeros(pages.size, CELL)
    entries = {}
    for name, parts in (("small", small), ("large", large)):
        key = np.concatenate([_NO_ROWS, *(pages.numbers(part.cell) for part in parts)])
        entry = np.concatenate([_NO_ROWS, *(part.entry for part in parts)])
        first, more, number, entry = _linked(key, entry)
        entry[more] |= _SMALL_MORE if name == "small" else _LARGE_MORE
        # Place 0 says that there is none.
        entries[name] = np.concatenate(([0], entry))
        cell[name][number] = first + 1
        if name == "small":
            cell["touched"][number] = _touched(entry, first)
    return Level(pages=pages, cell=cell, small=entries["small"], large=entries["large"])


def _linked(group: Int64, entry: Int64) -> tuple[Int64, Int64, Int64, Int64]:
    """The first of each group (G,), all that have another of theirs after them, the groups (G,), and the entries (N,) by group."""
    order = _order(group)
    group, entry = group.take(order), entry.take(order)
    same = group[1:] == group[:-1]
    first = (np.concatenate((np.ones(min(len(group), 1), np.bool_), ~same))).nonzero()[0]
    return first, same.nonzero()[0], group.take(first), entry


def _touched(entry: Int64, first: Int64) -> UInt64:
    """Eighths by eighths of cells that the boxes of their small fences touch."""
    touched = np.empty(len(entry), np.uint64)
    for begin in range(0, len(entry), _FENCES_AT_ONCE):
        box = entry[begin : begin + _FENCES_AT_ONCE].view(np.uint8).reshape(-1, _EIGHTH)[:, 4:].astype(np.int64)
        box >>= _FINE_BITS - EIGHTHS
        some = touched[begin : begin + len(box)]
        np.bitwise_and(_COLUMNS.take((box[:, 0] << EIGHTHS) + box[:, 1]), _ROWS.take((box[:, 2] << EIGHTHS) + box[:, 3]), out=some)
    return np.bitwise_or.reduceat(touched, first) if len(first) else touched


def _order(group: Int64) -> Int64:
    """Members (N,) by group, else as they came: numpy sorts numbers far faster than it finds the order of them."""
    key = group.astype(np.int64) << _BORDER_SHIFT
    key += np.arange(len(group))
    key.sort()
    key &= _BORDER - 1
    return key


def _fine(across: Float64, row: Int64) -> Int32:
    """Which 256th of their cells positions are in."""
    fine = (across.take(row) * (_FINE >> EIGHTHS)).astype(np.int32)
    fine &= _FINE - 1
    return fine


def _within_cell(spots: Spots, row: Int64, shift: int) -> Complex64:
    """How far across their cells positions are, x + iy from 0 to 1."""
    place = np.empty(len(row), np.complex64)
    for across, part in ((spots.u, place.real), (spots.v, place.imag)):
        within = across.take(row)
        within *= 2.0 ** -(shift + EIGHTHS)
        np.subtract(within, np.floor(within), out=part, casting="same_kind")
    return place
