"""Silence: asked for by name, with a reason and a hard end; it holds back telling, and hides nothing."""

from dataclasses import replace
from typing import Any

import pytest

from incidents.directory import Channel, Repeat
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


def test_the_silence_of_one_device_does_not_hide_what_another_saw(world: Any) -> None:
    world.silence(0, "day-guard", "door", minutes=60, reason="换锁")
    world.event(60, K.INTRUSION, "h-1", cause="door", device_id="door")
    assert world.told() == []
    world.event(70, K.APPROACH, "h-1", cause="radar", device_id="radar")
    assert (70, "fen", "sms") in world.told()
    assert (160, "day-guard", "voice") in [*world.told(), *(world.until(200) or world.told())]


def test_the_silence_of_one_device_is_over_for_an_incident_that_another_opened(world: Any) -> None:
    world.event(0, K.INTRUSION, "h-1", cause="window", device_id="window")
    world.silence(10, "day-guard", "door", minutes=60, reason="换锁")
    world.event(20, K.INTRUSION, "h-1", cause="door", device_id="door")
    world.until(100)
    assert (90, "day-guard", "voice") in world.told()


def test_of_two_silenced_devices_the_one_that_may_speak_first_ends_it(world: Any) -> None:
    world.silence(0, "day-guard", "door", minutes=60, reason="换锁")
    world.silence(0, "day-guard", "watch", minutes=20, reason="换电池")
    world.event(60, K.INTRUSION, "h-1", cause="door", device_id="door")
    world.event(70, K.INTRUSION, "h-1", cause="watch", device_id="watch")
    world.until(70 * MINUTE)
    assert world.told()[0][0] <= 60 * MINUTE


def test_what_comes_during_a_silence_does_not_let_it_end_unseen(world: Any) -> None:
    world.silence(0, "day-guard", "h-1", minutes=60)
    world.event(60, K.INTRUSION, "h-1")
    world.event(120, K.APPROACH, "h-1")
    world.until(59 * MINUTE)
    assert world.last.state is IncidentState.OPEN
    world.until(61 * MINUTE)
    assert world.told()[0] == (60 * MINUTE, "fen", "sms")


def test_a_new_round_during_a_silence_does_not_put_off_what_waits_of_the_old_one(worlds: Any, make_policy: Any) -> None:
    battery = make_policy("battery", K.LOW_BATTERY, steps=[(0, ["jie"], ["sms"]), (60, ["officer"], ["voice"])])
    tamper = make_policy("tamper", K.TAMPER, steps=[(0, ["emma"], ["sms"])])
    world = worlds(policies=(battery, tamper))
    world.silence(0, "day-guard", "watch", minutes=60)
    world.event(60, K.LOW_BATTERY, "watch")
    world.event(20 * MINUTE, K.TAMPER, "watch")
    world.until(200 * MINUTE)
    assert [(at, to) for at, to, _ in world.told()] == [(60 * MINUTE, "jie"), (60 * MINUTE, "emma"), (61 * MINUTE, "officer")]


def test_family_that_can_only_be_asked_by_what_they_wear_knows_of_no_silence(worlds: Any, people: Any) -> None:
    worn = worlds(people=tuple(replace(one, channels=(Channel.DEVICE,)) if one.id == "jie" else one for one in people))
    assert "family of fen" in (worn.silence(0, "office", "fen", minutes=60, life=True) or "")


