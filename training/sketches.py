"""Falls and other moments as somebody would sketch them: a few phases, straight from one to the next, and hardly any noise.

Simulators, tests of devices and demonstrations send such streams: stand or walk evenly, weigh less for a while, be hit, lie another way up
and do not move at all. No recording of people is so plain, and a judge that has seen only people, and mishaps set against them, need not
know it for what it is. All of it is drawn here over wide ranges, and beside the falls the same phases in which nobody comes to lie. The
numbers are from what a fall is, and not from any stream in particular: a body loses up to all of its weight for 0.1 to 1 s, is stopped by
1 to 12 g within 0.02 to 0.25 s, and comes to lie 45 to 150 degrees from how it was.

As `training.mishaps`: learnt from, and never judged in cross-validation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.spatial.transform import Rotation

from devices.model import Float64, Placement
from devices.simulator import motion
from rules.fall.recordings import RATE_HZ
from training.candidates import REACH, Candidates, peaks

NAME: Final = "sketches"
FALLS_SHARE: Final = 0.4

_SECONDS: Final = 14.0
_AT_S: Final = 6.0
_TIMES: Final = np.arange(round(_SECONDS * RATE_HZ)) / RATE_HZ
_NEAR_S: Final = 0.7
_BODY: Final = (Placement.WRIST, Placement.WAIST)


def sketches(count: int, rng: np.random.Generator) -> Candidates:
    """Impacts of this many sketches: of falls the fall's, of the others every one."""
    windows, rows = [], []
    for number in range(count):
        is_fall = bool(rng.random() < FALLS_SHARE)
        accel_g = _fall(rng) if is_fall else _OTHERS[int(rng.integers(len(_OTHERS)))](rng)
        accel_g = np.round(accel_g + rng.normal(0, 1, accel_g.shape) * rng.choice([0.0, rng.uniform(0, 0.03)], p=[0.2, 0.8]), 3)
        impacts = peaks(np.sqrt(np.square(accel_g).sum(axis=0)))
        for impact in impacts.tolist():
            label = (1 if abs(impact / RATE_HZ - _AT_S) <= _NEAR_S else -1) if is_fall else 0
            windows.append(accel_g[:, np.clip(np.arange(impact - REACH[0], impact + REACH[1] + 1), 0, len(_TIMES) - 1)])
            rows.append((number, impact, label, len(_TIMES) - 1 - impact))
    table = np.array(rows, np.int64).reshape(-1, 4)
    return Candidates(
        accel_g=np.stack(windows).astype(np.float32),
        recording=table[:, 0],
        sample=table[:, 1],
        label=table[:, 2],
        after=table[:, 3],
        subject=np.full(len(table), NAME),
        placement=Placement.UNKNOWN,
    )


# --- What is drawn, (3, S) g at `RATE_HZ` ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hit:
    """Peak, in g over what is felt anyhow, how long the whole of it lasts, and its outline."""

    peak_g: float
    lasts_s: float
    outline: Callable[[Float64], Float64]


_OUTLINES: Final[tuple[Callable[[Float64], Float64], ...]] = (
    np.ones_like,
    np.ones_like,
    lambda share: np.sin(np.pi * share),
    lambda share: np.exp(-0.5 * ((share - 0.5) / 0.17) ** 2),
    lambda share: np.exp(-3 * share),
    lambda share: 1 - np.abs(2 * share - 1),
)


def _fall(rng: np.random.Generator) -> Float64:
    """Before it, less weight, one to three hits, perhaps some rolling, and lying."""
    up = _direction(rng)
    lies = _turned_by(rng, up, float(np.clip(rng.normal(88, 20), 45, 150)))
    sinks_s = rng.uniform(0.15, 1.0) if rng.random() < 0.92 else 0.0
    low = rng.uniform(0.1, 0.6) if rng.random() < 0.8 else rng.uniform(0.0, 0.1)
    hit = _hit(rng, hardest_g=np.exp(rng.uniform(np.log(1.2), np.log(11))))
    accel_g = _before(rng, up)
    sinking = (_AT_S - sinks_s <= _TIMES) & (_TIMES < _AT_S)
    accel_g[:, sinking] = low * _between(rng, up, lies)
    lying = _AT_S <= _TIMES
    accel_g[:, lying] = lies[:, None] * (1 + rng.choice([0.0, rng.uniform(0, 0.02)]) * np.sin(2 * np.pi * 0.27 * _TIMES[lying]))
    if rng.random() < 0.4:  # it turns while it happens, and not at once
        lasts_s = rng.uniform(0.2, 1.2)
        share = np.clip((_TIMES - _AT_S + rng.uniform(0, 1) * lasts_s) / lasts_s, 0, 1)
        path = _unit(up[:, None] * (1 - share) + lies[:, None] * share)
        moving = (share > 0) & (share < 1)
        weight = np.where(sinking, low, 1.0)
        accel_g[:, moving] = (path * weight)[:, moving]
    at_s, towards = _AT_S, _between(rng, up, lies)[:, 0]
    replaces = rng.random() < 0.6
    for _ in range(int(rng.choice([1, 2, 3], p=[0.65, 0.25, 0.1]))):
        accel_g = _struck(accel_g, at_s, hit, towards, replaces=replaces)
        at_s += hit.lasts_s + rng.uniform(0.0, 0.5)
        towards = _between(rng, towards, lies)[:, 0]
        hit = _Hit(peak_g=hit.peak_g * rng.uniform(0.1, 0.6), lasts_s=hit.lasts_s * rng.uniform(0.7, 2), outline=hit.outline)
    if rng.random() < 0.35:
        dying = np.where(at_s <= _TIMES, np.exp(-np.maximum(_TIMES - at_s, 0) / rng.uniform(0.1, 0.8)), 0)
        accel_g += rng.uniform(0.05, 0.6) * dying * _trembling(rng)
    if rng.random() < 0.3:
        accel_g += rng.uniform(0, 0.04) * (_TIMES >= _AT_S + 0.5) * _trembling(rng)
    return accel_g


