"""The last seconds of every device's samples, so that a rule can look a little back and a little ahead.

Samples are placed by time: a gap is a hole, a packet that comes late fills its hole, and one that comes twice changes nothing. A sample is
8 bytes: x, y, z in whole milli-g, as a packed packet sends them, and when it was measured. The same numbers sent as text give the same.

A device may say g and send m/s², or the other way round. What it rests at tells: samples of a device whose magnitude is about 9.8 or about
0.1 over many seconds are converted. All others are left as they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from devices.model import NS_PER_MS, NS_PER_S, Bool, Float32, Float64, Int64
from devices.sensors.acceleration import STANDARD_GRAVITY_MPS2, AccelerationBatch
from rules.fall.slots import LARGEST_MG, LARGEST_TICK, MG_PER_G, TICK_NS, Int16, biased, magnitude_mg2, pack, unbiased

RATES_HZ = (10.0, 1000.0)
"""Sampling rates that can be used: slower ones cannot show an impact, faster ones only cost memory."""

JITTER_S = 0.1
"""A packet this much after its expected time follows its predecessor without a hole: real senders jitter by tens of milliseconds."""

LATE_S = 4.0
"""How late a sample may come and still count as if it had come in time. A broker sends again after 3 s what ingest, killed, had not
acknowledged, and packets last a second. Every second more costs 400 bytes a wearer. Nothing looks across a hole that is longer than this
and a window's end together; it is kept as one of that length."""

EARLY = 0.9
"""A short packet that is early by less than this share of itself follows its predecessor: what comes again is early by all of itself."""

RATE_CHANGE = 0.1
"""Where a promised rate changes by more than this share, what is held is held at the new rate from then on."""

LEVEL_S, HEARD_S = 10.0, 1.5
"""What a device rests at is its mean magnitude over about the last 10 s, believed once 1.5 s were heard. A fall lasts a second: it moves
the mean by 1 or 2 g, never to 5."""

SENDS_MPS2, SENDS_G = (5.0, 20.0), (0.05, 0.2)
"""Levels of a device that says g and sends m/s² (it rests at 9.8), and of one that says m/s² and sends g (it rests at 1 / 9.8)."""

Scalar = TypeVar("Scalar", bound=np.generic)

_CHUNK = 1 << 18
"""Samples taken at once: what is made of them takes 10 MB."""

_SPARE = 1024
"""Slots behind the last ring, more than a stretch has samples: what does not fit its ring as one block is thrown there first."""

_SLACK = 16
"""The memory for slots grows by a 16th when devices come one by one."""

_GROWTH = 2


@dataclass(frozen=True, slots=True)
class Step:
    """What one stretch of samples, at most one of each device, brought about; P of them.

    Attributes
    ----------
    packet : (P,) int64
        Row of the batch that it is of.
    device : (P,) int64
        Row in the registry.
    was, head : (P,) int64
        Samples of positions `was:head` have been received or passed over by it.
    start, end : (P,) int64
        Positions of the stretch itself; none where it is only a gap that is passed over.
    peak : (P,) int64
        Position of the highest sample in it, of equals the first; -1 where none is as high as was asked for, or nothing in it is new.
    peak_mg2 : (P,) float32
        Squared magnitude of that sample, milli-g²; else 0.
    fills : (P,) bool
        It came late and filled a hole.
    """

    packet: Int64
    device: Int64
    was: Int64
    head: Int64
    start: Int64
    end: Int64
    peak: Int64
    peak_mg2: Float32
    fills: Bool


