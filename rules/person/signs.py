"""Signs of life: which readings say that somebody moved, used something or pressed something."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from devices.model import NS_PER_S, Batch, Bool, Float64, Int64
from devices.sensors.acceleration import AccelerationBatch
from devices.sensors.button import ButtonBatch
from devices.sensors.contact import ContactBatch
from devices.sensors.meter import MeterBatch
from devices.sensors.motion import MotionBatch
from devices.sensors.position import PositionBatch
from devices.sensors.status import StatusBatch
from devices.sensors.targets import TargetsBatch
from geofence.frames import Frame, turned
from geofence.lines import signed_distance
from rules.premises import FenceKind, Premises, Side

HOUR_NS = 3600 * NS_PER_S
MOVED_G = 0.05
"""Standard deviation of a packet's magnitude. A watch on a table shows the sensor's noise, below 0.01 g; a wrist that turns over, 0.1 g."""
MOVED_M = 50.0
"""A position has moved when it is further from where it was than this, and than twice its accuracy: receivers wander indoors."""
SEEN_M, SEEN_MPS = 0.5, 0.1
"""A target has moved when it is this far from where it was, or said to be this fast: a radar also sees who lies still."""
STUCK_NS, PAUSE_NS = 18 * HOUR_NS, HOUR_NS
"""`motion: true` that a sensor which tells ends repeats for longer than the first, without the second between two, is stuck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """M signs of life of one batch, in its order.

    Attributes
    ----------
    row : (M,) int64
        Row of the batch.
    device : (M,) int64
        Row in the registry.
    time_ns : (M,) int64
        When it was measured, never after it arrived.
    since_ns : (M,) int64
        It happened no earlier: of a meter the time of the reading before, else `time_ns`.
    """

    row: Int64
    device: Int64
    time_ns: Int64
    since_ns: Int64

    def __len__(self) -> int:
        return len(self.row)


