"""What others notice makes an approach and a crossing surer, and never makes or hides one."""

import json
from dataclasses import replace
from typing import Any

import pytest
from builders import COMMUNITY, Item, Reading, Run, contact, device, motion, ns, position, premises, targets
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.model import Covers, DeviceKind, HomeId, PersonId, Pose
from geofence.frames import Frame
from rules.fences.corroboration import CERTAINTY
from rules.fences.lines import Line
from rules.kinds import EventKind
from rules.model import Event
from rules.premises import Fence, FenceId, FenceKind, HomePlace, Side

LON, LAT = 119.96, 31.79
FRAME = Frame.at(LON, LAT)
POSE = Pose(lon=LON, lat=LAT, heading_deg=0.0)
DEVICES = (
    device("r-1", DeviceKind.RADAR, home="b1", pose=POSE),
    device("r-2", DeviceKind.RADAR, home="b1"),
    device("cam-1", DeviceKind.CAMERA, home="b1"),
    device("pir-1", DeviceKind.MOTION, home="b1"),
    device("pir-2", DeviceKind.MOTION, home="b1"),
    device("pir-9", DeviceKind.MOTION, home="b2"),
    device("door-1", DeviceKind.CONTACT, home="b1", covers=Covers.DOOR),
    device("fridge-1", DeviceKind.CONTACT, home="b1", covers=Covers.FRIDGE),
    device("w-1", DeviceKind.WEARABLE, home="b1", wearer="wang"),
)


def east(metres: float) -> tuple[float, float]:
    """A point of the line, which runs 2 m ahead of the radar."""
    return LON + metres / FRAME.east_m_per_deg, LAT + 2.0 / FRAME.north_m_per_deg


LINE = Fence(
    community_id=COMMUNITY,
    id=FenceId("window"),
    kind=FenceKind.LINE,
    home=HomeId("b1"),
    near=Side.RIGHT,
    approach_m=1.5,
    events=frozenset({EventKind.APPROACH, EventKind.CROSS}),
    path=(east(-3), east(3)),
)
WALK_S = 100.0


def run_of() -> Run:
    place = premises(*DEVICES, homes=[HomePlace(id=HomeId("b1"), occupants=(PersonId("wang"),))], fences=[LINE])
    return Run(premises=place, rule=Line(place))


def walk(start_s: float = WALK_S) -> list[Reading]:
    """Somebody comes from 6 m to 0.5 m at 0.5 m/s: within 1.5 m of the line after 5 s, through it after 8 s."""
    return [targets("r-1", start_s + i / 10, (0.0, 6.0 - 0.05 * i)) for i in range(111)]


def merged(*others: Item) -> list[Item]:
    return sorted([*others, *walk()], key=lambda item: item.at_s)


def play(*others: Item) -> list[Event]:
    return [fact for fact in run_of().play(merged(*others)) if isinstance(fact, Event)]


ALONE = play()
APPROACH_S = (ALONE[0].t_ns - ns(0)) / 1e9
KNOWN_S = (ALONE[0].known_ns - ns(0)) / 1e9
OPENING = [contact("door-1", 10, is_open=False), contact("door-1", WALK_S, is_open=True)]


def surer(score: float, *certainties: float) -> float:
    for certainty in certainties:
        score = 1.0 - (1.0 - score) * (1.0 - certainty)
    return score


def test_a_walk_alone_is_an_approach_and_a_crossing_that_name_nobody() -> None:
    assert [event.kind for event in ALONE] == ["approach", "cross"]
    assert all("corroborated_by" not in event.evidence for event in ALONE)


@pytest.mark.parametrize(
    ("others", "name", "kind"),
    [
        ([motion("pir-1", WALK_S)], "pir-1", "motion"),
        ([motion("cam-1", WALK_S)], "cam-1", "motion"),
        (OPENING, "door-1", "contact"),
        ([targets("r-2", WALK_S, (1.0, 1.0))], "r-2", "targets"),
        ([targets("cam-1", WALK_S, (1.0, 1.0))], "cam-1", "targets"),
    ],
)
def test_what_another_device_noticed_takes_its_share_of_the_doubt(others: list[Item], name: str, kind: str) -> None:
    certainty = {one.value: value for one, value in CERTAINTY.items()}[kind]
    for event, alone in zip(play(*others), ALONE, strict=True):
        assert event.score == pytest.approx(surer(alone.score, certainty))
        assert event.evidence == {**alone.evidence, "corroborated_by": name}
        assert replace(event, score=alone.score, evidence=alone.evidence, seq=alone.seq) == alone


def test_two_devices_are_surer_than_one_and_both_are_named() -> None:
    approach, _ = play(*OPENING, motion("pir-2", WALK_S), motion("pir-1", WALK_S + 1))
    assert approach.score == pytest.approx(surer(ALONE[0].score, 0.8, 0.5, 0.5))
    assert approach.evidence["corroborated_by"] == "door-1,pir-1,pir-2"


