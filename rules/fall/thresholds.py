"""What a fall is, in numbers: one table, by placement.

The figures are rounded values chosen on WEDA-FALL (wrist; Marques & Moreno, Sensors 2023, 23(3):1146) and SisFall (waist; Sucerquia et al.,
Sensors 2017, 17(1):198), acted by young people on mats. A real fall of an old person is softer and its lying less still, so stillness is
generous, and where sensitivity and specificity pull apart the figures lean to sensitivity. On those same recordings, streamed as devices
send, they find: wrist 92.0 % of the falls with 92.4 % of the other recordings quiet, waist 96.4 % with 99.5 %; unknown 89.2 % with 87.8 %
at the wrist, 95.1 % with 99.8 % at the waist. Elsewhere it is worse: on SmartFallMM's watches, which the choice did not follow, unknown
finds 30 % with 96.6 %.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from devices.model import Placement


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Five numbers about an impact and its surroundings; also a limit, or a certainty, for each.

    Attributes
    ----------
    impact_g : float
        Magnitude at the impact; a fall has at least the limit.
    lowest_g : float
        Lowest magnitude in the second before it (falling weighs less); at most the limit.
    impulse_gs : float
        What the magnitude exceeds 1 g by, summed from 0.5 s before to 1 s after: a body stops, not only a hand; at least the limit.
    unrest_g : float
        Standard deviation of the magnitude in the last 1.5 s of the window: lying still; at most the limit.
    angle_deg : float
        Between gravity before the fall and at the end of the window, in device axes; at least the limit.
    """

    impact_g: float
    lowest_g: float
    impulse_gs: float
    unrest_g: float
    angle_deg: float


THRESHOLDS: Mapping[Placement, Measures] = {
    # A wrist hits hard in daily life too (clapping, a table), hence 3 g; its low g is blurred by the arm's own movement.
    Placement.WRIST: Measures(impact_g=3.0, lowest_g=0.94, impulse_gs=0.30, unrest_g=0.25, angle_deg=30.0),
    # The trunk: soft impacts count because the angle is trustworthy there: standing or sitting to lying is 50 degrees or more.
    Placement.WAIST: Measures(impact_g=1.85, lowest_g=0.80, impulse_gs=0.17, unrest_g=0.22, angle_deg=50.0),
    # No recordings: the trunk's figures.
    Placement.CHEST: Measures(impact_g=1.85, lowest_g=0.80, impulse_gs=0.17, unrest_g=0.22, angle_deg=50.0),
    # No recordings: a thigh turns by 90 degrees on every chair, so the trunk's figures with a harder impact.
    Placement.POCKET: Measures(impact_g=2.2, lowest_g=0.80, impulse_gs=0.20, unrest_g=0.22, angle_deg=50.0),
    # Must serve the wrist and the trunk: between the two, judged on both data sets.
    Placement.UNKNOWN: Measures(impact_g=2.5, lowest_g=0.94, impulse_gs=0.20, unrest_g=0.25, angle_deg=35.0),
}
"""Limits that all five measures of a fall keep."""

CERTAIN = Measures(impact_g=6.0, lowest_g=0.3, impulse_gs=0.8, unrest_g=0.0, angle_deg=90.0)
"""Where a measure says all it can: about the harder half of the acted falls."""


def score(found: Measures, placement: Placement) -> float | None:
    """How far beyond its limits a fall is; None if any limit is not kept.

    Returns
    -------
    float or None
        0.5 with all five just kept, 1.0 with all five at their certainty or beyond; monotone in each. It is no probability.
    """
    limits = THRESHOLDS[placement]
    beyond: list[float] = [
        (getattr(found, name) - getattr(limits, name)) / (getattr(CERTAIN, name) - getattr(limits, name))
        for name in (field.name for field in fields(Measures))
    ]
    if min(beyond) < 0:
        return None
    return 0.5 + 0.5 * sum(min(share, 1.0) for share in beyond) / len(beyond)
