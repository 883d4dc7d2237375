"""How late things are done, a reading judged or a timer acted on: a histogram, because a service runs for months."""

import time
from collections.abc import Callable, Sequence

import numpy as np

from devices.entry import Entry
from devices.model import NS_PER_MS, Int64

_EDGES_MS = np.geomspace(0.1, 1e7, 1601)
"""Buckets of 1.2 %, from a tenth of a millisecond to hours."""


class Lateness:
    """Counts by lateness, of everything that was added."""

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._counts = np.zeros(len(_EDGES_MS) + 1, np.int64)

    def add(self, entries: Sequence[Entry]) -> None:
        """These were written just now."""
        received_ns = np.array([record.received_ns for entry in entries for record in entry.records], np.int64)
        self.add_ns(self._clock() - received_ns)

    def add_ns(self, late_ns: Int64 | int) -> None:
        """So late, in ns: one or many."""
        late_ms = np.atleast_1d(np.asarray(late_ns)) / NS_PER_MS
        self._counts += np.bincount(np.searchsorted(_EDGES_MS, late_ms), minlength=len(self._counts))

    @property
    def count(self) -> int:
        """How many so far."""
        return int(self._counts.sum())

    def quantile_ms(self, share: float) -> float:
        """Lateness that this share did not exceed, in ms; 0 where there are none."""
        if not self.count:
            return 0.0
        place = int(np.searchsorted(np.cumsum(self._counts), share * self.count))
        return float(_EDGES_MS[min(place, len(_EDGES_MS) - 1)])
