"""What somebody's walk means to a guarded line: coming near it, going through it.

Distances are from the line, above 0 on the far side. Noise of 0.2 m, smoothed, must not add up to a walk: somebody is coming when
they are half a metre nearer than they were, and has crossed when besides they were seen on either side by more than the noise. A
curtain that swings by 0.3 m either way, on the line or near it, is somebody to this now and then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from geofence.tracks import Step, smoothing

_NS_PER_S = 1_000_000_000

_TRAVELLED_M, _CLOSING_MPS, _CONFIRMED = 0.5, 0.1, 2
# The difference of two exponential means is the speed times the difference of their ages.
_SLOW_S, _AGE_S = 1.3, 1.0
# What was travelled is forgotten this fast, so that the swaying of somebody who stands does not add up.
_FORGOTTEN_MPS = 0.02
# Until so long after the first frame, its error is not taken for the beginning of a travel.
_SETTLED_FRAMES, _SETTLED_S = 4, 0.5
# On a side for certain: this far from the line, on the far side in two frames.
_CERTAIN_M, _FAR_FRAMES = 0.2, 2
# A smoothed position is a quarter of a second old at ten frames a second: who walks is further by now, and a part of that is counted on.
_LAG_S = 0.1
# Who stays away for so long begins a new walk when they come back.
_AWAY_M, _AWAY_S = 1.0, 30.0


@dataclass(slots=True, kw_only=True)
class Walk:
    """One track and one line: changed by each frame.

    Attributes
    ----------
    begun_ns : int
        First frame.
    distance_m, slow_m, peak_m : float
        Smoothed distance, the same smoothed for longer, and the largest of the latter of late.
    far_frames : int
        Consecutive frames certainly on the far side.
    was_far : bool
        Certainly on the far side since it was last certainly on the near one.
    through_ns : int or None
        When it last came to the near side through the line itself.
    through_from : (x, y) in metres
        Where it was just before.
    near_ns, near_frames : int
        First of the consecutive frames in which it was coming near, and how many.
    approached, crossed : bool
        What was told of this walk.
    away_ns : int or None
        Since when it has been well away from the line.
    """

    begun_ns: int
    distance_m: float
    slow_m: float
    peak_m: float
    far_frames: int = 0
    was_far: bool = False
    through_ns: int | None = None
    through_from: tuple[float, float] = (0.0, 0.0)
    near_ns: int = 0
    near_frames: int = 0
    approached: bool = False
    crossed: bool = False
    away_ns: int | None = None

    @property
    def travelled_m(self) -> float:
        """How much nearer than it was."""
        return self.peak_m - self.distance_m

    @property
    def closing_mps(self) -> float:
        """Speed towards the line."""
        return (self.slow_m - self.distance_m) / _AGE_S

    def step(self, time_ns: int, distance_m: float, step: Step, *, passed: bool, approach_m: float) -> None:
        """Take one frame: the distance of the smoothed position, and whether the movement to it touched the line."""
        if step.elapsed_s == 0.0:
            self._begin_path(time_ns, distance_m)
        was_near = self.distance_m <= 0.0
        self.distance_m = distance_m
        self.slow_m += smoothing(step.elapsed_s, _SLOW_S, step.frames) * (distance_m - self.slow_m)
        settling = step.steady < _SETTLED_FRAMES and time_ns - self.begun_ns < _SETTLED_S * _NS_PER_S
        self.peak_m = self.slow_m if settling else max(self.slow_m, self.peak_m - _FORGOTTEN_MPS * step.elapsed_s)
        self.far_frames = self.far_frames + 1 if distance_m >= _CERTAIN_M else 0
        self.was_far = self.was_far or self.far_frames >= _FAR_FRAMES
        if distance_m > 0.0:
            self.through_ns = None
        elif not was_near:
            self.through_ns = time_ns if passed else None
            self.through_from = step.before
        self._leave(time_ns, approach_m)

    def is_coming(self, step: Step, approach_m: float) -> bool:
        """On the far side, within the approach distance, and closing in; not told yet."""
        return (
            not self.approached
            and step.is_somebody
            and 0.0 < self.distance_m <= approach_m
            and self.travelled_m >= _TRAVELLED_M
            and self.closing_mps >= _CLOSING_MPS
        )

    def approach(self, time_ns: int, *, coming: bool) -> int | None:
        """When it began to come near, once enough consecutive frames say so."""
        if not coming:
            self.near_frames = 0
            return None
        self.near_ns = self.near_ns if self.near_frames else time_ns
        self.near_frames += 1
        if self.near_frames < _CONFIRMED:
            return None
        self.approached, self.near_frames = True, 0
        return self.near_ns

    def cross(self, step: Step) -> int | None:
        """When it went through the line from the far side, once it is certainly on the near one. Answered once a crossing."""
        now_m = self.distance_m - _LAG_S * max(0.0, self.closing_mps)
        if self.distance_m > 0.0 or now_m > -_CERTAIN_M or self.travelled_m < _TRAVELLED_M or not step.is_somebody:
            return None
        through_ns = self.through_ns if self.was_far else None
        self.was_far, self.through_ns = False, None
        return through_ns

    def _begin_path(self, time_ns: int, distance_m: float) -> None:
        """Forget the way, not what was told of the walk."""
        self.begun_ns = time_ns
        self.distance_m = self.slow_m = self.peak_m = distance_m
        self.far_frames, self.near_frames, self.was_far, self.through_ns = 0, 0, False, None

    def _leave(self, time_ns: int, approach_m: float) -> None:
        if self.distance_m <= approach_m + _AWAY_M:
            self.away_ns = None
        elif self.away_ns is None:
            self.away_ns = time_ns
        elif time_ns - self.away_ns >= _AWAY_S * _NS_PER_S:
            self.approached = self.crossed = False


def begin(time_ns: int, distance_m: float) -> Walk:
    """Walk of somebody first seen at that distance."""
    return Walk(begun_ns=time_ns, distance_m=distance_m, slow_m=distance_m, peak_m=distance_m)


def restored(state: Mapping[str, Any]) -> Walk:
    """Walk of its fields (`dataclasses.asdict`), which may have been JSON in between."""
    x, y = state["through_from"]
    return Walk(**{**state, "through_from": (x, y)})
