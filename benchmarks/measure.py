"""What every measurement has in common: a server and a database of its own, and figures that say what they are."""

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from benchmarks import fleet
from devices.broker import CORE, INGEST, BrokerConfig, EmbeddedBroker, credentials_of
from devices.log import Limits, Log
from devices.model import NS_PER_S, CommunityId
from devices.mqtt import BrokerLink
from devices.process import free_port
from store import configuration
from store.session import Database

Figures = Mapping[str, float | int | str]
LOG_BYTES = 3 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A server and a database of its own, in a temporary folder."""

    broker: EmbeddedBroker
    database: Database
    folder: Path

    @property
    def link(self) -> BrokerLink:
        """How ingest takes from the server."""
        token = credentials_of(self.broker.config.folder).ingest
        return BrokerLink(name="embedded", url=self.broker.mqtt_url, username=INGEST, password=token)

    async def log(self) -> Log:
        """A connection to the log."""
        return await Log.open(self.broker.nats_url, CORE, credentials_of(self.broker.config.folder).core, Limits(max_bytes=LOG_BYTES // 2))


@contextmanager
def bench(devices: int) -> Iterator[Bench]:
    """Start a server and make a database with a fleet; both are gone afterwards."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    folder = Path(tempfile.mkdtemp(prefix="anju-bench-"))
    server = EmbeddedBroker(
        BrokerConfig(folder=folder / "nats", nats_port=free_port(), mqtt_port=free_port(), log_bytes=LOG_BYTES, backlog_bytes=LOG_BYTES)
    )
    database = Database(f"sqlite:///{folder / 'anju.db'}")
    try:
        database.upgrade()
        with database.write() as session:
            begin_ns = time.time_ns() - 3600 * NS_PER_S
            configuration.append_community(session, CommunityId(fleet.COMMUNITY), begin_ns, fleet.community(devices))
        server.start()
        yield Bench(broker=server, database=database, folder=folder)
    finally:
        server.stop()
        database.close()
        shutil.rmtree(folder)


async def until(done: Callable[[], bool]) -> None:
    """Wait for something that happens in another thread."""
    while not done():  # noqa: ASYNC110  a thread does it
        await asyncio.sleep(0.002)


def tell(figures: Figures, *, as_json: bool) -> None:
    """Print figures, as one line of JSON or as lines to read."""
    if as_json:
        print(json.dumps(figures, ensure_ascii=False))
        return
    width = max(len(name) for name in figures)
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):<{width}}  {value:,}" if isinstance(value, float | int) else f"{name:<{width}}  {value}")
