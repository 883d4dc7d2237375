"""`anju bench ingest`: how fast ingest drains a broker's backlog, beside a bare paho consumer that drains the same one."""

import asyncio
import threading
import time
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks import fleet
from benchmarks.measure import Bench, Figures, bench, until
from devices.ingest import Ingest
from devices.model import NS_PER_S
from devices.mqtt import BrokerLink
from store.routing import Partitions

DEVICES = 200
PEER = "bare"


def run(messages: int = 15_000, rounds: int = 3) -> Figures:
    """Figures: messages per second of ingest and of the peer, and their ratio, by the median of the rounds."""
    made = [_round(messages) for _ in range(rounds)]
    bare, ours, cpu = (sorted(column)[rounds // 2] for column in zip(*made, strict=True))
    return {
        "messages": messages,
        "rounds": rounds,
        "bare_paho_consumer_per_s": round(bare),
        "ingest_per_s": round(ours),
        "ratio": round(ours / bare, 2),
        "ingest_cpu_us_per_message": round(cpu * 1e6, 1),
    }


def _round(messages: int) -> tuple[float, float, float]:
    with bench(DEVICES) as made:
        _leave_session(made.link, PEER)
        _leave_session(made.link, made.link.session)
        _publish(made, messages)
        bare = _drain_bare(made.link, messages)
        return bare, *asyncio.run(_drain(made, messages))


def _client(link: BrokerLink, session: str) -> Client:
    client = Client(CallbackAPIVersion.VERSION2, client_id=session, clean_session=False, manual_ack=True)
    client.username_pw_set(link.username, link.password)
    return client


def _connect(client: Client, link: BrokerLink) -> None:
    host, port = link.url.removeprefix("mqtt://").split(":")
    client.connect(host, int(port))


def _leave_session(link: BrokerLink, session: str) -> None:
    """Subscribe and go away: from now on the broker keeps what comes."""
    client, subscribed = _client(link, session), threading.Event()
    client.on_subscribe = lambda *_: subscribed.set()
    _connect(client, link)
    client.subscribe("anju/#", 1)
    client.loop_start()
    subscribed.wait()
    client.disconnect()
    client.loop_stop()


def _publish(made: Bench, messages: int) -> None:
    """Half of the wearables speak binary, half JSON."""
    packets = (fleet.Packets(binary=True), fleet.Packets(binary=False))
    begin_ns = time.time_ns() - 600 * NS_PER_S
    with fleet.publisher(made.broker) as publish:
        for number in range(messages):
            device = number % DEVICES
            publish(fleet.topic(device), packets[device % 2].payload(device, begin_ns + number // DEVICES * NS_PER_S))


def _drain_bare(link: BrokerLink, messages: int) -> float:
    """Take and acknowledge, and nothing else."""
    client, done = _client(link, PEER), threading.Event()
    count = 0

    def take(client: Client, _userdata: Any, message: MQTTMessage) -> None:  # noqa: ANN401  paho's
        nonlocal count
        client.ack(message.mid, message.qos)
        count += 1
        if count == messages:
            done.set()

    client.on_message = take
    begin_s = time.perf_counter()
    _connect(client, link)
    client.loop_start()
    done.wait()
    rate = messages / (time.perf_counter() - begin_s)
    client.disconnect()
    client.loop_stop()
    return rate


async def _drain(made: Bench, messages: int) -> tuple[float, float]:
    log, stop = await made.log(), asyncio.Event()
    ingest = Ingest(log, [made.link], Partitions(made.database))
    begin_s, begin_cpu_s = time.perf_counter(), time.process_time()
    work = asyncio.ensure_future(ingest.run(stop))
    await until(lambda: ingest.counters.acknowledged >= messages)
    took_s, cpu_s = time.perf_counter() - begin_s, time.process_time() - begin_cpu_s
    stop.set()
    await work
    await log.close()
    return messages / took_s, cpu_s / messages
