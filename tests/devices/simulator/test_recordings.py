"""Recordings written as a capture."""

import base64
import json
import struct
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import phonenumbers
import pytest
from ruamel.yaml import YAML

from devices.model import NS_PER_S, Placement
from devices.simulator.recordings import START, Summary, choose, devices, messages, text, write
from rules.fall.recordings import Recordings

LENGTHS = [130, 500, 75, 1000, 50, 49]


@pytest.fixture
def recordings() -> Recordings:
    acc = np.random.default_rng(3).integers(-4000, 4000, (3, sum(LENGTHS))).astype(np.int16)
    return Recordings(
        acc=acc, off=np.concatenate([[0], np.cumsum(LENGTHS)]).astype(np.int32), act=np.array(["F01", "D01", "F02", "D02", "D03", "F03"])
    )


@pytest.fixture
def written(recordings: Recordings, tmp_path: Path) -> Summary:
    return write(recordings, count=6, path=tmp_path / "people.jsonl", placement=Placement.WAIST)


def lines(summary: Summary) -> list[dict[str, Any]]:
    return [json.loads(line) for line in summary.capture.read_text(encoding="utf-8").splitlines()]


def opened(line: dict[str, Any]) -> tuple[int, float, int, np.ndarray]:
    payload = base64.b64decode(line["payload_b64"])
    magic, count, rate_hz, time_us = struct.unpack("<2sHfq", payload[:16])
    assert magic == b"A1"
    assert len(payload) == 16 + 6 * count
    return count, rate_hz, time_us, np.frombuffer(payload[16:], "<i2").reshape(count, 3)


def test_every_sample_of_a_recording_is_in_its_devices_packets(recordings: Recordings, written: Summary) -> None:
    for i, (device, index, activity) in enumerate(written.chosen):
        own = [opened(line) for line in lines(written) if line.get("topic") == f"anju/rehearsal/{device}/acceleration"]
        samples = np.concatenate([xyz for *_, xyz in own]).T
        np.testing.assert_array_equal(samples, recordings.acc[:, recordings.off[index] : recordings.off[index + 1]])
        assert [count for count, *_ in own] == [50] * (LENGTHS[i] // 50) + ([LENGTHS[i] % 50] if LENGTHS[i] % 50 else [])
        assert {rate_hz for _, rate_hz, *_ in own} == {50.0}
        assert recordings.act is not None
        assert activity == recordings.act[index]


def test_a_packet_arrives_when_it_is_full(written: Summary) -> None:
    for line in lines(written)[:-1]:
        count, rate_hz, time_us, _ = opened(line)
        assert datetime.fromisoformat(line["at"]).timestamp() == pytest.approx(time_us / 1e6 + count / rate_hz, abs=1e-3)


def test_lines_are_in_time_order_and_the_last_lets_two_minutes_pass(written: Summary) -> None:
    times = [line["at"] for line in lines(written)]
    assert times == sorted(times)
    assert lines(written)[-1].keys() == {"at"}
    assert (datetime.fromisoformat(times[-1]) - datetime.fromisoformat(times[-2])).total_seconds() == 120


def test_the_same_recordings_give_the_same_bytes(recordings: Recordings, written: Summary, tmp_path: Path) -> None:
    again = write(recordings, count=6, path=tmp_path / "again.jsonl", placement=Placement.WAIST)
    assert again.capture.read_bytes() == written.capture.read_bytes()
    assert again.community.read_bytes() == written.community.read_bytes()


def test_every_person_has_a_device_a_home_and_a_relative_who_can_be_told(written: Summary) -> None:
    community = YAML(typ="safe").load(written.community)
    residents = {person["id"] for person in community["people"] if "resident" in person["roles"]}
    assert {device["wearer"] for device in community["devices"]} == residents
    assert [device["id"] for device in community["devices"]] == [device for device, _, _ in written.chosen]
    assert {device["placement"] for device in community["devices"]} == {"waist"}
    assert {person["of"][0] for person in community["people"] if "relative" in person["roles"]} == residents
    assert len({home["id"] for home in community["homes"]}) == len({home["address"] for home in community["homes"]}) == 6
    assert {person.get("language") for person in community["people"]} == {None, "zh", "en"}
    ids = [entry["id"] for part in ("people", "homes", "devices") for entry in community[part]]
    assert len(ids) == len(set(ids))


def test_every_phone_is_possible_and_its_own(recordings: Recordings, tmp_path: Path) -> None:
    many = Recordings(acc=recordings.acc, off=np.minimum(np.arange(502), recordings.off[-1]).astype(np.int32))
    summary = write(many, count=500, path=tmp_path / "many.jsonl", placement=Placement.WRIST)
    phones = [person["phone"] for person in YAML(typ="safe").load(summary.community)["people"] if "phone" in person]
    assert len(phones) == len(set(phones)) == 503
    assert all(phonenumbers.is_possible_number(phonenumbers.parse(phone)) for phone in phones)
    assert 'phone: "+8613800000001"' in summary.community.read_text(encoding="utf-8")


def test_recordings_are_chosen_evenly_and_each_once() -> None:
    assert choose(660, 3).tolist() == [0, 330, 659]
    assert choose(5, 40).tolist() == [0, 1, 2, 3, 4]
    assert choose(660, 1).tolist() == [0]
    assert len(choose(2825, 40)) == 40


def test_the_summary_says_what_was_fed(written: Summary) -> None:
    first, *rest = str(written).splitlines()
    assert "6 recordings, 3 of falls" in first
    assert rest[0].split() == ["w-001", "recording", "0", "F01"]


def test_what_is_published_live_is_what_the_capture_holds(recordings: Recordings, written: Summary) -> None:
    chosen = choose(len(LENGTHS), 6)
    live = list(messages(recordings, chosen, round(START.timestamp()) * NS_PER_S))
    captured = lines(written)[:-1]
    assert [(one.topic, one.payload) for one in live] == [(line["topic"], base64.b64decode(line["payload_b64"])) for line in captured]
    assert [one.at_ns // 1_000_000 for one in live] == [round(datetime.fromisoformat(line["at"]).timestamp() * 1000) for line in captured]
    assert live == sorted(live)


def test_live_the_first_sample_is_measured_now(recordings: Recordings) -> None:
    now_ns = 1_800_000_000_123_456_789
    first = next(messages(recordings, choose(len(LENGTHS), 1), now_ns))
    assert struct.unpack("<2sHfq", first.payload[:16])[3] == now_ns // 1000
    assert first.at_ns == now_ns // 1000 * 1000 + NS_PER_S


def test_the_community_file_can_be_had_without_a_capture(written: Summary) -> None:
    assert text(6, Placement.WAIST) == written.community.read_text(encoding="utf-8")
    assert devices(6) == tuple(device for device, _, _ in written.chosen)
