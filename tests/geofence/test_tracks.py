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


def test_who_has_a_name_is_followed_by_it_and_known_the_better_the_longer_they_stand() -> None:
    tracker = Tracker()
    steps = [tracker.name(second * 1000 * MS, 7, (0.3 * (-1) ** second, 3.0), 0.5) for second in range(10)]
    assert [step.number for step in steps if step] == [0] * 10
    assert all(step.is_somebody for step in steps if step)
    assert steps[0] is not None
    assert steps[9] is not None
    assert steps[9].sigma_m < 0.6 * steps[0].sigma_m
    assert tracker.name(9_000 * MS, 7, (0.0, 9.0), 0.5) is None
    other = tracker.name(9_500 * MS, 8, (0.0, 3.0), 0.5)
    assert other is not None
    assert other.number == 1
    again = tracker.name((9_000 + 80_000) * MS, 7, (0.0, 3.0), 0.5)
    assert again is not None
    assert (again.number, again.frames) == (2, 1)


def test_of_more_people_than_a_yard_holds_the_longest_unseen_are_forgotten() -> None:
    tracker = Tracker()
    for name in range(1, 251):
        tracker.name(name * 100 * MS, name, (0.0, 3.0), 0.5)
    assert [track.name for track in tracker.tracks] == list(range(151, 251))


def test_a_frame_that_is_not_newer_is_not_looked_at() -> None:
    tracker = Tracker()
    assert numbers(feed(tracker, [[(0.0, 3.0)]] * 3, every_ms=0)) == [[0], [], []]
