import json
from collections.abc import Sequence
from typing import Any

import pytest
from builders import Item, Run, batches, contact, device, motion, ns, position, premises, status
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.health import joined
from devices.model import Batch, Device, DeviceKind, SensorKind, Source
from rules.faults.fault import Offline
from rules.model import Cleared, Event, Facts, Rule

HOUR_S = 3600.0
RADARS = tuple(device(f"r-{i}", DeviceKind.RADAR, home="b1" if i < 5 else "b2") for i in range(10))
ZIGBEE = (
    device("g-1", DeviceKind.GATEWAY, home="b1"),
    device("c-1", DeviceKind.CONTACT, home="b1", via="g-1"),
    device("c-2", DeviceKind.CONTACT, home="b1", via="g-1"),
    device("r-1", DeviceKind.RADAR, home="b1"),
)


def feed(rule: Rule[Any], given_: dict[SensorKind, Batch]) -> Facts:
    return rule.update(joined(given_.values()))


def run(*devices: Device) -> Run:
    place = premises(*devices)
    return Run(premises=place, rule=Offline(place), feed=feed)


def facts(devices: Sequence[Device], *stream: Item, until_s: float | None = None) -> Facts:
    return run(*devices).play(sorted(stream, key=lambda item: item.at_s), until_s=until_s)


def said(found: Facts) -> list[tuple[str, str, float]]:
    """(kind, cause, seconds at which it was known); cleared ones with a minus before."""
    assert all(isinstance(fact, Event | Cleared) for fact in found)
    return [
        (("-" if isinstance(fact, Cleared) else "") + fact.kind, fact.cause, (fact.known_ns - ns(0)) / 1e9)
        for fact in found
        if isinstance(fact, Event | Cleared)
    ]


def beats(devices: Sequence[Device], *, to_s: float, every_s: float = 10.0, from_s: float = 0.0) -> list[Item]:
    """Every device says something every few seconds, each at its own time, until one moment."""
    return [
        motion(one.id, from_s + every_s * beat + i * every_s / len(devices))
        for i, one in enumerate(devices)
        for beat in range(int((to_s - from_s) / every_s))
    ]


def test_ten_devices_that_fall_silent_together_are_one_outage() -> None:
    (event,) = facts(RADARS, *beats(RADARS, to_s=1000), until_s=HOUR_S)
    assert isinstance(event, Event)
    assert (event.kind, event.subject, event.cause, event.home_id, event.device_id) == ("outage", "lakeside", "lakeside", None, None)
    assert (event.t_ns, event.known_ns) == (ns(999), ns(990 + 600))  # when the last one was heard; when the first was due
    assert event.evidence == {"devices": 10, "share": 1.0, "silent_s": 600.0, "limit_s": 600.0}


def test_three_devices_are_three_faults() -> None:
    found = said(facts(RADARS[:3], *beats(RADARS[:3], to_s=1000), until_s=HOUR_S))
    assert [kind for kind, _, _ in found] == ["offline"] * 3


def test_four_of_ten_are_no_outage_of_the_community_and_those_of_one_home_are_one_of_that_home() -> None:
    alive = beats(RADARS[4:], to_s=3000)
    assert said(facts(RADARS, *beats(RADARS[:4], to_s=1000), *alive)) == [("outage", "b1", 990 + 600)]
    mixed = (*RADARS[:2], *RADARS[5:7])
    rest = [one for one in RADARS if one not in mixed]
    found = said(facts(RADARS, *beats(mixed, to_s=1000), *beats(rest, to_s=3000)))
    assert [kind for kind, _, _ in found] == ["offline"] * 4


def test_an_outage_of_one_home_says_whose() -> None:
    (event,) = facts(RADARS[:5], *beats(RADARS[:5], to_s=1000), until_s=HOUR_S)
    assert isinstance(event, Event)
    assert (event.cause, event.home_id, event.subject) == ("b1", "b1", "lakeside")


def test_devices_that_fail_hours_apart_are_faults_of_their_own() -> None:
    stream = [beat for i, one in enumerate(RADARS) for beat in beats([one], to_s=2 * HOUR_S * (i + 1))]
    assert {kind for kind, _, _ in said(facts(RADARS, *stream, until_s=30 * HOUR_S))} == {"offline"}


def test_devices_that_speak_every_ten_minutes_are_lost_in_one_outage_wherever_in_their_turn_they_were() -> None:
    slow = [device(f"m-{i}", DeviceKind.MOTION, home=f"b{i}") for i in range(10)]
    found = said(facts(slow, *beats(slow, to_s=30_000, every_s=600), until_s=40_000))
    assert found == [("outage", "lakeside", 29_400 + 1800)]


