"""What a property company is told of a month, or of any other time: how many alarms, how fast they were answered, what was missing.

Pure. An alarm is an incident that somebody has to see to: of any story but a word to the family, a silence, a fault or an outage; and none
that became part of a greater one. Drills are left out: those that were begun as one, what was ended as one, and tests of the chain, which
open no incident. Times are those of the incident's timeline:

raised
    It became `open`: from then on people are told. What the wearer cancelled within the window was never raised.
answered
    The first word of a responder that they see to it: acknowledged, on scene, resolved, or a false alarm. Opening the page or saying "I
    cannot" is no answer.
arrived
    The first word of a responder that they are on the scene.
unanswered
    Nobody answered, and it is over or its repeats are. What is neither answered nor over is waiting.

The target is that of alarm receiving in UK telecare (TSA Quality Standards Framework, monitoring): 97.5 % of alarms answered within 60 s.
It is judged of alarms of severity life or urgent that were answered or are unanswered; and of those that wait for longer than 60 s.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import ceil
from zoneinfo import ZoneInfo

from devices.model import NS_PER_S, DeviceId, PersonId
from incidents.directory import Roster, RosterId, Severity
from incidents.model import CALM, Do, Ended, Incident, IncidentId, IncidentState, Story
from incidents.roster import Span, Stretch, stretches
from incidents.timeline import Entry, EntryKind
from incidents.visitors import is_visit
from rules.kinds import EventKind

TARGET_S = 60
TARGET_SHARE = 0.975
BINS_S = (15, 30, 60, 180, 600)
"""Upper edges of the spans of time in which answers are counted; the last one is open."""

_APART = CALM | {Story.FAULT, Story.OUTAGE, Story.DRILL}
_ANSWERS = frozenset({Do.ACKNOWLEDGE, Do.ON_SCENE, Do.RESOLVE, Do.FALSE_ALARM})
DRILL = "drill"
"""The reason by which somebody says that it was one."""
_PRESSING = frozenset({Severity.LIFE, Severity.URGENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One incident as it was answered; times in ns, None where it did not happen.

    Attributes
    ----------
    opened_ns : int
        When its incident began.
    pressing : bool
        It counts for the target: of severity life or urgent.
    cause : str
        Why it was a false alarm, as whoever ended it said; "" where nobody did.
    """

    id: IncidentId
    kind: EventKind
    device: DeviceId | None
    opened_ns: int
    pressing: bool
    raised_ns: int | None
    answered_ns: int | None
    answered_by: PersonId | None
    arrived_ns: int | None
    ended_ns: int | None
    is_false: bool
    cause: str
    is_unanswered: bool

    @property
    def answer_s(self) -> float | None:
        """How long it took until somebody answered."""
        return None if self.answered_ns is None or self.raised_ns is None else (self.answered_ns - self.raised_ns) / NS_PER_S

    @property
    def arrive_s(self) -> float | None:
        """How long it took until somebody was there."""
        return None if self.arrived_ns is None or self.raised_ns is None else (self.arrived_ns - self.raised_ns) / NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of some alarms.

    Attributes
    ----------
    alarms, raised : int
        All; those that anybody was told of.
    judged, in_time : int
        Those that count for the target, and those of them that were answered within `TARGET_S`.
    answered, arrived, unanswered, waiting, false : int
        See the module.
    answer_median_s, answer_p90_s, arrive_median_s : float or None
        Of those that were answered, or where somebody arrived: nearest rank. None of none.
    answers : tuple of int
        How many answers came within each of `BINS_S` and not the one before, and how many later.
    """

    alarms: int
    raised: int
    judged: int
    in_time: int
    answered: int
    arrived: int
    unanswered: int
    waiting: int
    false: int
    answer_median_s: float | None
    answer_p90_s: float | None
    arrive_median_s: float | None
    answers: tuple[int, ...]

    @property
    def share(self) -> float | None:
        """Of those that count for the target, how many were answered in time: 0 to 1; None of none."""
        return self.in_time / self.judged if self.judged else None

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None where nothing counts for it."""
        return None if self.share is None else self.share >= TARGET_SHARE


