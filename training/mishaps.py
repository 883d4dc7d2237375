"""Mishaps that nobody recorded, and falls to set against them: invented impacts to learn from, beside those of people.

The recordings have hardly any device that is dropped, thrown or washed, no arm that is pulled, and nothing at all of chest and pocket. All
of it is plain mechanics, drawn here over wide ranges: what falls freely weighs nothing for as long as its height says, a hard floor stops
it in milliseconds and a mattress in a tenth of a second, and then it lies as still as its own noise; an arm that is pulled or knocks comes
back to where it was; who stumbles walks on. A judge that has seen none of it calls the hardest of it falls. Falls are drawn too
(devices/simulator/motion.py), so that being invented tells nothing.

Nothing of it is judged in cross-validation: how good the detector is, only people's recordings tell.
"""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from scipy.spatial.transform import Rotation

from devices.model import Float32, Float64, Placement
from devices.simulator import motion
from devices.simulator.falling import Kind
from rules.fall.recordings import RATE_HZ
from training.candidates import REACH, Candidates, peaks

NAME: Final = "mishaps"
FALLS_SHARE: Final = 0.3
GUESSED_FALLS: Final = 0.25
"""Share of the falls that are onto the knees or slow slides, which nobody recorded as such."""

_FINE: Final = 8
_FINE_HZ: Final = _FINE * RATE_HZ
_SECONDS: Final = 14.0
_AT_S: Final = 6.0
"""When it happens."""
_BODY: Final = (Placement.WRIST, Placement.WAIST)
_RANGE_G: Final = 16.0
_G_MPS2: Final = 9.80665
_TIMES: Final = np.arange(round(_SECONDS * _FINE_HZ)) / _FINE_HZ


def mishaps(count: int, rng: np.random.Generator) -> Candidates:
    """Impacts of this many scenes: of falls the fall's, of the others every one."""
    windows, rows = [], []
    for number in range(count):
        is_fall = bool(rng.random() < FALLS_SHARE)
        accel_g = _fall(rng) if is_fall else _sensed(rng, _SCENES[int(rng.integers(len(_SCENES)))](rng))
        length = accel_g.shape[1]
        impacts = peaks(np.sqrt(np.square(accel_g).sum(axis=0)))
        for impact in impacts.tolist():
            label = (1 if abs(impact - _AT_S * RATE_HZ) <= RATE_HZ / 2 else -1) if is_fall else 0
            windows.append(accel_g[:, np.clip(np.arange(impact - REACH[0], impact + REACH[1] + 1), 0, length - 1)])
            rows.append((number, impact, label, length - 1 - impact))
    table = np.array(rows, np.int64).reshape(-1, 4)
    return Candidates(
        accel_g=np.stack(windows),
        recording=table[:, 0],
        sample=table[:, 1],
        label=table[:, 2],
        after=table[:, 3],
        subject=np.full(len(table), NAME),
        placement=Placement.UNKNOWN,
    )


def _fall(rng: np.random.Generator) -> Float32:
    kind = None if rng.random() > GUESSED_FALLS else (Kind.KNEES, Kind.SLIDE)[int(rng.integers(2))]
    return motion.fall(rng, placement=_BODY[int(rng.integers(2))], kind=kind, before_s=_AT_S, after_s=_SECONDS - _AT_S)


def _sensed(rng: np.random.Generator, accel_g: Float64) -> Float32:
    """Averaged over a sample's time, with noise, within the range, in whole milli-g."""
    clipped = np.clip(accel_g, -_RANGE_G, _RANGE_G).reshape(3, -1, _FINE).mean(axis=2)
    return np.round(clipped + rng.normal(0, rng.uniform(0.001, 0.008), clipped.shape), 3).astype(np.float32)


# --- Scenes, (3, S) g at `_FINE_HZ` ----------------------------------------------------------------------------------------------------


