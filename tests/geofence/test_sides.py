"""On which side somebody is, fix by fix."""

from geofence.sides import Change, begin

S = 1_000_000_000


def changes(distances_m: list[float], accuracy_m: float = 5.0, every_s: int = 1, depth_m: float = 100.0) -> list[tuple[int, Change]]:
    side = begin(0, distances_m[0], accuracy_m)
    assert side is not None
    found = [(i * every_s, side.step(i * every_s * S, d, accuracy_m, depth_m)) for i, d in enumerate(distances_m[1:], 1)]
    return [(second, change) for second, change in found if change is not None]


def test_a_change_is_known_when_it_is_certain_and_dated_when_it_began() -> None:
    ((second, change),) = changes([*range(20, -40, -1)])
    assert not change.inside
    assert change.time_ns == 21 * S
    assert 26 <= second <= 36
    assert change.distance_m >= 5.0
    assert change.certainty > 0.95


def test_somebody_a_little_outside_is_found_out_in_the_end() -> None:
    ((second, _),) = changes([5.0, *([-6.0] * 600)], accuracy_m=8.0)
    assert 60 < second < 300


def test_the_worse_the_accuracy_the_more_is_asked() -> None:
    seconds = [changes([*range(20, -150, -1)], accuracy_m=accuracy_m)[0][0] for accuracy_m in (3.0, 10.0, 30.0)]
    assert seconds == sorted(seconds)
    assert changes([*range(20, -80, -1)], accuracy_m=90.0) == []


def test_back_and_forth_across_the_border_within_the_errors_is_no_change() -> None:
    assert changes([4.0, -4.0, 3.0, -3.0, -4.0, 4.0] * 100) == []


def test_a_ride_in_a_car_is_a_change_too() -> None:
    ((second, change),) = changes([100.0 - 14.0 * i for i in range(40)])
    assert change.time_ns in (8 * S, 9 * S)
    assert second <= 20
