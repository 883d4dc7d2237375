"""Areas over time and by several devices: who stays, who is not there, whose fix counts, and what is sent late.

Stories begin at 14:00 in Shanghai. The yard is a square of 190 m, and where somebody is is said in metres east of its middle.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import time
from typing import Any

import numpy as np
import pytest
from builders import COMMUNITY, ModeChange, Reading, Run, device, ns, position, premises

from devices.model import Device, DeviceKind, HomeId, PersonId
from geofence.frames import Frame
from geofence.trail import read
from rules.fences.areas import Area
from rules.kinds import EventKind, Mode
from rules.model import Cleared, Event, Facts
from rules.premises import Fence, FenceId, FenceKind, HomePlace, Hours

LON, LAT = 119.95, 31.78
FRAME = Frame.at(LON, LAT)
WATCH, PHONE = "w-01", "t-01"
HOUR, MINUTE = 3600, 60
DEVICES = (
    device(WATCH, DeviceKind.WEARABLE, wearer="wang", home="b1"),
    device(PHONE, DeviceKind.TRACKER, wearer="wang", home="b1"),
    device("w-02", DeviceKind.WEARABLE, wearer="li", home="b2"),
)


def degrees(east_m: float, north_m: float = 0.0) -> tuple[float, float]:
    return LON + east_m / FRAME.east_m_per_deg, LAT + north_m / FRAME.north_m_per_deg


def yard(*events: EventKind, **changes: Any) -> Fence:
    corners = ((-95, -95), (95, -95), (95, 95), (-95, 95), (-95, -95))
    return Fence(
        **{
            "community_id": COMMUNITY,
            "id": FenceId("yard"),
            "kind": FenceKind.AREA,
            "residents": frozenset({PersonId("wang")}),
            "events": frozenset(events or {EventKind.ENTER, EventKind.EXIT}),
            "rings": (((tuple(degrees(*corner) for corner in corners)),),),
            **changes,
        }
    )


def at(second: float, east_m: float, name: str = WATCH, *, accuracy_m: float = 7.5, **fields: Any) -> Reading:
    return position(name, second, *degrees(east_m, 0.01 * math.sin(second)), accuracy_m=accuracy_m, **fields)


def there(begin_s: float, end_s: float, east_m: float, name: str = WATCH, every_s: float = 10, **fields: Any) -> list[Reading]:
    """Fixes of somebody who is there."""
    return [at(second, east_m + 0.1 * math.sin(second), name, **fields) for second in np.arange(begin_s, end_s, every_s).tolist()]


def walk(begin_s: float, from_m: float, to_m: float, name: str = WATCH, **fields: Any) -> list[Reading]:
    """A fix a second of somebody who walks at 1 m/s."""
    way_m = np.arange(from_m, to_m, math.copysign(1.0, to_m - from_m)).tolist()
    return [at(begin_s + second, east_m, name, **fields) for second, east_m in enumerate(way_m)]


def told(items: Iterable[Reading | ModeChange], *fences: Fence, until_s: float | None = None, devices: Sequence[Device] = DEVICES) -> Facts:
    stream = sorted(items, key=lambda item: item.at_s)
    place = premises(*devices, homes=(HomePlace(id=HomeId("b1"), occupants=(PersonId("wang"),)),), fences=fences)
    return Run(premises=place, rule=Area(place)).play(stream, until_s=until_s)


def events(facts: Facts) -> list[tuple[str, float]]:
    return [(fact.kind, (fact.t_ns - ns(0)) / 1e9) for fact in facts if isinstance(fact, Event)]


def cleared(facts: Facts) -> list[str]:
    return [fact.kind for fact in facts if isinstance(fact, Cleared)]


def kinds(facts: Facts) -> list[str]:
    return [kind for kind, _ in events(facts)]


# --- dwelling

DWELL = yard(EventKind.DWELL, dwell_s=900)


def test_who_stays_for_so_long_is_told_of_once_and_cleared_on_leaving() -> None:
    facts = told([*there(0, 60, 200), *walk(60, 200, 0), *there(260, 3000, 0), *walk(3000, 0, 200)], DWELL, until_s=4000)
    ((kind, when_s),) = events(facts)
    assert kind == "dwell"
    assert when_s == pytest.approx(60 + 105 + 900, abs=10)
    assert cleared(facts) == ["exit", "enter", "dwell"]


def test_who_is_inside_from_the_first_fix_on_dwells_from_then_on() -> None:
    assert events(told(there(100, 2000, 0), DWELL)) == [("dwell", 1000)]


def test_who_leaves_in_time_is_not_told_of() -> None:
    assert kinds(told([*there(0, 700, 0), *walk(700, 0, 200), *there(900, 3000, 200)], DWELL, until_s=4000)) == []


def test_who_is_no_longer_heard_dwells_only_if_later_fixes_say_so() -> None:
    assert kinds(told(there(0, 500, 0), DWELL, until_s=5000)) == []
    assert kinds(told([*there(0, 500, 0), *there(3000, 3300, 0)], DWELL, until_s=5000)) == ["dwell"]
    assert kinds(told([*there(0, 500, 0), *there(3000, 3300, 400)], DWELL, until_s=5000)) == []


def test_dwelling_is_told_in_the_modes_of_its_time() -> None:
    fence = yard(EventKind.DWELL, dwell_s=900, home=HomeId("b1"), modes=frozenset({Mode.AWAY}))
    stay = there(0, 2000, 0)
    assert kinds(told([*stay, ModeChange(home="b1", mode=Mode.AWAY, at_s=500)], fence)) == ["dwell"]
    assert kinds(told([*stay, ModeChange(home="b1", mode=Mode.AWAY, at_s=1500)], fence)) == []


def test_who_leaves_and_comes_back_dwells_again() -> None:
    twice = [*there(0, 1100, 0), *walk(1100, 0, 200), *there(1300, 1500, 200), *walk(1500, 200, 0), *there(1700, 3000, 0)]
    facts = told(twice, DWELL, until_s=4000)
    assert kinds(facts) == ["dwell", "dwell"]
    assert cleared(facts).count("dwell") == 1


# --- should be inside and is not

ABSENT = yard(EventKind.ABSENT, expected=Hours(since=time(15), until=time(17)))


def test_who_is_not_back_when_expected_is_told_of_then_and_cleared_on_the_return() -> None:
    facts = told([*there(0, 60, 0), *walk(60, 0, 200), *there(260, 5000, 200, every_s=60), *walk(5000, 200, 0)], ABSENT, until_s=6000)
    assert events(facts) == [("absent", HOUR)]
    assert cleared(facts) == ["enter", "exit", "absent"]


def test_who_first_appears_outside_when_expected_inside_is_told_of() -> None:
    assert kinds(told(there(2 * HOUR, 2 * HOUR + 300, 200), ABSENT)) == ["absent"]
    assert kinds(told(there(60, 360, 200), ABSENT)) == []


def test_who_leaves_when_expected_inside_is_told_of_once() -> None:
    leave = [*there(0, 1.5 * HOUR, 0, every_s=60), *walk(1.5 * HOUR, 0, 200), *there(1.6 * HOUR, 3 * HOUR, 200, every_s=60)]
    ((kind, when_s),) = events(told(leave, ABSENT))
    assert (kind, when_s) == ("absent", pytest.approx(1.5 * HOUR + 110, abs=20))
    assert kinds(told(leave, yard(EventKind.ABSENT, EventKind.EXIT, expected=ABSENT.expected))) == ["exit"]


def test_who_stays_out_is_told_of_each_time_that_they_are_expected() -> None:
    out = [*there(0, 60, 0), *walk(60, 0, 200), *there(260, 52 * HOUR, 200, every_s=1800)]
    assert events(told(out, ABSENT)) == [("absent", HOUR), ("absent", 25 * HOUR), ("absent", 49 * HOUR)]


def test_who_is_always_expected_is_told_of_as_soon_as_it_is_sure() -> None:
    always = yard(EventKind.ABSENT)
    assert kinds(told(there(0, 300, 200), always)) == ["absent"]
    assert kinds(told(there(0, 300, 0), always, until_s=HOUR)) == []


def test_who_stands_at_the_edge_is_not_believed_to_be_outside_by_a_first_fix() -> None:
    assert kinds(told([at(0, 100.0), *there(1, 300, 80.0, every_s=1)], yard(EventKind.ABSENT))) == []


def test_an_absence_begins_when_the_fence_begins_to_guard() -> None:
    fence = yard(EventKind.ABSENT, home=HomeId("b1"), modes=frozenset({Mode.NIGHT}), expected=ABSENT.expected)
    away = [*there(0, 5000, 200), ModeChange(home="b1", mode=Mode.NIGHT, at_s=4000)]
    ((kind, when_s),) = events(told(away, fence))
    assert (kind, when_s) == ("absent", pytest.approx(4000, abs=11))


def test_a_fence_guards_by_its_schedule() -> None:
    out = [*there(0, 600, 0), *walk(600, 0, 200), *there(800, 1000, 200)]
    assert kinds(told(out, yard(schedule=Hours(since=time(14), until=time(15))))) == ["exit"]
    assert kinds(told(out, yard(schedule=Hours(since=time(22), until=time(6))))) == []


def test_who_leaves_again_is_told_of_again() -> None:
    round_ = [*there(0, 120, 0), *walk(120, 0, 200), *there(320, 500, 200), *walk(500, 200, 0), *there(700, 900, 0)]
    again = [replace(one, at_s=one.at_s + 900.0) for one in round_]
    assert kinds(told([*round_, *again], yard())) == ["exit", "enter", "exit", "enter"]


# --- several devices


def test_a_watch_and_a_telephone_that_are_carried_out_leave_once() -> None:
    carried = [*there(0, 120, 0), *there(0, 120, 0, PHONE, every_s=30), *walk(120, 0, 250), *walk(120, 0, 250, PHONE, accuracy_m=15)]
    back = [*walk(400, 250, 0), *walk(400, 250, 0, PHONE, accuracy_m=15)]
    assert kinds(told([*carried, *back], yard())) == ["exit", "enter"]


def test_a_telephone_left_at_home_hides_no_walk_and_makes_no_return() -> None:
    phone = there(0, 2000, 0, PHONE, every_s=30, accuracy_m=4.0)
    facts = told([*there(0, 120, 0), *walk(120, 0, 250), *there(370, 2000, 250), *phone], yard())
    assert kinds(facts) == ["exit"]
    assert cleared(facts) == ["enter"]


def test_a_bad_source_does_not_contradict_a_good_one_at_the_same_place() -> None:
    """A tag knows that somebody is 6 m inside; the watch errs by 18 m and says to be good to 15 m."""
    tag = there(0, 600, 89, PHONE, every_s=1, accuracy_m=0.5)
    assert kinds(told([*tag, *there(0, 200, 65, accuracy_m=15), *there(200, 600, 123, accuracy_m=15)], yard())) == []
    assert kinds(told([*there(0, 200, 65, accuracy_m=15), *there(200, 600, 123, accuracy_m=15)], yard())) == ["exit"]


@pytest.mark.parametrize(
    ("better_m", "worse_m"),
    [(0.3, 15.0), (15.0, 30.0), (30.0, 300.0)],
    ids=["indoor tag, Wi-Fi", "Wi-Fi, GPS indoors", "GPS, base station"],
)
def test_of_the_sources_of_one_person_the_more_accurate_decides(better_m: float, worse_m: float) -> None:
    half_m = 6.0 * worse_m
    corners = ((-half_m, -half_m), (half_m, -half_m), (half_m, half_m), (-half_m, half_m), (-half_m, -half_m))
    fence = yard(rings=((tuple(degrees(*corner) for corner in corners),),))
    better = there(0, 900, half_m - max(3.0, 1.5 * better_m), PHONE, accuracy_m=better_m)
    worse = [*there(0, 200, half_m - 2 * worse_m, accuracy_m=worse_m), *there(200, 900, half_m + 2 * worse_m, accuracy_m=worse_m)]
    assert kinds(told([*better, *worse], fence)) == []
    assert kinds(told(worse, fence)) == ["exit"]


def test_a_good_source_that_leaves_is_told_whatever_a_bad_one_says() -> None:
    tag = [*there(0, 100, 80, PHONE, every_s=1, accuracy_m=0.5), *walk(100, 80, 105, PHONE, accuracy_m=0.5)]
    assert kinds(told([*tag, *there(0, 130, 80, accuracy_m=30)], yard())) == ["exit"]


def test_who_leaves_with_a_new_device_after_the_old_one_died_outside_is_told_of() -> None:
    old = [*there(0, 120, 0), *walk(120, 0, 250), *there(370, 600, 250)]
    new = [*there(4000, 4300, 0, PHONE), *walk(4300, 0, 250, PHONE)]
    assert kinds(told([*old, *new], yard())) == ["exit", "exit"]


def test_devices_of_two_people_are_apart() -> None:
    both = yard(residents=frozenset({PersonId("wang"), PersonId("li")}))
    out = [*there(0, 100, 0), *there(0, 100, 0, "w-02"), *walk(100, 0, 200), *walk(100.5, 0, 200, "w-02")]
    facts = [fact for fact in told(out, both) if isinstance(fact, Event)]
    assert [(fact.kind, fact.subject) for fact in facts] == [("exit", "wang"), ("exit", "li")]


# --- not heard, and sent late


def outing() -> list[Reading]:
    """Out at 15:10 and back at 15:25."""
    return [*there(3600, 4200, 0), *walk(4200, 0, 200), *there(4400, 4900, 200), *walk(4900, 200, 0), *there(5100, 7000, 0, every_s=30)]


def held_up(order: Callable[[list[Reading]], list[Reading]]) -> list[Reading]:
    """All of it arrives within 3 s at 16:00 in such an order."""
    sent = order(outing())
    return [
        position(one.device, 7200 + 3 * number / len(sent), one.value["lon_deg"], one.value["lat_deg"], accuracy_m=7.5, t_s=one.at_s)
        for number, one in enumerate(sent)
    ]


def shuffled(sent: list[Reading]) -> list[Reading]:
    return [sent[number] for number in np.random.default_rng(1).permutation(len(sent)).tolist()]


def newest_first(sent: list[Reading]) -> list[Reading]:
    return [sent[-1], *sent[:-1]]


@pytest.mark.parametrize(
    "order", [list, shuffled, newest_first, lambda sent: sent[::-1]], ids=["in order", "shuffled", "newest first", "reversed"]
)
def test_an_hour_that_was_buffered_is_told_of_with_its_own_times(order: Callable[[list[Reading]], list[Reading]]) -> None:
    facts = told([*there(0, 3500, 0), *held_up(order), *there(7210, 7400, 0)], yard(), until_s=7500)
    exit_, enter = events(facts)
    assert exit_ == ("exit", pytest.approx(4200 + 95, abs=10))
    assert enter == ("enter", pytest.approx(4900 + 105, abs=10))
    assert cleared(facts) == ["enter", "exit"]
    assert all(fact.known_ns <= ns(7220) for fact in facts)


def test_what_was_buffered_and_comes_after_a_live_fix_is_told_of() -> None:
    facts = told([*there(0, 3500, 0), *there(7195, 7400, 0), *held_up(list)], yard(), until_s=7500)
    assert kinds(facts) == ["exit", "enter"]


def test_who_is_outside_now_and_left_in_the_silence_is_told_of_once() -> None:
    left = [one for one in held_up(shuffled) if one.t_s is not None and one.t_s < 4900]
    assert kinds(told([*there(0, 3500, 0), *left, *there(7204, 7400, 200)], yard(), until_s=7500)) == ["exit"]


def test_an_hour_at_home_that_was_buffered_is_no_event_in_any_order() -> None:
    home = [one for one in outing() if one.at_s < 4200]
    late = [
        position(WATCH, 7200 + number / 1000, one.value["lon_deg"], one.value["lat_deg"], t_s=one.at_s)
        for number, one in enumerate(shuffled(home))
    ]
    assert kinds(told([*there(0, 3500, 0), *late, *there(7210, 7300, 0)], yard(), until_s=7500)) == []


def test_a_fix_of_no_place_or_a_repeated_hour_is_no_event() -> None:
    nowhere = [position(WATCH, 100 + second, 0.0, 0.0) for second in range(100)]
    again = [
        position(WATCH, 7200 + number / 1000, one.value["lon_deg"], one.value["lat_deg"], t_s=one.at_s)
        for number, one in enumerate(outing())
    ]
    assert kinds(told([*there(0, 3500, 0), *nowhere, *outing(), *again], yard(), until_s=7500)) == ["exit", "enter"]


def test_a_dwelling_and_an_absence_tell_since_when_and_the_way_there() -> None:
    fence = yard(EventKind.DWELL, EventKind.ABSENT, dwell_s=600, expected=ABSENT.expected)
    stay = [*there(0, 60, 200), *walk(60, 200, 0), *there(260, 1000, 0), *walk(1000, 0, 200), *there(1200, 4000, 200, every_s=60)]
    dwell, absent = (fact for fact in told(stay, fence, until_s=4000) if isinstance(fact, Event))
    assert (dwell.kind, dwell.evidence["stayed_s"], dwell.evidence["side"]) == ("dwell", 600, "inside")
    assert (absent.kind, absent.evidence["side"]) == ("absent", "outside")
    assert absent.evidence["outside_s"] == pytest.approx(HOUR - 1095, abs=20)
    for event in (dwell, absent):
        way = read(event.evidence)
        assert way is not None
        assert -60.0 <= way.time_s[-1] <= event.evidence["decided_s"] <= 1.0


def test_evidence_says_why() -> None:
    (event,) = [fact for fact in told([*there(0, 120, 0), *walk(120, 0, 200)], yard()) if isinstance(fact, Event)]
    assert event.evidence["fence"] == "yard"
    assert event.evidence["side"] == "outside"
    assert event.score == event.evidence["probability"] >= 0.99
    assert event.evidence["fixes"] >= 2
    assert 0.0 < event.evidence["sigma_m"] < 7.5 == event.evidence["accuracy_m"]
    assert event.evidence["distance_m"] > 0.0
