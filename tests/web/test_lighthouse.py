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

LIGHTHOUSE = Path(__file__).parents[1] / "lighthouse" / "node_modules" / "lighthouse" / "cli" / "index.js"
NODE = Path(__file__).parents[2] / ".venv" / "bin" / "node"
CHROMIUM = shutil.which("chromium")
PATIENCE_S = 300
FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"

pytestmark = [
    pytest.mark.skipif(not LIGHTHOUSE.is_file(), reason="Lighthouse is not there: make tests/lighthouse/node_modules/.ready"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: install Debian's chromium"),
    pytest.mark.skipif(not is_built(), reason="the app is not built: make setup"),
]

PLACES = {
    "home": ("/app/", "wang-lei"),
    "incident": ("/app/incidents/{incident}", "wang-lei"),
    "settings": ("/app/settings", "wang-lei"),
    "sign-in": ("/sign-in", ""),
    "console": ("/", "guard-chen"),
    "incident-console": ("/incidents/{community}/{incident}", "guard-chen"),
}
GATE = ("accessibility", "best-practices")


def audited(place: str, cookies: dict[str, str], folder: Path) -> dict[str, Any]:
    """What Lighthouse says of a page, by somebody who is signed in."""
    headers, report = folder / "headers.json", folder / "report.json"
    headers.write_text(json.dumps({"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}))
    asked = ["--output=json", f"--output-path={report}", f"--extra-headers={headers}", f"--chrome-flags={FLAGS}"]
    asked += [f"--only-categories={','.join((*GATE, 'performance'))}", "--no-enable-error-reporting", "--quiet"]
    with tempfile.TemporaryDirectory() as near:  # Chromium has a socket there, whose path must be short
        environment = {**os.environ, "CHROME_PATH": str(CHROMIUM), "TMPDIR": near, "HOME": near}
        done = subprocess.run([NODE, LIGHTHOUSE, place, *asked], check=False, timeout=PATIENCE_S, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    said: dict[str, Any] = json.loads(report.read_text())
    return said


@pytest.mark.parametrize("name", PLACES)
def test_nothing_is_left_to_mend(
    estate: Estate, served: Service, tmp_path: Path, name: str, record_property: Callable[[str, object], None]
) -> None:
    address, who = PLACES[name]
    about = {"device": "w-01", "home_id": "b3-201", "resident_id": "wang-xiuying"}
    fallen = estate.happens(EventKind.FALL, "wang-xiuying", score=0.97, evidence=evidence(), **about)
    estate.pass_s(31)
    place = served.url + address.format(incident=fallen.id, community=LAKESIDE)
    said = audited(place, estate.sign_in(who) if who else {}, tmp_path)
    assert said.get("runtimeError") is None
    assert said["finalDisplayedUrl"].startswith(place)
    scores = {category: said["categories"][category]["score"] for category in (*GATE, "performance")}
    in_percent = ", ".join(f"{which} {round(100 * score)}" for which, score in scores.items())
    record_property("figure", f"Lighthouse, mobile, {name}: {in_percent}")
    failed = [
        (category, one["id"], said["audits"][one["id"]]["title"])
        for category in GATE
        for one in said["categories"][category]["auditRefs"]
        if one["weight"] and (said["audits"][one["id"]]["score"] or 0) < 1 and said["audits"][one["id"]]["scoreDisplayMode"] == "binary"
    ]
    assert (failed, [scores[category] for category in GATE]) == ([], [1, 1])
