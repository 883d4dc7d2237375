"""What a resident lets whom see. Only ever appended to: the newest word about each pair of purpose and recipient holds.

Without a word of theirs what the community's contract says holds: their family and whoever helps may see what help needs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlmodel import Session, col, select

from devices.model import CommunityId, PersonId
from incidents.directory import Role
from store.session import next_number
from store.tables import ConsentRow


class DataPurpose(StrEnum):
    """What data are used for; a stored value is never renamed."""

    HELP = "help"
    """Position, health and evidence of an incident, for whoever comes to help: without it they get nothing of the others either."""
    POSITION = "position"
    """Where the resident is just now, while an incident is open."""
    PICTURES = "pictures"
    """Photos that were added to an incident, and the pictures of its evidence."""


class Recipient(StrEnum):
    """Who gets them; a stored value is never renamed."""

    FAMILY = "family"
    GUARDS = "guards"
    HOSPITAL = "hospital"


PURPOSES: Mapping[DataPurpose, tuple[Recipient, ...]] = {
    DataPurpose.HELP: tuple(Recipient),
    DataPurpose.POSITION: (Recipient.GUARDS,),
    DataPurpose.PICTURES: (Recipient.HOSPITAL,),
}
"""Whom a resident lets have what: each of these is asked where the thing is shown, and there is no other."""

RECIPIENTS: Mapping[Role, Recipient] = {
    Role.RELATIVE: Recipient.FAMILY,
    Role.GUARD: Recipient.GUARDS,
    Role.DISPATCHER: Recipient.GUARDS,
    Role.FIELD_RESPONDER: Recipient.GUARDS,
    Role.HOSPITAL: Recipient.HOSPITAL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One word about it: given, or taken back."""

    resident: PersonId
    purpose: DataPurpose
    recipient: Recipient
    is_given: bool
    by: PersonId
    at_ns: int


def say(session: Session, community_id: CommunityId, said: Consent) -> None:
    """Write a word down."""
    row = ConsentRow(
        community_id=community_id,
        number=next_number(session, community_id),
        resident_id=said.resident,
        purpose=said.purpose,
        recipient=said.recipient,
        is_given=said.is_given,
        by=said.by,
        at_ns=said.at_ns,
    )
    session.add(row)
    session.flush()


def history(session: Session, community_id: CommunityId, residents: Iterable[PersonId]) -> tuple[Consent, ...]:
    """Every word about some residents, oldest first."""
    among = (ConsentRow.community_id == community_id, col(ConsentRow.resident_id).in_(sorted(residents)))
    return tuple(_consent(row) for row in session.exec(select(ConsentRow).where(*among).order_by(col(ConsentRow.number))))


Withheld = frozenset[tuple[PersonId, DataPurpose, Recipient]]
"""Which residents do not let whom have what."""


def withheld(session: Session, community_id: CommunityId) -> Withheld:
    """What is withheld now, in a community."""
    rows = select(ConsentRow).where(ConsentRow.community_id == community_id).order_by(col(ConsentRow.number))
    newest = {(row.resident_id, row.purpose, row.recipient): row.is_given for row in session.exec(rows)}
    return frozenset(
        (PersonId(resident), DataPurpose(purpose), Recipient(recipient))
        for (resident, purpose, recipient), is_given in newest.items()
        if not is_given
    )


def _consent(row: ConsentRow) -> Consent:
    return Consent(
        resident=PersonId(row.resident_id),
        purpose=DataPurpose(row.purpose),
        recipient=Recipient(row.recipient),
        is_given=row.is_given,
        by=PersonId(row.by),
        at_ns=row.at_ns,
    )
