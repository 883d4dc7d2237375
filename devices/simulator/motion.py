"""What a wearable feels: invented accelerations, shaped like those of people.

Signals are (3, S) in g, device axes, gravity included, float32 unless another type is named. The same generator of random numbers in the
same state gives the same bytes. Directions are unit vectors (3,) in device axes: where an accelerometer at rest points. Where none is given
one is drawn at random, as a device may be put on any way round.

`fall`, `walking`, `sitting_down` and `resting` are held against recordings of people: docs/reference/simulated-falls.md shows how near
they come. They stand in for people where there are no recordings. That a detector finds them says little about how good it is.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from devices.model import Float32, Float64, Placement
from devices.simulator.falling import FALLING, GAITS, MANNERS, MIX, SITTING_DOWN, Before, Falling, Gait, Kind, Manner, Spread
from devices.simulator.model import RATE_HZ

HANGING: Float64 = np.array([0.98, 0.1, -0.17])
"""An arm that hangs: the forearm is the x axis."""
RESTING: Float64 = np.array([0.17, 0.1, 0.98])
"""A hand in the lap or on a table: the dial looks up."""

_NOISE_G = 0.004
_TURN_S = 1.2
_FINE_HZ = 200.0
"""Contacts are drawn about so finely, and then averaged to the sensor's rate."""
_TONES = 5
"""A trembling is the sum of so many sines: it is the same movement at any rate."""


def fall(
    rng: np.random.Generator,
    *,
    placement: Placement = Placement.WRIST,
    kind: Kind | None = None,
    typical: bool = False,
    rate_hz: float = RATE_HZ,
    before_s: float = 6.0,
    after_s: float = 8.0,
    gravity: Float64 | None = None,
) -> Float32:
    """Somebody walks, sits or rises, falls, and lies.

    Balance is lost and with it a part of the weight; one to six parts of the body come down, each a short pulse that echoes; the body
    tumbles while the sensor turns, and then lies, breathes and moves a little.

    Parameters
    ----------
    placement
        Where it is worn. There are recordings of wrist and waist; chest, pocket and unknown are drawn as the waist.
    kind
        How they fall; None draws one as often as the recordings have it, which is never `KNEES` or `SLIDE`.
    typical
        Whether it is a clear fall: the first drawn, or else the clearest of 40, that is about in the middle of the real ones or harder by
        its impact, by the weight that goes away before it and by the angle, and after which they lie still. Slides and falls onto the
        knees are then the clearer ones of theirs.
    rate_hz
        Samples a second, 25 or more.
    before_s, after_s
        Length before and after the hardest contact.
    gravity : (3,) float64, optional
        Direction before the fall.

    Returns
    -------
    (3, S) float32
        In g. S is ``round(before_s * rate_hz) + round(after_s * rate_hz)``; the hardest contact is at sample ``round(before_s * rate_hz)``.
    """
    body = _body(placement)
    kinds = list(MIX[body])
    kind = kind or kinds[int(rng.choice(len(kinds), p=list(MIX[body].values())))]
    first, last = round(before_s * rate_hz), round(after_s * rate_hz)
    if not typical:
        return _fall(rng, body, kind, (np.arange(first + last) - first) / rate_hz, gravity)
    # Judged over the same seconds however little of them is wanted.
    longer = max(first, round(_JUDGED_S * rate_hz)), max(last, round(_JUDGED_S * rate_hz))
    seconds = (np.arange(sum(longer)) - longer[0]) / rate_hz
    clearest, how_clear = _fall(rng, body, kind, seconds, gravity), 0.0
    for _ in range(_TRIES):
        drawn = _fall(rng, body, kind, seconds, gravity)
        if (clear := _clear(drawn, seconds)) > how_clear:
            clearest, how_clear = drawn, clear
        if clear >= 1.0:
            break
    return clearest[:, longer[0] - first : longer[0] + last].copy()