def _knocked(rng: np.random.Generator) -> Float64:
    """Hit, and then as before: a table, a clap, a jump, a chair."""
    up = _direction(rng)
    accel_g = _before(rng, up)
    if rng.random() < 0.5:  # then it is all quiet, and nearly the same way up
        stays = _turned_by(rng, up, rng.uniform(0, 20))
        accel_g[:, _TIMES >= _AT_S] = stays[:, None]
    elif rng.random() < 0.5:
        accel_g[:, _TIMES >= _AT_S + 1] = _before(rng, up)[:, _TIMES >= _AT_S + 1]
    if rng.random() < 0.4:
        sinking = (_AT_S - rng.uniform(0.05, 0.5) <= _TIMES) & (_TIMES < _AT_S)
        accel_g[:, sinking] = rng.uniform(0, 0.95) * up[:, None]
    at_s, every_s = _AT_S, rng.uniform(0.2, 1.2)
    hit, replaces, towards = _hit(rng, hardest_g=np.exp(rng.uniform(np.log(0.6), np.log(8)))), rng.random() < 0.5, _direction(rng)
    towards = towards if rng.random() < 0.5 else up
    for _ in range(int(rng.choice([1, 2, 4, 10], p=[0.5, 0.2, 0.15, 0.15]))):
        accel_g = _struck(accel_g, at_s, hit, towards, replaces=replaces)
        at_s += every_s
    return accel_g


def _seated(rng: np.random.Generator) -> Float64:
    """Down onto a chair or a bed, gently enough: hardly any weight is lost, and what stops it is soft."""
    up = _direction(rng)
    accel_g = _before(rng, up)
    sits = _turned_by(rng, up, rng.uniform(0, 95))
    lasts_s = rng.uniform(0.1, 1.5)
    share = np.clip((_TIMES - _AT_S + lasts_s) / lasts_s, 0, 1)
    after = share > 0
    accel_g[:, after] = _unit(up[:, None] * (1 - share) + sits[:, None] * share)[:, after]
    sinking = (_AT_S - rng.uniform(0.1, 0.5) <= _TIMES) & (_TIMES < _AT_S)
    accel_g[:, sinking] *= rng.uniform(0.65, 1.0)
    return _struck(accel_g, _AT_S, _hit(rng, hardest_g=rng.uniform(0.5, 1.3), shortest_s=0.06), sits, replaces=False)


def _caught(rng: np.random.Generator) -> Float64:
    """A stumble: less weight, a hit, perhaps bent down for a moment, and on as before."""
    up = _direction(rng)
    accel_g = _before(rng, up, walks=True)
    bent = _turned_by(rng, up, rng.uniform(10, 90))
    begin_s, end_s = _AT_S - rng.uniform(0, 0.5), _AT_S + rng.uniform(0.3, 1.6)
    away = np.clip(np.minimum(_TIMES - begin_s, end_s - _TIMES) / 0.2, 0, 1)
    accel_g = accel_g * (1 - away) + _unit(up[:, None] * (1 - away) + bent[:, None] * away) * away
    sinking = (_AT_S - rng.uniform(0.1, 0.4) <= _TIMES) & (_TIMES < _AT_S)
    accel_g[:, sinking] *= rng.uniform(0.2, 0.9)
    return _struck(accel_g, _AT_S, _hit(rng, hardest_g=rng.uniform(0.8, 4.0)), up, replaces=False)


