"""What a camera over a window tells of people before it: boxes, seconds apart. Knows nothing of any detector.

The camera hangs `HEIGHT_M` above (0, 0), looks along y and down; the line lies `LINE_M` ahead of it, and people come from beyond it. Lens
and ground are as its calibration says; what errs is where a detector draws the lower edge of a person. No recording stands behind the
figures of `Camera`: that an edge is off by a share of the box is what a detector does whose boxes overlap the true ones by about nine
tenths, and a walker's lower edge is that of the foot that is nearer.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Rng = np.random.Generator

WIDTH_PX, HEIGHT_PX = 1280, 720
FOCAL_PX, DOWN_DEG, HEIGHT_M = 775.0, 25.0, 2.6
LINE_M, HALF_M, APPROACH_M = 4.0, 4.0, 1.5
"""How far ahead the line is, how far it goes to either side, and how near is near."""
_REACH_M, _NEAREST_M, _HALF_PATH_M = 12.0, 2.5, 4.5
_BROAD = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """How boxes err.

    Attributes
    ----------
    edge_share : float
        Standard deviation of an edge, as a share of the box.
    slow_share, slow_s : float
        Share of its variance that is a first-order autoregressive error, and how long that lasts.
    stride_m : float
        Standard deviation of the lower foot of somebody who walks, along each axis.
    hidden_per_s, hidden_s, hidden_share
        How often feet are hidden by something, for how long, and by which share of the box (limits).
    jitter : float
        Frames are as far apart as is said, more or less by this share.
    """

    edge_share: float = 0.03
    slow_share: float = 0.5
    slow_s: float = 3.0
    stride_m: float = 0.15
    hidden_per_s: float = 0.01
    hidden_s: tuple[float, float] = (1.0, 4.0)
    hidden_share: tuple[float, float] = (0.05, 0.3)
    jitter: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is told of one person.

    Attributes
    ----------
    time_s : (F,) float64
        Of each frame.
    box_px : (F, 4) float64
        Left, top, right and bottom.
    near_s, crossed_s : float
        When they came within `APPROACH_M`, and to the line; NaN of who does not.
    """

    time_s: Float64
    box_px: Float64
    near_s: float
    crossed_s: float


def comes(camera: Camera, rng: Rng, every_s: float, *, through: bool) -> Scene:
    """Somebody walks up from 12 m at 0.6 to 1.4 m/s: through the line, or to half a metre before it, where they stand for 10 s."""
    speed_mps, x_m, late_s = rng.uniform(0.6, 1.4), rng.uniform(-1.5, 1.5), rng.uniform(0.0, every_s)
    end_m = _NEAREST_M if through else LINE_M + 0.5
    walk_s = (_REACH_M - end_m) / speed_mps
    time_s = _frames(camera, rng, every_s, late_s, walk_s + (0.0 if through else 10.0))
    y_m = np.maximum(_REACH_M - speed_mps * time_s, end_m)
    near_s, crossed_s = ((_REACH_M - y) / speed_mps for y in (LINE_M + APPROACH_M, LINE_M))
    place_m = np.stack((np.full_like(y_m, x_m), y_m), axis=1)
    box_px = _boxes(camera, rng, time_s, place_m, time_s < walk_s)
    return Scene(time_s=time_s, box_px=box_px, near_s=near_s, crossed_s=crossed_s if through else math.nan)


def passes(camera: Camera, rng: Rng, every_s: float, seconds: float, away_m: float) -> Scene:
    """Somebody walks along the path all the time, to and fro, so far beyond what is near, at 1 m/s."""
    time_s = _frames(camera, rng, every_s, 0.0, seconds)
    x_m = np.abs((time_s + rng.uniform(0.0, 4.0 * _HALF_PATH_M)) % (4.0 * _HALF_PATH_M) - 2.0 * _HALF_PATH_M) - _HALF_PATH_M
    place_m = np.stack((x_m, np.full_like(x_m, LINE_M + APPROACH_M + away_m)), axis=1)
    walks = np.ones(len(time_s), np.bool_)
    return Scene(time_s=time_s, box_px=_boxes(camera, rng, time_s, place_m, walks), near_s=math.nan, crossed_s=math.nan)


