"""Who may do what: every route, asked by every role of this community and of another one, and by nobody; and what the answers say."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes.falling import evidence as evidence_of_a_fall
from fakes.lakeside import LAKESIDE, Estate, Service, example, front_door
from fakes.pictures import photo
from fakes.reading import Asking, text
from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts

from devices.model import HomeId, PersonId
from incidents.directory import Language, Role
from incidents.model import Act, Do, Incident
from incidents.timeline import EntryKind
from rules.home import codes
from rules.kinds import EventKind, Mode
from store import timelines, views
from store.acts import act_on, set_mode
from store.estates import Estates
from store.session import Database
from web.languages import words_in
from web.rights import RIGHTS, ROUTES, WITHOUT_SIGN_IN, Action, Reach
from web.service import create_app

EN = words_in(Language.EN)

NEAR = {
    Role.RESIDENT: "wang-xiuying",
    Role.RELATIVE: "wang-lei",
    Role.NEIGHBOUR: "sun-mei",
    Role.GUARD: "guard-chen",
    Role.DISPATCHER: "desk-wu",
    Role.FIELD_RESPONDER: "nurse-he",
    Role.HOSPITAL: "city-hospital",
    Role.OFFICER: "officer-qian",
    Role.ADMINISTRATOR: "office",
    Role.OPERATOR: "platform",
}
"""Of each role somebody whom 王秀英's incidents are told to, or would be."""

FAR = {
    Role.RESIDENT: "li-ming",
    Role.RELATIVE: "li-anna",
    Role.NEIGHBOUR: "far-neighbour",
    Role.FIELD_RESPONDER: "far-nurse",
    Role.HOSPITAL: "far-hospital",
    Role.OFFICER: "far-officer",
}
"""Of each role whose rights do not reach everything, somebody to whom they are nobody."""


def everybody() -> dict[str, Any]:
    """The example with somebody of each role."""
    said = example()
    more = [
        {"id": "sun-mei", "name": "孙梅", "roles": ["neighbour"], "of": ["wang-xiuying"]},
        {"id": "desk-wu", "name": "吴台", "roles": ["dispatcher"]},
        {"id": "nurse-he", "name": "何护士", "roles": ["field_responder"]},
        {"id": "officer-qian", "name": "钱专员", "roles": ["officer"]},
        {"id": "platform", "name": "平台", "roles": ["operator"]},
        {"id": "wang-yan", "name": "王燕", "roles": ["relative"], "of": ["wang-xiuying"]},
        {"id": "far-neighbour", "name": "远邻", "roles": ["neighbour"], "of": ["li-ming"]},
        {"id": "far-nurse", "name": "远护士", "roles": ["field_responder"]},
        {"id": "far-hospital", "name": "远医院", "roles": ["officer"]},
        {"id": "far-officer", "name": "远专员", "roles": ["officer"]},
    ]
    more[-2]["roles"] = ["hospital"]
    said["people"] += [one | {"phone": f"+86138000001{n:02d}"} for n, one in enumerate(more)]
    tell = ["relatives", "neighbours", "roster:gate", "desk-wu", "nurse-he", "city-hospital", "officer-qian"]
    said["policies"] = [
        {
            "id": "distress",
            "kinds": ["fall", "long_lie", "sos", "duress", "inactivity"],
            "steps": [{"after_s": 0, "tell": tell, "by": ["sms"]}],
        }
    ]
    said["rules"] = [{"id": "window", "name": "窗户", "home": "b3-201", "when": [{"device": "c-02", "state": "open"}], "state": "draft"}]
    return said


def _step(tell: list[str]) -> dict[str, Any]:
    return {"after_s": 0, "tell": tell, "by": ["sms"]}


def of_li(said: dict[str, Any]) -> dict[str, Any]:
    """The policy while 李明 calls: fewer are told."""
    return said | {"policies": [{**said["policies"][0], "steps": [_step(["relatives", "roster:gate"])]}]}


def elsewhere() -> dict[str, Any]:
    """Another community, of other people with the same ids."""
    said = everybody()
    said["community"] = {"id": "willow", "name": "柳岸新村", "timezone": "Asia/Shanghai", "language": "zh"}
    for n, person in enumerate(said["people"]):
        person["name"] = f"柳{person['name']}"
        if "phone" in person:
            person["phone"] = f"+86139000001{n:02d}"
        person.pop("contacts", None)
    return said


@dataclass
class Both:
    """Two communities in one database, and what goes on there."""

    here: Estate
    there: Estate
    url: str
    photos: dict[str, int] = field(default_factory=dict)

    def ask(self, who: str, *, is_strong: bool = True) -> Asking:
        made = Asking(self.url, self.here, "")
        made.be(who, is_strong=is_strong)
        return made

    def photographed(self, estate: Estate, incident: Incident) -> int:
        drawn = timelines.drawn_anew(photo())
        with estate.database.write() as session:
            number = timelines.add_photo(session, estate.id, incident.id, by=PersonId("guard-chen"), photo=drawn, at_ns=estate.now_ns)
        assert isinstance(number, int)
        return number

    def over(self, estate: Estate, incident: Incident) -> None:
        done = Act(by=PersonId("guard-zhao"), do=Do.RESOLVE, subject=incident.subject)
        act_on(estate.database, Estates(), estate.id, done, estate.now_ns, incident_id=incident.id)


