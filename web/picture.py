"""Where things stand in the picture of a fall: the force and the turning around its impact.

Across, everything is in percent of the picture's width, so that it fits a phone and a wall; down, in the height of its letters, so that
they stay as large as the reader's other text. `web/pages/fall.svg.j2` draws it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor
from typing import Final

import numpy as np

from devices.model import Float64
from web.evidence import Account, Reason, Said, Trace
from web.words import Mark, Words

LEFT_PERCENT: Final = 10
"""Where the curves begin; left of it stand the numbers of their axes."""
FORCE_TOP_EM, FORCE_EM = 1.7, 8.0
TURN_TOP_EM, TURN_EM = 12.0, 3.0
TICKS_EM: Final = 1.5
"""Height of the row of seconds."""
UNITS: Final = 1000
"""Width and height of a curve's own coordinates."""
_FORCE_LEAST_G: Final = 3.0
_ROOM: Final = 1.04
"""So much higher than the curve is its plot."""
_TURN_LEAST_DEG: Final = 100.0
_EDGE_PERCENT: Final = 25
"""Nearer to an edge a label does not stand in the middle of what it names."""
_ROUND_S: Final = 1e-6
"""Times are multiples of the rate but for rounding."""
_LIES_DEG: Final = 45.0
"""Who is still after such a turn lies, as far as one can see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Some text; `anchor` is SVG's."""

    x: str
    text: str
    anchor: str = "middle"
    y: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A stretch of time with a name."""

    x: str
    width: str
    label: Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """One picture. Lengths are SVG's, with their units.

    Attributes
    ----------
    title, says : str
        What it is, and what it shows, for those who do not see it.
    force, turn : str
        Curves, as paths of 0 to `UNITS` both ways; "" where there is none.
    rest : Label
        The line of somebody who is at rest: at its `y`.
    dot : str
        Height of the impact; its time is the label's `x`.
    turned : str
        How far it has turned in the end.
    bottom : str
        Where the curves end.
    """

    title: str
    says: str
    height: str
    bottom: str
    force_name: str
    force: str
    rest: Label
    impact: Label
    impact_at: str
    dot: str
    low: Band | None
    still: Band | None
    turn_name: str
    turn: str
    turned: str
    right_angle: Label
    ticks: tuple[Label, ...]


def plot(of: Account, words: Words) -> Plot | None:
    """The picture of what is known of a fall; None where its evidence holds none."""
    trace = of.trace
    if trace is None:
        return None
    marks = words.marks
    top_g = _ROOM * max(_FORCE_LEAST_G, trace.impact_g, float(trace.magnitude_g.max()))
    turn_deg = trace.angle_deg
    top_deg = max(_TURN_LEAST_DEG, _ROOM * float(turn_deg.max())) if turn_deg is not None else _TURN_LEAST_DEG
    end_em = TURN_TOP_EM + TURN_EM if turn_deg is not None else FORCE_TOP_EM + FORCE_EM
    lies = trace.turned_deg is not None and trace.turned_deg >= _LIES_DEG
    return Plot(
        title=marks[Mark.TITLE],
        says=" · ".join(reasons((*of.speaks_for, *of.speaks_against), words)),
        height=_em(end_em + TICKS_EM),
        bottom=_em(end_em),
        force_name=marks[Mark.FORCE],
        force=_path(trace, trace.magnitude_g, top_g),
        rest=Label(x="", y=_down(1.0, top_g, FORCE_TOP_EM, FORCE_EM), text="1 g"),
        impact=_over(trace, 0.0, marks[Mark.IMPACT].format(value=f"{trace.impact_g:.1f}")),
        impact_at=_percent(_across(trace, 0.0)),
        dot=_down(trace.impact_g, top_g, FORCE_TOP_EM, FORCE_EM),
        low=_band(trace, *trace.low_s, marks[Mark.FALLING], anchor="end") if trace.low_s else None,
        still=_band(trace, trace.still_s, float(trace.time_s[-1]), marks[Mark.LYING if lies else Mark.STILL]) if trace.still_s else None,
        turn_name=marks[Mark.TURN],
        turn=_path(trace, turn_deg, top_deg) if turn_deg is not None else "",
        turned=f"{trace.turned_deg:.0f}°" if trace.turned_deg is not None else "",
        right_angle=Label(x="", y=_down(90.0, top_deg, TURN_TOP_EM, TURN_EM), text="90°"),
        ticks=tuple(_ticks(trace, words)),
    )


def reasons(said: tuple[Said, ...], words: Words) -> Iterator[str]:
    """Reasons as sentences."""
    for one in said:
        digits = 0 if one.reason in {Reason.TURNED, Reason.UPRIGHT} else 1
        yield words.reasons[one.reason].format(value=f"{one.value:.{digits}f}")


def _path(trace: Trace, values: Float64, top: float) -> str:
    """A curve, left to right, upwards from 0 to `top`."""
    across = np.rint((trace.time_s - trace.time_s[0]) / (trace.time_s[-1] - trace.time_s[0]) * UNITS).astype(int)
    down = np.rint((1 - values / top) * UNITS).astype(int)
    return "M" + " ".join(f"{x} {y}" for x, y in zip(across.tolist(), down.tolist(), strict=True))


def _ticks(trace: Trace, words: Words) -> Iterator[Label]:
    """Whole seconds; the last one with its unit."""
    first, last = ceil(trace.time_s[0] - _ROUND_S), floor(trace.time_s[-1] + _ROUND_S)
    step = 1 if trace.time_s[-1] - trace.time_s[0] <= 8 else 4  # noqa: PLR2004  seconds for which there is room on a phone
    for second in range(first, last + 1):
        if second % step == 0:
            text = f"{second}".replace("-", "−")
            is_last = second + step > last
            across = _across(trace, float(second))
            edge = "end" if across > 100 - LEFT_PERCENT / 2 else "middle"
            yield Label(x=_percent(across), text=words.marks[Mark.SECONDS].format(n=text) if is_last else text, anchor=edge)


def _band(trace: Trace, start_s: float, end_s: float, name: str, anchor: str = "middle") -> Band:
    start, end = _across(trace, max(start_s, float(trace.time_s[0]))), _across(trace, end_s)
    middle = end if anchor == "end" else (start + end) / 2
    return Band(x=_percent(start), width=_percent(end - start), label=Label(x=_percent(middle), text=name, anchor=anchor))


def _over(trace: Trace, time_s: float, text: str) -> Label:
    """A label at a time, kept inside of the picture."""
    across = _across(trace, time_s)
    anchor = "start" if across < _EDGE_PERCENT else "end" if across > 100 - _EDGE_PERCENT else "middle"
    return Label(x=_percent(across), text=text, anchor=anchor)


def _across(trace: Trace, time_s: float) -> float:
    """Percent of the picture's width at which a time stands."""
    share = (time_s - float(trace.time_s[0])) / float(trace.time_s[-1] - trace.time_s[0])
    return LEFT_PERCENT + (100 - LEFT_PERCENT) * share


def _down(value: float, top: float, top_em: float, height_em: float) -> str:
    return _em(top_em + height_em * (1 - value / top))


def _percent(value: float) -> str:
    return f"{value:.2f}%"


def _em(value: float) -> str:
    return f"{value:.2f}em"
