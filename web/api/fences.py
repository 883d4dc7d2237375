"""Fences that people draw: looked at, checked while they are drawn, kept, decided about, and restored."""

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import numpy as np
import shapely
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import ValidationError
from sqlmodel import Session

from devices.model import NS_PER_S, Device, DeviceId, DeviceKind, HomeId
from geofence.datum import NO_RING, Datum, Wgs84, Wgs84Rings
from geofence.frames import Frame
from geofence.outlines import joined, metric
from incidents.directory import Role
from rules.fences.etiquette import Beyond, Verdict
from rules.fences.suited import (
    CAMERA_REACH_M,
    RADAR_HALF_ANGLE_DEG,
    RADAR_REACH_M,
    TYPICAL_ACCURACY_M,
    Lack,
    guards,
    smallest_width_m,
    suited,
)
from rules.premises import Fence, FenceId, FenceKind, HomePlace, Side
from store import community, configuration, drawings, exchange, fences, lately
from store.fences import Editor, FenceError, Judged, Why
from store.lately import NOTHING, Lately
from store.model import Community
from store.schema import CommunityFile, FenceSaid, FenceState, HoursSaid
from web.api.glances import home_at
from web.api.model import (
    BroughtShown,
    CorridorWish,
    DecisionWish,
    FenceChange,
    FenceChecked,
    FenceFile,
    Fences,
    FenceShown,
    FenceWish,
    GroundShown,
    GuardShown,
    HoursOfDays,
    Place,
    Position,
    RadarShown,
    ReachShown,
    RemovalWish,
    RemovedShown,
    RestoreWish,
    TrackedShown,
    VersionShown,
)
from web.api.problems import ProblemError
from web.fencing import address_of, reaching
from web.gate import TheWho
from web.rights import Action
from web.site import Site, TheSite, Visit
from web.who import Who
from web.words import Fencing, Glancing, Notice


class FileKind(StrEnum):
    """What fences are taken along as."""

    GEOJSON = "geojson"
    KML = "kml"


_MEDIA = {FileKind.GEOJSON: "application/geo+json", FileKind.KML: "application/vnd.google-earth.kml+xml"}
_TAKEN = ("near", "approach_m", "events", "modes", "dwell_min")
"""Keys of a fence that go with it in a file."""
_BROUGHT = frozenset({"Polygon", "MultiPolygon", "LineString"})
_APPROACH_M = 2.0
"""Where nothing is said of it."""
_ALL_ROUND_DEG = 180.0
_ALONE = "\0"
"""Begins what a home that is in no building is put under; no name of a building holds it."""
_ABOUT_A_FENCE = (Action.DRAW_FENCES, Action.APPROVE_FENCES)
_BEYOND = {
    Beyond.NEIGHBOUR: Fencing.BEYOND_NEIGHBOUR,
    Beyond.CORRIDOR: Fencing.BEYOND_CORRIDOR,
    Beyond.PUBLIC: Fencing.BEYOND_PUBLIC,
    Beyond.UNKNOWN: Fencing.BEYOND_UNKNOWN,
}
_REFUSED = {
    Why.GONE: (404, Fencing.GONE),
    Why.CHANGED: (409, Fencing.CHANGED),
    Why.DECIDED: (409, Fencing.DECIDED),
    Why.TOO_OFTEN: (422, Fencing.TOO_OFTEN),
    Why.TOO_MANY: (422, Fencing.TOO_MANY),
}
_SHAPE_WORDS = (
    ("crosses itself", Fencing.CROSSES),
    ("Self-intersection", Fencing.CROSSES),
    ("wanted at least", Fencing.TOO_FEW),
    ("has no length", Fencing.TOO_FEW),
)
"""Of what is wrong with a shape, in the words of its check, what is said to who draws it."""

router = APIRouter(prefix="/api", tags=["fences"])

InDatum = Annotated[Datum, Query(description="What degrees in the answer are: those of a Chinese map are gcj02.")]
OfHome = Annotated[str | None, Query(max_length=64)]


