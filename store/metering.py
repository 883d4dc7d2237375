"""What each community takes up: devices, people, messages, money, room."""

from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from devices.model import CommunityId
from store import spending
from store.spending import Spent
from store.tables import CommunityVersionRow, EntryRow, EventRow, IncidentRow, NotificationRow, PhotoRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """One community within a time.

    Attributes
    ----------
    messages, segments : int
        What providers took, and SMS segments of it.
    cost_micro : int
        In millionths of the operator's currency.
    stored_bytes : int
        Characters of text and bytes of pictures in the database: its versions, incidents, timelines, events,
        messages, photos. Not its part of the log, which is everybody's and bounded (`log_gib`).
    """

    community_id: CommunityId
    messages: int
    segments: int
    cost_micro: int
    stored_bytes: int


def metered(session: Session, community_id: CommunityId, since_ns: int, until_ns: int, spent: list[Spent] | None = None) -> Metered:
    """What one community takes up; `spent` is that of the time, where several are asked about."""
    every = spending.by_gateway(session, since_ns, until_ns) if spent is None else spent
    own = [one for one in every if one.community_id == community_id]
    return Metered(
        community_id=community_id,
        messages=sum(one.messages for one in own),
        segments=sum(one.segments for one in own),
        cost_micro=sum(one.cost_micro for one in own),
        stored_bytes=_stored(session, community_id),
    )


def _stored(session: Session, community_id: CommunityId) -> int:
    kept = (
        (CommunityVersionRow.community_id, CommunityVersionRow.document),
        (IncidentRow.community_id, IncidentRow.body),
        (EntryRow.community_id, EntryRow.body),
        (EventRow.community_id, EventRow.evidence),
        (NotificationRow.community_id, NotificationRow.body),
        (PhotoRow.community_id, PhotoRow.content),
    )
    sums = (select(func.coalesce(func.sum(func.length(col(what))), 0)).where(whose == community_id) for whose, what in kept)
    return sum(int(session.exec(one).one()) for one in sums)
