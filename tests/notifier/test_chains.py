"""A test alarm walks the chain of those who would be told, by the real way, and finds where it is broken."""

from collections.abc import Iterator

import pytest
from fakes.lakeside import Estate, example

from devices.model import HomeId, PersonId
from incidents.directory import Channel
from notifier.carrier.twilio import FakeTwilio
from notifier.chain_checks import ChainChecks
from notifier.gateways.twilio import TwilioGateway, TwilioSettings
from notifier.routing import Routes
from store import chain_checks, contacts
from store.chain_checks import ChainCheck, LinkState
from store.contacts import ContactState, Known
from store.session import Database

HOME, WANG = HomeId("b3-201"), PersonId("wang-xiuying")
LEI, CHEN = "+447700900101", "+447700900102"


@pytest.fixture
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    folder = tmp_path_factory.mktemp("chain")
    database = Database(f"sqlite:///{folder / 'anju.db'}")
    database.upgrade()
    said = example()
    people = {one["id"]: one for one in said["people"]}
    people["wang-lei"]["phone"], people["guard-chen"]["phone"] = LEI, CHEN
    yield Estate(database, said, folder / "lakeside.json")
    database.close()


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with FakeTwilio() as fake:
        yield fake


def walked(estate: Estate, twilio: FakeTwilio) -> ChainCheck:
    routes = Routes([TwilioGateway(TwilioSettings.from_environment(twilio.environment))])
    tests = ChainChecks(estate.database, routes, clock=estate.clock, sleep=lambda _: None)
    number, begun = tests.begin(estate.id, HOME, WANG, PersonId("wang-lei"))
    done = tests.walk(estate.id, number, begun)
    with estate.database.read() as session:
        assert chain_checks.newest(session, estate.id, HOME) == done
    return done


def test_every_link_is_walked_and_the_hospital_is_left_in_peace(estate: Estate, twilio: FakeTwilio) -> None:
    twilio.fates = {LEI: [("delivered", None)], CHEN: [("undelivered", 30003)]}
    done = walked(estate, twilio)
    assert [(one.person, one.channel, one.state, one.code) for one in done.links] == [
        ("wang-lei", Channel.SMS, LinkState.DELIVERED, None),
        ("guard-chen", Channel.SMS, LinkState.FAILED, "30003"),
        ("city-hospital", Channel.VOICE, LinkState.LEFT_OUT, None),
    ]
    assert done.is_done
    assert [to for to, _ in twilio.bodies] == [LEI, CHEN]
    assert all("这是测试，没有人需要帮助" in text for _, text in twilio.bodies)


def test_what_is_known_to_be_broken_is_said_and_not_tried(estate: Estate, twilio: FakeTwilio) -> None:
    twilio.fates = {CHEN: [("delivered", None)]}
    broken = Known(channel=Channel.SMS, state=ContactState.BROKEN, code="21211", since_ns=estate.now_ns)
    with estate.database.write() as session:
        contacts.mark(session, estate.id, estate.directory.people["wang-lei"], broken)
    done = walked(estate, twilio)
    assert [(one.state, one.code) for one in done.links[:2]] == [(LinkState.FAILED, "broken"), (LinkState.DELIVERED, None)]
    assert [to for to, _ in twilio.bodies] == [CHEN]


def test_without_a_gateway_every_link_is_broken(estate: Estate) -> None:
    tests = ChainChecks(estate.database, Routes([]), clock=estate.clock, sleep=lambda _: None)
    number, begun = tests.begin(estate.id, HOME, WANG, PersonId("wang-lei"))
    done = tests.walk(estate.id, number, begun)
    assert [one.code for one in done.links[:2]] == ["no_gateway", "no_gateway"]
