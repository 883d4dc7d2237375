"""Times of day at which a fence guards: midnight, days, and clocks that are changed."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.model import NS_PER_S
from rules.premises import Hours

SHANGHAI, LONDON = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/London")
NIGHT = Hours(since=time(22), until=time(6))


def ns(wall: str, zone: ZoneInfo = SHANGHAI, fold: int = 0) -> int:
    return int(datetime.fromisoformat(wall).replace(tzinfo=zone, fold=fold).timestamp()) * NS_PER_S


@pytest.mark.parametrize(
    ("wall", "held"),
    [("2026-03-02T21:59:59", False), ("2026-03-02T22:00", True), ("2026-03-03T05:59:59", True), ("2026-03-03T06:00", False)],
)
def test_hours_over_midnight_hold_from_their_beginning_to_before_their_end(wall: str, *, held: bool) -> None:
    assert NIGHT.hold(ns(wall), SHANGHAI) is held


def test_days_name_the_day_on_which_it_begins() -> None:
    monday = Hours(since=time(22), until=time(6), days=frozenset({0}))
    assert [
        monday.hold(ns(wall), SHANGHAI) for wall in ("2026-03-02T05:00", "2026-03-02T23:00", "2026-03-03T05:00", "2026-03-03T23:00")
    ] == [*(False, True, True, False)]


def test_the_same_time_twice_is_a_whole_day() -> None:
    sunday = Hours(since=time(0), until=time(0), days=frozenset({6}))
    assert sunday.span(ns("2026-03-01T12:00"), SHANGHAI) == (ns("2026-03-01T00:00"), ns("2026-03-02T00:00"))


def test_between_hours_the_span_is_the_next_one() -> None:
    friday = Hours(since=time(8), until=time(9), days=frozenset({4}))
    assert friday.span(ns("2026-03-06T09:00"), SHANGHAI) == (ns("2026-03-13T08:00"), ns("2026-03-13T09:00"))


def test_a_night_in_which_the_clock_is_set_back_is_an_hour_longer() -> None:
    begin_ns, end_ns = NIGHT.span(ns("2026-10-25T03:00", LONDON), LONDON)
    assert (end_ns - begin_ns) // NS_PER_S == 9 * 3600


def test_hours_within_one_that_the_clock_skips_do_not_come_that_day() -> None:
    skipped = Hours(since=time(1, 15), until=time(1, 45))
    assert skipped.span(ns("2026-03-29T00:30", LONDON), LONDON) == (ns("2026-03-30T01:15", LONDON), ns("2026-03-30T01:45", LONDON))


def test_a_repeated_time_begins_when_it_is_shown_first() -> None:
    begin_ns, _ = Hours(since=time(1, 30), until=time(5)).span(ns("2026-10-25T04:00", LONDON), LONDON)
    assert begin_ns == ns("2026-10-25T01:30", LONDON, fold=0)


@given(
    since=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    until=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    days=st.frozensets(st.integers(0, 6), min_size=1),
    minutes=st.integers(0, 366 * 24 * 60),
)
def test_a_span_ends_later_and_what_follows_it_begins_no_earlier(since: time, until: time, days: frozenset[int], minutes: int) -> None:
    hours, at = Hours(since=since, until=until, days=days), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    at_ns = int(at.timestamp()) * NS_PER_S
    begin_ns, end_ns = hours.span(at_ns, LONDON)
    assert begin_ns < end_ns > at_ns
    assert hours.hold(at_ns, LONDON) is (begin_ns <= at_ns)
    assert hours.span(end_ns, LONDON)[0] >= end_ns
    assert begin_ns <= at_ns or hours.span(begin_ns, LONDON) == (begin_ns, end_ns)
