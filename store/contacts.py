"""What is known of people's contact methods: which are broken, who wants no messages, what was verified.

It is known of an address, not of a person: another number is another contact method, of which nothing is known.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from operator import itemgetter

from sqlalchemy import bindparam
from sqlmodel import Session, col, delete, select

from devices.model import CommunityId, PersonId
from incidents.directory import Channel, Person
from store.tables import ContactRow

_OF_PEOPLE = select(ContactRow).where(
    col(ContactRow.community_id) == bindparam("community"), col(ContactRow.person_id).in_(bindparam("people", expanding=True))
)
"""Asked with each claim, so it is put together once."""

_BY_PHONE = frozenset({Channel.SMS, Channel.VOICE})


class ContactState(StrEnum):
    """What is known of a contact method."""

    BROKEN = "broken"
    """Nothing sent there arrives, today or tomorrow."""
    OPTED_OUT = "opted_out"
    """Its owner, or their carrier, wants no messages by this channel."""
    VERIFIED = "verified"
    """Its owner has typed the code that was sent there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of somebody's contact method, in which of a provider's words, and since when."""

    channel: Channel
    state: ContactState
    code: str | None = None
    since_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactMethod:
    """A channel by which somebody of a community is told."""

    community_id: CommunityId
    person: Person
    channel: Channel


def address_of(person: Person, channel: Channel) -> str | None:
    """Where a channel leads, if it leads to one place; a channel with several addresses is not broken by one of them."""
    if channel in _BY_PHONE:
        return person.phone_e164
    addresses = person.addresses_of(channel)
    return addresses[0] if len(addresses) == 1 else None


def mark(session: Session, community_id: CommunityId, person: Person, known: Known) -> bool:
    """Write what has become known of a contact method; whether that is new."""
    address = address_of(person, known.channel)
    if address is None:
        return False
    row = session.get(ContactRow, (community_id, person.id, known.channel))
    if row is None:
        row = ContactRow(community_id=community_id, person_id=person.id, channel=known.channel, address="", state="", since_ns=0)
        session.add(row)
    is_new = (row.address, row.state) != (address, known.state)
    if is_new:
        row.address, row.state, row.code, row.since_ns = address, known.state, known.code, known.since_ns
    session.flush()
    return is_new


def forget(session: Session, community_id: CommunityId, person: PersonId, channel: Channel) -> None:
    """Nothing is known of a contact method any more: somebody has put it right, or wants messages again."""
    gone = (col(ContactRow.community_id) == community_id, col(ContactRow.person_id) == person, col(ContactRow.channel) == channel)
    session.exec(delete(ContactRow).where(*gone))


def look_up(session: Session, people: Collection[tuple[CommunityId, PersonId]]) -> None:
    """Read at once what `state` is going to be asked of in this transaction: else it asks for each by itself."""
    known: dict[tuple[str, str], dict[str, ContactRow]] = {place: {} for place in people}
    for community_id, of_community in groupby(sorted(people), key=itemgetter(0)):
        for row in session.exec(_OF_PEOPLE, params={"community": community_id, "people": [person_id for _, person_id in of_community]}):
            known[row.community_id, row.person_id][row.channel] = row
    session.info["contacts"] = known


def state(session: Session, community_id: CommunityId, person: Person, channel: Channel) -> ContactState | None:
    """What is known of a contact method as it is now; None for nothing."""
    known: dict[str, ContactRow] | None = session.info.get("contacts", {}).get((community_id, person.id))
    row = session.get(ContactRow, (community_id, person.id, channel)) if known is None else known.get(channel)
    return ContactState(row.state) if row is not None and row.address == address_of(person, channel) else None


def marked(session: Session, community_id: CommunityId) -> list[tuple[PersonId, Known]]:
    """Everything that was ever noted of the contact methods of a community."""
    rows = select(ContactRow).where(ContactRow.community_id == community_id).order_by(col(ContactRow.person_id), col(ContactRow.channel))
    return [
        (PersonId(row.person_id), Known(channel=Channel(row.channel), state=ContactState(row.state), code=row.code, since_ns=row.since_ns))
        for row in session.exec(rows)
    ]