@dataclass(frozen=True, slots=True, kw_only=True)
class OfShift:
    """Alarms raised while the same people were on duty at the same times of day.

    Attributes
    ----------
    clock : str
        `08:00–20:00`, of the community's clock.
    responders : tuple of PersonId
        Nobody: a gap.
    times, duty_s : int
        How many such stretches there were, and how long they lasted together.
    """

    roster: RosterId
    clock: str
    responders: tuple[PersonId, ...]
    times: int
    duty_s: int
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of the time somebody of a roster was on duty; gaps ascending, in ns."""

    roster: RosterId
    covered_s: int
    lasting_s: int
    gaps: tuple[Span, ...]

    @property
    def share(self) -> float:
        """Of the time: 0 to 1."""
        return self.covered_s / self.lasting_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Ailing:
    """A device that was faulty.

    Attributes
    ----------
    faults : mapping of EventKind to int
        How often it was, by what.
    down_s : int
        For how long in all, within the time that is reported of; faults at one time count once each.
    is_open : bool
        It still is.
    """

    device: DeviceId
    faults: Mapping[EventKind, int]
    down_s: int
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseAlarms:
    """False alarms of one kind by one device, and why, where somebody said so."""

    kind: EventKind
    device: DeviceId | None
    count: int
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """The rosters that held from one time to another, in ns."""

    since_ns: int
    until_ns: int
    rosters: tuple[Roster, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was, from one time to another, half-open, in ns.

    Attributes
    ----------
    days : tuple of (date, int, int)
        Of each day: alarms raised, and how many of them nobody answered.
    kinds : mapping
        By kind, the most frequent first.
    unanswered : tuple of Alarm
        Ascending by time.
    """

    since_ns: int
    until_ns: int
    all: Figures
    days: tuple[tuple[date, int, int], ...]
    kinds: Mapping[EventKind, Figures]
    shifts: tuple[OfShift, ...]
    false: tuple[FalseAlarms, ...]
    unanswered: tuple[Alarm, ...]
    coverage: tuple[Coverage, ...]
    devices: tuple[Ailing, ...]


Known = tuple[Incident, Sequence[Entry]]
"""An incident as it is now, and its timeline in order."""


def report(known: Iterable[Known], duties: Sequence[Duty], span: Span, zone: ZoneInfo, now_ns: int) -> Report:
    """What was, from one time to another.

    Parameters
    ----------
    known
        Incidents that began in that time, and faults that were there in it; others are left out.
    duties
        Which rosters held when: ascending, without a break, within the span.
    span
        From and to, half-open, in ns. What lies ahead of `now_ns` is not reported of.
    """
    since_ns, until_ns = span[0], max(span[0], min(span[1], now_ns))
    incidents = list(known)
    alarms = sorted(
        (alarm(one, entries) for one, entries in incidents if is_alarm(one, entries) and since_ns <= one.opened_ns < until_ns),
        key=lambda one: (one.opened_ns, one.id),
    )
    kinds: defaultdict[EventKind, list[Alarm]] = defaultdict(list)
    for one in alarms:
        kinds[one.kind].append(one)
    return Report(
        since_ns=since_ns,
        until_ns=until_ns,
        all=figures(alarms, now_ns),
        days=_days(alarms, since_ns, until_ns, zone),
        kinds={kind: figures(each, now_ns) for kind, each in sorted(kinds.items(), key=lambda one: (-len(one[1]), one[0]))},
        shifts=_shifts(alarms, duties, until_ns, zone, now_ns),
        false=_false(alarms),
        unanswered=tuple(one for one in alarms if one.is_unanswered),
        coverage=_coverage(duties, until_ns, zone),
        devices=_ailing((one for one, _ in incidents), since_ns, until_ns),
    )


def is_alarm(incident: Incident, entries: Iterable[Entry]) -> bool:
    """Whether somebody had to see to it."""
    is_drill = any(entry.detail.get("reason") == DRILL for entry in entries if entry.kind is EntryKind.STATE)
    return incident.story not in _APART and incident.ended is not Ended.ABSORBED and not is_drill and not is_visit(incident)