def test_a_contact_that_comes_due_while_the_outage_goes_on_joins_it_without_a_word() -> None:
    devices = (*RADARS, device("c-1", DeviceKind.CONTACT, home="b1"))
    one = run(*devices)
    stream = sorted([*beats(RADARS, to_s=1000), contact("c-1", 500, is_open=False)], key=lambda item: item.at_s)
    assert len(one.play(stream, until_s=48 * HOUR_S)) == 1
    assert one.premises.hearing.silent == set(range(11))


def test_an_outage_is_over_when_half_of_its_devices_were_heard_again() -> None:
    back = [motion(f"r-{i}", 5000.0 + i) for i in range(5)]
    found = said(facts(RADARS, *beats(RADARS, to_s=1000), *back[:4], until_s=5500))
    assert found == [("outage", "lakeside", 1590)]
    found = said(facts(RADARS, *beats(RADARS, to_s=1000), *back, until_s=5500))
    assert found == [("outage", "lakeside", 1590), ("-outage", "lakeside", 5004)]


def test_who_stays_silent_has_its_whole_limit_and_is_then_told_of() -> None:
    back = beats(RADARS[:9], to_s=9000, from_s=5000)
    found = said(facts(RADARS, *beats(RADARS, to_s=1000), *back))
    assert found[:2] == [("outage", "lakeside", 1590), ("-outage", "lakeside", pytest.approx(5004.444, abs=1e-3))]
    assert found[2:] == [("offline", "r-9", pytest.approx(5604.444, abs=1e-3))]


def test_many_that_stay_silent_are_an_outage_again_and_not_each_a_fault() -> None:
    back = beats(RADARS[:6], to_s=9000, from_s=5000)
    found = said(facts(RADARS, *beats(RADARS, to_s=1000), *back))
    assert [(kind, cause) for kind, cause, _ in found] == [("outage", "lakeside"), ("-outage", "lakeside"), ("outage", "b2")]


def test_the_first_reading_after_an_outage_comes_back_from_silence() -> None:
    one = run(*RADARS)
    assert isinstance(one.rule, Offline)
    one.play(sorted(beats(RADARS, to_s=1000), key=lambda item: item.at_s), until_s=3000)
    marks = []
    for reading in (motion("r-3", 4000), motion("r-3", 4001)):
        (given_,) = _batches(one, reading)
        marks += one.rule.back(given_).tolist()
        one.rule.update(given_)
    assert marks == [True, False]


def _batches(one: Run, *readings: Any) -> list[Any]:
    return [joined(batches(one.premises.registry, enumerate(readings)).values())]


def farewells(devices: Sequence[Device], *, from_s: float, every_s: float = 1.0) -> list[Item]:
    return [status(one.id, from_s + i * every_s, online=0) for i, one in enumerate(devices)]


def test_three_that_say_they_leave_are_offline_and_with_the_fourth_it_is_an_outage() -> None:
    found = said(facts(RADARS[:5], *beats(RADARS[:5], to_s=1000), *farewells(RADARS[:5], from_s=1000), until_s=2 * HOUR_S))
    assert found == [
        ("offline", "r-0", 1001),
        ("offline", "r-1", 1002),
        ("offline", "r-2", 1003),
        ("outage", "b1", 1004),
        ("-offline", "r-0", 1004),
        ("-offline", "r-1", 1004),
        ("-offline", "r-2", 1004),
    ]


def test_of_many_that_leave_in_one_second_none_is_told_of_by_itself() -> None:
    found = said(facts(RADARS, *beats(RADARS, to_s=1000), *farewells(RADARS, from_s=1000, every_s=0.1), until_s=2 * HOUR_S))
    assert [(kind, at_s) for kind, _, at_s in found] == [("outage", 1001)]


def test_who_is_said_to_be_gone_and_speaks_within_a_second_has_only_connected_anew() -> None:
    found = facts(
        RADARS, *beats(RADARS, to_s=1000), status("r-0", 1000, online=0), status("r-0", 1000.5, online=1), *beats(RADARS, to_s=1500)
    )
    assert found == []


def test_where_too_few_are_heard_for_an_outage_a_farewell_is_told_at_once() -> None:
    found = said(facts(RADARS[:3], *beats(RADARS[:3], to_s=1000), *farewells(RADARS[:3], from_s=1000, every_s=0.1)))
    assert found == [("offline", "r-0", 1000), ("offline", "r-1", 1000.1), ("offline", "r-2", 1000.2)]


def test_a_storm_that_goes_on_beyond_a_home_is_soon_one_of_the_community() -> None:
    found = said(facts(RADARS, *beats(RADARS, to_s=1000), *farewells(RADARS, from_s=1000), until_s=2 * HOUR_S))
    assert found[7:] == [("offline", "r-5", 1006), ("outage", "lakeside", 1007), ("-offline", "r-5", 1007)]


