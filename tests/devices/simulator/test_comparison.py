"""The page that holds the simulator against people says what is so, and what is drawn comes near to people."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from devices.model import Placement
from devices.simulator import comparison, motion
from devices.simulator.falling import MIX, Kind

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "reference" / "simulated-falls.md"
RECORDED = {Placement.WRIST: "weda_dev.npz", Placement.WAIST: "sisfall_dev.npz"}
REAL, DRAWN = comparison.written(PAGE.read_text(encoding="utf-8"))


def near(found: comparison.Table, told: comparison.Table) -> None:
    assert found.keys() == told.keys()
    for name, numbers in found.items():
        assert numbers == pytest.approx(told[name], rel=0.03, abs=0.021), name


@pytest.mark.parametrize("placement", RECORDED)
def test_the_page_tells_what_is_drawn(placement: Placement) -> None:
    for title, table in comparison.simulated(placement).items():
        near(table, DRAWN[title])


@pytest.mark.parametrize("placement", RECORDED)
def test_the_page_tells_what_was_recorded(placement: Placement) -> None:
    path = ROOT.parent / "shared" / "data" / RECORDED[placement]
    if not path.exists():
        pytest.skip(f"no recordings of people at ../shared/data/{path.name}")
    for title, table in comparison.recorded(path, placement).items():
        near(table, REAL[title])


@pytest.mark.parametrize("placement", RECORDED)
def test_most_quantiles_of_falls_are_within_a_fifth_of_those_of_people(placement: Placement) -> None:
    real, drawn = (tables[f"Falls, {placement}"] for tables in (REAL, DRAWN))
    close = [
        abs(ours - theirs) <= max(0.2 * abs(theirs), 0.1 * (real[name][-1] - real[name][0]))
        for name in real
        for ours, theirs in zip(drawn[name], real[name], strict=True)
    ]
    assert np.mean(close) >= 0.85
    assert drawn["impact_g"] == pytest.approx(real["impact_g"], rel=0.2)


@pytest.mark.parametrize("placement", RECORDED)
def test_the_page_as_it_stands_is_what_its_tables_are_written_as(placement: Placement) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page[page.index("### ") :] == comparison.markdown(REAL, DRAWN)
    assert f"Falls, {placement}" in REAL


def a_file(path: Path) -> Path:
    """Recordings that are no people's: a forward fall at the wrist, 3 g higher somewhere else, a walk and sitting down."""
    rng = np.random.default_rng(3)
    fall = motion.fall(rng, kind=Kind.FORWARD, typical=True)
    fall[:, 30] = 3.9
    signals = [fall, motion.walking(rng, 14.0), motion.sitting_down(rng, 8.0)]
    np.savez(
        path,
        acc=np.concatenate([np.rint(signal * 1000).astype(np.int16) for signal in signals], axis=1),
        off=np.cumsum([0, *(signal.shape[1] for signal in signals)]).astype(np.int32),
        act=np.array(["F01", "D01", "D04"]),
        fall_start=np.array([5.0, np.nan, np.nan], np.float32),
        fall_end=np.array([7.0, np.nan, np.nan], np.float32),
    )
    return path


def test_a_fall_is_measured_where_it_is_said_to_be_in_its_recording(tmp_path: Path) -> None:
    path = a_file(tmp_path / "some.npz")
    ((kind, measures),) = comparison.recorded_falls(path, Placement.WRIST)
    assert kind is Kind.FORWARD
    assert measures.before_g > 0.05
    assert measures.impact_g < 3.9 * np.sqrt(3) - 0.05
    assert len(comparison.recorded_walks(path)) == 2
    assert len(comparison.recorded_chairs(path, Placement.WRIST)) == 1


def test_kinds_are_drawn_as_often_as_they_were_recorded() -> None:
    falls = comparison.simulated_falls(Placement.WAIST, 100)
    assert {kind: sum(one is kind for one, _ in falls) / 100 for kind in MIX[Placement.WAIST]} == MIX[Placement.WAIST]


def test_measures_are_those_of_a_signal_made_by_hand() -> None:
    accel_g = np.zeros((3, 400))
    accel_g[2, :200], accel_g[1, 200:] = 1.0, 1.0
    accel_g[2, 180:200] = 0.3
    accel_g[1, 200:205] = (4.0, 3.0, 2.5, 3.5, 1.5)
    measures = comparison.fall_measures(accel_g, 200)
    assert (measures.impact_g, measures.above_2g_s, measures.lowest_g, measures.below_075_s) == pytest.approx((4.0, 0.08, 0.3, 0.4))
    assert (measures.falling_s, measures.peaks_2g, measures.angle_deg, measures.early_angle_deg) == pytest.approx((0.4, 2, 90, 0))
    assert (measures.impulse_gs, measures.before_g, measures.energy_g, measures.unrest_g) == pytest.approx((0.19, 0, 0, 0))
    assert measures.jerk_gps == pytest.approx(np.hypot(4.0, 0.3) * 50)


def test_the_command_prints_the_tables_and_writes_them_only_when_told(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Some\n\n{comparison.markdown(REAL, DRAWN)}", encoding="utf-8")
    for extra in ([], ["--write"]):
        before = page.read_text(encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "devices.simulator.comparison", page, *extra],
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=True,
            cwd=ROOT,
        )
        assert comparison.written(done.stdout)[0] == REAL
        assert page.read_text(encoding="utf-8") == (f"# Some\n\n{done.stdout}" if extra else before)
