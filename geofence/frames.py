"""Local metric frames: metres east and north of a centre."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geofence.datum import Wgs84

Float64 = NDArray[np.float64]
_Number = TypeVar("_Number", float, NDArray[np.float64])

_SEMI_MAJOR_M = 6378137.0
_ECCENTRICITY_SQUARED = 6.69437999014e-3
_RADIANS = math.pi / 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Equirectangular plane with WGS 84's radii of curvature at its centre.

    It is linear in degrees, so what is straight in GeoJSON is straight here, and inside stays inside at any size. Distances are
    right to 0.1 % within 5 km of the centre at latitudes up to 60 degrees. A longitude is taken the short way round, so a shape
    may lie across the antimeridian if its vertices go beyond 180 degrees; one around a pole may not.
    """

    lon_deg: float
    lat_deg: float
    east_m_per_deg: float
    north_m_per_deg: float

    @classmethod
    def at(cls, lon_deg: float, lat_deg: float) -> Self:
        """Frame with its centre there, WGS 84 degrees."""
        east_m_per_deg, north_m_per_deg = metres_per_degree_at(lat_deg)
        return cls(lon_deg=float(lon_deg), lat_deg=float(lat_deg), east_m_per_deg=east_m_per_deg, north_m_per_deg=north_m_per_deg)

    @classmethod
    def over(cls, lon_deg: ArrayLike, lat_deg: ArrayLike) -> Self:
        """Frame with its centre in the middle of the extent of WGS 84 degrees (N,), N at least 1: the order of positions moves nothing."""
        lon, lat = np.asarray(lon_deg, np.float64), np.asarray(lat_deg, np.float64)
        return cls.at(float(lon.min() + lon.max()) / 2.0, float(lat.min() + lat.max()) / 2.0)

    def metres(self, lon_deg: ArrayLike, lat_deg: ArrayLike) -> Float64:
        """Positions in metres (..., 2), east and north of the centre, of WGS 84 degrees (...)."""
        lon, lat = np.asarray(lon_deg, np.float64), np.asarray(lat_deg, np.float64)
        return np.stack((short_way(lon - self.lon_deg) * self.east_m_per_deg, (lat - self.lat_deg) * self.north_m_per_deg), axis=-1)

    def wgs84(self, position_m: ArrayLike) -> Wgs84:
        """WGS 84 degrees (...) of positions (..., 2) in metres; a longitude may go beyond 180 degrees."""
        east, north = np.moveaxis(np.asarray(position_m, np.float64), -1, 0)
        return Wgs84(self.lon_deg + east / self.east_m_per_deg, self.lat_deg + north / self.north_m_per_deg)


def metres_per_degree(lat_deg: Float64) -> tuple[Float64, Float64]:
    """Metres of a degree to the east and to the north (...), at latitudes (...) in degrees."""
    phi = np.radians(lat_deg)
    return _metres_per_degree(np.sin(phi), np.cos(phi), np.sqrt)


def metres_per_degree_at(lat_deg: float) -> tuple[float, float]:
    """The same at one latitude, in a microsecond."""
    phi = math.radians(lat_deg)
    return _metres_per_degree(math.sin(phi), math.cos(phi), math.sqrt)


def _metres_per_degree(sine: _Number, cosine: _Number, sqrt: Callable[[_Number], _Number]) -> tuple[_Number, _Number]:
    squared = 1.0 - _ECCENTRICITY_SQUARED * (sine * sine)
    root = sqrt(squared)
    return _SEMI_MAJOR_M * _RADIANS / root * cosine, _SEMI_MAJOR_M * (1.0 - _ECCENTRICITY_SQUARED) * _RADIANS / (squared * root)


def short_way(away_deg: Float64) -> Float64:
    """Differences of longitudes (...) the short way round, within 180 degrees either way; those that are, stay exactly as they are."""
    turns: Float64 = 360.0 * np.rint(away_deg / 360.0)
    return away_deg - turns


def turned(heading_deg: float, x_m: ArrayLike, y_m: ArrayLike) -> Float64:
    """Positions (..., 2) east and north of a sensor of what it sees at x to its right and y ahead.

    Parameters
    ----------
    heading_deg
        Where y points, clockwise from true north.
    x_m, y_m : (...) float64
        In the sensor's frame.
    """
    heading = np.radians(heading_deg)
    x, y = np.asarray(x_m, np.float64), np.asarray(y_m, np.float64)
    ahead_east, ahead_north = np.sin(heading), np.cos(heading)
    return np.stack((x * ahead_north + y * ahead_east, y * ahead_north - x * ahead_east), axis=-1)
