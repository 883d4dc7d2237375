"""Parts of the running service are killed while 200 devices publish: nothing is lost, and nobody is told twice.

`ANJU_KILL_ROUNDS` sets how many rounds there are: 20 in `make fault`, fewer in `make test`.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil
import pytest
from fakes.brokers import free_port
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from sqlmodel import func, select

from devices.broker import CORE, credentials_of, new_device
from devices.log import Limits, Log
from devices.model import NS_PER_S, CommunityId
from store import configuration
from store.outbox import NotificationState
from store.session import Database
from store.tables import DeliveryRow, EventRow, NotificationRow, PositionRow

ROUNDS = int(os.environ.get("ANJU_KILL_ROUNDS", "4"))
ROUND_S = 5
DEVICES = 200
PARTS = ("worker", "ingest", "nats-server", "dispatch", "ingest", "nats-server")
"""What is killed in turn; twice as often what can make a broker send again."""
ANJU = Path(sys.executable).with_name("anju")
ELM = "elm"
PATIENCE_S = 180.0
LOG_GIB = 0.2
QUIET_S = 5.0
ROUNDS_THAT_COUNT = 20
REDELIVERED_OF_20 = 5


def community() -> str:
    """200 homes with a resident who wears something, a relative each, and a guard."""
    numbers = range(DEVICES)
    return json.dumps(
        {
            "community": {"id": ELM, "name": "榆园", "timezone": "Asia/Shanghai", "language": "zh"},
            "homes": [{"id": f"h-{n}"} for n in numbers],
            "people": [
                {"id": "guard", "name": "陈队", "roles": ["guard"], "phone": "+8613800000000"},
                *({"id": f"old-{n}", "name": f"老人{n}", "roles": ["resident"], "home": f"h-{n}"} for n in numbers),
                *(
                    {"id": f"kin-{n}", "name": f"家人{n}", "roles": ["relative"], "of": [f"old-{n}"], "phone": f"+86138001{n:05}"}
                    for n in numbers
                ),
            ],
            "devices": [{"id": f"w-{n}", "kind": "wearable", "wearer": f"old-{n}", "placement": "wrist"} for n in numbers],
            "policies": [
                {
                    "id": "distress",
                    "kinds": ["fall", "sos"],
                    "steps": [
                        {"after_s": 0, "tell": ["relatives"], "by": ["sms"]},
                        {"after_s": 2, "tell": ["guard"], "by": ["sms"]},
                    ],
                }
            ],
        }
    )


Said = tuple[str, bytes]


def said(device: int, kind: str, at_s: float, begin_ns: int, **fields: Any) -> Said:
    payload = {"t": begin_ns // 10**6 + round(at_s * 1000), **fields}
    return f"anju/{ELM}/w-{device}/{kind}", json.dumps(payload).encode()


def a_fall(seed: int) -> np.ndarray:
    """(3, 800) g: walking, falling after 6 s, lying still."""
    t = np.arange(300) / 50
    walking = np.stack([0.15 * np.sin(2 * np.pi * t), 0.1 * np.cos(4 * np.pi * t), 1 + 0.25 * np.sin(4 * np.pi * t)])
    low = np.tile(np.array([[0.1], [0.1], [0.3]]), 25)
    t = np.arange(15) / 50
    hit = np.array([[0.8], [0.3], [0.5]]) * (1 + 3.5 * np.exp(-(((t - 0.08) / 0.06) ** 2)))
    still = np.tile(np.array([[0.98], [0.05], [0.15]]), 460)
    return np.concatenate([walking, low, hit, still], axis=1) + np.random.default_rng(seed).normal(0, 0.01, (3, 800))


def script(seconds: int, begin_ns: int) -> Iterator[tuple[float, Said]]:
    """What 200 devices say, second by second: everybody's samples; a fall begins every 5 s, somebody calls every 3 s."""
    falls = {device: 5 * number for number, device in enumerate(range(0, DEVICES, 7)) if 5 * number + 16 <= seconds}
    signals = {device: a_fall(device) for device in falls}
    quiet = np.random.default_rng(1).normal((0, 0, 1), 0.02, (8, 50, 3))
    for second in range(seconds):
        for device in range(DEVICES):
            since = second - falls.get(device, second + 1)
            samples = signals[device][:, 50 * since : 50 * since + 50].T if 0 <= since < 16 else quiet[(device + second) % 8]
            fields = {"rate_hz": 50, "unit": "g", "xyz": np.round(samples, 3).tolist()}
            yield second + device / DEVICES, said(device, "acceleration", second, begin_ns, **fields)
            if second % 3 == 1 and device == (11 * second) % DEVICES and device not in falls:
                yield second + device / DEVICES, said(device, "button", second, begin_ns, pressed="sos")


