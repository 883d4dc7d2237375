"""Not worn, charging, clipped, slow, sparse: told in time, ended in time, and no fall is held back by it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import COMMUNITY, Item, Run, acceleration, batch, device, ns, premises, status

from devices.model import DeviceKind, PersonId
from rules.faults.wear import CHARGE_NS, OFF_NIGHT_NS, Wear, Why, unfit
from rules.kinds import EventKind
from rules.model import Cancelled, Cleared, Event, Facts
from store import recordings

HOUR_S = 3600.0
NIGHT_S = 8.5 * HOUR_S
"""The builders' clock begins at 14:00; packets are of 20 s, and the last one shows it."""
WATCH = device("w-01", DeviceKind.WEARABLE, wearer="wang", home="b1")
PENDANT = device("w-02", DeviceKind.WEARABLE, wearer="wang", home="b1")
UP = np.array([[0.0], [0.0], [1.0]])
NOISE_G, BREATH_G = 0.003, 0.04
DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"


def lying(since_s: float, until_s: float, *, every_s: float = 20.0, noise_g: float = NOISE_G, **fields: Any) -> list[Item]:
    """Packets without a gap, as a table shows them."""
    rng = np.random.default_rng(round(since_s))
    times, samples = np.arange(since_s, until_s, every_s).tolist(), round(50 * every_s)
    return [acceleration("w-01", at_s + every_s, UP + rng.normal(0, noise_g, (3, samples)), t_s=at_s, **fields) for at_s in times]


def moving(since_s: float, until_s: float, *, every_s: float = 1.0, **fields: Any) -> list[Item]:
    return lying(since_s, until_s, every_s=every_s, noise_g=0.2, **fields)


class Home:
    """The rule, and what it found: (why or kind, second), with a minus where it is over."""

    def __init__(self) -> None:
        self.premises = premises(WATCH, PENDANT)
        self.rule = Wear(self.premises)
        self.facts: Facts = []

    def hears(self, stream: Sequence[Item]) -> "Home":
        run = Run(premises=self.premises, rule=self.rule)
        self.facts += run.play(sorted(stream, key=lambda item: item.at_s))
        return self

    @property
    def found(self) -> list[tuple[str, float]]:
        told = []
        for fact in self.facts:
            if isinstance(fact, Event):
                told.append((str(fact.evidence.get("why", fact.kind)), (fact.t_ns - ns(0)) / 1e9))
            elif isinstance(fact, Cleared):
                told.append((f"-{fact.kind if fact.cause == fact.subject else fact.cause}", (fact.t_ns - ns(0)) / 1e9))
        return told

    @property
    def unfit(self) -> Why | None:
        return unfit(self.rule.snapshot().get(f"{COMMUNITY}/w-01", {}))


def test_a_watch_on_a_table_is_not_worn_after_an_hour_until_it_moves_thrice() -> None:
    home = Home().hears([*lying(0, 5000), *moving(5000, 5010)])
    assert home.found == [("not_worn", 3580), ("-not_worn", 5002)]
    (event, _) = home.facts
    assert isinstance(event, Event)
    assert (event.kind, event.subject, event.resident_id) == (EventKind.NOT_WORN, "w-01", "wang")
    assert home.unfit is None


def test_in_between_it_is_known_to_be_unfit() -> None:
    assert Home().hears(lying(0, 3000)).unfit is None
    assert Home().hears(lying(0, 4000)).unfit is Why.NOT_WORN


def test_who_sits_breathes_and_is_believed_to_wear_it() -> None:
    breath_g = BREATH_G * np.sin(2 * np.pi * 0.25 * np.arange(1000) / 50)
    breath = [acceleration("w-01", one.at_s, one.value["accel_g"] + breath_g, t_s=one.t_s) for one in lying(0, 10_000)]
    assert Home().hears(breath).found == []


def test_a_turn_of_the_wrist_once_an_hour_is_enough() -> None:
    turns = [*lying(0, 3500), *moving(3500, 3501), *lying(3501, 7000), *moving(7000, 7001), *lying(7001, 10_000)]
    assert Home().hears(turns).found == []


