"""What messages cost, and how much a community may spend in a month.

A price is the operator's own figure, for one SMS segment or one call; what no price is known for costs nothing that we know of. What is
over a quota and is not urgent goes by no gateway that costs something. Urgent messages and life safety always go.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from zoneinfo import ZoneInfo

from sqlmodel import Session

from devices.model import NS_PER_S, CommunityId
from incidents.directory import Channel, Severity
from store import spending

MICRO = 1_000_000
"""Costs are kept in millionths of the operator's currency."""

LOOKED_UP_NS = 10 * NS_PER_S
"""A sum is looked up again after this."""

_WARN_AT = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a gateway takes for an SMS segment or a call, to numbers that begin so."""

    gateway: str
    prefix: str = ""
    each_micro: int


class Stage(IntEnum):
    """How much of a quota is used up."""

    WITHIN = 0
    NEARLY = 1
    """Four fifths."""
    OVER = 2


@dataclass(slots=True)
class Spending:
    """Prices and quotas, with what has been spent as far as it was looked up; threads may share it, a sum is kept in one piece.

    Attributes
    ----------
    quotas_micro : dict
        By community, for a calendar month of its own clock; no entry, no quota.
    """

    prices: Sequence[Price] = ()
    quotas_micro: dict[str, int] = field(default_factory=dict)
    _spent: dict[str, tuple[int, int]] = field(default_factory=dict)

    def cost_micro(self, gateway: str, phone_e164: str | None, channel: Channel, segments: int) -> int | None:
        """What a message costs; None where no price is known. Of several prices that of the longest prefix."""
        number = phone_e164 or ""
        fitting = [one for one in self.prices if one.gateway == gateway and number.startswith(one.prefix)]
        price = max(fitting, key=lambda one: len(one.prefix), default=None)
        if price is None:
            return None
        return price.each_micro * (segments if channel is Channel.SMS else 1)

    def stage(self, session: Session, community_id: CommunityId, zone: ZoneInfo, now_ns: int) -> Stage:
        """How much of its quota a community has used up this month."""
        quota = self.quotas_micro.get(community_id)
        if quota is None:
            return Stage.WITHIN
        looked_ns, spent = self._spent.get(community_id, (0, 0))
        if now_ns - looked_ns >= LOOKED_UP_NS:
            spent = spending.spent_micro(session, community_id, month_began_ns(zone, now_ns))
            self._spent[community_id] = now_ns, spent
        return Stage.OVER if spent >= quota else Stage.NEARLY if spent >= _WARN_AT * quota else Stage.WITHIN


def is_refused(severity: Severity, stage: Stage, cost_micro: int | None) -> bool:
    """Whether a message is not sent because there is no money for it."""
    return severity.rank < Severity.URGENT.rank and stage is Stage.OVER and bool(cost_micro)


def month_began_ns(zone: ZoneInfo, now_ns: int) -> int:
    """When the calendar month began, in ns."""
    now = datetime.fromtimestamp(now_ns // NS_PER_S, tz=UTC).astimezone(zone)
    return round(datetime(now.year, now.month, 1, tzinfo=zone).timestamp()) * NS_PER_S
