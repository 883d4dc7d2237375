"""How one detector did: what `anju bench geofence --noise` tells of each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from benchmarks.measure import Figures

Float64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How one setting of a detector did.

    Attributes
    ----------
    where : str
        What was played.
    told, hours : int, float
        False events, in so much of people's or a radar's time.
    crossings, missed : int
        True crossings, and those that were never told.
    median_s, late_s : float
        Delay of the crossings, half and 95 in 100 of which are told by then; those that are missed are the latest.
    """

    where: str
    detector: str
    told: int
    hours: float
    crossings: int
    missed: int
    median_s: float
    late_s: float

    @property
    def false_per_hour(self) -> float:
        """Of people who cross nothing."""
        return self.told / self.hours

    @property
    def interval(self) -> tuple[float, float]:
        """95 in 100 limits of it (Garwood 1936, exact for counts)."""
        low = gammaincinv(self.told, 0.025) if self.told else 0.0
        return float(low / self.hours), float(gammaincinv(self.told + 1, 0.975) / self.hours)

    @classmethod
    def of(cls, where: str, detector: str, *, told: int, hours: float, delay_s: Float64) -> "Row":
        """Of the delays (C,) of all crossings, NaN of one that was never told."""
        late = np.sort(np.where(np.isnan(delay_s), np.inf, delay_s))
        return cls(
            where=where,
            detector=detector,
            told=told,
            hours=hours,
            crossings=len(delay_s),
            missed=int(np.isnan(delay_s).sum()),
            median_s=float(late[(len(late) - 1) // 2]),
            late_s=float(late[round(0.95 * (len(late) - 1))]),
        )

    @property
    def figures(self) -> Figures:
        """Flat."""
        low, high = self.interval
        return {
            "where": self.where,
            "detector": self.detector,
            "false_per_hour": self.false_per_hour,
            "false_per_hour_low": low,
            "false_per_hour_high": high,
            "hours": self.hours,
            "median_delay_s": self.median_s,
            "delay_95_s": self.late_s,
            "missed": self.missed,
            "crossings": self.crossings,
        }
