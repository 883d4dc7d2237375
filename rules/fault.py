"""Faults: a device that is silent, has a wrong clock, is opened or runs low. Each ends after 3 healthy readings (contract.md, 2)."""

from abc import abstractmethod
from typing import Generic, TypeVar

import numpy as np

from devices.health import KINDS, NO_LIMIT_NS, Heartbeats, Readings, Spells
from devices.model import NS_PER_S, Batch, Bool
from devices.sensors.status import StatusBatch
from rules.model import Cleared, Event, EventKind, Facts, Premises, Snapshot

Evidence = dict[str, float | int | str | bool]

HEALTHY_NEEDED = 3
LOW_BATTERY_PERCENT = 15.0
ENOUGH_BATTERY_PERCENT = 20.0
"""Apart from the other, so that a battery that hovers around the limit is one fault."""

B_contra = TypeVar("B_contra", bound=Batch, contravariant=True)


class Latch:
    """Which devices have a fault of one kind, and how many healthy readings each has sent since.

    Attributes
    ----------
    is_on : (D,) bool
        The device has the fault.
    healthy_count : mapping
        Row to healthy readings since the last sign of the fault; None where the fault has ended.
    """

    def __init__(self, premises: Premises, kind: EventKind) -> None:
        self._registry = premises.registry
        self._kind = kind
        self._counted_seq: dict[int, int] = {}
        self.is_on: Bool = np.zeros(len(premises.registry), np.bool_)
        self.healthy_count: dict[int, int | None] = {}

    def bad(self, device: int, *, t_ns: int, known_ns: int, seq: int, evidence: Evidence) -> Facts:
        """Take a sign of the fault: an event, unless the fault is known."""
        was_on = self.is_on[device]
        self.put(device, 0)
        if was_on:
            return []
        the = self._registry[device]
        return [
            Event(
                community_id=the.community_id,
                kind=self._kind,
                subject=the.id,
                t_ns=t_ns,
                known_ns=known_ns,
                seq=seq,
                device_id=the.id,
                resident_id=the.wearer,
                home_id=the.home,
                cause=the.id,
                evidence=evidence,
            )
        ]

    def healthy(self, device: int, *, t_ns: int, known_ns: int, seq: int) -> Facts:
        """Take a healthy reading: the third since the last sign of the fault ends it. What one message holds counts once."""
        count = self.healthy_count.get(device)
        if count is None or self._counted_seq.get(device) == seq:
            return []
        self._counted_seq[device] = seq
        if count + 1 < HEALTHY_NEEDED:
            self.put(device, count + 1)
            return []
        self.put(device, None)
        the = self._registry[device]
        return [
            Cleared(community_id=the.community_id, kind=self._kind, subject=the.id, cause=the.id, t_ns=t_ns, known_ns=known_ns, seq=seq)
        ]

    def put(self, device: int, count: int | None) -> None:
        """Set what `healthy_count` says of a device."""
        self.is_on[device] = count is not None
        self.healthy_count[device] = count