def test_one_more_that_leaves_beside_a_homes_outage_is_a_fault_of_its_own() -> None:
    found = said(facts(RADARS, *beats(RADARS, to_s=1000), *farewells(RADARS[:6], from_s=1000), *beats(RADARS[6:], to_s=2000)))
    assert found[7:] == [("offline", "r-5", 1006)]


def test_devices_that_leave_more_than_a_minute_apart_are_faults_of_their_own() -> None:
    found = said(facts(RADARS, *beats(RADARS, to_s=1000), *farewells(RADARS, from_s=1000, every_s=30.1)))
    assert {kind for kind, _, _ in found} == {"offline"}


def test_four_of_two_hundred_that_leave_within_a_minute_are_everyday_life() -> None:
    estate = [device(f"w-{i}", DeviceKind.WEARABLE) for i in range(200)]
    assert {kind for kind, _, _ in said(facts(estate, *farewells(estate[:9], from_s=1000)))} == {"offline"}
    assert ("outage", "lakeside", 1010) in said(facts(estate, *farewells(estate[:10], from_s=1000), until_s=1100))


def test_of_two_thousand_the_guard_is_told_of_one_outage() -> None:
    estate = [device(f"w-{i}", DeviceKind.WEARABLE) for i in range(2000)]
    heard = [status(one.id, 500 + i / 1000) for i, one in enumerate(estate)]
    assert [kind for kind, _, _ in said(facts(estate, *heard, *farewells(estate, from_s=1000, every_s=0.01)))] == ["outage"]


def zigbee() -> list[Item]:
    return [
        status("g-1", 0, online=1),
        contact("c-1", 100, is_open=False),
        contact("c-2", 200, is_open=False),
        *beats(ZIGBEE[3:], to_s=2000),
    ]


def test_a_gateway_that_leaves_is_an_outage_of_what_is_behind_it() -> None:
    one = run(*ZIGBEE)
    (event,) = one.play(sorted([*zigbee(), status("g-1", 1000, online=0)], key=lambda item: item.at_s))
    assert isinstance(event, Event)
    assert (event.kind, event.cause, event.device_id, event.home_id, event.t_ns) == ("outage", "g-1", "g-1", "b1", ns(1000))
    assert event.evidence == {"devices": 3, "share": 1.0, "reported": True}
    assert one.premises.hearing.silent == {0, 1, 2}


def test_the_gateways_word_ends_it_and_a_device_behind_it_may_be_silent_for_its_whole_limit_again() -> None:
    one = run(*ZIGBEE)
    stream = [*zigbee(), status("g-1", 1000, online=0), status("g-1", 1500, online=1), contact("c-1", 1600, is_open=True)]
    found = one.play(sorted(stream, key=lambda item: item.at_s), until_s=2000)
    assert said(found) == [("outage", "g-1", 1000), ("-outage", "g-1", 1500)]
    assert one.premises.hearing.silent == set()
    assert ("offline", "c-2", 91_500) in said(one.advance(ns(91_600)))


def test_a_gateway_that_says_little_is_there_while_devices_are_heard_through_it() -> None:
    stream = [status("g-1", 0, online=1), *(contact("c-1", 10 * HOUR_S * i, is_open=bool(i % 2)) for i in range(8))]
    assert said(facts(ZIGBEE[:2], *stream)) == []
    assert said(facts(ZIGBEE[:2], *stream, until_s=96 * HOUR_S)) == [("outage", "g-1", 95 * HOUR_S)]


def test_devices_of_an_ecosystem_are_behind_its_only_gateway() -> None:
    devices = (
        device("bridge", DeviceKind.GATEWAY, source=Source(adapter="zigbee2mqtt", name="bridge")),
        device("c-1", DeviceKind.CONTACT, home="b1", source=Source(adapter="zigbee2mqtt", name="door")),
        device("c-2", DeviceKind.CONTACT, home="b1"),
    )
    one = run(*devices)
    assert said(one.play([contact("c-1", 0, is_open=False), status("bridge", 10, online=0)])) == [("outage", "bridge", 10)]
    assert one.premises.hearing.silent == {0, 1}


def test_a_gateway_without_devices_is_a_device() -> None:
    assert said(facts([device("g-1", DeviceKind.GATEWAY)], status("g-1", 10, online=0))) == [("offline", "g-1", 10)]


