"""Which of many fences positions are in or near: the same answers as GEOS gives, fence by fence."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely.affinity import rotate, translate

from geofence import lines
from geofence.frames import Frame
from geofence.given import Outline, OutlineError, Outlines
from geofence.index import FenceIndex

Float64 = NDArray[np.float64]
Shape = shapely.Polygon | shapely.MultiPolygon

HOME = (119.95, 31.78)
CELL_DEG = 360.0 / 2**20
EVERYWHERE = [HOME, (0.0, 0.0), (179.9999, 10.0), (-180.0, -45.0), (25.0, 70.0), (10.0, 88.0)]


@dataclass(frozen=True, kw_only=True)
class Fence:
    """One area both ways: as the index takes it, and as GEOS has it in the frame at its middle."""

    outline: Outline
    frame: Frame
    shape: shapely.MultiPolygon

    @property
    def vertices(self) -> Float64:
        return np.concatenate([np.array(ring) for ring in self.outline.rings])


def fence(shape: Shape, at: tuple[float, float] = HOME, *, reach_m: float = 0.0, round_deg: float = 0.0) -> Fence:
    """Area of a shape in metres around a place; its degrees rounded to multiples, if wanted."""
    frame = Frame.at(*at)
    polygons = [
        [placed(np.array(ring.coords), frame, round_deg) for ring in (polygon.exterior, *polygon.interiors)]
        for polygon in (shape.geoms if isinstance(shape, shapely.MultiPolygon) else [shape])
    ]
    rings = [ring for polygon in polygons for ring in polygon]
    low, high = np.concatenate(rings).min(axis=0), np.concatenate(rings).max(axis=0)
    own = Frame.at(*((low + high) / 2.0))
    planar = [[own.metres(*ring.T) for ring in polygon] for polygon in polygons]
    return Fence(
        outline=Outline(rings=[[(x, y) for x, y in ring.tolist()] for ring in rings], reach_m=reach_m),
        frame=own,
        shape=shapely.MultiPolygon([shapely.Polygon(shell, holes) for shell, *holes in planar]),
    )


def placed(metres: Float64, frame: Frame, round_deg: float) -> Float64:
    degrees = metres / (frame.east_m_per_deg, frame.north_m_per_deg) + (frame.lon_deg, frame.lat_deg)
    return np.round(degrees / round_deg) * round_deg if round_deg else degrees


def circle(radius_m: float, corners: int = 32) -> shapely.Polygon:
    return shapely.Point(0, 0).buffer(radius_m, quad_segs=corners // 4)


def square(half_m: float, x: float = 0.0, y: float = 0.0) -> shapely.Polygon:
    return shapely.box(x - half_m, y - half_m, x + half_m, y + half_m)


def star(radius_m: float, points: int = 9) -> shapely.Polygon:
    angle = np.arange(2 * points) * np.pi / points
    return shapely.Polygon(
        np.stack((np.cos(angle), np.sin(angle)), axis=1) * radius_m * np.where(np.arange(2 * points) % 2, 0.1, 1.0)[:, None]
    )


HARD: dict[str, Callable[[float], Shape]] = {
    "a square along the axes": square,
    "a square askew": lambda size: rotate(square(size), 31),
    "a circle of many corners": lambda size: circle(size, 256),
    "a star": star,
    "a sliver": lambda size: shapely.box(-size, -1e-7 * size, size, 1e-7 * size),
    "a sliver askew": lambda size: rotate(shapely.box(-size, -1e-6 * size, size, 1e-6 * size), 17),
    "a hole": lambda size: square(size).difference(circle(size / 2)),
    "an island in a hole": lambda size: square(size).difference(square(size / 2)).union(square(size / 4)),
    "a hole that touches the shell": lambda size: shapely.Polygon(square(size).exterior, [[(0, -size), (size / 2, 0), (0, size / 2)]]),
    "two polygons that touch at a corner": lambda size: shapely.MultiPolygon([square(size, -size, -size), square(size, size, size)]),
    "corners on one line": lambda size: shapely.Polygon(
        [(0, 0), (size / 3, 0), (size / 2, 0), (size, 0), (size, size), (size, size), (0, size)]
    ),
    "a comb": lambda size: shapely.unary_union(
        [
            shapely.box(-size, -size, size, -size * 0.9),
            *(shapely.box(x, -size, x + size / 50, size) for x in np.linspace(-size, size * 0.98, 17)),
        ]
    ),
}
SIZES = [0.01, 1.0, 12.0, 60.0, 500.0, 4000.0, 60_000.0]


def difficult(one: Fence, seed: int) -> tuple[Float64, Float64]:
    """Positions on vertices, on edges, level with vertices, on borders of cells, at random; and a rounding error beside."""
    random = np.random.default_rng(seed)
    corner = one.vertices
    corner = corner[random.permutation(len(corner))[:60]]
    following = np.roll(corner, -1, axis=0)
    low, high = one.vertices.min(axis=0), one.vertices.max(axis=0)
    around = low - 0.2 * (high - low) + random.uniform(0, 1.4, (120, 2)) * (high - low)
    level = np.stack((random.choice(around[:, 0], len(corner)), corner[:, 1]), axis=1)
    below = np.stack((corner[:, 0], random.choice(around[:, 1], len(corner))), axis=1)
    spots = np.concatenate((corner, (corner + following) / 2, corner + random.uniform(0, 1, (len(corner), 1)) * (following - corner)))
    spots = np.concatenate((spots, around, level, below, (low + high)[None] / 2))
    on_cells = np.round(around / CELL_DEG * 8) * CELL_DEG / 8
    spots = np.concatenate((spots, on_cells))
    return tuple(np.concatenate((spots, np.nextafter(spots, spots + random.choice([-1, 1], spots.shape)))).T)  # type: ignore[return-value]


def expected(one: Fence, lon_deg: Float64, lat_deg: Float64) -> tuple[NDArray[np.bool_], Float64]:
    metres = one.frame.metres(lon_deg, lat_deg)
    inside = shapely.intersects_xy(one.shape, metres[:, 0], metres[:, 1])
    distance = shapely.distance(shapely.boundary(one.shape), shapely.points(metres))
    return inside, np.where(inside, distance, -distance)


def answers(index: FenceIndex, lon_deg: Float64, lat_deg: Float64, fences: int) -> tuple[NDArray[np.bool_], Float64]:
    """Containing (N, M), and near (N, M), NaN where not."""
    inside, near = np.zeros((len(lon_deg), fences), np.bool_), np.full((len(lon_deg), fences), np.nan)
    position, number = index.containing(lon_deg, lat_deg)
    inside[position, number] = True
    assert np.count_nonzero(inside) == len(position), "a pair is named once"
    position, number, distance_m = index.near(lon_deg, lat_deg)
    near[position, number] = distance_m
    assert np.count_nonzero(~np.isnan(near)) == len(position), "a pair is named once"
    return inside, near


def check(fences: list[Fence], lon_deg: Float64, lat_deg: Float64) -> None:
    index = FenceIndex.build(Outlines.of([one.outline for one in fences]))
    inside, near = answers(index, lon_deg, lat_deg, len(fences))
    for number, one in enumerate(fences):
        is_in, distance_m = expected(one, lon_deg, lat_deg)
        np.testing.assert_array_equal(inside[:, number], is_in)
        named = index.signed_distance(lon_deg, lat_deg, np.full(len(lon_deg), number))
        np.testing.assert_array_equal(named >= 0.0, is_in)
        np.testing.assert_allclose(np.abs(named), np.abs(distance_m), rtol=1e-12, atol=1e-9)
        reach_m = one.outline.reach_m
        within, deep = named >= -reach_m, named > reach_m
        np.testing.assert_array_equal(~np.isnan(near[:, number]), within)
        np.testing.assert_allclose(near[within & ~deep, number], named[within & ~deep], atol=1e-9)
        assert np.all(near[deep, number] == np.inf)


@pytest.mark.parametrize("size_m", SIZES)
@pytest.mark.parametrize("name", HARD)
def test_membership_is_that_of_geos_and_distances_are_those_of_shapely(name: str, size_m: float) -> None:
    for seed, at in enumerate(EVERYWHERE):
        if at[1] < 80 or size_m < 10_000:
            one = fence(HARD[name](size_m), at, reach_m=(0.0, 3.0, 40.0)[seed % 3])
            if shapely.is_valid(one.shape):
                check([one], *difficult(one, seed))


@pytest.mark.parametrize("round_deg", [CELL_DEG, CELL_DEG / 8, 1e-4])
@pytest.mark.parametrize("size_m", [60.0, 500.0])
def test_vertices_on_borders_of_cells_change_nothing(size_m: float, round_deg: float) -> None:
    for name, make in HARD.items():
        one = fence(make(size_m), round_deg=round_deg, reach_m=10.0)
        if shapely.is_valid(one.shape) and one.shape.area:
            check([one], *difficult(one, len(name)))


def test_many_fences_over_one_another_are_each_answered() -> None:
    random = np.random.default_rng(7)
    fences = [
        fence(
            translate(rotate(make(size), random.uniform(0, 360)), *random.normal(0, size / 2, 2)), reach_m=float(random.choice([0, 3, 30]))
        )
        for size in SIZES[1:6]
        for make in HARD.values()
    ]
    fences = [one for one in fences if shapely.is_valid(one.shape)]
    spots = [difficult(one, seed) for seed, one in enumerate(fences)]
    lon_deg, lat_deg = (np.concatenate(column) for column in zip(*spots, strict=True))
    some = random.permutation(len(lon_deg))[:4000]
    check(fences, lon_deg[some], lat_deg[some])


def test_fences_that_are_the_same_are_each_named() -> None:
    for size_m in (2.0, 500.0):
        one = fence(square(size_m))
        index = FenceIndex.build(Outlines.of([one.outline] * 40))
        position, number = index.containing(np.array([HOME[0]]), np.array([HOME[1]]))
        assert sorted(number.tolist()) == list(range(40))
        assert not position.any()


def test_what_is_on_a_border_is_in_and_at_no_distance() -> None:
    one = fence(square(10), round_deg=1e-6)
    index = FenceIndex.build(Outlines.of([one.outline]))
    lon_deg, lat_deg = one.vertices[:4].T
    lon_deg, lat_deg = np.append(lon_deg, lon_deg[0]), np.append(lat_deg, HOME[1])
    assert len(index.containing(lon_deg, lat_deg)[0]) == 5
    assert index.signed_distance(lon_deg, lat_deg, np.zeros(5, np.int64)).tolist() == [0.0] * 5


def test_a_fence_across_the_antimeridian_is_found_from_either_side() -> None:
    for size_m in (5.0, 700.0):
        one = fence(square(size_m), (180.0, -17.0))
        index = FenceIndex.build(Outlines.of([one.outline]))
        step_deg = 0.9 * size_m / one.frame.east_m_per_deg
        lon_deg = np.array([180.0 - step_deg, -180.0 + step_deg, 180.0, -180.0, 180.0 + step_deg, -180.0 - step_deg, 540.0])
        assert sorted(index.containing(lon_deg, np.full(7, -17.0))[0].tolist()) == list(range(7))
        outside = np.array([180.0 - 3 * step_deg, -180.0 + 3 * step_deg, 0.0, -360.0])
        assert not len(index.containing(outside, np.full(4, -17.0))[0])


def test_positions_that_are_none_are_in_nothing_and_at_no_distance() -> None:
    index = FenceIndex.build(Outlines.of([fence(square(50)).outline, fence(square(500)).outline]))
    lon_deg = np.array([np.nan, HOME[0], np.inf, HOME[0], HOME[0], -np.inf, HOME[0]])
    lat_deg = np.array([HOME[1], np.nan, HOME[1], np.inf, HOME[1], HOME[1], 90.5])
    assert index.containing(lon_deg, lat_deg)[0].tolist() == [4, 4]
    assert index.near(lon_deg, lat_deg)[0].tolist() == [4, 4]
    distance_m = index.signed_distance(lon_deg, lat_deg, np.zeros(7, np.int64))
    assert np.flatnonzero(~np.isnan(distance_m)).tolist() == [4]


def test_no_positions_and_no_fences_have_no_answer() -> None:
    empty, one = FenceIndex.build(Outlines.of([])), FenceIndex.build(Outlines.of([fence(square(5)).outline]))
    nothing, spot = np.empty(0), np.array([1.0])
    for index, lon_deg in ((empty, spot), (empty, nothing), (one, nothing)):
        assert not len(index.containing(lon_deg, lon_deg)[0])
        assert not len(index.near(lon_deg, lon_deg)[2])
    assert np.isnan(one.signed_distance(np.repeat(spot, 2), np.repeat(spot, 2), np.array([7, -1]))).all()


REFUSED: dict[str, tuple[Outline, str]] = {
    "no ring": (Outline(rings=[]), "ring"),
    "two corners": (Outline(rings=[[(0, 0), (1, 1)]]), "too few vertices"),
    "a line of one": (Outline(rings=[[(0, 0)]], is_line=True), "too few vertices"),
    "a line of two paths": (Outline(rings=[[(0, 0), (1, 1)], [(2, 2), (3, 3)]], is_line=True), "wanted one"),
    "across the antimeridian the long way": (Outline(rings=[[(179, 0), (-179, 0), (-179, 1), (179, 1)]]), "go on beyond 180"),
    "round a pole": (Outline(rings=[[(0, 80), (90, 80), (180, 80), (270, 80)]]), "180 degrees"),
    "at a pole": (Outline(rings=[[(0, 89.5), (1, 89.5), (1, 89.9)]]), "beyond 89"),
    "no number": (Outline(rings=[[(0, 0), (1, np.nan), (1, 1)]]), "that is none"),
    "no longitude": (Outline(rings=[[(0, 0), (np.nan, 0), (1, 1)]]), "180 degrees"),
    "infinity": (Outline(rings=[[(0, 0), (np.inf, 0), (1, 1)]]), "180 degrees"),
    "a reach below 0": (Outline(rings=[[(0, 0), (1, 0), (1, 1)]], reach_m=-1.0), "no distance"),
    "a reach that is none": (Outline(rings=[[(0, 0), (1, 0), (1, 1)]], reach_m=np.nan), "no distance"),
    "a reach round the earth": (Outline(rings=[[(0, 0), (1, 0), (1, 1)]], reach_m=3e7), "round the earth"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_fence_is_refused_by_number(name: str) -> None:
    outline, words = REFUSED[name]
    good = fence(square(5)).outline
    with pytest.raises(OutlineError, match=f"fence 1 .*{words}"):
        FenceIndex.build(Outlines.of([good, outline]))
    index = FenceIndex.build(Outlines.of([good]))
    with pytest.raises(OutlineError, match=f"fence 1 .*{words}"):
        index.add(outline)
    assert index.changes == 0


def path(corners: list[tuple[float, float]]) -> tuple[list[tuple[float, float]], Float64, Frame]:
    """Degrees of a path in metres around home; and in its own frame, as the index has it."""
    degrees = placed(np.array(corners), Frame.at(*HOME), 0.0)
    frame = Frame.at(*((degrees.min(axis=0) + degrees.max(axis=0)) / 2.0))
    return [(x, y) for x, y in degrees.tolist()], frame.metres(*degrees.T), frame


def walked(steps: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Corners of a path by turns, in degrees, and lengths: it does not double back on itself, where it would have no side."""
    heading, way = 0.0, [0j]
    for turn_deg, length in steps:
        heading += np.radians(turn_deg)
        way.append(way[-1] + length * complex(np.cos(heading), np.sin(heading)))
    return [(corner.real, corner.imag) for corner in way]