@router.get("/ground")
def ground(request: Request, site: TheSite, home: OfHome = None, datum: InDatum = Datum.WGS84) -> GroundShown:
    """What is drawn on: outlines of buildings without a word of who lives where, and one's own home."""
    with site.visit(request) as visit:
        known = visit.community
        own = [home_at(visit.who, Action.SEE_HOMES, home)] if home else [one for one in visit.who.homes if one in known.footprints]
        return _ground(visit, own, datum)


@router.get("/fences")
def all_of(request: Request, site: TheSite, home: OfHome = None, datum: InDatum = Datum.WGS84) -> Fences:
    """Fences of a home; without one, all that somebody may see."""
    with site.visit(request) as visit:
        return _fences(visit, home_at(visit.who, Action.SEE_HOMES, home) if home else None, datum)


@router.post("/fences/check")
def check(request: Request, site: TheSite, who: TheWho, wish: FenceWish) -> FenceChecked:
    """What would become of a drawing; nothing is kept."""
    _may_draw(who, wish.home)
    with site.visit(request) as visit:
        return _judged(wish, _file(visit.session, visit.community), visit)


@router.get("/fences/file", response_class=Response, responses={200: {"content": {one: {} for one in _MEDIA.values()}}})
def take_along(
    request: Request, site: TheSite, who: TheWho, home: OfHome = None, as_: Annotated[FileKind, Query(alias="as")] = FileKind.GEOJSON
) -> Response:
    """Fences of a home, or of the whole estate, as a file: those that guard, or wait."""
    _may_draw(who, home)
    with site.visit(request) as visit:
        file, known = _file(visit.session, visit.community), visit.community
        built = {one.id: one for one in (*known.fences, *known.waiting)}
        taken = [
            exchange.Taken(
                name=one.name or one.id,
                geometry=drawings.geometry(fence.rings, fence.path, Datum.WGS84),
                keys=one.model_dump(mode="json", exclude_unset=True, include=set(_TAKEN)) | {"kind": one.kind.value},
            )
            for one in file.geofences
            if one.home == home and (fence := built.get(FenceId(one.id))) is not None
        ]
    text = exchange.kml(taken) if as_ is FileKind.KML else exchange.geojson(taken)
    named = {"Content-Disposition": f'attachment; filename="anju-fences.{as_}"'}
    return Response(text, media_type=_MEDIA[as_], headers=named)


@router.post("/fences/file")
def bring(request: Request, site: TheSite, who: TheWho, wish: FenceFile) -> list[BroughtShown]:
    """What a GeoJSON or KML holds, and what would become of each shape; nothing is kept."""
    _may_draw(who, wish.home)
    with site.visit(request) as visit:
        words = visit.scene.words.fencing
        try:
            found = exchange.read(wish.text)
        except exchange.TooLargeError:
            raise ProblemError(422, Notice.REFUSED, words[Fencing.LARGE_FILE]) from None
        except exchange.ExchangeError:
            raise ProblemError(422, Notice.REFUSED, words[Fencing.NO_FILE]) from None
        if not found.drawings:
            raise ProblemError(422, Notice.REFUSED, words[Fencing.NO_SHAPES])
        file = _file(visit.session, visit.community)
        return [_brought(one, found.datum, wish.home, file, visit) for one in found.drawings]


def _brought(drawing: drawings.Drawing, datum: Datum, home: str | None, file: CommunityFile, visit: Visit) -> BroughtShown:
    words, geometry = visit.scene.words.fencing, drawing.geometry
    kind = FenceKind.LINE if geometry.get("type") == "LineString" else FenceKind.AREA
    named = " ".join(str(drawing.properties.get("name") or "").split())[:60]
    name = named or words[Fencing.LINE if kind is FenceKind.LINE else Fencing.AREA]
    wish = _wish_of(drawing, {"home": home, "name": name, "kind": kind, "geometry": dict(geometry), "datum": datum})
    if wish is None:
        checked = _unfit("wrong", words[Fencing.NEITHER], None)
        return BroughtShown(name=name, kind=kind, near=Side.LEFT, approach_m=_APPROACH_M, wish=None, checked=checked)
    checked = _judged(wish, file, visit)
    kept = None if checked.code else wish.model_dump(mode="json", exclude_unset=True)
    return BroughtShown(name=name, kind=kind, near=wish.near, approach_m=wish.approach_m or _APPROACH_M, wish=kept, checked=checked)


