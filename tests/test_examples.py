"""The examples mean what they say, say it without a warning, and tell their story."""

import re
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from fakes.command import anju

from devices.adapters import ADAPTERS
from incidents.directory import Channel
from rules.kinds import Mode
from store.capture import Acted, Arrival, ModeChanged, read
from store.community import load, parse

EXAMPLES = Path(__file__).parents[1] / "examples"
ANJU = Path(sys.executable).with_name("anju")


def test_the_example_community_is_sound_and_silent() -> None:
    estate = load(EXAMPLES / "lakeside.yaml")
    assert estate.id == "lakeside"
    assert estate.warnings == ()
    assert {fence.id for fence in estate.fences} == {"terrace", "estate"}


def test_the_example_capture_speaks_of_the_example_community_only() -> None:
    estate = load(EXAMPLES / "lakeside.yaml")
    lines = list(read(EXAMPLES / "lakeside.jsonl"))
    topics = {line.topic.split("/")[2] for line in lines if isinstance(line, Arrival)}
    assert topics <= {device.id for device in estate.devices}
    assert {line.by for line in lines if isinstance(line, Acted)} <= set(estate.directory.people)
    assert [line.mode for line in lines if isinstance(line, ModeChanged)] == [Mode.AWAY]


def test_a_fixed_line_of_the_example_is_called_and_never_texted() -> None:
    people = load(EXAMPLES / "lakeside.yaml").directory.people
    assert {person.id for person in people.values() if Channel.VOICE in person.channels and Channel.SMS not in person.channels} == {
        "li-anna",
        "city-hospital",
    }


@pytest.mark.parametrize("capture", sorted(EXAMPLES.glob("*.jsonl")), ids=lambda file: file.name)
def test_every_example_tells_its_story_without_a_rejected_message(capture: Path) -> None:
    done = anju("replay", capture, "--community", capture.with_suffix(".yaml"))
    assert (done.returncode, done.stderr) == (0, "")
    assert '"type": "notification"' in done.stdout
    assert '"type": "rejected"' not in done.stdout


def test_the_snippets_that_show_how_to_connect_things_are_sound() -> None:
    text = (EXAMPLES.parent / "docs" / "how-to" / "connect.md").read_text(encoding="utf-8")
    blocks = [dedent(block) for block in re.findall(r"^ *```yaml\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)]
    snippets = [block.removeprefix("devices:\n") for block in blocks if block.startswith("devices:\n")]
    estate = (EXAMPLES / "lakeside.yaml").read_text(encoding="utf-8").replace("{id: r-01, ", "{id: r-00, ")
    assert len(snippets) == 5
    connected = parse(estate.replace("geofences:\n", "".join(snippets) + "geofences:\n", 1), "connect.md")
    sources = {device.source.adapter for device in connected.devices if device.source is not None}
    assert sources == {adapter.name for adapter in ADAPTERS} - {"osmand"}
    assert [device.id for device in connected.devices if device.view is not None] == ["cam-01"]
