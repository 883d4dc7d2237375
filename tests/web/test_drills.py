"""Drills in the app and on the pages: begun by who administers, a drill to everybody who looks, and with a report of what it has shown."""

import re
from collections.abc import Iterator
from pathlib import Path

import fakes.outside
import pytest
from fakes.lakeside import Estate, Service
from fakes.outside import LEI, Outside
from fakes.reading import Asking, text
from fakes.screens import Screens, at, violations
from playwright.sync_api import expect

from devices.model import NS_PER_S, PersonId
from incidents.model import Act, Do, Incident, Story
from notifier import reachability
from notifier.carrier.twilio import FakeTwilio
from notifier.spending import Spending
from rules.kinds import EventKind
from store import drills, views
from store.acts import act_on
from store.estates import Estates
from store.outbox import DeliveryOutcome
from web.client import is_built

DRILLS = "/api/administration/drills"
WISH = {"resident": "wang-xiuying"}
HALF_A_YEAR_S = drills.EVERY_NS / NS_PER_S
MARK = {"zh": "这是演练，没有真的出事", "zh-Hant": "這是演練，沒有真的出事", "en": "This is a drill: nothing has happened"}


@pytest.fixture
def office(served: Service, estate: Estate) -> Iterator[Asking]:
    with Asking(served.url, estate, "office") as asking:
        yield asking


def begun(estate: Estate) -> Incident:
    with estate.database.read() as session:
        (found,) = (one for one in views.open_incidents(session, estate.id) if one.story is Story.DRILL)
    return found


def says(estate: Estate, who: str, do: Do) -> None:
    about = begun(estate)
    act_on(
        estate.database,
        Estates(),
        estate.id,
        Act(by=PersonId(who), do=do, subject=about.subject),
        estate.now_ns,
        incident_id=about.id,
    )


def test_its_report_says_who_was_told_when_by_what_who_answered_after_how_long_and_where_it_broke(office: Asking, estate: Estate) -> None:
    shown = office.post(DRILLS, json=WISH)
    assert shown.status_code == 201, shown.text
    said = shown.json()
    assert [(one["is_open"], one["taken_words"], one["broken_words"]) for one in said["drills"]] == [
        (True, "Nobody has taken it on yet", [])
    ]
    # By SMS nothing gets through to anybody.
    estate.dispatch(lambda _: (DeliveryOutcome.REJECTED, "30003"))
    estate.now_ns += 42 * NS_PER_S
    says(estate, "wang-lei", Do.ACKNOWLEDGE)
    estate.now_ns += 18 * NS_PER_S
    says(estate, "office", Do.RESOLVE)
    (drill,) = office.get(DRILLS).json()["drills"]
    assert not drill["is_open"]
    assert drill["taken_words"] == "王磊 took it on after 42 s"
    people = {one["name"]: one for one in drill["people"]}
    assert people["王磊"]["answer_words"] == "Answered after 42 s: I have it"
    assert people["王磊"]["told_words"] == ["14:00:00 by SMS, did not arrive"]
    assert not people["王磊"]["is_broken"]  # he answered all the same
    guard = estate.directory.people[PersonId("guard-chen")].name
    assert people[guard]["is_broken"]
    assert drill["broken_words"] == [f"No message got through to {guard}"]


def test_a_report_of_one_that_nobody_answers_says_so(office: Asking, estate: Estate) -> None:
    office.post(DRILLS, json=WISH)
    estate.dispatch()
    estate.pass_s(3600)
    (drill,) = office.get(DRILLS).json()["drills"]
    assert drill["broken_words"] == ["Nobody took it on"]
    assert {one["answer_words"] for one in drill["people"]} == {"No answer"}


@pytest.mark.parametrize("who", ["guard-chen", "wang-lei", "wang-xiuying"])
def test_nobody_else_begins_one(served: Service, estate: Estate, who: str) -> None:
    with Asking(served.url, estate, who) as asking:
        assert asking.post(DRILLS, json=WISH).status_code == 403
        assert asking.get(DRILLS).status_code == 403


def test_none_begins_in_earnest_and_the_page_says_why(office: Asking, estate: Estate) -> None:
    estate.happens(EventKind.SOS, "li-ming", home_id="b3-202")
    refused = office.post(DRILLS, json=WISH)
    assert (refused.status_code, refused.json()["words"]) == (409, "There is a real alarm now: no drill begins.")
    assert office.get(DRILLS).json()["drills"] == []


