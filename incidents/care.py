"""Quiet words to the family: no situation, nothing to take on. Each is said once, by push or else by SMS, and never by a call.

A word is an incident of its own story, so that it is said in the same transaction as what it is about, once, also behind a kill. It is
shown on no list of incidents, is nobody's to act upon, and has no ending that anybody is told.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, time, timedelta
from enum import StrEnum

from devices.model import NS_PER_S, PersonId
from incidents.audience import hushed, related, wards
from incidents.directory import Channel, Directory, Person, Role
from incidents.escalation import Said, scheduled
from incidents.lifecycle import Action, closed, opened
from incidents.model import CALM, Due, DueRow, Duty, Ended, Incident, IncidentState, News, Purpose, Story
from incidents.silence import is_away
from incidents.visitors import is_visit
from rules.kinds import EventKind
from rules.model import Event
from rules.premises import comes_ns

QUIETLY = (Channel.PUSH, Channel.SMS)
"""The channels of a word, the one that disturbs and costs least first."""

ASKED_AT = time(10)
"""When, on the day after, whoever chose no time is asked: by their own clock."""

TOLD_AT = time(8)
"""When the administrators are told what the night's proof found: by the community's clock."""

AGAIN_NS = 7 * 24 * 3600 * NS_PER_S
"""What stays missing is told again after this."""

SAME = "same"
"""In a proof's evidence: the same text for the same that is missing."""

_TO_AN_OFFICE = (Channel.EMAIL, *QUIETLY)

OPEN = "open"
"""In a daily word's evidence: something about the resident or their home is open."""


class Missing(StrEnum):
    """What a proof may find missing, the gravest first."""

    NOBODY = "nobody"
    """Of an emergency nobody would be told."""
    NO_SENSOR = "no_sensor"
    """Nothing would notice: no device that works."""
    FEW_CONTACTS = "few_contacts"
    """Of relatives and neighbours too few can be told by a contact method that was verified."""
    SENSORS = "sensors"
    """Some device of theirs is lost, not worn or nearly empty."""
    NO_SHIFT = "no_shift"
    """Of a roster: at some time nobody who can be told is on duty; then everybody on it is told."""
    BUDGET = "budget"
    """Of the community: the month's money is used up, or nearly."""
    NO_DRILL = "no_drill"
    """Of the community: for half a year it was not tried whether help would come."""


def suggested(event: Event, previous: Incident | None, directory: Directory, now_ns: int) -> Said:
    """That a home could be armed: by push only, to who lives there and their family, for whom one tap does it."""
    open_ = opened(event, IncidentState.OPEN, previous, directory, now_ns)
    home = wards(open_, directory)
    return told(open_, dict.fromkeys([*home, *related(Role.RELATIVE, home, directory, now_ns)]), directory, QUIETLY[:1])


def daily(event: Event, open_about: Iterable[Incident], directory: Directory, now_ns: int) -> Said | None:
    """How somebody is today, to those of their family who want to hear it now; None where nobody does.

    Parameters
    ----------
    open_about
        What is open about the resident and their home. Who must not hear of some of it is told nothing: not that all is well either.
    """
    about = tuple(open_about)
    if any(is_away(one) for one in about if one.story is Story.SILENCE):
        return None  # nobody expects a sign of life at home
    going_on = [one for one in about if one.story not in CALM | {Story.DRILL} and not is_visit(one)]
    silent = frozenset(person for one in going_on for person in hushed(one, directory))
    family = related(Role.RELATIVE, [PersonId(event.subject)], directory, now_ns)
    wanting = [one for one in family if one not in silent and _wants_now(directory.people[one], event.t_ns, directory)]
    if not wanting:
        return None
    said = replace(event, evidence={**event.evidence, OPEN: bool(going_on)})
    over, _ = closed(opened(said, IncidentState.OPEN, None, directory, now_ns), Action.END, Ended.BY_ITSELF, directory, now_ns)
    return told(over, wanting, directory)


