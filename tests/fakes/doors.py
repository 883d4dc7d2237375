"""Two homes side by side, and fences that somebody of the first one draws."""

from typing import Any

from fakes.lakeside import Estate, example

from geofence.frames import Frame
from store.estates import Estates
from store.model import Community

FRAME = Frame.at(119.95, 31.78)


def box(west: float, south: float, east: float, north: float) -> list[list[float]]:
    corners = FRAME.wgs84([(west, south), (east, south), (east, north), (west, north), (west, south)])
    return [list(one) for one in corners.ring()]


def polygon(*sides: float) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [box(*sides)]}


def path(*places: tuple[float, float]) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": [list(one) for one in FRAME.wgs84(places).ring()]}


def two_doors() -> dict[str, Any]:
    """The example with its homes side by side: 201 to the west, 202 beside it; a radar of 201 looks along both their windows."""
    said = example()
    homes = {one["id"]: one for one in said["homes"]}
    homes["b3-201"]["footprint"], homes["b3-202"]["footprint"] = polygon(0, 0, 9, 9), polygon(9, 0, 18, 9)
    return said


WINDOW = {"home": "b3-201", "name": "卧室窗前", "kind": "line", "approach_m": 1.5, "geometry": path((2, -2), (7, -2))}
"""Before one's own window."""
DOOR = WINDOW | {"name": "门口", "geometry": path((3, -2), (9.5, -2))}
"""It goes on before the neighbour's."""
GARDEN = {"home": "b3-201", "name": "院子", "kind": "area", "outwards_m": 30, "events": ["exit"]}


def now(estate: Estate) -> Community:
    with estate.database.read() as session:
        return Estates().community(session, estate.id)
