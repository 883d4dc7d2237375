from collections.abc import Sequence
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from builders import COMMUNITY, premises
from hypothesis import given
from hypothesis import strategies as st

from devices.model import NS_PER_S, HomeId, PersonId
from rules.calendar import missed, upcoming
from rules.home.schedule import Schedule
from rules.kinds import Mode
from rules.model import Facts, ModeSet
from rules.premises import HomePlace, Planned, Premises

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
WORKDAYS, WEEKEND = frozenset(range(5)), frozenset({5, 6})
NIGHT = Planned(mode=Mode.NIGHT, at=time(22, 30))
MORNING = Planned(mode=Mode.DISARMED, at=time(6, 30), days=WORKDAYS)
LATE = Planned(mode=Mode.DISARMED, at=time(8), days=WEEKEND)


def at(text: str, zone: ZoneInfo = SHANGHAI) -> int:
    """A time on the wall, in ns."""
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * NS_PER_S


def place(*planned: Planned, zone: str = "Asia/Shanghai") -> Premises:
    return premises(homes=[HomePlace(id=HomeId("b1"), schedule=planned), HomePlace(id=HomeId("b2"))], zone=zone)


def begun(where: Premises, now_ns: int, since_ns: int | None = None) -> Schedule:
    rule = Schedule(where)
    rule.begin(now_ns, {} if since_ns is None else {COMMUNITY: since_ns})
    return rule


def pass_until(rule: Schedule, to_ns: int) -> Facts:
    facts: Facts = []
    while (due := rule.next_due()) is not None and due <= to_ns:
        facts += rule.tick(due)
    return facts


def said(facts: Facts, zone: ZoneInfo = SHANGHAI) -> Sequence[tuple[str, str]]:
    return [
        (f"{datetime.fromtimestamp(fact.t_ns // NS_PER_S, tz=zone):%a %H:%M}", fact.mode.value)
        for fact in facts
        if isinstance(fact, ModeSet)
    ]


def test_a_home_is_armed_and_disarmed_at_its_times_and_the_schedule_is_who_did_it() -> None:
    where = place(NIGHT, MORNING, LATE)
    facts = pass_until(begun(where, at("2026-02-27 12:00")), at("2026-03-02 12:00"))
    assert said(facts) == [
        *[("Fri 22:30", "night"), ("Sat 08:00", "disarmed"), ("Sat 22:30", "night"), ("Sun 08:00", "disarmed")],
        *[("Sun 22:30", "night"), ("Mon 06:30", "disarmed")],
    ]
    assert {fact.by for fact in facts if isinstance(fact, ModeSet)} == {PersonId("schedule")}
    assert where.modes.at(COMMUNITY, "b1", at("2026-03-01 03:00")) is Mode.NIGHT
    assert where.modes.changes(COMMUNITY, "b2") == []


def test_nothing_of_before_it_began_is_made_up_for() -> None:
    rule = begun(place(NIGHT), at("2026-03-01 23:00"))
    assert pass_until(rule, at("2026-03-02 22:29")) == []
    assert said(pass_until(rule, at("2026-03-02 22:30"))) == [("Mon 22:30", "night")]


def test_what_was_chosen_while_nobody_worked_is_made_up_for_since_it_was_chosen() -> None:
    rule = begun(place(NIGHT, MORNING), at("2026-03-02 09:00"), since_ns=at("2026-03-01 22:00"))
    assert said(pass_until(rule, at("2026-03-02 12:00"))) == [("Mon 09:00", "disarmed")]
    assert pass_until(begun(place(NIGHT), at("2026-03-02 09:00"), since_ns=at("2026-03-01 23:00")), at("2026-03-02 12:00")) == []


def test_what_will_hold_later_begins_then() -> None:
    rule = begun(place(NIGHT), at("2026-03-01 12:00"), since_ns=at("2026-03-02 12:00"))
    assert said(pass_until(rule, at("2026-03-02 23:00"))) == [("Mon 22:30", "night")]


def test_what_is_due_in_the_moment_in_which_it_begins_is_due() -> None:
    assert said(pass_until(begun(place(NIGHT), at("2026-03-01 22:30")), at("2026-03-01 22:30"))) == [("Sun 22:30", "night")]


def test_what_somebody_sets_by_hand_stays_until_the_next_time() -> None:
    where = place(NIGHT, MORNING)
    rule = begun(where, at("2026-03-01 12:00"))
    pass_until(rule, at("2026-03-01 22:30"))
    where.modes.change(COMMUNITY, "b1", Mode.DISARMED, at("2026-03-01 23:00"))
    pass_until(rule, at("2026-03-02 06:29"))
    assert where.modes.at(COMMUNITY, "b1", at("2026-03-02 06:00")) is Mode.DISARMED
    where.modes.change(COMMUNITY, "b1", Mode.AWAY, at("2026-03-02 06:29"))
    assert said(pass_until(rule, at("2026-03-02 06:30"))) == [("Mon 06:30", "disarmed")]


def test_who_set_it_after_that_time_but_before_it_was_carried_out_has_the_last_word() -> None:
    where = place(NIGHT)
    rule = begun(where, at("2026-03-01 12:00"))
    where.modes.change(COMMUNITY, "b1", Mode.AWAY, at("2026-03-01 22:30") + 1)
    assert pass_until(rule, at("2026-03-01 22:31")) == []
    assert [mode for _, mode in where.modes.changes(COMMUNITY, "b1")] == [Mode.AWAY]


