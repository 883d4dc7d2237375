"""Telephones, radars and cameras of other ecosystems, by their own topics: who leaves, who comes to the window, and what is no event."""

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stories import START, armed, at, estate, picked, tell, until

from geofence.frames import Frame

NIGHT = 12 * 3600  # 22:00
LON, LAT = 119.96, 31.79
POSE = {"lon": LON, "lat": LAT, "heading_deg": 0, "height_m": 2.6}
LINE = {
    "id": "window-line",
    "kind": "line",
    "home": "b1-101",
    "near": "right",
    "approach_m": 1.5,
    "modes": ["night", "away"],
    "geometry": {"type": "LineString", "coordinates": [[LON - 0.00003, 31.790018], [LON + 0.00003, 31.790018]]},  # 2 m ahead
}
SIDE_DEG = 0.002
ESTATE_FENCE = {
    "id": "estate",
    "kind": "area",
    "residents": ["zhou-fen"],
    "events": ["exit"],
    "geometry": {
        "type": "Polygon",
        "coordinates": [[[LON + i * SIDE_DEG, LAT + j * SIDE_DEG] for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))]],
    },
}
GROUND_M = np.array([[-3.0, 2.0], [3.0, 2.0], [-3.0, 9.0], [3.0, 9.0]])
DETECT = (1280, 720)


def pixels(ground_m: np.ndarray) -> np.ndarray:
    """Where a camera without distortion, 2.6 m above the ground, 30 degrees down, sees points of the ground."""
    down, (x, y) = np.radians(30.0), np.asarray(ground_m, np.float64).T
    depth = y * np.cos(down) + POSE["height_m"] * np.sin(down)
    return np.stack((640 + 600 * x / depth, 360 + 600 * (POSE["height_m"] * np.cos(down) - y * np.sin(down)) / depth), axis=1)


def home() -> dict[str, Any]:
    """The estate, with a telephone, a radar and a camera of other ecosystems; nothing else is in the home."""
    given = estate(geofences=[LINE, ESTATE_FENCE])
    view = {"detect": list(DETECT), "pixels": pixels(GROUND_M).tolist(), "ground_m": GROUND_M.tolist()}
    given["devices"] = [
        {"id": "t-1", "kind": "tracker", "wearer": "zhou-fen", "source": {"adapter": "owntracks", "name": "fen/phone"}},
        {"id": "t-2", "kind": "tracker", "wearer": "zhou-fen", "source": {"adapter": "traccar", "name": "123456789012345"}},
        {"id": "r-1", "kind": "radar", "home": "b1-101", "pose": POSE, "source": {"adapter": "esphome_ld2450", "name": "yard/window"}},
        {
            "id": "cam-1",
            "kind": "camera",
            "home": "b1-101",
            "pose": POSE,
            "view": view,
            "source": {"adapter": "frigate", "name": "yard_cam"},
        },
        {"id": "zone-1", "kind": "motion", "home": "b1-101", "source": {"adapter": "frigate", "name": "yard"}},
    ]
    return given


def heard(seconds: float, topic: str, payload: object, **more: Any) -> dict[str, Any]:
    """Line of a foreign topic; text as ESPHome and Frigate send it is a number or a word."""
    return {"at": at(seconds), "topic": topic, "payload": payload, **more}


def text(seconds: float, topic: str, payload: str, **more: Any) -> dict[str, Any]:
    """Line of a payload that is no JSON, or not for certain."""
    return {"at": at(seconds), "topic": topic, "payload_b64": base64.b64encode(payload.encode()).decode(), **more}


def epoch_s(seconds: float) -> float:
    return START.timestamp() + seconds


def out(start: float, *, retained: bool = False) -> list[dict[str, Any]]:
    """From the middle of the estate to 150 m outside its northern border, a fix each 10 s, 14 m further each."""
    frame = Frame.at(LON, LAT)
    return [
        heard(
            start + 10 * n,
            "owntracks/fen/phone",
            {
                "_type": "location",
                "acc": 8,
                "batt": 80,
                "t": "u",
                "tid": "FN",
                "vel": 5,
                "cog": 0,
                "conn": "m",
                "lat": LAT + 14 * n / frame.north_m_per_deg,
                "lon": LON,
                "tst": round(epoch_s(start + 10 * n)),
            },
            **({"retained": True} if retained else {}),
        )
        for n in range(28)
    ]