@pytest.fixture
def both(database: Database, tmp_path: Path) -> Iterator[Both]:
    here = Estate(database, everybody(), tmp_path / "lakeside.json")
    there = Estate(database, elsewhere(), tmp_path / "willow.json")
    pages = Service(database, here.clock)
    yield Both(here=here, there=there, url=pages.url)
    pages.stop()


def routes(app: FastAPI) -> set[tuple[str, str]]:
    """Every route that runs code of ours, and its method."""
    return {(method, one.path) for one in iter_route_contexts(app.routes) for method in getattr(one, "methods", None) or ()}


def test_every_route_is_in_the_table_and_everything_in_the_table_is_a_route(database: Database) -> None:
    app = create_app(database, front_door())
    without_a_gate = {("GET", "/api/openapi.json"), ("HEAD", "/api/openapi.json")}
    assert routes(app) - without_a_gate == set(ROUTES)
    of_the_document = {(method.upper(), path) for path, methods in app.openapi()["paths"].items() for method in methods}
    assert of_the_document == {one for one in ROUTES if one[1].startswith("/api/")}


def test_every_role_and_every_action_is_in_the_table() -> None:
    assert set(RIGHTS) == set(Action)
    assert {role for rights in RIGHTS.values() for role in rights} == set(Role) == set(NEAR)
    assert not [action for action, rights in RIGHTS.items() if any(not reach for reach in rights.values())]
    assert {role for role in Role if any(Reach.ALL not in reach for reach in _of(role))} - {Role.GUARD, Role.DISPATCHER} == set(FAR)


def _of(role: Role) -> list[frozenset[Reach]]:
    return [rights[role] for rights in RIGHTS.values() if role in rights]


def test_a_route_that_is_in_no_table_is_refused_to_everybody(both: Both) -> None:
    app, reached = create_app(both.here.database, front_door(), clock=both.here.clock), []
    router = APIRouter()
    router.add_api_route("/api/unlisted/{community_id}", lambda: reached.append(1), methods=["GET", "POST", "DELETE"])
    router.add_api_route("/sign-in", lambda: reached.append(1), methods=["DELETE"])  # another method of a path that is listed
    app.include_router(router)
    pages = Service(both.here.database, both.here.clock, app=app)
    unlisted = (("GET", "/api/unlisted/lakeside"), ("POST", "/api/unlisted/lakeside"), ("DELETE", "/sign-in"))
    try:
        for who in (*NEAR.values(), ""):
            with Asking(pages.url, both.here, who) as client:
                for method, place in unlisted:
                    assert client.request(method, place, headers={"content-length": "0"}).status_code == 403
    finally:
        pages.stop()
    assert reached == []


Request = dict[str, Any]


def window(home: str) -> dict[str, Any]:
    """A line two metres before the window of 王秀英's home."""
    path = {"type": "LineString", "coordinates": [[119.95002, 31.779982], [119.95008, 31.779982]]}
    return {"home": home, "name": "窗前", "kind": "line", "approach_m": 1.5, "geometry": path}


def airing(home: str) -> dict[str, Any]:
    """A rule about a window of 王秀英's home."""
    return {"home": home, "name": "窗户开太久", "when": [{"device": "c-02", "state": "open", "for_s": 600}]}


