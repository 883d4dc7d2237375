from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.model import NS_PER_S, PersonId
from incidents.model import Roster, RosterId, Shift, Weekday
from incidents.roster import everybody, on_shift

LONDON = ZoneInfo("Europe/London")
EVERY_DAY = frozenset(Weekday)


def roster(*shifts: tuple[str, time, time] | tuple[str, time, time, frozenset[Weekday]]) -> Roster:
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
