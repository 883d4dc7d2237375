"""From what cross-validation found to thresholds and tables: `python -m training.report --help`.

The operating points are chosen here, on people that the judge did not know, and nowhere else.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from devices.model import Bool, Float64, Placement
from rules.fall.evaluation import PerHour, Share
from rules.fall.recordings import RATE_HZ, Recordings
from rules.fall.verdict import STAGES_S
from store.recordings import load
from training.fall import FOUND, OPERATING, calibrated

REFRACTORY = 10 * RATE_HZ
"""Samples within which alarms are one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What an unseen judge said of a data set's impacts.

    Attributes
    ----------
    recordings : Recordings
        Whose impacts they are.
    logits : (stages, K) float64
        NaN where not judged; -inf where the recording ends too soon for that stage.
    label, recording, sample : (K,) int64
        As in `training.candidates.Candidates`.
    """

    recordings: Recordings
    logits: Float64
    label: np.ndarray
    recording: np.ndarray
    sample: np.ndarray

    @property
    def is_fall(self) -> Bool:
        """(T,) of the recordings."""
        assert self.recordings.act is not None
        answer: Bool = np.char.startswith(self.recordings.act, "F")
        return answer


def found(folder: Path, name: str, recordings: Recordings, *, way: str = "people", copy: int = 0, voices: Sequence[int] = (0, 1)) -> Found:
    """One data set's part of what cross-validation wrote."""
    with np.load(folder / FOUND) as arrays:
        logits = arrays[f"{name}/{way}"][:, copy][:, list(voices)].sum(axis=1)
        after = arrays[f"{name}/after"]
        for stage, after_s in enumerate(STAGES_S):
            logits[stage, after < round(after_s * RATE_HZ)] = -np.inf
        return Found(recordings=recordings, logits=logits, **{key: arrays[f"{name}/{key}"] for key in ("label", "recording", "sample")})


def outcome(of: Found, limits: Sequence[float]) -> tuple[Bool, np.ndarray]:
    """(T,) whether each recording's fall was found, and (T,) its alarms that are none, at these limits of the stages' logits."""
    says = (of.logits >= np.array(limits)[:, None]).any(axis=0)
    hit = np.zeros(len(of.recordings), np.bool_)
    hit[of.recording[says & (of.label == 1)]] = True
    alarms = np.zeros(len(of.recordings), np.int64)
    last = np.full(len(of.recordings), -REFRACTORY, np.int64)
    for number in np.flatnonzero(says & (of.label == 0)).tolist():
        recording, sample = int(of.recording[number]), int(of.sample[number])
        if sample - last[recording] >= REFRACTORY:
            alarms[recording] += 1
            last[recording] = sample
    return hit, alarms


def figures(of: Found, limits: Sequence[float], only: Bool | None = None) -> tuple[Share, Share, PerHour]:
    """Sensitivity, specificity by recording, false alarms per hour."""
    hit, alarms = outcome(of, limits)
    return _counted(of, hit, alarms, np.ones(len(hit), np.bool_) if only is None else only)


def _counted(of: Found, hit: Bool, alarms: np.ndarray, chosen: Bool) -> tuple[Share, Share, PerHour]:
    falls, rest = of.is_fall & chosen, ~of.is_fall & chosen
    return (
        Share(count=int(hit[falls].sum()), of=int(falls.sum())),
        Share(count=int((alarms[rest] == 0).sum()), of=int(rest.sum())),
        PerHour(count=int(alarms[rest].sum()), hours=float(of.recordings.length_s[rest].sum()) / 3600),
    )


def best_of_falls(of: Found, stage: int) -> Float64:
    """(falls,) highest logit within each fall."""
    best = np.full(len(of.recordings), -np.inf)
    hits = of.label == 1
    np.maximum.at(best, of.recording[hits], of.logits[stage, hits])
    return best[of.is_fall]


def limit_for(of: Found, stage: int, sensitivity: float) -> float:
    """Logit that this share of the falls reaches."""
    best = np.sort(best_of_falls(of, stage))
    return float(best[int(np.floor((1 - sensitivity) * len(best) + 1e-9))])


def limit_without_alarms(of: Found, stage: int, alarms: int) -> float:
    """Logit that only so many other impacts reach."""
    others = np.sort(of.logits[stage, of.label == 0])
    return float(np.nextafter(others[-1 - alarms], np.inf))


def show(of: Found, limits: Sequence[float], title: str) -> None:
    """Print figures at limits."""
    hit, _ = outcome(of, limits)
    early, _ = outcome(of, (limits[0], np.inf))
    _say(f"{title}: {_words(figures(of, limits))} early {early[of.is_fall].mean():.2f}")
    assert of.recordings.act is not None
    falls = {str(act): hit[of.recordings.act == act].mean() for act in np.unique(of.recordings.act[of.is_fall])}
    _say("   " + " ".join(f"{act} {share:.2f}" for act, share in falls.items()))


def _words(figure: tuple[Share, Share, PerHour]) -> str:
    return " ".join(
        f"{name} {one.value:.{digits}f} [{one.interval[0]:.{digits}f}-{one.interval[1]:.{digits}f}]"
        for name, digits, one in zip(("sensitivity", "specificity", "false/h"), (3, 3, 2), figure, strict=True)
    )


def curve(of: Found, stage: int = 1) -> tuple[Float64, Float64]:
    """Sensitivity, and false alarms per hour, at every limit of one stage alone."""
    finite = of.logits[stage][np.isfinite(of.logits[stage])]
    limits = np.unique(np.quantile(finite, np.linspace(0.4, 1, 120)))
    points = [figures(of, [limit if one == stage else np.inf for one in range(len(of.logits))]) for limit in limits.tolist()]
    return np.array([one[0].value for one in points]), np.array([one[2].value for one in points])


