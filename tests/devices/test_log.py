import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest
from fakes.brokers import MIB, PATIENCE_S, embedded, kill
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.broker import CORE, EmbeddedBroker, credentials_of
from devices.entry import PARTITIONS, Entry, Record, pack, partition_of, unpack
from devices.log import STREAM, Limits, Log, LogAwayError, LogError, LogFullError, LogReplacedError

T = TypeVar("T")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    server = embedded(tmp_path / "nats")
    server.start()
    yield server
    server.stop()


def record(number: int = 0, payload: bytes = b"{}") -> Record:
    return Record(number, "embedded", "anju/elm/w-01/button", False, payload)  # noqa: FBT003


def run(broker: EmbeddedBroker, story: Callable[[Log], Awaitable[T]], *, max_bytes: int = 32 * MIB) -> T:
    async def told() -> T:
        log = await opened(broker, max_bytes=max_bytes)
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await story(log)
        finally:
            await log.close()

    return asyncio.run(told())


async def opened(broker: EmbeddedBroker, *, max_bytes: int = 32 * MIB) -> Log:
    return await Log.open(broker.nats_url, CORE, credentials_of(broker.config.folder).core, Limits(max_bytes=max_bytes))


async def take(entries: AsyncIterator[Entry], count: int) -> list[Entry]:
    return [await anext(entries) for _ in range(count)]


def test_what_is_appended_is_read_in_order_with_its_partition(broker: EmbeddedBroker) -> None:
    async def story(log: Log) -> None:
        for number in range(20):
            assert await log.append(number % PARTITIONS, [record(number), record(100 + number)]) == number + 1
        async with aclosing(log.read(0)) as entries:
            read = await take(entries, 20)
        assert [entry.seq for entry in read] == list(range(1, 21))
        assert [entry.partition for entry in read] == [number % PARTITIONS for number in range(20)]
        assert [entry.records for entry in read] == [(record(number), record(100 + number)) for number in range(20)]
        assert (read[0].pending, read[-1].pending) == (19, 0)

    run(broker, story)


def test_a_reader_goes_on_behind_its_position(broker: EmbeddedBroker) -> None:
    async def story(log: Log) -> None:
        for number in range(5):
            await log.append(0, [record(number)])
        async with aclosing(log.read(3, (await log.state()).created)) as entries:
            assert [entry.seq for entry in await take(entries, 2)] == [4, 5]

    run(broker, story)


def test_more_than_the_server_may_send_at_once_is_read_without_a_gap(broker: EmbeddedBroker) -> None:
    async def story(log: Log) -> None:
        await asyncio.gather(*(log.append(0, [record(number, b"x" * 40_000)]) for number in range(600)))
        async with aclosing(log.read(0)) as entries:
            assert [entry.seq for entry in await take(entries, 600)] == list(range(1, 601))

    run(broker, story)


def test_an_entry_that_cannot_be_read_is_reported_and_the_next_one_read(broker: EmbeddedBroker) -> None:
    async def story(log: Log) -> None:
        for data in (b"\xc1garbage", msgspec.msgpack.encode([["not a number"]])):
            await log._stream.publish("readings.3", data)
        await log.append(3, [record(7)])
        async with aclosing(log.read(0)) as entries:
            read = await take(entries, 3)
        assert [entry.records for entry in read] == [(), (), (record(7),)]
        assert [bool(entry.broken) for entry in read] == [True, True, False]

    run(broker, story)


async def insist(log: Log, partition: int, wanted: range, stored: set[int], enough: asyncio.Event) -> None:
    """Append numbers, each until the log has answered for it."""
    for number in wanted:
        while number not in stored:
            try:
                await log.append(partition, [record(number)], timeout_s=0.5)
                stored.add(number)
            except LogError:
                await asyncio.sleep(0.02)
        if len(stored) >= 100:
            enough.set()


def test_what_was_appended_is_there_after_the_server_is_killed_and_a_reader_goes_on(broker: EmbeddedBroker) -> None:
    async def story(log: Log) -> None:
        stored: set[int] = set()
        enough = asyncio.Event()
        ranges = [range(partition * 60, partition * 60 + 60) for partition in range(4)]

        async def reader() -> list[int]:
            seen: list[int] = []
            missing = {number for wanted in ranges for number in wanted}
            async with aclosing(log.read(0)) as entries:
                while missing:
                    entry = await anext(entries)
                    seen.append(entry.seq)
                    missing.difference_update(item.received_ns for item in entry.records)
            return seen

        async with asyncio.TaskGroup() as group:
            reading = group.create_task(reader())
            for partition, wanted in enumerate(ranges):
                group.create_task(insist(log, partition, wanted, stored, enough))
            await enough.wait()
            await asyncio.to_thread(kill, broker)
            await asyncio.to_thread(broker.start)
        assert reading.result() == list(range(1, len(reading.result()) + 1))

    run(broker, story)


