"""`anju bench geofence`: which of many fences positions are in, changes, and the whole engine; beside what else one could use."""

import os
import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import psutil
import shapely
from numpy.typing import NDArray

from benchmarks import geofence_city, geofence_peers
from benchmarks.geofence_city import ESTATE, WINDOW, City
from benchmarks.geofence_peers import DuckDB, Peer, PostGIS, STRtree, postgresql
from benchmarks.measure import Figures
from geofence.engine import Engine, Guards
from geofence.frames import Frame
from geofence.given import Outline
from geofence.index import FenceIndex

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
One = TypeVar("One")
Fixes = tuple[Int64, Float64, Float64, Float64]

FENCES = (10_000, 1_000_000)
POSITIONS = 20_000
_ROUNDS, _SLOW_ROUNDS = 40, 3
_CHANGES, _PEER_CHANGES = 2000, 1000
_DEVICES, _SECONDS, _BEGINS, _FLEET_SECONDS = 1_000_000, 24, 4, 12
_RECEIVERS_M = {"tags": 0.5, "gps": 5.0}
"""Standard deviations of what reports: indoor tags, which can guard a window, and satellite receivers, which cannot."""


def run() -> Figures:
    """Figures of all of it; times are of the processor, the least of several runs, the peers' in turn with ours."""
    figures: dict[str, float | int | str] = {**_machine(), "positions_in_a_batch": POSITIONS}
    for fences in FENCES:
        city = geofence_city.city(fences)
        figures |= {f"{name}_{_short(fences)}": value for name, value in _containing(city).items()}
        del city
        guarded = geofence_city.city(fences, lines=True)
        for name, sigma_m in _RECEIVERS_M.items():
            figures |= {f"engine_{key}_{name}_{_short(fences)}": value for key, value in _engine(guarded, sigma_m).items()}
        figures |= {f"fleet_{key}_{_short(fences)}": value for key, value in _fleet(guarded, _RECEIVERS_M["tags"]).items()}
    return figures


def _short(fences: int) -> str:
    return f"{fences // 1_000_000}m" if fences >= 1_000_000 else f"{fences // 1000}k"  # noqa: PLR2004


def _machine() -> Figures:
    models = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if "model name" in line]
    return {
        "processor": models[0] if models else platform.processor(),
        "cores_of_the_machine": os.cpu_count() or 0,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "shapely": f"{shapely.__version__}, GEOS {shapely.geos_version_string}",
    }


def _containing(city: City) -> Figures:
    """Point in fence: ours and the peers; changes."""
    memory = psutil.Process().memory_info
    before = memory().rss
    build_s = time.process_time()
    index = FenceIndex.build(city.outlines)
    build_s = time.process_time() - build_s
    figures: dict[str, float | int | str] = {
        "built_s": round(build_s, 3),
        "index_mb": round(index.nbytes / 1e6, 1),
        "grown_by_mb": round((memory().rss - before) / 1e6, 1),
    }
    shapes = geofence_peers.shapes(city.outlines)
    tree_s = time.process_time()
    tree = STRtree(shapes)
    figures["strtree_built_s"] = round(time.process_time() - tree_s, 3)
    for where, spots in (("anywhere", geofence_city.anywhere(POSITIONS)), ("at_home", geofence_city.at_home(city, POSITIONS))):
        figures["pairs_" + where] = len(index.containing(*spots)[0])
        figures["agrees_with_strtree_" + where] = _same(index.containing(*spots), tree.containing(*spots))
        ours, peer = _least(lambda spots=spots: index.containing(*spots), lambda spots=spots: tree.containing(*spots))
        figures |= {
            "per_s_" + where: round(POSITIONS / ours),
            "strtree_per_s_" + where: round(POSITIONS / peer),
            "times_strtree_" + where: round(peer / ours, 1),
        }
    spots = geofence_city.anywhere(POSITIONS)
    figures |= _slower(index, shapes, spots)
    figures |= _changes(index, city, shapes, spots)
    return figures


def _slower(index: FenceIndex, shapes: NDArray[np.object_], spots: tuple[Float64, Float64]) -> Figures:
    """Peers that may not be there, which are asked a few times only."""
    figures: dict[str, float | int | str] = {}
    try:
        duck = DuckDB(shapes)
    except ImportError:
        figures["duckdb"] = "not run: duckdb and duckdb-extension-spatial are not installed"
    else:
        figures |= {"duckdb": duck.version, **_asked("duckdb", duck, index, spots, time.process_time)}
        del duck
    try:
        with postgresql() as connection:
            peer = PostGIS(connection, shapes)
            figures |= {"postgis": peer.version, **_asked("postgis", peer, index, spots, peer.process_s)}
            figures["postgis_change_us"] = round(_timed(lambda: _change_some(peer, shapes), peer.process_s) / _PEER_CHANGES * 1e6, 1)
    except LookupError as missing:
        figures["postgis"] = f"not run: {missing}"
    return figures


