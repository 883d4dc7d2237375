"""Communities as the database has them: parsed once for each version, for everybody who decides or shows something."""

from sqlmodel import Session

from devices.model import CommunityId
from store import community, configuration
from store.model import Community, InputError, StoreError


class Estates:
    """The newest version of each community, read again when there is a newer one; and of older ones the one that was asked for last."""

    def __init__(self) -> None:
        self._known: dict[CommunityId, tuple[int, Community]] = {}
        self._before: dict[CommunityId, tuple[int, Community]] = {}

    def ids(self, session: Session) -> tuple[CommunityId, ...]:
        """Every community there is, ascending."""
        return configuration.communities(session)

    def community(self, session: Session, community_id: CommunityId) -> Community:
        """A community as it is now.

        Raises
        ------
        StoreError
            There is no such community.
        """
        number = configuration.community_number(session, community_id)
        known = self._known.get(community_id)
        if known is None or known[0] != number:
            document = configuration.community_at(session, community_id)
            if document is None:
                raise StoreError(f"there is no community {community_id}")
            known = (number, community.parse(document, f"community {community_id} in the database"))
            self._known[community_id] = known
        return known[1]

    def community_at(self, session: Session, community_id: CommunityId, at_ns: int) -> Community | None:
        """A community as it was at a time; None before its first file, and of a file that is no longer understood."""
        number = configuration.community_number(session, community_id, at_ns)
        for known in (self._known, self._before):
            if community_id in known and known[community_id][0] == number:
                return known[community_id][1]
        document = configuration.community_at(session, community_id, at_ns)
        if document is None:
            return None
        try:
            found = community.parse(document, f"community {community_id} in the database")
        except StoreError:
            return None
        self._before[community_id] = (number, found)
        return found


def community_of(session: Session, device_id: str, named: str | None) -> CommunityId:
    """The community that has a device, or of several the one that is named.

    Raises
    ------
    InputError
        None has it, or several have and none is named.
    """
    estates = Estates()
    having = [
        one
        for one in estates.ids(session)
        if named in {None, one} and any(device.id == device_id for device in estates.community(session, one).devices)
    ]
    if len(having) != 1:
        found = f"is in {' and '.join(having)}, wanted --community" if having else f"is in no community{f' {named}' if named else ''}"
        raise InputError("device", device_id, found)
    return having[0]
