"""State folders of earlier versions, kept as they were, are gone on with.

`fixtures/anju-0.1.tar.xz`: two people fell and a door was opened while armed, all judged; then two SOS are in the log and not judged yet.
"""

import asyncio
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.brokers import PATIENCE_S, embedded
from sqlmodel import select
from stories import START

from app import pipeline  # noqa: TID251  the rules are those that the composition root composes
from devices.broker import CORE, credentials_of
from devices.log import Limits, Log
from devices.model import NS_PER_S, CommunityId, PersonId
from incidents.desk import sweep
from incidents.model import Act, Do, Ended, Incident, IncidentId, IncidentState, Outcome, Quiet
from incidents.timeline import Because, Cause
from store import timelines
from store.acts import act_on, silence
from store.estates import Estates
from store.ledger import DatabaseBook
from store.session import Database
from store.tables import EventRow, NotificationRow
from store.worker import Worker

FIXTURES = Path(__file__).parents[1] / "fixtures"
T0_NS = round(START.timestamp()) * NS_PER_S


WILLOW = CommunityId("willow")
FALL, INTRUSION = "fall-xu-bo-20260302T020010.580Z", "intrusion-b1-101-20260302T020012.000Z"


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Database]:
    """The database of 0.1, up to date: a fall at 10:00:10 that waits for its window (until 10:01:30), a burglary that is told."""
    with tarfile.open(FIXTURES / "anju-0.1.tar.xz") as state:
        state.extractall(tmp_path, filter="data")
    database = Database(f"sqlite:///{tmp_path / 'anju.db'}")
    database.upgrade()
    yield database
    database.close()


def ns(seconds: float) -> int:
    return T0_NS + round(seconds * NS_PER_S)


def acts_on(database: Database, at_s: float, by: str, do: Do, subject: str, *, eta_min: float | None = None) -> None:
    act = Act(by=PersonId(by), do=do, subject=subject, eta_min=eta_min)
    assert isinstance(act_on(database, Estates(), WILLOW, act, ns(at_s)), Outcome)


def passes(database: Database, to_s: float) -> None:
    with database.write() as session:
        book = DatabaseBook(session, WILLOW, ns(to_s))
        book.put(sweep(book, Estates().community(session, WILLOW).directory, ns(to_s)), Because(cause=Cause.TIME))


def stands(database: Database, id_: str) -> Incident:
    with database.read() as session:
        return DatabaseBook(session, WILLOW, 0)[IncidentId(id_)]


def told(database: Database, id_: str) -> list[str]:
    with database.read() as session:
        return sorted(one.removeprefix(f"{id_}:") for one in session.exec(select(NotificationRow.id)) if one.startswith(f"{id_}:"))


def written(database: Database, id_: str) -> list[str]:
    with database.read() as session:
        return [entry.kind.value for _, entry in timelines.read(session, WILLOW, IncidentId(id_))]


def test_an_incident_of_an_earlier_version_is_taken_on_and_nobody_who_waits_for_it_is_forgotten(kept: Database) -> None:
    acts_on(kept, 60, "emma-xu", Do.ACKNOWLEDGE, "xu-bo", eta_min=5)
    assert stands(kept, FALL).state is IncidentState.ACKNOWLEDGED
    passes(kept, 361)
    assert told(kept, FALL) == ["tell:0:0:day-guard:sms", "tell:0:0:emma-xu:sms"]
    passes(kept, 425)
    assert told(kept, FALL)[2:] == ["tell:1:0:hospital:voice"]
    acts_on(kept, 430, "emma-xu", Do.RESOLVE, "xu-bo")
    assert [one for one in told(kept, FALL) if one.startswith("ending")] == ["ending:0:0:day-guard:reached", "ending:0:0:hospital:reached"]
    assert written(kept, FALL)[:2] == ["state", "state"], "what an earlier version did was written by nobody"


def test_an_incident_of_an_earlier_version_is_silenced_and_told_in_the_end(kept: Database) -> None:
    wish = Quiet(by=PersonId("emma-xu"), subject="xu-bo", reason="练习跌倒", until_ns=ns(600), life=True)
    assert isinstance(silence(kept, Estates(), WILLOW, wish, ns(60)), Outcome)
    passes(kept, 95)
    assert stands(kept, FALL).held_ns == ns(600)
    assert told(kept, FALL) == []
    passes(kept, 601)
    assert told(kept, FALL) == ["tell:0:0:day-guard:sms", "tell:0:0:emma-xu:sms"]


def test_a_told_incident_of_an_earlier_version_ends_for_everybody_who_was_told(kept: Database) -> None:
    acts_on(kept, 60, "day-guard", Do.RESOLVE, "b1-101")
    assert [one for one in told(kept, INTRUSION) if one.startswith("ending")] == ["ending:0:0:zhou-jie:reached"]
    assert stands(kept, INTRUSION).ended is Ended.BY_RESPONDER


@pytest.mark.parametrize("version", ["0.1"])
def test_the_state_of_an_earlier_version_is_gone_on_with(tmp_path: Path, version: str) -> None:
    with tarfile.open(FIXTURES / f"anju-{version}.tar.xz") as kept:
        kept.extractall(tmp_path, filter="data")
    database = Database(f"sqlite:///{tmp_path / 'anju.db'}")
    database.upgrade()
    broker = embedded(tmp_path / "nats")
    broker.start()

    def kinds() -> list[str]:
        with database.read() as session:
            return sorted(session.exec(select(EventRow.kind)))

    async def go_on() -> None:
        log = await Log.open(broker.nats_url, CORE, credentials_of(broker.config.folder).core, Limits(max_bytes=32 << 20))
        stop = asyncio.Event()
        worker = asyncio.ensure_future(Worker(database, log, pipeline, clock=lambda: T0_NS + 60 * NS_PER_S).run(stop))
        async with asyncio.timeout(PATIENCE_S):
            while kinds().count("sos") < 2:  # noqa: ASYNC110  another connection writes it
                await asyncio.sleep(0.02)
        stop.set()
        await worker
        await log.close()

    try:
        assert kinds() == ["fall", "fall", "intrusion"]
        asyncio.run(go_on())
        assert kinds() == ["fall", "fall", "intrusion", "long_lie", "sos", "sos"]
        with database.read() as session:
            told = sorted(one.split(":")[0].split("-2026")[0] for one in session.exec(select(NotificationRow.id)))
        # The SOS makes an incident of xu-bo's suspected fall, and is told to his daughter and the guard.
        assert told.count("intrusion-b1-101") == 2
        assert told.count("fall-xu-bo") >= 2
    finally:
        broker.stop()
        database.close()
