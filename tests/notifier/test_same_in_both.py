"""The same story in memory (`notifier.replay`) and through the worker, the database and the dispatcher: the same people hear the same."""

import asyncio
import importlib.util
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import pytest
from fakes.brokers import embedded
from sqlmodel import select
from stories import START, armed, did, estate, said, tell, until

from app import pipeline  # noqa: TID251  the rules are those that the composition root composes
from devices.broker import CORE, EmbeddedBroker, credentials_of
from devices.entry import PARTITIONS, Record
from devices.log import STREAM, Limits, Log
from devices.model import NS_PER_S, CommunityId, HomeId, PersonId
from incidents.directory import Channel
from incidents.model import Act, Drill, IncidentState, Outcome, Quiet, Refused
from incidents.timeline import EntryKind
from notifier.dispatch import Dispatcher
from notifier.gateways.model import EVERYBODY, Answer, Capabilities, InDoubt, Outgoing, Status
from rules.home import codes
from store import acts, capture, configuration, ledger, outbox, positions, timelines
from store.capture import Acted, Arrival, DrillWanted, Line, ModeChanged, SilenceWanted
from store.estates import Estates
from store.exporting import Export, Span
from store.judge import Judge, Judged
from store.outbox import DeliveryOutcome
from store.session import Database
from store.tables import EntryRow, IncidentRow
from store.worker import Worker

_spec = importlib.util.spec_from_file_location("databases_of_the_store", Path(__file__).parents[1] / "store" / "conftest.py")
assert _spec is not None
assert _spec.loader is not None
_databases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_databases)
postgresql, sqlite_file, backend, url, opened, database = (
    getattr(_databases, name) for name in ("postgresql", "sqlite_file", "backend", "url", "opened", "database")
)

WILLOW = CommunityId("willow")
START_NS = round(START.timestamp()) * NS_PER_S
HOUR = 3600
Told = tuple[float, str, str, str, str]
"""Second, person, channel, purpose, text."""


@dataclass
class Phones:
    """A gateway for everything, which delivers at once."""

    now: list[int]
    name: str = "phones"
    channels: frozenset[Channel] = frozenset(Channel)
    settles_ns: int = 0
    outcomes: dict[str, DeliveryOutcome] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    away: frozenset[Channel] = frozenset()

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(channels=self.channels, reply=EVERYBODY, keys=EVERYBODY, in_doubt=InDoubt.LOOK_UP, receipts=True)

    def send(self, outgoing: Outgoing, now_ns: int) -> Answer:  # noqa: ARG002  as a gateway is called
        purpose = outgoing.notification_id.split(":")[1]
        self.told.append(((self.now[0] - START_NS) / NS_PER_S, outgoing.person.id, outgoing.channel, purpose, outgoing.text))
        return Answer(outcome=DeliveryOutcome.RETRY if outgoing.channel in self.away else DeliveryOutcome.DELIVERED)

    def look_up(self, outgoing: Outgoing) -> tuple[Answer, ...]:  # noqa: ARG002
        return ()

    def status(self, provider_id: str) -> Status:
        return Status(word="", code=provider_id)


