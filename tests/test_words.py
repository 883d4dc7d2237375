"""What the contract's words decide, point by point, told as stories to the whole core."""

import base64
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stories import ESTATE, START, armed, at, did, estate, picked, said, tell, until

RATE_HZ = 50


def worn(seconds: float, device: str, accel_g: np.ndarray) -> list[dict[str, Any]]:
    """1-second binary packets of (3, S) samples; each arrives when it is full."""
    lines = []
    for first in range(0, accel_g.shape[1], RATE_HZ):
        part = np.round(accel_g[:, first : first + RATE_HZ] * 1000).astype("<i2").T
        start_s = seconds + first / RATE_HZ
        head = struct.pack("<2sHfq", b"A1", len(part), RATE_HZ, round((START.timestamp() + start_s) * 1e6))
        payload = base64.b64encode(head + part.tobytes()).decode()
        lines.append({"at": at(start_s + 1), "topic": f"anju/willow/{device}/acceleration", "payload_b64": payload})
    return lines


def a_fall(still_s: float = 12) -> np.ndarray:
    """(3, S) g: walking, half a second of falling, a hard impact, then lying on the side and breathing. Known at about 9 s."""
    rng = np.random.default_rng(7)
    walk_s, drop_s, hit_s = 5.0, 0.5, 0.12
    time_s = np.arange(0, walk_s, 1 / RATE_HZ)
    walking = np.stack([0.15 * np.sin(2 * math.pi * time_s), 0.1 * np.cos(4 * math.pi * time_s), 1 + 0.2 * np.sin(4 * math.pi * time_s)])
    drop = np.tile(np.array([[0.1], [0.1], [0.15]]), round(drop_s * RATE_HZ))
    hit = np.tile(np.array([[3.2], [1.5], [2.0]]), round(hit_s * RATE_HZ))
    bounce = np.tile(np.array([[1.3], [0.3], [0.2]]), 15)
    lying = np.tile(np.array([[0.99], [0.05], [0.1]]), round(still_s * RATE_HZ))
    signal = np.concatenate([walking, drop, hit, bounce, lying], axis=1)
    return signal + rng.normal(0, 0.01, signal.shape)


def told(output: list[dict[str, Any]], **wanted: str) -> list[tuple[str, str]]:
    return [(line["to"], line["channel"]) for line in picked(output, "notification", **wanted)]


def states(output: list[dict[str, Any]], **wanted: str) -> list[str]:
    return [line["state"] for line in picked(output, "incident", **wanted)]


def policies(**distress: Any) -> list[dict[str, Any]]:
    first, *rest = estate()["policies"]
    return [first | distress, *rest]


SOS = said(0, "w-1", "button", pressed="sos")

# 1 to 3: subject, severity, story, joining, windows


def test_a_fall_is_suspected_for_its_window_and_only_then_told(tmp_path: Path) -> None:
    output = tell(tmp_path, [*worn(0, "w-1", a_fall()), until(100)])
    fall = picked(output, "event", kind="fall")
    assert [(line["subject"], line["resident"], line["device"], line["home"]) for line in fall] == [
        ("zhou-fen", "zhou-fen", "w-1", "b1-101")
    ]
    assert states(output) == ["suspected", "open"]
    suspected, opened = picked(output, "incident")
    assert opened["at"] == at((float(suspected["at"][17:23])) + 30)
    assert {line["at"] for line in picked(output, "notification", purpose="tell")} >= {opened["at"]}
    assert min(line["at"] for line in picked(output, "notification")) == opened["at"]


def test_the_wearers_cancel_in_the_window_closes_it_and_nobody_is_told(tmp_path: Path) -> None:
    output = tell(tmp_path, [*worn(0, "w-1", a_fall()), said(20, "w-1", "button", pressed="cancel"), until(200)])
    assert states(output) == ["suspected", "cancelled"]
    assert told(output) == []


def test_a_cancel_after_the_window_is_told_and_closes_nothing(tmp_path: Path) -> None:
    given = estate(policies=policies(cancel_window_s=0))
    output = tell(tmp_path, [*worn(0, "w-1", a_fall()), said(30, "w-1", "button", pressed="cancel"), until(50)], given)
    assert states(output) == ["open"]
    assert [line["at"] for line in picked(output, "notification", to="zhou-jie", purpose="update")] == [at(30)]


