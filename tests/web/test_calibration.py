"""What is proposed to whoever stands or walks where the app asks them to; nothing of it is kept."""

from typing import Any

import numpy as np
import pytest
from fakes.lakeside import Estate, Service
from fakes.reading import Asking

from geofence.frames import turned

HOME = "b3-201"
PATH = f"/api/homes/{HOME}/plan"
HUNG = {"id": "r-01", "place": [-4.0, -5.5], "heading_deg": 45.0, "height_m": 2.0}
ROOM = {"id": "living", "name": "客厅", "outline": [[-4, -5.5], [1, -5.5], [1, 0], [-4, 0]]}
SMALL = ROOM | {"outline": [[-4, -5.5], [0, -5.5], [0, -1.5], [-4, -1.5]]}
HALL = {"id": "hall", "name": "走廊", "outline": [[0, -5.5], [3, -5.5], [3, 0], [0, 0]]}
WINDOW = {"id": "w1", "kind": "window", "ends": [[-2, 0], [-0.5, 0]], "device": None}
DOORS = [
    {"id": "d1", "kind": "door", "ends": [[0, -4.0], [0, -3.0]], "device": None},
    {"id": "d2", "kind": "door", "ends": [[-2.5, -1.5], [-1.5, -1.5]], "device": None},
]
PLACES = np.array([[0.5, -0.5], [0.5, -4.5], [-3.0, -1.0]])


def as_drawn(places_m: np.ndarray, hangs_deg: float, *, mirrored: bool = False, drawn: dict[str, Any] = HUNG) -> np.ndarray:
    """Where the drawn pose shows what a radar sees that hangs otherwise."""
    own = turned(-hangs_deg, *(places_m - drawn["place"]).T) * [-1 if mirrored else 1, 1]
    return drawn["place"] + turned(drawn["heading_deg"], *own.T)


def frames(at: np.ndarray, count: int = 30, seed: int = 1) -> list[list[list[float]]]:
    return [[one] for one in (at + np.random.default_rng(seed).normal(0, 0.08, (count, 2))).round(3).tolist()]