class Served:
    """A community served by what serves it in a real house, but for the log: records come from a capture, one at a time."""

    def __init__(self, database: Database, given: dict[str, Any]) -> None:
        self.now = [START_NS]
        self.database = database
        self.phones = Phones(self.now)
        with database.write() as session:
            configuration.append_community(session, WILLOW, 0, json.dumps(given))
        self._dispatcher = Dispatcher(database, [self.phones], worker="only", clock=lambda: self.now[0])
        self._number = 0
        self._begin()

    def run(self, lines: Sequence[Line]) -> list[Told]:
        for line in lines:
            self._pass(line.at_ns)
            self._apply(line)
            self._sweep()
        self._dispatcher.close()
        return sorted(self.phones.told)

    def _begin(self) -> None:
        self._worker = Worker(self.database, cast("Log", None), pipeline, clock=lambda: self.now[0])
        with self.database.write() as session:
            self._worker._positions = positions.positions(session, "one", range(PARTITIONS))
        self._worker._created = "one"
        self._judge: Judge = self._worker._judge_at(self.now[0], self.now[0])

    def _pass(self, to_ns: int) -> None:
        """Everything that is due by then, each at its time: rules before incidents before deliveries."""
        while True:
            with self.database.read() as session:
                dues = [self._judge.pipeline.next_due(), ledger.next_due(session), outbox.next_due(session)]
            due_ns = min((one for one in dues if one is not None), default=None)
            if due_ns is None or due_ns > to_ns:
                break
            self.now[0] = max(self.now[0], due_ns)
            self._worker._load_modes(self._judge)
            self._keep(Judged(facts=self._judge.tick(self.now[0])))
            self._sweep()
        self.now[0] = to_ns

    def _apply(self, line: Line) -> None:
        self._worker._load_modes(self._judge)
        estates, at_ns = Estates(), line.at_ns
        match line:
            case Arrival():
                self._number += 1
                record = Record(at_ns, "embedded", line.topic, line.retained, line.payload)
                self._keep(self._judge.take([(self._number, record)]))
            case Acted():
                act = Act(by=PersonId(line.by), do=line.do, subject=line.subject, eta_min=line.eta_min)
                assert isinstance(acts.act_on(self.database, estates, WILLOW, act, at_ns), Outcome)
            case SilenceWanted():
                until_ns = at_ns + round(line.minutes * 60 * NS_PER_S)
                quiet = Quiet(by=PersonId(line.by), subject=line.subject, reason=line.reason, until_ns=until_ns, life=line.life)
                assert isinstance(acts.silence(self.database, estates, WILLOW, quiet, at_ns), Outcome)
            case DrillWanted():
                wanted = Drill(by=PersonId(line.by), resident=PersonId(line.resident))
                assert isinstance(acts.drill(self.database, estates, WILLOW, wanted, at_ns), Outcome)
            case ModeChanged():
                by, home = PersonId(line.by or "day-guard"), HomeId(line.home)
                done = acts.set_mode(self.database, estates, WILLOW, home, line.mode, by=by, now_ns=at_ns, code=line.code)
                assert not isinstance(done, Refused)
            case _:
                pass

    def _keep(self, judged: Judged) -> None:
        if judged.facts or judged.rejected:
            self._worker._positions = self._worker._write(judged, self._number, None)

    def _sweep(self) -> None:
        with self.database.read() as session:
            dues = [ledger.next_due(session), outbox.next_due(session)]
        if any(due_ns is not None and due_ns <= self.now[0] for due_ns in dues):
            self._dispatcher.sweep(self.now[0])
            self._dispatcher.settle()


def silenced(seconds: float, by: str, subject: str, minutes: float, **more: Any) -> dict[str, Any]:
    """Line of somebody who asks for silence."""
    return {**until(seconds), "silence": {"by": by, "subject": subject, "reason": "换锁", "minutes": minutes, **more}}


def drilled(seconds: float) -> dict[str, Any]:
    """Line of a drill that the office begins."""
    return {**until(seconds), "drill": {"by": "office", "resident": "zhou-fen"}}