PATHS = st.builds(walked, st.lists(st.tuples(st.floats(-150, 150), st.floats(0.05, 0.5)), min_size=1, max_size=6))


@settings(deadline=None, max_examples=60)
@given(corners=PATHS, size_m=st.sampled_from([5.0, 60.0, 900.0]), seed=st.integers(0, 99))
def test_a_line_has_the_distance_and_the_side_that_lines_have(corners: list[tuple[float, float]], size_m: float, seed: int) -> None:
    degrees, metres, frame = path([(size_m * x, size_m * y) for x, y in corners])
    index = FenceIndex.build(Outlines.of([Outline(rings=[degrees], is_line=True, reach_m=size_m / 4)]))
    lon_deg, lat_deg = placed(np.random.default_rng(seed).uniform(-1.4 * size_m, 1.4 * size_m, (200, 2)), Frame.at(*HOME), 0.0).T
    wanted = lines.signed_distance(metres, frame.metres(lon_deg, lat_deg))
    named = index.signed_distance(lon_deg, lat_deg, np.zeros(200, np.int64))
    np.testing.assert_allclose(named, wanted, atol=1e-9)
    position, _, near = index.near(lon_deg, lat_deg)
    assert sorted(position.tolist()) == np.flatnonzero(np.abs(named) <= size_m / 4).tolist()
    np.testing.assert_allclose(near, named[position], atol=1e-9)
    assert not len(index.containing(lon_deg, lat_deg)[0])


