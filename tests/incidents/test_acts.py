import math
from typing import Any

import pytest

from incidents.model import Do, IncidentState
from rules.kinds import EventKind

K = EventKind


def test_nobody_unknown_may_act(world: Any) -> None:
    world.event(0, K.SOS)
    assert "stranger" in (world.act(1, "stranger", Do.RESOLVE) or "")
    assert world.last.is_open


def test_an_act_on_a_subject_without_an_open_incident_is_refused(world: Any) -> None:
    world.event(0, K.SOS)
    assert "bo" in (world.act(1, "jie", Do.RESOLVE, "bo") or "")
    world.act(2, "jie", Do.RESOLVE)
    assert world.act(3, "jie", Do.ACKNOWLEDGE)


def test_any_responder_may_act_told_or_not(world: Any) -> None:
    world.event(0, K.SOS)
    assert world.act(1, "night-guard", Do.RESOLVE) is None


def test_whom_it_is_about_may_not_act(world: Any) -> None:
    world.event(0, K.SOS)
    assert world.act(1, "fen", Do.FALSE_ALARM)


def test_an_occupant_may_act_on_the_home_and_a_resident_elsewhere_may_not(world: Any) -> None:
    world.event(0, K.INTRUSION, "h-1")
    assert world.act(1, "an", Do.FALSE_ALARM, "h-1")
    assert world.act(2, "bo", Do.FALSE_ALARM, "h-1") is None


def test_a_person_is_in_distress_before_anything_else(world: Any) -> None:
    world.event(0, K.SOS)
    world.event(5, K.EXIT)
    world.act(6, "jie", Do.RESOLVE)
    distress, absence = (world.incident(id_) for id_ in world.ids)
    assert (distress.state, absence.state) == (IncidentState.RESOLVED, IncidentState.OPEN)


def test_without_distress_the_newest_is_meant(world: Any) -> None:
    world.event(0, K.EXIT)
    world.event(5, K.ENTER)
    world.act(6, "jie", Do.RESOLVE)
    absence, presence = (world.incident(id_) for id_ in world.ids)
    assert (absence.state, presence.state) == (IncidentState.OPEN, IncidentState.RESOLVED)


@pytest.mark.parametrize("do", [Do.RESOLVE, Do.FALSE_ALARM])
def test_a_suspected_incident_can_be_closed_and_nobody_is_told(world: Any, do: Do) -> None:
    world.event(0, K.FALL)
    world.act(5, "jie", do)
    world.until(1000)
    assert not world.last.is_open
    assert world.duties == []


@pytest.mark.parametrize("eta_min", [0, -1, math.nan, math.inf, 1441])
def test_an_arrival_that_is_none_is_refused_and_stops_nothing(world: Any, eta_min: float) -> None:
    world.event(0, K.SOS)
    assert "eta_min" in (world.act(1, "jie", Do.ACKNOWLEDGE, eta_min=eta_min) or "")
    world.until(60)
    assert (60, "hospital-desk", "voice") in world.told()
