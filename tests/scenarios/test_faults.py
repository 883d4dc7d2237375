"""Devices that cannot be trusted. The guard is told of what somebody must mend. Stories begin on a Monday at 10:00 in Shanghai."""

from pathlib import Path
from typing import Any

import pytest
from fakes.thud import Thud
from stories import armed, at, estate, picked, said, tell, until

Lines = list[dict[str, Any]]
HOUR, DAY = 3600, 86_400
FAULTS = ["offline", "low_battery", "tamper", "stuck", "clock", "implausible", "not_worn"]


@pytest.fixture(autouse=True)
def thud(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a fall is, these stories are not about."""
    monkeypatch.setattr("app.Fall", Thud)


def watched(*devices: dict[str, Any]) -> dict[str, Any]:
    given = estate()
    given["devices"] += devices
    given["policies"].append({"id": "faults", "kinds": FAULTS, "steps": [{"after_s": 0, "tell": ["roster:gate"], "by": ["sms"]}]})
    return given


def happened(output: Lines) -> list[tuple[str, str, str]]:
    return [(line["kind"], line["subject"], line["t"]) for line in picked(output, "event")]


def states(output: Lines) -> list[tuple[str, str]]:
    return [(line["state"], line["at"]) for line in picked(output, "incident")]


def worn(since_s: int, until_s: int, xyz: list[float], unit: str = "g", rate_hz: float = 25) -> Lines:
    """A watch that lies still and sends a packet a second."""
    wobble = [0.0, 0.01, -0.01, 0.02] * round(rate_hz / 4)
    return [
        said(second, "w-1", "acceleration", rate_hz=rate_hz, unit=unit, xyz=[[xyz[0] + more, xyz[1], xyz[2]] for more in wobble])
        for second in range(since_s, until_s)
    ]


def test_a_watch_that_calls_metres_per_second_squared_g_is_found_out_in_a_minute(tmp_path: Path) -> None:
    output = tell(tmp_path, [*worn(0, 90, [0.1, 0.2, 9.8]), *worn(90, 95, [0.1, 0.2, 9.8], "m/s2")], watched())
    assert happened(output) == [("implausible", "w-1", at(60))]
    assert states(output) == [("open", at(60)), ("resolved", at(92))]


def test_a_curtain_left_a_ghost_in_the_radar_and_it_is_told_as_a_fault_and_not_as_a_visitor(tmp_path: Path) -> None:
    ghost = [said(i, "radar-1", "targets", targets=[{"x_m": 0.78, "y_m": 1.713}]) for i in range(0, 700, 2)]
    output = tell(tmp_path, [armed(0, "b1-101", "away"), *ghost], watched())
    assert happened(output) == [("stuck", "radar-1", at(600))]
    assert [line["severity"] for line in picked(output, "incident")] == ["info"]


def test_a_loose_magnet_rattles_for_a_minute(tmp_path: Path) -> None:
    rattle = [said(i / 2, "window-1", "contact", open=bool(i % 2)) for i in range(60)]
    output = tell(tmp_path, [*rattle, *(said(100 + i, "window-1", "contact", open=False) for i in range(3))], watched())
    assert happened(output) == [("implausible", "window-1", at(10.5))]
    assert [state for state, _ in states(output)] == ["open", "resolved"]


def test_a_phone_that_fakes_its_place_jumps_between_two_towns(tmp_path: Path) -> None:
    fixes = [said(10 * i, "t-1", "position", lon=119.95 + (0.3 if i % 2 else 0), lat=31.78, accuracy_m=5) for i in range(10)]
    assert happened(tell(tmp_path, fixes, watched())) == [("implausible", "t-1", at(10))]


def test_a_water_meter_stands_still_for_a_week_though_she_is_at_home(tmp_path: Path) -> None:
    given = watched({"id": "meter-1", "kind": "meter", "home": "b1-101"})
    readings = [said(i * 6 * HOUR, "meter-1", "meter", water_l=81_234.5) for i in range(30)]
    assert ("stuck", "meter-1", at(7 * DAY)) in happened(tell(tmp_path, readings, given))


def test_two_faults_of_one_device_are_one_incident_that_ends_with_the_last(tmp_path: Path) -> None:
    lines = [
        said(0, "w-1", "status", battery_percent=9),
        said(60, "w-1", "status", battery_percent=8, tamper=True),
        *(said(120 + i, "w-1", "status", battery_percent=90) for i in range(3)),
        *(said(180 + i, "w-1", "status", battery_percent=90, tamper=False) for i in range(3)),
    ]
    output = tell(tmp_path, lines, watched())
    assert [(kind, t) for kind, _, t in happened(output)] == [("low_battery", at(0)), ("tamper", at(60))]
    assert [state for state, _ in states(output)] == ["open", "open", "resolved"]
    assert states(output)[-1] == ("resolved", at(182))


def test_a_lock_that_knows_no_percentage_says_that_its_battery_is_low(tmp_path: Path) -> None:
    given = watched()
    given["devices"][3]["source"] = {"adapter": "zigbee2mqtt", "name": "hall/door"}
    payloads = [{"contact": True, "battery_low": low} for low in (False, True, True, False, False, False)]
    output = tell(tmp_path, [{"at": at(i), "topic": "zigbee2mqtt/hall/door", "payload": one} for i, one in enumerate(payloads)], given)
    assert happened(output) == [("low_battery", "door-1", at(1))]
    assert states(output) == [("open", at(1)), ("resolved", at(5))]


def test_a_device_is_overdue_against_what_is_usual_of_it(tmp_path: Path) -> None:
    given = watched({"id": "meter-1", "kind": "meter", "home": "b1-101"})
    hourly = [said(i * HOUR, "meter-1", "meter", electricity_wh=1000 + i) for i in range(25)]
    quick = [said(25 * HOUR + i * 10, "radar-1", "targets", targets=[]) for i in range(40)]
    output = tell(tmp_path, [*hourly, *quick, until(40 * HOUR)], given)
    assert happened(output) == [("offline", "radar-1", at(25 * HOUR + 390 + 600)), ("offline", "meter-1", at(27 * HOUR))]


def test_a_wrong_clock_is_one_fault_and_what_the_device_says_counts_when_it_arrives(tmp_path: Path) -> None:
    wrong = [said(i, "w-1", "button", pressed="sos") | {"payload": {"t": "2012-01-01T00:00:00Z", "pressed": "sos"}} for i in (0, 40)]
    output = tell(tmp_path, [*wrong, *(said(60 + i, "w-1", "status") for i in range(3))], watched())
    assert [(kind, t) for kind, _, t in happened(output)] == [("clock", at(0)), ("sos", at(0)), ("sos", at(40))]
    assert [line["state"] for line in picked(output, "incident", kind="clock")] == ["open", "resolved"]


def on_a_table(since_s: int, until_s: int, every_s: int = 20) -> Lines:
    return [
        said(at_s, "w-1", "acceleration", rate_hz=25, unit="g", xyz=[[0.0, 0.01 * (i % 2), 1.0] for i in range(25 * every_s)])
        | {"at": at(at_s + every_s)}
        for at_s in range(since_s, until_s, every_s)
    ]


def on_a_wrist(since_s: int, until_s: int) -> Lines:
    return [
        said(at_s, "w-1", "acceleration", rate_hz=25, unit="g", xyz=[[0.0, 0.3 * (i % 3), 1.0] for i in range(25)]) | {"at": at(at_s + 1)}
        for at_s in range(since_s, until_s)
    ]


def texts(output: Lines) -> list[str]:
    return [line["text"] for line in picked(output, "notification")]


def english(given: dict[str, Any]) -> dict[str, Any]:
    next(one for one in given["people"] if one["id"] == "day-guard")["language"] = "en"
    return given


def test_she_leaves_her_watch_on_the_table_and_puts_it_on_again(tmp_path: Path) -> None:
    lines = [*on_a_table(0, 4000), *on_a_wrist(4000, 4005)]
    output = tell(tmp_path, lines, watched())
    assert happened(output) == [("not_worn", "w-1", at(3580))]
    assert states(output) == [("open", at(3600)), ("resolved", at(4003))]
    assert {line["severity"] for line in picked(output, "incident")} == {"info"}
    assert "周芬的穿戴设备（1栋101室）10:59发现没有戴在身上。请提醒戴上。" in texts(output)[0]
    assert "周芬's wearable (1栋101室" in texts(tell(tmp_path, lines, english(watched())))[0]
    assert "was not worn at 10:59. Please ask them to wear it." in texts(tell(tmp_path, lines, english(watched())))[0]


def test_she_charges_it_for_two_hours_and_nobody_is_told_but_for_four_somebody_is(tmp_path: Path) -> None:
    def charged(until_s: int) -> Lines:
        levels = [said(600 * i + 3, "w-1", "status", battery_percent=20 + 6 * i) for i in range(1, 12)]
        return sorted([*on_a_table(0, until_s), *levels], key=lambda line: line["at"])

    assert happened(tell(tmp_path, charged(2 * HOUR), watched())) == []
    output = tell(tmp_path, charged(4 * HOUR), watched())
    assert happened(output) == [("not_worn", "w-1", at(3 * HOUR - 20))]
    assert "充电后，到12:59还没有戴回身上。" in texts(output)[0]
    assert "was charged and not put on again by 12:59." in texts(tell(tmp_path, charged(4 * HOUR), english(watched())))[0]


def test_a_watch_that_samples_too_slowly_is_told_with_its_own_words(tmp_path: Path) -> None:
    output = tell(tmp_path, worn(0, 90, [0.0, 0.2, 0.9], rate_hz=4), watched())
    assert happened(output) == [("implausible", "w-1", at(60))]
    assert "采样太慢，摔倒时可能发现不了" in texts(output)[0]
    given = english(watched())
    assert (
        "samples too slowly as of 10:01: a fall may go unnoticed."
        in texts(tell(tmp_path, worn(0, 90, [0.0, 0.2, 0.9], rate_hz=4), given))[0]
    )


def test_a_watch_that_cannot_show_an_impact_is_told_with_its_own_words(tmp_path: Path) -> None:
    steps = [[max(-2.0, min(2.0, 0.9 * i % 5 - 2.5)), 0.0, 1.0] for i in range(25)]
    lines = [said(at_s, "w-1", "acceleration", rate_hz=25, unit="g", xyz=steps) for at_s in range(20)]
    output = tell(tmp_path, lines, watched())
    assert [kind for kind, _, _ in happened(output)] == ["implausible"]
    assert "量程太小，摔倒时可能发现不了" in texts(output)[0]


def test_a_watch_that_loses_most_of_what_it_measures_is_told_with_its_own_words(tmp_path: Path) -> None:
    lossy = [line for n, line in enumerate(on_a_wrist(0, 2400)) if n % 4 == 0]
    output = tell(tmp_path, lossy, watched())
    assert happened(output) == [("implausible", "w-1", at(1800))]
    assert "数据断断续续，摔倒时可能发现不了" in texts(output)[0]


def test_who_is_said_not_to_wear_it_and_falls_is_told_all_the_same(tmp_path: Path) -> None:
    """Out of an hour's stillness, while the fault goes on."""
    still, hit = [[0.0, 0.0, 1.0]] * 50, [[0.1, 0.1, 0.2]] * 20 + [[2.5, 1.5, 2.5]] * 5
    after = [[1.0, 0.05, 0.1]] * 525
    samples = [*still * 6, *hit, *after]
    fall = [
        said(3700 + i // 50, "w-1", "acceleration", rate_hz=50, unit="g", xyz=samples[i : i + 50]) | {"at": at(3701 + i // 50)}
        for i in range(0, len(samples), 50)
    ]
    output = tell(tmp_path, [*on_a_table(0, 3700), *fall, until(3800)], watched())
    kinds = [kind for kind, _, _ in happened(output)]
    assert kinds[:2] == ["not_worn", "fall"]
    assert {line["id"].split("-")[0] for line in picked(output, "incident", state="open")} == {"not_worn", "fall"}
