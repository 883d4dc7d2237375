"""Intrusion: a door or window opened while its home is armed, or found open.

A home is armed in every mode but disarmed. A reading is judged by the mode at its own time, so that a late one is judged as it would
have been.
"""

from bisect import bisect_left, bisect_right
from dataclasses import asdict, dataclass

from devices.model import NS_PER_MS, NS_PER_S, Covers, Device
from devices.sensors.contact import ContactBatch
from rules.model import Cleared, Event, EventKind, Facts, Mode, Premises, Snapshot

NOT_GUARDED = frozenset({Covers.FRIDGE, Covers.CABINET})
SETTLE_NS = NS_PER_S
"""How long after a late opening an arming since then is looked at: the closing may be in the same burst of buffered readings."""


@dataclass(slots=True, kw_only=True)
class _Contact:
    """Decision state of one contact.

    `when_ns` is the time of the newest reading. Changes of mode before `judged_ns`, and `judged_count` of those at that very time, have
    been judged for this opening; later ones are judged no earlier than `hold_ns`. `said_ns` is the time of the newest left_open, which
    stands until the contact closes.
    """

    is_open: bool
    when_ns: int
    judged_ns: int = 0
    judged_count: int = 0
    hold_ns: int = 0
    said_ns: int | None = None
    stands: bool = False


