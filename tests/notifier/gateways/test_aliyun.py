import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from devices.model import NS_PER_S
from incidents.directory import Channel, Person, Role
from notifier.carrier.aliyun import GOODBYE, HOOK_KEY, SHOW_NUMBER, FakeAliyun
from notifier.carrier.provider import AcceptAndBabble, AcceptAndReset, AcceptAndStaySilent, Refuse, StaySilent
from notifier.gateways.aliyun import AliyunAccount, signed
from notifier.gateways.aliyun_sms import AliyunSmsGateway, AliyunSmsSettings
from notifier.gateways.aliyun_voice import AliyunVoiceGateway, AliyunVoiceSettings, dialled, spoken
from notifier.gateways.model import ForgedReceiptError, GatewayAwayError, GatewaySettingsError, Hook, Outgoing

NOW_S = 1_772_416_920
ANNE = Person(id="anne", name="安妮", roles=frozenset({Role.RELATIVE}), phone_e164="+8613900000001", channels=(Channel.SMS, Channel.VOICE))
TOLD = Outgoing(
    community_id="willow",
    notification_id="fall-1:tell:0:0:anne:sms",
    person=ANNE,
    channel=Channel.SMS,
    text="【柳岸新村】周芬（1栋101室）10:02疑似摔倒。请立即前往查看。",
    created_ns=NOW_S * NS_PER_S,
)
CALLED = replace(TOLD, notification_id="fall-1:tell:0:0:anne:voice", channel=Channel.VOICE)


@pytest.fixture
def aliyun() -> Iterator[FakeAliyun]:
    with FakeAliyun(lambda: NOW_S) as fake:
        yield fake


def sms_of(aliyun: FakeAliyun, timeout_s: float = 2.0) -> AliyunSmsGateway:
    return AliyunSmsGateway(AliyunSmsSettings.from_environment(aliyun.environment), timeout_s=timeout_s, clock=aliyun.now)


def voice_of(aliyun: FakeAliyun, timeout_s: float = 2.0) -> AliyunVoiceGateway:
    return AliyunVoiceGateway(AliyunVoiceSettings.from_environment(aliyun.environment), timeout_s=timeout_s, clock=aliyun.now)


@pytest.mark.parametrize(
    ("account", "host", "action", "parameters", "at", "version", "signature"),
    [
        pytest.param(
            ("YourAccessKeyId", "YourAccessKeySecret"),
            "ecs.cn-shanghai.aliyuncs.com",
            "RunInstances",
            {"ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd", "RegionId": "cn-shanghai"},
            datetime(2023, 10, 26, 10, 22, 32, tzinfo=UTC),
            "2014-05-26",
            "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
            id="the example of Aliyun's documentation",
        ),
        pytest.param(
            ("anID", "aSecret"),
            "dysmsapi.aliyuncs.com",
            "SendSms",
            {
                "PhoneNumbers": "13900000001",
                "SignName": "安居",
                "TemplateCode": "SMS_1",
                "TemplateParam": '{"a":"周芬（1栋101室）10:02疑似摔倒 ~*"}',
                "OutId": "x.y-z_1",
            },
            datetime(2026, 3, 2, 2, 2, tzinfo=UTC),
            "2017-05-25",
            "509c014b077a592a4955a27343926bda8d4d2162f52dc9a7283b20242031c064",
            id="what alibabacloud-openapi-util 0.2.4 computes",
        ),
    ],
)
def test_a_request_is_signed_as_aliyun_does(  # noqa: PLR0917
    account: tuple[str, str], host: str, action: str, parameters: dict[str, str], at: datetime, version: str, signature: str
) -> None:
    key = AliyunAccount(access_key_id=account[0], access_key_secret=account[1])
    headers = signed(key, host, action, parameters, now=at, once="3156853299f313e23d1673dc12e1703d", version=version)
    assert headers["Authorization"].endswith(f"Signature={signature}")


def test_a_text_goes_out_in_an_approved_template_under_the_signature(aliyun: FakeAliyun) -> None:
    answer = sms_of(aliyun).send(TOLD, 0)
    (message,) = aliyun.messages
    assert (answer.outcome, answer.provider_id) == ("accepted", message.out_id)
    assert message.to == "13900000001"
    assert message.text == "【安居】安居提醒，柳岸新村，周芬（1栋101室）10:02疑似摔倒。请立即前往查看，请尽快处理。"


