from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from builders import Item, Run, acceleration, batch, button, contact, device, motion, ns, position, premises, status

from devices.health import joined
from devices.model import Batch, DeviceKind, SensorKind
from rules.faults.fault import Clock, LowBattery, Offline, Tamper
from rules.model import Cleared, Event, Facts, Rule
from rules.premises import Premises

DEVICES = (
    device("w-01", DeviceKind.WEARABLE, wearer="wang", home="b1"),
    device("r-01", DeviceKind.RADAR, home="b1"),
    device("c-01", DeviceKind.CONTACT, home="b1"),
    device("m-01", DeviceKind.MOTION, home="b1"),
    device("b-01", DeviceKind.BUTTON, home="b1"),
    device("t-01", DeviceKind.TRACKER, wearer="wang", home="b1"),
)
HOUR_S = 3600.0


def feed(rule: Rule[Any], given: dict[SensorKind, Batch]) -> Facts:
    return (
        rule.update(joined(given.values()))
        if isinstance(rule, Offline | Clock)
        else [f for one in given.values() for f in rule.update(one)]
    )


def run(rule: type[Rule[Any]]) -> Run:
    place = premises(*DEVICES)
    return Run(premises=place, rule=rule(place), feed=feed)  # type: ignore[call-arg]


def play(rule: type[Rule[Any]], *stream: Item, until_s: float | None = None) -> list[tuple[str, float]]:
    """(device, seconds) of events; cleared ones with a minus before."""
    facts = run(rule).play(sorted(stream, key=lambda item: item.at_s), until_s=until_s)
    assert all(isinstance(fact, Event | Cleared) for fact in facts)
    return [(("-" if isinstance(fact, Cleared) else "") + fact.subject, (fact.t_ns - ns(0)) / 1e9) for fact in facts]


def test_what_was_never_heard_is_not_offline() -> None:
    assert play(Offline, motion("m-01", 0), until_s=20 * HOUR_S) == []


@pytest.mark.parametrize(
    ("first", "limit_s"),
    [
        (position("w-01", 0, 120, 31), 600),
        (motion("r-01", 0), 600),
        (contact("c-01", 0, is_open=False), 25 * HOUR_S),
        (motion("m-01", 0), 25 * HOUR_S),
        (position("t-01", 0, 120, 31), 25 * HOUR_S),
    ],
    ids=lambda x: getattr(x, "device", None),
)
def test_before_its_gaps_are_known_a_device_may_be_silent_as_long_as_its_kind_may(first: Item, limit_s: float) -> None:
    assert play(Offline, first, until_s=limit_s - 0.001) == []
    assert play(Offline, first, until_s=limit_s) == [(first.device, limit_s)]  # type: ignore[union-attr]


def test_a_button_is_never_offline_by_silence() -> None:
    presses = [button("b-01", 60.0 * i) for i in range(40)]
    assert play(Offline, *presses, until_s=1000 * HOUR_S) == []


def test_the_event_says_who_and_how_long() -> None:
    (event,) = run(Offline).play([position("w-01", 0, 120, 31)], until_s=700)
    assert isinstance(event, Event)
    assert (event.kind, event.subject, event.device_id, event.resident_id, event.home_id) == ("offline", "w-01", "w-01", "wang", "b1")
    assert (event.cause, event.t_ns, event.known_ns, event.seq) == ("w-01", ns(600), ns(600), -1)
    assert event.evidence == {"silent_s": 600.0, "limit_s": 600.0}


def test_silence_that_goes_on_is_said_once() -> None:
    assert play(Offline, motion("r-01", 0), until_s=100 * HOUR_S) == [("r-01", 600)]


def test_of_several_due_at_one_time_each_is_said() -> None:
    assert play(Offline, motion("r-01", 0), position("w-01", 0, 120, 31), until_s=HOUR_S) == [("r-01", 600), ("w-01", 600)]


def test_after_20_gaps_the_limit_is_three_times_the_95th_percentile() -> None:
    beats = [motion("m-01", 400.0 * i) for i in range(21)]
    assert play(Offline, *beats, until_s=30 * HOUR_S) == [("m-01", 8000 + 1200)]


def test_19_gaps_are_not_enough() -> None:
    beats = [motion("m-01", 400.0 * i) for i in range(20)]
    assert play(Offline, *beats, until_s=30 * HOUR_S) == [("m-01", 7600 + 25 * HOUR_S)]


