"""Codes that show whose a contact method is: six digits, sent there, and typed by its owner.

Of a code only a digest with the installation's key is kept: six digits alone are found from a plain digest at once.
"""

import hashlib
import hmac
import secrets
from enum import StrEnum

from sqlmodel import Session

from devices.model import NS_PER_S, CommunityId
from incidents.directory import Channel, Person
from store import contacts
from store.contacts import ContactMethod, ContactState, Known, address_of
from store.model import StoreError
from store.tables import ContactCodeRow

LASTS_NS = 600 * NS_PER_S
"""So long a code can be typed."""

AGAIN_NS = 60 * NS_PER_S
"""Another one is not made sooner."""

MOST_TRIES = 5
"""Wrong codes, after which it is good for nothing."""


class TooSoonError(StoreError):
    """A code was sent there a moment ago."""


class Confirmed(StrEnum):
    """What became of a code that was typed."""

    VERIFIED = "verified"
    WRONG = "wrong"
    OVER = "over"
    """There is none, or it was too long ago, or too many wrong ones were typed."""


def new_code() -> str:
    """Six digits that nobody can foresee."""
    return f"{secrets.randbelow(10**6):06d}"


def begin(session: Session, key: bytes, at: ContactMethod, now_ns: int) -> str:
    """A new code for a contact method, in the place of any earlier one.

    Raises
    ------
    TooSoonError
        The last one was made less than a minute ago.
    StoreError
        The channel does not lead to one address.
    """
    address = address_of(at.person, at.channel)
    if address is None:
        raise StoreError(f"{at.person.id} has no {at.channel}, or several")
    row = session.get(ContactCodeRow, (at.community_id, at.person.id, at.channel), with_for_update=True)
    if row is not None and now_ns - row.sent_ns < AGAIN_NS:
        raise TooSoonError(f"a code was sent to {at.person.id} {(now_ns - row.sent_ns) // NS_PER_S} s ago, wanted {AGAIN_NS // NS_PER_S} s")
    code = new_code()
    if row is None:
        row = ContactCodeRow(community_id=at.community_id, person_id=at.person.id, channel=at.channel, address="", digest="", sent_ns=0)
        session.add(row)
    row.address, row.digest, row.sent_ns, row.tries = address, _digest(key, row, address, code), now_ns, 0
    session.flush()
    return code


def confirm(session: Session, key: bytes, at: ContactMethod, code: str, now_ns: int) -> Confirmed:
    """Take a code that was typed: the right one marks the contact method as verified, and is good once."""
    row = session.get(ContactCodeRow, (at.community_id, at.person.id, at.channel), with_for_update=True)
    address = address_of(at.person, at.channel)
    if row is None or address is None or row.address != address or row.tries >= MOST_TRIES or now_ns - row.sent_ns > LASTS_NS:
        return Confirmed.OVER
    if not hmac.compare_digest(row.digest, _digest(key, row, address, code.strip())):
        row.tries += 1
        session.flush()
        return Confirmed.WRONG
    session.delete(row)
    contacts.mark(session, at.community_id, at.person, Known(channel=at.channel, state=ContactState.VERIFIED, since_ns=now_ns))
    return Confirmed.VERIFIED


def _digest(key: bytes, row: ContactCodeRow, address: str, code: str) -> str:
    said = f"contact code\0{row.community_id}\0{row.person_id}\0{row.channel}\0{address}\0{code}"
    return hmac.new(key, said.encode(), hashlib.sha256).hexdigest()


def proven(session: Session, community_id: CommunityId, person: Person, now_ns: int) -> None:
    """The number is theirs: they typed a code that was sent there, to sign in. Who wants no messages still wants none."""
    channel = next((one for one in (Channel.SMS, Channel.VOICE) if one in person.channels), None)
    if channel is not None and contacts.state(session, community_id, person, channel) is not ContactState.OPTED_OUT:
        contacts.mark(session, community_id, person, Known(channel=channel, state=ContactState.VERIFIED, since_ns=now_ns))
