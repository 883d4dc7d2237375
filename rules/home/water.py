"""Water that runs for too long, and water that never stands still."""

from dataclasses import asdict, dataclass

import numpy as np

from devices.model import NS_PER_S
from devices.sensors.meter import MeterBatch
from rules.kinds import EventKind
from rules.model import Cleared, Event, Facts, Snapshot, known, untaken_ns
from rules.premises import Premises

_MINUTE_NS = 60 * NS_PER_S
RUNNING_L_PER_MIN = 0.2
RUNNING_NS = 60 * _MINUTE_NS
PAUSE_NS = 5 * _MINUTE_NS
COARSE_L_PER_MIN = 1.0
"""Where readings are too far apart to show a pause: washing up, with pauses, stays below it."""
SEEN_NS = 10 * _MINUTE_NS
"""Readings further apart do not show whether water ran between them."""
LEAK_NS = 24 * 60 * _MINUTE_NS
STILL_NS = 55 * _MINUTE_NS
"""An hour without water, less what an hourly meter may be early."""
LEAK_SEEN_NS = 70 * _MINUTE_NS


@dataclass(slots=True, kw_only=True)
class _Meter:
    """Decision state of one meter; times in ns, totals in litres.

    Attributes
    ----------
    last_ns, last_l
        The newest reading.
    start_ns, start_l, flow_ns, flow_l
        Water runs since the first pair, and was last seen to run at the second; equal where it has not been.
    trickle_ns, trickle_l, wet_ns
        The total has not stood still since the first pair; when it was last seen to rise.
    runs, leaks : bool
        It was told, and is not over.
    said_ns : int or None
        Time of the newest event.
    """

    last_ns: int
    last_l: float
    start_ns: int
    start_l: float
    flow_ns: int
    flow_l: float
    trickle_ns: int
    trickle_l: float
    wet_ns: int
    runs: bool = False
    leaks: bool = False
    said_ns: int | None = None


