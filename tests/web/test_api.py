"""The API that the app is made of, asked by the people it is for."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from builders import T0_NS, batches, position
from fakes.falling import evidence
from fakes.lakeside import EXAMPLE, LAKESIDE, Estate, Service, front_door
from fakes.pictures import photo

from app import pipeline  # noqa: TID251  the rules are those that the composition root composes
from devices.model import NS_PER_S, PersonId
from incidents.directory import Channel
from notifier.chain_checks import ChainChecks
from notifier.routing import Routes
from rules.kinds import EventKind, Mode
from store import contacts, importing, outbox, positions, timelines
from store.community import load
from store.contacts import ContactState, Known
from store.estates import Estates
from web.service import create_app

Asking = Callable[..., httpx.Client]


@pytest.fixture
def asking(served: Service, estate: Estate) -> Iterator[Asking]:
    """Asks as somebody, in English."""
    clients: list[httpx.Client] = []

    def ask(who: str, *, language: str = "en") -> httpx.Client:
        made = served.client(language, estate.sign_in(who))
        clients.append(made)
        return made

    yield ask
    for client in clients:
        client.close()


def test_a_daughter_sees_at_one_glance_that_all_is_well(asking: Asking) -> None:
    me = asking("wang-lei").get("/api/me").json()
    assert (me["name"], me["roles"], [home["id"] for home in me["homes"]]) == ("王磊", ["relative"], ["b3-201"])
    glance = asking("wang-lei").get("/api/homes/b3-201").json()
    assert (glance["tone"], glance["headline_words"], glance["mode"]) == ("good", "All is well with 王秀英", "disarmed")
    assert [one["name"] for one in glance["on_duty"]] == ["陈队"]
    assert asking("wang-lei", language="zh").get("/api/homes/b3-201").json()["headline_words"] == "王秀英一切正常"


def test_a_fall_turns_the_glance_to_alarm_and_can_be_taken_on(estate: Estate, asking: Asking) -> None:
    fallen = estate.happens(EventKind.FALL, "wang-xiuying", device="w-01", score=0.97, home_id="b3-201", resident_id="wang-xiuying")
    estate.pass_s(31)
    daughter = asking("wang-lei")
    glance = daughter.get("/api/homes/b3-201").json()
    assert (glance["tone"], [one["id"] for one in glance["incidents"]]) == ("alarm", [fallen.id])
    story = daughter.get(f"/api/incidents/{fallen.id}").json()
    assert [one["number"] for one in story["emergency"]] == ["120", "110", "119"]
    assert "3栋201室" in story["emergency"][0]["read_out_words"]
    taken = daughter.post(f"/api/incidents/{fallen.id}/acts", json={"do": "acknowledge", "eta_min": 10})
    assert taken.status_code == 200, taken.text
    assert taken.json()["card"]["state"] == "acknowledged"


def test_another_family_hears_nothing_of_it(estate: Estate, asking: Asking) -> None:
    fallen = estate.happens(EventKind.FALL, "wang-xiuying", device="w-01", home_id="b3-201", resident_id="wang-xiuying")
    other = asking("li-anna")
    assert other.get("/api/homes/b3-201").status_code == 404
    assert other.get("/api/incidents").json() == []
    assert other.get(f"/api/incidents/{fallen.id}").status_code == 404
    assert other.post(f"/api/incidents/{fallen.id}/acts", json={"do": "resolve"}).status_code == 404
    assert other.put("/api/homes/b3-201/mode", json={"mode": "away"}).status_code == 404


def test_arming_says_what_it_leaves_out_and_who_did_it(asking: Asking) -> None:
    armed = asking("wang-lei").put("/api/homes/b3-201/mode", json={"mode": "away"}).json()
    assert (armed["glance"]["mode"], armed["without_words"]) == (Mode.AWAY, "")
    assert "王磊" in armed["glance"]["mode_since_words"]


def test_a_call_for_help_is_told_at_once_and_a_second_press_is_the_same_one(estate: Estate, asking: Asking) -> None:
    daughter = asking("wang-lei")
    first = daughter.post("/api/homes/b3-201/sos", json={})
    assert first.status_code == 201, first.text
    estate.now_ns += 1_000_000_000
    again = daughter.post("/api/homes/b3-201/sos", json={})
    assert again.json()["id"] == first.json()["id"]
    assert first.json()["kind"] == "sos"


def test_the_chain_shows_who_would_be_told_and_where_it_is_broken(estate: Estate, asking: Asking) -> None:
    chain = asking("wang-lei").get("/api/homes/b3-201/contacts").json()["residents"][0]
    assert [[one["name"] for one in step["people"]] for step in chain["steps"]] == [["王磊", "陈队"], ["市一院急诊"]]
    assert chain["broken_words"] == ""
    broken = Known(channel=Channel.SMS, state=ContactState.BROKEN, code="21211", since_ns=estate.now_ns)
    with estate.database.write() as session:
        contacts.mark(session, estate.id, estate.directory.people["guard-chen"], broken)
    chain = asking("wang-lei").get("/api/homes/b3-201/contacts").json()["residents"][0]
    assert [bool(one["broken_words"]) for one in chain["steps"][0]["people"]] == [False, True]


def test_the_family_says_who_is_told_first_and_it_holds_for_whoever_is_told_in_turn(estate: Estate, asking: Asking) -> None:
    yan = {"id": "wang-yan", "name": "王燕", "roles": ["relative"], "of": ["wang-xiuying"], "phone": "+8613800000009"}
    in_turn = {
        "id": "fall",
        "kinds": ["fall", "long_lie", "sos"],
        "steps": [{"after_s": 0, "tell": ["relatives"], "by": ["sms"], "in_turn_s": 40}],
    }
    estate.write(estate.said | {"people": [*estate.said["people"], yan], "policies": [in_turn]})
    daughter = asking("wang-lei")
    place = "/api/homes/b3-201/contacts/order"

    def told() -> list[str]:
        (step,) = daughter.get("/api/homes/b3-201/contacts").json()["residents"][0]["steps"]
        return [one["id"] for one in step["people"]]

    assert told() == ["wang-lei", "wang-yan"]
    assert daughter.put(place, json={"people": ["wang-yan"]}).status_code == 200
    assert told() == ["wang-yan", "wang-lei"]
    for wrong in (["guard-chen"], ["wang-yan", "wang-yan"], ["nobody"]):
        assert daughter.put(place, json={"people": wrong}).status_code == 422
    assert asking("guard-chen").put(place, json={"people": ["wang-lei"]}).status_code in {403, 404}
    with estate.database.read() as session:
        estate.directory = Estates().community(session, LAKESIDE).directory
    estate.happens(EventKind.SOS, "wang-xiuying", home_id="b3-201", resident_id="wang-xiuying")
    with estate.database.write() as session:
        assert [one.duty.to for one in outbox.claim(session, estate.now_ns, 30, 100, "test")] == ["wang-yan"]


def test_who_is_not_signed_in_is_told_so(served: Service) -> None:
    with served.client() as nobody:
        assert nobody.get("/api/me").status_code == 401
        assert nobody.get("/").headers["location"] == "/sign-in"


def test_what_somebody_chooses_holds_and_an_import_leaves_it_as_it_is(estate: Estate, asking: Asking, tmp_path: Path) -> None:
    daughter = asking("wang-lei")
    assert daughter.get("/api/me/settings").json() == {
        "language": "zh",
        "quiet": None,
        "daily": None,
        "day_after": False,
        "day_after_at": None,
    }
    wish = {"language": "en", "quiet": {"since": "22:00", "to": "07:00"}, "daily": "18:00", "day_after": True, "day_after_at": "09:30"}
    assert daughter.put("/api/me/settings", json=wish).json() == wish
    old = {name: wish[name] for name in ("language", "quiet")}  # an app of before: it knows nothing of the rest
    daughter.put("/api/me/settings", json=old)
    assert daughter.get("/api/me/settings").json() == wish
    pushed = {"endpoint": "https://push.example.org/1", "expirationTime": None, "keys": {"p256dh": "BA", "auth": "aa"}}
    assert daughter.post("/api/push", json=pushed).status_code == 204
    file = tmp_path / "again.yaml"
    file.write_text(EXAMPLE.read_text(encoding="utf-8").replace("王磊", "王大磊"), encoding="utf-8")
    importing.apply(estate.database, importing.plan(importing.kept_in(estate.database), file), estate.now_ns + 1)
    estate.now_ns += 2
    with estate.database.read() as session:
        person = Estates().community(session, estate.id).directory.people[PersonId("wang-lei")]
    assert (person.name, person.language, person.quiet is not None, Channel.PUSH in person.channels) == ("王大磊", "en", True, True)
    assert daughter.request("DELETE", "/api/push", json={"endpoint": pushed["endpoint"]}).status_code == 204
    assert daughter.get("/api/me").json()["name"] == "王大磊"


@pytest.mark.parametrize("wish", [{"language": "fr", "quiet": None}, {"language": "zh", "quiet": {"since": "25:00", "to": "07:00"}}, {}])
def test_what_will_not_do_is_refused_in_words(asking: Asking, wish: dict[str, object]) -> None:
    refused = asking("wang-lei").put("/api/me/settings", json=wish)
    assert (refused.status_code, refused.json()["code"]) == (422, "refused")


def test_who_takes_back_that_guards_see_what_happened_is_obeyed_at_once(estate: Estate, asking: Asking) -> None:
    fallen = estate.happens(EventKind.FALL, "wang-xiuying", device="w-01", home_id="b3-201", resident_id="wang-xiuying")
    guard, daughter = asking("guard-chen"), asking("wang-lei")
    assert "see_person" in guard.get(f"/api/incidents/{fallen.id}").json()["may"]
    wish = {"resident": "wang-xiuying", "purpose": "help", "recipient": "guards", "is_given": False}
    said = daughter.put("/api/consents", json=wish).json()
    assert [one["is_given"] for one in said] == [True, False, True, True, True]
    assert [len(one["history_words"]) for one in said] == [0, 1, 0, 0, 0]
    assert "see_person" not in guard.get(f"/api/incidents/{fallen.id}").json()["may"]
    assert guard.put("/api/consents", json=wish).status_code == 403
    assert asking("li-anna").put("/api/consents", json=wish).status_code == 404


def says(daughter: Asking, purpose: str, recipient: str, *, is_given: bool) -> int:
    """What the API answers to a consent about 王秀英."""
    wish = {"resident": "wang-xiuying", "purpose": purpose, "recipient": recipient, "is_given": is_given}
    return daughter.put("/api/consents", json=wish).status_code


def test_guards_see_where_somebody_is_just_now_only_as_the_resident_lets_them(estate: Estate, asking: Asking) -> None:
    premises = load(EXAMPLE).premises()
    rules = pipeline(premises)
    fix = position("w-01", (estate.now_ns - T0_NS) / NS_PER_S - 60, 119.95006, 31.78004)
    rules.update(batches(premises.registry, [(0, fix)]))
    with estate.database.write() as session:
        for rule, states in rules.snapshot().items():
            positions.save_decisions(session, rule, states)
    fallen = estate.happens(EventKind.FALL, "wang-xiuying", device="w-01", home_id="b3-201", resident_id="wang-xiuying")
    place, targets = f"/api/incidents/{fallen.id}", "/api/homes/b3-201/targets"
    guard, daughter = asking("guard-chen"), asking("wang-lei")

    def sees_targets() -> int:
        with guard.stream("GET", targets) as answer:
            return answer.status_code

    assert (guard.get(place).json()["position"] is not None, sees_targets()) == (True, 200)
    assert says(daughter, "position", "guards", is_given=False) == 200
    said = guard.get(place).json()
    assert (said["position"], "see_person" in said["may"], sees_targets()) == (None, True, 404)
    assert daughter.get(place).json()["position"] is not None
    assert says(daughter, "position", "guards", is_given=True) == 200
    assert (guard.get(place).json()["position"] is not None, sees_targets()) == (True, 200)


def test_the_hospital_gets_pictures_only_as_the_resident_lets_it(estate: Estate, asking: Asking) -> None:
    fallen = estate.happens(
        EventKind.FALL, "wang-xiuying", device="w-01", home_id="b3-201", resident_id="wang-xiuying", score=0.97, evidence=evidence()
    )
    estate.pass_s(31)
    estate.pass_s(65)
    place = f"/api/incidents/{fallen.id}"
    guard, daughter, desk = asking("guard-chen"), asking("wang-lei"), asking("city-hospital")
    guard.post(f"{place}/photos", files={"photo": ("x.jpg", photo())}).raise_for_status()

    def pictures(who: Asking) -> tuple[bool, bool, bool]:
        """Whether a photo, a picture of the evidence, and its words are shown."""
        moments = who.get(place).json()["moments"]
        photos, drawn, words = (any(one[what] for one in moments) for what in ("photo", "picture", "sure_words"))
        return photos, drawn, words

    address = next(one["photo"] for one in guard.get(place).json()["moments"] if one["photo"])
    assert (pictures(desk), desk.get(address).status_code) == ((True, True, True), 200)
    assert says(daughter, "pictures", "hospital", is_given=False) == 200
    assert (pictures(desk), desk.get(address).status_code) == ((False, False, True), 404)
    assert pictures(guard) == (True, True, True)
    assert says(daughter, "pictures", "hospital", is_given=True) == 200
    assert (pictures(desk), desk.get(address).status_code) == ((True, True, True), 200)


@pytest.mark.parametrize(("purpose", "recipient"), [("position", "hospital"), ("pictures", "guards"), ("training", "guards")])
def test_nothing_is_consented_to_that_nothing_obeys(asking: Asking, purpose: str, recipient: str) -> None:
    assert says(asking("wang-lei"), purpose, recipient, is_given=False) == 422


def test_a_resident_takes_along_what_is_kept_of_them(estate: Estate, asking: Asking) -> None:
    fallen = estate.happens(EventKind.FALL, "wang-xiuying", device="w-01", home_id="b3-201", resident_id="wang-xiuying")
    other = estate.happens(EventKind.FALL, "li-ming", device="w-02", home_id="b3-202", resident_id="li-ming")
    said = asking("wang-xiuying").get("/api/export")
    assert [one["id"] for one in said.json()["incidents"]] == [fallen.id]
    assert other.id not in said.text
    assert asking("wang-lei").get("/api/export").status_code == 403


def test_a_guard_who_has_to_look_at_what_is_over_says_why_and_the_family_sees_it(estate: Estate, asking: Asking) -> None:
    fallen = estate.happens(
        EventKind.FALL, "wang-xiuying", device="w-01", home_id="b3-201", resident_id="wang-xiuying", score=0.97, evidence=evidence()
    )
    guard, daughter = asking("guard-chen"), asking("wang-lei")
    path = f"/api/incidents/{fallen.id}"
    assert any(one["picture"] for one in guard.get(path).json()["moments"])
    guard.post(f"{path}/acts", json={"do": "resolve"})
    closed = guard.get(path).json()
    assert not any(one["picture"] for one in closed["moments"])
    assert closed["may"] == ["act", "break_glass"]
    assert guard.post(f"{path}/break-glass", json={"reason": "x"}).json()["code"] == "glass_reason"
    looked = guard.post(f"{path}/break-glass", json={"reason": "家属询问经过"}).json()
    assert any(one["picture"] for one in looked["moments"])
    assert "家属询问经过" in [one["said"] for one in daughter.get(path).json()["moments"]]
    estate.now_ns += timelines.GLASS_NS
    assert not any(one["picture"] for one in guard.get(path).json()["moments"])
    assert daughter.post(f"{path}/break-glass", json={"reason": "家属询问经过"}).status_code == 403


def test_a_daughter_tests_the_alarm_and_sees_where_the_chain_breaks(estate: Estate, served: Service, asking: Asking) -> None:
    daughter = asking("wang-lei")
    assert daughter.get("/api/homes/b3-201/test-alarm").json() is None
    assert daughter.post("/api/homes/b3-201/test-alarm", json={}).status_code == 422  # nothing can be sent here
    checks = ChainChecks(estate.database, Routes([]), clock=estate.clock, sleep=lambda _: None)
    app = create_app(estate.database, front_door(chain_checks=checks), clock=estate.clock)
    pages = Service(estate.database, estate.clock, app=app)
    try:
        with pages.client(cookies=estate.sign_in("wang-lei")) as able:
            begun = able.post("/api/homes/b3-201/test-alarm", json={})
            assert begun.status_code == 201, begun.text
            assert [len(step["links"]) for step in begun.json()["steps"]] == [2, 1]
            done = able.get("/api/homes/b3-201/test-alarm").json()
            while not done["is_done"]:
                done = able.get("/api/homes/b3-201/test-alarm").json()
            assert [link["state"] for step in done["steps"] for link in step["links"]] == ["failed", "failed", "left_out"]
            assert "nobody would be told" in done["broken_words"]
            for _ in range(2):
                assert able.post("/api/homes/b3-201/test-alarm", json={}).status_code == 201
            assert able.post("/api/homes/b3-201/test-alarm", json={}).json()["code"] == "tested_enough"
    finally:
        pages.stop()
    assert asking("li-anna").post("/api/homes/b3-201/test-alarm", json={}).status_code == 404
    assert served.is_running


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://[/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://localhost/x",
        "https://nats/x",
        "https://db.internal/x",
        "https://10.0.0.1./x",
        "http://push.example.org/1",
    ],
)
def test_nobody_makes_us_call_what_stands_beside_us(asking: Asking, endpoint: str) -> None:
    refused = asking("wang-lei").post("/api/push", json={"endpoint": endpoint, "keys": {"p256dh": "BA", "auth": "aa"}})
    assert refused.status_code == 422
