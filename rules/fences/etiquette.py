"""What a resident's fence may watch: one's own home and its air space; more than that is an administrator's to approve.

A line watches what lies within its approach distance, on both sides; an area what lies in it. Of that, to a home belongs its footprint,
and the air space around it: what is at most 4 m away, nearer to it than to any other home of that floor, and no corridor. Four metres
are a line of the usual approach distance, 2 m, drawn 2 m before a window. A corridor is what lies between homes of one building and floor
that are at most 4 m apart. An open gallery along one side of a house cannot be told from air space, nor can what lies above and below. An
area as large as an estate is looked at in steps of some metres, and touches every home whose footprint it holds a part of.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

import numpy as np
import shapely
from numpy.typing import NDArray

from devices.model import HomeId
from geofence.frames import Frame
from geofence.outlines import metric
from rules.premises import Fence, FenceKind, HomePlace

AIR_SPACE_M = 4.0
CORRIDOR_M = 4.0

_STEP_M = 0.25
_STEPS = 200
_AREA_STEPS = 60
"""At most so many steps in each direction over what a line, or an area, watches."""
_ROUNDING_M = 0.01

Float64 = NDArray[np.float64]


class Beyond(StrEnum):
    """What a fence watches besides its own home."""

    NEIGHBOUR = "neighbour"
    CORRIDOR = "corridor"
    PUBLIC = "public"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a fence needs an administrator.

    Attributes
    ----------
    beyond : frozenset of Beyond
        What it watches that is not its home's; `unknown`: that home has no footprint. Empty: the resident may draw it.
    touches : tuple of HomeId
        Homes whose footprint or air space it watches, ascending: they are told that there is a line.
    """

    beyond: frozenset[Beyond] = frozenset()
    touches: tuple[HomeId, ...] = ()

    @property
    def is_own(self) -> bool:
        """Whether it watches its own home alone."""
        return not self.beyond


class Neighbourhood:
    """The homes of a community that have a footprint, prepared for being asked about fences.

    Parameters
    ----------
    homes
        Of one community.
    """

    def __init__(self, homes: Iterable[HomePlace]) -> None:
        self._homes = [home for home in homes if home.footprint]
        self._rows = {home.id: row for row, home in enumerate(self._homes)}
        self._frame = None
        if self._homes:
            vertices = [vertex for home in self._homes for polygon in home.footprint for vertex in polygon[0]]
            self._frame = Frame.over(*np.array(vertices, np.float64).T)
        self._footprints = [metric(home.footprint, self._frame)[1] for home in self._homes]
        self._tree = shapely.STRtree(self._footprints)
        self._corridors = self._corridors_by_floor()

    def etiquette(self, fence: Fence) -> Verdict:
        """What a fence watches besides its own home."""
        own = None if fence.home is None else self._rows.get(fence.home)
        if own is None or self._frame is None:
            return Verdict(beyond=frozenset({Beyond.UNKNOWN}))
        home = self._homes[own]
        drawn, watches = self._drawn(fence, self._frame)
        watched = shapely.points(_places(drawn, watches, fence))
        near = {int(row) for row in self._tree.query(shapely.buffer(watches, AIR_SPACE_M))} | {own}
        rows = [own, *sorted(row for row in near - {own} if self._homes[row].floor in (home.floor, None) or home.floor is None)]
        away_m = np.array([shapely.distance(watched, self._footprints[row]) for row in rows])
        away_m[0] -= _ROUNDING_M  # what is as near to one's own home as to another is one's own
        nearest = np.argmin(away_m, axis=0)
        inside = away_m.min(axis=0) <= 0.0
        in_air = away_m.min(axis=0) <= AIR_SPACE_M + _ROUNDING_M
        in_corridor = ~inside & shapely.intersects(watched, self._corridors.get((home.building, home.floor), shapely.Point()))
        held = np.flatnonzero(shapely.area(shapely.intersection([self._footprints[row] for row in rows], watches)) > _ROUNDING_M)
        others = sorted({self._homes[rows[row]].id for row in (*np.unique(nearest[in_air]).tolist(), *held.tolist()) if row > 0})
        beyond = {Beyond.NEIGHBOUR} if others else set()
        beyond |= {Beyond.CORRIDOR} if np.any(in_corridor) else set()
        beyond |= {Beyond.PUBLIC} if np.any(~in_air & ~in_corridor) else set()
        return Verdict(beyond=frozenset(beyond), touches=tuple(others))

    def _drawn(self, fence: Fence, frame: Frame) -> tuple[shapely.Geometry, shapely.Geometry]:
        """A fence as it is drawn, and all that it watches, in metres."""
        if fence.kind is FenceKind.AREA:
            shape = metric(fence.rings, frame)[1]
            return shape, shape
        line = shapely.LineString(frame.metres(*np.array(fence.path, np.float64).T))
        return line, shapely.buffer(line, fence.approach_m, cap_style="flat")

    def _corridors_by_floor(self) -> dict[tuple[str, int | None], shapely.Geometry]:
        """What lies between homes of one building and floor, in metres; a home's own recesses are none."""

        def floor_of(row: int) -> tuple[str, bool, int]:
            home = self._homes[row]
            return home.building, home.floor is None, home.floor or 0

        corridors: dict[tuple[str, int | None], shapely.Geometry] = {}
        for _, rows in groupby(sorted(range(len(self._homes)), key=floor_of), key=floor_of):
            of_floor = list(rows)
            home = self._homes[of_floor[0]]
            if home.building and len(of_floor) > 1:
                footprints = [self._footprints[row] for row in of_floor]
                between = shapely.difference(
                    _closed(shapely.union_all(footprints)), shapely.union_all([_closed(one) for one in footprints])
                )
                # Between two walls that touch there is a film of rounding and no corridor.
                corridors[home.building, home.floor] = shapely.buffer(shapely.buffer(between, -_ROUNDING_M), _ROUNDING_M)
        return corridors


def _closed(shape: shapely.Geometry) -> shapely.Geometry:
    """A shape with its gaps filled that are narrower than a corridor."""
    return shapely.buffer(shapely.buffer(shape, CORRIDOR_M / 2.0, join_style="mitre"), -CORRIDOR_M / 2.0, join_style="mitre")


def _places(drawn: shapely.Geometry, watches: shapely.Geometry, fence: Fence) -> Float64:
    """Places (N, 2) all over what a fence watches."""
    west, south, east, north = shapely.bounds(watches).tolist()
    is_line = fence.kind is FenceKind.LINE
    finest_m, steps = (min(_STEP_M, fence.approach_m / 2.0), _STEPS) if is_line else (_STEP_M, _AREA_STEPS)
    step_m = max(finest_m, (east - west) / steps, (north - south) / steps)
    grid = np.stack(np.meshgrid(np.arange(west, east, step_m), np.arange(south, north, step_m)), axis=-1).reshape(-1, 2)
    corners = shapely.get_coordinates([drawn, watches])
    return np.concatenate((corners, grid[shapely.contains_xy(watches, *grid.T)]))
