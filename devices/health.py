"""Health: what is heard of devices over all kinds of readings, and how long each may be silent.

Columns over the D devices of a `Registry`. Silence is measured on arrival, because a device's own clock says nothing of when it was heard.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.model import NS_PER_MS, NS_PER_S, Batch, Bool, DeviceKind, Int32, Int64, SensorKind
from devices.sensors.acceleration import AccelerationBatch
from devices.sensors.button import ButtonBatch
from devices.sensors.contact import ContactBatch
from devices.sensors.keypad import KeypadBatch
from devices.sensors.meter import MeterBatch
from devices.sensors.motion import MotionBatch
from devices.sensors.position import PositionBatch
from devices.sensors.status import StatusBatch
from devices.sensors.targets import TargetsBatch

GAPS_KEPT = 64
"""Newest gaps of a device that are remembered."""
GAPS_NEEDED = 20
MOST_OVERDUE_NS = 3600 * NS_PER_S
"""Longest silence, of a device that was offline by it, that may still be its usual gap."""
BURST_NS = NS_PER_S // 2
"""Readings closer than this arrived together and their distance is no gap: a device that wakes every 15 minutes and sends 60 buffered
packets at once is silent for 15 minutes, not for the 5 ms that most of its gaps would say."""
LEAST_LIMIT_NS = 600 * NS_PER_S
NO_LIMIT_NS = 2**62
NEVER = -1

_DAY_AND_HOUR_NS = 25 * 3600 * NS_PER_S
FIRST_LIMIT_NS: Mapping[DeviceKind, int] = {
    DeviceKind.WEARABLE: LEAST_LIMIT_NS,
    DeviceKind.RADAR: LEAST_LIMIT_NS,
    DeviceKind.CONTACT: _DAY_AND_HOUR_NS,
    DeviceKind.MOTION: _DAY_AND_HOUR_NS,
    DeviceKind.TRACKER: _DAY_AND_HOUR_NS,
    DeviceKind.METER: _DAY_AND_HOUR_NS,
    DeviceKind.CAMERA: _DAY_AND_HOUR_NS,
    DeviceKind.GATEWAY: _DAY_AND_HOUR_NS,
    DeviceKind.BUTTON: NO_LIMIT_NS,
    DeviceKind.KEYPAD: NO_LIMIT_NS,
}
"""How long a device may be silent before its own gaps are known (contract.md, offline).

