"""What an administrator sees and changes of a community, by the API."""

import base64
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import shapely
from fakes.lakeside import LAKESIDE, Estate, Service, example, front_door
from fakes.screens import Screens, at, violations
from playwright.sync_api import Page, expect

from devices import broker
from devices.model import NS_PER_S, CommunityId, DeviceId, HomeId, PersonId
from incidents.directory import Channel
from incidents.model import Act, Do
from notifier.gateways.console import ConsoleGateway
from notifier.routing import Routes
from rules.faults.wear import Wear
from rules.kinds import EventKind
from store import configuration, contacts, levels, positions
from store.acts import act_on
from store.contacts import ContactState, Known
from store.estates import Estates
from store.session import Database
from web.client import is_built
from web.onboarding import Onboarding
from web.service import create_app

ADMINISTRATION = "/api/administration"


@pytest.fixture
def estate(database: Database, tmp_path: Path) -> Estate:
    """The example, whose office runs the platform too."""
    said = example()
    said["people"][-1]["roles"] = ["administrator", "operator"]
    return Estate(database, said, tmp_path / "lakeside.json")


@pytest.fixture
def served(estate: Estate, tmp_path: Path) -> Iterator[Service]:
    onboarding = Onboarding(folder=tmp_path / "nats", host="anju.example.cn", port=11883)
    routes = Routes([ConsoleGateway(tmp_path / "phones.jsonl")], [])
    app = create_app(estate.database, front_door(), clock=estate.clock, onboarding=onboarding, routes=routes)
    pages = Service(estate.database, estate.clock, app=app)
    yield pages
    pages.stop()


@pytest.fixture
def office(served: Service, estate: Estate) -> Iterator[httpx.Client]:
    with served.client(cookies=estate.sign_in("office")) as client:
        yield client


