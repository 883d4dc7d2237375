"""The pages in a real browser: live on several screens, and usable without scripts."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.falling import evidence
from fakes.lakeside import LAKESIDE, Estate, Service
from playwright.sync_api import Page, expect

from devices.model import DeviceId, HomeId
from incidents.directory import Language
from incidents.model import Incident, IncidentState
from rules.kinds import EventKind, Mode
from rules.model import Standing
from store import standings, views
from store.views import Telling
from web.languages import words_in
from web.words import Notice

Screens = Callable[..., Page]


def live(page: Page, url: str) -> Page:
    page.goto(url)
    expect(page.locator("#line")).to_have_text(re.compile("Live|实时"))
    page.evaluate("window.loadedOnce = true")
    return page


def never_reloaded(page: Page) -> bool:
    return page.evaluate("window.loadedOnce") is True


def test_what_is_done_on_one_screen_is_seen_on_the_other_without_a_reload(estate: Estate, served: Service, screen: Screens) -> None:
    one, other = live(screen(), served.url), live(screen("zh-CN", 390, 844, who="guard-zhao"), served.url)
    expect(other.get_by_role("heading", name="一切平安")).to_be_visible()
    incident = estate.happens(EventKind.SOS, "wang-xiuying", device="w-01")
    expect(other.locator(".card")).to_contain_text("还没有人接手")
    expect(one.locator(".card")).to_contain_text("Nobody has it yet")
    estate.dispatch()
    expect(other.locator(".card")).to_contain_text("短信 已送达")
    one.get_by_role("button", name="I have it").click()
    expect(one.get_by_role("alert")).to_have_text("Noted.")
    expect(other.locator(".card")).to_contain_text("陈队去处理了")
    other.get_by_role("button", name="处理完毕").click()
    expect(other.locator(".over")).to_contain_text("赵队处理完毕")
    expect(one.locator(".over")).to_contain_text("Resolved by 赵队")
    expect(one.get_by_role("heading", name="All is quiet")).to_be_visible()
    assert estate.incident(incident).state is IncidentState.RESOLVED
    assert "said" not in one.url


def test_who_cannot_go_says_so_on_the_card_and_the_next_is_told_at_once(estate: Estate, served: Service, screen: Screens) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying", device="w-01")
    before = {one.id for one in told_of(estate, incident)}
    page, other = (live(screen("zh-CN", 390, 844, who=who), served.url) for who in ("guard-zhao", "guard-chen"))
    page.get_by_role("button", name="我去不了").click()
    expect(page.get_by_role("alert")).to_be_visible()
    estate.pass_s(0)
    assert {one.id for one in told_of(estate, incident)} > before
    assert estate.incident(incident).state is IncidentState.OPEN
    other.get_by_role("button", name="我去处理").first.click()
    expect(page.locator(".card")).to_contain_text("陈队去处理了")
    other.get_by_role("button", name="我去不了").click()
    expect(page.locator(".card")).to_contain_text("还没有人接手")


def told_of(estate: Estate, incident: Incident) -> list[Telling]:
    with estate.database.read() as session:
        return list(views.tellings(session, LAKESIDE, [incident.id])[incident.id])


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
    page.locator("#h-b3-201 > summary").click()
    button = page.locator("#h-b3-201 button", has_text="Night")
    button.focus()
    estate.arm("b3-202", Mode.HOLIDAY)
    expect(page.locator("#h-b3-202 .mode")).to_have_text("Holiday")
    expect(button).to_be_visible()
    expect(button).to_be_focused()
    assert never_reloaded(page)


def test_a_window_that_opens_is_seen_on_the_button_while_a_reason_is_being_typed(estate: Estate, served: Service, screen: Screens) -> None:
    page = live(screen("zh-CN", 390, 844, who="wang-lei"), f"{served.url}/homes")
    home = page.locator("#h-b3-201")
    home.locator("> summary").click()
    home.get_by_text("暂停提醒", exact=True).click()
    reason = home.get_by_label("原因").first
    reason.fill("换窗户")
    with estate.database.write() as session:
        place = {"community_id": LAKESIDE, "device_id": DeviceId("c-02"), "home_id": HomeId("b3-201")}
        standings.write(session, Standing(**place, is_open=True, t_ns=estate.now_ns, known_ns=estate.now_ns, seq=1))
    estate.arm("b3-202")  # what the worker writes with it; wang-lei does not see that home
    expect(home.locator("button", has_text="外出")).to_contain_text("布防，不含窗户")
    expect(home.locator("> .standing")).to_have_text("开着：窗户（c-02）")
    expect(reason).to_have_value("换窗户")
    reason.press("Enter")  # no button: above all not the first one, which disarms somebody else
    assert never_reloaded(page)
    home.locator("button", has_text="外出").click()
    expect(page.get_by_role("alert")).to_contain_text("窗户（c-02）")
    home.get_by_text("暂停提醒", exact=True).click()
    home.get_by_label("原因").first.fill("换窗户")
    home.get_by_role("button", name="2小时").click()
    expect(page.get_by_role("alert")).to_have_text("提醒已暂停。")
    console = live(screen("zh-CN"), served.url)
    expect(console.locator(".silences")).to_contain_text("王秀英家的提醒暂停到16:00，由王磊设置，原因：换窗户")


def test_a_note_that_is_being_written_stays_and_a_photo_is_seen(estate: Estate, served: Service, screen: Screens, tmp_path: Path) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    page = live(screen(width=390), f"{served.url}/incidents/{LAKESIDE}/{incident.id}")
    page.get_by_label("Note").fill("She is fine")
    estate.dispatch()
    expect(page.locator(".timeline .is-delivered .step")).to_have_count(2)
    expect(page.get_by_label("Note")).to_have_value("She is fine")
    assert never_reloaded(page)
    page.get_by_role("button", name="Save the note").click()
    expect(page.locator(".timeline .note")).to_contain_text("She is fine")
    picture = tmp_path / "door.png"
    page.screenshot(path=picture)
    page.get_by_label("Photo").set_input_files(picture)
    page.get_by_role("button", name="Upload the photo").click()
    expect(page.get_by_role("alert")).to_have_text("Saved.")
    photo = page.get_by_alt_text("added a photo")
    photo.scroll_into_view_if_needed()
    expect(photo).to_have_js_property("complete", value=True)
    assert photo.evaluate("photo => photo.naturalWidth") > 100
    expect(page.locator(".timeline")).to_contain_text("陈队 looked at this page")


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("locale", ["zh-CN", "en"])
@pytest.mark.parametrize("seen", [{"until_s": 3.0}, {"until_s": 1.5, "lies": False}], ids=["lies", "early"])
def test_the_picture_of_a_fall_can_be_read_on_a_phone_and_on_a_desk(
    *, estate: Estate, served: Service, screen: Screens, width: int, locale: str, seen: dict[str, float]
) -> None:
    incident = estate.happens(EventKind.FALL, "wang-xiuying", device="w-01", score=0.97, evidence=evidence(**seen))
    page = screen(locale, width, who="wang-lei", scripts=False)
    page.goto(f"{served.url}/incidents/{LAKESIDE}/{incident.id}")
    expect(page.get_by_role("img", name=re.compile("撞击前后几秒的动作|Movement in the seconds around the hit"))).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    letters_px = page.locator(".decision *").evaluate_all("all => all.map(one => parseFloat(getComputedStyle(one).fontSize))")
    assert min(letters_px) >= 14
    labels = page.locator("svg.fall text").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect()).map(box => [box.left, box.top, box.right, box.bottom])"
    )
    left, top, right, bottom = page.locator("svg.fall").evaluate(
        "it => (b => [b.left, b.top, b.right, b.bottom])(it.getBoundingClientRect())"
    )
    assert [box for box in labels if box[0] < left - 1 or box[1] < top - 1 or box[2] > right + 1 or box[3] > bottom + 1] == []
    overlaps = [
        (one, other)
        for number, one in enumerate(labels)
        for other in labels[:number]
        if min(one[2], other[2]) - max(one[0], other[0]) > 1
        and min(one[3], other[3]) - max(one[1], other[1]) > 5  # air above and below letters
    ]
    assert overlaps == []


def test_what_is_being_pressed_is_not_taken_from_under_the_finger(estate: Estate, served: Service, screen: Screens) -> None:
    gone = estate.happens(EventKind.EXIT, "li-ming")
    page, other = live(screen(), served.url), live(screen(), served.url)
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
    page = live(screen("zh-CN", who="wang-xiuying"), f"{served.url}/incidents/{LAKESIDE}/{incident.id}")
    page.get_by_role("button", name="我去处理").click()
    expect(page.get_by_role("alert")).to_have_text(words_in(Language.ZH).notices[Notice.NOT_YOURS])
    assert estate.incident(incident).acknowledged_by is None


def test_who_signs_out_on_one_screen_is_asked_to_sign_in_on_the_next_act(estate: Estate, served: Service, screen: Screens) -> None:
    incident = estate.happens(EventKind.SOS, "wang-xiuying")
    page = live(screen(), served.url)
    other = page.context.new_page()
    other.goto(served.url)
    other.get_by_role("button", name="Sign out").click()
    expect(other).to_have_url(f"{served.url}/sign-in")
    page.get_by_role("button", name="I have it").click()
    expect(page).to_have_url(re.compile("/sign-in"))
    assert estate.incident(incident).acknowledged_by is None


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
    page.get_by_role("button", name="I am there").click()
    expect(page.get_by_role("alert")).to_have_text("Noted.")
    expect(page.locator(".card")).to_contain_text("陈队 is there")
    page.get_by_role("link", name="Homes").click()
    page.locator("#h-b3-201 > summary").click()
    page.locator("#h-b3-201 button", has_text="Away").click()
    expect(page.locator("#h-b3-201 .mode")).to_have_text("Away")
    page.get_by_role("link", name="简体").click()
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
@pytest.mark.parametrize("locale", ["zh-CN", "zh-TW", "en"])
def test_nothing_is_cut_off_at_any_width(estate: Estate, served: Service, screen: Screens, width: int, locale: str) -> None:
    incident = estate.happens(EventKind.LONG_LIE, "wang-xiuying")
    estate.happens(EventKind.CROSS, "b3-201")
    estate.dispatch()
    estate.pass_s(100)
    estate.dispatch()
    with estate.database.write() as session:
        place_of = {"community_id": LAKESIDE, "device_id": DeviceId("c-02"), "home_id": HomeId("b3-201")}
        standings.write(session, Standing(**place_of, is_open=True, t_ns=1, known_ns=1, seq=1))
    page = screen(locale, width)
    for place in ("/", "/phones", "/homes", "/homes?home=b3-201", f"/incidents/{LAKESIDE}/{incident.id}"):
        page.goto(served.url + place)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("[...document.querySelectorAll('button')].filter((one) => one.scrollWidth > one.clientWidth).length") == 0
    expect(page.locator("html")).to_have_attribute("lang", {"zh-CN": "zh-Hans-CN", "zh-TW": "zh-Hant-HK", "en": "en-GB"}[locale])
