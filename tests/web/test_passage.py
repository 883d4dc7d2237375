"""What is said of an event at a fence, and drawn: from which side, how far, how sure, what speaks for it and against it."""

import re
from dataclasses import replace
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from fakes.lakeside import EXAMPLE
from fakes.walking import SQUARE, T_NS, Places, area, coming, event, leaving, line, told
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.simulator import estate as simulated
from incidents.directory import Directory, Language
from rules.kinds import EventKind
from rules.premises import Fence, FenceId, FenceKind, Side
from store import community
from store.community import load
from web import fence_walk
from web.fence_walk import drawing
from web.ground import Compass, Ground
from web.languages import words_in
from web.passage import AT_FENCES, FOR, OF_AREAS, Sign, passage
from web.plan import Plan
from web.scene import Scene
from web.timeline import Decision, passed
from web.words import Words

EN, ZH = words_in(Language.EN), words_in(Language.ZH)

SVG = "{http://www.w3.org/2000/svg}"
ESTATE, TERRACE = (next(one for one in load(EXAMPLE).fences if one.id == fence_id) for fence_id in ("estate", "terrace"))

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
numbers = st.lists(st.integers(-5000, 5000), max_size=80).map(lambda values: " ".join(map(str, values)))
corners = st.tuples(st.integers(-40, 40), st.integers(-40, 40))


@cache
def directory() -> Directory:
    return load(EXAMPLE).directory


def scene(words: Words = EN) -> Scene:
    return Scene(words=words, directory=directory(), now_ns=T_NS)


def decision(said: dict[str, Any], fence: Fence | None = ESTATE, words: Words = EN, kind: EventKind = EventKind.EXIT) -> Decision:
    found = passed(event(kind, said), fence, scene(words))
    assert found is not None
    return found


def plan(said: dict[str, Any], fence: Fence = ESTATE, **fields: Any) -> Plan:
    found = decision(said, fence, **fields).plan
    assert found is not None
    return found


def signs(said: dict[str, Any], kind: EventKind = EventKind.EXIT, fence: Fence | None = None) -> list[Sign]:
    found = passage(event(kind, said), Ground.of(fence) if fence else None)
    assert found is not None
    return [one.sign for one in (*found.speaks_for, *found.speaks_against)]


def picture(said: dict[str, Any], fence: Fence = ESTATE, words: Words = EN, kind: EventKind = EventKind.EXIT) -> ET.Element:
    drawn = drawing(event(kind, said), fence, scene(words))
    assert drawn is not None
    return ET.fromstring(drawn)  # noqa: S314  our own


def texts(drawn: ET.Element) -> list[str]:
    return ["".join(one.itertext()) for one in drawn.iter(f"{SVG}text")]


def captions(drawn: Plan) -> list[str]:
    return [one.text for one in drawn.captions]


def points(path: str) -> np.ndarray:
    return np.array(re.findall(r"-?[\d.]+", path), float).reshape(-1, 2)


def test_who_left_is_said_to_have_in_one_sentence() -> None:
    found = decision(leaving())
    assert found.sure == "Went out of “estate” on the east side, 14\u00a0m beyond the edge"
    assert found.percent == "99 % sure"
    assert found.plan is not None
    assert found.plan.says == f"{found.sure}, 14 positions over 14\u00a0s, 99 % sure"
    assert found.more.startswith("Sure 14\u00a0s after it happened.")


def test_one_position_is_not_said_to_be_several() -> None:
    found = decision(leaving(fixes=1, decided_s=0.0))
    assert found.plan is not None
    assert found.plan.says.endswith("beyond the edge, one position, 99 % sure")
    assert found.speaks_against == ("Few positions say so: 1",)


