"""Wearables for measurements: one binary packet of 50 samples a second each, quiet with small movements."""

import json
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from devices.broker import EmbeddedBroker, new_device
from devices.entry import Record, partition_of
from devices.model import NS_PER_S

COMMUNITY = "fleet"
RATE_HZ = 50
SAMPLES = RATE_HZ
IN_FLIGHT = 1000
_KINDS = 64
"""Different packets: the samples of one are drawn once."""


def community(devices: int) -> str:
    """A community file of so many homes with one resident and one wearable each."""
    numbers = range(devices)
    return json.dumps(
        {
            "community": {"id": COMMUNITY, "name": "Fleet", "timezone": "Asia/Shanghai", "language": "en"},
            "homes": [{"id": home(n)} for n in numbers],
            "people": [
                {"id": "guard", "name": "Guard", "roles": ["guard"], "phone": "+8613800000001"},
                *({"id": f"resident-{n}", "name": f"Resident {n}", "roles": ["resident"], "home": home(n)} for n in numbers),
            ],
            "devices": [{"id": device(n), "kind": "wearable", "wearer": f"resident-{n}", "placement": "wrist"} for n in numbers],
            "policies": [{"id": "distress", "kinds": ["fall", "sos"], "steps": [{"after_s": 0, "tell": ["guard"], "by": ["sms"]}]}],
        }
    )


def home(number: int) -> str:
    """Id of a home."""
    return f"h-{number}"


def device(number: int) -> str:
    """Id of the wearable in it."""
    return f"w-{number}"


def topic(number: int) -> str:
    """Where it publishes."""
    return f"anju/{COMMUNITY}/{device(number)}/acceleration"


def partition(number: int) -> int:
    """Where its readings go."""
    return partition_of(COMMUNITY, home(number))


class Packets:
    """Payloads, binary or JSON."""

    def __init__(self, *, binary: bool, seed: int = 7) -> None:
        random = np.random.default_rng(seed)
        samples = np.clip(random.normal((0, 0, 1000), 60, (_KINDS, SAMPLES, 3)), -16_000, 16_000).astype("<i2")
        self._binary = binary
        self._samples = [one.tobytes() for one in samples]
        self._rows = [np.round(one / 1000, 3).tolist() for one in samples]

    def payload(self, number: int, t_ns: int) -> bytes:
        """The packet whose first sample was measured at a time."""
        which = (number * 31 + t_ns // NS_PER_S) % _KINDS
        if self._binary:
            return b"A1" + struct.pack("<Hfq", SAMPLES, float(RATE_HZ), t_ns // 1000) + self._samples[which]
        return json.dumps({"t": t_ns // 1_000_000, "rate_hz": RATE_HZ, "unit": "g", "xyz": self._rows[which]}).encode()


def second(packets: Packets, devices: int, at_ns: int) -> Iterator[tuple[int, Record]]:
    """What every wearable sends within a second, evenly spread, each with its number; it arrives when its last sample is measured."""
    for number in range(devices):
        received_ns = at_ns + number * NS_PER_S // devices
        payload = packets.payload(number, received_ns - NS_PER_S)
        yield number, Record(received_ns, "fleet", topic(number), False, payload)  # noqa: FBT003  a record's own order


@contextmanager
def publisher(broker: EmbeddedBroker) -> Iterator[Callable[[str, bytes], None]]:
    """Publishes for the whole fleet over one connection, QoS 1; at the end everything is acknowledged."""
    user, token = new_device(broker.config.folder, COMMUNITY)
    broker.reload()
    time.sleep(0.5)
    client, room = Client(CallbackAPIVersion.VERSION2, client_id="fleet"), threading.Semaphore(IN_FLIGHT)
    client.username_pw_set(user, token)
    client.max_inflight_messages_set(IN_FLIGHT)
    client.on_publish = lambda *_: room.release()
    client.connect(broker.config.host, broker.config.mqtt_port)
    client.loop_start()

    def publish(topic: str, payload: bytes) -> None:
        room.acquire()
        client.publish(topic, payload, qos=1)

    yield publish
    for _ in range(IN_FLIGHT):
        room.acquire()
    client.disconnect()
    client.loop_stop()
