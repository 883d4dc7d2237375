"""Drills: told as a fall would be, to the people and by the steps of that policy, with nothing having happened.

A drill is an incident of its own story, so that nothing real is ever taken for a part of it. It is behind everything real: its severity is
below that of a fall, none begins while life safety is open, and one that goes on is called off as soon as anybody is told of something
that is. Everybody who was told of it hears of its end.
"""

from collections.abc import Collection

from devices.model import NS_PER_S
from incidents.book import Incidents
from incidents.directory import Directory, Role, Severity
from incidents.escalation import begun, scheduled
from incidents.lifecycle import Action, closed, opened
from incidents.model import Drill, Due, DueRow, Ended, Incident, IncidentState, Outcome, Purpose, Refused, Story
from incidents.silence import quiet_until
from rules.kinds import EventKind
from rules.model import Event

LONGEST_NS = 45 * 60 * NS_PER_S
"""A drill that nobody ends is over by itself: later than the 30 minutes for which somebody may say that they are on the way."""


def begin(drill: Drill, book: Incidents, directory: Directory, now_ns: int) -> Incident | Refused:
    """A drill, of which nobody is told yet; or why there is none now.

    Parameters
    ----------
    drill
        What is wanted, by whoever may ask for it or not.
    """
    person, resident = directory.person_at(drill.by, now_ns), directory.people.get(drill.resident)
    if person is None or Role.ADMINISTRATOR not in person.roles:
        return Refused(reason=f"{drill.by} is no administrator, who alone begin drills")
    if resident is None or Role.RESIDENT not in resident.roles:
        return Refused(reason=f"{drill.resident} is no resident")
    if directory.policy(EventKind.FALL) is None:
        return Refused(reason="no policy says who is told of a fall")
    going_on = book.all_open()
    if real := [one for one in going_on if one.severity is Severity.LIFE]:
        return Refused(reason=f"{real[0].id} is real and goes on")
    if other := book.drills():
        return Refused(reason=f"{other[0].id} is a drill that goes on")
    event = Event(
        community_id=directory.community_id,
        kind=EventKind.DRILL,
        subject=drill.resident,
        t_ns=now_ns,
        known_ns=now_ns,
        seq=-1,
        resident_id=drill.resident,
        home_id=resident.home,
        evidence={"by": drill.by},
    )
    incident = opened(event, IncidentState.OPEN, None, directory, now_ns)
    if quiet_until(incident, book.quiets(), directory) is not None:
        return Refused(reason=f"there is silence about {drill.resident}, which holds a drill back too")
    return begun(scheduled(incident, DueRow(at_ns=now_ns + LONGEST_NS, due=Due.QUIET)), now_ns)


def given_way(outcome: Outcome, drills: Collection[Incident], directory: Directory, now_ns: int) -> Outcome:
    """An outcome by which somebody is told of something real that is life safety, with the drills called off.

    Parameters
    ----------
    drills
        Those that went on before. What was just about to be told of them is not told any more.
    """
    ended = {one.id for one in outcome.incidents if not one.is_open}
    calling_off = [closed(one, Action.END, Ended.CALLED_OFF, directory, now_ns) for one in drills if one.id not in ended]
    gone = {one.id for one, _ in calling_off}
    return Outcome(
        incidents=(*(one for one in outcome.incidents if one.id not in gone), *(one for one, _ in calling_off)),
        duties=(*(one for one in outcome.duties if one.incident.id not in gone), *(duty for _, endings in calling_off for duty in endings)),
    )


def is_real(outcome: Outcome) -> bool:
    """Whether somebody is told that they are needed for life safety."""
    return any(
        one.purpose is Purpose.TELL and one.incident.severity is Severity.LIFE and one.incident.story is not Story.DRILL
        for one in outcome.duties
    )
