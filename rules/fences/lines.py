"""Virtual lines: who comes near one or goes through it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from devices.model import NS_PER_S, CommunityId, Device, Float64, HomeId, PersonId
from devices.sensors.contact import ContactBatch
from devices.sensors.motion import MotionBatch
from devices.sensors.position import PositionBatch
from devices.sensors.targets import TargetsBatch
from geofence import lines, walks
from geofence.fixes import Fixes
from geofence.frames import Frame, turned
from geofence.lines import Lines
from geofence.tracks import PATH_S, Step, Track, Tracker
from geofence.trail import Steps
from geofence.walks import Walk
from rules.fences.borders import is_guarding, usable, worn_by
from rules.fences.corroboration import Witnesses
from rules.fences.way import frame_of, told
from rules.kinds import EventKind
from rules.model import Event, Facts, Snapshot
from rules.premises import Fence, FenceKind, Premises, Side

# contract.md, "What the words decide" 8: the family's own tag.
_TAG_M, _TAG_ACCURACIES, _TAG_AGE_NS = 3.0, 2.0, 10 * NS_PER_S
# The error of what does not say how it errs, for scores.
_RADAR_M = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Guarded:
    """A line as one radar sees it: in metres from the radar; `far` is +1 where the far side is to the left, else -1.

    `radar` is the radar's own place, east and north of the middle of the line.
    """

    fence: Fence
    path: Float64
    radar: Float64
    far: float
    tags: tuple[int, ...]

    def distance_m(self, position: Float64) -> Float64:
        """Metres (N,) from the line, above 0 on the far side."""
        return self.far * lines.signed_distance(self.path, position)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sighting:
    """One target of one frame."""

    time_ns: int
    known_ns: int
    seq: int
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moment:
    """Where a target was, in the radar's frame, and what had arrived by then."""

    seq: int
    time_ns: int
    place: tuple[float, float]


@dataclass(slots=True, kw_only=True)
class _Radar:
    """What is known of one radar's targets: walks by track and fence, ways by track, and when each kind was told last."""

    device: Device
    frame: Frame
    heading_deg: float
    lines: tuple[_Guarded, ...]
    paths: Lines
    tracker: Tracker = field(default_factory=Tracker)
    walks: dict[tuple[int, str], Walk] = field(default_factory=dict)
    ways: dict[int, Steps] = field(default_factory=dict)
    told_ns: dict[str, int] = field(default_factory=dict)

    def positions(self, seen: Sequence[tuple[float, float]]) -> Float64:
        """Metres (N, 2) east and north of the radar of what it sees."""
        return turned(self.heading_deg, *np.array(seen, np.float64).T)

    def facts(self, kind: EventKind, line: _Guarded, t_ns: int, sighting: _Sighting, walk: Walk) -> list[Event]:
        """The event, unless one of the same identity was told of somebody else in that frame."""
        fence, steps = line.fence, self.ways[sighting.step.number]
        if self.told_ns.get(kind) == t_ns or fence.home is None:
            return []
        self.told_ns[kind] = t_ns
        sigma_m = sighting.step.sigma_m or _RADAR_M
        sure: dict[str, float] = {}
        if sighting.step.sigma_m:
            sure["probability"] = walk.near_probability if kind is EventKind.CROSS else walk.probability(fence.approach_m)
        event = Event(
            community_id=fence.community_id,
            kind=kind,
            subject=fence.home,
            t_ns=t_ns,
            known_ns=sighting.known_ns,
            seq=sighting.seq,
            device_id=self.device.id,
            home_id=fence.home,
            score=max(0.0, walk.travelled_m) / (max(0.0, walk.travelled_m) + sigma_m),
            cause=fence.id,
            evidence={
                "distance_m": abs(walk.distance_m),
                "travelled_m": walk.travelled_m,
                "closing_mps": walk.closing_mps,
                "frames": sighting.step.frames,
                "sigma_m": sigma_m,
                "side": "far" if walk.distance_m > 0.0 else "near",
                "fence": fence.id,
                **sure,
                **told(steps.way(self.positions(steps.places_m()) + line.radar, t_ns), t_ns, sighting.time_ns),
            },
        )
        return [event]


