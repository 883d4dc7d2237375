"""Devices and the readings they send.

A `Message` is what arrived; a `Batch` is N readings of one sensor kind as columns; `Kind` turns the first into the second.
Times are int64 nanoseconds since the Unix epoch, UTC.

Errors
------
AnjuError is the base of every package's errors. Nothing here raises on a bad payload: it becomes a `Rejected`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, NewType, TypeVar

import numpy as np
from numpy.typing import NDArray

from devices.view import View

CommunityId = NewType("CommunityId", str)
HomeId = NewType("HomeId", str)
PersonId = NewType("PersonId", str)
DeviceId = NewType("DeviceId", str)


class AnjuError(Exception):
    """Base of every package's errors: whoever runs a command is told in one line.

    Attributes
    ----------
    status : int
        What the command then ends with.
    """

    status = 1


NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000

Int64 = NDArray[np.int64]
Int32 = NDArray[np.int32]
Float64 = NDArray[np.float64]
Float32 = NDArray[np.float32]
Bool = NDArray[np.bool_]


class SensorKind(StrEnum):
    """Kinds of readings."""

    ACCELERATION = "acceleration"
    POSITION = "position"
    TARGETS = "targets"
    CONTACT = "contact"
    MOTION = "motion"
    BUTTON = "button"
    METER = "meter"
    STATUS = "status"
    KEYPAD = "keypad"


class DeviceKind(StrEnum):
    """Kinds of devices."""

    WEARABLE = "wearable"
    TRACKER = "tracker"
    RADAR = "radar"
    CONTACT = "contact"
    MOTION = "motion"
    METER = "meter"
    BUTTON = "button"
    CAMERA = "camera"
    GATEWAY = "gateway"
    KEYPAD = "keypad"


SENSORS_OF: Mapping[DeviceKind, frozenset[SensorKind]] = {
    DeviceKind.WEARABLE: frozenset({SensorKind.ACCELERATION, SensorKind.BUTTON, SensorKind.POSITION, SensorKind.STATUS}),
    DeviceKind.TRACKER: frozenset({SensorKind.POSITION, SensorKind.BUTTON, SensorKind.STATUS}),
    DeviceKind.RADAR: frozenset({SensorKind.TARGETS, SensorKind.MOTION, SensorKind.STATUS}),
    DeviceKind.CONTACT: frozenset({SensorKind.CONTACT, SensorKind.STATUS}),
    DeviceKind.MOTION: frozenset({SensorKind.MOTION, SensorKind.STATUS}),
    DeviceKind.METER: frozenset({SensorKind.METER, SensorKind.STATUS}),
    DeviceKind.BUTTON: frozenset({SensorKind.BUTTON, SensorKind.STATUS}),
    DeviceKind.CAMERA: frozenset({SensorKind.TARGETS, SensorKind.MOTION, SensorKind.STATUS}),
    DeviceKind.GATEWAY: frozenset({SensorKind.STATUS}),
    DeviceKind.KEYPAD: frozenset({SensorKind.KEYPAD, SensorKind.BUTTON, SensorKind.STATUS}),
}
"""Which kinds of readings a kind of device may send; anything else is rejected."""


class Placement(StrEnum):
    """Where a wearable is worn."""

    WRIST = "wrist"
    WAIST = "waist"
    CHEST = "chest"
    POCKET = "pocket"
    UNKNOWN = "unknown"


class Covers(StrEnum):
    """What a contact sits on; of a stove or a gas detector `open` means that it is on, or smells gas."""

    DOOR = "door"
    WINDOW = "window"
    GATE = "gate"
    FRIDGE = "fridge"
    CABINET = "cabinet"
    STOVE = "stove"
    GAS = "gas"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """Where a radar hangs and looks: WGS 84 degrees; heading clockwise from true north, where its y axis points."""

    lon: float
    lat: float
    heading_deg: float
    height_m: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A device's name in another ecosystem, such as a Zigbee2MQTT friendly name."""

    adapter: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Worn:
    """Who wore a device until a time, half-open; `by` and `home` are None of somebody who is not there any more."""

    by: PersonId | None
    until_ns: int
    home: HomeId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Thing that publishes.

    `home` is the home it belongs to: its own, or its wearer's. `sole_occupant` is the one resident of that home, if there is exactly one.
    `worn_before` is who wore it before `wearer`, ascending by time. `via` is the gateway through which it is heard.
    `view` is what a camera's picture shows of the ground, in the frame of its pose.
    """

    community_id: CommunityId
    id: DeviceId
    kind: DeviceKind
    wearer: PersonId | None = None
    worn_before: tuple[Worn, ...] = ()
    home: HomeId | None = None
    sole_occupant: PersonId | None = None
    placement: Placement = Placement.UNKNOWN
    covers: Covers | None = None
    pose: Pose | None = None
    view: View | None = None
    source: Source | None = None
    via: DeviceId | None = None

    @property
    def key(self) -> str:
        """Name that is unique over all communities: what snapshots are keyed by."""
        return f"{self.community_id}/{self.id}"


class Registry:
    """The known devices; a device's row is its index in every per-device column.

    Parameters
    ----------
    devices
        In an order that decides rows; ids are unique within a community.
    """

    def __init__(self, devices: Iterable[Device]) -> None:
        self.devices: tuple[Device, ...] = tuple(devices)
        self._row = {(d.community_id, d.id): row for row, d in enumerate(self.devices)}
        self.communities: frozenset[str] = frozenset(d.community_id for d in self.devices)

    def __len__(self) -> int:
        return len(self.devices)

    def __getitem__(self, row: int) -> Device:
        return self.devices[row]

    def row(self, community_id: str, device_id: str) -> int | None:
        """Row of a device, or None if it is unknown."""
        return self._row.get((CommunityId(community_id), DeviceId(device_id)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What arrived from a known device, routed but not decoded.

    `seq` is its number in the order of arrival over all devices; `device` the row in the `Registry`; `kind` says how `payload` is read.
    """

    topic: str
    device: int
    kind: SensorKind
    payload: bytes
    received_ns: int
    seq: int
    retained: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A message set aside, with the reason in words."""

    topic: str
    reason: str
    received_ns: int
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """N readings of one kind, as columns in order of arrival. Columns are read-only.

    Attributes
    ----------
    device : (N,) int32
        Row in the `Registry`.
    time_ns : (N,) int64
        When it was measured (of the first sample), corrected by `devices.clock`.
    received_ns : (N,) int64
        When it arrived.
    seq : (N,) int64
        Number in the order of arrival; never decreasing. What one message says of several devices shares it.
    retained : (N,) bool
        Repeated by the broker on subscribing: a state, never an edge or a sign of life.
    clock_wrong : (N,) bool
        The device's time was not believable and `time_ns` is the time of arrival.
    back : (N,) bool
        First reading of this kind since the device was offline (marked by `rules.faults.fault.Offline`).
    """

    device: Int32
    time_ns: Int64
    received_ns: Int64
    seq: Int64
    retained: Bool
    clock_wrong: Bool
    back: Bool

    def __len__(self) -> int:
        return len(self.device)


B_co = TypeVar("B_co", bound=Batch, covariant=True)


@dataclass(frozen=True, slots=True)
class Decoded(Generic[B_co]):
    """What a kind made of messages: the readings, and what was set aside."""

    batch: B_co
    rejected: tuple[Rejected, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Kind(Generic[B_co]):
    """A kind of readings and how its payloads are decoded; `decode` never raises on a payload."""

    name: SensorKind
    decode: Callable[[Sequence[Message]], Decoded[B_co]]
