"""Who is told at the gate: on holidays, when somebody stands in, in nights when the clock changes, and when nobody is there."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fakes.command import anju
from stories import START, estate, picked, said, tell, until

WORKDAYS = {"responder": "day-guard", "days": ["workday"], "from": "08:00", "to": "20:00"}
HOLIDAYS = {"responder": "night-guard", "days": ["holiday"], "from": "08:00", "to": "20:00"}
BY_DAY = {"responder": "day-guard", "from": "08:00", "to": "20:00"}
BY_NIGHT = {"responder": "night-guard", "from": "20:00", "to": "08:00"}


def gate(shifts: list[dict[str, Any]], zone: str = "Asia/Shanghai", calendar: str | None = None, **roster: Any) -> dict[str, Any]:
    """The estate with these shifts at its gate, in a zone and with a country's calendar."""
    head = {"id": "willow", "name": "柳岸新村", "timezone": zone, **({"calendar": calendar} if calendar else {})}
    return estate(community=head, rosters=[{"id": "gate", "shifts": shifts, **roster}])


def sos_at(folder: Path, given: dict[str, Any], local: str, fold: int = 0) -> list[dict[str, Any]]:
    """Zhou Fen presses her button at a local time; what the guards are told."""
    zone = ZoneInfo(given["community"]["timezone"])
    seconds = (datetime.fromisoformat(local).replace(tzinfo=zone, fold=fold) - START).total_seconds()
    output = tell(folder, [said(seconds, "w-1", "button", pressed="sos"), until(seconds + 5)], given)
    return [line for line in picked(output, "notification") if line["to"].endswith("-guard")]


def guards(told: list[dict[str, Any]]) -> list[str]:
    return sorted(line["to"] for line in told)


def test_on_national_day_and_on_its_bridge_days_the_holiday_guard_is_told(tmp_path: Path) -> None:
    given = gate([WORKDAYS, HOLIDAYS], calendar="CN")
    assert guards(sos_at(tmp_path, given, "2026-09-30 10:00")) == ["day-guard"]
    assert guards(sos_at(tmp_path, given, "2026-10-01 10:00")) == ["night-guard"]
    assert guards(sos_at(tmp_path, given, "2026-10-07 10:00")) == ["night-guard"]
    assert guards(sos_at(tmp_path, given, "2026-10-08 10:00")) == ["day-guard"]


@pytest.mark.parametrize("make_up_day", ["2026-09-20", "2026-10-10"])
def test_on_a_weekend_day_that_makes_up_for_the_holiday_the_workday_guard_is_told(tmp_path: Path, make_up_day: str) -> None:
    assert guards(sos_at(tmp_path, gate([WORKDAYS, HOLIDAYS], calendar="CN"), f"{make_up_day} 10:00")) == ["day-guard"]


def test_who_stands_in_for_one_night_is_told_instead_and_the_usual_guard_the_night_after(tmp_path: Path) -> None:
    stands_in = [{"date": "2026-10-01", "from": "20:00", "to": "08:00", "responders": ["zhou-jie", "day-guard"]}]
    given = gate([BY_DAY, BY_NIGHT], overrides=stands_in)
    assert guards(sos_at(tmp_path, given, "2026-10-01 19:59")) == ["day-guard"]
    assert guards(sos_at(tmp_path, given, "2026-10-02 03:00")) == ["day-guard"]
    assert guards(sos_at(tmp_path, given, "2026-10-02 08:00")) == ["day-guard"]
    assert guards(sos_at(tmp_path, given, "2026-10-02 20:00")) == ["night-guard"]


@pytest.mark.parametrize(
    ("zone", "handover", "pressed", "guard"),
    [
        ("Europe/Berlin", "02:30", ("2026-03-29 01:59", 0), "day-guard"),
        ("Europe/Berlin", "02:30", ("2026-03-29 03:00", 0), "night-guard"),  # 02:30 never came
        ("Europe/Berlin", "02:30", ("2026-10-25 02:15", 0), "day-guard"),
        ("Europe/Berlin", "02:30", ("2026-10-25 02:45", 0), "night-guard"),
        ("Europe/Berlin", "02:30", ("2026-10-25 02:15", 1), "night-guard"),  # 02:30 had come an hour ago
        ("America/New_York", "02:30", ("2026-03-08 01:59", 0), "day-guard"),
        ("America/New_York", "02:30", ("2026-03-08 03:00", 0), "night-guard"),
        ("America/New_York", "01:30", ("2026-11-01 01:29", 0), "day-guard"),
        ("America/New_York", "01:30", ("2026-11-01 01:29", 1), "night-guard"),
    ],
)
def test_in_the_night_when_the_clock_changes_exactly_one_guard_is_told(
    tmp_path: Path, zone: str, handover: str, pressed: tuple[str, int], guard: str
) -> None:
    given = gate([{**BY_DAY, "to": handover}, {**BY_NIGHT, "from": handover}], zone)
    assert guards(sos_at(tmp_path, given, *pressed)) == [guard]


def test_sunday_at_21_nobody_is_on_shift_so_both_guards_are_told_that_it_is_so(tmp_path: Path) -> None:
    told = sos_at(tmp_path, gate(WITHOUT_SUNDAY_EVENING), "2026-06-07 21:00")
    assert guards(told) == ["day-guard", "night-guard"]
    assert all("无人当班" in line["text"] for line in told)


WITHOUT_SUNDAY_EVENING = [
    BY_DAY,
    {**BY_NIGHT, "days": ["mon", "tue", "wed", "thu", "fri", "sat"]},
    {**BY_NIGHT, "days": ["mon"], "from": "00:00"},
]


def test_the_import_says_in_advance_that_nobody_is_there_on_sunday_evening(tmp_path: Path) -> None:
    file = tmp_path / "willow.yaml"
    file.write_text(json.dumps(gate(WITHOUT_SUNDAY_EVENING), ensure_ascii=False), encoding="utf-8")
    done = anju("import", file, "--dry-run", "--state", tmp_path / "state")
    assert done.returncode == 0
    warnings = done.stderr.splitlines()
    assert "warning: rosters[0]: nobody is on shift Sunday 20:00–24:00 (then the whole roster is told)" in warnings
