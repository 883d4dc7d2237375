"""What every process of the service does: log in lines, end when told to, and end with whoever started it."""

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable

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
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
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
