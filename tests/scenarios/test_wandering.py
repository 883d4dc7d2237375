"""Zhou Fen out of doors by night, with a tracker in her pocket. A story begins at 10:00 in Shanghai."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stories import at, estate, picked, said, tell, until

HOUR = 3600
NIGHT = 16 * HOUR  # 02:00
LON, LAT = 119.96, 31.79
EAST_M, NORTH_M = 94_700.0, 110_880.0
Place = tuple[float, float]


def fixes(places: Iterable[Place], start_s: float = NIGHT, every_s: float = 10.0) -> list[dict[str, Any]]:
    return [
        said(
            start_s + i * every_s,
            "t-1",
            "position",
            lon=round(LON + east_m / EAST_M, 7),
            lat=round(LAT + north_m / NORTH_M, 7),
            accuracy_m=6,
        )
        for i, (east_m, north_m) in enumerate(places)
    ]


def still(minutes: float, east_m: float = 0.0) -> list[Place]:
    return [(east_m, 0.0)] * round(minutes * 6)


def walks(start_m: float, end_m: float) -> list[Place]:
    steps = round(abs(end_m - start_m) / 10)
    return [(start_m + (end_m - start_m) * i / steps, 0.0) for i in range(steps)]


def paces(minutes: float, start_m: float = 0.0, leg_m: float = 60.0) -> list[Place]:
    ways = [i * 9.0 % (2 * leg_m) for i in range(round(minutes * 6))]
    return [(start_m + min(way_m, 2 * leg_m - way_m), 0.0) for way_m in ways]


def circles(minutes: float, radius_m: float = 25.0) -> list[Place]:
    return [(radius_m * math.cos(i * 9.0 / radius_m), radius_m * math.sin(i * 9.0 / radius_m)) for i in range(round(minutes * 6))]


def events(output: list[dict[str, Any]]) -> list[str]:
    return [line["kind"] for line in picked(output, "event", subject="zhou-fen")]


def told(output: list[dict[str, Any]], **wanted: str) -> list[str]:
    return [line["to"] for line in picked(output, "notification", **wanted)]


def lost(wandering: bool | None = None, *fence_events: str) -> dict[str, Any]:  # noqa: FBT001  as the file says it
    """The estate, where wandering is told to family and guards, and perhaps what is watched over of her, and an area."""
    given = estate()
    given["policies"][1]["kinds"] += ["wandering"]
    if wandering is not None:
        next(one for one in given["people"] if one["id"] == "zhou-fen")["care"] = {"wandering": wandering}
    if fence_events:
        ring = [[LON + x / EAST_M, LAT + y / NORTH_M] for x, y in ((-100, -100), (100, -100), (100, 100), (-100, 100), (-100, -100))]
        area = {"id": "estate", "kind": "area", "residents": ["zhou-fen"], "events": list(fence_events)}
        given["geofences"] = [{**area, "geometry": {"type": "Polygon", "coordinates": [ring]}}]
    return given


def test_at_two_in_the_night_she_goes_up_and_down_the_street(tmp_path: Path) -> None:
    output = tell(tmp_path, [*fixes(paces(40)), until(NIGHT + HOUR)], lost())
    assert events(output) == ["wandering"]
    assert [(line["kind"], line["severity"], line["state"]) for line in picked(output, "incident", subject="zhou-fen")] == [
        ("wandering", "urgent", "open")
    ]
    assert sorted(told(output)) == ["night-guard", "zhou-jie"]
    assert picked(output, "event")[0]["at"] < at(NIGHT + 20 * 60)


def test_she_walks_in_circles_in_the_dark_yard(tmp_path: Path) -> None:
    assert events(tell(tmp_path, [*fixes(circles(40)), until(NIGHT + HOUR)], lost())) == ["wandering"]


def test_she_is_brought_home_and_the_family_hears_that_it_is_over(tmp_path: Path) -> None:
    way = [*still(70), *walks(0, 200), *paces(30, 200), *walks(200, 0), *still(25)]
    output = tell(tmp_path, [*fixes(way), until(NIGHT + 3 * HOUR)], lost())
    assert events(output) == ["wandering"]
    assert [line["state"] for line in picked(output, "incident", subject="zhou-fen")] == ["open", "resolved"]
    assert sorted(told(output, purpose="ending")) == ["night-guard", "zhou-jie"]


def test_the_same_walk_by_day_is_exercise_unless_the_family_says_otherwise(tmp_path: Path) -> None:
    day = [*fixes(paces(40), HOUR), until(3 * HOUR)]
    assert events(tell(tmp_path, day, lost())) == []
    assert events(tell(tmp_path, day, lost(True))) == ["wandering"]  # noqa: FBT003
    assert events(tell(tmp_path, [*fixes(paces(40)), until(NIGHT + HOUR)], lost(False))) == []  # noqa: FBT003


def test_she_fetches_medicine_by_night_and_nobody_is_woken(tmp_path: Path) -> None:
    way = [*still(20), *walks(0, 300), *still(5, 300), *walks(300, 0), *still(20)]
    assert events(tell(tmp_path, [*fixes(way), until(NIGHT + 2 * HOUR)], lost())) == []


def test_by_night_she_leaves_the_estate_paces_outside_and_comes_back_in_one_incident(tmp_path: Path) -> None:
    way = [*still(5), *walks(0, 200), *paces(30, 200), *walks(200, 0), *still(5)]
    output = tell(tmp_path, [*fixes(way), until(NIGHT + 2 * HOUR)], lost(None, "exit", "wandering"))
    assert sorted(events(output)) == ["exit", "wandering"]
    assert [line["state"] for line in picked(output, "incident", subject="zhou-fen")] == ["open", "resolved"]
    assert len(told(output, to="zhou-jie", purpose="ending")) == 1


def test_by_day_she_may_leave_the_estate(tmp_path: Path) -> None:
    way = [*still(5), *walks(0, 400)]
    assert events(tell(tmp_path, [*fixes(way, HOUR), until(3 * HOUR)], lost(None, "wandering"))) == []
    assert events(tell(tmp_path, [*fixes(way), until(NIGHT + HOUR)], lost(None, "wandering"))) == ["wandering"]
