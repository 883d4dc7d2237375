import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.model import Covers, DeviceKind
from incidents.directory import Channel, Directory, Home, Language, NamedDevice, NamedRule, Person, Role
from incidents.grouping import LATE_KINDS, STORY
from incidents.model import CALM, Do, Due, DueRow, Duty, Ended, Incident, IncidentState, News, Purpose, Story
from notifier.messages import Answering, buttons, render, render_bundle, segments
from notifier.messages.languages import wording_in
from notifier.messages.segments import is_gsm7
from notifier.messages.wording import TOPIC, Form, Opening, Topic
from rules.kinds import EventKind

Build = Callable[..., Directory]
About = Callable[..., Incident]
Owe = Callable[..., Duty]

HOUR_NS = 3600 * 10**9
CHINESE = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]")
TELLABLE = [kind for kind in EventKind if kind is not EventKind.RECOVERED and STORY[kind] not in CALM]
RECIPIENTS = ["zhou-fen", *(f"a-{role}" for role in Role if role is not Role.RESIDENT)]
ENDINGS = [
    (IncidentState.RESOLVED, Ended.BY_RESPONDER),
    (IncidentState.FALSE_ALARM, Ended.BY_RESPONDER),
    (IncidentState.CANCELLED, Ended.BY_WEARER),
    (IncidentState.RESOLVED, Ended.BY_ITSELF),
    (IncidentState.RESOLVED, Ended.UNANSWERED),
    (IncidentState.RESOLVED, Ended.ABSORBED),
]


def how_to_answer(language: Language, channel: Channel) -> str:
    """The words for it, where everything is possible."""
    wording = wording_in(language)
    return wording.reply.format(number=1) if channel is Channel.SMS else wording.answer[channel]


@pytest.mark.parametrize("language", Language)
def test_every_table_has_a_word_for_everything(language: Language) -> None:
    wording = wording_in(language)
    assert set(TOPIC) == set(wording.happened) == set(EventKind)
    assert set(wording.covers) == set(wording.contacts) == set(Covers)
    assert set(wording.devices) == set(DeviceKind)
    assert set(wording.answer) == set(Channel)
    assert set(wording.news) == set(News)
    assert set(wording.ended_itself) == set(Story)
    assert set(wording.place) == set(Form)
    assert set(wording.advice) == set(Topic)
    assert set(wording.openings) == set(wording.shut) == set(Opening)
    assert all(None in by_role for by_role in wording.advice.values())


@pytest.mark.parametrize(("kind", "language"), list(itertools.product(TELLABLE, Language)))
def test_a_first_text_says_who_where_when_and_how_to_answer(
    *, kind: EventKind, language: Language, estate: Build, incident: About, duty: Owe, now_ns: int
) -> None:
    directory = estate(language=language)
    for to, channel in itertools.product(RECIPIENTS, Channel):
        text = render(duty(incident(kind), to=to, channel=channel), channel, directory, now_ns)
        assert segments(text) <= 2
        assert "\n" not in text
        wanted = ["柳岸新村"] if kind is EventKind.OUTAGE else ["周芬", "1栋101室"]
        assert all(part in text for part in [*wanted, "10:02", how_to_answer(language, channel)]), text


@pytest.mark.parametrize("kind", TELLABLE)
def test_a_text_names_no_measurement_no_score_and_nothing_medical(
    kind: EventKind, estate: Build, incident: About, duty: Owe, now_ns: int
) -> None:
    for language, to in itertools.product(Language, RECIPIENTS):
        text = render(duty(incident(kind), to=to), Channel.SMS, estate(language=language), now_ns)
        assert not re.search(r"5\.4|12\.5|0\.87|injur|hurt|blood|heart|patient|受伤|骨折|昏|病|患|重力|加速度", text), text


@pytest.mark.parametrize("kind", TELLABLE)
def test_english_with_latin_names_stays_in_the_7_bit_alphabet(
    kind: EventKind, estate: Build, incident: About, duty: Owe, now_ns: int
) -> None:
    directory = estate(language=Language.EN, name="Ann Lee", address=None, community="Oak Court")
    for to, channel in itertools.product(RECIPIENTS, Channel):
        text = render(duty(incident(kind), to=to, whole_roster=True, channel=channel), channel, directory, now_ns)
        assert is_gsm7(text), text
        assert "Oak Court" in text, text


