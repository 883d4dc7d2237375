"""Acceleration: packets of evenly spaced samples of a worn accelerometer, gravity included; JSON or packed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np

from devices.model import Batch, Decoded, Float32, Float64, Int64, Kind, Message, Rejected, SensorKind
from devices.payload import Timed, header, offsets, read, refuse, sealed, set_aside, shown

STANDARD_GRAVITY_MPS2 = 9.80665
"""One g, by definition (3rd CGPM, 1901)."""
RATE_HZ = (1.0, 1000.0)
"""Accepted rates: below 1 Hz nothing of a movement is left, above 1 kHz no worn device streams."""
MAX_ACCEL = 10_000.0
"""Largest number in `xyz`, in either unit: in m/s² about 1000 g, more than any worn sensor measures, and no float32 overflows."""
MAX_GYRO_DPS = 100_000.0
"""Largest turn rate, for the same reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccelerationBatch(Batch):
    """N packets with S samples in all; a row is a packet, its samples are planar and time-major.

    Attributes
    ----------
    rate_hz : (N,) float64
        Sampling rate the device promises, above 0.
    offset : (N + 1,) int64
        Packet i holds samples offset[i]:offset[i + 1].
    accel_g : (3, S) float32
        x, y, z in g, device axes, gravity included; finite.
    gyro_dps : (3, S) float32
        Degrees per second; NaN where the packet had none.
    """

    rate_hz: Float64
    offset: Int64
    accel_g: Float32
    gyro_dps: Float32


_Accel = Annotated[float, msgspec.Meta(ge=-MAX_ACCEL, le=MAX_ACCEL)]
_Gyro = Annotated[float, msgspec.Meta(ge=-MAX_GYRO_DPS, le=MAX_GYRO_DPS)]
_PER_G = {"g": 1.0, "m/s2": STANDARD_GRAVITY_MPS2}


class _Packet(Timed, frozen=True, gc=False):
    rate_hz: Annotated[float, msgspec.Meta(ge=RATE_HZ[0], le=RATE_HZ[1])]
    unit: str
    xyz: Annotated[list[tuple[_Accel, _Accel, _Accel]], msgspec.Meta(min_length=1)]
    gyro_dps: list[tuple[_Gyro, _Gyro, _Gyro]] | None = None

    def __post_init__(self) -> None:
        if self.unit not in _PER_G:
            refuse("$.unit", shown(self.unit), " or ".join(_PER_G))
        if self.gyro_dps is not None and len(self.gyro_dps) != len(self.xyz):
            refuse("$.gyro_dps", f"{len(self.gyro_dps)} rows", f"{len(self.xyz)} as in xyz")


_DECODER = msgspec.json.Decoder(_Packet)
_MAGIC = b"A1"
_HEAD = np.dtype([("magic", "S2"), ("count", "<u2"), ("rate_hz", "<f4"), ("t_us", "<i8")])
_SAMPLE_BYTES = 6
_MAX_US = np.iinfo(np.int64).max // 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Packets:
    """N packets read from one encoding: as in `AccelerationBatch`, and what was set aside."""

    messages: list[Message]
    sent_ns: Int64
    rate_hz: Float64
    count: Int64
    accel_g: Float32
    gyro_dps: Float32
    rejected: tuple[Rejected, ...]


def decode(messages: Sequence[Message]) -> Decoded[AccelerationBatch]:
    """Packets of wearables; what begins with `A1` is packed (JSON never does), the rest is JSON."""
    packets = _packets(messages)
    batch = AccelerationBatch(
        **header(packets.messages, packets.sent_ns),
        rate_hz=packets.rate_hz,
        offset=offsets(packets.count),
        accel_g=packets.accel_g,
        gyro_dps=packets.gyro_dps,
    )
    return Decoded(sealed(batch), packets.rejected)


def _packets(messages: Sequence[Message]) -> _Packets:
    """Packets of both encodings, in order of arrival."""
    packed = [m for m in messages if m.payload.startswith(_MAGIC)]
    if len(packed) == len(messages):
        return _unpacked(packed)
    plain = _parsed([m for m in messages if not m.payload.startswith(_MAGIC)])
    return _merged(_unpacked(packed), plain) if packed else plain