def got(client: httpx.Client, path: str, **params: str) -> Any:
    answer = client.get(f"{ADMINISTRATION}/{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def put(client: httpx.Client, path: str, wish: dict[str, Any], status: int = 200) -> Any:
    answer = client.put(f"{ADMINISTRATION}/{path}", json=wish)
    assert answer.status_code == status, answer.text
    return answer.json()


def gone(client: httpx.Client, path: str, **wish: str) -> httpx.Response:
    return client.request("DELETE", f"{ADMINISTRATION}/{path}", json=wish)


def item(client: httpx.Client, section: str, item_id: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in got(client, "register")[section] if one["id"] == item_id)
    return found


def document(estate: Estate) -> dict[str, Any]:
    with estate.database.read() as session:
        said: dict[str, Any] = json.loads(configuration.community_at(session, estate.id) or "")
    return said


def test_a_report_counts_what_happened_by_the_rosters_of_its_time(estate: Estate, office: httpx.Client) -> None:
    for after_s, do in ((20, Do.RESOLVE), (90, Do.FALSE_ALARM)):
        called = estate.happens(EventKind.SOS, "li-ming", device="w-02", home_id=HomeId("b3-202"))
        estate.pass_s(after_s)
        act = Act(by=PersonId("guard-chen"), do=do, subject="li-ming")
        act_on(estate.database, Estates(), estate.id, act, estate.now_ns, incident_id=called.id)
    found = got(office, "report", month="2026-03")
    figures = found["all"]
    assert (figures["raised"], figures["in_time"], figures["share_percent"], figures["is_met"], figures["false"]) == (2, 1, 50.0, False, 1)
    assert [(one["clock"], one["people"], one["figures"]["raised"]) for one in found["shifts"]][-1][1:] == (["陈队"], 2)
    assert found["coverage"][0]["share_percent"] == 100.0
    assert office.get(f"{ADMINISTRATION}/report", params={"month": "03-2026"}).status_code == 422


def test_a_home_a_person_and_a_device_are_added_changed_and_removed(estate: Estate, office: httpx.Client) -> None:
    put(office, "homes/b3-203", {"building": "3", "floor": 2, "address": "3栋203室"})
    put(office, "people/zhou-ping", {"name": "周平", "roles": ["resident"], "home": "b3-203"})
    put(office, "devices/w-03", {"kind": "wearable", "wearer": "zhou-ping", "placement": "wrist"})
    estate.now_ns += NS_PER_S
    kept = item(office, "people", "zhou-ping")
    put(office, "people/zhou-ping", {"name": "周萍", "roles": ["resident"], "home": "b3-203", "version": kept["version"]})
    assert put(office, "people/zhou-ping", {"name": "x", "roles": ["resident"], "version": kept["version"]}, 409)["code"]
    assert (item(office, "homes", "b3-203")["people_words"], item(office, "devices", "w-03")["where_words"]) == ("周萍", "周萍")
    used = gone(office, "homes/b3-203", version=item(office, "homes", "b3-203")["version"])
    assert (used.status_code, "b3-203" in used.json()["words"]) == (422, True)
    for section, one in (("devices", "w-03"), ("people", "zhou-ping"), ("homes", "b3-203")):
        answer = gone(office, f"{section}/{one}", version=item(office, section, one)["version"])
        assert answer.status_code == 200, answer.text
    assert {key: value for key, value in document(estate).items() if key != "community"} == {
        key: value for key, value in estate.said.items() if key != "community"
    }


def test_what_a_page_does_not_show_of_something_stays_when_it_is_changed(estate: Estate, office: httpx.Client) -> None:
    kept = item(office, "devices", "r-01")
    put(office, "devices/r-01", {"kind": "radar", "home": "b3-202", "version": kept["version"]})
    assert next(one for one in document(estate)["devices"] if one["id"] == "r-01")["pose"]["heading_deg"] == 180


def test_nobody_takes_their_own_right_away(office: httpx.Client) -> None:
    mine = item(office, "people", "office")
    put(office, "people/office", {"name": "x", "roles": ["guard"], "version": mine["version"]}, 422)
    assert gone(office, "people/office", version=mine["version"]).status_code == 422


def test_credentials_are_shown_once_kept_as_a_hash_renewed_and_ended(estate: Estate, office: httpx.Client, tmp_path: Path) -> None:
    made = office.post(f"{ADMINISTRATION}/devices/w-01/credentials", json={}).json()
    assert (made["user"], made["host"], made["port"]) == ("lakeside.w-01", "anju.example.cn", 11883)
    assert made["topics"] == [f"anju/lakeside/w-01/{kind}" for kind in ("acceleration", "button", "position", "status")]
    assert made["address"] == f"mqtt://lakeside.w-01:{made['password']}@anju.example.cn:11883/anju/lakeside/w-01/"
    assert made["qr"].startswith("<svg")
    first = broker.credentials_of(tmp_path / "nats").devices["lakeside.w-01"]
    assert first.startswith("$2")
    shown = json.dumps([got(office, "register"), got(office, "audit", since="2026-03-01", until="2026-03-01"), document(estate)])
    assert made["password"] not in shown + office.get(f"{ADMINISTRATION}/file").text
    assert item(office, "devices", "w-01")["has_credentials"] is True
    estate.now_ns += NS_PER_S
    again = office.post(f"{ADMINISTRATION}/devices/w-01/credentials", json={}).json()
    assert again["password"] != made["password"]
    assert broker.credentials_of(tmp_path / "nats").devices["lakeside.w-01"] != first
    assert gone(office, "devices/w-01/credentials").status_code == 204
    assert dict(broker.credentials_of(tmp_path / "nats").devices) == {}
    assert item(office, "devices", "w-01")["has_credentials"] is False


def test_a_gap_in_a_roster_is_shown_and_closed(estate: Estate, office: httpx.Client) -> None:
    kept = got(office, "rosters")["rosters"][0]
    assert (len(kept["days"]), kept["gaps_words"]) == (28, [])
    shifts = [{**kept["shifts"][0], "days": ["mon", "tue", "wed", "thu", "fri"]}, kept["shifts"][1]]
    assert "nobody is on shift" in str(put(office, "rosters/gate", {"shifts": shifts, "version": kept["version"]})["warnings"])
    estate.now_ns += NS_PER_S
    holed = got(office, "rosters")["rosters"][0]
    assert len(holed["gaps_words"]) == 8  # T0 is a Sunday: that day, three whole weekends and a Saturday
    assert [one["people"] for one in holed["days"][0]["stretches"]] == [["赵队"], [], ["赵队"]]
    stands_in = {"date": "2026-03-01", "since": "08:00", "to": "20:00", "responders": ["office"]}
    put(office, "rosters/gate", {"shifts": shifts, "overrides": [stands_in], "version": holed["version"]})
    assert len(got(office, "rosters")["rosters"][0]["gaps_words"]) == 7


def test_a_policy_is_a_time_line_and_its_texts_are_those_that_would_be_sent(office: httpx.Client) -> None:
    found = got(office, "policies")
    distress = next(one for one in found["policies"] if one["id"] == "distress")
    assert [(one["at_s"], one["tell_words"]) for one in distress["drawn"]] == [
        (0, "relatives, duty roster · gate"),
        (60, "市一院急诊"),
    ] or [one["at_s"] for one in distress["drawn"]] == [0, 60]
    texts = got(office, "texts", kind="fall")
    assert {(one["language"], one["channel"]) for one in texts} == {
        (language, channel) for language in ("zh", "zh-Hant", "en") for channel in ("sms", "voice", "email")
    }
    assert all(one["segments"] <= 2 for one in texts if one["channel"] == "sms")
    assert all("王秀英" in one["text"] for one in texts)


def test_a_test_goes_to_nobody_but_oneself_by_a_verified_way(estate: Estate, office: httpx.Client, tmp_path: Path) -> None:
    dry = got(office, "trial", to="guard-chen", channel="sms")
    assert (dry["is_mine"], "by console" in dry["lines"]) == (False, True)
    assert office.post(f"{ADMINISTRATION}/trial", json={"channel": "sms"}).status_code == 422
    with estate.database.write() as session:
        known = Known(channel=Channel.SMS, state=ContactState.VERIFIED, code=None, since_ns=estate.now_ns)
        contacts.mark(session, LAKESIDE, estate.directory.people[PersonId("office")], known)
    assert not (tmp_path / "phones.jsonl").exists()
    assert office.post(f"{ADMINISTRATION}/trial", json={"channel": "sms"}).json()["lines"] == ["console: delivered"]
    assert "office" in (tmp_path / "phones.jsonl").read_text(encoding="utf-8")


def test_an_audit_says_who_saw_and_changed_what_and_can_be_asked_of_one_person(estate: Estate, office: httpx.Client) -> None:
    called = estate.happens(EventKind.SOS, "wang-xiuying", device="w-01", home_id=HomeId("b3-201"))
    with httpx.Client(base_url=str(office.base_url), cookies=estate.sign_in("guard-chen"), trust_env=False) as guard:
        guard.post(f"/api/incidents/{called.id}/opened", headers={"content-length": "0"})
        guard.post(f"/api/incidents/{called.id}/break-glass", json={"reason": "the door is locked"})
    estate.arm("b3-201")
    put(office, "homes/b3-203", {"address": "3栋203室"})
    office.get(f"{ADMINISTRATION}/file")
    day = {"since": "2026-03-01", "until": "2026-03-01"}
    found = [(one["deed"], one["by"], one["lines"]) for one in got(office, "audit", **day)["noted"]]
    assert ("saw", "guard-chen", []) in found
    assert ("broke_glass", "guard-chen", ["the door is locked"]) in found
    assert ("mode", "wang-lei", ["away"]) in found
    assert ("changed", "office", ["+ homes b3-203"]) in found
    assert ("exported", "office", []) in found
    assert {one["by"] for one in got(office, "audit", by="office", **day)["noted"]} == {"office"}
    assert got(office, "audit", since="2026-02-01", until="2026-02-02")["noted"] == []


def test_a_file_is_looked_at_before_it_is_written_and_a_wrong_one_is_refused_with_the_place(estate: Estate, office: httpx.Client) -> None:
    text = office.get(f"{ADMINISTRATION}/file").text
    same = office.post(f"{ADMINISTRATION}/file", json={"text": text}).json()
    assert (same["changes"], same["error"]) == ([], "")
    changed = text.replace("物业办公室", "物业中心")
    before = document(estate)
    seen = office.post(f"{ADMINISTRATION}/file", json={"text": changed}).json()
    assert seen["changes"] == ['~ people office name: "物业办公室" → "物业中心"']
    assert document(estate) == before
    wrong = office.post(f"{ADMINISTRATION}/file", json={"text": changed.replace('"kind": "radar"', '"kind": "rader"')}).json()
    assert re.search(r"line \d+: devices\[4\].kind: 'rader' is not known", wrong["error"])
    other = office.post(f"{ADMINISTRATION}/file", json={"text": changed.replace("物业中心", "物业"), "plan": seen["plan"]})
    assert other.status_code == 409
    done = office.post(f"{ADMINISTRATION}/file", json={"text": changed, "plan": seen["plan"]}).json()
    assert done["is_done"] is True
    assert document(estate)["people"][-1]["name"] == "物业中心"


def test_a_map_gives_homes_their_footprints_in_the_datum_that_it_was_drawn_in(estate: Estate, office: httpx.Client) -> None:
    ring = [[119.951, 31.781], [119.9511, 31.781], [119.9511, 31.7811], [119.951, 31.7811], [119.951, 31.781]]
    feature = {"type": "Feature", "properties": {"house": "b3-202"}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    drawn = base64.b64encode(json.dumps(feature).encode()).decode()
    wish = {"name": "estate.geojson", "content": drawn, "by": "house", "datum": "gcj02"}
    seen = office.post(f"{ADMINISTRATION}/map", json=wish).json()
    assert sorted(one.split(":")[0] for one in seen["changes"]) == ["~ homes b3-202 datum", "~ homes b3-202 footprint"]
    assert office.post(f"{ADMINISTRATION}/map", json=wish | {"plan": seen["plan"]}).json()["is_done"] is True
    home = next(one for one in document(estate)["homes"] if one["id"] == "b3-202")
    assert (home["datum"], home["footprint"]["coordinates"][0][0]) == ("gcj02", [119.951, 31.781])
    assert "wanted .geojson" in office.post(f"{ADMINISTRATION}/map", json=wish | {"name": "x.pdf"}).json()["error"]
    torn = office.post(f"{ADMINISTRATION}/map", json=wish | {"content": base64.b64encode(b"{").decode()}).json()
    assert torn["error"].startswith("estate.geojson: line 1: is not JSON")


VRT = b'<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'


def packed(**parts: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for ending, content in parts.items():
            file.writestr(f"estate.{ending}", content)
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("x.gpkg", VRT, "x.gpkg: is no gpkg"),
        ("x.vrt", VRT, "x.vrt: wanted .geojson, .gpkg, .json, .zip"),
        ("x.zip", b"PK", "x.zip: is no zip that can be read"),
        ("x.zip", packed(vrt=VRT), "x.zip: holds no Shapefile"),
        ("x.zip", packed(shp=VRT), "x.zip: holds no Shapefile"),
    ],
)
def test_a_map_that_would_lead_elsewhere_is_not_read(office: httpx.Client, name: str, content: bytes, error: str) -> None:
    wish = {"name": name, "content": base64.b64encode(content).decode()}
    assert office.post(f"{ADMINISTRATION}/map", json=wish).json()["error"].startswith(error)


def test_a_shapefile_is_read_out_of_its_zip(office: httpx.Client, tmp_path: Path) -> None:
    raw = pytest.importorskip("pyogrio.raw", reason="no pyogrio here: the extra geo")
    ring = shapely.Polygon([(119.951, 31.781), (119.9511, 31.781), (119.9511, 31.7811), (119.951, 31.7811)])
    options = {"geometry_type": "Polygon", "crs": "EPSG:4326", "driver": "ESRI Shapefile"}
    raw.write(tmp_path / "x.shp", np.array([shapely.to_wkb(ring)]), [np.array(["b3-202"], object)], ["house"], **options)
    content = packed(**{ending: (tmp_path / f"x.{ending}").read_bytes() for ending in ("shp", "shx", "dbf", "prj")})
    wish = {"name": "x.zip", "content": base64.b64encode(content).decode(), "by": "house"}
    changes = office.post(f"{ADMINISTRATION}/map", json=wish).json()["changes"]
    assert [one.split(":")[0] for one in changes] == ["~ homes b3-202 datum", "~ homes b3-202 footprint"]


def test_who_operates_the_platform_is_no_matter_of_a_community(estate: Estate, served: Service, office: httpx.Client) -> None:
    put(office, "people/clerk", {"name": "钱文", "roles": ["administrator"], "phone": "+8613900000008"})
    with estate.database.read() as session:
        estate.directory = Estates().community(session, estate.id).directory
    with served.client(cookies=estate.sign_in("clerk")) as clerk:
        mine, boss = item(clerk, "people", "clerk"), item(clerk, "people", "office")
        roles = ["administrator", "operator"]
        put(clerk, "people/clerk", {"name": "钱文", "roles": roles, "phone": "+8613900000008", "version": mine["version"]}, 422)
        put(clerk, "people/me", {"name": "钱文", "roles": roles, "phone": "+8613900000009"}, 422)
        put(clerk, "people/office", {"name": "x", "roles": roles, "phone": "+8613900000008", "version": boss["version"]}, 422)
        assert gone(clerk, "people/office", version=boss["version"]).status_code == 422
        before = document(estate)
        text = clerk.get(f"{ADMINISTRATION}/file").text
        for changed in (text.replace('"+8613800000004"', '"+8613900000008"'), text.replace('"guard"', '"operator"', 1)):
            error = clerk.post(f"{ADMINISTRATION}/file", json={"text": changed}).json()["error"]
            assert "who operates the platform" in error
        hooked = text.replace('"name": "钱文",', '"name": "钱文", "contacts": [{"webhook": "http://127.0.0.1:9/"}],')
        assert "lead to other hosts" in clerk.post(f"{ADMINISTRATION}/file", json={"text": hooked}).json()["error"]
        assert document(estate) == before
        assert clerk.post(f"{ADMINISTRATION}/file", json={"text": text.replace("钱文", "钱武")}).json()["error"] == ""
    assert office.post(f"{ADMINISTRATION}/file", json={"text": hooked}).json()["error"] == ""


def test_a_community_is_made_from_nothing_by_hand_exported_and_imported_elsewhere_as_the_same(
    estate: Estate, served: Service, office: httpx.Client, tmp_path: Path
) -> None:
    head = {"id": "willow", "name": "柳岸", "timezone": "Asia/Shanghai", "language": "zh"}
    first = {"community": head, "people": [{"id": "office", "name": "物业", "roles": ["administrator"], "phone": "+8613800000004"}]}
    seen = office.post(f"{ADMINISTRATION}/communities", json={"text": json.dumps(first)}).json()
    assert office.post(f"{ADMINISTRATION}/communities", json={"text": json.dumps(first), "plan": seen["plan"]}).json()["is_done"] is True
    again = office.post(f"{ADMINISTRATION}/communities", json={"text": json.dumps(first)}).json()
    assert "willow already" in again["error"]
    cookies = estate.sign_in("office") | {"community": "willow", "me-willow": "office"}
    with served.client(cookies=cookies) as there:
        put(there, "homes/h-1", {"address": "1栋101"})
        put(there, "people/gu", {"name": "顾队", "roles": ["guard"], "phone": "+8613900000002"})
        put(there, "rosters/gate", {"shifts": [{"responder": "gu", "since": "00:00", "to": "24:00"}]})
        steps = [{"after_s": 0, "tell": ["relatives", "roster:gate"], "by": ["sms"]}, {"after_s": 60, "tell": ["office"], "by": ["voice"]}]
        put(there, "policies/distress", {"kinds": ["fall", "sos"], "cancel_window_s": 30, "steps": steps})
        put(there, "people/an", {"name": "安奶奶", "roles": ["resident"], "home": "h-1"})
        put(there, "people/jie", {"name": "安洁", "roles": ["relative"], "of": ["an"], "phone": "+8613900000001"})
        put(there, "devices/w-1", {"kind": "wearable", "wearer": "an", "placement": "wrist"})
        text = there.get(f"{ADMINISTRATION}/file").text
        listed = [one["id"] for one in got(there, "communities")["communities"]]
    assert listed == ["lakeside", "willow"]
    assert {one["id"]: one["devices"] for one in got(office, "communities")["communities"]} == {"lakeside": 5, "willow": 1}
    elsewhere = Database(f"sqlite:///{tmp_path / 'elsewhere.db'}")
    try:
        elsewhere.upgrade()
        another = Estate(elsewhere, estate.said, tmp_path / "another.json")
        pages = Service(elsewhere, another.clock)
        try:
            with pages.client(cookies=another.sign_in("office")) as client:
                plan = client.post(f"{ADMINISTRATION}/communities", json={"text": text}).json()["plan"]
                client.post(f"{ADMINISTRATION}/communities", json={"text": text, "plan": plan})
            cookies = another.sign_in("office") | {"community": "willow", "me-willow": "office"}
            with pages.client(cookies=cookies) as client:
                assert client.get(f"{ADMINISTRATION}/file").json() == json.loads(text)
        finally:
            pages.stop()
    finally:
        elsewhere.close()
    with estate.database.read() as session:
        assert set(configuration.communities(session)) == {LAKESIDE, CommunityId("willow")}


@pytest.mark.skipif(not is_built(), reason="the app is not built: make setup")
def test_an_administrator_walks_through_the_pages(estate: Estate, served: Service, screen: Screens, tmp_path: Path) -> None:
    """A community from nothing, a device by QR code, a roster's gap, a policy, its file; each page by the rules of accessibility."""
    for nights, percent in ((3, 97.0), (2, 81.0), (1, 64.0)):
        with estate.database.write() as session:
            positions.save_decisions(session, Wear.name, {f"{LAKESIDE}/w-01": {"battery": [percent, 0, 0, 0]}})
            levels.note(session, LAKESIDE, [DeviceId("w-01")], estate.now_ns - nights * 24 * 3600 * NS_PER_S)
    page = at(screen("zh-CN", 1280, 900, who="office"), served, "/administration")
    broken = {}
    for name in ("报告", "住户、人员、设备", "值班表", "通知策略", "小区和用量", "审计", "导出和导入"):
        page.get_by_role("link", name=re.compile(f"^{name}")).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(name)
        expect(page.locator(".loading")).to_have_count(0)
        expect(page.get_by_role("img", name="每晚的电量：从97%到64%，最低64%")).to_have_count(1 if name == "住户、人员、设备" else 0)
        broken |= {name: found} if (found := violations(page)) else {}
        page.get_by_role("link", name="管理", exact=True).first.click()
    assert broken == {}
    _found(page)
    _set_up(page, served)
    _let_in(page)
    _take_along_and_bring(at(page, served, "/administration/file"), tmp_path / "willow.yaml")


def _found(page: Page) -> None:
    page.get_by_role("link", name=re.compile("^小区和用量")).click()
    for label, value in (("编号", "willow"), ("姓名", "柳岸"), ("管理员姓名", "物业"), ("电话", "+8613800000004")):
        page.get_by_label(label, exact=label == "姓名").fill(value)
    page.get_by_role("button", name="新建", exact=True).click()
    expect(page.get_by_role("rowheader", name=re.compile("柳岸"))).to_be_visible()
    page.reload()
    page.get_by_role("button", name="去柳岸").click()
    expect(page.locator(".pulse.ok")).to_have_count(1)


def _set_up(page: Page, served: Service) -> None:
    page = at(page, served, "/administration/register")
    _add(page, "添加住户", {"编号": "h-1", "地址": "1栋101"}, "1栋101")
    _add(page, "添加人员", {"编号": "gu", "姓名": "顾队", "电话": "+8613900000002"}, "顾队", roles=("保安",))
    page = at(page, served, "/administration/rosters")
    page.get_by_role("button", name="新的值班表").click()
    page.get_by_label("编号").fill("gate")
    page.locator(".shift select").first.select_option("gu")
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".tone-alarm")).to_contain_text("空缺")
    page.get_by_role("button", name="编辑gate").click()
    page.get_by_role("button", name="添加班次").click()
    page.locator(".shift select").nth(1).select_option("gu")
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".tone-good")).to_contain_text("没有空缺")
    page = at(page, served, "/administration/policies")
    page.get_by_role("button", name="新的策略").click()
    page.get_by_label("编号").fill("distress")
    page.get_by_role("checkbox", name=re.compile("值班人员 · gate")).check()
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".timeline")).to_contain_text("家属、值班人员 · gate · 短信")
    page = at(page, served, "/administration/register")
    _add(page, "添加人员", {"编号": "an", "姓名": "安奶奶"}, "安奶奶", home="h-1")
    _add(page, "添加设备", {"编号": "w-1"}, "穿戴设备 · w-1", wearer="an")