class Windows:
    """Rings of samples, one per device that ever sent any; at 50 Hz less than 4 kB each.

    A sample's surroundings are the same however the samples were cut into packets and packets into batches.

    Parameters
    ----------
    devices
        Number of devices in the registry.
    before_s, after_s
        How far a window reaches around its sample, in seconds; `after_s` at most `LATE_S`.
    stretch_s
        Longest stretch of samples that is taken in at once, in seconds; a longer packet is several.
    least_g
        Samples with less than this are no peaks.
    """

    def __init__(self, devices: int, *, before_s: float, after_s: float, stretch_s: float, least_g: float) -> None:
        self._before_s, self._after_s, self._stretch_s = before_s, after_s, stretch_s
        self._reach_s = after_s + LATE_S
        self._least_mg2 = (least_g * MG_PER_G) ** 2
        self._slots: Int64 = np.zeros(0, np.int64)
        self._used = 0
        self._base: Int64 = np.zeros(devices, np.int64)
        self._size: Int64 = np.zeros(devices, np.int64)
        self._head: Int64 = np.zeros(devices, np.int64)
        self._rate_hz: Float64 = np.zeros(devices, np.float64)
        self._expected_ns: Int64 = np.zeros(devices, np.int64)
        self._origin_ns: Int64 = np.zeros(devices, np.int64)
        self._seen: Bool = np.zeros(devices, np.bool_)
        self._level_mg: Float32 = np.zeros(devices, np.float32)
        self._heard_s: Float32 = np.zeros(devices, np.float32)
        self._gain: Float32 = np.ones(devices, np.float32)

    @property
    def nbytes(self) -> int:
        """Memory of all devices."""
        return sum(value.nbytes for value in vars(self).values() if isinstance(value, np.ndarray))

    def take(self, batch: AccelerationBatch, packets: Int64) -> Iterator[Step]:
        """Take packets of a batch in; each answer must be used before the next is asked for.

        Parameters
        ----------
        batch
            Not changed.
        packets : (P,) int64
            Ascending rows of the batch with at most one of each device, of those that `rounds` answers.
        """
        length = batch.offset[packets + 1] - batch.offset[packets]
        device = batch.device[packets].astype(np.int64)
        yield from self._follow_rates(batch, packets, device, length)
        start = self._place(batch, packets, device, length)
        yield from self._pass(packets, device, start)
        most = np.rint(self._stretch_s * np.minimum(self._rate_hz[device], batch.rate_hz[packets])).astype(np.int64) + 1
        first, rest = np.zeros_like(start), length
        are_whole = True
        while len(packets):
            longer = rest > most
            are_whole = are_whole and not longer.any()
            yield self._write(batch, packets, start + first, first, rest if are_whole else np.minimum(rest, most), are_whole=are_whole)
            if not longer.any():
                break
            packets, start, first, rest, most = (one[longer] for one in (packets, start, first + most, rest - most, most))

    def ahead_s(self, batch: AccelerationBatch, packets: Int64) -> Float64:
        """By how much packets are later than what would follow; NaN where their device has sent nothing yet."""
        device = batch.device[packets]
        return np.where(self._seen[device], (batch.time_ns[packets] - self._expected_ns[device]) / NS_PER_S, np.nan)

    def are_past(self, batch: AccelerationBatch, packets: Int64) -> Bool:
        """Which packets, by a clock that can be believed, are of a past that is no longer held, or of one that was otherwise."""
        length = batch.offset[packets + 1] - batch.offset[packets]
        length_s, ahead_s = length / batch.rate_hz[packets], self.ahead_s(batch, packets)
        are_late = (-ahead_s >= _early_s(length_s)) & ~batch.clock_wrong[packets]  # NaN is not
        past: Bool = are_late & (ahead_s + length_s < -self._reach_s)
        rows = np.flatnonzero(are_late & ~past)
        if rows.size:
            past[rows] = self._contradict(batch, packets[rows], ahead_s[rows], length[rows])
        return past

    def _contradict(self, batch: AccelerationBatch, packets: Int64, ahead_s: Float64, length: Int64) -> Bool:
        """Which packets differ from what is held of the same time: their clock was set back. Where half of it is a hole they do not."""
        device = batch.device[packets].astype(np.int64)
        owner, sample = spread(batch.offset[packets], length)
        position = (self._head[device] + _samples(ahead_s, self._rate_hz[device]) - batch.offset[packets])[owner] + sample
        held = self.samples(device[owner], position)
        is_known = (held[:, 3] != 0) & (position < self._head[device[owner]]) & (position >= self.oldest(device)[owner])
        milli_g = np.rint(batch.accel_g[:, sample].T * (np.float32(MG_PER_G) * self._gain[device[owner], None]))
        differs = is_known & (np.abs(milli_g - held[:, :3]) > 1).any(axis=1)
        known, different = (np.bincount(owner[one], minlength=len(packets)) for one in (is_known, differs))
        contradict: Bool = (2 * known > length) & (2 * different > known)
        return contradict

    def rate_hz(self, device: Int64) -> Float64:
        """Sampling rates of devices."""
        return self._rate_hz[device]

    def oldest(self, device: Int64) -> Int64:
        """Position of the oldest sample whose surroundings are kept, of each device."""
        rate_hz = self._rate_hz[device]
        return self._head[device] - _samples(self._after_s, rate_hz) - _samples(LATE_S, rate_hz)

    def samples(self, device: Int64, position: Int64) -> Int16:
        """(…, 4) x, y, z in milli-g, and what is 0 where nothing is known; `device` and `position` broadcast."""
        slots = self._slots[self._index(device, position)]
        return slots.view(np.int16).reshape(*slots.shape, 4)

    def stretches(self, device: Int64, first: Int64, count: int) -> Int16:
        """(K, count, 4) as in `samples`: `count` samples from a position on, for each of K devices; no more than a ring holds."""
        size, slot = self._size[device], self._index(device, first)
        left = self._base[device] + size - slot  # until the ring's end; behind it the samples stand a ring's size before
        ends = (slot + count <= len(self._slots)) & (slot >= size)
        begin = np.where(ends, slot, 0)
        whole = _taken(self._slots, begin, count) if len(self._slots) >= count else np.zeros((len(device), count), np.int64)
        wraps = np.flatnonzero(ends & (left < count))
        if wraps.size:
            turned = _taken(self._slots, (slot - size)[wraps], count)
            whole[wraps] = np.where(np.arange(count) < left[wraps, None], whole[wraps], turned)
        edge = np.flatnonzero(~ends)  # of the first and the last ring: no block can be taken across the memory's ends
        if edge.size:
            column = np.arange(count)
            whole[edge] = self._slots[(slot[edge, None] + column) - np.where(column < left[edge, None], 0, size[edge, None])]
        return whole.view(np.int16).reshape(len(device), count, 4)

    def time_ns(self, device: Int64, position: Int64) -> Int64:
        """When samples that are known were measured, to the millisecond: so a restart, which counts from another origin, finds the same."""
        ticks = unbiased(self.samples(device, position)[..., 3])
        return (self._even_ns(device, position) + ticks * TICK_NS + NS_PER_MS // 2) // NS_PER_MS * NS_PER_MS

    def _index(self, device: Int64, position: Int64) -> Int64:
        return self._base[device] + position % self._size[device]

    def _even_ns(self, device: Int64, position: Int64) -> Int64:
        """Times of positions on a clock that ticks evenly at the device's rate."""
        return self._origin_ns[device] + np.rint(position * (NS_PER_S / self._rate_hz[device])).astype(np.int64)

    def _follow_rates(self, batch: AccelerationBatch, packets: Int64, device: Int64, length: Int64) -> Iterator[Step]:
        """Open rings for devices that have none, and go over to the rate that packets promise."""
        rate_hz, known_hz = batch.rate_hz[packets], self._rate_hz[device]
        changed = np.flatnonzero(np.abs(rate_hz - known_hz) > RATE_CHANGE * known_hz)
        if not changed.size:
            return
        goes_on = np.abs(self.ahead_s(batch, packets[changed])) - length[changed] / rate_hz[changed] < self._reach_s  # NaN does not
        self._open(device[changed[~goes_on]], rate_hz[changed[~goes_on]])
        for row in changed[goes_on].tolist():
            yield from self._retune(packets[row : row + 1], device[row : row + 1], rate_hz[row : row + 1])

    def _retune(self, packet: Int64, device: Int64, rate_hz: Float64) -> Iterator[Step]:
        """Hold what one device sent at another rate, each sample the nearest in time; its newest stretches come again."""
        row, size, known_hz = int(device[0]), int(self._size[device[0]]), float(self._rate_hz[device[0]])
        kept = self._ring(row)[np.arange(self._head[row] - size, self._head[row]) % size]
        end_ns = self._even_ns(device, self._head[device])
        self._open(device, rate_hz)
        count = min(int(self._size[row]), int(size * rate_hz[0] / known_hz))
        before_end = np.arange(count, 0, -1)
        nearest = np.clip(size - np.rint(before_end * (known_hz / rate_hz[0])).astype(np.int64), 0, size - 1)
        self._head[row] += count
        self._slots[self._index(device, self._head[row] - before_end)] = kept[nearest]
        self._origin_ns[row] = 0
        self._origin_ns[row], self._seen[row] = (end_ns - self._even_ns(device, self._head[device]))[0], True
        head = self._head[device]
        first = head - _samples(self._after_s, rate_hz)
        while first[0] < head[0]:
            end = np.minimum(first + np.rint(self._stretch_s * rate_hz).astype(np.int64) + 1, head)
            step = Step(packet, device, head, head, first, end, np.array([-1]), np.zeros(1, np.float32), np.ones(1, np.bool_))
            self._look_again(step, np.zeros(1, np.int64))
            yield step
            first = end

    def _place(self, batch: AccelerationBatch, packets: Int64, device: Int64, length: Int64) -> Int64:
        """The position of each packet's first sample; at most one packet per device."""
        time_ns, rate_hz = batch.time_ns[packets], batch.rate_hz[packets]
        length_s = length / rate_hz
        ahead_s = (time_ns - self._expected_ns[device]) / NS_PER_S
        seen = self._seen[device]
        if not seen.all():
            ahead_s[~seen] = 0.0
            self._start(device[~seen], time_ns[~seen])
        # A time of arrival says nothing about order.
        is_late = (-ahead_s >= _early_s(length_s)) & ~batch.clock_wrong[packets]
        next_ns = time_ns + np.rint(length_s * NS_PER_S).astype(np.int64)
        if not (is_late | (ahead_s > JITTER_S)).any():
            self._expected_ns[device] = next_ns
            return self._head[device]
        anew = is_late & (ahead_s + length_s < -self._reach_s)
        self._open(device[anew], rate_hz[anew])
        self._start(device[anew], time_ns[anew])
        is_late[anew], ahead_s[anew] = False, 0.0
        steps = _samples(np.minimum(ahead_s, self._reach_s), self._rate_hz[device])
        start = self._head[device] + np.where(is_late | (ahead_s > JITTER_S), steps, 0)
        leads = ~(is_late & (ahead_s + length_s <= 0))
        self._expected_ns[device[leads]] = next_ns[leads]
        return start

    def _pass(self, packets: Int64, device: Int64, start: Int64) -> Iterator[Step]:
        """Go on to where packets start: what lies between is a hole."""
        gap = start > self._head[device]
        while gap.any():
            packets, device, start = packets[gap], device[gap], start[gap]
            was = self._head[device]
            head = np.minimum(start, was + _samples(LATE_S, self._rate_hz[device]))
            owner, position = spread(was, head - was)
            self._slots[self._index(device[owner], position)] = 0  # what the ring held a turn ago
            self._head[device] = head
            nothing = np.zeros(len(device), np.bool_)
            yield Step(packets, device, was, head, head, head, np.full(len(device), -1), nothing.astype(np.float32), nothing)
            gap = start > head

    def _write(self, batch: AccelerationBatch, packets: Int64, start: Int64, first: Int64, length: Int64, *, are_whole: bool) -> Step:
        """Put samples `first…` of packets at positions `start…`, and look for what is high in them."""
        device = batch.device[packets].astype(np.int64)
        was, gain = self._head[device], self._gain[device]
        is_late = start < was
        some_late = bool(is_late.any())
        head = np.maximum(was, start + length) if some_late else start + length
        ticks, slope = self._ticks(batch, packets, start=start, first=first, is_late=is_late)
        self._head[device] = head
        fills = np.zeros(len(packets), np.bool_)
        mean_mg = np.empty(len(packets), np.float32)
        peak, peak_mg2 = np.full(len(packets), -1), np.zeros(len(packets), np.float32)
        slot = self._index(device, start)
        for here in _chunks(length):
            accel_g, limits, which = _stretches(batch, packets[here], first[here], length[here], are_whole=are_whole)
            gains = _among(which, gain[here], len(limits) - 1, 1)
            packed = pack(accel_g, limits, _among(which, ticks[here], len(limits) - 1, 0), gains, self._least_mg2)
            mean_mg[here] = packed.mean_mg[which]
            at = limits[:-1][which]
            if (high := np.flatnonzero(packed.is_high[which])).size:
                rows = high + here.start
                sample, peak_mg2[rows] = _highest(packed.squared_mg2, at[high], length[rows])
                peak[rows] = start[rows] + sample
            if slope is not None:
                _tilt(packed.slots, at, length[here], ticks[here], slope[here])
            if some_late and (late := np.flatnonzero(is_late[here])).size:
                rows = late + here.start
                fills[rows] = self._fill(packed.slots, at[late], device[rows], start=start[rows], length=length[rows], was=was[rows])
                in_turn = np.flatnonzero(~is_late[here])
                rows = in_turn + here.start
                self._put(packed.slots, at[in_turn], slot[rows], device[rows], length[rows])
            else:
                self._put(packed.slots, at, slot[here], device[here], length[here])
        begin = np.maximum(start, self.oldest(device)) if some_late else start
        step = Step(packets, device, was, head, begin, start + length, peak, peak_mg2, fills)
        is_other = self._weigh(device, gain, mean_mg, length)
        if some_late or is_other is not None:
            self._look_again(step, np.flatnonzero(is_late if is_other is None else is_late | is_other))
        return step

    def _look_again(self, step: Step, rows: Int64) -> None:
        """Find the peaks of stretches of which not all is new, or which are in another unit now."""
        step.peak[rows], step.peak_mg2[rows] = -1, 0
        rows = rows[(step.fills | (step.head > step.was))[rows]]
        if not rows.size:
            return
        length = (step.end - step.start)[rows]
        found_mg2 = magnitude_mg2(self.stretches(step.device[rows], step.start[rows], int(length.max())))
        highest, highest_mg2 = _highest(found_mg2.reshape(-1), np.arange(len(rows)) * found_mg2.shape[1], length)
        is_high = highest_mg2 >= self._least_mg2
        step.peak[rows[is_high]], step.peak_mg2[rows[is_high]] = (step.start[rows] + highest)[is_high], highest_mg2[is_high]

    def _ticks(
        self, batch: AccelerationBatch, packets: Int64, *, start: Int64, first: Int64, is_late: Bool
    ) -> tuple[Int64, Float64 | None]:
        """Deviation of each stretch's first sample from the even clock, and by how much more every sample deviates; None for nothing."""
        device = batch.device[packets].astype(np.int64)
        rate_hz, kept_hz = batch.rate_hz[packets], self._rate_hz[device]
        time_ns = batch.time_ns[packets]
        if first.any():
            time_ns += np.rint(first * (NS_PER_S / rate_hz)).astype(np.int64)
        ticks = np.rint((time_ns - self._even_ns(device, start)) / TICK_NS).astype(np.int64)
        far = np.abs(ticks) > LARGEST_TICK
        if far.any():
            for row in np.flatnonzero(far & ~is_late):
                self._shift(int(device[row]), int(ticks[row]))
                ticks[row] = 0
            np.clip(ticks, -LARGEST_TICK, LARGEST_TICK, out=ticks)
        differs = rate_hz != kept_hz
        return ticks, (NS_PER_S / rate_hz - NS_PER_S / kept_hz) / TICK_NS if differs.any() else None

    def _shift(self, device: int, ticks: int) -> None:
        """Let a device's even clock begin so much later; what is too far from it then is forgotten."""
        slots = self._ring(device)
        columns = slots.view(np.int16).reshape(-1, 4)
        shifted = unbiased(columns[:, 3]) - ticks
        lost = (columns[:, 3] == 0) | (np.abs(shifted) > LARGEST_TICK)
        columns[:, 3] = biased(shifted)
        slots[lost] = 0
        self._origin_ns[device] += ticks * TICK_NS

    def _put(self, slots: Int64, at: Int64, slot: Int64, device: Int64, length: Int64) -> None:
        """Copy `slots[at:at + length]` to the ring from `slot` on, for each of the rows."""
        if not len(at):
            return
        left = self._base[device] + self._size[device] - slot
        usual = int(length[len(length) // 2])
        is_usual = length == usual
        fits = left >= usual
        if is_usual.all() and len(slots) == usual * len(at):  # nearly always: each row is copied as one block, and what turns goes astray
            _blocks(self._slots, usual)[np.where(fits, slot, len(self._slots) - usual)] = slots.view(_block(usual))
        else:
            blocks = np.flatnonzero(is_usual & fits)
            _blocks(self._slots, usual)[slot[blocks]] = _blocks(slots, usual)[at[blocks]]
        turning = np.flatnonzero(is_usual & ~fits)
        step = np.arange(usual)
        index = slot[turning, None] + step - np.where(step < left[turning, None], 0, self._size[device[turning], None])
        self._slots[index] = slots[at[turning, None] + step]
        if (others := np.flatnonzero(~is_usual)).size:
            owner, step = spread(np.zeros(len(others), np.int64), length[others])
            row = others[owner]
            index = slot[row] + step - np.where(step < left[row], 0, self._size[device[row]])
            self._slots[index] = slots[at[row] + step]

    def _fill(self, slots: Int64, at: Int64, device: Int64, *, start: Int64, length: Int64, was: Int64) -> Bool:
        """Put what came late where nothing is known, and what is new behind it; whether a row filled a hole."""
        owner, position = spread(start, length)
        index = self._index(device[owner], position)
        is_new = position >= was[owner]
        is_hole = ~is_new & (self._slots[index] == 0) & (position >= self.oldest(device)[owner])
        put = is_new | is_hole
        self._slots[index[put]] = slots[(at[owner] + position - start[owner])[put]]
        return np.bincount(owner[is_hole], minlength=len(at)) > 0

    def _weigh(self, device: Int64, gain: Float32, mean_mg: Float32, length: Int64) -> Bool | None:
        """Go on with what devices rest at; which of them are in another unit now, None for none."""
        seconds = (length / self._rate_hz[device]).astype(np.float32)
        heard_s = np.minimum(self._heard_s[device] + seconds, np.float32(LEVEL_S))
        level_mg = self._level_mg[device]
        level_mg += (mean_mg / gain - level_mg) * (seconds / heard_s)
        self._heard_s[device], self._level_mg[device] = heard_s, level_mg
        odd = np.flatnonzero((level_mg < SENDS_G[1] * MG_PER_G) | (level_mg > SENDS_MPS2[0] * MG_PER_G) | (gain != 1))
        if not odd.size:
            return None
        level_g, wanted = level_mg[odd] / MG_PER_G, np.ones(odd.size, np.float32)
        wanted[(level_g >= SENDS_MPS2[0]) & (level_g <= SENDS_MPS2[1])] = 1 / STANDARD_GRAVITY_MPS2
        wanted[(level_g >= SENDS_G[0]) & (level_g <= SENDS_G[1])] = STANDARD_GRAVITY_MPS2
        wanted[heard_s[odd] < HEARD_S] = 1
        is_other = np.zeros(len(device), np.bool_)
        is_other[odd] = wanted != gain[odd]
        for row, new in zip(odd[wanted != gain[odd]], wanted[wanted != gain[odd]], strict=True):
            self._convert(int(device[row]), float(new / gain[row]))
            self._gain[device[row]] = new
        return is_other

    def _convert(self, device: int, factor: float) -> None:
        """Multiply what the ring holds: it was taken for another unit."""
        columns = self._ring(device).view(np.int16).reshape(-1, 4)
        columns[:, :3] = np.clip(np.rint(columns[:, :3] * factor), -LARGEST_MG, LARGEST_MG)

    def _ring(self, device: int) -> Int64:
        return self._slots[self._base[device] : self._base[device] + self._size[device]]

    def _open(self, device: Int64, rate_hz: Float64) -> None:
        """Start devices' rings anew, as nothing but holes."""
        size = sum(_samples(seconds, rate_hz) for seconds in (self._before_s, self._after_s, LATE_S)) + 2
        known = self._size[device]
        for row in device[size <= known].tolist():
            self._ring(row)[:] = 0
        new = size > known
        grown = np.where(known > 0, np.maximum(size, _GROWTH * known), size)[new]  # rates that climb leave few blocks behind
        self._base[device[new]], self._size[device[new]] = self._used + np.cumsum(grown) - grown, grown
        kept, self._used = self._used, self._used + int(grown.sum())
        if self._used + _SPARE > len(self._slots):
            # Filled and not given as zeros: so numpy asks for large pages, and rows that lie anywhere are written twice as fast.
            slots = np.empty(max(self._used + _SPARE, len(self._slots) + len(self._slots) // _SLACK), np.int64)
            slots[:kept], slots[kept:] = self._slots[:kept], 0
            self._slots = slots
        self._head[device] += self._size[device]  # positions are never used again
        self._seen[device] = False
        self._rate_hz[device] = rate_hz

    def _start(self, device: Int64, time_ns: Int64) -> None:
        """Let a device's even clock begin with a packet that is taken in next."""
        self._origin_ns[device] = 0
        self._origin_ns[device] = time_ns - self._even_ns(device, self._head[device])
        self._seen[device] = True


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


def _samples(seconds: float | Float64, rate_hz: Float64) -> Int64:
    return np.rint(seconds * rate_hz).astype(np.int64)


def _early_s(length_s: Float64) -> Float64:
    """From which on a packet that is early does not follow its predecessor, but comes late: by less than half of itself it is jitter."""
    early_s: Float64 = np.maximum(np.minimum(length_s / 2, 1.0), np.minimum(EARLY * length_s, JITTER_S))
    return early_s


def rounds(batch: AccelerationBatch, wanted: Bool) -> Iterator[Int64]:
    """Packets that are wanted and of a usable rate, in rounds with at most one of each device, each device's in order; they ascend."""
    has_any = batch.offset[1:] > batch.offset[:-1]
    packets = np.flatnonzero(wanted & (batch.rate_hz >= RATES_HZ[0]) & (batch.rate_hz <= RATES_HZ[1]) & has_any)
    device = batch.device[packets]
    ordered = np.sort(device)
    if (ordered[1:] != ordered[:-1]).all():
        if len(packets):
            yield packets
        return
    by_device = np.argsort(device, kind="stable")
    nth = np.empty(len(packets), np.int64)
    nth[by_device] = np.arange(len(packets)) - np.searchsorted(ordered, ordered)
    by_round = np.argsort(nth, kind="stable")
    for round_ in np.split(by_round, np.cumsum(np.bincount(nth))[:-1]):
        yield packets[round_]


def _chunks(length: Int64) -> Iterator[slice]:
    """Rows in parts of about `_CHUNK` samples."""
    bounds = np.flatnonzero(np.diff(np.cumsum(length) // _CHUNK)) + 1
    for begin, end in pairwise([0, *bounds.tolist(), len(length)]):
        yield slice(begin, end)


def _stretches(
    batch: AccelerationBatch, packets: Int64, first: Int64, length: Int64, *, are_whole: bool
) -> tuple[Float32, Int64, Int64 | slice]:
    """Samples `first…` of ascending packets; `are_whole` where that is all of them.

    Returns
    -------
    accel_g : (3, n) float32
        A view of the batch where the packets stand together, whole; others that stand among them are in it too.
    limits : (S + 1,) int64
        Of the packets in it.
    which : (P,) int64 or slice
        Which of the S are wanted.
    """
    low, high = int(packets[0]), int(packets[-1]) + 1
    limits = batch.offset[low : high + 1] - batch.offset[low]
    if are_whole and limits[-1] <= 2 * length.sum():
        accel_g = batch.accel_g[:, batch.offset[low] : batch.offset[high]]
        return accel_g, limits, slice(None) if high - low == len(packets) else packets - low
    _, sample = spread(batch.offset[packets] + first, length)
    return batch.accel_g[:, sample], np.concatenate([[0], np.cumsum(length)]), slice(None)


def _highest(values: Float32, at: Int64, length: Int64) -> tuple[Int64, Float32]:
    """Which is the highest of `values[at[i]:at[i] + length[i]]`, of equals the first, and how high it is."""
    step = np.arange(int(length.max()))
    index = at[:, None] + step
    if (length < len(step)).any():
        np.minimum(index, (at + length - 1)[:, None], out=index)  # the last again and again: the first of equals counts
    found = values[index]
    highest = np.argmax(found, axis=1)
    return highest, found[np.arange(len(at)), highest]


def _among(which: Int64 | slice, values: NDArray[Scalar], count: int, others: float) -> NDArray[Scalar]:
    """(count,) with `values` where they are wanted."""
    if isinstance(which, slice):
        return values
    full = np.full(count, others, values.dtype)
    full[which] = values
    return full


def _tilt(slots: Int64, at: Int64, length: Int64, ticks: Int64, slope: Float64) -> None:
    """Let deviations change along stretches whose rate is not their ring's."""
    rows = np.flatnonzero(slope)
    owner, step = spread(np.zeros(len(rows), np.int64), length[rows])
    row = rows[owner]
    sample = at[row] + step
    known = sample[slots[sample] != 0]
    row, step = row[slots[sample] != 0], step[slots[sample] != 0]
    tilted = np.clip(ticks[row] + np.rint(step * slope[row]).astype(np.int64), -LARGEST_TICK, LARGEST_TICK)
    slots.view(np.int16)[4 * known + 3] = biased(tilted)


def _block(length: int) -> np.dtype[np.void]:
    """So many slots as one thing, which is copied at once: sample by sample it costs five times as much."""
    return np.dtype((np.void, 8 * length))


def _blocks(slots: Int64, length: int) -> NDArray[np.void]:
    """(n - length + 1,) view: block i is `slots[i:i + length]`."""
    return np.ndarray((len(slots) - length + 1,), _block(length), slots.data, 0, (8,))


def _taken(slots: Int64, first: Int64, length: int) -> Int64:
    """(K, length) copy: row i is `slots[first[i]:first[i] + length]`."""
    return _blocks(slots, length)[first].view(np.int64).reshape(len(first), length)
