"""Sensors that are stuck, and sensors that report what cannot be."""

from typing import Any

import numpy as np
import pytest
from builders import Item, ModeChange, Run, acceleration, batch, contact, device, meter, motion, ns, position, premises, targets
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.model import DeviceKind, HomeId, PersonId
from rules.faults.plausible import Implausible
from rules.faults.runs import Runs
from rules.faults.stuck import Stuck
from rules.kinds import Mode
from rules.model import Cleared, Event, Rule
from rules.premises import HomePlace, Premises

HOUR_S, DAY_S = 3600.0, 86_400.0
DEVICES = (
    device("w-01", DeviceKind.WEARABLE, wearer="wang", home="b1"),
    device("r-01", DeviceKind.RADAR, home="b1"),
    device("k-01", DeviceKind.CAMERA, home="b1"),
    device("p-01", DeviceKind.MOTION, home="b1"),
    device("m-01", DeviceKind.METER, home="b1"),
    device("m-02", DeviceKind.METER, home="empty"),
    device("c-01", DeviceKind.CONTACT, home="b1"),
)
HOMES = (HomePlace(id=HomeId("b1"), occupants=(PersonId("wang"),)), HomePlace(id=HomeId("empty")))
STILL = np.tile([[0.0], [0.02], [1.0]], 10)
NOISE = np.random.default_rng(3).normal(0, 0.02, (200, 3, 10))


def play(rule: type[Rule[Any]], *stream: Item) -> list[tuple[str, float]]:
    """(device, seconds) of events; cleared ones with a minus before."""
    place: Premises = premises(*DEVICES, homes=HOMES)
    facts = Run(premises=place, rule=rule(place)).play(sorted(stream, key=lambda item: item.at_s))  # type: ignore[call-arg]
    assert all(isinstance(fact, Event | Cleared) for fact in facts)
    return [
        (("-" if isinstance(fact, Cleared) else "") + fact.subject, (fact.t_ns - ns(0)) / 1e9)
        for fact in facts
        if isinstance(fact, Event | Cleared)
    ]


def worn(packets: list[np.ndarray], *, every_s: float, from_s: float = 0.0) -> list[Item]:
    return [acceleration("w-01", from_s + every_s * i, packet, t_s=from_s + every_s * i) for i, packet in enumerate(packets)]


def test_a_watch_whose_samples_are_the_same_for_a_day_is_stuck_until_three_packets_differ() -> None:
    same = worn([STILL] * 25, every_s=HOUR_S)
    moving = worn([STILL + NOISE[i] for i in range(3)], every_s=1, from_s=25 * HOUR_S)
    assert play(Stuck, *same, *moving) == [("w-01", DAY_S), ("-w-01", 25 * HOUR_S + 2)]


def test_a_watch_that_lies_on_a_table_for_a_night_is_not() -> None:
    assert play(Stuck, *worn([STILL] * 140, every_s=600)) == []


@pytest.mark.parametrize("other", [STILL + 0.001, STILL + NOISE[0]], ids=["another value", "no single value"])
def test_one_packet_that_differs_begins_the_day_anew(other: np.ndarray) -> None:
    assert play(Stuck, *worn([*[STILL] * 20, other, *[STILL] * 10], every_s=HOUR_S)) == []


def test_a_day_of_which_little_was_heard_shows_nothing() -> None:
    assert play(Stuck, *worn([STILL] * 19, every_s=2 * HOUR_S)) == []


def test_a_radars_ghost_stands_at_one_place_for_ten_minutes() -> None:
    # esphome#15025: residual coordinates of a target that has left
    ghost = [targets("r-01", 0.5 * i, (0.78, 1.713), (2.0 - i / 2000, 3.0)) for i in range(1300)]
    gone = [targets("r-01", 660.0 + i) for i in range(200)]
    assert play(Stuck, *ghost, *gone) == [("r-01", 600), ("-r-01", 720)]


def test_somebody_who_sits_still_moves_by_centimetres() -> None:
    sitting = [targets("r-01", 5.0 * i, (0.78 + round(NOISE[i, 0, 0], 2), 1.7)) for i in range(200)]
    assert play(Stuck, *sitting) == []


