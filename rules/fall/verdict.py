"""From the window around an impact to a verdict: the place where a better judge goes in.

Lying after a sharp change of gravity's direction is what tells a fall from a jump; gravity is what a low-pass leaves of the acceleration.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, sosfilt, sosfilt_zi

from devices.model import Bool, Float64, Placement
from rules.fall.thresholds import Measures, score
from rules.fall.windows import Window

BEFORE_S = 2.0
AFTER_S = 3.0
"""Reach of a window around the impact: the word falls 3 s after it, when somebody lies still or does not."""

GRAVITY_HZ = 0.5
"""Cut-off of the low-pass (Butterworth, 2nd order). Of 0.3, 0.5, 0.8 and 1.2 Hz the lower two told falls apart best; 0.5 settles sooner."""

COMMON_HZ = 50
"""Faster signals are averaged to about this, because a short spike is higher the faster one looks; the thresholds are for 50 Hz."""

KNOWN_S = 0.4
"""So much of the lying must have been received: no more is left where a 1-second packet is lost. What is missing shows no stillness."""

STILL_S = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A fall, how far beyond the limits, and why."""

    score: float
    measures: Measures


def judge(window: Window, placement: Placement) -> Verdict | None:
    """Whether the impact in the middle of a window is a fall; None if it is not, or if too little is known to say so.

    Parameters
    ----------
    window
        From `BEFORE_S` before the impact to `AFTER_S` after it.
    placement
        Where the device is worn.
    """
    known = ~np.isnan(window.accel_g[0])
    if known[-round(STILL_S * window.rate_hz) :].sum() < KNOWN_S * window.rate_hz:
        return None
    measures = measure(held(window.accel_g), known, window.centre, window.rate_hz)
    how_far = score(measures, placement)
    return None if how_far is None else Verdict(score=how_far, measures=measures)


def measure(accel_g: Float64, known: Bool, impact: int, rate_hz: float) -> Measures:
    """Measures of an impact.

    Parameters
    ----------
    accel_g : (3, W) float64
        In g, gravity included, no NaN.
    known : (W,) bool
        Which samples were received; the others are held ones.
    impact : int
        Column of the impact.
    rate_hz : float
        Sampling rate.
    """

    def at(seconds: float) -> int:
        return impact + round(seconds * rate_hz)

    lying = len(known) - round(STILL_S * rate_hz)
    width = max(1, round(rate_hz / COMMON_HZ))
    smooth_g = uniform_filter1d(accel_g, width, axis=1, mode="nearest") if width > 1 else accel_g
    magnitude_g = np.sqrt((smooth_g * smooth_g).sum(axis=0))
    low_pass, steady = _gravity_filter(rate_hz)
    # Started in its steady state on the window's own first sample: the answer depends on nothing before the window.
    gravity_g, _ = sosfilt(low_pass, accel_g, axis=1, zi=steady[:, None, :] * accel_g[None, :, :1])
    return Measures(
        impact_g=float(magnitude_g[impact - width : impact + width + 1].max()),
        lowest_g=float(magnitude_g[at(-1.0) : impact].min()),
        impulse_gs=float(np.maximum(magnitude_g[at(-0.5) : at(1.0)] - 1.0, 0.0).sum() / rate_hz),
        unrest_g=float(magnitude_g[lying:][known[lying:]].std()),
        angle_deg=_angle_deg(gravity_g[:, at(-1.5) : at(-0.5)].mean(axis=1), gravity_g[:, -round(rate_hz) :].mean(axis=1)),
    )


def held(accel_g: Float64) -> Float64:
    """(3, W) with each NaN replaced by the sample before it, and leading ones by the first sample that is known."""
    known = ~np.isnan(accel_g[0])
    source = np.maximum.accumulate(np.where(known, np.arange(len(known)), int(np.argmax(known))))
    filled: Float64 = accel_g[:, source]
    return filled


@lru_cache(maxsize=64)
def _gravity_filter(rate_hz: float) -> tuple[Float64, Float64]:
    low_pass = butter(2, GRAVITY_HZ, fs=rate_hz, output="sos")
    return low_pass, sosfilt_zi(low_pass)


def _angle_deg(one: Float64, other: Float64) -> float:
    """Between two directions; 0 where one of them is none."""
    lengths = float(np.sqrt((one * one).sum() * (other * other).sum()))
    return float(np.degrees(np.arccos(np.clip((one * other).sum() / lengths, -1.0, 1.0)))) if lengths > 0 else 0.0
