"""What a report counts, by timelines that are written out here."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.model import NS_PER_S, DeviceId, PersonId
from incidents.directory import Roster, RosterId, Shift, Weekday
from incidents.lifecycle import opened
from incidents.model import Do, Ended, Incident, IncidentId, IncidentState, Story
from incidents.report import Duty, Known, Report, rank, report
from incidents.roster import gaps, stretches
from incidents.timeline import Entry, EntryKind
from rules.kinds import EventKind
from rules.model import Event

from .conftest import COMMUNITY, GATE, directory, ns

DAY_S = 24 * 3600
HERE = directory()
ZONE = HERE.timezone


def incident(at_s: float, kind: EventKind = EventKind.SOS, subject: str = "fen", device: str | None = "watch", **more: Any) -> Incident:
    event = Event(
        community_id=COMMUNITY,
        kind=kind,
        subject=subject,
        t_ns=ns(at_s),
        known_ns=ns(at_s),
        seq=1,
        device_id=DeviceId(device) if device else None,
    )
    made = opened(event, IncidentState.OPEN, None, HERE, ns(at_s))
    return replace(made, id=IncidentId(f"{kind}-{at_s:g}"), **more)


def said(at_s: float, do: Do | None = None, *, state: str = "", by: str = "day-guard", **more: Any) -> Entry:
    detail = {name: value for name, value in {"do": do, "state": state, **more}.items() if value}
    return Entry(at_ns=ns(at_s), kind=EntryKind.STATE if state else EntryKind.ACT, by=PersonId(by) if do else None, detail=detail)


def answered(at_s: float, after_s: float, *, there_s: float | None = None, **more: Any) -> Known:
    """Raised at once, and answered after a while."""
    moves = [said(at_s, state="open"), said(at_s + after_s, Do.ACKNOWLEDGE, state="acknowledged")]
    moves += [said(at_s + there_s, Do.ON_SCENE, state="on_scene")] if there_s is not None else []
    return incident(at_s, **more), moves


def of_day(known: Sequence[Known], *, days: float = 1, now_s: float = 10 * DAY_S, rosters: tuple[Roster, ...] = (GATE,)) -> Report:
    """What a report says of the time from Monday 10:00 on."""
    span = (ns(0), ns(days * DAY_S))
    return report(known, [Duty(since_ns=span[0], until_ns=span[1], rosters=rosters)], span, ZONE, ns(now_s))


def test_an_answer_is_the_first_word_of_a_responder_after_the_alarm_was_raised() -> None:
    window = [said(0, state="suspected"), said(30, state="open")]
    declined = said(35, Do.DECLINE)
    taken = said(75, Do.ACKNOWLEDGE, state="acknowledged", by="jie")
    found = of_day([(incident(0), [*window, declined, taken, said(400, Do.ON_SCENE, state="on_scene")])]).all
    assert (found.answered, found.answer_median_s, found.arrive_median_s) == (1, 45.0, 370.0)
    assert (found.judged, found.in_time, found.share, found.is_met) == (1, 1, 1.0, True)


@pytest.mark.parametrize(("after_s", "in_time"), [(60.0, 1), (60.001, 0)])
def test_the_target_is_sixty_seconds_and_not_a_moment_more(after_s: float, in_time: int) -> None:
    assert of_day([answered(0, after_s)]).all.in_time == in_time


def test_the_target_is_met_by_39_of_40_and_missed_by_38() -> None:
    quick = [answered(n * 600, 20) for n in range(39)]
    assert of_day([*quick, answered(30_000, 90)]).all.is_met is True
    assert of_day([*quick[1:], answered(30_000, 90), answered(30_600, 90)]).all.is_met is False


def test_what_the_wearer_cancelled_in_time_was_never_raised() -> None:
    gone = incident(0, state=IncidentState.CANCELLED, ended=Ended.BY_WEARER, ended_ns=ns(9))
    found = of_day([(gone, [said(0, state="suspected"), said(9, state="cancelled")])]).all
    assert (found.alarms, found.raised, found.judged, found.unanswered, found.share) == (1, 0, 0, 0, None)


def test_what_nobody_answered_is_missed_and_what_waits_is_missed_after_a_minute() -> None:
    over = incident(0, kind=EventKind.CROSS, subject="h-1", state=IncidentState.RESOLVED, ended=Ended.UNANSWERED, ended_ns=ns(1800))
    repeated = incident(10, unanswered=True)
    waiting = incident(20)
    known = [(one, [said(at_s, state="open")]) for one, at_s in ((over, 0), (repeated, 10), (waiting, 20))]
    soon, later = of_day(known, now_s=70), of_day(known, now_s=90)
    assert (soon.all.unanswered, soon.all.waiting, soon.all.judged) == (2, 1, 2)
    assert (later.all.unanswered, later.all.waiting, later.all.judged, later.all.in_time) == (2, 1, 3, 0)
    assert [one.kind for one in later.unanswered] == [EventKind.CROSS, EventKind.SOS]


def test_words_silences_faults_drills_and_parts_of_a_greater_one_are_no_alarms() -> None:
    drill = (
        incident(1, state=IncidentState.FALSE_ALARM),
        [said(1, state="open"), said(5, Do.FALSE_ALARM, state="false_alarm", reason="drill")],
    )
    others = [
        incident(2, story=Story.CARE),
        incident(3, story=Story.SILENCE),
        incident(4, ended=Ended.ABSORBED, state=IncidentState.RESOLVED),
    ]
    fault = incident(5, kind=EventKind.OFFLINE, subject="door", device="door")
    begun = answered(6, 5, kind=EventKind.DRILL)  # one that was begun as a drill, answered after 5 s
    found = of_day([drill, begun, *((one, [said(9, state="open")]) for one in (*others, fault)), answered(60, 15)])
    assert found.all.answer_median_s == 15
    assert found.all.alarms == 1
    assert [one.device for one in found.devices] == ["door"]


def test_false_alarms_are_counted_by_kind_and_device_with_what_was_said_of_them() -> None:
    def false(at_s: float, device: str, **more: str) -> Known:
        moves = [said(at_s, state="open"), said(at_s + 20, Do.FALSE_ALARM, state="false_alarm", **more)]
        return incident(at_s, device=device, state=IncidentState.FALSE_ALARM), moves

    found = of_day([false(0, "watch", reason="mishap"), false(100, "watch"), false(200, "bell"), answered(300, 9)])
    assert (found.all.false, found.all.answered) == (3, 4)
    assert [(one.device, one.count, one.causes) for one in found.false] == [("watch", 2, ("mishap",)), ("bell", 1, ())]


def test_a_shift_has_the_alarms_that_were_raised_in_it() -> None:
    evening, morning = 10 * 3600 - 1, 10 * 3600  # a second before 20:00, and then
    found = of_day([answered(evening, 30), answered(morning, 90)], days=2)
    by_shift = {(one.clock, one.responders): (one.figures.raised, one.figures.in_time, one.times) for one in found.shifts}
    assert by_shift["10:00–20:00", ("day-guard",)] == (1, 1, 1)
    assert by_shift["20:00–08:00", ("night-guard",)] == (1, 0, 2)
    assert by_shift["08:00–20:00", ("day-guard",)] == (0, 0, 1)


def test_coverage_is_the_share_of_the_time_that_somebody_was_on_duty_by_the_rosters_that_held() -> None:
    alone = replace(GATE, shifts=GATE.shifts[:1])
    span = (ns(0), ns(2 * DAY_S))
    duties = [Duty(since_ns=span[0], until_ns=ns(DAY_S), rosters=(GATE,)), Duty(since_ns=ns(DAY_S), until_ns=span[1], rosters=(alone,))]
    found = report([], duties, span, ZONE, ns(9 * DAY_S)).coverage[0]
    assert (found.covered_s, found.lasting_s, found.gaps) == (36 * 3600, 48 * 3600, ((ns(34 * 3600), ns(46 * 3600)),))
    assert found.share == 0.75


def test_a_device_was_down_for_as_long_as_its_faults_lasted_within_the_time() -> None:
    before = incident(-3600, kind=EventKind.OFFLINE, subject="door", device="door", state=IncidentState.RESOLVED, ended_ns=ns(1800))
    now = incident(DAY_S - 600, kind=EventKind.LOW_BATTERY, subject="watch", device="watch")
    past = incident(-7200, kind=EventKind.TAMPER, subject="bell", device="bell", state=IncidentState.RESOLVED, ended_ns=ns(-1))
    found = of_day([(one, []) for one in (before, now, past)])
    assert [(one.device, one.down_s, one.is_open) for one in found.devices] == [("watch", 600, True), ("door", 1800, False)]
    assert dict(found.devices[1].faults) == {EventKind.OFFLINE: 1}


def test_days_are_those_of_the_communitys_clock_and_what_lies_ahead_is_not_reported() -> None:
    night = 14 * 3600  # midnight in Shanghai
    found = of_day([answered(night - 1, 5), answered(night, 5), answered(5 * DAY_S, 5)], days=7, now_s=night + 60)
    assert found.days == ((date(2026, 3, 2), 1, 0), (date(2026, 3, 3), 1, 0))
    assert (found.all.alarms, found.coverage[0].lasting_s) == (2, night + 60)


def test_answers_fall_into_spans_of_time_up_to_and_including_their_edges() -> None:
    found = of_day([answered(n * 900, after_s) for n, after_s in enumerate((0, 15, 16, 60, 61, 600, 601))])
    assert found.all.answers == (2, 1, 1, 1, 1, 1)
    assert (found.all.answer_median_s, found.all.answer_p90_s) == (60.0, 601.0)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40), st.floats(0.01, 1))
def test_a_rank_is_one_of_the_values_and_enough_of_them_are_no_greater(values: list[float], share: float) -> None:
    ordered = sorted(values)
    found = rank(ordered, share)
    assert found in ordered
    assert sum(one <= found for one in ordered) >= share * len(ordered) - 1e-9


@given(st.lists(st.tuples(st.integers(0, 23), st.integers(0, 24), st.sets(st.sampled_from(Weekday), min_size=1)), min_size=1, max_size=4))
def test_stretches_follow_each_other_without_a_break_and_their_gaps_are_the_rosters_gaps(
    shifts: list[tuple[int, int, set[Weekday]]],
) -> None:
    roster = Roster(
        id=RosterId("any"),
        shifts=tuple(
            Shift(responder=PersonId(f"guard-{n}"), days=frozenset(days), since=time(since), until=time(until % 24))
            for n, (since, until, days) in enumerate(shifts)
        ),
    )
    found = stretches(roster, ns(0), ns(9 * DAY_S), ZONE)
    assert [one.until_ns for one in found[:-1]] == [one.since_ns for one in found[1:]]
    assert (found[0].since_ns, found[-1].until_ns) == (ns(0), ns(9 * DAY_S))
    assert tuple((one.since_ns, one.until_ns) for one in found if not one.responders) == gaps(roster, ns(0), ns(9 * DAY_S), ZONE)
    assert all(one.since_ns + NS_PER_S <= one.until_ns for one in found)
