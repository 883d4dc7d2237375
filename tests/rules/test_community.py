"""A community's own rules: what they find, when, and how often."""

import json
from datetime import time
from itertools import pairwise
from typing import Any

import pytest
from builders import COMMUNITY, Item, ModeChange, Run, contact, device, motion, ns, premises
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.model import NS_PER_S, DeviceId, DeviceKind, HomeId
from rules.community import APART_NS, OwnRules
from rules.kinds import EventKind, Mode
from rules.model import Event, Facts
from rules.premises import Condition, Hours, Match, OwnRule, Premises, RuleId, SensorState
from rules.spans import Span, shared, united

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
NIGHT = Hours(since=time(22), until=time(6))
DUSK, DAWN = 8 * HOUR, 16 * HOUR  # streams begin at 14:00 in Shanghai
APART = APART_NS // NS_PER_S

DEVICES = (
    device("door", DeviceKind.CONTACT, home="b1"),
    device("fridge", DeviceKind.CONTACT, home="b1"),
    device("hall", DeviceKind.MOTION, home="b1"),
    device("bath", DeviceKind.MOTION, home="b1"),
    device("gate", DeviceKind.CONTACT),
)


def is_(state: str, *devices: str, for_s: int = 0, every: bool = False) -> Condition:
    return Condition(devices=tuple(DeviceId(one) for one in devices), state=SensorState(state), for_s=for_s, every=every)


def rule(*when: Condition, id_: str = "own", home: str | None = "b1", **fields: Any) -> OwnRule:
    return OwnRule(community_id=COMMUNITY, id=RuleId(id_), home=None if home is None else HomeId(home), when=when, **fields)


def premises_with(*rules: OwnRule, zone: str = "Asia/Shanghai") -> Premises:
    plain = premises(*DEVICES, zone=zone)
    return Premises(registry=plain.registry, modes=plain.modes, clocks=plain.clocks, rules=rules)


def run_of(*rules: OwnRule, zone: str = "Asia/Shanghai") -> Run:
    place = premises_with(*rules, zone=zone)
    own = OwnRules(place)
    own.begin(ns(0), {})
    return Run(premises=place, rule=own)


def found(facts: Facts) -> list[float]:
    """Times in seconds."""
    return [(fact.t_ns - ns(0)) / NS_PER_S for fact in facts if isinstance(fact, Event)]


def play(one: OwnRule, *stream: Item, until_s: float = 3 * DAY, zone: str = "Asia/Shanghai") -> list[float]:
    return found(run_of(one, zone=zone).play(sorted(stream, key=lambda item: item.at_s), until_s=until_s))


def opened(name: str, *spans: tuple[float, float]) -> list[Item]:
    first = [contact(name, 0, is_open=False)]
    return first + [contact(name, at_s, is_open=is_open) for span in spans for at_s, is_open in zip(span, (True, False), strict=True)]


def armed(at_s: float, mode: Mode) -> ModeChange:
    return ModeChange(at_s=at_s, home="b1", mode=mode)


def test_what_is_open_for_long_enough_is_found_once() -> None:
    long = rule(is_("open", "fridge", for_s=600))
    assert play(long, *opened("fridge", (100, 600), (1000, 1599), (2000, 9000))) == [2600]


def test_an_event_says_which_rule_and_what_was_so_since_when() -> None:
    both = rule(is_("open", "door", for_s=60), is_("no_motion", "hall", "bath", for_s=30, every=True))
    stream = [motion("hall", 1, is_moving=False), motion("bath", 2, is_moving=False), contact("door", 10, is_open=True)]
    (event,) = run_of(both).play(stream, until_s=HOUR)
    assert isinstance(event, Event)
    assert (event.kind, event.subject, event.home_id, event.cause) == (EventKind.CUSTOM, "b1", "b1", "own")
    assert event.evidence == {
        "rule": "own",
        "when_1": "open",
        "when_1_device": "door",
        "when_1_t_ms": ns(10) // 1_000_000,
        "when_2": "no_motion",
        "when_2_device": "bath",
        "when_2_t_ms": ns(2) // 1_000_000,
    }


def test_a_rule_of_the_community_is_about_the_community() -> None:
    (event,) = run_of(rule(is_("open", "gate"), home=None)).play([contact("gate", 1, is_open=True)], until_s=HOUR)
    assert isinstance(event, Event)
    assert (event.subject, event.home_id, event.device_id) == ("lakeside", None, "gate")


def test_all_conditions_must_hold_at_one_time() -> None:
    all_ = rule(is_("open", "door"), is_("open", "fridge"))
    assert play(all_, *opened("door", (100, 200), (400, 500)), *opened("fridge", (300, 450))) == [400]


def test_any_condition_is_enough_and_one_after_the_other_without_a_break_is_one_finding() -> None:
    any_ = rule(is_("open", "door"), is_("open", "fridge"), match=Match.ANY)
    assert play(any_, *opened("door", (100, 200), (2000, 2100)), *opened("fridge", (150, 300))) == [100, 2000]


