"""Trying the way to somebody: which gateway would get a message for them, in which words, and what comes of one that is sent."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from sqlmodel import Session

from devices.model import CommunityId, PersonId
from incidents.audience import FALLBACK, tellable
from incidents.directory import Channel, Language, Person, Severity
from notifier.gateways.codes import meaning
from notifier.gateways.model import Answer, Gateway, Outgoing
from notifier.messages import segments
from notifier.routing import Routes
from store import contacts
from store.estates import Estates
from store.model import InputError
from store.phones import phone

_TRIAL = {
    Language.ZH: "【安居】这是一条测试消息，没有人需要帮助。",
    Language.ZH_HANT: "【安居】這是一則測試訊息，沒有人需要幫助。",
    Language.EN: "[Anju] This is a test. Nobody needs help.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A message to be tried.

    Attributes
    ----------
    gateways : tuple of Gateway
        That would get it, the first choice first.
    known : str or None
        What is known of the contact method.
    """

    community_id: CommunityId
    person: Person
    channel: Channel
    text: str
    gateways: tuple[Gateway, ...]
    known: str | None

    def lines(self) -> Iterator[str]:
        """What would be sent, to whom, by what."""
        where = f" {self.person.phone_e164}" if self.channel in {Channel.SMS, Channel.VOICE} else ""
        yield f"{self.channel} to {self.person.name} ({self.person.id}){where}"
        yield "by " + (", then ".join(gateway.name for gateway in self.gateways) or "nothing: no gateway serves it")
        if self.known:
            yield f"this contact method is {self.known}"
        yield f"{self.text}  [{segments(self.text)} SMS]"

    def send(self, now_ns: int, by: Gateway | None = None) -> tuple[str, Answer]:
        """Send it by a gateway, or by the first choice; the gateway's name and what it answers.

        Raises
        ------
        InputError
            No gateway serves it.
        """
        gateway = by or next(iter(self.gateways), None)
        if gateway is None:
            raise InputError("--channel", self.channel, "is served by no gateway (gateway in anju.toml)")
        outgoing = Outgoing(
            community_id=self.community_id,
            notification_id=f"trial:{uuid.uuid4()}",
            person=self.person,
            channel=self.channel,
            text=self.text,
            created_ns=now_ns,
        )
        return gateway.name, gateway.send(outgoing, now_ns)


def told(name: str, answer: Answer) -> str:
    """What came of it, in a line."""
    known = meaning(name, answer.code)
    why = f", {answer.code}" + (f": {known.why} ({known.remedy}; {known.source})" if known else "") if answer.code else ""
    return f"{name}: {answer.outcome}{why}"


def trial(
    session: Session, to: str, routes: Routes, *, channel: Channel | None, severity: Severity, community: str | None, text: str | None
) -> Trial:
    """A message to somebody of a community, by id, or to any number.

    Raises
    ------
    InputError
        Nobody is known by that id, or several are; they have no such contact method; or it is no number.
    """
    community_id, person = _whom(session, to, community)
    chosen = channel or next((one for one in (*FALLBACK, *tellable(person)) if one in person.channels), None)
    if chosen is None or chosen not in person.channels:
        has = ", ".join(person.channels) or "nothing"
        raise InputError("--to", to, f"has no {chosen or 'contact method'}, has {has}")
    known = contacts.state(session, community_id, person, chosen) if community_id else None
    return Trial(
        community_id=community_id,
        person=person,
        channel=chosen,
        text=text or _TRIAL[person.language],
        gateways=routes.candidates(chosen, person, severity),
        known=known,
    )


def _whom(session: Session, to: str, community: str | None) -> tuple[CommunityId, Person]:
    if to.startswith("+"):
        try:
            dialled = phone(to)
        except ValueError as error:
            raise InputError("--to", to, str(error)) from None
        return CommunityId(""), Person(
            id=PersonId("anybody"), name="anybody", roles=frozenset(), phone_e164=dialled.e164, channels=dialled.channels
        )
    estates = Estates()
    having = [
        (one, person)
        for one in estates.ids(session)
        if community in {None, one} and (person := estates.community(session, one).directory.people.get(PersonId(to))) is not None
    ]
    if len(having) != 1:
        found = (
            f"is in {' and '.join(one for one, _ in having)}, wanted --community" if having else "is nobody of any community, nor a number"
        )
        raise InputError("--to", to, found)
    return having[0]
