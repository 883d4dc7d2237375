"""Where things stand in the picture of a fence's event: the fence from above, and the way that somebody went.

Everything is in the picture's own units, so that a metre on the ground is as long down as across: `WIDTH` of them fill a phone, where one
is a pixel, and letters are as large as the reader's other text. `web/pages/fence.svg.j2` draws it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor, log10
from typing import Final

import numpy as np
import shapely

from devices.model import NS_PER_S, Float64
from web.captions import Caption, Captions
from web.ground import Ground
from web.passage import Passage
from web.scene import Scene
from web.words import Spot

WIDTH: Final = 320.0
_LEAST, _MOST = 190.0, 300.0
"""Height of the map."""
_MARGIN: Final = 36.0
"""Between what must be seen and the edge of the map: room for a label."""
_LEAST_M: Final = {True: 24.0, False: 4.0}
"""Across the map at least, of an area and of a line."""
_WHOLE: Final = 2.5
"""A fence so much larger than the way beside it is drawn in part, and whole in a small map of its own."""
_SMALL: Final = 62.0
"""Width and height of the small map, and room around it."""
_FOOT: Final = 32.0
"""Height of the row of the scale and the arrow to the north."""
_BAND: Final = 26.0
"""Width of the strip along a line's near side."""
_FINE: Final = 0.4
"""What is bent by less than this is straight."""
_DOT_GAP: Final = 5.0
_ARROW, _ARROW_BACK = 10.0, 24.0
"""Length of the arrow, and of the last piece of the way, which it points along."""
_SHORT: Final = 24.0
"""Nearer to each other, two places have no room for two labels."""
_RING: Final = 7.0
"""Radius of the mark of the position that decided, and a little more."""
_SCALE_SHARE: Final = 0.34
"""Of the picture's width, for the scale at most."""
_BEYOND: Final = 8.0
"""So much more than the map is drawn, so that no edge is seen where a fence goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Small:
    """The whole fence, where the map shows a part of it: its path, the (x, y, width, height) that is shown, and where it was decided."""

    fence: str
    part: tuple[str, str, str, str]
    at: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One picture. Lengths are in its own units.

    Attributes
    ----------
    title, says : str
        What it is, and what it shows, for those who do not see it.
    height, map_height, foot : str
        Of all of it, of the map, and of the middle of what stands below it.
    fill, edge : str
        Paths: what an area encloses, or the strip along a line's near side; and the edge.
    before, after : str
        Paths of the way up to the event, and since.
    dots : tuple of (x, y, is_after)
    arrow : str
        Path of the arrow at its end; "" of somebody who hardly moves.
    error : (x, y, radius) or None
        How much the last position may err.
    start, decided : (x, y)
        The first position, and the one that decided.
    gap : (x1, y1, x2, y2) or None
        From that one to the edge.
    scale : (length, text)
    """

    title: str
    says: str
    height: str
    map_height: float
    foot: float
    fill: str
    edge: str
    before: str
    after: str
    dots: tuple[tuple[str, str, bool], ...]
    arrow: str
    error: tuple[str, str, str] | None
    start: tuple[str, str]
    decided: tuple[str, str]
    gap: tuple[str, str, str, str] | None
    captions: tuple[Caption, ...]
    scale: tuple[float, str]
    north: str
    small: Small | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """What is shown of the ground: its middle in metres, units per metre, and the map's height."""

    middle_m: Float64
    scale: float
    height: float

    def units(self, place_m: Float64) -> Float64:
        """(N, 2) right and down, of places (N, 2)."""
        units: Float64 = (place_m - self.middle_m) * (self.scale, -self.scale) + (WIDTH / 2.0, self.height / 2.0)
        return units

    def drawn(self, geometry: shapely.Geometry) -> shapely.Geometry:
        """What of some geometry is seen, in units, without what is too fine to be seen."""
        there = shapely.make_valid(shapely.transform(geometry, self.units))
        seen = shapely.intersection(there, self.map(_BEYOND))
        return shapely.simplify(seen, _FINE)

    def map(self, beyond: float) -> shapely.Geometry:
        """The map, and so much around it."""
        return shapely.box(-beyond, -beyond, WIDTH + beyond, self.height + beyond)