def requests(
    community: str, incident: str, home: str = "b3-201", resident: str = "wang-xiuying", version: int = 1
) -> Mapping[tuple[str, str], Request]:
    """How each route is asked about something of 王秀英's, in a community."""
    form, at = {"community": community}, {"params": {"community": community}}
    hung = {"id": "r-01", "place": [0, 0], "heading_deg": 0, "height_m": 2}
    return {
        ("GET", "/"): at,
        ("GET", "/incidents/{community_id}/{incident_id}"): {},
        ("POST", "/acts"): {"data": form | {"act": f"acknowledge/{incident}"}},
        ("POST", "/notes"): {"data": form | {"incident": incident, "text": "x"}},
        ("POST", "/photos"): {"data": form | {"incident": incident}, "files": {"photo": ("x.jpg", photo())}},
        ("POST", "/break-glass"): {"data": form | {"incident": incident, "reason": "the door is locked"}},
        ("GET", "/incidents/{community_id}/{incident_id}/photos/{number}"): {},
        ("GET", "/homes"): at,
        ("GET", "/reachability"): at,
        ("POST", "/modes"): {"data": form | {"mode": f"home/{home}"}},
        ("POST", "/silences"): {"data": form | {"quiet": f"30/{home}", f"reason/{home}": "x"}},
        ("GET", "/phones"): at,
        ("POST", "/phones"): {"data": form | {"do": "answer//wang-lei"}},
        ("GET", "/events"): at,
        ("GET", "/api/me"): at,
        ("GET", "/api/me/settings"): at,
        ("PUT", "/api/me/settings"): at | {"json": {"language": "en", "quiet": None}},
        ("GET", "/api/me/addresses"): at,
        ("POST", "/api/me/addresses/code"): at | {"json": {"kind": "phone", "address": "+8613900000777"}},
        ("PUT", "/api/me/addresses"): at | {"json": {"kind": "phone", "address": "+8613900000777", "code": "000000"}},
        ("POST", "/api/push"): at | {"json": {"endpoint": "https://push.example/1", "keys": {"p256dh": "B" * 87, "auth": "A" * 22}}},
        ("DELETE", "/api/push"): at | {"json": {"endpoint": "https://push.example/2"}},
        ("GET", "/api/consents"): at,
        ("PUT", "/api/consents"): at | {"json": {"resident": resident, "purpose": "help", "recipient": "guards", "is_given": True}},
        ("GET", "/api/export"): at,
        ("GET", "/api/events"): at,
        ("GET", "/api/homes/{home_id}"): at,
        ("PUT", "/api/homes/{home_id}/mode"): at | {"json": {"mode": "home"}},
        ("GET", "/api/homes/{home_id}/schedule"): at,
        ("PUT", "/api/homes/{home_id}/schedule"): at | {"json": {"planned": [{"at": "22:30", "mode": "night", "days": ["mon"]}]}},
        ("PUT", "/api/homes/{home_id}/away"): at | {"json": {"resident": resident, "days": 3, "reason": "住院"}},
        ("POST", "/api/homes/{home_id}/sos"): at | {"json": {}},
        ("GET", "/api/homes/{home_id}/plan"): at,
        ("PUT", "/api/homes/{home_id}/plan"): at | {"json": {"version": "", "rooms": [], "openings": [], "radars": []}},
        ("POST", "/api/homes/{home_id}/plan/pose"): at | {"json": {"radar": hung, "stands": [{"at": [0, 3], "frames": [[[0, 3]]] * 20}]}},
        ("POST", "/api/homes/{home_id}/plan/line"): at
        | {"json": {"frames": [], "walked": True, "radar": [0, 0], "rooms": [], "openings": []}},
        ("POST", "/api/homes/{home_id}/plan/turn"): at | {"json": {"version": "", "radar": "r-01", "tracks": []}},
        ("GET", "/api/homes/{home_id}/targets"): at,
        ("GET", "/api/homes/{home_id}/contacts"): at,
        ("PUT", "/api/homes/{home_id}/contacts/order"): at | {"json": {"people": ["wang-lei"]}},
        ("POST", "/api/homes/{home_id}/contacts"): at
        | {"json": {"name": "王芳", "role": "relative", "phone": "+8613900000666", "language": "zh"}},
        ("DELETE", "/api/homes/{home_id}/contacts/{person_id}"): at | {"json": {}},
        ("GET", "/api/homes/{home_id}/test-alarm"): at,
        ("POST", "/api/homes/{home_id}/test-alarm"): at | {"json": {}},
        ("POST", "/api/administration/people/{item_id}/left"): at | {"json": {"why": "moved", "version": "x"}},
        ("GET", "/api/administration/drills"): at,
        ("POST", "/api/administration/drills"): at | {"json": {"resident": "nobody"}},
        ("GET", "/api/homes/{home_id}/visitors"): at,
        ("PUT", "/api/homes/{home_id}/visitors"): at | {"json": {"visitors": []}},
        ("GET", "/api/ground"): {"params": {"community": community, "home": home}},
        ("GET", "/api/fences"): {"params": {"community": community, "home": home}},
        ("POST", "/api/fences"): at | {"json": window(home)},
        ("POST", "/api/fences/check"): at | {"json": window(home)},
        ("GET", "/api/fences/file"): {"params": {"community": community, "home": home}},
        ("POST", "/api/fences/file"): at | {"json": {"home": home, "text": json.dumps(window(home)["geometry"])}},
        ("PUT", "/api/fences/{fence_id}"): at | {"json": window(home)},
        ("GET", "/api/fences/{fence_id}/history"): at,
        ("POST", "/api/fences/{fence_id}/restore"): at | {"json": {"number": version}},
        ("POST", "/api/fences/{fence_id}/decision"): at | {"json": {"approve": True}},
        ("DELETE", "/api/fences/{fence_id}"): at | {"json": {}},
        ("GET", "/api/rules"): {"params": {"community": community, "home": home}},
        ("POST", "/api/rules"): at | {"json": airing(home)},
        ("PUT", "/api/rules/{rule_id}"): at | {"json": airing(home)},
        ("DELETE", "/api/rules/{rule_id}"): at | {"json": {"tag": ""}},
        ("POST", "/api/rules/{rule_id}/trial"): at | {"json": {}},
        ("PUT", "/api/rules/{rule_id}/state"): at | {"json": {"is_on": False, "tag": ""}},
        ("GET", "/api/desk"): at,
        ("GET", "/api/desk/lacks"): at,
        ("GET", "/api/desk/shift"): at,
        ("POST", "/api/desk/notes"): at | {"json": {"text": "x"}},
        ("GET", "/api/administration/report"): at,
        ("GET", "/api/administration/register"): at,
        ("PUT", "/api/administration/homes/{item_id}"): at | {"json": {"address": "3栋203室"}},
        ("PUT", "/api/administration/people/{item_id}"): at | {"json": {"name": "钱队", "roles": ["guard"]}},
        ("PUT", "/api/administration/devices/{item_id}"): at | {"json": {"kind": "button", "home": "b3-201"}},
        ("PUT", "/api/administration/rosters/{item_id}"): at
        | {"json": {"shifts": [{"responder": "guard-chen", "since": "08:00", "to": "20:00"}]}},
        ("PUT", "/api/administration/policies/{item_id}"): at
        | {"json": {"kinds": ["wandering"], "steps": [{"after_s": 0, "tell": ["relatives"], "by": ["sms"]}]}},
        ("DELETE", "/api/administration/{section}/{item_id}"): at | {"json": {"version": ""}},
        ("POST", "/api/administration/devices/{item_id}/credentials"): at | {"json": {}},
        ("DELETE", "/api/administration/devices/{item_id}/credentials"): at | {"json": {}},
        ("GET", "/api/administration/rosters"): at,
        ("GET", "/api/administration/policies"): at,
        ("GET", "/api/administration/texts"): {"params": {"community": community, "kind": "fall"}},
        ("GET", "/api/administration/trial"): {"params": {"community": community, "to": "office", "channel": "sms"}},
        ("POST", "/api/administration/trial"): at | {"json": {"channel": "sms"}},
        ("GET", "/api/administration/file"): at,
        ("POST", "/api/administration/file"): at | {"json": {"text": "x"}},
        ("POST", "/api/administration/map"): at | {"json": {"name": "x.txt", "content": "eA=="}},
        ("GET", "/api/administration/audit"): {"params": {"community": community, "since": "2026-03-01", "until": "2026-03-01"}},
        ("GET", "/api/administration/communities"): at,
        ("POST", "/api/administration/communities"): at | {"json": {"text": "x"}},
        ("GET", "/api/incidents"): at,
        ("GET", "/api/incidents/{incident_id}"): at,
        ("POST", "/api/incidents/{incident_id}/opened"): at | {"headers": {"content-length": "0"}},
        ("POST", "/api/incidents/{incident_id}/acts"): at | {"json": {"do": "acknowledge"}},
        ("POST", "/api/incidents/{incident_id}/notes"): at | {"json": {"text": "x"}},
        ("POST", "/api/incidents/{incident_id}/photos"): at | {"files": {"photo": ("x.jpg", photo())}},
        ("POST", "/api/incidents/{incident_id}/break-glass"): at | {"json": {"reason": "the door is locked"}},
    }


