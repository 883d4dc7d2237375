from pathlib import Path
from typing import Any

from stories import armed, at, estate, picked, said, tell, until

HALL = {"id": "hall", "kind": "motion", "home": "b1-101"}


def home(arming: dict[str, Any] | None = None, **door: Any) -> dict[str, Any]:
    """Estate whose first home has a motion sensor in the hall, and is guarded in its own way."""
    given = estate()
    given["devices"].append(HALL)
    given["devices"][3] |= door
    if arming:
        given["homes"][0]["arming"] = arming
    return given


def shut(seconds: float = 0) -> list[dict[str, Any]]:
    return [said(seconds, name, "contact", open=False) for name in ("door-1", "window-1")]


def late(heard: float, measured: float, device: str, kind: str, **payload: Any) -> dict[str, Any]:
    """Line of a device whose reading was held up."""
    return said(measured, device, kind, **payload) | {"at": at(heard)}


def happened(output: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(line["kind"], line["device"], line["t"]) for line in picked(output, "event")]


def sms(output: list[dict[str, Any]], to: str = "zhou-jie") -> list[str]:
    return [line["at"] for line in picked(output, "notification", to=to, channel="sms", purpose="tell")]


def test_the_door_opens_at_0312_while_they_sleep_and_the_guard_and_the_family_know(tmp_path: Path) -> None:
    night = 17 * 3600 + 12 * 60
    output = tell(tmp_path, [*shut(), armed(60, "b1-101", "night"), said(night, "door-1", "contact", open=True), until(night + 60)])
    assert happened(output) == [("intrusion", "door-1", at(night))]
    assert (sms(output), sms(output, "night-guard")) == ([at(night)], [at(night)])


def test_somebody_walks_to_the_kitchen_at_night_and_nobody_is_woken(tmp_path: Path) -> None:
    lines = [*shut(), said(0, "hall", "motion", motion=False), armed(60, "b1-101", "night"), said(900, "hall", "motion", motion=True)]
    assert picked(tell(tmp_path, [*lines, until(1000)], home()), "event") == []


def test_somebody_walks_in_the_hall_while_everybody_is_away(tmp_path: Path) -> None:
    lines = [*shut(), said(0, "hall", "motion", motion=False), armed(60, "b1-101", "away"), said(900, "hall", "motion", motion=True)]
    output = tell(tmp_path, [*lines, until(1000)], home())
    assert (happened(output), sms(output)) == ([("intrusion", "hall", at(900))], [at(900)])


def test_the_family_leaves_comes_home_and_disarms_and_nobody_hears_of_it(tmp_path: Path) -> None:
    leaving = [armed(60, "b1-101", "away"), said(70, "door-1", "contact", open=True), said(71, "hall", "motion", motion=True)]
    gone = [said(75, "door-1", "contact", open=False), said(110, "hall", "motion", motion=False)]
    back = [said(3600, "door-1", "contact", open=True), said(3604, "hall", "motion", motion=True), armed(3620, "b1-101", "disarmed")]
    output = tell(tmp_path, [*shut(), *leaving, *gone, *back, until(4000)], home({"exit_delay_s": 45, "entry_delay_s": 30}))
    assert picked(output, "event") == []


def test_a_burglar_comes_in_by_the_door_and_disarms_nothing(tmp_path: Path) -> None:
    lines = [*shut(), armed(60, "b1-101", "away"), said(3600, "door-1", "contact", open=True), said(3605, "hall", "motion", motion=True)]
    output = tell(tmp_path, [*lines, until(4000)], home({"entry_delay_s": 30}))
    assert happened(output) == [("intrusion", "door-1", at(3600))]
    assert sms(output) == [at(3630)]


def test_a_burglar_comes_in_by_the_window_and_has_no_time(tmp_path: Path) -> None:
    lines = [*shut(), armed(60, "b1-101", "away"), said(3600, "window-1", "contact", open=True)]
    assert sms(tell(tmp_path, [*lines, until(4000)], home({"entry_delay_s": 30}))) == [at(3600)]


