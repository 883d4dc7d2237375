"""Drills: begun by who administers the community, and what each has shown."""

from collections.abc import Iterable
from datetime import UTC, datetime

from fastapi import APIRouter, Request

from devices.model import NS_PER_S, HomeId, PersonId
from incidents.directory import Role
from incidents.model import Drill, Incident, Refused
from notifier.drills import Broke, DrillReport, Reached, Way, report
from store import acts, drills, timelines, views
from store.outbox import NotificationState
from store.views import Telling
from web.api.model import Choice, DrillLine, Drills, DrillShown, DrillWish
from web.api.problems import ProblemError
from web.cards import state_words
from web.gate import TheWho
from web.scene import Scene
from web.site import TheSite, Visit
from web.words import Drilling, Notice

MOST = 12
"""Drills that are shown: those of six years, where there are two a year."""

_WHY = {
    "is real and goes on": Drilling.REAL,
    "is a drill that goes on": Drilling.GOES_ON,
    "there is silence about": Drilling.QUIET,
    "no policy says": Drilling.NO_POLICY,
}
"""What a refusal's reason says, and what the page does."""

router = APIRouter(prefix="/api/administration/drills", tags=["drills"])


@router.get("")
def shown(request: Request, site: TheSite) -> Drills:
    """Drills that were, what each has shown, and when the next one is due."""
    with site.visit(request) as visit:
        return _drills(visit)


@router.post("", status_code=201)
def begin(request: Request, site: TheSite, who: TheWho, wish: DrillWish) -> Drills:
    """Begin one: at once, everybody is told who would be told of a fall of somebody, and that it is a drill."""
    outcome = acts.drill(site.database, site.estates, who.community_id, Drill(by=who.id, resident=PersonId(wish.resident)), site.clock())
    with site.visit(request) as visit:
        if isinstance(outcome, Refused):
            said = next((one for part, one in _WHY.items() if part in outcome.reason), None)
            raise ProblemError(409, Notice.REFUSED, visit.scene.words.drill[said] if said else "")
        return _drills(visit)


def _drills(visit: Visit) -> Drills:
    scene, directory, community_id = visit.scene, visit.community.directory, visit.community.id
    known = drills.read(visit.session, community_id)[:MOST]
    told = views.tellings(visit.session, community_id, [one.id for one in known])
    due_ns = drills.due_ns(visit.session, community_id)
    date = scene.words.script.date(datetime.fromtimestamp(due_ns // NS_PER_S, tz=UTC).astimezone(directory.timezone))
    is_due = due_ns <= scene.now_ns
    return Drills(
        due_words=scene.words.drill[Drilling.OVERDUE if is_due else Drilling.DUE].format(date=date),
        is_due=is_due,
        residents=[
            Choice(id=one.id, words=_with_address(one.id, scene)) for one in directory.people.values() if Role.RESIDENT in one.roles
        ],
        drills=[_drill(one, told[one.id], visit) for one in known],
    )


def _with_address(resident: PersonId, scene: Scene) -> str:
    home = scene.directory.homes.get(scene.directory.people[resident].home or HomeId(""))
    return scene.words.clause_gap.join(one for one in (scene.name(resident), home.address if home else "") if one)


def _drill(drill: Incident, told: Iterable[Telling], visit: Visit) -> DrillShown:
    scene, words = visit.scene, visit.scene.words.drill
    entries = (entry for _, entry in timelines.read(visit.session, visit.community.id, drill.id))
    found = report(drill, told, entries)
    spared = scene.words.list_gap.join(scene.name(one) for one in drill.left_out)
    return DrillShown(
        id=drill.id,
        who_words=_with_address(PersonId(drill.subject), scene) if PersonId(drill.subject) in scene.directory.people else drill.subject,
        began_words=words[Drilling.BEGAN].format(time=scene.clock(drill.opened_ns), by=scene.name(str(drill.headline.evidence.get("by")))),
        state_words=state_words(drill, scene),
        taken_words=_taken(found, scene),
        is_open=drill.is_open,
        people=[_line(one, found, scene) for one in found.people],
        broken_words=[scene.words.broke[broke].format(name=scene.name(person)) for broke, person in found.breaks],
        left_out_words=words[Drilling.LEFT_OUT].format(names=spared) if spared else "",
    )


def _taken(found: DrillReport, scene: Scene) -> str:
    if found.taken_by is None or found.taken_s is None:
        return "" if (Broke.NOBODY_ANSWERED, None) in found.breaks else scene.words.drill[Drilling.NOT_TAKEN]
    lasting = scene.wording.lasting(round(found.taken_s))
    return scene.words.drill[Drilling.TAKEN].format(name=scene.name(found.taken_by), lasting=lasting)


def _line(one: Reached, found: DrillReport, scene: Scene) -> DrillLine:
    words = scene.words
    answer = words.drill[Drilling.NO_ANSWER]
    if one.do is not None and one.answered_ns is not None:
        after_s = (one.answered_ns - found.incident.opened_ns) / NS_PER_S if one.answer_s is None else one.answer_s
        answer = words.drill[Drilling.ANSWERED].format(answer=words.do[one.do], lasting=scene.wording.lasting(round(after_s)))
    return DrillLine(
        name=scene.name(one.person),
        role_words=scene.relation(one.person),
        told_words=[_way(way, scene) for way in one.ways],
        answer_words=answer,
        is_broken=any(person == one.person for _, person in found.breaks),
    )


def _way(way: Way, scene: Scene) -> str:
    words = scene.words
    channel = words.channels[way.channel] if way.channel else words.no_channel
    parts = [words.drill[Drilling.TOLD].format(time=scene.clock(way.at_ns, seconds=True), channel=channel)]
    if way.state is NotificationState.DELIVERED and way.arrived_ns is not None:
        parts.append(words.drill[Drilling.ARRIVED].format(time=scene.clock(way.arrived_ns, seconds=True)))
    else:
        parts.append(words.sent[way.state])
    return words.clause_gap.join(parts)