def plan(of: Passage, ground: Ground, scene: Scene, t_ns: int, says: str) -> Plan | None:
    """The picture of a passage; None where its evidence tells no way.

    Parameters
    ----------
    ground
        Of its fence, as it was then.
    t_ns
        When it happened.
    says
        What it shows, in words.
    """
    way, spots = of.trail, scene.words.spots
    if way is None:
        return None
    end_m, decided_m, error_m = way.place_m[-1], way.place_m[of.decided], of.accuracy_m or 0.0
    edge_m = ground.nearest(decided_m)
    view, is_part = _view(np.vstack([way.place_m, edge_m, end_m - error_m, end_m + error_m]), ground)
    path, edge = view.units(way.place_m), _lines(view.drawn(ground.edge))
    fill = view.drawn(ground.shape if ground.shape is not None else ground.band(_BAND / view.scale))
    at, to = path[of.decided], view.units(edge_m[None])[0]
    first = int(np.searchsorted(way.time_s, 0.0))
    is_apart = of.distance_m is not None and float(np.hypot(*(to - at))) >= _SHORT
    marks = [np.array([place - _RING, place + _RING]) for place in (at, path[-1])]
    drawn = shapely.MultiLineString([*edge.geoms, *(line for line in (path, np.array([at, to]), *marks) if len(line) > 1)])
    captions = Captions(room=view.map(-2.0), drawn=drawn)
    captions.beside(at[None], scene.wall(t_ns + round(way.time_s[of.decided] * NS_PER_S)), "there", _RING + 3.0)
    if of.distance_m is not None and is_apart:
        between = at + np.array([[0.5], [0.3], [0.7]]) * (to - at)
        captions.beside(between, spots[Spot.METRES].format(n=metres(of.distance_m)), "apart", 4.0)
    if float(np.hypot(*(path[0] - at))) >= _SHORT:
        captions.beside(path[:1], scene.wall(t_ns + round(way.time_s[0] * NS_PER_S)), "hour", _RING + 3.0)
    near, far = _sides(ground, view)
    captions.along(edge, near, path, spots[Spot.INSIDE if ground.shape is not None else Spot.NEAR], "near")
    captions.along(edge, far, path, spots[Spot.OUTSIDE if ground.shape is not None else Spot.FAR], "far")
    foot = _SMALL + 8.0 if is_part else _FOOT
    return Plan(
        title=spots[Spot.TITLE].format(fence=of.fence_id),
        says=says,
        height=_n(view.height + foot),
        map_height=round(view.height, 1),
        foot=round(view.height + foot / 2.0, 1),
        fill=_path(fill),
        edge=_path(edge),
        before=_line(path[: first + 1]),
        after=_line(path[max(0, first - 1) :]) if first < len(path) else "",
        dots=tuple(_dots(path, first)),
        arrow=_arrow(path),
        error=(*_point(path[-1]), _n(error_m * view.scale)) if error_m else None,
        start=_point(path[0]),
        decided=_point(at),
        gap=(*_point(at), *_point(to)) if is_apart else None,
        captions=tuple(captions.placed),
        scale=_scale(view, spots[Spot.METRES]),
        north=spots[Spot.NORTH],
        small=_small(ground, view, decided_m) if is_part else None,
    )


def metres(value_m: float) -> str:
    """A distance as people say it: to the decimetre below three metres."""
    return f"{value_m:.1f}" if value_m < 3.0 else f"{value_m:.0f}"  # noqa: PLR2004  metres


def _view(seen_m: Float64, ground: Ground) -> tuple[_View, bool]:
    """The map in which places (N, 2) are seen, with the whole fence if that is not much larger; whether it is a part of it."""
    near = _fitted(seen_m, ground)
    whole = _fitted(np.vstack([seen_m, shapely.get_coordinates(ground.edge)]), ground)
    is_part = near.scale > _WHOLE * whole.scale
    return (near if is_part else whole), is_part


