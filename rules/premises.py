"""What rules may ask about communities: devices, homes, people, fences, modes and clocks, and what cannot be heard now."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import NewType

from devices.model import NS_PER_S, CommunityId, Device, DeviceId, HomeId, PersonId, Registry
from geofence.datum import NO_RING, Wgs84Ring, Wgs84Rings
from rules.kinds import EventKind, Mode

FenceId = NewType("FenceId", str)
RuleId = NewType("RuleId", str)

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arming:
    """How a home is guarded.

    Attributes
    ----------
    exit_delay_s, entry_delay_s : int
        Time to leave after arming, and to disarm after opening a door that is an entry.
    confirm_s : int
        A second sensor must notice something within this; 0: one is enough.
    arms_when_closed : bool
        The exit delay is over as soon as an entry is closed.
    """

    exit_delay_s: int = 0
    entry_delay_s: int = 0
    confirm_s: int = 0
    arms_when_closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What a sensor of a home is used for.

    Attributes
    ----------
    guards : frozenset or None
        Modes in which it counts; None: as is usual for its kind.
    is_entry : bool
        People come in and go out by it: opening it gives time to disarm.
    open_s, open_night_s : int or None
        How long it may stand open by day and by night before somebody is told; None: as is usual for what it covers.
    """

    guards: frozenset[Mode] | None = None
    is_entry: bool = False
    open_s: int | None = None
    open_night_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Care:
    """What is watched over of a resident, as the family wants it.

    Attributes
    ----------
    inactivity, no_return, wandering : bool or None
        None: as is usual (of somebody who lives alone; wandering by night).
    quiet_least_s, quiet_most_s : int
        Silence shorter than the first is never told, one longer than the second always, whatever has been learnt between.
    back_night_s, back_day_s : int
        How long somebody may be out who left by night, or by day.
    """

    inactivity: bool | None = None
    no_return: bool | None = None
    wandering: bool | None = None
    quiet_least_s: int = 4 * 3600
    quiet_most_s: int = 12 * 3600
    back_night_s: int = 1800
    back_day_s: int = 12 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """Digests of the codes that somebody types at a keypad (`rules.home.codes`)."""

    code: str | None = None
    duress: str | None = None


