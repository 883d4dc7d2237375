from collections.abc import Sequence

import pytest
from builders import Item, ModeChange, Run, contact, device, ns, premises

from devices.model import Covers, DeviceKind
from rules.intrusion import Intrusion
from rules.model import Cleared, Event, Facts, Mode

DOOR = device("c-01", DeviceKind.CONTACT, home="b1", covers=Covers.DOOR)
WINDOW = device("c-02", DeviceKind.CONTACT, home="b1", covers=Covers.WINDOW)
FRIDGE = device("c-03", DeviceKind.CONTACT, home="b1", covers=Covers.FRIDGE)
CABINET = device("c-04", DeviceKind.CONTACT, home="b1", covers=Covers.CABINET)
PLAIN = device("c-05", DeviceKind.CONTACT, home="b1")
HOMELESS = device("c-06", DeviceKind.CONTACT)
ELSEWHERE = device("c-07", DeviceKind.CONTACT, home="b2", covers=Covers.DOOR)


def armed(at_s: float, mode: Mode = Mode.AWAY) -> ModeChange:
    return ModeChange(at_s=at_s, home="b1", mode=mode)


def disarmed(at_s: float) -> ModeChange:
    return armed(at_s, Mode.DISARMED)


def play(*stream: Item, until_s: float = 10_000) -> Facts:
    place = premises(DOOR, WINDOW, FRIDGE, CABINET, PLAIN, HOMELESS, ELSEWHERE)
    return Run(premises=place, rule=Intrusion(place)).play(stream, until_s=until_s)


def said(facts: Facts) -> Sequence[tuple[str, str, float]]:
    """(kind, device, t) of events; cleared ones with a minus."""
    return [
        (("-" if isinstance(fact, Cleared) else "") + fact.kind, fact.cause, (fact.t_ns - ns(0)) / 1e9)
        for fact in facts
        if isinstance(fact, Event | Cleared)
    ]


@pytest.mark.parametrize("mode", [Mode.HOME, Mode.AWAY, Mode.NIGHT, Mode.HOLIDAY])
def test_opening_while_armed_is_an_intrusion_of_the_home(mode: Mode) -> None:
    (event,) = play(contact("c-02", 0, is_open=False), armed(10, mode), contact("c-02", 20, is_open=True))
    assert isinstance(event, Event)
    assert (event.kind, event.subject, event.home_id, event.device_id, event.resident_id) == ("intrusion", "b1", "b1", "c-02", None)
    assert event.evidence == {"mode": mode.value, "covers": "window"}
    assert (event.t_ns, event.known_ns, event.seq) == (ns(20), ns(20), 2)


@pytest.mark.parametrize("stream", [[], [armed(5), disarmed(15)], [ModeChange(at_s=5, home="b2", mode=Mode.AWAY)]])
def test_opening_while_not_armed_is_nothing(stream: list[Item]) -> None:
    assert play(contact("c-01", 0, is_open=False), *stream, contact("c-01", 20, is_open=True)) == []


@pytest.mark.parametrize("quiet", ["c-03", "c-04", "c-06"])
def test_a_fridge_a_cabinet_and_a_contact_without_a_home_are_not_guarded(quiet: str) -> None:
    assert play(armed(0), contact(quiet, 1, is_open=False), contact(quiet, 2, is_open=True)) == []


def test_a_contact_that_does_not_say_what_it_covers_is_a_door() -> None:
    (event,) = play(armed(0), contact("c-05", 1, is_open=False), contact("c-05", 2, is_open=True))
    assert isinstance(event, Event)
    assert event.evidence["covers"] == "door"


def test_repeats_of_open_are_no_edges() -> None:
    opened = [contact("c-01", 2 + i, is_open=True) for i in range(5)]
    assert said(play(armed(0), contact("c-01", 1, is_open=False), *opened)) == [("intrusion", "c-01", 2)]


def test_every_opening_is_an_intrusion() -> None:
    swings = [contact("c-01", 1 + i, is_open=bool(i % 2)) for i in range(6)]
    assert said(play(armed(0), *swings)) == [("intrusion", "c-01", 2), ("intrusion", "c-01", 4), ("intrusion", "c-01", 6)]


def test_a_late_opening_is_judged_by_the_mode_of_its_own_time() -> None:
    buffered = [contact("c-01", 0, is_open=False), armed(10), disarmed(20), contact("c-01", 30, is_open=True, t_s=15)]
    assert said(play(*buffered)) == [("intrusion", "c-01", 15)]


def test_a_late_opening_from_before_the_arming_is_told_as_left_open() -> None:
    facts = play(contact("c-01", 0, is_open=False), armed(10), contact("c-01", 30, is_open=True, t_s=5))
    assert said(facts) == [("left_open", "c-01", 10)]
    assert facts[0].known_ns == ns(31)


def test_a_late_opening_that_was_closed_before_the_arming_is_nothing() -> None:
    late = [contact("c-01", 30, is_open=True, t_s=5), contact("c-01", 30.4, is_open=False, t_s=6)]
    assert play(contact("c-01", 0, is_open=False), armed(10), *late) == []


def test_a_reading_older_than_the_newest_changes_nothing() -> None:
    stream = [armed(0), contact("c-01", 10, is_open=False), contact("c-01", 11, is_open=True, t_s=9), contact("c-01", 12, is_open=False)]
    assert play(*stream) == []


