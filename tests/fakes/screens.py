"""The app's pages in a browser: opened, waited for, and judged."""

import time
from collections.abc import Callable
from typing import Any

from fakes.brokers import PATIENCE_S
from fakes.lakeside import Service
from playwright.sync_api import Page, expect

from web.client import BUILT

Screens = Callable[..., Page]
"""Opens screens, each of somebody who is signed in."""
AXE = BUILT.parent / "node_modules" / "axe-core" / "axe.min.js"


def at(page: Page, served: Service, path: str = "/") -> Page:
    """The app, live."""
    page.goto(f"{served.url}/app{path}")
    expect(page.locator(".loading")).to_have_count(0)
    expect(page.locator(".pulse.ok")).to_have_count(1)
    page.evaluate("window.loadedOnce = true")
    return page


def until(page: Page, expression: str) -> None:
    """Asked from outside: the page's own policy evaluates no strings."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not page.evaluate(expression):
        assert time.monotonic() < deadline_s, f"not after {PATIENCE_S:g} s: {expression}"
        page.wait_for_timeout(50)


def violations(page: Page) -> list[Any]:
    """Rules of accessibility that a page breaks, with what breaks them."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[Any] = page.evaluate("axe.run().then((it) => it.violations.map((one) => [one.id, one.nodes.map((node) => node.html)]))")
    return found
