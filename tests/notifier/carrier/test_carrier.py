"""The fake carrier: what a phone would see, what providers would say, and what gateways make of it."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from fakes.brokers import PATIENCE_S

from devices.model import NS_PER_S
from incidents.directory import Channel, Person, Role
from notifier.carrier.carrier import Carrier
from notifier.carrier.phones import Condition, Habit, Phones, What
from notifier.carrier.provider import Refuse
from notifier.carrier.twilio import SENDER
from notifier.carrier.twiml import Document, TwimlError, messages, walk
from notifier.gateways.aliyun_sms import AliyunSmsGateway, AliyunSmsSettings
from notifier.gateways.aliyun_voice import AliyunVoiceGateway, AliyunVoiceSettings
from notifier.gateways.model import Gateway, Hook, Outgoing
from notifier.gateways.tencent import TencentSettings, TencentSmsGateway
from notifier.gateways.twilio import TwilioGateway, TwilioSettings
from notifier.gateways.twilio_voice import TwilioVoiceGateway
from notifier.gateways.webpush import WebPushGateway, WebPushSettings, new_keys
from store.outbox import DeliveryOutcome

LEI = "+8613800000001"
TEXT = "【湖畔家园】王秀英（3栋201室）10:02疑似摔倒。请立即前往查看。"


class Listener:
    """Where a carrier's calls come: it answers each as told, and keeps all of them."""

    def __init__(self) -> None:
        self.hooks: list[Hook] = []
        self.answers: dict[str, Callable[[dict[str, str]], str]] = {}
        self.changed = threading.Condition()
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook = Hook(url=f"{listener.url}{self.path}", headers={k.lower(): v for k, v in self.headers.items()}, body=body)
                said = listener.answers.get(self.path, lambda _: "")(dict(parse_qsl(body.decode()))).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)
                with listener.changed:
                    listener.hooks.append(hook)
                    listener.changed.notify_all()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def until(self, count: int) -> list[Hook]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.hooks) >= count, PATIENCE_S), f"{len(self.hooks)} came, wanted {count}"
            return list(self.hooks)


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.stop()


@pytest.fixture
def carrier(listener: Listener) -> Iterator[Carrier]:
    with Carrier(hooks_url=listener.url, pace=0.0) as made:
        yield made


@pytest.fixture
def by_hand(listener: Listener) -> Iterator[Carrier]:
    """A carrier whose calls last, so that somebody can answer them."""
    with Carrier(hooks_url=listener.url, pace=1.0) as made:
        yield made


def told(channel: Channel, phone: str = LEI, text: str = TEXT) -> Outgoing:
    lei = Person(id="lei", name="王磊", roles=frozenset({Role.RELATIVE}), phone_e164=phone, channels=tuple(Channel))
    return Outgoing(community_id="lakeside", notification_id="n", person=lei, channel=channel, text=text, created_ns=0)


def twilio(carrier: Carrier, listener: Listener) -> TwilioGateway:
    return TwilioGateway(TwilioSettings.from_environment(carrier.twilio.environment, public_url=listener.url))


def voice(carrier: Carrier, listener: Listener) -> TwilioVoiceGateway:
    return TwilioVoiceGateway(TwilioSettings.from_environment(carrier.twilio.environment, public_url=listener.url))


def words(gateway: Any, hooks: list[Hook]) -> list[tuple[str, str | None]]:
    return [(one.word, one.code) for hook in hooks for one in gateway.receipts(hook)]


def until(phones: Phones, condition: Callable[[], object]) -> None:
    with phones.changed:
        assert phones.changed.wait_for(lambda: bool(condition()), PATIENCE_S)


def test_a_message_arrives_on_its_phone_and_both_receipts_are_signed(carrier: Carrier, listener: Listener) -> None:
    gateway = twilio(carrier, listener)
    assert gateway.send(told(Channel.SMS), 0).outcome is DeliveryOutcome.ACCEPTED
    assert words(gateway, listener.until(2)) == [("sent", None), ("delivered", None)]
    assert [(one.what, one.other, one.text) for one in carrier.phones.of(LEI).entries] == [(What.TEXT, SENDER, TEXT)]


@pytest.mark.parametrize("condition", [Condition.OFF, Condition.FULL])
def test_a_phone_that_takes_nothing_is_undelivered_30003(carrier: Carrier, listener: Listener, condition: Condition) -> None:
    carrier.phones.turn(LEI, condition)
    gateway = twilio(carrier, listener)
    gateway.send(told(Channel.SMS), 0)
    assert words(gateway, listener.until(2))[-1] == ("undelivered", "30003")
    assert not carrier.phones.of(LEI).entries


