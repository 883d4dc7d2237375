"""Curves and reliability of the fall detector, on people left out of its training: `python -m training.pictures --help`."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

from devices.model import Float64, Placement
from rules.fall.features import channels
from rules.fall.model import stages
from rules.fall.resampling import resampled
from rules.fall.verdict import BEFORE_S, STAGES_S
from store.recordings import load
from training.candidates import MARGIN, REACH, candidates
from training.fall import SEED
from training.report import LIMITS, Found, curve, figures, found
from training.threshold_rules import FIRST_EDITION, margin, measures

_VOICES = {"trees and networks": (0, 1), "trees alone": (0,), "networks alone": (1,)}
_BINS = (0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 1.0)
_RATES = (0.05, 100)


def thresholds(of: Found, path: Path, placement: Placement) -> Found:
    """The same impacts as a rule of five thresholds sees them: all move together."""
    impacts = candidates(of.recordings, path.stem, placement, np.random.default_rng(SEED))
    end = REACH[0] + MARGIN + round(STAGES_S[-1] * 50) + 1 - MARGIN
    window = resampled(np.ascontiguousarray(impacts.accel_g[:, :, MARGIN:end]), 50.0, BEFORE_S, STAGES_S[-1])
    how_far = margin(measures(channels(window)), FIRST_EDITION[placement])
    logits = np.stack([np.full(len(impacts), -np.inf), np.where(np.isfinite(of.logits[-1]), how_far, -np.inf)])
    return replace(of, logits=logits)


def draw_curves(sources: Sequence[tuple[str, Path, Placement]], cross: Path, to: Path) -> None:
    """Sensitivity against false alarms an hour: the installed way, its parts, and thresholds."""
    _, axes = plt.subplots(2, len(sources), figsize=(9, 7.5), sharey=True)
    for column, (title, path, placement) in enumerate(sources):
        recordings = load(path, labelled=True)
        for row, way in enumerate(("people", "sets")):
            axis = axes[row][column]
            for name, voices in _VOICES.items():
                one = found(cross, path.stem, recordings, way=way, voices=voices)
                axis.step(*_sorted(*curve(one)), label=name, linewidth=2 if name.startswith("trees and") else 1, where="post")
            axis.step(
                *_sorted(*curve(thresholds(one, path, placement))), label="five thresholds (first edition)", color="0.6", where="post"
            )
            limits = LIMITS[placement if way == "people" else Placement.UNKNOWN]
            sensitivity, _, alarms = figures(found(cross, path.stem, recordings, way=way), limits)
            axis.plot(alarms.value, sensitivity.value, "k*", markersize=11, label="the installed thresholds, both stages")
            axis.set(xscale="log", xlim=_RATES, ylim=(0.6, 1.005))
            axis.set_title(f"{title}: {'people' if way == 'people' else 'device, place and people'} never seen", fontsize=10)
            axis.grid(visible=True, alpha=0.3)
            axis.set_xlabel("false alarms per hour of dense, acted activity")
            axis.set_ylabel("falls found")
    axes[0][0].legend(fontsize=8, loc="lower right")
    _save(to)


def draw_reliability(sources: Sequence[tuple[str, Path, Placement]], cross: Path, to: Path) -> None:
    """How often it was a fall, by what was said."""
    _, axis = plt.subplots(figsize=(5, 4.5))
    axis.plot([0, 1], [0, 1], color="0.7")
    for title, path, placement in sources:
        of = found(cross, path.stem, load(path, labelled=True))
        chosen = np.isfinite(of.logits[-1]) & (of.label >= 0)
        stage = stages()[-1]
        said, was = stage.probability(of.logits[-1][chosen], [placement] * int(chosen.sum())), of.label[chosen] == 1
        part = np.digitize(said, _BINS[1:-1])
        points = [
            (said[part == one].mean(), was[part == one].mean(), (part == one).sum()) for one in range(len(_BINS) - 1) if (part == one).any()
        ]
        axis.plot(*np.array(points)[:, :2].T, "o-", label=title)
        for x, y, count in points:
            axis.annotate(str(count), (x, y), textcoords="offset points", xytext=(4, -10), fontsize=7)
    axis.set(
        xlabel="probability that was said", ylabel="share that was a fall", title="Impacts of people never seen, by what was said of them"
    )
    axis.title.set_fontsize(10)
    axis.legend()
    axis.grid(visible=True, alpha=0.3)
    _save(to)


def _sorted(sensitivity: Float64, alarms: Float64) -> tuple[Float64, Float64]:
    order = np.lexsort((sensitivity, alarms))
    return np.maximum(alarms[order], _RATES[0]), np.maximum.accumulate(sensitivity[order])


def _save(to: Path) -> None:
    plt.tight_layout()
    plt.savefig(to, metadata={"Date": None})
    plt.close()


def main() -> None:
    """Run the command line."""
    mpl.use("svg")
    mpl.rcParams |= {"svg.hashsalt": "anju", "svg.fonttype": "none", "font.family": "sans-serif"}
    parser = argparse.ArgumentParser(prog="python -m training.pictures", description=__doc__)
    parser.add_argument("found", type=Path, help="folder that `python -m training.fall cross-validate` wrote")
    parser.add_argument("wrist", type=Path)
    parser.add_argument("waist", type=Path)
    parser.add_argument("--to", type=Path, default=Path("docs/images"))
    given = parser.parse_args()
    sources = [("wrist", given.wrist, Placement.WRIST), ("waist", given.waist, Placement.WAIST)]
    draw_curves(sources, given.found, given.to / "fall-curves.svg")
    draw_reliability(sources, given.found, given.to / "fall-reliability.svg")


if __name__ == "__main__":
    main()
