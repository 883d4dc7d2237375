"""Real devices to a real log: an embedded server, ingest in a thread of its own, and a radar that publishes where somebody walks."""

import asyncio
import json
import threading
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from fakes.brokers import Publisher, embedded

from devices.broker import CORE, INGEST, credentials_of, new_device
from devices.ingest import Ingest
from devices.log import Limits, Log
from devices.mqtt import BrokerLink
from store.routing import Partitions
from store.session import Database

LIMITS = Limits(max_bytes=32 << 20)


class Chain:
    """From MQTT to the log, as `anju ingest` does it."""

    def __init__(self, folder: Path, database: Database, community: str) -> None:
        self._broker = embedded(folder)
        self._community = community
        self._credentials = new_device(folder, community)
        self._database = database
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._ingest()), name="ingest")

    async def open_log(self) -> Log:
        return await Log.open(self._broker.nats_url, CORE, credentials_of(self._broker.config.folder).core, LIMITS)

    def radar(self, device: str) -> "Radar":
        return Radar(f"anju/{self._community}/{device}/targets", self._broker.mqtt_url, *self._credentials)

    async def _ingest(self) -> None:
        log = await self.open_log()
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        token = credentials_of(self._broker.config.folder).ingest
        links = [BrokerLink(name="embedded", url=self._broker.mqtt_url, username=INGEST, password=token)]
        self._started.set()
        await Ingest(log, links, Partitions(self._database)).run(self._stop)
        await log.close()

    def __enter__(self) -> Self:
        self._broker.start()
        self._thread.start()
        assert self._started.wait(20)
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._broker.stop()


class Radar(Publisher):
    """A radar: ten frames a second of one who walks."""

    def __init__(self, topic: str, url: str, user: str, token: str) -> None:
        super().__init__(url, user, token)
        self._topic = topic

    def sees(self, *places: Sequence[float], at_ns: int | None = None) -> int:
        """One frame: to its right and ahead, in metres; when it was sent."""
        now_ns = time.time_ns()
        targets = [{"x_m": x, "y_m": y} for x, y in places]
        self.publish(self._topic, json.dumps({"t": (at_ns or now_ns) // 1_000_000, "targets": targets}).encode())
        return now_ns

    def walk(self, *corners: Sequence[float], speed_mps: float = 1.0, rate_hz: float = 10.0) -> None:
        """Somebody goes from place to place, in real time."""
        for begin, end in pairwise(corners):
            steps = max(1, round(float(np.hypot(*np.subtract(end, begin))) / speed_mps * rate_hz))
            for share in np.linspace(0.0, 1.0, steps, endpoint=False):
                self.sees([round(a + share * (b - a), 3) for a, b in zip(begin, end, strict=True)])
                time.sleep(1.0 / rate_hz)
        self.sees(corners[-1])
