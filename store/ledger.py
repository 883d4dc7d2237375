"""Events and incidents in the database: `DatabaseBook` answers what `incidents.book.Book` answers, and writes what comes of it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Session, col, select, update

from devices.model import CommunityId, HomeId
from incidents.grouping import Thread
from incidents.model import TAKEN_ON, Duty, Incident, IncidentId, Outcome, Story
from incidents.timeline import BY_FACT, Because, entries
from rules.kinds import EventKind, Mode
from rules.model import Event
from store import configuration, outbox, timelines
from store.model import StoreError
from store.session import insert, next_number
from store.tables import EventRow, IncidentRow

_INCIDENT = TypeAdapter(Incident)


def add_event(session: Session, event: Event) -> bool:
    """Write an event; whether it is new. One that is known changes nothing, and nothing is to come of it."""
    row = insert(session, EventRow).values(
        community_id=event.community_id,
        kind=event.kind,
        subject=event.subject,
        t_ns=event.t_ns,
        known_ns=event.known_ns,
        seq=event.seq,
        device_id=event.device_id,
        resident_id=event.resident_id,
        home_id=event.home_id,
        score=event.score,
        cause=event.cause,
        evidence=json.dumps(dict(event.evidence), ensure_ascii=False, sort_keys=True),
    )
    return session.exec(row.on_conflict_do_nothing().returning(col(EventRow.t_ns))).first() is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a rule found, in short; `cause` is the fence."""

    kind: EventKind
    t_ns: int
    known_ns: int
    cause: str


def told_at(session: Session, community_id: CommunityId, home_id: HomeId, kinds: Iterable[EventKind], since_ns: int) -> tuple[Told, ...]:
    """What rules found of some kinds about a home that was known from a time on, in the order in which it became known."""
    found = select(EventRow).where(EventRow.community_id == community_id, col(EventRow.known_ns) >= since_ns, EventRow.home_id == home_id)
    rows = session.exec(found.where(col(EventRow.kind).in_([*kinds])).order_by(col(EventRow.known_ns), col(EventRow.t_ns)))
    return tuple(Told(kind=EventKind(row.kind), t_ns=row.t_ns, known_ns=row.known_ns, cause=row.cause) for row in rows)


def next_due(session: Session) -> int | None:
    """When an incident of any community has something due, in ns; None while none has. For the sweeper, which serves them all."""
    return session.exec(
        select(col(IncidentRow.next_due_ns)).where(col(IncidentRow.next_due_ns).is_not(None)).order_by("next_due_ns")
    ).first()


def communities_due(session: Session, now_ns: int) -> tuple[CommunityId, ...]:
    """Communities with an incident that is due by now, in the order in which they are to be locked."""
    due = select(IncidentRow.community_id).where(col(IncidentRow.next_due_ns) <= now_ns).distinct()
    return tuple(CommunityId(one) for one in sorted(session.exec(due)))