def test_a_curtain_moves_and_nothing_else_does(tmp_path: Path) -> None:
    lines = [*shut(), armed(60, "b1-101", "away"), said(900, "hall", "motion", motion=True), said(960, "hall", "motion", motion=False)]
    assert picked(tell(tmp_path, [*lines, until(2000)], home({"confirm_s": 30})), "event") == []


def test_the_window_and_then_the_hall_confirm_each_other(tmp_path: Path) -> None:
    lines = [*shut(), armed(60, "b1-101", "away"), said(900, "window-1", "contact", open=True), said(912, "hall", "motion", motion=True)]
    output = tell(tmp_path, [*lines, until(2000)], home({"confirm_s": 30}))
    (event,) = picked(output, "event")
    assert (event["kind"], event["evidence"]["first"], event["evidence"]["second"]) == ("intrusion", "window-1", "hall")
    assert sms(output) == [at(912.25)]


def test_a_sensor_that_becomes_unavailable_and_comes_back_trips_no_alarm(tmp_path: Path) -> None:
    gone = [said(900, "window-1", "status", online=False), said(1500, "window-1", "status", online=True)]
    lines = [*shut(), armed(60, "b1-101", "away"), *gone, said(1501, "window-1", "contact", open=False), until(2000)]
    output = tell(tmp_path, lines)
    assert [kind for kind, _, _ in happened(output)] == ["offline"]


def test_a_window_left_open_whose_sensor_rejoins_is_told_once_and_trips_no_alarm(tmp_path: Path) -> None:
    gone = [said(900, "window-1", "status", online=False), said(1500, "window-1", "contact", open=True)]
    lines = [said(0, "window-1", "contact", open=True), armed(60, "b1-101", "away"), *gone, said(1600, "window-1", "contact", open=True)]
    output = tell(tmp_path, [*lines, until(2000)])
    assert [(kind, t) for kind, device, t in happened(output) if device == "window-1" and kind != "offline"] == [("left_open", at(60))]
    assert sms(output) == [at(60)]


def test_a_bypassed_window_that_is_closed_counts_again(tmp_path: Path) -> None:
    closed = [said(900, "window-1", "status", online=False), said(1500, "window-1", "contact", open=False)]
    lines = [said(0, "window-1", "contact", open=True), armed(60, "b1-101", "away"), *closed, said(5000, "window-1", "contact", open=True)]
    output = tell(tmp_path, [*lines, until(5100)])
    assert [kind for kind, _, _ in happened(output)] == ["left_open", "offline", "intrusion"]
    assert sms(output)[-1] == at(5000)


def test_a_bouncing_window_delivered_twice_is_one_incident_and_one_sms(tmp_path: Path) -> None:
    bounced = [said(900 + 0.08 * i, "window-1", "contact", open=not i % 2) for i in range(7)]
    twice = sorted([*bounced, *({**line, "at": at(900.9)} for line in bounced)], key=lambda line: line["at"])
    output = tell(tmp_path, [*shut(), armed(60, "b1-101", "away"), *twice, until(1000)])
    assert happened(output) == [("intrusion", "window-1", at(900))]
    assert len({line["id"] for line in picked(output, "incident")}) == 1
    assert sms(output) == [at(900)]


def test_an_hour_of_backlog_is_judged_by_the_modes_of_its_own_time(tmp_path: Path) -> None:
    modes = [armed(60, "b1-101", "away"), armed(1800, "b1-101", "disarmed")]
    held = [(900, "window-1", True), (950, "window-1", False), (2000, "door-1", True), (2010, "door-1", False)]
    backlog = [late(4000 + i / 10, t, device, "contact", open=is_open) for i, (t, device, is_open) in enumerate(held)]
    output = tell(tmp_path, [*shut(), *modes, armed(3900, "b1-101", "night"), *backlog, until(4100)])
    assert happened(output) == [("intrusion", "window-1", at(900))]


def test_an_opening_that_arrives_after_its_closing_is_still_told(tmp_path: Path) -> None:
    lines = [*shut(), armed(60, "b1-101", "away"), said(910, "window-1", "contact", open=False)]
    opened = [late(heard, 900, "window-1", "contact", open=True) for heard in (915, 1500)]
    output = tell(tmp_path, [*lines, *opened, until(2000)])
    assert (happened(output), sms(output)) == ([("intrusion", "window-1", at(900))], [at(915)])
