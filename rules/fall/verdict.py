"""From the window around an impact to a verdict, with what speaks for it.

What judges is learnt (`rules.fall.model`); it is asked twice: `STAGES_S[0]` after the impact, for a word about the certain ones, and when
the whole window is there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from devices.model import Bool, Float32, Placement
from rules.fall.features import BEFORE, RATE_HZ, Channels, channels
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
33 % of the wrist's other impacts and 88 % of the waist's, and loses no fall that the whole would have found; the first is strict."""

KNOWN_S, OF_S = 0.4, 1.5
"""So much of the end of the window must have been received: no more is left where a 1-second packet is lost."""

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
    enough = np.flatnonzero(known[:, -round(OF_S * rate_hz) :].sum(axis=1) >= KNOWN_S * rate_hz)
    if not len(enough):
        return verdicts
    model = stages()[stage]
    windows_g = resampled(held(accel_g[enough], known[enough]), rate_hz, BEFORE_S, STAGES_S[stage])
    worth = model.passes(windows_g, WORTH_A_LOOK[stage])
    enough, windows_g = enough[worth], windows_g[worth]
    if not len(enough):
        return verdicts
    of = channels(windows_g)
    probability = model.probability(model.logits(of), [placements[row] for row in enough.tolist()])
    threshold = np.array([model.threshold[placements[row]] for row in enough.tolist()])
    for index in np.flatnonzero(probability >= threshold).tolist():
        row = int(enough[index])
        magnitude_g = np.where(known[row], np.sqrt(np.square(accel_g[row]).sum(axis=0)), 0.0)[round(BEFORE_S * rate_hz) :]
        hardest = int(np.argmax(magnitude_g))
        evidence = {
            "impact_g": float(magnitude_g[hardest]),
            "stage_s": STAGES_S[stage],
            **_measures(of, index),
            **_course(of, index, hardest / rate_hz),
        }
        # Rounded, as how many windows are judged at once moves the last digits of a matrix product.
        verdicts[row] = Verdict(score=round(float(probability[index]), 6), hardest=hardest, evidence=evidence)
    return verdicts


def _measures(of: Channels, row: int) -> dict[str, float]:
    """Lowest magnitude in the second before the impact; deviation of it at the end; how far gravity turned; ∫(|a| - 1) around it."""
    m = of.named["m"][row]
    return {
        "lowest_g": float(m[BEFORE - RATE_HZ : BEFORE].min()),
        "impulse_gs": float(np.maximum(m[BEFORE - 25 : BEFORE + 50] - 1, 0).sum() / RATE_HZ),
        "unrest_g": float(m[of.lie :].std()),
        "angle_deg": float(np.median(of.named["tilt"][row, of.lie :])),
    }


def _course(of: Channels, row: int, hardest_s: float) -> dict[str, float | str]:
    """Magnitude and tilt over the window, small enough to go with the event."""
    step = RATE_HZ // PICTURE_HZ
    magnitude, tilt = of.named["m"][row, ::step], of.named["tilt"][row, ::step]
    return {
        "from_s": -BEFORE / RATE_HZ - hardest_s,
        "magnitude_cg": " ".join(str(round(100 * value)) for value in magnitude.tolist()),
        "angle_deg_series": " ".join(str(round(value)) for value in tilt.tolist()),
    }