def _wish_of(drawing: drawings.Drawing, said: Mapping[str, Any]) -> FenceWish | None:
    """A shape of a file as somebody would draw it; None of one that is none."""
    if drawing.fault or drawing.geometry.get("type") not in _BROUGHT:
        return None
    keys = {key: drawing.properties[key] for key in _TAKEN if drawing.properties.get(key) is not None}
    try:
        return FenceWish.model_validate({**said, **keys})
    except ValidationError:
        return None


def _judged(wish: FenceWish, file: CommunityFile, visit: Visit) -> FenceChecked:
    """What would become of a drawing."""
    try:
        judged = fences.judge({"id": "drawn", **_said(wish)}, file, visit.community)
    except FenceError as error:
        return _unfit(error.why, _shape_words(error, visit), list(error.at) if error.at else None)
    return _checked(judged, wish.datum, visit)


def _unfit(code: str, words: str, at: list[float] | None) -> FenceChecked:
    """Of a drawing that is none."""
    return FenceChecked(
        code=code,
        words=words,
        at=at,
        smallest_m=None,
        width_m=None,
        geometry=None,
        notes_words=[],
        guards=[],
        is_own=False,
        reach_words="",
    )


@router.post("/fences", status_code=201)
def draw(request: Request, site: TheSite, who: TheWho, wish: FenceWish) -> FenceShown:
    """Keep a new fence. Within one's own home and its air space it guards at once; else it waits for an administrator."""
    _may_draw(who, wish.home)
    return _changed(
        request,
        site,
        lambda session, known, editor: fences.save(session, known, _said(wish), editor, site.clock(), new_id=_new_id()),
        wish.datum,
    )


@router.put("/fences/{fence_id}")
def redraw(request: Request, site: TheSite, who: TheWho, fence_id: str, wish: FenceChange) -> FenceShown:
    """Change a fence. While a change waits, what it is to replace goes on guarding."""
    _fence_of(site, who, fence_id)
    return _changed(
        request,
        site,
        lambda session, known, editor: fences.save(
            session, known, _said(wish), editor, site.clock(), new_id=_new_id(), fence_id=fence_id, seen=wish.tag
        ),
        wish.datum,
    )


@router.delete("/fences/{fence_id}", status_code=204)
def remove(request: Request, site: TheSite, who: TheWho, fence_id: str, wish: RemovalWish) -> None:
    """Take a fence away; it can be restored."""
    _fence_of(site, who, fence_id)

    def change(session: Session, known: Community, editor: Editor) -> str:
        fences.remove(session, known, fence_id, editor, site.clock(), seen=wish.tag)
        return fence_id

    _change(request, site, change)


@router.get("/fences/{fence_id}/history")
def history(request: Request, site: TheSite, who: TheWho, fence_id: str, datum: InDatum = Datum.WGS84) -> list[VersionShown]:
    """Who changed a fence, when, and what it was, the newest first."""
    _fence_of(site, who, fence_id)
    with site.visit(request) as visit:
        file, found = _file(visit.session, visit.community), fences.history(visit.session, visit.community.id, fence_id)
        return [_version(one, file, datum, visit, is_now=one is found[0]) for one in found if one.said is not None]


@router.post("/fences/{fence_id}/restore")
def restore(request: Request, site: TheSite, who: TheWho, fence_id: str, wish: RestoreWish) -> FenceShown:
    """Draw a fence again as it was in a version: the same rules hold as for any drawing."""
    _fence_of(site, who, fence_id)
    return _changed(
        request,
        site,
        lambda session, known, editor: fences.restore(
            session, known, editor, site.clock(), fence_id=fence_id, number=wish.number, new_id=_new_id()
        ),
        Datum.WGS84,
    )


