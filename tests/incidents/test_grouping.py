from typing import Any

import pytest

from incidents.directory import Channel, Severity
from incidents.model import Do, IncidentState, Purpose
from rules.kinds import EventKind

K = EventKind
UPDATE = Purpose.UPDATE


def test_fall_long_lie_and_sos_of_one_person_are_one_incident_that_keeps_its_first_kind(world: Any) -> None:
    world.event(0, K.FALL)
    world.event(60, K.LONG_LIE)
    world.event(90, K.SOS)
    assert len(world.ids) == 1
    assert world.last.kind is K.FALL
    assert [event.kind for event in world.last.events] == [K.FALL, K.LONG_LIE, K.SOS]


def test_a_fall_of_somebody_else_in_the_home_is_its_own(world: Any) -> None:
    world.event(0, K.FALL, "fen")
    world.event(1, K.FALL, "bo")
    assert len(world.ids) == 2


def test_stories_of_one_subject_do_not_mix(world: Any) -> None:
    world.event(0, K.FALL)
    world.event(1, K.EXIT)
    world.event(2, K.ENTER)
    assert len(world.ids) == 3


def test_each_rule_of_a_communitys_own_has_its_own_incident(world: Any) -> None:
    world.event(0, K.CUSTOM, "h-1", cause="stove")
    world.event(1, K.CUSTOM, "h-1", cause="tap")
    world.event(2, K.CUSTOM, "h-1", cause="stove")
    assert len(world.ids) == 2


def test_recovered_is_noted_and_opens_nothing(world: Any) -> None:
    world.event(0, K.RECOVERED)
    assert world.ids == []
    world.event(1, K.FALL)
    world.event(5, K.RECOVERED)
    assert world.last.state is IncidentState.SUSPECTED
    assert [event.kind for event in world.last.events] == [K.FALL, K.RECOVERED]


def test_an_event_that_is_not_graver_is_noted_and_told_to_nobody(world: Any) -> None:
    world.event(0, K.SOS)
    before = len(world.duties)
    world.event(5, K.LONG_LIE)
    assert len(world.duties) == before
    assert world.last.headline.kind is K.SOS


def test_an_approach_and_a_cross_are_told_once(world: Any) -> None:
    world.event(0, K.APPROACH, "h-1")
    world.event(4, K.CROSS, "h-1")
    world.until(80)
    people = [to for _, to, _ in world.told()]
    assert sorted(people) == sorted(set(people)) == sorted(["fen", "bo", "jie", "emma", "upstairs"])


def test_an_sos_opens_a_suspected_fall_and_is_told_at_once(world: Any) -> None:
    world.event(0, K.FALL)
    world.event(10, K.SOS)
    world.until(60)
    assert world.moves() == [(0, "suspected"), (10, "open")]
    assert world.told() == [(10, "jie", "sms"), (10, "day-guard", "sms")]


def test_an_sos_after_an_acknowledgement_is_not_swallowed(world: Any) -> None:
    world.event(0, K.SOS)
    world.act(5, "jie", Do.ACKNOWLEDGE)
    world.event(10, K.SOS)
    assert world.moves() == [(0, "open"), (5, "acknowledged"), (10, "open")]
    assert world.last.acknowledged_by is None
    assert world.told()[2:] == [(10, "jie", "sms"), (10, "day-guard", "sms")]
    world.until(3000)
    assert (70, "hospital-desk", "voice") in world.told()


def test_a_duress_voids_even_somebody_on_scene(world: Any) -> None:
    world.event(0, K.FALL)
    world.act(40, "jie", Do.ON_SCENE)
    world.event(50, K.DURESS)
    assert world.last.state is IncidentState.OPEN


def test_the_same_button_pressed_again_out_of_fear_tells_nobody_twice(world: Any) -> None:
    world.event(0, K.SOS)
    for at_s in (2, 15, 29.5):
        world.event(at_s, K.SOS)
    assert len(world.told()) == 2
    assert len(world.last.events) == 4


def test_the_same_button_pressed_later_is_a_new_round_that_postpones_no_step(world: Any) -> None:
    for at_s in (0, 31, 62, 93):
        world.event(at_s, K.SOS)
    world.until(200)
    hospital = [at_s for at_s, to, _ in world.told() if to == "hospital-desk"]
    assert hospital[0] == 60
    assert [at_s for at_s, to, _ in world.told() if to == "jie"] == [0, 31, 62, 93]


