"""Left open: a door, window, gate or fridge open for too long, a stove left on, gas that is smelt."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from devices.model import NS_PER_S, Covers, Device
from devices.sensors.contact import ContactBatch
from rules.kinds import EventKind
from rules.model import Cleared, Event, Facts, Snapshot, known, untaken_ns
from rules.premises import Clocks, Premises, Use

_MINUTE_NS = 60 * NS_PER_S
USUAL_NS: Mapping[Covers, tuple[int | None, int | None]] = {
    Covers.DOOR: (15 * _MINUTE_NS, 10 * _MINUTE_NS),
    Covers.WINDOW: (None, 30 * _MINUTE_NS),
    Covers.GATE: (30 * _MINUTE_NS, 30 * _MINUTE_NS),
    Covers.FRIDGE: (5 * _MINUTE_NS, 5 * _MINUTE_NS),
    Covers.CABINET: (None, None),
    Covers.STOVE: (60 * _MINUTE_NS, 30 * _MINUTE_NS),
    Covers.GAS: (10 * NS_PER_S, 10 * NS_PER_S),
    Covers.OTHER: (None, None),
}
"""How long it may stand open by day and by night; None: for as long as one likes. `docs/reference/rules/left_open.md` says why."""

SETTLE_NS = NS_PER_S
"""How long after an opening has arrived it is looked at: the closing may be in the same burst of buffered readings."""
REJOIN_NS = _MINUTE_NS
"""How long sensors are given to speak after we ourselves heard nobody."""
HABIT_NS = 36 * 3600 * NS_PER_S
"""A window that was open last night too is how these people sleep."""
_DAYS = 3
"""The longest limit is 24 hours: it runs out within these days or, because an allowed spell begins anew each day, never."""


@dataclass(slots=True, kw_only=True)
class _Contact:
    """Decision state of one contact.

    Attributes
    ----------
    when_ns : int
        Time of the newest reading.
    since_ns, hold_ns : int
        Open since then; told no earlier than the second.
    found : bool
        Since when it is really open is not known.
    settled : bool
        Nothing more is to be told of this opening.
    stands : bool
        It was told, and has not been closed since.
    waits : bool
        It fell silent while open: what it is now is not known.
    said_ns, lately_ns : int or None
        Time of its newest event; when it was last found open for too long, told or not.
    """

    is_open: bool
    when_ns: int
    since_ns: int = 0
    hold_ns: int = 0
    found: bool = False
    settled: bool = False
    stands: bool = False
    waits: bool = False
    said_ns: int | None = None
    lately_ns: int | None = None


class LeftOpen:
    """Open for longer than it may be by day or by night is left_open, once for each opening, until it closes.

    - It counts from the reading's own time; from arrival where it was retained or the sensor is back from silence, because since when it
      is open is not known then.
    - A sensor that is silent now is not told of: it counts anew when it is heard again.
    - What `rules.home.intrusion` has told, because it stood open as its home was armed or was found open then, is not told again.
    - Hours in which it may stay open do not count: a window open all day is told half an hour into the night.
    - A window that was open for as long the night before is a habit, and not told, unless the family set a time for it.
    - A reading older than the newest of its device changes nothing. A device's time ahead of arrival is taken as arrival.
    """

    name = "left_open"
    window_s = 0.0

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._registry = premises.registry
        self._contacts: dict[int, _Contact] = {}
        self._due: dict[int, int] = {}
        self._told_by: dict[int, Event] = {}
        self._of_home: dict[tuple[str, str], list[int]] = {}
        for row, device in enumerate(premises.registry.devices):
            if device.home is not None:
                self._of_home.setdefault((device.community_id, device.home), []).append(row)

    def hear(self, facts: Facts, /) -> None:
        """Take what other rules tell of contacts: by a reading that is still to be given to this rule, or by the time."""
        for fact in facts:
            if isinstance(fact, Event) and fact.kind is EventKind.LEFT_OPEN:
                device = self._registry.row(fact.community_id, fact.cause)
                if device is None:
                    continue
                if fact.seq >= 0:
                    self._told_by[device] = fact
                elif device in self._contacts:
                    self._settle(device, fact)

    def update(self, batch: ContactBatch, /) -> Facts:
        """Note what opens; tell what closes, in order of arrival."""
        facts: Facts = []
        for row, device in enumerate(batch.device.tolist()):
            if self._registry[device].home is not None:
                facts += self._take(batch, row, device)
                told = self._told_by.get(device)
                if told is not None and told.seq == batch.seq[row]:
                    self._settle(device, told)
        self._told_by.clear()
        return facts

    def next_due(self) -> int | None:
        """When the next one will have been open for too long."""
        return min(self._due.values(), default=None)

    def tick(self, now_ns: int, /) -> Facts:
        """Say what has been open for too long."""
        facts: Facts = []
        for device in sorted((device for device, due in self._due.items() if due <= now_ns), key=lambda row: self._registry[row].key):
            facts += self._look(device, now_ns)
            self._find_due(device)
        return facts

    def snapshot(self) -> Snapshot:
        """State of each contact that was heard."""
        return {self._registry[device].key: asdict(contact) for device, contact in self._contacts.items()}

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over what `snapshot` said."""
        for row, state in known(snapshot, self._registry):
            self._contacts[row] = _Contact(**state)
            self._find_due(row)

    def _take(self, batch: ContactBatch, row: int, device: int) -> Facts:
        t_ns, received_ns, retained = int(batch.time_ns[row]), int(batch.received_ns[row]), bool(batch.retained[row])
        is_open, when_ns = bool(batch.is_open[row]), min(t_ns, received_ns)
        contact = self._contacts.get(device)
        is_first = contact is None
        if contact is None:
            contact = self._contacts[device] = _Contact(is_open=False, when_ns=when_ns)
        elif when_ns < contact.when_ns:
            return []
        contact.when_ns = when_ns
        returns = (bool(batch.back[row]) or contact.waits) and not retained
        contact.waits = contact.waits and retained and is_open
        if not is_open:
            contact.is_open = False
            self._due.pop(device, None)
            return self._closed(device, contact, t_ns, received_ns, int(batch.seq[row]))
        if contact.is_open and not (returns and not contact.settled):
            return []
        contact.found = is_first or retained or returns
        contact.since_ns = received_ns if retained or returns else when_ns
        contact.hold_ns = received_ns + SETTLE_NS
        if not contact.is_open:
            contact.is_open, contact.settled = True, False
        self._find_due(device)
        return []

    def _closed(self, device: int, contact: _Contact, t_ns: int, received_ns: int, seq: int) -> Facts:
        if not contact.stands:
            return []
        contact.stands = False
        the = self._registry[device]
        return [
            Cleared(
                community_id=the.community_id,
                kind=EventKind.LEFT_OPEN,
                subject=the.home or "",
                cause=the.id,
                t_ns=t_ns,
                known_ns=received_ns,
                seq=seq,
            )
        ]

    def _settle(self, device: int, told: Event) -> None:
        contact = self._contacts[device]
        contact.settled |= contact.is_open
        contact.said_ns = told.t_ns
        self._find_due(device)

    def _look(self, device: int, now_ns: int) -> Facts:
        the, contact, hearing = self._registry[device], self._contacts[device], self._premises.hearing
        t_ns = self._too_long_ns(the, contact)
        if device in hearing.silent:
            contact.waits = True
            return []
        if now_ns < hearing.deaf_until_ns + REJOIN_NS and contact.since_ns < hearing.deaf_until_ns:
            contact.hold_ns = hearing.deaf_until_ns + REJOIN_NS
            return []
        contact.settled = True
        lately_ns, contact.lately_ns = contact.lately_ns, t_ns
        if t_ns is None:
            return []
        if _is_usual_window(the, self._premises.use(the)) and lately_ns is not None and t_ns - lately_ns < HABIT_NS:
            return []
        return [self._left_open(device, t_ns, now_ns)]

    def _left_open(self, device: int, t_ns: int, known_ns: int) -> Event:
        """Build the event and note it: a millisecond earlier where the home has one of that time already, because `t` is its identity."""
        the, contact = self._registry[device], self._contacts[device]
        evidence: dict[str, float | int | str | bool] = {
            "open_s": (t_ns - contact.since_ns) / NS_PER_S,
            "covers": (the.covers or Covers.DOOR).value,
            "night": self._premises.clock(the.community_id).is_night(t_ns),
        }
        if contact.found:
            evidence["found_open"] = True
        others = (self._contacts.get(row) for row in self._of_home[the.community_id, the.home or ""])
        taken_ns = {other.said_ns for other in others if other is not None}
        t_ns = untaken_ns(t_ns, taken_ns)
        contact.said_ns, contact.stands = t_ns, True
        return Event(
            community_id=the.community_id,
            kind=EventKind.LEFT_OPEN,
            subject=the.home or "",
            t_ns=t_ns,
            known_ns=known_ns,
            seq=-1,
            device_id=the.id,
            home_id=the.home,
            cause=the.id,
            evidence=evidence,
        )

    def _too_long_ns(self, the: Device, contact: _Contact) -> int | None:
        return _too_long_ns(self._premises.clock(the.community_id), contact.since_ns, *_limits_ns(the, self._premises.use(the)))

    def _find_due(self, device: int) -> None:
        contact = self._contacts[device]
        waits = not contact.is_open or contact.settled or contact.waits
        too_long_ns = None if waits else self._too_long_ns(self._registry[device], contact)
        if too_long_ns is None:
            self._due.pop(device, None)
        else:
            self._due[device] = max(too_long_ns, contact.hold_ns)


