"""Wandering: walks that go nowhere, exits by night; and everything that only looks like one."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from builders import COMMUNITY, ModeChange, Reading, Run, device, ns, position, premises

from devices.model import DeviceKind, HomeId, PersonId
from geofence.frames import Frame
from rules.kinds import EventKind, Mode
from rules.model import Cleared, Event, Facts
from rules.person.wandering import Wandering
from rules.premises import Care, Fence, FenceId, FenceKind, HomePlace

LON, LAT = 119.96, 31.79
FRAME = Frame.at(LON, LAT)
NIGHT_S, DAY_S = 9 * 3600.0, 0.0  # 23:00 and 14:00 in Shanghai
DEVICES = (
    device("t-01", DeviceKind.TRACKER, wearer="wang", home="b1"),
    device("w-01", DeviceKind.WEARABLE, wearer="wang", home="b1"),
    device("t-02", DeviceKind.TRACKER, wearer="li", home="b2"),
    device("t-03", DeviceKind.TRACKER, home="b1"),
)
HOMES = (HomePlace(id=HomeId("b1"), occupants=(PersonId("wang"),)), HomePlace(id=HomeId("b2"), occupants=(PersonId("li"),)))
Way = Iterable[tuple[float, float]]


def degrees(east_m: float, north_m: float) -> tuple[float, float]:
    return LON + east_m / FRAME.east_m_per_deg, LAT + north_m / FRAME.north_m_per_deg


AREA = Fence(
    community_id=COMMUNITY,
    id=FenceId("estate"),
    kind=FenceKind.AREA,
    residents=frozenset({PersonId("wang")}),
    events=frozenset({EventKind.WANDERING}),
    rings=((tuple(degrees(x, y) for x, y in ((-90, -90), (90, -90), (90, 90), (-90, 90), (-90, -90))),),),
)


def pacing(minutes: float, leg_m: float = 60.0, every_s: float = 5.0, speed_mps: float = 0.9) -> Iterator[tuple[float, float]]:
    for i in range(round(minutes * 60 / every_s)):
        way_m = i * every_s * speed_mps % (2 * leg_m)
        yield min(way_m, 2 * leg_m - way_m), 0.0


def lapping(minutes: float, radius_m: float = 30.0, every_s: float = 5.0, speed_mps: float = 0.9) -> Iterator[tuple[float, float]]:
    for i in range(round(minutes * 60 / every_s)):
        angle = i * every_s * speed_mps / radius_m
        yield radius_m * (math.cos(angle) - 1), radius_m * math.sin(angle)


def straight(minutes: float, speed_mps: float = 1.0, every_s: float = 5.0, start_m: float = 0.0) -> Iterator[tuple[float, float]]:
    return ((start_m + i * every_s * speed_mps, 0.0) for i in range(round(minutes * 60 / every_s)))


def sitting(minutes: float, every_s: float = 5.0, where_m: float = 0.0) -> Iterator[tuple[float, float]]:
    return ((where_m, 0.0) for _ in range(round(minutes * 60 / every_s)))


def errand(distance_m: float, minutes: float) -> Iterator[tuple[float, float]]:
    """To a shop, looking round in it, and back the same way."""
    there = list(straight(distance_m / 60))
    shop = [(distance_m + 8 * math.sin(i / 6), 8 * math.cos(i / 9)) for i in range(round(minutes * 12))]
    return iter([*there, *shop, *reversed(there)])


def strolling(minutes: float, radius_m: float, seed: int) -> Iterator[tuple[float, float]]:
    """From one place to another within a circle, at random."""
    rng = np.random.default_rng(seed)
    here, aim = np.zeros(2), np.zeros(2)
    for _ in range(round(minutes * 12)):
        while np.hypot(*(aim - here)) < 5:
            aim = rng.uniform(-radius_m, radius_m, 2)
        here += (aim - here) / np.hypot(*(aim - here)) * 4.5
        yield float(here[0]), float(here[1])


def erring(way: Way, accuracy_m: float, every_s: float = 5.0, seed: int = 0) -> Iterator[tuple[float, float]]:
    """What a receiver makes of a way: a slow error, a quick one, and now and then a jump."""
    rng = np.random.default_rng(seed)
    deviation_m, kept = accuracy_m / 1.5, math.exp(-every_s / 40.0)
    slow = rng.normal(0, 0.77 * deviation_m, 2)
    for east_m, north_m in way:
        slow = kept * slow + math.sqrt(1 - kept**2) * rng.normal(0, 0.77 * deviation_m, 2)
        jump = rng.normal(0, 25, 2) if rng.random() < every_s / 600 else np.zeros(2)
        off = slow + rng.normal(0, 0.63 * deviation_m, 2) + jump
        yield east_m + float(off[0]), north_m + float(off[1])


def fixes(
    way: Way, start_s: float = NIGHT_S, every_s: float = 5.0, accuracy_m: float = 5.0, name: str = "t-01", *, retained: bool = False
) -> list[Reading]:
    return [
        position(name, start_s + i * every_s, *degrees(*place), accuracy_m=accuracy_m, retained=retained) for i, place in enumerate(way)
    ]


def facts(
    stream: Sequence[Reading], *, wanted: bool | None = None, fences: Sequence[Fence] = (), modes: Sequence[ModeChange] = ()
) -> Facts:
    place = premises(*DEVICES, homes=HOMES, fences=fences, modes=modes, care={"wang": Care(wandering=wanted)})
    return Run(premises=place, rule=Wandering(place)).play(stream)


def told(found: Facts) -> list[tuple[str, str]]:
    return [("-" if isinstance(fact, Cleared) else "+", fact.cause) for fact in found if isinstance(fact, Event | Cleared)]


def after_min(fact: object, start_s: float = NIGHT_S) -> float:
    assert isinstance(fact, Event | Cleared)
    return (fact.t_ns - ns(start_s)) / 60e9


# --- patterns


@pytest.mark.parametrize(
    ("way", "name"),
    [(list(pacing(30)), "pacing"), (list(lapping(30)), "lapping"), (list(strolling(30, 60, 4)), "pacing")],
    ids=["pacing", "lapping", "random"],
)
def test_a_walk_by_night_that_goes_nowhere_is_told_once_within_twenty_minutes(way: Way, name: str) -> None:
    (event,) = facts(fixes(way))
    assert isinstance(event, Event)
    assert (event.kind, event.subject, event.resident_id, event.home_id, event.cause) == ("wandering", "wang", "wang", "b1", "way")
    assert event.evidence["pattern"] == name
    assert float(event.evidence["length_m"]) >= 500
    assert 9 <= after_min(event) <= 20
    assert event.known_ns == event.t_ns


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("accuracy_m", [5.0, 8.0])
def test_the_receivers_errors_do_not_hide_it(accuracy_m: float, seed: int) -> None:
    for way in (pacing(40), lapping(40)):
        found = facts(fixes(erring(way, accuracy_m, seed=seed), accuracy_m=accuracy_m))
        assert told(found)[:1] == [("+", "way")]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("accuracy_m", [5.0, 8.0, 12.0, 20.0])
@pytest.mark.parametrize("every_s", [1.0, 10.0, 60.0])
def test_sitting_on_a_bench_is_no_walk_however_bad_the_positions(accuracy_m: float, every_s: float, seed: int) -> None:
    way = erring(sitting(120, every_s), accuracy_m, every_s, seed)
    assert facts(fixes(way, every_s=every_s, accuracy_m=accuracy_m)) == []


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "way",
    [
        list(straight(60)),
        list(straight(20, 8.0)),
        [*straight(10), *straight(15, 9.0, start_m=600), *sitting(20, where_m=8700)],
        list(lapping(60, 70.0)),
        list(errand(400, 10)),
        list(errand(150, 15)),
        list(errand(80, 20)),
        list(pacing(60, 400.0)),
        list(pacing(6)),
    ],
    ids=["straight", "car", "bus", "park laps", "errand", "shop", "corner shop", "up and down a street", "short"],
)
def test_an_ordinary_way_is_not_told(way: Way, seed: int) -> None:
    assert facts(fixes(way), wanted=True) == []
    assert facts(fixes(erring(way, 6.0, seed=seed), accuracy_m=6.0), wanted=True) == []


def test_by_day_it_is_told_only_if_the_family_wants_it() -> None:
    stream = fixes(pacing(30), DAY_S)
    assert facts(stream) == []
    assert told(facts(stream, wanted=True)) == [("+", "way")]


def test_never_is_never() -> None:
    stream = fixes([*pacing(30), *straight(10)])
    assert facts(stream, wanted=False, fences=[AREA]) == []


def test_a_walk_that_begins_in_the_evening_is_told_when_it_is_night() -> None:
    (event,) = facts(fixes(pacing(60), 8 * 3600 - 1800))
    assert 0 <= after_min(event, 8 * 3600) <= 2


def test_who_goes_on_for_hours_is_told_of_once() -> None:
    assert told(facts(fixes(pacing(120)))) == [("+", "way")]


def test_after_half_an_hour_of_anything_else_it_is_told_again() -> None:
    way = [*pacing(20), *sitting(45), *pacing(20)]
    assert told(facts(fixes(way))) == [("+", "way"), ("+", "way")]
    assert told(facts(fixes([*pacing(20), *sitting(15), *pacing(20)]))) == [("+", "way")]


def test_who_comes_home_and_stays_has_come_back() -> None:
    home_first = [
        *sitting(90),
        *straight(4),
        *((240 + east, north) for east, north in pacing(20)),
        *reversed(list(straight(4))),
        *sitting(30),
    ]
    event, over = facts(fixes(home_first))
    assert isinstance(event, Event)
    assert isinstance(over, Cleared)
    assert (over.kind, over.subject, over.cause) == ("wandering", "wang", "way")
    assert 118 + 13 <= after_min(over) <= 118 + 18


def test_who_sits_down_somewhere_else_has_not_come_back() -> None:
    way = [*sitting(90), *straight(4), *((240 + east, north) for east, north in pacing(20)), *sitting(120, where_m=240)]
    assert told(facts(fixes(way))) == [("+", "way")]


def test_a_tracker_that_loses_its_fix_shows_no_walk() -> None:
    stream = [one for i, one in enumerate(fixes(pacing(60))) if i % 100 < 40]
    gaps = [replace(one, at_s=one.at_s + 300 * (i // 40)) for i, one in enumerate(stream)]
    assert facts(gaps) == []


def test_two_devices_of_one_person_tell_once() -> None:
    both = sorted([*fixes(pacing(30)), *fixes(pacing(30), NIGHT_S + 1, name="w-01")], key=lambda one: one.at_s)
    assert told(facts(both)) == [("+", "way")]


def test_each_person_is_told_of() -> None:
    both = sorted([*fixes(pacing(30)), *fixes(pacing(30), NIGHT_S + 1, name="t-02")], key=lambda one: one.at_s)
    assert sorted(fact.subject for fact in facts(both) if isinstance(fact, Event)) == ["li", "wang"]


def test_a_tracker_that_nobody_wears_and_retained_fixes_are_nothing() -> None:
    assert facts(fixes(pacing(30), name="t-03")) == []
    assert facts(fixes(pacing(30), retained=True)) == []


def test_fixes_out_of_a_buffer_are_judged_by_their_own_time() -> None:
    late = [replace(one, t_s=one.at_s, at_s=NIGHT_S + 10 * 3600 + i / 100) for i, one in enumerate(fixes(pacing(30)))]
    (event,) = facts(late)
    assert isinstance(event, Event)
    assert event.t_ns < ns(NIGHT_S + 1800) < event.known_ns


# --- exits by night


def test_an_exit_by_night_is_wandering_and_the_return_ends_it() -> None:
    way = [*sitting(5), *straight(4), *reversed(list(straight(4))), *sitting(5)]
    event, over = facts(fixes(way), fences=[AREA])
    assert isinstance(event, Event)
    assert (event.kind, event.subject, event.cause, event.device_id) == ("wandering", "wang", "estate", "t-01")
    assert 6 <= after_min(event) <= 7.5
    assert isinstance(over, Cleared)
    assert (over.kind, over.cause) == ("wandering", "estate")
    assert set(event.evidence) == {"fence", "side", "distance_m", "probability", "fixes", "sigma_m", "accuracy_m"}


def test_an_exit_by_day_is_none() -> None:
    way = [*sitting(5), *straight(4)]
    assert facts(fixes(way, DAY_S), fences=[AREA]) == []
    assert facts(fixes(way, DAY_S), wanted=True, fences=[AREA]) == []


def test_an_exit_from_an_area_that_does_not_report_wandering_is_none() -> None:
    assert facts(fixes([*sitting(5), *straight(4)]), fences=[replace(AREA, events=frozenset({EventKind.EXIT}))]) == []


def test_an_exit_is_told_in_the_modes_of_the_fence() -> None:
    fence = replace(AREA, modes=frozenset({Mode.NIGHT}), home=HomeId("b1"))
    way = [*sitting(5), *straight(4)]
    assert facts(fixes(way), fences=[fence]) == []
    assert told(facts(fixes(way), fences=[fence], modes=[ModeChange(at_s=0, home="b1", mode=Mode.NIGHT)])) == [("+", "estate")]


def test_who_slips_out_again_is_told_of_again() -> None:
    once = [*sitting(5), *straight(4), *reversed(list(straight(4)))]
    assert told(facts(fixes([*once, *once]), fences=[AREA])) == [("+", "estate"), ("-", "estate")] * 2


def test_who_paces_outside_after_an_exit_is_not_told_of_twice() -> None:
    way = [*sitting(5), *straight(3), *((180 + east, north) for east, north in pacing(30))]
    assert told(facts(fixes(way), fences=[AREA])) == [("+", "estate")]


# --- what is kept


def test_a_new_rule_goes_on_in_the_middle_of_a_walk() -> None:
    stream = fixes([*sitting(70), *pacing(30)])
    place = premises(*DEVICES, homes=HOMES, fences=[AREA])
    first, second = Run(premises=place, rule=Wandering(place)), Run(premises=place, rule=Wandering(place))
    half = 12 * 76
    assert first.play(stream[:half]) == []
    second.rule.restore(json.loads(json.dumps(first.rule.snapshot(), allow_nan=False)))
    assert second.play(stream, start=half) == facts(stream, fences=[AREA])


def test_what_is_remembered_stays_small() -> None:
    place = premises(*DEVICES, homes=HOMES)
    run = Run(premises=place, rule=Wandering(place))
    run.play(fixes(straight(300, 1.4)))
    assert len(json.dumps(run.rule.snapshot())) < 10_000
