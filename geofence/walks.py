"""What somebody's walk means to a guarded line: coming near it, going through it.

Distances are from the line, above 0 on the far side. Noise of 0.2 m, smoothed, must not add up to a walk: somebody is coming when
they are half a metre nearer than they were, and has crossed when besides they were seen on either side by more than the noise. A
curtain that swings by 0.3 m either way, on the line or near it, is somebody to this now and then.

Who is seen seldom, by something that says how it errs, comes near with the probability of being within the distance times that of having
come half a metre nearer, and is on a side with that of being there. `CERTAIN` of it is enough, however few frames that takes. The errors of
two places are taken to be independent, which they are not quite: what they have in common makes the travel surer than it is said to be.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from geofence.tracks import Step, smoothing

_NS_PER_S = 1_000_000_000

CERTAIN = 0.95
"""Probability that is enough of who is seen by something that says how it errs."""
_NORMAL = NormalDist()
_CERTAIN_DEVIATIONS = _NORMAL.inv_cdf(CERTAIN)

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
    sigma_m, peak_sigma_m : float
        Standard deviations of the distance and of the largest; 0 where the source does not say how it errs.
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
    sigma_m: float = 0.0
    peak_sigma_m: float = 0.0
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

    def probability(self, approach_m: float) -> float:
        """Of having come near by more than a half metre's way; of who is seen by something that says how it errs."""
        within = _NORMAL.cdf((approach_m - self.distance_m) / self.sigma_m)
        return within * _NORMAL.cdf((self.travelled_m - _TRAVELLED_M) / math.hypot(self.sigma_m, self.peak_sigma_m))

    @property
    def near_probability(self) -> float:
        """Of being on the near side; of who is seen by something that says how it errs."""
        return _NORMAL.cdf(-self.distance_m / self.sigma_m)

    def step(self, time_ns: int, distance_m: float, step: Step, *, passed: bool, approach_m: float) -> None:
        """Take one frame: the distance of the smoothed position, and whether the movement to it touched the line."""
        if step.elapsed_s == 0.0:
            self._begin_path(time_ns, distance_m, step)
        was_near = self.distance_m <= 0.0
        self.distance_m = distance_m
        self.slow_m += smoothing(step.elapsed_s, _SLOW_S, step.frames) * (distance_m - self.slow_m)
        self.peak_m -= _FORGOTTEN_MPS * step.elapsed_s
        if step.sigma_m:
            self.sigma_m = step.sigma_m
            if distance_m - step.sigma_m >= self.peak_m - self.peak_sigma_m:
                self.peak_m, self.peak_sigma_m = distance_m, step.sigma_m
        else:
            settling = step.steady < _SETTLED_FRAMES and time_ns - self.begun_ns < _SETTLED_S * _NS_PER_S
            self.peak_m = self.slow_m if settling else max(self.slow_m, self.peak_m)
        self.far_frames = self.far_frames + 1 if distance_m >= self._certain_m else 0
        self.was_far = self.was_far or self.far_frames >= (1 if step.sigma_m else _FAR_FRAMES)
        if distance_m > 0.0:
            self.through_ns = None
        elif not was_near:
            self.through_ns = time_ns if passed else None
            self.through_from = step.before
        self._leave(time_ns, approach_m)

    def is_coming(self, step: Step, approach_m: float) -> bool:
        """On the far side, within the approach distance, and closing in; not told yet.

        Who is seen seldom may be at the line by then, or through it and not certainly so: they have come near all the same.
        """
        if self.approached or not step.is_somebody or self.closing_mps < _CLOSING_MPS:
            return False
        if step.sigma_m:
            is_far = self.distance_m > 0.0 or (self.was_far and self.through_ns is not None)
            return is_far and self.probability(approach_m) >= CERTAIN
        return 0.0 < self.distance_m <= approach_m and self.travelled_m >= _TRAVELLED_M

    def approach(self, time_ns: int, *, coming: bool) -> int | None:
        """When it began to come near, once enough consecutive frames say so."""
        if not coming:
            self.near_frames = 0
            return None
        self.near_ns = self.near_ns if self.near_frames else time_ns
        self.near_frames += 1
        if self.near_frames < (1 if self.sigma_m else _CONFIRMED):
            return None
        self.approached, self.near_frames = True, 0
        return self.near_ns

    def cross(self, step: Step) -> int | None:
        """When it went through the line from the far side, once it is certainly on the near one. Answered once a crossing."""
        now_m = self.distance_m - (0.0 if step.sigma_m else _LAG_S) * max(0.0, self.closing_mps)
        if self.distance_m > 0.0 or now_m > -self._certain_m or self.travelled_m < _TRAVELLED_M or not step.is_somebody:
            return None
        through_ns = self.through_ns if self.was_far else None
        self.was_far, self.through_ns = False, None
        return through_ns

    @property
    def _certain_m(self) -> float:
        """On a side for certain: this far from the line."""
        return max(_CERTAIN_M, _CERTAIN_DEVIATIONS * self.sigma_m)

    def _begin_path(self, time_ns: int, distance_m: float, step: Step) -> None:
        """Forget the way, not what was told of the walk, nor how far away somebody was who has a name."""
        self.begun_ns = time_ns
        self.distance_m = distance_m
        self.far_frames, self.near_frames, self.was_far, self.through_ns = 0, 0, False, None
        self.slow_m = max(self.slow_m, distance_m)
        if not step.sigma_m or step.frames == 1:
            self.slow_m = self.peak_m = distance_m
            self.peak_sigma_m = step.sigma_m

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
