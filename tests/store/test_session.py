import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import Session, select

from devices.model import CommunityId
from store import configuration, outbox
from store.model import StoreBusyError, StoreError
from store.session import Database, next_number
from store.tables import DeliveryRow

Opened = Callable[..., Database]
WILLOW = CommunityId("willow")


def versions(database: Database) -> int:
    with database.read() as session:
        return configuration.community_number(session, WILLOW)


def append(session: Session) -> None:
    configuration.append_community(session, WILLOW, 0, "{}")


def test_what_raises_in_a_write_leaves_nothing(database: Database) -> None:
    def broken() -> None:
        with database.write() as session:
            append(session)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert versions(database) == 0


def test_a_read_cannot_write(database: Database) -> None:
    with pytest.raises(DBAPIError), database.read() as session:
        append(session)
    with database.write() as session:
        append(session)
    assert versions(database) == 1


def test_a_read_sees_one_moment(database: Database) -> None:
    with database.read() as session:
        before = configuration.communities(session)
        with database.write() as other:
            append(other)
        assert configuration.communities(session) == before == ()


def test_a_community_that_somebody_else_is_writing_about_is_busy(url: str, opened: Opened) -> None:
    with opened(url).write() as session:
        next_number(session, WILLOW)
        with pytest.raises(StoreBusyError, match="locked"), opened(url, wait_s=0.05).write() as other:
            next_number(other, WILLOW)


def test_writers_who_wait_take_turns(url: str, opened: Opened) -> None:
    def write(_: int) -> int:
        with opened(url).write() as session:
            return next_number(session, WILLOW)

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(write, range(12))) == list(range(1, 13))


def test_a_database_that_is_away_is_busy(tmp_path: Path, opened: Opened) -> None:
    away = opened(f"postgresql://anju@/anju?host={tmp_path}")
    with pytest.raises(StoreBusyError, match="away"), away.read() as session:
        session.connection()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://anju@localhost/anju"])
def test_a_url_of_no_such_database_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="must be sqlite"):
        Database(url)


def test_a_refused_url_does_not_show_its_password() -> None:
    with pytest.raises(StoreError) as refused:
        Database("mysql://anju:geheim@localhost/anju")
    assert "geheim" not in str(refused.value)


def test_sqlite_is_on_disk_before_a_write_ends(tmp_path: Path, opened: Opened) -> None:
    with opened(f"sqlite:///{tmp_path / 'anju.db'}").write() as session:
        asked = ("journal_mode", "synchronous", "foreign_keys")
        assert [session.connection().execute(text(f"PRAGMA {name}")).scalar_one() for name in asked] == ["wal", 2, 1]


def test_a_row_about_nothing_is_refused(database: Database) -> None:
    orphan = DeliveryRow(
        community_id="willow", notification_id="none", attempt=1, outcome=outbox.DeliveryOutcome.BEGUN, handed_ns=1, updated_ns=1
    )
    with pytest.raises(IntegrityError), database.write() as session:
        session.add(orphan)


KILLED = """
import sys
from devices.model import CommunityId
from store import configuration
from store.session import Database

with Database(sys.argv[1]).write() as session:
    configuration.append_community(session, CommunityId("willow"), 0, "{}")
    print("written", flush=True)
    sys.stdin.read()
"""


def test_a_process_killed_within_a_write_leaves_nothing(url: str, database: Database) -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
    with database.write() as session:
        assert next_number(session, WILLOW) == 1
    with database.read() as session:
        assert session.exec(select(1)).one() == 1
        assert configuration.communities(session) == ()