def _fall(rng: np.random.Generator, body: Placement, kind: Kind, seconds: Float64, gravity: Float64 | None) -> Float32:
    """A fall (3, S) whose samples are so many seconds, evenly spaced, from the hardest contact."""
    falling, manner = FALLING[body], MANNERS[body][kind]
    dice = _Dice(rng)
    upright = _any_direction(rng) if gravity is None else gravity

    hard = falling.hardness * rng.standard_normal()
    peak_g = min(dice.of(falling.peak_g, manner.peak * np.exp(hard)), _MOST_G)
    hardness = float(np.log(peak_g / falling.peak_g.middle))
    sinking_s = min(dice.of(falling.sinking_s, manner.sinking * np.exp(0.5 * falling.gather * hardness)), _LONGEST_SINKING_S)
    lowest = min(dice.of(falling.lowest_share, np.exp(-falling.gather * hardness)) ** manner.lowest, 0.97)

    before = list(manner.before)[int(rng.choice(len(manner.before), p=list(manner.before.values())))]
    direction = _turning(dice, falling, manner, seconds, upright, rises=before is Before.RISING)
    lost = _eased((seconds + sinking_s) / (0.6 * sinking_s)) * (1.0 - _eased((seconds + 0.025) / 0.03))
    accel_g = direction * (1.0 - (1.0 - lowest) * lost)
    accel_g += _before(dice, before, seconds, upright, body) * (1.0 - _eased((seconds + max(sinking_s, 0.25) + 0.2) / 0.4))
    swaying = _eased((seconds + sinking_s + 0.35) / (sinking_s + 0.35)) * (1.0 - _eased(seconds / 0.1))
    accel_g += dice.of(falling.sway_g) * swaying * _trembling(rng, seconds, 1.0, 6.0)
    for contact in _contacts(dice, falling, peak_g, float(np.exp(-falling.narrow * hardness))):
        accel_g += _come_down(dice, falling, contact, seconds, direction)
    tumbling = _eased(seconds / 0.08) * np.exp(-np.maximum(seconds, 0.0) / min(dice.of(falling.shake_s), 0.6))
    accel_g += dice.of(falling.shake_g, manner.shake * np.exp(hard)) * tumbling * _trembling(rng, seconds, 1.0, 8.0)
    accel_g += _eased((seconds - 0.3) / 0.5) * _lying(dice, falling, seconds, direction)
    return _sensed(rng, accel_g, falling.range_g)


def _clear(accel_g: Float32, seconds: Float64) -> float:
    """The share of what a clear fall has that the least clear of its signs has: 1 where it is a clear fall, whatever else it is."""
    magnitude_g = np.sqrt((accel_g**2).sum(axis=0))

    def part(begin_s: float, end_s: float) -> slice:
        return slice(*np.searchsorted(seconds, (begin_s, end_s)).tolist())

    upright, lying = (pointing(accel_g[:, part(*ends)]) for ends in ((-2.5, -1.0), (1.5, 3.0)))
    angle_deg = float(np.degrees(np.arccos(np.clip(upright @ lying, -1.0, 1.0))))
    impact_g, lowest_g = float(magnitude_g[part(-0.05, 0.06)].max()), float(magnitude_g[part(-1.0, 0.0)].min())
    later_g, unrest_g = float(magnitude_g[part(0.3, 3.0)].max()), float(magnitude_g[part(1.5, 3.0)].std())
    return min(
        impact_g / _CLEAR_IMPACT_G, (1.0 - lowest_g) / _CLEAR_LOSS_G, angle_deg / _CLEAR_DEG, impact_g / later_g, _CLEAR_UNREST_G / unrest_g
    )


_JUDGED_S = 3.5
_TRIES = 40
_CLEAR_IMPACT_G, _CLEAR_LOSS_G, _CLEAR_DEG, _CLEAR_UNREST_G = 5.0, 0.5, 70.0, 0.06
"""The middle of the real ones, about, at the wrist and at the waist (docs/reference/simulated-falls.md); they lie more still than most."""


