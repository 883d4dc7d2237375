"""Simulated devices at a real broker: MQTT 3.1.1 by paho, QoS 1, every device with its own connection or one for all.

All connections are driven by the caller's thread and one selector. What the broker has not acknowledged is kept and sent again, in order,
however often the broker goes away; while too much is kept, nothing more is taken from the source.
"""

import random
import selectors
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from devices.simulator.links import Link, RefusedError
from devices.simulator.model import Timed

HELD_MESSAGES = 100_000
"""What may be kept without an acknowledgement; half an hour of the demo. Beyond it the source waits."""
IN_FLIGHT = 1000
"""What one connection sends ahead of acknowledgements; below the 65,535 numbers that MQTT has for them."""
KEEPALIVE_S = 60
RECONNECT_S = (0.5, 15.0)
"""First and longest wait before a connection is tried again."""
CONNECT_S = 3.0
STOP_S = 2.0
"""How long a stop waits for acknowledgements."""
REFUSALS = 5
"""A broker that has refused a connection so often, and never let it in, means it: new credentials take a moment to be known."""
_TURN_S, _CARE_S = 0.1, 0.25
_BURST = 500
_log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Counters:
    """What happened so far; another thread may look.

    Attributes
    ----------
    published, acknowledged : int
        Messages taken from the source, and those for which the broker has answered.
    connections, connected : int
        How many there are, and how many are up.
    lost : int
        How often a connection that was up ended.
    """

    published: int = 0
    acknowledged: int = 0
    connections: int = 0
    connected: int = 0
    lost: int = 0

    @property
    def held(self) -> int:
        """Messages that the broker has not acknowledged."""
        return self.published - self.acknowledged


def publish(source: Iterable[Timed], links: Mapping[str, Link] | Link, stop: threading.Event, counters: Counters | None = None) -> Counters:
    """Send each message at its time, until the source ends and everything is acknowledged, or until `stop` is set.

    Parameters
    ----------
    source
        Messages in order of time (`at_ns`: Unix time); one whose time has passed is sent at once.
    links
        By device; or one that speaks for all.
    stop
        Looked at several times a second; acknowledgements are then waited for a little longer.
    counters
        To be watched meanwhile; the same are the answer.

    Raises
    ------
    RefusedError
        The broker does not accept the credentials.
    """
    fleet = _Fleet(links, counters or Counters())
    try:
        fleet.run(iter(source), stop)
    finally:
        fleet.close()
    return fleet.counters


