"""A home's floor plan, and who is on it just now, as its radars see them."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError
from sqlmodel import Session
from sse_starlette import EventSourceResponse, ServerSentEvent

from devices.model import CommunityId, DeviceId, DeviceKind, HomeId
from geofence.datum import Datum
from geofence.floor import Floor
from incidents.model import Story
from rules.fences.suited import RADAR_HALF_ANGLE_DEG, RADAR_REACH_M
from rules.kinds import EventKind, Mode
from rules.premises import FenceId, FenceKind
from store import choices, ledger, plans, views
from store.choices import ChangedMeanwhileError, ChoiceError
from store.consents import DataPurpose
from store.model import Community, StoreBusyError
from store.schema import FenceState, FloorSaid, PoseSaid
from web.api.model import FloorShown, LineShown, PlanOpening, PlanRadarShown, PlanRoom, PlanShown, PlanWish, SensorShown, Spot
from web.api.problems import ProblemError
from web.gate import TheWho
from web.lookout import Onlooker
from web.rights import Action
from web.sight import Look, Trip
from web.site import NotFoundError, Site, TheSite, Visit
from web.who import NotAllowedError, NotSignedInError, Who
from web.words import Notice

RETRY_MS = 1000
_DECIMALS_M = 3
_LATEST_NS = 10_000_000_000
"""What a rule found so long before what it found last may be written after it."""
_DEGREES = 9

router = APIRouter(prefix="/api/homes/{home_id}", tags=["plans"])


@router.get("/plan")
def plan(request: Request, site: TheSite, home_id: str) -> PlanShown:
    """A home's floor plan, with its radars and its lines."""
    with site.visit(request) as visit:
        return _shown(visit, _seen_home(visit.session, visit.who, visit.community, home_id))


@router.put("/plan")
def draw(request: Request, site: TheSite, who: TheWho, home_id: str, wish: PlanWish) -> PlanShown:
    """Keep a plan, and where its radars hang: from now on lines are judged by that."""
    home = HomeId(home_id)
    if home not in who.directory.homes or not who.may_at(Action.DRAW_PLAN, home):
        raise ProblemError(404, Notice.NOT_YOURS)
    try:
        with site.database.write() as session:
            said, poses = _said(site.estates.community(session, who.community_id), home, who, wish)
            choices.draw(session, who.community_id, home, said, poses, before=wish.version, now_ns=site.clock())
    except ChangedMeanwhileError:
        raise ProblemError(409, Notice.PLAN_CHANGED) from None
    except (ChoiceError, ValidationError):
        raise ProblemError(422, Notice.REFUSED) from None
    with site.visit(request) as visit:
        return _shown(visit, home)


@router.get("/targets")
async def targets(request: Request, site: TheSite, who: TheWho, home_id: str) -> EventSourceResponse:
    """What the radars of a home see, while somebody looks.

    `seen`: the newest frame of each radar that has a new one: `age_ms` since it was measured, and of each target its place on the floor and
    its metres from each line, above 0 on the far side. `tripped`: a line noticed somebody; with `is_try` it only would have told, and
    nothing came of it. `alive` where nothing is new for a while. It ends when whoever looks may look no more.
    """
    home, community = await run_in_threadpool(_looked_at, site, request, who.community_id, home_id)
    if (floor := plans.floor_of(community, home)) is None:
        raise ProblemError(404, Notice.NOT_YOURS)
    return EventSourceResponse(_events(site, request, community, home, floor), ping=3600)  # `alive` is our own, which pages can hear


async def _events(site: Site, request: Request, community: Community, home: HomeId, floor: Floor) -> AsyncIterator[ServerSentEvent]:
    async with site.lookout.looking(community, home, floor) as onlooker:
        minding = asyncio.create_task(_mind(site, request, community.id, home, onlooker), name="web-targets-mind")
        minding.add_done_callback(lambda _: onlooker.woken.set())
        try:
            while True:
                await onlooker.woken.wait()
                if minding.done():
                    return
                seen = onlooker.take()
                for trip in seen.trips:
                    yield ServerSentEvent(event="tripped", data=json.dumps(_trip(trip)), retry=RETRY_MS)
                if seen.looks:
                    yield ServerSentEvent(event="seen", data=json.dumps([_look(one, site.clock()) for one in seen.looks.values()]))
                elif not seen.trips:
                    yield ServerSentEvent(event="alive", data="", retry=RETRY_MS)
        finally:
            minding.cancel()
            await asyncio.gather(minding, return_exceptions=True)


