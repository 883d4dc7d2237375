"""Codes and letters sent to a contact method, by the way that a fall would be told."""

import time

import structlog
from sqlmodel import Session

from devices.model import CommunityId
from incidents.directory import Channel, Person, Severity
from notifier.messages import code_words
from notifier.routing import Routes
from notifier.trying import Trial, trial_at
from store import verification
from store.accounts import Member
from store.contacts import ContactMethod
from store.estates import Estates
from store.session import Database

_log = structlog.get_logger(__name__)


def asked_for(session: Session, key: bytes, at: ContactMethod, routes: Routes, now_ns: int) -> Trial:
    """A message with a new code, to be sent when the transaction has ended.

    Raises
    ------
    store.verification.TooSoonError
        The last code was made a moment ago.
    StoreError
        The channel does not lead to one address.
    """
    code = verification.begin(session, key, at, now_ns)
    community = Estates().community(session, at.community_id).directory.name
    text = code_words(code, at.channel, at.person.language, community)
    return trial_at(session, at, routes, severity=Severity.LIFE, text=text)


def send_sign_in_code(database: Database, routes: Routes, to: Member, code: str) -> None:
    """Send the code by which somebody signs in; see `send_text`."""
    at = by_phone(to.community_id, to.person)
    with database.read() as session:
        community = Estates().community(session, to.community_id).directory.name
    send_text(database, routes, at, code_words(code, at.channel, to.person.language, community, to_sign_in=True))


def send_text(database: Database, routes: Routes, at: ContactMethod, text: str) -> None:
    """Send a text to a contact method, once. That it could not be sent is in the log: whoever asked for it is told nothing of it."""
    about = {"community": at.community_id, "person": at.person.id}
    with database.read() as session:
        trial = trial_at(session, at, routes, severity=Severity.LIFE, text=text)
    if not trial.gateways:
        _log.error("text.no_gateway", channel=at.channel, **about)
        return
    gateway, answer = trial.send(time.time_ns())
    _log.info("text.sent", gateway=gateway, outcome=answer.outcome, code=answer.code, **about)


def by_phone(community_id: CommunityId, person: Person) -> ContactMethod:
    """A person's number, by what can be sent to it."""
    return ContactMethod(community_id=community_id, person=person, channel=Channel.SMS if Channel.SMS in person.channels else Channel.VOICE)
