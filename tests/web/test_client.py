"""The app as it is built and served: nothing inline, nothing that grows old, small, and with every word in every language."""

import gzip
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from fakes.lakeside import Estate, Service

from web.client import BUILT, is_built

CLIENT = BUILT.parent
NODE = Path(sys.executable).with_name("node")
FIRST_PAGE_BYTES = 150_000
MAP_PAGE_BYTES = 250_000
built = pytest.mark.skipif(not is_built(), reason="the app is not built: make setup")


@built
@pytest.mark.parametrize("path", ["/app/", "/app/arm", "/app/incidents/i-1", "/app/settings/consents"])
def test_every_address_of_the_app_gives_its_page_and_is_asked_for_anew(served: Service, path: str) -> None:
    answer = httpx.get(served.url + path, trust_env=False)
    assert (answer.status_code, answer.headers["content-type"], answer.headers["cache-control"]) == (
        200,
        "text/html; charset=utf-8",
        "no-cache",
    )
    assert "'unsafe" not in answer.headers["content-security-policy"]
    assert re.findall(r"<style|<script(?![^>]*src=)|\bstyle=|\bon[a-z]+=", answer.text) == []


@built
def test_what_is_named_by_its_content_is_kept_and_what_is_gone_is_not_answered_by_the_page(served: Service) -> None:
    asset = next((BUILT / "assets").iterdir()).name
    assert "immutable" in httpx.get(f"{served.url}/app/assets/{asset}", trust_env=False).headers["cache-control"]
    assert httpx.get(f"{served.url}/app/assets/index-old.js", trust_env=False).status_code == 404
    assert httpx.get(f"{served.url}/app/sw.js", trust_env=False).headers["cache-control"] == "no-cache"


@built
@pytest.mark.parametrize("path", ["%2e%2e/client.py", "..%2f..%2f..%2fpyproject.toml", "%2e%2e/package.json"])
def test_no_file_beside_the_built_ones_is_given_away(served: Service, path: str) -> None:
    answer = httpx.get(f"{served.url}/app/{path}", trust_env=False)
    assert answer.status_code == 404 or answer.text.startswith("<!doctype html>")


@built
def test_the_first_page_of_a_family_is_small(record_property: Callable[[str, object], None]) -> None:
    page = (BUILT / "index.html").read_text(encoding="utf-8")
    files = [BUILT / name for name in re.findall(r'/app/(assets/[^"]+\.(?:js|css))"', page)]
    sizes_b = {one.suffix: len(gzip.compress(one.read_bytes())) for one in files}
    record_property("figure", f"first page of the app: {sum(sizes_b.values()) / 1000:.1f} kB compressed")
    assert set(sizes_b) == {".js", ".css"}
    assert sum(sizes_b.values()) <= FIRST_PAGE_BYTES


@built
def test_the_map_comes_only_with_its_page_and_is_small(capsys: pytest.CaptureFixture[str]) -> None:
    page = (BUILT / "index.html").read_text(encoding="utf-8")
    later = [one for one in (BUILT / "assets").iterdir() if one.name.startswith(("Map-", "Fences-")) and one.suffix in {".js", ".css"}]
    first = [BUILT / name for name in re.findall(r'/app/(assets/[^"]+\.(?:js|css))"', page)]
    assert {one.suffix for one in later} == {".js", ".css"}
    assert not set(later) & set(first)
    size_b = sum(len(gzip.compress(one.read_bytes())) for one in (*first, *later))
    with capsys.disabled():
        print(f"map page: {size_b / 1000:.1f} kB compressed in all")  # noqa: T201  the figure is wanted
    assert size_b <= MAP_PAGE_BYTES


def test_where_no_app_is_built_the_family_has_the_console_and_the_app_says_what_is_missing(
    estate: Estate, served: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.client.is_built", lambda *_: False)
    monkeypatch.setattr("web.api.console.is_built", lambda: False)
    with served.client(cookies=estate.sign_in("wang-lei")) as family:
        assert family.get("/").status_code == 200
        answer = family.get("/app/")
    assert (answer.status_code, answer.text) == (503, "The app is not built yet: make setup\n")


@built
def test_families_land_in_the_app_and_guards_on_the_console(estate: Estate, served: Service) -> None:
    for who, status in (("wang-lei", 303), ("wang-xiuying", 303), ("guard-chen", 200)):
        answer = httpx.get(served.url, cookies=estate.sign_in(who), trust_env=False)
        assert (answer.status_code, answer.headers.get("location")) == (status, "/app/" if status == 303 else None)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda said: said.pop("sos"), "messages/en.json has no sos"),
        (lambda said: said.update(mode_set="Set."), "messages/en.json mode_set has other blanks than zh"),
        (lambda said: said.update(more="More"), "messages/en.json has more, which zh has not"),
    ],
    ids=["missing", "blanks", "unknown"],
)
def test_a_message_that_is_missing_somewhere_fails_the_build(tmp_path: Path, change, fault: str) -> None:  # noqa: ANN001
    shutil.copytree(CLIENT / "messages", tmp_path / "messages")
    shutil.copytree(CLIENT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("paraglide"))
    assert faults(tmp_path) == []
    english = tmp_path / "messages" / "en.json"
    said = json.loads(english.read_text(encoding="utf-8"))
    change(said)
    english.write_text(json.dumps(said), encoding="utf-8")
    assert faults(tmp_path) == [fault]


def faults(root: Path) -> list[str]:
    if not NODE.exists():
        pytest.skip("no Node here: make setup")
    asked = f"import({json.dumps(str(CLIENT / 'catalogues.ts'))}).then((it) => console.log(JSON.stringify(it.faults(process.argv[1]))))"
    ran = subprocess.run([NODE, "--no-warnings", "--eval", asked, root], capture_output=True, text=True, timeout=60, check=True)
    found: list[str] = json.loads(ran.stdout)
    return found


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((CLIENT / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert [name for name, one in packages.items() if "resolved" in one or "integrity" not in one] == []
