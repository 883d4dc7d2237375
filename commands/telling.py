"""The part that tells people."""

import os
import socket
import time

import click

from commands.installation import brokers_of, database_of
from commands.options import with_settings
from commands.ways import gateways_of, routes_of, spending_of
from devices import process
from notifier.dispatch import Dispatcher
from notifier.dispatch import run as run_dispatcher
from notifier.gateways.wearable import WearableGateway
from notifier.paging import Pager
from store.links import Links
from store.settings import Settings


@click.command()
@with_settings
def dispatch(settings: Settings) -> None:
    """Tell people, and go on until somebody has it."""
    database, stop = database_of(settings), process.until_told()
    chosen = gateways_of(settings)
    gateways = [*chosen, WearableGateway(brokers_of(settings))]
    with process.alone(settings.state / "dispatch.lock", stop):
        worker = f"dispatch@{socket.gethostname()}"
        links = Links.of(settings.public_url, settings.state)
        pager = Pager.from_environment(os.environ, database, time.time_ns)
        dispatcher = Dispatcher(
            database, gateways, worker=worker, routes=routes_of(settings), ways_back=links, spending=spending_of(settings), pager=pager
        )
        run_dispatcher(dispatcher, stop)
