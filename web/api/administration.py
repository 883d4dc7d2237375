"""What a community's file says, changed by hand: homes, people, devices, rosters; the whole file; and who saw and changed what."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlmodel import Session, col

from devices.model import NS_PER_S, CommunityId, Covers, DeviceId, DeviceKind, HomeId, PersonId
from incidents.directory import Role
from incidents.model import Incident, Story
from incidents.roster import Stretch, stretches
from store import administering, audit, coverage, departures, drawings, importing, lately, levels, placing, reports, views, wearers
from store.administering import NoSuchItemError, Said, Section, version
from store.choices import ChangedMeanwhileError
from store.model import InputError, StoreError
from store.schema import Departure
from store.tables import IncidentRow
from web.api.model import (
    AuditShown,
    Changed,
    Choice,
    Credentials,
    DeviceKept,
    DeviceWish,
    Down,
    DutyDay,
    FileChecked,
    FileWish,
    HomeKept,
    HomeWish,
    LeavingWish,
    Letting,
    Level,
    MapWish,
    NotedShown,
    OverrideWish,
    PersonKept,
    PersonWish,
    Register,
    Removal,
    RosterKept,
    Rosters,
    RosterWish,
    ShiftWish,
    StretchShown,
)
from web.api.problems import ProblemError
from web.gate import TheWho
from web.rights import Action
from web.scene import Scene
from web.site import Site, TheSite, Visit
from web.who import Who
from web.words import Glancing, Notice

router = APIRouter(prefix="/api/administration", tags=["administration"])

LOOKED_BACK_NS = 30 * 24 * 3600 * NS_PER_S
WEEKS = 4
LARGEST_FILE = 2_000_000
"""Characters of a community file in the app; a larger one is imported on the command line."""
_DAY = timedelta(days=1)
_LINE = re.compile(r"^line \d+(: )?")


@router.get("/register")
def register(request: Request, site: TheSite) -> Register:
    """Who and what there is."""
    with site.visit(request) as visit:
        scene, words = visit.scene, visit.scene.words
        said = administering.document(visit.session, visit.community.id)
        since_ns = scene.now_ns - LOOKED_BACK_NS
        known = site.onboarding.known() if site.onboarding else frozenset[str]()
        faults = [
            one for one, _ in reports.known(visit.session, visit.community.id, (since_ns, scene.now_ns + 1)) if one.story is Story.FAULT
        ]
        batteries = levels.since(visit.session, visit.community.id, since_ns)
        states = lately.of_devices(visit.session, visit.community.id, [one.id for one in visit.community.devices])
        return Register(
            homes=[_home(one, visit) for one in said.get("homes", [])],
            people=[_person(one, scene) for one in said.get("people", [])],
            devices=[
                _device(one, states.get(DeviceId(one["id"]), lately.NOTHING), faults, known, visit, batteries.get(DeviceId(one["id"]), ()))
                for one in said.get("devices", [])
            ],
            roles=[Choice(id=role, words=words.roles[role]) for role in Role],
            kinds=[Choice(id=kind, words=scene.wording.devices[kind]) for kind in DeviceKind],
            covers=[Choice(id=one, words=scene.wording.covers[one]) for one in Covers],
            since_ns=since_ns,
            now_ns=scene.now_ns,
            lets_in=site.onboarding is not None,
        )


@router.put("/homes/{item_id}")
def put_home(site: TheSite, who: TheWho, item_id: str, wish: HomeWish) -> Changed:
    """Add a home, or change it."""
    item = {"id": item_id, "building": wish.building or None, "floor": wish.floor, "address": wish.address or None}
    return put_item(site, who, "homes", item, wish.version)


@router.put("/people/{item_id}")
def put_person(site: TheSite, who: TheWho, item_id: str, wish: PersonWish) -> Changed:
    """Add somebody, or change what is said of them."""
    item = wish.model_dump(mode="json", exclude={"version"}) | {"id": item_id, "of": wish.of or None}
    return put_item(site, who, "people", item, wish.version)


@router.post("/people/{item_id}/left")
def left(site: TheSite, who: TheWho, item_id: str, wish: LeavingWish) -> Changed:
    """Say that a resident moved out or died: everything about them ends, quietly."""
    with _judged(), site.database.write() as session:
        said = administering.document(session, who.community_id)
        if version(next((one for one in said.get("people", []) if one["id"] == item_id), None)) != wish.version:
            raise ChangedMeanwhileError(f"{item_id} was changed meanwhile")
        made = departures.leave(session, who.community_id, PersonId(item_id), wish.why, by=who.id, now_ns=site.clock())
    return Changed(warnings=list(made.warnings))


@router.put("/devices/{item_id}")
def put_device(site: TheSite, who: TheWho, item_id: str, wish: DeviceWish) -> Changed:
    """Add a device, or change it."""
    source = {"adapter": wish.adapter, "name": wish.source} if wish.adapter else None
    item = wish.model_dump(mode="json", exclude={"version", "adapter", "source"}) | {"id": item_id, "source": source}
    return put_item(site, who, "devices", item, wish.version)


@router.put("/rosters/{item_id}")
def put_roster(site: TheSite, who: TheWho, item_id: str, wish: RosterWish) -> Changed:
    """Add a roster, or change who is on duty when."""
    shifts = [
        {"responder": one.responder, "from": one.since, "to": one.to} | ({"days": list(one.days)} if one.days else {})
        for one in wish.shifts
    ]
    overrides = [{"date": one.date, "from": one.since, "to": one.to, "responders": one.responders} for one in wish.overrides]
    return put_item(site, who, "rosters", {"id": item_id, "shifts": shifts, "overrides": overrides or None}, wish.version)


@router.delete("/{section}/{item_id}")
def remove(site: TheSite, who: TheWho, section: Section, item_id: str, wish: Removal) -> Changed:
    """Remove a home, a person, a device, a roster or a policy."""
    with _judged(), site.database.write() as session:
        _leave_operators(site, session, who, section, {"id": item_id})
        made = administering.remove(session, who.community_id, section, item_id, by=who.id, before=wish.version, now_ns=site.clock())
        if section == "people" and item_id == who.id:
            raise ProblemError(422, Notice.REFUSED)  # whoever does it has to be there, to put it right
        if section == "devices" and site.onboarding:
            site.onboarding.shut_out(who.community_id, DeviceId(item_id))
    return Changed(warnings=list(made.warnings))


@router.post("/devices/{item_id}/credentials", status_code=201)
def let_in(site: TheSite, who: TheWho, item_id: str, _wish: Letting) -> Credentials:
    """Make a device new credentials, which are shown this once; earlier ones end."""
    if site.onboarding is None:
        raise ProblemError(409, Notice.REFUSED)
    with _judged(), site.database.write() as session:
        device = next((one for one in site.estates.community(session, who.community_id).devices if one.id == item_id), None)
        if device is None:
            raise NoSuchItemError(f"there is no device {item_id}")
        administering.credentials(session, who.community_id, item_id, by=who.id, ended=False, now_ns=site.clock())
        return site.onboarding.let_in(who.community_id, device)


@router.delete("/devices/{item_id}/credentials", status_code=204)
def shut_out(site: TheSite, who: TheWho, item_id: str, _wish: Letting) -> None:
    """End a device's credentials."""
    if site.onboarding is None:
        raise ProblemError(409, Notice.REFUSED)
    with _judged(), site.database.write() as session:
        administering.credentials(session, who.community_id, item_id, by=who.id, ended=True, now_ns=site.clock())
        site.onboarding.shut_out(who.community_id, DeviceId(item_id))


