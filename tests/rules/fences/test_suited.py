"""Which sources are good enough for a fence."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from devices.model import CommunityId, Device, DeviceId, DeviceKind, HomeId, PersonId, Pose
from geofence.frames import Frame
from rules.fences.suited import Lack, smallest_width_m, suited
from rules.premises import Fence, FenceId, FenceKind, HomePlace

FRAME = Frame.at(119.95, 31.78)
ANN, BOB = PersonId("ann"), PersonId("bob")
HOME = HomeId("a-1")


def degrees(*places: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    return FRAME.wgs84(places).ring()


def area(width_m: float, *residents: PersonId) -> Fence:
    half = width_m / 2
    ring = degrees((-half, -half), (half, -half), (half, half), (-half, half), (-half, -half))
    return Fence(community_id=CommunityId("elm"), id=FenceId("park"), kind=FenceKind.AREA, residents=frozenset(residents), rings=((ring,),))


def line(*places: tuple[float, float], floor: int | None = None) -> Fence:
    return Fence(community_id=CommunityId("elm"), id=FenceId("wall"), kind=FenceKind.LINE, home=HOME, path=degrees(*places), floor=floor)


def worn(kind: DeviceKind, wearer: PersonId) -> Device:
    return Device(community_id=CommunityId("elm"), id=DeviceId(f"{kind}-{wearer}"), kind=kind, wearer=wearer)


def seeing(x: float, y: float, heading_deg: float, kind: DeviceKind = DeviceKind.RADAR) -> Device:
    (place,) = degrees((x, y))
    pose = Pose(lon=place[0], lat=place[1], heading_deg=heading_deg)
    return Device(community_id=CommunityId("elm"), id=DeviceId("r-1"), kind=kind, home=HOME, pose=pose)


# The formula against what it stands for


def noticed(width_m: float, sigma_m: float, walks: int) -> float:
    """Share of walks at 1 m/s through a square that are noticed with a certainty of 0.999, by fixes averaged over 5 s.

    Errors as the benchmark's: 70 % of the variance lasts for 30 s, 30 % is white; outliers are taken as known.
    """
    rng, half = np.random.default_rng(2026), width_m / 2
    way = np.arange(-half - 60, half + 60)
    slow = np.empty((walks, 2, len(way)))
    slow[..., 0] = rng.normal(0, sigma_m * math.sqrt(0.7), (walks, 2))
    for second in range(1, len(way)):
        fresh = rng.normal(0, sigma_m * math.sqrt(0.7), (walks, 2))
        slow[..., second] = math.exp(-1 / 30) * slow[..., second - 1] + math.sqrt(1 - math.exp(-2 / 30)) * fresh
    place = slow + rng.normal(0, sigma_m * math.sqrt(0.3), slow.shape)
    place[:, 0] += way
    averaged = np.lib.stride_tricks.sliding_window_view(place, 5, axis=2).mean(axis=3)
    inside_m = half - np.abs(averaged).max(axis=1)
    return float(np.mean(inside_m.max(axis=1) > 3.0902 * sigma_m * math.sqrt(0.7 + 0.3 / 5)))


@pytest.mark.parametrize("accuracy_m", [5.0, 7.5])
def test_a_walk_through_the_smallest_area_is_noticed_nearly_always(accuracy_m: float) -> None:
    assert noticed(smallest_width_m(accuracy_m), accuracy_m / 1.5, 2000) > 0.93


@pytest.mark.parametrize("accuracy_m", [5.0, 7.5])
def test_through_one_of_three_quarters_of_that_it_is_missed_more_often_than_not(accuracy_m: float) -> None:
    assert noticed(0.75 * smallest_width_m(accuracy_m), accuracy_m / 1.5, 2000) < 0.75


def test_twelve_metres_at_five_metres_accuracy_miss_more_than_99_in_100() -> None:
    assert noticed(12.0, 5.0 / 1.5, 2000) < 0.01


# Areas


@pytest.mark.parametrize(("kind", "width_m"), [(DeviceKind.TRACKER, 26.4), (DeviceKind.WEARABLE, 39.6)])
def test_an_area_must_be_as_large_as_its_source_asks(kind: DeviceKind, width_m: float) -> None:
    small, large = (suited(area(width, ANN), [worn(kind, ANN)], None) for width in (width_m - 2, width_m + 2))
    assert (small.lack, large.lack) == (Lack.TOO_SMALL, None)
    assert small.smallest_m == pytest.approx(width_m, abs=0.1)
    assert small.width_m == pytest.approx(width_m - 2, rel=0.02)


def test_no_receiver_of_satellites_can_guard_a_window() -> None:
    assert suited(area(3, ANN), [worn(DeviceKind.TRACKER, ANN)], None).lack is Lack.TOO_SMALL


def test_of_several_devices_a_residents_best_counts_and_of_several_residents_the_worst() -> None:
    both = [worn(DeviceKind.TRACKER, ANN), worn(DeviceKind.WEARABLE, ANN)]
    assert suited(area(30, ANN), both, None).lack is None
    of_two = suited(area(30, ANN, BOB), [*both, worn(DeviceKind.WEARABLE, BOB)], None)
    assert (of_two.lack, of_two.kind, of_two.accuracy_m) == (Lack.TOO_SMALL, DeviceKind.WEARABLE, 7.5)


def test_an_area_of_nobody_or_of_nobody_with_a_position_cannot_work() -> None:
    assert suited(area(400), [], None).lack is Lack.NOBODY
    assert suited(area(400, ANN), [worn(DeviceKind.BUTTON, ANN), worn(DeviceKind.TRACKER, BOB)], None).lack is Lack.UNWATCHED


def test_a_device_of_a_home_is_its_only_residents() -> None:
    shared = Device(community_id=CommunityId("elm"), id=DeviceId("g-1"), kind=DeviceKind.TRACKER, home=HOME, sole_occupant=ANN)
    assert suited(area(400, ANN), [shared], None).lack is None


# Lines


@pytest.mark.parametrize(
    ("places", "hidden"),
    [
        pytest.param([(-2, 3), (2, 3)], 0.0, id="before it"),
        pytest.param([(-2, 6.5), (2, 6.5)], 1.0, id="out of reach"),
        pytest.param([(0, 2), (0, 10)], 0.5, id="half out of reach"),
        pytest.param([(0, 1), (4, 1)], 1 - math.tan(math.radians(60)) / 4, id="beside it"),
        pytest.param([(-2, -1), (2, -1)], 1.0, id="behind it"),
        pytest.param([(0.001, 5.999), (0, 1)], 0.0, id="to its very end"),
        pytest.param([(-2, 3), (2, 3), (2, 30)], 1 - (4 + math.sqrt(32) - 3) / 31, id="several segments"),
    ],
)
def test_a_radar_sees_six_metres_far_and_sixty_degrees_to_either_side(places: Sequence[tuple[float, float]], hidden: float) -> None:
    verdict = suited(line(*places), [seeing(0, 0, 0)], None)
    assert verdict.hidden == pytest.approx(hidden, abs=0.003)
    assert (verdict.lack is Lack.OUT_OF_SIGHT) is (hidden > 0)


def test_what_one_radar_does_not_see_another_may() -> None:
    assert suited(line((0, 2), (0, 10)), [seeing(0, 0, 0), seeing(0, 12, 180)], None).lack is None


def test_a_turned_radar_looks_where_it_points() -> None:
    assert suited(line((3, -1), (3, 1)), [seeing(0, 0, 90)], None).lack is None


def test_a_line_needs_a_radar_of_its_home() -> None:
    elsewhere = Device(community_id=CommunityId("elm"), id=DeviceId("r-9"), kind=DeviceKind.RADAR, home=HomeId("a-9"))
    assert suited(line((-2, 3), (2, 3)), [elsewhere], None).lack is Lack.UNWATCHED


def test_a_camera_is_believed_to_see_the_line() -> None:
    assert suited(line((-2, 13), (2, 13)), [seeing(0, 0, 0, DeviceKind.CAMERA)], None).lack is None


@pytest.mark.parametrize(("floor", "lack"), [(2, None), (3, Lack.OTHER_FLOOR), (None, None)])
def test_a_radar_sees_its_homes_floor_only(floor: int | None, lack: Lack | None) -> None:
    verdict = suited(line((-2, 3), (2, 3), floor=floor), [seeing(0, 0, 0)], HomePlace(id=HOME, floor=2))
    assert verdict.lack is lack
    assert suited(line((-2, 3), (2, 3), floor=floor), [seeing(0, 0, 0)], HomePlace(id=HOME)).lack is None
