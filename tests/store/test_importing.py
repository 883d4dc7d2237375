"""Import of a community file: says what changes, keeps what the file leaves out, and is written at once or not at all."""

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from devices.model import CommunityId
from store import configuration
from store.community import load, parse
from store.document import spelled
from store.importing import ImportPlan, apply, kept_in, plan
from store.model import InputError, StoreBusyError, StoreError
from store.session import Database
from store.tables import CommunityVersionRow

Said = dict[str, Any]

TRIANGLE: Said = {"type": "Polygon", "coordinates": [[[119.94, 31.77], [119.96, 31.77], [119.96, 31.79], [119.94, 31.77]]]}

ELM: Said = {
    "community": {"id": "elm", "name": "榆园", "timezone": "Asia/Shanghai"},
    "homes": [{"id": "a-1", "floor": 2}, {"id": "a-2"}],
    "people": [
        {"id": "ann", "name": "安奶奶", "roles": ["resident"], "home": "a-1"},
        {"id": "cai", "name": "蔡女士", "roles": ["relative"], "of": ["ann"], "phone": "+8613800000001"},
        {"id": "guard", "name": "陈队", "roles": ["guard"], "phone": "+8613800000002"},
    ],
    "devices": [{"id": "w-1", "kind": "wearable", "wearer": "ann", "placement": "wrist"}],
    "geofences": [{"id": "park", "kind": "area", "geometry": TRIANGLE, "datum": "gcj02"}],
    "rosters": [{"id": "gate", "shifts": [{"responder": "guard", "from": "08:00", "to": "20:00"}]}],
    "policies": [{"id": "distress", "kinds": ["fall", "sos"], "steps": [{"after_s": 0, "tell": ["relatives"], "by": ["sms"]}]}],
}

CREATED = (
    "+ community elm",
    "+ homes a-1",
    "+ homes a-2",
    "+ people ann",
    "+ people cai",
    "+ people guard",
    "+ devices w-1",
    "+ geofences park",
    "+ rosters gate",
    "+ policies distress",
)


def elm(change: Callable[[Said], object] = lambda _: None) -> Said:
    said = copy.deepcopy(ELM)
    change(said)
    return said


def item(said: Said, section: str, id_: str) -> Said:
    return next(one for one in said[section] if one["id"] == id_)


class Office:
    """Somebody who writes community files and plans their import; what is known is kept in a dictionary."""

    def __init__(self, folder: Path) -> None:
        self.documents: dict[CommunityId, str] = {}
        self.file = folder / "elm.json"

    def plan(self, said: Said, *, prune: bool = False) -> ImportPlan:
        self.file.write_text(json.dumps(said, ensure_ascii=False, indent=1), encoding="utf-8")
        return plan(self.documents.get, self.file, prune=prune)

    def imports(self, said: Said, *, prune: bool = False) -> tuple[str, ...]:
        planned = self.plan(said, prune=prune)
        self.documents[planned.community.id] = planned.content
        return planned.changes

    def refused(self, said: Said, *, prune: bool = False) -> InputError:
        with pytest.raises(InputError) as caught:
            self.plan(said, prune=prune)
        assert len(str(caught.value).splitlines()) == 1
        return caught.value

    @property
    def document(self) -> str:
        return self.documents[CommunityId("elm")]

    def kept(self) -> Said:
        kept: Said = json.loads(self.document)
        return kept


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


@pytest.fixture
def settled(office: Office) -> Office:
    office.imports(elm())
    return office


# First


def test_a_first_import_creates_everything_and_says_so(office: Office) -> None:
    assert office.imports(elm()) == CREATED
    assert office.kept() == ELM
    assert parse(office.document, "kept") == load(office.file)


def test_what_is_kept_is_only_what_was_said_with_chinese_readable(settled: Office) -> None:
    assert "placement" not in json.dumps(settled.kept()["people"])
    assert "安奶奶" in settled.document


