from collections.abc import Iterator
from typing import Any

import pytest
from fakes.ear import T_MS, Ear
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.adapters.esphome_ld2450 import ESPHOME_LD2450
from devices.model import SensorKind

# Topics and numbers: esphome/esphome-docs components/sensor/ld2450.rst and components/mqtt.rst; the frame in a comment of ld2450.cpp,
# [0E 03 B1 86 10 00 40 01], is a target at -782 mm, 1713 mm that comes with 160 mm/s.
NODE = "livingroom"
FRAME = {"x": b"-782", "y": b"1713", "resolution": b"320", "speed": b"-160", "distance": b"1883", "angle": b"24.5"}
SEEN = {"x_m": -0.782, "y_m": 1.713, "speed_mps": -0.16}


class Radar(Ear):
    """A node that is listened to, and the frames that came of it."""

    def __init__(self, name: str = NODE) -> None:
        super().__init__(ESPHOME_LD2450, name)
        self._node = name
        self.frames: list[tuple[float, list[dict[str, float]]]] = []

    def say(self, at_ms: float, name: str, payload: bytes, *, retained: bool = False) -> dict[SensorKind, dict[str, Any]]:
        said = self.hear(f"{self._node}/sensor/{name}/state", payload, at_ms, retained=retained)
        assert not isinstance(said, str)
        if frame := said.get(SensorKind.TARGETS):
            self.frames.append((frame["t"] - T_MS, frame["targets"]))
        return said

    def see(self, at_ms: float, number: int = 1, *, apart_ms: float = 1, **pieces: object) -> None:
        """What is new of one target, one topic after another."""
        for place, (piece, value) in enumerate(pieces.items()):
            self.say(at_ms + place * apart_ms, f"target-{number}_{piece}", value if isinstance(value, bytes) else str(value).encode())


@pytest.fixture
def radar() -> Radar:
    return Radar()


def at(x: float, y: float) -> dict[str, float]:
    return {"x_m": x, "y_m": y}


def test_x_and_y_that_arrive_together_are_one_target_of_a_frame(radar: Radar) -> None:
    radar.see(0, **FRAME)
    assert radar.frames == [(0, [at(-0.782, 1.713)])], "as soon as y has come; the speed comes after it"
    radar.see(100, x=-780)
    radar.see(101, y=1700)
    assert radar.frames[1:] == [(100, [{"x_m": -0.78, "y_m": 1.7, "speed_mps": -0.16}])]


def test_the_raw_frame_of_the_component_reads_as_it_says(radar: Radar) -> None:
    radar.see(0, **FRAME)
    radar.see(100, **FRAME)
    assert radar.frames[1] == (100, [SEEN])


@pytest.mark.parametrize("name", ["target-1_{}", "target_1_{}", "target1_{}", "target_1_{}_coordinate", "Target-1_{}"])
def test_a_sensor_may_be_called_in_more_ways_than_one(name: str, radar: Radar) -> None:
    radar.say(0, name.format("x"), b"-782")
    radar.say(1, name.format("y"), b"1713.0")
    assert radar.frames == [(0, [at(-0.782, 1.713)])]


def test_a_prefix_may_hold_slashes() -> None:
    radar = Radar("home/east wing/window")
    radar.see(0, x=100, y=200)
    assert radar.frames == [(0, [at(0.1, 0.2)])]


def test_a_coordinate_that_does_not_change_is_not_sent_again_and_still_holds(radar: Radar) -> None:
    radar.see(0, x=100, y=3000)
    for step in range(1, 5):
        radar.see(100 * step, y=3000 - 50 * step, distance=1)
    assert radar.frames == [(100 * step, [at(0.1, 3 - 0.05 * step)]) for step in range(5)]


def test_a_frame_of_x_alone_is_over_as_soon_as_y_can_come_no_more(radar: Radar) -> None:
    radar.see(0, x=100, y=3000)
    radar.see(100, x=150)
    assert len(radar.frames) == 1
    radar.see(101, distance=3004)
    assert radar.frames[1:] == [(100, [at(0.15, 3)])]


def test_a_frame_of_x_alone_is_over_as_the_next_one_begins(radar: Radar) -> None:
    radar.see(0, x=100, y=3000)
    radar.see(100, x=150)
    radar.see(200, x=200)
    assert radar.frames[1:] == [(100, [at(0.15, 3)])]
    radar.see(201, y=2900)
    assert radar.frames[2:] == [(200, [at(0.2, 2.9)])]


