"""Position: fixes of a tracker, WGS 84 inside; GCJ-02 is converted here, at the edge."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np

from devices.model import Batch, Bool, Decoded, Float64, Kind, Message, SensorKind
from devices.payload import NonNegative, Timed, numbers, read, refuse, sealed, shown
from geofence.datum import Datum, Wgs84

DEFAULT_ACCURACY_M = 25.0
"""Used where a device reports no accuracy, or 0, which no receiver has: wide enough for a fix between houses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionBatch(Batch):
    """N fixes.

    Attributes
    ----------
    lon_deg, lat_deg : (N,) float64
        WGS 84 degrees.
    accuracy_m : (N,) float64
        Radius the device reports, above 0; a default where it reports none or 0.
    speed_mps, heading_deg : (N,) float64
        NaN where not sent.
    """

    lon_deg: Float64
    lat_deg: Float64
    accuracy_m: Float64
    speed_mps: Float64
    heading_deg: Float64


class _Position(Timed, frozen=True, gc=False):
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    accuracy_m: NonNegative | None = None
    speed_mps: NonNegative | None = None
    heading_deg: Annotated[float, msgspec.Meta(ge=0, le=360)] | None = None
    datum: str | None = None

    def __post_init__(self) -> None:
        if self.lon == 0 and self.lat == 0:
            refuse("($.lon, $.lat)", "(0, 0)", "a position: receivers without a fix send this one")
        if self.datum not in (None, *Datum):
            refuse("$.datum", shown(self.datum), "wgs84 or gcj02")


_DECODER = msgspec.json.Decoder(_Position)


def decode(messages: Sequence[Message]) -> Decoded[PositionBatch]:
    """Fixes of trackers, from JSON."""
    payloads = read(messages, _DECODER.decode)
    values = payloads.values
    is_shifted = np.array([value.datum == Datum.GCJ02 for value in values], np.bool_)
    lon_deg, lat_deg = _wgs84(numbers(value.lon for value in values), numbers(value.lat for value in values), is_shifted)
    batch = PositionBatch(
        **payloads.header,
        lon_deg=lon_deg,
        lat_deg=lat_deg,
        accuracy_m=numbers(value.accuracy_m or DEFAULT_ACCURACY_M for value in values),
        speed_mps=numbers(value.speed_mps for value in values),
        heading_deg=numbers(value.heading_deg for value in values),
    )
    return Decoded(sealed(batch), payloads.rejected)


def _wgs84(lon_deg: Float64, lat_deg: Float64, is_shifted: Bool) -> tuple[Float64, Float64]:
    if not is_shifted.any():
        return lon_deg, lat_deg
    true = Wgs84.of(Datum.GCJ02, lon_deg, lat_deg)
    return np.where(is_shifted, true.lon_deg, lon_deg), np.where(is_shifted, true.lat_deg, lat_deg)


POSITION = Kind(SensorKind.POSITION, decode)
