"""Targets: where a radar sees somebody, in its own frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Annotated
from zlib import crc32

import msgspec
import numpy as np

from devices.model import Batch, Decoded, Float64, Int64, Kind, Message, SensorKind
from devices.payload import Timed, numbers, offsets, read, sealed

MAX_M = 10_000.0
"""No radar or camera sees a person further away; a number beyond it is another unit or garbage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetsBatch(Batch):
    """N frames with T targets in all; an empty frame is a frame.

    A target with a name tells of that one person, whoever else is there: of cameras, which tell of one at a time.

    Attributes
    ----------
    offset : (N + 1,) int64
        Frame i holds targets offset[i]:offset[i + 1].
    x_m, y_m : (T,) float64
        To the sensor's right, and ahead of it. Targets at exactly (0, 0) are dropped.
    speed_mps : (T,) float64
        Below 0 towards the sensor; NaN where not sent.
    accuracy_m : (T,) float64
        Standard deviation of the place along the axis that is worse, above 0; NaN where not sent: what a radar errs by.
    name : (T,) int64
        The same for the same person in all frames, above 0; 0 where not sent: who is who then is for the receiver to say.
    """

    offset: Int64
    x_m: Float64
    y_m: Float64
    speed_mps: Float64
    accuracy_m: Float64
    name: Int64


_Number = Annotated[float, msgspec.Meta(ge=-MAX_M, le=MAX_M)]


class _Target(msgspec.Struct, frozen=True, gc=False):
    x_m: _Number
    y_m: _Number
    speed_mps: _Number | None = None
    accuracy_m: Annotated[float, msgspec.Meta(gt=0.0, le=MAX_M)] | None = None
    id: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class _Targets(Timed, frozen=True, gc=False):
    targets: list[_Target]


_DECODER = msgspec.json.Decoder(_Targets)


def decode(messages: Sequence[Message]) -> Decoded[TargetsBatch]:
    """Frames of radars, from JSON."""
    payloads = read(messages, _DECODER.decode)
    frames = [[target for target in value.targets if target.x_m or target.y_m] for value in payloads.values]
    targets = list(chain.from_iterable(frames))
    batch = TargetsBatch(
        **payloads.header,
        offset=offsets([len(frame) for frame in frames]),
        x_m=numbers(target.x_m for target in targets),
        y_m=numbers(target.y_m for target in targets),
        speed_mps=numbers(target.speed_mps for target in targets),
        accuracy_m=numbers(target.accuracy_m for target in targets),
        name=np.array([0 if target.id is None else 1 + crc32(target.id.encode()) for target in targets], np.int64),
    )
    return Decoded(sealed(batch), payloads.rejected)


TARGETS = Kind(SensorKind.TARGETS, decode)
