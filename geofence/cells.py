"""Cells of the whole earth: a square number of degrees each, 38 m from south to north and less from west to east.

A position is counted in eighths of them. A level is a power of two of them. Those in use are numbered: a directory of tiles over the
box that they lie in, a bit for each cell of a tile that is in use, and a count of those before (a bit vector with rank, Jacobson 1989), so
that a city costs little more than its area and a country of estates costs theirs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
UInt64 = NDArray[np.uint64]

BITS = 20
"""The equator has 2**20 cells."""
EIGHTHS = 3
"""Bits of the eighths of a cell."""
ROWS = 1 << (BITS - 1)
PER_DEG = 2.0 ** (BITS + EIGHTHS) / 360.0
"""Eighths of cells of a degree."""
_EAST, _NORTH = 1 << (BITS + EIGHTHS), 1 << (BITS + EIGHTHS - 1)
POLE_DEG = 90.0
_AROUND_DEG = 360.0

_WORD = 6
_LARGEST_DIRECTORY = 1 << 21
_ONE = np.uint64(1)
_BELOW = (_ONE << np.arange(64, dtype=np.uint64)) - _ONE
_ACROSS = (1 << BITS) - 1
_AT_ONCE = 1 << 14


class Spots(NamedTuple):
    """Positions (N,), at least one, in eighths of cells, east of the antimeridian and north of the south pole.

    Attributes
    ----------
    u, v : (N,) float64
        With fractions.
    x, y : (N,) int32
        Without. What is nowhere has a `y` north of the pole.
    west, east, south, north : int
        The least and the largest of these.
    """

    u: Float64
    v: Float64
    x: Int32
    y: Int32
    west: int
    east: int
    south: int
    north: int

    @classmethod
    def of(cls, lon_deg: Float64, lat_deg: Float64) -> Self:
        """Positions (N,) anywhere: any longitude is one of the earth's, and what is not finite, or no latitude, is nowhere."""
        u, v = lon_deg * PER_DEG, lat_deg * PER_DEG
        u += _EAST >> 1
        v += _NORTH >> 1
        # What is no number is the least, as a fraction, and as a whole number far below 0.
        west, south = np.minimum.reduce(u), np.minimum.reduce(v)
        if west >= 0.0 and south >= 0.0:
            x, y = u.astype(np.int32), v.astype(np.int32)
            east, north = int(np.maximum.reduce(x)), int(np.maximum.reduce(y))
            if 0 <= east < _EAST and 0 <= north <= _NORTH:
                return cls(u, v, x, y, int(west), east, int(south), north)
        with np.errstate(invalid="ignore"):
            u = np.mod(lon_deg + _AROUND_DEG / 2.0, _AROUND_DEG) * PER_DEG
            somewhere = np.isfinite(u) & (np.abs(lat_deg) <= POLE_DEG)
        u = np.where(somewhere, np.minimum(u, np.nextafter(_EAST, 0.0)), 0.0)
        v = np.where(somewhere, v, _NORTH + 4.0)
        x, y = u.astype(np.int32), v.astype(np.int32)
        return cls(u, v, x, y, int(x.min()), int(x.max()), int(y.min()), int(y.max()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Which cells of one level are in use, and their numbers, from 0 in the order of tiles, rows and columns.

    Attributes
    ----------
    shift : int
        Level: cells are 2**shift across.
    tile : int
        Tiles are 2**tile cells across, at least 64.
    west, south, columns, rows : int
        Tiles of the directory; those along its edges are empty.
    directory : (columns * rows,) int32
        Where a tile's words begin; 0, the empty one.
    used : (W,) uint64
        Words of tiles, row after row: a bit for each cell.
    before : (W,) int32
        Cells in use before each word.
    """

    shift: int
    tile: int
    west: int
    south: int
    columns: int
    rows: int
    directory: Int32
    used: UInt64
    before: Int32

    @classmethod
    def of(cls, shift: int, cell: Int64) -> Self:
        """Pages for these cells (N,) of a level, at least one: x + 2**20 y."""
        x, y = _bounds(cell)
        tile = _WORD
        while (_span(x, tile) + 2) * (_span(y, tile) + 2) > _LARGEST_DIRECTORY:
            tile += 1
        west, south = (x[0] >> tile) - 1, (y[0] >> tile) - 1
        columns, rows = _span(x, tile) + 2, _span(y, tile) + 2
        directory = np.zeros(columns * rows, np.int32)
        for some in _parts(cell):
            directory[((some >> BITS + tile) - south) * columns + ((some & _ACROSS) >> tile) - west] = 1
        tiles = directory.nonzero()[0]
        words = 1 << 2 * tile - _WORD
        directory[tiles] = np.arange(1, len(tiles) + 1) * words
        each = np.zeros((len(tiles) + 1) * words << _WORD, np.bool_)
        inner = (1 << tile) - 1
        for some in _parts(cell):
            at = directory.take(((some >> BITS + tile) - south) * columns + ((some & _ACROSS) >> tile) - west).astype(np.int64)
            at <<= _WORD
            at += ((some >> BITS) & inner) << tile
            at += some & inner
            each[at] = True
        used = np.packbits(each, bitorder="little").view("<u8")
        count = np.bitwise_count(used)
        return cls(
            shift=shift,
            tile=tile,
            west=west,
            south=south,
            columns=columns,
            rows=rows,
            directory=directory,
            used=used,
            before=np.cumsum(count, dtype=np.int32) - count,
        )

    def numbers(self, cell: Int64) -> Int32:
        """Numbers (N,) of cells in use."""
        number = np.empty(len(cell), np.int32)
        done = 0
        shift = self.shift + EIGHTHS
        for some in _parts(cell):
            _, found = self._find(((some & _ACROSS) << shift).astype(np.int32), ((some >> BITS) << shift).astype(np.int32))
            number[done : done + len(some)] = found
            done += len(some)
        return number

    @property
    def size(self) -> int:
        """Cells in use."""
        return int(self.before[-1]) + int(np.bitwise_count(self.used[-1]))

    def find(self, spots: Spots) -> tuple[Int64, Int64]:
        """Which of positions (N,) are in cells in use, and the numbers of those: (F,) each."""
        to_tile, x, y = self.tile + self.shift + EIGHTHS, spots.x, spots.y
        if spots.west >> to_tile < self.west or spots.east >> to_tile >= self.west + self.columns:
            x = np.clip(x, max(self.west << to_tile, 0), ((self.west + self.columns) << to_tile) - 1)
        if spots.south >> to_tile < self.south or spots.north >> to_tile >= self.south + self.rows:
            y = np.clip(y, max(self.south << to_tile, 0), ((self.south + self.rows) << to_tile) - 1)
        return self._find(x, y)

    def _find(self, x: Int32, y: Int32) -> tuple[Int64, Int64]:
        to_tile, to_cell = self.tile + self.shift + EIGHTHS, self.shift + EIGHTHS
        at = y >> to_tile
        at *= self.columns
        at += x >> to_tile
        at -= self.south * self.columns + self.west
        at = self.directory.take(at)
        inner = (1 << self.tile) - 1
        row = y >> to_cell
        row &= inner
        if self.tile > _WORD:
            row <<= self.tile - _WORD
            word = x >> to_cell
            word &= inner
            word >>= _WORD
            at += word
        at += row
        bits = self.used.take(at)
        bit = x >> to_cell
        bit &= (1 << _WORD) - 1
        bits >>= bit.astype(np.uint64)
        hit = (bits & _ONE).nonzero()[0]
        bit, at = bit.take(hit), at.take(hit)
        below = _BELOW.take(bit)
        below &= self.used.take(at)
        number = self.before.take(at).astype(np.int64)
        number += np.bitwise_count(below)
        return hit, number


def _parts(cell: Int64) -> Iterator[Int64]:
    """As many at a time as stay in the processor's cache."""
    return (cell[begin : begin + _AT_ONCE] for begin in range(0, len(cell), _AT_ONCE))


def _bounds(cell: Int64) -> tuple[tuple[int, int], tuple[int, int]]:
    """First and last column, and first and last row."""
    across = [(int((some & _ACROSS).min()), int((some & _ACROSS).max())) for some in _parts(cell)]
    x = min(low for low, _ in across), max(high for _, high in across)
    return x, (int(cell.min()) >> BITS, int(cell.max()) >> BITS)


def _span(bounds: tuple[int, int], tile: int) -> int:
    """Tiles from the first to the last."""
    return (bounds[1] >> tile) - (bounds[0] >> tile) + 1
