"""Who cannot be told as the community's file says: a number or address that is broken, or whose owner wants no messages."""

from sqlmodel import Session

from devices.model import CommunityId
from store import contacts
from web.scene import Scene


def unreachable(session: Session, community_id: CommunityId, scene: Scene) -> str:
    """All of them in one line, each with the channel and the reason; "" where there is none."""
    words, said = scene.words, []
    for person_id, known in contacts.marked(session, community_id):
        person = scene.directory.people.get(person_id)
        state = contacts.state(session, community_id, person, known.channel) if person else None
        if person is not None and state is not None and state in words.contact_states:
            why = words.contact_states[state].format(channel=words.channels[known.channel])
            said.append(words.unguarded_by.format(name=scene.name(person_id) or person_id, why=why))
    return words.contacts_broken.format(names=words.list_gap.join(said)) if said else ""
