"""Positions that err as satellite receivers do, and people whose true place is known. Knows nothing of any detector."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Rng = np.random.Generator

BLOCK_S = 60
"""Random numbers are drawn for so many seconds at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """How a receiver errs, at one fix a second.

    Attributes
    ----------
    sigma_m : float
        Standard deviation along each axis, jumps apart.
    slow_share, slow_s : float
        Share of the variance that is first-order autoregressive, and its time constant; the rest is white.
    jump_rate : float
        Probability a second that a jump begins.
    jump_m, jump_s : (float, float)
        Limits of how far it goes, in a random direction, and of how long it lasts, which is rounded to fixes.
    accuracy, accuracy_jitter : float
        Reported accuracy in deviations, and by what share it varies, evenly, from fix to fix.
    honest_jumps : float
        Share of the jumps that report their own distance as accuracy.
    """

    sigma_m: float
    slow_share: float = 0.7
    slow_s: float = 30.0
    jump_rate: float = 0.01
    jump_m: tuple[float, float] = (20.0, 80.0)
    jump_s: tuple[float, float] = (1.0, 5.0)
    accuracy: float = 1.5
    accuracy_jitter: float = 0.25
    honest_jumps: float = 0.5


class Errors:
    """Errors of many receivers of one make, second by second.

    Parameters
    ----------
    receiver
        How they err.
    rngs
        One generator for each group of receivers: what a group draws depends on its own alone.
    size
        Receivers in a group.
    """

    def __init__(self, receiver: Receiver, rngs: Sequence[Rng], size: int) -> None:
        self._receiver, self._rngs, self._size = receiver, rngs, size
        self._slow = self._normal(2) * np.sqrt(receiver.slow_share) * receiver.sigma_m
        count = len(rngs) * size
        self._left_s = np.zeros(count, np.int64)
        self._jump = np.zeros((2, count))
        self._reported = np.zeros(count)
        self._block: list[Float64] = []
        self._at = BLOCK_S

    def step(self) -> tuple[Float64, Float64]:
        """Errors (2, N) m along both axes and reported accuracies (N,) m of the next second."""
        one = self._receiver
        if self._at == BLOCK_S:
            self._block = [self._normal(2 * BLOCK_S), self._normal(2 * BLOCK_S), self._uniform(6 * BLOCK_S)]
            self._at = 0
        pair = slice(2 * self._at, 2 * self._at + 2)
        begins, distance, angle, lasts, honest, jitter = self._block[2][6 * self._at : 6 * self._at + 6]
        keeps = np.exp(-1.0 / one.slow_s)
        slow_m = np.sqrt(one.slow_share) * one.sigma_m
        self._slow = keeps * self._slow + np.sqrt(1.0 - keeps**2) * slow_m * self._block[0][pair]
        quick = np.sqrt(1.0 - one.slow_share) * one.sigma_m * self._block[1][pair]
        self._at += 1
        is_new = begins < one.jump_rate
        far_m = one.jump_m[0] + (one.jump_m[1] - one.jump_m[0]) * distance
        heading = 2.0 * np.pi * angle
        self._jump = np.where(is_new, far_m * np.stack((np.cos(heading), np.sin(heading))), self._jump)
        seconds = np.rint(one.jump_s[0] + (one.jump_s[1] - one.jump_s[0]) * lasts).astype(np.int64)
        self._left_s = np.where(is_new, seconds, self._left_s)
        self._reported = np.where(is_new, np.where(honest < one.honest_jumps, far_m, 0.0), self._reported)
        jumps = self._left_s > 0
        accuracy_m = one.accuracy * one.sigma_m * (1.0 + one.accuracy_jitter * (2.0 * jitter - 1.0))
        accuracy_m = np.where(jumps & (self._reported > 0.0), self._reported, accuracy_m)
        error_m = self._slow + quick + np.where(jumps, self._jump, 0.0)
        self._left_s = np.maximum(self._left_s - 1, 0)
        return error_m, accuracy_m

    def _normal(self, rows: int) -> Float64:
        return np.concatenate([rng.standard_normal((rows, self._size)) for rng in self._rngs], axis=1)

    def _uniform(self, rows: int) -> Float64:
        return np.concatenate([rng.random((rows, self._size)) for rng in self._rngs], axis=1)


HALF_M = 30.0
"""Half the side of the square, whose middle is at (0, 0)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Where somebody truly is, second by second, for many people.

    Attributes
    ----------
    place_m : (T, 2, N) or (T, 2, 1) float64
        Metres from the middle of the square.
    crossed_s : (N,) float64
        When they go through its edge; NaN for nobody.
    to_inside : (N,) bool
        Which way.
    """

    place_m: Float64
    crossed_s: Float64
    to_inside: NDArray[np.bool_]


def stays(count: int, seconds: int, outside_m: float = 5.0) -> Walk:
    """Stand so far outside of the middle of an edge."""
    place_m = np.broadcast_to(np.array([[HALF_M + outside_m], [0.0]]), (seconds, 2, 1))
    return Walk(place_m=place_m, crossed_s=np.full(count, np.nan), to_inside=np.zeros(count, np.bool_))


def paces(count: int, seconds: int, outside_m: float = 5.0, speed_mps: float = 1.0) -> Walk:
    """Walk to and fro along an edge, so far outside, for hours."""
    way_m = np.abs((np.arange(seconds) * speed_mps + 25.0) % 100.0 - 50.0) - 25.0
    place_m = np.stack((np.full(seconds, HALF_M + outside_m), way_m), axis=1)[..., None]
    return Walk(place_m=place_m, crossed_s=np.full(count, np.nan), to_inside=np.zeros(count, np.bool_))


def crosses(count: int, speed_mps: float = 1.0, after_s: int = 60, stays_s: int = 300) -> Walk:
    """Go through the middle of an edge: every other person from 60 m outside to the middle, the others from there to 60 m outside.

    They stand for `after_s` before and for `stays_s` afterwards.
    """
    walked_m = np.clip((np.arange(after_s + round(90.0 / speed_mps) + stays_s) - after_s) * speed_mps, 0.0, 90.0)
    to_inside = np.arange(count) % 2 == 0
    east_m = np.where(to_inside, 90.0 - walked_m[:, None], walked_m[:, None])
    place_m = np.stack((east_m, np.zeros_like(east_m)), axis=1)
    return Walk(place_m=place_m, crossed_s=after_s + np.where(to_inside, 60.0, HALF_M) / speed_mps, to_inside=to_inside)


def inside_m(x_m: Float64, y_m: Float64) -> Float64:
    """Signed distance from the edge of the square, above 0 inside."""
    x, y = np.abs(x_m) - HALF_M, np.abs(y_m) - HALF_M
    return -(np.hypot(np.maximum(x, 0.0), np.maximum(y, 0.0)) + np.minimum(np.maximum(x, y), 0.0))
