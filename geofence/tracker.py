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
    walk_mps: float = 0.7
    walk_s: float = 60.0
    sway_m2_per_s: float = 0.002
    stand_s: float = 600.0
    held_s: float = 8.0
    held_fixes: int = 2
    held_mps: float = 3.0
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
    since_ns : (N,) int64
        Time of the fix; where fixes that were held back turn out to be right, of the first of those.
    fixes : (N,) int64
        1; where fixes that were held back turn out to be right, how many those are.
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
    since_ns: Int64
    fixes: Int64
    is_anew: Bool


# Columns of the state. s: standing, w: walking; x, y: place, p, q: velocity, u, v: slow error in deviations, along both axes; two of
# those letters (of the first axis): their covariance, which is that of the other axis too.
(
    _SX, _SY, _SU, _SV, _SXX, _SXU, _SUU,
    _WX, _WY, _WP, _WQ, _WU, _WV, _WXX, _WXP, _WXU, _WPP, _WPU, _WUU,
    _STANDS, _JUMP, _DEVIATION_M, _LAST_X, _LAST_Y, _HELD_X, _HELD_Y, _HELD,
) = range(27)  # fmt: skip
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
        self._state = np.zeros((rows, _COLUMNS), np.float64)
        self._state[:, [_STANDS, _JUMP]] = 0.5, self.model.jumps
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
        places = _nothing(len(row))
        for turn in turns(row):
            for begin in range(0, len(turn), _TOGETHER):
                part = turn[begin : begin + _TOGETHER]
                fixes = _Fixes(time_ns[part], x_m[part], y_m[part], accuracy_m[part] / self.model.accuracy_deviations)
                self._take(row[part], fixes, places, part)
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

    def _take(self, row: NDArray[np.integer], fixes: "_Fixes", places: Places, part: Int64) -> None:
        """Take at most one fix of each device; what they amount to goes to that part of `places`."""
        before = np.ascontiguousarray(self._state[row].T)
        known_ns, seen_ns, held_ns = self._known_ns[row], self._seen_ns[row], self._held_ns[row]
        is_new = (fixes.time_ns > seen_ns) & fixes.is_usable
        if not is_new.all():
            fixes = fixes.where(is_new, before)
        is_first = is_new & (known_ns < 0)
        elapsed_s = np.where(known_ns < 0, 0.0, np.maximum(fixes.time_ns - known_ns, 0) / _NS_PER_S)
        after = _predicted(self.model, before, elapsed_s, fixes.deviation_m)
        _correct(self.model, after, fixes)
        seen_s = (fixes.time_ns - seen_ns) / _NS_PER_S
        is_repeat = is_new & ~is_first & (fixes.x_m == before[_LAST_X]) & (fixes.y_m == before[_LAST_Y]) & (seen_s < self.model.frozen_s)
        if is_repeat.any():
            after = np.where(is_repeat, before, after)
        after[_LAST_X], after[_LAST_Y] = fixes.x_m, fixes.y_m

        since_ns, has_lasted = fixes.time_ns, np.zeros(len(row), np.bool_)
        is_held = is_new & ~is_first & np.where(is_repeat, before[_HELD] > 0.0, after[_JUMP] > _LIKELY)
        if is_held.any():
            since_ns, has_lasted = self._hold(is_held, before, after, fixes=fixes, held_ns=held_ns, seen_s=seen_s)
        else:
            after[_HELD_X:] = 0.0
        is_anew = is_first | has_lasted
        held_fixes = after[_HELD].astype(np.int64)
        if is_anew.any():
            begun = _begun(
                self.model, fixes, np.where(has_lasted, after[_HELD_X], fixes.x_m), np.where(has_lasted, after[_HELD_Y], fixes.y_m)
            )
            after = np.where(is_anew, begun, after)
        if not is_new.all():
            after = np.where(is_new, after, before)
        self._state[row] = after.T
        self._known_ns[row] = np.where(is_new & (is_anew | ~is_repeat), fixes.time_ns, known_ns)
        self._seen_ns[row] = np.where(is_new, fixes.time_ns, seen_ns)
        self._held_ns[row] = np.where(is_held, since_ns, held_ns)
        _write(places, part, after)
        places.is_new[part], places.is_anew[part] = is_new, is_anew
        places.since_ns[part] = np.where(has_lasted, since_ns, fixes.time_ns)
        places.fixes[part] = np.where(has_lasted, held_fixes, 1)

    def _hold(
        self, is_held: Bool, before: Float64, after: Float64, *, fixes: "_Fixes", held_ns: Int64, seen_s: Float64
    ) -> tuple[Int64, Bool]:
        """Hold back what a jump explains better: since when, and whether that has lasted so long that it is none."""
        was_held = before[_HELD] > 0.0
        away_m = np.hypot(fixes.x_m - before[_HELD_X], fixes.y_m - before[_HELD_Y])
        reach_m = _HELD_DEVIATIONS * after[_DEVIATION_M] + self.model.held_mps * seen_s
        agrees = is_held & was_held & (away_m <= reach_m)
        count = np.where(agrees, before[_HELD], 0.0) + 1.0
        share = 1.0 / np.minimum(count, 4.0)
        held_x_m = np.where(agrees, before[_HELD_X] + share * (fixes.x_m - before[_HELD_X]), fixes.x_m)
        held_y_m = np.where(agrees, before[_HELD_Y] + share * (fixes.y_m - before[_HELD_Y]), fixes.y_m)
        after[_HELD_X:] = np.where(is_held, (held_x_m, held_y_m, count), 0.0)
        since_ns = np.where(agrees, held_ns, fixes.time_ns)
        lasts = fixes.time_ns - since_ns >= round(self.model.held_s * _NS_PER_S)
        return since_ns, is_held & lasts & (count >= self.model.held_fixes)


