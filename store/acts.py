"""What people do on the pages, each in one transaction: acts on incidents, and modes of homes."""

from enum import StrEnum

from sqlmodel import Session

from devices.model import CommunityId, HomeId, PersonId
from incidents import desk
from incidents.directory import Directory, Person, Role
from incidents.model import Act, Do, Drill, Incident, IncidentId, IncidentState, Outcome, Quiet, Refused
from incidents.timeline import Because, Cause
from rules.home import codes
from rules.home.keypad import duress
from rules.kinds import Mode
from rules.premises import Codes
from store import configuration, timelines, views
from store.estates import Estates
from store.ledger import DatabaseBook, add_event
from store.session import Database, next_number

_HAD = frozenset({IncidentState.ACKNOWLEDGED, IncidentState.ON_SCENE})
"""States in which somebody has it."""

CHANGED = "it stands otherwise by now"
"""Why somebody's act is refused who saw it as it was before."""

_ARMING = frozenset({Role.GUARD, Role.DISPATCHER, Role.ADMINISTRATOR})
"""Roles that may change the mode of any home."""


def act_on(
    database: Database,
    estates: Estates,
    community_id: CommunityId,
    act: Act,
    now_ns: int,
    *,
    incident_id: IncidentId | None = None,
    stands: str | None = None,
) -> Outcome | Refused:
    """What comes of a responder's act; it is written, with whom to tell, when this returns.

    Parameters
    ----------
    incident_id
        The incident that whoever acts was looking at: it is meant, and no other one of its subject. None leaves the choice to the desk.
        With it, an act that has an id is done once, however often it is said.
    stands
        `Incident.stands` as whoever acts saw it: where it stands otherwise by now, nothing is done. None: whatever they saw.

    Raises
    ------
    StoreError
        There is no such community.
    StoreBusyError
        Nothing was written.
    """
    with database.write() as session:
        if incident_id is not None and (act.id or stands is not None):
            next_number(session, community_id)  # whoever else acts waits here
            if act.id and timelines.is_said(session, community_id, incident_id, act.id):
                return Outcome()
            before = views.incident(session, community_id, incident_id)
            if before is not None and before.is_open and stands not in {None, before.stands}:
                return Refused(reason=CHANGED)
        book = _BookOfOne(session, community_id, now_ns, incident_id) if incident_id else DatabaseBook(session, community_id, now_ns)
        directory = estates.community(session, community_id).directory
        outcome = desk.act(act, book, directory, now_ns)
        if isinstance(outcome, Outcome):
            book.put(outcome, Because(cause=Cause.ACT, act=act))
        return outcome


class Answered(StrEnum):
    """What came of an answer."""

    DONE = "done"
    TAKEN = "taken"
    """Somebody else had it before, and still has it."""
    OVER = "over"
    REFUSED = "refused"


def answer(database: Database, estates: Estates, community_id: CommunityId, act: Act, *, incident_id: IncidentId, now_ns: int) -> Answered:
    """What came of somebody's answer to what they were told; it is written, with whom to tell, when this returns.

    Unlike on a page, where they see who has it, an acknowledgement takes nothing from whoever was first.

    Raises
    ------
    StoreError
        There is no such community.
    StoreBusyError
        Nothing was written.
    """
    with database.write() as session:
        next_number(session, community_id)  # whoever else answers waits here
        book = _BookOfOne(session, community_id, now_ns, incident_id)
        directory = estates.community(session, community_id).directory
        incident = next(iter(book.open_about(act.subject)), None)
        if incident is None:
            return Answered.OVER
        if act.do is Do.ACKNOWLEDGE and incident.state in _HAD and act.by not in {incident.acknowledged_by, incident.handed_to}:
            return Answered.TAKEN
        outcome = desk.act(act, book, directory, now_ns)
        if isinstance(outcome, Refused):
            return Answered.REFUSED
        book.put(outcome, Because(cause=Cause.ACT, act=act))
        return Answered.DONE