def test_a_bump_of_the_table_does_not_put_it_on() -> None:
    stream = [*lying(0, 4000)]
    for bump_s in range(4000, 6000, 200):
        stream += [*moving(bump_s, bump_s + 1), *lying(bump_s + 20, bump_s + 180)]
    assert Home().hears(stream).found == [("not_worn", 3580)]


def test_by_night_it_takes_longer_because_people_sleep() -> None:
    limit_s = OFF_NIGHT_NS / 1e9
    assert Home().hears(lying(NIGHT_S, NIGHT_S + limit_s - 100)).found == []
    assert Home().hears(lying(NIGHT_S, NIGHT_S + limit_s + 100)).found == [("not_worn", NIGHT_S + limit_s - 20)]


def test_silence_is_not_stillness() -> None:
    assert Home().hears([*lying(0, 3000), *lying(3700, 7000)]).found == []


def test_back_from_being_offline_begins_anew() -> None:
    assert Home().hears([*lying(0, 3000), *lying(3000, 3001, back=True), *lying(3020, 6500)]).found == []


def test_a_charge_is_no_fault_for_three_hours_but_known_at_once() -> None:
    levels: list[Item] = [status("w-01", 600.0 * i + 5, battery_percent=30.0 + 5 * i) for i in range(13)]
    charging = Home().hears([*lying(0, 7000), *levels])
    assert charging.found == []
    assert charging.unfit is Why.CHARGING
    long = Home().hears([*lying(0, 12_000), *levels])
    assert long.found == [("charging", CHARGE_NS / 1e9 - 20)]
    assert long.unfit is Why.CHARGING


def test_taken_from_the_charger_and_worn_is_well_again() -> None:
    levels: list[Item] = [status("w-01", 600.0 * i + 5, battery_percent=30.0 + 5 * i) for i in range(8)]
    assert Home().hears([*lying(0, 5000), *levels, *moving(5000, 5100)]).unfit is None