@settings(deadline=None, max_examples=40)
@given(corners=PATHS, size_m=st.sampled_from([5.0, 200.0]), seed=st.integers(0, 99))
def test_a_line_and_its_reverse_swap_sides(corners: list[tuple[float, float]], size_m: float, seed: int) -> None:
    degrees, _, _ = path([(size_m * x, size_m * y) for x, y in corners])
    index = FenceIndex.build(Outlines.of([Outline(rings=[one], is_line=True) for one in (degrees, degrees[::-1])]))
    lon_deg, lat_deg = placed(np.random.default_rng(seed).uniform(-2 * size_m, 2 * size_m, (100, 2)), Frame.at(*HOME), 0.0).T
    there, back = (index.signed_distance(lon_deg, lat_deg, np.full(100, number)) for number in (0, 1))
    np.testing.assert_allclose(back, -there, atol=1e-9)


@settings(deadline=None, max_examples=40)
@given(corners=PATHS, size_m=st.sampled_from([5.0, 60.0, 900.0]))
def test_a_line_that_reaches_nowhere_is_near_to_what_is_exactly_on_it(corners: list[tuple[float, float]], size_m: float) -> None:
    degrees, _, _ = path([(size_m * x, size_m * y) for x, y in corners])
    index = FenceIndex.build(Outlines.of([Outline(rings=[degrees], is_line=True)]))
    vertices = np.array(degrees)
    places = np.concatenate((vertices, (vertices[1:] + vertices[:-1]) / 2.0, vertices + np.array([0.0, 1e-5])))
    lon_deg, lat_deg = places.T.copy()
    position, _, near = index.near(lon_deg, lat_deg)
    on_it = np.flatnonzero(np.abs(index.signed_distance(lon_deg, lat_deg, np.zeros(len(places), np.int64))) <= 1e-9)
    assert sorted(position.tolist()) == on_it.tolist()
    assert set(range(len(vertices))) <= set(on_it.tolist())
    np.testing.assert_allclose(near, 0.0, atol=1e-9)


