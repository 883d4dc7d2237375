"""On which side of a line a point is, exactly."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geofence import orientation

Point = tuple[float, float]
COORDINATE = st.one_of(st.integers(-9, 9).map(float), st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-100))
POINT = st.tuples(COORDINATE, COORDINATE)


def exactly(a: Point, b: Point, p: Point) -> int:
    (ax, ay), (bx, by), (px, py) = (tuple(Fraction(value) for value in point) for point in (a, b, p))
    determinant = (ax - px) * (by - py) - (ay - py) * (bx - px)
    return (determinant > 0) - (determinant < 0)


def sign(a: Point, b: Point, p: Point) -> int:
    return int(orientation.signs(*(np.array([complex(*point)]) for point in (a, b, p)))[0])


@given(a=POINT, b=POINT, p=POINT)
def test_the_sign_is_that_of_exact_arithmetic(a: Point, b: Point, p: Point) -> None:
    assert sign(a, b, p) == exactly(a, b, p)


@settings(max_examples=300)
@given(a=POINT, b=POINT, share=st.floats(0, 1), steps=st.tuples(st.integers(-2, 2), st.integers(-2, 2)))
def test_the_sign_is_exact_a_rounding_error_from_the_line(a: Point, b: Point, share: float, steps: tuple[int, int]) -> None:
    x, y = (start + share * (end - start) for start, end in zip(a, b, strict=True))
    x, y = x + steps[0] * beside(x), y + steps[1] * beside(y)
    assert sign(a, b, (x, y)) == exactly(a, b, (x, y))


def beside(x: float) -> float:
    """A rounding error, but none that underflows when multiplied."""
    return max(float(np.spacing(abs(x))), 1e-90)


@given(a=POINT, b=POINT)
def test_an_end_is_on_the_line(a: Point, b: Point) -> None:
    assert sign(a, b, a) == sign(a, b, b) == 0


@settings(max_examples=300)
@given(a=POINT, b=POINT, p=POINT)
def test_what_is_beyond_the_error_bound_has_the_sign_of_the_rounded_determinant(a: Point, b: Point, p: Point) -> None:
    left, right = (a[0] - p[0]) * (b[1] - p[1]), (a[1] - p[1]) * (b[0] - p[0])
    if abs(left - right) > orientation.ERROR * (abs(left) + abs(right)):
        assert np.sign(left - right) == exactly(a, b, p)