@pytest.mark.parametrize(
    ("kind", "name", "english", "chinese"),
    [
        (
            EventKind.DWELL,
            "stayed_s",
            "Has stayed in “estate”, 14\u00a0m from the edge, for 15 min",
            "一直待在“estate”里，离边界 14\u00a0米，已有15分钟",
        ),
        (
            EventKind.ABSENT,
            "outside_s",
            "Outside “estate” on the east side, 14\u00a0m beyond the edge, for 15 min",
            "人在“estate”东侧外面，离边界 14\u00a0米，已有15分钟",
        ),
    ],
)
def test_how_long_somebody_has_been_there_is_said(kind: EventKind, name: str, english: str, chinese: str) -> None:
    said = leaving(**{name: 900.0})
    assert decision(said, kind=kind).sure == english
    assert decision(said, words=ZH, kind=kind).sure == chinese


def test_the_same_is_said_in_chinese() -> None:
    found = decision(leaving(), words=ZH)
    assert (found.sure, found.percent) == ("从“estate”东侧走出，超出边界 14\u00a0米", "把握 99 %")
    assert found.speaks_for == ("离边界 14\u00a0米，定位误差约 8\u00a0米", "连续 14 次定位都是这样", "先后在边界两侧都定位到了")
    assert found.headings[0] == "可信的地方"


@pytest.mark.parametrize("kind", sorted(AT_FENCES))
@pytest.mark.parametrize("words", [ZH, EN], ids=["zh", "en"])
def test_every_kind_at_a_fence_is_told_and_drawn(kind: EventKind, words: Words) -> None:
    said, fence = (leaving(), ESTATE) if kind in OF_AREAS else (coming(), TERRACE)
    found = decision(said, fence, words, kind)
    assert fence.id in found.sure
    assert found.plan is not None
    assert "{" not in "".join((found.sure, found.plan.says, found.plan.title, *found.speaks_for, *found.speaks_against, found.more))


@pytest.mark.parametrize("kind", sorted(set(EventKind) - AT_FENCES))
def test_nothing_else_is(kind: EventKind) -> None:
    assert passed(event(kind, leaving()), ESTATE, scene()) is None


@pytest.mark.parametrize(("score", "percent"), [(1.0, 99), (0.999, 99), (0.896, 90), (0.5, 50)])
def test_nothing_is_surer_than_99_percent(score: float, percent: int) -> None:
    found = passage(event(EventKind.EXIT, leaving(), score=score), None)
    assert found is not None
    assert found.percent == percent


def test_a_probability_goes_before_the_score_and_a_lines_score_is_none() -> None:
    assert decision(leaving(probability=0.75)).percent == "75 % sure"
    assert decision(coming(), TERRACE, kind=EventKind.APPROACH).percent == ""
    assert decision(coming(probability=0.9), TERRACE, kind=EventKind.APPROACH).percent == "90 % sure"


@pytest.mark.parametrize(
    ("kind", "said", "sign"),
    [
        (EventKind.EXIT, {"distance_m": 8.0, "accuracy_m": 8.0}, Sign.FAR),
        (EventKind.EXIT, {"distance_m": 7.0, "accuracy_m": 8.0}, None),
        (EventKind.EXIT, {"distance_m": 5.0, "accuracy_m": 8.0}, Sign.CLOSE),
        (EventKind.EXIT, {"distance_m": 5.0, "accuracy_m": 8.0, "sigma_m": 3.0}, Sign.FAR),
        (EventKind.EXIT, {"distance_m": 5.0, "fixes": 2}, Sign.FEW),
        (EventKind.EXIT, {"distance_m": 5.0, "fixes": 4}, None),
        (EventKind.EXIT, {"distance_m": 5.0, "fixes": 5}, Sign.MANY),
        (EventKind.EXIT, told([(0, 0), (1, 1)], [-61, 0]), Sign.GAP),
        (EventKind.EXIT, told([(0, 0), (1, 1)], [-60, 0]), None),
        (EventKind.CROSS, {"distance_m": 0.3, "travelled_m": 1.0}, Sign.NEARER),
        (EventKind.CROSS, {"distance_m": 0.3, "travelled_m": 0.9}, None),
        (EventKind.CROSS, {"distance_m": 0.3, "travelled_m": 0.7}, Sign.BARELY),
        (EventKind.CROSS, {"distance_m": 0.3, "closing_mps": 0.3}, Sign.COMING),
        (EventKind.CROSS, {"distance_m": 0.3, "closing_mps": 0.2}, None),
        (EventKind.CROSS, {"distance_m": 0.3, "closing_mps": 0.1}, Sign.HARDLY),
        (EventKind.CROSS, told([(0, 0), (0, 1)], [-2, 0]), Sign.LONG),
        (EventKind.CROSS, told([(0, 0), (0, 1)], [-1.5, 0]), None),
        (EventKind.CROSS, told([(0, 0), (0, 1)], [-1, 0]), Sign.GLIMPSE),
        (EventKind.CROSS, {"distance_m": 0.3, "corroborated_by": "door-1,pir-2"}, Sign.OTHERS),
    ],
)
def test_what_is_neither_clear_nor_doubtful_is_no_sign(kind: EventKind, said: dict[str, Any], sign: Sign | None) -> None:
    assert signs({"fence": "estate"} | said, kind) == ([sign] if sign else [])