def _fitted(seen_m: Float64, ground: Ground) -> _View:
    low, high = seen_m.min(axis=0), seen_m.max(axis=0)
    across_m, down_m = np.maximum(high - low, _LEAST_M[ground.shape is not None])
    scale = min((WIDTH - 2.0 * _MARGIN) / float(across_m), (_MOST - 2.0 * _MARGIN) / float(down_m))
    return _View(middle_m=(low + high) / 2.0, scale=scale, height=max(_LEAST, float(down_m) * scale + 2.0 * _MARGIN))


def _sides(ground: Ground, view: _View) -> tuple[shapely.Geometry, shapely.Geometry]:
    """The ground inside and outside of an area, or on the near and on the far side of a line, in units."""
    if ground.shape is not None:
        inside = view.drawn(ground.shape)
        return inside, shapely.difference(view.map(0.0), inside)
    reach_m = 2.0 * WIDTH / view.scale
    return view.drawn(ground.band(reach_m)), view.drawn(ground.band(-reach_m))


def _lines(geometry: shapely.Geometry) -> shapely.MultiLineString:
    """What of some geometry is a line: where an edge only touches the map, there is a point."""
    parts = shapely.get_parts(geometry)
    return shapely.MultiLineString([part for part in parts if isinstance(part, shapely.LineString) and not part.is_empty])


def _small(ground: Ground, view: _View, decided_m: Float64) -> Small:
    shown_m = np.array([WIDTH, view.height]) / view.scale
    part_m = view.middle_m + np.array([[-0.5, 0.5], [0.5, -0.5]]) * shown_m
    seen_m = np.vstack([shapely.get_coordinates(ground.edge), part_m])
    low, high = seen_m.min(axis=0), seen_m.max(axis=0)
    scale = _SMALL / float((high - low).max())

    def units(place_m: Float64) -> Float64:
        moved: Float64 = (place_m - (low + high) / 2.0) * (scale, -scale) + _SMALL / 2.0
        return moved

    corner = units(part_m)[0]
    return Small(
        fence=_path(shapely.simplify(shapely.transform(ground.shape or ground.edge, units), _FINE)),
        part=(*_point(corner), *_point(shown_m * scale)),
        at=_point(units(decided_m[None])[0]),
    )


def _scale(view: _View, words: str) -> tuple[float, str]:
    """The longest of 1, 2, 5, 10 … metres for which there is room."""
    most_m = _SCALE_SHARE * WIDTH / view.scale
    power = 10.0 ** floor(log10(most_m))
    length_m = next(step * power for step in (5.0, 2.0, 1.0) if step * power <= most_m)
    return round(length_m * view.scale, 1), words.format(n=f"{length_m:g}")


def _dots(path: Float64, first: int) -> Iterator[tuple[str, str, bool]]:
    """Positions, but for those that would hide one another; the newest of them are kept."""
    kept: list[int] = []
    for index in reversed(range(len(path))):
        if not kept or float(np.hypot(*(path[index] - path[kept[-1]]))) >= _DOT_GAP:
            kept.append(index)
    return ((*_point(path[index]), index >= first) for index in reversed(kept))


def _arrow(path: Float64) -> str:
    """A tip at the end of the way, along its last piece."""
    tip = path[-1]
    far = np.flatnonzero(np.hypot(*(path - tip).T) >= _ARROW_BACK)
    if not len(far):
        return ""
    along = tip - path[far[-1]]
    along /= np.hypot(*along)
    across = np.array([-along[1], along[0]])
    wings = [tip + _RING * along + side * 0.5 * _ARROW * across for side in (1.0, -1.0)]
    return _line(np.array([tip + (_RING + _ARROW) * along, *wings])) + "Z"


def _path(geometry: shapely.Geometry) -> str:
    """Lines, and the rings of polygons, as one path."""
    lines = []
    for part in shapely.get_parts(geometry):
        if part.is_empty:
            continue
        is_area = isinstance(part, shapely.Polygon)
        rings = shapely.get_rings(part) if is_area else [part]
        lines += [_line(shapely.get_coordinates(ring)) + ("Z" if is_area else "") for ring in rings]
    return " ".join(lines)


def _line(path: Float64) -> str:
    return "M" + " L".join(" ".join(_point(place)) for place in path)


def _point(place: Float64) -> tuple[str, str]:
    return _n(place[0]), _n(place[1])


def _n(value: float) -> str:
    return f"{round(float(value), 1) + 0.0:g}"