def walking(
    rng: np.random.Generator,
    seconds: float,
    *,
    placement: Placement = Placement.WRIST,
    rate_hz: float = RATE_HZ,
    gravity: Float64 | None = None,
) -> Float32:
    """Steps, from the first sample to the last.

    A bounce with the step's rhythm and its harmonics, the arm's swing or the trunk's sway at half of it (Moe-Nilssen and Helbostad,
    J Biomech 2004, 37(1):121), and the trembling of a heel that comes down.

    Parameters
    ----------
    seconds
        Length.
    placement
        Where it is worn, as in `fall`.
    rate_hz
        Samples a second, 25 or more.
    gravity : (3,) float64, optional
        Direction about which it swings.

    Returns
    -------
    (3, S) float32
        In g; S is ``round(seconds * rate_hz)``.
    """
    upright = _any_direction(rng) if gravity is None else gravity
    accel_g = _stepping(_Dice(rng), _times(seconds, rate_hz), upright, GAITS[_body(placement)])
    return _sensed(rng, accel_g, FALLING[_body(placement)].range_g)


def sitting_down(
    rng: np.random.Generator,
    seconds: float,
    *,
    placement: Placement = Placement.WRIST,
    rate_hz: float = RATE_HZ,
    gravity: Float64 | None = None,
    seated: Float64 | None = None,
) -> Float32:
    """Stand, sit down, and stay: the chair is felt in the middle of the signal.

    Parameters
    ----------
    seconds
        Length, 4 or more.
    placement
        Where it is worn, as in `fall`.
    rate_hz
        Samples a second, 25 or more.
    gravity, seated : (3,) float64, optional
        Direction before and after; a wrist turns to where the hand is laid, the trunk leans and comes back nearly to where it was.

    Returns
    -------
    (3, S) float32
        In g; S is ``round(seconds * rate_hz)``.
    """
    body = _body(placement)
    sitting = SITTING_DOWN[body]
    dice = _Dice(rng)
    times = _times(seconds, rate_hz) - seconds / 2
    upright = _any_direction(rng) if gravity is None else gravity
    towards = seated if seated is not None else _turned_by(rng, upright, np.radians(dice.of(sitting.turn_deg)))
    lean = np.tan(np.radians(min(dice.of(sitting.lean_deg), 60.0))) * np.exp(-(((times + 0.2) / 0.7) ** 2))
    direction = _unit(_path(upright, towards, _eased((times + 0.9) / 1.6)) + lean * _across(upright, rng.standard_normal(3))[:, None])
    dip = min(dice.of(sitting.dip_g), 0.95) * np.exp(-(((times + 0.3) / 0.16) ** 2))
    bump = min(dice.of(sitting.bump_g), _MOST_CHAIR_G) * np.exp(-((times / dice.of(sitting.width_s)) ** 2))
    busy = np.exp(-(((times + 0.2) / 0.7) ** 2)) * dice.of(sitting.sway_g)
    accel_g = direction * (1.0 - dip + bump) + busy * _trembling(rng, times, 1.0, 6.0) + _breathing(rng, times, direction)
    return _sensed(rng, accel_g, FALLING[body].range_g)


def resting(
    rng: np.random.Generator,
    seconds: float,
    *,
    placement: Placement = Placement.WRIST,
    rate_hz: float = RATE_HZ,
    gravity: Float64 | None = None,
    movement: float = 1.0,
) -> Float32:
    """Sitting or lying: breath, small movements, the sensor's noise; as somebody sits in the recordings before they faint.

    Parameters
    ----------
    seconds
        Length.
    placement
        Where it is worn, as in `fall`.
    rate_hz
        Samples a second, 25 or more.
    gravity : (3,) float64, optional
        Direction.
    movement
        Factor of the small movements: less for who sleeps or lies helpless, 0 for a breath alone.

    Returns
    -------
    (3, S) float32
        In g; S is ``round(seconds * rate_hz)``.
    """
    falling = FALLING[_body(placement)]
    upright = _any_direction(rng) if gravity is None else gravity
    times = _times(seconds, rate_hz)
    steady = np.repeat(upright[:, None], len(times), axis=1)
    moving = _Dice(rng).of(falling.calm_g, movement) * _trembling(rng, times, 0.5, 4.0)
    return _sensed(rng, steady + moving + _breathing(rng, times, steady), falling.range_g)


def turned(rng: np.random.Generator, seconds: float, begin: Float64, end: Float64, *, rate_hz: float = RATE_HZ) -> Float32:
    """The sensor turns slowly from one direction to another: (3, S); it has arrived at the end of the signal."""
    samples = round(seconds * rate_hz)
    return _sensed(rng, _path(begin, end, _eased(np.linspace(0.0, 1.0, samples))), np.inf)


