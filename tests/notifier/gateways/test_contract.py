"""What every gateway promises, tried on all of them with servers that speak their protocols."""

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest
from fakes.receiver import FakeReceiver

from devices.model import NS_PER_S
from incidents.directory import Address, Channel, Person, Role
from notifier.carrier.aliyun import HOOK_KEY as ALIYUN_HOOK_KEY
from notifier.carrier.aliyun import KEY_SECRET, FakeAliyun
from notifier.carrier.provider import AcceptAndBabble, AcceptAndReset, AcceptAndStaySilent, FakeProvider, Refuse, StaySilent
from notifier.carrier.push import FakePush
from notifier.carrier.tencent import HOOK_KEY as TENCENT_HOOK_KEY
from notifier.carrier.tencent import SECRET_KEY, FakeTencent
from notifier.carrier.twilio import TOKEN, FakeTwilio
from notifier.gateways import codes
from notifier.gateways.aliyun_sms import AliyunSmsGateway, AliyunSmsSettings
from notifier.gateways.aliyun_voice import AliyunVoiceGateway, AliyunVoiceSettings
from notifier.gateways.apprise import AppriseGateway, AppriseSettings
from notifier.gateways.codes import Remedy
from notifier.gateways.console import ConsoleGateway
from notifier.gateways.model import (
    EVERYBODY,
    NOBODY,
    SEND_S,
    ForgedReceiptError,
    Gateway,
    GatewayAwayError,
    Hook,
    InDoubt,
    Outgoing,
    Reach,
)
from notifier.gateways.setup import GATEWAYS
from notifier.gateways.tencent import TencentSettings, TencentSmsGateway
from notifier.gateways.twilio import TwilioGateway, TwilioSettings
from notifier.gateways.twilio_voice import TwilioVoiceGateway
from notifier.gateways.wearable import WearableGateway
from notifier.gateways.webhook import WebhookGateway, WebhookSettings
from notifier.gateways.webpush import WebPushGateway, WebPushSettings, new_keys
from notifier.gateways.wire import TIMEOUT_S
from store.outbox import DeliveryOutcome

NOW_S = 1_772_416_920
NOW_NS = NOW_S * NS_PER_S
TEXT = "【柳岸新村】周芬（1栋101室）10:02疑似摔倒。请立即前往查看。"
PHONE = "+8613900000001"
WEBHOOK_SECRET = "whsec_YSBzZWNyZXQgdGhhdCBtdXN0IG5vdCBiZSBsb2dnZWQ="  # noqa: S105  nobody's
VAPID_KEY, _ = new_keys()
GOOD = {DeliveryOutcome.ACCEPTED, DeliveryOutcome.DELIVERED}
FINAL = {DeliveryOutcome.DELIVERED, DeliveryOutcome.REJECTED}


@dataclass(kw_only=True)
class Case:
    """A gateway, the server behind it, what it sends and what its provider has.

    Attributes
    ----------
    make
        It, with its server at an address, credentials that are right or wrong, and a time-out in s.
    to
        What it sends, to somebody whose own address is at a server.
    had
        How often the text has arrived.
    refusal, throttled
        A lasting refusal, and one for now.
    secrets
        What may be in no log, error or repr.
    """

    name: str
    server: FakeProvider
    make: Callable[..., Gateway]
    to: Callable[[str], Outgoing]
    had: Callable[[], int]
    refusal: Refuse
    throttled: Refuse
    secrets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.made = self.make(self.server.url, timeout_s=2.0)
        self.outgoing = self.to(self.server.url)


def told(channel: Channel, *addresses: str) -> Outgoing:
    anne = Person(
        id="anne",
        name="安妮",
        roles=frozenset({Role.RELATIVE}),
        phone_e164=PHONE,
        channels=tuple(Channel),
        addresses=tuple(Address(channel=channel, value=one) for one in addresses),
    )
    return Outgoing(
        community_id="willow", notification_id=f"fall-1:tell:0:0:anne:{channel}", person=anne, channel=channel, text=TEXT, created_ns=NOW_NS
    )


