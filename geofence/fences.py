"""Fences as columns, each in its own metric frame: exact membership and signed distance of named pairs.

A vertex is x + iy, metres east and north of the middle of its fence's extent. Rings are closed; between two rings of one fence stands a
NaN, so that no edge joins them: what is computed of such an edge is NaN and counts for nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from geofence import orientation
from geofence.frames import metres_per_degree, short_way
from geofence.given import Outlines, check_extent, check_reach, check_rings

Float64 = NDArray[np.float64]
Complex128 = NDArray[np.complex128]
Int8 = NDArray[np.int8]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
Rows = NDArray[np.integer[Any]]
Structured = NDArray[np.void]

FENCE = np.dtype(
    [
        ("lon_deg", "f8"),
        ("lat_deg", "f8"),
        ("east_m_per_deg", "f8"),
        ("north_m_per_deg", "f8"),
        ("reach_m", "f8"),
        ("start", "i8"),
        ("edges", "i4"),
        ("half_east_m", "f4"),
        ("half_north_m", "f4"),
        ("is_line", "?"),
    ],
    align=True,
)
"""A fence: its frame, how far from it positions are near, its first vertex, how many edges follow, and how far it extends from the middle.
It fills 64 bytes, so that all that is asked of it comes with one line of the processor's cache."""

OUTSIDE_M = 1e-300
"""What lies outside is never at 0, however near."""
TIE_M = 1e-9
"""Distances are right to this."""
SLACK, SLACK_M = 1e-6, 1e-6
"""A fence's box is held in single precision, and a little larger than it is."""
_BUILT_AT_ONCE = 4096
_EDGES_AT_ONCE = 1 << 17
_SHORT = 8
_NO_LENGTH = np.finfo(np.float64).tiny


@dataclass(frozen=True, slots=True, kw_only=True)
class Fences:
    """Many fences.

    Attributes
    ----------
    fence : (M,) FENCE
        See there.
    vertex : (V,) complex128
        Metres in the fence's frame.
    """

    fence: Structured
    vertex: Complex128

    def __len__(self) -> int:
        return len(self.fence)

    @classmethod
    def of(cls, outlines: Outlines) -> Self:
        """Fences of these outlines.

        Raises
        ------
        OutlineError
            As `geofence.given.check`.
        """
        fence = np.zeros(len(outlines), FENCE)
        # Room to close and part every ring; what is not written costs no memory.
        vertex = np.empty(len(outlines.lon_deg) + 2 * (len(outlines.ring) - 1), np.complex128)
        size = 0
        for begin in range(0, len(outlines), _BUILT_AT_ONCE):
            part = outlines.part(begin, min(begin + _BUILT_AT_ONCE, len(outlines)))
            built = fence[begin : begin + len(part)]
            written = _build(part, begin, built, vertex[size:])
            built["start"] += size
            size += written
        return cls(fence=fence, vertex=vertex[:size])

    def pairs(self, lon_deg: Float64, lat_deg: Float64, fence: Rows) -> "Pairs":
        """Positions (P,) beside fences (P,)."""
        one = self.fence.take(fence)
        place = np.empty(len(one), np.complex128)
        np.multiply(short_way(lon_deg - one["lon_deg"]), one["east_m_per_deg"], out=place.real)
        np.multiply(lat_deg - one["lat_deg"], one["north_m_per_deg"], out=place.imag)
        return Pairs(fence=one, place=place, vertex=self.vertex)