def test_a_text_that_no_template_holds_is_not_sent(aliyun: FakeAliyun) -> None:
    for text, code in (("摔" * 200, "too_long_for_template"), ("请拨13900000001", "forbidden_in_template")):
        answer = sms_of(aliyun).send(replace(TOLD, text=text), 0)
        assert (answer.outcome, answer.code) == ("rejected", code)
    assert aliyun.asked == []


def test_a_number_of_another_country_is_not_served(aliyun: FakeAliyun) -> None:
    for gateway in (sms_of(aliyun), voice_of(aliyun)):
        assert not gateway.capabilities.serves.covers("+447700900000")
        assert gateway.send(replace(TOLD, person=replace(ANNE, phone_e164="+447700900000")), 0).code == "not_served"
    assert aliyun.asked == []


@pytest.mark.parametrize(
    ("refused", "outcome"),
    [
        (Refuse(200, "isv.MOBILE_NUMBER_ILLEGAL"), "rejected"),
        (Refuse(200, "isv.BUSINESS_LIMIT_CONTROL"), "retry"),
        (Refuse(200, "isv.AMOUNT_NOT_ENOUGH"), "retry"),
        (Refuse(200, "isv.SOMETHING_NEW"), "rejected"),
        (Refuse(200, "isp.SYSTEM_ERROR"), "unknown"),
        (Refuse(429, "Throttling.User"), "retry"),
        (Refuse(403, "Forbidden.RAM"), "retry"),
        (Refuse(500, "InternalError"), "unknown"),
        (Refuse(503, "SomethingNew"), "unknown"),
    ],
)
def test_a_refusal_says_whether_it_may_be_taken_later(refused: Refuse, outcome: str, aliyun: FakeAliyun) -> None:
    for gateway in (sms_of(aliyun), voice_of(aliyun)):
        aliyun.creates.append(refused)
        answer = gateway.send(TOLD, 0)
        assert (answer.outcome, answer.code) == (outcome, refused.code)


@pytest.mark.parametrize("trouble", [AcceptAndStaySilent(), AcceptAndReset(), AcceptAndBabble()])
def test_an_sms_of_unknown_end_is_found_by_its_own_id(trouble: object, aliyun: FakeAliyun) -> None:
    gateway = sms_of(aliyun, timeout_s=0.4)
    gateway.send(replace(TOLD, notification_id="another"), 0)
    aliyun.creates.append(trouble)
    assert gateway.send(TOLD, 0).outcome == "unknown"
    (found,) = gateway.look_up(TOLD)
    assert (found.outcome, found.provider_id) == ("accepted", aliyun.messages[1].out_id)


def test_an_sms_that_was_not_taken_is_not_found(aliyun: FakeAliyun) -> None:
    aliyun.creates.append(StaySilent())
    gateway = sms_of(aliyun, timeout_s=0.4)
    assert gateway.send(TOLD, 0).outcome == "unknown"
    assert gateway.look_up(TOLD) == ()


def test_an_sms_is_found_behind_many_and_after_midnight(aliyun: FakeAliyun) -> None:
    gateway = sms_of(aliyun)
    gateway.send(TOLD, 0)
    for number in range(60):
        gateway.send(replace(TOLD, notification_id=f"n-{number}"), 0)
    assert len(gateway.look_up(TOLD)) == 1
    at_midnight = NOW_S + 14 * 3600  # Beijing's next day has begun
    aliyun.clock = lambda: at_midnight
    late = replace(TOLD, notification_id="late")
    gateway.send(late, 0)
    assert len(gateway.look_up(late)) == 1


def test_a_look_up_through_too_many_says_neither_yes_nor_no(aliyun: FakeAliyun) -> None:
    gateway = sms_of(aliyun)
    for number in range(200):
        aliyun._take(aliyun.messages, "13900000001", "", "1", {"TemplateCode": "SMS_1", "OutId": str(number)})
    with pytest.raises(GatewayAwayError, match="more than 200"):
        gateway.look_up(TOLD)


@pytest.mark.parametrize(
    ("status", "code", "outcome"), [("1", "", None), ("3", "", "delivered"), ("2", "MOBILE_NOT_ON_SERVICE", "rejected")]
)
def test_aliyun_says_how_an_sms_fares_when_asked_and_by_itself(status: str, code: str, outcome: str | None, aliyun: FakeAliyun) -> None:
    gateway = sms_of(aliyun)
    provider_id = str(gateway.send(TOLD, 0).provider_id)
    (message,) = aliyun.messages
    message.status, message.code = status, code
    said = gateway.status(provider_id)
    assert (gateway.outcomes.get(said.word), said.code) == (outcome, code or None)
    if outcome:
        hook = Hook(url=f"https://anju.example.org/hooks/aliyun-sms?key={HOOK_KEY}", headers={}, body=aliyun.report(message, message))
        for receipt in gateway.receipts(hook):
            assert (receipt.provider_id, gateway.outcomes[receipt.word], receipt.code) == (provider_id, outcome, code or None)


