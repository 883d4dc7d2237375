"""Where the words of a picture stand, so that they hide as little of it as can be, and never one another."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

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

    def beside(self, place: Float64, text: str, kind: str, away: float) -> None:
        """Place a text so far away from one of some places (N, 2); nowhere, if there is no room for it."""
        right, down = away + _length(text) / 2.0, away + LETTER / 2.0
        ways = [(right, 0.0), (-right, 0.0), (0.0, -down), (0.0, down), (right, -down), (right, down), (-right, -down), (-right, down)]
        self._place((place[:, None] + np.array(ways)).reshape(-1, 2), text, kind)

    def along(self, edge: shapely.MultiLineString, ground: shapely.Geometry, path: Float64, text: str, kind: str) -> None:
        """Place a text on some ground beside an edge, as far as can be from a path (N, 2); nowhere, if there is no room for it."""
        place = _sides(edge, text)
        place = place[shapely.intersects_xy(ground, place[:, 0], place[:, 1])]
        hangs_over = ~shapely.covers(ground, _boxes(place, text))
        away = np.hypot(*(place[:, None] - path).T).min(axis=0)
        self._place(place[np.lexsort((-away, hangs_over))], text, kind)

    def _place(self, place: Float64, text: str, kind: str) -> None:
        """Place a text at the first of the places (N, 2) at which it hides least."""
        box = _boxes(place, text)
        free = shapely.covers(self.room, box) & ~shapely.intersects(box[:, None], np.array(self._boxes, object)).any(axis=1)
        if not free.any():
            return
        hides = shapely.length(shapely.intersection(_boxes(place[free], text, _AIR), self.drawn))
        best = np.flatnonzero(free)[np.argmin(hides)]
        self._boxes.append(box[best])
        x, y = place[best].tolist()
        self.placed.append(Caption(x=round(x, 1), y=round(y + _MIDDLE * LETTER, 1), text=text, kind=kind))


def _sides(edge: shapely.MultiLineString, text: str) -> Float64:
    """Places (N, 2) of a text on either side of an edge, without touching it where that is straight."""
    if shapely.length(edge) == 0.0:
        return np.zeros((0, 2))
    start, end = (
        shapely.get_coordinates(shapely.line_interpolate_point(edge, _SHARES + shift, normalized=True)) for shift in (-0.01, 0.01)
    )
    is_long = np.hypot(*(end - start).T) > 0.0
    along, middle = (end - start)[is_long], ((start + end) / 2.0)[is_long]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.hypot(*along.T)[:, None]
    away = (_EDGE_AWAY + np.abs(across) @ np.array([_length(text) / 2.0, LETTER / 2.0]))[:, None]
    return np.concatenate((middle + away * across, middle - away * across))


def _boxes(place: Float64, text: str, air: float = 0.0) -> NDArray[np.object_]:
    """What a text in the middle of each of some places (N, 2) covers, with so much air around it."""
    half = np.array([_length(text) / 2.0, 0.6 * LETTER]) + air
    return np.asarray(shapely.box(*(place - half).T, *(place + half).T), np.object_)


def _length(text: str) -> float:
    return LETTER * sum(1.0 if ord(letter) >= _CHINESE else _NARROW for letter in text)
