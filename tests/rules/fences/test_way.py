"""The way to a fence, in the evidence of what the rules tell: whose it is, seen from where, until when, and that it stays small."""

import json
from collections.abc import Sequence

import numpy as np
import pytest
from builders import COMMUNITY, T0_NS, Reading, Run, device, position, premises, targets

from devices.model import NS_PER_S, DeviceKind, HomeId, PersonId, Pose
from geofence.frames import Frame
from geofence.trail import MOST, Trail, read
from rules.fences.areas import Area
from rules.fences.lines import Line
from rules.fences.way import frame_of
from rules.kinds import EventKind
from rules.model import Event, Facts
from rules.premises import Fence, FenceId, FenceKind, HomePlace, Premises, Side

HOME = HomeId("b1")
LON, LAT = 119.95, 31.78
FRAME = Frame.at(LON, LAT)


def degrees(east_m: float, north_m: float) -> tuple[float, float]:
    return LON + east_m / FRAME.east_m_per_deg, LAT + north_m / FRAME.north_m_per_deg


ESTATE = Fence(
    community_id=COMMUNITY,
    id=FenceId("estate"),
    kind=FenceKind.AREA,
    residents=frozenset({PersonId("wang"), PersonId("li")}),
    events=frozenset({EventKind.EXIT}),
    # Its middle is 10 m east and 20 m south of the place that the fixes are told from.
    rings=((tuple(degrees(10.0 + x, -20.0 + y) for x, y in ((-90, -80), (90, -80), (90, 80), (-90, 80), (-90, -80))),),),
)
WINDOW = Fence(
    community_id=COMMUNITY,
    id=FenceId("window"),
    kind=FenceKind.LINE,
    home=HOME,
    near=Side.RIGHT,
    approach_m=1.5,
    events=frozenset({EventKind.APPROACH, EventKind.CROSS}),
    path=(degrees(-4.0, 2.0), degrees(2.0, 2.0)),
)


def around(heading_deg: float = 0.0) -> Premises:
    return premises(
        device("t-1", DeviceKind.TRACKER, wearer="wang", home="b1"),
        device("t-2", DeviceKind.TRACKER, wearer="li", home="b1"),
        device("r-1", DeviceKind.RADAR, home="b1", pose=Pose(lon=LON, lat=LAT, heading_deg=heading_deg)),
        homes=[HomePlace(id=HOME)],
        fences=[ESTATE, WINDOW],
    )


def walk(*, name: str = "t-1", seconds: int = 120, late_s: float = 0.0) -> list[Reading]:
    """Eastwards at a metre a second, over the edge at 100 m after 100 s."""
    return [position(name, t + late_s, *degrees(float(t), 3.0), accuracy_m=5.0, t_s=float(t)) for t in range(seconds)]


def walk_up(seconds: float = 9.0) -> list[Reading]:
    """To the radar that looks north, from 8 m ahead of it and 1 m to its right, at a metre a second."""
    return [targets("r-1", tenth / 10, (1.0, 8.0 - tenth / 10)) for tenth in range(round(seconds * 10))]


def only(facts: Facts, kind: EventKind) -> Event:
    (found,) = [fact for fact in facts if isinstance(fact, Event) and fact.kind is kind]
    return found


def way(event: Event) -> Trail:
    found = read(event.evidence)
    assert found is not None
    return found


def exit_of(stream: Sequence[Reading], **how: object) -> Event:
    known = around()
    return only(Run(premises=known, rule=Area(known)).play(stream, **how), EventKind.EXIT)  # type: ignore[arg-type]


def test_an_exit_tells_the_way_from_the_middle_of_its_fence_up_to_the_fix_that_decided() -> None:
    event = exit_of(walk())
    told, decided_s = way(event), event.evidence["decided_s"]
    assert isinstance(decided_s, float)
    assert len(told.time_s) == MOST
    assert told.time_s[-1] == decided_s == (event.known_ns - event.t_ns) / NS_PER_S
    first_s = (event.t_ns - T0_NS) / NS_PER_S
    assert told.place_m[:, 0] == pytest.approx(first_s + told.time_s - 10.0, abs=0.06)
    assert told.place_m[:, 1] == pytest.approx(23.0, abs=0.06)


def test_a_way_is_its_own_wearers() -> None:
    together = sorted([*walk(), *walk(name="t-2", late_s=0.1)], key=lambda one: one.at_s)
    known = around()
    facts = Run(premises=known, rule=Area(known)).play(together)
    one, other = (fact for fact in facts if isinstance(fact, Event))
    assert {one.device_id, other.device_id} == {"t-1", "t-2"}
    assert way(one).place_m.tolist() == way(other).place_m.tolist() == way(exit_of(walk())).place_m.tolist()


def test_what_was_buffered_and_arrives_at_once_tells_the_same_way() -> None:
    at_once = [position("t-1", 200.0, *degrees(float(t), 3.0), accuracy_m=5.0, t_s=float(t)) for t in range(120)]
    told = exit_of(at_once).evidence
    assert told == exit_of(at_once, cuts=range(120)).evidence == exit_of(walk()).evidence


