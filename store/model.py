"""What the store answers, and its errors.

Errors
------
StoreError
├── InputError           a file that a person wrote is wrong; one line that says where, what, and what was wanted
├── StoreBusyError       the database is locked or away: nothing was written, try again
└── PositionLostError    another worker moved this partition's position: nothing was written, start again from it
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from devices.model import AnjuError, CommunityId, Device, DeviceId, HomeId, PersonId, Registry
from geofence.datum import Wgs84Rings
from geofence.floor import Floor
from incidents.directory import Directory, Home, Role
from rules.fences.etiquette import Neighbourhood, Verdict
from rules.premises import Arming, Care, Clocks, Codes, Daily, Fence, FenceId, HomePlace, OwnRule, Planned, Premises, Use


class StoreError(AnjuError):
    """Base of this package's errors."""


class InputError(StoreError):
    """A file is wrong: `file: where: what was wrong and what was wanted`, in one line."""

    status = 2

    def __init__(self, file: Path | str, where: str, what: str) -> None:
        parts = [str(file), where, what]
        super().__init__(": ".join(" ".join(part.split()) for part in parts if part))
        self.where = where
        self.what = what


class StoreBusyError(StoreError):
    """The database is locked or away; the transaction is to be tried again as a whole."""


class PositionLostError(StoreError):
    """Somebody else moved the position of a partition; the transaction wrote nothing."""


class OpeningKind(StrEnum):
    """What is in a wall."""

    WINDOW = "window"
    DOOR = "door"


Spot = tuple[float, float]
"""Metres on a home's floor: to the right, and ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A room: its corners, of which the last is joined to the first."""

    id: str
    name: str
    outline: tuple[Spot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A window or a door, from one end to the other; `device`: the contact sensor on it."""

    id: str
    kind: OpeningKind
    ends: tuple[Spot, Spot]
    device: DeviceId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A home's floor plan; `by`: who drew it in the app, None where the community's file says it."""

    floor: Floor
    rooms: tuple[Room, ...] = ()
    openings: tuple[Opening, ...] = ()
    by: PersonId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Community:
    """A community as its file says: who, where, which devices and fences.

    `warnings` are what import says loudly and accepts, `notices` what it says. `reached_by`: of a home, others whose lines reach it.
    `fences` guard; `waiting` and `refused` were drawn in the app and guard nothing. `verdicts`: what each line, and
    each area that was drawn in the app, watches besides its own home. `names`: of fences that have one. `rules`: its own, those that are
    switched on.
    """

    directory: Directory
    devices: tuple[Device, ...] = ()
    fences: tuple[Fence, ...] = ()
    waiting: tuple[Fence, ...] = ()
    refused: tuple[Fence, ...] = ()
    names: Mapping[FenceId, str] = field(default_factory=dict)
    verdicts: Mapping[FenceId, Verdict] = field(default_factory=dict)
    neighbourhood: Neighbourhood = field(default_factory=lambda: Neighbourhood(()), compare=False, repr=False)
    care: Mapping[PersonId, Care] = field(default_factory=dict)
    uses: Mapping[DeviceId, Use] = field(default_factory=dict)
    footprints: Mapping[HomeId, Wgs84Rings] = field(default_factory=dict)
    plans: Mapping[HomeId, Plan] = field(default_factory=dict)
    arming: Mapping[HomeId, Arming] = field(default_factory=dict)
    schedules: Mapping[HomeId, tuple[Planned, ...]] = field(default_factory=dict)
    codes: Mapping[PersonId, Codes] = field(default_factory=dict)
    clocks: Clocks = field(default_factory=Clocks)
    rules: tuple[OwnRule, ...] = ()
    reached_by: Mapping[HomeId, tuple[HomeId, ...]] = field(default_factory=dict)
    warnings: tuple[str, ...] = field(default=())
    notices: tuple[str, ...] = field(default=())

    @property
    def id(self) -> CommunityId:
        """The community's id."""
        return self.directory.community_id

    def premises(self) -> Premises:
        """What rules may ask, with every home disarmed."""
        return premises_of([self])


def premises_of(communities: Iterable[Community]) -> Premises:
    """What rules may ask of several communities, with every home disarmed."""
    known = tuple(communities)
    return Premises(
        registry=Registry(device for one in known for device in one.devices),
        homes={
            (str(one.id), str(home.id)): HomePlace(
                id=home.id,
                building=home.building,
                floor=home.floor,
                footprint=one.footprints.get(home.id, ()),
                occupants=home.occupants,
                arming=one.arming.get(home.id, Arming()),
                codes=_codes(one, home),
                schedule=one.schedules.get(home.id, ()),
            )
            for one in known
            for home in one.directory.homes.values()
        },
        fences=tuple(fence for one in known for fence in one.fences),
        care={(str(one.id), str(person)): care for one in known for person, care in one.care.items()},
        uses={f"{one.id}/{device}": use for one in known for device, use in one.uses.items()},
        clocks={str(one.id): one.clocks for one in known},
        wishes={(str(one.id), str(resident)): wishes for one in known for resident, wishes in _wishes(one).items()},
        rules=tuple(rule for one in known for rule in one.rules),
    )


def _wishes(community: Community) -> Mapping[PersonId, tuple[Daily, ...]]:
    """When somebody wants to hear how a resident is: each such time once."""
    wanted: dict[PersonId, dict[Daily, None]] = {}
    for person in community.directory.people.values():
        if person.daily is not None and Role.RELATIVE in person.roles:
            for resident in person.of:
                wanted.setdefault(resident, {})[Daily(at=person.daily, zone=person.timezone)] = None
    return {resident: tuple(wishes) for resident, wishes in wanted.items()}


def _codes(community: Community, home: Home) -> Mapping[PersonId, Codes]:
    """Codes of who lives in a home and of who belongs to them."""
    people = community.directory.people
    return {
        person: codes
        for person, codes in community.codes.items()
        if person in home.occupants or not frozenset(people[person].of).isdisjoint(home.occupants)
    }