def set_mode(
    database: Database,
    estates: Estates,
    community_id: CommunityId,
    home_id: HomeId,
    mode: Mode,
    *,
    by: PersonId,
    now_ns: int,
    code: str | None = None,
) -> int | Refused:
    """Put a home into a mode; since when it holds, in ns, or why not.

    Parameters
    ----------
    code
        What was typed to prove who it is: a code of theirs, or it is refused. The one under duress does what the other does, and calls
        for help. None: nothing was typed.

    Raises
    ------
    StoreError
        There is no such community.
    StoreBusyError
        Nothing was written.
    """
    typed = None if code is None else _typed(database, estates, community_id, by, code)
    with database.write() as session:
        next_number(session, community_id)
        directory = estates.community(session, community_id).directory
        if home_id not in directory.homes:
            return Refused(reason=f"{home_id} is no home of this community")
        person = directory.person_at(by, now_ns)
        if person is None:
            return Refused(reason=f"{by} is nobody this community knows")
        if not may_set_mode(person, home_id, directory) or (code is not None and typed is None):
            return Refused(reason=f"{by} may not change the mode of {home_id}")
        since_ns = configuration.change_mode(session, community_id, home_id, mode, at_ns=now_ns, by=by)
        if typed is not None and typed[1]:
            event = duress(community_id, home_id, directory.homes[home_id].occupants, by, t_ns=now_ns, known_ns=now_ns)
            book = DatabaseBook(session, community_id, now_ns)
            if add_event(session, event):
                book.put(desk.take(event, book, directory, now_ns))
        return since_ns


def may_set_mode(person: Person, home_id: HomeId, directory: Directory) -> bool:
    """Whether somebody may change the mode of a home: who lives there, their relatives, guards and administrators."""
    occupants = directory.homes[home_id].occupants
    is_relative = Role.RELATIVE in person.roles and not frozenset(occupants).isdisjoint(person.of)
    return person.id in occupants or is_relative or not _ARMING.isdisjoint(person.roles)


def _typed(database: Database, estates: Estates, community_id: CommunityId, by: PersonId, code: str) -> tuple[PersonId, bool] | None:
    """Whose code it is, and whether it is typed under duress. Asked before others wait for the write: a digest is slow by design."""
    with database.read() as session:
        kept = estates.community(session, community_id).codes.get(by, Codes())
    return codes.whose(code, {by: kept})


def silence(database: Database, estates: Estates, community_id: CommunityId, quiet: Quiet, now_ns: int) -> Outcome | Refused:
    """What comes of a wish for silence; it is written, with whom to tell, when this returns.

    Raises
    ------
    StoreError
        There is no such community.
    StoreBusyError
        Nothing was written.
    """
    with database.write() as session:
        book = DatabaseBook(session, community_id, now_ns)
        outcome = desk.silence(quiet, book, estates.community(session, community_id).directory, now_ns)
        return _written(session, book, outcome, Because(cause=Cause.ACT))


def drill(database: Database, estates: Estates, community_id: CommunityId, wanted: Drill, now_ns: int) -> Outcome | Refused:
    """What comes of a wish for a drill; it is written, with whom to tell, when this returns.

    Raises
    ------
    StoreError
        There is no such community.
    StoreBusyError
        Nothing was written.
    """
    with database.write() as session:
        book = DatabaseBook(session, community_id, now_ns)
        outcome = desk.drill(wanted, book, estates.community(session, community_id).directory, now_ns)
        return _written(session, book, outcome, Because(cause=Cause.ACT, by=wanted.by))


def _written(session: Session, book: DatabaseBook, outcome: Outcome | Refused, because: Because) -> Outcome | Refused:
    """What was wished for, with the events that its incidents begin with; nothing of what was refused."""
    if isinstance(outcome, Outcome):
        for incident in outcome.incidents:
            add_event(session, incident.headline)
        book.put(outcome, because)
    return outcome


class _BookOfOne(DatabaseBook):
    """A book in which one incident only can be open."""

    def __init__(self, session: Session, community_id: CommunityId, now_ns: int, incident_id: IncidentId) -> None:
        super().__init__(session, community_id, now_ns)
        self._incident_id = incident_id

    def open_about(self, subject: str) -> tuple[Incident, ...]:
        return tuple(one for one in super().open_about(subject) if one.id == self._incident_id)
