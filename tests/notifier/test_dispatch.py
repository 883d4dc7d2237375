"""The dispatcher on either database, with a gateway that does as it is told, the console's, and Twilio's over HTTP."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fakes.receiver import FakeReceiver
from sqlmodel import Session
from stories import estate
from structlog.testing import capture_logs

from devices.model import NS_PER_S, CommunityId
from incidents import desk
from incidents.directory import Channel
from incidents.model import Act, Do, Incident, IncidentId, Outcome, Purpose
from notifier.carrier.provider import AcceptAndStaySilent, Refuse, StaySilent
from notifier.carrier.twilio import FakeTwilio
from notifier.dispatch import AT_ONCE, KEPT_FOR_LIFE, LEASE_S, Dispatcher, run
from notifier.gateways import model as gateways
from notifier.gateways.console import ConsoleGateway, read
from notifier.gateways.model import Answer, Capabilities, Gateway, GatewayAwayError, InDoubt, Outgoing, Status
from notifier.gateways.twilio import TwilioGateway, TwilioSettings
from notifier.holding import LIMITS, Per
from notifier.messages import segments as segments_of
from notifier.messages.text import _Draft
from notifier.paging import Pager
from notifier.routing import FAILURES
from notifier.spending import Price, Spending
from rules.kinds import EventKind
from rules.model import Event
from store import configuration, contacts, ledger, outbox, views
from store.contacts import ContactState
from store.estates import Estates
from store.ledger import DatabaseBook
from store.outbox import Delivery, DeliveryOutcome, Notification
from store.session import Database
from store.spending import spent_micro

_spec = importlib.util.spec_from_file_location("databases_of_the_store", Path(__file__).parents[1] / "store" / "conftest.py")
assert _spec is not None
assert _spec.loader is not None
_databases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_databases)
postgresql, sqlite_file, backend, url, opened, database = (
    getattr(_databases, name) for name in ("postgresql", "sqlite_file", "backend", "url", "opened", "database")
)

WILLOW = CommunityId("willow")
START_NS = 1_772_416_920 * NS_PER_S
JIE, GUARD = "zhou-jie", "day-guard"
ACCEPTED, DELIVERED, RETRY, REJECTED, UNKNOWN = (DeliveryOutcome(one) for one in ("accepted", "delivered", "retry", "rejected", "unknown"))
Opened = Callable[..., Database]


@dataclass
class Network:
    """A gateway whose answers are laid out in advance; without one it delivers. Keeps what it has by notification."""

    name: str = "network"
    channels: frozenset[Channel] = frozenset({Channel.SMS, Channel.VOICE, Channel.PUSH})
    settles_ns: int = 30 * NS_PER_S
    outcomes: dict[str, DeliveryOutcome] = field(default_factory=lambda: {"delivered": DELIVERED, "failed": REJECTED})
    answers: dict[tuple[str, str], deque[Answer | Exception]] = field(default_factory=dict)
    sent: list[tuple[str, str, float]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)
    has: dict[str, tuple[Answer, ...] | None] = field(default_factory=dict)
    statuses: dict[str, Status | None] = field(default_factory=dict)
    blocked: dict[str, threading.Event] = field(default_factory=dict)
    in_doubt: InDoubt = InDoubt.LOOK_UP
    limits: tuple[gateways.Limit, ...] = ()

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(channels=self.channels, limits=self.limits, in_doubt=self.in_doubt, receipts=True)

    def answer(self, to: str, channel: str, *answers: DeliveryOutcome | Answer | Exception) -> None:
        given = [Answer(outcome=one) if isinstance(one, DeliveryOutcome) else one for one in answers]
        self.answers[to, channel] = deque(given)

    def send(self, outgoing: Outgoing, now_ns: int) -> Answer:
        if gate := self.blocked.get(outgoing.person.id):
            gate.wait()
        self.sent.append((outgoing.person.id, outgoing.channel, (now_ns - START_NS) / NS_PER_S))
        self.texts.append(outgoing.text)
        waiting = self.answers.get((outgoing.person.id, outgoing.channel))
        answer = waiting.popleft() if waiting else Answer(outcome=DELIVERED)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def look_up(self, outgoing: Outgoing) -> tuple[Answer, ...]:
        self.looked_up.append(outgoing.notification_id)
        found = self.has.get(outgoing.notification_id, ())
        if found is None:
            raise GatewayAwayError("away")
        return found

    def status(self, provider_id: str) -> Status:
        if (said := self.statuses.get(provider_id)) is None:
            raise GatewayAwayError("away")
        return said


@dataclass
class Night:
    """A database with an estate in it, a dispatcher, and a clock that goes on when told."""

    database: Database
    dispatcher: Dispatcher
    now: list[int]
    estates: Estates = field(default_factory=Estates)

    @property
    def now_ns(self) -> int:
        return self.now[0]

    def calls(self, subject: str = "zhou-fen", kind: EventKind = EventKind.SOS) -> None:
        """Somebody calls for help."""
        event = Event(community_id=WILLOW, kind=kind, subject=subject, t_ns=self.now_ns, known_ns=self.now_ns, seq=1, home_id="b1-101")
        with self.database.write() as session:
            book = DatabaseBook(session, WILLOW, self.now_ns)
            assert ledger.add_event(session, event)
            book.put(desk.take(event, book, self._directory(session), self.now_ns))

    def does(self, who: str, what: Do, subject: str = "zhou-fen") -> None:
        with self.database.write() as session:
            book = DatabaseBook(session, WILLOW, self.now_ns)
            outcome = desk.act(Act(by=who, do=what, subject=subject), book, self._directory(session), self.now_ns)
            assert isinstance(outcome, Outcome)
            book.put(outcome)

    def until(self, at_s: float, step_s: float = 1.0) -> None:
        """Sweep every so often until then, where there is something to do."""
        while True:
            if self.is_awaited():
                self.sweep()
            if self.now_ns >= START_NS + at_s * NS_PER_S:
                return
            self.now[0] += round(step_s * NS_PER_S)

    def is_awaited(self) -> bool:
        """Whether something is due, or a gateway is to be asked."""
        with self.database.read() as session:
            dues = (ledger.next_due(session), outbox.next_due(session))
            is_due = any(due_ns is not None and due_ns <= self.now_ns for due_ns in dues)
            return is_due or bool(outbox.unsettled(session, 0, 1))

    def sweep(self) -> None:
        self.dispatcher.sweep(self.now_ns)
        self.dispatcher.settle()
        self.dispatcher.sweep(self.now_ns)
        self.dispatcher.settle()

    def incident(self) -> Incident:
        with self.database.read() as session:
            return DatabaseBook(session, WILLOW, self.now_ns).open_about("zhou-fen")[0]

    def thread(self, to: str = JIE) -> list[Notification]:
        with self.database.read() as session:
            book = DatabaseBook(session, WILLOW, self.now_ns)
            known = [*book.open_about("zhou-fen"), *filter(None, [book.last_closed(_thread())])]
            return [told for one in known for told in outbox.thread(session, WILLOW, one.id, to)]

    def attempts(self, to: str = JIE) -> list[Delivery]:
        with self.database.read() as session:
            return outbox.deliveries(session, WILLOW, [one.id for one in self.thread(to)])

    def outcomes(self, to: str = JIE) -> list[tuple[str | None, str, str | None]]:
        return [(one.channel, one.outcome, one.code) for one in self.attempts(to)]

    def states(self, to: str = JIE) -> list[tuple[str | None, str]]:
        return [(one.duty.channel, one.state) for one in self.thread(to)]

    def claim(self, worker: str = "killed") -> list[Notification]:
        """What a dispatcher that is killed after it has claimed leaves behind: claimed, prepared, perhaps sent."""
        with self.database.write() as session:
            claimed = outbox.claim(session, self.now_ns, LEASE_S, 10, worker, silence_ns=20 * NS_PER_S)
            for one in claimed:
                outbox.prepare(session, one, channel=Channel.SMS, gateway="network", text=f"words for {one.duty.to}")
            return claimed

    def _directory(self, session: Any) -> Any:
        return self.estates.community(session, WILLOW).directory


def _thread() -> Any:
    return importlib.import_module("incidents.grouping").Thread("distress", "zhou-fen", "")


def people(**contacts: list[dict[str, str]]) -> dict[str, Any]:
    """The estate, with further contact methods for some."""
    given = estate()
    for person in given["people"]:
        person.update({"contacts": contacts[key]} if (key := person["id"].replace("-", "_")) in contacts else {})
    given["policies"][0]["steps"] = [
        {"after_s": 0, "tell": ["relatives"], "by": ["sms"]},
        {"after_s": 60, "tell": ["hospital"], "by": ["sms"]},
    ]
    return given


def write_estate(database: Database, given: dict[str, Any]) -> None:
    with database.write() as session:
        configuration.append_community(session, WILLOW, 0, json.dumps(given, ensure_ascii=False))


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def receiver() -> Iterator[FakeReceiver]:
    """A service behind Apprise, which the operator reads."""
    with FakeReceiver() as made:
        yield made


@pytest.fixture
def nights(database: Database) -> Iterator[Callable[..., Night]]:
    """Nights with a gateway, and several dispatchers if wanted."""
    made: list[Dispatcher] = []
    now = [START_NS]

    def begin(
        *gateways: Gateway, given: dict[str, Any] | None = None, worker: str = "one", of: Database | None = None, **more: Any
    ) -> Night:
        if given is not None or not made:
            write_estate(database, given or people())
        made.append(Dispatcher(of or database, gateways, worker=worker, clock=lambda: now[0], **more))
        return Night(database=of or database, dispatcher=made[-1], now=now)

    yield begin
    for one in made:
        one.close()


Nights = Callable[..., Night]


def test_who_is_to_be_told_is_told_at_once_in_their_words(network: Network, nights: Nights) -> None:
    night = nights(network)
    night.calls()
    night.sweep()
    assert network.sent == [(JIE, "sms", 0.0)]
    assert "周芬" in network.texts[0]
    assert night.states() == [("sms", "delivered")]
    assert [one.text for one in night.thread()] == network.texts


def test_steps_that_are_due_are_taken(network: Network, nights: Nights) -> None:
    night = nights(network)
    night.calls()
    night.until(61)
    assert network.sent == [(JIE, "sms", 0.0), ("hospital", "voice", 60.0)]


def test_silence_goes_on_by_the_next_channels_and_by_none_twice(network: Network, nights: Nights) -> None:
    night = nights(network, given=people(zhou_jie=[{"push": "phone-1"}]))
    for channel in ("sms", "voice", "push"):
        network.answer(JIE, channel, ACCEPTED)
    night.calls()
    night.until(59)
    assert network.sent == [(JIE, "sms", 0.0), (JIE, "voice", 20.0), (JIE, "push", 40.0)]


def test_what_arrived_goes_on_by_no_other_channel(network: Network, nights: Nights) -> None:
    night = nights(network)
    network.answer(JIE, "sms", Answer(outcome=ACCEPTED, provider_id="SM1"))
    network.statuses["SM1"] = Status(word="delivered")
    night.calls()
    night.until(59)
    assert network.sent == [(JIE, "sms", 0.0)]
    assert night.states() == [("sms", "delivered")]


def test_sent_is_not_delivered(network: Network, nights: Nights) -> None:
    night = nights(network)
    network.answer(JIE, "sms", Answer(outcome=ACCEPTED, provider_id="SM1"))
    network.statuses["SM1"] = Status(word="sent")
    night.calls()
    night.until(30)
    assert network.sent == [(JIE, "sms", 0.0), (JIE, "voice", 20.0)]


def test_a_refusal_goes_on_by_the_next_channel_at_once(network: Network, nights: Nights) -> None:
    night = nights(network)
    network.answer(JIE, "sms", Answer(outcome=REJECTED, code="21211"))
    night.calls()
    night.until(30)
    assert network.sent == [(JIE, "sms", 0.0), (JIE, "voice", 0.0)]
    assert night.outcomes() == [("sms", "rejected", "21211"), ("voice", "delivered", None)]


def test_a_failure_that_is_heard_of_later_goes_on_by_the_next_channel(network: Network, nights: Nights) -> None:
    night = nights(network)
    network.answer(JIE, "sms", Answer(outcome=ACCEPTED, provider_id="SM1"))
    network.statuses["SM1"] = Status(word="failed", code="30003")
    night.calls()
    night.until(10)
    assert network.sent == [(JIE, "sms", 0.0), (JIE, "voice", 2.0)]
    assert night.outcomes()[0] == ("sms", "rejected", "30003")


def test_receipts_that_come_late_twice_and_out_of_order_change_nothing(network: Network, nights: Nights) -> None:
    night = nights(network)
    network.answer(JIE, "sms", Answer(outcome=ACCEPTED, provider_id="SM1"))
    night.calls()
    night.sweep()
    for status in ("delivered", "sent", "failed", "delivered"):
        with night.database.write() as session:
            outbox.keep_receipt(session, "network", "SM1", status=status, code=None, received_ns=night.now_ns)
    night.until(30)
    assert network.sent == [(JIE, "sms", 0.0)]
    assert night.states() == [("sms", "delivered")]


def test_what_cannot_be_taken_now_is_tried_again_after_growing_pauses(network: Network, nights: Nights) -> None:
    night = nights(network)
    network.answer(JIE, "sms", *[Answer(outcome=RETRY, code="20429")] * 3)
    night.calls()
    night.until(10)
    assert network.sent == [(JIE, "sms", at_s) for at_s in (0.0, 1.0, 3.0, 7.0)]
    assert night.states() == [("sms", "delivered")]
    assert len(set(network.texts)) == 1


def test_a_gateway_that_never_takes_it_is_given_up_and_silence_counts_from_the_first_attempt(network: Network, nights: Nights) -> None:
    night = nights(network)
    network.answer(JIE, "sms", *[Answer(outcome=RETRY, code="20503")] * 50)
    night.calls()
    night.until(900, step_s=5.0)
    assert [one for one in network.sent if one[:2] == (JIE, "voice")] == [(JIE, "voice", 20.0)]
    assert (night.outcomes()[-1], night.states()[0]) == (("sms", "rejected", "20503"), ("sms", "failed"))


def test_what_one_gateway_cannot_take_the_second_one_takes_at_once(network: Network, nights: Nights) -> None:
    second = Network(name="second")
    network.answer(JIE, "sms", *[RETRY] * 9)
    night = nights(network, second)
    night.calls()
    night.until(0)
    assert network.sent == [(JIE, "sms", 0)]
    assert second.sent == [(JIE, "sms", 0)]
    assert [(one.gateway, one.outcome) for one in night.attempts()] == [("network", RETRY), ("second", DELIVERED)]


def test_what_may_have_got_through_is_asked_for_where_it_went_and_goes_by_no_second_gateway(network: Network, nights: Nights) -> None:
    second = Network(name="second")
    network.answer(JIE, "sms", UNKNOWN)
    night = nights(network, second)
    night.calls()
    night.until(1)
    assert network.looked_up == [night.thread()[0].id]
    night.until(19)
    assert [to for to, *_ in second.sent] == []


def test_a_gateway_that_fails_again_and_again_is_passed_over_until_it_had_time(network: Network, nights: Nights) -> None:
    second = Network(name="second")
    network.answer(JIE, "sms", *[RETRY] * FAILURES)
    night = nights(network, second)
    with capture_logs() as said:
        for _ in range(FAILURES + 3):
            night.calls(kind=EventKind.SOS)
            night.does(GUARD, Do.RESOLVE)
            night.until((night.now_ns - START_NS) / NS_PER_S + 1)
    told = [to for to, channel, _ in network.sent if (to, channel) == (JIE, "sms")]
    assert len(told) == FAILURES
    assert [one["event"] for one in said].count("dispatch.gateway_passed_over") == 1


def test_a_number_that_is_wrong_is_marked_and_not_used_again(nights: Nights) -> None:
    network = Network(name="twilio")
    night = nights(network)
    network.answer(JIE, "sms", Answer(outcome=REJECTED, code="21211"))
    with capture_logs() as said:
        night.calls()
        night.until(1)
    assert network.sent == [(JIE, "sms", 0.0), (JIE, "voice", 0.0)]
    assert [one["state"] for one in said if one["event"] == "dispatch.contact"] == ["broken"]
    night.does(GUARD, Do.RESOLVE)
    night.until(2)
    del network.sent[:]
    night.calls()
    night.until(3)
    assert network.sent == [(JIE, "voice", 2.0)]
    given = people()
    next(one for one in given["people"] if one["id"] == JIE)["phone"] = "+8613900000077"
    write_estate(night.database, given)
    night.does(GUARD, Do.RESOLVE)
    night.until(4)
    del network.sent[:]
    night.calls()
    night.until(5)
    assert network.sent == [(JIE, "sms", 4.0)]  # another number is another contact method


def test_what_is_broken_is_used_where_there_is_nothing_else(nights: Nights) -> None:
    network = Network(name="twilio")
    night = nights(network)
    network.answer(JIE, "sms", Answer(outcome=REJECTED, code="30005"))
    network.answer(JIE, "voice", Answer(outcome=REJECTED, code="13224"))
    night.calls()
    night.until(1)
    night.does(GUARD, Do.RESOLVE)
    night.until(2)
    del network.sent[:]
    night.calls()
    night.until(3)
    assert (JIE, "sms", 2.0) in network.sent


def test_who_wants_no_messages_is_called_and_gets_none(nights: Nights) -> None:
    network = Network(name="twilio")
    night = nights(network)
    network.answer(JIE, "sms", Answer(outcome=REJECTED, code="21610"))
    night.calls()
    night.until(1)
    assert network.sent == [(JIE, "sms", 0.0), (JIE, "voice", 0.0)]
    with night.database.read() as session:
        assert [(who, one.channel, one.state) for who, one in contacts.marked(session, WILLOW)] == [(JIE, "sms", ContactState.OPTED_OUT)]
    night.does(GUARD, Do.RESOLVE)
    night.until(2)
    assert [one for one in network.sent if one[1] == "sms" and one[2] > 0] == []


def test_a_telephone_that_is_off_is_called_at_once(nights: Nights) -> None:
    network = Network(name="twilio")
    night = nights(network)
    network.answer(JIE, "sms", Answer(outcome=ACCEPTED, provider_id="SM1"))
    night.calls()
    night.until(4)
    with night.database.write() as session:
        outbox.keep_receipt(session, "twilio", "SM1", status="failed", code="30003", received_ns=night.now_ns)
    night.until(5)
    assert network.sent == [(JIE, "sms", 0.0), (JIE, "voice", 4.0)]
    with night.database.read() as session:
        assert contacts.marked(session, WILLOW) == []


def test_what_failed_by_nobodys_fault_is_sent_once_more_and_then_goes_by_the_next_channel(nights: Nights) -> None:
    network = Network(name="twilio")
    night = nights(network)
    network.answer(JIE, "sms", *[Answer(outcome=ACCEPTED, provider_id=f"SM{number}") for number in (1, 2)])
    night.calls()
    for number in (1, 2):
        night.until(2 * number)
        with night.database.write() as session:
            outbox.keep_receipt(session, "twilio", f"SM{number}", status="failed", code="30008", received_ns=night.now_ns)
    night.until(6)
    assert network.sent == [(JIE, "sms", 0.0), (JIE, "sms", 2.0), (JIE, "voice", 4.0)]


def test_what_only_the_operator_can_mend_waits_for_nobody_and_is_tried_again(nights: Nights) -> None:
    network = Network(name="twilio")
    night = nights(network)
    network.answer(JIE, "sms", *[Answer(outcome=RETRY, code="20003")] * 3)
    network.answer(JIE, "voice", ACCEPTED)
    night.calls()
    night.until(10)
    assert [one for one in network.sent if one[1] == "voice"] == [(JIE, "voice", 0.0)]
    assert [one[2] for one in network.sent if one[1] == "sms"] == [0.0, 1.0, 3.0, 7.0]


def test_where_nobody_can_be_asked_what_may_have_been_sent_is_left_and_the_next_channel_used(network: Network, nights: Nights) -> None:
    network.in_doubt = InDoubt.LEAVE
    network.answer(JIE, "sms", UNKNOWN)
    night = nights(network)
    night.calls()
    night.until(5)
    assert network.sent == [(JIE, "sms", 0.0), (JIE, "voice", 0.0)]
    assert (network.looked_up, night.states()) == ([], [("sms", "unknown"), ("voice", "delivered")])


def test_what_can_wait_waits_for_the_morning_and_a_call_for_help_does_not(network: Network, nights: Nights) -> None:
    given = people()
    next(one for one in given["people"] if one["id"] == JIE)["quiet"] = {"from": "00:00", "to": "20:00"}
    given["policies"].append({"id": "notices", "kinds": ["enter"], "steps": [{"after_s": 0, "tell": [JIE], "by": ["sms"]}]})
    night = nights(network, given=given)
    night.calls("zhou-da", EventKind.ENTER)
    night.until(5)
    assert network.sent == []
    night.calls()
    night.until(10)
    assert network.sent == [(JIE, "sms", 5)]
    with night.database.read() as session:
        assert outbox.next_due(session) > night.now_ns + 3600 * NS_PER_S
    night.now[0] += 10 * 3600 * NS_PER_S
    night.sweep()
    assert [to for to, *_ in network.sent].count(JIE) == 2


def three_wait_for_the_morning(network: Network, nights: Nights) -> Night:
    given = people()
    next(one for one in given["people"] if one["id"] == JIE)["quiet"] = {"from": "00:00", "to": "20:00"}
    given["policies"].append(
        {"id": "notices", "kinds": ["offline", "low_battery"], "steps": [{"after_s": 0, "tell": [JIE], "by": ["sms"]}]}
    )
    night = nights(network, given=given)
    for subject, kind in (("w-1", EventKind.OFFLINE), ("w-2", EventKind.LOW_BATTERY), ("w-3", EventKind.OFFLINE)):
        night.calls(subject, kind)
    night.until(5)
    return night


def test_what_waited_for_the_morning_is_one_message_and_a_failure_takes_all_of_it_along(network: Network, nights: Nights) -> None:
    night = three_wait_for_the_morning(network, nights)
    assert network.sent == []
    network.answer(JIE, "sms", REJECTED)
    night.now[0] += 10 * 3600 * NS_PER_S
    night.sweep()
    assert [(to, channel) for to, channel, _ in network.sent] == [(JIE, "sms"), (JIE, "voice")]
    assert network.texts[0] == network.texts[1]
    assert "共3条提醒" in network.texts[0]
    with night.database.read() as session:
        told = {one.id: one.state for id_ in list_of(session) for one in outbox.thread(session, WILLOW, id_, JIE)}
    assert sorted(told.values()) == ["bundled", "bundled", "delivered", "failed"]


def test_what_cannot_be_put_into_one_text_with_others_loses_none_of_them(
    network: Network, nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = three_wait_for_the_morning(network, nights)

    def wordless(self: _Draft, who: str, omitted: frozenset[str]) -> str:
        if self.duty.incident.headline.kind is EventKind.LOW_BATTERY:
            raise KeyError("no words")
        return happened(self, who, omitted)

    happened = _Draft._happened
    monkeypatch.setattr(_Draft, "_happened", wordless)
    night.now[0] += 10 * 3600 * NS_PER_S
    night.sweep()
    assert [(to, channel) for to, channel, _ in network.sent] == [(JIE, "sms")] * 2
    with night.database.read() as session:
        told = [one.state for id_ in list_of(session) for one in outbox.thread(session, WILLOW, id_, JIE) if one.duty.channel == "sms"]
    assert sorted(told) == ["delivered", "delivered", "failed"]


def test_a_call_for_help_that_leaves_late_says_how_late(network: Network, nights: Nights) -> None:
    network.answer(JIE, "sms", *[RETRY] * 7)
    night = nights(network)
    night.calls()
    night.until(130, 3)
    sent = [text for (to, channel, _), text in zip(network.sent, network.texts, strict=True) if (to, channel) == (JIE, "sms")]
    assert len(sent) == 8
    assert not any("晚了" in text for text in sent[:-1])
    assert "】晚了2分钟才发出：周芬" in sent[-1]


def test_what_may_have_been_sent_is_sent_again_in_its_own_words_however_late(network: Network, nights: Nights) -> None:
    network.settles_ns = 130 * NS_PER_S
    network.answer(JIE, "sms", UNKNOWN)
    night = nights(network)
    night.calls()
    night.until(250, 5)
    sent = [text for (to, channel, _), text in zip(network.sent, network.texts, strict=True) if (to, channel) == (JIE, "sms")]
    assert len(sent) == 2
    assert sent[0] == sent[1]


def test_a_dispatcher_that_was_away_says_how_late_it_tells(network: Network, nights: Nights) -> None:
    night = nights(network)
    night.calls()
    night.now[0] += 725 * NS_PER_S
    night.sweep()
    assert "】晚了12分钟才发出：周芬" in network.texts[0]


def list_of(session: Session) -> list[IncidentId]:
    return [one.id for one in views.open_incidents(session, WILLOW)]


def test_a_bundle_is_sent_although_somebody_has_taken_on_one_of_its_incidents(network: Network, nights: Nights) -> None:
    given = people()
    next(one for one in given["people"] if one["id"] == JIE)["quiet"] = {"from": "00:00", "to": "20:00"}
    given["policies"].append({"id": "notices", "kinds": ["offline"], "steps": [{"after_s": 0, "tell": [JIE], "by": ["sms"]}]})
    night = nights(network, given=given)
    night.calls("w-1", EventKind.OFFLINE)
    night.calls("w-2", EventKind.OFFLINE)
    night.sweep()
    night.now[0] += 10 * 3600 * NS_PER_S
    network.answer(JIE, "sms", RETRY)
    night.dispatcher.sweep(night.now_ns)
    night.dispatcher.settle()
    with night.database.write() as session:
        for id_ in list_of(session):
            outbox.cancel_unsent(session, WILLOW, id_)
    night.until(36_010, 2)
    assert [(to, channel) for to, channel, _ in network.sent] == [(JIE, "sms"), (JIE, "sms")]
    assert "共2条提醒" in network.texts[1]


def test_who_is_sent_a_flood_reads_the_beginning_of_it_and_the_rest_later(network: Network, nights: Nights) -> None:
    given = people()
    given["policies"].append({"id": "notices", "kinds": ["offline"], "steps": [{"after_s": 0, "tell": [GUARD], "by": ["sms"]}]})
    night = nights(network, given=given)
    most = next(limit.most for limit in LIMITS if limit.per is Per.RECIPIENT and limit.channel is Channel.SMS)
    for number in range(2 * most):
        night.calls(f"w-{number}", EventKind.OFFLINE)
    night.until(30)
    assert len(network.sent) == most
    night.calls()
    night.until(31)
    assert network.sent[-1][0] == JIE  # a call for help is not held up by it
    night.until(90)
    assert [to for to, *_ in network.sent].count(GUARD) == most + 1  # the rest in one message
    assert any(f"共{most}条提醒" in text for text in network.texts)


def test_what_a_provider_cannot_take_at_once_comes_to_its_turn_and_a_call_for_help_at_once(network: Network, nights: Nights) -> None:
    network.limits = (gateways.Limit(count=1, period_s=1, per=frozenset({gateways.Per.ACCOUNT}), source=""),)
    given = people()
    given["policies"].append({"id": "notices", "kinds": ["offline"], "steps": [{"after_s": 0, "tell": [GUARD], "by": ["sms"]}]})
    night = nights(network, given=given)
    for number in range(4):
        night.calls(f"w-{number}", EventKind.OFFLINE)
    night.calls()
    night.until(0)
    assert [to for to, *_ in network.sent] == [JIE]
    night.until(8, 0.25)
    assert [at_s for to, _, at_s in network.sent if to == GUARD] == [1.25, 2.5, 3.75, 5.0]


def test_a_number_that_a_provider_lets_no_more_reach_is_reached_by_another_and_life_safety_all_the_same(nights: Nights) -> None:
    daily = gateways.Limit(count=5, period_s=86_400, per=frozenset({gateways.Per.NUMBER, gateways.Per.TEMPLATE}), source="")
    one, other = Network(name="one", limits=(daily,)), Network(name="other")
    given = people()
    given["policies"].append({"id": "notices", "kinds": ["offline"], "steps": [{"after_s": 0, "tell": [JIE], "by": ["sms"]}]})
    night = nights(one, other, given=given)
    for number in range(5):
        night.calls(f"w-{number}", EventKind.OFFLINE)
    night.sweep()
    night.now[0] += 120 * NS_PER_S  # past what one person is sent at a time
    night.calls("w-9", EventKind.OFFLINE)
    night.sweep()
    assert (len(one.sent), len(other.sent)) == (5, 1)
    other.limits = (daily,)
    for number in range(10, 14):
        night.now[0] += 120 * NS_PER_S
        night.calls(f"w-{number}", EventKind.OFFLINE)
        night.sweep()
    night.calls("w-15", EventKind.OFFLINE)
    night.calls()
    night.sweep()
    assert len(one.sent) + len(other.sent) == 11  # the call for help, and not the eleventh notice


def test_what_is_over_the_quota_is_not_sent_unless_it_is_urgent_and_the_operator_hears_of_it_once(
    network: Network, nights: Nights, receiver: FakeReceiver
) -> None:
    given = people()
    given["policies"].append({"id": "notices", "kinds": ["offline"], "steps": [{"after_s": 0, "tell": [GUARD], "by": ["sms"]}]})
    spending = Spending(prices=[Price(gateway="network", each_micro=50_000)], quotas_micro={WILLOW: 50_000})
    night = nights(network, given=given, spending=spending)
    operator = {"ANJU_OPERATOR": f"json://{receiver.host}/a-secret"}
    night.dispatcher._pager = Pager.from_environment(operator, night.database, lambda: night.now_ns)
    for number in range(3):
        night.calls(f"w-{number}", EventKind.OFFLINE)
        night.until(60 * (number + 1), 20)
    assert len(network.sent) == 1
    with night.database.read() as session:
        assert spent_micro(session, WILLOW, 0) == segments_of(network.texts[0]) * 50_000
    night.calls()
    night.until(200, 20)
    assert [to for to, *_ in network.sent[1:]] == [JIE]
    night.dispatcher.close()
    assert ["four fifths" in one["message"] or "all that it may" in one["message"] for one in receiver.got] == [True]
    assert "willow" in receiver.got[0]["message"]


def test_what_is_refused_for_its_cost_takes_nothing_along(network: Network, nights: Nights) -> None:
    given = people(zhou_jie=[{"email": "jie@example.org"}])
    next(one for one in given["people"] if one["id"] == JIE)["quiet"] = {"from": "00:00", "to": "20:00"}
    given["policies"].append({"id": "notices", "kinds": ["offline"], "steps": [{"after_s": 0, "tell": [JIE], "by": ["sms"]}]})
    night = nights(network, given=given, spending=Spending(prices=[Price(gateway="network", each_micro=1)], quotas_micro={WILLOW: 1}))
    night.calls()
    night.sweep()
    for number in range(3):
        night.calls(f"w-{number}", EventKind.OFFLINE)
    night.until(5)
    night.now[0] += 10 * 3600 * NS_PER_S
    night.sweep()
    with night.database.read() as session:
        told = [one for id_ in list_of(session) for one in outbox.thread(session, WILLOW, id_, JIE) if "offline" in one.id]
    assert {one.state for one in told} == {"failed"}
    assert len({one.duty.incident.id for one in told}) == 3


def test_the_operator_is_told_once_what_only_the_operator_can_mend(nights: Nights, receiver: FakeReceiver) -> None:
    network = Network(name="twilio")
    network.answer(JIE, "sms", *[Answer(outcome=RETRY, code="20003")] * 3)
    told = []
    for _ in range(2):  # the second one is another process
        night = nights(network)
        operator = {"ANJU_OPERATOR": f"json://{receiver.host}/a-secret"}
        pager = Pager.from_environment(operator, night.database, lambda now=night.now: now[0])
        night.dispatcher._pager = pager
        night.calls()
        night.until(2)
        night.dispatcher.close()
        told.append(len(receiver.got))
    assert told == [1, 1]
    assert "Gateway twilio needs you: 20003" in receiver.got[0]["message"]
    assert "a-secret" not in repr(pager)


def test_a_gateway_that_breaks_leaves_an_attempt_that_is_looked_up(network: Network, nights: Nights) -> None:
    night = nights(network)
    network.answer(JIE, "sms", ZeroDivisionError("in the gateway"))
    night.calls()
    network.has[f"{night.incident().id}:tell:0:0:{JIE}:sms"] = (Answer(outcome=ACCEPTED, provider_id="SM1"),)
    with capture_logs() as logged:
        night.until(5)
    assert "dispatch.gateway_failed" in [one["event"] for one in logged]
    assert network.sent == [(JIE, "sms", 0.0)]
    assert [one.provider_id for one in night.attempts()] == [None, "SM1"]


def test_what_may_have_been_accepted_is_sent_again_only_when_it_surely_was_not(network: Network, nights: Nights) -> None:
    night = nights(network)
    network.answer(JIE, "sms", UNKNOWN)
    night.calls()
    night.until(29)
    assert network.sent == [(JIE, "sms", 0.0), (JIE, "voice", 20.0)]
    assert len(network.looked_up) > 2
    night.until(60)
    assert network.sent[2:] == [(JIE, "sms", 31.0), ("hospital", "voice", 60.0)]


def test_where_the_gateway_cannot_be_asked_it_stays_unknown_and_the_next_channel_is_used(network: Network, nights: Nights) -> None:
    night = nights(network)
    network.answer(JIE, "sms", UNKNOWN)
    night.calls()
    network.has[f"{night.incident().id}:tell:0:0:{JIE}:sms"] = None
    night.until(900, step_s=5.0)
    assert [one for one in network.sent if one[0] == JIE] == [(JIE, "sms", 0.0), (JIE, "voice", 20.0)]
    assert night.states() == [("sms", "unknown"), ("voice", "delivered")]


def test_an_ending_that_nobody_can_speak_for_goes_by_the_next_channel(network: Network, nights: Nights) -> None:
    night = nights(network)
    night.calls()
    night.sweep()
    incident_id = night.incident().id
    network.answer(JIE, "sms", UNKNOWN)
    network.has[f"{incident_id}:ending:0:0:{JIE}:reached"] = None
    night.does(GUARD, Do.RESOLVE)
    night.until(900, step_s=5.0)
    assert [one[:2] for one in network.sent] == [(JIE, "sms"), (JIE, "sms"), (JIE, "voice")]


def test_what_a_killed_dispatcher_claimed_and_did_not_send_is_sent_once(network: Network, nights: Nights) -> None:
    night = nights(network)
    night.calls()
    night.claim()
    night.until(LEASE_S - 1)
    assert [one for one in network.sent if one[1] == "sms"] == []
    night.until(LEASE_S + 1)
    assert [one for one in network.sent if one[1] == "sms"] == [(JIE, "sms", LEASE_S)]
    assert "words for zhou-jie" in network.texts


def test_what_a_killed_dispatcher_did_send_is_found_and_not_sent_again(network: Network, nights: Nights) -> None:
    night = nights(network)
    night.calls()
    (claimed,) = night.claim()
    network.has[claimed.id] = (Answer(outcome=DELIVERED, provider_id="SM1"),)
    night.until(LEASE_S + 1)
    assert [one for one in network.sent if one[1] == "sms"] == []
    assert night.states()[0] == ("sms", "delivered")


def test_the_successor_of_a_killed_dispatcher_does_not_wait_for_the_lease(network: Network, nights: Nights) -> None:
    network.settles_ns = 0
    night = nights(network)
    night.calls()
    night.claim("one")
    night.dispatcher.take_over(night.now_ns)
    night.until(6)
    assert network.sent == [(JIE, "sms", 5.0)]


def test_what_a_killed_dispatcher_may_have_sent_is_repeated_only_where_that_does_no_harm(network: Network, nights: Nights) -> None:
    for in_doubt, sent in ((InDoubt.LEAVE, 0), (InDoubt.FOUND_ONLY, 0), (InDoubt.SEND_AGAIN, 1)):
        network.in_doubt = in_doubt
        night = nights(network)
        night.calls()
        night.claim()
        night.now[0] += round(LEASE_S * NS_PER_S)
        night.sweep()
        assert [one[1] for one in network.sent if one[0] == JIE].count("sms") == sent
        night.does(GUARD, Do.RESOLVE)
        night.sweep()
        del network.sent[:]


def test_of_two_messages_in_the_same_words_each_is_found_once(network: Network, nights: Nights) -> None:
    night = nights(network, given=people() | {"policies": [people()["policies"][0] | {"steps": [STEP, STEP | {"after_s": 5}]}]})
    night.calls()
    found = tuple(Answer(outcome=ACCEPTED, provider_id=f"SM{number}") for number in (1, 2))
    for step in (0, 1):
        network.has[f"{night.incident().id}:tell:{step}:0:{JIE}:sms"] = found
    network.answer(JIE, "sms", UNKNOWN, UNKNOWN)
    night.until(10)
    assert network.sent == [(JIE, "sms", 0.0), (JIE, "sms", 5.0)]
    assert [one.provider_id for one in night.attempts() if one.provider_id] == ["SM1", "SM2"]


STEP = {"after_s": 0, "tell": ["relatives"], "by": ["sms"]}


def test_an_acknowledgement_stops_what_is_unsent_and_every_next_channel(network: Network, nights: Nights) -> None:
    night = nights(network)
    network.answer(JIE, "sms", ACCEPTED)
    night.calls()
    night.until(10)
    night.does(GUARD, Do.ACKNOWLEDGE)
    night.until(120)
    assert network.sent == [(JIE, "sms", 0.0)]


def test_an_acknowledgement_stops_what_was_to_be_tried_again(network: Network, nights: Nights) -> None:
    night = nights(network)
    network.answer(JIE, "sms", RETRY, RETRY)
    night.calls()
    night.sweep()
    night.does(GUARD, Do.ACKNOWLEDGE)
    night.until(120)
    assert network.sent == [(JIE, "sms", 0.0)]
    assert night.states() == [("sms", "cancelled")]


def test_an_acknowledgement_that_runs_out_goes_on_with_the_next_step(network: Network, nights: Nights) -> None:
    night = nights(network)
    night.calls()
    night.sweep()
    night.does(GUARD, Do.ACKNOWLEDGE)
    night.until(1801, step_s=30.0)
    assert network.sent[1:] == [("hospital", "voice", 1800.0)]


def test_the_ending_is_told_by_what_reached_them_to_everybody_but_who_ended_it(network: Network, nights: Nights) -> None:
    night = nights(network, given=people() | {"policies": estate()["policies"]})
    network.answer(JIE, "sms", Answer(outcome=REJECTED, code="30003"))
    night.calls()
    night.until(10)
    assert sorted(network.sent) == [(GUARD, "sms", 0.0), (JIE, "sms", 0.0), (JIE, "voice", 0.0)]
    night.does(GUARD, Do.RESOLVE)
    night.until(60)
    assert network.sent[3:] == [(JIE, "voice", 10.0)]
    assert [one.duty.purpose for one in night.thread()][-1] is Purpose.ENDING


def test_an_ending_is_told_once_however_silent_the_carrier(network: Network, nights: Nights) -> None:
    night = nights(network)
    night.calls()
    night.sweep()
    network.answer(JIE, "sms", ACCEPTED)
    night.does(GUARD, Do.FALSE_ALARM)
    night.until(120, step_s=10.0)
    assert [one[:2] for one in network.sent] == [(JIE, "sms"), (JIE, "sms")]


def test_a_channel_that_no_gateway_serves_is_passed_over(network: Network, nights: Nights) -> None:
    network.channels = frozenset({Channel.VOICE})
    night = nights(network)
    night.calls()
    night.sweep()
    assert network.sent == [(JIE, "voice", 0.0)]
    assert night.outcomes() == [("sms", "rejected", "no_gateway"), ("voice", "delivered", None)]


def test_whoever_has_moved_away_is_told_nothing(network: Network, nights: Nights) -> None:
    night = nights(network)
    night.calls()
    left = people()
    next(one for one in left["people"] if one["id"] == JIE)["id"] = "somebody-else"
    write_estate(night.database, left)
    night.until(30)
    assert network.sent == []
    assert night.outcomes() == [("sms", "rejected", "nobody")]


def test_the_trouble_of_one_community_is_not_anothers(network: Network, nights: Nights) -> None:
    night = nights(network)
    night.calls()
    event = Event(community_id=CommunityId("ash"), kind=EventKind.SOS, subject="x", t_ns=1, known_ns=START_NS, seq=1)
    with night.database.write() as session:
        book = DatabaseBook(session, CommunityId("ash"), START_NS)
        book.put(desk.take(event, book, night.estates.community(session, WILLOW).directory, START_NS))
    with capture_logs() as logged:
        night.until(61)
    assert [one[:2] for one in network.sent] == [(JIE, "sms"), ("hospital", "voice")]
    errors = [(one["event"], one["about"]) for one in logged if one["log_level"] == "error" and one["event"] != "dispatch.late"]
    assert errors == [("dispatch.no_community", "ash")]


def test_a_step_that_fails_keeps_no_other_from_being_taken(network: Network, nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    night = nights(network)
    night.calls()

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched, capture_logs() as logged:
        patched.setattr(outbox, "take_receipts", broken)
        night.sweep()
        night.sweep()
    assert [one["about"] for one in logged if one["event"] == "dispatch.failed"] == ["_take_receipts"]
    assert network.sent == [(JIE, "sms", 0.0)]


def test_a_slow_gateway_does_not_hold_up_a_call_for_help(network: Network, nights: Nights) -> None:
    given = people()
    given["people"] += [{"id": f"r-{number}", "name": f"R{number}", "roles": ["relative"], "of": ["zhou-fen"]} for number in range(AT_ONCE)]
    for number, person in enumerate(given["people"][-AT_ONCE:]):
        person["phone"] = f"+86139000001{number:02d}"
    given["policies"] = [
        {"id": "gone", "kinds": ["exit"], "steps": [STEP]},
        {"id": "help", "kinds": ["sos"], "steps": [{"after_s": 0, "tell": ["roster:gate"], "by": ["sms"]}]},
    ]
    night = nights(network, given=given)
    gate = threading.Event()
    network.blocked = {person["id"]: gate for person in given["people"] if "relative" in person["roles"]}
    night.calls(kind=EventKind.EXIT)
    night.dispatcher.sweep(night.now_ns)
    assert len(night.dispatcher._leaving) == AT_ONCE - KEPT_FOR_LIFE
    night.calls()
    while not network.sent:
        night.dispatcher.sweep(night.now_ns)
    assert network.sent == [(GUARD, "sms", 0.0)]
    gate.set()
    while len(network.sent) < AT_ONCE + 2:
        night.sweep()
    assert len({one[0] for one in network.sent}) == AT_ONCE + 2


def test_two_dispatchers_side_by_side_send_each_message_once(url: str, opened: Opened, network: Network, nights: Nights) -> None:
    given = people()
    given["people"] += [
        {"id": f"r-{n}", "name": f"R{n}", "roles": ["relative"], "of": ["zhou-fen"], "phone": f"+861390000{n:04d}"} for n in range(40)
    ]
    both = [nights(network, given=given, worker="one"), nights(network, worker="two", of=opened(url))]
    both[0].calls()
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda night: [night.sweep() for _ in range(8)], both))
    assert sorted(one[0] for one in network.sent) == sorted([JIE, *(f"r-{n}" for n in range(40))])


def test_a_database_that_is_locked_is_one_line_and_then_caught_up(url: str, opened: Opened, network: Network, nights: Nights) -> None:
    night = nights(network, of=opened(url, wait_s=0.05))
    night.calls()
    with capture_logs() as logged:
        with opened(url).write() as session:
            connection = session.connection()
            if not night.database.is_sqlite:
                connection.exec_driver_sql("LOCK TABLE notification IN ACCESS EXCLUSIVE MODE")
            night.dispatcher.sweep(night.now_ns)
            night.dispatcher.sweep(night.now_ns)
        night.sweep()
    assert [one["event"] for one in logged if one["event"] != "dispatch.sent"] == ["dispatch.database_away", "dispatch.goes_on"]
    assert network.sent == [(JIE, "sms", 0.0)]


def test_lateness_is_one_line_and_then_over(network: Network, nights: Nights) -> None:
    night = nights(network)
    night.calls()
    night.now[0] += 90 * NS_PER_S
    with capture_logs() as logged:
        night.sweep()
    said = [one for one in logged if one["event"] in {"dispatch.late", "dispatch.goes_on"}]
    assert [(one["event"], one.get("seconds")) for one in said] == [("dispatch.late", 90.0), ("dispatch.goes_on", None)]


@pytest.fixture
def twilio(nights: Nights) -> Iterator[FakeTwilio]:
    """Opened before the dispatcher is closed, so that nobody waits for its time-outs."""
    del nights
    with FakeTwilio(lambda: START_NS / NS_PER_S) as fake:
        yield fake


def _gateway(twilio: FakeTwilio) -> TwilioGateway:
    return TwilioGateway(TwilioSettings.from_environment(twilio.environment), timeout_s=0.3)


def test_twilio_accepts_and_later_says_delivered(twilio: FakeTwilio, nights: Nights) -> None:
    night = nights(_gateway(twilio))
    twilio.fates["+8613900000001"] = [("queued", None), ("sent", None), ("delivered", None)]
    night.calls()
    night.until(30)
    assert [one[0] for one in twilio.bodies] == ["+8613900000001"]
    assert night.states() == [("sms", "delivered")]


def test_twilio_refuses_a_number_and_another_one_is_unreachable(twilio: FakeTwilio, nights: Nights) -> None:
    night = nights(_gateway(twilio), Network(channels=frozenset({Channel.VOICE})), given=people() | {"policies": estate()["policies"]})
    refused_first = Refuse(400, 21211, "Invalid 'To' Phone Number")
    twilio.creates.append(refused_first)
    for number in ("+8613900000001", "+8613900000002"):
        twilio.fates[number] = [("sent", None), ("undelivered", 30003)]
    night.calls()
    night.until(15)
    codes = {who: night.outcomes(who)[0][1:] for who in (JIE, GUARD)}
    assert sorted(codes.values()) == [("rejected", "21211"), ("rejected", "30003")]
    assert [night.states(who)[1] for who in (JIE, GUARD)] == [("voice", "delivered")] * 2


def test_twilio_that_timed_out_after_it_had_accepted_is_looked_up_and_not_asked_twice(twilio: FakeTwilio, nights: Nights) -> None:
    night = nights(_gateway(twilio))
    twilio.creates.append(AcceptAndStaySilent())
    twilio.fates["+8613900000001"] = [("queued", None), ("queued", None), ("delivered", None)]
    night.calls()
    night.until(90)
    assert len(twilio.messages) == 1
    assert [one.outcome for one in night.attempts()] == ["unknown", "delivered"]
    assert night.attempts()[-1].provider_id == twilio.messages[0].sid


def test_twilio_that_timed_out_and_had_not_accepted_is_asked_again_after_a_while(twilio: FakeTwilio, nights: Nights) -> None:
    night = nights(_gateway(twilio))
    twilio.creates.append(StaySilent())
    twilio.fates["+8613900000001"] = [("delivered", None)]
    night.calls()
    night.until(29)
    assert twilio.messages == []
    night.until(60)
    assert len(twilio.messages) == 1
    assert night.states()[0] == ("sms", "delivered")


def test_twilio_with_too_many_requests_gets_it_later(twilio: FakeTwilio, nights: Nights) -> None:
    night = nights(_gateway(twilio))
    twilio.creates.extend([Refuse(429, 20429), Refuse(503, 20503)])
    twilio.fates["+8613900000001"] = [("delivered", None)]
    night.calls()
    night.until(10)
    assert len(twilio.messages) == 1
    assert [one[1] for one in night.outcomes()] == ["retry", "retry", "delivered"]


CHILD = """
import sys, threading
from notifier import dispatch
from notifier.dispatch import Dispatcher, run
from notifier.gateways.console import ConsoleGateway
from pathlib import Path
from store.session import Database
print("ready", flush=True)
dispatch.SILENCE_NS = 10**12  # a slow machine is no silent carrier
run(Dispatcher(Database(sys.argv[1]), [ConsoleGateway(Path(sys.argv[2]))], worker="one"), threading.Event())
"""
"""What `anju dispatch` does, without an installation around it."""


@pytest.mark.parametrize("backend", ["sqlite"])
def test_killed_again_and_again_it_tells_everybody_exactly_once(url: str, database: Database, tmp_path: Path) -> None:
    """Killed while it writes: lines appear, and it dies in their middle; its successor goes on."""
    phones = tmp_path / "phones.jsonl"
    given = people()
    given["people"] += [
        {"id": f"r-{n}", "name": f"R{n}", "roles": ["relative"], "of": ["zhou-fen"], "phone": f"+861390000{n:04d}"} for n in range(90)
    ]
    write_estate(database, given)
    now = [importlib.import_module("time").time_ns()]
    night = Night(database=database, dispatcher=Dispatcher(database, [], worker="nobody"), now=now)
    night.calls()
    rounds = 0
    everybody = {JIE, *(f"r-{n}" for n in range(90))}
    while not everybody <= {one.to for one in read(phones)}:
        rounds += 1
        before = len(read(phones))
        child = subprocess.Popen([sys.executable, "-c", CHILD, url, str(phones)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            while len(read(phones)) < before + 30 and not everybody <= {one.to for one in read(phones)} and child.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    child.wait(timeout=0.02)
        finally:
            child.send_signal(signal.SIGKILL)
            child.communicate()
    told = [(one.to, one.channel) for one in read(phones)]
    assert [one for one, times in Counter(told).items() if times > 1] == []
    assert everybody <= {to for to, _ in told}  # on a slow machine a minute may pass, and the hospital is called
    assert rounds > 1
    assert {channel for _, channel in told} <= {"sms", "voice"}  # on a slow machine 20 s may pass, and the next channel is tried


def test_it_runs_until_it_is_told_to_stop(database: Database, tmp_path: Path) -> None:
    write_estate(database, people())
    phones, stop = tmp_path / "phones.jsonl", threading.Event()
    now = [importlib.import_module("time").time_ns()]
    dispatcher = Dispatcher(database, [ConsoleGateway(phones)], worker="one")
    running = threading.Thread(target=run, args=(dispatcher, stop))
    running.start()
    try:
        Night(database=database, dispatcher=dispatcher, now=now).calls()
        while not read(phones):
            os.sched_yield()
    finally:
        stop.set()
        running.join()
    assert [one.to for one in read(phones)] == [JIE]


def asked() -> dict[str, Any]:
    """The estate, where the watch of zhou-fen can ask and she has a phone herself."""
    given = people()
    given["devices"][0]["asks"] = True
    given["people"][0]["phone"] = "+8613900000009"
    return given


def test_the_wearer_is_asked_once_and_nobody_else_hears_before_the_window_is_over(network: Network, nights: Nights) -> None:
    watch = Network(name="wearable", channels=frozenset({Channel.DEVICE}))
    watch.answer("zhou-fen", "device", ACCEPTED)
    night = nights(network, watch, given=asked())
    night.calls(kind=EventKind.FALL)
    night.until(29)
    assert (watch.sent, network.sent) == ([("zhou-fen", "device", 0.0)], [])
    assert "取消键" in watch.texts[0]
    night.until(31)
    assert network.sent == [(JIE, "sms", 30.0)]


def test_her_watch_shows_that_help_was_called_is_coming_and_is_over(network: Network, nights: Nights) -> None:
    watch = Network(name="wearable", channels=frozenset({Channel.DEVICE}))
    watch.answer("zhou-fen", "device", ACCEPTED)
    night = nights(network, watch, given=asked())
    night.calls()
    night.until(10)
    night.does(JIE, Do.ACKNOWLEDGE)
    night.until(20)
    night.does(JIE, Do.RESOLVE)
    night.until(30)
    assert watch.texts == ["已经呼救，正在通知家人和值班人员。", "周杰正在赶来。最晚10:32到。", "这件事已经处理完了。"]
    assert {(to, channel) for to, channel, _ in watch.sent} == {("zhou-fen", "device")}


@pytest.mark.parametrize("outcome", [REJECTED, UNKNOWN])
def test_a_watch_that_cannot_ask_costs_nothing_and_no_phone_of_hers_rings(
    network: Network, nights: Nights, outcome: DeliveryOutcome
) -> None:
    watch = Network(name="wearable", channels=frozenset({Channel.DEVICE}))
    watch.answer("zhou-fen", "device", outcome)
    night = nights(network, watch, given=asked())
    night.calls(kind=EventKind.FALL)
    night.until(31)
    assert network.sent == [(JIE, "sms", 30.0)]


def test_how_late_timers_were_acted_on_is_measured(network: Network, nights: Nights) -> None:
    night = nights(network)
    night.calls()
    night.sweep()
    night.now[0] += 63 * NS_PER_S
    night.sweep()
    assert night.dispatcher.lateness.count == 1
    assert 2900 < night.dispatcher.lateness.quantile_ms(1.0) < 3100
