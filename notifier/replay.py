"""A capture through the whole core on a simulated clock: readings, facts, incidents, hand-overs to gateways.

Readings are taken in micro-batches. A micro-batch ends before anything that could matter in its middle: a timer that is due, an act, a
change of mode, a receipt; and after `SPAN_NS`, because a due time that a reading creates lies at least that far ahead. So the same
capture gives the same lines whatever the size of a batch.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from devices.decode import Decoder
from devices.model import NS_PER_S, Message, PersonId, Rejected, SensorKind
from incidents.book import Book
from incidents.desk import act, drill, silence, sweep, take
from incidents.directory import Channel
from incidents.model import Act, Drill, Incident, IncidentId, Outcome, Quiet, Refused
from notifier.delivery import Deliveries, NoSuchDelivery
from notifier.model import HandOver, Receipt, ReceiptStatus
from rules.faults.wear import Why
from rules.home import codes
from rules.home.keypad import duress
from rules.model import Event, Facts, ModeSet, Standing
from rules.pipeline import Rules
from store.capture import (
    AccelerationThinned,
    Acted,
    Arrival,
    CarrierChanged,
    CommunityChanged,
    DrillWanted,
    Line,
    ModeChanged,
    Received,
    SilenceWanted,
    iso,
)
from store.judge import SPAN_NS
from store.model import Community

Output = dict[str, Any]


class _Rank(IntEnum):
    """Order of the types of lines at one `at`."""

    rejected = 0
    event = 1
    incident = 2
    notification = 3


@dataclass
class _Written:
    """Lines made but not yet final: others may still come at the same time, or before."""

    lines: list[tuple[int, Output]] = field(default_factory=list)

    def add(self, at_ns: int, type_: str, **fields: Any) -> None:  # noqa: ANN401  a line of JSON has any value
        self.lines.append((at_ns, {"at": iso(at_ns), "type": type_, **fields}))

    def before(self, at_ns: int | None) -> Iterator[Output]:
        """Lines made before a time (all of them if None), in the contract's order; they are final and leave."""
        final = [line for line in self.lines if at_ns is None or line[0] < at_ns]
        self.lines = [line for line in self.lines if at_ns is not None and line[0] >= at_ns]
        final.sort(key=_order)
        yield from (output for _, output in final)


