"""The desk in a real browser: a whole shift by keyboard, a guard on a phone, two screens, a lost line, and five hundred incidents."""

import json
import re
import time
from dataclasses import dataclass
from typing import Any

import pytest
from fakes.brokers import PATIENCE_S
from fakes.chain import Chain
from fakes.falling import evidence
from fakes.lakeside import Estate, Service
from fakes.screens import Screens, at, until, violations
from playwright.sync_api import CDPSession, Page, Route, expect

from devices.model import PersonId
from incidents.desk import take
from incidents.directory import Language
from incidents.model import Act, Do, Incident, IncidentState, Outcome, Reason
from incidents.timeline import EntryKind
from rules.kinds import EventKind
from rules.model import Event
from store import desk_notes, timelines
from store.acts import act_on
from store.estates import Estates
from store.ledger import DatabaseBook, add_event
from web import live as signals
from web.client import BUILT, is_built
from web.languages import words_in
from web.words import Desking, Notice, Words

pytestmark = pytest.mark.skipif(not is_built(), reason="the app is not built: make setup")


@dataclass(frozen=True)
class Said:
    """What stands on the pages in one language: the app's labels, and the server's words."""

    labels: dict[str, str]
    words: Words

    def __getitem__(self, name: str) -> str:
        return self.labels[name]


def said_in(language: Language) -> Said:
    labels = json.loads((BUILT.parent / "messages" / f"{language}.json").read_text(encoding="utf-8"))
    return Said(labels=labels, words=words_in(language))


EN, ZH = said_in(Language.EN), said_in(Language.ZH)


def falls(estate: Estate) -> Incident:
    place = {"home_id": "b3-201", "resident_id": "wang-xiuying"}
    fallen = estate.happens(EventKind.FALL, "wang-xiuying", device="w-01", score=0.97, evidence=evidence(), **place)
    estate.pass_s(31)
    estate.dispatch()
    return fallen


def a_bad_afternoon(estate: Estate) -> list[Incident]:
    """Five incidents, the gravest first, and something that is broken."""
    estate.happens(EventKind.LOW_BATTERY, "c-01", device="c-01", home_id="b3-201")
    window = estate.happens(EventKind.LEFT_OPEN, "b3-201", device="c-02", ago_s=3900, home_id="b3-201")
    gone = estate.happens(EventKind.EXIT, "li-ming", device="w-02", ago_s=400)
    door = estate.happens(EventKind.INTRUSION, "b3-202", device="c-01", ago_s=300)
    fallen = falls(estate)
    called = estate.happens(EventKind.SOS, "li-ming", device="w-02")
    estate.dispatch()
    return [fallen, called, gone, door, window]


def ends(page: Page, said: Said, do: Do, found: Reason) -> None:
    """Says what was found, by keyboard."""
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name=said.words.do[do])).to_be_disabled()
    dialog.get_by_role("radio", name=said.words.found[found]).press("Space")
    dialog.get_by_role("button", name=said.words.do[do]).press("Enter")


def the_queue(page: Page) -> Any:
    return page.locator("[aria-labelledby=wrong] .item")