@router.post("/fences/{fence_id}/decision")
def decide(request: Request, site: TheSite, fence_id: str, wish: DecisionWish) -> FenceShown:
    """An administrator's word on a fence that waits: approved it guards from now on."""
    reason = " ".join(wish.reason.split())
    with site.visit(request) as visit:
        if not wish.approve and not reason:
            raise ProblemError(422, Notice.REFUSED, visit.scene.words.fencing[Fencing.NO_REASON])
    return _changed(
        request,
        site,
        lambda session, known, editor: fences.decide(
            session, known, fence_id, editor, site.clock(), reason=None if wish.approve else reason
        ),
        Datum.WGS84,
    )


def _new_id() -> str:
    return f"f-{secrets.token_hex(4)}"


def _may_draw(who: Who, home: str | None) -> None:
    """Refuse who may not draw for a home, or for the whole estate; whether there is such a home is not said."""
    if (home is not None and home not in who.directory.homes) or not who.may_at(Action.DRAW_FENCES, HomeId(home) if home else None):
        raise ProblemError(404, Notice.NOT_YOURS)


def _fence_of(site: Site, who: Who, fence_id: str) -> FenceSaid:
    """A fence that somebody may change; of others it is not said whether there is one."""
    with site.database.read() as session:
        file = _file(session, site.estates.community(session, who.community_id))
    found = next((one for one in file.geofences if one.id == fence_id), None)
    if found is None:
        raise ProblemError(404, Notice.NOT_YOURS)
    _may_draw(who, found.home)
    return found


def _file(session: Session, known: Community) -> CommunityFile:
    text = configuration.community_at(session, known.id) or "{}"
    return community.said(text, f"community {known.id} in the database")[0]


def _said(wish: FenceWish) -> dict[str, Any]:
    """A wish in the words of the community's file."""
    said: dict[str, Any] = {"kind": wish.kind.value, "name": wish.name}
    for key in ("home", "residents", "dwell_min", "approach_m"):
        if (value := getattr(wish, key)) is not None:
            said[key] = value
    for key in ("events", "modes"):
        if (values := getattr(wish, key)) is not None:
            said[key] = [one.value for one in values]
    for key in ("schedule", "expected"):
        if (hours := getattr(wish, key)) is not None:
            said[key] = {"from": hours.since, "to": hours.to} | ({"days": hours.days} if hours.days else {})
    if wish.outwards_m is not None:
        said |= {"around": wish.home, "outwards_m": wish.outwards_m}
    else:
        said["datum"] = wish.datum.value
        if wish.kind is FenceKind.LINE:
            said["near"] = wish.near.value
    if wish.geometry is not None:
        said["geometry"] = wish.geometry
    if wish.corridor is not None:
        said["corridor"] = wish.corridor.model_dump()
    return said


def _change(request: Request, site: Site, change: Callable[[Session, Community, Editor], str]) -> str:
    """Change something in one transaction; the id of what was changed."""
    who: Who = request.state.who
    editor = Editor(id=who.id, decides=who.has_all(Action.APPROVE_FENCES))
    try:
        with site.database.write() as session:
            return change(session, site.estates.community(session, who.community_id), editor)
    except FenceError as error:
        with site.visit(request) as visit:
            raise _problem(error, visit) from None


def _changed(request: Request, site: Site, change: Callable[[Session, Community, Editor], str], datum: Datum) -> FenceShown:
    """Change something, and show it as it is now."""
    fence_id = _change(request, site, change)
    with site.visit(request) as visit:
        file = _file(visit.session, visit.community)
        said = next(one for one in file.geofences if one.id == fence_id)
        return _shown(said, datum, visit, _heard(visit))


def _problem(error: FenceError, visit: Visit) -> ProblemError:
    words = visit.scene.words
    if error.why in _REFUSED:
        status, said = _REFUSED[error.why]
        return ProblemError(status, Notice.REFUSED, words.fencing[said])
    if error.judged is not None:
        return ProblemError(422, Notice.REFUSED, _lack_words(error.judged.fence, visit))
    return ProblemError(422, Notice.REFUSED, _shape_words(error, visit))