def _wants_now(person: Person, at_ns: int, directory: Directory) -> bool:
    """Whether this is when somebody wants to hear."""
    if person.daily is None:
        return False
    zone = person.timezone or directory.timezone
    today = datetime.fromtimestamp(at_ns // NS_PER_S, tz=zone).date()
    return comes_ns(datetime.combine(today, person.daily), zone) == at_ns


def to_be_asked(over: Incident, directory: Directory, now_ns: int) -> Incident:
    """An incident that somebody resolved: of a fall, with the question of the day after, if anybody of the family wants it."""
    if not any(event.kind is EventKind.FALL for event in over.events):
        return over
    times = _who_asks(over, directory, now_ns).values()
    return scheduled(over, DueRow(at_ns=min(times), due=Due.DAY_AFTER)) if times else over


def asked(over: Incident, row: DueRow, directory: Directory, now_ns: int) -> Said:
    """The question of the day after, to who wants it by now and was not asked yet; and a row for who wants it later."""
    times = {one: at_ns for one, at_ns in _who_asks(over, directory, now_ns).items() if one not in row.had}
    ready = [one for one, at_ns in times.items() if at_ns <= row.at_ns]
    later = [at_ns for at_ns in times.values() if at_ns > row.at_ns]
    after, duties = told(over, ready, directory)
    after = replace(after, told=over.told)
    after = scheduled(after, replace(row, at_ns=min(later), had=(*row.had, *ready))) if later else after
    return after, tuple(replace(duty, incident=over, news=News.DAY_AFTER) for duty in duties)


def _who_asks(over: Incident, directory: Directory, now_ns: int) -> dict[PersonId, int]:
    """Who of the family wants to be asked the day after, and when: by their own clock."""
    silent = hushed(over, directory)
    ended_ns = now_ns if over.ended_ns is None else over.ended_ns
    tomorrow = datetime.fromtimestamp(ended_ns // NS_PER_S, tz=directory.timezone).date() + timedelta(days=1)
    family = [directory.people[one] for one in related(Role.RELATIVE, wards(over, directory), directory, now_ns)]
    return {
        one.id: comes_ns(datetime.combine(tomorrow, one.day_after_at or ASKED_AT), one.timezone or directory.timezone)
        for one in family
        if one.day_after and one.id not in silent
    }


def proved(event: Event, previous: Incident | None, directory: Directory, now_ns: int) -> Incident | None:
    """What a night's proof found, to be told in the morning; None where the administrators were told the same of late.

    Parameters
    ----------
    previous
        What an earlier proof found and was told.
    """
    before = None if previous is None else previous.headline
    is_known = before is not None and before.evidence.get(SAME) == event.evidence.get(SAME)
    if before is not None and is_known and event.known_ns - before.known_ns < AGAIN_NS:
        return None
    today = datetime.fromtimestamp(now_ns // NS_PER_S, tz=directory.timezone).date()
    at_ns = comes_ns(datetime.combine(today, TOLD_AT), directory.timezone)
    return scheduled(opened(event, IncidentState.OPEN, previous, directory, now_ns), DueRow(at_ns=at_ns, due=Due.MORNING))


def in_the_morning(incident: Incident, directory: Directory, now_ns: int) -> Said:
    """The word of what the night's proof found, to who administers the community."""
    over, _ = closed(incident, Action.END, Ended.BY_ITSELF, directory, now_ns)
    return told(over, [one.id for one in directory.people.values() if Role.ADMINISTRATOR in one.roles], directory, _TO_AN_OFFICE)


def told(incident: Incident, people: Iterable[PersonId], directory: Directory, by: Iterable[Channel] = QUIETLY) -> Said:
    """The incident, with a word of it for people, each by the first of some channels that they have; who has none is told nothing."""
    channels = {one: next((channel for channel in by if channel in directory.people[one].channels), None) for one in people}
    said = replace(incident, told=tuple(one for one, channel in channels.items() if channel is not None))
    return said, tuple(
        Duty(incident=said, purpose=Purpose.WORD, step=0, round=said.round, to=one, channel=channel)
        for one, channel in channels.items()
        if channel is not None
    )
