"""A drill is told as a fall would be, and gives way to everything real."""

from collections.abc import Callable
from typing import Any

import pytest

from devices.model import PersonId
from incidents.desk import drill
from incidents.directory import Channel, Policy, Role, Severity, When
from incidents.drill import LONGEST_NS
from incidents.model import Do, Drill, Ended, IncidentState, Purpose, Refused, Story
from rules.kinds import EventKind

MINUTE_S = 60
LONGEST_S = LONGEST_NS // 1_000_000_000


def begin(world: Any, at_s: float, resident: str = "fen", by: str = "office") -> str | None:
    """The reason, where it was refused."""
    world.until(at_s)
    now_ns = 1_772_416_800_000_000_000 + round(at_s * 1e9)
    outcome = drill(Drill(by=PersonId(by), resident=PersonId(resident)), world.book, world.directory, now_ns)
    if isinstance(outcome, Refused):
        return outcome.reason
    world._settle(at_s, outcome)
    return None


def test_the_steps_for_a_fall_are_walked_at_their_times_and_the_hospital_is_left_out(world: Any) -> None:
    assert begin(world, 0) is None
    world.until(420)
    assert world.told() == [
        (0, "jie", "sms"),
        (0, "day-guard", "sms"),
        (300, "officer", "voice"),
        (420, "officer", "voice"),
    ]
    assert world.last.left_out == ("hospital-desk",)
    assert world.last.skipped == ()


def test_there_is_no_cancel_window_and_nothing_is_shown_on_the_watch(world: Any) -> None:
    begin(world, 0)
    assert world.moves() == [(0, "open")]
    assert world.told(Purpose.SIGNAL) == []
    assert world.told(Purpose.ASK) == []


def test_an_acknowledgement_stops_it_and_its_end_is_told_to_everybody_who_was_told(world: Any) -> None:
    begin(world, 0)
    assert world.act(40, "jie", Do.ACKNOWLEDGE) is None
    world.until(400)
    assert [to for _, to, _ in world.told()] == ["jie", "day-guard"]
    assert world.act(420, "office", Do.RESOLVE) is None
    assert [to for _, to, _ in world.told(Purpose.ENDING)] == ["jie", "day-guard"]


def test_who_cannot_makes_the_next_due_at_once(world: Any) -> None:
    begin(world, 0)
    world.act(10, "jie", Do.DECLINE)
    assert world.last.left_out == ("hospital-desk",)  # the step after 60 s, at 10


def test_nobody_answers_and_it_is_over_by_itself_marked_so(world: Any) -> None:
    begin(world, 0)
    world.until(LONGEST_S)
    assert (world.last.state, world.last.ended, world.last.unanswered) == (IncidentState.RESOLVED, Ended.UNANSWERED, True)
    assert "office" in world.last.told  # that nobody answered, as of a fall


def test_a_fall_of_the_same_resident_is_its_own_incident_told_from_the_beginning_and_calls_the_drill_off(world: Any) -> None:
    begin(world, 0)
    practice = world.last
    world.event(20, EventKind.SOS)
    real = world.last
    assert (real.story, real.kind, real.severity, real.state) == (Story.DISTRESS, EventKind.SOS, Severity.LIFE, IncidentState.OPEN)
    assert [(to, channel) for at_s, to, channel in world.told() if at_s == 20] == [("jie", "sms"), ("day-guard", "sms")]
    practice = world.incident(practice.id)
    assert (practice.state, practice.ended) == (IncidentState.RESOLVED, Ended.CALLED_OFF)
    world.until(330)
    assert {one.incident.id for at_s, one in world.duties if one.purpose is Purpose.TELL and at_s > 20} == {real.id}


def test_anybody_elses_fall_calls_it_off_as_soon_as_it_is_told(world: Any) -> None:
    begin(world, 0)
    world.event(5, EventKind.FALL, "an")
    practice = world.incident(world.ids[0])
    assert practice.is_open  # she may still cancel
    world.until(35)
    practice = world.incident(practice.id)
    assert practice.ended is Ended.CALLED_OFF
    assert world.incident(world.ids[1]).state is IncidentState.OPEN


def test_what_a_drill_was_just_about_to_tell_is_not_told_when_something_real_is_due_at_that_time(world: Any) -> None:
    begin(world, 0)
    world.event(270, EventKind.FALL, "an")  # its window is over at 300, when the officer would be called
    world.until(300)
    assert {one.incident.kind for at_s, one in world.duties if at_s == 300 and one.purpose is Purpose.TELL} == {EventKind.FALL}
    assert "officer" not in world.incident(world.ids[0]).told


def test_what_is_no_life_safety_leaves_it_alone(world: Any) -> None:
    begin(world, 0)
    world.event(10, EventKind.INTRUSION, "h-1", home_id="h-1")
    assert world.incident(world.ids[0]).is_open
    assert world.incident(world.ids[1]).told


@pytest.mark.parametrize(
    ("resident", "by", "reason"),
    [
        ("fen", "jie", "jie is no administrator"),
        ("fen", "day-guard", "day-guard is no administrator"),
        ("fen", "nobody", "nobody is no administrator"),
        ("jie", "office", "jie is no resident"),
        ("nobody", "office", "nobody is no resident"),
    ],
)
def test_who_may_not_and_about_whom_there_is_none(world: Any, resident: str, by: str, reason: str) -> None:
    assert (begin(world, 0, resident, by) or "").startswith(reason)


def test_none_begins_while_somebody_needs_help_or_another_one_goes_on_or_silence_would_hold_it(world: Any) -> None:
    world.event(0, EventKind.FALL, "an")
    assert "is real and goes on" in (begin(world, 5) or "")  # she may still cancel
    world.cancel(10, "an")
    assert begin(world, 20) is None
    assert "is a drill that goes on" in (begin(world, 30, "an") or "")
    world.act(40, "office", Do.RESOLVE)
    assert world.silence(50, "day-guard", "h-1", minutes=30) is None
    assert "there is silence about fen" in (begin(world, 60) or "")
    assert begin(world, 70, "an") is None


def test_where_nothing_says_who_is_told_of_a_fall_there_is_none(worlds: Callable[..., Any]) -> None:
    assert begin(worlds(policies=()), 0) == "no policy says who is told of a fall"


def test_a_step_for_life_safety_alone_is_walked(worlds: Callable[..., Any], make_policy: Callable[..., Policy]) -> None:
    made = make_policy("p", EventKind.FALL, steps=[(0, ["relatives"], [Channel.SMS]), (10, ["officer"], [Channel.VOICE])])
    last = type(made.steps[1])(after_s=10, tell=("officer",), by=(Channel.VOICE,), when=When(severities=frozenset({Severity.LIFE})))
    world = worlds(policies=(type(made)(id=made.id, kinds=made.kinds, steps=(made.steps[0], last)),))
    begin(world, 0)
    world.until(10)
    assert world.told() == [(0, "jie", "sms"), (10, "officer", "voice")]


def test_a_hospital_that_is_named_by_its_id_or_on_a_roster_is_left_out_too(
    worlds: Callable[..., Any], make_policy: Callable[..., Policy]
) -> None:
    world = worlds(policies=(make_policy("p", EventKind.FALL, steps=[(0, ["hospital-desk", "relatives"], [Channel.VOICE])]),))
    begin(world, 0)
    assert world.told() == [(0, "jie", "voice")]
    assert Role.HOSPITAL in world.directory.people["hospital-desk"].roles
