"""What the providers of mainland China have in common: a wall clock of their own, and an address with our key that they report to."""

import time
from collections.abc import Callable
from itertools import count

from notifier.carrier.phones import Phones
from notifier.carrier.provider import FakeProvider


class MainlandProvider(FakeProvider):
    """One of them, on loopback.

    Attributes
    ----------
    clock
        Its wall clock, s since the epoch.
    phones
        Where messages and calls arrive; None: nothing becomes of them.
    hooks_url
        Where it reports to, without `/hooks/…`; "" is nowhere.
    numbers
        For the names of what it takes.
    """

    def __init__(self, clock: Callable[[], float] = time.time, *, port: int = 0, phones: Phones | None = None, hooks_url: str = "") -> None:
        super().__init__(port=port)
        self.clock = clock
        self.phones = phones
        self.hooks_url = hooks_url
        self.numbers = count(1)

    def now(self) -> float:
        """Its clock, as one that goes on when the clock is changed."""
        return self.clock()

    def reports(self, gateway: str, key: str, report: Callable[[], bytes]) -> None:
        """Post a report to a gateway's hook, as its console would have it: with the key in the address, and as things are then."""
        if self.hooks_url:
            url = f"{self.hooks_url}/hooks/{gateway}?key={key}"
            self.calls_back(lambda: (url, report(), {"Content-Type": "application/json"}))
