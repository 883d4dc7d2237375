"""Fences as columns, each in its own metric frame: exact membership and signed distance of named pairs.

A vertex is x + iy, metres east and north of the middle of its fence's extent. Rings are closed; between two rings of one fence stands a NaN,
so that no edge joins them: what is computed of such an edge is NaN and counts for nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from geofence import orientation
from geofence.frames import metres_per_degree, short_way
from geofence.outlines import Outlines, check

Float64 = NDArray[np.float64]
Complex128 = NDArray[np.complex128]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

LON, LAT, EAST, NORTH = range(4)
"""Columns of a frame: its centre in degrees, and metres of a degree there."""

OUTSIDE_M = 1e-300
"""What lies outside is never at 0, however near."""
_TIE_M = 1e-9
_BUILT_AT_ONCE = 4096
_EDGES_AT_ONCE = 1 << 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Fences:
    """Many fences.

    Attributes
    ----------
    frame : (M, 4) float64
        See `LON` to `NORTH`.
    start : (M + 1,) int64
        First vertex of each, and the end.
    vertex : (V,) complex128
        Metres in the fence's frame.
    is_line : (M,) bool
        Directed lines; else areas.
    reach_m : (M,) float64
        How far from it positions are near.
    """

    frame: Float64
    start: Int64
    vertex: Complex128
    is_line: Bool
    reach_m: Float64

    def __len__(self) -> int:
        return len(self.is_line)

    @classmethod
    def of(cls, outlines: Outlines) -> Self:
        """Fences of these outlines.

        Raises
        ------
        OutlineError
            As `geofence.outlines.check`.
        """
        parts = [_built(outlines, begin) for begin in range(0, len(outlines), _BUILT_AT_ONCE)]
        sizes = [part for _, counts, _ in parts for part in (counts,)]
        count = np.concatenate([*sizes, np.empty(0, np.int64)])
        start = np.concatenate(([0], np.cumsum(count)))
        return cls(
            frame=np.concatenate([*(frame for frame, _, _ in parts), np.empty((0, 4))]),
            start=start,
            vertex=np.concatenate([*(vertex for _, _, vertex in parts), np.empty(0, np.complex128)]),
            is_line=np.array(outlines.is_line),
            reach_m=np.array(outlines.reach_m, np.float64),
        )

    def local(self, lon_deg: Float64, lat_deg: Float64, fence: Int64) -> Complex128:
        """Positions (P,) in the frames of fences (P,): the same numbers as `Frame.metres`."""
        frame = self.frame.take(fence, axis=0)
        place = np.empty(len(fence), np.complex128)
        np.multiply(short_way(lon_deg - frame[:, LON]), frame[:, EAST], out=place.real)
        np.multiply(lat_deg - frame[:, LAT], frame[:, NORTH], out=place.imag)
        return place

    def contains(self, place: Complex128, fence: Int64) -> Bool:
        """Which positions (P,), each in the frame of its fence (P,), are in it or on its border; none is in a line."""
        inside = np.empty(len(fence), np.bool_)
        for pairs, edges in self._runs(fence):
            inside[pairs] = _is_inside(_Seen.of(self.vertex, edges, place[pairs]), edges)
        inside &= ~self.is_line.take(fence)
        return inside

    def signed_distance(self, place: Complex128, fence: Int64) -> Float64:
        """Metres (P,) of positions, each in the frame of its fence (P,), from the border, above 0 inside; from a line, above 0 to its left."""
        distance_m = np.empty(len(fence), np.float64)
        is_line = self.is_line.take(fence)
        for pairs, edges in self._runs(fence):
            seen = _Seen.of(self.vertex, edges, place[pairs])
            square, offset = _distances(seen, with_offset=bool(is_line[pairs].any()))
            nearest = np.sqrt(np.fmin.reduceat(square, edges.first))
            signed = np.where(_is_inside(seen, edges), nearest, -np.maximum(nearest, OUTSIDE_M))
            if offset is not None:
                signed = np.where(is_line[pairs], _sided(nearest, square, offset, edges), signed)
            distance_m[pairs] = signed
        return distance_m

    def _runs(self, fence: Int64) -> Iterator[tuple[slice, "Runs"]]:
        """Pairs and all their fences' edges, as many at once as stay in the processor's cache."""
        begin, count = self.start.take(fence), self.start.take(fence + 1)
        count -= begin
        count -= 1
        if not len(count):
            return
        done = np.cumsum(count)
        if done[-1] <= _EDGES_AT_ONCE:
            yield slice(0, len(fence)), Runs.of(begin, count)
            return
        last = 0
        while last < len(fence):
            before = done[last - 1] if last else 0
            end = max(int(np.searchsorted(done, before + _EDGES_AT_ONCE, side="right")), last + 1)
            yield slice(last, end), Runs.of(begin[last:end], count[last:end])
            last = end


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Edges of pairs, run after run.

    Attributes
    ----------
    edge : (E,) int64
        First vertex of each edge.
    first : (P,) int64
        Where each pair's run begins.
    count : (P,) int64
        How long it is, at least 1.
    """

    edge: Int64
    first: Int64
    count: Int64

    @classmethod
    def of(cls, begin: Int64, count: Int64) -> Self:
        """Runs of consecutive edges."""
        end = np.cumsum(count)
        first = end - count
        edge = np.repeat(begin - first, count)
        edge += np.arange(len(edge))
        return cls(edge=edge, first=first, count=count)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """Edges as seen from the positions: both ends, x and y apart, (E,) each, and the determinant of the two with its error."""

    ax: Float64
    ay: Float64
    bx: Float64
    by: Float64
    determinant: Float64
    error: Float64
    place: Complex128
    vertex: Complex128

    @classmethod
    def of(cls, vertex: Complex128, runs: Runs, place: Complex128) -> Self:
        each = np.repeat(place, runs.count)
        a = vertex.take(runs.edge)
        a -= each
        b = vertex.take(runs.edge + 1)
        b -= each
        ax, ay, bx, by = (np.ascontiguousarray(part) for part in (a.real, a.imag, b.real, b.imag))
        left, right = ax * by, ay * bx
        determinant = left - right
        np.abs(left, out=left)
        left += np.abs(right, out=right)
        left *= orientation.ERROR
        return cls(ax=ax, ay=ay, bx=bx, by=by, determinant=determinant, error=left, place=each, vertex=vertex)