def gesture(rng: np.random.Generator, seconds: float, gravity: Float64, *, rate_hz: float = RATE_HZ) -> Float32:
    """Lift a cup, turn a page, wave: the wrist turns away, is busy there, and comes back: (3, S)."""
    times = _times(seconds, rate_hz)
    edge_s = min(_TURN_S, seconds / 2)
    away = np.clip(np.minimum(times, seconds - times) / edge_s, 0.0, 1.0)
    busy_g = rng.uniform(0.05, 0.25) * np.sin(2 * np.pi * (rng.uniform(1.0, 3.0) * times + rng.random())) * away
    return _sensed(rng, _path(gravity, near(rng, gravity, 0.6), _eased(away)) * (1.0 + busy_g), np.inf)


def near(rng: np.random.Generator, direction: Float64, spread: float = 0.15) -> Float64:
    """A direction that differs a little, as no two wrists are alike."""
    return _unit(direction + rng.normal(0.0, spread, 3))


def pointing(accel_g: Float32 | Float64) -> Float64:
    """The mean direction (3,) of a signal (3, S)."""
    return _unit(accel_g.mean(axis=1, dtype=np.float64))


_MOST_G, _MOST_CHAIR_G = 20.0, 2.5
_LONGEST_SINKING_S = 1.5
_MOST_LATER = 4


@dataclass(frozen=True, slots=True)
class _Dice:
    """Draws from spreads."""

    rng: np.random.Generator

    def of(self, spread: Spread, factor: float = 1.0) -> float:
        return float(spread.middle * np.exp(spread.sigma * self.rng.standard_normal()) * factor)


def _turning(dice: _Dice, falling: Falling, manner: Manner, seconds: Float64, upright: Float64, *, rises: bool) -> Float64:
    """Where gravity points (3, S): from upright to lying by rotation, with a detour, and rolling over afterwards."""
    rng = dice.rng
    angle_deg = abs(falling.turn_deg * manner.turn + falling.turn_sd_deg * rng.standard_normal())
    angle = np.radians(np.clip(angle_deg, 3.0, 165.0))
    begins_s, ends_s = min(dice.of(falling.turning_s, manner.turning), 1.8), min(dice.of(falling.settling_s), 2.5)
    ahead = _across(upright, rng.standard_normal(3))
    aside = np.cross(upright, ahead)[:, None]
    progress = _eased((seconds + begins_s) / (begins_s + ends_s))
    swing = np.exp(-(((seconds - rng.uniform(-0.2, 0.3)) / rng.uniform(0.2, 0.45)) ** 2))
    detour = np.tan(np.radians(min(dice.of(falling.detour_deg), 70.0))) * swing
    direction = _unit(upright[:, None] * np.cos(angle * progress) + ahead[:, None] * np.sin(angle * progress) + detour * aside)
    rolls = np.radians(min(dice.of(falling.rolling_deg), 90.0)) * _eased((seconds - rng.uniform(0.6, 2.4)) / rng.uniform(0.5, 1.6))
    axis = _any_direction(rng)
    direction = _unit(direction * np.cos(rolls) + np.cross(direction.T, axis).T * np.sin(rolls))
    if rises:
        lean = np.radians(rng.uniform(10.0, 35.0)) * _eased((seconds + rng.uniform(1.5, 2.5)) / 1.5) * (1.0 - progress)
        direction = _unit(direction + np.sin(lean) * aside)
    return direction


def _before(dice: _Dice, before: Before, seconds: Float64, upright: Float64, body: Placement) -> Float64:
    """What is felt besides gravity (3, S) until balance is lost."""
    falling = FALLING[body]
    if before in {Before.WALKING, Before.HURRYING}:
        steps = _stepping(dice, seconds, upright, GAITS[body], factor=falling.gait, runs=before is Before.HURRYING)
        return steps - upright[:, None]
    return dice.of(falling.rising_g if before is Before.RISING else falling.calm_g) * _trembling(dice.rng, seconds, 0.5, 4.0)


