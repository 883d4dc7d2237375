import base64
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from fakes.receiver import FakeReceiver, documented

from devices.model import NS_PER_S
from incidents.directory import Address, Channel, Person, Role
from notifier.carrier.provider import AcceptAndReset, AcceptAndStaySilent, Refuse
from notifier.gateways.model import GatewaySettingsError, Outgoing
from notifier.gateways.webhook import WebhookGateway, WebhookSettings, signed

NOW_S = 1_772_416_920
NOW_NS = NOW_S * NS_PER_S
SECRET = "whsec_" + base64.b64encode(b"a secret that must not be logged").decode()


@pytest.fixture
def settings() -> WebhookSettings:
    return WebhookSettings.from_environment({"ANJU_WEBHOOK_SECRET": SECRET})


@pytest.fixture
def receiver(settings: WebhookSettings) -> Iterator[FakeReceiver]:
    with FakeReceiver(lambda: NOW_S) as fake:
        (fake.secret,) = settings.secrets_of(fake.address)
        yield fake


@pytest.fixture
def gateway(settings: WebhookSettings) -> WebhookGateway:
    return WebhookGateway(settings, timeout_s=2.0)


def told(*addresses: str) -> Outgoing:
    anne = Person(
        id="anne",
        name="安妮",
        roles=frozenset({Role.RELATIVE}),
        channels=(Channel.WEBHOOK,),
        addresses=tuple(Address(channel=Channel.WEBHOOK, value=address) for address in addresses),
    )
    return Outgoing(
        community_id="willow",
        notification_id="fall-1:tell:0:0:anne:webhook",
        person=anne,
        channel=Channel.WEBHOOK,
        text="周芬10:02疑似摔倒。",
        created_ns=NOW_NS,
    )


def test_a_message_is_signed_as_the_example_of_standard_webhooks() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', (key,))
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_text_arrives_signed(receiver: FakeReceiver, gateway: WebhookGateway) -> None:
    assert gateway.send(told(receiver.address), NOW_NS).outcome == "delivered"
    (message,) = receiver.got
    assert message["timestamp"] == "2026-03-02T02:02:00Z"
    assert message["data"]["text"] == "周芬10:02疑似摔倒。"


@pytest.mark.parametrize("trouble", [AcceptAndStaySilent(), AcceptAndReset()])
def test_what_is_posted_twice_is_had_once(trouble: object, receiver: FakeReceiver, settings: WebhookSettings) -> None:
    gateway = WebhookGateway(settings, timeout_s=0.3)
    receiver.creates.append(trouble)
    assert gateway.send(told(receiver.address), NOW_NS).outcome == "unknown"
    assert gateway.look_up(told(receiver.address)) == ()
    assert gateway.send(told(receiver.address), NOW_NS + 60 * NS_PER_S).outcome == "delivered"
    assert len(receiver.got) == 1


def test_the_documented_receiver_refuses_what_is_forged_old_or_for_another(
    receiver: FakeReceiver, gateway: WebhookGateway, settings: WebhookSettings
) -> None:
    gateway.send(told(receiver.address), NOW_NS)
    (request,) = receiver.asked
    received = documented()
    assert received(receiver.secret, request.headers, request.body, set(), NOW_S) is not None
    (other,) = settings.secrets_of("https://example.org/another")
    for secret, body, now_s in (
        (other, request.body, NOW_S),
        (receiver.secret, request.body + b" ", NOW_S),
        (receiver.secret, request.body, NOW_S + 301),
        (receiver.secret, request.body, NOW_S - 301),
    ):
        with pytest.raises(ValueError, match=r"signed|old"):
            received(secret, request.headers, body, set(), now_s)
    with pytest.raises(ValueError, match="signed"):
        received(receiver.secret, request.headers | {"webhook-id": "another"}, request.body, set(), NOW_S)


def test_while_a_secret_is_replaced_a_receiver_may_have_either(receiver: FakeReceiver) -> None:
    new = "whsec_" + base64.b64encode(b"another secret, not logged either").decode()
    both = WebhookSettings.from_environment({"ANJU_WEBHOOK_SECRET": f"{new} {SECRET}"})
    for secret in both.secrets_of(receiver.address):
        receiver.secret = secret
        assert WebhookGateway(both).send(told(receiver.address), NOW_NS).outcome == "delivered"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (302, "rejected"),
        (400, "rejected"),
        (401, "retry"),
        (404, "rejected"),
        (408, "retry"),
        (410, "rejected"),
        (429, "retry"),
        (500, "unknown"),
    ],
)
def test_a_status_says_whether_to_post_it_again(status: int, outcome: str, receiver: FakeReceiver, gateway: WebhookGateway) -> None:
    receiver.creates.append(Refuse(status, ""))
    answer = gateway.send(told(receiver.address), NOW_NS)
    assert (answer.outcome, answer.code) == (outcome, str(status))


def test_who_is_reached_at_one_of_two_addresses_is_reached(receiver: FakeReceiver, gateway: WebhookGateway) -> None:
    assert gateway.send(told("http://127.0.0.1:1/", receiver.address), NOW_NS).outcome == "delivered"
    assert gateway.send(told("http://127.0.0.1:1/", "http://"), NOW_NS).outcome == "retry"


@pytest.mark.parametrize("said", ["", "a-secret", "whsec_c2hvcnQ=", "whsec_%%%", base64.b64encode(b"x" * 32).decode()])
def test_what_is_no_secret_is_an_error_that_does_not_show_it(said: str) -> None:
    with pytest.raises(GatewaySettingsError) as error:
        WebhookSettings.from_environment({"ANJU_WEBHOOK_SECRET": said})
    assert not said or said not in str(error.value)


def test_one_receivers_secret_is_not_anothers(settings: WebhookSettings) -> None:
    assert settings.secrets_of("https://a.example.org") != settings.secrets_of("https://b.example.org")
    assert replace(settings) == settings
    assert SECRET not in json.dumps(repr(settings))