async def _mind(site: Site, request: Request, community_id: CommunityId, home: HomeId, onlooker: Onlooker) -> None:
    """Show what lines told, and see whether the one who looks may look still: at every change, and every other second; ends when not."""
    told: set[tuple[EventKind, int]] = set()
    since_ns = site.clock()
    async for _ in site.live.changes(community_id):
        try:
            _, community = await run_in_threadpool(_looked_at, site, request, community_id, home)
            found = await run_in_threadpool(_told, site, community_id, home, since_ns)
        except StoreBusyError:
            continue
        except (NotSignedInError, NotFoundError, NotAllowedError, ProblemError):
            return
        if (floor := plans.floor_of(community, home)) is not None:
            site.lookout.renew(community, home, floor)
        new = [one for one in found if (one.kind, one.t_ns) not in told]
        told |= {(one.kind, one.t_ns) for one in new}
        onlooker.put((), [Trip(line=FenceId(one.cause), kind=one.kind, t_ns=one.t_ns, is_try=False) for one in new])
        since_ns = max([since_ns, *(one.known_ns - _LATEST_NS for one in found)])


def _looked_at(site: Site, request: Request, community_id: CommunityId, home_id: str) -> tuple[HomeId, Community]:
    with site.database.read() as session:
        who = site.who(session, request, community_id)
        community = site.estates.community(session, community_id)
        return _seen_home(session, who, community, home_id, DataPurpose.POSITION), community


def _seen_home(session: Session, who: Who, community: Community, home_id: str, purpose: DataPurpose = DataPurpose.HELP) -> HomeId:
    """A home whose plan somebody may look at: their own, or one where something is going on now that they are to help with.

    Raises
    ------
    ProblemError
        There is none, or it is not theirs: which of the two is not said.
    """
    home = HomeId(home_id)
    if home in who.directory.homes:
        if who.may_at(Action.SEE_PLAN, home):
            return home
        for incident in views.open_incidents(session, community.id):
            is_here = incident.home_id == home and incident.story not in {Story.FAULT, Story.SILENCE, Story.DRILL}
            if is_here and who.may_about(Action.SEE_PLAN, incident) and who.may_about(Action.SEE_PERSON, incident, purpose):
                return home
    raise ProblemError(404, Notice.NOT_YOURS)


def _told(site: Site, community_id: CommunityId, home: HomeId, since_ns: int) -> tuple[ledger.Told, ...]:
    with site.database.read() as session:
        return ledger.told_at(session, community_id, home, (EventKind.APPROACH, EventKind.CROSS), since_ns)


def _trip(trip: Trip) -> Mapping[str, Any]:
    return {"line": trip.line, "kind": trip.kind, "t_ns": trip.t_ns, "is_try": trip.is_try}


def _look(look: Look, now_ns: int) -> Mapping[str, Any]:
    return {
        "radar": look.device_id,
        "age_ms": max(0, now_ns - look.time_ns) // 1_000_000,
        "targets": [
            {
                "id": one.number,
                "sure": one.is_somebody,
                "place": [round(one.x_m, _DECIMALS_M), round(one.y_m, _DECIMALS_M)],
                "from_line_m": {line: round(away_m, _DECIMALS_M) for line, away_m in one.line_m.items()},
            }
            for one in look.spots
        ],
    }


def _said(community: Community, home: HomeId, who: Who, wish: PlanWish) -> tuple[FloorSaid, Mapping[DeviceId, PoseSaid]]:
    """A drawn plan as the community's document says it.

    Raises
    ------
    ProblemError
        It names what is not at that home, or one thing twice; or nobody knows where the home is.
    """
    floor = plans.floor_of(community, home)
    kinds = {str(one.id): one.kind for one in community.devices if one.home == home}
    contacts = [one.device for one in wish.openings if one.device is not None]
    radars = [one.id for one in wish.radars]
    parts = [*(one.id for one in wish.rooms), *(one.id for one in wish.openings)]
    fits = all(kinds.get(one) is DeviceKind.CONTACT for one in contacts) and all(kinds.get(one) is DeviceKind.RADAR for one in radars)
    if floor is None or not fits or any(len(set(ids)) < len(ids) for ids in (contacts, radars, parts)):
        raise ProblemError(422, Notice.REFUSED)
    drawn = wish.model_dump(mode="json", include={"rooms", "openings"})
    origin = {"lon": floor.frame.lon_deg, "lat": floor.frame.lat_deg, "heading_deg": round(floor.heading_deg, 3)}
    return FloorSaid.model_validate({**origin, **drawn, "by": str(who.id)}), {
        DeviceId(one.id): _hung(floor, one.place, one.heading_deg, one.height_m) for one in wish.radars
    }


