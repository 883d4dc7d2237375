"""Telling the operator what only the operator can mend: no money at a provider, wrong credentials, a gateway that fails, a quota used up.

By Apprise and not by our own gateways, because those are what is broken. Each trouble is told once in `AGAIN_NS`, whatever restarts
meanwhile; it stands in the log anyway.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Self

import structlog

from devices.model import NS_PER_S
from notifier.gateways.apprise import is_service, notify
from notifier.gateways.model import GatewaySettingsError
from store import paging
from store.outbox import DeliveryOutcome
from store.session import Database

AGAIN_NS = 3600 * NS_PER_S
"""A trouble that lasts is told again after this."""


class Trouble(StrEnum):
    """What the operator is told."""

    REFUSED = "refused"
    """A gateway refuses for a reason that only the operator can mend."""
    FAILING = "failing"
    """A gateway fails again and again."""
    QUOTA_NEARLY = "quota_nearly"
    QUOTA_OVER = "quota_over"


_WORDS: Mapping[Trouble, tuple[str, str]] = MappingProxyType(
    {
        Trouble.REFUSED: ("网关 {about} 需要您处理：{more}。", "Gateway {about} needs you: {more}."),
        Trouble.FAILING: (
            "网关 {about} 连续失败（{more}），能走其他线路的先走其他线路。",
            "Gateway {about} keeps failing ({more}). Others are used where there are any.",
        ),
        Trouble.QUOTA_NEARLY: (
            "小区 {about} 本月的短信和电话费用已用到八成。",
            "Community {about} has spent four fifths of what it may this month.",
        ),
        Trouble.QUOTA_OVER: (
            "小区 {about} 本月的短信和电话费用已用完，不紧急的不再发送，紧急的和人身安全照发。",
            "Community {about} has spent all that it may this month. What is not urgent is not sent any more; the rest still is.",
        ),
    }
)
"""In Chinese and in English: who the operator is, nobody knows."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pager:
    """Where the operator is told.

    Attributes
    ----------
    urls : tuple of str
        Apprise URLs; none at all: the log only.
    clock
        Now, in ns.
    """

    urls: tuple[str, ...] = field(default=(), repr=False)
    database: Database
    clock: Callable[[], int]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], database: Database, clock: Callable[[], int]) -> Self:
        """ANJU_OPERATOR: Apprise URLs with spaces between them; not needed.

        Raises
        ------
        GatewaySettingsError
            One of them is none.
        """
        urls = tuple(environment.get("ANJU_OPERATOR", "").split())
        for number, url in enumerate(urls, 1):
            if not is_service(url):
                raise GatewaySettingsError(f"ANJU_OPERATOR: the URL at place {number} is not shown, and is none of Apprise's")
        return cls(urls=urls, database=database, clock=clock)

    def tell(self, trouble: Trouble, about: str, more: str = "") -> bool:
        """Tell a trouble, if it was not told of late; whether it was told now.

        It is written down before it is told: whoever dies in between tells it in an hour, and nobody is told twice.
        """
        with self.database.write() as session:
            is_due = paging.claim(session, trouble, about, self.clock(), AGAIN_NS)
        if not is_due:
            return False
        body = "\n".join(line.format(about=about, more=more) for line in _WORDS[trouble])
        taken = [notify(url, body).outcome is DeliveryOutcome.ACCEPTED for url in self.urls]
        if not taken or not all(taken):
            _log.error("operator.not_told", trouble=trouble, about=about, ways=len(self.urls))
            return False
        _log.info("operator.told", trouble=trouble, about=about)
        return True
