"""What every fault is: it begins with a sign of it, goes on while there are more, and ends after 3 healthy readings (contract.md, 2)."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import numpy as np

from devices.model import Batch, Bool
from rules.kinds import EventKind
from rules.model import Cleared, Event, Facts, Snapshot, known
from rules.premises import Premises

Evidence = dict[str, float | int | str | bool]

HEALTHY_NEEDED = 3

B_contra = TypeVar("B_contra", bound=Batch, contravariant=True)


class Latch:
    """Which devices have a fault of one kind, and how many healthy readings each has sent since.

    Parameters
    ----------
    premises
        Whose devices.
    kind
        Of the fault.
    cause
        What of a device has it, where that is not the whole device.

    Attributes
    ----------
    is_on : (D,) bool
        The device has the fault.
    healthy_count : mapping
        Row to healthy readings since the last sign of the fault; None where the fault has ended.
    """

    def __init__(self, premises: Premises, kind: EventKind, cause: str = "") -> None:
        self._registry = premises.registry
        self._kind = kind
        self._cause = cause
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
                cause=self._cause or the.id,
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
        return self.end(device, t_ns=t_ns, known_ns=known_ns, seq=seq)

    def end(self, device: int, *, t_ns: int, known_ns: int, seq: int, absorbed: bool = False) -> Facts:
        """End the fault; `absorbed` where it goes on as part of an outage."""
        self.put(device, None)
        the = self._registry[device]
        return [
            Cleared(
                community_id=the.community_id,
                kind=self._kind,
                subject=the.id,
                cause=self._cause or the.id,
                t_ns=t_ns,
                known_ns=known_ns,
                seq=seq,
                absorbed=absorbed,
            )
        ]

    def put(self, device: int, count: int | None) -> None:
        """Set what `healthy_count` says of a device."""
        self.is_on[device] = count is not None
        self.healthy_count[device] = count


class Check(ABC, Generic[B_contra]):
    """How readings of one kind show a fault.

    Attributes
    ----------
    latch : Latch
        Of the devices that have it.
    """

    def __init__(self, premises: Premises, kind: EventKind, cause: str = "") -> None:
        self._premises = premises
        self._registry = premises.registry
        self.latch = Latch(premises, kind, cause)

    @abstractmethod
    def bad(self, batch: B_contra) -> Bool:
        """(N,) bool: shows the fault. Asked once of a batch."""

    def healthy(self, batch: B_contra, bad: Bool) -> Bool:  # noqa: ARG002  some look closer
        """(N,) bool: shows that the fault is not there; a reading may show neither."""
        return ~bad

    def evidence(self, batch: B_contra, row: int) -> Evidence:  # noqa: ARG002  some have none
        """Why, in numbers."""
        return {}

    def judge(self, batch: B_contra) -> Facts:
        """Judge readings. Row by row only where a device has the fault or shows it."""
        bad = self.bad(batch)
        concerned = self.latch.is_on[batch.device]
        if bad.any():
            concerned |= np.isin(batch.device, batch.device[bad])
        if not concerned.any():
            return []
        facts: Facts = []
        for row in np.flatnonzero(concerned & (bad | self.healthy(batch, bad) & ~batch.retained)).tolist():
            device, t_ns = int(batch.device[row]), int(batch.time_ns[row])
            known_ns, seq = int(batch.received_ns[row]), int(batch.seq[row])
            if bad[row]:
                facts += self.latch.bad(device, t_ns=t_ns, known_ns=known_ns, seq=seq, evidence=self.evidence(batch, row))
            else:
                facts += self.latch.healthy(device, t_ns=t_ns, known_ns=known_ns, seq=seq)
        return facts


class Reported(Check[B_contra]):
    """A fault that single readings show."""

    name = ""
    window_s = 0.0
    kind: EventKind

    def __init__(self, premises: Premises) -> None:
        super().__init__(premises, self.kind)

    def update(self, batch: B_contra, /) -> Facts:
        """Judge readings."""
        return self.judge(batch)

    def next_due(self) -> int | None:
        """Never: readings alone decide."""
        return None

    def tick(self, _now_ns: int, /) -> Facts:
        """Nothing."""
        return []

    def snapshot(self) -> Snapshot:
        """Healthy readings since, of devices that had the fault; null where it has ended."""
        return {self._registry[row].key: count for row, count in self.latch.healthy_count.items()}

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over what `snapshot` said."""
        for row, count in known(snapshot, self._registry):
            self.latch.put(row, count)


