"""Who wore a device before stands with the device, however it was given to somebody else."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakes.command import anju
from fakes.lakeside import LAKESIDE, Estate, example

from devices.model import NS_PER_S, DeviceId, PersonId
from store import administering, configuration, wearers
from store.community import parse
from store.importing import apply, kept_in, plan
from store.model import InputError
from store.session import Database

W1, LI = DeviceId("w-01"), PersonId("li-ming")
UNTIL = "2026-03-01T06:00:00.000Z"


@pytest.fixture
def estate(database: Database, tmp_path: Path) -> Estate:
    return Estate(database, example(), tmp_path / "lakeside.json")


def device(estate: Estate, id_: str = "w-01") -> dict[str, Any]:
    with estate.database.read() as session:
        said = json.loads(configuration.community_at(session, LAKESIDE) or "{}")
    return next(one for one in said["devices"] if one["id"] == id_)


def test_by_hand_in_the_app(estate: Estate) -> None:
    with estate.database.write() as session:
        item, before = {"id": "w-01", "wearer": "li-ming"}, administering.version(device(estate))
        made = administering.put(session, LAKESIDE, "devices", item, by=PersonId("office"), before=before, now_ns=estate.now_ns)
    assert device(estate)["worn_before"] == [{"by": "wang-xiuying", "until": UNTIL}]
    (watch,) = (one for one in made.devices if one.id == "w-01")
    assert [(one.by, one.home, one.until_ns) for one in watch.worn_before] == [("wang-xiuying", "b3-201", estate.now_ns)]


def test_by_a_file_which_need_not_know_of_it_then_or_later(estate: Estate) -> None:
    said = example()
    for wearer in ("li-ming", "wang-xiuying", "wang-xiuying"):
        next(one for one in said["devices"] if one["id"] == "w-01")["wearer"] = wearer
        planned = plan(kept_in(estate.database), "lakeside.json", text=json.dumps(said))
        apply(estate.database, planned, estate.now_ns)
        estate.now_ns += 60 * NS_PER_S
    assert device(estate)["worn_before"] == [
        {"by": "wang-xiuying", "until": UNTIL},
        {"by": "li-ming", "until": "2026-03-01T06:01:00.000Z"},
    ]


def test_since_a_time_of_the_last_days(estate: Estate) -> None:
    with estate.database.write() as session:
        wearers.give(session, LAKESIDE, W1, LI, since_ns=estate.now_ns - 1800 * NS_PER_S, now_ns=estate.now_ns)
    assert (device(estate)["wearer"], device(estate)["worn_before"][0]["until"]) == ("li-ming", "2026-03-01T05:30:00.000Z")


@pytest.mark.parametrize(
    ("id_", "wearer", "back_s", "part"),
    [
        ("w-01", "li-ming", 8 * 24 * 3600, "within the last 7 days"),
        ("w-01", "li-ming", -60, "within the last 7 days"),
        ("w-01", "wang-xiuying", 0, "wears w-01 already"),
        ("w-09", "li-ming", 0, "no device"),
        ("w-01", "wang-lei", 0, "wearer"),
    ],
)
def test_what_is_wrong_changes_nothing(estate: Estate, id_: str, wearer: str, back_s: int, part: str) -> None:
    since_ns = estate.now_ns - back_s * NS_PER_S
    with pytest.raises(InputError, match=part), estate.database.write() as session:
        wearers.give(session, LAKESIDE, DeviceId(id_), PersonId(wearer), since_ns=since_ns, now_ns=estate.now_ns)
    assert "worn_before" not in device(estate)


def test_times_that_do_not_go_up_are_an_error_that_names_its_path() -> None:
    said = example()
    before = [{"by": "li-ming", "until": "2026-03-02T00:00:00Z"}, {"by": "wang-xiuying", "until": "2026-03-01T00:00:00Z"}]
    next(one for one in said["devices"] if one["id"] == "w-01")["worn_before"] = before
    with pytest.raises(InputError, match=r"worn_before\[1\].until"):
        parse(json.dumps(said), "lakeside.json")


def test_on_the_command_line(tmp_path: Path) -> None:
    file, at = tmp_path / "lakeside.json", ("--state", tmp_path / "state")
    file.write_text(json.dumps(example()), encoding="utf-8")
    assert anju("import", file, *at).returncode == 0
    assert anju("device", "wear", "w-01", "li-ming", *at).stdout == "~ devices w-01 wearer: li-ming\n"
    wrong = anju("device", "wear", "w-01", "wang-xiuying", "--since", "noon", *at)
    assert (wrong.returncode, "is no time" in wrong.stderr) == (2, True)