@router.get("/rosters")
def rosters(request: Request, site: TheSite) -> Rosters:
    """Who is on duty in the coming four weeks, and when nobody is."""
    with site.visit(request) as visit:
        directory, scene = visit.community.directory, visit.scene
        said = administering.document(visit.session, visit.community.id)
        first = datetime.combine(directory.today(scene.now_ns), time(), directory.timezone)
        last = datetime.combine(first.date() + WEEKS * 7 * _DAY, time(), directory.timezone)
        span = (round(first.timestamp()) * NS_PER_S, round(last.timestamp()) * NS_PER_S)
        found = {one.id: stretches(one, *span, directory.timezone) for one in directory.rosters.values()}
        return Rosters(
            rosters=[_roster(one, found[one["id"]], first.date(), scene) for one in said.get("rosters", [])],
            people=[
                Choice(id=one.id, words=scene.name(one.id))
                for one in directory.people.values()
                if one.roles - {Role.RESIDENT, Role.RELATIVE, Role.NEIGHBOUR}
            ],
            warnings=list(coverage.ahead(directory, scene.now_ns)),
        )


@router.get("/file", response_class=Response, responses={200: {"content": {"application/yaml": {}}}})
def file(request: Request, site: TheSite, who: TheWho) -> Response:
    """Everything as a community file: JSON, which is YAML too. Names and numbers of everybody are in it, so it is noted who takes it."""
    with site.database.write() as session:
        audit.note_export(session, who.community_id, who.id, site.clock())
    with site.visit(request) as visit:
        said = administering.document(visit.session, visit.community.id)
    text = json.dumps(said, ensure_ascii=False, indent=1) + "\n"
    headers = {"Content-Disposition": f'attachment; filename="{said["community"]["id"]}.yaml"'}
    return Response(text, media_type="application/yaml", headers=headers)