class Service:
    """`anju serve` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mqtt_port, self.nats_port = free_port(), free_port()
        folder.mkdir()
        config = folder / "anju.toml"
        ports = f'nats_port = {self.nats_port}\nmqtt_port = {self.mqtt_port}\nhttp = "127.0.0.1:{free_port()}"\n'
        config.write_text(f'state = "{folder}"\n{ports}log_gib = {LOG_GIB}\n', encoding="utf-8")
        self.database = Database(f"sqlite:///{folder / 'anju.db'}")
        self.database.upgrade()
        with self.database.write() as session:
            configuration.append_community(session, CommunityId(ELM), time.time_ns() - 3600 * NS_PER_S, community())
        self.user, self.token = new_device(folder / "nats", ELM)
        self.said = (folder / "serve.log").open("wb")
        self.process = subprocess.Popen([ANJU, "serve", "--config", config], stderr=self.said)
        self.until(lambda: "ingest.subscribed" in self.log(), "ingest has subscribed")

    def log(self) -> str:
        return (self.folder / "serve.log").read_text(encoding="utf-8", errors="replace")

    def until(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert self.process.poll() is None, f"the service ended: {self.log()[-3000:]}"
            assert time.monotonic() < deadline, f"not after {PATIENCE_S:g} s: {what}\n{self.log()[-3000:]}"
            time.sleep(0.05)

    def pid(self, part: str) -> int | None:
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                words = process.cmdline()
            except psutil.NoSuchProcess:
                continue
            if words and (words[0].endswith(part) or part in words[1:3]) and "devices.leash" not in words:
                return process.pid
        return None

    def kill(self, part: str) -> bool:
        pid = self.pid(part)
        if pid is None:
            return False
        os.kill(pid, signal.SIGKILL)
        return True

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.said.close()
        self.database.close()

    def events(self) -> list[tuple[str, str, int]]:
        with self.database.read() as session:
            return sorted((row.kind, row.subject, row.t_ns) for row in session.exec(select(EventRow)))

    def notifications(self) -> list[tuple[str, str, int, str, str | None]]:
        with self.database.read() as session:
            return sorted(
                (row.incident_id, row.purpose, row.step, row.to_person, row.channel) for row in session.exec(select(NotificationRow))
            )

    def judged_seq(self) -> int:
        """How far in the log the worker is."""
        with self.database.read() as session:
            return session.exec(select(func.coalesce(func.max(PositionRow.seq), 0))).one()

    def waiting(self) -> int:
        """How many are still to be told something."""
        with self.database.read() as session:
            return session.exec(select(func.count()).where(NotificationRow.state == NotificationState.WAITING)).one()

    def after_unknown(self) -> set[tuple[str, str]]:
        """(incident, person) of whom an attempt stayed unknown, so that another channel was used."""
        with self.database.read() as session:
            rows = session.exec(
                select(NotificationRow.incident_id, NotificationRow.to_person)
                .join(DeliveryRow, DeliveryRow.notification_id == NotificationRow.id)
                .where(DeliveryRow.outcome == "unknown")
            )
            return set(rows)

    def texts(self) -> Counter[str]:
        file = self.folder / "phones.jsonl"
        return Counter(json.loads(line)["id"] for line in file.read_text(encoding="utf-8").splitlines()) if file.exists() else Counter()


class Publisher:
    """All devices over one connection that keeps what the broker has not acknowledged, and sends it again."""

    def __init__(self, service: Service) -> None:
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="devices", clean_session=False)
        self._client.username_pw_set(service.user, service.token)
        self._client.max_inflight_messages_set(500)
        self._client.reconnect_delay_set(1, 1)
        self._unacknowledged, self._change = 0, threading.Lock()
        self._client.on_publish = lambda *_: self._count(-1)
        self._client.connect_async("127.0.0.1", service.mqtt_port)
        self._client.loop_start()

    def _count(self, change: int) -> None:
        with self._change:
            self._unacknowledged += change

    def say(self, message: Said) -> None:
        self._count(1)
        self._client.publish(*message, qos=1)

    @property
    def is_done(self) -> bool:
        return self._unacknowledged == 0

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def run(service: Service, begin_ns: int, rounds: int, chance: random.Random | None) -> list[str]:
    """Publish the script in real time; with a chance, one part is killed in each round at some moment. What was killed."""
    publisher = Publisher(service)
    killed: list[str] = []
    kills: list[tuple[float, str]] = []
    if chance:
        kills = [(number * ROUND_S + chance.uniform(0.2, ROUND_S - 0.5), PARTS[number % len(PARTS)]) for number in range(rounds)]
    begin_s = time.monotonic()
    for at_s, message in script(rounds * ROUND_S, begin_ns):
        while (wait_s := begin_s + at_s - time.monotonic()) > 0:
            time.sleep(min(wait_s, 0.01))
        if kills and at_s >= kills[0][0]:
            part = kills.pop(0)[1]
            service.until(lambda part=part: service.kill(part), f"{part} is there to be killed")  # type: ignore[misc]
            killed.append(part)
        publisher.say(message)
    service.until(lambda: publisher.is_done, "the broker has acknowledged everything")
    publisher.stop()
    return killed


async def log_of(service: Service) -> Log:
    token, limits = credentials_of(service.folder / "nats").core, Limits(max_bytes=round(LOG_GIB * 2**30))
    return await Log.open(f"nats://127.0.0.1:{service.nats_port}", CORE, token, limits)


async def last_seq(service: Service) -> int:
    log = await log_of(service)
    last = (await log.state()).last_seq
    await log.close()
    return last


async def repeated(service: Service) -> tuple[set[tuple[str, bytes]], set[int], int]:
    """What the log holds, and the rounds of which it holds something twice."""
    log = await log_of(service)
    last, seen = (await log.state()).last_seq, Counter[tuple[str, bytes]]()
    async for entry in log.read(0):
        seen.update((record.topic, record.payload) for record in entry.records)
        if entry.seq >= last:
            break
    await log.close()
    first_ms = min(msgspec.json.decode(payload)["t"] for _, payload in seen)
    twice = {(msgspec.json.decode(payload)["t"] - first_ms) // 1000 // ROUND_S for (_, payload), count in seen.items() if count > 1}
    return set(seen), twice, sum(seen.values())


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[[str], Service]]:
    """Starts services, each in a folder of its own, and ends them."""
    started: list[Service] = []

    def start(name: str) -> Service:
        started.append(Service(tmp_path / name))
        return started[-1]

    yield start
    for service in started:
        service.stop()


def report(words: str) -> None:
    """To whoever reads the test's output (`pytest -s`)."""
    sys.stderr.write(words + "\n")