def test_who_was_seen_on_both_sides_went_over_the_edge_and_of_who_was_not_that_is_said_against_it() -> None:
    assert Sign.SEEN_OVER in signs(leaving(), fence=ESTATE)
    late = leaving() | told([(200.0, 20.0), (203.0, 21.0)], [0, 14])
    assert Sign.UNSEEN_OVER in signs(late, fence=ESTATE)
    assert decision(late).speaks_against == ("Not seen on the other side just before",)


def test_everything_is_either_for_or_against() -> None:
    assert set(EN.signs) == set(ZH.signs) == set(Sign)
    assert set(Sign) > FOR


@pytest.mark.parametrize(
    ("way", "side"),
    [
        ([(0, 20), (1, 45)], Compass.N),
        ([(20, 3), (50, 3)], Compass.E),
        ([(-3, -20), (-3, -50)], Compass.S),
        ([(-20, 5), (-50, 5)], Compass.W),
        ([(29, 29), (41, 41)], Compass.NE),
        ([(29, -29), (41, -41)], Compass.SE),
        ([(-50, 5), (25, 4)], Compass.W),  # came in from the west, and is nearest to the east by now
        ([(50, 5), (20, 5), (5, -25)], Compass.E),
        ([(0, 20), (0, 45), (0, 20), (45, 0)], Compass.E),  # of two ways out the last one
        ([(60, 0)], Compass.E),
        ([(25, 0)], Compass.E),
        ([(30, 0)], Compass.E),
    ],
)
def test_the_side_is_where_the_way_led_over_the_edge(way: Places, side: Compass) -> None:
    ground = Ground.of(SQUARE)
    assert ground is not None
    assert ground.side(np.array(way, float)) is side


@pytest.mark.parametrize(
    "broken",
    [
        {"track_dm": ""},
        {"track_dm": "1 2 3"},
        {"track_dm": 5},
        {"track_s": "0 " * 55},
        {"track_s": "nan " * 55},
        {"track_s": True},
    ],
    ids=str,
)
def test_a_way_that_makes_no_sense_is_not_drawn_and_the_words_stay(broken: dict[str, Any]) -> None:
    found = decision(leaving() | broken)
    assert found.plan is None
    assert found.sure == "Went out of “estate”, 14\u00a0m beyond the edge"
    assert len(found.speaks_for) == 2


def test_without_the_fence_there_are_words_only() -> None:
    found = decision(leaving(), None)
    assert (found.plan, found.sure) == (None, "Went out of “estate”, 14\u00a0m beyond the edge")