class Line:
    """Approach and cross of virtual lines, seen by the radars of the line's home. Nothing is told of its own occupants.

    It is given positions too, of the occupants' tags: in a micro-batch before the targets. A target is judged by the modes of its
    frame's time and by the tags' fixes that arrived before its frame. Contacts, motion and what other devices of the home see raise the
    score (`rules.fences.corroboration`); they never make or hide an event.

    Parameters
    ----------
    premises
        Its line fences are guarded by the radars, with a pose, of the same home.
    """

    name = "line"
    window_s = 0.0

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._radars: dict[int, _Radar] = {}
        of_home: dict[tuple[CommunityId, HomeId | None], list[Fence]] = {}
        for fence in premises.fences:
            if fence.kind is FenceKind.LINE and fence.home is not None and _is_on_its_floor(premises, fence):
                of_home.setdefault((fence.community_id, fence.home), []).append(fence)
        worn = worn_by(premises)
        for row, device in enumerate(premises.registry.devices):
            guarded = of_home.get((device.community_id, device.home), ())
            if guarded and device.pose is not None:
                frame = Frame.at(device.pose.lon, device.pose.lat)
                seen = tuple(_guarded(premises, fence, frame, worn) for fence in guarded)
                paths = Lines([one.path for one in seen])
                self._radars[row] = _Radar(device=device, frame=frame, heading_deg=device.pose.heading_deg, lines=seen, paths=paths)
        tags = sorted({tag for radar in self._radars.values() for line in radar.lines for tag in line.tags})
        self._fixes = {tag: Fixes() for tag in tags}
        self._witnesses = Witnesses(premises, self._radars)

    def update(self, batch: PositionBatch | TargetsBatch | ContactBatch | MotionBatch, /) -> Facts:
        """Approaches and crossings, in the order of the frames that decided them; of anything else none."""
        self._witnesses.hear(batch)
        if isinstance(batch, PositionBatch):
            self._remember(batch)
        if not isinstance(batch, TargetsBatch):
            return []
        facts: Facts = []
        for row in np.unique(batch.device).tolist():
            if (radar := self._radars.get(row)) is None:
                continue
            frames = np.flatnonzero((batch.device == row) & ~batch.retained)
            if len(frames):
                seen = self._watch(radar, batch, frames.tolist())
                facts += [self._witnesses.corroborated(row, fact) for fact in seen]
        return sorted(facts, key=lambda fact: fact.seq)

    def next_due(self) -> int | None:
        """Nothing: a line is judged by what is seen."""
        return None

    def tick(self, _now_ns: int, /) -> Facts:
        """No facts."""
        return []

    def snapshot(self) -> Snapshot:
        """Tracks and walks by radar, the newest fixes by tag, what others noticed."""
        state: dict[str, Any] = {
            self._premises.registry[tag].key: {"fixes": fixes.newest()} for tag, fixes in self._fixes.items() if fixes.rows
        }
        for radar in self._radars.values():
            if radar.tracker.count:
                state.setdefault(radar.device.key, {}).update(
                    tracker=asdict(radar.tracker),
                    walks=[{"track": track, "fence": fence_id, "walk": asdict(walk)} for (track, fence_id), walk in radar.walks.items()],
                    ways=[{"track": track, "rows": [list(row) for row in steps.rows]} for track, steps in radar.ways.items()],
                    told_ns=dict(radar.told_ns),
                )
        for key, witness in self._witnesses.snapshot().items():
            state.setdefault(key, {}).update(witness)
        return state

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over what is known of radars, tags and others that still matter."""
        self._witnesses.restore(snapshot)
        for tag in self._fixes:
            if (kept := snapshot.get(self._premises.registry[tag].key, {}).get("fixes")) is not None:
                self._fixes[tag] = Fixes(rows=[tuple(row) for row in kept])
        for radar in self._radars.values():
            if "tracker" in (state := snapshot.get(radar.device.key, {})):
                tracks = [Track(**track) for track in state["tracker"]["tracks"]]
                radar.tracker = Tracker(**{**state["tracker"], "tracks": tracks})
                radar.walks = {(one["track"], one["fence"]): walks.restored(one["walk"]) for one in state["walks"]}
                radar.ways = {one["track"]: Steps(rows=[list(row) for row in one["rows"]]) for one in state.get("ways", ())}
                radar.told_ns = dict(state["told_ns"])

    def _remember(self, batch: PositionBatch) -> None:
        # What was here before this batch arrived before every frame to come, so only its newest can matter. Fixes of this batch
        # may have arrived after frames that are still to be given, so none of them may push another out.
        for fixes in self._fixes.values():
            fixes.trim()
        for row in np.flatnonzero(usable(batch)).tolist():
            if (tag := int(batch.device[row])) in self._fixes:
                place = float(batch.lon_deg[row]), float(batch.lat_deg[row]), float(batch.accuracy_m[row])
                self._fixes[tag].rows.append((int(batch.seq[row]), int(batch.time_ns[row]), *place))

    def _watch(self, radar: _Radar, batch: TargetsBatch, frames: list[int]) -> list[Event]:
        sightings = [sighting for row in frames for sighting in _sightings(radar, batch, row)]
        facts: list[Event] = []
        if sightings:
            before = radar.positions([sighting.step.before for sighting in sightings])
            after = radar.positions([sighting.step.after for sighting in sightings])
            left_m, passed = radar.paths.seen(before, after)
            seen = list(zip(left_m.tolist(), passed.tolist(), strict=True))
            for index, sighting in enumerate(sightings):
                radar.ways.setdefault(sighting.step.number, Steps()).take(sighting.time_ns, sighting.step.after)
                for line, (distance_m, passes) in zip(radar.lines, seen, strict=True):
                    facts += self._judge(radar, line, sighting, line.far * distance_m[index], passed=passes[index])
        alive = {track.number for track in radar.tracker.tracks}
        radar.walks = {key: walk for key, walk in radar.walks.items() if key[0] in alive}
        radar.ways = {number: steps for number, steps in radar.ways.items() if number in alive}
        return facts

    def _judge(self, radar: _Radar, line: _Guarded, sighting: _Sighting, far_m: float, *, passed: bool) -> list[Event]:
        fence, step, time_ns = line.fence, sighting.step, sighting.time_ns
        if step.elapsed_s > (PATH_S if fence.max_gap_s is None else fence.max_gap_s):
            # Nobody knows the way taken meanwhile: a path begins here.
            step, passed = replace(step, elapsed_s=0.0, before=step.after), False
        walk = radar.walks.setdefault((step.number, fence.id), walks.begin(time_ns, far_m))
        walk.step(time_ns, far_m, step, passed=passed, approach_m=fence.approach_m)
        facts: list[Event] = []
        now = _Moment(seq=sighting.seq, time_ns=time_ns, place=step.after)
        coming = walk.is_coming(step, fence.approach_m) and self._is_told(radar, line, EventKind.APPROACH, now)
        if (near_ns := walk.approach(time_ns, coming=coming)) is not None:
            facts += radar.facts(EventKind.APPROACH, line, near_ns, sighting, walk)
        if (through_ns := walk.cross(step)) is not None and not walk.crossed:
            then = _Moment(seq=sighting.seq, time_ns=through_ns, place=walk.through_from)
            if self._is_told(radar, line, EventKind.CROSS, then):
                walk.approached = walk.crossed = True
                facts += radar.facts(EventKind.CROSS, line, through_ns, sighting, walk)
        return facts

    def _is_told(self, radar: _Radar, line: _Guarded, kind: EventKind, moment: _Moment) -> bool:
        """Whether the fence reports this kind, guards at that time, and who is on its far side there is not the family."""
        fence = line.fence
        return (
            kind in fence.events
            and is_guarding(self._premises, fence, fence.home, moment.time_ns)
            and not any(_is_wearer(radar, line, self._fixes[tag], moment) for tag in line.tags)
        )


def _is_wearer(radar: _Radar, line: _Guarded, fixes: Fixes, moment: _Moment) -> bool:
    """Whether a fix of the tag, at most 10 s old, is that target's: near it, and on the far side as well."""
    lon_deg, lat_deg, accuracy_m = fixes.recent(moment.seq, moment.time_ns, _TAG_AGE_NS)
    position = radar.frame.metres(lon_deg, lat_deg)
    apart_m = np.hypot(*(position - radar.positions([moment.place])).T)
    is_near = apart_m <= np.maximum(_TAG_M, _TAG_ACCURACIES * accuracy_m)
    return bool(np.any(is_near & (line.distance_m(position) > 0.0)))


