"""When a home's mode changes by itself, as its household chose it."""

from typing import Any

from fastapi import APIRouter, Request

from incidents.directory import Weekday
from rules.calendar import upcoming
from web.api.choosing import keep
from web.api.glances import home_at
from web.api.model import Planned, Schedule, ScheduleWish
from web.gate import TheWho
from web.rights import Action
from web.site import TheSite, Visit

router = APIRouter(prefix="/api/homes/{home_id}/schedule", tags=["homes"])


@router.get("")
def schedule(request: Request, site: TheSite, home_id: str) -> Schedule:
    """When a home's mode changes by itself."""
    with site.visit(request) as visit:
        return _shown(visit, home_id)


@router.put("")
def put_schedule(request: Request, site: TheSite, who: TheWho, home_id: str, wish: ScheduleWish) -> Schedule:
    """Choose when it does: it holds from now on."""
    home = home_at(who, Action.SET_MODE, home_id)

    def change(chosen: dict[str, Any]) -> None:
        chosen["schedule"] = [one.model_dump(mode="json") for one in wish.planned]

    keep(site, who, change, home=home)
    with site.visit(request) as visit:
        return _shown(visit, home_id)


def _shown(visit: Visit, home_id: str) -> Schedule:
    home = home_at(visit.who, Action.SEE_HOMES, home_id)
    scene, planned = visit.scene, visit.community.schedules.get(home, ())
    comes = upcoming(planned, scene.now_ns, visit.community.clocks.zone)
    return Schedule(
        planned=[
            Planned(at=f"{one.at:%H:%M}", mode=one.mode, days=[Weekday(day).name.lower() for day in sorted(one.days)]) for one in planned
        ],
        next_words=scene.words.next_mode.format(time=scene.clock(comes[0]), mode=scene.words.modes[comes[1].mode]) if comes else "",
    )