def test_every_shape_is_kept_with_the_datum_that_it_was_drawn_in(office: Office) -> None:
    pose = {"lon": 119.95, "lat": 31.78, "heading_deg": 0}
    drawn = elm(
        lambda said: (
            item(said, "geofences", "park").pop("datum"),
            item(said, "homes", "a-1").update(footprint=TRIANGLE),
            item(said, "homes", "a-2").update(footprint=TRIANGLE, datum="gcj02"),
            said["devices"].append({"id": "r-1", "kind": "radar", "home": "a-1", "pose": pose}),
            said["geofences"].append({"id": "near-a-2", "kind": "area", "around": "a-2", "outwards_m": 30}),
        )
    )
    office.imports(drawn)
    kept = office.kept()
    assert [one.get("datum") for one in (*kept["homes"], *kept["geofences"])] == ["wgs84", "gcj02", "wgs84", None]
    assert kept["devices"][1]["pose"]["datum"] == "wgs84"
    assert office.imports(drawn) == ()


def test_what_was_kept_before_datums_were_named_is_no_change(settled: Office) -> None:
    kept = settled.kept()
    item(kept, "geofences", "park").pop("datum")
    settled.documents[CommunityId("elm")] = json.dumps(kept)
    assert settled.imports(elm(lambda said: item(said, "geofences", "park").pop("datum"))) == ()
    assert item(settled.kept(), "geofences", "park")["datum"] == "wgs84"


def test_a_yaml_file_is_kept_as_what_it_means(office: Office) -> None:
    office.file.write_text("community: {id: elm, name: 榆园, timezone: Asia/Shanghai}\nhomes:\n  - {id: a-1, floor: 2}\n", encoding="utf-8")
    assert json.loads(plan(office.documents.get, office.file).content) == {
        "community": ELM["community"],
        "homes": [{"id": "a-1", "floor": 2}],
    }


def test_each_community_is_kept_apart(settled: Office) -> None:
    before = settled.kept()
    assert settled.imports({"community": {"id": "oak", "name": "橡园", "timezone": "Asia/Shanghai"}}) == ("+ community oak",)
    assert settled.kept() == before
    assert set(settled.documents) == {"elm", "oak"}


def test_the_plan_holds_the_community_as_it_will_be_and_its_warnings(office: Office) -> None:
    planned = office.plan(elm(lambda said: item(said, "policies", "distress").update(kinds=["sos"])))
    assert [person.id for person in planned.community.directory.people.values()] == ["ann", "cai", "guard"]
    assert planned.warnings == planned.community.warnings
    assert planned.warnings[0].startswith("policies: FALL IS IN NO POLICY")


# Again


@pytest.mark.parametrize("prune", [False, True])
def test_an_unchanged_import_says_nothing_and_keeps_the_same_bytes(settled: Office, *, prune: bool) -> None:
    before = settled.document
    assert settled.imports(elm(), prune=prune) == ()
    assert settled.document == before


def test_an_unchanged_import_of_a_file_that_leaves_sections_out_keeps_the_same_bytes(office: Office) -> None:
    alone = {"community": ELM["community"], "homes": ELM["homes"]}
    office.imports(alone)
    before = office.document
    assert office.imports(alone) == ()
    assert office.document == before


def test_another_order_is_no_change(settled: Office) -> None:
    before = settled.document
    turned = elm(lambda said: (said["people"].reverse(), said.update({"homes": [dict(reversed(home.items())) for home in said["homes"]]})))
    assert settled.imports(turned) == ()
    assert settled.document == before


