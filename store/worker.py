"""The worker: from the log to events, incidents and the outbox, in one transaction for all that was read at once.

On a start it takes the decision state of the last checkpoint and judges once more from there; and because signal windows are in no
checkpoint, it reads from a little before. What lies at or before the position decides nothing. A change of the configuration is such a
start too, at the time from which it holds.
"""

import asyncio
import functools
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from devices.entry import PARTITIONS, Entry, Record
from devices.log import Log, LogError, LogReplacedError, LogState
from devices.model import NS_PER_S, CommunityId, HomeId, Rejected
from devices.process import pause
from devices.topics import parse
from incidents.desk import take
from rules.model import Event, Facts, ModeSet, Standing
from rules.pipeline import Rules
from rules.premises import SCHEDULE
from store import configuration, positions, standings
from store.community import parse as parse_community
from store.estates import Estates
from store.judge import Judge, Judged
from store.ledger import DatabaseBook, add_event
from store.model import StoreBusyError, premises_of
from store.positions import Position
from store.session import Database

GATHER_S = 0.05
"""How long entries are gathered for one transaction, from the first one on."""
MOST_RECORDS = 20_000
"""In one transaction."""
AHEAD_ENTRIES = 256
"""Read ahead of the judging."""
IDLE_S = 1.0
GRACE_NS = 2 * NS_PER_S
"""Time has passed without readings only when it is this long ago: one may be on its way from ingest."""
DEAF_NS = 60 * NS_PER_S
"""Between two entries, where we were not at the log's end in between to see that there was none: we were down, and ingest with us. Where
that is wrong, in a home of two contacts whose worker alone was down, an offline is told a little later."""
CHECKPOINT_S = 10.0
BACKOFF_S = (0.1, 2.0)
_NUMBERS = 1 << 16
"""More than the records that an entry can hold."""
_REASON_CHARACTERS = 80
_log = structlog.get_logger(__name__)


class _Rebuilt(Exception):  # noqa: N818  caught where it is raised
    """The configuration changes at `at_ns`: begin anew under it."""

    def __init__(self, at_ns: int) -> None:
        super().__init__(at_ns)
        self.at_ns = at_ns