class Offline:
    """A device that was heard is silent for too long, or said to be unreachable.

    Sees every reading, of all kinds in order of arrival, and knows which are the first since the device was offline. A retained message is
    no sign of life, but a retained word that the device is unreachable is believed. Silence that goes on, or begins again before 3 healthy
    readings, is the same fault.
    """

    name = "offline"
    window_s = 0.0

    def __init__(self, premises: Premises) -> None:
        self._registry = premises.registry
        self._hearts = Heartbeats(device.kind for device in premises.registry.devices)
        self._spells = Spells(len(premises.registry))
        self._latch = Latch(premises, EventKind.OFFLINE)
        self._due: int | None = None

    def back(self, readings: Readings, /) -> Bool:
        """(N,) bool: first reading of its kind since the device was offline. Asked before `update` is given the same batch."""
        return self._spells.back(readings)

    def update(self, readings: Readings, /) -> Facts:
        """Hear devices. Row by row only where one is offline, comes back, or says that it leaves."""
        special = self._spells.concerns(readings) | self._latch.is_on[readings.device]
        usual = readings.is_heard & ~special
        self._hearts.hear(readings.device[usual], readings.received_ns[usual])
        facts: Facts = []
        for row in np.flatnonzero(special).tolist():
            facts += self._take(readings, row)
        self._find_due()
        return facts

    def next_due(self) -> int | None:
        """When the first device will have been silent for too long."""
        return self._due

    def tick(self, now_ns: int, /) -> Facts:
        """Find devices that have been silent for too long."""
        facts: Facts = []
        rows = np.flatnonzero(self._hearts.due_ns <= now_ns).tolist()
        for row in sorted(rows, key=lambda row: self._registry[row].key):
            limit_ns, last_ns = int(self._hearts.limit_ns[row]), int(self._hearts.last_ns[row])
            evidence: Evidence = {"silent_s": (now_ns - last_ns) / NS_PER_S, "limit_s": limit_ns / NS_PER_S}
            self._fall_silent(row)
            facts += self._latch.bad(row, t_ns=last_ns + limit_ns, known_ns=now_ns, seq=-1, evidence=evidence)
        self._find_due()
        return facts

    def snapshot(self) -> Snapshot:
        """Of devices of which anything is known: last arrival, gaps, spells and the fault."""
        spells, hearts = self._spells, self._hearts
        known = np.flatnonzero((hearts.last_ns >= 0) | (spells.number > 0)).tolist()
        return {
            self._registry[row].key: {
                "last_ns": int(hearts.last_ns[row]),
                "gaps_ms": hearts.gaps_ms(row),
                "spell": int(spells.number[row]),
                "silent": bool(spells.is_silent[row]),
                "seen": {kind.value: int(number) for kind, number in zip(KINDS, spells.seen[row], strict=True) if number},
                "healthy": self._latch.healthy_count.get(row),
            }
            for row in known
        }

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over what `snapshot` said."""
        for key, state in snapshot.items():
            row = self._registry.row(*key.split("/", 1))
            if row is None:
                continue
            self._hearts.restore(row, state["last_ns"], state["gaps_ms"])
            self._spells.number[row] = state["spell"]
            self._spells.is_silent[row] = state["silent"]
            self._spells.seen[row] = [state["seen"].get(kind.value, 0) for kind in KINDS]
            self._latch.put(row, state["healthy"])
        self._find_due()

    def _take(self, readings: Readings, row: int) -> Facts:
        device, seq, received_ns = int(readings.device[row]), int(readings.seq[row]), int(readings.received_ns[row])
        if readings.is_farewell[row]:
            self._fall_silent(device)
            return self._latch.bad(device, t_ns=int(readings.time_ns[row]), known_ns=received_ns, seq=seq, evidence={"reported": True})
        if readings.retained[row]:
            return []
        self._spells.hear(device, int(readings.kind[row]))
        self._hearts.hear(readings.device[row : row + 1], readings.received_ns[row : row + 1])
        return self._latch.healthy(device, t_ns=received_ns, known_ns=received_ns, seq=seq)

    def _fall_silent(self, device: int) -> None:
        self._spells.begin(device)
        self._hearts.stop(device)

    def _find_due(self) -> None:
        due_ns = int(self._hearts.due_ns.min(initial=NO_LIMIT_NS))
        self._due = None if due_ns >= NO_LIMIT_NS else due_ns


class _Reported(Generic[B_contra]):
    """A fault that single readings show."""

    name = ""
    window_s = 0.0
    kind: EventKind

    def __init__(self, premises: Premises) -> None:
        self._registry = premises.registry
        self._latch = Latch(premises, self.kind)

    @abstractmethod
    def bad(self, batch: B_contra) -> Bool:
        """(N,) bool: shows the fault."""

    @abstractmethod
    def healthy(self, batch: B_contra) -> Bool:
        """(N,) bool: shows that the fault is not there; a reading may show neither."""

    def evidence(self, batch: B_contra, row: int) -> Evidence:  # noqa: ARG002  most have none
        """Why, in numbers."""
        return {}

    def update(self, batch: B_contra, /) -> Facts:
        """Judge readings. Row by row only where a device has the fault or shows it."""
        bad = self.bad(batch)
        concerned = self._latch.is_on[batch.device]
        if bad.any():
            concerned |= np.isin(batch.device, batch.device[bad])
        if not concerned.any():
            return []
        facts: Facts = []
        for row in np.flatnonzero(concerned & (bad | self.healthy(batch) & ~batch.retained)).tolist():
            device, t_ns = int(batch.device[row]), int(batch.time_ns[row])
            known_ns, seq = int(batch.received_ns[row]), int(batch.seq[row])
            if bad[row]:
                facts += self._latch.bad(device, t_ns=t_ns, known_ns=known_ns, seq=seq, evidence=self.evidence(batch, row))
            else:
                facts += self._latch.healthy(device, t_ns=t_ns, known_ns=known_ns, seq=seq)
        return facts

    def next_due(self) -> int | None:
        """Never: readings alone decide."""
        return None

    def tick(self, _now_ns: int, /) -> Facts:
        """Nothing."""
        return []

    def snapshot(self) -> Snapshot:
        """Healthy readings since, of devices that had the fault; null where it has ended."""
        return {self._registry[row].key: count for row, count in self._latch.healthy_count.items()}

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over what `snapshot` said."""
        for key, count in snapshot.items():
            row = self._registry.row(*key.split("/", 1))
            if row is not None:
                self._latch.put(row, count)


class Clock(_Reported[Batch]):
    """A device's time is not believable, so the time of arrival is used."""

    name = "clock"
    kind = EventKind.CLOCK

    def bad(self, batch: Batch) -> Bool:
        """(N,) bool: marked on decoding; a retained message's time says nothing of the clock now."""
        return batch.clock_wrong & ~batch.retained

    def healthy(self, batch: Batch) -> Bool:
        """(N,) bool: believable."""
        return ~batch.clock_wrong


class Tamper(_Reported[StatusBatch]):
    """Somebody opened the device. A retained word of it is a state, and believed."""

    name = "tamper"
    kind = EventKind.TAMPER

    def bad(self, batch: StatusBatch) -> Bool:
        """(N,) bool: said so."""
        is_open: Bool = batch.tamper == 1
        return is_open

    def healthy(self, batch: StatusBatch) -> Bool:
        """(N,) bool: said that it is not."""
        is_shut: Bool = batch.tamper == 0
        return is_shut


class LowBattery(_Reported[StatusBatch]):
    """A battery at 15 % or less, until it is above 20 %. A retained level is a state, and believed."""

    name = "low_battery"
    kind = EventKind.LOW_BATTERY

    def bad(self, batch: StatusBatch) -> Bool:
        """(N,) bool: too low; NaN is not."""
        return batch.battery_percent <= LOW_BATTERY_PERCENT

    def healthy(self, batch: StatusBatch) -> Bool:
        """(N,) bool: high enough; NaN is not."""
        return batch.battery_percent > ENOUGH_BATTERY_PERCENT

    def evidence(self, batch: StatusBatch, row: int) -> Evidence:
        """The level."""
        return {"battery_percent": float(batch.battery_percent[row])}
