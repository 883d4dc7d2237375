"""Shapes of the community file, as GeoJSON or as circle, rectangle or corridor, to vertices in WGS 84 degrees, order (lon, lat).

What is wrong is told by its path, and by its place in the file's own coordinates.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geofence import outlines, repair
from geofence.datum import NO_RING, Datum, Wgs84, Wgs84Ring, Wgs84Rings
from store.document import KeyPath, shown

MAX_VERTICES = 1_000_000

_KEYS = frozenset({"type", "coordinates", "bbox"})
_HALF_TURN_DEG = 180.0
_POLE_DEG = 85.0
"""Beyond this latitude a plane of the size of a fence is no longer flat."""
_BENT = 1e-3
"""Edges that are straight on a shifted map bend by millimetres on the ground: so much of an area may come and go with that."""
_WITH_HEIGHT = 3

Float64 = NDArray[np.float64]
Note = tuple[KeyPath, str]


class ShapeError(ValueError):
    """A shape is wrong at `path`, which starts below its key; `at` is the position, in the drawing's own datum, if there is one."""

    def __init__(self, path: KeyPath, what: str, at: tuple[float, float] | None = None) -> None:
        super().__init__(what)
        self.path = path
        self.what = what
        self.at = at


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """An area or a line.

    Attributes
    ----------
    rings
        Of an area, else empty.
    path
        Of a line, else empty.
    notes : tuple of (path, str)
        What was repaired.
    geometry : mapping
        As GeoJSON, repaired, in the datum that it was drawn in; empty where it was not drawn as GeoJSON.
    """

    rings: Wgs84Rings = ()
    path: Wgs84Ring = NO_RING
    notes: tuple[Note, ...] = ()
    geometry: Mapping[str, Any] = field(default_factory=dict)

    @property
    def first(self) -> tuple[float, float]:
        """Its first vertex."""
        return self.path[0] if self.path else self.rings[0][0][0]


def area(geometry: Mapping[str, Any], datum: Datum) -> Shape:
    """An area from a GeoJSON Polygon or MultiPolygon.

    Raises
    ------
    ShapeError
        It is of another type, out of range, lies where no fence can, or is not one clear area.
    """
    kind = _kind(geometry, "Polygon", "MultiPolygon")
    top: KeyPath = ("coordinates",)
    coordinates = geometry["coordinates"]
    notes: list[Note] = []
    is_one = kind == "Polygon"
    parts = [coordinates] if is_one else _list(coordinates, top, 1, "polygons")
    drawn = [_polygon(part, _below(top, (number,), is_one=is_one), notes) for number, part in enumerate(parts)]
    _bounded(sum(len(ring) for rings in drawn for ring in rings), top)
    try:
        valid = repair.area(drawn)
    except repair.UnclearShapeError as error:
        raise ShapeError(_below(top, error.part, is_one=is_one), error.what, error.at) from None
    notes += [(_below(top, part, is_one=is_one), what) for part, what in valid.notes]
    try:
        rings = _on_the_ground(valid.polygons, datum)
    except repair.UnclearShapeError as error:
        raise ShapeError(top, f"is no clear area where it really lies: {error.what}") from None
    _within_reach([vertex for polygon in rings for vertex in polygon[0]], top)
    polygons = [[ring.tolist() for ring in polygon] for polygon in valid.polygons]
    drawn_as: Mapping[str, Any] = {"type": "MultiPolygon", "coordinates": polygons}
    if len(polygons) == 1:
        drawn_as = {"type": "Polygon", "coordinates": polygons[0]}
    return Shape(rings=rings, notes=tuple(notes), geometry=drawn_as)


def line(geometry: Mapping[str, Any], datum: Datum) -> Shape:
    """A line from a GeoJSON LineString, or from a MultiLineString whose parts go on from each other.

    Raises
    ------
    ShapeError
        It is of another type, out of range, has no length, or crosses itself.
    """
    kind = _kind(geometry, "LineString", "MultiLineString")
    path: KeyPath = ("coordinates",)
    notes: list[Note] = []
    if kind == "LineString":
        vertices = _positions(geometry["coordinates"], path, 2, notes)
    else:
        vertices = _joined(geometry["coordinates"], path, notes)
    _bounded(len(vertices), path)
    try:
        distinct, said = repair.line(vertices)
    except repair.UnclearShapeError as error:
        raise ShapeError(path, error.what, error.at) from None
    found = Wgs84.of(datum, *distinct.T).ring()
    _within_reach(found, path)
    return Shape(
        path=found,
        notes=(*notes, *((path, what) for what in said)),
        geometry={"type": "LineString", "coordinates": distinct.tolist()},
    )


