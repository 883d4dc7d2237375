"""On which side of a line through two points a third lies, exactly.

Floating point with a bound on its error decides nearly always; what is too near to the line is summed without error (Shewchuk 1997,
Adaptive precision floating-point arithmetic and fast robust geometric predicates, doi:10.1007/PL00009321). Exact unless a product of two
coordinates underflows: coordinates below 1e-130 but not 0.
"""

import math

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

ERROR = 4.0 * float(np.finfo(np.float64).eps) / 2.0
"""Bound on the error of a determinant, as a share of the sum of its two products' magnitudes (Shewchuk's ccwerrboundA, rounded up)."""
_SPLITTER = 134217729.0  # 2**27 + 1, Dekker 1971


def signs(a: NDArray[np.complex128], b: NDArray[np.complex128], p: NDArray[np.complex128]) -> Float64:
    """1 where p lies to the left of the line from a to b, -1 to its right, 0 on it; (N,) each, x + iy."""
    ax, ax_tail = _difference(a.real, p.real)
    by, by_tail = _difference(b.imag, p.imag)
    ay, ay_tail = _difference(a.imag, p.imag)
    bx, bx_tail = _difference(b.real, p.real)
    terms = [part for one in (ax, ax_tail) for other in (by, by_tail) for part in _product(one, other)]
    terms += [-part for one in (ay, ay_tail) for other in (bx, bx_tail) for part in _product(one, other)]
    return np.sign([math.fsum(row) for row in np.stack(terms, axis=-1).tolist()])


def _difference(a: Float64, b: Float64) -> tuple[Float64, Float64]:
    """Rounded difference and what was rounded off (Knuth's two-sum)."""
    rounded = a - b
    virtual = a - rounded
    return rounded, (a - (rounded + virtual)) + (virtual - b)


def _product(a: Float64, b: Float64) -> tuple[Float64, Float64]:
    """Rounded product and what was rounded off (Dekker's two-product)."""
    rounded = a * b
    a_high, b_high = _high(a), _high(b)
    a_low, b_low = a - a_high, b - b_high
    return rounded, a_low * b_low - (((rounded - a_high * b_high) - a_low * b_high) - a_high * b_low)


def _high(a: Float64) -> Float64:
    scaled = _SPLITTER * a
    high: Float64 = scaled - (scaled - a)
    return high
