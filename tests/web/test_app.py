"""The app in a real browser, as the family uses it: at a glance, in need, on a bad line, by keyboard, and in large letters."""

import json
import re
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import httpx
import pytest
from fakes.brokers import PATIENCE_S
from fakes.falling import evidence
from fakes.lakeside import LAKESIDE, Estate, Service, front_door
from fakes.screens import Screens, at, until, violations
from playwright.sync_api import Page, Route, expect

from devices.model import DeviceId, HomeId, PersonId
from incidents.directory import Channel
from incidents.model import Act, Do, Incident, IncidentState
from notifier.chain_checks import ChainChecks
from notifier.gateways.console import FILE, ConsoleGateway
from notifier.routing import Routes
from rules.kinds import EventKind, Mode
from rules.model import Standing
from store import contacts, standings, timelines, views
from store.acts import act_on
from store.contacts import ContactState, Known
from store.estates import Estates
from web import live
from web.client import is_built
from web.service import create_app

PAGES = (
    "/",
    "/arm",
    "/fences",
    "/incidents",
    "/incidents/{incident}",
    "/contacts",
    "/settings",
    "/settings/addresses",
    "/settings/consents",
    "/nowhere",
)
pytestmark = pytest.mark.skipif(not is_built(), reason="the app is not built: make setup")


def falls(estate: Estate) -> Incident:
    """Nobody cancelled it, and everybody who is to be told was told."""
    place = {"home_id": "b3-201", "resident_id": "wang-xiuying"}
    fallen = estate.happens(EventKind.FALL, "wang-xiuying", device="w-01", score=0.97, evidence=evidence(), **place)
    estate.pass_s(31)
    estate.dispatch()
    return fallen


def opens_the_window(estate: Estate) -> None:
    place = {"community_id": LAKESIDE, "device_id": DeviceId("c-02"), "home_id": HomeId("b3-201")}
    with estate.database.write() as session:
        standings.write(session, Standing(**place, is_open=True, t_ns=estate.now_ns, known_ns=estate.now_ns, seq=1))


def mode_of(estate: Estate) -> Mode:
    with estate.database.read() as session:
        since = views.modes(session, LAKESIDE).get(HomeId("b3-201"))
    return since.mode if since else Mode.DISARMED


def open_now(estate: Estate) -> list[Incident]:
    with estate.database.read() as session:
        return list(views.open_incidents(session, LAKESIDE))


def test_what_the_first_page_shows_is_asked_for_while_the_client_is_still_on_its_way(served: Service, screen: Screens) -> None:
    page = screen("en", 390, 844, who="wang-lei")
    held: list[Route] = []
    page.route("**/assets/*.js", lambda route: held.append(route))  # noqa: PLW0108  Playwright marks what it is given
    with page.expect_response("**/api/homes/b3-201"):
        page.goto(f"{served.url}/app/", wait_until="commit")
    for one in held:
        one.continue_()
    expect(page.locator(".hero h1")).to_be_visible()


@pytest.mark.parametrize(("locale", "well"), [("zh-CN", "王秀英一切正常"), ("en", "All is well with 王秀英"), ("zh-TW", "王秀英一切正常")])
def test_the_daughter_sees_at_one_glance_that_all_is_well(served: Service, screen: Screens, locale: str, well: str) -> None:
    page = at(screen(locale, 390, 844, who="wang-lei"), served)
    expect(page.get_by_role("heading", level=1)).to_have_text(well)
    expect(page.locator("html")).to_have_attribute("lang", {"zh-CN": "zh-Hans-CN", "en": "en-GB", "zh-TW": "zh-Hant-HK"}[locale])
    expect(page.locator(".hero.tone-good")).to_be_visible()


