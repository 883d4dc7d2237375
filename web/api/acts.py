"""What people do on the pages. Each form is answered with the page it was on (POST, redirect, GET)."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse

from devices.model import CommunityId, HomeId, PersonId
from incidents.model import Act, Do, Incident, IncidentId, Refused
from rules.model import Mode
from store import views
from store.acts import act_on, set_mode
from store.model import StoreBusyError
from web.cards import href
from web.site import NotFoundError, Site, TheSite, me_cookie
from web.words import Notice

_YEAR_S = 365 * 24 * 3600

router = APIRouter()
Said = Annotated[str, Form()]


@router.post("/acts")
def act(site: TheSite, community: Said = "", by: Said = "", act: Said = "", back: Said = "") -> RedirectResponse:
    """Act on an incident: `act` is what to do and the incident, as in `resolve/fall-…`."""
    do, _, incident_id = act.partition("/")
    try:
        _check(site, community)
        before = _incident(site, community, incident_id)
        if before is None or do not in set(Do):
            notice = Notice.REFUSED
        else:
            notice = _act(site, before, Act(by=PersonId(by), do=Do(do), subject=before.subject))
    except StoreBusyError:
        before, notice = None, Notice.BUSY
    path, place = (href(before), "") if before and back == "incident" else ("/", f"i-{incident_id}" if before else "")
    return _back(path, place, community, by, notice)


@router.post("/modes")
def mode(site: TheSite, community: Said = "", by: Said = "", mode: Said = "") -> RedirectResponse:
    """Change a home's mode: `mode` is the mode and the home, as in `away/b3-201`."""
    name, _, home_id = mode.partition("/")
    try:
        _check(site, community)
        notice = _mode(site, CommunityId(community), home_id, name, by)
    except StoreBusyError:
        notice = Notice.BUSY
    return _back("/homes", f"h-{home_id}", community, by, notice)


def _act(site: Site, incident: Incident, act: Act) -> Notice:
    outcome = act_on(site.database, site.estates, incident.community_id, act, site.clock(), incident_id=incident.id)
    if not isinstance(outcome, Refused):
        return Notice.DONE
    after = _incident(site, incident.community_id, incident.id)
    if after is None or not after.is_open:
        return Notice.OVER
    return Notice.NOT_YOURS if _is_known(site, incident.community_id, act.by) else Notice.NOBODY


def _mode(site: Site, community_id: CommunityId, home_id: str, name: str, by: str) -> Notice:
    if name not in set(Mode):
        return Notice.REFUSED
    since = set_mode(site.database, site.estates, community_id, HomeId(home_id), Mode(name), by=PersonId(by), now_ns=site.clock())
    if not isinstance(since, Refused):
        return Notice.MODE_SET
    return Notice.NOT_YOURS if _is_known(site, community_id, by) else Notice.NOBODY


def _check(site: Site, community: str) -> None:
    with site.database.read() as session:
        if community not in site.estates.ids(session):
            raise NotFoundError


def _incident(site: Site, community: str, incident_id: str) -> Incident | None:
    with site.database.read() as session:
        return views.incident(session, CommunityId(community), IncidentId(incident_id))


def _is_known(site: Site, community_id: CommunityId, person: str) -> bool:
    with site.database.read() as session:
        return person in site.estates.community(session, community_id).directory.people


def _back(path: str, place: str, community: str, by: str, notice: Notice) -> RedirectResponse:
    query = urlencode({"community": community, "said": notice})
    answer = RedirectResponse(f"{path}?{query}#{place}".rstrip("#"), 303)
    if notice in {Notice.DONE, Notice.MODE_SET}:  # so somebody of this community, whose id fits into a cookie
        answer.set_cookie(me_cookie(community), by, max_age=_YEAR_S, httponly=True, samesite="lax")
    return answer
