"""Cells of the whole earth: a square number of degrees each, 38 m from south to north and less from west to east.

A level is a power of two of them. Which cells are in use is kept as a page table of three stages, as memory is by a processor, so that a
city costs its area and a world of estates costs theirs, not what lies between.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

BITS = 20
"""The equator has 2**20 cells."""
PER_DEG = 2.0**BITS / 360.0
WEST, SOUTH = 2.0 ** (BITS - 1), 2.0 ** (BITS - 2)
ROWS = 1 << (BITS - 1)
_TILE, _BLOCK = 6, 7
_CELLS, _TILES = 1 << 2 * _TILE, 1 << 2 * _BLOCK
# So near to the antimeridian rounding may reach the other side.
_WRAPS_DEG = 180.0 - 1e-9


def cells(lon_deg: Float64, lat_deg: Float64) -> tuple[Float64, Float64]:
    """Cells (N,) from the antimeridian and from the south pole, fractions included; of what is nowhere a row that no fence is in."""
    u, v = lon_deg * PER_DEG, lat_deg * PER_DEG
    u += WEST
    v += SOUTH
    if not len(u) or (lon_deg.min() >= -180.0 and lon_deg.max() < _WRAPS_DEG and lat_deg.min() >= -90.0 and lat_deg.max() <= 90.0):
        return u, v
    with np.errstate(invalid="ignore"):
        u = np.mod(lon_deg + 180.0, 360.0) * PER_DEG
        somewhere = np.isfinite(u) & (np.abs(lat_deg) <= 90.0)
    u = np.where(somewhere, np.minimum(u, np.nextafter(2.0**BITS, 0.0)), 0.0)
    return u, np.where(somewhere, v, ROWS + 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Where the cells of one level that are in use are in a table.

    Attributes
    ----------
    shift : int
        Level: cells are 2**shift across.
    block : (K,) int64
        By the uppermost bits of a cell: where its block of tiles begins in `tile`; 0, the empty one.
    columns : int
        Of these from west to east.
    tile : (B * 2**14,) int64
        Where a tile's cells begin in the table; 0, the empty one.
    size : int
        Of the table.
    """

    shift: int
    block: Int64
    columns: int
    tile: Int64
    size: int

    @classmethod
    def of(cls, shift: int, x: Int64, y: Int64) -> Self:
        """Pages for these cells (N,) of a level."""
        above = _TILE + _BLOCK
        columns = max((1 << BITS - shift) >> above, 1)
        block = np.zeros((((ROWS >> shift) >> above) + 1) * columns, np.int64)
        at = (y >> above) * columns + (x >> above)
        block[at] = 1
        used = np.flatnonzero(block)
        block[used] = np.arange(1, len(used) + 1) * _TILES
        tile = np.zeros((len(used) + 1) * _TILES, np.int64)
        tile[block[at] + _within(x >> _TILE, y >> _TILE, _BLOCK)] = 1
        used = np.flatnonzero(tile)
        tile[used] = np.arange(1, len(used) + 1) * _CELLS
        return cls(shift=shift, block=block, columns=columns, tile=tile, size=(len(used) + 1) * _CELLS)

    def index(self, x: Int64, y: Int64) -> Int64:
        """Places (N,) in the table of cells (N,) of this level."""
        above = _TILE + _BLOCK
        at = (y >> above) * self.columns
        at += x >> above
        at = self.block.take(at)
        at += _within(x >> _TILE, y >> _TILE, _BLOCK)
        at = self.tile.take(at)
        at += _within(x, y, _TILE)
        return at


def _within(x: Int64, y: Int64, bits: int) -> Int64:
    """Places (N,) within a square of 2**bits."""
    inner = (1 << bits) - 1
    at = y & inner
    at <<= bits
    at += x & inner
    return at