@pytest.mark.parametrize(
    ("change", "changes"),
    [
        pytest.param(
            lambda said: item(said, "devices", "w-1").update(placement="waist"), ['~ devices w-1 placement: "wrist" → "waist"'], id="value"
        ),
        pytest.param(
            lambda said: item(said, "devices", "w-1").pop("placement"), ['~ devices w-1 placement: "wrist" → not said'], id="unsaid"
        ),
        pytest.param(lambda said: item(said, "homes", "a-2").update(floor=3), ["~ homes a-2 floor: not said → 3"], id="newly said"),
        pytest.param(
            lambda said: item(said, "people", "guard").update(name="赵队", phone="+8613800000003"),
            ['~ people guard name: "陈队" → "赵队"', '~ people guard phone: "+8613800000002" → "+8613800000003"'],
            id="two keys",
        ),
        pytest.param(
            lambda said: item(said, "people", "ann").update(roles=["resident", "neighbour"], of=["ann"]),
            ['~ people ann roles: ["resident"] → ["resident", "neighbour"]', '~ people ann of: not said → ["ann"]'],
            id="a list",
        ),
        pytest.param(
            lambda said: item(said, "rosters", "gate")["shifts"][0].update(to="21:00"),
            [
                (
                    '~ rosters gate shifts: [{"responder": "guard", "from": "08:00", "to": "20:00"}] → '
                    '[{"responder": "guard", "from": "08:00", "to": "21:00"}]'
                )
            ],
            id="deep",
        ),
        pytest.param(
            lambda said: said["people"][0].update(contacts=[{"apprise": "tgram://a-secret/chat"}, {"push": "another-secret"}]),
            [f"~ people {ELM['people'][0]['id']} contacts: not said → apprise, push"],
            id="contacts, whose addresses are secrets",
        ),
        pytest.param(
            lambda said: item(said, "geofences", "park").update(
                events=["dwell"], dwell_min=30, floor=-1, schedule={"from": "22:00", "to": "06:00"}
            ),
            [
                '~ geofences park events: not said → ["dwell"]',
                '~ geofences park schedule: not said → {"from": "22:00", "to": "06:00"}',
                "~ geofences park floor: not said → -1",
                "~ geofences park dwell_min: not said → 30",
            ],
            id="a fence's times and floor",
        ),
        pytest.param(
            lambda said: said["community"].update(name="老榆园", language="en"),
            ['~ community elm name: "榆园" → "老榆园"', '~ community elm language: not said → "en"'],
            id="community",
        ),
        pytest.param(lambda said: said["homes"].insert(0, {"id": "a-0"}), ["+ homes a-0"], id="new"),
        pytest.param(lambda said: said["homes"].pop(), ["= homes a-2 (kept)"], id="left out"),
        pytest.param(lambda said: said.pop("rosters"), ["= rosters gate (kept)"], id="section left out"),
        pytest.param(
            lambda said: (said["homes"].pop(), said["homes"].append({"id": "a-3"}), item(said, "homes", "a-1").update(floor=1)),
            ["~ homes a-1 floor: 2 → 1", "= homes a-2 (kept)", "+ homes a-3"],
            id="several",
        ),
    ],
)
def test_an_update_says_exactly_what_changes(settled: Office, change: Callable[[Said], object], changes: list[str]) -> None:
    assert list(settled.imports(elm(change))) == changes


def test_an_item_that_the_file_names_is_replaced_whole(settled: Office) -> None:
    settled.imports(elm(lambda said: item(said, "homes", "a-1").pop("floor")))
    assert settled.kept()["homes"] == [{"id": "a-1"}, {"id": "a-2"}]


def test_what_the_file_leaves_out_is_kept_and_goes_on_working(settled: Office) -> None:
    settled.imports({"community": ELM["community"], "devices": [{"id": "w-2", "kind": "wearable", "wearer": "ann"}]})
    assert settled.kept() == {**ELM, "devices": [*ELM["devices"], {"id": "w-2", "kind": "wearable", "wearer": "ann"}]}
    assert [device.id for device in parse(settled.document, "kept").devices] == ["w-1", "w-2"]


def test_prune_removes_what_the_file_leaves_out(settled: Office) -> None:
    smaller = elm(lambda said: (said["homes"].pop(), said.pop("rosters"), said["people"].pop()))
    assert settled.imports(smaller, prune=True) == ("- homes a-2", "- people guard", "- rosters gate")
    assert settled.kept() == smaller


def test_what_was_kept_can_be_pruned_later(settled: Office) -> None:
    smaller = elm(lambda said: said["homes"].pop())
    assert settled.imports(smaller) == ("= homes a-2 (kept)",)
    assert settled.imports(smaller) == ("= homes a-2 (kept)",)
    assert settled.imports(smaller, prune=True) == ("- homes a-2",)
    assert settled.imports(smaller) == ()


# A wrong file


