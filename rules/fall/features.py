"""What a window around an impact looks like, in numbers that no turning of the device changes.

The vertical is taken from the window itself: gravity's direction before the fall (`u0`) and at its end (`u1`). From these come channels,
one value a sample, and features, one value a window. Source of the idea: orientation-free fall features of Bourke, O'Brien and Lyons,
Gait & Posture 2007, 26(2):194, with the low-g integral of Wu, J. Biomech. 2000, 33(11):1497. They fail where gravity before the impact is
not known: an arm that swings hard for all of it.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.ndimage import uniform_filter1d

from devices.model import Float32, Float64, Int64

RATE_HZ: Final = 50
"""Of everything here."""
BEFORE: Final = 125
"""Samples before the impact; the impact is sample number `BEFORE`."""
CHANNELS: Final = ("m", "v", "h", "v1", "tilt", "turn", "dyn", "jerk")
"""Magnitude g; along `u0` g; across it g; along `u1` g; degrees of gravity from `u0`; rad/s of the acceleration's direction; what is left
without gravity g; g/s."""

_GRAVITY: Final = 41
"""Samples of the centred mean that is taken for gravity: 0.8 s."""
_PRE: Final = slice(BEFORE - 115, BEFORE - 40)
"""When the direction before the fall is taken: from 2.3 to 0.8 s before the impact."""
_TURN_MAX: Final = 12.0
_LEVELS_G: Final = (1.3, 1.6, 2.0, 2.5)
_BANDS_HZ: Final = ((0.4, 1.2), (1.2, 3.2), (3.2, 7.0), (7.0, 12.0))
_FFT: Final = 256
_LAGS: Final = tuple(range(15, 56, 2))
"""Of the autocorrelation: steps are 0.3 to 1.1 s apart."""
_STILL_G: Final = 0.08
_LOW_G: Final = (0.75, 0.5)
_FULL: Final = 150
_STROKE: Final = 12
_STROKES_BEFORE: Final = 7
"""Of the direction before the fall, in the outline: 1.7 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """Of K windows of T samples.

    Attributes
    ----------
    named : mapping of `CHANNELS` to (K, T) float32
    accel_g : (K, 3, T) float32
        What they were made of.
    after : int
        Samples after the impact; T is `BEFORE` + 1 + `after`.
    """

    named: Mapping[str, Float32]
    accel_g: Float32
    after: int

    def __getitem__(self, rows: Int64) -> "Channels":
        return replace(self, named={name: channel[rows] for name, channel in self.named.items()}, accel_g=self.accel_g[rows])

    @property
    def lie(self) -> int:
        """First sample of the end of the window, when it is known how somebody lies."""
        return _lie(self.after)


def channels(accel_g: Float32) -> Channels:
    """Channels of windows.

    Parameters
    ----------
    accel_g : (K, 3, T) float32
        At `RATE_HZ`, low-passed, g, no NaN, not changed.
    """
    after = accel_g.shape[2] - BEFORE - 1
    gravity_g = uniform_filter1d(accel_g, _GRAVITY, axis=2, mode="nearest")
    m = _norm(accel_g)
    u0 = _unit(accel_g[:, :, _PRE].mean(axis=2))[:, :, None]
    u1 = _unit(accel_g[:, :, _lie(after) :].mean(axis=2))[:, :, None]
    v = (accel_g * u0).sum(axis=1)
    step = np.zeros_like(accel_g)
    np.subtract(accel_g[:, :, 1:], accel_g[:, :, :-1], out=step[:, :, 1:])
    direction = accel_g / np.maximum(m, 1e-6)[:, None, :]
    swing = np.zeros_like(accel_g)
    np.subtract(direction[:, :, 1:], direction[:, :, :-1], out=swing[:, :, 1:])
    along = (gravity_g * u0).sum(axis=1) / np.maximum(_norm(gravity_g), 1e-6)
    named = {
        "m": m,
        "v": v,
        "h": np.sqrt(np.maximum(m * m - v * v, 0)),
        "v1": (accel_g * u1).sum(axis=1),
        "tilt": np.degrees(np.arccos(np.clip(along, -1, 1))),
        "turn": np.minimum(RATE_HZ * _norm(swing), _TURN_MAX),
        "dyn": _norm(accel_g - gravity_g),
        "jerk": RATE_HZ * _norm(step),
    }
    return Channels(named=named, accel_g=accel_g, after=after)