class Intrusion:
    """Opened while armed is an intrusion; open at the arming, or found open after silence, is left_open until it closes.

    - The first reading ever is a state, and so is a retained one; repeats of a state are no edges.
    - Open at the arming bypasses that sensor, and says so; an opening after it has closed is an intrusion again.
    - Back from silence and open, where it was closed: since when is not known, so it is told as found open, and is no intrusion.
    - A reading older than the newest of its device changes nothing. A device's time ahead of arrival is taken as arrival.
    """

    name = "intrusion"
    window_s = 0.0

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._registry = premises.registry
        self._contacts: dict[int, _Contact] = {}
        self._due: dict[int, int] = {}
        self._log_read = 0
        self._of_home: dict[tuple[str, str], list[int]] = {}
        for row, device in enumerate(premises.registry.devices):
            if device.home is not None:
                self._of_home.setdefault((device.community_id, device.home), []).append(row)

    def update(self, batch: ContactBatch, /) -> Facts:
        """Judge contacts, in order of arrival."""
        facts: Facts = []
        for row, device in enumerate(batch.device.tolist()):
            the = self._registry[device]
            if the.home is not None and the.covers not in NOT_GUARDED:
                facts += self._take(batch, row, device, the)
        return facts

    def next_due(self) -> int | None:
        """When the next home with an open contact is armed, or was, without having been judged."""
        log = self._premises.modes.log
        for home in log[self._log_read :]:
            for device in self._of_home.get(home, ()):
                self._find_due(device)
        self._log_read = len(log)
        return min(self._due.values(), default=None)

    def tick(self, now_ns: int, /) -> Facts:
        """Say which contacts are open in homes that have been armed."""
        self.next_due()
        facts: Facts = []
        for device in sorted((device for device, due in self._due.items() if due <= now_ns), key=lambda row: self._registry[row].key):
            the, contact = self._registry[device], self._contacts[device]
            armed_ns = max(at_ns for at_ns in self._armings(device) if at_ns <= now_ns)
            if self._premises.mode(the, now_ns) is not Mode.DISARMED:
                facts.append(self._left_open(device, armed_ns, now_ns, -1, why="bypassed"))
            self._judged(device, contact, now_ns)
            self._find_due(device)
        return facts

    def snapshot(self) -> Snapshot:
        """State of each contact that was heard."""
        return {self._registry[device].key: asdict(contact) for device, contact in self._contacts.items()}

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over what `snapshot` said."""
        for key, state in snapshot.items():
            row = self._registry.row(*key.split("/", 1))
            if row is not None:
                self._contacts[row] = _Contact(**state)
                self._find_due(row)

    def _take(self, batch: ContactBatch, row: int, device: int, the: Device) -> Facts:
        is_open, received_ns, seq = bool(batch.is_open[row]), int(batch.received_ns[row]), int(batch.seq[row])
        t_ns = int(batch.time_ns[row])
        when_ns = min(t_ns, received_ns)
        contact = self._contacts.get(device)
        is_first = contact is None
        if contact is None:
            contact = self._contacts[device] = _Contact(is_open=False, when_ns=when_ns)
        elif when_ns < contact.when_ns:
            return []
        contact.when_ns = when_ns
        if is_open == contact.is_open:
            return []
        contact.is_open = is_open
        if not is_open:
            self._find_due(device)
            return self._closed(contact, the, t_ns, received_ns, seq)
        return self._opened(device, t_ns, received_ns, seq, is_edge=not (is_first or batch.retained[row] or batch.back[row]))

    def _opened(self, device: int, t_ns: int, received_ns: int, seq: int, *, is_edge: bool) -> Facts:
        the, contact = self._registry[device], self._contacts[device]
        self._judged(device, contact, contact.when_ns)
        is_late = any(at_ns <= received_ns for at_ns in self._armings(device))
        contact.hold_ns = received_ns + SETTLE_NS if is_late else 0
        self._find_due(device)
        mode = self._premises.mode(the, contact.when_ns)
        if mode is Mode.DISARMED:
            return []
        if not is_edge:
            return [self._left_open(device, t_ns, received_ns, seq, why="found_open")]
        return [_event(EventKind.INTRUSION, the, mode, t_ns=t_ns, known_ns=received_ns, seq=seq)]

    def _closed(self, contact: _Contact, the: Device, t_ns: int, received_ns: int, seq: int) -> Facts:
        if not contact.stands:
            return []
        contact.stands = False
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

    def _left_open(self, device: int, t_ns: int, known_ns: int, seq: int, *, why: str) -> Event:
        """Build the event and note it: a millisecond earlier where the home has one of that time already, because `t` is its identity."""
        the, contact = self._registry[device], self._contacts[device]
        mode = self._premises.mode(the, min(t_ns, known_ns))
        others = (self._contacts.get(row) for row in self._of_home[the.community_id, the.home or ""])
        taken_ns = {other.said_ns for other in others if other is not None}
        while t_ns in taken_ns:
            t_ns -= NS_PER_MS
        contact.said_ns, contact.stands = t_ns, True
        return _event(EventKind.LEFT_OPEN, the, mode, t_ns=t_ns, known_ns=known_ns, seq=seq, why=why)

    def _changes(self, device: int) -> list[tuple[int, Mode]]:
        the = self._registry[device]
        return self._premises.modes.changes(the.community_id, the.home or "")

    def _armings(self, device: int) -> list[int]:
        """Times since the last judged change at which the home was armed out of disarmed."""
        contact, changes = self._contacts[device], self._changes(device)
        times = [at_ns for at_ns, _ in changes]
        modes = [Mode.DISARMED, *(mode for _, mode in changes)]
        start = bisect_left(times, contact.judged_ns) + contact.judged_count
        return [times[i] for i in range(start, len(times)) if modes[i] is Mode.DISARMED and modes[i + 1] is not Mode.DISARMED]

    def _judged(self, device: int, contact: _Contact, now_ns: int) -> None:
        """Note that changes up to a time have been judged; one appended later at that same time has not."""
        times = [at_ns for at_ns, _ in self._changes(device)]
        contact.judged_ns = now_ns
        contact.judged_count = bisect_right(times, now_ns) - bisect_left(times, now_ns)

    def _find_due(self, device: int) -> None:
        contact = self._contacts.get(device)
        armings = self._armings(device) if contact is not None and contact.is_open else []
        if contact is not None and armings:
            self._due[device] = max(armings[0], contact.hold_ns)
        else:
            self._due.pop(device, None)


def _event(kind: EventKind, the: Device, mode: Mode, *, t_ns: int, known_ns: int, seq: int, why: str | None = None) -> Event:
    evidence: dict[str, float | int | str | bool] = {"mode": mode.value, "covers": (the.covers or Covers.DOOR).value}
    if why is not None:
        evidence[why] = True
    return Event(
        community_id=the.community_id,
        kind=kind,
        subject=the.home or "",
        t_ns=t_ns,
        known_ns=known_ns,
        seq=seq,
        device_id=the.id,
        home_id=the.home,
        cause=the.id,
        evidence=evidence,
    )
