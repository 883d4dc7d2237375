"""Where the words of a picture stand, so that they hide as little of it as can be, and never one another."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import shapely

from devices.model import Float64

LETTER: Final = 15.0
"""Height of letters, in units of the picture."""
_MIDDLE: Final = 0.36
"""Of a letter's height: how far above the line that it stands on its middle is."""
_AIR: Final = 2.0
_EDGE_AWAY: Final = 5.0
"""Of a caption from the edge that it stands beside, which is drawn thick."""
_SHARES: Final = np.linspace(0.04, 0.96, 24)
"""Of an edge's length: where a caption beside it may stand."""
_CHINESE: Final = 0x2E80
"""From here on Unicode's letters are square (the CJK blocks)."""
_NARROW: Final = 0.7
"""Width of the others, at most, as a share of their height."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """Some text with its middle at `x`, on a line at `y`; `kind` names its class."""

    x: float
    y: float
    text: str
    kind: str


@dataclass(slots=True, kw_only=True)
class Captions:
    """The captions of one picture, those that matter most placed first. Everything is in its units, right and down.

    Attributes
    ----------
    room : shapely.Geometry
        Where they may stand.
    drawn : shapely.Geometry
        Lines that they should not hide.
    """

    room: shapely.Geometry
    drawn: shapely.Geometry
    placed: list[Caption] = field(default_factory=list)
    _boxes: list[shapely.Geometry] = field(default_factory=list)

    def beside(self, places: Iterable[Float64], text: str, kind: str, away: float) -> None:
        """Place a text so far away from one of some places (2,); nowhere, if there is no room for it."""
        right, down = away + _length(text) / 2.0, away + LETTER / 2.0
        ways = [(right, 0.0), (-right, 0.0), (0.0, -down), (0.0, down), (right, -down), (right, down), (-right, -down), (-right, down)]
        self._place([place + way for place in places for way in ways], text, kind)

    def along(self, edge: shapely.MultiLineString, ground: shapely.Geometry, path: Float64, text: str, kind: str) -> None:
        """Place a text on some ground beside an edge, as far as can be from a path (N, 2); nowhere, if there is no room for it."""
        places = [one for one in _sides(edge, text) if shapely.intersects_xy(ground, *one)]
        hangs_over = [not shapely.covers(ground, _box(place, text)) for place in places]
        away = [float(np.hypot(*(path - place).T).min()) for place in places]
        best_first = sorted(range(len(places)), key=lambda index: (hangs_over[index], -away[index]))
        self._place([places[index] for index in best_first], text, kind)

    def _place(self, places: Iterable[Float64], text: str, kind: str) -> None:
        """Place a text at the first of the places at which it hides least."""
        boxes = [(place, _box(place, text)) for place in places]
        free = [(place, box) for place, box in boxes if shapely.covers(self.room, box) and not shapely.intersects(box, self._boxes).any()]
        if free:
            place, box = min(free, key=lambda one: self._hides(one[1]))
            self._boxes.append(box)
            self.placed.append(Caption(x=round(float(place[0]), 1), y=round(float(place[1]) + _MIDDLE * LETTER, 1), text=text, kind=kind))

    def _hides(self, box: shapely.Geometry) -> float:
        return float(shapely.length(shapely.intersection(shapely.buffer(box, _AIR), self.drawn)))


def _sides(edge: shapely.MultiLineString, text: str) -> Iterator[Float64]:
    """Where a text stands on either side of an edge, without touching it where that is straight."""
    if shapely.length(edge) == 0.0:
        return
    start, end = (
        shapely.get_coordinates(shapely.line_interpolate_point(edge, _SHARES + shift, normalized=True)) for shift in (-0.01, 0.01)
    )
    along = (end - start)[np.hypot(*(end - start).T) > 0.0]
    middle = ((start + end) / 2.0)[np.hypot(*(end - start).T) > 0.0]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.hypot(*along.T)[:, None]
    away = _EDGE_AWAY + np.abs(across) @ np.array([_length(text) / 2.0, LETTER / 2.0])
    for side in (1.0, -1.0):
        yield from middle + side * away[:, None] * across


def _box(place: Float64, text: str) -> shapely.Geometry:
    """What a text in the middle of a place covers."""
    across, down = _length(text) / 2.0, 0.6 * LETTER
    x, y = float(place[0]), float(place[1])
    return shapely.box(x - across, y - down, x + across, y + down)


def _length(text: str) -> float:
    return LETTER * sum(1.0 if ord(letter) >= _CHINESE else _NARROW for letter in text)
