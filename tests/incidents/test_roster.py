from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.model import NS_PER_S, PersonId
from incidents.directory import DayKind, Override, Roster, RosterId, Shift, Weekday
from incidents.roster import everybody, gaps, on_shift, plain, turn, weekly_gaps
from incidents.workdays import Calendar

LONDON = ZoneInfo("Europe/London")
EVERY_DAY = frozenset(Weekday)


Days = frozenset[Weekday] | frozenset[DayKind] | frozenset[Weekday | DayKind]


def roster(*shifts: tuple[str, time, time] | tuple[str, time, time, Days]) -> Roster:
    made = []
    for who, since, until, *days in shifts:
        made.append(Shift(responder=PersonId(who), days=days[0] if days else EVERY_DAY, since=since, until=until))
    return Roster(id=RosterId("gate"), shifts=tuple(made))


def on_duty(shifts: Roster, wall: datetime) -> tuple[str, ...]:
    return on_shift(shifts, round(wall.timestamp()) * NS_PER_S, LONDON)


def wall(day: date, hour: int, minute: int = 0, fold: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, fold=fold, tzinfo=LONDON)


MONDAY, SUNDAY = date(2026, 6, 1), date(2026, 6, 7)
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)  # 01:00 to 02:00 is skipped; 01:00 to 02:00 is twice
DAY_NIGHT = roster(("day", time(8), time(20)), ("night", time(20), time(8)))


@pytest.mark.parametrize(("hour", "minute", "who"), [(7, 59, "night"), (8, 0, "day"), (19, 59, "day"), (20, 0, "night"), (0, 0, "night")])
def test_shifts_are_half_open_and_run_over_midnight(hour: int, minute: int, who: str) -> None:
    assert on_duty(DAY_NIGHT, wall(MONDAY, hour, minute)) == (who,)


def test_days_name_the_day_a_shift_begins() -> None:
    sunday_night = roster(("night", time(20), time(8), frozenset({Weekday.SUN})))
    assert on_duty(sunday_night, wall(SUNDAY, 7)) == ()
    assert on_duty(sunday_night, wall(SUNDAY, 20)) == ("night",)
    assert on_duty(sunday_night, wall(SUNDAY + timedelta(days=1), 7, 59)) == ("night",)
    assert on_duty(sunday_night, wall(SUNDAY + timedelta(days=1), 8)) == ()


def test_a_shift_until_the_time_it_began_lasts_a_day() -> None:
    monday = roster(("all", time(8), time(8), frozenset({Weekday.MON})))
    assert on_duty(monday, wall(MONDAY, 7, 59)) == ()
    assert on_duty(monday, wall(MONDAY, 8)) == on_duty(monday, wall(MONDAY + timedelta(days=1), 7, 59)) == ("all",)
    assert on_duty(monday, wall(MONDAY + timedelta(days=1), 8)) == ()


def test_who_has_two_shifts_at_once_is_there_once() -> None:
    both = roster(("a", time(8), time(20)), ("b", time(9), time(10)), ("a", time(9), time(12)))
    assert on_duty(both, wall(MONDAY, 9, 30)) == everybody(both) == ("a", "b")


def test_who_came_in_the_first_of_two_equal_hours_stays_in_the_second() -> None:
    handover = roster(("early", time(22), time(1, 30)), ("late", time(1, 30), time(6)))
    assert on_duty(handover, wall(AUTUMN, 1, 15, fold=0)) == ("early",)
    assert on_duty(handover, wall(AUTUMN, 1, 45, fold=0)) == ("late",)
    assert on_duty(handover, wall(AUTUMN, 1, 15, fold=1)) == ("late",)


def test_a_handover_in_the_hour_that_is_skipped_happens_at_its_end() -> None:
    handover = roster(("early", time(22), time(1, 30)), ("late", time(1, 30), time(6)))
    assert on_duty(handover, wall(SPRING, 0, 59)) == ("early",)
    assert on_duty(handover, wall(SPRING, 2, 0)) == ("late",)


