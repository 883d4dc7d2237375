"""Make the fall detector's weights: `python -m training.fall --help`.

1. `cross-validate` fits on all people but a group, for every group, and writes what each unseen impact got (logits), and the judges, to a
   folder outside the repository. Leaving out a whole data set at a time tells what an unseen device would do.
2. `python -m training.report` chooses thresholds and calibration from that folder and writes `rules/fall/operating.json`.
3. `fit` fits on everybody and writes `rules/fall/weights.npz`, with those thresholds and with where all comes from.
4. `python -m training.unseen` runs the whole rule over recordings, each with a judge that does not know the person.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import sklearn
import torch
from scipy.optimize import minimize

from devices.model import Float32, Float64, Placement
from rules.fall import model
from rules.fall.features import channels, features, images, outlines
from rules.fall.resampling import resampled
from rules.fall.verdict import BEFORE_S, STAGES_S
from store.recordings import load
from training import fitting, mishaps, sketches
from training.candidates import MARGIN, REACH, Candidates, candidates, copied

OPERATING = Path(model.__file__).with_name("operating.json")
WEIGHTS = Path(model.__file__).with_name(model.WEIGHTS)
SEED = 7
FALLS, OTHERS = 0.6, 1.4
"""Weights of a data set's falls and of its other impacts, together."""
FOUND = "found.npz"
_AT_ONCE = 500
_INVENTED = ((mishaps.NAME, mishaps.mishaps, False), (sketches.NAME, sketches.sketches, True))
"""What is learnt from beside people: mishaps as devices see them, and sketches as they are drawn, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Recordings to learn from: `wrist:weda_dev.npz`, with how much they count and how many copies are made of each impact."""

    name: str
    path: Path
    placement: Placement
    weight: float
    copies: int

    @classmethod
    def parse(cls, text: str) -> "Source":
        """`PLACEMENT:FILE[:WEIGHT[:COPIES]]`."""
        placement, file, *rest = text.split(":")
        weight, copies = float(rest[0]) if rest else 1.0, int(rest[1]) if len(rest) > 1 else 3
        return cls(name=Path(file).stem, path=Path(file), placement=Placement(placement), weight=weight, copies=copies)

    def __str__(self) -> str:
        return f"{self.placement}:{self.path.name}:{self.weight:g}:{self.copies}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A source's impacts, and of each copy of them and each stage the outlines, features and channels."""

    source: Source
    impacts: Candidates
    tables: Sequence[Sequence[tuple[Float32, Float32, np.ndarray]]]
    """By stage, then copy; the first is the original."""
    is_judged: bool = True
    """Whether it is people's: what is invented is learnt from, and proves nothing."""


def prepare(source: Source) -> Prepared:
    """Read, cut, copy, measure."""
    rng = np.random.default_rng(SEED)
    impacts = candidates(load(source.path, labelled=True), source.name, source.placement, rng)
    copies = [impacts.accel_g, *(copied(impacts.accel_g, rng) for _ in range(source.copies))]
    tables = [[_measured(copy, after_s) for copy in copies] for after_s in STAGES_S]
    return Prepared(source=source, impacts=impacts, tables=tables)


def invented(name: str, impacts: Candidates, weight: float, rng: np.random.Generator, *, plain: bool) -> Prepared:
    """What nobody recorded, as any device would see it; plain: as it was drawn, too."""
    accel_g = [*([impacts.accel_g] if plain else []), copied(impacts.accel_g, rng)]
    source = Source(name=name, path=Path(name), placement=impacts.placement, weight=weight, copies=1)
    tables = [[_measured(one, after_s) for one in accel_g] for after_s in STAGES_S]
    return Prepared(source=source, impacts=impacts, tables=tables, is_judged=False)


def _measured(accel_g: Float32, after_s: float) -> tuple[Float32, Float32, np.ndarray]:
    strokes, rows, pictures = [], [], []
    end = MARGIN + REACH[0] - MARGIN + round(after_s * 50) + 1
    for first in range(0, len(accel_g), _AT_ONCE):
        window = np.ascontiguousarray(accel_g[first : first + _AT_ONCE, :, MARGIN:end])
        of = channels(resampled(window, 50.0, BEFORE_S, after_s))
        side_by_side = np.ascontiguousarray(window.transpose(1, 2, 0)).transpose(2, 0, 1)  # as the rule has them, to the last digit
        strokes.append(outlines(side_by_side, 50.0, BEFORE_S, after_s))
        rows.append(features(of)[0])
        pictures.append(images(of).astype(np.float16))
    return np.concatenate(strokes), np.concatenate(rows), np.concatenate(pictures)


def groups(impacts: Candidates, count: int) -> np.ndarray:
    """(K,) group of each impact's person; who falls and who does not are dealt out apart."""
    fallers = sorted({who for who, label in zip(impacts.subject.tolist(), impacts.label.tolist(), strict=True) if label == 1})
    rest = sorted(set(impacts.subject.tolist()) - set(fallers))
    number = {who: i % count for people in (fallers, rest) for i, who in enumerate(people)}
    return np.array([number[who] for who in impacts.subject.tolist()])


