"""Streams of readings for rule tests, and `Run`, which drives a rule as the pipeline does."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from devices.model import NS_PER_S, Batch, CommunityId, Device, DeviceId, DeviceKind, HomeId, PersonId, Registry, SensorKind
from devices.sensors import KINDS
from devices.sensors.acceleration import AccelerationBatch
from devices.sensors.button import ButtonBatch, Press
from devices.sensors.contact import ContactBatch
from devices.sensors.keypad import MODES, KeypadBatch
from devices.sensors.meter import MeterBatch
from devices.sensors.motion import MotionBatch
from devices.sensors.position import PositionBatch
from devices.sensors.status import StatusBatch
from devices.sensors.targets import TargetsBatch
from rules.kinds import Mode
from rules.model import Facts, Rule
from rules.premises import Care, Clocks, Fence, HomePlace, Modes, Premises, Use

COMMUNITY = CommunityId("lakeside")
T0_NS = 1_772_344_800 * NS_PER_S  # 2026-03-01T06:00:00Z
SPAN_NS = NS_PER_S // 4
NAN = float("nan")


def ns(after_s: float) -> int:
    """Seconds after the start of every stream, in ns since the epoch; exact to the millisecond."""
    return T0_NS + round(after_s * 1000) * 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One reading: arrived at `at_s`, measured at `t_s`; `value` is its own columns' row."""

    kind: SensorKind
    device: str
    at_s: float
    value: dict[str, Any]
    t_s: float | None = None
    retained: bool = False
    clock_wrong: bool = False
    back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeChange:
    """A home's mode is another from `at_s` on."""

    at_s: float
    home: str
    mode: Mode


Item = Reading | ModeChange


def device(id_: str, kind: DeviceKind, *, home: str | None = None, wearer: str | None = None, **fields: Any) -> Device:
    return Device(
        community_id=fields.pop("community_id", COMMUNITY),
        id=DeviceId(id_),
        kind=kind,
        home=None if home is None else HomeId(home),
        wearer=None if wearer is None else PersonId(wearer),
        **fields,
    )


def premises(
    *devices: Device,
    homes: Iterable[HomePlace] = (),
    fences: Sequence[Fence] = (),
    modes: Iterable[ModeChange] = (),
    care: Mapping[str, Care] | None = None,
    uses: Mapping[str, Use] | None = None,
    zone: str = "Asia/Shanghai",
) -> Premises:
    """Of the one community; `care` by resident, `uses` by device."""
    known = Modes()
    for change in modes:
        known.change(COMMUNITY, change.home, change.mode, ns(change.at_s))
    return Premises(
        registry=Registry(devices),
        homes={(COMMUNITY, home.id): home for home in homes},
        fences=tuple(fences),
        modes=known,
        care={(COMMUNITY, resident): one for resident, one in (care or {}).items()},
        uses={f"{COMMUNITY}/{device_id}": one for device_id, one in (uses or {}).items()},
        clocks={COMMUNITY: Clocks(zone=ZoneInfo(zone))},
    )


def acceleration(device_id: str, at_s: float, accel_g: np.ndarray, *, rate_hz: float = 50.0, **fields: Any) -> Reading:
    """A packet of (3, S) samples that arrives when its last sample is measured, unless `t_s` is given."""
    samples = np.asarray(accel_g, np.float32)
    fields.setdefault("t_s", at_s - samples.shape[1] / rate_hz)
    return Reading(kind=SensorKind.ACCELERATION, device=device_id, at_s=at_s, value={"accel_g": samples, "rate_hz": rate_hz}, **fields)


def position(device_id: str, at_s: float, lon: float, lat: float, *, accuracy_m: float = 8.0, **fields: Any) -> Reading:
    value = {"lon_deg": lon, "lat_deg": lat, "accuracy_m": accuracy_m, "speed_mps": NAN, "heading_deg": NAN}
    return Reading(kind=SensorKind.POSITION, device=device_id, at_s=at_s, value=value, **fields)


def targets(device_id: str, at_s: float, *xy_m: tuple[float, float], accuracy_m: float = NAN, name: int = 0, **fields: Any) -> Reading:
    value = {"xy_m": xy_m, "accuracy_m": accuracy_m, "name": name}
    return Reading(kind=SensorKind.TARGETS, device=device_id, at_s=at_s, value=value, **fields)