@settings(deadline=None, max_examples=60)
@given(corners=PATHS, size_m=st.sampled_from([5.0, 60.0, 900.0]), seed=st.integers(0, 99))
def test_movements_pass_a_line_where_lines_says_so(corners: list[tuple[float, float]], size_m: float, seed: int) -> None:
    degrees, metres, frame = path([(size_m * x, size_m * y) for x, y in corners])
    outline = Outline(rings=[degrees], is_line=True)
    index = FenceIndex.build(Outlines.of([outline]))
    number = index.add(outline)
    places = placed(np.random.default_rng(seed).uniform(-1.0 * size_m, 1.0 * size_m, (300, 2)), Frame.at(*HOME), 0.0)
    # Some end at a vertex, and some go nowhere.
    places[150 : 150 + len(degrees)] = degrees
    places[200:210] = places[50:60]
    before, after = places[:150].T.copy(), places[150:].T.copy()
    wanted = lines.passes(metres, frame.metres(*before), frame.metres(*after))
    wanted[: len(degrees)] = True
    for fence in (0, number):
        met = index.passes((before[0], before[1]), (after[0], after[1]), np.full(150, fence))
        np.testing.assert_array_equal(met, wanted)
    index.remove(number)
    assert not index.passes((before[0], before[1]), (after[0], after[1]), np.full(150, number)).any()


