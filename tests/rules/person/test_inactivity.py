import json
from collections.abc import Sequence

import numpy as np
import pytest
from builders import COMMUNITY, Item, Run, acceleration, button, contact, device, meter, motion, ns, position, premises, status, targets

from devices.model import Covers, Device, DeviceKind, HomeId, PersonId, Pose
from rules.model import Event
from rules.person.inactivity import Inactivity
from rules.person.rhythm import DAYS_KEPT, Days, usual_s
from rules.premises import Care, Fence, FenceId, FenceKind, HomePlace, Side, Use

HOUR, DAY = 3600, 86400
MOTION = device("m-01", DeviceKind.MOTION, home="b1")
RADAR = device("r-01", DeviceKind.RADAR, home="b1", pose=Pose(lon=119.951, lat=31.781, heading_deg=0.0))
WATER = device("v-01", DeviceKind.METER, home="b1")
DOOR = device("c-01", DeviceKind.CONTACT, home="b1", covers=Covers.DOOR)
WINDOW = device("c-02", DeviceKind.CONTACT, home="b1", covers=Covers.WINDOW)
GATE = device("c-03", DeviceKind.CONTACT, home="b1", covers=Covers.GATE)
BUTTON = device("k-01", DeviceKind.BUTTON, home="b1")
WATCH = device("w-01", DeviceKind.WEARABLE, home="b1", wearer="wang")
OTHER_WATCH = device("w-02", DeviceKind.WEARABLE, home="b1", wearer="li")
TRACKER = device("g-01", DeviceKind.TRACKER, home="b1", wearer="wang")
EVERY = (MOTION, RADAR, WATER, DOOR, WINDOW, GATE, BUTTON, WATCH, OTHER_WATCH, TRACKER)
LINE = Fence(
    community_id=COMMUNITY,
    id=FenceId("window-line"),
    kind=FenceKind.LINE,
    home=HomeId("b1"),
    near=Side.LEFT,
    path=((119.951 + 5e-5, 31.781 + 2e-5), (119.951 - 5e-5, 31.781 + 2e-5)),  # 2 m ahead of the radar, which is to its left
)


def rule_of(
    *devices: Device, people: Sequence[str] = ("wang",), care: Care | None = None, fences: Sequence[Fence] = ()
) -> tuple[Inactivity, Run]:
    place = premises(
        *(devices or EVERY),
        homes=[HomePlace(id=HomeId("b1"), occupants=tuple(PersonId(one) for one in people))],
        care={"wang": care or Care()},
        uses={"c-01": Use(is_entry=True)},
        fences=fences,
    )
    rule = Inactivity(place)
    return rule, Run(premises=place, rule=rule)


def told(*stream: Item, until_s: float = 30 * HOUR, **where: object) -> list[tuple[str, float]]:
    """(subject, seconds) of each event."""
    _, run = rule_of(**where)  # type: ignore[arg-type]  as given
    facts = run.play(sorted(stream, key=lambda item: item.at_s), until_s=until_s)
    return [(fact.subject, (fact.t_ns - ns(0)) / 1e9) for fact in facts if isinstance(fact, Event)]


def packet(shake_g: float) -> np.ndarray:
    """A second of a watch that is shaken by so much, in standard deviations."""
    samples = np.zeros((3, 50))
    samples[2] = 1 + shake_g * np.sqrt(2) * np.sin(np.arange(50) * 2 * np.pi / 10)
    return samples


def is_sign(*readings: Item, **where: object) -> bool:
    """Whether the last of some readings, 6 hours after the first sign, puts the alarm off by 6 hours."""
    return told(motion("m-01", 0), *readings, until_s=13 * HOUR, **where) == []