@pytest.mark.parametrize("language", list(Language))
def test_a_shift_from_sign_in_to_hand_over_with_five_incidents_at_once(
    estate: Estate, served: Service, screen: Screens, language: Language
) -> None:
    said = said_in(language)
    page = screen({"zh": "zh-CN", "zh-Hant": "zh-TW", "en": "en"}[language], who="")
    page.goto(f"{served.url}/sign-in?next=/app/desk")
    page.get_by_role("button", name=re.compile("陈队")).click()
    expect(page.get_by_text(said["nothing_open"])).to_be_visible()
    page.get_by_role("button", name=said["desk_sound_on"]).click()
    fallen, called, gone, *_ = a_bad_afternoon(estate)
    expect(the_queue(page)).to_have_count(5)
    expect(page).to_have_title(re.compile(r"^\(5\)"))
    expect(page.locator("[aria-labelledby=broken] .item")).to_have_count(1)
    page.get_by_role("button", name=said["desk_silence"]).click()
    expect(page.get_by_text(said["desk_silenced"])).to_be_visible()

    page.keyboard.press("j")
    expect(page.locator(".beside .title")).to_have_text(said.words.kinds[EventKind.FALL])
    assert violations(page) == []
    page.keyboard.press("a")
    expect(page.locator(".beside .state")).to_contain_text(said.words.states[IncidentState.ACKNOWLEDGED].format(by="陈队"))
    page.keyboard.press("s")
    expect(page.locator(".beside .state")).to_contain_text(said.words.states[IncidentState.ON_SCENE].format(by="陈队"))
    page.keyboard.press("r")
    ends(page, said, Do.RESOLVE, Reason.HELPED)
    expect(the_queue(page)).to_have_count(4)

    page.keyboard.press("j")
    expect(page.locator(".beside .title")).to_have_text(said.words.kinds[EventKind.SOS])
    page.keyboard.press("f")
    ends(page, said, Do.FALSE_ALARM, Reason.MISHAP)
    expect(the_queue(page)).to_have_count(3)

    page.keyboard.press("j")
    expect(page.locator(".beside .acts")).to_be_visible()
    page.keyboard.press("h")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=re.compile("赵队")).press("Enter")
    expect(page.locator(".beside .state")).to_contain_text(said.words.desk[Desking.HANDED_TO].format(by="赵队"))
    page.keyboard.press("?")
    expect(dialog.locator("kbd").first).to_be_visible()
    page.keyboard.press("Escape")

    page.get_by_role("link", name=said["desk_shift"]).click()
    expect(page.locator("[aria-labelledby=over] .card")).to_have_count(2)
    expect(page.locator("[aria-labelledby=wrong] .card")).to_have_count(3)
    page.get_by_label(said["shift_note"]).fill("3栋电梯停了")
    page.get_by_role("button", name=said["shift_leave"]).click()
    expect(page.locator("[aria-labelledby=notes] .said")).to_have_text("3栋电梯停了")
    assert violations(page) == []

    states = [estate.incident(one) for one in (fallen, called)]
    assert [(one.state, one.reason) for one in states] == [
        (IncidentState.RESOLVED, Reason.HELPED),
        (IncidentState.FALSE_ALARM, Reason.MISHAP),
    ]
    assert estate.incident(gone).handed_to == "guard-zhao"
    with estate.database.read() as session:
        assert [one.text for one in desk_notes.read(session, estate.id, 0, 5)] == ["3栋电梯停了"]


def test_a_guard_on_a_phone_is_offered_what_is_near_and_an_act_on_a_bad_line_is_sent_once(
    estate: Estate, served: Service, screen: Screens
) -> None:
    fallen = a_bad_afternoon(estate)[0]
    page = screen("zh-CN", 390, 844, touch=True, with_errors=True)
    page.context.grant_permissions(["geolocation"], origin=served.url)
    page.context.set_geolocation({"longitude": 119.9505, "latitude": 31.7801})
    at(page, served, "/desk")
    expect(page.locator(".since").first).not_to_contain_text("米")
    page.get_by_role("button", name=ZH["desk_near"]).tap()
    expect(page.locator(".beside .title")).to_be_visible()
    expect(page.locator(".queue")).to_be_hidden()
    page.get_by_role("button", name=ZH["desk"], exact=True).tap()
    expect(page.locator(".since").first).to_contain_text("米")
    page.locator(".item", has_text="疑似摔倒").tap()
    expect(page.get_by_role("link", name=re.compile(ZH["desk_way"]))).to_have_attribute(
        "href", re.compile("position=119.95.*coordinate=wgs84")
    )
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    lost = []

    def loses_the_answer(route: Route) -> None:
        lost.append(route.request.post_data_json["id"])
        if len(lost) == 1:
            route.fetch()  # the server has it
            route.abort()
        else:
            route.continue_()

    page.route("**/acts*", loses_the_answer)
    page.get_by_role("button", name=re.compile("^我去处理")).tap()
    expect(page.get_by_text("没有网络，连上后自动发送：我去处理")).to_be_visible()
    expect(page.get_by_text("没有网络，连上后自动发送：我去处理")).to_have_count(0)
    expect(page.locator(".beside .state")).to_contain_text("陈队去处理了")
    assert len(lost) == 2
    assert len(set(lost)) == 1
    with estate.database.read() as session:
        entries = [entry for _, entry in timelines.read(session, estate.id, fallen.id)]
    assert [entry.detail["id"] for entry in entries if entry.kind is EntryKind.STATE and "id" in entry.detail] == lost[:1]