def outlines(accel_g: Float32, rate_hz: float, before_s: float, after_s: float) -> Float32:
    """(K, F): the window in strokes of a quarter of a second, for a first look that is cheap: each one's size, its top, its tilt.

    Parameters
    ----------
    accel_g : (K, 3, W) float32
        As received, at `rate_hz`, g, no NaN, not changed; from `before_s` before the impact to `after_s` after it. Fastest where the
        windows lie side by side in memory, sample by sample.
    """
    strokes = (BEFORE + 1 + round(after_s * RATE_HZ)) // _STROKE
    at = round(before_s * rate_hz)
    sample_g = accel_g.transpose(1, 2, 0)
    if rate_hz > RATE_HZ:  # what a sensor of 50 Hz would have seen: its tops are lower
        cell = np.array([max(0, at + round(rate_hz * (one - BEFORE - 0.5) / RATE_HZ)) for one in range(strokes * _STROKE + 1)])
        cell = np.minimum(cell, sample_g.shape[1])
        sample_g = np.add.reduceat(sample_g[:, : cell[-1]], cell[:-1], axis=1) / np.diff(cell)[:, None].astype(np.float32)
        at, rate_hz = BEFORE, RATE_HZ
    edge = [at + round(rate_hz * (_STROKE * stroke - BEFORE) / RATE_HZ) for stroke in range(strokes + 1)]
    sample_g = sample_g[:, edge[0] : edge[-1]]
    square = np.square(sample_g[0])
    square += np.square(sample_g[1])
    square += np.square(sample_g[2])
    begin, length = np.array(edge[:-1]) - edge[0], np.diff(edge)[:, None].astype(np.float32)
    mean_g = _strokewise(np.add, sample_g, begin) / length
    size = np.sqrt(_strokewise(np.add, square, begin) / length)
    top = np.sqrt(_strokewise(np.maximum, square, begin))
    u0 = mean_g[:, :_STROKES_BEFORE].mean(axis=1)
    u0 /= np.maximum(np.sqrt(np.square(u0).sum(axis=0)), 1e-6)
    along = (mean_g * u0[:, None]).sum(axis=0) / np.maximum(np.sqrt(np.square(mean_g).sum(axis=0)), 1e-6)
    table: Float32 = np.concatenate([size, top, along], dtype=np.float32).T
    return table


def _strokewise(reduce: np.ufunc, values: Float32, begin: Int64) -> Float32:
    """(…, S, K) of (…, W, K): over the samples of each stroke. Strokes of one length are done in half the time."""
    every, rest = divmod(values.shape[-2], len(begin))
    if not rest and (np.diff(begin) == every).all():
        return np.asarray(reduce.reduce(values.reshape(*values.shape[:-2], len(begin), every, -1), axis=-2), np.float32)
    return np.asarray(reduce.reduceat(values, begin, axis=-2), np.float32)


def images(of: Channels) -> Float32:
    """(K, 8, T): the channels as a network sees them, each of order 1; large values by their logarithm."""
    c = of.named
    rows = (
        _squeezed(2 * (c["m"] - 1)),
        _squeezed(2 * (c["v"] - 1)),
        _squeezed(2 * c["h"]),
        c["tilt"] / 60,
        _squeezed(c["turn"]),
        _squeezed(2 * (c["v1"] - 1)),
        _squeezed(c["jerk"] / 5),
        _squeezed(5 * c["dyn"]),
    )
    return np.stack(rows, axis=1).astype(np.float32)


def features(of: Channels) -> tuple[Float32, Sequence[str]]:
    """(K, F) and the F names."""
    table = {**_segments(of), **_impact(of), **_rhythm(of), **_posture(of)}
    return np.stack([np.asarray(column, np.float32) for column in table.values()], axis=1), list(table)


def _segments(of: Channels) -> dict[str, Float32]:
    """Mean, deviation and extremes of the channels before, while and after."""
    bounds = [-BEFORE, -50, -15, 15, 50, *((100, _FULL + 1) if of.after >= _FULL else (of.after + 1,))]
    every = np.stack(list(of.named.values()))
    table: dict[str, Float32] = {}
    for number, (first, end) in enumerate(itertools.pairwise(bounds)):
        part = every[:, :, BEFORE + first : BEFORE + end]
        mean = part.mean(axis=2)
        std = np.sqrt(np.square(part - mean[:, :, None]).mean(axis=2))
        top, bottom = part.max(axis=2), part.min(axis=2)
        for channel, name in enumerate(of.named):
            table[f"{name}_mean{number}"] = mean[channel]
            table[f"{name}_std{number}"] = std[channel]
            table[f"{name}_max{number}"] = top[channel]
            if name in {"m", "v", "v1"}:
                table[f"{name}_min{number}"] = bottom[channel]
    return table


def _impact(of: Channels) -> dict[str, Float32]:
    """Falling, hitting, and how often."""
    m = of.named["m"]
    falling, around = m[:, BEFORE - 75 : BEFORE], m[:, BEFORE - 25 : BEFORE + 50]
    pushed = np.cumsum(m[:, BEFORE - 10 : BEFORE + 50] - 1, axis=1) / RATE_HZ
    table = {
        "peak_g": m[:, BEFORE],
        "low_age": (60 - np.argmin(m[:, BEFORE - 60 : BEFORE], axis=1)).astype(np.float32),
        **{f"low{level}": (falling < level).sum(axis=1).astype(np.float32) for level in _LOW_G},
        "drop_m": _largest_rise(np.cumsum(1 - m[:, BEFORE - 75 : BEFORE - 3], axis=1) / RATE_HZ),
        "drop_v": _largest_rise(np.cumsum(1 - of.named["v"][:, BEFORE - 75 : BEFORE - 3], axis=1) / RATE_HZ),
        "impulse_max": pushed.max(axis=1),
        "impulse_end": pushed[:, -1],
        "energy": np.square(around - 1).sum(axis=1) / RATE_HZ,
    }
    for level in _LEVELS_G:
        is_above = m >= level
        rises = is_above[:, 1:] & ~is_above[:, :-1]
        table[f"above{level}"] = is_above[:, BEFORE - 25 : BEFORE + 50].sum(axis=1).astype(np.float32)
        parts = {"before": slice(0, BEFORE - 26), "while": slice(BEFORE - 25, BEFORE + 39), "after": slice(BEFORE + 40, None)}
        for name, part in parts.items():
            table[f"rises{level}_{name}"] = rises[:, part].sum(axis=1).astype(np.float32)
    return table


