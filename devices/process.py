"""What every process of the service does: log in lines, end when told to, and end with whoever started it."""

import asyncio
import fcntl
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import structlog

from devices import leash
from devices.supervisor import LEASHED


def log_lines(part: str) -> None:
    """Log to standard error, one line for each thing that happened, each with its part's name."""
    structlog.configure(
        processors=[
            lambda _logger, _method, said: {**said, "part": part},  # other libraries' threads log too, so it is in no context
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "part", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def until_told() -> threading.Event:
    """An event that is set by Ctrl-C, by SIGTERM, and when the supervisor that holds our leash is gone."""
    stop = threading.Event()
    told: SimpleQueue[None] = SimpleQueue()

    def listen() -> None:
        told.get()
        stop.set()

    # A signal may come while this thread holds the event's lock, which setting it there would wait for, for ever; a SimpleQueue takes it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told.put(None))
    threading.Thread(target=listen, name="until-told", daemon=True).start()
    if os.environ.get(LEASHED):
        leash.follow(stop.set)
    return stop


def run(work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run something asynchronous until it ends, or until told to stop."""

    async def told() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        if os.environ.get(LEASHED):
            leash.follow(lambda: loop.call_soon_threadsafe(stop.set))
        await work(stop)

    asyncio.run(told())


async def pause(stop: asyncio.Event, wait_s: float) -> None:
    """Wait, but no longer than until told to stop."""
    try:
        async with asyncio.timeout(wait_s):
            await stop.wait()
    except TimeoutError:
        return


@contextmanager
def alone(path: Path, stop: threading.Event) -> Iterator[None]:
    """Hold a lock that one process of this machine has at a time, and no longer than it lives; wait for it, or until told to stop."""
    with path.open("w") as file:
        waited = False
        while not stop.is_set():
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not waited:
                    structlog.get_logger().warning("process.waits_for_another", lock=path.name)
                waited = True
                stop.wait(1.0)
        yield


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


class Child:
    """A process of ours that ends with us, and writes what it has to say into a file; it has our environment, and what is more."""

    def __init__(self, command: Sequence[str], log: Path, more: Mapping[str, str]) -> None:
        self._log = log
        with log.open("wb") as said:
            self._process = subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.PIPE, stdout=said, stderr=said, start_new_session=True, env={**os.environ, **more, LEASHED: "1"}
            )

    def wait_for(self, port: int, stop: threading.Event) -> None:
        """Wait until it listens.

        Raises
        ------
        OSError
            It has ended; the words are its last ones.
        """
        while not stop.wait(0.1):
            if self._process.poll() is not None:
                last = self._log.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
                raise OSError(f"the service ended: {last}")
            with socket.socket() as door:
                if door.connect_ex(("127.0.0.1", port)) == 0:
                    return

    def stop(self) -> None:
        """End it, and wait for its end."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
