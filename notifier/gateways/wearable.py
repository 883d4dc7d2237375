"""The gateway to what people wear, by MQTT where the device listens (`cmd/<community>/<device>/…`).

`ask` is a question to the wearer; `signal` says whether help was called or is coming, in words and as a pattern of light and vibration.
QoS 1 and not retained: both are for now. A device that hears one twice knows it by its id.
"""

import secrets
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from urllib.parse import urlsplit

import msgspec
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from devices.mqtt import BrokerLink
from incidents.directory import Channel
from incidents.model import Signal
from notifier.gateways.model import Answer, Capabilities, InDoubt, Outgoing, Status
from store.outbox import DeliveryOutcome

ANSWER_S = 5.0
"""Longest wait for a broker."""
COMMANDS = "cmd"
PATTERNS: Mapping[Signal, tuple[str, tuple[int, ...]]] = {
    Signal.CALLED: ("amber", (600,)),
    Signal.COMING: ("green", (200, 150, 200, 150, 200)),
    Signal.OVER: ("off", ()),
}
"""Which light, and for how many ms the device vibrates and rests in turn: one long for "called", three short for "coming"."""
_PORTS = {"mqtt": 1883, "mqtts": 8883}


class WearableGateway:
    """Publishes to every broker that devices may be connected to, because nobody knows which one has this device.

    Parameters
    ----------
    brokers
        Whose credentials may publish commands.
    """

    name = "wearable"
    capabilities = Capabilities(channels=frozenset({Channel.DEVICE}), in_doubt=InDoubt.SEND_AGAIN, receipts=False)
    channels = capabilities.channels
    outcomes: Mapping[str, DeliveryOutcome] = MappingProxyType({})
    settles_ns = 0

    def __init__(self, brokers: Sequence[BrokerLink]) -> None:
        self._brokers = tuple(brokers)

    def send(self, outgoing: Outgoing, now_ns: int) -> Answer:  # noqa: ARG002  the device hears it when it hears it
        """Accepted where a broker acknowledged it."""
        said: dict[str, object] = {
            "id": outgoing.notification_id,
            "text": outgoing.text,
            "until_ms": outgoing.until_ns and outgoing.until_ns // 1_000_000,
        }
        if outgoing.signal is not None:
            light, vibrate_ms = PATTERNS[outgoing.signal]
            said |= {"signal": outgoing.signal, "light": light, "vibrate_ms": vibrate_ms}
        kind = "ask" if outgoing.signal is None else "signal"
        topics = [f"{COMMANDS}/{outgoing.community_id}/{device}/{kind}" for device in outgoing.person.asked_by]
        payload = msgspec.json.encode(said)
        if not topics:
            return Answer(outcome=DeliveryOutcome.REJECTED, code="no_device")
        acknowledged = sum(_published(broker, topics, payload) for broker in self._brokers)
        if acknowledged:
            return Answer(outcome=DeliveryOutcome.ACCEPTED)
        return Answer(outcome=DeliveryOutcome.RETRY, code="no_broker")

    def look_up(self, outgoing: Outgoing) -> tuple[Answer, ...]:  # noqa: ARG002
        """Nothing: brokers do not tell. Asked twice is asked once, by the id."""
        return ()

    def status(self, provider_id: str) -> Status:
        """Nothing: an answer is a press of cancel, which is a reading."""
        return Status(word="", code=provider_id)


def _published(broker: BrokerLink, topics: Sequence[str], payload: bytes) -> bool:
    """Whether a broker has acknowledged a message on each topic."""
    where = urlsplit(broker.url)
    client = Client(CallbackAPIVersion.VERSION2, client_id=f"{broker.session}-{secrets.token_hex(4)}")  # several leave at one time
    if broker.username:
        client.username_pw_set(broker.username, broker.password)
    if where.scheme == "mqtts":
        client.tls_set()
    client.connect_timeout = ANSWER_S
    try:
        client.connect(where.hostname or "", where.port or _PORTS[where.scheme])
        client.loop_start()
        sent = [client.publish(topic, payload, qos=1) for topic in topics]
        for one in sent:
            one.wait_for_publish(ANSWER_S)
        return all(one.is_published() for one in sent)
    except (OSError, ValueError, RuntimeError):
        return False
    finally:
        client.disconnect()
        client.loop_stop()