def radar(start: float, *, retained: bool = False) -> list[dict[str, Any]]:
    """From 6 m to 0.5 m at 0.5 m/s, ten frames a second, as ESPHome tells it: what has changed, x and y apart; then nobody."""
    more = {"retained": True} if retained else {}
    lines = [text(start - 1, "yard/window/status", "online", **more), text(start, "yard/window/sensor/target-1_x/state", "200", **more)]
    for n in range(111):
        lines += [
            text(start + n / 10 + 0.002, "yard/window/sensor/target-1_y/state", str(6000 - 50 * n), **more),
            text(start + n / 10 + 0.003, "yard/window/sensor/target-1_distance/state", str(6000 - 50 * n), **more),
        ]
    lines += [text(start + 11.1, f"yard/window/sensor/{name}/state", "nan", **more) for name in ("target-1_x", "target-1_y")]
    return [*lines, text(start + 11.105, "yard/window/sensor/presence_target_count/state", "0", **more)]


def person(seconds: float, ground_m: tuple[float, float], who: str = "1772416800.1-abc", type_: str = "update") -> dict[str, Any]:
    u, v = pixels(np.array([ground_m]))[0].tolist()
    after = {
        "id": who,
        "camera": "yard_cam",
        "label": "person",
        "sub_label": ["周杰", 0.9],
        "false_positive": False,
        "stationary": False,
        "frame_time": epoch_s(seconds),
        "box": [u - 30, max(0.0, v - 200), u + 30, v],
        "current_zones": ["yard"],
    }
    return heard(seconds + 0.2, "frigate/events", {"type": type_, "before": {}, "after": after})


def camera(start: float, every_s: float, places: Iterable[tuple[float, float]]) -> list[dict[str, Any]]:
    """Somebody who is counted, seen at these places, and gone."""
    events = [person(start + every_s * n, place) for n, place in enumerate(places)]
    after_s = start + every_s * len(events)
    return [text(start, "frigate/yard/person", "1"), *events, text(after_s, "frigate/yard/person", "0")]


def story(tmp_path: Path, *lines: dict[str, Any], mode: str = "night", batch: int = 256) -> list[dict[str, Any]]:
    told = [armed(0, "b1-101", mode), *lines, until(NIGHT + 600)]
    return tell(tmp_path, sorted(told, key=lambda line: line["at"]), home(), batch)


def events(output: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(line["kind"], line["device"]) for line in picked(output, "event") if line["kind"] not in {"offline", "clock"}]


def test_who_leaves_the_estate_with_a_telephone_is_told_of(tmp_path: Path) -> None:
    output = story(tmp_path, *out(NIGHT))
    assert events(output) == [("exit", "t-1")]
    assert picked(output, "rejected") == []
    assert {line["to"] for line in picked(output, "notification")} == {"zhou-jie", "night-guard"}


def test_a_transition_of_the_app_and_a_lost_connection_change_nothing_of_it(tmp_path: Path) -> None:
    transition = {"_type": "transition", "desc": "Park", "event": "leave", "acc": 8, "lat": LAT, "lon": LON, "wtst": 1610104395}
    others = [
        heard(NIGHT + 1, "owntracks/fen/phone/event", {**transition, "tst": round(epoch_s(NIGHT + 1))}),
        heard(NIGHT + 95, "owntracks/fen/phone", {"_type": "lwt", "tst": round(epoch_s(0))}, retained=True),
    ]
    output = story(tmp_path, *out(NIGHT), *others)
    assert events(output) == [("exit", "t-1")]
    assert [line["reason"].split(":")[0] for line in picked(output, "rejected")] == [
        "payload of _type 'lwt' says that the broker lost the app, which happens to telephones all day"
    ]