def test_what_aliyun_does_not_show_yet_is_no_news(aliyun: FakeAliyun) -> None:
    gateway = sms_of(aliyun)
    provider_id = str(gateway.send(TOLD, 0).provider_id)
    aliyun.messages.clear()
    assert gateway.outcomes.get(gateway.status(provider_id).word) is None


def test_a_report_without_the_key_of_its_address_is_not_believed(aliyun: FakeAliyun) -> None:
    gateway = sms_of(aliyun)
    gateway.send(TOLD, 0)
    true = Hook(url=f"https://anju.example.org/hooks/aliyun-sms?key={HOOK_KEY}", headers={}, body=aliyun.report(*aliyun.messages))
    assert len(gateway.receipts(true)) == 1
    keyless = AliyunSmsGateway(AliyunSmsSettings.from_environment(aliyun.environment | {"ALIYUN_HOOK_KEY": ""}))
    for asked, forged in (
        (gateway, replace(true, url="https://anju.example.org/hooks/aliyun-sms")),
        (gateway, replace(true, url="https://anju.example.org/hooks/aliyun-sms?key=guessed")),
        (keyless, replace(true, url="https://anju.example.org/hooks/aliyun-sms?key=")),
        (gateway, replace(true, body=b"{}")),
        (gateway, replace(true, body=b"[{}]")),
        (gateway, replace(true, body=b"\xff")),
    ):
        with pytest.raises(ForgedReceiptError):
            asked.receipts(forged)


def test_the_test_of_aliyuns_own_sends_its_template_and_not_the_text(aliyun: FakeAliyun) -> None:
    gateway = AliyunSmsGateway(AliyunSmsSettings.for_test(aliyun.environment), clock=lambda: NOW_S)
    assert gateway.send(TOLD, 0).outcome == "accepted"
    assert "体验验证码是：1234" in aliyun.messages[0].text


def test_a_call_reads_the_template_out(aliyun: FakeAliyun) -> None:
    answer = voice_of(aliyun).send(CALLED, 0)
    (call,) = aliyun.calls
    assert (answer.outcome, answer.provider_id, call.to) == ("accepted", call.id, "13900000001")
    assert call.text == "这里是安居，柳岸新村 周芬（1栋101室）10点02分疑似摔倒。请立即前往查看，请尽快处理。"
    assert "CalledShowNumber" not in call.asked


def test_a_number_of_ones_own_is_shown_where_there_is_one(aliyun: FakeAliyun) -> None:
    settings = AliyunVoiceSettings.from_environment(aliyun.environment | {"ALIYUN_SHOW_NUMBER": "057112345678"})
    AliyunVoiceGateway(settings, clock=lambda: NOW_S).send(CALLED, 0)
    assert aliyun.calls[0].asked["CalledShowNumber"] == "057112345678"


def test_a_fixed_line_is_dialled_with_its_area() -> None:
    assert [dialled(number) for number in ("+8657112345678", "+8613900000001", "+447700900000", None)] == [
        "057112345678",
        "13900000001",
        None,
        None,
    ]


def test_what_may_not_be_read_out_is_taken_out() -> None:
    assert spoken("【柳岸】9:05，1-2#楼") == " 柳岸 9点05分，1 2 楼"


@pytest.mark.parametrize(
    ("state", "outcome"),
    [("", None), ("200100", None), ("200000", "delivered"), ("200001", "rejected"), ("200010", "rejected"), ("999999", "rejected")],
)
def test_a_call_is_delivered_when_it_was_heard_to_its_end(state: str, outcome: str | None, aliyun: FakeAliyun) -> None:
    gateway = voice_of(aliyun)
    provider_id = str(gateway.send(CALLED, 0).provider_id)
    (call,) = aliyun.calls
    call.status = state
    said = gateway.status(provider_id)
    assert gateway.outcomes.get(said.word) == outcome
    assert said.code == (state if outcome == "rejected" else None)
    aliyun.clock = lambda: NOW_S + 20 * 3600  # the next day in Beijing
    assert gateway.status(provider_id) == said
    hook = Hook(url=f"https://anju.example.org/hooks/aliyun-voice?key={HOOK_KEY}", headers={}, body=aliyun.report(call, call))
    receipts = gateway.receipts(hook)
    assert [(one.provider_id, gateway.outcomes[one.word]) for one in receipts] == ([(provider_id, outcome)] * 2 if outcome else [])


