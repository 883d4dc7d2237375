"""The pages in a real browser: live on several screens, and usable without scripts."""

import re
from collections.abc import Callable, Iterator

import pytest
from fakes.lakeside import LAKESIDE, Estate, Service
from playwright.sync_api import Page, expect

from incidents.model import IncidentState
from rules.model import EventKind, Mode
from web.site import WORDS

Screens = Callable[..., Page]


@pytest.fixture(autouse=True)
def _patience() -> Iterator[None]:
    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


def live(page: Page, url: str) -> Page:
    page.goto(url)
    expect(page.locator("#line")).to_have_text(re.compile("Live|实时"))
    page.evaluate("window.loadedOnce = true")
    return page


def never_reloaded(page: Page) -> bool:
    return page.evaluate("window.loadedOnce") is True


def test_what_is_done_on_one_screen_is_seen_on_the_other_without_a_reload(estate: Estate, served: Service, screen: Screens) -> None:
    one, other = live(screen(), served.url), live(screen("zh-CN", 390, 844), served.url)
    expect(other.get_by_role("heading", name="一切平安")).to_be_visible()
    incident = estate.happens(EventKind.SOS, "wang-xiuying", device="w-01")
    expect(other.locator(".card")).to_contain_text("还没有人接手")
    expect(one.locator(".card")).to_contain_text("Nobody has it yet")
    estate.dispatch()
    expect(other.locator(".card")).to_contain_text("短信 已送达")
    one.get_by_label("I am").select_option(label="陈队")
    one.get_by_role("button", name="I have it").click()
    expect(one.get_by_role("alert")).to_have_text("Noted.")
    expect(other.locator(".card")).to_contain_text("陈队去处理了")
    other.get_by_label("我是").select_option(label="赵队")
    other.get_by_role("button", name="处理完毕").click()
    expect(other.locator(".over")).to_contain_text("赵队处理完毕")
    expect(one.locator(".over")).to_contain_text("Resolved by 赵队")
    expect(one.get_by_role("heading", name="All is quiet")).to_be_visible()
    assert estate.incident(incident).state is IncidentState.RESOLVED
    assert "said" not in one.url


def test_a_screen_on_the_wall_is_never_reloaded(estate: Estate, served: Service, screen: Screens) -> None:
    wall = live(screen(), served.url)
    expect(wall).to_have_title(re.compile(r"^Console"))
    for subject in ("wang-xiuying", "li-ming"):
        estate.happens(EventKind.SOS, subject)
    expect(wall.locator(".card")).to_have_count(2)
    expect(wall).to_have_title(re.compile(r"^\(2\) Console"))
    assert never_reloaded(wall)


def test_phones_ring_while_one_looks(estate: Estate, served: Service, screen: Screens) -> None:
    phones = live(screen(), f"{served.url}/phones")
    estate.happens(EventKind.SOS, "wang-xiuying")
    estate.dispatch()
    expect(phones.locator("#p-wang-lei .bubble")).to_contain_text("王秀英（3栋201室）13:59按了求助键")
    assert never_reloaded(phones)


def test_a_timeline_grows_while_one_looks(estate: Estate, served: Service, screen: Screens) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    page = live(screen(), f"{served.url}/incidents/{LAKESIDE}/{incident.id}")
    estate.dispatch()
    expect(page.locator(".timeline .is-delivered .step")).to_have_count(2)
    assert never_reloaded(page)


def test_what_is_half_done_stays_when_the_page_changes(estate: Estate, served: Service, screen: Screens) -> None:
    page = live(screen(), f"{served.url}/homes")
    page.get_by_label("I am").select_option(label="赵队")
    page.locator("#h-b3-201 > summary").click()
    button = page.locator("#h-b3-201 button", has_text="Night")
    button.focus()
    estate.arm("b3-202", Mode.HOLIDAY)
    expect(page.locator("#h-b3-202 .mode")).to_have_text("Holiday")
    expect(button).to_be_visible()
    expect(button).to_be_focused()
    expect(page.get_by_label("I am")).to_have_value("guard-zhao")
    assert never_reloaded(page)


