"""The outbox: who is to be told what, every attempt at it, and what gateways said afterwards.

A notification is `waiting` until an attempt settles it. `claim` writes the attempt before it is made, so an attempt whose process died is
known to be unsure, and is looked up at the provider instead of blindly repeated. Who claims serves every community; each row says whose
it is.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from pydantic import TypeAdapter
from sqlalchemy import Executable, Row, Select, bindparam, event
from sqlalchemy import select as columns_of
from sqlmodel import Session, case, col, delete, func, select, update

from devices.model import NS_PER_S, CommunityId, PersonId
from incidents.directory import Channel, Severity
from incidents.model import UNHURRIED, Duty, IncidentId, Purpose
from store.model import StoreError
from store.session import insert
from store.tables import DeliveryRow, IncidentRow, NotificationRow, ReceiptRow, Table

_NOTIFICATION, _DELIVERY, _RECEIPT = (Table.metadata.tables[str(row.__tablename__)] for row in (NotificationRow, DeliveryRow, ReceiptRow))
"""Claims and what came of them are written many at a time, without an object for each row."""


class NotificationState(StrEnum):
    """Where a notification stands."""

    WAITING = "waiting"
    """To be attempted, at `next_attempt_ns`."""
    ACCEPTED = "accepted"
    """A gateway has it; a receipt may follow."""
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It may have been sent, and nobody can say."""
    CANCELLED = "cancelled"
    """Nobody needs to be told any more."""
    BUNDLED = "bundled"
    """Another one tells of it too."""


class DeliveryOutcome(StrEnum):
    """What came of one attempt."""

    BEGUN = "begun"
    """Claimed; what came of it was never written."""
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    RETRY = "retry"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


_STATE_AFTER = {
    DeliveryOutcome.ACCEPTED: NotificationState.ACCEPTED,
    DeliveryOutcome.DELIVERED: NotificationState.DELIVERED,
    DeliveryOutcome.RETRY: NotificationState.WAITING,
    DeliveryOutcome.REJECTED: NotificationState.FAILED,
    DeliveryOutcome.UNKNOWN: NotificationState.UNKNOWN,
}

_ARRIVED = {DeliveryOutcome.ACCEPTED, DeliveryOutcome.DELIVERED}
"""Outcomes that are true whatever was decided meanwhile."""

_GIVEN_UP = {NotificationState.FAILED, NotificationState.UNKNOWN}
"""States after which the next channel is tried."""

_FINAL = {DeliveryOutcome.DELIVERED, DeliveryOutcome.REJECTED}
"""Outcomes that stay: gateways speak late, twice and out of order."""

_MAY_GO_ON = {DeliveryOutcome.REJECTED, DeliveryOutcome.UNKNOWN}
"""Outcomes after which there may be another attempt, or not."""

_OF_INCIDENT = (col(IncidentRow.community_id) == NotificationRow.community_id) & (col(IncidentRow.id) == NotificationRow.incident_id)

_DUTY = TypeAdapter(Duty)

_Place = tuple[str, str]
"""Of a notification: its community and id."""

