"""Floors: local metres in which rooms are drawn, x to the right and y ahead, wherever that points."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geofence.datum import Wgs84
from geofence.frames import Frame, turned

Float64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """A metric frame that is turned, so that walls are straight in it.

    Attributes
    ----------
    frame : Frame
        East and north of the origin.
    heading_deg : float
        Where y points, clockwise from true north.
    """

    frame: Frame
    heading_deg: float

    @classmethod
    def at(cls, lon_deg: float, lat_deg: float, heading_deg: float) -> Self:
        """Floor with its origin there, WGS 84 degrees."""
        return cls(frame=Frame.at(lon_deg, lat_deg), heading_deg=heading_deg)

    @classmethod
    def under(cls, ring: ArrayLike) -> Self:
        """Floor of a footprint, a closed ring (N, 2) of WGS 84 degrees: its origin in the middle, its longest wall along an axis."""
        lon, lat = np.asarray(ring, np.float64).T
        frame = Frame.over(lon, lat)
        walls = np.diff(frame.metres(lon, lat), axis=0)
        east, north = walls[np.argmax(np.hypot(*walls.T))]
        heading_deg = float(np.degrees(np.arctan2(east, north)))
        return cls(frame=frame, heading_deg=(heading_deg + 45.0) % 90.0 - 45.0)

    def metres(self, lon_deg: ArrayLike, lat_deg: ArrayLike) -> Float64:
        """Positions (..., 2) in metres, right and ahead, of WGS 84 degrees (...)."""
        east_north = self.frame.metres(lon_deg, lat_deg)
        return turned(-self.heading_deg, east_north[..., 0], east_north[..., 1])

    def wgs84(self, place_m: ArrayLike) -> Wgs84:
        """WGS 84 degrees (...) of positions (..., 2) in metres."""
        right, ahead = np.moveaxis(np.asarray(place_m, np.float64), -1, 0)
        return self.frame.wgs84(turned(self.heading_deg, right, ahead))
