"""What happened, as a capture: the log's messages, and what the database knows of people, gateways and the configuration meanwhile.

Nothing is written to either. A replay of it begins with nothing learnt, as a new installation does; what it has to know of the time before
is put at its beginning: the configuration, each home's mode, and the last state of each sensor, as a broker repeats one.
"""

import base64
import heapq
import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

import msgspec
from pydantic import TypeAdapter
from sqlmodel import Session, col, select

from devices.decode import Decoder
from devices.entry import Record
from devices.log import Log
from devices.model import NS_PER_MS, NS_PER_S, CommunityId, DeviceId, HomeId, Rejected, SensorKind
from devices.topics import ROOT, parse
from incidents.model import Incident, Story
from incidents.silence import is_away
from incidents.timeline import EntryKind
from rules.kinds import EventKind, Mode
from rules.premises import SCHEDULE
from store import community, configuration
from store.capture import iso
from store.model import InputError, StoreError
from store.outbox import DeliveryOutcome
from store.session import Database
from store.tables import CommunityVersionRow, DeliveryRow, EntryRow, EventRow, IncidentRow, ModeChangeRow, NotificationRow

STATES = frozenset({SensorKind.CONTACT, SensorKind.MOTION, SensorKind.STATUS, SensorKind.METER})
"""Kinds whose last reading still says how things are."""
BEFORE_NS = 25 * 3600 * NS_PER_S
"""So far back a last state is looked for: a contact that is well speaks that often."""
SORTED_NS = 60 * NS_PER_S
"""So late an entry may stand in the log behind what arrived after it. What is later still is written at the time of the line before it."""
FALL_BEFORE_NS, FALL_AFTER_NS = 90 * NS_PER_S, 3720 * NS_PER_S
"""What is kept of acceleration around a fall that was found: the signal windows before it, and as long as a recovery is looked for."""
BEAT_NS = 120 * NS_PER_S
"""And the first packet of a device in each such time: signs of life, and often enough for nobody to be offline by it."""

Line = dict[str, Any]
_BEFORE, _MESSAGE, _AFTER = range(3)
"""At one time: how things are, then what arrives, then what people and gateways say to it."""
_Heard = tuple[tuple[SensorKind, DeviceId], ...]
"""What a message says something new of; empty where that is nothing."""
_INCIDENT = TypeAdapter(Incident)
_STATUS = {DeliveryOutcome.DELIVERED: "delivered", DeliveryOutcome.REJECTED: "failed", DeliveryOutcome.UNKNOWN: "failed"}
"""What a gateway said in the end, in a capture's words. What may have got through counts as failed there as it did here: the next channel
was tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Whose time, from when until when, both included, in ns."""

    community_id: CommunityId
    since_ns: int
    until_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Version:
    """A community's file from a time on."""

    at_ns: int
    document: str


LEAD_NS, TRAIL_NS = 2 * 3600 * NS_PER_S, 60 * NS_PER_S
"""What is exported before and after an incident: what led to it, and what was still on its way."""


def around(database: Database, community_id: CommunityId, incident_id: str, now_ns: int) -> tuple[Span, str]:
    """The time of an incident and around it, and its home; "" where it is of none.

    Raises
    ------
    InputError
        There is no such incident.
    """
    with database.read() as session:
        row = session.get(IncidentRow, (community_id, incident_id))
    if row is None:
        raise InputError("--incident", incident_id, f"is no incident of {community_id}")
    until_ns = now_ns if row.ended_ns is None else min(now_ns, row.ended_ns + TRAIL_NS)
    span = Span(community_id=community_id, since_ns=row.opened_ns - LEAD_NS, until_ns=until_ns)
    return span, _INCIDENT.validate_json(row.body).home_id or ""