@pytest.mark.parametrize("kind", TELLABLE)
def test_english_about_a_chinese_estate_has_chinese_in_names_alone_and_keeps_the_whole_address(
    kind: EventKind, estate: Build, incident: About, duty: Owe, now_ns: int
) -> None:
    directory = estate(language=Language.EN, address=None)
    for to in RECIPIENTS:
        text = render(duty(incident(kind), to=to), Channel.SMS, directory, now_ns)
        bare = text.replace("周芬", "").replace("柳岸新村", "")
        assert not CHINESE.search(bare), text
        whole = {"Building 1, floor 1, b1-101", "Bldg 1, fl. 1, b1-101"}
        assert kind is EventKind.OUTAGE or any(address in text for address in whole), text


@pytest.mark.parametrize(
    ("home", "zh", "en"),
    [
        (Home(id="b3-201", building="3", floor=2), "3栋2楼 b3-201", "Building 3, floor 2, b3-201"),
        (Home(id="12", building="B", floor=0), "B栋0楼12室", "Building B, floor 0, flat 12"),
        (Home(id="b3-201", building="3栋", floor=2), "3栋2楼 b3-201", "Building 3, floor 2, b3-201"),
        (Home(id="b3-201", building="东区3座"), "东区3座 b3-201", "东区3座, b3-201"),
        (Home(id="villa-1"), "villa-1", "villa-1"),
        (Home(id="b3-201", building="3", address=" 3栋\n201室 "), "3栋 201室", "3栋 201室"),
        (Home(id="b3-201", building="3", address="\u202e\n"), "3栋 b3-201", "Building 3, b3-201"),
    ],
)
def test_an_address_is_the_given_one_or_made_of_building_floor_and_id(
    *, home: Home, zh: str, en: str, estate: Build, incident: About, duty: Owe, now_ns: int
) -> None:
    for language, wanted in ((Language.ZH, f"周芬（{zh}）10:02"), (Language.EN, f"周芬 ({en}")):
        directory = replace(estate(language=language), homes={"b1-101": replace(home, occupants=("zhou-fen",))})
        assert wanted in render(duty(incident(EventKind.SOS)), Channel.SMS, directory, now_ns)


def test_a_home_is_named_by_who_lives_there_and_what_was_opened(estate: Build, incident: About, duty: Owe, now_ns: int) -> None:
    for device, words in (("window-1", "窗户被打开"), ("door-1", "门被打开"), ("radar-1", "发现有人活动")):
        text = render(duty(incident(EventKind.INTRUSION, device=device), to="a-guard"), Channel.SMS, estate(), now_ns)
        assert text == f"【柳岸新村】周芬家（1栋101室）布防期间，10:02{words}。请马上去现场查看。回复1=我去处理，1误报=误报。"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (Language.ZH, "10:02触发了规则“厨房的窗户开着超过十分钟而家里没有人所以请快去…”。"),
        (Language.ZH_HANT, "10:02觸發了規則「廚房的窗開得太久」。"),
        (Language.EN, 'the rule "厨房的窗户开着超过十分钟而家里没有人所以请快去…" was met at 10:02.'),
    ],
)
def test_a_communitys_own_rule_is_called_by_its_name(
    *, language: Language, words: str, estate: Build, incident: About, duty: Owe, now_ns: int
) -> None:
    named = NamedRule(name="厨房的窗户开着超过十分钟而家里没有人所以请快去看看", names={Language.ZH_HANT: "廚房的窗開得太久"})
    directory = replace(estate(language=language), rules={"kitchen": named})
    about = incident(EventKind.CUSTOM)
    text = render(duty(replace(about, headline=replace(about.headline, cause="kitchen"))), Channel.SMS, directory, now_ns)
    assert words in text
    assert segments(text) <= 2


def test_a_home_of_nobody_is_named_by_its_address(estate: Build, incident: About, duty: Owe, now_ns: int) -> None:
    directory = replace(estate(), homes={"b1-101": Home(id="b1-101", building="1", floor=1)})
    text = render(duty(incident(EventKind.INTRUSION)), Channel.SMS, directory, now_ns)
    assert text.startswith("【柳岸新村】1栋1楼 b1-101布防期间")


