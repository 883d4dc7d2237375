"""What the wearer's device shows: help was called, is coming, is over; and nothing that betrays anybody."""

from dataclasses import replace
from typing import Any

import pytest

from incidents.directory import Channel, Person
from incidents.model import Do, Purpose
from rules.kinds import EventKind

K = EventKind


@pytest.fixture
def world(worlds: Any, people: tuple[Person, ...]) -> Any:
    """芬 wears something that can show it; 安 does not."""
    return worlds(people=tuple(replace(one, channels=(Channel.DEVICE,)) if one.id == "fen" else one for one in people))


def shown(world: Any) -> list[tuple[float, str]]:
    return [(at_s, duty.incident.signal.value) for at_s, duty in world.duties if duty.purpose is Purpose.SIGNAL]


def test_it_shows_that_help_was_called_when_others_are_told_and_not_before(world: Any) -> None:
    world.event(0, K.FALL)
    world.until(29)
    assert shown(world) == []
    world.until(31)
    assert shown(world) == [(30, "called")]
    assert {(duty.to, duty.channel) for _, duty in world.duties if duty.purpose is Purpose.SIGNAL} == {("fen", Channel.DEVICE)}


def test_it_shows_that_somebody_is_coming_once_and_that_it_is_over(world: Any) -> None:
    world.event(0, K.SOS)
    world.act(10, "jie", Do.ACKNOWLEDGE, eta_min=10)
    world.act(20, "day-guard", Do.ACKNOWLEDGE)
    world.act(100, "jie", Do.ON_SCENE)
    world.act(200, "jie", Do.RESOLVE)
    assert shown(world) == [(0, "called"), (10, "coming"), (200, "over")]


def test_who_does_not_come_after_all_is_shown_too_and_so_is_the_next(world: Any) -> None:
    world.event(0, K.SOS)
    world.act(10, "jie", Do.ACKNOWLEDGE, eta_min=1)
    world.act(90, "jie", Do.ACKNOWLEDGE)
    assert shown(world) == [(0, "called"), (10, "coming"), (70, "called"), (90, "coming")]
    ids = [duty.id for _, duty in world.duties if duty.purpose is Purpose.SIGNAL]
    assert len(set(ids)) == len(ids)


def test_what_the_wearer_cancels_in_time_is_never_shown(world: Any) -> None:
    world.event(0, K.FALL)
    world.cancel(10)
    world.until(600)
    assert shown(world) == []


def test_a_call_under_duress_is_never_shown_also_when_it_joins(world: Any) -> None:
    world.event(0, K.DURESS)
    world.act(10, "officer", Do.ACKNOWLEDGE)
    world.act(20, "officer", Do.RESOLVE)
    assert shown(world) == []
    world.event(100, K.SOS)
    world.event(110, K.DURESS)
    world.act(120, "officer", Do.ACKNOWLEDGE)
    assert shown(world) == [(100, "called")]


def test_who_wears_nothing_that_shows_it_and_what_is_no_distress_is_left_alone(world: Any) -> None:
    world.event(0, K.SOS, "an")
    world.event(10, K.EXIT, "fen")
    assert shown(world) == []


def test_the_wearer_gets_no_ending_besides(world: Any) -> None:
    world.event(0, K.SOS)
    world.act(200, "jie", Do.RESOLVE)
    assert "fen" not in {to for _, to, _ in world.told(Purpose.ENDING)}