@pytest.mark.parametrize("language", ["zh", "zh-Hant", "en"])
def test_it_is_a_drill_on_every_page_that_shows_it(served: Service, office: Asking, estate: Estate, language: str) -> None:
    office.post(DRILLS, json=WISH)
    mark, drill = MARK[language], begun(estate)
    with Asking(served.url, estate, "guard-chen") as guard, Asking(served.url, estate, "wang-lei") as family:
        for page in (f"/?lang={language}", f"/incidents/lakeside/{drill.id}?lang={language}"):
            said = text(guard.get(page))
            assert mark in said
            assert "市一院急诊" not in said  # nor is it said that the hospital is told next
        desk = guard.get("/api/desk", headers={"accept-language": language}).json()
        shown = [one for one in desk["wrong"] if one["id"] == drill.id]
        story = family.get(f"/api/incidents/{drill.id}", headers={"accept-language": language}).json()
        home = family.get("/api/homes/b3-201", headers={"accept-language": language}).json()
    for card in (*shown, story["card"], *home["incidents"]):
        assert card["tone"] == "drill"
        assert re.search("演练|演練|Drill", card["title_words"])
        assert re.search("演练|演練|drill", card["who_words"])
    assert mark in " ".join(story["mark_words"])
    assert story["emergency"] == []  # nobody calls 120
    assert home["tone"] == "good"  # all is well at their home


def test_a_guard_sees_nobodys_data_for_practice(served: Service, office: Asking, estate: Estate) -> None:
    office.post(DRILLS, json=WISH)
    with Asking(served.url, estate, "guard-chen") as guard:
        story = guard.get(f"/api/incidents/{begun(estate).id}").json()
    assert story["position"] is None
    assert "see_person" not in story["may"]


def test_it_stands_behind_everything_real_on_the_console(office: Asking, estate: Estate) -> None:
    office.post(DRILLS, json=WISH)
    estate.happens(EventKind.OFFLINE, "w-02", device="w-02")
    with estate.database.read() as session:
        assert [one.kind for one in views.open_incidents(session, estate.id)] == [EventKind.OFFLINE, EventKind.DRILL]


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with FakeTwilio() as fake:
        yield fake


@pytest.fixture
def outside(estate: Estate, twilio: FakeTwilio, tmp_path: Path) -> Iterator[Outside]:
    with fakes.outside.outside(estate, twilio, tmp_path) as made:
        yield made


def test_the_link_in_a_text_and_what_is_answered_to_a_reply_say_it_too(office: Asking, outside: Outside) -> None:
    office.post(DRILLS, json=WISH)
    outside.sweep()
    sent = dict(outside.twilio.bodies)[LEI]
    assert "演练，没有真的出事：" in sent
    page = outside.client.get(f"/a/{re.findall(r'/a/([A-Za-z0-9_-]{22})', sent)[0]}").text
    assert MARK["zh"] in page
    assert 'class="severity drill"' in page
    assert "tel:120" not in page
    assert outside.writes(LEI, "1") == "已记录，您去处理王秀英（演练）的事。到了请说一声。"


def test_after_half_a_year_without_one_the_administrators_are_reminded_until_there_was_one(
    served: Service, office: Asking, estate: Estate
) -> None:
    def is_missing() -> bool:
        with estate.database.read() as session:
            found = reachability.look(session, estate.directory, Spending(), estate.now_ns)
        return any(one.lack == "no_drill" for one in found)

    assert not is_missing()
    assert office.get(DRILLS).json()["due_words"].startswith("Next drill: by 30 Aug")
    estate.now_ns += round(HALF_A_YEAR_S * NS_PER_S)
    assert is_missing()
    with Asking(served.url, estate, "office") as later:
        assert "半年没有演练了" in text(later.get("/reachability?lang=zh"))
        later.post(DRILLS, json=WISH)
        assert not is_missing()
        estate.happens(EventKind.SOS, "li-ming", home_id="b3-202")  # it was called off: it has shown nothing
        assert is_missing()


@pytest.mark.skipif(not is_built(), reason="make setup builds the client")
@pytest.mark.parametrize(("locale", "width"), [("zh-CN", 390), ("en", 1440)])
def test_the_page_begins_one_and_shows_what_came_of_it(estate: Estate, served: Service, screen: Screens, locale: str, width: int) -> None:
    page = screen(locale, width, 844, who="office")
    at(page, served, "/administration/drills")
    page.get_by_role("combobox").select_option("wang-xiuying")
    page.get_by_role("button", name=re.compile("开始演练|Begin a drill")).click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("^(开始|Begin)$")).click()
    expect(page.locator(".notice.tone-drill")).to_contain_text("王秀英")
    estate.dispatch(lambda _: (DeliveryOutcome.REJECTED, "30003"))
    says(estate, "guard-chen", Do.ACKNOWLEDGE)
    says(estate, "office", Do.RESOLVE)
    page.reload()
    expect(page.get_by_text(re.compile("没有通知到|No message got through"))).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
