"""Frigate, which finds people in the pictures of cameras: `frigate/events`, `frigate/<camera or zone>/person` and what says who is alive.

Source: https://docs.frigate.video/integrations/mqtt/ and frigate/track/tracked_object.py. An event is published when something about a
tracked object has changed (a better picture, another zone, it stands or moves on), and once a minute: that is no track of so many frames a
second. A person stands where the middle of the box's lower edge is, in pixels of the resolution that is set under `detect`; the camera's
view says where that is on the ground, and how far it may be wrong. Each event tells of one person, whom its `id` names.

Counts of people are motion: of a camera, or of a zone, which is a device of its own with the zone's name. Who somebody was recognised to be
(`sub_label`), plates and pictures are not read, and the log does not keep them.
"""

import math
from typing import Annotated

import msgspec

from devices.adapters.model import Adapter, Heard, Said
from devices.model import NS_PER_MS, Device, SensorKind
from devices.payload import reason_of, shown
from devices.view import View

PREFIX = "frigate/"
SERVER = "frigate"
"""What Frigate itself is called: a device of kind gateway."""
EDGE_SHARE, LEAST_EDGE_PX, STRIDE_M = 0.03, 2.0, 0.15
"""How far the lower edge of a box is from somebody's feet, as standard deviations: a share of its height, which is what a box that overlaps
the true one by nine tenths is wrong by, and not less than some pixels; and besides, of the foot that is nearer, a part of a step."""
_MS_PER_S = 1000.0
_PERSON = "person"


class _Object(msgspec.Struct):
    """A tracked object. Times are in seconds since 1970, boxes are left, top, right and bottom in pixels."""

    id: Annotated[str, msgspec.Meta(max_length=64)]
    camera: str
    label: str
    frame_time: Annotated[float, msgspec.Meta(ge=-1e12, le=1e12)]
    box: tuple[float, float, float, float]
    false_positive: bool = False


class _Event(msgspec.Struct):
    type: str
    after: _Object


class _Named(msgspec.Struct):
    camera: str


class _Whose(msgspec.Struct):
    after: _Named


class _Stream(msgspec.Struct):
    camera_fps: float | None = None


class _Stats(msgspec.Struct):
    cameras: dict[str, _Stream]


_EVENT = msgspec.json.Decoder(_Event)
_WHOSE = msgspec.json.Decoder(_Whose)
_STATS = msgspec.json.Decoder(_Stats)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_COUNT = msgspec.json.Decoder(Annotated[int, msgspec.Meta(ge=0)])


def speakers(topic: str, payload: bytes) -> tuple[str, ...] | str:
    """The camera or zone, the camera of an event, or Frigate itself and every camera that its statistics know."""
    first, _, rest = topic.removeprefix(PREFIX).partition("/")
    try:
        if rest:
            return (first,)
        if first == "available":
            return (SERVER,)
        if first == "events":
            return (_WHOSE.decode(payload).after.camera,)
        if first == "stats":
            return (SERVER, *_STATS.decode(payload).cameras)
    except (ValueError, RecursionError) as error:
        return reason_of(error, payload)
    return f"topic is {shown(topic)}, wanted {PREFIX}events, available, stats, or of a camera or zone: reviews repeat what events say"


def kept(topic: str, payload: bytes) -> bytes:
    """Of events what is read here, whether it is right or wrong; of reviews and pictures nothing; all else as it came."""
    first, _, rest = topic.removeprefix(PREFIX).partition("/")
    if first == "reviews" or rest.endswith("/snapshot"):
        return b""
    if first != "events":
        return payload
    event = _named(payload, _Event)
    if event is None:
        return payload
    after = _named(event["after"], _Object) if "after" in event else None
    return msgspec.json.encode(event if after is None else {**event, "after": after})


def _named(payload: bytes | msgspec.Raw, wanted: type[msgspec.Struct]) -> dict[str, msgspec.Raw] | None:
    """The fields of an object that a type has, as they came; None of what is no object."""
    try:
        said = _FIELDS.decode(payload)
    except (ValueError, RecursionError):
        return None
    return {name: said[name] for name in wanted.__struct_fields__ if name in said}


class _Camera:
    """One camera, one zone, or Frigate itself: who is seen where, in metres. It remembers nothing.

    Parameters
    ----------
    device
        Without a view people in its picture are motion, and nowhere.
    """

    def __init__(self, device: Device) -> None:
        self._view: View | None = device.view
        self._name = device.source.name if device.source else ""

    def hear(self, heard: Heard) -> Said | str:
        """Where people are, whether somebody is there, or that the camera is alive."""
        rest = heard.topic.removeprefix(PREFIX)
        alive = self._status(heard, {})
        try:
            match rest.split("/"):
                case ["events"]:
                    return self._event(_EVENT.decode(heard.payload), heard) or alive
                case ["stats"]:
                    stream = _STATS.decode(heard.payload).cameras.get(self._name)
                    return alive if self._name == SERVER or (stream is not None and stream.camera_fps) else ()
                case [_, "person"]:
                    motion = {"t": heard.received_ns // NS_PER_MS, "motion": _COUNT.decode(heard.payload) > 0}
                    return ((SensorKind.MOTION, msgspec.json.encode(motion)),)
                case _:
                    return self._alive(rest, heard)
        except (ValueError, RecursionError) as error:
            return reason_of(error, heard.payload)

    def _event(self, event: _Event, heard: Heard) -> Said | str:
        """The person who is seen; nothing of anything that is no person, or stands on no ground that is known."""
        person = event.after
        if self._view is None or person.label != _PERSON or person.false_positive or heard.retained:
            return ()
        left, top, right, bottom = person.box
        width_px, height_px = self._view.width_px, self._view.height_px
        if right > width_px or bottom > height_px:
            return f"box reaches to ({right:g}, {bottom:g}), wanted it within the {width_px} x {height_px} pixels of view.detect"
        place = self._view.ground((left + right) / 2.0, bottom)
        if place is None:
            return ()
        x_m, y_m, m_per_px = place
        edge_px = max(LEAST_EDGE_PX, EDGE_SHARE * (bottom - max(top, 0.0)))
        target = {"x_m": x_m, "y_m": y_m, "accuracy_m": math.hypot(STRIDE_M, edge_px * m_per_px), "id": person.id}
        return ((SensorKind.TARGETS, msgspec.json.encode({"t": round(person.frame_time * _MS_PER_S), "targets": [target]})),)

    def _alive(self, rest: str, heard: Heard) -> Said:
        """What says that a stream is there or is not; anything else that comes of a camera shows it, but what is asked of it."""
        if rest == "available" or rest.endswith("/status/detect"):
            said = heard.payload.strip()
            return self._status(heard, {"online": said == b"online"}) if said in (b"online", b"offline") else ()
        return () if rest.endswith("/set") else self._status(heard, {})

    def _status(self, heard: Heard, said: dict[str, bool]) -> Said:
        return ((SensorKind.STATUS, msgspec.json.encode({"t": heard.received_ns // NS_PER_MS, **said})),)


FRIGATE = Adapter(name="frigate", prefix=PREFIX, speakers=speakers, listener=lambda device: _Camera(device).hear, kept=kept)
