"""A simulated month: what truly happens is told, and next to nothing else is.

`ANJU_MONTH` is how many days it has: 30 in `make fault`, with all twelve emergencies; few in `make test`, with one.
"""

import ast
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app import pipeline  # noqa: TID251  the rules are those that the composition root composes
from benchmarks import month as judged
from devices.simulator import month
from devices.simulator.month import Emergency, Month, Sort
from rules.kinds import EventKind
from store.capture import iso

DAYS = int(os.environ.get("ANJU_MONTH", "3"))
SEEDS = [3, 4] if DAYS >= judged.MONTH_DAYS else [3]
"""No month of these was looked at while anything was set."""
MOST_FALSE = 0.2
FALL = Emergency(Sort.FALL, 36_000.0, 37_000.0, "m-01", "li-fugen")
WRITTEN = Month(emergencies=(FALL,), homes=10, days=30, messages=0)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_emergency_is_told_and_next_to_nothing_else_is(seed: int) -> None:
    whole = DAYS >= judged.MONTH_DAYS
    size = {} if whole else {"days": DAYS, "homes": month.GUARDED, "emergencies": 1}
    found = judged.judge(pipeline, seed, **size)
    sys.stderr.write(f"\nmonth {seed}: {len(found.delays_s)} of {len(found.month.emergencies)} told, false {dict(found.false)}\n")
    assert found.missed == []
    assert found.false_per_home_and_month <= MOST_FALSE


def test_a_month_is_the_same_for_the_same_seed_and_another_for_another(tmp_path: Path) -> None:
    size = {"days": 3, "homes": month.GUARDED, "emergencies": 1}
    written = [month.write(tmp_path / name, seed, **size) for name, seed in (("a.jsonl", 1), ("b.jsonl", 1), ("c.jsonl", 2))]
    assert written[0] == written[1] != written[2]
    said = [(tmp_path / name).read_bytes() for name in ("a.jsonl", "b.jsonl", "c.jsonl")]
    assert said[0] == said[1] != said[2]


def test_it_knows_nothing_of_what_it_is_to_judge() -> None:
    named: list[str] = []
    for file in Path(month.__file__).parent.glob("*.py"):
        for one in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            named += [one.module or ""] if isinstance(one, ast.ImportFrom) else []
            named += [alias.name for alias in one.names] if isinstance(one, ast.Import) else []
    assert not [one for one in named if one.split(".")[0] in {"rules", "incidents", "notifier"}]


def event(after_s: float, kind: EventKind = EventKind.FALL, resident: str | None = "li-fugen", home: str = "m-01") -> dict[str, Any]:
    return {"type": "event", "at": iso(FALL.at_ns + round(after_s * 1e9)), "kind": kind, "resident": resident, "home": home}


def incident(after_s: float, subject: str, severity: str = "life", id_: str = "1") -> dict[str, Any]:
    at = iso(FALL.at_ns + round(after_s * 1e9))
    return {
        "type": "incident",
        "at": at,
        "kind": "fall",
        "subject": subject,
        "home": None,
        "severity": severity,
        "id": id_,
        "state": "open",
    }


@pytest.mark.parametrize(
    ("said", "delays"),
    [
        (event(3), [3.0]),
        (event(3, EventKind.LONG_LIE), [3.0]),
        (event(3, EventKind.EXIT), []),  # something else
        (event(3, resident="wang-xiuying", home="m-00"), []),  # of somebody else
        (event(1001), []),  # when somebody was there already
        (event(-1), []),
    ],
)
def test_an_emergency_is_told_while_it_goes_on_of_whom_it_is_by_what_it_is(said: dict[str, Any], delays: list[float]) -> None:
    assert list(judged.score(WRITTEN, [said]).delays_s.values()) == delays


def test_what_is_told_without_an_emergency_is_false_once_an_incident_and_a_notice_is_not() -> None:
    other = incident(5000, "wang-xiuying", id_="2")
    lines = [incident(3, "li-fugen"), other, other | {"state": "resolved"}, incident(0, "w-01", "notice", "3")]
    found = judged.score(WRITTEN, lines)
    assert (found.false, found.notices) == ({"fall": 1}, 1)
    assert found.false_per_home_and_month == pytest.approx(0.1)
    assert judged.score(replace(WRITTEN, days=3), lines).false_per_home_and_month == pytest.approx(1.0)
