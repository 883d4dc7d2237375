"""The learnt judge's arithmetic: each part against the plainest way of computing the same, and what must not matter to it."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from devices.model import Placement
from rules.fall import model
from rules.fall.features import BEFORE, CHANNELS, channels, features, images, outlines
from rules.fall.resampling import held, resampled

RNG = np.random.default_rng(5)


def windows(count: int = 6, after: int = 150) -> np.ndarray:
    walk = RNG.normal(0, 0.1, (count, 3, BEFORE + 1 + after)).cumsum(axis=2) * 0.05
    walk[:, 2] += 1
    walk[:, :, BEFORE - 3 : BEFORE + 4] *= 3
    return walk.astype(np.float32)


def test_a_tree_answers_as_walking_down_it_by_hand() -> None:
    trees = model.Trees(
        feature=np.array([[0, 1, 1], [1, 0, 0]]),
        limit=np.array([[0.0, 1.0, -1.0], [0.5, np.inf, np.inf]]),
        leaf=np.array([[1.0, 2.0, 3.0, 4.0], [10.0, 10.0, 20.0, 20.0]]),
        bias=100.0,
    )
    table = np.array([[0.0, 1.0], [0.0, 1.5], [0.1, -1.0], [0.1, 0.5]], np.float32)
    assert trees.logits(table).tolist() == [121.0, 122.0, 113.0, 114.0]


def test_a_network_answers_as_its_sums_written_out() -> None:
    weight, bias = RNG.normal(size=(2, 3, 4)).astype(np.float32), RNG.normal(size=4).astype(np.float32)
    head = RNG.normal(size=24).astype(np.float32)
    network = model.Network(weight=[weight], bias=[bias], head=head, head_bias=0.25)
    image = RNG.normal(size=(3, 2, 41)).astype(np.float32)
    for picture, answer in zip(image, network.logits(image), strict=True):
        padded = np.pad(picture, ((0, 0), (1, 1)))
        steps = [bias + sum(padded[c, 2 * t + k] * weight[c, k] for c in range(2) for k in range(3)) for t in range(21)]
        h = np.maximum(np.array(steps), 0)
        first, second = int(21 * model.POOLS[0]), int(21 * model.POOLS[1])
        parts = [h[:first], h[first:second], h[second:]]
        pooled = np.concatenate([pool for part in parts for pool in (part.mean(axis=0), part.max(axis=0))])
        assert answer == pytest.approx(float(pooled @ head) + 0.25, rel=1e-4, abs=1e-4)


def test_many_windows_are_judged_as_each_alone() -> None:
    of = windows(150)
    for stage, after in ((0, 75), (1, 150)):
        together = model.stages()[stage].logits(channels(of[:, :, : BEFORE + 1 + after]))
        alone = [model.stages()[stage].logits(channels(of[i : i + 1, :, : BEFORE + 1 + after]))[0] for i in range(0, 150, 29)]
        assert together[::29] == pytest.approx(alone, abs=2e-3)


@pytest.mark.parametrize("after", [75, 150])
def test_turning_the_device_changes_no_feature(after: int) -> None:
    of = windows(after=after)
    turned = np.einsum("ij,kjt->kit", Rotation.from_euler("xyz", [40, 200, 15], degrees=True).as_matrix(), of).astype(np.float32)
    table, names = features(channels(of))
    again, _ = features(channels(turned))
    assert table.shape == (6, len(names)) == (6, len(set(names)))
    for column, name in enumerate(names):
        if not name.startswith(("rises", "above", "low", "still")):  # counts of samples beyond a limit: one may lie on it
            assert again[:, column] == pytest.approx(table[:, column], rel=2e-2, abs=2e-2), name
    assert images(channels(turned)) == pytest.approx(images(channels(of)), abs=2e-2)
    assert images(channels(of)).shape == (6, len(CHANNELS), BEFORE + 1 + after)


def test_packing_and_unpacking_changes_no_answer() -> None:
    of = channels(windows())
    again = model.unpacked(model.packed(model.stages()))
    assert again[1].logits(of) == pytest.approx(model.stages()[1].logits(of), abs=1e-4)
    assert again[0].threshold == dict(model.stages()[0].threshold)


def test_every_stage_has_a_threshold_and_a_calibration_for_every_placement() -> None:
    for stage in model.stages():
        for placement in Placement:
            assert 0 < stage.threshold[placement] <= 1
            assert stage.slope[placement] > 0
            logits = np.array([-5.0, 0.0, 5.0])
            assert np.all(np.diff(stage.probability(logits, [placement] * 3)) > 0)


def test_an_outline_is_what_its_strokes_say_one_by_one() -> None:
    of = np.concatenate([np.zeros((6, 3, 5), np.float32), windows()], axis=2)
    table = outlines(of, 50.0, 2.6, 3.0)
    strokes = of[:, :, 5:].astype(np.float64).reshape(6, 3, 23, 12)
    magnitude, mean = np.sqrt(np.square(strokes).sum(axis=1)), strokes.mean(axis=3)
    upright = mean[:, :, :7].mean(axis=2)
    cosine = np.einsum("kis,ki->ks", mean, upright) / np.linalg.norm(mean, axis=1) / np.linalg.norm(upright, axis=1)[:, None]
    wanted = np.concatenate([np.sqrt(np.square(magnitude).mean(axis=2)), magnitude.max(axis=2), cosine], axis=1)
    assert table == pytest.approx(wanted, abs=1e-4)
    side_by_side = np.ascontiguousarray(of.transpose(1, 2, 0)).transpose(2, 0, 1)
    assert outlines(side_by_side, 50.0, 2.6, 3.0) == pytest.approx(table, abs=1e-5)


@pytest.mark.parametrize("rate_hz", [25.0, 32.0, 39.8, 100.0, 119.0, 200.0])
@pytest.mark.parametrize("after_s", [1.5, 3.0])
def test_a_slow_swing_has_the_same_outline_at_every_rate(rate_hz: float, after_s: float) -> None:
    def swing(rate_hz: float) -> np.ndarray:
        at_s = (np.arange(round(2.6 * rate_hz) + 1 + round(after_s * rate_hz)) - round(2.6 * rate_hz)) / rate_hz
        return np.stack([2 + np.sin(2 * np.pi * 0.7 * at_s + phase) for phase in (0, 1, 2)])[None].astype(np.float32)

    wanted = outlines(swing(50.0), 50.0, 2.6, after_s)
    assert outlines(swing(rate_hz), rate_hz, 2.6, after_s) == pytest.approx(wanted, abs=0.15)


def test_no_limit_is_so_low_that_the_networks_are_not_asked() -> None:
    for stage in model.stages():
        for placement in Placement:
            unheard = stage.probability(np.array([model.UNHEARD]), [placement])[0]
            assert unheard < stage.threshold[placement]


@pytest.mark.parametrize("rate_hz", [25.0, 32.0, 39.8, 50.0, 100.0, 200.0])
def test_a_slow_swing_looks_the_same_at_every_rate(rate_hz: float) -> None:
    at_s = (np.arange(round(2.6 * rate_hz) + 1 + round(3.0 * rate_hz)) - round(2.6 * rate_hz)) / rate_hz
    swing = np.stack([np.sin(2 * np.pi * 1.5 * at_s + phase) for phase in (0, 1, 2)])[None].astype(np.float32)
    made = resampled(swing, rate_hz, 2.6, 3.0)
    wanted_s = np.arange(-BEFORE, 151) / 50
    wanted = np.stack([np.sin(2 * np.pi * 1.5 * wanted_s + phase) for phase in (0, 1, 2)])
    assert made.shape == (1, 3, 276)
    assert made[0][:, 10:-10] == pytest.approx(wanted[:, 10:-10], abs=0.06)


def test_what_is_above_eight_hertz_is_gone() -> None:
    at_s = np.arange(281 * 4) / 200
    buzz = np.tile(np.sin(2 * np.pi * 40 * at_s), (1, 3, 1)).astype(np.float32)
    assert np.abs(resampled(buzz[:, :, : round(2.6 * 200) + 1 + 600], 200.0, 2.6, 3.0))[:, :, 10:-10].max() < 0.02


def test_what_was_not_received_is_held() -> None:
    window = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    window[0, :, [0, 2]] = np.nan
    known = np.array([[False, True, False, True]])
    assert held(window, known).tolist() == [[[1, 1, 1, 3], [5, 5, 5, 7], [9, 9, 9, 11]]]
