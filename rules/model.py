"""Rules: what they see, what they find, and how they are put into lanes.

A rule is given readings in batches and answers facts. One batch or many batches of the same readings give the same facts;
a batch never spans a time at which the rule is due (`next_due`), nor a change of mode. A due time that a reading creates lies at
least 0.25 s after its arrival (a micro-batch's longest span).
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, NewType, Protocol, TypeVar

from devices.model import Batch, CommunityId, Device, DeviceId, HomeId, Kind, PersonId, Registry

FenceId = NewType("FenceId", str)


class EventKind(StrEnum):
    """Kinds of events; a stored value is never renamed."""

    FALL = "fall"
    LONG_LIE = "long_lie"
    RECOVERED = "recovered"
    SOS = "sos"
    DURESS = "duress"
    INACTIVITY = "inactivity"
    NO_RETURN = "no_return"
    ENTER = "enter"
    EXIT = "exit"
    ABSENT = "absent"
    APPROACH = "approach"
    CROSS = "cross"
    DWELL = "dwell"
    INTRUSION = "intrusion"
    LEFT_OPEN = "left_open"
    WANDERING = "wandering"
    OFFLINE = "offline"
    LOW_BATTERY = "low_battery"
    TAMPER = "tamper"
    STUCK = "stuck"
    CLOCK = "clock"
    IMPLAUSIBLE = "implausible"
    NOT_WORN = "not_worn"
    OUTAGE = "outage"
    CUSTOM = "custom"


class Mode(StrEnum):
    """What a home is armed for; a home starts disarmed."""

    DISARMED = "disarmed"
    HOME = "home"
    AWAY = "away"
    NIGHT = "night"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact a rule found. Its identity is (community, kind, subject, t).

    Attributes
    ----------
    subject : str
        Resident, home, device or community, as contract.md says of the kind.
    t_ns : int
        When it happened.
    known_ns : int
        When it was known: arrival of the reading that decided it, or the time of the tick.
    seq : int
        Number of the reading that decided it; -1 from a tick.
    score : float
        0 to 1.
    cause : str
        What goes on being the case until it is cleared: fence, contact or device.
    evidence : mapping
        Why, in numbers and words, units in names.
    """

    community_id: CommunityId
    kind: EventKind
    subject: str
    t_ns: int
    known_ns: int
    seq: int
    device_id: DeviceId | None = None
    resident_id: PersonId | None = None
    home_id: HomeId | None = None
    score: float = 1.0
    cause: str = ""
    evidence: Mapping[str, float | int | str | bool] = field(default_factory=dict)

    @property
    def identity(self) -> tuple[str, str, str, int]:
        """(community, kind, subject, t_ns)."""
        return (self.community_id, self.kind, self.subject, self.t_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """What an event of this kind and cause reported is over: the door is closed, the device heard again, the person back."""

    community_id: CommunityId
    kind: EventKind
    subject: str
    cause: str
    t_ns: int
    known_ns: int
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """The wearer pressed cancel."""

    community_id: CommunityId
    subject: PersonId
    device_id: DeviceId
    t_ns: int
    known_ns: int
    seq: int


Fact = Event | Cleared | Cancelled
Facts = list[Fact]


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePlace:
    """What rules need of a home."""

    id: HomeId
    occupants: tuple[PersonId, ...] = ()


class Modes:
    """Which mode a home was in at which time; append-only, looked up by a reading's own time."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str], tuple[list[int], list[Mode]]] = {}
        self.log: list[tuple[str, str]] = []
        """(community, home) of every change, as appended: a rule keeps its own place in it to learn what is new."""

    def change(self, community_id: str, home_id: str, mode: Mode, at_ns: int) -> None:
        """Append a change; `at_ns` never decreases for one home."""
        times, modes = self._since.setdefault((community_id, home_id), ([], []))
        times.append(at_ns)
        modes.append(mode)
        self.log.append((community_id, home_id))

    def at(self, community_id: str, home_id: str, time_ns: int) -> Mode:
        """Mode at a time; disarmed before the first change."""
        times, modes = self._since.get((community_id, home_id), ([], []))
        index = bisect_right(times, time_ns) - 1
        return modes[index] if index >= 0 else Mode.DISARMED

    def changes(self, community_id: str, home_id: str) -> list[tuple[int, Mode]]:
        """Every change of one home, oldest first."""
        return list(zip(*self._since.get((community_id, home_id), ([], [])), strict=True))


class FenceKind(StrEnum):
    """An area has an inside; a line has a near (protected) side."""

    AREA = "area"
    LINE = "line"


class Side(StrEnum):
    """A side of a line, seen along its direction."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """A geofence as configured.

    Attributes
    ----------
    rings : tuple of tuple of rings
        Area: polygons, each its shell and its holes, vertices (lon, lat) WGS 84 degrees. Empty for a line.
    path : tuple of (lon, lat)
        Line: its vertices. Empty for an area.
    events : frozenset
        Which kinds it reports.
    modes : frozenset or None
        In which modes of its home it guards; None is always.
    residents : frozenset
        Whom an area concerns.
    """

    community_id: CommunityId
    id: FenceId
    kind: FenceKind
    home: HomeId | None = None
    residents: frozenset[PersonId] = frozenset()
    events: frozenset[EventKind] = frozenset()
    modes: frozenset[Mode] | None = None
    near: Side = Side.LEFT
    approach_m: float = 2.0
    rings: tuple[tuple[tuple[tuple[float, float], ...], ...], ...] = ()
    path: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """Everything about communities that rules may ask: devices, homes, fences and modes."""

    registry: Registry
    homes: Mapping[tuple[str, str], HomePlace] = field(default_factory=dict)
    fences: tuple[Fence, ...] = ()
    modes: Modes = field(default_factory=Modes)

    def occupants(self, community_id: str, home_id: str | None) -> tuple[PersonId, ...]:
        """Residents of a home; empty for an unknown one."""
        place = self.homes.get((community_id, home_id or ""))
        return place.occupants if place else ()

    def mode(self, device: Device, time_ns: int) -> Mode:
        """Mode of a device's home at a time; disarmed where it has none."""
        return self.modes.at(device.community_id, device.home or "", time_ns)


Snapshot = Mapping[str, Any]
"""Decision state by device key, in JSON's types only; small. Signal windows are not in it."""

B_contra = TypeVar("B_contra", bound=Batch, contravariant=True)


class Rule(Protocol[B_contra]):
    """What every rule does. `tests/rules/test_contract.py` checks it over all of them."""

    @property
    def name(self) -> str:
        """Name in snapshots and metrics."""

    @property
    def window_s(self) -> float:
        """Seconds of readings before the position that refill its signal windows on start, at most 90; 0 where the snapshot is all."""

    def update(self, batch: B_contra, /) -> Facts:
        """Facts of one batch, in the order of the readings that decided them; the batch is not changed."""

    def next_due(self) -> int | None:
        """When `tick` has something to say, in ns; None while it has not."""

    def tick(self, now_ns: int, /) -> Facts:
        """Facts of time having passed; called at each due time with `now_ns` equal to it."""

    def snapshot(self) -> Snapshot:
        """Decision state, by device key."""

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over decision state; a device that is not in it keeps what it has. Unknown devices are ignored."""


B = TypeVar("B", bound=Batch)


class Lane(Generic[B]):
    """Readings of one kind and the rules that look at them, in order. A fall rule on a position lane does not type-check.

    A rule that needs two kinds stands in two lanes.
    """

    def __init__(self, kind: Kind[B], *rules: Rule[B]) -> None:
        self.kind = kind
        self.rules = rules