def test_arming_past_an_open_window_says_so(estate: Build, incident: About, duty: Owe, now_ns: int) -> None:
    about = incident(EventKind.LEFT_OPEN)
    bypassed = replace(about, headline=replace(about.headline, evidence={"bypassed": True}))
    assert "10:02发现窗户开着" in render(duty(about), Channel.SMS, estate(), now_ns)
    assert "10:02布防时窗户没关" in render(duty(bypassed), Channel.SMS, estate(), now_ns)


@pytest.mark.parametrize(
    ("device", "zh", "en"),
    [
        ("w-1", "周芬的穿戴设备（1栋101室）", "周芬's wearable (1栋101室"),
        ("door-1", "周芬家的门磁（1栋101室）", "周芬's door sensor (1栋101室"),
        ("gateway-1", "网关gateway-1（柳岸新村）", "gateway gateway-1 (柳岸新村"),
    ],
)
def test_a_device_is_named_by_whose_it_is(*, device: str, zh: str, en: str, estate: Build, incident: About, duty: Owe, now_ns: int) -> None:
    about = incident(EventKind.OFFLINE, subject=device)
    assert zh in render(duty(about), Channel.SMS, estate(), now_ns)
    assert en in render(duty(about), Channel.SMS, estate(language=Language.EN), now_ns)


def test_another_day_has_its_date(estate: Build, incident: About, duty: Owe, now_ns: int) -> None:
    yesterday = incident(EventKind.SOS, t_ns=now_ns - 11 * HOUR_NS, late=True)
    assert "延迟上报：周芬（1栋101室）3月1日23:02按了求助键" in render(duty(yesterday), Channel.SMS, estate(), now_ns)
    english = render(duty(yesterday), Channel.SMS, estate(language=Language.EN), now_ns)
    assert english.startswith("Reported late: ")
    assert "pressed SOS on 1 Mar 23:02." in english


@pytest.mark.parametrize(
    ("language", "channel", "begins"),
    [
        (Language.ZH, Channel.SMS, "【柳岸新村】晚了12分钟才发出：周芬（"),
        (Language.ZH_HANT, Channel.SMS, "【柳岸新村】遲了12分鐘才發出：周芬（"),
        (Language.EN, Channel.SMS, "12 min late: 周芬"),
        (Language.ZH, Channel.VOICE, "柳岸新村提醒您，这个电话晚打了12分钟。周芬，"),
    ],
)
def test_what_leaves_late_says_so_first(
    *, language: Language, channel: Channel, begins: str, estate: Build, incident: About, duty: Owe, now_ns: int
) -> None:
    about = duty(incident(EventKind.SOS), channel=channel)
    assert render(about, channel, estate(language=language), now_ns, late_s=725).startswith(begins)


def test_those_already_told_hear_that_what_joined_is_late(estate: Build, incident: About, duty: Owe, now_ns: int) -> None:
    joined = duty(incident(EventKind.SOS, late=True), purpose=Purpose.UPDATE, news=News.EVENT)
    assert "】延迟上报：" in render(joined, Channel.SMS, estate(), now_ns)


def test_today_is_the_communitys_day_and_not_that_of_utc(estate: Build, incident: About, duty: Owe, now_ns: int) -> None:
    seven = incident(EventKind.SOS, t_ns=now_ns - 3 * HOUR_NS)
    assert "）07:02按了" in render(duty(seven), Channel.SMS, estate(), now_ns)


def test_a_call_is_spoken_and_answered_by_a_key(estate: Build, incident: About, duty: Owe, now_ns: int) -> None:
    about = duty(incident(EventKind.FALL), to="a-guard", channel=Channel.VOICE)
    assert render(about, Channel.VOICE, estate(), now_ns) == (
        "柳岸新村提醒您，周芬，1栋101室，10:02疑似摔倒。请马上上门查看。我去处理请按1，误报请按2。"
    )
    assert "Press 1" in render(about, Channel.VOICE, estate(language=Language.EN), now_ns)


def test_after_a_silent_call_for_help_nobody_is_asked_to_phone_or_knock(estate: Build, incident: About, duty: Owe, now_ns: int) -> None:
    silent = incident(EventKind.DURESS)
    later = incident(EventKind.SOS)
    joined = replace(later, events=(*silent.events, *later.events))
    for about, to, language in itertools.product((silent, joined), RECIPIENTS, Language):
        text = render(duty(about, to=to), Channel.SMS, estate(language=language), now_ns)
        assert re.search(r"不要(敲[门門]，不要)?(打电话|打電話)|do not phone|Do not knock or phone", text), text
        assert not re.search(r"请马上打电话|請馬上打電話|Call now|Please go and knock|请马上去敲门|請馬上去敲門", text), text


