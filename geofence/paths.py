"""The way somebody on foot takes, thinned until what is left is more than the positions err; and what pattern it has.

Assumptions: positions err as `geofence.sides` says. A new point of a path is one that lies further from the one before than twice the
accuracy, and at least 10 m, of positions averaged over a few seconds. Fails where the reported accuracy is less than half of the truth.
"""

import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from geofence.frames import Frame

_NS_PER_S = 1_000_000_000

# As in `geofence.sides`: how fast somebody's place becomes uncertain, and which fixes are a receiver's jump, or a ride.
_WALK_M2_PER_S = 4.0
_JUMP_M, _JUMP_ACCURACIES, _SPEED_MPS = 15.0, 2.5, 3.0
_HELD_S, _HELD_FIXES = 8.0, 2
_STEP_M, _STEP_ACCURACIES = 10.0, 2.0
# A fix that comes so long after the one before is averaged with nothing, and a jump is not told from a walk.
_LONE_S, _LONE_STEP_M = 15.0, 15.0
# What happened in a longer silence is not known.
_GAP_S = 180.0
_KEPT_S = 1200.0
_REACH_S = 300.0
_SHARP_RAD = math.radians(120.0)
# Who goes through the middle goes round it on neither side.
_THROUGH_RAD = math.radians(150.0)
_ROUND = 2
_FEWEST_POINTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What the path of the last 20 minutes is like.

    Attributes
    ----------
    length_m : float
        Of the thinned path.
    lasts_s : float
        From its first point to its last.
    radius_m : float
        Largest distance of a point from the middle of all of them.
    reach_m : float
        Largest distance between two points at most 5 minutes apart: how far somebody gets.
    sharp_turns : int
        Turns of 120 degrees or more from one point to the next: street corners are none.
    laps : float
        Times round the middle; a way there and back is none.
    """

    length_m: float
    lasts_s: float
    radius_m: float
    reach_m: float
    sharp_turns: int
    laps: float


@dataclass(slots=True, kw_only=True)
class Path:
    """Path of one device: changed by each fix. In metres east and north of where it began.

    Attributes
    ----------
    lon_deg, lat_deg, east_m_per_deg, north_m_per_deg : float
        Where it began, and the scale there.
    time_ns : int
        Of the newest fix; an older one, and one of the same time, is not looked at.
    x_m, y_m, variance_m2 : float
        Averaged place, and how uncertain it is.
    moved_ns : int
        Of the newest fix that was not held back.
    held_ns, held_fixes : int
        First of the fixes that are held back, and how many.
    points : list of (time_ns, x_m, y_m)
        Of the last 20 minutes.
    """

    lon_deg: float
    lat_deg: float
    east_m_per_deg: float
    north_m_per_deg: float
    time_ns: int
    variance_m2: float
    moved_ns: int
    x_m: float = 0.0
    y_m: float = 0.0
    held_ns: int = 0
    held_fixes: int = 0
    points: list[tuple[int, float, float]] = field(default_factory=list)

    def step(self, time_ns: int, lon_deg: float, lat_deg: float, accuracy_m: float) -> "Path":
        """The path with one more fix: this one, or one that begins anew after a silence or a ride."""
        if time_ns <= self.time_ns:
            return self
        if time_ns - self.time_ns > _GAP_S * _NS_PER_S:
            return begin(time_ns, lon_deg, lat_deg, accuracy_m)
        self.time_ns = time_ns
        x_m, y_m = self.metres(lon_deg, lat_deg)
        elapsed_s = (time_ns - self.moved_ns) / _NS_PER_S
        if math.hypot(x_m - self.x_m, y_m - self.y_m) > max(_JUMP_M, _JUMP_ACCURACIES * accuracy_m) + _SPEED_MPS * elapsed_s:
            self.held_ns = self.held_ns if self.held_fixes else time_ns
            self.held_fixes += 1
            has_lasted = self.held_fixes >= _HELD_FIXES and time_ns - self.held_ns >= _HELD_S * _NS_PER_S
            return begin(time_ns, lon_deg, lat_deg, accuracy_m) if has_lasted else self
        self.held_fixes = 0
        variance_m2 = self.variance_m2 + _WALK_M2_PER_S * elapsed_s
        gain = variance_m2 / (variance_m2 + accuracy_m**2)
        self.variance_m2, self.moved_ns = variance_m2 * (1.0 - gain), time_ns
        self.x_m += gain * (x_m - self.x_m)
        self.y_m += gain * (y_m - self.y_m)
        _, last_x_m, last_y_m = self.points[-1]
        least_m = _LONE_STEP_M if elapsed_s > _LONE_S else _STEP_M
        if math.hypot(self.x_m - last_x_m, self.y_m - last_y_m) >= max(least_m, _STEP_ACCURACIES * accuracy_m):
            self.points.append((time_ns, round(self.x_m, _ROUND), round(self.y_m, _ROUND)))
            while self.points[0][0] < time_ns - _KEPT_S * _NS_PER_S:
                del self.points[0]
        return self

    def metres(self, lon_deg: float, lat_deg: float) -> tuple[float, float]:
        """Metres east and north of where the path began."""
        away_deg = (lon_deg - self.lon_deg + 180.0) % 360.0 - 180.0
        return away_deg * self.east_m_per_deg, (lat_deg - self.lat_deg) * self.north_m_per_deg

    @property
    def place(self) -> tuple[float, float]:
        """Averaged longitude and latitude, WGS 84 degrees."""
        return self.lon_deg + self.x_m / self.east_m_per_deg, self.lat_deg + self.y_m / self.north_m_per_deg

    def length_m(self, since_ns: int) -> float:
        """Length of the thinned path since a time within the last 20 minutes."""
        later = [point for point in self.points if point[0] >= since_ns]
        return sum(math.hypot(b[1] - a[1], b[2] - a[2]) for a, b in pairwise(later))

    def pattern(self) -> Pattern | None:
        """The pattern; None of a path too short to have one."""
        if len(self.points) < _FEWEST_POINTS:
            return None
        xy = np.array([point[1:] for point in self.points], np.float64)
        time_s = np.array([(point[0] - self.time_ns) / _NS_PER_S for point in self.points])
        apart_m = np.hypot(*(xy[:, None] - xy).transpose(2, 0, 1))
        legs = np.diff(xy, axis=0)
        around = xy - xy.mean(axis=0)
        round_rad = _turns(around)
        return Pattern(
            length_m=float(np.hypot(*legs.T).sum()),
            lasts_s=(self.points[-1][0] - self.points[0][0]) / _NS_PER_S,
            radius_m=float(np.hypot(*around.T).max()),
            reach_m=float(np.where(np.abs(time_s[:, None] - time_s) <= _REACH_S, apart_m, 0.0).max()),
            sharp_turns=int(np.count_nonzero(np.abs(_turns(legs)) >= _SHARP_RAD)),
            laps=float(abs(round_rad[np.abs(round_rad) <= _THROUGH_RAD].sum()) / (2.0 * math.pi)),
        )


def begin(time_ns: int, lon_deg: float, lat_deg: float, accuracy_m: float) -> Path:
    """A path of one fix."""
    frame = Frame.at(lon_deg, lat_deg)
    return Path(
        lon_deg=lon_deg,
        lat_deg=lat_deg,
        east_m_per_deg=frame.east_m_per_deg,
        north_m_per_deg=frame.north_m_per_deg,
        time_ns=time_ns,
        variance_m2=accuracy_m**2,
        moved_ns=time_ns,
        points=[(time_ns, 0.0, 0.0)],
    )


def _turns(vectors: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """(N - 1,) radians, -pi to pi, from each vector to the next."""
    heading = np.arctan2(vectors[:, 1], vectors[:, 0])
    turn: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = np.mod(np.diff(heading) + math.pi, 2.0 * math.pi) - math.pi
    return turn
