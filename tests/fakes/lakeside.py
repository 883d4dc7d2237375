"""The example's estate in a database, things that happen there, and its pages, served by this process."""

import asyncio
import copy
import functools
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import httpx
from fakes.brokers import PATIENCE_S
from fastapi import FastAPI

from devices.model import NS_PER_S, CommunityId, HomeId, PersonId
from incidents.desk import sweep, take
from incidents.directory import Channel, Directory
from incidents.model import Incident, Outcome
from incidents.timeline import Because, Cause
from notifier.messages import render
from rules.kinds import EventKind, Mode
from rules.model import Event, Finding
from store import accounts, configuration, contacts, document, outbox, views
from store.accounts import login_of
from store.community import load
from store.ledger import DatabaseBook, add_event
from store.outbox import Attempted, DeliveryOutcome
from store.session import Database
from web import service
from web.site import FrontDoor
from web.who import COOKIE, me_cookie

LAKESIDE = CommunityId("lakeside")
EXAMPLE = Path(__file__).parents[2] / "examples" / "lakeside.yaml"
T0_NS = 1_772_344_800 * NS_PER_S  # 2026-03-01T06:00:00Z, 14:00 in Changzhou


class Estate:
    """A community in a database, and what happens there; the clock is moved by hand."""

    def __init__(self, database: Database, said: dict[str, Any], file: Path) -> None:
        self.database = database
        self.id = CommunityId(said["community"]["id"])
        self.now_ns = T0_NS
        self.said, self._file = said, file
        self.write(said)

    def write(self, said: dict[str, Any], ago_s: float = 3600) -> None:
        """A new community file, which holds since then."""
        self._file.write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")
        self.directory: Directory = load(self._file).directory
        with self.database.write() as session:
            self.version = configuration.append_community(
                session, self.id, self.now_ns - round(ago_s * NS_PER_S), json.dumps(said, ensure_ascii=False)
            )

    def sign_in(self, who: str, *, is_strong: bool = True) -> dict[str, str]:
        """Somebody's cookies."""
        with self.database.write() as session:
            login = login_of(self.id, self.directory.people[PersonId(who)])
            word = accounts.sign_in(session, login, self.now_ns, is_strong=is_strong)
        return {COOKIE: word, me_cookie(self.id): who}

    def clock(self) -> int:
        return self.now_ns

    def pass_s(self, seconds: float) -> None:
        """Time passes, and what is due in it happens at its end."""
        self.now_ns += round(seconds * NS_PER_S)
        with self.database.write() as session:
            book = DatabaseBook(session, self.id, self.now_ns)
            book.put(sweep(book, self.directory, self.now_ns), Because(cause=Cause.TIME))

    def happens(self, kind: EventKind, subject: str, *, device: str | None = None, ago_s: float = 2.0, **fields: Any) -> Incident:
        """A rule found something: its incident."""
        fact = Event(
            community_id=self.id,
            kind=kind,
            subject=subject,
            t_ns=self.now_ns - round(ago_s * NS_PER_S),
            known_ns=self.now_ns,
            seq=1,
            device_id=device,
            **fields,
        )
        with self.database.write() as session:
            add_event(session, fact)
        return self.takes(fact).incidents[0]

    def takes(self, fact: Finding) -> Outcome:
        """What comes of something that a rule found."""
        with self.database.write() as session:
            book = DatabaseBook(session, self.id, self.now_ns)
            outcome: Outcome = take(fact, book, self.directory, self.now_ns)
            book.put(outcome)
        return outcome

    def dispatch(self, came_to: Callable[[Channel], tuple[DeliveryOutcome, str | None]] | None = None) -> int:
        """Hand over what is due, as the dispatcher does; how many. By default everything arrives."""
        with self.database.write() as session:
            claimed = outbox.claim(session, self.now_ns, 30, 100, "test")
            for one in claimed:
                channel = one.duty.channel or Channel.SMS
                text = render(one.duty, channel, self.directory, self.now_ns)
                outbox.prepare(session, one, channel=channel, gateway="console", text=text)
        for number, one in enumerate(claimed):  # no two of them in the same nanosecond
            channel = one.duty.channel or Channel.SMS
            outcome, code = came_to(channel) if came_to else (DeliveryOutcome.DELIVERED, None)
            attempted = Attempted(
                outcome=outcome,
                at_ns=self.now_ns + NS_PER_S + number,
                channel=channel,
                gateway="console",
                provider_id=f"{one.id}-{one.attempt}",
                code=code,
                retry_ns=self.now_ns + 5 * NS_PER_S if outcome is DeliveryOutcome.RETRY else None,
            )
            with self.database.write() as session:
                outbox.record(session, self.id, one.id, one.attempt, attempted)
        return len(claimed)

    def arm(self, home: str, mode: Mode = Mode.AWAY, by: str = "wang-lei") -> None:
        with self.database.write() as session:
            configuration.change_mode(session, self.id, HomeId(home), mode, at_ns=self.now_ns, by=PersonId(by))

    def incident(self, incident: Incident) -> Incident:
        """As it is now."""
        with self.database.read() as session:
            found = views.incident(session, self.id, incident.id)
        assert found is not None
        return found


def front_door(
    sent: SimpleQueue[tuple[str, str]] | None = None, texts: SimpleQueue[tuple[str, str]] | None = None, **choices: Any
) -> FrontDoor:
    """Of a demonstration; codes are `sent` to people's ids, and `texts` to addresses."""
    codes = SimpleQueue() if sent is None else sent
    letters = SimpleQueue() if texts is None else texts
    return FrontDoor(
        key=bytes(32),
        send_code=lambda to, code: codes.put((to.person.id, code)),
        send_text=lambda at, text: letters.put((contacts.address_of(at.person, at.channel) or "", text)),
        **{"as_anybody": True} | choices,
    )


@functools.cache
def _example() -> dict[str, Any]:
    said: dict[str, Any] = document.parse(EXAMPLE.read_text(encoding="utf-8"), EXAMPLE).value
    return said


def example() -> dict[str, Any]:
    """The example's community file, to be changed at will."""
    return copy.deepcopy(_example())


class Service:
    """The pages, or another application, served by a thread of this process."""

    def __init__(self, database: Database, clock: Callable[[], int], port: int = 0, app: FastAPI | None = None) -> None:
        self._listening: socket.socket = service.listen("127.0.0.1", port)
        self.port = int(self._listening.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._started, self._loop = threading.Event(), asyncio.new_event_loop()
        self._app = app or service.create_app(database, front_door(), clock=clock)
        self._thread = threading.Thread(target=self._run, name="pages")
        self._thread.start()
        self._started.wait()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def client(self, language: str = "en", cookies: dict[str, str] | None = None, **headers: str) -> httpx.Client:
        """Asks the pages, with more patience than any of them needs."""
        headers = {"accept-language": language} | headers
        return httpx.Client(base_url=self.url, headers=headers, cookies=cookies, trust_env=False, timeout=PATIENCE_S)

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
            self._listening.close()

    def _run(self) -> None:
        async def serve() -> None:
            self._stop = asyncio.Event()
            self._started.set()
            await service.serve_on(self._app, self._listening, self._stop)

        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(serve())
