from datetime import date, timedelta

import pytest

from incidents.workdays import Calendar

CHINA = Calendar("CN")


def moved(year: int) -> tuple[set[str], set[str]]:
    """Days from Monday to Friday that are off, and days of a weekend that are worked, as month-day."""
    days = [date(year, 1, 1) + timedelta(days=number) for number in range(365)]
    return (
        {f"{day:%m-%d}" for day in days if day.weekday() < 5 and not CHINA.is_workday(day)},
        {f"{day:%m-%d}" for day in days if day.weekday() >= 5 and CHINA.is_workday(day)},
    )


def test_the_year_2026_in_china_is_that_of_the_state_councils_notice() -> None:
    off, worked = moved(2026)
    assert off == {
        *("01-01", "01-02", "02-16", "02-17", "02-18", "02-19", "02-20", "02-23", "04-06", "05-01", "05-04", "05-05", "06-19", "09-25"),
        *("10-01", "10-02", "10-05", "10-06", "10-07"),
    }
    assert worked == {"01-04", "02-14", "02-28", "05-09", "09-20", "10-10"}


def test_a_make_up_day_in_december_that_the_next_years_notice_names_is_known() -> None:
    assert CHINA.is_workday(date(2005, 12, 31))


def test_of_a_year_that_is_not_published_the_holidays_of_the_law_are_known_and_no_make_up_day() -> None:
    assert CHINA.is_arranged(2026)
    assert not CHINA.is_arranged(2090)
    assert not CHINA.is_workday(date(2090, 10, 2))
    assert not any(CHINA.is_workday(date(2090, 1, 1) + timedelta(days=7 * week)) for week in range(52))  # Sundays


@pytest.mark.parametrize(("country", "weekend"), [("CN", {5, 6}), ("DE", {5, 6}), ("SA", {4, 5}), ("HK", {6})])
def test_weekends_are_those_of_the_country(country: str, weekend: set[int]) -> None:
    assert Calendar(country).weekend == weekend


def test_other_countries_do_not_wait_for_a_notice() -> None:
    assert Calendar("DE").is_arranged(2090)


def test_a_country_without_a_table_is_not_known() -> None:
    assert Calendar("CN").is_known
    assert not Calendar("XX").is_known
