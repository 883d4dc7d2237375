"""What people say back, by SMS or by a key during a call: done at once, in one transaction, and answered in their language.

Of two who say at one time that they go, the first one has it, and both are told so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from devices.model import NS_PER_S, CommunityId
from incidents.directory import Channel, Directory, Language
from incidents.model import Act, Do, Incident
from notifier.answers import Reply, Wish, understood
from notifier.gateways.model import Heard
from notifier.messages.languages import wording_in
from notifier.messages.names import names_of
from notifier.messages.wording import Said
from store import acts, contacts, outbox, views
from store.contacts import ContactState, Known
from store.estates import Estates
from store.outbox import Answerable
from store.session import Database

KEYS = {"1": Do.ACKNOWLEDGE, "2": Do.FALSE_ALARM, "3": Do.DECLINE}
"""What keys mean during a call."""

UNCLEAR_NS = 600 * NS_PER_S
"""To one telephone it is said once in this time that it was not understood: telephones that answer by themselves would never end."""

_SAID = {
    Do.RESOLVE: Said.RESOLVED,
    Do.ACKNOWLEDGE: Said.GOING,
    Do.ON_SCENE: Said.THERE,
    Do.FALSE_ALARM: Said.FALSE_ALARM,
    Do.DECLINE: Said.DECLINED,
}
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """What is said back; "" is nothing."""

    text: str
    language: Language


NOTHING_BACK = Back(text="", language=Language.ZH)


class Replies:
    """Takes what gateways heard.

    Parameters
    ----------
    database
        Incidents, and who was told of them by which number.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._estates = Estates()
        self._unclear_ns: dict[str, int] = {}

    def take(self, gateway: str, heard: Heard, now_ns: int) -> Back:
        """Do what somebody said; what is said back to them.

        Raises
        ------
        StoreBusyError
            Nothing was done: the provider is to be told so, and asks again.
        """
        if heard.key is not None:
            return self._pressed(gateway, heard, now_ns)
        said = understood(heard.text or "")
        if isinstance(said, Wish):
            return self._wishes(heard.phone_e164, said, now_ns)
        with self._database.read() as session:
            every = outbox.answered(session, heard.phone_e164)
        if not every:
            return NOTHING_BACK  # whoever that is, we never told them anything
        if said is None:
            return self._unclear(heard.phone_e164, every[0], now_ns)
        meant = _meant(every, said)
        if not meant:
            return self._back(every[0], Said.NOTHING)
        if len(meant) > 1 and meant[0].is_open:
            return self._back(meant[0], Said.WHICH, choices=self._choices(meant))
        return self.act(meant[0], said.do, now_ns)

    def act(self, about: Answerable, do: Do, now_ns: int, *, eta_min: float | None = None) -> Back:
        """Do what somebody said about an incident; what is said back to them.

        Parameters
        ----------
        eta_min
            In how many minutes they are there, if they said so.

        Raises
        ------
        StoreBusyError
            Nothing was done.
        """
        before = self._incident(about)
        if before is None:
            return self._back(about, Said.NOTHING)
        act = Act(by=about.person, do=do, subject=before.subject, eta_min=eta_min)
        done = acts.answer(self._database, self._estates, about.community_id, act, incident_id=about.incident_id, now_ns=now_ns)
        _log.info("replies.taken", incident=about.incident_id, do=do, done=done)
        match done:
            case acts.Answered.DONE:
                return self._back(about, _SAID[do])
            case acts.Answered.TAKEN:
                return self._back(about, Said.FIRST)
            case acts.Answered.OVER:
                return self._back(about, Said.OVER)
            case acts.Answered.REFUSED:
                return self._back(about, Said.NOT_YOURS)

    def _pressed(self, gateway: str, heard: Heard, now_ns: int) -> Back:
        """A key during a call, which is about what was read out in it."""
        with self._database.read() as session:
            call = outbox.delivery_of(session, gateway, heard.provider_id)
            about = outbox.about(session, call.community_id, call.notification_id) if call else None
            if about is None:  # our own record of the call is not there yet, or never will be
                about = next((one for one in outbox.answered(session, heard.phone_e164) if one.is_open), None)
        do = KEYS.get(heard.key or "")
        if about is None:
            return NOTHING_BACK
        return self._back(about, Said.UNCLEAR) if do is None else self.act(about, do, now_ns)

    def _wishes(self, phone_e164: str, wish: Wish, now_ns: int) -> Back:
        """No more messages to a telephone, or messages again. The provider or the carrier says so to them, not we."""
        with self._database.write() as session:
            for community_id in self._estates.ids(session):
                for person in self._estates.community(session, community_id).directory.people.values():
                    if person.phone_e164 != phone_e164:
                        continue
                    if wish is Wish.STOP:
                        known = Known(channel=Channel.SMS, state=ContactState.OPTED_OUT, since_ns=now_ns)
                        contacts.mark(session, community_id, person, known)
                    else:
                        contacts.forget(session, community_id, person.id, Channel.SMS)
                    _log.info("replies.wish", wish=wish, community=community_id, person=person.id)
        return NOTHING_BACK

    def _unclear(self, phone_e164: str, about: Answerable, now_ns: int) -> Back:
        if not about.is_open or now_ns - self._unclear_ns.get(phone_e164, -UNCLEAR_NS) < UNCLEAR_NS:
            return NOTHING_BACK
        self._unclear_ns[phone_e164] = now_ns
        return self._back(about, Said.UNCLEAR)

    def _back(self, about: Answerable, said: Said, *, choices: str = "") -> Back:
        directory, incident = self._directory(about.community_id), self._incident(about)
        person = directory.people.get(about.person)
        language = person.language if person else directory.language
        wording = wording_in(language)
        names = names_of(incident, directory, wording) if incident else None
        who = (names.who or names.address or names.community) if names else ""
        text = wording.said[said].format(who=who, by=names.by if names else "", number=about.number, choices=choices)
        return Back(text=text, language=language)

    def _choices(self, several: Sequence[Answerable]) -> str:
        listed = []
        for one in several:
            directory, incident = self._directory(one.community_id), self._incident(one)
            person = directory.people.get(one.person)
            wording = wording_in(person.language if person else directory.language)
            if incident is not None:
                names = names_of(incident, directory, wording)
                listed.append(f"{one.number}={names.who or names.address or names.community}")
        return ", ".join(listed)

    def _incident(self, about: Answerable) -> Incident | None:
        with self._database.read() as session:
            return views.incident(session, about.community_id, about.incident_id)

    def _directory(self, community_id: CommunityId) -> Directory:
        with self._database.read() as session:
            return self._estates.community(session, community_id).directory


def _meant(every: Sequence[Answerable], said: Reply) -> list[Answerable]:
    """What a reply may be about: what has its number; without one all that is open, else the last that was."""
    if said.number is not None:
        numbered = [one for one in every if one.number == said.number]
        return numbered[:1]
    is_open = [one for one in every if one.is_open]
    return is_open or list(every[:1])
