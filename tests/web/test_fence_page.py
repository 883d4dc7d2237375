"""An event at a fence on its incident's page: whom it is explained to, which fence is drawn, and that it can be read."""

import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from fakes.lakeside import LAKESIDE, Estate, Service
from fakes.reading import Asking, act, path, text
from fakes.walking import coming, leaving
from playwright.sync_api import Page, expect
from stories import at, picked, tell

from devices.model import NS_PER_S
from incidents.model import Do, Incident
from rules.kinds import EventKind
from store import configuration
from web.timeline import MOST_PICTURES

SENTENCE = "Went out of “estate” on the east side, 14\u00a0m beyond the edge"


def exits(estate: Estate, **said: object) -> Incident:
    evidence = leaving(**said)
    return estate.happens(EventKind.EXIT, "wang-xiuying", device="w-01", score=0.993, cause="estate", evidence=evidence)


def page(client: Asking, incident: Incident) -> str:
    answer = client.get(path(incident))
    assert answer.status_code == 200
    return answer.text


def moved(estate: Estate, east_deg: float) -> None:
    """The estate's fence lies elsewhere from now on."""
    said = deepcopy(estate.said)
    for corner in said["geofences"][1]["geometry"]["coordinates"][0]:
        corner[0] += east_deg
    estate.write(said, ago_s=0)


@pytest.mark.parametrize(("person", "is_told"), [("guard-chen", True), ("office", False), ("wang-lei", True), ("wang-xiuying", True)])
def test_where_somebody_went_is_shown_to_who_stands_guard_and_to_their_family(
    *, client: Asking, estate: Estate, person: str, is_told: bool
) -> None:
    incident = exits(estate)
    client.be(person)
    shown = page(client, incident)
    assert (SENTENCE in shown) is is_told
    assert ('class="fence"' in shown) is is_told


def test_where_somebody_went_is_nobodys_business_once_it_is_over_but_their_familys(client: Asking, estate: Estate) -> None:
    incident = exits(estate)
    act(client, Do.RESOLVE, incident)
    shown = page(client, incident)
    assert (SENTENCE in shown, 'class="fence"' in shown, "distance_m" in shown) == (False, False, False)
    client.be("wang-lei")
    assert SENTENCE in page(client, incident)


def test_who_came_to_a_home_is_shown_to_who_stands_guard(client: Asking, estate: Estate) -> None:
    incident = estate.happens(EventKind.APPROACH, "b3-201", device="r-01", score=0.93, cause="terrace", evidence=coming())
    client.be("office")
    assert 'class="fence"' not in page(client, incident)
    client.be("guard-chen")
    shown = text(client.get(path(incident)))
    assert "Somebody came near “terrace” from outside, 1.2 m from the line" in shown
    assert "Came 2.1 m nearer" in shown


def test_the_way_is_drawn_and_never_written(client: Asking, estate: Estate) -> None:
    incident = exits(estate)
    client.be("guard-chen")
    said = page(client, incident)
    assert "track_dm" not in said
    assert str(leaving()["track_dm"])[:40] not in said
    assert "distance_m" in said  # the numbers are


def test_the_fence_is_drawn_as_it_was_then(client: Asking, estate: Estate) -> None:
    incident = exits(estate)
    client.be("guard-chen")
    before = page(client, incident)
    edge = re.search(r'class="edge" d="([^"]+)"', before)
    assert edge
    estate.pass_s(60)
    moved(estate, 0.01)
    assert edge[1] in page(client, incident)
    later = exits(estate)
    assert edge[1] in page(client, later)  # the way is told from the fence's own middle, so that it went along
    estate.pass_s(60)
    said = deepcopy(estate.said)
    said["geofences"] = []
    estate.write(said, ago_s=0)
    assert edge[1] in page(client, incident)


def test_of_a_fence_that_was_no_more_there_are_words_only(client: Asking, estate: Estate) -> None:
    said = deepcopy(estate.said)
    said["geofences"] = []
    estate.write(said, ago_s=0)
    incident = exits(estate)
    client.be("guard-chen")
    shown = page(client, incident)
    assert "Went out of “estate”, 14\u00a0m beyond the edge" in shown
    assert 'class="fence"' not in shown