def test_a_cameras_target_may_stand_still() -> None:
    assert play(Stuck, *(targets("k-01", 5.0 * i, (1.0, 2.0)) for i in range(200))) == []


def test_an_empty_radar_is_not_stuck() -> None:
    assert play(Stuck, *(targets("r-01", 5.0 * i) for i in range(200))) == []


def test_motion_that_never_ends_is_stuck_after_a_day() -> None:
    stream = [motion("p-01", 0, is_moving=False), *(motion("p-01", HOUR_S * i) for i in range(1, 30))]
    ended = [motion("p-01", 30 * HOUR_S + i, is_moving=False) for i in range(3)]
    assert play(Stuck, *stream, *ended) == [("p-01", 25 * HOUR_S), ("-p-01", 30 * HOUR_S + 2)]


def test_a_sensor_that_never_says_that_nobody_moves_is_not_stuck() -> None:
    assert play(Stuck, *(motion("p-01", HOUR_S * i) for i in range(100))) == []


def test_two_words_a_day_apart_are_a_lost_end_and_no_stuck_sensor() -> None:
    assert play(Stuck, motion("p-01", 0, is_moving=False), motion("p-01", 10), motion("p-01", 2 * DAY_S)) == []


def test_a_meter_that_does_not_move_for_a_week_is_stuck_where_somebody_lives() -> None:
    def still(name: str) -> list[Item]:
        return [meter(name, 6 * HOUR_S * i, water_l=81_234.5, electricity_wh=10_000 + i) for i in range(30)]

    assert play(Stuck, *still("m-01")) == [("m-01", 7 * DAY_S)]
    assert play(Stuck, *still("m-02")) == []


def test_nobody_draws_water_on_holiday() -> None:
    stream = [meter("m-01", 6 * HOUR_S * i, water_l=500) for i in range(60)]
    away = [ModeChange(at_s=DAY_S, home="b1", mode=Mode.HOLIDAY), ModeChange(at_s=13 * DAY_S, home="b1", mode=Mode.DISARMED)]
    assert play(Stuck, *stream, *away) == []


def test_a_reading_without_a_total_says_nothing_of_it() -> None:
    stream = [meter("m-01", 6 * HOUR_S * i, water_l=500 if i % 2 else float("nan"), electricity_wh=i) for i in range(60)]
    assert play(Stuck, *stream) == [("m-01", 6 * HOUR_S * 39)]  # the twentieth


@pytest.mark.parametrize("factor", [9.81, 0.0, 0.1], ids=["m/s2 said to be g", "dead", "wrong scale"])
def test_a_minute_without_gravity_is_implausible_until_it_is_back(factor: float) -> None:
    wrong = worn([(STILL + NOISE[i]) * factor for i in range(70)], every_s=1)
    right = worn([STILL + NOISE[i] for i in range(5)], every_s=1, from_s=70)
    assert play(Implausible, *wrong, *right) == [("w-01", 60), ("-w-01", 72)]


def test_a_fall_and_a_run_are_plausible() -> None:
    fall = [STILL * 0.1, STILL * 12.0, STILL]
    run = [STILL * 1.8] * 300
    assert play(Implausible, *worn([*fall, *run], every_s=1)) == []


def test_a_fix_that_jumps_to_the_next_town_is_implausible() -> None:
    here = [position("w-01", 10.0 * i, 119.95, 31.78) for i in range(5)]
    there = [position("w-01", 50.0 + 10 * i, 119.99, 31.78) for i in range(5)]
    assert play(Implausible, *here, *there) == [("w-01", 50), ("-w-01", 80)]


def test_a_high_speed_train_is_plausible() -> None:
    assert play(Implausible, *(position("w-01", 10.0 * i, 119.95, 31.78 + i * 970 / 111_320) for i in range(20))) == []


@pytest.mark.parametrize("how", [{"accuracy_m": 60.0}, {"clock_wrong": True}, {"retained": True}])
def test_a_fix_that_promises_nothing_may_be_anywhere(how: dict[str, Any]) -> None:
    stream = [position("w-01", 0, 119.95, 31.78), position("w-01", 10, 119.99, 31.78, **how), position("w-01", 20, 119.95, 31.78)]
    assert play(Implausible, *stream) == []


