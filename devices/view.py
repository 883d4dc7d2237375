"""What a camera's picture shows of the ground: from pixels to metres, by a plane homography.

Source: the direct linear transformation with normalised points, Hartley and Zisserman, Multiple View Geometry, 2nd edition, 4.1 and 4.4.
Assumptions: the ground is flat where people walk, and the lens is straight enough: a wide one bends the edges of its picture by metres. It
fails for whoever's feet are hidden, because the lower edge of what is seen of them is then taken for their feet.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]

LEAST_POINTS = 4
MOST_M_PER_PX = 0.25
"""Where one pixel is more than this nobody is placed: the lower edge of a box trembles by a few, which is a stride."""
_RANK = 1e-3
"""Smallest singular value of a system that determines a homography, as a share of the largest. That of a camera over a door or a yard is
about a tenth; that of four points of which three lie on a line is 0."""
LEAST_MISS_M, MISS_SHARE = 0.3, 0.05
"""How far a point may lie from where the others put it: a step of the tape, or a share of how far apart the points are."""


class ViewError(ValueError):
    """Points determine no view. `point` is which of them, from 0, where it is one."""

    def __init__(self, what: str, point: int | None = None) -> None:
        super().__init__(what)
        self.point = point


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A camera's picture of the ground.

    Attributes
    ----------
    width_px, height_px : int
        Of the picture in which things are detected.
    homography : 3 rows of 3
        Pixels (u right, v down, 1) to metres in the camera's frame (x right, y ahead), times a depth that is above 0 on the ground.
    """

    width_px: int
    height_px: int
    homography: Matrix

    def ground(self, u_px: float, v_px: float) -> tuple[float, float, float] | None:
        """Metres to the right and ahead of a pixel of the ground, and how many metres a pixel is there in the direction where it is most.

        None above the horizon, and where a pixel is too much of the ground.
        """
        (a, b, c), (d, e, f), (g, h, i) = self.homography
        depth = g * u_px + h * v_px + i
        if depth <= 0.0:
            return None
        x, y = (a * u_px + b * v_px + c) / depth, (d * u_px + e * v_px + f) / depth
        x_u, x_v, y_u, y_v = (a - x * g) / depth, (b - x * h) / depth, (d - y * g) / depth, (e - y * h) / depth
        squares, determinant = x_u * x_u + x_v * x_v + y_u * y_u + y_v * y_v, x_u * y_v - x_v * y_u
        longest = math.sqrt((squares + math.sqrt(max(0.0, squares * squares - 4.0 * determinant * determinant))) / 2.0)
        return (x, y, longest) if longest <= MOST_M_PER_PX else None


def homography(pixels: Float64, ground: Float64) -> Matrix:
    """The homography that takes points of a picture to points of the ground.

    Parameters
    ----------
    pixels : (N, 2) float64
        u to the right, v down; N at least 4.
    ground : (N, 2) float64
        The same points in metres, x to the right and y ahead.

    Raises
    ------
    ViewError
        Fewer than four points, three of four on a line, points on both sides of the horizon, a mirrored picture, or a point that lies
        elsewhere than the others say.
    """
    if len(pixels) < LEAST_POINTS:
        raise ViewError(f"holds {len(pixels)} points, wanted at least {LEAST_POINTS}")
    from_pixels, to_ground = _normalising(pixels), _normalising(ground)
    (u, v), (x, y) = _moved(from_pixels, pixels).T, _moved(to_ground, ground).T
    zero, one = np.zeros_like(u), np.ones_like(u)
    rows_x = np.stack((u, v, one, zero, zero, zero, -x * u, -x * v, -x), axis=1)
    rows_y = np.stack((zero, zero, zero, u, v, one, -y * u, -y * v, -y), axis=1)
    _, singular, vectors = np.linalg.svd(np.concatenate((rows_x, rows_y)))
    if singular[7] <= _RANK * singular[0]:
        raise ViewError("lie on a line, or nearly: wanted four of which no three do")
    found = np.linalg.inv(to_ground) @ vectors[-1].reshape(3, 3) @ from_pixels
    depth = np.column_stack((pixels, np.ones(len(pixels)))) @ found[2]
    if depth[0] < 0.0:
        found, depth = -found, -depth
    if not (depth > 0.0).all():
        raise ViewError("lie on both sides of a horizon: are two of them in another order than their pixels?")
    if np.linalg.det(found) > 0.0:
        raise ViewError(
            "mirror the picture: is x measured to the left, or y towards the camera, or are two of them in another order than their pixels?"
        )
    _check_fit(_moved(found, pixels), ground)
    rows = (found / np.abs(found).max()).tolist()
    return (tuple(rows[0]), tuple(rows[1]), tuple(rows[2]))


def _check_fit(placed: Float64, ground: Float64) -> None:
    miss_m = np.hypot(*(placed - ground).T)
    worst = int(miss_m.argmax())
    wide_m = float(np.hypot(*np.ptp(ground, axis=0)))
    most_m = max(LEAST_MISS_M, MISS_SHARE * wide_m)
    if miss_m[worst] > most_m:
        raise ViewError(f"lies {miss_m[worst]:.2g} m from where the others put it, wanted at most {most_m:.2g} m", worst)


def _normalising(points: Float64) -> Float64:
    """(3, 3): moves points around 0, at a mean distance of √2."""
    centre = points.mean(axis=0)
    spread = float(np.hypot(*(points - centre).T).mean())
    if spread == 0.0:
        raise ViewError("are all the same point: wanted four of which no three lie on a line")
    scale = math.sqrt(2.0) / spread
    return np.array([[scale, 0.0, -scale * centre[0]], [0.0, scale, -scale * centre[1]], [0.0, 0.0, 1.0]])


def _moved(matrix: Float64, points: Float64) -> Float64:
    """(N, 2) points (N, 2) moved by a homography."""
    moved = np.column_stack((points, np.ones(len(points)))) @ matrix.T
    placed: Float64 = moved[:, :2] / moved[:, 2:]
    return placed
