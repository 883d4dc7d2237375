"""Zhou Fen lives alone at b1-101, and her home knows how long she is usually quiet. Stories begin on a Monday at 10:00 in Shanghai."""

import random
from pathlib import Path
from typing import Any

import pytest
from stories import armed, at, estate, picked, said, tell, until

MINUTE, HOUR, DAY = 60, 3600, 86400
MIDNIGHT = 14 * HOUR
Lines = list[dict[str, Any]]

HALL = {"id": "motion-1", "kind": "motion", "home": "b1-101"}
METER = {"id": "meter-1", "kind": "meter", "home": "b1-101"}


def home(*devices: dict[str, Any], care: dict[str, Any] | None = None, **first: Any) -> dict[str, Any]:
    """The estate with more devices, somebody told of inactivity, what is said of her care and of the door."""
    given = estate()
    given["devices"] += devices
    given["policies"].append({"id": "quiet", "kinds": ["inactivity"], "steps": [{"after_s": 0, "tell": ["relatives"], "by": ["sms"]}]})
    if care is not None:
        given["people"][0]["care"] = care
    given["people"] += first.get("people", [])
    return given


def clock(day: int, hour: float) -> float:
    """Second of a story at an hour of a day by her clock; day 0 is the Monday."""
    return day * DAY + (hour - 10) * HOUR


def moves(day: int, since_h: float, until_h: float, every_min: float = 20) -> Lines:
    """She goes about her home; the same at every call."""
    chance = random.Random(f"{day} {since_h}")  # noqa: S311  a story, no secret
    lines, seconds = [], clock(day, since_h)
    while seconds <= clock(day, until_h):
        lines += [said(seconds, "motion-1", "motion", motion=True), said(seconds + 60, "motion-1", "motion", motion=False)]
        seconds += chance.uniform(0.5, 1.5) * every_min * MINUTE
    return [line for line in lines if line["at"] >= at(0)]


def through_the_door(day: int, hour: float) -> Lines:
    seconds = clock(day, hour)
    return [said(seconds, "door-1", "contact", open=True), said(seconds + 5, "door-1", "contact", open=False)]


def ordinary(day: int) -> Lines:
    """Up at 7 or later, a nap after lunch, shopping on every second day, to bed at 22, every third night up once; nine hours of night."""
    up, bed = 7 + (day % 3) * 0.5, 22 - (day % 2) * 0.75
    shopping = moves(day, up, 9.5) + through_the_door(day, 9.6) + through_the_door(day, 12.5) + moves(day, 12.51, 13)
    morning = shopping if day % 2 else moves(day, up, 13)
    return morning + moves(day, 14.75, bed) + (moves(day, 3, 3.1) if day % 3 == 0 else [])


def days(count: int) -> Lines:
    return [said(1, "door-1", "contact", open=False), *(line for day in range(count) for line in ordinary(day))]


def story(folder: Path, lines: Lines, given: dict[str, Any]) -> list[str]:
    """When inactivity was found."""
    output = tell(folder, sorted(lines, key=lambda line: line["at"]), given)
    return [line["at"] for line in picked(output, "event", kind="inactivity")]


def test_an_ordinary_fortnight_with_a_day_trip_and_a_late_morning_alarms_nobody(tmp_path: Path) -> None:
    trip = through_the_door(14, 8) + through_the_door(14, 20) + moves(14, 7, 7.9) + moves(14, 20.01, 22)
    late = moves(15, 9.5, 13) + moves(15, 14.75, 20)
    early = moves(16, 7, 13) + moves(16, 15, 20) + moves(17, 7, 9)
    assert story(tmp_path, [*days(14), *trip, *late, *early, until(clock(17, 10))], home(HALL)) == []


def test_on_the_fourth_day_after_learning_she_lies_on_the_floor_from_ten(tmp_path: Path) -> None:
    lines = [*days(11), *moves(11, 7, 9.9), until(clock(12, 12))]
    (found,) = story(tmp_path, lines, home(HALL))
    assert at(clock(11, 13.5)) <= found <= at(clock(11, 15))


def test_she_comes_home_and_falls_behind_the_door(tmp_path: Path) -> None:
    back = clock(11, 10)
    seen = said(back + 12, "motion-1", "motion", motion=True)
    lines = [*days(11), *moves(11, 7, 8), *through_the_door(11, 8.5), *through_the_door(11, 10), seen, until(clock(12, 12))]
    (found,) = story(tmp_path, lines, home(HALL))
    assert at(clock(11, 13.5)) <= found <= at(clock(11, 15))


