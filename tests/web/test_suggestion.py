"""The app says that everybody has left, and one tap arms the home."""

import pytest
from fakes.lakeside import LAKESIDE, Estate, Service
from fakes.screens import Screens, at, violations
from playwright.sync_api import expect

from devices.model import HomeId
from incidents.model import Incident
from rules.kinds import EventKind, Mode
from rules.model import Cleared
from store import views
from web.client import is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="the app is not built: make setup")
HOME = HomeId("b3-201")


def everybody_leaves(estate: Estate) -> Incident:
    return estate.happens(EventKind.EVERYBODY_LEFT, HOME, ago_s=180, home_id=HOME, cause=HOME)


def one_is_back(estate: Estate) -> None:
    fields = {"kind": EventKind.EVERYBODY_LEFT, "subject": HOME, "cause": HOME, "t_ns": estate.now_ns, "known_ns": estate.now_ns, "seq": 2}
    estate.takes(Cleared(community_id=LAKESIDE, **fields))


def mode_of(estate: Estate) -> Mode | None:
    with estate.database.read() as session:
        since = views.modes(session, LAKESIDE).get(HOME)
    return since.mode if since else None


@pytest.mark.parametrize(
    ("locale", "words", "button", "done"),
    [
        ("zh-CN", "13:57起都出门了，还没有布防。要布防吗？", "现在布防：外出", "外出"),
        ("en", "Everybody has been out since 13:57, and it is not armed. Arm it?", "Set “Away” now", "Away"),
    ],
)
def test_one_tap_arms_and_the_suggestion_is_gone(
    *, estate: Estate, served: Service, screen: Screens, locale: str, words: str, button: str, done: str
) -> None:
    page = at(screen(locale, 390, 844, who="wang-lei"), served)
    expect(page.locator(".suggestion")).to_have_count(0)
    everybody_leaves(estate)
    expect(page.get_by_role("heading", name=words)).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name=button).click()
    expect(page.locator(".suggestion")).to_have_count(0)
    expect(page.locator(".toast")).to_contain_text(done)
    assert mode_of(estate) is Mode.AWAY


def test_it_goes_away_when_somebody_is_back(estate: Estate, served: Service, screen: Screens) -> None:
    everybody_leaves(estate)
    page = at(screen("zh-CN", 390, 844, who="wang-lei"), served)
    expect(page.locator(".suggestion")).to_be_visible()
    one_is_back(estate)
    expect(page.locator(".suggestion")).to_have_count(0)
    assert mode_of(estate) is None


def test_it_is_no_incident_on_any_page(estate: Estate, served: Service, screen: Screens) -> None:
    word = everybody_leaves(estate)
    family = at(screen("en", 390, 844, who="wang-lei"), served)
    expect(family.locator(".hero.tone-good")).to_be_visible()
    at(family, served, "/incidents")
    expect(family.locator(".card")).to_have_count(0)
    guard = screen("en", who="guard-chen")
    guard.goto(f"{served.url}/")
    expect(guard.get_by_text("Everybody has left")).to_have_count(0)
    one_is_back(estate)
    at(family, served, "/incidents")
    expect(family.locator(".card")).to_have_count(0)
    with estate.database.read() as session:
        assert views.open_incidents(session, LAKESIDE) == ()
        assert views.closed_incidents(session, LAKESIDE, 10) == ()
    assert not estate.incident(word).is_open


def test_of_a_home_of_others_nothing_is_said(estate: Estate, served: Service, screen: Screens) -> None:
    everybody_leaves(estate)
    page = at(screen("en", 390, 844, who="li-anna"), served)
    expect(page.locator(".suggestion")).to_have_count(0)