def test_a_fall_turns_the_page_to_alarm_without_a_reload_and_she_takes_it_on(estate: Estate, served: Service, screen: Screens) -> None:
    page = at(screen("zh-CN", 390, 844, who="wang-lei"), served)
    other = at(screen("zh-CN", 1280, 800, who="wang-lei"), served, "/incidents")
    fallen = falls(estate)
    expect(page.locator(".hero.tone-alarm")).to_be_visible()
    page.get_by_role("link", name=re.compile("疑似摔倒")).click()
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page.get_by_text("请照着念")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("^120"))).to_have_attribute("href", "tel:120")
    expect(page.get_by_role("img", name=re.compile("撞击前后几秒的动作"))).to_be_visible()
    page.get_by_role("radio", name="30分钟").check()
    page.get_by_role("button", name="我去处理 · 30分钟").click()
    expect(page.locator(".hero .state")).to_contain_text("王磊去处理了")
    expect(other.locator(".cards")).to_contain_text("王磊去处理了")
    incident = estate.incident(fallen)
    assert (incident.state, incident.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "wang-lei")
    assert page.evaluate("window.loadedOnce") is True


def test_an_ending_is_asked_for_twice_and_seen_on_the_other_screen(estate: Estate, served: Service, screen: Screens) -> None:
    fallen = falls(estate)
    page = at(screen("en", 390, 844, who="wang-lei"), served, f"/incidents/{fallen.id}")
    other = at(screen("en", 1280, 800, who="wang-lei"), served)
    expect(other.locator(".hero.tone-alarm")).to_be_visible()
    page.get_by_role("button", name="False alarm").click()
    page.get_by_role("button", name="Not yet").click()
    assert estate.incident(fallen).is_open
    page.get_by_role("button", name="False alarm").click()
    page.get_by_role("dialog").get_by_role("button", name="False alarm").click()
    expect(page.locator(".acts, .emergency")).to_have_count(0)
    expect(other.locator(".hero.tone-good")).to_be_visible()
    assert estate.incident(fallen).state is IncidentState.FALSE_ALARM


def test_a_note_and_a_photo_are_added_and_what_is_being_written_stays(
    estate: Estate, served: Service, screen: Screens, tmp_path: Path
) -> None:
    fallen = falls(estate)
    page = at(screen("en", 390, 844, who="wang-lei"), served, f"/incidents/{fallen.id}")
    page.get_by_label("Note", exact=True).fill("She is fine")
    estate.pass_s(65)
    estate.dispatch()
    expect(page.locator(".moments")).to_contain_text("市一院急诊")
    expect(page.get_by_label("Note", exact=True)).to_have_value("She is fine")
    page.get_by_role("button", name="Save the note").click()
    expect(page.locator(".moments .note .said")).to_have_text("She is fine")
    picture = tmp_path / "door.png"
    page.screenshot(path=picture)
    page.locator("input[type=file]").set_input_files(picture)
    photo = page.locator(".moments img")
    expect(photo).to_have_count(1)
    photo.scroll_into_view_if_needed()
    expect(photo).to_have_js_property("complete", value=True)
    assert photo.evaluate("photo => photo.naturalWidth") > 100


def test_arming_with_an_open_window_asks_first(estate: Estate, served: Service, screen: Screens) -> None:
    page = at(screen("zh-CN", 390, 844, who="wang-lei"), served, "/arm")
    expect(page.get_by_text("门窗都关好了")).to_be_visible()
    opens_the_window(estate)
    estate.arm("b3-202")  # what the worker writes with it
    away = page.get_by_role("button", name=re.compile("^外出"))
    expect(away).to_contain_text("不含窗户")
    away.click()
    page.get_by_role("button", name="先去看看").click()
    assert mode_of(estate) is Mode.DISARMED
    away.click()
    page.get_by_role("button", name="仍然布防").click()
    expect(away).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".toast")).to_contain_text("窗户")
    assert mode_of(estate) is Mode.AWAY


def test_a_tap_on_sos_calls_nobody_and_holding_it_calls(estate: Estate, served: Service, screen: Screens) -> None:
    page = at(screen("zh-CN", 390, 844, who="wang-lei"), served)
    sos = page.get_by_role("button", name="呼救", exact=True)
    sos.click()
    page.get_by_role("button", name="不用了").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert open_now(estate) == []
    sos.hover()
    page.mouse.down()
    expect(page.locator(".sos.held")).to_have_count(1)
    expect(page).to_have_url(re.compile("/app/incidents/"))
    page.mouse.up()
    expect(page.get_by_role("heading", level=1)).to_contain_text("求助")
    assert [(one.subject, one.headline.kind) for one in open_now(estate)] == [("wang-xiuying", EventKind.SOS)]


