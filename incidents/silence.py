"""Silence: somebody works on a device, or airs a home, and until a hard end nobody is told.

A silence is an incident of its own story that its owner has taken on: it is shown with who asked for it and why, it ends by itself, and
everybody who was told of it gets its ending. What happens meanwhile opens its incidents as ever; only the telling waits.
"""

from collections.abc import Collection
from dataclasses import replace

from devices.model import NS_PER_S, DeviceId, HomeId, PersonId
from incidents.audience import home_of, related, tellable
from incidents.directory import Directory, Role, Severity
from incidents.escalation import Said, scheduled
from incidents.grouping import NOTED_ONLY
from incidents.lifecycle import opened
from incidents.model import Due, DueRow, Duty, Incident, IncidentState, Purpose, Quiet, Refused
from rules.kinds import EventKind
from rules.model import Event

LONGEST_NS = 7 * 24 * 3600 * NS_PER_S
"""A silence that is wanted for longer is asked for again, by somebody who still knows why."""

LONGEST_AWAY_NS = 92 * 24 * 3600 * NS_PER_S
"""A rehabilitation, or a winter with the daughter."""

_LIFE, AWAY = "life", "away"
_NOBODY_AT_HOME = frozenset({EventKind.INACTIVITY})
"""What is life safety, and says no more than that somebody is not at home."""
_LEFT_BEHIND = frozenset({EventKind.NOT_WORN, EventKind.OFFLINE})
"""What the wearable of somebody who is away may be."""


def begin(quiet: Quiet, directory: Directory, now_ns: int) -> Said | Refused:
    """The silence as an incident, and who is told of it: of life safety the families of all whom it concerns.

    Parameters
    ----------
    quiet
        What is asked for, by somebody who may.
    """
    reason = " ".join(quiet.reason.split())
    if not reason:
        return Refused(reason="the reason is empty, wanted a few words")
    longest_ns = LONGEST_AWAY_NS if quiet.away else LONGEST_NS
    if not now_ns < quiet.until_ns <= now_ns + longest_ns:
        return Refused(reason=f"the end is not within {longest_ns // (24 * 3600 * NS_PER_S)} days from now")
    wards = _concerned(quiet.subject, directory)
    if wards is None:
        return Refused(reason=f"{quiet.subject} is no resident, home, device or the community")
    if quiet.life and quiet.subject == directory.community_id:
        return Refused(reason="life safety of a whole community is never silenced")
    if quiet.away and (quiet.life or not _is_resident(quiet.subject, directory)):
        return Refused(reason=f"{quiet.subject} is no resident, or life safety is silenced: who is away still may fall")
    families = {
        ward: [one for one in related(Role.RELATIVE, [ward], directory, now_ns) if tellable(directory.people[one])] for ward in wards
    }
    if quiet.life and (alone := [ward for ward, family in families.items() if not family]):
        return Refused(reason=f"nobody of the family of {alone[0]} can be told that life safety is silenced")
    event = Event(
        community_id=directory.community_id,
        kind=EventKind.SILENCE,
        subject=quiet.subject,
        t_ns=now_ns,
        known_ns=now_ns,
        seq=-1,
        evidence={"reason": reason, "until_ns": quiet.until_ns, _LIFE: quiet.life, **({AWAY: True} if quiet.away else {})},
    )
    family = tuple(dict.fromkeys(one for ward in wards for one in families[ward])) if quiet.life or quiet.away else ()
    silence = replace(
        opened(event, IncidentState.ACKNOWLEDGED, None, directory, now_ns),
        acknowledged_by=quiet.by,
        eta_ns=quiet.until_ns,
        answered=True,
        told=tuple(dict.fromkeys([quiet.by, *family])),
    )
    silence = scheduled(silence, DueRow(at_ns=quiet.until_ns, due=Due.QUIET))
    duties = tuple(
        Duty(incident=silence, purpose=Purpose.UPDATE, step=0, round=0, to=one, channel=None) for one in family if one != quiet.by
    )
    return silence, duties


def quiet_until(incident: Incident, quiets: Collection[Incident], directory: Directory) -> int | None:
    """Until when nobody is to be told of an incident, in ns; None if nobody asked for that. What is life safety must be named.

    A device that somebody works on holds back what it alone reported: what another one saw there is told.
    """
    is_life = incident.severity is Severity.LIFE
    only_absent = {event.kind for event in incident.events if event.kind not in NOTED_ONLY} <= _NOBODY_AT_HOME
    ends = {
        silence.subject: silence.eta_ns
        for silence in quiets
        if silence.eta_ns and (not is_life or silence.headline.evidence[_LIFE] or (only_absent and is_away(silence)))
    }
    if is_life:
        ends.pop(directory.community_id, None)
    about = {incident.subject, incident.home_id or "", directory.community_id, _left_behind_by(incident, quiets, directory)}
    reporters = {str(event.device_id or "") for event in incident.events if event.kind not in NOTED_ONLY}
    of_reporters = min((ends.get(device, 0) for device in reporters), default=0)
    return max([of_reporters, *(end_ns for subject, end_ns in ends.items() if subject in about)]) or None


def _left_behind_by(incident: Incident, quiets: Collection[Incident], directory: Directory) -> str:
    """Whose wearable an incident is about that says no more than that they are away; "" where it says more, or they are not."""
    device = directory.devices.get(DeviceId(incident.subject))
    wearer = device.wearer if device else None
    if wearer is None or not {event.kind for event in incident.events} <= _LEFT_BEHIND:
        return ""
    return next((wearer for one in quiets if one.subject == wearer and is_away(one)), "")


def is_away(silence: Incident) -> bool:
    """Whether a silence is because a resident is somewhere else."""
    return bool(silence.headline.evidence.get(AWAY))


def _is_resident(subject: str, directory: Directory) -> bool:
    person = directory.people.get(PersonId(subject))
    return person is not None and Role.RESIDENT in person.roles


def _concerned(subject: str, directory: Directory) -> tuple[PersonId, ...] | None:
    """Residents whom a silence about a subject concerns; None for what is unknown. Of the whole community nobody by name."""
    if subject == directory.community_id:
        return ()
    person = directory.people.get(PersonId(subject))
    if person is not None:
        return (person.id,) if _is_resident(subject, directory) else None
    device = directory.devices.get(DeviceId(subject))
    if device is not None and device.wearer is not None:
        return (device.wearer,)
    home_id = home_of(subject, directory)
    if home_id is None and device is None:
        return None
    home = directory.homes.get(home_id or HomeId(""))
    return home.occupants if home else ()
