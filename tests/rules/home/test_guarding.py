import pytest
from builders import COMMUNITY, device, premises

from devices.model import Covers, DeviceKind
from rules.home.guarding import Start, Terms, is_counting, ready, starts
from rules.kinds import Mode
from rules.premises import Arming, Use

DOOR = device("c-01", DeviceKind.CONTACT, home="b1", covers=Covers.DOOR)
WINDOW = device("c-02", DeviceKind.CONTACT, home="b1", covers=Covers.WINDOW)
FRIDGE = device("c-03", DeviceKind.CONTACT, home="b1", covers=Covers.FRIDGE)
ELSEWHERE = device("c-04", DeviceKind.CONTACT, home="b2")
HALL = device("p-01", DeviceKind.MOTION, home="b1")
SENSORS = (WINDOW, DOOR, FRIDGE, ELSEWHERE, HALL)
ALL_OPEN = {sensor.id: True for sensor in SENSORS}


def test_a_home_with_everything_closed_is_ready() -> None:
    assert ready(dict.fromkeys(ALL_OPEN, False), premises(*SENSORS), COMMUNITY, "b1", Mode.AWAY) == ()


def test_a_home_whose_contacts_were_never_heard_is_ready() -> None:
    assert ready({}, premises(*SENSORS), COMMUNITY, "b1", Mode.AWAY) == ()


def test_what_stands_open_and_would_count_is_named_in_the_order_of_ids() -> None:
    assert ready(ALL_OPEN, premises(*SENSORS), COMMUNITY, "b1", Mode.NIGHT) == (DOOR, WINDOW)


def test_nothing_stands_in_the_way_of_disarming() -> None:
    assert ready(ALL_OPEN, premises(*SENSORS), COMMUNITY, "b1", Mode.DISARMED) == ()


def test_a_window_that_does_not_count_at_night_may_stay_open() -> None:
    place = premises(*SENSORS, uses={"c-02": Use(guards=frozenset({Mode.AWAY}))})
    assert ready(ALL_OPEN, place, COMMUNITY, "b1", Mode.NIGHT) == (DOOR,)
    assert ready(ALL_OPEN, place, COMMUNITY, "b1", Mode.AWAY) == (DOOR, WINDOW)


@pytest.mark.parametrize("mode", list(Mode))
def test_nothing_counts_while_disarmed_whatever_is_configured(mode: Mode) -> None:
    place = premises(*SENSORS, uses={"c-03": Use(guards=frozenset(Mode))})
    assert is_counting(place, FRIDGE, mode) is (mode is not Mode.DISARMED)


def test_a_home_begins_to_be_guarded_when_its_exit_delay_is_over() -> None:
    changes = [(100, Mode.AWAY), (200, Mode.AWAY), (300, Mode.NIGHT), (400, Mode.DISARMED), (500, Mode.HOME)]
    assert starts(changes, lambda since_ns: since_ns + 30) == [
        Start(at_ns=130, mode=Mode.AWAY, afresh=True),
        Start(at_ns=330, mode=Mode.NIGHT, afresh=False),
        Start(at_ns=530, mode=Mode.HOME, afresh=True),
    ]


def test_an_arming_that_gives_way_before_its_exit_delay_is_over_is_none_and_the_next_one_begins_afresh() -> None:
    changes = [(100, Mode.AWAY), (120, Mode.NIGHT), (500, Mode.AWAY), (510, Mode.DISARMED)]
    assert starts(changes, lambda since_ns: since_ns + 30) == [Start(at_ns=150, mode=Mode.NIGHT, afresh=True)]


@pytest.mark.parametrize(("until_ns", "expected"), [(99, False), (100, True), (101, True)])
def test_disarmed_within_a_time_counts_its_end_and_not_its_beginning(until_ns: int, expected: bool) -> None:  # noqa: FBT001
    terms = Terms(arming=Arming(), changes=[(100, Mode.DISARMED), (200, Mode.AWAY)])
    assert terms.is_disarmed(50, until_ns) is expected
    assert not terms.is_disarmed(100, 300)
