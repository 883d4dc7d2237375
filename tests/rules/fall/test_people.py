"""The rule on recordings of people that it was trained on, where those are at hand: the floors catch breakage, they prove nothing else."""

from pathlib import Path

import pytest

from devices.model import Placement
from rules.fall.evaluation import evaluate
from rules.fall.recordings import Recordings, detect
from store.recordings import load

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"


def people(name: str) -> Recordings:
    if not (DATA / name).exists():
        pytest.skip(f"no recordings of people at ../shared/data/{name}")
    return load(DATA / name, labelled=True)


@pytest.mark.parametrize(
    ("name", "placement", "sensitivity", "specificity"),
    [
        ("weda_dev.npz", Placement.WRIST, 0.97, 0.97),
        ("sisfall_dev.npz", Placement.WAIST, 0.97, 0.99),
        ("weda_dev.npz", Placement.UNKNOWN, 0.97, 0.95),
        ("sisfall_dev.npz", Placement.UNKNOWN, 0.97, 0.97),
    ],
)
def test_most_falls_are_found_and_most_of_daily_life_is_left_alone(
    name: str, placement: Placement, sensitivity: float, specificity: float
) -> None:
    recordings = people(name)
    result = evaluate(recordings, detect(recordings, placement))
    assert result.everyone.sensitivity.value >= sensitivity
    assert result.everyone.specificity.value >= specificity
    assert result.delay_s is not None
    assert result.delay_s[1] <= 4.0


def test_detections_come_by_recording_and_time_with_scores_and_times_that_fit() -> None:
    recordings = people("weda_dev.npz")
    found = detect(recordings, Placement.WRIST)
    assert found == sorted(found, key=lambda one: (one.recording, one.at_s))
    for one in found:
        assert one.kind == "fall"
        assert 0.5 <= one.score <= 1
        assert one.at_s < one.decided_s <= min(one.at_s + 4.0, recordings.length_s[one.recording])
        assert one.decided_s == recordings.length_s[one.recording] or one.decided_s == int(one.decided_s)