def _change_some(peer: PostGIS, shapes: NDArray[np.object_]) -> None:
    for row in range(_PEER_CHANGES):
        peer.change(row, shapes[row])


def _asked(name: str, peer: Peer, index: FenceIndex, spots: tuple[Float64, Float64], clock: Callable[[], float]) -> Figures:
    agrees = _same(index.containing(*spots), peer.containing(*spots))
    taken = min(_timed(lambda: peer.containing(*spots), clock) for _ in range(_SLOW_ROUNDS))
    return {f"{name}_per_s": round(POSITIONS / taken), f"agrees_with_{name}": agrees}


def _changes(index: FenceIndex, city: City, shapes: NDArray[np.object_], spots: tuple[Float64, Float64]) -> Figures:
    """One fence at a time; then as many queries as before, and the compaction."""
    figures: dict[str, float | int | str] = {}
    for name, kind in (("window", WINDOW), ("estate", ESTATE)):
        rows = np.flatnonzero(city.kind == kind)[:_CHANGES].tolist()
        outlines = [_outline(city, row) for row in rows]
        numbers: list[int] = []
        figures[f"add_{name}_us"] = round(_median_us(lambda one, numbers=numbers: numbers.append(index.add(one)), outlines), 1)
        pairs = list(zip(numbers, outlines[::-1], strict=True))
        figures[f"change_{name}_us"] = round(_median_us(lambda pair: index.change(*pair), pairs), 1)
        figures[f"remove_{name}_us"] = round(_median_us(index.remove, numbers), 1)
    added = [index.add(_outline(city, row)) for row in range(1000)]
    (taken,) = _least(lambda: index.containing(*spots))
    figures["changes_pending"] = index.changes
    figures["per_s_with_these"] = round(POSITIONS / taken)
    figures["compacted_s"] = round(_timed(index.compact, time.process_time), 3)
    for number in added:
        index.remove(number)
    figures["strtree_rebuilt_ms"] = round(min(_timed(lambda: _rebuilt(shapes), time.process_time) for _ in range(_SLOW_ROUNDS)) * 1e3, 1)
    return figures


def _engine(city: City, sigma_m: float) -> Figures:
    """The whole engine beside the peer: 20,000 of a million devices report once a second, the same ones each time."""
    outlines = city.outlines
    engine = _guarding(city, sigma_m)
    frame = Frame.at(geofence_city.LON_DEG, geofence_city.LAT_DEG)
    metres = frame.metres(outlines.lon_deg, outlines.lat_deg)
    planar = replace(outlines, lon_deg=metres[:, 0], lat_deg=metres[:, 1])
    peer = geofence_peers.Engine(geofence_peers.shapes(planar), outlines.is_line, _DEVICES)
    device = np.random.default_rng(3).permutation(_DEVICES)[:POSITIONS]
    walkers = _Walkers(frame, POSITIONS, sigma_m)
    ours_s, peer_s, told, theirs = [], [], 0, 0
    for second in range(_SECONDS):
        x_m, y_m, fixes = walkers.step(second)
        begin_s = time.process_time()
        told += len(engine.update(device, *fixes))
        ours_s.append(time.process_time() - begin_s)
        begin_s = time.process_time()
        theirs += peer.update(device, x_m, y_m)
        peer_s.append(time.process_time() - begin_s)
    # In the first seconds everything begins.
    ours, theirs_s = min(ours_s[_BEGINS:]), min(peer_s[_BEGINS:])
    return {
        "per_s": round(POSITIONS / ours),
        "peer_per_s": round(POSITIONS / theirs_s),
        "times_peer": round(theirs_s / ours, 1),
        "devices_awake": engine.awake,
        "changes_told": told,
        "peer_changes_told": theirs,
        "state_mb": round(engine.nbytes / 1e6, 1),
    }


