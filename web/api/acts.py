"""What people do on the pages with incidents and homes. Each form is answered with the page it was on."""

from fastapi import APIRouter
from fastapi.responses import RedirectResponse

from devices.model import CommunityId, HomeId, PersonId
from incidents.model import Act, Do, Incident, Refused
from rules.kinds import Mode
from store.acts import act_on, may_set_mode, set_mode
from store.model import StoreBusyError
from web.api.answers import Sent, back, check, incident, is_known, said
from web.cards import ARRIVE_MIN, href
from web.site import Site, TheSite
from web.words import Notice

router = APIRouter()


@router.post("/acts")
def act(site: TheSite, form: Sent) -> RedirectResponse:
    """Act on an incident: `act` is what to do and the incident, as in `acknowledge/fall-…`.

    `eta/fall-…` is in how many minutes somebody is there.
    """
    community, by = said(form, "community"), said(form, "by")
    do, _, incident_id = said(form, "act").partition("/")
    eta = said(form, f"eta/{incident_id}")
    try:
        check(site, community)
        before = incident(site, community, incident_id)
        if before is None or do not in set(Do) or eta not in {"", *map(str, ARRIVE_MIN)}:
            notice = Notice.REFUSED
        else:
            notice = _act(site, before, Act(by=PersonId(by), do=Do(do), subject=before.subject, eta_min=float(eta) if eta else None))
    except StoreBusyError:
        before, notice = None, Notice.BUSY
    is_incidents = before is not None and said(form, "back") == "incident"
    path, place = (href(before), "") if before and is_incidents else ("/", f"i-{incident_id}" if before else "")
    return back(path, place, community, by, notice)


@router.post("/modes")
def mode(site: TheSite, form: Sent) -> RedirectResponse:
    """Change a home's mode: `mode` is the mode and the home, as in `away/b3-201`; `code/b3-201` what was typed, if anything."""
    community, by = said(form, "community"), said(form, "by")
    name, _, home_id = said(form, "mode").partition("/")
    try:
        check(site, community)
        code = said(form, f"code/{home_id}") or None
        notice = _mode(site, CommunityId(community), HomeId(home_id), name, by=PersonId(by), code=code)
    except StoreBusyError:
        notice = Notice.BUSY
    return back("/homes", f"h-{home_id}", community, by, notice, home=home_id)


def _act(site: Site, before: Incident, act: Act) -> Notice:
    outcome = act_on(site.database, site.estates, before.community_id, act, site.clock(), incident_id=before.id)
    if not isinstance(outcome, Refused):
        return Notice.DONE
    after = incident(site, before.community_id, before.id)
    if after is None or not after.is_open:
        return Notice.OVER
    return Notice.NOT_YOURS if is_known(site, before.community_id, act.by) else Notice.NOBODY


def _mode(site: Site, community_id: CommunityId, home_id: HomeId, name: str, *, by: PersonId, code: str | None) -> Notice:
    if name not in set(Mode):
        return Notice.REFUSED
    since = set_mode(site.database, site.estates, community_id, home_id, Mode(name), by=by, now_ns=site.clock(), code=code)
    if not isinstance(since, Refused):
        return Notice.MODE_SET
    with site.database.read() as session:
        directory = site.estates.community(session, community_id).directory
    if by not in directory.people:
        return Notice.NOBODY
    may = home_id in directory.homes and may_set_mode(directory.people[by], home_id, directory)
    return Notice.WRONG_CODE if may else Notice.NOT_YOURS
