"""Water that runs for too long, and water that never stands still."""

import json
from collections.abc import Callable

import pytest
from builders import Item, Reading, Run, device, meter, ns, premises

from devices.model import NS_PER_S, DeviceKind
from rules.home.water import Water
from rules.model import Cleared, Event, Facts

DEVICES = (
    device("m-01", DeviceKind.METER, home="b1"),
    device("m-02", DeviceKind.METER, home="b1"),
    device("m-03", DeviceKind.METER),
)
HOUR = 3600


def play(*stream: Item) -> Facts:
    place = premises(*DEVICES)
    return Run(premises=place, rule=Water(place)).play(stream)


def totals(litres: Callable[[float], float], until_s: float, every_s: float = 60, name: str = "m-01", start_s: float = 0) -> list[Reading]:
    """Readings of a total that is so many litres at a second; whole litres, as most meters count."""
    count = round((until_s - start_s) / every_s) + 1
    return [meter(name, start_s + i * every_s, water_l=500.0 + litres(start_s + i * every_s) // 1) for i in range(count)]


def tap(l_per_min: float, opened_s: float, closed_s: float) -> Callable[[float], float]:
    return lambda second: l_per_min / 60 * (min(max(second, opened_s), closed_s) - opened_s)


def told(facts: Facts) -> list[tuple[str, float]]:
    """(meter, t) in seconds; of what is over with a minus, of a leak with a star."""
    return [
        (fact.cause + ("*" if fact.evidence.get("leak") else ""), (fact.t_ns - ns(0)) / NS_PER_S)
        if isinstance(fact, Event)
        else (f"-{fact.cause}", (fact.t_ns - ns(0)) / NS_PER_S)
        for fact in facts
        if isinstance(fact, Event | Cleared)
    ]


@pytest.mark.parametrize("every_s", [5, 10, 60, 300, 600])
def test_a_tap_that_runs_for_an_hour_is_told_and_its_pause_ends_it(every_s: float) -> None:
    facts = play(*totals(tap(3, 600, 600 + 2 * HOUR), 4 * HOUR, every_s))
    event, over = facts
    assert isinstance(event, Event)
    assert isinstance(over, Cleared)
    assert (event.kind, event.subject, event.cause, event.device_id) == ("left_open", "b1", "m-01", "m-01")
    assert 600 + HOUR - every_s <= (event.t_ns - ns(0)) / NS_PER_S <= 600 + HOUR + 20
    assert 600 + 2 * HOUR + 280 <= (over.t_ns - ns(0)) / NS_PER_S <= 600 + 2 * HOUR + 300 + every_s


def test_it_says_for_how_long_and_how_much() -> None:
    (event, *_) = play(*totals(tap(3, 600, 600 + 2 * HOUR), 4 * HOUR))
    assert isinstance(event, Event)
    assert event.evidence == {"running_s": 3600.0, "water_l": 180.0}
    assert (event.t_ns, event.known_ns) == (ns(600 + HOUR), ns(600 + HOUR))


def test_a_bath_and_a_wash_with_pauses_are_nothing() -> None:
    def wash(second: float) -> float:
        return sum(tap(8, start, start + 900)(second) for start in range(0, 6 * HOUR, 1300))

    assert play(*totals(tap(10, 60, 60 + 3000), 2 * HOUR)) == []
    assert play(*totals(wash, 7 * HOUR)) == []


def test_pauses_shorter_than_five_minutes_are_none() -> None:
    facts = play(*totals(lambda second: sum(tap(6, start, start + 120)(second) for start in range(0, 9000, 300)), 9000))
    assert told(facts)[0] == ("m-01", HOUR)


def test_an_evening_in_the_kitchen_is_nothing_though_its_pauses_fall_between_the_readings() -> None:
    assert play(*totals(lambda second: sum(tap(6, start, start + 60)(second) for start in range(0, 3 * HOUR, 420)), 3 * HOUR, 600)) == []


def test_a_meter_that_reports_rarely_shows_no_running() -> None:
    assert play(*totals(tap(3, 0, 5 * HOUR), 6 * HOUR, every_s=660)) == []


def test_a_small_leak_is_told_after_a_day_and_ends_when_it_is_mended() -> None:
    facts = play(*totals(tap(0.1, 0, 30 * HOUR), 40 * HOUR))
    assert [name for name, _ in told(facts)] == ["m-01*", "-m-01"]
    (event, over) = facts
    assert isinstance(event, Event)
    assert event.t_ns == ns(24 * HOUR)
    assert event.evidence["water_l"] == pytest.approx(144, abs=2)
    assert ns(30 * HOUR) <= over.known_ns <= ns(31 * HOUR + 60)


def test_an_hourly_meter_shows_a_leak() -> None:
    late = [meter("m-01", i * HOUR + 20 * (i % 3), water_l=500.0 + 4 * i) for i in range(30)]
    assert [name for name, _ in told(play(*late))] == ["m-01*"]


def test_a_home_that_sleeps_has_no_leak() -> None:
    def living(second: float) -> float:
        hours, rest = divmod(second / HOUR, 24)
        return 200 * hours + 12 * min(rest, 17)

    assert play(*totals(living, 100 * HOUR, every_s=600)) == []


def test_a_tap_left_running_beside_a_leak_is_told_and_the_leak_goes_on() -> None:
    leak, bath = tap(0.1, 0, 60 * HOUR), tap(5, 26 * HOUR, 28 * HOUR)
    facts = play(*totals(lambda second: leak(second) + bath(second), 40 * HOUR))
    assert [name for name, _ in told(facts)] == ["m-01*", "m-01"]


def test_water_that_runs_for_days_is_told_once() -> None:
    assert [name for name, _ in told(play(*totals(tap(3, 0, 70 * HOUR), 70 * HOUR, every_s=300)))] == ["m-01"]


def test_after_a_gap_what_was_told_stands_until_a_pause_is_seen() -> None:
    runs = totals(tap(3, 0, 5 * HOUR), 3 * HOUR)
    assert told(play(*runs, *totals(tap(3, 0, 5 * HOUR), 6 * HOUR, start_s=4 * HOUR)))[1:] == [("-m-01", 5 * HOUR + 300)]


def test_a_gap_over_which_hardly_anything_ran_is_a_pause() -> None:
    runs = totals(tap(3, 0, 2 * HOUR), 2 * HOUR)
    assert told(play(*runs, meter("m-01", 5 * HOUR, water_l=862))) == [("m-01", HOUR), ("-m-01", 5 * HOUR)]


def test_a_new_meter_begins_anew() -> None:
    runs = totals(tap(3, 0, 3000), 3000)
    fresh = [meter("m-01", 3060 + 60.0 * i, water_l=3.0 * i) for i in range(55)]
    assert play(*runs, *fresh) == []


@pytest.mark.parametrize("changes", [{"retained": True}, {"t_s": 10.0}])
def test_retained_and_older_readings_change_nothing(changes: dict[str, float | bool]) -> None:
    runs = totals(tap(3, 0, 2 * HOUR), 2 * HOUR)
    odd = meter("m-01", 1801, water_l=0, **changes)
    assert told(play(*runs[:31], odd, *runs[31:])) == [("m-01", HOUR)]


def test_electricity_is_no_water_and_a_meter_without_a_home_is_nobodys() -> None:
    assert play(*(meter("m-01", 60.0 * i, electricity_wh=5.0 * i) for i in range(200))) == []
    assert play(*totals(tap(3, 0, 3 * HOUR), 3 * HOUR, name="m-03")) == []


def test_two_meters_of_one_home_at_one_time_are_two_events() -> None:
    both = [reading for name in ("m-01", "m-02") for reading in totals(tap(3, 0, 2 * HOUR), 2 * HOUR, name=name)]
    facts = play(*sorted(both, key=lambda reading: reading.at_s))
    assert len({fact.identity for fact in facts if isinstance(fact, Event)}) == 2


def test_buffered_readings_are_judged_by_their_own_times() -> None:
    burst = [meter("m-01", 2 * HOUR, t_s=60.0 * i, water_l=3.0 * i) for i in range(70)]
    (event,) = play(*burst)
    assert isinstance(event, Event)
    assert (event.t_ns, event.known_ns) == (ns(HOUR), ns(2 * HOUR))


def test_a_restart_does_not_forget_how_long_it_has_run() -> None:
    stream = totals(tap(3, 0, 2 * HOUR), 2 * HOUR)
    place = premises(*DEVICES)
    before, after = Water(place), Water(place)
    Run(premises=place, rule=before).play(stream[:40])
    after.restore(json.loads(json.dumps(before.snapshot())))
    assert told(Run(premises=place, rule=after).play(stream, start=40)) == [("m-01", HOUR)]