def stands(camera: Camera, rng: Rng, every_s: float, seconds: float, before_m: float) -> Scene:
    """Somebody stands so far before the line, from the first frame on, and sways."""
    time_s = _frames(camera, rng, every_s, 0.0, seconds)
    place_m = np.array([rng.uniform(-1.5, 1.5), LINE_M + before_m]) + 0.1 * _wander(rng, time_s, 10.0, 2)
    walks = np.zeros(len(time_s), np.bool_)
    return Scene(time_s=time_s, box_px=_boxes(camera, rng, time_s, place_m, walks), near_s=math.nan, crossed_s=math.nan)


def picture(place_m: Float64, above_m: float = 0.0) -> Float64:
    """Pixels (N, 2), right and down, of points so far above places (N, 2) right and ahead, metres."""
    down = math.radians(DOWN_DEG)
    below = HEIGHT_M - above_m
    depth = place_m[:, 1] * math.cos(down) + below * math.sin(down)
    lower = below * math.cos(down) - place_m[:, 1] * math.sin(down)
    return np.stack((WIDTH_PX / 2 + FOCAL_PX * place_m[:, 0] / depth, HEIGHT_PX / 2 + FOCAL_PX * lower / depth), axis=1)


def _frames(camera: Camera, rng: Rng, every_s: float, first_s: float, end_s: float) -> Float64:
    gaps = every_s * rng.uniform(1.0 - camera.jitter, 1.0 + camera.jitter, math.ceil(end_s / (every_s * (1.0 - camera.jitter))) + 1)
    time_s = first_s + np.concatenate(([0.0], np.cumsum(gaps)))
    return time_s[time_s <= end_s]


def _boxes(camera: Camera, rng: Rng, time_s: Float64, place_m: Float64, walks: NDArray[np.bool_]) -> Float64:
    feet_m = place_m + camera.stride_m * walks[:, None] * rng.standard_normal(place_m.shape)
    feet, head = picture(feet_m), picture(place_m, rng.uniform(1.5, 1.8))
    tall = feet[:, 1] - head[:, 1]
    quick, slow = rng.standard_normal((len(time_s), 4)), _wander(rng, time_s, camera.slow_s, 4)
    edges = camera.edge_share * (math.sqrt(1.0 - camera.slow_share) * quick + math.sqrt(camera.slow_share) * slow)
    broad = _BROAD * tall
    left, right = feet[:, 0] + broad * (edges[:, 0] - 0.5), feet[:, 0] + broad * (edges[:, 1] + 0.5)
    bottom = feet[:, 1] + tall * (edges[:, 3] - _hidden(camera, rng, time_s))
    box = np.stack((left, head[:, 1] + tall * edges[:, 2], right, bottom), axis=1)
    return np.clip(box, 0.0, [WIDTH_PX, HEIGHT_PX, WIDTH_PX, HEIGHT_PX])


def _hidden(camera: Camera, rng: Rng, time_s: Float64) -> Float64:
    """Which share of the box is hidden in each frame."""
    hidden, seconds = np.zeros(len(time_s)), float(time_s[-1])
    for begin_s in rng.uniform(0.0, seconds, rng.poisson(camera.hidden_per_s * seconds)).tolist():
        end_s = begin_s + rng.uniform(*camera.hidden_s)
        hidden[(time_s >= begin_s) & (time_s < end_s)] = rng.uniform(*camera.hidden_share)
    return hidden


def _wander(rng: Rng, time_s: Float64, lasts_s: float, columns: int) -> Float64:
    """(F, columns): first-order autoregressive, with a deviation of 1."""
    white, keeps = rng.standard_normal((len(time_s), columns)), np.exp(-np.diff(time_s, prepend=time_s[0]) / lasts_s)
    wander = white.copy()
    for frame in range(1, len(time_s)):
        wander[frame] = keeps[frame] * wander[frame - 1] + math.sqrt(1.0 - keeps[frame] ** 2) * white[frame]
    return wander
