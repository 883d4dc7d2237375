from typing import Any

import pytest

from incidents.directory import Channel, Severity
from incidents.grouping import SEVERITY, STORY
from incidents.lifecycle import TRANSITIONS, Action
from incidents.model import CLOSED, Do, Ended, IncidentState, Purpose
from rules.kinds import EventKind

K = EventKind
END = Purpose.ENDING


def test_every_kind_of_event_has_a_severity_and_a_story() -> None:
    assert set(SEVERITY) == set(STORY) == set(EventKind)


def test_no_move_leaves_a_closed_incident() -> None:
    assert not {state for state, _ in TRANSITIONS} & CLOSED


@pytest.mark.parametrize("action", [Action.RESOLVE, Action.FALSE_ALARM, Action.ACKNOWLEDGE, Action.ON_SCENE])
def test_a_responder_can_do_everything_in_every_open_state(action: Action) -> None:
    assert all((state, action) in TRANSITIONS for state in set(IncidentState) - CLOSED)


def test_only_a_suspected_incident_can_be_cancelled() -> None:
    assert [state for state, action in TRANSITIONS if action is Action.CANCEL] == [IncidentState.SUSPECTED]


def test_a_fall_waits_for_its_window_and_steps_count_from_its_end(world: Any) -> None:
    world.event(0, K.FALL)
    world.until(29.9)
    assert world.duties == []
    world.until(95)
    assert world.moves() == [(0, "suspected"), (30, "open")]
    assert world.told() == [(30, "jie", "sms"), (30, "day-guard", "sms"), (90, "hospital-desk", "voice")]


@pytest.mark.parametrize("kind", [K.SOS, K.DURESS])
def test_a_call_for_help_opens_at_once_whatever_the_window_says(worlds: Any, make_policy: Any, kind: EventKind) -> None:
    world = worlds(policies=(make_policy("p", kind, cancel_window_s=30, steps=[(0, ["relatives"], [Channel.SMS])]),))
    world.event(0, kind)
    assert world.moves() == [(0, "open")]
    assert world.told() == [(0, "jie", "sms")]


def test_a_window_applies_to_no_exit(worlds: Any, make_policy: Any) -> None:
    world = worlds(policies=(make_policy("p", K.EXIT, cancel_window_s=30, steps=[(0, ["relatives"], [Channel.SMS])]),))
    world.event(0, K.EXIT)
    assert world.moves() == [(0, "open")]


def test_a_window_of_nothing_is_never_suspected(worlds: Any, make_policy: Any) -> None:
    world = worlds(policies=(make_policy("p", K.FALL, steps=[(0, ["relatives"], [Channel.SMS])]),))
    world.event(0, K.FALL)
    assert world.moves() == [(0, "open")]


def test_a_kind_in_no_policy_is_shown_and_told_to_nobody(world: Any) -> None:
    world.event(0, K.INACTIVITY)
    world.until(10_000)
    assert world.moves() == [(0, "open")]
    assert world.duties == []


def test_a_cancel_in_the_window_ends_it_before_anybody_hears(world: Any) -> None:
    world.event(0, K.FALL)
    world.cancel(29)
    world.until(1000)
    assert world.moves() == [(0, "suspected"), (29, "cancelled")]
    assert world.duties == []
    assert world.last.ended is Ended.BY_WEARER


def test_a_cancel_from_before_the_fall_does_not_cancel_it(world: Any) -> None:
    world.event(10, K.FALL, t_s=8)
    world.cancel(12, t_s=5)
    assert world.last.state is IncidentState.SUSPECTED


def test_a_second_fall_in_the_window_does_not_start_it_again(world: Any) -> None:
    world.event(0, K.FALL)
    world.event(20, K.FALL)
    world.until(31)
    assert world.moves() == [(0, "suspected"), (30, "open")]


def test_a_late_cancel_is_told_once_to_those_who_were_told_and_closes_nothing(world: Any) -> None:
    world.event(0, K.SOS)
    world.cancel(10)
    world.cancel(12)
    assert world.moves() == [(0, "open")]
    assert world.told(Purpose.UPDATE) == [(10, "jie", "cancel_pressed"), (10, "day-guard", "cancel_pressed")]
    world.until(60)
    assert (60, "hospital-desk", "voice") in world.told()


def test_a_cancel_without_anything_to_cancel_is_nothing(world: Any) -> None:
    world.cancel(5)
    assert world.states == []


def test_everybody_who_was_told_gets_the_ending_once_but_for_who_ended_it(world: Any) -> None:
    world.event(0, K.SOS)
    world.act(70, "jie", Do.FALSE_ALARM)
    world.until(5000)
    assert world.told(END) == [(70, "day-guard", ""), (70, "hospital-desk", "")]
    assert len(world.told()) == 3
    assert (world.last.ended, world.last.ended_by) == (Ended.BY_RESPONDER, "jie")