def test_a_movement_passes_the_rings_of_an_area_and_nothing_between_them() -> None:
    ring = shapely.box(-100, -100, 100, 100) - shapely.box(-50, -50, 50, 50)
    index = FenceIndex.build(Outlines.of([fence(ring).outline]))
    ways = {(-120, 0): (-90, 0), (-70, 0): (-30, 0), (-90, 90): (-60, 60), (-40, -40): (40, 40), (-120, 0.5): (120, 0.5)}
    before, after = (placed(np.array(list(ends), np.float64), Frame.at(*HOME), 0.0).T.copy() for ends in (ways.keys(), ways.values()))
    met = index.passes((before[0], before[1]), (after[0], after[1]), np.zeros(len(ways), np.int64))
    assert met.tolist() == [True, True, False, False, True]
    before[0][:2], after[1][2:] = np.nan, 91.0
    assert not index.passes((before[0], before[1]), (after[0], after[1]), np.zeros(len(ways), np.int64)).any()


SHAPES = st.builds(
    lambda name, size, angle, x, y: translate(rotate(HARD[name](size), angle), x * size, y * size),
    st.sampled_from(list(HARD)),
    st.sampled_from([2.0, 12.0, 70.0, 500.0]),
    st.floats(0, 360),
    st.floats(-2, 2),
    st.floats(-2, 2),
)


