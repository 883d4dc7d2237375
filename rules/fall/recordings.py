"""Recordings of people, run through the fall rule as devices would send them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.model import NS_PER_S, Bool, CommunityId, Device, DeviceId, DeviceKind, Float32, Int32, Int64, PersonId, Placement, Registry
from devices.sensors.acceleration import AccelerationBatch
from rules.fall.rule import Fall
from rules.fall.windows import spread
from rules.model import Event
from rules.premises import Premises

RATE_HZ = 50
"""Of every recording (contract.md, "Recordings"); also the samples in one packet of a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recordings:
    """T recordings of worn accelerometers, one after another. Labels are None where the file has none.

    Attributes
    ----------
    acc : (3, N) int16
        Milli-g at 50 Hz.
    off : (T + 1,) int32
        Recording i is `acc[:, off[i]:off[i + 1]]`.
    act : (T,) str, optional
        Activity: `F…` is a fall, `D…` is not.
    subj : (T,) str, optional
        Who.
    elderly : (T,) bool, optional
        Whether that is an old person.
    fall_start, fall_end : (T,) float32, optional
        Seconds, or NaN.
    fs_native : (T,) float32, optional
        Rate before conversion, Hz.
    gyro_mrad_s : (3, N) int16, optional
        Milli-radians per second.
    """

    acc: NDArray[np.int16]
    off: Int32
    act: NDArray[np.str_] | None = None
    subj: NDArray[np.str_] | None = None
    elderly: Bool | None = None
    fall_start: Float32 | None = None
    fall_end: Float32 | None = None
    fs_native: Float32 | None = None
    gyro_mrad_s: NDArray[np.int16] | None = None

    def __len__(self) -> int:
        return len(self.off) - 1

    @property
    def length_s(self) -> NDArray[np.float64]:
        """(T,) seconds."""
        return np.diff(self.off) / RATE_HZ


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """A fall that was found.

    Attributes
    ----------
    at_s : float
        Time of the impact within the recording.
    decided_s : float
        End of the packet in which it was known.
    """

    recording: int
    kind: str
    at_s: float
    score: float
    decided_s: float


def detect(recordings: Recordings, placement: Placement) -> list[Detection]:
    """Falls the rule finds: every recording a new device, in 1-second packets, all side by side; their end flushes nothing.

    Returns
    -------
    list of Detection
        By recording, then time.
    """
    community = CommunityId("recordings")
    devices = [
        Device(community_id=community, id=DeviceId(str(i)), kind=DeviceKind.WEARABLE, wearer=PersonId(str(i)), placement=placement)
        for i in range(len(recordings))
    ]
    rule = Fall(Premises(registry=Registry(devices)))
    events = [fact for batch in _seconds(recordings) for fact in rule.update(batch) if isinstance(fact, Event)]
    found = [
        Detection(
            recording=int(event.subject),
            kind=event.kind.value,
            at_s=event.t_ns / NS_PER_S,
            score=event.score,
            decided_s=event.known_ns / NS_PER_S,
        )
        for event in events
    ]
    return sorted(found, key=lambda one: (one.recording, one.at_s))


def _seconds(recordings: Recordings) -> Iterator[AccelerationBatch]:
    """Packet k of every recording that is that long; the last one of a recording may be shorter."""
    start, length = recordings.off[:-1].astype(np.int64), np.diff(recordings.off).astype(np.int64)
    seq = 0
    for first in range(0, int(length.max(initial=0)), RATE_HZ):
        device = np.flatnonzero(length > first)
        samples = np.minimum(length[device] - first, RATE_HZ)
        _, index = spread(start[device] + first, samples)
        count = len(device)
        sample_ns = NS_PER_S // RATE_HZ
        nothing: Bool = np.zeros(count, np.bool_)
        offset: Int64 = np.concatenate([[0], np.cumsum(samples)]).astype(np.int64)
        yield AccelerationBatch(
            device=device.astype(np.int32),
            time_ns=np.full(count, first * sample_ns, np.int64),
            received_ns=(first + samples) * sample_ns,
            seq=np.arange(seq, seq + count, dtype=np.int64),
            retained=nothing,
            clock_wrong=nothing,
            back=nothing,
            rate_hz=np.full(count, float(RATE_HZ)),
            offset=offset,
            accel_g=recordings.acc[:, index].astype(np.float32) / np.float32(1000),
            gyro_dps=np.full((3, len(index)), np.nan, np.float32),
        )
        seq += count
