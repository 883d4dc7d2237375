"""Evidence of a fall as the rule gives it, made of a signal that is drawn here: standing, going down, a hit, lying with one more twitch."""

import numpy as np

RATE_HZ = 25
IMPACT_G, LOWEST_G, TURNED_DEG = 4.21, 0.28, 81.0


def evidence(*, until_s: float = 3.0, lies: bool = True) -> dict[str, float | int | str | bool]:
    """A hard fall, seen up to so long after its impact; of one who is up again at once the device has not turned, and moves on."""
    time_s = np.arange(-2.6, until_s + 1e-9, 1 / RATE_HZ)
    rng = np.random.default_rng(7)
    walks = 0.18 * np.sin(2 * np.pi * 1.9 * time_s) + rng.normal(0, 0.05, len(time_s))
    rests = rng.normal(0, 0.012, len(time_s))
    magnitude_g = 1 + np.where(time_s < -0.5, walks, rests if lies else 2 * walks)
    magnitude_g -= (1 - LOWEST_G) * np.exp(-(((time_s + 0.22) / 0.14) ** 2))
    magnitude_g += (IMPACT_G - 1) * np.exp(-((time_s / 0.05) ** 2)) + 0.9 * np.exp(-(((time_s - 0.4) / 0.06) ** 2))
    angle_deg = (TURNED_DEG if lies else 18.0) / (1 + np.exp(-(time_s - 0.15) / 0.16)) + np.abs(rng.normal(0, 2, len(time_s)))
    return {
        "impact_g": IMPACT_G,
        "lowest_g": LOWEST_G,
        "unrest_g": 0.012 if lies else 0.31,
        "angle_deg": TURNED_DEG if lies else 18.0,
        "stage_s": until_s,
        "from_s": -2.6,
        "magnitude_cg": " ".join(map(str, np.rint(100 * np.maximum(magnitude_g, 0)).astype(int).tolist())),
        "angle_deg_series": " ".join(map(str, np.rint(angle_deg).astype(int).tolist())),
    }
