"""What is left open, told as it goes in a home: a day begins at 10:00 in Shanghai."""

from pathlib import Path
from typing import Any

from stories import armed, at, estate, picked, said, tell, until

MINUTE, HOUR = 60, 3600
NIGHT = 12 * HOUR  # 22:00


def home(*more: dict[str, Any], **window: Any) -> dict[str, Any]:
    """The estate with more devices at b1-101, and what is said of its window."""
    given = estate()
    given["devices"] += more
    next(one for one in given["devices"] if one["id"] == "window-1").update(window)
    return given


def contact(id_: str, covers: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "kind": "contact", "home": "b1-101", "covers": covers, **more}


METER = {"id": "meter-1", "kind": "meter", "home": "b1-101"}


def opened(seconds: float, device: str) -> list[dict[str, Any]]:
    return [said(seconds - 1, device, "contact", open=False), said(seconds, device, "contact", open=True)]


def closed(seconds: float, device: str) -> dict[str, Any]:
    return said(seconds, device, "contact", open=False)


def events(output: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(line["device"], line["at"]) for line in picked(output, "event", kind="left_open")]


def texts(output: list[dict[str, Any]], who: str = "zhou-jie") -> list[str]:
    return [line["at"] for line in picked(output, "notification", to=who)]


def test_the_window_is_aired_all_day_and_forgotten_at_night(tmp_path: Path) -> None:
    output = tell(tmp_path, [*opened(HOUR, "window-1"), closed(NIGHT + HOUR, "window-1"), until(NIGHT + 2 * HOUR)], home())
    assert events(output) == [("window-1", at(NIGHT + 30 * MINUTE))]
    assert [line["state"] for line in picked(output, "incident", kind="left_open")] == ["open", "resolved"]
    assert texts(output) == [at(NIGHT + 30 * MINUTE), at(NIGHT + HOUR)]


def test_all_summer_she_sleeps_with_the_window_open_and_the_family_hears_of_it_once(tmp_path: Path) -> None:
    nights = [
        line for day in range(4) for line in (*opened(day * 24 * HOUR + NIGHT, "window-1"), closed(day * 24 * HOUR + 20 * HOUR, "window-1"))
    ]
    assert len(events(tell(tmp_path, nights, home()))) == 1


def test_the_fridge_stands_open_for_six_minutes(tmp_path: Path) -> None:
    fridge = contact("fridge-1", "fridge")
    output = tell(tmp_path, [*opened(10, "fridge-1"), closed(10 + 6 * MINUTE, "fridge-1"), until(HOUR)], home(fridge))
    assert events(output) == [("fridge-1", at(10 + 5 * MINUTE))]
    assert texts(output) == [at(10 + 5 * MINUTE), at(10 + 6 * MINUTE)]
    assert events(tell(tmp_path, [*opened(10, "fridge-1"), closed(10 + 4 * MINUTE, "fridge-1"), until(HOUR)], home(fridge))) == []


def test_the_door_opens_at_0312_and_is_not_closed(tmp_path: Path) -> None:
    at_0312 = 17 * HOUR + 12 * MINUTE
    output = tell(tmp_path, [*opened(at_0312, "door-1"), until(at_0312 + 15 * MINUTE)], home())
    (event,) = picked(output, "event", kind="left_open")
    assert event["at"] == event["t"] == at(at_0312 + 10 * MINUTE)
    assert event["evidence"] == {"covers": "door", "night": True, "open_s": 600.0}
    assert texts(output, "night-guard") == [at(at_0312 + 10 * MINUTE)]


def test_a_door_stands_open_while_its_sensor_drops_out_and_rejoins(tmp_path: Path) -> None:
    lines = [
        *opened(10, "door-1"),
        said(5 * MINUTE, "door-1", "status", online=False),
        until(50 * MINUTE),
        said(HOUR, "door-1", "contact", open=True),
        closed(2 * HOUR, "door-1"),
        until(2 * HOUR + 10),
    ]
    output = tell(tmp_path, lines, home())
    assert events(output) == [("door-1", at(HOUR + 15 * MINUTE))]
    assert picked(output, "event", kind="intrusion") == []
    assert [line["state"] for line in picked(output, "incident", kind="left_open")] == ["open", "resolved"]


def test_a_door_that_was_told_is_not_told_again_when_its_sensor_rejoins(tmp_path: Path) -> None:
    lines = [
        *opened(10, "door-1"),
        said(HOUR, "door-1", "status", online=False),
        said(2 * HOUR, "door-1", "contact", open=True),
        until(4 * HOUR),
    ]
    assert events(tell(tmp_path, lines, home())) == [("door-1", at(10 + 15 * MINUTE))]


def test_the_home_is_armed_with_an_open_window_and_that_is_said_once(tmp_path: Path) -> None:
    lines = [*opened(NIGHT - HOUR, "window-1"), armed(NIGHT, "b1-101", "night"), until(NIGHT + 5 * HOUR)]
    output = tell(tmp_path, lines, home())
    assert events(output) == [("window-1", at(NIGHT))]
    assert texts(output) == [at(NIGHT)]


