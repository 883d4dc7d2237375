import numpy as np
import pytest
from builders import COMMUNITY, batch, button, device, ns, premises

from devices.model import Device, DeviceKind
from devices.sensors.button import Press
from rules.kinds import EventKind
from rules.model import Cancelled, Event
from rules.person.sos import Sos

WORN = device("w-01", DeviceKind.WEARABLE, wearer="wang", home="b1")
WALL_OF_ONE = device("b-01", DeviceKind.BUTTON, home="b2", sole_occupant="li")
WALL_OF_TWO = device("b-02", DeviceKind.BUTTON, home="b3")
LOOSE = device("b-03", DeviceKind.BUTTON)


def rule() -> tuple[Sos, object]:
    place = premises(WORN, WALL_OF_ONE, WALL_OF_TWO, LOOSE)
    return Sos(place), place.registry


@pytest.mark.parametrize(("press", "kind"), [(Press.SOS, EventKind.SOS), (Press.DURESS, EventKind.DURESS)])
def test_a_press_is_an_event_of_its_wearer_when_it_was_pressed(press: Press, kind: EventKind) -> None:
    sos, registry = rule()
    (event,) = sos.update(batch(registry, button("w-01", 20, press, t_s=5)))
    assert isinstance(event, Event)
    assert (event.kind, event.subject, event.resident_id, event.home_id, event.device_id) == (kind, "wang", "wang", "b1", "w-01")
    assert (event.t_ns, event.known_ns, event.seq) == (ns(5), ns(20), 0)


def test_a_cancel_is_no_event() -> None:
    sos, registry = rule()
    assert sos.update(batch(registry, button("w-01", 1, Press.CANCEL))) == [
        Cancelled(community_id=COMMUNITY, subject="wang", device_id="w-01", t_ns=ns(1), known_ns=ns(1), seq=0)
    ]


@pytest.mark.parametrize(
    ("pressed", "subject", "resident"),
    [(WALL_OF_ONE, "li", "li"), (WALL_OF_TWO, "b3", None), (LOOSE, "b-03", None)],
    ids=lambda x: str(x)[:8],
)
def test_a_button_that_nobody_wears_speaks_for_the_only_occupant_or_the_home_or_itself(
    pressed: Device, subject: str, resident: str | None
) -> None:
    sos, registry = rule()
    (event,) = sos.update(batch(registry, button(pressed.id, 1)))
    assert isinstance(event, Event)
    assert (event.subject, event.resident_id) == (subject, resident)


def test_a_retained_press_is_ignored() -> None:
    sos, registry = rule()
    assert sos.update(batch(registry, button("w-01", 1, retained=True))) == []


def test_the_same_press_delivered_again_is_no_second_event() -> None:
    sos, registry = rule()
    first = sos.update(batch(registry, button("w-01", 1, t_s=0)))
    assert len(first) == 1
    assert sos.update(batch(registry, button("w-01", 3, t_s=0))) == []


def test_every_new_press_is_an_event() -> None:
    sos, registry = rule()
    facts = sos.update(batch(registry, button("w-01", 1), button("w-01", 2), button("w-01", 2, Press.DURESS)))
    assert [fact.t_ns for fact in facts] == [ns(1), ns(2), ns(2)]


def test_a_press_on_a_device_with_a_wrong_clock_counts_from_its_arrival() -> None:
    sos, registry = rule()
    (event,) = sos.update(batch(registry, button("w-01", 4, clock_wrong=True)))
    assert event.t_ns == ns(4)


def test_times_are_plain_integers() -> None:
    sos, registry = rule()
    (event,) = sos.update(batch(registry, button("w-01", 4)))
    assert type(event.t_ns) is int
    assert not isinstance(event.known_ns, np.integer)
