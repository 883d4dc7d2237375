"""Whom to call about an incident, and what to say there."""

from collections.abc import Iterator
from dataclasses import dataclass

from devices.model import PersonId
from incidents.audience import related
from incidents.directory import Person, Role
from incidents.model import Incident, Story
from rules.kinds import EventKind
from web.scene import Scene
from web.words import Glancing

_NUMBERS = {"120": Glancing.AMBULANCE, "110": Glancing.POLICE, "119": Glancing.FIRE}
"""Emergency numbers of mainland China, the likeliest first."""
_POLICE_FIRST = frozenset({EventKind.INTRUSION, EventKind.APPROACH, EventKind.CROSS, EventKind.DURESS, EventKind.WANDERING, EventKind.EXIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """A number, whose it is, and what to read out."""

    number: str
    words: str
    read_out: str


def emergencies(incident: Incident, scene: Scene) -> tuple[Emergency, ...]:
    """Emergency numbers while an incident is open, the likeliest first; to be read out: where, who, what, since when. None in a drill."""
    if not incident.is_open or incident.story is Story.DRILL:
        return ()
    words, about = scene.words, scene.about(incident)
    said = words.glance[Glancing.READ_OUT].format(
        community=scene.directory.name,
        address=about.address,
        who=about.who,
        title=scene.heading(incident.headline),
        time=scene.clock(incident.headline.t_ns),
    )
    numbers = sorted(_NUMBERS, key=lambda one: one != "110") if incident.headline.kind in _POLICE_FIRST else list(_NUMBERS)
    return tuple(Emergency(number=one, words=words.glance[_NUMBERS[one]], read_out=said) for one in numbers)


def worth_a_call(incident: Incident, scene: Scene, me: PersonId) -> Iterator[Person]:
    """People with a telephone whom it helps to call: whom it is about, who has it, who is there, and their family."""
    directory = scene.directory
    family = related(Role.RELATIVE, [PersonId(incident.subject)], directory, scene.now_ns)
    for one in dict.fromkeys((PersonId(incident.subject), incident.acknowledged_by, incident.arrived_by, *family)):
        person = directory.people.get(one) if one else None
        if person is not None and person.id != me and person.phone_e164:
            yield person
