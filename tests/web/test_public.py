"""What people and providers say from outside: SMS, keys, links and receipts, at the public listener over HTTP."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fakes.outside
import pytest
from fakes.falling import evidence
from fakes.lakeside import LAKESIDE, Estate, Service
from fakes.outside import ANNA, LEI, PUBLIC, Outside
from structlog.testing import capture_logs

from devices.model import NS_PER_S
from incidents.directory import Language
from incidents.model import Do, IncidentState
from notifier.carrier.aliyun import GOODBYE, HOOK_KEY, SHOW_NUMBER, FakeAliyun
from notifier.carrier.twilio import FakeTwilio
from notifier.dispatch import Dispatcher
from notifier.gateways.aliyun_voice import AliyunVoiceGateway, AliyunVoiceSettings
from notifier.messages.languages import wording_in
from notifier.messages.wording import Said
from rules.kinds import EventKind
from store import contacts, links, outbox
from store.contacts import ContactState
from web.public import LARGEST_BODY, create_app

ZH = wording_in(Language.ZH)


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with FakeTwilio() as fake:
        yield fake


@pytest.fixture
def outside(estate: Estate, twilio: FakeTwilio, tmp_path: Path) -> Iterator[Outside]:
    with fakes.outside.outside(estate, twilio, tmp_path) as made:
        yield made


def said(which: Said, **names: object) -> str:
    return ZH.said[which].format(**{"who": "王秀英", "by": "", "number": 1, "choices": ""} | names)


def test_a_number_written_back_is_an_acknowledgement(outside: Outside) -> None:
    incident = outside.tells()
    assert ZH.reply_or_follow.format(number=1, link=PUBLIC) in dict(outside.twilio.bodies)[LEI]
    assert outside.writes(LEI, "1") == said(Said.GOING)
    assert outside.state(incident) == (IncidentState.ACKNOWLEDGED, "wang-lei")
    outside.estate.pass_s(400)
    outside.sweep()
    assert outside.twilio.calls == []


def test_of_two_who_go_the_first_one_has_it_and_the_second_one_is_told_who(outside: Outside) -> None:
    incident = outside.tells()
    assert outside.writes(ANNA, "1 到") == said(Said.GOING)
    by = outside.estate.directory.people["guard-zhao"].name
    assert outside.writes(LEI, "1 到") == said(Said.FIRST, by=by)
    assert outside.state(incident) == (IncidentState.ACKNOWLEDGED, "guard-zhao")


def test_at_the_very_same_time_it_is_one_of_them_all_the_same(outside: Outside) -> None:
    incident = outside.tells()
    with ThreadPoolExecutor(2) as both:
        back = list(both.map(lambda phone: outside.writes(phone, "1"), (LEI, ANNA)))
    assert sorted(text == said(Said.GOING) for text in back) == [False, True]
    first = outside.state(incident)[1]
    assert first == ("wang-lei" if back[0] == said(Said.GOING) else "guard-zhao")


def test_a_false_alarm_ends_it_and_afterwards_it_is_over(outside: Outside) -> None:
    incident = outside.tells()
    assert outside.writes(LEI, "1 误报") == said(Said.FALSE_ALARM)
    assert outside.state(incident)[0] is IncidentState.FALSE_ALARM
    assert outside.writes(ANNA, "1") == said(Said.OVER)


def test_who_cannot_go_sends_it_on_at_once(outside: Outside) -> None:
    incident = outside.tells()
    assert outside.writes(LEI, "1 去不了") == said(Said.DECLINED)
    outside.sweep()
    assert [one.to for one in outside.twilio.calls] == [LEI]
    assert outside.state(incident)[0] is IncidentState.OPEN


def test_two_situations_have_two_numbers_and_without_one_it_is_asked_which(outside: Outside) -> None:
    first, second = outside.tells(), outside.tells(subject="li-ming")
    assert ZH.reply_or_follow.format(number=2, link=PUBLIC) in outside.twilio.bodies[-1][1]
    assert "1=" in outside.writes(LEI, "收到")
    assert outside.state(first)[0] is outside.state(second)[0] is IncidentState.OPEN
    outside.writes(LEI, "2")
    assert (outside.state(first)[0], outside.state(second)[0]) == (IncidentState.OPEN, IncidentState.ACKNOWLEDGED)


def test_what_is_not_understood_does_nothing_and_is_said_once(outside: Outside) -> None:
    incident = outside.tells()
    assert outside.writes(LEI, "what happened?") == said(Said.UNCLEAR)
    assert outside.writes(LEI, "I am driving and cannot answer.") == ""
    assert outside.state(incident)[0] is IncidentState.OPEN


def test_a_stranger_gets_no_word(outside: Outside) -> None:
    outside.tells()
    assert outside.writes("+447700900999", "1") == ""


def test_who_writes_stop_gets_no_more_messages_and_is_called(outside: Outside) -> None:
    assert outside.writes(LEI, "STOP") == ""
    outside.tells()
    assert [to for to, _ in outside.twilio.bodies] == [ANNA]
    assert [one.to for one in outside.twilio.calls] == [LEI]
    with outside.estate.database.read() as session:
        assert [(who, one.state) for who, one in contacts.marked(session, LAKESIDE)] == [("wang-lei", ContactState.OPTED_OUT)]
    outside.writes(LEI, "START")
    outside.tells(subject="li-ming")
    assert outside.twilio.bodies[-1][0] in {LEI, ANNA}
    assert LEI in [to for to, _ in outside.twilio.bodies]


@pytest.mark.parametrize(
    ("key", "state"),
    [("1", IncidentState.ACKNOWLEDGED), ("2", IncidentState.FALSE_ALARM), ("3", IncidentState.OPEN), ("9", IncidentState.OPEN)],
)
def test_a_key_during_a_call_is_an_answer(key: str, state: IncidentState, outside: Outside) -> None:
    incident = outside.tells()
    outside.estate.pass_s(300)
    outside.sweep()
    call = next(one for one in outside.twilio.calls if one.to == LEI)
    answer = outside.posts("twilio-voice", {"CallSid": call.sid, "CallStatus": "in-progress", "To": LEI, "Digits": key})
    assert answer.headers["content-type"].startswith("application/xml")
    assert "<Say" in answer.text
    assert outside.state(incident)[0] is state


def test_a_key_during_a_call_by_aliyun_is_an_answer_that_is_told_twice(estate: Estate) -> None:
    written = estate.said
    written["policies"] = [{"id": "all", "kinds": ["sos"], "steps": [{"after_s": 0, "tell": ["wang-lei"], "by": ["voice"]}]}]
    estate.write(written)
    with FakeAliyun(lambda: estate.now_ns / NS_PER_S) as aliyun:
        environment = aliyun.environment | {"ALIYUN_TTS_GOODBYE": GOODBYE, "ALIYUN_SHOW_NUMBER": SHOW_NUMBER}
        settings = AliyunVoiceSettings.from_environment(environment, public_url=PUBLIC)
        gateway = AliyunVoiceGateway(settings, clock=aliyun.now)
        dispatcher = Dispatcher(estate.database, [gateway], worker="one", clock=estate.clock)
        served = Service(
            estate.database, estate.clock, app=create_app(estate.database, {gateway.name: gateway}, PUBLIC, clock=estate.clock)
        )
        incident = estate.happens(EventKind.SOS, "wang-xiuying")
        dispatcher.sweep(estate.now_ns)
        dispatcher.settle()
        (call,) = aliyun.calls
        assert call.asked["MenuKeyMap.1.Key"] == "1"
        assert "请按1" in call.text
        with served.client() as client:
            for state, key in (("300000", "1"), ("200000", "1")):
                call.status, call.keys = state, key
                assert client.post(f"/hooks/aliyun-voice?key={HOOK_KEY}", content=aliyun.report(call)).json()["code"] == 0
                assert estate.incident(incident).state is IncidentState.ACKNOWLEDGED
            assert client.post("/hooks/aliyun-voice?key=guessed", content=aliyun.report(call)).status_code == 403
        dispatcher.sweep(estate.now_ns)
        with estate.database.read() as session:
            assert outbox.unsettled(session, 0, 10) == []
        served.stop()
        dispatcher.close()


def test_a_receipt_moves_its_delivery_on_also_before_our_own_record_and_twice(outside: Outside) -> None:
    outside.tells()
    for message in outside.twilio.messages:
        for _ in range(2):
            assert outside.posts("twilio", {"MessageSid": message.sid, "MessageStatus": "delivered"}).status_code == 200
    assert outside.posts("twilio", {"MessageSid": "SM-not-ours", "MessageStatus": "delivered"}).status_code == 200
    outside.sweep()
    with outside.estate.database.read() as session:
        assert outbox.unsettled(session, 0, 10) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"MessageSid": "SM1", "MessageStatus": "delivered"},
        {"MessageSid": "SM1", "SmsStatus": "received", "From": LEI, "Body": "1 误报"},
    ],
)
def test_what_is_not_signed_over_our_address_is_refused_and_does_nothing(fields: dict[str, str], outside: Outside) -> None:
    incident = outside.tells()
    with capture_logs() as logs:
        assert outside.posts("twilio", fields, signed_for="https://elsewhere.example/hooks/twilio").status_code == 403
    assert outside.state(incident)[0] is IncidentState.OPEN
    assert LEI not in str(logs)
    assert outside.client.post("/hooks/nobody", content="x").status_code == 404


def link(outside: Outside) -> str:
    """The link of a mail that was sent, as a path."""
    outside.estate.pass_s(300)
    outside.sweep()
    found = re.search(rf"{PUBLIC}(/a/[A-Za-z0-9_-]{{22}})", outside.mail.sent[-1])
    assert found is not None, outside.mail.sent
    return found[1]


def test_a_link_shows_and_its_buttons_act(outside: Outside) -> None:
    incident = outside.tells()
    path = link(outside)
    for _ in range(3):  # scanners of links open them
        shown = outside.client.get(path)
    assert outside.state(incident)[0] is IncidentState.OPEN
    assert shown.status_code == 200
    assert "王秀英" in shown.text
    assert "我去处理" in shown.text
    assert "<script" not in shown.text
    assert len(shown.content) < 50_000
    assert "cookie" not in str(shown.headers).lower()
    acted = outside.client.post(path, data={"do": "acknowledge"})
    assert said(Said.GOING) in acted.text
    assert outside.state(incident) == (IncidentState.ACKNOWLEDGED, "wang-lei")
    outside.client.post(path, data={"do": "on_scene"})
    assert outside.state(incident)[0] is IncidentState.ON_SCENE
    assert said(Said.RESOLVED) in outside.client.post(path, data={"do": "resolve"}).text
    assert outside.state(incident)[0] is IncidentState.RESOLVED
    assert 'name="do"' not in outside.client.get(path).text


def test_a_link_is_kept_as_its_digest_alone_and_ends(outside: Outside) -> None:
    outside.tells()
    path = link(outside)
    token = path.removeprefix("/a/")
    with outside.estate.database.read() as session:
        kept = str(session.connection().exec_driver_sql("SELECT * FROM link").all())
        kept += str(session.connection().exec_driver_sql("SELECT text FROM notification").all())
    assert token not in kept
    assert links.MARK in kept
    outside.estate.now_ns += links.LASTS_NS
    assert outside.client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/a/AAAAAAAAAAAAAAAAAAAAAA", "/a/x", "/a/", "/", "/homes", "/static/anju.css", "/docs", "/openapi.json"])
def test_there_is_nothing_else(path: str, outside: Outside) -> None:
    answer = outside.client.get(path)
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"


def test_an_act_that_is_none_changes_nothing(outside: Outside) -> None:
    incident = outside.tells()
    path = link(outside)
    for body in ({"do": "resolve"}, {"do": "x"}, {}):
        assert outside.client.post(path, data=body).status_code == 200
    assert outside.state(incident)[0] is IncidentState.OPEN
    assert outside.client.post(path, content=b"x" * (LARGEST_BODY + 1)).status_code == 413


def test_the_page_is_in_the_language_of_whose_link_it_is_unless_they_choose(outside: Outside) -> None:
    outside.tells()
    path = link(outside)
    assert "I cannot go" in outside.client.get(f"{path}?lang=en").text
    assert "我去不了" in outside.client.get(path, headers={"accept-language": "en"}).text


def test_a_link_offers_what_can_be_said_at_first(outside: Outside, estate: Estate) -> None:
    outside.tells()
    page = outside.client.get(link(outside)).text
    assert re.findall(r'name="do" value="(\w+)"', page) == [Do.ACKNOWLEDGE, Do.ON_SCENE, Do.FALSE_ALARM, Do.DECLINE]
    assert set(ZH.said) == set(Said)
    assert estate.directory.people["wang-lei"].language is Language.ZH


def test_a_link_says_whom_to_call_and_what_to_say_there_while_it_is_going_on(outside: Outside) -> None:
    incident = outside.tells()
    path = link(outside)
    page = outside.client.get(path).text
    assert re.findall(r'href="tel:(\d+)"', page) == ["120", "110", "119"]
    assert "3栋201室" in page.split('class="read-out">')[1].split("</blockquote>")[0]
    outside.client.post(path, data={"do": "false_alarm"})
    assert outside.state(incident)[0] is IncidentState.FALSE_ALARM
    assert "tel:" not in outside.client.get(path).text


def test_who_is_on_the_way_says_how_soon(outside: Outside) -> None:
    incident = outside.tells()
    path = link(outside)
    outside.client.post(path, data={"do": "acknowledge/999"})
    assert outside.state(incident)[0] is IncidentState.OPEN
    outside.client.post(path, data={"do": "acknowledge/10"})
    assert outside.estate.incident(incident).eta_ns == outside.estate.now_ns + 600 * NS_PER_S


def test_why_it_was_a_fall_is_shown_to_who_may_see_it_while_it_is_going_on(outside: Outside) -> None:
    incident = outside.tells(EventKind.FALL, score=0.97, evidence=evidence())
    path = link(outside)
    shown = outside.client.get(path)
    assert '<svg xmlns="http://www.w3.org/2000/svg" class="fall"' in shown.text
    assert len(shown.content) < 50_000
    outside.client.post(path, data={"do": "false_alarm"})
    assert outside.state(incident)[0] is IncidentState.FALSE_ALARM
    assert 'class="fall"' not in outside.client.get(path).text