def test_what_waits_for_a_signal_arrives_late(carrier: Carrier, listener: Listener) -> None:
    phone = carrier.phones.of(LEI)
    carrier.phones.turn(LEI, Condition.UNREACHABLE)
    gateway = twilio(carrier, listener)
    gateway.send(told(Channel.SMS), 0)
    until_waits(phone.waiting)
    assert words(gateway, listener.hooks) == [("sent", None)]
    carrier.phones.turn(LEI, Condition.ON)
    assert words(gateway, listener.until(2))[-1] == ("delivered", None)


def until_waits(waiting: list[Any]) -> None:
    ticks = threading.Event()
    for _ in range(round(PATIENCE_S / 0.01)):
        if waiting:
            return
        ticks.wait(0.01)
    raise AssertionError("it does not wait")


def test_receipts_come_twice_or_never_as_told(carrier: Carrier, listener: Listener) -> None:
    carrier.twilio.weather.twice = 1.0
    gateway = twilio(carrier, listener)
    gateway.send(told(Channel.SMS), 0)
    assert sorted(words(gateway, listener.until(4))) == [("delivered", None)] * 2 + [("sent", None)] * 2
    carrier.twilio.weather.lost = 1.0
    gateway.send(told(Channel.SMS, text="second"), 0)
    until(carrier.phones, lambda: len(carrier.phones.of(LEI).entries) == 2)
    assert len(listener.hooks) == 4


def test_who_has_replied_stop_gets_no_more_until_start(carrier: Carrier, listener: Listener) -> None:
    gateway = twilio(carrier, listener)
    gateway.send(told(Channel.SMS), 0)
    listener.until(2)
    carrier.phones.write(LEI, "STOP")
    assert [heard.text for hook in listener.until(3) if (heard := gateway.heard(hook)) is not None] == ["STOP"]
    refused = gateway.send(told(Channel.SMS), 0)
    assert (refused.outcome, refused.code) == (DeliveryOutcome.REJECTED, "21610")
    carrier.phones.write(LEI, "start")
    assert gateway.send(told(Channel.SMS), 0).outcome is DeliveryOutcome.ACCEPTED


def test_what_is_written_back_is_answered_on_the_phone(carrier: Carrier, listener: Listener) -> None:
    gateway = twilio(carrier, listener)
    listener.answers["/hooks/twilio"] = lambda said: gateway.said("好的", told(Channel.SMS).person.language) if "Body" in said else ""
    gateway.send(told(Channel.SMS), 0)
    listener.until(2)
    carrier.phones.write(LEI, "1")
    assert [(one.what, one.text) for one in carrier.phones.of(LEI).entries][1:] == [(What.WRITTEN, "1"), (What.TEXT, "好的")]


def test_a_number_that_is_none_is_refused(carrier: Carrier, listener: Listener) -> None:
    refused = twilio(carrier, listener).send(told(Channel.SMS, "+86"), 0)
    assert (refused.outcome, refused.code) == (DeliveryOutcome.REJECTED, "21211")


def test_a_call_is_answered_by_hand_and_a_key_ends_it(by_hand: Carrier, listener: Listener) -> None:
    gateway, phone = voice(by_hand, listener), by_hand.phones.of(LEI)
    listener.answers["/hooks/twilio-voice"] = lambda said: (
        gateway.said("谢谢", told(Channel.VOICE).person.language) if "Digits" in said else ""
    )
    gateway.send(told(Channel.VOICE), 0)
    until(by_hand.phones, lambda: phone.call)
    by_hand.phones.answer(LEI)
    until(by_hand.phones, lambda: phone.call and phone.call.said)
    by_hand.phones.press(LEI, "1")
    pressed, ended = listener.until(2)
    assert gateway.heard(pressed).key == "1"  # type: ignore[union-attr]
    assert gateway.receipts(ended)
    assert [(one.what, one.text) for one in phone.entries] == [(What.CALL, f"{TEXT}\n谢谢")]


def test_a_phone_that_is_switched_on_while_it_is_called_rings(by_hand: Carrier, listener: Listener) -> None:
    phone = by_hand.phones.of(LEI)
    by_hand.phones.turn(LEI, Condition.OFF)
    voice(by_hand, listener).send(told(Channel.VOICE), 0)
    by_hand.phones.turn(LEI, Condition.ON)
    until(by_hand.phones, lambda: phone.call)
    by_hand.phones.hang_up(LEI)
    assert words(voice(by_hand, listener), listener.until(1)) == [("busy", None)]