class Checks(ABC):
    """A fault that readings of several kinds show, each in its own way. A device has it once for each kind of its readings.

    Parameters
    ----------
    checks
        By the type of batch that each looks at.
    """

    window_s = 0.0

    def __init__(self, checks: Mapping[type[Batch], "Remembering[Any]"]) -> None:
        self._checks = checks

    @property
    @abstractmethod
    def name(self) -> str:
        """Name in snapshots and metrics."""

    def update(self, batch: Batch, /) -> Facts:
        """Judge readings of any kind; those of a kind that shows nothing are not looked at."""
        check = self._checks.get(type(batch))
        return check.judge(batch) if check is not None and len(batch) else []

    def next_due(self) -> int | None:
        """Never: readings alone decide."""
        return None

    def tick(self, _now_ns: int, /) -> Facts:
        """Nothing."""
        return []

    def snapshot(self) -> Snapshot:
        """By device and check: what is remembered, and healthy readings since (null: there is no fault, or none any more)."""
        found: dict[str, dict[str, Any]] = {}
        for check in self._checks.values():
            for key, state in check.snapshot().items():
                found.setdefault(key, {})[check.name] = state
        return found

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over what `snapshot` said."""
        for check in self._checks.values():
            check.restore({key: states[check.name] for key, states in snapshot.items() if check.name in states})


class Remembering(Check[B_contra]):
    """A check that looks back: one reading alone does not show the fault.

    Attributes
    ----------
    name : str
        In snapshots, and the cause of the fault.
    """

    name = ""

    def __init__(self, premises: Premises, kind: EventKind) -> None:
        super().__init__(premises, kind, self.name)
        self._looked_at: Bool = np.zeros(0, np.bool_)
        self._why: Mapping[int, Evidence] = {}

    @abstractmethod
    def look(self, batch: B_contra) -> tuple[Bool, dict[int, Evidence]]:
        """(N,) bool, readings that were looked at; and why, by row, of those that show the fault. What is remembered goes on with them."""

    @abstractmethod
    def remembered(self) -> Mapping[int, Any]:
        """What is remembered of devices, by row in the registry, in JSON's types."""

    @abstractmethod
    def remember(self, row: int, state: Any) -> None:  # noqa: ANN401  what `remembered` said
        """Take it over."""

    def bad(self, batch: B_contra) -> Bool:
        """(N,) bool: shows the fault."""
        self._looked_at, self._why = self.look(batch)
        bad = np.zeros(len(batch), np.bool_)
        bad[list(self._why)] = True
        return bad

    def healthy(self, _batch: B_contra, bad: Bool) -> Bool:
        """(N,) bool: was looked at and does not show it."""
        return self._looked_at & ~bad

    def evidence(self, _batch: B_contra, row: int) -> Evidence:
        """Why, in numbers."""
        return self._why[row]

    def snapshot(self) -> dict[str, Any]:
        """By device: what is remembered, and healthy readings since."""
        memory = self.remembered()
        rows = sorted({*memory, *self.latch.healthy_count})
        return {self._registry[row].key: {"memory": memory.get(row), "healthy": self.latch.healthy_count.get(row)} for row in rows}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Take over what `snapshot` said."""
        for key, state in snapshot.items():
            row = self._registry.row(*key.split("/", 1))
            if row is None:
                continue
            self.latch.put(row, state["healthy"])
            if state["memory"] is not None:
                self.remember(row, state["memory"])
