"""A community as incidents see it: who may be told by what, who is on duty when, who is told after how long."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from enum import IntEnum, StrEnum
from typing import NewType
from zoneinfo import ZoneInfo

from devices.model import NS_PER_S, CommunityId, Covers, DeviceId, DeviceKind, HomeId, PersonId
from incidents.workdays import Calendar
from rules.kinds import EventKind, Mode
from rules.model import Event
from rules.premises import Hours, RuleId

RosterId = NewType("RosterId", str)
PolicyId = NewType("PolicyId", str)


class Severity(StrEnum):
    """How much it matters; life is life safety."""

    INFO = "info"
    NOTICE = "notice"
    URGENT = "urgent"
    LIFE = "life"

    @property
    def rank(self) -> int:
        """0 (info) to 3 (life)."""
        return _RANK[self]


_RANK = {severity: rank for rank, severity in enumerate(Severity)}


class Role(StrEnum):
    """What a person is to the community."""

    RESIDENT = "resident"
    RELATIVE = "relative"
    GUARD = "guard"
    HOSPITAL = "hospital"
    NEIGHBOUR = "neighbour"
    OFFICER = "officer"
    DISPATCHER = "dispatcher"
    """Sits at the duty desk, and sends others."""
    FIELD_RESPONDER = "field_responder"
    """Goes where they are sent."""
    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"
    """Runs the platform for many communities; is told nothing of its people."""


class Language(StrEnum):
    """Languages people are told in; equal."""

    ZH = "zh"
    """Chinese in simplified characters."""
    ZH_HANT = "zh-Hant"
    """Chinese in traditional characters."""
    EN = "en"


class Recovery(StrEnum):
    """What a wearer's getting up again comes to."""

    NOTE = "note"
    """It stands in the incident, and in whatever is said later."""
    TELL = "tell"
    """Those who were told of the fall are told of it too, once."""
    CANCEL = "cancel"
    """Within the cancel window it is a cancel: nobody is told. Later it is noted."""


class Channel(StrEnum):
    """Ways to reach a person, in the order of fallback (sms, voice, push), then the further ones, which are never fallen back to.

    `device` is what the person wears: it asks "are you all right?", and no step tells anybody by it.
    """

    SMS = "sms"
    VOICE = "voice"
    PUSH = "push"
    EMAIL = "email"
    APPRISE = "apprise"
    WEBHOOK = "webhook"
    DEVICE = "device"


class Weekday(IntEnum):
    """Days as `datetime.weekday` counts them."""

    MON = 0
    TUE = 1
    WED = 2
    THU = 3
    FRI = 4
    SAT = 5
    SUN = 6


class DayKind(StrEnum):
    """Days by the country's calendar: a holiday is a public one or a weekend day that makes up for none; every other day is a workday."""

    WORKDAY = "workday"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A further contact method: where somebody is reached by push, e-mail, Apprise or a webhook.

    Attributes
    ----------
    value : str
        A push subscription, a mail address, an Apprise URL or a webhook's. It may hold secrets: it is in no log, error or `repr`.
    """

    channel: Channel
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Anybody the community knows.

    Attributes
    ----------
    roles : frozenset of Role
        Empty of somebody who was removed: a name in what is over, who is told nothing and may do nothing.
    of : tuple
        Residents this relative (or neighbour) belongs to.
    since, until : date or None
        The first and the last day, by the community's clocks, on which they do; None: no beginning, or no end, is known.
    left_ns : int or None
        When somebody who was looked after moved out or died: since then they have no role, and nobody is told of them.
    channels : tuple of Channel
        Ways this person can be reached: a mobile number gives sms and voice, a fixed line voice only; contacts give the others, and a
        device that can ask gives its wearer `device`.
    addresses : tuple of Address
        Of the further channels, in the file's order; a channel may have several.
    asked_by : tuple of DeviceId
        Devices of theirs that can ask "are you all right?".
    timezone : ZoneInfo or None
        Where the person is, if not in the community's zone: times are told in both.
    quiet : (time, time) or None
        From when to when, in their own zone, what can wait is not told.
    cancel_window_s : int or None
        How long this wearer has to cancel, instead of what the policies say.
    daily : time or None
        When, in their own zone, they want to hear each day how those are to whom they belong.
    day_after : bool
        They want to be asked the day after one of those fell.
    day_after_at : time or None
        When, in their own zone; None is 10 o'clock.
    recovered : Recovery
        What it comes to if this wearer has fallen and walks again.
    """

    id: PersonId
    name: str
    roles: frozenset[Role]
    home: HomeId | None = None
    of: tuple[PersonId, ...] = ()
    since: date | None = None
    until: date | None = None
    left_ns: int | None = None
    language: Language = Language.ZH
    phone_e164: str | None = None
    channels: tuple[Channel, ...] = ()
    addresses: tuple[Address, ...] = ()
    asked_by: tuple[DeviceId, ...] = ()
    timezone: ZoneInfo | None = None
    quiet: tuple[time, time] | None = None
    cancel_window_s: int | None = None
    recovered: Recovery = Recovery.NOTE
    daily: time | None = None
    day_after: bool = False
    day_after_at: time | None = None

    def addresses_of(self, channel: Channel) -> tuple[str, ...]:
        """Where the person is reached by a further channel."""
        return tuple(one.value for one in self.addresses if one.channel is channel)

    def belongs(self, today: date) -> bool:
        """Whether they are a relative, or neighbour, of those they are named as one of: already, and still."""
        return (self.since is None or self.since <= today) and (self.until is None or today <= self.until)