@settings(deadline=None, max_examples=100)
@given(
    handovers=st.lists(st.times().map(lambda one: one.replace(second=0, microsecond=0, tzinfo=None)), min_size=1, max_size=4, unique=True),
    day=st.sampled_from([MONDAY, SPRING, AUTUMN, SPRING - timedelta(days=1), AUTUMN + timedelta(days=1)]),
    minute=st.integers(0, 24 * 60),
)
def test_shifts_that_follow_each_other_around_the_clock_always_have_exactly_one_on_duty(
    handovers: list[time], day: date, minute: int
) -> None:
    changes = sorted(handovers)
    shifts = roster(*((str(index), since, changes[(index + 1) % len(changes)]) for index, since in enumerate(changes)))
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minute)
    assert len(on_duty(shifts, at)) == 1


# Overrides


def override(day: date, since: time, until: time, *who: str) -> Override:
    return Override(day=day, since=since, until=until, responders=tuple(PersonId(one) for one in who))


def with_overrides(shifts: Roster, *overrides: Override) -> Roster:
    return replace(shifts, overrides=overrides)


def test_an_override_is_half_open_and_runs_over_midnight() -> None:
    stands_in = with_overrides(DAY_NIGHT, override(SUNDAY, time(20), time(8), "li"))
    monday = SUNDAY + timedelta(days=1)
    assert on_duty(stands_in, wall(SUNDAY, 19, 59)) == ("day",)
    assert on_duty(stands_in, wall(SUNDAY, 20)) == on_duty(stands_in, wall(monday, 7, 59)) == ("li",)
    assert on_duty(stands_in, wall(monday, 8)) == ("day",)
    assert on_duty(stands_in, wall(monday, 20)) == ("night",)


def test_an_override_until_the_time_it_began_lasts_a_day() -> None:
    stands_in = with_overrides(DAY_NIGHT, override(SUNDAY, time(0), time(0), "li"))
    assert on_duty(stands_in, wall(SUNDAY, 0)) == on_duty(stands_in, wall(SUNDAY, 23, 59)) == ("li",)
    assert on_duty(stands_in, wall(SUNDAY + timedelta(days=1), 0)) == ("night",)


def test_exactly_the_people_of_an_override_are_on_duty_in_its_order_and_once() -> None:
    stands_in = with_overrides(DAY_NIGHT, override(SUNDAY, time(8), time(20), "li", "day", "li"))
    assert on_duty(stands_in, wall(SUNDAY, 12)) == ("li", "day")


def test_of_two_overrides_at_one_time_the_later_one_in_the_list_counts() -> None:
    first, second = override(SUNDAY, time(8), time(20), "li"), override(SUNDAY, time(10), time(12), "wu")
    assert on_duty(with_overrides(DAY_NIGHT, first, second), wall(SUNDAY, 11)) == ("wu",)
    assert on_duty(with_overrides(DAY_NIGHT, first, second), wall(SUNDAY, 12)) == ("li",)
    assert on_duty(with_overrides(DAY_NIGHT, second, first), wall(SUNDAY, 11)) == ("li",)


def test_who_only_stands_in_is_not_of_the_roster() -> None:
    assert everybody(with_overrides(DAY_NIGHT, override(SUNDAY, time(8), time(20), "li"))) == ("day", "night")


def test_an_override_in_the_hour_that_is_skipped_begins_at_its_end() -> None:
    stands_in = with_overrides(DAY_NIGHT, override(SPRING, time(1, 30), time(3), "li"))
    assert on_duty(stands_in, wall(SPRING, 0, 59)) == ("night",)
    assert on_duty(stands_in, wall(SPRING, 2)) == ("li",)


def test_an_override_in_the_hour_that_is_repeated_begins_when_it_comes_first() -> None:
    stands_in = with_overrides(DAY_NIGHT, override(AUTUMN, time(1, 30), time(3), "li"))
    assert [on_duty(stands_in, wall(AUTUMN, 1, minute, fold)) for fold in (0, 1) for minute in (15, 45)] == [
        ("night",),
        ("li",),
        ("li",),
        ("li",),
    ]


# Workdays and holidays


SHANGHAI, BERLIN, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
WORKDAY, HOLIDAY = frozenset({DayKind.WORKDAY}), frozenset({DayKind.HOLIDAY})
OFFICE = roster(("office", time(8), time(18), WORKDAY), ("standby", time(8), time(18), HOLIDAY))


def at_ten(shifts: Roster, country: str, day: str, zone: ZoneInfo = SHANGHAI) -> tuple[str, ...]:
    kept = replace(shifts, calendar=Calendar(country))
    return on_shift(kept, ns(zone, day + " 10:00"), zone)


