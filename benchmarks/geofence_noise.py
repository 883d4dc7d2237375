"""`anju bench geofence --noise`: false events an hour against the delay of true ones, of the detectors that one could use.

Areas: all see the same fixes of the same people (`benchmarks.noise_model`), those who stay 5 m outside a square of 60 m and those who
walk through its edge. Every change of side that is told of the first is a false event; going back is one too. The delay is from the true
crossing to the fix at which it is told, below 0 where it was told too soon. A line: the same with the frames of a radar
(`benchmarks.radar_model`), before which there is nobody, and then people who walk through; and of a camera (`benchmarks.geofence_cameras`).
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from benchmarks import geofence_cameras, noise_model, radar_model
from benchmarks.geofence_rows import Row
from benchmarks.noise_model import Errors, Receiver, Walk
from benchmarks.radar_model import RATE_HZ, Radar
from devices.model import NS_PER_S, CommunityId, Device, DeviceId, DeviceKind, HomeId, Pose, Registry
from devices.sensors.targets import TargetsBatch
from geofence import sides
from geofence.frames import Frame
from geofence.tracker import Tracker
from rules.fences.lines import Line
from rules.kinds import EventKind
from rules.model import Event
from rules.premises import Fence, FenceId, FenceKind, HomePlace, Premises, Side

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

RECEIVERS = (Receiver(sigma_m=3.0, jump_rate=0.005), Receiver(sigma_m=5.0), Receiver(sigma_m=8.0))
SEEDS = range(200, 220)
"""What the figures are of. Nothing was chosen on them: the constants of `geofence.tracker` and `geofence.sides` were on seeds below 20,
those of `geofence.tracks` and `geofence.walks` on seeds from 100 to 119.
"""
EARLY_S = 20
"""What is told longer before a crossing than this is not told of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is played of each seed.

    People who stay, for how long, people who cross; hours of a radar, and its visitors; people who walk up before a camera, and for how
    many seconds it sees others.
    """

    walkers: int = 100
    seconds: int = 3600
    crossings: int = 50
    radar_hours: int = 15
    visitors: int = 50
    comers: int = 10
    camera_seconds: int = 1800


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixes:
    """A fix of each of N people: metres from the middle of the square, and the accuracy reported."""

    second: int
    x_m: Float64
    y_m: Float64
    accuracy_m: Float64


class Detector(Protocol):
    """Something that is given a fix of everybody each second, and says who is inside."""

    settings: tuple[str, ...]

    def step(self, fixes: Fixes) -> list[tuple[Bool, Bool]]:
        """Of each of its settings: who is told of (N,), and who is held to be inside (N,) afterwards."""


class Naive:
    """Each fix is believed: what Traccar and most others do."""

    settings: tuple[str, ...] = ("naive",)

    def __init__(self, _count: int) -> None:
        self._inside: Bool | None = None

    def step(self, fixes: Fixes) -> list[tuple[Bool, Bool]]:
        """Take a fix of everybody."""
        inside = noise_model.inside_m(fixes.x_m, fixes.y_m) >= 0.0
        changes = np.zeros_like(inside) if self._inside is None else inside != self._inside
        self._inside = inside
        return [(changes, inside)]


class Hysteresis:
    """So far beyond the edge, in so many fixes in a row."""

    def __init__(self, count: int, limits: Sequence[tuple[float, int]]) -> None:
        self.settings: tuple[str, ...] = tuple(f"hysteresis {margin_m:g} m + {fixes} s" for margin_m, fixes in limits)
        self._limits = np.array(limits)[:, :, None]
        self._inside = np.zeros((len(limits), count), np.bool_)
        self._run = np.zeros((len(limits), count), np.int64)

    def step(self, fixes: Fixes) -> list[tuple[Bool, Bool]]:
        """Take a fix of everybody."""
        inside_m = noise_model.inside_m(fixes.x_m, fixes.y_m)
        if fixes.second == 0:
            self._inside[:] = inside_m >= 0.0
        self._run = np.where(np.where(self._inside, -inside_m, inside_m) > self._limits[:, 0], self._run + 1, 0)
        changes = self._run >= self._limits[:, 1]
        self._inside ^= changes
        self._run[changes] = 0
        return list(zip(changes, self._inside.copy(), strict=True))


class Kalman:
    """Place, velocity and slow error of everybody in one filter; the side is the one that is so probable.

    Its constants are those with which it does about what issue 7 tells of such a filter. A fix that is further than 4 deviations from where
    it is expected is passed over, for at most 8 s.
    """

    _DEVIATIONS, _SLOW, _SLOW_S, _ACCELERATION_M2_PER_S3, _GATE, _PASSED_OVER = 1.35, 0.7, 30.0, 0.05, 4.0, 8

    def __init__(self, count: int, certain: Sequence[float]) -> None:
        self.settings: tuple[str, ...] = tuple(f"Kalman, p > {one:g}" for one in certain)
        self._certain = np.array(certain)[:, None]
        self._mean = np.zeros((3, 2, count))
        self._covariance = np.zeros((3, 3, count))
        self._usual_m = np.zeros(count)
        self._passed_over = np.zeros(count, np.int64)
        self._inside, self._known = np.zeros((2, len(certain), count), np.bool_)

    def step(self, fixes: Fixes) -> list[tuple[Bool, Bool]]:
        """Take a fix of everybody."""
        own_m, usual_m, place = fixes.accuracy_m / self._DEVIATIONS, self._usual_m, np.stack((fixes.x_m, fixes.y_m))
        if fixes.second == 0:
            self._usual_m = own_m
            self._begin(np.ones(len(own_m), np.bool_), place)
        else:
            self._usual_m = usual_m + 0.05 * (np.clip(own_m, 0.5 * usual_m, 1.5 * usual_m) - usual_m)
            self._predict()
            self._correct(place, own_m)
        inside = ndtr(noise_model.inside_m(*self._mean[0]) / np.sqrt(self._covariance[0, 0]))
        changes = np.where(self._inside, 1.0 - inside, inside) > self._certain
        self._inside ^= changes
        changes &= self._known  # the first side is no crossing
        self._known |= np.maximum(inside, 1.0 - inside) > self._certain
        return list(zip(changes, self._inside.copy(), strict=True))

    def _begin(self, chosen: Bool, place: Float64) -> None:
        zero, usual_m = np.zeros_like(self._usual_m), self._usual_m
        slow = np.sqrt(self._SLOW) * usual_m
        mean = np.stack((place, np.zeros_like(place), np.zeros_like(place)))
        covariance = np.stack((usual_m**2, zero, -slow, zero, zero + 1.0, zero, -slow, zero, zero + 1.0)).reshape(3, 3, -1)
        self._mean = np.where(chosen, mean, self._mean)
        self._covariance = np.where(chosen, covariance, self._covariance)
        self._passed_over[chosen] = 0

    def _predict(self) -> None:
        keeps = np.exp(-1.0 / self._SLOW_S)
        step = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, keeps]])
        noise = self._ACCELERATION_M2_PER_S3 * np.array([[1.0 / 3.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 0.0]])
        noise[2, 2] = 1.0 - keeps**2
        self._mean = np.tensordot(step, self._mean, 1)
        self._covariance = np.einsum("ij,jkn,lk->iln", step, self._covariance, step) + noise[..., None]

    def _correct(self, place: Float64, own_m: Float64) -> None:
        usual_m = self._usual_m
        slow = np.sqrt(self._SLOW) * usual_m
        gain = self._covariance[:, 0] + slow * self._covariance[:, 2]
        quick2 = np.where(own_m > 1.6 * usual_m, own_m**2, (1.0 - self._SLOW) * usual_m**2)
        variance = gain[0] + slow * gain[2] + quick2
        gain = gain / variance
        error = place - self._mean[0] - slow * self._mean[2]
        is_good = (error**2).sum(axis=0) < self._GATE**2 * variance
        self._passed_over = np.where(is_good, 0, self._passed_over + 1)
        self._mean += np.where(is_good, gain[:, None] * error, 0.0)
        self._covariance -= np.where(is_good, gain[:, None] * gain * variance, 0.0)
        self._begin(self._passed_over >= self._PASSED_OVER, place)


class Ours:
    """What the rules use: `rules.fences.borders` asks the same two of the fixes of every device and the fences of its wearer."""

    def __init__(self, count: int, certain: Sequence[float] = (sides.CERTAIN,)) -> None:
        self.settings: tuple[str, ...] = tuple(_ours(one) for one in certain)
        self._tracker = Tracker(count)
        self._sides = [sides.Sides(count, one) for one in certain]
        self._row = np.arange(count)
        self._depth_m = np.full(count, noise_model.HALF_M)

    def step(self, fixes: Fixes) -> list[tuple[Bool, Bool]]:
        """Take a fix of everybody."""
        time_ns = np.full(len(self._row), (fixes.second + 1) * NS_PER_S)
        places = self._tracker.update(self._row, time_ns, fixes.x_m, fixes.y_m, fixes.accuracy_m)
        stand_m = noise_model.inside_m(places.stand_x_m, places.stand_y_m)
        walk_m = noise_model.inside_m(places.walk_x_m, places.walk_y_m)
        given = sides.seen(places, self._row, stand_m, walk_m, self._depth_m)
        changes = [one.update(self._row, given) for one in self._sides]
        return [(change.is_told, change.inside) for change in changes]


Make = Callable[[int], Detector]

DETECTORS: tuple[Make, ...] = (
    Naive,
    lambda count: Hysteresis(count, ((2.0, 3), (5.0, 5), (8.0, 8), (10.0, 10), (15.0, 15), (20.0, 20))),
    lambda count: Kalman(count, (0.9, 0.99, 0.999, 0.9999)),
    lambda count: Ours(count, (0.9, 0.95, 0.98, sides.CERTAIN, 0.995, 0.999, 0.9999)),
)
"""With more settings than issue 7 names, so that there is a frontier."""
SAME_M = 1.0
"""A target that is further than this from where it was a frame before is another one, to a detector that looks."""
RADAR_LIMITS = ((0.0, 2), (0.1, 3), (0.2, 4), (0.3, 5), (0.4, 6), (0.5, 8))


def rows(seeds: Sequence[int] = SEEDS, size: Size | None = None) -> Iterator[Row]:
    """Everything, one after another."""
    size = size or Size()
    for receiver in RECEIVERS:
        yield from areas(receiver, seeds, size)
    yield from line(seeds, size)
    yield from geofence_cameras.rows(seeds, size.comers, size.camera_seconds)


def areas(receiver: Receiver, seeds: Sequence[int], size: Size, makes: Sequence[Make] = DETECTORS) -> list[Row]:
    """How detectors of sides do with receivers of one make."""
    staying = play(makes, receiver, noise_model.stays(size.walkers * len(seeds), size.seconds), seeds, _STAYING)
    crossing = play(makes, receiver, noise_model.crosses(size.crossings * len(seeds)), seeds, _CROSSING)
    hours, where = size.walkers * len(seeds) * size.seconds / 3600.0, f"area, sigma {receiver.sigma_m:g} m"
    return [
        Row.of(where, name, told=sum(len(times) for times in told), hours=hours, delay_s=crossing[name][1])
        for name, (told, _) in staying.items()
    ]


def play(
    makes: Sequence[Make], receiver: Receiver, walk: Walk, seeds: Sequence[int], stream: int
) -> dict[str, tuple[list[list[int]], Float64]]:
    """Let detectors see people walk: as many of each seed, all at once.

    Parameters
    ----------
    walk
        Of the people of all seeds.
    stream
        Which of a seed's streams of random numbers.

    Returns
    -------
    dict
        By setting: the seconds of all that was told of each of the N people, and the delay (N,) of the crossing in seconds, NaN of none.
    """
    count = len(walk.crossed_s)
    errors = Errors(receiver, [np.random.default_rng([seed, stream, round(receiver.sigma_m)]) for seed in seeds], count // len(seeds))
    detectors = [make(count) for make in makes]
    names = [name for detector in detectors for name in detector.settings]
    told: dict[str, list[list[int]]] = {name: [[] for _ in range(count)] for name in names}
    first_s = {name: np.full(count, np.nan) for name in names}
    for second, place_m in enumerate(walk.place_m):
        error_m, accuracy_m = errors.step()
        x_m, y_m = place_m + error_m
        fixes = Fixes(second=second, x_m=x_m, y_m=y_m, accuracy_m=accuracy_m)
        found = [one for detector in detectors for one in detector.step(fixes)]
        for name, (changes, inside) in zip(names, found, strict=True):
            for person in np.flatnonzero(changes).tolist():
                told[name][person].append(second)
            new = changes & (inside == walk.to_inside) & np.isnan(first_s[name]) & (second >= walk.crossed_s - EARLY_S)
            first_s[name][new] = second
    return {name: (told[name], first_s[name] - walk.crossed_s) for name in names}


def line(seeds: Sequence[int], size: Size, radar: Radar | None = None) -> list[Row]:
    """How detectors of crossings do with what a radar sees; of ours an approach that is none is false too."""
    radar = radar or Radar()
    told, delays, names = (
        dict[str, int](),
        dict[str, list[Float64]](),
        ("naive", *(f"hysteresis {m:g} m + {n} frames" for m, n in RADAR_LIMITS), "the same of one target, 0.3 m + 5 frames"),
    )
    for seed in seeds:
        nobody = radar_model.nobody(radar, np.random.default_rng([seed, _STAYING]), size.radar_hours * 3600)
        visitors, crossed_s = radar_model.visitors(radar, np.random.default_rng([seed, _CROSSING]), size.visitors)
        for name, limits in zip(names, ((0.0, 1), *RADAR_LIMITS, (0.3, 5, SAME_M)), strict=True):
            told[name] = told.get(name, 0) + sum(len(one) for one in changes(nobody, *limits))
            delays.setdefault(name, []).append(_delays(changes(visitors, *limits)[1], crossed_s))
        told[OURS] = told.get(OURS, 0) + len(events(nobody))
        known_s = np.array([known_s for kind, known_s in events(visitors) if kind is EventKind.CROSS])
        delays.setdefault(OURS, []).append(_delays(known_s, crossed_s))
    hours = float(size.radar_hours * len(seeds))
    return [Row.of("radar line", name, told=count, hours=hours, delay_s=np.concatenate(delays[name])) for name, count in told.items()]


def changes(frames: Float64, beyond_m: float, count: int, same_m: float = math.inf) -> tuple[Float64, Float64]:
    """When one of a radar's targets, in so many frames in a row, was so far beyond the line: on the far side, and on the near one; seconds.

    A slot that is empty is a target at (0, 0), as it is to whoever does not know better. A row ends where the target of a slot is further
    than `same_m` from where it was.
    """
    is_same = np.hypot(*np.moveaxis(np.diff(frames, axis=0, prepend=frames[:1]), 2, 0)) <= same_m
    far, near = (_runs(one, is_same, count) for one in (radar_model.is_far(frames, beyond_m), ~radar_model.is_far(frames, -beyond_m)))
    out, back = list[int](), list[int]()
    for slot in range(radar_model.SLOTS):
        sides_ = np.where(far[:, slot], 1, np.where(near[:, slot], -1, 0))
        known = np.flatnonzero(sides_)
        turned = known[1:][sides_[known[1:]] != sides_[known[:-1]]]
        out += turned[sides_[turned] > 0].tolist()
        back += turned[sides_[turned] < 0].tolist()
    return np.sort(np.array(out, np.float64)) / RATE_HZ, np.sort(np.array(back, np.float64)) / RATE_HZ


def events(frames: Float64) -> list[tuple[EventKind, float]]:
    """What the rule of lines tells of a radar's frames, and when it is known, in seconds."""
    rule, found = Line(_PREMISES), list[tuple[EventKind, float]]()
    for begin in range(0, len(frames), _FRAMES):
        part = frames[begin : begin + _FRAMES]
        there, no = (part != 0.0).any(axis=2), np.zeros(len(part), np.bool_)
        time_ns = (np.arange(begin, begin + len(part)) * (NS_PER_S // RATE_HZ)).astype(np.int64)
        batch = TargetsBatch(
            device=np.zeros(len(part), np.int32),
            time_ns=time_ns,
            received_ns=time_ns,
            seq=np.arange(begin, begin + len(part)),
            retained=no,
            clock_wrong=no,
            back=no,
            offset=np.concatenate(([0], np.cumsum(there.sum(axis=1)))).astype(np.int64),
            x_m=part[there][:, 0],
            y_m=part[there][:, 1],
            speed_mps=np.full(int(there.sum()), np.nan),
            accuracy_m=np.full(int(there.sum()), np.nan),
            name=np.zeros(int(there.sum()), np.int64),
        )
        found += [(fact.kind, fact.known_ns / NS_PER_S) for fact in rule.update(batch) if isinstance(fact, Event)]
    return found


def tell(found: Iterable[Row], *, as_json: bool) -> None:
    """Print rows, as one line of JSON or as lines to read, each as soon as it is known."""
    if as_json:
        print(json.dumps([dict(row.figures) for row in found], ensure_ascii=False))
        return
    for one in table(found):
        print(one, flush=True)


def table(found: Iterable[Row]) -> Iterator[str]:
    """Lines to read."""
    where = ""
    for row in found:
        if row.where != where:
            where = row.where
            yield f"{where}: {row.hours:,.0f} h with nobody crossing, {row.crossings:,} crossings"
        low, high = row.interval
        yield (
            f"  {row.detector:<26} {row.false_per_hour:>9.3f}/h ({low:.3f} to {high:.3f}) at {row.median_s:>5.1f} s"
            f" (95 % by {row.late_s:.1f} s), missed {row.missed}"
        )


def _ours(certain: float) -> str:
    return f"ours, p > {certain:g}"


OURS = "ours"
_STAYING, _CROSSING = range(2)
_FRAMES = 600
_FRAME = Frame.at(119.95, 31.78)
_COMMUNITY, _HOME = CommunityId("bench"), HomeId("home")
_PREMISES = Premises(
    registry=Registry(
        [
            Device(
                community_id=_COMMUNITY,
                id=DeviceId("radar"),
                kind=DeviceKind.RADAR,
                home=_HOME,
                pose=Pose(lon=_FRAME.lon_deg, lat=_FRAME.lat_deg, heading_deg=0.0),
            )
        ]
    ),
    homes={(_COMMUNITY, _HOME): HomePlace(id=_HOME)},
    fences=(
        Fence(
            community_id=_COMMUNITY,
            id=FenceId("line"),
            kind=FenceKind.LINE,
            home=_HOME,
            near=Side.RIGHT,
            events=frozenset({EventKind.APPROACH, EventKind.CROSS}),
            path=tuple(
                (_FRAME.lon_deg + x_m / _FRAME.east_m_per_deg, _FRAME.lat_deg + radar_model.LINE_M / _FRAME.north_m_per_deg)
                for x_m in (-radar_model.HALF_M, radar_model.HALF_M)
            ),
        ),
    ),
)


def _runs(true: Bool, is_same: Bool, count: int) -> Bool:
    """(F, S) bool: the last of so many in a row, down each column, the second and later of which are the same as the one before."""
    enough: Bool = true.copy()
    goes_on = true & is_same
    for before in range(1, count):
        enough[before:] &= true[:-before] & goes_on[1 : len(true) - before + 1]
        enough[:before] = False
    return enough


def _delays(told_s: Float64, crossed_s: Float64) -> Float64:
    """From each crossing (C,) to what is told of it first; NaN of none."""
    first = np.searchsorted(told_s, crossed_s - _RADAR_EARLY_S)
    delay_s = np.concatenate((told_s, [np.inf]))[first] - crossed_s
    delay_s[delay_s > _RADAR_LATE_S] = np.nan
    return delay_s


_RADAR_EARLY_S, _RADAR_LATE_S = 2.0, 5.0
