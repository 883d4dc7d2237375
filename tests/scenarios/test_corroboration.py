"""Somebody comes to the window at night, and what else in the home noticed it."""

from pathlib import Path
from typing import Any

from stories import armed, estate, picked, said, tell, until

NIGHT = 12 * 3600  # 22:00
LINE = {
    "id": "window-line",
    "kind": "line",
    "home": "b1-101",
    "near": "right",
    "approach_m": 1.5,
    "modes": ["night", "away"],
    "geometry": {"type": "LineString", "coordinates": [[119.95997, 31.790018], [119.96003, 31.790018]]},  # 2 m ahead of the radar
}


def home() -> dict[str, Any]:
    given = estate(geofences=[LINE])
    given["devices"] += [{"id": "pir-1", "kind": "motion", "home": "b1-101"}, {"id": "camera-1", "kind": "camera", "home": "b1-101"}]
    return given


def walk(start: float) -> list[dict[str, Any]]:
    """From 6 m to 0.5 m at 0.5 m/s, as the radar sees it."""
    return [said(start + i / 10, "radar-1", "targets", targets=[{"x_m": 0.2, "y_m": 6 - 0.05 * i, "speed_mps": -0.5}]) for i in range(111)]


def story(tmp_path: Path, *others: dict[str, Any], mode: str = "night", batch: int = 256) -> list[dict[str, Any]]:
    lines = [said(0, "door-1", "contact", open=False), armed(NIGHT - 600, "b1-101", mode), *others, *walk(NIGHT), until(NIGHT + 60)]
    return tell(tmp_path, sorted(lines, key=lambda line: line["at"]), home(), batch)


def scores(output: list[dict[str, Any]]) -> dict[str, tuple[float, str]]:
    return {
        line["kind"]: (line["score"], line["evidence"].get("corroborated_by", "")) for line in picked(output, "event", device="radar-1")
    }


def test_the_motion_sensor_saw_him_too(tmp_path: Path) -> None:
    alone, seen = scores(story(tmp_path)), scores(story(tmp_path, said(NIGHT - 5, "pir-1", "motion", motion=True)))
    assert list(alone) == list(seen) == ["approach", "cross"]
    assert seen["approach"][0] > alone["approach"][0]
    assert seen["cross"][0] >= alone["cross"][0]
    assert alone["approach"][1] == ""
    assert seen["approach"][1] == "pir-1"


def test_motion_an_hour_before_has_nothing_to_do_with_it(tmp_path: Path) -> None:
    assert scores(story(tmp_path, said(NIGHT - 3600, "pir-1", "motion", motion=True))) == scores(story(tmp_path))


def test_the_camera_and_the_door_agree_and_both_are_named(tmp_path: Path) -> None:
    others = [said(NIGHT - 3, "camera-1", "motion", motion=True), said(NIGHT + 1, "door-1", "contact", open=True)]
    output = story(tmp_path, *others)
    assert scores(output)["approach"][1] == "camera-1,door-1"
    assert len(picked(output, "incident", state="open")) == 1


def test_motion_alone_is_nobody_at_the_window(tmp_path: Path) -> None:
    lines = [armed(0, "b1-101", "night"), *(said(10 + i, "pir-1", "motion", motion=True) for i in range(60))]
    assert [line for line in picked(tell(tmp_path, lines, home()), "event") if line["kind"] in {"approach", "cross"}] == []


def test_in_a_home_that_is_not_armed_for_it_nobody_is_told_however_sure_it_is(tmp_path: Path) -> None:
    for mode in ("disarmed", "home", "holiday"):
        assert scores(story(tmp_path, said(NIGHT - 5, "pir-1", "motion", motion=True), mode=mode)) == {}


def test_the_score_is_the_same_however_the_readings_are_cut(tmp_path: Path) -> None:
    others = [said(NIGHT + i * 0.31, "pir-1", "motion", motion=True) for i in range(30)]
    whole = story(tmp_path, *others)
    assert story(tmp_path, *others, batch=1) == story(tmp_path, *others, batch=3) == whole