@router.post("/file")
def bring(site: TheSite, who: TheWho, wish: FileWish) -> FileChecked:
    """Look at what a community file would change; write it, where its plan is that of what was looked at."""
    return checked(site, who, wish, of=who.community_id)


@router.post("/map")
def bring_map(site: TheSite, who: TheWho, wish: MapWish) -> FileChecked:
    """Look at what the shapes of a map would change of footprints or fences; write it, where its plan is that of what was looked at."""
    with site.database.read() as session:
        text = json.dumps(administering.document(session, who.community_id), ensure_ascii=False)
    with TemporaryDirectory() as folder:
        try:
            drawing = drawings.laid_down(wish.content, wish.name, Path(folder))
            sheet = drawings.read(drawing, layer=wish.layer or None, datum=wish.datum)
            if wish.section == "footprints":
                placed = placing.footprints(text, Path(wish.name), sheet, wish.by or "id")
            else:
                placed = placing.fences(text, Path(wish.name), sheet)
        except InputError as error:
            return _unchecked(re.sub(rf"{re.escape(folder)}/map\.\w+", wish.name.replace("\\", "/"), str(error)))
    found = checked(site, who, FileWish(text=placed.text, plan=wish.plan), of=who.community_id)
    return found.model_copy(update={"notices": [*placed.report, *found.notices]})


@router.get("/audit")
def audited(request: Request, site: TheSite, since: date, until: date, by: str = "") -> AuditShown:
    """Who saw and changed what, on some days of the community's clock, newest first."""
    with site.visit(request) as visit:
        directory, scene = visit.community.directory, visit.scene
        edges = [datetime.combine(day, time(), directory.timezone) for day in (since, until + _DAY)]
        wanted = audit.Wanted(
            community_id=visit.community.id,
            since_ns=round(edges[0].timestamp()) * NS_PER_S,
            until_ns=round(edges[1].timestamp()) * NS_PER_S,
            by=PersonId(by) if by else None,
        )
        found = audit.noted(visit.session, wanted, partial(_whose, visit))
        about = views.incidents_where(visit.session, visit.community.id, col(IncidentRow.id).in_(sorted({one.about for one in found})))
        unseen = {one.id for one in about if not visit.who.may_about(Action.SEE_INCIDENTS, one)}
        return AuditShown(
            noted=[_noted(one, scene) for one in found if one.about not in unseen],
            people=[Choice(id=one, words=scene.name(one)) for one in directory.people],
            is_cut=len(found) == audit.MOST,
        )


def checked(site: Site, who: Who, wish: FileWish, *, of: CommunityId | None) -> FileChecked:
    """What a community file would do, or did: to a community, or to a new one if `of` is None."""
    name = "community.yaml"
    if len(wish.text) > LARGEST_FILE:
        return _unchecked(f"{name}: is larger than the {LARGEST_FILE:,} characters that it may have here")
    kept_of = importing.kept_in(site.database)
    try:
        plan = importing.plan(kept_of, name, prune=wish.prune, text=wish.text)
    except InputError as error:
        return _unchecked(str(error))
    if of is None and plan.kept is not None:
        return _unchecked(f"{name}: community.id: there is a community {plan.community.id} already")
    if of is not None and plan.community.id != of:
        return _unchecked(f"{name}: community.id: is {plan.community.id}, wanted {of}")
    roles = {role for one in plan.community.directory.people.values() for role in one.roles}
    if Role.ADMINISTRATOR not in roles:
        return _unchecked(f"{name}: people: nobody is administrator: nobody could change it here any more")
    if of is not None and not who.may(Action.OPERATE):
        before = json.loads(plan.kept or "{}")
        if _operators(before) != _operators(json.loads(plan.content)):
            return _unchecked(f"{name}: people: who operates the platform is said on the command line")
        if extra := _ways_beyond(json.loads(plan.content)) - _ways_beyond(before):
            return _unchecked(f"{name}: people: contacts of {min(extra)[0]} lead to other hosts: they are said on the command line")
    digest = hashlib.sha256(json.dumps([plan.kept, plan.content]).encode()).hexdigest()[:16]
    if wish.plan and wish.plan != digest:
        raise ProblemError(409, Notice.PLAN_CHANGED)
    if wish.plan:
        try:
            importing.apply(site.database, plan, site.clock(), who.id if of is not None else None)
        except StoreError:
            raise ProblemError(409, Notice.PLAN_CHANGED) from None
    return FileChecked(
        error="",
        changes=list(plan.changes),
        warnings=[*plan.warnings, *plan.ahead(site.clock())],
        notices=list(plan.notices),
        plan=digest,
        is_done=bool(wish.plan),
    )


