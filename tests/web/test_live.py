"""Listeners hear of what is new, by one task for all of them."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fakes.brokers import PATIENCE_S
from fakes.lakeside import LAKESIDE, Estate

from rules.kinds import EventKind
from store import views
from store.model import StoreBusyError
from store.session import Database
from web import live
from web.live import Live


async def heard(changes: AsyncIterator[str | None]) -> str:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if (signal := await anext(changes)) is not None:
                return signal


def polls() -> list[asyncio.Task[object]]:
    return [task for task in asyncio.all_tasks() if task.get_name() == "web-live"]


def test_everybody_hears_what_is_new_and_one_task_asks(estate: Estate) -> None:
    async def listen() -> None:
        told = Live(estate.database, poll_s=0.01)
        listeners = [told.changes(LAKESIDE) for _ in range(5)]
        first = [await heard(one) for one in listeners]
        assert len(polls()) == 1
        await asyncio.to_thread(estate.happens, EventKind.SOS, "wang-xiuying")
        second = [await heard(one) for one in listeners]
        assert (len(set(first)), len(set(second))) == (1, 1)
        assert first != second
        await told.close()
        assert [[one async for one in each] for each in listeners] == [[]] * 5

    asyncio.run(listen())


def test_nobody_asks_when_nobody_listens(estate: Estate) -> None:
    async def listen() -> None:
        told = Live(estate.database, poll_s=0.01)
        changes = told.changes(LAKESIDE)
        await heard(changes)
        await changes.aclose()  # type: ignore[attr-defined]
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*polls())
        again = told.changes(LAKESIDE)
        await heard(again)
        await told.close()

    asyncio.run(listen())


def test_a_busy_database_ends_nothing(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = ["1-0", StoreBusyError("locked"), StoreBusyError("locked"), "2-0"]

    def signal(*_: object) -> str:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def listen() -> None:
        told = Live(estate.database, poll_s=0.01)
        changes = told.changes(LAKESIDE)
        assert [await heard(changes), await heard(changes)] == ["1-0", "2-0"]
        await told.close()

    monkeypatch.setattr(views, "signal", signal)
    asyncio.run(listen())


def test_who_hears_nothing_hears_that_somebody_is_there(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "ALIVE_S", 0.01)

    async def listen() -> None:
        told = Live(database, poll_s=0.01)
        changes = told.changes(LAKESIDE)
        await heard(changes)
        async with asyncio.timeout(PATIENCE_S):
            assert await anext(changes) is None
        await told.close()

    asyncio.run(listen())
