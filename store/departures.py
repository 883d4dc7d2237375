"""Somebody who was looked after moved out, or died: what ends at once, what is kept for a while, and what is forgotten in the end.

At once: they have no role, no number, no code and no care; who was told of them alone is told nothing more and sees nothing more; what they
wore is nobody's; what is open about them ends quietly, and what waits to be said is not said. After `KEPT_NS` their name, the words that
were sent about them and the pictures are forgotten; what happened when, under an id, stays for whoever has to answer for it.
"""

import json
from typing import Any

from sqlmodel import Session, col, delete, select, update

from devices.model import NS_PER_S, CommunityId, PersonId
from incidents import leaving
from incidents.directory import Directory, Role
from incidents.timeline import Because, Cause
from store import accounts, administering, configuration
from store.accounts import Logins
from store.capture import iso
from store.community import moment_ns
from store.estates import Estates
from store.ledger import DatabaseBook
from store.model import Community, InputError
from store.outbox import NotificationState
from store.schema import Departure
from store.session import next_number
from store.tables import CommunityVersionRow, DecisionStateRow, IncidentRow, NotificationRow, PhotoRow

KEPT_NS = 180 * 24 * 3600 * NS_PER_S
"""So long a name is kept: complaints and inheritances come up within months."""

NAMELESS = "—"
"""In the place of a name that is forgotten."""

_OF_A_PERSON = (
    *("phone", "contacts", "timezone", "quiet", "chosen", "care", "cancel_window_s", "recovered", "code", "duress_code"),
    *("until", "since"),
)
"""What a community's file says of somebody who is there, and not of who has left."""


def leave(session: Session, community_id: CommunityId, resident: PersonId, why: Departure, *, by: PersonId, now_ns: int) -> Community:
    """Say that somebody is not there any more; everything about them ends in this transaction. The community as it is then.

    Raises
    ------
    InputError
        There is no such resident, or they have left already; nothing was written.
    StoreError
        There is no such community.
    """
    next_number(session, community_id)  # whoever else changes the community waits here
    said = administering.document(session, community_id)
    person = next((one for one in said.get("people", []) if one["id"] == resident), None)
    if person is None or Role.RESIDENT not in person["roles"] or "left" in person:
        raise InputError("person", resident, "has left already" if person and "left" in person else "is no resident of the community")
    login = accounts.login_of(community_id, Estates().community(session, community_id).directory.people[resident])
    kept = {key: value for key, value in person.items() if key not in _OF_A_PERSON}
    left = kept | {"roles": [Role.RESIDENT.value], "left": {"at": iso(now_ns), "why": why.value}}
    said["people"] = [left if one is person else one for one in said["people"]]
    said["devices"] = [_freed(one, resident) for one in said.get("devices", [])]
    made = administering.write(session, community_id, said, by, now_ns)
    settle(session, made.directory, now_ns)
    if not Logins(Estates()).members(session, login):  # a couple may share a number
        accounts.end(session, login)
    return made


def settle(session: Session, directory: Directory, now_ns: int) -> None:
    """End quietly what is open about those who have left, and drop what waits to be said of them. Done twice it does nothing more."""
    community_id, subjects = directory.community_id, sorted(leaving.gone(directory))
    about = (IncidentRow.community_id == community_id, col(IncidentRow.subject).in_(subjects))
    if not subjects or session.exec(select(IncidentRow.id).where(*about).limit(1)).first() is None:
        return
    book = DatabaseBook(session, community_id, now_ns)
    for subject in subjects:
        open_about = book.open_about(subject)
        if open_about:
            book.put(leaving.quietly(open_about, directory, now_ns), Because(cause=Cause.ACT))
    waiting = (
        col(NotificationRow.community_id) == community_id,
        col(NotificationRow.state) == NotificationState.WAITING,
        col(NotificationRow.incident_id).in_(select(IncidentRow.id).where(*about)),
    )
    session.exec(update(NotificationRow).where(*waiting).values(state=NotificationState.CANCELLED, is_stopped=True, fallback_ns=None))


def forget(session: Session, community_id: CommunityId, now_ns: int) -> tuple[PersonId, ...]:
    """Forget the names of those who left long enough ago, in every version of the community; who they were.

    With the name go the words that were sent about them, the pictures that were added, and what rules had learnt of them.
    """
    said = administering.document(session, community_id)
    due = tuple(PersonId(one["id"]) for one in said.get("people", []) if _is_due(one, now_ns))
    if not due:
        return ()
    next_number(session, community_id)
    for row in session.exec(select(CommunityVersionRow).where(CommunityVersionRow.community_id == community_id)):
        row.document = json.dumps(_nameless(json.loads(row.document), due), ensure_ascii=False, allow_nan=False)
    after = _nameless(json.loads(configuration.community_at(session, community_id) or "{}"), due)
    for one in after["people"]:
        if one["id"] in due:
            one["left"] = {**one["left"], "erased": True}
    session.flush()
    configuration.append_community(session, community_id, now_ns, json.dumps(after, ensure_ascii=False, allow_nan=False))
    about = select(IncidentRow.id).where(IncidentRow.community_id == community_id, col(IncidentRow.subject).in_(due))
    told = (col(NotificationRow.community_id) == community_id, col(NotificationRow.incident_id).in_(about))
    session.exec(update(NotificationRow).where(*told).values(text=None))
    session.exec(delete(PhotoRow).where(col(PhotoRow.community_id) == community_id, col(PhotoRow.incident_id).in_(about)))
    keys = [f"{community_id}/person:{one}" for one in due]
    session.exec(delete(DecisionStateRow).where(col(DecisionStateRow.device_key).in_(keys)))
    return due


def _freed(device: dict[str, Any], resident: PersonId) -> dict[str, Any]:
    return {key: value for key, value in device.items() if key != "wearer"} if device.get("wearer") == resident else device


def _is_due(person: dict[str, Any], now_ns: int) -> bool:
    left = person.get("left")
    if left is None or left.get("erased"):
        return False
    return moment_ns(left["at"]) + KEPT_NS <= now_ns


def _nameless(said: dict[str, Any], who: tuple[PersonId, ...]) -> dict[str, Any]:
    """A version of the community without what it says of some people."""
    people = [
        {key: value for key, value in one.items() if key not in _OF_A_PERSON} | {"name": NAMELESS} if one["id"] in who else one
        for one in said.get("people", [])
    ]
    return {**said, "people": people}