def test_what_is_being_pressed_is_not_taken_from_under_the_finger(estate: Estate, served: Service, screen: Screens) -> None:
    gone = estate.happens(EventKind.EXIT, "li-ming")
    page, other = live(screen(), served.url), live(screen(), served.url)
    page.get_by_label("I am").select_option(label="陈队")
    page.get_by_role("button", name="I have it").hover()
    page.mouse.down()
    graver = estate.happens(EventKind.SOS, "wang-xiuying")
    expect(other.locator(".card")).to_have_count(2)
    page.mouse.up()
    expect(page.get_by_role("alert")).to_have_text("Noted.")
    assert estate.incident(gone).acknowledged_by == "guard-chen"
    assert estate.incident(graver).acknowledged_by is None


def test_an_act_that_is_refused_says_why(estate: Estate, served: Service, screen: Screens) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    page = live(screen("zh-CN"), served.url)
    page.get_by_role("button", name="我去处理").click()
    assert page.locator("#by:invalid").count() == 1
    assert estate.incident(incident).acknowledged_by is None
    page.locator("#by").evaluate("one => { one.required = false; }")
    page.get_by_role("button", name="我去处理").click()
    expect(page.get_by_role("alert")).to_have_text("没有记录：请先在“我是”里选择您的姓名。")


def test_a_lost_connection_is_shown_and_comes_back_with_what_happened_meanwhile(estate: Estate, served: Service, screen: Screens) -> None:
    page = live(screen(with_errors=True), served.url)
    served.stop()
    expect(page.locator("#line")).to_have_text("Connection lost. Trying again…")
    estate.happens(EventKind.SOS, "wang-xiuying")
    again = Service(estate.database, estate.clock, served.port)
    try:
        expect(page.locator(".card")).to_contain_text("Pressed SOS")
        expect(page.locator("#line")).to_have_text("Live")
        assert never_reloaded(page)
    finally:
        page.close()
        again.stop()


def test_everything_can_be_done_without_scripts(estate: Estate, served: Service, screen: Screens) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    page = screen(scripts=False)
    page.goto(served.url)
    page.get_by_label("I am").select_option(label="陈队")
    page.get_by_role("button", name="I am there").click()
    expect(page.get_by_role("alert")).to_have_text("Noted.")
    expect(page.locator(".card")).to_contain_text("陈队 is there")
    page.get_by_role("link", name="Homes").click()
    page.get_by_label("I am").select_option(label="陈队")
    page.locator("#h-b3-201 > summary").click()
    page.locator("#h-b3-201 button", has_text="Away").click()
    expect(page.locator("#h-b3-201 .mode")).to_have_text("Away")
    page.get_by_role("link", name="中文").click()
    expect(page.get_by_role("link", name="住户")).to_be_visible()
    assert estate.incident(incident).state is IncidentState.ON_SCENE


def test_a_name_that_is_a_script_is_only_shown(estate: Estate, served: Service, screen: Screens) -> None:
    said = estate.said
    said["people"][0]["name"] = "<img src=x onerror=document.title='taken'><script>document.title='taken'</script>"
    estate.write(said)
    page = live(screen(), served.url)
    estate.happens(EventKind.SOS, "wang-xiuying")
    expect(page.locator(".card .who")).to_contain_text("<img src=x")
    assert page.title() != "taken"
    assert page.locator("main img[src=x], main script").count() == 0


@pytest.mark.parametrize("width", [360, 768, 1440, 2560])
@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_nothing_is_cut_off_at_any_width(estate: Estate, served: Service, screen: Screens, width: int, locale: str) -> None:
    estate.happens(EventKind.LONG_LIE, "wang-xiuying")
    estate.happens(EventKind.CROSS, "b3-201")
    estate.dispatch()
    estate.pass_s(100)
    estate.dispatch()
    page = screen(locale, width)
    for place in ("/", "/phones", "/homes"):
        page.goto(served.url + place)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("[...document.querySelectorAll('button')].filter((one) => one.scrollWidth > one.clientWidth).length") == 0
    expect(page.locator("html")).to_have_attribute("lang", next(one.html for one in WORDS.values() if one.html == locale))
