"""Stories told to the whole core: captures in, JSON Lines out, on an invented estate."""

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from app import pipeline  # noqa: TID251  the rules are those that the composition root composes
from notifier.replay import Replay
from store import capture, community

START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # a Monday, 10:00 in Shanghai

ESTATE: dict[str, Any] = {
    "community": {"id": "willow", "name": "柳岸新村", "timezone": "Asia/Shanghai", "language": "zh"},
    "homes": [
        {"id": "b1-101", "building": "1", "floor": 1, "address": "1栋101室"},
        {"id": "b1-102", "building": "1", "floor": 1},
    ],
    "people": [
        {"id": "zhou-fen", "name": "周芬", "roles": ["resident"], "home": "b1-101"},
        {"id": "xu-bo", "name": "徐波", "roles": ["resident"], "home": "b1-102"},
        {"id": "zhou-jie", "name": "周杰", "roles": ["relative"], "of": ["zhou-fen"], "phone": "+8613900000001"},
        {"id": "emma-xu", "name": "Emma Xu", "roles": ["relative"], "of": ["xu-bo"], "phone": "+447700900123", "language": "en"},
        {"id": "day-guard", "name": "孙队", "roles": ["guard"], "phone": "+8613900000002"},
        {"id": "night-guard", "name": "马队", "roles": ["guard"], "phone": "+8613900000003"},
        {"id": "hospital", "name": "市二院急诊", "roles": ["hospital"], "phone": "+8651981000000"},
    ],
    "devices": [
        {"id": "w-1", "kind": "wearable", "wearer": "zhou-fen", "placement": "wrist"},
        {"id": "w-2", "kind": "wearable", "wearer": "xu-bo", "placement": "waist"},
        {"id": "t-1", "kind": "tracker", "wearer": "zhou-fen"},
        {"id": "door-1", "kind": "contact", "home": "b1-101", "covers": "door"},
        {"id": "window-1", "kind": "contact", "home": "b1-101", "covers": "window"},
        {
            "id": "radar-1",
            "kind": "radar",
            "home": "b1-101",
            "pose": {"lon": 119.96, "lat": 31.79, "heading_deg": 0, "height_m": 2.2},
        },
    ],
    "geofences": [],
    "rosters": [
        {
            "id": "gate",
            "shifts": [
                {"responder": "day-guard", "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "08:00", "to": "20:00"},
                {"responder": "night-guard", "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "20:00", "to": "08:00"},
            ],
        }
    ],
    "policies": [
        {
            "id": "distress",
            "kinds": ["fall", "long_lie", "sos", "duress"],
            "cancel_window_s": 30,
            "steps": [
                {"after_s": 0, "tell": ["relatives", "roster:gate"], "by": ["sms"]},
                {"after_s": 60, "tell": ["hospital"], "by": ["sms", "voice"]},
            ],
        },
        {
            "id": "perimeter",
            "kinds": ["approach", "cross", "intrusion", "exit", "left_open"],
            "steps": [{"after_s": 0, "tell": ["relatives", "roster:gate"], "by": ["sms"]}],
        },
    ],
}


def at(seconds: float) -> str:
    """Time of a story's second, as a capture writes it."""
    return (START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def said(seconds: float, device: str, kind: str, **payload: Any) -> dict[str, Any]:
    """Line of a device that says something, measured and arrived at one time."""
    return {"at": at(seconds), "topic": f"anju/willow/{device}/{kind}", "payload": {"t": at(seconds), **payload}}


def did(seconds: float, who: str, what: str, subject: str, **more: Any) -> dict[str, Any]:
    """Line of somebody who acts."""
    return {"at": at(seconds), "act": {"by": who, "do": what, "subject": subject, **more}}


def armed(seconds: float, home: str, mode: str) -> dict[str, Any]:
    """Line of a home that changes its mode."""
    return {"at": at(seconds), "mode": {"home": home, "mode": mode}}


def until(seconds: float) -> dict[str, Any]:
    """Line that lets time pass."""
    return {"at": at(seconds)}


def fall(from_s: float, device: str = "w-1", lies_s: float = 8.0, hard: float = 1.0, late_s: float = 0.0) -> list[dict[str, Any]]:
    """Packets of a second: standing, falling, lying still; `hard` is how much, `late_s` how late they arrive."""
    rng = np.random.default_rng(7)
    parts = [((0.0, 0.0, 1.0), 6.0), ((0.1, 0.1, 0.2), 0.5), ((2.5 * hard, 1.5 * hard, 2.5 * hard), 0.1), ((1.0, 0.05, 0.1), lies_s)]
    still = np.concatenate([np.tile(np.array([row]), (round(seconds * 50), 1)) for row, seconds in parts])
    signal = np.round(still + rng.normal(0, 0.01, still.shape), 4)
    lines = []
    for start in range(0, len(signal) - 49, 50):
        second = from_s + start / 50
        payload = {"t": at(second), "rate_hz": 50, "unit": "g", "xyz": signal[start : start + 50].tolist()}
        lines.append({"at": at(second + 1 + late_s), "topic": f"anju/willow/{device}/acceleration", "payload": payload})
    return lines


def estate(**changes: Any) -> dict[str, Any]:
    """Own copy of the estate, with whole sections replaced."""
    return copy.deepcopy(ESTATE) | changes


def tell(folder: Path, lines: list[dict[str, Any]], given: dict[str, Any] | None = None, batch: int = 256) -> list[dict[str, Any]]:
    """Run a story; answer the output's lines."""
    capture_file, community_file = folder / "capture.jsonl", folder / "community.yaml"
    capture_file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    community_file.write_text(json.dumps(given or ESTATE, ensure_ascii=False), encoding="utf-8")
    loaded = community.load(community_file)
    return list(Replay(loaded, pipeline).run(capture.read(capture_file), batch))


def picked(output: list[dict[str, Any]], type_: str, **wanted: Any) -> list[dict[str, Any]]:
    """Lines of one type with these fields."""
    return [line for line in output if line["type"] == type_ and all(line.get(name) == value for name, value in wanted.items())]