def asked(client: httpx.Client, route: tuple[str, str], request: Request, **names: object) -> httpx.Response:
    """The answer; of a stream its beginning."""
    method, place = route[0], route[1].format(**names)
    with client.stream(method, place, **request) as answer:
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            answer.read()
    return answer


IS_ABOUT_ONE = re.compile(r"\{(home_id|incident_id|fence_id|rule_id)\}|^/api/(fences|ground|rules)")
ABOUT_ONE_BY_FORM = {("POST", place) for place in ("/acts", "/notes", "/photos", "/break-glass", "/modes", "/silences")}
ABOUT_ONE = {route for route in ROUTES if IS_ABOUT_ONE.search(route[1])} | ABOUT_ONE_BY_FORM | {("PUT", "/api/consents")}
"""Routes that are about one home, incident or resident."""


def is_refusal(answer: httpx.Response) -> bool:
    """Whether something was not done or not shown, without a word of what there is."""
    if answer.status_code == 303:
        return re.search(r"said=(refused|not_yours)", answer.headers["location"]) is not None
    return answer.status_code == 404


def test_the_matrix_asks_every_route() -> None:
    assert set(requests("x", "y")) == {route for route, action in ROUTES.items() if action is not WITHOUT_SIGN_IN}


@pytest.mark.parametrize("role", [*Role, None], ids=lambda role: role or "nobody")
def test_every_route_answers_whom_the_table_lets_and_nobody_else(both: Both, role: Role | None) -> None:
    here, there = (one.happens(EventKind.SOS, "wang-xiuying", home_id=HomeId("b3-201")) for one in (both.here, both.there))
    numbers = {one.community_id: both.photographed(estate, one) for estate, one in ((both.here, here), (both.there, there))}
    wrong: list[tuple[object, ...]] = []
    person = NEAR[role] if role else ""
    for near in (True, False):
        if not near and role not in FAR:
            continue
        with both.ask(person if near else FAR[role]) as client:  # type: ignore[index]
            for incident in (here, there):
                is_here = incident is here
                names = {
                    "community_id": incident.community_id,
                    "incident_id": incident.id,
                    "home_id": "b3-201",
                    "person_id": "wang-yan",
                    "number": numbers[incident.community_id],
                    "fence_id": "terrace",
                    "rule_id": "window",
                    "item_id": "new-1",
                    "section": "homes",
                }
                version = (both.here if is_here else both.there).version
                for route, request in requests(incident.community_id, incident.id, version=version).items():
                    may = role is not None and role in RIGHTS[ROUTES[route] or Action.SEE_SELF]
                    answer = asked(client, route, request, **names)
                    status = answer.status_code
                    if role is None:
                        is_right = status == 401 if route[1].startswith("/api/") else "/sign-in" in answer.headers.get("location", "")
                    elif not is_here:
                        is_right = status == 404
                    elif not may:
                        is_right = status == 403
                    elif not near and route in ABOUT_ONE:
                        is_right = is_refusal(answer)
                    else:
                        is_right = status in {200, 201, 204, 409} or (status == 303 and "/sign-in" not in answer.headers["location"])
                        is_right = is_right or (status == 422 and route[1].endswith("/test-alarm"))  # nothing to test with here
                        is_right = is_right or (status == 503 and route[1].endswith("/trial"))  # no log here
                        is_right = is_right or (status == 422 and route == ("PUT", "/api/me/addresses"))  # a wrong code
                        is_right = is_right or (status == 404 and route[1].endswith("/photos/{number}") and not _sees(role))
                    if not is_right:
                        wrong.append((route, incident.community_id, near, status, answer.headers.get("location")))
    assert wrong == []
    assert both.there.incident(there) == there