def test_a_door_left_open_ends_when_the_last_one_closes(world: Any) -> None:
    world.event(0, K.LEFT_OPEN, "h-1", cause="door")
    world.event(1, K.LEFT_OPEN, "h-1", cause="window")
    world.cleared(2, K.LEFT_OPEN, "h-1", "door")
    assert world.last.is_open
    world.cleared(3, K.LEFT_OPEN, "h-1", "window")
    assert (world.last.state, world.last.ended) == (IncidentState.RESOLVED, Ended.BY_ITSELF)


def test_a_fault_ends_when_each_of_its_kinds_is_over(world: Any) -> None:
    world.event(0, K.LOW_BATTERY, "watch", cause="watch")
    world.event(1, K.OFFLINE, "watch", cause="watch")
    assert world.last.severity is Severity.NOTICE
    world.cleared(2, K.OFFLINE, "watch", "watch")
    assert world.last.is_open
    world.cleared(3, K.LOW_BATTERY, "watch", "watch")
    assert not world.last.is_open
    assert world.told() == [(1, "jie", "sms")]
    assert world.told(END) == [(3, "jie", "")]


def test_a_cause_that_comes_back_keeps_it_open(world: Any) -> None:
    world.event(0, K.LEFT_OPEN, "h-1", cause="door")
    world.event(1, K.LEFT_OPEN, "h-1", cause="window")
    world.cleared(2, K.LEFT_OPEN, "h-1", "door")
    world.event(3, K.LEFT_OPEN, "h-1", cause="door")
    world.cleared(4, K.LEFT_OPEN, "h-1", "window")
    assert world.last.is_open


def test_a_return_ends_the_absence_and_is_told(world: Any) -> None:
    world.event(0, K.EXIT, cause="estate")
    world.event(5, K.ABSENT, cause="estate")
    world.cleared(9, K.EXIT, "fen", "estate")
    assert world.moves() == [(0, "open"), (9, "resolved")]
    assert world.told(END) == [(9, "jie", "")]


def test_back_in_the_district_is_not_yet_back_in_the_estate(world: Any) -> None:
    world.event(0, K.EXIT, cause="estate")
    world.event(5, K.EXIT, cause="district")
    world.cleared(9, K.EXIT, "fen", "district")
    assert world.last.is_open


def test_who_leaves_a_place_ends_the_dwelling_there(world: Any) -> None:
    world.event(0, K.ENTER, cause="river")
    world.event(5, K.DWELL, cause="river")
    world.cleared(9, K.ENTER, "fen", "river")
    assert not world.last.is_open


def test_distress_and_a_communitys_own_rule_never_end_by_being_cleared(world: Any) -> None:
    world.event(0, K.FALL, cause="watch")
    world.event(0, K.CUSTOM, "h-1", cause="stove")
    world.cleared(1, K.FALL, "fen", "watch")
    world.cleared(1, K.CUSTOM, "h-1", "stove")
    assert all(world.incident(id_).is_open for id_ in world.ids)


def test_a_perimeter_incident_ends_half_an_hour_after_its_last_event_and_is_marked_unanswered(world: Any) -> None:
    world.event(0, K.APPROACH, "h-1")
    world.event(600, K.CROSS, "h-1")
    world.until(2399)
    assert world.last.is_open
    world.until(2400)
    assert world.moves("h-1") == [(0, "open"), (2400, "resolved")]
    assert (world.last.ended, world.last.unanswered) == (Ended.UNANSWERED, True)
    assert sorted(to for _, to, _ in world.told(END)) == sorted(world.last.told)


def test_a_perimeter_incident_that_somebody_took_on_is_not_unanswered(world: Any) -> None:
    world.event(0, K.APPROACH, "h-1")
    world.act(5, "day-guard", Do.ACKNOWLEDGE, "h-1", eta_min=1)
    world.until(2000)
    assert (world.last.ended, world.last.unanswered) == (Ended.BY_ITSELF, False)


def test_a_later_event_opens_a_new_incident_that_links_the_old(world: Any) -> None:
    world.event(0, K.SOS)
    world.act(5, "jie", Do.RESOLVE)
    world.event(90, K.SOS)
    first, second = world.ids
    assert first != second
    assert (world.incident(first).repeat_of, world.incident(second).repeat_of) == (None, first)


@pytest.mark.parametrize(("behind_s", "late"), [(600, False), (601, True)])
def test_a_fall_known_more_than_ten_minutes_after_it_happened_is_late(world: Any, behind_s: int, late: bool) -> None:  # noqa: FBT001
    world.event(0, K.FALL, t_s=-behind_s)
    assert world.last.late is late


def test_an_incidents_id_says_what_who_and_when(world: Any) -> None:
    world.event(1.25, K.SOS)
    assert world.last.id == "sos-fen-20260302T020001.250Z"
