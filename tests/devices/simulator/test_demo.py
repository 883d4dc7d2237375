"""What the invented estate sends leads to what is meant, and to nothing else."""

import json
import subprocess
import sys
from datetime import datetime
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.decode import Decoder
from devices.model import NS_PER_S, SensorKind
from devices.simulator import demo, estate, life
from devices.simulator.model import RATE_HZ, Timed
from store.capture import Arrival, ModeChanged, read
from store.community import parse

ANJU = Path(sys.executable).with_name("anju")
MINUTES = 7
IMPACT_G = 3.0
"""Real falls hit the wrist with 4 g or more, nine of ten of them (docs/reference/simulated-falls.md)."""
NOTICED_S = 20.0
"""A story is noticed at most so long after it begins."""


def replayed(tmp_path: Path, seed: int) -> list[dict[str, Any]]:
    capture = tmp_path / "estate.jsonl"
    community = demo.write(capture, minutes=MINUTES, seed=seed)
    done = subprocess.run(
        [ANJU, "replay", capture, "--community", community], capture_output=True, encoding="utf-8", timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def since_s(at: str) -> float:
    return datetime.fromisoformat(at).timestamp() - demo.START_NS / NS_PER_S


AFTERWARDS = {"long_lie", "recovered"}
"""Who fell lies there for a while, and gets up."""


def meant(minutes: float) -> list[tuple[str, str]]:
    events = []
    for story in takewhile(lambda story: story.at_s < minutes * 60, demo.stories()):
        if story.kind == "fall":
            events.append(("fall", story.subject))
        else:
            events += [(kind, story.subject) for kind in ("approach", "cross")[: 1 + story.through]]
    return events


@pytest.mark.parametrize("seed", [demo.SEED, 1])
def test_the_events_are_the_stories_and_nothing_else_and_soon_after_them_those_know_whom_they_concern(tmp_path: Path, seed: int) -> None:
    lines = replayed(tmp_path, seed)
    found = [line for line in lines if line["type"] == "event"]
    noticed = [(line["kind"], line["subject"]) for line in found if line["kind"] not in AFTERWARDS]
    assert noticed == meant(MINUTES)
    fallen = {line["subject"] for line in found if line["kind"] == "fall"}
    assert {line["subject"] for line in found if line["kind"] in AFTERWARDS} <= fallen
    assert [line for line in lines if line["type"] == "rejected"] == []

    first_s = [since_s(line["at"]) for line in found if line["kind"] in {"fall", "approach"}]
    assert len(first_s) == 4
    assert all(story.at_s < at_s < story.at_s + NOTICED_S for story, at_s in zip(demo.stories(), first_s, strict=False))

    fall, walk_up = islice(demo.stories(), 2)
    told: dict[str, set[str]] = {}
    for line in lines:
        if line["type"] == "notification" and since_s(line["at"]) < 60:
            told.setdefault(line["incident"].partition("-")[0], set()).add(line["to"])
    assert {f"family-{fall.subject}", f"abroad-{fall.subject}", "guard-sun", "guard-ma"} == told["fall"]
    resident = next(one.id for one in estate.residents() if one.home.id == walk_up.subject)
    assert {f"family-{resident}", resident, "guard-sun", "guard-ma"} == told["approach"]


def test_every_message_is_accepted_and_comes_in_order() -> None:
    premises = parse(estate.community_file(), "demo.yaml").premises()
    decoder = Decoder(premises.registry)
    sent = list(takewhile(lambda message: message.at_ns < demo.START_NS + 60 * NS_PER_S, demo.messages(demo.START_NS)))
    assert sent == sorted(sent)
    routed = [
        decoder.route(message.topic, message.payload, received_ns=message.at_ns, seq=seq, retained=False)
        for seq, message in enumerate(sent)
    ]
    assert all(isinstance(messages, list | tuple) for messages in routed)
    _, rejected = decoder.decode([message for messages in routed if isinstance(messages, list | tuple) for message in messages])
    assert rejected == ()
    assert {message.topic.split("/")[3] for message in sent} == {
        kind.value
        for kind in (
            SensorKind.ACCELERATION,
            SensorKind.POSITION,
            SensorKind.TARGETS,
            SensorKind.CONTACT,
            SensorKind.MOTION,
            SensorKind.STATUS,
        )
    }
    assert {message.device for message in sent} == set(estate.devices())


def test_wearables_send_both_encodings_every_second() -> None:
    own: dict[str, list[Timed]] = {}
    for message in takewhile(lambda message: message.at_ns < demo.START_NS + 20 * NS_PER_S, demo.messages(demo.START_NS)):
        if message.topic.endswith("/acceleration"):
            own.setdefault(message.device, []).append(message)
    assert len(own) == 40
    assert {len(messages) for messages in own.values()} <= {18, 19, 20}
    packed = [all(message.payload.startswith(b"A1") for message in messages) for messages in own.values()]
    plain = [all(message.payload.startswith(b"{") for message in messages) for messages in own.values()]
    assert (sum(packed), sum(plain)) == (30, 10)


def test_the_same_seed_gives_the_same_messages_and_another_gives_others() -> None:
    first, again, other = (list(islice(demo.messages(demo.START_NS, seed), 500)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_later_beginning_shifts_everything() -> None:
    shift_ns = 3600 * NS_PER_S
    now, later = (list(islice(demo.messages(begin), 300)) for begin in (demo.START_NS, demo.START_NS + shift_ns))
    assert [(one.at_ns + shift_ns, one.topic) for one in now] == [(one.at_ns, one.topic) for one in later]


def test_stories_are_told_of_everybody_in_turn() -> None:
    stories = list(islice(demo.stories(), 2 * 34))
    falls = [story.subject for story in stories if story.kind == "fall"]
    assert len(set(falls)) == len(falls) == 34
    assert [story.at_s for story in stories[:4]] == [15.0, 30.0, 210.0, 390.0]
    assert {story.subject for story in stories if story.kind == "walk_up"} == {home for home, _ in demo.modes()}


def test_a_capture_says_the_modes_first_and_ends_when_it_was_asked_to(tmp_path: Path) -> None:
    capture = tmp_path / "estate.jsonl"
    demo.write(capture, minutes=0.1)
    lines = list(read(capture))
    count = len(demo.modes())
    assert all(isinstance(line, ModeChanged) for line in lines[:count])
    assert all(isinstance(line, Arrival) for line in lines[count:-1])
    assert lines[-1].at_ns == demo.START_NS + 6 * NS_PER_S


@pytest.mark.parametrize("seed", range(6))
def test_everyday_life_is_far_from_the_impact_of_a_fall(seed: int) -> None:
    accel_g = np.concatenate(list(islice(life.wrist(np.random.default_rng(seed), ()), 600)), axis=1)
    assert np.sqrt((accel_g**2).sum(axis=0)).max() < IMPACT_G


@pytest.mark.parametrize("seed", range(6))
def test_a_fall_hits_when_it_is_meant_to_and_somebody_walks_before_and_lies_after_it(seed: int) -> None:
    accel_g = np.concatenate(list(islice(life.wrist(np.random.default_rng(seed), (15.0,)), 60)), axis=1)
    magnitude_g = np.sqrt((accel_g**2).sum(axis=0))
    hit, rate = 15 * RATE_HZ, RATE_HZ
    assert abs(int(magnitude_g.argmax()) - hit) <= rate // 2
    assert magnitude_g.max() > IMPACT_G
    assert magnitude_g[hit - rate : hit].min() < 0.8
    assert magnitude_g[hit - 5 * rate : hit - rate].std() > 0.05
    assert magnitude_g[hit + 3 * rate :].std() < 0.05


def test_samples_are_continuous_over_packets() -> None:
    seconds = list(islice(life.wrist(np.random.default_rng(0), ()), 300))
    assert {second.shape for second in seconds} == {(3, RATE_HZ)}
    steps = np.abs(np.diff(np.concatenate(seconds, axis=1), axis=1))
    assert steps.max() < 0.5


@pytest.mark.parametrize("seed", range(20))
def test_who_walks_up_stops_before_the_line_or_goes_through_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before, through = (life.walk_up(rng, estate.LINE_M, through=through)[:, 1] for through in (False, True))
    assert estate.LINE_M + 0.4 < before.min() < estate.LINE_M + estate.APPROACH_M
    assert through.min() < estate.LINE_M - 0.8
    assert min(path[end] for path in (before, through) for end in (0, -1)) > estate.LINE_M + estate.APPROACH_M + 2.0


@pytest.mark.parametrize("seed", range(20))
def test_who_passes_by_stays_away_from_the_line(seed: int) -> None:
    assert life.pass_by(np.random.default_rng(seed))[:, 1].min() > estate.LINE_M + estate.APPROACH_M + 1.0
