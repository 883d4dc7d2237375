"""Fences of a city, and people in it: what `anju bench geofence` measures with."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geofence.frames import metres_per_degree_at
from geofence.given import Outlines

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

LON_DEG, LAT_DEG = 119.95, 31.78
SIZE_M = 40_000.0
WINDOW, FLAT, ESTATE = range(3)
SHARES = (0.795, 0.2, 0.005)
SIDES_M = ((1.0, 3.0), (8.0, 16.0), (400.0, 600.0))
_CORNERS = (4, 4, 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """Fences in 40 by 40 km.

    Attributes
    ----------
    outlines
        All of them.
    kind : (M,) int64
        `WINDOW`, `FLAT` or `ESTATE`.
    lon_deg, lat_deg : (M,) float64
        Their middles.
    """

    outlines: Outlines
    kind: Int64
    lon_deg: Float64
    lat_deg: Float64


def city(fences: int, seed: int = 0, *, lines: bool = False) -> City:
    """Windows and flats: rectangles turned any way; estates: 16 corners, not convex.

    Parameters
    ----------
    lines
        Windows are lines instead, as long, and reach 3 m.
    """
    random = np.random.default_rng(seed)
    kind = random.choice(3, fences, p=SHARES)
    low, high = np.array(SIDES_M).T
    x, y = random.uniform(0.0, SIZE_M, (2, fences))
    width, height = random.uniform(low[kind], high[kind], (2, fences))
    turn = random.uniform(0.0, 2.0 * np.pi, fences)
    is_line = (kind == WINDOW) if lines else np.zeros(fences, np.bool_)
    corners = np.where(is_line, 2, np.array(_CORNERS)[kind] + 1)
    start = np.concatenate(([0], np.cumsum(corners)))
    fence = np.repeat(np.arange(fences), corners)
    corner = (np.arange(start[-1]) - start[fence]) % np.where(is_line, 2, corners - 1)[fence]
    across, along = _corners(corner, kind[fence] == ESTATE, is_line[fence], fence)
    across, along = across * width[fence], along * height[fence]
    east, north = metres_per_degree_at(LAT_DEG)
    cosine, sine = np.cos(turn)[fence], np.sin(turn)[fence]
    lon_deg, lat_deg = LON_DEG + (x - SIZE_M / 2.0) / east, LAT_DEG + (y - SIZE_M / 2.0) / north
    return City(
        outlines=Outlines(
            lon_deg=lon_deg[fence] + (across * cosine - along * sine) / east,
            lat_deg=lat_deg[fence] + (across * sine + along * cosine) / north,
            ring=start,
            fence=np.arange(fences + 1),
            is_line=is_line,
            reach_m=np.where(is_line, 3.0, 0.0),
        ),
        kind=kind,
        lon_deg=lon_deg,
        lat_deg=lat_deg,
    )


def anywhere(count: int, seed: int = 1) -> tuple[Float64, Float64]:
    """Positions (N,) all over the city."""
    x, y = np.random.default_rng(seed).uniform(-SIZE_M / 2.0, SIZE_M / 2.0, (2, count))
    east, north = metres_per_degree_at(LAT_DEG)
    return LON_DEG + x / east, LAT_DEG + y / north


def at_home(city: City, count: int, seed: int = 2) -> tuple[Float64, Float64]:
    """Positions (N,) in flats and by windows, with a receiver's error of 5 m."""
    random = np.random.default_rng(seed)
    homes = np.flatnonzero(city.kind != ESTATE)
    home = random.choice(homes, count)
    east, north = metres_per_degree_at(LAT_DEG)
    return city.lon_deg[home] + random.normal(0.0, 5.0, count) / east, city.lat_deg[home] + random.normal(0.0, 5.0, count) / north


def _corners(corner: Int64, is_estate: NDArray[np.bool_], is_line: NDArray[np.bool_], fence: Int64) -> tuple[Float64, Float64]:
    """Corners (V, 2) of shapes one by one, their middles at 0."""
    across = np.where((corner == 0) | (corner == 3), -0.5, 0.5)  # noqa: PLR2004  the last of four corners
    along = np.where(is_line, 0.0, np.where(corner < 2, -0.5, 0.5))  # noqa: PLR2004  two corners below, two above
    angle = corner * 2.0 * np.pi / _CORNERS[ESTATE]
    radius = 0.5 * (1.0 + 0.25 * np.sin(5.0 * angle + fence)) / 1.1
    return np.where(is_estate, radius * np.cos(angle), across), np.where(is_estate, radius * np.sin(angle), along)
