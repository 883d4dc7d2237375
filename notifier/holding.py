"""What is held back, until when and why: quiet hours, and how much anybody is sent in a while.

Life safety is never held back, and of what a provider lets through a part is kept for it. What was given to a gateway once is not held
back any more.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from devices.model import NS_PER_S
from incidents.directory import Channel, Person, Severity
from notifier.gateways import model as gateways

WAITS_AT_NIGHT = Severity.URGENT
"""Below this severity a notification waits for the end of the recipient's quiet hours."""

WORTHLESS_NS = 24 * 3600 * NS_PER_S
"""What is not urgent and could not be told for so long is not told any more: it stands in the app."""


DEADLINE_NS = 120 * NS_PER_S
"""What is urgent and leaves later than this after it was written says how late it is: people judge by it whether to go or to call."""


class Held(StrEnum):
    """Why a notification waits."""

    QUIET_HOURS = "quiet_hours"
    RECIPIENT_LIMIT = "recipient_limit"
    COMMUNITY_LIMIT = "community_limit"
    PROVIDER_LIMIT = "provider_limit"
    """No gateway that serves it may be given more now."""


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

KEPT_FOR_LIFE = 0.2
"""Of what a provider lets through: nothing that is not life safety may use this part up."""

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


def full_until(limit: gateways.Limit, severity: Severity, nth: Callable[[gateways.Limit], int | None], now_ns: int) -> int | None:
    """Until when a provider's limit lets nothing more through, in ns; None if it does.

    For life safety that is the limit itself, of what goes to one number: an account that is given too much at once delivers it later.
    Everything else has the limit in a longer time, so that there is always room for a fall.
    """
    is_life = severity is Severity.LIFE
    if gateways.Per.TEXT in limit.per or (is_life and gateways.Per.NUMBER not in limit.per):
        return None  # nobody is told the same words twice but by an attempt again
    handed_ns = nth(limit)
    if handed_ns is None:
        return None
    until_ns = handed_ns + round(limit.period_s * NS_PER_S / (1 if is_life else 1 - KEPT_FOR_LIFE))
    return until_ns if until_ns > now_ns else None


@dataclass(slots=True)
class Queues:
    """When what a provider cannot take yet comes to its turn: one after the other, so that each is looked at once and not all at once."""

    _last_ns: dict[str, int] = field(default_factory=dict)

    def turn(self, gateway: gateways.Capabilities, name: str, from_ns: int) -> int:
        """The next free turn at a gateway, from a time on."""
        of_all = [one for one in gateway.limits if one.per == {gateways.Per.ACCOUNT}]
        every_ns = max((round(one.period_s * NS_PER_S / one.count / (1 - KEPT_FOR_LIFE)) for one in of_all), default=0)
        self._last_ns[name] = max(from_ns, self._last_ns.get(name, 0) + every_ns)
        return self._last_ns[name]


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


def late_by_s(severity: Severity, created_ns: int, now_ns: int) -> int:
    """By how much a text that leaves now is to say that it is late, in s; 0 for not at all. What is not urgent waits on purpose."""
    late_ns = now_ns - created_ns
    return late_ns // NS_PER_S if severity.rank >= WAITS_AT_NIGHT.rank and late_ns >= DEADLINE_NS else 0