def circle(centre: Sequence[float], radius_m: float, datum: Datum) -> Shape:
    """An area around a position. Raises ShapeError."""
    return _outlined(lambda: outlines.circle(_point(centre, ("center",), datum), radius_m), ("center",))


def rectangle(centre: Sequence[float], length_m: float, width_m: float, heading_deg: float, datum: Datum) -> Shape:
    """An area around a position, its length along a heading. Raises ShapeError."""
    return _outlined(lambda: outlines.rectangle(_point(centre, ("center",), datum), length_m, width_m, heading_deg), ("center",))


def corridor(way: Sequence[Sequence[float]], width_m: float, datum: Datum) -> Shape:
    """An area on both sides of a line. Raises ShapeError."""
    path: KeyPath = ("line",)
    notes: list[Note] = []
    vertices = _positions(list(way), path, 2, notes)
    if not np.any(vertices != vertices[0]):
        raise ShapeError(path, "has no length, wanted at least 2 different positions")
    found = _outlined(lambda: outlines.corridor(Wgs84.of(datum, *vertices.T), width_m), path)
    return Shape(rings=found.rings, notes=tuple(notes))


def around(footprint: Wgs84Rings, outwards_m: float) -> Shape:
    """An area as large as a footprint and so much more on every side. Raises ShapeError."""
    return _outlined(lambda: outlines.outwards(footprint, outwards_m), ())


def border(footprint: Wgs84Rings, outwards_m: float) -> Shape:
    """A closed line around a footprint, so far outside of it, with the footprint to its left.

    Raises
    ------
    ShapeError
        The footprint has parts that are too far from each other for one line.
    """
    rings = around(footprint, outwards_m).rings
    if len(rings) > 1:
        raise ShapeError((), f"has {len(rings)} parts, which no single line goes around: wanted an area, or a line of its own")
    return Shape(path=rings[0][0])


def point(lon: float, lat: float, datum: Datum) -> tuple[float, float]:
    """One position in WGS 84 degrees."""
    place = Wgs84.of(datum, lon, lat)
    return float(place.lon_deg), float(place.lat_deg)


def _kind(geometry: Mapping[str, Any], *wanted: str) -> str:
    kind = geometry.get("type")
    names = " or ".join(wanted)
    if "type" not in geometry:
        raise ShapeError(("type",), f"is missing, wanted {names}")
    if kind not in wanted:
        raise ShapeError(("type",), f"{shown(kind)} does not fit, wanted {names}")
    if "crs" in geometry:
        raise ShapeError(
            ("crs",), "is no key known here: GeoJSON is WGS 84 (RFC 7946), wanted no crs, and datum beside the geometry if need be"
        )
    for key in geometry:
        if key not in _KEYS:
            raise ShapeError((key,), "is no key known here, wanted type and coordinates")
    box = geometry.get("bbox", [])
    if not isinstance(box, list) or not all(_is_finite(number) for number in box):
        raise ShapeError(("bbox",), f"is {shown(box)}, wanted a list of numbers")
    if "coordinates" not in geometry:
        raise ShapeError(("coordinates",), "is missing, wanted positions [lon, lat]")
    return str(kind)


def _below(top: KeyPath, part: repair.Part, *, is_one: bool) -> KeyPath:
    """Where a part stands: a Polygon has no level for its only polygon."""
    return (*top, *(part[1:] if is_one else part))


def _polygon(rings: object, path: KeyPath, notes: list[Note]) -> list[Float64]:
    return [_positions(ring, (*path, index), 3, notes) for index, ring in enumerate(_list(rings, path, 1, "rings"))]


