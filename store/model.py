"""What the store answers, and its errors.

Errors
------
StoreError
├── InputError           a file that a person wrote is wrong; one line that says where, what, and what was wanted
├── StoreBusyError       the database is locked or away: nothing was written, try again
└── PositionLostError    another worker moved this partition's position: nothing was written, start again from it
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from devices.model import CommunityId, Device, Registry
from incidents.model import Directory
from rules.model import Fence, HomePlace, Premises


class StoreError(Exception):
    """Base of this package's errors."""


class InputError(StoreError):
    """A file is wrong: `file: where: what was wrong and what was wanted`, in one line."""

    def __init__(self, file: Path | str, where: str, what: str) -> None:
        parts = [str(file), where, what]
        super().__init__(": ".join(" ".join(part.split()) for part in parts if part))
        self.where = where
        self.what = what


class StoreBusyError(StoreError):
    """The database is locked or away; the transaction is to be tried again as a whole."""


class PositionLostError(StoreError):
    """Somebody else moved the position of a partition; the transaction wrote nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Community:
    """A community as its file says: who, where, which devices and fences.

    `warnings` are what import says loudly and accepts.
    """

    directory: Directory
    devices: tuple[Device, ...] = ()
    fences: tuple[Fence, ...] = ()
    warnings: tuple[str, ...] = field(default=())

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
            (str(one.id), str(home.id)): HomePlace(id=home.id, occupants=home.occupants)
            for one in known
            for home in one.directory.homes.values()
        },
        fences=tuple(fence for one in known for fence in one.fences),
    )
