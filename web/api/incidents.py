"""One incident's page."""

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from devices.model import PersonId
from incidents.audience import is_under_duress
from incidents.model import Incident, IncidentId, Story
from incidents.timeline import EntryKind
from store import timelines, views
from store.model import StoreBusyError
from web.cards import card
from web.desk import takers_of
from web.moments import moments
from web.rights import Action
from web.site import NotFoundError, Site, TheSite

_log = structlog.get_logger(__name__)

router = APIRouter()


@router.get("/incidents/{community_id}/{incident_id}")  # noqa: FAST003  the gate takes the community
def incident(request: Request, site: TheSite, incident_id: str) -> HTMLResponse:
    """One incident from its beginning on."""
    with site.visit(request) as visit:
        entries = timelines.read(visit.session, visit.community.id, IncidentId(incident_id))
        found = views.incident(visit.session, visit.community.id, IncidentId(incident_id))
        if found is None or not visit.who.may_about(Action.SEE_INCIDENTS, found):
            raise NotFoundError
        sees_person = visit.sees_person(found)
        told = views.tellings(visit.session, visit.community.id, [found.id])[found.id]
        shown = card(found, told, visit.scene)
        page = visit.page(
            "incident.html.j2",
            title=f"{shown.title} · {shown.who}",
            card=shown,
            incident=found,
            moments=moments(found, told, entries, visit),
            quiet=_quiet_subject(found),
            takers=[(one.id, visit.scene.name(one.id)) for one in takers_of(found, visit)],
            glass=not sees_person and visit.who.may_about(Action.BREAK_GLASS, found),
        )
        me = visit.who
        have_looked = {entry.by for _, entry in entries if entry.kind is EntryKind.OPENED}
    if me.id not in have_looked and _is_looked_at(request):
        _note_opened(site, found, me.id)
    return page


def _is_looked_at(request: Request) -> bool:
    """Whether somebody looks, and it is not the browser that fetches in advance."""
    said = " ".join(request.headers.get(name, "") for name in ("purpose", "sec-purpose", "x-moz", "x-purpose"))
    return request.method == "GET" and "prefetch" not in said and "preview" not in said


def _note_opened(site: Site, about: Incident, by: PersonId) -> None:
    """Write down that somebody looks. That it cannot be written down just now is no reason not to show them the page."""
    try:
        with site.database.write() as session:
            timelines.opened(session, about.community_id, about.id, by=by, at_ns=site.clock())
    except StoreBusyError as error:
        _log.warning("web.opened_not_noted", incident=about.id, reason=str(error))


def _quiet_subject(about: Incident) -> str:
    """What alerts can be paused of from an incident's page; "" of nothing, where somebody called for help in silence."""
    return "" if about.story is Story.SILENCE or is_under_duress(about) else about.subject
