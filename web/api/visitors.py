"""Who is known to come to a home, and when: what they cause is noted, and nobody is alarmed by it."""

from typing import Any

from fastapi import APIRouter, Request

from incidents.directory import VisitorKind, Weekday
from web.api.choosing import keep
from web.api.glances import home_at
from web.api.model import Choice, VisitorOfHome, Visitors, VisitorsWish
from web.gate import TheWho
from web.rights import Action
from web.site import TheSite, Visit

router = APIRouter(prefix="/api/homes/{home_id}/visitors", tags=["homes"])


@router.get("")
def visitors(request: Request, site: TheSite, home_id: str) -> Visitors:
    """Who is known to come."""
    with site.visit(request) as visit:
        return _shown(visit, home_id)


@router.put("")
def put_visitors(request: Request, site: TheSite, who: TheWho, home_id: str, wish: VisitorsWish) -> Visitors:
    """Say who comes when: it holds from now on."""
    home = home_at(who, Action.SILENCE, home_id)

    def change(chosen: dict[str, Any]) -> None:
        said = (one.model_dump(mode="json", exclude_none=True) for one in wish.visitors)
        chosen["visitors"] = [{"from" if key == "since" else key: value for key, value in one.items()} for one in said]

    keep(site, who, change, home=home)
    with site.visit(request) as visit:
        return _shown(visit, home_id)


def _shown(visit: Visit, home_id: str) -> Visitors:
    home = visit.community.directory.homes[home_at(visit.who, Action.SEE_HOMES, home_id)]
    words = visit.scene.words
    return Visitors(
        visitors=[
            VisitorOfHome(
                name=one.name,
                kind=one.kind,
                since=f"{one.hours.since:%H:%M}",
                to=f"{one.hours.until:%H:%M}",
                days=[Weekday(day).name.lower() for day in sorted(one.hours.days)],
                until=None if one.last is None else one.last.isoformat(),
            )
            for one in home.visitors
        ],
        kinds=[Choice(id=kind, words=words.visitors[kind]) for kind in VisitorKind],
        may=visit.who.may_at(Action.SILENCE, home.id),
    )