def test_ten_minutes_are_always_granted() -> None:
    beats = [motion("m-01", 1.0 * i) for i in range(30)]
    assert play(Offline, *beats, until_s=HOUR_S) == [("m-01", 29 + 600)]


def test_the_word_offline_is_believed_at_once_and_once() -> None:
    stream = [motion("m-01", 0), status("m-01", 10, online=0), status("m-01", 20, online=0)]
    assert play(Offline, *stream, until_s=100 * HOUR_S) == [("m-01", 10)]


def test_a_retained_word_offline_is_believed() -> None:
    assert play(Offline, status("b-01", 10, online=0, retained=True)) == [("b-01", 10)]


def test_a_retained_reading_is_no_sign_of_life() -> None:
    retained = [status("r-01", 500, online=1, retained=True), motion("r-01", 550, retained=True)]
    assert play(Offline, motion("r-01", 0), *retained, until_s=700) == [("r-01", 600)]


def test_silence_is_measured_on_arrival() -> None:
    buffered = [position("w-01", 500, 120, 31, t_s=-3000), position("w-01", 501, 120, 31, t_s=-2000)]
    assert play(Offline, position("w-01", 0, 120, 31), *buffered, until_s=1000) == []


def test_three_healthy_readings_of_any_kind_end_it() -> None:
    back = [status("w-01", 700, online=1), position("w-01", 701, 120, 31), button("w-01", 702)]
    assert play(Offline, position("w-01", 0, 120, 31), *back, until_s=703) == [("w-01", 600), ("-w-01", 702)]


def test_silence_again_before_three_healthy_readings_is_the_same_fault() -> None:
    beats = [motion("r-01", at_s) for at_s in (0, 700, 701, 2000, 2001, 2002)]
    assert play(Offline, *beats, until_s=2003) == [("r-01", 600), ("-r-01", 2002)]


def test_after_it_ended_silence_is_a_fault_anew() -> None:
    beats = [motion("r-01", at_s) for at_s in (0, 700, 701, 702)]
    assert play(Offline, *beats, until_s=2000) == [("r-01", 600), ("-r-01", 702), ("r-01", 1302)]


def test_the_gap_of_an_outage_teaches_nothing() -> None:
    beats = [motion("r-01", 10.0 * i + (90_000 if i >= 5 else 0)) for i in range(30)]
    assert play(Offline, *beats, until_s=200_000)[-1] == ("r-01", 90_290 + 600)


def test_a_wearable_that_wakes_every_15_minutes_is_known_for_it_after_20_gaps() -> None:
    beats = [motion("r-01", 900.0 * i) for i in range(30)]
    found = play(Offline, *beats, until_s=40_000)
    assert found == [("r-01", 600), ("-r-01", 900 * 22), ("r-01", 29 * 900 + 3 * 900)]


def test_a_morning_without_power_is_no_usual_gap() -> None:
    beats = [motion("r-01", 10.0 * i + (4000 if i >= 5 else 0)) for i in range(30)]
    assert play(Offline, *beats, until_s=HOUR_S * 3)[-1] == ("r-01", 4290 + 600)


def backs(offline: Offline, place: Premises, *readings: Any) -> list[bool]:
    given = batch(place.registry, *readings)
    marked = offline.back(joined([given])).tolist()
    offline.update(joined([given]))
    return marked


def test_the_first_reading_of_each_kind_since_the_silence_is_back() -> None:
    place = premises(*DEVICES)
    offline = Offline(place)
    assert backs(offline, place, contact("c-01", 0, is_open=False)) == [False]
    offline.tick(ns(26 * HOUR_S))
    assert backs(offline, place, contact("c-01", 100_000, is_open=True, retained=True)) == [False]
    assert backs(offline, place, status("c-01", 100_001)) == [True]
    assert backs(offline, place, contact("c-01", 100_002, is_open=True), contact("c-01", 100_003, is_open=False)) == [True, False]
    assert backs(offline, place, status("c-01", 100_004), status("c-01", 100_005)) == [False, False]


def test_asking_what_is_back_changes_nothing() -> None:
    place = premises(*DEVICES)
    offline = Offline(place)
    offline.update(joined([batch(place.registry, status("c-01", 0, online=0))]))
    given = joined([batch(place.registry, contact("c-01", 1, is_open=True))])
    assert offline.back(given).tolist() == offline.back(given).tolist() == [True]