@settings(deadline=None, max_examples=40)
@given(shape=SHAPES, seed=st.integers(0, 99), turn=st.integers(0, 50))
def test_reversing_and_turning_rings_changes_nothing(shape: Shape, seed: int, turn: int) -> None:
    one = fence(shape, reach_m=5.0)
    rings = [list(ring[:-1]) for ring in one.outline.rings]
    turned = [ring[turn % len(ring) :] + ring[: turn % len(ring)] for ring in rings]
    others = [[ring[::-1] for ring in rings], turned, [[*ring, ring[0]] for ring in turned], rings[::-1]]
    outlines = [one.outline, *(replace(one.outline, rings=other) for other in others)]
    lon_deg, lat_deg = difficult(one, seed)
    inside, near = answers(FenceIndex.build(Outlines.of(outlines)), lon_deg, lat_deg, len(outlines))
    for number in range(1, len(outlines)):
        np.testing.assert_array_equal(inside[:, number], inside[:, 0])
        np.testing.assert_allclose(near[:, number], near[:, 0], atol=1e-9)


@settings(deadline=None, max_examples=40)
@given(shapes=st.lists(SHAPES, min_size=1, max_size=4), seed=st.integers(0, 99), east=st.integers(-(2**19), 2**19))
def test_moving_everything_by_a_vector_changes_nothing(shapes: list[Shape], seed: int, east: int) -> None:
    # Along a circle of latitude, so that metres stay metres.
    fences = [fence(shape, reach_m=5.0) for shape in shapes]
    lon_deg, lat_deg = difficult(fences[0], seed)
    away_deg = east * CELL_DEG * 0.77
    moved = [replace(one.outline, rings=[[(lon + away_deg, lat) for lon, lat in ring] for ring in one.outline.rings]) for one in fences]
    here = FenceIndex.build(Outlines.of([one.outline for one in fences]))
    there = FenceIndex.build(Outlines.of(moved))
    for number in range(len(fences)):
        same = np.full(len(lon_deg), number)
        before, after = here.signed_distance(lon_deg, lat_deg, same), there.signed_distance(lon_deg + away_deg, lat_deg, same)
        np.testing.assert_allclose(np.abs(after), np.abs(before), atol=1e-7)
        certain = np.abs(before) > 1e-6
        inside = answers(there, lon_deg + away_deg, lat_deg, len(fences))[0][:, number]
        np.testing.assert_array_equal(inside[certain], before[certain] > 0.0)