def _shape_words(error: FenceError, visit: Visit) -> str:
    """What is wrong with a drawing, for who has never read GeoJSON."""
    said = next((said for part, said in _SHAPE_WORDS if part in error.what), Fencing.UNCLEAR)
    return visit.scene.words.fencing[said]


Heard = dict[DeviceId, Lately]


def _heard(visit: Visit) -> Heard:
    return dict(lately.of_devices(visit.session, visit.community.id, [one.id for one in visit.community.devices]))


def _checked(judged: Judged, datum: Datum, visit: Visit) -> FenceChecked:
    words, found = visit.scene.words.fencing, judged.suited
    is_own = judged.verdict.is_own or visit.who.has_all(Action.APPROVE_FENCES)
    lack = _lack_words(judged.fence, visit)
    return FenceChecked(
        code=found.lack or "" if judged.cannot else "",
        words=lack if judged.cannot else words[Fencing.OWN] if judged.verdict.is_own else _will_wait(judged.verdict, visit),
        at=None,
        smallest_m=found.smallest_m or None,
        width_m=found.width_m or None,
        geometry=drawings.geometry(judged.shape.rings, judged.shape.path, datum),
        notes_words=[*([lack] if lack and not judged.cannot else []), *([words[Fencing.REPAIRED]] if judged.shape.notes else [])],
        guards=_guards(judged.fence, visit, _heard(visit)),
        is_own=is_own,
        reach_words="" if judged.verdict.is_own else _reach(judged.verdict, visit),
    )


def _will_wait(verdict: Verdict, visit: Visit) -> str:
    reach = _reach(verdict, visit)
    if visit.who.has_all(Action.APPROVE_FENCES):
        return reach
    return visit.scene.words.fencing[Fencing.WILL_WAIT].format(why=reach)


def _reach(verdict: Verdict, visit: Visit) -> str:
    """What a fence watches besides its own home."""
    words = visit.scene.words
    homes = words.names_gap.join(address_of(one, visit) for one in verdict.touches)
    return words.clause_gap.join(words.fencing[_BEYOND[one]].format(homes=homes) for one in Beyond if one in verdict.beyond)


def _lack_words(fence: Fence, visit: Visit) -> str:
    """Why a fence cannot work with what is there, or not all of it; "" where it can."""
    known, words = visit.community, visit.scene.words.fencing
    home = known.directory.homes.get(fence.home) if fence.home else None
    place = HomePlace(id=home.id, floor=home.floor) if home else None
    found = suited(fence, known.devices, place)
    match found.lack:
        case None:
            return ""
        case Lack.NOBODY:
            return words[Fencing.NOBODY]
        case Lack.UNWATCHED if fence.kind is FenceKind.AREA:
            names = visit.scene.words.names_gap.join(visit.scene.name(one) for one in sorted(fence.residents))
            return words[Fencing.NO_TRACKER].format(names=names)
        case Lack.UNWATCHED:
            return words[Fencing.NO_RADAR]
        case Lack.OTHER_FLOOR:
            return words[Fencing.OTHER_FLOOR]
        case Lack.OUT_OF_SIGHT:
            share = found.hidden * 100.0
            is_all = share > 99.5  # noqa: PLR2004  as a percentage is rounded
            return words[Fencing.OUT_OF_SIGHT] if is_all else words[Fencing.PARTLY_HIDDEN].format(n=round(max(share, 1.0)))
        case Lack.TOO_SMALL:
            return words[Fencing.TOO_SMALL].format(
                device=visit.scene.wording.devices[found.kind or DeviceKind.TRACKER],
                error=_rounded(found.accuracy_m),
                width=_rounded(found.width_m),
                n=int(np.ceil(found.smallest_m)),
            )


def _rounded(metres: float) -> str:
    return f"{metres:.0f}" if metres >= 10.0 else f"{metres:.1f}".removesuffix(".0")  # noqa: PLR2004  two digits are enough


def _guards(fence: Fence, visit: Visit, heard: Heard) -> list[GuardShown]:
    return [_guard(one, fence, visit, heard.get(one.id, NOTHING)) for one in guards(fence, visit.community.devices)]


