"""What the evidence of a fall says: how sure it is, what speaks for it and what against it, and the seconds around the impact."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from sys import float_info
from typing import Final

import numpy as np

from devices.model import Float64
from rules.kinds import EventKind
from rules.model import Event

Evidence = Mapping[str, float | int | str | bool]

SERIES: Final = frozenset({"magnitude_cg", "angle_deg_series", "from_s"})
"""Of the evidence what is there to be drawn, and is never shown as text."""

RATE_HZ: Final = 25
"""Of the series."""
SHORTEST, LONGEST = 10, 400
"""Values of a series that is drawn: 0.4 s to 16 s."""
MOST_CG: Final = 10_000
"""Largest value that is believed, 100 g in hundredths: no worn sensor measures so much."""
MOST_DEG: Final = 180
END_VALUES: Final = 5
"""Of the series, for the end of it: 0.2 s."""

SUREST_PERCENT: Final = 99
"""No window of samples is as sure as 100 %."""

LOW_G: Final = 0.7
"""A body that weighs less than this is going down."""
LOW_REACH_S, LOW_GAP_S = 1.2, 0.12
"""So long before the impact a fall may have begun; a low that is interrupted for less than the gap is one."""
STILL_G: Final = 0.12
"""How far the magnitude of somebody who lies still may be from its median: breath, tremor and the noise of cheap sensors."""
STILL_TAIL_S, STILL_LEAST_S = 0.8, 0.6


class Sureness(StrEnum):
    """How sure a fall is, in words."""

    VERY_LIKELY = "very_likely"
    LIKELY = "likely"
    EVEN = "even"
    UNLIKELY = "unlikely"


_BANDS: Final = ((90, Sureness.VERY_LIKELY), (66, Sureness.LIKELY), (33, Sureness.EVEN), (0, Sureness.UNLIKELY))
"""Words by percent, from that percent on.

Source: the likelihood scale of the IPCC (Mastrandrea et al., Guidance Note on Consistent Treatment of Uncertainties, 2010, table 1).
"""


class Reason(StrEnum):
    """What speaks for a fall, then what speaks against it."""

    HIT = "hit"
    DROPPED = "dropped"
    TURNED = "turned"
    STILL = "still"
    STILL_SINCE = "still_since"
    SOFT = "soft"
    NO_DROP = "no_drop"
    UPRIGHT = "upright"
    MOVING = "moving"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """One number of the evidence: from `for_` on it speaks for a fall, from `against` on against it; between them it says nothing.

    A scale on which less is more of a fall has `for_` below `against`.
    """

    name: str
    for_: float
    against: float
    speaks_for: Reason
    speaks_against: Reason


_SCALES: Final = (
    _Scale(name="impact_g", for_=2.5, against=2.0, speaks_for=Reason.HIT, speaks_against=Reason.SOFT),
    _Scale(name="lowest_g", for_=0.65, against=0.8, speaks_for=Reason.DROPPED, speaks_against=Reason.NO_DROP),
    _Scale(name="angle_deg", for_=45.0, against=35.0, speaks_for=Reason.TURNED, speaks_against=Reason.UPRIGHT),
    _Scale(name="unrest_g", for_=0.05, against=0.15, speaks_for=Reason.STILL, speaks_against=Reason.MOVING),
)
"""Between three quarters and all of the acted falls lie on the side that speaks for one, and at most one in ten on the other.