def test_sos_by_keyboard_takes_two_steps(estate: Estate, served: Service, screen: Screens) -> None:
    page = at(screen("en", 390, 844, who="wang-xiuying"), served)
    sos = page.get_by_role("button", name="SOS", exact=True)
    sos.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert open_now(estate) == []
    expect(sos).to_be_focused()
    page.keyboard.press("Space")
    page.get_by_role("dialog").get_by_role("button", name="Call for help").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/app/incidents/"))
    assert [one.subject for one in open_now(estate)] == ["wang-xiuying"]


def test_a_call_for_help_that_is_not_sent_says_so_and_gives_the_numbers(served: Service, screen: Screens) -> None:
    page = at(screen("en", 390, 844, who="wang-xiuying", with_errors=True), served)
    page.route("**/sos*", lambda route: route.abort())
    page.get_by_role("button", name="SOS", exact=True).click()
    page.get_by_role("button", name="Call for help").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("It was not sent! Telephone now.")
    expect(alert.get_by_role("link", name=re.compile("120"))).to_have_attribute("href", "tel:120")


def test_a_lost_connection_is_never_shown_as_live_and_comes_back_with_what_happened_meanwhile(
    estate: Estate, served: Service, screen: Screens
) -> None:
    page = at(screen("zh-CN", 390, 844, who="wang-lei", with_errors=True), served)
    served.stop()
    expect(page.get_by_text("连接断开")).to_be_visible()
    expect(page.locator(".hero.tone-unknown .as-of")).to_be_visible()
    expect(page.locator(".tone-good")).to_have_count(0)
    falls(estate)
    again = Service(estate.database, estate.clock, served.port)
    try:
        expect(page.locator(".hero.tone-alarm")).to_be_visible()
        expect(page.get_by_text("连接断开")).to_have_count(0)
        assert page.evaluate("window.loadedOnce") is True
    finally:
        page.close()
        again.stop()


def test_a_server_that_falls_silent_is_noticed_within_five_seconds_of_the_pages_clock(
    served: Service, screen: Screens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "ALIVE_S", 3600)  # the line is there, and nothing comes
    page = screen("en", 390, 844, who="wang-lei", with_errors=True)
    page.clock.install()
    at(page, served)
    page.route("**/api/events*", lambda route: route.abort())
    page.clock.run_for(5_000)
    expect(page.locator(".hero.tone-unknown .as-of")).to_be_visible()
    expect(page.locator(".lost")).to_contain_text("Connection lost")
    page.unroute("**/api/events*")
    page.clock.run_for(5_000)
    expect(page.locator(".hero.tone-good")).to_be_visible()
    expect(page.locator(".lost")).to_have_count(0)


def test_without_any_connection_the_app_opens_and_gives_the_numbers(served: Service, screen: Screens) -> None:
    page = at(screen("zh-CN", 390, 844, who="wang-lei", with_errors=True), served)
    page.evaluate("navigator.serviceWorker.ready.then((it) => it.active.state)")
    until(page, "navigator.serviceWorker.controller !== null")
    names = page.evaluate(
        """caches.keys().then((all) => Promise.all(all.map((one) => caches.open(one).then((it) => it.keys()))))
        .then((all) => all.flat().map((one) => new URL(one.url).pathname))"""
    )
    assert names
    assert [name for name in names if not name.startswith("/app/")] == []
    served.stop()
    page.reload()
    expect(page.get_by_text("现在连不上安居")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("^120"))).to_have_attribute("href", "tel:120")
    expect(page.locator(".tone-good")).to_have_count(0)


SHOWN = "navigator.serviceWorker.ready.then((it) => it.getNotifications())"
TAP = """([action]) => self.registration.getNotifications().then(([notification]) => {
  const event = new NotificationEvent("notificationclick", { notification, action });
  let done;
  Object.defineProperty(event, "waitUntil", { value: (work) => (done = work) });
  self.dispatchEvent(event);
  return done;
})"""
"""In the service worker: as the system does when a button of what is shown is tapped, which no test can reach."""


