"""Where a radar hangs and looks, and where a line belongs, from somebody who stands or walks where they are asked to.

All in the metres of one floor, positions (..., 2) to the right and ahead; a sensor's own are to its right and ahead of it. A pose is the
rigid motion that carries what was seen onto where somebody stood, with the least squared distances (Kabsch, Acta Cryst. A32, 1976): a turn
and a shift, no stretching. It assumes that places on the plan are right to a step: a radar measures the way to a chest 1.2 m above the
floor, so from 2 m up what is nearer than 2 m seems up to 0.2 m further away.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from geofence.frames import turned

Float64 = NDArray[np.float64]
Complex128 = NDArray[np.complex128]
Int64 = NDArray[np.int64]

FRAMES = 8
"""So many frames of somebody are a place; fewer may be a ghost."""
STILL_M = 0.35
"""Nine frames of ten of somebody who stands are so near to their median: targets jump by some 0.15 m (HLK-LD2450), and people sway."""
FITS_M = 0.5
"""Who stood further from where they should be did not stand there, or it was somebody else."""
KEPT_M = 0.3
"""So well a turn alone fits, and the radar stays where it is drawn: a shift too would follow the noise of two or three places."""
MIRRORED_SHARE = 0.5
"""A mirror image must fit so much better before anybody is told that a radar hangs upside down."""
_APART_M = 1.0
"""Places nearer together than this say little of a turn."""
_SHARE = 0.2
"""Of frames, that may be without the one who stands, or with somebody more."""
_STRAIGHT_M, _WALKED_M = 0.35, 1.0
_CANDIDATES = 16
_BESIDE_M, _LEAST_M, _FAR_M = 0.5, 0.75, 4.0
"""A line goes so far beyond a window to either side; from its middle at least so far; and is about a window within so much of it."""


class Stand(StrEnum):
    """What a radar saw while somebody was asked to stand still."""

    STILL = "still"
    MOVING = "moving"
    SEVERAL = "several"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Pose that fits best.

    Attributes
    ----------
    place_m : (2,) float64
        Where the radar hangs.
    heading_deg : float
        Where it looks, clockwise from ahead, from 0 to below 360.
    worst_m : float
        Of the places, how far the worst is from where it was seen.
    moved_m : float
        How far from where it was drawn.
    is_mirrored : bool
        Right is left: it hangs upside down, and no pose is right before it is turned over.
    """

    place_m: Float64
    heading_deg: float
    worst_m: float
    moved_m: float
    is_mirrored: bool = False

    @property
    def fits(self) -> bool:
        """Whether somebody stood where they were asked to."""
        return self.worst_m <= FITS_M and not self.is_mirrored


def stood(people: Int64, place_m: Float64) -> tuple[Stand, Float64]:
    """Whether somebody stood still alone, and where.

    Parameters
    ----------
    people : (F,) int64
        How many were seen in each frame.
    place_m : (F, 2) float64
        Where, of frames with one; NaN of all others.

    Returns
    -------
    stand, (2,) float64
        The median; NaN where nobody stood still alone.
    """
    nowhere = np.full(2, np.nan)
    if (people > 1).sum() > _SHARE * len(people):
        return Stand.SEVERAL, nowhere
    alone = place_m[people == 1]
    if len(alone) < max(FRAMES, (1.0 - 2.0 * _SHARE) * len(people)):
        return Stand.NOBODY, nowhere
    middle = np.median(alone, axis=0)
    early, late = (np.median(half, axis=0) for half in np.array_split(alone, 2))
    if _spread_m(alone) > STILL_M or np.hypot(*(late - early)) > STILL_M / 2.0:
        return Stand.MOVING, nowhere
    return Stand.STILL, middle


def fitted(seen_m: Float64, known_m: Float64, hung_m: Float64) -> Fit:
    """Pose of a radar of which it is known what it saw while somebody stood at known places.

    One place, or places close together, decide its turn alone. So do more where that fits. Three that lie on no line show whether it is
    upside down; two cannot.

    Parameters
    ----------
    seen_m : (N, 2) float64
        In the sensor's frame, N at least 1.
    known_m : (N, 2) float64
        On the floor.
    hung_m : (2,) float64
        Where it is drawn.
    """
    seen, known, hung = (_complex(each) for each in (seen_m, known_m, hung_m))
    turn = _turn(seen, known - hung)
    kept = _fit(seen, known, hung, hung, turn)
    if len(seen) < 2 or np.abs(known - known.mean()).max() < _APART_M / 2.0 or kept.worst_m <= KEPT_M:  # noqa: PLR2004
        return kept
    free = _free(seen, known, hung)
    if len(seen) > 2 and not free.fits:  # noqa: PLR2004
        mirrored = _free(-seen.conj(), known, hung, is_mirrored=True)
        if mirrored.worst_m < min(FITS_M, MIRRORED_SHARE * free.worst_m):
            return mirrored
    return free


