"""Keeps the parts of the service running: each is a child process, started again when it ends, and ended with us however we end.

A part holds the other end of a pipe on its standard input; the system closes it when we are gone, by SIGKILL too, and then
`devices.leash.follow` ends the part.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

LOOK_S = 0.1
RESTART_S = (0.2, 5.0)
"""First and longest wait before a part is started again."""
STEADY_S = 20.0
"""A part that ran for so long has the first wait again."""
GRACE_S = 10.0
"""How long a part may take to end."""
LEASHED = "ANJU_LEASHED"
"""Set for parts: their standard input is the pipe to follow."""
_log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class _Part:
    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    wait_s: float = RESTART_S[0]
    next_s: float = field(default=0.0)


class Supervisor:
    """Children by name, in the order in which they are started; they are ended in the reverse of it.

    Parameters
    ----------
    parts
        Command line of each.
    look
        Called every `LOOK_S`, for what else is to be kept running.
    """

    def __init__(self, parts: Mapping[str, Sequence[str]], look: Callable[[], None] = lambda: None) -> None:
        self._parts = [_Part(name=name, command=command) for name, command in parts.items()]
        self._look = look

    def run(self, stop: threading.Event) -> None:
        """Start every part and keep it running until told to stop; then end them all."""
        try:
            while not stop.is_set():
                self._look()
                for part in self._parts:
                    self._keep(part)
                stop.wait(LOOK_S)
        finally:
            self._end()

    def _keep(self, part: _Part) -> None:
        now_s = time.monotonic()
        if part.process is not None:
            status = part.process.poll()
            if status is None:
                return
            self._forget(part)
            part.wait_s = RESTART_S[0] if now_s - part.started_s >= STEADY_S else min(2 * part.wait_s, RESTART_S[1])
            part.next_s = now_s + part.wait_s
            _log.error("part.ended", part=part.name, status=status, again_in_s=round(part.wait_s, 1))
        if now_s >= part.next_s:
            # A session of its own: Ctrl-C reaches us alone, and we end the parts in order.
            part.process = subprocess.Popen(  # noqa: S603
                part.command, stdin=subprocess.PIPE, start_new_session=True, env={**os.environ, LEASHED: "1"}
            )
            part.started_s = now_s
            _log.info("part.started", part=part.name, pid=part.process.pid)

    def _end(self) -> None:
        for part in reversed(self._parts):
            if part.process is None:
                continue
            part.process.send_signal(signal.SIGTERM)
            try:
                part.process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                _log.error("part.killed", part=part.name)
                part.process.kill()
                part.process.wait()
            self._forget(part)

    @staticmethod
    def _forget(part: _Part) -> None:
        if part.process is not None and part.process.stdin is not None:
            part.process.stdin.close()
        part.process = None
