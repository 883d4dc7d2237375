"""A daily word and the question of the day after: chosen in the app, said once, and shown on no list."""

from typing import Any

import httpx
import pytest
from fakes.falling import evidence
from fakes.lakeside import LAKESIDE, Estate, Service
from fakes.screens import Screens, at, violations
from playwright.sync_api import Page, expect

from devices.model import NS_PER_S, HomeId, PersonId
from incidents.model import Act, Do
from rules.kinds import EventKind
from store import views
from store.acts import act_on
from store.estates import Estates
from web.client import is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the app is not built: make setup")


def settings(served: Service, estate: Estate, who: str) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.get(f"{served.url}/api/me/settings", cookies=estate.sign_in(who), trust_env=False).json()
    return answer


def refresh(estate: Estate) -> None:
    """What was chosen, as the sweeper has it."""
    with estate.database.read() as session:
        estate.directory = Estates().community(session, LAKESIDE).directory


def words(estate: Estate) -> list[tuple[str, str | None]]:
    with estate.database.read() as session:
        told = views.messages(session, LAKESIDE, PersonId("wang-lei"), 50)
    return [(str(one.channel), one.text) for one in told if one.purpose == "word"]


def switch_on(page: Page, name: str) -> None:
    """And wait for the server: a switch answers the finger, not the line."""
    with page.expect_response(lambda said: said.request.method == "PUT"):
        page.get_by_role("switch", name=name).check()
    expect(page.get_by_role("switch", name=name)).to_be_checked()


def fill(page: Page, name: str, time: str) -> None:
    with page.expect_response(lambda said: said.request.method == "PUT"):
        page.get_by_label(name, exact=True).fill(time)
        page.get_by_label(name, exact=True).blur()


@pytest.mark.parametrize(
    ("locale", "daily", "day_after", "when", "asked"),
    [("zh-CN", "每天报一次平安", "摔倒后第二天", "时间", "几点问"), ("en", "A word each day", "The day after a fall", "At", "Asked at")],
)
def test_the_daughter_chooses_what_she_wants_to_hear(
    *, estate: Estate, served: Service, screen: Screens, locale: str, daily: str, day_after: str, when: str, asked: str
) -> None:
    assert {name: settings(served, estate, "wang-lei")[name] for name in ("daily", "day_after")} == {"daily": None, "day_after": False}
    page = at(screen(locale, 390, 844, who="wang-lei"), served, "/settings")
    switch_on(page, daily)
    fill(page, when, "19:30")
    switch_on(page, day_after)
    fill(page, asked, "08:30")
    at(page, served, "/settings")
    expect(page.get_by_label(asked, exact=True)).to_have_value("08:30")
    expect(page.get_by_label(when, exact=True)).to_have_value("19:30")
    expect(page.get_by_role("switch", name=day_after)).to_be_checked()
    assert violations(page) == []
    with page.expect_response(lambda said: said.request.method == "PUT"):
        page.get_by_role("switch", name=daily).uncheck()
    expect(page.get_by_label(when, exact=True)).to_have_count(0)
    at(page, served, "/settings")
    expect(page.get_by_role("switch", name=daily)).not_to_be_checked()
    kept = settings(served, estate, "wang-lei")
    assert (kept["daily"], kept["day_after"], kept["day_after_at"]) == (None, True, "08:30")


def test_a_guard_and_a_resident_are_not_asked_for_it(served: Service, screen: Screens) -> None:
    for who in ("wang-xiuying", "guard-chen"):
        page = at(screen("en", 390, 844, who=who), served, "/settings")
        expect(page.get_by_role("switch", name="Large type")).to_be_visible()
        expect(page.get_by_role("switch", name="A word each day")).to_have_count(0)


def test_the_day_after_a_fall_she_is_asked_once_however_often_it_is_swept(estate: Estate, served: Service, screen: Screens) -> None:
    page = at(screen("en", 390, 844, who="wang-lei"), served, "/settings")
    switch_on(page, "The day after a fall")
    page.close()  # nobody looks while a day passes
    refresh(estate)
    place = {"home_id": "b3-201", "resident_id": "wang-xiuying"}
    fallen = estate.happens(EventKind.FALL, "wang-xiuying", device="w-01", score=0.97, evidence=evidence(), **place)
    estate.pass_s(31)
    done = Act(by=PersonId("guard-chen"), do=Do.RESOLVE, subject="wang-xiuying")
    act_on(estate.database, Estates(), LAKESIDE, done, estate.now_ns, incident_id=fallen.id)
    estate.pass_s(19 * 3600)
    estate.dispatch()
    assert words(estate) == []
    for _ in range(3):
        estate.pass_s(3600)
        estate.dispatch()
    ((channel, text),) = words(estate)
    assert channel == "sms"
    assert text is not None
    assert "今天怎么样" in text
    assert not estate.incident(fallen).dues


def test_the_daily_word_is_no_incident_on_any_page(estate: Estate, served: Service, screen: Screens) -> None:
    page = at(screen("en", 390, 844, who="wang-lei"), served, "/settings")
    switch_on(page, "A word each day")
    fill(page, "At", "14:00")
    refresh(estate)
    heard = {"sign_t_ms": (estate.now_ns - 60 * NS_PER_S) // 10**6, "silent": ""}
    word = estate.happens(EventKind.DAILY, "wang-xiuying", ago_s=0, resident_id="wang-xiuying", evidence=heard)
    estate.dispatch()
    ((_, text),) = words(estate)
    assert text == "【湖畔家园】王秀英（3栋201室）今天一切正常，13:59有活动。"
    at(page, served, "/incidents")
    expect(page.locator(".card")).to_have_count(0)
    answer = httpx.get(f"{served.url}/api/incidents/{word.id}", cookies=estate.sign_in("wang-lei"), trust_env=False)
    assert answer.status_code == 404
    with estate.database.read() as session:
        assert views.closed_incidents(session, LAKESIDE, 10) == ()
        assert views.suggestion(session, LAKESIDE, HomeId("b3-201")) is None
