"""A radar that is turned otherwise than it is drawn, noticed from where people come and vanish.

People come and go by doors, and a radar sees none through walls. Where they vanish in the middle of rooms and walk through walls, while one
turn of the radar about its place brings them all into rooms and their ends to doors, it hangs turned. At the edge of its view anybody
vanishes, however it hangs: such ends say nothing.

It says nothing rather than something wrong: of few people, of rooms without a door, where several turns fit as well, and where both fit
badly (people who sit down vanish in the middle of rooms). It fails where the plan's walls are not those of the home.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geofence.frames import turned

Float64 = NDArray[np.float64]

LEAST_TRACKS = 8
LEAST_ENDS = 8
LEAST_TURN_DEG = 30.0
"""A smaller one still brings people near to their doors: it is not told from noise."""
_STEP_DEG = 5.0
_WALKED_M = 1.0
_STEPS = 24
"""Places of a track that are looked at."""
_AT_DOOR_M = 0.8
"""Who comes is seen for certain after half a second, half a metre on."""
_WALL_M = 0.3
"""A wall's thickness, and what a radar errs."""
_EDGE_M, _EDGE_DEG = 0.7, 8.0
"""Nearer to the edge of the view nobody knows whether somebody vanished or left it."""
_BAD_SEEN, _BAD_ENDS = 0.7, 0.4
_GOOD_SEEN, _GOOD_ENDS = 0.9, 0.75
_ALIKE = 0.1
"""Another turn that is worse by less than this fits as well."""
_ONE_DEG = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a radar sees, as it is drawn: from `place_m` (2,) to `reach_m`, `half_angle_deg` to either side of `heading_deg`."""

    place_m: Float64
    heading_deg: float
    reach_m: float
    half_angle_deg: float


def better_turn_deg(
    tracks_m: Sequence[Float64],
    view: View,
    rooms_m: Sequence[Float64],
    openings_m: Float64,
    doors_m: Float64,
    *,
    is_outside_seen: bool = False,
) -> float | None:
    """How much further a radar is turned than it is drawn, in degrees clockwise; None where nothing speaks for that, or not enough.

    Parameters
    ----------
    tracks_m : sequence of (N, 2) float64
        Ways of people on the floor, each from where it was first to where it was last seen, as the drawn pose places them.
    view : View
    rooms_m : sequence of (K, 2) float64
        Corners of each room.
    openings_m : (O, 2, 2) float64
        Windows and doors, through which a radar sees.
    doors_m : (D, 2, 2) float64
        Those through which people go.
    is_outside_seen : bool
        Whether it is meant to see people where no room is.

    Returns
    -------
    float or None
        Above -180, to 180.
    """
    walked = [track for track in tracks_m if len(track) > 1 and np.hypot(*np.ptp(track, axis=0)) >= _WALKED_M]
    if len(walked) < LEAST_TRACKS or not len(doors_m) or not rooms_m:
        return None
    place_m = view.place_m
    ends = np.concatenate([track[[0, -1]] for track in walked]) - place_m
    ends = ends[_is_well_seen(ends, view)]
    if len(ends) < LEAST_ENDS:
        return None
    steps = np.concatenate([track[np.linspace(0, len(track) - 1, min(len(track), _STEPS)).astype(np.int64)] for track in walked]) - place_m
    turns = np.arange(0.0, 360.0, _STEP_DEG)
    doors = shapely.MultiLineString(list(doors_m))
    at_door = np.array([_share_near(place_m + turned(turn, *ends.T), doors, _AT_DOOR_M) for turn in turns])
    home = _Home(place_m, rooms_m, openings_m, is_outside_seen=is_outside_seen)
    if at_door[0] > _BAD_ENDS or home.share_seen(place_m + steps) > _BAD_SEEN:
        return None
    seen = np.zeros(len(turns))
    for index in np.flatnonzero(at_door >= _GOOD_ENDS - _ALIKE):
        seen[index] = home.share_seen(place_m + turned(turns[index], *steps.T))
    fit = np.where((seen >= _GOOD_SEEN) & (at_door >= _GOOD_ENDS), seen + at_door, 0.0)
    if not fit.any():
        return None
    # Of turns that fit equally well the one in their middle.
    best = _middle_deg(turns[fit >= fit.max() - 1e-9])
    away_deg = np.abs(_half_turn(turns - best))
    as_good = (seen >= _GOOD_SEEN - _ALIKE) & (at_door >= _GOOD_ENDS - _ALIKE)
    if away_deg[as_good].max() > _ONE_DEG:
        return None
    better = float(_half_turn(np.array(best)))
    return better if abs(better) >= LEAST_TURN_DEG else None


class _Home:
    """Which places a radar that hangs somewhere in a home may see somebody at."""

    def __init__(self, place_m: Float64, rooms_m: Sequence[Float64], openings_m: Float64, *, is_outside_seen: bool) -> None:
        rooms = shapely.union_all([shapely.make_valid(shapely.Polygon(room)) for room in rooms_m])
        self._openings = shapely.MultiLineString(list(openings_m)).buffer(_WALL_M / 2.0)
        walls = shapely.union_all([shapely.LinearRing(room) for room in rooms_m])
        self._walls = walls.difference(shapely.MultiLineString(list(openings_m)).buffer(_WALL_M, cap_style="square"))
        self._rooms = rooms.buffer(_WALL_M)
        self._place_m, self._is_outside_seen = place_m, is_outside_seen
        for shape in (self._openings, self._walls, self._rooms):
            shapely.prepare(shape)

    def share_seen(self, places_m: Float64) -> float:
        """Of places (N, 2), how many are in sight: before no wall, and in a room or beyond an opening."""
        away = places_m - self._place_m
        away_m = np.maximum(np.hypot(*away.T), 1e-9)[:, None]
        cut = np.minimum(_WALL_M, 0.45 * away_m) * away / away_m
        before_wall = ~shapely.intersects(self._walls, _segments(self._place_m + cut, places_m - cut))
        if self._is_outside_seen:
            return float(before_wall.mean())
        within = shapely.intersects_xy(self._rooms, *places_m.T)
        beyond = shapely.intersects(self._openings, _segments(np.broadcast_to(self._place_m, places_m.shape), places_m))
        return float((before_wall & (within | beyond)).mean())


def _segments(begin_m: Float64, end_m: Float64) -> NDArray[np.object_]:
    return np.asarray(shapely.linestrings(np.stack((begin_m, end_m), axis=1)))


def _share_near(places_m: Float64, shape: shapely.Geometry, within_m: float) -> float:
    return float((shapely.distance(shape, shapely.points(places_m)) <= within_m).mean())


def _is_well_seen(away_m: Float64, view: View) -> NDArray[np.bool_]:
    own = turned(-view.heading_deg, *away_m.T)
    bearing_deg = np.degrees(np.arctan2(own[:, 0], own[:, 1]))
    well: NDArray[np.bool_] = (np.hypot(*own.T) < view.reach_m - _EDGE_M) & (np.abs(bearing_deg) < view.half_angle_deg - _EDGE_DEG)
    return well


def _half_turn(turn_deg: Float64) -> Float64:
    """The same direction, above -180 to 180 degrees."""
    half: Float64 = -((-turn_deg + 180.0) % 360.0 - 180.0)
    return half


def _middle_deg(turns_deg: Float64) -> float:
    return float(np.degrees(np.angle(np.exp(1j * np.radians(turns_deg)).sum())))
