"""A connection to one broker: messages are taken as they come, and acknowledged when somebody says that they are safe.

paho's own thread takes, the event loop acknowledges. Nothing is decoded but the topic.
"""

import hashlib
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from devices.adapters import kept
from devices.entry import MAX_PAYLOAD_BYTES, Record
from devices.topics import ROOT

HELD_BYTES = 64 << 20
"""What is held without being in the log; beyond it nothing is read from a socket, and the broker waits."""
HELD_MESSAGES = 50_000
KEEPALIVE_S = 30
RECONNECT_S = (1, 15)
"""First and longest wait between attempts to connect."""
ANSWER_S = 2.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerLink:
    """A broker to take messages from.

    Attributes
    ----------
    name : str
        Ours for it; stands in every record.
    url : str
        `mqtt://host:port` or, with TLS, `mqtts://host:port`.
    topics : tuple of str
        MQTT filters.
    client_id : str, optional
        Names the session that the broker keeps. By default it is made from the credentials, so that it stays the same, and a device that
        may connect to the same broker cannot know it and take the session over.
    """

    name: str
    url: str
    topics: tuple[str, ...] = (f"{ROOT}/#",)
    username: str = ""
    password: str = field(default="", repr=False)
    client_id: str = ""

    @property
    def session(self) -> str:
        """The client id that is used."""
        secret = hashlib.blake2b(f"{self.name}\0{self.username}\0{self.password}".encode(), digest_size=8).hexdigest()
        return self.client_id or f"anju-ingest-{secret}"


@dataclass(slots=True, kw_only=True)
class Counters:
    """What happened since the start."""

    received: int = 0
    appended: int = 0
    entries: int = 0
    acknowledged: int = 0
    stale: int = 0
    oversized: int = 0
    refused: int = 0
    log_used: float = 0.0


class Arrival(NamedTuple):
    """A record on its way, and what its acknowledgement needs. `mid` is 0 for QoS 0."""

    record: Record
    connection: "Connection"
    mid: int
    serial: int


