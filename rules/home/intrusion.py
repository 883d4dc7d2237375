"""Intrusion: a door or window opened, or movement, while its home is armed; or what was found open then.

What counts in which mode is `rules.home.guarding`'s; what waits for somebody to disarm, or for a second sensor, is `rules.home.notices`'s.
A reading is judged by the mode at its own time, so that a late one is judged as it would have been.
"""

from dataclasses import dataclass
from typing import Any

from devices.model import NS_PER_S, Covers, Device, DeviceKind
from devices.sensors.contact import ContactBatch
from devices.sensors.motion import MotionBatch
from rules.home.guarding import Guarding, Place, is_counting, place_of
from rules.home.notices import HOLD_NS, SETTLE_NS, Notice, Notices
from rules.home.openings import Contact
from rules.home.trace import State, Trace
from rules.kinds import EventKind, Mode
from rules.model import Cleared, Event, Facts, Snapshot, untaken_ns
from rules.premises import Arming, Premises

ONLY_TRUE_NS = 60 * NS_PER_S
"""Movement said again after this by a sensor that never says that it has ended is new movement."""

_Evidence = dict[str, float | int | str | bool]
_STILL = Arming()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """One reading; its own time is not after its arrival."""

    t_ns: int
    known_ns: int
    seq: int
    is_on: bool
    is_live: bool


