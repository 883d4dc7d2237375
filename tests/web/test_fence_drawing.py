"""Fences drawn in a real browser: by thumb on a phone, by keyboard alone, and what the neighbour and the office see of them."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import batches, targets
from fakes.doors import DOOR, WINDOW, now, two_doors
from fakes.lakeside import Estate, Service
from playwright.sync_api import Page, expect

from app import pipeline  # noqa: TID251  the rules are those that the composition root composes
from rules.kinds import EventKind
from rules.model import Event
from store.session import Database
from web.client import BUILT, is_built

Screens = Callable[..., Page]
AXE = BUILT.parent / "node_modules" / "axe-core" / "axe.min.js"
pytestmark = pytest.mark.skipif(not is_built(), reason="the app is not built: make setup")

WORDS = {
    "zh-CN": {
        "new": "画一个新的",
        "line": re.compile("^门窗前画一条线"),
        "area": re.compile("^圈一块地方"),
        "name": "名字",
        "save": "保存",
        "undo": "撤销",
        "redo": "重做",
        "corner": "第{n}个点，共{of}个",
        "bend": "在这里弯折",
        "own": "保存后马上生效",
        "wait": "要物业同意后才生效",
        "small": re.compile("定位误差约7.5米.*至少要40米"),
        "guards": "正在守护",
    },
    "en": {
        "new": "Draw a new one",
        "line": re.compile("^A line before"),
        "area": re.compile("^An area"),
        "name": "Name",
        "save": "Save",
        "undo": "Undo",
        "redo": "Redo",
        "corner": "Corner {n} of {of}",
        "bend": "Bend here",
        "own": "it guards as soon as it is saved",
        "wait": "The office has to agree first",
        "small": re.compile("off by about 7.5 m.*at least 40 m"),
        "guards": "guarding",
    },
}


@pytest.fixture
def estate(database: Database, tmp_path: Path) -> Estate:
    return Estate(database, two_doors(), tmp_path / "lakeside.json")


def at_fences(page: Page, served: Service) -> Page:
    page.goto(f"{served.url}/app/fences")
    expect(page.locator(".map .own")).not_to_have_count(0)
    return page


def begin(page: Page, words: dict[str, str], tool: str) -> None:
    page.get_by_role("button", name=words["new"]).click()
    page.get_by_role("button", name=words[tool]).click()


def tap(page: Page, east: float, south: float) -> None:
    """A thumb on the map: how far east and south of the middle of one's own home, in its widths."""
    home = page.locator(".map .own").bounding_box()
    assert home is not None
    page.touchscreen.tap(home["x"] + home["width"] * (0.5 + east), home["y"] + home["height"] * (0.5 + south))


def corner(page: Page, words: dict[str, str], n: int, of: int) -> None:
    expect(page.get_by_role("button", name=words["corner"].format(n=n, of=of))).to_have_count(1)


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_a_line_is_drawn_by_thumb_bent_undone_saved_and_there_after_a_reload(
    estate: Estate, served: Service, screen: Screens, locale: str
) -> None:
    words = WORDS[locale]
    page = at_fences(screen(locale, 390, 844, who="wang-lei", touch=True), served)
    begin(page, words, "line")
    tap(page, -0.35, 0.68)
    corner(page, words, 1, 1)
    tap(page, 0.35, 0.68)
    corner(page, words, 2, 2)
    expect(page.get_by_role("status").filter(has_text=words["own"])).to_have_count(1)
    for _ in range(2):  # nearer, so that there is room to bend it
        page.locator(".leaflet-control-zoom-in").click()
        page.wait_for_timeout(400)  # the map glides
    page.get_by_role("button", name=words["bend"]).first.tap()
    corner(page, words, 2, 3)
    page.get_by_role("button", name=words["undo"]).click()
    corner(page, words, 2, 2)
    page.get_by_role("button", name=words["redo"]).click()
    corner(page, words, 3, 3)
    page.get_by_label(words["name"], exact=True).fill("卧室窗前")
    page.get_by_role("button", name=words["save"], exact=True).click()
    card = page.locator(".fence-card", has_text="卧室窗前")
    expect(card.locator(".state")).to_have_text(words["guards"])
    page.reload()
    expect(card).to_contain_text(words["guards"])
    made = next(one for one in now(estate).fences if one.id not in {"terrace", "estate"})
    assert (made.home, len(made.path), made.near) == ("b3-201", 3, "left")


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_an_area_too_small_for_the_watch_is_refused_while_it_is_drawn_with_the_size_that_works(
    estate: Estate, served: Service, screen: Screens, locale: str
) -> None:
    words = WORDS[locale]
    page = at_fences(screen(locale, 390, 844, who="wang-lei", touch=True), served)
    begin(page, words, "area")
    for east, south in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)):
        tap(page, east, south)
    corner(page, words, 4, 4)
    expect(page.locator(".said .tone-alarm")).to_have_text(words["small"])
    page.get_by_label(words["name"], exact=True).fill("院子")
    expect(page.get_by_role("button", name=words["save"], exact=True)).to_be_disabled()
    assert {one.id for one in now(estate).fences} == {"terrace", "estate"}