@dataclass(frozen=True, slots=True)
class _Fixes:
    """At most one of each device: times, places and standard deviations, each (N,)."""

    time_ns: Int64
    x_m: Float64
    y_m: Float64
    deviation_m: Float64

    @property
    def is_usable(self) -> Bool:
        usable: Bool = np.isfinite(self.deviation_m) & (self.deviation_m > 0.0) & np.isfinite(self.x_m) & np.isfinite(self.y_m)
        return usable

    def where(self, is_new: Bool, state: Float64) -> "_Fixes":
        """These; instead of one that is not looked at, something harmless."""
        return _Fixes(
            np.where(is_new, self.time_ns, 0),
            np.where(is_new, self.x_m, state[_LAST_X]),
            np.where(is_new, self.y_m, state[_LAST_Y]),
            np.where(is_new, self.deviation_m, 1.0),
        )


def turns(row: NDArray[np.integer]) -> Iterator[Int64]:
    """Indices of the first of each row, then of the second, and so on; each ascending."""
    order = np.argsort(row, kind="stable")
    begins = np.flatnonzero(np.diff(row[order], prepend=-1))
    if len(begins) == len(row):
        yield from (np.arange(len(row)),) if len(row) else ()
        return
    counts = np.diff(begins, append=len(row))
    nth = np.arange(len(row)) - np.repeat(begins, counts)
    by_turn = order[np.lexsort((order, nth))]
    yield from np.split(by_turn, np.cumsum(np.bincount(nth))[:-1])


def _nothing(count: int) -> Places:
    zero = np.zeros((8, count))
    return Places(
        is_new=np.zeros(count, np.bool_),
        stands=zero[0],
        stand_x_m=zero[1],
        stand_y_m=zero[2],
        stand_sigma_m=zero[3],
        walk_x_m=zero[4],
        walk_y_m=zero[5],
        walk_sigma_m=zero[6],
        jump=zero[7],
        since_ns=np.zeros(count, np.int64),
        fixes=np.zeros(count, np.int64),
        is_anew=np.zeros(count, np.bool_),
    )


def _write(places: Places, part: Int64, s: Float64) -> None:
    places.stands[part] = s[_STANDS]
    places.stand_x_m[part], places.stand_y_m[part], places.stand_sigma_m[part] = s[_SX], s[_SY], np.sqrt(s[_SXX])
    places.walk_x_m[part], places.walk_y_m[part], places.walk_sigma_m[part] = s[_WX], s[_WY], np.sqrt(s[_WXX])
    places.jump[part] = s[_JUMP]


def _begun(model: Model, fixes: _Fixes, x_m: Float64, y_m: Float64) -> Float64:
    """State (columns, N) of a first fix: place and slow error are known only together."""
    s = np.zeros((_COLUMNS, len(x_m)))
    s[_SX], s[_SY] = s[_WX], s[_WY] = x_m, y_m
    s[_SXX] = s[_WXX] = fixes.deviation_m**2
    s[_SXU] = s[_WXU] = -math.sqrt(model.slow_share) * fixes.deviation_m
    s[_SUU] = s[_WUU] = 1.0
    s[_WPP] = model.walk_mps**2
    s[_STANDS], s[_JUMP] = 0.5, model.jumps
    s[_DEVIATION_M] = fixes.deviation_m
    s[_LAST_X], s[_LAST_Y] = fixes.x_m, fixes.y_m
    return s