def _rhythm(of: Channels) -> dict[str, Float32]:
    """Steps before and after, by autocorrelation and by bands."""
    table: dict[str, Float32] = {}
    for name, part in (("before", of.named["m"][:, : BEFORE - 15]), ("after", of.named["m"][:, BEFORE + 40 :])):
        centred = part - part.mean(axis=1, keepdims=True)
        length = centred.shape[1]
        spectrum = np.fft.rfft(centred * np.hanning(length).astype(np.float32), _FFT, axis=1)
        power = (np.square(spectrum.real) + np.square(spectrum.imag)) / length
        frequency_hz = np.fft.rfftfreq(_FFT, 1 / RATE_HZ)
        for low, high in _BANDS_HZ:
            inside = (frequency_hz >= low) & (frequency_hz < high)
            table[f"power{low}_{name}"] = np.log(power[:, inside].mean(axis=1) + 1e-6).astype(np.float32)
        lags = [lag for lag in _LAGS if lag < length - 5]
        if lags:
            energy = np.square(centred).sum(axis=1) + 1e-4
            echo = np.stack([np.einsum("kt,kt->k", centred[:, lag:], centred[:, :-lag]) / energy for lag in lags], axis=1)
            table[f"echo_max_{name}"], table[f"echo_min_{name}"] = echo.max(axis=1), echo.min(axis=1)
    return table


def _posture(of: Channels) -> dict[str, Float32]:
    """From where to where gravity turned, and how still it then is."""
    a, m, dyn, lie = of.accel_g, of.named["m"], of.named["dyn"], of.lie
    before_g, end_g = a[:, :, _PRE].mean(axis=2), a[:, :, lie:].mean(axis=2)
    late = np.abs(m[:, BEFORE + 50 :] - 1)
    rank = round(0.9 * (late.shape[1] - 1))
    table = {
        "moved_g": np.sqrt(np.square(end_g - before_g).sum(axis=1)),
        "length_before_g": np.sqrt(np.square(before_g).sum(axis=1)),
        "length_end_g": np.sqrt(np.square(end_g).sum(axis=1)),
        "angle_deg": angle_deg(before_g, end_g),
        "settle_deg": angle_deg(a[:, :, BEFORE + 15 : BEFORE + 60].mean(axis=2), end_g),
        "quieter": dyn[:, lie:].mean(axis=1) / (dyn[:, : BEFORE - 40].mean(axis=1) + 0.03),
        "late90_g": np.partition(late, rank, axis=1)[:, rank],
        "still_after": (dyn[:, BEFORE + 50 :] < _STILL_G).mean(axis=1),
        "still_before": (dyn[:, : BEFORE - 40] < _STILL_G).mean(axis=1),
    }
    if of.after >= _FULL:
        table["drift_deg"] = angle_deg(a[:, :, BEFORE + 60 : BEFORE + 90].mean(axis=2), a[:, :, BEFORE + 125 :].mean(axis=2))
    return table


def angle_deg(one: Float32, other: Float32) -> Float32:
    """(K,) degrees between (K, 3) and (K, 3); 90 where one of them is nothing."""
    cosine = (_unit(one) * _unit(other)).sum(axis=1)
    degrees: Float32 = np.degrees(np.arccos(np.clip(cosine, -1, 1))).astype(np.float32)
    return degrees


def _lie(after: int) -> int:
    return BEFORE + after // 2 if after >= _FULL else BEFORE + round(0.53 * after)


def _norm(a: Float32) -> Float32:
    """(K, T) of (K, 3, T)."""
    length: Float32 = np.sqrt(np.einsum("kit,kit->kt", a, a))
    return length


def _unit(a: Float32) -> Float32:
    """(K, 3) of length 1."""
    unit: Float32 = a / np.maximum(np.sqrt(np.square(a).sum(axis=1, keepdims=True)), 1e-6)
    return unit


def _squeezed(x: Float32 | Float64) -> Float32:
    return np.copysign(np.log1p(np.abs(x)), x).astype(np.float32)


def _largest_rise(x: Float32 | Float64) -> Float32:
    """(K,) of (K, T): the most that a curve, which starts at 0, rises above where it was before."""
    rise: Float32 = (x - np.minimum(np.minimum.accumulate(x, axis=1), 0)).max(axis=1).astype(np.float32)
    return rise