def test_a_clock_that_is_ahead_hides_no_later_opening() -> None:
    stream = [contact("c-01", 1, is_open=False, t_s=50), contact("c-01", 2, is_open=True)]
    assert said(play(armed(0), *stream)) == [("intrusion", "c-01", 2)]


def test_arming_with_an_open_sensor_says_so_and_bypasses_it() -> None:
    facts = play(contact("c-02", 0, is_open=True), armed(10), contact("c-02", 20, is_open=True))
    assert said(facts) == [("left_open", "c-02", 10)]
    (event,) = facts
    assert isinstance(event, Event)
    assert (event.subject, event.known_ns, event.seq) == ("b1", ns(10), -1)
    assert event.evidence == {"mode": "away", "covers": "window", "bypassed": True}


def test_a_bypassed_sensor_that_closes_ends_it_and_opens_again_as_an_intrusion() -> None:
    stream = [contact("c-02", 0, is_open=True), armed(10), contact("c-02", 20, is_open=False), contact("c-02", 30, is_open=True)]
    assert said(play(*stream)) == [("left_open", "c-02", 10), ("-left_open", "c-02", 20), ("intrusion", "c-02", 30)]


def test_another_armed_mode_repeats_nothing() -> None:
    assert said(play(contact("c-01", 0, is_open=True), armed(10), armed(20, Mode.NIGHT))) == [("left_open", "c-01", 10)]


def test_arming_anew_with_the_window_still_open_says_so_anew() -> None:
    facts = play(contact("c-01", 0, is_open=True), armed(10), disarmed(20), armed(30))
    assert said(facts) == [("left_open", "c-01", 10), ("left_open", "c-01", 30)]


def test_disarming_does_not_end_it_but_closing_does() -> None:
    facts = play(contact("c-01", 0, is_open=True), armed(10), disarmed(20), contact("c-01", 30, is_open=False))
    assert said(facts) == [("left_open", "c-01", 10), ("-left_open", "c-01", 30)]


def test_an_intrusion_that_stays_open_is_not_told_again_as_left_open_when_the_mode_changes() -> None:
    stream = [contact("c-01", 0, is_open=False), armed(10), contact("c-01", 20, is_open=True), armed(30, Mode.NIGHT)]
    assert said(play(*stream)) == [("intrusion", "c-01", 20)]


def test_two_open_windows_at_one_arming_are_two_events_and_each_ends_by_itself() -> None:
    stream = [contact("c-01", 0, is_open=True), contact("c-02", 0, is_open=True), armed(10), contact("c-01", 20, is_open=False)]
    facts = play(*stream)
    assert said(facts) == [("left_open", "c-01", 10), ("left_open", "c-02", 9.999), ("-left_open", "c-01", 20)]
    assert len({fact.identity for fact in facts if isinstance(fact, Event)}) == 2


def test_closing_what_was_not_told_ends_nothing() -> None:
    assert play(contact("c-01", 0, is_open=True), contact("c-01", 10, is_open=False)) == []


@pytest.mark.parametrize("retained", [False, True])
def test_open_at_the_first_reading_ever_in_an_armed_home_is_found_open(retained: bool) -> None:  # noqa: FBT001
    facts = play(armed(0), contact("c-01", 10, is_open=True, retained=retained), contact("c-01", 20, is_open=False))
    assert said(facts) == [("left_open", "c-01", 10), ("-left_open", "c-01", 20)]
    assert isinstance(facts[0], Event)
    assert facts[0].evidence == {"mode": "away", "covers": "door", "found_open": True}


@pytest.mark.parametrize("how", ["back", "retained"])
def test_back_from_silence_and_changed_is_found_open_and_no_intrusion(how: str) -> None:
    found = contact("c-01", 20, is_open=True, **{how: True})
    facts = play(armed(0), contact("c-01", 10, is_open=False), found, contact("c-01", 30, is_open=True))
    assert said(facts) == [("left_open", "c-01", 20)]


@pytest.mark.parametrize("is_open", [False, True])
def test_back_from_silence_and_unchanged_is_nothing_and_the_next_opening_is_an_intrusion(is_open: bool) -> None:  # noqa: FBT001
    before = [contact("c-01", 0, is_open=False), armed(1), *([contact("c-01", 2, is_open=True)] if is_open else [])]
    after = [contact("c-01", 20, is_open=is_open, back=True), contact("c-01", 21, is_open=False), contact("c-01", 22, is_open=True)]
    expected = [("intrusion", "c-01", 2.0)] if is_open else []
    assert said(play(*before, *after)) == [*expected, ("intrusion", "c-01", 22)]


def test_a_change_of_mode_at_the_same_time_as_another_is_not_missed() -> None:
    facts = play(contact("c-01", 0, is_open=True), armed(10), disarmed(10), armed(10, Mode.NIGHT))
    assert [kind for kind, _, _ in said(facts)] == ["left_open", "left_open"]


def test_only_the_armed_home_is_looked_at() -> None:
    facts = play(contact("c-07", 0, is_open=True), contact("c-01", 0, is_open=True), armed(10))
    assert said(facts) == [("left_open", "c-01", 10)]
