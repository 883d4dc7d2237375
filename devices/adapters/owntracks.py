"""OwnTracks, an app that tells where a telephone is: `owntracks/<user>/<device>`.

Source: https://owntracks.org/booklet/tech/json/. `tst` is the time of the fix, in seconds; `vel` is in km/h; what is not known is left out
or below 0. iOS before 8.0 sends numbers as text. The app has regions of its own: their transitions are fixes like any other, because
geofences are judged here.
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec

from devices.adapters.model import Adapter, Heard, Said, known
from devices.model import SensorKind
from devices.payload import reason_of, shown

PREFIX = "owntracks/"
_MS_PER_S = 1000
_KMH_PER_MPS = 3.6
_TURN_DEG = 360.0
_LEVELS = 2
"""Of a name: user and device."""
_FIXES = frozenset({"location", "transition"})
_ASIDE: Mapping[str, str] = {
    "encrypted": "is encrypted: take the encryption key out of the app, TLS protects the way",
    "lwt": "says that the broker lost the app, which happens to telephones all day: their silence is judged by how long it lasts",
}


class _Message(msgspec.Struct):
    """What we understand of a message. The battery is left to the status reading to judge: it must not hide where somebody is."""

    type: str = msgspec.field(name="_type")
    tst: Annotated[float, msgspec.Meta(ge=-1e12, le=1e12)] | None = None
    lat: float | None = None
    lon: float | None = None
    acc: float | None = None
    vel: float | None = None
    cog: float | None = None
    batt: float | None = None


_MESSAGE = msgspec.json.Decoder(_Message, strict=False)  # numbers may be text


def speakers(topic: str, _payload: bytes) -> tuple[str, ...] | str:
    """User and device, whatever the topic goes on with."""
    levels = topic.removeprefix(PREFIX).split("/")
    if len(levels) < _LEVELS:
        return f"topic is {shown(topic)}, wanted {PREFIX}<user>/<device>"
    return ("/".join(levels[:_LEVELS]),)


def hear(heard: Heard) -> Said | str:
    """The fix of a location or a transition, and the battery."""
    try:
        said = _MESSAGE.decode(heard.payload)
    except (ValueError, RecursionError) as error:
        return reason_of(error, heard.payload)
    if said.type not in _FIXES:
        return f"payload of _type {shown(said.type)} {_ASIDE.get(said.type, 'is not looked at, wanted location or transition')}"
    if said.tst is None or said.lat is None or said.lon is None:
        return f"payload of _type {shown(said.type)} has no fix, wanted tst, lat and lon"
    t = round(said.tst * _MS_PER_S)
    speed_kmh = known(said.vel)
    position = {
        "t": t,
        "lon": said.lon,
        "lat": said.lat,
        "accuracy_m": known(said.acc),
        "speed_mps": None if speed_kmh is None else speed_kmh / _KMH_PER_MPS,
        "heading_deg": known(said.cog, _TURN_DEG),
    }
    fix = (SensorKind.POSITION, msgspec.json.encode(position))
    if said.batt is None or said.batt < 0:
        return (fix,)
    return (fix, (SensorKind.STATUS, msgspec.json.encode({"t": t, "battery_percent": said.batt})))


OWNTRACKS = Adapter(name="owntracks", prefix=PREFIX, speakers=speakers, listener=lambda _device: hear)