class Export:
    """What is known of a span, to be merged with the log.

    Parameters
    ----------
    database
        Of the installation.
    span
        Its beginning is moved to the community's first file, where it lies before that.
    thinned
        Leave out acceleration but what lies around falls that were found, and a packet every two minutes.

    Raises
    ------
    StoreError
        There was no such community in that time.

    Attributes
    ----------
    document : str
        The community's file as it was at the beginning.
    """

    def __init__(self, database: Database, span: Span, *, thinned: bool = False) -> None:
        with database.read() as session:
            self._versions = _versions(session, span)
            if not self._versions:
                raise StoreError(f"there was no community {span.community_id} until {iso(span.until_ns)}")
            since_ns = max(span.since_ns, self._versions[0].at_ns)
            self.span = Span(community_id=span.community_id, since_ns=since_ns, until_ns=span.until_ns)
            self.document = self._versions[0].document
            self._thinning = _Thinning(_falls(session, self.span)) if thinned else None
            before = [*_configured(self._versions), *_modes(session, self.span)]
            after = [
                *_acts(session, self.span),
                *_silences(session, self.span),
                *_drills(session, self.span),
                *_receipts(session, self.span),
            ]
            # Who answered had been told: also where that was in the same millisecond, beyond which a capture does not tell times apart.
            words = [*((at_ns, _BEFORE, line) for at_ns, line in before), *((_full_ms(at_ns), _AFTER, line) for at_ns, line in after)]
            self._words = sorted(words, key=lambda one: one[:2])
            self._is_only = len(configuration.communities(session)) == 1

    async def lines(self, log: Log) -> AsyncIterator[Line]:
        """Every line of the capture, in time order.

        Raises
        ------
        LogError
            The log cannot be read.
        """
        yield {"at": iso(self.span.since_ns), "carrier": "silent"}
        if self._thinning is not None:
            yield {"at": iso(self.span.since_ns), "acceleration": "thinned"}
        written_ns = self.span.since_ns
        words = iter(self._words)
        word = next(words, None)
        async for record, heard in self._records(log):
            if self._thinning is not None and not self._thinning.keeps(heard, record.received_ns):
                continue
            while word is not None and word[:2] < (record.received_ns, _MESSAGE):
                written_ns = max(written_ns, word[0])
                yield word[2] | {"at": iso(written_ns)}
                word = next(words, None)
            written_ns = max(written_ns, record.received_ns)
            yield said(record, written_ns)
        while word is not None:
            written_ns = max(written_ns, word[0])
            yield word[2] | {"at": iso(written_ns)}
            word = next(words, None)
        yield {"at": iso(max(written_ns, self.span.until_ns))}

    async def _records(self, log: Log) -> AsyncIterator[tuple[Record, _Heard]]:
        """What arrived of this community: the last states before the span, as retained, and then all within it."""
        last: dict[str, tuple[Record, _Heard]] = {}
        has_begun = False
        listening = _Listening(self._versions)
        async for record in records(log, self.span):
            heard = listening(record)
            if not self._is_ours(record, heard):
                continue
            known = heard or ()
            if record.received_ns < self.span.since_ns:
                if known and {kind for kind, _ in known} <= STATES:
                    last[record.topic] = record, known
                continue
            if not has_begun:
                has_begun = True
                for one, of in last.values():
                    yield Record(self.span.since_ns, one.broker, one.topic, True, one.payload), of  # noqa: FBT003  a record's own order
            yield record, known

    def _is_ours(self, record: Record, heard: _Heard | None) -> bool:
        """Whether a message is of the community; one that nobody knows is, where there is no other."""
        if record.topic.startswith(f"{ROOT}/"):
            named = parse(record.topic)
            return self._is_only if isinstance(named, str) else named.community == self.span.community_id
        return self._is_only or heard is not None


class _Listening:
    """What messages say of which devices, by the file of their time; None of what is set aside."""

    def __init__(self, versions: Sequence[_Version]) -> None:
        self._versions = versions
        self._number = 0
        self._seq = count()
        self._configure()

    def __call__(self, record: Record) -> _Heard | None:
        number = max(0, bisect_right(self._versions, record.received_ns, key=lambda one: one.at_ns) - 1)
        if number != self._number:
            self._number = number
            self._configure()
        routed = self._decoder.route(record.topic, record.payload, record.received_ns, next(self._seq), retained=record.retained)
        return None if isinstance(routed, Rejected) else tuple((one.kind, self._registry[one.device].id) for one in routed)

    def _configure(self) -> None:
        self._registry = community.parse(self._versions[self._number].document, "the database").premises().registry
        self._decoder = Decoder(self._registry)


class _Thinning:
    """Which acceleration is kept: around each device's falls, and a packet now and then."""

    def __init__(self, falls: Mapping[DeviceId, Sequence[int]]) -> None:
        self._falls = falls
        self._beats: dict[DeviceId, int] = {}

    def keeps(self, heard: _Heard, at_ns: int) -> bool:
        """Whether a message stays."""
        if not heard or any(kind is not SensorKind.ACCELERATION for kind, _ in heard):
            return True
        return any(self._keeps_of(device, at_ns) for _, device in heard)

    def _keeps_of(self, device: DeviceId, at_ns: int) -> bool:
        beat = at_ns // BEAT_NS
        is_first = self._beats.get(device) != beat
        self._beats[device] = beat
        return is_first or any(known_ns - FALL_BEFORE_NS <= at_ns <= known_ns + FALL_AFTER_NS for known_ns in self._falls.get(device, ()))


