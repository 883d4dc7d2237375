"""A home's rhythm: in which ten minutes of which days somebody was noticed, and how long a silence is usual at which time of day.

After the idea of P. Cuddihy, J. Weisenberg, C. Graichen and M. Ganesh, "Algorithm to automatically detect abnormally long periods of
inactivity in a home", HealthNet 2007: what is too long is learnt for each home and each time of day from the longest silences there
before. The numbers here are our own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.ndimage import maximum_filter1d

from devices.model import NS_PER_S, Bool, Float64
from rules.premises import Clocks

BIN_NS = 600 * NS_PER_S
BINS = 144
"""Ten minutes each, of a day by the clock on the wall. The hour that a clock is put back falls on the one before it; the one that it is put
forward was silent."""
BINS_OF_SLOT, SLOTS = 3, 48
"""Half hours."""
DAYS_KEPT, DAYS_NEEDED = 28, 7
ABSENT_BINS = 48
"""A day on which nobody was there, or nothing could be heard, for 8 hours teaches nothing."""
SHIFT_BINS = 18
"""A silence that is usual at one time is usual 3 hours before and after it too: to bed early, up late."""
QUANTILE, FACTOR, MARGIN_S = 0.95, 1.5, 3600.0
"""The limit is this quantile over the days, so that one odd day of 28 counts for little, times a factor, and an hour."""


@dataclass(slots=True)
class Days:
    """When one source of signs, a home or a wearer, was noticed.

    Attributes
    ----------
    noticed, absent : dict
        Number of the day to 144 bits, one per ten minutes; in an absent one there was nobody to be noticed, or it could not be.
    """

    noticed: dict[int, int] = field(default_factory=dict)
    absent: dict[int, int] = field(default_factory=dict)

    def note(self, clock: Clocks, time_ns: int, *, absent: bool = False) -> None:
        """Note a sign, or that there could be none, at a time."""
        local = clock.local(time_ns)
        days, day = self.absent if absent else self.noticed, local.toordinal()
        days[day] = days.get(day, 0) | 1 << (local.hour * 6 + local.minute // 10)

    def forget(self, today: int) -> None:
        """Drop days that are too old to teach anything."""
        for days in (self.noticed, self.absent):
            for day in [day for day in days if day < today - DAYS_KEPT]:
                del days[day]

    def state(self) -> dict[str, Any]:
        """In JSON's types, about 1.5 kB for 28 days."""
        return {name: {str(day): f"{bits:x}" for day, bits in days.items()} for name, days in self._named()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` said."""
        for name, days in self._named():
            days.clear()
            days.update({int(day): int(bits, 16) for day, bits in state[name].items()})

    def _named(self) -> tuple[tuple[str, dict[int, int]], ...]:
        return (("noticed", self.noticed), ("absent", self.absent))


def usual_s(sources: Iterable[Days], today: int) -> tuple[int, Float64 | None]:
    """Days learnt, and the limit by half hour of the day.

    Parameters
    ----------
    sources
        Whose signs count for the resident.
    today
        Number of the day, which is not over and teaches nothing.

    Returns
    -------
    learnt : int
        Days of the last 28 on which somebody was noticed and nobody was absent for long.
    limit_s : (48,) float64 or None
        How long a silence may last at that time; None with fewer than 7 days.
    """
    given = list(sources)
    numbers = range(today - DAYS_KEPT, today)
    noticed = [_united(source.noticed.get(day, 0) for source in given) for day in numbers]
    absent = [_united(source.absent.get(day, 0) for source in given) for day in numbers]
    is_learnt = np.array([bool(here) and gone.bit_count() < ABSENT_BINS for here, gone in zip(noticed, absent, strict=True)], np.bool_)
    learnt = int(is_learnt.sum())
    if learnt < DAYS_NEEDED:
        return learnt, None
    quiet_s = _quiet_s(np.array([_bits(here | gone) for here, gone in zip(noticed, absent, strict=True)], np.bool_), is_learnt)
    widest_s = maximum_filter1d(quiet_s.ravel(), 2 * SHIFT_BINS + 1, mode="nearest").reshape(-1, SLOTS, BINS_OF_SLOT).max(axis=2)
    limit_s: Float64 = np.quantile(widest_s[is_learnt], QUANTILE, axis=0) * FACTOR + MARGIN_S
    return learnt, limit_s


def _quiet_s(is_noticed: Bool, is_learnt: Bool) -> Float64:
    """(28, 144) float64: seconds of silence so far at the end of each ten minutes; 0 on days that teach nothing, and right after them."""
    is_end = (is_noticed | ~is_learnt[:, None]).ravel()
    bins = np.arange(is_end.size)
    since = np.maximum.accumulate(np.where(is_end, bins, -1))
    quiet_s: Float64 = np.where(since >= 0, bins - since, 0).reshape(-1, BINS) * (BIN_NS / NS_PER_S)
    return quiet_s


def _united(bits: Iterable[int]) -> int:
    united = 0
    for one in bits:
        united |= one
    return united


def _bits(number: int) -> list[bool]:
    return [bool(number >> place & 1) for place in range(BINS)]
