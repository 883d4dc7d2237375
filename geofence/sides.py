"""On which side of a border somebody is, when positions err.

Assumptions: errors of a satellite receiver have a slow part (tens of seconds), a quick part, and jumps of tens of metres that last
a few seconds; `accuracy_m` is about 1.5 of their standard deviations. Constants were chosen on simulated noise of that kind, where
they give 0.6 false crossings an hour to somebody who stays 5 m outside at a standard deviation of 5 m, and know a true crossing at
1 m/s 14 s after it. It fails where an area is not much larger than the errors.
"""

import math
from dataclasses import dataclass

import numpy as np

_NS_PER_S = 1_000_000_000

# A walk's variance, m2/s: at one fix a second of 7.5 m accuracy, fixes are averaged over about 4 s.
_WALK_M2_PER_S = 4.0
# Further than this from where they were expected, fixes are held back until they last longer than a receiver's jump does.
_JUMP_M, _JUMP_ACCURACIES, _SPEED_MPS = 15.0, 2.5, 3.0
_HELD_S = 8.0
# How far beyond the border: the slow error passes for a crossing soonest, so the longer it lasts the less is asked.
_MARGIN_M, _MARGIN_ACCURACIES, _LASTING_ACCURACIES, _LASTING_S = 5.0, 1.6, 0.6, 180.0
_FIXES, _CONFIRMED_S = 2, 5.0
# Standard deviations in a reported accuracy.
_ACCURACY_DEVIATIONS = 1.5
# One fix that is worse than this does not say on which side somebody starts, unless it is far from the border.
_USABLE_M = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Somebody is on the other side now.

    Attributes
    ----------
    inside : bool
        The new side.
    time_ns : int
        Of the first fix on it.
    distance_m : float
        How far beyond the border, above 0, averaged as the fixes' accuracy allows.
    fixes : int
        How many say so.
    certainty : float
        Probability, 0.5 to 1, that an error of this accuracy alone would not reach so far beyond.
    """

    inside: bool
    time_ns: int
    distance_m: float
    fixes: int
    certainty: float


@dataclass(slots=True, kw_only=True)
class Side:
    """Side of one border that one device is on: changed by each fix.

    Attributes
    ----------
    inside : bool
        What is held to be so.
    time_ns : int
        Of the newest fix; an older one, and one of the same time, is not looked at.
    distance_m, variance_m2 : float
        Averaged signed distance, above 0 inside, and how uncertain it is.
    moved_ns : int
        Of the newest fix that was not held back.
    run_ns, run_fixes : int
        First of the fixes that speak for the other side, and how many; 0 fixes where none does.
    held_ns, held_fixes : int
        First of the fixes that are held back, and how many.
    far_ns, far_fixes : int
        The same of those of them that have been on the other side ever since.
    """

    inside: bool
    time_ns: int
    distance_m: float
    variance_m2: float
    moved_ns: int
    run_ns: int = 0
    run_fixes: int = 0
    held_ns: int = 0
    held_fixes: int = 0
    far_ns: int = 0
    far_fixes: int = 0

    def step(self, time_ns: int, distance_m: float, accuracy_m: float, depth_m: float) -> Change | None:
        """Look at one fix: its signed distance and accuracy; `depth_m` is how deep inside one can be."""
        if time_ns <= self.time_ns:
            return None
        self.time_ns = time_ns
        elapsed_s = (time_ns - self.moved_ns) / _NS_PER_S
        beyond_m = -distance_m if self.inside else distance_m
        variance_m2 = self.variance_m2 + _WALK_M2_PER_S * elapsed_s
        if abs(distance_m - self.distance_m) > max(_JUMP_M, _JUMP_ACCURACIES * accuracy_m) + _SPEED_MPS * elapsed_s:
            if not self._has_lasted(time_ns, beyond_m):
                return None
            if self.far_fixes > 1 and not self.run_fixes:
                self.run_ns, self.run_fixes = self.far_ns, self.far_fixes - 1
            gain, variance_m2 = 1.0, accuracy_m**2
        else:
            gain = variance_m2 / (variance_m2 + accuracy_m**2)
            variance_m2 *= 1.0 - gain
        self.held_fixes = self.far_fixes = 0
        self.moved_ns, self.variance_m2 = time_ns, variance_m2
        self.distance_m += gain * (distance_m - self.distance_m)
        return self._judge(beyond_m, accuracy_m, depth_m)

    def _has_lasted(self, time_ns: int, beyond_m: float) -> bool:
        """Hold one fix back; whether such fixes last longer than a jump."""
        self.held_ns = self.held_ns if self.held_fixes else time_ns
        self.held_fixes += 1
        self.far_ns = self.far_ns if self.far_fixes else time_ns
        self.far_fixes = self.far_fixes + 1 if beyond_m > 0.0 else 0
        return self.held_fixes >= _FIXES and time_ns - self.held_ns >= _HELD_S * _NS_PER_S

    def _judge(self, fix_beyond_m: float, accuracy_m: float, depth_m: float) -> Change | None:
        """The change that the fixes so far amount to, if they do."""
        beyond_m = -self.distance_m if self.inside else self.distance_m
        if fix_beyond_m <= 0.0 and beyond_m <= 0.0:
            self.run_fixes = 0
        elif self.run_fixes or fix_beyond_m > 0.0:
            self.run_ns = self.run_ns if self.run_fixes else self.time_ns
            self.run_fixes += 1
        lasted_s = (self.time_ns - self.run_ns) / _NS_PER_S
        margin_m = _margin_m(accuracy_m, lasted_s)
        # Who goes into something small can never be far inside it.
        margin_m = margin_m if self.inside else min(margin_m, depth_m / 2.0)
        if self.run_fixes < _FIXES or lasted_s < _CONFIRMED_S or beyond_m < margin_m:
            return None
        self.inside = not self.inside
        certainty = (1.0 + math.erf(beyond_m / accuracy_m * _ACCURACY_DEVIATIONS / math.sqrt(2.0))) / 2.0
        change = Change(inside=self.inside, time_ns=self.run_ns, distance_m=beyond_m, fixes=self.run_fixes, certainty=certainty)
        self.run_fixes = 0
        return change


def begin(time_ns: int, distance_m: float, accuracy_m: float) -> Side | None:
    """The side that a first fix sets; None where it says too little."""
    if accuracy_m > _USABLE_M and abs(distance_m) < _margin_m(accuracy_m, 0.0):
        return None
    return Side(inside=distance_m >= 0.0, time_ns=time_ns, distance_m=distance_m, variance_m2=accuracy_m**2, moved_ns=time_ns)


def _margin_m(accuracy_m: float, lasted_s: float) -> float:
    accuracies = np.interp(lasted_s, (_CONFIRMED_S, _LASTING_S), (_MARGIN_ACCURACIES, _LASTING_ACCURACIES))
    return max(_MARGIN_M, float(accuracies) * accuracy_m)