class Pairs(NamedTuple):
    """Positions, each beside one fence and in its frame.

    Attributes
    ----------
    fence : (P,) FENCE
        The fence.
    place : (P,) complex128
        The same numbers as `Frame.metres` gives.
    vertex : (V,) complex128
        Of all fences.
    """

    fence: Structured
    place: Complex128
    vertex: Complex128

    def take(self, some: Int64) -> "Pairs":
        """Some of them."""
        return Pairs(fence=self.fence.take(some), place=self.place.take(some), vertex=self.vertex)

    def within(self, *, reach: bool) -> Int64:
        """Those in the box around their fence, or around what it reaches."""
        east_m, north_m = self.fence["half_east_m"].astype(np.float64), self.fence["half_north_m"].astype(np.float64)
        if reach:
            east_m += self.fence["reach_m"]
            north_m += self.fence["reach_m"]
        return ((np.abs(self.place.real) <= east_m) & (np.abs(self.place.imag) <= north_m)).nonzero()[0]

    def is_inside(self) -> Bool:
        """(P,) bool: in an area or on its border; none is in a line."""
        inside = np.empty(len(self.fence), np.bool_)
        for some, runs in self._runs():
            inside[some] = Seen.of(self.vertex, runs, self.place[some]).is_inside()
        inside &= ~self.fence["is_line"]
        return inside

    def signed_distance(self) -> Float64:
        """Metres (P,) from an area's border, above 0 inside and 0 on it; from a line, above 0 to its left."""
        distance_m = np.empty(len(self.fence), np.float64)
        for some, runs in self._runs():
            seen, is_line = Seen.of(self.vertex, runs, self.place[some]), self.fence["is_line"][some]
            nearest, left = seen.nearest(with_side=bool(is_line.any()))
            positive = seen.is_inside()
            if left is not None:
                positive = np.where(is_line, left, positive)
            distance_m[some] = signed(nearest, positive)
        return distance_m

    def passes(self, after: Complex128) -> Bool:
        """(P,) bool: the way from there to another place in the same frame touches or goes through an edge, as `geofence.lines.passes`."""
        met = np.empty(len(self.fence), np.bool_)
        for some, runs in self._runs():
            met[some] = Seen.of(self.vertex, runs, self.place[some]).is_passed(after[some])
        return met

    def _runs(self) -> Iterator[tuple[slice, "Runs"]]:
        """Pairs and all their fences' edges, as many at once as stay in the processor's cache."""
        if not len(self.fence):
            return
        begin, count = self.fence["start"], self.fence["edges"].astype(np.int64)
        done = np.cumsum(count)
        if done[-1] <= _EDGES_AT_ONCE:
            yield slice(None), Runs.of(begin, count)
            return
        last = 0
        while last < len(count):
            before = done[last - 1] if last else 0
            end = max(int(np.searchsorted(done, before + _EDGES_AT_ONCE, side="right")), last + 1)
            yield slice(last, end), Runs.of(begin[last:end], count[last:end])
            last = end


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Edges of pairs, run after run.

    Attributes
    ----------
    edge : (E,) integer
        First vertex of each edge.
    first : (P,) int64
        Where each pair's run begins.
    count : (P,) int64
        How long it is, at least 1.
    """

    edge: Rows
    first: Int64
    count: Int64

    @classmethod
    def of(cls, begin: Int64, count: Int64) -> Self:
        """Runs of consecutive edges."""
        end = np.cumsum(count)
        first = end - count
        edge = (begin - first).repeat(count)
        edge += np.arange(len(edge))
        return cls(edge=edge, first=first, count=count)


class Seen(NamedTuple):
    """Edges (E,) as seen from positions.

    Attributes
    ----------
    vertex : (V,) complex128
        Of all fences.
    runs : Runs
        Edges of each position (P,).
    place : (P,) complex128
        The positions.
    a, b : (E,) complex128
        Ends of the edges, from the position.
    determinant : (E,) float64
        Above 0 where the position is to the left of the edge.
    """

    vertex: Complex128
    runs: Runs
    place: Complex128
    a: Complex128
    b: Complex128
    determinant: Float64

    @classmethod
    def of(cls, vertex: Complex128, runs: Runs, place: Complex128) -> Self:
        """Edges of each run from one place (P,)."""
        each = place.repeat(runs.count)
        a = vertex.take(runs.edge)
        a -= each
        b = vertex.take(runs.edge + 1)
        b -= each
        return cls(vertex=vertex, runs=runs, place=place, a=a, b=b, determinant=(np.conj(a) * b).imag)

    def is_inside(self) -> Bool:
        """(P,) bool: inside or on the border.

        A ray to the east crosses the border an odd number of times; an edge holds its lower end and not its upper one, so that a vertex
        counts once (Hormann and Agathos 2001, The point in polygon problem for arbitrary polygons, doi:10.1016/S0925-7721(01)00012-8).
        """
        upwards = (self.b.imag > 0.0).view(np.int8) - (self.a.imag > 0.0).view(np.int8)
        inside = np.bitwise_xor.reduceat(upwards * self.determinant > 0.0, self.runs.first)
        # Every vertex of a ring begins an edge, so no determinant can err by more than one of this size.
        size_m = np.fmax.reduce(np.abs(self.a.view(np.float64)))
        doubtful = (np.abs(self.determinant) <= orientation.ERROR * 2.0 * size_m * size_m).nonzero()[0]
        if len(doubtful):
            self._decide(doubtful, upwards, inside)
        return inside

    def _decide(self, doubtful: Int64, upwards: Int8, inside: Bool) -> None:
        """Correct what a few determinants say of positions that are too near to 0 to be sure of their sign."""
        a, b = self.a.take(doubtful), self.b.take(doubtful)
        error = orientation.ERROR * (np.abs(a.real * b.imag) + np.abs(a.imag * b.real))
        near = (np.abs(self.determinant.take(doubtful)) <= error).nonzero()[0]
        doubtful, a, b = doubtful.take(near), a.take(near), b.take(near)
        pair = np.searchsorted(self.runs.first, doubtful, side="right") - 1
        edge = self.runs.edge.take(doubtful)
        sign = orientation.signs(self.vertex.take(edge), self.vertex.take(edge + 1), self.place.take(pair))
        upwards = upwards.take(doubtful)
        was, crosses = upwards * self.determinant.take(doubtful) > 0.0, upwards * sign > 0.0
        np.bitwise_xor.at(inside, pair, was ^ crosses)
        beside = (np.minimum(a.real, b.real) <= 0.0) & (np.maximum(a.real, b.real) >= 0.0)
        level = (np.minimum(a.imag, b.imag) <= 0.0) & (np.maximum(a.imag, b.imag) >= 0.0)
        inside[pair[(sign == 0.0) & beside & level]] = True

    def is_passed(self, after: Complex128) -> Bool:
        """(P,) bool: the way from the positions to others (P,) touches or goes through an edge, and not along it alone."""
        step, other = (after - self.place).repeat(self.runs.count), after.repeat(self.runs.count)
        begin, end = self.vertex.take(self.runs.edge) - other, self.vertex.take(self.runs.edge + 1) - other
        from_before, from_after = _cross(self.a, self.b), _cross(begin, end)
        apart = (from_before * from_after > 0.0) | (_cross(step, self.a) * _cross(step, self.b) > 0.0)
        # Of a movement along the very edge nothing above says whether the two meet: it is no passage, nor is one through a mere point.
        level = (from_before == 0.0) & (from_after == 0.0)
        # What joins two rings is no edge, and compares to nothing.
        met = ~apart & ~level & ~np.isnan(from_after)
        return np.bitwise_or.reduceat(met, self.runs.first)

    def nearest(self, *, with_side: bool) -> tuple[Float64, Bool | None]:
        """Distances (P,) in metres from the nearest edge and, if wanted, whether that is to its left.

        The side is decided by the rule of `geofence.lines.signed_distance`.
        """
        along = self.b - self.a
        length = along.real**2
        length += along.imag**2
        # An edge of no length is its first end.
        np.maximum(length, _NO_LENGTH, out=length)
        share = (np.conj(self.a) * along).real
        share /= length
        np.negative(share, out=share)
        np.clip(share, 0.0, 1.0, out=share)
        along *= share
        along += self.a
        square = along.real**2
        square += along.imag**2
        nearest: Float64 = np.sqrt(np.fmin.reduceat(square, self.runs.first))
        if not with_side:
            return nearest, None
        limit = (nearest * (1.0 + 1e-12) + TIE_M) ** 2
        # An edge of no length has no side, whatever the rounding of its determinant says.
        decides = (square <= np.repeat(limit, self.runs.count)) & (length > _NO_LENGTH)
        offset = np.where(decides, self.determinant / np.sqrt(length), 0.0)
        return nearest, np.maximum.reduceat(offset, self.runs.first) >= -np.minimum.reduceat(offset, self.runs.first)


def _cross(a: Complex128, b: Complex128) -> Float64:
    """Determinants (E,), each product rounded by itself: exactly 0 where both are the same, or one is 0."""
    return a.real * b.imag - a.imag * b.real


def signed(nearest: Float64, positive: Bool) -> Float64:
    """Distances (P,), below 0 where they are not positive."""
    return np.where(positive, nearest, -np.maximum(nearest, OUTSIDE_M))


def _build(part: Outlines, first: int, fence: Structured, vertex: Complex128) -> int:
    """Write some fences, and their vertices to the beginning of `vertex`; how many vertices."""
    check_rings(part, first)
    begin = part.ring[part.fence[:-1]]
    count = part.ring[part.fence[1:]] - begin
    # Most runs are short and alike, and reduceat is slow with those.
    ninth = 9 * len(count) // 10
    common = min(int(np.partition(count, ninth)[ninth]), _SHORT)
    (west, east), (south, north) = (_extremes(degrees, begin, count, common) for degrees in (part.lon_deg, part.lat_deg))
    check_extent(first, (west, east, south, north))
    # Where a ring begins must not move the frame, so the centre is the middle of the extent.
    lon_deg, lat_deg = (west + east) / 2.0, (south + north) / 2.0
    per_east, per_north = metres_per_degree(lat_deg)
    check_reach(first, east - west, part.reach_m / per_east)
    fence["lon_deg"], fence["lat_deg"] = lon_deg, lat_deg
    fence["east_m_per_deg"], fence["north_m_per_deg"] = per_east, per_north
    fence["half_east_m"] = (east - west) / 2.0 * per_east * (1.0 + SLACK) + SLACK_M
    fence["half_north_m"] = (north - south) / 2.0 * per_north * (1.0 + SLACK) + SLACK_M
    fence["reach_m"], fence["is_line"] = part.reach_m, part.is_line
    metres = np.empty(len(part.lon_deg), np.complex128)
    for column, degrees, middle_deg, per_deg in (
        (metres.real, part.lon_deg, lon_deg, per_east),
        (metres.imag, part.lat_deg, lat_deg, per_north),
    ):
        away_deg = degrees - np.repeat(middle_deg, count)
        np.multiply(away_deg, np.repeat(per_deg, count), out=column)
    size, metres = _closed(part, metres)
    end = np.cumsum(size)
    fence["start"], fence["edges"] = end - size, size - 1
    vertex[: len(metres)] = metres
    return len(metres)


def _extremes(values: Float64, begin: Int64, count: Int64, common: int) -> tuple[Float64, Float64]:
    """Smallest and largest (M,) of each run of values, most of which are no longer than is common."""
    low, high = values.take(begin), values.take(begin)
    last = begin + count - 1
    for step in range(1, common):
        one = values.take(np.minimum(begin + step, last))
        np.minimum(low, one, out=low)
        np.maximum(high, one, out=high)
    long = (count > common).nonzero()[0]
    if len(long):
        both = np.stack((begin[long], last[long]), axis=1).ravel()
        low[long] = np.minimum(np.minimum.reduceat(values, both)[::2], values.take(last[long]))
        high[long] = np.maximum(np.maximum.reduceat(values, both)[::2], values.take(last[long]))
    return low, high


def _closed(part: Outlines, vertex: Complex128) -> tuple[Int64, Complex128]:
    """Counts of vertices by fence, and the vertices, with rings closed and parted."""
    rings = np.diff(part.fence)
    first, last = part.ring[:-1], part.ring[1:] - 1
    is_open = ((part.lon_deg[first] != part.lon_deg[last]) | (part.lat_deg[first] != part.lat_deg[last])) & ~np.repeat(part.is_line, rings)
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
