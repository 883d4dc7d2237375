"""What was recorded, run once more: captures and recordings of people."""

from pathlib import Path

import click

from commands.options import input_file, placement_option, print_lines
from devices.decode import Decoder
from devices.model import Placement
from notifier.replay import Replay
from rules.fall.evaluation import evaluate as evaluate_detections
from rules.fall.recordings import detect as detect_falls
from rules.lanes import pipeline
from store import (
    capture,
    community,
    recordings,
)
from web import terminal


@click.command()
@click.argument("capture_file", metavar="CAPTURE.jsonl", type=input_file)
@click.option("--community", "community_file", metavar="COMMUNITY.yaml", type=input_file, required=True)
@click.option("--batch", type=click.IntRange(min=1), default=256, help="Messages taken at once; the output does not depend on it.")
def replay(capture_file: Path, community_file: Path, batch: int) -> None:
    """Run a capture through the whole core on a simulated clock."""
    estate = community.load(community_file)
    premises = estate.premises()
    core = Replay(estate, pipeline(premises), Decoder(premises.registry), premises.modes)
    print_lines(core.run(capture.read(capture_file), batch))


@click.command()
@click.argument("recordings_file", metavar="RECORDINGS.npz", type=input_file)
@placement_option
def detect(recordings_file: Path, placement: Placement) -> None:
    """Run every recording through the streaming fall detector, each as a new device."""
    print_lines(
        {"recording": one.recording, "kind": one.kind, "at_s": round(one.at_s, 2), "score": round(one.score, 2), "decided_s": one.decided_s}
        for one in detect_falls(recordings.load(recordings_file), placement)
    )


@click.command()
@click.argument("recordings_file", metavar="RECORDINGS.npz", type=input_file)
@placement_option
def evaluate(recordings_file: Path, placement: Placement) -> None:
    """Show how good the fall detector is on recordings, by activity, with intervals."""
    given = recordings.load(recordings_file, labelled=True)
    terminal.show(evaluate_detections(given, detect_falls(given, placement)))
