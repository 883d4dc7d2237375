"""Motion: somebody moves in front of a sensor, or nobody does any more."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from devices.model import Batch, Bool, Decoded, Kind, Message, SensorKind
from devices.payload import Timed, read, sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionBatch(Batch):
    """N states.

    Attributes
    ----------
    is_moving : (N,) bool
    """

    is_moving: Bool


class _Motion(Timed, frozen=True, gc=False):
    motion: bool


_DECODER = msgspec.json.Decoder(_Motion)


def decode(messages: Sequence[Message]) -> Decoded[MotionBatch]:
    """States of motion sensors, from JSON."""
    payloads = read(messages, _DECODER.decode)
    is_moving = np.array([value.motion for value in payloads.values], np.bool_)
    return Decoded(sealed(MotionBatch(**payloads.header, is_moving=is_moving)), payloads.rejected)


MOTION = Kind(SensorKind.MOTION, decode)