def house(**policy: Any) -> dict[str, Any]:
    """The estate with a keypad, a watch that asks, and every way to tell somebody."""
    given = estate()
    given["devices"].append({"id": "k-1", "kind": "keypad", "home": "b1-101"})
    given["devices"][1]["asks"] = True
    given["people"][0] |= {"code": codes.digest("2580", bytes(16)), "duress_code": codes.digest("8520", bytes(16))}
    given["people"].append({"id": "zhou-min", "name": "周敏", "roles": ["relative"], "of": ["zhou-fen"], "phone": "+8613900000009"})
    given["people"].append({"id": "office", "name": "居委会", "roles": ["administrator"], "phone": "+8613900000008"})
    distress = {
        "id": "distress",
        "kinds": ["fall", "long_lie", "sos", "duress"],
        "cancel_window_s": 30,
        "steps": [
            {"after_s": 0, "tell": ["relatives", "roster:gate"], "by": ["sms"], "in_turn_s": 40},
            {"after_s": 60, "tell": ["hospital"], "by": ["sms", "voice"], "when": {"from": "22:00", "to": "06:00"}},
            {"after_s": 90, "tell": ["day-guard"], "by": ["voice"]},
        ],
        "repeat": {"every_s": 120, "times": 2},
    }
    perimeter = {
        "id": "perimeter",
        "kinds": ["approach", "cross", "intrusion", "left_open"],
        "steps": [
            {"after_s": 0, "tell": ["relatives"], "by": ["sms"]},
            {"after_s": 60, "tell": ["night-guard"], "by": ["voice"], "when": {"modes": ["night"]}},
            {"after_s": 90, "tell": ["roster:gate"], "by": ["voice"], "when": {"modes": ["away"]}},
        ],
    }
    faults = {"id": "faults", "kinds": ["offline", "tamper"], "steps": [{"after_s": 0, "tell": ["roster:gate"], "by": ["sms"]}]}
    given["policies"] = [distress | policy, perimeter, faults]
    return given


def presses(seconds: float, device: str = "w-1", pressed: str = "sos") -> dict[str, Any]:
    return said(seconds, device, "button", pressed=pressed)


