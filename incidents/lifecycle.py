"""How an incident moves: the table of states, its beginning, its end, and the ending for everyone who was told."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from devices.model import NS_PER_S, PersonId
from incidents.audience import home_of, hushed
from incidents.directory import Directory
from incidents.grouping import is_late, severity, thread
from incidents.model import CLOSED, Duty, Ended, Incident, IncidentId, IncidentState, Purpose, Story
from rules.model import Event


class Action(StrEnum):
    """What moves an incident."""

    OPEN = "open"
    """The cancel window is over, or something came that must be told whatever was known before."""
    ACKNOWLEDGE = "acknowledge"
    ON_SCENE = "on_scene"
    RESOLVE = "resolve"
    FALSE_ALARM = "false_alarm"
    CANCEL = "cancel"
    """By the wearer."""
    EXPIRE = "expire"
    """An acknowledgement nobody made good."""
    END = "end"
    """By itself: what was reported is over."""
    HAND_OVER = "hand_over"
    """Somebody else is asked to take it."""


TRANSITIONS: Mapping[tuple[IncidentState, Action], IncidentState] = {
    (IncidentState.SUSPECTED, Action.OPEN): IncidentState.OPEN,
    (IncidentState.SUSPECTED, Action.ACKNOWLEDGE): IncidentState.ACKNOWLEDGED,
    (IncidentState.SUSPECTED, Action.ON_SCENE): IncidentState.ON_SCENE,
    (IncidentState.SUSPECTED, Action.RESOLVE): IncidentState.RESOLVED,
    (IncidentState.SUSPECTED, Action.FALSE_ALARM): IncidentState.FALSE_ALARM,
    (IncidentState.SUSPECTED, Action.CANCEL): IncidentState.CANCELLED,
    (IncidentState.OPEN, Action.OPEN): IncidentState.OPEN,
    (IncidentState.OPEN, Action.ACKNOWLEDGE): IncidentState.ACKNOWLEDGED,
    (IncidentState.OPEN, Action.ON_SCENE): IncidentState.ON_SCENE,
    (IncidentState.OPEN, Action.RESOLVE): IncidentState.RESOLVED,
    (IncidentState.OPEN, Action.FALSE_ALARM): IncidentState.FALSE_ALARM,
    (IncidentState.OPEN, Action.END): IncidentState.RESOLVED,
    (IncidentState.OPEN, Action.HAND_OVER): IncidentState.OPEN,
    (IncidentState.ACKNOWLEDGED, Action.OPEN): IncidentState.OPEN,
    (IncidentState.ACKNOWLEDGED, Action.ACKNOWLEDGE): IncidentState.ACKNOWLEDGED,
    (IncidentState.ACKNOWLEDGED, Action.EXPIRE): IncidentState.OPEN,
    (IncidentState.ACKNOWLEDGED, Action.ON_SCENE): IncidentState.ON_SCENE,
    (IncidentState.ACKNOWLEDGED, Action.RESOLVE): IncidentState.RESOLVED,
    (IncidentState.ACKNOWLEDGED, Action.FALSE_ALARM): IncidentState.FALSE_ALARM,
    (IncidentState.ACKNOWLEDGED, Action.END): IncidentState.RESOLVED,
    (IncidentState.ACKNOWLEDGED, Action.HAND_OVER): IncidentState.ACKNOWLEDGED,
    (IncidentState.ON_SCENE, Action.OPEN): IncidentState.OPEN,
    (IncidentState.ON_SCENE, Action.ACKNOWLEDGE): IncidentState.ON_SCENE,
    (IncidentState.ON_SCENE, Action.ON_SCENE): IncidentState.ON_SCENE,
    (IncidentState.ON_SCENE, Action.RESOLVE): IncidentState.RESOLVED,
    (IncidentState.ON_SCENE, Action.FALSE_ALARM): IncidentState.FALSE_ALARM,
    (IncidentState.ON_SCENE, Action.END): IncidentState.RESOLVED,
    (IncidentState.ON_SCENE, Action.HAND_OVER): IncidentState.ACKNOWLEDGED,
}
"""Every move there is; whatever is not here does not happen. Only distress is ever suspected, and distress never ends by itself."""


def moved(incident: Incident, action: Action, **changes: Any) -> Incident:  # noqa: ANN401  any field of an incident
    """The incident after an action; with any, nobody is asked any more to take it, unless that is the action.

    Raises
    ------
    KeyError
        If the table has no such move; who asks has checked.
    """
    return replace(incident, state=TRANSITIONS[incident.state, action], **{"handed_to": None, **changes})


def opened(event: Event, state: IncidentState, previous: Incident | None, directory: Directory, now_ns: int) -> Incident:
    """A new incident of an event, with nothing due yet."""
    place = thread(event)
    return Incident(
        id=incident_id(event),
        community_id=event.community_id,
        story=place.story,
        kind=event.kind,
        subject=event.subject,
        rule=place.rule,
        home_id=event.home_id or home_of(event.subject, directory),
        state=state,
        severity=severity(event, directory),
        opened_ns=now_ns,
        headline=event,
        events=(event,),
        active=frozenset({(event.kind, event.cause)}),
        policy=directory.policy_of(event),
        late=is_late(event),
        repeat_of=previous.id if previous else None,
    )


def incident_id(event: Event) -> IncidentId:
    """`kind-subject-time` of the event that opens it: unique, because an event's identity is, and the same in every replay."""
    seconds, rest_ns = divmod(event.t_ns, NS_PER_S)
    time = f"{datetime.fromtimestamp(seconds, tz=UTC):%Y%m%dT%H%M%S}"
    fraction = f"{rest_ns:09d}".removesuffix("000000")
    rule = [event.cause] if thread(event).rule else []
    return IncidentId("-".join([event.kind, event.subject, *rule, f"{time}.{fraction}Z"]))


def closed(
    incident: Incident, action: Action, ended: Ended, directory: Directory, now_ns: int, *, by: PersonId | None = None
) -> tuple[Incident, tuple[Duty, ...]]:
    """An incident at its end: nothing is due any more, and everyone who was told is told this, once, but for who ended it."""
    over = moved(incident, action, dues=(), paused=(), ended=ended, ended_by=by, ended_ns=now_ns)
    if over.state not in CLOSED:
        msg = f"{action} leads to {over.state}, which is no end"
        raise ValueError(msg)
    silent = hushed(over, directory) if over.story is not Story.CARE else frozenset(over.told)  # a word is said once
    endings = tuple(
        Duty(incident=over, purpose=Purpose.ENDING, step=0, round=over.round, to=person, channel=None)
        for person in over.told
        if person != by and person not in silent
    )
    return over, endings
