"""How good detections are on labelled recordings: who was found, who was disturbed, how soon, and how sure one can be."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import gammaincinv

from devices.model import Bool, Float64
from rules.fall.recordings import Detection, Recordings

BEFORE_FALL_S = 0.5
AFTER_FALL_S = 1.0
"""A detection counts for a fall from so long before its start to so long after its end."""

_CONFIDENCE = 0.95
_Z = 1.959963984540054  # normal quantile of 0.975

_S_PER_H = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """`count` of `of`, with Wilson's 95 % interval (Wilson, JASA 1927, 22:209); of none it is from 0 to 1."""

    count: int
    of: int

    @property
    def value(self) -> float:
        """0 to 1; NaN of none."""
        return self.count / self.of if self.of else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Lowest and highest share that the count is compatible with."""
        if not self.of:
            return 0.0, 1.0
        middle = (self.value + _Z**2 / (2 * self.of)) / (1 + _Z**2 / self.of)
        half = _Z / (1 + _Z**2 / self.of) * sqrt(self.value * (1 - self.value) / self.of + _Z**2 / (4 * self.of**2))
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True, kw_only=True)
class PerHour:
    """`count` in `hours`, with the exact Poisson 95 % interval (Garwood, Biometrika 1936, 28:437)."""

    count: int
    hours: float

    @property
    def value(self) -> float:
        """Per hour; NaN in no time."""
        return self.count / self.hours if self.hours else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Lowest and highest rate that the count is compatible with, per hour."""
        if not self.hours:
            return 0.0, float("inf")
        tail = (1 - _CONFIDENCE) / 2
        low = float(gammaincinv(self.count, tail)) if self.count else 0.0
        return low / self.hours, float(gammaincinv(self.count + 1, 1 - tail)) / self.hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """Recordings of one activity: of a fall how many were found, else how many stayed quiet."""

    name: str
    is_fall: bool
    right: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Some of the recordings.

    Attributes
    ----------
    sensitivity : Share
        Falls that were found.
    specificity : Share
        Recordings of other activity without any detection.
    false_alarms : PerHour
        Detections in the recordings of other activity.
    """

    name: str
    sensitivity: Share
    specificity: Share
    false_alarms: PerHour


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Detections against labels.

    Attributes
    ----------
    everyone, elderly, others : Group
        All recordings; those of old people and the others where the file tells them apart.
    activities : tuple of Activity
        By name.
    false_in_falls : int
        Detections in recordings of falls that lie outside the fall.
    delay_s : (median, 95th percentile) or None
        From the impact to the end of the packet in which it was known, over the falls that were found.
    """

    everyone: Group
    elderly: Group | None
    others: Group | None
    activities: tuple[Activity, ...]
    false_in_falls: int
    delay_s: tuple[float, float] | None


def evaluate(recordings: Recordings, detections: Sequence[Detection]) -> Evaluation:
    """Compare detections with labels.

    Parameters
    ----------
    recordings
        With `act`. Without `fall_start` and `fall_end`, or where they are NaN, a detection anywhere in a recording of a fall finds it.
    detections
        Of these recordings.

    Raises
    ------
    ValueError
        The recordings have no activities.
    """
    if recordings.act is None:
        raise ValueError("recordings have no act, and without activities nothing can be right or wrong")
    is_fall: Bool = np.char.startswith(recordings.act, "F")
    which = np.array([one.recording for one in detections], np.int64)
    at_s = np.array([one.at_s for one in detections], np.float64)
    delay_s = np.array([one.decided_s for one in detections], np.float64) - at_s
    start_s, end_s = _limits(recordings)
    finds = is_fall[which] & (at_s >= start_s[which] - BEFORE_FALL_S) & (at_s <= end_s[which] + AFTER_FALL_S)
    found, alarms = np.bincount(which[finds], minlength=len(recordings)), np.bincount(which[~finds], minlength=len(recordings))
    right = np.where(is_fall, found > 0, alarms == 0)

    def group(name: str, chosen: Bool) -> Group:
        falls, rest = chosen & is_fall, chosen & ~is_fall
        return Group(
            name=name,
            sensitivity=_share(right[falls]),
            specificity=_share(right[rest]),
            false_alarms=PerHour(count=int(alarms[rest].sum()), hours=float(recordings.length_s[rest].sum()) / _S_PER_H),
        )

    old = recordings.elderly
    _, firsts = np.unique(which[finds], return_index=True)
    soon = delay_s[finds][firsts]
    return Evaluation(
        everyone=group("everyone", np.ones(len(recordings), np.bool_)),
        elderly=group("elderly", old) if old is not None and old.any() else None,
        others=group("others", ~old) if old is not None and old.any() else None,
        activities=tuple(
            Activity(name=str(name), is_fall=str(name).startswith("F"), right=_share(right[recordings.act == name]))
            for name in np.unique(recordings.act)
        ),
        false_in_falls=int(alarms[is_fall].sum()),
        delay_s=(float(np.median(soon)), float(np.percentile(soon, 95))) if len(soon) else None,
    )


def _share(right: Bool) -> Share:
    return Share(count=int(right.sum()), of=len(right))


def _limits(recordings: Recordings) -> tuple[Float64, Float64]:
    """(T,) start and end of each fall in seconds; anywhere where they are not known."""
    unknown = np.full(len(recordings), np.nan)
    start_s = np.asarray(unknown if recordings.fall_start is None else recordings.fall_start, np.float64)
    end_s = np.asarray(unknown if recordings.fall_end is None else recordings.fall_end, np.float64)
    return np.where(np.isnan(start_s), -np.inf, start_s), np.where(np.isnan(end_s), np.inf, end_s)
