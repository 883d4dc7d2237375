"""Wear: whether a wearable is worn, and whether what it sends could show a fall at all.

Nothing here holds a fall back: who is said not to wear the device and falls is told all the same. A device lies still on a table, and on
somebody who sleeps; so this takes long, and filters nothing.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

import numpy as np

from devices.model import NS_PER_S, Batch, Bool, DeviceKind, Float32, Float64, Int64
from devices.sensors.acceleration import AccelerationBatch
from devices.sensors.status import StatusBatch
from rules.faults.latch import Evidence, Latch
from rules.faults.runs import Runs
from rules.kinds import EventKind
from rules.model import Cancelled, Event, Facts, Snapshot, known
from rules.premises import Premises

RANGE_G = 0.05
"""What is not worn moves less than this on each axis (van Hees 2011, PLoS ONE 6(7):e22922, asks it of two of three). Breath, pulse and
posture move what is worn: no recording of 4,487 stays below it from end to end, of whom sits and lies either."""
OFF_NS, OFF_NIGHT_NS = 3600 * NS_PER_S, 135 * 60 * NS_PER_S
"""So long. By day van Hees's hour; by night the 135 minutes that were best against an electrocardiogram (Syed 2020, Scientific Reports
10:5866), because who sleeps soundly may lie still for an hour."""
CHARGE_NS = 3 * 3600 * NS_PER_S
"""Nobody is told of a device that is charged for less: it is, every night."""
LEAST_PACKETS = 20
GAP_NS = 600 * NS_PER_S
"""Silence is not stillness."""
PUT_ON_NS = 10 * NS_PER_S
"""Three packets that move, without so much stillness between two of them, are a device that is put on; one is a bump of the table."""
LIE_NS = 6 * 3600 * NS_PER_S
"""So long after a fall stillness is a long lie, unless the wearer is up again or pressed cancel."""

CLIP_G, CLIP_LEAST_G = 4.3, 1.5
"""Ranges of 2 and 4 g clip the impact of a fall; gravity alone clips nothing."""
CLIP_SAME_G = 0.002
"""Of samples that stand at the same end; half a step of 8 bits over 2 g would be 0.008, and more than two of them in a row too."""
PLATEAUS = 3
"""So many packets with two samples or more at the largest value that this axis ever had, after the one that brought it. Of 61 people whose
sensors did not clip (SisFall, SmartFallMM) none has one; of ten young people whose watches clip at 4 g five have three within minutes
(WEDA-FALL)."""

LEAST_HZ = 20.0
"""An impact lasts 50 to 150 ms: slower sampling steps over it."""
SLOW_NS, LEAST_SLOW = 60 * NS_PER_S, 3

SPARSE_NS, SPARSE_SHARE = 1800 * NS_PER_S, 0.5
"""Of so long at least that share of the promised samples arrives; a backlog has this long to come in."""

_NEVER_SEQ = 2**62
_APART_NS = NS_PER_S // 4


class Why(StrEnum):
    """Why a wearable may not show a fall; stands in the evidence as `why`, and in a snapshot as `unfit`."""

    NOT_WORN = "not_worn"
    CHARGING = "charging"
    CLIPPED = "clipped"
    SLOW = "slow"
    SPARSE = "sparse"


UNFIT = frozenset({EventKind.NOT_WORN, EventKind.IMPLAUSIBLE})
"""Kinds whose evidence may say `why`."""


class Wear:
    """Wearables that are not worn (`not_worn`), or that could not show a fall (`implausible`, with the reason as `why`).

    A fault of each reason ends after 3 healthy readings: packets that move one after another, that go beyond where it clipped, of a rate
    that is enough, or half hours with enough samples.

    Parameters
    ----------
    premises
        Whose devices.
    """

    name = "wear"
    window_s = 0.0

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._registry = premises.registry
        count = len(premises.registry)
        self._latch = {
            Why.NOT_WORN: Latch(premises, EventKind.NOT_WORN),
            **{why: Latch(premises, EventKind.IMPLAUSIBLE, why) for why in (Why.CLIPPED, Why.SLOW, Why.SPARSE)},
        }
        self._low_g: Float32 = np.zeros((3, count), np.float32)
        self._high_g: Float32 = np.zeros((3, count), np.float32)
        self._since_ns, self._until_ns, self._packets = (np.zeros(count, np.int64) for _ in range(3))
        self._peak_g: Float32 = np.full((6, count), CLIP_LEAST_G, np.float32)
        self._plateaus: Int64 = np.zeros((6, count), np.int64)
        self._slow = Runs(count, 1)
        self._counted_ns: Int64 = np.zeros(count, np.int64)
        self._counted_s: Float64 = np.zeros(count, np.float64)
        self._fell_ns, self._fell_seq = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self._up_seq: Int64 = np.full(count, _NEVER_SEQ, np.int64)
        self._battery: dict[int, tuple[float, int, int, int]] = {}
        self._of_wearer: dict[tuple[str, str], list[int]] = {}
        for row, device in enumerate(premises.registry.devices):
            if device.kind is DeviceKind.WEARABLE and device.wearer:
                self._of_wearer.setdefault((device.community_id, device.wearer), []).append(row)

    def hear(self, facts: Facts, /) -> None:
        """Take note of falls, and of their ends: stillness in between is a long lie."""
        for fact in facts:
            if not isinstance(fact, Event | Cancelled):
                continue
            rows = self._of_wearer.get((fact.community_id, fact.subject), [])
            if isinstance(fact, Event) and fact.kind is EventKind.FALL:
                self._fell_ns[rows], self._fell_seq[rows], self._up_seq[rows] = fact.t_ns, fact.seq, _NEVER_SEQ
            elif isinstance(fact, Cancelled) or fact.kind is EventKind.RECOVERED:
                up = [row for row in rows if fact.t_ns >= self._fell_ns[row]]
                self._up_seq[up] = fact.seq

    def update(self, batch: AccelerationBatch | StatusBatch, /) -> Facts:
        """Judge packets; of a status its battery's level is taken note of. Rows one by one only where a device has a fault or shows it."""
        if isinstance(batch, StatusBatch):
            self._take_levels(batch)
            return []
        if not len(batch):
            return []
        facts = self._judge_rate(batch)
        low_g = np.minimum.reduceat(batch.accel_g, batch.offset[:-1], axis=1)
        high_g = np.maximum.reduceat(batch.accel_g, batch.offset[:-1], axis=1)
        for rows in _rounds(batch.device, np.flatnonzero(~batch.retained)):
            facts += self._judge_stillness(batch, rows, low_g[:, rows], high_g[:, rows])
            facts += self._judge_peaks(batch, rows, np.concatenate((high_g[:, rows], -low_g[:, rows])))
            facts += self._judge_share(batch, rows)
        return sorted(facts, key=lambda fact: fact.seq)

    def next_due(self) -> int | None:
        """Never: readings alone decide."""
        return None

    def tick(self, _now_ns: int, /) -> Facts:
        """Nothing."""
        return []

    def snapshot(self) -> Snapshot:
        """Of devices that ever sent a packet or a level; `unfit` is why one may not show a fall now, and else is not there."""
        slow = self._slow.remembered()
        healthy = {why: latch.healthy_count for why, latch in self._latch.items()}
        seen = {*np.flatnonzero(self._packets > 0).tolist(), *self._battery, *slow}
        states: dict[str, dict[str, Any]] = {}
        for row in sorted(seen):
            states[self._registry[row].key] = state = {
                "still": [int(self._since_ns[row]), int(self._until_ns[row]), int(self._packets[row])],
                "range": [*self._low_g[:, row].tolist(), *self._high_g[:, row].tolist()],
                "peak": self._peak_g[:, row].tolist(),
                "plateaus": self._plateaus[:, row].tolist(),
                "slow": slow.get(row),
                "counted": [int(self._counted_ns[row]), float(self._counted_s[row])],
                "fell": [int(self._fell_ns[row]), int(self._fell_seq[row]), int(self._up_seq[row])],
                "battery": self._battery.get(row),
                "healthy": {why.value: counts[row] for why, counts in healthy.items() if row in counts},
            }
            if (why := self._unfit(row)) is not None:
                state["unfit"] = why.value
        return states

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over what `snapshot` said."""
        for row, state in known(snapshot, self._registry):
            self._since_ns[row], self._until_ns[row], self._packets[row] = state["still"]
            self._low_g[:, row], self._high_g[:, row] = state["range"][:3], state["range"][3:]
            self._peak_g[:, row], self._plateaus[:, row] = state["peak"], state["plateaus"]
            if state["slow"] is not None:
                self._slow.remember(row, state["slow"])
            self._counted_ns[row], self._counted_s[row] = state["counted"]
            self._fell_ns[row], self._fell_seq[row], self._up_seq[row] = state["fell"]
            if state["battery"] is not None:
                percent, rose_ns, known_ns, before_ns = state["battery"]
                self._battery[row] = (percent, rose_ns, known_ns, before_ns)
            for why, count in state["healthy"].items():
                self._latch[Why(why)].put(row, count)

    def _unfit(self, row: int) -> Why | None:
        if self._latch[Why.NOT_WORN].is_on[row] or self._is_charging(row):
            return Why.CHARGING if self._is_charging(row) else Why.NOT_WORN
        return next((why for why, latch in self._latch.items() if latch.is_on[row]), None)

    def _is_charging(self, row: int, now_ns: int = _NEVER_SEQ) -> bool:
        """Whether the battery's level rose while the device lay still, as it still does.

        A level counts once no packet can be in one micro-batch with it: there the packets come first.
        """
        _, rose_ns, known_ns, before_ns = self._battery.get(row, (0.0, 0, 0, 0))
        risen_ns = rose_ns if now_ns - known_ns > _APART_NS else before_ns
        return bool(self._packets[row] > 0 and 0 < self._since_ns[row] <= risen_ns)

    def _take_levels(self, batch: StatusBatch) -> None:
        for row in np.flatnonzero(~np.isnan(batch.battery_percent) & ~batch.retained).tolist():
            device, percent = int(batch.device[row]), float(batch.battery_percent[row])
            before, rose_ns, _, _ = self._battery.get(device, (percent, 0, 0, 0))
            risen_ns = int(batch.time_ns[row]) if percent > before else rose_ns if percent == before else 0
            self._battery[device] = (percent, risen_ns, int(batch.received_ns[row]), rose_ns)

    def _judge_stillness(self, batch: AccelerationBatch, rows: Int64, low_g: Float32, high_g: Float32) -> Facts:
        device, t_ns = batch.device[rows], batch.time_ns[rows]
        in_turn = t_ns >= self._until_ns[device] - NS_PER_S
        in_turn |= t_ns < self._since_ns[device]  # a clock set back
        rows, device, t_ns, low_g, high_g = rows[in_turn], device[in_turn], t_ns[in_turn], low_g[:, in_turn], high_g[:, in_turn]
        is_new = (self._packets[device] == 0) | batch.back[rows]
        is_new |= (t_ns - self._until_ns[device] > GAP_NS) | (t_ns < self._since_ns[device])
        lowest_g = np.where(is_new, low_g, np.minimum(low_g, self._low_g[:, device]))
        highest_g = np.where(is_new, high_g, np.maximum(high_g, self._high_g[:, device]))
        moves: Bool = np.max(highest_g - lowest_g, axis=0) > RANGE_G
        anew = moves | is_new
        self._low_g[:, device], self._high_g[:, device] = np.where(moves, low_g, lowest_g), np.where(moves, high_g, highest_g)
        self._since_ns[device] = np.where(anew, t_ns, self._since_ns[device])
        self._packets[device] = np.where(anew, 1, self._packets[device] + 1)
        samples = np.diff(batch.offset)[rows]
        self._until_ns[device] = t_ns + np.rint(samples / batch.rate_hz[rows] * NS_PER_S).astype(np.int64)
        still_ns = np.where(moves, 0, self._until_ns[device] - self._since_ns[device])
        latch = self._latch[Why.NOT_WORN]
        looked = (latch.is_on[device] & (moves | (still_ns >= PUT_ON_NS))) | (still_ns >= OFF_NS) & (self._packets[device] >= LEAST_PACKETS)
        facts: Facts = []
        for place in np.flatnonzero(looked).tolist():
            row, one = int(rows[place]), int(device[place])
            when = _when(batch, row)
            if moves[place] or (latch.is_on[one] and self._lies_after_fall(one, batch, row)):
                facts += latch.healthy(one, **when)
            elif latch.is_on[one] or self._is_off(one, int(still_ns[place]), batch, row):
                evidence: Evidence = {"still_s": int(still_ns[place]) / NS_PER_S}
                if self._is_charging(one, int(batch.received_ns[row])):
                    evidence["why"] = Why.CHARGING.value
                facts += latch.bad(one, **when, evidence=evidence)
        return facts

    def _is_off(self, device: int, still_ns: int, batch: AccelerationBatch, row: int) -> bool:
        """Whether so long a stillness means that nobody wears the device."""
        if self._lies_after_fall(device, batch, row):
            return False
        is_night = self._premises.clock(self._registry[device].community_id).is_night(int(batch.time_ns[row]))
        limit_ns = CHARGE_NS if self._is_charging(device, int(batch.received_ns[row])) else OFF_NIGHT_NS if is_night else OFF_NS
        return still_ns >= limit_ns

    def _lies_after_fall(self, device: int, batch: AccelerationBatch, row: int) -> bool:
        """Whether stillness is a long lie: its wearer fell, and is not known to be up."""
        is_down = self._fell_seq[device] <= batch.seq[row] < self._up_seq[device]
        return bool(is_down and 0 < self._fell_ns[device] <= batch.time_ns[row] < self._fell_ns[device] + LIE_NS)

    def _judge_peaks(self, batch: AccelerationBatch, rows: Int64, peak_g: Float32) -> Facts:
        """`peak_g` (6, M): the largest value of each packet on x, y, z, and on -x, -y, -z."""
        device, latch = batch.device[rows], self._latch[Why.CLIPPED]
        known_g = self._peak_g[:, device]
        beyond = peak_g > known_g + CLIP_SAME_G
        at_end = ~beyond & (peak_g >= known_g - CLIP_SAME_G) & (known_g > CLIP_LEAST_G) & (known_g <= CLIP_G)
        is_well = latch.is_on[device] & ((beyond & (self._plateaus[:, device] >= PLATEAUS)).any(axis=0) | (peak_g.max(axis=0) > CLIP_G))
        self._peak_g[:, device] = np.maximum(known_g, peak_g)
        self._plateaus[:, device] = np.where(beyond, 0, self._plateaus[:, device])
        facts: Facts = []
        for place in np.flatnonzero(at_end.any(axis=0) | is_well).tolist():  # seldom: as far as ever, and no further
            row, one = int(rows[place]), int(device[place])
            flat = [end for end in np.flatnonzero(at_end[:, place]).tolist() if self._is_plateau(batch, row, end)]
            self._plateaus[flat, one] += 1
            if is_well[place]:
                facts += latch.healthy(one, **_when(batch, row))
            elif (self._plateaus[flat, one] >= PLATEAUS).any():
                evidence: Evidence = {"sensor": "acceleration", "why": Why.CLIPPED.value, "range_g": float(self._peak_g[:, one].max())}
                facts += latch.bad(one, **_when(batch, row), evidence=evidence)
        return facts

    def _is_plateau(self, batch: AccelerationBatch, row: int, end: int) -> bool:
        """Whether two samples of a packet or more stand at the largest value of an axis' end."""
        samples_g = batch.accel_g[end % 3, batch.offset[row] : batch.offset[row + 1]] * (1 if end < 3 else -1)  # noqa: PLR2004  axes
        return int((samples_g >= self._peak_g[end, batch.device[row]] - CLIP_SAME_G).sum()) > 1

    def _judge_rate(self, batch: AccelerationBatch) -> Facts:
        latch = self._latch[Why.SLOW]
        is_slow = (batch.rate_hz < LEAST_HZ) & ~batch.retained
        if not (is_slow | latch.is_on[batch.device]).any() and not self._slow.count[batch.device].any():
            return []
        held_ns, count = self._slow.take(batch.device, batch.time_ns, np.where(is_slow, 1.0, np.nan)[:, None], batch.back)
        bad = is_slow & (held_ns >= SLOW_NS) & (count >= LEAST_SLOW)
        healthy = latch.is_on[batch.device] & ~is_slow & ~batch.retained
        healthy |= np.isin(batch.device, batch.device[bad]) & ~is_slow & ~batch.retained
        facts: Facts = []
        for row in np.flatnonzero(bad | healthy).tolist():
            one, when = int(batch.device[row]), _when(batch, row)
            evidence: Evidence = {"sensor": "acceleration", "why": Why.SLOW.value, "rate_hz": float(batch.rate_hz[row])}
            facts += latch.bad(one, **when, evidence=evidence) if bad[row] else latch.healthy(one, **when)
        return facts

    def _judge_share(self, batch: AccelerationBatch, rows: Int64) -> Facts:
        device, t_ns, latch = batch.device[rows], batch.time_ns[rows], self._latch[Why.SPARSE]
        anew = (self._counted_ns[device] == 0) | batch.back[rows] | (t_ns < self._counted_ns[device] - SPARSE_NS)
        self._counted_ns[device] = np.where(anew, t_ns, self._counted_ns[device])
        self._counted_s[device] = np.where(anew, 0.0, self._counted_s[device])
        past_ns = t_ns - self._counted_ns[device]
        facts: Facts = []
        for place in np.flatnonzero(past_ns >= SPARSE_NS).tolist():
            row, one = int(rows[place]), int(device[place])
            share = float(self._counted_s[one] * NS_PER_S / past_ns[place])
            if share < SPARSE_SHARE:
                evidence: Evidence = {"sensor": "acceleration", "why": Why.SPARSE.value, "share": share}
                facts += latch.bad(one, **_when(batch, row), evidence=evidence)
            else:
                facts += latch.healthy(one, **_when(batch, row))
            self._counted_ns[one], self._counted_s[one] = t_ns[place], 0.0
        self._counted_s[device] += np.diff(batch.offset)[rows] / batch.rate_hz[rows]
        return facts


def unfit(state: Mapping[str, Any]) -> Why | None:
    """Why a device may not show a fall, as its part of a snapshot says; None where nothing speaks against it."""
    return Why(state["unfit"]) if "unfit" in state else None


def _when(batch: Batch, row: int) -> dict[str, int]:
    return {"t_ns": int(batch.time_ns[row]), "known_ns": int(batch.received_ns[row]), "seq": int(batch.seq[row])}


def _rounds(device: np.ndarray, rows: Int64) -> Iterator[Int64]:
    """Rows in rounds of at most one row of each device, the rows of each in order."""
    while len(rows):
        _, first = np.unique(device[rows], return_index=True)
        is_first: Bool = np.zeros(len(rows), np.bool_)
        is_first[first] = True
        yield rows[is_first]
        rows = rows[~is_first]
