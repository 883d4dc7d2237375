"""In which order gateways come into question, and which are passed over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from devices.model import NS_PER_S
from incidents.directory import Channel, Language, Person, Role, Severity
from notifier.gateways.model import EVERYBODY, Answer, Capabilities, InDoubt, Outgoing, Reach, Status
from notifier.routing import FAILURES, PASSED_OVER_NS, Breakers, Route, Routes
from store.outbox import DeliveryOutcome

SMS, VOICE = frozenset({Channel.SMS}), frozenset({Channel.VOICE})


@dataclass(frozen=True)
class Carrier:
    name: str
    channels: frozenset[Channel] = SMS
    serves: Reach = EVERYBODY
    settles_ns: int = 0
    outcomes: Mapping[str, DeliveryOutcome] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(channels=self.channels, serves=self.serves, in_doubt=InDoubt.LOOK_UP, receipts=True)

    def send(self, outgoing: Outgoing, now_ns: int) -> Answer:
        raise NotImplementedError

    def look_up(self, outgoing: Outgoing) -> tuple[Answer, ...]:
        raise NotImplementedError

    def status(self, provider_id: str) -> Status:
        raise NotImplementedError


A, B, C = Carrier("a"), Carrier("b"), Carrier("c", SMS | VOICE)


def somebody(phone: str | None = "+8613800000001", language: Language = Language.ZH) -> Person:
    return Person(id="wang-lei", name="王磊", roles=frozenset({Role.RELATIVE}), phone_e164=phone, language=language)


def order(routes: Routes, channel: Channel = Channel.SMS, person: Person | None = None, severity: Severity = Severity.LIFE) -> list[str]:
    return [one.name for one in routes.candidates(channel, person or somebody(), severity)]


def test_without_routes_gateways_come_in_their_own_order() -> None:
    assert order(Routes([A, B, C])) == ["a", "b", "c"]
    assert order(Routes([A, B, C]), Channel.VOICE) == ["c"]
    assert order(Routes([A, B, C]), Channel.PUSH) == []


def test_a_route_is_for_a_country_a_language_and_a_severity() -> None:
    routes = Routes(
        [A, B, C],
        [
            Route(gateway="b", prefix="+86"),
            Route(gateway="c", languages=frozenset({Language.EN})),
            Route(gateway="a", severities=frozenset({Severity.LIFE})),
        ],
    )
    assert order(routes) == ["b", "a"]
    assert order(routes, severity=Severity.NOTICE) == ["b"]
    assert order(routes, person=somebody("+447700900123", Language.EN)) == ["c", "a"]


def test_a_gateway_that_does_not_serve_a_country_is_no_way_there() -> None:
    china = Carrier("china", serves=Reach(prefixes=("+86",)))
    assert order(Routes([china, A])) == ["china", "a"]
    assert order(Routes([china, A]), person=somebody("+447700900123")) == ["a"]


def test_what_no_route_fits_goes_by_any_that_serves_it() -> None:
    assert order(Routes([A, B], [Route(gateway="b", prefix="+86")]), person=somebody("+447700900123")) == ["a", "b"]
    assert order(Routes([A, B], [Route(gateway="b", prefix="+86")]), person=somebody(None)) == ["a", "b"]


def test_a_route_to_a_gateway_that_does_not_serve_the_channel_is_no_way() -> None:
    assert order(Routes([A, C], [Route(gateway="a"), Route(gateway="c")]), Channel.VOICE) == ["c"]


def test_a_gateway_that_fails_again_and_again_is_passed_over_and_then_given_one_chance() -> None:
    breakers = Breakers()
    opened = [breakers.heard("a", second * NS_PER_S, is_ill=True) for second in range(FAILURES)]
    assert opened == [False] * (FAILURES - 1) + [True]
    now_ns = (FAILURES - 1) * NS_PER_S
    assert breakers.choice([A, B], (), now_ns) is B
    after_ns = now_ns + PASSED_OVER_NS
    assert breakers.choice([A, B], (), after_ns) is A
    assert breakers.heard("a", after_ns, is_ill=True)
    assert breakers.choice([A, B], (), after_ns + 1) is B
    assert not breakers.heard("a", after_ns + 2, is_ill=False)
    assert breakers.choice([A, B], (), after_ns + 3) is A


def test_failures_with_a_success_between_them_are_bad_luck() -> None:
    breakers = Breakers()
    for second in range(4 * FAILURES):
        assert not breakers.heard("a", second, is_ill=second % FAILURES != 0)
    assert breakers.choice([A, B], (), 4 * FAILURES) is A


def test_what_one_gateway_did_not_take_goes_by_the_other_even_if_that_one_fares_badly() -> None:
    breakers = Breakers()
    for _ in range(FAILURES):
        breakers.heard("b", 0, is_ill=True)
    assert breakers.choice([A, B], ("a",), 1) is B
    assert breakers.choice([A, B], ("a", "b"), 1) is A
    assert breakers.choice([B], ("b",), 1) is B
    assert breakers.choice([], (), 1) is None
