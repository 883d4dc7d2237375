from typing import Any

import pytest

from incidents.directory import Channel, Role
from incidents.model import Do, IncidentState, Purpose
from rules.kinds import EventKind

K = EventKind
SMS = [Channel.SMS]


def test_steps_are_told_at_their_own_times(world: Any) -> None:
    world.event(0, K.SOS)
    world.until(310)
    assert [at_s for at_s, _, _ in world.told()] == [0, 0, 60, 300]


def test_an_acknowledgement_stops_what_was_not_said_yet(world: Any) -> None:
    world.event(0, K.SOS)
    world.act(59, "jie", Do.ACKNOWLEDGE, eta_min=60)
    world.until(3600)
    assert [to for _, to, _ in world.told()] == ["jie", "day-guard"]


def test_an_acknowledgement_expires_after_half_an_hour_and_the_next_steps_follow_at_their_distances(world: Any) -> None:
    world.event(0, K.SOS)
    world.act(10, "jie", Do.ACKNOWLEDGE)
    world.until(2060)
    assert world.moves() == [(0, "open"), (10, "acknowledged"), (1810, "open")]
    assert world.told()[2:] == [(1810, "hospital-desk", "voice"), (2050, "officer", "voice")]


def test_the_time_of_arrival_that_was_named_decides_when_it_expires(world: Any) -> None:
    world.event(0, K.SOS)
    world.act(10, "jie", Do.ACKNOWLEDGE, eta_min=2.5)
    world.until(160)
    assert world.moves()[-1] == (160, "open")


def test_the_newest_word_on_who_comes_counts(world: Any) -> None:
    world.event(0, K.SOS)
    world.act(10, "jie", Do.ACKNOWLEDGE, eta_min=1)
    world.act(60, "day-guard", Do.ACKNOWLEDGE, eta_min=5)
    world.until(359)
    assert (world.last.state, world.last.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "day-guard")
    world.until(360)
    assert world.last.state is IncidentState.OPEN


def test_with_no_step_left_an_expiry_says_the_last_one_once_more(worlds: Any, make_policy: Any) -> None:
    world = worlds(policies=(make_policy("p", K.SOS, steps=[(0, ["relatives"], SMS), (5, ["officer"], SMS)]),))
    world.event(0, K.SOS)
    world.act(10, "jie", Do.ACKNOWLEDGE, eta_min=1)
    world.until(500)
    assert world.told()[1:] == [(5, "officer", "sms"), (70, "officer", "sms")]
    assert len({duty.id for _, duty in world.duties}) == len(world.duties)


def test_somebody_on_scene_stops_the_expiry(world: Any) -> None:
    world.event(0, K.SOS)
    world.act(10, "jie", Do.ACKNOWLEDGE, eta_min=1)
    world.act(50, "jie", Do.ON_SCENE)
    world.act(55, "day-guard", Do.ACKNOWLEDGE)
    world.until(10_000)
    assert world.moves() == [(0, "open"), (10, "acknowledged"), (50, "on_scene")]


def test_on_scene_implies_an_acknowledgement(world: Any) -> None:
    world.event(0, K.SOS)
    world.act(10, "jie", Do.ON_SCENE)
    world.until(5000)
    assert len(world.told()) == 2
    assert world.last.acknowledged_by == "jie"


def test_a_suspected_incident_that_was_taken_on_escalates_from_its_first_step_when_that_expires(world: Any) -> None:
    world.event(0, K.FALL)
    world.act(10, "jie", Do.ACKNOWLEDGE, eta_min=1)
    world.until(130)
    assert world.moves() == [(0, "suspected"), (10, "acknowledged"), (70, "open")]
    assert world.told() == [(70, "jie", "sms"), (70, "day-guard", "sms"), (130, "hospital-desk", "voice")]


def test_repeats_follow_the_last_step_and_then_the_administrators_hear_that_nobody_answers(world: Any) -> None:
    world.event(0, K.SOS)
    world.until(10_000)
    assert [(at_s, to) for at_s, to, _ in world.told() if to == "officer"] == [(300, "officer"), (420, "officer"), (540, "officer")]
    assert world.told(Purpose.UPDATE) == [(660, "office", "voice")]
    assert world.last.unanswered
    assert world.last.state is IncidentState.OPEN
    assert len({duty.id for _, duty in world.duties}) == len(world.duties)


def test_an_acknowledgement_stops_the_repeats_and_its_expiry_goes_on_with_them(world: Any) -> None:
    world.event(0, K.SOS)
    world.act(430, "jie", Do.ACKNOWLEDGE, eta_min=1)
    world.until(10_000)
    assert [at_s for at_s, to, _ in world.told() if to == "officer"] == [300, 420, 490, 610]
    assert world.told(Purpose.UPDATE) == [(730, "office", "voice")]


