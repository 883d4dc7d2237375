"""What comes after a fall: stillness that is noted, who does not get up goes first, and who walks again may want it told, or not."""

from dataclasses import replace
from typing import Any

import pytest

from devices.model import PersonId
from incidents.directory import Channel, Directory, Recovery, When
from incidents.grouping import aftermath, lies_s
from incidents.model import Do, Due, Ended, IncidentState, Purpose
from rules.kinds import EventKind

K = EventKind


def still(world: Any, at_s: float, mark_s: int, name: str = "still_s", fell_s: float = 0) -> None:
    fall_ms = 1_772_416_800_000 + round(fell_s * 1000)
    world.event(at_s, K.LONG_LIE, t_s=fell_s + mark_s, evidence={name: mark_s, "fall_t_ms": fall_ms})


def wants(given: Directory, recovered: Recovery) -> Directory:
    fen = replace(given.people[PersonId("fen")], recovered=recovered)
    return replace(given, people={**given.people, fen.id: fen})


def windows(world: Any) -> list[float]:
    return [(row.at_ns / 1e9) - 1_772_416_800 for row in world.last.dues if row.due is Due.CANCEL_WINDOW]


def test_a_second_fall_in_the_cancel_window_does_not_restart_it(world: Any) -> None:
    world.event(0, K.FALL)
    world.event(20, K.FALL)
    assert windows(world) == [30]
    world.until(29)
    assert world.told() == []
    world.until(31)
    assert world.told() == [(30, "jie", "sms"), (30, "day-guard", "sms")]
    assert len(world.ids) == 1


def test_a_second_fall_that_is_certain_does_not_shorten_it_either(worlds: Any, make_policy: Any) -> None:
    policy = make_policy("p", K.FALL, cancel_window_s=30, certain_window_s=5, steps=[(0, ["relatives"], [Channel.SMS])])
    world = worlds(policies=(policy,))
    world.event(0, K.FALL, score=0.6)
    world.event(10, K.FALL, score=0.99, evidence={"unrest_g": 0.01})
    world.until(100)
    assert world.told() == [(30, "jie", "sms")]


def test_no_mark_of_stillness_tells_anybody_anything_beyond_the_policy(worlds: Any) -> None:
    def told(marks_s: list[int]) -> list[tuple[float, str]]:
        world = worlds()
        world.event(0, K.FALL)
        for mark_s in marks_s:
            still(world, mark_s + 1, mark_s)
        world.until(4000)
        assert world.last.state is IncidentState.OPEN
        assert world.moves() == [(0, "suspected"), (30, "open")]
        return [(at_s, duty.id) for at_s, duty in world.duties]

    assert told([10, 30, 60, 120, 300, 600, 1800, 3600]) == told([])


def test_how_long_somebody_lies_is_the_newest_word_after_the_newest_fall(world: Any) -> None:
    world.event(0, K.FALL)
    still(world, 31, 30)
    assert lies_s(world.last.events) == 30
    still(world, 601, 600, "down_s")
    assert lies_s(world.last.events) == 600
    world.event(700, K.RECOVERED)
    assert lies_s(world.last.events) == 0
    newest = aftermath(world.last.events)
    assert newest is not None
    assert newest.kind is K.RECOVERED
    world.event(800, K.FALL)
    assert aftermath(world.last.events) is None


def test_a_word_of_stillness_without_an_open_fall_opens_nothing_and_two_minutes_do(world: Any) -> None:
    still(world, 31, 30)
    assert world.ids == []
    still(world, 121, 120)
    assert world.last.kind is K.LONG_LIE


@pytest.mark.parametrize(("mark_s", "told"), [(60, []), (120, [(121, "jie")])])
def test_where_falls_are_told_to_nobody_two_minutes_of_stillness_are(
    *, mark_s: int, told: list[tuple[float, str]], worlds: Any, make_policy: Any
) -> None:
    world = worlds(policies=(make_policy("p", K.LONG_LIE, steps=[(0, ["relatives"], [Channel.SMS])]),))
    world.event(0, K.FALL)
    still(world, mark_s + 1, mark_s)
    assert [(at_s, to) for at_s, to, _ in world.told()] == told