A button or a keypad is silent until it is needed. A gateway may have said only once, when it started, that it is there."""

KINDS: tuple[SensorKind, ...] = tuple(SensorKind)
_CODE: Mapping[type[Batch], int] = {
    AccelerationBatch: KINDS.index(SensorKind.ACCELERATION),
    PositionBatch: KINDS.index(SensorKind.POSITION),
    TargetsBatch: KINDS.index(SensorKind.TARGETS),
    ContactBatch: KINDS.index(SensorKind.CONTACT),
    MotionBatch: KINDS.index(SensorKind.MOTION),
    ButtonBatch: KINDS.index(SensorKind.BUTTON),
    MeterBatch: KINDS.index(SensorKind.METER),
    StatusBatch: KINDS.index(SensorKind.STATUS),
    KeypadBatch: KINDS.index(SensorKind.KEYPAD),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings(Batch):
    """N readings of any kinds in order of arrival: what they have in common, and what a status says of reachability.

    Attributes
    ----------
    kind : (N,) int8
        Index into `KINDS`. Readings out of one message have the same `seq`.
    online : (N,) int8
        1 yes, 0 no, -1 not sent, or not a status.
    """

    kind: NDArray[np.int8]
    online: NDArray[np.int8]

    @property
    def is_farewell(self) -> Bool:
        """(N,) bool: says that the device is not reachable."""
        is_farewell: Bool = self.online == 0
        return is_farewell

    @property
    def is_heard(self) -> Bool:
        """(N,) bool: a sign of life."""
        return ~self.retained & ~self.is_farewell


def joined(batches: Iterable[Batch]) -> Readings:
    """Batches of different kinds as one, in order of arrival (within one message in the order of `KINDS`)."""
    parts = sorted((batch for batch in batches if len(batch)), key=lambda batch: _CODE[type(batch)])
    sizes = [len(part) for part in parts]
    seq = np.concatenate([np.empty(0, np.int64), *(part.seq for part in parts)])
    kind = np.repeat(np.array([_CODE[type(part)] for part in parts], np.int8), sizes)
    online = [part.online if isinstance(part, StatusBatch) else np.full(len(part), -1, np.int8) for part in parts]
    order = np.argsort(seq, kind="stable")

    def column(name: str, dtype: type) -> NDArray[Any]:
        return np.concatenate([np.empty(0, dtype), *(getattr(part, name) for part in parts)])[order]

    return Readings(
        device=column("device", np.int32),
        time_ns=column("time_ns", np.int64),
        received_ns=column("received_ns", np.int64),
        seq=seq[order],
        retained=column("retained", np.bool_),
        clock_wrong=column("clock_wrong", np.bool_),
        back=column("back", np.bool_),
        kind=kind[order],
        online=np.concatenate([np.empty(0, np.int8), *online])[order],
    )


class Heartbeats:
    """When D devices were last heard, the gaps between their readings, and when each has been silent for too long.

    The limit is 3 times the 95th percentile (linear between ranks) of the newest gaps, at least 10 minutes.

    Parameters
    ----------
    kinds
        Of each device.

    Attributes
    ----------
    last_ns : (D,) int64
        Arrival of the last reading; -1 where none was heard, or none since the device fell silent.
    limit_ns : (D,) int64
        How long it may be silent.
    due_ns : (D,) int64
        When it will have been silent for that long; `NO_LIMIT_NS` or more is never.
    """

    def __init__(self, kinds: Iterable[DeviceKind]) -> None:
        self._first_ns: Int64 = np.array([FIRST_LIMIT_NS[kind] for kind in kinds], np.int64)
        size = len(self._first_ns)
        self._gap_ms: Int32 = np.full((size, GAPS_KEPT), np.iinfo(np.int32).max, np.int32)
        self._count: Int64 = np.zeros(size, np.int64)
        self.last_ns: Int64 = np.full(size, NEVER, np.int64)
        self.limit_ns: Int64 = self._first_ns.copy()
        self.due_ns: Int64 = np.full(size, NO_LIMIT_NS, np.int64)

    def hear(self, device: Int32, received_ns: Int64) -> None:
        """Take signs of life of devices, (N,) each, in order of arrival."""
        if not len(device):
            return
        order = np.argsort(device, kind="stable")
        who, when_ns = device[order], received_ns[order]
        first = np.concatenate(([True], who[1:] != who[:-1]))
        last = np.concatenate((first[1:], [True]))
        before_ns = np.concatenate(([0], when_ns[:-1]))
        before_ns[first] = self.last_ns[who[first]]
        gap_ns = when_ns - before_ns
        is_gap = (before_ns != NEVER) & (gap_ns >= BURST_NS) & (self._first_ns[who] < NO_LIMIT_NS)
        is_gap &= ~first | (self.due_ns[who] < NO_LIMIT_NS) | (gap_ns <= MOST_OVERDUE_NS)
        self._learn(who[is_gap], gap_ns[is_gap])
        self.last_ns[who[last]] = when_ns[last]
        self.due_ns[who[last]] = when_ns[last] + self.limit_ns[who[last]]

    def stop(self, device: int, *, may_be_usual: bool = False) -> None:
        """Watch a device no more until it is heard again; that gap teaches nothing about how it usually sends.

        Unless it may be what is usual of a device that is not known yet: else one that wakes every 15 minutes would never be known.
        """
        if not may_be_usual or self._count[device] >= GAPS_NEEDED:
            self.last_ns[device] = NEVER
        self.due_ns[device] = NO_LIMIT_NS

    def grant(self, device: Int64, since_ns: int) -> None:
        """Let the silence of devices, (M,), count from a time on; the gap over it teaches nothing. One without a limit gets the least."""
        self.last_ns[device] = NEVER
        self.due_ns[device] = since_ns + self.granted_ns(device)

    def prolong(self, device: Int64, since_ns: int) -> None:
        """Let devices, (M,), that are watched be due no earlier than if they had been heard at a time."""
        watched = device[self.due_ns[device] < NO_LIMIT_NS]
        self.due_ns[watched] = np.maximum(self.due_ns[watched], since_ns + self.granted_ns(watched))

    def granted_ns(self, device: Int64) -> Int64:
        """(M,) int64: how long devices may be silent, where they are watched at all."""
        limit_ns = self.limit_ns[device]
        return np.where(limit_ns >= NO_LIMIT_NS, LEAST_LIMIT_NS, limit_ns)

    def gaps_ms(self, device: int) -> list[int]:
        """Remembered gaps of a device, oldest first."""
        count = int(self._count[device])
        kept = np.arange(max(0, count - GAPS_KEPT), count) % GAPS_KEPT
        return [int(gap) for gap in self._gap_ms[device, kept]]

    def restore(self, device: int, last_ns: int, gaps_ms: list[int], due_ns: int | None = None) -> None:
        """Take over what `last_ns`, `gaps_ms` and, where it does not follow from these, `due_ns` said."""
        self._gap_ms[device] = np.iinfo(np.int32).max
        self._gap_ms[device, : len(gaps_ms)] = gaps_ms
        self._count[device] = len(gaps_ms)
        self.limit_ns[device] = self._first_ns[device]
        self._set_limits(np.array([device], np.int32))
        self.last_ns[device] = last_ns
        self.due_ns[device] = NO_LIMIT_NS if last_ns == NEVER else last_ns + self.limit_ns[device]
        if due_ns is not None:
            self.due_ns[device] = due_ns

    def _learn(self, who: Int32, gap_ns: Int64) -> None:
        """Keep gaps, (M,) each, sorted by device."""
        if not len(who):
            return
        start = np.flatnonzero(np.concatenate(([True], who[1:] != who[:-1])))
        sizes = np.diff(np.append(start, len(who)))
        rank = np.arange(len(who)) - np.repeat(start, sizes)
        gap_ms = np.minimum(gap_ns // NS_PER_MS, np.iinfo(np.int32).max - 1).astype(np.int32)
        self._gap_ms[who, (self._count[who] + rank) % GAPS_KEPT] = gap_ms
        self._count[who[start]] += sizes
        self._set_limits(who[start])

    def _set_limits(self, device: Int32) -> None:
        """Limits of devices, (M,) without repeats, whose gaps have changed."""
        known = device[self._count[device] >= GAPS_NEEDED]
        count = np.minimum(self._count[known], GAPS_KEPT)
        rank, hundredths = np.divmod(95 * (count - 1), 100)
        ordered = np.sort(self._gap_ms[known], axis=1).astype(np.int64)
        row = np.arange(len(known))
        below_ms, above_ms = ordered[row, rank], ordered[row, np.minimum(rank + 1, count - 1)]
        percentile_ns = (100 * below_ms + (above_ms - below_ms) * hundredths) * (NS_PER_MS // 100)
        self.limit_ns[known] = np.maximum(LEAST_LIMIT_NS, 3 * percentile_ns)


class Spells:
    """Offline spells of D devices, and which kinds of their readings have been heard since the last one.

    Attributes
    ----------
    number : (D,) int64
        Of the device's last spell; 0 before the first.
    is_silent : (D,) bool
        The spell goes on.
    seen : (D, K) int64
        The number of the spell when a reading of the kind was last heard.

    Parameters
    ----------
    size
        D.
    behind
        Gateway to the devices that are heard through it: none of them can be heard while it is gone.
    """

    def __init__(self, size: int, behind: Mapping[int, Sequence[int]] | None = None) -> None:
        self.behind: Mapping[int, Sequence[int]] = behind or {}
        self.number: Int64 = np.zeros(size, np.int64)
        self.is_silent: Bool = np.zeros(size, np.bool_)
        self.seen: Int64 = np.zeros((size, len(KINDS)), np.int64)

    def begin(self, device: int) -> None:
        """Let a spell begin, unless one goes on, of a device and of what is heard through it."""
        for one in (device, *self.behind.get(device, ())):
            if not self.is_silent[one]:
                self.number[one] += 1
                self.is_silent[one] = True

    def hear(self, device: int, kind: int) -> bool:
        """Whether a reading that is a sign of life is the first of its kind since the device's last spell."""
        self.is_silent[device] = False
        is_first = bool(self.seen[device, kind] != self.number[device])
        self.seen[device, kind] = self.number[device]
        return is_first

    def concerns(self, readings: Readings) -> Bool:
        """(N,) bool: readings of devices whose spells these readings may change."""
        touched = self.is_silent[readings.device] | readings.is_farewell
        touched |= self.seen[readings.device, readings.kind] != self.number[readings.device]
        if not touched.any():
            return touched
        leaving = np.unique(readings.device[readings.is_farewell]).tolist() if self.behind else []
        lost = [row for gateway in leaving for row in self.behind.get(gateway, ())]
        return np.isin(readings.device, np.concatenate((readings.device[touched], np.array(lost, np.int32))))

    def back(self, readings: Readings) -> Bool:
        """(N,) bool: first reading of its kind since the device's last spell; changes nothing."""
        back = np.zeros(len(readings), np.bool_)
        rows = np.flatnonzero(self.concerns(readings))
        if len(rows):
            after = self._copy()
            for row, device, kind in zip(rows.tolist(), readings.device[rows].tolist(), readings.kind[rows].tolist(), strict=True):
                if readings.is_farewell[row]:
                    after.begin(device)
                elif not readings.retained[row]:
                    back[row] = after.hear(device, kind)
        return back

    def _copy(self) -> "Spells":
        after = Spells(0, self.behind)
        after.number, after.is_silent, after.seen = self.number.copy(), self.is_silent.copy(), self.seen.copy()
        return after