def test_a_cancel_never_closes_an_sos(tmp_path: Path) -> None:
    assert states(tell(tmp_path, [SOS, said(5, "w-1", "button", pressed="cancel"), until(20)])) == ["open"]


def test_an_sos_opens_a_suspected_fall_at_once_under_the_falls_name(tmp_path: Path) -> None:
    output = tell(tmp_path, [*worn(0, "w-1", a_fall()), said(20, "w-1", "button", pressed="sos"), until(25)])
    assert [(line["kind"], line["state"]) for line in picked(output, "incident")] == [("fall", "suspected"), ("fall", "open")]
    assert {line["at"] for line in picked(output, "notification")} == {at(20)}


def test_an_sos_voids_an_acknowledgement_and_everybody_told_hears_of_it(tmp_path: Path) -> None:
    lines = [SOS, did(10, "day-guard", "acknowledge", "zhou-fen"), said(120, "w-1", "button", pressed="duress"), until(130)]
    output = tell(tmp_path, lines)
    assert states(output) == ["open", "acknowledged", "open"]
    again = [line["to"] for line in picked(output, "notification") if line["at"] == at(120)]
    assert sorted(again) == ["day-guard", "zhou-jie"]


def test_a_nervous_thumb_is_one_sms_each(tmp_path: Path) -> None:
    output = tell(tmp_path, [said(i, "w-1", "button", pressed="sos") for i in range(5)] + [until(15)])
    assert told(output) == [("day-guard", "sms"), ("zhou-jie", "sms")]


def test_two_people_in_distress_are_two_incidents(tmp_path: Path) -> None:
    output = tell(tmp_path, [SOS, said(1, "w-2", "button", pressed="sos"), until(10)])
    assert sorted(line["subject"] for line in picked(output, "incident")) == ["xu-bo", "zhou-fen"]


def test_a_later_sos_is_a_new_incident_that_links_the_old(tmp_path: Path) -> None:
    output = tell(tmp_path, [SOS, did(10, "zhou-jie", "resolve", "zhou-fen"), said(600, "w-1", "button", pressed="sos"), until(610)])
    first, _, second = picked(output, "incident", subject="zhou-fen")
    assert second["id"] != first["id"]
    assert second["repeat_of"] == first["id"]


def test_perimeter_ends_half_an_hour_after_its_last_event_and_is_marked_unanswered(tmp_path: Path) -> None:
    lines = [
        said(0, "window-1", "contact", open=False),
        armed(1, "b1-101", "away"),
        said(10, "window-1", "contact", open=True),
        said(20, "window-1", "contact", open=False),
        said(600, "window-1", "contact", open=True),
        until(3600),
    ]
    output = tell(tmp_path, lines)
    opened, ended = picked(output, "incident")
    assert (opened["state"], ended["state"], ended["unanswered"], ended["at"]) == ("open", "resolved", True, at(600 + 1800))
    assert len(told(output, purpose="tell")) == 2


def test_distress_never_ends_by_itself(tmp_path: Path) -> None:
    assert states(tell(tmp_path, [SOS, until(3 * 24 * 3600)]), subject="zhou-fen") == ["open"]


def test_a_fault_ends_after_three_healthy_readings(tmp_path: Path) -> None:
    lines = [said(0, "w-1", "status", online=False), *(said(60 * i, "w-1", "status", battery_percent=90) for i in range(1, 4)), until(200)]
    output = tell(tmp_path, lines)
    assert [(line["state"], line["at"], line["severity"]) for line in picked(output, "incident")] == [
        ("open", at(0), "notice"),
        ("resolved", at(180), "notice"),
    ]


# 4: acts


def test_on_scene_is_an_acknowledgement_that_does_not_expire(tmp_path: Path) -> None:
    output = tell(tmp_path, [SOS, did(10, "day-guard", "on_scene", "zhou-fen"), until(7200)])
    assert states(output, subject="zhou-fen") == ["open", "on_scene"]
    assert not told(output, to="hospital")


