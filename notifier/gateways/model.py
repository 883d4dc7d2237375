"""What a gateway is, what it can do, what it is given, and what it answers.

Errors
------
GatewayError
├── GatewaySettingsError   what it needs to know is missing or wrong
├── GatewayAwayError       it cannot be asked now
└── ForgedReceiptError     a receipt does not come from the provider
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from devices.model import AnjuError, CommunityId
from incidents.directory import Channel, Language, Person
from incidents.model import IncidentId, Signal
from notifier.messages import Button
from store.outbox import DeliveryOutcome

SEND_S = 20.0
"""Longest time that `Gateway.send` may take: what takes longer may be looked up by somebody else before it has arrived."""


class GatewayError(AnjuError):
    """Base of this package's errors."""


class GatewaySettingsError(GatewayError):
    """What a gateway needs to know is missing or wrong; one line for whoever set it up."""


class GatewayAwayError(GatewayError):
    """The gateway cannot be asked now. Says nothing about what it has done."""


class ForgedReceiptError(GatewayError):
    """What came to a hook is not signed by the provider, or cannot be read. Nothing in it is believed."""


class InDoubt(StrEnum):
    """What may be done about an attempt of which nobody knows whether it got through."""

    LOOK_UP = "look_up"
    """The provider says whether it has it: what it does not have is sent again."""
    FOUND_ONLY = "found_only"
    """The provider may say that it has it, and never that it has not: it is not sent again."""
    SEND_AGAIN = "send_again"
    """Whoever gets it twice knows it by its id, and shows it once."""
    LEAVE = "leave"
    """Nobody can be asked: it is not sent again."""


class Per(StrEnum):
    """What a limit is counted by."""

    NUMBER = "number"
    """The recipient."""
    TEMPLATE = "template"
    TEXT = "text"
    """The same words."""
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What a provider lets through at most.

    Attributes
    ----------
    count : int
        Messages or calls in `period_s`.
    per : frozenset of Per
        Counted for each of these together: of `{number, template}` each template to each number has its own count.
    source : str
        Where the provider says so.
    """

    count: int
    period_s: int
    per: frozenset[Per]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """To whom something is possible.

    Attributes
    ----------
    prefixes : tuple of str
        Numbers in E.164 that begin so; an empty string is everybody, also people without a number. None at all is nobody.
    but : tuple of str
        Except those that begin so.
    """

    prefixes: tuple[str, ...] = ("",)
    but: tuple[str, ...] = ()

    def covers(self, phone_e164: str | None) -> bool:
        """Whether somebody with this number is meant."""
        number = phone_e164 or ""
        return number.startswith(self.prefixes) and not (self.but and number.startswith(self.but))


EVERYBODY, NOBODY = Reach(), Reach(prefixes=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """What may stand in the variables of a template that a provider has approved.

    Attributes
    ----------
    characters : int
        Most in one variable.
    source : str
        Where the provider says so.
    """

    characters: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a gateway can do: data for whoever chooses between gateways.

    Attributes
    ----------
    channels : frozenset of Channel
        What it serves.
    serves : Reach
        Whom it can reach.
    reply, link, keys : Reach
        Who can answer by writing back, by opening a link in the text, by pressing a key.
    longest : int or None
        Most UTF-16 units of a text; None: as long as texts get.
    slots : Slots or None
        Where texts go into approved templates.
    limits : tuple of Limit
        The provider's own.
    in_doubt : InDoubt
        What is done about an attempt whose end is unknown.
    receipts : bool
        It says by itself, or when asked by `status`, that something was delivered. Otherwise `accepted` is all that is ever known.
    """

    channels: frozenset[Channel]
    serves: Reach = EVERYBODY
    reply: Reach = NOBODY
    link: Reach = NOBODY
    keys: Reach = NOBODY
    longest: int | None = None
    slots: Slots | None = None
    limits: tuple[Limit, ...] = ()
    in_doubt: InDoubt
    receipts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A request that a provider made at our public address.

    Attributes
    ----------
    url : str
        Exactly as the provider was given it, with its query: a signature covers that.
    headers : mapping
        Names in lower case.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a provider says by itself of something that it accepted: for `store.outbox.keep_receipt`."""

    provider_id: str = field(repr=False)
    word: str
    code: str | None = None


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
        Of a question to the wearer: until when an answer is waited for. Of a signal that somebody is coming: by when.
    signal : Signal or None
        What the wearer's device is to show; None of all else.
    incident_id : IncidentId or None
        What can be looked at; None of a mere word.
    buttons : tuple of Button
        With what an app may let them answer at once.
    """

    community_id: CommunityId
    notification_id: str
    person: Person
    channel: Channel
    text: str = field(repr=False)
    created_ns: int
    until_ns: int | None = None
    signal: Signal | None = None
    incident_id: IncidentId | None = None
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of an attempt, as far as the gateway can say.

    Attributes
    ----------
    outcome : DeliveryOutcome
        `accepted` and `delivered`: it has it. `retry`: it certainly has not, and may take it later. `rejected`: it never will.
        `unknown`: it may have it.
    provider_id : str or None
        Its name for it there. Some providers want to be asked with the number, so it may hold one: it is never logged.
    code : str or None
        Its word for why not.
    """

    outcome: DeliveryOutcome
    provider_id: str | None = field(default=None, repr=False)
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
        """What it serves: those of its capabilities."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What somebody said to us: words that they wrote, or a key that they pressed.

    Attributes
    ----------
    phone_e164 : str
        Theirs; empty where only the call is named.
    text : str or None
        What they wrote.
    key : str or None
        What they pressed, during the call `provider_id`.
    """

    phone_e164: str = field(repr=False)
    provider_id: str = field(repr=False)
    text: str | None = field(default=None, repr=False)
    key: str | None = None


class Listening(Protocol):
    """A gateway by which people answer."""

    @property
    def name(self) -> str:
        """The same as the gateway's."""

    def heard(self, hook: Hook) -> Heard | None:
        """What somebody said; None for what is something else, such as a receipt.

        Raises
        ------
        ForgedReceiptError
            It is not the provider's, or cannot be read.
        """

    def said(self, text: str, language: Language) -> str:
        """The XML that the provider is answered with, so that they read or hear this; "" is nothing."""


class Reporting(Protocol):
    """A gateway whose provider calls us to say what became of something."""

    @property
    def name(self) -> str:
        """The same as the gateway's."""

    @property
    def received(self) -> str:
        """What the provider is to be answered, in JSON, so that it does not say it again."""

    def receipts(self, hook: Hook) -> Sequence[Receipt]:
        """What a provider's call says; the same may be said twice, late, and in any order.

        Raises
        ------
        ForgedReceiptError
            It is not the provider's, or cannot be read.
        """
