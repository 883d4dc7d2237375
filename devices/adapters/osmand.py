"""What the Traccar Client and other apps post by the OsmAnd protocol, as JSON, handed on to `osmand/<device_id>`.

Source: https://www.traccar.org/osmand/. The apps speak HTTP: a bridge publishes the body of each request as it is. Speed is in m/s, the
battery's level from 0 to 1; what is not known is -1.
"""

from typing import Any

import msgspec

from devices.adapters.model import Adapter, Heard, Said, known
from devices.model import SensorKind
from devices.payload import reason_of

PREFIX = "osmand/"
_TURN_DEG = 360.0
_PERCENT = 100.0


class _Coords(msgspec.Struct):
    latitude: float
    longitude: float
    accuracy: float | None = None
    speed: float | None = None
    heading: float | None = None


class _Battery(msgspec.Struct):
    level: float | None = None


class _Location(msgspec.Struct):
    """`extras` is whatever an app adds: in the Traccar Client `{"alarm": "sos"}` when somebody calls for help."""

    timestamp: int | str
    coords: _Coords
    battery: _Battery | None = None
    extras: Any = None


class _Post(msgspec.Struct):
    location: _Location


_POST = msgspec.json.Decoder(_Post)


def hear(heard: Heard) -> Said | str:
    """The fix, the battery, and a call for help. When it moved, walked or was counted is the app's own business."""
    try:
        said = _POST.decode(heard.payload).location
    except (ValueError, RecursionError) as error:
        return reason_of(error, heard.payload)
    t = said.timestamp  # the reading judges it
    position = {
        "t": t,
        "lon": said.coords.longitude,
        "lat": said.coords.latitude,
        "accuracy_m": known(said.coords.accuracy),
        "speed_mps": known(said.coords.speed),
        "heading_deg": known(said.coords.heading, _TURN_DEG),
    }
    readings: list[tuple[SensorKind, dict[str, Any]]] = [(SensorKind.POSITION, position)]
    level = known(said.battery.level if said.battery else None)
    if level is not None:
        readings.append((SensorKind.STATUS, {"t": t, "battery_percent": round(level * _PERCENT, 1)}))
    if isinstance(said.extras, dict) and said.extras.get("alarm") == "sos":
        readings.append((SensorKind.BUTTON, {"t": t, "pressed": "sos"}))
    return tuple((kind, msgspec.json.encode(fields)) for kind, fields in readings)


OSMAND = Adapter(
    name="osmand", prefix=PREFIX, speakers=lambda topic, _payload: (topic.removeprefix(PREFIX),), listener=lambda _device: hear
)