def test_before_her_days_are_known_half_a_day_of_silence_is_told(tmp_path: Path) -> None:
    lines = [*days(2), *moves(2, 7, 9.9), until(clock(3, 12))]
    (found,) = story(tmp_path, lines, home(HALL))
    assert at(clock(2, 21)) <= found <= at(clock(2, 22))


def test_a_family_that_wants_to_know_sooner_is_told_sooner(tmp_path: Path) -> None:
    given = home(HALL, care={"quiet_least_h": 2, "quiet_most_h": 6})
    (found,) = story(tmp_path, [*moves(0, 10, 12), until(clock(1, 12))], given)
    assert at(clock(0, 17)) <= found <= at(clock(0, 18.1))


def test_one_silence_is_told_once_and_the_next_one_again(tmp_path: Path) -> None:
    lines = [*days(8), *moves(8, 7, 9), *moves(9, 9, 10), until(clock(10, 9))]
    assert len(story(tmp_path, lines, home(HALL))) == 2


def test_the_son_is_told_what_her_home_has_not_heard(tmp_path: Path) -> None:
    output = tell(tmp_path, [*moves(0, 10, 12), until(clock(1, 12))], home(HALL))
    (event,) = picked(output, "event", kind="inactivity")
    assert (event["resident"], event["home"]) == ("zhou-fen", "b1-101")
    assert event["evidence"] == {"quiet_s": 43200, "limit_s": 43200, "last_sign": "motion-1", "learnt_days": 0}
    (incident,) = picked(output, "incident", kind="inactivity", severity="life")
    assert [line["to"] for line in picked(output, "notification", incident=incident["id"])] == ["zhou-jie"]


GATEWAY = {"id": "gateway-1", "kind": "gateway"}


def beats(since_s: float, until_s: float, every_s: float = 300) -> Lines:
    """What the gateway says of itself."""
    return [said(since_s + i * every_s, "gateway-1", "status", online=True) for i in range(int((until_s - since_s) / every_s))]


def test_an_outage_of_the_gateway_for_14_hours_is_no_silence_of_hers(tmp_path: Path) -> None:
    devices = [{**HALL, "via": "gateway-1"}, GATEWAY]
    dead, back = clock(9, 10), clock(10, 0)
    lines = [*days(9), *moves(9, 7, 9.9), *beats(0, dead), *beats(back, clock(11, 8)), *moves(10, 7, 22), *moves(11, 7, 8)]
    assert story(tmp_path, lines, home(*devices)) == []


def test_after_an_outage_the_clock_starts_anew_and_she_is_still_guarded(tmp_path: Path) -> None:
    devices = [{**HALL, "via": "gateway-1"}, GATEWAY]
    dead, back = clock(9, 10), clock(10, 0)
    lines = [*days(9), *moves(9, 7, 9.9), *beats(0, dead), *beats(back, clock(11, 8)), until(clock(11, 8))]
    (found,) = story(tmp_path, lines, home(*devices))
    assert at(clock(10, 4)) <= found <= at(clock(10, 12))


def test_sensors_without_a_gateway_that_were_heard_regularly_and_are_not_any_more_are_an_outage(tmp_path: Path) -> None:
    dead = clock(9, 10)
    regular = [said(i * 1800, "motion-1", "status", battery_percent=80) for i in range(int(dead / 1800))]
    lines = [*days(9), *moves(9, 7, 9.9), *regular, until(clock(10, 9))]
    assert story(tmp_path, lines, home(HALL)) == []


