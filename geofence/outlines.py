"""Circles, rectangles, corridors and widened footprints as polygons."""

import math
from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from geofence.datum import Wgs84, Wgs84Ring, Wgs84Rings
from geofence.frames import Frame, turned

Float64 = NDArray[np.float64]

_TOLERANCE_M = 0.01
"""How far the middle of an edge may lie within the arc that it stands for."""
_LEAST_EDGES = 32


def circle(centre: Wgs84, radius_m: float) -> Wgs84Rings:
    """Every place at most so far from one; vertices are on the circle, edges at most 1 cm within."""
    angle = np.linspace(0.0, 2.0 * np.pi, _edges(radius_m), endpoint=False)
    arc = radius_m * np.stack((np.cos(angle), np.sin(angle)), axis=-1)
    return _rings(_frame(centre), shapely.Polygon(arc))


def rectangle(centre: Wgs84, length_m: float, width_m: float, heading_deg: float) -> Wgs84Rings:
    """A rectangle whose length runs along a heading, clockwise from true north."""
    ahead, right = length_m / 2.0, width_m / 2.0
    corners = turned(heading_deg, [-right, right, right, -right], [-ahead, -ahead, ahead, ahead])
    return _rings(_frame(centre), shapely.Polygon(corners))


def corridor(way: Wgs84, width_m: float) -> Wgs84Rings:
    """Every place at most half a width from a line (N,), N at least 2; round at its ends and bends."""
    frame = Frame.over(way.lon_deg, way.lat_deg)
    line = shapely.LineString(frame.metres(way.lon_deg, way.lat_deg))
    return _rings(frame, shapely.buffer(line, width_m / 2.0, quad_segs=_edges(width_m / 2.0) // 4))


def outwards(rings: Wgs84Rings, distance_m: float) -> Wgs84Rings:
    """Every place in an area or at most so far outside of it; round at its corners. Nought metres are the area itself."""
    frame, shape = metric(rings)
    return rings if distance_m == 0.0 else _rings(frame, shapely.buffer(shape, distance_m, quad_segs=_edges(distance_m) // 4))


def joined(areas: Sequence[Wgs84Rings]) -> Wgs84Rings:
    """Several areas, at least one, as one outline: walls between those that touch are gone."""
    lon, lat = np.concatenate([np.array(polygon[0], np.float64) for rings in areas for polygon in rings]).T
    frame = Frame.over(lon, lat)
    return _rings(frame, shapely.union_all([metric(rings, frame)[1] for rings in areas]))


def metric(rings: Wgs84Rings, frame: Frame | None = None) -> tuple[Frame, shapely.MultiPolygon]:
    """An area in metres, in a frame or in the one at its middle."""
    lon, lat = np.concatenate([np.array(polygon[0], np.float64) for polygon in rings]).T
    plane = frame or Frame.over(lon, lat)
    polygons = [[plane.metres(*np.array(ring, np.float64).T) for ring in polygon] for polygon in rings]
    return plane, shapely.MultiPolygon([shapely.Polygon(shell, holes) for shell, *holes in polygons])


def _frame(centre: Wgs84) -> Frame:
    return Frame.at(float(centre.lon_deg), float(centre.lat_deg))


def _edges(radius_m: float) -> int:
    """How many edges a circle needs, a multiple of 4."""
    half_angle = math.acos(max(1.0 - _TOLERANCE_M / radius_m, 0.0))
    return 4 * math.ceil(max(_LEAST_EDGES, math.pi / half_angle) / 4)


def _rings(frame: Frame, shape: shapely.Geometry) -> Wgs84Rings:
    polygons = shapely.get_parts(shapely.orient_polygons(shape))
    return tuple(
        tuple(_ring(frame, ring) for ring in (shapely.get_exterior_ring(polygon), *shapely.get_rings(polygon)[1:])) for polygon in polygons
    )


def _ring(frame: Frame, ring: shapely.Geometry) -> Wgs84Ring:
    return frame.wgs84(shapely.get_coordinates(ring)).ring()
