"""Silence: asked for by name, with a reason and a hard end; it holds back telling, and hides nothing."""

from typing import Any

import pytest

from incidents.model import Do, IncidentState, Purpose
from rules.kinds import EventKind

K = EventKind
MINUTE = 60


def test_a_silence_holds_back_the_telling_until_its_end_and_the_incident_is_open_meanwhile(world: Any) -> None:
    assert world.silence(0, "day-guard", "h-1", minutes=30) is None
    world.event(60, K.INTRUSION, "h-1")
    assert world.last.state is IncidentState.OPEN
    world.until(29 * MINUTE)
    assert world.told() == []
    assert world.last.held_ns is not None
    world.until(31 * MINUTE)
    assert world.told()[0] == (30 * MINUTE, "fen", "sms")


def test_the_later_steps_keep_their_distance_after_the_silence(world: Any) -> None:
    world.silence(0, "day-guard", "h-1", minutes=30)
    world.event(60, K.INTRUSION, "h-1")
    world.until(60 * MINUTE)
    assert (30 * MINUTE + 90, "day-guard", "voice") in world.told()


def test_what_is_taken_on_during_a_silence_is_told_to_nobody(world: Any) -> None:
    world.silence(0, "day-guard", "h-1", minutes=30)
    world.event(60, K.INTRUSION, "h-1")
    world.act(120, "day-guard", Do.RESOLVE, "h-1")
    world.until(60 * MINUTE)
    assert world.told() == []


def test_its_owner_hears_when_it_ends(world: Any) -> None:
    world.silence(0, "day-guard", "h-1", minutes=30)
    world.until(40 * MINUTE)
    assert world.told(Purpose.ENDING) == [(30 * MINUTE, "day-guard", "")]
    assert world.last.state is IncidentState.RESOLVED


def test_ended_early_what_it_held_back_is_told_at_once(world: Any) -> None:
    world.silence(0, "day-guard", "h-1", minutes=30)
    world.event(60, K.INTRUSION, "h-1")
    world.act(300, "day-guard", Do.FALSE_ALARM, "h-1")
    assert world.last.state is IncidentState.FALSE_ALARM, "an act on the home means what happened there, not the silence"
    world.event(400, K.APPROACH, "h-1")
    world.act(500, "office", Do.RESOLVE, "h-1")
    world.event(600, K.INTRUSION, "h-1", cause="door")
    assert world.told() == []
    assert world.act(700, "office", Do.RESOLVE, "h-1") is None
    world.event(800, K.CROSS, "h-1")
    silence = world.book.quiets()[0]
    assert silence.subject == "h-1"


def test_a_silence_alone_can_only_be_resolved(world: Any) -> None:
    world.silence(0, "day-guard", "h-1", minutes=30)
    assert "silence only" in world.act(10, "office", Do.ACKNOWLEDGE, "h-1")
    assert world.act(20, "office", Do.RESOLVE, "h-1") is None
    assert world.told(Purpose.ENDING) == [(20, "day-guard", "")]


def test_a_silence_that_is_ended_early_lets_go_what_it_held(world: Any) -> None:
    world.silence(0, "day-guard", "watch", minutes=60, reason="换电池")
    world.silence(0, "day-guard", "willow", minutes=120)
    world.event(60, K.OFFLINE, "watch")
    world.until(30 * MINUTE)
    assert world.told() == []
    world.act(30 * MINUTE, "day-guard", Do.RESOLVE, "willow")
    assert world.told() == [], "the other silence goes on"
    world.until(61 * MINUTE)
    assert [to for _, to, _ in world.told()] == ["jie"]


@pytest.mark.parametrize("subject", ["h-1", "fen", "watch", "willow"])
def test_a_fall_is_told_through_a_silence_that_does_not_name_life_safety(world: Any, subject: str) -> None:
    world.silence(0, "day-guard", subject, minutes=60)
    world.event(60, K.SOS, device_id="watch")
    assert {to for _, to, _ in world.told()} == {"jie", "day-guard"}


def test_life_safety_is_silenced_only_with_the_family_knowing_of_its_beginning_and_its_end(world: Any) -> None:
    world.silence(0, "day-guard", "fen", minutes=60, life=True)
    assert world.told(Purpose.UPDATE) == [(0, "jie", "")]
    world.event(60, K.SOS)
    assert world.told() == []
    world.until(60 * MINUTE)
    assert [(at, to) for at, to, _ in world.told(Purpose.ENDING)] == [(60 * MINUTE, "day-guard"), (60 * MINUTE, "jie")]
    assert {to for _, to, _ in world.told()} == {"jie", "day-guard"}, "she still has not been helped"


def test_life_safety_of_somebody_without_family_or_of_everybody_is_never_silenced(world: Any, worlds: Any, people: Any) -> None:
    assert "whole community" in world.silence(0, "office", "willow", minutes=60, life=True)
    alone = worlds(people=tuple(one for one in people if one.id != "jie"))
    assert "family of fen" in alone.silence(0, "office", "h-1", minutes=60, life=True)


@pytest.mark.parametrize(
    ("by", "subject", "minutes", "reason", "why"),
    [
        ("stranger", "h-1", 30, "x", "nobody this community knows"),
        ("hospital-desk", "h-1", 30, "x", "may not ask"),
        ("emma", "fen", 30, "x", None),
        ("an", "h-1", 30, "x", "may not ask"),
        ("an", "h-2", 30, "x", None),
        ("office", "nowhere", 30, "x", "no resident, home, device"),
        ("office", "jie", 30, "x", "no resident, home, device"),
        ("office", "h-1", 30, "  ", "reason is empty"),
        ("office", "h-1", 0, "x", "the end"),
        ("office", "h-1", 8 * 24 * 60, "x", "the end"),
    ],
)
def test_who_may_ask_for_what(world: Any, *, by: str, subject: str, minutes: float, reason: str, why: str | None) -> None:
    refused = world.silence(0, by, subject, minutes=minutes, reason=reason)
    assert (refused is None) if why is None else (refused and why in refused)


def test_there_is_one_silence_of_a_subject_at_a_time(world: Any) -> None:
    world.silence(0, "office", "h-1", minutes=30)
    assert "already" in world.silence(60, "day-guard", "h-1", minutes=30)
    assert world.silence(31 * MINUTE, "day-guard", "h-1", minutes=30) is None


def test_an_ending_is_told_under_silence(world: Any) -> None:
    world.event(0, K.INTRUSION, "h-1")
    told = {to for _, to, _ in world.told()}
    world.silence(30, "office", "h-1", minutes=60)
    world.act(60, "day-guard", Do.RESOLVE, "h-1")
    assert {to for _, to, _ in world.told(Purpose.ENDING)} == told
