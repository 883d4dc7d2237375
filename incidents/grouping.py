"""Which events share an incident, and how much each matters. The tables are contract.md's, "What the words decide", 1 to 3."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from devices.model import NS_PER_MS, NS_PER_S
from incidents.directory import Directory, Severity
from incidents.model import Story
from rules.kinds import EventKind
from rules.model import Cleared, Event

SEVERITY = {
    EventKind.FALL: Severity.LIFE,
    EventKind.LONG_LIE: Severity.LIFE,
    EventKind.SOS: Severity.LIFE,
    EventKind.DURESS: Severity.LIFE,
    EventKind.INACTIVITY: Severity.LIFE,
    EventKind.INTRUSION: Severity.URGENT,
    EventKind.CROSS: Severity.URGENT,
    EventKind.APPROACH: Severity.URGENT,
    EventKind.EXIT: Severity.URGENT,
    EventKind.ABSENT: Severity.URGENT,
    EventKind.WANDERING: Severity.URGENT,
    EventKind.NO_RETURN: Severity.URGENT,
    EventKind.LEFT_OPEN: Severity.NOTICE,
    EventKind.ENTER: Severity.NOTICE,
    EventKind.DWELL: Severity.NOTICE,
    EventKind.OFFLINE: Severity.NOTICE,
    EventKind.TAMPER: Severity.NOTICE,
    EventKind.OUTAGE: Severity.NOTICE,
    EventKind.CUSTOM: Severity.NOTICE,
    EventKind.LOW_BATTERY: Severity.INFO,
    EventKind.STUCK: Severity.INFO,
    EventKind.CLOCK: Severity.INFO,
    EventKind.IMPLAUSIBLE: Severity.INFO,
    EventKind.NOT_WORN: Severity.INFO,
    EventKind.RECOVERED: Severity.INFO,
    EventKind.EVERYBODY_LEFT: Severity.INFO,
    EventKind.DAILY: Severity.INFO,
    EventKind.REACHABILITY: Severity.INFO,
    EventKind.SILENCE: Severity.INFO,
    EventKind.DRILL: Severity.URGENT,
}
"""How much each kind matters."""

STORY = {
    EventKind.FALL: Story.DISTRESS,
    EventKind.LONG_LIE: Story.DISTRESS,
    EventKind.RECOVERED: Story.DISTRESS,
    EventKind.SOS: Story.DISTRESS,
    EventKind.DURESS: Story.DISTRESS,
    EventKind.INACTIVITY: Story.DISTRESS,
    EventKind.APPROACH: Story.PERIMETER,
    EventKind.CROSS: Story.PERIMETER,
    EventKind.INTRUSION: Story.PERIMETER,
    EventKind.EXIT: Story.ABSENCE,
    EventKind.ABSENT: Story.ABSENCE,
    EventKind.WANDERING: Story.ABSENCE,
    EventKind.NO_RETURN: Story.ABSENCE,
    EventKind.ENTER: Story.PRESENCE,
    EventKind.DWELL: Story.PRESENCE,
    EventKind.LEFT_OPEN: Story.LEFT_OPEN,
    EventKind.OFFLINE: Story.FAULT,
    EventKind.LOW_BATTERY: Story.FAULT,
    EventKind.TAMPER: Story.FAULT,
    EventKind.STUCK: Story.FAULT,
    EventKind.CLOCK: Story.FAULT,
    EventKind.IMPLAUSIBLE: Story.FAULT,
    EventKind.NOT_WORN: Story.FAULT,
    EventKind.OUTAGE: Story.OUTAGE,
    EventKind.CUSTOM: Story.CUSTOM,
    EventKind.EVERYBODY_LEFT: Story.CARE,
    EventKind.DAILY: Story.CARE,
    EventKind.REACHABILITY: Story.CARE,
    EventKind.SILENCE: Story.SILENCE,
    EventKind.DRILL: Story.DRILL,
}
"""The story each kind belongs to."""

NOTED_ONLY = frozenset({EventKind.RECOVERED})
"""Noted on an open incident, and opens nothing."""

OPENS_S = 120
"""A long lie of less opens nothing: it is a word on the fall that is open."""

PRESSED = frozenset({EventKind.SOS, EventKind.DURESS})
"""Somebody asks for help: always told, whatever is already going on."""

WINDOWED = frozenset({EventKind.FALL, EventKind.LONG_LIE, EventKind.INACTIVITY})
"""Kinds a wearer may cancel before anybody is told."""

_AFTERWARDS = frozenset({EventKind.LONG_LIE, EventKind.RECOVERED})
"""Kinds that go on from a fall."""

LATE_KINDS = frozenset({EventKind.FALL, *PRESSED})
LATE_NS = 600 * NS_PER_S
"""Such a kind that arrives more than this after it happened says so."""


CERTAIN_SCORE, STILL_G = 0.95, 0.05
"""Hard evidence: a score that the detector gives to hardly anything but falls, and an unrest that is breathing at most."""


class Thread(NamedTuple):
    """What at most one open incident of a community has: its key."""

    story: Story
    subject: str
    rule: str


def thread(fact: Event | Cleared) -> Thread:
    """Where a fact belongs. A community's own rules (kind custom) each have a thread of their own."""
    return Thread(STORY[fact.kind], fact.subject, fact.cause if fact.kind is EventKind.CUSTOM else "")


