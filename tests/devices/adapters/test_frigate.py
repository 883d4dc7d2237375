import json
from typing import Any

import numpy as np
import pytest
from fakes.ear import T_MS, Ear

from devices.adapters.frigate import EDGE_SHARE, FRIGATE, STRIDE_M
from devices.model import SensorKind
from devices.view import View

# blakeblackshear/frigate docs/docs/integrations/mqtt.md, at 5e68fabe
EVENT: dict[str, Any] = json.loads("""
{"type": "update",
 "before": {"id": "1607123955.475377-mxklsc", "camera": "front_door", "current_zones": ["driveway"]},
 "after": {"id": "1607123955.475377-mxklsc", "camera": "front_door", "frame_time": 1607123962.082975, "snapshot_time": 1607123961.837752,
  "label": "person", "sub_label": ["John Smith", 0.79], "top_score": 0.958984375, "false_positive": false,
  "start_time": 1607123955.475377, "end_time": null, "score": 0.87890625, "box": [432, 496, 544, 854], "area": 40096, "ratio": 1.251397,
  "region": [218, 440, 693, 915], "current_zones": ["yard", "driveway"], "entered_zones": ["yard", "driveway"], "thumbnail": null,
  "has_snapshot": false, "has_clip": false, "active": true, "stationary": false, "motionless_count": 0, "position_changes": 2,
  "attributes": {"face": 0.86}, "current_attributes": [{"label": "face", "box": [442, 506, 534, 524], "score": 0.86}]}}
""")
# docs.frigate.video: newer versions put the snapshot's fields together and add speed and angle
NEWER = {"snapshot": {"frame_time": 1607123965.975463, "box": [415, 489, 528, 700], "area": 12728, "region": [260, 446, 660, 846],
                      "score": 0.77546, "attributes": []}, "current_estimated_speed": 0.71, "average_estimated_speed": 14.3,
         "velocity_angle": 180, "recognized_license_plate": "ABC12345", "path_data": [[[0.38, 0.9], 1607123955.4]]}  # fmt: skip
REVIEW = {
    "type": "update",
    "after": {
        "id": "1718987129.308396-fqk5ka",
        "camera": "front_cam",
        "start_time": 1718987129.308396,
        "end_time": None,
        "severity": "alert",
        "data": {
            "detections": ["1718987128.947436-g92ztx"],
            "objects": ["person", "car"],
            "sub_labels": ["Bob"],
            "zones": ["front_yard"],
            "audio": [],
        },
    },
}
# blakeblackshear/frigate issue #7473, in the place where newer versions have it
STATS = {"cameras": {"front_door": {"camera_fps": 5.0, "process_fps": 5.0, "skipped_fps": 0.0, "detection_fps": 0.0, "pid": 627},
                     "yard_cam": {"camera_fps": 0.0, "pid": 628}}, "service": {"uptime": 17}}  # fmt: skip

# 1 px is 1 cm: the middle of the lower edge of the picture is below the camera.
FLAT = View(width_px=1000, height_px=1000, homography=((0.01, 0.0, -5.0), (0.0, -0.01, 10.0), (0.0, 0.0, 1.0)))


@pytest.fixture
def camera() -> Ear:
    return Ear(FRIGATE, "front_door", FLAT)


def event(
    who: str = "a", at_s: float = 0, box: tuple[float, ...] = (450, 300, 550, 600), type_: str = "update", **after: Any
) -> dict[str, Any]:
    seen = {"id": who, "frame_time": T_MS / 1000 + at_s, "box": box, **after}
    return {**EVENT, "type": type_, "after": {**EVENT["after"], **seen}}


def frame(camera: Ear, message: object, at_ms: float = 0) -> tuple[float, list[tuple[float, float]]]:
    said = camera.hear("frigate/events", message, at_ms)
    assert isinstance(said, dict)
    assert set(said) == {SensorKind.TARGETS}
    targets = said[SensorKind.TARGETS]
    return targets["t"] - T_MS, [(round(one["x_m"], 6), round(one["y_m"], 6)) for one in targets["targets"]]


def test_a_person_stands_where_the_middle_of_the_lower_edge_of_the_box_is(camera: Ear) -> None:
    said = camera.hear("frigate/events", EVENT)
    (target,) = said[SensorKind.TARGETS].pop("targets")  # type: ignore[index]
    assert said == {SensorKind.TARGETS: {"t": 1_607_123_962_083}}
    assert (target["x_m"], target["y_m"]) == (pytest.approx(-0.12), pytest.approx(1.46))
    assert target["id"] == "1607123955.475377-mxklsc"


