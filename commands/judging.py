"""The parts that take readings and judge them."""

import click
import structlog

from commands.installation import brokers_of, database_of, with_log
from commands.options import rules, with_settings
from devices import process
from devices.ingest import Ingest
from store.lateness import Lateness
from store.routing import Partitions
from store.settings import Settings
from store.worker import Worker


@click.command()
@with_settings
def ingest(settings: Settings) -> None:
    """Take readings from every broker into the log."""
    partitions, links = Partitions(database_of(settings)), brokers_of(settings)
    process.run(lambda stop: with_log(settings, lambda log: Ingest(log, links, partitions).run(stop)))


@click.command()
@with_settings
def worker(settings: Settings) -> None:
    """Judge what is in the log."""
    database, lateness, pipeline = database_of(settings), Lateness(), rules()
    try:
        process.run(lambda stop: with_log(settings, lambda log: Worker(database, log, pipeline, committed=lateness.add).run(stop)))
    finally:
        median_ms, worst_ms = lateness.quantile_ms(0.5), lateness.quantile_ms(0.99)
        structlog.get_logger().info("worker.ended", judged=lateness.count, median_ms=round(median_ms, 1), p99_ms=round(worst_ms, 1))
