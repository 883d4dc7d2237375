import logging
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from devices.model import NS_PER_S
from incidents.directory import Channel, Person, Role
from notifier.carrier.provider import AcceptAndBabble, AcceptAndReset, AcceptAndStaySilent, Refuse, StaySilent, Trouble
from notifier.carrier.twilio import SENDER, TOKEN, FakeTwilio
from notifier.gateways import codes, wire
from notifier.gateways.model import ForgedReceiptError, GatewayAwayError, GatewaySettingsError, Hook, Outgoing
from notifier.gateways.twilio import MAGIC, MAGIC_SENDER, TwilioGateway, TwilioSettings
from store.outbox import DeliveryOutcome

NOW_S = 1_772_416_920
ANNE = Person(id="anne", name="安妮", roles=frozenset({Role.RELATIVE}), phone_e164="+8613900000001", channels=(Channel.SMS,))
TOLD = Outgoing(
    community_id="willow",
    notification_id="fall-1:tell:0:0:anne:sms",
    person=ANNE,
    channel=Channel.SMS,
    text="【安居】周芬（1栋101室）10:02疑似摔倒。",
    created_ns=NOW_S * NS_PER_S,
)
SERVICE = "MG" + "a" * 32

Made = Callable[..., TwilioGateway]


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with FakeTwilio(lambda: NOW_S) as fake:
        yield fake


@pytest.fixture
def made() -> Made:
    """Gateways, by what the environment says."""

    def make(environment: dict[str, str], timeout_s: float = 5.0) -> TwilioGateway:
        return TwilioGateway(TwilioSettings.from_environment(environment), timeout_s=timeout_s)

    return make


@pytest.fixture
def gateway(twilio: FakeTwilio, made: Made) -> TwilioGateway:
    return made(twilio.environment)


def test_a_message_is_accepted_under_an_id_of_twilios(twilio: FakeTwilio, gateway: TwilioGateway) -> None:
    answer = gateway.send(TOLD, 0)
    (message,) = twilio.messages
    assert (answer.outcome, answer.provider_id, answer.code) == (DeliveryOutcome.ACCEPTED, message.sid, None)
    assert (message.to, message.body, message.sender) == (ANNE.phone_e164, TOLD.text, SENDER)


def test_messages_share_a_connection_for_a_moment(twilio: FakeTwilio, gateway: TwilioGateway) -> None:
    assert [gateway.send(TOLD, 0).outcome for _ in range(5)] == ["accepted"] * 5
    assert twilio.connections == 1