async def records(log: Log, span: Span) -> AsyncIterator[Record]:
    """Records of the span and of a while before it by the time of arrival: entries of partitions lie beside each other in the log."""
    state = await log.state()
    begin = datetime.fromtimestamp((span.since_ns - BEFORE_NS) / NS_PER_S, tz=UTC)
    first_seq = max(await log.start_seq_at(begin), state.first_seq)
    waiting: list[tuple[int, int, Record]] = []
    numbers = count()
    if first_seq <= state.last_seq:
        async for entry in log.read(first_seq - 1, state.created):
            for record in entry.records:
                if span.since_ns - BEFORE_NS <= record.received_ns <= span.until_ns:
                    heapq.heappush(waiting, (record.received_ns, next(numbers), record))
            newest_ns = entry.records[-1].received_ns if entry.records else 0
            while waiting and waiting[0][0] < newest_ns - SORTED_NS:
                yield heapq.heappop(waiting)[2]
            if entry.seq >= state.last_seq or newest_ns > span.until_ns + SORTED_NS:
                break
    while waiting:
        yield heapq.heappop(waiting)[2]


def said(record: Record, at_ns: int) -> Line:
    """A message as a line: its JSON as it stands, where it is some; else text, or base64."""
    line: Line = {"at": iso(at_ns), "topic": record.topic}
    if record.retained:
        line["retained"] = True
    if record.payload[:1] in {b"{", b"["} and _is_one_line_of_json(record.payload):
        return line | {"payload": msgspec.Raw(record.payload)}
    return line | {"payload_b64": base64.b64encode(record.payload).decode()}


def _is_one_line_of_json(payload: bytes) -> bool:
    if b"\n" in payload or b"\r" in payload:
        return False
    try:
        json.loads(payload.decode())
    except (ValueError, RecursionError):
        return False
    return True


