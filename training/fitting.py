"""Fitting the judge of one stage: scikit-learn's boosted trees and torch's networks, as the arrays that `rules.fall.model` reads."""

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from torch import nn

from devices.model import Float32, Float64, Placement
from rules.fall.model import NETWORKS, POOLS, Network, Stage, Trees

DEPTH = 4
WIDTHS, SIZES = (16, 16, 24, 24), (9, 7, 5, 5)
SEEDS = (0, 1)
EPOCHS, BATCH, RATE, DECAY = 8, 256, 4e-3, 5e-2
MIX = 0.2
"""Of mixup (Zhang et al., ICLR 2018): it makes the networks less certain where they know nothing."""
SMOOTH = 0.01


def fit(outline: Float32, table: Float32, image: np.ndarray, label: np.ndarray, weight: Float64, *, seeds: Sequence[int] = SEEDS) -> Stage:
    """A judge without thresholds and calibration.

    Parameters
    ----------
    outline : (K, O) float32
        Outlines.
    table : (K, F) float32
        Features.
    image : (K, 8, T) float16
        Channels.
    label : (K,) int
        1 a fall.
    weight : (K,) float64
        How much each counts.
    seeds : sequence of int
        One network each.
    """
    never = dict.fromkeys(Placement, 2.0)
    return Stage(
        gate=_trees(outline, label, weight, trees=40, rate=0.15),
        trees=_trees(table, label, weight, trees=200, rate=0.06),
        networks=[_network(image, label, weight, seed) for seed in seeds],
        threshold=never,
        slope=dict.fromkeys(Placement, 1.0),
        offset=dict.fromkeys(Placement, 0.0),
    )


def _trees(table: Float32, label: np.ndarray, weight: Float64, *, trees: int, rate: float) -> Trees:
    fitted = HistGradientBoostingClassifier(
        max_iter=trees, max_depth=DEPTH, learning_rate=rate, min_samples_leaf=15, l2_regularization=1, max_features=0.3, random_state=0
    ).fit(table, label, sample_weight=weight * len(weight) / weight.sum())
    predictors = [predictor for (predictor,) in fitted._predictors]  # noqa: SLF001  there is no public way to the trees
    nodes = 2**DEPTH - 1
    feature = np.zeros((len(predictors), nodes), np.int64)
    limit = np.full((len(predictors), nodes), np.inf)
    leaf = np.zeros((len(predictors), nodes + 1))
    for number, predictor in enumerate(predictors):
        _unfold(predictor.nodes, 0, 0, (feature[number], limit[number], leaf[number]))
    bias = float(fitted._baseline_prediction.ravel()[0])  # noqa: SLF001
    made = Trees(feature=feature, limit=limit, leaf=leaf.astype(np.float32).astype(np.float64), bias=bias)
    if not np.allclose(made.logits(table[:500]), fitted.decision_function(table[:500]), atol=1e-3):
        raise ValueError("the unfolded trees answer otherwise than scikit-learn's")
    return made


def _unfold(nodes: np.ndarray, source: int, target: int, tree: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """Write a tree's node and what is below it as a complete tree: below a leaf that comes early everything is that leaf."""
    feature, limit, leaf = tree
    node = nodes[source]
    if target >= len(feature):
        leaf[target - len(feature)] = node["value"]
    elif node["is_leaf"]:
        _unfold(nodes, source, 2 * target + 1, tree)
        _unfold(nodes, source, 2 * target + 2, tree)
    else:
        feature[target], limit[target] = node["feature_idx"], node["num_threshold"]
        _unfold(nodes, int(node["left"]), 2 * target + 1, tree)
        _unfold(nodes, int(node["right"]), 2 * target + 2, tree)


class _Net(nn.Module):
    """As `rules.fall.model.Network`, to be fitted."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        widths = (channels, *WIDTHS)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(a, b, size, stride=2, padding=size // 2) for a, b, size in zip(widths, widths[1:], SIZES, strict=False)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for width in WIDTHS)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(6 * WIDTHS[-1], 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = torch.relu(norm(convolution(x)))
        length = x.shape[2]
        bounds = (0, *(int(length * share) for share in POOLS), length)
        pooled = [part for a, b in itertools.pairwise(bounds) for part in (x[:, :, a:b].mean(2), x[:, :, a:b].amax(2))]
        answer: torch.Tensor = self.head(self.dropout(torch.cat(pooled, 1)))[:, 0]
        return answer


def _network(image: np.ndarray, label: np.ndarray, weight: Float64, seed: int) -> Network:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = _Net(image.shape[1]).train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    share = weight / weight.sum()
    steps = EPOCHS * max(1, int(min(len(image), 1 / np.square(share).sum())) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    wanted = torch.from_numpy(label.astype(np.float32)) * (1 - 2 * SMOOTH) + SMOOTH
    for chosen in rng.choice(len(image), (steps, BATCH), p=share):
        x, y = torch.from_numpy(image[chosen].astype(np.float32)), wanted[chosen]
        part, other = float(rng.beta(MIX, MIX)), torch.from_numpy(rng.permutation(BATCH))
        x, y = part * x + (1 - part) * x[other], part * y + (1 - part) * y[other]
        loss = nn.functional.binary_cross_entropy_with_logits(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return _folded(net.eval())


def _folded(net: _Net) -> Network:
    """Its arrays, with each normalisation folded into the convolution before it."""
    weights: list[Float32] = []
    biases: list[Float32] = []
    with torch.no_grad():
        for convolution, norm in zip(net.convolutions, net.norms, strict=True):
            scale = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).numpy()
            weights.append((convolution.weight.numpy() * scale[:, None, None]).transpose(1, 2, 0).copy())
            biases.append((convolution.bias.numpy() - norm.running_mean.numpy()) * scale + norm.bias.numpy())
        return Network(weight=weights, bias=biases, head=net.head.weight.numpy()[0].copy(), head_bias=float(net.head.bias))


def voices(stage: Stage, table: Float32, image: np.ndarray) -> Float64:
    """(2, K): logits of the trees and of the networks, of features and channels that are there already."""
    networks = sum((network.logits(image.astype(np.float32)) for network in stage.networks), np.zeros(len(table)))
    return np.stack([stage.trees.logits(table), NETWORKS * networks / max(1, len(stage.networks))])