def settled(service: Service) -> None:
    """Wait until all that was published is judged, and nothing more comes of it."""
    last = asyncio.run(last_seq(service))
    service.until(lambda: service.judged_seq() >= last, "the worker has judged everything")
    before: object = None
    quiet_since = time.monotonic()
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() - quiet_since < QUIET_S:
        now = (service.events(), service.notifications(), sum(service.texts().values()))
        if now != before or service.waiting():
            before, quiet_since = now, time.monotonic()
        assert time.monotonic() < deadline, "it does not come to rest"
        time.sleep(0.2)


def test_parts_that_are_killed_lose_nothing_and_tell_nobody_twice(serving: Callable[[str], Service]) -> None:
    begin_ns = time.time_ns() // NS_PER_S * NS_PER_S
    undisturbed = serving("undisturbed")
    run(undisturbed, begin_ns, ROUNDS, None)
    settled(undisturbed)
    undisturbed.stop()

    disturbed = serving("disturbed")
    killed = run(disturbed, begin_ns, ROUNDS, random.Random(20))  # noqa: S311  when to kill
    settled(disturbed)
    in_log, rounds_twice, count = asyncio.run(repeated(disturbed))
    report(f"killed {Counter(killed)}; {count - len(in_log)} of {count} messages came twice, in {len(rounds_twice)} of {ROUNDS} rounds")

    assert {message for _, message in script(ROUNDS * ROUND_S, begin_ns)} == in_log, "what was acknowledged is in the log"
    assert disturbed.events() == undisturbed.events()
    assert {kind for kind, _, _ in undisturbed.events()} == {"fall", "long_lie", "sos"}
    after_unknown = disturbed.after_unknown()
    report(f"told by another channel because nobody knew: {sorted(after_unknown)}")
    told = [one for one in disturbed.notifications() if not ((one[0], one[3]) in after_unknown and one[4] != "sms")]
    assert told == undisturbed.notifications()
    for service in (undisturbed, disturbed):
        assert set(service.texts().values()) == {1}, "nobody gets one text twice"
        assert len(service.texts()) == len(service.notifications())
    if ROUNDS >= ROUNDS_THAT_COUNT:
        assert len(rounds_twice) >= REDELIVERED_OF_20, "the kills came at harmless moments: nothing was shown"
    children = psutil.Process(disturbed.process.pid).children(recursive=True)
    disturbed.process.kill()
    disturbed.process.wait()
    gone, alive = psutil.wait_procs(children, timeout=30)
    assert not alive, "everything ends with its supervisor"
    assert gone
