import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from devices.model import NS_PER_S
from incidents.directory import Channel, Person, Role
from notifier.carrier.provider import AcceptAndBabble, AcceptAndReset, AcceptAndStaySilent, Refuse, StaySilent
from notifier.carrier.tencent import HOOK_KEY, FakeTencent
from notifier.gateways.model import ForgedReceiptError, GatewayAwayError, GatewaySettingsError, Hook, Outgoing
from notifier.gateways.tencent import TencentSettings, TencentSmsGateway, signed

NOW_S = 1_772_416_920
ANNE = Person(id="anne", name="安妮", roles=frozenset({Role.RELATIVE}), phone_e164="+8613900000001", channels=(Channel.SMS,))
TOLD = Outgoing(
    community_id="willow",
    notification_id="fall-1:tell:0:0:anne:sms",
    person=ANNE,
    channel=Channel.SMS,
    text="【柳岸新村】周芬（1栋101室）10:02疑似摔倒。请立即前往查看。",
    created_ns=NOW_S * NS_PER_S,
)
HOOK = f"https://anju.example.org/hooks/tencent-sms?key={HOOK_KEY}"


@pytest.fixture
def tencent() -> Iterator[FakeTencent]:
    with FakeTencent(lambda: NOW_S) as fake:
        yield fake


def gateway_of(tencent: FakeTencent, timeout_s: float = 2.0) -> TencentSmsGateway:
    return TencentSmsGateway(TencentSettings.from_environment(tencent.environment), timeout_s=timeout_s, clock=tencent.now)


def test_a_request_is_signed_as_tencents_sdk_does() -> None:
    """What tencentcloud-sdk-python-common 3.1.195 computes."""
    settings = TencentSettings(secret_id="anID", secret_key="aSecret", app_id="1", sign_name="安居", templates=())  # noqa: S106
    body = json.dumps({"PhoneNumberSet": ["+8613900000001"], "SignName": "安居"}, ensure_ascii=False, separators=(",", ":")).encode()
    headers = signed(settings, "sms.tencentcloudapi.com", "SendSms", body, 1_772_416_920)
    assert headers["Authorization"].endswith("Signature=ea41a6bade34f186390984ec1623b29ee65442b7ea35dc06adbffacff87aa844")


def test_a_text_goes_out_in_an_approved_template_under_the_signature(tencent: FakeTencent) -> None:
    answer = gateway_of(tencent).send(TOLD, 0)
    (message,) = tencent.messages
    assert answer.outcome == "accepted"
    assert message.to == "+8613900000001"
    assert message.text == "【安居】安居提醒，柳岸新村，周芬（1栋101室）10:02疑似摔倒。请立即前往查看，请尽快处理。"


def test_variables_are_as_short_as_the_account_may_have_them(tencent: FakeTencent) -> None:
    settings = TencentSettings.from_environment(tencent.environment | {"TENCENT_VARIABLE_CHARACTERS": ""})
    gateway = TencentSmsGateway(settings, clock=lambda: NOW_S)
    assert gateway.capabilities.slots is not None
    assert gateway.capabilities.slots.characters == 12
    assert gateway.send(TOLD, 0).outcome == "accepted"
    assert gateway.send(replace(TOLD, text="摔" * 49), 0).code == "too_long_for_template"
    with pytest.raises(GatewaySettingsError, match="TENCENT_VARIABLE_CHARACTERS is '0'"):
        TencentSettings.from_environment(tencent.environment | {"TENCENT_VARIABLE_CHARACTERS": "0"})


@pytest.mark.parametrize(
    ("refused", "outcome"),
    [
        (Refuse(200, "AuthFailure.SignatureFailure"), "retry"),
        (Refuse(200, "RequestLimitExceeded"), "retry"),
        (Refuse(200, "FailedOperation.InsufficientBalanceInSmsPackage"), "retry"),
        (Refuse(200, "FailedOperation.PhoneNumberInBlacklist"), "rejected"),
        (Refuse(200, "FailedOperation.SomethingNew"), "rejected"),
        (Refuse(200, "InternalError.Timeout"), "unknown"),
        (Refuse(502, "SomethingNew"), "unknown"),
    ],
)
def test_a_refusal_says_whether_it_may_be_taken_later(refused: Refuse, outcome: str, tencent: FakeTencent) -> None:
    tencent.creates.append(refused)
    answer = gateway_of(tencent).send(TOLD, 0)
    assert (answer.outcome, answer.code) == (outcome, refused.code)