def _predicted(model: Model, s: Float64, elapsed_s: Float64, deviation_m: Float64) -> Float64:
    """State (columns, N) after so long; of the fixes to come only their deviations are looked at."""
    n = np.empty_like(s)
    walk2 = model.walk_mps**2
    keeps = np.exp(elapsed_s * (-1.0 / model.walk_s))
    slow_keeps = np.exp(elapsed_s * (-1.0 / model.slow_s))
    slow_keeps2 = slow_keeps * slow_keeps
    way_s = model.walk_s * (1.0 - keeps)
    gained_pp = walk2 * (1.0 - keeps * keeps)
    gained_xp = walk2 / model.walk_s * way_s * way_s
    set_out_xx = np.maximum(2.0 * walk2 * model.walk_s * (elapsed_s - way_s), 0.0)
    gained_xx = np.maximum(set_out_xx - walk2 * way_s * way_s, 0.0)

    stood = s[_STANDS]
    stays = stood * (model.stand_s / (model.stand_s + elapsed_s))  # the longer somebody stands, the longer they will
    walks_on = (1.0 - stood) * keeps
    walks = stood - stays + walks_on
    n[_STANDS] = 1.0 - walks
    stopped = 1.0 - stays / n[_STANDS]
    walked_on = walks_on / walks
    stopped_apart, set_out_apart = 0.5 * stopped * (1.0 - stopped), 0.5 * walked_on * (1.0 - walked_on)

    # Of who stood and stands: place, slow error and their covariance; of who walked and walks the same with velocities.
    stand_u, stand_v, stand_xu = slow_keeps * s[_SU], slow_keeps * s[_SV], slow_keeps * s[_SXU]
    gained_uu = 1.0 - slow_keeps2
    stand_xx, stand_uu = s[_SXX] + model.sway_m2_per_s * elapsed_s, slow_keeps2 * s[_SUU] + gained_uu
    walk_p, walk_q = keeps * s[_WP], keeps * s[_WQ]
    covered = s[_WXP] + way_s * s[_WPP]
    walk_xx = s[_WXX] + way_s * (s[_WXP] + covered) + gained_xx
    walk_xu, walk_uu = slow_keeps * (s[_WXU] + way_s * s[_WPU]), slow_keeps2 * s[_WUU] + gained_uu
    away_x, away_y = s[_WX] + way_s * s[_WP] - s[_SX], s[_WY] + way_s * s[_WQ] - s[_SY]
    away_u, away_v = slow_keeps * s[_WU] - stand_u, slow_keeps * s[_WV] - stand_v
    apart_xx, apart_xu, apart_uu = away_x**2 + away_y**2, away_x * away_u + away_y * away_v, away_u**2 + away_v**2

    n[_SX], n[_SY], n[_SU], n[_SV] = (
        s[_SX] + stopped * away_x,
        s[_SY] + stopped * away_y,
        stand_u + stopped * away_u,
        stand_v + stopped * away_v,
    )
    n[_SXX] = stand_xx + stopped * (walk_xx - stand_xx) + stopped_apart * apart_xx
    n[_SXU] = stand_xu + stopped * (walk_xu - stand_xu) + stopped_apart * apart_xu
    n[_SUU] = stand_uu + stopped * (walk_uu - stand_uu) + stopped_apart * apart_uu
    n[_WX], n[_WY], n[_WP], n[_WQ] = s[_SX] + walked_on * away_x, s[_SY] + walked_on * away_y, walked_on * walk_p, walked_on * walk_q
    n[_WU], n[_WV] = stand_u + walked_on * away_u, stand_v + walked_on * away_v
    set_out = 1.0 - walked_on
    n[_WXX] = walked_on * walk_xx + set_out * (s[_SXX] + set_out_xx) + set_out_apart * apart_xx
    n[_WXP] = walked_on * (keeps * covered + gained_xp) + set_out * walk2 * way_s + set_out_apart * (away_x * walk_p + away_y * walk_q)
    n[_WXU] = walked_on * walk_xu + set_out * stand_xu + set_out_apart * apart_xu
    n[_WPP] = walked_on * (keeps * keeps * s[_WPP] + gained_pp) + set_out * walk2 + set_out_apart * (walk_p**2 + walk_q**2)
    n[_WPU] = walked_on * keeps * slow_keeps * s[_WPU] + set_out_apart * (walk_p * away_u + walk_q * away_v)
    n[_WUU] = walked_on * walk_uu + set_out * stand_uu + set_out_apart * apart_uu

    n[_JUMP] = model.jumps + (s[_JUMP] - model.jumps) * (model.jump_s / (model.jump_s + elapsed_s))
    known_m = np.where(s[_DEVIATION_M] > 0.0, s[_DEVIATION_M], deviation_m)
    share = np.where(elapsed_s > model.accuracy_s, 1.0, elapsed_s * (1.0 / model.accuracy_s))
    # In ratios, and no further at once than by a factor of e: one bad fix says little of the next. A good one says more.
    n[_DEVIATION_M] = np.minimum(known_m + share * (np.minimum(deviation_m, math.e * known_m) - known_m), 2.0 * deviation_m)
    n[_LAST_X:] = s[_LAST_X:]
    return n


