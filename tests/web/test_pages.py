"""What the pages say, and what their forms do."""

import copy
import html
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes.lakeside import LAKESIDE, Estate, Service, example
from fakes.reading import Asking, act, answer, path, text

from devices.model import HomeId
from incidents.directory import Language
from incidents.model import Do, IncidentState
from incidents.timeline import EntryKind
from rules.kinds import EventKind, Mode
from store import timelines, views
from store.outbox import DeliveryOutcome
from store.session import Database
from web.languages import words_in
from web.words import Notice

ZH, EN = words_in(Language.ZH), words_in(Language.EN)


def test_a_quiet_estate_says_so_with_its_homes_and_devices(client: Asking) -> None:
    said = text(client.get("/"))
    assert "All is quiet" in said
    assert "2 homes 2 residents 5 devices" in said


def test_the_console_says_who_where_what_since_when_who_has_it_who_was_told_and_who_is_next(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying", device="w-01")
    estate.dispatch()
    estate.pass_s(59)
    said = text(client.get("/"))
    for part in (
        "Life safety",
        "Pressed SOS",
        "王秀英",
        "3栋201室",
        "13:59 1 min ago",
        "Nobody has it yet",
        "王磊 relative SMS delivered",
        "陈队 guard SMS delivered",
        "14:01:00 tell 市一院急诊",
    ):
        assert part in said
    act(client, Do.ACKNOWLEDGE, incident)
    assert "陈队 has it · expected by 14:30" in text(client.get("/"))


def test_what_can_still_be_cancelled_says_until_when(client: Asking, estate: Estate) -> None:
    estate.happens(EventKind.FALL, "wang-xiuying", device="w-01")
    said = text(client.get("/"))
    assert "people are told at 14:00:30 unless cancelled" in said
    assert "Nobody has been told yet" in said


def test_life_safety_stands_on_top_and_what_is_over_below(client: Asking, estate: Estate) -> None:
    ended = estate.happens(EventKind.EXIT, "wang-xiuying")
    act(client, Do.FALSE_ALARM, ended)
    estate.happens(EventKind.CROSS, "b3-202", home_id=HomeId("b3-202"))
    estate.happens(EventKind.SOS, "li-ming")
    said = text(client.get("/"))
    assert said.index("Pressed SOS") < said.index("Somebody crossed the guarded line") < said.index("Recently over")
    assert said.index("Recently over") < said.index("Left the safe area") < said.index("False alarm, said 陈队")


def test_the_timeline_says_each_message_its_words_and_what_came_of_it(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying", device="w-01")
    estate.dispatch(lambda _: (DeliveryOutcome.RETRY, "busy"))
    estate.pass_s(6)
    estate.dispatch(lambda _: (DeliveryOutcome.REJECTED, "30003"))
    act(client, Do.RESOLVE, incident)
    estate.dispatch()
    said = text(client.get(path(incident)))
    steps = (
        "13:59:58 Pressed SOS",
        "14:00:00 王磊: SMS relative, Asked for help",
        "【湖畔家园】王秀英（3栋201室）13:59按了求助键。请马上打电话",
        "did not go through, tried again 14:00:01",
        "did not arrive (30003) 14:00:07",
        "14:00:06 Resolved by 陈队",
    )
    assert [part for part in steps if part not in said] == []
    assert "Ending" in said
    assert min(steps, key=said.index) == steps[0]


def test_no_measurement_and_no_score_is_shown_but_to_who_stands_guard_on_the_page_of_it(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying", score=0.8125, evidence={"impact_g": 3.4375, "posture": "lying"})
    estate.dispatch()
    for who, pages in (
        ("guard-chen", ("/", "/phones", "/homes")),
        ("office", ("/", "/phones", "/homes", path(incident))),
        ("wang-lei", ("/homes", path(incident))),
    ):
        client.be(who)
        for page in pages:
            shown = client.get(page)
            assert (shown.status_code, re.search(r"0\.81|3\.43|impact|posture|lying", shown.text)) == (200, None)


def test_phones_show_what_each_person_got_newest_first_relatives_of_whom_it_is_about_first(client: Asking, estate: Estate) -> None:
    old = estate.happens(EventKind.SOS, "li-ming")
    estate.dispatch()
    estate.pass_s(20)
    act(client, Do.RESOLVE, old, by="guard-zhao")
    estate.dispatch()
    estate.pass_s(600)
    estate.happens(EventKind.SOS, "wang-xiuying")
    estate.dispatch()
    page = client.get("/phones")
    said = text(page)
    names = re.findall(r"<h2>(.*?)</h2>", page.text)
    assert (names[0], sorted(names)) == ("王磊", ["Anna Li", "王磊", "陈队"])
    assert "relative of 王秀英 +86 138 0000 0001 14:10 SMS 【湖畔家园】王秀英（3栋201室）14:10按了求助键。" in said
    guard = said[said.rindex("陈队") :]
    assert guard.index("王秀英（3栋201室）14:10按了求助键") < guard.index("已结束：李明") < guard.index("李明（3栋202室）13:59按了求助键")
    assert "Over: 李明 (3栋202室, 湖畔家园) pressed SOS" in said
    only = client.get("/phones", params={"person": "li-anna"})
    assert re.findall(r"<h2>(.*?)</h2>", only.text) == ["Anna Li"]


def test_a_call_is_told_from_an_sms(client: Asking, estate: Estate) -> None:
    estate.happens(EventKind.SOS, "wang-xiuying")
    estate.dispatch()
    estate.pass_s(60)
    estate.dispatch()
    assert "14:01 Voice call 湖畔家园提醒您，王秀英" in text(client.get("/phones", params={"person": "city-hospital"}))


def test_homes_stand_by_building_with_their_mode_and_it_can_be_changed(client: Asking, estate: Estate) -> None:
    said = text(client.get("/homes"))
    assert "2 Disarmed 0 Home 0 Away" in said
    assert "Building 3 Floor 2 3栋201室 Disarmed 王秀英" in said
    client.be("wang-lei")
    changed = client.post("/modes", data={"community": LAKESIDE, "mode": "away/b3-201"})
    said = answer(client, changed)
    assert "The mode was changed." in said
    assert "3栋201室 Away 王秀英" in said
    assert "14:00, by 王磊" in said
    with estate.database.read() as session:
        assert views.modes(session, LAKESIDE)[HomeId("b3-201")].mode is Mode.AWAY


@pytest.mark.parametrize(
    ("by", "mode", "notice"),
    [
        ("li-anna", "away/b3-201", Notice.NOT_YOURS),
        ("guard-chen", "lost/b3-201", Notice.REFUSED),
        ("guard-chen", "", Notice.REFUSED),
    ],
)
def test_a_mode_that_is_not_changed_says_why(client: Asking, estate: Estate, by: str, mode: str, notice: Notice) -> None:
    client.be(by)
    refused = client.post("/modes", data={"community": LAKESIDE, "mode": mode})
    assert EN.notices[notice] in answer(client, refused)
    with estate.database.read() as session:
        assert views.modes(session, LAKESIDE) == {}


def test_who_is_not_signed_in_is_asked_to_and_changes_nothing(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    client.be("")
    for place, form in (
        ("/modes", {"mode": "away/b3-201"}),
        ("/acts", {"act": f"{Do.RESOLVE}/{incident.id}"}),
        ("/notes", {"incident": incident.id, "text": "x"}),
    ):
        said = {"community": LAKESIDE, "by": "guard-chen", **form}
        refused = client.post(place, data=said, headers={"cookie": f"me-{LAKESIDE}=guard-chen"})
        assert (refused.status_code, refused.headers["location"]) == (303, "/sign-in")
    assert estate.incident(incident) == incident
    with estate.database.read() as session:
        assert views.modes(session, LAKESIDE) == {}
        assert EntryKind.NOTE not in {entry.kind for _, entry in timelines.read(session, LAKESIDE, incident.id)}


def test_each_act_is_done_and_said(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    states = []
    for do in (one for one in Do if one is not Do.HAND_OVER):  # which names somebody
        if do in {Do.FALSE_ALARM, Do.DECLINE}:
            incident = estate.happens(EventKind.SOS, "li-ming")
        assert "Noted." in answer(client, act(client, do, incident))
        states.append(estate.incident(incident).state)
    assert states == [
        IncidentState.ACKNOWLEDGED,
        IncidentState.ON_SCENE,
        IncidentState.RESOLVED,
        IncidentState.FALSE_ALARM,
        IncidentState.OPEN,
    ]


def test_who_acts_is_who_is_signed_in_whatever_a_form_or_a_cookie_says(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    client.be("guard-zhao")
    assert "赵队 · guard Sign out" in text(client.get("/"))
    client.cookies.set(f"me-{LAKESIDE}", "guard-chen")
    form = {"community": LAKESIDE, "by": "guard-chen", "me": "guard-chen", "act": f"{Do.ACKNOWLEDGE}/{incident.id}"}
    assert "赵队 has it" in answer(client, client.post("/acts", data=form))
    assert estate.incident(incident).acknowledged_by == "guard-zhao"


def test_an_act_goes_back_to_the_page_it_was_done_on(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    assert act(client, Do.ACKNOWLEDGE, incident, back="incident").headers["location"].startswith(path(incident) + "?")
    assert act(client, Do.ACKNOWLEDGE, incident, back="https://evil.example").headers["location"].startswith("/?")


@pytest.mark.parametrize(
    ("by", "do", "notice"),
    [
        ("wang-xiuying", "resolve", Notice.NOT_YOURS),
        ("li-ming", "resolve", Notice.REFUSED),
        ("guard-chen", "explode", Notice.REFUSED),
    ],
)
def test_an_act_that_is_refused_says_why_and_changes_nothing(client: Asking, estate: Estate, by: str, do: str, notice: Notice) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    refused = act(client, do, incident, by=by, back="incident")
    assert f"said={notice}" in refused.headers["location"]
    assert by == "li-ming" or EN.notices[notice] in answer(client, refused)  # who may not see it is at home in the app
    assert estate.incident(incident) == incident


def test_an_act_on_what_is_over_says_so(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    act(client, Do.RESOLVE, incident)
    assert "this is over already" in answer(client, act(client, Do.ACKNOWLEDGE, incident))
    assert estate.incident(incident).state is IncidentState.RESOLVED


def test_an_act_on_one_incident_leaves_a_graver_one_of_the_same_person_alone(client: Asking, estate: Estate) -> None:
    gone, fallen = estate.happens(EventKind.EXIT, "wang-xiuying"), estate.happens(EventKind.SOS, "wang-xiuying")
    act(client, Do.RESOLVE, gone)
    assert (estate.incident(gone).is_open, estate.incident(fallen).is_open) == (False, True)


def test_what_names_nothing_we_know_is_refused_politely(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    for place in (
        "/nowhere",
        "/?community=nowhere",
        "/incidents/lakeside/none",
        f"/incidents/nowhere/{incident.id}",
        "/phones?person=none",
    ):
        missing = client.get(place)
        assert (missing.status_code, EN.not_found in missing.text) == (404, True)
    assert client.post("/acts", data={"community": "nowhere", "act": "resolve/x"}).status_code == 404
    assert "incomplete" in answer(client, client.post("/acts", data={"community": LAKESIDE, "act": "resolve/x"}))


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans-CN"),
        ("zh-TW,zh;q=0.9,en;q=0.8", "zh-Hant-HK"),
        ("zh-HK", "zh-Hant-HK"),
        ("zh-Hant", "zh-Hant-HK"),
        ("en-GB,en;q=0.9", "en-GB"),
        ("en-US", "en-GB"),
        ("de,en;q=0.5,zh;q=0.6", "zh-Hans-CN"),
        ("fr", "zh-Hans-CN"),
        (";q=x,,", "zh-Hans-CN"),
        ("*", "zh-Hans-CN"),
    ],
)
def test_the_browser_says_which_language(client: Asking, accept: str, language: str) -> None:
    assert f'<html lang="{language}">' in client.get("/", headers={"accept-language": accept}).text


def test_a_chosen_language_goes_before_the_browsers_and_is_remembered(client: Asking) -> None:
    assert "All is quiet" in client.get("/").text
    assert "一切平安" in client.get("/?lang=zh").text
    assert "一切平安" in client.get("/").text
    assert "Homes" in client.get("/homes?lang=en").text
    assert "Phones" in client.get("/phones").text


@pytest.mark.parametrize("language", list(Language))
def test_every_page_can_be_switched_to_the_other_language(client: Asking, estate: Estate, language: Language) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    estate.dispatch()
    for place in ("/", "/phones?person=wang-lei", "/homes", path(incident), "/nowhere"):
        page = client.get(place, headers={"accept-language": language})
        for other in Language:
            link = re.search(rf'href="([^"]*)" lang="{other}"', page.text)
            assert link
            switched = client.get(html.unescape(link[1]))
            client.cookies.delete("lang")
            assert f'<html lang="{words_in(other).script.tag}">' in switched.text
            assert str(switched.url.path) == place.split("?", maxsplit=1)[0]


EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def evil_estate() -> dict[str, Any]:
    said = copy.deepcopy(example())
    said["community"]["name"] = EVIL
    for person in said["people"]:
        person["name"] = f"{person['id']} {EVIL}"
    said["homes"][0]["address"] = EVIL
    said["homes"][0]["building"] = EVIL
    return said


def test_names_are_never_markup(client: Asking, estate: Estate) -> None:
    estate.write(evil_estate())
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    estate.dispatch()
    act(client, Do.ACKNOWLEDGE, incident)
    ids = {"person": "wang-lei"}
    for place in ("/", "/phones", "/homes", path(incident)):
        page = client.get(place, params=ids if place == "/phones" else {}).text
        assert "&lt;script&gt;alert(1)" in page
        assert re.search(r"<script>|<img src=x", page) is None


def test_what_is_asked_is_never_markup(client: Asking) -> None:
    for place in ("/", "/phones", "/homes", "/nowhere"):
        page = client.get(place, params={"said": EVIL, "lang": EVIL, "x": EVIL}).text
        assert re.search(r"<script>|<img src=x", page) is None
    assert client.get(f"/{EVIL}").status_code == 404


def test_of_several_communities_one_is_shown_and_remembered(client: Asking, estate: Estate, tmp_path: Path) -> None:
    said = example()
    said["community"] = {"id": "willow", "name": "柳岸新村", "timezone": "Europe/London", "language": "en"}
    willow = Estate(estate.database, said, tmp_path / "willow.json")
    there = willow.happens(EventKind.SOS, "li-ming")
    assert "All is quiet" in text(client.get("/"))
    page = text(client.get("/?community=willow"))
    assert "Pressed SOS" in page
    assert "05:59" in page  # in London
    assert "Pressed SOS" in text(client.get("/"))
    assert client.get(f"/incidents/lakeside/{there.id}").status_code == 404
    act(client, Do.RESOLVE, there)
    assert willow.incident(there).is_open  # lakeside has no such incident


def test_an_empty_database_says_what_to_do(database: Database) -> None:
    pages = Service(database, lambda: 0)
    try:
        said = text(httpx.get(pages.url, headers={"accept-language": "en"}, trust_env=False))
    finally:
        pages.stop()
    assert "No community yet Import a community file first: anju import COMMUNITY.yaml" in said
