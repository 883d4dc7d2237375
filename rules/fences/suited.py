"""Which sources are good enough for a fence, and how large it must be for the one that it has.

**Areas.** An area is good enough for a source if somebody who walks through it at 1 m/s is noticed about 95 times in 100 by a detector
that asks for a certainty of 0.999. Errors of a satellite receiver are about 1.5 times smaller than the accuracy it reports, and 70 % of
their variance lasts for half a minute, which no averaging takes away: what is left is 0.56 of the accuracy. Such an error must not carry
somebody at the deepest point nearer to the edge than the certainty asks, so the depth is at least (3.09 + 1.64) × 0.56 = 2.6 accuracies.
Simulated, 4,000 walks each (tests/rules/fences/test_suited.py): at 5 m accuracy an area 26.4 m wide is noticed 94 times in 100, one of
24 m 82, of 20 m 33, of 16 m and of 12 m never; at 7.5 m one of 39.6 m is noticed 96 times in 100, one of 30 m 38. Who stays for minutes
is noticed in smaller ones too. It says nothing of receivers under a roof, which err more than they report.

**Lines.** A radar sees a walking person to 6 m, 60 degrees to either side of where it points (HLK-LD2450, data sheet 1.00). How wide a
camera sees is not known: it is believed to look everywhere, to 25 m. From twice the height of a door and with 720 lines a pixel is a
quarter of a metre of ground there, and beyond it nobody is placed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import shapely

from devices.model import Device, DeviceKind, PersonId, Pose
from geofence.frames import Frame, turned
from geofence.shapes import Area
from rules.premises import Fence, FenceKind, HomePlace

TYPICAL_ACCURACY_M: Mapping[DeviceKind, float] = {DeviceKind.TRACKER: 5.0, DeviceKind.WEARABLE: 7.5}
"""What sources of positions report out of doors: a tracker carried in the open, a watch on an arm between houses."""

RADAR_REACH_M = 6.0
RADAR_HALF_ANGLE_DEG = 60.0
CAMERA_REACH_M = 25.0

_ACCURACY_DEVIATIONS = 1.5
_LASTING_SHARE = 0.7
_CERTAIN, _NOTICED = 3.0902, 1.6449
"""Normal quantiles of 0.999 and of 0.95."""
DEPTH_ACCURACIES = (_CERTAIN + _NOTICED) * float(np.sqrt(_LASTING_SHARE)) / _ACCURACY_DEVIATIONS

_ARC_STEPS = 24
_ROUNDING = 1e-6


class Lack(StrEnum):
    """Why a fence cannot work with what watches it."""

    NOBODY = "nobody"
    UNWATCHED = "unwatched"
    TOO_SMALL = "too_small"
    OTHER_FLOOR = "other_floor"
    OUT_OF_SIGHT = "out_of_sight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suited:
    """Whether a fence can work with what watches it.

    Attributes
    ----------
    lack : Lack or None
        What is wrong first; None: it works.
    kind : DeviceKind or None
        Of an area, the source that is least good for it.
    accuracy_m : float
        What that source typically reports.
    width_m, smallest_m : float
        Of an area: how wide it is where it is widest, and how wide it must be for that source.
    hidden : float
        Of a line: share of its length that nothing sees.
    """

    lack: Lack | None = None
    kind: DeviceKind | None = None
    accuracy_m: float = 0.0
    width_m: float = 0.0
    smallest_m: float = 0.0
    hidden: float = 0.0


def smallest_width_m(accuracy_m: float) -> float:
    """How wide an area must be where it is widest, for a source that reports such an accuracy."""
    return 2.0 * DEPTH_ACCURACIES * accuracy_m


def suited(fence: Fence, devices: Iterable[Device], home: HomePlace | None) -> Suited:
    """Whether a fence can work.

    Parameters
    ----------
    devices
        Of the fence's community.
    home
        That of the fence, if it has one.
    """
    return _line(fence, devices, home) if fence.kind is FenceKind.LINE else _area(fence, devices)


def guards(fence: Fence, devices: Iterable[Device]) -> tuple[Device, ...]:
    """What watches a fence: of a line the radars and cameras of its home, of an area the best source of each whom it concerns."""
    if fence.kind is FenceKind.LINE:
        return tuple(device for device in devices if device.pose is not None and device.home == fence.home)
    best: dict[PersonId, Device] = {}
    for device in devices:
        wearer = device.wearer or device.sole_occupant
        if wearer in fence.residents and device.kind in TYPICAL_ACCURACY_M:
            best[wearer] = min(best.get(wearer, device), device, key=lambda one: TYPICAL_ACCURACY_M[one.kind])
    return tuple(best.values())


def _area(fence: Fence, devices: Iterable[Device]) -> Suited:
    if not fence.residents:
        return Suited(lack=Lack.NOBODY)
    best = guards(fence, devices)
    if not best:
        return Suited(lack=Lack.UNWATCHED)
    kind = max((one.kind for one in best), key=TYPICAL_ACCURACY_M.__getitem__)
    accuracy_m = TYPICAL_ACCURACY_M[kind]
    width_m, smallest_m = 2.0 * Area.of(fence.rings).depth_m, smallest_width_m(accuracy_m)
    lack = Lack.TOO_SMALL if width_m < smallest_m else None
    return Suited(lack=lack, kind=kind, accuracy_m=accuracy_m, width_m=width_m, smallest_m=smallest_m)


def _line(fence: Fence, devices: Iterable[Device], home: HomePlace | None) -> Suited:
    watching = guards(fence, devices)
    if not watching:
        return Suited(lack=Lack.UNWATCHED)
    if home is not None and None not in (home.floor, fence.floor) and home.floor != fence.floor:
        return Suited(lack=Lack.OTHER_FLOOR)
    hidden = _hidden(fence.path, watching)
    return Suited(lack=Lack.OUT_OF_SIGHT if hidden > 0.0 else None, hidden=hidden)


def _hidden(path: Sequence[tuple[float, float]], watching: Sequence[Device]) -> float:
    """Share of a line's length that no radar or camera sees."""
    lon, lat = np.array(path, np.float64).T
    frame = Frame.over(lon, lat)
    line = shapely.LineString(frame.metres(lon, lat))
    views = [_view(device.kind, device.pose, frame) for device in watching if device.pose is not None]
    seen = shapely.intersection(line, shapely.union_all(views))
    share = 1.0 - float(seen.length) / float(line.length)
    return share if share > _ROUNDING else 0.0


def _view(kind: DeviceKind, pose: Pose, frame: Frame) -> shapely.Polygon:
    """What a radar or a camera sees, in metres."""
    if kind is DeviceKind.CAMERA:
        return shapely.Point(frame.metres(pose.lon, pose.lat)).buffer(CAMERA_REACH_M)
    half = np.radians(RADAR_HALF_ANGLE_DEG)
    angle = np.linspace(-half, half, _ARC_STEPS + 1)
    # Around the circle, so that nothing within reach is cut off between two of its steps.
    reach_m = RADAR_REACH_M / np.cos(half / _ARC_STEPS)
    edge = turned(pose.heading_deg, reach_m * np.sin(angle), reach_m * np.cos(angle))
    return shapely.Polygon(np.concatenate((np.zeros((1, 2)), edge)) + frame.metres(pose.lon, pose.lat))