def test_keys_are_heard_where_there_is_a_goodbye_a_number_and_a_way_back(aliyun: FakeAliyun) -> None:
    wanted = aliyun.environment | {"ALIYUN_TTS_GOODBYE": GOODBYE, "ALIYUN_SHOW_NUMBER": SHOW_NUMBER}
    deaf = AliyunVoiceGateway(AliyunVoiceSettings.from_environment(wanted), clock=aliyun.now)
    assert not deaf.capabilities.keys.covers(ANNE.phone_e164)
    gateway = AliyunVoiceGateway(AliyunVoiceSettings.from_environment(wanted, public_url="https://anju.example.org"), clock=aliyun.now)
    assert gateway.capabilities.keys.covers(ANNE.phone_e164)
    assert gateway.send(CALLED, 0).outcome == "accepted"
    assert aliyun.calls[0].asked["ByeCode"] == GOODBYE
    aliyun.calls[0].keys = "2"
    hook = Hook(url=f"https://anju.example.org/hooks/aliyun-voice?key={HOOK_KEY}", headers={}, body=aliyun.report(*aliyun.calls))
    assert [(one.provider_id, one.key) for one in gateway.pressed(hook)] == [(aliyun.calls[0].id, "2")]
    with pytest.raises(ForgedReceiptError):
        gateway.pressed(replace(hook, url="https://anju.example.org/hooks/aliyun-voice"))
    for missing in ("ALIYUN_SHOW_NUMBER", "ALIYUN_HOOK_KEY"):
        with pytest.raises(GatewaySettingsError, match="ALIYUN_TTS_GOODBYE"):
            AliyunVoiceSettings.from_environment(wanted | {missing: ""}, public_url="https://anju.example.org")


def test_a_call_of_unknown_end_stays_unknown(aliyun: FakeAliyun) -> None:
    aliyun.creates.append(AcceptAndReset())
    gateway = voice_of(aliyun)
    assert gateway.send(CALLED, 0).outcome == "unknown"
    with pytest.raises(GatewayAwayError):
        gateway.look_up(CALLED)


@pytest.mark.parametrize("trouble", [Refuse(500, "InternalError"), StaySilent(), AcceptAndBabble()])
def test_aliyun_that_cannot_be_asked_says_neither_yes_nor_no(trouble: object, aliyun: FakeAliyun) -> None:
    sms, voice = sms_of(aliyun, timeout_s=0.4), voice_of(aliyun, timeout_s=0.4)
    sms_id, voice_id = str(sms.send(TOLD, 0).provider_id), str(voice.send(CALLED, 0).provider_id)
    for ask in (lambda: sms.look_up(TOLD), lambda: sms.status(sms_id), lambda: voice.status(voice_id), lambda: sms.status("no id of ours")):
        aliyun.questions.append(trouble)
        with pytest.raises(GatewayAwayError):
            ask()


def test_an_id_tells_aliyun_the_day_and_the_number_only(aliyun: FakeAliyun) -> None:
    sms_of(aliyun).send(TOLD, 0)
    assert "anne" not in json.dumps(aliyun.messages[0].asked)
    assert len(aliyun.messages[0].out_id) < 256


def test_what_is_missing_in_the_environment_is_named(aliyun: FakeAliyun) -> None:
    with pytest.raises(GatewaySettingsError, match="ALIBABA_CLOUD_ACCESS_KEY_SECRET"):
        AliyunSmsSettings.from_environment(aliyun.environment | {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": ""})
    with pytest.raises(GatewaySettingsError, match="ALIYUN_SIGN_NAME, ALIYUN_SMS_TEMPLATES"):
        AliyunSmsSettings.from_environment(aliyun.environment | {"ALIYUN_SIGN_NAME": "", "ALIYUN_SMS_TEMPLATES": ""})
    with pytest.raises(GatewaySettingsError, match="ALIYUN_TTS_TEMPLATES"):
        AliyunVoiceSettings.from_environment(aliyun.environment | {"ALIYUN_TTS_TEMPLATES": ""})
