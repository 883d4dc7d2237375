"""Incidents: what they are, who may be told, and the values that this package answers.

Everything is a frozen value; times are int64 nanoseconds UTC; `now_ns` is an argument everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from enum import IntEnum, StrEnum
from typing import NewType
from zoneinfo import ZoneInfo

from devices.model import CommunityId, Covers, DeviceId, DeviceKind, HomeId, PersonId
from incidents.workdays import Calendar
from rules.model import Event, EventKind, Mode

IncidentId = NewType("IncidentId", str)
RosterId = NewType("RosterId", str)
PolicyId = NewType("PolicyId", str)


class IncidentState(StrEnum):
    """Where an incident stands; `incidents.lifecycle.TRANSITIONS` says how it moves."""

    SUSPECTED = "suspected"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    ON_SCENE = "on_scene"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"
    FALSE_ALARM = "false_alarm"


CLOSED = frozenset({IncidentState.RESOLVED, IncidentState.CANCELLED, IncidentState.FALSE_ALARM})
TAKEN_ON = CLOSED | {IncidentState.ACKNOWLEDGED, IncidentState.ON_SCENE}
"""States in which nobody needs to be told any more that they should act."""


class Severity(StrEnum):
    """How much it matters; life is life safety."""

    INFO = "info"
    NOTICE = "notice"
    URGENT = "urgent"
    LIFE = "life"

    @property
    def rank(self) -> int:
        """0 (info) to 3 (life)."""
        return list(Severity).index(self)


class Story(StrEnum):
    """Events of one subject and one story share the open incident."""

    DISTRESS = "distress"
    PERIMETER = "perimeter"
    ABSENCE = "absence"
    PRESENCE = "presence"
    LEFT_OPEN = "left_open"
    FAULT = "fault"
    OUTAGE = "outage"
    CUSTOM = "custom"
    SILENCE = "silence"
    """Not a situation but the promise of one: somebody works here, and until then nobody is told."""


class Role(StrEnum):
    """What a person is to the community."""

    RESIDENT = "resident"
    RELATIVE = "relative"
    GUARD = "guard"
    HOSPITAL = "hospital"
    NEIGHBOUR = "neighbour"
    OFFICER = "officer"
    ADMINISTRATOR = "administrator"


class Language(StrEnum):
    """Languages people are told in; equal."""

    ZH = "zh"
    EN = "en"


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


class Purpose(StrEnum):
    """Why somebody is told: to act, that something changed, how it ended; and the wearer, before anybody else: "are you all right?"."""

    TELL = "tell"
    UPDATE = "update"
    ENDING = "ending"
    ASK = "ask"


UNHURRIED = frozenset({Purpose.ENDING, Purpose.ASK})
"""Purposes for which nobody waits for `delivered`: an ending is not worth a call, and a question to the wearer goes nowhere else."""


class Do(StrEnum):
    """What a responder can do."""

    ACKNOWLEDGE = "acknowledge"
    ON_SCENE = "on_scene"
    RESOLVE = "resolve"
    FALSE_ALARM = "false_alarm"


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
class Person:
    """Anybody the community knows.

    Attributes
    ----------
    of : tuple
        Residents this relative (or neighbour) belongs to.
    channels : tuple of Channel
        Ways this person can be reached: a mobile number gives sms and voice, a fixed line voice only; contacts give the others, and a
        device that can ask gives its wearer `device`.
    asked_by : tuple of DeviceId
        Devices of theirs that can ask "are you all right?".
    timezone : ZoneInfo or None
        Where the person is, if not in the community's zone: times are told in both.
    cancel_window_s : int or None
        How long this wearer has to cancel, instead of what the policies say.
    """

    id: PersonId
    name: str
    roles: frozenset[Role]
    home: HomeId | None = None
    of: tuple[PersonId, ...] = ()
    language: Language = Language.ZH
    phone_e164: str | None = None
    channels: tuple[Channel, ...] = ()
    asked_by: tuple[DeviceId, ...] = ()
    timezone: ZoneInfo | None = None
    cancel_window_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """One dwelling."""

    id: HomeId
    building: str = ""
    floor: int | None = None
    address: str | None = None
    occupants: tuple[PersonId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedDevice:
    """What texts need of a device."""

    id: DeviceId
    kind: DeviceKind
    home: HomeId | None = None
    wearer: PersonId | None = None
    covers: Covers | None = None


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
    """

    modes: frozenset[Mode] | None = None
    severities: frozenset[Severity] | None = None
    since: time | None = None
    until: time | None = None


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

    def policy(self, kind: EventKind) -> Policy | None:
        """The one policy for a kind, if any."""
        return next((policy for policy in self.policies if kind in policy.kinds), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A responder's word on what goes on around a subject."""

    by: PersonId
    do: Do
    subject: str
    eta_min: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Somebody asks for silence about a resident, a home, a device or the whole community.

    Attributes
    ----------
    until_ns : int
        Hard end.
    life : bool
        Also of life safety: the family is told that it is so.
    """

    by: PersonId
    subject: str
    reason: str
    until_ns: int
    life: bool = False


class Ended(StrEnum):
    """How a closed incident came to its end."""

    BY_RESPONDER = "by_responder"
    BY_WEARER = "by_wearer"
    BY_ITSELF = "by_itself"
    ABSORBED = "absorbed"
    """It is part of a greater one now."""
    UNANSWERED = "unanswered"


class Due(StrEnum):
    """What an incident's due row is for; of two at one time the earlier one here is acted on first."""

    QUIET = "quiet"
    CANCEL_WINDOW = "cancel_window"
    ACKNOWLEDGEMENT = "acknowledgement"
    STEP = "step"
    REPEAT = "repeat"


Tell = tuple[str, Channel]
"""One target of a step, in contract.md's words, and one channel it is told by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueRow:
    """A duty in time: stored with the incident, acted on by `sweep`.

    Attributes
    ----------
    round, step : int
        Of the notifications that come of it; 0 where they mean nothing.
    times_left : int
        Repeats that are left, this one included; 0 is the end of the wait after the last one.
    tells : tuple of Tell
        Of a step: whom, by what. A row of its own, because a step may wait on under a policy that was replaced.
    in_turn_s, turn : int
        Of a step whose people are told one after the other: how far apart, and how many have had their turn.
    when : When or None
        Circumstances without which the row is dropped.
    """

    at_ns: int
    due: Due
    round: int = 0
    step: int = 0
    times_left: int = 0
    tells: tuple[Tell, ...] = ()
    in_turn_s: int = 0
    turn: int = 0
    when: When | None = None

    @property
    def order(self) -> tuple[int, int, int, int]:
        """What due rows are sorted by."""
        return (self.at_ns, list(Due).index(self.due), self.round, self.step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A situation somebody must take on.

    Attributes
    ----------
    kind : EventKind
        Of the event that opened it; never changes.
    headline : Event
        The event that the newest round of telling is about: what a text says happened.
    active : frozenset of (kind, cause)
        What has not been cleared yet.
    round : int
        Raised by each joining, repeat and re-escalation, so that a notification's id is new.
    rule : str
        Of a community's own rule (kind custom): which one; its incidents do not mix with those of another rule.
    told : tuple of PersonId
        Everybody who was told, in order; they all get the ending.
    skipped : tuple of PersonId
        Everybody who should have been told and has no usable contact method.
    dues : tuple of DueRow
        Ascending.
    paused : tuple of DueRow
        Steps and repeats that an acknowledgement stopped; its expiry brings them back.
    policy : Policy or None
        Snapshot, as it was when the newest round started.
    late : bool
        The headline is a fall or SOS that arrived more than 10 minutes after it happened.
    unanswered : bool
        Nobody took it on: the repeats are over, or it ended by itself before anybody did.
    answered : bool
        Somebody took it on at some time, even if that acknowledgement is void by now.
    acknowledged_by, eta_ns
        Who has it now, and until when that is believed; None while nobody has.
    arrived_by, arrived_ns
        Who was on the scene last, and since when.
    held_ns : int or None
        Until when telling was put off, because somebody asked for silence.
    cancel_pressed_ns : int or None
        When the wearer pressed cancel although the newest round was already being told.
    """

    id: IncidentId
    community_id: CommunityId
    story: Story
    kind: EventKind
    subject: str
    home_id: HomeId | None
    state: IncidentState
    severity: Severity
    opened_ns: int
    headline: Event
    events: tuple[Event, ...]
    active: frozenset[tuple[EventKind, str]] = frozenset()
    rule: str = ""
    round: int = 0
    told: tuple[PersonId, ...] = ()
    skipped: tuple[PersonId, ...] = ()
    dues: tuple[DueRow, ...] = ()
    paused: tuple[DueRow, ...] = ()
    policy: Policy | None = None
    late: bool = False
    unanswered: bool = False
    answered: bool = False
    repeat_of: IncidentId | None = None
    acknowledged_by: PersonId | None = None
    eta_ns: int | None = None
    arrived_by: PersonId | None = None
    arrived_ns: int | None = None
    held_ns: int | None = None
    cancel_pressed_ns: int | None = None
    ended: Ended | None = None
    ended_by: PersonId | None = None
    ended_ns: int | None = None

    @property
    def is_open(self) -> bool:
        """Not resolved, cancelled or a false alarm."""
        return self.state not in CLOSED


class News(StrEnum):
    """What an update is about."""

    EVENT = "event"
    CANCEL_PRESSED = "cancel_pressed"
    RECOVERED = "recovered"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """The duty to tell one person something: what the notifier delivers.

    Attributes
    ----------
    channel : Channel or None
        The channel the step names; None is the one that reached this person (endings and updates to those already told).
    incident : Incident
        As it is when this is said.
    whole_roster : bool
        Nobody was on shift, so everybody on the roster is told, and the text says so.
    """

    incident: Incident
    purpose: Purpose
    step: int
    round: int
    to: PersonId
    channel: Channel | None
    news: News | None = None
    whole_roster: bool = False

    @property
    def id(self) -> str:
        """`incident:purpose:step:round:responder:channel`; a second insert of it is a no-op."""
        return f"{self.incident.id}:{self.purpose}:{self.step}:{self.round}:{self.to}:{self.channel or 'reached'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a fact, an act or a due time: incidents to store in this order, and who is to be told what."""

    incidents: tuple[Incident, ...] = ()
    duties: tuple[Duty, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An act that fits nothing, with the reason in words."""

    reason: str
