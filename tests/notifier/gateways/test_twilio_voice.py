from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest

from devices.model import NS_PER_S
from incidents.directory import Channel, Language, Person, Role
from notifier.carrier.provider import AcceptAndReset, AcceptAndStaySilent, Refuse
from notifier.carrier.twilio import SENDER, FakeTwilio
from notifier.gateways.model import ForgedReceiptError, Hook, Outgoing
from notifier.gateways.twilio import TwilioSettings
from notifier.gateways.twilio_voice import HEARD_S, TwilioVoiceGateway, spoken

NOW_S = 1_772_416_920
ANNE = Person(id="anne", name="安妮", roles=frozenset({Role.RELATIVE}), phone_e164="+8613900000001", channels=(Channel.VOICE,))
TOLD = Outgoing(
    community_id="willow",
    notification_id="fall-1:tell:0:0:anne:voice",
    person=ANNE,
    channel=Channel.VOICE,
    text="柳岸新村提醒您，周芬，1栋101室，十点零二分疑似摔倒。",
    created_ns=NOW_S * NS_PER_S,
)
HOOK = "https://anju.example.org/hooks/twilio-voice"


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with FakeTwilio(lambda: NOW_S) as fake:
        yield fake


@pytest.fixture
def gateway(twilio: FakeTwilio) -> TwilioVoiceGateway:
    return TwilioVoiceGateway(TwilioSettings.from_environment(twilio.environment, public_url="https://anju.example.org/"), timeout_s=2.0)


def walked(twiml: str) -> ET.Element:
    """TwiML, as a telephone goes through it."""
    return ET.fromstring(twiml)  # noqa: S314  our own


def heard(twilio: FakeTwilio, gateway: TwilioVoiceGateway, **fate: object) -> str:
    """What a finished call is called."""
    sid = gateway.send(TOLD, 0).provider_id
    call = next(one for one in twilio.calls if one.sid == sid)
    call.statuses[0] = (str(fate.pop("status", "completed")), None)
    for name, value in fate.items():
        setattr(call, name, value)
    return gateway.status(str(sid)).word


def test_a_call_is_asked_for_once_with_its_words_in_it(twilio: FakeTwilio, gateway: TwilioVoiceGateway) -> None:
    answer = gateway.send(TOLD, 0)
    (call,) = twilio.calls
    assert (answer.outcome, answer.provider_id) == ("accepted", call.sid)
    assert (call.to, call.sender) == (ANNE.phone_e164, SENDER)
    assert (call.asked["MachineDetection"], call.asked["AsyncAmd"], call.asked["StatusCallback"]) == ("Enable", "true", HOOK)


@pytest.mark.parametrize(("language", "tongue"), [(Language.ZH, "cmn-CN"), (Language.EN, "en-GB")])
def test_the_text_is_read_twice_in_the_listeners_language_and_a_key_is_waited_for(language: Language, tongue: str) -> None:
    gather = walked(spoken(TOLD.text, language, HOOK)).find("Gather")
    assert gather is not None
    assert (gather.get("action"), gather.get("numDigits"), gather.get("input")) == (HOOK, "1", "dtmf")
    (say,) = gather
    assert (say.text, say.get("language"), say.get("loop")) == (TOLD.text, tongue, "2")


def test_without_a_public_address_no_key_is_asked_for(twilio: FakeTwilio) -> None:
    TwilioVoiceGateway(TwilioSettings.from_environment(twilio.environment)).send(TOLD, 0)
    (call,) = twilio.calls
    assert [one.tag for one in walked(call.body)] == ["Say"]
    assert "StatusCallback" not in call.asked


def test_the_longest_text_fits_into_a_call_however_it_is_written() -> None:
    longest = TwilioVoiceGateway.capabilities.longest
    assert longest is not None
    assert len(spoken('"' * longest, Language.EN, HOOK)) <= 4000


