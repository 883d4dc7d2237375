"""Button: a press of SOS, of cancel, or under duress."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import msgspec
import numpy as np
from numpy.typing import NDArray

from devices.model import Batch, Decoded, Kind, Message, SensorKind
from devices.payload import Timed, read, refuse, sealed, shown


class Press(IntEnum):
    """What was pressed, as the batch's code."""

    SOS = 0
    CANCEL = 1
    DURESS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonBatch(Batch):
    """N presses.

    Attributes
    ----------
    press : (N,) int8
        A `Press`.
    """

    press: NDArray[np.int8]


_PRESSES = {press.name.lower(): press for press in Press}


class _Button(Timed, frozen=True, gc=False):
    pressed: str

    def __post_init__(self) -> None:
        if self.pressed not in _PRESSES:
            refuse("$.pressed", shown(self.pressed), f"one of {', '.join(_PRESSES)}")


_DECODER = msgspec.json.Decoder(_Button)


def decode(messages: Sequence[Message]) -> Decoded[ButtonBatch]:
    """Presses of buttons, from JSON."""
    payloads = read(messages, _DECODER.decode)
    press = np.array([_PRESSES[value.pressed] for value in payloads.values], np.int8)
    return Decoded(sealed(ButtonBatch(**payloads.header, press=press)), payloads.rejected)


BUTTON = Kind(SensorKind.BUTTON, decode)
