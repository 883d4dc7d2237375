"""A change beside today's configuration, on the same lines."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from fakes.command import anju
from stories import ESTATE, START, armed, at, did, estate, said, until

from app import pipeline  # noqa: TID251  the rules are those that the composition root composes
from notifier import rehearsal
from notifier.rehearsal import Lived, Rehearsal, Run, What, compared, rehearse
from store.community import load

HOUR = 3600.0


def rehearsed(folder: Path, lines: list[dict[str, Any]], changed: dict[str, Any], today: dict[str, Any] = ESTATE) -> Rehearsal:
    capture_file = folder / "capture.jsonl"
    capture_file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    for name, one in (("today", today), ("changed", changed)):
        (folder / f"{name}.yaml").write_text(json.dumps(one, ensure_ascii=False), encoding="utf-8")
    return rehearse(capture_file, load(folder / "today.yaml"), load(folder / "changed.yaml"), pipeline)


def moves(found: Rehearsal) -> list[tuple[str, str, str, float | None]]:
    return [(one.what.value, one.either.kind, one.either.subject, one.by_s) for one in found.changes]


def with_device(device_id: str, **changes: Any) -> dict[str, Any]:
    changed = estate()
    changed["devices"] = [one | changes if one["id"] == device_id else one for one in changed["devices"]]
    return changed


def a_window_stands_open(minutes: float) -> list[dict[str, Any]]:
    return [
        said(0, "window-1", "contact", open=False),
        said(60, "window-1", "contact", open=True),
        said(60 + minutes * 60, "window-1", "contact", open=False),
        until(60 + minutes * 60 + 600),
    ]


def test_a_shorter_time_to_stand_open_gains_an_incident(tmp_path: Path) -> None:
    found = rehearsed(tmp_path, a_window_stands_open(20), with_device("window-1", open_min=10), with_device("window-1", open_min=30))
    assert moves(found) == [("gained", "left_open", "b1-101", None)]
    gained = found.changes[0].changed
    assert gained is not None
    assert (gained.opened_ns - round(START.timestamp()) * 10**9) / 10**9 == 60 + 600
    assert (found.total.sms_today, found.total.sms_changed) == (0, 4)  # two are told, and told that it is closed


def test_a_longer_time_to_stand_open_loses_an_incident(tmp_path: Path) -> None:
    found = rehearsed(tmp_path, a_window_stands_open(20), with_device("window-1", open_min=30), with_device("window-1", open_min=10))
    assert moves(found) == [("lost", "left_open", "b1-101", None)]
    assert found.total.sms_changed == 0


def test_a_longer_time_to_stand_open_delays_an_incident_by_just_that(tmp_path: Path) -> None:
    found = rehearsed(tmp_path, a_window_stands_open(40), with_device("window-1", open_min=25), with_device("window-1", open_min=10))
    assert moves(found) == [("later", "left_open", "b1-101", 15 * 60.0)]
    assert found.total.sms_today == found.total.sms_changed


def test_a_shorter_cancel_window_tells_of_the_same_fall_earlier(tmp_path: Path) -> None:
    fall = [{"at": at(0), "topic": "anju/willow/w-1/button", "payload": {"t": at(0), "pressed": "sos"}}, until(300)]
    changed = estate()
    changed["policies"] = copy.deepcopy(ESTATE["policies"])
    changed["policies"][0]["steps"][0]["after_s"] = 45
    found = rehearsed(tmp_path, fall, ESTATE, changed)
    assert moves(found) == [("earlier", "sos", "zhou-fen", -45.0)]


def test_nobody_in_a_policy_any_more_is_no_incident_lost_but_fewer_sms(tmp_path: Path) -> None:
    changed = estate()
    changed["policies"] = copy.deepcopy(ESTATE["policies"])
    changed["policies"][0]["steps"][0]["tell"] = ["relatives"]
    found = rehearsed(tmp_path, [said(0, "w-1", "button", pressed="sos"), until(30)], changed)
    assert moves(found) == [("same", "sos", "zhou-fen", 0.0)]
    assert (found.total.sms_today, found.total.sms_changed) == (2, 1)
    assert not found.sums[0].is_same


def a_busy_door() -> list[dict[str, Any]]:
    """Somebody airs the home all day, and closes the door again each time."""
    lines = [said(0, "door-1", "contact", open=False)]
    for nth in range(12):
        lines += [said(600 + nth * 300, "door-1", "contact", open=True), said(600 + nth * 300 + 240, "door-1", "contact", open=False)]
    return [*lines, until(2 * HOUR)]


def test_a_rule_that_would_have_flooded_is_warned_of(tmp_path: Path) -> None:
    found = rehearsed(tmp_path, a_busy_door(), with_device("door-1", open_min=1))
    assert found.total.whats[What.GAINED] == 12
    assert [(one.kind, one.to) for one in found.floods] == [("left_open", None), (None, "day-guard"), (None, "zhou-jie")]
    assert str(found.floods[0]) == "a flood: 48 SMS of left_open, 0 today"


def test_a_change_without_effect_changes_nothing_and_warns_of_nothing(tmp_path: Path) -> None:
    found = rehearsed(tmp_path, [*a_busy_door()[:-1], armed(1.5 * HOUR, "b1-101", "away"), until(2 * HOUR)], estate())
    assert {one.what for one in found.changes} <= {What.SAME}
    assert all(one.is_same for one in found.sums)
    assert found.floods == ()


def test_an_act_stays_at_its_time_and_on_what_is_lost_it_is_nothing(tmp_path: Path) -> None:
    story = a_window_stands_open(20)
    lines = [*story[:2], did(900, "zhou-jie", "acknowledge", "b1-101"), *story[2:]]
    found = rehearsed(tmp_path, lines, with_device("window-1", open_min=30), with_device("window-1", open_min=10))
    assert moves(found) == [("lost", "left_open", "b1-101", None)]


def test_receipts_of_what_happened_say_nothing_of_what_would_have(tmp_path: Path) -> None:
    failed = {"at": at(0.5), "receipt": {"to": "zhou-jie", "channel": "sms", "status": "failed"}}
    lines = [{"at": at(0), "carrier": "silent"}, said(0, "w-1", "button", pressed="sos"), failed, until(40)]
    found = rehearsed(tmp_path, lines, estate())
    assert [(one.calls, one.sms) for change in found.changes for one in (change.today, change.changed) if one] == [(0, 2), (0, 2)]


def test_a_large_capture_in_two_processes_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = (tmp_path, a_window_stands_open(40), with_device("window-1", open_min=25), with_device("window-1", open_min=10))
    one = rehearsed(*arguments)
    monkeypatch.setattr(rehearsal, "LARGE_BYTES", 0)
    assert rehearsed(*arguments) == one


def written(folder: Path) -> tuple[object, ...]:
    """The busy door's files, as the command's arguments."""
    capture_file = folder / "capture.jsonl"
    capture_file.write_text("".join(json.dumps(line) + "\n" for line in a_busy_door()), encoding="utf-8")
    for name, one in (("today", ESTATE), ("changed", with_device("door-1", open_min=1))):
        (folder / f"{name}.yaml").write_text(json.dumps(one), encoding="utf-8")
    return (capture_file, "--community", folder / "today.yaml", "--with", folder / "changed.yaml")


def test_the_command_says_in_tables_what_is_gained_and_warns_of_the_flood(tmp_path: Path) -> None:
    done = anju("rehearse", *written(tmp_path))
    assert done.returncode == 0, done.stderr
    assert re.search(r"left_open +b1-101 +0 +12 +12 +0 +48", done.stdout)
    assert done.stderr.splitlines()[0] == "warning: a flood: 48 SMS of left_open, 0 today"


def test_the_command_gives_the_same_bytes_of_json_each_time(tmp_path: Path) -> None:
    arguments = written(tmp_path)
    one, other = (anju("rehearse", *arguments, "--json").stdout for _ in range(2))
    assert one == other
    lines = [json.loads(line) for line in one.splitlines()]
    assert [line["what"] for line in lines if line["type"] == "incident" and line["kind"] == "left_open"] == ["gained"] * 12
    assert (lines[-1]["type"], lines[-1]["sms_changed"]) == ("total", 48)
    assert [line["to"] for line in lines if line["type"] == "flood"] == [None, "day-guard", "zhou-jie"]


def test_two_communities_are_no_change_of_one(tmp_path: Path) -> None:
    arguments = written(tmp_path)
    other = estate(community=ESTATE["community"] | {"id": "elsewhere"})
    (tmp_path / "changed.yaml").write_text(json.dumps(other), encoding="utf-8")
    done = anju("rehearse", *arguments)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "community.id: is elsewhere, wanted willow" in done.stderr


def incident(id_: str, opened: int, ended: int | None, *, kind: str = "left_open", subject: str = "b1-101") -> Lived:
    return Lived(id=id_, kind=kind, subject=subject, home="b1-101", opened_ns=opened, ended_ns=ended)


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        (incident("b", 5, 15), True),
        (incident("b", 10, 20), True),  # one ends as the other opens
        (incident("b", 11, 20), False),
        (incident("b", 0, None), True),
        (incident("b", 5, 15, kind="intrusion"), False),
        (incident("b", 5, 15, subject="b1-102"), False),
    ],
)
def test_the_same_incident_is_of_one_kind_and_subject_and_open_at_one_time(other: Lived, *, is_same: bool) -> None:
    found = compared(Run(incidents=(incident("a", 1, 10),), hourly={}), Run(incidents=(other,), hourly={}))
    assert (len(found.changes) == 1) is is_same
    assert ({one.what for one in found.changes} == {What.GAINED, What.LOST}) is not is_same


def test_of_two_that_overlap_with_one_the_first_is_it_and_the_other_is_gained() -> None:
    two = Run(incidents=(incident("b", 2, 4), incident("c", 6, 8)), hourly={})
    found = compared(Run(incidents=(incident("a", 1, 10),), hourly={}), two)
    assert [(one.what, one.changed and one.changed.id) for one in found.changes] == [(What.LATER, "b"), (What.GAINED, "c")]
