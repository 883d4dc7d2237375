"""Incidents for who lives there, their family, and whoever was told: what, where, since when, how sure, who has it, and what to do."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, UploadFile
from fastapi.concurrency import run_in_threadpool

from devices.model import PersonId
from incidents.audience import wards
from incidents.model import REASONS, Act, Do, Incident, IncidentId, Refused
from incidents.model import Story as StoryKind
from store import lately, timelines, views
from store.acts import CHANGED, act_on
from store.consents import DataPurpose
from web.api.answers import incident as incident_for
from web.api.answers import incident_of
from web.api.glances import person_shown
from web.api.model import ActShown, ActWish, Card, Emergency, FoundShown, GlassWish, MomentShown, NoteWish, Position, Story, ToldShown
from web.api.problems import ProblemError
from web.api.shown import card_shown
from web.cards import ARRIVE_MIN, Told, card
from web.desk import places, takers_of
from web.emergency import emergencies, worth_a_call
from web.gate import TheWho
from web.moments import moments
from web.rights import Action
from web.scene import STAFF, Scene
from web.site import Site, TheSite, Visit
from web.timeline import Moment
from web.who import Who
from web.words import Notice

MOST = 50
"""Incidents that are over, in one answer."""

_ABOUT_IT = (Action.ACT, Action.SEE_PERSON, Action.BREAK_GLASS)

_ABOUT_PLANS = (Action.SEE_PLAN, Action.SEE_PERSON)

router = APIRouter(prefix="/api/incidents", tags=["incidents"])


@router.get("")
def incidents(request: Request, site: TheSite, over: Annotated[bool, Query()] = False) -> list[Card]:  # noqa: FBT002  a query
    """What is going on, the gravest first; or what is over, what ended last first."""
    with site.visit(request) as visit:
        found = visit.seen(views.closed_incidents(visit.session, visit.community.id, MOST)) if over else visit.open_incidents()
        return [card_shown(one, visit) for one in found if one.story is not StoryKind.SILENCE]


@router.get("/{incident_id}")
def incident(request: Request, site: TheSite, incident_id: str) -> Story:
    """One incident from its beginning on. That who works here looked at somebody's data is noted, the first time they do."""
    with site.visit(request) as visit:
        found = views.incident(visit.session, visit.community.id, IncidentId(incident_id))
        if found is None or found.story is StoryKind.CARE or not visit.who.may_about(Action.SEE_INCIDENTS, found):
            raise ProblemError(404, Notice.NOT_YOURS)
        story, who = _story(found, visit), visit.who
        is_noted = visit.sees_person(found) and not STAFF.isdisjoint(who.roles)  # of family the app says when they look
    if is_noted:
        with site.database.write() as session:
            timelines.opened(session, who.community_id, found.id, by=who.id, at_ns=site.clock())
    return story


@router.post("/{incident_id}/opened", status_code=204)
def opened(site: TheSite, who: TheWho, incident_id: str) -> None:
    """Note that somebody looks at it."""
    about = _about(site, who, Action.SEE_INCIDENTS, incident_id)
    with site.database.write() as session:
        timelines.opened(session, who.community_id, about.id, by=who.id, at_ns=site.clock())


@router.post("/{incident_id}/acts")
def act(request: Request, site: TheSite, who: TheWho, incident_id: str, wish: ActWish) -> Story:
    """Take it on, say that one is there, that it is over or false, that one cannot come, or who is to take it."""
    about = _about(site, who, Action.ACT, incident_id)
    done = Act(
        by=who.id,
        do=wish.do,
        subject=about.subject,
        eta_min=wish.eta_min,
        to=PersonId(wish.to) if wish.to else None,
        reason=wish.reason,
        text=wish.text.strip(),
        id=wish.id or "",
    )
    outcome = act_on(site.database, site.estates, who.community_id, done, site.clock(), incident_id=about.id, stands=wish.stands)
    if isinstance(outcome, Refused):
        if outcome.reason == CHANGED:
            raise ProblemError(409, Notice.CHANGED)
        after = incident_of(site, who.community_id, about.id)
        raise ProblemError(409, Notice.OVER if after is None or not after.is_open else Notice.NOT_YOURS)
    return _again(request, site, about.id)


@router.post("/{incident_id}/notes")
def note(request: Request, site: TheSite, who: TheWho, incident_id: str, wish: NoteWish) -> Story:
    """Write a note."""
    about = _about(site, who, Action.ACT, incident_id)
    with site.database.write() as session:
        number = timelines.note(session, about.community_id, about.id, by=who.id, text=wish.text, at_ns=site.clock())
    return _added(request, site, about, number, Notice.NO_NOTE)


@router.post("/{incident_id}/photos")
async def photo(request: Request, site: TheSite, who: TheWho, incident_id: str, photo: UploadFile) -> Story:
    """Add a photo: JPEG or PNG, of which only the picture is kept."""
    content = await photo.read(timelines.LARGEST_PHOTO + 1)
    return await run_in_threadpool(_photo, request, site, who, incident_id, content)


@router.post("/{incident_id}/break-glass")
def break_glass(request: Request, site: TheSite, who: TheWho, incident_id: str, wish: GlassWish) -> Story:
    """Say why one has to see what one otherwise may not; it stands in the timeline, and the family sees it."""
    about = _about(site, who, Action.BREAK_GLASS, incident_id)
    with site.database.write() as session:
        number = timelines.break_glass(session, about.community_id, about.id, by=who.id, reason=wish.reason, at_ns=site.clock())
    return _added(request, site, about, number, Notice.GLASS_REASON)


