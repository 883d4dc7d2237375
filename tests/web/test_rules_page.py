"""The page of a home's own rules: a daughter makes one by form, tries it on the past week, and switches it on."""

from collections.abc import Iterator

import pytest
from fakes.lakeside import Estate, Service, front_door
from fakes.past import happened, opened
from fakes.screens import Screens, at, violations
from playwright.sync_api import expect

from devices.broker import EmbeddedBroker
from web.client import is_built
from web.service import create_app

pytestmark = pytest.mark.skipif(not is_built(), reason="the app is not built: make setup")


@pytest.fixture
def pages(estate: Estate, broker: EmbeddedBroker) -> Iterator[Service]:
    app = create_app(estate.database, front_door(), clock=estate.clock, open_log=lambda: opened(broker))
    served = Service(estate.database, estate.clock, app=app)
    yield served
    served.stop()


@pytest.mark.parametrize(
    ("locale", "new", "name", "hours", "save", "try_", "met", "on", "is_on", "change", "minutes", "later"),
    [
        ("zh-CN", "新建规则", "名称", "按时间", "保存", "试算过去7天", "会触发1次", "开启", "已开启", "修改", "持续几分钟", "推迟50分钟"),
        (
            *("en", "New rule", "Name", "Between times", "Save", "Try on the last 7 days", "met 1 times", "Switch on", "On"),
            *("Change", "For how many minutes", "50 min later"),
        ),
    ],
)
def test_a_rule_is_made_by_form_tried_switched_on_and_its_change_rehearsed_on_a_time_line(
    *,
    pages: Service,
    broker: EmbeddedBroker,
    screen: Screens,
    locale: str,
    new: str,
    name: str,
    hours: str,
    save: str,
    try_: str,
    met: str,
    on: str,
    is_on: str,
    change: str,
    minutes: str,
    later: str,
) -> None:
    happened(broker, [(30, 29), (16, 10)])  # 14:00 now: at 8 o'clock yesterday, and from 22 until 4
    page = at(screen(locale, 390, 844, who="wang-lei"), pages, "/settings/rules")
    page.get_by_role("button", name=new).click()
    page.get_by_label(name, exact=True).fill("窗户开太久")
    page.get_by_role("combobox").first.select_option(index=1)
    page.get_by_role("radio", name=hours).check()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []
    page.get_by_role("button", name=save, exact=True).click()
    page.get_by_role("button", name=try_).click()
    expect(page.get_by_role("main").get_by_role("status").filter(has_text=met)).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name=on, exact=True).click()
    expect(page.locator(".rule .notice").filter(has_text=is_on)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.get_by_role("button", name=change, exact=True).click()
    page.get_by_label(minutes).fill("60")
    page.get_by_role("button", name=save, exact=True).click()
    page.get_by_role("button", name=try_).click()
    expect(page.get_by_role("row", name=later)).to_have_count(1)
    expect(page.locator(".rehearsed .moves.later")).to_have_count(1)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
