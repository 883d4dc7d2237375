"""Policies that depend on circumstances, tell people in turn, and give the wearer time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import time
from typing import Any

import pytest

from devices.model import NS_PER_S
from incidents.directory import Channel, Repeat, Role, Severity, Step, When
from incidents.model import Do, IncidentState, Purpose
from rules.kinds import EventKind, Mode

K = EventKind
HOUR = 3600
STILL = {"unrest_g": 0.01}


@pytest.fixture
def with_steps(worlds: Callable[..., Any], make_policy: Callable[..., Any]) -> Callable[..., Any]:
    """A world with one policy of these steps for sos and intrusion."""

    def made(*steps: Step, **fields: Any) -> Any:
        policy = replace(make_policy("only", K.SOS, K.INTRUSION, K.FALL, steps=[]), steps=steps, **fields)
        return worlds(policies=(policy,))

    return made


def step(*tell: str, after_s: int = 0, **fields: Any) -> Step:
    return Step(after_s=after_s, tell=tell, by=(Channel.SMS,), **fields)


def test_relatives_are_called_in_turn_until_one_has_it(with_steps: Any) -> None:
    world = with_steps(step("upstairs", "jie", "emma", in_turn_s=40))
    world.event(0, K.SOS)
    world.until(30)
    assert [to for _, to, _ in world.told()] == ["upstairs"]
    world.until(50)
    assert [(at, to) for at, to, _ in world.told()] == [(0, "upstairs"), (40, "jie")]
    world.act(60, "jie", Do.ACKNOWLEDGE)
    world.until(200)
    assert len(world.told()) == 2


def test_whoever_cannot_go_costs_the_next_in_turn_no_time(with_steps: Any) -> None:
    world = with_steps(step("upstairs", "jie", "emma", in_turn_s=40), step("officer", after_s=300))
    world.event(0, K.SOS)
    world.act(10, "upstairs", Do.DECLINE)
    world.act(15, "jie", Do.DECLINE)
    world.until(299)
    assert [(at, to) for at, to, _ in world.told()] == [(0, "upstairs"), (10, "jie"), (15, "emma")]
    world.until(300)
    assert [(at, to) for at, to, _ in world.told()][3:] == [(300, "officer")]


def test_whoever_has_it_and_cannot_go_after_all_gives_it_to_the_next_step(with_steps: Any) -> None:
    world = with_steps(step("jie"), step("officer", after_s=300))
    world.event(0, K.SOS)
    world.act(10, "jie", Do.ACKNOWLEDGE)
    world.act(20, "jie", Do.DECLINE)
    assert world.last.state is IncidentState.OPEN
    assert (world.last.acknowledged_by, world.last.eta_ns) == (None, None)
    assert [(at, to) for at, to, _ in world.told()] == [(0, "jie"), (20, "officer")]


def test_whoever_cannot_go_where_another_has_it_changes_nothing(with_steps: Any) -> None:
    world = with_steps(step("jie", "upstairs"), step("officer", after_s=300))
    world.event(0, K.SOS)
    world.act(10, "jie", Do.ACKNOWLEDGE)
    world.act(20, "upstairs", Do.DECLINE)
    assert (world.last.state, world.last.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "jie")
    assert len(world.told()) == 2


def test_in_turn_whoever_cannot_be_told_costs_no_time(with_steps: Any, people: Any) -> None:
    world = with_steps(step("upstairs", "jie", "emma", in_turn_s=40))
    mute = {one.id: replace(one, channels=()) if one.id in {"upstairs", "jie"} else one for one in people}
    world.directory = replace(world.directory, people=mute)
    world.event(0, K.SOS)
    assert [(at, to) for at, to, _ in world.told()] == [(0, "emma")]
    assert world.last.skipped == ("upstairs", "jie")


def test_the_turns_that_are_left_go_on_after_an_acknowledgement_expires(with_steps: Any) -> None:
    world = with_steps(step("upstairs", "jie", in_turn_s=40))
    world.event(0, K.SOS)
    world.act(10, "upstairs", Do.ACKNOWLEDGE, eta_min=1)
    world.until(100)
    assert [(at, to) for at, to, _ in world.told()] == [(0, "upstairs"), (70, "jie")]


def test_a_step_for_the_night_is_not_there_by_day(with_steps: Any) -> None:
    night = When(since=time(22), until=time(6))
    world = with_steps(step("officer", when=night), step("jie", after_s=60))
    world.event(0, K.SOS)  # 10:00
    world.until(100)
    assert [(at, to) for at, to, _ in world.told()] == [(60, "jie")], "a step that is not there brings no other forward"
    world.event(13 * HOUR, K.SOS, "bo")  # 23:00
    assert ("officer") in [to for at, to, _ in world.told() if at == 13 * HOUR]


def test_a_step_for_some_modes_goes_by_the_mode_when_it_is_due(with_steps: Any) -> None:
    world = with_steps(step("jie", when=When(modes=frozenset({Mode.AWAY, Mode.HOLIDAY}))), step("officer", after_s=60))
    world.event(0, K.INTRUSION, "h-1")
    world.mode("h-2", Mode.AWAY)
    world.event(1, K.INTRUSION, "h-2")
    assert [(at, to) for at, to, _ in world.told()] == [(1, "jie")]


def test_a_step_for_life_safety_is_not_for_a_burglary(with_steps: Any) -> None:
    world = with_steps(step("hospital", when=When(severities=frozenset({Severity.LIFE}))), step("jie", after_s=5))
    world.event(0, K.INTRUSION, "h-1")
    world.event(0, K.SOS)
    world.until(1)
    assert [one.incident.subject for _, one in world.duties] == ["fen"]


def test_everyone_at_once_is_every_step_at_nought(with_steps: Any) -> None:
    world = with_steps(step("relatives", "roster:gate", "hospital", "neighbours", "officer"))
    world.event(0, K.SOS)
    assert {to for at, to, _ in world.told() if at == 0} == {"jie", "day-guard", "hospital-desk", "upstairs", "officer"}


def test_a_wearer_has_a_cancel_window_of_their_own(with_steps: Any) -> None:
    world = with_steps(step("relatives"), cancel_window_s=30)
    people = dict(world.directory.people)
    people["fen"] = replace(people["fen"], cancel_window_s=90)
    people["bo"] = replace(people["bo"], cancel_window_s=0)
    world.directory = replace(world.directory, people=people)
    world.event(0, K.FALL)
    world.event(0, K.FALL, "bo")
    world.until(100)
    assert world.moves() == [(0, "suspected"), (90, "open")]
    assert world.moves("bo") == [(0, "open")]


@pytest.mark.parametrize(
    ("score", "evidence", "opens_at"),
    [(0.97, STILL, 5), (0.97, {"unrest_g": 0.4}, 30), (0.9, STILL, 30), (0.97, {}, 30)],
)
def test_hard_evidence_shortens_the_window(with_steps: Any, *, score: float, evidence: dict[str, float], opens_at: int) -> None:
    world = with_steps(step("relatives"), cancel_window_s=30, certain_window_s=5)
    world.event(0, K.FALL, score=score, evidence=evidence)
    world.until(100)
    assert world.moves() == [(0, "suspected"), (opens_at, "open")]


def test_the_wearer_is_asked_by_a_device_that_can_and_nobody_else_hears(with_steps: Any) -> None:
    world = with_steps(step("relatives"), cancel_window_s=30)
    people = dict(world.directory.people)
    people["fen"] = replace(people["fen"], channels=(Channel.SMS, Channel.DEVICE))
    world.directory = replace(world.directory, people=people)
    world.event(0, K.FALL)
    assert [(one.purpose, one.to, one.channel) for _, one in world.duties] == [(Purpose.ASK, "fen", Channel.DEVICE)]
    world.cancel(10)
    assert world.last.state is IncidentState.CANCELLED
    assert len(world.duties) == 1
    world.event(100, K.SOS)
    assert not [one for at, one in world.duties if at == 100 and one.purpose is Purpose.ASK], "who pressed SOS is not asked"


def test_arriving_is_remembered_for_the_ending(world: Any) -> None:
    world.event(0, K.SOS)
    world.act(60, "day-guard", Do.ON_SCENE)
    world.act(120, "jie", Do.RESOLVE)
    assert (world.last.arrived_by, world.last.arrived_ns) == ("day-guard", world.last.opened_ns + 60 * NS_PER_S)
    assert Role.GUARD in world.directory.people["day-guard"].roles


def test_a_change_of_shift_between_two_turns_passes_nobody_over(with_steps: Any) -> None:
    world = with_steps(step("roster:gate", in_turn_s=60))
    world.event(10 * HOUR - 30, K.SOS)  # 19:59:30, and at 20:00 the other guard is on
    world.until(11 * HOUR)
    assert [(at - 10 * HOUR, to) for at, to, _ in world.told()] == [(-30, "day-guard")]
    people = with_steps(step("roster:gate", "jie", in_turn_s=60))
    people.event(10 * HOUR - 30, K.SOS)
    people.until(11 * HOUR)
    assert [(at - 10 * HOUR, to) for at, to, _ in people.told()] == [(-30, "day-guard"), (30, "night-guard"), (90, "jie")]


def test_after_an_acknowledgement_the_last_step_that_is_there_is_told_once_more(with_steps: Any) -> None:
    night = When(since=time(22), until=time(6))
    world = with_steps(step("jie"), step("officer", after_s=60, when=night))
    world.event(0, K.SOS)
    world.act(30, "jie", Do.ACKNOWLEDGE, eta_min=1)
    world.until(200)
    assert [(at, to) for at, to, _ in world.told()] == [(0, "jie"), (90, "jie")], "the officer's step is for the night"
    world.act(210, "jie", Do.ACKNOWLEDGE, eta_min=1)
    world.until(400)
    assert world.told()[2:] == [(270, "jie", "sms")]


def test_after_an_acknowledgement_the_next_step_that_is_there_is_due_at_once(with_steps: Any) -> None:
    night = When(since=time(22), until=time(6))
    world = with_steps(step("jie"), step("officer", after_s=60, when=night), step("emma", after_s=600), step("upstairs", after_s=700))
    world.event(0, K.SOS)
    world.act(30, "jie", Do.ACKNOWLEDGE, eta_min=1)
    world.until(300)
    assert [(at, to) for at, to, _ in world.told()] == [(0, "jie"), (90, "emma"), (190, "upstairs")]


def test_a_repeat_is_of_the_last_step_that_is_there(with_steps: Any) -> None:
    night = When(since=time(22), until=time(6))
    world = with_steps(step("jie"), step("officer", after_s=60, when=night), repeat=Repeat(every_s=100, times=1))
    world.event(0, K.SOS)
    world.until(200)
    assert [(at, to) for at, to, _ in world.told()] == [(0, "jie"), (160, "jie")]


def test_a_step_that_reaches_nobody_brings_forward_the_next_one_that_is_there(with_steps: Any) -> None:
    night = When(since=time(22), until=time(6))
    world = with_steps(step("nobody"), step("officer", after_s=60, when=night), step("jie", after_s=300))
    world.event(0, K.SOS)
    assert [(at, to) for at, to, _ in world.told()] == [(0, "jie")]


def test_a_new_round_does_not_rely_on_an_old_step_for_other_circumstances(worlds: Any, make_policy: Any) -> None:
    night = When(since=time(22), until=time(6))
    falls = make_policy("falls", K.OFFLINE, steps=[])
    falls = replace(
        falls, steps=(step("jie"), step("emma", after_s=60, when=night), step("upstairs", "officer", after_s=65, in_turn_s=300))
    )
    calls = replace(make_policy("calls", K.TAMPER, steps=[]), steps=(step("emma", "officer", after_s=60),))
    info = replace(falls, kinds=frozenset({K.LOW_BATTERY}))
    world = worlds(policies=(info, calls))
    world.event(0, K.LOW_BATTERY, "watch")
    world.event(10, K.TAMPER, "watch")
    world.until(1000)
    assert (70, "emma", "sms") in world.told()
    assert (70, "officer", "sms") in world.told()


def test_what_is_only_worn_tells_nobody_that_nobody_answers(with_steps: Any, people: Any) -> None:
    world = with_steps(step("jie"), repeat=Repeat(every_s=60, times=1))
    worn = {one.id: replace(one, channels=(Channel.DEVICE,)) if one.id == "office" else one for one in people}
    world.directory = replace(world.directory, people=worn)
    world.event(0, K.SOS)
    world.until(1000)
    assert "office" in world.last.skipped
    assert all(one.channel is not Channel.DEVICE for _, one in world.duties)
