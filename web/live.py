"""What is new, for every page that is open: one task asks the database, however many listen."""

import asyncio
from collections.abc import AsyncIterator, Callable

import structlog
from sqlmodel import Session

from devices.model import CommunityId
from store import views
from store.model import StoreError
from store.session import Database

POLL_S = 0.3
ALIVE_S = 2.0
"""A listener hears something at least so often, so that a dead connection is noticed: within 5 s, of which pages miss two in a row."""
_log = structlog.get_logger(__name__)


class _Listener:
    """The newest signal only: who is slow does not get what is old by now."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()
        self.signal: str | None = None


class Live:
    """Signals of communities (`store.views.signal`), while somebody listens.

    Belongs to one event loop.

    Parameters
    ----------
    also
        Another number that changes when there is something new to show.
    """

    def __init__(self, database: Database, poll_s: float = POLL_S, also: Callable[[], int] | None = None) -> None:
        self._database = database
        self._also = also
        self._poll_s = poll_s
        self._listeners: dict[CommunityId, set[_Listener]] = {}
        self._polling: asyncio.Task[None] | None = None
        self._closed = False

    async def changes(self, community_id: CommunityId, heard: str | None = None) -> AsyncIterator[str | None]:
        """Each signal that is new, the present one first; None where nothing was for a while. Ends when no more is to come.

        Parameters
        ----------
        heard
            The last signal that the listener has seen: it is not said again.
        """
        listener = _Listener()
        self._listeners.setdefault(community_id, set()).add(listener)
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll(), name="web-live")
        try:
            while not self._closed and not self._polling.done():
                try:
                    async with asyncio.timeout(ALIVE_S):
                        await listener.woken.wait()
                except TimeoutError:
                    yield None
                    continue
                listener.woken.clear()
                if listener.signal is not None and listener.signal != heard:
                    heard = listener.signal
                    yield heard
        finally:
            self._listeners[community_id].discard(listener)
            if not self._listeners[community_id]:
                del self._listeners[community_id]

    def signal(self, session: Session, community_id: CommunityId) -> str:
        """A community's signal as it is now."""
        signal = views.signal(session, community_id)
        return f"{signal}-{self._also()}" if self._also else signal

    async def close(self) -> None:
        """End every listener's signals."""
        self._closed = True
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.gather(self._polling, return_exceptions=True)

    async def _poll(self) -> None:
        try:
            while self._listeners:
                try:
                    signals = await asyncio.to_thread(self._read, tuple(self._listeners))
                except StoreError as error:
                    _log.warning("web.database_away", reason=str(error))
                    signals = {}
                for community_id, signal in signals.items():
                    for listener in self._listeners.get(community_id, ()):
                        if listener.signal != signal:
                            listener.signal = signal
                            listener.woken.set()
                await asyncio.sleep(self._poll_s)
        finally:
            for listeners in self._listeners.values():
                for listener in listeners:
                    listener.woken.set()

    def _read(self, community_ids: tuple[CommunityId, ...]) -> dict[CommunityId, str]:
        with self._database.read() as session:
            return {one: self.signal(session, one) for one in community_ids}
