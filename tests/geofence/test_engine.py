"""Who enters and leaves areas, comes near and goes through lines."""

from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from geofence.engine import Change, Engine, Guards, Told
from geofence.frames import Frame
from geofence.given import Outline, Outlines
from geofence.index import FenceIndex

Float64 = NDArray[np.float64]

HOME = Frame.at(119.95, 31.78)
S = 1_000_000_000
STAND_S = 30
MARGIN_M = 10.0


def degrees(metres: Float64) -> tuple[Float64, Float64]:
    return HOME.lon_deg + metres[..., 0] / HOME.east_m_per_deg, HOME.lat_deg + metres[..., 1] / HOME.north_m_per_deg


def outline(corners: list[tuple[float, float]], *, is_line: bool = False, reach_m: float = 0.0) -> Outline:
    lon_deg, lat_deg = degrees(np.array(corners, np.float64))
    return Outline(rings=[list(zip(lon_deg.tolist(), lat_deg.tolist(), strict=True))], is_line=is_line, reach_m=reach_m)


def square(x: float, y: float, half_m: float) -> Outline:
    return outline([(x - half_m, y - half_m), (x + half_m, y - half_m), (x + half_m, y + half_m), (x - half_m, y + half_m)])


# North is up: the near side of the first line is to the west.
ESTATE, FLAT, LINE, REVERSED = range(4)
OUTLINES = [
    square(0, 0, 100),
    square(300, 0, 15),
    outline([(200, -20), (200, 20)], is_line=True, reach_m=10),
    outline([(200, 20), (200, -20)], is_line=True, reach_m=10),
]


def guards(outlines: list[Outline], near_is_left: list[bool] | None = None) -> Guards:
    is_line = np.array([one.is_line for one in outlines])
    return Guards(
        is_line=is_line,
        reach_m=np.array([one.reach_m for one in outlines], np.float64),
        near_is_left=np.array(near_is_left or [True] * len(outlines)),
        depth_m=np.where(is_line, np.inf, 15.0),
    )


def engine(devices: int, outlines: list[Outline] | None = None, *, margin_m: float = MARGIN_M, **more: Any) -> Engine:
    chosen = outlines or OUTLINES[:3]
    return Engine(index(chosen, margin_m), guards(chosen, more.pop("near_is_left", None)), devices, margin_m=margin_m, **more)


def index(outlines: list[Outline], margin_m: float = MARGIN_M) -> FenceIndex:
    columns = Outlines.of(outlines)
    return FenceIndex.build(replace(columns, reach_m=columns.reach_m + margin_m))


def walk(*stations: tuple[float, float], mps: float = 1.0, stand_s: int = STAND_S) -> Float64:
    """Places (T, 2), one a second, of somebody who stands at each station and walks between."""
    parts = [np.repeat(np.array([stations[0]], np.float64), stand_s, axis=0)]
    for here, there in pairwise(stations):
        steps = max(int(np.hypot(there[0] - here[0], there[1] - here[1]) / mps), 1)
        parts += [np.linspace(here, there, steps), np.repeat(np.array([there], np.float64), stand_s, axis=0)]
    return np.concatenate(parts)


def fixes(ways: list[Float64], sigma_m: float, seed: int = 0) -> dict[str, NDArray[Any]]:
    """One fix a second of each walker, as columns in order of time."""
    random = np.random.default_rng(seed)
    device = np.concatenate([np.full(len(way), row) for row, way in enumerate(ways)])
    second = np.concatenate([np.arange(len(way)) for way in ways])
    lon_deg, lat_deg = degrees(np.concatenate(ways) + random.normal(0, sigma_m, (len(device), 2)))
    order = np.lexsort((device, second))
    columns = {
        "device": device,
        "time_ns": (second + 1) * S,
        "lon_deg": lon_deg,
        "lat_deg": lat_deg,
        "accuracy_m": np.full(len(device), 1.5 * sigma_m),
    }
    return {name: column[order] for name, column in columns.items()}


