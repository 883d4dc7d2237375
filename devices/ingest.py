"""The one door: from brokers to the log. What the log has is acknowledged, and nothing else.

Each broker has one MQTT connection with a session that the broker keeps while we are away. A message is taken, packed with what arrived
beside it, appended to the log, and only then acknowledged; killed at any point, the broker sends it again, and what is behind the log knows
it by its content. Nothing is decoded but the topic; what an ecosystem tells of people and nobody here reads is left out (`adapters.kept`).
"""

import asyncio
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import structlog

from devices import topics
from devices.entry import Record, partition_of
from devices.log import Limits, Log, LogError, LogFullError
from devices.mqtt import Arrival, BrokerLink, Connection, Counters
from devices.process import pause

GATHER_S = 0.03
"""How long messages are gathered before they are packed."""
SLICE_NS = 250_000_000
"""Of arrivals that are appended side by side."""
ENTRY_BYTES = 2 << 20
ENTRY_RECORDS = 2_000
_REST_BYTES = 128
BACKOFF_S = (0.1, 2.0)
"""First and longest wait between attempts to append."""
FLUSH_S = 5.0
WATCH_S = 10.0
NEARLY_FULL = 0.8
_log = structlog.get_logger(__name__)


@functools.lru_cache(maxsize=1 << 16)
def by_device(topic: str) -> int:
    """Partition by device alone, for topics of ours; by the whole topic for others."""
    known = topics.parse(topic)
    return partition_of("", topic) if isinstance(known, str) else partition_of(known.community, known.device)


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSettings:
    """What ingest needs to know.

    Attributes
    ----------
    partition : callable
        Topic to partition. Readings of one home must share one, so the application gives one that knows the homes.
    """

    brokers: tuple[BrokerLink, ...]
    nats_url: str
    nats_user: str
    nats_password: str = field(repr=False)
    limits: Limits = field(default_factory=Limits)
    partition: Callable[[str], int] = by_device


class Ingest:
    """Takes from every broker, appends to the log, acknowledges."""

    def __init__(self, log: Log, brokers: Sequence[BrokerLink], partition: Callable[[str], int] = by_device) -> None:
        self.counters = Counters()
        self._log = log
        self._partition = partition
        self._connections = [Connection(link, self.counters) for link in brokers]
        self._stop = asyncio.Event()
        self._trouble: str | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; then take nothing more, store what was taken, acknowledge it and disconnect."""
        for connection in self._connections:
            connection.start()
        try:
            async with asyncio.TaskGroup() as group:
                watch = group.create_task(self._watch(), name="ingest-watch")
                work = group.create_task(self._work(stop), name="ingest-work")
                await stop.wait()
                for connection in self._connections:
                    connection.close_door()
                await asyncio.wait([work], timeout=FLUSH_S)
                self._stop.set()
                watch.cancel()
        finally:
            self._stop.set()
            for connection in self._connections:
                await asyncio.to_thread(connection.stop)

    async def _work(self, stop: asyncio.Event) -> None:
        while True:
            stopping = stop.is_set()
            arrivals = [arrival for connection in self._connections for arrival in connection.take()]
            if arrivals:
                await self._flush(arrivals)
            if stopping:
                return
            await pause(stop, GATHER_S)

    async def _flush(self, arrivals: Iterable[Arrival]) -> None:
        # What was held back while the log was away goes in by time, so that no partition is far ahead of another.
        for arrived in _slices(sorted(arrivals, key=lambda one: one.record.received_ns)):
            by_partition: dict[int, list[Arrival]] = {}
            for arrival in arrived:
                by_partition.setdefault(self._partition(arrival.record.topic), []).append(arrival)
            async with asyncio.TaskGroup() as group:
                for partition, taken in by_partition.items():
                    group.create_task(self._store(partition, taken), name=f"ingest-store-{partition}")

    async def _store(self, partition: int, arrivals: list[Arrival]) -> None:
        for entry in _cut(arrivals):
            if not await self._append(partition, [arrival.record for arrival in entry]):
                return
            by_connection: dict[Connection, list[Arrival]] = {}
            for arrival in entry:
                by_connection.setdefault(arrival.connection, []).append(arrival)
            for connection, stored in by_connection.items():
                connection.done(stored)

    async def _append(self, partition: int, records: Sequence[Record]) -> bool:
        """Append, trying for as long as it takes; False if told to stop meanwhile, and then nothing is acknowledged."""
        wait_s = BACKOFF_S[0]
        while not self._stop.is_set():
            try:
                await self._log.append(partition, records)
            except LogError as error:
                self.counters.refused += 1
                self._tell("ingest.log_full" if isinstance(error, LogFullError) else "ingest.log_away", reason=str(error))
                await pause(self._stop, wait_s)
                wait_s = min(2 * wait_s, BACKOFF_S[1])
            else:
                self.counters.appended += len(records)
                self.counters.entries += 1
                self._tell(None)
                return True
        return False

    def _tell(self, trouble: str | None, **fields: str) -> None:
        """One line when it begins and one when it is over, not one for each attempt."""
        if trouble and trouble != self._trouble:
            _log.error(trouble, **fields)
        if self._trouble and not trouble:
            _log.info("ingest.log_back")
        self._trouble = trouble

    async def _watch(self) -> None:
        """Say in time that the log fills up."""
        while True:
            try:
                self.counters.log_used = (await self._log.state()).used
            except LogError as error:
                _log.warning("ingest.log_unknown", reason=str(error))
            if self.counters.log_used >= NEARLY_FULL:
                _log.error("ingest.log_nearly_full", used=round(self.counters.log_used, 3))
            await asyncio.sleep(WATCH_S)


def _slices(arrivals: Sequence[Arrival]) -> Iterator[Sequence[Arrival]]:
    """Arrivals in order of time, in pieces of `SLICE_NS`."""
    begin = 0
    for place, arrival in enumerate(arrivals):
        if arrival.record.received_ns - arrivals[begin].record.received_ns >= SLICE_NS:
            yield arrivals[begin:place]
            begin = place
    yield arrivals[begin:]


def _cut(arrivals: Sequence[Arrival]) -> Iterator[list[Arrival]]:
    """In order, in pieces that one entry may hold."""
    piece: list[Arrival] = []
    size = 0
    for arrival in arrivals:
        # A character of a topic takes up to four bytes; the rest of a record fewer than these.
        length = len(arrival.record.payload) + 4 * len(arrival.record.topic) + _REST_BYTES
        if piece and (len(piece) >= ENTRY_RECORDS or size + length > ENTRY_BYTES):
            yield piece
            piece, size = [], 0
        piece.append(arrival)
        size += length
    if piece:
        yield piece


async def run(settings: IngestSettings, stop: asyncio.Event) -> None:
    """Ingest as a process: until `stop` is set.

    Raises
    ------
    LogError
        The log cannot be reached at the start.
    """
    log = await Log.open(settings.nats_url, settings.nats_user, settings.nats_password, settings.limits)
    try:
        await Ingest(log, settings.brokers, settings.partition).run(stop)
    finally:
        await log.close()
