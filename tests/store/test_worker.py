"""The worker on the real log and both databases: cut anywhere, it writes what it writes undisturbed, once."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes.brokers import PATIENCE_S, embedded
from sqlmodel import select
from stories import ESTATE, START

from app import pipeline  # noqa: TID251  the rules are those that the composition root composes
from devices.broker import CORE, EmbeddedBroker, credentials_of
from devices.entry import Entry, Record, partition_of
from devices.log import STREAM, Limits, Log
from devices.model import NS_PER_S, CommunityId, HomeId, PersonId
from rules.kinds import Mode
from store import configuration
from store.model import PositionLostError
from store.session import Database
from store.tables import EventRow, IncidentRow, ModeChangeRow, NotificationRow, RejectedCountRow
from store.worker import Worker

T0_NS = round(START.timestamp()) * NS_PER_S
WILLOW = CommunityId("willow")
HAPPENED = [
    *[("fall", "xu-bo"), ("fall", "zhou-fen"), ("intrusion", "b1-101")],
    *[("long_lie", "xu-bo"), ("long_lie", "zhou-fen"), ("sos", "xu-bo"), ("sos", "xu-bo")],
]


class Dropped(BaseException):
    """Nothing in the worker handles it: as if it had been killed."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    server = embedded(tmp_path / "nats")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def _short_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that hears nothing looks at the clock, which these tests move at each look."""
    monkeypatch.setattr("store.worker.IDLE_S", 0.05)


@pytest.fixture
def willow(database: Database) -> Database:
    """The estate as it is from long before the story on; b1-101 is armed."""
    settle(database)
    return database


def settle(database: Database) -> None:
    with database.write() as session:
        configuration.append_community(session, WILLOW, T0_NS - 10 * NS_PER_S, json.dumps(ESTATE))
        configuration.change_mode(session, WILLOW, HomeId("b1-101"), Mode.AWAY, at_ns=T0_NS, by=PersonId("zhou-jie"))


def record(at_s: float, device: str, kind: str, payload: bytes) -> Record:
    return Record(T0_NS + round(at_s * NS_PER_S), "embedded", f"anju/willow/{device}/{kind}", False, payload)  # noqa: FBT003


