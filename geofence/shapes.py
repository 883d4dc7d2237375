"""Areas: how deep inside or far outside positions are."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geofence.fences import Fences
from geofence.frames import Frame
from geofence.given import Outline, Outlines

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Rings = Sequence[Sequence[Sequence[tuple[float, float]]]]
# Instead of the rings of an empty shape.
_NOWHERE = ((0.0, 0.0), (0.0, 0.0), (0.0, 0.0))


class Area:
    """Polygons with holes, in the metric frame at their middle.

    Parameters
    ----------
    frame
        The plane the shape is in.
    shape
        In metres; repaired (`shapely.make_valid`) where it touches or overlaps itself.
    """

    def __init__(self, frame: Frame, shape: shapely.MultiPolygon) -> None:
        self.frame = frame
        self._shape = _repaired(shape)
        self._border = shapely.boundary(self._shape)
        shapely.prepare(self._shape)
        shapely.prepare(self._border)

    @classmethod
    def of(cls, rings: Rings) -> Self:
        """Area of polygons, each its shell and its holes, vertices (lon, lat) WGS 84 degrees, in either direction, closed or not."""
        frame = Frame.over(*np.array([vertex for polygon in rings for vertex in polygon[0]], np.float64).T)
        polygons = [[frame.metres(*np.array(ring, np.float64).T).tolist() for ring in polygon] for polygon in rings]
        return cls(frame, shapely.MultiPolygon([shapely.Polygon(shell, holes) for shell, *holes in polygons]))

    @property
    def outline(self) -> Outline | None:
        """All its rings, in WGS 84 degrees; None of an empty shape."""
        if self._shape.is_empty:
            return None
        rings = [ring for part in shapely.get_parts(self._shape) for ring in (part.exterior, *part.interiors)]
        places = [self.frame.wgs84(shapely.get_coordinates(ring)) for ring in rings]
        return Outline(rings=[list(zip(one.lon_deg.tolist(), one.lat_deg.tolist(), strict=True)) for one in places])

    @property
    def depth_m(self) -> float:
        """Depth of its deepest point, within 2 %; 0 of an empty shape."""
        if self._shape.is_empty:
            return 0.0
        tolerance_m = max(0.01 * float(shapely.area(self._shape)) / float(shapely.length(self._border)), 1e-3)
        return float(shapely.length(shapely.maximum_inscribed_circle(self._shape, tolerance=tolerance_m)))

    def signed_distance(self, lon_deg: ArrayLike, lat_deg: ArrayLike) -> Float64:
        """Metres (N,) from the border, above 0 inside, of finite WGS 84 degrees (N,); NaN of an empty shape."""
        position = self.frame.metres(lon_deg, lat_deg)
        x, y = position[..., 0], position[..., 1]
        distance = np.asarray(shapely.distance(self._border, shapely.points(x, y)), np.float64)
        return np.where(shapely.intersects_xy(self._shape, x, y), distance, -distance)


class Areas:
    """Many areas, asked at once.

    Parameters
    ----------
    areas
        In an order that decides their numbers; each in the frame in which it is by itself.
    """

    def __init__(self, areas: Sequence[Area]) -> None:
        outlines = [area.outline for area in areas]
        self._is_empty = np.array([outline is None for outline in outlines], np.bool_)
        self._fences = Fences.of(Outlines.of([outline or Outline(rings=[_NOWHERE]) for outline in outlines]))

    def signed_distance(self, lon_deg: Float64, lat_deg: Float64, area: Int64) -> Float64:
        """Metres (P,), as `Area.signed_distance`, of finite WGS 84 degrees (P,) from areas (P,) by their numbers."""
        distance_m = self._fences.pairs(lon_deg, lat_deg, area).signed_distance()
        distance_m[self._is_empty[area]] = np.nan
        return distance_m


def _repaired(shape: shapely.MultiPolygon) -> shapely.Polygon | shapely.MultiPolygon:
    if shapely.is_valid(shape):
        return shape
    repaired = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    return repaired if isinstance(repaired, shapely.Polygon | shapely.MultiPolygon) else shapely.MultiPolygon()
