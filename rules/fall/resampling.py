"""Windows at any rate, made into windows at 50 Hz without what is above 8 Hz.

Of a fall, what is above 8 Hz tells little and differs between devices, straps and rates; without it rates can be compared.
"""

from functools import lru_cache

import numpy as np
import scipy

from devices.model import Bool, Float32
from rules.fall.features import BEFORE, RATE_HZ

CUT_OFF_HZ = 8.0
LENGTH_S = 0.3
"""Of the filter: 15 coefficients at 50 Hz."""


def resampled(accel_g: Float32, rate_hz: float, before_s: float, after_s: float) -> Float32:
    """(K, 3, `BEFORE` + 1 + 50 `after_s`) of (K, 3, W): low-passed (Hamming window), linearly interpolated; the ends are held.

    Parameters
    ----------
    accel_g : (K, 3, W) float32
        No NaN; the impact is sample number `round(before_s * rate_hz)`.
    rate_hz : float
        Of the windows.
    before_s, after_s : float
        How far they reach.
    """
    # One matrix for everything: two linear steps, seen as what they make of each single sample.
    return accel_g @ _matrix(accel_g.shape[2], rate_hz, before_s, after_s)


def held(accel_g: Float32, known: Bool) -> Float32:
    """(K, 3, W) with what was not received replaced by the sample before it, and at the beginning by the first one that was.

    Parameters
    ----------
    accel_g : (K, 3, W) float32
        Not changed.
    known : (K, W) bool
        At least one in each window.
    """
    with_holes = np.flatnonzero(~known.all(axis=1))
    if not with_holes.size:
        return accel_g
    some = known[with_holes]
    source = np.maximum.accumulate(np.where(some, np.arange(some.shape[1]), -1), axis=1)
    source = np.where(source < 0, np.argmax(some, axis=1)[:, None], source)
    filled: Float32 = accel_g.copy()
    filled[with_holes] = np.take_along_axis(accel_g[with_holes], source[:, None, :], axis=2)
    return filled


@lru_cache(maxsize=64)
def _matrix(samples: int, rate_hz: float, before_s: float, after_s: float) -> Float32:
    """(W, T) whose product with samples is the resampled window."""
    each = np.eye(samples)
    if rate_hz > RATE_HZ:
        each = _low_passed(each, rate_hz)
    at_s = (np.arange(samples) - round(before_s * rate_hz)) / rate_hz
    wanted_s = np.arange(-BEFORE, round(after_s * RATE_HZ) + 1) / RATE_HZ
    matrix = scipy.interpolate.make_interp_spline(at_s, each, k=1, axis=1)(np.clip(wanted_s, at_s[0], at_s[-1]))
    if rate_hz <= RATE_HZ:
        matrix = _low_passed(matrix, RATE_HZ)
    made: Float32 = np.ascontiguousarray(matrix, np.float32)
    made.flags.writeable = False
    return made


def _low_passed(signals: np.ndarray, rate_hz: float) -> np.ndarray:
    taps = 2 * round(LENGTH_S * rate_hz / 2) + 1 if rate_hz > RATE_HZ else 15
    filtering = scipy.signal.firwin(taps, CUT_OFF_HZ, fs=rate_hz, window="hamming")
    return scipy.ndimage.convolve1d(signals, filtering, axis=1, mode="nearest")
