"""Meter: running totals of water and electricity."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from devices.model import Batch, Decoded, Float64, Kind, Message, SensorKind
from devices.payload import NonNegative, Timed, numbers, read, sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterBatch(Batch):
    """N readings of running totals; at least one of the two is a number, the other may be NaN.

    Attributes
    ----------
    water_l : (N,) float64
    electricity_wh : (N,) float64
    """

    water_l: Float64
    electricity_wh: Float64


class _Meter(Timed, frozen=True, gc=False):
    water_l: NonNegative | None = None
    electricity_wh: NonNegative | None = None

    def __post_init__(self) -> None:
        if self.water_l is None and self.electricity_wh is None:
            raise ValueError("$ has neither water_l nor electricity_wh, wanted at least one")


_DECODER = msgspec.json.Decoder(_Meter)


def decode(messages: Sequence[Message]) -> Decoded[MeterBatch]:
    """Totals of meters, from JSON."""
    payloads = read(messages, _DECODER.decode)
    batch = MeterBatch(
        **payloads.header,
        water_l=numbers(value.water_l for value in payloads.values),
        electricity_wh=numbers(value.electricity_wh for value in payloads.values),
    )
    return Decoded(sealed(batch), payloads.rejected)


METER = Kind(SensorKind.METER, decode)
