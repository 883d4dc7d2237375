"""GeoJSON of the community file to vertices in WGS 84 degrees, order (lon, lat)."""

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, MultiPolygon, Polygon
from shapely.validation import explain_validity

from geofence.datum import gcj02_to_wgs84
from store.document import KeyPath, shown

Vertex = tuple[float, float]
Ring = tuple[Vertex, ...]
Rings = tuple[tuple[Ring, ...], ...]

_KEYS = frozenset({"type", "coordinates", "bbox"})
_M_PER_DEGREE = 111_195.0
"""Of latitude, on a sphere of 6,371,008.8 m (IUGG mean radius)."""

_CLOSED_RING = 4
"""Positions of the smallest closed ring (RFC 7946, 3.1.6)."""


class ShapeError(ValueError):
    """A geometry is wrong at `path`, which starts below the geometry."""

    def __init__(self, path: KeyPath, what: str) -> None:
        super().__init__(what)
        self.path = path
        self.what = what


def area(geometry: Mapping[str, Any], datum: str) -> Rings:
    """Polygons of a GeoJSON Polygon or MultiPolygon, each its shell and its holes.

    Raises
    ------
    ShapeError
        It is of another type, not closed, out of range, or crosses itself.
    """
    kind = _kind(geometry, "Polygon", "MultiPolygon")
    path: KeyPath = ("coordinates",)
    coordinates = geometry["coordinates"]
    if kind == "Polygon":
        rings: Rings = (_polygon(coordinates, path),)
    else:
        rings = tuple(_polygon(part, (*path, index)) for index, part in enumerate(_list(coordinates, path, 1, "polygons")))
    shape = _multipolygon(rings)
    if not shape.is_valid:
        raise ShapeError(path, f"is no valid area ({explain_validity(shape)}), wanted rings that do not cross or touch along an edge")
    return tuple(tuple(_wgs84(ring, datum) for ring in polygon) for polygon in rings)


def line(geometry: Mapping[str, Any], datum: str) -> tuple[Vertex, ...]:
    """Vertices of a GeoJSON LineString.

    Raises
    ------
    ShapeError
        It is of another type, out of range, has no length, or crosses itself.
    """
    _kind(geometry, "LineString")
    path: KeyPath = ("coordinates",)
    vertices = _positions(geometry["coordinates"], path, 2)
    distinct = [vertex for index, vertex in enumerate(vertices) if index == 0 or vertex != vertices[index - 1]]
    if len(distinct) < 2:  # noqa: PLR2004  a line has two ends
        raise ShapeError(path, "has no length, wanted at least 2 different positions")
    if not LineString(distinct).is_simple:
        raise ShapeError(path, "crosses itself, wanted a line with one near side")
    return _wgs84(tuple(distinct), datum)


def point(lon: float, lat: float, datum: str) -> Vertex:
    """One position in WGS 84 degrees."""
    return _wgs84(((lon, lat),), datum)[0]


def half_width_m(rings: Rings) -> float:
    """Radius of the largest circle that an area holds, in metres."""
    origin = rings[0][0][0]
    polygons = [Polygon(_metres(polygon[0], origin), [_metres(hole, origin) for hole in polygon[1:]]) for polygon in rings]
    with np.errstate(invalid="ignore"):  # a polygon too thin for a circle in float64 has none, and a length of NaN
        radii = [float(shapely.maximum_inscribed_circle(polygon, tolerance=0.5).length) for polygon in polygons]
    return max(0.0 if math.isnan(radius) else radius for radius in radii)


def distance_m(path: Sequence[Vertex], vertex: Vertex) -> float:
    """Distance from a position to the nearest point of a line, in metres."""
    return float(LineString(_metres(path, vertex)).distance(shapely.Point(0, 0)))


def _kind(geometry: Mapping[str, Any], *wanted: str) -> str:
    kind = geometry.get("type")
    names = " or ".join(wanted)
    if "type" not in geometry:
        raise ShapeError(("type",), f"is missing, wanted {names}")
    if kind not in wanted:
        raise ShapeError(("type",), f"{shown(kind)} does not fit, wanted {names}")
    for key in geometry:
        if key not in _KEYS:
            raise ShapeError((key,), "is no key known here, wanted type and coordinates")
    box = geometry.get("bbox", [])
    if not isinstance(box, list) or not all(_is_finite(number) for number in box):
        raise ShapeError(("bbox",), f"is {shown(box)}, wanted a list of numbers")
    if "coordinates" not in geometry:
        raise ShapeError(("coordinates",), "is missing, wanted positions [lon, lat]")
    return str(kind)


def _polygon(rings: object, path: KeyPath) -> tuple[Ring, ...]:
    found = []
    for index, ring in enumerate(_list(rings, path, 1, "rings")):
        vertices = _positions(ring, (*path, index), _CLOSED_RING)
        if vertices[0] != vertices[-1]:
            raise ShapeError((*path, index), "is not closed, wanted the first position again at the end")
        found.append(vertices)
    return tuple(found)


def _positions(values: object, path: KeyPath, at_least: int) -> tuple[Vertex, ...]:
    return tuple(_position(value, (*path, index)) for index, value in enumerate(_list(values, path, at_least, "positions [lon, lat]")))


def _position(value: object, path: KeyPath) -> Vertex:
    numbers = value if isinstance(value, list) else []
    if len(numbers) not in {2, 3} or not all(_is_finite(number) for number in numbers):
        written = f"[{', '.join(shown(number) for number in numbers)}]" if isinstance(value, list) else shown(value)
        raise ShapeError(path, f"{written} is no position, wanted [lon, lat]")
    lon, lat = float(numbers[0]), float(numbers[1])
    if abs(lat) > 90:  # noqa: PLR2004  degrees
        swapped = ": are they swapped?" if abs(lat) <= 180 and abs(lon) <= 90 else ""  # noqa: PLR2004  degrees
        raise ShapeError(path, f"{lat:.12g} is no latitude (-90 to 90), wanted [lon, lat]{swapped}")
    if abs(lon) > 180:  # noqa: PLR2004  degrees
        raise ShapeError(path, f"{lon:.12g} is no longitude (-180 to 180), wanted [lon, lat]")
    return (lon, lat)


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _list(value: object, path: KeyPath, at_least: int, what: str) -> list[object]:
    if not isinstance(value, list):
        raise ShapeError(path, f"is {shown(value)}, wanted a list of {what}")
    if len(value) < at_least:
        raise ShapeError(path, f"holds {len(value)} {what}, wanted at least {at_least}")
    return value


def _multipolygon(rings: Rings) -> MultiPolygon:
    return MultiPolygon([(polygon[0], list(polygon[1:])) for polygon in rings])


def _wgs84(vertices: Ring, datum: str) -> Ring:
    if datum == "wgs84":
        return vertices
    columns = np.array(vertices, np.float64)
    lon, lat = gcj02_to_wgs84(columns[:, 0], columns[:, 1])
    return tuple(zip(lon.tolist(), lat.tolist(), strict=True))


def _metres(vertices: Sequence[Vertex], origin: Vertex) -> NDArray[np.float64]:
    """(N, 2) metres east and north of an origin; good to 0.1 % within some kilometres."""
    scale = np.array([_M_PER_DEGREE * math.cos(math.radians(origin[1])), _M_PER_DEGREE])
    return np.asarray((np.array(vertices, np.float64) - np.array(origin, np.float64)) * scale, np.float64)
