"""Clocks of devices: which of them are believed, and what is used instead."""

import numpy as np

from devices.model import NS_PER_S, Bool, Int64

AHEAD_NS = 60 * NS_PER_S
"""How far ahead of its arrival a reading may claim to be: what an honest clock is off."""
BEHIND_NS = 24 * 3600 * NS_PER_S
"""How far behind: what a device may have kept while it had no connection."""
FIRST_NS = 1_577_836_800 * NS_PER_S
"""2020-01-01T00:00:00Z; a clock before it was never set."""


def correct(sent_ns: Int64, received_ns: Int64) -> tuple[Int64, Bool]:
    """Time of each reading, by its device's clock where that can be believed. Exactly at a limit is believed.

    Parameters
    ----------
    sent_ns : (N,) int64
        What the devices say; saturated where int64 cannot hold it.
    received_ns : (N,) int64
        When it arrived.

    Returns
    -------
    time_ns : (N,) int64
        `sent_ns` where it is believed, else `received_ns`.
    clock_wrong : (N,) bool
        Where it is not.
    """
    wrong = (sent_ns > received_ns + AHEAD_NS) | (sent_ns < received_ns - BEHIND_NS) | (sent_ns < FIRST_NS)
    return np.where(wrong, received_ns, sent_ns), wrong
