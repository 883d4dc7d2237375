"""Whom and where a text is about, in words: out of the community's file, so of any length and with anything in them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from devices.model import DeviceId, HomeId, PersonId
from incidents.directory import Directory, Home, NamedDevice, Person
from incidents.model import Incident, Story
from notifier.messages.segments import is_gsm7, utf16_units
from notifier.messages.wording import Wording

_LONGEST = 140
"""Characters of a name or an address that are looked at, of a longer one its two ends: more never fit."""

_BUILDING = re.compile(r"([A-Za-z0-9-]+)(栋|幢|座|楼|号楼|号)?")
"""A building that is a number or a letter, perhaps with its Chinese classifier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a text needs out of the community's file.

    Attributes
    ----------
    name : str
        Of the resident, the home's occupants, the wearer, or the community; "" for a home of nobody.
    around : str
        How the name is said: `{name}`, or such as `{name}家`.
    address, address_short : str
        "" where the name says it all.
    community : str
        "" where it stands as name or address already.
    by, arrived : str
        Who ended it, or who has it; who was on the scene last.
    """

    name: str
    around: str = "{name}"
    address: str = ""
    address_short: str = ""
    community: str = ""
    by: str = ""
    arrived: str = ""

    @property
    def who(self) -> str:
        """Name as it is said; "" where there is none."""
        return self.around.format(name=self.name) if self.name else ""


def names_of(incident: Incident, directory: Directory, wording: Wording) -> Names:
    """Names of an incident's subject, which its story says what it is."""
    about = _subject(incident, directory, wording)
    by = _called(directory.people.get(incident.ended_by or incident.acknowledged_by or PersonId("")))
    arrived = _called(directory.people.get(incident.arrived_by or PersonId("")))
    community = flat(directory.name) or directory.community_id
    if about.address:
        return replace(about, community=community, by=by, arrived=arrived)
    return replace(about, address="" if about.name == community else community, by=by, arrived=arrived)


def flat(text: str) -> str:
    """Text on one line: whatever cannot be printed, such as a control character, is a space, and spaces do not pile up."""
    looked_at = text if len(text) <= _LONGEST else text[: _LONGEST // 2] + text[-_LONGEST // 2 :]
    return " ".join("".join(char if char.isprintable() else " " for char in looked_at).split())


def cut(text: str, units: int, *, middle: bool) -> str:
    """Text cut to at most so many UTF-16 units: at its end, or in its middle so that both ends stay. No ellipsis makes it UCS-2."""
    if utf16_units(text) <= units:
        return text
    ellipsis = "..." if is_gsm7(text) else "…"
    room = units - len(ellipsis)
    tail = _first(reversed(text), room // 2)[::-1] if middle else ""
    return _first(text, room - utf16_units(tail)).rstrip() + ellipsis + tail.lstrip()


def _subject(incident: Incident, directory: Directory, wording: Wording) -> Names:
    """Name and address, without the community."""
    subject = incident.subject
    match incident.story:
        case Story.DISTRESS | Story.ABSENCE | Story.PRESENCE:
            person = directory.people.get(PersonId(subject))
            home = directory.homes.get((person.home if person else None) or incident.home_id or HomeId(""))
            return _at(home, wording, name=_called(person) or subject)
        case Story.DRILL if person := directory.people.get(PersonId(subject)):
            return _at(directory.homes.get(person.home or HomeId("")), wording, name=_called(person), around=wording.drill_of)
        case Story.SILENCE | Story.CARE if person := directory.people.get(PersonId(subject)):
            return _at(directory.homes.get(person.home or HomeId("")), wording, name=_called(person))
        case Story.FAULT | Story.SILENCE if device := directory.devices.get(DeviceId(subject)):
            return _device(device, directory, wording)
        case Story.PERIMETER | Story.LEFT_OPEN | Story.CUSTOM | Story.SILENCE | Story.CARE if home := directory.homes.get(HomeId(subject)):
            return _at(home, wording, name=_occupants(home, directory, wording), around=wording.home_of)
        case _:
            return Names(name=flat(directory.name) or directory.community_id)


def _device(device: NamedDevice, directory: Directory, wording: Wording) -> Names:
    """Name of a device: by who wears it, else by whose home it is in, else its own id."""
    noun = wording.contacts[device.covers] if device.covers else wording.devices[device.kind]
    wearer = directory.people.get(device.wearer) if device.wearer else None
    home = directory.homes.get(device.home or (wearer.home if wearer else None) or HomeId(""))
    if wearer:
        name, around = _called(wearer), wording.device_of
    elif home and home.occupants:
        name, around = _occupants(home, directory, wording), wording.device_of_home
    else:
        name, around = device.id, wording.device_alone
    return _at(home, wording, name=name, around=around.replace("{device}", noun))


def _at(home: Home | None, wording: Wording, *, name: str, around: str = "{name}") -> Names:
    """Name with the home's address: as the file gives it, else made of building, floor and id."""
    if home is None:
        return Names(name=name, around=around)
    given = flat(home.address or "")
    return Names(
        name=name,
        around=around,
        address=given or _made(home, wording, wording.building, wording.floor),
        address_short=given or _made(home, wording, wording.building_short, wording.floor_short),
    )


def _made(home: Home, wording: Wording, building: str, floor: str) -> str:
    plain = _BUILDING.fullmatch(flat(home.building))
    parts = [
        building.format(plain[1]) if plain and not (plain[2] and wording.script.keeps_classifier) else flat(home.building),
        "" if home.floor is None else floor.format(home.floor),
        (wording.numbered_home if home.id.isdigit() else wording.other_home).format(home.id),
    ]
    return wording.script.address_gap.join(part for part in parts if part).strip()


def _occupants(home: Home, directory: Directory, wording: Wording) -> str:
    """The first two who live there."""
    people = [directory.people[person] for person in home.occupants if person in directory.people]
    return wording.names_gap.join(_called(person) for person in people[:2])


def _called(person: Person | None) -> str:
    """Name of a person, or the id where there is nothing to print in it."""
    return (flat(person.name) or person.id) if person else ""


def _first(chars: Iterable[str], units: int) -> str:
    kept, left = [], units
    for char in chars:
        left -= utf16_units(char)
        if left < 0:
            break
        kept.append(char)
    return "".join(kept)
