"""Which fences may matter to a position: those of its cell.

A fence that lies in at most two by two cells is *small*: its cells name it, and of each cell 64 bits say which eighths by eighths of it any
small fence touches. Any other is *large*: cells deeper inside it than it reaches name it and need no geometry; those that its border comes
near also hold the edges that do, and whether their middle is inside. What is said of a middle holds for a position that no edge
parts from it (the grid method of Antonio 1992 in Graphics Gems III; with parity at the middle, Žalik and Kolingerová 2001,
doi:10.1080/136588101753136761).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from geofence.cells import BITS, PER_DEG, ROWS, SOUTH, WEST, Pages
from geofence.fences import EAST, LAT, LON, NORTH, Fences, Runs

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int8 = NDArray[np.int8]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
UInt64 = NDArray[np.uint64]
Bool = NDArray[np.bool_]

OUT, IN, UNKNOWN = 0, 1, 2
"""Where the middle of a cell is; unknown where it is too near to an edge."""
UNSURE = np.float32(2e-6)
"""Single precision does not decide the sign of a determinant of differences in a cell that is nearer to 0."""

# Cells; rounding is far less, and a fence's cells may well be one too many.
_MARGIN = 1e-6
_SMALL = 2
_STEP, _WIDEST = 3, 32
_CLIP = 0.01
_HALF = np.float32(0.5)
_MIDDLE = 1e-4
_EIGHTH = 8
_DENSE_AT_ONCE = 1 << 18
_EVERYTHING = ~np.uint64(0)
# By first and last eighth: bits of those columns in all rows, and of those rows in all columns.
_COLUMNS = np.array([[sum(1 << x + 8 * y for y in range(8) for x in range(a, b + 1)) for b in range(8)] for a in range(8)], np.uint64).ravel()
_ROWS = np.array([[sum(1 << x + 8 * y for y in range(a, b + 1) for x in range(8)) for b in range(8)] for a in range(8)], np.uint64).ravel()
# An edge that comes near a cell but not into it parts nothing in it.
_APART = np.array([9.0, 9.0, 9.0, 10.0], np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one level knows of positions.

    Attributes
    ----------
    sure_row, sure_fence : (S,) int64, (S,) int32
        Positions deeper inside an area than it reaches.
    border_row, border_fence, border : (B,) int64, (B,) int32, (B,) int32
        Positions in cells that a large fence's border comes near, and where `Borders` holds its edges there.
    x, y : (B,) float32
        Where in the cell they are, 0 to 1.
    small_row, small_fence : (C,) int64, (C,) int32
        Positions where a small fence may be.
    """

    sure_row: Int64
    sure_fence: Int32
    border_row: Int64
    border_fence: Int32
    border: Int32
    x: Float32
    y: Float32
    small_row: Int64
    small_fence: Int32


