"""Lines that a camera guards, which tells of one person at a time, seconds apart, and how far it may be wrong."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from builders import COMMUNITY, Reading, Run, device, position, premises, targets
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.model import DeviceKind, HomeId, PersonId, Pose
from geofence.frames import Frame
from rules.fences.lines import Line
from rules.kinds import EventKind
from rules.model import Event, Facts
from rules.premises import Fence, FenceId, FenceKind, HomePlace, Premises, Side

LON, LAT = 119.96, 31.79
FRAME = Frame.at(LON, LAT)
HOME = HomeId("b1")
DEVICES = (
    device("cam-1", DeviceKind.CAMERA, home="b1", pose=Pose(lon=LON, lat=LAT, heading_deg=0.0)),
    device("w-1", DeviceKind.WEARABLE, home="b1", wearer="wang"),
)
ONE, OTHER = 7, 8


def degrees(east_m: float, north_m: float) -> tuple[float, float]:
    return LON + east_m / FRAME.east_m_per_deg, LAT + north_m / FRAME.north_m_per_deg


# 2 m ahead of the camera, which is on the protected side.
LINE = Fence(
    community_id=COMMUNITY,
    id=FenceId("window"),
    kind=FenceKind.LINE,
    home=HOME,
    near=Side.RIGHT,
    approach_m=1.5,
    events=frozenset({EventKind.APPROACH, EventKind.CROSS}),
    path=(degrees(-3, 2), degrees(3, 2)),
)


def around(**changes: object) -> Premises:
    return premises(*DEVICES, homes=[HomePlace(id=HOME, occupants=(PersonId("wang"),))], fences=[replace(LINE, **changes)])  # type: ignore[arg-type]


def play(stream: Sequence[Reading], **changes: object) -> Facts:
    known = around(**changes)
    return Run(premises=known, rule=Line(known)).play(stream)


def kinds(facts: Facts) -> list[str]:
    return [fact.kind for fact in facts if isinstance(fact, Event)]


def seen(at_s: float, y_m: float, *, x_m: float = 0.0, accuracy_m: float = 0.2, name: int = ONE) -> Reading:
    return targets("cam-1", at_s, (x_m, y_m), accuracy_m=accuracy_m, name=name)


def coming(every_s: float, end_m: float = 0.2, *, start_s: float = 0.0, name: int = ONE, accuracy_m: float = 0.2) -> list[Reading]:
    """From 9 m at a metre a second."""
    count = int((9.0 - end_m) / every_s) + 1
    return [seen(start_s + every_s * n, 9.0 - every_s * n, name=name, accuracy_m=accuracy_m) for n in range(count)]


@pytest.mark.parametrize("every_s", [0.2, 0.5, 1.0, 1.5, 2.0])
def test_who_walks_up_and_through_is_told_of_however_seldom_a_camera_tells(every_s: float) -> None:
    approach, cross = (fact for fact in play(coming(every_s)) if isinstance(fact, Event))
    assert (approach.kind, approach.device_id, cross.kind) == ("approach", "cam-1", "cross")
    assert approach.known_ns < cross.known_ns
    assert 0.9 < approach.score < 1.0
    for event in (approach, cross):
        assert 0.95 <= event.evidence["probability"] <= 1.0  # type: ignore[operator]
        assert 0.0 < event.evidence["sigma_m"] < 0.3  # type: ignore[operator]


def test_who_walks_up_and_stops_is_told_of_once() -> None:
    stops = [seen(7.0 + n, 2.6 + 0.1 * (-1) ** n) for n in range(60)]
    assert kinds(play([*coming(1.0, 3.0), *stops])) == ["approach"]


@pytest.mark.parametrize("every_s", [0.5, 1.0, 2.0])
def test_who_walks_away_is_nobody_to_the_line(every_s: float) -> None:
    out = [replace(one, at_s=9.0 - one.at_s) for one in coming(every_s)]
    assert play(out[::-1]) == []


def test_a_step_that_the_camera_cannot_tell_from_its_error_is_no_approach() -> None:
    near = [seen(float(n), 3.4 if n < 5 else 2.8, accuracy_m=0.15) for n in range(20)]
    far = [seen(float(n), 3.4 if n < 5 else 2.8, accuracy_m=0.8) for n in range(20)]
    step = [seen(float(n), 4.0 if n < 5 else 2.8, accuracy_m=0.15) for n in range(20)]
    assert kinds(play(near)) == kinds(play(far)) == []
    assert kinds(play(step)) == ["approach"]


def test_two_people_of_one_frame_are_two() -> None:
    both = [one for n in range(15) for one in (seen(n * 0.5, 9.0 - 0.5 * n), seen(n * 0.5, 4.5, x_m=1.0, name=OTHER))]
    assert kinds(play(both)) == ["approach"]
    in_turn = [seen(float(n), (2.8, 6.0)[n % 2], name=(ONE, OTHER)[n % 2]) for n in range(30)]
    assert play(in_turn) == []


def test_who_is_not_told_of_for_longer_than_a_line_allows_comes_near_but_crosses_nothing() -> None:
    gap = [one for one in coming(1.0, 0.0) if not 4.0 < one.at_s < 8.5]
    assert kinds(play(gap)) == []  # from 5 m before the line to beyond it, by nobody knows which way
    assert kinds(play(gap, max_gap_s=6.0)) == ["approach", "cross"]
    before = [one for one in coming(1.0, 2.5) if not 2.0 < one.at_s < 6.0]
    assert kinds(play(before)) == ["approach"]


def test_frames_that_are_old_or_repeated_change_nothing() -> None:
    stream = coming(0.5)
    again = sorted([*stream, *(replace(one, at_s=one.at_s + 0.1, t_s=one.at_s) for one in stream)], key=lambda one: one.at_s)
    assert [fact.t_ns for fact in play(again) if isinstance(fact, Event)] == [fact.t_ns for fact in play(stream) if isinstance(fact, Event)]


def test_the_family_on_its_way_home_is_no_event() -> None:
    tags = [position("w-1", one.at_s - 0.1, *degrees(0.5, one.value["xy_m"][0][1]), accuracy_m=1.0) for one in coming(1.0)]
    assert play(sorted([*tags, *coming(1.0)], key=lambda one: one.at_s)) == []


@settings(deadline=None, max_examples=4)
@given(cut=st.integers(1, 17), cuts=st.lists(st.integers(1, 17), max_size=5))
def test_frames_cut_anywhere_and_a_start_anew_give_the_same_facts(cut: int, cuts: list[int]) -> None:
    known, stream = around(), coming(0.5)
    whole = Run(premises=known, rule=Line(known)).play(stream)
    assert kinds(whole) == ["approach", "cross"]
    assert Run(premises=known, rule=Line(known)).play(stream, cuts=cuts) == whole
    before, after = Line(known), Line(known)
    facts = Run(premises=known, rule=before).play(stream[:cut])
    after.restore(json.loads(json.dumps(before.snapshot())))
    assert [*facts, *Run(premises=known, rule=after).play(stream, start=cut)] == whole
