"""Cameras of the community file: what their picture shows of the ground."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from devices.model import DeviceId, Pose
from devices.view import View, ViewError, homography
from geofence.frames import Frame, turned
from store import shapes
from store.document import KeyPath
from store.references import Findings
from store.schema import CommunityFile, DeviceSaid, ViewSaid

Float64 = NDArray[np.float64]

_FEWEST_PX, _MOST_PX = 16, 16_384
_FAR_M = 1000.0
"""At this distance nobody is told from a bush: a point beyond it is in another unit, or under the wrong key."""


def views(file: CommunityFile, poses: Sequence[Pose | None], findings: Findings) -> dict[DeviceId, View]:
    """Views of the cameras that have one, by device; `poses` are those of the file's devices, in their order."""
    found: dict[DeviceId, View] = {}
    for index, (device, pose) in enumerate(zip(file.devices, poses, strict=True)):
        if device.view is not None:
            path: KeyPath = ("devices", index)
            if _is_anchored(device, pose, path, findings) and pose is not None:
                view = _view(device.view, pose, (*path, "view"), findings)
                found |= {} if view is None else {DeviceId(device.id): view}
    return found


def _is_anchored(device: DeviceSaid, pose: Pose | None, path: KeyPath, findings: Findings) -> bool:
    """Whether it is known where a camera is, and whose pixels its view is about."""
    if pose is None:
        findings.wrong((*path, "pose"), f"is missing, wanted where {device.id} hangs and looks: what it sees is measured from there")
    if device.source is None:
        findings.wrong((*path, "source"), f"is missing, wanted who looks for people in the picture of {device.id}, such as frigate")
    return pose is not None and device.source is not None


def _view(said: ViewSaid, pose: Pose, path: KeyPath, findings: Findings) -> View | None:
    width_px, height_px = said.detect
    if not all(_FEWEST_PX <= size <= _MOST_PX and size.is_integer() for size in said.detect):
        findings.wrong(
            (*path, "detect"),
            f"is ({width_px:g}, {height_px:g}), wanted [width, height] in pixels of the picture in which people are looked for",
        )
        return None
    for place, (u, v) in enumerate(said.pixels):
        if not (0 <= u <= width_px and 0 <= v <= height_px):
            findings.wrong((*path, "pixels", place), f"is ({u:g}, {v:g}), wanted it within the {width_px:g} x {height_px:g} of detect")
            return None
    measured = _ground(said, pose, path, findings)
    if measured is None:
        return None
    key, ground = measured
    try:
        found = homography(np.array(said.pixels, np.float64).reshape(-1, 2), ground)
    except ViewError as error:
        findings.wrong((*path, key) if error.point is None else (*path, key, error.point), str(error))
        return None
    return View(width_px=int(width_px), height_px=int(height_px), homography=found)


def _ground(said: ViewSaid, pose: Pose, path: KeyPath, findings: Findings) -> tuple[str, Float64] | None:
    """The key under which the points of the ground stand, and the points (N, 2) in metres to the right and ahead of the camera."""
    if said.ground is not None and said.ground_m is None:
        key, points, ground = "ground", said.ground, _from_camera(said.ground, said, pose)
    elif said.ground_m is not None and said.ground is None:
        key, points, ground = "ground_m", said.ground_m, np.array(said.ground_m, np.float64).reshape(-1, 2)
    else:
        findings.wrong(
            path, "has both or none of ground, in [lon, lat], and ground_m, in metres to the right and ahead: wanted one of them"
        )
        return None
    if len(points) != len(said.pixels):
        findings.wrong((*path, key), f"holds {len(points)} points, wanted as many as the {len(said.pixels)} of pixels")
        return None
    far_m = np.hypot(*ground.T).tolist()
    beyond = next((place for place, away_m in enumerate(far_m) if not away_m <= _FAR_M), None)
    if beyond is not None:
        findings.wrong((*path, key, beyond), f"lies {far_m[beyond]:.3g} m from the camera, wanted at most {_FAR_M:g} m")
        return None
    return key, ground


def _from_camera(points: Sequence[tuple[float, float]], said: ViewSaid, pose: Pose) -> Float64:
    """Metres (N, 2) to the right and ahead of a camera of positions (lon, lat)."""
    lon, lat = np.array([shapes.point(*point, said.datum) for point in points], np.float64).reshape(-1, 2).T
    east, north = Frame.at(pose.lon, pose.lat).metres(lon, lat).T
    return turned(-pose.heading_deg, east, north)
