"""A community's own rules: sensors in a state, for so long, at such times, in such modes.

A rule is data, with no expression in it: at most a few conditions, all or any of which must hold. What it finds is computed from when each
sensor was in which state, so that a reading that arrives late is judged by its own time.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import reduce

import numpy as np

from devices.model import NS_PER_MS, NS_PER_S, Bool, DeviceId
from devices.sensors.contact import ContactBatch
from devices.sensors.motion import MotionBatch
from rules.kinds import EventKind
from rules.model import Event, Facts, ModeSet, Snapshot, known, untaken_ns
from rules.premises import Condition, Hours, Match, OwnRule, Premises, SensorState
from rules.spans import Span, Spans, holding, shared, united

HOLD_NS = NS_PER_S // 4
"""Readings of different kinds in one micro-batch have no order: a rule looks when the micro-batch is over."""
REJOIN_NS = 60 * NS_PER_S
"""How long sensors are given to speak after we ourselves heard nobody."""
APART_NS = 600 * NS_PER_S
"""A rule finds something at most so often, however its sensors flicker: six times an hour."""
ONLY_TRUE_NS = 60 * NS_PER_S
"""How long a movement lasts of a sensor that never says that it has ended."""
LATE_NS = 24 * 3600 * NS_PER_S
"""How far back a reading is believed; what was judged before is settled."""
AHEAD_NS = 9 * 24 * 3600 * NS_PER_S
"""How far ahead is looked for when a rule may hold next: times of day come back within a week."""
MOST_STATES = 32
_EVER_NS = 1 << 62

_ON = frozenset({SensorState.OPEN, SensorState.MOTION})
"""States that a sensor's `true` stands for."""

_Evidence = dict[str, float | int | str | bool]


@dataclass(slots=True, kw_only=True)
class _Sensor:
    """What one sensor was since when, by its own times.

    Attributes
    ----------
    states : list of (int, bool or None)
        Ascending, each another than the one before; None: not known.
    last_ns : int
        Time of the newest reading.
    fades : bool
        It tells of movement, and has never said that one has ended.
    """

    fades: bool
    states: list[tuple[int, bool | None]] = field(default_factory=list)
    last_ns: int = 0

    @property
    def is_known(self) -> bool:
        """Whether anything is known of it now."""
        return bool(self.states) and self.states[-1][1] is not None

    def put(self, t_ns: int, *, is_on: bool | None) -> None:
        """Note what it was from a time on; until the newest reading it is as that said."""
        faded_ns = self.last_ns + ONLY_TRUE_NS
        if self.fades and self.states and self.states[-1][1] and is_on is not False and t_ns > faded_ns:
            self.states.append((faded_ns, False))
        newest = self.states[-1][1] if self.states else None
        place = bisect_right(self.states, t_ns, key=lambda one: one[0])
        if place and self.states[place - 1][0] == t_ns:
            place -= 1
            del self.states[place]
        self.states.insert(place, (t_ns, is_on))
        if t_ns < self.last_ns and place == len(self.states) - 1:
            self.states.append((self.last_ns, newest))
        self.states = [one for at, one in enumerate(self.states) if at == 0 or one[1] is not self.states[at - 1][1]][-MOST_STATES:]
        self.last_ns = max(self.last_ns, t_ns)
        self.fades = self.fades and is_on is not False

    def spans(self, *, is_on: bool) -> Spans:
        """When it was on, or was not; what it was last goes on."""
        states = [*self.states]
        if self.fades and states and states[-1][1]:
            states.append((self.last_ns + ONLY_TRUE_NS, False))
        ends = [*(since_ns for since_ns, _ in states[1:]), _EVER_NS]
        return [Span(since_ns, end_ns) for (since_ns, state), end_ns in zip(states, ends, strict=True) if state is is_on]


@dataclass(slots=True, kw_only=True)
class _Judged:
    """Decision state of one rule.

    Attributes
    ----------
    since_ns : int
        It counts from then on.
    seen_ns : int
        What began by then is settled.
    fired_ns, said_ns : int or None
        When it last found something, and that event's time.
    due_ns : int or None
        When it is looked at next.
    """

    since_ns: int
    seen_ns: int
    fired_ns: int | None = None
    said_ns: int | None = None
    due_ns: int | None = None


