"""Where somebody is, and how surely, from fixes that err: a filter for every device, as columns.

A fix is the true place, plus a slow error, plus a quick one, plus now and then a jump of tens of metres for some seconds. The slow error is
an Ornstein-Uhlenbeck process; people stand, or walk with a velocity that is such a process too. So there are two Kalman filters, one that
stands and one that walks, mixed as an interacting multiple model (Blom & Bar-Shalom, IEEE Transactions on Automatic Control 33(8), 1988).
That a fix is a jump is weighed against both, with a probability that goes on for some seconds (probabilistic data association, Bar-Shalom
& Tse, Automatica 11(5), 1975). Who stands for long is known far better than one fix says, as the slow error averages out.

Assumptions: `Model`. Both axes are alike, so a place has one standard deviation in every direction. Fails where a receiver reports less
than half of its error, and where the error goes on for many minutes: it is then believed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
        Deviation of a walk's velocity along one axis, and how long it keeps its direction.
    sway_m2_per_s : float
        How fast who stands moves about.
    stands_s, walks_s : float
        How long people stand, and walk.
    held_s, held_fixes, held_mps : float, int, float
        So many fixes over so long that seem to be a jump are none, if they agree but for somebody's walking so fast.
    frozen_s : float
        A fix at exactly the same place as the one before says nothing new, unless so much later.
    """

    accuracy_deviations: float = 1.5
    accuracy_s: float = 20.0
    slow_share: float = 0.7
    slow_s: float = 30.0
    jump_every_s: float = 100.0
    jump_s: float = 3.0
    jump_deviations: float = 6.0
    walk_mps: float = 1.0
    walk_s: float = 30.0
    sway_m2_per_s: float = 0.002
    stands_s: float = 300.0
    walks_s: float = 60.0
    held_s: float = 8.0
    held_fixes: int = 2
    held_mps: float = 3.0
    frozen_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What N fixes amount to, each with those of its device before it.

    Attributes
    ----------
    is_new : (N,) bool
        Newer than what was known, at a finite place, with an accuracy above 0. Others change nothing; their columns say what was known.
    x_m, y_m, sigma_m : (N,) float64
        Expected place, and its standard deviation in any direction. 0 of a device of which nothing is known.
    jump : (N,) float64
        Probability, 0 to 1, that this fix is a receiver's jump.
    since_ns : (N,) int64
        Time of the fix; where fixes that were held back turn out to be right, of the first of those.
    is_anew : (N,) bool
        The place owes nothing to earlier fixes: it is a first one, or those that were held back turned out to be right.
    """

    is_new: Bool
    x_m: Float64
    y_m: Float64
    sigma_m: Float64
    jump: Float64
    since_ns: Int64
    is_anew: Bool


# State of a device: means (place, velocity, slow error in deviations; two axes; standing and walking), covariances of the pairs of those
# three (both axes alike; standing and walking), and the rest.
_PAIRS = ([0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2])
_MEANS, _COVARIANCES = slice(0, 12), slice(12, 24)
_STANDS, _JUMP, _DEVIATION_M, _LAST_X, _LAST_Y, _HELD_X, _HELD_Y, _HELD = range(24, 32)
_COLUMNS = 32


class Tracker:
    """Places of many devices. Which fixes come in one call changes nothing, to the last bit; a call costs as much as it has fixes.

    Parameters
    ----------
    rows
        How many devices there are.
    model
        What is assumed.
    """

    def __init__(self, rows: int, model: Model | None = None) -> None:
        self.model = model or Model()
        self._state = np.zeros((rows, _COLUMNS), np.float64)
        self._known_ns = np.full(rows, -1, np.int64)
        self._seen_ns = np.full(rows, -1, np.int64)
        self._held_ns = np.zeros(rows, np.int64)

    @property
    def nbytes(self) -> int:
        """Memory of the state."""
        return self._state.nbytes + self._known_ns.nbytes + self._seen_ns.nbytes + self._held_ns.nbytes

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
        places = Places(
            is_new=np.zeros(len(row), np.bool_),
            x_m=np.zeros(len(row)),
            y_m=np.zeros(len(row)),
            sigma_m=np.zeros(len(row)),
            jump=np.zeros(len(row)),
            since_ns=np.zeros(len(row), np.int64),
            is_anew=np.zeros(len(row), np.bool_),
        )
        for turn in turns(row):
            fixes = _Fixes(time_ns[turn], np.stack((x_m[turn], y_m[turn])), accuracy_m[turn] / self.model.accuracy_deviations)
            self._take(turn, row[turn], fixes, places)
        return places

    def snapshot(self, row: int) -> list[float]:
        """State of one device in plain numbers; empty of one of which nothing is known."""
        if self._known_ns[row] < 0:
            return []
        return [int(self._known_ns[row]), int(self._seen_ns[row]), int(self._held_ns[row]), *self._state[row].tolist()]

    def restore(self, row: int, state: Sequence[float]) -> None:
        """Take over the state of one device."""
        if state:
            self._known_ns[row], self._seen_ns[row], self._held_ns[row] = (int(value) for value in state[:3])
            self._state[row] = state[3:]

    def copy(self, source: int, target: int) -> None:
        """Let one row go on from where another is."""
        for column in (self._state, self._known_ns, self._seen_ns, self._held_ns):
            column[target] = column[source]

    def _take(self, turn: Int64, row: NDArray[np.integer], fixes: "_Fixes", places: Places) -> None:
        """Take at most one fix of each device."""
        model = self.model
        state = np.ascontiguousarray(self._state[row].T)
        known_ns, seen_ns, held_ns = self._known_ns[row], self._seen_ns[row], self._held_ns[row]
        is_new = (fixes.time_ns > seen_ns) & fixes.is_usable
        fixes = fixes.where(is_new, state)
        is_first = is_new & (known_ns < 0)
        seen_s = (fixes.time_ns - seen_ns) / _NS_PER_S
        is_repeat = is_new & ~is_first & np.all(fixes.place == state[_LAST_X : _LAST_Y + 1], axis=0) & (seen_s < model.frozen_s)
        elapsed_s = np.maximum(fixes.time_ns - known_ns, 0) / _NS_PER_S
        after = _corrected(model, _predicted(model, state, elapsed_s, fixes), fixes)
        after = np.where(is_repeat, state, after)

        # What a jump explains better is held back; if it lasts, it is none.
        was_held = state[_HELD] > 0.0
        is_held = (after[_JUMP] > 0.5) & ~is_first & (was_held | ~is_repeat)  # noqa: PLR2004  more likely than not
        reach_m = 4.0 * np.maximum(fixes.deviation_m, state[_DEVIATION_M]) + model.held_mps * seen_s
        agrees = is_held & was_held & (np.hypot(*(fixes.place - state[_HELD_X : _HELD_Y + 1])) <= reach_m)
        after[_HELD] = np.where(is_held, np.where(agrees, state[_HELD], 0.0) + 1.0, 0.0)
        share = 1.0 / np.clip(after[_HELD], 1.0, 4.0)
        held_at = np.where(agrees, state[_HELD_X : _HELD_Y + 1], fixes.place)
        after[_HELD_X : _HELD_Y + 1] = held_at + share * (fixes.place - held_at)
        held_since_ns = np.where(agrees, held_ns, fixes.time_ns)
        has_lasted = (after[_HELD] >= model.held_fixes) & (fixes.time_ns - held_since_ns >= model.held_s * _NS_PER_S)

        is_anew = is_first | has_lasted
        if is_anew.any():
            begun = _begun(model, np.where(has_lasted, after[_HELD_X : _HELD_Y + 1], fixes.place), fixes.deviation_m)
            after = np.where(is_anew, begun, after)
        after[_LAST_X : _LAST_Y + 1] = fixes.place
        after = np.where(is_new, after, state)
        self._state[row] = after.T
        self._known_ns[row] = np.where(is_new & (is_anew | ~is_repeat), fixes.time_ns, known_ns)
        self._seen_ns[row] = np.where(is_new, fixes.time_ns, seen_ns)
        self._held_ns[row] = np.where(is_new, held_since_ns, held_ns)

        (x_m, y_m), sigma_m = _expected(after)
        places.is_new[turn] = is_new
        places.x_m[turn], places.y_m[turn], places.sigma_m[turn] = x_m, y_m, sigma_m
        places.jump[turn] = after[_JUMP]
        places.since_ns[turn] = np.where(has_lasted, held_since_ns, fixes.time_ns)
        places.is_anew[turn] = is_anew


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
            np.where(is_new, self.time_ns, 0),
            np.where(is_new, self.place, state[_LAST_X : _LAST_Y + 1]),
            np.where(is_new, self.deviation_m, 1.0),
        )


def turns(row: NDArray[np.integer]) -> Iterator[Int64]:
    """Indices of the first of each row, then of the second, and so on; each ascending."""
    order = np.argsort(row, kind="stable")
    begins = np.flatnonzero(np.diff(row[order], prepend=-1))
    counts = np.diff(begins, append=len(row))
    nth = np.arange(len(row)) - np.repeat(begins, counts)
    yield from (np.sort(order[nth == turn]) for turn in range(counts.max(initial=0)))


def _begun(model: Model, place: Float64, deviation_m: Float64) -> Float64:
    """State (columns, N) of a first fix: place and slow error are known only together."""
    state = np.zeros((_COLUMNS, len(deviation_m)))
    means, covariances = state[_MEANS].reshape(3, 2, 2, -1), state[_COVARIANCES].reshape(6, 2, -1)
    means[0] = place[:, None]
    covariances[0] = deviation_m**2
    covariances[2] = -np.sqrt(model.slow_share) * deviation_m
    covariances[3, 1] = model.walk_mps**2
    covariances[5] = 1.0
    state[_STANDS] = 0.5
    state[_JUMP] = model.jump_s / (model.jump_s + model.jump_every_s)
    state[_DEVIATION_M] = deviation_m
    return state


def _predicted(model: Model, state: Float64, elapsed_s: Float64, fixes: _Fixes) -> Float64:
    """State (columns, N) after so long, before the fixes are looked at, but for their accuracy."""
    after = np.empty_like(state)
    # Three ways: stood and stands, walked and may walk, stood and has set out.
    mean = state[_MEANS].reshape(3, 2, 2, -1)[:, :, [0, 1, 0]]
    covariance = state[_COVARIANCES].reshape(6, 2, -1)[:, [0, 1, 0]]
    covariance[3, 2] = model.walk_mps**2
    place, velocity, slow = mean
    xx, xv, xu, vv, vu, uu = covariance
    goes_on = np.exp(-elapsed_s / model.walk_s)
    slow_goes_on = np.exp(-elapsed_s / model.slow_s)
    way_s = model.walk_s * (1.0 - goes_on)
    power = model.walk_mps**2 * np.array([[0.0], [1.0], [1.0]])
    sway = model.sway_m2_per_s * np.array([[1.0], [0.0], [0.0]])
    lasts = elapsed_s / model.walk_s
    strayed = power * model.walk_s**2 * np.maximum(2.0 * lasts - 3.0 + 4.0 * goes_on - goes_on**2, 0.0) + sway * elapsed_s
    mean = np.stack((place + way_s * velocity, goes_on * velocity, slow_goes_on * slow))
    covariance = np.stack(
        (
            xx + 2.0 * way_s * xv + way_s**2 * vv + strayed,
            goes_on * (xv + way_s * vv) + power * model.walk_s * (1.0 - goes_on) ** 2,
            slow_goes_on * (xu + way_s * vu),
            goes_on**2 * vv + power * (1.0 - goes_on**2),
            goes_on * slow_goes_on * vu,
            slow_goes_on**2 * uu + (1.0 - slow_goes_on**2),
        )
    )
    stood = state[_STANDS]
    stays, walks_on = stood * np.exp(-elapsed_s / model.stands_s), (1.0 - stood) * np.exp(-elapsed_s / model.walks_s)
    stops, sets_out = 1.0 - stood - walks_on, stood - stays
    stopped_mean, stopped_covariance = mean[:, :, 1].copy(), covariance[:, 1].copy()
    stopped_mean[1] = 0.0
    stopped_covariance[[1, 3, 4]] = 0.0
    after_mean, after_covariance = after[_MEANS].reshape(3, 2, 2, -1), after[_COVARIANCES].reshape(6, 2, -1)
    after_mean[:, :, 0], after_covariance[:, 0] = _mixed(
        stops / (stops + stays), mean[:, :, 0], covariance[:, 0], stopped_mean, stopped_covariance
    )
    after_mean[:, :, 1], after_covariance[:, 1] = _mixed(
        sets_out / (sets_out + walks_on), mean[:, :, 1], covariance[:, 1], mean[:, :, 2], covariance[:, 2]
    )
    after[_STANDS] = stays + stops
    jumps = model.jump_s / (model.jump_s + model.jump_every_s)
    after[_JUMP] = jumps + (state[_JUMP] - jumps) * np.exp(-elapsed_s * (1.0 / model.jump_s + 1.0 / model.jump_every_s))
    ratio = np.log(fixes.deviation_m / np.where(state[_DEVIATION_M] > 0.0, state[_DEVIATION_M], fixes.deviation_m))
    share = 1.0 - np.exp(-elapsed_s / model.accuracy_s)
    after[_DEVIATION_M] = np.where(
        elapsed_s > model.accuracy_s, fixes.deviation_m, state[_DEVIATION_M] * np.exp(share * np.clip(ratio, -1.0, 1.0))
    )
    after[_LAST_X:] = state[_LAST_X:]
    return after


def _mixed(share: Float64, mean_a: Float64, covariance_a: Float64, mean_b: Float64, covariance_b: Float64) -> tuple[Float64, Float64]:
    """Mean (3, 2, N) and covariance (6, N) of a mixture in which b has that share (N,)."""
    away = mean_b - mean_a
    apart = 0.5 * (away[_PAIRS[0]] * away[_PAIRS[1]]).sum(axis=1)
    return mean_a + share * away, covariance_a + share * (covariance_b - covariance_a) + share * (1.0 - share) * apart


def _corrected(model: Model, state: Float64, fixes: _Fixes) -> Float64:
    """State (columns, N) with the fixes looked at, in the array that is given."""
    mean, covariance = state[_MEANS].reshape(3, 2, 2, -1), state[_COVARIANCES].reshape(6, 2, -1)
    usual_m = np.maximum(state[_DEVIATION_M], 1e-3)
    slow_m = np.sqrt(model.slow_share) * usual_m
    # Who says to be far worse than usual is believed.
    quick = np.where(fixes.deviation_m > 1.6 * usual_m, fixes.deviation_m**2, (1.0 - model.slow_share) * usual_m**2)
    xx, xv, xu, _, vu, uu = covariance
    with_fix = np.stack((xx + slow_m * xu, xv + slow_m * vu, xu + slow_m * uu))
    variance = with_fix[0] + slow_m * with_fix[2] + quick
    gain = with_fix / variance
    error = fixes.place[:, None] - mean[0] - slow_m * mean[2]
    squared = (error**2).sum(axis=0)
    # Densities in the plane but for 1 / (2 pi): of a good fix a normal one, of a jump Cauchy's, wide enough for the fix's own error.
    wide = (model.jump_deviations * usual_m) ** 2 + variance
    good = (1.0 - state[_JUMP]) * np.exp(-0.5 * squared / variance) / variance
    jump = state[_JUMP] * np.sqrt(wide) / (squared + wide) ** 1.5
    is_good = good / (good + jump)
    mean += is_good * gain[:, None] * error
    covariance += is_good * ((1.0 - is_good) * 0.5 * squared - variance) * gain[_PAIRS[0]] * gain[_PAIRS[1]]
    stands, walks = state[_STANDS] * (good + jump)[0], (1.0 - state[_STANDS]) * (good + jump)[1]
    state[_STANDS] = stands / (stands + walks)
    state[_JUMP] = 1.0 - state[_STANDS] * is_good[0] - (1.0 - state[_STANDS]) * is_good[1]
    return state


def _expected(state: Float64) -> tuple[Float64, Float64]:
    """Place (2, N) and its standard deviation (N,)."""
    standing, walking = state[_MEANS].reshape(3, 2, 2, -1)[0].transpose(1, 0, 2)
    variance = state[_COVARIANCES].reshape(6, 2, -1)[0]
    stands = state[_STANDS]
    away = walking - standing
    spread = 0.5 * stands * (1.0 - stands) * (away**2).sum(axis=0)
    return standing + (1.0 - stands) * away, np.sqrt(stands * variance[0] + (1.0 - stands) * variance[1] + spread)
