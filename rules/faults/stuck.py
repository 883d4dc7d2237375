"""Stuck: a sensor goes on reporting what cannot stay the same for so long."""

from typing import Any

import numpy as np

from devices.model import NS_PER_S, Bool, DeviceKind, Int64, SensorKind
from devices.sensors.acceleration import AccelerationBatch
from devices.sensors.meter import MeterBatch
from devices.sensors.motion import MotionBatch
from devices.sensors.targets import TargetsBatch
from rules.faults.latch import Checks, Evidence, Remembering
from rules.faults.runs import Runs
from rules.kinds import EventKind, Mode
from rules.premises import Premises

HELD_NS = {
    SensorKind.ACCELERATION: 24 * 3600 * NS_PER_S,
    SensorKind.TARGETS: 600 * NS_PER_S,
    SensorKind.MOTION: 24 * 3600 * NS_PER_S,
    SensorKind.METER: 7 * 24 * 3600 * NS_PER_S,
}
"""How long the same is too long.

- Acceleration: a watch on a table at night is still, and one with 8 bits says the same number; not from one evening to the next.
- Targets: a person who sits still is lost by a radar or moves by centimetres; residual coordinates stay to the millimetre (esphome#15025).
- Motion: presence sensors rightly say so of somebody who sleeps and then stays in bed for the morning.
- Meter: a fridge runs every day, and who lives at home draws water every day.
"""
LEAST_READINGS = 20
"""A run of fewer shows no sensor that goes on reporting, but one whose last word was lost."""
LOOK_NS = 30 * NS_PER_S
"""How often a radar's targets are compared: often enough for ten minutes, and ten frames a second need no looking at."""
_AWAY = frozenset({Mode.AWAY, Mode.HOLIDAY})
_TOTALS = ("water_l", "electricity_wh")
_LONG_AGO = -(2**62)


class Stuck(Checks):
    """A device whose sensor is stuck, until 3 readings of that sensor are others."""

    name = "stuck"

    def __init__(self, premises: Premises) -> None:
        checks = (_Acceleration(premises), _Targets(premises), _Motion(premises), _Meter(premises))
        super().__init__(dict(zip((AccelerationBatch, TargetsBatch, MotionBatch, MeterBatch), checks, strict=True)))


class _Acceleration(Remembering[AccelerationBatch]):
    """Every sample of every packet is the same, bit by bit, on all axes."""

    name = SensorKind.ACCELERATION.value

    def __init__(self, premises: Premises) -> None:
        super().__init__(premises, EventKind.STUCK)
        self._runs = Runs(len(premises.registry), 3)

    def look(self, batch: AccelerationBatch) -> tuple[Bool, dict[int, Evidence]]:
        first, last = batch.offset[:-1], batch.offset[1:] - 1
        same = (batch.accel_g[:, first] == batch.accel_g[:, last]).all(axis=0) & ~batch.retained
        if same.any():  # seldom
            same &= (np.minimum.reduceat(batch.accel_g, first, axis=1) == np.maximum.reduceat(batch.accel_g, first, axis=1)).all(axis=0)
        value = np.where(same, batch.accel_g[:, first], np.nan).T
        held_ns, count = self._runs.take(batch.device, batch.time_ns, value, batch.back)
        stuck = same & (held_ns >= HELD_NS[SensorKind.ACCELERATION]) & (count >= LEAST_READINGS)
        return ~batch.retained, {
            row: {"sensor": self.name, "same_s": int(held_ns[row]) / NS_PER_S} for row in np.flatnonzero(stuck).tolist()
        }

    def remembered(self) -> dict[int, Any]:
        return self._runs.remembered()

    def remember(self, row: int, state: list[Any]) -> None:
        self._runs.remember(row, state)


