"""Anju's composition root and command line: the whole pipeline on one page.

    message ─▶ Decoder ─▶ Pipeline of LANES ─▶ facts ─▶ incidents (lifecycle, escalation) ─▶ Deliveries ─▶ gateway

Exit status: 0 done, 2 the input is wrong (one line on standard error), 1 anything else.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
from platformdirs import user_state_path

from devices.decode import Decoder
from devices.model import Placement
from devices.sensors.acceleration import ACCELERATION
from devices.sensors.button import BUTTON
from devices.sensors.contact import CONTACT
from devices.sensors.position import POSITION
from devices.sensors.status import STATUS
from devices.sensors.targets import TARGETS
from devices.simulator.recordings import write as write_capture
from notifier.replay import Replay
from rules.fall.evaluation import evaluate as evaluate_detections
from rules.fall.recordings import detect as detect_falls
from rules.fall.rule import Fall
from rules.fault import Clock, LowBattery, Offline, Tamper
from rules.geofence import Area, Line
from rules.intrusion import Intrusion
from rules.model import Lane, Premises
from rules.pipeline import Pipeline
from rules.sos import Sos
from store import capture, community, importing, recordings
from store.model import InputError
from web import terminal


def pipeline(premises: Premises) -> Pipeline:
    """Every rule, in the lanes of the readings it looks at; a rule that needs two kinds stands in two lanes."""
    line = Line(premises)
    return Pipeline(
        Offline(premises),
        (
            Lane(BUTTON, Sos(premises)),
            Lane(ACCELERATION, Fall(premises)),
            Lane(POSITION, Area(premises), line),
            Lane(TARGETS, line),
            Lane(CONTACT, Intrusion(premises)),
            Lane(STATUS, Tamper(premises), LowBattery(premises)),
        ),
        faults=(Clock(premises),),
    )


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="anju")
def cli() -> None:
    """Anju (安居): alerts that reach a person and end with one."""


input_file = click.Path(path_type=Path, dir_okay=False)
placement_option = click.option(
    "--placement",
    type=click.Choice([placement.value for placement in Placement]),
    callback=lambda _context, _option, value: Placement(value),
    default=Placement.UNKNOWN.value,
    show_default=True,
    help="Where the wearable is worn.",
)


@cli.command()
@click.argument("capture_file", metavar="CAPTURE.jsonl", type=input_file)
@click.option("--community", "community_file", metavar="COMMUNITY.yaml", type=input_file, required=True)
@click.option("--batch", type=click.IntRange(min=1), default=256, help="Messages taken at once; the output does not depend on it.")
def replay(capture_file: Path, community_file: Path, batch: int) -> None:
    """Run a capture through the whole core on a simulated clock."""
    estate = community.load(community_file)
    premises = estate.premises()
    core = Replay(estate, pipeline(premises), Decoder(premises.registry), premises.modes)
    _print_lines(core.run(capture.read(capture_file), batch))


@cli.command()
@click.argument("recordings_file", metavar="RECORDINGS.npz", type=input_file)
@placement_option
def detect(recordings_file: Path, placement: Placement) -> None:
    """Run every recording through the streaming fall detector, each as a new device."""
    _print_lines(
        {"recording": one.recording, "kind": one.kind, "at_s": round(one.at_s, 2), "score": round(one.score, 2), "decided_s": one.decided_s}
        for one in detect_falls(recordings.load(recordings_file), placement)
    )


@cli.command()
@click.argument("recordings_file", metavar="RECORDINGS.npz", type=input_file)
@placement_option
def evaluate(recordings_file: Path, placement: Placement) -> None:
    """Show how good the fall detector is on recordings, by activity, with intervals."""
    given = recordings.load(recordings_file, labelled=True)
    terminal.show(evaluate_detections(given, detect_falls(given, placement)))


@cli.command()
@click.option("--recordings", "recordings_file", metavar="FILE.npz", type=input_file, required=True)
@click.option(
    "--capture", "capture_file", metavar="FILE", type=input_file, required=True, help="Written, and its community file beside it."
)
@click.option("--count", type=click.IntRange(min=1), default=40, show_default=True, help="How many recordings, side by side.")
@placement_option
def simulate(recordings_file: Path, capture_file: Path, count: int, placement: Placement) -> None:
    """Write recordings of people as the capture of so many wearables."""
    click.echo(write_capture(recordings.load(recordings_file), count=count, path=capture_file, placement=placement))


@cli.command(name="import")
@click.argument("community_file", metavar="COMMUNITY.yaml", type=input_file)
@click.option("--prune", is_flag=True, help="Remove what the file leaves out.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.option(
    "--state", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), default=user_state_path("anju"), show_default=True
)
def import_(community_file: Path, *, prune: bool, dry_run: bool, state: Path) -> None:
    """Create or update a community from a file; changes nothing if anything is wrong."""
    plan = importing.plan(state, community_file, prune=prune)
    for warning in plan.community.warnings:
        click.echo(f"warning: {warning}", err=True)
    for change in plan.changes:
        click.echo(change)
    if not dry_run:
        importing.apply(plan)


def _print_lines(lines: Iterable[Mapping[str, Any]]) -> None:
    for line in lines:
        sys.stdout.write(json.dumps(line, ensure_ascii=False, sort_keys=True, allow_nan=False) + "\n")


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"anju: {error.format_message()}", err=True)
        sys.exit(error.exit_code)
    except InputError as error:
        click.echo(f"anju: {error}", err=True)
        sys.exit(2)
    except BrokenPipeError:  # whoever read our lines has gone; nothing more can be said to them, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        click.echo(f"anju: {error}", err=True)
        sys.exit(1)