def _sees(role: Role) -> bool:
    return role in RIGHTS[Action.SEE_PERSON]


FALL, CALL, FORCED = "May have fallen", EN.kinds[EventKind.SOS], EN.kinds[EventKind.DURESS]
MARKS = {
    "wang": re.compile("王秀英"),
    "li": re.compile("李明"),
    "evidence": re.compile("Very likely a fall"),
    "numbers": re.compile("impact_g"),
    "forced": re.compile(FORCED),
    "elsewhere": re.compile("柳"),
}
SEES = {
    "wang-xiuying": {"wang", "evidence", "evidence over"},
    "wang-lei": {"wang", "evidence", "evidence over"},  # typed the code
    "wang-yan": {"wang", "evidence", "evidence over", "forced"},
    "li-ming": {"li"},
    "li-anna": {"li"},
    "sun-mei": {"wang", "forced"},
    "guard-chen": {"wang", "li", "evidence", "numbers", "forced"},
    "desk-wu": {"wang", "li", "evidence", "numbers", "forced"},
    "nurse-he": {"wang", "evidence", "numbers", "forced"},
    "city-hospital": {"wang", "evidence", "numbers", "forced"},
    "officer-qian": {"wang", "forced"},
    "office": {"wang", "li", "forced"},
    "platform": set(),
    "far-neighbour": set(),
    "far-nurse": set(),
    "far-hospital": set(),
    "far-officer": set(),
}
"""What each sees anywhere: of whom, why it is thought to be a fall while it goes on and after, its numbers, and a call under duress."""


@dataclass
class Story:
    """王秀英 fell before and falls again, 李明 calls for help, and 王磊 is forced to disarm her home."""

    over: Incident
    open: Incident
    of_li: Incident
    forced: Incident
    there: Incident
    photos: dict[str, int]


@pytest.fixture
def story(both: Both) -> Story:
    here, said = both.here, both.here.said
    home = {"home_id": HomeId("b3-201")}
    over = here.happens(EventKind.FALL, "wang-xiuying", device="w-01", score=0.97, evidence=evidence_of_a_fall(), **home)
    photos = {over.id: both.photographed(here, over)}
    here.dispatch()
    both.over(here, over)
    here.pass_s(7200)
    again = here.happens(EventKind.FALL, "wang-xiuying", device="w-01", score=0.97, evidence=evidence_of_a_fall(), **home)
    photos[again.id] = both.photographed(here, again)
    forced = here.happens(EventKind.DURESS, "b3-201", evidence={"by": "wang-lei"}, **home)
    here.dispatch()
    here.write(of_li(said), ago_s=0)
    of_li_ = here.happens(EventKind.SOS, "li-ming", home_id=HomeId("b3-202"))
    photos[of_li_.id] = both.photographed(here, of_li_)
    here.dispatch()
    here.write(said, ago_s=0)
    both.there.now_ns = here.now_ns
    there = both.there.happens(EventKind.SOS, "wang-xiuying", **home)
    photos[there.id] = both.photographed(both.there, there)
    both.there.dispatch()
    return Story(over=over, open=again, of_li=of_li_, forced=forced, there=there, photos=photos)