def severity(event: Event, directory: Directory) -> Severity:
    """How much an event matters: as its kind does, or as a rule of the community's own says."""
    rule = directory.rule(event)
    return SEVERITY[event.kind] if rule is None else rule.severity


def is_late(event: Event) -> bool:
    """Whether a fall or SOS arrived so long after it happened that it must be said."""
    return event.kind in LATE_KINDS and event.known_ns - event.t_ns > LATE_NS


def is_noted_only(event: Event) -> bool:
    """Whether an event is noted on an open incident, and opens nothing."""
    return event.kind in NOTED_ONLY or (event.kind is EventKind.LONG_LIE and 0 < lies_s((event,)) < OPENS_S)


def goes_on(event: Event, events: Iterable[Event]) -> bool:
    """Whether an event only goes on with a fall that is among some events."""
    fall_ms = event.evidence.get("fall_t_ms") if event.kind in _AFTERWARDS else None
    return fall_ms in {one.t_ns // NS_PER_MS for one in events if one.kind is EventKind.FALL}


def aftermath(events: Sequence[Event]) -> Event | None:
    """The newest word on what came after the newest fall: a long lie, or that the wearer is up again; None where nothing is known."""
    newest = max((one for one in reversed(events) if one.kind in _AFTERWARDS), key=lambda one: one.t_ns, default=None)
    fell_ns = max((one.t_ns for one in events if one.kind is EventKind.FALL), default=0)
    return newest if newest is not None and newest.t_ns >= fell_ns else None


def lies_s(events: Sequence[Event]) -> int:
    """How long who fell has not moved, or not got up, as far as is known; 0 where nothing is, or who walks again."""
    newest = aftermath(events)
    if newest is None or newest.kind is not EventKind.LONG_LIE:
        return 0
    said = newest.evidence.get("still_s", newest.evidence.get("down_s", 0))
    return int(said)


def is_certain(event: Event) -> bool:
    """Whether the evidence is hard: very sure, and no movement since."""
    unrest_g = event.evidence.get("unrest_g")
    return event.score >= CERTAIN_SCORE and isinstance(unrest_g, float) and unrest_g <= STILL_G


def still_active(active: frozenset[tuple[EventKind, str]], cleared: Cleared) -> frozenset[tuple[EventKind, str]]:
    """What is left of what has not been cleared.

    Who has come back into (or out of) a place is back for every kind that the place reported; a healthy battery says nothing about a
    tamper switch.
    """
    if STORY[cleared.kind] in {Story.ABSENCE, Story.PRESENCE}:
        return frozenset((kind, cause) for kind, cause in active if cause != cleared.cause)
    return active - {(cleared.kind, cleared.cause)}