def alarm(incident: Incident, entries: Iterable[Entry]) -> Alarm:
    """How an incident was answered, by its timeline."""
    raised_ns = answered_ns = arrived_ns = answered_by = None
    cause = ""
    for entry in entries:
        if entry.kind is EntryKind.STATE and entry.detail.get("state") == IncidentState.OPEN and raised_ns is None:
            raised_ns = entry.at_ns
        do = entry.detail.get("do") if entry.kind in {EntryKind.STATE, EntryKind.ACT} else None
        if do in _ANSWERS and answered_ns is None:
            answered_ns, answered_by = entry.at_ns, entry.by
        if do == Do.ON_SCENE and arrived_ns is None:
            arrived_ns = entry.at_ns
        if do == Do.FALSE_ALARM:
            cause = str(entry.detail.get("reason") or "")
    if raised_ns is None and answered_ns is not None:
        raised_ns = answered_ns  # somebody took it on while its window was still running
    return Alarm(
        id=incident.id,
        kind=incident.kind,
        device=incident.events[0].device_id if incident.events else None,
        opened_ns=incident.opened_ns,
        pressing=incident.severity in _PRESSING,
        raised_ns=raised_ns,
        answered_ns=answered_ns,
        answered_by=answered_by,
        arrived_ns=arrived_ns,
        ended_ns=incident.ended_ns,
        is_false=incident.state is IncidentState.FALSE_ALARM,
        cause=cause,
        is_unanswered=raised_ns is not None and answered_ns is None and (incident.unanswered or not incident.is_open),
    )


def figures(alarms: Iterable[Alarm], now_ns: int) -> Figures:
    """What some alarms come to."""
    every = list(alarms)
    raised = [one for one in every if one.raised_ns is not None]
    judged = [one for one in raised if one.pressing and (one.answered_ns is not None or one.is_unanswered or _waited(one, now_ns))]
    answers = sorted(one.answer_s for one in raised if one.answer_s is not None)
    arrivals = sorted(one.arrive_s for one in raised if one.arrive_s is not None)
    edges = (*BINS_S, float("inf"))
    return Figures(
        alarms=len(every),
        raised=len(raised),
        judged=len(judged),
        in_time=sum(one.answer_s is not None and one.answer_s <= TARGET_S for one in judged),
        answered=len(answers),
        arrived=len(arrivals),
        unanswered=sum(one.is_unanswered for one in raised),
        waiting=sum(one.answered_ns is None and not one.is_unanswered for one in raised),
        false=sum(one.is_false for one in every),
        answer_median_s=rank(answers, 0.5),
        answer_p90_s=rank(answers, 0.9),
        arrive_median_s=rank(arrivals, 0.5),
        answers=tuple(sum(low < one <= high for one in answers) for low, high in zip((-1.0, *BINS_S), edges, strict=True)),
    )


def rank(ordered: Sequence[float], share: float) -> float | None:
    """The least of ascending values that at least a share of them does not exceed; None of none.

    Examples
    --------
    >>> rank([10.0, 20.0, 30.0, 40.0], 0.5), rank([10.0], 0.9), rank([], 0.5)
    (20.0, 10.0, None)
    """
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else None


def _waited(one: Alarm, now_ns: int) -> bool:
    """Whether it waits for longer than the target allows: it is missed already."""
    return one.raised_ns is not None and now_ns - one.raised_ns > TARGET_S * NS_PER_S


def _days(alarms: Iterable[Alarm], since_ns: int, until_ns: int, zone: ZoneInfo) -> tuple[tuple[date, int, int], ...]:
    raised = [one for one in alarms if one.raised_ns is not None]
    all_, missed = (Counter(_day(one.opened_ns, zone) for one in each) for each in (raised, [one for one in raised if one.is_unanswered]))
    if until_ns <= since_ns:
        return ()
    first, last = _day(since_ns, zone).toordinal(), _day(until_ns - 1, zone).toordinal()
    return tuple((day, all_[day], missed[day]) for day in map(date.fromordinal, range(first, last + 1)))