@contextmanager
def _judged() -> Iterator[None]:
    """What the store refuses, as the API says it."""
    try:
        yield
    except ChangedMeanwhileError:
        raise ProblemError(409, Notice.PLAN_CHANGED) from None
    except NoSuchItemError:
        raise ProblemError(404, Notice.REFUSED) from None
    except InputError as error:
        where = _LINE.sub("", error.where)  # of a document that nobody sees
        raise ProblemError(422, Notice.REFUSED, f"{where}: {error.what}" if where else error.what) from None


def put_item(site: Site, who: Who, section: Section, item: Mapping[str, Any], before: str) -> Changed:
    """Add something to the community's file, or change it.

    Raises
    ------
    ProblemError
        It will not do, or whoever asks would be no administrator any more.
    """
    with _judged(), site.database.write() as session:
        _leave_operators(site, session, who, section, item)
        made = administering.put(session, who.community_id, section, item, by=who.id, before=before, now_ns=site.clock())
        mine = made.directory.people.get(who.id)
        if mine is None or Role.ADMINISTRATOR not in mine.roles:
            raise ProblemError(422, Notice.REFUSED)  # or nobody might be left who could put it right
    return Changed(warnings=list(made.warnings))


def _leave_operators(site: Site, session: Session, who: Who, section: Section, item: Mapping[str, Any]) -> None:
    """Refuse a change by which a tenant would make, be or remove somebody who operates the platform."""
    if section == "people" and not who.may(Action.OPERATE):
        kept = site.estates.community(session, who.community_id).directory.people.get(PersonId(item["id"]))
        if Role.OPERATOR in item.get("roles", ()) or (kept and Role.OPERATOR in kept.roles):
            raise ProblemError(422, Notice.REFUSED)


def _operators(said: Said) -> list[str]:
    """Who operates the platform, and all that is said of them: their number is how they sign in."""
    return sorted(json.dumps(one, sort_keys=True) for one in said.get("people", []) if Role.OPERATOR in one["roles"])


def _ways_beyond(said: Said) -> set[tuple[str, str]]:
    """Contacts by which the server would call hosts that a tenant names, each with whose it is."""
    every = ((one["id"], contact) for one in said.get("people", []) for contact in one.get("contacts") or [])
    return {(person, json.dumps(contact, sort_keys=True)) for person, contact in every if not {"apprise", "webhook"}.isdisjoint(contact)}


def _unchecked(error: str) -> FileChecked:
    return FileChecked(error=error, changes=[], warnings=[], notices=[], plan="", is_done=False)


def _home(said: Said, visit: Visit) -> HomeKept:
    occupants = visit.community.directory.homes[said["id"]].occupants
    return HomeKept(
        id=said["id"],
        building=said.get("building") or "",
        floor=said.get("floor"),
        address=said.get("address") or "",
        people_words=visit.scene.words.names_gap.join(visit.scene.name(one) for one in occupants),
        version=version(said),
    )


def _person(said: Said, scene: Scene) -> PersonKept:
    words = scene.words
    return PersonKept(
        id=said["id"],
        name=said["name"],
        roles=[Role(one) for one in said["roles"]],
        roles_words=words.names_gap.join(words.roles[Role(one)] for one in said["roles"]),
        home=said.get("home"),
        of=said.get("of") or [],
        of_words=words.names_gap.join(scene.name(one) for one in said.get("of") or []),
        phone=said.get("phone"),
        language=said.get("language"),
        since=said.get("since"),
        until=said.get("until"),
        left_words=words.left[Departure(said["left"]["why"])].format(date=said["left"]["at"][:10]) if "left" in said else "",
        version=version(said),
    )


