from collections.abc import Iterator

import pytest

from devices.model import NS_PER_S
from incidents.directory import Address, Channel, Person, Role
from incidents.model import Do
from notifier.carrier.provider import AcceptAndReset, Refuse, StaySilent
from notifier.carrier.push import FakePush
from notifier.gateways.model import GatewaySettingsError, Outgoing
from notifier.gateways.webpush import WebPushGateway, WebPushSettings, new_keys, subscription_of
from notifier.messages import Button

PRIVATE, PUBLIC = new_keys()
SETTINGS = WebPushSettings.from_environment({"ANJU_VAPID_PRIVATE_KEY": PRIVATE, "ANJU_VAPID_SUBJECT": "mailto:duty@example.org"})


@pytest.fixture
def push() -> Iterator[FakePush]:
    with FakePush() as fake:
        fake.public_key = PUBLIC
        yield fake


def told(*subscriptions: str, text: str = "周芬10:02疑似摔倒。") -> Outgoing:
    anne = Person(
        id="anne",
        name="安妮",
        roles=frozenset({Role.RELATIVE}),
        channels=(Channel.PUSH,),
        addresses=tuple(Address(channel=Channel.PUSH, value=one) for one in subscriptions),
    )
    return Outgoing(
        community_id="willow",
        notification_id="fall-1:tell:0:0:anne:push",
        person=anne,
        channel=Channel.PUSH,
        text=text,
        created_ns=1_772_416_920 * NS_PER_S,
        incident_id="fall-1",
        buttons=(Button(do=Do.ACKNOWLEDGE, words="我去处理", done="已记录。"),),
    )


def test_a_browser_decrypts_the_text_and_knows_from_whom_it_is(push: FakePush) -> None:
    browser = push.browser()
    answer = WebPushGateway(SETTINGS).send(told(browser.subscription), 0)
    assert (answer.outcome, answer.provider_id) == ("accepted", None)
    assert list(browser.shown.values()) == ["周芬10:02疑似摔倒。"]
    (got,) = browser.got
    assert (got["community"], got["incident"]) == ("willow", "fall-1")
    assert got["buttons"] == [{"do": "acknowledge", "words": "我去处理", "done": "已记录。"}]
    assert push.subjects == ["mailto:duty@example.org"]
    (request,) = push.asked
    assert request.headers["urgency"] == "high"


def test_all_browsers_of_a_person_are_told_and_one_is_enough(push: FakePush) -> None:
    gone, here, there = (push.browser() for _ in range(3))
    gone.is_gone = True
    assert WebPushGateway(SETTINGS).send(told(gone.subscription, here.subscription, there.subscription), 0).outcome == "accepted"
    assert [len(one.got) for one in (gone, here, there)] == [0, 1, 1]
    answer = WebPushGateway(SETTINGS).send(told(gone.subscription), 0)
    assert (answer.outcome, answer.code) == ("rejected", "410")


def test_what_is_sent_twice_is_shown_once(push: FakePush) -> None:
    browser = push.browser()
    push.creates.append(AcceptAndReset())
    gateway = WebPushGateway(SETTINGS, timeout_s=2.0)
    assert gateway.send(told(browser.subscription), 0).outcome == "unknown"
    assert gateway.look_up(told(browser.subscription)) == ()
    assert gateway.send(told(browser.subscription), 0).outcome == "accepted"
    assert (len(browser.got), len(browser.shown)) == (2, 1)


def test_the_longest_text_fits(push: FakePush) -> None:
    browser = push.browser()
    longest = WebPushGateway.capabilities.longest or 0
    WebPushGateway(SETTINGS).send(told(browser.subscription, text="摔" * longest), 0)
    assert len(push.asked[0].body) <= 4096
    assert list(browser.shown.values()) == ["摔" * longest]


@pytest.mark.parametrize(
    ("trouble", "outcome", "code"),
    [
        (Refuse(404, ""), "rejected", "404"),
        (Refuse(410, ""), "rejected", "410"),
        (Refuse(403, ""), "retry", "403"),
        (Refuse(429, ""), "retry", "429"),
        (Refuse(500, ""), "unknown", "500"),
        (StaySilent(), "unknown", "ReadTimeout"),
    ],
)
def test_an_answer_says_whether_the_subscription_lives(trouble: object, outcome: str, code: str, push: FakePush) -> None:
    push.creates.append(trouble)
    answer = WebPushGateway(SETTINGS, timeout_s=0.4).send(told(push.browser().subscription), 0)
    assert (answer.outcome, answer.code) == (outcome, code)


def test_a_subscription_for_another_key_is_the_operators_matter(push: FakePush) -> None:
    push.public_key = "another"
    assert WebPushGateway(SETTINGS).send(told(push.browser().subscription), 0).code == "403"


@pytest.mark.parametrize(
    "address",
    [
        "a-token",
        "{}",
        "[]",
        "7",
        '{"endpoint": "https://example.org", "keys": {}}',
        '{"endpoint": "", "keys": {"p256dh": "a", "auth": "b"}}',
    ],
)
def test_what_is_no_subscription_reaches_nobody(address: str) -> None:
    assert subscription_of(address) is None
    answer = WebPushGateway(SETTINGS).send(told(address), 0)
    assert (answer.outcome, answer.code) == ("rejected", "no_subscription")


def test_a_subscription_whose_keys_are_none_reaches_nobody(push: FakePush) -> None:
    bad = '{"endpoint": "' + push.url + '/x", "keys": {"p256dh": "YQ", "auth": "YQ"}}'
    answer = WebPushGateway(SETTINGS).send(told(bad), 0)
    assert (answer.outcome, answer.code, push.asked) == ("rejected", "no_subscription", [])


def test_pages_subscribe_with_the_public_key() -> None:
    assert SETTINGS.public_key == PUBLIC


@pytest.mark.parametrize(
    ("environment", "what"),
    [
        ({}, "no ANJU_VAPID_PRIVATE_KEY, ANJU_VAPID_SUBJECT"),
        ({"ANJU_VAPID_PRIVATE_KEY": "not-a-key", "ANJU_VAPID_SUBJECT": "mailto:a@example.org"}, "ANJU_VAPID_PRIVATE_KEY is not shown"),
        ({"ANJU_VAPID_PRIVATE_KEY": PRIVATE, "ANJU_VAPID_SUBJECT": "me"}, "ANJU_VAPID_SUBJECT is 'me'"),
    ],
)
def test_a_key_that_is_none_is_an_error_that_does_not_show_it(environment: dict[str, str], what: str) -> None:
    with pytest.raises(GatewaySettingsError, match=what) as error:
        WebPushSettings.from_environment(environment)
    assert "not-a-key" not in str(error.value)