class Intrusion:
    """Opened or moved while armed is an intrusion; open as guarding begins, or found open after silence, is left_open until it closes.

    - The first reading of a contact is a state, and so is a retained one; repeats of a state are no edges, nor is a bounce.
    - Open as guarding begins bypasses that sensor, and says so; an opening after it has closed is an intrusion again.
    - Back from silence and open, where it was closed: since when is not known, so it is told as found open, and is no intrusion.
    - An opening that is heard late, even after its closing, is judged by its own time. A time ahead of arrival is taken as arrival.
    - Two intrusions of one home in the same millisecond are one.
    """

    name = "intrusion"
    window_s = 0.0

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._registry = premises.registry
        self._guarding = Guarding(premises, self._closings)
        self._contacts: dict[int, Contact] = {}
        self._movement: dict[int, Trace] = {}
        self._notices: dict[Place, Notices] = {}
        self._due: dict[int, int] = {}
        self._log_read = 0
        self._of_home: dict[Place, list[int]] = {}
        for row, device in enumerate(premises.registry.devices):
            if any(is_counting(premises, device, mode) for mode in Mode):
                self._of_home.setdefault(place_of(device), []).append(row)
        self._row_of: dict[Place, int] = {(one.community_id, one.id): row for row, one in enumerate(premises.registry.devices)}
        self._counting = frozenset(row for rows in self._of_home.values() for row in rows)

    def update(self, batch: ContactBatch | MotionBatch, /) -> Facts:
        """Judge openings or movement, in order of arrival."""
        is_on, take = (batch.is_open, self._contact) if isinstance(batch, ContactBatch) else (batch.is_moving, self._motion)
        facts: Facts = []
        for row, device in enumerate(batch.device.tolist()):
            if device in self._counting:
                received_ns = int(batch.received_ns[row])
                reading = _Reading(
                    t_ns=min(int(batch.time_ns[row]), received_ns),
                    known_ns=received_ns,
                    seq=int(batch.seq[row]),
                    is_on=bool(is_on[row]),
                    is_live=not (batch.retained[row] or batch.back[row]),
                )
                facts += take(device, reading)
        return facts

    def next_due(self) -> int | None:
        """When the next home with an open contact is guarded, or was, without having been judged; or a notice has waited long enough."""
        log = self._premises.modes.log
        for home in log[self._log_read :]:
            for device in self._of_home.get(home, ()):
                self._find_due(device)
        self._log_read = len(log)
        waiting = (due for notices in self._notices.values() if (due := notices.next_due()) is not None)
        return min((*self._due.values(), *waiting), default=None)

    def tick(self, now_ns: int, /) -> Facts:
        """Say which contacts stand open as guarding has begun, and what came of notices that have waited."""
        self.next_due()
        facts: Facts = []
        for device in sorted((device for device, due in self._due.items() if due <= now_ns), key=lambda row: self._registry[row].key):
            facts += self._standing_open(device, now_ns)
            self._find_due(device)
        for place, notices in sorted(self._notices.items()):
            due_ns = notices.next_due()
            if due_ns is not None and due_ns <= now_ns:
                facts += self._waited(place, notices, now_ns)
        return facts

    def snapshot(self) -> Snapshot:
        """State of each sensor that was heard, and what waits in each home."""
        kept: dict[str, Any] = {}
        for device, contact in self._contacts.items():
            kept[self._registry[device].key] = contact.kept()
        for device, trace in self._movement.items():
            kept[self._registry[device].key] = {"movement": trace.kept()}
        for (community_id, home), notices in self._notices.items():
            kept[f"{community_id}/home:{home}"] = notices.kept()
        return kept

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over what `snapshot` said; what 0.1 kept is understood."""
        for key, state in snapshot.items():
            community_id, name = key.split("/", 1)
            row = self._registry.row(community_id, name)
            if name.startswith("home:"):
                place = community_id, name.removeprefix("home:")
                known = {self._registry[row].id for row in self._of_home.get(place, ())}
                self._notices[place] = Notices(state["delays"], [one for one in state["notices"] if one["device"] in known])
            elif row not in self._counting or row is None:
                continue
            elif "movement" in state:
                self._movement[row] = Trace(state["movement"])
            else:
                self._contacts[row] = Contact.restored(state)
        for row in self._contacts:
            self._find_due(row)

    def _contact(self, device: int, reading: _Reading) -> Facts:
        contact = self._contacts.setdefault(device, Contact(trace=Trace()))
        at = contact.trace.add(reading.t_ns, is_on=reading.is_on, is_live=reading.is_live)
        if at is None:
            return []
        if not reading.is_on:
            self._left_home(device, reading)
        if not contact.trace.is_newest(at):
            opened = contact.trace.turned_on(at)
            return [] if opened is None or contact.trace.is_bounce(opened) else self._opened(device, opened, reading)
        if not reading.is_on:
            return self._closed(device, reading)
        newest = contact.trace.newest
        if newest is not None and contact.trace.is_bounce(newest):
            contact.open_again(reading.t_ns, reading.known_ns)
            self._find_due(device)
            return []
        contact.spoken, contact.ended, contact.owed_ns = False, False, None
        if (opened := contact.trace.turned_on(at)) is not None:
            return self._opened(device, opened, reading)
        self._open_anew(device, reading.t_ns, reading.known_ns)
        if self._guarding.mode(self._registry[device], reading.t_ns) is None:
            return []
        return [self._left_open(device, reading.t_ns, reading.known_ns, reading.seq, why="found_open")]

    def _motion(self, device: int, reading: _Reading) -> Facts:
        trace = self._movement.setdefault(device, Trace())
        before = trace.newest
        moved = None
        if (at := trace.add(reading.t_ns, is_on=reading.is_on, is_live=reading.is_live)) is not None:
            moved = trace.newest if reading.is_on and reading.is_live and len(trace) == 1 else trace.turned_on(at)
            moved = None if moved is None or trace.is_bounce(moved) else moved
        elif before is not None and reading.is_live and not trace.was_off and reading.t_ns - before.t_ns > ONLY_TRUE_NS:
            moved = trace.newest
        return [] if moved is None or moved.told else self._moved(device, moved, reading)

    def _closed(self, device: int, reading: _Reading) -> Facts:
        the, contact = self._registry[device], self._contacts[device]
        self._find_due(device)
        if not contact.close():
            return []
        return [
            Cleared(
                community_id=the.community_id,
                kind=EventKind.LEFT_OPEN,
                subject=the.home or "",
                cause=the.id,
                t_ns=reading.t_ns,
                known_ns=reading.known_ns,
                seq=reading.seq,
            )
        ]

    def _left_home(self, device: int, reading: _Reading) -> None:
        """Somebody may have closed the door behind them, so that guarding began: what else stands open is looked at soon."""
        place = place_of(self._registry[device])
        arming = self._premises.arming(*place)
        if not arming.arms_when_closed or not any(start.at_ns == reading.t_ns for start in self._guarding.starts(place)):
            return
        for row in self._of_home[place]:
            contact = self._contacts.get(row)
            if contact is not None and contact.trace.is_on:
                contact.hold(reading.t_ns, reading.known_ns)
                self._find_due(row)

    def _opened(self, device: int, opened: State, reading: _Reading) -> Facts:
        contact = self._contacts[device]
        is_standing = contact.trace.is_on_since(opened.t_ns)
        if is_standing and not contact.spoken:
            self._open_anew(device, opened.t_ns, reading.known_ns)
        if opened.told:
            return []
        facts = self._noticed(device, opened, reading)
        contact.spoken |= is_standing and opened.told
        return facts

    def _open_anew(self, device: int, t_ns: int, known_ns: int) -> None:
        self._contacts[device].open_anew(t_ns, known_ns, self._guarding.starts(place_of(self._registry[device])))
        self._find_due(device)

    def _moved(self, device: int, state: State, reading: _Reading) -> Facts:
        """What comes of a movement now. Where doors decide whether it counts it waits: they may be in the same micro-batch."""
        the, place = self._registry[device], place_of(self._registry[device])
        terms = self._guarding.terms(place)
        mode = self._premises.mode(the, state.t_ns)
        if not is_counting(self._premises, the, mode):
            return []
        state.told = True
        if terms.arming == _STILL:
            return [_event(EventKind.INTRUSION, the, mode, t_ns=state.t_ns, known_ns=reading.known_ns, seq=reading.seq, evidence={})]
        due_ns = reading.known_ns + (SETTLE_NS if terms.delay_ns else HOLD_NS)
        self._wait(the, state, reading, wait_ns=state.t_ns, due_ns=due_ns)
        return []

    def _noticed(self, device: int, state: State, reading: _Reading) -> Facts:
        """What comes of an opening now: an intrusion, or a notice that waits."""
        the, place = self._registry[device], place_of(self._registry[device])
        terms = self._guarding.terms(place)
        mode = self._guarding.mode(the, state.t_ns)
        if mode is None:
            return []
        state.told = True
        wait_ns = state.t_ns
        if self._premises.use(the).is_entry and terms.delay_ns:
            end_ns = self._notices_of(place).delay_end(state.t_ns, terms)
            if end_ns is not None and not terms.confirm_ns:
                return []
            if end_ns is None:
                self._notices_of(place).begin_delay(state.t_ns)
            wait_ns = end_ns or state.t_ns + terms.delay_ns
        if wait_ns == state.t_ns and not terms.confirm_ns:
            return [_event(EventKind.INTRUSION, the, mode, t_ns=state.t_ns, known_ns=reading.known_ns, seq=reading.seq, evidence={})]
        due_ns = reading.known_ns + HOLD_NS
        self._wait(the, state, reading, wait_ns=wait_ns, due_ns=due_ns if terms.confirm_ns else max(wait_ns, due_ns))
        return []

    def _wait(self, the: Device, state: State, reading: _Reading, *, wait_ns: int, due_ns: int) -> None:
        is_motion = the.kind is not DeviceKind.CONTACT
        notice = Notice(device=the.id, is_motion=is_motion, t_ns=state.t_ns, known_ns=reading.known_ns, wait_ns=wait_ns, due_ns=due_ns)
        self._notices_of(place_of(the)).add(notice)

    def _waited(self, place: Place, notices: Notices, now_ns: int) -> Facts:
        """What comes of notices that have waited."""
        facts: Facts = []
        terms = self._guarding.terms(place)

        def counts(notice: Notice) -> bool:
            return self._guarding.mode(self._registry[self._row_of[place[0], notice.device]], notice.t_ns) is not None

        for verdict in notices.judge(now_ns, terms, counts):
            row, t_ns = self._row_of[place[0], verdict.notice.device], verdict.notice.t_ns
            contact = self._contacts.get(row)
            if verdict.is_intrusion:
                evidence: _Evidence = {"entry_delay_s": terms.arming.entry_delay_s} if verdict.notice.wait_ns > t_ns else {}
                if verdict.first is not None and verdict.second is not None:
                    evidence |= {"first": verdict.first, "second": verdict.second}
                the, mode = self._registry[row], self._premises.modes.at(*place, t_ns)
                facts.append(_event(EventKind.INTRUSION, the, mode, t_ns=t_ns, known_ns=now_ns, seq=-1, evidence=evidence))
            elif contact is not None and contact.trace.is_on_since(t_ns) and not contact.stands:
                facts.append(self._left_open(row, t_ns, now_ns, -1, why="unconfirmed"))
        return facts

    def _standing_open(self, device: int, now_ns: int) -> Facts:
        """What is to be told of a contact that stands open as guarding has begun."""
        the, contact = self._registry[device], self._contacts[device]
        starts = contact.judge(now_ns, self._guarding.starts(place_of(the)))
        begun = [start for start in starts if is_counting(self._premises, the, start.mode)]
        owed_ns, contact.owed_ns = contact.owed_ns, None
        if self._premises.mode(the, now_ns) is Mode.DISARMED:
            return []
        told = [start for start in begun if start.afresh] or ([] if contact.spoken and owed_ns is None else begun)
        if not told and owed_ns is None:
            return []
        t_ns = told[-1].at_ns if told else owed_ns or 0
        return [self._left_open(device, t_ns, now_ns, -1, why="bypassed")]

    def _left_open(self, device: int, t_ns: int, known_ns: int, seq: int, *, why: str) -> Event:
        """Build the event and note it: a millisecond earlier where the home has one of that time already, because `t` is its identity."""
        the, contact = self._registry[device], self._contacts[device]
        mode = self._premises.mode(the, t_ns)
        others = (self._contacts.get(row) for row in self._of_home[place_of(the)])
        taken_ns = {other.said_ns for other in others if other is not None}
        t_ns = untaken_ns(t_ns, taken_ns)
        contact.said_ns, contact.stands, contact.spoken = t_ns, True, True
        return _event(EventKind.LEFT_OPEN, the, mode, t_ns=t_ns, known_ns=known_ns, seq=seq, evidence={why: True})

    def _find_due(self, device: int) -> None:
        self._due.pop(device, None)
        contact = self._contacts.get(device)
        if contact is not None and contact.trace.is_on:
            due_ns = contact.due_ns(self._guarding.starts(place_of(self._registry[device])))
            if due_ns is not None:
                self._due[device] = due_ns

    def _closings(self, place: Place) -> list[int]:
        """When entries of a home were closed."""
        entries = (row for row in self._of_home[place] if row in self._contacts and self._premises.use(self._registry[row]).is_entry)
        return [t_ns for row in entries for t_ns in self._contacts[row].trace.turned_off()]

    def _notices_of(self, place: Place) -> Notices:
        return self._notices.setdefault(place, Notices())


def _event(kind: EventKind, the: Device, mode: Mode, *, t_ns: int, known_ns: int, seq: int, evidence: _Evidence) -> Event:
    is_contact = the.kind is DeviceKind.CONTACT
    what: _Evidence = {"covers": (the.covers or Covers.DOOR).value} if is_contact else {"sensor": the.kind.value}
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
        evidence={"mode": mode.value, **what, **evidence},
    )
