from collections.abc import Sequence

from builders import Item, Run, contact, device, ns, premises

from devices.model import Covers, DeviceKind
from rules.home.doors import Doors
from rules.model import Standing

DOOR = device("c-01", DeviceKind.CONTACT, home="b1", covers=Covers.DOOR)
FRIDGE = device("c-02", DeviceKind.CONTACT, home="b1", covers=Covers.FRIDGE)
HOMELESS = device("c-03", DeviceKind.CONTACT)


def standing(*stream: Item) -> Sequence[tuple[str, bool, float]]:
    """(device, open, t) of what is told."""
    place = premises(DOOR, FRIDGE, HOMELESS)
    facts = Run(premises=place, rule=Doors(place)).play(stream)
    return [(fact.device_id, fact.is_open, (fact.t_ns - ns(0)) / 1e9) for fact in facts if isinstance(fact, Standing)]


def test_the_first_reading_and_every_change_is_told_and_repeats_are_not() -> None:
    stream = [contact("c-01", i, is_open=is_open) for i, is_open in enumerate((False, False, True, True, False))]
    assert standing(*stream) == [("c-01", False, 0), ("c-01", True, 2), ("c-01", False, 4)]


def test_a_retained_state_and_one_from_a_sensor_that_is_back_count_too() -> None:
    stream = [contact("c-01", 0, is_open=True, retained=True), contact("c-01", 5, is_open=False, back=True)]
    assert standing(*stream) == [("c-01", True, 0), ("c-01", False, 5)]


def test_a_reading_older_than_the_newest_changes_nothing() -> None:
    assert standing(contact("c-01", 10, is_open=False), contact("c-01", 11, is_open=True, t_s=9)) == [("c-01", False, 10)]


def test_every_contact_of_a_home_is_told_whatever_it_covers() -> None:
    assert standing(contact("c-02", 0, is_open=True), contact("c-03", 0, is_open=True)) == [("c-02", True, 0)]


def test_a_clock_that_is_ahead_hides_no_later_change() -> None:
    assert standing(contact("c-01", 1, is_open=False, t_s=50), contact("c-01", 2, is_open=True)) == [("c-01", False, 1), ("c-01", True, 2)]