def test_the_one_in_distress_cannot_close_her_own_incident(tmp_path: Path) -> None:
    output = tell(tmp_path, [SOS, did(10, "zhou-fen", "false_alarm", "zhou-fen"), until(20)])
    assert states(output) == ["open"]
    assert len(picked(output, "rejected", topic="act")) == 1


def test_an_expired_acknowledgement_goes_on_with_the_step_that_was_stopped(tmp_path: Path) -> None:
    output = tell(tmp_path, [SOS, did(10, "day-guard", "acknowledge", "zhou-fen"), until(7200)])
    assert states(output, subject="zhou-fen") == ["open", "acknowledged", "open"]
    assert [line["at"] for line in picked(output, "notification", to="hospital")] == [at(10 + 1800)]


# 5 to 7: who, how, and what if nobody


def test_a_step_that_reaches_nobody_fires_the_next_at_once(tmp_path: Path) -> None:
    people = [person for person in estate()["people"] if person["id"] != "hospital"] + [
        {"id": "hospital", "name": "市二院急诊", "roles": ["hospital"]},
        {"id": "auntie", "name": "邻居吴姨", "roles": ["neighbour"], "of": ["zhou-fen"], "phone": "+8613900000009"},
    ]
    steps = [
        {"after_s": 0, "tell": ["relatives"], "by": ["sms"]},
        {"after_s": 60, "tell": ["hospital"], "by": ["sms"]},
        {"after_s": 600, "tell": ["neighbours"], "by": ["sms"]},
    ]
    output = tell(tmp_path, [SOS, until(120)], estate(people=people, policies=policies(steps=steps)))
    assert [(line["to"], line["at"]) for line in picked(output, "notification")] == [("zhou-jie", at(0)), ("auntie", at(60))]


def test_nobody_on_shift_tells_the_whole_roster(tmp_path: Path) -> None:
    shifts = [{"responder": who, "days": ["sun"], "from": "08:00", "to": "20:00"} for who in ("day-guard", "night-guard")]
    output = tell(tmp_path, [SOS, until(5)], estate(rosters=[{"id": "gate", "shifts": shifts}]))
    assert {"day-guard", "night-guard"} <= {to for to, _ in told(output)}


@pytest.mark.parametrize(("seconds", "guard"), [(-2 * 3600 - 1, "night-guard"), (-2 * 3600, "day-guard"), (10 * 3600, "night-guard")])
def test_shifts_are_half_open_in_the_communitys_zone(tmp_path: Path, seconds: int, guard: str) -> None:
    output = tell(tmp_path, [said(seconds, "w-1", "button", pressed="sos"), until(seconds + 5)])
    assert (guard, "sms") in told(output)
    assert len(told(output)) == 2


def test_a_night_shift_belongs_to_the_day_it_begins(tmp_path: Path) -> None:
    shifts = [
        {"responder": "night-guard", "days": ["sun"], "from": "20:00", "to": "08:00"},
        {"responder": "day-guard", "days": ["mon"], "from": "20:00", "to": "08:00"},
    ]
    six_on_monday = -4 * 3600
    output = tell(
        tmp_path,
        [said(six_on_monday, "w-1", "button", pressed="sos"), until(six_on_monday + 5)],
        estate(rosters=[{"id": "gate", "shifts": shifts}]),
    )
    assert ("night-guard", "sms") in told(output)
    assert ("day-guard", "sms") not in told(output)


def test_sms_then_voice_then_push_and_never_one_twice(tmp_path: Path) -> None:
    people = estate()["people"]
    people[2] = people[2] | {"contacts": [{"push": "zhou-jie-phone"}]}
    output = tell(tmp_path, [{"at": at(0), "carrier": "silent"}, SOS, until(59)], estate(people=people))
    assert [(line["channel"], line["at"]) for line in picked(output, "notification", to="zhou-jie")] == [
        ("sms", at(0)),
        ("voice", at(20)),
        ("push", at(40)),
    ]


