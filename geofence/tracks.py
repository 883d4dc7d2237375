"""Who is who between the frames of a radar or a camera, and where they are.

A radar's targets have no names: nearest neighbours within what a person can walk, smoothed. Assumptions: people are slower than 3 m/s
and positions err by about 0.2 m. It fails where two people pass closer than that: they may be taken for one another.

A camera tells seldom, names whom it tells of, and says how far it may be wrong: so each goes through the filter of `geofence.tracker`,
which weighs standing against walking, and says how surely somebody is where.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from geofence import tracker

_NS_PER_S = 1_000_000_000

_SPEED_MPS, _NOISE_M = 3.0, 0.7
# Somebody lost may have stood still or walked on; further than this they are somebody else.
_REACH_S = 1.0
PATH_S = 3.0
"""A path does not go on over a longer loss: nobody knows the way taken meanwhile."""
# But a walk does.
_LOST_S = 10.0
# Few frames a second leave little to smooth over: there a small step is noise by half, and a large one is a stride.
_SMOOTHED_S, _SMALL_STEP_M, _SMALL_STEP_SHARE = 0.3, 0.6, 0.5
# Ghosts last one to three frames; a radar with one frame a second has no time for a fourth.
_FRAMES, _SLOW_FRAMES, _SLOW_S = 4, 3, 0.9
# A loss of this long and what comes back must prove itself again; what never had is forgotten sooner, as ghosts come one after another.
_MISSED, _GAP_S, _FORGOTTEN = 3, 1.5, 2
# Who has a name is told of once a minute if they stand (Frigate).
_NAMED_S = 75.0
# Of more people than a yard holds those are forgotten first of whom nothing was told for longest.
_MOST_NAMED = 100

SEEN = tracker.Model(
    accuracy_deviations=1.0,
    accuracy_s=1e-3,
    slow_share=0.5,
    slow_s=3.0,
    jump_every_s=60.0,
    jump_s=2.0,
    walk_s=5.0,
    stand_s=60.0,
)
"""Of boxes in pictures: what is told of each is its own deviation, a part of which lasts while somebody is seen from one side. Feet that
are hidden for a moment are jumps, and people in a yard turn and stop more often than people in a town."""


@dataclass(slots=True, kw_only=True)
class Track:
    """One target over time.

    Attributes
    ----------
    number : int
        Unique within its radar.
    time_ns : int
        Of the newest frame it was seen in.
    x_m, y_m : float
        Smoothed position then.
    frames : int
        How many it was seen in.
    steady, steady_ns : int
        How many since it was last lost, and the first of those.
    proven_ns : int
        Newest frame in which it was somebody for certain: ghosts near to where somebody was lost are not them.
    missed : int
        Frames without it since.
    name : int
        Above 0 where the source says who it is.
    known : list of float
        What the filter knows of it; empty of who went through none.
    """

    number: int
    time_ns: int
    x_m: float
    y_m: float
    frames: int = 1
    steady: int = 1
    steady_ns: int = 0
    proven_ns: int = 0
    missed: int = 0
    name: int = 0
    known: list[float] = field(default_factory=list)

    @property
    def is_somebody(self) -> bool:
        """Seen for longer than a ghost since it was last lost; whom the source can tell from others is somebody."""
        return (
            bool(self.name)
            or self.steady >= _FRAMES
            or (self.steady >= _SLOW_FRAMES and self.time_ns - self.steady_ns >= _SLOW_S * _NS_PER_S)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One target of one frame, as part of its track.

    Attributes
    ----------
    number, frames, steady, is_somebody
        Of the track, with this frame.
    elapsed_s : float
        Since it was seen before; 0 where its path begins here.
    before, after : (x, y) in metres
        Smoothed positions before and now.
    sigma_m : float
        Standard deviation of the latter along each axis; 0 where the source does not say how it errs.
    """

    number: int
    frames: int
    steady: int
    is_somebody: bool
    elapsed_s: float
    before: tuple[float, float]
    after: tuple[float, float]
    sigma_m: float = 0.0