def _guard(device: Device, fence: Fence, visit: Visit, of: Lately) -> GuardShown:
    """A device that guards a fence, when it was heard, and the least that it notices."""
    scene, words = visit.scene, visit.scene.words
    name = scene.wording.devices[device.kind]
    if fence.kind is FenceKind.AREA:
        least_m = int(np.ceil(smallest_width_m(TYPICAL_ACCURACY_M[device.kind])))
        least, name = words.fencing[Fencing.AREA_NEEDS].format(n=least_m), words.clause_gap.join((scene.name(device.wearer), name))
    else:
        least = words.fencing[Fencing.LINE_NOTICES].format(n=_rounded(fence.approach_m))
    ago = words.glance[Glancing.HEARD].format(ago=scene.ago(of.heard_ns)) if of.heard_ns else words.glance[Glancing.NOT_HEARD]
    return GuardShown(id=device.id, name_words=name, heard_ns=of.heard_ns, heard_words=ago, least_words=least)


def _shown(said: FenceSaid, datum: Datum, visit: Visit, heard: Heard) -> FenceShown:
    """A fence that stands in the community's document; a removed one is shown as a version only."""
    known, scene = visit.community, visit.scene
    words = scene.words
    fence = next(one for one in (*known.fences, *known.waiting, *known.refused) if one.id == said.id)
    home = HomeId(said.home) if said.home else None
    verdict = known.verdicts.get(fence.id)
    kind_words = words.fencing[Fencing.AREA if said.kind is FenceKind.AREA else Fencing.LINE]
    name = said.name or said.id
    state_words = words.fence_states[said.state]
    names = words.names_gap.join(scene.name(one) for one in _concerned(fence, visit))
    described = words.fencing[Fencing.DESCRIBED].format(
        kind=kind_words,
        name=name,
        size=_size(fence, visit),
        whom=words.fencing[Fencing.FOR].format(names=names) if names else "",
        state=state_words,
    )
    replaces = said.drawn.replaces if said.drawn else None
    lack = _lack_words(fence, visit)
    return FenceShown(
        id=said.id,
        home=said.home,
        home_words=address_of(said.home, visit),
        name=name,
        kind=said.kind,
        kind_words=kind_words,
        state=said.state,
        state_words=state_words,
        described_words=described,
        geometry=drawings.geometry(fence.rings, fence.path, datum),
        datum=datum,
        corridor=_corridor(said, datum),
        outwards_m=said.outwards_m if said.around is not None else None,
        near=said.near,
        approach_m=fence.approach_m,
        events=sorted(fence.events),
        residents=sorted(fence.residents),
        modes=said.modes,
        schedule=_hours(said.schedule),
        dwell_min=said.dwell_min if said.said("dwell_min") else None,
        expected=_hours(said.expected),
        guards=_guards(fence, visit, heard),
        warning_words=[lack] if lack else [],
        by_words=_by(said, visit),
        decision_words=_decision(said, visit),
        reach_words=_reach(verdict, visit) if verdict is not None and not verdict.is_own else "",
        replaces=replaces,
        replaces_words=words.fencing[Fencing.REPLACES].format(name=known.names.get(FenceId(replaces), replaces)) if replaces else "",
        tag=fences.tag(said),
        may=[one for one in _ABOUT_A_FENCE if visit.who.may_at(one, home)],
    )


def _concerned(fence: Fence, visit: Visit) -> Iterable[str]:
    """Whom a fence guards: of a line who lives there; of an area of everybody nobody by name."""
    if fence.kind is FenceKind.LINE:
        home = visit.community.directory.homes.get(fence.home) if fence.home else None
        return home.occupants if home else ()
    return sorted(fence.residents) if fence.home is not None or len(fence.residents) <= 3 else ()  # noqa: PLR2004  names in a sentence