class Replay:
    """One community's core, fed with the lines of a capture.

    Parameters
    ----------
    community
        Who lives there, which devices, who is told.
    rules
        Makes the rules over premises.
    """

    def __init__(self, community: Community, rules: Rules) -> None:
        premises = community.premises()
        self._community = community
        self._directory = community.directory
        self._homes = premises.homes
        self._modes = premises.modes
        self._rules = rules
        self._pipeline = rules(premises)
        self._decoder = Decoder(premises.registry)
        self._book = Book(lambda home, at_ns: self._modes.at(community.id, home, at_ns))
        self._deliveries = Deliveries(community.directory)
        self._pending: list[Message] = []
        self._newest: deque[Arrival] = deque()
        self._window_ns = round(self._pipeline.window_s() * NS_PER_S)
        self._is_thinned = False
        self._since_ns = 0
        self._known: set[tuple[str, str, str, int]] = set()
        self._printed: dict[IncidentId, tuple[str, str]] = {}
        self._out = _Written()
        self._seq = 0

    def run(self, lines: Iterable[Line], batch: int) -> Iterator[Output]:
        """Output lines of a capture, in order; micro-batches of at most `batch` messages."""
        at_ns = None
        for line in lines:
            if at_ns is None:
                self._pipeline.begin(line.at_ns)
            at_ns = line.at_ns
            if self._must_flush(line, batch):
                self._flush()
                self._advance(at_ns - isinstance(line, CommunityChanged))  # what is due as it changes is judged by the new one
                yield from self._out.before(at_ns)
            self._apply(line)
        self._flush()
        if at_ns is not None:
            self._advance(at_ns)
        yield from self._out.before(None)

    def _must_flush(self, line: Line, batch: int) -> bool:
        if not isinstance(line, Arrival) or len(self._pending) >= batch:
            return True
        if self._pending and line.at_ns - self._pending[0].received_ns >= SPAN_NS:
            return True
        due = self._next_due()
        return due is not None and due <= line.at_ns

    def _apply(self, line: Line) -> None:
        match line:
            case Arrival():
                self._arrive(line)
            case Acted():
                self._act(line)
            case ModeChanged():
                self._change_mode(line)
            case Received():
                self._receive(line)
            case SilenceWanted():
                self._silence(line)
            case DrillWanted():
                self._drill(line)
            case CommunityChanged():
                self._configure(line)
            case AccelerationThinned():
                self._is_thinned = True
            case CarrierChanged():
                self._deliveries.carrier(delivers=line.delivers)
            case _:
                pass

    def _arrive(self, line: Arrival) -> None:
        self._seq += 1
        self._newest.append(line)
        while self._newest[0].at_ns < line.at_ns - self._window_ns:
            self._newest.popleft()
        if line.broken is not None:
            self._reject(line.at_ns, line.topic, line.broken)
            return
        routed = self._decoder.route(line.topic, line.payload, received_ns=line.at_ns, seq=self._seq, retained=line.retained)
        if isinstance(routed, Rejected):
            self._reject(line.at_ns, routed.topic, routed.reason)
            return
        is_keypad = any(one.kind is SensorKind.KEYPAD for one in routed)
        if is_keypad:  # what comes before and after it is judged by different modes
            self._flush()
        self._pending += routed
        if is_keypad:
            self._flush()

    def _configure(self, line: CommunityChanged) -> None:
        """Go on under another configuration as the worker does: decision state is taken over, signal windows are filled anew."""
        self._since_ns = line.at_ns  # what would have been due before under this configuration is known only now
        state, modes = self._pipeline.snapshot(), self._modes
        premises = line.community.premises()
        self._community, self._directory = line.community, line.community.directory
        self._homes, self._modes = premises.homes, premises.modes
        self._pipeline, self._decoder = self._rules(premises), Decoder(premises.registry)
        self._pipeline.begin(line.at_ns, {str(line.community.id): line.at_ns})
        for community_id, home_id in dict.fromkeys(modes.log):
            for at_ns, mode in modes.changes(community_id, home_id):
                self._modes.change(community_id, home_id, mode, at_ns)
        for number, arrival in enumerate(self._newest, start=self._seq - len(self._newest) + 1):
            routed = self._decoder.route(arrival.topic, arrival.payload, received_ns=arrival.at_ns, seq=number, retained=arrival.retained)
            if not isinstance(routed, Rejected):
                self._pipeline.update(self._decoder.decode(routed)[0])
        self._pipeline.restore(state)
        self._deliveries.configure(self._directory)

    def _act(self, line: Acted) -> None:
        said = Act(by=PersonId(line.by), do=line.do, subject=line.subject, eta_min=line.eta_min, story=line.story)
        outcome = act(said, self._book, self._directory, line.at_ns)
        if isinstance(outcome, Refused):
            self._reject(line.at_ns, "act", outcome.reason)
        else:
            self._settle(outcome, line.at_ns)

    def _change_mode(self, line: ModeChanged) -> None:
        """Put a home into a mode, if who types a code for it has that code; the one under duress calls for help."""
        place = self._homes.get((self._community.id, line.home))
        if place is None:
            self._reject(line.at_ns, "mode", f"home {line.home} is unknown")
            return
        if line.by is not None and PersonId(line.by) not in self._directory.people:
            self._reject(line.at_ns, "mode", f"{line.by} is nobody this community knows")
            return
        asked = {person: kept for person, kept in place.codes.items() if line.by in {None, person}}
        typed = None if line.code is None else codes.whose(line.code, asked)
        if line.code is not None and typed is None:
            self._reject(line.at_ns, "mode", f"the code is none for {line.home}")
            return
        self._modes.change(self._community.id, place.id, line.mode, line.at_ns)
        forced = typed[0] if typed is not None and typed[1] else PersonId(line.by) if line.by is not None and line.duress else None
        if forced is not None:
            self._take([duress(self._community.id, place.id, place.occupants, forced, t_ns=line.at_ns, known_ns=line.at_ns)])

    def _silence(self, line: SilenceWanted) -> None:
        until_ns = line.at_ns + round(line.minutes * 60 * NS_PER_S)
        quiet = Quiet(by=PersonId(line.by), subject=line.subject, reason=line.reason, until_ns=until_ns, life=line.life, away=line.away)
        outcome = silence(quiet, self._book, self._directory, line.at_ns)
        if isinstance(outcome, Refused):
            self._reject(line.at_ns, "silence", outcome.reason)
        else:
            self._settle(outcome, line.at_ns)

    def _drill(self, line: DrillWanted) -> None:
        outcome = drill(Drill(by=PersonId(line.by), resident=PersonId(line.resident)), self._book, self._directory, line.at_ns)
        if isinstance(outcome, Refused):
            self._reject(line.at_ns, "drill", outcome.reason)
        else:
            self._settle(outcome, line.at_ns)

    def _receive(self, line: Received) -> None:
        receipt = Receipt(
            to=PersonId(line.to),
            channel=Channel(line.channel),
            status=ReceiptStatus(line.status),
            code=line.code,
            subject=line.subject,
            story=line.story,
        )
        answer = self._deliveries.receipt(receipt, line.at_ns)
        if isinstance(answer, NoSuchDelivery):
            self._reject(line.at_ns, "receipt", f"nothing was handed over to {line.to} by {line.channel}")
        else:
            self._hand_over(answer)

    def _flush(self) -> None:
        """Decode and judge what has arrived."""
        if not self._pending:
            return
        batches, rejected = self._decoder.decode(self._pending)
        self._pending = []
        for message in rejected:
            self._reject(message.received_ns, message.topic, message.reason)
        self._take(self._pipeline.update(batches))

    def _next_due(self) -> int | None:
        dues = (self._pipeline.next_due(), self._book.next_due(), self._deliveries.next_due())
        return min((due for due in dues if due is not None), default=None)

    def _advance(self, to_ns: int) -> None:
        """Fire every timer due at or before a time, at its own time: rules before incidents before deliveries."""
        while (due := self._next_due()) is not None and due <= to_ns:
            if self._pipeline.next_due() == due:
                self._take(self._pipeline.tick(due))
            elif self._book.next_due() == due:
                self._settle(sweep(self._book, self._directory, due), due)
            else:
                self._hand_over(self._deliveries.sweep(due))

    def _take(self, facts: Facts) -> None:
        for fact in facts:
            if isinstance(fact, ModeSet | Standing):
                continue  # the rules know of them already; there is nobody here to show them to
            if isinstance(fact, Event):
                if fact.identity in self._known or (self._is_thinned and fact.evidence.get("why") == Why.SPARSE):
                    continue
                self._known.add(fact.identity)
                self._write_event(fact, max(fact.known_ns, self._since_ns))
            known_ns = max(fact.known_ns, self._since_ns)
            self._settle(take(fact, self._book, self._directory, known_ns), known_ns)

    def _settle(self, outcome: Outcome, now_ns: int) -> None:
        """Keep what came of something, and hand over what is to be said."""
        self._book.put(outcome)
        for incident in outcome.incidents:
            self._write_incident(incident, now_ns)
            self._deliveries.stop(incident)
        self._hand_over(self._deliveries.take(outcome.duties, now_ns))

    def _hand_over(self, hand_overs: Iterable[HandOver]) -> None:
        for one in hand_overs:
            self._out.add(
                one.at_ns, "notification", incident=one.incident_id, to=one.to, channel=one.channel, purpose=one.purpose, text=one.text
            )

    def _reject(self, at_ns: int, topic: str, reason: str) -> None:
        self._out.add(at_ns, "rejected", topic=topic, reason=reason)

    def _write_event(self, event: Event, at_ns: int) -> None:
        self._out.add(
            at_ns,
            "event",
            kind=event.kind,
            t=iso(event.t_ns),
            subject=event.subject,
            device=event.device_id,
            resident=event.resident_id,
            home=event.home_id,
            score=round(event.score, 2),
            evidence={key: _significant(value) for key, value in event.evidence.items()},
        )

    def _write_incident(self, incident: Incident, now_ns: int) -> None:
        standing = (incident.state, incident.severity)
        if self._printed.get(incident.id) == standing:
            return
        self._printed[incident.id] = standing
        marks = {"late": incident.late, "unanswered": incident.unanswered, "repeat_of": incident.repeat_of, "rule": incident.rule}
        self._out.add(
            now_ns,
            "incident",
            id=incident.id,
            kind=incident.kind,
            subject=incident.subject,
            home=incident.home_id,
            state=incident.state,
            severity=incident.severity,
            **{name: mark for name, mark in marks.items() if mark},
        )


def _significant(value: object) -> object:
    """A number with 4 significant digits; anything else as it is."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _order(line: tuple[int, Output]) -> tuple[int | str, ...]:
    at_ns, output = line
    fields = ("t", "subject", "kind", "incident", "to", "channel")
    return (
        at_ns,
        _Rank[output["type"]],
        *(str(output.get(name) or output.get("id", "") if name == "incident" else output.get(name) or "") for name in fields),
    )