def said(at_s: float, device: str, kind: str, measured_s: float = 0.0, **fields: Any) -> Record:
    return record(at_s, device, kind, json.dumps({"t": T0_NS // 10**6 + round((at_s + measured_s) * 1000), **fields}).encode())


def a_fall(at_s: float, device: str, seed: int = 1) -> list[Record]:
    """Somebody who walks, falls and lies still: packets of a second each, sent when they are full."""
    rate = 50

    def lasting(seconds: float, *xyz: float) -> np.ndarray:
        return np.tile(np.array(xyz)[:, None], round(seconds * rate))

    t = np.arange(round(6 * rate)) / rate
    walking = np.stack([0.15 * np.sin(2 * np.pi * t), 0.1 * np.cos(4 * np.pi * t), 1 + 0.25 * np.sin(4 * np.pi * t)])
    t = np.arange(round(0.3 * rate)) / rate
    hit = np.array([[0.8], [0.3], [0.5]]) * (1 + 3.5 * np.exp(-(((t - 0.08) / 0.06) ** 2)))
    signal = np.concatenate([walking, lasting(0.5, 0.1, 0.1, 0.3), hit, lasting(9.2, 0.98, 0.05, 0.15)], axis=1)
    signal = signal + np.random.default_rng(seed).normal(0, 0.01, signal.shape)
    return [
        said(at_s + second + 1, device, "acceleration", -1.0, rate_hz=rate, unit="g", xyz=np.round(packet.T, 3).tolist())
        for second, packet in enumerate(np.split(signal, 16, axis=1))
    ]


def story() -> list[Record]:
    """Two falls, an SOS, a door opened while armed; and messages that are set aside."""
    records = [
        *a_fall(0, "w-1"),
        *a_fall(4, "w-2", seed=2),
        said(1, "door-1", "contact", open=False),
        said(12, "door-1", "contact", open=True),
        said(40, "w-2", "button", pressed="sos"),
        said(41, "w-2", "button", pressed="sos"),
        record(15, "w-1", "acceleration", b"garbage"),
        said(16, "w-99", "button", pressed="sos"),
        said(13, "w-1", "status", battery_percent=80),
    ]
    return sorted([*records, records[20]], key=lambda one: one.received_ns)


async def append(log: Log, records: Sequence[Record], together: int = 5) -> int:
    """Append as ingest does, by partition; the last entry's number."""
    seq = 0
    for first in range(0, len(records), together):
        by_home: dict[int, list[Record]] = {}
        for one in records[first : first + together]:
            home = "b1-102" if "/w-2/" in one.topic else "b1-101"
            by_home.setdefault(partition_of("willow", home), []).append(one)
        for partition, some in by_home.items():
            seq = await log.append(partition, some)
    return seq


async def judge(log: Log, database: Database, to_seq: int, *, after: int | None = None, clock_s: float = 60.0) -> None:
    """Run a worker until it has judged an entry; or, dropped without a word, until so many transactions were kept."""
    done = asyncio.Event()
    kept = 0

    def committed(entries: Sequence[Entry]) -> None:
        nonlocal kept
        kept += 1
        if entries and entries[-1].seq >= to_seq:
            done.set()
        elif kept == after:
            raise Dropped

    stop = asyncio.Event()
    worker = asyncio.ensure_future(
        Worker(database, log, pipeline, clock=lambda: T0_NS + round(clock_s * NS_PER_S), committed=committed).run(stop)
    )
    waiting = asyncio.ensure_future(done.wait())
    await asyncio.wait((worker, waiting), timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    stop.set()
    await worker


def told(broker: EmbeddedBroker, what: Callable[[Log], Awaitable[None]]) -> None:
    async def run() -> None:
        log = await Log.open(broker.nats_url, CORE, credentials_of(broker.config.folder).core, Limits(max_bytes=32 << 20))
        try:
            async with asyncio.timeout(3 * PATIENCE_S):
                await what(log)
        finally:
            await log.close()

    asyncio.run(run())


def written(database: Database) -> dict[str, Any]:
    with database.read() as session:
        return {
            "events": sorted((row.kind, row.subject, row.t_ns - T0_NS) for row in session.exec(select(EventRow))),
            "incidents": sorted((row.id, row.state) for row in session.exec(select(IncidentRow))),
            "notifications": sorted(row.id for row in session.exec(select(NotificationRow))),
            "rejected": sorted((row.reason, row.count) for row in session.exec(select(RejectedCountRow))),
        }


def events(database: Database) -> list[tuple[str, str]]:
    return [(kind, subject) for kind, subject, _ in written(database)["events"]]


def test_what_happened_is_written_once_with_whom_to_tell(broker: EmbeddedBroker, willow: Database) -> None:
    async def run(log: Log) -> None:
        await judge(log, willow, await append(log, story()))

    told(broker, run)
    assert events(willow) == HAPPENED
    found = written(willow)
    assert [(id_.split("-2026")[0], state) for id_, state in found["incidents"]] == [
        ("fall-xu-bo", "open"),
        ("fall-zhou-fen", "suspected"),
        ("intrusion-b1-101", "open"),
    ]
    assert len([one for one in found["notifications"] if one.startswith("intrusion")]) == 2
    assert sum(count for _, count in found["rejected"]) == 2


@pytest.mark.parametrize("checkpoint_s", [0.0, 3600.0])
@pytest.mark.parametrize("seed", range(3))
def test_dropped_anywhere_it_writes_what_it_would_have_written(  # noqa: PLR0917  fixtures
    broker: EmbeddedBroker,
    willow: Database,
    sqlite_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    checkpoint_s: float,
) -> None:
    undisturbed = tmp_path / "undisturbed.db"
    undisturbed.write_bytes(sqlite_file.read_bytes())
    other = Database(f"sqlite:///{undisturbed}")
    settle(other)
    monkeypatch.setattr("store.worker.CHECKPOINT_S", checkpoint_s)
    monkeypatch.setattr("store.worker.MOST_RECORDS", 4)
    chance = random.Random(seed)  # noqa: S311  where to cut

    async def run(log: Log) -> None:
        last = await append(log, story(), together=chance.randint(1, 5))
        await judge(log, other, last)
        dropped = 0
        while True:
            try:
                await judge(log, willow, last, after=chance.randint(1, 2))
            except Dropped:
                dropped += 1
            else:
                break
        assert dropped

    told(broker, run)
    assert written(willow) == written(other)
    other.close()


def test_two_workers_on_one_log_write_nothing_twice(broker: EmbeddedBroker, willow: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.worker.MOST_RECORDS", 4)

    async def run(log: Log) -> None:
        last = await append(log, story())
        ends = await asyncio.gather(judge(log, willow, last), judge(log, willow, last), return_exceptions=True)
        assert [type(end) for end in ends if end is not None] in ([PositionLostError], [PositionLostError, PositionLostError])
        await judge(log, willow, await append(log, [said(50, "w-1", "status", battery_percent=70)]))

    told(broker, run)
    assert events(willow) == HAPPENED


def test_a_stream_that_was_made_anew_is_noticed_and_judged(broker: EmbeddedBroker, willow: Database) -> None:
    async def run(log: Log) -> None:
        await judge(log, willow, await append(log, story()))
        await log._client.jetstream().delete_stream(STREAM)
        stop = asyncio.Event()
        worker = asyncio.ensure_future(Worker(willow, log, pipeline, clock=lambda: T0_NS + 60 * NS_PER_S).run(stop))
        fresh = await Log.open(broker.nats_url, CORE, credentials_of(broker.config.folder).core, Limits(max_bytes=32 << 20))
        await append(fresh, [said(70, "w-1", "button", pressed="sos")])
        while ("sos", "zhou-fen") not in events(willow):  # noqa: ASYNC110  another connection writes it
            await asyncio.sleep(0.02)
        stop.set()
        await asyncio.gather(worker, fresh.close())

    told(broker, run)


def test_a_change_of_the_community_holds_from_its_time_on_and_interrupts_no_fall(broker: EmbeddedBroker, willow: Database) -> None:
    without = {**ESTATE, "devices": [one for one in ESTATE["devices"] if one["id"] != "w-2"]}
    with willow.write() as session:
        configuration.append_community(session, WILLOW, T0_NS + 7 * NS_PER_S, json.dumps(ESTATE))
        configuration.append_community(session, WILLOW, T0_NS + 35 * NS_PER_S, json.dumps(without))

    async def run(log: Log) -> None:
        await judge(log, willow, await append(log, story(), together=1))

    told(broker, run)
    assert events(willow) == HAPPENED[:5]
    assert sum(count for _, count in written(willow)["rejected"]) == 4


def test_an_empty_log_is_waited_at_and_its_first_entry_judged(
    broker: EmbeddedBroker, willow: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    async def run(log: Log) -> None:
        stop = asyncio.Event()
        worker = asyncio.ensure_future(Worker(willow, log, pipeline, clock=lambda: T0_NS + 60 * NS_PER_S).run(stop))
        await asyncio.sleep(0.3)
        await append(log, [said(1, "w-1", "button", pressed="sos")])
        while ("sos", "zhou-fen") not in events(willow):  # noqa: ASYNC110  another connection writes it
            await asyncio.sleep(0.02)
        stop.set()
        await worker

    told(broker, run)
    assert "log_away" not in capsys.readouterr().out


@pytest.mark.usefixtures("_short_looks")
def test_time_that_passes_without_readings_is_judged_too(broker: EmbeddedBroker, willow: Database) -> None:
    async def run(log: Log) -> None:
        await judge(log, willow, await append(log, story()))
        stop = asyncio.Event()
        now_ns = T0_NS + 60 * NS_PER_S

        def later_at_each_look() -> int:
            nonlocal now_ns
            now_ns += 20 * NS_PER_S
            return now_ns

        worker = asyncio.ensure_future(Worker(willow, log, pipeline, clock=later_at_each_look).run(stop))
        while ("offline", "w-1") not in events(willow):  # noqa: ASYNC110  another connection writes it
            await asyncio.sleep(0.02)
        stop.set()
        await worker

    told(broker, run)


def test_who_was_down_for_an_hour_calls_nobody_offline_for_it_until_their_own_time_is_up(broker: EmbeddedBroker, willow: Database) -> None:
    back_s = 3600.0

    async def run(log: Log) -> None:
        await judge(log, willow, await append(log, story()))
        again = [said(back_s + 50 * i, "w-1", "status", battery_percent=80) for i in range(14)]
        await judge(log, willow, await append(log, again[:12], together=1), clock_s=back_s + 560)
        assert "offline" not in {kind for kind, _ in events(willow)}
        await judge(log, willow, await append(log, again[12:], together=1), clock_s=back_s + 660)

    told(broker, run)
    assert [(kind, subject, t_ns // NS_PER_S) for kind, subject, t_ns in written(willow)["events"] if kind == "offline"] == [
        ("offline", "w-2", back_s + 600)
    ]


def test_a_locked_database_is_waited_for(broker: EmbeddedBroker, willow: Database, backend: str) -> None:
    if backend != "sqlite":
        pytest.skip("PostgreSQL locks rows, not the database")
    impatient = Database(willow._engine.url.render_as_string(), wait_s=0.05)

    async def run(log: Log) -> None:
        last = await append(log, story())
        with willow.write() as session:
            session.connection()  # who only opens a transaction locks nothing yet
            working = asyncio.ensure_future(judge(log, impatient, last))
            await asyncio.sleep(0.5)
            assert not working.done()
        await working

    told(broker, run)
    impatient.close()
    assert events(willow) == HAPPENED


def scheduled(database: Database, *planned: tuple[str, str], said_at_s: float) -> None:
    """A schedule of the first home: (minute of the story, mode)."""
    given = json.loads(json.dumps(ESTATE))
    given["homes"][0]["schedule"] = [{"at": at, "mode": mode} for at, mode in planned]
    with database.write() as session:
        configuration.append_community(session, WILLOW, T0_NS + round(said_at_s * NS_PER_S), json.dumps(given))


def modes_set(database: Database) -> list[tuple[float, str, str]]:
    """(second, mode, who) of each change of the first home."""
    with database.read() as session:
        rows = session.exec(select(ModeChangeRow).order_by(ModeChangeRow.number)).all()
    return [((row.at_ns - T0_NS) / NS_PER_S, row.mode, row.by) for row in rows if row.home_id == "b1-101"]


async def works_until(worker: Worker, stop: asyncio.Event, done: Callable[[], bool]) -> None:
    """Run a worker until something is so."""
    working = asyncio.ensure_future(worker.run(stop))
    while not done() and not working.done():  # noqa: ASYNC110  another connection writes it
        await asyncio.sleep(0.02)
    stop.set()
    await working


ARMED = (0.0, "away", "zhou-jie")


@pytest.mark.usefixtures("_short_looks")
def test_a_schedule_that_somebody_chose_is_carried_out_without_any_reading(broker: EmbeddedBroker, willow: Database) -> None:
    async def run(log: Log) -> None:
        await judge(log, willow, await append(log, story()))
        now_ns = T0_NS + 60 * NS_PER_S

        def later_at_each_look() -> int:
            nonlocal now_ns
            now_ns += 5 * NS_PER_S
            return now_ns

        scheduled(willow, ("10:03", "night"), said_at_s=100)
        worker = Worker(willow, log, pipeline, clock=later_at_each_look)
        await works_until(worker, asyncio.Event(), lambda: len(modes_set(willow)) > 1)

    told(broker, run)
    assert modes_set(willow) == [ARMED, (180.0, "night", "schedule")]


def test_of_what_a_schedule_said_while_nobody_worked_the_newest_is_done_once_also_after_kills(
    broker: EmbeddedBroker, willow: Database
) -> None:
    scheduled(willow, ("10:30", "night"), ("10:40", "home"), said_at_s=-5)

    async def run(log: Log) -> None:
        await judge(log, willow, await append(log, story()))
        for back_s in (3600.0, 3610.0, 3620.0):
            more = await append(log, [said(back_s, "w-1", "status", battery_percent=80), said(back_s + 5, "w-1", "status")])
            await judge(log, willow, more, clock_s=back_s + 5)

    told(broker, run)
    assert modes_set(willow) == [ARMED, (3600.0, "home", "schedule")]


@pytest.mark.parametrize("seed", range(3))
def test_a_worker_that_is_killed_at_any_time_carries_a_schedule_out_once(broker: EmbeddedBroker, willow: Database, seed: int) -> None:
    scheduled(willow, ("10:01", "night"), ("10:02", "home"), said_at_s=-5)
    chance = random.Random(seed)  # noqa: S311  a seed that can be named
    quiet = [said(second, "w-1", "status", battery_percent=80) for second in range(0, 180, 3)]

    async def run(log: Log) -> None:
        last = await append(log, quiet, together=1)
        for _ in range(6):
            try:
                await judge(log, willow, last, after=chance.randint(1, 8), clock_s=200)
            except Dropped:
                continue
            break
        await judge(log, willow, await append(log, [said(185, "w-1", "status", battery_percent=80)]), clock_s=200)

    told(broker, run)
    assert modes_set(willow) == [ARMED, (60.0, "night", "schedule"), (120.0, "home", "schedule")]


@pytest.mark.parametrize("seed", range(2))
def test_a_worker_that_is_killed_at_any_time_has_the_daily_word_said_once(broker: EmbeddedBroker, willow: Database, seed: int) -> None:
    given = json.loads(json.dumps(ESTATE))
    next(one for one in given["people"] if one["id"] == "zhou-jie")["chosen"] = {"daily": "10:01"}
    with willow.write() as session:
        configuration.append_community(session, WILLOW, T0_NS - 5 * NS_PER_S, json.dumps(given))
    chance = random.Random(seed)  # noqa: S311  a seed that can be named
    quiet = [said(second, "w-1", "status", battery_percent=80) for second in range(0, 120, 3)]

    async def run(log: Log) -> None:
        last = await append(log, quiet, together=1)
        for _ in range(6):
            try:
                await judge(log, willow, last, after=chance.randint(1, 8), clock_s=125)
            except Dropped:
                continue
            break
        await judge(log, willow, await append(log, [said(121, "w-1", "status", battery_percent=80)]), clock_s=125)

    told(broker, run)
    with willow.read() as session:
        words = session.exec(select(NotificationRow).where(NotificationRow.purpose == "word")).all()
        incidents = session.exec(select(IncidentRow).where(IncidentRow.kind == "daily")).all()
    assert [(one.to_person, one.channel, one.state) for one in words] == [("zhou-jie", "sms", "waiting")]
    assert [one.state for one in incidents] == ["resolved"]