def test_of_sensors_without_movement_each_must_be_still() -> None:
    still = rule(is_("no_motion", "hall", "bath", for_s=1800, every=True))
    stream = [motion("hall", 0), motion("hall", 100, is_moving=False), motion("bath", 900), motion("bath", 1000, is_moving=False)]
    assert play(still, *stream) == [2800]


def test_a_sensor_that_was_never_heard_is_in_no_state() -> None:
    assert play(rule(is_("no_motion", "hall", "bath", for_s=60, every=True)), motion("hall", 1, is_moving=False)) == []


def test_how_long_something_is_so_counts_from_before_its_hours_begin() -> None:
    assert play(rule(is_("open", "door", for_s=600), between=NIGHT), *opened("door", (100, DUSK + 100))) == [DUSK]


def test_what_stays_so_is_found_once_each_night() -> None:
    assert play(rule(is_("open", "door"), between=NIGHT), contact("door", 1, is_open=True)) == [DUSK, DUSK + DAY, DUSK + 2 * DAY]


def test_hours_name_the_day_on_which_they_begin() -> None:
    sunday = Hours(since=time(22), until=time(6), days=frozenset({6}))  # streams begin on a Sunday
    one = rule(is_("open", "door"), between=sunday)
    assert play(one, *opened("door", (DAWN - 100, DAWN - 50), (DUSK + DAY, DAWN + DAY))) == [DAWN - 100]


@pytest.mark.parametrize(
    ("zone", "dusk_h"),
    [("America/New_York", 26), ("Asia/Shanghai", 8)],  # 01:00 there; clocks go forward in New York a week later, from 02:00 to 03:00
)
def test_hours_go_by_the_clock_on_the_wall_also_when_it_is_changed(zone: str, dusk_h: int) -> None:
    early = Hours(since=time(2, 30), until=time(4)) if zone == "America/New_York" else NIGHT
    nights = play(rule(is_("open", "door"), between=early), contact("door", 1, is_open=True), until_s=8 * DAY, zone=zone)
    steps = {round((b - a) / HOUR, 2) for a, b in pairwise(nights)}
    # 2:30 is skipped on the 8th: that night begins at 3:00, 23.5 hours after the one before
    assert steps == ({24.0, 23.5} if zone == "America/New_York" else {24.0})
    assert nights[0] == (1.5 * HOUR if zone == "America/New_York" else dusk_h * HOUR)


def test_a_mode_that_is_set_while_it_is_so_makes_it_hold() -> None:
    night = rule(is_("open", "door"), modes=frozenset({Mode.NIGHT, Mode.AWAY}))
    stream = [armed(500, Mode.NIGHT), armed(700, Mode.AWAY), armed(2000, Mode.DISARMED), armed(4000, Mode.AWAY)]
    assert play(night, contact("door", 1, is_open=True), *stream) == [500, 4000]


def test_a_sensor_that_flickers_is_found_at_most_every_ten_minutes() -> None:
    times = play(rule(is_("open", "door")), *opened("door", *((60.0 * i, 60.0 * i + 20) for i in range(1, 120))))
    assert len(times) <= 12
    assert all(b - a >= APART for a, b in pairwise(times))


def test_what_begins_too_soon_and_stays_is_found_ten_minutes_after_the_last() -> None:
    assert play(rule(is_("open", "door")), *opened("door", (100, 110), (200, 5000))) == [100, 100 + APART]


def test_a_reading_that_arrives_late_counts_for_its_own_time() -> None:
    stream = [
        *opened("door", (5000, 5001)),
        contact("fridge", 6000, is_open=True, t_s=1000),
        contact("fridge", 6000.1, is_open=False, t_s=2000),
    ]
    (event,) = run_of(rule(is_("open", "fridge", for_s=600), between=Hours(since=time(14), until=time(15)))).play(stream, until_s=HOUR * 3)
    assert (found([event]), event.known_ns) == ([1600], ns(6000.25))


def test_a_retained_message_is_a_state_since_it_arrived_and_no_movement() -> None:
    assert play(rule(is_("open", "door", for_s=60)), contact("door", 100, is_open=True, t_s=-500, retained=True)) == [160]
    assert play(rule(is_("motion", "hall")), motion("hall", 100, retained=True)) == []


def test_back_from_silence_it_counts_anew() -> None:
    long = rule(is_("open", "door", for_s=3600))
    assert play(long, contact("door", 0, is_open=True), contact("door", 3000, is_open=True, back=True)) == [6600]


def test_of_a_sensor_that_is_not_heard_nothing_is_known() -> None:
    run = run_of(rule(is_("no_motion", "hall", for_s=3600)))
    run.play([motion("hall", 1, is_moving=False)], until_s=1000)
    run.premises.hearing.silent.add(2)
    assert run.advance(ns(2 * HOUR)) == []
    run.premises.hearing.silent.clear()
    assert found(run.play([motion("hall", 9000, is_moving=False, back=True)], until_s=4 * HOUR)) == [12600]