def test_after_our_own_down_time_everybody_has_the_whole_limit_again() -> None:
    one = run(*RADARS)
    assert isinstance(one.rule, Offline)
    one.play(sorted(beats(RADARS, to_s=1000), key=lambda item: item.at_s))
    one.rule.resumed(ns(5000))
    assert one.premises.hearing.deaf_until_ns == ns(5000)
    assert one.advance(ns(5599)) == []
    assert said(one.advance(ns(5600))) == [("outage", "lakeside", 5600)]


def test_the_gap_of_our_own_down_time_teaches_nothing() -> None:
    one = run(*RADARS[:1])
    assert isinstance(one.rule, Offline)
    one.play(sorted(beats(RADARS[:1], to_s=300), key=lambda item: item.at_s))
    for i in range(1, 31):
        one.rule.resumed(ns(500.0 * i))
        one.play([motion("r-0", 500.0 * i + 1)])
    assert said(one.advance(ns(20_000))) == [("offline", "r-0", 15_601)]


def test_what_cannot_be_heard_is_known_after_a_restart() -> None:
    before, after = run(*ZIGBEE), run(*ZIGBEE)
    stream = sorted([*zigbee(), status("g-1", 1000, online=0)], key=lambda item: item.at_s)
    before.play(stream)
    before.premises.hearing.deaf_until_ns = ns(7)
    after.rule.restore(json.loads(json.dumps(before.rule.snapshot())))
    assert after.premises.hearing == before.premises.hearing
    assert after.premises.hearing.silent == {0, 1, 2}
    assert said(after.play([status("g-1", 1500, online=1)])) == [("-outage", "g-1", 1500)]


def test_a_state_of_an_earlier_version_is_taken_over() -> None:
    one = run(*RADARS[:1])
    state = {"last_ns": ns(100), "gaps_ms": [], "spell": 0, "silent": False, "seen": {}, "healthy": None}
    one.rule.restore({"lakeside/r-0": state})
    assert one.rule.next_due() == ns(700)


@st.composite
def _storms(draw: st.DrawFn) -> list[Item]:
    """Devices of two homes and a gateway that leave, come back and fall silent, many at once."""
    at_s, stream = 0.0, []
    names = [*(one.id for one in RADARS[3:7]), *(one.id for one in ZIGBEE)]
    for _ in range(draw(st.integers(4, 30))):
        at_s = round(at_s + draw(st.sampled_from((0.0, 0.01, 0.1, 5.0, 20.0, 400.0, 700.0))), 3)
        name = draw(st.sampled_from(names))
        stream.append(status(name, at_s, online=draw(st.sampled_from((-1, 0, 0, 1))), retained=draw(st.sampled_from((False, False, True)))))
    return stream


@settings(deadline=None, max_examples=100)
@given(stream=_storms(), data=st.data())
def test_storms_cut_anywhere_in_any_order_of_devices_and_after_any_restart_give_the_same(stream: list[Item], data: st.DataObject) -> None:
    devices = [*RADARS[3:7], *(one for one in ZIGBEE if one.id != "r-1"), device("r-1", DeviceKind.RADAR, home="b9")]
    whole = run(*devices).play(stream, until_s=300_000)
    cuts = data.draw(st.sets(st.integers(0, len(stream))))
    assert run(*data.draw(st.permutations(devices))).play(stream, cuts=cuts, until_s=300_000) == whole
    cut = data.draw(st.integers(0, len(stream)))
    first, second = run(*devices), run(*devices)
    found = first.play(stream[:cut])
    second.rule.restore(json.loads(json.dumps(first.rule.snapshot(), allow_nan=False)))
    assert second.premises.hearing.silent == first.premises.hearing.silent
    assert found + second.play(stream, start=cut, until_s=300_000) == whole


def test_what_follows_its_gateways_farewell_in_one_batch_comes_back() -> None:
    one = run(*ZIGBEE)
    assert isinstance(one.rule, Offline)
    stream = [contact("c-1", 0, is_open=False), status("g-1", 0.1, online=0), contact("c-1", 0.2, is_open=True)]
    (given_,) = _batches(one, *stream)
    assert one.rule.back(given_).tolist() == [False, False, True]


@pytest.mark.parametrize("word", [1, -1])
def test_a_retained_word_is_no_return(word: int) -> None:
    back = [status(f"r-{i}", 5000.0 + i, online=word, retained=True) for i in range(10)]
    assert said(facts(RADARS, *beats(RADARS, to_s=1000), *back)) == [("outage", "lakeside", 1590)]


def test_positions_of_a_tracker_are_words_too() -> None:
    worn = [device(f"w-{i}", DeviceKind.WEARABLE, wearer="wang") for i in range(4)]
    stream = [position(one.id, 10.0 * beat, 120, 31) for beat in range(30) for one in worn]
    assert said(facts(worn, *stream, until_s=HOUR_S)) == [("outage", "lakeside", 890)]
