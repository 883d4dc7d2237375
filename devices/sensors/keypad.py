"""Keypad: somebody types a code and says into which mode they want their home.

The code never stands in a reason for setting a message aside, nor in the text of a batch.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from devices.model import Batch, Decoded, Kind, Message, SensorKind
from devices.payload import Timed, read, refuse, sealed, shown

MODES = ("disarmed", "home", "away", "night", "holiday")
"""What may be asked for, in the order of the batch's codes; `rules.model.Mode` in this layer's words."""

_CODE = re.compile(r"[0-9]{4,12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeypadBatch(Batch):
    """N wishes, each with the code that was typed.

    Attributes
    ----------
    mode : (N,) int8
        Index into `MODES`.
    code : (N,) str of at most 12 digits
        Still to be checked. Left out of the batch's text.
    """

    mode: NDArray[np.int8]
    code: NDArray[np.str_] = field(repr=False)


class _Keypad(Timed, frozen=True, gc=False):
    mode: str
    code: Any
    """Any, because msgspec's words about a wrong one would show it."""

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            refuse("$.mode", shown(self.mode), f"one of {', '.join(MODES)}")
        if not (isinstance(self.code, str) and is_code(self.code)):
            refuse("$.code", "not shown", "a string of 4 to 12 digits")


_DECODER = msgspec.json.Decoder(_Keypad)


def is_code(text: str) -> bool:
    """Whether a text can be a code: 4 to 12 of the digits 0 to 9."""
    return _CODE.fullmatch(text) is not None


def decode(messages: Sequence[Message]) -> Decoded[KeypadBatch]:
    """What was typed at keypads, from JSON."""
    payloads = read(messages, _DECODER.decode)
    mode = np.array([MODES.index(value.mode) for value in payloads.values], np.int8)
    code = np.array([value.code for value in payloads.values], "<U12")
    return Decoded(sealed(KeypadBatch(**payloads.header, mode=mode, code=code)), payloads.rejected)


KEYPAD = Kind(SensorKind.KEYPAD, decode)