def test_after_we_were_deaf_sensors_are_given_time_to_speak() -> None:
    run = run_of(rule(is_("open", "door", for_s=600)))
    run.play([contact("door", 0, is_open=True)], until_s=10)
    run.premises.hearing.deaf_until_ns = ns(5000)
    run.rule.resumed(ns(5000))  # type: ignore[attr-defined]
    facts = run.play([contact("door", 5030, is_open=False, t_s=500)], until_s=HOUR * 2)
    assert found(facts) == []


def test_movement_of_a_sensor_that_never_says_that_it_ended_lasts_a_minute() -> None:
    still = rule(is_("no_motion", "hall", for_s=300))
    assert play(still, motion("hall", 0), motion("hall", 50), motion("hall", 1000)) == [50 + 60 + 300, 1000 + 60 + 300]


def test_two_rules_of_one_home_never_share_an_identity() -> None:
    facts = run_of(rule(is_("open", "door"), id_="one"), rule(is_("open", "door"), id_="two")).play(opened("door", (10, 20)), until_s=60)
    assert len({fact.identity for fact in facts if isinstance(fact, Event)}) == 2


def test_a_rule_that_is_switched_on_finds_what_is_so_and_nothing_of_before() -> None:
    run = run_of(rule(is_("open", "door"), id_="other"))
    run.play([contact("door", 30, is_open=True)], until_s=5000)
    kept = json.loads(json.dumps(run.rule.snapshot()))
    place = premises_with(rule(is_("open", "door")), rule(is_("open", "door"), id_="other"))
    after = OwnRules(place)
    after.begin(ns(5000), {COMMUNITY: ns(5000)})
    after.restore(kept)
    facts = Run(premises=place, rule=after).advance(ns(9000))
    assert [(fact.cause, found([fact])) for fact in facts if isinstance(fact, Event)] == [("own", [5000])]


def test_a_rule_that_was_changed_begins_anew() -> None:
    run = run_of(rule(is_("open", "door", for_s=5)))
    run.play([contact("door", 10, is_open=True)], until_s=5000)
    place = premises_with(rule(is_("open", "door", for_s=6)))
    after = OwnRules(place)
    after.begin(ns(6000), {COMMUNITY: ns(6000)})
    after.restore(run.rule.snapshot())
    assert found(Run(premises=place, rule=after).advance(ns(9000))) == [6000]


def test_a_start_goes_on_with_a_mode_that_was_set_meanwhile() -> None:
    night = rule(is_("open", "door"), modes=frozenset({Mode.NIGHT}))
    run = run_of(night)
    run.play([contact("door", 1, is_open=True)], until_s=100)
    place = premises_with(night)
    place.modes.change(COMMUNITY, "b1", Mode.NIGHT, ns(200))
    after = OwnRules(place)
    after.begin(ns(100), {})
    after.restore(run.rule.snapshot())
    assert found(Run(premises=place, rule=after).advance(ns(300))) == [200]


_SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda pair: Span(*pair)), max_size=6)


@given(some=_SPANS, others=_SPANS)
def test_spans_hold_each_time_that_they_should(some: list[Span], others: list[Span]) -> None:
    def times(spans: list[Span]) -> set[int]:
        return {at for span in spans for at in range(*span)}

    one, other = united(some), united(others)
    assert times(one) == times(some)
    assert times(shared(one, other)) == times(some) & times(others)
    assert all(before.until_ns < after.since_ns for before, after in pairwise(one))
    assert all(before.until_ns < after.since_ns for before, after in pairwise(shared(one, other)))


@settings(deadline=None, max_examples=40)
@given(data=st.data(), match=st.sampled_from(Match), tens=st.integers(0, 3))
def test_what_is_found_is_where_a_slow_count_of_every_second_finds_it(data: st.DataObject, match: Match, tens: int) -> None:
    """Readings of two doors on whole seconds, in order; a rule's first finding is the first second at which it holds."""
    ways = {name: data.draw(st.lists(st.booleans(), min_size=12, max_size=12)) for name in ("door", "fridge")}
    stream = [contact(name, 10.0 * i, is_open=way[i]) for i in range(12) for name, way in ways.items()]
    long_s = max(10 * tens - 5, 0)
    when = [is_("open", "door", for_s=long_s), is_("closed", "fridge")]
    join = all if match is Match.ALL else any

    def holds(at_s: int) -> bool:
        long_open = at_s >= long_s and all(ways["door"][second // 10] for second in range(at_s - long_s, at_s + 1))
        return join((long_open, not ways["fridge"][at_s // 10]))

    wanted = next((at_s for at_s in range(119) if holds(at_s)), None)
    assert next(iter(play(rule(*when, match=match), *stream, until_s=118)), None) == wanted