def test_a_call_for_help_through_traccar_is_an_sos(tmp_path: Path) -> None:
    t = "2026-03-02T14:00:00.000+00:00"
    position = {"fixTime": t, "deviceTime": t, "valid": True, "latitude": LAT, "longitude": LON, "attributes": {"alarm": "sos"}}
    output = story(tmp_path, heard(NIGHT, "traccar/123456789012345", {"position": position, "device": {"uniqueId": "123456789012345"}}))
    assert events(output) == [("sos", "t-2")]
    (event,) = picked(output, "event", kind="sos")
    assert event["resident"] == "zhou-fen"


def test_who_walks_up_to_the_window_before_a_radar_of_esphome_is_told_of_once(tmp_path: Path) -> None:
    output = story(tmp_path, *radar(NIGHT))
    assert events(output) == [("approach", "r-1"), ("cross", "r-1")]
    assert len(picked(output, "incident", state="open")) == 1
    assert picked(output, "rejected") == []


def test_a_radar_of_esphome_says_what_the_same_walk_in_metres_says(tmp_path: Path) -> None:
    given = home()
    given["devices"] = [{key: value for key, value in one.items() if key != "source"} for one in given["devices"] if one["id"] == "r-1"]
    native = [
        heard(
            NIGHT + n / 10 + 0.002,
            "anju/willow/r-1/targets",
            {"t": at(NIGHT + n / 10 + 0.002), "targets": [{"x_m": 0.2, "y_m": 6 - 0.05 * n}]},
        )
        for n in range(111)
    ]
    output = tell(tmp_path, [armed(0, "b1-101", "night"), *native, until(NIGHT + 600)], given)

    def told(lines: list[dict[str, Any]]) -> list[tuple[object, ...]]:
        return [(line["kind"], line["t"], line["score"], line["evidence"]) for line in picked(lines, "event", device="r-1")]

    assert told(output) == told(story(tmp_path, *radar(NIGHT)))
    assert [kind for kind, *_ in told(output)] == ["approach", "cross"]


@pytest.mark.parametrize("every_s", [0.5, 1.0, 2.0])
def test_who_walks_up_to_the_window_before_a_camera_is_told_of_however_seldom_it_tells(every_s: float, tmp_path: Path) -> None:
    output = story(tmp_path, *camera(NIGHT, every_s, [(0.2, 8 - every_s * n) for n in range(round(6.5 / every_s) + 1)]))
    assert events(output)[0] == ("approach", "cam-1")
    assert set(events(output)) <= {("approach", "cam-1"), ("cross", "cam-1"), ("intrusion", "zone-1")}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("every_s", [1.0, 2.0, 5.0])
