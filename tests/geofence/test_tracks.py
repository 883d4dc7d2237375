"""Who is who between frames."""

from collections.abc import Sequence

from geofence.tracks import Step, Tracker

MS = 1_000_000


def feed(tracker: Tracker, frames: Sequence[Sequence[tuple[float, float]]], start_ms: int = 0, every_ms: int = 100) -> list[list[Step]]:
    return [tracker.step((start_ms + i * every_ms) * MS, [x for x, _ in seen], [y for _, y in seen]) for i, seen in enumerate(frames)]


def numbers(steps: Sequence[Sequence[Step]]) -> list[list[int]]:
    return [[step.number for step in frame] for frame in steps]


def test_people_keep_their_track_whatever_the_order_of_targets() -> None:
    assert numbers(feed(Tracker(), [[(0, 1), (0, 4)], [(0, 4.1), (0, 1.1)], [(0, 1.2), (0, 4.2)]])) == [[0, 1], [1, 0], [0, 1]]


def test_who_jumps_further_than_people_walk_is_somebody_else() -> None:
    assert numbers(feed(Tracker(), [[(0, 1)], [(0, 3)]])) == [[0], [1]]


def test_a_loss_of_less_than_ten_seconds_goes_on_as_the_same_and_a_longer_one_does_not() -> None:
    seen = [[(0.0, 3.0)]] * 10
    for loss_ms, number in ((2_000, 0), (9_000, 0), (10_500, 1)):
        tracker = Tracker()
        feed(tracker, seen)
        assert numbers(feed(tracker, [[(0.0, 2.5)]], start_ms=900 + loss_ms)) == [[number]]


def test_after_a_loss_of_more_than_three_seconds_the_path_begins_anew() -> None:
    tracker = Tracker()
    feed(tracker, [[(0.0, 3.0)]] * 10)
    ((step,),) = feed(tracker, [[(0.0, 1.0)]], start_ms=5_000)
    assert (step.before, step.after, step.elapsed_s) == ((0.0, 1.0), (0.0, 1.0), 0.0)


def test_a_ghost_beside_somebody_takes_nothing_from_them() -> None:
    tracker = Tracker()
    feed(tracker, [[(0.0, 3.0)]] * 10)
    assert numbers(feed(tracker, [[(0.3, 3.0), (0.05, 3.0)], [(0.25, 3.0)], [(0.1, 3.0)]], start_ms=1000)) == [[1, 0], [0], [0]]


def test_a_ghost_is_nobody_and_is_forgotten() -> None:
    tracker = Tracker()
    steps = feed(tracker, [[(0.0, 3.0)]] * 3 + [[]] * 4)
    assert not any(step.is_somebody for frame in steps for step in frame)
    assert tracker.tracks == []


def test_ghosts_near_to_where_somebody_was_lost_are_not_them() -> None:
    tracker = Tracker()
    feed(tracker, [[(0.0, 3.0)]] * 10)
    for burst_s in (5, 10, 15, 20):
        feed(tracker, [[(1.0, 3.5)]] * 3 + [[]], start_ms=burst_s * 1000)
    ((somebody,),) = feed(tracker, [[(0.5, 4.0)]], start_ms=22_000)
    assert somebody.number != 0
    assert not somebody.is_somebody


def test_two_ghosts_soon_after_one_another_are_not_one_person() -> None:
    steps = feed(Tracker(), [*[[(0.2, 4.4)]] * 3, [], [], *[[(-0.9, 3.7)]] * 3])
    assert not any(step.is_somebody for frame in steps for step in frame)


def test_a_frame_that_is_not_newer_is_not_looked_at() -> None:
    tracker = Tracker()
    assert numbers(feed(tracker, [[(0.0, 3.0)]] * 3, every_ms=0)) == [[0], [], []]
