"""Incidents: what they are, and the values that this package answers.

Everything is a frozen value; times are int64 nanoseconds UTC; `now_ns` is an argument everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from devices.model import CommunityId, HomeId, PersonId
from incidents.directory import Channel, Policy, Severity, When
from rules.kinds import EventKind
from rules.model import Event

IncidentId = NewType("IncidentId", str)


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
    CARE = "care"
    """No situation at all: a quiet word to the family, once, that asks for nothing."""
    SILENCE = "silence"
    """Not a situation but the promise of one: somebody works here, and until then nobody is told."""
    DRILL = "drill"
    """No situation either: it is told as a fall would be, and everybody is told that it is none."""


CALM = frozenset({Story.CARE, Story.SILENCE})
"""Stories that nobody needs to take on."""


class Purpose(StrEnum):
    """Why somebody is told: to act, that something changed, how it ended; "are you all right?", to the wearer; or as a mere word."""

    TELL = "tell"
    UPDATE = "update"
    ENDING = "ending"
    ASK = "ask"
    WORD = "word"
    SIGNAL = "signal"
    """To the wearer, by what they wear: help was called, or is coming."""


UNHURRIED = frozenset({Purpose.ENDING, Purpose.ASK, Purpose.WORD, Purpose.SIGNAL})
"""Purposes for which nobody waits for `delivered`: an ending or a word is worth no call, what a device says goes nowhere else."""


class Signal(StrEnum):
    """What a wearer's device shows; a stored value is never renamed."""

    CALLED = "called"
    COMING = "coming"
    OVER = "over"


class Do(StrEnum):
    """What a responder can do."""

    ACKNOWLEDGE = "acknowledge"
    ON_SCENE = "on_scene"
    RESOLVE = "resolve"
    FALSE_ALARM = "false_alarm"
    DECLINE = "decline"
    """I cannot: the next one is told at once."""
    HAND_OVER = "hand_over"
    """Somebody else is asked to take it; until they do, it stays with who has it."""


class Reason(StrEnum):
    """What was found where something was ended; a stored value is never renamed."""

    HELPED = "helped"
    AMBULANCE = "ambulance"
    WELL = "well"
    """Somebody looked, and all was well."""
    MENDED = "mended"
    DEVICE = "device"
    """The device was wrong."""
    MISHAP = "mishap"
    """It was dropped or knocked, or pressed by mistake."""
    EXPECTED = "expected"
    """Such as a visitor, or a cleaner."""
    DRILL = "drill"
    OTHER = "other"


REASONS: Mapping[Do, tuple[Reason, ...]] = {
    Do.RESOLVE: (Reason.HELPED, Reason.WELL, Reason.AMBULANCE, Reason.MENDED, Reason.OTHER),
    Do.FALSE_ALARM: (Reason.MISHAP, Reason.DEVICE, Reason.EXPECTED, Reason.DRILL, Reason.OTHER),
}
"""What can be said of each ending, the likeliest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A responder's word on what goes on around a subject.

    Attributes
    ----------
    story : Story or None
        Of several that go on, which is meant.
    to : PersonId or None
        Who is asked to take it, of a hand-over.
    reason, text : Reason or None, str
        What was found, of an ending; and in their own words.
    id : str
        Of this word: said again on a bad line, it is the same one. "" of one that is said once.
    """

    by: PersonId
    do: Do
    subject: str
    eta_min: float | None = None
    story: Story | None = None
    to: PersonId | None = None
    reason: Reason | None = None
    text: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Somebody asks for silence about a resident, a home, a device or the whole community.

    Attributes
    ----------
    until_ns : int
        Hard end.
    life : bool
        Also of life safety: the family is told that it is so.
    away : bool
        A resident is somewhere else, as in hospital or with the daughter: what says no more than that they are not at home is not told,
        though it is life safety; a fall or a call for help is. The family is told when it begins and ends.
    """

    by: PersonId
    subject: str
    reason: str
    until_ns: int
    life: bool = False
    away: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """Somebody wants it tried whether help would come if a resident fell now."""

    by: PersonId
    resident: PersonId


class Ended(StrEnum):
    """How a closed incident came to its end."""

    BY_RESPONDER = "by_responder"
    BY_WEARER = "by_wearer"
    RECOVERED = "recovered"
    """The wearer got up again and walked before anybody was told, and wants that to be a cancel."""
    BY_ITSELF = "by_itself"
    ABSORBED = "absorbed"
    """It is part of a greater one now."""
    UNANSWERED = "unanswered"
    CALLED_OFF = "called_off"
    """A drill gave way to something real."""
    GONE = "gone"
    """Whom it was about moved out or died: nobody is told."""


class Due(StrEnum):
    """What an incident's due row is for; of two at one time the earlier one here is acted on first."""

    QUIET = "quiet"
    CANCEL_WINDOW = "cancel_window"
    ACKNOWLEDGEMENT = "acknowledgement"
    STEP = "step"
    REPEAT = "repeat"
    DAY_AFTER = "day_after"
    """Of an incident that is over: the family is asked how it is going."""
    MORNING = "morning"
    """The administrators are told what the night's proof found."""


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
    in_turn_s : int
        Of a step whose people are told one after the other: how far apart.
    had : tuple of PersonId
        Who have had their turn, or were asked; by name, because a shift may change between two turns.
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
    had: tuple[PersonId, ...] = ()
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
    left_out : tuple of PersonId
        Everybody whom a drill spares: a hospital's desk.
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
    handed_to : PersonId or None
        Who was asked to take it, and has said nothing yet.
    reason : Reason or None
        What who ended it found.
    held_ns : int or None
        Until when telling was put off, because somebody asked for silence.
    signal, signals
        What the wearer's device shows, and how often that changed.
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
    left_out: tuple[PersonId, ...] = ()
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
    handed_to: PersonId | None = None
    held_ns: int | None = None
    cancel_pressed_ns: int | None = None
    signal: Signal | None = None
    signals: int = 0
    ended: Ended | None = None
    ended_by: PersonId | None = None
    ended_ns: int | None = None
    reason: Reason | None = None

    @property
    def stands(self) -> str:
        """Where it stands, and with whom: what somebody saw who acts on it."""
        return f"{self.state}/{self.acknowledged_by or ''}"

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
    DAY_AFTER = "day_after"
    """Somebody fell yesterday: how are they?"""
    HANDED_OVER = "handed_over"
    """To whom is asked to take it."""


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