def rows(told: Told, first: int = 0) -> list[tuple[float, ...]]:
    columns = (
        told.row + first,
        told.device,
        told.fence,
        told.change,
        told.time_ns,
        told.fixes,
        told.distance_m,
        told.sigma_m,
        told.certainty,
    )
    return list(zip(*(column.tolist() for column in columns), strict=True))


def story(told: Told, device: int = 0) -> list[tuple[str, int]]:
    return [(Change(change).name, fence) for _, who, fence, change, *_ in rows(told) if who == device]


WAYS = {
    "leaves": walk((70, 0), (160, 0)),
    "comes home through the line": walk((250, 20), (230, 0), (160, 0), (60, 0)),
    "is at home": walk((70, 0)),
    "is away": walk((150, 0)),
    "goes through the line from its near side": walk((170, 0), (240, 0)),
    "goes round the end of the line": walk((230, 0), (230, 50), (170, 50), (170, 0)),
    # Two fixes, 60 m apart, either of them further from the line than it reaches; then somebody stands there.
    "is through the line in one step": np.concatenate((walk((230, 0)), walk((170, 0)))),
    "comes near the line twice": walk((235, 0), (205, 0), (235, 0), (205, 0)),
}
SHORT = [walk((90, 0), (120, 0)), walk((215, 0), (190, 0)), walk((0, 90), (0, 115), (0, 85))]


@cache
def told_of_everybody(sigma_m: float) -> Told:
    return engine(len(WAYS)).update(**fixes(list(WAYS.values()), sigma_m))


def story_of(name: str, sigma_m: float = 0.3) -> list[tuple[str, int]]:
    return story(told_of_everybody(sigma_m), list(WAYS).index(name))


@pytest.mark.parametrize("sigma_m", [0.3, 3.0])
def test_who_leaves_is_told_once_and_who_comes_home_through_the_line_is_told_thrice(sigma_m: float) -> None:
    assert story_of("leaves", sigma_m) == [("EXIT", ESTATE)]
    assert story_of("comes home through the line", sigma_m) == [("APPROACH", LINE), ("CROSS", LINE), ("ENTER", ESTATE)]
    assert np.all(told_of_everybody(sigma_m).certainty > 0.9)


def test_the_first_fix_sets_the_side_and_is_no_event() -> None:
    assert story_of("is at home") == story_of("is away") == story_of("is at home", 3.0) == story_of("is away", 3.0) == []


def test_an_event_has_the_time_of_the_first_fix_on_the_new_side() -> None:
    told = told_of_everybody(0.3)
    (left_ns,) = told.time_ns[told.device == list(WAYS).index("leaves")].tolist()
    assert abs(left_ns - (STAND_S + 30) * S) <= 2 * S


def test_through_the_line_from_its_near_side_opens_nothing() -> None:
    assert story_of("goes through the line from its near side") == []


def test_who_goes_round_the_end_of_a_line_does_not_cross_it() -> None:
    assert ("CROSS", LINE) not in story_of("goes round the end of the line")


def test_who_passes_a_line_in_one_step_is_seen_to_have_crossed_it() -> None:
    assert ("CROSS", LINE) in story_of("is through the line in one step")


def test_who_comes_near_again_after_going_away_is_told_again() -> None:
    assert story_of("comes near the line twice") == [("APPROACH", LINE), ("APPROACH", LINE)]


def test_a_line_and_its_reverse_swap_sides() -> None:
    lines = [OUTLINES[LINE], OUTLINES[REVERSED]]
    ways = [walk((225, 0), (175, 0)), walk((175, 0), (225, 0))]
    told = engine(2, lines).update(**fixes(ways, 0.5))
    assert story(told, 0) == [("APPROACH", 0), ("CROSS", 0)]
    assert story(told, 1) == [("APPROACH", 1), ("CROSS", 1)]
    swapped = engine(2, lines, near_is_left=[False, True]).update(**fixes(ways, 0.5))
    assert story(swapped, 0) == []
    assert story(swapped, 1) == [("APPROACH", 0), ("APPROACH", 1), ("CROSS", 0), ("CROSS", 1)]