def test_over_the_date_line_is_a_short_way() -> None:
    assert play(Implausible, position("w-01", 0, 179.9999, -17), position("w-01", 10, -179.9999, -17)) == []


@pytest.mark.parametrize(
    ("before", "after", "faults"),
    [
        ({"water_l": 1000.0}, {"water_l": 998.0}, 1),
        ({"water_l": 1000.0}, {"water_l": 999.5}, 0),
        ({"water_l": 1000.0}, {"water_l": 1250.0}, 0),
        ({"water_l": 1000.0}, {"water_l": 1300.0}, 1),
        ({"electricity_wh": 1000.0}, {"electricity_wh": 2500.0}, 0),
        ({"electricity_wh": 1000.0}, {"electricity_wh": 3000.0}, 1),
        ({"electricity_wh": 1000.0}, {"water_l": 5.0}, 0),
    ],
)
def test_a_total_may_rise_as_fast_as_a_pipe_or_a_wire_brings_it_and_never_fall(
    before: dict[str, float], after: dict[str, float], faults: int
) -> None:
    assert play(Implausible, meter("m-01", 0, **before), meter("m-01", 60, **after)) == [("m-01", 60)] * faults


def test_a_total_that_comes_late_is_not_compared() -> None:
    assert play(Implausible, meter("m-01", 0, water_l=500, t_s=0), meter("m-01", 1, water_l=400, t_s=-3600)) == []


def test_a_door_that_toggles_more_than_20_times_in_a_minute_is_a_loose_magnet() -> None:
    def toggling(times: int) -> list[Item]:
        return [contact("c-01", 2.5 * i, is_open=bool(i % 2)) for i in range(times + 1)]

    assert play(Implausible, *toggling(20)) == []
    assert play(Implausible, *toggling(21)) == [("c-01", 52.5)]
    well = [contact("c-01", 200.0 + i, is_open=True) for i in range(3)]
    assert play(Implausible, *toggling(21), *well) == [("c-01", 52.5), ("-c-01", 202)]


def test_a_party_that_comes_and_goes_is_plausible() -> None:
    assert play(Implausible, *(contact("c-01", 4.0 * i, is_open=bool(i % 2)) for i in range(100))) == []


def test_two_sensors_of_a_device_have_two_faults_of_one_kind() -> None:
    wrong = worn([STILL * 9.8] * 62, every_s=1)
    jumps = [position("w-01", 30, 119.95, 31.78), position("w-01", 31.5, 119.99, 31.78)]
    assert play(Implausible, *wrong, *jumps) == [("w-01", 31.5), ("w-01", 60)]


def test_nothing_said_of_a_kind_that_is_not_looked_at() -> None:
    place = premises(*DEVICES)
    assert Stuck(place).update(batch(place.registry, contact("c-01", 0, is_open=True))) == []


@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_runs_taken_at_once_equal_runs_taken_one_by_one(data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.tuples(st.integers(0, 2), st.sampled_from((1.0, 2.0, float("nan"))), st.booleans()), max_size=40))
    device_, when_ns = np.array([row[0] for row in rows], np.int32), np.arange(len(rows), dtype=np.int64) * 7
    value, anew = np.array([row[1] for row in rows], np.float64)[:, None], np.array([row[2] for row in rows], np.bool_)
    whole, single = Runs(3, 1), Runs(3, 1)
    cut = data.draw(st.integers(0, len(rows)))
    parts = [
        whole.take(device_[part], when_ns[part], value[part], anew[part])
        for part in (slice(0, cut), slice(cut, None))
        if len(device_[part])
    ]
    ones = [single.take(device_[i : i + 1], when_ns[i : i + 1], value[i : i + 1], anew[i : i + 1]) for i in range(len(rows))]
    for column in (0, 1):
        at_once = [number for part in parts for number in part[column].tolist()]
        assert at_once == [number for one in ones for number in one[column].tolist()]
    assert whole.remembered() == single.remembered()