def _size(fence: Fence, visit: Visit) -> str:
    words = visit.scene.words.fencing
    if fence.kind is FenceKind.LINE:
        lon, lat = np.array(fence.path, np.float64).T
        length_m = float(shapely.LineString(Frame.over(lon, lat).metres(lon, lat)).length)
        return words[Fencing.LONG].format(n=_rounded(length_m))
    shape = metric(fence.rings)[1]
    return words[Fencing.WIDE].format(n=_rounded(2.0 * float(shapely.maximum_inscribed_circle(shape).length)))


def _corridor(said: FenceSaid, datum: Datum) -> CorridorWish | None:
    if said.corridor is None:
        return None
    place = Wgs84.of(said.datum, *np.array([one[:2] for one in said.corridor.line], np.float64).T)
    line = drawings.geometry((), place.ring(), datum)["coordinates"]
    return CorridorWish(line=[list(one) for one in line], width_m=said.corridor.width_m)


def _hours(said: HoursSaid | None) -> HoursOfDays | None:
    return None if said is None else HoursOfDays(since=said.since, to=said.to, days=said.days if said.said("days") else None)


def _time(moment: str, visit: Visit) -> str:
    return visit.scene.clock(round(datetime.fromisoformat(moment).timestamp()) * NS_PER_S)


def _by(said: FenceSaid, visit: Visit) -> str:
    words = visit.scene.words.fencing
    if said.drawn is None:
        return words[Fencing.FROM_FILE]
    key = Fencing.REMOVED_BY if said.state is FenceState.REMOVED else Fencing.DREW
    return words[key].format(time=_time(said.drawn.at, visit), by=visit.scene.name(said.drawn.by))


def _decision(said: FenceSaid, visit: Visit) -> str:
    drawn = said.drawn
    if drawn is None or drawn.decided_by is None or drawn.decided_at is None or drawn.decided_by == drawn.by:
        return ""
    key = Fencing.REFUSED_BY if said.state is FenceState.REFUSED else Fencing.APPROVED
    time, by = _time(drawn.decided_at, visit), visit.scene.name(drawn.decided_by)
    return visit.scene.words.fencing[key].format(time=time, by=by, reason=drawn.reason or "")


def _fences(visit: Visit, home: HomeId | None, datum: Datum) -> Fences:
    known, who, words = visit.community, visit.who, visit.scene.words.fencing
    file, heard = _file(visit.session, known), _heard(visit)
    seen = [one for one in file.geofences if who.may_at(Action.SEE_HOMES, HomeId(one.home) if one.home else None)]
    here = [one for one in seen if home is None or one.home == home]
    shown = [_shown(one, datum, visit, heard) for one in here if one.state is not FenceState.REMOVED]
    decides = who.has_all(Action.APPROVE_FENCES)
    homes = (home,) if home else who.homes
    occupants = [one for each in homes for one in known.directory.homes[each].occupants]
    residents = occupants if home or not decides else [one.id for one in known.directory.people.values() if Role.RESIDENT in one.roles]
    return Fences(
        datum=datum,
        fences=shown,
        removed=[RemovedShown(id=one.id, name=one.name or one.id, words=_by(one, visit)) for one in here if one.state is FenceState.REMOVED]
        if who.may_at(Action.DRAW_FENCES, home) or home is None
        else [],
        reached=[ReachShown(words=words_, is_active=is_active) for words_, is_active in reaching(visit, homes)],
        waiting=[
            words[Fencing.ASKS].format(home=one.home_words, name=one.name, why=one.reach_words)
            for one in shown
            if one.state is FenceState.WAITING and decides
        ],
        residents=[Place(id=one, name=visit.scene.name(one)) for one in residents],
        tracked=_tracked(visit, homes, datum),
        may=[one for one in _ABOUT_A_FENCE if (who.may_at(one, home) if home else who.may(one))],
    )