def fit(given: Sequence[Prepared], learns: Sequence[np.ndarray], stage: int) -> model.Stage:
    """A judge from these impacts of each source."""
    outline, table, image, label, weight = [], [], [], [], []
    for one, chosen in zip(given, learns, strict=True):
        kept = chosen & (one.impacts.label >= 0)
        of = one.impacts.label[kept]
        share = np.where(of == 1, FALLS / max(1, (of == 1).sum()), OTHERS / max(1, (of == 0).sum()))
        for strokes, rows, pictures in one.tables[stage]:
            outline.append(strokes[kept])
            table.append(rows[kept])
            image.append(pictures[kept])
            label.append(of)
            weight.append(share * one.source.weight / len(one.tables[stage]))
    seeds = (
        fitting.SEEDS if stage == len(STAGES_S) - 1 else ()
    )  # the early word is the trees' alone: the certain ones need no second opinion
    columns = (np.concatenate(column) for column in (outline, table, image, label, weight))
    return fitting.fit(*columns, seeds=seeds)


def cross_validate(given: Sequence[Prepared], count: int, to: Path) -> None:
    """Write what judges say, (stage, copy, voice, K), that know neither the person (`/people`) nor the data set (`/sets`)."""
    made: dict[str, np.ndarray] = {}
    judged = [one for one in given if one.is_judged]
    for one in judged:
        impacts = one.impacts
        made |= {f"{one.source.name}/{name}": getattr(impacts, name) for name in ("recording", "sample", "label", "after", "subject")}
        made |= {f"{one.source.name}/{way}": np.full((len(STAGES_S), 2, 2, len(impacts)), np.nan) for way in ("people", "sets")}
        made[f"{one.source.name}/group"] = groups(impacts, count)
    to.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        judges = _judges(given, [groups(one.impacts, count) != number if one.is_judged else _all(one) for one in given])
        np.savez(to / f"group-{number}.npz", **model.packed(judges))
        for one in judged:
            unseen = groups(one.impacts, count) == number
            for stage, judge in enumerate(judges):
                made[f"{one.source.name}/people"][stage][..., unseen] = _logits(judge, one, stage)[..., unseen]
        _say(f"people of group {number}")
    for out in judged if len(judged) > 1 else ():
        judges = _judges(given, [_all(one) & (one is not out) for one in given])
        np.savez(to / f"without-{out.source.name}.npz", **model.packed(judges))
        for stage, judge in enumerate(judges):
            made[f"{out.source.name}/sets"][stage] = _logits(judge, out, stage)
        _say(f"without {out.source.name}")
    np.savez(to / FOUND, **made)


def _judges(given: Sequence[Prepared], learns: Sequence[np.ndarray]) -> list[model.Stage]:
    return [fit(given, learns, stage) for stage in range(len(STAGES_S))]


def _all(one: Prepared) -> np.ndarray:
    return np.ones(len(one.impacts), np.bool_)


def _logits(judge: model.Stage, one: Prepared, stage: int) -> Float64:
    """(2, 2, K): of the originals and of the first copy; what the trees say and what the networks say."""
    return np.stack([fitting.voices(judge, *one.tables[stage][copy][1:]) for copy in (0, 1)])


def calibrated(logits: Float64, label: np.ndarray) -> tuple[float, float]:
    """Slope and offset that make logits of impacts into logits of probabilities (Platt 1999)."""

    def loss(at: np.ndarray) -> float:
        z = at[0] * logits + at[1]
        return float(np.logaddexp(0, np.where(label == 1, -z, z)).mean())

    slope, offset = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead").x
    return float(slope), float(offset)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def with_points(judges: Sequence[model.Stage]) -> list[model.Stage]:
    """Judges with the frozen thresholds and calibration."""
    points: Mapping[str, Mapping[str, Sequence[float]]] = json.loads(OPERATING.read_text())
    return [
        replace(
            judge,
            **{name: {place: points[place.value][name][stage] for place in Placement} for name in ("threshold", "slope", "offset")},
        )
        for stage, judge in enumerate(judges)
    ]


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.fall", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["cross-validate", "fit"])
    parser.add_argument("sources", nargs="+", type=Source.parse, metavar="PLACEMENT:FILE[:WEIGHT[:COPIES]]")
    parser.add_argument("--groups", type=int, default=10, help="of people, of whom one at a time is left out")
    parser.add_argument("--out", type=Path, help="folder for what cross-validation found (outside the repository)")
    parser.add_argument("--invented", type=int, nargs=2, default=[4000, 3000], help="how many scenes of each kind are learnt from")
    parser.add_argument("--invented-weight", type=float, nargs=2, default=[0.3, 0.3], help="how much they count")
    given = parser.parse_args()
    if given.what == "cross-validate" and (given.out is None or any(source.copies < 1 for source in given.sources)):
        parser.error("cross-validate wants --out, and at least one copy of each source: it judges the first, too")
    prepared = [prepare(source) for source in given.sources]
    for (name, draw, plain), count, weight in zip(_INVENTED, given.invented, given.invented_weight, strict=True):
        rng = np.random.default_rng(SEED)
        prepared.append(invented(name, draw(count, rng), weight, rng, plain=plain))
    if given.what == "cross-validate":
        cross_validate(prepared, given.groups, given.out)
        return
    fitted = with_points(_judges(prepared, [_all(one) for one in prepared]))
    origin = []
    for one in prepared:
        falls, others = (int((one.impacts.label == label).sum()) for label in (1, 0))
        origin.append(f"{one.source}: {falls} falls and {others} other impacts")
    made_by = f"seed {SEED}, scikit-learn {sklearn.__version__}, torch {torch.__version__}, numpy {np.__version__}"
    np.savez_compressed(WEIGHTS, provenance=np.array("; ".join([*origin, made_by])), **model.packed(fitted))


if __name__ == "__main__":
    main()