def test_nobody_is_ever_asked_to_reply_a_word_that_opts_out(estate: Build, incident: About, duty: Owe, now_ns: int) -> None:
    for kind, to, news in itertools.product(TELLABLE, RECIPIENTS, (None, *News)):
        purpose = Purpose.UPDATE if news else Purpose.TELL
        text = render(duty(incident(kind), to=to, purpose=purpose, news=news), Channel.SMS, estate(language=Language.EN), now_ns)
        assert not re.search(r"(?i)reply[^.]*(cancel|stop|end|quit|unsubscribe)", text)


def test_the_whole_roster_hears_why(estate: Build, duty: Owe, now_ns: int) -> None:
    assert "无人当班" in render(duty(to="a-guard", whole_roster=True), Channel.SMS, estate(), now_ns)
    assert "Nobody on shift" in render(duty(to="a-guard", whole_roster=True), Channel.SMS, estate(language=Language.EN, name="Ann"), now_ns)


def test_who_lives_there_is_not_told_what_relatives_are(estate: Build, incident: About, duty: Owe, now_ns: int) -> None:
    about = incident(EventKind.INTRUSION)
    texts = {render(duty(about, to=to), Channel.SMS, estate(), now_ns) for to in ("zhou-fen", "a-relative", "a-guard", "a-neighbour")}
    assert len(texts) == 4


@pytest.mark.parametrize(
    ("kind", "state", "ended", "zh", "en"),
    [
        (EventKind.FALL, *ENDINGS[0], "10:02由陈队处理完毕", "resolved it at 10:02"),
        (EventKind.FALL, *ENDINGS[1], "10:02经陈队确认是误报", "found it a false alarm at 10:02"),
        (EventKind.FALL, *ENDINGS[2], "10:02本人已取消", "Cancelled by the wearer at 10:02"),
        (EventKind.EXIT, *ENDINGS[3], "10:02人已回来", "Back at 10:02"),
        (EventKind.LEFT_OPEN, *ENDINGS[3], "10:02已关好", "Closed at 10:02"),
        (EventKind.OFFLINE, *ENDINGS[3], "10:02设备已恢复正常", "well again at 10:02"),
        (EventKind.INTRUSION, *ENDINGS[4], "30分钟内没有新情况，一直无人接手", "nobody took it"),
    ],
)
def test_an_ending_says_what_is_over_and_how(
    *, kind: EventKind, state: IncidentState, ended: Ended, zh: str, en: str, estate: Build, incident: About, duty: Owe, now_ns: int
) -> None:
    about = incident(kind, t_ns=now_ns - HOUR_NS, state=state, ended=ended, ended_by="a-guard", ended_ns=now_ns)
    for language, words, mark in ((Language.ZH, zh, "已结束："), (Language.EN, en, "Over: ")):
        directory = estate(language=language)
        guard = replace(directory.people["a-guard"], name="陈队")
        text = render(
            duty(about, purpose=Purpose.ENDING), Channel.SMS, replace(directory, people={**directory.people, "a-guard": guard}), now_ns
        )
        assert mark in text
        assert words in text
        assert "09:02" in text
        assert how_to_answer(language, Channel.SMS) not in text


@pytest.mark.parametrize(
    ("news", "words"),
    [
        (News.CANCEL_PRESSED, "10:02有人按了取消键"),
        (News.RECOVERED, "10:02似已起来活动"),
        (News.UNANSWERED, "到10:02无人接手"),
        (News.EVENT, "最新情况："),
    ],
)
def test_an_update_says_what_is_new(*, news: News, words: str, estate: Build, incident: About, duty: Owe, now_ns: int) -> None:
    about = incident(EventKind.FALL, t_ns=now_ns - 300 * 10**9)
    text = render(duty(about, purpose=Purpose.UPDATE, news=news), Channel.SMS, estate(), now_ns)
    assert text.startswith("【柳岸新村】最新情况：周芬（1栋101室）09:57疑似摔倒。")
    assert words in text


