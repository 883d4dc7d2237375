"""Drawn signals are what they claim to be; how near they come to people's stands in test_comparison."""

from collections.abc import Callable

import numpy as np
import pytest

from devices.model import Float32, Placement
from devices.simulator import motion
from devices.simulator.comparison import FallMeasures, fall_measures
from devices.simulator.falling import FALLING, Kind

Draw = Callable[[np.random.Generator, Placement, float], Float32]

DRAWS: dict[str, Draw] = {
    "fall": lambda rng, placement, rate_hz: motion.fall(rng, placement=placement, rate_hz=rate_hz),
    "walking": lambda rng, placement, rate_hz: motion.walking(rng, 14.0, placement=placement, rate_hz=rate_hz),
    "sitting_down": lambda rng, placement, rate_hz: motion.sitting_down(rng, 14.0, placement=placement, rate_hz=rate_hz),
    "resting": lambda rng, placement, rate_hz: motion.resting(rng, 14.0, placement=placement, rate_hz=rate_hz),
}


def magnitude(accel_g: Float32) -> Float32:
    return np.sqrt((accel_g**2).sum(axis=0))


def typical(placement: Placement, seed: int, kind: Kind | None = None) -> FallMeasures:
    accel_g = motion.fall(np.random.default_rng(seed), placement=placement, kind=kind, typical=True)
    return fall_measures(accel_g, int(magnitude(accel_g).argmax()))


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
@pytest.mark.parametrize("placement", Placement)
@pytest.mark.parametrize("rate_hz", [25.0, 50.0, 100.0, 104.0, 200.0])
def test_a_signal_is_planes_of_float32_within_the_range_of_the_sensor_in_whole_milli_g(
    draw: Draw, placement: Placement, rate_hz: float
) -> None:
    accel_g = draw(np.random.default_rng(1), placement, rate_hz)
    assert (accel_g.shape, accel_g.dtype) == ((3, round(14 * rate_hz)), np.float32)
    range_g = FALLING[Placement.WRIST if placement is Placement.WRIST else Placement.WAIST].range_g
    assert np.abs(accel_g).max() <= range_g
    assert np.allclose(accel_g * 1000, np.rint(accel_g * 1000), atol=2e-3)


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_the_same_seed_gives_the_same_bytes_and_another_gives_others(draw: Draw) -> None:
    first, again, other = (draw(np.random.default_rng(seed), Placement.WRIST, 50.0).tobytes() for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize("placement", [Placement.WRIST, Placement.WAIST])
@pytest.mark.parametrize("kind", Kind)
def test_the_hardest_contact_is_where_it_is_said_to_be(placement: Placement, kind: Kind) -> None:
    late_s = [
        magnitude(motion.fall(np.random.default_rng(seed), placement=placement, kind=kind, before_s=4.3, after_s=4.0)).argmax() / 50 - 4.3
        for seed in range(60)
    ]
    assert abs(float(np.median(late_s))) <= 0.1


@pytest.mark.parametrize("placement", [Placement.WRIST, Placement.WAIST])
@pytest.mark.parametrize("kind", [Kind.FORWARD, Kind.BACKWARD, Kind.SIDEWAYS])
def test_a_typical_fall_is_a_clear_one(placement: Placement, kind: Kind) -> None:
    for seed in range(60):
        one = typical(placement, seed, kind)
        assert one.impact_g > 3.5
        assert one.lowest_g < 0.8
        assert one.angle_deg > 45
        assert one.before_g > 0.04
        assert one.unrest_g < 0.12


def test_falls_onto_the_knees_and_slow_slides_are_softer_than_others() -> None:
    for placement in (Placement.WRIST, Placement.WAIST):
        kinds = (Kind.SLIDE, Kind.KNEES, Kind.FORWARD)
        impact_g = {kind: np.median([typical(placement, seed, kind).impact_g for seed in range(15)]) for kind in kinds}
        assert impact_g[Kind.SLIDE] < impact_g[Kind.KNEES] < impact_g[Kind.FORWARD]


@pytest.mark.parametrize("rate_hz", [25.0, 100.0, 200.0])
def test_it_is_the_same_fall_at_any_rate(rate_hz: float) -> None:
    for seed in range(20):
        usual, other = (motion.fall(np.random.default_rng(seed), before_s=4.0, after_s=4.0, rate_hz=rate) for rate in (50.0, rate_hz))
        fewest = min(50.0, rate_hz)
        apart = usual[:, :: round(50.0 / fewest)] - other[:, :: round(rate_hz / fewest)]
        assert np.quantile(np.abs(apart), 0.5) < 0.02
        assert np.degrees(np.arccos(motion.pointing(usual[:, -50:]) @ motion.pointing(other[:, -round(rate_hz) :]))) < 1


def test_it_begins_in_the_direction_that_is_given() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        signals = [
            motion.fall(rng, gravity=motion.HANGING)[:, :100],
            motion.walking(rng, 10.0, gravity=motion.HANGING),
            motion.resting(rng, 4.0, gravity=motion.HANGING),
            motion.sitting_down(rng, 8.0, gravity=motion.HANGING)[:, :50],
        ]
        assert min(motion.pointing(signal) @ motion.HANGING for signal in signals) > np.cos(np.radians(20))


def test_a_mounting_is_drawn_where_no_direction_is_given() -> None:
    drawn = [motion.pointing(motion.resting(np.random.default_rng(seed), 2.0)) for seed in range(200)]
    assert np.abs(np.mean(drawn, axis=0)).max() < 0.2


def test_rest_is_quiet_and_walking_is_not() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        assert magnitude(motion.resting(rng, 10.0)).std() < 0.05 < magnitude(motion.walking(rng, 10.0)).std()


def test_who_lies_moves_as_little_as_is_said() -> None:
    for seed in range(20):
        usual, less, none = (motion.resting(np.random.default_rng(seed), 20.0, movement=share) for share in (1.0, 0.2, 0.0))
        assert usual.std(axis=1).sum() > less.std(axis=1).sum() > none.std(axis=1).sum()
        assert magnitude(none).std() < 0.01
