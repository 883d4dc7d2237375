"""Zhou Fen with a tracker, and an area where she should be by night or not stay for long. A story begins at 10:00 in Shanghai."""

from pathlib import Path
from typing import Any

from stories import at, estate, picked, said, tell, until

LON, LAT = 119.96, 31.79
EAST_M, NORTH_M = 94_700.0, 110_880.0
EVENING = 11 * 3600  # 21:00


def fixes(*parts: tuple[float, float, float], every_s: float = 20.0) -> list[dict[str, Any]]:
    """Of somebody who goes evenly from so far east of the middle to so far, in so many seconds, one part after another."""
    start_s, said_ = float(EVENING), list[dict[str, Any]]()
    for from_m, to_m, lasts_s in parts:
        count = round(lasts_s / every_s)
        for i in range(count):
            lon = round(LON + (from_m + (to_m - from_m) * i / count) / EAST_M, 7)
            said_.append(
                said(start_s + i * every_s, "t-1", "position", lon=lon, lat=round(LAT + 0.05 * (i % 3) / NORTH_M, 7), accuracy_m=6)
            )
        start_s += lasts_s
    return said_


def guarded(kind: str, **keys: Any) -> dict[str, Any]:
    given = estate()
    given["policies"][1]["kinds"] += [kind]
    ring = [[LON + x / EAST_M, LAT + y / NORTH_M] for x, y in ((-100, -100), (100, -100), (100, 100), (-100, 100), (-100, -100))]
    area = {"id": "yard", "kind": "area", "residents": ["zhou-fen"], "events": [kind], **keys}
    given["geofences"] = [{**area, "geometry": {"type": "Polygon", "coordinates": [ring]}}]
    return given


def states(output: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(line["kind"], line["severity"], line["state"]) for line in picked(output, "incident", subject="zhou-fen")]


def test_who_is_not_back_by_ten_at_night_is_looked_for_until_she_is(tmp_path: Path) -> None:
    way = fixes((0, 0, 600), (0, 300, 300), (300, 300, 3600), (300, 0, 300), (0, 0, 600))
    output = tell(tmp_path, [*way, until(EVENING + 7200)], guarded("absent", expected={"from": "22:00", "to": "06:00"}))
    (event,) = picked(output, "event", subject="zhou-fen")
    assert (event["kind"], event["t"]) == ("absent", at(EVENING + 3600))
    assert states(output) == [("absent", "urgent", "open"), ("absent", "urgent", "resolved")]
    assert {line["to"] for line in picked(output, "notification", purpose="ending")} == {"zhou-jie", "night-guard"}


def test_who_stays_by_the_pond_for_a_quarter_of_an_hour_is_told_of_until_she_leaves(tmp_path: Path) -> None:
    way = fixes((300, 300, 300), (300, 0, 300), (0, 0, 1800), (0, 300, 300), (300, 300, 300))
    output = tell(tmp_path, [*way, until(EVENING + 7200)], guarded("dwell", dwell_min=15))
    (event,) = picked(output, "event", subject="zhou-fen")
    assert event["kind"] == "dwell"
    assert event["evidence"]["stayed_s"] == 900
    assert states(output) == [("dwell", "notice", "open"), ("dwell", "notice", "resolved")]
    assert "zhou-jie" in {line["to"] for line in picked(output, "notification")}
