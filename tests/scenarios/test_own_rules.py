"""A community's own rules through the whole core: who is told what, and what a rehearsal says before one is switched on."""

import json
from pathlib import Path
from typing import Any

import pytest
from stories import armed, at, estate, said, tell, until

from app import pipeline  # noqa: TID251  the rules are those that the composition root composes
from notifier.rehearsal import Rehearsal, rehearse
from store.community import load

POLICY = {"id": "own", "kinds": ["custom"], "steps": [{"after_s": 0, "tell": ["relatives"], "by": ["sms"]}]}
WINDOW = {
    "id": "window-at-night",
    "name": "晚上窗户没关",
    "names": {"en": "Window open at night"},
    "home": "b1-101",
    "when": [{"device": "window-1", "state": "open", "for_s": 300}, {"device": "door-1", "state": "closed"}],
    "modes": ["night"],
}


def with_rules(*rules: dict[str, Any]) -> dict[str, Any]:
    changed = estate()
    changed["policies"] = [*changed["policies"], POLICY]
    changed["rules"] = list(rules)
    return changed


def an_evening() -> list[dict[str, Any]]:
    return [
        said(0, "door-1", "contact", open=False),
        said(60, "window-1", "contact", open=True),
        armed(600, "b1-101", "night"),
        said(700, "window-1", "contact", open=False),
        said(1200, "window-1", "contact", open=True),
        until(2400),
    ]


@pytest.mark.parametrize("batch", [1, 7, 4096])
def test_a_rule_opens_one_incident_and_tells_who_its_policy_says(tmp_path: Path, batch: int) -> None:
    lines = tell(tmp_path, an_evening(), with_rules(WINDOW), batch)
    own = [line for line in lines if line.get("kind") == "custom" or str(line.get("incident", "")).startswith("custom")]
    events = [line for line in own if line["type"] == "event"]
    assert [(line["t"], line["subject"], line["evidence"]["rule"]) for line in events] == [
        (at(600), "b1-101", "window-at-night"),
        (at(1500), "b1-101", "window-at-night"),
    ]
    (opened,) = [line for line in own if line["type"] == "incident"]
    assert (opened["id"], opened["severity"]) == (f"custom-b1-101-window-at-night-{at(600).replace('-', '').replace(':', '')}", "notice")
    (told,) = [line for line in own if line["type"] == "notification"]
    assert told["to"] == "zhou-jie"
    assert told["text"].startswith("【柳岸新村】周芬家（1栋101室）10:10触发了规则“晚上窗户没关”。请查看。回复")


def test_a_rule_is_called_as_each_language_calls_it_and_matters_as_much_as_it_says(tmp_path: Path) -> None:
    changed = with_rules(WINDOW | {"severity": "urgent"})
    changed["people"] = [one | {"language": "en"} if one["id"] == "zhou-jie" else one for one in changed["people"]]
    lines = tell(tmp_path, an_evening(), changed)
    assert [line["severity"] for line in lines if line["type"] == "incident" and line["kind"] == "custom"] == ["urgent"]
    assert any('the rule "Window open at night" was met at 10:10' in line.get("text", "") for line in lines)


def rehearsed(folder: Path, lines: list[dict[str, Any]], *rules: dict[str, Any]) -> Rehearsal:
    (folder / "capture.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    for name, one in (("today", with_rules()), ("changed", with_rules(*rules))):
        (folder / f"{name}.yaml").write_text(json.dumps(one), encoding="utf-8")
    return rehearse(folder / "capture.jsonl", load(folder / "today.yaml"), load(folder / "changed.yaml"), pipeline)


def test_a_rehearsal_shows_the_incident_that_a_rule_would_have_made(tmp_path: Path) -> None:
    found = rehearsed(tmp_path, an_evening(), WINDOW)
    (gained,) = [one for one in found.changes if one.what == "gained"]
    assert (gained.either.kind, gained.either.rule, gained.either.sms) == ("custom", "window-at-night", 1)
    assert found.floods == ()
    assert gained.said()["rule"] == "window-at-night"


def test_a_rehearsal_tells_two_rules_of_one_home_apart(tmp_path: Path) -> None:
    other = WINDOW | {"id": "window-at-any-time", "modes": ["night", "disarmed"]}
    gained = [one.either for one in rehearsed(tmp_path, an_evening(), WINDOW, other).changes if one.what == "gained"]
    assert [(one.rule, one.opened_ns - gained[0].opened_ns) for one in gained] == [
        ("window-at-any-time", 0),
        ("window-at-night", (600 - 360) * 10**9),
    ]


def test_a_draft_changes_nothing(tmp_path: Path) -> None:
    assert all(one.what == "same" for one in rehearsed(tmp_path, an_evening(), WINDOW | {"state": "draft"}).changes)


def test_a_rule_that_would_have_flooded_is_warned_of(tmp_path: Path) -> None:
    """Somebody resolves it each time: each opening of a busy door is an incident of its own."""
    lines = [said(0, "door-1", "contact", open=False)]
    for nth in range(24):
        start = 600 + nth * 900
        lines += [
            said(start, "door-1", "contact", open=True),
            said(start + 240, "door-1", "contact", open=False),
            {"at": at(start + 300), "act": {"by": "day-guard", "do": "resolve", "subject": "b1-101"}},
        ]
    busy = WINDOW | {"id": "door", "when": [{"device": "door-1", "state": "open"}], "modes": ["disarmed"]}
    found = rehearsed(tmp_path, lines, busy)
    assert len([one for one in found.changes if one.what == "gained"]) == 24
    assert [str(one) for one in found.floods] == ["a flood: 48 SMS of custom, 0 today"]
