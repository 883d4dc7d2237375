"""What is said of how it went on after a fall, and of a wearable that may not show one."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from incidents.directory import Channel, Directory, Language
from incidents.model import Duty, Incident, News, Purpose
from notifier.messages import render, segments
from notifier.messages.languages import wording_in
from rules.faults.wear import Why
from rules.kinds import EventKind

Build = Callable[..., Directory]
About = Callable[..., Incident]
Owe = Callable[..., Duty]
SECOND_NS = 10**9


def after(about: Incident, after_s: int, kind: EventKind = EventKind.LONG_LIE, **evidence: int) -> Incident:
    t_ns = about.headline.t_ns + after_s * SECOND_NS
    return replace(about, events=(*about.events, replace(about.headline, kind=kind, t_ns=t_ns, evidence=evidence)))


@pytest.mark.parametrize(
    ("name", "mark_s", "zh", "en"),
    [
        ("still_s", 10, "已有10秒没有动静。", "Not moved for 10 s"),
        ("still_s", 60, "已有1分钟没有动静。", "Not moved for 1 min"),
        ("still_s", 1800, "已有30分钟没有动静。", "Not moved for 30 min"),
        ("still_s", 3600, "已有1小时没有动静。", "Not moved for 1 h"),
        ("down_s", 600, "已有10分钟没有起来。", "Not up for 10 min"),
    ],
)
@pytest.mark.parametrize("purpose", [Purpose.TELL, Purpose.UPDATE])
def test_a_text_says_how_long_who_fell_has_not_moved(
    *, name: str, mark_s: int, zh: str, en: str, purpose: Purpose, estate: Build, incident: About, duty: Owe, now_ns: int
) -> None:
    fell_ns = now_ns - mark_s * SECOND_NS
    about = after(incident(EventKind.FALL, t_ns=fell_ns), mark_s, **{name: mark_s})
    news = News.EVENT if purpose is Purpose.UPDATE else None
    for language, words in ((Language.ZH, zh), (Language.EN, en)):
        for to, channel in itertools.product(("a-relative", "a-guard", "a-hospital", "a-neighbour"), (Channel.SMS, Channel.VOICE)):
            text = render(duty(about, to=to, purpose=purpose, news=news, channel=channel), channel, estate(language=language), now_ns)
            assert words in text
            assert language is Language.EN or f"到10:02{words}" in text
            assert segments(text) <= 2


def test_the_newest_word_counts_and_a_walk_is_one(estate: Build, incident: About, duty: Owe, now_ns: int) -> None:
    fell = incident(EventKind.FALL, t_ns=now_ns - 300 * SECOND_NS)
    lies = after(after(fell, 10, still_s=10), 60, still_s=60)
    up = after(lies, 300, EventKind.RECOVERED)

    def said(about: Incident, language: Language = Language.ZH) -> str:
        return render(duty(about), Channel.SMS, estate(language=language), now_ns)

    assert "没有动静" not in said(fell)
    assert "到09:58已有1分钟没有动静。" in said(lies)
    assert "10秒" not in said(lies)
    assert "10:02似已起来活动。" in said(up)
    assert "没有动静" not in said(up)
    assert "Perhaps up at 10:02." in said(up, Language.EN)


def test_who_fell_again_is_not_said_to_lie_since_before(estate: Build, incident: About, duty: Owe, now_ns: int) -> None:
    fell = incident(EventKind.FALL, t_ns=now_ns - 300 * SECOND_NS)
    again = after(after(fell, 60, still_s=60), 100, EventKind.FALL)
    assert "没有动静" not in render(duty(again), Channel.SMS, estate(), now_ns)


def test_an_update_of_the_walk_says_when_it_began_and_says_it_once(estate: Build, incident: About, duty: Owe, now_ns: int) -> None:
    up = after(incident(EventKind.FALL, t_ns=now_ns - 300 * SECOND_NS), 120, EventKind.RECOVERED)
    text = render(duty(up, purpose=Purpose.UPDATE, news=News.RECOVERED), Channel.SMS, estate(), now_ns)
    assert text.count("似已起来活动") == 1
    assert "09:59似已起来活动，仍请确认。" in text


@pytest.mark.parametrize(
    ("kind", "why", "zh", "en"),
    [
        (EventKind.NOT_WORN, None, "10:02发现没有戴在身上。", "was not worn at 10:02."),
        (EventKind.NOT_WORN, Why.CHARGING, "充电后，到10:02还没有戴回身上。", "was charged and not put on again by 10:02."),
        (EventKind.IMPLAUSIBLE, None, "10:02发现读数不合常理。", "sent impossible values at 10:02."),
        (
            EventKind.IMPLAUSIBLE,
            Why.CLIPPED,
            "10:02发现量程太小，摔倒时可能发现不了。",
            "has too small a range as of 10:02: a fall may go unnoticed.",
        ),
        (
            EventKind.IMPLAUSIBLE,
            Why.SLOW,
            "10:02发现采样太慢，摔倒时可能发现不了。",
            "samples too slowly as of 10:02: a fall may go unnoticed.",
        ),
        (
            EventKind.IMPLAUSIBLE,
            Why.SPARSE,
            "10:02发现数据断断续续，摔倒时可能发现不了。",
            "loses most of its data as of 10:02: a fall may go unnoticed.",
        ),
    ],
)
def test_a_wearable_that_may_not_show_a_fall_says_why(
    *, kind: EventKind, why: Why | None, zh: str, en: str, estate: Build, incident: About, duty: Owe, now_ns: int
) -> None:
    about = incident(kind)
    headline = replace(about.headline, evidence={} if why is None else {"why": why.value, "range_g": 4.0})
    about = replace(about, headline=headline, events=(headline,))
    for language, words in ((Language.ZH, zh), (Language.EN, en)):
        text = render(duty(about), Channel.SMS, estate(language=language), now_ns)
        assert words in text
        assert segments(text) <= 2
        assert "4.0" not in text


def test_both_languages_have_a_word_for_each_reason() -> None:
    assert all(set(wording.unfit) == set(Why) for wording in map(wording_in, Language))
