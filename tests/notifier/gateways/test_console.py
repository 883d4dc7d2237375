import json
import multiprocessing
import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from incidents.directory import Channel, Person, Role
from notifier.gateways.console import ConsoleGateway, read
from notifier.gateways.model import GatewayAwayError, Outgoing
from store.outbox import DeliveryOutcome

AT_NS = 1_772_416_920_123_456_789  # 2026-03-02T02:02:00.123Z
ANNE = Person(id="anne", name="安妮", roles=frozenset({Role.RELATIVE}), phone_e164="+8613900000001", channels=(Channel.SMS,))

Build = Callable[..., Outgoing]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "phones.jsonl"


@pytest.fixture(scope="session")
def outgoing() -> Build:
    def build(id_: str = "fall-1:tell:0:0:anne:sms", **changes: object) -> Outgoing:
        given = {"community_id": "willow", "person": ANNE, "channel": Channel.SMS, "text": "周芬摔倒了", "created_ns": AT_NS}
        return Outgoing(notification_id=id_, **given | changes)

    return build


def ids(path: Path) -> list[str]:
    return [one.id for one in read(path)]


def test_a_message_is_a_line_that_says_who_got_what_when(path: Path, outgoing: Build) -> None:
    assert ConsoleGateway(path).send(outgoing(), AT_NS).outcome is DeliveryOutcome.DELIVERED
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "id": "fall-1:tell:0:0:anne:sms",
        "community": "willow",
        "to": "anne",
        "name": "安妮",
        "phone": "+8613900000001",
        "channel": "sms",
        "text": "周芬摔倒了",
        "at": "2026-03-02T02:02:00.123Z",
    }


def test_a_message_is_there_once_whoever_sends_it_again(path: Path, outgoing: Build) -> None:
    first, second = ConsoleGateway(path), ConsoleGateway(path)
    for gateway in (first, second, first, ConsoleGateway(path)):
        assert gateway.send(outgoing(), AT_NS).outcome is DeliveryOutcome.DELIVERED
    assert len(ids(path)) == 1


def test_another_community_and_another_channel_are_another_message(path: Path, outgoing: Build) -> None:
    gateway = ConsoleGateway(path)
    for changes in ({}, {"community_id": "lake"}, {"channel": Channel.VOICE}):
        gateway.send(outgoing(**changes), AT_NS)
    assert len(ids(path)) == 3


def test_it_finds_what_it_has_and_nothing_else(path: Path, outgoing: Build) -> None:
    ConsoleGateway(path).send(outgoing(), AT_NS)
    later = ConsoleGateway(path)
    assert [one.outcome for one in later.look_up(outgoing())] == [DeliveryOutcome.DELIVERED]
    assert later.look_up(outgoing("fall-2:tell:0:0:anne:sms")) == ()


@pytest.mark.parametrize("torn_bytes", [1, 40, -1])
def test_a_line_that_a_killed_writer_left_torn_does_not_count_and_is_taken_away(torn_bytes: int, path: Path, outgoing: Build) -> None:
    gateway = ConsoleGateway(path)
    gateway.send(outgoing("one"), AT_NS)
    whole = path.read_bytes()
    gateway.send(outgoing("two"), AT_NS)
    second = path.read_bytes()[len(whole) :]
    path.write_bytes(whole + second[:torn_bytes])
    assert ids(path) == ["one"]
    for later in (gateway, ConsoleGateway(path)):
        assert later.look_up(outgoing("two")) == ()
    ConsoleGateway(path).send(outgoing("two"), AT_NS)
    assert path.read_bytes() == whole + second


def test_a_file_that_was_put_away_begins_anew(path: Path, outgoing: Build) -> None:
    gateway = ConsoleGateway(path)
    gateway.send(outgoing(), AT_NS)
    path.rename(path.with_suffix(".old"))
    assert gateway.look_up(outgoing()) == ()
    gateway.send(outgoing(), AT_NS)
    assert len(ids(path)) == 1


def test_a_line_that_somebody_wrote_by_hand_disturbs_nothing(path: Path, outgoing: Build) -> None:
    path.write_text('seen by the guard\n{"id": 5}\n', encoding="utf-8")
    gateway = ConsoleGateway(path)
    gateway.send(outgoing(), AT_NS)
    assert ids(path) == [outgoing().notification_id]
    assert len(gateway.look_up(outgoing())) == 1


def test_where_nothing_can_be_written_it_is_tried_again_and_nothing_can_be_said(tmp_path: Path, outgoing: Build) -> None:
    gateway = ConsoleGateway(tmp_path / "missing" / "phones.jsonl")
    answer = gateway.send(outgoing(), AT_NS)
    assert (answer.outcome, answer.code) == (DeliveryOutcome.RETRY, "ENOENT")
    with pytest.raises(GatewayAwayError):
        gateway.look_up(outgoing())


def _on_a_full_disk(path: Path, outgoing: Outgoing) -> None:
    """No file of this process may grow beyond one and a half lines."""
    gateway = ConsoleGateway(path)
    gateway.send(outgoing, AT_NS)
    size = path.stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + size // 2, size + size // 2))
    answer = gateway.send(Outgoing(**{name: getattr(outgoing, name) for name in outgoing.__slots__} | {"notification_id": "two"}), AT_NS)
    os._exit(0 if answer.outcome is DeliveryOutcome.RETRY and path.stat().st_size == size else 1)


def test_a_full_disk_leaves_no_torn_line(path: Path, outgoing: Build) -> None:
    child = multiprocessing.get_context("spawn").Process(target=_on_a_full_disk, args=(path, outgoing("one")))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert ids(path) == ["one"]


def _send_all(path: Path, given: list[Outgoing]) -> None:
    gateway = ConsoleGateway(path)
    for one in given:
        gateway.send(one, AT_NS)


def test_two_processes_side_by_side_write_each_message_once(path: Path, outgoing: Build) -> None:
    given = [outgoing(str(number)) for number in range(200)]
    children = [multiprocessing.get_context("spawn").Process(target=_send_all, args=(path, given)) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert sorted(ids(path), key=int) == [one.notification_id for one in given]
