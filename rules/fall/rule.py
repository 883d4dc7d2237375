"""Falls of people who wear an accelerometer: trigger, candidates, stages.

A sample over the trigger of its placement that is the highest within a second is a candidate. The window around it is judged when its
first stage has been received, and once more at each later stage where nothing came of it: an early word for the certain falls, the final
one for the others. Source: trigger and verification in two steps, as Bourke et al. (Gait & Posture 2007, 26:194) and most after them.
Fails on: falls so soft that no sample reaches the trigger, a device that is not worn.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from devices.model import NS_PER_S, Bool, Float32, Int64, PersonId
from devices.sensors.acceleration import AccelerationBatch
from rules.fall.slots import MG_PER_G, Int16, magnitude_mg2
from rules.fall.verdict import BEFORE_S, STAGES_S, TRIGGER_G, Verdict, judge
from rules.fall.windows import Step, Windows
from rules.kinds import EventKind
from rules.model import Event, Facts, Snapshot
from rules.premises import Premises

PEAK_S = 1.0
"""A candidate is the highest sample within this on both sides; at most the first stage."""

SAME_S, REFRACTORY_S = 2.0, 10.0
"""Impacts nearer than the first to a fall that is told are that same fall, also where its hardest sample arrives only then. Those nearer
than the second are it too, unless they are harder: a body bounces, and is turned over; a stumble comes first."""

_WAITING = int(STAGES_S[-1] / PEAK_S) + 3
"""Most candidates of one device that can wait for a stage: they are more than `PEAK_S` apart."""

_NEVER_NS = -(1 << 62)
_SAME_G = 0.002
"""Impacts that differ by less are equally hard: samples are whole milli-g."""


@dataclass(frozen=True, slots=True)
class _Candidates:
    """K samples whose window has reached a stage, each device's in the order in which they did.

    Attributes
    ----------
    packet : (K,) int64
        Row of the batch by which it did.
    device : (K,) int64
        Row in the registry.
    position : (K,) int64
        Of the sample in its device's ring.
    stage : (K,) int64
        Index into `STAGES_S`.
    """

    packet: Int64
    device: Int64
    position: Int64
    stage: Int64

    def __getitem__(self, rows: Int64 | Bool) -> "_Candidates":
        return _Candidates(self.packet[rows], self.device[rows], self.position[rows], self.stage[rows])


class Fall:
    """One event per fall, within 4 s of its impact where packets last a second, and earlier for the certain ones.

    Parameters
    ----------
    premises
        Who wears what, and where. A device that nobody wears is not looked at.
    """

    name = "fall"
    window_s = 90.0
    """The windows need 10 s of samples; senders may pack a minute into a packet, and a packet is read whole or not."""

    def __init__(self, premises: Premises) -> None:
        self._registry = premises.registry
        devices = self._registry.devices
        self._placements = [device.placement for device in devices]
        self._worn: Bool = np.array([device.wearer is not None for device in devices], np.bool_)
        trigger_mg = [TRIGGER_G[device.placement] * MG_PER_G for device in devices]
        self._trigger_mg2: Float32 = np.square(np.array(trigger_mg, np.float32))
        self._windows = Windows(len(devices), before_s=BEFORE_S, after_s=STAGES_S[-1], stretch_s=PEAK_S)
        self._waiting: Int64 = np.zeros((len(devices), _WAITING), np.int64)
        self._until: Int64 = np.zeros(len(devices), np.int64)
        self._last: dict[int, tuple[int, float]] = {}

    @property
    def nbytes(self) -> int:
        """Memory of all wearables' samples and candidates."""
        own = (self._worn, self._trigger_mg2, self._waiting, self._until)
        return self._windows.nbytes + sum(one.nbytes for one in own)

    def update(self, batch: AccelerationBatch, /) -> Facts:
        """Falls that became known by these packets, in their order."""
        facts: Facts = []
        for step in self._windows.take(batch, self._worn[batch.device] & ~batch.retained):
            self._note(step)
            for ripe in (self._again(step), self._ripe(step)):
                if ripe is not None:
                    facts += self._decide(batch, ripe)
        return sorted(facts, key=lambda fact: (fact.seq, fact.t_ns))

    def next_due(self) -> int | None:
        """Nothing: a fall is known by samples, not by time having passed."""
        return None

    def tick(self, now_ns: int, /) -> Facts:  # noqa: ARG002
        """Nothing."""
        return []

    def snapshot(self) -> Snapshot:
        """Time of each device's newest fall; the windows and what waits in them are refilled from the log."""
        return {self._registry[row].key: {"fall_ns": at_ns, "impact_g": impact_g} for row, (at_ns, impact_g) in sorted(self._last.items())}

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over the newest falls."""
        for row, device in enumerate(self._registry.devices):
            if device.key in snapshot:
                kept = snapshot[device.key]
                self._last[row] = (int(kept["fall_ns"]), float(kept.get("impact_g", 0.0)))

    def _note(self, step: Step) -> None:
        """Let the highest sample of each stretch wait where it is over the trigger, and nothing higher that waits is near.

        A stretch is so short that no other sample of it can be a candidate. What waits and is lower, but near, does so no longer.
        """
        high = step.highest_mg2 >= self._trigger_mg2[step.device]
        rows = np.flatnonzero(high & (step.fills | (step.start >= step.was)))
        if not rows.size:
            return
        device, start, length = step.device[rows], step.start[rows], (step.end - step.start)[rows]
        column = np.arange(int(length.max()))
        found_mg2 = magnitude_mg2(self._windows.stretches(device, start, len(column)))
        if (length < len(column)).any():
            found_mg2[column >= length[:, None]] = -1.0
        highest = np.argmax(found_mg2, axis=1)
        new, new_mg2 = start + highest, found_mg2[np.arange(len(rows)), highest][:, None]
        waiting = self._waiting[device]
        rate_hz = self._windows.rate_hz(device)
        stale = waiting + _samples(STAGES_S[-1], rate_hz)[:, None] < step.was[rows, None]
        known_mg2 = np.where(stale, np.float32(-1.0), magnitude_mg2(self._windows.samples(device[:, None], waiting)))
        near = ~stale & (np.abs(waiting - new[:, None]) <= _samples(PEAK_S, rate_hz)[:, None])
        wins = (known_mg2 > new_mg2) | ((known_mg2 == new_mg2) & (waiting <= new[:, None]))  # of equals the first
        enters = ~(near & wins).any(axis=1)
        free = stale | (near & ~wins)
        waiting[free] = 0
        waiting[np.flatnonzero(enters), np.argmax(free, axis=1)[enters]] = new[enters]
        self._waiting[device[enters]] = waiting[enters]
        until = new + _samples(STAGES_S[-1], rate_hz) + 1
        self._until[device[enters]] = np.maximum(self._until[device], until)[enters]

    def _ripe(self, step: Step) -> _Candidates | None:
        """What waits and has reached a stage by this step."""
        rows = np.flatnonzero(self._until[step.device] > step.was)
        if not rows.size:
            return None
        device, was, head = step.device[rows], step.was[rows, None], step.head[rows, None]
        waiting, rate_hz = self._waiting[device], self._windows.rate_hz(device)
        found = []
        for stage, stage_s in enumerate(STAGES_S):
            last = waiting + _samples(stage_s, rate_hz)[:, None]
            row, column = np.nonzero((waiting > 0) & (last >= was) & (last < head))
            found.append((row, waiting[row, column], np.full(len(row), stage), last[row, column]))
        row, position, stages, last = (np.concatenate(column) for column in zip(*found, strict=True))
        if not len(row):
            return None
        order = np.lexsort((position, last, row))
        return _Candidates(step.packet[rows][row], device[row], position, stages)[order]

    def _again(self, step: Step) -> _Candidates | None:
        """What had reached its last stage, with a hole that has been filled by this step."""
        rows = np.flatnonzero(step.fills)
        if not rows.size:
            return None
        device = step.device[rows]
        rate_hz = self._windows.rate_hz(device)
        after = _samples(STAGES_S[-1], rate_hz)
        begin = np.maximum(step.start[rows] - after, self._windows.oldest(device))
        end = np.minimum(step.end[rows] + _samples(BEFORE_S, rate_hz), step.was[rows] - after)
        position = begin[:, None] + np.arange(max(int((end - begin).max()), 0))
        mg2 = magnitude_mg2(self._windows.samples(device[:, None], position))
        row, column = np.nonzero((mg2 >= self._trigger_mg2[device][:, None]) & (position < end[:, None]))
        if not len(row):
            return None
        return _Candidates(step.packet[rows][row], device[row], position[row, column], np.full(len(row), len(STAGES_S) - 1))

    def _decide(self, batch: AccelerationBatch, ripe: _Candidates) -> Facts:
        """Falls among candidates."""
        ripe = ripe[self._are_peaks(ripe)]
        if self._last:  # what is told already need not be judged
            ripe = ripe[~self._are_told(ripe)]
        verdicts = dict(self._judged(ripe))
        facts: Facts = []
        for which in range(len(ripe.device) if verdicts else 0):
            row, packet = int(ripe.device[which]), int(ripe.packet[which])
            verdict = verdicts.get(which)
            impact = ripe.position[which : which + 1] + (verdict.hardest if verdict else 0)
            ((at_ns, impact_g),) = self._impacts(ripe.device[which : which + 1], impact)
            if self._joins(row, at_ns, impact_g) or verdict is None:
                continue
            device = self._registry[row]
            self._last[row] = (at_ns, impact_g)
            facts.append(
                Event(
                    community_id=device.community_id,
                    kind=EventKind.FALL,
                    subject=device.wearer or PersonId(""),
                    t_ns=at_ns,
                    known_ns=int(batch.received_ns[packet]),
                    seq=int(batch.seq[packet]),
                    device_id=device.id,
                    resident_id=device.wearer,
                    home_id=device.home,
                    score=verdict.score,
                    cause=device.id,
                    evidence=verdict.evidence,
                )
            )
        return facts

    def _are_peaks(self, ripe: _Candidates) -> Bool:
        """Which are over the trigger and the highest within `PEAK_S`; what is not waits no longer."""
        answer = np.zeros(len(ripe.device), np.bool_)
        reach = _samples(PEAK_S, self._windows.rate_hz(ripe.device))
        for width in np.unique(reach).tolist():  # one per sampling rate
            same = np.flatnonzero(reach == width)
            mg2 = magnitude_mg2(self._windows.stretches(ripe.device[same], ripe.position[same] - width, 2 * width + 1))
            is_high = mg2[:, width] >= self._trigger_mg2[ripe.device[same]]
            answer[same] = is_high & (np.argmax(mg2, axis=1) == width)  # of equals the first
        device, position = ripe.device[~answer], ripe.position[~answer]
        row, column = np.nonzero(self._waiting[device] == position[:, None])
        self._waiting[device[row], column] = 0
        return answer

    def _judged(self, ripe: _Candidates) -> Iterator[tuple[int, Verdict]]:
        """Index of each candidate that is a fall, and its verdict; windows of one rate and stage are judged at once."""
        rate_hz = self._windows.rate_hz(ripe.device)
        for hz in np.unique(rate_hz).tolist():
            for stage, stage_s in enumerate(STAGES_S):
                which = np.flatnonzero((rate_hz == hz) & (ripe.stage == stage))
                if not which.size:
                    continue
                before, after = round(BEFORE_S * hz), round(stage_s * hz)
                samples = self._windows.stretches(ripe.device[which], ripe.position[which] - before, before + 1 + after)
                placements = [self._placements[row] for row in ripe.device[which].tolist()]
                verdicts = judge(*_in_g(samples), hz, placements, stage)
                yield from ((one, verdict) for one, verdict in zip(which.tolist(), verdicts, strict=True) if verdict is not None)

    def _are_told(self, ripe: _Candidates) -> Bool:
        """Which impacts belong to their devices' newest falls."""
        each = zip(ripe.device.tolist(), self._impacts(ripe.device, ripe.position), strict=True)
        return np.array([self._joins(row, *impact) for row, impact in each], np.bool_)

    def _joins(self, row: int, at_ns: int, impact_g: float) -> bool:
        """Whether an impact belongs to its device's newest fall, which is then at least as hard."""
        last_ns, last_g = self._last.get(row, (_NEVER_NS, 0.0))
        apart_ns = abs(at_ns - last_ns)
        if apart_ns < SAME_S * NS_PER_S:
            self._last[row] = last_ns, max(last_g, impact_g)
            return True
        return apart_ns < REFRACTORY_S * NS_PER_S and impact_g <= last_g + _SAME_G

    def _impacts(self, device: Int64, position: Int64) -> Iterator[tuple[int, float]]:
        """When each sample was measured, and its magnitude in g."""
        impact_g = np.sqrt(magnitude_mg2(self._windows.samples(device, position))) / MG_PER_G
        return zip(self._windows.time_ns(device, position).tolist(), impact_g.tolist(), strict=True)


def _samples(seconds: float, rate_hz: np.ndarray) -> Int64:
    return np.rint(seconds * rate_hz).astype(np.int64)


def _in_g(samples: Int16) -> tuple[Float32, Bool]:
    """(K, 3, W) in g, NaN where nothing is known, and (K, W) whether something is."""
    known = samples[..., 3] != 0
    accel_g = np.empty((len(samples), 3, samples.shape[1]), np.float32)
    np.divide(samples[..., :3].transpose(0, 2, 1), np.float32(MG_PER_G), out=accel_g)
    if not known.all():
        np.copyto(accel_g, np.nan, where=~known[:, None, :])
    return accel_g, known
