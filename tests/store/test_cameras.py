"""Views of cameras and names of ESPHome nodes in the community file: what they must be, and where a mistake is."""

import json
from typing import Any

import numpy as np
import pytest

from devices.model import Device
from devices.view import View
from geofence.datum import Wgs84
from geofence.frames import Frame
from store.community import parse
from store.model import Community, InputError

POSE = {"lon": 119.95, "lat": 31.78, "heading_deg": 180, "height_m": 2.6}
# Of a pinhole camera 2.6 m above the ground that looks 20 degrees down, 900 pixels of focal length.
GROUND_M = [[-3, 4], [3, 4], [-3, 9], [3, 9]]
PIXELS = [[59.11, 568.18], [1220.89, 568.18], [351.12, 298.86], [928.88, 298.86]]
VIEW = {"detect": [1280, 720], "pixels": PIXELS, "ground_m": GROUND_M}
SOURCE = {"adapter": "frigate", "name": "front_door"}


def lonlat(ground_m: list[list[float]]) -> list[list[float]]:
    """Positions of what a camera of that pose, which looks south, sees to its right (west) and ahead."""
    frame = Frame.at(POSE["lon"], POSE["lat"])
    return [[POSE["lon"] - x / frame.east_m_per_deg, POSE["lat"] - y / frame.north_m_per_deg] for x, y in ground_m]


def community(fences: list[dict[str, Any]], **said: Any) -> Community:
    device = {"id": "cam-1", "kind": "camera", "home": "a-1", "pose": POSE, "view": VIEW, "source": SOURCE, **said}
    device = {key: value for key, value in device.items() if value is not None}
    file = {"community": {"id": "elm", "name": "榆园", "timezone": "Asia/Shanghai"}, "homes": [{"id": "a-1"}], "devices": [device]}
    return parse(json.dumps({**file, "geofences": fences}, ensure_ascii=False), "elm.yaml")


def camera(**said: Any) -> Device:
    (found,) = community([], **said).devices
    return found


def place(view: View | None, u: float, v: float) -> tuple[float, float]:
    assert view is not None
    where = view.ground(u, v)
    assert where is not None
    return where[:2]


def test_a_view_says_where_a_pixel_is_on_the_ground() -> None:
    view = camera().view
    assert (view.width_px, view.height_px) == (1280, 720) if view else False
    assert place(view, 640, 568.18) == pytest.approx((0, 4), abs=0.01)
    assert place(view, 640, 298.86) == pytest.approx((0, 9), abs=0.01)


@pytest.mark.parametrize("datum", ["wgs84", "gcj02"])
def test_the_ground_may_be_positions_on_a_map_instead(datum: str) -> None:
    positions = lonlat(GROUND_M)
    if datum == "gcj02":
        drawn = Wgs84(*np.array(positions).T).to_gcj02()
        positions = np.column_stack((drawn.lon_deg, drawn.lat_deg)).tolist()
    view = camera(view={"detect": [1280, 720], "pixels": PIXELS, "ground": positions, "datum": datum}).view
    assert place(view, 640, 568.18) == pytest.approx((0, 4), abs=0.01)
    assert place(view, 928.88, 298.86) == pytest.approx((3, 9), abs=0.01)


def view(**changes: Any) -> dict[str, Any]:
    return {"view": {key: value for key, value in {**VIEW, **changes}.items() if value is not None}}