@dataclass(frozen=True, slots=True, kw_only=True)
class Borders:
    """Edges of large fences by cell.

    Attributes
    ----------
    start : (B + 1,) int64
        First edge of each, and the end.
    middle : (B,) int8
        Whether the cell's middle is inside: `OUT`, `IN` or `UNKNOWN`.
    vertex : (E,) int32
        First vertex of each edge.
    line : (E, 4) float32
        Ends of its part in the cell: x, y, x, y, in cells.
    """

    start: Int64
    middle: Int8
    vertex: Int32
    line: Float32

    def runs(self, border: Int32) -> Runs:
        """Edges of these, run after run, as places in `vertex` and `line`."""
        begin = self.start.take(border)
        return Runs.of(begin, self.start.take(border + 1) - begin)

    def is_inside(self, border: Int32, x: Float32, y: Float32) -> tuple[Bool, Bool]:
        """Which positions in cells (N,) are inside, and of which that is not certain."""
        runs = self.runs(border)
        line = self.line.take(runs.edge, axis=0)
        ax, ay, bx, by = line[:, 0], line[:, 1], line[:, 2], line[:, 3]
        there = (ax - _HALF) * (by - _HALF) - (ay - _HALF) * (bx - _HALF)
        px, py = np.repeat(x, runs.count), np.repeat(y, runs.count)
        ax, ay, bx, by = ax - px, ay - py, bx - px, by - py
        here = ax * by - ay * bx
        np.subtract(_HALF, px, out=px)
        np.subtract(_HALF, py, out=py)
        from_a, from_b = px * ay - py * ax, px * by - py * bx
        parted, between = (here > 0.0) != (there > 0.0), (from_a > 0.0) != (from_b > 0.0)
        unsure_parted = np.minimum(np.abs(here), np.abs(there)) <= UNSURE
        unsure_between = np.minimum(np.abs(from_a), np.abs(from_b)) <= UNSURE
        doubtful = (unsure_parted & (between | unsure_between)) | (unsure_between & parted)
        inside = np.bitwise_xor.reduceat(parted & between, runs.first)
        middle = self.middle.take(border)
        return inside ^ (middle == IN), np.bitwise_or.reduceat(doubtful, runs.first) | (middle == UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Cells of one size.

    Attributes
    ----------
    pages : Pages
        Where cells are in `head`.
    head : (T,) int32
        Number of each cell in use, from 1; 0 of the others.
    touched : (C,) uint64
        By number: eighths by eighths of it that small fences touch.
    small_start, small : (C + 1,) int32, (S,) int32
        Small fences by number.
    large_start, large, border : (C + 1,) int32, (L,) int32, (L,) int32
        Large fences by number, and where their edges there are; 0, none.
    """

    pages: Pages
    head: Int32
    touched: UInt64
    small_start: Int32
    small: Int32
    large_start: Int32
    large: Int32
    border: Int32

    def find(self, u: Float64, v: Float64) -> Found:
        """What is known of positions (N,), in cells of level 0."""
        shift = self.pages.shift
        x, y = u.astype(np.int64), v.astype(np.int64)
        if shift:
            x >>= shift
            y >>= shift
        number = self.head.take(self.pages.index(x, y))
        row = np.flatnonzero(number)
        number = number.take(row)
        sure_row, sure_fence, border_row, border_fence, border = self._find_large(row, number)
        scale = 2.0**-shift
        bu, bv = u.take(border_row) * scale, v.take(border_row) * scale
        bu -= np.floor(bu)
        bv -= np.floor(bv)
        small_row, small_fence = self._find_small(row, number, u, v)
        return Found(
            sure_row=sure_row,
            sure_fence=sure_fence,
            border_row=border_row,
            border_fence=border_fence,
            border=border,
            x=bu.astype(np.float32),
            y=bv.astype(np.float32),
            small_row=small_row,
            small_fence=small_fence,
        )

    def _find_large(self, row: Int64, number: Int32) -> tuple[Int64, Int32, Int64, Int32, Int32]:
        begin = self.large_start.take(number)
        count = self.large_start.take(number + 1) - begin
        row, at = _spread(row, begin, count)
        fence, border = self.large.take(at), self.border.take(at)
        is_border = border != 0
        sure, near = np.flatnonzero(~is_border), np.flatnonzero(is_border)
        return row.take(sure), fence.take(sure), row.take(near), fence.take(near), border.take(near)

    def _find_small(self, row: Int64, number: Int32, u: Float64, v: Float64) -> tuple[Int64, Int32]:
        touched = self.touched.take(number)
        some = np.flatnonzero(touched)
        touched, row, number = touched.take(some), row.take(some), number.take(some)
        eighth = (v.take(row) * _EIGHTH).astype(np.int64) & (_EIGHTH - 1)
        eighth <<= 3
        eighth += (u.take(row) * _EIGHTH).astype(np.int64) & (_EIGHTH - 1)
        some = np.flatnonzero((touched >> eighth.view(np.uint64)) & np.uint64(1))
        row, number = row.take(some), number.take(some)
        begin = self.small_start.take(number)
        row, at = _spread(row, begin, self.small_start.take(number + 1) - begin)
        return row, self.small.take(at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """All levels that hold a fence."""

    levels: tuple[Level, ...]
    borders: Borders

    @classmethod
    def of(cls, fences: Fences) -> Self:
        """Grid of these."""
        extent = _Extent.of(fences)
        shift = extent.shifts()
        entries: list[_Entries] = []
        builder = _BorderBuilder()
        small = np.flatnonzero(shift < 0)
        entries.append(_small_entries(extent, small))
        for level in np.unique(shift[shift >= 0]).tolist():
            rows = np.flatnonzero(shift == level)
            entries += [builder.entries(fences, extent, part, level) for part in _parts(extent, rows, level)]
        levels = sorted({one.shift for one in entries if len(one.x)})
        return cls(
            levels=tuple(_level([one for one in entries if one.shift == shift]) for shift in levels),
            borders=builder.borders(),
        )

    def find(self, u: Float64, v: Float64) -> Iterator[Found]:
        """What each level knows of positions (N,), in cells of level 0."""
        return (level.find(u, v) for level in self.levels)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Extent:
    """Where fences are, in cells of level 0, with what they reach: (M,) float64 each; and cells of a metre."""

    west: Float64
    east: Float64
    south: Float64
    north: Float64
    per_m_east: Float64
    per_m_north: Float64
    reach_m: Float64
    u: Float64
    v: Float64

    @classmethod
    def of(cls, fences: Fences) -> Self:
        per_m_east, per_m_north = PER_DEG / fences.frame[:, EAST], PER_DEG / fences.frame[:, NORTH]
        u = (np.mod(fences.frame[:, LON] + 180.0, 360.0)) * PER_DEG
        v = fences.frame[:, LAT] * PER_DEG + SOUTH
        at = fences.start[:-1]
        across, along = np.ascontiguousarray(fences.vertex.real), np.ascontiguousarray(fences.vertex.imag)
        return cls(
            west=u + (np.fmin.reduceat(across, at) - fences.reach_m) * per_m_east - _MARGIN,
            east=u + (np.fmax.reduceat(across, at) + fences.reach_m) * per_m_east + _MARGIN,
            south=np.maximum(v + (np.fmin.reduceat(along, at) - fences.reach_m) * per_m_north - _MARGIN, 0.0),
            north=np.minimum(v + (np.fmax.reduceat(along, at) + fences.reach_m) * per_m_north + _MARGIN, ROWS - 0.5),
            per_m_east=per_m_east,
            per_m_north=per_m_north,
            reach_m=fences.reach_m,
            u=u,
            v=v,
        )

    def shifts(self) -> Int64:
        """Level (M,) of each fence; -1 of small ones."""
        across = np.floor(self.east) - np.floor(self.west)
        along = np.floor(self.north) - np.floor(self.south)
        widest = np.maximum(self.east - self.west, self.north - self.south)
        shift = np.zeros(len(widest), np.int64)
        while (too_wide := widest > _WIDEST * 2.0**shift).any():
            shift[too_wide] += _STEP
        shift[(across < _SMALL) & (along < _SMALL)] = -1
        return shift

    def box(self, rows: Int64, shift: int) -> tuple[Int64, Int64, Int64, Int64]:
        """Westernmost and southernmost cell (N,) of a level, and how many to the east and to the north."""
        scale = 2.0**-shift
        x, y = np.floor(self.west[rows] * scale).astype(np.int64), np.floor(self.south[rows] * scale).astype(np.int64)
        east, north = np.floor(self.east[rows] * scale).astype(np.int64), np.floor(self.north[rows] * scale).astype(np.int64)
        return x, y, east - x + 1, north - y + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entries:
    """Fences in cells of one level; `touched` of small ones, `border` of large ones, else 0."""

    shift: int
    x: Int64
    y: Int64
    fence: Int32
    border: Int32
    touched: UInt64


def _small_entries(extent: _Extent, rows: Int64) -> _Entries:
    west, east, south, north = (side[rows] * _EIGHTH for side in (extent.west, extent.east, extent.south, extent.north))
    west, east, south, north = (np.floor(side).astype(np.int64) for side in (west, east, south, north))
    parts: list[tuple[Int64, Int64, Int64, UInt64]] = []
    x_cells = ((west >> 3, west & 7, np.minimum(east - (west & ~7), 7)), (east >> 3, np.zeros_like(east), east & 7))
    y_cells = ((south >> 3, south & 7, np.minimum(north - (south & ~7), 7)), (north >> 3, np.zeros_like(north), north & 7))
    crosses_x, crosses_y = (west >> 3) != (east >> 3), (south >> 3) != (north >> 3)
    for x_side, (x, x_first, x_last) in enumerate(x_cells):
        for y_side, (y, y_first, y_last) in enumerate(y_cells):
            some = np.flatnonzero((crosses_x | (x_side == 0)) & (crosses_y | (y_side == 0)))
            bits = _COLUMNS.take((x_first * _EIGHTH + x_last).take(some)) & _ROWS.take((y_first * _EIGHTH + y_last).take(some))
            parts.append((x.take(some), y.take(some), rows.take(some), bits))
    x, y, fence, touched = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    x &= (1 << BITS) - 1
    return _Entries(shift=0, x=x, y=y, fence=fence.astype(np.int32), border=np.zeros(len(x), np.int32), touched=touched)


def _parts(extent: _Extent, rows: Int64, shift: int) -> Iterator[Int64]:
    """Some of the fences at a time: those whose boxes together have not too many cells."""
    _, _, width, height = extent.box(rows, shift)
    group = np.cumsum(width * height) // _DENSE_AT_ONCE
    yield from np.split(rows, np.flatnonzero(np.diff(group)) + 1)


class _BorderBuilder:
    """Borders, part by part."""

    def __init__(self) -> None:
        # Number 0 stands for none.
        self._counts: list[Int64] = [np.zeros(1, np.int64)]
        self._middles: list[Int8] = [np.zeros(1, np.int8)]
        self._vertices: list[Int32] = [np.empty(0, np.int32)]
        self._lines: list[Float32] = [np.empty((0, 4), np.float32)]
        self._size = 1

    def borders(self) -> Borders:
        return Borders(
            start=np.concatenate(([0], np.cumsum(np.concatenate(self._counts)))),
            middle=np.concatenate(self._middles),
            vertex=np.concatenate(self._vertices),
            line=np.concatenate(self._lines),
        )

    def entries(self, fences: Fences, extent: _Extent, rows: Int64, shift: int) -> _Entries:
        """Cells of large fences (N,) of one level."""
        x0, y0, width, height = extent.box(rows, shift)
        base = np.cumsum(width * height) - width * height
        edges = _Edges.of(fences, extent, rows, shift, x0, y0)
        line_row, line = edges.by_row()
        dense = np.zeros(int(base[-1] + width[-1] * height[-1]) + 1, np.int8)
        toggled = _toggled(edges, line, line_row, base, width, fences.is_line[rows])
        if len(toggled):
            np.bitwise_xor.at(dense, toggled, np.int8(1))
        inside = np.bitwise_xor.accumulate(dense)[:-1]
        line, line_row, column = edges.by_cell(line, line_row)
        owner = edges.fence[line]
        cell = base[owner] + line_row * width[owner] + column
        count = np.bincount(cell, minlength=len(inside))
        order = np.argsort(cell, kind="stable")
        line, line_row, column, cell = line[order], line_row[order], column[order], cell[order]
        pieces = edges.pieces(line, line_row, column)
        at_border = np.flatnonzero(count)
        middle = inside[at_border].copy()
        first = np.cumsum(count[at_border]) - count[at_border]
        if len(first):
            middle[np.bitwise_or.reduceat(_passes_middle(pieces), first)] = UNKNOWN
        self._counts.append(count[at_border])
        self._middles.append(middle)
        self._vertices.append(edges.vertex[line].astype(np.int32))
        self._lines.append(pieces)
        used = np.flatnonzero(inside.astype(np.bool_) | (count > 0))
        border = np.zeros(len(inside), np.int32)
        border[at_border] = np.arange(self._size, self._size + len(at_border))
        self._size += len(at_border)
        owner = np.repeat(np.arange(len(rows)), width * height)[used]
        within = used - base[owner]
        x, y = x0[owner] + within % width[owner], y0[owner] + within // width[owner]
        return _Entries(
            shift=shift,
            x=x & ((1 << BITS - shift) - 1),
            y=y,
            fence=rows[owner].astype(np.int32),
            border=border[used],
            touched=np.zeros(len(used), np.uint64),
        )


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
    def of(cls, fences: Fences, extent: _Extent, rows: Int64, shift: int, x0: Int64, y0: Int64) -> Self:
        begin = fences.start[rows]
        runs = Runs.of(begin, fences.start[rows + 1] - begin - 1)
        fence = np.repeat(np.arange(len(rows)), runs.count)
        a, b = fences.vertex[runs.edge], fences.vertex[runs.edge + 1]
        real = ~np.isnan(a.real) & ~np.isnan(b.real)
        a, b, fence, vertex = a[real], b[real], fence[real], runs.edge[real]
        scale = 2.0**-shift
        per_east, per_north = (extent.per_m_east[rows] * scale)[fence], (extent.per_m_north[rows] * scale)[fence]
        u, v = (extent.u[rows] * scale - x0)[fence], (extent.v[rows] * scale - y0)[fence]
        reach_m = extent.reach_m[rows][fence]
        return cls(
            fence=fence,
            vertex=vertex,
            ax=u + a.real * per_east,
            ay=v + a.imag * per_north,
            bx=u + b.real * per_east,
            by=v + b.imag * per_north,
            pad_x=reach_m * per_east + _MARGIN / 2.0,
            pad_y=reach_m * per_north + _MARGIN / 2.0,
        )

    def by_row(self) -> tuple[Int64, Int64]:
        """Rows of cells that edges come near, and which edge each is of: (R,) each."""
        first = np.maximum(np.floor(np.minimum(self.ay, self.by) - self.pad_y), 0.0).astype(np.int64)
        last = np.floor(np.maximum(self.ay, self.by) + self.pad_y).astype(np.int64)
        runs = Runs.of(first, last - first + 1)
        return runs.edge, np.repeat(np.arange(len(first)), runs.count)

    def by_cell(self, line: Int64, row: Int64) -> tuple[Int64, Int64, Int64]:
        """Edges, rows and columns of cells that edges come near: (C,) each."""
        ax, dx, ay, dy = self.ax[line], (self.bx - self.ax)[line], self.ay[line], (self.by - self.ay)[line]
        pad_x, pad_y = self.pad_x[line], self.pad_y[line]
        level = dy == 0.0
        dy[level] = 1.0
        begin, end = (row - pad_y - ay) / dy, (row + 1.0 + pad_y - ay) / dy
        low, high = np.clip(np.minimum(begin, end), 0.0, 1.0), np.clip(np.maximum(begin, end), 0.0, 1.0)
        low[level], high[level] = 0.0, 1.0
        one, other = ax + low * dx, ax + high * dx
        first = np.maximum(np.floor(np.minimum(one, other) - pad_x), 0.0).astype(np.int64)
        last = np.floor(np.maximum(one, other) + pad_x).astype(np.int64)
        runs = Runs.of(first, last - first + 1)
        return np.repeat(line, runs.count), np.repeat(row, runs.count), runs.edge

    def pieces(self, line: Int64, row: Int64, column: Int64) -> Float32:
        """Ends of the parts of edges in cells (C, 4), in cells from its corner (Liang and Barsky 1984)."""
        ax, ay, bx, by = self.ax[line] - column, self.ay[line] - row, self.bx[line] - column, self.by[line] - row
        dx, dy = bx - ax, by - ay
        low, high = np.zeros(len(line)), np.ones(len(line))
        apart = np.zeros(len(line), np.bool_)
        for at, along in ((ax, dx), (ay, dy)):
            still = along == 0.0
            apart |= still & ((at < -_CLIP) | (at > 1.0 + _CLIP))
            step = np.where(still, 1.0, along)
            one, other = (-_CLIP - at) / step, (1.0 + _CLIP - at) / step
            np.maximum(low, np.where(still, 0.0, np.minimum(one, other)), out=low)
            np.minimum(high, np.where(still, 1.0, np.maximum(one, other)), out=high)
        apart |= low > high
        pieces = np.empty((len(line), 4), np.float32)
        pieces[:, 0], pieces[:, 1] = np.where(low > 0.0, ax + low * dx, ax), np.where(low > 0.0, ay + low * dy, ay)
        pieces[:, 2], pieces[:, 3] = np.where(high < 1.0, ax + high * dx, bx), np.where(high < 1.0, ay + high * dy, by)
        pieces[apart] = _APART
        return pieces


def _toggled(edges: _Edges, line: Int64, row: Int64, base: Int64, width: Int64, is_line: Bool) -> Int64:
    """Cells (T,), numbered through all boxes, from whose middle on eastwards the inside is the outside, once for each edge that does it."""
    middle = row + 0.5
    some = np.flatnonzero(((edges.ay[line] > middle) != (edges.by[line] > middle)) & ~is_line[edges.fence[line]])
    line, middle, row = line[some], middle[some], row[some]
    ax, ay, bx, by = edges.ax[line], edges.ay[line], edges.bx[line], edges.by[line]
    x = np.clip(ax + (middle - ay) / (by - ay) * (bx - ax), np.minimum(ax, bx), np.maximum(ax, bx))
    owner = edges.fence[line]
    # What is toggled beyond the last column is toggled at the beginning of the next row: it is an even number of times.
    return base[owner] + row * width[owner] + np.ceil(x - 0.5).astype(np.int64)


def _passes_middle(pieces: Float32) -> Bool:
    """Which edges (E,) may pass too near to the middle of the cell to say on which side of them it is."""
    ax, ay, bx, by = (pieces[:, column] - _HALF for column in range(4))
    dx, dy = bx - ax, by - ay
    near: Bool = np.abs(ax * by - ay * bx) <= _MIDDLE * (np.abs(dx) + np.abs(dy))
    return near


def _level(parts: Sequence[_Entries]) -> Level:
    """Level of all its entries."""
    x, y = (np.concatenate([getattr(part, name) for part in parts]) for name in ("x", "y"))
    fence, border, touched = (np.concatenate([getattr(part, name) for part in parts]) for name in ("fence", "border", "touched"))
    pages = Pages.of(parts[0].shift, x, y)
    at = pages.index(x, y)
    head = np.zeros(pages.size, np.int32)
    head[at] = 1
    used = np.flatnonzero(head)
    head[used] = np.arange(1, len(used) + 1)
    number = head.take(at)
    is_small = touched != 0
    small, large = np.flatnonzero(is_small), np.flatnonzero(~is_small)
    small_start, small_order = _grouped(number.take(small), len(used) + 1)
    large_start, large_order = _grouped(number.take(large), len(used) + 1)
    small, large = small.take(small_order), large.take(large_order)
    some = np.flatnonzero(np.diff(small_start))
    bits = np.zeros(len(used) + 1, np.uint64)
    if len(some):
        bits[some] = np.bitwise_or.reduceat(touched.take(small), small_start[some])
    return Level(
        pages=pages,
        head=head,
        touched=bits,
        small_start=small_start,
        small=fence.take(small),
        large_start=large_start,
        large=fence.take(large),
        border=border.take(large),
    )


def _grouped(group: Int32, groups: int) -> tuple[Int32, Int32]:
    """Where each group begins (groups + 1,) in the order that is returned too: members (N,) by group, else as they came."""
    members = np.arange(len(group), dtype=np.int32)
    table = sparse.csr_array(sparse.coo_array((members, (group, members)), shape=(groups, max(len(group), 1))))
    return table.indptr.astype(np.int32), table.indices.astype(np.int32)


def _spread(row: Int64, begin: Int32, count: Int32) -> tuple[Int64, Int64]:
    """Rows and places, for each row as many as it has, one after another."""
    end = np.cumsum(count, dtype=np.int64)
    at = np.repeat(begin - (end - count), count)
    at += np.arange(len(at))
    return np.repeat(row, count), at
