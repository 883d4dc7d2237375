"""Threshold rules, to compare with: what a fall detector without learning does with the same impacts."""

from collections.abc import Mapping

import numpy as np

from devices.model import Float64
from rules.fall.features import BEFORE, RATE_HZ, Channels

Limits = tuple[float, float, float, float, float]
"""Impact g at least, lowest g before it at most, impulse g s at least, unrest g at most, angle degrees at least."""

FIRST_EDITION: Mapping[str, Limits] = {
    "wrist": (3.0, 0.94, 0.30, 0.25, 30.0),
    "waist": (1.85, 0.80, 0.17, 0.22, 50.0),
    "unknown": (2.5, 0.94, 0.20, 0.25, 35.0),
}
"""Of the detector's first edition: low g, impact, lying still in another position (Noury et al., EMBC 2007)."""
CERTAIN: Limits = (6.0, 0.3, 0.8, 0.0, 90.0)


def measures(of: Channels) -> Float64:
    """(K, 5) of the order of `Limits`."""
    m, tilt = of.named["m"], of.named["tilt"]
    columns = (
        m[:, BEFORE],
        m[:, BEFORE - RATE_HZ : BEFORE].min(axis=1),
        np.maximum(m[:, BEFORE - 25 : BEFORE + 50] - 1, 0).sum(axis=1) / RATE_HZ,
        m[:, of.lie :].std(axis=1),
        np.median(tilt[:, of.lie :], axis=1),
    )
    return np.stack(columns, axis=1).astype(np.float64)


def margin(found: Float64, limits: Limits) -> Float64:
    """(K,) by how much the worst of the five keeps its limit, as a share of the way to certainty; negative: it does not."""
    low, high = np.array(limits), np.array(CERTAIN)
    return ((found - low) / (high - low)).min(axis=1)