def read(client: httpx.Client, story: Story) -> dict[str, str]:
    """Everything that somebody is shown, by where it stands."""
    incidents = (story.over, story.open, story.of_li, story.forced, story.there)
    places = [
        "/",
        "/api/desk",
        "/api/desk/shift",
        "/homes",
        "/phones",
        "/api/me",
        "/api/incidents",
        "/api/incidents?over=true",
        "/api/consents",
        "/api/export",
    ]
    places += [f"/api/homes/{home}{what}" for home in ("b3-201", "b3-202") for what in ("", "/contacts")]
    for one in incidents:
        places += [f"/incidents/{community}/{one.id}" for community in ("lakeside", "willow")]
        places += [f"/api/incidents/{one.id}{query}" for query in ("", "?community=lakeside", "?community=willow")]
    answers = {place: client.get(place) for place in places}
    return {place: _plain(answer) for place, answer in answers.items() if answer.status_code == 200}


def _plain(answer: httpx.Response) -> str:
    """What is said; names in addresses and fields of forms are not."""
    return answer.text if answer.headers["content-type"] == "application/json" else text(answer)


@pytest.mark.parametrize("who", list(SEES))
def test_what_is_shown_anywhere_is_what_somebody_may_see(both: Both, story: Story, who: str) -> None:
    with both.ask(who) as client:
        shown = read(client, story)
        are_photos_right(client, story, who)
    own = {"/api/me", "/api/export"}  # says who one is oneself
    found = {mark for mark, pattern in MARKS.items() if any(pattern.search(said) for place, said in shown.items() if place not in own)}
    after = any(MARKS["evidence"].search(said) for place, said in shown.items() if story.over.id in place)
    assert found | ({"evidence over"} if after else set()) == SEES[who]
    may_read = {place.split("/")[-1].partition("?")[0] for place in shown if re.match(r"(/api)?/incidents/", place)}
    expected = {
        one.id
        for one, mark in ((story.over, "wang"), (story.open, "wang"), (story.of_li, "li"), (story.forced, "forced"))
        if mark in SEES[who]
    }
    assert may_read == expected


def are_photos_right(client: httpx.Client, story: Story, who: str) -> None:
    """A photo is shown to whom evidence is."""
    sees = SEES[who]
    expected = {
        story.over.id: "evidence over" in sees,
        story.open.id: "evidence" in sees,
        story.of_li.id: who in {"li-ming", "li-anna", "guard-chen", "desk-wu"},
        story.there.id: False,
    }
    for community in ("lakeside", "willow"):
        answers = {one: client.get(f"/incidents/{community}/{one}/photos/{number}") for one, number in story.photos.items()}
        shown = {one: answer.status_code == 200 for one, answer in answers.items()}
        assert shown == (expected if community == "lakeside" else dict.fromkeys(expected, False))
    for place in ("/incidents/lakeside/", "/api/incidents/"):
        assert ("/photos/" in client.get(place + story.over.id).text) is ("evidence over" in sees)


@pytest.mark.parametrize("who", ["wang-xiuying", "wang-lei"])
def test_whoever_calls_under_duress_finds_nothing_of_it_anywhere(both: Both, story: Story, who: str) -> None:
    with both.ask(who) as client:
        shown = read(client, story)
        assert not [place for place, said in shown.items() if FORCED in said or story.forced.id in said or "duress" in said]
        for place in (f"/incidents/lakeside/{story.forced.id}", f"/api/incidents/{story.forced.id}"):
            assert client.get(place).status_code == 404
        acts = client.post("/acts", data={"act": f"{Do.RESOLVE}/{story.forced.id}"})
        assert (acts.headers["location"], story.forced.id in acts.headers["location"]) == ("/?community=lakeside&said=refused", False)
    assert both.here.incident(story.forced).is_open


def test_a_guard_who_is_forced_at_a_keypad_sees_nothing_of_it_either(both: Both) -> None:
    said = both.here.said
    next(one for one in said["people"] if one["id"] == "guard-chen")["duress_code"] = codes.digest("4321", b"b" * 16)
    both.here.write(said)
    both.here.arm("b3-201", Mode.AWAY)
    with both.ask("guard-chen") as client:
        before = {place: _titled(client, place) for place in ("/", "/phones")}
        forced = {"by": PersonId("guard-chen"), "now_ns": both.here.now_ns, "code": "4321"}
        set_mode(both.here.database, Estates(), LAKESIDE, HomeId("b3-201"), Mode.DISARMED, **forced)
        both.here.dispatch()
        with both.here.database.read() as session:
            assert [one.kind for one in views.open_incidents(session, LAKESIDE)] == [EventKind.DURESS]
        assert {place: _titled(client, place) for place in before} == before
    with both.ask("guard-zhao") as client:
        assert "<title>(1)" in client.get("/phones").text
        assert FORCED in text(client.get("/"))


def _titled(client: httpx.Client, place: str) -> tuple[list[str], str]:
    """A page with its title."""
    page = client.get(place)
    return re.findall("<title>(.*?)</title>", page.text), text(page)


