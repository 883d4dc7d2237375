"""Who is told: the words of a step's `tell` to people, and the channels that reach each of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from devices.model import DeviceId, HomeId, PersonId
from incidents import roster
from incidents.directory import Channel, Directory, Person, Role, RosterId
from incidents.model import Incident, Story, Tell
from rules.kinds import EventKind

FALLBACK = (Channel.SMS, Channel.VOICE, Channel.PUSH)
"""What is tried, in this order, where none of a step's channels can reach somebody."""

ROSTER = "roster:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Somebody to be told now, by these channels at once; no channel: cannot be reached, or is spared.

    `left_out`: a hospital's desk is not bothered with a drill.
    """

    person: PersonId
    channels: tuple[Channel, ...]
    whole_roster: bool = False
    left_out: bool = False


def home_of(subject: str, directory: Directory) -> HomeId | None:
    """The home that a resident, device or home is or belongs to; None for the community."""
    if HomeId(subject) in directory.homes:
        return HomeId(subject)
    if person := directory.people.get(PersonId(subject)):
        return person.home
    if device := directory.devices.get(DeviceId(subject)):
        return device.home or (home_of(device.wearer, directory) if device.wearer else None)
    return None


def wards(incident: Incident, directory: Directory) -> tuple[PersonId, ...]:
    """Whom an incident is about: the resident, the wearer, or else all occupants of the home."""
    if PersonId(incident.subject) in directory.people:
        return (PersonId(incident.subject),)
    device = directory.devices.get(DeviceId(incident.subject))
    if device and device.wearer:
        return (device.wearer,)
    return _occupants(incident.home_id, directory)


def is_under_duress(incident: Incident) -> bool:
    """Whether somebody called for help in silence; whatever comes later, it stays so."""
    return any(event.kind is EventKind.DURESS for event in incident.events)


def hushed(incident: Incident, directory: Directory) -> frozenset[PersonId]:
    """Who must not hear of it: whoever calls under duress is never betrayed by a phone that rings.

    That is whom it is about, everybody else who lives there, and who typed the code (`rules.home.keypad.duress`).
    """
    calls = [event for event in incident.events if event.kind is EventKind.DURESS]
    if not calls:
        return frozenset()
    typed_by = (PersonId(str(event.evidence["by"])) for event in calls if "by" in event.evidence)
    return frozenset({*wards(incident, directory), *_occupants(incident.home_id, directory), *typed_by})


def recipients(tells: Iterable[Tell], incident: Incident, directory: Directory, now_ns: int) -> tuple[Recipient, ...]:
    """Everybody a step names, once each, in the order in which they are named; with no channels where nothing reaches them."""
    named: dict[PersonId, list[Channel]] = {}
    whole: dict[PersonId, bool] = {}
    for target, channel in tells:
        people, whole_roster = _people(target, incident, directory, now_ns)
        for person in people:
            named.setdefault(person, []).append(channel)
            whole[person] = whole.get(person, True) and whole_roster
    silent = hushed(incident, directory)
    return tuple(
        _recipient(directory.people[person], by, incident, whole_roster=whole[person])
        for person, by in named.items()
        if person in directory.people and directory.people[person].roles and person not in silent
    )


def _recipient(person: Person, by: Sequence[Channel], incident: Incident, *, whole_roster: bool) -> Recipient:
    if incident.story is Story.DRILL and Role.HOSPITAL in person.roles:
        return Recipient(person=person.id, channels=(), left_out=True)
    return Recipient(person=person.id, channels=usable(person, by), whole_roster=whole_roster)


def tellable(person: Person) -> tuple[Channel, ...]:
    """What somebody can be told by: what they wear only asks."""
    return tuple(channel for channel in person.channels if channel is not Channel.DEVICE)


def usable(person: Person, by: Sequence[Channel]) -> tuple[Channel, ...]:
    """Which of these channels this person has; where it is none of them, the next one that they have."""
    if has := tuple(dict.fromkeys(channel for channel in by if channel in tellable(person))):
        return has
    return tuple(channel for channel in FALLBACK if channel in person.channels)[:1]


def _people(target: str, incident: Incident, directory: Directory, now_ns: int) -> tuple[Sequence[PersonId], bool]:
    """People a target means, and whether they are a whole roster because nobody is on shift."""
    if target.startswith(ROSTER):
        found = directory.rosters.get(RosterId(target.removeprefix(ROSTER)))
        if found is None:
            return (), False
        on_duty = roster.on_shift(found, now_ns, directory.timezone)
        return on_duty or roster.everybody(found), not on_duty
    match target:
        case "occupants":
            return [person for person in _occupants(incident.home_id, directory) if person != incident.subject], False
        case "relatives":
            return _ordered(related(Role.RELATIVE, wards(incident, directory), directory, now_ns), incident.home_id, directory), False
        case "neighbours":
            near = {*wards(incident, directory), *_occupants(incident.home_id, directory)}
            return related(Role.NEIGHBOUR, near, directory, now_ns), False
        case "hospital":
            return [person.id for person in directory.people.values() if Role.HOSPITAL in person.roles], False
        case _:
            return (PersonId(target),), False


def _occupants(home_id: HomeId | None, directory: Directory) -> tuple[PersonId, ...]:
    home = directory.homes.get(home_id) if home_id else None
    return home.occupants if home else ()


def _ordered(people: Iterable[PersonId], home_id: HomeId | None, directory: Directory) -> list[PersonId]:
    """As a home wishes it, and who is not in its wish after them, as before."""
    home = directory.homes.get(home_id) if home_id else None
    first = {person: place for place, person in enumerate(home.order if home else ())}
    return sorted(people, key=lambda person: first.get(person, len(first)))


def related(role: Role, to: Iterable[PersonId], directory: Directory, now_ns: int) -> list[PersonId]:
    """People of a role who belong to any of some residents."""
    about, today = frozenset(to), directory.today(now_ns)
    return [
        person.id
        for person in directory.people.values()
        if role in person.roles and not about.isdisjoint(person.of) and person.belongs(today)
    ]