AT = 6 * HOUR
SIGNS: dict[str, list[Item]] = {
    "motion": [motion("m-01", AT)],
    "motion that goes on without an end": [motion("m-01", AT - 60), motion("m-01", AT)],
    "the first motion after the sensor was offline": [motion("m-01", AT, back=True)],
    "a window that is opened": [contact("c-02", 1, is_open=False), contact("c-02", AT, is_open=True)],
    "a press": [button("k-01", AT)],
    "a press of the wearer's": [button("w-01", AT)],
    "water": [meter("v-01", AT - 900, water_l=10.0), meter("v-01", AT, water_l=11.0)],
    "a kettle": [*(meter("v-01", AT - 900 * i, electricity_wh=5000 - 20.0 * i) for i in (3, 2, 1)), meter("v-01", AT, electricity_wh=5120)],
    "a watch that moves": [acceleration("w-01", AT, packet(0.08))],
    "a walk": [position("g-01", 1, 119.95, 31.78), position("g-01", AT, 119.951, 31.78)],
    "somebody in front of the radar": [targets("r-01", AT, (0.1, 1.0))],
    "somebody elsewhere in front of the radar": [targets("r-01", 1, (0.1, 1.0)), targets("r-01", AT, (0.1, 1.6))],
}
NO_SIGNS: dict[str, list[Item]] = {
    "no more motion": [motion("m-01", AT, is_moving=False)],
    "a retained motion": [motion("m-01", AT, retained=True)],
    "a retained window": [contact("c-02", 1, is_open=False), contact("c-02", AT, is_open=True, retained=True)],
    "a window's first word": [contact("c-02", AT, is_open=True)],
    "a window's repeated word": [contact("c-02", 1, is_open=True), contact("c-02", AT, is_open=True)],
    "a window that is back and was opened": [contact("c-02", 1, is_open=False), contact("c-02", AT, is_open=True, back=True)],
    "a status": [status("m-01", AT, battery_percent=80)],
    "a meter that stands": [meter("v-01", AT - 900, water_l=10.0), meter("v-01", AT, water_l=10.4)],
    "a new meter": [meter("v-01", AT - 900, water_l=900.0), meter("v-01", AT, water_l=2.0)],
    "a meter that reports once a day": [meter("v-01", AT - 24 * HOUR, water_l=1.0), meter("v-01", AT, water_l=90.0)],
    "a fridge": [*(meter("v-01", AT - 900 * i, electricity_wh=5000 - 20.0 * i) for i in (3, 2, 1)), meter("v-01", AT, electricity_wh=5045)],
    "a watch on the table": [acceleration("w-01", AT, packet(0.01))],
    "somebody else's watch": [acceleration("w-02", AT, packet(0.5))],
    "a receiver that wanders": [position("g-01", 1, 119.95, 31.78), position("g-01", AT, 119.9503, 31.78)],
    "a bad fix": [position("g-01", 1, 119.95, 31.78), position("g-01", AT, 119.951, 31.78, accuracy_m=80)],
    "where somebody is first seen": [position("g-01", AT, 119.95, 31.78)],
    "an empty frame": [targets("r-01", AT)],
    "somebody who lies still": [targets("r-01", 1, (0.1, 1.0)), targets("r-01", AT, (0.2, 1.1))],
}


@pytest.mark.parametrize("name", SIGNS)
def test_a_sign_of_life_is(name: str) -> None:
    assert is_sign(*SIGNS[name])


@pytest.mark.parametrize("name", NO_SIGNS)
def test_no_sign_of_life_is(name: str) -> None:
    assert not is_sign(*NO_SIGNS[name])


def test_somebody_who_walks_by_outside_a_guarded_window_is_not_who_lives_there() -> None:
    assert not is_sign(targets("r-01", AT, (0.1, 3.0)), fences=(LINE,))
    assert is_sign(targets("r-01", AT, (0.1, 1.0)), fences=(LINE,))


def test_packets_of_many_watches_are_judged_each_by_itself() -> None:
    still = [
        acceleration("w-01", AT, packet(0.01)),
        acceleration("w-02", AT + 0.1, packet(0.5)),
        acceleration("w-01", AT + 0.2, packet(0.01)),
    ]
    assert not is_sign(*still)
    assert is_sign(*still[:2], acceleration("w-01", AT + 0.2, packet(0.5)))


def test_a_cistern_that_drips_day_and_night_hides_nobody() -> None:
    stream = [meter("v-01", 900.0 * i, water_l=3.0 * i) for i in range(4 * 60)]
    assert len(told(motion("m-01", 0), *stream, until_s=59 * HOUR)) == 1


def test_a_tap_that_nobody_closes_hides_nobody() -> None:
    flood = [meter("v-01", AT + 300.0 * i, water_l=50.0 * i) for i in range(12 * 18)]
    (found,) = told(motion("m-01", 0), *flood, until_s=23 * HOUR)
    assert 6 * HOUR + 12 * HOUR <= found[1] <= 6 * HOUR + 13.5 * HOUR


def test_a_motion_sensor_that_is_stuck_hides_nobody_for_ever() -> None:
    stuck = [motion("m-01", 0), motion("m-01", 30, is_moving=False), *(motion("m-01", 60 + 600.0 * i) for i in range(6 * 40))]
    assert len(told(*stuck, until_s=40 * HOUR)) == 1
    assert told(*stuck[2:], until_s=40 * HOUR) == []