def test_a_corner_is_dragged_and_taken_away_by_thumb_and_every_target_is_large_enough(served: Service, screen: Screens) -> None:
    words = WORDS["zh-CN"]
    page = at_fences(screen("zh-CN", 390, 844, who="wang-lei", touch=True), served)
    begin(page, words, "line")
    for east in (-0.6, 0.0, 0.6):
        tap(page, east, 0.9)
    corner(page, words, 3, 3)
    sizes = page.locator(".map .vertex").evaluate_all("all => all.map((it) => [it.offsetWidth, it.offsetHeight])")
    assert all(side >= 44 for size in sizes for side in size)
    first = page.get_by_role("button", name="第1个点，共3个")
    before = first.bounding_box()
    assert before is not None
    x, y = before["x"] + before["width"] / 2, before["y"] + before["height"] / 2
    touch = page.context.new_cdp_session(page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 6):
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y + 8 * step}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(first).to_have_count(1)
    after = first.bounding_box()
    assert after is not None
    assert after["y"] - before["y"] > 20
    page.get_by_role("button", name="第2个点，共3个").tap()
    page.get_by_role("button", name="删这个点").click()
    corner(page, words, 2, 2)


def test_by_keyboard_alone_a_line_is_drawn_moved_turned_and_saved(estate: Estate, served: Service, screen: Screens) -> None:
    words = WORDS["en"]
    page = at_fences(screen("en", 1280, 800, who="wang-lei"), served)

    def press(name: str, key: str = "Enter", times: int = 1) -> None:
        page.get_by_role("button", name=name).first.focus()
        for _ in range(times):
            page.keyboard.press(key)

    press("Draw a new one")
    press("A line before a window or door")
    for place, (way, steps) in enumerate((("ArrowLeft", 4), ("ArrowRight", 4)), start=1):
        press("Add in the middle")
        corner(page, words, place, place)
        name = words["corner"].format(n=place, of=place)
        press(name, way, steps)
        for _ in range(13):  # half a metre each: to two metres before the window
            page.keyboard.press("ArrowDown")
        expect(page.get_by_role("button", name=name)).to_be_focused()
    expect(page.get_by_role("status").filter(has_text=words["own"])).to_have_count(1)
    for _ in range(3):  # nearer, so that there is room to bend it
        press("Zoom in")
        page.wait_for_timeout(400)  # the map glides
    press("Bend here")
    expect(page.get_by_role("button", name="Corner 2 of 3")).to_be_focused()
    page.keyboard.press("Delete")
    corner(page, words, 2, 2)
    press("Flip side")
    press("Flip side")
    page.get_by_label("Name", exact=True).focus()
    page.keyboard.type("window")
    press("Save")
    card = page.locator(".fence-card", has_text="window")
    expect(card).to_contain_text("Virtual line “window”, about 4 m long, guards 王秀英, guarding")
    expect(card).to_contain_text("Watched by: radar")
    made = next(one for one in now(estate).fences if one.id not in {"terrace", "estate"})
    assert made.near == "left"


def walks_up(estate: Estate) -> list[EventKind]:
    """What the rules say of somebody who walks up to the home's windows from the south, before the radar."""
    premises = now(estate).premises()
    rules, said = pipeline(premises), []
    for step in range(60):
        found = rules.update(batches(premises.registry, [(step, targets("r-01", 100 + step / 10, (0.0, 5.5 - 0.09 * step)))]))
        said += [one for one in found if isinstance(one, Event) and one.cause.startswith("f-")]
    return [one.kind for one in said]


