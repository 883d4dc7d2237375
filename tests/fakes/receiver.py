"""Somebody's own webhook, which verifies what comes by the code in docs/how-to/gateways.md; and a service behind Apprise."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from notifier.carrier.provider import FakeProvider, Refuse, Reply, Request

_DOCUMENT = Path(__file__).parents[2] / "docs" / "how-to" / "gateways.md"


def documented() -> Callable[..., dict[str, Any] | None]:
    """`received`, as the documentation shows it."""
    (code,) = re.findall(r"```python\n(.*?)```", _DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102  our own documentation
    return names["received"]


class FakeReceiver(FakeProvider):
    """A webhook, on loopback.

    Attributes
    ----------
    secret
        What its owner was given; empty takes everything, as a service behind Apprise does.
    got
        Messages, each once.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self.secret = ""
        self.clock = clock
        self.got: list[Any] = []
        self._received = documented()
        self._seen: set[str] = set()

    @property
    def address(self) -> str:
        return f"{self.url}/a-secret-path"

    def unwelcome(self, request: Request) -> Reply | None:
        if not self.secret:
            return None
        try:
            self._received(self.secret, request.headers, request.body, set(), self.clock())
        except (KeyError, ValueError):
            return Reply(status=401)
        return None

    def is_question(self, request: Request) -> bool:  # noqa: ARG002  nobody asks it
        return False

    def accept(self, request: Request) -> Reply:
        if not self.secret:
            self.got.append(json.loads(request.body))
            return Reply(body=b'{"code": 200}')
        message = self._received(self.secret, request.headers, request.body, self._seen, self.clock())
        if message is not None:
            self.got.append(message)
        return Reply(status=204)

    def refusal(self, refused: Refuse) -> Reply:
        return Reply(status=refused.status)
