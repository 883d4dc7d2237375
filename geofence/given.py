"""Outlines of fences as they are given: WGS 84 degrees, checked, as columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
Ring = Sequence[tuple[float, float]]

# Beyond it an equirectangular frame says nothing, and a fence that goes round a pole is no polygon in it.
LARGEST_LAT_DEG = 89.0
# The short way round is not the one that was meant.
WIDEST_DEG = 180.0
AROUND_DEG = 360.0


class OutlineError(ValueError):
    """An outline that is no fence: the message names which, and what was wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """One fence.

    Attributes
    ----------
    rings : sequence of sequences of (lon, lat) in WGS 84 degrees
        Of an area all its shells and holes, in any order and direction, closed or not; of a line one path.
    is_line : bool
        A directed line; else an area.
    reach_m : float
        How far from it positions are near.
    """

    rings: Sequence[Ring]
    is_line: bool = False
    reach_m: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlines:
    """Many fences, as columns.

    Attributes
    ----------
    lon_deg, lat_deg : (V,) float64
        Vertices, ring after ring.
    ring : (R + 1,) int64
        Where each ring begins, and the end.
    fence : (M + 1,) int64
        First ring of each fence, and the end.
    is_line : (M,) bool
        Whether it is a directed line; else an area.
    reach_m : (M,) float64
        How far from it positions are near.
    """

    lon_deg: Float64
    lat_deg: Float64
    ring: Int64
    fence: Int64
    is_line: Bool
    reach_m: Float64

    def __len__(self) -> int:
        return len(self.is_line)

    @classmethod
    def of(cls, outlines: Sequence[Outline]) -> Self:
        """Columns of these."""
        rings = [np.asarray(ring, np.float64).reshape(-1, 2) for outline in outlines for ring in outline.rings]
        vertices = np.concatenate([*rings, np.empty((0, 2))])
        return cls(
            lon_deg=np.ascontiguousarray(vertices[:, 0]),
            lat_deg=np.ascontiguousarray(vertices[:, 1]),
            ring=np.cumsum([0, *(len(ring) for ring in rings)], dtype=np.int64),
            fence=np.cumsum([0, *(len(outline.rings) for outline in outlines)], dtype=np.int64),
            is_line=np.array([outline.is_line for outline in outlines], np.bool_),
            reach_m=np.array([outline.reach_m for outline in outlines], np.float64),
        )

    def part(self, begin: int, end: int) -> "Outlines":
        """Those from one row to before another; views, no copies."""
        rings = self.ring[self.fence[begin] : self.fence[end] + 1]
        vertices = slice(rings[0], rings[-1])
        return Outlines(
            lon_deg=self.lon_deg[vertices],
            lat_deg=self.lat_deg[vertices],
            ring=rings - rings[0],
            fence=self.fence[begin : end + 1] - self.fence[begin],
            is_line=self.is_line[begin:end],
            reach_m=self.reach_m[begin:end],
        )


def check_rings(outlines: Outlines, first: int) -> None:
    """Refuse fences, the first of which has that number, without the rings that they need.

    Raises
    ------
    OutlineError
        Where a fence has no ring, a ring has too few vertices, a line has several paths, or a reach is below 0 or not finite.
    """
    rings, count = np.diff(outlines.fence), np.diff(outlines.ring)
    _refuse(rings < 1, first, "has no ring")
    _refuse(outlines.is_line & (rings != 1), first, "is a line of several paths, wanted one")
    _refuse(~((outlines.reach_m >= 0.0) & np.isfinite(outlines.reach_m)), first, "has a reach that is no distance")
    short = count < np.where(np.repeat(outlines.is_line, rings), 2, 3)
    if short.any():
        row = int(np.searchsorted(outlines.fence, np.flatnonzero(short)[0], side="right")) - 1
        raise OutlineError(f"fence {first + row} has a ring of too few vertices, wanted 3, or 2 of a line")


def check_extent(first: int, sides_deg: tuple[Float64, Float64, Float64, Float64]) -> None:
    """Refuse fences, the first of which has that number, that no frame holds, by their west, east, south and north (M,).

    Raises
    ------
    OutlineError
        Where a vertex is not finite or beyond a latitude of 89 degrees, or a fence spans 180 degrees of longitude or more.
    """
    west_deg, east_deg, south_deg, north_deg = sides_deg
    within = (south_deg >= -LARGEST_LAT_DEG) & (north_deg <= LARGEST_LAT_DEG)
    _refuse(~within, first, "reaches a latitude beyond 89 degrees, or one that is none")
    with np.errstate(invalid="ignore"):
        narrow = east_deg - west_deg < WIDEST_DEG
    _refuse(~narrow, first, "spans 180 degrees of longitude or more: split it, or go on beyond 180")


def check_reach(first: int, width_deg: Float64, reach_deg: Float64) -> None:
    """Refuse fences, the first of which has that number, that with what they reach go round the earth, by degrees of longitude (M,).

    Raises
    ------
    OutlineError
        Where that is so.
    """
    _refuse(~(width_deg + 2.0 * reach_deg < AROUND_DEG), first, "reaches round the earth")


def _refuse(wrong: Bool, first: int, words: str) -> None:
    if wrong.any():
        raise OutlineError(f"fence {first + int(np.argmax(wrong))} {words}")
