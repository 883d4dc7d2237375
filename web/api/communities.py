"""Communities as such: what each takes up, and a new one."""

from datetime import datetime

from fastapi import APIRouter, Request

from devices.model import NS_PER_S, CommunityId
from incidents.directory import Role
from notifier.spending import MICRO
from store import metering, reports, spending
from web.api.administration import checked
from web.api.model import Communities, CommunityMetered, FileChecked, FileWish
from web.gate import TheWho
from web.rights import Action
from web.site import TheSite, Visit

router = APIRouter(prefix="/api/administration/communities", tags=["administration"])


@router.get("")
def communities(request: Request, site: TheSite) -> Communities:
    """What communities take up in this month of the looked-at community's clock: one's own, or all."""
    with site.visit(request) as visit:
        zone = visit.community.directory.timezone
        month = f"{datetime.fromtimestamp(visit.scene.now_ns // NS_PER_S, tz=zone):%Y-%m}"
        span = reports.month(month, zone)
        spent = spending.by_gateway(visit.session, *span)
        return Communities(
            month=month,
            communities=[_metered(one, visit, span, spent) for one in _known(visit)],
            may_found=visit.who.may(Action.OPERATE),
        )


@router.post("")
def found(site: TheSite, who: TheWho, wish: FileWish) -> FileChecked:
    """Look at a community file, or make a new community of it. It names its first administrator; who makes it has no right in it."""
    return checked(site, who, wish, of=None)


def _known(visit: Visit) -> tuple[CommunityId, ...]:
    """All, for who runs the platform; else those in which whoever asks is administrator, by the same sign-in."""
    every = visit.site.estates.ids(visit.session)
    if visit.who.may(Action.OPERATE):
        return every
    _, members = visit.site.members(visit.session, visit.request)
    return tuple(dict.fromkeys(one.community_id for one in members if Role.ADMINISTRATOR in one.person.roles))


def _metered(one: CommunityId, visit: Visit, span: tuple[int, int], spent: list[spending.Spent]) -> CommunityMetered:
    community = visit.site.estates.community(visit.session, one)
    found = metering.metered(visit.session, one, *span, spent)
    quota = visit.site.spending.quotas_micro.get(one)
    return CommunityMetered(
        id=one,
        name=community.directory.name,
        devices=len(community.devices),
        people=len(community.directory.people),
        homes=len(community.directory.homes),
        messages=found.messages,
        segments=found.segments,
        cost=round(found.cost_micro / MICRO, 2),
        quota=None if quota is None else quota / MICRO,
        stored_bytes=found.stored_bytes,
    )
