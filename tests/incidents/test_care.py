"""Words to the family: who is told, by what, and who must not be."""

from dataclasses import replace
from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from incidents.directory import Channel, Person
from incidents.model import Do, IncidentState, Purpose, Story
from rules.kinds import EventKind

K = EventKind
SIX_PM = 8 * 3600
DAY = 24 * 3600
HEARD = {"sign_t_ms": 1, "silent": ""}


def wanting(people: tuple[Person, ...], **chosen: Any) -> tuple[Person, ...]:
    """The people, of whom 杰 (of 芬) and emma (of 波 and 安) chose something."""
    return tuple(replace(one, **chosen) if one.id in {"jie", "emma"} else one for one in people)


def test_only_who_belongs_to_the_resident_and_wants_it_then_hears_it(worlds: Any, people: tuple[Person, ...]) -> None:
    world = worlds(people=wanting(people, daily=time(18)))
    world.event(SIX_PM, K.DAILY, "fen", evidence=HEARD)
    world.event(SIX_PM + 60, K.DAILY, "bo", evidence=HEARD)  # at a time that nobody chose
    assert world.told(Purpose.WORD) == [(SIX_PM, "jie", "sms")]
    assert (world.last.state, world.last.story) == (IncidentState.RESOLVED, Story.CARE)


def test_each_by_their_own_clock(worlds: Any, people: tuple[Person, ...]) -> None:
    world = worlds(people=wanting(people, daily=time(10), timezone=ZoneInfo("Europe/London")))
    world.event(SIX_PM, K.DAILY, "fen", evidence=HEARD)
    assert world.told(Purpose.WORD) == [(SIX_PM, "jie", "sms")]


def test_push_goes_before_sms_and_nobody_is_called(worlds: Any, people: tuple[Person, ...]) -> None:
    for channels, used in (((Channel.SMS, Channel.VOICE, Channel.PUSH), ["push"]), ((Channel.VOICE,), [])):
        world = worlds(people=wanting(people, daily=time(18), channels=channels))
        world.event(SIX_PM, K.DAILY, "fen", evidence=HEARD)
        assert [channel for _, _, channel in world.told(Purpose.WORD)] == used


def test_whose_last_day_is_over_hears_nothing(worlds: Any, people: tuple[Person, ...]) -> None:
    world = worlds(people=wanting(people, daily=time(18), until=date(2026, 3, 1)))
    world.event(SIX_PM, K.DAILY, "fen", evidence=HEARD)
    assert world.told(Purpose.WORD) == []


@pytest.mark.parametrize(("kind", "subject"), [(K.SOS, "fen"), (K.INTRUSION, "h-1")])
def test_what_is_open_about_them_or_their_home_stands_in_it(worlds: Any, people: tuple[Person, ...], kind: EventKind, subject: str) -> None:
    world = worlds(people=wanting(people, daily=time(18)))
    world.event(SIX_PM - 5, kind, subject)
    world.event(SIX_PM, K.DAILY, "fen", evidence=HEARD)
    word = next(duty for _, duty in world.duties if duty.purpose is Purpose.WORD)
    assert word.incident.headline.evidence["open"] is True


def test_nobody_expects_a_sign_of_life_of_somebody_who_is_away(worlds: Any, people: tuple[Person, ...]) -> None:
    world = worlds(people=wanting(people, daily=time(18)))
    world.silence(0, "jie", "fen", minutes=DAY / 60, reason="住院", away=True)
    world.event(SIX_PM, K.DAILY, "fen", evidence={"silent": "watch"})
    assert world.told(Purpose.WORD) == []


def test_a_suggestion_that_stands_is_nothing_open(worlds: Any, people: tuple[Person, ...]) -> None:
    world = worlds(people=wanting(people, daily=time(18)))
    world.event(SIX_PM - 5, K.EVERYBODY_LEFT, "h-1", home_id="h-1")
    world.event(SIX_PM, K.DAILY, "fen", evidence=HEARD)
    word = next(duty for _, duty in world.duties if duty.purpose is Purpose.WORD)
    assert word.incident.headline.evidence["open"] is False


def test_who_must_not_hear_of_a_call_under_duress_is_told_nothing_and_the_others_are(worlds: Any, people: tuple[Person, ...]) -> None:
    also = next(one for one in people if one.id == "jie")
    also = replace(also, id="hui", name="hui")
    world = worlds(people=(*wanting((*people, also), daily=time(18)), replace(also, id="zi", name="zi", daily=time(18))))
    world.event(SIX_PM - 5, K.DURESS, "fen", evidence={"by": "jie"})
    world.event(SIX_PM, K.DAILY, "fen", evidence=HEARD)
    assert world.told(Purpose.WORD) == [(SIX_PM, "zi", "sms")]


def test_a_word_is_nobodys_to_take_on(worlds: Any, people: tuple[Person, ...]) -> None:
    world = worlds(people=wanting(people))
    world.event(0, K.EVERYBODY_LEFT, "h-1", home_id="h-1")
    assert world.act(5, "day-guard", Do.ACKNOWLEDGE, "h-1") == "h-1 has no open incident"
    world.event(6, K.INTRUSION, "h-1")
    assert world.act(7, "day-guard", Do.RESOLVE, "h-1") is None
    world.cleared(10, K.EVERYBODY_LEFT, "h-1")
    assert {at_s for at_s, *_ in world.told(Purpose.ENDING)} == {7}


def test_the_day_after_a_fall_is_asked_about_once_at_ten_and_a_fall_that_is_still_open_is_not(
    worlds: Any, people: tuple[Person, ...]
) -> None:
    world = worlds(people=wanting(people, day_after=True))
    world.event(3600, K.FALL)
    world.until(DAY + 3600)
    assert world.told(Purpose.WORD) == []
    world.act(DAY + 7200, "day-guard", Do.RESOLVE)
    world.until(4 * DAY)
    assert world.told(Purpose.WORD) == [(2 * DAY, "jie", "sms")]


def test_each_is_asked_the_day_after_at_the_hour_that_they_chose_by_their_own_clock(worlds: Any, people: tuple[Person, ...]) -> None:
    (jie,) = [one for one in people if one.id == "jie"]
    hours = {"jie": (time(12), None), "hui": (None, None), "zi": (time(8), ZoneInfo("Europe/London"))}
    family = [replace(jie, id=one, name=one, day_after=True, day_after_at=at, timezone=zone) for one, (at, zone) in hours.items()]
    world = worlds(people=(*(one for one in people if one.id != "jie"), *family))
    world.event(3600, K.FALL)
    world.act(7200, "day-guard", Do.RESOLVE)
    world.until(4 * DAY)
    assert [(at_s, who) for at_s, who, _ in world.told(Purpose.WORD)] == [(DAY, "hui"), (DAY + 2 * 3600, "jie"), (DAY + 6 * 3600, "zi")]


def test_who_changed_their_mind_meanwhile_is_not_asked(worlds: Any, people: tuple[Person, ...]) -> None:
    world = worlds(people=wanting(people, day_after=True))
    world.event(3600, K.FALL)
    world.act(7200, "day-guard", Do.RESOLVE)
    world.directory = replace(world.directory, people={one.id: one for one in people})
    world.until(4 * DAY)
    assert world.told(Purpose.WORD) == []
