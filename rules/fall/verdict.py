"""From the window around an impact to a verdict, with what speaks for it.

What judges is learnt (`rules.fall.model`); it is asked twice: `STAGES_S[0]` after the impact, for a word about the certain ones, and when
the whole window is there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from devices.model import Bool, Float32, Placement
from rules.fall.features import BEFORE, RATE_HZ, Channels, channels, outlines
from rules.fall.model import stages
from rules.fall.resampling import held, resampled

BEFORE_S = 2.6
"""Reach of a window before its impact: 2.5 s and what the filter needs."""

STAGES_S = (1.5, 3.0)
"""Reach after it, by stage: with packets of a second the last word falls within 4 s of the impact."""

TRIGGER_G: Mapping[Placement, float] = dict.fromkeys(Placement, 1.5)
"""An impact has at least this. All 1375 acted falls at the wrist (WEDA-FALL) and the waist (SisFall) do, four with less than 2 g."""

WORTH_A_LOOK = (-1.0, -4.5)
"""Logits of the outline, by stage, below which a window is looked at no closer. On people left out of the training the second spares
35 % of the wrist's other impacts and 88 % of the waist's, the first 90 % and 99 %; neither loses a fall that the whole would have found,
nor does either where the whole data set is left out."""

KNOWN_S, OF_S = 0.4, 1.5
"""So much of the end of the window must have been received: no more is left where a 1-second packet is lost."""

LEAST_S = 1.5
"""So much of the whole window must have been received: one packet of a second that comes alone, minutes from the next, shows a jolt and not
what it was part of. Where the packet before an impact and the one after it are both lost, two seconds are left."""

PICTURE_HZ = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A fall.

    Attributes
    ----------
    score : float
        How probable, 0 to 1, at the recordings' mix of falls and others (docs/explanation/falls.md says what that means at home).
    hardest : int, optional
        By how many samples the hardest hit comes after the one that was judged: a first knee, then the body. 0 or more.
    evidence : mapping
        Measures of the impact, and the window's course for a picture of it.
    """

    score: float
    evidence: Mapping[str, float | int | str | bool]
    hardest: int = 0


def judge(accel_g: Float32, known: Bool, rate_hz: float, placements: Sequence[Placement], stage: int) -> list[Verdict | None]:
    """Whether the impacts in the middle of windows are falls; None where it is not, not yet, or where too little is known to say so.

    Parameters
    ----------
    accel_g : (K, 3, W) float32
        In g, gravity included, device axes, from `BEFORE_S` before the impact to `STAGES_S[stage]` after it; anything where not known.
    known : (K, W) bool
        Which samples were received.
    rate_hz : float
        Of all these windows.
    placements : sequence of K
        Where each device is worn.
    stage : int
        Index of `STAGES_S`.
    """
    verdicts: list[Verdict | None] = [None] * len(accel_g)
    ends = known[:, -round(OF_S * rate_hz) :].sum(axis=1) >= KNOWN_S * rate_hz
    enough = np.flatnonzero(ends & (known.sum(axis=1) >= LEAST_S * rate_hz))
    if not len(enough):
        return verdicts
    model = stages()[stage]
    received_g = held(accel_g[enough], known[enough])
    outline = outlines(received_g, rate_hz, BEFORE_S, STAGES_S[stage])
    worth = np.flatnonzero(model.gate.logits(outline) >= WORTH_A_LOOK[stage])
    if not worth.size:
        return verdicts
    enough = enough[worth]
    of = channels(resampled(np.ascontiguousarray(received_g[worth]), rate_hz, BEFORE_S, STAGES_S[stage]))
    probability = model.probability(model.logits(of), [placements[row] for row in enough.tolist()])
    threshold = np.array([model.threshold[placements[row]] for row in enough.tolist()])
    fell = np.flatnonzero(probability >= threshold)
    if not fell.size:
        return verdicts
    rows, of = enough[fell], of[fell]
    after_g = accel_g[rows, :, round(BEFORE_S * rate_hz) :]
    square = np.where(known[rows, None, round(BEFORE_S * rate_hz) :], np.square(after_g), 0.0).sum(axis=1)
    hardest = np.argmax(square, axis=1)
    impact_g = np.sqrt(square[np.arange(len(rows)), hardest])
    measures, courses = _measures(of), _courses(of)
    # Rounded, as how many windows are judged at once moves the last digits of a matrix product.
    score = np.round(probability[fell], 6)
    for index, row in enumerate(rows.tolist()):
        evidence: dict[str, float | int | str | bool] = {
            "impact_g": float(impact_g[index]),
            "stage_s": STAGES_S[stage],
            **{name: float(values[index]) for name, values in measures.items()},
            "from_s": -BEFORE / RATE_HZ - int(hardest[index]) / rate_hz,
            **{name: values[index] for name, values in courses.items()},
        }
        verdicts[row] = Verdict(score=float(score[index]), hardest=int(hardest[index]), evidence=evidence)
    return verdicts


def _measures(of: Channels) -> Mapping[str, Float32]:
    """Lowest magnitude in the second before the impact; deviation of it at the end; how far gravity turned; ∫(|a| - 1) around it."""
    m = of.named["m"]
    return {
        "lowest_g": m[:, BEFORE - RATE_HZ : BEFORE].min(axis=1),
        "impulse_gs": np.maximum(m[:, BEFORE - 25 : BEFORE + 50] - 1, 0).sum(axis=1) / RATE_HZ,
        "unrest_g": m[:, of.lie :].std(axis=1),
        "angle_deg": np.median(of.named["tilt"][:, of.lie :], axis=1),
    }


def _courses(of: Channels) -> Mapping[str, Sequence[str]]:
    """Magnitude and tilt over the windows, small enough to go with the events."""
    step = RATE_HZ // PICTURE_HZ
    magnitude_cg, tilt_deg = np.rint(100.0 * of.named["m"][:, ::step].astype(np.float64)), np.rint(of.named["tilt"][:, ::step])
    return {
        name: [" ".join(map(str, row)) for row in course.astype(np.int64).tolist()]
        for name, course in (("magnitude_cg", magnitude_cg), ("angle_deg_series", tilt_deg))
    }