def test_who_works_here_looks_at_nobodys_data_without_a_trace(both: Both, story: Story) -> None:
    def looked(incident: Incident) -> set[str | None]:
        with both.here.database.read() as session:
            return {entry.by for _, entry in timelines.read(session, LAKESIDE, incident.id) if entry.kind is EntryKind.OPENED}

    for who in ("guard-chen", "nurse-he", "office", "officer-qian", "wang-yan"):
        with both.ask(who) as client:
            assert client.get(f"/api/incidents/{story.open.id}").status_code == 200
            assert client.get(f"/api/incidents/{story.over.id}").status_code == 200
    assert looked(story.open) == {"guard-chen", "nurse-he"}
    assert looked(story.over) == set()  # nothing was shown to them of it
    with both.ask("guard-chen") as client:
        broken = client.post(f"/api/incidents/{story.over.id}/break-glass", json={"reason": "the family asks what was seen"})
        assert "Very likely a fall" in broken.text
        assert client.get(f"/api/incidents/{story.over.id}").status_code == 200
    assert looked(story.over) == {"guard-chen"}
    with both.ask("wang-lei") as client:
        assert "the family asks what was seen" in text(client.get(f"/incidents/lakeside/{story.over.id}"))
    with both.ask("office") as client:
        assert "Very likely a fall" not in client.get(f"/api/incidents/{story.over.id}").text


def test_who_came_by_a_code_is_shown_what_family_may_see(both: Both, story: Story) -> None:
    for who in ("guard-chen", "desk-wu", "nurse-he", "city-hospital", "officer-qian", "office", "platform"):
        with both.ask(who, is_strong=False) as client:
            assert read(client, story) == {}


def test_live_events_are_of_ones_own_community_and_say_nothing(both: Both) -> None:
    def event(lines: Iterator[str]) -> str:
        said: list[str] = []
        while not said or said[-1]:
            said.append(next(lines))
        (data,) = (line.removeprefix("data: ") for line in said if line.startswith("data:"))
        assert re.fullmatch(r"\d+-\d+", data)
        return data

    def signal(estate: Estate) -> str:
        with estate.database.read() as session:
            return views.signal(session, estate.id)

    with both.ask("wang-lei") as client:
        for place in ("/events", "/api/events"):
            assert client.get(place, params={"community": "willow"}).status_code == 404
            with client.stream("GET", place, params={"community": "lakeside"}) as heard:
                lines = heard.iter_lines()
                assert signal(both.here) in event(lines)
                both.there.happens(EventKind.SOS, "wang-xiuying")
                both.here.arm("b3-201", Mode.AWAY)
                assert signal(both.here) in event(lines)  # the next one that is heard is the one of here
                assert signal(both.there) != signal(both.here)


@pytest.mark.parametrize("place", ["/events", "/api/events"])
def test_who_signs_out_hears_nothing_more(both: Both, place: str) -> None:
    with both.ask("wang-lei") as client, client.stream("GET", place, params={"community": "lakeside"}) as heard:
        lines = heard.iter_lines()
        while not next(lines).startswith("data:"):
            pass
        with Asking(both.url, both.here, "") as same:
            same.cookies.update(client.cookies)
            assert same.post("/sign-out").status_code == 303
        both.here.happens(EventKind.SOS, "wang-xiuying")
        assert not [
            line for line in lines if line.startswith("data:") and line.removeprefix("data:").strip()
        ]  # `alive` says nothing; and it ends


def test_no_answer_says_more_than_the_document_says(both: Both, story: Story) -> None:
    """Numbers to call stand in a chain of one's own, and with an incident that one may see; nowhere else."""
    with both.ask("li-anna") as client:
        said = json.dumps([client.get(place).json() for place in ("/api/me", "/api/incidents", "/api/homes/b3-202")])
    assert not [number for number in ("+8613800000001", "+8651900000000") if number in said]
    assert story.open.id not in said


OUTSIDE = [
    "/incidents/lakeside/../willow/{there}",
    "/incidents/lakeside%2F..%2Fwillow/{there}",
    "/incidents/lakeside/%2e%2e/willow/{there}",
    "/incidents/willow/{there}",
    "/incidents/willow%00/{there}",
    "/incidents/WILLOW/{there}",
    "//incidents/willow/{there}",
    "/incidents/lakeside/{there}?community=willow",
    "/incidents/willow/{there}?community=lakeside",
    "/incidents/lakeside/{there}/photos/{number}",
    "/incidents/willow/{there}/photos/{number}",
    "/incidents/lakeside/{there}/photos/{number}?community=willow",
    "/api/incidents/{there}",
    "/api/incidents/{there}?community=lakeside&community=willow",
    "/api/incidents/{there}?community=willow&community=lakeside",
    "/api/../api/incidents/{there}",
    "/static/../web/rights.py",
    "/static/..%2f..%2fapp.py",
    "/static/%2e%2e/site.py",
    "/app/../web/rights.py",
    "/app/%2e%2e/%2e%2e/rights.py",
]


