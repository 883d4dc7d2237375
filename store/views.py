"""What the pages show: questions that write nothing, each about one community and as of one moment."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from devices.model import CommunityId, HomeId, PersonId
from incidents.directory import Channel
from incidents.grouping import lies_s
from incidents.model import CALM, Incident, IncidentId, IncidentState, Purpose, Story
from rules.kinds import EventKind, Mode
from store import outbox
from store.outbox import Delivery, NotificationState
from store.tables import CommunityLockRow, DeliveryRow, IncidentRow, ModeChangeRow, NotificationRow

_INCIDENT = TypeAdapter(Incident)
_UNOWNED = frozenset({IncidentState.SUSPECTED, IncidentState.OPEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One person told one thing by one channel: the notification, and every attempt at it, oldest first.

    Attributes
    ----------
    channel : Channel or None
        The one that was used, else the one that the duty names.
    text : str or None
        As it was handed over last; None before that.
    """

    id: str
    incident_id: IncidentId
    to: PersonId
    purpose: Purpose
    channel: Channel | None
    state: NotificationState
    created_ns: int
    text: str | None
    attempts: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeSince:
    """A home's mode, since when, and who said so."""

    mode: Mode
    since_ns: int
    by: PersonId


def signal(session: Session, community_id: CommunityId) -> str:
    """A word that is another one as soon as there is something new to show of a community.

    Its number counts all that is decided and configured. What gateways answer takes no turn at the community's lock, so it counts by time.
    """
    number = session.exec(select(CommunityLockRow.number).where(CommunityLockRow.community_id == community_id)).first()
    told_ns = session.exec(select(func.max(col(DeliveryRow.updated_ns))).where(DeliveryRow.community_id == community_id)).one()
    return f"{number or 0}-{told_ns or 0}"


def open_incidents(session: Session, community_id: CommunityId) -> tuple[Incident, ...]:
    """Every open incident but words to the family.

    The gravest first, then what nobody has, who lies longest after a fall, the first; a drill behind everything that is real.
    """
    found = _incidents(session, community_id, IncidentRow.is_open, IncidentRow.story != Story.CARE, order=(col(IncidentRow.number),))
    return tuple(sorted(found, key=_pressing))


def _pressing(one: Incident) -> tuple[bool, int, bool, int, int]:
    return one.story is Story.DRILL, -one.severity.rank, one.state not in _UNOWNED, -lies_s(one.events), one.opened_ns


def suggestion(session: Session, community_id: CommunityId, home: HomeId) -> Incident | None:
    """The word that a home could be armed, if it stands; None if there is none."""
    of_home = (IncidentRow.story == Story.CARE, IncidentRow.subject == home, IncidentRow.kind == EventKind.EVERYBODY_LEFT)
    return next(iter(_incidents(session, community_id, *of_home, IncidentRow.is_open)), None)


def closed_incidents(session: Session, community_id: CommunityId, limit: int) -> tuple[Incident, ...]:
    """Incidents that are over, the one that ended last first; words to the family are none."""
    return _incidents(
        session,
        community_id,
        ~col(IncidentRow.is_open),
        IncidentRow.story != Story.CARE,
        order=(col(IncidentRow.ended_ns).desc(), col(IncidentRow.number).desc()),
        limit=limit,
    )


def ended_since(session: Session, community_id: CommunityId, since_ns: int, limit: int) -> tuple[Incident, ...]:
    """Incidents that ended since a time, the one that ended last first; what is calm needs nobody."""
    return _incidents(
        session,
        community_id,
        ~col(IncidentRow.is_open),
        col(IncidentRow.story).not_in(sorted(CALM)),
        col(IncidentRow.ended_ns) >= since_ns,
        order=(col(IncidentRow.ended_ns).desc(), col(IncidentRow.number).desc()),
        limit=limit,
    )


def incidents_where(session: Session, community_id: CommunityId, *where: Any) -> tuple[Incident, ...]:  # noqa: ANN401  SQL expressions
    """Incidents of which something holds, in the order in which they began."""
    return _incidents(session, community_id, *where, order=(col(IncidentRow.opened_ns), col(IncidentRow.number)))


def incident(session: Session, community_id: CommunityId, incident_id: IncidentId) -> Incident | None:
    """One incident; None if there is none of this id."""
    found = _incidents(session, community_id, IncidentRow.id == incident_id)
    return found[0] if found else None


def tellings(session: Session, community_id: CommunityId, incident_ids: Collection[IncidentId]) -> Mapping[IncidentId, tuple[Telling, ...]]:
    """Who was, or is to be, told of some incidents, oldest first; each of the incidents is there."""
    made = _tellings(
        session,
        community_id,
        col(NotificationRow.incident_id).in_(sorted(incident_ids)),
        order=(col(NotificationRow.created_ns), col(NotificationRow.id)),
    )
    by_incident: dict[IncidentId, list[Telling]] = {one: [] for one in incident_ids}
    for telling in made:
        by_incident[telling.incident_id].append(telling)
    return {one: tuple(told) for one, told in by_incident.items()}