class Connection:
    """One broker's messages, taken by paho's thread and acknowledged by the event loop."""

    def __init__(self, link: BrokerLink, counters: Counters) -> None:
        self.link = link
        self._counters = counters
        self._arrived: deque[Arrival] = deque()
        self._room = threading.Condition()
        self._bytes = 0
        self._count = 0
        self._serial = 0
        self._stopping = False
        self._failure: Exception | None = None
        self._answered = threading.Event()
        self.is_subscribed = False
        # Packet id -> the arrival that holds it. Ids are used again after a reconnection, and after our acknowledgement; an acknowledgement
        # is sent only for the arrival that holds the id now, or it could acknowledge another message, which the log does not have.
        self._held: dict[int, int] = {}
        self._acknowledging = threading.Lock()
        self._client = self._made()

    def _made(self) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, client_id=self.link.session, clean_session=False, manual_ack=True)
        if self.link.username:
            client.username_pw_set(self.link.username, self.link.password)
        if urlsplit(self.link.url).scheme == "mqtts":
            client.tls_set()
        client.reconnect_delay_set(*RECONNECT_S)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_connect_fail = self._on_connect_fail
        client.on_subscribe = self._on_subscribe
        client.on_unsubscribe = lambda *_answer: self._answered.set()
        client.on_message = self._on_message
        return client

    def start(self) -> None:
        """Connect, now and whenever the connection is lost."""
        where = urlsplit(self.link.url)
        self._client.connect_async(where.hostname or "", where.port or (8883 if where.scheme == "mqtts" else 1883), keepalive=KEEPALIVE_S)
        self._client.loop_start()

    def close_door(self) -> None:
        """Take nothing more: what still comes is not acknowledged and comes again."""
        with self._room:
            self._stopping = True
            self._room.notify_all()

    def stop(self) -> None:
        """Send what was acknowledged and disconnect; blocks for at most a few seconds."""
        self.close_door()
        # Closing a socket that has something left to read resets it, and the broker would throw away acknowledgements that it has not read
        # yet. It answers in order: once it has answered this request, which changes nothing, it has read them.
        if self._client.is_connected():
            self._client.unsubscribe(f"{ROOT}/-")
            self._answered.wait(ANSWER_S)
        self._client.disconnect()
        self._client.loop_stop()

    def take(self) -> list[Arrival]:
        """What arrived since the last call."""
        if self._failure is not None:
            raise self._failure
        # Appended at the other end by another thread: only as many as there are now.
        return [self._arrived.popleft() for _ in range(len(self._arrived))]

    def done(self, arrivals: Iterable[Arrival]) -> None:
        """Acknowledge arrivals that the log has."""
        freed = count = 0
        # A lost connection waits here in `_on_disconnect` before its ids are forgotten and paho empties its queue; so nothing is queued
        # late.
        with self._acknowledging:
            for arrival in arrivals:
                freed += len(arrival.record.payload)
                count += 1
                if not arrival.mid:
                    continue
                if self._held.get(arrival.mid) != arrival.serial:
                    self._counters.stale += 1
                    continue
                del self._held[arrival.mid]
                self._client.ack(arrival.mid, 1)
                self._counters.acknowledged += 1
        with self._room:
            self._bytes -= freed
            self._count -= count
            self._room.notify_all()

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        try:
            self._take(message)
        except Exception as error:
            # It ends paho's thread, which nobody would notice: the next `take` raises it where it stops ingest.
            self._failure = error
            raise

    def _take(self, message: MQTTMessage) -> None:
        mid = message.mid if message.qos else 0
        # Sent again on the same connection because we are slow: it is here already, and its acknowledgement will follow.
        if message.dup and mid in self._held:
            return
        payload = bytes(message.payload)
        if len(payload) > MAX_PAYLOAD_BYTES:
            payload = payload[: MAX_PAYLOAD_BYTES + 1]
            self._counters.oversized += 1
        if not self._wait_for_room(len(payload)):
            return
        topic = _topic(message)
        record = Record(time.time_ns(), self.link.name, topic, message.retain, kept(topic, payload))
        self._serial += 1
        if mid:
            self._held[mid] = self._serial
        self._counters.received += 1
        self._arrived.append(Arrival(record, self, mid, self._serial))

    def _wait_for_room(self, size: int) -> bool:
        """Keep paho's thread, and so the socket, waiting while too much is held; False when stopping."""
        with self._room:
            while not self._stopping and self._count and (self._count >= HELD_MESSAGES or self._bytes + size > HELD_BYTES):
                self._room.wait()
            self._bytes += size
            self._count += 1
            return not self._stopping

    def _forget_ids(self) -> None:
        with self._acknowledging:
            self._held = {}

    def _on_connect(
        self, client: Client, _userdata: object, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            _log.error("ingest.broker_refused", broker=self.link.name, reason=str(reason))
            return
        self._forget_ids()
        client.subscribe([(topic, 1) for topic in self.link.topics])
        _log.info("ingest.connected", broker=self.link.name)

    def _on_disconnect(
        self, _client: Client, _userdata: object, _flags: DisconnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._forget_ids()
        if not self._stopping:
            _log.warning("ingest.disconnected", broker=self.link.name, reason=str(reason))

    def _on_connect_fail(self, _client: Client, _userdata: object) -> None:
        _log.warning("ingest.broker_away", broker=self.link.name)

    def _on_subscribe(
        self, _client: Client, _userdata: object, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        self.is_subscribed = True
        _log.info("ingest.subscribed", broker=self.link.name)
        for topic, reason in zip(self.link.topics, reasons, strict=False):
            if reason.is_failure:
                _log.error("ingest.subscription_refused", broker=self.link.name, filter=topic, reason=str(reason))


def _topic(message: MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError:
        # Kept for the record; it will be rejected as a topic that nobody knows.
        return message._topic.decode(errors="backslashreplace")  # noqa: SLF001 — the public property cannot answer