def stands(hangs_deg: float, count: int = 3, **more: Any) -> list[dict[str, Any]]:
    seen = as_drawn(PLACES, hangs_deg, **more)
    return [{"at": PLACES[n].tolist(), "frames": frames(seen[n], seed=n)} for n in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("hangs_deg", [45.0, 80.0, 315.0])
def test_standing_at_known_places_turns_the_radar_as_it_hangs(served: Service, estate: Estate, count: int, hangs_deg: float) -> None:
    with Asking(served.url, estate, "wang-lei") as client:
        kept = client.get(PATH).json()
        said = client.post(f"{PATH}/pose", json={"radar": HUNG, "stands": stands(hangs_deg, count)}).json()
        assert client.get(PATH).json() == kept
    assert said["stands"] == ["still"] * count
    assert (said["place"], said["moved_m"], said["is_mirrored"]) == (HUNG["place"], 0.0, False)
    assert abs(said["heading_deg"] - hangs_deg) < 2
    assert said["within_m"] < 0.15


def test_a_radar_upside_down_and_somebody_else_are_told_apart_and_neither_is_a_pose(served: Service, estate: Estate) -> None:
    upside_down, somebody = stands(45.0, mirrored=True), stands(45.0)
    somebody[1]["frames"] = frames(np.array([-2.0, -2.0]))
    with Asking(served.url, estate, "wang-lei") as client:
        for one, is_mirrored in ((upside_down, True), (somebody, False)):
            said = client.post(f"{PATH}/pose", json={"radar": HUNG, "stands": one}).json()
            assert (said["is_mirrored"], said["place"], said["heading_deg"]) == (is_mirrored, None, None)
        assert said["within_m"] > 0.5


def test_why_somebody_did_not_stand_is_said_of_each_place(served: Service, estate: Estate) -> None:
    still, walks, two, none = stands(45.0, 1)[0], stands(45.0, 1)[0], stands(45.0, 1)[0], stands(45.0, 1)[0]
    walks["frames"] = [[[n / 20, 0.0]] for n in range(30)]
    two["frames"] = [[*seen, [3.0, 3.0]] for seen in two["frames"]]
    none["frames"] = [[]] * 30
    with Asking(served.url, estate, "wang-lei") as client:
        said = client.post(f"{PATH}/pose", json={"radar": HUNG, "stands": [still, walks, two, none]}).json()
    assert said == {
        "stands": ["still", "moving", "several", "nobody"],
        "place": None,
        "heading_deg": None,
        "within_m": None,
        "moved_m": None,
        "is_mirrored": False,
    }


def test_a_line_is_where_somebody_stood_or_walked_and_protects_the_window(served: Service, estate: Estate) -> None:
    track = [[[round(-2.5 + n / 12, 3), round(-1.6 + 0.02 * (n % 3), 3)]] for n in range(36)]
    about = {"radar": HUNG["place"], "rooms": [ROOM], "openings": [WINDOW]}
    with Asking(served.url, estate, "wang-lei") as client:
        stood = client.post(f"{PATH}/line", json=about | {"frames": frames(np.array([-1.0, -1.5])), "walked": False}).json()
        walked = client.post(f"{PATH}/line", json=about | {"frames": track, "walked": True}).json()
        neither = client.post(f"{PATH}/line", json=about | {"frames": track, "walked": False}).json()
        short = client.post(f"{PATH}/line", json=about | {"frames": track[:9], "walked": True}).json()
    (from_x, from_y), (to_x, to_y) = stood["path"]
    np.testing.assert_allclose([from_x, to_x, from_y, to_y], [-2.5, 0.0, -1.5, -1.5], atol=0.1)  # the window is to its left
    (from_x, from_y), (to_x, to_y) = walked["path"]
    np.testing.assert_allclose([from_x, to_x, from_y, to_y], [-2.4, 0.3, -1.58, -1.58], atol=0.15)
    assert neither == {"stand": "moving", "path": None}
    assert short["path"] is None


def walked(seed: int = 3) -> list[np.ndarray]:
    """People who come by one door and leave by the other, through the room."""
    random, ends = np.random.default_rng(seed), np.array([[0.0, -3.5], [-2.0, -1.5]])
    ways = []
    for n in range(12):
        begin, end = ends[[n % 2, 1 - n % 2]]
        corner = random.uniform([-3.0, -4.5], [-1.0, -2.5])
        ways.append(np.concatenate((np.linspace(begin, corner, 25), np.linspace(corner, end, 25)))[4:] + random.normal(0, 0.1, (46, 2)))
    return ways


def test_a_radar_that_is_turned_is_noticed_and_one_that_is_not_is_not(served: Service, estate: Estate) -> None:
    with Asking(served.url, estate, "wang-lei") as client:
        plan = client.get(PATH).json()
        for fence in plan["lines"]:  # the terrace says that people are meant to be seen out there
            assert client.request("DELETE", f"/api/fences/{fence['id']}", json={}).status_code == 204
        radar = HUNG | {"heading_deg": 135.0}
        wish = {"version": plan["version"], "rooms": [SMALL, HALL], "openings": DOORS, "radars": [radar]}
        version = client.put(PATH, json=wish).json()["version"]

        def asked(hangs_deg: float, **changed: Any) -> Any:
            tracks = [as_drawn(one, hangs_deg, drawn=radar).clip(-200, 200).round(3).tolist() for one in walked()]
            said = client.post(f"{PATH}/turn", json={"version": version, "radar": "r-01", "tracks": tracks} | changed)
            assert said.status_code == 200
            return said.json()["by_deg"]

        by_deg = asked(45.0)
        assert -105 <= by_deg <= -75
        assert by_deg % 5 == 0
        assert asked(135.0) is None
        assert asked(45.0, version="") is None
        assert asked(45.0, radar="c-01") is None
        few = [as_drawn(one, 45.0, drawn=radar).round(3).tolist() for one in walked()[:5]]
        assert asked(45.0, tracks=few) is None


@pytest.mark.parametrize(
    ("what", "wish"),
    [
        ("pose", {"radar": HUNG, "stands": []}),
        ("pose", {"radar": HUNG, "stands": [{"at": [0, 1e9], "frames": []}]}),
        ("pose", {"radar": HUNG, "stands": [{"at": [0, 1], "frames": [[[0, 0]] * 9]}]}),
        ("line", {"frames": [[[0]]], "walked": True, "radar": [0, 0], "rooms": [], "openings": []}),
        ("turn", {"version": "", "radar": "r-01", "tracks": [[]] * 61}),
    ],
)
def test_what_no_radar_sees_is_refused(served: Service, estate: Estate, what: str, wish: dict[str, Any]) -> None:
    with Asking(served.url, estate, "wang-lei") as client:
        assert client.post(f"{PATH}/{what}", json=wish).status_code == 422


def test_what_lies_beyond_any_floor_is_no_pose(served: Service, estate: Estate) -> None:
    far = HUNG | {"place": [200, 200]}
    places = [[-200, -200], [-197, -200], [-200, -197]]
    with Asking(served.url, estate, "wang-lei") as client:
        wish = {"radar": far, "stands": [{"at": one, "frames": [[[0, 0]]] * 20} for one in places]}
        said = client.post(f"{PATH}/pose", json=wish)
    assert (said.status_code, said.json()["place"]) == (200, None)
