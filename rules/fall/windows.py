"""The last seconds of every device's samples, so that a rule can look a little back and a little ahead.

Samples are placed by time: a gap is a hole of NaN, a packet that comes late fills its hole, and one that comes twice changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from devices.model import NS_PER_S, Bool, Float32, Float64, Int32, Int64
from devices.sensors.acceleration import AccelerationBatch

RATES_HZ = (10.0, 1000.0)
"""Sampling rates that can be used: slower ones cannot show an impact, faster ones only cost memory."""

JITTER_S = 0.1
"""A packet this much after its expected time follows its predecessor without a hole: real senders jitter by tens of milliseconds."""

LATE_S = 10.0
"""How late a packet may come and still fill its hole: a broker sends again after 3 s what ingest, killed, had not acknowledged, and it may
be killed again. A longer hole is kept as one of this length: nothing looks across it."""

STALE_PACKETS = 3
"""So many packets in a row out of the past are a clock set back or a backlog: the windows start anew with them. Fewer are repetitions."""

RATE_CHANGE = 0.1
"""A promised rate that changes by more than this share starts the windows anew."""

_SLICE = 128
"""Samples of one packet taken at once, so that a packet of any length fits a small ring."""

_GROWTH = 2


@dataclass(frozen=True, slots=True)
class Ripe:
    """K samples whose surroundings are complete now: each once, and once more when a late packet fills a hole in them.

    Attributes
    ----------
    packet : (K,) int64
        Row of the batch that completed it.
    device : (K,) int64
        Row in the registry.
    position : (K,) int64
        Number of the sample in its device's ring.
    """

    packet: Int64
    device: Int64
    position: Int64


@dataclass(frozen=True, slots=True)
class Window:
    """Surroundings of one sample.

    Attributes
    ----------
    accel_g : (3, B + 1 + A) float64
        In g, device axes, gravity included; B samples before, A after; NaN where nothing is known.
    centre : int
        Column of the sample, B.
    rate_hz : float
        Sampling rate.
    time_ns : int
        When the sample was measured.
    """

    accel_g: Float64
    centre: int
    rate_hz: float
    time_ns: int


class Windows:
    """Rings of samples, one per device that ever sent any.

    A sample's surroundings are the same however the samples were cut into packets and packets into batches.

    Parameters
    ----------
    devices
        Number of devices in the registry.
    before_s, after_s
        How far a window reaches around its sample, in seconds; `before_s` at most `LATE_S`.
    """

    def __init__(self, devices: int, *, before_s: float, after_s: float) -> None:
        self._before_s, self._after_s = before_s, after_s
        self._accel_g: Float32 = np.full((3, 0), np.nan, np.float32)
        self._time_ns: Int64 = np.zeros(0, np.int64)
        self._used = 0
        self._base, self._size, self._head = (np.zeros(devices, np.int64) for _ in range(3))
        self._seen: Bool = np.zeros(devices, np.bool_)
        self._expected_ns: Int64 = np.zeros(devices, np.int64)
        self._rate_hz: Float64 = np.zeros(devices, np.float64)
        self._stale: Int64 = np.zeros(devices, np.int64)

    def take(self, batch: AccelerationBatch, packets: Int64) -> Iterator[Ripe]:
        """Take these rows of a batch in; each answer must be used before the next is asked for.

        Parameters
        ----------
        batch
            Not changed.
        packets : (P,) int64
            Rows to take, ascending.
        """
        rate_hz, samples = batch.rate_hz[packets], np.diff(batch.offset)[packets]
        usable = (rate_hz >= RATES_HZ[0]) & (rate_hz <= RATES_HZ[1]) & (samples > 0)
        for round_ in _one_per_device(packets[usable], batch.device):
            kept, position = self._place(batch, round_)
            length = np.diff(batch.offset)[kept]
            for first in range(0, int(length.max(initial=0)), _SLICE):
                here = length > first
                yield self._write(batch, kept[here], position[here] + first, np.minimum(length[here] - first, _SLICE), first)

    def accel_g(self, device: Int64, position: Int64) -> Float32:
        """(3, …) samples in g, NaN where nothing is known; `device` and `position` broadcast."""
        return self._accel_g[:, self._index(device, position)]

    def rate_hz(self, device: Int64) -> Float64:
        """Sampling rates of devices."""
        return self._rate_hz[device]

    def window(self, device: int, position: int) -> Window:
        """Surroundings of one ripe sample."""
        rate_hz = float(self._rate_hz[device])
        before, after = round(self._before_s * rate_hz), round(self._after_s * rate_hz)
        index = self._index(np.array(device), np.arange(position - before, position + after + 1))
        return Window(self._accel_g[:, index].astype(np.float64), before, rate_hz, int(self._time_ns[index[before]]))

    def _index(self, device: Int64, position: Int64) -> Int64:
        return self._base[device] + position % self._size[device]

    def _place(self, batch: AccelerationBatch, packets: Int64) -> tuple[Int64, Int64]:
        """Packets that are kept and the position of each one's first sample; at most one packet per device."""
        device, time_ns, rate_hz = batch.device[packets], batch.time_ns[packets], batch.rate_hz[packets]
        length_s = np.diff(batch.offset)[packets] / rate_hz
        known_hz = self._rate_hz[device]
        for row in np.flatnonzero(np.abs(rate_hz - known_hz) > RATE_CHANGE * known_hz):
            self._open(int(device[row]), float(rate_hz[row]))
        ahead_s = np.where(self._seen[device], (time_ns - self._expected_ns[device]) / NS_PER_S, 0.0)
        # A time of arrival says nothing about order, and a packet that is early by less than half of itself is not its predecessor again.
        is_late = (-ahead_s > np.minimum(length_s / 2, 1.0)) & ~batch.clock_wrong[packets]
        is_stale = is_late & (ahead_s + length_s < -(self._after_s + LATE_S))
        self._stale[device] = np.where(is_stale, self._stale[device] + 1, 0)
        for row in np.flatnonzero(self._stale[device] >= STALE_PACKETS):
            self._open(int(device[row]), float(rate_hz[row]))
            is_late[row] = is_stale[row] = False
            ahead_s[row] = 0.0
        steps = np.rint(np.minimum(ahead_s, LATE_S) * self._rate_hz[device]).astype(np.int64)
        position = self._head[device] + np.where(is_late | (ahead_s > JITTER_S), steps, 0)
        kept = ~is_stale
        leads = kept & ~(is_late & (ahead_s + length_s <= 0))
        self._expected_ns[device[leads]] = (time_ns + np.rint(length_s * NS_PER_S).astype(np.int64))[leads]
        self._seen[device[kept]] = True
        return packets[kept], position[kept]

    def _write(self, batch: AccelerationBatch, packets: Int64, start: Int64, length: Int64, first: int) -> Ripe:
        """Put samples `first…` of packets at positions `start…`, and answer what became ripe by it."""
        device = batch.device[packets].astype(np.int64)
        old = self._head[device]
        head = np.maximum(old, start + length)
        owner, position = spread(old, head - old)
        self._accel_g[:, self._index(device[owner], position)] = np.nan  # what the ring held a turn ago

        owner, position = spread(start, length)
        index = self._index(device[owner], position)
        after = np.rint(self._after_s * self._rate_hz[device]).astype(np.int64)
        oldest = head - after - np.rint(LATE_S * self._rate_hz[device]).astype(np.int64)
        new = np.isnan(self._accel_g[0, index]) & (position >= oldest[owner])
        owner, position, index = owner[new], position[new], index[new]
        step = first + position - start[owner]
        self._accel_g[:, index] = batch.accel_g[:, batch.offset[packets][owner] + step]
        self._time_ns[index] = batch.time_ns[packets][owner] + np.rint(step * (NS_PER_S / batch.rate_hz[packets][owner])).astype(np.int64)
        self._head[device] = head

        in_turn, ripe = spread(old - after, head - old)
        fills_hole = np.bincount(owner[position < old[owner]], minlength=len(packets)) > 0
        around = np.maximum(start - after, oldest)
        passed = np.minimum(start + length + np.rint(self._before_s * self._rate_hz[device]).astype(np.int64), old - after)
        again, anew = spread(around, np.where(fills_hole, np.maximum(passed - around, 0), 0))
        owner, position = np.concatenate([again, in_turn]), np.concatenate([anew, ripe])
        return Ripe(packets[owner], device[owner], position)

    def _open(self, device: int, rate_hz: float) -> None:
        """Start a device's ring anew, as nothing but holes."""
        size = round((self._before_s + self._after_s + LATE_S) * rate_hz) + _SLICE + 2
        if size > self._size[device]:
            size = max(size, _GROWTH * int(self._size[device])) if self._size[device] else size  # rates that climb leave few blocks behind
            self._base[device], self._size[device] = self._used, size
            self._used += size
            if self._used > len(self._time_ns):
                more = max(self._used, _GROWTH * len(self._time_ns)) - len(self._time_ns)
                self._accel_g = np.concatenate([self._accel_g, np.full((3, more), np.nan, np.float32)], axis=1)
                self._time_ns = np.concatenate([self._time_ns, np.zeros(more, np.int64)])
        base = int(self._base[device])
        self._accel_g[:, base : base + int(self._size[device])] = np.nan
        self._head[device] = self._stale[device] = 0
        self._seen[device] = False
        self._rate_hz[device] = rate_hz


def spread(start: Int64, length: Int64) -> tuple[Int64, Int64]:
    """Ranges `start[i]:start[i] + length[i]`, one after another.

    Returns
    -------
    owner, value : (sum of length,) int64
        The i that a value belongs to, and the value.
    """
    owner = np.repeat(np.arange(len(start)), length)
    begin = np.cumsum(length) - length
    return owner, np.arange(len(owner)) - begin[owner] + start[owner]


def _one_per_device(packets: Int64, device: Int32) -> Iterator[Int64]:
    """Packets in rounds with at most one of each device, each device's in order."""
    by_device = np.argsort(device[packets], kind="stable")
    ordered = device[packets][by_device]
    nth = np.empty(len(packets), np.int64)
    nth[by_device] = np.arange(len(packets)) - np.searchsorted(ordered, ordered)
    by_round = np.argsort(nth, kind="stable")
    for round_ in np.split(by_round, np.cumsum(np.bincount(nth))[:-1]) if len(packets) else ():
        yield packets[round_]