@pytest.mark.parametrize(
    ("condition", "habit", "word"),
    [
        (Condition.ON, Habit(), "completed"),
        (Condition.MAILBOX, None, "machine"),
        (Condition.ON, None, "no-answer"),
        (Condition.OFF, Habit(), "no-answer"),
        (Condition.UNREACHABLE, Habit(), "failed"),
    ],
)
def test_how_a_call_ends(carrier: Carrier, listener: Listener, condition: Condition, habit: Habit | None, word: str) -> None:
    carrier.phones.turn(LEI, condition)
    carrier.phones.of(LEI).habit = habit
    gateway = voice(carrier, listener)
    gateway.send(told(Channel.VOICE), 0)
    assert words(gateway, listener.until(1)) == [(word, None)]


ALIYUN_ENDS = [(Condition.ON, "200000"), (Condition.OFF, "200010"), (Condition.UNREACHABLE, "200007")]


@pytest.mark.parametrize(("condition", "word"), ALIYUN_ENDS)
def test_aliyun_calls_the_same_phones(carrier: Carrier, listener: Listener, condition: Condition, word: str) -> None:
    carrier.phones.habit = Habit()
    carrier.phones.turn(LEI, condition)
    gateway = AliyunVoiceGateway(AliyunVoiceSettings.from_environment(carrier.environment))
    assert gateway.send(told(Channel.VOICE), carrier_now_ns(carrier)).outcome is DeliveryOutcome.ACCEPTED
    assert [one for one, _ in words(gateway, listener.until(1))] == [word]


SMS: dict[str, tuple[Callable[[Carrier], Gateway], str, tuple[str, str]]] = {
    "aliyun": (lambda one: AliyunSmsGateway(AliyunSmsSettings.from_environment(one.environment)), "3", ("2", "MOBILE_NOT_ON_SERVICE")),
    "tencent": (lambda one: TencentSmsGateway(TencentSettings.from_environment(one.environment)), "SUCCESS", ("FAIL", "MK:0001")),
}


@pytest.mark.parametrize("provider", SMS)
def test_chinese_providers_report_with_their_key_what_became_of_a_message(carrier: Carrier, listener: Listener, provider: str) -> None:
    make, good, bad = SMS[provider]
    gateway = make(carrier)
    assert gateway.send(told(Channel.SMS), carrier_now_ns(carrier)).outcome is DeliveryOutcome.ACCEPTED
    assert [one for one, _ in words(gateway, listener.until(1))] == [good]
    carrier.phones.turn(LEI, Condition.OFF)
    gateway.send(told(Channel.SMS), carrier_now_ns(carrier))
    assert words(gateway, listener.until(2))[-1] == bad


def carrier_now_ns(carrier: Carrier) -> int:
    return round(carrier.phones.clock()) * NS_PER_S


def test_a_browser_that_the_door_made_shows_what_it_was_sent(carrier: Carrier) -> None:
    said = httpx.post(f"{carrier.url}/browsers", json={}, trust_env=False).json()["subscription"]
    private, _ = new_keys()
    gateway = WebPushGateway(
        WebPushSettings.from_environment({"ANJU_VAPID_PRIVATE_KEY": private, "ANJU_VAPID_SUBJECT": "mailto:a@b.example"})
    )
    from incidents.directory import Address  # noqa: PLC0415

    lei = Person(
        id="lei",
        name="王磊",
        roles=frozenset({Role.RELATIVE}),
        channels=(Channel.PUSH,),
        addresses=(Address(channel=Channel.PUSH, value=said),),
    )
    outgoing = Outgoing(community_id="lakeside", notification_id="n", person=lei, channel=Channel.PUSH, text=TEXT, created_ns=0)
    gateway.send(outgoing, carrier_now_ns(carrier))
    (shown,) = httpx.get(f"{carrier.url}/browsers", trust_env=False).json().values()
    assert list(shown.values()) == [TEXT]


def wish(carrier: Carrier, path: str, **what: Any) -> tuple[int, str]:
    answer = httpx.post(f"{carrier.url}/{path}", json=what, trust_env=False)
    return answer.status_code, answer.json().get("error", "")


def test_the_door_shows_phones_and_uses_them(carrier: Carrier, listener: Listener) -> None:
    gateway = twilio(carrier, listener)
    gateway.send(told(Channel.SMS), 0)
    listener.until(2)
    assert wish(carrier, f"phones/{LEI}", do="write", text="1")[0] == 200
    assert wish(carrier, f"phones/{LEI}", do="turn", condition="full")[0] == 200
    assert wish(carrier, f"phones/{LEI}", do="answer") == (400, "there is no such call")
    assert wish(carrier, f"phones/{LEI}", do="dance")[0] == 400
    assert wish(carrier, "nowhere")[0] == 404
    (phone,) = httpx.get(f"{carrier.url}/phones", trust_env=False).json()["phones"]
    assert (phone["number"], phone["condition"], phone["call"]) == (LEI, "full", None)
    assert [(one["what"], one["text"]) for one in phone["entries"]] == [("text", TEXT), ("written", "1")]