def recipients(session: Session, community_id: CommunityId) -> tuple[PersonId, ...]:
    """Everybody to whom anything was ever to be said, who heard last first."""
    newest = func.max(col(NotificationRow.created_ns))
    people = select(NotificationRow.to_person).where(NotificationRow.community_id == community_id).group_by(NotificationRow.to_person)
    return tuple(PersonId(one) for one in session.exec(people.order_by(newest.desc(), col(NotificationRow.to_person))))


def messages(session: Session, community_id: CommunityId, to: PersonId, limit: int) -> tuple[Telling, ...]:
    """What left, or is just leaving, for one person, newest first."""
    return _tellings(
        session,
        community_id,
        NotificationRow.to_person == to,
        col(NotificationRow.text).is_not(None),
        order=(col(NotificationRow.created_ns).desc(), col(NotificationRow.id).desc()),
        limit=limit,
    )


def modes(session: Session, community_id: CommunityId) -> Mapping[HomeId, ModeSince]:
    """The mode of each home whose mode was ever changed; the others are disarmed."""
    newest = select(func.max(col(ModeChangeRow.number))).where(ModeChangeRow.community_id == community_id).group_by(ModeChangeRow.home_id)
    rows = select(ModeChangeRow).where(ModeChangeRow.community_id == community_id, col(ModeChangeRow.number).in_(newest))
    return {HomeId(row.home_id): ModeSince(mode=Mode(row.mode), since_ns=row.at_ns, by=PersonId(row.by)) for row in session.exec(rows)}


def mode_history(session: Session, community_id: CommunityId, limit: int) -> Mapping[HomeId, tuple[ModeSince, ...]]:
    """The last changes of each home's mode, newest first; a home whose mode was never changed is not among them."""
    of_community = ModeChangeRow.community_id == community_id
    homes = select(col(ModeChangeRow.home_id).label("id")).where(of_community).distinct().subquery()
    other = aliased(ModeChangeRow)
    same = select(other.number).where(other.community_id == community_id, other.home_id == homes.c.id)
    oldest = same.order_by(col(other.number).desc()).offset(limit - 1).limit(1).correlate(homes).scalar_subquery()
    wanted = select(ModeChangeRow).join(homes, homes.c.id == ModeChangeRow.home_id)
    wanted = wanted.where(of_community, col(ModeChangeRow.number) >= func.coalesce(oldest, 0)).order_by(col(ModeChangeRow.number).desc())
    history: dict[HomeId, list[ModeSince]] = {}
    for row in session.exec(wanted):
        since = ModeSince(mode=Mode(row.mode), since_ns=row.at_ns, by=PersonId(row.by))
        history.setdefault(HomeId(row.home_id), []).append(since)
    return {home: tuple(changes) for home, changes in history.items()}


def _incidents(
    session: Session,
    community_id: CommunityId,
    *where: Any,  # noqa: ANN401  SQL expressions
    order: Iterable[Any] = (),
    limit: int | None = None,
) -> tuple[Incident, ...]:
    wanted = select(IncidentRow.body).where(IncidentRow.community_id == community_id, *where).order_by(*order).limit(limit)
    return tuple(_INCIDENT.validate_json(body) for body in session.exec(wanted))


def _tellings(
    session: Session,
    community_id: CommunityId,
    *where: Any,  # noqa: ANN401  SQL expressions
    order: Iterable[Any],
    limit: int | None = None,
) -> tuple[Telling, ...]:
    """Notifications without their bodies, each of which holds a whole incident, and their attempts."""
    columns = (
        col(NotificationRow.id),
        col(NotificationRow.incident_id),
        col(NotificationRow.to_person),
        col(NotificationRow.purpose),
        col(NotificationRow.channel),
        col(NotificationRow.state),
        col(NotificationRow.created_ns),
        col(NotificationRow.text),
    )
    # Of more than four columns SQLModel's `select` knows no type, so the rows are taken as SQLAlchemy gives them.
    wanted = select(*columns).where(NotificationRow.community_id == community_id, *where).order_by(*order).limit(limit)  # type: ignore[call-overload]
    rows = session.exec(wanted).all()
    attempts: dict[str, list[Delivery]] = {row.id: [] for row in rows}
    for delivery in outbox.deliveries(session, community_id, attempts):
        attempts[delivery.notification_id].append(delivery)
    return tuple(_telling(row, attempts[row.id]) for row in rows)


def _telling(row: Any, attempts: list[Delivery]) -> Telling:  # noqa: ANN401  a row of `_tellings`
    used = next((one.channel for one in reversed(attempts) if one.channel), None)
    return Telling(
        id=row.id,
        incident_id=IncidentId(row.incident_id),
        to=PersonId(row.to_person),
        purpose=Purpose(row.purpose),
        channel=used or (Channel(row.channel) if row.channel else None),
        state=NotificationState(row.state),
        created_ns=row.created_ns,
        text=row.text,
        attempts=tuple(attempts),
    )
