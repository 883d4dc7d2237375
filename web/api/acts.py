"""What people do on the pages with incidents and homes. Each form is answered with the page it was on."""

from fastapi import APIRouter
from fastapi.responses import RedirectResponse

from devices.model import HomeId, PersonId
from incidents.model import Act, Do, Incident, Refused
from rules.kinds import Mode
from store.acts import act_on, may_set_mode, set_mode
from store.model import StoreBusyError
from web.api.answers import Sent, back, incident, incident_of, said
from web.cards import ARRIVE_MIN, href
from web.gate import TheWho
from web.rights import Action
from web.site import Site, TheSite
from web.who import Who
from web.words import Notice

router = APIRouter()


@router.post("/acts")
def act(site: TheSite, who: TheWho, form: Sent) -> RedirectResponse:
    """Act on an incident: `act` is what to do and the incident, as in `acknowledge/fall-…`.

    `eta/fall-…` is in how many minutes somebody is there.
    """
    do, _, incident_id = said(form, "act").partition("/")
    eta = said(form, f"eta/{incident_id}")
    try:
        before = incident(site, who, Action.ACT, incident_id)
        if before is None or do not in set(Do) or eta not in {"", *map(str, ARRIVE_MIN)}:
            notice = Notice.REFUSED
        else:
            to = PersonId(said(form, "to")) if do == Do.HAND_OVER else None
            notice = _act(site, before, Act(by=who.id, do=Do(do), subject=before.subject, eta_min=float(eta) if eta else None, to=to))
    except StoreBusyError:
        before, notice = None, Notice.BUSY
    is_incidents = before is not None and said(form, "back") == "incident"
    path, place = (href(before), "") if before and is_incidents else ("/", f"i-{incident_id}" if before else "")
    return back(path, place, who, notice)


@router.post("/modes")
def mode(site: TheSite, who: TheWho, form: Sent) -> RedirectResponse:
    """Change a home's mode: `mode` is the mode and the home, as in `away/b3-201`; `code/b3-201` what was typed, if anything."""
    name, _, home_id = said(form, "mode").partition("/")
    try:
        code = said(form, f"code/{home_id}") or None
        notice = _mode(site, who, HomeId(home_id), name, code)
    except StoreBusyError:
        notice = Notice.BUSY
    return back("/homes", f"h-{home_id}", who, notice, home=home_id)


def _act(site: Site, before: Incident, act: Act) -> Notice:
    outcome = act_on(site.database, site.estates, before.community_id, act, site.clock(), incident_id=before.id)
    if not isinstance(outcome, Refused):
        return Notice.DONE
    after = incident_of(site, before.community_id, before.id)
    return Notice.OVER if after is None or not after.is_open else Notice.NOT_YOURS


def _mode(site: Site, who: Who, home_id: HomeId, name: str, code: str | None) -> Notice:
    if name not in set(Mode):
        return Notice.REFUSED
    if not who.may_at(Action.SET_MODE, home_id):
        return Notice.NOT_YOURS
    since = set_mode(site.database, site.estates, who.community_id, home_id, Mode(name), by=who.id, now_ns=site.clock(), code=code)
    if not isinstance(since, Refused):
        return Notice.MODE_SET
    may = home_id in who.directory.homes and may_set_mode(who.person, home_id, who.directory)
    return Notice.WRONG_CODE if may else Notice.NOT_YOURS
