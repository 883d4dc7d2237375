"""A worker that is stopped anywhere and started again, in the middle of a frame too, finds what one finds that was never stopped."""

import json
import random

import pytest
from stories import ESTATE, START

from app import pipeline  # noqa: TID251  the rules are those that the composition root composes
from devices.entry import Record
from devices.model import NS_PER_S
from rules.kinds import Mode
from rules.model import Event, Facts
from rules.premises import Premises
from store.community import parse
from store.judge import Judge

T0_NS = round(START.timestamp()) * NS_PER_S
REFILL_NS = 90 * NS_PER_S
POSE = {"lon": 119.96, "lat": 31.79, "heading_deg": 0}
VIEW = {"detect": [1000, 1000], "pixels": [[200, 0], [800, 0], [200, 800], [800, 800]], "ground_m": [[-3, 10], [3, 10], [-3, 2], [3, 2]]}
LINE = {
    "id": "window-line",
    "kind": "line",
    "home": "b1-101",
    "near": "right",
    "approach_m": 1.5,
    "geometry": {"type": "LineString", "coordinates": [[119.95997, 31.790018], [119.96003, 31.790018]]},  # 2 m ahead
}


def premises() -> Premises:
    devices = [
        {"id": "r-1", "kind": "radar", "home": "b1-101", "pose": POSE, "source": {"adapter": "esphome_ld2450", "name": "yard"}},
        {"id": "cam-1", "kind": "camera", "home": "b1-101", "pose": POSE, "view": VIEW, "source": {"adapter": "frigate", "name": "cam"}},
        {"id": "zone-1", "kind": "motion", "home": "b1-101", "source": {"adapter": "frigate", "name": "zone"}},
        {"id": "phone", "kind": "tracker", "wearer": "xu-bo", "source": {"adapter": "owntracks", "name": "xu/phone"}},
    ]
    found = parse(json.dumps({**ESTATE, "devices": devices, "geofences": [LINE]}, ensure_ascii=False), "willow.yaml").premises()
    found.modes.change("willow", "b1-101", Mode.AWAY, T0_NS)
    return found


def record(at_s: float, topic: str, payload: object) -> Record:
    raw = payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()
    return Record(T0_NS + round(at_s * NS_PER_S), "home", topic, False, raw)  # noqa: FBT003


def person(at_s: float, who: str, y_m: float) -> Record:
    v = (10 - y_m) * 100
    after = {"id": who, "camera": "cam", "label": "person", "frame_time": T0_NS / NS_PER_S + at_s, "box": [480, v / 2, 520, v]}
    return record(at_s + 0.05, "frigate/events", {"type": "update", "after": after})


def night() -> list[Record]:
    """Somebody walks up to the window twice, before the radar and the camera, while another stands on the lawn."""
    records = [record(1, "yard/status", "online"), record(1, "frigate/zone/person", "0")]
    for start in (5.0, 60.0):
        records += [record(start, "yard/sensor/target-1_x/state", "200"), record(start - 2, "frigate/zone/person", "1")]
        records += [record(start + n / 10 + 0.002, "yard/sensor/target-1_y/state", str(6000 - 50 * n)) for n in range(111)]
        records += [record(start + n / 10 + 0.004, "yard/sensor/target-2_x/state", str(n % 7)) for n in range(0, 111, 3)]
        records += [record(start + n / 10 + 0.005, "yard/sensor/target-2_y/state", str(5900 - n % 5)) for n in range(0, 111, 2)]
        records += [person(start + n / 2, "walker", 6 - n / 4) for n in range(20)]
        records += [person(start + 3 * n + 0.2, "stander", 7.5) for n in range(4)]
        records += [record(start + 20, "yard/sensor/presence_target_count/state", "0"), record(start + 20, "frigate/zone/person", "0")]
    records += [
        record(10 * n, "owntracks/xu/phone", {"_type": "location", "lat": 31.79, "lon": 119.97, "tst": T0_NS // NS_PER_S + 10 * n})
        for n in range(9)
    ]
    return sorted(records, key=lambda one: one.received_ns)


def told(facts: Facts) -> list[tuple[str, str, int, float]]:
    return [(fact.kind, str(fact.device_id), fact.t_ns, fact.score) for fact in facts if isinstance(fact, Event)]


def taken(judge: Judge, numbered: list[tuple[int, Record]], together: int) -> Facts:
    return [fact for first in range(0, len(numbered), together) for fact in judge.take(numbered[first : first + together]).facts]


@pytest.mark.parametrize("seed", range(8))
def test_stopped_anywhere_and_started_again_it_finds_the_same(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311  cuts, not secrets
    records = list(enumerate(night()))
    known = premises()
    whole = Judge(known, pipeline(known))
    expected = told(taken(whole, records, 500))
    assert {("approach", "r-1"), ("approach", "cam-1")} <= {(kind, device) for kind, device, *_ in expected}
    cut = rng.randrange(1, len(records))
    known = premises()
    first = Judge(known, pipeline(known))
    found = taken(first, records[:cut], rng.randrange(1, 90))
    known = premises()
    second = Judge(known, pipeline(known))
    since_ns = records[cut][1].received_ns - REFILL_NS
    second.take([one for one in records[:cut] if one[1].received_ns >= since_ns])
    second.pipeline.restore(json.loads(json.dumps(first.pipeline.snapshot())))
    second.configuration_changed()
    assert told(found) + told(taken(second, records[cut:], rng.randrange(1, 90))) == expected