ANYTHING = st.one_of(st.text(max_size=300), st.text("王秀英安居 ab-1,.'[]{}%\n\u202e😀𠮷", max_size=300))


@settings(deadline=None, max_examples=120)
@given(
    names=st.tuples(ANYTHING, ANYTHING, ANYTHING, ANYTHING),
    kind=st.sampled_from([*TELLABLE, EventKind.RECOVERED]),
    to=st.sampled_from(RECIPIENTS),
    channel=st.sampled_from(Channel),
    language=st.sampled_from(Language),
    ago_h=st.integers(0, 5000),
    purpose=st.sampled_from([Purpose.TELL, Purpose.UPDATE, Purpose.ENDING]),
    news=st.sampled_from(News),
    ending=st.sampled_from(ENDINGS),
    marks=st.tuples(st.booleans(), st.booleans()),
    late_s=st.sampled_from([0, 3540]),
)
def test_whatever_the_names_a_text_is_one_line_of_at_most_two_segments(
    *,
    names: tuple[str, str, str, str],
    kind: EventKind,
    to: str,
    channel: Channel,
    language: Language,
    ago_h: int,
    purpose: Purpose,
    news: News,
    ending: tuple[IncidentState, Ended],
    marks: tuple[bool, bool],
    late_s: int,
    estate: Build,
    incident: About,
    duty: Owe,
    now_ns: int,
) -> None:
    name, address, community, by = names
    directory = estate(name=name, address=address, community=community, language=language)
    actor = Person(id="by", name=by, roles=frozenset({Role.GUARD}))
    abroad = {one.id: replace(one, timezone=ZoneInfo("Europe/London")) for one in directory.people.values()}
    directory = replace(directory, people={**abroad, "by": actor})
    state, ended = ending if purpose is Purpose.ENDING else (IncidentState.OPEN, None)
    about = incident(
        kind,
        t_ns=now_ns - ago_h * HOUR_NS,
        late=marks[0] and kind in LATE_KINDS,
        state=state,
        ended=ended,
        ended_by="by",
        ended_ns=now_ns,
        cancel_pressed_ns=now_ns,
        arrived_by="by",
        arrived_ns=now_ns,
    )
    text = render(duty(about, to=to, purpose=purpose, news=news, whole_roster=marks[1]), channel, directory, now_ns, late_s=late_s)
    assert 1 <= segments(text) <= 2, text
    assert text.isprintable()
    if purpose is Purpose.TELL:
        assert how_to_answer(language, channel) in text
    assert re.search(r"\d\d:02", text) or ended in {Ended.BY_ITSELF, Ended.UNANSWERED, Ended.ABSORBED}


def test_a_long_address_keeps_both_ends_and_a_long_name_its_beginning(estate: Build, incident: About, duty: Owe, now_ns: int) -> None:
    address = "江苏省常州市武进区湖塘镇" + "花园路" * 30 + "3栋201室"
    directory = estate(name="欧阳" + "长" * 60, address=address)
    text = render(duty(incident(EventKind.FALL)), Channel.SMS, directory, now_ns)
    assert segments(text) == 2
    assert "欧阳长" in text
    assert "（江苏省" in text
    assert "3栋201室）" in text


def test_a_device_unknown_to_the_file_is_still_told(estate: Build, incident: About, duty: Owe, now_ns: int) -> None:
    directory = replace(estate(), devices={"w-1": NamedDevice(id="w-1", kind=DeviceKind.WEARABLE)})
    assert "穿戴设备w-1（柳岸新村）10:02失去联系" in render(duty(incident(EventKind.OFFLINE)), Channel.SMS, directory, now_ns)