def test_a_camera_that_tells_seldom_makes_no_approach_of_who_walks_past(every_s: float, seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    # There and back for five minutes, a metre outside of the approach distance, placed with an error of 0.3 m.
    past = [(4 * np.sin(0.3 * every_s * n) + rng.normal(0, 0.3), 4.5 + rng.normal(0, 0.3)) for n in range(round(300 / every_s))]
    assert [kind for kind, device in events(story(tmp_path, *camera(NIGHT, every_s, past))) if device == "cam-1"] == []


def test_two_people_of_whom_a_camera_tells_in_turn_are_not_taken_for_one_who_walks(tmp_path: Path) -> None:
    in_turn = [person(NIGHT + n, [(2.0, 7.5), (0.2, 3.2)][n % 2], f"id-{n % 2}") for n in range(20)]
    assert [kind for kind, device in events(story(tmp_path, *in_turn)) if device == "cam-1"] == []


def test_people_counted_in_a_zone_are_motion_and_speak_for_what_the_radar_sees(tmp_path: Path) -> None:
    alone, seen = (story(tmp_path, *lines) for lines in (radar(NIGHT), [text(NIGHT - 5, "frigate/yard/person", "1"), *radar(NIGHT)]))
    (before,), (after,) = (picked(output, "event", kind="approach") for output in (alone, seen))
    assert after["score"] > before["score"]
    assert after["evidence"]["corroborated_by"] == "zone-1"


def test_the_camera_speaks_for_what_the_radar_sees(tmp_path: Path) -> None:
    seen = story(tmp_path, *camera(NIGHT - 4, 2.0, [(0.2, 8.0), (0.2, 7.0)]), *radar(NIGHT))
    (event,) = picked(seen, "event", kind="approach")
    assert "cam-1" in event["evidence"]["corroborated_by"]


def test_what_a_broker_repeats_is_a_state_and_no_event(tmp_path: Path) -> None:
    zone = [text(NIGHT + 5, "frigate/yard/person", "1", retained=True)]
    output = story(
        tmp_path, *out(NIGHT, retained=True), *radar(NIGHT, retained=True), *zone, text(NIGHT + 6, "frigate/available", "online")
    )
    assert events(output) == []


def test_broken_messages_are_set_aside_with_their_reasons_and_cost_nothing_else(tmp_path: Path) -> None:
    sound = [*out(NIGHT), *radar(NIGHT), *camera(NIGHT, 0.5, [(0.2, 8 - 0.5 * n) for n in range(14)])]
    broken = [
        text(NIGHT + 3.001, "yard/window/sensor/target-1_x/state", "1,5"),
        text(NIGHT + 3.05, "yard/window/sensor/target-2_y/state", "99999"),
        text(NIGHT + 4, "yard/window/status", "asleep"),
        heard(NIGHT + 5, "owntracks/fen/phone", {"_type": "encrypted", "data": "j6Qo"}),
        heard(NIGHT + 6, "owntracks/fen/phone", {"_type": "location", "lat": 95, "lon": LON, "tst": round(epoch_s(NIGHT))}),
        text(NIGHT + 7, "frigate/events", '{"type": "new", "after": {'),
        heard(NIGHT + 7.5, "frigate/events", {"type": "new", "after": {"camera": "yard_cam", "label": "person"}}),
        text(NIGHT + 8, "frigate/yard/person", "some"),
        text(NIGHT + 9, "traccar/positions", "online"),
        text(NIGHT + 9.5, "osmand/7", "{}"),
        text(NIGHT + 10, "attic/sensor/target-1_x/state", "1"),
    ]
    whole, with_broken = story(tmp_path, *sound), story(tmp_path, *sound, *broken)
    assert [line for line in with_broken if line["type"] != "rejected"] == whole
    assert [(line["topic"], line["reason"].split(",")[0][:44]) for line in picked(with_broken, "rejected")] == [
        ("yard/window/sensor/target-1_x/state", "state is '1"),
        ("yard/window/sensor/target-2_y/state", "state is '99999'"),
        ("yard/window/status", "status of the node is neither online nor off"),
        ("owntracks/fen/phone", "payload of _type 'encrypted' is encrypted: t"),
        ("owntracks/fen/phone", "$.lat is 95.0"),
        ("frigate/events", "payload of 26 bytes is not JSON: Input data "),
        ("frigate/events", "$.after.id is missing"),
        ("frigate/yard/person", "payload of 4 bytes is not JSON: JSON is malf"),
        ("traccar/positions", "payload of 6 bytes is not JSON: JSON is malf"),
        ("osmand/7", "no device has the osmand source '7'"),
        ("attic/sensor/target-1_x/state", "no device has the esphome_ld2450 source 'att"),
    ]


def test_nothing_depends_on_how_messages_are_cut_and_nobodys_name_is_told(tmp_path: Path) -> None:
    lines = [*out(NIGHT), *radar(NIGHT + 0.05), *camera(NIGHT, 0.5, [(0.2, 8 - 0.5 * n) for n in range(14)])]
    whole = story(tmp_path, *lines)
    assert story(tmp_path, *lines, batch=1) == story(tmp_path, *lines, batch=7) == whole
    assert "sub_label" not in json.dumps(whole, ensure_ascii=False)
    assert not [line for line in whole if line["type"] == "event" and "周杰" in json.dumps(line, ensure_ascii=False)]