def pushes(page: Page, served: Service, *all_said: dict[str, Any]) -> None:
    """What a push service brings to a browser."""
    page.context.grant_permissions(["notifications"], origin=served.url)
    until(page, "navigator.serviceWorker.controller !== null")
    browser = page.context.new_cdp_session(page)
    registrations: list[str] = []
    browser.on(
        "ServiceWorker.workerRegistrationUpdated", lambda said: registrations.extend(it["registrationId"] for it in said["registrations"])
    )
    browser.send("ServiceWorker.enable")
    until(page, "navigator.serviceWorker.ready.then(() => true)")
    for said in all_said:
        data = json.dumps(said)
        browser.send("ServiceWorker.deliverPushMessage", {"origin": served.url, "registrationId": registrations[-1], "data": data})
    until(page, f"{SHOWN}.then((all) => all.length > 0)")


def test_what_is_pushed_is_shown_once_and_in_the_words_of_the_message(served: Service, screen: Screens) -> None:
    page = at(screen("zh-CN", 390, 844, who="wang-lei"), served)
    said = {"id": "n-1", "tag": "n-1", "text": "王秀英疑似摔倒"}
    pushes(page, served, said, said)  # the push service has it twice
    assert page.evaluate(f"{SHOWN}.then((all) => all.map((one) => [one.title, one.body, one.tag]))") == [
        ["安居 Anju", "王秀英疑似摔倒", "n-1"]
    ]


def test_the_family_says_on_a_phone_who_is_told_first(estate: Estate, served: Service, screen: Screens) -> None:
    yan = {"id": "wang-yan", "name": "王燕", "roles": ["relative"], "of": ["wang-xiuying"], "phone": "+8613800000009"}
    estate.write(estate.said | {"people": [*estate.said["people"], yan]})
    page = at(screen("zh-CN", 390, 844, who="wang-lei"), served, "/contacts")
    names = page.locator(".steps > li").first.locator(".what > b")
    expect(names).to_have_text(["王磊", "王燕", "陈队"])
    page.get_by_role("button", name="把王燕往前移，先通知").click()
    expect(names).to_have_text(["王燕", "王磊", "陈队"])
    expect(page.get_by_role("status").filter(has_text="以后先通知王燕。")).to_be_visible()
    page.reload()
    expect(names).to_have_text(["王燕", "王磊", "陈队"])