def test_fixes_that_are_old_or_repeated_or_no_fixes_are_no_part_of_a_way() -> None:
    stream = walk()
    odd = [
        position("t-1", 90.1, *degrees(-50.0, -50.0), t_s=70.0),
        position("t-1", 90.2, *degrees(-60.0, -60.0), t_s=90.1, retained=True),
        position("t-1", 90.3, 0.0, 0.0, t_s=90.3),
    ]
    assert exit_of(sorted([*stream, *odd], key=lambda one: one.at_s)).evidence == exit_of(stream).evidence


@pytest.mark.parametrize("place", [1, 60, 104, 111])
def test_a_start_anew_on_the_way_forgets_nothing_of_it(place: int) -> None:
    known, stream = around(), walk()
    before, after = Area(known), Area(known)
    facts = Run(premises=known, rule=before).play(stream[:place])
    after.restore(json.loads(json.dumps(before.snapshot())))
    facts += Run(premises=known, rule=after).play(stream, start=place)
    assert only(facts, EventKind.EXIT).evidence == exit_of(stream).evidence


def test_a_snapshot_with_a_way_is_small() -> None:
    known = around()
    rule = Area(known)
    Run(premises=known, rule=rule).play(walk(seconds=90))
    state = rule.snapshot()["lakeside/t-1"]
    assert len(state["/way"]) <= 1280
    assert len(json.dumps(state)) < 2600


def test_a_line_tells_the_way_as_its_radar_saw_it_from_the_middle_of_the_line() -> None:
    known = around()
    approach = only(Run(premises=known, rule=Line(known)).play(walk_up()), EventKind.APPROACH)
    told = way(approach)
    assert told.place_m[:, 0] == pytest.approx(2.0, abs=0.06)  # 1 m right of the radar, which is 1 m right of the line's middle
    assert np.all(np.diff(told.place_m[:, 1]) < 0.0)
    assert told.place_m[0, 1] == pytest.approx(6.0, abs=0.06)
    assert 0.0 < told.place_m[-1, 1] <= 1.5
    assert told.time_s[0] == pytest.approx((T0_NS - approach.t_ns) / NS_PER_S, abs=0.06)
    assert approach.evidence["decided_s"] == (approach.known_ns - approach.t_ns) / NS_PER_S


def test_a_radars_heading_turns_the_way_with_it() -> None:
    west = Fence(**{name: getattr(WINDOW, name) for name in WINDOW.__slots__} | {"path": (degrees(-2.0, -4.0), degrees(-2.0, 2.0))})
    known = premises(
        device("r-1", DeviceKind.RADAR, home="b1", pose=Pose(lon=LON, lat=LAT, heading_deg=270.0)),
        homes=[HomePlace(id=HOME)],
        fences=[west],
    )
    told = way(only(Run(premises=known, rule=Line(known)).play(walk_up()), EventKind.APPROACH))
    assert told.place_m[:, 1] == pytest.approx(2.0, abs=0.06)
    assert told.place_m[0, 0] == pytest.approx(-6.0, abs=0.06)


@pytest.mark.parametrize("place", [1, 30, 66])
def test_a_start_anew_forgets_nothing_of_what_a_radar_saw(place: int) -> None:
    known, stream = around(), walk_up()
    before, after = Line(known), Line(known)
    facts = Run(premises=known, rule=before).play(stream[:place])
    after.restore(json.loads(json.dumps(before.snapshot())))
    facts += Run(premises=known, rule=after).play(stream, start=place)
    whole = Run(premises=known, rule=Line(known)).play(stream)
    assert [fact.evidence for fact in facts if isinstance(fact, Event)] == [fact.evidence for fact in whole if isinstance(fact, Event)]


def test_of_somebody_who_went_away_nothing_is_kept() -> None:
    known = around()
    rule = Line(known)
    Run(premises=known, rule=rule).play([*walk_up(2.0), *(targets("r-1", 2.0 + second) for second in range(30))])
    assert rule.snapshot()["lakeside/r-1"]["ways"] == []


def test_a_snapshot_from_before_ways_were_kept_is_taken_over() -> None:
    known, stream = around(), walk()
    before, after = Area(known), Area(known)
    Run(premises=known, rule=before).play(stream[:50])
    state = {key: {name: value for name, value in one.items() if name != "/way"} for key, one in before.snapshot().items()}
    after.restore(state)
    event = only(Run(premises=known, rule=after).play(stream, start=50), EventKind.EXIT)
    assert way(event).time_s[-1] == event.evidence["decided_s"]
    assert event.t_ns == exit_of(stream).t_ns


def test_the_frame_is_that_of_the_middle_of_the_fence() -> None:
    assert frame_of(ESTATE).metres(LON, LAT) == pytest.approx([-10.0, 20.0], abs=0.01)
    assert frame_of(WINDOW).metres(LON, LAT) == pytest.approx([1.0, -2.0], abs=0.001)
