"""Who is on duty when, and when nobody is. Shifts are wall-clock times in the community's zone (`rules.premises.span_on`)."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from devices.model import NS_PER_S, PersonId
from incidents.directory import DayKind, Override, Roster, Shift, Weekday
from rules.premises import span_on

_DAY = timedelta(days=1)
_WEEK_NS = 7 * 24 * 3600 * NS_PER_S
_MONDAY_NS = 4 * 24 * 3600 * NS_PER_S  # 1970-01-05T00:00:00Z
_UTC = ZoneInfo("UTC")

Span = tuple[int, int]
"""From and to, half-open, in ns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Who is on duty from one time to another, half-open, in ns; nobody is a gap."""

    since_ns: int
    until_ns: int
    responders: tuple[PersonId, ...]


def on_shift(roster: Roster, at_ns: int, zone: ZoneInfo) -> tuple[PersonId, ...]:
    """Who is on duty at a time, in the roster's order; empty where nobody is."""
    days = _days(at_ns, at_ns, zone)
    for override in reversed(roster.overrides):
        if override.day in days and _holds(_span(override, override.day, zone), at_ns):
            return tuple(dict.fromkeys(override.responders))
    running = (
        shift.responder
        for shift in roster.shifts
        if any(_begins(shift, day, roster) and _holds(_span(shift, day, zone), at_ns) for day in days)
    )
    return tuple(dict.fromkeys(running))


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Who is on duty at a time, from when to when, and who is next; as far as a week shows it, which is where it begins or ends else."""

    people: tuple[PersonId, ...]
    since_ns: int
    until_ns: int
    following: tuple[PersonId, ...]


def turn(roster: Roster, at_ns: int, zone: ZoneInfo) -> Turn:
    """Who is on duty at a time, and until others are, or nobody is."""
    days = _days(at_ns - _WEEK_NS, at_ns + _WEEK_NS, zone)
    spans = [_span(shift, day, zone) for shift in roster.shifts for day in days if _begins(shift, day, roster)]
    spans += [_span(override, override.day, zone) for override in roster.overrides if override.day in days]
    edges = sorted({edge for span in spans for edge in span})
    people = on_shift(roster, at_ns, zone)
    since = (one for one in reversed(edges) if one <= at_ns and on_shift(roster, one - 1, zone) != people)
    until = (one for one in edges if one > at_ns and on_shift(roster, one, zone) != people)
    since_ns, until_ns = next(since, at_ns - _WEEK_NS), next(until, at_ns + _WEEK_NS)
    return Turn(people=people, since_ns=since_ns, until_ns=until_ns, following=on_shift(roster, until_ns, zone))


def everybody(roster: Roster) -> tuple[PersonId, ...]:
    """Everyone who has a shift, in the roster's order; not who only stands in once."""
    return tuple(dict.fromkeys(shift.responder for shift in roster.shifts))


def gaps(roster: Roster, from_ns: int, to_ns: int, zone: ZoneInfo) -> tuple[Span, ...]:
    """When nobody is on duty from one time to another, ascending; each as long as it lasts, or as that time lasts."""
    days = _days(from_ns, to_ns, zone)
    covered = [_span(shift, day, zone) for shift in roster.shifts for day in days if _begins(shift, day, roster)]
    covered += [_span(override, override.day, zone) for override in roster.overrides if override.day in days]
    found: list[Span] = []
    reached_ns = from_ns
    for begin_ns, end_ns in sorted(span for span in covered if span[0] < span[1]):  # one within an hour that is skipped is empty
        if reached_ns < min(begin_ns, to_ns):
            found.append((reached_ns, min(begin_ns, to_ns)))
        reached_ns = max(reached_ns, end_ns)
    if reached_ns < to_ns:
        found.append((reached_ns, to_ns))
    return tuple(found)


def stretches(roster: Roster, from_ns: int, to_ns: int, zone: ZoneInfo) -> tuple[Stretch, ...]:
    """Who is on duty from one time to another, without a break: ascending, and a new one whenever somebody comes or goes."""
    days = _days(from_ns, to_ns, zone)
    spans = [_span(shift, day, zone) for shift in roster.shifts for day in days if _begins(shift, day, roster)]
    spans += [_span(override, override.day, zone) for override in roster.overrides if override.day in days]
    edges = sorted({from_ns, to_ns, *(edge for span in spans for edge in span if from_ns < edge < to_ns)})
    found: list[Stretch] = []
    for since_ns, until_ns in pairwise(edges):
        responders = on_shift(roster, since_ns, zone)
        if found and found[-1].responders == responders:
            found[-1] = replace(found[-1], until_ns=until_ns)
        else:
            found.append(Stretch(since_ns=since_ns, until_ns=until_ns, responders=responders))
    return tuple(found)


def weekly_gaps(roster: Roster) -> tuple[Span, ...]:
    """When nobody is on duty in every plain week, in ns of the wall clock since Monday 00:00; one may run beyond Sunday's end."""
    found = gaps(plain(roster), _MONDAY_NS, _MONDAY_NS + _WEEK_NS, _UTC)
    week = [(begin_ns - _MONDAY_NS, end_ns - _MONDAY_NS) for begin_ns, end_ns in found]
    if len(week) > 1 and week[0][0] == 0 and week[-1][1] == _WEEK_NS:
        week = [*week[1:-1], (week[-1][0], _WEEK_NS + week[0][1])]
    return tuple(week)


def plain(roster: Roster) -> Roster:
    """A roster as it is in weeks without public holidays and without overrides."""
    off = roster.calendar.weekend if roster.calendar else frozenset[int]()
    of_kind = {
        DayKind.WORKDAY: [day for day in Weekday if day not in off],
        DayKind.HOLIDAY: [day for day in Weekday if day in off],
    }
    shifts = tuple(
        replace(shift, days=frozenset(day for one in shift.days for day in (of_kind[one] if isinstance(one, DayKind) else [one])))
        for shift in roster.shifts
    )
    return Roster(id=roster.id, shifts=shifts)


def _days(from_ns: int, to_ns: int, zone: ZoneInfo) -> tuple[date, ...]:
    """Days on which something may begin that runs between two times.

    A shift ends on the next day at the latest; and a clock that is set back over midnight shows a day that had ended.
    """
    first, last = (datetime.fromtimestamp(at_ns // NS_PER_S, tz=zone).date() for at_ns in (from_ns, to_ns))
    return tuple(first + number * _DAY for number in range(-1, (last - first).days + 2))


def _begins(shift: Shift, day: date, roster: Roster) -> bool:
    """Whether a shift begins on a day."""
    if Weekday(day.weekday()) in shift.days:
        return True
    if roster.calendar is None:
        return False
    return (DayKind.WORKDAY if roster.calendar.is_workday(day) else DayKind.HOLIDAY) in shift.days


def _holds(span: Span, at_ns: int) -> bool:
    return span[0] <= at_ns < span[1]


def _span(duty: Shift | Override, day: date, zone: ZoneInfo) -> Span:
    """When a duty runs that begins on a day."""
    return span_on(day, duty.since, duty.until, zone)
