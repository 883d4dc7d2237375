"""When nobody will be on shift, told while there is time to change it: what every week lacks, and what the coming weeks lack besides.

Nobody on shift is no mistake (the whole roster is told then), but it should be meant.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from devices.model import NS_PER_S
from incidents.directory import Channel, DayKind, Directory, Roster
from incidents.roster import Span, everybody, gaps, plain, weekly_gaps
from store.document import KeyPath
from store.references import Findings

AHEAD_DAYS = 30
"""How far exceptions are looked for: time enough to find somebody, near enough to be remembered."""

_SHOWN = 3
_RUN = 3
_DAY_S = 24 * 3600
_WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def weekly(directory: Directory, findings: Findings) -> None:
    """Warn of each roster that leaves part of every week to nobody, or to somebody who cannot be told."""
    for index, roster in enumerate(directory.rosters.values()):
        path: KeyPath = ("rosters", index)
        found = weekly_gaps(roster)
        if found:
            findings.warn(path, _warning(_week_words(found)))
        on_duty = [*everybody(roster), *(responder for override in roster.overrides for responder in override.responders)]
        for responder in dict.fromkeys(on_duty):
            if not frozenset(directory.people[responder].channels) - {Channel.DEVICE}:
                findings.warn(path, f"{responder} has no phone and no other contact method: while only they are on shift, nobody is told")


def ahead(directory: Directory, now_ns: int) -> tuple[str, ...]:
    """Warnings of what the next 30 days lack that a plain week does not, and of holidays that are not known yet."""
    findings, zone = Findings(), directory.timezone
    to_ns = now_ns + AHEAD_DAYS * _DAY_S * NS_PER_S
    _unknown_holidays(directory, {_local(at_ns, zone).year for at_ns in (now_ns, to_ns)}, findings)
    for index, roster in enumerate(directory.rosters.values()):
        usual = gaps(plain(roster), now_ns, to_ns, zone)
        found = [span for span in gaps(roster, now_ns, to_ns, zone) if not any(_within(span, other) for other in usual)]
        if found:
            words = ", ".join(_date_words(span, zone) for span in found[:_SHOWN])
            more = f" and {len(found) - _SHOWN} more until {_local(to_ns, zone):%Y-%m-%d}" if len(found) > _SHOWN else ""
            findings.warn(("rosters", index), _warning(words + more))
    return tuple(findings.warnings)


def _warning(words: str) -> str:
    return f"nobody is on shift {words} (then the whole roster is told)"


def _unknown_holidays(directory: Directory, years: set[int], findings: Findings) -> None:
    calendars = {roster.calendar for roster in directory.rosters.values() if roster.calendar and _asks_calendar(roster)}
    path: KeyPath = ("community", "calendar")
    for calendar in calendars:  # one at most: they are the community's
        for year in sorted(years):
            if not calendar.is_arranged(year):
                findings.warn(
                    path,
                    f"the make-up days of {calendar.country} for {year} are not known to this version: "
                    "until it is updated, holidays are those that the law names, and every weekend is one",
                )


def _asks_calendar(roster: Roster) -> bool:
    return any(isinstance(day, DayKind) for shift in roster.shifts for day in shift.days)


def _within(span: Span, other: Span) -> bool:
    return other[0] <= span[0] and span[1] <= other[1]


def _week_words(found: Sequence[Span]) -> str:
    """Such as `Sunday 20:00–24:00`, `every day 12:00–13:00` or `Saturday 08:00–Sunday 20:00`, separated by semicolons."""
    days_of: defaultdict[str, list[int]] = defaultdict(list)
    for begin_ns, end_ns in found:
        first, since_s = divmod(begin_ns // NS_PER_S, _DAY_S)
        last, until_s = divmod(end_ns // NS_PER_S, _DAY_S)
        if until_s == 0:
            last, until_s = last - 1, _DAY_S
        if first == last:
            end = _clock(until_s)
        elif end_ns - begin_ns < _DAY_S * NS_PER_S:
            end = f"{_clock(until_s)} the next day"
        else:
            end = f"{_WEEK[last % 7]} {_clock(until_s)}"
        days_of[f"{_clock(since_s)}–{end}"].append(first)
    return "; ".join(f"{_day_words(days)} {clocks}" for clocks, days in days_of.items())


def _day_words(days: Sequence[int]) -> str:
    if len(days) == len(_WEEK):
        return "every day"
    if len(days) >= _RUN and days[-1] - days[0] == len(days) - 1:
        return f"{_WEEK[days[0]]} to {_WEEK[days[-1]]}"
    return ", ".join(_WEEK[day] for day in days)


def _date_words(span: Span, zone: ZoneInfo) -> str:
    """Such as `Thursday 2026-10-01 08:00–20:00`."""
    begin, end = (_local(at_ns, zone) for at_ns in span)
    until, last = f"{end:%H:%M}", end.date()
    if until == "00:00":
        until, last = "24:00", last - timedelta(days=1)
    return f"{_date(begin.date())} {begin:%H:%M}–{until if last == begin.date() else f'{_date(last)} {until}'}"


def _date(day: date) -> str:
    return f"{_WEEK[day.weekday()]} {day}"


def _local(at_ns: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at_ns // NS_PER_S, tz=zone)


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds % 3600 // 60:02}"