def test_of_what_was_missed_the_newest_is_done_once_when_we_are_back() -> None:
    rule = begun(place(NIGHT, MORNING), at("2026-03-02 12:00"))
    rule.resumed(at("2026-03-05 09:00"))
    assert said(pass_until(rule, at("2026-03-05 22:00"))) == [("Thu 09:00", "disarmed")]
    assert said(pass_until(rule, at("2026-03-05 22:30"))) == [("Thu 22:30", "night")]


def test_nothing_is_missed_in_a_pause_between_two_times() -> None:
    rule = begun(place(NIGHT, MORNING), at("2026-03-02 12:00"))
    rule.resumed(at("2026-03-02 20:00"))
    assert said(pass_until(rule, at("2026-03-02 23:00"))) == [("Mon 22:30", "night")]


def test_a_schedule_goes_on_behind_a_restart_and_does_nothing_twice() -> None:
    where = place(NIGHT, MORNING)
    first = begun(where, at("2026-03-01 12:00"))
    kept = first.snapshot()
    done = pass_until(first, at("2026-03-01 22:30"))
    again = begun(where, at("2026-03-01 22:40"))
    again.restore(kept)
    assert pass_until(again, at("2026-03-01 22:40")) == done  # the same row, which its writer knows
    assert len(where.modes.changes(COMMUNITY, "b1")) == 1
    behind = begun(where, at("2026-03-02 00:00"))
    behind.restore(again.snapshot())
    assert said(pass_until(behind, at("2026-03-02 07:00"))) == [("Mon 06:30", "disarmed")]


def test_a_kill_right_after_we_were_back_leaves_what_was_missed_due() -> None:
    where = place(NIGHT)
    rule = begun(where, at("2026-03-01 12:00"))
    rule.resumed(at("2026-03-02 09:00"))
    again = begun(where, at("2026-03-02 09:05"))
    again.restore(rule.snapshot())
    assert said(pass_until(again, at("2026-03-02 09:05"))) == [("Mon 09:00", "night")]


def test_a_schedule_that_was_changed_begins_anew() -> None:
    old = begun(place(NIGHT), at("2026-03-01 12:00"))
    rule = begun(place(Planned(mode=Mode.AWAY, at=time(13))), at("2026-03-01 18:00"))
    rule.restore(old.snapshot())
    assert said(pass_until(rule, at("2026-03-02 23:00"))) == [("Mon 13:00", "away")]


@pytest.mark.parametrize(
    ("planned", "day", "comes"),
    [
        (time(2, 30), "2026-03-29", "2026-03-29 03:00"),  # skipped: as soon as the clock shows a later one
        (time(2, 30), "2026-10-25", "2026-10-25 02:30"),  # shown twice: the first time
        (time(6, 30), "2026-03-29", "2026-03-29 06:30"),
        (time(6, 30), "2026-10-25", "2026-10-25 06:30"),
    ],
)
def test_on_the_days_on_which_the_clock_is_changed_a_time_comes_once(planned: time, day: str, comes: str) -> None:
    rule = begun(place(Planned(mode=Mode.NIGHT, at=planned), zone="Europe/Berlin"), at(f"{day} 00:00", BERLIN))
    facts = pass_until(rule, at(f"{day} 23:59", BERLIN))
    assert [fact.t_ns for fact in facts if isinstance(fact, ModeSet)] == [at(comes, BERLIN)]


def test_of_two_times_that_the_clock_skips_the_later_one_holds() -> None:
    both = (Planned(mode=Mode.NIGHT, at=time(2, 45)), Planned(mode=Mode.AWAY, at=time(2, 15)))
    facts = pass_until(begun(place(*both, zone="Europe/Berlin"), at("2026-03-29 00:00", BERLIN)), at("2026-03-29 12:00", BERLIN))
    assert said(facts, BERLIN) == [("Sun 03:00", "night")]


def plans() -> st.SearchStrategy[list[Planned]]:
    one: dict[str, Any] = {
        "mode": st.sampled_from(list(Mode)),
        "at": st.times().map(lambda it: it.replace(second=0, microsecond=0, tzinfo=None)),
        "days": st.frozensets(st.integers(0, 6), min_size=1),
    }
    return st.lists(st.builds(Planned, **one), min_size=1, max_size=6)


@given(plan=plans(), hours=st.integers(0, 24 * 400), zone=st.sampled_from([SHANGHAI, BERLIN, ZoneInfo("Australia/Lord_Howe")]))
def test_what_comes_next_is_what_was_missed_once_it_has_come(plan: list[Planned], hours: int, zone: ZoneInfo) -> None:
    start = at("2026-01-01 00:00", zone) + hours * 3600 * NS_PER_S
    comes = [start]
    while (found := upcoming(plan, comes[-1], zone)) and len(comes) < 20:
        assert missed(plan, comes[-1], found[0], zone) == found
        assert missed(plan, comes[-1], found[0] - 1, zone) is None
        comes.append(found[0])
    assert len(comes) == 20
    week = timedelta(days=8).total_seconds() * NS_PER_S
    assert all(0 < later - before <= week for before, later in pairwise(comes))


def test_an_empty_schedule_says_nothing() -> None:
    assert upcoming([], 0, SHANGHAI) is None
    assert missed([], 0, 10**18, SHANGHAI) is None
    assert begun(place(), 0).next_due() is None
