"""The way to a fence, as it stands in the evidence of its events; docs/reference/rules/areas.md says how it reads."""

from typing import Any

import numpy as np

from devices.model import NS_PER_S
from geofence.frames import Frame
from geofence.trail import Trail, written
from rules.premises import Fence


def frame_of(fence: Fence) -> Frame:
    """The plane in which ways to a fence are told: its centre is the middle of the fence's extent."""
    return Frame.over(*np.array([vertex for polygon in fence.rings for vertex in polygon[0]] or fence.path, np.float64).T)


def told(way: Trail, t_ns: int, decided_ns: int) -> dict[str, Any]:
    """The way to an event at `t_ns`, and how much later it was decided, by the reading's own time."""
    return {"decided_s": (decided_ns - t_ns) / NS_PER_S, **written(way)}
