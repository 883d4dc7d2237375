"""A test of the chain of those who would be told about a resident: each link gets a message that says it is a test, by the real way."""

import time
from collections.abc import Callable
from dataclasses import replace

import structlog

from devices.model import CommunityId, HomeId, PersonId
from incidents.chain import chain
from incidents.directory import Channel, Directory, Role, Severity
from notifier.gateways.model import GatewayAwayError
from notifier.messages import test_words
from notifier.routing import Routes
from notifier.trying import trial_at
from store import chain_checks, contacts
from store.chain_checks import ChainCheck, CheckedLink, LinkState
from store.contacts import ContactMethod, ContactState
from store.estates import Estates
from store.model import StoreError
from store.outbox import DeliveryOutcome
from store.session import Database

PATIENCE_S = 60.0
"""So long it is asked whether a message arrived."""
ASK_S = 2.0
_TAKEN = {DeliveryOutcome.ACCEPTED: LinkState.SENT, DeliveryOutcome.DELIVERED: LinkState.DELIVERED}
_log = structlog.get_logger(__name__)


class ChainChecks:
    """Walks chains.

    Parameters
    ----------
    routes
        By which a real alarm would go.
    clock, sleep
        Now, in ns; and waiting, in s.
    """

    def __init__(
        self, database: Database, routes: Routes, *, clock: Callable[[], int] = time.time_ns, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._database = database
        self._routes = routes
        self._clock = clock
        self._sleep = sleep

    def begin(self, community_id: CommunityId, home_id: HomeId, resident: PersonId, by: PersonId) -> tuple[int, ChainCheck]:
        """A test with every link that it is going to walk; its number."""
        with self._database.write() as session:
            directory = Estates().community(session, community_id).directory
            links: list[CheckedLink] = []
            for step in chain(resident, directory, self._clock()):
                for one in step.recipients:
                    is_hospital = Role.HOSPITAL in directory.people[one.person].roles
                    state = LinkState.LEFT_OUT if is_hospital else LinkState.SENDING if one.channels else LinkState.FAILED
                    links += [
                        CheckedLink(
                            after_s=step.after_s,
                            person=one.person,
                            channel=channel,
                            state=state,
                            code=None if channel or is_hospital else "no_channel",
                        )
                        for channel in one.channels or (None,)
                    ]
            once = {(link.person, link.channel): link for link in reversed(links)}  # nobody is tested twice by one channel
            kept = tuple(link for link in links if once[link.person, link.channel] is link)
            test = ChainCheck(resident=resident, by=by, at_ns=self._clock(), is_done=False, links=kept)
            return chain_checks.begin(session, community_id, home_id, test), test

    def walk(self, community_id: CommunityId, number: int, test: ChainCheck) -> ChainCheck:
        """Send to each link, then ask what became of it, for a while; written after each step."""
        with self._database.read() as session:
            directory = Estates().community(session, community_id).directory
        asked: dict[int, str] = {}
        for place, link in enumerate(test.links):
            if link.state is LinkState.SENDING:
                walked, provider_id = self._send(community_id, directory, test, link)
                test = self._kept(community_id, number, test, place, walked)
                if walked.state is LinkState.SENT and provider_id:
                    asked[place] = provider_id
        until_s = time.monotonic() + PATIENCE_S
        while asked and time.monotonic() < until_s:
            self._sleep(ASK_S)
            for place, provider_id in list(asked.items()):
                walked = self._asked(test.links[place], provider_id)
                if walked.state is not LinkState.SENT:
                    test = self._kept(community_id, number, test, place, walked)
                    del asked[place]
        test = replace(test, is_done=True)
        with self._database.write() as session:
            chain_checks.go_on(session, community_id, number, test)
        return test

    def _send(self, community_id: CommunityId, directory: Directory, test: ChainCheck, link: CheckedLink) -> tuple[CheckedLink, str | None]:
        person, channel = directory.people[link.person], link.channel or Channel.SMS
        at = ContactMethod(community_id=community_id, person=person, channel=channel)
        text = test_words(
            channel, person.language, directory.name, by=directory.people[test.by].name, who=directory.people[test.resident].name
        )
        with self._database.read() as session:
            state = contacts.state(session, community_id, person, channel)
            trial = trial_at(session, at, self._routes, severity=Severity.LIFE, text=text)
        if state in {ContactState.BROKEN, ContactState.OPTED_OUT}:
            return replace(link, state=LinkState.FAILED, code=state), None
        if not trial.gateways:
            return replace(link, state=LinkState.FAILED, code="no_gateway"), None
        gateway, answer = trial.send(self._clock())
        _log.info("chain_check.sent", community=community_id, person=person.id, channel=channel, gateway=gateway, outcome=answer.outcome)
        walked = replace(link, state=_TAKEN.get(answer.outcome, LinkState.FAILED), gateway=gateway, code=answer.code)
        return walked, answer.provider_id

    def _asked(self, link: CheckedLink, provider_id: str) -> CheckedLink:
        gateway = self._routes.gateways[link.gateway or ""]
        try:
            said = gateway.status(provider_id)
        except GatewayAwayError:
            return link
        match gateway.outcomes.get(said.word):
            case DeliveryOutcome.DELIVERED:
                return replace(link, state=LinkState.DELIVERED)
            case DeliveryOutcome.REJECTED:
                return replace(link, state=LinkState.FAILED, code=said.code or said.word)
            case _:
                return link

    def _kept(self, community_id: CommunityId, number: int, test: ChainCheck, place: int, walked: CheckedLink) -> ChainCheck:
        links = (*test.links[:place], walked, *test.links[place + 1 :])
        test = replace(test, links=links)
        try:
            with self._database.write() as session:
                chain_checks.go_on(session, community_id, number, test)
        except StoreError as error:
            _log.warning("chain_check.not_kept", reason=str(error))
        return test