def elsewhere(lon_deg: Float64, lat_deg: Float64, there: Frame) -> tuple[Float64, Float64]:
    """As far from the middle of another frame as they are from `HOME`."""
    east_m, north_m = HOME.metres(lon_deg, lat_deg).T
    return there.lon_deg + east_m / there.east_m_per_deg, there.lat_deg + north_m / there.north_m_per_deg


@settings(deadline=None, max_examples=4)
@given(lon_deg=st.floats(-179.0, 179.0), lat_deg=st.floats(-70.0, 70.0), seed=st.integers(0, 9), reverse=st.booleans())
def test_moving_everything_or_reversing_a_ring_changes_nothing(lon_deg: float, lat_deg: float, seed: int, *, reverse: bool) -> None:
    there, columns = Frame.at(lon_deg, lat_deg), fixes(SHORT, 0.5, seed)
    outlines = []
    for one in OUTLINES[:3]:
        corners = list(zip(*(degrees.tolist() for degrees in elsewhere(*np.array(one.rings[0]).T, there)), strict=True))
        outlines.append(replace(one, rings=[corners[::-1] if reverse and not one.is_line else corners]))
    moved_lon, moved_lat = elsewhere(columns["lon_deg"], columns["lat_deg"], there)
    told, moved = engine(3).update(**columns), engine(3, outlines).update(**{**columns, "lon_deg": moved_lon, "lat_deg": moved_lat})
    assert [row[:6] for row in rows(moved)] == [row[:6] for row in rows(told)]
    # The frames of fences that do not lie around the same place differ by the curve of the earth.
    assert moved.distance_m == pytest.approx(told.distance_m, abs=0.02)
    assert {row[3] for row in rows(told)} == set(Change)


def test_fixes_that_are_old_or_none_change_nothing() -> None:
    columns = fixes(SHORT, 3.0)
    plain = engine(3).update(**columns)
    bad = {name: np.repeat(column, 2) for name, column in columns.items()}
    bad["time_ns"][1::2] -= 400 * S
    bad["lon_deg"][1::6] = np.nan
    bad["lat_deg"][3::6] = 91.0
    bad["accuracy_m"][5::6] = 0.0
    mixed = engine(3).update(**bad)
    assert [row[1:] for row in rows(mixed)] == [row[1:] for row in rows(plain)]
    assert len(plain)


@settings(deadline=None, max_examples=4)
@given(cuts=st.lists(st.integers(0, 260), max_size=8), seed=st.integers(0, 9))
def test_a_batch_split_anywhere_gives_the_same_to_the_last_bit(cuts: list[int], seed: int) -> None:
    columns = fixes(SHORT, 0.5, seed)
    whole = rows(engine(3).update(**columns))
    limits = [0, *sorted(min(cut, len(columns["device"])) for cut in cuts), len(columns["device"])]
    parted, parts = engine(3), []
    for begin, end in pairwise(limits):
        parts += rows(parted.update(**{name: column[begin:end] for name, column in columns.items()}), begin)
    assert parts == whole
    assert {row[3] for row in whole} == set(Change)


def test_a_fence_that_concerns_some_devices_is_about_nobody_else() -> None:
    concerns = (np.array([0]), np.array([ESTATE]))
    told = engine(2, concerns=concerns).update(**fixes([SHORT[0], SHORT[0]], 1.0))
    assert story(told, 0) == [("EXIT", ESTATE)]
    assert story(told, 1) == []


def test_what_is_told_of_those_a_fence_concerns_is_what_a_search_tells() -> None:
    columns = fixes(SHORT, 1.0)
    everything = np.repeat(np.arange(3), 2), np.tile(np.array([ESTATE, FLAT]), 3)
    searched, named = engine(3).update(**columns), engine(3, concerns=everything).update(**columns)
    assert [row[:4] for row in rows(searched)] == [row[:4] for row in rows(named)]