class OwnRules:
    """Each time that a rule begins to hold is an event of kind custom, once until it no longer holds; at most one in ten minutes.

    - It holds while all, or any, of its conditions do, at its times of day and in its modes. How long a sensor has been in a state counts
      from before those times began.
    - Of a sensor that is not heard nothing is known: no condition holds by it. Back from silence it counts anew; a retained message is a
      state since it arrived, and no movement.
    - Movement lasts until the sensor says that it has ended; of one that never does, for a minute after it was said last.
    - What holds as a rule is switched on is found then. It knows a sensor from the first word that it hears of it.
    - A reading that arrives late counts for its own time, as long as readings are believed. A device's time ahead of arrival is taken as
      arrival.
    """

    name = "own_rules"
    window_s = 0.0

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._registry = premises.registry
        self._rules = dict(sorted((f"{one.community_id}/rule:{one.id}", one) for one in premises.rules))
        self._judged: dict[str, _Judged] = {}
        self._sensors: dict[int, _Sensor] = {}
        self._of_device: dict[int, list[str]] = {}
        self._of_home: dict[tuple[str, str], list[str]] = {}
        for key, rule in self._rules.items():
            self._judged[key] = _Judged(since_ns=0, seen_ns=-1)
            for row in self._rows(rule):
                self._of_device.setdefault(row, []).append(key)
            if rule.home is not None:
                self._of_home.setdefault((rule.community_id, rule.home), []).append(key)
        self._watched: Bool = np.zeros(len(self._registry), np.bool_)
        self._watched[list(self._of_device)] = True
        self._now_ns = 0
        self._log_read = 0

    def begin(self, now_ns: int, since_ns: Mapping[str, int], /) -> None:
        """Count from now on, or from when the community says so."""
        self._now_ns = now_ns
        for key, rule in self._rules.items():
            from_ns = since_ns.get(rule.community_id, now_ns)
            self._judged[key] = _Judged(since_ns=from_ns, seen_ns=from_ns - 1)

    def resumed(self, now_ns: int, /) -> None:
        """Look once sensors have had time to speak."""
        self._now_ns = max(self._now_ns, now_ns)

    def hear(self, facts: Facts, /) -> None:
        """Take note of when a mode that is set was known."""
        self._now_ns = max((self._now_ns, *(fact.known_ns for fact in facts if isinstance(fact, ModeSet))))

    def update(self, batch: ContactBatch | MotionBatch, /) -> Facts:
        """Note states: what comes of them is looked at when the micro-batch is over."""
        is_motion = isinstance(batch, MotionBatch)
        is_on = batch.is_moving if isinstance(batch, MotionBatch) else batch.is_open
        for row in np.flatnonzero(self._watched[batch.device] & ~(batch.retained & is_on & is_motion)).tolist():
            device, received_ns = int(batch.device[row]), int(batch.received_ns[row])
            sensor = self._sensors.setdefault(device, _Sensor(fades=is_motion))
            is_back, is_retained = bool(batch.back[row]), bool(batch.retained[row])
            if is_back and not is_retained and sensor.is_known:
                sensor.put(received_ns - 1, is_on=None)
            t_ns = received_ns if is_back or is_retained else min(int(batch.time_ns[row]), received_ns)
            sensor.put(t_ns, is_on=bool(is_on[row]))
            self._now_ns = max(self._now_ns, received_ns)
            for key in self._of_device[device]:
                self._look(key, received_ns + HOLD_NS)
        return []

    def next_due(self) -> int | None:
        """When a rule may begin to hold, or something was said of it."""
        log = self._premises.modes.log
        for place in log[self._log_read :]:
            for key in self._of_home.get(place, ()):
                self._look(key, max(self._premises.modes.changes(*place)[-1][0], self._now_ns))
        self._log_read = len(log)
        return min((one.due_ns for one in self._judged.values() if one.due_ns is not None), default=None)

    def tick(self, now_ns: int, /) -> Facts:
        """Say which rules hold."""
        self._now_ns = max(self._now_ns, now_ns)
        waits_ns = self._premises.hearing.deaf_until_ns + REJOIN_NS
        facts: Facts = []
        for key, judged in self._judged.items():
            if judged.due_ns is None or judged.due_ns > now_ns:
                continue
            if now_ns < waits_ns and self._premises.hearing.deaf_until_ns:
                judged.due_ns = waits_ns
                continue
            facts += self._judge(self._rules[key], judged, now_ns)
        return facts

    def snapshot(self) -> Snapshot:
        """What each sensor was since when, and how far each rule was judged."""
        sensors = {
            self._registry[row].key: {"states": [list(one) for one in sensor.states], "last_ns": sensor.last_ns, "fades": sensor.fades}
            for row, sensor in self._sensors.items()
        }
        judged = {key: {"rule": self._rules[key].written, "now_ns": self._now_ns, **asdict(one)} for key, one in self._judged.items()}
        return sensors | judged

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over what `snapshot` said; a rule that is another one than before begins anew."""
        for row, kept in known(snapshot, self._registry):
            if row in self._of_device:
                states = [(since_ns, state) for since_ns, state in kept["states"]]
                self._sensors[row] = _Sensor(states=states, last_ns=kept["last_ns"], fades=kept["fades"])
        for key, rule in self._rules.items():
            kept = snapshot.get(key)
            if kept is not None and kept["rule"] == rule.written:
                self._judged[key] = _Judged(**{name: value for name, value in kept.items() if name not in {"rule", "now_ns"}})
                changes = self._premises.modes.changes(rule.community_id, rule.home or "")
                if changes and changes[-1][0] >= kept["now_ns"]:
                    self._look(key, changes[-1][0])
                self._now_ns = max(self._now_ns, kept["now_ns"])
            elif any(row in self._sensors for row in self._rows(rule)):
                self._look(key, self._now_ns)
        self._log_read = len(self._premises.modes.log)

    def _rows(self, rule: OwnRule) -> Iterator[int]:
        for device in dict.fromkeys(one for condition in rule.when for one in condition.devices):
            row = self._registry.row(rule.community_id, device)
            if row is not None:
                yield row

    def _look(self, key: str, at_ns: int) -> None:
        judged = self._judged[key]
        judged.due_ns = at_ns if judged.due_ns is None else min(judged.due_ns, at_ns)

    def _judge(self, rule: OwnRule, judged: _Judged, now_ns: int) -> Facts:
        """Say what has begun to hold, and find out when to look again."""
        for row in self._rows(rule):
            sensor = self._sensors.get(row)
            if sensor is not None and sensor.is_known and row in self._premises.hearing.silent:
                sensor.put(now_ns, is_on=None)
        facts: Facts = []
        judged.due_ns = None
        for span in self._holds(rule, max(judged.seen_ns, judged.since_ns), now_ns):
            if span.since_ns > judged.seen_ns:
                at_ns = span.since_ns if judged.fired_ns is None else max(span.since_ns, judged.fired_ns + APART_NS)
                if at_ns >= span.until_ns:
                    continue
                if at_ns > now_ns:
                    judged.due_ns = at_ns
                    break
                judged.fired_ns = judged.seen_ns = at_ns
                facts.append(self._event(rule, judged, at_ns, now_ns))
            if span.until_ns > now_ns:
                judged.seen_ns = max(judged.seen_ns, now_ns)
        judged.seen_ns = max(judged.seen_ns, now_ns - LATE_NS)
        return facts

    def _holds(self, rule: OwnRule, since_ns: int, now_ns: int) -> Spans:
        """When a rule holds from a time on, as far as is known, and ahead as long as nothing changes."""
        each = [self._met(rule, condition) for condition in rule.when]
        holds = reduce(shared, each) if rule.match is Match.ALL else united(span for spans in each for span in spans)
        holds = shared(holds, [Span(since_ns, now_ns + AHEAD_NS)])
        if holds and rule.between is not None:
            holds = shared(holds, united(self._hours(rule, rule.between, since_ns, now_ns)))
        if holds and rule.modes is not None and rule.home is not None:
            changes = [(0, self._premises.modes.at(rule.community_id, rule.home, -1))]
            changes += self._premises.modes.changes(rule.community_id, rule.home)
            ends = [*(at_ns for at_ns, _ in changes[1:]), _EVER_NS]
            modes = [Span(at_ns, end_ns) for (at_ns, mode), end_ns in zip(changes, ends, strict=True) if mode in rule.modes]
            holds = shared(holds, united(modes))
        return holds

    def _hours(self, rule: OwnRule, hours: Hours, since_ns: int, now_ns: int) -> Iterator[Span]:
        zone, at_ns = self._premises.clock(rule.community_id).zone, since_ns
        while at_ns < now_ns + AHEAD_NS:
            span = Span(*hours.span(at_ns, zone))
            yield span
            at_ns = span.until_ns

    def _states(self, rule: OwnRule, condition: Condition) -> dict[DeviceId, Spans]:
        """When each sensor of a condition was in its state."""
        rows = {device: self._registry.row(rule.community_id, device) for device in condition.devices}
        sensors = {device: None if row is None else self._sensors.get(row) for device, row in rows.items()}
        return {device: [] if one is None else one.spans(is_on=condition.state in _ON) for device, one in sensors.items()}

    def _met(self, rule: OwnRule, condition: Condition) -> Spans:
        """When a condition holds."""
        for_ns = condition.for_s * NS_PER_S
        each = [united(Span(one.since_ns + for_ns, one.until_ns) for one in spans) for spans in self._states(rule, condition).values()]
        return reduce(shared, each) if condition.every else united(span for spans in each for span in spans)

    def _event(self, rule: OwnRule, judged: _Judged, at_ns: int, now_ns: int) -> Event:
        """Build the event and note it: a millisecond earlier where another rule has one of that time, because `t` is its identity."""
        subject = rule.home or rule.community_id
        others = (self._judged[key] for key, one in self._rules.items() if (one.community_id, one.home) == (rule.community_id, rule.home))
        judged.said_ns = untaken_ns(at_ns, {other.said_ns for other in others if other is not judged})
        evidence: _Evidence = {"rule": rule.id}
        causes: dict[DeviceId, None] = {}
        for number, condition in enumerate(rule.when, start=1):
            if holding(self._met(rule, condition), at_ns) is None:
                continue
            spans = {device: holding(some, at_ns) for device, some in self._states(rule, condition).items()}
            since = {device: span.since_ns for device, span in spans.items() if span is not None}
            first = (max if condition.every else min)(since, key=lambda device: (since[device], device))
            causes[first] = None
            evidence |= {
                f"when_{number}": condition.state.value,
                f"when_{number}_device": first,
                f"when_{number}_t_ms": since[first] // NS_PER_MS,
            }
        return Event(
            community_id=rule.community_id,
            kind=EventKind.CUSTOM,
            subject=subject,
            t_ns=judged.said_ns,
            known_ns=now_ns,
            seq=-1,
            device_id=next(iter(causes)) if len(causes) == 1 else None,
            home_id=rule.home,
            cause=rule.id,
            evidence=evidence,
        )
