"""The newest fixes of one tag, in order of arrival: what was known of it when a target was seen."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

# A minute at one fix a second.
_KEPT = 64


@dataclass(slots=True, kw_only=True)
class Fixes:
    """What a tag said.

    Attributes
    ----------
    rows : list of (seq, time_ns, lon_deg, lat_deg, accuracy_m)
        `seq` ascends. More than are needed until they are trimmed.
    """

    rows: list[tuple[int, int, float, float, float]] = field(default_factory=list)

    def trim(self) -> None:
        """Drop what cannot matter to anything that arrives from now on."""
        del self.rows[:-_KEPT]

    def newest(self) -> list[tuple[int, int, float, float, float]]:
        """What `trim` would leave."""
        return self.rows[-_KEPT:]

    def recent(self, seq: int, time_ns: int, age_ns: int) -> NDArray[np.float64]:
        """Longitudes, latitudes and accuracies (3, N) of what arrived before `seq` and is at most so old at that time, and not newer."""
        known = [row for row in self.rows if row[0] < seq][-_KEPT:]
        return np.array([row[2:] for row in known if 0 <= time_ns - row[1] <= age_ns], np.float64).reshape(-1, 3).T
