"""The console."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from store import views
from web.cards import card
from web.client import is_built
from web.desk import lacks
from web.rights import Action
from web.silences import silence, told_apart
from web.site import TheSite, Visit
from web.who import FAMILY

MOST_OVER = 20
"""Incidents that are over, on the console."""

router = APIRouter()


@router.get("/")
def console(request: Request, site: TheSite) -> Response:
    """What is going on, the gravest first, then what was over last; families have the app instead."""
    with site.visit(request) as visit:
        if visit.who.roles <= FAMILY and is_built():
            return RedirectResponse("/app/", 303)
        going_on, silences = told_apart(visit.open_incidents())
        is_all = visit.who.has_all(Action.SEE_INCIDENTS)
        broken = lacks(visit, going_on)
        over = visit.seen(views.closed_incidents(visit.session, visit.community.id, MOST_OVER))
        told = views.tellings(visit.session, visit.community.id, [one.id for one in (*going_on, *over)])
        return visit.page(
            "console.html.j2",
            title=visit.scene.words.console,
            silences=[silence(one, visit.scene) for one in silences],
            going_on=[card(one, told[one.id], visit.scene) for one in going_on],
            over=[card(one, told[one.id], visit.scene) for one in over],
            lacks=broken,
            desk=visit.who.may(Action.USE_DESK) and is_built(),
            counts=_counts(visit) if is_all else [],
        )


def _counts(visit: Visit) -> list[tuple[int, str]]:
    words, directory = visit.scene.words, visit.community.directory
    residents = {person for home in directory.homes.values() for person in home.occupants}
    return [
        (len(directory.homes), words.count_homes),
        (len(residents), words.count_residents),
        (len(visit.community.devices), words.count_devices),
    ]
