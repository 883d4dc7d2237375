"""Who would be told of a fall of somebody now, step by step, without anything having happened."""

from dataclasses import dataclass

from devices.model import PersonId
from incidents.audience import Recipient, recipients
from incidents.directory import Directory
from incidents.lifecycle import opened
from incidents.model import IncidentState
from rules.kinds import EventKind
from rules.model import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Who is told so long after it began; nobody where the step reaches nobody."""

    after_s: int
    recipients: tuple[Recipient, ...]


def chain(resident: PersonId, directory: Directory, now_ns: int) -> tuple[Told, ...]:
    """The steps of the policy for falls, with those whom each would tell now; empty where falls are in no policy."""
    event = Event(
        community_id=directory.community_id,
        kind=EventKind.FALL,
        subject=resident,
        t_ns=now_ns,
        known_ns=now_ns,
        seq=-1,
        resident_id=resident,
        home_id=directory.people[resident].home,
    )
    supposed = opened(event, IncidentState.OPEN, None, directory, now_ns)
    policy = directory.policy(EventKind.FALL)
    return tuple(
        Told(
            after_s=step.after_s,
            recipients=recipients([(target, channel) for target in step.tell for channel in step.by], supposed, directory, now_ns),
        )
        for step in (policy.steps if policy else ())
    )
