"""Kinds of readings, one file each: payloads in, columns out."""

from devices.model import Batch, Kind
from devices.sensors.acceleration import ACCELERATION
from devices.sensors.button import BUTTON
from devices.sensors.contact import CONTACT
from devices.sensors.keypad import KEYPAD
from devices.sensors.meter import METER
from devices.sensors.motion import MOTION
from devices.sensors.position import POSITION
from devices.sensors.status import STATUS
from devices.sensors.targets import TARGETS

KINDS: tuple[Kind[Batch], ...] = (
    KEYPAD,  # before all others: what else a message says is judged by the mode that it sets
    ACCELERATION,
    POSITION,  # before targets: where the family is must be known when a target nears a line
    TARGETS,
    CONTACT,
    MOTION,
    BUTTON,
    METER,
    STATUS,
)
"""Every kind, in the order in which the batches of one micro-batch are judged."""