@pytest.mark.parametrize(
    ("fate", "outcome"),
    [
        ({"duration_s": HEARD_S}, "delivered"),
        ({"duration_s": HEARD_S - 1}, "rejected"),
        ({"duration_s": 60, "answered_by": "human"}, "delivered"),
        ({"duration_s": 60, "answered_by": "unknown"}, "delivered"),
        ({"duration_s": 60, "answered_by": "machine_start"}, "rejected"),
        ({"duration_s": 60, "answered_by": "fax"}, "rejected"),
        *(({"status": status}, "rejected") for status in ("busy", "no-answer", "failed", "canceled")),
        *(({"status": status}, None) for status in ("queued", "ringing", "in-progress")),
    ],
)
def test_answered_is_not_heard(fate: dict[str, object], outcome: str | None, twilio: FakeTwilio, gateway: TwilioVoiceGateway) -> None:
    assert gateway.outcomes.get(heard(twilio, gateway, **fate)) == outcome


@pytest.mark.parametrize("trouble", [AcceptAndStaySilent(), AcceptAndReset()])
def test_a_call_of_unknown_end_is_found_by_number_and_time(trouble: object, twilio: FakeTwilio) -> None:
    gateway = TwilioVoiceGateway(TwilioSettings.from_environment(twilio.environment), timeout_s=0.3)
    twilio.clock = lambda: NOW_S - 3600
    twilio.take(ANNE.phone_e164, "", SENDER, "Calls")
    twilio.clock = lambda: NOW_S
    twilio.take("+8613900000002", "", SENDER, "Calls")
    twilio.take(ANNE.phone_e164, "", "+15005550010", "Calls")
    twilio.creates.append(trouble)
    assert gateway.send(TOLD, 0).outcome == "unknown"
    assert [one.provider_id for one in gateway.look_up(TOLD)] == [twilio.calls[-1].sid]


@pytest.mark.parametrize(
    ("refused", "outcome"), [(Refuse(400, 21211), "rejected"), (Refuse(429, 20429), "retry"), (Refuse(500, 20500), "unknown")]
)
def test_a_refusal_is_told_as_for_a_message(refused: Refuse, outcome: str, twilio: FakeTwilio, gateway: TwilioVoiceGateway) -> None:
    twilio.creates.append(refused)
    assert gateway.send(TOLD, 0).outcome == outcome


def hook(twilio: FakeTwilio, fields: dict[str, str], url: str = HOOK) -> Hook:
    headers = {"x-twilio-signature": twilio.signature(url, fields)}
    return Hook(url=url, headers=headers, body=urlencode(fields).encode())


def test_the_end_of_a_call_comes_by_itself(twilio: FakeTwilio, gateway: TwilioVoiceGateway) -> None:
    ended = {"CallSid": "CA1", "CallStatus": "completed", "CallDuration": "31"}
    (receipt,) = gateway.receipts(hook(twilio, ended))
    assert (receipt.provider_id, receipt.word) == ("CA1", "completed")
    (receipt,) = gateway.receipts(hook(twilio, ended | {"AnsweredBy": "machine_end_beep"}))
    assert gateway.outcomes[receipt.word] == "rejected"


def test_a_pressed_key_is_no_receipt(twilio: FakeTwilio, gateway: TwilioVoiceGateway) -> None:
    assert gateway.receipts(hook(twilio, {"CallSid": "CA1", "CallStatus": "in-progress", "Digits": "1"})) == ()


def test_a_forged_end_is_not_believed(twilio: FakeTwilio, gateway: TwilioVoiceGateway) -> None:
    true = hook(twilio, {"CallSid": "CA1", "CallStatus": "completed"})
    for forged in (
        replace(true, body=true.body.replace(b"CA1", b"CA2")),
        replace(true, headers={}),
        replace(true, url="https://anju.example.org/hooks/twilio"),
        hook(twilio, {"CallSid": "CA1"}),
        replace(true, body=b"\xff"),
    ):
        with pytest.raises(ForgedReceiptError):
            gateway.receipts(forged)