def test_sent_is_not_enough_and_delivered_is(tmp_path: Path) -> None:
    def receipt(status: str) -> dict[str, Any]:
        return {"at": at(3), "receipt": {"to": "zhou-jie", "channel": "sms", "status": status}}

    def calls(status: str) -> list[tuple[str, str]]:
        lines = [{"at": at(0), "carrier": "silent"}, SOS, receipt(status), until(50)]
        return told(tell(tmp_path, lines), to="zhou-jie", channel="voice")

    assert len(calls("sent")) == 1
    assert calls("delivered") == []


def test_an_acknowledgement_stops_the_call_that_would_have_followed(tmp_path: Path) -> None:
    output = tell(tmp_path, [{"at": at(0), "carrier": "silent"}, SOS, did(10, "day-guard", "acknowledge", "zhou-fen"), until(50)])
    assert told(output, purpose="tell") == [("day-guard", "sms"), ("zhou-jie", "sms")]


def test_a_repeat_that_nobody_answers_ends_with_the_administrators(tmp_path: Path) -> None:
    people = [*estate()["people"], {"id": "office", "name": "物业", "roles": ["administrator"], "phone": "+8613900000010"}]
    steps = [{"after_s": 0, "tell": ["relatives"], "by": ["sms"]}]
    given = estate(people=people, policies=policies(steps=steps, repeat={"every_s": 120, "times": 2}))
    output = tell(tmp_path, [SOS, until(3600)], given)
    assert [line["at"] for line in picked(output, "notification", to="zhou-jie")] == [at(0), at(120), at(240)]
    assert told(output, to="office") == [("office", "sms")]


# 8 and 9: lines and areas


LINE = {
    "id": "window-line",
    "kind": "line",
    "home": "b1-101",
    "near": "right",
    "approach_m": 1.5,
    "geometry": {"type": "LineString", "coordinates": [[119.95997, 31.790018], [119.96003, 31.790018]]},
}  # runs east, 2 m north of the radar, which looks north: its right-hand side, the south, is protected


def walk(x_m: float = 0.5, start_s: float = 10, speed_mps: float = 0.5) -> list[dict[str, Any]]:
    return [
        said(start_s + i / 10, "radar-1", "targets", targets=[{"x_m": x_m, "y_m": 6 - speed_mps * i / 10, "speed_mps": -speed_mps}])
        for i in range(100)
    ]


def kinds(output: list[dict[str, Any]]) -> list[str]:
    return [line["kind"] for line in picked(output, "event")]


def test_one_walk_is_one_incident_and_one_sms_each(tmp_path: Path) -> None:
    output = tell(tmp_path, [*walk(), until(60)], estate(geofences=[LINE]))
    assert kinds(output) == ["approach", "cross"]
    assert {line["subject"] for line in picked(output, "event")} == {"b1-101"}
    assert told(output) == [("day-guard", "sms"), ("zhou-jie", "sms")]


def test_walking_out_opens_nothing(tmp_path: Path) -> None:
    output = tell(tmp_path, [*walk(), until(60)], estate(geofences=[LINE | {"near": "left"}]))
    assert output == []


def test_a_walk_past_the_end_of_the_line_crosses_nothing(tmp_path: Path) -> None:
    output = tell(tmp_path, [*walk(x_m=5.5), until(60)], estate(geofences=[LINE]))
    assert kinds(output) == []


def test_the_family_walking_up_is_no_event(tmp_path: Path) -> None:
    north_m = 111_000
    tag = [said(10 + i, "t-1", "position", lon=119.96, lat=31.79 + (6 - 0.5 * i) / north_m, accuracy_m=1) for i in range(10)]
    lines = sorted([*walk(), *tag], key=lambda line: line["at"])
    assert kinds(tell(tmp_path, [*lines, until(60)], estate(geofences=[LINE]))) == []


def test_a_target_at_the_origin_is_none(tmp_path: Path) -> None:
    lines = [said(i / 10, "radar-1", "targets", targets=[{"x_m": 0, "y_m": 0}]) for i in range(100)]
    assert kinds(tell(tmp_path, [*lines, until(60)], estate(geofences=[LINE]))) == []