def _let_in(page: Page) -> None:
    page.get_by_role("button", name="接入w-1").click()
    expect(page.get_by_role("img", name=re.compile("二维码"))).to_be_visible()
    password = page.locator(".credentials dd code").first.inner_text()
    assert violations(page) == []
    page.get_by_role("button", name="抄好了").click()
    expect(page.get_by_text(password)).to_have_count(0)


def _take_along_and_bring(page: Page, changed: Path) -> None:
    with page.expect_download() as taking:
        page.get_by_role("link", name=re.compile("导出全部")).click()
    text = taking.value.path().read_text(encoding="utf-8")
    said = json.loads(text)
    assert [[one["id"] for one in said[section]] for section in ("homes", "people", "devices", "rosters", "policies")] == [
        ["h-1"],
        ["office", "gu", "an"],
        ["w-1"],
        ["gate"],
        ["distress"],
    ]
    changed.write_text(text.replace("1栋101", "1栋102"), encoding="utf-8")
    page.locator("input[type=file]").first.set_input_files(changed)
    expect(page.locator(".diff")).to_contain_text('~ homes h-1 address: "1栋101" → "1栋102"')
    page.get_by_role("button", name="就这样改").click()
    expect(page.locator(".toast")).to_contain_text("已导入")


def _add(
    page: Page, what: str, fields: dict[str, str], shown: str, *, roles: tuple[str, ...] = (), home: str = "", wearer: str = ""
) -> None:
    """Fill a form, and see what came of it."""
    page.get_by_role("button", name=what).click()
    form = page.locator("form.sheet")
    for label, value in fields.items():
        form.get_by_label(label).fill(value)
    if roles:
        form.get_by_label("住户", exact=True).uncheck()
    for role in roles:
        form.get_by_label(role, exact=True).check()
    for label, chosen in (("住在", home), ("谁佩戴", wearer)):
        if chosen:
            form.get_by_label(label).select_option(chosen)
    form.get_by_role("button", name="保存").click()
    expect(page.locator(".rows b", has_text=shown)).to_be_visible()
