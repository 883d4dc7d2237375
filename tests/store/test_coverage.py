"""Import says in advance when nobody will be on shift, and refuses rosters that mean nothing."""

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from devices.model import NS_PER_S
from store.community import parse
from store.coverage import ahead
from store.importing import plan
from store.model import Community, InputError

Said = dict[str, Any]

WEEKDAYS = ["mon", "tue", "wed", "thu", "fri"]


def shift(since: str, to: str, days: list[str] | None = None, responder: str = "li") -> Said:
    return {"responder": responder, "from": since, "to": to, **({"days": days} if days else {})}


def text(*shifts: Said, calendar: str | None = None, zone: str = "Asia/Shanghai", **roster: Any) -> str:
    head = {"id": "elm", "name": "榆园", "timezone": zone, **({"calendar": calendar} if calendar else {})}
    people = [
        {"id": "li", "name": "李队", "roles": ["guard"], "phone": "+8613800000001"},
        {"id": "wu", "name": "吴队", "roles": ["guard"], "phone": "+8613800000002"},
        {"id": "mute", "name": "周队", "roles": ["guard"]},
    ]
    return json.dumps({"community": head, "people": people, "rosters": [{"id": "gate", "shifts": list(shifts), **roster}]})


def read(*shifts: Said, **more: Any) -> Community:
    return parse(text(*shifts, **more), "elm.yaml")


def coming(community: Community, local: str) -> list[str]:
    at = datetime.fromisoformat(local).replace(tzinfo=community.directory.timezone)
    return [told(warning) for warning in ahead(community.directory, round(at.timestamp()) * NS_PER_S)]


def told(warning: str) -> str:
    """What stands between the words that every warning of a gap has."""
    return warning.removeprefix("rosters[0]: nobody is on shift ").removesuffix(" (then the whole roster is told)")


def test_a_gap_of_every_week_is_told_once_by_week_day_and_clock() -> None:
    found = read(shift("00:00", "24:00", [*WEEKDAYS, "sat"]), shift("00:00", "20:00", ["sun"])).warnings
    assert found == ("rosters[0]: nobody is on shift Sunday 20:00–24:00 (then the whole roster is told)",)


@pytest.mark.parametrize(
    ("shifts", "words"),
    [
        ([shift("08:00", "20:00")], "every day 20:00–08:00 the next day"),
        ([shift("08:00", "20:00"), shift("20:00", "07:30")], "every day 07:30–08:00"),
        ([shift("00:00", "24:00", WEEKDAYS)], "Saturday 00:00–Sunday 24:00"),
        ([shift("08:00", "08:00", WEEKDAYS)], "Saturday 08:00–Monday 08:00"),
        ([shift("06:00", "06:00", ["sat", "sun"]), shift("08:00", "06:00", WEEKDAYS)], "Monday to Friday 06:00–08:00"),
        (
            [shift("08:00", "18:00", WEEKDAYS), shift("18:00", "08:00"), shift("12:00", "18:00", ["sat"])],
            "Saturday 08:00–12:00; Sunday 08:00–18:00",
        ),
        (
            [shift("08:00", "20:00", ["sat", "mon"]), shift("20:00", "08:00"), shift("08:00", "20:00", ["wed", "fri", "sun"])],
            "Tuesday, Thursday 08:00–20:00",
        ),
        ([shift("20:00", "08:00", ["sun"])], "Monday 08:00–Sunday 20:00"),
    ],
)
def test_gaps_of_every_week_read_as_people_say_them(shifts: list[Said], words: str) -> None:
    assert [told(warning) for warning in read(*shifts).warnings] == [words]


def test_a_roster_around_the_clock_is_silent() -> None:
    around = read(shift("08:00", "20:00"), shift("20:00", "08:00", responder="wu"))
    assert around.warnings == ()
    assert coming(around, "2026-10-20 12:00") == []


def test_a_roster_of_workdays_and_holidays_around_the_clock_is_silent() -> None:
    around = read(shift("00:00", "24:00", ["workday"]), shift("00:00", "24:00", ["holiday"]), calendar="CN")
    assert around.warnings == ()
    assert coming(around, "2026-09-15 12:00") == []


def test_what_every_week_lacks_is_not_told_by_date() -> None:
    assert coming(read(shift("08:00", "20:00")), "2026-10-20 12:00") == []


def test_a_change_of_the_clock_is_no_exception() -> None:
    by_day = read(shift("03:30", "02:10"), zone="Europe/Berlin")
    assert coming(by_day, "2026-03-15 12:00") == coming(by_day, "2026-10-15 12:00") == []