def test_a_line_that_guards_only_away_is_quiet_at_home(tmp_path: Path) -> None:
    given = estate(geofences=[LINE | {"modes": ["away"]}])
    assert kinds(tell(tmp_path, [armed(0, "b1-101", "home"), *walk(), until(60)], given)) == []
    assert kinds(tell(tmp_path, [armed(0, "b1-101", "away"), *walk(), until(60)], given)) == ["approach", "cross"]


def test_an_area_reports_both_ways_unless_named(tmp_path: Path) -> None:
    lon, lat, half = 119.95, 31.78, 0.001
    ring = [
        [lon - half, lat - half],
        [lon + half, lat - half],
        [lon + half, lat + half],
        [lon - half, lat + half],
        [lon - half, lat - half],
    ]
    area = {"id": "park", "kind": "area", "residents": ["zhou-fen"], "geometry": {"type": "Polygon", "coordinates": [ring]}}
    far = 0.003
    out = [said(10 * i, "t-1", "position", lon=lon + far, lat=lat, accuracy_m=8) for i in range(5)]
    inside = [said(100 + 10 * i, "t-1", "position", lon=lon, lat=lat, accuracy_m=8) for i in range(5)]
    out_again = [said(200 + 10 * i, "t-1", "position", lon=lon + far, lat=lat, accuracy_m=8) for i in range(5)]
    output = tell(tmp_path, [*out, *inside, *out_again, until(300)], estate(geofences=[area]))
    assert [(line["kind"], line["subject"], line["t"]) for line in picked(output, "event")] == [
        ("enter", "zhou-fen", at(100)),
        ("exit", "zhou-fen", at(200)),
    ]


# 11 to 13: silence, and what comes late


def test_a_contact_is_not_offline_before_a_day(tmp_path: Path) -> None:
    output = tell(tmp_path, [said(0, "door-1", "contact", open=False), until(26 * 3600)])
    assert [(line["kind"], line["at"]) for line in picked(output, "event")] == [("offline", at(25 * 3600))]


def test_a_button_is_never_offline(tmp_path: Path) -> None:
    devices = [*ESTATE["devices"], {"id": "pull-cord", "kind": "button", "home": "b1-102"}]
    output = tell(tmp_path, [said(0, "pull-cord", "button", pressed="cancel"), until(400 * 3600)], estate(devices=devices))
    assert picked(output, "event") == []


def test_a_pull_cord_in_a_home_for_one_speaks_for_that_one(tmp_path: Path) -> None:
    devices = [*ESTATE["devices"], {"id": "pull-cord", "kind": "button", "home": "b1-102"}]
    output = tell(tmp_path, [said(0, "pull-cord", "button", pressed="sos"), until(5)], estate(devices=devices))
    assert [line["subject"] for line in picked(output, "incident")] == ["xu-bo"]
    assert ("emma-xu", "sms") in told(output)


def test_a_window_that_comes_back_open_from_silence_is_left_open_and_no_burglary(tmp_path: Path) -> None:
    lines = [
        said(0, "window-1", "contact", open=False),
        armed(10, "b1-101", "away"),
        said(100, "window-1", "status", online=False),
        said(900, "window-1", "contact", open=True),
        until(1000),
    ]
    assert kinds(tell(tmp_path, lines)) == ["offline", "left_open"]


def test_a_backlog_is_judged_by_the_mode_of_its_own_time(tmp_path: Path) -> None:
    opened = said(300, "window-1", "contact", open=True) | {"at": at(2000)}
    lines = [
        said(0, "window-1", "contact", open=False),
        armed(100, "b1-101", "away"),
        armed(1000, "b1-101", "disarmed"),
        opened,
        until(2100),
    ]
    assert [(line["kind"], line["t"]) for line in picked(tell(tmp_path, lines), "event")] == [("intrusion", at(300))]


def test_a_device_whose_clock_is_wild_is_a_fault_and_its_sos_counts_now(tmp_path: Path) -> None:
    press = said(0, "w-1", "button", pressed="sos")
    press["payload"]["t"] = "1999-01-01T00:00:00Z"
    output = tell(tmp_path, [press, until(5)])
    assert sorted(kinds(output)) == ["clock", "sos"]
    assert {line["t"] for line in picked(output, "event")} == {at(0)}