class _Targets(Remembering[TargetsBatch]):
    """A target of a radar stands at exactly the same place whenever it is looked at. A camera's may: people sit on sofas."""

    name = SensorKind.TARGETS.value

    def __init__(self, premises: Premises) -> None:
        super().__init__(premises, EventKind.STUCK)
        devices = premises.registry.devices
        self._is_radar: Bool = np.array([device.kind is DeviceKind.RADAR for device in devices], np.bool_)
        self._looked_ns: Int64 = np.full(len(devices), _LONG_AGO, np.int64)
        self._since_ns: dict[int, dict[tuple[float, float], int]] = {}

    def look(self, batch: TargetsBatch) -> tuple[Bool, dict[int, Evidence]]:
        looked = np.zeros(len(batch), np.bool_)
        why: dict[int, Evidence] = {}
        is_due = self._is_radar[batch.device] & ~batch.retained & (batch.time_ns >= self._looked_ns[batch.device] + LOOK_NS)
        for row in np.flatnonzero(is_due).tolist():
            device, time_ns = int(batch.device[row]), int(batch.time_ns[row])
            if time_ns < self._looked_ns[device] + LOOK_NS:
                continue
            self._looked_ns[device] = time_ns
            looked[row] = True
            part = slice(batch.offset[row], batch.offset[row + 1])
            before = {} if batch.back[row] else self._since_ns.get(device, {})
            now = {place: before.get(place, time_ns) for place in zip(batch.x_m[part].tolist(), batch.y_m[part].tolist(), strict=True)}
            self._since_ns[device] = now
            place = min(now, key=lambda one: (now[one], one), default=None)
            if place is not None and time_ns - now[place] >= HELD_NS[SensorKind.TARGETS]:
                why[row] = {"sensor": self.name, "same_s": (time_ns - now[place]) / NS_PER_S, "x_m": place[0], "y_m": place[1]}
        return looked, why

    def remembered(self) -> dict[int, Any]:
        return {
            row: [int(self._looked_ns[row]), [[*place, since_ns] for place, since_ns in sorted(places.items())]]
            for row, places in self._since_ns.items()
        }

    def remember(self, row: int, state: list[Any]) -> None:
        self._looked_ns[row] = state[0]
        self._since_ns[row] = {(x_m, y_m): since_ns for x_m, y_m, since_ns in state[1]}


class _Motion(Remembering[MotionBatch]):
    """Motion that never ends, by a sensor that has said before that nobody moves: some never do. A radar's presence may last."""

    name = SensorKind.MOTION.value

    def __init__(self, premises: Premises) -> None:
        super().__init__(premises, EventKind.STUCK)
        self._run: dict[int, tuple[int | None, int]] = {}

    def look(self, batch: MotionBatch) -> tuple[Bool, dict[int, Evidence]]:
        why: dict[int, Evidence] = {}
        looked = ~batch.retained
        for row in np.flatnonzero(looked).tolist():
            device, time_ns = int(batch.device[row]), int(batch.time_ns[row])
            if self._registry[device].kind is not DeviceKind.MOTION:
                continue
            if not batch.is_moving[row]:
                self._run[device] = (None, 0)
            elif device in self._run:
                since_ns, count = self._run[device]
                if since_ns is None or batch.back[row]:
                    since_ns, count = time_ns, 0
                self._run[device] = (since_ns, count + 1)
                if time_ns - since_ns >= HELD_NS[SensorKind.MOTION] and count + 1 >= LEAST_READINGS:
                    why[row] = {"sensor": self.name, "same_s": (time_ns - since_ns) / NS_PER_S}
        return looked, why

    def remembered(self) -> dict[int, Any]:
        return {row: list(run) for row, run in self._run.items()}

    def remember(self, row: int, state: list[Any]) -> None:
        self._run[row] = (state[0], state[1])


class _Meter(Remembering[MeterBatch]):
    """A total that does not move, in a home where somebody lives; of water not while nobody is there."""

    name = SensorKind.METER.value

    def __init__(self, premises: Premises) -> None:
        super().__init__(premises, EventKind.STUCK)
        self._runs: dict[int, dict[str, tuple[float, int, int]]] = {}

    def look(self, batch: MeterBatch) -> tuple[Bool, dict[int, Evidence]]:
        why: dict[int, Evidence] = {}
        looked = ~batch.retained
        for row in np.flatnonzero(looked).tolist():
            device, time_ns = int(batch.device[row]), int(batch.time_ns[row])
            the = self._registry[device]
            if the.home is not None and not self._premises.occupants(the.community_id, the.home):
                continue
            runs = self._runs.setdefault(device, {})
            for name in _TOTALS:
                total = float(getattr(batch, name)[row])
                if np.isnan(total):
                    continue
                before, since_ns, count = runs.get(name, (total, time_ns, 0))
                is_away = name == "water_l" and self._premises.mode(the, time_ns) in _AWAY
                if total != before or batch.back[row] or is_away:
                    since_ns, count = time_ns, 0
                runs[name] = (total, since_ns, count + 1)
                if time_ns - since_ns >= HELD_NS[SensorKind.METER] and count + 1 >= LEAST_READINGS:
                    why[row] = {"sensor": self.name, "same_s": (time_ns - since_ns) / NS_PER_S, name: total}
        return looked, why

    def remembered(self) -> dict[int, Any]:
        return {row: {name: list(run) for name, run in runs.items()} for row, runs in self._runs.items() if runs}

    def remember(self, row: int, state: dict[str, Any]) -> None:
        self._runs[row] = {name: (total, since_ns, count) for name, (total, since_ns, count) in state.items()}
