"""Drawing fences by the API: what is kept, what is refused and why, who decides, and what it was before."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes.doors import DOOR, FRAME, GARDEN, WINDOW, now, path, polygon, two_doors
from fakes.lakeside import Estate, Service

from devices.model import HomeId
from rules.premises import FenceId
from store import importing
from store.session import Database

Asking = Callable[..., httpx.Client]


@pytest.fixture
def estate(database: Database, tmp_path: Path) -> Estate:
    return Estate(database, two_doors(), tmp_path / "lakeside.json")


@pytest.fixture
def asking(served: Service, estate: Estate) -> Iterator[Asking]:
    clients: list[httpx.Client] = []

    def ask(who: str, language: str = "en") -> httpx.Client:
        made = served.client(language, estate.sign_in(who))
        clients.append(made)
        return made

    yield ask
    for client in clients:
        client.close()


def guards(estate: Estate) -> set[str]:
    return {one.id for one in now(estate).fences}


def drawn(client: httpx.Client, wish: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/api/fences", json=wish)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_line_before_ones_own_window_guards_at_once(estate: Estate, asking: Asking) -> None:
    made = drawn(asking("wang-lei"), WINDOW)
    assert (made["state"], made["by_words"], made["reach_words"]) == ("active", "drawn by 王磊, 14:00", "")
    assert made["described_words"] == "Virtual line “卧室窗前”, about 5 m long, guards 王秀英, guarding"
    assert [(one["name_words"], one["least_words"]) for one in made["guards"]] == [("radar", "notices who walks within 1.5 m of the line")]
    assert made["id"] in guards(estate)


def test_a_fence_too_small_for_its_source_is_refused_with_the_size_that_works(estate: Estate, asking: Asking) -> None:
    daughter, before = asking("wang-lei"), guards(estate)
    small = GARDEN | {"outwards_m": None, "geometry": polygon(0, 0, 9, 9)}
    said = daughter.post("/api/fences/check", json=small).json()
    assert (said["code"], round(said["smallest_m"], 1), round(said["width_m"])) == ("too_small", 39.6, 9)
    assert "at least 40 m" in said["words"]
    refused = daughter.post("/api/fences", json=small)
    assert (refused.status_code, refused.json()["words"]) == (422, said["words"])
    assert guards(estate) == before
    large = daughter.post("/api/fences/check", json=GARDEN | {"outwards_m": 16}).json()
    assert (large["code"], large["width_m"] >= large["smallest_m"]) == ("", True)


@pytest.mark.parametrize(
    ("wish", "code", "at"),
    [
        (
            GARDEN | {"outwards_m": None, "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]}},
            "wrong",
            [1, 1],
        ),
        (WINDOW | {"geometry": {"type": "LineString", "coordinates": [[0, 0], [2, 2], [2, 0], [0, 2]]}}, "wrong", [1, 1]),
        (WINDOW | {"geometry": {"type": "LineString", "coordinates": [[0, 0]]}}, "wrong", None),
        (WINDOW | {"geometry": path((2, -60), (7, -60))}, "out_of_sight", None),
        (GARDEN | {"residents": ["wang-lei"]}, "wrong", None),
    ],
    ids=["bow tie", "crosses itself", "one point", "no radar sees it", "nobody who is looked after"],
)
def test_what_cannot_work_is_said_with_its_place_and_not_kept(
    asking: Asking, wish: dict[str, Any], code: str, at: list[float] | None
) -> None:
    daughter = asking("wang-lei")
    said = daughter.post("/api/fences/check", json=wish).json()
    assert (said["code"], said["at"]) == (code, at)
    assert said["words"]
    assert daughter.post("/api/fences", json=wish).json()["words"] == said["words"]


def test_a_line_towards_the_neighbours_door_waits_and_is_told_and_guards_once_it_is_approved(estate: Estate, asking: Asking) -> None:
    daughter, neighbour, office = asking("wang-lei"), asking("li-ming"), asking("office")
    said = daughter.post("/api/fences/check", json=DOOR).json()
    assert (said["is_own"], said["words"]) == (False, "The office has to agree first: it reaches 3栋202室.")
    made = drawn(daughter, DOOR)
    assert (made["state"], made["id"] in guards(estate)) == ("waiting", False)
    would = "3栋201室 would like a virtual line that sees the front of your home."
    assert [one.startswith(would) for one in neighbour.get("/api/homes/b3-202").json()["reached_words"]] == [True]
    assert daughter.get("/api/homes/b3-201").json()["reached_words"] == []
    assert office.get("/api/fences").json()["waiting"] == ["“门口” of 3栋201室 waits for you: it reaches 3栋202室."]
    assert daughter.post(f"/api/fences/{made['id']}/decision", json={"approve": True}).status_code == 403
    assert office.post(f"/api/fences/{made['id']}/decision", json={"approve": False, "reason": " "}).status_code == 422
    approved = office.post(f"/api/fences/{made['id']}/decision", json={"approve": True}).json()
    assert (approved["state"], approved["decision_words"]) == ("active", "agreed by 物业办公室, 14:00")
    assert made["id"] in guards(estate)
    assert now(estate).reached_by == {"b3-202": ("b3-201",)}
    assert office.post(f"/api/fences/{made['id']}/decision", json={"approve": True}).status_code == 409
    seen = neighbour.get("/api/fences", params={"home": "b3-202"}).json()
    assert (seen["fences"], [one["is_active"] for one in seen["reached"]]) == ([], [True])


def test_a_refusal_says_why_and_the_line_guards_nothing(estate: Estate, asking: Asking) -> None:
    made = drawn(asking("wang-lei"), DOOR)
    refused = asking("office").post(f"/api/fences/{made['id']}/decision", json={"approve": False, "reason": "邻居不同意"}).json()
    assert (refused["state"], "邻居不同意" in refused["decision_words"]) == ("refused", True)
    assert made["id"] not in guards(estate)
    assert asking("li-ming").get("/api/homes/b3-202").json()["reached_words"] == []
    nearer = asking("wang-lei").put(f"/api/fences/{made['id']}", json=DOOR | {"geometry": WINDOW["geometry"], "tag": refused["tag"]}).json()
    assert (nearer["state"], nearer["decision_words"], made["id"] in guards(estate)) == ("active", "", True)


def test_while_a_change_waits_what_it_is_to_replace_goes_on_guarding(estate: Estate, asking: Asking) -> None:
    daughter, office = asking("wang-lei"), asking("office")
    made = drawn(daughter, WINDOW)
    change = daughter.put(f"/api/fences/{made['id']}", json=DOOR | {"tag": made["tag"]}).json()
    assert (change["state"], change["replaces"], change["id"] != made["id"]) == ("waiting", made["id"], True)
    again = daughter.put(f"/api/fences/{made['id']}", json=DOOR | {"name": "门口二"}).json()
    assert again["id"] == change["id"]
    assert (made["id"] in guards(estate), change["id"] in guards(estate)) == (True, False)
    approved = office.post(f"/api/fences/{change['id']}/decision", json={"approve": True}).json()
    assert (approved["id"], approved["name"], approved["replaces"]) == (made["id"], "门口二", None)
    named = daughter.put(f"/api/fences/{made['id']}", json=DOOR | {"name": "大门", "tag": approved["tag"]}).json()
    assert (named["id"], named["name"], named["state"]) == (made["id"], "大门", "active")
    assert change["id"] not in {one["id"] for one in daughter.get("/api/fences").json()["fences"]}


def test_who_changed_it_is_seen_and_an_older_one_is_restored(estate: Estate, asking: Asking) -> None:
    daughter, mother = asking("wang-lei"), asking("wang-xiuying")
    made = drawn(daughter, WINDOW)
    estate.now_ns += 60_000_000_000
    wish = WINDOW | {"geometry": path((3, -2), (6, -2)), "tag": made["tag"]}
    changed = mother.put(f"/api/fences/{made['id']}", json=wish).json()
    assert daughter.put(f"/api/fences/{made['id']}", json=wish).status_code == 409
    estate.now_ns += 60_000_000_000
    assert daughter.request("DELETE", f"/api/fences/{made['id']}", json={"tag": changed["tag"]}).status_code == 204
    assert made["id"] not in guards(estate)
    assert [one["words"] for one in daughter.get("/api/fences").json()["removed"]] == ["removed by 王磊, 14:02"]
    versions = daughter.get(f"/api/fences/{made['id']}/history").json()
    assert [one["words"] for one in versions] == ["removed by 王磊, 14:02", "drawn by 王秀英, 14:01", "drawn by 王磊, 14:00"]
    assert [one["restorable"] for one in versions] == [False, True, True]
    restored = mother.post(f"/api/fences/{made['id']}/restore", json={"number": versions[-1]["number"]}).json()
    assert (restored["geometry"], restored["by_words"]) == (made["geometry"], "drawn by 王秀英, 14:02")
    assert made["id"] in guards(estate)


def test_an_import_that_leaves_a_drawn_fence_out_keeps_it_and_one_that_has_it_changes_nothing_of_it(
    estate: Estate, asking: Asking, tmp_path: Path
) -> None:
    daughter = asking("wang-lei")
    made, file = drawn(daughter, WINDOW), tmp_path / "lakeside.json"
    terrace = next(one for one in daughter.get("/api/fences").json()["fences"] if one["id"] == "terrace")
    changed = daughter.put("/api/fences/terrace", json=WINDOW | {"name": "阳台", "tag": terrace["tag"]})
    assert changed.status_code == 200, changed.text
    for prune in (False, True):
        plan = importing.plan(importing.kept_in(estate.database), file, prune=prune)
        assert "= geofences terrace (kept as it was drawn in the app)" in plan.changes
        importing.apply(estate.database, plan, estate.now_ns)
        assert {made["id"], "terrace"} <= guards(estate)
        assert now(estate).names[FenceId("terrace")] == "阳台"


def test_fences_of_the_whole_estate_are_the_administrators_alone(estate: Estate, asking: Asking) -> None:
    wish = GARDEN | {"home": None, "outwards_m": None, "geometry": polygon(-100, -100, 100, 100), "residents": ["wang-xiuying"]}
    assert asking("wang-lei").post("/api/fences", json=wish).status_code == 404
    assert asking("li-anna").post("/api/fences", json=WINDOW).status_code == 404
    made = drawn(asking("office"), wish)
    assert (made["state"], made["home_words"]) == ("active", "the whole estate")
    assert asking("wang-lei").put(f"/api/fences/{made['id']}", json=wish).status_code == 404
    assert made["id"] in guards(estate)


def test_an_area_that_holds_a_neighbours_home_is_told_there_once_it_guards(asking: Asking) -> None:
    made = drawn(asking("wang-lei"), GARDEN)
    neighbour = asking("li-ming")
    assert (made["state"], made["reach_words"]) == ("waiting", "it reaches 3栋202室, it goes more than 4 m beyond your home")
    assert neighbour.get("/api/homes/b3-202").json()["reached_words"] == []
    asking("office").post(f"/api/fences/{made['id']}/decision", json={"approve": True})
    assert "follows only the devices of 3栋201室" in neighbour.get("/api/homes/b3-202").json()["reached_words"][0]


def test_shapes_of_a_chinese_map_come_back_to_where_they_were_drawn_and_lie_within_half_a_metre(estate: Estate, asking: Asking) -> None:
    daughter = asking("wang-lei")
    shown = daughter.get("/api/ground", params={"home": "b3-201", "datum": "gcj02"}).json()
    south = [
        place for place in shown["homes"][0]["coordinates"][0] if place[1] == min(one[1] for one in shown["homes"][0]["coordinates"][0])
    ]
    as_drawn = [[lon, lat - 2 / 110_900] for lon, lat in sorted(shown["homes"][0]["coordinates"][0][:2])]
    assert south
    wish = WINDOW | {"geometry": {"type": "LineString", "coordinates": as_drawn}, "datum": "gcj02"}
    made = drawn(daughter, wish)
    assert made["datum"] == "gcj02"
    back = next(one for one in daughter.get("/api/fences", params={"datum": "gcj02"}).json()["fences"] if one["id"] == made["id"])
    assert back["geometry"]["coordinates"] == [pytest.approx(one, abs=1e-8) for one in as_drawn]
    really = next(one for one in now(estate).fences if one.id == made["id"])
    off_m = FRAME.metres(*zip(*really.path, strict=True)) - [(0, -2), (9, -2)]
    assert abs(off_m).max() < 0.5


def test_the_ground_says_which_buildings_there_are_and_not_who_lives_where(asking: Asking) -> None:
    shown = asking("li-ming").get("/api/ground", params={"home": "b3-202"})
    assert [(one["name"], one["type"], len(one["coordinates"])) for one in shown.json()["buildings"]] == [("3", "Polygon", 1)]
    assert [one["name"] for one in shown.json()["homes"]] == ["3栋202室"]
    assert "b3-201" not in shown.text
    assert "王" not in shown.text
    assert asking("li-ming").get("/api/ground", params={"home": "b3-201"}).status_code == 404


def test_where_somebody_is_now_is_shown_to_their_family_and_to_nobody_else(estate: Estate, asking: Asking) -> None:
    from builders import T0_NS, batches, position  # noqa: PLC0415  only here

    from app import pipeline  # noqa: PLC0415, TID251  the rules are those that the composition root composes
    from devices.model import NS_PER_S  # noqa: PLC0415
    from store import positions  # noqa: PLC0415

    premises = now(estate).premises()
    rules = pipeline(premises)
    rules.update(batches(premises.registry, [(1, position("w-01", (estate.now_ns - T0_NS) / NS_PER_S - 60, 119.95006, 31.78004))]))
    with estate.database.write() as session:
        for rule, states in rules.snapshot().items():
            positions.save_decisions(session, rule, states)
    tracked = asking("wang-lei").get("/api/fences", params={"home": "b3-201"}).json()["tracked"]
    assert [(one["name"], one["position"]["lon_deg"]) for one in tracked] == [("王秀英", 119.95006)]
    for who in ("guard-chen", "office"):
        assert asking(who).get("/api/fences", params={"home": "b3-201"}).json()["tracked"] == []
    assert HomeId("b3-201") in now(estate).footprints


KML = """<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder>
<Placemark><name> My
 window </name><LineString><coordinates>{line}</coordinates></LineString></Placemark>
