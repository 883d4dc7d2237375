"""What people do on the pages, each in one transaction: acts on incidents, and modes of homes."""

from sqlmodel import Session

from devices.model import CommunityId, HomeId, PersonId
from incidents import desk
from incidents.model import Act, Directory, Incident, IncidentId, Outcome, Person, Refused, Role
from rules.model import Mode
from store import configuration
from store.estates import Estates
from store.ledger import DatabaseBook
from store.session import Database, next_number

_ARMING = frozenset({Role.GUARD, Role.ADMINISTRATOR})
"""Roles that may change the mode of any home."""


def act_on(
    database: Database, estates: Estates, community_id: CommunityId, act: Act, now_ns: int, *, incident_id: IncidentId | None = None
) -> Outcome | Refused:
    """What comes of a responder's act; it is written, with whom to tell, when this returns.

    Parameters
    ----------
    incident_id
        The incident that whoever acts was looking at: it is meant, and no other one of its subject. None leaves the choice to the desk.

    Raises
    ------
    StoreError
        There is no such community.
    StoreBusyError
        Nothing was written.
    """
    with database.write() as session:
        book = _BookOfOne(session, community_id, now_ns, incident_id) if incident_id else DatabaseBook(session, community_id, now_ns)
        directory = estates.community(session, community_id).directory
        outcome = desk.act(act, book, directory, now_ns)
        if isinstance(outcome, Outcome):
            book.put(outcome)
        return outcome


def set_mode(
    database: Database, estates: Estates, community_id: CommunityId, home_id: HomeId, mode: Mode, *, by: PersonId, now_ns: int
) -> int | Refused:
    """Put a home into a mode; since when it holds, in ns, or why not.

    Raises
    ------
    StoreError
        There is no such community.
    StoreBusyError
        Nothing was written.
    """
    with database.write() as session:
        next_number(session, community_id)
        directory = estates.community(session, community_id).directory
        if home_id not in directory.homes:
            return Refused(reason=f"{home_id} is no home of this community")
        if by not in directory.people:
            return Refused(reason=f"{by} is nobody this community knows")
        if not may_set_mode(directory.people[by], home_id, directory):
            return Refused(reason=f"{by} may not change the mode of {home_id}")
        return configuration.change_mode(session, community_id, home_id, mode, at_ns=now_ns, by=by)


def may_set_mode(person: Person, home_id: HomeId, directory: Directory) -> bool:
    """Whether somebody may change the mode of a home: who lives there, their relatives, guards and administrators."""
    occupants = directory.homes[home_id].occupants
    is_relative = Role.RELATIVE in person.roles and not frozenset(occupants).isdisjoint(person.of)
    return person.id in occupants or is_relative or not _ARMING.isdisjoint(person.roles)


class _BookOfOne(DatabaseBook):
    """A book in which one incident only can be open."""

    def __init__(self, session: Session, community_id: CommunityId, now_ns: int, incident_id: IncidentId) -> None:
        super().__init__(session, community_id, now_ns)
        self._incident_id = incident_id

    def open_about(self, subject: str) -> tuple[Incident, ...]:
        return tuple(one for one in super().open_about(subject) if one.id == self._incident_id)