def _parsed(messages: Sequence[Message]) -> _Packets:
    """Packets of JSON."""
    payloads = read(messages, _DECODER.decode)
    values = payloads.values
    accel = [np.array(value.xyz, np.float64) / _PER_G[value.unit] for value in values]
    gyro = [np.full((len(value.xyz), 3), np.nan) if value.gyro_dps is None else np.array(value.gyro_dps) for value in values]
    return _Packets(
        messages=payloads.messages,
        sent_ns=payloads.sent_ns,
        rate_hz=np.array([value.rate_hz for value in values], np.float64),
        count=np.array([len(value.xyz) for value in values], np.int64),
        accel_g=_planar(accel),
        gyro_dps=_planar(gyro),
        rejected=payloads.rejected,
    )


def _planar(rows: Sequence[Float64]) -> Float32:
    """(3, S) float32 of (n, 3) each."""
    return np.concatenate([np.empty((0, 3)), *rows]).T.astype(np.float32, order="C")


def _unpacked(messages: Sequence[Message]) -> _Packets:
    """Packets of the packed encoding: all their samples at once."""
    whole = [m for m in messages if len(m.payload) >= _HEAD.itemsize]
    heads = np.frombuffer(b"".join(m.payload[: _HEAD.itemsize] for m in whole), _HEAD)
    size = np.fromiter((len(m.payload) for m in whole), np.int64, len(whole))
    count, rate_hz = heads["count"].astype(np.int64), heads["rate_hz"].astype(np.float64)
    fits = (count > 0) & (size == _HEAD.itemsize + _SAMPLE_BYTES * count)
    good = fits & (rate_hz >= RATE_HZ[0]) & (rate_hz <= RATE_HZ[1])  # NaN is not
    rejected = [set_aside(m, f"packet has {len(m.payload)} bytes, wanted 16 + 6 N") for m in messages if len(m.payload) < _HEAD.itemsize]
    rejected += [
        set_aside(whole[i], _why(int(size[i]), int(count[i]), float(rate_hz[i]), fits=bool(fits[i]))) for i in np.flatnonzero(~good)
    ]
    kept = [m for m, is_good in zip(whole, good.tolist(), strict=True) if is_good]
    samples = np.frombuffer(b"".join(m.payload[_HEAD.itemsize :] for m in kept), "<i2").reshape(-1, 3)
    return _Packets(
        messages=kept,
        sent_ns=np.clip(heads["t_us"][good].astype(np.int64), -_MAX_US, _MAX_US) * 1000,
        rate_hz=rate_hz[good],
        count=count[good],
        accel_g=np.divide(samples.T, np.float32(1000), dtype=np.float32, order="C"),
        gyro_dps=np.full((3, len(samples)), np.nan, np.float32),
        rejected=tuple(sorted(rejected, key=lambda r: r.seq)),
    )


def _why(size: int, count: int, rate_hz: float, *, fits: bool) -> str:
    if not count:
        return "N is 0, wanted at least 1 sample"
    if not fits:
        return f"packet has {size} bytes, wanted {_HEAD.itemsize + _SAMPLE_BYTES * count} for N = {count}"
    return f"rate_hz is {rate_hz:g}, wanted {RATE_HZ[0]:g} to {RATE_HZ[1]:g}"


def _merged(one: _Packets, other: _Packets) -> _Packets:
    """Packets of two encodings, in order of arrival."""
    messages = one.messages + other.messages
    order = np.argsort(np.array([m.seq for m in messages], np.int64), kind="stable")
    count = np.concatenate([one.count, other.count])
    begin = offsets(count)[:-1]
    sorted_count = count[order]
    sample = np.arange(count.sum()) + np.repeat(begin[order] - offsets(sorted_count)[:-1], sorted_count)
    return _Packets(
        messages=[messages[i] for i in order],
        sent_ns=np.concatenate([one.sent_ns, other.sent_ns])[order],
        rate_hz=np.concatenate([one.rate_hz, other.rate_hz])[order],
        count=sorted_count,
        accel_g=np.concatenate([one.accel_g, other.accel_g], axis=1)[:, sample],
        gyro_dps=np.concatenate([one.gyro_dps, other.gyro_dps], axis=1)[:, sample],
        rejected=tuple(sorted((*one.rejected, *other.rejected), key=lambda r: r.seq)),
    )


ACCELERATION = Kind(SensorKind.ACCELERATION, decode)
