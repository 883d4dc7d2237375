"""What the app proposes from where people stand and walk: the pose of a radar, a line, and that a radar is turned. Nothing is kept here."""

from collections.abc import Iterable, Sequence

import numpy as np
import shapely
from fastapi import APIRouter

from devices.model import Float64, HomeId, Int64
from geofence import calibration
from geofence.calibration import Stand
from geofence.frames import turned
from geofence.vanishing import View, better_turn_deg
from rules.fences.suited import RADAR_HALF_ANGLE_DEG, RADAR_REACH_M
from rules.premises import FenceKind
from store import plans
from store.model import Community, OpeningKind
from web.api.model import MOST_M, LineProposed, LineWish, PeopleSeen, PoseProposed, PoseWish, Spot, TurnProposed, TurnWish
from web.api.problems import ProblemError
from web.gate import TheWho
from web.rights import Action
from web.site import TheSite
from web.who import Who
from web.words import Notice

_DECIMALS_M = 3
_STEP_DEG = 5
"""Nobody turns a radar by less, and it is not known better."""

router = APIRouter(prefix="/api/homes/{home_id}/plan", tags=["plans"])


@router.post("/pose")
def pose(who: TheWho, home_id: str, wish: PoseWish) -> PoseProposed:
    """Where a radar hangs and looks, from what it saw while somebody stood at places of the plan."""
    _may_draw(who, home_id)
    hung = np.array(wish.radar.place, np.float64)
    found = [calibration.stood(*_frames(one.frames)) for one in wish.stands]
    stands = [stand for stand, _ in found]
    if any(stand is not Stand.STILL for stand in stands):
        return PoseProposed(stands=stands, place=None, heading_deg=None, within_m=None, moved_m=None, is_mirrored=False)
    seen = turned(-wish.radar.heading_deg, *(np.array([at for _, at in found]) - hung).T)
    fit = calibration.fitted(seen, np.array([one.at for one in wish.stands], np.float64), hung)
    place = _spots(fit.place_m[None]) if fit.fits else None
    return PoseProposed(
        stands=stands,
        place=place[0] if place else None,
        heading_deg=round(fit.heading_deg, 1) % 360.0 if place else None,
        within_m=round(fit.worst_m, _DECIMALS_M),
        moved_m=round(fit.moved_m, _DECIMALS_M),
        is_mirrored=fit.is_mirrored,
    )


@router.post("/line")
def line(who: TheWho, home_id: str, wish: LineWish) -> LineProposed:
    """A line where somebody stood or walked."""
    _may_draw(who, home_id)
    people, place = _frames(wish.frames)
    openings = _segments([one.ends for one in wish.openings])
    rings = [np.array(one.outline, np.float64) for one in wish.rooms]
    walls = _segments([wall for ring in rings for wall in np.stack((ring, np.roll(ring, -1, axis=0)), axis=1)])
    radar = np.array(wish.radar, np.float64)
    stand, at = calibration.stood(people, place)
    path = None
    if wish.walked:
        path = calibration.line_along(place[people == 1], openings, walls, radar)
    elif stand is Stand.STILL:
        path = calibration.line_at(at, openings, walls, radar)
    return LineProposed(stand=stand, path=None if path is None else _spots(path))


@router.post("/turn")
def turn(site: TheSite, who: TheWho, home_id: str, wish: TurnWish) -> TurnProposed:
    """Whether a radar is turned otherwise than it is drawn, from where people come and vanish."""
    home = _may_draw(who, home_id)
    with site.database.read() as session:
        community = site.estates.community(session, who.community_id)
    if wish.version != plans.digest(community, home):
        return TurnProposed(by_deg=None)  # they walked on another plan
    by_deg = _turned(community, home, wish)
    return TurnProposed(by_deg=None if by_deg is None else round(by_deg / _STEP_DEG) * _STEP_DEG)


def _turned(community: Community, home: HomeId, wish: TurnWish) -> float | None:
    plan = community.plans.get(home)
    radar = next((one for one in community.devices if one.id == wish.radar and one.home == home), None)
    if plan is None or radar is None or (hangs := radar.pose) is None:
        return None
    place = plan.floor.metres(hangs.lon, hangs.lat)
    rooms = [np.array(one.outline, np.float64) for one in plan.rooms]
    within = shapely.union_all([shapely.make_valid(shapely.Polygon(room)) for room in rooms])
    guarded = [
        shapely.LineString(plan.floor.metres(*np.array(fence.path, np.float64).T))
        for fence in (*community.fences, *community.waiting)
        if fence.kind is FenceKind.LINE and fence.home == home
    ]
    return better_turn_deg(
        [np.array(track, np.float64) for track in wish.tracks],
        View(
            place_m=place,
            heading_deg=hangs.heading_deg - plan.floor.heading_deg,
            reach_m=RADAR_REACH_M,
            half_angle_deg=RADAR_HALF_ANGLE_DEG,
        ),
        rooms,
        _segments([one.ends for one in plan.openings]),
        _segments([one.ends for one in plan.openings if one.kind is OpeningKind.DOOR]),
        # Who has a line out there wants to see who comes there.
        is_outside_seen=any(not within.covers(one) and one.distance(shapely.Point(place)) < RADAR_REACH_M for one in guarded),
    )


def _may_draw(who: Who, home_id: str) -> HomeId:
    """The home, if somebody may draw its plan.

    Raises
    ------
    ProblemError
        There is none, or it is not theirs: which of the two is not said.
    """
    home = HomeId(home_id)
    if home not in who.directory.homes or not who.may_at(Action.DRAW_PLAN, home):
        raise ProblemError(404, Notice.NOT_YOURS)
    return home


def _frames(frames: Sequence[PeopleSeen]) -> tuple[Int64, Float64]:
    """How many people each frame has (F,), and where the one is (F, 2), NaN of frames without exactly one."""
    people = np.array([len(one) for one in frames], np.int64)
    return people, np.array([one[0] if len(one) == 1 else (np.nan, np.nan) for one in frames], np.float64).reshape(-1, 2)


def _spots(places_m: Float64) -> list[Spot] | None:
    """Places (N, 2) as the API says them; None of what lies beyond any floor."""
    if np.abs(places_m).max() > MOST_M:
        return None
    return [(x_m, y_m) for x_m, y_m in np.round(places_m, _DECIMALS_M).tolist()]


def _segments(ends: Iterable[object]) -> Float64:
    return np.array(list(ends), np.float64).reshape(-1, 2, 2)
