"""GCJ-02, the shifted datum of Chinese maps, to WGS 84 and back.

The published approximation of the official shift: a sum of sines on the Krasovsky 1940 ellipsoid, as in EvilTransform
(https://github.com/googollee/eviltransform) and coordtransform (https://github.com/wandergis/coordtransform), which agree to a
millimetre. Both leave what lies outside a box around mainland China as it is, and so do these.

Positions of each datum are a type of their own, and each type has the way to the other one only: what has been converted has no way to
be converted again. Everything further inside takes WGS 84 (`Wgs84`, `Wgs84Ring`).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float64 = NDArray[np.float64]

Wgs84Ring = NewType("Wgs84Ring", tuple[tuple[float, float], ...])
"""Vertices (lon, lat) WGS 84 degrees, of a ring or a line: `Wgs84.ring` makes it."""

NO_RING = Wgs84Ring(())

Wgs84Rings = tuple[tuple[Wgs84Ring, ...], ...]
"""Polygons, each its shell and its holes; rings are closed, shells run anticlockwise, holes clockwise."""

_SEMI_MAJOR_M = 6378245.0
_ECCENTRICITY_SQUARED = 0.00669342162296594323
_WEST, _EAST, _SOUTH, _NORTH = 72.004, 137.8347, 0.8293, 55.8271
# The shift is below 0.02 degrees everywhere in the box, so nothing further out than this came from inside it.
_PADDING_DEG = 0.02
# The shift changes by at most 0.4 % of a step, so each round gains more than two digits: six leave nothing in float64.
_ROUNDS = 6
# What lies on the very edge of the box may come back this far outside of it.
_ROUNDING_DEG = 1e-9


class Datum(StrEnum):
    """What degrees are measured from."""

    WGS84 = "wgs84"
    GCJ02 = "gcj02"


@dataclass(frozen=True, slots=True, eq=False)
class Wgs84:
    """Where something really is.

    Attributes
    ----------
    lon_deg, lat_deg : (...) float64
        WGS 84 degrees; NaN stays NaN.
    """

    lon_deg: Float64
    lat_deg: Float64

    @classmethod
    def of(cls, datum: Datum, lon_deg: ArrayLike, lat_deg: ArrayLike) -> "Wgs84":
        """Positions (...) that came in from outside, degrees of a datum."""
        lon, lat = np.asarray(lon_deg, np.float64), np.asarray(lat_deg, np.float64)
        return cls(lon, lat) if datum is Datum.WGS84 else Gcj02(lon, lat).to_wgs84()

    def to_gcj02(self) -> "Gcj02":
        """Where a Chinese map draws it; unchanged outside the box around mainland China."""
        inside = _in_box(self.lon_deg, self.lat_deg)
        lon_shift, lat_shift = _shift(np.where(inside, self.lon_deg, 105.0), np.where(inside, self.lat_deg, 35.0))
        return Gcj02(
            np.where(inside, self.lon_deg + lon_shift, self.lon_deg),
            np.where(inside, self.lat_deg + lat_shift, self.lat_deg),
        )

    def ring(self) -> Wgs84Ring:
        """Positions (N,) as vertices."""
        return Wgs84Ring(tuple(zip(self.lon_deg.tolist(), self.lat_deg.tolist(), strict=True)))


@dataclass(frozen=True, slots=True, eq=False)
class Gcj02:
    """Where a Chinese map draws something.

    Attributes
    ----------
    lon_deg, lat_deg : (...) float64
        GCJ-02 degrees; NaN stays NaN.
    """

    lon_deg: Float64
    lat_deg: Float64

    def to_wgs84(self) -> Wgs84:
        """Where it really is; inverse of `Wgs84.to_gcj02` to below 1 mm.

        A position that no point of the box is shifted to is outside of it and unchanged. Along the box's edge the map draws two places at
        one: there it is the one inside.
        """
        near = _in_box(self.lon_deg, self.lat_deg, _PADDING_DEG)
        lon_near, lat_near = np.where(near, self.lon_deg, 105.0), np.where(near, self.lat_deg, 35.0)
        lon_true, lat_true = lon_near, lat_near
        for _ in range(_ROUNDS):
            lon_shift, lat_shift = _shift(lon_true, lat_true)
            lon_true, lat_true = lon_near - lon_shift, lat_near - lat_shift
        shifted = near & _in_box(lon_true, lat_true, _ROUNDING_DEG)
        return Wgs84(np.where(shifted, lon_true, self.lon_deg), np.where(shifted, lat_true, self.lat_deg))


def _in_box(lon_deg: Float64, lat_deg: Float64, padding_deg: float = 0.0) -> NDArray[np.bool_]:
    return (
        (lon_deg >= _WEST - padding_deg)
        & (lon_deg <= _EAST + padding_deg)
        & (lat_deg >= _SOUTH - padding_deg)
        & (lat_deg <= _NORTH + padding_deg)
    )


def _shift(lon_deg: Float64, lat_deg: Float64) -> tuple[Float64, Float64]:
    """Shift (longitude, latitude) in degrees at WGS 84 positions inside the box."""
    x, y = lon_deg - 105.0, lat_deg - 35.0
    root, pi = np.sqrt(np.abs(x)), np.pi
    ripple = (20.0 * np.sin(6.0 * x * pi) + 20.0 * np.sin(2.0 * x * pi)) * 2.0 / 3.0
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + ripple
    north_m = north_m + (20.0 * np.sin(y * pi) + 40.0 * np.sin(y / 3.0 * pi)) * 2.0 / 3.0
    north_m = north_m + (160.0 * np.sin(y / 12.0 * pi) + 320.0 * np.sin(y * pi / 30.0)) * 2.0 / 3.0
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + ripple
    east_m = east_m + (20.0 * np.sin(x * pi) + 40.0 * np.sin(x / 3.0 * pi)) * 2.0 / 3.0
    east_m = east_m + (150.0 * np.sin(x / 12.0 * pi) + 300.0 * np.sin(x / 30.0 * pi)) * 2.0 / 3.0
    phi = np.radians(lat_deg)
    squared = 1.0 - _ECCENTRICITY_SQUARED * np.sin(phi) ** 2
    meridian_m = _SEMI_MAJOR_M * (1.0 - _ECCENTRICITY_SQUARED) / squared**1.5
    parallel_m = _SEMI_MAJOR_M / np.sqrt(squared) * np.cos(phi)
    return np.degrees(east_m / parallel_m), np.degrees(north_m / meridian_m)