def _let_go(rng: np.random.Generator) -> Float64:
    """A device that is dropped, thrown, tossed or laid down: it flies, hits, perhaps bounces, and lies."""
    accel_g = _handled(rng)
    soft, laid = rng.random() < 0.5, rng.random() < 0.15
    if rng.random() < 0.5:  # swung before it is let go
        accel_g += _pulse(_AT_S - (lasts_s := rng.uniform(0.1, 0.45)), lasts_s, rng.uniform(0.3, 3)) * _direction(rng)
    flight_s = rng.uniform(0.02, 0.2) if laid else float(np.sqrt(2 * rng.uniform(0.1, 1.8) / _G_MPS2))
    begin_s, gone = _AT_S, _TIMES >= _AT_S
    flying = np.zeros_like(_TIMES)
    hits = np.zeros_like(accel_g)
    stop_g = rng.uniform(2.0, 9.0) if soft else rng.uniform(20, 250)
    for _ in range(1 if laid else int(rng.integers(1, 6))):
        flying = np.maximum(flying, (begin_s <= _TIMES) & (begin_s + flight_s > _TIMES))
        begin_s += flight_s
        width_s = rng.uniform(0.03, 0.14) if soft else rng.uniform(0.002, 0.01)
        hits += _pulse(begin_s, width_s, stop_g) * _direction(rng)
        begin_s += width_s
        bounce = rng.uniform(0.05, 0.35) if soft else rng.uniform(0.2, 0.6)
        stop_g, flight_s = stop_g * bounce * rng.uniform(0.7, 1.3), flight_s * bounce * rng.uniform(0.7, 1.3)
    left = rng.uniform(0.0, 0.08)  # of air and spin: somebody who falls keeps more of their weight, as feet or a chair still bear them
    weight = 1 - (1 - left) * flying
    turned = np.clip((_TIMES - _AT_S) / max(begin_s - _AT_S, 0.05), 0, 1)
    up = _unit(_direction(rng) * (1 - turned) + _direction(rng) * turned)
    spin_hz, spin_g = rng.uniform(0.5, 6), rng.uniform(0, 0.15)
    across = _direction(rng)
    spin = spin_g * flying * (across * np.cos(2 * np.pi * spin_hz * _TIMES) + np.roll(across, 1) * np.sin(2 * np.pi * spin_hz * _TIMES))
    swaying = rng.uniform(0, 0.15) * _ringing(begin_s, rng.uniform(2, 6), rng.uniform(0.05, 0.4)) if soft else 0.0
    return np.where(gone, up * (weight + swaying) + spin, accel_g) + hits


def _tumbled(rng: np.random.Generator) -> Float64:
    """In a drum, a bag or a bicycle's basket: turned over, dropped and hit again and again."""
    turning = Rotation.from_rotvec((2 * np.pi * rng.uniform(0.1, 1.2) * _TIMES * _direction(rng)).T)
    up = turning.apply(_direction(rng)[:, 0]).T
    every_s, accel_g = rng.uniform(0.5, 2.0), up.copy()
    ends_s = rng.choice([_SECONDS, rng.uniform(_AT_S, 11)])
    for at_s in np.arange(0.3, ends_s, every_s):
        drop_s = rng.uniform(0.05, 0.3)
        accel_g -= up * rng.uniform(0.2, 1.0) * _soft(at_s, at_s + drop_s, 0.03)
        accel_g += _pulse(at_s + drop_s, rng.uniform(0.01, 0.1), rng.uniform(1.0, 6.0)) * _direction(rng)
    rests = ends_s <= _TIMES
    accel_g[:, rests] = up[:, [min(int(ends_s * _FINE_HZ), len(_TIMES) - 1)]]
    return accel_g


def _pulled_or_struck(rng: np.random.Generator) -> Float64:
    """An arm or a trunk that is pulled, or knocks, claps, hammers, pats, is bumped into: it may turn, and comes back."""
    accel_g = _worn(rng)
    turn_s, turn_deg = rng.uniform(0.15, 0.9), rng.uniform(0, 120) if rng.random() < 0.7 else 0.0
    axis, begin_s = _direction(rng), _AT_S - rng.uniform(0, 1.5)
    spacing_s, count = rng.uniform(0.15, 0.6), int(rng.choice([1, 2, 3, 4, 5, 8, 12], p=[0.35, 0.15, 0.12, 0.12, 0.1, 0.08, 0.08]))
    lasts_s = spacing_s * count
    back_s = _AT_S + lasts_s + rng.uniform(0.1, 2.0)
    angle = np.radians(turn_deg) * (_risen(begin_s, turn_s) - rng.uniform(0.85, 1.05) * _risen(back_s, rng.uniform(0.3, 1.2)))
    accel_g = _turned(accel_g, angle, axis)
    towards, width_s, peak_g = _direction(rng), np.exp(rng.uniform(np.log(0.008), np.log(0.2))), rng.uniform(0.7, 6.0)
    peak_g *= 1 if width_s > 0.03 else rng.uniform(1, 2.5)
    for number in range(count):
        at_s = _AT_S + spacing_s * number * rng.uniform(0.95, 1.05)
        accel_g += _pulse(at_s, width_s * rng.uniform(0.8, 1.2), peak_g * rng.uniform(0.6, 1.2)) * _unit(towards + 0.3 * _direction(rng))
        if count > 1 and width_s < 0.05:
            accel_g += _pulse(at_s - spacing_s / 2, spacing_s / 2, -rng.uniform(0, 1.2)) * towards
    shaken_s = _AT_S + lasts_s + rng.uniform(0.1, 1.0)
    return accel_g + rng.uniform(0, 0.15) * _soft(begin_s, shaken_s, 0.2) * _trembling(rng)