@dataclass(slots=True, kw_only=True)
class _Motion:
    """Since when one stretch of `true` lasts, when it was last said, and whether the sensor ever told an end."""

    since_ns: int | None = None
    last_ns: int = 0
    tells_ends: bool = False

    def take(self, time_ns: int, *, is_moving: bool) -> bool:
        """Whether it is a sign. A repeated `true` is one, because many sensors never say `false`, until it can only be stuck."""
        if time_ns < self.last_ns:
            return is_moving
        if not is_moving:
            self.tells_ends |= self.since_ns is not None
            self.since_ns = None
        elif self.since_ns is None or time_ns - self.last_ns > PAUSE_NS:
            self.since_ns = time_ns
        self.last_ns = time_ns
        return is_moving and not (self.tells_ends and self.since_ns is not None and time_ns - self.since_ns > STUCK_NS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Quantity:
    """What a rise must be to be somebody's doing.

    A rise counts if it is `least` above the base, or `least_per_h` in less time than that takes. The base is the lowest fifth of the last
    day's rates, known after `rates_needed`. Water that flows at `tap_per_h` without a pause for an hour is a tap that nobody closes.
    """

    least: float
    least_per_h: float
    rates_needed: int
    tap_per_h: float


WATER = _Quantity(least=1.0, least_per_h=np.inf, rates_needed=40, tap_per_h=120.0)
"""A dripping cistern loses the same day and night and is base after a day; before that, and of a meter that reports use alone, there is
no base. 2 l/min is less than any open tap, more than any leaking cistern."""
ELECTRICITY = _Quantity(least=75.0, least_per_h=300.0, rates_needed=1, tap_per_h=np.inf)
"""A kettle takes 2 kW for 3 minutes, 100 Wh; a fridge 150 W, or 40 Wh in a cycle above its mean."""
LONGEST_NS = 10 * HOUR_NS
"""A rise over a longer time says too little of when: a meter that reports once a day guards nobody."""
_RATE_NS, _RATE_GAP_NS, _RATES_KEPT = 1800 * NS_PER_S, 2 * HOUR_NS, 48
_TAP_STEP_NS, _TAP_NS = 900 * NS_PER_S, HOUR_NS


@dataclass(slots=True, kw_only=True)
class _Total:
    """One running total: its newest reading, the rates of the last day, one per half hour at most, and since when water flows."""

    value: float
    when_ns: int
    mark_value: float
    mark_ns: int
    rates: list[float] = field(default_factory=list)
    tap_ns: int | None = None

    def take(self, value: float, when_ns: int, quantity: _Quantity) -> int | None:
        """Since when somebody has used something, or None."""
        before_ns, elapsed_ns, rise = self.when_ns, when_ns - self.when_ns, value - self.value
        if elapsed_ns <= 0:
            return None
        self.value, self.when_ns = value, when_ns
        if rise < 0 or elapsed_ns > _RATE_GAP_NS:
            self.rates, self.mark_value, self.mark_ns, self.tap_ns = [], value, when_ns, None
            return before_ns if rise >= quantity.least and elapsed_ns <= LONGEST_NS and quantity is WATER else None
        hours = elapsed_ns / HOUR_NS
        is_use = rise - self._base(rise / hours, quantity) * hours >= min(quantity.least, quantity.least_per_h * hours)
        flows = elapsed_ns <= _TAP_STEP_NS and rise >= quantity.tap_per_h * hours
        self.tap_ns = (before_ns if self.tap_ns is None else self.tap_ns) if flows else None
        if when_ns - self.mark_ns >= _RATE_NS:
            self.rates.append(round((value - self.mark_value) * HOUR_NS / (when_ns - self.mark_ns), 1))
            del self.rates[:-_RATES_KEPT]
            self.mark_value, self.mark_ns = value, when_ns
        return before_ns if is_use and not self.is_tap_open() else None

    def is_tap_open(self) -> bool:
        """Whether water has been flowing for an hour."""
        return self.tap_ns is not None and self.when_ns - self.tap_ns >= _TAP_NS

    def _base(self, rate: float, quantity: _Quantity) -> float:
        if len(self.rates) < quantity.rates_needed:
            return 0.0 if quantity is WATER else rate
        return sorted(self.rates)[len(self.rates) // 5]


class Signs:
    """Finds signs of life in the readings of some devices.

    - A contact's first state, a retained one, one that comes back changed and one that repeats itself are no signs; neither is any
      other retained message.
    - Of a home whose lines a radar guards, a target on a line's far side is somebody outside.

    Parameters
    ----------
    premises
        Register and fences.
    watched : (D,) bool
        Devices that matter.
    """

    def __init__(self, premises: Premises, watched: Bool) -> None:
        self._premises = premises
        self._watched = watched
        self._contacts: dict[int, tuple[bool, int]] = {}
        self._motions: dict[int, _Motion] = {}
        self._totals: dict[int, dict[str, _Total]] = {}
        self._anchor: Float64 = np.full((len(premises.registry), 2), np.nan)
        """Where a device, or what it sees, was last known to have moved to: degrees of a position, metres of a target."""
        self._lines = _lines(premises, watched)

    def of(self, batch: Batch) -> Moves:
        """Signs of one batch, which is not changed."""
        since_ns = np.minimum(batch.time_ns, batch.received_ns)
        rows = np.flatnonzero(self._watched[batch.device] & ~batch.retained)
        match batch:
            case AccelerationBatch():
                rows = rows[_shaken(batch, rows)]
            case PositionBatch():
                rows = rows[self._wandered(batch, rows)]
            case TargetsBatch():
                rows = rows[self._seen(batch, rows)]
            case ContactBatch():
                every = np.flatnonzero(self._watched[batch.device])
                rows = every[np.array([self._opened(batch, row) for row in every.tolist()], np.bool_)]
            case MotionBatch():
                rows = rows[np.array([self._moved(batch, row) for row in rows.tolist()], np.bool_)]
            case MeterBatch():
                used = {row: before_ns for row in rows.tolist() if (before_ns := self._used(batch, row)) is not None}
                rows = np.array(list(used), np.int64)
                since_ns[rows] = list(used.values())
            case StatusBatch():
                rows = rows[:0]
            case ButtonBatch() | _:
                pass
        times_ns = np.minimum(batch.time_ns[rows], batch.received_ns[rows])
        return Moves(row=rows, device=batch.device[rows].astype(np.int64), time_ns=times_ns, since_ns=since_ns[rows])

    def state(self, device: int) -> dict[str, Any]:
        """What is remembered of a device, in JSON's types; empty where nothing is."""
        state: dict[str, Any] = {}
        if device in self._contacts:
            state["contact"] = list(self._contacts[device])
        if device in self._motions:
            state["motion"] = asdict(self._motions[device])
        if device in self._totals:
            state["totals"] = {name: asdict(total) for name, total in self._totals[device].items()}
        if not np.isnan(self._anchor[device, 0]):
            state["anchor"] = self._anchor[device].tolist()
        return state

    def restore(self, device: int, state: dict[str, Any]) -> None:
        """Take over what `state` said."""
        if "contact" in state:
            is_open, when_ns = state["contact"]
            self._contacts[device] = (is_open, when_ns)
        if "motion" in state:
            self._motions[device] = _Motion(**state["motion"])
        if "totals" in state:
            self._totals[device] = {name: _Total(**total) for name, total in state["totals"].items()}
        if "anchor" in state:
            self._anchor[device] = state["anchor"]

    def _opened(self, batch: ContactBatch, row: int) -> bool:
        device, is_open = int(batch.device[row]), bool(batch.is_open[row])
        when_ns = min(int(batch.time_ns[row]), int(batch.received_ns[row]))
        was = self._contacts.get(device)
        if was is not None and when_ns < was[1]:
            return False
        self._contacts[device] = (is_open, when_ns)
        return was is not None and was[0] != is_open and not (batch.retained[row] or batch.back[row])

    def _moved(self, batch: MotionBatch, row: int) -> bool:
        motion = self._motions.setdefault(int(batch.device[row]), _Motion())
        return motion.take(min(int(batch.time_ns[row]), int(batch.received_ns[row])), is_moving=bool(batch.is_moving[row]))

    def _used(self, batch: MeterBatch, row: int) -> int | None:
        totals = self._totals.setdefault(int(batch.device[row]), {})
        when_ns = min(int(batch.time_ns[row]), int(batch.received_ns[row]))
        since_ns: list[int] = []
        for name, column, quantity in (("water", batch.water_l, WATER), ("electricity", batch.electricity_wh, ELECTRICITY)):
            value = float(column[row])
            if np.isnan(value):
                continue
            if name not in totals:
                totals[name] = _Total(value=value, when_ns=when_ns, mark_value=value, mark_ns=when_ns)
            elif (before_ns := totals[name].take(value, when_ns, quantity)) is not None:
                since_ns.append(before_ns)
        return max(since_ns, default=None)

    def _wandered(self, batch: PositionBatch, rows: Int64) -> Bool:
        if not len(rows):
            return np.zeros(0, np.bool_)
        device = batch.device[rows].astype(np.int64)
        is_first = np.isnan(self._anchor[device, 0])
        # Metres of a sphere: right to 0.5 %, which is enough for "further than 50 m".
        north_m = np.full(len(rows), 111_195.0)
        m_per_deg = np.stack((north_m * np.cos(np.radians(batch.lat_deg[rows])), north_m), axis=1)
        place_deg = np.stack((batch.lon_deg[rows], batch.lat_deg[rows]), axis=1)
        moved = self._away(device, place_deg, m_per_deg, np.maximum(MOVED_M, 2.0 * batch.accuracy_m[rows]))
        first = np.unique(device[is_first], return_index=True)[1]
        moved[np.flatnonzero(is_first)[first]] = False
        return moved

    def _seen(self, batch: TargetsBatch, rows: Int64) -> Bool:
        if not len(rows) or not len(batch.x_m):
            return np.zeros(len(rows), np.bool_)
        frame = np.repeat(np.arange(len(batch)), np.diff(batch.offset))
        counts = np.isin(frame, rows)
        for device in np.intersect1d(batch.device[rows], list(self._lines)).tolist():
            of_device = np.flatnonzero(batch.device[frame] == device)
            counts[of_device] &= self._is_inside(device, batch.x_m[of_device], batch.y_m[of_device])
        fast = np.zeros(len(batch), np.bool_)
        fast[frame[counts & (np.abs(batch.speed_mps) >= SEEN_MPS)]] = True
        frames, first = np.unique(frame[counts], return_index=True)
        place_m = np.stack((batch.x_m, batch.y_m), axis=1)[counts][first]
        away = self._away(batch.device[frames].astype(np.int64), place_m, np.ones_like(place_m), np.full(len(frames), SEEN_M))
        fast[frames[away]] = True
        seen: Bool = fast[rows]
        return seen

    def _is_inside(self, device: int, x_m: Float64, y_m: Float64) -> Bool:
        """(T,) bool: on the near side of all the lines of the radar's home."""
        inside = np.ones(len(x_m), np.bool_)
        for heading_deg, path, sign in self._lines[device]:
            inside &= sign * signed_distance(path, turned(heading_deg, x_m, y_m)) >= 0.0
        return inside

    def _away(self, device: Int64, place: Float64, m_per_unit: Float64, limit_m: Float64) -> Bool:
        """(M,) bool: further than the limit from where the device's last such place was. Row by row only of devices that have one."""
        far: Bool = ~(np.hypot(*((place - self._anchor[device]) * m_per_unit).T) <= limit_m)
        for row in np.flatnonzero(np.isin(device, device[far])).tolist():
            far[row] = not np.hypot(*((place[row] - self._anchor[device[row]]) * m_per_unit[row])) <= limit_m[row]
            if far[row]:
                self._anchor[device[row]] = place[row]
        return far


def _shaken(batch: AccelerationBatch, rows: Int64) -> Bool:
    """(M,) bool: packets, by their rows, whose magnitude varies more than a thing that lies still."""
    size = np.diff(batch.offset)[rows]
    if not len(rows) or not size.sum():
        return np.zeros(len(rows), np.bool_)
    start = np.cumsum(size) - size
    samples = batch.accel_g
    if len(rows) < len(batch):
        samples = samples[:, np.repeat(batch.offset[rows] - start, size) + np.arange(size.sum())]
    # Less 1 g, so that squares of what is left lose no digits; an empty packet would read its neighbour's sum.
    excess_g = np.sqrt(np.einsum("ij,ij->j", samples, samples)).astype(np.float64) - 1.0
    filled = np.flatnonzero(size)
    mean = np.add.reduceat(excess_g, start[filled]) / size[filled]
    mean_square = np.add.reduceat(excess_g**2, start[filled]) / size[filled]
    shaken = np.zeros(len(rows), np.bool_)
    shaken[filled] = mean_square - mean**2 > MOVED_G**2
    return shaken


def _lines(premises: Premises, watched: Bool) -> dict[int, list[tuple[float, Float64, float]]]:
    """Of radars with a pose: heading, path in metres around the radar, and the sign of the near side, of each line of their home."""
    lines: dict[int, list[tuple[float, Float64, float]]] = {}
    for row in np.flatnonzero(watched).tolist():
        device = premises.registry[row]
        if device.pose is None or device.home is None:
            continue
        frame = Frame.at(device.pose.lon, device.pose.lat)
        for fence in premises.fences:
            if fence.kind is FenceKind.LINE and (fence.community_id, fence.home) == (device.community_id, device.home):
                path = frame.metres(*np.array(fence.path, np.float64).T)
                lines.setdefault(row, []).append((device.pose.heading_deg, path, 1.0 if fence.near is Side.LEFT else -1.0))
    return lines
