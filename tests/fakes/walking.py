"""Ways to fences of the example's estate, drawn here, as evidence that tells them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from devices.model import NS_PER_S, CommunityId
from geofence import trail
from geofence.trail import Trail
from rules.kinds import EventKind
from rules.model import Event
from rules.premises import Fence, FenceId, FenceKind, Side

T_NS = 1_772_344_800 * NS_PER_S  # 2026-03-01T06:00:00Z, 14:00 in Changzhou
Places = Sequence[Sequence[float]] | np.ndarray


def told(place_m: Places, time_s: Sequence[float] | np.ndarray) -> dict[str, Any]:
    return dict(trail.written(Trail(place_m=np.array(place_m, float), time_s=np.array(time_s, float))))


def leaving(**more: Any) -> dict[str, Any]:
    """Evidence of somebody who walks eastwards out of the estate at a metre a second, over its edge at 189.4 m; positions err a little."""
    time_s = np.arange(-40.0, 15.0)
    wobble = 1.5 * np.stack([np.sin(time_s / 3), np.cos(time_s / 4)], axis=1)
    place_m = np.stack([189.5 + time_s, 20.0 + 0.3 * time_s], axis=1) + wobble
    said = {"fence": "estate", "distance_m": 14.2, "accuracy_m": 7.5, "fixes": 14, "decided_s": 14.0}
    return told(place_m, time_s) | said | more


def coming(**more: Any) -> dict[str, Any]:
    """Evidence of somebody who walks northwards up to the terrace's line, as a radar sees them."""
    time_s = np.arange(-8.0, 0.6, 0.25)
    place_m = np.stack([1.7 - 0.1 * time_s, -1.2 + 0.7 * time_s], axis=1)
    said = {"fence": "terrace", "distance_m": 1.2, "frames": 34, "side": "far", "travelled_m": 2.1, "closing_mps": 0.71}
    return told(place_m, time_s) | said | more


def event(kind: EventKind, evidence: dict[str, Any], *, score: float = 0.993, cause: str = "") -> Event:
    return Event(
        community_id=CommunityId("lakeside"),
        kind=kind,
        subject="s",
        t_ns=T_NS,
        known_ns=T_NS,
        seq=0,
        score=score,
        cause=cause,
        evidence=evidence,
    )


def area(*corners_m: tuple[float, float], fence_id: str = "estate") -> Fence:
    """An area on the equator, where a degree is nearly as long both ways."""
    ring = tuple((east_m / 111_319.49, north_m / 110_574.28) for east_m, north_m in (*corners_m, corners_m[0]))
    return Fence(community_id=CommunityId("lakeside"), id=FenceId(fence_id), kind=FenceKind.AREA, rings=((ring,),))


def line(*path_m: tuple[float, float], near: Side = Side.LEFT) -> Fence:
    path = tuple((east_m / 111_319.49, north_m / 110_574.28) for east_m, north_m in path_m)
    return Fence(community_id=CommunityId("lakeside"), id=FenceId("terrace"), kind=FenceKind.LINE, path=path, near=near)


SQUARE = area((-30, -30), (30, -30), (30, 30), (-30, 30))