def test_a_level_that_falls_or_stays_is_no_charge() -> None:
    falling: list[Item] = [status("w-01", 600.0 * i + 5, battery_percent=50.0 - i // 2) for i in range(8)]
    assert Home().hears([*lying(0, 4000), *falling]).found == [("not_worn", 3580)]


def fall(at_s: float, seq: int) -> Event:
    return Event(community_id=COMMUNITY, kind=EventKind.FALL, subject="wang", t_ns=ns(at_s), known_ns=ns(at_s), seq=seq, device_id=WATCH.id)


def test_stillness_after_a_fall_is_a_long_lie_and_not_a_watch_on_a_table() -> None:
    home = Home()
    home.rule.hear([fall(0, 0)])
    assert home.hears(lying(10, 6 * HOUR_S - 100)).found == []


def test_a_fall_ends_what_was_said_of_a_watch_on_a_table() -> None:
    home = Home().hears(lying(0, 4000))
    home.rule.hear([fall(4001, 0)])
    home.hears([*moving(4000, 4002), *lying(4010, 5000, every_s=5.0)])
    assert [why for why, _ in home.found] == ["not_worn", "-not_worn"]
    assert home.unfit is None


@pytest.mark.parametrize("up", ["recovered", "cancel"])
def test_until_the_wearer_is_up_again_or_says_that_nothing_happened(up: str) -> None:
    home = Home()
    home.rule.hear([fall(0, 0)])
    if up == "cancel":
        home.rule.hear([Cancelled(community_id=COMMUNITY, subject=PersonId("wang"), device_id=WATCH.id, t_ns=ns(9), known_ns=ns(9), seq=0)])
    else:
        known = {"t_ns": ns(9), "known_ns": ns(9), "seq": -1}
        home.rule.hear([Event(community_id=COMMUNITY, kind=EventKind.RECOVERED, subject="wang", **known)])
    assert home.hears(lying(10, 5000)).found == [("not_worn", 3590)]


def clipping(at_g: float, rng: np.random.Generator) -> np.ndarray:
    return np.clip(UP + rng.normal(0, 1.5, (3, 1)) + 3 * np.sin(np.linspace(0, 20, 50)) * np.array([[0.2], [1.0], [0.1]]), -at_g, at_g)


@pytest.mark.parametrize(("range_g", "is_fault"), [(2.0, True), (4.0, True), (8.0, False), (16.0, False)])
def test_a_range_that_clips_what_a_fall_does_is_a_fault(*, range_g: float, is_fault: bool) -> None:
    rng = np.random.default_rng(1)
    hard = [3.0 * clipping(range_g / 3, rng) for _ in range(40)]
    stream = [acceleration("w-01", 10.0 * i, packet) for i, packet in enumerate(hard)]
    found = Home().hears(stream).found
    assert ([why for why, _ in found] == ["clipped"]) == is_fault


def test_a_sensor_that_does_not_clip_is_none() -> None:
    rng = np.random.default_rng(2)
    stream = [acceleration("w-01", 1.0 * i, UP + rng.normal(0, 1.0, (3, 50))) for i in range(2000)]
    assert Home().hears(stream).found == []


def test_a_coarse_sensor_at_rest_is_none() -> None:
    stream = [acceleration("w-01", 1.0 * i, np.tile(UP, 50)) for i in range(100)]
    assert Home().hears(stream).found == []


def test_a_clipped_sensor_is_well_once_it_goes_beyond() -> None:
    rng = np.random.default_rng(1)
    clipped = [acceleration("w-01", 10.0 * i, clipping(2.0, rng)) for i in range(40)]
    wide = [acceleration("w-01", 500.0 + 10 * i, UP * (5 + i) * np.sin(np.arange(50))) for i in range(3)]
    assert [why for why, _ in Home().hears([*clipped, *wide]).found] == ["clipped", "-clipped"]


def test_too_slow_a_rate_is_a_fault_after_a_minute_until_three_faster_packets() -> None:
    stream = [*moving(0, 100, rate_hz=12.5, every_s=5), *moving(100, 103, rate_hz=25.0)]
    assert Home().hears(stream).found == [("slow", 60), ("-slow", 102)]
    assert Home().hears(moving(0, 500, rate_hz=20.0)).found == []


def test_a_device_of_which_most_samples_are_lost_is_a_fault_until_they_arrive() -> None:
    lossy = moving(0, 2000)[::3]
    found = Home().hears([*lossy, *moving(2001, 9000)]).found
    assert [why for why, _ in found] == ["sparse", "-sparse"]
    assert 1800 <= found[0][1] < 1810
    assert 7100 <= found[1][1] <= 7300


def test_a_lost_packet_now_and_then_is_none() -> None:
    assert Home().hears([one for n, one in enumerate(moving(0, 4000)) if n % 4]).found == []


def test_a_retained_packet_shows_nothing() -> None:
    assert Home().hears(lying(0, 5000, retained=True)).found == []


def test_a_status_without_a_level_says_nothing() -> None:
    home = Home()
    assert home.rule.update(batch(home.premises.registry, status("w-01", 0))) == []
    assert home.rule.snapshot() == {}


def _recordings(name: str) -> recordings.Recordings:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} of people is not here")
    return recordings.load(path, labelled=True)


@pytest.mark.parametrize("name", ["sisfall_dev.npz", "weda_dev.npz", "smartfallmm_watch.npz"])
def test_no_recording_of_a_person_is_as_still_as_a_table(name: str) -> None:
    given = _recordings(name)
    ranges = np.array([np.ptp(given.acc[:, begin:end], axis=1) for begin, end in zip(given.off[:-1], given.off[1:], strict=True)])
    assert not (ranges < 50).all(axis=1).any()


def test_what_would_be_lost_if_not_worn_were_believed() -> None:
    """Of people who lay still for so long that the device seemed not worn: out of bed, say. None is lost, because nobody believes it."""
    given = _recordings("sisfall_dev.npz")
    assert given.act is not None
    falls = [row for row in range(len(given)) if str(given.act[row]).startswith("F")][::15]
    believed = 0
    for row in falls:
        packets = given.acc[:, given.off[row] : given.off[row + 1]].astype(np.float64) / 1000
        impact = int(np.argmax(np.square(packets).sum(axis=0)))
        stream: list[Item] = [
            acceleration("w-01", 4000.0 + i / 50 + 1, packets[:, i : i + 50], t_s=4000.0 + i / 50) for i in range(0, impact - 49, 50)
        ]
        home = Home().hears([*lying(0, 4000), *stream])
        believed += home.unfit is not None
    assert len(falls) == 75
    assert believed > 0
