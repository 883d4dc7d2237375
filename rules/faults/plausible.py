"""Implausible: a sensor reports what nothing that it measures can do."""

from typing import Any

import numpy as np

from devices.model import NS_PER_S, Bool, Float64, SensorKind
from devices.sensors.acceleration import AccelerationBatch
from devices.sensors.contact import ContactBatch
from devices.sensors.meter import MeterBatch
from devices.sensors.position import PositionBatch
from rules.faults.latch import Checks, Evidence, Remembering
from rules.faults.runs import Runs
from rules.kinds import EventKind
from rules.premises import Premises

MEAN_G = (0.5, 2.0)
"""Mean magnitude of a packet: at rest 1 g; a wrist that runs reaches 2 g; m/s² said to be g are 9.8, a dead sensor is 0."""
PEAK_G = 20.0
"""Of a sample: no worn sensor's usual range goes beyond 16 g. One is a knock; it takes `OUTSIDE_NS` of packets that all have one."""
OUTSIDE_NS = 60 * NS_PER_S
LEAST_PACKETS = 3
JUMP_MPS = 100.0
"""Between two fixes: high-speed trains do 350 km/h, which is 97 m/s."""
SHARP_M = 50.0
"""Fixes that claim to be no better than this may jump."""
_FOLD = 2.0
"""An accuracy is a radius of 68 % (Android, W3C); twice it is about 95 %."""
RATE_PER_S = {"water_l": 10_000 / 3600, "electricity_wh": 50_000 / 3600}
"""10 m³/h, three times what a home's water meter may pass (ISO 4064, Q4 3.125 m³/h); 50 kW, above three phases of 63 A."""
STEP = {"water_l": 100.0, "electricity_wh": 1000.0}
"""What a meter may add at once: ten pulses of 10 l, one of 1 kWh."""
ROUNDING = {"water_l": 1.0, "electricity_wh": 1.0}
"""What a total may fall by."""
TOGGLES = 20
TOGGLES_NS = 60 * NS_PER_S
"""Nobody opens and shuts a door more often in a minute; a loose magnet does."""
_M_PER_DEG = 111_320.0


class Implausible(Checks):
    """A device that reports what cannot be, until 3 readings of that sensor can."""

    name = "implausible"

    def __init__(self, premises: Premises) -> None:
        checks = (_Acceleration(premises), _Position(premises), _Meter(premises), _Contact(premises))
        super().__init__(dict(zip((AccelerationBatch, PositionBatch, MeterBatch, ContactBatch), checks, strict=True)))


class _Acceleration(Remembering[AccelerationBatch]):
    """A minute of packets that no gravity is in, or far too much."""

    name = SensorKind.ACCELERATION.value

    def __init__(self, premises: Premises) -> None:
        super().__init__(premises, EventKind.IMPLAUSIBLE)
        self._runs = Runs(len(premises.registry), 1)

    def look(self, batch: AccelerationBatch) -> tuple[Bool, dict[int, Evidence]]:
        first = batch.offset[:-1]
        magnitude_g = np.sqrt(np.einsum("is,is->s", batch.accel_g, batch.accel_g, dtype=np.float64))
        mean_g = np.add.reduceat(magnitude_g, first) / np.diff(batch.offset)
        peak_g = np.maximum.reduceat(magnitude_g, first)
        is_outside = ((mean_g < MEAN_G[0]) | (mean_g > MEAN_G[1]) | (peak_g > PEAK_G)) & ~batch.retained
        value = np.where(is_outside, 1.0, np.nan)[:, None]
        held_ns, count = self._runs.take(batch.device, batch.time_ns, value, batch.back)
        wrong = is_outside & (held_ns >= OUTSIDE_NS) & (count >= LEAST_PACKETS)
        return ~batch.retained, {
            row: {"sensor": self.name, "mean_g": float(mean_g[row]), "peak_g": float(peak_g[row])} for row in np.flatnonzero(wrong).tolist()
        }

    def remembered(self) -> dict[int, Any]:
        return self._runs.remembered()

    def remember(self, row: int, state: list[Any]) -> None:
        self._runs.remember(row, state)


