"""Whose reading it was: the arithmetic of who wore what when."""

import pytest
from builders import COMMUNITY, T0_NS, device, ns

from devices.model import NS_PER_MS, DeviceId, DeviceKind, HomeId, PersonId, Registry, Worn
from rules.kinds import EventKind
from rules.model import Cancelled, Event
from rules.worn import by_their_wearer

WANG, LI, ZHAO = PersonId("wang"), PersonId("li"), PersonId("zhao")
WATCH = device(
    "w-01",
    DeviceKind.WEARABLE,
    wearer=ZHAO,
    home="b3",
    worn_before=(Worn(by=WANG, until_ns=ns(100), home=HomeId("b1")), Worn(by=LI, until_ns=ns(200), home=HomeId("b2"))),
)
REGISTRY = Registry([WATCH])


def event(kind: EventKind, t_s: float, *, subject: str = ZHAO, fell_s: float | None = None) -> Event:
    evidence = {} if fell_s is None else {"fall_t_ms": ns(fell_s) // NS_PER_MS}
    return Event(
        community_id=COMMUNITY,
        kind=kind,
        subject=subject,
        t_ns=ns(t_s),
        known_ns=ns(500),
        seq=1,
        device_id=DeviceId("w-01"),
        resident_id=ZHAO if subject == ZHAO else None,
        home_id=HomeId("b3"),
        evidence=evidence,
    )


def whose(*events: Event) -> list[tuple[str, str | None]]:
    return [(one.subject, one.home_id) for one in by_their_wearer(list(events), REGISTRY) if isinstance(one, Event)]


@pytest.mark.parametrize(
    ("t_s", "expected"), [(99.999, (WANG, "b1")), (100, (LI, "b2")), (199.999, (LI, "b2")), (200, (ZHAO, "b3")), (400, (ZHAO, "b3"))]
)
def test_a_fall_is_of_whoever_wore_it_at_that_time_half_open(t_s: float, expected: tuple[str, str]) -> None:
    assert whose(event(EventKind.FALL, t_s)) == [expected]


def test_a_lie_after_a_fall_of_the_same_wearer_is_theirs_and_one_that_goes_on_on_anothers_wrist_is_nobodys() -> None:
    assert whose(event(EventKind.LONG_LIE, 90, fell_s=50)) == [(WANG, "b1")]
    assert whose(event(EventKind.LONG_LIE, 150, fell_s=50), event(EventKind.RECOVERED, 220, fell_s=190)) == []


def test_where_an_earlier_wearer_was_is_nobodys_business() -> None:
    assert whose(event(EventKind.EXIT, 50), event(EventKind.WANDERING, 150)) == []
    assert whose(event(EventKind.EXIT, 250)) == [(ZHAO, "b3")]


def test_a_fault_is_the_devices_own_whoever_wears_it() -> None:
    assert whose(event(EventKind.OFFLINE, 50, subject="w-01")) == [("w-01", "b3")]


def test_a_cancel_is_of_whoever_pressed_it() -> None:
    fact = Cancelled(community_id=COMMUNITY, subject=ZHAO, device_id=DeviceId("w-01"), t_ns=ns(50), known_ns=ns(500), seq=1)
    assert [one.subject for one in by_their_wearer([fact], REGISTRY) if isinstance(one, Cancelled)] == [WANG]


def test_of_a_wearer_who_is_gone_nothing_is_told() -> None:
    gone = Registry([device("w-01", DeviceKind.WEARABLE, wearer=ZHAO, home="b3", worn_before=(Worn(by=None, until_ns=T0_NS + 100),))])
    assert by_their_wearer([event(EventKind.FALL, 0)], gone) == []
