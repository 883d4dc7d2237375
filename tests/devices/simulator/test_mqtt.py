"""Simulated devices at real brokers: the embedded one with everybody's own credentials, and Mosquitto."""

import threading
import time
from collections.abc import Callable, Iterator
from itertools import chain, count, takewhile
from pathlib import Path

import pytest
from fakes.brokers import Mosquitto, Publisher, embedded, free_port, kill, until

from devices.broker import INGEST, EmbeddedBroker, credentials_of, new_device
from devices.model import NS_PER_S
from devices.mqtt import BrokerLink, Connection
from devices.mqtt import Counters as IngestCounters
from devices.simulator import demo, estate, mqtt
from devices.simulator.links import Link, RefusedError, WrongUrlError, per_device
from devices.simulator.model import Timed, topic
from devices.simulator.mqtt import Counters, publish

DEVICES = tuple(f"w-{i:02d}" for i in range(1, 13))
EACH = 40
ALL = [(topic("elm", device, "button"), str(number).encode()) for number in range(EACH) for device in DEVICES]

Heard = list[tuple[str, bytes]]


@pytest.fixture
def broker(tmp_path: Path) -> EmbeddedBroker:
    """Not started yet. On a busy machine what is heard is acknowledged late, and must not be sent again meanwhile."""
    return embedded(tmp_path / "nats", ack_wait_s=10.0)


@pytest.fixture
def running(broker: EmbeddedBroker) -> Iterator[EmbeddedBroker]:
    yield broker
    broker.stop()


def own_links(broker: EmbeddedBroker, community: str = "elm", devices: tuple[str, ...] = DEVICES) -> dict[str, Link]:
    tokens = {device: new_device(broker.config.folder, community, device)[1] for device in devices}
    return per_device(broker.mqtt_url, community, tokens)


def numbered() -> Iterator[Timed]:
    """`EACH` messages of each device, whose time has come."""
    return (Timed(0, name, payload) for name, payload in ALL)


def ears(broker: EmbeddedBroker) -> Publisher:
    hearing = Publisher(broker.mqtt_url, INGEST, credentials_of(broker.config.folder).ingest)
    hearing.listen("anju/#")
    return hearing


def listen(session: BrokerLink, enough: Callable[[Heard], bool]) -> Heard:
    """What ingest's own connection takes, until it is enough."""
    heard: Heard = []
    connection = Connection(session, IngestCounters())
    connection.start()

    def has_enough() -> bool:
        arrivals = connection.take()
        heard.extend((arrival.record.topic, arrival.record.payload) for arrival in arrivals)
        connection.done(arrivals)
        return connection.is_subscribed and enough(heard)

    until(has_enough, "enough is heard")
    connection.stop()
    return heard


def by_topic(heard: Heard) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for name, payload in heard:
        found.setdefault(name, []).append(payload)
    return found


def test_every_message_arrives_once_and_each_devices_in_order(running: EmbeddedBroker) -> None:
    links = own_links(running)
    running.start()
    with ears(running) as hearing:
        counters = publish(numbered(), links, threading.Event())
        until(lambda: len(hearing.heard) >= len(ALL), "everything is heard")
        assert by_topic(hearing.heard) == by_topic(ALL)
    assert counters == Counters(published=len(ALL), acknowledged=len(ALL), connections=len(DEVICES))


def test_the_whole_estate_speaks_each_device_with_its_own_credentials(running: EmbeddedBroker) -> None:
    links = own_links(running, estate.COMMUNITY, estate.devices())
    running.start()
    begin_ns = time.time_ns() - 30 * NS_PER_S
    sent = list(takewhile(lambda message: message.at_ns < begin_ns + 25 * NS_PER_S, demo.messages(begin_ns)))
    with ears(running) as hearing:
        publish(sent, links, threading.Event())
        until(lambda: len(hearing.heard) >= len(sent), "everything is heard")
        assert by_topic(hearing.heard) == by_topic([(one.topic, one.payload) for one in sent])


def test_a_gateway_speaks_for_all_over_one_connection(running: EmbeddedBroker) -> None:
    user, token = new_device(running.config.folder, "elm")
    running.start()
    link = Link.parse(running.mqtt_url.replace("mqtt://", f"mqtt://{user}:{token}@"))
    with ears(running) as hearing:
        counters = publish(numbered(), link, threading.Event())
        until(lambda: len(hearing.heard) >= len(ALL), "everything is heard")
        assert hearing.heard == ALL
    assert counters.connections == 1


@pytest.mark.parametrize("window", [1, 7])
def test_order_does_not_depend_on_how_much_may_be_in_flight(running: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch, window: int) -> None:
    monkeypatch.setattr(mqtt, "IN_FLIGHT", window)
    links = own_links(running)
    running.start()
    with ears(running) as hearing:
        publish(numbered(), links, threading.Event())
        until(lambda: len(hearing.heard) >= len(ALL), "everything is heard")
        assert by_topic(hearing.heard) == by_topic(ALL)