def test_y_that_comes_too_late_belongs_to_the_next_frame(radar: Radar) -> None:
    radar.see(0, x=100, y=3000)
    radar.see(100, x=150)
    radar.see(160, y=2900)
    # Two frames are over at once: the older one is left out, and the newer one holds its x.
    assert radar.frames[1:] == [(160, [at(0.15, 2.9)])]


def test_three_targets_are_one_frame(radar: Radar) -> None:
    for at_ms in (0, 100):
        for number in (1, 2, 3):
            radar.see(at_ms + 6 * number, number, x=1000 * number, y=1000 * number + at_ms)
    assert radar.frames[-1] == (106, [at(1, 1.1), at(2, 2.1), at(3, 3.1)])
    assert [when for when, _ in radar.frames] == [6, 106]


def test_of_two_the_one_who_stands_still_is_seen_for_a_second_more(radar: Radar) -> None:
    radar.see(0, 1, x=1000, y=3000)
    radar.see(100, 2, x=-1000, y=2000)
    for step in range(2, 15):
        radar.see(100 * step, 1, x=1000 - step, y=3000 - step)
    counts = {when: len(targets) for when, targets in radar.frames}
    assert counts[200] == counts[1100] == 2
    assert counts[1200] == counts[1300] == 1


@pytest.mark.parametrize("nothing", [b"nan", b"NaN", b"None", b"unknown", b"unavailable", b""])
def test_a_target_that_is_not_known_any_more_is_gone(nothing: bytes, radar: Radar) -> None:
    radar.see(0, x=100, y=3000)
    radar.see(100, x=nothing, y=nothing, speed=nothing)
    assert radar.frames[1:] == [(100, [])]


def test_when_nobody_is_counted_what_the_topics_said_last_is_nobody(radar: Radar) -> None:
    # esphome#10804, esphome#15025: coordinates of who has left stay
    for number in (1, 2, 3):
        radar.see(number, number, x=100 * number, y=3000)
    said = radar.say(200, "presence_target_count", b"0")
    assert said[SensorKind.TARGETS] == {"t": T_MS + 200, "targets": []}
    radar.see(300, 2, y=2900)
    assert radar.frames[-1][1] == [], "half of a place that is forgotten is no place"
    radar.see(400, 2, x=210, y=2800)
    assert radar.frames[-1] == (400, [at(0.21, 2.8)])


@pytest.mark.parametrize("count", [b"1", b"nan", b"none of your business"])
def test_another_count_is_a_sign_of_life(count: bytes, radar: Radar) -> None:
    radar.see(0, x=100, y=3000)
    assert radar.say(50, "presence_target_count", count) == {SensorKind.STATUS: {"t": T_MS + 50}}


def test_a_target_at_zero_is_left_to_the_reading_to_drop(radar: Radar) -> None:
    # everything-presence-lite#136: (0, 0) where nobody is
    radar.see(0, x=0, y=0)
    assert radar.frames == [(0, [at(0, 0)])]


def test_what_the_broker_repeats_is_no_target_and_no_half_of_one(radar: Radar) -> None:
    for name, payload in (("target-1_x", b"-782"), ("target-1_y", b"1713"), ("presence_target_count", b"0")):
        assert SensorKind.TARGETS not in radar.say(0, name, payload, retained=True)
    radar.see(1000, y=1700)
    assert radar.frames == []
    radar.see(1100, x=-780, y=1690)
    assert radar.frames == [(1100, [at(-0.78, 1.69)])]


def test_a_broken_number_is_told_and_costs_nothing_else(radar: Radar) -> None:
    radar.see(0, x=100, y=3000)
    for broken in (b"12O", b"[1]", b"true", b"1e999", b"40000", b"\xff\xfe", b"1 2", b"-"):
        said = radar.hear(f"{NODE}/sensor/target-1_x/state", broken, 50)
        assert isinstance(said, str)
        assert said.startswith("state is ")
        assert "wanted a number of mm" in said
    radar.see(100, x=110, y=2900)
    assert radar.frames == [(0, [at(0.1, 3)]), (100, [at(0.11, 2.9)])]


def test_frames_that_were_held_up_and_come_at_once_are_taken_as_one_state(radar: Radar) -> None:
    radar.see(0, x=100, y=3000)
    for late in range(1, 6):
        radar.see(500 + late, x=100, y=3000 - 100 * late, apart_ms=0.1)
    assert radar.frames == [(0, [at(0.1, 3)]), (501, [at(0.1, 2.9)])]
    radar.see(600, y=2400)
    assert radar.frames[2:] == [(600, [at(0.1, 2.4)])]


