"""Questions to wearers, over a real broker."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fakes.brokers import embedded, until
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from devices import broker
from devices.mqtt import BrokerLink
from incidents.directory import Channel, Person, Role
from incidents.model import Signal
from notifier.gateways.model import Outgoing
from notifier.gateways.wearable import PATTERNS, WearableGateway
from store.outbox import DeliveryOutcome


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[broker.EmbeddedBroker, str]]:
    """A server, and the token of the wearable w-1."""
    _, token = broker.new_device(tmp_path, "willow", "w-1")
    one = embedded(tmp_path)
    one.start()
    yield one, token
    one.stop()


def link(one: broker.EmbeddedBroker, folder: Path) -> BrokerLink:
    return BrokerLink(name="embedded", url=one.mqtt_url, username=broker.INGEST, password=broker.credentials_of(folder).ingest)


def asking(*devices: str) -> Outgoing:
    wearer = Person(id="fen", name="周芬", roles=frozenset({Role.RESIDENT}), channels=(Channel.DEVICE,), asked_by=devices)
    return Outgoing(
        community_id="willow",
        notification_id="fall-1:ask:0:0:fen:device",
        person=wearer,
        channel=Channel.DEVICE,
        text="您还好吗？",
        created_ns=0,
        until_ns=1_772_416_950_000_000_000,
    )


def test_a_wearable_hears_its_question_and_until_when(server: Any, tmp_path: Path) -> None:
    one, token = server
    heard: list[Any] = []
    client = Client(CallbackAPIVersion.VERSION2, client_id="w-1")
    client.username_pw_set("willow.w-1", token)
    client.on_connect = lambda *_: client.subscribe("cmd/willow/w-1/#", qos=1)
    client.on_subscribe = lambda *_: heard.append("ready")
    client.on_message = lambda _client, _data, message: heard.append((message.topic, msgspec.json.decode(message.payload)))
    client.connect("127.0.0.1", int(one.mqtt_url.rpartition(":")[2]))
    client.loop_start()
    try:
        until(lambda: heard, "subscribed")
        question = asking("w-1")
        answer = WearableGateway([link(one, tmp_path)]).send(question, 0)
        assert answer.outcome is DeliveryOutcome.ACCEPTED
        until(lambda: len(heard) > 1, "the question")
        body = {"id": question.notification_id, "text": question.text, "until_ms": 1_772_416_950_000}
        assert heard[1] == ("cmd/willow/w-1/ask", body)
    finally:
        client.disconnect()
        client.loop_stop()


@pytest.mark.parametrize(("signal", "light"), [(Signal.CALLED, "amber"), (Signal.COMING, "green"), (Signal.OVER, "off")])
def test_a_wearable_hears_what_to_show(server: Any, tmp_path: Path, signal: Signal, light: str) -> None:
    one, token = server
    heard: list[Any] = []
    client = Client(CallbackAPIVersion.VERSION2, client_id="w-1")
    client.username_pw_set("willow.w-1", token)
    client.on_connect = lambda *_: client.subscribe("cmd/willow/w-1/#", qos=1)
    client.on_subscribe = lambda *_: heard.append("ready")
    client.on_message = lambda _client, _data, message: heard.append((message.topic, msgspec.json.decode(message.payload)))
    client.connect("127.0.0.1", int(one.mqtt_url.rpartition(":")[2]))
    client.loop_start()
    try:
        until(lambda: heard, "subscribed")
        said = replace(asking("w-1"), signal=signal, text="王磊正在赶来。")
        assert WearableGateway([link(one, tmp_path)]).send(said, 0).outcome is DeliveryOutcome.ACCEPTED
        until(lambda: len(heard) > 1, "the signal")
        topic, body = heard[1]
        assert topic == "cmd/willow/w-1/signal"
        assert (body["signal"], body["light"], body["vibrate_ms"]) == (signal, light, list(PATTERNS[signal][1]))
        assert (body["id"], body["text"], body["until_ms"]) == (said.notification_id, said.text, 1_772_416_950_000)
    finally:
        client.disconnect()
        client.loop_stop()


def test_without_a_broker_it_is_tried_again(server: Any, tmp_path: Path) -> None:
    one, _ = server
    gone = link(one, tmp_path)
    one.stop()
    assert WearableGateway([gone]).send(asking("w-1"), 0).outcome is DeliveryOutcome.RETRY


def test_who_wears_nothing_that_asks_is_not_asked() -> None:
    assert WearableGateway([]).send(asking(), 0).outcome is DeliveryOutcome.REJECTED


def test_what_was_asked_is_not_found_again() -> None:
    assert WearableGateway([]).look_up(asking("w-1")) == ()


def test_many_are_asked_at_one_time_and_none_waits_for_another(server: Any, tmp_path: Path) -> None:
    one, _ = server
    gateway = WearableGateway([link(one, tmp_path)])
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: gateway.send(asking(f"w-{n}"), 0).outcome, range(24)))
    assert set(answers) == {DeliveryOutcome.ACCEPTED}
