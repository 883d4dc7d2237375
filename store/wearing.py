"""Which wearables may not show a fall now, as the worker last kept it: nobody is told "all well" by silence."""

from collections.abc import Mapping

from sqlmodel import Session

from devices.model import CommunityId, DeviceId
from rules.faults.wear import Wear, Why, unfit
from store.positions import states_that_say


def of_community(session: Session, community_id: CommunityId) -> Mapping[DeviceId, Why]:
    """Devices that are not worn, charge, or send what could not show a fall, with the reason; as old as the newest checkpoint."""
    found = {}
    for key, state in states_that_say(session, Wear.name, community_id, "unfit").items():
        if (why := unfit(state)) is not None:
            found[DeviceId(key.split("/", 1)[1])] = why
    return found
