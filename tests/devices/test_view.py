import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.view import MOST_M_PER_PX, View, ViewError, homography

FOCAL_PX, CENTRE = 900.0, (640.0, 360.0)
YARD = np.array([[-3.0, 4.0], [3.0, 4.0], [-3.0, 9.0], [3.0, 9.0], [0.0, 6.0], [-1.0, 12.0]])


def picture(ground: np.ndarray, *, height_m: float = 2.6, down_deg: float = 20.0) -> np.ndarray:
    """Pixels (N, 2) of points of the ground in a pinhole camera without distortion that looks ahead and down."""
    down = np.radians(down_deg)
    x, y = np.asarray(ground, np.float64).T
    depth = y * np.cos(down) + height_m * np.sin(down)
    below = height_m * np.cos(down) - y * np.sin(down)
    return np.stack((CENTRE[0] + FOCAL_PX * x / depth, CENTRE[1] + FOCAL_PX * below / depth), axis=1)


def view(points: np.ndarray = YARD, **camera: float) -> View:
    return View(width_px=1280, height_px=720, homography=homography(picture(points, **camera), points))


@pytest.mark.parametrize("count", [4, 5, 6])
def test_points_that_were_measured_and_others_are_where_a_camera_sees_them(count: int) -> None:
    seen = view(YARD[:count])
    for x, y in [*YARD, (1.5, 5.5), (-2.0, 3.0)]:
        place = seen.ground(*picture(np.array([[x, y]]))[0].tolist())
        assert place is not None
        assert place[:2] == pytest.approx((x, y), abs=1e-9)


@settings(deadline=None, max_examples=200)
@given(
    st.floats(1.5, 8.0),
    st.floats(5.0, 60.0),
    st.lists(st.tuples(st.floats(-8, 8), st.floats(1.0, 15.0)), min_size=4, max_size=10),
    st.tuples(st.floats(-6, 6), st.floats(2, 12)),
)
def test_whatever_the_camera_and_the_points_a_fifth_one_is_found_or_the_points_are_refused(
    height_m: float, down_deg: float, points: list[tuple[float, float]], other: tuple[float, float]
) -> None:
    ground = np.array(points)
    try:
        seen = view(ground, height_m=height_m, down_deg=down_deg)
    except ViewError as error:
        assert str(error).startswith(("lie on a line", "are all the same point"))  # noqa: PT017  most lists of points are no such
        return
    place = seen.ground(*picture(np.array([other]), height_m=height_m, down_deg=down_deg)[0].tolist())
    assert place is None or place[:2] == pytest.approx(other, abs=1e-3)


def test_a_tape_that_errs_by_a_hand_moves_nobody_by_a_stride() -> None:
    rng = np.random.default_rng(7)
    pixels = picture(YARD) + rng.normal(0, 2, YARD.shape)
    seen = View(width_px=1280, height_px=720, homography=homography(pixels, YARD + rng.normal(0, 0.05, YARD.shape)))
    for x, y in ((0.0, 5.0), (2.0, 8.0), (-2.0, 7.0)):
        place = seen.ground(*picture(np.array([[x, y]]))[0].tolist())
        assert place is not None
        assert np.hypot(place[0] - x, place[1] - y) < 0.35


def test_above_the_horizon_and_near_it_there_is_no_place() -> None:
    seen = view()
    horizon_v = CENTRE[1] - FOCAL_PX * np.tan(np.radians(20.0))
    for v in (0.0, horizon_v - 1, horizon_v, horizon_v + 5):
        assert seen.ground(640.0, v) is None
    assert seen.ground(640.0, 700.0) is not None


def test_where_a_pixel_is_more_than_a_hand_nobody_is_placed() -> None:
    seen = view()
    for distance_m in (5.0, 10.0, 20.0, 25.0, 30.0, 60.0):
        u, v = picture(np.array([[0.0, distance_m]]))[0].tolist()
        step = seen.ground(u, v - 1), seen.ground(u, v + 1)
        if seen.ground(u, v) is not None and None not in step:
            (_, far, _), (_, near, _) = step  # type: ignore[misc]
            assert (far - near) / 2 <= MOST_M_PER_PX * 1.1
            assert (far - near) / 2 == pytest.approx(seen.ground(u, v)[2], rel=0.1)  # type: ignore[index]
    assert seen.ground(*picture(np.array([[0.0, 12.0]]))[0].tolist()) is not None
    assert seen.ground(*picture(np.array([[0.0, 60.0]]))[0].tolist()) is None


@pytest.mark.parametrize(
    ("pixels", "ground", "words", "point"),
    [
        (picture(YARD)[:3], YARD[:3], "holds 3 points, wanted at least 4", None),
        (picture(YARD)[[0, 1, 2, 2]], YARD[[0, 1, 2, 2]], "lie on a line, or nearly", None),
        (picture(YARD)[[0, 0, 0, 0]], YARD[[0, 0, 0, 0]], "are all the same point", None),
        ([[0, 0], [100, 100], [200, 200], [0, 300]], [[0, 0], [1, 1], [2, 2], [0, 3]], "lie on a line, or nearly", None),
        (picture(YARD)[:4], [[-3, 9], [3, 9], [-3, 4], [3, 4]], "mirror the picture", None),
        (picture(YARD)[:4], YARD[:4] * [-1, 1], "mirror the picture: is x measured to the left", None),
        (picture(YARD)[:4], YARD[[1, 0, 2, 3]], "lie on both sides of a horizon", None),
        (picture(YARD), np.array([*YARD[:4], [0.0, 9.0], YARD[5]]), "lies ", 4),
    ],
)
def test_points_that_determine_no_view_are_refused_with_a_reason(
    pixels: np.ndarray, ground: np.ndarray, words: str, point: int | None
) -> None:
    with pytest.raises(ViewError) as refused:
        homography(np.asarray(pixels, np.float64), np.asarray(ground, np.float64))
    assert str(refused.value).startswith(words)
    assert refused.value.point == point


@given(st.floats(), st.floats())
def test_no_pixel_raises(u: float, v: float) -> None:
    place = view().ground(u, v)
    assert place is None or np.isfinite(place).all()
