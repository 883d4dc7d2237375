"""What the evidence of a fence's event says: how far from the edge, how sure, what speaks for it and what against, and the way there."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from geofence import trail
from geofence.trail import Trail
from rules.kinds import EventKind
from rules.model import Event
from web.evidence import SUREST_PERCENT, Evidence, number
from web.ground import Ground

OF_AREAS: Final = frozenset({EventKind.ENTER, EventKind.EXIT, EventKind.ABSENT, EventKind.DWELL})
OF_LINES: Final = frozenset({EventKind.APPROACH, EventKind.CROSS})
AT_FENCES: Final = OF_AREAS | OF_LINES

TRACK: Final = frozenset({"track_dm", "track_s"})
"""Of the evidence what is there to be drawn, and is never shown as text."""

_BEEN: Final = {EventKind.DWELL: "stayed_s", EventKind.ABSENT: "outside_s"}
_FEW, _MANY = 2, 5
"""Positions. Two are the fewest that decide, and at one a second five outlast most jumps of a receiver."""
_DEVIATIONS: Final = 1.5
"""Standard deviations along one axis in a reported accuracy, the radius that holds 68 % (Android, `Location.getAccuracy`)."""
_GAP_S: Final = 60.0
"""Who walks is a street further after this time."""
_NEARER_M, _BARELY_M = 1.0, 0.7
_COMING_MPS, _HARDLY_MPS = 0.3, 0.15
"""Who walks up to a window is nearer by more than this, and faster; a curtain that swings is not."""
_LONG_S, _GLIMPSE_S = 2.0, 1.0
"""A radar's ghosts last three frames, at ten a second or fewer."""

_MOST: Final = 1e6
"""Nobody is further away, or was seen more often."""


class Sign(StrEnum):
    """What speaks for what is said of somebody and a fence, then what speaks against it."""

    FAR = "far"
    MANY = "many"
    SEEN_OVER = "seen_over"
    NEARER = "nearer"
    COMING = "coming"
    LONG = "long"
    OTHERS = "others"
    CLOSE = "close"
    FEW = "few"
    UNSEEN_OVER = "unseen_over"
    GAP = "gap"
    BARELY = "barely"
    HARDLY = "hardly"
    GLIMPSE = "glimpse"


