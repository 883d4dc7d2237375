"""`anju bench delivery`: how many messages a second one dispatcher hands over, and how soon the first SMS of a fall leaves in a storm.

The dispatcher is the real one, in a process of its own, by Twilio's SDK; Twilio is the fake carrier in this process, which takes 50 ms for
each answer. Whoever is measured shares the machine with it. The peer is the SDK alone: as many threads that only send.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil

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
_FATE = [("delivered", None)]


def run() -> Figures:
    """Figures of both measurements."""
    return _sustained() | _storm()


def _sustained() -> dict[str, float | int | str]:
    """Everything is life safety, which no limit holds back."""
    residents = SUSTAINED // crowd.PER_RESIDENT
    with _twilio() as twilio, tempfile.TemporaryDirectory(prefix="anju-bench-") as folder:
        peer = _peer(twilio)
        database = _database(Path(folder), 1, residents)
        crowd.happens(database, EventKind.SOS, 0, range(residents))
        before = len(twilio.messages)
        with _dispatching(Path(folder), twilio) as process:
            _until(lambda: len(twilio.messages) > before)
            begin_s, begin_cpu_s = time.perf_counter(), _cpu_s(process)
            _until(lambda: len(twilio.messages) >= before + SUSTAINED)
            took_s, cpu_s = time.perf_counter() - begin_s, _cpu_s(process) - begin_cpu_s
        texts = len({(one.to, one.body) for one in twilio.messages[before:]})
        database.close()
    return {
        "messages": texts,
        "carrier_answers_in_ms": round(ANSWER_S * 1000),
        "at_once": AT_ONCE,
        "sdk_alone_per_s": round(peer),
        "dispatched_per_s": round(SUSTAINED / took_s),
        "cpu_ms_per_message": round(1000 * cpu_s / SUSTAINED, 2),
    }


def _storm() -> dict[str, float | int | str]:
    """Somebody falls again and again while 5,000 others wait."""
    others = STORM_COMMUNITIES * STORM_RESIDENTS * crowd.PER_RESIDENT
    with _twilio() as twilio, tempfile.TemporaryDirectory(prefix="anju-bench-") as folder:
        database = _database(Path(folder), STORM_COMMUNITIES, max(STORM_RESIDENTS, FALLS))
        for community in range(STORM_COMMUNITIES):
            crowd.happens(database, EventKind.EXIT, community, range(STORM_RESIDENTS))
        delays_ms = []
        with _dispatching(Path(folder), twilio):
            _until(lambda: len(twilio.messages) > AT_ONCE)
            for resident in range(FALLS):
                seen, at_s = len(twilio.messages), time.time()
                crowd.happens(database, EventKind.SOS, 0, [resident])
                mine = {crowd.phone(resident * crowd.PER_RESIDENT + i) for i in range(crowd.PER_RESIDENT)}
                first_s: list[float] = []
                while not first_s:
                    time.sleep(0.002)
                    first_s = [one.created_s for one in twilio.messages[seen:] if one.to in mine and one.created_s >= at_s + ANSWER_S]
                delays_ms.append(1000 * (min(first_s) - ANSWER_S - at_s))
                time.sleep(FALL_EVERY_S)
            waiting = others - len(twilio.messages)
        database.close()
    return {
        "storm": others,
        "still_waiting_after_the_last_fall": max(0, waiting),
        "falls": FALLS,
        "fall_to_first_sms_median_ms": round(statistics.median(delays_ms)),
        "fall_to_first_sms_worst_ms": round(max(delays_ms)),
    }


@contextmanager
def _twilio() -> Iterator[FakeTwilio]:
    with FakeTwilio() as twilio:
        twilio.weather.answer_s = ANSWER_S
        everybody = max(SUSTAINED, STORM_COMMUNITIES * STORM_RESIDENTS * crowd.PER_RESIDENT)
        twilio.fates = {crowd.phone(number): _FATE for number in range(everybody)}
        yield twilio


def _peer(twilio: FakeTwilio) -> float:
    """Messages a second of Twilio's SDK alone."""
    gateway = TwilioGateway(TwilioSettings.from_environment(twilio.environment))
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
def _dispatching(folder: Path, twilio: FakeTwilio) -> Iterator[psutil.Process]:
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
        time.sleep(0.002)


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system