def line_at(place_m: Float64, openings_m: Float64, walls_m: Float64, radar_m: Float64) -> Float64:
    """Line through a place where somebody stood: along the window or the door it is about, else along the nearest wall.

    Without either it lies across the radar's view.

    Parameters
    ----------
    place_m : (2,) float64
    openings_m, walls_m : (K, 2, 2) float64
        From end to end.
    radar_m : (2,) float64

    Returns
    -------
    (2, 2) float64
        What it protects is to its left.
    """
    place, among = _complex(place_m), _nearest(place_m, openings_m, _FAR_M)
    is_opening = among is not None
    among = among if among is not None else _nearest(place_m, walls_m, np.inf)
    if among is None:
        away = _complex(radar_m) - place
        aside = away * 1j / abs(away) if abs(away) > 0.0 else 1.0
        return _towards(place + aside * np.array([-1.0, 1.0]), _complex(radar_m))
    begin, end = _complex(among)
    along = (end - begin) / abs(end - begin)
    # Across the window's own middle, not where somebody happened to stand along it.
    shift = ((0.5 * (begin + end) - place) * along.conjugate()).real if is_opening else 0.0
    half_m = max(_LEAST_M, abs(end - begin) / 2.0 + _BESIDE_M) if is_opening else 1.0
    foot = begin + along * np.clip(((place - begin) * along.conjugate()).real, 0.0, abs(end - begin))
    return _towards(place + along * np.array([shift - half_m, shift + half_m]), foot)


def line_along(track_m: Float64, openings_m: Float64, walls_m: Float64, radar_m: Float64) -> Float64 | None:
    """Line through where somebody walked: total least squares of the frames that lie near the straightest line.

    Parameters
    ----------
    track_m : (N, 2) float64
    openings_m, walls_m : (K, 2, 2) float64
        From end to end.
    radar_m : (2,) float64

    Returns
    -------
    (2, 2) float64 or None
        What it protects, the nearest window or door, else the nearest wall, else the radar, is to its left. None where the way was shorter
        than a metre, or not straight.
    """
    if len(track_m) < FRAMES:
        return None
    is_near = _straightest(track_m) <= _STRAIGHT_M
    if is_near.mean() < 1.0 - _SHARE:
        return None
    track = track_m[is_near]
    middle = track.mean(axis=0)
    along = np.linalg.svd(track - middle, full_matrices=False)[2][0]
    low, high = np.quantile((track - middle) @ along, [0.05, 0.95])
    if high - low < _WALKED_M:
        return None
    path = middle + np.outer([low, high], along)
    found = _nearest(path.mean(axis=0), openings_m, _FAR_M)
    found = found if found is not None else _nearest(path.mean(axis=0), walls_m, np.inf)
    return _towards(_complex(path), _complex(found).mean() if found is not None else _complex(radar_m))


def _straightest(track_m: Float64) -> Float64:
    """Metres (N,) from the line through two places of a track that has most of it nearest: ghosts do not bend it."""
    some = track_m[np.linspace(0, len(track_m) - 1, min(len(track_m), _CANDIDATES)).astype(np.int64)]
    one, other = np.triu_indices(len(some), k=1)
    along = some[other] - some[one]
    length_m = np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    away = track_m[None] - some[one][:, None]
    across_m = np.abs(away[..., 0] * along[:, None, 1] - away[..., 1] * along[:, None, 0]) / length_m
    best: Float64 = across_m[np.argmin(np.quantile(across_m, 1.0 - _SHARE, axis=1))]
    return best


def _spread_m(place_m: Float64) -> float:
    return float(np.quantile(np.hypot(*(place_m - np.median(place_m, axis=0)).T), 0.9))


def _complex(place_m: Float64) -> Complex128:
    """Places (..., 2) as complex numbers (...): a turn is a factor."""
    number: Complex128 = place_m[..., 0] + 1j * place_m[..., 1]
    return number


def _real(place: Complex128) -> Float64:
    return np.stack((place.real, place.imag), axis=-1)


def _turn(seen: Complex128, known: Complex128) -> float:
    """Degrees clockwise that carry one onto the other about the origin."""
    return float(-np.degrees(np.angle((seen.conj() * known).sum())))


def _free(seen: Complex128, known: Complex128, hung: Complex128, *, is_mirrored: bool = False) -> Fit:
    turn = _turn(seen - seen.mean(), known - known.mean())
    place = known.mean() - _complex(turned(turn, seen.mean().real, seen.mean().imag))
    return _fit(seen, known, hung, place, turn, is_mirrored=is_mirrored)


def _fit(seen: Complex128, known: Complex128, hung: Complex128, place: Complex128, turn_deg: float, *, is_mirrored: bool = False) -> Fit:
    missed_m = np.abs(place + _complex(turned(turn_deg, seen.real, seen.imag)) - known)
    return Fit(
        place_m=_real(place),
        heading_deg=turn_deg % 360.0 % 360.0,  # a hair below 0 is 360 after the first
        worst_m=float(missed_m.max()),
        moved_m=float(abs(place - hung)),
        is_mirrored=is_mirrored,
    )


def _nearest(place_m: Float64, segments_m: Float64, within_m: float) -> Float64 | None:
    """The segment (2, 2) that is nearest to a place; None where none is within so much of it."""
    if not len(segments_m):
        return None
    begin, along = segments_m[:, 0], segments_m[:, 1] - segments_m[:, 0]
    squared = np.maximum((along * along).sum(axis=1), 1e-12)
    share = np.clip(((place_m - begin) * along).sum(axis=1) / squared, 0.0, 1.0)
    away_m = np.hypot(*(place_m - begin - share[:, None] * along).T)
    nearest = int(np.argmin(away_m))
    return segments_m[nearest] if away_m[nearest] <= within_m and squared[nearest] > 1e-6 else None  # noqa: PLR2004


def _towards(path: Complex128, protected: Complex128) -> Float64:
    """A line in the direction that has a place to its left."""
    begin, end = path
    left = ((end - begin).conjugate() * (protected - begin)).imag >= 0.0
    return _real(path if left else path[::-1])
