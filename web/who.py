"""Who asks: somebody of one community, with the rights that follow from who they are there and how they signed in."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from devices.model import CommunityId, HomeId, PersonId
from incidents.audience import hushed, wards
from incidents.directory import Directory, Person, Role
from incidents.model import Incident, Story
from store.consents import RECIPIENTS, DataPurpose, Withheld
from web.rights import RIGHTS, Action, Reach

COOKIE = "anju-session"
FAMILY = frozenset({Role.RESIDENT, Role.RELATIVE, Role.NEIGHBOUR})
"""Roles that a code sent to one's number is enough for; the others need a password and a second factor."""


class NotSignedInError(Exception):
    """Nobody is signed in, and somebody has to be."""


class NotAllowedError(Exception):
    """Whoever asks may not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Somebody who is signed in, in one of their communities.

    Attributes
    ----------
    roles : frozenset of Role
        Those that count now.
    communities : tuple of CommunityId
        Where they are known.
    withheld : frozenset
        Which residents do not let whom have what.
    """

    person: Person
    community_id: CommunityId
    directory: Directory
    roles: frozenset[Role]
    communities: tuple[CommunityId, ...]
    withheld: Withheld = frozenset()

    @property
    def id(self) -> PersonId:
        """Of the person."""
        return self.person.id

    @property
    def wards(self) -> frozenset[PersonId]:
        """Themselves, and whom they are a relative of now."""
        own = {self.id} if Role.RESIDENT in self.roles else set()
        return frozenset(own | (set(self.person.of) if Role.RELATIVE in self.roles else set()))

    @property
    def homes(self) -> tuple[HomeId, ...]:
        """Their own home, and those of their relatives, in the order of the community's file."""
        return tuple(home for home in self.directory.homes if self._is_at(home))

    def reach(self, action: Action, among: Iterable[Role] | None = None) -> frozenset[Reach]:
        """How far their right to an action goes, of some of their roles or of all; empty where they have none."""
        return frozenset(reach for role in (self.roles if among is None else among) for reach in RIGHTS[action].get(role, ()))

    def may(self, action: Action) -> bool:
        """Whether they may do it at all."""
        return bool(self.reach(action))

    def has_all(self, action: Action) -> bool:
        """Whether they may do it about everything of the community."""
        return Reach.ALL in self.reach(action)

    def may_at(self, action: Action, home_id: HomeId | None) -> bool:
        """Whether they may do it about a home."""
        reach = self.reach(action)
        return Reach.ALL in reach or (Reach.OWN in reach and self._is_at(home_id))

    def may_about(self, action: Action, incident: Incident, purpose: DataPurpose = DataPurpose.HELP) -> bool:
        """Whether they may do it about an incident; seeing a person is for a purpose. Whoever must not hear of it may nothing."""
        if self.id in hushed(incident, self.directory):
            return False
        about = wards(incident, self.directory)
        needed = {DataPurpose.HELP, purpose} if action is Action.SEE_PERSON else set()
        roles = {role for role in self.roles if not self._is_withheld(role, about, needed)}
        reach = self.reach(action, roles)
        is_own = self._is_at(incident.home_id) or not self.wards.isdisjoint(about)
        may = Reach.ALL in reach or (Reach.OWN in reach and is_own) or (Reach.TOLD in reach and self.id in incident.told)
        if Reach.OPEN in reach and incident.is_open and incident.story is not Story.DRILL:  # nobody's data is looked at for practice
            return may or self.may_about(Action.SEE_INCIDENTS, incident)
        return may

    def _is_at(self, home_id: HomeId | None) -> bool:
        """Whether a home is theirs, or of somebody whom they are a relative of."""
        home = self.directory.homes.get(home_id) if home_id else None
        return home is not None and not self.wards.isdisjoint(home.occupants)

    def _is_withheld(self, role: Role, residents: Iterable[PersonId], purposes: Iterable[DataPurpose]) -> bool:
        recipient = RECIPIENTS.get(role)
        return recipient is not None and any((one, purpose, recipient) in self.withheld for one, purpose in product(residents, purposes))


def me_cookie(community_id: str) -> str:
    """Name of the cookie that says which of those who share a telephone it is, in a community."""
    return f"me-{community_id}"
