import itertools
import json
from pathlib import Path

import pytest
from stories import armed, at, did, estate, picked, said, tell, until

SOS = said(0, "w-1", "button", pressed="sos")


def told(output: list[dict], **wanted: str) -> list[tuple[str, str]]:
    return [(line["to"], line["channel"]) for line in picked(output, "notification", **wanted)]


def test_an_sos_reaches_the_family_and_the_guard_on_duty_at_once(tmp_path: Path) -> None:
    output = tell(tmp_path, [SOS, until(30)])
    assert told(output) == [("day-guard", "sms"), ("zhou-jie", "sms")]
    assert {line["at"] for line in picked(output, "notification")} == {at(0)}


def test_at_night_it_is_the_other_guard(tmp_path: Path) -> None:
    night = 12 * 3600
    assert ("night-guard", "sms") in told(tell(tmp_path, [said(night, "w-1", "button", pressed="sos"), until(night + 30)]))


def test_nobody_answers_and_the_hospital_with_its_fixed_line_is_called(tmp_path: Path) -> None:
    hospital = picked(tell(tmp_path, [SOS, until(200)]), "notification", to="hospital")
    assert [(line["channel"], line["at"]) for line in hospital] == [("voice", at(60))]


def test_an_acknowledgement_stops_the_rest_and_everyone_gets_the_ending(tmp_path: Path) -> None:
    output = tell(tmp_path, [SOS, did(20, "zhou-jie", "acknowledge", "zhou-fen"), did(300, "zhou-jie", "resolve", "zhou-fen"), until(400)])
    assert not told(output, to="hospital")
    assert [line["state"] for line in picked(output, "incident")] == ["open", "acknowledged", "resolved"]
    endings = picked(output, "notification", purpose="ending")
    assert [(line["to"], line["at"]) for line in endings] == [("day-guard", at(300))]


def test_an_acknowledgement_that_comes_to_nothing_expires_and_the_hospital_is_told(tmp_path: Path) -> None:
    output = tell(tmp_path, [SOS, did(20, "zhou-jie", "acknowledge", "zhou-fen", eta_min=5), until(3600)])
    assert [line["state"] for line in picked(output, "incident", subject="zhou-fen")] == ["open", "acknowledged", "open"]
    assert next(line["at"] for line in picked(output, "notification", to="hospital")) == at(20 + 300)


def test_no_receipt_in_20_seconds_means_a_call(tmp_path: Path) -> None:
    output = tell(tmp_path, [{"at": at(0), "carrier": "silent"}, SOS, until(30)])
    assert [line["at"] for line in picked(output, "notification", to="zhou-jie", channel="voice")] == [at(20)]


def test_a_failed_sms_is_followed_by_a_call_at_once(tmp_path: Path) -> None:
    failed = {"at": at(0.5), "receipt": {"to": "zhou-jie", "channel": "sms", "status": "undelivered", "code": "30003"}}
    output = tell(tmp_path, [SOS, failed, failed, until(30)])
    assert [line["at"] for line in picked(output, "notification", to="zhou-jie", channel="voice")] == [at(0.5)]


def test_a_window_opened_while_away_is_told_and_while_disarmed_is_not(tmp_path: Path) -> None:
    def story(mode: str) -> list[dict]:
        lines = [
            said(0, "window-1", "contact", open=False),
            armed(5, "b1-101", mode),
            said(300, "window-1", "contact", open=True),
            until(400),
        ]
        return tell(tmp_path, lines)

    assert told(story("away")) == [("day-guard", "sms"), ("zhou-jie", "sms")]
    assert told(story("disarmed")) == []


def test_arming_with_an_open_window_says_so_and_its_closing_ends_it(tmp_path: Path) -> None:
    lines = [
        said(0, "window-1", "contact", open=True),
        armed(60, "b1-101", "night"),
        said(120, "window-1", "contact", open=False),
        until(200),
    ]
    output = tell(tmp_path, lines)
    assert [(line["kind"], line["at"]) for line in picked(output, "event")] == [("left_open", at(60))]
    assert [line["state"] for line in picked(output, "incident")] == ["open", "resolved"]


