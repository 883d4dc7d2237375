"""On which side of a border somebody is, when positions err: decided for many pairs of a device and a border, as columns.

A side changes when the place of `geofence.tracker` is on the other one with a probability of `CERTAIN`, by two fixes that are no jumps. The
probability has the slow error, standing, walking and jumps in it, so nothing here waits for a time or a distance. It fails where an area is
not much larger than the errors.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from geofence.tracker import Places, turns

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

CERTAIN = 0.99
"""Probability of being on the other side that is enough."""

SET = 0.8
"""A first fix that is less sure sets no side. One that was never certain may be wrong from the beginning: finding that out is no event."""

_MOVES, _SILENT_S = 0.95, 60.0
_SET_NS, _JUMPED_NS = 60_000_000_000, 8_000_000_000
_FIXES = 2
_LIKELY = 0.5
# Less than this from a border nobody is beyond it; and who goes into something small can never be far inside.
_MARGIN_M, _MARGIN_DEPTHS, _DEPTHS = 0.5, 0.25, 0.75
_UNKNOWN, _GUESSED, _TAKEN, _SURE = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What N fixes say of a border each.

    Attributes
    ----------
    since_ns, fixes, jump : (N,)
        As in `Places`.
    moves : (N,) float64
        Probability of walking; 1 after a silence, in which anything may have been.
    inside : (N,) float64
        Probability of being inside, 0 to 1.
    distance_m, sigma_m : (N,) float64
        Expected signed distance, above 0 inside, and the standard deviation of the place. NaN is nowhere.
    depth_m : (N,) float64
        How deep inside that border one can be; infinite where it does not matter.
    """

    since_ns: Int64
    fixes: Int64
    jump: Float64
    moves: Float64
    inside: Float64
    distance_m: Float64
    sigma_m: Float64
    depth_m: Float64

    def taken(self, chosen: NDArray[np.integer]) -> "Seen":
        """Some of the N."""
        return Seen(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


def seen(places: Places, row: NDArray[np.integer], stand_m: Float64, walk_m: Float64, depth_m: Float64) -> Seen:
    """What places say of borders.

    Parameters
    ----------
    places, row : (N,) integer
        The place that each is about: one that is new.
    stand_m, walk_m : (N,) float64
        Signed distances, above 0 inside, of where somebody is who stands, and who walks.
    depth_m : (N,) float64
        How deep inside that border one can be.
    """
    stands, stand_sigma_m, walk_sigma_m = places.stands[row], places.stand_sigma_m[row], places.walk_sigma_m[row]
    return Seen(
        since_ns=places.since_ns[row],
        fixes=places.fixes[row],
        jump=places.jump[row],
        moves=np.where(places.elapsed_s[row] >= _SILENT_S, 1.0, 1.0 - stands),
        inside=stands * ndtr(stand_m / stand_sigma_m) + (1.0 - stands) * ndtr(walk_m / walk_sigma_m),
        distance_m=walk_m + stands * (stand_m - walk_m),
        sigma_m=np.sqrt(stands * stand_sigma_m**2 + (1.0 - stands) * walk_sigma_m**2),
        depth_m=depth_m,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What N fixes change.

    Attributes
    ----------
    is_told : (N,) bool
        Somebody went to the other side.
    inside, is_set, is_sure : (N,) bool
        The side after the fix, whether somebody went there or it was found to be wrong; whether there is one yet; and whether that is more
        than a guess.
    time_ns, fixes : (N,) int64
        Of what is told: when the first fix on the new side was, and how many there were.
    """

    is_told: Bool
    inside: Bool
    is_set: Bool
    is_sure: Bool
    time_ns: Int64
    fixes: Int64


class Sides:
    """Sides of many pairs of a device and a border. How fixes are cut into calls changes nothing.

    Parameters
    ----------
    pairs
        How many there are.
    certain
        Probability of being on the other side that is enough.
    """

    def __init__(self, pairs: int, certain: float = CERTAIN) -> None:
        self._certain = certain
        self._level = np.full(pairs, _UNKNOWN, np.int8)
        self._inside = np.zeros(pairs, np.bool_)
        self._moved = np.zeros(pairs, np.bool_)
        self._fixes = np.zeros(pairs, np.int64)
        self._begun_ns = np.zeros(pairs, np.int64)
        self._run_ns = np.zeros(pairs, np.int64)

    def update(self, pair: NDArray[np.integer], given: Seen) -> Changes:
        """Take what N fixes say of their pairs (N,), in order of arrival; several of one pair are taken one after another."""
        changes = Changes(
            is_told=np.zeros(len(pair), np.bool_),
            inside=np.zeros(len(pair), np.bool_),
            is_set=np.zeros(len(pair), np.bool_),
            is_sure=np.zeros(len(pair), np.bool_),
            time_ns=np.zeros(len(pair), np.int64),
            fixes=np.zeros(len(pair), np.int64),
        )
        for turn in turns(pair):
            self._take(pair[turn], given if len(turn) == len(pair) else given.taken(turn), changes, turn)
        return changes

    def known(self, pair: Int64) -> tuple[Bool, Bool]:
        """Which pairs (P,) are inside, and of which that has been set."""
        return self._inside.take(pair), self._level.take(pair) >= _TAKEN

    def side(self, pair: int) -> tuple[bool, bool]:
        """Whether a pair is inside, and whether that has been set."""
        return bool(self._inside[pair]), bool(self._level[pair] >= _TAKEN)

    def snapshot(self, pair: int) -> list[int]:
        """State of one pair in plain numbers; empty of one of which nothing is known."""
        if self._level[pair] == _UNKNOWN:
            return []
        return [int(column[pair]) for column in self._columns]

    def restore(self, pair: int, state: Sequence[int]) -> None:
        """Take over the state of one pair."""
        if state:
            for column, value in zip(self._columns, state, strict=True):
                column[pair] = value

    def copy(self, source: Int64, target: Int64) -> None:
        """Let pairs (N,) go on from where others are."""
        for column in self._columns:
            column[target] = column[source]

    @property
    def _columns(self) -> tuple[NDArray[Any], ...]:
        return self._level, self._inside, self._moved, self._fixes, self._begun_ns, self._run_ns

    def _take(self, pair: NDArray[np.integer], given: Seen, changes: Changes, turn: Int64) -> None:
        level, inside, moved, fixes, begun_ns, run_ns = (column[pair] for column in self._columns)
        since_ns, good = given.since_ns, 1.0 - given.jump
        begun_ns = np.where(level == _UNKNOWN, since_ns, begun_ns)
        # Until a fix says enough, or for a minute, the side is that of the newest fix.
        has_begun = since_ns - begun_ns >= _SET_NS
        guesses = (level <= _GUESSED) & ~has_begun
        inside = np.where(guesses, given.distance_m >= 0.0, inside)
        held = np.where(inside, given.inside, 1.0 - given.inside)
        level = np.where(guesses, np.where(held * good >= SET, _TAKEN, _GUESSED), np.maximum(level, _TAKEN))
        # A first fix may be a jump; who is there for longer than one lasts is there.
        jumped = (given.jump > _LIKELY) | ((good < CERTAIN) & (since_ns - begun_ns < _JUMPED_NS))
        level = np.where((held >= CERTAIN) & ~jumped, _SURE, level)

        beyond_m = np.where(inside, -given.distance_m, given.distance_m)
        is_beyond = ~guesses & (beyond_m > 0.0)
        run_ns = np.where(is_beyond & (fixes == 0), since_ns, run_ns)
        moved = is_beyond & (((fixes > 0) & moved) | (given.moves > _MOVES))
        fixes = np.where(is_beyond, fixes + given.fixes, 0)
        enough = np.where(inside, self._certain, np.minimum(self._certain, ndtr(_DEPTHS * given.depth_m / given.sigma_m)))
        margin_m = np.minimum(_MARGIN_M, _MARGIN_DEPTHS * given.depth_m)
        crosses = is_beyond & (fixes >= _FIXES) & (good > _LIKELY) & (1.0 - held >= enough) & (beyond_m >= margin_m)

        changes.is_told[turn] = crosses & ((level == _SURE) | (moved & has_begun))
        changes.time_ns[turn], changes.fixes[turn] = run_ns, fixes
        inside = inside ^ crosses
        level = np.where(crosses, _SURE, level)
        changes.inside[turn], changes.is_set[turn], changes.is_sure[turn] = inside, level >= _TAKEN, level == _SURE
        after = level, inside, moved & ~crosses, np.where(crosses, 0, fixes), begun_ns, run_ns
        for column, values in zip(self._columns, after, strict=True):
            column[pair] = values