def _limits_ns(the: Device, use: Use) -> tuple[int | None, int | None]:
    """How long it may stand open by day and by night; what is said of the day only holds for the night too."""
    day_ns, night_ns = USUAL_NS[the.covers or Covers.DOOR]
    if use.open_s is not None:
        day_ns = night_ns = use.open_s * NS_PER_S
    if use.open_night_s is not None:
        night_ns = use.open_night_s * NS_PER_S
    return day_ns, night_ns


def _is_usual_window(the: Device, use: Use) -> bool:
    return the.covers is Covers.WINDOW and use.open_s is None and use.open_night_s is None


def _too_long_ns(clock: Clocks, since_ns: int, day_ns: int | None, night_ns: int | None) -> int | None:
    """When something that opened then will have been open for too long, by the limit of that hour; None is never."""
    counted_ns: int | None = None
    start_ns = since_ns
    for turn_ns in _turns(clock, since_ns):
        limit_ns = night_ns if clock.is_night(start_ns) else day_ns
        if limit_ns is None:
            counted_ns = None
        else:
            counted_ns = start_ns if counted_ns is None else counted_ns
            at_ns = max(start_ns, counted_ns + limit_ns)
            if at_ns < turn_ns:
                return at_ns
        start_ns = turn_ns
    return None


def _turns(clock: Clocks, since_ns: int) -> Iterator[int]:
    """When day and night give way to each other, after a time."""
    today = clock.local(since_ns).date()
    for days in range(_DAYS + 1):
        for wall in sorted({clock.since, clock.until}):
            turn_ns = int(datetime.combine(today + timedelta(days=days), wall, tzinfo=clock.zone).timestamp()) * NS_PER_S
            if turn_ns > since_ns:
                yield turn_ns