class VisitorKind(StrEnum):
    """Who comes to a home by appointment; a stored value is never renamed."""

    CARER = "carer"
    CLEANER = "cleaner"
    COURIER = "courier"
    GUEST = "guest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Somebody who is known to come, at such times.

    Attributes
    ----------
    last : date or None
        The last day, by the community's clock, on which they do; None: no end is known.
    """

    name: str
    kind: VisitorKind
    hours: Hours
    last: date | None = None

    def is_due(self, at_ns: int, zone: ZoneInfo) -> bool:
        """Whether it is their time."""
        begin_ns, _ = self.hours.span(at_ns, zone)
        day = datetime.fromtimestamp(begin_ns // NS_PER_S, tz=zone).date()
        return begin_ns <= at_ns and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """One dwelling.

    Attributes
    ----------
    access : str or None
        How one gets in, such as who has a key: for those who go there while something is open.
    order : tuple of PersonId
        Which relatives are told first, where they are told in turn; the others come after them, as in the file.
    visitors : tuple of Visitor
        Who is known to come when: what they cause is noted, and nobody is alarmed by it.
    """

    id: HomeId
    building: str = ""
    floor: int | None = None
    address: str | None = None
    access: str | None = None
    occupants: tuple[PersonId, ...] = ()
    order: tuple[PersonId, ...] = ()
    visitors: tuple[Visitor, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedDevice:
    """What texts need of a device."""

    id: DeviceId
    kind: DeviceKind
    home: HomeId | None = None
    wearer: PersonId | None = None
    covers: Covers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRule:
    """What is told of a rule of a community's own.

    Attributes
    ----------
    names : mapping
        What it is called in languages that have a name of their own for it.
    severity : Severity
        How much it matters.
    policy : PolicyId or None
        Who is told; None: as of every rule of the community's own.
    """

    name: str
    names: Mapping[Language, str] = field(default_factory=dict)
    severity: Severity = Severity.NOTICE
    policy: PolicyId | None = None

    def called(self, language: Language) -> str:
        """Its name in a language, else the one that it was given."""
        return self.names.get(language, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Who is on duty on these days, half-open; `until` at or before `since` runs into the next day."""

    responder: PersonId
    days: frozenset[Weekday | DayKind]
    since: time
    until: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Who is on duty once, instead of the shifts: at least one person; half-open, `until` at or before `since` is on the next day."""

    day: date
    since: time
    until: time
    responders: tuple[PersonId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Shifts under a name.

    Attributes
    ----------
    overrides : tuple of Override
        Of two at one time the later one here counts.
    calendar : Calendar or None
        What workdays and holidays are; needed where a shift names them.
    """

    id: RosterId
    shifts: tuple[Shift, ...]
    overrides: tuple[Override, ...] = ()
    calendar: Calendar | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Circumstances at the time at which a step is due; None: any.

    Attributes
    ----------
    since, until : time or None
        Of the day, in the community's zone; `until` at or before `since` is on the next day.
    lies_s : int or None
        Who fell has not got up for so long, as far as is known.
    """

    modes: frozenset[Mode] | None = None
    severities: frozenset[Severity] | None = None
    since: time | None = None
    until: time | None = None
    lies_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Who is told after how many seconds since `open`, and how; `tell` in contract.md's words.

    Attributes
    ----------
    in_turn_s : int
        So long after each other those are told whom the step names, until somebody has it; 0: all at once.
    when : When or None
        Only in these circumstances; in others the step is not there.
    """

    after_s: int
    tell: tuple[str, ...]
    by: tuple[Channel, ...]
    in_turn_s: int = 0
    when: When | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """The last step once more, every so often, so many times."""

    every_s: int
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Who is told when. A snapshot of it lives in each incident.

    Attributes
    ----------
    certain_window_s : int or None
        The cancel window where the evidence is hard: a very sure fall of somebody who has not moved since.
    """

    id: PolicyId
    kinds: frozenset[EventKind]
    steps: tuple[Step, ...]
    cancel_window_s: int = 0
    certain_window_s: int | None = None
    repeat: Repeat | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """One community as incidents and texts need it."""

    community_id: CommunityId
    name: str
    timezone: ZoneInfo
    language: Language
    people: Mapping[PersonId, Person]
    homes: Mapping[HomeId, Home]
    devices: Mapping[DeviceId, NamedDevice] = field(default_factory=dict)
    rosters: Mapping[RosterId, Roster] = field(default_factory=dict)
    policies: tuple[Policy, ...] = ()
    rules: Mapping[RuleId, NamedRule] = field(default_factory=dict)

    def rule(self, event: Event) -> NamedRule | None:
        """The rule of the community's own that found an event; None of any other, and where it is not there any more."""
        return self.rules.get(RuleId(event.cause)) if event.kind is EventKind.CUSTOM else None

    def policy_of(self, event: Event) -> Policy | None:
        """The policy for an event: its own rule's, else the one for its kind, if any. A drill goes by what would be told of a fall."""
        if event.kind is EventKind.DRILL:
            return self.policy(EventKind.FALL)
        rule = self.rule(event)
        named = None if rule is None else next((policy for policy in self.policies if policy.id == rule.policy), None)
        return named or self.policy(event.kind)

    def today(self, now_ns: int) -> date:
        """The day that it is there."""
        return datetime.fromtimestamp(now_ns // NS_PER_S, tz=self.timezone).date()

    def person_at(self, person_id: PersonId, now_ns: int) -> Person | None:
        """Somebody as they count at a time: before their first day as a relative or neighbour, and after their last, they are none."""
        person = self.people.get(person_id)
        if person is None or person.belongs(self.today(now_ns)):
            return person
        return replace(person, roles=person.roles - {Role.RELATIVE, Role.NEIGHBOUR}, of=())

    def policy(self, kind: EventKind) -> Policy | None:
        """The one policy for a kind, if any."""
        return next((policy for policy in self.policies if kind in policy.kinds), None)