def test_a_connection_that_twilio_has_closed_or_may_close_is_not_used(
    twilio: FakeTwilio, gateway: TwilioGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.send(TOLD, 0)
    twilio.hang_up()
    assert gateway.send(TOLD, 0).outcome == "accepted"
    assert twilio.connections == 2
    monkeypatch.setattr(wire, "KEPT_S", 0.0)
    assert gateway.send(TOLD, 0).outcome == "accepted"
    assert twilio.connections == 3


def test_a_messaging_service_sends_where_one_is_named(twilio: FakeTwilio, made: Made) -> None:
    made(twilio.environment | {"TWILIO_FROM": SERVICE}).send(TOLD, 0)
    assert [one.sender for one in twilio.messages] == [SERVICE]


@pytest.mark.parametrize(
    ("refused", "outcome"),
    [
        (Refuse(400, 21211, "Invalid 'To' Phone Number"), "rejected"),
        (Refuse(400, 21610), "rejected"),
        (Refuse(403, 20403), "rejected"),
        (Refuse(429, 20429, "Too Many Requests"), "retry"),
        (Refuse(401, 20003), "retry"),
        (Refuse(500, 20500), "unknown"),
        (Refuse(503, 20503), "retry"),
        (Refuse(502, 20502), "unknown"),
        (Refuse(504, 20504), "unknown"),
    ],
)
def test_a_refusal_says_whether_it_may_be_taken_later(refused: Refuse, outcome: str, twilio: FakeTwilio, gateway: TwilioGateway) -> None:
    twilio.creates.append(refused)
    answer = gateway.send(TOLD, 0)
    assert (answer.outcome, answer.code) == (outcome, str(refused.code))
    assert twilio.messages == []


def test_a_wrong_token_is_tried_again_later(twilio: FakeTwilio, made: Made) -> None:
    answer = made(twilio.environment | {"TWILIO_AUTH_TOKEN": "wrong"}).send(TOLD, 0)
    assert (answer.outcome, answer.code) == (DeliveryOutcome.RETRY, "20003")


def test_where_nobody_listens_nothing_was_sent(made: Made, twilio: FakeTwilio) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    gateway = made(twilio.environment | {"TWILIO_BASE_URL": f"http://127.0.0.1:{port}"})
    assert gateway.send(TOLD, 0).outcome is DeliveryOutcome.RETRY
    with pytest.raises(GatewayAwayError):
        gateway.look_up(TOLD)


def test_a_host_that_has_no_address_was_sent_nothing(made: Made, twilio: FakeTwilio) -> None:
    gateway = made(twilio.environment | {"TWILIO_BASE_URL": "http://twilio.invalid"})
    assert gateway.send(TOLD, 0).outcome is DeliveryOutcome.RETRY


@pytest.mark.parametrize("trouble", [AcceptAndStaySilent(), AcceptAndReset(), AcceptAndBabble()])
def test_what_was_accepted_without_an_answer_is_unknown_and_found_again(trouble: Trouble, twilio: FakeTwilio, made: Made) -> None:
    twilio.creates.append(trouble)
    gateway = made(twilio.environment, timeout_s=0.3)
    assert gateway.send(TOLD, 0).outcome is DeliveryOutcome.UNKNOWN
    (found,) = gateway.look_up(TOLD)
    assert (found.outcome, found.provider_id) == (DeliveryOutcome.ACCEPTED, twilio.messages[0].sid)


def test_what_was_not_accepted_without_an_answer_is_unknown_and_not_found(twilio: FakeTwilio, made: Made) -> None:
    twilio.creates.append(StaySilent())
    gateway = made(twilio.environment, timeout_s=0.3)
    assert gateway.send(TOLD, 0).outcome is DeliveryOutcome.UNKNOWN
    assert gateway.look_up(TOLD) == ()


def test_found_is_what_went_to_the_same_number_in_the_same_words_since_then(twilio: FakeTwilio, gateway: TwilioGateway) -> None:
    twilio.clock = lambda: NOW_S - 3600
    twilio.take(ANNE.phone_e164, TOLD.text, SENDER)
    twilio.clock = lambda: NOW_S
    twilio.take("+8613900000002", TOLD.text, SENDER)
    twilio.take(ANNE.phone_e164, "other words", SENDER)
    first, second = (twilio.take(ANNE.phone_e164, TOLD.text, SENDER) for _ in range(2))
    twilio.take(ANNE.phone_e164, TOLD.text, SENDER).direction = "inbound"
    assert [one.provider_id for one in gateway.look_up(TOLD)] == [first.sid, second.sid]


def test_a_message_is_found_behind_many_newer_ones(twilio: FakeTwilio, gateway: TwilioGateway) -> None:
    first = twilio.take(ANNE.phone_e164, TOLD.text, SENDER)
    for number in range(120):
        twilio.take(ANNE.phone_e164, f"another {number}", SENDER)
    assert [one.provider_id for one in gateway.look_up(TOLD)] == [first.sid]
    for number in range(100):
        twilio.take(ANNE.phone_e164, f"yet another {number}", SENDER)
    with pytest.raises(GatewayAwayError, match="more than 200"):
        gateway.look_up(TOLD)


def test_what_was_found_may_have_failed_or_arrived(twilio: FakeTwilio, gateway: TwilioGateway) -> None:
    twilio.fates[ANNE.phone_e164] = [("failed", 30003)]
    twilio.take(ANNE.phone_e164, TOLD.text, SENDER)
    twilio.fates[ANNE.phone_e164] = [("delivered", None)]
    twilio.take(ANNE.phone_e164, TOLD.text, SENDER)
    assert [(one.outcome, one.code) for one in gateway.look_up(TOLD)] == [("rejected", "30003"), ("delivered", None)]


@pytest.mark.parametrize("trouble", [Refuse(500, 20500), Refuse(429, 20429), StaySilent()])
def test_twilio_that_cannot_be_asked_says_neither_yes_nor_no(trouble: Trouble, twilio: FakeTwilio, made: Made) -> None:
    gateway = made(twilio.environment, timeout_s=0.3)
    sid = gateway.send(TOLD, 0).provider_id
    for ask in (lambda: gateway.look_up(TOLD), lambda: gateway.status(str(sid))):
        twilio.questions.append(trouble)
        with pytest.raises(GatewayAwayError):
            ask()


def test_its_words_come_to_delivered_rejected_or_no_news(twilio: FakeTwilio, gateway: TwilioGateway) -> None:
    words = ["queued", "sending", "sent", "undelivered", "failed", "canceled", "delivered", "read"]
    twilio.fates[ANNE.phone_e164] = [(word, 30003 if word == "undelivered" else None) for word in words]
    sid = str(gateway.send(TOLD, 0).provider_id)
    said = [gateway.status(sid) for _ in words]
    assert [one.word for one in said] == words
    assert said[3].code == "30003"
    assert [gateway.outcomes.get(one.word) for one in said] == [None] * 3 + ["rejected"] * 3 + ["delivered"] * 2


def test_what_is_missing_in_the_environment_is_named(twilio: FakeTwilio) -> None:
    with pytest.raises(GatewaySettingsError, match="TWILIO_AUTH_TOKEN, TWILIO_FROM"):
        TwilioSettings.from_environment({**twilio.environment, "TWILIO_AUTH_TOKEN": "", "TWILIO_FROM": ""})


def test_neither_token_nor_number_nor_words_are_logged(twilio: FakeTwilio, made: Made, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    settings = TwilioSettings.from_environment(twilio.environment)
    twilio.creates.extend([Refuse(400, 21211, f"{ANNE.phone_e164} is not a number"), AcceptAndReset()])
    gateway = made(twilio.environment)
    said = [repr(gateway.send(TOLD, 0)) for _ in range(3)] + [repr(gateway.look_up(TOLD)), repr(settings), repr(gateway)]
    said += [record.getMessage() for record in caplog.records if record.name.startswith(("twilio", "anju"))]
    assert [one for one in said if TOKEN in one or ANNE.phone_e164 in one or TOLD.text in one] == []


def test_a_person_without_a_number_is_refused_by_twilio(twilio: FakeTwilio, gateway: TwilioGateway) -> None:
    twilio.creates.append(Refuse(400, 21604, "A 'To' phone number is required."))
    assert gateway.send(replace(TOLD, person=replace(ANNE, phone_e164=None)), 0).outcome is DeliveryOutcome.REJECTED


def test_a_status_comes_by_itself_where_twilio_can_reach_us(twilio: FakeTwilio) -> None:
    gateway = TwilioGateway(TwilioSettings.from_environment(twilio.environment, public_url="https://anju.example.org"))
    gateway.send(TOLD, 0)
    (message,) = twilio.messages
    url = message.asked["StatusCallback"]
    fields = {"MessageSid": message.sid, "MessageStatus": "undelivered", "ErrorCode": "30003"}
    signed = Hook(url=url, headers={"x-twilio-signature": twilio.signature(url, fields)}, body=urlencode(fields).encode())
    for _ in range(2):
        (receipt,) = gateway.receipts(signed)
        assert (receipt.provider_id, gateway.outcomes[receipt.word], receipt.code) == (message.sid, "rejected", "30003")
    for forged in (replace(signed, body=signed.body.replace(b"undelivered", b"delivered")), replace(signed, url=url + "?a=1")):
        with pytest.raises(ForgedReceiptError):
            gateway.receipts(forged)


def test_test_mode_has_credentials_of_its_own_and_every_magic_number_a_meaning(twilio: FakeTwilio) -> None:
    environment = twilio.environment | {"TWILIO_TEST_ACCOUNT_SID": "AC1", "TWILIO_TEST_AUTH_TOKEN": "a-test-token"}
    settings = TwilioSettings.for_test(environment)
    assert (settings.account_sid, settings.auth_token, settings.sender) == ("AC1", "a-test-token", MAGIC_SENDER)
    assert [number for number, code in MAGIC.items() if codes.meaning("twilio", code) is None] == []
    with pytest.raises(GatewaySettingsError, match="TWILIO_TEST_AUTH_TOKEN"):
        TwilioSettings.for_test(environment | {"TWILIO_TEST_AUTH_TOKEN": ""})