@dataclass(slots=True, kw_only=True)
class Tracker:
    """All tracks of one radar."""

    tracks: list[Track] = field(default_factory=list)
    time_ns: int | None = None
    count: int = 0

    def name(self, time_ns: int, name: int, place: tuple[float, float], accuracy_m: float) -> Step | None:
        """Take one target that has a name, and a standard deviation. One that is not newer than what is known of that person is nothing."""
        self.tracks = [track for track in self.tracks if not _is_gone(track, max(time_ns, track.time_ns))]
        track = next((track for track in self.tracks if track.name == name), None)
        if track is not None and time_ns <= track.time_ns:
            return None
        before = None if track is None else (track.x_m, track.y_m)
        if track is None:
            named = [one for one in self.tracks if one.name]
            if len(named) >= _MOST_NAMED:
                self.tracks.remove(min(named, key=lambda one: one.time_ns))
            track = Track(number=self.count, time_ns=time_ns, x_m=place[0], y_m=place[1], frames=0, steady=0, name=name)
            self.tracks.append(track)
            self.count += 1
        elapsed_s = 0.0 if before is None else (time_ns - track.time_ns) / _NS_PER_S
        sigma_m = _filtered(track, time_ns, place, accuracy_m)
        after = (track.x_m, track.y_m)
        track.time_ns, track.frames, track.steady = time_ns, track.frames + 1, track.steady + 1
        return Step(
            number=track.number,
            frames=track.frames,
            steady=track.steady,
            is_somebody=True,
            elapsed_s=elapsed_s,
            before=before or after,
            after=after,
            sigma_m=sigma_m,
        )

    def step(self, time_ns: int, x_m: Sequence[float], y_m: Sequence[float]) -> list[Step]:
        """Take one frame, in the order of its targets. One that is not newer than the newest is not looked at."""
        if self.time_ns is not None and time_ns <= self.time_ns:
            return []
        self.time_ns = time_ns
        self.tracks = [track for track in self.tracks if not _is_gone(track, time_ns)]
        owner = self._owners(time_ns, x_m, y_m)
        seen = {track.number for track in owner.values()}
        for track in self.tracks:
            track.missed += track.number not in seen and not track.name
        return [
            _moved(owner[target], time_ns, x, y) if target in owner else self._born(time_ns, x, y)
            for target, (x, y) in enumerate(zip(x_m, y_m, strict=True))
        ]

    def _owners(self, time_ns: int, x_m: Sequence[float], y_m: Sequence[float]) -> dict[int, Track]:
        """Track of each target that has one: the nearest pairs first, but somebody before what may be a ghost."""
        pairs = [
            (track.frames < _FRAMES, distance_m, track.number, target, track)
            for track in self.tracks
            if not track.name
            for target, (x, y) in enumerate(zip(x_m, y_m, strict=True))
            if (distance_m := math.hypot(x - track.x_m, y - track.y_m)) <= _reach_m(time_ns - track.time_ns)
        ]
        owner: dict[int, Track] = {}
        taken: set[int] = set()
        for *_, number, target, track in sorted(pairs, key=lambda pair: pair[:4]):
            if target not in owner and number not in taken:
                owner[target] = track
                taken.add(number)
        return owner

    def _born(self, time_ns: int, x: float, y: float) -> Step:
        self.tracks.append(Track(number=self.count, time_ns=time_ns, x_m=x, y_m=y, steady_ns=time_ns))
        self.count += 1
        return Step(number=self.count - 1, frames=1, steady=1, is_somebody=False, elapsed_s=0.0, before=(x, y), after=(x, y))


def _moved(track: Track, time_ns: int, x: float, y: float) -> Step:
    elapsed_s = (time_ns - track.time_ns) / _NS_PER_S
    if track.missed >= _MISSED or elapsed_s > _GAP_S:
        track.steady, track.steady_ns = 0, time_ns
    if elapsed_s > PATH_S:
        elapsed_s, track.x_m, track.y_m = 0.0, x, y
    track.time_ns, track.missed = time_ns, 0
    track.frames += 1
    track.steady += 1
    track.proven_ns = time_ns if track.is_somebody else track.proven_ns
    before = (track.x_m, track.y_m)
    share = smoothing(elapsed_s, _SMOOTHED_S, track.frames)
    if math.hypot(x - track.x_m, y - track.y_m) < _SMALL_STEP_M:
        share = min(share, _SMALL_STEP_SHARE)
    track.x_m += share * (x - track.x_m)
    track.y_m += share * (y - track.y_m)
    return Step(
        number=track.number,
        frames=track.frames,
        steady=track.steady,
        is_somebody=track.is_somebody,
        elapsed_s=elapsed_s,
        before=before,
        after=(track.x_m, track.y_m),
    )


def smoothing(elapsed_s: float, smoothed_s: float, frames: int) -> float:
    """Share of the newest of so many values in an exponential mean, which begins as a plain one so that the first weighs no more."""
    return max(1.0 - math.exp(-elapsed_s / smoothed_s), 1.0 / frames)


def _reach_m(elapsed_ns: int) -> float:
    return _NOISE_M + _SPEED_MPS * min(elapsed_ns / _NS_PER_S, _REACH_S)


def _filtered(track: Track, time_ns: int, place: tuple[float, float], accuracy_m: float) -> float:
    """Let one place of a track go through the filter: where it is then, and with which deviation."""
    one, row = tracker.Tracker(1, SEEN), np.zeros(1, np.int64)
    one.restore(0, track.known)
    x_m, y_m = place
    places = one.update(row, np.array([time_ns]), np.array([x_m]), np.array([y_m]), np.array([accuracy_m]))
    track.known = one.snapshot(0)
    stands = float(places.stands[0])
    stand_x, stand_y, walk_x, walk_y = (
        float(column[0]) for column in (places.stand_x_m, places.stand_y_m, places.walk_x_m, places.walk_y_m)
    )
    track.x_m, track.y_m = walk_x + stands * (stand_x - walk_x), walk_y + stands * (stand_y - walk_y)
    apart2 = 0.5 * stands * (1.0 - stands) * ((walk_x - stand_x) ** 2 + (walk_y - stand_y) ** 2)
    return math.sqrt(stands * float(places.stand_sigma_m[0]) ** 2 + (1.0 - stands) * float(places.walk_sigma_m[0]) ** 2 + apart2)


def _is_gone(track: Track, time_ns: int) -> bool:
    if track.name:
        return time_ns - track.time_ns > _NAMED_S * _NS_PER_S
    if track.frames < _FRAMES:
        return track.missed >= _FORGOTTEN or time_ns - track.time_ns > PATH_S * _NS_PER_S
    return time_ns - track.proven_ns > _LOST_S * _NS_PER_S