def test_how_far_somebody_may_be_wrong_is_a_share_of_the_box_on_the_ground_where_they_stand() -> None:
    slanted = View(width_px=1000, height_px=1000, homography=((1.0, 0.0, -500.0), (0.0, 0.0, 400.0), (0.0, 1.0, -400.0)))

    def accuracy_m(tall_px: float, bottom_px: float) -> float:
        said = Ear(FRIGATE, "front_door", slanted).hear("frigate/events", event(box=(480, bottom_px - tall_px, 520, bottom_px)))
        assert isinstance(said, dict)
        return float(said[SensorKind.TARGETS]["targets"][0]["accuracy_m"])

    assert accuracy_m(300, 900) == pytest.approx(np.hypot(STRIDE_M, EDGE_SHARE * 300 / 500), rel=1e-3)
    assert accuracy_m(100, 500) == pytest.approx(np.hypot(STRIDE_M, EDGE_SHARE * 100 * 400 / 100**2), rel=1e-2)
    assert accuracy_m(100, 500) > accuracy_m(100, 700) > accuracy_m(100, 900)


def test_newer_versions_say_the_same(camera: Ear) -> None:
    newer = {**EVENT, "after": {**{k: v for k, v in EVENT["after"].items() if k != "snapshot_time"}, **NEWER}}
    assert camera.hear("frigate/events", newer) == Ear(FRIGATE, "front_door", FLAT).hear("frigate/events", EVENT)


def test_each_event_tells_of_its_own_person_alone(camera: Ear) -> None:
    assert frame(camera, event("a", 0, (0, 0, 100, 500))) == (0, [(-4.5, 5.0)])
    assert frame(camera, event("b", 1, (900, 0, 1000, 700))) == (1000, [(4.5, 3.0)])
    assert frame(camera, event("a", 3, (400, 300, 500, 700), "end")) == (3000, [(-0.5, 3.0)])


@pytest.mark.parametrize("change", [{"label": "car"}, {"false_positive": True}])
def test_what_is_no_person_shows_that_the_camera_is_alive(change: dict[str, Any], camera: Ear) -> None:
    assert camera.hear("frigate/events", event(**change), 7) == {SensorKind.STATUS: {"t": T_MS + 7}}


def test_a_person_in_the_picture_of_a_camera_without_a_view_is_nowhere() -> None:
    assert Ear(FRIGATE, "front_door").hear("frigate/events", EVENT) == {SensorKind.STATUS: {"t": T_MS}}


def test_what_is_above_the_horizon_stands_on_no_ground() -> None:
    horizon = View(width_px=1000, height_px=1000, homography=((1.0, 0.0, -500.0), (0.0, 0.0, 400.0), (0.0, 1.0, -400.0)))
    camera = Ear(FRIGATE, "front_door", horizon)
    assert len(frame(camera, event("a", 0, (450, 0, 550, 900)))[1]) == 1
    assert camera.hear("frigate/events", event("a", 1, (450, 0, 550, 390))) == {SensorKind.STATUS: {"t": T_MS}}


def test_a_box_of_another_resolution_is_told_and_not_placed(camera: Ear) -> None:
    said = camera.hear("frigate/events", event(box=(1500, 300, 1600, 900)))
    assert said == "box reaches to (1600, 900), wanted it within the 1000 x 1000 pixels of view.detect"


def test_what_the_broker_repeats_is_no_target(camera: Ear) -> None:
    said = camera.hear("frigate/events", event("a"), retained=True)
    assert said == {SensorKind.STATUS: {"t": T_MS}}
    assert len(frame(camera, event("b"))[1]) == 1


@pytest.mark.parametrize(("count", "motion"), [(b"0", False), (b"1", True), (b"2", True)])
def test_people_counted_in_a_zone_or_by_a_camera_are_motion(count: bytes, *, motion: bool) -> None:
    for name in ("yard", "front_door"):
        assert Ear(FRIGATE, name).hear(f"frigate/{name}/person", count) == {SensorKind.MOTION: {"t": T_MS, "motion": motion}}


def test_frigate_itself_is_a_gateway_that_is_there_or_not() -> None:
    server = Ear(FRIGATE, "frigate")
    assert server.hear("frigate/available", b"online") == {SensorKind.STATUS: {"t": T_MS, "online": True}}
    assert server.hear("frigate/available", b"offline") == {SensorKind.STATUS: {"t": T_MS, "online": False}}
    assert server.hear("frigate/available", b"stopped") == {}
    assert server.hear("frigate/stats", STATS) == {SensorKind.STATUS: {"t": T_MS}}