def falls(seconds: float = 0.0, lies_s: float = 20.0) -> list[dict[str, Any]]:
    """Xu Bo stands, falls and lies still: packets of a second from the watch at his waist."""
    phases = [((0.0, 0.0, 1.0), 6.0), ((0.1, 0.1, 0.2), 0.5), ((2.5, 1.5, 2.5), 0.1), ((1.0, 0.05, 0.1), 5.4 + lies_s)]
    samples = np.concatenate([np.tile(direction_g, (round(lasts_s * 50), 1)) for direction_g, lasts_s in phases])
    samples = np.round(samples + np.random.default_rng(3).normal(0, 0.01, samples.shape), 3)
    packets = range(len(samples) // 50)
    return [
        said(seconds + n, "w-2", "acceleration", rate_hz=50, unit="g", xyz=samples[n * 50 : n * 50 + 50].tolist()) | until(seconds + n + 1)
        for n in packets
    ]


STORIES: dict[str, list[dict[str, Any]]] = {
    "nobody answers an SOS": [presses(0), until(HOUR)],
    "they come in turn, one takes it on and does not come": [
        presses(0),
        did(50, "zhou-min", "acknowledge", "zhou-fen", eta_min=2),
        until(400),
        did(420, "day-guard", "on_scene", "zhou-fen"),
        presses(430, pressed="cancel"),
        did(900, "day-guard", "resolve", "zhou-fen"),
        until(HOUR),
    ],
    "he falls, is asked, and says nothing": [*falls(), until(HOUR)],
    "he falls, is asked, and is all right": [*falls(), presses(32, "w-2", "cancel"), until(HOUR)],
    "he falls, and she has it before anybody is told": [
        *falls(),
        did(32, "emma-xu", "acknowledge", "xu-bo", eta_min=5),
        until(600),
        presses(700, "w-2", "cancel"),
        did(900, "emma-xu", "false_alarm", "xu-bo"),
        until(HOUR),
    ],
    "he falls while life safety is silenced": [
        silenced(0, "emma-xu", "b1-102", 20, life=True),
        *falls(),
        presses(300, "w-2"),
        did(400, "day-guard", "acknowledge", "xu-bo", eta_min=5),
        until(2 * HOUR),
    ],
    "SOS twice": [presses(0), presses(35), did(60, "zhou-jie", "acknowledge", "zhou-fen"), presses(300), until(HOUR)],
    "life safety is silenced, SOS meanwhile, ended early": [
        silenced(0, "zhou-jie", "zhou-fen", 60, life=True),
        presses(60),
        until(900),
        presses(1000, "w-2"),
        did(1100, "emma-xu", "resolve", "xu-bo"),
        until(2 * HOUR),
    ],
    "the lock is changed while the home is armed": [
        said(0, "door-1", "contact", open=False),
        armed(10, "b1-101", "away"),
        silenced(20, "day-guard", "b1-101", 30),
        said(60, "door-1", "contact", open=True),
        said(70, "door-1", "contact", open=False),
        said(900, "window-1", "contact", open=True),
        until(HOUR),
        did(HOUR + 10, "day-guard", "resolve", "b1-101"),
        until(2 * HOUR),
    ],
    "one door is silenced and a window opens": [
        said(0, "door-1", "contact", open=False),
        said(0, "window-1", "contact", open=False),
        armed(10, "b1-101", "away"),
        silenced(20, "day-guard", "door-1", 30),
        said(60, "door-1", "contact", open=True),
        said(300, "window-1", "contact", open=True),
        did(320, "zhou-jie", "acknowledge", "b1-101", eta_min=5),
        until(2 * HOUR),
    ],
    "armed by night": [
        said(0, "door-1", "contact", open=False),
        armed(10, "b1-101", "night"),
        said(60, "door-1", "contact", open=True),
        until(HOUR),
    ],
    "a silence of the whole community is ended with an alarm held": [
        said(0, "door-1", "contact", open=False),
        armed(10, "b1-101", "away"),
        silenced(20, "office", "willow", 120),
        said(60, "door-1", "contact", open=True),
        did(600, "office", "resolve", "willow"),
        until(2 * HOUR),
    ],
    "a keypad under duress": [
        said(0, "door-1", "contact", open=False),
        said(5, "k-1", "keypad", mode="away", code="2580"),
        said(60, "door-1", "contact", open=True),
        said(65, "k-1", "keypad", mode="disarmed", code="8520"),
        until(600),
        did(700, "day-guard", "on_scene", "zhou-fen"),
        did(800, "day-guard", "resolve", "zhou-fen"),
        until(HOUR),
    ],
    "a code under duress on the page": [
        armed(0, "b1-101", "away"),
        {**until(20), "mode": {"home": "b1-101", "mode": "disarmed", "by": "zhou-fen", "code": "8520"}},
        until(HOUR),
    ],
    "a drill that nobody answers": [drilled(0), until(HOUR)],
    "a drill that somebody takes on, and an SOS meanwhile": [
        drilled(0),
        did(50, "zhou-min", "acknowledge", "zhou-fen", eta_min=2),
        presses(400, "w-2"),
        did(700, "emma-xu", "resolve", "xu-bo"),
        until(HOUR),
    ],
    "a code is guessed": [
        *(said(5 + n, "k-1", "keypad", mode="disarmed", code="1111") for n in range(8)),
        silenced(300, "office", "k-1", 10),
        until(HOUR),
    ],
}


@pytest.mark.parametrize("story", STORIES)
def test_a_story_is_told_to_the_same_people_at_the_same_times(database: Database, tmp_path: Path, *, story: str) -> None:
    given, lines = house(), STORIES[story]
    in_memory, at_once = (
        sorted(
            (round((_seconds(one["at"])), 3), one["to"], one["channel"], one["purpose"], one["text"])
            for one in tell(tmp_path, lines, given, batch)
            if one["type"] == "notification"
        )
        for batch in (1, 256)
    )
    assert at_once == in_memory
    served = Served(database, given)
    in_database = served.run(list(capture.read(tmp_path / "capture.jsonl")))
    assert [(round(at_s, 3), *rest) for at_s, *rest in in_database] == in_memory
    assert in_memory
    _every_move_is_in_the_timeline(database, in_database)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    server = embedded(tmp_path_factory.mktemp("nats"))
    server.start()
    yield server
    server.stop()


def exported(broker: EmbeddedBroker, database: Database, arrived: Sequence[Line], span: Span, **how: Any) -> list[dict[str, Any]]:
    """A served community as a capture: what arrived put into the real log, which is empty again afterwards."""

    async def run() -> list[dict[str, Any]]:
        log = await Log.open(broker.nats_url, CORE, credentials_of(broker.config.folder).core, Limits(max_bytes=32 << 20))
        try:
            for number, one in enumerate(arrived):
                assert isinstance(one, Arrival)
                await log.append(number % PARTITIONS, [Record(one.at_ns, "embedded", one.topic, one.retained, one.payload)])
            return [json.loads(msgspec.json.encode(line)) async for line in Export(database, span, **how).lines(log)]
        finally:
            await log._client.jetstream().purge_stream(STREAM)
            await log.close()

    return asyncio.run(run())


@pytest.mark.parametrize(
    "story",
    [
        "they come in turn, one takes it on and does not come",
        "he falls, and she has it before anybody is told",
        "he falls while life safety is silenced",
        "the lock is changed while the home is armed",
        "a code under duress on the page",
        "a drill that somebody takes on, and an SOS meanwhile",
    ],
)
def test_what_was_served_is_exported_and_replayed_told_to_the_same_people(
    database: Database, broker: EmbeddedBroker, tmp_path: Path, *, story: str
) -> None:
    given, lines = house(), STORIES[story]
    tell(tmp_path, lines, given)
    happened = list(capture.read(tmp_path / "capture.jsonl"))
    served = Served(database, given).run(happened)
    span = Span(community_id=WILLOW, since_ns=START_NS, until_ns=happened[-1].at_ns)
    again = exported(broker, database, [one for one in happened if isinstance(one, Arrival)], span)
    replayed = [
        (round(_seconds(one["at"]), 3), one["to"], one["channel"], one["purpose"], one["text"])
        for one in tell(tmp_path, again, given)
        if one["type"] == "notification"
    ]
    assert sorted(replayed) == [(round(at_s, 3), *rest) for at_s, *rest in served]


def test_nobody_is_asked_any_more_when_the_others_are_told_already(database: Database, tmp_path: Path) -> None:
    tell(tmp_path, [*falls(), until(600)], house())
    served = Served(database, house())
    served.phones.away = frozenset({Channel.DEVICE})
    told = served.run(list(capture.read(tmp_path / "capture.jsonl")))
    asked = [at_s for at_s, _, _, purpose, _ in told if purpose == "ask"]
    assert len(asked) > 1
    assert max(asked) < min(at_s for at_s, _, _, purpose, _ in told if purpose == "tell")


def _every_move_is_in_the_timeline(database: Database, told: Sequence[Told]) -> None:
    """States follow each other from the first to the one that the incident has; whoever was told stands there, once for each time."""
    entries = 0
    with database.read() as session:
        for row in session.exec(select(IncidentRow)):
            book = ledger.DatabaseBook(session, WILLOW, 0)
            incident = book[cast("Any", row.id)]
            written = [entry for _, entry in timelines.read(session, WILLOW, incident.id)]
            states = [entry.detail for entry in written if entry.kind is EntryKind.STATE]
            assert [one.get("before") for one in states] == [None, *(one["state"] for one in states[:-1])]
            assert states[-1]["state"] == row.state
            assert sum(entry.kind is EntryKind.EVENT for entry in written) == len(incident.events)
            assert sum(entry.kind is EntryKind.SKIPPED for entry in written) == len(incident.skipped)
            assert sum(entry.kind is EntryKind.UNANSWERED for entry in written) == incident.unanswered
            assert [entry for entry in written if entry.kind is EntryKind.ACT and incident.state is IncidentState.OPEN] == []
            entries += sum(entry.kind is EntryKind.TOLD for entry in written)
        assert session.exec(select(EntryRow)).first() is not None
    assert entries >= len(told)


def _seconds(at: str) -> float:
    return (_datetime(at) - START).total_seconds()


def _datetime(at: str) -> Any:
    return type(START).fromisoformat(at)
