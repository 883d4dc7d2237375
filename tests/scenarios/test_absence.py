"""Zhou Fen, who lives alone at b1-101, goes out. Stories begin at 10:00 in Shanghai; the first evening comes twelve hours later."""

from pathlib import Path
from typing import Any

import pytest
from stories import armed, at, estate, picked, said, tell, until

MINUTE, HOUR = 60, 3600
NIGHT = 17 * HOUR + 12 * MINUTE  # 03:12
Lines = list[dict[str, Any]]

HALL = {"id": "motion-1", "kind": "motion", "home": "b1-101"}
GATEWAY = {"id": "gateway-1", "kind": "gateway"}


def home(*devices: dict[str, Any], care: dict[str, Any] | None = None, people: Lines | None = None) -> dict[str, Any]:
    """The estate with more devices and people, somebody told of no return, and what is said of her care."""
    given = estate()
    given["devices"] += devices
    given["people"] += people or []
    given["policies"].append({"id": "out", "kinds": ["no_return"], "steps": [{"after_s": 0, "tell": ["relatives"], "by": ["sms"]}]})
    if care is not None:
        given["people"][0]["care"] = care
    return given


def door(seconds: float, *, shut: bool = True) -> Lines:
    """Somebody goes through the door."""
    opened = said(seconds, "door-1", "contact", open=True)
    return [opened, said(seconds + 6, "door-1", "contact", open=False)] if shut else [opened]


def motion(seconds: float) -> dict[str, Any]:
    return said(seconds, "motion-1", "motion", motion=True)


FIRST = [said(0, "door-1", "contact", open=False), motion(5), motion(NIGHT - 3 * HOUR)]


def told(folder: Path, lines: Lines, given: dict[str, Any], **wanted: str) -> list[tuple[str, str]]:
    output = tell(folder, lines, given)
    return [(line["kind"], line["at"]) for line in picked(output, "event", kind="no_return", **wanted)]


def test_the_door_opens_at_0312_and_nobody_comes_back(tmp_path: Path) -> None:
    opened, shut = door(NIGHT)
    output = tell(tmp_path, [*FIRST, motion(NIGHT - 10), opened, motion(NIGHT + 3), shut, until(NIGHT + 8 * HOUR)], home(HALL))
    (event,) = picked(output, "event", kind="no_return")
    assert (event["at"], event["t"], event["resident"], event["home"]) == (at(NIGHT + 1800), at(NIGHT + 1800), "zhou-fen", "b1-101")
    assert event["evidence"] == {"by_night": True, "limit_s": 1800, "out_s": 1800}
    (incident,) = picked(output, "incident", kind="no_return")
    assert (incident["state"], incident["severity"]) == ("open", "urgent")
    assert [line["to"] for line in picked(output, "notification", incident=incident["id"], channel="sms")] == ["zhou-jie"]


def test_she_is_back_at_0320_and_nobody_is_woken(tmp_path: Path) -> None:
    back = NIGHT + 8 * MINUTE
    assert told(tmp_path, [*FIRST, *door(NIGHT), *door(back), motion(back + 20), until(NIGHT + 5 * HOUR)], home(HALL)) == []


def test_where_only_the_door_has_a_sensor_its_second_opening_is_the_return(tmp_path: Path) -> None:
    gone = [said(0, "door-1", "contact", open=False), *door(NIGHT)]
    assert len(told(tmp_path, [*gone, until(NIGHT + 5 * HOUR)], home())) == 1
    assert told(tmp_path, [*gone, *door(NIGHT + 8 * MINUTE), until(NIGHT + 5 * HOUR)], home()) == []


def test_she_left_the_door_standing_open(tmp_path: Path) -> None:
    assert len(told(tmp_path, [*FIRST, *door(NIGHT, shut=False), until(NIGHT + HOUR)], home(HALL))) == 1


def test_she_only_looked_out(tmp_path: Path) -> None:
    assert told(tmp_path, [*FIRST, *door(NIGHT), motion(NIGHT + 30), until(NIGHT + 5 * HOUR)], home(HALL)) == []


def test_she_comes_home_late_and_the_hall_sees_her_only_as_the_door_closes(tmp_path: Path) -> None:
    evening, late = NIGHT - 6 * HOUR, NIGHT - 4 * HOUR
    lines = [*FIRST[:2], motion(evening - 10), *door(evening), *door(late), motion(late + 9), until(NIGHT + 5 * HOUR)]
    assert told(tmp_path, lines, home(HALL)) == []


def test_the_hall_sees_her_as_she_comes_back_and_her_absence_is_over(tmp_path: Path) -> None:
    back = NIGHT + HOUR
    output = tell(tmp_path, [*FIRST, *door(NIGHT), *door(back), motion(back + 9), until(NIGHT + 5 * HOUR)], home(HALL))
    assert len(picked(output, "event", kind="no_return")) == 1
    assert [line["state"] for line in picked(output, "incident", kind="no_return")] == ["open", "resolved"]


def test_her_return_is_told_and_ends_it(tmp_path: Path) -> None:
    back = NIGHT + 50 * MINUTE
    output = tell(tmp_path, [*FIRST, *door(NIGHT), *door(back), motion(back + 30), until(back + HOUR)], home(HALL))
    incidents = picked(output, "incident", kind="no_return")
    assert [line["state"] for line in incidents] == ["open", "resolved"]
    assert at(back) <= incidents[1]["at"] <= at(back + 1)
    assert [line["to"] for line in picked(output, "notification", purpose="ending")] == ["zhou-jie"]


