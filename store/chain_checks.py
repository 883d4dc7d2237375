"""Tests of the chain of those who would be told about a resident: what became of each link."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import TypeAdapter
from sqlmodel import Session, col, select

from devices.model import CommunityId, HomeId, PersonId
from incidents.directory import Channel
from store.session import next_number
from store.tables import ChainCheckRow


class LinkState(StrEnum):
    """How far a link has been walked; a stored value is never renamed."""

    SENDING = "sending"
    SENT = "sent"
    """The gateway took it; whether it arrived is not known."""
    DELIVERED = "delivered"
    FAILED = "failed"
    LEFT_OUT = "left_out"
    """A hospital's desk is not bothered with tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedLink:
    """One person by one channel, so long after an alarm.

    Attributes
    ----------
    channel : Channel or None
        None where nothing reaches them.
    code : str or None
        Why it failed, in the words of the gateway, or `no_channel`, `no_gateway`, `broken`, `opted_out`.
    """

    after_s: int
    person: PersonId
    channel: Channel | None
    state: LinkState
    gateway: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainCheck:
    """One test."""

    resident: PersonId
    by: PersonId
    at_ns: int
    is_done: bool
    links: tuple[CheckedLink, ...]


_BODY = TypeAdapter(ChainCheck)


def begin(session: Session, community_id: CommunityId, home_id: HomeId, test: ChainCheck) -> int:
    """Write a test that begins; its number."""
    number = next_number(session, community_id)
    session.add(ChainCheckRow(community_id=community_id, number=number, home_id=home_id, body=_BODY.dump_json(test).decode()))
    session.flush()
    return number


def go_on(session: Session, community_id: CommunityId, number: int, test: ChainCheck) -> None:
    """Write how far a test is."""
    row = session.get_one(ChainCheckRow, (community_id, number))
    row.body = _BODY.dump_json(test).decode()
    session.flush()
    next_number(session, community_id)  # who looks at it hears of it


def newest(session: Session, community_id: CommunityId, home_id: HomeId) -> ChainCheck | None:
    """The newest test of a home; None where there was none."""
    of_home = (ChainCheckRow.community_id == community_id, ChainCheckRow.home_id == home_id)
    body = session.exec(select(ChainCheckRow.body).where(*of_home).order_by(col(ChainCheckRow.number).desc()).limit(1)).first()
    return None if body is None else _BODY.validate_json(body)