class _Contact(NamedTuple):
    """A part of the body comes down: when (seconds from the hardest), how hard, and half of how long."""

    at_s: float
    peak_g: float
    width_s: float


def _contacts(dice: _Dice, falling: Falling, peak_g: float, narrowed: float) -> list[_Contact]:
    """The hardest, perhaps one before it, and some after it."""

    def lesser(share: Spread) -> float:
        return peak_g * min(dice.of(share), 0.9)

    def width_s() -> float:
        return dice.of(falling.width_s, narrowed)

    contacts = [_Contact(0.0, peak_g, width_s())]
    margin_s = contacts[0].width_s
    if dice.rng.random() < falling.earlier:
        contacts.append(_Contact(-dice.of(falling.earlier_s) - margin_s, lesser(falling.earlier_share), width_s()))
    later = min(int(dice.rng.poisson(falling.later)), _MOST_LATER)
    return contacts + [_Contact(dice.of(falling.later_s) + margin_s, lesser(falling.later_share), width_s()) for _ in range(later)]


def _come_down(dice: _Dice, falling: Falling, contact: _Contact, seconds: Float64, direction: Float64) -> Float64:
    """What a contact adds (3, S): a pulse about along gravity, and an echo another way."""
    samples, rate_hz = len(seconds), 1.0 / (seconds[1] - seconds[0])
    felt: Float64 = np.zeros((3, samples))
    at = (contact.at_s - seconds[0]) * rate_hz
    begin, end = max(round(at - 0.3 * rate_hz), 0), min(round(at + 0.9 * rate_hz), samples)
    if begin >= end:
        return felt
    fine = max(round(_FINE_HZ / rate_hz), 1)
    since_s = ((np.arange(begin * fine, end * fine) + 0.5) / fine - 0.5 - at) / rate_hz
    pulse = np.exp(-0.5 * (since_s / np.where(since_s < 0.0, contact.width_s, 1.3 * contact.width_s)) ** 2)
    ringing_s = np.maximum(since_s, 0.0)
    ring = np.exp(-ringing_s / dice.of(falling.echo_s)) * np.sin(2 * np.pi * dice.of(falling.echo_hz) * ringing_s)
    hit, echo = np.stack([pulse, min(dice.of(falling.echo), 1.5) * ring]).reshape(2, -1, fine).mean(axis=2)
    gravity = direction[:, min(max(round(at), 0), samples - 1)]
    along, across = _unit(gravity + 0.8 * dice.rng.standard_normal(3)), _any_direction(dice.rng)
    felt[:, begin:end] = contact.peak_g * (hit * along[:, None] + echo * across[:, None])
    return felt


def _lying(dice: _Dice, falling: Falling, seconds: Float64, direction: Float64) -> Float64:
    """Small movements (3, S) that come and go, and breath."""
    comes = 0.5 + 0.5 * np.sin(2 * np.pi * (0.2 * seconds + dice.rng.random()))
    stirring = min(dice.of(falling.stir_g), 0.3) * comes * _trembling(dice.rng, seconds, 0.4, 4.0)
    return stirring + _breathing(dice.rng, seconds, direction)


def _breathing(rng: np.random.Generator, seconds: Float64, direction: Float64) -> Float64:
    """Fifteen breaths a minute, (3, S)."""
    return 0.006 * direction * np.sin(2 * np.pi * (0.25 * seconds + rng.random()))