class _Connection:
    """One connection, over which one device speaks, or all."""

    def __init__(self, link: Link, counters: Counters, selector: selectors.BaseSelector) -> None:
        self.link = link
        self._counters = counters
        self._selector = selector
        self._waiting: deque[Timed] = deque()
        self._in_flight = 0
        self._events = 0
        self._wait_s = RECONNECT_S[0]
        self._is_up = False
        self._was_up = False
        self._refusals: list[str] = []
        self.due_s = 0.0
        self.client = Client(CallbackAPIVersion.VERSION2, client_id=link.client_id)
        self.client.max_inflight_messages_set(0)  # `_in_flight` is our own window: paho's would let new messages overtake kept ones
        self.client.connect_timeout = CONNECT_S
        if link.username:
            self.client.username_pw_set(link.username, link.password)
        if link.tls:
            self.client.tls_set()
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_publish = self._on_publish
        self.client.on_socket_open = lambda _client, _userdata, sock: self._begin(sock.fileno())
        self.client.on_socket_close = lambda _client, _userdata, sock: self._end(sock.fileno())

    @property
    def is_away(self) -> bool:
        """Whether there is not even a socket."""
        return self.client.socket() is None

    def connect(self) -> OSError | None:
        """Try to connect; the answer is why it was in vain."""
        try:
            self.client.connect(self.link.host, self.link.port, KEEPALIVE_S)
        except OSError as error:
            return error
        self._watch()
        return None

    def send(self, message: Timed) -> None:
        """Publish a message, after those that wait already."""
        self._waiting.append(message)
        self._counters.published += 1
        self._flush()

    def turn(self, events: int) -> None:
        """Read and write what can be read and written."""
        if events & selectors.EVENT_READ:
            self.client.loop_read()
            # What TLS has decrypted already, the selector does not see.
            while isinstance(sock := self.client.socket(), ssl.SSLSocket) and sock.pending():
                self.client.loop_read()
        if events & selectors.EVENT_WRITE and not self.is_away:
            self.client.loop_write()
        self._flush()

    def check(self) -> None:
        """Notice that the broker will never let this connection in.

        Raises
        ------
        RefusedError
            The broker does not accept the credentials.
        """
        if len(self._refusals) >= REFUSALS and not self._was_up:
            who = self.link.username or "a connection without a user"
            raise RefusedError(f"the broker at {self.link.host}:{self.link.port} refuses {who}: {self._refusals[-1]}")

    def care(self) -> None:
        """Keep the connection alive, and notice when it is not."""
        self.client.loop_misc()
        self._watch()

    def close(self) -> None:
        """Say goodbye, if anybody listens."""
        self.client.disconnect()
        if (sock := self.client.socket()) is not None:  # nobody takes what is written
            sock.close()

    def _flush(self) -> None:
        while self._waiting and self._is_up and self._in_flight < IN_FLIGHT:
            message = self._waiting.popleft()
            self._in_flight += 1
            self.client.publish(message.topic, message.payload, qos=1)
        self._watch()

    def _watch(self) -> None:
        """Ask the selector for what the client wants now."""
        sock = self.client.socket()
        if sock is None:
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.client.want_write() else 0)
        if wanted != self._events:
            self._events = wanted
            self._selector.modify(sock.fileno(), wanted, self)

    def _begin(self, fileno: int) -> None:
        self._events = selectors.EVENT_READ
        self._selector.register(fileno, self._events, self)

    def _end(self, fileno: int) -> None:
        self._selector.unregister(fileno)

    def _on_connect(
        self, _client: Client, _userdata: object, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._refusals.append(str(reason))
            _log.warning("simulator.refused", user=self.link.username, reason=str(reason))
            return
        self._refusals.clear()
        self._is_up = self._was_up = True
        self._wait_s = RECONNECT_S[0]
        self._counters.connected += 1

    def _on_disconnect(
        self, _client: Client, _userdata: object, _flags: DisconnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if self._is_up:
            self._counters.connected -= 1
            self._counters.lost += reason.is_failure
        self._is_up = False
        # A little apart, so that not all of them come back at one instant.
        self.due_s = time.monotonic() + self._wait_s * random.uniform(0.5, 1.0)  # noqa: S311
        self._wait_s = min(2 * self._wait_s, RECONNECT_S[1])

    def _on_publish(self, _client: Client, _userdata: object, _mid: int, _reason: ReasonCode, _properties: Properties) -> None:
        self._in_flight -= 1
        self._counters.acknowledged += 1


class _Fleet:
    """All connections, and the one loop that drives them."""

    def __init__(self, links: Mapping[str, Link] | Link, counters: Counters) -> None:
        self.counters = counters
        self._selector = selectors.DefaultSelector()
        distinct = [links] if isinstance(links, Link) else list(dict.fromkeys(links.values()))
        made = {link: _Connection(link, counters, self._selector) for link in distinct}
        self._connections = list(made.values())
        self._of_device = None if isinstance(links, Link) else {device: made[link] for device, link in links.items()}
        counters.connections = len(distinct)
        self._care_due_s = 0.0
        self._broker_due_s = 0.0
        self._broker_wait_s = 0.0

    def run(self, source: Iterator[Timed], stop: threading.Event) -> None:
        """Send the source's messages; see `publish`."""
        ahead = next(source, None)
        give_up_s: float | None = None
        while ahead is not None or self.counters.held:
            if stop.is_set():
                ahead = None
                give_up_s = give_up_s or time.monotonic() + STOP_S
                if not self.counters.connected or time.monotonic() >= give_up_s:
                    return
            ahead = self._send_due(ahead, source)
            self._care()
            for key, events in self._selector.select(self._idle_s(ahead)):
                key.data.turn(events)

    def close(self) -> None:
        """End all connections."""
        for connection in self._connections:
            connection.close()
        self._selector.close()

    def _send_due(self, ahead: Timed | None, source: Iterator[Timed]) -> Timed | None:
        """Send what is due, and answer what is next."""
        now_ns = time.time_ns()
        for _ in range(_BURST):
            if ahead is None or ahead.at_ns > now_ns or self.counters.held >= HELD_MESSAGES:
                break
            connection = self._connections[0] if self._of_device is None else self._of_device[ahead.device]
            connection.send(ahead)
            ahead = next(source, None)
        return ahead

    def _idle_s(self, ahead: Timed | None) -> float:
        if ahead is None or self.counters.held >= HELD_MESSAGES:
            return _TURN_S
        return min(max((ahead.at_ns - time.time_ns()) / 1e9, 0.0), _TURN_S)

    def _care(self) -> None:
        now_s = time.monotonic()
        if now_s < self._care_due_s:
            return
        self._care_due_s = now_s + _CARE_S
        for connection in self._connections:
            connection.check()
            if not connection.is_away:
                connection.care()
            elif connection.due_s <= now_s and self._broker_due_s <= now_s:
                self._connect(connection)

    def _connect(self, connection: _Connection) -> None:
        """While nobody listens there, one connection at a time finds out."""
        where = f"{connection.link.host}:{connection.link.port}"
        error = connection.connect()
        if error is None:
            if self._broker_wait_s:
                _log.info("simulator.broker_back", broker=where)
            self._broker_wait_s = 0.0
            return
        if not self._broker_wait_s:
            _log.warning("simulator.broker_away", broker=where, reason=str(error))
        self._broker_wait_s = min(max(2 * self._broker_wait_s, RECONNECT_S[0]), RECONNECT_S[1])
        self._broker_due_s = time.monotonic() + self._broker_wait_s
