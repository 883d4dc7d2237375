"""What happened, from the real log and both databases, as a capture that happens again when it is replayed."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fakes.brokers import embedded
from fakes.command import anju
from stories import ESTATE, START, at, estate, picked, tell, until

from devices.broker import CORE, EmbeddedBroker, credentials_of
from devices.entry import PARTITIONS, Record
from devices.log import STREAM, Limits, Log
from devices.model import NS_PER_S, CommunityId, DeviceId, HomeId, PersonId
from incidents.desk import take
from incidents.model import Quiet, Refused
from rules.kinds import EventKind, Mode
from rules.model import Event
from rules.premises import SCHEDULE
from store import capture, configuration
from store.acts import silence
from store.estates import Estates
from store.exporting import Export, Span
from store.ledger import DatabaseBook, add_event
from store.model import StoreError
from store.session import Database

T0_NS = round(START.timestamp()) * NS_PER_S
WILLOW = CommunityId("willow")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    server = embedded(tmp_path_factory.mktemp("nats"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def willow(database: Database) -> Database:
    with database.write() as session:
        configuration.append_community(session, WILLOW, T0_NS - 3600 * NS_PER_S, json.dumps(ESTATE))
    return database


def ns(seconds: float) -> int:
    return T0_NS + round(seconds * NS_PER_S)


def heard(seconds: float, device: str, kind: str, *, community: str = "willow", **fields: Any) -> Record:
    payload = json.dumps({"t": ns(seconds) // 10**6, **fields}).encode()
    return Record(ns(seconds), "embedded", f"anju/{community}/{device}/{kind}", False, payload)  # noqa: FBT003  a record's own order


def exported(
    broker: EmbeddedBroker, database: Database, records: Sequence[Record], *, until_s: float = 600, **how: Any
) -> list[dict[str, Any]]:
    """Lines of the first seconds of the story; each record is an entry of its own in the log, which is empty again afterwards."""

    async def run() -> list[dict[str, Any]]:
        log = await Log.open(broker.nats_url, CORE, credentials_of(broker.config.folder).core, Limits(max_bytes=32 << 20))
        try:
            for number, one in enumerate(records):
                await log.append(number % PARTITIONS, [one])
            export = Export(database, Span(community_id=WILLOW, since_ns=T0_NS, until_ns=ns(until_s)), **how)
            return [json.loads(msgspec.json.encode(line)) async for line in export.lines(log)]
        finally:
            await log._client.jetstream().purge_stream(STREAM)
            await log.close()

    return asyncio.run(run())


def test_a_capture_begins_with_modes_and_the_last_state_of_each_sensor(broker: EmbeddedBroker, willow: Database, tmp_path: Path) -> None:
    with willow.write() as session:
        configuration.change_mode(session, WILLOW, HomeId("b1-101"), Mode.AWAY, at_ns=ns(-900), by=PersonId("zhou-jie"))
    said = [
        heard(-1200, "window-1", "contact", open=True),
        heard(-1100, "window-1", "contact", open=False),
        heard(-100, "w-1", "button", pressed="sos"),
        heard(60, "window-1", "contact", open=True),
    ]
    lines = exported(broker, willow, said)
    assert lines[:2] == [{"at": at(0), "carrier": "silent"}, {"at": at(0), "mode": {"home": "b1-101", "mode": "away"}}]
    assert [(line["at"], line.get("retained"), line["payload"]["open"]) for line in lines[2:-1]] == [
        (at(0), True, False),
        (at(60), None, True),
    ]
    assert [(line["kind"], line["at"]) for line in picked(tell(tmp_path, lines), "event")] == [("intrusion", at(60))]


def test_who_is_away_is_away_in_the_replay_too(broker: EmbeddedBroker, willow: Database, tmp_path: Path) -> None:
    quiet = Quiet(by=PersonId("zhou-jie"), subject="zhou-fen", reason="住院", until_ns=ns(21 * 24 * 3600), away=True)
    assert not isinstance(silence(willow, Estates(), WILLOW, quiet, ns(60)), Refused)
    lines = exported(broker, willow, [heard(400, "w-1", "status", online=True)])
    (said,) = (line["silence"] for line in lines if "silence" in line)
    assert (said["subject"], said["away"], said["minutes"]) == ("zhou-fen", True, 21 * 24 * 60 - 1)
    assert [line["state"] for line in picked(tell(tmp_path, lines), "incident")] == ["acknowledged"]


def test_lines_stand_in_order_of_arrival_though_partitions_lie_beside_each_other(broker: EmbeddedBroker, willow: Database) -> None:
    records = [heard(second, "w-1", "status", battery_percent=80) for second in (3, 1, 2, 30, 5)]
    lines = exported(broker, willow, records)
    assert [line["at"] for line in lines if "topic" in line] == [at(second) for second in (1, 2, 3, 5, 30)]


def test_a_change_of_the_file_is_a_line_and_holds_from_then_on(broker: EmbeddedBroker, willow: Database, tmp_path: Path) -> None:
    changed = estate()
    changed["devices"] = [one | {"open_min": 1} if one["id"] == "window-1" else one for one in changed["devices"]]
    with willow.write() as session:
        configuration.append_community(session, WILLOW, ns(200), json.dumps(changed))
    said = [
        heard(0, "window-1", "contact", open=False),
        heard(10, "window-1", "contact", open=True),
        heard(400, "w-1", "status", online=True),
    ]
    lines = exported(broker, willow, said)
    assert [line["at"] for line in lines if "community" in line] == [at(200)]
    told = [(line["kind"], line["at"]) for line in picked(tell(tmp_path, lines), "event", kind="left_open")]
    assert len(told) == 1
    assert told[0][1] == at(200)
    assert not picked(tell(tmp_path, [line for line in lines if "community" not in line]), "event", kind="left_open")


def test_what_a_schedule_did_is_left_to_the_schedule(broker: EmbeddedBroker, willow: Database) -> None:
    with willow.write() as session:
        configuration.change_mode(session, WILLOW, HomeId("b1-101"), Mode.NIGHT, at_ns=ns(60), by=SCHEDULE)
        configuration.change_mode(session, WILLOW, HomeId("b1-101"), Mode.AWAY, at_ns=ns(90), by=PersonId("zhou-jie"))
    assert [line["mode"]["mode"] for line in exported(broker, willow, []) if "mode" in line] == ["away"]


def test_another_community_s_messages_are_not_in_it(broker: EmbeddedBroker, willow: Database) -> None:
    other = estate(community=ESTATE["community"] | {"id": "elsewhere"})
    with willow.write() as session:
        configuration.append_community(session, CommunityId("elsewhere"), ns(-3600), json.dumps(other))
    said = [
        heard(1, "w-1", "status", online=True, community="elsewhere"),
        heard(2, "w-1", "status", online=True),
        Record(ns(3), "own", "zigbee2mqtt/somebody's lamp", False, b"{}"),  # noqa: FBT003  a record's own order
    ]
    assert [line["topic"] for line in exported(broker, willow, said) if "topic" in line] == ["anju/willow/w-1/status"]


@pytest.mark.parametrize("payload", [b'{"a": 1.50}', b"\x00\xff", b'"on"', b"ON", b"", b'{"a":\n1}', b"[1, 2", b"[" * 5000])
def test_every_payload_comes_back_byte_by_byte(broker: EmbeddedBroker, willow: Database, tmp_path: Path, payload: bytes) -> None:
    lines = exported(broker, willow, [Record(ns(1), "own", "some/topic", False, payload)])  # noqa: FBT003  a record's own order
    file = tmp_path / "capture.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    found = [one for one in capture.read(file) if isinstance(one, capture.Arrival)]
    assert [(one.broken, json.loads(one.payload) if payload == b'{"a": 1.50}' else one.payload) for one in found] == [
        (None, {"a": 1.5} if payload == b'{"a": 1.50}' else payload)
    ]


def test_thinned_acceleration_is_whole_around_a_fall_and_a_packet_in_two_minutes_else(broker: EmbeddedBroker, willow: Database) -> None:
    records = [
        heard(second, device, "acceleration", rate_hz=1, unit="g", xyz=[[0, 0, 1]])
        for second in range(0, 600, 10)
        for device in ("w-1", "w-2")
    ]
    with willow.write() as session:
        add_event(
            session,
            Event(community_id=WILLOW, kind=EventKind.FALL, subject="zhou-fen", t_ns=ns(298), known_ns=ns(300), seq=1, device_id="w-1"),
        )
    lines = exported(broker, willow, records, thinned=True)
    assert {"at": at(0), "acceleration": "thinned"} in lines
    kept = {
        device: [line["at"] for line in lines if line.get("topic") == f"anju/willow/{device}/acceleration"] for device in ("w-1", "w-2")
    }
    assert len(kept["w-2"]) == 5  # 600 s touch so many stretches of 120 s
    assert [one for one in kept["w-1"] if one >= at(210)] == [at(second) for second in range(210, 600, 10)]


def test_thinned_acceleration_is_no_fault_of_the_devices(tmp_path: Path) -> None:
    beats = [
        {
            "at": at(second),
            "topic": "anju/willow/w-1/acceleration",
            "payload": {"t": at(second), "rate_hz": 50, "unit": "g", "xyz": [[0, 0, 1]] * 50},
        }
        for second in range(0, 7200, 120)
    ]
    assert picked(tell(tmp_path, [*beats, until(7200)]), "event", kind="implausible")
    assert not picked(tell(tmp_path, [{"at": at(0), "acceleration": "thinned"}, *beats, until(7200)]), "event", kind="implausible")


def test_before_there_was_a_community_there_is_nothing_to_export(willow: Database) -> None:
    with pytest.raises(StoreError, match="no community willow until"):
        Export(willow, Span(community_id=WILLOW, since_ns=0, until_ns=ns(-7200)))


@pytest.fixture
def installation(tmp_path: Path, opened: Callable[..., Database]) -> Iterator[tuple[Path, EmbeddedBroker]]:
    """Settings of an installation with its server, and the estate in its database."""
    server = embedded(tmp_path / "state" / "nats")
    config, community_file = tmp_path / "anju.toml", tmp_path / "willow.yaml"
    where = server.config
    config.write_text(
        f'state = "{tmp_path / "state"}"\nnats_port = {where.nats_port}\nmqtt_port = {where.mqtt_port}\nlog_gib = 0.03\n', encoding="utf-8"
    )
    community_file.write_text(json.dumps(ESTATE), encoding="utf-8")
    (tmp_path / "state").mkdir()
    database = opened(f"sqlite:///{tmp_path / 'state' / 'anju.db'}")
    database.upgrade()
    with database.write() as session:
        configuration.append_community(session, WILLOW, ns(-3600), json.dumps(ESTATE))
    server.start()
    yield config, server
    server.stop()


def test_the_commands_export_an_installation_s_days_and_rehearse_them(installation: tuple[Path, EmbeddedBroker], tmp_path: Path) -> None:
    config, server = installation

    ago_s = (time.time_ns() - T0_NS) // NS_PER_S - 3600  # an hour ago, in the story's seconds

    async def fill() -> None:
        log = await Log.open(server.nats_url, CORE, credentials_of(server.config.folder).core, Limits(max_bytes=30 << 20))
        for second, is_open in ((0, False), (60, True), (1200, False)):
            await log.append(0, [heard(ago_s + second, "window-1", "contact", open=is_open)])
        await log.close()

    asyncio.run(fill())
    written = tmp_path / "day.jsonl"
    done = anju("export-capture", written, "--since", at(ago_s - 60), "--until", at(ago_s + 1800), "--config", config)
    assert (done.returncode, done.stdout) == (0, f"{written} and {tmp_path / 'day.yaml'}\n"), done.stderr
    changed = estate()
    changed["devices"] = [one | {"open_min": 10} if one["id"] == "window-1" else one for one in changed["devices"]]
    (tmp_path / "changed.yaml").write_text(json.dumps(changed), encoding="utf-8")
    beside = anju("rehearse", written, "--community", tmp_path / "day.yaml", "--with", tmp_path / "changed.yaml", "--json")
    stored = anju("rehearse", "--days", 1, "--with", tmp_path / "changed.yaml", "--json", "--config", config)
    for printed in (beside, stored):
        found = [line for line in map(json.loads, printed.stdout.splitlines()) if line.get("kind") == "left_open"]
        assert [(line["type"], line.get("what")) for line in found] == [("incident", "gained"), ("sum", None)]
        assert found[0]["changed"]["at"] == at(ago_s + 660)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--community", "nowhere"), "--community: nowhere: was never imported, wanted willow"),
        (("--since", "yesterday"), "yesterday is no time"),
        (("--since", "2026-03-02T02:00:00Z", "--until", "2026-03-02T01:00:00Z"), "is not after --since"),
    ],
)
def test_a_wrong_span_is_exit_2_and_one_line(
    installation: tuple[Path, EmbeddedBroker], tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = anju("export-capture", tmp_path / "day.jsonl", "--config", installation[0], *arguments)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert words in done.stderr


def test_an_incident_is_exported_with_what_led_to_it_and_without_personal_data(
    installation: tuple[Path, EmbeddedBroker], opened: Callable[..., Database], tmp_path: Path
) -> None:
    config, server = installation
    ago_s = (time.time_ns() - T0_NS) // NS_PER_S - 3600

    async def fill() -> None:
        log = await Log.open(server.nats_url, CORE, credentials_of(server.config.folder).core, Limits(max_bytes=30 << 20))
        for second, device in ((0, "w-1"), (5, "w-2")):
            await log.append(0, [heard(ago_s + second, device, "button", pressed="sos")])
        await log.close()

    asyncio.run(fill())
    database, estates = opened(f"sqlite:///{tmp_path / 'state' / 'anju.db'}"), Estates()
    event = Event(
        community_id=WILLOW,
        kind=EventKind.SOS,
        subject="zhou-fen",
        t_ns=ns(ago_s),
        known_ns=ns(ago_s),
        seq=1,
        device_id=DeviceId("w-1"),
        resident_id=PersonId("zhou-fen"),
        home_id=HomeId("b1-101"),
    )
    with database.write() as session:
        add_event(session, event)
        book = DatabaseBook(session, WILLOW, ns(ago_s))
        outcome = take(event, book, estates.community(session, WILLOW).directory, ns(ago_s))
        book.put(outcome)
    written, incident_id = tmp_path / "case.jsonl", outcome.incidents[0].id
    done = anju("export-capture", written, "--incident", incident_id, "--anonymous", "--config", config)
    assert done.returncode == 0, done.stderr
    replayed = anju("replay", written, "--community", tmp_path / "case.yaml")
    found = [line for line in map(json.loads, replayed.stdout.splitlines()) if line["type"] == "incident"]
    assert next((line["kind"], line["at"], line["state"]) for line in found) == ("sos", at(ago_s), "open")
    both = written.read_text(encoding="utf-8") + (tmp_path / "case.yaml").read_text(encoding="utf-8")
    assert [word for word in ("zhou", "周", "willow", "b1-101", "+86139", "+86138") if word in both] == []
    plain = anju("export-capture", written, "--incident", incident_id, "--config", config)
    assert (plain.returncode, "wanted --anonymous with it" in plain.stderr) == (2, True)
    nothing = anju("export-capture", written, "--incident", "sos-nobody", "--anonymous", "--config", config)
    assert (nothing.returncode, nothing.stderr) == (2, "anju: --incident: sos-nobody: is no incident of willow\n")
