"""The rings of samples themselves: what they cost, what they keep, and when it was."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from devices.sensors.acceleration import STANDARD_GRAVITY_MPS2, AccelerationBatch
from rules.fall.slots import LARGEST_TICK, biased, magnitude_mg2, pack, unbiased
from rules.fall.windows import LATE_S, RATES_HZ, Step, Windows, rounds, spread

S = 1_000_000_000
T0_NS = 1_772_416_800 * S
AFTER_S, BEFORE_S = 3.0, 2.6


def windows(devices: int) -> Windows:
    return Windows(devices, before_s=BEFORE_S, after_s=AFTER_S, stretch_s=1.0, least_g=1.5)


def a_batch(device: NDArray[np.int64], at_s: float, accel_g: NDArray[np.float32], rate_hz: float = 50.0) -> AccelerationBatch:
    """One packet of each device, all as long: (3, P, L) samples."""
    count, length = len(device), accel_g.shape[2]
    nothing = np.zeros(count, np.bool_)
    time_ns = np.full(count, T0_NS + round(at_s * S), np.int64)
    return AccelerationBatch(
        device=device.astype(np.int32),
        time_ns=time_ns,
        received_ns=time_ns + S,
        seq=np.arange(count, dtype=np.int64),
        retained=nothing,
        clock_wrong=nothing,
        back=nothing,
        rate_hz=np.full(count, rate_hz),
        offset=np.arange(count + 1, dtype=np.int64) * length,
        accel_g=np.ascontiguousarray(accel_g.reshape(3, -1)),
        gyro_dps=np.full((3, count * length), np.nan, np.float32),
    )


def resting(count: int, length: int = 50, seed: int = 5) -> NDArray[np.float32]:
    random = np.random.default_rng(seed)
    return (random.normal(0, 0.02, (3, count, length)) + np.array([0, 0.6, 0.8])[:, None, None]).astype(np.float32)


def taken(rings: Windows, batch: AccelerationBatch) -> int:
    """How many samples the rings went on by."""
    return sum(int((step.head - step.was).sum()) for step in steps(rings, batch))


def steps(rings: Windows, batch: AccelerationBatch, wanted: NDArray[np.bool_] | None = None) -> Iterator[Step]:
    """What packets bring about, of all devices or of some."""
    for packets in rounds(batch, np.ones(len(batch), np.bool_) if wanted is None else wanted):
        yield from rings.take(batch, packets)


def test_a_wearer_costs_less_than_4_kb() -> None:
    rings = windows(2000)
    for second in range(12):
        taken(rings, a_batch(np.arange(2000), second, resting(2000)))
    assert rings.nbytes / 2000 < 4000


def test_who_never_sent_costs_next_to_nothing() -> None:
    rings = windows(100_000)
    for second in range(12):
        taken(rings, a_batch(np.arange(0, 100_000, 1000), second, resting(100)))
    assert rings.nbytes - windows(100_000).nbytes < 100 * 4000
    assert rings.nbytes / 100_000 < 80


def test_devices_that_come_one_by_one_cost_no_more() -> None:
    rings = windows(500)
    for device in range(500):
        taken(rings, a_batch(np.array([device]), 0, resting(1)))
    assert rings.nbytes / 500 < 4250


def test_samples_are_kept_in_order_however_often_the_ring_turned() -> None:
    rings, devices = windows(3), np.arange(3)
    stream = np.concatenate([resting(3, seed=second) for second in range(40)], axis=2)
    for second in range(40):
        taken(rings, a_batch(devices, second, stream[:, :, 50 * second : 50 * second + 50]))
        head = rings._head.copy()
        for count in (1, 50, 101, 281):
            if 50 * (second + 1) >= count:
                kept = rings.stretches(devices, head - count, count)[..., :3]
                wanted = np.rint(stream[:, :, 50 * (second + 1) - count : 50 * (second + 1)] * np.float32(1000))
                assert (kept == wanted.transpose(1, 2, 0)).all()
        assert (rings.samples(devices[:, None], head[:, None] - np.arange(1, 40))[..., 3] != 0).all()


def test_what_was_not_received_is_a_hole_and_what_a_ring_held_a_turn_ago_is_gone() -> None:
    rings, device = windows(1), np.array([0])
    for second in (*range(15), 18, 19):
        taken(rings, a_batch(device, second, resting(1)))
    known = rings.stretches(device, rings._head - 350, 350)[0, :, 3] != 0
    assert known.tolist() == [True] * 100 + [False] * 150 + [True] * 100


def test_a_late_packet_fills_its_hole_and_nothing_else() -> None:
    rings, device = windows(1), np.array([0])
    whole = [resting(1, seed=second) for second in range(12)]
    for second in (0, 1, 2, 3, 4, 5, 7, 8, 9):
        taken(rings, a_batch(device, second, whole[second]))
    before = rings.stretches(device, rings._head - 400, 400).copy()
    (step,) = steps(rings, a_batch(device, 6, whole[6]))
    after = rings.stretches(device, rings._head - 400, 400)
    assert step.fills.tolist() == [True]
    assert (step.was == step.head).all()
    changed = (before != after).any(axis=2)[0]
    assert np.flatnonzero(changed).tolist() == list(range(200, 250))
    assert (after[0, 200:250, :3] == np.rint(whole[6][:, 0] * np.float32(1000)).T).all()
    (again,) = steps(rings, a_batch(device, 6, resting(1, seed=99)))
    assert again.fills.tolist() == [False]
    assert (rings.stretches(device, rings._head - 400, 400) == after).all()


def test_a_sample_that_is_later_than_the_windows_wait_for_is_left_out() -> None:
    rings, device = windows(1), np.array([0])
    for second in (0, 1, 2, *range(4, 12)):
        taken(rings, a_batch(device, second, resting(1)))
    assert AFTER_S + LATE_S < 9
    assert not any(step.fills.any() for step in steps(rings, a_batch(device, 2.5, resting(1))))


@pytest.mark.parametrize("rate_hz", [10.0, 25.0, 31.25, 32.0, 39.8, 50.0, 104.0, 1000.0])
def test_times_are_those_of_the_packets_to_the_millisecond(rate_hz: float) -> None:
    rings, device, length = windows(1), np.array([0]), round(rate_hz)
    assert RATES_HZ[0] <= rate_hz <= RATES_HZ[1]
    at_s = 0.0
    for second in range(30):
        taken(rings, a_batch(device, at_s + 0.004 * (second % 3), resting(1, length), rate_hz))
        newest_ns = T0_NS + round((at_s + 0.004 * (second % 3) + (length - 1) / rate_hz) * S)
        assert abs(int(rings.time_ns(device, rings._head - 1)[0]) - newest_ns) <= 700_000
        at_s += length / rate_hz


def test_packets_of_others_among_those_that_are_wanted_are_left_out() -> None:
    rings, alone = windows(40), windows(40)
    wanted = np.arange(40) % 3 != 0
    for second in range(12):
        accel_g = resting(40, seed=second)
        for step in steps(rings, a_batch(np.arange(40), second, accel_g), wanted):
            assert wanted[step.device].all()
        taken(alone, a_batch(np.flatnonzero(wanted), second, accel_g[:, wanted]))
    devices = np.flatnonzero(wanted)
    assert (rings.stretches(devices, rings._head[devices] - 400, 400) == alone.stretches(devices, alone._head[devices] - 400, 400)).all()
    assert (rings._rate_hz[~wanted] == 0).all()


def test_the_highest_sample_of_each_stretch_is_told_where_it_is_high_enough() -> None:
    rings, accel_g = windows(4), resting(4)
    accel_g[2, 1, [17, 30]], accel_g[2, 2, 12], accel_g[2, 3, 0] = 3.0, 1.2, 1.6
    (step,) = steps(rings, a_batch(np.arange(4), 0, accel_g))
    held_mg2 = magnitude_mg2(rings.stretches(step.device, step.start, 50))
    assert (held_mg2.max(axis=1) >= 1500**2).tolist() == [False, True, False, True]
    assert step.peak.tolist() == [-1, step.start[1] + int(held_mg2[1].argmax()), -1, step.start[3]]
    assert step.peak_mg2.tolist() == [0, held_mg2[1].max(), 0, held_mg2[3, 0]]


@settings(deadline=None, max_examples=60)
@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=12),
    wanted=st.integers(0, 2**12 - 1),
    high=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 39), st.sampled_from([1.4, 1.6, 2.0, 40.0, np.nan])), max_size=12),
)
def test_the_highest_sample_is_that_of_its_own_stretch_whatever_lies_between(
    lengths: list[int], wanted: int, high: list[tuple[int, int, float]]
) -> None:
    count, offset = len(lengths), np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    accel_g = resting(1, int(offset[-1]))[:, 0]
    for row, sample, height_g in high:
        if row < count and sample < lengths[row]:
            accel_g[:, offset[row] + sample] = 0, 0, height_g
    is_wanted = np.array([bool(wanted >> row & 1) for row in range(count)])
    batch = replace(a_batch(np.arange(count), 0, np.zeros((3, count, 1), np.float32)), offset=offset, accel_g=accel_g)
    rings = windows(count)
    found: dict[int, tuple[int, float]] = {}
    for step in steps(rings, batch, is_wanted):
        peaks = zip(step.device.tolist(), (step.peak - step.start).tolist(), step.peak_mg2.tolist(), strict=True)
        found |= {device: (sample, mg2) for device, sample, mg2 in peaks if mg2}
    wholly_mg = np.clip(np.rint(accel_g * np.float32(1000)), -32_767, 32_767)
    squared_mg2 = np.nan_to_num(np.square(wholly_mg).sum(axis=0))
    of_row = [squared_mg2[offset[row] : offset[row + 1]] for row in range(count)]
    assert found == {
        row: (int(one.argmax()), one.max()) for row, one in enumerate(of_row) if is_wanted[row] and one.max() >= np.float32(1500**2)
    }


def test_an_honest_device_is_left_as_it_is_to_the_bit() -> None:
    packed = np.random.default_rng(3).integers(-32_767, 32_768, (3, 64 * 50)).astype(np.int16)
    accel_g = np.divide(packed, np.float32(1000), dtype=np.float32)
    made = pack(accel_g, np.arange(65) * 50, np.zeros(64, np.int64), np.ones(64, np.float32), 1500.0**2)
    assert (made.slots.view(np.int16).reshape(-1, 4)[:, :3] == packed.T).all()


@pytest.mark.parametrize("gain", [STANDARD_GRAVITY_MPS2, 1 / STANDARD_GRAVITY_MPS2])
def test_a_gain_is_for_its_own_stretches(gain: float) -> None:
    accel_g, gains = resting(6).reshape(3, -1), np.ones(6, np.float32)
    gains[[1, 4]] = gain
    made = pack(accel_g, np.arange(7) * 50, np.zeros(6, np.int64), gains, 1500.0**2)
    assert made.mean_mg == pytest.approx(1000 * gains, rel=0.02)


@given(ticks=st.integers(-LARGEST_TICK, LARGEST_TICK))
def test_a_deviation_is_kept_exactly_and_never_as_nothing(ticks: int) -> None:
    kept = biased(np.array([ticks]))
    assert kept[0] != 0
    assert unbiased(kept).tolist() == [ticks]


@settings(deadline=None)
@given(ranges=st.lists(st.tuples(st.integers(-50, 50), st.integers(0, 9)), max_size=20))
def test_ranges_are_spread_one_after_another(ranges: list[tuple[int, int]]) -> None:
    start, length = (np.array([one[i] for one in ranges], np.int64) for i in (0, 1))
    owner, value = spread(start, length)
    assert list(zip(owner.tolist(), value.tolist(), strict=True)) == [
        (i, begin + k) for i, (begin, count) in enumerate(ranges) for k in range(count)
    ]


def test_rings_that_are_opened_later_begin_empty() -> None:
    rings = windows(60)
    for device in range(60):
        for second in range(11):
            taken(rings, a_batch(np.arange(device + 1), 11 * device + second, resting(device + 1)))
        newest = rings.stretches(np.array([device]), rings._head[[device]] - 50, 50)
        assert (newest[..., 3] != 0).all()
        if device < 59:
            opened = a_batch(np.array([device + 1]), 11 * device + 10, resting(1, 5))
            taken(rings, opened)
            fresh = rings.stretches(np.array([device + 1]), rings._head[[device + 1]] - 400, 400)
            assert (fresh[0, :, 3] != 0).sum() == 5