@pytest.mark.parametrize("ended_min", [None, 20, 59])
@pytest.mark.parametrize("acknowledged_s", [None, 130, 1000])
@pytest.mark.parametrize("silenced_s", [0, 10, 40, 75, 140])
def test_whenever_a_silence_begins_and_somebody_gives_up_everybody_hears_in_the_end(
    worlds: Any, make_policy: Any, *, silenced_s: float, acknowledged_s: float | None, ended_min: float | None
) -> None:
    steps = [(0, ["relatives"], ["sms"]), (60, ["roster:gate"], ["sms"]), (90, ["hospital"], ["voice"])]
    policy = make_policy("distress", K.FALL, cancel_window_s=30, steps=steps, repeat=Repeat(every_s=120, times=2))
    world = worlds(policies=(replace(policy, steps=(replace(policy.steps[0], in_turn_s=50), *policy.steps[1:])),))
    for at_s in sorted({5.0, silenced_s, acknowledged_s or 5.0}):
        if at_s == silenced_s:
            assert world.silence(at_s, "day-guard", "fen", minutes=60, life=True) is None
        if at_s == 5:
            world.event(5, K.FALL)
        if at_s == acknowledged_s:
            assert world.act(at_s, "jie", Do.ACKNOWLEDGE, eta_min=5) is None
    if ended_min is not None:
        silence = world.book.quiets()[0]
        assert world.act(ended_min * MINUTE, "office", Do.FALSE_ALARM) is None or silence
    world.until(200 * MINUTE)
    fall = next(one for one in map(world.incident, world.ids) if one.kind is K.FALL)
    if fall.is_open:
        assert {to for _, to, _ in world.told()} == {"jie", "day-guard", "hospital-desk"}
        assert fall.unanswered
        assert "office" in fall.told


DAY = 24 * 60
"""In minutes."""


@pytest.fixture
def quiet_world(worlds: Any) -> Any:
    """In which a long silence is told as a fall is."""
    policies = worlds().directory.policies
    return worlds(policies=tuple(replace(one, kinds=one.kinds | {K.INACTIVITY}) if K.FALL in one.kinds else one for one in policies))


def test_who_is_away_may_be_silent_and_late_and_still_may_fall(quiet_world: Any) -> None:
    world = quiet_world
    assert world.silence(0, "jie", "fen", minutes=21 * DAY, reason="住院", away=True) is None
    world.event(60, K.INACTIVITY, "fen")
    world.event(90, K.ABSENT, "fen")
    world.event(120, K.OFFLINE, "watch", device_id="watch")
    world.event(150, K.INACTIVITY, "bo")
    world.until(500)
    told = {to for _, to, _ in world.told()}
    assert "jie" not in told, "of 芬 nobody was told"
    assert "emma" in told, "波 is at home, and silent"
    world.event(600, K.FALL, "fen", device_id="watch")
    assert (600, "jie", "sms") in world.told()


def test_what_was_held_is_told_when_somebody_who_was_away_is_not_back_in_time(quiet_world: Any) -> None:
    world = quiet_world
    world.silence(0, "jie", "fen", minutes=DAY, reason="住院", away=True)
    world.event(60, K.INACTIVITY, "fen")
    world.until(DAY * MINUTE - 1)
    assert world.told() == []
    world.until(DAY * MINUTE)
    assert (DAY * MINUTE, "jie", "sms") in world.told()
    assert [(at, to) for at, to, _ in world.told(Purpose.ENDING)] == [(DAY * MINUTE, "jie")]


def test_the_family_is_told_when_somebody_else_says_that_she_is_away(world: Any) -> None:
    world.silence(0, "day-guard", "fen", minutes=DAY, reason="住院", away=True)
    assert world.told(Purpose.UPDATE) == [(0, "jie", "")]


@pytest.mark.parametrize(
    ("subject", "minutes", "life", "why"),
    [
        ("h-1", DAY, False, "no resident"),
        ("watch", DAY, False, "no resident"),
        ("willow", DAY, False, "no resident"),
        ("fen", DAY, True, "life safety"),
        ("fen", 93 * DAY, False, "within 92 days"),
    ],
)
def test_only_a_resident_is_away_and_not_for_ever(world: Any, *, subject: str, minutes: int, life: bool, why: str) -> None:
    assert why in world.silence(0, "office", subject, minutes=minutes, life=life, away=True)


def test_a_home_whose_resident_is_away_is_guarded_as_ever(world: Any) -> None:
    world.silence(0, "jie", "fen", minutes=DAY, reason="住院", away=True)
    world.event(60, K.INTRUSION, "h-1", device_id="window")
    assert world.told() != []
