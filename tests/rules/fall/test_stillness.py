"""Long lie: who lies is told of, who walks is not, and silence is neither."""

import json
from collections.abc import Iterator

import numpy as np
import pytest
from builders import COMMUNITY, Reading, acceleration, batch, batches, button, device, ns, premises

from devices.model import DeviceKind
from devices.sensors.button import Press
from rules.fall.stillness import LongLie
from rules.kinds import EventKind
from rules.model import Event, Facts

WATCH = device("w-01", DeviceKind.WEARABLE, wearer="wang", home="b1")
PENDANT = device("w-02", DeviceKind.WEARABLE, wearer="wang", home="b1")
OTHER = device("w-03", DeviceKind.WEARABLE, wearer="li", home="b2")
LYING, FIDGETING, SHUFFLING = 0.01, 0.09, 0.14


def signal(movement_g: float, seconds: float, rate_hz: float = 50.0, seed: int = 0) -> np.ndarray:
    """(3, S) g of somebody whose magnitude moves so much: a wave at two steps a second, and noise."""
    rng = np.random.default_rng(seed)
    t_s = np.arange(round(seconds * rate_hz)) / rate_hz
    wave = 1.0 + movement_g * np.sqrt(1.98) * np.sin(4 * np.pi * t_s) + rng.normal(0, movement_g * 0.1, len(t_s))
    return np.stack((0.6 * wave, 0.0 * wave, 0.8 * wave))


def packets(
    *phases: tuple[float, float], name: str = "w-01", start_s: float = 4.0, packet_s: float = 1.0, rate_hz: float = 50.0
) -> Iterator[Reading]:
    """Packets of phases of (movement in g, seconds), one after another."""
    at_s = start_s
    for movement_g, seconds in phases:
        for _ in range(round(seconds / packet_s)):
            yield acceleration(name, round(at_s + packet_s, 3), signal(movement_g, packet_s, rate_hz), rate_hz=rate_hz, t_s=round(at_s, 3))
            at_s += packet_s


class Room:
    """The rule, and time as it passes."""

    def __init__(self) -> None:
        self.premises = premises(WATCH, PENDANT, OTHER)
        self.rule = LongLie(self.premises)
        self.seq = 0
        self.facts: Facts = []

    def falls(self, after_s: float = 0.0, name: str = "w-01", wearer: str = "wang", seq: int = 0) -> "Room":
        at_ns = ns(after_s)
        fall = Event(community_id=COMMUNITY, kind=EventKind.FALL, subject=wearer, t_ns=at_ns, known_ns=at_ns, seq=seq, device_id=name)
        self.rule.hear([fall])
        return self

    def hears(self, *readings: Reading) -> "Room":
        for reading in readings:
            self.passes(reading.at_s)
            for one in batches(self.premises.registry, [(self.seq, reading)]).values():
                self.facts += self.rule.update(one)
            self.seq += 1
        return self

    def passes(self, until_s: float) -> "Room":
        while (due := self.rule.next_due()) is not None and due <= ns(until_s):
            self.facts += self.rule.tick(due)
        return self

    @property
    def told(self) -> list[tuple[str, float]]:
        return [(fact.kind, (fact.t_ns - ns(0)) / 1e9) for fact in self.facts if isinstance(fact, Event)]


def test_who_lies_still_for_two_minutes_after_a_fall_is_told_of_once() -> None:
    room = Room().falls().hears(*packets((LYING, 800)))
    assert room.told == [("long_lie", 120)]
    (event,) = room.facts
    assert isinstance(event, Event)
    assert (event.subject, event.resident_id, event.home_id, event.device_id) == ("wang", "wang", "b1", "w-01")
    assert event.known_ns <= ns(123)
    assert event.evidence["since_fall_s"] == 120
    assert event.evidence["still_share"] == 1.0
    assert 0.005 < float(event.evidence["movement_g"]) < 0.02


@pytest.mark.parametrize(("packet_s", "rate_hz"), [(0.1, 50.0), (1.0, 25.0), (2.0, 200.0), (60.0, 50.0)])
def test_it_is_the_same_for_every_packet_and_rate(packet_s: float, rate_hz: float) -> None:
    assert Room().falls().hears(*packets((LYING, 180), packet_s=packet_s, rate_hz=rate_hz)).passes(300).told == [("long_lie", 120)]


def test_nobody_who_did_not_fall_is_told_of() -> None:
    assert Room().hears(*packets((LYING, 800))).told == []


def test_who_lies_and_moves_an_arm_is_told_of_after_ten_minutes() -> None:
    assert Room().falls().hears(*packets((FIDGETING, 700))).told == [("long_lie", 600)]


def test_who_struggles_for_half_a_minute_and_gives_up_is_told_of() -> None:
    ((kind, t_s),) = Room().falls().hears(*packets((FIDGETING, 30), (LYING, 300))).told
    assert kind == "long_lie"
    assert 130 <= t_s <= 155


def test_who_gets_up_and_walks_has_recovered_and_is_not_told_of_as_lying() -> None:
    room = Room().falls().hears(*packets((LYING, 30), (SHUFFLING, 20), (LYING, 900)))
    assert room.told == [("recovered", 34)]


def test_who_walks_after_a_long_lie_has_recovered_too() -> None:
    assert Room().falls().hears(*packets((LYING, 296), (SHUFFLING, 60))).told == [("long_lie", 120), ("recovered", 300)]