def test_of_two_screens_the_second_is_told_that_somebody_was_quicker(estate: Estate, served: Service, screen: Screens) -> None:
    fallen = falls(estate)
    first = at(screen("en"), served, f"/desk/{fallen.id}")
    second = at(screen("zh-CN", who="guard-zhao", with_errors=True), served, f"/desk/{fallen.id}")

    def somebody_is_quicker(route: Route) -> None:
        quick = Act(by=PersonId("guard-chen"), do=Do.ACKNOWLEDGE, subject=fallen.subject)
        outcome = act_on(estate.database, Estates(), estate.id, quick, estate.now_ns, incident_id=fallen.id)
        assert isinstance(outcome, Outcome)
        route.continue_()

    second.route("**/acts*", somebody_is_quicker)
    second.get_by_role("button", name=re.compile("^我去处理")).click()
    expect(second.get_by_role("alert")).to_have_text(ZH.words.notices[Notice.CHANGED])
    for page, said in ((first, EN), (second, ZH)):
        expect(page.locator(".beside .state")).to_contain_text(said.words.states[IncidentState.ACKNOWLEDGED].format(by="陈队"))
        expect(the_queue(page)).to_contain_text(said.words.states[IncidentState.ACKNOWLEDGED].format(by="陈队"))


def test_a_lost_line_is_said_within_five_seconds_no_key_acts_on_what_is_old_and_it_resumes(
    estate: Estate, served: Service, screen: Screens, monkeypatch: pytest.MonkeyPatch
) -> None:
    fallen = falls(estate)
    monkeypatch.setattr(signals, "ALIVE_S", 3600)  # the line is there, and nothing comes
    page = screen("en", with_errors=True)
    page.clock.install()
    at(page, served, f"/desk/{fallen.id}")
    expect(page.locator(".beside .acts")).to_be_visible()
    page.route("**/api/events*", lambda route: route.abort())
    page.clock.run_for(5_000)
    expect(page.locator(".desk .as-of").first).to_have_text(re.compile(r"^As it was at \d\d:\d\d:\d\d$"))
    expect(page.locator(".queue.old")).to_have_count(1)
    expect(page.locator(".item.tone-alarm, .hero.tone-alarm")).to_have_count(0)
    page.keyboard.press("a")
    expect(page.locator(".toast")).to_have_text(EN["desk_keys_off"])
    assert estate.incident(fallen).state is IncidentState.OPEN
    called = estate.happens(EventKind.SOS, "li-ming")
    page.unroute("**/api/events*")
    page.clock.run_for(5_000)
    expect(the_queue(page)).to_have_count(2)
    expect(page.locator(".old, .desk .as-of")).to_have_count(0)
    assert estate.incident(called).is_open


def test_the_map_chooses_an_incident_and_its_floor_shows_who_is_there_just_now(
    now: Estate, chain: Chain, live: Service, screen: Screens
) -> None:
    heading = {"lon": 119.95005, "lat": 31.78005, "heading_deg": 0}
    room = {"id": "living", "name": "客厅", "outline": [[-4, -5.5], [3, -5.5], [3, 5.5], [-4, 5.5]]}
    now.said["homes"][0]["plan"] = heading | {"rooms": [room]}
    now.write(now.said, ago_s=7200)
    fallen = falls(now)
    now.happens(EventKind.LEFT_OPEN, "b3-201", device="c-02", ago_s=3900, home_id="b3-201")
    page = at(screen("en"), live, "/desk")
    page.keyboard.press("m")
    dot = page.get_by_role("region", name=EN["desk_map"]).get_by_role("button", name=re.compile(EN.words.kinds[EventKind.FALL]))
    dot.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".beside .title")).to_have_text(EN.words.kinds[EventKind.FALL])
    expect(page).to_have_url(re.compile(fallen.id))
    expect(dot).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Enter")  # it lies at the same spot
    expect(page.locator(".beside .title")).to_contain_text(EN.words.kinds[EventKind.LEFT_OPEN])
    dot.click()
    expect(page.locator(".beside .title")).to_have_text(EN.words.kinds[EventKind.FALL])
    page.get_by_text(EN["desk_floor"]).click()
    expect(page.get_by_text(EN["desk_floor_live"])).to_be_visible()
    with chain.radar("r-01") as radar:
        deadline_s = time.monotonic() + PATIENCE_S
        while page.locator(".beside .someone").count() == 0:
            assert time.monotonic() < deadline_s
            radar.sees((0.3, 3.0))
            page.wait_for_timeout(100)
    assert violations(page) == []


