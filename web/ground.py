"""A fence as it lies on the ground: in metres east and north of its centre, as the way beside it is told."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np
import shapely

from devices.model import Bool, Float64
from geofence.frames import Frame
from rules.fences.way import frame_of
from rules.premises import Fence, FenceKind, Side


class Compass(StrEnum):
    """Eight directions, clockwise from north."""

    N = "n"
    NE = "ne"
    E = "e"
    SE = "se"
    S = "s"
    SW = "sw"
    W = "w"
    NW = "nw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What is drawn of a fence.

    Attributes
    ----------
    shape : shapely.Geometry or None
        What an area encloses; None of a line.
    edge : shapely.Geometry
        An area's border, or the line.
    near : Side
        Of a line, seen along its direction: the side that it protects.
    """

    shape: shapely.Geometry | None
    edge: shapely.Geometry
    near: Side

    @classmethod
    def of(cls, fence: Fence) -> Self | None:
        """A fence's ground; None where nothing of it is left to be drawn."""
        frame = frame_of(fence)
        if fence.kind is FenceKind.LINE:
            return cls(shape=None, edge=shapely.LineString(_metres(frame, fence.path)), near=fence.near)
        polygons = [[_metres(frame, ring) for ring in polygon] for polygon in fence.rings]
        drawn = shapely.MultiPolygon([shapely.Polygon(shell, holes) for shell, *holes in polygons])
        shape = shapely.make_valid(drawn, method="structure", keep_collapsed=False)
        if shapely.area(shape) == 0.0:
            return None
        return cls(shape=shape, edge=shapely.boundary(shape), near=fence.near)

    def holds(self, place_m: Float64) -> Bool:
        """(N,) bool: which places (N, 2) are inside of the area; none of a line."""
        if self.shape is None:
            return np.zeros(len(place_m), np.bool_)
        return np.asarray(shapely.intersects_xy(self.shape, place_m[:, 0], place_m[:, 1]), np.bool_)

    def band(self, width_m: float) -> shapely.Geometry:
        """A strip along the near side of a line."""
        return shapely.buffer(self.edge, width_m if self.near is Side.LEFT else -width_m, single_sided=True, cap_style="flat")

    def nearest(self, place_m: Float64) -> Float64:
        """The place (2,) of the edge that is nearest to one (2,)."""
        line = shapely.shortest_line(self.edge, shapely.Point(place_m))
        return np.asarray(shapely.get_coordinates(line)[0], np.float64)

    def side(self, path_m: Float64) -> Compass:
        """Which way is out of an area where a path (N, 2) last went over its edge, or else where its end is nearest to that."""
        inside = self.holds(path_m)
        over = np.flatnonzero(inside[1:] != inside[:-1])
        last = over[-1] + 1 if len(over) else len(path_m) - 1
        place_m = path_m[last - 1] if len(over) and inside[last] else path_m[last]
        edge_m = self.nearest(place_m)
        east, north = edge_m - place_m if not len(over) and inside[last] else place_m - edge_m
        if np.hypot(east, north) == 0.0:
            east, north = edge_m
        return list(Compass)[round(float(np.degrees(np.arctan2(east, north))) / 45.0) % 8]


def _metres(frame: Frame, vertices: tuple[tuple[float, float], ...]) -> Float64:
    return frame.metres(*np.array(vertices, np.float64).T)
