"""What simulated devices say, and when: the same messages are published over MQTT or written as a capture."""

import base64
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.topics import ROOT

RATE_HZ = 50
"""Of all simulated wearables."""
MAX_G = 32.0
"""What int16 milli-g can hold."""
_HEAD = np.dtype([("magic", "S2"), ("count", "<u2"), ("rate_hz", "<f4"), ("time_us", "<i8")])


class Timed(NamedTuple):
    """A message and the time at which its device sends it. They sort by time."""

    at_ns: int
    topic: str
    payload: bytes

    @property
    def device(self) -> str:
        """Id of the device that sends it."""
        return self.topic.split("/", 3)[2]

    def line(self) -> dict[str, Any]:
        """The message as a line of a capture."""
        return {"at": self.at_ns // 1_000_000, "topic": self.topic, "payload_b64": base64.b64encode(self.payload).decode()}


def topic(community: str, device: str, kind: str) -> str:
    """Topic of a device's readings of a kind."""
    return f"{ROOT}/{community}/{device}/{kind}"


def milli_g(accel_g: NDArray[np.floating]) -> NDArray[np.int16]:
    """Acceleration in g as whole milli-g; what a packet cannot hold is cut off."""
    whole: NDArray[np.int16] = np.rint(np.clip(accel_g, -MAX_G, MAX_G) * 1000).astype(np.int16)
    return whole


def packet(t_ns: int, milli_g: NDArray[np.int16]) -> bytes:
    """The binary packet of contract.md, of samples (3, N) from a time in whole microseconds on."""
    return np.array((b"A1", milli_g.shape[1], RATE_HZ, t_ns // 1000), _HEAD).tobytes() + milli_g.T.astype("<i2").tobytes()
