"""What a gateway is, what it is given, and what it answers.

Errors
------
GatewayError
├── GatewaySettingsError   what it needs to know is missing or wrong
└── GatewayAwayError       it cannot be asked now
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from devices.model import CommunityId
from incidents.directory import Channel, Person
from store.outbox import DeliveryOutcome

SEND_S = 20.0
"""Longest time that `Gateway.send` may take: what takes longer may be looked up by somebody else before it has arrived."""


class GatewayError(Exception):
    """Base of this package's errors."""


class GatewaySettingsError(GatewayError):
    """What a gateway needs to know is missing or wrong; one line for whoever set it up."""


class GatewayAwayError(GatewayError):
    """The gateway cannot be asked now. Says nothing about what it has done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A notification as it goes to a gateway, each attempt at it alike.

    Attributes
    ----------
    notification_id : str
        Known once in its community.
    created_ns : int
        When it was written: no attempt was made before.
    until_ns : int or None
        Of a question to the wearer: until when an answer is waited for.
    """

    community_id: CommunityId
    notification_id: str
    person: Person
    channel: Channel
    text: str
    created_ns: int
    until_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of an attempt, as far as the gateway can say.

    Attributes
    ----------
    outcome : DeliveryOutcome
        `accepted` and `delivered`: it has it. `retry`: it certainly has not, and may take it later. `rejected`: it never will.
        `unknown`: it may have it.
    provider_id : str or None
        Its name for it there.
    code : str or None
        Its word for why not.
    """

    outcome: DeliveryOutcome
    provider_id: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How something that was accepted fares, in the provider's words."""

    word: str
    code: str | None = None


class Gateway(Protocol):
    """A way out to people. Called from several threads at once; nothing but `GatewayAwayError` is raised, where it is named."""

    @property
    def name(self) -> str:
        """Kept with each delivery; stays the same for ever."""

    @property
    def channels(self) -> frozenset[Channel]:
        """What it serves."""

    @property
    def outcomes(self) -> Mapping[str, DeliveryOutcome]:
        """What its status words come to; other words are no news."""

    @property
    def settles_ns(self) -> int:
        """So long after an attempt what it made may not yet be found by `look_up`."""

    def send(self, outgoing: Outgoing, now_ns: int) -> Answer:
        """Attempt it once, in at most `SEND_S`."""

    def look_up(self, outgoing: Outgoing) -> Sequence[Answer]:
        """What the provider has that may be an earlier attempt at this, oldest first; nothing if it has none.

        Raises
        ------
        GatewayAwayError
            It cannot say.
        """

    def status(self, provider_id: str) -> Status:
        """How something that was accepted fares.

        Raises
        ------
        GatewayAwayError
            It cannot say.
        """