def test_a_camera_that_delivers_pictures_is_alive_and_one_that_delivers_none_is_silent() -> None:
    assert FRIGATE.speakers("frigate/stats", json.dumps(STATS).encode()) == ("frigate", "front_door", "yard_cam")
    assert Ear(FRIGATE, "front_door").hear("frigate/stats", STATS) == {SensorKind.STATUS: {"t": T_MS}}
    assert Ear(FRIGATE, "yard_cam").hear("frigate/stats", STATS) == {}


@pytest.mark.parametrize(
    ("payload", "said"), [(b"online", {"t": T_MS, "online": True}), (b"offline", {"t": T_MS, "online": False}), (b"disabled", None)]
)
def test_newer_versions_say_whether_a_stream_is_there(payload: bytes, said: dict[str, Any] | None, camera: Ear) -> None:
    # blakeblackshear/frigate pull request #19709
    assert camera.hear("frigate/front_door/status/detect", payload) == ({} if said is None else {SensorKind.STATUS: said})


def test_what_a_camera_is_told_to_do_is_no_sign_of_its_life(camera: Ear) -> None:
    assert camera.hear("frigate/front_door/detect/set", b"ON") == {}
    assert camera.hear("frigate/front_door/motion", b"ON") == {SensorKind.STATUS: {"t": T_MS}}
    assert camera.hear("frigate/front_door/person/snapshot", b"\xff\xd8\xff") == {SensorKind.STATUS: {"t": T_MS}}


def test_nobodys_name_is_in_anything_that_is_said(camera: Ear) -> None:
    wrong = [event(box=(1, 2, 3)), event(frame_time="now"), event(camera=7), event(label=None), {**EVENT, "type": None}]
    said = [camera.hear("frigate/events", message) for message in (EVENT, *wrong)]
    assert [isinstance(one, str) for one in said] == [False, True, True, True, True, True]
    assert not [one for one in (*said, camera.hear("frigate/reviews", REVIEW)) if "Smith" in str(one) or "Bob" in str(one)]


def test_the_log_keeps_of_an_event_what_is_read_and_nobodys_name(camera: Ear) -> None:
    wrong = [event(box=(1, 2, 3)), event(frame_time="now"), event(camera=7), {"type": "new"}, {**EVENT, "after": "Smith"}, [EVENT], 7]
    for message in (EVENT, event(), *wrong):
        raw = json.dumps(message).encode()
        less = FRIGATE.kept("frigate/events", raw)
        assert FRIGATE.speakers("frigate/events", less) == FRIGATE.speakers("frigate/events", raw)
        if FRIGATE.speakers("frigate/events", raw) == ("front_door",):
            assert camera.hear("frigate/events", less) == camera.hear("frigate/events", message)
    assert b"Smith" not in FRIGATE.kept("frigate/events", json.dumps(EVENT).encode())
    assert FRIGATE.kept("frigate/reviews", json.dumps(REVIEW).encode()) == FRIGATE.kept("frigate/yard/person/snapshot", b"\xff\xd8") == b""
    for topic, payload in (("frigate/yard/person", b"1"), ("frigate/stats", json.dumps(STATS).encode()), ("frigate/events", b'{"type":')):
        assert FRIGATE.kept(topic, payload) == payload


@pytest.mark.parametrize(
    ("topic", "payload", "words"),
    [
        ("frigate/reviews", REVIEW, "topic is 'frigate/reviews', wanted frigate/events, available, stats, or of a camera or zone"),
        ("frigate/events", {"type": "new"}, "$.after is missing"),
        ("frigate/events", event(box=[1, 2, 3]), "$.after.box is [1, 2, 3], wanted"),
        ("frigate/events", event(frame_time=1e13), "$.after.frame_time is 10000000000000.0, wanted"),
        ("frigate/events", b"", "payload of 0 bytes is not JSON"),
        ("frigate/stats", {"front_door": {"camera_fps": 5.0}}, "$.cameras is missing"),
        ("frigate/front_door/person", b"-1", "payload: wanted `int` >= 0"),
        ("frigate/front_door/person", b"one", "payload of 3 bytes is not JSON"),
    ],
)
def test_what_says_nothing_is_told_in_words(topic: str, payload: object, words: str, camera: Ear) -> None:
    said = camera.hear(topic, payload)
    assert isinstance(said, str)
    assert said.startswith(words)