def test_no_address_leads_into_another_community_or_out_of_the_folder(both: Both, story: Story) -> None:
    for who in ("office", "guard-chen", "wang-lei"):
        with both.ask(who) as client:
            client.cookies.set("community", "willow")
            client.cookies.set("me-willow", who)
            for place in OUTSIDE:
                raw = place.format(there=story.there.id, number=story.photos[story.there.id])
                for headers in ({}, dict.fromkeys(("x-original-url", "x-rewrite-url", "x-forwarded-prefix"), "/phones")):
                    answer = client.send(_raw(client, raw, headers))
                    is_app = raw.startswith("/app/") and answer.status_code in {200, 503}  # the client's page, or that it is not built
                    assert is_app or answer.status_code in {403, 404}, (who, raw, answer.status_code)
                    assert not re.search("柳|RIGHTS|def ", answer.text)


def _raw(client: httpx.Client, place: str, headers: dict[str, str]) -> httpx.Request:
    """A request for an address that is sent as it stands."""
    request = client.build_request("GET", "/", headers=headers)
    request.url = request.url.copy_with(raw_path=place.encode())
    return request


def test_a_form_is_about_the_community_that_somebody_was_let_in_for(both: Both, story: Story) -> None:
    act = f"{Do.RESOLVE}/{story.there.id}"
    with both.ask("guard-chen") as client:
        for form in (
            {"community": "willow", "act": act},
            {"community": ["lakeside", "willow"], "act": act},
            {"community": ["willow", "lakeside"], "act": act},
            {"act": act},
        ):
            for query in ({}, {"community": "willow"}, {"community": "lakeside"}):
                for content_type in ("application/x-www-form-urlencoded", "APPLICATION/X-WWW-FORM-URLENCODED; charset=utf-8"):
                    body = str(httpx.QueryParams(form))
                    assert is_refusal(client.post("/acts", content=body, params=query, headers={"content-type": content_type}))
            assert is_refusal(client.post("/acts", data=form, files={"x": b""}))
        for method in ("PUT", "PATCH", "DELETE", "TRACE", "HEAD", "OPTIONS"):
            answer = client.request(method, "/acts", headers={"x-http-method-override": "POST", "content-length": "0"})
            assert answer.status_code in {403, 405}
    assert both.there.incident(story.there) == story.there


def multipart(parts: int, *, files: bool = False, size: int = 1) -> tuple[bytes, dict[str, str]]:
    name = 'name="photo"; filename="x"' if files else 'name="text"'
    part = f"--b\r\nContent-Disposition: form-data; {name}\r\n\r\n{'x' * size}\r\n"
    return (part * parts + "--b--\r\n").encode(), {"content-type": "multipart/form-data; boundary=b"}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        multipart(5000),
        multipart(3, files=True),
        multipart(1, size=3 * 1024 * 1024),
        (b"--b\r\n" * 10_000, {"content-type": "multipart/form-data; boundary=b"}),
        (b"x", {"content-type": "multipart/form-data"}),
        (
            b'--b\r\nContent-Disposition: form-data; name="text"\r\n' + b"x: " + b"y" * 100_000,
            {"content-type": "multipart/form-data; boundary=b"},
        ),
    ],
    ids=["fields", "files", "large", "boundaries", "none", "header"],
)
def test_a_form_that_is_made_to_hurt_is_refused(both: Both, body: bytes, headers: dict[str, str]) -> None:
    incident = both.here.happens(EventKind.SOS, "wang-xiuying")
    for who in ("guard-chen", ""):
        with both.ask(who) as client:
            for place in ("/photos", "/notes", "/acts", f"/api/incidents/{incident.id}/photos", "/sign-in"):
                answer = client.post(place, content=body, headers=headers)
                assert answer.status_code in {303, 400, 401, 413, 422}, (place, answer.status_code)
    assert both.here.incident(incident) == incident


def test_a_number_that_is_none_is_no_error_of_ours(both: Both) -> None:
    incident = both.here.happens(EventKind.SOS, "wang-xiuying")
    with both.ask("guard-chen") as client:
        for number in ("1e3", "0x1", "-1", "9" * 400, "1;drop", "%00", "１"):
            assert client.get(f"/incidents/lakeside/{incident.id}/photos/{number}").status_code == 404
        for odd in ("%00", "%FF", "%ED%A0%80", "'", "a" * 3000):
            for place in (
                f"/incidents/lakeside/{odd}",
                f"/incidents/{odd}/x",
                f"/api/incidents/{odd}",
                f"/api/homes/{odd}",
                f"/?community={odd}",
            ):
                assert client.get(place).status_code in {404, 422}, place
            assert (
                client.post(
                    "/acts", content=f"act=resolve/{odd}", headers={"content-type": "application/x-www-form-urlencoded"}
                ).status_code
                == 303
            )
