"""A capture without personal data is the same story, of nobody that anybody knows."""

import base64
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fakes.lakeside import example
from ruamel.yaml import YAML
from stories import at, did, estate, picked, said, tell, until

from app import pipeline  # noqa: TID251  the rules are those that the composition root composes
from devices.simulator import demo
from geofence.frames import Frame
from notifier.replay import Replay
from rules.home import codes
from store import capture, community
from store.anonymous import Anonymous

Line = dict[str, Any]
PLACE = {"type": "Polygon", "coordinates": [[[119.95, 31.78], [119.952, 31.78], [119.952, 31.782], [119.95, 31.782], [119.95, 31.78]]]}


def lines_of(file: Path) -> Iterator[Line]:
    """As an export gives them: payloads as bytes."""
    for text in file.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        yield line | ({"payload": json.dumps(line["payload"]).encode()} if "payload" in line else {})


def replayed(file: Path) -> list[Line]:
    return list(Replay(community.load(file.with_suffix(".yaml")), pipeline).run(capture.read(file), 256))


def happened(output: list[Line]) -> list[tuple[Any, ...]]:
    """What a story comes to, without who and where."""
    told = [
        tuple(line.get(key) for key in ("at", "type", "kind", "t", "score", "state", "severity", "channel", "purpose")) for line in output
    ]
    return sorted(told, key=str)


def without(folder: Path, source: Path, document: str, **which: str) -> Path:
    anonymous = Anonymous(document, **which)
    file = folder / "anonymous.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for line in lines_of(source) for one in anonymous.lines(line)), encoding="utf-8")
    file.with_suffix(".yaml").write_text(anonymous.document, encoding="utf-8")
    return file


def test_the_estate_of_the_demo_is_the_same_story_without_anybody_in_it(tmp_path: Path) -> None:
    source = tmp_path / "demo.jsonl"
    demo.write(source, minutes=1)
    given = YAML(typ="safe").load(source.with_suffix(".yaml"))
    file = without(tmp_path, source, json.dumps(given))
    assert happened(replayed(file)) == happened(replayed(source))
    text = file.read_text(encoding="utf-8") + file.with_suffix(".yaml").read_text(encoding="utf-8")
    all_of = [given["community"], *(one for section in ("homes", "people", "devices", "geofences") for one in given[section])]
    known = {one[key] for one in all_of for key in ("id", "name", "phone", "address") if key in one} | {"119.9", "31.7"}
    assert len(known) > 500
    assert [one for one in sorted(known) if one in text] == []


def test_everything_a_community_file_may_say_is_still_a_community_file() -> None:
    given = example()
    given["people"][0] |= {"code": codes.digest("2580", bytes(16)), "contacts": [{"email": "wang@example.cn"}, {"push": "secret"}]}
    given["homes"][0] |= {"access": "钥匙在花盆下", "footprint": PLACE, "datum": "gcj02"}
    made = Anonymous(json.dumps(given)).document
    assert community.parse(made, "anonymous").directory.people.keys() == {f"person-{n + 1}" for n in range(len(given["people"]))}
    assert [word for word in ("花盆", "wang", "secret", "王", "2580", "gcj02") if word in made] == []


def test_places_are_as_far_from_one_another_as_before() -> None:
    given = estate()
    given["homes"][0] |= {"footprint": PLACE, "datum": "gcj02"}
    plain = estate()
    plain["homes"][0] |= {"footprint": PLACE}
    shifted, same = (json.loads(Anonymous(json.dumps(one)).document)["homes"][0]["footprint"]["coordinates"][0] for one in (given, plain))
    for ring in (shifted, same):
        metres = community_metres(ring)
        assert metres == pytest.approx([189.5, 221.8, 189.5, 221.8], abs=1.0)


def community_metres(ring: list[list[float]]) -> list[float]:
    frame = Frame.at(*ring[0])
    corners = [frame.metres(*one) for one in ring]
    return [float(((b - a) ** 2).sum() ** 0.5) for a, b in pairwise(corners)]


def test_a_code_that_is_typed_is_another_that_is_the_same_persons(tmp_path: Path) -> None:
    given = estate()
    given["devices"].append({"id": "k-1", "kind": "keypad", "home": "b1-101"})
    given["people"][0] |= {"code": codes.digest("2580", bytes(16)), "duress_code": codes.digest("8520", bytes(16))}
    typed = [("away", "2580"), ("disarmed", "7777"), ("disarmed", "8520")]
    output = tell(
        tmp_path, [*(said(60 * n, "k-1", "keypad", mode=mode, code=code) for n, (mode, code) in enumerate(typed)), until(400)], given
    )
    file = without(tmp_path, tmp_path / "capture.jsonl", json.dumps(given))
    assert happened(replayed(file)) == happened(output)
    assert next(line["kind"] for line in picked(output, "incident")) == "duress"
    assert [code for _, code in typed if code in file.read_text(encoding="utf-8")] == []


def test_of_one_home_alone_nothing_of_the_others_stays_and_acts_and_words_are_theirs(tmp_path: Path) -> None:
    lines = [
        said(0, "w-1", "button", pressed="sos", note="妈妈在卧室"),
        said(5, "w-2", "button", pressed="sos"),
        did(30, "zhou-jie", "acknowledge", "zhou-fen"),
        did(40, "emma-xu", "acknowledge", "xu-bo"),
        {**until(50), "silence": {"by": "zhou-jie", "subject": "zhou-fen", "reason": "妈妈在医院", "minutes": 10}},
        until(100),
    ]
    tell(tmp_path, lines)
    file = without(tmp_path, tmp_path / "capture.jsonl", json.dumps(estate()), home="b1-101")
    kept = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [next(key for key in line if key != "at") if len(line) > 1 else "" for line in kept] == ["topic", "act", "silence", ""]
    assert "妈妈" not in file.read_text(encoding="utf-8")
    found = [(line["kind"], line["state"]) for line in picked(replayed(file), "incident", subject=kept[1]["act"]["subject"])]
    assert found == [("sos", "open"), ("sos", "acknowledged"), ("silence", "acknowledged")]


def test_what_is_set_aside_and_what_says_more_than_is_understood_goes() -> None:
    anonymous = Anonymous(json.dumps(estate()))
    broken = base64.b64encode("周芬 \xff".encode()).decode()
    lines = [
        said(0, "nobody", "button", pressed="sos"),
        {**until(0), "topic": "anju/willow/w-1/button", "payload_b64": broken},
        {**until(0), "topic": "zigbee2mqtt/周芬的门", "payload_b64": broken},
        said(0, "w-1", "position", lon=119.95, lat=31.78, accuracy_m=5, datum="wgs84", ssid="周家"),
    ]
    kept = [
        one
        for line in lines
        for one in anonymous.lines(line | ({"payload": json.dumps(line["payload"]).encode()} if "payload" in line else {}))
    ]
    assert len(kept) == 1
    assert kept[0]["topic"].startswith("anju/somewhere/device-")
    assert kept[0]["payload"].keys() == {"t", "lon", "lat", "accuracy_m"}
    assert kept[0]["at"] == at(0)