def ns(zone: ZoneInfo, local: str, fold: int = 0) -> int:
    return round(datetime.fromisoformat(local).replace(tzinfo=zone, fold=fold).timestamp()) * NS_PER_S


NATIONAL_DAY_2026 = [
    ("2026-09-20", "office"),  # a Sunday that makes up for 6 October
    ("2026-09-25", "standby"),  # Mid-Autumn, a Friday
    ("2026-09-26", "standby"),
    ("2026-09-28", "office"),
    ("2026-09-30", "office"),
    *((f"2026-10-0{day}", "standby") for day in range(1, 8)),
    ("2026-10-08", "office"),
    ("2026-10-10", "office"),  # a Saturday that makes up for 7 October
    ("2026-10-11", "standby"),
]


@pytest.mark.parametrize(("day", "who"), NATIONAL_DAY_2026)
def test_around_national_day_make_up_days_are_workdays_and_bridge_days_are_holidays(day: str, who: str) -> None:
    assert at_ten(OFFICE, "CN", day) == (who,)


@pytest.mark.parametrize(
    ("country", "zone", "day", "who"),
    [
        ("DE", BERLIN, "2026-10-03", "standby"),
        ("DE", BERLIN, "2026-10-05", "office"),
        ("DE", BERLIN, "2026-12-25", "standby"),
        ("US", NEW_YORK, "2026-07-03", "standby"),  # for the Fourth, a Saturday
        ("US", NEW_YORK, "2026-11-26", "standby"),
        ("US", NEW_YORK, "2026-10-01", "office"),
    ],
)
def test_each_country_keeps_its_own_holidays(country: str, zone: ZoneInfo, day: str, who: str) -> None:
    assert at_ten(OFFICE, country, day, zone) == (who,)


def test_a_holidays_night_shift_belongs_to_the_day_it_begins() -> None:
    night = replace(roster(("standby", time(20), time(8), HOLIDAY)), calendar=Calendar("CN"))
    assert on_shift(night, ns(SHANGHAI, "2026-10-08 07:59"), SHANGHAI) == ("standby",)
    assert on_shift(night, ns(SHANGHAI, "2026-10-08 20:00"), SHANGHAI) == ()


def test_days_of_both_sorts_are_added_to_each_other() -> None:
    both = roster(("wu", time(8), time(18), frozenset({DayKind.HOLIDAY, Weekday.THU})))
    assert [at_ten(both, "CN", day) for day in ("2026-10-01", "2026-10-02", "2026-10-08", "2026-10-09")] == [("wu",), ("wu",), ("wu",), ()]


# Gaps


def test_sunday_evening_is_a_gap_exact_at_its_ends() -> None:
    days = roster(*(("day", time(0), time(0), EVERY_DAY - {Weekday.SUN}), ("sun", time(0), time(20), frozenset({Weekday.SUN}))))
    found = gaps(days, ns(SHANGHAI, "2026-06-01 00:00"), ns(SHANGHAI, "2026-06-08 00:00"), SHANGHAI)
    assert found == ((ns(SHANGHAI, "2026-06-07 20:00"), ns(SHANGHAI, "2026-06-08 00:00")),)
    hour_ns = 3600 * NS_PER_S
    assert weekly_gaps(days) == ((6 * 24 * hour_ns + 20 * hour_ns, 7 * 24 * hour_ns),)


def test_a_gap_is_cut_to_the_time_that_is_asked_for() -> None:
    inside = ns(LONDON, "2026-06-01 03:00"), ns(LONDON, "2026-06-01 04:00")
    by_day = roster(("day", time(8), time(20)))
    assert gaps(by_day, *inside, LONDON) == (inside,)
    assert gaps(by_day, ns(LONDON, "2026-06-01 09:00"), ns(LONDON, "2026-06-01 20:00"), LONDON) == ()
    assert gaps(by_day, inside[0], inside[0], LONDON) == ()


def test_a_weekly_gap_that_runs_into_monday_is_one() -> None:
    weekdays = roster(("week", time(8), time(8), EVERY_DAY - {Weekday.SAT, Weekday.SUN}))
    hour_ns = 3600 * NS_PER_S
    assert weekly_gaps(weekdays) == ((5 * 24 * hour_ns + 8 * hour_ns, 7 * 24 * hour_ns + 8 * hour_ns),)