def _joined(parts: object, path: KeyPath, notes: list[Note]) -> Float64:
    """Parts that go on from each other, in their direction, as one."""
    found = [_positions(part, (*path, index), 2, notes) for index, part in enumerate(_list(parts, path, 1, "lines"))]
    merged = shapely.line_merge(shapely.MultiLineString(found), directed=True)
    if not isinstance(merged, shapely.LineString) or merged.is_empty:
        raise ShapeError(
            path, f"holds {len(found)} lines that do not go on from each other, wanted one line: draw each as a fence of its own"
        )
    if len(found) > 1:
        notes.append((path, f"held {len(found)} lines that go on from each other"))
    return np.asarray(shapely.get_coordinates(merged), np.float64)


def _positions(values: object, path: KeyPath, at_least: int, notes: list[Note]) -> Float64:
    listed = _list(values, path, at_least, "positions [lon, lat]")
    found = np.array([_position(value, (*path, index)) for index, value in enumerate(listed)], np.float64)
    if any(isinstance(value, list) and len(value) == _WITH_HEIGHT for value in listed):
        notes.append((path, "held heights, which are left out"))
    return found


def _position(value: object, path: KeyPath) -> tuple[float, float]:
    numbers = value if isinstance(value, list | tuple) else []
    if len(numbers) not in {2, _WITH_HEIGHT} or not all(_is_finite(number) for number in numbers):
        written = f"[{', '.join(shown(number) for number in numbers)}]" if isinstance(value, list) else shown(value)
        raise ShapeError(path, f"{written} is no position, wanted [lon, lat]")
    lon, lat = float(numbers[0]), float(numbers[1])
    if abs(lat) > 90:  # noqa: PLR2004  degrees
        swapped = ": are they swapped?" if abs(lat) <= _HALF_TURN_DEG and abs(lon) <= 90 else ""  # noqa: PLR2004  degrees
        raise ShapeError(path, f"{lat:.12g} is no latitude (-90 to 90), wanted [lon, lat]{swapped}")
    if abs(lon) > _HALF_TURN_DEG:
        raise ShapeError(path, f"{lon:.12g} is no longitude (-180 to 180), wanted [lon, lat]")
    return (lon, lat)


def _point(values: Sequence[float], path: KeyPath, datum: Datum) -> Wgs84:
    return Wgs84.of(datum, *_position(values, path))


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _list(value: object, path: KeyPath, at_least: int, what: str) -> list[object]:
    if not isinstance(value, list):
        raise ShapeError(path, f"is {shown(value)}, wanted a list of {what}")
    if len(value) < at_least:
        raise ShapeError(path, f"holds {len(value)} {what}, wanted at least {at_least}")
    return value


def _bounded(count: int, path: KeyPath) -> None:
    if count > MAX_VERTICES:
        raise ShapeError(path, f"holds {count:,} positions, wanted at most {MAX_VERTICES:,}")


def _on_the_ground(polygons: Sequence[Sequence[Float64]], datum: Datum) -> Wgs84Rings:
    """Valid polygons of a datum; rings that touch still do after they were moved."""
    moved = [[Wgs84.of(datum, *ring.T) for ring in rings] for rings in polygons]
    if datum is not Datum.WGS84:
        columns = [[np.stack((ring.lon_deg, ring.lat_deg), axis=-1) for ring in rings] for rings in moved]
        moved = [[Wgs84.of(Datum.WGS84, *ring.T) for ring in rings] for rings in repair.area(columns, _BENT).polygons]
    return tuple(tuple(ring.ring() for ring in rings) for rings in moved)


def _outlined(draw: Callable[[], Wgs84Rings], path: KeyPath) -> Shape:
    rings = draw()
    _within_reach([vertex for polygon in rings for vertex in polygon[0]], path)
    return Shape(rings=rings)


def _within_reach(vertices: Sequence[tuple[float, float]], path: KeyPath) -> None:
    """Refuse what no plane holds: what goes across the antimeridian or around a pole."""
    lon, lat = np.array(vertices, np.float64).T
    west, east = float(lon.min()), float(lon.max())
    if east - west > _HALF_TURN_DEG or east > _HALF_TURN_DEG or west < -_HALF_TURN_DEG:
        raise ShapeError(
            path, f"reaches from longitude {west:.12g} to {east:.12g}: across the antimeridian or around a pole, wanted one on each side"
        )
    farthest = float(lat[np.argmax(np.abs(lat))])
    if abs(farthest) > _POLE_DEG:
        raise ShapeError(path, f"reaches latitude {farthest:.12g}, wanted at most {_POLE_DEG:g}: nearer to a pole no map is flat")