def test_a_line_towards_the_neighbours_door_waits_is_seen_there_and_guards_once_the_office_agrees(
    estate: Estate, served: Service, screen: Screens
) -> None:
    words = WORDS["zh-CN"]
    page = at_fences(screen("zh-CN", 390, 844, who="wang-lei", touch=True), served)
    begin(page, words, "line")
    tap(page, -0.35, 0.68)
    tap(page, 0.55, 0.68)
    expect(page.get_by_role("status").filter(has_text=words["wait"])).to_contain_text("3栋202室")
    page.get_by_label(words["name"], exact=True).fill("门口")
    page.get_by_role("button", name=words["save"], exact=True).click()
    expect(page.locator(".fence-card", has_text="门口").locator(".state")).to_have_text("等物业同意，还没有守护")
    assert walks_up(estate) == []
    neighbour = screen("zh-CN", 390, 844, who="li-ming")
    neighbour.goto(f"{served.url}/app/")
    expect(neighbour.get_by_text("3栋201室想画一条虚拟线")).to_be_visible()
    office = screen("zh-CN", 1280, 800, who="office")
    office.goto(f"{served.url}/app/fences")
    office.get_by_role("button", name="同意", exact=True).click()
    expect(page.locator(".fence-card", has_text="门口").locator(".state")).to_have_text("正在守护")  # without a reload
    expect(neighbour.get_by_text("已经由物业同意")).to_be_visible()
    assert EventKind.APPROACH in walks_up(estate)


@pytest.mark.parametrize(("locale", "width", "scheme"), [("zh-CN", 390, "light"), ("en", 390, "dark"), ("en", 1280, "light")])
def test_drawing_breaks_no_rule_of_accessibility_and_needs_no_scrolling_sideways(
    *, served: Service, screen: Screens, locale: str, width: int, scheme: str
) -> None:
    words = WORDS[locale]
    page = screen(locale, width, who="wang-lei", touch=True)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]  a literal of the parameters above
    at_fences(page, served)
    begin(page, words, "line")
    tap(page, -0.35, 0.68)
    tap(page, 0.35, 0.68)
    corner(page, words, 2, 2)
    expect(page.get_by_role("status").filter(has_text=words["own"])).to_have_count(1)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate("axe.run().then((it) => it.violations.map((one) => [one.id, one.nodes.map((node) => node.html)]))") == []
    page.set_viewport_size({"width": width // 2 if width > 640 else 320, "height": 640})  # 200 %
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_map_asks_nobody_outside_for_anything(served: Service, screen: Screens) -> None:
    page = screen("zh-CN", 390, 844, who="wang-lei")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    at_fences(page, served)
    assert asked
    assert [one for one in asked if not one.startswith((served.url, "data:"))] == []


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("zh-CN", ("文件里有3个图形", "这个图形既不是区域也不是线，读不了。", "保存可以导入的2个", "正在守护", "等物业同意")),
        (
            "en",
            (
                *("Shapes in the file: 3", "This shape is neither an area nor a line that can be read."),
                *("Keep those that can be imported: 2", "guarding", "waits"),
            ),
        ),
    ],
)
def test_a_file_is_looked_at_on_a_phone_and_kept_like_what_is_drawn(
    *, estate: Estate, served: Service, screen: Screens, tmp_path: Path, locale: str, said: tuple[str, ...]
) -> None:
    found, refused, keep, *states = said
    shapes = [("卧室窗前", WINDOW["geometry"]), ("门口", DOOR["geometry"]), ("点", {"type": "Point", "coordinates": [119.9, 31.7]})]
    features = [{"type": "Feature", "properties": {"name": name}, "geometry": geometry} for name, geometry in shapes]
    file = tmp_path / "fences.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    before = len(now(estate).fences)
    page = at_fences(screen(locale, 390, 844, who="wang-lei", touch=True), served)
    page.locator("input[type=file]").focus()
    expect(page.locator("input[type=file]")).to_be_focused()
    page.locator("input[type=file]").set_input_files(file)
    heading = page.get_by_role("heading", name=found)
    expect(heading).to_be_focused()
    expect(page.get_by_text(refused)).to_be_visible()
    expect(page.locator(".map .fence.path")).to_have_count(2)
    assert len(now(estate).fences) == before
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate("axe.run().then((it) => it.violations.map((one) => [one.id, one.nodes.map((node) => node.html)]))") == []
    page.keyboard.press("Tab")
    button = page.get_by_role("button", name=keep)
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(heading).to_have_count(0)
    for name, state in zip(("卧室窗前", "门口"), states, strict=True):
        expect(page.locator(".fence-card").filter(has=page.locator("b", has_text=name)).first).to_contain_text(state)
    assert (len(now(estate).fences), len(now(estate).waiting)) == (before + 1, 1)
    with page.expect_download() as taken:
        page.locator("a[href*='as=kml']").click()
    assert taken.value.suggested_filename == "anju-fences.kml"
