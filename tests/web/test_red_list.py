"""The red list on a page: for whom help would not come as things are now, and what to do about it."""

from queue import SimpleQueue

import pytest
from fakes.brokers import PATIENCE_S
from fakes.lakeside import LAKESIDE, Estate, Service, front_door
from fakes.reading import Asking, text
from fakes.screens import Screens, violations
from playwright.sync_api import expect

from incidents.directory import Channel
from rules.kinds import EventKind
from store import contacts
from web import service


def test_it_says_who_and_what_is_missing_and_what_to_do(served: Service, estate: Estate) -> None:
    estate.said["rosters"][0]["shifts"].pop()
    estate.write(estate.said)
    with Asking(served.url, estate, "office") as office:
        said = text(office.get("/reachability?lang=zh"))
    assert "王秀英 3栋201室" in said
    assert "没有能用的设备" in said
    assert "核实过的联系人：0位 至少要两位。请家属用自己的号码登录一次安居，就核实了" in said
    assert "整个小区 20:00到3月2日 08:00、" in said
    assert "没有人值班（gate）" in said


@pytest.mark.parametrize("who", ["guard-chen", "wang-lei"])
def test_it_is_nobody_elses(served: Service, estate: Estate, who: str) -> None:
    with Asking(served.url, estate, who) as asking:
        assert asking.get("/reachability").status_code == 403


def test_who_signs_in_with_a_code_has_shown_whose_number_it_is(estate: Estate) -> None:
    sent: SimpleQueue[tuple[str, str]] = SimpleQueue()
    served = Service(estate.database, estate.clock, app=service.create_app(estate.database, front_door(sent), clock=estate.clock))
    with served.client() as client:
        client.post("/sign-in", data={"phone": "13800000001"})
        _, code = sent.get(timeout=PATIENCE_S)
        assert client.post("/sign-in/code", data={"login": "+8613800000001", "code": code}).status_code == 303
    served.stop()
    with estate.database.read() as session:
        known = contacts.state(session, LAKESIDE, estate.directory.people["wang-lei"], Channel.SMS)
    assert known is contacts.ContactState.VERIFIED


@pytest.mark.parametrize(("locale", "title"), [("zh-CN", "风险名单"), ("en", "Red list"), ("zh-HK", "風險名單")])
def test_it_reads_well_on_a_phone(*, estate: Estate, served: Service, screen: Screens, locale: str, title: str) -> None:
    estate.happens(EventKind.OFFLINE, "r-01", device="r-01", home_id="b3-201")
    page = screen(locale, 390, 844, who="office")
    page.goto(f"{served.url}/reachability")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.locator(".listed")).to_have_count(2)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
