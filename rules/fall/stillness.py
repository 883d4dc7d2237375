"""Long lie: who has fallen does not get up. It goes on from falls, whatever rule finds them.

How much somebody moves is the standard deviation of the acceleration's magnitude over a second: gravity is constant in it, whichever way
the device is turned. A long lie is an hour on the floor in the literature. Of people over 90 who fell, 80 % could not get up at least
once and 30 % lay for an hour, and did not use the alarm they had (Fleming and Brayne, BMJ 2008, 337:a2227); half of those who lay for an
hour were dead within six months (Wild, Nayak and Isaacs, BMJ 1981, 282:266). The harm is in the waiting, so an hour is no limit to wait
for: this tells after 2 minutes without movement, and after 10 without a walk.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

import numpy as np

from devices.model import NS_PER_MS, NS_PER_S, Bool, Device, Float64, Int64, PersonId
from devices.sensors.acceleration import AccelerationBatch
from devices.sensors.button import ButtonBatch, Press
from rules.fall.windows import spread
from rules.kinds import EventKind
from rules.model import Event, Facts, Snapshot
from rules.premises import Premises

STILL_G = 0.08
"""A second with less is still. Acted falls lie at 0.005 (median, SisFall's waists) and 0.03 (WEDA-FALL's wrists)."""

WALK_G, WALK_S, WALK_OF_S = 0.10, 10, 15
"""Walking moves more than this in so many of so many seconds. That finds 98 % of old people's walks at the waist (SisFall), 67 and 95 %
at the wrist (WEDA-FALL, SmartFallMM), and 2 of 152 recordings of sitting and lying; 0.15 g would find 83, 20 and 79 %."""

SETTLE_S = 5
"""The impact and the bouncing after it say nothing."""

STILL_S, STRUGGLE_S = 120, 60
"""So long still, beginning within a minute of the impact: who struggles and then gives up is told as well."""

LYING_S = 600
"""So long without walking, however much an arm moves."""

STILL_SHARE, KNOWN_SHARE = 0.9, 0.8
"""Of the seconds that are known so many must be still, and so many must be known at all: silence is not stillness."""

WATCH_S = 3600
"""How long after a fall a recovery is looked for."""

KEPT_S, KEPT_AFTER_S = 720, 60
"""Seconds that are remembered until a long lie is known, and afterwards, when only a walk is looked for; a later packet is too late."""

PATIENCE_NS = NS_PER_S
"""Between knowing and telling: a cancel, or the steps that follow, may be in the same burst of buffered readings."""

Evidence = dict[str, float | int | str | bool]


@dataclass(slots=True, kw_only=True)
class _Watch:
    """What is known of one device since its newest fall, in whole seconds since the impact.

    Attributes
    ----------
    fall_ns : int
        The impact.
    rate_hz : float
        Of the newest packet.
    sums : mapping
        Second to (count, sum, sum of squares) of the magnitude in whole milli-g, which add up in any order.
    until_s : int
        End of the newest second of which anything is known.
    is_over : bool
        Cancelled, recovered, or too long ago. Kept, so that the same fall is not taken up again.
    is_lie : bool
        It was found to be a long lie.
    judged_s : int
        Up to here it was looked for.
    lie_s, evidence
        End of the long lie that is known and not yet told, and why; -1 for none.
    walk_s : int
        First second of the walking that is known; -1 for none.
    due_ns : int
        When to tell; 0 if there is nothing.
    """

    fall_ns: int
    rate_hz: float = 0.0
    sums: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    until_s: int = 0
    is_over: bool = False
    is_lie: bool = False
    judged_s: int = 0
    lie_s: int = -1
    evidence: Evidence = field(default_factory=dict)
    walk_s: int = -1
    due_ns: int = 0

    @property
    def since_s(self) -> int:
        """Oldest second that is looked at."""
        return max(0, self.until_s - (KEPT_AFTER_S if self.is_lie else KEPT_S))

    def add(self, second: int, count: int, total_mg: int, squares_mg2: int) -> None:
        """Add samples of one second."""
        known = self.sums.get(second, (0, 0, 0))
        self.sums[second] = (known[0] + count, known[1] + total_mg, known[2] + squares_mg2)
        self.until_s = max(self.until_s, second + 1)

    def movement_g(self, first: int, end: int) -> Float64:
        """(end - first,) g: standard deviation of the magnitude in each second; NaN where less than half of it is known."""
        count, total_mg, squares_mg2 = np.array([self.sums.get(second, (0, 0, 0)) for second in range(first, end)], np.float64).T
        enough = np.maximum(self.rate_hz / 2.0, 2.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            variance_mg2 = squares_mg2 / count - np.square(total_mg / count)
        return np.where(count >= enough, np.sqrt(np.maximum(variance_mg2, 0.0)) / 1000.0, np.nan)

    def judge(self, first: int, known_ns: int) -> None:
        """Look at what the seconds from `first` on have changed, known at `known_ns`."""
        start = max(SETTLE_S, first - WALK_OF_S + 1)
        if self.walk_s < 0 and self.until_s - start >= WALK_OF_S:
            walks = self.movement_g(start, self.until_s) > WALK_G
            enough = np.flatnonzero(np.convolve(walks, np.ones(WALK_OF_S), "valid") >= WALK_S)
            if len(enough):
                self.walk_s = start + int(enough[0]) + int(np.argmax(walks[enough[0] :]))
        self._judge_lying(first)
        if self.walk_s >= 0 or self.lie_s >= 0:
            self.due_ns = self.due_ns or known_ns + PATIENCE_NS
        if len(self.sums) > KEPT_AFTER_S:
            self.sums = {second: sums for second, sums in self.sums.items() if second >= self.since_s}

    def _judge_lying(self, first: int) -> None:
        until_s = self.until_s if self.walk_s < 0 else min(self.until_s, self.walk_s)
        judged_s, self.judged_s = min(self.judged_s, first), until_s
        ends = [end for end in (*range(STILL_S, STILL_S + STRUGGLE_S + 1), LYING_S) if judged_s < end <= until_s]
        for end in [] if self.is_lie else ends:
            lasts_s, least = (LYING_S, 0.0) if end == LYING_S else (STILL_S, STILL_SHARE)
            movement_g = self.movement_g(max(end - lasts_s, SETTLE_S), end)
            known = movement_g[~np.isnan(movement_g)]
            known_share = len(known) / len(movement_g)
            if known_share >= KNOWN_SHARE and np.mean(known <= STILL_G) >= least:
                self.is_lie, self.lie_s = True, end
                self.evidence = {
                    "fall_t_ms": self.fall_ns // NS_PER_MS,
                    "since_fall_s": end,
                    "known_share": known_share,
                    "still_share": float(np.mean(known <= STILL_G)),
                    "movement_g": float(np.median(known)),
                }
                break

    def end(self) -> None:
        """Look no further, and forget what was seen."""
        self.is_over, self.due_ns, self.lie_s, self.evidence = True, 0, -1, {}
        self.sums = {}


class LongLie:
    """After a fall: a long lie where somebody lies still or does not walk, a recovery where somebody walks. Nothing where no packets come.

    A recovery is an event of its own, once; before a long lie it takes its place, after one it is noted. The wearer's cancel, pressed after
    the impact, ends the watch. Facts come by time, a second after they are known, so what arrives in one burst is judged as one.
    Fails where somebody gets up and sits down without ten steps (told after 10 minutes all the same), and where the device is taken off
    after the fall (a table is still).

    Parameters
    ----------
    premises
        Who wears what.
    """

    name = "long_lie"
    window_s = 0.0

    def __init__(self, premises: Premises) -> None:
        self._registry = premises.registry
        self._watches: dict[int, _Watch] = {}
        self._since_seq: dict[int, int] = {}
        self._watched: Bool = np.zeros(len(premises.registry), np.bool_)
        self._cancel_ns: dict[tuple[str, str], int] = {}

    def hear(self, facts: Facts, /) -> None:
        """Begin to watch whose fall another rule has found."""
        for fact in facts:
            if isinstance(fact, Event) and fact.kind is EventKind.FALL and fact.device_id is not None:
                row = self._registry.row(fact.community_id, fact.device_id)
                if row is not None:
                    self._begin(row, fact)

    def update(self, batch: AccelerationBatch | ButtonBatch, /) -> Facts:
        """Take packets of who is watched, and cancels; facts come by time."""
        if isinstance(batch, ButtonBatch):
            self._take_cancels(batch)
        elif (rows := np.flatnonzero(self._watched[batch.device] & ~batch.retained)).size:
            self._take_packets(batch, rows)
        return []

    def next_due(self) -> int | None:
        """When what is known is to be told."""
        return min((watch.due_ns for watch in self._watches.values() if watch.due_ns), default=None)

    def tick(self, now_ns: int, /) -> Facts:
        """Tell what is known."""
        due = [row for row, watch in self._watches.items() if 0 < watch.due_ns <= now_ns]
        facts: Facts = []
        for row in sorted(due, key=lambda row: self._registry[row].key):
            facts += self._tell(row, now_ns)
        return facts

    def snapshot(self) -> Snapshot:
        """Each device's newest fall and what is known since; each wearer's newest cancel."""
        state: dict[str, object] = {f"{community}/person:{person}": at_ns for (community, person), at_ns in self._cancel_ns.items()}
        for row, watch in self._watches.items():
            state[self._registry[row].key] = asdict(watch) | {"sums": [[second, *sums] for second, sums in watch.sums.items()]}
        return state

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over what `snapshot` said."""
        for row, device in enumerate(self._registry.devices):
            if (cancel_ns := snapshot.get(f"{device.community_id}/person:{_wearer(device)}")) is not None:
                self._cancel_ns[device.community_id, _wearer(device)] = cancel_ns
            if (kept := snapshot.get(device.key)) is not None:
                sums = {second: (count, total, squares) for second, count, total, squares in kept["sums"]}
                self._watches[row] = watch = _Watch(**{**kept, "sums": sums})
                self._watched[row] = not watch.is_over
                self._since_seq[row] = -1

    def _begin(self, row: int, fall: Event) -> None:
        watch = self._watches.get(row)
        if not self._whose(row)[1] or (watch is not None and fall.t_ns <= watch.fall_ns):
            return
        self._watches[row], self._since_seq[row], self._watched[row] = _Watch(fall_ns=fall.t_ns), fall.seq, True
        if self._cancel_ns.get(self._whose(row), 0) >= fall.t_ns:
            self._end([row])

    def _take_cancels(self, batch: ButtonBatch) -> None:
        for index in np.flatnonzero((batch.press == Press.CANCEL) & ~batch.retained).tolist():
            row, at_ns = int(batch.device[index]), int(batch.time_ns[index])
            if (whose := self._whose(row))[1]:
                self._cancel_ns[whose] = max(at_ns, self._cancel_ns.get(whose, 0))
                self._end(self._of_wearer(row, at_ns))

    def _take_packets(self, batch: AccelerationBatch, rows: Int64) -> None:
        """Sum the magnitudes of all packets of watched devices by second, and judge packet by packet."""
        owner, sample = spread(batch.offset[rows], np.diff(batch.offset)[rows])
        fall_ns = np.array([self._watches[device].fall_ns for device in batch.device[rows].tolist()], np.int64)
        step_ns = np.rint((sample - batch.offset[rows][owner]) * (NS_PER_S / batch.rate_hz[rows][owner])).astype(np.int64)
        second = (batch.time_ns[rows][owner] + step_ns - fall_ns[owner]) // NS_PER_S
        magnitude_mg = np.rint(1000.0 * np.sqrt(np.square(batch.accel_g[:, sample], dtype=np.float64).sum(axis=0))).astype(np.int64)
        start = np.flatnonzero(np.concatenate(([True], (np.diff(owner) != 0) | (np.diff(second) != 0))))
        parts = zip(
            owner[start].tolist(),
            second[start].tolist(),
            np.diff(np.append(start, len(owner))).tolist(),
            np.add.reduceat(magnitude_mg, start).tolist(),
            np.add.reduceat(np.square(magnitude_mg), start).tolist(),
            strict=True,
        )
        of_packet: dict[int, list[tuple[int, int, int, int]]] = {}
        for packet, *part in parts:
            of_packet.setdefault(packet, []).append((part[0], part[1], part[2], part[3]))
        for packet, seconds in of_packet.items():
            self._take_packet(batch, int(rows[packet]), seconds)

    def _take_packet(self, batch: AccelerationBatch, index: int, seconds: list[tuple[int, int, int, int]]) -> None:
        row = int(batch.device[index])
        watch = self._watches[row]
        new = [part for part in seconds if part[0] >= watch.since_s]
        if watch.is_over or watch.walk_s >= 0 or int(batch.seq[index]) < self._since_seq[row] or not new:
            return
        watch.rate_hz = float(batch.rate_hz[index])
        for part in new:
            watch.add(*part)
        watch.judge(new[0][0], int(batch.received_ns[index]))
        if watch.until_s > WATCH_S and not watch.due_ns:
            self._end([row])

    def _tell(self, row: int, now_ns: int) -> Facts:
        watch, facts = self._watches[row], Facts()
        if watch.lie_s >= 0 and (watch.walk_s < 0 or watch.lie_s <= watch.walk_s):
            facts.append(self._event(EventKind.LONG_LIE, row, watch.lie_s, now_ns, watch.evidence))
            for other in self._of_wearer(row, watch.fall_ns + watch.lie_s * NS_PER_S):
                self._watches[other].is_lie = True
                self._watches[other].lie_s = -1
        if watch.walk_s >= 0:
            evidence: Evidence = {"fall_t_ms": watch.fall_ns // NS_PER_MS, "since_fall_s": watch.walk_s}
            facts.append(self._event(EventKind.RECOVERED, row, watch.walk_s, now_ns, evidence))
            self._end(self._of_wearer(row, watch.fall_ns + watch.walk_s * NS_PER_S))
        watch.due_ns, watch.lie_s, watch.evidence = 0, -1, {}
        return facts

    def _event(self, kind: EventKind, row: int, after_s: int, now_ns: int, evidence: Evidence) -> Event:
        device = self._registry[row]
        return Event(
            community_id=device.community_id,
            kind=kind,
            subject=_wearer(device),
            t_ns=self._watches[row].fall_ns + after_s * NS_PER_S,
            known_ns=now_ns,
            seq=-1,
            device_id=device.id,
            resident_id=_wearer(device),
            home_id=device.home,
            score=float(evidence.get("known_share", 1.0)),
            cause=device.id,
            evidence=evidence,
        )

    def _of_wearer(self, row: int, at_ns: int) -> list[int]:
        """Rows of what the same person wears, where it watches after a fall that was before a time."""
        whose = self._whose(row)
        return [other for other, watch in self._watches.items() if watch.fall_ns <= at_ns and self._whose(other) == whose]

    def _whose(self, row: int) -> tuple[str, str]:
        device = self._registry[row]
        return device.community_id, _wearer(device)

    def _end(self, rows: Iterable[int]) -> None:
        for row in list(rows):
            self._watches[row].end()
            self._watched[row] = False


def _wearer(device: Device) -> PersonId:
    return device.wearer or device.sole_occupant or PersonId("")