Counted at 50 Hz on the waist (SisFall; Sucerquia et al., Sensors 2017, 17(1):198) and on the wrist (WEDA-FALL; Marques & Moreno, Sensors
2023, 23(3):1146). They explain what was decided to people, and decide nothing.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One reason; `value` is in the unit that its words name."""

    reason: Reason
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The seconds around an impact, N values at `RATE_HZ`.

    Attributes
    ----------
    time_s : (N,) float64
        Since the impact.
    magnitude_g : (N,) float64
    angle_deg : (N,) float64 or None
        Between gravity's direction then and before the fall.
    impact_g : float
        The hardest moment. The series may have missed its very tip.
    turned_deg : float or None
        How far it lies turned in the end; None where nothing says so.
    low_s : (start, end) or None
        When the body went down.
    still_s : float or None
        Since when it has not moved, up to the end.
    """

    time_s: Float64
    magnitude_g: Float64
    angle_deg: Float64 | None
    impact_g: float
    turned_deg: float | None
    low_s: tuple[float, float] | None
    still_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Why something is thought to be a fall.

    Attributes
    ----------
    percent : int or None
        How sure it is; None of evidence from before scores were probabilities.
    sureness : Sureness or None
        The same in words.
    judged_s : float or None
        How much after the impact had been seen.
    trace : Trace or None
        None where the evidence holds no series that can be drawn.
    """

    percent: int | None
    sureness: Sureness | None
    judged_s: float | None
    speaks_for: tuple[Said, ...]
    speaks_against: tuple[Said, ...]
    trace: Trace | None


def account(event: Event) -> Account | None:
    """What there is to be said of an event's evidence.

    Returns
    -------
    Account or None
        None of what is no fall, and of a fall whose evidence says nothing that is known here. Numbers and series that make no sense are
        as if they were not there: this never raises.
    """
    if event.kind is not EventKind.FALL:
        return None
    trace = _trace(event.evidence)
    judged_s = number(event.evidence, "stage_s")
    speaks_for, speaks_against = _reasons(event.evidence, trace)
    percent = None if judged_s is None else round(100 * event.score)
    if percent is None and trace is None and not speaks_for and not speaks_against:
        return None
    return Account(
        percent=None if percent is None else min(percent, SUREST_PERCENT),
        sureness=None if percent is None else sureness(percent),
        judged_s=judged_s,
        speaks_for=speaks_for,
        speaks_against=speaks_against,
        trace=trace,
    )


def sureness(percent: int) -> Sureness:
    """The word for a probability of 0 to 100 %."""
    return next(word for least, word in _BANDS if percent >= least)


def number(evidence: Evidence, name: str) -> float | None:
    """A number of the evidence; None where there is none of that name."""
    value = evidence.get(name)
    if isinstance(value, bool | str | None) or not abs(value) <= float_info.max:
        return None
    return float(value)


def _reasons(evidence: Evidence, trace: Trace | None) -> tuple[tuple[Said, ...], tuple[Said, ...]]:
    """What speaks for and what speaks against, each in the order of a fall."""
    speaks_for, speaks_against = [], []
    for scale in _SCALES:
        value = number(evidence, scale.name)
        if value is None:
            continue
        sign = 1 if scale.for_ > scale.against else -1
        if sign * value >= sign * scale.for_:
            speaks_for.append(Said(reason=scale.speaks_for, value=value))
        elif sign * value <= sign * scale.against:
            speaks_against.append(Said(reason=scale.speaks_against, value=value))
    if trace is not None and trace.still_s is not None:
        since = Said(reason=Reason.STILL_SINCE, value=trace.still_s)
        speaks_for = [since if said.reason is Reason.STILL else said for said in speaks_for]
    return tuple(speaks_for), tuple(speaks_against)


def _trace(evidence: Evidence) -> Trace | None:
    """The series of a fall's evidence; None where they cannot be drawn."""
    magnitude_cg = _values(evidence.get("magnitude_cg"), MOST_CG)
    from_s = number(evidence, "from_s")
    if magnitude_cg is None or from_s is None:
        return None
    time_s = from_s + np.arange(len(magnitude_cg)) / RATE_HZ
    if not time_s[0] < 0 < time_s[-1]:
        return None
    angle_deg = _values(evidence.get("angle_deg_series"), MOST_DEG)
    if angle_deg is not None and len(angle_deg) != len(magnitude_cg):
        angle_deg = None
    magnitude_g = magnitude_cg / 100
    highest_g = float(magnitude_g[np.abs(time_s) <= 2 / RATE_HZ].max())
    said_g, turned_deg = number(evidence, "impact_g"), number(evidence, "angle_deg")
    if turned_deg is None and angle_deg is not None:
        turned_deg = float(np.median(angle_deg[-END_VALUES:]))
    return Trace(
        time_s=time_s,
        magnitude_g=magnitude_g,
        angle_deg=angle_deg,
        impact_g=said_g if said_g is not None and 0 < said_g <= MOST_CG / 100 else highest_g,
        turned_deg=turned_deg,
        low_s=_low_s(time_s, magnitude_g),
        still_s=_still_s(time_s, magnitude_g),
    )


def _values(text: object, most: int) -> Float64 | None:
    """`SHORTEST` to `LONGEST` whole numbers from 0 to `most`, or None."""
    words = text.split() if isinstance(text, str) else []
    if not SHORTEST <= len(words) <= LONGEST or not all(
        word.isascii() and word.isdecimal() and len(word) <= len(str(most)) for word in words
    ):
        return None
    values = np.array(words, np.float64)
    return values if values.max() <= most else None


def _low_s(time_s: Float64, magnitude_g: Float64) -> tuple[float, float] | None:
    """The last time before the impact at which the body weighed too little, with what is hardly apart from it."""
    low_s = time_s[(magnitude_g < LOW_G) & (time_s < 0) & (time_s >= -LOW_REACH_S)]
    if len(low_s) == 0:
        return None
    apart = np.flatnonzero(np.diff(low_s) > LOW_GAP_S + 1 / RATE_HZ)
    start_s = low_s[apart[-1] + 1] if len(apart) else low_s[0]
    half_s = 0.5 / RATE_HZ  # a value stands for the time around it
    return float(start_s) - half_s, float(low_s[-1]) + half_s


def _still_s(time_s: Float64, magnitude_g: Float64) -> float | None:
    """Since when nothing has moved, up to the end; None where it is not so, or too short to be said."""
    tail = time_s > max(0.0, time_s[-1] - STILL_TAIL_S)
    moves = (np.abs(magnitude_g - np.median(magnitude_g[tail])) > STILL_G) | (time_s <= 0)
    last = int(np.flatnonzero(moves)[-1])
    since_s = float(time_s[last]) + 1 / RATE_HZ
    return since_s if time_s[-1] - since_s >= STILL_LEAST_S else None
