from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from store.model import StoreError
from store.session import Database
from store.tables import EntryRow, IncidentRow, Table

Opened = Callable[..., Database]

POSTGRESQL = """
SELECT 'column', table_name, column_name, data_type || is_nullable || coalesce(column_default, '')
  FROM information_schema.columns WHERE table_schema = 'public'
UNION SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
"""
SQLITE = """
SELECT 'column', made.name, has.name, has.type, has."notnull", has.dflt_value, has.pk
  FROM sqlite_master AS made, pragma_table_info(made.name) AS has WHERE made.type = 'table' AND made.name NOT LIKE 'sqlite_%'
UNION SELECT 'foreign key', made.name, has."from", has."table", has."to", has.on_delete, has.seq
  FROM sqlite_master AS made, pragma_foreign_key_list(made.name) AS has WHERE made.type = 'table'
UNION SELECT 'unique', made.name, of.name, has."unique", has.origin, has.partial, of.seqno
  FROM sqlite_master AS made, pragma_index_list(made.name) AS has, pragma_index_info(has.name) AS of
  WHERE made.type = 'table' AND has.origin <> 'c'
UNION SELECT type, tbl_name, name, sql, '', '', '' FROM sqlite_master WHERE type <> 'table' AND sql IS NOT NULL
"""


def schema(connection: Connection) -> set[tuple[Any, ...]]:
    asked = SQLITE if connection.dialect.name == "sqlite" else POSTGRESQL
    rows = {tuple(" ".join(str(part).split()) for part in row) for row in connection.execute(text(asked))}
    return {row for row in rows if row[1] != "alembic_version"}


def test_the_migrations_make_what_the_tables_say(empty_url: str, url: str, opened: Opened) -> None:
    made, migrated = opened(empty_url), opened(url)
    with made.write() as session:
        Table.metadata.create_all(session.connection())
        said = schema(session.connection())
    with migrated.read() as session:
        assert {row for row in schema(session.connection()) if row[0] != "trigger"} == said


def test_a_timeline_is_only_ever_appended_to(url: str, opened: Opened) -> None:
    database = opened(url)
    at = {"community_id": "willow", "incident_id": "i-1"}
    with database.write() as session:
        book = {"story": "fault", "subject": "w-1", "rule": "", "state": "open", "severity": "info", "kind": "offline"}
        session.add(IncidentRow(community_id="willow", id="i-1", number=1, is_open=True, opened_ns=0, version=1, body="{}", **book))
        session.flush()
        session.add(EntryRow(**at, number=2, at_ns=0, kind="state", body="{}"))
    for change in ("UPDATE timeline SET at_ns = 1", "DELETE FROM timeline"):
        with pytest.raises(DBAPIError, match="only appended to"), database.write() as session:
            session.execute(text(change))
    with database.read() as session:
        assert [row.at_ns for row in session.exec(select(EntryRow))] == [0]


def test_an_empty_database_is_upgraded_once_by_processes_that_start_together(empty_url: str, opened: Opened) -> None:
    with ThreadPoolExecutor(3) as threads:
        for done in [threads.submit(opened(empty_url).upgrade) for _ in range(3)]:
            done.result()
    with opened(empty_url).read() as session:
        assert len(schema(session.connection())) > len(Table.metadata.tables)


def test_a_migration_that_fails_leaves_nothing(empty_url: str, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    database = opened(empty_url)

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr("alembic.op.create_index", broken)
        with pytest.raises(ZeroDivisionError):
            database.upgrade()
    with database.read() as session:
        assert schema(session.connection()) == set()


def test_a_database_of_a_newer_version_is_refused(database: Database) -> None:
    with database.write() as session:
        session.connection().execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer version"):
        database.upgrade()


def test_a_postgresql_that_is_not_in_utf_8_is_refused(postgresql: Any, opened: Opened) -> None:
    with pytest.raises(StoreError, match="SQL_ASCII, must be UTF8"):
        opened(postgresql.make("ascii", template="template0", others="ENCODING 'SQL_ASCII' LOCALE 'C'")).upgrade()


def test_all_that_belongs_to_a_tenant_has_the_community_first_in_its_key() -> None:
    of_nobody = {"position", "decision_state", "receipt", "link", "page"}  # a link is all that whoever opens it says
    of_nobody |= {"account", "invitation", "sign_in_code", "sign_in", "attempt"}  # a login is of whoever has it, in any community
    for name, table in Table.metadata.tables.items():
        if name not in of_nobody:
            assert next(iter(table.primary_key)).name == "community_id", name
