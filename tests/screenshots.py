"""Pictures of every page of the app, on a phone and on a desk, in each language, by day and by night: `make screenshots DIR=…`."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

from builders import T0_NS, batches, motion, position, status
from fakes.falling import evidence
from fakes.lakeside import EXAMPLE, Estate, Service, example, front_door
from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

from app import pipeline  # noqa: TID251  the rules are those that the composition root composes
from devices.model import NS_PER_S, DeviceId, HomeId
from notifier.chain_checks import ChainChecks
from notifier.gateways.console import FILE, ConsoleGateway
from notifier.routing import Routes
from rules.kinds import EventKind, Mode
from rules.model import Standing
from store import positions, standings
from store.community import load
from store.session import Database
from web.service import create_app

PAGES = {
    "home": ("/", False),
    "home-alarm": ("/", True),
    "incident": ("/incidents/{incident}", True),
    "incidents": ("/incidents", True),
    "arm": ("/arm", True),
    "fences": ("/fences", False),
    "plan": ("/plan", False),
    "contacts": ("/contacts", False),
    "settings": ("/settings", False),
    "addresses": ("/settings/addresses", False),
    "consents": ("/settings/consents", False),
}
"""Addresses, and whether somebody fell before."""
AT_WORK = {"desk": ("/desk/{incident}", True), "queue": ("/desk", True), "shift": ("/shift", True)}
"""The same, of a guard."""
WHO = {"wang-lei": PAGES, "guard-chen": AT_WORK}
SIZES = {"phone": (390, 844), "desk": (1280, 800)}
LOCALES = {"zh": "zh-CN", "zh-Hant": "zh-TW", "en": "en"}


def lives(estate: Estate) -> None:
    """A quiet day: what devices said within the last hour, as the rules remember it."""
    premises = load(EXAMPLE).premises()
    rules, now_s = pipeline(premises), (estate.now_ns - T0_NS) / NS_PER_S
    said = [
        status("c-01", now_s - 2400, battery_percent=64.0),
        status("w-01", now_s - 130, battery_percent=81.0),
        motion("w-01", now_s - 300),
        position("w-01", now_s - 60, 119.95006, 31.78004),
    ]
    for seq, one in enumerate(said):
        rules.update(batches(premises.registry, [(seq, one)]))
    with estate.database.write() as session:
        for rule, states in rules.snapshot().items():
            positions.save_decisions(session, rule, states)
    estate.arm("b3-201", Mode.HOME)


def falls(estate: Estate) -> str:
    """And then a bad one: the window stands open, a battery is low, and somebody fell. The incident."""
    place = {"home_id": "b3-201", "resident_id": "wang-xiuying"}
    stands = {"community_id": estate.id, "device_id": DeviceId("c-02"), "home_id": HomeId("b3-201")}
    with estate.database.write() as session:
        standings.write(session, Standing(**stands, is_open=True, t_ns=estate.now_ns, known_ns=estate.now_ns, seq=1))
    estate.happens(EventKind.LOW_BATTERY, "c-01", device="c-01", home_id="b3-201")
    fallen = estate.happens(EventKind.FALL, "wang-xiuying", device="w-01", score=0.97, evidence=evidence(), **place)
    estate.pass_s(31)
    estate.dispatch()
    estate.pass_s(65)
    estate.dispatch()
    return str(fallen.id)


@contextmanager
def served(folder: Path, *, fallen: bool) -> Iterator[tuple[Estate, Service, str]]:
    """The example's estate on such a day."""
    database = Database(f"sqlite:///{folder / 'anju.db'}")
    database.upgrade()
    estate = Estate(database, example(), folder / "lakeside.json")
    lives(estate)
    incident = falls(estate) if fallen else ""
    checks = ChainChecks(database, Routes([ConsoleGateway(folder / FILE)]), clock=estate.clock, sleep=lambda _: None)
    pages = Service(database, estate.clock, app=create_app(database, front_door(chain_checks=checks), clock=estate.clock))
    yield estate, pages, incident
    pages.stop()
    database.close()


def take(browser: Browser, folder: Path) -> None:
    """Every picture."""
    for fallen in (False, True):
        with tempfile.TemporaryDirectory() as temporary, served(Path(temporary), fallen=fallen) as (estate, pages, incident):
            for (who, shown), (size, (width, height)), (language, locale), scheme in product(
                WHO.items(), SIZES.items(), LOCALES.items(), ("light", "dark")
            ):
                cookies = [{"name": name, "value": value, "url": pages.url} for name, value in estate.sign_in(who).items()]
                context = browser.new_context(locale=locale, viewport={"width": width, "height": height}, device_scale_factor=2)
                context.add_cookies(cookies)  # type: ignore[arg-type]
                page = context.new_page()
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
                for name, (path, after_fall) in shown.items():
                    if after_fall is not fallen:
                        continue
                    page.set_viewport_size({"width": width, "height": height})
                    page.goto(f"{pages.url}/app{path.format(incident=incident)}")
                    page.locator(".pulse.ok").wait_for(state="attached")
                    page.locator("h1:not(.unseen)").wait_for()
                    expect(page.locator(".loading")).to_have_count(0)
                    whole = page.evaluate("document.documentElement.scrollHeight")
                    page.set_viewport_size({"width": width, "height": max(height, whole)})
                    file = folder / f"{name}-{size}-{language}-{scheme}.png"
                    page.screenshot(path=file)
                    Image.open(file).convert("RGB").quantize(128).save(file, optimize=True)
                context.close()


if __name__ == "__main__":
    to = Path(sys.argv[1])
    to.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        take(playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--headless", "--no-sandbox", "--disable-gpu"]), to)
    print(f"{len(list(to.glob('*.png')))} pictures in {to}")  # noqa: T201