def test_a_form_of_another_site_does_nothing(carrier: Carrier) -> None:
    sent = httpx.post(f"{carrier.url}/phones/{LEI}", content=json.dumps({"do": "turn", "condition": "off"}), trust_env=False)
    assert sent.status_code == 403
    assert not carrier.phones.every()


def test_a_provider_goes_wrong_as_the_door_was_told(carrier: Carrier, listener: Listener) -> None:
    gateway = TwilioGateway(TwilioSettings.from_environment(carrier.twilio.environment, public_url=listener.url), timeout_s=0.5)
    assert wish(carrier, "providers/twilio", next=["accept_silent", {"status": 429, "code": 20429}, "silent"])[0] == 200
    came = [gateway.send(told(Channel.SMS), 0).outcome for _ in range(4)]
    assert came == [DeliveryOutcome.UNKNOWN, DeliveryOutcome.RETRY, DeliveryOutcome.UNKNOWN, DeliveryOutcome.ACCEPTED]
    assert len(carrier.twilio.messages) == 2
    assert wish(carrier, "providers/twilio", share=1.0, troubles=[{"status": 429, "code": 20429}])[0] == 200
    assert {gateway.send(told(Channel.SMS), 0).outcome for _ in range(5)} == {DeliveryOutcome.RETRY}
    assert carrier.twilio.weather.troubles == (Refuse(429, 20429),)
    assert wish(carrier, "providers/nobody")[0] == 400
    assert wish(carrier, "providers/twilio", next=["dance"])[0] == 400


@dataclass
class Ear:
    """A line that hears everything and presses what it is told, once a key is asked for."""

    presses: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    def say(self, text: str) -> bool:
        self.heard.append(text)
        return False

    def pause(self, wait_s: float) -> None:
        self.heard.append(f"({wait_s:g} s)")

    def keys(self, wait_s: float, most: int, finish: str) -> str:  # noqa: ARG002
        return self.presses.pop(0)[:most] if self.presses else ""


def response(inner: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{inner}</Response>'


def test_twiml_is_walked_through_as_a_phone_would() -> None:
    documents = {
        "https://a.example/menu": response('<Pause length="2"/><Redirect>key?next=1</Redirect><Say>never</Say>'),
        "https://a.example/key?next=1": response(
            '<Gather numDigits="1" action="/done"><Say loop="2">press one</Say></Gather><Say>no key</Say>'
        ),
        "https://a.example/done": response("<Say>thanks</Say><Hangup/><Say>never</Say>"),
    }
    asked: list[tuple[str, dict[str, str]]] = []

    def fetch(url: str, _method: str, more: dict[str, str]) -> str:
        asked.append((url, more))
        return documents[url]

    pressed, silent = Ear(presses=["12"]), Ear()
    begin = Document(xml=documents["https://a.example/menu"], url="https://a.example/menu")
    walk(begin, pressed, fetch)  # type: ignore[arg-type]
    assert pressed.heard == ["(2 s)", "press one", "press one", "thanks"]
    assert asked[-1] == ("https://a.example/done", {"Digits": "1"})
    walk(begin, silent, fetch)  # type: ignore[arg-type]
    assert silent.heard == ["(2 s)", "press one", "press one", "no key"]


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "<Response>",
        "<Say>hello</Say>",
        response("<Dial>+1</Dial>"),
        '<!DOCTYPE r [<!ENTITY a "b">]><Response><Say>&a;</Say></Response>',
        response("<Redirect>/relative</Redirect>"),
        response('<Gather input="speech"/>'),
    ],
)
def test_a_document_that_cannot_be_walked_through_is_said_to_be_wrong(xml: str) -> None:
    with pytest.raises(TwimlError):
        walk(Document(xml=xml), Ear(), lambda *_: response(""))  # type: ignore[arg-type]


def test_redirects_without_end_are_ended() -> None:
    round_ = response("<Redirect>https://a.example/</Redirect>")
    with pytest.raises(TwimlError, match="20 documents"):
        walk(Document(xml=round_), Ear(), lambda *_: round_)  # type: ignore[arg-type]


def test_what_an_sms_is_answered_with() -> None:
    assert messages(response("<Message>one</Message><Message><Body>two</Body></Message>")) == ["one", "two"]
