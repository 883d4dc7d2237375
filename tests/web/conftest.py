"""The example's estate in a database, and its pages in a browser."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakes.brokers import PATIENCE_S, embedded
from fakes.chain import Chain
from fakes.lakeside import LAKESIDE, Estate, Service, example, front_door
from fakes.reading import Asking
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from devices.broker import EmbeddedBroker
from store.session import Database
from web.service import create_app

CHROMIUM = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that is up to date, to be copied."""
    path = tmp_path_factory.mktemp("web") / "anju.db"
    made = Database(f"sqlite:///{path}")
    made.upgrade()
    made.close()
    return path


@pytest.fixture
def database(empty_file: Path, tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{shutil.copyfile(empty_file, tmp_path / 'anju.db')}")
    yield made
    made.close()


@pytest.fixture
def estate(database: Database, tmp_path: Path) -> Estate:
    return Estate(database, example(), tmp_path / "lakeside.json")


@pytest.fixture
def served(estate: Estate) -> Iterator[Service]:
    pages = Service(estate.database, estate.clock)
    yield pages
    pages.stop()


@pytest.fixture
def client(served: Service, estate: Estate) -> Iterator[Asking]:
    """A guard who is signed in."""
    with Asking(served.url, estate) as asking:
        yield asking


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Of one module only: while it is there, its event loop is this thread's, and other tests start their own."""
    with sync_playwright() as made:
        expect.set_options(timeout=1000 * PATIENCE_S)
        yield made


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium here: install Debian's chromium")
    started = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM))
    yield started
    started.close()


@pytest.fixture
def screen(browser: Browser, estate: Estate) -> Iterator[Callable[..., Page]]:
    """Opens screens, each of somebody who is signed in.

    Any error in a page's console fails the test, unless errors are what it is about.
    """
    errors: list[str] = []
    contexts: list[BrowserContext] = []

    def open_(
        locale: str = "en",
        width: int = 1440,
        height: int = 900,
        *,
        who: str = "guard-chen",
        scripts: bool = True,
        with_errors: bool = False,
        touch: bool = False,
    ) -> Page:
        context = browser.new_context(
            locale=locale, viewport={"width": width, "height": height}, java_script_enabled=scripts, has_touch=touch
        )
        signed = estate.sign_in(who) if who else {}
        context.add_cookies([{"name": name, "value": value, "domain": "127.0.0.1", "path": "/"} for name, value in signed.items()])
        contexts.append(context)
        page = context.new_page()
        if not with_errors:
            page.on("console", lambda said: errors.append(said.text) if said.type in {"error", "warning"} else None)
            page.on("pageerror", lambda error: errors.append(str(error)))
        page.set_default_timeout(1000 * PATIENCE_S)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def now(estate: Estate) -> Estate:
    """The estate, today: devices' clocks are."""
    estate.now_ns = time.time_ns()
    estate.write(estate.said, ago_s=7200)
    return estate


@pytest.fixture
def chain(now: Estate, tmp_path: Path) -> Iterator[Chain]:
    with Chain(tmp_path / "nats", now.database, LAKESIDE) as running:
        yield running


@pytest.fixture
def live(now: Estate, chain: Chain) -> Iterator[Service]:
    app = create_app(now.database, front_door(), clock=time.time_ns, open_log=chain.open_log)
    pages = Service(now.database, time.time_ns, app=app)
    yield pages
    pages.stop()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    server = embedded(tmp_path_factory.mktemp("nats"))
    server.start()
    yield server
    server.stop()
