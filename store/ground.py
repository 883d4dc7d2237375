"""Where a community's things lie: the footprints of its homes and the shapes of its fences, each read, and all of them together."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from devices.model import HomeId
from geofence.datum import Wgs84Rings
from geofence.frames import Frame
from rules.premises import FenceKind
from store import shapes
from store.document import KeyPath, spelled
from store.references import Findings
from store.schema import CommunityFile, FenceSaid
from store.shapes import Shape, ShapeError

_APART_M = 100_000.0
"""Nothing of one community is so far from the rest of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What lies where.

    Attributes
    ----------
    footprints : mapping
        Of the homes that have one.
    fences : tuple
        Of each fence its shape, None of one that is wrong.
    """

    footprints: Mapping[HomeId, Wgs84Rings]
    fences: tuple[Shape | None, ...]


def survey(file: CommunityFile, findings: Findings) -> Ground:
    """Read every shape of a file; note what is wrong, and warn of what was repaired."""
    footprints: dict[HomeId, Wgs84Rings] = {}
    places: list[tuple[KeyPath, tuple[float, float]]] = []
    for index, home in enumerate(file.homes):
        if home.footprint is not None:
            path: KeyPath = ("homes", index, "footprint")
            try:
                found = shapes.area(home.footprint, home.datum)
            except ShapeError as error:
                findings.wrong((*path, *error.path), error.what)
                continue
            footprints[HomeId(home.id)] = found.rings
            places.append((path, found.first))
            _repaired(found, path, findings)
    fences = tuple(_fence(fence, ("geofences", index), footprints, places, findings) for index, fence in enumerate(file.geofences))
    for index, device in enumerate(file.devices):
        if (pose := device.hangs) is not None:
            places.append((("devices", index, "pose"), shapes.point(pose.lon, pose.lat, pose.datum)))
    _together(places, findings)
    return Ground(footprints=footprints, fences=fences)


def _fence(
    fence: FenceSaid,
    path: KeyPath,
    footprints: Mapping[HomeId, Wgs84Rings],
    places: list[tuple[KeyPath, tuple[float, float]]],
    findings: Findings,
) -> Shape | None:
    key = fence.drawn_as
    if key is None:
        return None
    try:
        found = shape_of(fence, footprints)
    except ShapeError as error:
        findings.wrong((*path, key, *error.path), error.what)
        return None
    if found is not None and key != "around":
        places.append(((*path, key), found.first))
        _repaired(found, (*path, key), findings)
    return found


def shape_of(fence: FenceSaid, footprints: Mapping[HomeId, Wgs84Rings]) -> Shape | None:
    """A fence's shape; None where it is drawn in no way that fits. Raises ShapeError."""
    datum, is_line = fence.datum, fence.kind is FenceKind.LINE
    if fence.around is not None:
        if (footprint := footprints.get(HomeId(fence.around))) is None:
            raise ShapeError((), f"{fence.around} has no footprint to go around, wanted a home with one")
        return shapes.border(footprint, fence.outwards_m) if is_line else shapes.around(footprint, fence.outwards_m)
    if fence.geometry is not None:
        return shapes.line(fence.geometry, datum) if is_line else shapes.area(fence.geometry, datum)
    if is_line:
        return None  # the key does not fit, which is noted elsewhere
    if (circle := fence.circle) is not None:
        return shapes.circle(circle.center, circle.radius_m, datum)
    if (box := fence.rectangle) is not None:
        return shapes.rectangle(box.center, box.length_m, box.width_m, box.heading_deg, datum)
    return None if fence.corridor is None else shapes.corridor(fence.corridor.line, fence.corridor.width_m, datum)


def _repaired(shape: Shape, path: KeyPath, findings: Findings) -> None:
    for below, what in shape.notes:
        findings.warn((*path, *below), f"{what}: repaired")


def _together(places: Sequence[tuple[KeyPath, tuple[float, float]]], findings: Findings) -> None:
    """Note what lies far from the rest, and would lie with it if its longitude and latitude changed places."""
    if not places:
        return
    cells = Counter((round(lon), round(lat)) for _, (lon, lat) in places)
    most = cells.most_common(1)[0][0]
    home_path, (lon, lat) = next(one for one in places if (round(one[1][0]), round(one[1][1])) == most)
    frame = Frame.at(lon, lat)
    degrees = np.array([place for _, place in places], np.float64)
    away_m = np.hypot(*np.moveaxis(frame.metres(*degrees.T), -1, 0))
    swapped_m = np.hypot(*np.moveaxis(frame.metres(*degrees[:, ::-1].T), -1, 0))
    for index in np.flatnonzero((away_m > _APART_M) & (swapped_m < _APART_M)).tolist():
        path, (east, north) = places[index]
        findings.wrong(
            path,
            f"lies far from {spelled(home_path)}, and beside it with the two numbers of each position swapped: "
            f"begins at [{east:.9g}, {north:.9g}], wanted [lon, lat]",
        )
