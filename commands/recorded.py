"""What was recorded, run once more: captures and recordings of people; and what happened, as a capture."""

import asyncio
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from commands.installation import database_of, with_log
from commands.options import input_file, placement_option, print_lines, rules, with_settings
from devices.log import Log
from devices.model import NS_PER_S, CommunityId, Placement
from notifier import rehearsal
from notifier.replay import Replay
from rules.fall.evaluation import evaluate as evaluate_detections
from rules.fall.recordings import detect as detect_falls
from store import capture, community, configuration, recordings
from store.anonymous import Anonymous
from store.exporting import Export, Span, around
from store.model import Community, InputError
from store.session import Database
from store.settings import Settings
from web import terminal

_DAY_NS = 24 * 3600 * NS_PER_S
_days_option = click.option("--days", type=click.FloatRange(min=0, min_open=True), default=7, show_default=True, help="The last so many.")


@click.command()
@click.argument("capture_file", metavar="CAPTURE.jsonl", type=input_file)
@click.option("--community", "community_file", metavar="COMMUNITY.yaml", type=input_file, required=True)
@click.option("--batch", type=click.IntRange(min=1), default=256, help="Messages taken at once; the output does not depend on it.")
def replay(capture_file: Path, community_file: Path, batch: int) -> None:
    """Run a capture through the whole core on a simulated clock."""
    print_lines(Replay(community.load(community_file), rules()).run(capture.read(capture_file), batch))


def _time(_context: click.Context, option: click.Parameter, value: str | None) -> int | None:
    """A time of the command line, in ns."""
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise click.BadParameter(f"{value} is no time, wanted such as 2026-03-01T06:00:00Z", param=option)
    return round(at.timestamp() * 1000) * (NS_PER_S // 1000)


@click.command(name="export-capture")
@click.argument("path", metavar="CAPTURE.jsonl", type=input_file)
@click.option("--community", "named", metavar="ID", help="Needed where there are several.")
@_days_option
@click.option("--since", metavar="TIME", callback=_time, help="Instead of --days: from then on, such as 2026-03-01T06:00:00Z.")
@click.option("--until", metavar="TIME", callback=_time, help="Up to then; else up to now.")
@click.option("--incident", metavar="ID", help="Instead of a time: this incident, from two hours before it, and its home alone.")
@click.option("--falls", "thinned", is_flag=True, help="Of acceleration what lies around falls, and a packet every two minutes.")
@click.option("--anonymous", is_flag=True, help="Without personal data: ids are numbers, and everything lies elsewhere.")
@with_settings
def export_capture(settings: Settings, path: Path, *, incident: str | None, thinned: bool, anonymous: bool, **which: Any) -> None:  # noqa: ANN401  the span's own
    """Write what happened as a capture, and the community file of its beginning beside it."""
    if path.suffix == ".yaml":
        raise InputError(path, "", "would be the community file beside it, wanted another name such as week.jsonl")
    database = database_of(settings)
    span, home = _span(database, **which), ""
    if incident is not None:
        if not anonymous:
            raise click.UsageError("--incident is for a test case, wanted --anonymous with it")
        span, home = around(database, span.community_id, incident, time.time_ns())
    export = Export(database, span, thinned=thinned)
    community_file = _exported(settings, export, path, Anonymous(export.document, home=home) if anonymous else None)
    click.echo(f"{path} and {community_file}")


@click.command()
@click.argument("capture_file", metavar="[CAPTURE.jsonl]", type=input_file, required=False)
@click.option("--community", "today", metavar="COMMUNITY", help="Today's file; or, without a capture, the id of one that was imported.")
@click.option("--with", "changed_file", metavar="CHANGED.yaml", type=input_file, required=True, help="The same with the change.")
@_days_option
@click.option("--json", "as_json", is_flag=True, help="JSON Lines instead of tables.")
@with_settings
def rehearse(settings: Settings, capture_file: Path | None, today: str | None, changed_file: Path, days: float, *, as_json: bool) -> None:
    """Run a capture, or the last days of this installation, under two configurations: what is gained, lost, earlier or later."""
    if capture_file is not None:
        if today is None:
            raise click.UsageError("--community is missing, wanted today's community file")
        _rehearse(capture_file, community.load(Path(today)), changed_file, as_json=as_json)
        return
    database = database_of(settings)
    span = _span(database, named=today, days=days)
    with database.read() as session:
        document = configuration.community_at(session, span.community_id) or ""
    with tempfile.TemporaryDirectory(prefix="anju-rehearse-") as folder:
        written = Path(folder, "capture.jsonl")
        _exported(settings, Export(database, span), written)
        _rehearse(written, community.parse(document, "the database"), changed_file, as_json=as_json)


def _exported(settings: Settings, export: Export, path: Path, anonymous: Anonymous | None = None) -> Path:
    """Write a span as a capture; the community file beside it."""
    with terminal.waiting("Reading the log …"):
        asyncio.run(with_log(settings, lambda log: _write(export, log, path, anonymous)))
    community_file = path.with_suffix(".yaml")
    community_file.write_text((anonymous or export).document + "\n", encoding="utf-8")
    return community_file


async def _write(export: Export, log: Log, path: Path, anonymous: Anonymous | None) -> None:
    encode = msgspec.json.Encoder().encode
    with path.open("wb") as file:
        async for line in export.lines(log):
            for one in (line,) if anonymous is None else anonymous.lines(line):
                file.write(encode(one) + b"\n")


def _span(database: Database, *, named: str | None, days: float, since: int | None = None, until: int | None = None) -> Span:
    with database.read() as session:
        known = configuration.communities(session)
    if named is not None and named not in known:
        raise InputError("--community", named, f"was never imported, wanted {' or '.join(known) or 'one that was'}")
    if named is None and len(known) != 1:
        raise InputError("--community", "", f"is missing, wanted {' or '.join(known) or 'one: no community was imported'}")
    until_ns = time.time_ns() if until is None else until
    since_ns = until_ns - round(days * _DAY_NS) if since is None else since
    if since_ns >= until_ns:
        raise InputError("--until", "", "is not after --since")
    return Span(community_id=CommunityId(named or known[0]), since_ns=since_ns, until_ns=until_ns)


def _rehearse(capture_file: Path, today: Community, changed_file: Path, *, as_json: bool) -> None:
    changed = community.load(changed_file)
    if today.id != changed.id:
        raise InputError(changed_file, "community.id", f"is {changed.id}, wanted {today.id} as it is today")
    try:
        with terminal.waiting("Rehearsing …"):
            found = rehearsal.rehearse(capture_file, today, changed, rules())
    except FileNotFoundError:
        raise InputError(capture_file, "", "cannot be read: No such file or directory") from None
    if as_json:
        print_lines(found.lines())
    else:
        terminal.show_rehearsal(found)
    for flood in found.floods:
        click.echo(f"warning: {flood}", err=True)


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