def test_an_older_event_is_told_without_a_picture_and_an_event_without_a_word_of_its_fence_not_at_all() -> None:
    assert decision({"distance_m": 8.1, "accuracy_m": 5.0, "fixes": 6, "fence": "estate"}).plan is None
    assert passed(event(EventKind.EXIT, {"fence": "estate"}), ESTATE, scene()) is None
    assert passed(event(EventKind.EXIT, {"distance_m": 8.1}), ESTATE, scene()) is None
    assert passed(event(EventKind.EXIT, {"distance_m": 8.1}, cause="estate"), ESTATE, scene()) is not None


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from([*leaving(), *coming(), "probability", "corroborated_by"]), scalars | numbers),
    st.sampled_from(sorted(AT_FENCES)),
    st.sampled_from([ESTATE, TERRACE]),
    st.booleans(),
)
def test_no_evidence_whatever_is_an_error(broken: dict[str, Any], kind: EventKind, fence: Fence, leaves: bool) -> None:  # noqa: FBT001
    said = (leaving() if leaves else coming()) | broken
    for words in (EN, ZH):
        drawn = drawing(event(kind, said), fence, scene(words))
        assert drawn is None or ET.fromstring(drawn) is not None  # noqa: S314  our own


@settings(deadline=None, max_examples=60)
@given(st.lists(corners, min_size=3, max_size=9), st.lists(corners, min_size=1, max_size=20), st.booleans())
def test_no_fence_and_no_way_whatever_is_an_error(ring: list[tuple[int, int]], way: list[tuple[int, int]], is_line: bool) -> None:  # noqa: FBT001
    fence = line(*ring) if is_line else area(*ring)
    said = {"fence": fence.id, "distance_m": 3.0, "accuracy_m": 8.0} | told(way, np.arange(len(way)) - 5.0)
    found = passed(event(EventKind.CROSS if is_line else EventKind.ENTER, said), fence, scene())
    assert found is not None
    assert found.plan is not None or Ground.of(fence) is None
    for caption in found.plan.captions if found.plan else ():
        assert 0 < caption.x < 320
        assert 0 < caption.y < found.plan.map_height


def test_a_line_of_no_length_and_one_that_only_touches_the_map_are_no_error() -> None:
    for path in (((0.0, 0.0), (0.0, 0.0)), ((0.0, 0.0), (0.001, 0.0)), ((-900.0, 900.0), (900.0, 900.0))):
        said = coming() | told([(0.0, -1.0), (0.5, 0.0)], [-1, 0])
        assert passed(event(EventKind.APPROACH, said), line(*path), scene()) is not None


def test_a_small_fence_is_drawn_whole_and_of_a_large_one_the_part_beside_the_way() -> None:
    assert plan(leaving()).small is not None
    near = leaving() | told([(10, 0), (45, 0)], [-9, 0])
    assert plan(near, SQUARE).small is None
    edge = points(plan(near, SQUARE).edge)
    assert len(edge) == 5
    assert (edge.min(), edge[:, 0].max()) > (0.0, 200.0)


def test_north_is_up_and_metres_are_as_long_both_ways() -> None:
    drawn = plan({"fence": "estate", "distance_m": 10.0} | told([(0, 0), (20, 0), (20, 10)], [-2, -1, 0]), SQUARE)
    start, corner, end = points(drawn.before)
    length, text = drawn.scale
    per_m = length / float(text.removesuffix("\u00a0m"))
    assert (corner - start) / per_m == pytest.approx([20.0, 0.0], abs=0.1)
    assert (end - corner) / per_m == pytest.approx([0.0, -10.0], abs=0.1)


def test_the_way_turns_red_with_the_event_and_the_ring_is_round_what_decided() -> None:
    drawn = plan(leaving())
    way = np.vstack([points(drawn.before)[:-1], points(drawn.after)[1:]])
    assert len(way) == 55
    assert np.array(drawn.decided, float) == pytest.approx(way[-1])
    early = plan(leaving(decided_s=5.0))
    assert np.array(early.decided, float) == pytest.approx(way[-10])
    assert early.error is not None
    assert np.array(early.error[:2], float) == pytest.approx(way[-1])
    edge_x = points(drawn.edge)[0, 0]
    assert all(float(x) > edge_x - 8.0 for x, _, is_after in drawn.dots if is_after)