def test_of_a_file_that_is_no_longer_understood_there_are_words_only(client: Asking, estate: Estate) -> None:
    with estate.database.write() as session:
        configuration.append_community(session, LAKESIDE, estate.now_ns - NS_PER_S, '{"community": {"id": "lakeside", "zone": 8}}')
    incident = exits(estate)
    estate.pass_s(60)
    estate.write(estate.said, ago_s=0)
    client.be("guard-chen")
    shown = page(client, incident)
    assert "Went out of “estate”, 14\u00a0m beyond the edge" in shown
    assert 'class="fence"' not in shown


@pytest.mark.parametrize(
    "broken", [{"track_dm": "1 2 x"}, {"track_s": ""}, {"distance_m": "far"}, {"fence": 7}, {"accuracy_m": -1.0}], ids=str
)
def test_evidence_that_makes_no_sense_is_still_a_page(client: Asking, estate: Estate, broken: dict[str, object]) -> None:
    incident = exits(estate, **broken)
    client.be("guard-chen")
    assert "Left the safe area" in text(client.get(path(incident)))


def test_of_many_exits_the_first_ones_are_drawn(client: Asking, estate: Estate) -> None:
    for _ in range(MOST_PICTURES + 2):
        incident = exits(estate)
        estate.pass_s(30)
    client.be("guard-chen")
    shown = page(client, incident)
    assert shown.count('class="fence"') == MOST_PICTURES
    assert shown.count("Went out of “estate”") >= MOST_PICTURES + 2


def replayed(folder: Path, said: dict[str, Any], batch: int) -> dict[str, Any]:
    """The exit that a replay tells of somebody who walks out of the estate by its southern edge."""
    north_deg = [31.7786 - 1e-5 * second for second in range(100)]
    fixes = [{"t": at(second), "lon": 119.9501, "lat": lat, "accuracy_m": 5} for second, lat in enumerate(north_deg)]
    lines = [{"at": fix["t"], "topic": "anju/lakeside/w-01/position", "payload": fix} for fix in fixes]
    (told,) = picked(tell(folder, lines, said, batch), "event", kind="exit")
    return told


def test_what_a_replay_tells_is_drawn_on_the_page(client: Asking, estate: Estate, tmp_path: Path) -> None:
    told = replayed(tmp_path, estate.said, 256)
    assert told == replayed(tmp_path, estate.said, 1)
    incident = estate.happens(EventKind.EXIT, "wang-xiuying", device="w-01", score=told["score"], cause="estate", evidence=told["evidence"])
    client.be("wang-lei")
    shown = page(client, incident)
    assert 'class="fence"' in shown
    assert "Went out of “estate” on the south side" in shown
    assert "Seen on both sides of the edge, one after the other" in shown
    assert "从“estate”南侧走出" in client.get(path(incident), params={"lang": "zh"}).text


@pytest.mark.parametrize("width", [360, 390, 1440])
@pytest.mark.parametrize("locale", ["zh-CN", "en"])
@pytest.mark.parametrize("kind", [EventKind.EXIT, EventKind.APPROACH])
def test_the_picture_of_a_fence_can_be_read_on_a_phone_and_on_a_desk(
    *, estate: Estate, served: Service, screen: Callable[..., Page], width: int, locale: str, kind: EventKind
) -> None:
    of_line = {"device": "r-01", "cause": "terrace", "evidence": coming()}
    incident = exits(estate) if kind is EventKind.EXIT else estate.happens(kind, "b3-201", **of_line)
    shown = screen(locale, width, scripts=False)
    shown.goto(f"{served.url}/incidents/{LAKESIDE}/{incident.id}")
    expect(shown.get_by_role("img", name=re.compile("走过的路线|The way, and the edge"))).to_be_visible()
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    picture = shown.locator("svg.fence")
    labels = picture.locator("text").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect()).map(box => [box.left, box.top, box.right, box.bottom])"
    )
    left, top, right, bottom = picture.evaluate("it => (b => [b.left, b.top, b.right, b.bottom])(it.getBoundingClientRect())")
    assert len(labels) >= 6
    assert 15 * (right - left) / 320 >= 14  # letters, in pixels
    assert [box for box in labels if box[0] < left - 1 or box[1] < top - 1 or box[2] > right + 1 or box[3] > bottom + 1] == []
    overlaps = [
        (one, other)
        for number, one in enumerate(labels)
        for other in labels[:number]
        if min(one[2], other[2]) - max(one[0], other[0]) > 1
        and min(one[3], other[3]) - max(one[1], other[1]) > 5  # air above and below letters
    ]
    assert overlaps == []
