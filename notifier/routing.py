"""Which gateway takes a notification: by channel, country, language, severity, and by how the gateways fare.

`Routes` says in which order gateways come into question, `Breakers` which of them are passed over for a while. A gateway that is passed
over is still asked where there is no other: a message that may not arrive is better than none.
"""

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from devices.model import NS_PER_S
from incidents.directory import Channel, Language, Person, Severity
from notifier.gateways.model import Gateway
from notifier.holding import Queues
from notifier.spending import Spending
from store.links import Links

FAILURES = 5
"""A gateway that failed so often, one after the other, is passed over."""

PASSED_OVER_NS = 30 * NS_PER_S
"""For so long; then one more failure is enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What is to go by which gateway. Of several that fit the earlier one comes first.

    Attributes
    ----------
    gateway : str
        Its name.
    channels, languages, severities : frozenset
        Of these; empty: of all.
    prefix : str
        Numbers that begin so, in E.164: `+86`; empty: all, also people without a number.
    """

    gateway: str
    channels: frozenset[Channel] = frozenset()
    prefix: str = ""
    languages: frozenset[Language] = frozenset()
    severities: frozenset[Severity] = frozenset()

    def fits(self, channel: Channel, person: Person, severity: Severity) -> bool:
        """Whether it is for such a notification."""
        return (
            (not self.channels or channel in self.channels)
            and (person.phone_e164 or "").startswith(self.prefix)
            and (not self.languages or person.language in self.languages)
            and (not self.severities or severity in self.severities)
        )


@dataclass(slots=True)
class _Course:
    failures: int = 0
    until_ns: int = 0


@dataclass(slots=True)
class Breakers:
    """How gateways fare, as far as this process has seen. May be used by several threads."""

    _courses: dict[str, _Course] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def heard(self, gateway: str, now_ns: int, *, is_ill: bool) -> bool:
        """Take note of how an attempt went; whether the gateway is passed over from now on, and was not before."""
        with self._turn:
            course = self._courses.setdefault(gateway, _Course())
            if not is_ill:
                course.failures, course.until_ns = 0, 0
                return False
            course.failures += 1
            was_open = now_ns < course.until_ns
            if course.failures >= FAILURES:
                course.until_ns = now_ns + PASSED_OVER_NS
            return course.failures >= FAILURES and not was_open

    def is_open(self, gateway: str, now_ns: int) -> bool:
        """Whether a gateway is passed over now."""
        with self._turn:
            return now_ns < self._courses.get(gateway, _Course()).until_ns

    def choice(self, candidates: Sequence[Gateway], failed: Collection[str], now_ns: int) -> Gateway | None:
        """The first candidate that is well and has not failed at this; else one that has not failed, else that is well, else the first."""
        ranked = sorted(candidates, key=lambda one: (one.name in failed, self.is_open(one.name, now_ns)))  # stable
        return ranked[0] if ranked else None


class Routes:
    """The gateways there are, in the order in which they come into question.

    Parameters
    ----------
    gateways
        Known once by name.
    routes
        Where none fits, the gateways come in their own order: so it is with none at all.
    links
        By which people answer; None where nobody reaches us.
    spending
        What they cost, and who may spend how much.
    """

    def __init__(
        self,
        gateways: Sequence[Gateway],
        routes: Sequence[Route] = (),
        links: Links | None = None,
        spending: Spending | None = None,
    ) -> None:
        self.links = links
        self.gateways = {gateway.name: gateway for gateway in gateways}
        self.breakers = Breakers()
        self.queues = Queues()
        self.spending = spending or Spending()
        self._routes = tuple(routes)

    def candidates(self, channel: Channel, person: Person, severity: Severity) -> tuple[Gateway, ...]:
        """Gateways that reach this person by the channel, the first choice first."""
        serving = [
            gateway
            for gateway in self.gateways.values()
            if channel in gateway.channels and gateway.capabilities.serves.covers(person.phone_e164)
        ]
        names = [route.gateway for route in self._routes if route.fits(channel, person, severity)]
        if not names:
            return tuple(serving)
        return tuple(gateway for name in dict.fromkeys(names) for gateway in serving if gateway.name == name)