def test_a_late_sign_counts_by_its_own_time() -> None:
    (found,) = told(motion("m-01", 0), motion("m-01", 9 * HOUR, t_s=5 * HOUR))
    assert found == ("wang", 17 * HOUR)


def test_a_sign_out_of_the_future_counts_when_it_arrived() -> None:
    assert told(motion("m-01", 0), motion("m-01", HOUR, t_s=HOUR + 50)) == [("wang", 13 * HOUR)]


def test_where_nobody_was_ever_noticed_inside_nobody_is_missed() -> None:
    assert told(acceleration("w-01", 0, packet(0.5)), contact("c-01", 1, is_open=False)) == []
    assert told(acceleration("w-01", 0, packet(0.5)), care=Care(inactivity=True)) == [("wang", 12 * HOUR)]


def test_the_last_sign_is_named() -> None:
    _, run = rule_of()
    facts = run.play([motion("m-01", 0), button("k-01", 5)], until_s=20 * HOUR)
    assert [fact.evidence["last_sign"] for fact in facts if isinstance(fact, Event)] == ["k-01"]


def test_both_are_told_where_both_are_to_be_watched_and_a_watch_is_its_wearers() -> None:
    signs: list[Item] = [motion("m-01", 0), acceleration("w-01", 3 * HOUR, packet(0.5))]
    place = premises(
        *EVERY,
        homes=[HomePlace(id=HomeId("b1"), occupants=(PersonId("wang"), PersonId("li")))],
        care={"wang": Care(inactivity=True), "li": Care(inactivity=True)},
    )
    facts = Run(premises=place, rule=Inactivity(place)).play(signs, until_s=20 * HOUR)
    assert [(fact.subject, fact.t_ns) for fact in facts if isinstance(fact, Event)] == [("li", ns(12 * HOUR)), ("wang", ns(15 * HOUR - 1))]


def test_all_that_usually_notices_her_is_silent_and_nothing_is_told_until_it_is_back() -> None:
    _, run = rule_of(RADAR, DOOR)
    hearing = run.premises.hearing
    stream = [targets("r-01", 0, (0.1, 1.0)), motion("r-01", 60)]
    assert run.play(stream, until_s=HOUR) == []
    hearing.silent.add(0)
    assert run.advance(ns(40 * HOUR)) == []
    hearing.silent.clear()
    facts = run.advance(ns(60 * HOUR))
    assert [40 * HOUR + 12 * HOUR - 600 <= (fact.t_ns - ns(0)) / 1e9 <= 52 * HOUR for fact in facts] == [True]


def test_that_we_heard_nobody_ourselves_is_no_silence() -> None:
    _, run = rule_of()
    run.play([motion("m-01", 0)], until_s=HOUR)
    run.premises.hearing.deaf_until_ns = ns(10 * HOUR)
    assert [(fact.t_ns - ns(0)) / 1e9 for fact in run.advance(ns(30 * HOUR))] == [22 * HOUR]


def clock_days(wake_h: int, bed_h: int) -> Days:
    bits = sum(1 << place for place in range(wake_h * 6, bed_h * 6))
    return Days(noticed=dict.fromkeys(range(100, 100 + DAYS_KEPT), bits))


def test_the_limit_is_an_hour_and_half_as_much_again_as_is_usual() -> None:
    learnt, limit_s = usual_s([clock_days(7, 22)], 100 + DAYS_KEPT)
    assert limit_s is not None
    assert learnt == DAYS_KEPT
    assert limit_s[2 * 14] == HOUR  # at two in the afternoon there was never a silence
    assert limit_s[2 * 5] == 9 * HOUR * 1.5 + HOUR
    assert limit_s[2 * 9] == limit_s[2 * 5]  # up late is usual


def test_six_days_are_not_enough() -> None:
    days = clock_days(7, 22)
    assert usual_s([days], 106)[1] is None
    assert usual_s([days], 107)[1] is not None


def test_days_of_absence_teach_nothing() -> None:
    days = clock_days(7, 22)
    for day in range(107, 100 + DAYS_KEPT):
        days.absent[day] = (1 << 144) - 1
    assert usual_s([days], 100 + DAYS_KEPT)[0] == 7


def test_what_is_learnt_of_a_home_is_small() -> None:
    rule, run = rule_of()
    rng = np.random.default_rng(5)
    times = np.sort(rng.uniform(0, 35 * DAY, 4000))
    run.play([motion("m-01", float(round(at_s, 3))) for at_s in times], until_s=35 * DAY)
    kept = {key: len(json.dumps(state)) for key, state in rule.snapshot().items()}
    assert kept["lakeside/home:b1"] + kept["lakeside/person:wang"] <= 2048
