import math
from typing import Any

import pytest

from incidents.desk import HAND_OVER_NS
from incidents.model import Do, IncidentState, News, Reason
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


def test_a_hand_over_tells_whom_it_names_and_leaves_it_with_who_has_it(world: Any) -> None:
    world.event(0, K.SOS)
    world.act(10, "jie", Do.ACKNOWLEDGE)
    before = len(world.duties)
    assert world.act(20, "jie", Do.HAND_OVER, to="night-guard") is None
    handed = world.last
    assert (handed.state, handed.acknowledged_by, handed.handed_to) == (IncidentState.ACKNOWLEDGED, "jie", "night-guard")
    assert [(duty.to, duty.news) for _, duty in world.duties[before:]] == [("night-guard", News.HANDED_OVER)]
    world.act(30, "night-guard", Do.ACKNOWLEDGE, eta_min=2)
    assert (world.last.acknowledged_by, world.last.handed_to) == ("night-guard", None)


@pytest.mark.parametrize("do", [Do.ACKNOWLEDGE, Do.ON_SCENE])
def test_what_nobody_takes_after_a_hand_over_is_open_again_and_the_next_are_told(world: Any, do: Do) -> None:
    world.event(0, K.SOS)
    world.act(10, "jie", do)
    world.act(20, "jie", Do.HAND_OVER, to="night-guard")
    told = len(world.told())
    world.until(20 + HAND_OVER_NS / 1e9 - 1)
    assert world.last.state is IncidentState.ACKNOWLEDGED
    world.until(20 + HAND_OVER_NS / 1e9)
    assert (world.last.state, world.last.handed_to) == (IncidentState.OPEN, None)
    assert len(world.told()) > told


def test_whoever_was_asked_and_cannot_has_the_next_told_at_once(world: Any) -> None:
    world.event(0, K.SOS)
    world.act(10, "jie", Do.ACKNOWLEDGE)
    world.act(20, "jie", Do.HAND_OVER, to="night-guard")
    world.act(25, "night-guard", Do.DECLINE)
    assert (world.last.state, world.last.handed_to, world.last.acknowledged_by) == (IncidentState.OPEN, None, None)


def test_what_nobody_has_yet_goes_on_being_told_when_it_is_handed_over(world: Any) -> None:
    world.event(0, K.SOS)
    assert world.act(5, "day-guard", Do.HAND_OVER, to="night-guard") is None
    assert (world.last.state, world.last.handed_to) == (IncidentState.OPEN, "night-guard")
    assert world.last.dues


@pytest.mark.parametrize("to", ["stranger", "fen", "jie", None])
def test_nothing_is_handed_over_to_nobody_to_oneself_or_to_whom_it_is_about(world: Any, to: str | None) -> None:
    world.event(0, K.SOS)
    world.act(10, "jie", Do.ACKNOWLEDGE)
    assert world.act(20, "jie", Do.HAND_OVER, to=to)
    assert world.last.handed_to is None


def test_an_ending_says_what_was_found_and_only_what_fits_it(world: Any) -> None:
    world.event(0, K.SOS)
    assert "mishap" in (world.act(5, "jie", Do.RESOLVE, reason=Reason.MISHAP) or "")
    assert world.act(6, "jie", Do.RESOLVE, reason=Reason.HELPED) is None
    assert (world.last.state, world.last.reason) == (IncidentState.RESOLVED, Reason.HELPED)
