"""The desk: what is wrong, what is broken, and who is on duty until when; for the console's page and for the app's alike."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from devices.model import NS_PER_S, DeviceId, HomeId
from incidents.audience import wards
from incidents.desk import takers
from incidents.directory import Person
from incidents.model import CALM, Incident, IncidentState, Story
from incidents.roster import turn
from notifier import reachability
from notifier.spending import Stage
from store import lately, wearing
from store.consents import DataPurpose
from web.rights import Action
from web.scene import Scene
from web.silences import told_apart
from web.site import Visit
from web.unguarded import in_words, unguarded
from web.unreachable import unreachable
from web.words import Desking, Lack

FRESH_NS = 600 * NS_PER_S
"""A position from so long before an incident, or from later, says where to go; an older one does not."""

LONGEST_SHIFT_NS = 24 * 3600 * NS_PER_S
SHIFT_NS = 12 * 3600 * NS_PER_S
"""What a shift is where no roster says since when somebody is on duty."""

_HANDED_OVER = frozenset({IncidentState.OPEN, IncidentState.ACKNOWLEDGED, IncidentState.ON_SCENE})
"""States in which somebody may be asked to take it."""

_FAULTS = frozenset({Story.FAULT, Story.OUTAGE})
_BUDGETS = {Stage.NEARLY: Desking.BUDGET_NEARLY, Stage.OVER: Desking.BUDGET_OVER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Who is on duty by one roster, and who is next, each with until when."""

    roster: str
    now: str
    following: str


def parted(incidents: Iterable[Incident]) -> tuple[list[Incident], list[Incident], list[Incident]]:
    """What is wrong, what is broken, and the silences; each in the order in which it comes."""
    going_on, silences = told_apart(incidents)
    return [one for one in going_on if one.story not in _FAULTS], [one for one in going_on if one.story in _FAULTS], silences


def lacks(visit: Visit, going_on: Iterable[Incident]) -> Mapping[Lack, str]:
    """What is broken besides, each in a line, as far as whoever looks may know."""
    who, scene = visit.who, visit.scene
    blind = unguarded(wearing.of_community(visit.session, visit.community.id), going_on, scene)
    said = {Lack.UNGUARDED: in_words([one for home, said in blind.items() for one in said if who.may_at(Action.SEE_HOMES, home)], scene)}
    if who.has_all(Action.SEE_INCIDENTS):
        said[Lack.UNREACHABLE] = unreachable(visit.session, visit.community.id, scene)
        stage = visit.site.spending.stage(visit.session, visit.community.id, visit.community.directory.timezone, scene.now_ns)
        said[Lack.BUDGET] = scene.words.desk[_BUDGETS[stage]] if stage in _BUDGETS else ""
    if who.has_all(Action.SEE_RED_LIST):
        found = reachability.look(visit.session, visit.community.directory, visit.site.spending, scene.now_ns)
        residents = {one.resident for one in found if one.resident is not None}
        said[Lack.RED_LIST] = scene.words.desk[Desking.RED_LIST].format(n=len(residents)) if residents else ""
    return {lack: words for lack, words in said.items() if words}


def places(incidents: Iterable[Incident], visit: Visit) -> Mapping[str, tuple[float, float]]:
    """Where to go for each incident, in lon and lat of WGS 84 degrees, by its id.

    That is where whom it is about was last, where that may be seen and is fresh; else their home, as far as its footprint is known.
    """
    among, directory = tuple(incidents), visit.community.directory
    seen = {one.id: wards(one, directory) for one in among if visit.who.may_about(Action.SEE_PERSON, one, DataPurpose.POSITION)}
    about = {person for people in seen.values() for person in people}
    worn: dict[DeviceId, str] = {one.id: one.wearer for one in directory.devices.values() if one.wearer in about}
    fixes = lately.of_devices(visit.session, visit.community.id, worn)
    found: dict[str, tuple[float, float]] = {}
    for one in among:
        known = [fixes[device].fix for device, wearer in worn.items() if wearer in seen.get(one.id, ()) and device in fixes]
        newest = max((fix for fix in known if fix is not None), key=lambda fix: fix.at_ns, default=None)
        rings = visit.community.footprints.get(one.home_id or HomeId(""))
        if newest is not None and newest.at_ns >= one.headline.t_ns - FRESH_NS:
            found[one.id] = newest.lon_deg, newest.lat_deg
        elif rings:
            corners = rings[0][0]
            found[one.id] = sum(lon for lon, _ in corners) / len(corners), sum(lat for _, lat in corners) / len(corners)
    return found


def takers_of(incident: Incident, visit: Visit) -> list[Person]:
    """Who may be asked to take an incident by whoever looks, who is on duty first; nobody where that is not theirs to ask."""
    if not visit.who.may(Action.USE_DESK) or incident.state not in _HANDED_OVER or incident.story in CALM:
        return []
    directory = visit.community.directory
    return [directory.people[one] for one in takers(incident, visit.who.id, directory, visit.scene.now_ns)]


def on_duty(scene: Scene) -> list[Duty]:
    """Who is on duty by each roster, and who comes after them."""
    directory, words = scene.directory, scene.words
    said = []
    for roster in directory.rosters.values():
        now = turn(roster, scene.now_ns, directory.timezone)
        following = turn(roster, now.until_ns, directory.timezone)
        parts = []
        for one in (now, following):
            names = words.list_gap.join(scene.name(person) for person in one.people)
            form = words.desk[Desking.DUTY if names else Desking.NOBODY]
            parts.append(form.format(names=names, time=scene.clock(one.until_ns)))
        said.append(Duty(roster=roster.id, now=parts[0], following=parts[1]))
    return said


def shift_began_ns(visit: Visit) -> int:
    """When the shift of whoever looks began; of somebody on no roster, when the newest one did."""
    directory, now_ns = visit.community.directory, visit.scene.now_ns
    turns = [turn(one, now_ns, directory.timezone) for one in directory.rosters.values()]
    mine = [one for one in turns if visit.who.id in one.people] or [one for one in turns if one.people]
    since_ns = max((one.since_ns for one in mine), default=now_ns - SHIFT_NS)
    return since_ns if now_ns - since_ns <= LONGEST_SHIFT_NS else now_ns - SHIFT_NS