def _shifts(alarms: Sequence[Alarm], duties: Sequence[Duty], until_ns: int, zone: ZoneInfo, now_ns: int) -> tuple[OfShift, ...]:
    found: defaultdict[tuple[RosterId, str, tuple[PersonId, ...]], list[Stretch]] = defaultdict(list)
    for roster_id, each in _stretches(duties, until_ns, zone).items():
        for one in each:
            clock = "–".join(f"{datetime.fromtimestamp(at_ns // NS_PER_S, tz=zone):%H:%M}" for at_ns in (one.since_ns, one.until_ns))
            found[roster_id, clock, one.responders].append(one)
    return tuple(
        OfShift(
            roster=roster_id,
            clock=clock,
            responders=responders,
            times=len(each),
            duty_s=sum(one.until_ns - one.since_ns for one in each) // NS_PER_S,
            figures=figures((one for one in alarms if _within(one.raised_ns, each)), now_ns),
        )
        for (roster_id, clock, responders), each in found.items()
    )


def _within(at_ns: int | None, each: Iterable[Stretch]) -> bool:
    return at_ns is not None and any(one.since_ns <= at_ns < one.until_ns for one in each)


def _stretches(duties: Iterable[Duty], until_ns: int, zone: ZoneInfo) -> Mapping[RosterId, Sequence[Stretch]]:
    """Of each roster; where its file changed and not who is on duty, it goes on as one."""
    found: defaultdict[RosterId, list[Stretch]] = defaultdict(list)
    for duty in duties:
        for roster in duty.rosters:
            for one in stretches(roster, duty.since_ns, min(duty.until_ns, until_ns), zone) if duty.since_ns < until_ns else ():
                last = found[roster.id][-1] if found[roster.id] else None
                if last and last.until_ns == one.since_ns and last.responders == one.responders:
                    found[roster.id][-1] = Stretch(since_ns=last.since_ns, until_ns=one.until_ns, responders=one.responders)
                else:
                    found[roster.id].append(one)
    return found


def _coverage(duties: Sequence[Duty], until_ns: int, zone: ZoneInfo) -> tuple[Coverage, ...]:
    return tuple(
        Coverage(
            roster=roster_id,
            covered_s=sum(one.until_ns - one.since_ns for one in each if one.responders) // NS_PER_S,
            lasting_s=sum(one.until_ns - one.since_ns for one in each) // NS_PER_S,
            gaps=tuple((one.since_ns, one.until_ns) for one in each if not one.responders),
        )
        for roster_id, each in _stretches(duties, until_ns, zone).items()
        if each[-1].until_ns - each[0].since_ns >= NS_PER_S
    )


def _false(alarms: Iterable[Alarm]) -> tuple[FalseAlarms, ...]:
    found: defaultdict[tuple[EventKind, DeviceId | None], list[str]] = defaultdict(list)
    for one in alarms:
        if one.is_false:
            found[one.kind, one.device].append(one.cause)
    made = (
        FalseAlarms(kind=kind, device=device, count=len(causes), causes=tuple(dict.fromkeys(one for one in causes if one)))
        for (kind, device), causes in found.items()
    )
    return tuple(sorted(made, key=lambda one: (-one.count, one.kind, one.device or "")))


def _ailing(incidents: Iterable[Incident], since_ns: int, until_ns: int) -> tuple[Ailing, ...]:
    found: defaultdict[DeviceId, list[Incident]] = defaultdict(list)
    for one in incidents:
        if one.story is Story.FAULT and one.opened_ns < until_ns and (one.ended_ns is None or one.ended_ns > since_ns):
            found[DeviceId(one.subject)].append(one)
    made = (
        Ailing(
            device=device,
            faults=dict(Counter(kind for one in each for kind in dict.fromkeys(event.kind for event in one.events))),
            down_s=sum(min(one.ended_ns or until_ns, until_ns) - max(one.opened_ns, since_ns) for one in each) // NS_PER_S,
            is_open=any(one.is_open for one in each),
        )
        for device, each in found.items()
    )
    return tuple(sorted(made, key=lambda one: (not one.is_open, -one.down_s, one.device)))


def _day(at_ns: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(at_ns // NS_PER_S, tz=zone).date()