def test_a_burst_of_buffered_packets_says_what_it_would_have_said_in_time() -> None:
    late = [
        acceleration(one.device, 5000.0, one.value["accel_g"], t_s=one.t_s) for one in packets((LYING, 296), (SHUFFLING, 60), (LYING, 900))
    ]
    room = Room().falls().hears(*late).passes(5002)
    assert room.told == [("long_lie", 120), ("recovered", 300)]
    assert {fact.known_ns for fact in room.facts} == {ns(5001)}


@pytest.mark.parametrize("gap_s", [(20, 200), (5, 100)])
def test_silence_is_not_stillness(gap_s: tuple[int, int]) -> None:
    heard = [one for one in packets((LYING, 200)) if not gap_s[0] < one.at_s < gap_s[1]]
    assert Room().falls().hears(*heard).passes(4000).told == []


def test_a_lost_packet_or_two_change_nothing() -> None:
    heard = [one for one in packets((LYING, 200)) if round(one.at_s) % 10]
    assert Room().falls().hears(*heard).told == [("long_lie", 120)]


def test_packets_out_of_a_hole_in_the_radio_count_when_they_come() -> None:
    def late(one: Reading) -> Reading:
        return acceleration(one.device, one.at_s + 150, one.value["accel_g"], t_s=one.t_s) if 20 < one.at_s < 100 else one

    room = Room().falls().hears(*sorted(map(late, packets((LYING, 300))), key=lambda one: one.at_s))
    assert [kind for kind, _ in room.told] == ["long_lie"]


def test_a_cancel_ends_the_watch() -> None:
    stream = sorted([*packets((LYING, 800)), button("w-01", 60.5, Press.CANCEL)], key=lambda one: one.at_s)
    assert Room().falls().hears(*stream).told == []


def test_a_cancel_pressed_before_the_fall_was_known_counts() -> None:
    assert Room().hears(button("w-01", 2, Press.CANCEL)).falls().hears(*packets((LYING, 800))).told == []


def test_a_cancel_of_an_earlier_time_or_another_person_does_not_count() -> None:
    stream = [button("w-01", 1, Press.CANCEL, t_s=-5), button("w-03", 2, Press.CANCEL), button("w-01", 3, Press.CANCEL, retained=True)]
    assert Room().falls().hears(*stream, *packets((LYING, 200))).told == [("long_lie", 120)]


def test_a_cancel_out_of_the_same_burst_is_heard() -> None:
    burst = [acceleration("w-01", 900.0, one.value["accel_g"], t_s=one.t_s) for one in packets((LYING, 200))]
    assert Room().falls().hears(*burst, button("w-01", 900.5, Press.CANCEL, t_s=60)).passes(1000).told == []


def test_two_devices_of_one_person_tell_once() -> None:
    both = sorted([*packets((LYING, 700)), *packets((LYING, 700), name="w-02")], key=lambda one: one.at_s)
    assert Room().falls().falls(0.2, "w-02").hears(*both).told == [("long_lie", 120)]


def test_one_device_that_walks_speaks_for_the_other_that_was_taken_off() -> None:
    both = sorted([*packets((LYING, 700)), *packets((LYING, 20), (SHUFFLING, 600), name="w-02")], key=lambda one: one.at_s)
    assert [kind for kind, _ in Room().falls().falls(0.2, "w-02").hears(*both).told] == ["recovered"]


def test_the_next_fall_is_watched_anew() -> None:
    room = Room().falls().hears(*packets((LYING, 20), (SHUFFLING, 60))).falls(100, seq=80).hears(*packets((LYING, 300), start_s=104))
    assert [kind for kind, _ in room.told] == ["recovered", "long_lie"]


def test_the_same_fall_heard_again_is_not_watched_again() -> None:
    room = Room().falls().hears(*packets((LYING, 20), (SHUFFLING, 60))).falls().hears(*packets((LYING, 600), start_s=84))
    assert [kind for kind, _ in room.told] == ["recovered"]


def test_packets_before_the_one_that_showed_the_fall_are_not_looked_at() -> None:
    early = list(packets((SHUFFLING, 30), start_s=0))
    room = Room().falls(seq=30).hears(*early, *packets((LYING, 300), start_s=30))
    assert [kind for kind, _ in room.told] == ["long_lie"]


def test_a_retained_packet_is_not_looked_at() -> None:
    heard = [acceleration(one.device, one.at_s, one.value["accel_g"], t_s=one.t_s, retained=True) for one in packets((LYING, 300))]
    assert Room().falls().hears(*heard).told == []


def test_the_watch_ends_after_an_hour() -> None:
    room = Room().falls().hears(*packets((LYING, 200))).hears(*packets((SHUFFLING, 60), start_s=3700))
    assert room.told == [("long_lie", 120)]


def test_nobody_else_is_looked_at() -> None:
    room = Room().falls()
    assert room.rule.update(batch(room.premises.registry, *packets((LYING, 200), name="w-03"))) == []
    assert room.rule.next_due() is None


def test_a_cancelled_fall_that_is_found_again_while_windows_are_refilled_stays_cancelled() -> None:
    before = Room().falls().hears(*packets((LYING, 20)), button("w-01", 30, Press.CANCEL))
    kept = json.loads(json.dumps(before.rule.snapshot()))
    after = Room().falls().hears(*packets((LYING, 20)))
    after.rule.restore(kept)
    assert after.hears(*packets((LYING, 300), start_s=31)).told == []


def test_what_is_remembered_stays_small() -> None:
    room = Room().falls().hears(*packets((FIDGETING, 3000)))
    assert len(json.dumps(room.rule.snapshot())) < 3_000