def test_a_week_that_is_covered_has_no_gap_and_one_without_shifts_is_one_whole_gap() -> None:
    assert weekly_gaps(DAY_NIGHT) == ()
    assert weekly_gaps(roster()) == ((0, 7 * 24 * 3600 * NS_PER_S),)


def test_an_override_closes_a_gap() -> None:
    stands_in = with_overrides(roster(("day", time(8), time(20))), override(SUNDAY, time(20), time(6), "li"))
    found = gaps(stands_in, ns(LONDON, "2026-06-07 00:00"), ns(LONDON, "2026-06-08 12:00"), LONDON)
    assert found == (
        (ns(LONDON, "2026-06-07 00:00"), ns(LONDON, "2026-06-07 08:00")),
        (ns(LONDON, "2026-06-08 06:00"), ns(LONDON, "2026-06-08 08:00")),
    )


def test_a_week_off_is_a_gap_of_workday_shifts_and_a_make_up_sunday_is_none() -> None:
    office = replace(roster(("office", time(0), time(0), WORKDAY)), calendar=Calendar("CN"))
    found = gaps(office, ns(SHANGHAI, "2026-09-19 00:00"), ns(SHANGHAI, "2026-10-12 00:00"), SHANGHAI)
    assert found == tuple(
        (ns(SHANGHAI, f"{first} 00:00"), ns(SHANGHAI, f"{last} 00:00"))
        for first, last in [
            ("2026-09-19", "2026-09-20"),
            ("2026-09-25", "2026-09-28"),
            ("2026-10-01", "2026-10-08"),
            ("2026-10-11", "2026-10-12"),
        ]
    )


@pytest.mark.parametrize(
    ("zone", "night", "hours"),
    [
        (BERLIN, "2026-03-29", 11),
        (BERLIN, "2026-10-25", 13),
        (NEW_YORK, "2026-03-08", 11),
        (NEW_YORK, "2026-11-01", 13),
        (SHANGHAI, "2026-10-25", 12),
    ],
)
def test_a_night_without_anybody_is_as_long_as_the_clock_makes_it(zone: ZoneInfo, night: str, hours: int) -> None:
    day = date.fromisoformat(night)
    begin, end = ns(zone, f"{day - timedelta(days=1)} 20:00"), ns(zone, f"{day} 08:00")
    assert gaps(roster(("day", time(8), time(20))), begin - 1, end + 1, zone) == ((begin, end),)
    assert end - begin == hours * 3600 * NS_PER_S


def test_a_gap_that_begins_in_the_hour_that_is_skipped_begins_at_its_end() -> None:
    until_half_past = roster(("a", time(8), time(2, 30)))
    found = gaps(until_half_past, ns(BERLIN, "2026-03-29 00:00"), ns(BERLIN, "2026-03-29 12:00"), BERLIN)
    assert found == ((ns(BERLIN, "2026-03-29 03:00"), ns(BERLIN, "2026-03-29 08:00")),)


def test_a_shift_within_the_hour_that_is_skipped_does_not_split_a_gap() -> None:
    blink = roster(("a", time(2, 15), time(2, 45)), ("b", time(8), time(20)))
    found = gaps(blink, ns(NEW_YORK, "2026-03-07 20:00"), ns(NEW_YORK, "2026-03-08 08:00"), NEW_YORK)
    assert found == ((ns(NEW_YORK, "2026-03-07 20:00"), ns(NEW_YORK, "2026-03-08 08:00")),)


def test_a_clock_that_is_set_back_over_midnight_keeps_the_shift_that_had_begun() -> None:
    st_johns = ZoneInfo("America/St_Johns")  # until 2011 at 00:01, back to 23:01 of the day before
    shifts = roster(("sat", time(0), time(0), frozenset({Weekday.SAT})), ("sun", time(0), time(0), frozenset({Weekday.SUN})))
    assert on_shift(shifts, ns(st_johns, "2010-11-06 23:30", fold=0), st_johns) == ("sat",)
    assert on_shift(shifts, ns(st_johns, "2010-11-06 23:30", fold=1), st_johns) == ("sun",)


