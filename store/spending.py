"""What deliveries cost, summed up."""

from dataclasses import dataclass

import sqlalchemy
from sqlmodel import Session, col, func, select

from devices.model import CommunityId
from store.outbox import DeliveryOutcome
from store.tables import DeliveryRow

_TAKEN = col(DeliveryRow.outcome).not_in([DeliveryOutcome.RETRY]) & (
    col(DeliveryRow.provider_id).is_not(None) | col(DeliveryRow.outcome).not_in([DeliveryOutcome.REJECTED])
)
"""What a provider took, or may have taken: it is paid for although it did not arrive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Messages of one community by one gateway.

    Attributes
    ----------
    segments : int
        SMS segments of them; 0 for what has none.
    cost_micro : int
        In millionths of the operator's currency.
    """

    community_id: CommunityId
    gateway: str
    messages: int
    segments: int
    cost_micro: int


def spent_micro(session: Session, community_id: CommunityId, since_ns: int) -> int:
    """What a community's messages have cost since a time."""
    wanted = (col(DeliveryRow.community_id) == community_id, col(DeliveryRow.handed_ns) >= since_ns, _TAKEN)
    return int(session.exec(select(func.coalesce(func.sum(col(DeliveryRow.cost_micro)), 0)).where(*wanted)).one() or 0)


def by_gateway(session: Session, since_ns: int, until_ns: int) -> list[Spent]:
    """What was sent from one time to another, by community and gateway."""
    columns = (
        col(DeliveryRow.community_id),
        col(DeliveryRow.gateway),
        func.count(),
        func.coalesce(func.sum(col(DeliveryRow.segments)), 0),
        func.coalesce(func.sum(col(DeliveryRow.cost_micro)), 0),
    )
    wanted = (col(DeliveryRow.handed_ns) >= since_ns, col(DeliveryRow.handed_ns) < until_ns, col(DeliveryRow.gateway).is_not(None), _TAKEN)
    rows = session.execute(sqlalchemy.select(*columns).where(*wanted).group_by(*columns[:2]).order_by(*columns[:2]))
    return [
        Spent(community_id=CommunityId(community), gateway=gateway or "", messages=count, segments=int(segments), cost_micro=int(cost))
        for community, gateway, count, segments, cost in rows
    ]
