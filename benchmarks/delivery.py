"""`anju bench delivery`: how many messages a second one dispatcher hands over, and how soon the first SMS of a fall leaves in a storm.

The dispatcher is the real one, in a process of its own, by Twilio's SDK; Twilio is the fake carrier in another one, which takes 50 ms for
each answer. Whoever is measured shares the machine with it. The peer is the SDK alone, as it comes: as many threads that only send.
"""

import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psutil
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from benchmarks import crowd
from benchmarks.measure import Figures
from incidents.directory import Channel, Person, Role
from notifier.carrier.twilio import FakeTwilio
from notifier.dispatch import AT_ONCE
from notifier.gateways.model import Outgoing
from notifier.gateways.twilio import TwilioGateway, TwilioSettings
from rules.kinds import EventKind
from store.session import Database

ANJU = Path(sys.executable).with_name("anju")
ANSWER_S = 0.05
SUSTAINED, PEER = 3000, 500
STORM_COMMUNITIES, STORM_RESIDENTS = 50, 10
"""5,000 messages, of communities that are each within their limits."""
FALLS = 10
FALL_EVERY_S = 1.0
PATIENCE_S = 300.0
LOOK_S = 0.01
_FATE = [("delivered", None)]
_SAYS = "求助"
"""Stands in what is told of a call for help, and in nothing else here."""


def run() -> Figures:
    """Figures of both measurements."""
    return _sustained() | _storm()


def _sustained() -> dict[str, float | int | str]:
    """Everything is life safety, which no limit holds back."""
    residents = SUSTAINED // crowd.PER_RESIDENT
    with _twilio() as twilio, tempfile.TemporaryDirectory(prefix="anju-bench-") as folder:
        as_it_comes, kept = _peer(twilio, _AsItComes), _peer(twilio, TwilioGateway)
        database = _database(Path(folder), 1, residents)
        crowd.happens(database, EventKind.SOS, 0, range(residents))
        before = len(twilio.messages())
        with _dispatching(Path(folder), twilio) as process:
            _until(lambda: len(twilio.messages()) > before)
            begun, begin_s = len(twilio.messages()), time.perf_counter()
            begin_cpu_s, begin_carrier_s = _cpu_s(process), _cpu_s(twilio.process)
            _until(lambda: len(twilio.messages()) >= before + SUSTAINED)
            took_s, cpu_s, carrier_s = (
                time.perf_counter() - begin_s,
                _cpu_s(process) - begin_cpu_s,
                _cpu_s(twilio.process) - begin_carrier_s,
            )
        messages = twilio.messages()[before:]
        database.close()
    measured = before + SUSTAINED - begun
    return {
        "messages": len({(one.to, one.body) for one in messages}),
        "carrier_answers_in_ms": round(ANSWER_S * 1000),
        "at_once": AT_ONCE,
        "sdk_as_it_comes_per_s": round(as_it_comes),
        "our_gateway_alone_per_s": round(kept),
        "dispatched_per_s": round(measured / took_s),
        "cpu_ms_per_message": round(1000 * cpu_s / measured, 2),
        "carrier_cpu_ms_per_message": round(1000 * carrier_s / measured, 2),
    }


def _storm() -> dict[str, float | int | str]:
    """Somebody falls again and again while 5,000 others wait."""
    others = STORM_COMMUNITIES * STORM_RESIDENTS * crowd.PER_RESIDENT
    with _twilio() as twilio, tempfile.TemporaryDirectory(prefix="anju-bench-") as folder:
        database = _database(Path(folder), STORM_COMMUNITIES, max(STORM_RESIDENTS, FALLS))
        for community in range(STORM_COMMUNITIES):
            crowd.happens(database, EventKind.EXIT, community, range(STORM_RESIDENTS))
        delays_ms, waiting = [], []
        with _dispatching(Path(folder), twilio):
            _until(lambda: len(twilio.messages()) > AT_ONCE)
            for resident in range(FALLS):
                seen, at_s = len(twilio.messages()), time.time()
                waiting.append(others - (seen - resident * crowd.PER_RESIDENT))
                crowd.happens(database, EventKind.SOS, 0, [resident])
                mine = {crowd.phone(resident * crowd.PER_RESIDENT + i) for i in range(crowd.PER_RESIDENT)}
                first_s: list[float] = []
                while not first_s:
                    time.sleep(LOOK_S)
                    first_s = [one.taken_s for one in twilio.messages()[seen:] if one.to in mine and _SAYS in one.body]
                delays_ms.append(1000 * (min(first_s) - ANSWER_S - at_s))
                time.sleep(FALL_EVERY_S)
        database.close()
    return {
        "storm": others,
        "waiting_at_the_first_fall": waiting[0],
        "waiting_at_the_last_fall": max(0, waiting[-1]),
        "falls": FALLS,
        "fall_to_first_sms_median_ms": round(statistics.median(delays_ms)),
        "fall_to_first_sms_worst_ms": round(max(delays_ms)),
    }


