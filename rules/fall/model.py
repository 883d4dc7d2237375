"""The learnt judge of windows: boosted trees on features and small convolutional networks on channels, whose logits are added.

The weights are data (`weights.npz`, made by `training/`), the inference plain numpy. Trees: Friedman, Annals of Statistics 2001,
29(5):1189, in the histogram form of Ke et al. (LightGBM), NeurIPS 2017. The two see different things: alone each is worse on devices
and people that it has not seen than both together (docs/explanation/falls.md).
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.lib.stride_tricks import as_strided

from devices.model import Float32, Float64, Int64, Placement
from rules.fall.features import Channels, features, images

WEIGHTS = "weights.npz"
POOLS = (0.45, 0.72)
"""Where a network's sequence is cut in three parts, as shares of its length: before, while, after."""
NETWORKS = 2.0
"""What the networks' mean logit counts for: mixup makes them modest. Of 1, 1.5, 2, 3 and 5 the best on people that were left out."""
_CHUNK = 64
"""Windows at a time: what a layer makes of them stays in a cache of a few MB."""
_CHUNK_NODES = 1 << 14
"""And of all trees so many nodes."""
UNHEARD = -3.0
"""Logit of the trees below which the networks are not asked: they are most of the work. On people and data sets left out of the training
none of the falls that were found lay lower than -2.6; it spares four of five of the wrist's other impacts and 97 % of the waist's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """R complete trees of depth D on F features; the answer of a tree is one of its 2^D leaves.

    Attributes
    ----------
    feature : (R, 2^D - 1) int64
        Feature a node asks for; its children are nodes 2 i + 1 and 2 i + 2.
    limit : (R, 2^D - 1) float64
        Up to this to the left.
    leaf : (R, 2^D) float64
        Logits, added up over the trees.
    bias : float
        Added to them.
    """

    feature: Int64
    limit: Float64
    leaf: Float64
    bias: float

    def logits(self, table: Float32) -> Float64:
        """(K,) of (K, F) features."""
        count, nodes = self.feature.shape
        feature, limit, leaf = self.feature.ravel(), self.limit.ravel(), self.leaf.ravel()
        root, first = np.arange(count) * nodes, np.arange(count) * (nodes + 1) - nodes
        answers: Float64 = np.empty(len(table))
        step = max(1, _CHUNK_NODES // count)
        for begin in range(0, len(table), step):  # all trees of some windows, level by level
            part = np.ascontiguousarray(table[begin : begin + step])
            row = np.arange(len(part))[:, None] * part.shape[1]
            node = np.zeros((len(part), count), np.int64)
            for _ in range(int(np.log2(self.leaf.shape[1]))):
                here = node + root
                node += node + 1
                node += part.take(feature.take(here) + row) > limit.take(here)
            answers[begin : begin + step] = leaf.take(node + first).sum(axis=1) + self.bias
        return answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Convolutions of stride 2, each followed by a ramp; then mean and maximum of three parts, then one linear unit.

    Attributes
    ----------
    weight : sequence of (C in, size, C out) float32
        Of the convolutions; batch normalisation is folded in.
    bias : sequence of (C out,) float32
        Of the convolutions.
    head : (6 C,) float32
        Of the linear unit: mean and maximum of the first part, then of the others.
    head_bias : float
        Of the linear unit.
    """

    weight: Sequence[Float32]
    bias: Sequence[Float32]
    head: Float32
    head_bias: float

    def logits(self, image: Float32) -> Float64:
        """(K,) of (K, 8, T) images."""
        parts = [self._logits(image[first : first + _CHUNK]) for first in range(0, len(image), _CHUNK)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _logits(self, image: Float32) -> Float64:
        h = np.ascontiguousarray(image.transpose(0, 2, 1), np.float32)  # (K, T, C): what a step sees lies in one piece
        for weight, bias in zip(self.weight, self.bias, strict=True):
            inputs, size, outputs = weight.shape
            count, length, _ = h.shape
            padded = np.zeros((count, length + size // 2 * 2, inputs), np.float32)
            padded[:, size // 2 : size // 2 + length] = h
            steps = (length + 1) // 2
            row, sample, value = padded.strides
            patches = as_strided(padded, (count, steps, size * inputs), (row, 2 * sample, value))
            h = patches.reshape(-1, size * inputs) @ weight.transpose(1, 0, 2).reshape(size * inputs, outputs)
            h += bias
            h = np.maximum(h, 0, out=h).reshape(count, steps, outputs)
        length = h.shape[1]
        bounds = (0, *(int(length * share) for share in POOLS), length)
        pooled = [part for a, b in itertools.pairwise(bounds) for part in (h[:, a:b].mean(axis=1), h[:, a:b].max(axis=1))]
        answers: Float64 = np.concatenate(pooled, axis=1).astype(np.float64) @ self.head + self.head_bias
        return answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What judges windows that reach so far after their impact.

    Attributes
    ----------
    gate : Trees
        What the outline says at first, cheaply.
    trees : Trees
    networks : sequence of Network
        `NETWORKS` times their mean logit is added to the trees'; there may be none.
    threshold : mapping of placement to float
        Probability from which on it is a fall; above 1: never.
    slope, offset : mapping of placement to float
        From the sum of the logits to the logit of the probability (Platt 1999), at the recordings' mix of falls and others.
    """

    gate: Trees
    trees: Trees
    networks: Sequence[Network]
    threshold: Mapping[Placement, float]
    slope: Mapping[Placement, float]
    offset: Mapping[Placement, float]

    def logits(self, of: Channels) -> Float64:
        """(K,) sums of logits; of the trees alone where these are below `UNHEARD`."""
        table, _ = features(of)
        logits = self.trees.logits(table)
        heard = np.flatnonzero(logits >= UNHEARD)
        if self.networks and heard.size:
            image = images(of[heard])
            logits[heard] += NETWORKS * np.mean([network.logits(image) for network in self.networks], axis=0)
        return logits

    def probability(self, logits: Float64, placements: Sequence[Placement]) -> Float64:
        """(K,) how probably each is a fall."""
        slope = np.array([self.slope[placement] for placement in placements])
        offset = np.array([self.offset[placement] for placement in placements])
        answers: Float64 = 1 / (1 + np.exp(-np.clip(slope * logits + offset, -30, 30)))
        return answers


@cache
def stages() -> Sequence[Stage]:
    """The judges that are installed, by stage."""
    with files(__package__).joinpath(WEIGHTS).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return unpacked(dict(arrays))


def packed(stages_: Sequence[Stage]) -> dict[str, np.ndarray]:
    """Arrays, by name, that `unpacked` makes stages of."""
    arrays: dict[str, np.ndarray] = {}
    for number, stage in enumerate(stages_):
        arrays |= {
            f"{number}/{name}/{part}": array
            for name, trees in (("gate", stage.gate), ("trees", stage.trees))
            for part, array in (
                ("feature", trees.feature.astype(np.int16)),
                ("limit", trees.limit),
                ("leaf", trees.leaf.astype(np.float32)),
                ("bias", np.array(trees.bias)),
            )
        }
        for name in ("threshold", "slope", "offset"):
            arrays[f"{number}/{name}"] = np.array([getattr(stage, name)[placement] for placement in Placement])
        for which, network in enumerate(stage.networks):
            arrays |= {f"{number}/network{which}/head": network.head, f"{number}/network{which}/head_bias": np.array(network.head_bias)}
            for layer, (weight, bias) in enumerate(zip(network.weight, network.bias, strict=True)):
                arrays |= {f"{number}/network{which}/weight{layer}": weight, f"{number}/network{which}/bias{layer}": bias}
    return arrays


def unpacked(arrays: Mapping[str, np.ndarray]) -> list[Stage]:
    """Stages of arrays."""
    return [_stage(arrays, str(number)) for number in range(sum(name.endswith("/threshold") for name in arrays))]


def _stage(arrays: Mapping[str, np.ndarray], at: str) -> Stage:
    networks = [
        Network(
            weight=[arrays[f"{at}/network{which}/weight{layer}"] for layer in range(_count(arrays, f"{at}/network{which}/weight"))],
            bias=[arrays[f"{at}/network{which}/bias{layer}"] for layer in range(_count(arrays, f"{at}/network{which}/weight"))],
            head=arrays[f"{at}/network{which}/head"],
            head_bias=float(arrays[f"{at}/network{which}/head_bias"]),
        )
        for which in range(sum(name.startswith(f"{at}/network") and name.endswith("/head") for name in arrays))
    ]
    by_placement = {name: dict(zip(Placement, arrays[f"{at}/{name}"].tolist(), strict=True)) for name in ("threshold", "slope", "offset")}
    return Stage(
        gate=_trees(arrays, f"{at}/gate"),
        trees=_trees(arrays, f"{at}/trees"),
        networks=networks,
        **by_placement,
    )


def _trees(arrays: Mapping[str, np.ndarray], at: str) -> Trees:
    return Trees(
        feature=arrays[f"{at}/feature"].astype(np.int64),
        limit=arrays[f"{at}/limit"].astype(np.float64),
        leaf=arrays[f"{at}/leaf"].astype(np.float64),
        bias=float(arrays[f"{at}/bias"]),
    )


def _count(arrays: Mapping[str, np.ndarray], start: str) -> int:
    return sum(name.startswith(start) for name in arrays)
