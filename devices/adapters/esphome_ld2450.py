"""A HLK-LD2450 radar that ESPHome publishes: `<node>/sensor/target-1_x/state` and its like, a number in plain text each.

Sources: https://esphome.io/components/sensor/ld2450 and https://esphome.io/components/mqtt for the topics; the component itself
(esphome/components/ld2450/ld2450.cpp, ld24xx/ld24xx.h) for their order. Of each frame of the radar, ten a second, it publishes for target
1, 2 and 3 in turn x, y, resolution, speed, distance and angle, and of these only what is another than in the frame before; then the count.
So a topic that is silent stands for what it said last; what arrives within some milliseconds is one frame; and a frame is over when all
targets that are there have been told, or something of the next one comes. Nothing says when it was measured.

Numbers are millimetres, and mm/s; `nan` (or `None`, with `publish_nan_as_none`) is no target. Older versions leave the coordinates of
somebody who has left as they were (esphome#10804, esphome#15025): what has not changed for a second is nobody who walks.
"""

import re
from dataclasses import dataclass, field

import msgspec

from devices.adapters.model import Adapter, Heard, Said
from devices.model import NS_PER_MS, NS_PER_S, SensorKind
from devices.payload import shown
from devices.topics import parse

FRAME_NS = 50 * NS_PER_MS
"""How long a frame goes on arriving after its first coordinate. The radar makes one each 100 ms: frames that begin closer to each other
than this were held up on their way, and no longer say when they were measured."""
HELD_NS = NS_PER_S
"""How long a target is still seen whose coordinates do not change."""
MOST_MM = 32_767
"""A coordinate has 15 bits and a sign."""

_PIECE = re.compile(r"target[-_]?([1-3])[-_](x|y|resolution|speed|distance|angle|direction)(?:[-_]coordinate)?")
_COUNT = re.compile(r"(?:(?:presence|all)[-_])?target[-_]count")
_ORDER = {"x": 0, "y": 1}
_PIECES = 3
"""Of one target, in their order: x, y, and the rest."""
_PRESENCE = "presence"
_STATUS, _LOG = "status", "debug"
"""Topics of the node itself."""
_NOBODY = frozenset({"", "nan", "none", "unknown", "unavailable"})
_OF_STATE = 3
"""Levels of a topic after the node's: the type of the component, the object id, `state`."""
_NUMBER = msgspec.json.Decoder(float)


@dataclass(slots=True, kw_only=True)
class _Target:
    """What the topics of one target said last; `moved_ns` is when a coordinate of it arrived last."""

    x_mm: float | None = None
    y_mm: float | None = None
    speed_mmps: float | None = None
    moved_ns: int = 0

    def is_seen(self, now_ns: int) -> bool:
        """Whether somebody is there, of whom perhaps only one coordinate is known yet."""
        return (self.x_mm is not None or self.y_mm is not None) and now_ns - self.moved_ns <= HELD_NS

    def is_placed(self) -> bool:
        """Whether both coordinates are known."""
        return self.x_mm is not None and self.y_mm is not None

    def forget(self) -> None:
        """Nobody is there."""
        self.x_mm = self.y_mm = self.speed_mmps = None

    def native(self) -> dict[str, float]:
        """Metres to the right and ahead of a target that is placed, and its speed if that is known."""
        said = {"x_m": self.x_mm, "y_m": self.y_mm, "speed_mps": self.speed_mmps}
        return {name: value / 1000.0 for name, value in said.items() if value is not None}