def _stumbled(rng: np.random.Generator) -> Float64:
    """A foot is caught: long hard steps, arms that fly up, and on."""
    site = _BODY[int(rng.integers(2))]
    accel_g = motion.walking(rng, _SECONDS, placement=site, rate_hz=_FINE_HZ).astype(np.float64)
    up = _unit(accel_g.mean(axis=1)[:, None])
    stops_s = rng.uniform(0.3, 1.5)
    pausing = _soft(_AT_S + stops_s, _AT_S + stops_s + rng.uniform(0.2, 3.0), 0.3)
    accel_g = accel_g * (1 - pausing) + up * pausing
    turn_deg = rng.uniform(20, 110) if site is Placement.WRIST else rng.uniform(5, 40)
    angle = np.radians(turn_deg) * (
        _risen(_AT_S - 0.4, rng.uniform(0.2, 0.5)) - _risen(_AT_S + rng.uniform(0.3, 1.2), rng.uniform(0.4, 1.0))
    )
    accel_g -= up * rng.uniform(0, 0.6) * _soft(_AT_S - 0.3, _AT_S, 0.1)
    for number in range(int(rng.integers(1, 5))):
        accel_g += up * _pulse(_AT_S + number * rng.uniform(0.28, 0.5), rng.uniform(0.05, 0.12), rng.uniform(0.6, 2.8))
    accel_g += rng.uniform(0.05, 0.4) * _soft(_AT_S - 0.4, _AT_S + rng.uniform(0.5, 1.5), 0.15) * _trembling(rng)
    return _turned(accel_g, angle, _direction(rng))


def _sat_down(rng: np.random.Generator) -> Float64:
    """Onto a chair, harder than the simulator's people do."""
    accel_g = motion.sitting_down(rng, 2 * _AT_S, placement=_BODY[int(rng.integers(2))], rate_hz=_FINE_HZ).astype(np.float64)
    accel_g = np.pad(accel_g, ((0, 0), (0, len(_TIMES) - accel_g.shape[1])), mode="reflect")
    up = _unit(accel_g[:, -_FINE_HZ:].mean(axis=1)[:, None])
    drop_s = rng.uniform(0.1, 0.4)
    accel_g -= up * rng.uniform(0, 0.6) * _soft(_AT_S - drop_s, _AT_S, 0.1)
    accel_g += up * _pulse(_AT_S, rng.uniform(0.05, 0.13), rng.uniform(0.3, 2.2))
    if rng.random() < 0.4:  # a hand that hits the armrest or the lap
        accel_g += _pulse(_AT_S + rng.uniform(0, 0.5), rng.uniform(0.01, 0.05), rng.uniform(0.5, 3)) * _direction(rng)
    return accel_g + rng.uniform(0, 0.1) * _soft(_AT_S, _AT_S + 1, 0.2) * _trembling(rng)


def _jumped(rng: np.random.Generator) -> Float64:
    """Hops, stairs that are taken hard, a kerb: the same way up before and after."""
    accel_g = _worn(rng)
    up = _unit(accel_g[:, : 2 * _FINE_HZ].mean(axis=1)[:, None])
    at_s = _AT_S
    for _ in range(int(rng.integers(1, 8))):
        flight_s = rng.uniform(0.1, 0.5)
        accel_g += up * _pulse(at_s - flight_s - 0.25, 0.25, rng.uniform(0, 1.5))
        accel_g -= up * rng.uniform(0.3, 1.0) * _soft(at_s - flight_s, at_s, 0.05)
        accel_g += up * (_pulse(at_s, rng.uniform(0.05, 0.12), rng.uniform(1, 4)) + _pulse(at_s + 0.05, 0.2, rng.uniform(0.2, 1.5)))
        at_s += flight_s + rng.uniform(0.25, 1.0)
    return _turned(accel_g, rng.uniform(0, 0.6) * np.sin(2 * np.pi * 0.9 * _TIMES) * _soft(_AT_S - 1, at_s, 0.3), _direction(rng))


