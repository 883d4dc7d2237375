"""Runs: how long, and by how many readings in a row, devices have said one and the same."""

import numpy as np

from devices.model import Bool, Float64, Int32, Int64


class Runs:
    """The run that each of D devices is in.

    Parameters
    ----------
    devices
        D.
    width
        K, numbers that a reading says.

    Attributes
    ----------
    value : (D, K) float64
        What is said; NaN where no run goes on.
    since_ns, count : (D,) int64
        When the run began, and its readings so far.
    """

    def __init__(self, devices: int, width: int) -> None:
        self.value: Float64 = np.full((devices, width), np.nan)
        self.since_ns: Int64 = np.zeros(devices, np.int64)
        self.count: Int64 = np.zeros(devices, np.int64)

    def take(self, device: Int32, time_ns: Int64, value: Float64, anew: Bool) -> tuple[Int64, Int64]:
        """Take readings, (N,) each, in order of arrival.

        Parameters
        ----------
        device, time_ns
            Whose, and when measured.
        value : (N, K) float64
            What is said; NaN is like nothing, not even like itself.
        anew : (N,) bool
            Begins a run whatever was said before.

        Returns
        -------
        held_ns, count : (N,) int64
            Of the run up to each reading; below 0 where a late reading is older than its run.
        """
        order = np.argsort(device, kind="stable")
        who, when_ns, said = device[order], time_ns[order], value[order]
        is_first = np.concatenate(([True], who[1:] != who[:-1]))
        before = np.concatenate((said[:1], said[:-1]))
        before[is_first] = self.value[who[is_first]]
        goes_on = (said == before).all(axis=1) & ~anew[order]
        kept = goes_on & is_first
        here = np.arange(len(who))
        begin = np.maximum.accumulate(np.where(is_first | ~goes_on, here, 0))
        since_ns = np.where(kept, self.since_ns[who], when_ns)[begin]
        count = np.where(kept, self.count[who], 0)[begin] + here - begin + 1
        is_last = np.concatenate((is_first[1:], [True]))
        self.value[who[is_last]], self.since_ns[who[is_last]], self.count[who[is_last]] = said[is_last], since_ns[is_last], count[is_last]
        held_ns, counted = np.empty_like(since_ns), np.empty_like(count)
        held_ns[order], counted[order] = when_ns - since_ns, count
        return held_ns, counted

    def remembered(self) -> dict[int, list[float | int]]:
        """Of devices in a run: when it began, its readings, and what is said."""
        rows = np.flatnonzero(~np.isnan(self.value[:, 0])).tolist()
        return {row: [int(self.since_ns[row]), int(self.count[row]), *self.value[row].tolist()] for row in rows}

    def remember(self, row: int, state: list[float | int]) -> None:
        """Take over what `remembered` said."""
        self.since_ns[row], self.count[row], self.value[row] = state[0], state[1], state[2:]