@pytest.mark.parametrize("kind", EventKind)
def test_the_longest_names_on_the_worst_day_fit_every_text(kind: EventKind, estate: Build, incident: About, duty: Owe, now_ns: int) -> None:
    long = "𠮷" * 90
    last_year = {"t_ns": now_ns - 2000 * HOUR_NS, "late": kind in LATE_KINDS, "ended_by": "a-guard", "ended_ns": now_ns - 1000 * HOUR_NS}
    for language in Language:
        directory = estate(name=long, address=long, community=long, language=language)
        directory = replace(directory, people={**directory.people, "a-guard": replace(directory.people["a-guard"], name=long)})
        duties = [duty(incident(kind, **last_year), to=to, whole_roster=True) for to in RECIPIENTS]
        duties += [duty(incident(kind, **last_year), to="a-relative", purpose=Purpose.UPDATE, news=news) for news in News]
        duties += [
            duty(incident(kind, **last_year, state=state, ended=ended), to="a-relative", purpose=Purpose.ENDING) for state, ended in ENDINGS
        ]
        if STORY[kind] is Story.CARE:
            duties = [duty(incident(kind, **last_year), to=to, purpose=Purpose.WORD) for to in RECIPIENTS]
        elif kind is EventKind.FALL:
            duties.append(duty(incident(kind, **last_year), to="a-relative", purpose=Purpose.WORD, news=News.DAY_AFTER))
        for one, channel in itertools.product(duties, (Channel.SMS, Channel.VOICE, Channel.EMAIL)):
            text = render(one, channel, directory, now_ns, late_s=3540)
            assert segments(text) <= 2, text
            assert text.count("𠮷") >= 5, text


def test_whoever_is_elsewhere_reads_the_time_of_both_places(estate: Build, incident: About, duty: Owe, now_ns: int) -> None:
    directory = estate(language=Language.EN)
    people = {one.id: replace(one, timezone=ZoneInfo("Europe/London")) for one in directory.people.values()}
    text = render(duty(incident()), Channel.SMS, replace(directory, people=people), now_ns)
    assert "10:02 (02:02 your time)" in text
    near = {one.id: replace(one, timezone=ZoneInfo("Asia/Taipei")) for one in directory.people.values()}
    assert "your time" not in render(duty(incident()), Channel.SMS, replace(directory, people=near), now_ns)


def test_an_ending_says_who_arrived_and_when(estate: Build, incident: About, duty: Owe, now_ns: int) -> None:
    over = incident(
        state=IncidentState.RESOLVED,
        ended=Ended.BY_RESPONDER,
        ended_by="a-guard",
        ended_ns=now_ns,
        arrived_by="a-guard",
        arrived_ns=now_ns - 600 * 10**9,
    )
    text = render(duty(over, purpose=Purpose.ENDING), Channel.SMS, estate(), now_ns)
    assert "guard09:52到达现场" in text
    assert text.index("到达") < text.index("处理完毕")


def silence(incident: About, now_ns: int, *, life: bool) -> Incident:
    event = replace(incident(EventKind.SILENCE).headline, evidence={"reason": "换门窗", "until_ns": now_ns + HOUR_NS, "life": life})
    return incident(EventKind.SILENCE, headline=event, events=(event,))


@pytest.mark.parametrize("life", [False, True])
def test_a_silence_says_until_when_and_why_and_what_is_not_told(
    *, life: bool, estate: Build, incident: About, duty: Owe, now_ns: int
) -> None:
    text = render(duty(silence(incident, now_ns, life=life), purpose=Purpose.UPDATE), Channel.SMS, estate(), now_ns)
    assert all(part in text for part in ("11:02", "换门窗", "结束时会再通知您"))
    assert ("摔倒和求助也不通知" in text) is life
    assert "回复" not in text
    english = render(duty(silence(incident, now_ns, life=life), purpose=Purpose.UPDATE), Channel.SMS, estate(language=Language.EN), now_ns)
    assert ("Calls for help and falls too" in english) is life


def test_the_wearer_is_asked_in_one_sentence_until_when_there_is_time(estate: Build, incident: About, duty: Owe, now_ns: int) -> None:
    about = incident(EventKind.FALL, dues=(DueRow(at_ns=now_ns + 60 * 10**9, due=Due.CANCEL_WINDOW),))
    asked = duty(about, purpose=Purpose.ASK, to="zhou-fen", channel=Channel.DEVICE)
    assert render(asked, Channel.DEVICE, estate(), now_ns) == "您还好吗？没事请按取消键，10:03起通知家人。"


