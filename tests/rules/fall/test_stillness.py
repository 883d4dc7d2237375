"""Long lie: who lies is told of, who walks is not, and silence is neither."""

import json
from collections.abc import Iterator

import numpy as np
import pytest
from builders import COMMUNITY, Reading, acceleration, batch, batches, button, device, ns, premises

from devices.model import DeviceKind, Placement
from devices.sensors.button import Press
from rules.fall.stillness import LongLie
from rules.kinds import EventKind
from rules.model import Event, Facts

WATCH = device("w-01", DeviceKind.WEARABLE, wearer="wang", home="b1", placement=Placement.WAIST)
PENDANT = device("w-02", DeviceKind.WEARABLE, wearer="wang", home="b1")
OTHER = device("w-03", DeviceKind.WEARABLE, wearer="li", home="b2")
LYING, FIDGETING, SHUFFLING = 0.01, 0.09, 0.14
TWO_MINUTES = [("still_s", 10, 12), ("still_s", 30, 30), ("still_s", 60, 60), ("still_s", 120, 120)]
TEN_MINUTES = [*TWO_MINUTES, ("still_s", 300, 300), ("still_s", 600, 600)]
"""What is told of who lies still since the impact, and is heard from 4 s after it on: (what, how long, when)."""


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
    def told(self) -> list[tuple[str, int, float]]:
        """(still_s, down_s or recovered, how long, when)."""
        events = [fact for fact in self.facts if isinstance(fact, Event)]
        named = [next((name for name in ("still_s", "down_s") if name in one.evidence), "recovered") for one in events]
        return [(name, int(one.evidence.get(name, 0)), (one.t_ns - ns(0)) / 1e9) for name, one in zip(named, events, strict=True)]

    @property
    def kinds(self) -> list[str]:
        return [fact.kind for fact in self.facts if isinstance(fact, Event)]


def test_who_lies_still_after_a_fall_is_told_of_as_it_goes_on_each_time_once() -> None:
    room = Room().falls().hears(*packets((LYING, 800)))
    assert room.told == TEN_MINUTES
    assert {fact.kind for fact in room.facts if isinstance(fact, Event)} == {EventKind.LONG_LIE}
    event = room.facts[3]
    assert isinstance(event, Event)
    assert (event.subject, event.resident_id, event.home_id, event.device_id) == ("wang", "wang", "b1", "w-01")
    assert event.known_ns <= ns(123)
    assert event.evidence["since_fall_s"] == 120
    assert event.evidence["still_share"] == 1.0
    assert 0.005 < float(event.evidence["movement_g"]) < 0.02


def test_who_lies_for_an_hour_is_told_of_until_then() -> None:
    assert Room().falls().hears(*packets((LYING, 3700), packet_s=10.0)).told == [
        *TEN_MINUTES,
        ("still_s", 1800, 1800),
        ("still_s", 3600, 3600),
    ]


@pytest.mark.parametrize(("lies_s", "marks"), [(5, 0), (12, 1), (40, 2), (70, 3)])
def test_each_mark_takes_so_long_a_stillness(lies_s: int, marks: int) -> None:
    assert Room().falls().hears(*packets((LYING, lies_s), (FIDGETING, 100))).told == TWO_MINUTES[:marks]


@pytest.mark.parametrize(("packet_s", "rate_hz"), [(0.1, 50.0), (1.0, 25.0), (2.0, 200.0), (60.0, 50.0)])
def test_it_is_the_same_for_every_packet_and_rate(packet_s: float, rate_hz: float) -> None:
    assert Room().falls().hears(*packets((LYING, 180), packet_s=packet_s, rate_hz=rate_hz)).passes(300).told == TWO_MINUTES


def test_nobody_who_did_not_fall_is_told_of() -> None:
    assert Room().hears(*packets((LYING, 800))).told == []


def test_who_lies_and_moves_an_arm_is_not_still_but_not_up_either() -> None:
    assert Room().falls().hears(*packets((FIDGETING, 700))).told == [("down_s", 600, 600)]
    assert Room().falls().hears(*packets((FIDGETING, 3700), packet_s=10.0)).told == [("down_s", mark, mark) for mark in (600, 1800, 3600)]