def contact(device_id: str, at_s: float, *, is_open: bool, **fields: Any) -> Reading:
    return Reading(kind=SensorKind.CONTACT, device=device_id, at_s=at_s, value={"is_open": is_open}, **fields)


def motion(device_id: str, at_s: float, *, is_moving: bool = True, **fields: Any) -> Reading:
    return Reading(kind=SensorKind.MOTION, device=device_id, at_s=at_s, value={"is_moving": is_moving}, **fields)


def button(device_id: str, at_s: float, press: Press = Press.SOS, **fields: Any) -> Reading:
    return Reading(kind=SensorKind.BUTTON, device=device_id, at_s=at_s, value={"press": int(press)}, **fields)


def keypad(device_id: str, at_s: float, mode: Mode, code: str, **fields: Any) -> Reading:
    return Reading(kind=SensorKind.KEYPAD, device=device_id, at_s=at_s, value={"mode": MODES.index(mode), "code": code}, **fields)


def meter(device_id: str, at_s: float, *, water_l: float = NAN, electricity_wh: float = NAN, **fields: Any) -> Reading:
    value = {"water_l": water_l, "electricity_wh": electricity_wh}
    return Reading(kind=SensorKind.METER, device=device_id, at_s=at_s, value=value, **fields)


def status(
    device_id: str, at_s: float, *, battery_percent: float = NAN, online: int = -1, tamper: int = -1, battery_low: int = -1, **fields: Any
) -> Reading:
    value = {"battery_percent": battery_percent, "online": online, "tamper": tamper, "battery_low": battery_low}
    return Reading(kind=SensorKind.STATUS, device=device_id, at_s=at_s, value=value, **fields)


def batches(registry: Registry, numbered: Iterable[tuple[int, Reading]]) -> dict[SensorKind, Batch]:
    """Batches of (seq, reading), by kind, in the order in which the decoder gives them; columns are read-only."""
    of_kind: dict[SensorKind, list[tuple[int, Reading]]] = {}
    for seq, reading in numbered:
        of_kind.setdefault(reading.kind, []).append((seq, reading))
    return {kind.name: _batch(registry, kind.name, of_kind[kind.name]) for kind in KINDS if kind.name in of_kind}


def batch(registry: Registry, *readings: Reading) -> Any:
    """Batch of readings of one kind, numbered from 0."""
    (only,) = batches(registry, enumerate(readings)).values()
    return only


@dataclass(kw_only=True)
class Run:
    """A rule, driven as the pipeline drives it: a batch spans no due time, no change of mode, and at most a quarter of a second.

    Attributes
    ----------
    feed
        Gives the rule the batches of a micro-batch.
    given
        (seqs, facts) of each micro-batch, for those who look closer.
    """

    premises: Premises
    rule: Rule[Any]
    feed: Callable[[Rule[Any], dict[SensorKind, Batch]], Facts] | None = None
    given: list[tuple[set[int], Facts]] = field(default_factory=list)

    def play(
        self, stream: Sequence[Item], *, cuts: Collection[int] = (), start: int = 0, until_s: float | None = None, ticks: bool = True
    ) -> Facts:
        """Facts of the items of a stream from `start` on, also cut before the items at `cuts`, and of the time until `until_s`."""
        facts: Facts = []
        pending: list[tuple[int, Reading]] = []
        for seq, item in enumerate(stream[start:], start):
            at_ns = ns(item.at_s)
            due = self.rule.next_due()
            far = bool(pending) and at_ns - ns(pending[0][1].at_s) >= SPAN_NS
            if seq in cuts or far or isinstance(item, ModeChange) or (due is not None and due <= at_ns):
                facts += self._update(pending)
                pending = []
                facts += self.advance(at_ns) if ticks else []
            if isinstance(item, ModeChange):
                self.premises.modes.change(COMMUNITY, item.home, item.mode, at_ns)
            else:
                pending.append((seq, item))
        facts += self._update(pending)
        if until_s is not None:
            facts += self.advance(ns(until_s))
        return facts

    def advance(self, to_ns: int) -> Facts:
        """Facts of time having passed."""
        facts: Facts = []
        while (due := self.rule.next_due()) is not None and due <= to_ns:
            facts += self.rule.tick(due)
        return facts

    def _update(self, pending: list[tuple[int, Reading]]) -> Facts:
        if not pending:
            return []
        given = batches(self.premises.registry, pending)
        feed = self.feed or feed_by_kind
        facts = sorted(feed(self.rule, given), key=lambda fact: fact.seq)
        self.given.append(({seq for seq, _ in pending}, facts))
        return facts


