from collections.abc import Sequence
from typing import Any

import pytest
from builders import COMMUNITY, Item, ModeChange, Run, device, ns, position, premises

from devices.model import DeviceKind, HomeId, PersonId
from rules.kinds import EventKind, Mode
from rules.model import Cleared, Event, Facts
from rules.person.leaving import EverybodyLeft
from rules.premises import HomePlace

LON, LAT = 119.95, 31.78
M_LAT = 1 / 110_870
"""Degrees of a metre to the north, there."""
RING = tuple((LON + dx * 1e-4, LAT + dy * 1e-4) for dx, dy in ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)))
WANG, LI = PersonId("wang"), PersonId("li")
DEVICES = (
    device("g-01", DeviceKind.TRACKER, wearer="wang"),
    device("w-01", DeviceKind.WEARABLE, wearer="wang"),
    device("g-02", DeviceKind.TRACKER, wearer="li"),
    device("g-03", DeviceKind.TRACKER, wearer="zhao"),
)
HOMES = (
    HomePlace(id=HomeId("b1"), occupants=(WANG, LI), footprint=((RING,),)),
    HomePlace(id=HomeId("b2"), occupants=(PersonId("zhao"), PersonId("zhao-xiao")), footprint=((RING,),)),
)


def at(name: str, second: float, metres: float, **fields: Any) -> Item:
    return position(name, second, LON, LAT + metres * M_LAT, **fields)


def play(*stream: Item, until_s: float = 3600, modes: Sequence[ModeChange] = ()) -> Facts:
    place = premises(*DEVICES, homes=HOMES, modes=modes)
    return Run(premises=place, rule=EverybodyLeft(place)).play(sorted(stream, key=lambda one: one.at_s), until_s=until_s)


def said(facts: Facts) -> list[tuple[str, float]]:
    """(left or -left, second in which it was known)."""
    return [
        (("-" if isinstance(one, Cleared) else "") + one.subject, (one.known_ns - ns(0)) / 1e9)
        for one in facts
        if isinstance(one, Event | Cleared)
    ]


BOTH_OUT = (at("g-01", 0, 5), at("g-02", 10, 5), at("g-01", 60, 300), at("g-02", 100, 300))


def test_it_is_told_three_minutes_after_the_last_one_left() -> None:
    (event,) = play(*BOTH_OUT)
    assert isinstance(event, Event)
    assert (event.kind, event.subject, event.home_id) == (EventKind.EVERYBODY_LEFT, "b1", "b1")
    assert (event.t_ns, event.known_ns) == (ns(100), ns(280))


def test_it_is_told_once_however_long_they_are_out() -> None:
    more = [at(name, second, 500) for second in range(300, 3600, 60) for name in ("g-01", "g-02")]
    assert said(play(*BOTH_OUT, *more)) == [("b1", 280)]


def test_it_is_over_when_one_is_back_and_told_again_of_the_next_leaving() -> None:
    back = (at("g-02", 1000, 5), at("g-02", 1500, 200))
    also = (at("g-01", 1400, 300),)
    assert said(play(*BOTH_OUT, *back, *also)) == [("b1", 280), ("-b1", 1000), ("b1", 1680)]


@pytest.mark.parametrize(
    "stream",
    [
        (at("g-01", 0, 300), at("g-02", 10, 5)),
        (at("g-01", 0, 300),),
        (*BOTH_OUT, at("g-02", 200, 5)),
        (at("g-01", 0, 80, accuracy_m=40), at("g-02", 10, 80, accuracy_m=40)),
        (at("g-01", 0, 300), at("g-02", 10, 300, retained=True)),
        (at("g-01", 0, 300), at("g-02", 10, 300), at("w-01", 20, 5)),
        (at("g-03", 0, 300),),
    ],
    ids=["one at home", "one unknown", "back soon", "not sure", "an old message", "the watch at home", "one carries nothing"],
)
def test_it_is_not_told_of_a_home_where_somebody_may_be(stream: Sequence[Item]) -> None:
    assert said(play(*stream)) == []


def test_who_was_heard_long_ago_may_be_back() -> None:
    assert said(play(at("g-01", 0, 300), at("g-02", 3000, 300))) == []
    later = (at("g-01", 3200, 300),)
    assert said(play(at("g-01", 0, 300), at("g-02", 3000, 300), *later)) == [("b1", 3201)]


def test_a_home_that_is_armed_needs_no_word_and_gets_none_when_it_is_disarmed_from_afar() -> None:
    armed = [ModeChange(at_s=0, home="b1", mode=Mode.AWAY)]
    disarmed = ModeChange(at_s=1000, home="b1", mode=Mode.DISARMED)
    more = [at(name, second, 500) for second in range(1100, 1400, 60) for name in ("g-01", "g-02")]
    assert said(play(*BOTH_OUT, disarmed, *more, modes=armed)) == []


def test_it_is_over_when_the_home_is_armed() -> None:
    assert said(play(*BOTH_OUT, ModeChange(at_s=400, home="b1", mode=Mode.AWAY))) == [("b1", 280), ("-b1", 400)]


def test_a_fix_that_comes_late_changes_nothing_newer() -> None:
    late = at("g-02", 200, 5, t_s=50)
    assert said(play(*BOTH_OUT, late)) == [("b1", 280)]


def test_the_community_is_the_homes_own() -> None:
    (event,) = play(*BOTH_OUT)
    assert event.community_id == COMMUNITY
