"""What happens to an incident by time alone: its due rows, acted on in order."""

from dataclasses import replace

from devices.model import NS_PER_S
from incidents import care
from incidents.book import Circumstances
from incidents.directory import Directory
from incidents.escalation import ESCALATING, Said, begun, fire_repeat, fire_step, held, resumed, scheduled
from incidents.lifecycle import Action, closed, moved
from incidents.model import Due, DueRow, Duty, Ended, Incident, Story
from incidents.silence import quiet_until
from incidents.visitors import is_visit

QUIET_NS = 1800 * NS_PER_S
"""A perimeter incident ends by itself this long after its last event."""


def run(incident: Incident, directory: Directory, now: Circumstances, now_ns: int) -> Said:
    """Act on everything that is due by now, in the order of the due rows; what that makes due at once is acted on too."""
    duties: list[Duty] = []
    while incident.dues and incident.dues[0].at_ns <= now_ns:
        row = incident.dues[0]
        incident, said = _fire(replace(incident, dues=incident.dues[1:]), row, directory, now, now_ns)
        duties += said
    return incident, tuple(duties)


def quiet_from(incident: Incident, now_ns: int) -> Incident:
    """The incident with its end by quiet counted from now, if its story ends like that."""
    if incident.story is not Story.PERIMETER:
        return incident
    return scheduled(incident, DueRow(at_ns=now_ns + QUIET_NS, due=Due.QUIET), without={Due.QUIET})


def _fire(incident: Incident, row: DueRow, directory: Directory, now: Circumstances, now_ns: int) -> Said:
    if row.due in ESCALATING:
        quiet_ns = quiet_until(incident, now.quiets(), directory)
        if quiet_ns is not None and quiet_ns > now_ns:
            return quiet_from(held(incident, row, quiet_ns), quiet_ns), ()  # nor does it end unseen meanwhile
        incident = replace(incident, held_ns=None)
    match row.due:
        case Due.QUIET:
            unanswered = not incident.answered and not is_visit(incident)
            marked = replace(incident, unanswered=incident.unanswered or unanswered)
            return closed(marked, Action.END, Ended.UNANSWERED if unanswered else Ended.BY_ITSELF, directory, now_ns)
        case Due.CANCEL_WINDOW:
            return begun(moved(incident, Action.OPEN), now_ns), ()
        case Due.ACKNOWLEDGEMENT:
            return resumed(moved(incident, Action.EXPIRE, acknowledged_by=None, eta_ns=None), directory, now, now_ns), ()
        case Due.STEP:
            return fire_step(incident, row, directory, now, now_ns)
        case Due.DAY_AFTER:
            return care.asked(incident, row, directory, now_ns)
        case Due.MORNING:
            return care.in_the_morning(incident, directory, now_ns)
        case Due.REPEAT:
            return fire_repeat(incident, row, directory, now, now_ns)
