"""What a radar indoors tells of people outside a window, and of what is nobody. Knows nothing of any detector.

The radar stands at (0, 0) and looks along y; the line lies 2 m ahead of it, and people come from beyond it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Rng = np.random.Generator

LINE_M, HALF_M = 2.0, 3.0
"""How far ahead the line is, and how far it goes to either side."""
RATE_HZ = 10
SLOTS = 3
"""Targets of a frame (HLK-LD2450); one that is nobody's stands at (0, 0)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Radar:
    """How a radar errs.

    Attributes
    ----------
    sigma_m : float
        Standard deviation along each axis of what is there.
    ghosts_per_s : float
        How often a burst of a ghost begins: for so many frames (limits) at one place, anywhere beyond the line and at most `reach_m` away.
    curtain_m, swing_m, swing_hz, blows : float
        How far before the line a curtain hangs, by how much and how often it swings, and in what share of the minutes.
    """

    sigma_m: float = 0.2
    ghosts_per_s: float = 2.0 / 60.0
    ghost_frames: tuple[int, int] = (1, 3)
    reach_m: float = 6.0
    curtain_m: float = 0.8
    swing_m: float = 0.15
    swing_hz: float = 0.4
    blows: float = 0.25


def nobody(radar: Radar, rng: Rng, seconds: int) -> Float64:
    """Frames (F, 3, 2), metres right of the radar and ahead of it, of a window with nobody before it."""
    frames = np.zeros((seconds * RATE_HZ, SLOTS, 2))
    second = np.arange(len(frames)) / RATE_HZ
    swings = np.repeat(rng.random(-(-seconds // 60)) < radar.blows, 60 * RATE_HZ)[: len(frames)]
    ahead_m = LINE_M - radar.curtain_m + radar.swing_m * np.sin(2.0 * np.pi * radar.swing_hz * second)
    curtain = np.stack((np.ones_like(second), ahead_m), axis=1) + radar.sigma_m * rng.standard_normal((len(frames), 2))
    frames[:, 0] = np.where(swings[:, None], curtain, 0.0)
    _haunt(radar, rng, frames)
    return frames


def visitors(radar: Radar, rng: Rng, count: int, speed_mps: float = 1.0, apart_s: float = 40.0) -> tuple[Float64, Float64]:
    """Frames of people who come from 6 m through the line to 0.5 m, one after another, and when each is at the line, in seconds."""
    frames = np.zeros((round(count * apart_s * RATE_HZ), SLOTS, 2))
    walk_m = np.arange(radar.reach_m, 0.5, -speed_mps / RATE_HZ)
    begins = np.rint((np.arange(count) + rng.uniform(0.1, 0.3, count)) * apart_s * RATE_HZ).astype(np.int64)
    late_s = rng.uniform(0.0, 1.0 / RATE_HZ, count)
    for begin, late, x_m in zip(begins.tolist(), late_s.tolist(), rng.uniform(-1.5, 1.5, count).tolist(), strict=True):
        path = np.stack((np.full_like(walk_m, x_m), walk_m + late * speed_mps), axis=1)
        frames[begin : begin + len(path), 0] = path + radar.sigma_m * rng.standard_normal(path.shape)
    _haunt(radar, rng, frames)
    return frames, begins / RATE_HZ + late_s + (radar.reach_m - LINE_M) / speed_mps


def _haunt(radar: Radar, rng: Rng, frames: Float64) -> None:
    for begin in np.flatnonzero(rng.random(len(frames)) < radar.ghosts_per_s / RATE_HZ).tolist():
        lasts = int(rng.integers(radar.ghost_frames[0], radar.ghost_frames[1] + 1))
        frames[begin : begin + lasts, SLOTS - 1] = rng.uniform(-HALF_M, HALF_M), rng.uniform(LINE_M + radar.sigma_m, radar.reach_m)


def is_far(frames: Float64, beyond_m: float = 0.0) -> NDArray[np.bool_]:
    """Which targets are beyond the line by more than so much; of one at (0, 0) it is said too."""
    far: NDArray[np.bool_] = frames[..., 1] > LINE_M + beyond_m
    return far