def test_another_policys_round_keeps_the_waiting_steps_and_tells_nobody_twice_for_it(worlds: Any, make_policy: Any) -> None:
    sms = [Channel.SMS]
    fall = make_policy("fall", K.FALL, steps=[(0, ["relatives"], sms), (60, ["officer"], sms)])
    sos = make_policy("sos", K.SOS, steps=[(0, ["relatives"], sms), (60, ["officer"], sms), (90, ["office"], sms)])
    world = worlds(policies=(fall, sos))
    world.event(0, K.FALL)
    world.event(40, K.SOS)
    world.until(500)
    assert world.told() == [(0, "jie", "sms"), (40, "jie", "sms"), (60, "officer", "sms"), (130, "office", "sms")]
    assert world.last.policy == sos


def test_who_was_told_and_is_not_in_the_new_round_gets_the_new_text(world: Any) -> None:
    world.event(0, K.SOS)
    world.event(10, K.DURESS)
    assert world.told()[2:] == [(10, "officer", "sms"), (10, "jie", "sms")]
    assert world.told(UPDATE) == [(10, "day-guard", "event")]
    assert world.last.headline.kind is K.DURESS


def test_a_call_for_help_in_no_policy_still_opens_and_is_told_to_those_who_were_told(worlds: Any, make_policy: Any) -> None:
    world = worlds(policies=(make_policy("p", K.FALL, steps=[(0, ["relatives"], [Channel.SMS]), (60, ["officer"], [Channel.SMS])]),))
    world.event(0, K.FALL)
    world.act(5, "jie", Do.ACKNOWLEDGE)
    world.event(10, K.SOS)
    assert world.last.state is IncidentState.OPEN
    assert world.told() == [(0, "jie", "sms"), (10, "officer", "sms")]
    assert world.told(UPDATE) == [(10, "jie", "event")]


def test_a_graver_fault_starts_its_own_policy(world: Any) -> None:
    world.event(0, K.LOW_BATTERY, "watch", cause="watch")
    world.act(1, "day-guard", Do.ACKNOWLEDGE, "watch")
    world.event(2, K.OFFLINE, "watch", cause="watch")
    assert world.moves("watch") == [(0, "open"), (1, "acknowledged"), (2, "open")]
    assert world.last.severity is Severity.NOTICE
    assert world.told() == [(2, "jie", "sms")]


def test_a_fall_is_not_swallowed_by_an_incident_nobody_is_told_of(world: Any) -> None:
    world.event(0, K.INACTIVITY)
    world.event(10, K.FALL)
    assert world.told() == [(10, "jie", "sms"), (10, "day-guard", "sms")]


def test_a_duress_call_rings_no_phone_of_whom_it_is_about(worlds: Any, make_policy: Any) -> None:
    sms = [Channel.SMS]
    told = make_policy("p", K.FALL, K.DURESS, steps=[(0, ["fen", "relatives"], sms)])
    world = worlds(policies=(told,))
    world.event(0, K.FALL)
    assert "fen" in world.last.told
    world.event(1, K.DURESS)
    world.act(5, "jie", Do.RESOLVE)
    assert [(at_s, to) for at_s, to, _ in world.told()] == [(0, "fen"), (0, "jie"), (1, "jie")]
    assert world.told(UPDATE) == world.told(Purpose.ENDING) == []


@pytest.mark.parametrize(("do", "opened"), [(Do.RESOLVE, 1), (Do.FALSE_ALARM, 1), (None, 1)])
def test_a_long_lie_goes_on_with_a_fall_that_is_open_and_is_silent_about_one_that_somebody_has_dealt_with(
    *, world: Any, do: Do | None, opened: int
) -> None:
    world.event(0, K.FALL)
    if do is not None:
        world.act(60, "jie", do)
    world.event(120, K.LONG_LIE, evidence={"fall_t_ms": world.last.headline.t_ns // 10**6})
    assert len(world.ids) == opened
    assert len(world.last.events) == (2 if do is None else 1)


def test_a_long_lie_after_another_fall_than_the_one_that_was_dealt_with_is_told(world: Any) -> None:
    world.event(0, K.FALL)
    world.act(60, "jie", Do.RESOLVE)
    world.event(900, K.LONG_LIE, evidence={"fall_t_ms": world.last.headline.t_ns // 10**6 + 600_000})
    assert len(world.ids) == 2
    assert world.last.repeat_of == world.ids[0]
