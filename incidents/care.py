"""Quiet words to the family: no situation, nothing to take on. Each is said once, by push or else by SMS, and never by a call.

A word is an incident of its own story, so that it is said in the same transaction as what it is about, once, also behind a kill. It is
shown on no list of incidents, is nobody's to act upon, and has no ending that anybody is told.
"""

from collections.abc import Iterable
from dataclasses import replace

from devices.model import PersonId
from incidents.audience import related, wards
from incidents.directory import Channel, Directory, Role
from incidents.escalation import Said
from incidents.lifecycle import opened
from incidents.model import Duty, Incident, IncidentState, Purpose
from rules.model import Event

QUIETLY = (Channel.PUSH, Channel.SMS)
"""The channels of a word, the one that disturbs and costs least first."""


def suggested(event: Event, previous: Incident | None, directory: Directory, now_ns: int) -> Said:
    """That a home could be armed: by push only, to who lives there and their family, for whom one tap does it."""
    open_ = opened(event, IncidentState.OPEN, previous, directory, now_ns)
    home = wards(open_, directory)
    return told(open_, dict.fromkeys([*home, *related(Role.RELATIVE, home, directory, now_ns)]), directory, QUIETLY[:1])


def told(incident: Incident, people: Iterable[PersonId], directory: Directory, by: Iterable[Channel] = QUIETLY) -> Said:
    """The incident, with a word of it for people, each by the first of some channels that they have; who has none is told nothing."""
    channels = {one: next((channel for channel in by if channel in directory.people[one].channels), None) for one in people}
    said = replace(incident, told=tuple(one for one, channel in channels.items() if channel is not None))
    return said, tuple(
        Duty(incident=said, purpose=Purpose.WORD, step=0, round=said.round, to=one, channel=channel)
        for one, channel in channels.items()
        if channel is not None
    )
