"""What is held back, until when and why: quiet hours, and how much anybody is sent in a while.

Life safety is never held back. What was given to a gateway once is not held back any more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from devices.model import NS_PER_S
from incidents.directory import Channel, Person, Severity

WAITS_AT_NIGHT = Severity.URGENT
"""Below this severity a notification waits for the end of the recipient's quiet hours."""

WORTHLESS_NS = 24 * 3600 * NS_PER_S
"""What is not urgent and could not be told for so long is not told any more: it stands in the app."""


class Held(StrEnum):
    """Why a notification waits."""

    QUIET_HOURS = "quiet_hours"
    RECIPIENT_LIMIT = "recipient_limit"
    COMMUNITY_LIMIT = "community_limit"


class Per(StrEnum):
    """Whose messages are counted."""

    RECIPIENT = "recipient"
    COMMUNITY = "community"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most so many in so long a time.

    Attributes
    ----------
    channel : Channel or None
        Counted by this channel alone; None: by all.
    """

    per: Per
    channel: Channel | None
    most: int
    within_s: float

    @property
    def held(self) -> Held:
        """What it is called."""
        return Held(f"{self.per}_limit")


LIMITS: tuple[Limit, ...] = (
    Limit(per=Per.RECIPIENT, channel=Channel.SMS, most=5, within_s=60),
    Limit(per=Per.RECIPIENT, channel=Channel.SMS, most=20, within_s=3600),
    Limit(per=Per.RECIPIENT, channel=Channel.VOICE, most=2, within_s=60),
    Limit(per=Per.RECIPIENT, channel=Channel.VOICE, most=6, within_s=3600),
    Limit(per=Per.RECIPIENT, channel=None, most=60, within_s=3600),
    Limit(per=Per.COMMUNITY, channel=Channel.VOICE, most=60, within_s=60),
    Limit(per=Per.COMMUNITY, channel=None, most=600, within_s=60),
)
"""Of everything that is not life safety. A person who gets more than this reads none of it; a community that sends more has a fault that
should not be felt by the others."""

Nth = Callable[[Limit], int | None]
"""When the `most`-th newest of the messages that a limit counts was handed over, ns; None if there are fewer."""


def held(channel: Channel, severity: Severity, nth: Nth, now_ns: int) -> tuple[int, Held] | None:
    """Until when a notification waits that quiet hours do not hold, in ns, and why; None if it need not. `nth` looks a limit up."""
    if severity is Severity.LIFE:
        return None
    found = []
    for limit in LIMITS:
        if limit.channel in {None, channel} and (handed_ns := nth(limit)) is not None:
            until_ns = handed_ns + round(limit.within_s * NS_PER_S)
            if until_ns > now_ns:
                found.append((until_ns, limit.held))
    return max(found, default=None, key=lambda one: one[0])


def asleep(person: Person, severity: Severity, zone: ZoneInfo, now_ns: int) -> int | None:
    """Until when a notification waits for the end of quiet hours, in ns; None if it need not. `zone` is the community's."""
    if severity.rank >= WAITS_AT_NIGHT.rank or person.quiet is None:
        return None
    return quiet_until_ns(*person.quiet, person.timezone or zone, now_ns)


def quiet_until_ns(since: time, until: time, zone: ZoneInfo, now_ns: int) -> int | None:
    """When the quiet hours that it is in end; None if it is in none. Half-open; `until` at or before `since` is on the next day."""
    now = datetime.fromtimestamp(now_ns // NS_PER_S, tz=UTC).astimezone(zone)
    for day in (now.date() - timedelta(days=1), now.date()):
        begin = datetime.combine(day, since, zone)
        end = datetime.combine(day if until > since else day + timedelta(days=1), until, zone)
        if begin.timestamp() <= now.timestamp() < end.timestamp():
            return round(end.timestamp()) * NS_PER_S
    return None


def is_too_late(severity: Severity, created_ns: int, now_ns: int) -> bool:
    """Whether a notification that nobody has been given yet is not worth anything any more."""
    return severity.rank < WAITS_AT_NIGHT.rank and now_ns - created_ns > WORTHLESS_NS
