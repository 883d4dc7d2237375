"""Frigate, which finds people in the pictures of cameras: `frigate/events`, `frigate/<camera or zone>/person` and what says who is alive.

Source: https://docs.frigate.video/integrations/mqtt/ and frigate/track/tracked_object.py. An event is published when something about a
tracked object has changed (a better picture, another zone, it stands or moves on), and once a minute: that is no track of so many frames a
second. A person stands where the middle of the box's lower edge is, in pixels of the resolution that is set under `detect`; the camera's
view says where that is on the ground. Each event tells of one person: a frame holds those too who were told of just before.

Counts of people are motion: of a camera, or of a zone, which is a device of its own with the zone's name. Who somebody was recognised to be
(`sub_label`) is not read.
"""

from typing import Annotated

import msgspec

from devices.adapters.model import Adapter, Heard, Said
from devices.model import NS_PER_MS, Device, SensorKind
from devices.payload import reason_of, shown
from devices.view import View

PREFIX = "frigate/"
SERVER = "frigate"
"""What Frigate itself is called: a device of kind gateway."""
HELD_MS = 75_000
"""How long somebody of whom nothing new is told still stands where they did: Frigate tells of everybody at least once a minute, and when
they are gone."""
MOST_PEOPLE = 100
"""In one picture; whoever was seen first is forgotten first."""
_MS_PER_S = 1000.0
_PERSON = "person"


class _Object(msgspec.Struct):
    """A tracked object. Times are in seconds since 1970, boxes are left, top, right and bottom in pixels."""

    id: str
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


class _Camera:
    """One camera, one zone, or Frigate itself: who is seen where, in metres.

    Parameters
    ----------
    device
        Without a view people in its picture are motion, and nowhere.
    """

    def __init__(self, device: Device) -> None:
        self._view: View | None = device.view
        self._name = device.source.name if device.source else ""
        self._places: dict[str, tuple[int, dict[str, float]]] = {}

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
        """The people who are seen now; nothing of anything that is no person, or stands on no ground that is known."""
        person = event.after
        if self._view is None or person.label != _PERSON or person.false_positive or heard.retained:
            return ()
        left, _, right, bottom = person.box
        width_px, height_px = self._view.width_px, self._view.height_px
        if right > width_px or bottom > height_px:
            return f"box reaches to ({right:g}, {bottom:g}), wanted it within the {width_px} x {height_px} pixels of view.detect"
        place = self._view.ground((left + right) / 2.0, bottom)
        if place is None:
            self._places.pop(person.id, None)
            return ()
        t = round(person.frame_time * _MS_PER_S)
        self._places.pop(person.id, None)
        self._places[person.id] = (t, {"x_m": place[0], "y_m": place[1]})
        held = [(name, one) for name, one in self._places.items() if abs(t - one[0]) <= HELD_MS]
        self._places = dict(held[-MOST_PEOPLE:])
        targets = [where for _, where in self._places.values()]
        if event.type == "end":
            del self._places[person.id]
        return ((SensorKind.TARGETS, msgspec.json.encode({"t": t, "targets": targets})),)

    def _alive(self, rest: str, heard: Heard) -> Said:
        """What says that a stream is there or is not; anything else that comes of a camera shows it, but what is asked of it."""
        if rest == "available" or rest.endswith("/status/detect"):
            said = heard.payload.strip()
            return self._status(heard, {"online": said == b"online"}) if said in (b"online", b"offline") else ()
        return () if rest.endswith("/set") else self._status(heard, {})

    def _status(self, heard: Heard, said: dict[str, bool]) -> Said:
        return ((SensorKind.STATUS, msgspec.json.encode({"t": heard.received_ns // NS_PER_MS, **said})),)


FRIGATE = Adapter(name="frigate", prefix=PREFIX, speakers=speakers, listener=lambda device: _Camera(device).hear)
