"""Contact: a door, window or gate that is open or closed."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from devices.model import Batch, Bool, Decoded, Kind, Message, SensorKind
from devices.payload import Timed, read, sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactBatch(Batch):
    """N states.

    Attributes
    ----------
    is_open : (N,) bool
    """

    is_open: Bool


class _Contact(Timed, frozen=True, gc=False):
    open: bool


_DECODER = msgspec.json.Decoder(_Contact)


def decode(messages: Sequence[Message]) -> Decoded[ContactBatch]:
    """States of contacts, from JSON."""
    payloads = read(messages, _DECODER.decode)
    is_open = np.array([value.open for value in payloads.values], np.bool_)
    return Decoded(sealed(ContactBatch(**payloads.header, is_open=is_open)), payloads.rejected)


CONTACT = Kind(SensorKind.CONTACT, decode)
