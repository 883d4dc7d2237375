"""The database: SQLite or PostgreSQL, with the same promises.

A write is one transaction that is on disk when it ends. On SQLite writers take turns from their first statement on (BEGIN IMMEDIATE); on
PostgreSQL what must take turns does so by row: a community's lock, a partition's epoch, a claim. A read sees one moment and writes nothing.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import cast

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import Session, col

from devices.model import CommunityId
from store.model import StoreBusyError, StoreError
from store.tables import CommunityLockRow, Table

_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 0x616E6A75
"""Of PostgreSQL's advisory locks: "anju"."""

_CONNECT_S = 5

_LOOK_S = 0.002
"""Whoever waits to write into SQLite looks so often whether it may."""

_SQLITE_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_POSTGRESQL_BUSY = {"40001", "40P01", "55P03", "57P01", "57P02", "57P03", "53300"}
"""Serialization failure, deadlock, lock timeout, shutting down, crashed, starting up, too many connections."""


class Database:
    """One database.

    Parameters
    ----------
    url
        `sqlite:////var/lib/anju/anju.db` or `postgresql://user@host/anju`.
    wait_s
        How long a statement waits for a lock before it gives up.

    Raises
    ------
    StoreError
        If the URL is of neither database, or SQLite cannot keep a write-ahead log there.
    StoreBusyError
        From `read`, `write` and `upgrade`: locked for too long, or away. Nothing was written, except that a PostgreSQL that went
        away during a commit may have committed: who goes on from a position finds out by its epoch.
    """

    def __init__(self, url: str, *, wait_s: float = 5.0) -> None:
        parsed = make_url(url)
        match parsed.get_backend_name():
            case "sqlite" if parsed.database not in {None, "", ":memory:"}:
                self._engine = create_engine(parsed, connect_args={"timeout": wait_s})
                event.listen(self._engine, "connect", _prepare_sqlite)
                event.listen(self._engine, "begin", _begin_sqlite)
            case "postgresql":
                asked = {
                    "connect_timeout": _CONNECT_S,
                    "client_encoding": "UTF8",  # or psycopg answers bytes where the server's is SQL_ASCII, before we can say so
                    "options": f"-c lock_timeout={round(wait_s * 1000)}ms",
                }
                self._engine = create_engine(parsed.set(drivername="postgresql+psycopg"), connect_args=asked)
            case _:
                raise StoreError(f"database_url is {parsed.render_as_string()}, must be sqlite:///FILE or postgresql://…")
        self.is_sqlite = self._engine.dialect.name == "sqlite"
        self._turn: AbstractContextManager[object] = _Turn(wait_s) if self.is_sqlite else nullcontext()
        self._writer = self._engine.execution_options(writes=True)
        self._reader = self._engine.execution_options(
            **({} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})
        )

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: all of it is kept at the end, or nothing if anything is raised."""
        with self._turn, _busy_named(), Session(self._writer, expire_on_commit=False) as session, session.begin():
            session.info["writes"] = True
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One moment of the database; a statement that writes is refused."""
        with _busy_named(), Session(self._reader, expire_on_commit=False) as session:
            yield session

    def upgrade(self) -> None:
        """Bring the schema to this version, in one transaction; processes that start together take turns.

        Raises
        ------
        StoreError
            If a newer version wrote this database, or a PostgreSQL database is not in UTF-8.
        """
        with self.write() as session:
            connection = session.connection()
            if not self.is_sqlite:
                _check_encoding(connection)
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            config = Config()
            config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise StoreError(f"this database was written by a newer version of Anju ({error})") from error

    def close(self) -> None:
        """Close the connections that are kept for reuse."""
        self._engine.dispose()


class _Turn:
    """SQLite lets whoever finds it locked look again after a pause, which grows: the threads of one process do better in a queue."""

    def __init__(self, wait_s: float) -> None:
        self._wait_s = wait_s
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=self._wait_s):
            raise StoreBusyError(f"the database is locked or away: another thread has been writing for {self._wait_s:g} s")

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def insert(session: Session, table: type[Table]) -> postgresql.Insert:
    """An INSERT that can say ON CONFLICT: both databases have it, in the same words but of two classes."""
    target = Table.metadata.tables[str(table.__tablename__)]
    made = sqlite.insert(target) if session.get_bind().dialect.name == "sqlite" else postgresql.insert(target)
    return cast("postgresql.Insert", made)


def next_number(session: Session, community_id: CommunityId) -> int:
    """Lock a community until the transaction ends, and number what is written about it, ascending in the order of the commits.

    A transaction that writes about several communities locks them in the order of their ids, or two of them wait for each other.
    """
    lock = insert(session, CommunityLockRow).values(community_id=community_id, number=1)
    locked = lock.on_conflict_do_update(index_elements=["community_id"], set_={"number": col(CommunityLockRow.number) + 1})
    return int(session.exec(locked.returning(col(CommunityLockRow.number))).scalar_one())


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """What a new connection needs; it stays out of Python's own transactions, so that BEGIN is ours."""
    connection.isolation_level = None
    mode = _turned_to_wal(connection)
    if mode != "wal":
        raise StoreError(f"SQLite's journal mode is {mode}, must be wal: the state folder must be on a local disk")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _turned_to_wal(connection: sqlite3.Connection) -> str:
    """The journal mode after asking for WAL; tried for a while, because SQLite does not itself wait here for others who turn a new file."""
    for pause_s in [0.05] * 100:
        try:
            return str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _SQLITE_BUSY:
                raise
            time.sleep(pause_s)
    return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


def _begin_sqlite(connection: Connection) -> None:
    """IMMEDIATE, because a reader that turns writer cannot wait: it would fail at once whenever another wrote meanwhile."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql(f"PRAGMA query_only = {0 if writes else 1}")
    if writes:
        _wait_for_turn(connection)
    else:
        connection.exec_driver_sql("BEGIN")


def _wait_for_turn(connection: Connection) -> None:
    """Begin to write. SQLite itself looks ever more seldom whether it may, at last every 100 ms, and a busy process gets in before it."""
    sqlite_connection = cast("sqlite3.Connection", connection.connection.dbapi_connection)
    (wait_ms,) = sqlite_connection.execute("PRAGMA busy_timeout").fetchone()
    end_s = time.monotonic() + wait_ms / 1000
    sqlite_connection.execute("PRAGMA busy_timeout = 0")
    try:
        while time.monotonic() < end_s:
            try:
                sqlite_connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in _SQLITE_BUSY:
                    raise
                time.sleep(_LOOK_S)
            else:
                return
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        sqlite_connection.execute(f"PRAGMA busy_timeout = {wait_ms}")


def _check_encoding(connection: Connection) -> None:
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    if encoding != "UTF8":
        raise StoreError(f"the PostgreSQL database's encoding is {encoding}, must be UTF8")


@contextmanager
def _busy_named() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if _is_busy(error):
            raise StoreBusyError(f"the database is locked or away: {str(error.orig).splitlines()[0]}") from error
        raise


def _is_busy(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _SQLITE_BUSY
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or state in _POSTGRESQL_BUSY or (state is None and isinstance(error, OperationalError))
