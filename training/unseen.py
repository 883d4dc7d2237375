"""How good the whole rule is on people it has not learnt from: `python -m training.unseen --help`.

Every recording goes through the rule as `anju evaluate` sends it, in packets of a second, but with the judge of the cross-validation that
knows neither this person nor, with `--way sets`, this device and place. The thresholds are those of `rules/fall/operating.json`.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
from scipy.stats import special_ortho_group

from devices.model import Bool, Placement
from devices.simulator import motion
from rules.fall import model
from rules.fall.evaluation import evaluate
from rules.fall.recordings import RATE_HZ, Detection, Recordings, detect
from store.recordings import load
from training.candidates import slowed
from training.fall import FOUND, with_points
from web.terminal import show


def unseen(of: Recordings, name: str, folder: Path, placement: Placement, way: str) -> list[Detection]:
    """What the rule finds in recordings, each with a judge that does not know it."""
    detections: list[Detection] = []
    for judges, chosen in _parts(of, name, folder, way):
        rows = np.flatnonzero(chosen)
        with mock.patch("rules.fall.verdict.stages", lambda judges=judges: judges):
            detections += [replace(one, recording=int(rows[one.recording])) for one in detect(some(of, rows), placement)]
    return sorted(detections, key=lambda one: (one.recording, one.at_s))


def _parts(of: Recordings, name: str, folder: Path, way: str) -> Iterator[tuple[Sequence[model.Stage], Bool]]:
    if way == "sets":
        yield _judges(folder / f"without-{name}.npz"), np.ones(len(of), np.bool_)
        return
    with np.load(folder / FOUND) as arrays:
        group: Mapping[str, int] = dict(zip(arrays[f"{name}/subject"].tolist(), arrays[f"{name}/group"].tolist(), strict=True))
    assert of.subj is not None
    number = np.array([group.get(f"{name}/{who}", 0) for who in of.subj.tolist()])
    for one in np.unique(number).tolist():
        yield _judges(folder / f"group-{one}.npz"), number == one


def _judges(path: Path) -> Sequence[model.Stage]:
    with np.load(path) as arrays:
        return with_points(model.unpacked(dict(arrays)))


def some(of: Recordings, rows: np.ndarray) -> Recordings:
    """Some of the recordings, in this order."""
    parts = [of.acc[:, of.off[row] : of.off[row + 1]] for row in rows.tolist()]
    labels = {
        name: None if (column := getattr(of, name)) is None else column[rows]
        for name in ("act", "subj", "elderly", "fall_start", "fall_end", "fs_native")
    }
    off = np.concatenate([[0], np.cumsum([part.shape[1] for part in parts])]).astype(np.int32)
    return Recordings(acc=np.concatenate(parts, axis=1), off=off, **labels)


def spoilt(of: Recordings, range_g: float, rate_hz: float, rng: np.random.Generator, *, turned: bool = True) -> Recordings:
    """The same recordings from a sensor of another range and rate, mounted any way."""
    parts = []
    for row in range(len(of)):
        accel_g = of.acc[:, of.off[row] : of.off[row + 1]].astype(np.float32) / np.float32(1000)
        if turned:
            accel_g = special_ortho_group.rvs(3, random_state=rng).astype(np.float32) @ accel_g
        accel_g = np.clip(accel_g, -range_g, range_g)
        if rate_hz < RATE_HZ:
            accel_g = slowed(accel_g[None], rate_hz, rng)[0]
        parts.append(np.rint(1000 * accel_g).astype(np.int16))
    return replace(of, acc=np.concatenate(parts, axis=1))


def rested(of: Recordings, times: float, placement: Placement, rng: np.random.Generator) -> Recordings:
    """Each recording followed by so many times its length of simulated rest, as it ended: a day is mostly rest."""
    parts = []
    for row in range(len(of)):
        acc = of.acc[:, of.off[row] : of.off[row + 1]]
        ends = acc[:, -RATE_HZ:].mean(axis=1).astype(np.float64)
        gravity = ends / max(float(np.linalg.norm(ends)), 1e-6)
        rest_g = motion.resting(rng, times * acc.shape[1] / RATE_HZ, placement=placement, gravity=gravity)
        parts += [acc, np.rint(1000 * rest_g).astype(np.int16)]
    lengths = np.array([part.shape[1] for part in parts]).reshape(-1, 2).sum(axis=1)
    return replace(of, acc=np.concatenate(parts, axis=1), off=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.unseen", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="what `python -m training.fall cross-validate` wrote")
    parser.add_argument("placement", type=Placement, choices=list(Placement))
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--way", choices=["people", "sets"], default="people", help="what the judges do not know")
    parser.add_argument("--range-g", type=float, default=32.0, help="clip to this range")
    parser.add_argument("--rate-hz", type=float, default=50.0, help="sample at this rate")
    parser.add_argument("--rest", type=float, default=0.0, help="join each recording with so many times its length of rest")
    given = parser.parse_args()
    of = load(given.recordings, labelled=True)
    if given.range_g < 32 or given.rate_hz < 50:
        of = spoilt(of, given.range_g, given.rate_hz, np.random.default_rng(0))
    if given.rest:
        of = rested(of, given.rest, given.placement, np.random.default_rng(0))
    show(evaluate(of, unseen(of, given.recordings.stem, given.folder, given.placement, given.way)))


if __name__ == "__main__":
    main()