WRONG: list[tuple[Callable[[Said], object], str, str]] = [
    (lambda said: item(said, "people", "guard").update(phone="13800000002"), "people[2].phone", '"phone": "13800000002"'),
    (lambda said: item(said, "devices", "w-1").update(wearer="anne"), "devices[0].wearer", '"wearer": "anne"'),
    (lambda said: item(said, "devices", "w-1").update(battery=3), "devices[0].battery", '"battery": 3'),
    (lambda said: said["community"].update(timezone="Mars"), "community.timezone", '"timezone": "Mars"'),
    (lambda said: item(said, "policies", "distress").update(kinds=["fall"]), "policies", '"policies": ['),
    (lambda said: said["people"].append({"id": "cai", "name": "Cai", "roles": ["guard"]}), "people[3].id", '"id": "cai"'),
    (
        lambda said: said["people"].insert(0, {"id": "zoe", "name": "Zoe", "roles": ["resident"], "home": "a-9"}),
        "people[0].home",
        '"home": "a-9"',
    ),
]


@pytest.mark.parametrize("prune", [False, True])
@pytest.mark.parametrize(("change", "path", "written"), WRONG, ids=[path for _, path, _ in WRONG])
def test_a_wrong_file_is_told_by_its_own_line_and_path(
    settled: Office,
    change: Callable[[Said], object],
    path: str,
    written: str,
    *,
    prune: bool,
) -> None:
    error = settled.refused(elm(change), prune=prune)
    line, _, named = error.where.partition(": ")
    assert named == path
    assert written in settled.file.read_text(encoding="utf-8").splitlines()[int(line.removeprefix("line ")) - 1]
    assert str(error).startswith(f"{settled.file}: ")


@pytest.mark.parametrize(("change", "path"), [(change, path) for change, path, _ in WRONG], ids=[path for _, path, _ in WRONG])
def test_a_wrong_file_is_refused_in_the_same_words_whether_the_community_is_known_or_new(
    settled: Office, tmp_path: Path, change: Callable[[Said], object], path: str
) -> None:
    new = Office(tmp_path).refused(elm(change))
    assert new.where.endswith(f": {path}")
    assert str(settled.refused(elm(change), prune=True)) == str(new)


def test_a_mistake_is_told_by_the_place_in_the_file_even_where_the_kept_order_is_another(settled: Office) -> None:
    error = settled.refused(elm(lambda said: (said["people"].reverse(), item(said, "people", "guard").update(home="a-9"))))
    assert (error.where.partition(": ")[2], error.what) == ("people[0].home", "'a-9' is not in homes, did you mean a-2?")


@pytest.mark.parametrize("section", ["homes", "people", "devices", "geofences", "rosters", "policies"])
def test_an_id_that_stands_twice_in_the_file_is_a_mistake_also_where_it_is_known_already(settled: Office, section: str) -> None:
    error = settled.refused(elm(lambda said: said[section].append(said[section][0])))
    place = len(ELM[section])
    assert error.where.partition(": ")[2] == spelled((section, place, "id"))
    assert error.what.endswith(f"is the id of {section}[0] already, wanted another")


def test_a_file_that_is_missing_is_an_input_error(office: Office) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        plan(office.documents.get, office.file)


# Together with what is kept


def test_a_mistake_in_what_is_kept_names_the_kept_item_and_the_way_out(settled: Office) -> None:
    error = settled.refused({"community": ELM["community"], "people": [{"id": "ann", "name": "Ann", "roles": ["officer"]}]})
    assert str(error) == (
        f"{settled.file}: kept people cai of[0]: 'ann' is no resident, wanted a person with the role resident "
        "(import with --prune to drop what is kept)"
    )


def test_a_kept_policy_that_a_new_file_leaves_without_anybody_is_named(settled: Office) -> None:
    error = settled.refused({"community": ELM["community"], "people": [{**item(ELM, "people", "cai"), "phone": None}]})
    assert error.where == "kept policies distress steps[0].tell"
    assert "reaches nobody for an sos of ann" in error.what