def test_one_dead_sensor_of_two_leaves_her_guarded_by_the_other(tmp_path: Path) -> None:
    regular = [said(i * 900, "meter-1", "meter", water_l=1000 + i // 4 * 2) for i in range(int(clock(8, 6) / 900))]
    lines = [*days(10), *moves(10, 7, 9.9), *regular, until(clock(11, 10))]
    assert len(story(tmp_path, lines, home(HALL, METER))) == 1


@pytest.mark.parametrize("mode", ["away", "holiday"])
def test_away_for_three_days_is_no_silence(tmp_path: Path, mode: str) -> None:
    lines = [*days(9), *moves(9, 7, 9.5), armed(clock(9, 9.6), "b1-101", mode), *through_the_door(9, 9.61)]
    lines += [*through_the_door(12, 15), armed(clock(12, 15.01), "b1-101", "disarmed"), *moves(12, 15.02, 22), *moves(13, 7, 9)]
    assert story(tmp_path, [*lines, until(clock(13, 10))], home(HALL)) == []


def test_three_weeks_at_her_sisters_teach_her_home_no_silence(tmp_path: Path) -> None:
    lines = [*days(9), *moves(9, 7, 9), armed(clock(9, 9.6), "b1-101", "away"), armed(clock(29, 9), "b1-101", "disarmed")]
    lines += [*moves(29, 9, 22), *moves(30, 7, 9.9), until(clock(31, 10))]
    (found,) = story(tmp_path, lines, home(HALL))
    assert at(clock(30, 13.5)) <= found <= at(clock(30, 15))


def test_guests_hide_her_silence_until_they_leave(tmp_path: Path) -> None:
    guests = [*through_the_door(9, 11), *moves(9, 11.01, 16), *through_the_door(9, 16.1), *moves(9, 16.2, 16.3)]
    lines = [*days(9), *moves(9, 7, 9.9), *guests, until(clock(10, 10))]
    (found,) = story(tmp_path, lines, home(HALL))
    assert at(clock(9, 20)) <= found <= at(clock(10, 5))


def test_out_without_a_word_is_no_silence_but_no_return(tmp_path: Path) -> None:
    lines = [*days(9), *moves(9, 7, 9.5), *through_the_door(9, 9.6), until(clock(10, 9))]
    output = tell(tmp_path, sorted(lines, key=lambda line: line["at"]), home(HALL))
    assert {line["kind"] for line in picked(output, "event") if line["resident"]} == {"no_return"}


def readings(day: int, since_h: float, until_h: float, total: float, uses: list[float], **step: float) -> Lines:
    """Of her meter every quarter of an hour; at the hours of `uses` it has risen by `step` more than by itself."""
    lines, (name, rise), (_, base) = [], *step.items()
    for i in range(int((until_h - since_h) * 4)):
        hour = since_h + i / 4
        total += base + (rise if any(hour - 0.25 < use <= hour for use in uses) else 0)
        lines.append(said(clock(day, hour), "meter-1", "meter", **{name: round(total, 1)}))
    return lines


USES = [7.2, 8.0, 9.4, 12.1, 12.7, 15.3, 18.2, 19.0, 21.8]


@pytest.mark.parametrize("step", [{"water_l": 8.0, "base": 0.0}, {"electricity_wh": 110.0, "base": 15.0}, {"water_l": 6.0, "base": 2.0}])
def test_only_a_meter_and_it_guards_her(tmp_path: Path, step: dict[str, float]) -> None:
    whole = 96 * step["base"] + len(USES) * next(iter(step.values()))
    lines: Lines = [line for day in range(1, 10) for line in readings(day, 0, 24, day * whole, USES, **step)]
    floor = readings(10, 0, 24, 10 * whole, [7.2, 8.0, 9.4], **step) + readings(11, 0, 8, 11 * whole, [], **step)
    assert story(tmp_path, lines, home(METER)) == []
    (found,) = story(tmp_path, [*lines, *floor], home(METER))
    assert at(clock(10, 13.4)) <= found <= at(clock(10, 18))


def test_with_two_who_live_there_nobody_is_watched_unless_the_family_asks(tmp_path: Path) -> None:
    husband = {"id": "li-an", "name": "李安", "roles": ["resident"], "home": "b1-101"}
    lines = [*moves(0, 10, 12), until(clock(1, 12))]
    assert story(tmp_path, lines, home(HALL, people=[husband])) == []
    assert len(story(tmp_path, lines, home(HALL, people=[husband], care={"inactivity": True}))) == 1


def test_who_lives_alone_is_not_watched_where_the_family_does_not_want_it(tmp_path: Path) -> None:
    assert story(tmp_path, [*moves(0, 10, 12), until(clock(1, 12))], home(HALL, care={"inactivity": False})) == []


@pytest.mark.parametrize("batch", [1, 7])
def test_the_size_of_a_batch_changes_nothing(tmp_path: Path, batch: int) -> None:
    lines = sorted([*days(8), *moves(8, 7, 9.9), until(clock(9, 10))], key=lambda line: line["at"])
    assert tell(tmp_path, lines, home(HALL), batch=batch) == tell(tmp_path, lines, home(HALL), batch=10_000)
