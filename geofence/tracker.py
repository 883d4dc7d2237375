"""Where somebody is, and how surely, from fixes that err: a filter for every device, as columns.

A fix is the true place, plus a slow error, plus a quick one, plus now and then a jump of tens of metres for some seconds. The slow error is
an Ornstein-Uhlenbeck process; people stand, or walk with a velocity that is such a process too. So there are two Kalman filters, one that
stands and one that walks, mixed as an interacting multiple model (Blom & Bar-Shalom, IEEE Transactions on Automatic Control 33(8), 1988).
That a fix is a jump is weighed against both, with a probability that goes on for some seconds (probabilistic data association, Bar-Shalom
& Tse, Automatica 11(5), 1975). Who stands for long is known far better than one fix says, as the slow error averages out.

Assumptions: `Model`. Both axes are alike, so a place has one standard deviation in every direction. Fails where a receiver reports less
than half of its error, and where the error goes on for many minutes: it is then believed.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What is assumed of receivers and of people.

    Attributes
    ----------
    accuracy_deviations : float
        Standard deviations along one axis in a reported accuracy: the radius that holds 68 % (Android's `Location.getAccuracy`).
    accuracy_s : float
        A receiver's deviation is averaged over about so long.
    slow_share, slow_s : float
        Share of the error's variance that is slow, and how long it lasts.
    jump_every_s, jump_s, jump_deviations : float
        How seldom a receiver jumps, how long that lasts, and how far it goes, in standard deviations.
    walk_mps, walk_s : float
        Deviation of a walk's velocity along one axis, and how long a walk lasts and keeps its direction.
    sway_m2_per_s : float
        How fast who stands moves about.
    stand_s : float
        How long people stand.
    held_s, held_fixes, held_mps : float, int, float
        So many fixes over so long that seem to be a jump are none, if each is near the one before but for somebody's moving so fast.
    frozen_s : float
        A fix at exactly the same place as the one before, and not so much later, says nothing new: nothing has changed, the error neither.
    """

    accuracy_deviations: float = 1.5
    accuracy_s: float = 20.0
    slow_share: float = 0.7
    slow_s: float = 30.0
    jump_every_s: float = 100.0
    jump_s: float = 3.0
    jump_deviations: float = 6.0
    walk_mps: float = 0.7
    walk_s: float = 60.0
    sway_m2_per_s: float = 0.002
    stand_s: float = 600.0
    held_s: float = 10.0
    held_fixes: int = 2
    held_mps: float = 8.0
    frozen_s: float = 60.0

    @property
    def jumps(self) -> float:
        """Share of the fixes that are jumps."""
        return self.jump_s / (self.jump_s + self.jump_every_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What N fixes amount to, each with those of its device before it: somebody stands at one place, or walks and is at another.

    A place has the same standard deviation in every direction, so somebody is inside a border with the probability
    stands * Phi(d1 / stand_sigma_m) + (1 - stands) * Phi(d2 / walk_sigma_m), where d1 and d2 are the signed distances of the two places,
    above 0 inside.

    Attributes
    ----------
    is_new : (N,) bool
        Newer than what was known, at a finite place, with an accuracy above 0. Others change nothing; their columns say what was known,
        and are 0 where that is nothing.
    stands : (N,) float64
        Probability of standing.
    stand_x_m, stand_y_m, stand_sigma_m : (N,) float64
        Where somebody is who stands.
    walk_x_m, walk_y_m, walk_sigma_m : (N,) float64
        Where somebody is who walks.
    jump : (N,) float64
        Probability that this fix is a receiver's jump.
    deviation_m : (N,) float64
        Standard deviation along one axis of the device's fixes, as of late.
    since_ns : (N,) int64
        Time of the fix; where fixes that were held back turn out to be right, of the first of those.
    fixes : (N,) int64
        1; where fixes that were held back turn out to be right, how many those are.
    elapsed_s : (N,) float64
        Since the device's fix before; infinite at a first one.
    is_anew : (N,) bool
        The place owes nothing to earlier fixes: it is a first one, or those that were held back turned out to be right.
    """

    is_new: Bool
    stands: Float64
    stand_x_m: Float64
    stand_y_m: Float64
    stand_sigma_m: Float64
    walk_x_m: Float64
    walk_y_m: Float64
    walk_sigma_m: Float64
    jump: Float64
    deviation_m: Float64
    since_ns: Int64
    fixes: Int64
    elapsed_s: Float64
    is_anew: Bool

    @classmethod
    def of(cls, count: int) -> Self:
        """Places of which nothing is known yet."""
        zero, whole = np.zeros((10, count)), np.zeros((2, count), np.int64)
        is_new, is_anew = np.zeros((2, count), np.bool_)
        names = (
            "stands",
            "stand_x_m",
            "stand_y_m",
            "stand_sigma_m",
            "walk_x_m",
            "walk_y_m",
            "walk_sigma_m",
            "jump",
            "deviation_m",
            "elapsed_s",
        )
        return cls(is_new=is_new, is_anew=is_anew, since_ns=whole[0], fixes=whole[1], **dict(zip(names, zero, strict=True)))

    def put(self, part: Int64, state: Float64) -> None:
        """Write what a tracker knows."""
        self.stands[part], self.jump[part], self.deviation_m[part] = state[_STANDS], state[_JUMP], state[_DEVIATION_M]
        self.stand_x_m[part], self.stand_y_m[part] = state[_STAND][:2]
        self.walk_x_m[part], self.walk_y_m[part] = state[_WALK][:2]
        self.stand_sigma_m[part], self.walk_sigma_m[part] = np.sqrt(state[_STAND_C][0]), np.sqrt(state[_WALK_C][0])


# State of a device. Means of who stands, and of who walks: place (x, y) and slow error in deviations (u, v); covariances of the first axis,
# which are those of the other too: xx, xu, uu; velocity (p, q), and its covariances xp, pp, pu; and the rest.
_STAND, _STAND_C, _WALK, _WALK_C = slice(0, 4), slice(4, 7), slice(7, 11), slice(11, 14)
_VELOCITY, _VELOCITY_C = slice(14, 16), slice(16, 19)
_STANDS, _JUMP, _DEVIATION_M = 19, 20, 21
_LAST, _HELD = slice(22, 24), slice(24, 27)
_COLUMNS = 27
_TOGETHER = 4096
"""Fixes taken at once: their columns fit the processor's cache."""
_LIKELY = 0.5
_LEAST = 1e-9
_WORSE = 1.6
_HELD_DEVIATIONS = 4.0


class Tracker:
    """Places of many devices. How fixes are cut into calls changes nothing, to the last bit; a call costs as much as it has fixes.

    Parameters
    ----------
    rows
        How many devices there are.
    model
        What is assumed.
    """

    def __init__(self, rows: int, model: Model | None = None) -> None:
        self.model = model or Model()
        self._state = np.tile(_nothing(self.model), (rows, 1))
        self._time_ns = np.full(rows, -1, np.int64)
        self._held_ns = np.zeros(rows, np.int64)

    @property
    def nbytes(self) -> int:
        """Memory of the state."""
        return self._state.nbytes + self._time_ns.nbytes + self._held_ns.nbytes

    def update(self, row: NDArray[np.integer], time_ns: Int64, x_m: Float64, y_m: Float64, accuracy_m: Float64) -> Places:
        """Take fixes in order of arrival.

        Parameters
        ----------
        row : (N,) integer
            Of the device. Several fixes of one are taken one after another.
        time_ns : (N,) int64
            Of the measurement, at least 0.
        x_m, y_m : (N,) float64
            Where, in a plane that is always the same for one device.
        accuracy_m : (N,) float64
            Radius that the device reports.
        """
        places = Places.of(len(row))
        place, deviation_m = np.stack((x_m, y_m)), accuracy_m / self.model.accuracy_deviations
        for turn in turns(row):
            for begin in range(0, len(turn), _TOGETHER):
                part = turn[begin : begin + _TOGETHER]
                self._take(row[part], _Fixes(time_ns[part], place[:, part], deviation_m[part]), places, part)
        return places

    def known(self, row: NDArray[np.integer]) -> Places:
        """Where devices (N,) were at their newest fixes, none of which is new; 0 where nothing is known."""
        places = Places.of(len(row))
        places.put(np.arange(len(row)), self._state[row].T)
        places.since_ns[:] = self._time_ns[row]
        return places

    def snapshot(self, row: int) -> list[float]:
        """State of one device in plain numbers; empty of one of which nothing is known."""
        if self._time_ns[row] < 0:
            return []
        return [int(self._time_ns[row]), int(self._held_ns[row]), *self._state[row].tolist()]

    def restore(self, row: int, state: Sequence[float]) -> None:
        """Take over the state of one device."""
        if state:
            self._time_ns[row], self._held_ns[row] = (int(value) for value in state[:2])
            self._state[row] = state[2:]

    def copy(self, source: Int64, target: Int64) -> None:
        """Let rows (N,) go on from where others are."""
        for column in (self._state, self._time_ns, self._held_ns):
            column[target] = column[source]

    def grow(self, rows: int) -> None:
        """Have as many rows, of which nothing is known but what was."""
        more = Tracker(rows - len(self._time_ns), self.model)
        self._state = np.concatenate((self._state, more._state))
        self._time_ns, self._held_ns = np.concatenate((self._time_ns, more._time_ns)), np.concatenate((self._held_ns, more._held_ns))

    def begin(self, row: NDArray[np.integer], time_ns: Int64, x_m: Float64, y_m: Float64, accuracy_m: Float64) -> None:
        """Let rows (N,), none of which is there twice, know one fix each and nothing else; nothing at all where its time is below 0."""
        fixes = _Fixes(time_ns, np.stack((x_m, y_m)), accuracy_m / self.model.accuracy_deviations)
        is_known = time_ns >= 0
        self._state[row] = np.where(is_known, _begun(self.model, fixes), _nothing(self.model)[:, None]).T
        self._time_ns[row], self._held_ns[row] = np.where(is_known, time_ns, -1), 0

    def _take(self, row: NDArray[np.integer], fixes: "_Fixes", places: Places, part: Int64) -> None:
        """Take at most one fix of each device; what they amount to goes to that part of `places`."""
        model, before = self.model, np.ascontiguousarray(self._state[row].T)
        before_ns, held_ns = self._time_ns[row], self._held_ns[row]
        is_new = (fixes.time_ns > before_ns) & fixes.is_usable
        all_new = bool(is_new.all())
        fixes = fixes if all_new else fixes.where(is_new, before)
        is_first = is_new & (before_ns < 0)
        elapsed_s = np.where(before_ns < 0, 0.0, np.maximum(fixes.time_ns - before_ns, 0) / _NS_PER_S)
        after = _predicted(model, before, elapsed_s, fixes.deviation_m)
        _correct(model, after, fixes)
        is_repeat = is_new & ~is_first & (fixes.place == before[_LAST]).all(axis=0) & (elapsed_s < model.frozen_s)
        if is_repeat.any():
            after = np.where(is_repeat, before, after)
        after[_LAST] = fixes.place

        was_held = is_new & (before[_HELD][2] > 0.0)
        is_held = is_new & ~is_first & np.where(is_repeat, was_held, after[_JUMP] > _LIKELY)
        since_ns, count, has_lasted = fixes.time_ns, np.ones(len(row), np.int64), was_held
        if (is_held | was_held).any():
            since_ns, count = self._hold(is_held, before, after, fixes=fixes, held_ns=held_ns, elapsed_s=elapsed_s)
            lasts = fixes.time_ns - since_ns >= round(model.held_s * _NS_PER_S)
            has_lasted = was_held & lasts & (count >= model.held_fixes)
        else:
            after[_HELD] = 0.0
        is_anew = is_first | has_lasted
        if is_anew.any():
            after = np.where(is_anew, _begun(model, fixes), after)
        if not all_new:
            after = np.where(is_new, after, before)
        self._state[row] = after.T
        self._time_ns[row] = np.where(is_new, fixes.time_ns, before_ns)
        self._held_ns[row] = np.where(is_held, since_ns, held_ns)
        places.put(part, after)
        places.is_new[part], places.is_anew[part] = is_new, is_anew
        places.since_ns[part], places.fixes[part] = np.where(has_lasted, since_ns, fixes.time_ns), np.where(has_lasted, count, 1)
        places.elapsed_s[part] = np.where(before_ns < 0, np.inf, elapsed_s)

    def _hold(
        self, is_held: Bool, before: Float64, after: Float64, *, fixes: "_Fixes", held_ns: Int64, elapsed_s: Float64
    ) -> tuple[Int64, Int64]:
        """Hold back what a jump explains better: since when there have been fixes that agree with each other, and how many.

        One that is not held back agrees with those that were if it is nearer to them than to where the device was before.
        """
        held, was_held = before[_HELD][:2], before[_HELD][2]
        known = before[_STAND][:2] + (1.0 - before[_STANDS]) * (before[_WALK][:2] - before[_STAND][:2])
        away_m = np.hypot(*(fixes.place - held))
        reach_m = _HELD_DEVIATIONS * after[_DEVIATION_M] + self.model.held_mps * elapsed_s
        agrees = (was_held > 0.0) & (away_m <= reach_m) & (is_held | (away_m < np.hypot(*(fixes.place - known))))
        count = np.where(agrees, was_held, 0.0) + 1.0
        after[_HELD][:2] = np.where(is_held, fixes.place, 0.0)
        after[_HELD][2] = np.where(is_held, count, 0.0)
        return np.where(agrees, held_ns, fixes.time_ns), count.astype(np.int64)


@dataclass(frozen=True, slots=True)
class _Fixes:
    """At most one of each device: times (N,), places (2, N) and standard deviations (N,)."""

    time_ns: Int64
    place: Float64
    deviation_m: Float64

    @property
    def is_usable(self) -> Bool:
        usable: Bool = np.isfinite(self.deviation_m) & (self.deviation_m > 0.0) & np.isfinite(self.place).all(axis=0)
        return usable

    def where(self, is_new: Bool, state: Float64) -> "_Fixes":
        """These; instead of one that is not looked at, something harmless."""
        return _Fixes(
            np.where(is_new, self.time_ns, 0), np.where(is_new, self.place, state[_LAST]), np.where(is_new, self.deviation_m, 1.0)
        )


def turns(row: NDArray[np.integer]) -> Iterator[Int64]:
    """Indices of the first of each row, then of the second, and so on; each ascending."""
    if len(row) == 1:
        yield np.zeros(1, np.int64)
        return
    if not len(row):
        return
    if _are_single(row):
        yield np.arange(len(row))
        return
    order = np.argsort(row, kind="stable")
    ordered = row[order]
    begins = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    counts = np.diff(begins, append=len(row))
    nth = np.arange(len(row)) - np.repeat(begins, counts)
    by_turn = order[np.lexsort((order, nth))]
    yield from np.split(by_turn, np.cumsum(np.bincount(nth))[:-1])


def _are_single(row: NDArray[np.integer]) -> bool:
    """Whether no row is there twice."""
    ordered = np.sort(row)
    return not bool((ordered[1:] == ordered[:-1]).any())


def _nothing(model: Model) -> Float64:
    """State (columns,) of a device of which nothing is known."""
    s = np.zeros(_COLUMNS)
    s[_STANDS], s[_JUMP] = 0.5, model.jumps
    return s


def _begun(model: Model, fixes: _Fixes) -> Float64:
    """State (columns, N) of a first fix: place and slow error are known only together."""
    s = np.zeros((_COLUMNS, len(fixes.deviation_m)))
    s[_STAND][:2] = s[_WALK][:2] = fixes.place
    variance, with_slow = fixes.deviation_m**2, -math.sqrt(model.slow_share) * fixes.deviation_m
    s[_STAND_C] = s[_WALK_C] = variance, with_slow, np.ones_like(variance)
    s[_VELOCITY_C][1] = model.walk_mps**2
    s[_STANDS], s[_JUMP], s[_DEVIATION_M] = 0.5, model.jumps, fixes.deviation_m
    s[_LAST] = fixes.place
    return s


def _predicted(model: Model, s: Float64, elapsed_s: Float64, deviation_m: Float64) -> Float64:
    """State (columns, N) after so long; of the fixes to come only their deviations are looked at."""
    n = np.empty_like(s)
    walk2 = model.walk_mps**2
    keeps, slow_keeps = np.exp(elapsed_s * (-1.0 / model.walk_s)), np.exp(elapsed_s * (-1.0 / model.slow_s))
    slow_keeps2 = slow_keeps * slow_keeps
    slow_gained = 1.0 - slow_keeps2
    way_s = model.walk_s * (1.0 - keeps)
    gained_xp = (walk2 / model.walk_s) * (way_s * way_s)
    set_out_xx = np.maximum((2.0 * walk2 * model.walk_s) * (elapsed_s - way_s), 0.0)
    gained_xx = np.maximum(set_out_xx - model.walk_s * gained_xp, 0.0)

    # Shares of who has stopped among those who stand now, and of who walked before among those who walk.
    stood = s[_STANDS]
    stays = stood * (model.stand_s / (model.stand_s + elapsed_s))  # the longer somebody stands, the longer they will
    walks_on = (1.0 - stood) * keeps
    walks = stood - stays + walks_on
    n[_STANDS] = 1.0 - walks
    stopped = 1.0 - stays / n[_STANDS]
    walked = walks_on / walks

    stand, walk = s[_STAND].copy(), s[_WALK].copy()
    stand[2:] *= slow_keeps
    walk[2:] *= slow_keeps
    walk[:2] += way_s * s[_VELOCITY]
    velocity = keeps * s[_VELOCITY]
    away = walk - stand
    n[_STAND], n[_WALK], n[_VELOCITY] = stand + stopped * away, stand + walked * away, walked * velocity

    with_p, pp, with_pu = s[_VELOCITY_C]
    covered = with_p + way_s * pp
    stand_c, walk_c = s[_STAND_C].copy(), s[_WALK_C].copy()
    walk_c[0] += way_s * (with_p + covered) + gained_xx
    walk_c[1] += way_s * with_pu
    for one in (stand_c, walk_c):
        one[1] *= slow_keeps
        one[2] *= slow_keeps2
        one[2] += slow_gained
    set_out_c = stand_c.copy()
    set_out_c[0] += set_out_xx
    stand_c[0] += model.sway_m2_per_s * elapsed_s
    apart = _products(away[:2], away)
    n[_STAND_C] = stand_c + stopped * (walk_c - stand_c) + (0.5 * stopped * (1.0 - stopped)) * apart
    walked_apart = 0.5 * walked * (1.0 - walked)
    n[_WALK_C] = set_out_c + walked * (walk_c - set_out_c) + walked_apart * apart
    velocity_c, set_out = np.stack((keeps * covered + gained_xp, keeps * keeps * pp, keeps * slow_keeps * with_pu)), 1.0 - walked
    velocity_c[1] += walk2 * (1.0 - keeps * keeps)
    n[_VELOCITY_C] = walked * velocity_c + walked_apart * _velocity_products(velocity, away)
    n[_VELOCITY_C][0] += set_out * (walk2 * way_s)
    n[_VELOCITY_C][1] += set_out * walk2

    n[_JUMP] = model.jumps + (s[_JUMP] - model.jumps) * (model.jump_s / (model.jump_s + elapsed_s))
    known_m = np.where(s[_DEVIATION_M] > 0.0, s[_DEVIATION_M], deviation_m)
    share = np.where(elapsed_s > model.accuracy_s, 1.0, elapsed_s * (1.0 / model.accuracy_s))
    # Up by no more than a factor of e at once, as one bad fix says little of the next. A good one says more.
    n[_DEVIATION_M] = np.minimum(known_m + share * (np.minimum(deviation_m, math.e * known_m) - known_m), 2.0 * deviation_m)
    n[_LAST], n[_HELD] = s[_LAST], s[_HELD]
    return n


def _products(place: Float64, both: Float64) -> Float64:
    """Products (3, N), summed over both axes, of differences (4, N) of places and slow errors: xx, xu, uu."""
    squares, across = both * both, place * both[2:]
    return np.stack((squares[0] + squares[1], across[0] + across[1], squares[2] + squares[3]))


def _velocity_products(velocity: Float64, both: Float64) -> Float64:
    """The same with velocities (2, N): xp, pp, pu."""
    with_place, squares, with_slow = velocity * both[:2], velocity * velocity, velocity * both[2:]
    return np.stack((with_place[0] + with_place[1], squares[0] + squares[1], with_slow[0] + with_slow[1]))


def _correct(model: Model, s: Float64, fixes: _Fixes) -> None:
    """Look at the fixes."""
    usual_m, jump = s[_DEVIATION_M], s[_JUMP].copy()
    slow_m = math.sqrt(model.slow_share) * usual_m
    # Who says to be far worse than usual is believed.
    quick2 = np.where(fixes.deviation_m > _WORSE * usual_m, fixes.deviation_m**2, (1.0 - model.slow_share) * usual_m**2)
    wide2 = (model.jump_deviations * usual_m) ** 2

    mean, covariance = s[_STAND], s[_STAND_C]
    gain = covariance[:2] + slow_m * covariance[1:]
    variance = gain[0] + slow_m * gain[1] + quick2
    gain /= variance
    error = fixes.place - mean[:2] - slow_m * mean[2:]
    stand_good, change, stand_likelihood = _weighed(error, variance, wide2, jump)
    error *= stand_good
    mean[:2] += gain[0] * error
    mean[2:] += gain[1] * error
    covariance[:2] += (change * gain[0]) * gain
    covariance[2] += change * gain[1] * gain[1]

    mean, covariance, with_velocity = s[_WALK], s[_WALK_C], s[_VELOCITY_C]
    gain = covariance[:2] + slow_m * covariance[1:]
    gain_p = with_velocity[0] + slow_m * with_velocity[2]
    variance = gain[0] + slow_m * gain[1] + quick2
    gain /= variance
    gain_p /= variance
    error = fixes.place - mean[:2] - slow_m * mean[2:]
    good, change, walk_likelihood = _weighed(error, variance, wide2, jump)
    error *= good
    mean[:2] += gain[0] * error
    mean[2:] += gain[1] * error
    s[_VELOCITY] += gain_p * error
    covariance[:2] += (change * gain[0]) * gain
    covariance[2] += change * gain[1] * gain[1]
    change_p = change * gain_p
    with_velocity[0] += change_p * gain[0]
    with_velocity[1] += change_p * gain_p
    with_velocity[2] += change_p * gain[1]

    stand_likelihood *= s[_STANDS]
    walk_likelihood *= 1.0 - s[_STANDS]
    s[_STANDS] = np.clip(stand_likelihood / (stand_likelihood + walk_likelihood), _LEAST, 1.0 - _LEAST)
    s[_JUMP] = 1.0 - good + s[_STANDS] * (good - stand_good)


def _weighed(error: Float64, variance: Float64, wide2: Float64, jump: Float64) -> tuple[Float64, Float64, Float64]:
    """Probability that a fix is no jump, what the covariance changes by for each squared gain, and the fix's likelihood times 2 pi.

    A good fix has a normal density, one that jumps Cauchy's, which is at least as wide as the fix's own error.
    """
    squares = error * error
    error2 = squares[0] + squares[1]
    wide2 = wide2 + variance
    heavy = error2 + wide2
    is_good = (1.0 - jump) * np.exp(-0.5 * error2 / variance) / variance
    likelihood = is_good + jump * np.sqrt(wide2 / heavy) / heavy
    good = is_good / likelihood
    # What was not known before a fix that is likely good is forgotten, else nothing would ever be sure of devices that are seldom heard.
    return good, good * (1.0 - good) * 0.5 * error2 - np.where(good > _LIKELY, 1.0, good) * variance, likelihood
