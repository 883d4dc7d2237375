"""An index that is changed, while others read it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from geofence.frames import Frame
from geofence.given import Outline, Outlines
from geofence.index import FenceIndex

Float64 = NDArray[np.float64]

HOME = Frame.at(119.95, 31.78)
SIZES = [0.5, 8.0, 45.0, 300.0, 3000.0]


def outline(x: float, y: float, half_m: float, *, corners: int = 4, reach_m: float = 0.0, is_line: bool = False) -> Outline:
    """Regular polygon, or a path along it, around a place in metres from home; a large one has a hole."""
    angle = np.arange(corners) * 2 * np.pi / corners + 0.3
    circle = np.stack((np.cos(angle), np.sin(angle)), axis=1)
    rings = [circle * half_m] if is_line or half_m < 100 else [circle * half_m, circle * half_m / 3]
    per_deg = np.array([HOME.east_m_per_deg, HOME.north_m_per_deg])
    middle = np.array([HOME.lon_deg, HOME.lat_deg])
    placed = [middle + (ring + np.array([x, y])) / per_deg for ring in rings]
    return Outline(rings=[[(lon, lat) for lon, lat in ring.tolist()] for ring in placed], reach_m=reach_m, is_line=is_line)


def degrees(metres: Float64) -> tuple[Float64, Float64]:
    return HOME.lon_deg + metres[:, 0] / HOME.east_m_per_deg, HOME.lat_deg + metres[:, 1] / HOME.north_m_per_deg


OUTLINES = st.builds(
    outline,
    st.floats(-400, 400),
    st.floats(-400, 400),
    st.sampled_from(SIZES),
    corners=st.integers(3, 12),
    reach_m=st.sampled_from([0.0, 3.0, 50.0]),
    is_line=st.booleans(),
)
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.just(0), OUTLINES),
        st.tuples(st.just("change"), st.integers(0, 20), OUTLINES),
        st.tuples(st.just("remove"), st.integers(0, 20), st.none()),
        st.tuples(st.just("compact"), st.just(0), st.none()),
    ),
    max_size=25,
)


def acted(index: FenceIndex, fences: dict[int, Outline], acts: list[tuple[str, int, Outline | None]]) -> None:
    """Do the same to an index and to what it should hold."""
    for act, which, one in acts:
        number = sorted(fences)[which % len(fences)] if fences else -1
        if act == "compact":
            index.compact()
            assert index.changes == 0
        elif act == "add" and one is not None:
            fences[index.add(one)] = one
        elif act == "change" and one is not None and fences:
            index.change(number, one)
            fences[number] = one
        elif act == "remove" and fences:
            index.remove(number)
            del fences[number]


@settings(deadline=None, max_examples=80)
@given(first=st.lists(OUTLINES, max_size=6), acts=ACTS, seed=st.integers(0, 99))
def test_an_index_that_was_changed_answers_as_one_that_was_built_so(
    first: list[Outline], acts: list[tuple[str, int, Outline | None]], seed: int
) -> None:
    index, fences = FenceIndex.build(Outlines.of(first)), dict(enumerate(first))
    acted(index, fences, acts)
    numbers = np.array(sorted(fences), np.int64)
    built = FenceIndex.build(Outlines.of([fences[number] for number in numbers.tolist()]))
    lon_deg, lat_deg = degrees(np.random.default_rng(seed).normal(0, 400, (300, 2)))
    for changed, wanted in (
        (index.containing(lon_deg, lat_deg), built.containing(lon_deg, lat_deg)),
        (index.near(lon_deg, lat_deg), built.near(lon_deg, lat_deg)),
    ):
        position, number, *distance_m = wanted
        assert ordered(*changed) == ordered(position, numbers[number], *distance_m)
    for row, number in enumerate(numbers.tolist()):
        np.testing.assert_array_equal(
            index.signed_distance(lon_deg, lat_deg, np.full(300, number)), built.signed_distance(lon_deg, lat_deg, np.full(300, row))
        )


def ordered(position: NDArray[np.int64], number: NDArray[np.int64], *distance_m: Float64) -> list[tuple[float, ...]]:
    return sorted(zip(position.tolist(), number.tolist(), *(metres.tolist() for metres in distance_m), strict=True))


def test_a_number_is_never_used_again() -> None:
    index = FenceIndex.build(Outlines.of([outline(0, 0, 5)]))
    first = index.add(outline(0, 0, 5))
    index.remove(first)
    index.compact()
    assert index.add(outline(0, 0, 5)) == first + 1


def test_a_fence_that_is_not_there_can_be_neither_changed_nor_removed() -> None:
    index = FenceIndex.build(Outlines.of([outline(0, 0, 5), outline(9, 9, 5)]))
    index.remove(1)
    added = index.add(outline(0, 0, 5))
    index.remove(added)
    for number in (1, added, 77, -1):
        with pytest.raises(KeyError, match=f"fence {number} is not there"):
            index.remove(number)
        with pytest.raises(KeyError, match=f"fence {number} is not there"):
            index.change(number, outline(0, 0, 5))
    assert np.isnan(index.signed_distance(*degrees(np.zeros((3, 2))), np.array([1, added, 77]))).all()


def test_a_change_that_is_refused_leaves_the_fence_as_it_was() -> None:
    index = FenceIndex.build(Outlines.of([outline(0, 0, 5)]))
    with pytest.raises(ValueError, match="fence 0 has a ring of too few"):
        index.change(0, replace(outline(0, 0, 5), rings=[[(0.0, 0.0)]]))
    assert len(index.containing(*degrees(np.zeros((1, 2))))[0]) == 1


def test_more_fences_than_there_was_room_for_are_all_found() -> None:
    index = FenceIndex.build(Outlines.of([]))
    places = np.random.default_rng(0).uniform(-3000, 3000, (5000, 2))
    numbers = [index.add(outline(x, y, 1.0)) for x, y in places.tolist()]
    position, number = index.containing(*degrees(places))
    assert set(zip(range(5000), numbers, strict=True)) <= set(zip(position.tolist(), number.tolist(), strict=True))
    assert index.changes == 5000


MOST_TURNS = 300
"""Every change of a fence between two compactions is one more that its readers look at."""


class Reader:
    """Asks again and again, in a thread of its own, and keeps every answer that was not as it must be."""

    def __init__(self, index: FenceIndex, home: int, places: Float64) -> None:
        self.index, self.home, self.places = index, home, degrees(places)
        self.answers, self.wrong = 0, list[str]()
        self.asked = threading.Event()

    def read(self, stop: threading.Event) -> None:
        while not stop.is_set():
            position, number = self.index.containing(*self.places)
            # The fence is at either place, never at both nor at none; the one beside it never moves.
            mine = position[number == self.home]
            if len(mine) != 1:
                self.wrong.append(f"{len(mine)} places")
            if np.count_nonzero(number == 0) != 1:
                self.wrong.append("the other one was not seen")
            if np.count_nonzero(self.index.signed_distance(*self.places, np.full(3, self.home)) > 0) != 1:
                self.wrong.append("named: not at one place")
            self.answers += 1
            self.asked.set()


@contextmanager
def reading(*readers: Reader) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=reader.read, args=(stop,), name=f"reader {row}") for row, reader in enumerate(readers)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=30)


@pytest.mark.parametrize("size_m", [2.0, 300.0])
def test_who_reads_during_changes_and_compactions_sees_a_fence_before_or_after_never_between(size_m: float) -> None:
    places = np.array([[0.0, 0.0], [5000.0, 0.0], [0.0, 9000.0]])
    # A hole is in the middle of the large ones.
    seen = places + np.array([0.0, size_m / 2])
    here, there = outline(0, 0, size_m), outline(5000, 0, size_m)
    filler = [outline(x, -5000, 3.0) for x in range(300)]
    index = FenceIndex.build(Outlines.of([outline(0, 9000, size_m), here, *filler]))
    readers = [Reader(index, 1, seen), Reader(index, 1, seen)]
    with reading(*readers):
        compactor = threading.Thread(target=lambda: [index.compact() for _ in range(3)])
        compactor.start()
        turns = 0
        while turns < MOST_TURNS:
            index.change(1, there if turns % 2 == 0 else here)
            if turns % 3 == 0:
                index.add(outline(turns % 977, -7000, 3.0))
            turns += 1
            for reader in readers:
                reader.asked.wait(timeout=0.01)
                reader.asked.clear()
        compactor.join(timeout=30)
    assert [reader.wrong for reader in readers] == [[], []]
    assert min(reader.answers for reader in readers) > 10
    position, number = index.containing(*degrees(seen))
    assert position[number == 1].tolist() == [turns % 2]


def test_what_changes_while_an_index_is_compacted_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    index = FenceIndex.build(Outlines.of([outline(100.0 * x, 0, 5) for x in range(10)]))
    early = index.add(outline(0, 100, 5))
    index.change(3, outline(0, 200, 5))
    index.remove(4)
    built = FenceIndex.__init__.__globals__["Grid"].of

    def meanwhile(fences: object) -> object:
        monkeypatch.undo()
        index.remove(5)
        index.remove(early)
        index.change(6, outline(0, 300, 5))
        index.change(3, outline(0, 400, 5))
        index.add(outline(0, 500, 5))
        return built(fences)

    monkeypatch.setattr("geofence.index.Grid.of", meanwhile)
    index.compact()
    places = np.array([[100.0 * x, 0.0] for x in range(10)] + [[0.0, 100.0 * y] for y in range(1, 6)])
    position, number = index.containing(*degrees(places))
    left = {0: 0, 1: 1, 2: 2, 7: 7, 8: 8, 9: 9, 12: 6, 13: 3, 14: early + 1}
    assert dict(zip(position.tolist(), number.tolist(), strict=True)) == left
    index.compact()
    position, number = index.containing(*degrees(places))
    assert dict(zip(position.tolist(), number.tolist(), strict=True)) == left
