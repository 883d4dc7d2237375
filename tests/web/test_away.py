"""Somebody of a home is in hospital or travelling: the family says so on the app's page "Arm", and that they are back."""

import re

import pytest
from fakes.lakeside import Estate, Service
from fakes.reading import Asking
from fakes.screens import Screens, at, violations
from playwright.sync_api import expect

from incidents.model import IncidentState, Story
from store import views
from web.client import is_built

HOME = "/api/homes/b3-201"
WISH = {"resident": "wang-xiuying", "days": 3, "reason": "住院"}


def away(estate: Estate) -> list[tuple[str, IncidentState]]:
    with estate.database.read() as session:
        found = (*views.open_incidents(session, estate.id), *views.closed_incidents(session, estate.id, 9))
    return [(one.acknowledged_by or "", one.state) for one in found if one.story is Story.SILENCE]


@pytest.mark.parametrize("who", ["wang-lei", "wang-xiuying"])
def test_the_family_and_the_resident_say_so_and_say_that_it_is_over(served: Service, estate: Estate, who: str) -> None:
    with Asking(served.url, estate, who) as asking:
        said = asking.put(f"{HOME}/away", json=WISH)
        assert said.status_code == 200, said.text
        assert [one["away_words"] for one in said.json()["residents"]] == ["王秀英 is away until 4 Mar 14:00"]
        assert away(estate) == [(who, IncidentState.ACKNOWLEDGED)]
        back = asking.put(f"{HOME}/away", json=WISH | {"days": 0})
        assert [one["away_words"] for one in back.json()["residents"]] == [""]
        assert [state for _, state in away(estate)] == [IncidentState.RESOLVED]


@pytest.mark.parametrize(
    ("who", "wish", "status"),
    [
        ("li-anna", {}, 404),
        ("wang-lei", {"resident": "li-ming"}, 422),
        ("wang-lei", {"reason": " "}, 422),
        ("wang-lei", {"days": 93}, 422),
        ("wang-lei", {"days": -1}, 422),
        ("wang-lei", {"days": 0}, 422),
    ],
)
def test_what_is_refused_changes_nothing(served: Service, estate: Estate, who: str, wish: dict[str, object], status: int) -> None:
    with Asking(served.url, estate, who) as asking:
        assert asking.put(f"{HOME}/away", json=WISH | wish).status_code == status
    assert away(estate) == []


def test_it_is_over_by_itself_and_the_page_says_so(served: Service, estate: Estate) -> None:
    with Asking(served.url, estate, "wang-lei") as asking:
        asking.put(f"{HOME}/away", json=WISH)
        estate.pass_s(3 * 24 * 3600 + 1)
        with Asking(served.url, estate, "wang-lei") as later:
            assert [one["away_words"] for one in later.get(HOME).json()["residents"]] == [""]


@pytest.mark.skipif(not is_built(), reason="the app is not built: make setup")
@pytest.mark.parametrize(
    ("locale", "away_", "reason", "three", "until", "back", "over"),
    [
        ("zh-CN", "王秀英不在家", "为什么", "3天", "王秀英不在家，到3月4日", "回来了", "已恢复"),
        ("en", "王秀英 is not at home", "Why?", "3 days", "王秀英 is away until 4 Mar", "Back home", "is back"),
    ],
)
def test_it_is_said_on_a_phone(
    *,
    estate: Estate,
    served: Service,
    screen: Screens,
    locale: str,
    away_: str,
    reason: str,
    three: str,
    until: str,
    back: str,
    over: str,
) -> None:
    page = at(screen(locale, 390, 844, who="wang-lei", touch=True), served, "/arm")
    page.get_by_role("button", name=away_).tap()
    page.get_by_label(re.compile(reason)).fill("住院")
    assert violations(page) == []
    page.get_by_role("button", name=three, exact=True).tap()
    expect(page.get_by_text(until)).to_be_visible()
    assert away(estate) == [("wang-lei", IncidentState.ACKNOWLEDGED)]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name=back).tap()
    expect(page.locator(".toast")).to_contain_text(over)
    expect(page.get_by_text(until)).to_have_count(0)
