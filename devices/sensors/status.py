"""Status: battery, reachability and tamper of a device."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from devices.model import Batch, Decoded, Float64, Kind, Message, SensorKind
from devices.payload import Timed, numbers, read, sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusBatch(Batch):
    """N states.

    Attributes
    ----------
    battery_percent : (N,) float64
        0 to 100; NaN where not sent.
    online, tamper, battery_low : (N,) int8
        1 yes, 0 no, -1 not sent. A battery is said to be low by devices that know no percentage.
    """

    battery_percent: Float64
    online: NDArray[np.int8]
    tamper: NDArray[np.int8]
    battery_low: NDArray[np.int8]


class _Status(Timed, frozen=True, gc=False):
    battery_percent: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    online: bool | None = None
    tamper: bool | None = None
    battery_low: bool | None = None


_DECODER = msgspec.json.Decoder(_Status)


def decode(messages: Sequence[Message]) -> Decoded[StatusBatch]:
    """States of devices, from JSON; a status that says nothing is a sign of life."""
    payloads = read(messages, _DECODER.decode)
    batch = StatusBatch(
        **payloads.header,
        battery_percent=numbers(value.battery_percent for value in payloads.values),
        online=_codes(value.online for value in payloads.values),
        tamper=_codes(value.tamper for value in payloads.values),
        battery_low=_codes(value.battery_low for value in payloads.values),
    )
    return Decoded(sealed(batch), payloads.rejected)


def _codes(answers: Iterable[bool | None]) -> NDArray[np.int8]:
    return np.array([-1 if answer is None else answer for answer in answers], np.int8)


STATUS = Kind(SensorKind.STATUS, decode)
