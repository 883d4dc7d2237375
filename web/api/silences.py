"""Asking for silence about somebody or something."""

from fastapi import APIRouter
from fastapi.responses import RedirectResponse

from devices.model import NS_PER_S, CommunityId
from incidents.audience import home_of
from incidents.model import Quiet, Refused
from store.acts import silence
from store.model import StoreBusyError
from web.api.answers import Sent, back, back_to_incident, incident, said
from web.gate import TheWho
from web.rights import Action
from web.silences import AWAY_MIN, QUIET_MIN, refusal
from web.site import Site, TheSite
from web.words import Notice

router = APIRouter()


@router.post("/silences")
def quiet(site: TheSite, who: TheWho, form: Sent) -> RedirectResponse:
    """Pause alerts: `quiet` is minutes and what it is about, as in `30/b3-201`; `reason/b3-201` why, `life/b3-201` of life safety too.

    `away` instead, as in `4320/wang-xiuying`: somebody is elsewhere.

    `back` is `incident` on the page of the incident that `incident` names; else it was a home.
    """
    is_away = "away" in form
    minutes, _, subject = said(form, "away" if is_away else "quiet").partition("/")
    home = home_of(subject, who.directory)
    about = None
    try:
        about = incident(site, who, Action.SEE_INCIDENTS, said(form, "incident"))
        if not who.may_at(Action.SILENCE, home):
            notice = Notice.NOT_YOURS
        elif minutes in {str(one) for one in (AWAY_MIN if is_away else QUIET_MIN)}:
            now_ns = site.clock()
            asked = Quiet(
                by=who.id,
                subject=subject,
                reason=said(form, f"reason/{subject}"),
                until_ns=now_ns + int(minutes) * 60 * NS_PER_S,
                life=bool(said(form, f"life/{subject}")),
                away=is_away,
            )
            notice = _quiet(site, who.community_id, asked, now_ns)
        else:
            notice = Notice.REFUSED
    except StoreBusyError:
        notice = Notice.BUSY
    if said(form, "back") == "incident":
        return back_to_incident(about, who, notice)
    return back("/homes", f"h-{home or subject}", who, notice, home=home or subject)


def _quiet(site: Site, community_id: CommunityId, asked: Quiet, now_ns: int) -> Notice:
    outcome = silence(site.database, site.estates, community_id, asked, now_ns)
    return refusal(outcome) if isinstance(outcome, Refused) else Notice.QUIET
