"""The whole service."""

import sys

import click

from commands.installation import COMMAND_LINE, database_of, embedded_broker
from commands.options import with_settings
from devices import process
from devices.supervisor import Supervisor
from store.settings import Settings


@click.command()
@with_settings
def serve(settings: Settings) -> None:
    """Run the whole service on this machine."""
    stop = process.until_told()
    database_of(settings).close()
    given = [f"--{name}={value}" for name in ("config", "state") if (value := click.get_current_context().params[name])]
    wanted = ("ingest", "worker", "dispatch", "web", *(("public",) if settings.public else ()))
    parts = {part: [sys.executable, str(COMMAND_LINE), part, *given] for part in wanted}
    embedded = None if settings.nats_url else embedded_broker(settings)
    if embedded is None:
        Supervisor(parts).run(stop)
        return
    click.echo(f"http://{settings.http}", err=True)
    try:
        embedded.start()
        Supervisor(parts, embedded.keep).run(stop)
    finally:
        embedded.stop()