def test_a_holiday_without_anybody_is_told_by_date_in_advance() -> None:
    office = read(shift("08:00", "20:00", ["workday"]), shift("08:00", "20:00", ["sat", "sun"]), shift("20:00", "08:00"), calendar="CN")
    assert office.warnings == ()
    assert coming(office, "2026-08-20 12:00") == []
    assert coming(office, "2026-08-27 12:00") == ["Friday 2026-09-25 08:00–20:00"]
    assert coming(office, "2026-09-26 12:00") == [
        "Thursday 2026-10-01 08:00–20:00, Friday 2026-10-02 08:00–20:00, Monday 2026-10-05 08:00–20:00 and 2 more until 2026-10-26"
    ]


def test_days_off_in_a_row_are_one_gap() -> None:
    office = read(shift("00:00", "24:00", ["workday"]), calendar="CN")
    assert [told(warning) for warning in office.warnings] == ["Saturday 00:00–Sunday 24:00"]
    assert coming(office, "2026-09-28 12:00") == ["Thursday 2026-10-01 00:00–Wednesday 2026-10-07 24:00"]


def test_a_gap_that_has_begun_is_told_from_now() -> None:
    office = read(shift("00:00", "24:00", ["workday"]), shift("00:00", "24:00", ["sat", "sun"]), calendar="DE", zone="Europe/Berlin")
    assert coming(office, "2026-12-25 09:15") == ["Friday 2026-12-25 09:15–24:00, Friday 2027-01-01 00:00–24:00"]


def test_who_stands_in_closes_the_gap_of_a_holiday() -> None:
    stands_in = {"date": "2026-12-25", "from": "00:00", "to": "24:00", "responders": ["wu"]}
    shifts = shift("00:00", "24:00", ["workday"]), shift("00:00", "24:00", ["sat", "sun"])
    assert coming(read(*shifts, calendar="DE", zone="Europe/Berlin", overrides=[stands_in]), "2026-12-20 12:00") == [
        "Friday 2027-01-01 00:00–24:00"
    ]


def test_a_plan_warns_of_the_weeks_that_follow_its_time() -> None:
    planned = plan(lambda _: None, "elm.yaml", text=text(shift("00:00", "24:00", ["workday"]), calendar="CN"))
    at = datetime(2026, 9, 28, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert [told(warning) for warning in planned.ahead(round(at.timestamp()) * NS_PER_S)] == [
        "Thursday 2026-10-01 00:00–Wednesday 2026-10-07 24:00"
    ]


def test_a_year_whose_make_up_days_are_not_published_is_told_when_it_comes_near() -> None:
    around = read(shift("00:00", "24:00", ["workday"]), shift("00:00", "24:00", ["holiday"]), calendar="CN")
    unknown = "community.calendar: the make-up days of CN for 2090 are not known to this version"
    assert [one.startswith(unknown) for one in coming(around, "2090-06-01 12:00")] == [True]
    assert coming(around, "2025-12-20 12:00") == []
    assert coming(read(shift("00:00", "24:00"), calendar="CN"), "2090-06-01 12:00") == []


def test_who_is_on_shift_and_cannot_be_told_is_named() -> None:
    found = read(shift("08:00", "20:00"), shift("20:00", "08:00", responder="mute")).warnings
    assert found == ("rosters[0]: mute has no phone and no other contact method: while only they are on shift, nobody is told",)


STANDS_IN: Said = {"date": "2026-10-01", "from": "20:00", "to": "08:00", "responders": ["li", "wu"]}


@pytest.mark.parametrize(
    ("more", "where", "what"),
    [
        ({"days": ["mon", "workday"]}, "rosters[0].shifts[0].days[1]", "'workday' needs a calendar, wanted community.calendar"),
        ({"days": ["holiday"]}, "rosters[0].shifts[0].days[0]", "'holiday' needs a calendar, wanted community.calendar"),
        ({"calendar": "XX"}, "community.calendar", "'XX' has no table of holidays, wanted a country such as CN"),
        ({"override": {"responders": ["li", "wuu"]}}, "rosters[0].overrides[0].responders[1]", "'wuu' is not in people, did you mean wu?"),
        ({"override": {"from": "24:00"}}, "rosters[0].overrides[0].from", "'24:00' ends a day"),
        ({"override": {"date": "2026-02-29"}}, "rosters[0].overrides[0].date", "is no date"),
    ],
)
def test_a_roster_that_means_nothing_is_refused_and_its_path_named(more: Said, where: str, what: str) -> None:
    shifts, overrides = shift("00:00", "24:00", more.get("days")), [STANDS_IN | more["override"]] if "override" in more else []
    with pytest.raises(InputError) as refused:
        read(shifts, calendar=more.get("calendar"), overrides=overrides)
    assert refused.value.where.endswith(where)
    assert what in refused.value.what
