"""Floor plans: drawn in the app, kept with who drew them, judged by from then on, and left alone by an import."""

import json
from typing import Any

import numpy as np
import pytest
from fakes.lakeside import LAKESIDE, Estate, Service
from fakes.reading import Asking

from devices.model import HomeId
from store import importing
from store.choices import DRAWINGS
from store.estates import Estates
from store.model import Community

HOME = "b3-201"
PATH = f"/api/homes/{HOME}/plan"
ROOM = {"id": "living", "name": "客厅", "outline": [[-4, -5.5], [1, -5.5], [1, 0], [-4, 0]]}
WINDOW = {"id": "w1", "kind": "window", "ends": [[-2, -5.5], [-0.5, -5.5]], "device": "c-02"}


def now(estate: Estate) -> Community:
    with estate.database.read() as session:
        return Estates().community(session, LAKESIDE)


def wish(plan: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """A plan as it is, to be sent back."""
    radars = [{key: one[key] for key in ("id", "place", "heading_deg", "height_m")} for one in plan["radars"] if one["place"]]
    return {"version": plan["version"], "rooms": plan["rooms"], "openings": plan["openings"], "radars": radars} | changed


def test_what_nobody_drew_is_the_footprint_with_its_radar_and_its_line(served: Service, estate: Estate) -> None:
    with Asking(served.url, estate, "wang-lei") as client:
        plan = client.get(PATH).json()
    assert (plan["is_drawn"], plan["rooms"], plan["may"]) == (False, [], ["draw_plan"])
    outline = np.array(plan["outline"])
    np.testing.assert_allclose(np.ptp(outline, axis=0), [9.47, 11.09], atol=0.02)
    (radar,), (line,) = plan["radars"], plan["lines"]
    np.testing.assert_allclose(radar["place"], [0.0, -5.54], atol=0.01)
    assert radar["heading_deg"] == 180
    np.testing.assert_allclose(np.array(line["path"])[:, 1], -7.54, atol=0.01)
    assert (line["id"], line["near"], line["approach_m"], line["is_guarding"]) == ("terrace", "left", 1.5, False)


def test_a_drawn_plan_is_kept_and_the_radar_is_where_it_was_put(served: Service, estate: Estate) -> None:
    with Asking(served.url, estate, "wang-lei") as client:
        before = client.get(PATH).json()
        line = before["lines"][0]["path"]
        radar = {"id": "r-01", "place": [-1.25, -5.5], "heading_deg": 170.0, "height_m": 2.0}
        said = client.put(PATH, json=wish(before, rooms=[ROOM], openings=[WINDOW], radars=[radar]))
        assert said.status_code == 200
        plan = client.get(PATH).json()
    assert plan == said.json()
    assert (plan["is_drawn"], plan["by_words"], plan["rooms"], plan["openings"]) == (True, "王磊", [ROOM], [WINDOW])
    np.testing.assert_allclose(plan["radars"][0]["place"], [-1.25, -5.5], atol=0.002)
    np.testing.assert_allclose(plan["lines"][0]["path"], line, atol=0.002)
    pose = next(one.pose for one in now(estate).devices if one.id == "r-01")
    assert pose is not None
    assert (pose.heading_deg, pose.height_m) == (170.0, 2.0)


def test_an_import_leaves_what_was_drawn_as_it_is(served: Service, estate: Estate) -> None:
    with Asking(served.url, estate, "wang-lei") as client:
        radar = {"id": "r-01", "place": [-1, -5], "heading_deg": 170.0, "height_m": 2.0}
        client.put(PATH, json=wish(client.get(PATH).json(), rooms=[ROOM], radars=[radar]))
        drawn = client.get(PATH).json()
        plan = importing.plan(importing.kept_in(estate.database), "again.json", text=json.dumps(estate.said))
        importing.apply(estate.database, plan, estate.now_ns)
        assert client.get(PATH).json() == drawn


def test_the_file_may_say_a_plan_too(estate: Estate, served: Service) -> None:
    home = next(one for one in estate.said["homes"] if one["id"] == HOME)
    home["plan"] = {"lon": 119.95005, "lat": 31.78005, "heading_deg": 30, "rooms": [ROOM]}
    estate.write(estate.said, ago_s=0)
    with Asking(served.url, estate, "wang-lei") as client:
        plan = client.get(PATH).json()
    assert (plan["is_drawn"], plan["by_words"], plan["rooms"]) == (True, "", [ROOM])
    assert plan["radars"][0]["heading_deg"] == 150


def test_who_drew_on_an_older_plan_is_told_and_nothing_is_lost(served: Service, estate: Estate) -> None:
    with Asking(served.url, estate, "wang-lei") as client:
        before = client.get(PATH).json()
        client.put(PATH, json=wish(before, rooms=[ROOM]))
        client.be("wang-xiuying")
        late = client.put(PATH, json=wish(before, rooms=[]))
        assert (late.status_code, late.json()["code"]) == (409, "plan_changed")
        assert client.get(PATH).json()["rooms"] == [ROOM]


@pytest.mark.parametrize(
    "changed",
    [
        {"rooms": [ROOM, ROOM]},
        {"rooms": [ROOM | {"outline": [[0, 0], [4, 4], [4, 0], [0, 4]]}]},
        {"rooms": [ROOM | {"outline": [[0, 0], [0.1, 0], [0.1, 0.1]]}]},
        {"rooms": [ROOM | {"outline": [[0, 0], [1e9, 0], [0, 1]]}]},
        {"rooms": [ROOM | {"name": ""}]},
        {"rooms": [ROOM | {"id": f"r-{n}"} for n in range(41)]},
        {"openings": [WINDOW | {"device": "c-99"}]},
        {"openings": [WINDOW | {"device": "r-01"}]},
        {"openings": [WINDOW, WINDOW | {"id": "w2"}]},
        {"openings": [WINDOW | {"ends": [[0, 0], [0.05, 0]]}]},
        {"radars": [{"id": "w-01", "place": [0, 0], "heading_deg": 0, "height_m": 2}]},
        {"radars": [{"id": "r-01", "place": [0, 0], "heading_deg": 0, "height_m": 0}]},
    ],
)
def test_what_is_no_plan_is_refused_and_nothing_is_written(served: Service, estate: Estate, changed: dict[str, Any]) -> None:
    with Asking(served.url, estate, "wang-lei") as client:
        before = client.get(PATH).json()
        assert client.put(PATH, json=wish(before, **changed)).status_code == 422
        assert client.get(PATH).json() == before


@pytest.mark.parametrize("who", ["li-ming", "li-anna", "guard-chen", "office"])
def test_nobody_draws_in_the_home_of_others(served: Service, estate: Estate, who: str) -> None:
    with Asking(served.url, estate, "wang-lei") as client:
        before = client.get(PATH).json()
        client.be(who)
        assert client.put(PATH, json=wish(before, rooms=[ROOM])).status_code in {403, 404}
    assert HomeId(HOME) not in now(estate).plans


def test_a_plan_is_changed_so_often_an_hour(served: Service, estate: Estate) -> None:
    with Asking(served.url, estate, "wang-lei") as client:
        plan = client.get(PATH).json()
        for n in range(DRAWINGS.most):
            plan = client.put(PATH, json=wish(plan, rooms=[ROOM | {"name": f"{n}"}])).json()
        assert client.put(PATH, json=wish(plan, rooms=[])).status_code == 422


def test_a_room_whose_walls_cross_is_named_in_the_file(estate: Estate) -> None:
    home = next(one for one in estate.said["homes"] if one["id"] == HOME)
    home["plan"] = {"lon": 119.95, "lat": 31.78, "rooms": [ROOM | {"outline": [[0, 0], [4, 4], [4, 0], [0, 4]]}]}
    with pytest.raises(importing.InputError, match=r"homes\[0\]\.plan\.rooms\[0\]\.outline: is no room: its walls cross"):
        importing.plan(importing.kept_in(estate.database), "new.json", text=json.dumps(estate.said))
