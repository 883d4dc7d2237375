"""Anju's composition root and command line: the whole service on one page.

    devices ─▶ broker ─▶ ingest ─▶ log ─▶ worker: Decoder ─▶ Pipeline of LANES ─▶ incidents ─▶ outbox ─▶ dispatch ─▶ gateway
                                                                                    └──────▶ web

Exit status: 0 done, 2 the input is wrong (one line on standard error), 1 anything else.
"""

import functools
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import click
import structlog

from devices import broker, process
from devices.decode import Decoder
from devices.ingest import Ingest
from devices.log import Limits, Log, LogError
from devices.model import Placement
from devices.mqtt import BrokerLink
from devices.sensors.acceleration import ACCELERATION
from devices.sensors.button import BUTTON
from devices.sensors.contact import CONTACT
from devices.sensors.position import POSITION
from devices.sensors.status import STATUS
from devices.sensors.targets import TARGETS
from devices.simulator.recordings import write as write_capture
from devices.supervisor import Supervisor
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
from store.estates import community_of
from store.lateness import Lateness
from store.model import InputError, StoreError
from store.routing import Partitions
from store.session import Database
from store.settings import Settings
from store.settings import load as load_settings
from store.worker import Worker
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


def _with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """The options of whatever works on an installation, which is called with its settings."""

    @click.option("--config", metavar="anju.toml", type=input_file, help="Settings; none are needed.")
    @click.option("--state", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), help="Folder of all that is kept.")
    @functools.wraps(command)
    def with_settings(config: Path | None, state: Path | None, **others: Any) -> None:  # noqa: ANN401  the command's own options
        process.log_lines(command.__name__)
        command(load_settings(config, state), **others)

    return with_settings


@cli.command()
@_with_settings
def serve(settings: Settings) -> None:
    """Run the whole service on this machine."""
    stop = process.until_told()
    _database(settings).close()
    given = [f"--{name}={value}" for name in ("config", "state") if (value := click.get_current_context().params[name])]
    parts = {part: [sys.executable, __file__, part, *given] for part in ("ingest", "worker", "dispatch", "web")}
    embedded = None if settings.nats_url else _embedded(settings)
    if embedded is None:
        Supervisor(parts).run(stop)
        return
    try:
        embedded.start()
        Supervisor(parts, embedded.keep).run(stop)
    finally:
        embedded.stop()


@cli.command()
@_with_settings
def ingest(settings: Settings) -> None:
    """Take readings from every broker into the log."""
    links = [
        BrokerLink(name=one.name, url=one.url, topics=one.topics, username=one.username, password=one.password()) for one in settings.broker
    ]
    if not settings.nats_url:
        token = broker.credentials_of(settings.nats_folder).ingest
        links.append(BrokerLink(name="embedded", url=_embedded(settings).mqtt_url, username=broker.INGEST, password=token))
    partitions = Partitions(_database(settings))
    process.run(lambda stop: _with_log(settings, lambda log: Ingest(log, links, partitions).run(stop)))


@cli.command()
@_with_settings
def worker(settings: Settings) -> None:
    """Judge what is in the log."""
    database, lateness = _database(settings), Lateness()
    try:
        process.run(lambda stop: _with_log(settings, lambda log: Worker(database, log, pipeline, committed=lateness.add).run(stop)))
    finally:
        median_ms, worst_ms = lateness.quantile_ms(0.5), lateness.quantile_ms(0.99)
        structlog.get_logger().info("worker.ended", judged=lateness.count, median_ms=round(median_ms, 1), p99_ms=round(worst_ms, 1))


@cli.command()
@_with_settings
def dispatch(settings: Settings) -> None:
    """Tell people, and go on until somebody has it."""


@cli.command()
@_with_settings
def web(settings: Settings) -> None:
    """Show the pages."""


@cli.command(name="import")
@click.argument("community_file", metavar="COMMUNITY.yaml", type=input_file)
@click.option("--prune", is_flag=True, help="Remove what the file leaves out.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@_with_settings
def import_(settings: Settings, community_file: Path, *, prune: bool, dry_run: bool) -> None:
    """Create or update a community from a file; changes nothing if anything is wrong."""
    is_new = dry_run and settings.database.startswith("sqlite") and not Path(settings.database.removeprefix("sqlite:///")).exists()
    database = None if is_new else _database(settings)
    plan = importing.plan(importing.kept_in(database) if database else lambda _new: None, community_file, prune=prune)
    for warning in plan.warnings:
        click.echo(f"warning: {warning}", err=True)
    for change in plan.changes:
        click.echo(change)
    if database and not dry_run:
        importing.apply(database, plan, time.time_ns())


@cli.group()
def device() -> None:
    """Devices that may connect to the embedded server."""


@device.command()
@click.argument("device_id", metavar="ID")
@click.option("--community", "community_id", metavar="COMMUNITY", help="Whose device it is; needed where there are several communities.")
@_with_settings
def credentials(settings: Settings, device_id: str, community_id: str | None) -> None:
    """Make a device new credentials and print them once; earlier ones end."""
    with _database(settings).read() as session:
        user, token = broker.new_device(settings.nats_folder, community_of(session, device_id, community_id), device_id)
    click.echo(f"user {user}\npassword {token}")


def _embedded(settings: Settings) -> broker.EmbeddedBroker:
    return broker.EmbeddedBroker(
        broker.BrokerConfig(
            folder=settings.nats_folder, nats_port=settings.nats_port, mqtt_port=settings.mqtt_port, log_bytes=settings.log_bytes
        )
    )


def _database(settings: Settings) -> Database:
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(settings.database)
    database.upgrade()
    return database


async def _with_log(settings: Settings, work: Callable[[Log], Awaitable[None]]) -> None:
    user, password = os.environ.get("ANJU_NATS_USER", ""), os.environ.get("ANJU_NATS_PASSWORD", "")
    if not settings.nats_url:
        user, password = broker.CORE, broker.credentials_of(settings.nats_folder).core
    log = await Log.open(
        settings.nats_url or _embedded(settings).nats_url, user, password, Limits(max_age_s=settings.log_s, max_bytes=settings.log_bytes)
    )
    try:
        await work(log)
    finally:
        await log.close()


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
    except click.Abort:
        sys.exit(130)
    except BrokenPipeError:  # whoever read our lines has gone; nothing more can be said to them, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (OSError, StoreError, LogError, broker.BrokerError) as error:
        click.echo(f"anju: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