def feed_by_kind(rule: Rule[Any], given: dict[SensorKind, Batch]) -> Facts:
    return [fact for one in given.values() for fact in rule.update(one)]


def _batch(registry: Registry, kind: SensorKind, numbered: list[tuple[int, Reading]]) -> Batch:
    readings = [reading for _, reading in numbered]
    rows = [next(row for row, one in enumerate(registry.devices) if one.id == reading.device) for reading in readings]
    times = [ns(reading.at_s if reading.t_s is None else reading.t_s) for reading in readings]
    shared = {
        "device": _column(rows, np.int32),
        "time_ns": _column(times, np.int64),
        "received_ns": _column([ns(reading.at_s) for reading in readings], np.int64),
        "seq": _column([seq for seq, _ in numbered], np.int64),
        "retained": _column([reading.retained for reading in readings], np.bool_),
        "clock_wrong": _column([reading.clock_wrong for reading in readings], np.bool_),
        "back": _column([reading.back for reading in readings], np.bool_),
    }
    match kind:
        case SensorKind.ACCELERATION:
            return AccelerationBatch(**shared, **_packets(readings))
        case SensorKind.TARGETS:
            return TargetsBatch(**shared, **_frames(readings))
        case _:
            type_, dtypes = _PLAIN[kind]
            return type_(**shared, **{name: _column([one.value[name] for one in readings], dtype) for name, dtype in dtypes.items()})


_PLAIN: dict[SensorKind, tuple[Callable[..., Batch], dict[str, Any]]] = {
    SensorKind.POSITION: (PositionBatch, dict.fromkeys(("lon_deg", "lat_deg", "accuracy_m", "speed_mps", "heading_deg"), np.float64)),
    SensorKind.CONTACT: (ContactBatch, {"is_open": np.bool_}),
    SensorKind.MOTION: (MotionBatch, {"is_moving": np.bool_}),
    SensorKind.BUTTON: (ButtonBatch, {"press": np.int8}),
    SensorKind.KEYPAD: (KeypadBatch, {"mode": np.int8, "code": "<U12"}),
    SensorKind.METER: (MeterBatch, {"water_l": np.float64, "electricity_wh": np.float64}),
    SensorKind.STATUS: (StatusBatch, {"battery_percent": np.float64, **dict.fromkeys(("online", "tamper", "battery_low"), np.int8)}),
}


def _packets(readings: list[Reading]) -> dict[str, np.ndarray]:
    samples = np.concatenate([reading.value["accel_g"] for reading in readings], axis=1)
    return {
        "rate_hz": _column([reading.value["rate_hz"] for reading in readings], np.float64),
        "offset": _offset([reading.value["accel_g"].shape[1] for reading in readings]),
        "accel_g": _column(samples, np.float32),
        "gyro_dps": _column(np.full_like(samples, NAN), np.float32),
    }


def _frames(readings: list[Reading]) -> dict[str, np.ndarray]:
    seen = np.array([xy for reading in readings for xy in reading.value["xy_m"]], np.float64).reshape(-1, 2)
    return {
        "offset": _offset([len(reading.value["xy_m"]) for reading in readings]),
        "x_m": _column(seen[:, 0].copy(), np.float64),
        "y_m": _column(seen[:, 1].copy(), np.float64),
        "speed_mps": _column(np.full(len(seen), NAN), np.float64),
        "accuracy_m": _column([one.value["accuracy_m"] for one in readings for _ in one.value["xy_m"]], np.float64),
        "name": _column([one.value["name"] for one in readings for _ in one.value["xy_m"]], np.int64),
    }


def _offset(sizes: list[int]) -> np.ndarray:
    return _column(np.concatenate(([0], np.cumsum(sizes))), np.int64)


def _column(values: Any, dtype: Any) -> np.ndarray:
    column = np.array(values, dtype)
    column.flags.writeable = False
    return column