_THIS_ONE = (_NOTIFICATION.c.community_id == bindparam("of_community"), _NOTIFICATION.c.id == bindparam("of_id"))
_THIS_ATTEMPT = (
    _DELIVERY.c.community_id == bindparam("of_community"),
    _DELIVERY.c.notification_id == bindparam("of_id"),
    _DELIVERY.c.attempt == bindparam("of_attempt"),
)
_MOVES = ("state", "claimed_by", "claimed_until_ns", "next_attempt_ns", "fallback_ns")
_TOLD_OF = ("outcome", "updated_ns", "channel", "gateway", "provider_id", "code")
"""What an outcome changes, of a notification and of the attempt."""
_CHANGE, _CHANGE_ATTEMPT = _NOTIFICATION.update().where(*_THIS_ONE), _DELIVERY.update().where(*_THIS_ATTEMPT)
_MAKE_ATTEMPT = _DELIVERY.insert()
_LEASED_NS, _FALLBACK_NS = _NOTIFICATION.c.claimed_until_ns, _NOTIFICATION.c.fallback_ns
_FREE_NS = case((_NOTIFICATION.c.next_attempt_ns < _LEASED_NS, _LEASED_NS), else_=_NOTIFICATION.c.next_attempt_ns)
_NEXT_FREE = columns_of(func.min(_FREE_NS)).where(_NOTIFICATION.c.state == NotificationState.WAITING)
_NEXT_FALLBACK = columns_of(func.min(_FALLBACK_NS)).where(_FALLBACK_NS.is_not(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One row of the outbox.

    Attributes
    ----------
    attempt : int
        Number of the newest attempt, from 1; 0 before the first.
    held : str or None
        Why it waited last.
    bundle : int or None
        Of how many others its text tells too.
    previous : DeliveryOutcome or None
        Of a claimed one: what came of the attempt before. After `begun` or `unknown` it may have been sent: look it up, do not repeat it.
    """

    community_id: CommunityId
    id: str
    state: NotificationState
    attempt: int
    created_ns: int
    duty: Duty
    text: str | None = None
    held: str | None = None
    bundle: int | None = None
    previous: DeliveryOutcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One attempt and what came of it; `channel` is the one that was used."""

    community_id: CommunityId
    notification_id: str
    attempt: int
    channel: Channel | None
    gateway: str | None
    provider_id: str | None
    outcome: DeliveryOutcome
    code: str | None
    handed_ns: int
    updated_ns: int


class Unsettled(NamedTuple):
    """A delivery that a gateway accepted, with the id that it has there."""

    notification_id: str
    attempt: int
    gateway: str | None
    provider_id: str | None
    handed_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answerable:
    """An incident that somebody was told of by an address, and the number by which they answer it."""

    community_id: CommunityId
    incident_id: IncidentId
    person: PersonId
    number: int
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReceipt:
    """Word of a gateway, in its own status words, and the delivery it is about."""

    delivery: Delivery
    status: str
    code: str | None
    received_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """What came of an attempt, as its maker says.

    Attributes
    ----------
    retry_ns : int or None
        When to try again, wanted with `retry`; with `unknown` when to ask the provider, if it can be asked; with `rejected` when to make
        another attempt all the same.
    falls_back : bool
        The next channel is due at once, although this one is tried again.
    """

    outcome: DeliveryOutcome
    at_ns: int
    channel: Channel | None = None
    gateway: str | None = None
    provider_id: str | None = None
    code: str | None = None
    retry_ns: int | None = None
    falls_back: bool = False


class Told(NamedTuple):
    """What came of which attempt."""

    community_id: CommunityId
    notification_id: str
    attempt: int
    attempted: Attempted


WrittenBack = tuple[str, int]
"""An address, and the number by which whoever has it answers."""


def add(session: Session, duty: Duty, now_ns: int, *, text: str | None = None, bundle: int | None = None) -> bool:
    """Write a duty to tell somebody; whether it is new. The same one again is a no-op, whatever became of it.

    `text` is given where it tells of a `bundle` of others too, else it is put into words when it is sent.
    """
    row = insert(session, NotificationRow).values(
        community_id=duty.incident.community_id,
        id=duty.id,
        incident_id=duty.incident.id,
        purpose=duty.purpose,
        step=duty.step,
        round=duty.round,
        to_person=duty.to,
        channel=duty.channel,
        state=NotificationState.WAITING,
        severity_rank=duty.incident.severity.rank,
        created_ns=now_ns,
        next_attempt_ns=now_ns,
        is_stopped=False,
        claimed_until_ns=0,
        attempts=0,
        text=text,
        bundle=bundle,
        body=_DUTY.dump_json(duty).decode(),
    )
    return session.exec(row.on_conflict_do_nothing().returning(col(NotificationRow.id))).first() is not None


def claim(
    session: Session,
    now_ns: int,
    lease_s: float,
    limit: int,
    worker: str,
    *,
    silence_ns: int | None = None,
    least: Severity = Severity.INFO,
) -> list[Notification]:
    """Take what is due to be sent: nobody else gets it before the lease is over. Life safety first, then what waits longest.

    The attempts are in the database when the transaction ends; send only after that. From its first attempt on, a notification that is
    no ending has `silence_ns` to be delivered, whatever becomes of that attempt: then `take_fallbacks` gives it. Nothing below `least`
    is taken.
    """
    due = (
        columns_of(_NOTIFICATION)
        .where(*_due(now_ns, least))
        .order_by(
            col(NotificationRow.severity_rank).desc(),
            col(NotificationRow.next_attempt_ns),
            col(NotificationRow.community_id),
            col(NotificationRow.id),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = session.connection().execute(due).all()
    before = _attempts(session, [(row.community_id, row.id, row.attempts) for row in rows if row.attempts])
    claims, claimed = _claims(session), []
    for row in rows:
        last = before.get((row.community_id, row.id, row.attempts))
        is_first = row.attempts == 0 and silence_ns is not None and row.purpose not in UNHURRIED
        claims.made[row.community_id, row.id] = _Claim(
            row={
                "next_attempt_ns": row.next_attempt_ns,
                "fallback_ns": now_ns + silence_ns if is_first and silence_ns is not None else row.fallback_ns,
                "claimed_by": worker,
                "claimed_until_ns": now_ns + round(lease_s * NS_PER_S),
                "attempts": row.attempts + 1,
                "held": row.held,
                "bundle": row.bundle,
                "address": row.address,
                "answer_number": row.answer_number,
                "text": row.text,
            },
            attempt={
                "community_id": row.community_id,
                "notification_id": row.id,
                "attempt": row.attempts + 1,
                "channel": row.channel,
                "gateway": None,
                "to_person": row.to_person,
                "segments": None,
                "cost_micro": None,
                "outcome": DeliveryOutcome.BEGUN,
                "handed_ns": now_ns,
                "updated_ns": now_ns,
            },
        )
        claimed.append(_notification(row, DeliveryOutcome(last.outcome) if last else None, attempt=row.attempts + 1))
    return claimed


def is_due(session: Session, now_ns: int, least: Severity = Severity.INFO) -> bool:
    """Whether `claim` would take anything, without taking it."""
    return session.exec(select(NotificationRow.id).where(*_due(now_ns, least)).limit(1)).first() is not None


def release(session: Session, worker: str, until_ns: int) -> int:
    """Shorten the leases of a worker that is known to have ended; how many. Not to nothing: what it sent last may still be on its way."""
    held = (col(NotificationRow.claimed_by) == worker, col(NotificationRow.claimed_until_ns) > until_ns)
    return int(session.exec(update(NotificationRow).where(*held).values(claimed_until_ns=until_ns)).rowcount)


def prepare(
    session: Session,
    claimed: Notification,
    *,
    channel: Channel,
    gateway: str,
    text: str,
    segments: int = 0,
    cost_micro: int | None = None,
    answer: WrittenBack | None = None,
) -> None:
    """Say by what an attempt claimed in this transaction is about to be made, and in which words: all to look it up if its process dies.

    `answer` is how it can be answered by writing back.
    """
    made = _claims(session).settle(claimed)
    made.row["text"] = text
    made.attempt |= {"channel": channel, "gateway": gateway, "segments": segments, "cost_micro": cost_micro}
    if answer is not None:
        made.row["address"], made.row["answer_number"] = answer


def answer_numbers(session: Session, address: str) -> dict[tuple[CommunityId, IncidentId], int]:
    """By which numbers whoever has an address can answer open incidents, in all communities."""
    return {(one.community_id, one.incident_id): one.number for one in answered(session, address, only_open=True)}


def about(session: Session, community_id: CommunityId, notification_id: str) -> Answerable | None:
    """What a notification is about, as whoever got it may answer it."""
    row = session.get(NotificationRow, (community_id, notification_id))
    incident = session.get(IncidentRow, (community_id, row.incident_id)) if row else None
    return None if row is None or incident is None else _answerable(row, incident)


def answered(session: Session, address: str, *, only_open: bool = False) -> list[Answerable]:
    """What whoever has an address may answer: open incidents first, then the newest."""
    of_incident = (col(IncidentRow.community_id) == NotificationRow.community_id) & (col(IncidentRow.id) == NotificationRow.incident_id)
    _write_claims(session)
    asked = (
        select(NotificationRow, IncidentRow)
        .join(IncidentRow, of_incident)
        .where(NotificationRow.address == address, col(NotificationRow.answer_number).is_not(None))
        .order_by(col(IncidentRow.is_open).desc(), col(NotificationRow.created_ns).desc(), col(NotificationRow.id))
    )
    if only_open:
        asked = asked.where(col(IncidentRow.is_open))
    found: dict[tuple[str, str], Answerable] = {}
    for told, incident in session.exec(asked):
        found.setdefault((told.community_id, told.incident_id), _answerable(told, incident))
    return list(found.values())


def postpone(session: Session, claimed: Notification, until_ns: int, held: str) -> None:
    """Give a first attempt that was claimed in this transaction back: it is due later, and nothing counts from now."""
    made = _claims(session).settle(claimed)
    made.attempt.clear()
    made.row |= {"attempts": claimed.attempt - 1, "next_attempt_ns": until_ns, "held": held, "fallback_ns": None}
    made.row |= {"claimed_by": None, "claimed_until_ns": 0}


def waiting_too(session: Session, claimed: Notification, below: Severity, now_ns: int, most: int) -> list[Notification]:
    """What waits for the same person by the same channel, was held back as a claimed one was, and is below a severity."""
    _write_claims(session)
    asked = (
        columns_of(_NOTIFICATION)
        .where(
            _NOTIFICATION.c.community_id == claimed.community_id,
            _NOTIFICATION.c.to_person == claimed.duty.to,
            _NOTIFICATION.c.channel == claimed.duty.channel,
            _NOTIFICATION.c.state == NotificationState.WAITING,
            _NOTIFICATION.c.attempts == 0,
            _NOTIFICATION.c.id != claimed.id,
            _NOTIFICATION.c.severity_rank < below.rank,
            _NOTIFICATION.c.next_attempt_ns <= now_ns,
            _NOTIFICATION.c.held.is_not(None),
            _NOTIFICATION.c.bundle.is_(None),
        )
        .order_by(_NOTIFICATION.c.severity_rank.desc(), _NOTIFICATION.c.created_ns, _NOTIFICATION.c.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return [_notification(row, None) for row in session.connection().execute(asked)]


def bundle(session: Session, claimed: Notification, others: Collection[Notification]) -> None:
    """Let a claimed one tell of others, in a text that says so: they are not attempted themselves, whatever becomes of its own incident."""
    claims = _claims(session)
    claims.made[claimed.community_id, claimed.id].row["bundle"] = len(others)
    for other in others:
        claims.made.pop((other.community_id, other.id), None)  # claimed with it, and not written yet
    told = [{"of_community": other.community_id, "of_id": other.id, "state": NotificationState.BUNDLED} for other in others]
    _many(session, _CHANGE, told)


def is_bundled(session: Session, claimed: Notification) -> bool:
    """Whether another one, claimed with it in this transaction, tells of it."""
    return (claimed.community_id, claimed.id) not in _claims(session).made


def nth_newest_ns(
    session: Session,
    nth: int,
    *,
    channel: Channel | None = None,
    community_id: CommunityId | None = None,
    to: PersonId | None = None,
    gateway: str | None = None,
) -> int | None:
    """When the nth newest (from 1) of the attempts that were given to gateways was made, in ns; None if there are fewer."""
    _write_claims(session)
    among = {"community_id": community_id, "to_person": to, "channel": channel, "gateway": gateway}
    among = {name: value for name, value in among.items() if value is not None}
    return session.connection().execute(_newest(*among), among | {"skip": nth - 1}).scalar()


@cache
def _newest(*among: str) -> Select[int]:
    """Attempts that were given to gateways, newest first: asked so often that it is put together once."""
    columns = _DELIVERY.c
    which = [columns[name] == bindparam(name) for name in among]
    newest = columns_of(columns.handed_ns).where(columns.gateway.is_not(None), *which).order_by(columns.handed_ns.desc())
    return newest.offset(bindparam("skip")).limit(1)


def record(session: Session, community_id: CommunityId, notification_id: str, attempt: int, attempted: Attempted) -> NotificationState:
    """Write what came of one attempt, as `record_all`; the state the notification is in then."""
    return record_all(session, [Told(community_id, notification_id, attempt, attempted)])[0]


def record_all(session: Session, told: Sequence[Told]) -> list[NotificationState]:
    """Write what came of attempts, or what gateways said of them later; the states that their notifications are in then.

    What an attempt came to never goes back: accepted may become delivered or rejected, and those two stay. What was cancelled meanwhile
    is not tried again, but what reached a gateway is said to have. An attempt that is not the newest any more, because its lease ran out,
    only counts if it got through. After a failure, or when nobody can say, the next channel is due at once, unless it has been tried.

    Raises
    ------
    StoreError
        If there was no such attempt, or `retry` has no time.
    """
    _write_claims(session, {(one.community_id, one.notification_id) for one in told})
    rows = _standing(session, {(one.community_id, one.notification_id) for one in told})
    attempts = {
        key: dict(row._mapping)  # noqa: SLF001  its documented name
        for key, row in _attempts(session, {(one.community_id, one.notification_id, one.attempt) for one in told}).items()
    }
    states, moved, changed = [], {}, {}
    for one in told:
        place, attempted = (one.community_id, one.notification_id), one.attempted
        row, attempt = rows.get(place), attempts.get((*place, one.attempt))
        if row is None or attempt is None:
            raise StoreError(f"notification {one.notification_id} has no attempt {one.attempt}")
        if (attempted.retry_ns is not None) is not (attempted.outcome is DeliveryOutcome.RETRY) and attempted.outcome not in _MAY_GO_ON:
            raise StoreError(
                f"outcome {attempted.outcome} has retry_ns {attempted.retry_ns}, must have one with retry, may with rejected or unknown"
            )
        before = attempt["outcome"]
        if before not in _FINAL and (before not in _ARRIVED or attempted.outcome in _FINAL):
            changed[*place, one.attempt] = attempt
            attempt |= {"outcome": attempted.outcome, "updated_ns": attempted.at_ns}
            for name in ("channel", "gateway", "provider_id", "code"):
                attempt[name] = getattr(attempted, name) or attempt[name]
            if _counts(row, one.attempt, attempted.outcome, was_accepted=before == DeliveryOutcome.ACCEPTED):
                moved[place] = row
                _move(row, attempted)
        states.append(NotificationState(row["state"]))
    _many(session, _CHANGE_ATTEMPT, [_at(*key) | {name: row[name] for name in _TOLD_OF} for key, row in changed.items()])
    _many(session, _CHANGE, [_at(*place) | {name: row[name] for name in _MOVES} for place, row in moved.items()])
    return states


def cancel_unsent(session: Session, community_id: CommunityId, incident_id: IncidentId) -> int:
    """Drop what was not yet sent of an incident that somebody has, or that is over, and every fallback; how many.

    Endings go on, and what tells of other incidents too.
    """
    about = (
        col(NotificationRow.community_id) == community_id,
        col(NotificationRow.incident_id) == incident_id,
        col(NotificationRow.purpose) != Purpose.ENDING,
        col(NotificationRow.bundle).is_(None),
    )
    session.exec(update(NotificationRow).where(*about, ~col(NotificationRow.is_stopped)).values(is_stopped=True, fallback_ns=None))
    waiting = update(NotificationRow).where(*about, col(NotificationRow.state) == NotificationState.WAITING)
    return int(session.exec(waiting.values(state=NotificationState.CANCELLED)).rowcount)


def take_fallbacks(session: Session, now_ns: int, limit: int) -> list[Notification]:
    """Notifications that failed or were not delivered in time, once each: who takes them writes the next channel in this transaction."""
    due = (
        select(NotificationRow)
        .where(col(NotificationRow.fallback_ns) <= now_ns)
        .order_by(col(NotificationRow.severity_rank).desc(), col(NotificationRow.fallback_ns), col(NotificationRow.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = []
    for row in session.exec(due):
        row.fallback_ns = None
        taken.append(_notification(row, None))
    session.flush()
    return taken


def next_due(session: Session) -> int | None:
    """When `claim` or `take_fallbacks` has something to do, in ns; None while neither has."""
    free_ns, fallback_ns = (session.connection().execute(asked).scalar() for asked in (_NEXT_FREE, _NEXT_FALLBACK))
    return min((due_ns for due_ns in (free_ns, fallback_ns) if due_ns is not None), default=None)


def recipient(session: Session, community_id: CommunityId, notification_id: str) -> PersonId | None:
    """Whom a notification is for; None if there is no such one."""
    row = session.get(NotificationRow, (community_id, notification_id))
    return None if row is None else PersonId(row.to_person)


def thread(
    session: Session,
    community_id: CommunityId,
    incident_id: IncidentId,
    to: PersonId,
    *,
    purpose: Purpose | None = None,
    round_: int | None = None,
    step: int | None = None,
) -> list[Notification]:
    """What one person was, or is to be, told of an incident, oldest first: all of it, or of one purpose, round or step."""
    wanted: list[Any] = [
        NotificationRow.community_id == community_id,
        NotificationRow.incident_id == incident_id,
        NotificationRow.to_person == to,
    ]
    for column, value in ((NotificationRow.purpose, purpose), (NotificationRow.round, round_), (NotificationRow.step, step)):
        if value is not None:
            wanted.append(column == value)
    rows = select(NotificationRow).where(*wanted).order_by(col(NotificationRow.created_ns), col(NotificationRow.id))
    return [_notification(row, None) for row in session.exec(rows)]


def deliveries(session: Session, community_id: CommunityId, notification_ids: Iterable[str]) -> list[Delivery]:
    """Every attempt at some notifications, oldest first."""
    wanted = (DeliveryRow.community_id == community_id, col(DeliveryRow.notification_id).in_(sorted(notification_ids)))
    order = (col(DeliveryRow.handed_ns), col(DeliveryRow.notification_id), col(DeliveryRow.attempt))
    return [_delivery(row) for row in session.exec(select(DeliveryRow).where(*wanted).order_by(*order))]


def unsettled(session: Session, since_ns: int, limit: int) -> list[Unsettled]:
    """Deliveries that a gateway accepted since a time and has not finally spoken of, newest first."""
    columns = [getattr(DeliveryRow, name) for name in Unsettled._fields]
    accepted = (col(DeliveryRow.outcome) == DeliveryOutcome.ACCEPTED, col(DeliveryRow.handed_ns) >= since_ns)
    order = (col(DeliveryRow.handed_ns).desc(), col(DeliveryRow.community_id), col(DeliveryRow.notification_id))
    asked = columns_of(*columns).where(*accepted).order_by(*order).limit(limit)
    return [Unsettled(*row) for row in session.connection().execute(asked)]


def delivery_of(session: Session, gateway: str, provider_id: str) -> Delivery | None:
    """The attempt of ours that a gateway has under an id; None while it is known to be none."""
    found = session.exec(select(DeliveryRow).where(DeliveryRow.gateway == gateway, DeliveryRow.provider_id == provider_id)).first()
    return _delivery(found) if found else None


def keep_receipt(session: Session, gateway: str, provider_id: str, *, status: str, code: str | None, received_ns: int) -> None:
    """Write what a gateway said. Always here first: our own record of the delivery may not be there yet."""
    session.add(ReceiptRow(gateway=gateway, provider_id=provider_id, status=status, code=code, received_ns=received_ns))
    session.flush()


def take_receipts(session: Session, limit: int) -> list[StoredReceipt]:
    """Receipts whose delivery is known, in the order they came, once each: who takes them records them in the same transaction."""
    matched = (
        columns_of(_RECEIPT.c.id, _RECEIPT.c.status, _RECEIPT.c.code.label("said"), _RECEIPT.c.received_ns, _DELIVERY)
        .where(_DELIVERY.c.gateway == _RECEIPT.c.gateway, _DELIVERY.c.provider_id == _RECEIPT.c.provider_id)
        .order_by(_RECEIPT.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=_RECEIPT)
    )
    found = session.connection().execute(matched).all()
    if found:
        session.connection().execute(_RECEIPT.delete().where(_RECEIPT.c.id.in_([row.id for row in found])))
    return [StoredReceipt(delivery=_delivery(row), status=row.status, code=row.said, received_ns=row.received_ns) for row in found]


def drop_receipts(session: Session, before_ns: int) -> int:
    """Forget receipts that came before a time and never found their delivery; how many."""
    return int(session.exec(delete(ReceiptRow).where(col(ReceiptRow.received_ns) < before_ns)).rowcount)


@dataclass(slots=True)
class _Claim:
    """One that is claimed, as it is going to be in the database; without an attempt where none is made."""

    row: dict[str, Any]
    attempt: dict[str, Any]
    is_settled: bool = False


@dataclass(slots=True)
class _Claims:
    """What a transaction has claimed, until it is written: each once, when what is done with it is known."""

    made: dict[_Place, _Claim] = field(default_factory=dict)

    def settle(self, claimed: Notification) -> _Claim:
        made = self.made[claimed.community_id, claimed.id]
        made.is_settled = True
        return made


def _claims(session: Session) -> _Claims:
    """Of this transaction; what is not written before is written when it ends."""
    if "claims" not in session.info:
        session.info["claims"] = _Claims()
        event.listen(session, "before_commit", lambda ending: _write_claims(ending, ending.info["claims"].made))
    known: _Claims = session.info["claims"]
    return known


def _write_claims(session: Session, these: Collection[_Place] = ()) -> None:
    """Write what is settled, and these: whoever asks the database about claimed ones asks for this first."""
    claims: _Claims | None = session.info.get("claims")
    if claims is None:
        return
    ready = {place: one for place, one in claims.made.items() if one.is_settled or place in these}
    for place in ready:
        del claims.made[place]
    _many(session, _CHANGE, [_at(*place) | one.row for place, one in ready.items()])
    _many(session, _MAKE_ATTEMPT, [one.attempt for one in ready.values() if one.attempt])


def _many(session: Session, statement: Executable, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        session.connection().execute(statement, rows)


def _at(community_id: str, notification_id: str, attempt: int | None = None) -> dict[str, Any]:
    """Which row `_CHANGE` or `_CHANGE_ATTEMPT` is about."""
    return {"of_community": community_id, "of_id": notification_id} | ({} if attempt is None else {"of_attempt": attempt})


def _attempts(session: Session, wanted: Collection[tuple[str, str, int]]) -> dict[tuple[str, str, int], Row[Any]]:
    """Attempts by community, notification and number, in one query for each community."""
    found: dict[tuple[str, str, int], Row[Any]] = {}
    for community_id, of_community in groupby(sorted(wanted), key=itemgetter(0)):
        ids = {notification_id for _, notification_id, _ in of_community}
        asked = columns_of(_DELIVERY).where(_DELIVERY.c.community_id == community_id, _DELIVERY.c.notification_id.in_(ids))
        found |= {(row.community_id, row.notification_id, row.attempt): row for row in session.connection().execute(asked)}
    return {key: found[key] for key in wanted if key in found}


def _standing(session: Session, wanted: Collection[_Place]) -> dict[_Place, dict[str, Any]]:
    """Where notifications stand, locked in one order, in one query for each community."""
    found: dict[_Place, dict[str, Any]] = {}
    columns = [_NOTIFICATION.c[name] for name in ("community_id", "id", "purpose", "is_stopped", "attempts", *_MOVES)]
    for community_id, of_community in groupby(sorted(wanted), key=itemgetter(0)):
        among = (_NOTIFICATION.c.community_id == community_id, _NOTIFICATION.c.id.in_([id_ for _, id_ in of_community]))
        asked = columns_of(*columns).where(*among).order_by(_NOTIFICATION.c.id).with_for_update()
        found |= {(row.community_id, row.id): dict(row._mapping) for row in session.connection().execute(asked)}  # noqa: SLF001
    return found


def _due(now_ns: int, least: Severity) -> tuple[Any, ...]:
    return (
        NotificationRow.state == NotificationState.WAITING,
        NotificationRow.next_attempt_ns <= now_ns,
        NotificationRow.claimed_until_ns <= now_ns,
        NotificationRow.severity_rank >= least.rank,
    )


def _counts(row: dict[str, Any], attempt: int, outcome: DeliveryOutcome, *, was_accepted: bool) -> bool:
    """Whether an outcome of an attempt moves its notification on. What another attempt has got through is not undone."""
    if row["state"] == NotificationState.DELIVERED:
        return False
    if outcome in _ARRIVED:
        return True
    if row["state"] == NotificationState.ACCEPTED and not was_accepted:
        return False
    return bool(attempt == row["attempts"] and row["state"] != NotificationState.CANCELLED)


def _move(row: dict[str, Any], attempted: Attempted) -> None:
    """Move a notification on by what came of an attempt at it."""
    goes_on = attempted.retry_ns is not None
    row["state"] = NotificationState.WAITING if goes_on else _STATE_AFTER[attempted.outcome]
    row["claimed_by"], row["claimed_until_ns"] = None, 0
    row["next_attempt_ns"] = attempted.retry_ns or row["next_attempt_ns"]
    if row["is_stopped"] or attempted.outcome is DeliveryOutcome.DELIVERED:
        row["fallback_ns"] = None
    elif (row["state"] in _GIVEN_UP or attempted.falls_back) and (row["fallback_ns"] is not None or row["purpose"] == Purpose.ENDING):
        row["fallback_ns"] = attempted.at_ns


def _answerable(row: NotificationRow, incident: IncidentRow) -> Answerable:
    return Answerable(
        community_id=CommunityId(row.community_id),
        incident_id=IncidentId(row.incident_id),
        person=PersonId(row.to_person),
        number=row.answer_number or 1,
        is_open=incident.is_open,
    )


def _notification(row: NotificationRow | Row[Any], previous: DeliveryOutcome | None, *, attempt: int | None = None) -> Notification:
    return Notification(
        community_id=CommunityId(row.community_id),
        id=row.id,
        state=NotificationState(row.state),
        attempt=row.attempts if attempt is None else attempt,
        created_ns=row.created_ns,
        duty=_DUTY.validate_json(row.body),
        text=row.text,
        held=row.held,
        bundle=row.bundle,
        previous=previous,
    )


def _delivery(row: DeliveryRow | Row[Any]) -> Delivery:
    return Delivery(
        community_id=CommunityId(row.community_id),
        notification_id=row.notification_id,
        attempt=row.attempt,
        channel=Channel(row.channel) if row.channel else None,
        gateway=row.gateway,
        provider_id=row.provider_id,
        outcome=DeliveryOutcome(row.outcome),
        code=row.code,
        handed_ns=row.handed_ns,
        updated_ns=row.updated_ns,
    )
