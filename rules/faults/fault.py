"""Faults: a device that is silent, has a wrong clock, is opened or runs low. Each ends after 3 healthy readings (contract.md, 2)."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from devices.health import KINDS, NO_LIMIT_NS, Heartbeats, Readings, Spells
from devices.model import NS_PER_S, Batch, Bool, Int64
from devices.sensors.status import StatusBatch
from rules.faults.latch import Evidence, Latch, Reported
from rules.faults.outage import LEAST_BESIDE, LEAST_DEVICES, TOGETHER_NS, Group, Outage, Outages, over
from rules.kinds import EventKind
from rules.model import Facts, Snapshot
from rules.premises import Premises

LOW_BATTERY_PERCENT = 15.0
ENOUGH_BATTERY_PERCENT = 20.0
"""Apart from the other, so that a battery that hovers around the limit is one fault."""
LEAST_SHARE = 0.5
"""Of the devices that are lost or were heard since: fewer is no outage of the whole."""
LEAST_SHARE_REPORTED = 0.05
"""Of all devices of the group that are not known to be gone, where devices are said to be unreachable one by one: the first few of a storm
stand for the rest, but in a group of hundreds some four leave in many a minute."""
ENOUGH_REPORTED = 12
"""As many are an outage of a group of any size: nobody reads more messages in a minute."""
STORM_NS = NS_PER_S
"""So long the word that a device is gone waits for others like it, where there are enough devices for an outage; and for the device's own
return, because a broker says farewell for one that connects anew, too."""
_NEVER = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loss:
    """One device that is gone: when it is told and said to have happened, since when its silence counts, and when it was heard last."""

    row: int
    now_ns: int
    seq: int
    t_ns: int
    since_ns: int
    last_ns: int
    evidence: Evidence

    @property
    def is_reported(self) -> bool:
        """Somebody said so, at once; else it was silent for too long."""
        return "reported" in self.evidence


class Offline:
    """A device that was heard is silent for too long, or said to be unreachable; many that are so together are one outage.

    Sees every reading, of all kinds in order of arrival, and knows which are the first since the device was offline. A retained message is
    no sign of life, but a retained word that the device is unreachable is believed. Silence that goes on, or begins again before 3 healthy
    readings, is the same fault. A device that is lost in an outage is not told of, unless it stays silent after the outage is over.
    """

    name = "offline"
    window_s = 0.0

    def __init__(self, premises: Premises) -> None:
        self._registry = premises.registry
        self._hearing = premises.hearing
        self._hearts = Heartbeats(device.kind for device in premises.registry.devices)
        self._outages = Outages(premises.registry)
        self._spells = Spells(len(premises.registry), self._outages.behind)
        self._latch = Latch(premises, EventKind.OFFLINE)
        self._lost_ns: Int64 = np.full(len(premises.registry), _NEVER, np.int64)
        self._first_ns: Int64 = np.full(len(premises.registry), NO_LIMIT_NS, np.int64)
        self._leaving: dict[int, _Loss] = {}
        self._due: int | None = None

    def back(self, readings: Readings, /) -> Bool:
        """(N,) bool: first reading of its kind since the device was offline. Asked before `update` is given the same batch."""
        return self._spells.back(readings)

    def update(self, readings: Readings, /) -> Facts:
        """Hear devices. Row by row only where one is offline, comes back, or says that it leaves."""
        special = self._spells.concerns(readings) | self._latch.is_on[readings.device] | self._outages.is_part[readings.device]
        np.minimum.at(self._first_ns, readings.device[readings.is_heard], readings.received_ns[readings.is_heard])
        usual = readings.is_heard & ~special
        self._hearts.hear(readings.device[usual], readings.received_ns[usual])
        facts: Facts = []
        for row in np.flatnonzero(special).tolist():
            facts += self._take(readings, row)
        self._find_due()
        return facts

    def resumed(self, now_ns: int, /) -> None:
        """Take note that we ourselves heard nobody until now: every silence begins to count anew."""
        self._hearts.grant(np.flatnonzero(self._hearts.due_ns < NO_LIMIT_NS), now_ns)
        self._hearing.deaf_until_ns = now_ns
        self._find_due()

    def next_due(self) -> int | None:
        """When the first device will have been silent for too long."""
        return self._due

    def tick(self, now_ns: int, /) -> Facts:
        """Find devices that have been silent for too long."""
        facts: Facts = []
        for row in sorted((row for row, loss in self._leaving.items() if loss.now_ns <= now_ns), key=lambda row: self._registry[row].key):
            if (left := self._leaving.get(row)) is not None:  # else it is part of what one before it showed
                facts += self._tell(left)
        rows = np.flatnonzero(self._hearts.due_ns <= now_ns).tolist()
        for row in sorted(rows, key=lambda row: (row not in self._outages.behind, self._registry[row].key)):  # gateways first
            due_ns, limit_ns = int(self._hearts.due_ns[row]), int(self._hearts.granted_ns(np.array([row]))[0])
            if due_ns > now_ns or self._is_heard_through(row, now_ns):
                continue  # lost with its gateway just now; or a gateway that says little itself
            since_ns = due_ns - limit_ns
            evidence: Evidence = {"silent_s": (now_ns - since_ns) / NS_PER_S, "limit_s": limit_ns / NS_PER_S}
            last_ns = int(self._hearts.last_ns[row])
            facts += self._lose(_Loss(row=row, now_ns=now_ns, seq=-1, t_ns=due_ns, since_ns=since_ns, last_ns=last_ns, evidence=evidence))
        self._find_due()
        return facts

    def snapshot(self) -> Snapshot:
        """Of devices of which anything is known: last arrival, gaps, when due, spells and the fault; of a community its outages."""
        spells, hearts = self._spells, self._hearts
        known = np.flatnonzero((hearts.last_ns >= 0) | (hearts.due_ns < NO_LIMIT_NS) | (spells.number > 0)).tolist()
        states: dict[str, Any] = {
            self._registry[row].key: {
                "last_ns": int(hearts.last_ns[row]),
                "due_ns": int(hearts.due_ns[row]),
                "gaps_ms": hearts.gaps_ms(row),
                "spell": int(spells.number[row]),
                "silent": bool(spells.is_silent[row]),
                "seen": {kind.value: int(number) for kind, number in zip(KINDS, spells.seen[row], strict=True) if number},
                "healthy": self._latch.healthy_count.get(row),
                "lost_ns": int(self._lost_ns[row]),
                "first_ns": int(self._first_ns[row]),
                "outage": self._outages.part(row),
                "leaving": asdict(self._leaving[row]) if row in self._leaving else None,
            }
            for row in known
        }
        outages, deaf_until_ns = self._outages.states(), self._hearing.deaf_until_ns
        for community_id in sorted(self._registry.communities if deaf_until_ns else outages):
            states[f"{community_id}/all"] = {"deaf_until_ns": deaf_until_ns, "outages": outages.get(community_id, {})}
        return states

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over what `snapshot` said."""
        parts: dict[int, tuple[str, bool]] = {}
        outages: dict[str, Any] = {}
        for key, state in snapshot.items():
            community_id, name = key.split("/", 1)
            if name == "all" and "outages" in state:
                outages[community_id] = state["outages"]
                self._hearing.deaf_until_ns = max(self._hearing.deaf_until_ns, state["deaf_until_ns"])
                continue
            row = self._registry.row(community_id, name)
            if row is None:
                continue
            self._hearts.restore(row, state["last_ns"], state["gaps_ms"], state.get("due_ns"))
            self._spells.number[row] = state["spell"]
            self._spells.is_silent[row] = state["silent"]
            self._spells.seen[row] = [state["seen"].get(kind.value, 0) for kind in KINDS]
            self._latch.put(row, state["healthy"])
            self._lost_ns[row] = state.get("lost_ns", _NEVER)
            self._first_ns[row] = state.get("first_ns", max(0, state["last_ns"]))
            self._leaving.pop(row, None)
            if left := state.get("leaving"):
                self._leaving[row] = _Loss(**left | {"row": row})
            if part := state.get("outage"):
                parts[row] = (part[0], part[1])
        self._outages.restore(outages, parts)
        self._hearing.silent.clear()
        self._hearing.silent.update(np.flatnonzero(self._spells.is_silent & (self._hearts.due_ns >= NO_LIMIT_NS)).tolist())
        self._find_due()

    def _take(self, readings: Readings, row: int) -> Facts:
        device, seq, received_ns = int(readings.device[row]), int(readings.seq[row]), int(readings.received_ns[row])
        if readings.is_farewell[row]:
            return self._take_farewell(device, int(readings.time_ns[row]), received_ns, seq)
        if readings.retained[row]:
            return []
        self._leaving.pop(device, None)  # a broker says farewell for who connects anew, too
        self._spells.hear(device, int(readings.kind[row]))
        self._hearts.hear(readings.device[row : row + 1], readings.received_ns[row : row + 1])
        self._hearing.silent.discard(device)
        facts = self._latch.healthy(device, t_ns=received_ns, known_ns=received_ns, seq=seq)
        ended = self._outages.hear(device) if self._outages.is_part[device] else None
        if ended is not None:
            outage, rest = ended
            unheard = [one for one in rest if self._spells.is_silent[one]]
            self._hearts.grant(np.array(unheard, np.int64), received_ns)
            self._hearing.silent.difference_update(unheard)  # that they say nothing means something again
            self._prolong(outage, received_ns)
            facts.append(over(outage, received_ns, seq))
        return facts

    def _prolong(self, outage: Outage, now_ns: int) -> None:
        """Who was not overdue yet, but could not be heard in an outage either, has its whole limit once more: it may report rarely."""
        rows = self._outages.rows(outage)
        self._hearts.prolong(rows[self._hearts.last_ns[rows] <= outage.begin_ns + TOGETHER_NS], now_ns)

    def _take_farewell(self, device: int, t_ns: int, received_ns: int, seq: int) -> Facts:
        """A device is said to be gone: told at once, or where it may be one of many a moment later, together with them."""
        loss = _Loss(
            row=device,
            now_ns=received_ns,
            seq=seq,
            t_ns=t_ns,
            since_ns=received_ns,
            last_ns=int(self._hearts.last_ns[device]),
            evidence={"reported": True},
        )
        others = self._outages.groups(device)[-1].rows
        # Known for a second: whom this very micro-batch brought first is heard already, and must not count, or its cut would matter.
        is_known = (self._first_ns[others] <= received_ns - STORM_NS) & ~self._spells.is_silent[others]
        is_one_of_many = int((is_known | self._lost_lately(others, loss)).sum()) >= LEAST_DEVICES
        if self._latch.is_on[device] or self._spells.is_silent[device] or device in self._outages.behind or not is_one_of_many:
            return self._lose(loss)
        self._fall_silent(loss)
        self._leaving[device] = replace(loss, now_ns=received_ns + STORM_NS, seq=-1)
        return []

    def _lose(self, loss: _Loss) -> Facts:
        """What comes of a device that is gone."""
        facts = self._tell(loss)
        self._fall_silent(loss)
        return facts

    def _tell(self, loss: _Loss) -> Facts:
        """Say that a device is gone: it is offline by itself, or part of an outage that goes on or begins."""
        lost = (loss.row, *self._outages.behind.get(loss.row, ()))
        facts: Facts = []
        outage = None
        if not self._latch.is_on[loss.row]:
            outage = self._outages.covering(loss.row, loss.last_ns)
            if outage is None:
                outage, facts = self._outage_of(loss)
        self._leaving.pop(loss.row, None)
        if outage is not None:
            for one in lost:
                self._outages.join(one, outage, loss.now_ns)
                self._leaving.pop(one, None)
            return facts
        return self._latch.bad(loss.row, t_ns=loss.t_ns, known_ns=loss.now_ns, seq=loss.seq, evidence=loss.evidence)

    def _outage_of(self, loss: _Loss) -> tuple[Outage | None, Facts]:
        """The outage that shows by a device that is gone, if one does; those that were told of one by one just now are part of it."""
        found: tuple[Group, Int64, int, float] | None = None
        if behind := self._outages.behind.get(loss.row):
            rows = np.array([loss.row, *behind], np.int64)
            lost = rows[~self._spells.is_silent[rows] | self._lost_lately(rows, loss) & self._latch.is_on[rows] | (rows == loss.row)]
            found = (self._outages.groups(loss.row)[0], lost, len(lost), 1.0)
        for group in self._outages.groups(loss.row):
            lost, count, share = self._lost_with(loss, group.rows)
            if share > 0 and (found is None or count > found[2]):
                found = (group, lost, count, share)
        if found is None:
            return None, []
        group, lost, count, share = found
        begin_ns = loss.since_ns
        if not loss.is_reported:
            still = lost[self._hearts.due_ns[lost] < NO_LIMIT_NS]
            begin_ns = int((self._hearts.due_ns[still] - self._hearts.granted_ns(still)).max())
        outage = self._outages.begin(group, lost.tolist(), begin_ns, loss.now_ns)
        for row in lost.tolist():
            self._leaving.pop(row, None)
        evidence: Evidence = {"devices": count, "share": share, **loss.evidence}
        facts: Facts = [self._outages.event(outage, lost.tolist(), loss.seq, evidence)]
        told = (row for row in lost.tolist() if self._latch.is_on[row] and row != loss.row)
        for row in sorted(told, key=lambda row: self._registry[row].key):
            facts += self._latch.end(row, t_ns=loss.now_ns, known_ns=loss.now_ns, seq=loss.seq, absorbed=True)
        return outage, facts

    def _lost_with(self, loss: _Loss, rows: Int64) -> tuple[Int64, int, float]:
        """Which of a group's devices are gone together with this one, how many that are, and their share; 0 where that is no outage.

        Silent together are those that are overdue (silent for half their limit, 1.5 times their usual longest gap) and whose silence began
        within a usual longest gap of this one's, so that one moment can have ended all of them. Of those that were said to be unreachable
        some may be in an outage of a smaller group already; two more beside it, and the greater one has it too.
        """
        lately = self._lost_lately(rows, loss)
        elsewhere = lately & self._outages.is_part[rows] & loss.is_reported
        lost = lately & self._latch.is_on[rows] | (rows == loss.row) | np.isin(rows, list(self._leaving))
        if loss.is_reported:
            there = lost | elsewhere | ~self._spells.is_silent[rows]
            least = min(LEAST_SHARE_REPORTED * int(there.sum()), ENOUGH_REPORTED)
        else:
            due_ns, limit_ns = self._hearts.due_ns[rows], self._hearts.granted_ns(rows)
            watched = (due_ns < NO_LIMIT_NS) & ~self._outages.is_part[rows]
            slack_ns = np.maximum(limit_ns, self._hearts.granted_ns(np.array([loss.row]))) // 3
            lost |= watched & (loss.now_ns >= due_ns - limit_ns // 2) & (np.abs(due_ns - limit_ns - loss.since_ns) <= slack_ns)
            there = lost | watched & (self._hearts.last_ns[rows] > loss.since_ns)
            least = LEAST_SHARE * int(there.sum())
        count = int((lost | elsewhere).sum())
        is_outage = count >= max(least, LEAST_DEVICES) and int(lost.sum()) >= LEAST_BESIDE
        return rows[lost], count, count / int(there.sum()) if is_outage else 0.0

    def _lost_lately(self, rows: Int64, loss: _Loss) -> Bool:
        """(M,) bool: gone, and known to be only for so long that it may be together with this one."""
        is_late: Bool = self._spells.is_silent[rows] & (self._lost_ns[rows] >= loss.now_ns - TOGETHER_NS)
        return is_late

    def _is_heard_through(self, row: int, now_ns: int) -> bool:
        """Whether a gateway is there because devices are heard through it; then it is due when they are not."""
        behind = self._outages.behind.get(row)
        if not behind:
            return False
        due_ns = int(self._hearts.last_ns[list(behind)].max() + self._hearts.limit_ns[row])
        if due_ns <= now_ns:
            return False
        self._hearts.due_ns[row] = due_ns
        return True

    def _fall_silent(self, loss: _Loss) -> None:
        lost = (loss.row, *self._outages.behind.get(loss.row, ()))
        for one in lost:
            if not self._spells.is_silent[one]:
                self._lost_ns[one] = loss.now_ns
            self._hearts.stop(one, may_be_usual=not loss.is_reported)
            self._hearing.silent.add(one)
        self._spells.begin(loss.row)

    def _find_due(self) -> None:
        due_ns = min(int(self._hearts.due_ns.min(initial=NO_LIMIT_NS)), *(loss.now_ns for loss in self._leaving.values()), NO_LIMIT_NS)
        self._due = None if due_ns >= NO_LIMIT_NS else due_ns


class Clock(Reported[Batch]):
    """A device's time is not believable, so the time of arrival is used."""

    name = "clock"
    kind = EventKind.CLOCK

    def bad(self, batch: Batch) -> Bool:
        """(N,) bool: marked on decoding; a retained message's time says nothing of the clock now."""
        return batch.clock_wrong & ~batch.retained

    def healthy(self, batch: Batch, _bad: Bool) -> Bool:
        """(N,) bool: believable."""
        return ~batch.clock_wrong


class Tamper(Reported[StatusBatch]):
    """Somebody opened the device. A retained word of it is a state, and believed."""

    name = "tamper"
    kind = EventKind.TAMPER

    def bad(self, batch: StatusBatch) -> Bool:
        """(N,) bool: said so."""
        is_open: Bool = batch.tamper == 1
        return is_open

    def healthy(self, batch: StatusBatch, _bad: Bool) -> Bool:
        """(N,) bool: said that it is not."""
        is_shut: Bool = batch.tamper == 0
        return is_shut


class LowBattery(Reported[StatusBatch]):
    """A battery at 15 % or less, until it is above 20 %; or said to be low. A retained level is a state, and believed."""

    name = "low_battery"
    kind = EventKind.LOW_BATTERY

    def bad(self, batch: StatusBatch) -> Bool:
        """(N,) bool: too low; NaN is not."""
        is_low: Bool = (batch.battery_percent <= LOW_BATTERY_PERCENT) | (batch.battery_low == 1)
        return is_low

    def healthy(self, batch: StatusBatch, bad: Bool) -> Bool:
        """(N,) bool: high enough; where there is no number, said not to be low."""
        is_said: Bool = np.isnan(batch.battery_percent) & (batch.battery_low == 0)
        return (is_said | (batch.battery_percent > ENOUGH_BATTERY_PERCENT)) & ~bad

    def evidence(self, batch: StatusBatch, row: int) -> Evidence:
        """The level, as the device says it."""
        level = float(batch.battery_percent[row])
        return {"battery_low": True} if np.isnan(level) else {"battery_percent": level}