CLOCKS = st.times().map(lambda one: one.replace(minute=one.minute // 15 * 15, second=0, microsecond=0, tzinfo=None))
DAYS = st.frozensets(st.sampled_from([*Weekday, *DayKind]), min_size=1, max_size=4)
DATES = st.sampled_from([date(2026, 3, 8), date(2026, 3, 29), date(2026, 9, 30), date(2026, 10, 25), date(2026, 11, 1)])
ROSTERS = st.builds(
    Roster,
    id=st.just(RosterId("gate")),
    shifts=st.lists(
        st.builds(Shift, responder=st.sampled_from([PersonId("a"), PersonId("b")]), days=DAYS, since=CLOCKS, until=CLOCKS), max_size=4
    ).map(tuple),
    overrides=st.lists(st.builds(Override, day=DATES, since=CLOCKS, until=CLOCKS, responders=st.just((PersonId("c"),))), max_size=2).map(
        tuple
    ),
    calendar=st.sampled_from([Calendar("CN"), Calendar("DE"), Calendar("US")]),
)


@settings(deadline=None, max_examples=150)
@given(shifts=ROSTERS, zone=st.sampled_from([BERLIN, NEW_YORK, SHANGHAI]), day=DATES, data=st.data())
def test_nobody_is_on_shift_in_a_gap_and_somebody_is_everywhere_else(
    shifts: Roster, zone: ZoneInfo, day: date, data: st.DataObject
) -> None:
    from_ns = ns(zone, f"{day - timedelta(days=2)} 00:00") + data.draw(st.integers(0, 86_400 * NS_PER_S))
    to_ns = from_ns + data.draw(st.integers(0, 5 * 86_400 * NS_PER_S))
    found = gaps(shifts, from_ns, to_ns, zone)
    edges = [edge for span in found for edge in span]
    assert edges == sorted(set(edges))  # ascending, disjoint, none empty, no two that touch
    assert all(from_ns <= edge <= to_ns for edge in edges)
    near = {edge + step for edge in (from_ns, to_ns, *edges) for step in (-1, 0, 1)}
    for at_ns in {one for one in near if from_ns <= one < to_ns} | {*range(from_ns, to_ns, 7 * 900 * NS_PER_S)}:
        assert bool(on_shift(shifts, at_ns, zone)) != any(begin <= at_ns < end for begin, end in found)


@settings(deadline=None, max_examples=50)
@given(shifts=ROSTERS, monday=st.sampled_from([date(2026, 6, 1), date(2026, 7, 13)]))
def test_the_weekly_gaps_are_those_of_any_week_without_exceptions(shifts: Roster, monday: date) -> None:
    begin_ns, day_ns = ns(SHANGHAI, f"{monday} 00:00"), 86_400 * NS_PER_S
    every_week = plain(shifts)
    weekly = weekly_gaps(shifts)
    for quarter in range(7 * 96):
        offset_ns = quarter * 900 * NS_PER_S
        in_gap = any(begin <= offset_ns + week * 7 * day_ns < end for begin, end in weekly for week in (0, 1))
        assert in_gap == (not on_shift(every_week, begin_ns + offset_ns, SHANGHAI))


def test_a_turn_is_who_is_on_duty_since_when_until_when_and_who_is_next() -> None:
    def at(hour: int) -> int:
        return round(wall(MONDAY, hour).timestamp()) * NS_PER_S

    now = turn(DAY_NIGHT, at(9), LONDON)
    assert (now.people, now.since_ns, now.until_ns, now.following) == (("day",), at(8), at(20), ("night",))
    alone = roster(("day", time(8), time(12)), ("day", time(12), time(16)))
    now = turn(alone, at(13), LONDON)
    assert (now.people, now.since_ns, now.until_ns, now.following) == (("day",), at(8), at(16), ())
    nobody = turn(alone, at(17), LONDON)
    assert (nobody.people, nobody.since_ns, nobody.following) == ((), at(16), ("day",))


def test_a_turn_that_never_changes_is_a_week_long_on_both_sides() -> None:
    now_ns = round(wall(MONDAY, 9).timestamp()) * NS_PER_S
    always = turn(roster(("one", time(0), time(0))), now_ns, LONDON)
    week_ns = 7 * 24 * 3600 * NS_PER_S
    assert (always.people, always.since_ns, always.until_ns) == (("one",), now_ns - week_ns, now_ns + week_ns)
    assert turn(roster(), now_ns, LONDON).people == ()