def test_what_is_back_is_known_within_a_batch_across_kinds() -> None:
    place = premises(*DEVICES)
    stream: Sequence[Any] = [contact("c-01", 0, is_open=False), status("c-01", 0.1, online=0), contact("c-01", 0.2, is_open=True)]
    one = Run(premises=place, rule=Offline(place), feed=feed)
    marks: list[bool] = []

    def marking(rule: Rule[Any], given: dict[SensorKind, Batch]) -> Facts:
        assert isinstance(rule, Offline)
        marks.extend(rule.back(joined(given.values())).tolist())
        return feed(rule, given)

    Run(premises=place, rule=Offline(place), feed=marking).play(stream)
    assert marks == [False, False, True]
    marks.clear()
    Run(premises=place, rule=one.rule, feed=marking).play(stream, cuts=range(3))
    assert marks == [False, False, True]


def test_a_heavy_stream_of_one_device_is_heard_as_one() -> None:
    packet = np.zeros((3, 5), np.float32)
    packets = [acceleration("w-01", 0.1 * i, packet) for i in range(500)]
    assert play(Offline, *packets, until_s=1000) == [("w-01", 49.9 + 600)]


def test_a_wrong_clock_is_one_fault_until_three_readings_are_right() -> None:
    wrong = [position("w-01", at_s, 120, 31, clock_wrong=True) for at_s in (0, 1, 2)]
    right = [status("w-01", at_s) for at_s in (3, 4, 5)]
    assert play(Clock, *wrong, *right, status("w-01", 6, clock_wrong=True)) == [("w-01", 0), ("-w-01", 5), ("w-01", 6)]


def test_a_retained_reading_says_nothing_of_a_clock() -> None:
    assert play(Clock, status("w-01", 0, clock_wrong=True, retained=True)) == []
    right = [status("w-01", at_s, retained=True) for at_s in (3, 4, 5)]
    assert play(Clock, status("w-01", 0, clock_wrong=True), *right) == [("w-01", 0)]


def test_the_clocks_of_two_devices_are_two_faults() -> None:
    assert play(Clock, status("w-01", 0, clock_wrong=True), status("c-01", 0.1, clock_wrong=True)) == [("w-01", 0), ("c-01", 0.1)]


def test_tamper_ends_after_three_readings_in_a_row_without() -> None:
    states = [status("c-01", i, tamper=tamper) for i, tamper in enumerate((1, 0, 0, 1, 0, -1, 0, 0))]
    assert play(Tamper, *states) == [("c-01", 0), ("-c-01", 7)]


def test_what_one_message_holds_counts_once() -> None:
    place = premises(*DEVICES)
    offline = Offline(place)
    offline.update(joined([batch(place.registry, status("c-01", 0, online=0))]))
    both = [batch(place.registry, status("c-01", 1, online=1)), batch(place.registry, contact("c-01", 1, is_open=False))]
    assert offline.update(joined(both)) == []
    assert offline.snapshot()["lakeside/c-01"]["healthy"] == 1


@pytest.mark.parametrize(("level", "found"), [(15.1, []), (15.0, [("w-01", 0)]), (0.0, [("w-01", 0)])])
def test_a_battery_is_low_at_15_percent(level: float, found: list[tuple[str, float]]) -> None:
    assert play(LowBattery, status("w-01", 0, battery_percent=level)) == found


def test_a_battery_is_well_again_above_20_percent() -> None:
    levels = (10, 20, 20, 20, 20.5, 21, 22)
    assert play(LowBattery, *(status("w-01", i, battery_percent=level) for i, level in enumerate(levels))) == [("w-01", 0), ("-w-01", 6)]


def test_a_battery_that_is_said_to_be_low_is_low_until_it_is_said_not_to_be() -> None:
    words = [status("c-01", i, battery_low=low) for i, low in enumerate((0, 1, -1, 0, 0, 0))]
    assert play(LowBattery, *words) == [("c-01", 1), ("-c-01", 5)]
    (event,) = run(LowBattery).play([status("c-01", 0, battery_low=1)])
    assert isinstance(event, Event)
    assert event.evidence == {"battery_low": True}


def test_a_retained_level_is_believed_when_low_and_heals_nothing() -> None:
    well = [status("w-01", i, battery_percent=90, retained=True) for i in (1, 2, 3)]
    assert play(LowBattery, status("w-01", 0, battery_percent=9, retained=True), *well) == [("w-01", 0)]


def test_a_fault_that_has_ended_is_in_the_snapshot_as_ended() -> None:
    one = run(Tamper)
    one.play([status("c-01", i, tamper=tamper) for i, tamper in enumerate((1, 0, 0, 0))])
    assert one.rule.snapshot() == {"lakeside/c-01": None}