@pytest.mark.parametrize(
    ("said", "path", "words"),
    [
        ({"kind": "radar"}, "devices[0].view", "does not fit a device of kind radar, wanted it with camera only"),
        ({"pose": None}, "devices[0].pose", "is missing, wanted where cam-1 hangs and looks"),
        ({"source": None}, "devices[0].source", "is missing, wanted who looks for people in the picture of cam-1"),
        (view(detect=[1280]), "devices[0].view.detect", "is no point, wanted two numbers"),
        (view(detect=[1280, 0]), "devices[0].view.detect", "wanted [width, height] in pixels"),
        (view(detect=[1280.5, 720]), "devices[0].view.detect", "wanted [width, height] in pixels"),
        (view(detect=None), "devices[0].view.detect", "is missing"),
        (view(pixels=[[1, 2, 3]]), "devices[0].view.pixels[0]", "is no point, wanted two numbers"),
        (view(pixels=[*PIXELS[:3], ["1", 2]]), "devices[0].view.pixels[3]", "is no point, wanted two numbers"),
        (view(pixels=[*PIXELS[:3], [True, 2]]), "devices[0].view.pixels[3]", "is no point, wanted two numbers"),
        (view(pixels=[*PIXELS[:3], [1300, 2]]), "devices[0].view.pixels[3]", "is (1300, 2), wanted it within the 1280 x 720 of detect"),
        (view(ground=lonlat(GROUND_M)), "devices[0].view", "has both or none of ground"),
        (view(ground_m=None), "devices[0].view", "has both or none of ground"),
        (view(ground_m=GROUND_M[:3]), "devices[0].view.ground_m", "holds 3 points, wanted as many as the 4 of pixels"),
        (view(ground_m=[], pixels=[]), "devices[0].view.ground_m", "holds 0 points, wanted at least 4"),
        (view(ground_m=[*GROUND_M[:3], [119.95, 31780]]), "devices[0].view.ground_m[3]", "m from the camera, wanted at most 1000 m"),
        (view(ground_m=None, ground=[[y, x] for x, y in lonlat(GROUND_M)]), "devices[0].view.ground[0]", "m from the camera"),
        (view(ground_m=[[-x, y] for x, y in GROUND_M]), "devices[0].view.ground_m", "mirror the picture"),
        (view(ground_m=[[3, 4], [-3, 4], [-3, 9], [3, 9]]), "devices[0].view.ground_m", "lie on both sides of a horizon"),
        (view(ground_m=[[0, y] for _, y in GROUND_M]), "devices[0].view.ground_m", "lie on a line, or nearly"),
        (
            view(ground_m=[*GROUND_M, [0, 9], [0, 4]], pixels=[*PIXELS, [640, 298.86], [640, 298.86]]),
            "devices[0].view.ground_m[5]",
            "from where the others put it",
        ),
        (view(detekt=[1, 2]), "devices[0].view.detekt", "did you mean detect?"),
    ],
)
def test_a_view_that_cannot_be_is_a_mistake_with_its_path(said: dict[str, Any], path: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        camera(**said)
    assert f" {path}: " in str(refused.value)
    assert words in str(refused.value)


@pytest.mark.parametrize("name", ["anju", "anju/elm", "zigbee2mqtt/hall", "frigate", "owntracks/jane"])
def test_a_node_whose_topics_would_be_taken_for_anothers_is_a_mistake(name: str) -> None:
    with pytest.raises(InputError) as refused:
        camera(kind="radar", view=None, source={"adapter": "esphome_ld2450", "name": name})
    assert "devices[0].source.name: " in str(refused.value)
    assert "which are another's" in str(refused.value)


@pytest.mark.parametrize("name", ["livingroom", "home/frigate", "anjuna", "frigate2"])
def test_other_nodes_may_be_called_as_they_like(name: str) -> None:
    source = camera(kind="radar", view=None, source={"adapter": "esphome_ld2450", "name": name}).source
    assert source is not None
    assert source.name == name


@pytest.mark.parametrize(("ahead_m", "kind", "far"), [(5, "radar", False), (9, "radar", True), (20, "camera", False), (30, "camera", True)])
def test_a_camera_sees_further_than_a_radar(ahead_m: float, kind: str, *, far: bool) -> None:
    line = {"type": "LineString", "coordinates": lonlat([[-1, ahead_m], [1, ahead_m]])}
    fence = {"id": "gate", "kind": "line", "home": "a-1", "geometry": line}
    found = community([fence], kind=kind, view=None, source=None).warnings
    assert any("out of sight" in one for one in found) == far