def _tracked(visit: Visit, homes: Iterable[HomeId], datum: Datum) -> list[TrackedShown]:
    """Where those are who live at some homes, as far as whoever looks may see that now."""
    residents = {
        one for home in homes if visit.who.may_at(Action.SEE_PERSON, home) for one in visit.community.directory.homes[home].occupants
    }
    worn = [one for one in visit.community.devices if one.wearer in residents]
    known = lately.of_devices(visit.session, visit.community.id, [one.id for one in worn])
    newest: dict[str, lately.Fix] = {}
    for device in worn:
        fix = known.get(device.id, NOTHING).fix
        if fix is not None and device.wearer and (device.wearer not in newest or fix.at_ns > newest[device.wearer].at_ns):
            newest[device.wearer] = fix
    return [
        TrackedShown(id=one, name=visit.scene.name(one), position=position_shown(fix, visit, datum)) for one, fix in sorted(newest.items())
    ]


def position_shown(fix: lately.Fix, visit: Visit, datum: Datum = Datum.WGS84) -> Position:
    """Where somebody was last."""
    lon, lat = drawings.place(fix.lon_deg, fix.lat_deg, datum)
    return Position(lon_deg=lon, lat_deg=lat, accuracy_m=fix.accuracy_m, at_ns=fix.at_ns, ago_words=visit.scene.ago(fix.at_ns))


def _version(one: fences.Version, file: CommunityFile, datum: Datum, visit: Visit, *, is_now: bool) -> VersionShown:
    said = one.said
    assert said is not None  # noqa: S101  of whom versions are shown
    try:
        judged = fences.judge(said.model_dump(mode="json", by_alias=True, exclude_unset=True), file, visit.community)
        geometry = drawings.geometry(judged.shape.rings, judged.shape.path, datum)
    except FenceError:  # its home has another footprint by now, or none
        geometry = None
    return VersionShown(
        number=one.number,
        at_ns=one.at_ns,
        at_words=visit.scene.clock(one.at_ns),
        words=visit.scene.words.clause_gap.join(part for part in (_by(said, visit), _decision(said, visit)) if part),
        state=said.state,
        name=said.name or said.id,
        geometry=geometry,
        restorable=geometry is not None and not is_now and said.state is not FenceState.REMOVED,
    )


def _ground(visit: Visit, own: Collection[HomeId], datum: Datum) -> GroundShown:
    known = visit.community
    of_buildings: dict[str, list[Wgs84Rings]] = {}
    for home, rings in known.footprints.items():
        of_buildings.setdefault(known.directory.homes[home].building or f"{_ALONE}{home}", []).append(rings)
    buildings = [
        {"name": "" if name.startswith(_ALONE) else name, **drawings.geometry(joined(footprints), NO_RING, datum)}
        for name, footprints in of_buildings.items()
    ]
    homes = [one for one in own if one in known.footprints]
    corners = [place for footprints in of_buildings.values() for rings in footprints for polygon in rings for place in polygon[0]]
    return GroundShown(
        datum=datum,
        bounds=_bounds(corners, datum),
        buildings=buildings,
        homes=[{"name": address_of(one, visit), **drawings.geometry(known.footprints[one], NO_RING, datum)} for one in homes],
        radars=[_radar(one, visit, datum) for one in known.devices if one.pose is not None and one.home in own],
    )


def _bounds(corners: Sequence[tuple[float, float]], datum: Datum) -> list[float] | None:
    """West, south, east and north of what there is; None of nothing."""
    if not corners:
        return None
    west, south = np.min(corners, axis=0)
    east, north = np.max(corners, axis=0)
    return [*drawings.place(float(west), float(south), datum), *drawings.place(float(east), float(north), datum)]


def _radar(device: Device, visit: Visit, datum: Datum) -> RadarShown:
    pose = device.pose
    assert pose is not None  # noqa: S101  those that have one are shown
    lon, lat = drawings.place(pose.lon, pose.lat, datum)
    is_camera = device.kind is DeviceKind.CAMERA
    return RadarShown(
        id=device.id,
        name_words=visit.scene.wording.devices[device.kind],
        lon_deg=lon,
        lat_deg=lat,
        heading_deg=pose.heading_deg,
        reach_m=CAMERA_REACH_M if is_camera else RADAR_REACH_M,
        half_angle_deg=_ALL_ROUND_DEG if is_camera else RADAR_HALF_ANGLE_DEG,
    )