class Water:
    """Water that runs for an hour without a pause is left_open; so is a total that has not stood still for a day.

    - Running: at least 0.2 L/min without a pause of 5 minutes, by readings at most 10 minutes apart; at least 1 L/min where they are more
      than 2.5 minutes apart, because half of the pauses would not be seen.
    - A leak: the total rises within every hour for 24 hours, by readings at most 70 minutes apart.
    - Judged by readings alone and by their own times; who reports rarely shows neither. A pause that is seen ends it.
    - A total that falls is another meter: it begins anew. A reading older than the newest, or a retained one, changes nothing.
    """

    name = "water"
    window_s = 0.0

    def __init__(self, premises: Premises) -> None:
        self._registry = premises.registry
        self._meters: dict[int, _Meter] = {}
        self._of_home: dict[tuple[str, str], list[int]] = {}
        for row, device in enumerate(premises.registry.devices):
            if device.home is not None:
                self._of_home.setdefault((device.community_id, device.home), []).append(row)

    def update(self, batch: MeterBatch, /) -> Facts:
        """Judge totals of water, in order of arrival."""
        facts: Facts = []
        for row in np.flatnonzero(~np.isnan(batch.water_l) & ~batch.retained).tolist():
            if self._registry[int(batch.device[row])].home is not None:
                facts += self._take(batch, row)
        return facts

    def next_due(self) -> int | None:
        """Never: readings alone decide."""
        return None

    def tick(self, _now_ns: int, /) -> Facts:
        """Nothing."""
        return []

    def snapshot(self) -> Snapshot:
        """State of each meter of water that was heard."""
        return {self._registry[device].key: asdict(meter) for device, meter in self._meters.items()}

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over what `snapshot` said."""
        for row, state in known(snapshot, self._registry):
            self._meters[row] = _Meter(**state)

    def _take(self, batch: MeterBatch, row: int) -> Facts:
        device, total_l = int(batch.device[row]), float(batch.water_l[row])
        t_ns = min(int(batch.time_ns[row]), int(batch.received_ns[row]))
        meter = self._meters.get(device)
        if meter is not None and t_ns <= meter.last_ns:
            return []
        known_ns, seq = int(batch.received_ns[row]), int(batch.seq[row])
        if meter is None or total_l < meter.last_l or batch.back[row]:
            self._meters[device] = _begun(t_ns, total_l, meter)
            return []
        ended = _run(meter, t_ns, total_l) | _trickle(meter, t_ns, total_l)
        meter.last_ns, meter.last_l = t_ns, total_l
        the = self._registry[device]
        facts: Facts = []
        if ended and not meter.runs and not meter.leaks:
            facts.append(
                Cleared(
                    community_id=the.community_id,
                    kind=EventKind.LEFT_OPEN,
                    subject=the.home or "",
                    cause=the.id,
                    t_ns=t_ns,
                    known_ns=known_ns,
                    seq=seq,
                )
            )
        if not meter.runs and meter.flow_ns == t_ns and t_ns - meter.start_ns >= RUNNING_NS:
            meter.runs = True
            facts.append(self._event(device, meter.start_ns + RUNNING_NS, known_ns, seq, since_ns=meter.start_ns, since_l=meter.start_l))
        elif not meter.runs and not meter.leaks and meter.wet_ns == t_ns and t_ns - meter.trickle_ns >= LEAK_NS:
            meter.leaks = True
            facts.append(self._event(device, meter.trickle_ns + LEAK_NS, known_ns, seq, since_ns=meter.trickle_ns, since_l=meter.trickle_l))
        return facts

    def _event(self, device: int, t_ns: int, known_ns: int, seq: int, *, since_ns: int, since_l: float) -> Event:
        """Build the event and note it: a millisecond earlier where the home has one of that time already, because `t` is its identity."""
        the, meter = self._registry[device], self._meters[device]
        evidence: dict[str, float | int | str | bool] = {
            "running_s": (meter.last_ns - since_ns) / NS_PER_S,
            "water_l": meter.last_l - since_l,
        }
        if not meter.runs:
            evidence["leak"] = True
        others = (self._meters.get(row) for row in self._of_home[the.community_id, the.home or ""])
        taken_ns = {other.said_ns for other in others if other is not None}
        t_ns = untaken_ns(t_ns, taken_ns)
        meter.said_ns = t_ns
        return Event(
            community_id=the.community_id,
            kind=EventKind.LEFT_OPEN,
            subject=the.home or "",
            t_ns=t_ns,
            known_ns=known_ns,
            seq=seq,
            device_id=the.id,
            home_id=the.home,
            cause=the.id,
            evidence=evidence,
        )


def _begun(t_ns: int, total_l: float, before: _Meter | None) -> _Meter:
    """A meter of which this is the first reading, or the first that counts; what was told of it stands until a pause is seen."""
    return _Meter(
        last_ns=t_ns,
        last_l=total_l,
        start_ns=t_ns,
        start_l=total_l,
        flow_ns=t_ns,
        flow_l=total_l,
        trickle_ns=t_ns,
        trickle_l=total_l,
        wet_ns=t_ns,
        runs=before is not None and before.runs,
        leaks=before is not None and before.leaks,
        said_ns=None if before is None else before.said_ns,
    )


def _flows(litres: float, time_ns: int, step_ns: int) -> bool:
    """Whether so many litres in so long are water that runs, by readings so far apart."""
    least_l_per_min = RUNNING_L_PER_MIN if 2 * step_ns <= PAUSE_NS else COARSE_L_PER_MIN
    return litres * _MINUTE_NS >= least_l_per_min * time_ns


def _run(meter: _Meter, t_ns: int, total_l: float) -> bool:
    """Follow water that runs; whether what was told of it is over."""
    step_ns = t_ns - meter.last_ns
    is_idle = meter.start_ns == meter.flow_ns and not meter.runs
    if is_idle and not _flows(total_l - meter.last_l, step_ns, step_ns):
        _restart(meter, t_ns, total_l)
        return False
    if is_idle:
        meter.start_ns, meter.start_l = meter.last_ns, meter.last_l
        meter.flow_ns, meter.flow_l = meter.last_ns, meter.last_l
    if not _flows(total_l - meter.flow_l, t_ns - meter.flow_ns, step_ns):
        if t_ns - meter.flow_ns < PAUSE_NS:
            return False
        was_told, meter.runs = meter.runs, False
        _restart(meter, t_ns, total_l)
        return was_told
    if step_ns > SEEN_NS:
        _restart(meter, t_ns, total_l)
    else:
        meter.flow_ns, meter.flow_l = t_ns, total_l
    return False


def _restart(meter: _Meter, t_ns: int, total_l: float) -> None:
    meter.start_ns = meter.flow_ns = t_ns
    meter.start_l = meter.flow_l = total_l


def _trickle(meter: _Meter, t_ns: int, total_l: float) -> bool:
    """Follow a total that does not stand still; whether what was told of it is over."""
    rises = total_l > meter.last_l
    stood_still = not rises and t_ns - meter.wet_ns >= STILL_NS
    if stood_still or t_ns - meter.last_ns > LEAK_SEEN_NS:
        meter.trickle_ns, meter.trickle_l, meter.wet_ns = t_ns, total_l, t_ns
    elif rises:
        meter.wet_ns = t_ns
    was_told = meter.leaks
    meter.leaks = meter.leaks and not stood_still
    return was_told and stood_still