@pytest.mark.parametrize("near", list(Side))
def test_a_line_and_its_reverse_with_the_other_side_near_protect_the_same(near: Side) -> None:
    other = Side.RIGHT if near is Side.LEFT else Side.LEFT
    said = coming() | told([(0, -4), (1, -2), (0, -1)], [-2, -1, 0])
    path = ((-3.0, 0.0), (0.0, 0.5), (3.0, 0.0))
    one = plan(said, line(*path, near=near), kind=EventKind.APPROACH)
    reverse = plan(said, line(*path[::-1], near=other), kind=EventKind.APPROACH)
    assert sorted(points(one.fill).tolist()) == sorted(points(reverse.fill).tolist())
    assert captions(one) == captions(reverse)
    strip, edge = points(one.fill)[:, 1].mean(), points(one.edge)[:, 1].mean()
    assert bool(strip < edge) == (near is Side.LEFT)


def test_what_is_far_and_what_is_near_is_named_on_its_own_side() -> None:
    drawn = plan(coming(), TERRACE, kind=EventKind.APPROACH)
    named = {one.text: one.y for one in drawn.captions}
    edge_y = points(drawn.edge)[0, 1]
    assert named["home side"] < edge_y < named["outside"]
    assert {"1.2\u00a0m", "14:00:00", "13:59:52"} <= set(named)


def test_of_who_stays_where_they_are_one_time_is_said_and_no_arrow_drawn() -> None:
    drawn = plan(leaving() | told([(0, 0), (0.5, 0.2), (0.1, 0.0)], [-600, -300, 0]), SQUARE, kind=EventKind.DWELL)
    assert drawn.arrow == ""
    assert [text for text in captions(drawn) if ":" in text] == ["14:00:00"]


@pytest.mark.parametrize("words", [ZH, EN], ids=["zh", "en"])
def test_a_picture_is_named_says_what_it_shows_and_is_small(words: Words) -> None:
    round_one = area(*((60 * np.cos(angle), 60 * np.sin(angle)) for angle in np.linspace(0, 2 * np.pi, 2001)[:-1].tolist()))
    drawn = drawing(event(EventKind.EXIT, leaving() | told(np.arange(120).reshape(60, 2), np.arange(60) - 59)), round_one, scene(words))
    assert drawn is not None
    assert len(drawn.encode()) < 15_000
    root = ET.fromstring(drawn)  # noqa: S314  our own
    inner = next(one for one in root.iter(f"{SVG}svg") if one.get("role") == "img")
    says = {one.get("id"): one.text for one in inner}
    assert says[inner.get("aria-labelledby")] == words.spots["title"].format(fence="estate")
    assert "14\u00a0" in (says[inner.get("aria-describedby")] or "")
    assert not list(root.iter(f"{SVG}script"))


def test_words_are_never_markup() -> None:
    odd = replace(ESTATE, id=FenceId("<script>&"))
    root = picture(leaving(fence="<script>&"), odd, replace(EN, spots=EN.spots | {"inside": "<b>"}))
    assert not list(root.iter(f"{SVG}script"))
    assert "<script>&" in "".join(root.itertext())
    assert "<b>" in texts(root)


def test_an_area_of_which_nothing_is_left_has_no_ground() -> None:
    flat = Fence(community_id=ESTATE.community_id, id=ESTATE.id, kind=FenceKind.AREA, rings=((((0, 0), (1e-3, 0), (2e-3, 0), (0, 0)),),))
    assert Ground.of(flat) is None
    assert decision(leaving(), flat).plan is None


def test_a_simulated_walk_out_is_found_by_the_rule_and_drawn() -> None:
    here = community.parse(simulated.community_file(), "the simulated estate")
    fence = next(one for one in here.fences if one.id == fence_walk.FENCE)
    path_m = fence_walk.walked(np.random.default_rng(fence_walk.SEED))
    found = fence_walk.left(here, fence, path_m)
    assert found is not None
    told = decision(dict(found.evidence), fence)
    assert told.sure.startswith("Went out of “estate” on the east side")
    assert told.plan is not None
    assert fence_walk.left(here, fence, path_m[:50]) is None
