"""Relatives and neighbours, added and removed in the app by those who live at a home and their relatives."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from queue import SimpleQueue
from typing import Any

import httpx
import pytest
from fakes.lakeside import LAKESIDE, Estate, Service, front_door
from fakes.reading import Asking, path

from devices.model import NS_PER_S
from incidents.directory import Directory, Language
from incidents.model import Act, Do
from rules.kinds import EventKind
from store import importing
from store.acts import Answered, act_on, answer
from store.estates import Estates
from web.api.family import MOST
from web.languages import words_in
from web.service import create_app
from web.words import Notice, SignIn

EN = words_in(Language.EN)
PLACE = "/api/homes/b3-201/contacts"
FANG = {"name": "王芳", "role": "relative", "phone": "139 0000 0666", "language": "en"}
WAIT_S = 20


@dataclass
class Home:
    """Pages that can send, and what was sent to which number."""

    estate: Estate
    texts: SimpleQueue[tuple[str, str]] = field(default_factory=SimpleQueue)
    codes: SimpleQueue[tuple[str, str]] = field(default_factory=SimpleQueue)

    def __post_init__(self) -> None:
        door = front_door(self.codes, self.texts, as_anybody=False)
        self.pages = Service(self.estate.database, self.estate.clock, app=create_app(self.estate.database, door, clock=self.estate.clock))

    def ask(self, who: str = "wang-lei") -> Asking:
        self.estate.directory = self.directory()
        made = Asking(self.pages.url, self.estate, "")
        made.be(who, is_strong=who == "office")
        return made

    def directory(self) -> Directory:
        with self.estate.database.read() as session:
            return Estates().community(session, LAKESIDE).directory

    def told(self) -> tuple[str, str]:
        return self.texts.get(timeout=WAIT_S)

    def imports(self, said: dict[str, Any]) -> None:
        self.estate.now_ns += NS_PER_S
        planned = importing.plan(importing.kept_in(self.estate.database), "a file", text=json.dumps(said, ensure_ascii=False))
        importing.apply(self.estate.database, planned, self.estate.now_ns)


@pytest.fixture
def home(estate: Estate) -> Iterator[Home]:
    made = Home(estate)
    yield made
    made.pages.stop()


def ids(answer: httpx.Response) -> dict[str, str]:
    """Of each relative and neighbour that is shown, by name."""
    assert answer.status_code == 200, answer.text
    return {one["name"]: one["id"] for one in answer.json()["family"]}


def remove(client: httpx.Client, who: str, **sure: bool) -> httpx.Response:
    return client.request("DELETE", f"{PLACE}/{who}", json=sure)


def test_somebody_who_is_added_is_told_so_is_told_of_falls_and_signs_in_by_their_number(home: Home) -> None:
    with home.ask("wang-xiuying") as mother:
        added = ids(mother.post(PLACE, json=FANG | {"until": "2026-12-31"}))["王芳"]
    person = home.directory().people[added]  # type: ignore[index]
    assert (person.of, person.phone_e164, str(person.until)) == (("wang-xiuying",), "+8613900000666", "2026-12-31")
    to, said = home.told()
    assert (to, "王秀英 made you a contact of 王秀英" in said) == ("+8613900000666", True)
    with home.pages.client() as fang:
        fang.post("/sign-in", data={"phone": FANG["phone"]})
        who, code = home.codes.get(timeout=WAIT_S)
        assert who == added
        assert fang.post("/sign-in/code", data={"login": "+8613900000666", "code": code}).status_code == 303
        assert fang.get("/api/homes/b3-201").status_code == 200
        assert fang.get("/api/homes/b3-202").status_code == 404
    home.estate.directory = home.directory()
    incident = home.estate.happens(EventKind.SOS, "wang-xiuying", home_id="b3-201", resident_id="wang-xiuying")
    assert added in incident.told
    home.imports(home.estate.said)
    assert added in home.directory().people


def test_who_is_removed_loses_what_they_had_at_once_and_is_told(home: Home) -> None:
    incident = home.estate.happens(EventKind.SOS, "wang-xiuying", home_id="b3-201", resident_id="wang-xiuying")
    home.estate.dispatch()
    with home.ask("wang-lei") as son, home.ask("wang-xiuying") as mother:
        assert son.get(f"/api/incidents/{incident.id}").status_code == 200
        ids(mother.post(PLACE, json=FANG))
        assert home.told()[0] == "+8613900000666"
        assert remove(mother, "wang-lei").status_code == 204
        to, said = home.told()
        assert (to, "不再是王秀英的联系人" in said) == ("+8613800000001", True)
        for place in ("/api/me", "/api/homes/b3-201", f"/api/incidents/{incident.id}", "/api/incidents", "/api/events"):
            assert son.get(place).status_code == 401, place
        assert son.get(path(incident)).headers["location"].startswith("/sign-in")
        assert "王磊" not in ids(mother.get(PLACE))
        assert "王磊" in mother.get(f"/api/incidents/{incident.id}").text  # a name in what was
    act = Act(by="wang-lei", do=Do.ACKNOWLEDGE, subject=incident.subject)  # type: ignore[arg-type]  an id
    came_to = answer(home.estate.database, Estates(), LAKESIDE, act, incident_id=incident.id, now_ns=home.estate.now_ns)
    assert came_to is Answered.REFUSED
    home.estate.directory = home.directory()
    done = Act(by="guard-chen", do=Do.RESOLVE, subject=incident.subject)  # type: ignore[arg-type]  an id
    act_on(home.estate.database, Estates(), LAKESIDE, done, home.estate.now_ns, incident_id=incident.id)
    home.estate.now_ns += 3600 * NS_PER_S
    again = home.estate.happens(EventKind.FALL, "wang-xiuying", device="w-01", score=0.97, home_id="b3-201", resident_id="wang-xiuying")
    home.estate.pass_s(31)
    told = home.estate.incident(again).told
    assert ("guard-chen" in told, "wang-lei" in told) == (True, False)


def test_an_import_of_the_file_brings_nobody_back_and_an_empty_choice_does(home: Home) -> None:
    with home.ask("wang-xiuying") as mother:
        assert remove(mother, "wang-lei", is_sure=True).status_code == 204
    home.imports(home.estate.said)
    assert home.directory().people["wang-lei"].roles == frozenset()  # type: ignore[index]
    homes = [{**one, "chosen": {}} if one["id"] == "b3-201" else one for one in home.estate.said["homes"]]
    home.imports({**home.estate.said, "homes": homes})
    assert home.directory().people["wang-lei"].of == ("wang-xiuying",)  # type: ignore[index]


def test_the_last_one_is_removed_only_by_who_is_sure(home: Home) -> None:
    with home.ask("wang-xiuying") as mother:
        refused = remove(mother, "wang-lei")
        assert (refused.status_code, refused.json()["words"]) == (409, EN.notices[Notice.LAST_CONTACT])
        assert "王磊" in ids(mother.get(PLACE))
        assert remove(mother, "wang-lei", is_sure=True).status_code == 204
        assert ids(mother.get(PLACE)) == {}


def test_nobody_is_removed_without_whom_an_sos_reaches_nobody(home: Home) -> None:
    policies = [
        {"id": "sos", "kinds": ["sos", "fall"], "steps": [{"after_s": 0, "tell": ["relatives"], "by": ["sms"]}]},
    ]
    home.estate.write({**home.estate.said, "policies": policies})
    with home.ask("wang-xiuying") as mother:
        refused = remove(mother, "wang-lei", is_sure=True)
        assert (refused.status_code, refused.json()["words"]) == (422, EN.notices[Notice.NOBODY_FOR_SOS])
    assert home.directory().people["wang-lei"].of == ("wang-xiuying",)  # type: ignore[index]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"phone": "12"}, EN.sign_in[SignIn.NO_NUMBER]),
        ({"phone": "+86 138 0000 0001"}, EN.notices[Notice.CONTACT_KNOWN]),
        ({"until": "2026-02-28"}, EN.notices[Notice.CONTACT_PAST]),
        ({"until": "soon"}, EN.notices[Notice.REFUSED]),
        ({"role": "guard"}, EN.notices[Notice.REFUSED]),
        ({"name": ""}, EN.notices[Notice.REFUSED]),
    ],
)
def test_who_cannot_be_added_is_said_with_the_reason(home: Home, wish: dict[str, str], words: str) -> None:
    with home.ask("wang-xiuying") as mother:
        refused = mother.post(PLACE, json=FANG | wish)
        assert (refused.status_code, refused.json()["words"]) == (422, words)
        assert list(ids(mother.get(PLACE))) == ["王磊"]


def test_a_number_that_somebody_elsewhere_has_is_answered_like_any(home: Home) -> None:
    anna = home.directory().people["li-anna"].phone_e164  # type: ignore[index]
    with home.ask("wang-xiuying") as mother:
        fresh = mother.post(PLACE, json=FANG)
        known = mother.post(PLACE, json=FANG | {"phone": anna})
        assert (fresh.status_code, known.status_code) == (200, 200)


def test_a_relative_for_a_while_adds_nobody_for_longer(home: Home) -> None:
    today = home.directory().today(home.estate.now_ns)
    last = today + timedelta(days=10)
    people = [{**one, "until": last.isoformat()} if one["id"] == "wang-lei" else one for one in home.estate.said["people"]]
    home.estate.write({**home.estate.said, "people": people})
    with home.ask("wang-lei") as son:
        longer = son.post(PLACE, json=FANG | {"until": (last + timedelta(days=1)).isoformat()})
        assert (longer.status_code, longer.json()["words"]) == (422, EN.notices[Notice.CONTACT_PAST])
        added = ids(son.post(PLACE, json=FANG))["王芳"]
    assert home.directory().people[added].until == last  # type: ignore[index]


def test_a_home_has_so_many_contacts_and_no_more(home: Home) -> None:
    more = [{"id": f"kin-{n}", "name": f"K{n}", "roles": ["neighbour"], "of": ["wang-xiuying"]} for n in range(MOST - 1)]
    home.estate.write({**home.estate.said, "people": [*home.estate.said["people"], *more]})
    with home.ask("wang-xiuying") as mother:
        refused = mother.post(PLACE, json=FANG)
        assert (refused.status_code, refused.json()["words"]) == (422, EN.notices[Notice.CONTACTS_ENOUGH])


def test_who_is_no_contact_of_the_home_is_not_removed_from_it(home: Home) -> None:
    with home.ask("wang-xiuying") as mother:
        for somebody in ("li-anna", "guard-chen", "wang-xiuying", "nobody"):
            assert remove(mother, somebody, is_sure=True).status_code == 404, somebody
