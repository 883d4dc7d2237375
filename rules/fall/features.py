"""What a window around an impact looks like, in numbers that no turning of the device changes.

The vertical is taken from the window itself: gravity's direction before the fall (`u0`) and at its end (`u1`). From these come channels,
one value a sample, and features, one value a window. Source of the idea: orientation-free fall features of Bourke, O'Brien and Lyons,
Gait & Posture 2007, 26(2):194, with the low-g integral of Wu, J. Biomech. 2000, 33(11):1497. They fail where gravity before the impact is
not known: an arm that swings hard for all of it.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.ndimage import uniform_filter1d

from devices.model import Float32, Float64

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


def outlines(accel_g: Float32) -> Float32:
    """(K, F): the window in strokes of a quarter of a second, for a first look that is cheap.

    Parameters
    ----------
    accel_g : (K, 3, T) float32
        As for `channels`.
    """
    count, _, length = accel_g.shape
    whole = length // _STROKE
    strokes = accel_g[:, :, : whole * _STROKE].reshape(count, 3, whole, _STROKE)
    mean_g = strokes.mean(axis=3)
    square = np.einsum("kist,kist->kst", strokes, strokes)
    u0 = _unit(mean_g[:, :, :_STROKES_BEFORE].mean(axis=2))[:, :, None]
    along = (mean_g * u0).sum(axis=1) / np.maximum(_norm(mean_g), 1e-6)
    return np.concatenate([np.sqrt(square.mean(axis=2)), np.sqrt(square.max(axis=2)), along], axis=1)


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
    table: dict[str, Float32] = {}
    for number, (first, end) in enumerate(itertools.pairwise(bounds)):
        for name, channel in of.named.items():
            part = channel[:, BEFORE + first : BEFORE + end]
            mean = part.mean(axis=1)
            table[f"{name}_mean{number}"] = mean
            table[f"{name}_std{number}"] = np.sqrt(np.maximum(np.square(part - mean[:, None]).mean(axis=1), 0))
            table[f"{name}_max{number}"] = part.max(axis=1)
            if name in {"m", "v", "v1"}:
                table[f"{name}_min{number}"] = part.min(axis=1)
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