def _dropped(rng: np.random.Generator) -> Float64:
    """A device let go: it weighs nothing, a hard floor stops it within a sample or two, it hops, and nothing moves it any more."""
    up = _direction(rng)
    accel_g = _before(rng, up, walks=bool(rng.random() < 0.2))
    held = (_AT_S - rng.uniform(0.5, 3) <= _TIMES) & (_TIMES < _AT_S)
    if rng.random() < 0.7:
        accel_g = accel_g + rng.uniform(0.03, 0.25) * held * _trembling(rng)
    at_s, flies_s, peak_g = _AT_S, rng.uniform(0.2, 0.6), rng.uniform(3, 16)
    lies = _direction(rng)
    accel_g[:, at_s - flies_s <= _TIMES] = lies[:, None]
    for _ in range(int(rng.integers(1, 5))):
        accel_g[:, (at_s - flies_s <= _TIMES) & (at_s > _TIMES)] = rng.uniform(0, 0.06) * _direction(rng)[:, None]
        hit = _Hit(peak_g=peak_g, lasts_s=rng.uniform(0.015, 0.03), outline=np.ones_like)
        accel_g = _struck(accel_g, at_s, hit, _direction(rng), replaces=True)
        flies_s, peak_g = flies_s * rng.uniform(0.3, 0.7), peak_g * rng.uniform(0.3, 0.8)
        at_s += hit.lasts_s + flies_s
    return accel_g


_OTHERS: Final[tuple[Callable[[np.random.Generator], Float64], ...]] = (_knocked, _knocked, _seated, _caught, _dropped)


# --- What they are made of -------------------------------------------------------------------------------------------------------------


def _before(rng: np.random.Generator, up: Float64, *, walks: bool | None = None) -> Float64:
    """(3, S): nothing moves, or an even swing, or the simulator's steps."""
    if walks is None:
        walks = bool(rng.random() < 0.55)
    if not walks:
        return np.repeat(up[:, None], len(_TIMES), axis=1)
    if rng.random() < 0.3:
        return motion.walking(rng, _SECONDS, placement=_BODY[int(rng.integers(2))], gravity=up).astype(np.float64)
    steps = 2 * np.pi * (rng.uniform(1.3, 2.6) * _TIMES + rng.random())
    ahead = _turned_by(rng, up, 90)
    side = np.cross(up, ahead)
    swing = rng.uniform(0, 0.3) * np.sin(rng.choice([0.5, 1.0]) * steps + rng.uniform(0, 6)) * ahead[:, None]
    swing += rng.uniform(0, 0.2) * np.cos(rng.choice([0.5, 1.0, 2.0]) * steps) * side[:, None]
    walking: Float64 = up[:, None] * (1 + rng.uniform(0.05, 0.45) * np.sin(steps)) + swing
    return walking


def _hit(rng: np.random.Generator, *, hardest_g: float, shortest_s: float = 0.02) -> _Hit:
    lasts_s = np.exp(rng.uniform(np.log(shortest_s), np.log(0.25)))
    return _Hit(peak_g=float(hardest_g), lasts_s=float(lasts_s), outline=_OUTLINES[int(rng.integers(len(_OUTLINES)))])


def _struck(accel_g: Float64, at_s: float, hit: _Hit, towards: Float64, *, replaces: bool) -> Float64:
    """What is felt with a hit added, or with nothing but the hit while it lasts; a sample at least."""
    first = round(at_s * RATE_HZ)
    end = min(first + max(1, round(hit.lasts_s * RATE_HZ)), accel_g.shape[1])
    if first >= end:
        return accel_g
    felt = accel_g.copy()
    course = hit.outline((np.arange(end - first) + 0.5) / (end - first))
    if replaces:
        felt[:, first:end] = (1 + hit.peak_g * course) * towards[:, None]
    else:
        felt[:, first:end] += hit.peak_g * course * towards[:, None]
    return felt


def _between(rng: np.random.Generator, one: Float64, other: Float64) -> Float64:
    """(3, 1) anywhere between two directions, or anywhere at all."""
    share = rng.random()
    direction = _unit(one * (1 - share) + other * share) if rng.random() < 0.7 else _direction(rng)
    return direction[:, None]


def _direction(rng: np.random.Generator) -> Float64:
    return _unit(rng.normal(size=3))


def _turned_by(rng: np.random.Generator, direction: Float64, degrees: float) -> Float64:
    across = _unit(np.cross(direction, rng.normal(size=3)))
    turned: Float64 = Rotation.from_rotvec(np.radians(degrees) * across).apply(direction)
    return turned


def _unit(vectors: Float64) -> Float64:
    unit: Float64 = vectors / np.maximum(np.linalg.norm(vectors, axis=0), 1e-9)
    return unit


def _trembling(rng: np.random.Generator) -> Float64:
    """(3, S) without a direction, of standard deviation 1 on each axis, 1 to 8 Hz."""
    hz = rng.uniform(1, 8, (3, 6, 1))
    waves: Float64 = np.sin(2 * np.pi * (hz * _TIMES + rng.random((3, 6, 1)))).sum(axis=1) / np.sqrt(3)
    return waves