def _device(  # noqa: PLR0917  what is known of it, each from elsewhere
    said: Said, of: lately.Lately, faults: Iterable[Incident], known: frozenset[str], visit: Visit, battery: Iterable[tuple[int, float]]
) -> DeviceKept:
    scene, words, community = visit.scene, visit.scene.words, visit.community
    device = community.directory.devices[DeviceId(said["id"])]
    made = (said.get("chosen") or {}).get("credentials")
    home = community.directory.homes.get(device.home) if device.home else None
    made_ns = round(datetime.fromisoformat(made["at"]).timestamp()) * NS_PER_S if made else 0
    return DeviceKept(
        id=device.id,
        kind=device.kind,
        wearer=said.get("wearer"),
        home=said.get("home"),
        placement=said.get("placement"),
        covers=said.get("covers"),
        adapter=(said.get("source") or {}).get("adapter", ""),
        source=(said.get("source") or {}).get("name", ""),
        name_words=scene.wording.contacts[device.covers] if device.covers else scene.wording.devices[device.kind],
        where_words=scene.name(device.wearer) if device.wearer else (home.address or home.id) if home else "",
        worn_words=[
            words.worn_until.format(
                name=scene.name(one["by"]), time=scene.clock(round(datetime.fromisoformat(one["until"]).timestamp()) * NS_PER_S)
            )
            for one in reversed(said.get(wearers.BEFORE, []))
        ],
        heard_words=words.glance[Glancing.HEARD].format(ago=scene.ago(of.heard_ns)) if of.heard_ns else words.glance[Glancing.NOT_HEARD],
        heard_ns=of.heard_ns,
        battery_percent=of.battery_percent,
        battery=[Level(at_ns=at_ns, percent=percent) for at_ns, percent in battery],
        down=[
            Down(words=scene.heading(one.headline), since_ns=one.opened_ns, until_ns=one.ended_ns)
            for one in faults
            if one.subject == device.id
        ],
        has_credentials=f"{community.id}.{device.id}" in known,
        credentials_words=words.mode_since.format(time=scene.clock(made_ns), by=scene.name(made["by"])) if made else "",
        version=version(said),
    )


def _roster(said: Said, found: Iterable[Stretch], first: date, scene: Scene) -> RosterKept:
    words, zone = scene.words, scene.directory.timezone
    days: list[DutyDay] = []
    for number in range(WEEKS * 7):
        day = first + number * _DAY
        begin_ns, end_ns = (round(datetime.combine(one, time(), zone).timestamp()) * NS_PER_S for one in (day, day + _DAY))
        days.append(
            DutyDay(
                words=day.isoformat(),
                stretches=[
                    StretchShown(
                        since_ns=max(one.since_ns, begin_ns),
                        until_ns=min(one.until_ns, end_ns),
                        words=_clocks(max(one.since_ns, begin_ns), min(one.until_ns, end_ns), end_ns, scene),
                        people=[scene.name(each) for each in one.responders],
                    )
                    for one in found
                    if one.since_ns < end_ns and one.until_ns > begin_ns
                ],
            )
        )
    gaps = [one for one in found if not one.responders]
    return RosterKept(
        id=said["id"],
        shifts=[
            ShiftWish(responder=one["responder"], days=one.get("days") or [], since=one["from"], to=one["to"]) for one in said["shifts"]
        ],
        overrides=[
            OverrideWish(date=one["date"], since=one["from"], to=one["to"], responders=one["responders"])
            for one in said.get("overrides") or []
        ],
        days=days,
        gaps_words=[words.from_to.format(since=scene.clock(one.since_ns), until=scene.clock(one.until_ns)) for one in gaps],
        version=version(said),
    )


def _clocks(since_ns: int, until_ns: int, end_ns: int, scene: Scene) -> str:
    until = "24:00" if until_ns == end_ns else scene.wall(until_ns)[:5]
    return f"{scene.wall(since_ns)[:5]}–{until}"


def _whose(visit: Visit, login: str) -> PersonId | None:
    members = visit.site.logins.members(visit.session, login)
    return next((one.person.id for one in members if one.community_id == visit.community.id), None)


def _noted(one: audit.Noted, scene: Scene) -> NotedShown:
    home = scene.directory.homes.get(HomeId(one.about))
    return NotedShown(
        at_ns=one.at_ns,
        when_words=scene.clock(one.at_ns, seconds=True),
        deed=one.deed,
        by=one.by or "",
        by_words=scene.name(one.by),
        about=one.about,
        about_words=(home.address or home.id) if home else scene.name(one.about) if one.deed is audit.Deed.CONSENT else "",
        lines=list(one.lines),
    )
