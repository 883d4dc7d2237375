"""What radars see just now, for whoever looks: read from the log while somebody looks, and at no other time."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

import structlog

from devices.entry import partition_of
from devices.log import Log, LogError
from devices.model import CommunityId, DeviceId, HomeId
from geofence.floor import Floor
from store.model import Community
from web.sight import Look, Sight, Sighting, Trip

AGAIN_S = 1.0
"""Between attempts to reach a log that is away."""
MOST_TRIPS = 20
_log = structlog.get_logger(__name__)

_Place = tuple[CommunityId, HomeId]


@dataclass(slots=True, eq=False)
class Onlooker:
    """Somebody who looks. Who is slow does not get what is old by now: of each radar there is the newest frame only."""

    woken: asyncio.Event = field(default_factory=asyncio.Event)
    looks: dict[DeviceId, Look] = field(default_factory=dict)
    trips: deque[Trip] = field(default_factory=lambda: deque(maxlen=MOST_TRIPS))

    def put(self, looks: Iterable[Look], trips: Iterable[Trip]) -> None:
        """Show something."""
        self.looks.update((one.device_id, one) for one in looks)
        self.trips.extend(trips)
        self.woken.set()

    def take(self) -> Sighting:
        """What is new since it was last asked."""
        self.woken.clear()
        seen = Sighting(self.looks, tuple(self.trips))
        self.looks = {}
        self.trips.clear()
        return seen


@dataclass(slots=True)
class _Watch:
    """One home that somebody looks at."""

    sight: Sight
    onlookers: set[Onlooker] = field(default_factory=set)


class Lookout:
    """One reader of each partition of the log in which a home is looked at, however many look.

    Belongs to one event loop.

    Parameters
    ----------
    open_log
        Connects to the log; asked for when somebody looks first. Without it nothing is seen.
    """

    def __init__(self, open_log: Callable[[], Awaitable[Log]] | None = None) -> None:
        self._open_log = open_log
        self._log: Log | None = None
        self._opening = asyncio.Lock()
        self._watches: dict[int, dict[_Place, _Watch]] = {}
        self._readers: dict[int, asyncio.Task[None]] = {}

    @property
    def partitions(self) -> frozenset[int]:
        """Those that are read now."""
        return frozenset(self._readers)

    @asynccontextmanager
    async def looking(self, community: Community, home: HomeId, floor: Floor) -> AsyncIterator[Onlooker]:
        """Somebody looks at a home, until they look away."""
        partition, place, onlooker = partition_of(community.id, home), (community.id, home), Onlooker()
        here = self._watches.setdefault(partition, {})
        watch = here.setdefault(place, _Watch(Sight(community, home, floor)))
        watch.onlookers.add(onlooker)
        if partition not in self._readers and self._open_log is not None:
            self._readers[partition] = asyncio.create_task(self._read(partition, self._open_log), name=f"web-lookout-{partition}")
        try:
            yield onlooker
        finally:
            watch.onlookers.discard(onlooker)
            if not watch.onlookers:
                here.pop(place, None)
            if not here:
                await self._leave(partition)

    def renew(self, community: Community, home: HomeId, floor: Floor) -> None:
        """From now on a home is seen as it is configured now."""
        watch = self._watches.get(partition_of(community.id, home), {}).get((community.id, home))
        if watch is not None and watch.sight.community is not community:
            watch.sight = Sight(community, home, floor)

    async def close(self) -> None:
        """End every reader and the connection to the log."""
        for partition in tuple(self._readers):
            await self._leave(partition)
        if self._log is not None:
            await self._log.close()
            self._log = None

    async def _leave(self, partition: int) -> None:
        if (reader := self._readers.pop(partition, None)) is not None:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    async def _read(self, partition: int, open_log: Callable[[], Awaitable[Log]]) -> None:
        while True:
            try:
                log = await self._opened(open_log)
                async with aclosing(log.newest(partition)) as entries:
                    async for entry in entries:
                        for watch in self._watches[partition].values():
                            if seen := watch.sight.take(entry.records):
                                for onlooker in watch.onlookers:
                                    onlooker.put(seen.looks.values(), seen.trips)
            except LogError as error:
                _log.warning("web.log_away", reason=str(error))
                await asyncio.sleep(AGAIN_S)

    async def _opened(self, open_log: Callable[[], Awaitable[Log]]) -> Log:
        async with self._opening:
            if self._log is None:
                self._log = await open_log()
            return self._log