async def fill(log: Log) -> int:
    """Append until there is no room; how many entries fitted."""
    for count in range(1000):
        try:
            await log.append(0, [record(payload=b"x" * 100_000)])
        except LogFullError:
            return count
    raise AssertionError("the log never filled up")


def test_a_full_log_refuses_what_is_new_and_keeps_what_is_old(broker: EmbeddedBroker) -> None:
    async def story(log: Log) -> None:
        count = await fill(log)
        state = await log.state()
        assert (state.first_seq, state.last_seq, count > 5) == (1, count, True)
        assert 0.9 < state.used <= 1.0
        wider = await opened(broker, max_bytes=2 * MIB)
        assert await log.append(0, [record()]) == count + 1
        await wider.close()

    run(broker, story, max_bytes=MIB)


def test_a_log_larger_than_the_disk_it_may_use_is_refused(broker: EmbeddedBroker) -> None:
    with pytest.raises(LogFullError):
        asyncio.run(opened(broker, max_bytes=1 << 40))


def test_a_log_that_was_made_anew_is_noticed_at_the_start(broker: EmbeddedBroker) -> None:
    async def story(log: Log) -> None:
        await log.append(0, [record()])
        created = (await log.state()).created
        await log._stream.delete_stream(STREAM)
        again = await opened(broker)
        await again.append(0, [record()])
        with pytest.raises(LogReplacedError, match="made at"):
            await anext(log.read(1, created))
        await again.close()

    run(broker, story)


def test_a_log_that_is_made_anew_is_noticed_by_a_waiting_reader(broker: EmbeddedBroker) -> None:
    async def story(log: Log) -> None:
        await log.append(0, [record()])
        entries = log.read(0)
        await anext(entries)
        waiting = asyncio.ensure_future(anext(entries))
        await asyncio.sleep(0)
        await log._stream.delete_stream(STREAM)
        with pytest.raises(LogError):
            await log.append(0, [record()])
        assert await log.append(0, [record()]) == 1
        with pytest.raises(LogReplacedError):
            await waiting

    run(broker, story)


def test_a_log_restored_from_an_older_copy_is_noticed(broker: EmbeddedBroker) -> None:
    async def story(log: Log) -> None:
        await log.append(0, [record()])
        with pytest.raises(LogReplacedError, match="restored"):
            await anext(log.read(2, (await log.state()).created))

    run(broker, story)


def test_a_log_that_is_gone_is_noticed(broker: EmbeddedBroker) -> None:
    async def story(log: Log) -> None:
        created = (await log.state()).created
        await log._stream.delete_stream(STREAM)
        with pytest.raises(LogReplacedError, match="gone"):
            await anext(log.read(0, created))

    run(broker, story)


def test_the_place_of_a_time_in_the_log_is_found(broker: EmbeddedBroker) -> None:
    async def story(log: Log) -> None:
        before = datetime.now(tz=UTC)
        assert await log.start_seq_at(before) == 1
        for _ in range(3):
            await log.append(0, [record()])
        between = datetime.now(tz=UTC)
        for _ in range(2):
            await log.append(0, [record()])
        assert await log.start_seq_at(before) == 1
        assert await log.start_seq_at(between) == 4
        assert await log.start_seq_at(datetime.now(tz=UTC)) == 6

    run(broker, story)


def test_a_log_that_is_away_is_an_error_in_words(broker: EmbeddedBroker) -> None:
    broker.stop()
    with pytest.raises(LogAwayError, match=r"did not answer in 0\.3 s"):
        asyncio.run(Log.open(broker.nats_url, CORE, "x", Limits(), timeout_s=0.3))


def test_a_wrong_password_is_named(broker: EmbeddedBroker) -> None:
    with pytest.raises(LogAwayError, match=r"(?i)authorization"):
        asyncio.run(Log.open(broker.nats_url, CORE, "guess", Limits(), timeout_s=0.5))


@given(st.lists(st.builds(Record, st.integers(0, 2**63 - 1), st.text(), st.text(), st.booleans(), st.binary()), max_size=20))
@settings(deadline=None)
def test_records_are_the_same_after_packing(records: list[Record]) -> None:
    assert unpack(pack(records)) == tuple(records)


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_unpacking_anything_answers_records_or_words(data: bytes) -> None:
    assert isinstance(unpack(data), tuple | str)


def test_partitions_stay_where_they_are() -> None:
    assert [partition_of("elm", f"b3-20{number}") for number in range(8)] == [0, 1, 0, 6, 6, 3, 0, 1]


def test_homes_spread_over_all_partitions() -> None:
    counts = [0] * PARTITIONS
    for number in range(8000):
        counts[partition_of("elm", f"home-{number}")] += 1
    assert min(counts) > 800
