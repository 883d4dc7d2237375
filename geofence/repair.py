"""Shapes as people and programs draw them, to ones that are valid; where that is ambiguous, why and where.

Everything here is in the drawing's own coordinates, x and y in any unit, so that what is refused is named as it was drawn. What is
repaired: rings that are not closed, positions that repeat the one before, holes before their shell, rings the wrong way round, and shapes
that touch or retrace themselves, as long as that leaves the area that was drawn as large as it was.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.validation import explain_validity

Float64 = NDArray[np.float64]
Part = tuple[int, ...]
"""Of which part something is said: of the whole (), a polygon (p,), or a ring of it (p, r)."""

AREA_KEPT = 1e-6
"""Largest share of its area that a repair may add or take away."""

_RING_CORNERS = 3
_LINE_ENDS = 2
_THIN = 1e-9
"""What is smaller than this share of its extent squared has no inside."""

_EXPLAINED = re.compile(r"(?P<reason>[^\[]+)\[(?P<x>\S+) (?P<y>[^\s\]]+)")


class UnclearShapeError(ValueError):
    """A shape that can be understood in more than one way, or in none; `part` is where in it, `at` the position if there is one."""

    def __init__(self, part: Part, what: str, at: tuple[float, float] | None = None) -> None:
        super().__init__(what)
        self.part = part
        self.what = what
        self.at = at


@dataclass(frozen=True, slots=True, kw_only=True)
class Valid:
    """A shape that is valid, and what was done about it.

    Attributes
    ----------
    polygons : tuple of tuple of (N, 2) float64
        Each its shell, anticlockwise, and its holes, clockwise; rings are closed.
    notes : tuple of (part, str)
        What was repaired; rings that ran the wrong way round are turned without a word.
    """

    polygons: tuple[tuple[Float64, ...], ...]
    notes: tuple[tuple[Part, str], ...]


def area(polygons: Sequence[Sequence[Float64]], area_kept: float = AREA_KEPT) -> Valid:
    """A valid area of polygons, each its shell and its holes, (N, 2) float64, finite.

    Raises
    ------
    UnclearShapeError
        A ring has too few corners or encloses nothing; or it crosses itself or another, so that what is inside is a matter of opinion.
    """
    notes: list[tuple[Part, str]] = []
    found = []
    for number, rings in enumerate(polygons):
        closed = [_closed(ring, (number, place), notes) for place, ring in enumerate(rings)]
        found.append(_shell_first(closed, (number,), notes))
    drawn = shapely.MultiPolygon([shapely.Polygon(shell, holes) for shell, *holes in found])
    shape: shapely.Geometry = drawn
    if not shapely.is_valid(drawn):
        shape = _rebuilt(drawn, area_kept)
        notes.append(((), "touched itself, and was drawn anew with the same area"))
    rings_of = [shapely.get_rings(polygon) for polygon in shapely.get_parts(shapely.orient_polygons(shape))]
    return Valid(
        polygons=tuple(tuple(np.asarray(shapely.get_coordinates(ring), np.float64) for ring in rings) for rings in rings_of),
        notes=tuple(notes),
    )


def line(vertices: Float64) -> tuple[Float64, tuple[str, ...]]:
    """A line (M, 2) that has one near side, of positions (N, 2) float64, finite; and what was repaired. It may be closed.

    Raises
    ------
    UnclearShapeError
        It has no length, or crosses itself.
    """
    distinct, notes = _distinct(vertices)
    if len(distinct) < _LINE_ENDS:
        raise UnclearShapeError((), "has no length, wanted at least 2 different positions")
    drawn = shapely.LineString(distinct)
    if not shapely.is_simple(drawn):
        x, y = _meets_itself(drawn)
        raise UnclearShapeError((), f"crosses itself at [{x:.12g}, {y:.12g}], wanted a line with one near side", (x, y))
    return distinct, notes


def _distinct(vertices: Float64) -> tuple[Float64, tuple[str, ...]]:
    new = np.concatenate(([True], np.any(np.diff(vertices, axis=0) != 0.0, axis=1)))
    repeated = len(vertices) - int(new.sum())
    return vertices[new], (f"held {repeated} positions that repeat the one before",) if repeated else ()


def _closed(ring: Float64, part: Part, notes: list[tuple[Part, str]]) -> Float64:
    distinct, said = _distinct(ring)
    notes += [(part, what) for what in said]
    is_closed = len(distinct) > 1 and np.array_equal(distinct[0], distinct[-1])
    corners = len(distinct) - is_closed
    if corners < _RING_CORNERS:
        raise UnclearShapeError(part, f"has {corners} different positions, wanted at least {_RING_CORNERS}")
    if _is_flat(distinct):
        raise UnclearShapeError(part, "encloses nothing: all its positions lie on one line")
    if is_closed:
        return distinct
    notes.append((part, "was not closed"))
    return np.concatenate((distinct, distinct[:1]))


def _shell_first(rings: list[Float64], part: Part, notes: list[tuple[Part, str]]) -> list[Float64]:
    """The rings with the one in front that holds all others, if that is clear."""
    outlines = [shapely.Polygon(ring) for ring in rings]
    largest = int(np.argmax(shapely.area(outlines)))
    others = [outline for place, outline in enumerate(outlines) if place != largest]
    if largest == 0 or not all(shapely.is_valid(outlines)) or not all(shapely.covers(outlines[largest], others)):
        return rings
    notes.append((part, f"had its outer ring at place {largest}"))
    return [rings[largest], *rings[:largest], *rings[largest + 1 :]]


def _rebuilt(shape: shapely.MultiPolygon, area_kept: float) -> shapely.Geometry:
    drawn = sum(
        shapely.Polygon(polygon.exterior).area - sum(shapely.Polygon(hole).area for hole in polygon.interiors) for polygon in shape.geoms
    )
    # GEOS may keep or lose what is walked three times by where a ring begins: each begins at the same place, and runs the same way.
    same = shapely.MultiPolygon([shapely.Polygon(*_begun_alike(polygon)) for polygon in shape.geoms])
    # What was retraced may leave slivers of rounding.
    parts = shapely.get_parts(shapely.make_valid(same, method="structure", keep_collapsed=False))
    rebuilt = shapely.MultiPolygon([_without_slivers(part) for part in parts if isinstance(part, shapely.Polygon) and not _is_thin(part)])
    if rebuilt.geoms and abs(rebuilt.area - drawn) <= area_kept * abs(drawn):
        return rebuilt
    for number, polygon in enumerate(shape.geoms):
        if not polygon.is_valid:
            said, at = _explained(polygon)
            raise UnclearShapeError((number,), f"is no valid area ({said}), wanted rings that do not cross", at)
    said, at = _explained(shape)
    raise UnclearShapeError((), f"is no valid area ({said}), wanted polygons that do not overlap", at)


def _begun_alike(polygon: shapely.Polygon) -> tuple[Float64, list[Float64]]:
    """Its shell and its holes, of all ways to walk around each the one that is first in order."""
    shell, *holes = (_first_walk(shapely.get_coordinates(ring)[:-1]) for ring in (polygon.exterior, *polygon.interiors))
    return shell, holes


def _first_walk(corners: Float64) -> Float64:
    lowest = min(corners.tolist())
    walks = [np.roll(way, -int(place), axis=0) for way in (corners, corners[::-1]) for place in np.flatnonzero((way == lowest).all(axis=1))]
    return min(walks, key=lambda walk: walk.tolist())


def _without_slivers(polygon: shapely.Polygon) -> shapely.Polygon:
    return shapely.Polygon(polygon.exterior, [hole for hole in polygon.interiors if not _is_thin(shapely.Polygon(hole))])


def _is_flat(ring: Float64) -> bool:
    """Whether all of a ring lies on one line. What it encloses is looked at first, which is quick; of a bow tie that may be nothing."""
    (x, y), extent = (ring - ring[0]).T, float(np.ptp(ring, axis=0).max())
    if abs(float(x[:-1] @ y[1:] - x[1:] @ y[:-1])) > 2.0 * _THIN * extent**2:
        return False
    return _is_thin(shapely.convex_hull(shapely.MultiPoint(ring)))


def _is_thin(shape: shapely.Geometry) -> bool:
    west, south, east, north = shapely.bounds(shape)
    return bool(shapely.area(shape) <= _THIN * max(east - west, north - south) ** 2)


def _explained(shape: shapely.Geometry) -> tuple[str, tuple[float, float] | None]:
    """Why a shape is not valid, and where."""
    said = explain_validity(shape)
    found = _EXPLAINED.match(said)
    if found is None:
        return said, None
    return f"{found['reason']} at [{found['x']}, {found['y']}]", (float(found["x"]), float(found["y"]))


def _meets_itself(drawn: shapely.LineString) -> tuple[float, float]:
    """Where a line first meets itself."""
    pieces = shapely.get_parts(shapely.node(drawn))
    first = next(piece for piece in pieces if piece.coords[0] == drawn.coords[0] or piece.coords[-1] == drawn.coords[0])
    x, y = first.coords[-1] if first.coords[0] == drawn.coords[0] else first.coords[0]
    return float(x), float(y)