def _is_inside(seen: _Seen, runs: Runs) -> Bool:
    """(P,) bool: inside or on the border.

    A ray to the east crosses the border an odd number of times; an edge holds its lower end and not its upper one, so that a vertex counts
    once (Hormann and Agathos 2001, The point in polygon problem for arbitrary polygons, doi:10.1016/S0925-7721(01)00012-8).
    """
    above_a, above_b = seen.ay > 0.0, seen.by > 0.0
    straddles = above_a != above_b
    determinant = seen.determinant
    doubtful = np.flatnonzero(straddles & (np.abs(determinant) <= seen.error))
    if len(doubtful):
        determinant = determinant.copy()
        edge = runs.edge[doubtful]
        determinant[doubtful] = orientation.signs(seen.vertex[edge], seen.vertex[edge + 1], seen.place[doubtful])
    crosses = straddles & np.where(above_b, determinant > 0.0, determinant < 0.0)
    inside = np.bitwise_xor.reduceat(crosses, runs.first)
    level = seen.ay == 0.0
    if len(doubtful) or level.any():
        on = straddles & (determinant == 0.0)
        on |= level & ((seen.ax == 0.0) | ((seen.by == 0.0) & ((seen.ax < 0.0) != (seen.bx < 0.0))))
        inside |= np.bitwise_or.reduceat(on, runs.first)
    return inside


def _distances(seen: _Seen, *, with_offset: bool) -> tuple[Float64, Float64 | None]:
    """Squared distances (E,) from edges, and if wanted the distances from their endless lines, above 0 to the left."""
    dx, dy = seen.bx - seen.ax, seen.by - seen.ay
    square = dx * dx
    square += dy * dy
    # An edge of no length is its first end.
    np.maximum(square, np.finfo(np.float64).tiny, out=square)
    share = seen.ax * dx
    share += seen.ay * dy
    share /= square
    np.negative(share, out=share)
    np.clip(share, 0.0, 1.0, out=share)
    offset = seen.determinant / np.sqrt(square) if with_offset else None
    dx *= share
    dx += seen.ax
    dy *= share
    dy += seen.ay
    dx *= dx
    dy *= dy
    dx += dy
    return dx, offset


def _sided(nearest: Float64, square: Float64, offset: Float64, runs: Runs) -> Float64:
    """Signed distances (P,) from lines, by the rule of `geofence.lines.signed_distance`."""
    limit = (nearest * (1.0 + 1e-12) + _TIE_M) ** 2
    tied = np.where(square <= np.repeat(limit, runs.count), offset, 0.0)
    left, right = np.maximum.reduceat(tied, runs.first), np.minimum.reduceat(tied, runs.first)
    return np.where(left >= -right, nearest, -np.maximum(nearest, OUTSIDE_M))


def _built(outlines: Outlines, begin: int) -> tuple[Float64, Int64, Complex128]:
    """Frames, counts of vertices, and vertices of some of the fences."""
    part = outlines.part(begin, min(begin + _BUILT_AT_ONCE, len(outlines)))
    check(part, begin)
    at = part.ring[part.fence[:-1]]
    frame = np.empty((len(part), 4))
    for column, degrees in ((LON, part.lon_deg), (LAT, part.lat_deg)):
        # Where a ring begins must not move the frame, so the centre is the middle of the extent.
        frame[:, column] = (np.minimum.reduceat(degrees, at) + np.maximum.reduceat(degrees, at)) / 2.0
    frame[:, EAST], frame[:, NORTH] = metres_per_degree(frame[:, LAT])
    count = np.diff(part.ring[part.fence])
    vertex = np.empty(len(part.lon_deg), np.complex128)
    vertex.real = short_way(part.lon_deg - np.repeat(frame[:, LON], count)) * np.repeat(frame[:, EAST], count)
    vertex.imag = (part.lat_deg - np.repeat(frame[:, LAT], count)) * np.repeat(frame[:, NORTH], count)
    return frame, *_closed(part, vertex)


def _closed(part: Outlines, vertex: Complex128) -> tuple[Int64, Complex128]:
    """Counts of vertices by fence, and the vertices, with rings closed and parted."""
    rings = np.diff(part.fence)
    first, last = part.ring[:-1], part.ring[1:] - 1
    is_open = (vertex[first] != vertex[last]) & ~np.repeat(part.is_line, rings)
    parted = np.ones(len(first), np.bool_)
    parted[part.fence[1:] - 1] = False
    added = is_open.astype(np.int64) + parted
    if not added.any():
        return np.diff(part.ring[part.fence]), vertex
    length = np.diff(part.ring) + added
    end = np.cumsum(length)
    closed = np.full(end[-1], complex(np.nan, np.nan))
    closed[np.arange(len(vertex)) + np.repeat(end - length - first, np.diff(part.ring))] = vertex
    closed[(end - 1 - parted)[is_open]] = vertex[first[is_open]]
    return np.diff(np.concatenate(([0], end))[part.fence]), closed