<Placemark><name>Point</name><Point><coordinates>119.9,31.7</coordinates></Point></Placemark>
<Placemark><name>Bow tie</name><Polygon><outerBoundaryIs><LinearRing><coordinates>0,0 2,2 2,0 0,2 0,0</coordinates></LinearRing>
</outerBoundaryIs></Polygon></Placemark>
</Folder></Document></kml>
"""


def brought(client: httpx.Client, text: str, home: str | None = "b3-201") -> list[dict[str, Any]]:
    answer = client.post("/api/fences/file", json={"home": home, "text": text})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


@pytest.mark.parametrize("kind", ["geojson", "kml"])
def test_ones_own_fences_are_taken_along_and_brought_again(estate: Estate, asking: Asking, kind: str) -> None:
    daughter = asking("wang-lei")
    made = [drawn(daughter, WINDOW), drawn(daughter, GARDEN), drawn(daughter, DOOR)]
    file = daughter.get("/api/fences/file", params={"home": "b3-201", "as": kind})
    assert (file.status_code, f"anju-fences.{kind}" in file.headers["content-disposition"]) == (200, True)
    for one in made:
        daughter.request("DELETE", f"/api/fences/{one['id']}", json={"tag": ""}).raise_for_status()
    before = guards(estate)
    found = {one["name"]: one for one in brought(daughter, file.text)}
    assert guards(estate) == before  # shown alone
    assert {one["name"] for one in made} <= set(found)
    again = [drawn(daughter, found[one["name"]]["wish"]) for one in made]
    assert [one["geometry"] for one in again] == [one["geometry"] for one in made]
    assert [one["state"] for one in again] == [one["state"] for one in made]
    assert {one["state"] for one in again} == {"active", "waiting"}
    if kind == "geojson":
        assert [(one["near"], one["approach_m"], one["modes"]) for one in again] == [
            (one["near"], one["approach_m"], one["modes"]) for one in made
        ]


def test_a_kml_is_shown_with_what_is_refused_and_why(estate: Estate, asking: Asking) -> None:
    line = " ".join(f"{lon},{lat},0" for lon, lat in WINDOW["geometry"]["coordinates"])
    window, point, tie = brought(asking("wang-lei"), KML.format(line=line))
    assert (window["name"], window["kind"], window["checked"]["is_own"]) == ("My window", "line", True)
    assert (point["wish"], point["checked"]["words"]) == (None, "This shape is neither an area nor a line that can be read.")
    assert (tie["wish"], tie["checked"]["at"]) == (None, [1, 1])
    assert drawn(asking("wang-lei"), window["wish"])["id"] in guards(estate)


BOMB = '<!DOCTYPE kml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><kml><Placemark><name>&b;</name></Placemark></kml>'
OUTSIDE = '<!DOCTYPE kml [<!ENTITY a SYSTEM "file:///etc/hostname">]><kml><Placemark><name>&a;</name></Placemark></kml>'
NO_FILE = (
    "This file cannot be read: wanted GeoJSON or KML, in degrees of longitude and latitude.",
    "读不出这个文件：要的是 GeoJSON 或 KML，经纬度坐标。",
    "讀不出這個檔案：要的是 GeoJSON 或 KML，經緯度座標。",
)
LARGE = (
    "This file is too large: at most 50 shapes and 500,000 characters. Make several of it.",
    "这个文件太大：最多50个图形、50万字。请分成几个文件。",
    "這個檔案太大：最多50個圖形、50萬字。請分成幾個檔案。",
)
EMPTY = ("There is no area in this file, and no line.", "这个文件里没有区域，也没有线。", "這個檔案裡沒有區域，也沒有線。")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", NO_FILE),
        ("hello", NO_FILE),
        ("[1, 2]", NO_FILE),
        ('{"type": "Feature", "geometry": NaN}', NO_FILE),
        ('{"type": "FeatureCollection", "crs": {"properties": {"name": "EPSG:4547"}}, "features": []}', NO_FILE),
        ("<kml", NO_FILE),
        ("<html></html>", NO_FILE),
        (BOMB, NO_FILE),
        (OUTSIDE, NO_FILE),
        ("<kml>" * 100 + "</kml>" * 100, NO_FILE),
        ('{"type": "FeatureCollection", "features": []}', EMPTY),
        ("<kml></kml>", EMPTY),
        (" " * 500_001, LARGE),
        ("<kml>" + "<Placemark/>" * 51 + "</kml>", LARGE),
    ],
    ids=[
        *("nothing", "no file", "a list", "NaN", "metres", "torn", "html", "bomb", "outside", "deep"),
        *("no features", "no marks", "long", "many"),
    ],
)
def test_a_bad_file_is_answered_by_a_clear_sentence_in_each_language(asking: Asking, text: str, words: tuple[str, str, str]) -> None:
    for language, said in zip(("en", "zh-CN", "zh-TW"), words, strict=True):
        refused = asking("wang-lei", language).post("/api/fences/file", json={"home": "b3-201", "text": text})
        assert (refused.status_code, refused.json()["words"]) == (422, said)


def test_nobody_brings_or_takes_along_fences_of_a_home_that_is_not_theirs(asking: Asking) -> None:
    neighbour = asking("li-ming")
    for home in ("b3-201", "nowhere", None):
        assert neighbour.get("/api/fences/file", params={"home": home} if home else {}).status_code == 404
        assert neighbour.post("/api/fences/file", json={"home": home, "text": "{}"}).status_code == 404