class DatabaseBook:
    """Incidents of one community within one transaction.

    In a writing session the community is locked from here to the end of the transaction, so that acts, the worker and the sweeper take
    turns, and each decides on what the one before left. Who writes about several communities makes their books in the order of their ids.

    Parameters
    ----------
    session
        Of `Database.write`, or of `Database.read` to look only.
    community_id
        Whose.
    now_ns
        Time of this transaction: when the notifications that it writes were created, and may first be sent.
    """

    def __init__(self, session: Session, community_id: CommunityId, now_ns: int) -> None:
        self._session = session
        self._community_id = community_id
        self._now_ns = now_ns
        self._versions: dict[IncidentId, int] = {}
        self._known: dict[IncidentId, Incident] = {}
        if session.info.get("writes"):
            next_number(session, community_id)

    def __getitem__(self, incident_id: IncidentId) -> Incident:
        found = self._first(IncidentRow.id == incident_id)
        if found is None:
            raise KeyError(incident_id)
        return found

    def open_in(self, thread: Thread) -> Incident | None:
        """The one open incident of a story and subject."""
        return self._first(*_of(thread), IncidentRow.is_open)

    def last_closed(self, thread: Thread) -> Incident | None:
        """The incident of a story and subject that was closed last."""
        return self._first(
            *_of(thread), ~col(IncidentRow.is_open), order=(col(IncidentRow.ended_ns).desc(), col(IncidentRow.number).desc())
        )

    def open_about(self, subject: str) -> tuple[Incident, ...]:
        """Every open incident of a subject, in the order in which they were opened."""
        return self._all(IncidentRow.subject == subject, IncidentRow.is_open, order=(IncidentRow.number,))

    def all_open(self) -> tuple[Incident, ...]:
        """Every open incident, in the order in which they were opened."""
        return self._all(IncidentRow.is_open, order=(IncidentRow.number,))

    def quiets(self) -> tuple[Incident, ...]:
        """Silences that were asked for and go on."""
        return self._all(IncidentRow.story == Story.SILENCE, IncidentRow.is_open, order=(IncidentRow.number,))

    def drills(self) -> tuple[Incident, ...]:
        """Drills that go on."""
        return self._all(IncidentRow.story == Story.DRILL, IncidentRow.is_open, order=(IncidentRow.number,))

    def mode(self, home_id: HomeId, at_ns: int) -> Mode:
        """Mode of a home at a time."""
        return configuration.mode_at(self._session, self._community_id, home_id, at_ns)

    def next_due(self) -> int | None:
        """When `sweep` has something to do, in ns; None while it has not."""
        due = select(col(IncidentRow.next_due_ns)).where(
            IncidentRow.community_id == self._community_id, col(IncidentRow.next_due_ns).is_not(None)
        )
        return self._session.exec(due.order_by("next_due_ns")).first()

    def due(self, now_ns: int) -> tuple[Incident, ...]:
        """Incidents with something due by now: the earliest due first, then the one opened first."""
        return self._all(col(IncidentRow.next_due_ns) <= now_ns, order=(IncidentRow.next_due_ns, IncidentRow.number))

    def put(self, outcome: Outcome, because: Because = BY_FACT) -> None:
        """Write the incidents of an outcome with their timelines, drop what nobody needs to be told any more, and write whom to tell.

        Raises
        ------
        StoreError
            If an incident is not as this book last gave it: somebody wrote without the lock.
        """
        for n, incident in enumerate(outcome.incidents):
            if incident.community_id != self._community_id:
                raise StoreError(f"incident {incident.id} is of {incident.community_id}, must be of {self._community_id}")
            # An act is about the first one; what it moves besides, it only moves.
            about = because if n == 0 or because.act is None else replace(because, act=None, by=because.act.by)
            self._put(incident, [duty for duty in outcome.duties if duty.incident.id == incident.id], about)
            if incident.state in TAKEN_ON:
                outbox.cancel_unsent(self._session, self._community_id, incident.id)
        for duty in outcome.duties:
            outbox.add(self._session, duty, self._now_ns)

    def _put(self, incident: Incident, duties: Sequence[Duty], because: Because) -> None:
        before = self._known.get(incident.id)
        known = self._versions.get(incident.id)
        values = _columns(incident)
        if known is None:
            number = next_number(self._session, self._community_id)
            self._session.exec(insert(self._session, IncidentRow).values(number=number, version=1, **values))
        else:
            place = (
                col(IncidentRow.community_id) == self._community_id,
                col(IncidentRow.id) == incident.id,
                col(IncidentRow.version) == known,
            )
            changed = self._session.exec(update(IncidentRow).where(*place).values(version=known + 1, **values)).rowcount
            if changed != 1:
                raise StoreError(f"incident {incident.id} is no longer at version {known}: it was written without its community's lock")
        for event in incident.events[len(before.events) if before else 0 :]:
            self._session.exec(update(EventRow).where(*_is(event)).values(incident_id=incident.id))
        for entry in entries(before, incident, duties, because, self._now_ns):
            timelines.append(self._session, self._community_id, incident.id, entry)
        self._versions[incident.id] = (known or 0) + 1
        self._known[incident.id] = incident

    def _first(self, *where: Any, order: Sequence[Any] = ()) -> Incident | None:  # noqa: ANN401  SQL expressions
        found = self._all(*where, order=order, limit=1)
        return found[0] if found else None

    def _all(self, *where: Any, order: Sequence[Any], limit: int | None = None) -> tuple[Incident, ...]:  # noqa: ANN401  SQL expressions
        wanted = select(IncidentRow.version, IncidentRow.body).where(IncidentRow.community_id == self._community_id, *where)
        found = []
        for version, body in self._session.exec(wanted.order_by(*order).limit(limit)):
            incident = _INCIDENT.validate_json(body)
            self._versions[incident.id] = version
            self._known[incident.id] = incident
            found.append(incident)
        return tuple(found)


def _of(thread: Thread) -> tuple[Any, ...]:
    return (IncidentRow.story == thread.story, IncidentRow.subject == thread.subject, IncidentRow.rule == thread.rule)


def _is(event: Event) -> tuple[Any, ...]:
    community_id, kind, subject, t_ns = event.identity
    return (EventRow.community_id == community_id, EventRow.kind == kind, EventRow.subject == subject, EventRow.t_ns == t_ns)


def _columns(incident: Incident) -> dict[str, Any]:
    return {
        "community_id": incident.community_id,
        "id": incident.id,
        "story": incident.story,
        "subject": incident.subject,
        "rule": incident.rule,
        "state": incident.state,
        "is_open": incident.is_open,
        "severity": incident.severity,
        "kind": incident.kind,
        "opened_ns": incident.opened_ns,
        "ended_ns": incident.ended_ns,
        "next_due_ns": incident.dues[0].at_ns if incident.dues else None,
        "body": _INCIDENT.dump_json(incident).decode(),
    }
