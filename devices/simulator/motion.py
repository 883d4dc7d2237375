"""What a wearable on a wrist feels: invented accelerations, shaped like those of people.

Every signal is (3, N) float64 in g at `RATE_HZ`, device axes, gravity included; it begins with gravity in the direction that is given.
Directions are unit vectors (3,). Walking has the step's rhythm and its first harmonic, and the arm swings at half of it (Moe-Nilssen and
Helbostad, J Biomech 2004, 37(1):121). A fall is the scheme of Noury et al., EMBC 2007: weightless, impact, lying still another way up.
The detector is made for people, not for these: that it finds them says nothing about how good it is (docs/explanation/falls.md).
"""

import numpy as np

from devices.model import Float64
from devices.simulator.model import RATE_HZ

HANGING: Float64 = np.array([0.98, 0.1, -0.17])
"""An arm that hangs: the forearm is the x axis."""
RESTING: Float64 = np.array([0.17, 0.1, 0.98])
"""A hand in the lap or on a table: the dial looks up."""

_NOISE_G = 0.008
_TURN_S = 1.2
_FREE_FALL_S, _FREE_FALL_G = 0.4, 0.25
_IMPACT_S, _BOUNCE_S, _RING_S = 0.18, 0.14, 0.5
"""An impact and its bounce take up what 0.4 s of falling gathered: about 0.4 g s."""
_RELEASE_S = 0.1


def near(rng: np.random.Generator, direction: Float64, spread: float = 0.15) -> Float64:
    """A direction that differs a little, as no two wrists are alike."""
    moved = direction + rng.normal(0.0, spread, 3)
    unit: Float64 = moved / np.linalg.norm(moved)
    return unit


def still(rng: np.random.Generator, samples: int, gravity: Float64, *, sway_g: float = 0.01) -> Float64:
    """Sitting, sleeping or lying: breath, tremor and the sensor's noise."""
    breath = sway_g * np.sin(2 * np.pi * (0.25 * _seconds(samples) + rng.random()))
    return gravity[:, None] * (1.0 + breath) + _noise(rng, samples)


def turned(rng: np.random.Generator, samples: int, begin: Float64, end: Float64) -> Float64:
    """The wrist turns slowly from one direction to another; it has arrived at the end of the signal."""
    return _path(begin, end, _eased(np.linspace(0.0, 1.0, samples))) + _noise(rng, samples)


def gesture(rng: np.random.Generator, samples: int, gravity: Float64) -> Float64:
    """Lift a cup, turn a page, wave: the wrist turns away, is busy there, and comes back."""
    edge = min(round(_TURN_S * RATE_HZ), samples // 2)
    share = np.interp(np.arange(samples), (0, edge, samples - 1 - edge, samples - 1), (0.0, 1.0, 1.0, 0.0))
    seconds = _seconds(samples)
    busy_g = rng.uniform(0.05, 0.25) * np.sin(2 * np.pi * (rng.uniform(1.0, 3.0) * seconds + rng.random())) * share
    return _path(gravity, near(rng, gravity, 0.6), _eased(share)) * (1.0 + busy_g) + _noise(rng, samples)


def walking(rng: np.random.Generator, samples: int, gravity: Float64) -> Float64:
    """Steps of somebody old: 1.4 to 1.8 a second, with an arm that swings a little."""
    cadence_hz, phase = rng.uniform(1.4, 1.8), rng.random()
    steps = cadence_hz * _seconds(samples) + phase
    ramp = np.minimum(1.0, np.minimum(np.arange(samples), np.arange(samples)[::-1]) / (RATE_HZ / 2))
    bounce_g = rng.uniform(0.12, 0.22) * np.sin(2 * np.pi * steps) + rng.uniform(0.04, 0.1) * np.sin(4 * np.pi * steps + 0.8)
    swing = rng.uniform(0.15, 0.3) * np.sin(np.pi * steps) * ramp
    across = _across(gravity, rng.normal(0.0, 1.0, 3))
    return _path(gravity, across, swing * 2 / np.pi) * (1.0 + bounce_g * ramp) + _noise(rng, samples, 3 * _NOISE_G)


def fall(rng: np.random.Generator, standing: Float64) -> tuple[Float64, Float64]:
    """A fall, and the direction in which gravity then points.

    Returns
    -------
    accel_g : (3, N) float64
        From losing the ground to lying.
    lying : (3,) float64
        At least 60 degrees from `standing`.
    """
    angle = np.radians(rng.uniform(60.0, 110.0))
    lying: Float64 = np.cos(angle) * standing + np.sin(angle) * _across(standing, rng.normal(0.0, 1.0, 3))
    falling, impact, bounce, ring = (round(s * RATE_HZ) for s in (_FREE_FALL_S, _IMPACT_S, _BOUNCE_S, _RING_S))
    edge = round(_RELEASE_S * RATE_HZ)
    weightless = np.interp(np.arange(falling), (0, edge), (0.9, _FREE_FALL_G))
    peak_g, second_g = rng.uniform(3.8, 5.2), rng.uniform(1.8, 2.3)
    ringing = 1.0 + 0.3 * np.exp(-np.linspace(0.0, 5.0, ring)) * np.sin(2 * np.pi * 7.0 * _seconds(ring))
    magnitude_g = np.concatenate([weightless, _thud(impact, peak_g), _thud(bounce, second_g), ringing])
    share = np.interp(np.arange(len(magnitude_g)), (0, falling + impact, len(magnitude_g) - 1), (0.0, 0.9, 1.0))
    return _path(standing, lying, share) * magnitude_g + _noise(rng, len(magnitude_g)), lying


def _thud(samples: int, peak_g: float) -> Float64:
    """Magnitude (N,): half a sine from 1 g up and back; a bounce begins a little below."""
    return 0.9 + (peak_g - 0.9) * np.sin(np.pi * (np.arange(samples) + 0.5) / samples)


def _path(begin: Float64, end: Float64, share: Float64) -> Float64:
    """Directions (3, N) on the great circle through two of them: share 0 is the one, 1 the other."""
    angle = np.arccos(np.clip(begin @ end, -1.0, 1.0)) * share
    return begin[:, None] * np.cos(angle) + _across(begin, end)[:, None] * np.sin(angle)


def _across(direction: Float64, towards: Float64) -> Float64:
    """The unit vector at right angles to a direction, on the side of another one."""
    side = towards - (towards @ direction) * direction
    length = np.linalg.norm(side)
    if length < 1e-6:  # noqa: PLR2004  they are parallel: any side will do
        return _across(direction, np.roll(direction, 1) + np.array([0.0, 0.1, 0.3]))
    unit: Float64 = side / length
    return unit


def _eased(share: Float64) -> Float64:
    """No jerk at either end."""
    return share * share * (3.0 - 2.0 * share)


def _seconds(samples: int) -> Float64:
    return np.arange(samples) / RATE_HZ


def _noise(rng: np.random.Generator, samples: int, deviation_g: float = _NOISE_G) -> Float64:
    return rng.normal(0.0, deviation_g, (3, samples))