class Worker:
    """Judges one log, all its partitions.

    Parameters
    ----------
    database
        Where everything is written.
    log
        What is read.
    pipeline
        Makes the rules for a state of the configuration.
    clock
        Wall clock, ns.
    committed
        Told of the entries of each transaction once it is kept; for measurements.
    """

    def __init__(
        self,
        database: Database,
        log: Log,
        pipeline: Rules,
        *,
        clock: Callable[[], int] = time.time_ns,
        committed: Callable[[Sequence[Entry]], None] = lambda _entries: None,
    ) -> None:
        self._database = database
        self._log = log
        self._pipeline = pipeline
        self._clock = clock
        self._committed = committed
        self._estates = Estates()
        self._created = ""
        self._positions: dict[int, Position] = {}
        self._typed: set[tuple[CommunityId, HomeId]] = set()
        self._saved: Mapping[str, Mapping[str, Any]] = {}
        self._checkpoint_s = 0.0
        self._modes_to: dict[CommunityId, int] = {}
        self._listened_ns: int | None = None
        self._trouble = ""

    async def run(self, stop: asyncio.Event) -> None:
        """Judge until told to stop.

        Raises
        ------
        PositionLostError
            Another worker judges this log; of what this one found meanwhile nothing was written.
        """
        at_ns = 0
        while not stop.is_set():
            try:
                state = await self._log.state()
                await self._patiently(functools.partial(self._begin, state))
                await self._judge(state, at_ns, stop)
            except _Rebuilt as change:
                at_ns = change.at_ns
                _log.info("worker.configuration_changed")
            except LogReplacedError as error:
                _log.error("worker.log_replaced", reason=str(error))
            except LogError as error:
                self._tell("worker.log_away", reason=str(error))
                await pause(stop, BACKOFF_S[1])

    def _begin(self, state: LogState) -> None:
        """Take over the positions: of a stream made anew they begin at nothing, of a restored one at its end."""
        with self._database.write() as session:
            known = positions.known_streams(session)
            self._created = state.created.isoformat()
            if known and self._created not in known:
                _log.error("worker.new_stream", created=self._created)
            self._positions = positions.positions(session, self._created, range(PARTITIONS))
            if self._seq > state.last_seq:
                _log.error("worker.stream_restored", last_seq=state.last_seq, position=self._seq)
                positions.reset(session, self._created, state.last_seq)
                self._positions = positions.positions(session, self._created, range(PARTITIONS))
            self._saved = positions.decisions(session)

    @property
    def _seq(self) -> int:
        """The last entry that was judged: all partitions are judged in the log's order."""
        return max(one.seq for one in self._positions.values())

    @property
    def _checkpoint_seq(self) -> int:
        return max(one.checkpoint_seq for one in self._positions.values())

    async def _judge(self, state: LogState, at_least_ns: int, stop: asyncio.Event) -> None:
        """Judge until told to stop, or until the configuration changes."""
        found = await self._log.entry(self._seq + 1)
        at_ns = max(at_least_ns, found[0].records[0].received_ns if found and found[0].records else self._clock())
        kept_to = await self._log.entry(self._checkpoint_seq + 1)
        judge = self._judge_at(at_ns, kept_to[0].records[0].received_ns if kept_to and kept_to[0].records else at_ns)
        stream = _Stream(self._log, await self._refill_after(state, judge.pipeline.window_s()), state)
        self._checkpoint_s = time.monotonic()
        try:
            await self._catch_up(judge, stream, stop)
            if self._listened_ns is None:
                self._listened_ns = await self._listened_to()
            while not stop.is_set():
                if entries := await stream.gather():
                    await self._judge_heard(judge, entries, at_ns)
                else:
                    await self._pass_time(judge, stream.seq, at_ns)
        finally:
            await stream.close()

    async def _refill_after(self, state: LogState, window_s: float) -> int:
        """The entry after which to read, so that at the checkpoint the signal windows are full."""
        found = await self._log.entry(max(self._checkpoint_seq, state.first_seq))
        if found is None or self._seq < state.first_seq:
            return self._seq
        return min(await self._log.start_seq_at(found[1] - timedelta(seconds=window_s)) - 1, self._checkpoint_seq)

    async def _catch_up(self, judge: Judge, stream: "_Stream", stop: asyncio.Event) -> None:
        """Bring the rules to where they were at the position: windows, decision state, and what came after its checkpoint."""
        while stream.seq < self._checkpoint_seq and not stop.is_set():
            judge.take(_numbered(await stream.gather(self._checkpoint_seq)))
        judge.pipeline.restore(self._saved)
        judge.configuration_changed()
        while stream.seq < self._seq and not stop.is_set():
            judge.take(_numbered(await stream.gather(self._seq)))

    def _judge_at(self, at_ns: int, begin_ns: int) -> Judge:
        """Rules under the configuration of a time; their time begins where their state was kept last."""
        with self._database.read() as session:
            known = configuration.communities(session)
            documents = [configuration.community_at(session, one, at_ns) for one in known]
            since_ns = {str(one): configuration.community_since(session, one, at_ns) or begin_ns for one in known}
        communities = [parse_community(one, "the database") for one in documents if one is not None]
        premises = premises_of(communities)
        self._modes_to = {}
        judge = Judge(premises, self._pipeline(premises))
        judge.pipeline.begin(begin_ns, since_ns)
        self._load_modes(judge)
        return judge

    def _load_modes(self, judge: Judge) -> None:
        modes = judge.premises.modes
        known = len(modes.log)
        with self._database.read() as session:
            for community_id in self._estates.ids(session):
                after = self._modes_to.get(community_id, 0)
                anew = {home_id for one, home_id in self._typed if one == community_id}
                self._modes_to[community_id] = configuration.load_modes(session, community_id, modes, after, anew)
        self._typed.clear()
        if len(modes.log) > known:
            judge.configuration_changed()

    async def _listened_to(self) -> int | None:
        """When the last that was judged before us arrived; 0 if that is in the log no more, None if nothing was ever judged."""
        found = await self._log.entry(self._seq) if self._seq else None
        if found is not None:
            return max((one.received_ns for one in found[0].records), default=0)
        return 0 if self._seq or self._saved else None

    async def _judge_heard(self, judge: Judge, entries: Sequence[Entry], at_ns: int) -> None:
        """Judge entries; what we were deaf for before one of them is nobody's silence."""
        first = 0
        for n, entry in enumerate(entries):
            if not entry.records:
                continue
            if self._was_deaf(entry.records[0].received_ns):
                if n > first:
                    await self._judge_new(judge, entries[first:n], at_ns)
                first = n
                await self._resume(judge, entry.records[0].received_ns)
            self._listened_ns = max(self._listened_ns or 0, entry.records[-1].received_ns)
        await self._judge_new(judge, entries[first:], at_ns)

    def _was_deaf(self, now_ns: int) -> bool:
        return self._listened_ns is not None and now_ns - self._listened_ns > DEAF_NS

    async def _resume(self, judge: Judge, now_ns: int) -> None:
        """Let every silence begin anew, and keep that at once: a start after this one begins behind it."""
        _log.info("worker.resumed", listened_until_ns=self._listened_ns, now_ns=now_ns)
        judge.pipeline.resumed(now_ns)
        judge.configuration_changed()
        self._listened_ns = now_ns
        await self._keep(judge, Judged(), self._seq, checkpoint=True)

    async def _judge_new(self, judge: Judge, entries: Sequence[Entry], at_ns: int) -> None:
        """Judge entries and write what came of it; raise `_Rebuilt` before one that another configuration holds for."""
        await self._patiently(lambda: self._load_modes(judge))
        until_ns = await self._patiently(lambda: self._next_change(at_ns))
        held = entries
        if until_ns is not None:
            held = entries[: next((n for n, one in enumerate(entries) if one.records and one.records[-1].received_ns >= until_ns), None)]
        for entry in held:
            if entry.broken is not None:
                _log.error("worker.broken_entry", seq=entry.seq, reason=entry.broken)
        judged = judge.take(_numbered(held))
        for rejected in judged.rejected:
            _log.debug("worker.rejected", topic=rejected.topic, reason=rejected.reason)
        is_cut = len(held) < len(entries)
        if is_cut and until_ns is not None:  # what is due before the change is told before it
            judged.facts += judge.tick(until_ns - 1)
        if held or is_cut:
            await self._keep(judge, judged, held[-1].seq if held else self._seq, checkpoint=is_cut)
        self._committed(held)
        if is_cut and until_ns is not None:
            raise _Rebuilt(until_ns)

    def _next_change(self, at_ns: int) -> int | None:
        with self._database.read() as session:
            return configuration.next_change(session, at_ns)

    async def _pass_time(self, judge: Judge, seen_seq: int, at_ns: int) -> None:
        """Tell the rules that time has passed without readings, if the log says that there are none; raise `_Rebuilt` as `_judge_new`."""
        now_ns = self._clock() - GRACE_NS
        if seen_seq != (await self._log.state()).last_seq:
            return
        if self._was_deaf(now_ns):  # the whole machine slept
            await self._resume(judge, now_ns)
        self._listened_ns = max(self._listened_ns or 0, now_ns)
        await self._patiently(lambda: self._load_modes(judge))
        until_ns = await self._patiently(lambda: self._next_change(at_ns))
        change_ns = None if until_ns is None or until_ns > now_ns else until_ns  # a new schedule waits for no reading
        facts = judge.tick(now_ns if change_ns is None else change_ns - 1)
        if facts or change_ns is not None:  # with the state: what only time has shown, no reading shows again after a start
            await self._keep(judge, Judged(facts=facts), self._seq, checkpoint=True)
        if change_ns is not None:
            raise _Rebuilt(change_ns)

    async def _keep(self, judge: Judge, judged: Judged, seq: int, *, checkpoint: bool = False) -> None:
        """Write what came of judging, with the position and from time to time with the decision state."""
        checkpoint = checkpoint or time.monotonic() - self._checkpoint_s >= CHECKPOINT_S
        state = judge.pipeline.snapshot() if checkpoint else None
        self._positions = await self._patiently(lambda: self._write(judged, seq, state))
        if state is not None:
            self._saved, self._checkpoint_s = state, time.monotonic()

    def _write(self, judged: Judged, seq: int, state: Mapping[str, Mapping[str, Any]] | None) -> dict[int, Position]:
        now_ns = self._clock()
        with self._database.write() as session:
            moves = dict.fromkeys(self._positions, seq)
            moved = positions.advance(session, self._created, moves, self._positions, checkpoint=state is not None)
            by_community: dict[CommunityId, Facts] = {}
            for fact in judged.facts:
                by_community.setdefault(fact.community_id, []).append(fact)
            for community_id, facts in sorted(by_community.items()):
                book = DatabaseBook(session, community_id, now_ns)
                directory = self._estates.community(session, community_id).directory
                for fact in facts:
                    if isinstance(fact, ModeSet):
                        at_ns, by = fact.t_ns, fact.by
                        if by != SCHEDULE or not configuration.is_changed_since(session, community_id, fact.home_id, at_ns):
                            configuration.change_mode(session, community_id, fact.home_id, fact.mode, at_ns=at_ns, by=by)
                    elif isinstance(fact, Standing):
                        standings.write(session, fact)
                    elif not isinstance(fact, Event) or add_event(session, fact):
                        book.put(take(fact, book, directory, now_ns))
            if judged.rejected:
                positions.count_rejected(session, f"{datetime.fromtimestamp(now_ns / NS_PER_S, tz=UTC):%Y-%m-%d}", _counts(judged.rejected))
            for rule, devices in (state or {}).items():
                positions.save_decisions(session, rule, *positions.changes(self._saved.get(rule, {}), devices))
        self._typed |= {(fact.community_id, fact.home_id) for fact in judged.facts if isinstance(fact, ModeSet)}
        return moved

    async def _patiently(self, done: Callable[[], Any]) -> Any:  # noqa: ANN401  whatever is done
        """The answer of a transaction, tried until the database lets it."""
        wait_s = BACKOFF_S[0]
        while True:
            try:
                answer = done()
            except StoreBusyError as error:
                self._tell("worker.database_away", reason=str(error))
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, BACKOFF_S[1])
            else:
                self._tell("")
                return answer

    def _tell(self, trouble: str, **fields: str) -> None:
        """One line when it begins and one when it is over."""
        if trouble and trouble != self._trouble:
            _log.error(trouble, **fields)
        if self._trouble and not trouble:
            _log.info("worker.goes_on")
        self._trouble = trouble