def struggling(seconds: int, start_s: float = 4.0, seed: int = 5) -> Iterator[Reading]:
    """Bursts of pushing and of rest, as on a floor: much movement in most seconds, and no two alike."""
    rng = np.random.default_rng(seed)
    bursts = np.repeat(rng.lognormal(np.log(0.25), 0.9, seconds // 2 + 1), 2)[:seconds]
    bursts[rng.random(seconds) < 0.2] = 0.02
    for i, movement_g in enumerate(bursts.tolist()):
        yield acceleration("w-01", start_s + i + 1, signal(movement_g, 1.0, seed=i), t_s=start_s + i)


def test_who_struggles_on_the_floor_is_neither_still_nor_up() -> None:
    told = [Room().falls().hears(*struggling(60, seed=seed)).told for seed in range(10)]
    assert [one for some in told for one in some if one[0] == "recovered" or one[1] > 10] == []


def test_who_struggles_for_half_a_minute_and_gives_up_is_told_of() -> None:
    told = Room().falls().hears(*packets((FIDGETING, 30), (LYING, 300))).told
    assert [mark for _, mark, _ in told] == [10, 30, 60, 120, 300]
    assert all(t_s - 0.8 * mark >= 34 for _, mark, t_s in told)


def test_who_gets_up_and_walks_has_recovered_and_sits_still_in_peace() -> None:
    room = Room().falls().hears(*packets((LYING, 30), (SHUFFLING, 20), (LYING, 900)))
    assert room.told == [*TWO_MINUTES[:2], ("recovered", 0, 34)]


def test_who_walks_after_minutes_has_recovered_too() -> None:
    assert Room().falls().hears(*packets((LYING, 290), (SHUFFLING, 60))).told == [*TWO_MINUTES, ("recovered", 0, 294)]


def test_a_burst_of_buffered_packets_says_what_it_would_have_said_in_time() -> None:
    late = [
        acceleration(one.device, 5000.0, one.value["accel_g"], t_s=one.t_s) for one in packets((LYING, 290), (SHUFFLING, 60), (LYING, 900))
    ]
    room = Room().falls().hears(*late).passes(5002)
    assert room.told == [*TWO_MINUTES, ("recovered", 0, 294)]
    assert {fact.known_ns for fact in room.facts} == {ns(5001)}


@pytest.mark.parametrize(("gap_s", "marks"), [((20, 200), 1), ((5, 100), 0)])
def test_silence_is_not_stillness(gap_s: tuple[int, int], marks: int) -> None:
    heard = [one for one in packets((LYING, 200)) if not gap_s[0] < one.at_s < gap_s[1]]
    assert Room().falls().hears(*heard).passes(4000).told == TWO_MINUTES[:marks]


def test_a_lost_packet_or_two_change_nothing() -> None:
    heard = [one for one in packets((LYING, 200)) if round(one.at_s) % 10]
    assert Room().falls().hears(*heard).kinds == ["long_lie"] * 4


def test_packets_out_of_a_hole_in_the_radio_count_when_they_come() -> None:
    def late(one: Reading) -> Reading:
        return acceleration(one.device, one.at_s + 150, one.value["accel_g"], t_s=one.t_s) if 20 < one.at_s < 100 else one

    room = Room().falls().hears(*sorted(map(late, packets((LYING, 300))), key=lambda one: one.at_s))
    assert [mark for _, mark, _ in room.told] == [10, 30, 60, 120, 300]


def test_a_cancel_ends_the_watch() -> None:
    stream = sorted([*packets((LYING, 800)), button("w-01", 40.5, Press.CANCEL)], key=lambda one: one.at_s)
    assert Room().falls().hears(*stream).told == TWO_MINUTES[:2]


def test_a_cancel_pressed_before_the_fall_was_known_counts() -> None:
    assert Room().hears(button("w-01", 2, Press.CANCEL)).falls().hears(*packets((LYING, 800))).told == []


def test_a_cancel_of_an_earlier_time_or_another_person_does_not_count() -> None:
    stream = [button("w-01", 1, Press.CANCEL, t_s=-5), button("w-03", 2, Press.CANCEL), button("w-01", 3, Press.CANCEL, retained=True)]
    assert Room().falls().hears(*stream, *packets((LYING, 200))).told == TWO_MINUTES


def test_a_cancel_out_of_the_same_burst_is_heard() -> None:
    burst = [acceleration("w-01", 900.0, one.value["accel_g"], t_s=one.t_s) for one in packets((LYING, 200))]
    assert Room().falls().hears(*burst, button("w-01", 900.5, Press.CANCEL, t_s=60)).passes(1000).told == []


def test_two_devices_of_one_person_tell_once() -> None:
    both = sorted([*packets((LYING, 700)), *packets((LYING, 700), name="w-02")], key=lambda one: one.at_s)
    assert Room().falls().falls(0.2, "w-02").hears(*both).told == TEN_MINUTES


def test_one_device_that_walks_speaks_for_the_other_that_was_taken_off() -> None:
    both = sorted([*packets((LYING, 700)), *packets((LYING, 20), (SHUFFLING, 600), name="w-02")], key=lambda one: one.at_s)
    room = Room().falls().falls(0.2, "w-02").hears(*both)
    assert room.told == [*TWO_MINUTES[:2], ("recovered", 0, 24.2)]


def test_of_two_devices_the_one_that_finds_the_next_fall_goes_on_alone() -> None:
    room = Room().falls().falls(0.2, "w-02").hears(*packets((LYING, 40))).falls(100, seq=40)
    assert room.told == TWO_MINUTES[:2]
    room.hears(*packets((LYING, 300), name="w-02", start_s=101))  # in a drawer, perhaps: it saw no second fall
    assert room.told == TWO_MINUTES[:2]
    room.hears(*packets((LYING, 130), start_s=404))
    assert room.told[2:] == []
    assert room.falls(600, seq=470).hears(*packets((LYING, 40), start_s=604)).told[2:] == [("still_s", 10, 612), ("still_s", 30, 630)]


def test_the_next_fall_is_watched_anew() -> None:
    room = Room().falls().hears(*packets((LYING, 20), (SHUFFLING, 60))).falls(100, seq=80).hears(*packets((LYING, 300), start_s=104))
    assert [(name, mark) for name, mark, _ in room.told[2:]] == [("still_s", mark) for mark in (10, 30, 60, 120, 300)]
    assert [name for name, _, _ in room.told[:2]] == ["still_s", "recovered"]


def test_a_fall_after_a_long_lie_is_a_story_of_its_own() -> None:
    room = Room().falls().hears(*packets((LYING, 130))).falls(140, seq=130).hears(*packets((LYING, 130), start_s=144))
    assert room.told == [*TWO_MINUTES, *((name, mark, t_s + 140) for name, mark, t_s in TWO_MINUTES)]


def test_the_same_fall_heard_again_is_not_watched_again() -> None:
    room = Room().falls().hears(*packets((LYING, 20), (SHUFFLING, 60))).falls().hears(*packets((LYING, 600), start_s=84))
    assert room.kinds == ["long_lie", "recovered"]


def test_packets_before_the_one_that_showed_the_fall_are_not_looked_at() -> None:
    early = list(packets((SHUFFLING, 30), start_s=0))
    room = Room().falls(seq=30).hears(*early, *packets((LYING, 200), start_s=30))
    assert [mark for _, mark, _ in room.told] == [10, 30, 60, 120]


def test_a_retained_packet_is_not_looked_at() -> None:
    heard = [acceleration(one.device, one.at_s, one.value["accel_g"], t_s=one.t_s, retained=True) for one in packets((LYING, 300))]
    assert Room().falls().hears(*heard).told == []


def test_the_watch_ends_after_an_hour() -> None:
    room = Room().falls().hears(*packets((LYING, 200))).hears(*packets((SHUFFLING, 60), start_s=3700))
    assert room.told == TWO_MINUTES


def test_nobody_else_is_looked_at() -> None:
    room = Room().falls()
    assert room.rule.update(batch(room.premises.registry, *packets((LYING, 200), name="w-03"))) == []
    assert room.rule.next_due() is None


def test_a_cancelled_fall_that_is_found_again_while_windows_are_refilled_stays_cancelled() -> None:
    before = Room().falls().hears(*packets((LYING, 20)), button("w-01", 30, Press.CANCEL))
    kept = json.loads(json.dumps(before.rule.snapshot()))
    after = Room().falls().hears(*packets((LYING, 20)))
    after.rule.restore(kept)
    after.facts.clear()
    assert after.hears(*packets((LYING, 300), start_s=31)).told == []


def test_what_is_remembered_stays_small() -> None:
    room = Room().falls().hears(*packets((FIDGETING, 3000)))
    assert len(json.dumps(room.rule.snapshot())) < 12_000


def test_the_state_of_an_earlier_edition_is_taken_over() -> None:
    old = {"fall_ns": ns(0), "rate_hz": 50.0, "sums": [[4, 50, 50000, 50000100]], "until_s": 5, "is_over": False, "is_lie": False}
    old |= {"judged_s": 5, "lie_s": -1, "evidence": {}, "walk_s": -1, "due_ns": 0}
    room = Room()
    room.rule.restore({f"{COMMUNITY}/w-01": old})
    assert room.hears(*packets((LYING, 200), start_s=5)).kinds == ["long_lie"] * 4
