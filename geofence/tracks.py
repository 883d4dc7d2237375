"""Who is who between the frames of a radar: nearest neighbours within what a person can walk.

Assumptions: people are slower than 3 m/s and positions err by about 0.2 m. It fails where two people pass closer than that: they
may be taken for each other.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

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
# A loss of this long and what comes back must prove itself again; if it never had, it is forgotten.
_MISSED, _GAP_S = 3, 1.5


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
    missed : int
        Frames without it since.
    """

    number: int
    time_ns: int
    x_m: float
    y_m: float
    frames: int = 1
    steady: int = 1
    steady_ns: int = 0
    missed: int = 0

    @property
    def is_somebody(self) -> bool:
        """Seen for longer than a ghost since it was last lost."""
        return self.steady >= _FRAMES or (self.steady >= _SLOW_FRAMES and self.time_ns - self.steady_ns >= _SLOW_S * _NS_PER_S)


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
    """

    number: int
    frames: int
    steady: int
    is_somebody: bool
    elapsed_s: float
    before: tuple[float, float]
    after: tuple[float, float]


@dataclass(slots=True, kw_only=True)
class Tracker:
    """All tracks of one radar."""

    tracks: list[Track] = field(default_factory=list)
    time_ns: int | None = None
    count: int = 0

    def step(self, time_ns: int, x_m: Sequence[float], y_m: Sequence[float]) -> list[Step]:
        """Take one frame, in the order of its targets. One that is not newer than the newest is not looked at."""
        if self.time_ns is not None and time_ns <= self.time_ns:
            return []
        self.time_ns = time_ns
        self.tracks = [track for track in self.tracks if not _is_gone(track, time_ns)]
        owner = self._owners(time_ns, x_m, y_m)
        seen = {track.number for track in owner.values()}
        for track in self.tracks:
            track.missed += track.number not in seen
        return [
            _moved(owner[target], time_ns, x, y) if target in owner else self._born(time_ns, x, y)
            for target, (x, y) in enumerate(zip(x_m, y_m, strict=True))
        ]

    def _owners(self, time_ns: int, x_m: Sequence[float], y_m: Sequence[float]) -> dict[int, Track]:
        """Track of each target that has one: the nearest pairs first, but somebody before what may be a ghost."""
        pairs = [
            (track.frames < _FRAMES, distance_m, track.number, target, track)
            for track in self.tracks
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


def _is_gone(track: Track, time_ns: int) -> bool:
    lost_s = (time_ns - track.time_ns) / _NS_PER_S
    return lost_s > (_LOST_S if track.frames >= _FRAMES else PATH_S) or (track.missed >= _MISSED and track.frames < _FRAMES)