def test_a_fridge_is_no_business_of_the_arming(tmp_path: Path) -> None:
    lines = [*opened(10, "fridge-1"), armed(60, "b1-101", "away"), until(HOUR)]
    output = tell(tmp_path, lines, home(contact("fridge-1", "fridge")))
    assert events(output) == [("fridge-1", at(10 + 5 * MINUTE))]


def test_a_window_that_stays_open_at_night_by_choice_is_told_though_the_home_is_armed(tmp_path: Path) -> None:
    lines = [*opened(NIGHT - HOUR, "window-1"), armed(NIGHT, "b1-101", "night"), until(NIGHT + 5 * HOUR)]
    output = tell(tmp_path, lines, home(guards=["away", "holiday"]))
    assert events(output) == [("window-1", at(NIGHT + 30 * MINUTE))]


def test_a_door_found_open_by_an_armed_home_is_told_once(tmp_path: Path) -> None:
    lines = [
        said(0, "door-1", "contact", open=False),
        armed(10, "b1-101", "away"),
        said(MINUTE, "door-1", "status", online=False),
        said(HOUR, "door-1", "contact", open=True),
        until(3 * HOUR),
    ]
    for batch in (1, 256):
        output = tell(tmp_path, lines, home(), batch)
        assert events(output) == [("door-1", at(HOUR))]
        assert picked(output, "event", kind="intrusion") == []


def test_a_burglar_leaves_the_door_open(tmp_path: Path) -> None:
    lines = [
        said(0, "door-1", "contact", open=False),
        armed(10, "b1-101", "away"),
        said(HOUR, "door-1", "contact", open=True),
        until(2 * HOUR),
    ]
    output = tell(tmp_path, lines, home())
    assert [(line["kind"], line["at"]) for line in picked(output, "event")] == [
        ("intrusion", at(HOUR)),
        ("left_open", at(HOUR + 15 * MINUTE)),
    ]


def test_two_things_stand_open_and_the_incident_ends_with_the_second(tmp_path: Path) -> None:
    lines = [
        *opened(10, "door-1"),
        *opened(20, "fridge-1"),
        closed(30 * MINUTE, "fridge-1"),
        closed(40 * MINUTE, "door-1"),
        until(HOUR),
    ]
    output = tell(tmp_path, sorted(lines, key=lambda line: line["at"]), home(contact("fridge-1", "fridge")))
    assert [(line["state"], line["at"]) for line in picked(output, "incident", kind="left_open")] == [
        ("open", at(20 + 5 * MINUTE)),
        ("resolved", at(40 * MINUTE)),
    ]
    assert texts(output) == [at(20 + 5 * MINUTE), at(40 * MINUTE)]


def test_gas_is_told_within_seconds_and_a_short_whiff_is_not(tmp_path: Path) -> None:
    gas = contact("gas-1", "gas")
    assert events(tell(tmp_path, [*opened(60, "gas-1"), until(HOUR)], home(gas))) == [("gas-1", at(70))]
    assert events(tell(tmp_path, [*opened(60, "gas-1"), closed(66, "gas-1"), until(HOUR)], home(gas))) == []


def test_a_family_sets_its_own_times(tmp_path: Path) -> None:
    lines = [*opened(60, "window-1"), closed(2 * HOUR, "window-1"), *opened(NIGHT, "window-1"), until(NIGHT + HOUR)]
    output = tell(tmp_path, lines, home(open_min=45, open_night_min=0))
    assert events(output) == [("window-1", at(60 + 45 * MINUTE)), ("window-1", at(NIGHT + 1))]


def test_the_tap_runs_for_an_hour_until_somebody_turns_it_off(tmp_path: Path) -> None:
    litres = [min(max(0, minute - 10), 80) * 4 for minute in range(120)]
    lines = [said(minute * MINUTE, "meter-1", "meter", water_l=1000 + total) for minute, total in enumerate(litres)]
    output = tell(tmp_path, lines, home(METER))
    (event,) = picked(output, "event", kind="left_open")
    assert (event["device"], event["home"], event["at"]) == ("meter-1", "b1-101", at(70 * MINUTE))
    assert event["evidence"] == {"running_s": 3600.0, "water_l": 240.0}
    assert [(line["state"], line["at"]) for line in picked(output, "incident", kind="left_open")] == [
        ("open", at(70 * MINUTE)),
        ("resolved", at(95 * MINUTE)),
    ]


def test_a_cistern_leaks_day_and_night(tmp_path: Path) -> None:
    lines = [said(i * 10 * MINUTE, "meter-1", "meter", water_l=1000 + 1.5 * i) for i in range(6 * 26)]
    (event,) = picked(tell(tmp_path, lines, home(METER)), "event", kind="left_open")
    assert event["at"] == at(24 * HOUR)
    assert event["evidence"] == {"leak": True, "running_s": 86400.0, "water_l": 216.0}
