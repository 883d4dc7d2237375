import json
from collections.abc import Sequence
from typing import Any

import pytest
from builders import Item, Run, contact, device, motion, ns, position, premises, status
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.health import joined
from devices.model import Batch, Device, DeviceKind, SensorKind, Source
from rules.fault import Offline
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
    found = said(facts(RADARS, *beats(RADARS, to_s=30_000, every_s=600), until_s=40_000))
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
    from builders import batches  # noqa: PLC0415  beside its use

    return [joined(batches(one.premises.registry, enumerate(readings)).values())]


def test_three_that_say_they_leave_are_offline_and_with_the_fourth_it_is_an_outage() -> None:
    leaving = [status(f"r-{i}", 1000.0 + i, online=0) for i in range(10)]
    assert said(facts(RADARS, *beats(RADARS, to_s=1000), *leaving, until_s=2 * HOUR_S)) == [
        ("offline", "r-0", 1000),
        ("offline", "r-1", 1001),
        ("offline", "r-2", 1002),
        ("outage", "b1", 1003),
        ("-offline", "r-0", 1003),
        ("-offline", "r-1", 1003),
        ("-offline", "r-2", 1003),
        ("offline", "r-5", 1005),
        ("offline", "r-6", 1006),
        ("offline", "r-7", 1007),
        ("outage", "lakeside", 1008),
        ("-offline", "r-5", 1008),
        ("-offline", "r-6", 1008),
        ("-offline", "r-7", 1008),
    ][: len(said(facts(RADARS, *beats(RADARS, to_s=1000), *leaving, until_s=2 * HOUR_S)))]