def _correct(model: Model, s: Float64, fixes: _Fixes) -> None:
    """Look at the fixes."""
    usual_m = s[_DEVIATION_M]
    slow_m = math.sqrt(model.slow_share) * usual_m
    # Who says to be far worse than usual is believed.
    quick2 = np.where(fixes.deviation_m > _WORSE * usual_m, fixes.deviation_m**2, (1.0 - model.slow_share) * usual_m**2)
    wide2 = (model.jump_deviations * usual_m) ** 2
    jump = s[_JUMP].copy()

    gain_x, gain_u = s[_SXX] + slow_m * s[_SXU], s[_SXU] + slow_m * s[_SUU]
    variance = gain_x + slow_m * gain_u + quick2
    gain_x, gain_u = gain_x / variance, gain_u / variance
    x, y = fixes.x_m - s[_SX] - slow_m * s[_SU], fixes.y_m - s[_SY] - slow_m * s[_SV]
    good, change, stand_likelihood = _weighed(x * x + y * y, variance, wide2, jump)
    stand_good = good
    x, y = good * x, good * y
    s[_SX] += gain_x * x
    s[_SY] += gain_x * y
    s[_SU] += gain_u * x
    s[_SV] += gain_u * y
    s[_SXX] += change * gain_x * gain_x
    s[_SXU] += change * gain_x * gain_u
    s[_SUU] += change * gain_u * gain_u

    gain_x, gain_p, gain_u = s[_WXX] + slow_m * s[_WXU], s[_WXP] + slow_m * s[_WPU], s[_WXU] + slow_m * s[_WUU]
    variance = gain_x + slow_m * gain_u + quick2
    gain_x, gain_p, gain_u = gain_x / variance, gain_p / variance, gain_u / variance
    x, y = fixes.x_m - s[_WX] - slow_m * s[_WU], fixes.y_m - s[_WY] - slow_m * s[_WV]
    good, change, walk_likelihood = _weighed(x * x + y * y, variance, wide2, jump)
    x, y = good * x, good * y
    s[_WX] += gain_x * x
    s[_WY] += gain_x * y
    s[_WP] += gain_p * x
    s[_WQ] += gain_p * y
    s[_WU] += gain_u * x
    s[_WV] += gain_u * y
    change_x, change_p = change * gain_x, change * gain_p
    s[_WXX] += change_x * gain_x
    s[_WXP] += change_x * gain_p
    s[_WXU] += change_x * gain_u
    s[_WPP] += change_p * gain_p
    s[_WPU] += change_p * gain_u
    s[_WUU] += change * gain_u * gain_u

    stand_likelihood *= s[_STANDS]
    walk_likelihood *= 1.0 - s[_STANDS]
    s[_STANDS] = np.clip(stand_likelihood / (stand_likelihood + walk_likelihood), _LEAST, 1.0 - _LEAST)
    s[_JUMP] = 1.0 - good + s[_STANDS] * (good - stand_good)


def _weighed(error2: Float64, variance: Float64, wide2: Float64, jump: Float64) -> tuple[Float64, Float64, Float64]:
    """Probability that a fix is no jump, what the covariance changes by for each squared gain, and the fix's likelihood times 2 pi.

    A good fix has a normal density, one that jumps Cauchy's, which is at least as wide as the fix's own error.
    """
    wide2 = wide2 + variance
    heavy = error2 + wide2
    is_good = (1.0 - jump) * np.exp(-0.5 * error2 / variance) / variance
    is_jump = jump * np.sqrt(wide2 / heavy) / heavy
    likelihood = is_good + is_jump
    good = is_good / likelihood
    return good, good * (0.5 * (1.0 - good) * error2 - variance), likelihood
