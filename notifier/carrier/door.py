"""The door of a fake carrier: what it takes and shows in JSON, and a client of it."""

from typing import Literal

import httpx
import msgspec

from notifier.carrier.phones import Condition

PATIENCE_S = 20.0
"""Longer than the carrier waits for our own answer to what somebody writes back."""


class Wish(msgspec.Struct, forbid_unknown_fields=True):
    """What somebody does with a phone."""

    do: Literal["write", "answer", "hang_up", "press", "turn"]
    text: str = ""
    key: str = ""
    condition: Condition = Condition.ON


class EntryShown(msgspec.Struct):
    """One thing in a phone's memory. `what` is one of `What`."""

    number: int
    at_s: float
    what: str
    text: str
    arrived: bool


class CallShown(msgspec.Struct):
    """A call that a phone is in. `state` is one of `CallState`."""

    state: str
    said: list[str]
    pressed: str


class PhoneShown(msgspec.Struct):
    """A phone, the newest entry last."""

    number: str
    condition: Condition
    entries: list[EntryShown]
    call: CallShown | None


class PhonesShown(msgspec.Struct):
    """Every phone that was ever used; `version` is another one as soon as there is something new."""

    version: int
    phones: list[PhoneShown]


class DoorError(Exception):
    """The carrier is away, or what was wished cannot be done now."""


class Door:
    """A carrier's door, from another process.

    Parameters
    ----------
    url
        Where it is.
    """

    def __init__(self, url: str) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)  # a carrier that ends waits for open connections
        self._client = httpx.Client(base_url=url, timeout=PATIENCE_S, trust_env=False, limits=limits)

    def version(self) -> int:
        """Another one as soon as there is something new; 0 while the carrier is away."""
        try:
            return int(self._ask("GET", "/version").json()["version"])
        except DoorError:
            return 0

    def phones(self) -> dict[str, PhoneShown]:
        """Every phone that was ever used, by its number.

        Raises
        ------
        DoorError
            The carrier is away.
        """
        shown = msgspec.json.decode(self._ask("GET", "/phones").content, type=PhonesShown)
        return {one.number: one for one in shown.phones}

    def wish(self, number: str, wish: Wish) -> None:
        """Do something with a phone.

        Raises
        ------
        DoorError
            It cannot be done now.
        """
        self._ask("POST", f"/phones/{number}", msgspec.json.encode(wish))

    def close(self) -> None:
        """Keep no connection."""
        self._client.close()

    def _ask(self, method: str, path: str, body: bytes = b"") -> httpx.Response:
        try:
            answer = self._client.request(method, path, content=body, headers={"Content-Type": "application/json"})
        except httpx.HTTPError as error:
            raise DoorError(f"the carrier does not answer: {type(error).__name__}") from error
        if answer.is_error:
            raise DoorError(str(answer.json().get("error", answer.status_code)))
        return answer
