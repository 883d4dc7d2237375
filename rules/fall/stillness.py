"""Long lie: who has fallen does not get up. It goes on from falls, whatever rule finds them.

How much somebody moves is the standard deviation of the acceleration's magnitude over a second: gravity is constant in it, whichever way
the device is turned. A long lie is an hour on the floor in the literature. Of people over 90 who fell, 80 % could not get up at least
once and 30 % lay for an hour, and did not use the alarm they had (Fleming and Brayne, BMJ 2008, 337:a2227); half of those who lay for an
hour were dead within six months (Wild, Nayak and Isaacs, BMJ 1981, 282:266). The harm is in the waiting, so an hour is no limit to wait
for: stillness is told as it goes on, from 10 s, and that nobody has walked after 10 minutes. What of it reaches whom is the incident's
business (docs/adr/0012-what-comes-after-a-fall.md).
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields

import numpy as np

from devices.model import NS_PER_MS, NS_PER_S, Bool, Device, Float64, Int64, PersonId, Placement
from devices.sensors.acceleration import AccelerationBatch
from devices.sensors.button import ButtonBatch, Press
from rules.fall.windows import spread
from rules.kinds import EventKind
from rules.model import Event, Facts, Snapshot
from rules.premises import Premises

STILL_MARKS_S = (10, 30, 60, 120, 300, 600, 1800, 3600)
"""So long still is a long lie, and said anew."""

DOWN_MARKS_S = (600, 1800, 3600)
"""So long without walking, however much an arm moves."""

STILL_G = 0.08
"""A second with less is still. Acted falls lie at 0.005 (median, SisFall's waists) and 0.03 (WEDA-FALL's wrists)."""

STRUGGLE_S = 60
"""Stillness begins so soon after the impact: later somebody may have got up unseen, and sits."""

STILL_SHARE, KNOWN_SHARE = 0.9, 0.8
"""Of the seconds that are known so many must be still, and so many must be known at all: silence is not stillness."""

DOWN_S = 600
"""Of these newest seconds so many as `KNOWN_SHARE` must be known, where nobody has walked."""

WALK_G, WALK_S, WALK_OF_S = 0.10, 10, 15
"""Walking moves more than this in so many of so many seconds."""

UNEVEN = {Placement.WAIST: 0.3, Placement.CHEST: 0.3}
UNEVEN_ELSEWHERE = 0.7
"""And evenly: the standard deviation of the seconds' movements is at most this share of their mean. Who struggles on the floor moves in
bursts, and is neither still nor up. It costs none of the 193 walks that move enough (94 of SisFall's waists; 59 of WEDA-FALL's and 40 of
SmartFallMM's wrists). Where arms swing as they like it helps less: docs/reference/rules/long_lie.md."""

SETTLE_S = 5
"""The impact and the bouncing after it are no walk."""

WATCH_S = 3600
"""How long after a fall a recovery is looked for."""

KEPT_S = 240
"""A packet that comes later than this is too late; of what is older only how it was is remembered."""

SAME_FALL_NS = 10 * NS_PER_S
"""Two devices of one person that find a fall within this found the same one."""

PATIENCE_NS = NS_PER_S
"""Between knowing and telling: a cancel, or the steps that follow, may be in the same burst of buffered readings."""

_UNKNOWN, _STILL, _MOVING = "?", ".", "-"

Evidence = dict[str, float | int | str | bool]


@dataclass(slots=True, kw_only=True)
class _Watch:
    """What is known of one device since its newest fall, in whole seconds since the impact.

    Attributes
    ----------
    fall_ns : int
        The impact.
    uneven : float
        How uneven a walk may be where the device is worn.
    rate_hz : float
        Of the newest packet.
    sums : mapping
        Second to (count, sum, sum of squares) of the magnitude in whole milli-g, which add up in any order.
    past : str
        How each second was that is too long ago for `sums`: unknown, still or moving.
    until_s : int
        End of the newest second of which anything is known.
    is_over : bool
        Cancelled, recovered, or too long ago. Kept, so that the same fall is not taken up again.
    still_s, down_s : int
        The longest that was found of both marks.
    judged_s : int
        Up to here it was looked for.
    lies : list of (int, evidence)
        End of each long lie that is known and not yet told, and why.
    walk_s : int
        First second of the walking that is known; -1 for none.
    due_ns : int
        When to tell; 0 if there is nothing.
    """

    fall_ns: int
    uneven: float = UNEVEN_ELSEWHERE
    rate_hz: float = 0.0
    sums: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    past: str = ""
    until_s: int = 0
    is_over: bool = False
    still_s: int = 0
    down_s: int = 0
    judged_s: int = 0
    lies: list[tuple[int, Evidence]] = field(default_factory=list)
    walk_s: int = -1
    due_ns: int = 0

    def add(self, second: int, count: int, total_mg: int, squares_mg2: int) -> None:
        """Add samples of one second."""
        known = self.sums.get(second, (0, 0, 0))
        self.sums[second] = (known[0] + count, known[1] + total_mg, known[2] + squares_mg2)
        self.until_s = max(self.until_s, second + 1)

    def movement_g(self, first: int, end: int) -> Float64:
        """(end - first,) g: standard deviation of the magnitude in each second; NaN where less than half of it is known."""
        if end <= first:
            return np.zeros(0)
        count, total_mg, squares_mg2 = np.array([self.sums.get(second, (0, 0, 0)) for second in range(first, end)], np.float64).T
        enough = np.maximum(self.rate_hz / 2.0, 2.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            variance_mg2 = squares_mg2 / count - np.square(total_mg / count)
        return np.where(count >= enough, np.sqrt(np.maximum(variance_mg2, 0.0)) / 1000.0, np.nan)

    def judge(self, first: int, known_ns: int) -> None:
        """Look at what the seconds from `first` on have changed, known at `known_ns`."""
        start = max(SETTLE_S, len(self.past), first - WALK_OF_S + 1)
        if self.walk_s < 0 and self.until_s - start >= WALK_OF_S:
            self.walk_s = _walk(self.movement_g(start, self.until_s), start, self.uneven)
        until_s = self.until_s if self.walk_s < 0 else min(self.until_s, self.walk_s)
        judged_s, self.judged_s = min(self.judged_s, first), until_s
        if judged_s < until_s:
            self.lies += self._found(judged_s, until_s)
        if self.walk_s >= 0 or self.lies:
            self.due_ns = self.due_ns or known_ns + PATIENCE_NS
        self._put_by()

    def _found(self, judged_s: int, until_s: int) -> Iterator[tuple[int, Evidence]]:
        """Long lies that end after `judged_s`, the earliest first; of two that end together the longer."""
        is_known, is_still = self._seconds(until_s)
        known, still = (np.concatenate(([0], np.cumsum(one))) for one in (is_known, is_still))
        found: dict[int, tuple[str, int]] = {}
        for mark_s in STILL_MARKS_S:
            end = np.arange(max(judged_s + 1, mark_s), min(until_s, mark_s + STRUGGLE_S) + 1)
            lies: Bool = np.ones(len(end), np.bool_)
            for span_s in {mark_s, STILL_MARKS_S[0]}:  # and still now: not at the beginning of a walk
                known_s, still_s = known[end] - known[end - span_s], still[end] - still[end - span_s]
                lies &= (known_s >= KNOWN_SHARE * span_s) & (still_s >= STILL_SHARE * known_s)
            ends = end[lies]
            if mark_s > self.still_s and len(ends):
                self.still_s = mark_s
                found[int(ends[0])] = ("still_s", mark_s)
        for mark_s in DOWN_MARKS_S:
            if mark_s > self.down_s and judged_s < mark_s <= until_s:
                counts = [int(one[mark_s] - one[mark_s - DOWN_S]) for one in (known, still)]
                if counts[0] >= KNOWN_SHARE * DOWN_S and counts[1] < STILL_SHARE * counts[0]:
                    self.down_s = mark_s
                    found.setdefault(mark_s, ("down_s", mark_s))
        for end_s, (name, mark_s) in sorted(found.items()):
            since_s = end_s - (mark_s if name == "still_s" else DOWN_S)
            counts = [int(one[end_s] - one[since_s]) for one in (known, still)]
            movement_g = self.movement_g(max(since_s, len(self.past)), end_s)
            yield (
                end_s,
                {
                    "fall_t_ms": self.fall_ns // NS_PER_MS,
                    "since_fall_s": end_s,
                    name: mark_s,
                    "known_share": counts[0] / (end_s - since_s),
                    "still_share": counts[1] / counts[0],
                    "movement_g": float(np.nanmedian(movement_g)) if not np.isnan(movement_g).all() else 0.0,
                },
            )

    def _seconds(self, until_s: int) -> tuple[Bool, Bool]:
        """(until_s,) each: seconds that are known, and that are still."""
        past = np.frombuffer(self.past.encode(), np.uint8)
        movement_g = self.movement_g(len(self.past), until_s)
        is_known = np.concatenate((past != ord(_UNKNOWN), ~np.isnan(movement_g)))
        return is_known[:until_s], np.concatenate((past == ord(_STILL), movement_g <= STILL_G))[:until_s]

    def _put_by(self) -> None:
        """Remember of what is long ago only how it was."""
        first, end = len(self.past), max(len(self.past), min(self.until_s - KEPT_S, WATCH_S))
        for movement_g in self.movement_g(first, end).tolist():
            self.past += _STILL if movement_g <= STILL_G else _MOVING if movement_g > STILL_G else _UNKNOWN
        if end > first:
            self.sums = {second: sums for second, sums in self.sums.items() if second >= end}

    def tell(self) -> list[tuple[int, Evidence]]:
        """Take out what is to be told: no lie beyond the walk that ended it."""
        told = [one for one in sorted(self.lies, key=lambda one: one[0]) if self.walk_s < 0 or one[0] <= self.walk_s]
        self.lies, self.due_ns = [], 0
        return told

    def follow(self, other: "_Watch") -> None:
        """What another device of the same person has told is not told again."""
        self.still_s, self.down_s = max(self.still_s, other.still_s), max(self.down_s, other.down_s)
        self.lies = [one for one in self.lies if _mark(one[1], "still_s") > other.still_s or _mark(one[1], "down_s") > other.down_s]
        if not self.lies and self.walk_s < 0:
            self.due_ns = 0

    def end(self) -> None:
        """Look no further, and forget what was seen."""
        self.is_over, self.due_ns, self.lies, self.sums, self.past = True, 0, [], {}, ""


def _walk(movement_g: Float64, start: int, uneven: float) -> int:
    """First second of a walk; -1 if there is none. `movement_g` (N,) is of the seconds from `start` on, NaN where nothing is known."""
    moved = np.lib.stride_tricks.sliding_window_view(movement_g, WALK_OF_S)
    walks = movement_g > WALK_G
    enough = np.lib.stride_tricks.sliding_window_view(walks, WALK_OF_S).sum(axis=1) >= WALK_S
    for place in np.flatnonzero(enough).tolist():
        if np.nanstd(moved[place]) <= uneven * np.nanmean(moved[place]):
            return start + place + int(np.argmax(walks[place:]))
    return -1


def _mark(evidence: Evidence, name: str) -> int:
    return int(evidence.get(name, 0))


class LongLie:
    """After a fall: a long lie where somebody lies still or does not walk, a recovery where somebody walks. Nothing where no packets come.

    A long lie is an event at each mark it reaches. A recovery is one too, and ends the watch, as the wearer's cancel does that was pressed
    after the impact, and a later fall. Who struggles is neither still nor up. Facts come by time, a second after they are known, so what
    arrives in one burst is judged as one. Fails where somebody gets up and sits down without ten steps (told as not up after 10 minutes),
    and where the device is taken off after the fall: a table is still. That is told all the same, because nobody can tell the two apart,
    and whoever looks finds a person or a watch.

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
                lies = [(end_s, evidence) for end_s, evidence in kept.get("lies", [])]
                state = {**kept, "sums": sums, "lies": lies}  # one of before 0.3 has other fields too
                self._watches[row] = watch = _Watch(**{one.name: state[one.name] for one in fields(_Watch) if one.name in state})
                self._watched[row] = not watch.is_over
                self._since_seq[row] = -1

    def _begin(self, row: int, fall: Event) -> None:
        watch = self._watches.get(row)
        if not self._whose(row)[1] or (watch is not None and fall.t_ns <= watch.fall_ns):
            return
        self._end(self._of_wearer(row, fall.t_ns - SAME_FALL_NS))
        uneven = UNEVEN.get(self._registry[row].placement, UNEVEN_ELSEWHERE)
        self._watches[row], self._since_seq[row], self._watched[row] = _Watch(fall_ns=fall.t_ns, uneven=uneven), fall.seq, True
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
        new = [part for part in seconds if part[0] >= len(watch.past)]
        if watch.is_over or watch.walk_s >= 0 or int(batch.seq[index]) < self._since_seq[row] or not new:
            return
        watch.rate_hz = float(batch.rate_hz[index])
        for part in new:
            watch.add(*part)
        watch.judge(new[0][0], int(batch.received_ns[index]))
        if watch.until_s > WATCH_S + STRUGGLE_S and not watch.due_ns:
            self._end([row])

    def _tell(self, row: int, now_ns: int) -> Facts:
        watch, facts = self._watches[row], Facts()
        for end_s, evidence in watch.tell():
            facts.append(self._event(EventKind.LONG_LIE, row, end_s, now_ns, evidence))
        for other in self._of_wearer(row, watch.fall_ns + SAME_FALL_NS):
            if other != row:
                self._watches[other].follow(watch)
        if watch.walk_s >= 0:
            evidence = {"fall_t_ms": watch.fall_ns // NS_PER_MS, "since_fall_s": watch.walk_s}
            facts.append(self._event(EventKind.RECOVERED, row, watch.walk_s, now_ns, evidence))
            self._end(self._of_wearer(row, watch.fall_ns + watch.walk_s * NS_PER_S))
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