class _Position(Remembering[PositionBatch]):
    """Two good fixes that are further apart than anybody travels in that time. A fix under a wrong clock has no time to go by."""

    name = SensorKind.POSITION.value

    def __init__(self, premises: Premises) -> None:
        super().__init__(premises, EventKind.IMPLAUSIBLE)
        self._last: Float64 = np.full((len(premises.registry), 3), np.nan)
        self._last_ns = np.zeros(len(premises.registry), np.int64)

    def look(self, batch: PositionBatch) -> tuple[Bool, dict[int, Evidence]]:
        looked = ~batch.retained & ~batch.clock_wrong & (batch.accuracy_m < SHARP_M)
        rows = np.flatnonzero(looked)
        rows = rows[np.argsort(batch.device[rows], kind="stable")]
        if not len(rows):
            return looked, {}
        who, when_ns = batch.device[rows], batch.time_ns[rows]
        fix = np.column_stack((batch.lon_deg[rows], batch.lat_deg[rows], batch.accuracy_m[rows]))
        is_first = np.concatenate(([True], who[1:] != who[:-1]))
        before, before_ns = np.concatenate((fix[:1], fix[:-1])), np.concatenate((when_ns[:1], when_ns[:-1]))
        before[is_first], before_ns[is_first] = self._last[who[is_first]], self._last_ns[who[is_first]]
        is_last = np.concatenate((is_first[1:], [True]))
        self._last[who[is_last]], self._last_ns[who[is_last]] = fix[is_last], when_ns[is_last]
        east_deg = (fix[:, 0] - before[:, 0] + 180) % 360 - 180
        north_deg = fix[:, 1] - before[:, 1]
        apart_m = _M_PER_DEG * np.hypot(east_deg * np.cos(np.radians((fix[:, 1] + before[:, 1]) / 2)), north_deg)
        after_s = np.maximum(np.abs(when_ns - before_ns) / NS_PER_S, 1.0)
        is_jump = apart_m - _FOLD * (fix[:, 2] + before[:, 2]) > JUMP_MPS * after_s  # NaN, of a first fix, is not
        return looked, {
            int(rows[one]): {"sensor": self.name, "apart_m": float(apart_m[one]), "after_s": float(after_s[one])}
            for one in np.flatnonzero(is_jump).tolist()
        }

    def remembered(self) -> dict[int, Any]:
        known = np.flatnonzero(~np.isnan(self._last[:, 0])).tolist()
        return {row: [int(self._last_ns[row]), *self._last[row].tolist()] for row in known}

    def remember(self, row: int, state: list[Any]) -> None:
        self._last_ns[row], self._last[row] = state[0], state[1:]


class _Meter(Remembering[MeterBatch]):
    """A total that falls, or rises faster than a pipe or a wire can bring. One that comes late, out of order, is not looked at."""

    name = SensorKind.METER.value

    def __init__(self, premises: Premises) -> None:
        super().__init__(premises, EventKind.IMPLAUSIBLE)
        self._last: dict[int, dict[str, tuple[float, int]]] = {}

    def look(self, batch: MeterBatch) -> tuple[Bool, dict[int, Evidence]]:
        why: dict[int, Evidence] = {}
        looked = ~batch.retained
        for row in np.flatnonzero(looked).tolist():
            last, time_ns = self._last.setdefault(int(batch.device[row]), {}), int(batch.time_ns[row])
            for name, rate_per_s in RATE_PER_S.items():
                total = float(getattr(batch, name)[row])
                before, before_ns = last.get(name, (total, time_ns))
                if np.isnan(total) or time_ns < before_ns:
                    continue
                last[name] = (total, time_ns)
                after_s, change = (time_ns - before_ns) / NS_PER_S, total - before
                if change < -ROUNDING[name] or change > rate_per_s * after_s + STEP[name]:
                    why[row] = {"sensor": self.name, f"change_{name}": change, "after_s": after_s}
        return looked, why

    def remembered(self) -> dict[int, Any]:
        return {row: {name: list(one) for name, one in last.items()} for row, last in self._last.items() if last}

    def remember(self, row: int, state: dict[str, Any]) -> None:
        self._last[row] = {name: (total, time_ns) for name, (total, time_ns) in state.items()}


class _Contact(Remembering[ContactBatch]):
    """Opened and shut more often than a hand can."""

    name = SensorKind.CONTACT.value

    def __init__(self, premises: Premises) -> None:
        super().__init__(premises, EventKind.IMPLAUSIBLE)
        self._last: dict[int, tuple[bool, list[int]]] = {}

    def look(self, batch: ContactBatch) -> tuple[Bool, dict[int, Evidence]]:
        why: dict[int, Evidence] = {}
        looked = ~batch.retained
        for row in np.flatnonzero(looked).tolist():
            device, is_open, time_ns = int(batch.device[row]), bool(batch.is_open[row]), int(batch.time_ns[row])
            was_open, toggled_ns = self._last.get(device, (is_open, []))
            if is_open != was_open:
                toggled_ns = [*toggled_ns, time_ns]
            toggled_ns = [one_ns for one_ns in toggled_ns if time_ns - one_ns < TOGGLES_NS][-TOGGLES - 1 :]
            self._last[device] = (is_open, toggled_ns)
            if len(toggled_ns) > TOGGLES:
                why[row] = {"sensor": self.name, "toggles": len(toggled_ns), "within_s": (time_ns - min(toggled_ns)) / NS_PER_S}
        return looked, why

    def remembered(self) -> dict[int, Any]:
        return {row: [is_open, toggled_ns] for row, (is_open, toggled_ns) in self._last.items()}

    def remember(self, row: int, state: list[Any]) -> None:
        self._last[row] = (state[0], state[1])
