"""State folders of earlier versions, kept as they were, are gone on with.

`fixtures/anju-0.1.tar.xz`: two people fell and a door was opened while armed, all judged; then two SOS are in the log and not judged yet.
"""

import asyncio
import tarfile
from pathlib import Path

import pytest
from fakes.brokers import PATIENCE_S, embedded
from sqlmodel import select
from stories import START

from app import pipeline  # noqa: TID251  the worker runs what the composition root composes
from devices.broker import CORE, credentials_of
from devices.log import Limits, Log
from devices.model import NS_PER_S
from store.session import Database
from store.tables import EventRow, NotificationRow
from store.worker import Worker

FIXTURES = Path(__file__).parents[1] / "fixtures"
T0_NS = round(START.timestamp()) * NS_PER_S


@pytest.mark.parametrize("version", ["0.1"])
def test_the_state_of_an_earlier_version_is_gone_on_with(tmp_path: Path, version: str) -> None:
    with tarfile.open(FIXTURES / f"anju-{version}.tar.xz") as kept:
        kept.extractall(tmp_path, filter="data")
    database = Database(f"sqlite:///{tmp_path / 'anju.db'}")
    database.upgrade()
    broker = embedded(tmp_path / "nats")
    broker.start()

    def kinds() -> list[str]:
        with database.read() as session:
            return sorted(session.exec(select(EventRow.kind)))

    async def go_on() -> None:
        log = await Log.open(broker.nats_url, CORE, credentials_of(broker.config.folder).core, Limits(max_bytes=32 << 20))
        stop = asyncio.Event()
        worker = asyncio.ensure_future(Worker(database, log, pipeline, clock=lambda: T0_NS + 60 * NS_PER_S).run(stop))
        async with asyncio.timeout(PATIENCE_S):
            while kinds().count("sos") < 2:  # noqa: ASYNC110  another connection writes it
                await asyncio.sleep(0.02)
        stop.set()
        await worker
        await log.close()

    try:
        assert kinds() == ["fall", "fall", "intrusion"]
        asyncio.run(go_on())
        assert kinds() == ["fall", "fall", "intrusion", "sos", "sos"]
        with database.read() as session:
            told = sorted(one.split(":")[0].split("-2026")[0] for one in session.exec(select(NotificationRow.id)))
        # The SOS makes an incident of xu-bo's suspected fall, and is told to his daughter and the guard.
        assert told.count("intrusion-b1-101") == 2
        assert told.count("fall-xu-bo") >= 2
    finally:
        broker.stop()
        database.close()