def test_many_pairs_of_one_device_each_have_a_state() -> None:
    outlines = [square(0, 0, 20.0 + row) for row in range(30)]
    told = engine(1, outlines).update(**fixes([walk((0, 0), (70, 0), (0, 0))], 0.5))
    assert sorted(story(told)) == sorted([(name, row) for name in ("ENTER", "EXIT") for row in range(30)])


def test_a_fence_that_is_removed_tells_nothing_more() -> None:
    watch = engine(1)
    assert not len(watch.update(**fixes([walk((90, 0))], 1.0)))
    watch.index.remove(ESTATE)
    columns = fixes([walk((90, 0), (130, 0))], 1.0)
    columns["time_ns"] += 1000 * S
    assert not len(watch.update(**columns))


@pytest.mark.parametrize("sigma_m", [0.3, 2.0])
def test_what_sleeping_devices_tell_is_what_those_tell_that_never_sleep(sigma_m: float) -> None:
    columns = fixes(list(WAYS.values()), sigma_m)
    sleeping, waking = engine(len(WAYS)), engine(len(WAYS), margin_m=0.0)
    told, wanted = sleeping.update(**columns), waking.update(**columns)
    assert waking.awake == len(WAYS)
    assert sleeping.awake < len(WAYS)
    for device, name in enumerate(WAYS):
        assert story(told, device) == story(wanted, device), name
    assert np.abs(told.time_ns - wanted.time_ns).max() <= 3 * S


def test_who_is_far_from_every_border_sleeps_and_one_step_across_one_wakes() -> None:
    ways = [np.full((60, 2), 40.0), np.full((60, 2), 500.0), np.concatenate((np.full((40, 2), 40.0), np.full((20, 2), 400.0)))]
    watch = engine(3)
    columns = fixes(ways, 1.0)
    early = columns["time_ns"] <= 35 * S
    assert not len(watch.update(**{name: column[early] for name, column in columns.items()}))
    assert watch.awake == 0
    told = watch.update(**{name: column[~early] for name, column in columns.items()})
    assert [row[1:4] for row in rows(told)] == [(2, ESTATE, Change.EXIT)]
    assert told.time_ns.tolist() == [41 * S]
    assert watch.awake == 0


def test_a_jump_wakes_and_tells_nothing() -> None:
    way = np.full((120, 2), 40.0)
    way[60:63] += 100.0
    watch = engine(1)
    assert not len(watch.update(**fixes([way], 1.0)))
    assert watch.awake == 0


def test_a_fence_that_is_drawn_around_somebody_who_sleeps_is_not_entered() -> None:
    outlines = [OUTLINES[ESTATE], square(500, 500, 50)]
    watch = Engine(index(outlines[:1]), guards(outlines), 1, margin_m=MARGIN_M)
    columns = fixes([walk((500, 500), stand_s=60)], 1.0)
    assert not len(watch.update(**columns))
    watch.index.add(replace(outlines[1], reach_m=MARGIN_M))
    columns["time_ns"] += 100 * S
    assert not len(watch.update(**columns))
    columns = fixes([walk((500, 500), (600, 500))], 1.0)
    columns["time_ns"] += 1000 * S
    assert story(watch.update(**columns)) == [("EXIT", 1)]


def test_more_devices_than_there_were_rows_are_awake_at_once() -> None:
    count = 3000
    columns = fixes([walk((95, 0), (130, 0), stand_s=12)] * count, 0.5)
    told = engine(count).update(**columns)
    assert np.bincount(told.device, minlength=count).tolist() == [1] * count


def test_no_fixes_tell_nothing() -> None:
    nothing = {name: column[:0] for name, column in fixes(SHORT, 1.0).items()}
    assert not len(engine(1).update(**nothing))
