"""What the rule of lines makes of what Frigate tells of a camera's pictures (`benchmarks.camera_model`), a frame each half second to two.

Boxes go the whole way: as Frigate's events through its adapter and the camera's view, then through the rule. False are the approaches and
crossings told of people who walk past, or stand: beyond what is near, or before the line from the first frame on.
"""

import json
import math
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks import camera_model
from benchmarks.camera_model import APPROACH_M, HALF_M, HEIGHT_PX, LINE_M, WIDTH_PX, Camera, Rng, Scene
from benchmarks.geofence_rows import Row
from devices.adapters.frigate import FRIGATE
from devices.adapters.model import Heard
from devices.model import NS_PER_S, CommunityId, Device, DeviceId, DeviceKind, HomeId, Message, Pose, Registry, SensorKind, Source
from devices.sensors.targets import decode
from devices.view import View, homography
from geofence.frames import Frame
from rules.fences.lines import Line
from rules.kinds import EventKind
from rules.model import Event
from rules.premises import Fence, FenceId, FenceKind, HomePlace, Premises, Side

EVERY_S = (0.5, 1.0, 2.0)
NOBODY = (
    "walks past, 1 m outside",
    "walks past, 0.5 m outside",
    "stands 0.5 m outside",
    "stands 1 m before the line, feet seen",
    "stands 1 m before the line, feet hidden at times",
)
_TOO_LATE_S, _EARLY_S = 15.0, 3.0


def rows(seeds: Sequence[int], comers: int, seconds: int) -> Iterator[Row]:
    """All of it.

    Parameters
    ----------
    comers
        People of each seed who walk up; half of them go through the line.
    seconds
        How long each of those who do not come is seen, of each seed.
    """
    for every_s in EVERY_S:
        where, near_s, through_s = f"camera, a frame each {every_s:g} s", list[float](), list[float]()
        told = {what: [0, 0] for what in NOBODY}
        for seed in seeds:
            rng = np.random.default_rng([seed, round(every_s * 10)])
            for number in range(comers):
                scene = camera_model.comes(Camera(), rng, every_s, through=bool(number % 2))
                found = events(scene)
                near_s.append(_delay([t for _, t in found], scene.near_s))
                if number % 2:
                    through_s.append(_delay([t for kind, t in found if kind is EventKind.CROSS], scene.crossed_s))
            for what, scene in zip(told, _nobody(rng, every_s, seconds), strict=True):
                found = events(scene)
                told[what][0] += len(found)
                told[what][1] += sum(kind is EventKind.CROSS for kind, _ in found)
        hours = len(seeds) * seconds / 3600.0
        for what, (count, _) in told.items():
            yield Row.of(where, what, told=count, hours=hours, delay_s=np.array(near_s))
        crosses = sum(count for _, count in told.values())
        yield Row.of(where, "any of them crosses", told=crosses, hours=len(told) * hours, delay_s=np.array(through_s))


def events(scene: Scene) -> list[tuple[EventKind, float]]:
    """What the rule tells, and when it is known, in seconds."""
    rule, listen = Line(_PREMISES), FRIGATE.listener(_CAMERA)
    messages: list[Message] = []
    for second, box in zip(scene.time_s.tolist(), scene.box_px.tolist(), strict=True):
        after = {"id": "one", "camera": "yard", "label": "person", "frame_time": second + _EPOCH_S, "box": box}
        payload = json.dumps({"type": "update", "after": after}).encode()
        received_ns = round((second + _EPOCH_S) * NS_PER_S)
        said = listen(Heard(topic="frigate/events", payload=payload, received_ns=received_ns, retained=False))
        if isinstance(said, str):
            raise TypeError(said)
        messages += [
            Message(topic="", device=0, kind=kind, payload=text, received_ns=received_ns, seq=len(messages))
            for kind, text in said
            if kind is SensorKind.TARGETS
        ]
    facts = rule.update(decode(messages).batch)
    return [(fact.kind, fact.known_ns / NS_PER_S - _EPOCH_S) for fact in facts if isinstance(fact, Event)]


def _nobody(rng: Rng, every_s: float, seconds: int) -> Iterator[Scene]:
    yield camera_model.passes(Camera(), rng, every_s, seconds, 1.0)
    yield camera_model.passes(Camera(), rng, every_s, seconds, 0.5)
    yield camera_model.stands(Camera(), rng, every_s, seconds, APPROACH_M + 0.5)
    yield camera_model.stands(Camera(hidden_per_s=0.0), rng, every_s, seconds, 1.0)
    yield camera_model.stands(Camera(), rng, every_s, seconds, 1.0)


def _delay(told_s: Sequence[float], true_s: float) -> float:
    """From what happened to the first that was told of it; NaN of nothing."""
    return next((told - true_s for told in told_s if -_EARLY_S <= told - true_s <= _TOO_LATE_S), math.nan)


_EPOCH_S = 1_772_416_800
_FRAME = Frame.at(119.95, 31.78)
_COMMUNITY, _HOME = CommunityId("bench"), HomeId("home")
_MARKS_M = np.array([(-3.0, 4.0), (3.0, 4.0), (-3.0, 9.0), (3.0, 9.0)])
_CAMERA = Device(
    community_id=_COMMUNITY,
    id=DeviceId("camera"),
    kind=DeviceKind.CAMERA,
    home=_HOME,
    pose=Pose(lon=_FRAME.lon_deg, lat=_FRAME.lat_deg, heading_deg=0.0),
    view=View(width_px=WIDTH_PX, height_px=HEIGHT_PX, homography=homography(camera_model.picture(_MARKS_M), _MARKS_M)),
    source=Source(adapter="frigate", name="yard"),
)
_PREMISES = Premises(
    registry=Registry([_CAMERA]),
    homes={(_COMMUNITY, _HOME): HomePlace(id=_HOME)},
    fences=(
        Fence(
            community_id=_COMMUNITY,
            id=FenceId("line"),
            kind=FenceKind.LINE,
            home=_HOME,
            near=Side.RIGHT,
            approach_m=APPROACH_M,
            events=frozenset({EventKind.APPROACH, EventKind.CROSS}),
            path=tuple(
                (_FRAME.lon_deg + x_m / _FRAME.east_m_per_deg, _FRAME.lat_deg + LINE_M / _FRAME.north_m_per_deg)
                for x_m in (-HALF_M, HALF_M)
            ),
        ),
    ),
)
