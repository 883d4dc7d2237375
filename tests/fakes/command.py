"""The command line as a process of its own, without the seconds that importing everything takes each time: forked from one that has."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

IN = [f"commands.{one.stem}" for one in (Path(__file__).parents[2] / "commands").glob("[a-z]*.py")]
"""Modules of commands."""

_PREPARED = multiprocessing.get_context("forkserver")
_PREPARED.set_forkserver_preload(
    [
        "app",
        "commands.service",
        "commands.communities",
        "commands.messages",
        "commands.recorded",
        "commands.simulation",
        "commands.measuring",
    ]
)


def anju(*arguments: object, environment: Mapping[str, str] | None = None, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    """What `anju …` prints and how it ends, as `subprocess.run` says it."""
    command = [str(one) for one in ("anju", *arguments)]
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        made = _PREPARED.Process(target=_run, args=(command, dict(environment or os.environ), Path.cwd(), out, err))
        made.start()
        made.join(timeout_s)
        if made.exitcode is None:
            made.kill()
            made.join()
            raise subprocess.TimeoutExpired(command, timeout_s)
        said = [file.read_text(encoding="utf-8") if file.exists() else "" for file in (out, err)]
        return subprocess.CompletedProcess(command, made.exitcode, *said)


def _run(command: list[str], environment: dict[str, str], folder: Path, out: Path, err: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    sys.argv = command
    from app import main  # noqa: PLC0415, TID251  the process that it is forked from has it already

    main()