def _stepping(dice: _Dice, seconds: Float64, upright: Float64, gait: Gait, *, factor: float = 1.0, runs: bool = False) -> Float64:
    """Acceleration (3, S) of steps; `factor` makes them stronger."""
    rng = dice.rng
    wander = 0.04 * np.sin(2 * np.pi * (0.3 * seconds + rng.random()))
    steps = dice.of(gait.step_hz, _RUN_FASTER if runs else 1.0) * seconds + rng.random() + wander
    effort = 1.0 + 0.2 * np.sin(2 * np.pi * (rng.uniform(0.1, 0.3) * seconds + rng.random()))
    # The harmonics peak about together: a heel that comes down is felt more sharply than the weight that is missing before it.
    turns, sharp, (first, second) = 2 * np.pi * steps, 0.6 * rng.standard_normal(), rng.uniform(0.0, 2 * np.pi, 2)
    bounce = dice.of(gait.bounce_g, _RUN_HIGHER if runs else factor) * np.cos(turns)
    bounce += dice.of(gait.harmonic_g, _RUN_SHARPER if runs else factor) * np.cos(2 * turns + sharp)
    heel_g = dice.of(gait.heel_g)
    bounce += 0.5 * heel_g * factor * (np.cos(3 * turns) + np.cos(5 * turns + sharp))
    ahead = _across(upright, rng.standard_normal(3))
    aside = np.cross(upright, ahead)[:, None]
    swing = np.radians(dice.of(gait.swing_deg)) * np.sin(np.pi * steps)
    direction = _unit(upright[:, None] + swing * ahead[:, None])
    sway = np.sin(np.pi * steps + second) * ahead[:, None] + np.sin(2 * np.pi * steps + first) * aside
    trembling = 0.7 * heel_g * _trembling(rng, seconds, 4.0, 12.0)
    felt: Float64 = direction * (1.0 + effort * bounce) + factor * effort * (dice.of(gait.side_g) * sway + trembling)
    return felt


_RUN_FASTER, _RUN_HIGHER, _RUN_SHARPER = 1.5, 8.0, 2.0
"""Of somebody who jogs, against walking: rhythm, bounce and its harmonic."""


def _sensed(rng: np.random.Generator, accel_g: Float64, range_g: float) -> Float32:
    """What a sensor tells: noise, its range, whole milli-g."""
    noisy = accel_g + rng.normal(0.0, _NOISE_G, accel_g.shape)
    return (np.rint(np.clip(noisy, -range_g, range_g) * 1000.0) / 1000.0).astype(np.float32)


def _trembling(rng: np.random.Generator, seconds: Float64, low_hz: float, high_hz: float) -> Float64:
    """Movement without a direction (3, S) between two frequencies, of standard deviation 1 along each axis."""
    tones_hz, phases = rng.uniform(low_hz, high_hz, (3, _TONES, 1)), rng.uniform(0.0, 2 * np.pi, (3, _TONES, 1))
    summed: Float64 = np.sin(2 * np.pi * tones_hz * seconds + phases).sum(axis=1) * np.sqrt(2.0 / _TONES)
    return summed


def _body(placement: Placement) -> Placement:
    """The placement whose numbers are taken."""
    return Placement.WRIST if placement is Placement.WRIST else Placement.WAIST


def _times(seconds: float, rate_hz: float) -> Float64:
    return np.arange(round(seconds * rate_hz)) / rate_hz


def _any_direction(rng: np.random.Generator) -> Float64:
    return _unit(rng.standard_normal(3))


def _turned_by(rng: np.random.Generator, direction: Float64, angle: float) -> Float64:
    return _path(direction, _across(direction, rng.standard_normal(3)), np.array([2 * angle / np.pi]))[:, 0]


def _path(begin: Float64, end: Float64, share: Float64) -> Float64:
    """Directions (3, S) on the great circle through two of them: share 0 is the one, 1 the other."""
    angle = np.arccos(np.clip(begin @ end, -1.0, 1.0)) * share
    path: Float64 = begin[:, None] * np.cos(angle) + _across(begin, end)[:, None] * np.sin(angle)
    return path


def _across(direction: Float64, towards: Float64) -> Float64:
    """The unit vector at right angles to a direction, on the side of another one."""
    side = towards - (towards @ direction) * direction
    if np.linalg.norm(side) < 1e-6:  # noqa: PLR2004  they are parallel: any side will do
        return _across(direction, np.roll(direction, 1) + np.array([0.0, 0.1, 0.3]))
    return _unit(side)


def _unit(vectors: Float64) -> Float64:
    """Vectors (3,) or (3, S) at length 1."""
    scaled: Float64 = vectors / np.sqrt((vectors * vectors).sum(axis=0))
    return scaled


def _eased(share: Float64) -> Float64:
    """0 below 0, 1 above 1, and no jerk at either end."""
    within = np.clip(share, 0.0, 1.0)
    eased: Float64 = within * within * (3.0 - 2.0 * within)
    return eased
