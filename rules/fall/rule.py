"""Falls of people who wear an accelerometer: trigger, candidates, stages.

A sample over the trigger of its placement that is the highest within a second is a candidate. The window around it is judged when its
first stage has been received, and once more at each later stage where nothing came of it: an early word for the certain falls, the final
one for the others. Source: trigger and verification in two steps, as Bourke et al. (Gait & Posture 2007, 26:194) and most after them.
Fails on: falls so soft that no sample reaches the trigger, a device that is not worn.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from devices.model import NS_PER_S, Bool, Float32, Int64, PersonId, Placement
from devices.sensors.acceleration import AccelerationBatch
from rules.fall.slots import MG_PER_G, Int16, magnitude_mg2
from rules.fall.verdict import BEFORE_S, STAGES_S, TRIGGER_G, Verdict, judge
from rules.fall.windows import Step, Windows, rounds
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

KEPT_FALLS = 8
"""Of each device, so many falls are remembered: what comes again late tells none of them again."""

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


class _Impacts:
    """Impacts in what devices send, which wait until the window around them has reached a stage.

    Parameters
    ----------
    trigger_mg2 : (N,) float32
        Squared magnitude from which on a device's sample is an impact, milli-g².
    """

    def __init__(self, trigger_mg2: Float32) -> None:
        least_g = float(np.sqrt(trigger_mg2.min(initial=np.inf))) / MG_PER_G
        self.windows = Windows(len(trigger_mg2), before_s=BEFORE_S, after_s=STAGES_S[-1], stretch_s=PEAK_S, least_g=least_g)
        self._trigger_mg2 = trigger_mg2
        self._waiting: Int64 = np.zeros((len(trigger_mg2), _WAITING), np.int64)
        self._until: Int64 = np.zeros(len(trigger_mg2), np.int64)

    @property
    def nbytes(self) -> int:
        """Memory of samples and candidates."""
        return self.windows.nbytes + self._waiting.nbytes + self._until.nbytes

    def take(self, batch: AccelerationBatch, packets: Int64) -> Iterator[_Candidates]:
        """Candidates that are to be judged by packets of a batch; each answer must be used before the next is asked for."""
        for step in self.windows.take(batch, packets):
            self._note(step)
            for ripe in (self._again(step), self._ripe(step)):
                if ripe is not None:
                    yield ripe[self._are_peaks(ripe)]

    def impacts(self, device: Int64, position: Int64) -> Iterator[tuple[int, float]]:
        """When each sample was measured, and its magnitude in g."""
        impact_g = np.sqrt(magnitude_mg2(self.windows.samples(device, position))) / MG_PER_G
        return zip(self.windows.time_ns(device, position).tolist(), impact_g.tolist(), strict=True)

    def judged(self, ripe: _Candidates, placements: Sequence[Placement]) -> Iterator[tuple[int, Verdict]]:
        """Index of each candidate that is a fall, and its verdict; windows of one rate and stage are judged at once."""
        rate_hz = self.windows.rate_hz(ripe.device)
        for hz in np.unique(rate_hz).tolist():
            for stage, stage_s in enumerate(STAGES_S):
                which = np.flatnonzero((rate_hz == hz) & (ripe.stage == stage))
                if not which.size:
                    continue
                before, after = round(BEFORE_S * hz), round(stage_s * hz)
                samples = self.windows.stretches(ripe.device[which], ripe.position[which] - before, before + 1 + after)
                worn_at = [placements[row] for row in ripe.device[which].tolist()]
                verdicts = judge(*_in_g(samples), hz, worn_at, stage)
                yield from ((one, verdict) for one, verdict in zip(which.tolist(), verdicts, strict=True) if verdict is not None)

    def _note(self, step: Step) -> None:
        """Let the highest sample of each stretch wait where it is over the trigger, and nothing higher that waits is near.

        A stretch is so short that no other sample of it can be a candidate. What waits and is lower, but near, does so no longer.
        """
        rows = np.flatnonzero(step.peak_mg2 >= self._trigger_mg2[step.device])
        if not rows.size:
            return
        device, new, new_mg2 = step.device[rows], step.peak[rows], step.peak_mg2[rows, None]
        waiting = self._waiting[device]
        rate_hz = self.windows.rate_hz(device)
        stale = waiting + _samples(STAGES_S[-1], rate_hz)[:, None] < step.was[rows, None]
        known_mg2 = np.where(stale, np.float32(-1.0), magnitude_mg2(self.windows.samples(device[:, None], waiting)))
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
        waiting, rate_hz = self._waiting[device], self.windows.rate_hz(device)
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
        rate_hz = self.windows.rate_hz(device)
        after = _samples(STAGES_S[-1], rate_hz)
        begin = np.maximum(step.start[rows] - after, self.windows.oldest(device))
        end = np.minimum(step.end[rows] + _samples(BEFORE_S, rate_hz), step.was[rows] - after)
        position = begin[:, None] + np.arange(max(int((end - begin).max()), 0))
        mg2 = magnitude_mg2(self.windows.samples(device[:, None], position))
        row, column = np.nonzero((mg2 >= self._trigger_mg2[device][:, None]) & (position < end[:, None]))
        if not len(row):
            return None
        return _Candidates(step.packet[rows][row], device[row], position[row, column], np.full(len(row), len(STAGES_S) - 1))

    def _are_peaks(self, ripe: _Candidates) -> Bool:
        """Which are over the trigger and the highest within `PEAK_S`; what is not waits no longer."""
        answer = np.zeros(len(ripe.device), np.bool_)
        reach = _samples(PEAK_S, self.windows.rate_hz(ripe.device))
        for width in np.unique(reach).tolist():  # one per sampling rate
            same = np.flatnonzero(reach == width)
            mg2 = magnitude_mg2(self.windows.stretches(ripe.device[same], ripe.position[same] - width, 2 * width + 1))
            is_high = mg2[:, width] >= self._trigger_mg2[ripe.device[same]]
            answer[same] = is_high & (np.argmax(mg2, axis=1) == width)  # of equals the first
        device, position = ripe.device[~answer], ripe.position[~answer]
        row, column = np.nonzero(self._waiting[device] == position[:, None])
        self._waiting[device[row], column] = 0
        return answer


class Fall:
    """One event per fall, within 4 s of its impact where packets last a second, and earlier for the certain ones.

    What comes from a past that is no longer held, minutes or hours late, is looked at apart, as if another device sent it.

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
        self._trigger_mg2: Float32 = np.square(np.array([TRIGGER_G[device.placement] * MG_PER_G for device in devices], np.float32))
        self._live = _Impacts(self._trigger_mg2)
        self._backlog: _Impacts | None = None
        self._falls: dict[int, list[tuple[int, float]]] = {}
        self._fell: Bool = np.zeros(len(devices), np.bool_)

    @property
    def nbytes(self) -> int:
        """Memory of all wearables' samples and candidates."""
        own = self._worn.nbytes + self._trigger_mg2.nbytes + self._fell.nbytes
        return own + self._live.nbytes + (self._backlog.nbytes if self._backlog else 0)

    def update(self, batch: AccelerationBatch, /) -> Facts:
        """Falls that became known by these packets, in their order."""
        facts: Facts = []
        for packets in rounds(batch, self._worn[batch.device] & ~batch.retained):
            for impacts, some in self._apart(batch, packets):
                for ripe in impacts.take(batch, some):
                    facts += self._decide(batch, impacts, ripe)
        return sorted(facts, key=lambda fact: (fact.seq, fact.t_ns))

    def next_due(self) -> int | None:
        """Nothing: a fall is known by samples, not by time having passed."""
        return None

    def tick(self, now_ns: int, /) -> Facts:  # noqa: ARG002
        """Nothing."""
        return []

    def snapshot(self) -> Snapshot:
        """Times of each device's newest falls; the windows and what waits in them are refilled from the log."""
        return {self._registry[row].key: {"falls": [list(fall) for fall in falls]} for row, falls in sorted(self._falls.items())}

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over the newest falls."""
        for row, device in enumerate(self._registry.devices):
            if device.key in snapshot:
                kept = snapshot[device.key]
                falls = kept["falls"] if "falls" in kept else [(kept["fall_ns"], kept.get("impact_g", 0.0))]  # of before 0.2
                self._falls[row], self._fell[row] = [(int(at_ns), float(impact_g)) for at_ns, impact_g in falls], True

    def _apart(self, batch: AccelerationBatch, packets: Int64) -> Iterator[tuple[_Impacts, Int64]]:
        """Packets that go on with what their devices sent, and those of a backlog: or of a clock set back, which then goes on there."""
        of_past = self._live.windows.are_past(batch, packets)
        if self._backlog is not None:
            back_s, ahead_s = (np.abs(one.windows.ahead_s(batch, packets)) for one in (self._backlog, self._live))
            of_past |= (back_s <= ahead_s) & ~batch.clock_wrong[packets]
        if not of_past.any():
            yield self._live, packets
            return
        self._backlog = self._backlog or _Impacts(self._trigger_mg2)
        yield self._live, packets[~of_past]
        yield self._backlog, packets[of_past]

    def _decide(self, batch: AccelerationBatch, impacts: _Impacts, ripe: _Candidates) -> Facts:
        """Falls among candidates."""
        ripe = ripe[~self._are_told(impacts, ripe)]  # these need not be judged
        verdicts = dict(impacts.judged(ripe, self._placements))
        if not verdicts:
            return []
        hardest = np.zeros(len(ripe.device), np.int64)
        hardest[list(verdicts)] = [verdict.hardest for verdict in verdicts.values()]
        of_fallen = np.flatnonzero(np.isin(ripe.device, ripe.device[list(verdicts)]))
        hits = impacts.impacts(ripe.device[of_fallen], (ripe.position + hardest)[of_fallen])
        facts: Facts = []
        for which, (at_ns, impact_g) in zip(of_fallen.tolist(), hits, strict=True):
            row, packet, verdict = int(ripe.device[which]), int(ripe.packet[which]), verdicts.get(which)
            if self._joins(row, at_ns, impact_g) or verdict is None:
                continue
            device = self._registry[row]
            self._falls[row] = [*self._falls.get(row, ())[-(KEPT_FALLS - 1) :], (at_ns, impact_g)]
            self._fell[row] = True
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

    def _are_told(self, impacts: _Impacts, ripe: _Candidates) -> Bool:
        """Which belong to falls of their devices that are told."""
        answer = np.zeros(len(ripe.device), np.bool_)
        rows = np.flatnonzero(self._fell[ripe.device])
        if rows.size:
            hits = impacts.impacts(ripe.device[rows], ripe.position[rows])
            answer[rows] = [self._joins(row, *hit) for row, hit in zip(ripe.device[rows].tolist(), hits, strict=True)]
        return answer

    def _joins(self, row: int, at_ns: int, impact_g: float) -> bool:
        """Whether an impact belongs to a fall of its device that is told, which is then at least as hard."""
        falls = self._falls.get(row, [])
        for which, (fall_ns, fall_g) in enumerate(falls):
            apart_ns = abs(at_ns - fall_ns)
            if apart_ns < SAME_S * NS_PER_S:
                falls[which] = fall_ns, max(fall_g, impact_g)
                return True
            if apart_ns < REFRACTORY_S * NS_PER_S and impact_g <= fall_g + _SAME_G:
                return True
        return False


def _samples(seconds: float, rate_hz: np.ndarray) -> Int64:
    return np.rint(seconds * rate_hz).astype(np.int64)


def _in_g(samples: Int16) -> tuple[Float32, Bool]:
    """(K, 3, W) in g, NaN where nothing is known, and (K, W) whether something is. The windows lie side by side in memory."""
    known = samples[..., 3] != 0
    accel_g = np.empty((3, *samples.shape[1::-1]), np.float32).transpose(2, 0, 1)
    np.copyto(accel_g, samples[..., :3].transpose(0, 2, 1))
    accel_g /= np.float32(MG_PER_G)
    if not known.all():
        np.copyto(accel_g, np.nan, where=~known[:, None, :])
    return accel_g, known
