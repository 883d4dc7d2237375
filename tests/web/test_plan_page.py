"""The floor plan on a phone, by thumb, by keyboard and by ear; the whole service behind it, from a radar's MQTT message to an SMS."""

import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from fakes.brokers import PATIENCE_S
from fakes.chain import Chain, Radar
from fakes.lakeside import Estate, Service, example
from fakes.reading import Asking
from fakes.whole import Whole
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from devices.model import PersonId
from geofence.frames import turned
from incidents.model import Act, Do
from rules.kinds import Mode
from store.acts import act_on
from store.estates import Estates
from web.client import BUILT, is_built

AXE = BUILT.parent / "node_modules" / "axe-core" / "axe.min.js"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
FRAMES = 30
pytestmark = pytest.mark.skipif(not is_built(), reason="the app is not built: make setup")


@pytest.fixture
def phone(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens telephones, each of somebody who is signed in; an error in a page's console fails the test."""
    errors: list[str] = []
    contexts: list[BrowserContext] = []

    def open_(url: str, estate: Estate, who: str, locale: str) -> Page:
        context = browser.new_context(locale=locale, **PHONE)
        context.add_cookies([{"name": name, "value": value, "url": url} for name, value in estate.sign_in(who).items()])
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: errors.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.set_default_timeout(1000 * PATIENCE_S)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert errors == []


def faults(page: Page) -> list[Any]:
    """What axe finds wrong."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})")
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]]


def pictured(page: Page, name: str) -> None:
    if folder := os.environ.get("ANJU_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def drag(page: Page, from_: Locator, by: tuple[float, float]) -> None:
    """With a thumb."""
    from_.scroll_into_view_if_needed()
    box = from_.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)

    def at(kind: str, share: float) -> None:
        points = [] if kind == "touchEnd" else [{"x": x + share * by[0], "y": y + share * by[1]}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    at("touchStart", 0.0)
    for step in range(1, 9):
        at("touchMove", step / 8)
    expect(page.locator(".plan.held")).to_have_count(1)
    at("touchEnd", 1.0)
    expect(page.locator(".plan.held")).to_have_count(0)
    touch.detach()


WORDS = {
    "zh-CN": {
        "plan": "平面图",
        "draw": "画平面图",
        "room": "房间",
        "window": "窗户",
        "save": "保存",
        "undo": "撤销",
        "told": "有人靠近这条线，已经报警。",
        "tried": "试一试：有人靠近这条线",
        "nobody": "雷达没看见人。",
        "somebody": "雷达看见1个人。",
        "come": "我去处理",
        "coming": "陈队去处理了",
        "name": "名称",
        "line": "警戒线",
        "line_name": "窗前警戒线",
        "remove": "删除",
    },
    "en": {
        "plan": "Floor plan",
        "draw": "Draw the plan",
        "room": "Room",
        "window": "Window",
        "save": "Save",
        "undo": "Undo",
        "told": "Somebody came near the line. The alarm was raised.",
        "tried": "Try: somebody came near the line.",
        "nobody": "The radar sees nobody.",
        "somebody": "The radar sees 1 person.",
        "come": "I have it",
        "coming": "陈队 has it",
        "name": "Name",
        "line": "Guarded line",
        "line_name": "Line before the window",
        "remove": "Remove",
    },
}


def draws(page: Page, words: dict[str, str]) -> None:
    """A room with a window, by thumb, and the radar turned and back; kept, and there after a reload."""
    page.get_by_role("button", name=words["draw"]).tap()
    tools = page.get_by_role("toolbar")
    tools.get_by_role("button", name=words["room"], exact=True).tap()
    page.get_by_label(words["name"], exact=True).fill("客厅")
    page.get_by_label(words["name"], exact=True).press("Enter")
    size = page.get_by_role("button", name=re.compile("^客厅"))
    expect(size).to_contain_text(re.compile(r"9\.5 × 11\.1"))
    drag(page, page.locator("[data-kind=room][data-part='2']"), (-60, 40))
    expect(size).not_to_contain_text(re.compile(r"9\.5 × 11\.1"))
    tools.get_by_role("button", name=words["undo"]).click()  # so soon after a drag Chromium takes a tap for its end
    expect(size).to_contain_text(re.compile(r"9\.5 × 11\.1"))
    tools.get_by_role("button", name=words["window"], exact=True).click()
    expect(page.locator(".opening.window")).to_have_count(1)
    # The line that the file has is taken away, and one's own drawn before the radar and made longer.
    page.locator("button.thing").filter(has_text=words["line"]).click()
    page.get_by_role("button", name=words["remove"]).click()
    tools.get_by_role("button", name=words["line"], exact=True).click()
    drag(page, page.locator("[data-kind=line][data-part='0']"), (-30, 0))
    assert faults(page) == []
    page.get_by_role("button", name=words["save"], exact=True).click()
    expect(page.get_by_role("button", name=words["draw"])).to_be_visible()
    page.reload()
    expect(page.locator(".opening.window")).to_have_count(1)
    expect(page.locator(".plan .name")).to_have_text("客厅")
    expect(page.locator(".plan .line")).to_have_count(1)
    expect(page.get_by_text(words["line_name"])).to_be_visible()


def seen_by_then(page: Page) -> None:
    """Has the page note when it first shows each distance."""
    page.evaluate(
        """() => { window.firstShown = {}; setInterval(() => { const it = document.querySelector(".someone .away");
        if (it && !(it.textContent in window.firstShown)) window.firstShown[it.textContent] = Date.now(); }, 4); }"""
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    with Whole(tmp_path_factory.mktemp("whole") / "anju", example()) as running:
        yield running


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_a_stranger_comes_to_the_window_and_everybody_who_is_to_know_knows(whole: Whole, phone: Callable[..., Page], locale: str) -> None:
    words, estate = WORDS[locale], whole.estate
    estate.now_ns = time.time_ns()
    estate.write(example(), ago_s=0)  # as nobody has drawn anything yet
    estate.arm("b3-201", Mode.DISARMED)
    with whole.radar("r-01") as radar:
        page = phone(whole.url, estate, "wang-lei", locale)
        page.goto(f"{whole.url}/app/")
        page.get_by_role("link", name=re.compile(words["plan"])).tap()
        draws(page, words)
        expect(page.locator("p.seen.live")).to_contain_text(words["nobody"])

        # Disarmed, they try it themselves: a dot follows, the line changes colour, and nobody is told.
        seen_by_then(page)
        sent_ms: dict[str, float] = {}
        for number in range(FRAMES):
            away_m = 3.6 - 0.1 * number  # metres beyond the line, which is 2 m before the radar
            shown = f"{abs(away_m):.1f} m"
            sent_ms.setdefault(shown, radar.sees((0.3, round(2.0 + away_m, 3))) / 1e6)
            time.sleep(0.15)
        expect(page.locator(".someone.sure")).to_have_count(1)
        expect(page.locator(".line.tried")).to_have_count(1)
        expect(page.get_by_role("alert").filter(has_text=words["tried"] if locale == "en" else "试一试")).to_be_visible()
        shown_ms = page.evaluate("window.firstShown")
        delays_ms = [shown_ms[one] - sent for one, sent in sent_ms.items() if one in shown_ms]
        p50, p95 = np.percentile(delays_ms, [50, 95])
        sys.stderr.write(
            f"\nfrom the radar's message to the dot on the phone, {len(delays_ms)} frames: median {p50:.0f} ms, p95 {p95:.0f} ms\n"
        )
        assert faults(page) == []
        expect(page.locator(".someone")).to_have_count(0)

        # Armed, a stranger comes.
        estate.now_ns = time.time_ns()
        estate.arm("b3-201", Mode.AWAY)
        radar.walk((0.6, 5.8), (0.3, 2.6), speed_mps=0.8)
        expect(page.locator(".line.tripped")).to_have_count(1)
        expect(page.get_by_role("alert").filter(has_text=words["told"])).to_be_visible()
        phones = phone(whole.url, estate, "guard-chen", locale)
        phones.goto(f"{whole.url}/phones")
        expect(phones.get_by_text(re.compile("3栋201室")).first).to_be_visible()

        # A guard takes it on, and the family sees it.
        phones.goto(f"{whole.url}/app/incidents")
        phones.locator(".cards a").first.tap()
        phones.get_by_role("button", name=re.compile(words["come"])).first.tap()
        page.goto(f"{whole.url}/app/incidents")
        expect(page.locator(".cards")).to_contain_text(words["coming"])
        page.context.close()  # before the service ends: a page that loses its server says so
        phones.context.close()
    done = Act(by=PersonId("guard-chen"), do=Do.RESOLVE, subject="b3-201")
    act_on(estate.database, Estates(), estate.id, done, time.time_ns())


def test_everything_is_done_by_keyboard_and_said_in_words(served: Service, screen: Callable[..., Page]) -> None:
    page = screen("en", 1280, 900, who="wang-lei")
    page.goto(f"{served.url}/app/plan")
    page.get_by_role("button", name="Draw the plan").focus()
    page.keyboard.press("Enter")
    for tool in ("Room", "Window"):
        page.get_by_role("toolbar").get_by_role("button", name=tool, exact=True).focus()
        page.keyboard.press("Enter")
    window = page.get_by_role("button", name=re.compile("^Window 1.5 m wide"))
    window.focus()
    before = page.locator(".opening.window .pane").get_attribute("d")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".opening.window .pane")).not_to_have_attribute("d", before or "")
    room = page.get_by_role("button", name=re.compile("^Room 1"))
    room.focus()
    page.keyboard.press("Enter")
    page.get_by_label("Width (m)").fill("5")
    page.get_by_label("Width (m)").press("Tab")
    expect(room).to_contain_text("5.0 × 11.1 m")
    radar = page.get_by_role("button", name=re.compile("^radar", re.IGNORECASE))
    radar.focus()
    page.keyboard.press("Enter")
    page.get_by_label(re.compile("^Direction")).fill("170")
    page.get_by_label(re.compile("^Direction")).press("Tab")
    expect(radar).to_contain_text("turned to 170°")
    page.get_by_role("button", name="Save", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Draw the plan")).to_be_visible()
    page.reload()
    expect(page.get_by_text("turned to 170°")).to_be_visible()
    expect(page.get_by_text("5.0 × 11.1 m")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="The radar sees nobody.")).to_have_count(1)
    assert faults(page) == []


@pytest.mark.parametrize("locale", ["zh-CN", "zh-TW", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_plan_is_within_reach_in_large_letters_by_day_and_by_night(
    served: Service, screen: Callable[..., Page], locale: str, scheme: Any
) -> None:
    page = screen(locale, 320, 700, who="wang-lei")
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{served.url}/app/plan")
    page.evaluate("localStorage.setItem('large', 'true')")
    page.reload()
    page.locator("button.first").click()
    page.get_by_role("toolbar").get_by_role("button").first.click()
    page.get_by_role("toolbar").get_by_role("button").nth(1).click()
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


HANGS = {"id": "r-01", "place": [-4.0, -5.5], "height_m": 2.0}
HANGS_DEG, DRAWN_DEG = 45.0, 135.0
HOMELY = {
    "rooms": [
        {"id": "living", "name": "客厅", "outline": [[-4, -5.5], [0, -5.5], [0, -1.5], [-4, -1.5]]},
        {"id": "hall", "name": "走廊", "outline": [[0, -5.5], [3, -5.5], [3, -1.5], [0, -1.5]]},
    ],
    "openings": [
        {"id": "d1", "kind": "door", "ends": [[0, -4.0], [0, -3.0]], "device": None},
        {"id": "d2", "kind": "door", "ends": [[-2.5, -1.5], [-1.5, -1.5]], "device": None},
    ],
}
DOORS_M = np.array([[0.0, -3.5], [-2.0, -1.5]])
WALKS = {
    "zh-CN": {
        "pose": "站一站，校准雷达",
        "line": "走一走，定警戒线",
        "door": "门",
        "here": "我站好了",
        "several": "雷达还看见别人",
        "fits": "厘米以内，对得上。雷达要转90°",
        "more": "再站一处",
        "accept": "就这样",
        "ok": "好",
        "turned": "朝向45°",
        "along": "我沿着它走",
        "walked": "走完了",
        "again": "重来",
        "new": "加一条新线",
        "wrong": "这个雷达好像转错了约90°",
        "better": "看看改正后的朝向",
        "save": "保存",
        "draw": "画平面图",
    },
    "en": {
        "pose": "Stand to set the radar",
        "line": "Walk to place the line",
        "door": "Door",
        "here": "I am standing there",
        "several": "The radar sees somebody else too",
        "fits": "cm. The radar turns by 90°",
        "more": "One more place",
        "accept": "Use this",
        "ok": "Good",
        "turned": "turned to 45°",
        "along": "I will walk along it",
        "walked": "I have walked it",
        "again": "Start over",
        "new": "Add it as a new line",
        "wrong": "This radar seems to be turned by about 90°",
        "better": "Show the better direction",
        "save": "Save",
        "draw": "Draw the plan",
    },
}


def own(*places_m: Any) -> list[list[float]]:
    """What the radar sees of places on the floor: to its right and ahead."""
    return [turned(-HANGS_DEG, *(np.array(one) - HANGS["place"])).round(3).tolist() for one in places_m]


def drawn_wrongly(url: str, estate: Estate) -> None:
    """A plan whose radar looks along the wall, and no line yet."""
    with Asking(url, estate, "wang-lei") as client:
        path = "/api/homes/b3-201/plan"
        version = client.get(path).json()["version"]
        assert client.request("DELETE", "/api/fences/terrace", json={}).status_code == 204
        wish = HOMELY | {"version": version, "radars": [HANGS | {"heading_deg": DRAWN_DEG}]}
        assert client.put(path, json=wish).status_code == 200


class Standing:
    """People who stand before a radar, which tells of them ten times a second."""

    def __init__(self, radar: Radar) -> None:
        self.places_m: list[Any] = []
        self._radar, self._ended = radar, threading.Event()
        self._thread = threading.Thread(target=self._stand, name="standing")
        self._random = np.random.default_rng(5)

    def _stand(self) -> None:
        while not self._ended.wait(0.1):
            self._radar.sees(*own(*(np.array(one) + self._random.normal(0, 0.04, 2) for one in self.places_m)))

    def walk(self, from_: Any, to: Any) -> None:
        for place in np.linspace(from_, to, 25):
            self.places_m = [place]
            time.sleep(0.1)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


def is_large_enough(page: Page) -> bool:
    sizes = page.locator(".walk button:visible").evaluate_all("all => all.map((one) => one.getBoundingClientRect().height)")
    return min(sizes) >= 48


def stands_at_two_doors(page: Page, people: Standing, words: dict[str, str], locale: str) -> None:
    """The first with somebody else in the room, the second tapped on the plan."""
    page.get_by_role("button", name=words["pose"]).tap()
    assert faults(page) == []
    assert is_large_enough(page)
    pictured(page, f"walk-where-{locale}")

    # Somebody else is in the room; they leave, and it fits.
    people.places_m = [DOORS_M[0], [-2.5, -4.5]]
    page.locator(".walk .places button", has_text=words["door"]).first.tap()
    page.get_by_role("button", name=words["here"]).tap()
    expect(page.locator(".walk .said")).to_contain_text(words["several"])
    assert faults(page) == []
    pictured(page, f"walk-several-{locale}")
    people.places_m = [DOORS_M[0]]
    title = page.locator(".walk h2")
    expect(title).to_contain_text(words["fits"])
    expect(page.locator(".plan .turned")).to_have_count(1)
    assert is_large_enough(page)
    pictured(page, f"walk-fits-{locale}")

    # The second place is tapped on the plan.
    page.get_by_role("button", name=words["more"]).tap()
    people.places_m = [DOORS_M[1]]
    box = page.locator(".plan circle.mark").nth(1).bounding_box()
    assert box
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.get_by_role("button", name=words["here"]).tap()
    expect(page.locator(".plan circle.picked")).to_have_count(2)
    expect(title).to_contain_text(words["fits"])
    page.get_by_role("button", name=words["accept"]).tap()
    expect(page.locator(".plan .someone.sure")).to_have_count(1)
    pictured(page, f"walk-done-{locale}")
    page.get_by_role("button", name=words["ok"], exact=True).tap()
    expect(page.locator(".thing", has_text=words["turned"])).to_be_visible()


def walks_along_the_line(page: Page, people: Standing, words: dict[str, str], locale: str) -> None:
    """Stands first, and walks instead; and keeps what was proposed."""
    page.get_by_role("button", name=words["line"]).tap()
    page.get_by_role("button", name=words["here"]).tap()
    expect(page.locator(".plan .proposed")).to_have_count(1)
    page.get_by_role("button", name=words["again"]).tap()
    expect(page.locator(".plan .proposed")).to_have_count(0)
    people.walk([-0.6, -4.6], [-0.6, -4.5])
    page.get_by_role("button", name=words["along"]).tap()
    people.walk([-0.6, -4.6], [-0.6, -2.4])
    page.get_by_role("button", name=words["walked"]).tap()
    expect(page.locator(".plan .proposed")).to_have_count(1)
    assert faults(page) == []
    pictured(page, f"walk-line-{locale}")
    page.get_by_role("button", name=words["new"]).tap()
    expect(page.locator(".plan .line")).to_have_count(1)
    page.get_by_role("button", name=words["ok"], exact=True).tap()
    page.get_by_role("button", name=words["save"], exact=True).tap()
    expect(page.get_by_role("button", name=words["draw"])).to_be_visible()


def test_who_stands_at_two_doors_has_turned_the_radar_and_who_walks_has_drawn_the_line(
    now: Estate, chain: Chain, live: Service, phone: Callable[..., Page]
) -> None:
    locale = "zh-CN"
    words = WALKS[locale]
    with chain.radar("r-01") as radar, Standing(radar) as people:
        drawn_wrongly(live.url, now)
        page = phone(live.url, now, "wang-lei", locale)
        page.goto(f"{live.url}/app/plan")
        stands_at_two_doors(page, people, words, locale)
        assert page.request.get(f"{live.url}/api/homes/b3-201/plan").json()["radars"][0]["heading_deg"] == DRAWN_DEG
        walks_along_the_line(page, people, words, locale)
        plan = page.request.get(f"{live.url}/api/homes/b3-201/plan").json()
        assert abs(plan["radars"][0]["heading_deg"] - HANGS_DEG) < 3
        ((from_x, from_y), (to_x, to_y)) = plan["lines"][0]["path"]
        np.testing.assert_allclose([from_x, to_x], [-0.6, -0.6], atol=0.2)
        assert from_y > to_y  # the door, which it protects, is to its left
        page.context.close()


def test_a_radar_that_is_drawn_turned_is_said_to_be_from_where_people_vanish(
    now: Estate, chain: Chain, live: Service, phone: Callable[..., Page]
) -> None:
    with chain.radar("r-01") as radar:
        drawn_wrongly(live.url, now)
        pages = {locale: phone(live.url, now, "wang-lei", locale) for locale in WALKS}
        for page in pages.values():
            page.goto(f"{live.url}/app/plan")
            expect(page.locator("p.seen.live")).to_be_visible()
        random = np.random.default_rng(3)
        for number in range(10):
            begin, end = DOORS_M[[number % 2, 1 - number % 2]]
            corner = random.uniform([-2.8, -4.3], [-1.2, -2.7])
            radar.walk(*own(begin, corner, end), speed_mps=2.0)
            for page in pages.values():
                expect(page.locator(".someone")).to_have_count(0)
            time.sleep(1.5)  # who vanished might come again
        for locale, page in pages.items():
            notice = page.get_by_role("alert").filter(has_text=WALKS[locale]["wrong"])
            expect(notice).to_be_visible()
            assert faults(page) == []
            pictured(page, f"walk-wrong-{locale}")
            page.get_by_role("button", name=WALKS[locale]["better"]).tap()
            expect(page.locator(".thing", has_text=re.compile(r"(朝向|turned to )(3\d|4\d|5\d)°"))).to_be_visible()
        assert page.request.get(f"{live.url}/api/homes/b3-201/plan").json()["radars"][0]["heading_deg"] == DRAWN_DEG
        for page in pages.values():
            page.context.close()


def test_standing_is_done_by_keyboard_and_a_silent_radar_is_said_to_be(served: Service, screen: Callable[..., Page]) -> None:
    page = screen("en", 1280, 900, who="wang-lei")
    page.goto(f"{served.url}/app/plan")
    page.get_by_role("button", name="Stand to set the radar").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".walk h2")).to_contain_text("Where will you stand?")
    page.locator(".walk .places button").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".walk h2")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="I am standing there")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="The radar says nothing. Is it switched on?")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Stop").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".walk")).to_have_count(0)
    expect(page.get_by_role("toolbar")).to_be_visible()
