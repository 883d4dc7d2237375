"""A code sent to a contact method, by the way that a fall would be told."""

from sqlmodel import Session

from incidents.directory import Severity
from notifier.messages import code_words
from notifier.routing import Routes
from notifier.trying import Trial, trial_at
from store import verification
from store.contacts import ContactMethod
from store.estates import Estates


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