@pytest.mark.parametrize(
    ("locale", "add", "name", "remove", "keep", "last"),
    [
        ("zh-CN", "添加联系人", "姓名", "移除", "不移除", "仍然移除"),
        ("en", "Add a contact", "Name", "Remove", "Keep", "Remove all the same"),
    ],
)
def test_the_mother_adds_a_contact_on_her_phone_and_removes_the_last_one_only_when_sure(  # noqa: PLR0917  the words of a language
    served: Service, screen: Screens, locale: str, add: str, name: str, remove: str, keep: str, last: str
) -> None:
    page = at(screen(locale, 390, 844, who="wang-xiuying"), served, "/contacts")
    names = page.locator("[aria-labelledby=family] .what > b")
    expect(names).to_have_text(["王磊"])
    page.get_by_role("button", name=add).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label(name, exact=True)).to_be_focused()
    assert violations(page) == []
    page.keyboard.type("王芳")
    page.keyboard.press("Tab")
    page.keyboard.type("139 0000 0666")
    page.keyboard.press("Enter")
    expect(names).to_have_text(["王磊", "王芳"])
    rows = page.locator("[aria-labelledby=family] li")
    rows.filter(has_text="王磊").get_by_role("button").click()
    page.get_by_role("dialog").get_by_role("button", name=keep, exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    rows.filter(has_text="王磊").get_by_role("button").click()
    page.get_by_role("dialog").get_by_role("button", name=remove, exact=True).click()
    expect(names).to_have_text(["王芳"])
    rows.filter(has_text="王芳").get_by_role("button").click()
    page.get_by_role("dialog").get_by_role("button", name=last, exact=True).click()
    expect(names).to_have_count(0)
    page.reload()
    expect(page.locator("#family")).to_be_visible()
    expect(names).to_have_count(0)


@pytest.mark.parametrize(("do", "state"), [("acknowledge", IncidentState.ACKNOWLEDGED), ("decline", IncidentState.OPEN)])
def test_a_tap_on_a_button_of_what_is_pushed_is_an_answer(
    estate: Estate, served: Service, screen: Screens, do: str, state: IncidentState
) -> None:
    fallen = falls(estate)
    page = at(screen("zh-CN", 390, 844, who="wang-lei"), served)
    buttons = [{"do": one, "words": words, "done": f"{words}！"} for one, words in (("acknowledge", "我去处理"), ("decline", "去不了"))]
    pushes(page, served, {"tag": "n-1", "text": "王秀英疑似摔倒", "community": LAKESIDE, "incident": fallen.id, "buttons": buttons})
    titles = f"{SHOWN}.then((all) => all.map((one) => [one.body, one.actions.map((it) => it.title)]))"
    assert page.evaluate(titles) == [["王秀英疑似摔倒", ["我去处理", "去不了"]]]
    page.context.service_workers[0].evaluate(TAP, [do])
    said = {one["do"]: one["done"] for one in buttons}[do]
    until(page, f"{titles}.then((all) => JSON.stringify(all) === JSON.stringify([[{json.dumps(said)}, []]]))")
    assert estate.incident(fallen).state is state
    with estate.database.read() as session:
        acts = [entry.detail for _, entry in timelines.read(session, LAKESIDE, fallen.id) if entry.by == "wang-lei"]
    assert do in str(acts)


def test_a_tap_that_is_too_late_shows_the_incident(estate: Estate, served: Service, screen: Screens) -> None:
    fallen = falls(estate)
    page = at(screen("zh-CN", 390, 844, who="wang-lei"), served)
    buttons = [{"do": "acknowledge", "words": "我去处理", "done": "好"}]
    pushes(page, served, {"tag": "n-1", "text": "王秀英疑似摔倒", "community": LAKESIDE, "incident": fallen.id, "buttons": buttons})
    over = Act(by=PersonId("guard-zhao"), do=Do.RESOLVE, subject="wang-xiuying")
    act_on(estate.database, Estates(), estate.id, over, estate.now_ns, incident_id=fallen.id)
    page.context.service_workers[0].evaluate(TAP, ["acknowledge"])
    page.wait_for_url(f"**/app/incidents/{fallen.id}")
    assert page.evaluate(f"{SHOWN}.then((all) => all.length)") == 0


def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(served: Service, screen: Screens) -> None:
    page = screen("en", 390, 844, who="", with_errors=True)
    page.goto(f"{served.url}/app/arm")
    page.wait_for_url(lambda url: "/sign-in" in url or "/app/" not in url)
    assert "next=%2Fapp%2Farm" in page.url


def test_who_was_signed_out_meanwhile_is_sent_to_sign_in_when_the_line_comes_back(estate: Estate, served: Service, screen: Screens) -> None:
    page = at(screen("en", 390, 844, who="wang-lei", with_errors=True), served)
    page.context.clear_cookies()
    served.stop()
    again = Service(estate.database, estate.clock, served.port)
    try:
        page.wait_for_url("**/sign-in**")
        page.close()
    finally:
        again.stop()


def test_the_language_that_is_chosen_is_the_apps_and_the_messages(estate: Estate, served: Service, screen: Screens) -> None:
    page = at(screen("zh-CN", 390, 844, who="wang-lei"), served, "/settings")
    page.get_by_role("radio", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Settings")
    page.get_by_role("link", name="Home", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("All is well with 王秀英")
    kept = httpx.get(f"{served.url}/api/me/settings", cookies=estate.sign_in("wang-lei"), trust_env=False).json()
    assert kept["language"] == "en"
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("All is well with 王秀英")


def test_quiet_hours_and_consents_are_kept(served: Service, screen: Screens) -> None:
    page = at(screen("en", 390, 844, who="wang-lei"), served, "/settings")
    quiet = page.get_by_role("switch", name="Quiet hours")
    quiet.check()
    page.get_by_label("From").fill("21:30")
    page.get_by_label("From").blur()
    expect(page.locator(".toast")).to_have_text("Saved.")
    page.reload()
    expect(page.get_by_label("From")).to_have_value("21:30")
    page.get_by_role("link", name="Consents").click()
    guards = page.get_by_role("switch").nth(1)
    expect(guards).to_be_checked()
    guards.uncheck()
    expect(page.locator(".toast")).to_have_text("Saved.")
    page.reload()
    expect(page.get_by_role("switch").nth(1)).not_to_be_checked()


def changes_their_number(page: Page, texts: SimpleQueue[tuple[str, str]], words: tuple[str, ...], number: str) -> None:
    """By keyboard alone, on the page of one's addresses."""
    change, new, code, confirm = words
    page.get_by_role("button", name=change).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label(new)).to_be_focused()
    page.keyboard.type(number)
    page.keyboard.press("Enter")
    expect(page.get_by_label(code, exact=True)).to_be_focused()
    assert violations(page) == []
    to, said = texts.get(timeout=PATIENCE_S)
    found = re.search(r"\d{6}", said)
    assert (to, found is not None) == (number, True)
    page.keyboard.type(found[0] if found else "")
    page.get_by_role("button", name=confirm).focus()
    page.keyboard.press("Enter")


@pytest.mark.parametrize(
    ("locale", "words", "changed"),
    [
        ("zh-CN", ("更改手机号码", "新的手机号码", "验证码", "确认更改"), "已更改"),
        ("en", ("Change the phone number", "New phone number", "Code", "Confirm"), "Changed."),
    ],
)
def test_the_daughter_changes_her_number_on_her_phone(
    estate: Estate, screen: Screens, locale: str, words: tuple[str, ...], changed: str
) -> None:
    texts: SimpleQueue[tuple[str, str]] = SimpleQueue()
    pages = Service(estate.database, estate.clock, app=create_app(estate.database, front_door(texts=texts), clock=estate.clock))
    try:
        page = at(screen(locale, 390, 844, who="wang-lei"), pages, "/settings")
        page.locator("a[href='/app/settings/addresses']").click()
        changes_their_number(page, texts, words, "+8613900000777")
        expect(page.locator(".toast")).to_contain_text(changed)
        expect(page.locator(".address")).to_have_text("+86 139 0000 0777")
        page.reload()
        expect(page.locator(".address")).to_have_text("+86 139 0000 0777")
        page.close()
    finally:
        pages.stop()


def test_a_test_alarm_walks_the_chain_and_shows_where_it_is_broken(estate: Estate, screen: Screens, tmp_path: Path) -> None:
    broken = Known(channel=Channel.SMS, state=ContactState.BROKEN, code="21211", since_ns=estate.now_ns)
    with estate.database.write() as session:
        contacts.mark(session, estate.id, estate.directory.people[PersonId("guard-chen")], broken)
    checks = ChainChecks(estate.database, Routes([ConsoleGateway(tmp_path / FILE)]), clock=estate.clock, sleep=lambda _: None)
    pages = Service(estate.database, estate.clock, app=create_app(estate.database, front_door(chain_checks=checks), clock=estate.clock))
    try:
        page = at(screen("zh-CN", 390, 844, who="wang-lei"), pages, "/contacts")
        page.get_by_role("button", name="测试一次报警").click()
        expect(page.get_by_role("dialog")).to_contain_text("王磊、陈队")
        page.get_by_role("button", name="发送测试").click()
        expect(page.locator(".test [role=status]")).to_contain_text("由王磊测试")
        links = page.locator(".test .rows li")
        expect(links).to_have_class([re.compile(f"tone-{tone}") for tone in ("good", "alarm", "unknown")])
        expect(links.nth(1)).to_contain_text("陈队")
        page.close()
    finally:
        pages.stop()


def test_a_guard_who_looks_at_what_is_over_says_why(estate: Estate, served: Service, screen: Screens) -> None:
    fallen = falls(estate)
    httpx.post(
        f"{served.url}/api/incidents/{fallen.id}/acts", json={"do": "resolve"}, cookies=estate.sign_in("guard-chen"), trust_env=False
    ).raise_for_status()
    page = at(screen("zh-CN", 390, 844, who="guard-chen"), served, f"/incidents/{fallen.id}")
    expect(page.locator(".picture")).to_have_count(0)
    page.get_by_label("原因").fill("家属询问经过")
    page.get_by_role("button", name="查看", exact=True).click()
    expect(page.locator(".picture")).to_have_count(1)
    family = at(screen("zh-CN", 390, 844, who="wang-lei"), served, f"/incidents/{fallen.id}")
    expect(family.locator(".moments")).to_contain_text("家属询问经过")


@pytest.mark.parametrize(
    ("locale", "width", "scheme"), [("zh-CN", 390, "light"), ("en", 390, "dark"), ("zh-TW", 1280, "dark"), ("en", 1280, "light")]
)
def test_no_page_breaks_a_rule_of_accessibility(
    *, estate: Estate, served: Service, screen: Screens, locale: str, width: int, scheme: str
) -> None:
    fallen = falls(estate)
    opens_the_window(estate)
    page = screen(locale, width, who="wang-lei")
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]  a literal of the parameters above
    for path in PAGES:
        at(page, served, path.format(incident=fallen.id))
        assert (path, violations(page)) == (path, [])


@pytest.mark.parametrize("locale", ["zh-TW", "en"])
def test_nothing_is_cut_off_on_a_small_phone_and_in_large_letters(estate: Estate, served: Service, screen: Screens, locale: str) -> None:
    """A screen of 320 px is one of 640 px at 200 %."""
    fallen = falls(estate)
    opens_the_window(estate)
    page = at(screen(locale, 320, 640, who="wang-lei"), served, "/settings")
    for large in (False, True):
        page.evaluate("large => localStorage.setItem('large', large)", large)
        for path in PAGES:
            at(page, served, path.format(incident=fallen.id))
            assert (path, page.evaluate("document.documentElement.scrollWidth")) == (path, 320)
            tabs = page.locator(".tabs a span").evaluate_all(
                "all => all.map((it) => it.getBoundingClientRect()).map((it) => [it.left, it.right])"
            )
            assert [edges for edges in tabs if edges[0] < 0 or edges[1] > 320] == []
            if not large:
                continue
            small = page.evaluate(
                """[...document.querySelectorAll("body *")].filter((it) => it.checkVisibility() && !it.closest(".unseen, svg"))
                .filter((it) => [...it.childNodes].some((one) => one.nodeType === 3 && one.data.trim()))
                .filter((it) => parseFloat(getComputedStyle(it).fontSize) < 18).map((it) => it.outerHTML.slice(0, 120))"""
            )
            assert (path, small) == (path, [])
            narrow = page.evaluate(
                """[...document.querySelectorAll("a[href], button, select, textarea, label:has(input), [role=switch]")]
                .map((it) => [it, it.getBoundingClientRect()])
                .filter(([it, box]) => box.width > 0 && (box.height < 47.9 || box.width < 47.9) && !it.matches(".skip, [role=switch]"))
                .map(([it, box]) => `${it.outerHTML.slice(0, 120)} ${box.width} x ${box.height}`)"""
            )
            assert (path, narrow) == (path, [])


def test_every_page_is_reached_by_keyboard_alone(served: Service, screen: Screens) -> None:
    page = at(screen("en", 1280, 800, who="wang-lei"), served)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    for name, heading in (("Arm", "Arm"), ("Incidents", "Incidents"), ("Contacts", "Contacts"), ("Settings", "Settings")):
        link = page.get_by_role("navigation").get_by_role("link", name=name, exact=True)
        for _ in range(12):
            page.keyboard.press("Tab")
            if link.evaluate("it => it === document.activeElement"):
                break
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        expect(page.get_by_role("heading", level=1)).to_be_focused()
        page.locator(".skip").focus()
