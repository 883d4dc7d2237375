"""What people of the invented estate do, as their sensors see it: endless, and decided by a seeded generator of random numbers.

Times are seconds from the beginning of the demo.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from math import inf
from typing import Protocol

import numpy as np

from devices.model import Float32, Float64
from devices.simulator import motion
from devices.simulator.falling import Kind
from devices.simulator.model import RATE_HZ
from devices.simulator.motion import HANGING, RESTING

WALK_BEFORE_S = 7.0
"""Who falls was walking for so long; they come down hardest at the time of the fall."""
LIE_S, GET_UP_S = 90.0, 6.0
"""Who has fallen lies for so long; then somebody has helped them up."""

_STAND_UP_S = 1.0
_FALLEN_S = 5.0
_LYING_MOVES = 0.2
"""Of the small movements of somebody who sits."""
_FALLS = (Kind.FORWARD, Kind.BACKWARD, Kind.SIDEWAYS)

RADAR_HZ = 10
RADAR_IDLE_S = 10.0
"""A radar that sees nobody says so every so often."""
PASS_EVERY_S = (60.0, 240.0)
_RADAR_NOISE_M = 0.04
_PASSING_TAKES_S = 30.0
_OUTER_M, _PASSING_M = 5.9, (4.8, 5.6)
"""What a radar sees of people in the garden: how far away they appear, and how far away they pass by."""

_Activity = Callable[[np.random.Generator, float, Float64], tuple[Float32, Float64]]
"""(rng, seconds, direction of gravity) to the signal and the direction at its end."""


def wrist(rng: np.random.Generator, falls: Iterable[float]) -> Iterator[Float64]:
    """Acceleration of a wrist, second by second.

    Parameters
    ----------
    rng
        Theirs alone.
    falls
        When they come down hardest, ascending; may be endless.

    Yields
    ------
    (3, 50) float64
        In g, device axes, gravity included.
    """
    rest: Float64 = np.empty((3, 0))
    for piece in _day(rng, falls):
        rest = np.concatenate([rest, piece], axis=1)
        whole = rest.shape[1] // RATE_HZ * RATE_HZ
        for first in range(0, whole, RATE_HZ):
            yield rest[:, first : first + RATE_HZ]
        rest = rest[:, whole:]


def _day(rng: np.random.Generator, falls: Iterable[float]) -> Iterator[Float32]:
    """Pieces (3, N) of everyday life, and falls at their times."""
    gravity, now = motion.near(rng, RESTING), 0
    rests = rng.random() < _RESTING_SHARE
    for fall_s in chain(falls, (inf,)):
        until = (fall_s - WALK_BEFORE_S - _STAND_UP_S) * RATE_HZ
        while now < until:
            activity = _chosen(rng, rests=rests)
            samples = int(min(round(rng.uniform(*_ACTIVITY_S) * RATE_HZ), until - now + 1))
            piece, gravity = activity(rng, samples / RATE_HZ, gravity)
            yield piece
            now += samples
        for piece in _accident(rng, fall_s - now / RATE_HZ, gravity):
            yield piece
            now += piece.shape[1]
        gravity = RESTING


def _accident(rng: np.random.Generator, before_s: float, gravity: Float64) -> Iterator[Float32]:
    """They stand up, walk, fall hard so long from now, lie, and are helped up."""
    standing = motion.near(rng, HANGING)
    turn_s = min(_STAND_UP_S, before_s / 2)
    yield motion.turned(rng, turn_s, gravity, standing)
    kind = _FALLS[int(rng.integers(len(_FALLS)))]
    walks_s = before_s - round(turn_s * RATE_HZ) / RATE_HZ
    fallen = motion.fall(rng, kind=kind, typical=True, gravity=standing, before_s=walks_s, after_s=_FALLEN_S)
    yield fallen
    lying = motion.pointing(fallen[:, -RATE_HZ:])
    yield motion.resting(rng, LIE_S - _FALLEN_S, gravity=lying, movement=_LYING_MOVES)
    yield motion.turned(rng, GET_UP_S, lying, RESTING)


def _sit(rng: np.random.Generator, seconds: float, gravity: Float64) -> tuple[Float32, Float64]:
    return _arrive(rng, seconds, gravity, motion.near(rng, RESTING), motion.resting)


def _walk(rng: np.random.Generator, seconds: float, gravity: Float64) -> tuple[Float32, Float64]:
    return _arrive(rng, seconds, gravity, motion.near(rng, HANGING), motion.walking)


def _gesture(rng: np.random.Generator, seconds: float, gravity: Float64) -> tuple[Float32, Float64]:
    return motion.gesture(rng, seconds, gravity), gravity


def _sleep(rng: np.random.Generator, seconds: float, gravity: Float64) -> tuple[Float32, Float64]:
    return motion.resting(rng, seconds, gravity=gravity, movement=_LYING_MOVES), gravity


class _Stay(Protocol):
    """Something that goes on for a while in about one direction."""

    def __call__(self, rng: np.random.Generator, seconds: float, *, gravity: Float64) -> Float32:
        """Signal (3, N)."""


def _arrive(rng: np.random.Generator, seconds: float, gravity: Float64, end: Float64, stay: _Stay) -> tuple[Float32, Float64]:
    """Turn to a direction, and stay there."""
    turn_s = min(1.0, seconds)
    pieces = [motion.turned(rng, turn_s, gravity, end), stay(rng, seconds - turn_s, gravity=end)]
    return np.concatenate(pieces, axis=1), end


_ACTIVITY_S = (4.0, 40.0)
_RESTING_SHARE = 0.15
_ACTIVE: tuple[tuple[_Activity, float], ...] = ((_sit, 0.4), (_gesture, 0.3), (_walk, 0.3))
_AT_REST: tuple[tuple[_Activity, float], ...] = ((_sleep, 0.9), (_sit, 0.1))


def _chosen(rng: np.random.Generator, *, rests: bool) -> _Activity:
    choices = _AT_REST if rests else _ACTIVE
    return choices[rng.choice(len(choices), p=[share for _, share in choices])][0]


def radar_frames(
    rng: np.random.Generator, visits: Iterable[tuple[float, Float64]], *, passers: bool = True
) -> Iterator[tuple[float, Float64 | None]]:
    """What a radar sees: a time, and (x_m, y_m, speed_mps) of the one target, or None.

    Parameters
    ----------
    rng
        Its alone.
    visits
        When somebody comes, ascending, and their path as of `walk_up`.
    passers
        Whether others pass by in between.
    """
    now = rng.uniform(0.0, RADAR_IDLE_S)
    for begin, path in chain(visits, ((inf, np.empty((0, 2))),)):
        passer = now + rng.uniform(*PASS_EVERY_S)
        while now < begin:
            if passers and passer <= now < begin - _PASSING_TAKES_S:
                passing = pass_by(rng)
                yield from _seen(rng, now, passing)
                now += len(passing) / RADAR_HZ
                passer = now + rng.uniform(*PASS_EVERY_S)
            yield now, None
            now = min(now + RADAR_IDLE_S, begin)
        yield from _seen(rng, begin, path)
        now = begin + len(path) / RADAR_HZ


def walk_up(rng: np.random.Generator, line_m: float, *, through: bool) -> Float64:
    """Path of somebody who comes up to a window from the garden, stops before it, and goes away again.

    Parameters
    ----------
    rng
        Anybody's.
    line_m
        Distance of the guarded line from the radar.
    through
        Whether they step through the line, up to the window.

    Returns
    -------
    (N, 2) float64
        x to the radar's right and y ahead, metres, at `RADAR_HZ`.
    """
    side = rng.choice((-1.0, 1.0))
    x = rng.uniform(-0.8, 0.8)
    before = (x, line_m + rng.uniform(0.5, 0.8))
    stops = [((side * rng.uniform(1.0, 2.2), _OUTER_M), 0.0), (before, rng.uniform(3.0, 6.0))]
    if through:
        stops += [((x, line_m - rng.uniform(0.9, 1.2)), rng.uniform(4.0, 8.0)), (before, 0.0)]
    return _walked([*stops, ((-side * rng.uniform(1.0, 2.2), _OUTER_M), 0.0)], rng.uniform(0.6, 0.9))


def pass_by(rng: np.random.Generator) -> Float64:
    """Path (N, 2), as of `walk_up`, of somebody who walks past far from the window."""
    side, y = rng.choice((-1.0, 1.0)), rng.uniform(*_PASSING_M)
    return _walked([((side * 2.8, y), 0.0), ((-side * 2.8, y), 0.0)], rng.uniform(0.7, 1.2))


def _walked(stops: list[tuple[tuple[float, float], float]], speed_mps: float) -> Float64:
    """Straight from place to place, staying some seconds at each."""
    at_s, times, places = 0.0, [], []
    for i, (place, stay_s) in enumerate(stops):
        at_s += float(np.hypot(*np.subtract(place, stops[i - 1][0]))) / speed_mps if i else 0.0
        times += [at_s, at_s + stay_s]
        places += [place, place]
        at_s += stay_s
    frames = np.arange(0.0, at_s, 1.0 / RADAR_HZ)
    return np.stack([np.interp(frames, times, np.array(places)[:, axis]) for axis in (0, 1)], axis=1)


def _seen(rng: np.random.Generator, begin: float, path: Float64) -> Iterator[tuple[float, Float64]]:
    """Frames of a path, with a radar's noise."""
    distance_m = np.hypot(*path.T)
    speed_mps = np.diff(distance_m, prepend=distance_m[:1]) * RADAR_HZ
    noisy = np.column_stack([path + rng.normal(0.0, _RADAR_NOISE_M, path.shape), speed_mps])
    for i, row in enumerate(noisy):
        yield begin + i / RADAR_HZ, row
