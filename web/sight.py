"""What the radars of one home see, on its floor: pure, from entries of the log to places, and to what its lines would say of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from devices.decode import Decoder
from devices.entry import Record
from devices.model import Device, DeviceId, DeviceKind, Float64, HomeId, Message, Registry, SensorKind
from devices.sensors.targets import TargetsBatch
from devices.topics import parse
from geofence.floor import Floor
from geofence.frames import turned
from geofence.lines import signed_distance
from geofence.tracks import Tracker
from rules.fences.lines import Line
from rules.kinds import EventKind
from rules.model import Event
from rules.premises import Fence, FenceId, FenceKind, Premises, Side
from store.model import Community

_AWAY_M = 0.3
"""Beyond the distance at which a line notices somebody: there a try is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One target of a frame, on the floor.

    Attributes
    ----------
    number : int
        Of whom it is taken for: the same from frame to frame, unique within the radar.
    is_somebody : bool
        Seen for longer than a ghost.
    x_m, y_m : float
        As the radar says, not smoothed.
    line_m : mapping
        Metres from each line of the home, above 0 on its far side.
    """

    number: int
    is_somebody: bool
    x_m: float
    y_m: float
    line_m: Mapping[FenceId, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One frame of one radar; `time_ns` is when it was measured, `received_ns` when it arrived."""

    device_id: DeviceId
    time_ns: int
    received_ns: int
    spots: tuple[Seen, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """A line noticed somebody; `is_try`: it would have told, were it guarding, and nothing came of it."""

    line: FenceId
    kind: EventKind
    t_ns: int
    is_try: bool


@dataclass(frozen=True, slots=True)
class Sighting:
    """What came of some records: the newest frame of each radar, and what lines would have said."""

    looks: Mapping[DeviceId, Look]
    trips: tuple[Trip, ...]

    def __bool__(self) -> bool:
        """Whether there is anything new."""
        return bool(self.looks or self.trips)


@dataclass(slots=True)
class _Radar:
    """A radar that hangs somewhere: `place_m` on the floor, and where it looks from there."""

    device_id: DeviceId
    place_m: Float64
    heading_deg: float
    tracker: Tracker = field(default_factory=Tracker)


class Sight:
    """The radars of a home that have a pose.

    Lines are tried by the very rule that guards them, as if each guarded now and nobody of the family wore anything: whoever tries their
    own line is the stranger.

    Parameters
    ----------
    community
        As it is now.
    home
        Whose radars and lines.
    floor
        In whose metres everything is told.
    """

    def __init__(self, community: Community, home: HomeId, floor: Floor) -> None:
        self.community, self.home, self.floor = community, home, floor
        radars = [one for one in community.devices if one.kind is DeviceKind.RADAR and one.home == home and one.pose is not None]
        registry = Registry(radars)
        self._topics = {str(one.id) for one in radars if one.source is None}
        self._has_foreign = any(one.source is not None for one in radars)
        self._decoder = Decoder(registry)
        self._radars = {row: radar for row, one in enumerate(radars) if (radar := _radar(one, floor)) is not None}
        lines = [fence for fence in community.fences if fence.kind is FenceKind.LINE and fence.home == home]
        self._paths = {line.id: (floor.metres(*np.array(line.path, np.float64).T), _far(line)) for line in lines}
        known = community.premises()
        tried = tuple(replace(line, modes=None, schedule=None) for line in lines)
        self._premises = Premises(registry=registry, homes=known.homes, fences=tried, clocks=known.clocks)
        self._line = Line(self._premises)
        self._away_m = {line.id: line.approach_m + _AWAY_M for line in lines}
        self._tripped: set[FenceId] = set()
        self._count = 0

    def take(self, records: Sequence[Record]) -> Sighting:
        """What some records say of this home's radars; everything else in them is not looked into."""
        messages = [message for record in records if self._is_ours(record) for message in self._routed(record)]
        if not messages:
            return Sighting({}, ())
        batches, _ = self._decoder.decode(messages)
        batch = batches.get(SensorKind.TARGETS)
        if not isinstance(batch, TargetsBatch):
            return Sighting({}, ())
        facts = [fact for fact in self._line.update(batch) if isinstance(fact, Event)]
        looks = {look.device_id: look for look in self._looks(batch)}  # of several frames the newest
        trips = tuple(Trip(line=FenceId(fact.cause), kind=fact.kind, t_ns=fact.t_ns, is_try=True) for fact in facts)
        self._begin_anew(looks.values(), trips)
        return Sighting(looks, trips)

    def _begin_anew(self, looks: Iterable[Look], trips: Iterable[Trip]) -> None:
        """The rule tells once of one walk; here somebody tries again as soon as they have stepped back."""
        self._tripped |= {trip.line for trip in trips}
        spots = [spot for look in looks for spot in look.spots]
        if self._tripped and spots and all(spot.line_m[line] > self._away_m[line] for spot in spots for line in self._tripped):
            self._tripped.clear()
            self._line = Line(self._premises)

    def _is_ours(self, record: Record) -> bool:
        """Whether a record may be of one of our radars, by its topic alone: a partition holds many homes."""
        if record.retained:
            return False
        named = parse(record.topic)
        if isinstance(named, str):
            return self._has_foreign
        return named.community == self.community.id and named.device in self._topics

    def _routed(self, record: Record) -> Sequence[Message]:
        self._count += 1
        routed = self._decoder.route(record.topic, record.payload, record.received_ns, self._count)
        return [one for one in routed if one.kind is SensorKind.TARGETS] if isinstance(routed, tuple) else ()

    def _looks(self, batch: TargetsBatch) -> Iterator[Look]:
        for row, device in enumerate(batch.device.tolist()):
            radar = self._radars[device]
            seen = slice(int(batch.offset[row]), int(batch.offset[row + 1]))
            x_m, y_m = batch.x_m[seen].tolist(), batch.y_m[seen].tolist()
            time_ns = int(batch.time_ns[row])
            steps = radar.tracker.step(time_ns, x_m, y_m)
            if len(steps) < len(x_m):  # not newer than what was seen
                continue
            places_m = radar.place_m + turned(radar.heading_deg, x_m, y_m)
            from_line = {line: far * signed_distance(path, places_m) for line, (path, far) in self._paths.items()}
            yield Look(
                device_id=radar.device_id,
                time_ns=time_ns,
                received_ns=int(batch.received_ns[row]),
                spots=tuple(
                    Seen(
                        number=step.number,
                        is_somebody=step.is_somebody,
                        x_m=float(places_m[index, 0]),
                        y_m=float(places_m[index, 1]),
                        line_m={line: float(distance_m[index]) for line, distance_m in from_line.items()},
                    )
                    for index, step in enumerate(steps)
                ),
            )


def _radar(device: Device, floor: Floor) -> _Radar | None:
    if (pose := device.pose) is None:
        return None
    return _Radar(device.id, floor.metres(pose.lon, pose.lat), pose.heading_deg - floor.heading_deg)


def _far(line: Fence) -> float:
    """+1 where a line's far side is to its left, else -1."""
    return -1.0 if line.near is Side.LEFT else 1.0