def test_presses_without_end_do_not_put_off_the_administrators(world: Any) -> None:
    for press in range(40):
        world.event(31 * press, K.SOS)
    assert world.last.unanswered


def test_a_step_that_reaches_nobody_hands_on_at_once(worlds: Any, make_policy: Any, make_person: Any) -> None:
    steps = [(0, ["hospital"], SMS), (60, ["relatives"], SMS), (120, ["officer"], SMS)]
    people = (make_person("desk", Role.HOSPITAL, channels=(Channel.EMAIL,)), make_person("officer", Role.OFFICER))
    world = worlds(policies=(make_policy("p", K.SOS, steps=steps),), people=people)
    world.event(0, K.SOS)
    world.until(500)
    assert world.told() == [(0, "officer", "sms")]
    assert world.last.skipped == ("desk",)


def test_nobody_at_all_is_no_error(worlds: Any, make_policy: Any) -> None:
    world = worlds(policies=(make_policy("p", K.SOS, steps=[(0, ["relatives", "roster:none", "gone"], SMS)]),))
    world.event(0, K.SOS, "an-unknown-person")
    world.until(500)
    assert world.duties == []


def test_an_sms_to_a_fixed_line_is_a_call_at_once(world: Any) -> None:
    world.event(0, K.SOS)
    world.until(60)
    assert [channel for _, to, channel in world.told() if to == "hospital-desk"] == ["voice"]


@pytest.mark.parametrize(
    ("has", "reached"),
    [
        ((Channel.SMS, Channel.VOICE), ["sms", "voice"]),
        ((Channel.VOICE,), ["voice"]),
        ((Channel.PUSH, Channel.EMAIL), ["push"]),
        ((Channel.EMAIL,), []),
        ((), []),
    ],
)
def test_all_named_channels_at_once_or_else_the_next_that_there_is(
    *, worlds: Any, make_policy: Any, make_person: Any, people: Any, has: tuple[Channel, ...], reached: list[str]
) -> None:
    others = tuple(one for one in people if one.id != "officer")
    by = [Channel.SMS, Channel.VOICE]
    world = worlds(
        people=(*others, make_person("officer", Role.OFFICER, channels=has)),
        policies=(make_policy("p", K.SOS, steps=[(0, ["officer"], by)]),),
    )
    world.event(0, K.SOS)
    assert [channel for _, _, channel in world.told()] == reached


def test_somebody_named_twice_in_a_step_is_told_once(worlds: Any, make_policy: Any) -> None:
    tell = ["relatives", "jie", "roster:gate", "day-guard"]
    world = worlds(policies=(make_policy("p", K.SOS, steps=[(0, tell, SMS)]),))
    world.event(0, K.SOS)
    assert [to for _, to, _ in world.told()] == ["jie", "day-guard"]


@pytest.mark.parametrize(
    ("subject", "kind", "target", "who"),
    [
        ("fen", K.SOS, "relatives", ["jie"]),
        ("h-1", K.INTRUSION, "relatives", ["jie", "emma"]),
        ("watch", K.OFFLINE, "relatives", ["jie"]),
        ("door", K.OFFLINE, "relatives", ["jie", "emma"]),
        ("willow", K.OUTAGE, "relatives", []),
        ("h-1", K.INTRUSION, "occupants", ["fen", "bo"]),
        ("fen", K.SOS, "occupants", ["bo"]),
        ("fen", K.SOS, "neighbours", ["upstairs"]),
        ("an", K.SOS, "neighbours", []),
        ("fen", K.SOS, "hospital", ["hospital-desk"]),
        ("fen", K.SOS, "officer", ["officer"]),
    ],
)
def test_whom_a_word_means(*, worlds: Any, make_policy: Any, subject: str, kind: EventKind, target: str, who: list[str]) -> None:
    world = worlds(policies=(make_policy("p", kind, steps=[(0, [target], SMS)]),))
    world.event(0, kind, subject)
    assert [to for _, to, _ in world.told()] == who


def test_an_empty_roster_tells_everybody_on_it_and_says_so(world: Any) -> None:
    sunday_night_s = 6 * 86_400 + 12 * 3600
    world.event(0, K.SOS)
    world.event(sunday_night_s, K.SOS, "an")
    whole = [(duty.to, duty.whole_roster) for at_s, duty in world.duties if at_s == sunday_night_s]
    assert whole == [("emma", False), ("day-guard", True), ("night-guard", True)]


def test_the_roster_is_read_when_the_step_fires_not_when_it_opened(world: Any) -> None:
    before_eight_pm_s = 10 * 3600 - 30
    world.event(before_eight_pm_s, K.APPROACH, "h-1")
    world.until(before_eight_pm_s + 90)
    assert world.told()[-1] == (before_eight_pm_s + 90, "night-guard", "voice")