def test_a_kind_that_a_kept_policy_has_is_a_mistake_of_the_file(settled: Office) -> None:
    other = {**ELM["policies"][0], "id": "other", "kinds": ["inactivity", "fall"]}
    error = settled.refused({"community": ELM["community"], "policies": [other]})
    assert (error.where.partition(": ")[2], error.what) == (
        "policies[0].kinds[1]",
        "'fall' is in policy 'distress' too, wanted each kind in one policy",
    )


def test_prune_drops_the_kept_item_that_was_in_the_way(settled: Office) -> None:
    other = elm(lambda said: item(said, "policies", "distress").update(id="other"))
    assert settled.refused(other).what.startswith("'fall' is in policy 'distress' too")
    assert settled.imports(other, prune=True) == ("+ policies other", "- policies distress")


def test_a_file_may_lean_on_what_is_kept_and_not_on_what_is_pruned(settled: Office) -> None:
    leaning: Said = {
        "community": ELM["community"],
        "rosters": [{"id": "gate", "shifts": [{"responder": "cai", "from": "08:00", "to": "20:00"}]}],
    }
    assert settled.refused(leaning, prune=True).where.endswith("rosters[0].shifts[0].responder")
    assert any(line.startswith("~ rosters gate shifts: ") for line in settled.imports(leaning))


def test_a_kept_document_that_somebody_spoiled_is_named(settled: Office) -> None:
    settled.documents[CommunityId("elm")] = '{"community": {"id": "elm"}}'
    assert str(settled.refused(elm())).startswith("community elm in the database: line 1: community.name: is missing")


# Written at once

NOW_NS = 1_772_344_800_000_000_000


class Archive:
    """The database, and somebody who imports into it."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.file = folder / "elm.json"

    def plan(self, said: Said, *, prune: bool = False) -> ImportPlan:
        self.file.write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")
        return plan(kept_in(self.database), self.file, prune=prune)

    def versions(self) -> list[tuple[str, int, Said]]:
        """(community, from when on, document), in the order in which they were written."""
        with self.database.read() as session:
            rows = session.exec(select(CommunityVersionRow)).all()
        return [(row.community_id, row.effective_ns, json.loads(row.document)) for row in sorted(rows, key=lambda row: row.number)]

    def known_at(self, at_ns: int | None) -> Said | None:
        with self.database.read() as session:
            document = configuration.community_at(session, CommunityId("elm"), at_ns)
        return None if document is None else json.loads(document)


@pytest.fixture
def archive(database: Database, tmp_path: Path) -> Archive:
    return Archive(database, tmp_path)


LARGER = elm(lambda said: said["homes"].append({"id": "a-3"}))


def test_what_is_applied_is_known_from_then_on_and_what_was_known_before_stays_known_of_before(archive: Archive) -> None:
    apply(archive.database, archive.plan(elm()), NOW_NS)
    apply(archive.database, archive.plan(LARGER), NOW_NS + 10)
    assert archive.versions() == [("elm", NOW_NS, ELM), ("elm", NOW_NS + 10, LARGER)]
    assert [archive.known_at(at_ns) for at_ns in (NOW_NS - 1, NOW_NS + 9, NOW_NS + 10, None)] == [None, ELM, LARGER, LARGER]


def test_a_plan_that_is_not_applied_writes_nothing(archive: Archive) -> None:
    assert archive.plan(elm()).changes == CREATED
    assert archive.versions() == []
    apply(archive.database, archive.plan(elm()), NOW_NS)
    assert archive.plan(LARGER, prune=True).changes == ("+ homes a-3",)
    assert archive.versions() == [("elm", NOW_NS, ELM)]


def test_an_unchanged_import_writes_no_version(archive: Archive) -> None:
    for after_ns in range(3):
        apply(archive.database, archive.plan(elm()), NOW_NS + after_ns)
    assert archive.versions() == [("elm", NOW_NS, ELM)]


def test_a_wrong_file_changes_nothing(archive: Archive) -> None:
    apply(archive.database, archive.plan(elm()), NOW_NS)
    with pytest.raises(InputError):
        archive.plan(elm(lambda said: item(said, "devices", "w-1").update(wearer="anne")))
    assert archive.versions() == [("elm", NOW_NS, ELM)]


def test_a_plan_that_somebody_else_overtook_is_refused_and_changes_nothing(archive: Archive) -> None:
    apply(archive.database, archive.plan(elm()), NOW_NS)
    overtaken = archive.plan(elm(lambda said: item(said, "homes", "a-1").update(floor=1)))
    apply(archive.database, archive.plan(LARGER), NOW_NS + 1)
    with pytest.raises(StoreError, match="changed by somebody else meanwhile: import again"):
        apply(archive.database, overtaken, NOW_NS + 2)
    assert archive.known_at(None) == LARGER


def test_of_two_first_imports_at_once_the_second_is_refused(archive: Archive) -> None:
    second = archive.plan(LARGER)
    apply(archive.database, archive.plan(elm()), NOW_NS)
    with pytest.raises(StoreError, match="import again"):
        apply(archive.database, second, NOW_NS)
    assert archive.versions() == [("elm", NOW_NS, ELM)]


class PowerCutError(Exception):
    pass


def test_a_write_that_fails_leaves_what_was_known(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    apply(archive.database, archive.plan(elm()), NOW_NS)
    planned = archive.plan(LARGER)
    write = configuration.append_community

    def fails(*arguments: Any) -> int:
        write(*arguments)
        raise PowerCutError

    monkeypatch.setattr(configuration, "append_community", fails)
    with pytest.raises(PowerCutError):
        apply(archive.database, planned, NOW_NS + 1)
    assert archive.versions() == [("elm", NOW_NS, ELM)]


KILLED = """
import os, sys
from pathlib import Path
from store import configuration
from store.importing import apply, kept_in, plan
from store.session import Database

