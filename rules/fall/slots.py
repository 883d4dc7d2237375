"""Samples as they are kept: 8 bytes each, x, y, z in whole milli-g and when.

Milli-g is what packed packets send, and finer than any worn sensor's noise. So the same numbers as text, as packed integers or in another
unit's decimals are the same samples.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.model import Bool, Float32, Int64

Int16 = NDArray[np.int16]
UInt16 = NDArray[np.uint16]

MG_PER_G = 1000

LARGEST_MG = 32_767
"""What is beyond is clipped, axis by axis: no worn sensor has a range above ±32 g."""

TICK_NS = 250_000
"""Unit of a sample's deviation from its device's even clock; with it 16 bits reach ±8.19 s."""

LARGEST_TICK = 32_767

_BIAS = 32_768
"""Added to a deviation that is kept, so that it is never 0: a slot of zeros was not received, and untouched memory is a hole."""


@dataclass(frozen=True, slots=True)
class Packed:
    """n samples of S stretches, one after another.

    Attributes
    ----------
    slots : (n,) int64
        Each four int16: x, y, z in milli-g, and its deviation; 0 where the sample is no number.
    mean_mg : (S,) float32
        Mean magnitude of a stretch, milli-g.
    squared_mg2 : (n,) float32
        Squared magnitudes, milli-g².
    is_high : (S,) bool
        Which stretches have a sample whose squared magnitude is at least what was asked for.
    """

    slots: Int64
    mean_mg: Float32
    squared_mg2: Float32
    is_high: Bool


def pack(accel_g: Float32, limits: Int64, ticks: Int64, gain: Float32, least_mg2: float) -> Packed:
    """Round samples to milli-g and pack them.

    Parameters
    ----------
    accel_g : (3, n) float32
        In g; clipped at ±32.767, a NaN is a sample that was not received.
    limits : (S + 1,) int64
        Stretch i is samples limits[i]:limits[i + 1]; the last is not empty.
    ticks : (S,) int64
        Deviation of each stretch's samples, at most `LARGEST_TICK` either way.
    gain : (S,) float32
        What the samples of each stretch are multiplied by.
    least_mg2 : float
        Squared magnitude from which on samples are high.
    """
    length = np.diff(limits)
    milli_g = np.multiply(accel_g, np.float32(MG_PER_G), dtype=np.float32)
    if (gain != 1).any():
        milli_g *= np.repeat(gain, length)  # times 1 is the same to the bit
    np.rint(milli_g, out=milli_g)
    columns = np.empty((milli_g.shape[1], 4), np.int16)
    squared_mg2 = _squared(milli_g)
    unknown: Bool | None = None
    if not squared_mg2.max() <= LARGEST_MG**2:  # also where there is a NaN
        unknown = np.isnan(squared_mg2)
        milli_g[:, unknown] = 0.0
        np.clip(milli_g, -LARGEST_MG, LARGEST_MG, out=milli_g)
        squared_mg2 = _squared(milli_g)
    whole_mg = milli_g.astype(np.int16)  # first in one go, then side by side: both at once costs twice as much
    for axis in range(3):
        columns[:, axis] = whole_mg[axis]
    usual = int(length[0])
    is_over: Bool = squared_mg2 >= least_mg2
    if len(columns) == usual * len(length) and (length == usual).all():
        columns.reshape(len(length), usual, 4)[:, :, 3] = biased(ticks)[:, None]
        is_high: Bool = np.logical_or.reduce(is_over.reshape(len(length), usual), axis=1)
    else:
        columns[:, 3] = np.repeat(biased(ticks), length)
        is_high = np.logical_or.reduceat(is_over, limits[:-1]) & (length > 0)
    if unknown is not None:
        columns[unknown] = 0
    mean_mg: Float32 = np.add.reduceat(np.sqrt(squared_mg2), limits[:-1])
    mean_mg /= np.maximum(length, 1)
    return Packed(columns.view(np.int64)[:, 0], mean_mg, squared_mg2, is_high)


def _squared(milli_g: Float32) -> Float32:
    """(n,) squared magnitudes of (3, n) samples."""
    total: Float32 = np.square(milli_g[0])
    square = np.square(milli_g[1])
    total += square
    total += np.square(milli_g[2], out=square)
    return total


def magnitude_mg2(samples: Int16) -> Float32:
    """(…) squared magnitudes, milli-g², of (…, 4) samples; 0 where nothing is known. Rounded as in `pack`: equal samples are equal."""
    total = np.square(samples[..., 0].astype(np.float32))
    for axis in (1, 2):
        total += np.square(samples[..., axis].astype(np.float32))
    return total


def biased(ticks: Int64) -> Int16:
    """Deviations as they are kept."""
    kept: Int16 = (ticks + _BIAS).astype(np.uint16).view(np.int16)
    return kept


def unbiased(kept: Int16) -> Int64:
    """Deviations of samples that are known."""
    ticks: Int64 = kept.astype(np.int64) % (2 * _BIAS) - _BIAS
    return ticks
