"""What is typed at a keypad, on the real log and both databases: written with who typed it, and in force at once."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from fakes.brokers import PATIENCE_S, embedded
from sqlmodel import select
from stories import START, estate

from app import pipeline  # noqa: TID251  the rules are those that the composition root composes
from devices.broker import CORE, EmbeddedBroker, credentials_of
from devices.entry import Entry, Record, partition_of
from devices.log import Limits, Log
from devices.model import NS_PER_S, CommunityId
from rules.home import codes
from rules.kinds import Mode
from rules.pipeline import Pipeline
from rules.premises import Modes, Premises
from store import configuration
from store.session import Database
from store.tables import EventRow, ModeChangeRow
from store.worker import Worker

T0_NS = round(START.timestamp()) * NS_PER_S
WILLOW = CommunityId("willow")
DAY = [
    ("door-1", "contact", {"open": False}),
    ("k-1", "keypad", {"mode": "away", "code": "2580"}),
    ("door-1", "contact", {"open": True}),
    ("door-1", "contact", {"open": False}),
    ("k-1", "keypad", {"mode": "disarmed", "code": "8520"}),
    ("door-1", "contact", {"open": True}),
]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    server = embedded(tmp_path / "nats")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def willow(database: Database) -> Database:
    given = estate()
    given["devices"].append({"id": "k-1", "kind": "keypad", "home": "b1-101"})
    given["people"][0] |= {"code": codes.digest("2580", bytes(16)), "duress_code": codes.digest("8520", bytes(16))}
    with database.write() as session:
        configuration.append_community(session, WILLOW, T0_NS - 10 * NS_PER_S, json.dumps(given))
    return database


async def append(log: Log, from_s: float, said: Sequence[tuple[str, str, dict[str, Any]]]) -> int:
    """Append what was said, a second apart, as one entry; its number."""
    times_ns = [T0_NS + round((from_s + i) * NS_PER_S) for i in range(len(said))]
    payloads = [json.dumps({"t": at_ns // 10**6, **fields}).encode() for at_ns, (_, _, fields) in zip(times_ns, said, strict=True)]
    return await log.append(
        partition_of("willow", "b1-101"),
        [
            Record(at_ns, "embedded", f"anju/willow/{name}/{kind}", False, payload)  # noqa: FBT003
            for at_ns, payload, (name, kind, _) in zip(times_ns, payloads, said, strict=True)
        ],
    )


class Working:
    """A worker, and the premises that its rules have."""

    def __init__(self, database: Database, log: Log) -> None:
        self._stop, self._done, self._seq = asyncio.Event(), asyncio.Event(), 0
        self.premises: Premises | None = None
        self._running = asyncio.ensure_future(
            Worker(database, log, self._composed, clock=lambda: T0_NS + 60 * NS_PER_S, committed=self._committed).run(self._stop)
        )

    async def judged(self, seq: int) -> None:
        while self._seq < seq:
            self._done.clear()
            await asyncio.wait_for(self._done.wait(), PATIENCE_S)

    async def end(self) -> None:
        self._stop.set()
        await self._running

    def modes(self) -> Modes:
        assert self.premises is not None
        return self.premises.modes

    def _composed(self, premises: Premises) -> Pipeline:
        self.premises = premises
        return pipeline(premises)

    def _committed(self, entries: Sequence[Entry]) -> None:
        self._seq = max([self._seq, *(entry.seq for entry in entries)])
        self._done.set()


def told(broker: EmbeddedBroker, what: Callable[[Log], Awaitable[None]]) -> None:
    async def run() -> None:
        log = await Log.open(broker.nats_url, CORE, credentials_of(broker.config.folder).core, Limits(max_bytes=32 << 20))
        try:
            async with asyncio.timeout(3 * PATIENCE_S):
                await what(log)
        finally:
            await log.close()

    asyncio.run(run())


def changes(database: Database) -> list[tuple[str, str, float]]:
    with database.read() as session:
        rows = session.exec(select(ModeChangeRow).order_by("number"))
        return [(row.mode, row.by, (row.at_ns - T0_NS) / NS_PER_S) for row in rows]


def events(database: Database) -> list[tuple[str, str]]:
    with database.read() as session:
        return sorted((row.kind, row.subject) for row in session.exec(select(EventRow)))


def test_the_mode_holds_for_the_next_reading_and_is_written_with_who_typed_it(broker: EmbeddedBroker, willow: Database) -> None:
    async def run(log: Log) -> None:
        working = Working(willow, log)
        await working.judged(await append(log, 1, DAY))
        await working.end()

    told(broker, run)
    assert changes(willow) == [("away", "zhou-fen", 2.0), ("disarmed", "zhou-fen", 5.0)]
    assert events(willow) == [("duress", "zhou-fen"), ("intrusion", "b1-101")]


def test_what_the_keypad_set_is_in_the_modes_once_in_order_and_the_same_after_a_restart(broker: EmbeddedBroker, willow: Database) -> None:
    kept: list[list[tuple[int, Mode]]] = []

    async def run(log: Log) -> None:
        working = Working(willow, log)
        await working.judged(await append(log, 1, DAY))
        await working.judged(await append(log, 20, DAY[:2]))
        await working.judged(await append(log, 30, DAY[3:]))
        kept.append(working.modes().changes(WILLOW, "b1-101"))
        await working.end()
        again = Working(willow, log)
        await again.judged(await append(log, 40, DAY[:1]))
        kept.append(again.modes().changes(WILLOW, "b1-101"))
        await again.end()

    told(broker, run)
    assert kept[0] == kept[1]
    assert [(mode.value, (at_ns - T0_NS) / NS_PER_S) for at_ns, mode in kept[0]] == [(mode, at_s) for mode, _, at_s in changes(willow)]
    assert events(willow) == [("duress", "zhou-fen"), ("duress", "zhou-fen"), ("intrusion", "b1-101")]