write = configuration.append_community

def killed(*arguments):
    write(*arguments)
    os._exit(9)

database = Database(sys.argv[1])
planned = plan(kept_in(database), Path(sys.argv[2]))
configuration.append_community = killed
apply(database, planned, int(sys.argv[3]))
"""


def test_a_kill_while_writing_leaves_what_was_known_and_the_next_import_works(archive: Archive, url: str) -> None:
    apply(archive.database, archive.plan(elm()), NOW_NS)
    archive.plan(LARGER)
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, url, archive.file, str(NOW_NS + 1)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
        timeout=60,
    )
    assert done.returncode == 9
    assert archive.versions() == [("elm", NOW_NS, ELM)]
    apply(archive.database, archive.plan(LARGER), NOW_NS + 2)
    assert archive.known_at(None) == LARGER


def test_while_another_writes_for_too_long_an_import_gives_up_and_changes_nothing(
    archive: Archive, url: str, opened: Callable[..., Database]
) -> None:
    planned = archive.plan(elm())
    hasty = opened(url, wait_s=0.05)
    with archive.database.write() as session:
        configuration.append_community(session, CommunityId("elm"), NOW_NS, json.dumps(LARGER))
        with pytest.raises(StoreBusyError):
            apply(hasty, planned, NOW_NS)
    assert archive.versions() == [("elm", NOW_NS, LARGER)]


# Any two files

IDS = st.sampled_from(["a-1", "a-2", "a-3", "a-4"])
HOMES = st.lists(
    st.fixed_dictionaries({"id": IDS}, optional={"floor": st.integers(0, 3) | st.none(), "building": st.sampled_from(["1", "乙"])}),
    unique_by=lambda home: str(home["id"]),
)


@settings(deadline=None, max_examples=60)
@given(first=HOMES, second=HOMES, prune=st.booleans())
def test_any_two_imports_end_in_the_second_file_over_the_first(
    tmp_path_factory: pytest.TempPathFactory, first: list[Said], second: list[Said], *, prune: bool
) -> None:
    office = Office(tmp_path_factory.mktemp("office"))
    office.imports({"community": ELM["community"], "homes": first})
    office.imports({"community": ELM["community"], "homes": second}, prune=prune)
    left = {home["id"]: home for home in ([] if prune else first)} | {home["id"]: home for home in second}
    assert {home["id"]: home for home in office.kept()["homes"]} == left
    again = office.imports({"community": ELM["community"], "homes": second}, prune=prune)
    assert set(again) == {f"= homes {id_} (kept)" for id_ in left.keys() - {home["id"] for home in second}}