def _full_ms(time_ns: int) -> int:
    """The next full millisecond."""
    return -(-time_ns // NS_PER_MS) * NS_PER_MS


def _versions(session: Session, span: Span) -> list[_Version]:
    """The file that held at the beginning, and each that came within the span; of two from one time on the later written."""
    held = CommunityVersionRow.community_id == span.community_id
    rows = select(CommunityVersionRow).where(held, CommunityVersionRow.effective_ns <= span.until_ns)
    found = session.exec(rows.order_by(col(CommunityVersionRow.effective_ns), col(CommunityVersionRow.number))).all()
    by_time = {max(row.effective_ns, span.since_ns): row.document for row in found if row.effective_ns <= span.since_ns}
    by_time |= {row.effective_ns: row.document for row in found if row.effective_ns > span.since_ns}
    return [_Version(at_ns=at_ns, document=document) for at_ns, document in by_time.items()]


def _configured(versions: Sequence[_Version]) -> Iterator[tuple[int, Line]]:
    """The community's file each time it changes."""
    for one in versions[1:]:
        yield one.at_ns, {"community": json.loads(one.document)}


def _modes(session: Session, span: Span) -> Iterator[tuple[int, Line]]:
    """Each home's mode at the beginning, and what people changed; what its schedule does it does in the replay too."""
    of_community = ModeChangeRow.community_id == span.community_id
    rows = session.exec(select(ModeChangeRow).where(of_community, ModeChangeRow.at_ns <= span.until_ns).order_by(col(ModeChangeRow.number)))
    changes = list(rows)
    for home in sorted({row.home_id for row in changes if row.at_ns <= span.since_ns}):
        mode = configuration.mode_at(session, span.community_id, HomeId(home), span.since_ns)
        if mode is not Mode.DISARMED:
            yield span.since_ns, {"mode": {"home": home, "mode": mode.value}}
    forced = _forced(session, span)
    for row in changes:
        if row.at_ns > span.since_ns and row.by != SCHEDULE:
            by = forced.get((row.home_id, row.at_ns))
            yield row.at_ns, {"mode": {"home": row.home_id, "mode": row.mode} | ({} if by is None else {"by": by, "duress": True})}


def _forced(session: Session, span: Span) -> Mapping[tuple[str, int], str]:
    """Who typed a code under duress on a page: by home and time. At a keypad it is in the log."""
    about = (EventRow.community_id == span.community_id, EventRow.kind == EventKind.DURESS, col(EventRow.device_id).is_(None))
    rows = session.exec(select(EventRow).where(*about, EventRow.t_ns >= span.since_ns, EventRow.t_ns <= span.until_ns))
    return {(row.home_id or "", row.t_ns): str(json.loads(row.evidence)["by"]) for row in rows}


def _acts(session: Session, span: Span) -> Iterator[tuple[int, Line]]:
    """What responders said and did."""
    about = (EntryRow.community_id == span.community_id, EntryRow.at_ns >= span.since_ns, EntryRow.at_ns <= span.until_ns)
    acted = select(EntryRow, IncidentRow.subject, IncidentRow.story).where(
        *about, col(EntryRow.kind).in_([EntryKind.STATE, EntryKind.ACT]), col(EntryRow.by).is_not(None)
    )
    of_incident = (col(IncidentRow.community_id) == EntryRow.community_id) & (col(IncidentRow.id) == EntryRow.incident_id)
    for row, subject, story in session.exec(acted.join(IncidentRow, of_incident).order_by(col(EntryRow.number))):
        detail = json.loads(row.body)
        if "do" in detail:
            act = {"by": row.by, "do": detail["do"], "subject": subject, "story": story}
            if detail.get("eta_ns") is not None and detail["eta_ns"] > row.at_ns:
                act["eta_min"] = (detail["eta_ns"] - row.at_ns) / (60 * NS_PER_S)
            yield row.at_ns, {"act": act}


def _silences(session: Session, span: Span) -> Iterator[tuple[int, Line]]:
    """Silences that were asked for."""
    about = (IncidentRow.community_id == span.community_id, IncidentRow.story == Story.SILENCE)
    begun = (IncidentRow.opened_ns >= span.since_ns, IncidentRow.opened_ns <= span.until_ns)
    for body in session.exec(select(IncidentRow.body).where(*about, *begun).order_by(col(IncidentRow.number))):
        incident = _INCIDENT.validate_json(body)
        event = incident.headline
        silence = {
            "by": incident.acknowledged_by,
            "subject": event.subject,
            "reason": event.evidence["reason"],
            "minutes": (int(event.evidence["until_ns"]) - event.t_ns) / (60 * NS_PER_S),
            "life": bool(event.evidence["life"]),
            "away": is_away(incident),
        }
        yield event.t_ns, {"silence": silence}


def _drills(session: Session, span: Span) -> Iterator[tuple[int, Line]]:
    """Drills that were begun."""
    about = (IncidentRow.community_id == span.community_id, IncidentRow.story == Story.DRILL)
    begun = (IncidentRow.opened_ns >= span.since_ns, IncidentRow.opened_ns <= span.until_ns)
    for body in session.exec(select(IncidentRow.body).where(*about, *begun).order_by(col(IncidentRow.number))):
        incident = _INCIDENT.validate_json(body)
        yield incident.opened_ns, {"drill": {"by": incident.headline.evidence["by"], "resident": incident.subject}}


def _receipts(session: Session, span: Span) -> Iterator[tuple[int, Line]]:
    """What became of each delivery in the end."""
    within = (
        DeliveryRow.community_id == span.community_id,
        DeliveryRow.updated_ns >= span.since_ns,
        DeliveryRow.updated_ns <= span.until_ns,
    )
    notification = (col(NotificationRow.community_id) == DeliveryRow.community_id) & (
        col(NotificationRow.id) == DeliveryRow.notification_id
    )
    incident = (col(IncidentRow.community_id) == NotificationRow.community_id) & (col(IncidentRow.id) == NotificationRow.incident_id)
    asked = select(DeliveryRow, NotificationRow.to_person, IncidentRow.subject, IncidentRow.story).where(
        *within, col(DeliveryRow.outcome).in_(list(_STATUS))
    )
    rows = asked.join(NotificationRow, notification).join(IncidentRow, incident)
    for row, to, subject, story in session.exec(rows.order_by(col(DeliveryRow.updated_ns), col(DeliveryRow.notification_id))):
        if row.channel is not None:
            receipt = {
                "to": to,
                "channel": row.channel,
                "status": _STATUS[DeliveryOutcome(row.outcome)],
                "subject": subject,
                "story": story,
            }
            yield row.updated_ns, {"receipt": receipt | ({} if row.code is None else {"code": row.code})}


def _falls(session: Session, span: Span) -> Mapping[DeviceId, Sequence[int]]:
    """When falls were known, by the device that felt them."""
    about = (EventRow.community_id == span.community_id, EventRow.kind == EventKind.FALL, col(EventRow.device_id).is_not(None))
    within = (EventRow.known_ns >= span.since_ns - FALL_AFTER_NS, EventRow.known_ns <= span.until_ns + FALL_BEFORE_NS)
    falls: defaultdict[DeviceId, list[int]] = defaultdict(list)
    for row in session.exec(select(EventRow).where(*about, *within)):
        falls[DeviceId(row.device_id or "")].append(row.known_ns)
    return falls
