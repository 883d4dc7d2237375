"""The outbox: who is to be told what, every attempt at it, and what gateways said afterwards.

A notification is `waiting` until an attempt settles it. `claim` writes the attempt before it is made, so an attempt whose process died is
known to be unsure, and is looked up at the provider instead of blindly repeated. Who claims serves every community; each row says whose
it is.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from pydantic import TypeAdapter
from sqlalchemy import select as columns_of
from sqlmodel import Session, case, col, delete, func, select, update

from devices.model import NS_PER_S, CommunityId, PersonId
from incidents.directory import Channel, Severity
from incidents.model import UNHURRIED, Duty, IncidentId, Purpose
from store.model import StoreError
from store.session import insert
from store.tables import DeliveryRow, IncidentRow, NotificationRow, ReceiptRow, Table


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
        select(NotificationRow)
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
    rows = list(session.exec(due))
    _hold(session, rows)
    session.info.setdefault("locked", set()).update((row.community_id, row.id) for row in rows)
    before = _attempts(session, [(row.community_id, row.id, row.attempts) for row in rows if row.attempts])
    claimed, made = [], []
    for row in rows:
        last = before.get((row.community_id, row.id, row.attempts))
        row.attempts += 1
        row.claimed_by, row.claimed_until_ns = worker, now_ns + round(lease_s * NS_PER_S)
        if row.attempts == 1 and silence_ns is not None and row.purpose not in UNHURRIED:
            row.fallback_ns = now_ns + silence_ns
        attempt = DeliveryRow(
            community_id=row.community_id,
            notification_id=row.id,
            attempt=row.attempts,
            channel=row.channel,
            to_person=row.to_person,
            outcome=DeliveryOutcome.BEGUN,
            handed_ns=now_ns,
            updated_ns=now_ns,
        )
        made.append(attempt)
        claimed.append(_notification(row, DeliveryOutcome(last.outcome) if last else None))
    session.add_all(made)
    _hold(session, made)
    session.flush()
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
    """Write by what a claimed attempt is about to be made, and in which words: all that is needed to look it up if its process dies.

    `answer` is how it can be answered by writing back.
    """
    place = (claimed.community_id, claimed.id)
    row, delivery = session.get_one(NotificationRow, place), session.get_one(DeliveryRow, (*place, claimed.attempt))
    row.text, delivery.channel, delivery.gateway = text, channel, gateway
    delivery.segments, delivery.cost_micro = segments, cost_micro
    if answer is not None:
        row.address, row.answer_number = answer


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
    """Give a claimed first attempt back that was not made: it is due later, and nothing counts from now."""
    place = (claimed.community_id, claimed.id)
    row, delivery = session.get_one(NotificationRow, place), session.get_one(DeliveryRow, (*place, claimed.attempt))
    session.delete(delivery)
    row.attempts -= 1
    row.next_attempt_ns, row.held, row.fallback_ns = until_ns, held, None
    row.claimed_by, row.claimed_until_ns = None, 0
    session.flush()


def bundle(session: Session, claimed: Notification, below: Severity, now_ns: int, most: int) -> list[Notification]:
    """Take what waits for the same person by the same channel, was held back as a claimed one was, and is below a severity.

    It is told with the claimed one, whose text says so, whatever becomes of its own incident: so it is never attempted itself.
    """
    row = session.get_one(NotificationRow, (claimed.community_id, claimed.id))
    claimed_too = (
        (col(NotificationRow.attempts) == 1)
        & (col(NotificationRow.claimed_by) == row.claimed_by)
        & (col(NotificationRow.claimed_until_ns) == row.claimed_until_ns)
        & col(NotificationRow.text).is_(None)
    )
    waiting = (
        select(NotificationRow)
        .where(
            NotificationRow.community_id == claimed.community_id,
            NotificationRow.to_person == row.to_person,
            NotificationRow.channel == row.channel,
            NotificationRow.state == NotificationState.WAITING,
            (col(NotificationRow.attempts) == 0) | claimed_too,
            NotificationRow.id != row.id,
            NotificationRow.severity_rank < below.rank,
            NotificationRow.next_attempt_ns <= now_ns,
            col(NotificationRow.held).is_not(None),
            col(NotificationRow.bundle).is_(None),
        )
        .order_by(col(NotificationRow.severity_rank).desc(), col(NotificationRow.created_ns), col(NotificationRow.id))
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    taken = []
    for other in session.exec(waiting):
        if other.attempts:  # claimed with it, and not prepared yet
            session.delete(session.get_one(DeliveryRow, (other.community_id, other.id, other.attempts)))
        other.state, other.fallback_ns, other.attempts = NotificationState.BUNDLED, None, 0
        other.claimed_by, other.claimed_until_ns = None, 0
        taken.append(_notification(other, None))
    row.bundle = len(taken) or None
    session.flush()
    return taken


def is_bundled(session: Session, claimed: Notification) -> bool:
    """Whether another one, claimed with it, tells of it."""
    return session.get_one(NotificationRow, (claimed.community_id, claimed.id)).state == NotificationState.BUNDLED


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
    wanted: list[Any] = [col(DeliveryRow.gateway).is_not(None)]
    for column, value in (
        (DeliveryRow.community_id, community_id),
        (DeliveryRow.to_person, to),
        (DeliveryRow.channel, channel),
        (DeliveryRow.gateway, gateway),
    ):
        if value is not None:
            wanted.append(column == value)
    newest = select(DeliveryRow.handed_ns).where(*wanted).order_by(col(DeliveryRow.handed_ns).desc())
    return session.exec(newest.offset(nth - 1).limit(1)).first()


def record(session: Session, community_id: CommunityId, notification_id: str, attempt: int, attempted: Attempted) -> NotificationState:
    """Write what came of an attempt, or what a gateway said of it later; the state the notification is in then.

    What an attempt came to never goes back: accepted may become delivered or rejected, and those two stay. What was cancelled meanwhile
    is not tried again, but what reached a gateway is said to have. An attempt that is not the newest any more, because its lease ran out,
    only counts if it got through. After a failure, or when nobody can say, the next channel is due at once, unless it has been tried.

    Raises
    ------
    StoreError
        If there was no such attempt, or `retry` has no time.
    """
    place = (community_id, notification_id)
    row = session.get(NotificationRow, place, with_for_update=None if place in session.info.get("locked", ()) else True)
    delivery = session.get(DeliveryRow, (*place, attempt))
    if row is None or delivery is None:
        raise StoreError(f"notification {notification_id} has no attempt {attempt}")
    goes_on = attempted.retry_ns is not None
    if goes_on is not (attempted.outcome is DeliveryOutcome.RETRY) and attempted.outcome not in _MAY_GO_ON:
        raise StoreError(
            f"outcome {attempted.outcome} has retry_ns {attempted.retry_ns}, must have one with retry, may with rejected or unknown"
        )
    if delivery.outcome in _FINAL or (delivery.outcome in _ARRIVED and attempted.outcome not in _FINAL):
        return NotificationState(row.state)
    was_accepted = delivery.outcome == DeliveryOutcome.ACCEPTED
    delivery.outcome, delivery.updated_ns = attempted.outcome, attempted.at_ns
    for name in ("channel", "gateway", "provider_id", "code"):
        setattr(delivery, name, getattr(attempted, name) or getattr(delivery, name))
    if _counts(row, attempt, attempted.outcome, was_accepted=was_accepted):
        row.state = NotificationState.WAITING if goes_on else _STATE_AFTER[attempted.outcome]
        row.claimed_by, row.claimed_until_ns = None, 0
        row.next_attempt_ns = attempted.retry_ns or row.next_attempt_ns
        if row.is_stopped or attempted.outcome is DeliveryOutcome.DELIVERED:
            row.fallback_ns = None
        elif (row.state in _GIVEN_UP or attempted.falls_back) and (row.fallback_ns is not None or row.purpose == Purpose.ENDING):
            row.fallback_ns = attempted.at_ns
    return NotificationState(row.state)


def lock(session: Session, attempts: Collection[tuple[CommunityId, str, int]]) -> None:
    """Read and lock, all at once, what `record` is going to be told of: else it asks for each by itself."""
    places = sorted({(community_id, notification_id) for community_id, notification_id, _ in attempts})
    for community_id, of_community in groupby(places, key=itemgetter(0)):
        wanted = (NotificationRow.community_id == community_id, col(NotificationRow.id).in_([id_ for _, id_ in of_community]))
        order = (col(NotificationRow.community_id), col(NotificationRow.id))
        rows = session.exec(select(NotificationRow).where(*wanted).order_by(*order).with_for_update()).all()
        _hold(session, rows)
    _hold(session, _attempts(session, attempts).values())
    session.info.setdefault("locked", set()).update(places)


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
    next_ns, leased_ns = col(NotificationRow.next_attempt_ns), col(NotificationRow.claimed_until_ns)
    free = func.min(case((leased_ns > next_ns, leased_ns), else_=next_ns))
    free_ns = session.exec(select(free).where(NotificationRow.state == NotificationState.WAITING)).one()
    fallback = select(col(NotificationRow.fallback_ns)).where(col(NotificationRow.fallback_ns).is_not(None))
    fallback_ns = session.exec(fallback.order_by(col(NotificationRow.fallback_ns))).first()
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
        select(ReceiptRow, DeliveryRow)
        .where(DeliveryRow.gateway == ReceiptRow.gateway, DeliveryRow.provider_id == ReceiptRow.provider_id)
        .order_by(col(ReceiptRow.id))
        .limit(limit)
        .with_for_update(skip_locked=True, of=ReceiptRow)
    )
    taken = []
    for receipt, delivery in session.exec(matched).all():
        taken.append(StoredReceipt(delivery=_delivery(delivery), status=receipt.status, code=receipt.code, received_ns=receipt.received_ns))
        session.delete(receipt)
    session.flush()
    return taken


def drop_receipts(session: Session, before_ns: int) -> int:
    """Forget receipts that came before a time and never found their delivery; how many."""
    return int(session.exec(delete(ReceiptRow).where(col(ReceiptRow.received_ns) < before_ns)).rowcount)


def _attempts(session: Session, wanted: Collection[tuple[str, str, int]]) -> dict[tuple[str, str, int], DeliveryRow]:
    """Attempts by community, notification and number, in one query for each community."""
    found: dict[tuple[str, str, int], DeliveryRow] = {}
    for community_id, of_community in groupby(sorted(wanted), key=itemgetter(0)):
        ids = {notification_id for _, notification_id, _ in of_community}
        asked = select(DeliveryRow).where(DeliveryRow.community_id == community_id, col(DeliveryRow.notification_id).in_(ids))
        found |= {(row.community_id, row.notification_id, row.attempt): row for row in session.exec(asked)}
    return {key: found[key] for key in wanted if key in found}


def _hold(session: Session, rows: Collection[Table]) -> None:
    """A session remembers only what somebody holds: these are asked for again in this transaction."""
    session.info.setdefault("held", []).extend(rows)


def _due(now_ns: int, least: Severity) -> tuple[Any, ...]:
    return (
        NotificationRow.state == NotificationState.WAITING,
        NotificationRow.next_attempt_ns <= now_ns,
        NotificationRow.claimed_until_ns <= now_ns,
        NotificationRow.severity_rank >= least.rank,
    )


def _counts(row: NotificationRow, attempt: int, outcome: DeliveryOutcome, *, was_accepted: bool) -> bool:
    """Whether an outcome of an attempt moves its notification on. What another attempt has got through is not undone."""
    if row.state == NotificationState.DELIVERED:
        return False
    if outcome in _ARRIVED:
        return True
    if row.state == NotificationState.ACCEPTED and not was_accepted:
        return False
    return attempt == row.attempts and row.state != NotificationState.CANCELLED


def _answerable(row: NotificationRow, incident: IncidentRow) -> Answerable:
    return Answerable(
        community_id=CommunityId(row.community_id),
        incident_id=IncidentId(row.incident_id),
        person=PersonId(row.to_person),
        number=row.answer_number or 1,
        is_open=incident.is_open,
    )


def _notification(row: NotificationRow, previous: DeliveryOutcome | None) -> Notification:
    return Notification(
        community_id=CommunityId(row.community_id),
        id=row.id,
        state=NotificationState(row.state),
        attempt=row.attempts,
        created_ns=row.created_ns,
        duty=_DUTY.validate_json(row.body),
        text=row.text,
        held=row.held,
        bundle=row.bundle,
        previous=previous,
    )


def _delivery(row: DeliveryRow) -> Delivery:
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