MANY = 500
WATCH = """
window.longTasks = [];
new PerformanceObserver((seen) => longTasks.push(...seen.getEntries().map((one) => Math.round(one.duration))))
  .observe({ type: "longtask", buffered: true });
"""


def cpu_ms(browser: CDPSession) -> int:
    """What the page's main thread has worked so far: other than the length of a task, it does not grow with what else the machine does."""
    metrics = {one["name"]: one["value"] for one in browser.send("Performance.getMetrics")["metrics"]}
    return round(1000 * metrics["TaskDuration"])


def longest_ms(trace: bytes, url: str) -> int:
    """What the longest task of the main thread worked: of a long task that only waited for the machine, that is little."""
    events = json.loads(trace)["traceEvents"]
    ran = {(one["pid"], one["tid"]) for one in events if one["args"].get("data", {}).get("url", "").startswith(url)}
    main = {(one["pid"], one["tid"]) for one in events if one["name"] == "thread_name" and one["args"]["name"] == "CrRendererMain"} & ran
    return round(max(one.get("tdur", 0) for one in events if (one["pid"], one["tid"]) in main) / 1000)


def test_five_hundred_open_incidents_are_drawn_as_they_are_looked_at_and_the_longest_task_is_printed(
    estate: Estate, served: Service, screen: Screens, capsys: pytest.CaptureFixture[str]
) -> None:
    homes = [{"id": f"t-{n}", "building": str(n % 9), "address": f"{n % 9}栋{n}室"} for n in range(MANY)]
    people = [{"id": f"p-{n}", "name": f"住户{n}", "roles": ["resident"], "home": f"t-{n}"} for n in range(MANY)]
    estate.write(estate.said | {"homes": [*estate.said["homes"], *homes], "people": [*estate.said["people"], *people]})
    with estate.database.write() as session:
        book = DatabaseBook(session, estate.id, estate.now_ns)
        for n in range(MANY):
            kind = (EventKind.SOS, EventKind.LONG_LIE, EventKind.INACTIVITY)[n % 3]
            known_ns = estate.now_ns - n * 10**9
            event = Event(community_id=estate.id, kind=kind, subject=f"p-{n}", t_ns=known_ns, known_ns=known_ns, seq=1)
            add_event(session, event)
            book.put(take(event, book, estate.directory, estate.now_ns))
    page = screen("en")
    page.add_init_script(WATCH)
    browser = page.context.new_cdp_session(page)
    browser.send("Performance.enable", {"timeDomain": "threadTicks"})
    assert page.context.browser is not None
    page.context.browser.start_tracing(page=page, categories=["toplevel", "devtools.timeline"])
    at(page, served, "/desk")
    expect(page.get_by_role("heading", name=re.compile(rf"{MANY}$"))).to_be_visible()
    own_ms = longest_ms(page.context.browser.stop_tracing(), served.url)
    drawn = the_queue(page).count()
    assert drawn < MANY / 4, "what nobody looks at is not drawn"
    page.get_by_role("button", name=EN["desk_sound_on"]).click()  # a browser opens its sound once, and takes its time
    expect(page.get_by_role("button", name=EN["desk_silence"])).to_be_visible()
    opening, before_ms = page.evaluate("longTasks.splice(0)"), cpu_ms(browser)
    for n in range(5):
        act_on(
            estate.database,
            Estates(),
            estate.id,
            Act(by=PersonId("guard-zhao"), do=Do.ACKNOWLEDGE, subject=f"p-{3 * n}"),
            estate.now_ns,
        )
        expect(page.locator(".counts .wrong")).to_have_text(EN["desk_unowned"].replace("{n}", str(MANY - n - 1)))
    changed, after_ms = page.evaluate("longTasks.splice(0)"), cpu_ms(browser)
    for _ in range(5):
        page.keyboard.press("j")
    page.locator(".queue").evaluate("it => it.scrollTo(0, it.scrollHeight)")
    until(page, f"document.querySelectorAll('.item').length > {drawn}")
    running = page.evaluate("longTasks.splice(0)")
    with capsys.disabled():
        said = f"{MANY} open incidents; tasks over 50 ms: while opening {opening}, while five are taken {changed}, while scrolled {running}"
        own = f"the longest while opening {own_ms} ms, one change {(after_ms - before_ms) / 5:.0f} ms"
        print(f"\n{said}; of the main thread's own time {own}")  # noqa: T201