def freeze(cases: Mapping[Placement, tuple[Sequence[Found], float, float]]) -> dict[str, dict[str, list[float]]]:
    """Thresholds and calibration by placement: of the final stage by the logit wanted, of the early one by its own."""
    points: dict[str, dict[str, list[float]]] = {}
    for placement, (data, early, final) in cases.items():
        points[placement.value] = {"threshold": [], "slope": [], "offset": []}
        for stage, limit in enumerate((early, final)):
            logits = np.concatenate([one.logits[stage][one.label >= 0] for one in data])
            label = np.concatenate([one.label[one.label >= 0] for one in data])
            slope, offset = calibrated(np.clip(logits, -30, 30)[np.isfinite(logits)], label[np.isfinite(logits)])
            points[placement.value]["slope"].append(round(slope, 4))
            points[placement.value]["offset"].append(round(offset, 4))
            points[placement.value]["threshold"].append(round(float(1 / (1 + np.exp(-(slope * limit + offset)))), 4))
    return points


GRID = np.arange(-4.0, 6.1, 0.25)
"""Logits among which a nested choice is made."""

Keeps = Callable[[tuple[Share, Share, PerHour]], bool]
QUIET: Mapping[Placement, Keeps] = {
    Placement.WRIST: lambda figure: figure[1].value >= 0.98,
    Placement.WAIST: lambda figure: figure[2].value <= 0.5,
}
"""What the limits of a nested choice keep on the people they are chosen on: at the wrist 98 % of the other recordings quiet, at the waist
half a false alarm an hour; as `LIMITS`."""


SENSITIVITY = 0.97
"""Of one data set's falls, for a limit that another one is then judged by."""


def nested(of: Found, keeps: Keeps) -> tuple[Share, Share, PerHour]:
    """Figures with each person's limits chosen on the other people: the early one without a false alarm, the final one by what it keeps.

    All logits are of judges that did not know the person they judge. So who is left out has no part in the limits, but, as one of many,
    in the judges of those on whom they are chosen.
    """
    assert of.recordings.subj is not None
    hit, alarms = np.zeros(len(of.recordings), np.bool_), np.zeros(len(of.recordings), np.int64)
    told = cache(lambda early, final: outcome(of, (early, final)))
    for who in np.unique(of.recordings.subj).tolist():
        others = of.recordings.subj != who
        early = next(limit for limit in GRID.tolist() if not _counted(of, *told(limit, np.inf), others)[2].count)
        final = next(limit for limit in GRID.tolist() if keeps(_counted(of, *told(early, limit), others)))
        mine_hit, mine_alarms = told(early, final)
        hit[~others], alarms[~others] = mine_hit[~others], mine_alarms[~others]
    return _counted(of, hit, alarms, np.ones(len(hit), np.bool_))


def across(of: Found, other: Found, sensitivity: float) -> tuple[tuple[Share, Share, PerHour], float]:
    """Figures of a data set at the final limit that finds this share of another one's falls, and the limit; neither judge knew its set."""
    limit = limit_for(other, len(STAGES_S) - 1, sensitivity)
    return figures(of, (LIMITS[Placement.UNKNOWN][0], limit)), limit


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


LIMITS: Mapping[Placement, tuple[float, float]] = {
    Placement.WRIST: (3.5, 2.5),
    Placement.WAIST: (2.5, 2.5),
    Placement.CHEST: (4.5, -1.0),
    Placement.POCKET: (4.5, -1.0),
    Placement.UNKNOWN: (4.5, -1.0),
}
"""Logits from which on it is a fall, early and at the end. They were chosen on people left out of the training, before any other test:
the early ones so that they alone give hardly a false alarm; at the wrist for 98 % of the other recordings quiet, at the waist for half a
false alarm an hour; where nothing is known between what would suit the wrist and the waist, each judged by a training without it."""


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.report", description=__doc__)
    parser.add_argument("found", type=Path, help="folder that cross-validation wrote")
    parser.add_argument("wrist", type=Path, help="recordings, as they were given to cross-validation")
    parser.add_argument("waist", type=Path)
    given = parser.parse_args()
    data = {Placement.WRIST: given.wrist, Placement.WAIST: given.waist}
    known = {place: found(given.found, path.stem, load(path, labelled=True)) for place, path in data.items()}
    strange = [found(given.found, path.stem, load(path, labelled=True), way="sets") for path in data.values()]
    cases = {place: ([known[place]] if place in known else strange, *limits) for place, limits in LIMITS.items()}
    OPERATING.write_text(json.dumps(freeze(cases), indent=2, sort_keys=True) + "\n")
    for place, of in known.items():
        show(of, LIMITS[place], f"{place}, people left out")
    for place, of in known.items():
        _say(f"{place}, people left out, limits nested: {_words(nested(of, QUIET[place]))}")
    for place, of, other in zip(data, strange, strange[::-1], strict=True):
        figure, limit = across(of, other, SENSITIVITY)
        _say(f"{place} as unknown, left out, at {limit:.2f}, which finds {SENSITIVITY:.0%} of the other set: {_words(figure)}")
    for place, of in zip(data, strange, strict=True):
        show(of, LIMITS[Placement.UNKNOWN], f"{place} as unknown, the whole data set left out")


if __name__ == "__main__":
    main()