def test_an_hour_of_backlog_is_no_walk(radar: Radar) -> None:
    for second in range(3600):
        radar.see(second * 0.5, x=100, y=6000 - second, apart_ms=0.1)
    assert len(radar.frames) == 1


def test_what_somebody_did_who_stood_still_since_is_not_told_a_minute_later(radar: Radar) -> None:
    radar.see(0, x=100, y=3000)
    radar.see(100, x=150)
    radar.see(60_000, x=160)
    assert radar.frames == [(0, [at(0.1, 3)])]


@pytest.mark.parametrize(("payload", "online"), [(b"online", True), (b"offline", False), (b" ONLINE\n", True)])
def test_the_birth_and_the_will_of_the_node_say_whether_it_is_there(payload: bytes, *, online: bool, radar: Radar) -> None:
    assert radar.hear(f"{NODE}/status", payload, 5) == {SensorKind.STATUS: {"t": T_MS + 5, "online": online}}


def test_a_node_that_was_away_knows_nothing_of_before(radar: Radar) -> None:
    radar.see(0, x=100, y=3000)
    radar.hear(f"{NODE}/status", b"offline", 200)
    radar.see(400, y=2000)
    assert len(radar.frames) == 1


@pytest.mark.parametrize(("payload", "motion"), [(b"ON", True), (b"OFF", False)])
def test_presence_is_motion(payload: bytes, *, motion: bool, radar: Radar) -> None:
    assert radar.hear(f"{NODE}/binary_sensor/presence/state", payload) == {SensorKind.MOTION: {"t": T_MS, "motion": motion}}


@pytest.mark.parametrize("name", ["uptime", "wifi_signal", "target-4_x", "zone-1_all_target_count", "still_target_count"])
def test_anything_else_that_the_node_measures_shows_that_it_is_alive(name: str, radar: Radar) -> None:
    assert radar.say(0, name, b"17") == {SensorKind.STATUS: {"t": T_MS}}


@pytest.mark.parametrize("name", ["target-1_angle", "target-2_distance", "target-1_direction"])
def test_what_follows_from_x_and_y_is_nothing_new(name: str, radar: Radar) -> None:
    assert radar.say(0, name, b"Moving away") == {}


def test_what_the_node_logs_is_nothing(radar: Radar) -> None:
    assert radar.hear(f"{NODE}/debug", b"[D][sensor:094]: 'Target 2 X': Sending state") == {}


@pytest.mark.parametrize("topic", ["livingroom", "state", "x/state", "sensor/x/state", "livingroom/sensor/x/config", "", "/"])
def test_a_topic_of_no_node_is_nobodys(topic: str) -> None:
    names = ESPHOME_LD2450.speakers(topic, b"1")
    assert isinstance(names, str)
    assert names.startswith("topic is ")


def walk(steps: list[tuple[int, int]]) -> Iterator[tuple[float, str, int]]:
    """Topics of somebody who is seen each 100 ms: of each frame only what has changed."""
    before: dict[str, int] = {}
    for step, place in enumerate(steps):
        for late, (axis, value) in enumerate(zip("xy", place, strict=True)):
            if before.get(axis) != value:
                before[axis] = value
                yield 100 * step + late, axis, value


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(-3000, 3000), st.integers(1, 6000)), min_size=2, max_size=30))
def test_no_frame_holds_a_place_where_nobody_was(steps: list[tuple[int, int]]) -> None:
    radar = Radar()
    for at_ms, axis, value in walk(steps):
        radar.say(at_ms, f"target-1_{axis}", str(value).encode())
    for when, (target,) in radar.frames:
        assert (round(target["x_m"] * 1000), round(target["y_m"] * 1000)) == steps[round(when) // 100]
    assert [when for when, _ in radar.frames] == sorted({when for when, _ in radar.frames})


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 59))
def test_who_begins_to_listen_anywhere_misses_one_frame_at_most(first: int) -> None:
    said = [(at_ms, f"target-1_{axis}", str(value).encode()) for at_ms, axis, value in walk([(10 * n, 3000 - 40 * n) for n in range(30)])]
    always, later = Radar(), Radar()
    for place, one in enumerate(said):
        always.say(*one)
        if place >= first:
            later.say(*one)
    missed = [frame for frame in always.frames if frame[0] >= said[first][0] and frame not in later.frames]
    assert len(missed) <= 1
    assert [frame for frame in later.frames if frame not in always.frames] == []
