"""Lighthouse's audits of accessibility and good practice, on a phone: nothing is left to mend.

How fast a page is depends on the machine, and is printed only.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes.falling import evidence
from fakes.lakeside import LAKESIDE, Estate, Service

from rules.kinds import EventKind
from web.client import is_built

FOLDER = Path(__file__).parents[1] / "lighthouse"
NODE = Path(__file__).parents[2] / ".venv" / "bin" / "node"
CHROMIUM = shutil.which("chromium")
PATIENCE_S = 300
FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"

pytestmark = [
    pytest.mark.skipif(not (FOLDER / "node_modules").is_dir(), reason="no Lighthouse: make tests/lighthouse/node_modules/.ready"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: install Debian's chromium"),
    pytest.mark.skipif(not is_built(), reason="the app is not built: make setup"),
]

TIMED = {
    "home": ("/app/", "wang-lei"),
    "incident": ("/app/incidents/{incident}", "wang-lei"),
    "console": ("/", "guard-chen"),
}
"""How fast they are is measured too."""
PLACES = {
    "settings": ("/app/settings", "wang-lei"),
    "sign-in": ("/sign-in", ""),
    "incident-console": ("/incidents/{community}/{incident}", "guard-chen"),
    "desk": ("/app/desk/{incident}", "guard-chen"),
    "register": ("/app/administration/register", "office"),
}
MORE = {
    "shift": ("/app/shift", "guard-chen"),
    "plan": ("/app/plan", "wang-lei"),
    "fences": ("/app/fences", "wang-lei"),
    "rules": ("/app/settings/rules", "wang-lei"),
    "administration": ("/app/administration", "office"),
    **{name: (f"/app/administration/{name}", "office") for name in ("report", "rosters", "policies", "communities", "audit", "file")},
}
"""In the long edition: each costs seconds, and axe looks at them in other tests too."""
GATE = ("accessibility", "best-practices")
AS_IT_COMES = {"onlyCategories": GATE, "throttlingMethod": "provided", "disableFullPageScreenshot": True, "maxWaitForLoad": 5000}
"""A page that listens to events is never done with loading: it is looked at after so many ms."""
ON_A_PHONE = {"onlyCategories": (*GATE, "performance")}


def audited(service: Service, estate: Estate, places: dict[str, tuple[str, str]], options: dict[str, Any]) -> list[dict[str, Any]]:
    """What Lighthouse says of pages, each of somebody who is signed in, and where somebody has fallen."""
    about = {"device": "w-01", "home_id": "b3-201", "resident_id": "wang-xiuying"}
    fallen = estate.happens(EventKind.FALL, "wang-xiuying", score=0.97, evidence=evidence(), **about)
    estate.pass_s(31)
    pages = []
    for name, (address, who) in places.items():
        cookies = estate.sign_in(who) if who else {}
        headers = {"Cookie": "; ".join(f"{key}={value}" for key, value in cookies.items())} if cookies else {}
        pages.append({"name": name, "url": service.url + address.format(incident=fallen.id, community=LAKESIDE), "headers": headers})
    asked = json.dumps({"chromium": CHROMIUM, "flags": FLAGS.split(), "pages": pages, "options": options})
    with tempfile.TemporaryDirectory() as near:  # Chromium has a socket there, whose path must be short
        done = subprocess.run(
            [NODE, FOLDER / "audit.mjs"],
            check=False,
            timeout=PATIENCE_S * len(pages),
            env={**os.environ, "TMPDIR": near, "HOME": near},
            input=asked.encode(),
            capture_output=True,
        )
    assert done.returncode == 0, done.stderr.decode()
    reports: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert [one["name"] for one in reports] == [one["name"] for one in pages]
    for page, report in zip(pages, reports, strict=True):
        assert report.get("runtimeError") is None, report["runtimeError"]
        assert report["finalDisplayedUrl"].startswith(page["url"])
    return reports


@pytest.mark.parametrize(
    ("places", "options"),
    [
        pytest.param(TIMED, ON_A_PHONE, id="timed"),
        pytest.param(PLACES | (MORE if "ANJU_LIGHTHOUSE" in os.environ else {}), AS_IT_COMES, id="as-they-come"),
    ],
)
def test_nothing_is_left_to_mend(
    estate: Estate,
    served: Service,
    places: dict[str, tuple[str, str]],
    options: dict[str, Any],
    record_property: Callable[[str, object], None],
) -> None:
    left = {}
    for said in audited(served, estate, places, options):
        scores = {category: one["score"] for category, one in said["categories"].items()}
        in_percent = ", ".join(f"{which} {round(100 * score)}" for which, score in scores.items())
        record_property("figure", f"Lighthouse, mobile, {said['name']}: {in_percent}")
        failed = [
            (one["id"], said["audits"][one["id"]].get("details", {}).get("items"))
            for category in GATE
            for one in said["categories"][category]["auditRefs"]
            if one["weight"] and (said["audits"][one["id"]]["score"] or 0) < 1 and said["audits"][one["id"]]["scoreDisplayMode"] == "binary"
        ]
        if failed or [scores[category] for category in GATE] != [1, 1]:
            left[said["name"]] = failed
    assert left == {}
