"""The simple view of who lives at home: how it is, help, and whom to call."""

import httpx
import pytest
from fakes.lakeside import LAKESIDE, Estate, Service
from fakes.screens import Screens, at, until, violations
from playwright.sync_api import Page, expect

from devices.model import PersonId
from incidents.model import Act, Do
from rules.kinds import EventKind
from store import views
from store.acts import act_on
from store.estates import Estates
from web.client import is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the app is not built: make setup")


def acts(estate: Estate, do: Do, eta_min: float | None = None) -> None:
    done = Act(by=PersonId("wang-lei"), do=do, subject="wang-xiuying", eta_min=eta_min)
    act_on(estate.database, Estates(), LAKESIDE, done, estate.now_ns)


def simple(page: Page, served: Service, name: str) -> Page:
    at(page, served, "/settings")
    page.get_by_role("switch", name=name).check()
    return at(page, served)


@pytest.mark.parametrize(
    ("locale", "switch", "well", "called", "coming", "call", "sos"),
    [
        ("zh-CN", "简单模式", "一切正常", "已经呼救，正在通知家人和值班人员。", "王磊正在赶来。大约10分钟后到。", "打电话给王磊", "呼救"),
        (
            *("en", "Simple view", "All is well", "Help was called. Your family and who is on duty are being told."),
            *("王磊 is coming. There in about 10 min.", "Call 王磊", "SOS"),
        ),
    ],
)
def test_she_holds_the_button_and_sees_that_help_was_called_who_comes_and_that_all_is_well_again(  # noqa: PLR0917  one story
    estate: Estate, served: Service, screen: Screens, locale: str, switch: str, well: str, called: str, coming: str, call: str, sos: str
) -> None:
    page = simple(screen(locale, 390, 844, who="wang-xiuying"), served, switch)
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text(well)
    expect(page.get_by_role("link", name=call)).to_have_attribute("href", "tel:+8613800000001")
    expect(page.get_by_role("navigation").get_by_role("link")).to_have_count(0)
    assert violations(page) == []
    page.get_by_role("button", name=sos, exact=True).hover()
    page.mouse.down()
    expect(heading).to_have_text(called)
    page.mouse.up()
    acts(estate, Do.ACKNOWLEDGE, eta_min=10)
    expect(heading).to_have_text(coming)
    assert violations(page) == []
    acts(estate, Do.RESOLVE)
    expect(heading).to_have_text(well)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_tap_on_the_button_calls_nobody(estate: Estate, served: Service, screen: Screens) -> None:
    page = simple(screen("en", 390, 844, who="wang-xiuying"), served, "Simple view")
    page.get_by_role("button", name="SOS", exact=True).click()
    page.get_by_role("button", name="No", exact=True).click()
    with estate.database.read() as session:
        assert views.open_incidents(session, LAKESIDE) == ()


def test_a_call_under_duress_is_not_on_it(estate: Estate, served: Service, screen: Screens) -> None:
    page = simple(screen("en", 390, 844, who="wang-xiuying"), served, "Simple view")
    estate.happens(EventKind.DURESS, "wang-xiuying", resident_id="wang-xiuying", home_id="b3-201")
    estate.arm("b3-202")
    until(page, "true")
    at(page, served)
    expect(page.get_by_role("heading", level=1)).to_have_text("All is well")


def test_the_familys_numbers_are_given_to_who_lives_there_only(estate: Estate, served: Service) -> None:
    found = {
        who: httpx.get(f"{served.url}/api/homes/b3-201", cookies=estate.sign_in(who), trust_env=False).json()["family"]
        for who in ("wang-xiuying", "wang-lei", "guard-chen")
    }
    assert [one["id"] for one in found["wang-xiuying"]] == ["wang-lei"]
    assert found["wang-lei"] == found["guard-chen"] == []


def test_a_relative_is_not_offered_it(served: Service, screen: Screens) -> None:
    page = at(screen("en", 390, 844, who="wang-lei"), served, "/settings")
    expect(page.get_by_role("switch", name="Simple view")).to_have_count(0)