def _fleet(city: City, sigma_m: float) -> Figures:
    """What it costs when all of a million devices report, and when few of them do."""
    engine = _guarding(city, sigma_m)
    walkers = _Walkers(Frame.at(geofence_city.LON_DEG, geofence_city.LAT_DEG), _DEVICES, sigma_m)
    device = np.random.default_rng(5).permutation(_DEVICES)
    few = _DEVICES // 100
    all_s: list[float] = []
    few_s: list[float] = []
    for second in range(_FLEET_SECONDS):
        *_, fixes = walkers.step(second)
        all_s.append(_timed(lambda fixes=fixes: _in_batches(engine, device, fixes), time.process_time))
    for second in range(_FLEET_SECONDS, _SECONDS):
        *_, fixes = walkers.step(second, few)
        few_s.append(_timed(lambda fixes=fixes: engine.update(device[:few], *fixes), time.process_time))
    return {
        "ms_of_all_devices": round(min(all_s[1:]) * 1e3, 1),
        "ms_of_1_percent": round(min(few_s) * 1e3, 2),
        "cost_of_1_percent": f"{min(few_s) / min(all_s[1:]):.2%}",
    }


def _in_batches(engine: Engine, device: Int64, fixes: Fixes) -> None:
    for begin in range(0, len(device), POSITIONS):
        some = slice(begin, begin + POSITIONS)
        engine.update(device[some], *(column[some] for column in fixes))


def _guarding(city: City, sigma_m: float) -> Engine:
    """An engine over a city's fences for receivers that err by so much."""
    outlines, margin_m = city.outlines, 2.1 * sigma_m
    depth_m = np.where(outlines.is_line, np.inf, np.array(geofence_city.SIDES_M)[city.kind, 0] / 2.0)
    guards = Guards(is_line=outlines.is_line, reach_m=outlines.reach_m, near_is_left=np.ones(len(outlines), np.bool_), depth_m=depth_m)
    index = FenceIndex.build(replace(outlines, reach_m=outlines.reach_m + margin_m))
    return Engine(index, guards, _DEVICES, margin_m=margin_m)


class _Walkers:
    """People (N,) anywhere in the city who walk at 1 m/s, each their own way, and are seen once a second."""

    def __init__(self, frame: Frame, count: int, sigma_m: float) -> None:
        self._frame, self._sigma_m, self._random = frame, sigma_m, np.random.default_rng(4)
        self._place_m = frame.metres(*geofence_city.anywhere(count))
        heading = self._random.uniform(0.0, 2.0 * np.pi, count)
        self._step_m = np.stack((np.cos(heading), np.sin(heading)), axis=1)

    def step(self, second: int, count: int | None = None) -> tuple[Float64, Float64, Fixes]:
        """Where the first of them are seen, in metres; and times, places and accuracies of fixes, as `Engine.update` takes them."""
        place_m = self._place_m[:count] + second * self._step_m[:count]
        x_m, y_m = (place_m + self._random.normal(0.0, self._sigma_m, place_m.shape)).T
        lon_deg, lat_deg = self._frame.lon_deg + x_m / self._frame.east_m_per_deg, self._frame.lat_deg + y_m / self._frame.north_m_per_deg
        return x_m, y_m, (np.full(len(x_m), (second + 1) * 10**9), lon_deg, lat_deg, np.full(len(x_m), 1.5 * self._sigma_m))


def _rebuilt(shapes: NDArray[np.object_]) -> None:
    shapely.STRtree(shapes).query(shapely.points([[0.0, 0.0]]))


def _outline(city: City, row: int) -> Outline:
    begin, end = city.outlines.ring[row : row + 2]
    vertices = zip(city.outlines.lon_deg[begin:end].tolist(), city.outlines.lat_deg[begin:end].tolist(), strict=True)
    return Outline(rings=[list(vertices)])


def _same(one: tuple[Int64, Int64], other: tuple[Int64, Int64]) -> str:
    keys = [np.sort(position.astype(np.int64) << 32 | fence) for position, fence in (one, other)]
    return "yes" if np.array_equal(*keys) else f"no: {len(np.setxor1d(*keys))} pairs"


def _least(*functions: Callable[[], object]) -> list[float]:
    """Least processor time in seconds of each function, of rounds in which each has a turn."""
    taken = [[_timed(function, time.process_time) for function in functions] for _ in range(_ROUNDS)]
    return [min(times) for times in zip(*taken, strict=True)]


def _timed(function: Callable[[], object], clock: Callable[[], float]) -> float:
    begin_s = clock()
    function()
    return clock() - begin_s


def _median_us(function: Callable[[One], object], given: Iterable[One]) -> float:
    return float(np.median([_timed(lambda one=one: function(one), time.perf_counter) for one in given])) * 1e6