def unused_url() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def twilio(kind: type[Any], channel: Channel, stack: ExitStack) -> Case:
    fake = stack.enter_context(FakeTwilio(lambda: NOW_S))

    def make(url: str, *, timeout_s: float, is_wrong: bool = False) -> Gateway:
        changed = {"TWILIO_AUTH_TOKEN": "wrong"} if is_wrong else {}
        environment = fake.environment | changed | {"TWILIO_BASE_URL": url}
        return kind(TwilioSettings.from_environment(environment, public_url="https://anju.example.org"), timeout_s=timeout_s)

    return Case(
        name=kind.name,
        server=fake,
        make=make,
        to=lambda _: told(channel),
        had=lambda: len(fake.messages) + len(fake.calls),
        refusal=Refuse(400, 21211, f"{PHONE} is no number"),
        throttled=Refuse(429, 20429),
        secrets=(TOKEN,),
    )


def aliyun(kind: type[Any], settings: type[Any], channel: Channel, stack: ExitStack) -> Case:
    fake = stack.enter_context(FakeAliyun(lambda: NOW_S))

    def make(url: str, *, timeout_s: float, is_wrong: bool = False) -> Gateway:
        changed = {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong"} if is_wrong else {}
        environment = fake.environment | changed | {"ALIYUN_BASE_URL": url}
        return kind(settings.from_environment(environment), timeout_s=timeout_s, clock=fake.now)

    return Case(
        name=kind.name,
        server=fake,
        make=make,
        to=lambda _: told(channel),
        had=lambda: len(fake.messages) + len(fake.calls),
        refusal=Refuse(200, "isv.MOBILE_NUMBER_ILLEGAL", f"{PHONE} is no number"),
        throttled=Refuse(429, "Throttling.User"),
        secrets=(KEY_SECRET, ALIYUN_HOOK_KEY),
    )


def tencent(stack: ExitStack) -> Case:
    fake = stack.enter_context(FakeTencent(lambda: NOW_S))

    def make(url: str, *, timeout_s: float, is_wrong: bool = False) -> Gateway:
        changed = {"TENCENTCLOUD_SECRET_KEY": "wrong"} if is_wrong else {}
        environment = fake.environment | changed | {"TENCENT_BASE_URL": url}
        return TencentSmsGateway(TencentSettings.from_environment(environment), timeout_s=timeout_s, clock=fake.now)

    return Case(
        name="tencent-sms",
        server=fake,
        make=make,
        to=lambda _: told(Channel.SMS),
        had=lambda: len(fake.messages),
        refusal=Refuse(200, "FailedOperation.PhoneNumberInBlacklist", PHONE),
        throttled=Refuse(200, "RequestLimitExceeded"),
        secrets=(SECRET_KEY, TENCENT_HOOK_KEY),
    )


def webhook(stack: ExitStack) -> Case:
    fake = stack.enter_context(FakeReceiver(lambda: NOW_S))
    settings = WebhookSettings.from_environment({"ANJU_WEBHOOK_SECRET": WEBHOOK_SECRET})
    (fake.secret,) = settings.secrets_of(fake.address)

    def make(_: str, *, timeout_s: float, is_wrong: bool = False) -> Gateway:
        return WebhookGateway(WebhookSettings(secrets=(b"wrong",)) if is_wrong else settings, timeout_s=timeout_s)

    return Case(
        name="webhook",
        server=fake,
        make=make,
        to=lambda url: told(Channel.WEBHOOK, f"{url}/a-secret-path"),
        had=lambda: len(fake.got),
        refusal=Refuse(410, ""),
        throttled=Refuse(429, ""),
        secrets=(WEBHOOK_SECRET, "a-secret-path", fake.secret),
    )


def webpush(stack: ExitStack) -> Case:
    fake = stack.enter_context(FakePush())
    browser = fake.browser()
    settings = WebPushSettings(private_key=VAPID_KEY, subject="mailto:duty@example.org")
    fake.public_key = settings.public_key

    def make(_: str, *, timeout_s: float, is_wrong: bool = False) -> Gateway:
        used = WebPushSettings(private_key=new_keys()[0], subject="mailto:duty@example.org") if is_wrong else settings
        return WebPushGateway(used, timeout_s=timeout_s)

    return Case(
        name="webpush",
        server=fake,
        make=make,
        to=lambda url: told(Channel.PUSH, browser.subscription.replace(fake.url, url)),
        had=lambda: len(browser.shown),
        refusal=Refuse(410, ""),
        throttled=Refuse(429, ""),
        secrets=(VAPID_KEY, "a-capability"),
    )


def apprise(stack: ExitStack) -> Case:
    fake = stack.enter_context(FakeReceiver(lambda: NOW_S))

    def make(_: str, *, timeout_s: float, is_wrong: bool = False) -> Gateway:
        if is_wrong:
            fake.creates.append(Refuse(401, ""))
        return AppriseGateway(AppriseSettings(), timeout_s=timeout_s)

    return Case(
        name="apprise",
        server=fake,
        make=make,
        to=lambda url: told(Channel.APPRISE, url.replace("http:", "json:") + "/a-secret-path"),
        had=lambda: len(fake.got),
        refusal=Refuse(404, ""),
        throttled=Refuse(429, ""),
        secrets=("a-secret-path",),
    )


CASES: dict[str, Callable[[ExitStack], Case]] = {
    "twilio": lambda stack: twilio(TwilioGateway, Channel.SMS, stack),
    "twilio-voice": lambda stack: twilio(TwilioVoiceGateway, Channel.VOICE, stack),
    "aliyun-sms": lambda stack: aliyun(AliyunSmsGateway, AliyunSmsSettings, Channel.SMS, stack),
    "aliyun-voice": lambda stack: aliyun(AliyunVoiceGateway, AliyunVoiceSettings, Channel.VOICE, stack),
    "tencent-sms": tencent,
    "webhook": webhook,
    "webpush": webpush,
    "apprise": apprise,
}
KINDS = (
    ConsoleGateway,
    WearableGateway,
    TwilioGateway,
    TwilioVoiceGateway,
    AliyunSmsGateway,
    AliyunVoiceGateway,
    TencentSmsGateway,
    WebhookGateway,
    WebPushGateway,
    AppriseGateway,
)

ASKED = [kind.name for kind in KINDS if kind.name in CASES and kind.capabilities.in_doubt in {InDoubt.LOOK_UP, InDoubt.FOUND_ONLY}]
FOUND = [kind.name for kind in KINDS if kind.name in CASES and kind.capabilities.in_doubt is InDoubt.LOOK_UP]
CALLED_BY = [kind.name for kind in KINDS if hasattr(kind, "receipts")]


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    with ExitStack() as stack:
        yield CASES[request.param](stack)


# Data


def test_every_gateway_that_can_be_set_up_is_tried_here() -> None:
    assert set(GATEWAYS) == set(CASES) | {"console"}
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names)
    assert set(names) == set(GATEWAYS) | {"wearable"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_it_can_do_is_whole_and_every_figure_has_a_source(kind: type[Any]) -> None:
    can = kind.capabilities
    assert can.channels
    for limit in can.limits:
        assert (limit.count > 0, limit.period_s > 0, bool(limit.per)) == (True, True, True)
        assert limit.source.startswith("https://")
    assert can.slots is None or (can.slots.characters > 0 and can.slots.source.startswith("https://"))
    assert set(kind.outcomes.values()) <= FINAL
    assert hash(can) is not None  # frozen through and through


def test_a_gateway_serves_the_channels_that_it_says(case: Case) -> None:
    assert case.outgoing.channel in case.made.channels
    assert case.made.channels <= case.made.capabilities.channels


def test_reach_is_by_prefix_but_for_exceptions() -> None:
    assert [EVERYBODY.covers(phone) for phone in (PHONE, None)] == [True, True]
    assert [NOBODY.covers(phone) for phone in (PHONE, None)] == [False, False]
    assert [Reach(prefixes=("+86",)).covers(phone) for phone in (PHONE, "+447700900000", None)] == [True, False, False]
    assert [Reach(but=("+86",)).covers(phone) for phone in (PHONE, "+447700900000", None)] == [False, True, True]
    assert not TwilioGateway.capabilities.reply.covers(PHONE)


def test_every_code_has_a_reason_and_a_source() -> None:
    for provider, rows in codes.TABLE.items():
        assert rows, provider
        for code, row in rows.items():
            assert row.why, code
            assert row.source.startswith("https://"), code


@pytest.mark.parametrize(
    ("gateway", "code", "remedy"),
    [
        *(("twilio", code, Remedy.BROKEN) for code in ("21211", "21614", "30005", "30006")),
        ("twilio", "21610", Remedy.CONSENT),
        ("twilio", "30003", Remedy.NEXT),
        ("twilio", "20429", Remedy.LATER),
        *(("twilio-voice", code, Remedy.OPERATOR) for code in ("21608", "20003")),
        ("aliyun-sms", "isv.MOBILE_NUMBER_ILLEGAL", Remedy.BROKEN),
        ("aliyun-voice", "isv.AMOUNT_NOT_ENOUGH", Remedy.OPERATOR),
        ("aliyun-voice", "200010", Remedy.NEXT),
        ("aliyun-sms", "USER_REJECT", Remedy.CONSENT),
        ("aliyun-sms", "Throttling.User", Remedy.LATER),
        ("tencent-sms", "FailedOperation.PhoneNumberInBlacklist", Remedy.CONSENT),
        ("tencent-sms", "AuthFailure.SecretIdNotFound", Remedy.OPERATOR),
        ("tencent-sms", "InternalError.Timeout", Remedy.AGAIN),
        ("webpush", "410", Remedy.BROKEN),
    ],
)
def test_a_code_means_what_its_provider_says(gateway: str, code: str, remedy: Remedy) -> None:
    found = codes.meaning(gateway, code)
    assert found is not None
    assert found.remedy is remedy


@pytest.mark.parametrize(
    ("gateway", "code"), [("twilio", "99999"), ("twilio", ""), ("twilio", None), ("nobody", "21211"), ("aliyun-sms", "isv.NEW")]
)
def test_an_unknown_code_means_nothing(gateway: str, code: str | None) -> None:
    assert codes.meaning(gateway, code) is None


# Sending


def test_a_text_is_had_once(case: Case) -> None:
    answer = case.made.send(case.outgoing, NOW_NS)
    assert (answer.outcome in GOOD, answer.code, case.had()) == (True, None, 1)


def test_what_is_refused_for_good_is_rejected_and_had_by_nobody(case: Case) -> None:
    case.server.creates.append(case.refusal)
    answer = case.made.send(case.outgoing, NOW_NS)
    assert (answer.outcome, answer.code, case.had()) == ("rejected", str(case.refusal.code or case.refusal.status), 0)


def test_what_is_too_much_now_may_be_taken_later(case: Case) -> None:
    case.server.creates.append(case.throttled)
    answer = case.made.send(case.outgoing, NOW_NS)
    meaning = codes.meaning(case.name, answer.code)
    assert (answer.outcome, case.had()) == ("retry", 0)
    assert meaning is not None
    assert meaning.remedy is Remedy.LATER
    assert case.made.send(case.outgoing, NOW_NS).outcome in GOOD


def test_where_nobody_listens_nothing_was_sent(case: Case) -> None:
    url = unused_url()
    answer = case.make(url, timeout_s=2.0).send(case.to(url), NOW_NS)
    assert (answer.outcome, answer.code, case.had()) == ("retry", "no_connection", 0)


def test_wrong_credentials_are_the_operators_matter_and_not_the_persons(case: Case) -> None:
    answer = case.make(case.server.url, timeout_s=2.0, is_wrong=True).send(case.outgoing, NOW_NS)
    meaning = codes.meaning(case.name, answer.code)
    assert (answer.outcome, case.had()) == ("retry", 0)
    assert meaning is not None
    assert meaning.remedy is Remedy.OPERATOR


@pytest.mark.parametrize("trouble", [AcceptAndStaySilent(), AcceptAndReset()])
def test_what_may_be_there_is_unknown_and_never_had_twice(trouble: object, case: Case) -> None:
    gateway = case.make(case.server.url, timeout_s=0.4)
    case.server.creates.append(trouble)
    assert gateway.send(case.outgoing, NOW_NS).outcome == "unknown"
    match gateway.capabilities.in_doubt:
        case InDoubt.LOOK_UP:
            (found,) = gateway.look_up(case.outgoing)
            assert found.outcome in GOOD
            assert found.provider_id
        case InDoubt.SEND_AGAIN:
            assert gateway.look_up(case.outgoing) == ()
            assert gateway.send(case.outgoing, NOW_NS).outcome in GOOD
        case InDoubt.LEAVE | InDoubt.FOUND_ONLY:
            with pytest.raises(GatewayAwayError):
                gateway.look_up(case.outgoing)
    assert case.had() == 1


def test_what_was_not_taken_without_an_answer_is_unknown_too(case: Case) -> None:
    gateway = case.make(case.server.url, timeout_s=0.4)
    case.server.creates.append(StaySilent())
    assert gateway.send(case.outgoing, NOW_NS).outcome == "unknown"
    if gateway.capabilities.in_doubt is InDoubt.LOOK_UP:
        assert tuple(gateway.look_up(case.outgoing)) == ()


@pytest.mark.parametrize("case", ASKED, indirect=True)
@pytest.mark.parametrize("trouble", [StaySilent(), AcceptAndReset(), AcceptAndBabble()])
def test_a_provider_that_cannot_be_asked_says_neither_yes_nor_no(trouble: object, case: Case) -> None:
    gateway = case.make(case.server.url, timeout_s=0.4)
    case.server.questions.append(trouble)
    with pytest.raises(GatewayAwayError):
        gateway.look_up(case.outgoing)


@pytest.mark.parametrize("case", FOUND, indirect=True)
def test_what_was_found_is_known_by_the_id_under_which_it_was_accepted(case: Case) -> None:
    answer = case.made.send(case.outgoing, NOW_NS)
    (found,) = case.made.look_up(case.outgoing)
    assert found.provider_id == answer.provider_id


def test_who_has_no_address_is_not_reached(case: Case) -> None:
    nobody = replace(case.outgoing, person=replace(case.outgoing.person, phone_e164=None, addresses=()))
    case.server.creates.append(Refuse(400, 21604))
    assert case.made.send(nobody, NOW_NS).outcome == "rejected"
    assert case.had() == 0


@pytest.mark.parametrize("text", ["𠮷田🚑", "&<>\"'{}${a}", "摔" * 5000, "e" * 5000])
def test_whatever_the_words_are_nothing_is_raised(text: str, case: Case) -> None:
    assert case.made.send(replace(case.outgoing, text=text), NOW_NS).outcome in {*GOOD, "rejected", "retry"}


@pytest.mark.parametrize(
    ("phone", "address"),
    [
        ("+86", "http://"),
        ("+861390", "http://["),
        ("+99", "https://"),
        ("anne", "json://"),
        ("", "{}"),
        ("+8613900000001x", "\x00"),
        ("+861390000000１", "http://:99999/"),
        ("+44", "http://例え.invalid/"),
    ],
)
def test_whatever_the_address_is_nothing_is_raised(phone: str, address: str, case: Case) -> None:
    addresses = (Address(channel=case.outgoing.channel, value=address),)
    odd = replace(case.outgoing, person=replace(case.outgoing.person, phone_e164=phone, addresses=addresses))
    assert case.made.send(odd, NOW_NS).outcome in {*GOOD, "rejected", "retry"}


def test_an_attempt_ends_before_somebody_else_may_look_it_up() -> None:
    assert 2 * TIMEOUT_S <= SEND_S


@pytest.mark.parametrize("case", CALLED_BY, indirect=True)
def test_a_receipt_that_is_not_the_providers_is_not_believed(case: Case) -> None:
    for body in (b"", b"[]", b"{}", b"MessageSid=SM1&MessageStatus=delivered&CallSid=CA1&CallStatus=completed", b"\xff"):
        for url in (f"https://anju.example.org/hooks/{case.name}", f"https://anju.example.org/hooks/{case.name}?key="):
            with pytest.raises(ForgedReceiptError):
                case.made.receipts(Hook(url=url, headers={}, body=body))


def test_neither_secrets_nor_numbers_nor_words_are_logged_or_shown(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    gateway = case.make(case.server.url, timeout_s=0.4)
    case.server.creates.extend([case.refusal, case.throttled, AcceptAndReset(), AcceptAndBabble()])
    said: list[str] = [repr(gateway.send(case.outgoing, NOW_NS)) for _ in range(5)]
    for ask in (lambda: gateway.look_up(case.outgoing), lambda: gateway.status("an-id")):
        case.server.questions.append(case.throttled)
        for _ in range(2):
            try:
                said.append(repr(ask()))
            except GatewayAwayError as error:
                said.append(str(error))
    said += [repr(gateway), repr(vars(gateway)), repr(case.outgoing.text is TEXT), repr(replace(case.outgoing).person.addresses)]
    said += [record.getMessage() for record in caplog.records if record.name.partition(".")[0] not in {"asyncio", "hypothesis"}]
    hidden = (*case.secrets, TEXT, PHONE.removeprefix("+86"), "疑似摔倒")
    assert [(one, what) for one in said for what in hidden if what in one] == []