def test_two_nights_are_two_stories(tmp_path: Path) -> None:
    back, again = NIGHT + HOUR, NIGHT + 24 * HOUR
    lines = [*FIRST, *door(NIGHT), *door(back), motion(back + 30), *door(again), until(again + HOUR)]
    assert [when for _, when in told(tmp_path, lines, home(HALL))] == [at(NIGHT + 1800), at(again + 1800)]


def test_a_walk_by_day_is_nobodys_business_for_twelve_hours(tmp_path: Path) -> None:
    left = [*FIRST[:2], *door(HOUR)]
    assert told(tmp_path, [*left, *door(9 * HOUR), motion(9 * HOUR + 20), until(30 * HOUR)], home(HALL)) == []
    assert [when for _, when in told(tmp_path, [*left, until(30 * HOUR)], home(HALL))] == [at(13 * HOUR)]


def test_by_day_a_door_alone_says_nothing(tmp_path: Path) -> None:
    assert told(tmp_path, [said(0, "door-1", "contact", open=False), *door(HOUR), until(40 * HOUR)], home()) == []


@pytest.mark.parametrize("mode", ["away", "holiday"])
def test_who_said_that_she_is_away_is_not_missed(tmp_path: Path, mode: str) -> None:
    assert told(tmp_path, [*FIRST, armed(NIGHT - 20, "b1-101", mode), *door(NIGHT), until(NIGHT + 9 * HOUR)], home(HALL)) == []
    assert told(tmp_path, [*FIRST, *door(NIGHT), armed(NIGHT + 60, "b1-101", mode), until(NIGHT + 9 * HOUR)], home(HALL)) == []


def test_at_night_with_the_home_armed_for_the_night_she_is_missed_all_the_same(tmp_path: Path) -> None:
    assert len(told(tmp_path, [*FIRST, armed(NIGHT - HOUR, "b1-101", "night"), *door(NIGHT), until(NIGHT + HOUR)], home(HALL))) == 1


def test_the_gateway_fell_silent_meanwhile_and_nobody_is_accused_of_being_out(tmp_path: Path) -> None:
    given = home({**HALL, "via": "gateway-1"}, GATEWAY)
    next(one for one in given["devices"] if one["id"] == "door-1")["via"] = "gateway-1"
    lost, back = NIGHT + 4 * MINUTE, NIGHT + 20 * MINUTE
    words = [said(lost, "gateway-1", "status", online=False), said(back, "gateway-1", "status", online=True)]
    assert told(tmp_path, [*FIRST, *door(NIGHT), *words, until(NIGHT + 5 * HOUR)], given) == []
    assert told(tmp_path, [*FIRST, *door(NIGHT), words[0], until(NIGHT + 5 * HOUR)], given) == []


def test_the_doors_own_sensor_fell_silent_meanwhile(tmp_path: Path) -> None:
    lost = said(NIGHT + 600, "door-1", "status", online=False)
    assert told(tmp_path, [*FIRST, *door(NIGHT), lost, until(NIGHT + 5 * HOUR)], home(HALL)) == []


def test_a_buffer_that_holds_the_going_and_the_coming_tells_neither(tmp_path: Path) -> None:
    arrived = NIGHT + 3 * HOUR
    lines = [{**line, "at": at(arrived + i)} for i, line in enumerate([*door(NIGHT), *door(NIGHT + 600), motion(NIGHT + 660)])]
    assert told(tmp_path, [*FIRST, *lines, until(arrived + HOUR)], home(HALL)) == []


def test_a_visitor_who_leaves_at_night_leaves_her_at_home(tmp_path: Path) -> None:
    visit = [*door(13 * HOUR), motion(13 * HOUR + 40), *door(14 * HOUR), motion(14 * HOUR + 90)]
    assert told(tmp_path, [*FIRST[:2], *visit, until(20 * HOUR)], home(HALL)) == []


def test_of_two_who_live_there_nobody_can_tell_who_left(tmp_path: Path) -> None:
    husband = {"id": "li-an", "name": "李安", "roles": ["resident"], "home": "b1-101"}
    assert told(tmp_path, [*FIRST, *door(NIGHT), until(NIGHT + HOUR)], home(HALL, people=[husband])) == []


def test_the_family_sets_how_long_or_that_nothing_is_told(tmp_path: Path) -> None:
    lines = [*FIRST, *door(NIGHT), until(NIGHT + 5 * HOUR)]
    assert told(tmp_path, lines, home(HALL, care={"no_return": False})) == []
    assert [when for _, when in told(tmp_path, lines, home(HALL, care={"back_night_min": 120}))] == [at(NIGHT + 7200)]


def test_she_goes_to_the_morning_market_at_half_past_five_and_nobody_is_alarmed(tmp_path: Path) -> None:
    half_past_five = 19.5 * HOUR
    back = half_past_five + 2 * HOUR
    assert told(tmp_path, [*FIRST, *door(half_past_five), *door(back), motion(back + 20), until(back + HOUR)], home(HALL)) == []


def test_she_goes_out_at_ten_past_five_and_is_missed_before_the_night_is_over(tmp_path: Path) -> None:
    left = 19 * HOUR + 10 * MINUTE
    assert told(tmp_path, [*FIRST, *door(left), until(left + 2 * HOUR)], home(HALL)) == [("no_return", at(left + 1800))]