def test_a_broken_message_is_set_aside_and_the_next_one_counts(tmp_path: Path) -> None:
    broken = {"at": at(0), "topic": "anju/willow/w-1/button", "payload_b64": "AAECAw=="}
    output = tell(tmp_path, [broken, {**broken, "payload_b64": "?"}, said(1, "w-1", "button", pressed="sos"), until(10)])
    assert len(picked(output, "rejected")) == 2
    assert len(picked(output, "incident", kind="sos")) == 1


def test_what_fits_nothing_is_rejected_and_changes_nothing(tmp_path: Path) -> None:
    lines = [
        did(0, "zhou-jie", "resolve", "zhou-fen"),
        did(0, "a-stranger", "resolve", "zhou-fen"),
        armed(0, "no-such-home", "away"),
        {"at": at(0), "receipt": {"to": "zhou-jie", "channel": "sms", "status": "delivered"}},
        {"at": at(0), "topic": "somewhere/else", "payload": "ON"},
    ]
    output = tell(tmp_path, lines)
    assert [line["type"] for line in output] == ["rejected"] * 5
    assert sorted(line["topic"] for line in output) == ["act", "act", "mode", "receipt", "somewhere/else"]


def test_a_redelivered_press_opens_no_second_incident_and_sends_no_second_sms(tmp_path: Path) -> None:
    output = tell(tmp_path, [SOS, {**SOS, "at": at(2)}, {**SOS, "at": at(40)}, until(50)])
    assert len(picked(output, "event")) == 1
    assert told(output, to="zhou-jie") == [("zhou-jie", "sms")]


def test_a_retained_press_is_a_memory_and_alarms_nobody(tmp_path: Path) -> None:
    assert tell(tmp_path, [{**SOS, "retained": True}, until(90)]) == []


def test_a_late_sos_says_that_it_is_late(tmp_path: Path) -> None:
    late = {**SOS, "at": at(3600)}
    output = tell(tmp_path, [late, until(3700)])
    assert [line["late"] for line in picked(output, "incident")] == [True]


def test_a_wearable_that_falls_silent_is_offline_after_ten_minutes(tmp_path: Path) -> None:
    output = tell(tmp_path, [said(0, "w-1", "status", battery_percent=80), until(900)])
    assert [(line["kind"], line["device"], line["at"]) for line in picked(output, "event")] == [("offline", "w-1", at(600))]


