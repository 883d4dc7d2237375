"""Windows to learn from: every impact of recordings, with its label, and copies of it as other devices would have seen it."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from devices.model import Bool, Float32, Int64, Placement
from rules.fall.recordings import RATE_HZ, Recordings

TRIGGER_G = 1.5
PEAK_S = 1.0
BEFORE_FALL_S, AFTER_FALL_S = 0.5, 1.0
"""An impact this near to a labelled fall is the fall's."""
MARGIN = 4
"""Samples a copy may be shifted by: a peak is found a little earlier or later on another device."""
REACH = (130 + MARGIN, 150 + MARGIN)
"""Samples of a window before and after its impact."""
GAPS = 0.1
"""Share of the copies that have a gap, held."""
EFFECTIVE_HZ = 39.8
"""WEDA-FALL's falls were sampled at this rate and the rest at 49.7: all is brought to the lower, or the rate would tell the class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """K impacts.

    Attributes
    ----------
    accel_g : (K, 3, W) float32
        Around the impact at 50 Hz, `REACH` samples; a recording's ends are held.
    recording, sample : (K,) int64
        Where.
    label : (K,) int64
        1 a fall, 0 none, -1 an impact of a fall's recording that is not the fall: neither.
    after : (K,) int64
        Samples the recording has after it.
    subject : (K,) str
        Who, with the data set's name.
    placement : Placement
        Where the device was worn.
    """

    accel_g: Float32
    recording: Int64
    sample: Int64
    label: Int64
    after: Int64
    subject: np.ndarray
    placement: Placement

    def __len__(self) -> int:
        return len(self.label)


def candidates(of: Recordings, name: str, placement: Placement, rng: np.random.Generator) -> Candidates:
    """Impacts of labelled recordings."""
    if of.act is None or of.subj is None:
        raise ValueError(f"{name}: recordings have no act or no subj, and nothing can be learnt without who and what")
    windows, rows = [], []
    for number in range(len(of)):
        accel_g = of.acc[:, of.off[number] : of.off[number + 1]].astype(np.float32) / np.float32(1000)
        if (
            of.fs_native is not None
            and len({round(float(rate)) for rate in of.fs_native}) > 1
            and EFFECTIVE_HZ < of.fs_native[number] < RATE_HZ + 1
        ):
            accel_g = slowed(accel_g[None], EFFECTIVE_HZ, rng)[0]
        length = accel_g.shape[1]
        impacts = peaks(np.sqrt(np.square(accel_g).sum(axis=0)))
        label = _labels(of, number, impacts, accel_g)
        for impact, is_fall in zip(impacts.tolist(), label.tolist(), strict=True):
            around = np.clip(np.arange(impact - REACH[0], impact + REACH[1] + 1), 0, length - 1)
            windows.append(accel_g[:, around])
            rows.append((number, impact, is_fall, length - 1 - impact))
    table = np.array(rows, np.int64).reshape(-1, 4)
    return Candidates(
        accel_g=np.stack(windows),
        recording=table[:, 0],
        sample=table[:, 1],
        label=table[:, 2],
        after=table[:, 3],
        subject=np.char.add(f"{name}/", of.subj[table[:, 0]]),
        placement=placement,
    )


def peaks(magnitude_g: Float32) -> Int64:
    """Samples over the trigger that are the highest within a second on both sides; of equals the first."""
    reach = round(PEAK_S * RATE_HZ)
    over = np.flatnonzero(magnitude_g >= TRIGGER_G)
    highest = [max(0, one - reach) + int(np.argmax(magnitude_g[max(0, one - reach) : one + reach + 1])) == one for one in over.tolist()]
    return over[np.array(highest, np.bool_)] if len(over) else over


def copied(accel_g: Float32, rng: np.random.Generator) -> Float32:
    """The same windows as other devices see them: turned, with another gain, range, rate and noise, a little shifted, with a gap."""
    count, _, length = accel_g.shape
    turn = Rotation.random(count, random_state=int(rng.integers(2**31))).as_matrix().astype(np.float32)
    made = np.einsum("kij,kjt->kit", turn, accel_g) * rng.uniform(0.9, 1.1, (count, 1, 1)).astype(np.float32)
    range_g = rng.choice(np.array([2, 4, 8, 16], np.float32), count, p=[0.3, 0.2, 0.2, 0.3])[:, None, None]
    made = np.clip(made, -range_g, range_g)
    rate_hz = rng.choice(np.array([25.0, 32.0, 40.0, RATE_HZ]), count)
    for one in (25.0, 32.0, 40.0):
        made[rate_hz == one] = slowed(made[rate_hz == one], one, rng)
    made += rng.normal(0, 1, made.shape).astype(np.float32) * rng.uniform(0, 0.02, (count, 1, 1)).astype(np.float32)
    for one in np.flatnonzero(rng.random(count) < GAPS).tolist():
        gap, first = int(rng.integers(5, 50)), int(rng.integers(20, length - 60))
        if not first - 8 <= REACH[0] <= first + gap + 8:
            made[one, :, first : first + gap] = made[one, :, first - 1 : first]
    index = np.clip(np.arange(length) + rng.integers(-MARGIN, MARGIN + 1, count)[:, None], 0, length - 1)
    shifted: Float32 = np.take_along_axis(made, index[:, None, :], axis=2).astype(np.float32)
    return shifted


def slowed(accel_g: Float32, rate_hz: float, rng: np.random.Generator, phases: int = 8) -> Float32:
    """(K, 3, T) as if sampled at a lower rate, at any phase, and brought back to 50 Hz by straight lines."""
    made, phase = np.empty_like(accel_g), rng.integers(0, phases, len(accel_g))
    at_s = np.arange(accel_g.shape[2]) / RATE_HZ
    each = np.eye(len(at_s))
    for one in np.unique(phase).tolist():
        seen_s = np.arange(one / phases / rate_hz, at_s[-1] + 1e-9, 1 / rate_hz)
        seen = np.stack([np.interp(seen_s, at_s, row) for row in each])
        matrix = np.stack([np.interp(at_s, seen_s, row) for row in seen]).astype(np.float32)
        made[phase == one] = accel_g[phase == one] @ matrix
    return made


def _labels(of: Recordings, number: int, impacts: Int64, accel_g: Float32) -> Int64:
    assert of.act is not None
    if not str(of.act[number]).startswith("F"):
        return np.zeros(len(impacts), np.int64)
    label = np.full(len(impacts), -1, np.int64)
    start_s = float("nan") if of.fall_start is None else float(of.fall_start[number])
    end_s = float("nan") if of.fall_end is None else float(of.fall_end[number])
    if np.isnan(start_s) or np.isnan(end_s):
        if len(impacts):
            label[np.argmax(np.square(accel_g[:, impacts]).sum(axis=0))] = 1
        return label
    inside: Bool = (impacts >= (start_s - BEFORE_FALL_S) * RATE_HZ) & (impacts <= (end_s + AFTER_FALL_S) * RATE_HZ)
    label[inside] = 1
    return label
