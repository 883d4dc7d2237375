"""Who has left is no subject any more: what was on its way opens nothing, and what is open ends with nobody told."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from incidents.directory import NamedDevice, Person
from incidents.leaving import gone, quietly
from incidents.model import Ended, IncidentState
from rules.kinds import EventKind


def test_what_was_on_its_way_opens_nothing(worlds: Callable[..., Any], people: tuple[Person, ...]) -> None:
    world = worlds(people=tuple(replace(one, roles=frozenset(), left_ns=1) if one.id == "fen" else one for one in people))
    world.event(0, EventKind.SOS)
    world.event(1, EventKind.SOS, "bo")
    assert [world.incident(one).subject for one in world.ids] == ["bo"]


def test_what_is_open_ends_in_any_state_and_nobody_is_told(world: Any) -> None:
    world.event(0, EventKind.FALL)  # suspected
    world.event(0, EventKind.SOS, "bo")
    world.event(0, EventKind.EXIT, "bo", cause="estate")
    outcome = quietly(world.book.all_open(), world.directory, 1)
    assert {(one.state, one.ended) for one in outcome.incidents} == {(IncidentState.RESOLVED, Ended.GONE)}
    assert len(outcome.incidents) == 3
    assert outcome.duties == ()
    assert all(one.dues == () for one in outcome.incidents)


def test_a_watch_that_is_nobodys_is_gone_and_a_door_is_not(world: Any) -> None:
    devices = {one.id: replace(one, wearer=None) for one in world.directory.devices.values()}
    assert all(isinstance(one, NamedDevice) for one in devices.values())
    assert list(gone(replace(world.directory, devices=devices))) == ["watch"]
