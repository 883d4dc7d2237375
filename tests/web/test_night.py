"""A fall at night, on the daughter's phone: from the SMS and its link, which needs neither sign-in nor script, to the ending."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue

import fakes.outside
import pytest
from fakes.brokers import PATIENCE_S
from fakes.falling import evidence
from fakes.lakeside import Estate, Service, front_door
from fakes.outside import LEI, PUBLIC, Outside
from playwright.sync_api import Page, expect

from devices.model import PersonId
from incidents.directory import Language
from incidents.model import Act, Do, IncidentState
from notifier.carrier.twilio import FakeTwilio
from rules.kinds import EventKind
from store.acts import act_on
from store.estates import Estates
from web.client import is_built
from web.languages import words_in
from web.service import create_app
from web.words import SignIn

Screens = Callable[..., Page]
TO_NIGHT_S = 12 * 3600 + 700
"""From two in the afternoon, when the estate's clock begins."""
LOCALES = {Language.ZH: "zh-CN", Language.EN: "en"}
WELL = {Language.ZH: "王秀英一切正常", Language.EN: "All is well with 王秀英"}

pytestmark = pytest.mark.skipif(not is_built(), reason="the app is not built: make setup")


@pytest.fixture
def outside(estate: Estate, tmp_path: Path) -> Iterator[Outside]:
    with FakeTwilio() as twilio, fakes.outside.outside(estate, twilio, tmp_path) as made:
        yield made


@pytest.fixture
def codes() -> SimpleQueue[tuple[str, str]]:
    return SimpleQueue()


@pytest.fixture
def app(estate: Estate, outside: Outside, codes: SimpleQueue[tuple[str, str]]) -> Iterator[Service]:  # noqa: ARG001  telephones first
    door = front_door(codes, as_anybody=False)
    pages = Service(estate.database, estate.clock, app=create_app(estate.database, door, clock=estate.clock))
    yield pages
    pages.stop()


def heard(outside: Outside) -> list[str]:
    """What the daughter's phone has got."""
    return [text for to, text in outside.twilio.bodies if to == LEI]


@pytest.mark.parametrize("language", list(LOCALES))
def test_a_fall_at_night_from_the_sms_to_the_ending(  # noqa: PLR0917  everybody who has a part in it
    estate: Estate, outside: Outside, app: Service, codes: SimpleQueue[tuple[str, str]], screen: Screens, language: Language
) -> None:
    words = words_in(language)
    for person in estate.said["people"]:
        if person["id"] == "wang-lei":
            person["language"] = language
    estate.write(estate.said)
    estate.pass_s(TO_NIGHT_S)

    fallen = outside.tells(EventKind.FALL, device="w-01", score=0.97, evidence=evidence(), home_id="b3-201", resident_id="wang-xiuying")
    (sms,) = heard(outside)
    link = re.search(rf"{re.escape(PUBLIC)}(/a/[A-Za-z0-9_-]{{22}})", sms)
    assert link is not None, sms
    assert "王秀英" in sms
    assert "02:11" in sms

    phone = screen(LOCALES[language], 390, 844, who="", scripts=False)
    phone.goto(f"{str(outside.client.base_url).rstrip('/')}{link[1]}")
    expect(phone.get_by_role("heading", level=1)).to_contain_text(words.kinds[EventKind.FALL])
    expect(phone.locator("svg.fall")).to_be_visible()
    expect(phone.get_by_role("link", name=re.compile("^120"))).to_have_attribute("href", "tel:120")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    assert estate.incident(fallen).state is IncidentState.OPEN
    soon = words.clause_gap.join((words.do[Do.ACKNOWLEDGE], words.arrive_in.format(n=10)))
    phone.get_by_role("button", name=soon, exact=True).click()
    incident = estate.incident(fallen)
    assert (incident.state, incident.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "wang-lei")
    outside.sweep()
    assert len(heard(outside)) == 1  # who has it is told nothing more

    page = screen(LOCALES[language], 390, 844, who="", with_errors=True)  # who is not signed in yet is answered by 401
    page.goto(f"{app.url}/app/")
    page.get_by_label(words.sign_in[SignIn.NUMBER]).fill(LEI)
    page.get_by_label(words.sign_in[SignIn.NUMBER]).press("Enter")
    digits = page.get_by_label(words.sign_in[SignIn.DIGITS])
    digits.fill(codes.get(timeout=PATIENCE_S)[1])
    digits.press("Enter")
    expect(page.locator(".hero.tone-alarm, .hero.tone-care")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name=re.compile(words.kinds[EventKind.FALL])).click()
    expect(page.locator(".hero .state")).to_contain_text("王磊")

    estate.now_ns += 600 * 1_000_000_000
    act_on(
        estate.database,
        Estates(),
        estate.id,
        Act(by=PersonId("guard-zhao"), do=Do.RESOLVE, subject="wang-xiuying"),
        estate.now_ns,
        incident_id=fallen.id,
    )
    outside.sweep()
    expect(page.locator(".acts, .emergency")).to_have_count(0)
    _, ending = heard(outside)
    assert "赵" in ending
    page.get_by_role("navigation").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(WELL[language])