class _Stream:
    """Entries behind a position, read ahead."""

    def __init__(self, log: Log, after_seq: int, state: LogState) -> None:
        self.seq = after_seq
        self._queue: asyncio.Queue[Entry] = asyncio.Queue(AHEAD_ENTRIES)
        self._reader = asyncio.create_task(self._read(log, after_seq, state), name="worker-read")

    async def _read(self, log: Log, after_seq: int, state: LogState) -> None:
        async for entry in log.read(after_seq, state.created):
            await self._queue.put(entry)

    async def gather(self, to_seq: int | None = None) -> list[Entry]:
        """What is there, up to an entry if one is named, waiting a little for more; nothing if nothing came for a while."""
        first = await self._next(IDLE_S)
        if first is None:
            return []
        entries, count = [first], len(first.records)
        end_s = time.monotonic() + GATHER_S
        while count < MOST_RECORDS and entries[-1].seq != to_seq:
            entry = await self._next(end_s - time.monotonic())
            if entry is None:
                break
            entries.append(entry)
            count += len(entry.records)
        self.seq = entries[-1].seq
        return entries

    async def _next(self, wait_s: float) -> Entry | None:
        if not self._queue.empty():
            return self._queue.get_nowait()
        if wait_s <= 0:
            return None
        getting = asyncio.ensure_future(self._queue.get())
        await asyncio.wait((getting, self._reader), timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        if getting.done():
            return getting.result()
        getting.cancel()
        if self._reader.done():
            await self._reader  # raises what ended it
        return None

    async def close(self) -> None:
        """Read no more."""
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)


def _numbered(entries: Sequence[Entry]) -> list[tuple[int, Record]]:
    """Records in the order of their arrival, each with its number. The partitions' entries lie beside each other in the log."""
    numbered = [(entry.seq * _NUMBERS + place, record) for entry in entries for place, record in enumerate(entry.records)]
    numbered.sort(key=lambda one: one[1].received_ns)
    return numbered


def _counts(rejected: Sequence[Rejected]) -> Counter[tuple[str, str]]:
    """How many were set aside of each community for each reason; a reason without what is different each time."""
    counts: Counter[tuple[str, str]] = Counter()
    for one in rejected:
        topic = parse(one.topic)
        reason = re.sub(r"'[^']*'|\"[^\"]*\"|\d+(\.\d+)?|\b\w+(-\w+)+\b", "…", one.reason)[:_REASON_CHARACTERS]
        counts["" if isinstance(topic, str) else topic.community, reason] += 1
    return counts