_SCENES: Final[tuple[Callable[[np.random.Generator], Float64], ...]] = (
    _let_go,
    _let_go,
    _tumbled,
    _pulled_or_struck,
    _pulled_or_struck,
    _stumbled,
    _sat_down,
    _jumped,
)


# --- What scenes are made of -----------------------------------------------------------------------------------------------------------


def _worn(rng: np.random.Generator) -> Float64:
    """Somebody walks, or sits or stands, and perhaps does the other after it."""
    site = _BODY[int(rng.integers(2))]
    walks, walks_on = rng.random() < 0.6, rng.random() < 0.5
    up = _direction(rng)[:, 0]
    parts = list(_one_after_the_other(rng, site, up, (walks, walks_on)))
    change = _risen(_AT_S + rng.uniform(-1.0, 2.0), 0.4)
    accel_g: Float64 = parts[0] * (1 - change) + parts[1] * change
    return accel_g


def _one_after_the_other(rng: np.random.Generator, site: Placement, up: Float64, walks: tuple[bool, bool]) -> Iterator[Float64]:
    for walking in walks:
        if walking:
            yield motion.walking(rng, _SECONDS, placement=site, gravity=up, rate_hz=_FINE_HZ).astype(np.float64)
        else:
            yield motion.resting(rng, _SECONDS, placement=site, gravity=up, rate_hz=_FINE_HZ, movement=rng.uniform(0.3, 3)).astype(
                np.float64
            )


def _handled(rng: np.random.Generator) -> Float64:
    """Worn until it is taken off, then in a hand; or in a hand all the time, or lying about."""
    accel_g = _worn(rng) if rng.random() < 0.7 else np.repeat(_direction(rng), len(_TIMES), axis=1)
    off_s = _AT_S - rng.uniform(0, 4)
    accel_g = _turned(accel_g, rng.uniform(0, np.pi) * _risen(off_s, rng.uniform(0.3, 1.0)), _direction(rng))
    accel_g += _pulse(off_s, rng.uniform(0.03, 0.15), rng.uniform(0, 1.0)) * _direction(rng)
    return accel_g + rng.uniform(0.01, 0.2) * _soft(off_s, _AT_S, 0.1) * _trembling(rng)


def _direction(rng: np.random.Generator) -> Float64:
    """(3, 1) of length 1."""
    return _unit(rng.normal(size=(3, 1)))


def _unit(vectors: Float64) -> Float64:
    unit: Float64 = vectors / np.maximum(np.linalg.norm(vectors, axis=0), 1e-9)
    return unit


def _turned(accel_g: Float64, angle: Float64, axis: Float64) -> Float64:
    turned: Float64 = Rotation.from_rotvec((angle * axis).T).apply(accel_g.T).T
    return turned


def _risen(at_s: float, lasts_s: float) -> Float64:
    """0 before, 1 after, smooth between."""
    share = np.clip((_TIMES - at_s) / lasts_s, 0, 1)
    risen: Float64 = share * share * (3 - 2 * share)
    return risen


def _soft(begin_s: float, end_s: float, edge_s: float) -> Float64:
    """1 meanwhile, 0 else, with edges."""
    during: Float64 = np.clip(np.minimum(_TIMES - begin_s, end_s - _TIMES) / edge_s, 0, 1)
    return during


def _pulse(at_s: float, lasts_s: float, peak_g: float) -> Float64:
    """Half a sine."""
    share = (_TIMES - at_s) / lasts_s
    pulse: Float64 = np.where((share > 0) & (share < 1), peak_g * np.sin(np.pi * np.clip(share, 0, 1)), 0.0)
    return pulse


def _ringing(at_s: float, hz: float, decay_s: float) -> Float64:
    after = np.maximum(_TIMES - at_s, 0)
    ringing: Float64 = np.where(at_s <= _TIMES, np.exp(-after / decay_s) * np.sin(2 * np.pi * hz * after), 0.0)
    return ringing


def _trembling(rng: np.random.Generator) -> Float64:
    """(3, S) without a direction, of standard deviation 1 on each axis, 1 to 8 Hz."""
    hz = rng.uniform(1, 8, (3, 6, 1))
    waves: Float64 = np.sin(2 * np.pi * (hz * _TIMES + rng.random((3, 6, 1)))).sum(axis=1) / np.sqrt(3)
    return waves