@dataclass(slots=True, kw_only=True)
class Frames:
    """The frames of one radar, put together by the times of arrival alone.

    Attributes
    ----------
    targets : tuple of three
    begun_ns : int or None
        When the first coordinate of the frame arrived that is still arriving.
    last : int
        How far it has come: the place of its newest piece in the order of all of them.
    before_ns : int
        When the frame before it began.
    """

    targets: tuple[_Target, ...] = field(default_factory=lambda: (_Target(), _Target(), _Target()))
    begun_ns: int | None = None
    last: int = -1
    before_ns: int = -FRAME_NS

    def hear(self, heard: Heard) -> Said | str:
        """What a topic of the node says: a frame as it is over, presence, online or offline; of other sensors that the node is alive."""
        text = heard.payload.decode(errors="replace").strip().lower()
        t = heard.received_ns // NS_PER_MS
        if heard.topic.endswith(f"/{_STATUS}"):
            return self._availability(text, t)
        if heard.topic.endswith(f"/{_LOG}"):
            return ()
        name = heard.topic.lower().split("/")[-2]
        if piece := _PIECE.fullmatch(name):
            # A retained coordinate is no target: the one who stood there may have left last year.
            return () if heard.retained else self._piece(int(piece[1]) - 1, piece[2], text, heard.received_ns)
        if name == _PRESENCE and text in ("on", "off"):
            return ((SensorKind.MOTION, msgspec.json.encode({"t": t, "motion": text == "on"})),)
        alive = (SensorKind.STATUS, msgspec.json.encode({"t": t}))
        if _COUNT.fullmatch(name) and text in ("0", "0.0") and not heard.retained:
            return (*self._empty(heard.received_ns), alive)
        return (alive,)

    def _availability(self, text: str, t: int) -> Said | str:
        if text not in ("online", "offline"):
            return "status of the node is neither online nor offline"
        if text == "offline":
            self._forget()
        return ((SensorKind.STATUS, msgspec.json.encode({"t": t, "online": text == "online"})),)

    def _piece(self, number: int, what: str, text: str, now_ns: int) -> Said | str:
        """Take one number of one target, and give the frame that is over by it. A broken one is as if it had not come."""
        is_coordinate, is_kept = what in _ORDER, what in _ORDER or what == "speed"
        value = _number(text) if is_kept and text not in _NOBODY else None
        if isinstance(value, str):
            return value
        place = number * _PIECES + _ORDER.get(what, _PIECES - 1)
        over: Said = ()
        if self.begun_ns is not None and (now_ns - self.begun_ns > FRAME_NS or place < self.last + is_coordinate):
            over = self._close(now_ns)
        if is_kept:
            self._set(self.targets[number], what, value, now_ns)
        if is_coordinate and self.begun_ns is None:
            self.begun_ns = now_ns
        if self.begun_ns is None:
            return over
        self.last = place
        # Of two that are over at once the older one is left out: the newer one stands for both.
        return (self._close(now_ns) or over) if self._is_told(now_ns) else over

    def _set(self, target: _Target, what: str, value: float | None, now_ns: int) -> None:
        if what == "speed":
            target.speed_mmps = value
        elif value is None:
            target.forget()
        else:
            target.moved_ns = now_ns
            if what == "x":
                target.x_mm = value
            else:
                target.y_mm = value

    def _is_told(self, now_ns: int) -> bool:
        """Whether all that is to come of the frame has come: y of the last of those who are seen."""
        seen = [number for number, target in enumerate(self.targets) if target.is_seen(now_ns)]
        return not seen or self.last >= seen[-1] * _PIECES + _ORDER["y"]

    def _empty(self, now_ns: int) -> Said:
        """The radar sees nobody: whatever its topics say."""
        self._forget()
        self.begun_ns = now_ns
        return self._close(now_ns)

    def _forget(self) -> None:
        for target in self.targets:
            target.forget()
        self.begun_ns = None

    def _close(self, now_ns: int) -> Said:
        """The frame that has arrived; nothing if it says too little, or if nobody can say of when it is."""
        begun_ns = now_ns if self.begun_ns is None else self.begun_ns
        is_apart, self.before_ns, self.begun_ns = begun_ns - self.before_ns >= FRAME_NS, begun_ns, None
        seen = [target for target in self.targets if target.is_seen(begun_ns)]
        placed = [target.native() for target in seen if target.is_placed()]
        if not is_apart or now_ns - begun_ns > HELD_NS or (seen and not placed):
            return ()
        return ((SensorKind.TARGETS, msgspec.json.encode({"t": begun_ns // NS_PER_MS, "targets": placed})),)


def _number(text: str) -> float | str:
    """A number of millimetres, or in words what stands there instead."""
    try:
        value = _NUMBER.decode(text)
    except (ValueError, RecursionError):
        return f"state is {shown(text)}, wanted a number of mm or mm/s, or nan"
    return value if abs(value) <= MOST_MM else f"state is {shown(text)}, wanted a number of mm or mm/s, at most {MOST_MM}"


def speakers(topic: str, _payload: bytes) -> tuple[str, ...] | str:
    """The node: what ESPHome calls the topic prefix, which may hold slashes."""
    levels = topic.split("/")
    if levels[-1] in (_STATUS, _LOG) and len(levels) > 1:
        return ("/".join(levels[:-1]),)
    if levels[-1] == "state" and len(levels) > _OF_STATE:
        return ("/".join(levels[:-_OF_STATE]),)
    return f"{parse(topic)}, or that of another ecosystem"


ESPHOME_LD2450 = Adapter(name="esphome_ld2450", prefix="", speakers=speakers, listener=lambda _device: Frames().hear)