FOR: Final = frozenset({Sign.FAR, Sign.MANY, Sign.SEEN_OVER, Sign.NEARER, Sign.COMING, Sign.LONG, Sign.OTHERS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One sign, with what its words name."""

    sign: Sign
    value: float = 0.0
    more: float = 0.0
    names: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Why somebody is said to have come near a fence, or over it.

    Attributes
    ----------
    percent : int or None
        How sure it is; None where the score is no probability.
    distance_m : float or None
        From the edge, or the line.
    accuracy_m : float or None
        How much a position may err.
    count : int or None
        How many positions, or frames, decided it.
    lasted_s : float or None
        How long after the event it was decided.
    been_s : float or None
        How long somebody has been where they are.
    trail : Trail or None
        The way there; None where the evidence tells none that can be drawn.
    decided : int
        Index of the position of the trail that decided it.
    """

    kind: EventKind
    fence_id: str
    percent: int | None
    distance_m: float | None
    accuracy_m: float | None
    count: int | None
    lasted_s: float | None
    been_s: float | None
    speaks_for: tuple[Seen, ...]
    speaks_against: tuple[Seen, ...]
    trail: Trail | None
    decided: int


def passage(event: Event, ground: Ground | None) -> Passage | None:
    """What there is to be said of an event's evidence.

    Parameters
    ----------
    ground
        The event's fence as it was then, where it is known.

    Returns
    -------
    Passage or None
        None of what is about no fence, and where nothing is said of it. Numbers and trails that make no sense are as if they were not
        there: this never raises.
    """
    evidence, is_area = event.evidence, event.kind in OF_AREAS
    if event.kind not in AT_FENCES or not fence_id(event):
        return None
    way, distance_m, lasted_s = trail.read(evidence), _least(evidence, "distance_m"), _least(evidence, "decided_s")
    count = _least(evidence, "fixes" if is_area else "frames")
    if distance_m is None and way is None:
        return None
    probability = _least(evidence, "probability")
    if probability is None and is_area:
        probability = event.score
    if lasted_s is None and way is not None and way.time_s[-1] >= 0.0:
        lasted_s = float(way.time_s[-1])
    signs = [*(_of_area(evidence, way, ground, event.kind) if is_area else _of_line(evidence, way))]
    return Passage(
        kind=event.kind,
        fence_id=fence_id(event),
        percent=None if probability is None else min(round(100 * probability), SUREST_PERCENT),
        distance_m=distance_m,
        accuracy_m=_least(evidence, "accuracy_m"),
        count=None if count is None else round(count),
        lasted_s=lasted_s,
        been_s=_least(evidence, _BEEN[event.kind]) if event.kind in _BEEN else None,
        speaks_for=tuple(one for one in signs if one.sign in FOR),
        speaks_against=tuple(one for one in signs if one.sign not in FOR),
        trail=way,
        decided=0 if way is None else int(np.abs(way.time_s - (lasted_s or 0.0)).argmin()),
    )


def fence_id(event: Event) -> str:
    """Which fence an event is about; "" of what is about none."""
    return _text(event.evidence, "fence") or event.cause


def _of_area(evidence: Evidence, way: Trail | None, ground: Ground | None, kind: EventKind) -> Iterator[Seen]:
    distance_m, accuracy_m, sigma_m, fixes = (_least(evidence, name) for name in ("distance_m", "accuracy_m", "sigma_m", "fixes"))
    # Where several positions were made one of, that errs less than each.
    error_m = _DEVIATIONS * sigma_m if sigma_m else accuracy_m
    if distance_m is not None and error_m:
        if distance_m >= error_m:
            yield Seen(sign=Sign.FAR, value=distance_m, more=error_m)
        elif distance_m < error_m / _DEVIATIONS:
            yield Seen(sign=Sign.CLOSE, value=distance_m, more=error_m)
    if fixes is not None and fixes >= _MANY:
        yield Seen(sign=Sign.MANY, value=fixes)
    elif fixes is not None and fixes <= _FEW:
        yield Seen(sign=Sign.FEW, value=fixes)
    if way is None:
        return
    if ground is not None and kind in {EventKind.ENTER, EventKind.EXIT}:
        was_inside = ground.holds(way.place_m)[way.time_s < 0.0]
        is_over = bool(np.any(was_inside if kind is EventKind.EXIT else ~was_inside))
        yield Seen(sign=Sign.SEEN_OVER if is_over else Sign.UNSEEN_OVER)
    gap_s = float(np.diff(way.time_s).max(initial=0.0))
    if gap_s > _GAP_S:
        yield Seen(sign=Sign.GAP, value=gap_s)


def _of_line(evidence: Evidence, way: Trail | None) -> Iterator[Seen]:
    travelled_m, closing_mps = number(evidence, "travelled_m"), number(evidence, "closing_mps")
    if travelled_m is not None and not _BARELY_M < travelled_m < _NEARER_M:
        yield Seen(sign=Sign.NEARER if travelled_m >= _NEARER_M else Sign.BARELY, value=max(0.0, travelled_m))
    if closing_mps is not None and not _HARDLY_MPS < closing_mps < _COMING_MPS:
        yield Seen(sign=Sign.COMING if closing_mps >= _COMING_MPS else Sign.HARDLY, value=max(0.0, closing_mps))
    if way is not None:
        seen_s = float(way.time_s[-1] - way.time_s[0])
        if not _GLIMPSE_S < seen_s < _LONG_S:
            yield Seen(sign=Sign.LONG if seen_s >= _LONG_S else Sign.GLIMPSE, value=seen_s)
    if others := _text(evidence, "corroborated_by"):
        yield Seen(sign=Sign.OTHERS, names=others)


def _least(evidence: Evidence, name: str) -> float | None:
    """A number of the evidence that can be believed; None where there is none of that name."""
    value = number(evidence, name)
    return value if value is not None and 0.0 <= value <= _MOST else None


def _text(evidence: Evidence, name: str) -> str:
    """A text of the evidence; "" where there is none of that name, or one that cannot be shown."""
    value = evidence.get(name)
    return value if isinstance(value, str) and value.isprintable() else ""