def _sightings(radar: _Radar, batch: TargetsBatch, row: int) -> list[_Sighting]:
    seen = slice(int(batch.offset[row]), int(batch.offset[row + 1]))
    time_ns, known_ns, seq = int(batch.time_ns[row]), int(batch.received_ns[row]), int(batch.seq[row])
    columns = (batch.x_m, batch.y_m, batch.accuracy_m, batch.name)
    targets = list(zip(*(column[seen].tolist() for column in columns), strict=True))
    named = [target for target in targets if _is_named(target)]
    steps: list[Step | None] = [radar.tracker.name(time_ns, name, (x_m, y_m), accuracy_m) for x_m, y_m, accuracy_m, name in named]
    if not named or len(named) < len(targets):
        nameless = [target for target in targets if not _is_named(target)]
        steps += radar.tracker.step(time_ns, [target[0] for target in nameless], [target[1] for target in nameless])
    return [_Sighting(time_ns=time_ns, known_ns=known_ns, seq=seq, step=step) for step in steps if step is not None]


def _is_named(target: tuple[float, float, float, int]) -> bool:
    """Whether the source says who a target is, and how it errs."""
    return target[3] > 0 and target[2] > 0.0


def _guarded(premises: Premises, fence: Fence, frame: Frame, worn: Mapping[tuple[CommunityId, PersonId], Sequence[int]]) -> _Guarded:
    occupants = frozenset(premises.occupants(fence.community_id, fence.home))
    return _Guarded(
        fence=fence,
        path=frame.metres(*np.array(fence.path, np.float64).T),
        radar=frame_of(fence).metres(frame.lon_deg, frame.lat_deg),
        far=-1.0 if fence.near is Side.LEFT else 1.0,
        tags=tuple(sorted(row for person in occupants for row in worn.get((fence.community_id, person), ()))),
    )


def _is_on_its_floor(premises: Premises, fence: Fence) -> bool:
    """Whether a line's home is on the floor of the line, or either of the two is not known."""
    place = None if fence.home is None else premises.homes.get((fence.community_id, fence.home))
    floor = None if place is None else place.floor
    return None in (floor, fence.floor) or floor == fence.floor
