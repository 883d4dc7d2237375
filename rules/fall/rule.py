"""Falls of people who wear an accelerometer: trigger, window, verdict.

A sample triggers when its magnitude is an impact for its placement and the highest within a second; the window around it is judged when
its 3 s of aftermath are there. Source: the low-g, impact, lying-still scheme of Noury et al., EMBC 2007, with an angle.
Fails on: falls that end in sitting or are got up from at once, soft slides along a wall, a device that is not worn.
"""

from dataclasses import asdict

import numpy as np

from devices.model import NS_PER_S, Bool, Float64, Int64
from devices.sensors.acceleration import AccelerationBatch
from rules.fall.thresholds import THRESHOLDS
from rules.fall.verdict import AFTER_S, BEFORE_S, judge
from rules.fall.windows import Ripe, Windows
from rules.kinds import EventKind
from rules.model import Event, Facts, Snapshot
from rules.premises import Premises

PEAK_S = 1.0
"""An impact is the highest sample within this on both sides."""

REFRACTORY_S = 10.0
"""Impacts this near to a fall are that same fall: a body bounces, and is turned over."""


class Fall:
    """One event per fall, within 4 s of its impact where packets last a second.

    Parameters
    ----------
    premises
        Who wears what, and where. A device that nobody wears is not looked at.
    """

    name = "fall"
    window_s = 90.0
    """The windows need 5 s of samples; senders may pack a minute into a packet, and a packet is read whole or not."""

    def __init__(self, premises: Premises) -> None:
        self._registry = premises.registry
        self._worn: Bool = np.array([device.wearer is not None for device in self._registry.devices], np.bool_)
        trigger_g = [THRESHOLDS[device.placement].impact_g for device in self._registry.devices]
        self._trigger_g2: Float64 = np.square(np.array(trigger_g, np.float64))
        self._windows = Windows(len(self._registry), before_s=BEFORE_S, after_s=AFTER_S)
        self._last_ns: dict[int, int] = {}

    def update(self, batch: AccelerationBatch, /) -> Facts:
        """Falls that became known by these packets, in their order."""
        facts: Facts = []
        for ripe in self._windows.take(batch, np.flatnonzero(self._worn[batch.device] & ~batch.retained)):
            for packet, device, position in self._impacts(ripe):
                facts += self._decide(batch, packet, device, position)
        return sorted(facts, key=lambda fact: (fact.seq, fact.t_ns))

    def next_due(self) -> int | None:
        """Nothing: a fall is known by samples, not by time having passed."""
        return None

    def tick(self, now_ns: int, /) -> Facts:  # noqa: ARG002
        """Nothing."""
        return []

    def snapshot(self) -> Snapshot:
        """Time of each device's newest fall; the windows are refilled from the log."""
        return {self._registry[row].key: {"fall_ns": last_ns} for row, last_ns in sorted(self._last_ns.items())}

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over the newest falls."""
        for row, device in enumerate(self._registry.devices):
            if device.key in snapshot:
                self._last_ns[row] = int(snapshot[device.key]["fall_ns"])

    def _impacts(self, ripe: Ripe) -> list[tuple[int, int, int]]:
        """(packet, device, position) of the ripe samples that are impacts, by packet and position."""
        triggered = self._magnitude_g2(ripe.device, ripe.position) >= self._trigger_g2[ripe.device]
        packet, device, position = ripe.packet[triggered], ripe.device[triggered], ripe.position[triggered]
        reach = np.rint(PEAK_S * self._windows.rate_hz(device)).astype(np.int64)
        is_peak = np.zeros(len(device), np.bool_)
        for width in np.unique(reach):  # one per sampling rate
            same = np.flatnonzero(reach == width)
            around = position[same, None] + np.arange(-width, width + 1)
            magnitude_g2 = self._magnitude_g2(device[same, None], around)
            is_peak[same] = np.argmax(np.nan_to_num(magnitude_g2, nan=-1.0), axis=1) == width  # of equals the first
        order = np.lexsort((position, packet))
        order = order[is_peak[order]]
        return list(zip(packet[order].tolist(), device[order].tolist(), position[order].tolist(), strict=True))

    def _magnitude_g2(self, device: Int64, position: Int64) -> Float64:
        """Squared magnitude of samples, in g²; NaN where nothing is known."""
        x, y, z = self._windows.accel_g(device, position).astype(np.float64)
        squared: Float64 = x * x + y * y + z * z
        return squared

    def _decide(self, batch: AccelerationBatch, packet: int, row: int, position: int) -> Facts:
        window = self._windows.window(row, position)
        last_ns = self._last_ns.get(row)
        if last_ns is not None and abs(window.time_ns - last_ns) < REFRACTORY_S * NS_PER_S:
            return []
        device = self._registry[row]
        verdict = judge(window, device.placement)
        if verdict is None or device.wearer is None:
            return []
        self._last_ns[row] = window.time_ns
        return [
            Event(
                community_id=device.community_id,
                kind=EventKind.FALL,
                subject=device.wearer,
                t_ns=window.time_ns,
                known_ns=int(batch.received_ns[packet]),
                seq=int(batch.seq[packet]),
                device_id=device.id,
                resident_id=device.wearer,
                home_id=device.home,
                score=verdict.score,
                cause=device.id,
                evidence=asdict(verdict.measures),
            )
        ]
