"""What an installation keeps things in and hears devices by, by its settings: database, log, brokers."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from devices import broker
from devices.log import Limits, Log
from devices.mqtt import BrokerLink
from store.session import Database
from store.settings import Settings

COMMAND_LINE = Path(__file__).parents[1] / "app.py"


def database_of(settings: Settings) -> Database:
    """Its database, brought up to date."""
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(settings.database)
    database.upgrade()
    return database


async def open_log(settings: Settings) -> Log:
    """A connection to its log."""
    user, password = os.environ.get("ANJU_NATS_USER", ""), os.environ.get("ANJU_NATS_PASSWORD", "")
    if not settings.nats_url:
        user, password = broker.CORE, broker.credentials_of(settings.nats_folder).core
    return await Log.open(
        settings.nats_url or embedded_broker(settings).nats_url,
        user,
        password,
        Limits(max_age_s=settings.log_s, max_bytes=settings.log_bytes),
    )


async def with_log(settings: Settings, work: Callable[[Log], Awaitable[None]]) -> None:
    """Do something with its log."""
    log = await open_log(settings)
    try:
        await work(log)
    finally:
        await log.close()


def embedded_broker(settings: Settings) -> broker.EmbeddedBroker:
    """The server that it runs itself."""
    return broker.EmbeddedBroker(
        broker.BrokerConfig(
            folder=settings.nats_folder, nats_port=settings.nats_port, mqtt_port=settings.mqtt_port, log_bytes=settings.log_bytes
        )
    )


def brokers_of(settings: Settings) -> list[BrokerLink]:
    """Every broker that devices may be connected to, the embedded one last."""
    links = [
        BrokerLink(name=one.name, url=one.url, topics=one.topics, username=one.username, password=one.password()) for one in settings.broker
    ]
    if not settings.nats_url:
        token = broker.credentials_of(settings.nats_folder).ingest
        links.append(BrokerLink(name="embedded", url=embedded_broker(settings).mqtt_url, username=broker.INGEST, password=token))
    return links
