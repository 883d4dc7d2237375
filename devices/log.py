"""The log: everything that arrived, in JetStream, before anything looks at it.

One entry is what ingest packed for one partition. A reader sees entries in the order of their `seq`, without gaps.

Errors
------
LogError
├── LogAwayError        no answer in time; it may have been stored or not
├── LogMissingError     there is no such stream; nothing was stored
├── LogFullError        refused for want of room; nothing was stored
└── LogReplacedError    the stream is not the one that the position belongs to
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self, TypeVar

import nats.errors
import nats.js.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext, api

from devices.entry import MAX_ENTRY_BYTES, PARTITIONS, Entry, Record, pack, unpack
from devices.model import AnjuError

STREAM = "READINGS"
TIMEOUT_S = 5.0
HEARTBEAT_S = 0.5
SILENCE_S = 2.0
"""Four heartbeats: without one for so long, a delivery is made anew."""
BACKOFF_S = 0.25
_FULL = frozenset({10047, 10002, 10023, 10077})
"""JetStream's error codes for want of room: storage, account or server resources, the stream's bytes (nats-server/server/errors.json)."""
T = TypeVar("T")
_log = structlog.get_logger(__name__)


class LogError(AnjuError):
    """The log cannot do what was asked."""


class LogAwayError(LogError):
    """No answer in time; it may have been stored or not."""


class LogMissingError(LogError):
    """There is no such stream; nothing was stored."""


class LogFullError(LogError):
    """Refused for want of room; nothing was stored."""


class LogReplacedError(LogError):
    """The stream was made anew or restored from an older copy: a position in it means nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is kept. What is neither older than `max_age_s` nor beyond `max_bytes` is never dropped: a full log refuses what is new."""

    max_age_s: float = 7 * 24 * 3600.0
    max_bytes: int = 8 << 30
    replicas: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """The stream as it is now. `created` tells one stream from another of the same name."""

    created: datetime
    first_seq: int
    last_seq: int
    bytes: int
    max_bytes: int

    @property
    def used(self) -> float:
        """Fraction of `max_bytes` that is taken, 0 … 1."""
        return self.bytes / self.max_bytes if self.max_bytes > 0 else 0.0


class Log:
    """A connection to the log; made by `open`, and connects again by itself for as long as it is open."""

    def __init__(self, limits: Limits, timeout_s: float) -> None:
        self._client = Client()
        self._stream = self._client.jetstream(timeout=timeout_s)
        self._limits = limits
        self._closing = False

    @classmethod
    async def open(cls, url: str, user: str, password: str, limits: Limits, *, timeout_s: float = TIMEOUT_S) -> "Log":
        """Connect, and make the stream or give it these limits.

        Raises
        ------
        LogAwayError
            Nobody answered in `timeout_s`, or not to this password; the text says which.
        LogFullError
            The server has less room than the limits ask for.
        LogError
            The server refused for another reason, or takes only messages that are too small.
        """
        log = cls(limits, timeout_s)
        try:
            async with asyncio.timeout(timeout_s):
                await log._client.connect(
                    url,
                    user=user,
                    password=password,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=BACKOFF_S,  # type: ignore[arg-type]  # it is only slept
                    connect_timeout=2,
                    error_cb=log._on_error,
                    disconnected_cb=log._on_disconnected,
                    reconnected_cb=log._on_reconnected,
                )
            _must_take_entries(log._client.max_payload)
            await _asked(_keep_stream(log._stream, limits))
        except TimeoutError as error:
            await log.close()
            raise LogAwayError(f"the log at {url} did not answer in {timeout_s:g} s: {log._client.last_error or 'silence'}") from error
        except BaseException:
            await log.close()
            raise
        return log

    async def close(self) -> None:
        """End the connection."""
        self._closing = True
        await self._client.close()

    async def _on_error(self, error: Exception) -> None:
        _log.debug("log.connection_error", error=repr(error))

    async def _on_disconnected(self) -> None:
        if not self._closing:
            _log.warning("log.disconnected")

    async def _on_reconnected(self) -> None:
        _log.info("log.connected_again")

    async def append(self, partition: int, records: Sequence[Record], *, timeout_s: float = TIMEOUT_S) -> int:
        """Store records as one entry; when this answers they are on the server's disk. Answers the entry's `seq`.

        Raises
        ------
        LogAwayError
            No answer in time: they may have been stored or not, and another try may store them twice.
        LogFullError
            There is no room; nothing was stored.
        """
        # The client would keep what it cannot send and send it later, once for each try.
        if not self._client.is_connected:
            raise LogAwayError("the log is not connected")
        try:
            ack = await _asked(self._stream.publish(f"readings.{partition}", pack(records), timeout=timeout_s, stream=STREAM))
        except LogMissingError:
            # Made anew, so that readings go on; a reader sees by `created` that its position is of another stream.
            await _asked(_keep_stream(self._stream, self._limits))
            raise
        return int(ack.seq)

    async def state(self) -> LogState:
        """What the stream holds now."""
        info = await _asked(self._stream.stream_info(STREAM))
        if info.created is None:  # pragma: no cover — every server says it
            raise LogError("the server did not say when the stream was created")
        return LogState(
            created=info.created,
            first_seq=info.state.first_seq,
            last_seq=info.state.last_seq,
            bytes=info.state.bytes,
            max_bytes=info.config.max_bytes or 0,
        )

    async def entry(self, seq: int) -> tuple[Entry, datetime] | None:
        """One entry and when it was stored; None where it is not there (yet, or any more)."""
        if seq < 1:  # the server calls that a bad request
            return None
        try:
            message = await _asked(self._stream.get_msg(STREAM, seq))
        except LogMissingError:
            return None
        if message.time is None:  # pragma: no cover — every server says it
            raise LogError("the server did not say when an entry was stored")
        return _made(seq, message.subject or "", message.data or b"", pending=0), message.time

    async def start_seq_at(self, time: datetime) -> int:
        """`seq` of the first entry stored at or after a time; one beyond the last if there is none."""
        config = api.ConsumerConfig(
            deliver_policy=api.DeliverPolicy.BY_START_TIME,
            opt_start_time=time.astimezone(UTC),
            ack_policy=api.AckPolicy.NONE,
            mem_storage=True,
            num_replicas=1,
            inactive_threshold=TIMEOUT_S,
        )
        # The server finds the place when it makes a consumer, and says what lies before it.
        info = await _asked(self._stream.add_consumer(STREAM, config))
        await _asked(self._stream.delete_consumer(STREAM, info.name))
        before: int = info.delivered.stream_seq if info.delivered is not None else 0
        return before + 1

    async def read(self, after_seq: int, created: datetime | None = None) -> AsyncIterator[Entry]:
        """Every entry behind a position, in order and without end; waits at the end of the log, and through the server's absence.

        Parameters
        ----------
        after_seq : int
            The position: `seq` of the last entry that is done with, 0 for none.
        created : datetime, optional
            `LogState.created` of the stream that the position belongs to.

        Raises
        ------
        LogReplacedError
            The stream is another one, ends before the position, or is gone.
        """
        position = after_seq
        while True:
            try:
                state = await self.state()
                _must_be_the_same(state, position, created)
                created = state.created
                _tell_what_expired(state, position)
                behind = api.ConsumerConfig(deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=position + 1)
                async with _Delivery(self._client, self._stream, behind) as delivery:
                    async for entry in delivery:
                        position = entry.seq
                        yield entry
            except LogReplacedError:
                raise
            except LogMissingError as error:
                raise LogReplacedError(f"{error}: the log of the position {position} is gone") from error
            except LogError as error:
                _log.warning("log.read.interrupted", position=position, reason=str(error))
                await asyncio.sleep(BACKOFF_S)

    async def newest(self, partition: int) -> AsyncGenerator[Entry, None]:
        """What is appended to a partition from now on, without end: for who looks, not for who decides.

        What came while the server was away, or while nobody asked for the next one for long, may be left out.
        """
        new = api.ConsumerConfig(deliver_policy=api.DeliverPolicy.NEW, filter_subject=f"readings.{partition}")
        while True:
            try:
                async with _Delivery(self._client, self._stream, new) as delivery:
                    async for entry in delivery:
                        yield entry
            except LogError as error:
                _log.warning("log.newest.interrupted", partition=partition, reason=str(error))
                await asyncio.sleep(BACKOFF_S)


class _Delivery:
    """An ephemeral push consumer read in order; ends where something is missing.

    The client library's own ordered consumer counts a message before it is queued and so can skip one that the queue refused. Here the
    server's flow control is answered only when what came before it has been taken, so that nothing is ever refused, and the server's count
    is checked.
    """

    def __init__(self, client: Client, stream: JetStreamContext, wanted: api.ConsumerConfig) -> None:
        self._client = client
        self._stream = stream
        self._wanted = wanted
        self._queue: asyncio.Queue[Msg] = asyncio.Queue()
        self._subscription: Subscription | None = None

    async def __aenter__(self) -> Self:
        inbox = self._client.new_inbox()
        self._subscription = await self._client.subscribe(inbox, cb=self._queue.put, pending_msgs_limit=0, pending_bytes_limit=0)
        config = replace(
            self._wanted,
            deliver_subject=inbox,
            ack_policy=api.AckPolicy.NONE,
            max_deliver=1,
            flow_control=True,
            idle_heartbeat=HEARTBEAT_S,
            mem_storage=True,
            num_replicas=1,
        )
        try:
            await _asked(self._stream.add_consumer(STREAM, config))
        except BaseException:
            await self._unsubscribe()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._unsubscribe()

    async def _unsubscribe(self) -> None:
        # The server removes a push consumer that nobody listens to.
        if self._subscription is not None and not self._client.is_closed:
            await self._subscription.unsubscribe()

    def __aiter__(self) -> AsyncIterator[Entry]:
        return self._entries()

    async def _entries(self) -> AsyncIterator[Entry]:
        expected = 1
        while True:
            message = await self._next()
            if message.headers is not None and message.headers.get("Status") == "100":
                await self._control(message)
                continue
            number = message.metadata.sequence.consumer
            if number != expected:
                raise LogAwayError(f"delivery {number} came where {expected} was next")
            expected += 1
            yield _entry(message)

    async def _next(self) -> Msg:
        if not self._queue.empty():
            return self._queue.get_nowait()
        try:
            async with asyncio.timeout(SILENCE_S):
                return await self._queue.get()
        except TimeoutError as error:
            raise LogAwayError(f"nothing heard for {SILENCE_S:g} s") from error

    async def _control(self, message: Msg) -> None:
        answer = message.reply or (message.headers or {}).get("Nats-Consumer-Stalled")
        if answer:
            await self._client.publish(answer)


def _entry(message: Msg) -> Entry:
    return _made(message.metadata.sequence.stream, message.subject, message.data, pending=message.metadata.num_pending)


def _made(seq: int, subject: str, data: bytes, *, pending: int) -> Entry:
    records = unpack(data)
    return Entry(
        seq=seq,
        partition=int(subject.rpartition(".")[2]),
        records=() if isinstance(records, str) else records,
        pending=pending,
        broken=records if isinstance(records, str) else None,
    )


def _must_take_entries(max_payload: int) -> None:
    if max_payload < MAX_ENTRY_BYTES:
        raise LogError(f"max_payload of the server is {max_payload}, must be at least {MAX_ENTRY_BYTES}")


def _must_be_the_same(state: LogState, position: int, created: datetime | None) -> None:
    if created is not None and state.created != created:
        raise LogReplacedError(
            f"the log was made at {state.created.isoformat()}, the position belongs to one made at {created.isoformat()}"
        )
    if state.last_seq < position:
        raise LogReplacedError(f"the log ends at {state.last_seq}, before the position {position}: it was restored from an older copy")


def _tell_what_expired(state: LogState, position: int) -> None:
    if state.first_seq > position + 1:
        _log.error("log.expired_unread", entries=state.first_seq - position - 1, position=position, first_seq=state.first_seq)


async def _keep_stream(stream: JetStreamContext, limits: Limits) -> None:
    wanted = api.StreamConfig(
        name=STREAM,
        subjects=[f"readings.{partition}" for partition in range(PARTITIONS)],
        storage=api.StorageType.FILE,
        discard=api.DiscardPolicy.NEW,
        max_age=limits.max_age_s,
        max_bytes=limits.max_bytes,
        num_replicas=limits.replicas,
        # Entries are told apart by what is in them, so the server need not remember ids for two minutes; this is the least it takes.
        duplicate_window=min(limits.max_age_s, 0.1),
    )
    try:
        known = (await stream.stream_info(STREAM)).config
    except nats.js.errors.NotFoundError:
        await stream.add_stream(wanted)
        _log.info("log.made", max_age_s=limits.max_age_s, max_bytes=limits.max_bytes, replicas=limits.replicas)
        return
    if (known.max_age, known.max_bytes, known.num_replicas) != (wanted.max_age, wanted.max_bytes, wanted.num_replicas):
        await stream.update_stream(wanted)


async def _asked(answer: Awaitable[T]) -> T:
    """The answer, or the client library's many errors as ours."""
    try:
        return await answer
    except (nats.js.errors.NotFoundError, nats.js.errors.NoStreamResponseError) as error:
        raise LogMissingError(f"there is no stream {STREAM}") from error
    except nats.js.errors.APIError as error:
        if error.err_code in _FULL:
            raise LogFullError(f"the log is full: {error.description}") from error
        if isinstance(error, nats.js.errors.ServiceUnavailableError):
            raise LogAwayError(f"the log is not ready: {error.description}") from error
        raise LogError(f"the log refused: {error.description}") from error
    except (nats.errors.Error, TimeoutError, OSError) as error:
        raise LogAwayError(f"the log did not answer: {error!r}") from error
