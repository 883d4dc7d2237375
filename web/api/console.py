"""The console, and one incident's page."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from incidents.model import IncidentId
from store import views
from web.cards import card
from web.site import NotFoundError, TheSite, Visit
from web.timeline import timeline

MOST_OVER = 20
"""Incidents that are over, on the console."""

router = APIRouter()


@router.get("/")
def console(request: Request, site: TheSite) -> HTMLResponse:
    """What is going on, the gravest first, then what was over last."""
    with site.visit(request) as visit:
        going_on = views.open_incidents(visit.session, visit.community.id)
        over = views.closed_incidents(visit.session, visit.community.id, MOST_OVER)
        told = views.tellings(visit.session, visit.community.id, [one.id for one in (*going_on, *over)])
        return visit.page(
            "console.html.j2",
            title=visit.scene.words.console,
            going_on=[card(one, told[one.id], visit.scene) for one in going_on],
            over=[card(one, told[one.id], visit.scene) for one in over],
            responders=visit.scene.responders(),
            counts=_counts(visit),
        )


@router.get("/incidents/{community_id}/{incident_id}")
def incident(request: Request, site: TheSite, community_id: str, incident_id: str) -> HTMLResponse:
    """One incident from its beginning on."""
    with site.visit(request, community_id) as visit:
        found = views.incident(visit.session, visit.community.id, IncidentId(incident_id))
        if found is None:
            raise NotFoundError
        told = views.tellings(visit.session, visit.community.id, [found.id])[found.id]
        shown = card(found, told, visit.scene)
        return visit.page(
            "incident.html.j2",
            title=f"{shown.title} · {shown.who}",
            card=shown,
            moments=timeline(found, told, visit.scene),
            responders=visit.scene.responders(),
        )


def _counts(visit: Visit) -> list[tuple[int, str]]:
    words, directory = visit.scene.words, visit.community.directory
    residents = {person for home in directory.homes.values() for person in home.occupants}
    return [
        (len(directory.homes), words.count_homes),
        (len(residents), words.count_residents),
        (len(visit.community.devices), words.count_devices),
    ]