def test_a_walk_out_of_the_estate_is_told_and_the_return_ends_it(tmp_path: Path) -> None:
    lon, lat, half = 119.95, 31.78, 0.001
    ring = [
        [lon - half, lat - half],
        [lon + half, lat - half],
        [lon + half, lat + half],
        [lon - half, lat + half],
        [lon - half, lat - half],
    ]
    fence = {
        "id": "estate",
        "kind": "area",
        "residents": ["zhou-fen"],
        "events": ["exit"],
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    out = [said(i, "t-1", "position", lon=round(lon + i * 1.2 / 94640, 7), lat=lat, accuracy_m=5) for i in range(150)]
    back = [said(150 + i, "t-1", "position", lon=round(lon + (150 - i) * 1.2 / 94640, 7), lat=lat, accuracy_m=5) for i in range(150)]
    output = tell(tmp_path, [*out, *back, until(400)], estate(geofences=[fence]))
    assert [line["kind"] for line in picked(output, "event")] == ["exit"]
    assert [line["state"] for line in picked(output, "incident")] == ["open", "resolved"]
    assert told(output, purpose="ending") == [("day-guard", "sms"), ("zhou-jie", "sms")]


def everything() -> list[dict]:
    """A busy quarter of an hour: everything at once, at odd times."""
    walk = [said(10 + i / 10, "radar-1", "targets", targets=[{"x_m": 0.5, "y_m": 6 - 0.05 * i, "speed_mps": -0.5}]) for i in range(100)]
    fixes = [said(i, "t-1", "position", lon=round(119.95 + i * 1.2 / 94640, 7), lat=31.78, accuracy_m=5) for i in range(0, 400, 2)]
    doors = [said(i * 13.37, "door-1", "contact", open=bool(i % 2)) for i in range(30)]
    others = [
        armed(7.5, "b1-101", "away"),
        said(33.3, "w-1", "button", pressed="sos"),
        did(50, "zhou-jie", "acknowledge", "zhou-fen", eta_min=1),
        said(34, "w-2", "button", pressed="duress"),
        {"at": at(40.2), "receipt": {"to": "zhou-jie", "channel": "sms", "status": "failed"}},
        {"at": at(200), "carrier": "silent"},
        said(210, "w-2", "button", pressed="sos"),
        armed(300, "b1-101", "disarmed"),
        until(1500),
    ]
    return sorted([*walk, *fixes, *doors, *others], key=lambda line: line["at"])


BUSY = estate(
    geofences=[
        {
            "id": "window-line",
            "kind": "line",
            "home": "b1-101",
            "near": "right",
            "approach_m": 1.5,
            "geometry": {"type": "LineString", "coordinates": [[119.95997, 31.790018], [119.96003, 31.790018]]},
        }
    ]
)


@pytest.fixture(scope="module")
def one_batch(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    return tell(tmp_path_factory.mktemp("one"), everything(), BUSY, batch=100_000)


@pytest.mark.parametrize("batch", [1, 2, 7, 64])
def test_the_size_of_a_batch_changes_no_byte(tmp_path: Path, one_batch: list[dict], batch: int) -> None:
    assert {"approach", "cross", "sos", "duress", "intrusion"} <= {line["kind"] for line in picked(one_batch, "event")}
    assert json.dumps(tell(tmp_path, everything(), BUSY, batch=batch), sort_keys=True) == json.dumps(one_batch, sort_keys=True)


def test_lines_stand_in_the_contracts_order(one_batch: list[dict]) -> None:
    types = ["rejected", "event", "incident", "notification"]
    keys = [(line["at"], types.index(line["type"])) for line in one_batch]
    assert keys == sorted(keys)


def test_no_notification_is_made_twice(one_batch: list[dict]) -> None:
    said_to = [(line["incident"], line["to"], line["channel"], line["text"], line["at"]) for line in picked(one_batch, "notification")]
    assert len(said_to) == len(set(said_to))


def test_an_incident_moves_only_when_it_changes(one_batch: list[dict]) -> None:
    incidents = sorted(picked(one_batch, "incident"), key=lambda line: line["id"])
    for _, lines in itertools.groupby(incidents, key=lambda line: line["id"]):
        for before, after in itertools.pairwise(lines):
            assert (before["state"], before["severity"]) != (after["state"], after["severity"])


def test_what_several_homes_say_within_a_minute_is_told_as_message_by_message(tmp_path: Path) -> None:
    """Timers of one home run out between the readings of the other, in one micro-batch."""
    given = estate()
    given["devices"] = [one | {"open_min": 0.2} if one["id"] == "window-1" else one for one in given["devices"]]
    lines = [{"at": at(0), "carrier": "silent"}, said(0, "window-1", "contact", open=False), armed(1, "b1-101", "night")]
    for nth in range(6):
        lines += [
            said(10 + nth * 70, "window-1", "contact", open=nth % 2 == 0),
            said(15 + nth * 70, "w-2", "button", pressed="sos"),
            said(31 + nth * 70, "door-1", "contact", open=nth % 2 == 1),
            said(47 + nth * 70, "w-2", "status", battery_percent=9),
            said(58 + nth * 70, "w-1", "button", pressed="sos" if nth == 2 else "cancel"),
        ]
    one, many = (tell(tmp_path, [*lines, until(900)], given, batch) for batch in (1, 256))
    assert one == many
    assert len({line["home"] for line in picked(one, "incident")}) == 2
