"""Directed polylines: side of, distance to, and movements through them.

All in one metric frame, positions (..., 2) east and north in metres. `Lines` asks many polylines at once, by the same rules.
"""

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from geofence.fences import Runs, Seen, signed

Float64 = NDArray[np.float64]
Complex128 = NDArray[np.complex128]
Bool = NDArray[np.bool_]

# Two segments that meet at a vertex are equally near to what lies outside their corner, but for rounding.
_TIE_M = 1e-9


def signed_distance(path: Float64, position: Float64) -> Float64:
    """Metres from a polyline, above 0 to its left, seen along its direction.

    Parameters
    ----------
    path : (K, 2) float64
        Vertices, K at least 2; vertices that repeat are skipped.
    position : (N, 2) float64
        NaN stays NaN.

    Returns
    -------
    (N,) float64
        The distance is to the segments. The side is that of the nearest one; outside a corner, where two are equally near, of
        the one whose endless line is further away, which is right for every turn of less than a half. Beyond an end the last
        segment goes on.
    """
    start, along, length_squared = _segments(path)
    away = position[:, None, :] - start
    share = np.clip((away * along).sum(axis=2) / length_squared, 0.0, 1.0)
    gap = away - share[..., None] * along
    distance = np.hypot(gap[..., 0], gap[..., 1])
    offset = _cross(along, away) / np.sqrt(length_squared)
    nearest = distance.min(axis=1)
    tied = distance <= (nearest * (1.0 + 1e-12) + _TIE_M)[:, None]
    deciding = np.argmax(np.where(tied, np.abs(offset), -1.0), axis=1)
    side = offset[np.arange(len(position)), deciding]
    signed: Float64 = np.where(side >= 0.0, nearest, -nearest) + 0.0 * side
    return signed


def passes(path: Float64, before: Float64, after: Float64) -> Bool:
    """Which movements touch or go through a polyline.

    A movement that touches a vertex or ends on the line counts, so that of movements joined end to end none slips through; pair
    it with the sides of the two ends to count each passage once.

    Parameters
    ----------
    path : (K, 2) float64
        Vertices, K at least 2.
    before, after : (N, 2) float64
        Where each movement begins and ends.

    Returns
    -------
    (N,) bool
    """
    start, along, _ = _segments(path)
    step = (after - before)[:, None, :]
    from_start = _cross(along, before[:, None, :] - start)
    to_end = _cross(along, after[:, None, :] - start)
    past_start = _cross(step, start - before[:, None, :])
    past_end = _cross(step, start + along - before[:, None, :])
    apart = (from_start * to_end > 0.0) | (past_start * past_end > 0.0)
    # Of a movement along the very line nothing above says whether the two meet; it is no passage.
    parallel = (from_start == 0.0) & (to_end == 0.0)
    met: Bool = np.any(~apart & ~parallel, axis=1)
    return met


class Lines:
    """Polylines (L,) in one frame.

    Parameters
    ----------
    paths : sequence of (K, 2) float64
        Vertices of each, K at least 2, which are not all the same.
    """

    def __init__(self, paths: Sequence[Float64]) -> None:
        parts = [_complex(path) for path in paths]
        self._vertex = np.concatenate(parts)
        self._count = np.array([len(part) - 1 for part in parts], np.int64)
        self._begin = np.cumsum(self._count + 1) - self._count - 1

    def seen(self, before: Float64, after: Float64) -> tuple[Float64, Bool]:
        """Movements (N, 2) to (N, 2): signed distances (L, N) of where each ends, and which (L, N) pass, as the functions here say."""
        lines, count = len(self._begin), len(before)
        runs = Runs.of(self._begin.repeat(count), self._count.repeat(count))
        start, end = (np.tile(_complex(places), lines) for places in (before, after))
        nearest, is_left = Seen.of(self._vertex, runs, end).nearest(with_side=True)
        passed = Seen.of(self._vertex, runs, start).is_passed(end)
        return signed(nearest, cast("Bool", is_left)).reshape(lines, count), passed.reshape(lines, count)


def _complex(places: Float64) -> Complex128:
    numbers: Complex128 = np.ascontiguousarray(places).view(np.complex128)[:, 0]
    return numbers


def _segments(path: Float64) -> tuple[Float64, Float64, Float64]:
    """Start (S, 2), vector (S, 2) and squared length (S,) of each segment that has a length."""
    along = np.diff(path, axis=0)
    length_squared = (along**2).sum(axis=1)
    real = length_squared > 0.0
    return path[:-1][real], along[real], length_squared[real]


def _cross(a: Float64, b: Float64) -> Float64:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