@pytest.mark.parametrize(("device", "words"), [("gas-1", "燃气报警"), ("meter-1", "水一直在流")])
def test_gas_and_water_are_no_doors(*, device: str, words: str, estate: Build, incident: About, duty: Owe, now_ns: int) -> None:
    directory = estate()
    more = {
        "gas-1": NamedDevice(id="gas-1", kind=DeviceKind.CONTACT, home="b1-101", covers=Covers.GAS),
        "meter-1": NamedDevice(id="meter-1", kind=DeviceKind.METER, home="b1-101"),
    }
    directory = replace(directory, devices={**directory.devices, **more})
    about = incident(EventKind.LEFT_OPEN, device=device)
    text = render(duty(about), Channel.SMS, directory, now_ns)
    assert words in text
    assert "开着" not in text
    over = replace(about, state=IncidentState.RESOLVED, ended=Ended.BY_ITSELF, ended_ns=now_ns)
    assert "关好" not in render(duty(over, purpose=Purpose.ENDING), Channel.SMS, directory, now_ns)


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ({"bypassed": True}, "布防时窗户没关"),
        ({"open_s": 1800.0, "night": True}, "窗户已开了30分钟"),
        ({"open_s": 1800.0, "found_open": True}, "发现窗户开着"),
        ({"found_open": True}, "发现窗户开着"),
    ],
)
def test_what_is_open_is_said_as_it_was_found(
    *, evidence: dict[str, float], words: str, estate: Build, incident: About, duty: Owe, now_ns: int
) -> None:
    event = replace(incident(EventKind.LEFT_OPEN).headline, evidence=evidence)
    assert words in render(duty(incident(EventKind.LEFT_OPEN, headline=event)), Channel.SMS, estate(), now_ns)


@pytest.mark.parametrize("language", Language)
def test_a_text_says_how_it_can_be_answered_where_it_goes(
    language: Language, duty: Callable[..., Duty], estate: Callable[..., Directory], now_ns: int
) -> None:
    def told(channel: Channel, answering: Answering) -> str:
        return render(duty(channel=channel), channel, estate(language=language), now_ns, answering)

    wording = wording_in(language)
    link = "https://anju.example/a/Zm9vYmFyYmF6cXV4MTIzNDU"
    assert told(Channel.SMS, Answering(number=7)).endswith(wording.reply.format(number=7))
    both = wording.reply_or_follow.format(number=7, link=link)
    assert told(Channel.SMS, Answering(number=7, link=link)).endswith(both)
    long = "https://" + "long." * 20 + "example/a/Zm9vYmFyYmF6cXV4MTIzNDU"
    assert told(Channel.SMS, Answering(number=7, link=long)).endswith(wording.reply.format(number=7))  # no room for both
    assert told(Channel.SMS, Answering(number=None, link=link)).endswith(wording.follow.format(link=link))
    assert told(Channel.SMS, Answering(number=None)).endswith(wording.answer_elsewhere)
    assert told(Channel.VOICE, Answering(keys=False)).endswith(wording.answer[Channel.EMAIL])
    assert all(segments(told(Channel.SMS, Answering(number=number, link=link))) <= 2 for number in (99, None))


@pytest.mark.parametrize("language", Language)
def test_several_things_at_once_fit_into_two_segments_and_say_how_many_there_are(
    language: Language, estate: Build, incident: About, duty: Owe, now_ns: int
) -> None:
    for name, kinds in (("周芬", TELLABLE), ("𠮷" * 90, TELLABLE), ("Ann", TELLABLE[:2])):
        duties = [duty(incident(kind), to="a-relative") for kind in kinds]
        text = render_bundle(duties, Channel.SMS, estate(name=name, community=name, language=language), now_ns)
        assert segments(text) <= 2, text
        assert str(len(duties)) in text
        assert text.endswith(wording_in(language).bundle_see)
    assert wording_in(language).bundle_more.format(n=1) not in text  # two of them fit


@pytest.mark.parametrize("language", Language)
def test_what_an_app_shows_has_buttons_while_nobody_has_it(language: Language, duty: Owe, incident: About, estate: Build) -> None:
    def of(about: Incident, **more: object) -> list[tuple[str, str]]:
        return [(one.do, one.words) for one in buttons(duty(about, **more), estate(language=language))]

    about, wording = incident(EventKind.FALL), wording_in(language)
    assert of(about) == [("acknowledge", wording.buttons[Do.ACKNOWLEDGE]), ("decline", wording.buttons[Do.DECLINE])]
    (goes, _) = buttons(duty(about), estate(language=language))
    assert "周芬" in goes.done
    assert of(replace(about, state=IncidentState.ACKNOWLEDGED)) == of(about, purpose=Purpose.ENDING) == []
    assert of(about, to=about.subject) == []
