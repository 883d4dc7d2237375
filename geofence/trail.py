"""The way that somebody went: kept while they go, told as text with an event, and read from that text again.

The numbers of an event's evidence are told with four significant digits, which would make hundreds of metres of a degree. So the way
is told as text, in whole decimetres east and north of the centre of the fence that it is about (`Frame.over` its vertices).
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geofence.frames import Frame

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

MOST: Final = 60
"""Positions of a way: a minute at one a second."""
LONGEST_MS: Final = 600_000
"""How much older than the newest position of a way the others may be."""
APART_MS: Final = 250
"""Of the positions within such a stretch of time the first one is kept, so that of a radar's way a quarter of a minute is."""

_NS_PER_MS, _MS_PER_S = 1_000_000, 1000
_PER_DEG, _PER_M = 1e7, 1e3
"""Whole numbers are kept, which being written and read does not change: centimetres of a degree, and millimetres."""
_SPAN = 1 << 36
"""More stretches of time than there were since the epoch."""
_NOTHING = np.zeros(0, np.int64), np.zeros((0, 2), np.int64)
_FURTHEST_DM, _LAST_S = 1_000_000, 1_000_000
_PLACE = re.compile(r"-?[0-9]{1,7}")
_TIME = re.compile(r"-?[0-9]{1,6}(\.[0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """N positions, oldest first.

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
    """A way as evidence: `track_dm` "east north east north …", whole decimetres, and `track_s`, seconds to the tenth; {} of no way."""
    if not len(trail.time_s):
        return {}
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


class Trails:
    """The newest positions of many devices, as columns. A way told of a fix does not depend on how the fixes before it came in.

    Parameters
    ----------
    concerned : (D,) bool
        Devices whose ways are kept; those of the others are never asked for.
    """

    def __init__(self, concerned: Bool) -> None:
        count = int(concerned.sum())
        self._slot = np.where(concerned, np.cumsum(concerned) - 1, -1)
        # Each a time and a place. Of who was never heard nothing is written, so that the system gives no memory for it.
        self._rows = np.zeros((count, MOST, 2), np.int64)
        self._count = np.zeros(count, np.int64)
        self._stretch = np.full(count, -1, np.int64)
        self._new: tuple[Int64, Int64] = _NOTHING
        self._texts: dict[int, tuple[int, str]] = {}

    def take(self, row: NDArray[np.integer], time_ns: Int64, lon_deg: Float64, lat_deg: Float64) -> None:
        """Take fixes (N,), in order of arrival; one that is older than another of its device is no part of its way."""
        self._keep()
        slot = self._slot[row]
        order = np.argsort(slot, kind="stable")
        order = order[slot[order] >= 0]
        slot, time_ms = slot[order], time_ns[order] // _NS_PER_MS
        stretch, last = time_ms // APART_MS, self._stretch[slot]
        # The greatest stretch so far of each device, as one running maximum: each device's numbers lie above those of the one before it.
        greatest = np.maximum.accumulate(slot * _SPAN + np.maximum(stretch, last))
        before = np.maximum(last, np.concatenate(([-1], greatest[:-1]))[: len(slot)] - slot * _SPAN)
        new = stretch > before
        self._new = slot[new], _packed(time_ms[new], lon_deg[order][new], lat_deg[order][new])

    def way(self, row: int, frame: Frame, t_ns: int, until_ns: int) -> Trail:
        """The way of a device up to a time, seen from a fence's frame, for an event at `t_ns`; of no positions if none was kept."""
        slot = int(self._slot[row])
        first, last = np.searchsorted(self._new[0], [slot, slot + 1])
        rows = np.concatenate((self._kept(slot), self._new[1][first:last]))
        time_ms, lon_deg, lat_deg = _unpacked(rows[rows[:, 0] <= until_ns // _NS_PER_MS])
        return _told(time_ms, frame.metres(lon_deg, lat_deg), t_ns)

    def snapshot(self, row: int) -> str:
        """The way of one device: its rows as little-endian bytes, in base64, at most 1,280 letters; "" of none.

        Who was not heard since the last time costs nothing to speak of.
        """
        self._keep()
        slot = int(self._slot[row])
        if slot < 0 or not (count := int(self._count[slot])):
            return ""
        known = self._texts.get(slot)
        if known is None or known[0] != count:
            rows = self._kept(slot)
            text = b64encode(rows[rows[:, 0] >= rows[-1, 0] - LONGEST_MS].astype("<i8").tobytes()).decode()
            known = self._texts[slot] = count, text
        return known[1]

    def restore(self, row: int, text: str) -> None:
        """Take over the way of one device from such a text."""
        self._keep()
        slot = int(self._slot[row])
        if slot < 0 or not text:
            return
        rows = np.frombuffer(b64decode(text), "<i8").reshape(-1, 2)
        self._texts.pop(slot, None)
        self._rows[slot, : len(rows)] = rows
        self._count[slot], self._stretch[slot] = len(rows), rows[-1, 0] // APART_MS

    def _keep(self) -> None:
        """Put away what was taken last."""
        slot, rows = self._new
        self._new = _NOTHING
        if not len(slot):
            return
        starts = np.flatnonzero(np.concatenate(([True], slot[1:] != slot[:-1])))
        lengths = np.diff(np.append(starts, len(slot)))
        nth = np.arange(len(slot)) - np.repeat(starts, lengths)
        newest = nth >= np.repeat(lengths, lengths) - MOST
        self._rows[slot[newest], (self._count[slot] + nth)[newest] % MOST] = rows[newest]
        ends = starts + lengths - 1
        self._count[slot[ends]] += lengths
        self._stretch[slot[ends]] = rows[ends, 0] // APART_MS

    def _kept(self, slot: int) -> Int64:
        """Rows that were put away, oldest first."""
        count = int(self._count[slot])
        rows: Int64 = self._rows[slot, np.arange(max(0, count - MOST), count) % MOST]
        return rows


@dataclass(slots=True, kw_only=True)
class Steps:
    """The newest positions of one target of a radar.

    Attributes
    ----------
    rows : list of [time_ms, x_mm, y_mm]
        In the radar's frame, oldest first.
    """

    rows: list[list[int]] = field(default_factory=list)

    def take(self, time_ns: int, place_m: Sequence[float]) -> None:
        """Take a position that is newer than the others."""
        time_ms = time_ns // _NS_PER_MS
        if not self.rows or time_ms // APART_MS > self.rows[-1][0] // APART_MS:
            self.rows.append([time_ms, *(round(value * _PER_M) for value in place_m)])
            del self.rows[:-MOST]

    def places_m(self) -> list[tuple[float, float]]:
        """Where it was, in the radar's frame."""
        return [(x_mm / _PER_M, y_mm / _PER_M) for _, x_mm, y_mm in self.rows]

    def way(self, place_m: Float64, t_ns: int) -> Trail:
        """The way, of the same places as seen from a fence."""
        return _told(np.array([row[0] for row in self.rows], np.int64), place_m, t_ns)


def _packed(time_ms: Int64, lon_deg: Float64, lat_deg: Float64) -> Int64:
    """Rows (N, 2) of a time and a place, whose longitude and latitude share one number."""
    lon, lat = (np.rint(degrees * _PER_DEG).astype(np.int64) for degrees in (lon_deg, lat_deg))
    return np.stack((time_ms, (lon << 32) + lat), axis=1)


def _unpacked(rows: Int64) -> tuple[Int64, Float64, Float64]:
    """Times, longitudes and latitudes (N,) of such rows."""
    lat = ((rows[:, 1] + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)
    return rows[:, 0], ((rows[:, 1] - lat) >> 32) / _PER_DEG, lat / _PER_DEG


def _told(time_ms: Int64, place_m: Float64, t_ns: int) -> Trail:
    newest = time_ms >= time_ms[-1] - LONGEST_MS if len(time_ms) else np.zeros(0, np.bool_)
    newest[:-MOST] = False
    return Trail(place_m=place_m[newest], time_s=(time_ms[newest] - t_ns / _NS_PER_MS) / _MS_PER_S)