class Taken(NamedTuple):
    """A message that the carrier took, and when, s since the epoch."""

    to: str
    body: str
    taken_s: float


class _Twilio:
    """The carrier in its process, and what it has taken so far."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._end, theirs = context.Pipe()
        self._served = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._served.start()
        self._taken: list[Taken] = []
        self.process = psutil.Process(self._served.pid)
        self.environment: dict[str, str] = self._end.recv()

    def messages(self) -> list[Taken]:
        """Every message, oldest first."""
        self._end.send(len(self._taken))
        self._taken += [Taken(*one) for one in self._end.recv()]
        return self._taken

    def close(self) -> None:
        """End it."""
        self._served.kill()
        self._served.join()


def _serve(end: Connection) -> None:
    """The carrier, until it is killed: tells what it has taken since so many."""
    with FakeTwilio() as twilio:
        twilio.weather.answer_s = ANSWER_S
        everybody = max(SUSTAINED, STORM_COMMUNITIES * max(STORM_RESIDENTS, FALLS) * crowd.PER_RESIDENT)
        twilio.fates = {crowd.phone(number): _FATE for number in range(everybody)}
        end.send(twilio.environment)
        while True:
            seen = end.recv()
            end.send([(one.to, one.body, one.created_s) for one in twilio.messages[seen:]])


@contextmanager
def _twilio() -> Iterator[_Twilio]:
    twilio = _Twilio()
    try:
        yield twilio
    finally:
        twilio.close()


class _AsItComes:
    """The SDK with its own client, as its documentation has it."""

    def __init__(self, settings: TwilioSettings) -> None:
        http = _Elsewhere(settings.base_url or "")
        self._client = Client(settings.account_sid, settings.auth_token, http_client=http)
        self._sender = settings.sender

    def send(self, outgoing: Outgoing, now_ns: int) -> None:  # noqa: ARG002  as gateways do
        """Hand it over."""
        self._client.messages.create(to=outgoing.person.phone_e164, body=outgoing.text, from_=self._sender)


class _Elsewhere(TwilioHttpClient):  # type: ignore[misc]
    """Asks the fake carrier."""

    def __init__(self, base_url: str) -> None:
        super().__init__(timeout=10)
        self._base_url = base_url

    def request(self, method: str, url: str, *args: Any, **others: Any) -> Any:  # noqa: ANN401  the SDK's
        return super().request(method, self._base_url + urlsplit(url).path, *args, **others)


def _peer(twilio: _Twilio, by: type[_AsItComes | TwilioGateway]) -> float:
    """Messages a second that leave where nothing else is done."""
    gateway = by(TwilioSettings.from_environment(twilio.environment))
    lei = Person(id="lei", name="王磊", roles=frozenset({Role.RELATIVE}), phone_e164=crowd.phone(0), channels=(Channel.SMS,))
    outgoing = Outgoing(community_id="a", notification_id="b", person=lei, channel=Channel.SMS, text="【榆园】", created_ns=0)
    begin_s = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda _: gateway.send(outgoing, 0), range(PEER)))
    return PEER / (time.perf_counter() - begin_s)


def _database(folder: Path, communities: int, residents: int) -> Database:
    (folder / "anju.toml").write_text(f'state = "{folder}"\ngateway = "twilio"\n', encoding="utf-8")
    database = Database(f"sqlite:///{folder / 'anju.db'}", wait_s=60)
    database.upgrade()
    crowd.move_in(database, communities, residents)
    return database


@contextmanager
def _dispatching(folder: Path, twilio: _Twilio) -> Iterator[psutil.Process]:
    command = [ANJU, "dispatch", "--config", folder / "anju.toml"]
    with (folder / "dispatch.log").open("wb") as log:
        process = subprocess.Popen(command, env=os.environ | twilio.environment, stderr=log)  # noqa: S603
    try:
        yield psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


def _until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end_s:
            raise TimeoutError(f"not within {PATIENCE_S:g} s")
        time.sleep(LOOK_S)


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system