def _hung(floor: Floor, place: Spot, heading_deg: float, height_m: float) -> PoseSaid:
    at = floor.wgs84(place)
    return PoseSaid(
        lon=round(float(at.lon_deg), _DEGREES),
        lat=round(float(at.lat_deg), _DEGREES),
        heading_deg=round((heading_deg + floor.heading_deg) % 360.0, 2),
        height_m=height_m,
        datum=Datum.WGS84,
    )


def _shown(visit: Visit, home: HomeId) -> PlanShown:
    community, scene = visit.community, visit.scene
    floor, drawn = plans.floor_of(community, home), community.plans.get(home)
    devices = [one for one in community.devices if one.home == home]
    here = {one.id for one in devices}
    changed = views.modes(visit.session, community.id).get(home)
    mode = changed.mode if changed else Mode.DISARMED
    footprint = community.footprints.get(home)
    return PlanShown(
        address_words=community.directory.homes[home].address or home,
        version=plans.digest(community, home),
        is_drawn=drawn is not None,
        by_words=scene.name(drawn.by) if drawn and drawn.by else "",
        floor=FloorShown(
            lon_deg=floor.frame.lon_deg,
            lat_deg=floor.frame.lat_deg,
            heading_deg=floor.heading_deg,
            east_m_per_deg=floor.frame.east_m_per_deg,
            north_m_per_deg=floor.frame.north_m_per_deg,
        )
        if floor
        else None,
        outline=_placed(floor, footprint[0][0][:-1]) if floor and footprint else [],
        rooms=[PlanRoom(id=one.id, name=one.name, outline=list(one.outline)) for one in drawn.rooms] if drawn else [],
        openings=[
            PlanOpening(id=one.id, kind=one.kind, ends=one.ends, device=one.device if one.device in here else None)
            for one in drawn.openings
        ]
        if drawn
        else [],
        radars=[
            PlanRadarShown(
                id=one.id,
                name_words=scene.wording.devices[one.kind],
                place=_placed(floor, [(one.pose.lon, one.pose.lat)])[0] if floor and one.pose else None,
                heading_deg=round((one.pose.heading_deg - floor.heading_deg) % 360.0, 2) if floor and one.pose else None,
                height_m=one.pose.height_m if one.pose else 2.0,
                reach_m=RADAR_REACH_M,
                half_angle_deg=RADAR_HALF_ANGLE_DEG,
            )
            for one in devices
            if one.kind is DeviceKind.RADAR
        ],
        contacts=[
            SensorShown(id=one.id, name_words=scene.wording.contacts[one.covers] if one.covers else scene.wording.devices[one.kind])
            for one in devices
            if one.kind is DeviceKind.CONTACT
        ],
        lines=[
            LineShown(
                id=one.id,
                name=community.names.get(one.id, ""),
                path=_placed(floor, one.path),
                near=one.near,
                approach_m=one.approach_m,
                modes_words=scene.words.names_gap.join(scene.words.modes[each] for each in Mode if one.modes is None or each in one.modes),
                is_guarding=one in community.fences and (one.modes is None or mode in one.modes),
                state_words=scene.words.fence_states[FenceState.WAITING] if one in community.waiting else "",
            )
            for one in (*community.fences, *community.waiting)
            if floor and one.kind is FenceKind.LINE and one.home == home
        ],
        may=[one for one in (Action.DRAW_PLAN,) if visit.who.may_at(one, home)],
    )


def _placed(floor: Floor, ring: Any) -> list[Spot]:  # noqa: ANN401  (lon, lat) in whatever holds them
    places = np.round(floor.metres(*np.array(ring, np.float64).T), _DECIMALS_M)
    return [(float(x_m), float(y_m)) for x_m, y_m in places]
