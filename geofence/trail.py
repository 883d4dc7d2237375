"""The way that somebody went: kept while they go, told as text with an event, and read from that text again.

The numbers of an event's evidence are told with four significant digits, which would make hundreds of metres of a degree. So the way
is told as text, in whole decimetres east and north of the centre of the fence that it is about (`Frame.around` its vertices).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

MOST: Final = 60
"""Positions of a way: a minute at one a second."""
LONGEST_NS: Final = 600_000_000_000
"""How much older than the newest position of a way the others may be."""
APART_NS: Final = 250_000_000
"""Of positions that lie in the same quarter of a second the first one is kept: of a radar's frames, a quarter of a minute remains."""

_NS_PER_S = 1_000_000_000
_UNITS_PER_DEG = 10_000_000
_FURTHEST_DM, _LAST_S = 1_000_000, 1_000_000
_PLACE = re.compile(r"-?[0-9]{1,7}")
_TIME = re.compile(r"-?[0-9]{1,6}(\.[0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """N positions, 1 to `MOST`, oldest first.

    Attributes
    ----------
    place_m : (N, 2) float64
        East and north of the centre of the fence.
    time_s : (N,) float64
        Since the event's `t`; never descending.
    """

    place_m: Float64
    time_s: Float64


def written(trail: Trail) -> dict[str, str]:
    """A way as evidence: `track_dm` "east north east north …", whole decimetres, and `track_s`, seconds to the tenth."""
    places_dm = np.rint(trail.place_m[-MOST:] * 10.0).astype(np.int64)
    return {
        "track_dm": " ".join(map(str, places_dm.ravel().tolist())),
        "track_s": " ".join(f"{tenths / 10:.1f}".removesuffix(".0") for tenths in np.rint(trail.time_s[-MOST:] * 10).astype(int).tolist()),
    }


def read(evidence: Mapping[str, object]) -> Trail | None:
    """The way that evidence tells, to the decimetre and the tenth of a second; None where it tells none, or one that makes no sense."""
    places, times = evidence.get("track_dm"), evidence.get("track_s")
    if not isinstance(places, str) or not isinstance(times, str):
        return None
    places_dm, times_s = places.split(" "), times.split(" ")
    if len(places_dm) != 2 * len(times_s) or len(times_s) > MOST:
        return None
    if not all(map(_PLACE.fullmatch, places_dm)) or not all(map(_TIME.fullmatch, times_s)):
        return None
    place_dm, time_s = np.array(places_dm, np.float64).reshape(-1, 2), np.array(times_s, np.float64)
    if np.abs(place_dm).max() > _FURTHEST_DM or np.abs(time_s).max() > _LAST_S or np.any(np.diff(time_s) < 0.0):
        return None
    return Trail(place_m=place_dm / 10.0, time_s=time_s)