def _photo(request: Request, site: Site, who: Who, incident_id: str, content: bytes) -> Story:
    about, drawn = _about(site, who, Action.ACT, incident_id), timelines.drawn_anew(content)
    with site.database.write() as session:
        number = timelines.add_photo(session, about.community_id, about.id, by=who.id, photo=drawn, at_ns=site.clock())
    return _added(request, site, about, number, Notice.NO_PHOTO)


def _added(request: Request, site: Site, about: Incident, number: int | str, refused: Notice) -> Story:
    """An incident with what was written to its timeline, by its number; or why it was not.

    Raises
    ------
    ProblemError
        It was not.
    """
    if not isinstance(number, int):
        raise ProblemError(422, refused)
    return _again(request, site, about.id)


def _about(site: Site, who: Who, action: Action, incident_id: str) -> Incident:
    """An incident that somebody may do something about.

    Raises
    ------
    ProblemError
        There is none, or it is not theirs: which of the two is not said.
    """
    about = incident_for(site, who, action, incident_id)
    if about is None:
        raise ProblemError(404, Notice.NOT_YOURS)
    return about


def _again(request: Request, site: Site, incident_id: IncidentId) -> Story:
    """As it is after something was done."""
    with site.visit(request) as visit:
        found = views.incident(visit.session, visit.community.id, incident_id)
        if found is None:
            raise ProblemError(404, Notice.OVER)
        return _story(found, visit)


def _story(incident: Incident, visit: Visit) -> Story:
    scene, who = visit.scene, visit.who
    told = views.tellings(visit.session, visit.community.id, [incident.id])[incident.id]
    shown = card(incident, told, scene)
    found = moments(incident, told, timelines.read(visit.session, visit.community.id, incident.id), visit)
    may_act = who.may_about(Action.ACT, incident)
    place = places([incident], visit).get(incident.id) if incident.is_open and who.may(Action.USE_DESK) else None
    home = incident.home_id if incident.home_id and incident.home_id in visit.community.plans else None
    acts = [value.partition("/") for value, _ in shown.acts] if may_act else []
    return Story(
        card=card_shown(incident, visit),
        mark_words=list(shown.marks),
        sure_words=next((one.decision.sure for one in found if one.decision and one.decision.sure), ""),
        moments=[_moment(one, visit) for one in found],
        told=[_told(one) for one in shown.told],
        next_words=list(shown.next),
        acts=[_act(Do(do), words, scene) for (do, _, _), (_, words) in zip(acts, shown.acts, strict=False)],
        arrive_min=list(ARRIVE_MIN),
        position=_position(incident, visit) if incident.is_open and visit.sees_person(incident, DataPurpose.POSITION) else None,
        emergency=[Emergency(number=one.number, words=one.words, read_out_words=one.read_out) for one in emergencies(incident, scene)],
        call=[person_shown(one, visit) for one in worth_a_call(incident, scene, who.id)],
        access_words=_access(incident, visit) if incident.is_open and not STAFF.isdisjoint(who.roles) else "",
        home=home if incident.is_open and who.may(Action.USE_DESK) and all(who.may_about(one, incident) for one in _ABOUT_PLANS) else None,
        lon_deg=place[0] if place else None,
        lat_deg=place[1] if place else None,
        takers=[person_shown(one, visit) for one in takers_of(incident, visit)] if may_act else [],
        may=[one for one in _ABOUT_IT if who.may_about(one, incident)],
    )


def _act(do: Do, words: str, scene: Scene) -> ActShown:
    return ActShown(do=do, words=words, found=[FoundShown(reason=one, words=scene.words.found[one]) for one in REASONS.get(do, ())])


def _access(incident: Incident, visit: Visit) -> str:
    """How one gets in where it is."""
    home = visit.community.directory.homes.get(incident.home_id) if incident.home_id else None
    return (home.access or "") if home and visit.sees_person(incident) else ""


def _position(incident: Incident, visit: Visit) -> Position | None:
    """Where whom it is about was last, by what they wear or carry."""
    about = wards(incident, visit.community.directory)
    worn = [one.id for one in visit.community.directory.devices.values() if one.wearer in about]
    fixes = [one.fix for one in lately.of_devices(visit.session, visit.community.id, worn).values() if one.fix is not None]
    newest = max(fixes, key=lambda one: one.at_ns, default=None)
    if newest is None:
        return None
    return Position(
        lon_deg=newest.lon_deg,
        lat_deg=newest.lat_deg,
        accuracy_m=newest.accuracy_m,
        at_ns=newest.at_ns,
        ago_words=visit.scene.ago(newest.at_ns),
    )


def _told(one: Told) -> ToldShown:
    return ToldShown(name=one.name, role_words=one.role, channel_words=one.channel, state=one.state, outcome_words=one.outcome)


def _moment(one: Moment, visit: Visit) -> MomentShown:
    decision = one.decision
    picture = None
    if decision is not None and (decision.plot is not None or decision.plan is not None):
        name, drawn = ("fall.svg.j2", decision.plot) if decision.plot is not None else ("fence.svg.j2", decision.plan)
        drawing = visit.site.pages.get_template(name).module
        picture = str(drawing.picture(drawn, one.key) if decision.plot is not None else drawing.plan(drawn, one.key))  # type: ignore[attr-defined]
    return MomentShown(
        at_ns=one.at_ns,
        at_words=one.time,
        kind=one.kind,
        words=one.title,
        detail_words=one.detail,
        said=one.text,
        state=one.state,
        steps=[step.words for step in one.steps],
        sure_words=" ".join(part for part in (decision.sure, decision.percent) if part) if decision else "",
        speaks_for_words=list(decision.speaks_for) if decision else [],
        speaks_against_words=list(decision.speaks_against) if decision else [],
        picture=picture,
        photo=one.photo or None,
    )