def test_nothing_is_missing_and_all_is_in_order_when_the_broker_is_killed_and_comes_back(running: EmbeddedBroker) -> None:
    links = own_links(running)
    running.start()
    session = BrokerLink(name="embedded", url=running.mqtt_url, username=INGEST, password=credentials_of(running.config.folder).ingest)
    listen(session, lambda _heard: True)  # from now on the broker keeps for it what arrives, and gives it in that order

    def with_an_outage() -> Iterator[Timed]:
        for number, message in enumerate(numbered()):
            if number == len(ALL) // 3:
                kill(running)
            if number == 2 * len(ALL) // 3:
                running.start()
            # Spread over some turns of the loop, so that a part has been acknowledged, and a part is on its way.
            yield message._replace(at_ns=time.time_ns() + 1_000_000)

    counters = publish(with_an_outage(), links, threading.Event())
    assert (counters.published, counters.acknowledged) == (len(ALL), len(ALL))
    assert counters.lost == len(DEVICES)
    heard = listen(session, lambda heard: set(heard) >= set(ALL))
    assert by_topic(list(dict.fromkeys(heard))) == by_topic(ALL)


def test_devices_that_begin_before_their_broker_are_heard_once_it_is_there(
    running: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "RECONNECT_S", (0.01, 0.1))
    links = own_links(running)
    counters = Counters()
    thread = threading.Thread(target=publish, args=(numbered(), links, threading.Event(), counters))
    thread.start()
    until(lambda: counters.published == len(ALL), "everything waits")
    assert counters.acknowledged == 0
    running.start()
    thread.join()
    assert counters.acknowledged == len(ALL)


def test_while_too_much_is_kept_the_source_waits(running: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "HELD_MESSAGES", 10)
    monkeypatch.setattr(mqtt, "RECONNECT_S", (0.01, 0.1))
    links = own_links(running)
    counters = Counters()
    taken = count()
    source = (message for message in numbered() if next(taken) >= 0)
    thread = threading.Thread(target=publish, args=(source, links, threading.Event(), counters))
    thread.start()
    until(lambda: counters.published == 10, "as much as may be kept is kept")
    running.start()
    thread.join()
    assert next(taken) == len(ALL)
    assert counters.acknowledged == len(ALL)


def test_a_stop_ends_an_endless_source_with_everything_acknowledged(running: EmbeddedBroker) -> None:
    links = own_links(running)
    running.start()
    stop = threading.Event()
    counters = Counters()

    def endless() -> Iterator[Timed]:
        for number in count():
            if number == 200:
                stop.set()
            yield Timed(time.time_ns() + 500_000, topic("elm", DEVICES[number % len(DEVICES)], "button"), b"{}")

    assert publish(endless(), links, stop, counters) is counters
    assert counters.acknowledged == counters.published >= 200
    assert (counters.connected, counters.lost) == (0, 0)


def test_a_stop_does_not_wait_for_a_broker_that_is_away() -> None:
    stop = threading.Event()
    link = Link.parse(f"mqtt://127.0.0.1:{free_port()}")
    counters = Counters()
    thread = threading.Thread(target=publish, args=(chain(numbered(), [Timed(2**62, ALL[0][0], b"")]), link, stop, counters))
    thread.start()
    until(lambda: counters.published == len(ALL), "everything waits")
    stop.set()
    thread.join()
    assert counters.held == len(ALL)


def test_a_wrong_token_is_one_clear_line(running: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "RECONNECT_S", (0.01, 0.02))
    new_device(running.config.folder, "elm", "w-01")
    running.start()
    links = per_device(running.mqtt_url, "elm", {"w-01": "guess"})
    with pytest.raises(RefusedError, match=r"^the broker at 127\.0\.0\.1:\d+ refuses elm\.w-01: Not authorized$"):
        publish([Timed(0, topic("elm", "w-01", "button"), b"{}")], links, threading.Event())


def test_a_message_is_not_sent_before_its_time(running: EmbeddedBroker) -> None:
    links = own_links(running)
    running.start()
    at_ns = time.time_ns() + NS_PER_S // 4
    publish([Timed(at_ns, *ALL[0])], links, threading.Event())
    assert time.time_ns() >= at_ns


def test_any_broker_will_do(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "mosquitto") as server, Publisher(server.url) as hearing:
        hearing.listen("anju/#")
        publish(numbered(), Link.parse(server.url), threading.Event())
        until(lambda: len(hearing.heard) >= len(ALL), "everything is heard")
        assert hearing.heard == ALL


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("mqtt://broker.example", Link(host="broker.example", port=1883)),
        ("mqtts://broker.example", Link(host="broker.example", port=8883, tls=True)),
        ("mqtt://elm:p%40ss@10.0.0.1:11883", Link(host="10.0.0.1", port=11883, username="elm", password="p@ss")),  # noqa: S106
        ("mqtt://[::1]:1884", Link(host="::1", port=1884)),
    ],
)
def test_an_address_says_where_the_broker_is_and_who_speaks(url: str, link: Link) -> None:
    assert Link.parse(url) == link


@pytest.mark.parametrize("url", ["", "broker.example", "http://broker.example", "mqtt://", "mqtt://host:port", "mqtt://[::1"])
def test_an_address_that_is_none_is_one_clear_line(url: str) -> None:
    with pytest.raises(WrongUrlError, match="wanted mqtt://host:port or mqtts://host:port"):
        Link.parse(url)


def test_a_password_is_never_shown() -> None:
    assert "secret" not in repr(Link.parse("mqtt://elm:secret@host"))
    with pytest.raises(WrongUrlError) as caught:
        Link.parse("http://elm:secret@host")
    assert "secret" not in str(caught.value)