def test_a_cancel_that_arrives_after_the_first_word_of_stillness_still_closes(world: Any) -> None:
    world.event(0, K.FALL)
    still(world, 11, 10)
    world.cancel(12, t_s=9)
    assert world.moves() == [(0, "suspected"), (12, "cancelled")]


def test_a_step_for_who_does_not_get_up_is_there_only_then(worlds: Any, make_policy: Any) -> None:
    def hospital(*marks_s: int) -> list[float]:
        steps = [(0, ["relatives"], [Channel.SMS]), (100, ["hospital"], [Channel.VOICE])]
        policy = make_policy("p", K.FALL, K.LONG_LIE, cancel_window_s=30, steps=steps)
        first, second = policy.steps
        world = worlds(policies=(replace(policy, steps=(first, replace(second, when=When(lies_s=60)))),))
        world.event(0, K.FALL)
        for mark_s in marks_s:
            still(world, mark_s + 1, mark_s)
        world.until(500)
        return [at_s for at_s, to, _ in world.told() if to == "hospital-desk"]

    assert hospital(10, 30) == []
    assert hospital(10, 60) == [130]


def test_who_walks_again_is_noted_unless_the_family_wants_it_otherwise(world: Any) -> None:
    world.event(0, K.FALL)
    world.event(20, K.RECOVERED, t_s=12)
    world.until(40)
    assert world.last.state is IncidentState.OPEN
    world.event(50, K.RECOVERED, t_s=45)
    assert world.told(Purpose.UPDATE) == []


def test_a_family_that_wants_it_told_hears_of_it_once_each(world: Any) -> None:
    world.directory = wants(world.directory, Recovery.TELL)
    world.event(0, K.FALL)
    world.until(40)
    world.act(41, "jie", Do.ACKNOWLEDGE)
    world.event(50, K.RECOVERED, t_s=45)
    assert world.told(Purpose.UPDATE) == [(50, "jie", "recovered"), (50, "day-guard", "recovered")]
    assert world.last.state is IncidentState.ACKNOWLEDGED
    assert len({duty.id for _, duty in world.duties}) == len(world.duties)


def test_in_the_window_there_is_nobody_to_tell_of_it(world: Any) -> None:
    world.directory = wants(world.directory, Recovery.TELL)
    world.event(0, K.FALL)
    world.event(20, K.RECOVERED, t_s=12)
    assert world.duties == []
    assert world.last.state is IncidentState.SUSPECTED


def test_a_family_that_wants_it_to_be_a_cancel_is_told_of_neither(world: Any) -> None:
    world.directory = wants(world.directory, Recovery.CANCEL)
    world.event(0, K.FALL)
    still(world, 11, 10)
    world.event(25, K.RECOVERED, t_s=15)
    world.until(500)
    assert world.moves() == [(0, "suspected"), (25, "cancelled")]
    assert world.last.ended is Ended.RECOVERED
    assert world.duties == []


@pytest.mark.parametrize("kind", [K.FALL, K.SOS, K.INACTIVITY])
def test_but_it_cancels_nothing_that_came_after_it_and_no_call_for_help(*, world: Any, kind: EventKind) -> None:
    world.directory = wants(world.directory, Recovery.CANCEL)
    world.event(0, K.FALL)
    world.event(20, kind, t_s=18)
    world.event(25, K.RECOVERED, t_s=15)
    assert world.last.is_open


def test_after_the_window_it_is_only_noted(world: Any) -> None:
    world.directory = wants(world.directory, Recovery.CANCEL)
    world.event(0, K.FALL)
    world.event(35, K.RECOVERED, t_s=15)
    assert world.last.state is IncidentState.OPEN
    assert world.told(Purpose.UPDATE) == []
