"""A community's shapes together: what lies far from the rest, and who is told that a line reaches their home."""

import json
from typing import Any

import pytest

from devices.model import HomeId
from store.community import parse
from store.model import Community, InputError

Said = dict[str, Any]


def square(lon: float, lat: float, side_deg: float = 0.0001) -> Said:
    corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
    return {"type": "Polygon", "coordinates": [[[lon + x * side_deg, lat + y * side_deg] for x, y in corners]]}


def home(id_: str, lon: float, lat: float, **keys: Any) -> Said:
    return {"id": id_, "footprint": square(lon, lat), **keys}


def read(**sections: Any) -> Community:
    said = {"community": {"id": "elm", "name": "榆园", "timezone": "Asia/Shanghai"}, **sections}
    return parse(json.dumps(said), "elm.json")


def refused(**sections: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(**sections)
    return str(caught.value)


OTHERS = [home(f"b-{number}", 81.2, 44.1 + number / 1000) for number in range(2)]
"""In the west of China, where a latitude and a longitude can be mistaken for each other."""


def test_a_shape_with_longitude_and_latitude_swapped_is_told_by_where_the_others_lie() -> None:
    park = {"id": "park", "kind": "area", "geometry": square(44.1, 81.2)}
    assert refused(homes=OTHERS, geofences=[park]) == (
        "elm.json: line 1: geofences[0].geometry: lies far from homes[0].footprint, and beside it with the two numbers of each position "
        "swapped: begins at [44.1, 81.2], wanted [lon, lat]"
    )


def test_a_radar_with_longitude_and_latitude_swapped_is_told_too() -> None:
    radar = {"id": "r-1", "kind": "radar", "home": "b-0", "pose": {"lon": 44.1, "lat": 81.2, "heading_deg": 0}}
    assert "devices[0].pose: lies" in refused(homes=OTHERS, devices=[radar])


def test_what_is_merely_far_away_is_accepted() -> None:
    assert len(read(homes=OTHERS, geofences=[{"id": "park", "kind": "area", "geometry": square(10, 50)}]).fences) == 1


def line(id_: str, home_id: str, *positions: tuple[float, float], **keys: Any) -> Said:
    geometry = {"type": "LineString", "coordinates": [list(position) for position in positions]}
    return {"id": id_, "kind": "line", "home": home_id, "geometry": geometry, **keys}


def test_who_draws_a_line_along_the_neighbours_wall_is_told_of_and_the_neighbour_sees_it() -> None:
    homes = [home("a-1", 119.95, 31.78, building="1", floor=2), home("a-2", 119.9501, 31.78, building="1", floor=2)]
    own = line("own", "a-1", (119.95002, 31.78 - 1.5e-5), (119.95007, 31.78 - 1.5e-5))
    across = line("across", "a-1", (119.95002, 31.78 - 1.5e-5), (119.95015, 31.78 - 1.5e-5))
    community = read(homes=homes, geofences=[own, across])
    assert community.reached_by == {HomeId("a-2"): (HomeId("a-1"),)}
    (notice,) = community.notices
    assert notice == (
        "geofences[1]: across watches the home or the air space of a-2, where it is shown that there is such a line; "
        "standing in this file it counts as approved by the administrator"
    )


def test_a_line_of_a_home_without_a_footprint_counts_as_approved_and_import_says_so() -> None:
    community = read(homes=[{"id": "a-1"}], geofences=[line("own", "a-1", (119.95, 31.78), (119.9501, 31.78))])
    assert community.reached_by == {}
    assert community.notices[0].startswith("geofences[0]: own may watch more than a-1, which has no footprint; standing in this file")