SCHEDULE = PersonId("schedule")
"""Who sets a mode that a home's schedule says: no person of a community has this id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """A time of day, by the clock on the wall, on days of the week (Monday 0).

    `zone`: whose clock; None is the community's.
    """

    at: time
    days: frozenset[int] = frozenset(range(7))
    zone: tzinfo | None = None

    @property
    def written(self) -> str:
        """The same text for the same, and for nothing else."""
        return f"{self.at:%H:%M} {sorted(self.days)} {self.zone or ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned(Daily):
    """A mode that a home is put into at such a time."""

    mode: Mode

    @property
    def written(self) -> str:
        """The same text for the same, and for nothing else."""
        return f"{self.at:%H:%M} {sorted(self.days)} {self.mode}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePlace:
    """What rules need of a home.

    `codes`: who may arm and disarm it at a keypad; `schedule`: when it is armed by itself; `footprint`: empty where none is known.
    """

    id: HomeId
    building: str = ""
    floor: int | None = None
    footprint: Wgs84Rings = ()
    occupants: tuple[PersonId, ...] = ()
    arming: Arming = Arming()
    codes: Mapping[PersonId, Codes] = field(default_factory=dict)
    schedule: tuple[Planned, ...] = ()


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

    def put(self, community_id: str, home_id: str, mode: Mode, at_ns: int, known_ns: int) -> int | None:
        """Append what a rule says, and since when it holds, in ns; None where somebody has set the mode since: theirs is the last word.

        What is there already, because a start judges once more, is not appended again. `known_ns`: what was set by then gives way.
        """
        changes = self.changes(community_id, home_id)
        if (at_ns, mode) in changes:
            return at_ns
        before = [change for change in changes if change[0] <= known_ns]
        if before:
            at_ns = max(at_ns, before[-1][0])
        if before and before[-1] == (at_ns, mode):
            return at_ns
        if len(before) < len(changes):
            return None
        self.change(community_id, home_id, mode, at_ns)
        return at_ns

    def forget(self, community_id: str, home_id: str) -> None:
        """Drop the changes of a home, to append them anew as they were written."""
        self._since.pop((community_id, home_id), None)

    def at(self, community_id: str, home_id: str, time_ns: int) -> Mode:
        """Mode at a time; disarmed before the first change."""
        times, modes = self._since.get((community_id, home_id), ([], []))
        index = bisect_right(times, time_ns) - 1
        return modes[index] if index >= 0 else Mode.DISARMED

    def since(self, community_id: str, home_id: str, time_ns: int) -> tuple[Mode, int]:
        """Mode at a time, and since when in ns it has been the mode; 0 before the first change. Set anew to what it is, it goes on."""
        times, modes = self._since.get((community_id, home_id), ([], []))
        index = bisect_right(times, time_ns) - 1
        while index > 0 and modes[index - 1] is modes[index]:
            index -= 1
        return (modes[index], times[index]) if index >= 0 else (Mode.DISARMED, 0)

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
class Hours:
    """Times of day, by the clock on the wall: from `since` until `until`, which may lie on the next day.

    Attributes
    ----------
    since, until : time
        `until` at or before `since` is on the next day, so that the same time twice is a whole day.
    days : frozenset of int
        Days of the week on which it begins, Monday 0; never empty.
    """

    since: time
    until: time
    days: frozenset[int] = frozenset(range(7))

    def span(self, at_ns: int, zone: tzinfo) -> tuple[int, int]:
        """From and to, half-open, in ns: what runs at a time, else what comes next."""
        day = datetime.fromtimestamp(at_ns // NS_PER_S, tz=zone).date() - _DAY
        while True:
            if day.weekday() in self.days:
                begin_ns, end_ns = span_on(day, self.since, self.until, zone)
                if begin_ns < end_ns and at_ns < end_ns:
                    return begin_ns, end_ns
            day += _DAY

    def hold(self, at_ns: int, zone: tzinfo) -> bool:
        """Whether it is such a time."""
        return self.span(at_ns, zone)[0] <= at_ns


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
    schedule : Hours or None
        At which times it guards, besides `modes`; None is always.
    residents : frozenset
        Whom an area concerns.
    dwell_s : int
        Area: who is inside for so long dwells.
    expected : Hours or None
        Area: when its residents are absent if they are outside; None is always.
    max_gap_s : float or None
        Line: two fixes further apart in time say nothing of the way between them; None: as is usual for their source.
    floor : int or None
        It is on this floor: a source that knows its own floor counts on that one only. None is every floor.
    """

    community_id: CommunityId
    id: FenceId
    kind: FenceKind
    home: HomeId | None = None
    residents: frozenset[PersonId] = frozenset()
    events: frozenset[EventKind] = frozenset()
    modes: frozenset[Mode] | None = None
    schedule: Hours | None = None
    near: Side = Side.LEFT
    approach_m: float = 2.0
    dwell_s: int = 900
    expected: Hours | None = None
    max_gap_s: float | None = None
    floor: int | None = None
    rings: Wgs84Rings = ()
    path: Wgs84Ring = NO_RING


class SensorState(StrEnum):
    """What a sensor can say that a community's own rule may ask for."""

    OPEN = "open"
    CLOSED = "closed"
    MOTION = "motion"
    NO_MOTION = "no_motion"