def test_one_device_counts_once_by_the_surest_that_it_noticed() -> None:
    often = [motion("cam-1", WALK_S + i / 5) for i in range(20)]
    seen = [targets("cam-1", WALK_S + 0.1 + i / 5, (1.0, 1.0)) for i in range(20)]
    approach, _ = play(*often, *seen)
    assert approach.score == pytest.approx(surer(ALONE[0].score, 0.5))


@pytest.mark.parametrize(
    "others",
    [
        [motion("pir-1", WALK_S, is_moving=False)],
        [motion("pir-1", WALK_S, retained=True)],
        [motion("pir-1", WALK_S, back=True)],
        [motion("pir-9", WALK_S)],
        [targets("r-2", WALK_S)],
        [targets("r-2", WALK_S, (0.0, 0.0))],
        [contact("door-1", WALK_S, is_open=True)],
        [contact("door-1", 10, is_open=True), contact("door-1", WALK_S, is_open=False)],
        [contact("door-1", 10, is_open=True), contact("door-1", 20, is_open=False, retained=True), contact("door-1", WALK_S, is_open=True)],
        [contact("door-1", 10, is_open=False), contact("door-1", WALK_S, is_open=True, back=True)],
        [contact("fridge-1", 10, is_open=False), contact("fridge-1", WALK_S, is_open=True)],
    ],
)
def test_what_is_no_sign_of_somebody_changes_nothing(others: list[Item]) -> None:
    assert [(event.score, event.evidence) for event in play(*others)] == [(event.score, event.evidence) for event in ALONE]


@pytest.mark.parametrize(
    ("before_s", "counts"),
    [(29.9, True), (30.1, False), (0.5, True), (-0.1, False)],
)
def test_a_sign_counts_for_thirty_seconds(before_s: float, *, counts: bool) -> None:
    approach, _ = play(motion("pir-1", round(APPROACH_S - before_s, 3)))
    assert ("corroborated_by" in approach.evidence) is counts


@pytest.mark.parametrize(("earlier_s", "counts"), [(0.25, True), (0.249, False)])
def test_only_what_arrived_a_quarter_of_a_second_before_the_frame_counts(earlier_s: float, *, counts: bool) -> None:
    approach, _ = play(motion("pir-1", round(KNOWN_S - earlier_s, 3), t_s=WALK_S))
    assert ("corroborated_by" in approach.evidence) is counts


def test_a_sign_that_arrives_late_speaks_of_its_own_time() -> None:
    assert "corroborated_by" not in play(motion("pir-1", WALK_S, t_s=20))[0].evidence
    assert "corroborated_by" in play(motion("pir-1", WALK_S + 4, t_s=80))[0].evidence


def test_others_alone_are_no_event_and_the_family_is_none_whatever_others_noticed() -> None:
    run = run_of()
    assert run.play([*OPENING, motion("pir-1", WALK_S + 1), targets("r-2", WALK_S + 2, (0.0, 3.0))]) == []
    tags = [position("w-1", item.at_s, LON, LAT + item.value["xy_m"][0][1] / FRAME.north_m_per_deg, accuracy_m=1.0) for item in walk()[::5]]
    assert play(*OPENING, motion("pir-1", WALK_S), *[replace(tag, at_s=tag.at_s - 0.01) for tag in tags]) == []


def noticing() -> list[Item]:
    """A walk while everybody notices something, some of it late."""
    others: list[Item] = [
        contact("door-1", 10, is_open=False),
        *(motion("pir-1", WALK_S + 0.37 * i, t_s=WALK_S + 0.37 * i - 6 * (i % 3)) for i in range(28)),
        *(targets("r-2", WALK_S + 0.1 * i + 0.05, (1.0, 1.0)) for i in range(100)),
        *(targets("cam-1", WALK_S + 0.3 * i + 0.05, (1.0, 1.0)) for i in range(30)),
        *(motion("cam-1", WALK_S + 0.9 * i) for i in range(12)),
        *(contact("door-1", WALK_S + 4.5 + 0.2 * i, is_open=i % 2 == 0) for i in range(20)),
    ]
    return merged(*others)


NOTICED = noticing()
EXPECTED: list[Any] = run_of().play(NOTICED)


@settings(deadline=None, max_examples=12)
@given(cuts=st.sets(st.integers(0, len(NOTICED))))
def test_readings_cut_anywhere_give_the_same_score(cuts: set[int]) -> None:
    assert len(EXPECTED) == 2
    assert run_of().play(NOTICED, cuts=cuts) == EXPECTED


@settings(deadline=None, max_examples=8)
@given(cut=st.integers(0, len(NOTICED)))
def test_a_restart_does_not_forget_what_others_noticed(cut: int) -> None:
    before, after = run_of(), run_of()
    facts = before.play(NOTICED[:cut])
    after.rule.restore(json.loads(json.dumps(before.rule.snapshot())))
    assert facts + after.play(NOTICED, start=cut) == EXPECTED


def test_what_is_kept_does_not_grow() -> None:
    run = run_of()
    run.play([targets("r-2", i / 10, (1.0, 1.0)) for i in range(6000)])
    assert len(run.rule.snapshot()[f"{COMMUNITY}/r-2"]["signs"]) <= 62