def test_a_number_that_tencent_refuses_is_refused_for_the_person_only(tencent: FakeTencent) -> None:
    answer = gateway_of(tencent).send(replace(TOLD, person=replace(ANNE, phone_e164="+8657112345678")), 0)
    assert (answer.outcome, answer.code) == ("rejected", "InvalidParameterValue.IncorrectPhoneNumber")
    assert gateway_of(tencent).send(replace(TOLD, person=replace(ANNE, phone_e164="+447700900000")), 0).code == "not_served"


@pytest.mark.parametrize("trouble", [AcceptAndStaySilent(), AcceptAndReset(), AcceptAndBabble()])
def test_what_is_of_unknown_end_is_found_once_its_carrier_has_spoken(trouble: object, tencent: FakeTencent) -> None:
    gateway = gateway_of(tencent, timeout_s=0.4)
    gateway.send(replace(TOLD, notification_id="another"), 0)
    tencent.creates.append(trouble)
    assert gateway.send(TOLD, 0).outcome == "unknown"
    with pytest.raises(GatewayAwayError, match="carrier"):
        gateway.look_up(TOLD)
    for message in tencent.messages:
        message.status = "SUCCESS"
    (found,) = gateway.look_up(TOLD)
    assert found.outcome == "delivered"
    assert gateway.status(str(found.provider_id)).word == "SUCCESS"


@pytest.mark.parametrize(("status", "code", "outcome"), [("", "", None), ("SUCCESS", "", "delivered"), ("FAIL", "002", "rejected")])
def test_tencent_says_how_it_fares_when_asked_and_by_itself(status: str, code: str, outcome: str | None, tencent: FakeTencent) -> None:
    gateway = gateway_of(tencent)
    provider_id = str(gateway.send(TOLD, 0).provider_id)
    (message,) = tencent.messages
    message.status, message.code = status, code
    said = gateway.status(provider_id)
    assert (gateway.outcomes.get(said.word), said.code) == (outcome, code or None)
    if outcome:
        for receipt in gateway.receipts(Hook(url=HOOK, headers={}, body=tencent.report(message, message))):
            assert (receipt.provider_id, gateway.outcomes[receipt.word], receipt.code) == (provider_id, outcome, code or None)


def test_a_report_without_the_key_of_its_address_is_not_believed(tencent: FakeTencent) -> None:
    gateway = gateway_of(tencent)
    gateway.send(TOLD, 0)
    tencent.messages[0].status = "SUCCESS"
    true = Hook(url=HOOK, headers={}, body=tencent.report(*tencent.messages))
    assert len(gateway.receipts(true)) == 1
    for forged in (
        replace(true, url=HOOK + "x"),
        replace(true, url=HOOK.partition("?")[0]),
        replace(true, body=b"[{}]"),
        replace(true, body=b""),
    ):
        with pytest.raises(ForgedReceiptError):
            gateway.receipts(forged)


@pytest.mark.parametrize("trouble", [Refuse(200, "InternalError"), StaySilent(), AcceptAndBabble()])
def test_tencent_that_cannot_be_asked_says_neither_yes_nor_no(trouble: object, tencent: FakeTencent) -> None:
    gateway = gateway_of(tencent, timeout_s=0.4)
    provider_id = str(gateway.send(TOLD, 0).provider_id)
    for ask in (lambda: gateway.look_up(TOLD), lambda: gateway.status(provider_id), lambda: gateway.status("no id of ours")):
        tencent.questions.append(trouble)
        with pytest.raises(GatewayAwayError):
            ask()


def test_what_is_missing_in_the_environment_is_named(tencent: FakeTencent) -> None:
    with pytest.raises(GatewaySettingsError, match="TENCENTCLOUD_SECRET_KEY, TENCENT_SIGN_NAME"):
        TencentSettings.from_environment(tencent.environment | {"TENCENTCLOUD_SECRET_KEY": "", "TENCENT_SIGN_NAME": ""})
