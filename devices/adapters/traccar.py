"""Positions that a Traccar server forwards by MQTT, to `traccar/{uniqueId}` or any other topic below `traccar/`.

Source: https://www.traccar.org/forward/ (`forward.type`, `forward.topic`) and the server itself (forward/PositionForwarderMqtt.java and
model/Position.java): `{"position": …, "device": …}`. Speed is in knots; an accuracy of 0 is none. A position that is `outdated`, or not
`valid`, is the one that was known before: the device has sent something, but no fix.
"""

from typing import Any

import msgspec

from devices.adapters.model import Adapter, Heard, Said, known
from devices.model import SensorKind
from devices.payload import reason_of

PREFIX = "traccar/"
_MPS_PER_KNOT = 1852.0 / 3600.0
_TURN_DEG = 360.0


class _Position(msgspec.Struct, rename="camel"):
    """`attributes` is what the tracker's protocol adds."""

    fix_time: int | str
    latitude: float
    longitude: float
    device_time: int | str | None = None
    valid: bool = True
    outdated: bool = False
    speed: float | None = None
    course: float | None = None
    accuracy: float | None = None
    attributes: Any = None


class _Device(msgspec.Struct, rename="camel"):
    unique_id: str


class _Who(msgspec.Struct):
    device: _Device


class _Forwarded(msgspec.Struct):
    position: _Position
    event: Any = None


_WHO = msgspec.json.Decoder(_Who)
_FORWARDED = msgspec.json.Decoder(_Forwarded)


def speakers(topic: str, payload: bytes) -> tuple[str, ...] | str:
    """The device's `uniqueId`; without a payload what the topic ends with, which may be the same."""
    if not payload:
        return (topic.removeprefix(PREFIX),)
    try:
        return (_WHO.decode(payload).device.unique_id,)
    except (ValueError, RecursionError) as error:
        return reason_of(error, payload)


def hear(heard: Heard) -> Said | str:
    """The fix, if there is a new one, the battery, and a call for help."""
    try:
        said = _FORWARDED.decode(heard.payload)
    except (ValueError, RecursionError) as error:
        return reason_of(error, heard.payload)
    if said.event is not None:
        return "payload is an event of Traccar, wanted a position: what comes of it is judged here"
    one = said.position
    attributes = one.attributes if isinstance(one.attributes, dict) else {}
    t = one.fix_time if one.device_time is None else one.device_time
    speed_kn = known(one.speed)
    position = {
        "t": one.fix_time,
        "lon": one.longitude,
        "lat": one.latitude,
        "accuracy_m": known(one.accuracy),
        "speed_mps": None if speed_kn is None else speed_kn * _MPS_PER_KNOT,
        "heading_deg": known(one.course, _TURN_DEG),
    }
    readings: list[tuple[SensorKind, dict[str, Any]]] = [(SensorKind.POSITION, position)] if one.valid and not one.outdated else []
    level = attributes.get("batteryLevel")
    readings.append((SensorKind.STATUS, {"t": t, "battery_percent": level if isinstance(level, int | float) else None}))
    if "sos" in str(attributes.get("alarm")).split(","):
        readings.append((SensorKind.BUTTON, {"t": t, "pressed": "sos"}))
    return tuple((kind, msgspec.json.encode(fields)) for kind, fields in readings)


TRACCAR = Adapter(name="traccar", prefix=PREFIX, speakers=speakers, listener=lambda _device: hear)
