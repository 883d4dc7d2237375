"""Real brokers on free ports of loopback, for tests of what arrives."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from devices.broker import BrokerConfig, EmbeddedBroker

PATIENCE_S = 60.0
"""How long a test waits for what ought to come at once: a machine may be busy."""
MIB = 1 << 20

# What docs/adr/0005 asks of a Mosquitto that Anju listens to.
SAFE_MOSQUITTO = """
persistence true
autosave_on_changes true
autosave_interval 1
max_inflight_messages 5000
max_queued_messages 0
set_tcp_nodelay true
allow_anonymous true
"""


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"not after {PATIENCE_S:g} s: {what}"
        time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def embedded(folder: Path, *, ack_wait_s: float = 1.0, log_bytes: int = 64 * MIB, backlog_bytes: int = 64 * MIB) -> EmbeddedBroker:
    return EmbeddedBroker(
        BrokerConfig(
            folder=folder,
            nats_port=free_port(),
            mqtt_port=free_port(),
            ack_wait_s=ack_wait_s,
            log_bytes=log_bytes,
            backlog_bytes=backlog_bytes,
        )
    )


def kill(broker: EmbeddedBroker) -> None:
    """SIGKILL to the server itself, which is the child of its leash."""
    assert broker._process is not None
    leash = broker._process.pid
    child = Path(f"/proc/{leash}/task/{leash}/children").read_text().split()[0]
    os.kill(int(child), signal.SIGKILL)
    broker._process.wait(PATIENCE_S)


class Mosquitto:
    """A Mosquitto in its safe settings, that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._binary = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/sbin")
        if self._binary is None:
            pytest.skip("mosquitto is not installed: apt-get install mosquitto")
        folder.mkdir(exist_ok=True)
        self._config = folder / "mosquitto.conf"
        # Started by root it would become the user mosquitto, who may not write here.
        self._config.write_text(f"listener {self.port} 127.0.0.1\npersistence_location {folder}/\nuser root\n{SAFE_MOSQUITTO}")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen([str(self._binary), "-c", str(self._config)], stderr=subprocess.DEVNULL)
        until(lambda: listens(self.port), "mosquitto listens")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.kill()


class Publisher:
    """A device at a broker: what it sent, what was acknowledged, what it heard."""

    def __init__(self, url: str, user: str = "", token: str = "", client_id: str = "") -> None:
        self.acknowledged: set[int] = set()
        self.heard: list[tuple[str, bytes]] = []
        self.refused: list[str] = []
        self.lost: list[str] = []
        self._sent: dict[int, int] = {}
        self._early: set[int] = set()
        self.client = Client(CallbackAPIVersion.VERSION2, client_id=client_id)
        self.client.max_queued_messages_set(0)
        self.client.max_inflight_messages_set(1000)
        if user:
            self.client.username_pw_set(user, token)
        self.client.on_publish = self._on_publish
        self.client.on_message = self._on_message
        self.client.on_connect = lambda _c, _u, _f, reason, _p: self.refused.append(str(reason)) if reason.is_failure else None
        self.client.on_disconnect = lambda _c, _u, _f, reason, _p: self.lost.append(str(reason))
        host, port = url.removeprefix("mqtt://").split(":")
        self.client.connect(host, int(port))
        self.client.loop_start()

    def __enter__(self) -> Self:
        until(lambda: self.client.is_connected() or self.refused, "the device is connected")
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def listen(self, *filters: str) -> None:
        """Subscribe, and wait for the broker's answer, whether it grants it or not."""
        answered: list[int] = []
        self.client.on_subscribe = lambda *_answer: answered.append(1)
        for each in filters:
            self.client.subscribe(each, qos=1)
        until(lambda: len(answered) == len(filters), "the broker has answered the subscriptions")

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        mid = self.client.publish(topic, payload, qos=qos, retain=retain).mid
        self._sent[mid] = len(self._sent)

    def number(self, topic: str, numbers: range) -> None:
        """Publish numbers as payloads; `acknowledged` has those the broker has answered for."""
        for number in numbers:
            mid = self.client.publish(topic, str(number).encode(), qos=1).mid
            self._sent[mid] = number
            if mid in self._early:
                self.acknowledged.add(number)

    def _on_publish(self, _client: Client, _userdata: object, mid: int, *_rest: object) -> None:
        if mid in self._sent:
            self.acknowledged.add(self._sent[mid])
        else:
            self._early.add(mid)

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self.heard.append((message.topic, bytes(message.payload)))
