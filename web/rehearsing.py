"""The commands `anju export-capture` and `anju rehearse`: what happened as a capture, and what a change would have made of it."""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from devices.log import Log
from devices.model import NS_PER_S, CommunityId
from notifier.rehearsal import Rules, rehearse
from store import community, configuration
from store.exporting import Export, Span
from store.model import Community, InputError
from store.session import Database
from store.settings import Settings
from web import terminal

_DAY_NS = 24 * 3600 * NS_PER_S
_input_file = click.Path(path_type=Path, dir_okay=False)
_days_option = click.option("--days", type=click.FloatRange(min=0, min_open=True), default=7, show_default=True, help="The last so many.")
_falls_option = click.option(
    "--falls", "thinned", is_flag=True, help="Of acceleration what lies around falls, and a packet every two minutes."
)


def commands(
    rules: Rules,
    with_settings: Callable[[Callable[..., None]], Callable[..., None]],
    open_database: Callable[[Settings], Database],
    open_log: Callable[[Settings], Awaitable[Log]],
) -> Iterator[click.Command]:
    """The commands, for the composition root.

    Parameters
    ----------
    rules
        Makes the rules over premises.
    with_settings
        Gives a command the options of an installation.
    open_database, open_log
        Of an installation.
    """

    def exported(settings: Settings, span: Callable[[Database], Span], path: Path, *, thinned: bool) -> Path:
        database = open_database(settings)
        export = Export(database, span(database), thinned=thinned)
        asyncio.run(_write(export, lambda: open_log(settings), path))
        community_file = path.with_suffix(".yaml")
        community_file.write_text(export.document + "\n", encoding="utf-8")
        return community_file

    @click.command(name="export-capture")
    @click.argument("path", metavar="CAPTURE.jsonl", type=click.Path(path_type=Path, dir_okay=False, writable=True))
    @click.option("--community", "named", metavar="ID", help="Needed where there are several.")
    @_days_option
    @click.option("--since", metavar="TIME", callback=_time, help="Instead of --days: from then on, such as 2026-03-01T06:00:00Z.")
    @click.option("--until", metavar="TIME", callback=_time, help="Up to then; else up to now.")
    @_falls_option
    @with_settings
    def export_capture(settings: Settings, path: Path, *, thinned: bool, **which: Any) -> None:  # noqa: ANN401  the span's own
        """Write what happened as a capture, and the community file of its beginning beside it."""
        if path.suffix == ".yaml":
            raise InputError(path, "", "would be the community file beside it, wanted another name such as week.jsonl")
        with terminal.waiting("Reading the log …"):
            community_file = exported(settings, lambda database: _span(database, **which), path, thinned=thinned)
        click.echo(f"{path} and {community_file}")

    @click.command(name="rehearse")
    @click.argument("capture_file", metavar="[CAPTURE.jsonl]", type=_input_file, required=False)
    @click.option("--community", "today", metavar="COMMUNITY", help="Today's file; or, without a capture, the id of one that was imported.")
    @click.option("--with", "changed_file", metavar="CHANGED.yaml", type=_input_file, required=True, help="The same with the change.")
    @_days_option
    @click.option("--json", "as_json", is_flag=True, help="JSON Lines instead of tables.")
    @with_settings
    def rehearse_(
        settings: Settings, capture_file: Path | None, today: str | None, changed_file: Path, days: float, *, as_json: bool
    ) -> None:
        """Run a capture, or the last days of this installation, under two configurations: what is gained, lost, earlier or later."""
        if capture_file is not None:
            if today is None:
                raise click.UsageError("--community is missing, wanted today's community file")
            _rehearse(capture_file, community.load(Path(today)), changed_file, rules, as_json=as_json)
            return
        database = open_database(settings)
        span = _span(database, named=today, days=days)
        with database.read() as session:
            document = configuration.community_at(session, span.community_id) or ""
        with tempfile.TemporaryDirectory(prefix="anju-rehearse-") as folder:
            written = Path(folder, "capture.jsonl")
            with terminal.waiting("Reading the log …"):
                exported(settings, lambda _database: span, written, thinned=False)
            _rehearse(written, community.parse(document, "the database"), changed_file, rules, as_json=as_json)

    yield export_capture
    yield rehearse_


async def _write(export: Export, open_log: Callable[[], Awaitable[Log]], path: Path) -> None:
    encode = msgspec.json.Encoder().encode
    log = await open_log()
    try:
        with path.open("wb") as file:
            async for line in export.lines(log):
                file.write(encode(line) + b"\n")
    finally:
        await log.close()


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


def _rehearse(capture_file: Path, today: Community, changed_file: Path, rules: Rules, *, as_json: bool) -> None:
    changed = community.load(changed_file)
    if today.id != changed.id:
        raise InputError(changed_file, "community.id", f"is {changed.id}, wanted {today.id} as it is today")
    try:
        with terminal.waiting("Rehearsing …"):
            found = rehearse(capture_file, today, changed, rules)
    except FileNotFoundError:
        raise InputError(capture_file, "", "cannot be read: No such file or directory") from None
    if as_json:
        for line in found.lines():
            sys.stdout.write(json.dumps(line, ensure_ascii=False, sort_keys=True, allow_nan=False) + "\n")
    else:
        terminal.show_rehearsal(found)
    for flood in found.floods:
        click.echo(f"warning: {flood}", err=True)