class Match(StrEnum):
    """How many of a rule's conditions must hold at one time."""

    ALL = "all"
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Sensors that are in a state, and have been for so long without a break.

    Attributes
    ----------
    devices : tuple of DeviceId
        Never empty.
    every : bool
        Each of them must be; else one is enough.
    """

    devices: tuple[DeviceId, ...]
    state: SensorState
    for_s: int = 0
    every: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRule:
    """A rule that a community made itself.

    Attributes
    ----------
    home : HomeId or None
        Whose rule it is; None is the community's.
    between : Hours or None
        At which times it holds; None is always.
    modes : frozenset or None
        In which modes of its home; None is always. A rule of the community has none.
    """

    community_id: CommunityId
    id: RuleId
    when: tuple[Condition, ...]
    home: HomeId | None = None
    match: Match = Match.ALL
    between: Hours | None = None
    modes: frozenset[Mode] | None = None

    @property
    def written(self) -> str:
        """The same text for the same, and for nothing else."""
        when = [f"{one.state} {one.for_s} {one.every} {','.join(one.devices)}" for one in self.when]
        hours = None if self.between is None else f"{self.between.since:%H:%M}-{self.between.until:%H:%M} {sorted(self.between.days)}"
        return f"{self.home} {self.match} {when} {hours} {None if self.modes is None else sorted(self.modes)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """A community's zone, and what it calls night: from `since` until `until`, which may lie on the next day."""

    zone: tzinfo = UTC
    since: time = time(22)
    until: time = time(6)

    def local(self, time_ns: int) -> datetime:
        """A time as the clock on the wall shows it, to the second."""
        return datetime.fromtimestamp(time_ns // NS_PER_S, tz=self.zone)

    def is_night(self, time_ns: int) -> bool:
        """Whether it is night."""
        return is_between(self.local(time_ns).time(), self.since, self.until)


def is_between(wall: time, since: time, until: time) -> bool:
    """Whether a clock on the wall shows a time from `since` to before `until`, which may lie on the next day."""
    if since < until:
        return since <= wall < until
    return wall >= since or wall < until


def span_on(day: date, since: time, until: time, zone: tzinfo) -> tuple[int, int]:
    """From and to, half-open, in ns, of what begins on a day; `until` at or before `since` is on the next.

    A change of the clock leaves no hole and no overlap, because a time on the wall comes once: one that is skipped as soon as the clock
    shows a later one, one that is repeated when it is shown first. What lies within an hour that is skipped is empty.
    """
    end_day = day + _DAY if until <= since else day
    return comes_ns(datetime.combine(day, since), zone), comes_ns(datetime.combine(end_day, until), zone)


def comes_ns(wall: datetime, zone: tzinfo) -> int:
    """When the clock on the wall first shows a time or, where it skips that, a later one, in ns."""
    seconds = int(wall.replace(tzinfo=zone).timestamp())  # fold 0: of a repeated time the first, of a skipped one too late
    if _shown(seconds, zone) != wall:
        before = int(wall.replace(tzinfo=zone, fold=1).timestamp())
        seconds = before + bisect_left(range(before, seconds), wall, key=lambda at: _shown(at, zone))
    return seconds * NS_PER_S


def _shown(seconds: int, zone: tzinfo) -> datetime:
    """What the clock on the wall shows."""
    return datetime.fromtimestamp(seconds, tz=zone).replace(tzinfo=None)


@dataclass(slots=True)
class Hearing:
    """What cannot be heard now. `rules.faults.fault.Offline` writes it before any other rule is asked; the others read.

    Attributes
    ----------
    silent : set of int
        Rows of devices that are offline, or part of an outage: that they say nothing means nothing.
    deaf_until_ns : int
        We ourselves heard nobody until then.
    """

    silent: set[int] = field(default_factory=set)
    deaf_until_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """Everything about communities that rules may ask: devices, homes, people, fences and modes.

    Attributes
    ----------
    homes, care : mapping
        By (community, id of home or resident).
    uses : mapping
        By a device's key.
    clocks : mapping
        By community.
    wishes : mapping
        When somebody wants to hear how a resident is, each such time once; by (community, resident).
    rules : tuple of OwnRule
        Those of communities' own rules that are switched on.
    """

    registry: Registry
    homes: Mapping[tuple[str, str], HomePlace] = field(default_factory=dict)
    fences: tuple[Fence, ...] = ()
    modes: Modes = field(default_factory=Modes)
    care: Mapping[tuple[str, str], Care] = field(default_factory=dict)
    uses: Mapping[str, Use] = field(default_factory=dict)
    clocks: Mapping[str, Clocks] = field(default_factory=dict)
    wishes: Mapping[tuple[str, str], tuple[Daily, ...]] = field(default_factory=dict)
    rules: tuple[OwnRule, ...] = ()
    hearing: Hearing = field(default_factory=Hearing)

    def use(self, device: Device) -> Use:
        """What a sensor is used for."""
        return self.uses.get(device.key, _USUAL_USE)

    def care_for(self, community_id: str, resident: str) -> Care:
        """What is watched over of a resident."""
        return self.care.get((community_id, resident), _USUAL_CARE)

    def arming(self, community_id: str, home_id: str | None) -> Arming:
        """How a home is guarded."""
        place = self.homes.get((community_id, home_id or ""))
        return place.arming if place else _USUAL_ARMING

    def clock(self, community_id: str) -> Clocks:
        """A community's zone and night; UTC where nothing is known."""
        return self.clocks.get(community_id, _USUAL_CLOCKS)

    def occupants(self, community_id: str, home_id: str | None) -> tuple[PersonId, ...]:
        """Residents of a home; empty for an unknown one."""
        place = self.homes.get((community_id, home_id or ""))
        return place.occupants if place else ()

    def mode(self, device: Device, time_ns: int) -> Mode:
        """Mode of a device's home at a time; disarmed where it has none."""
        return self.modes.at(device.community_id, device.home or "", time_ns)


_USUAL_USE, _USUAL_CARE, _USUAL_ARMING, _USUAL_CLOCKS = Use(), Care(), Arming(), Clocks()