@settings(deadline=None, max_examples=30)
@given(shapes=st.lists(SHAPES, min_size=1, max_size=6), cuts=st.lists(st.integers(0, 900), max_size=4), seed=st.integers(0, 99))
def test_a_batch_split_anywhere_gives_the_same(shapes: list[Shape], cuts: list[int], seed: int) -> None:
    fences = [fence(shape, reach_m=7.0) for shape in shapes]
    index = FenceIndex.build(Outlines.of([one.outline for one in fences]))
    lon_deg, lat_deg = difficult(fences[0], seed)
    whole = triples(index, lon_deg, lat_deg, 0)
    limits = [0, *sorted({min(cut, len(lon_deg)) for cut in cuts}), len(lon_deg)]
    parts = [triples(index, lon_deg[a:b], lat_deg[a:b], a) for a, b in pairwise(limits)]
    assert sorted(one for part in parts for one in part) == sorted(whole)


def triples(index: FenceIndex, lon_deg: Float64, lat_deg: Float64, first: int) -> Iterator[tuple[int, int, float]]:
    position, number, distance_m = index.near(lon_deg, lat_deg)
    return zip((position + first).tolist(), number.tolist(), distance_m.tolist(), strict=True)


def test_a_batch_larger_than_what_is_done_at_once_is_answered_in_rows_of_the_batch() -> None:
    index = FenceIndex.build(Outlines.of([fence(square(5)).outline]))
    lon_deg, lat_deg = np.full(100_000, 10.0), np.full(100_000, HOME[1])
    lon_deg[[5, 40_000, 99_999]] = HOME[0]
    assert index.containing(lon_deg, lat_deg)[0].tolist() == [5, 40_000, 99_999]


def test_a_country_of_estates_and_a_continent_are_found() -> None:
    random = np.random.default_rng(3)
    places = np.stack((random.uniform(75, 130, 300), random.uniform(20, 50, 300)), axis=1)
    fences = [fence(square(300), (lon, lat)) for lon, lat in places.tolist()]
    fences += [fence(square(1_200_000), (100.0, 35.0)), fence(square(4.0), (-70.0, -33.0))]
    index = FenceIndex.build(Outlines.of([one.outline for one in fences]))
    position, number = index.containing(places[:, 0], places[:, 1])
    assert sorted(number[number < 300].tolist()) == list(range(300))
    inside, _ = expected(fences[300], places[:, 0], places[:, 1])
    assert sorted(position[number == 300].tolist()) == np.flatnonzero(inside).tolist()
    assert index.containing(np.array([-70.0]), np.array([-33.0]))[1].tolist() == [301]
