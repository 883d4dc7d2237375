import json
from collections.abc import Mapping, Sequence

import pytest
from builders import COMMUNITY, Item, ModeChange, Run, batches, contact, device, ns, premises
from builders import motion as moved
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.model import NS_PER_S, Covers, Device, DeviceKind, HomeId
from rules.home.intrusion import Intrusion
from rules.kinds import Mode
from rules.model import Cleared, Event, Facts
from rules.premises import Arming, HomePlace, Use

DOOR = device("c-01", DeviceKind.CONTACT, home="b1", covers=Covers.DOOR)
WINDOW = device("c-02", DeviceKind.CONTACT, home="b1", covers=Covers.WINDOW)
FRIDGE = device("c-03", DeviceKind.CONTACT, home="b1", covers=Covers.FRIDGE)
CABINET = device("c-04", DeviceKind.CONTACT, home="b1", covers=Covers.CABINET)
PLAIN = device("c-05", DeviceKind.CONTACT, home="b1")
HOMELESS = device("c-06", DeviceKind.CONTACT)
ELSEWHERE = device("c-07", DeviceKind.CONTACT, home="b2", covers=Covers.DOOR)
HALL = device("p-01", DeviceKind.MOTION, home="b1")
KITCHEN = device("p-02", DeviceKind.MOTION, home="b1")
RADAR = device("r-01", DeviceKind.RADAR, home="b1")
SENSORS = (DOOR, WINDOW, FRIDGE, CABINET, PLAIN, HOMELESS, ELSEWHERE, HALL, KITCHEN, RADAR)
ENTRY = {"c-01": Use(is_entry=True)}


def armed(at_s: float, mode: Mode = Mode.AWAY) -> ModeChange:
    return ModeChange(at_s=at_s, home="b1", mode=mode)


def disarmed(at_s: float) -> ModeChange:
    return armed(at_s, Mode.DISARMED)


def run_of(arming: Arming | None = None, uses: Mapping[str, Use] | None = None, devices: Sequence[Device] = SENSORS) -> Run:
    place = premises(*devices, homes=[HomePlace(id=HomeId("b1"), arming=arming or Arming())], uses=uses)
    return Run(premises=place, rule=Intrusion(place))


def play(*stream: Item, arming: Arming | None = None, uses: Mapping[str, Use] | None = None, until_s: float = 10_000) -> Facts:
    return run_of(arming, ENTRY if uses is None else uses).play(stream, until_s=until_s)


def evidence(facts: Facts) -> list[dict[str, object]]:
    return [dict(fact.evidence) for fact in facts if isinstance(fact, Event)]


def known(facts: Facts) -> list[float]:
    return [(fact.known_ns - ns(0)) / 1e9 for fact in facts]


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


# What counts in which mode.


@pytest.mark.parametrize("mode", [Mode.HOME, Mode.AWAY, Mode.NIGHT, Mode.HOLIDAY])
def test_movement_counts_when_nobody_is_at_home(mode: Mode) -> None:
    facts = play(armed(0, mode), moved("p-01", 10))
    assert said(facts) == ([("intrusion", "p-01", 10)] if mode in {Mode.AWAY, Mode.HOLIDAY} else [])
    assert evidence(facts) == ([{"mode": mode.value, "sensor": "motion"}] if facts else [])


def test_movement_seen_by_a_radar_counts_only_where_the_family_wants_it() -> None:
    assert play(armed(0), moved("r-01", 10)) == []
    assert said(play(armed(0), moved("r-01", 10), uses={"r-01": Use(guards=frozenset({Mode.AWAY}))})) == [("intrusion", "r-01", 10)]


def test_a_sensor_counts_in_the_modes_the_family_chose_and_no_other() -> None:
    uses = {"c-02": Use(guards=frozenset({Mode.AWAY})), "c-03": Use(guards=frozenset({Mode.NIGHT})), "c-01": Use(guards=frozenset())}
    closed = [contact(name, 0, is_open=False) for name in ("c-01", "c-02", "c-03")]
    opened = [contact(name, 20, is_open=True) for name in ("c-01", "c-02", "c-03")]
    assert said(play(*closed, armed(10), *opened, uses=uses)) == [("intrusion", "c-02", 20)]
    assert said(play(*closed, armed(10, Mode.NIGHT), *opened, uses=uses)) == [("intrusion", "c-03", 20)]


@pytest.mark.parametrize("covers", [Covers.STOVE, Covers.GAS])
def test_a_stove_and_gas_are_no_way_in(covers: Covers) -> None:
    it = device("c-08", DeviceKind.CONTACT, home="b1", covers=covers)
    run = run_of(devices=[it])
    assert run.play([armed(0), contact("c-08", 1, is_open=False), contact("c-08", 2, is_open=True)], until_s=100) == []


def test_a_window_that_begins_to_count_while_it_stands_open_is_told() -> None:
    uses = {"c-02": Use(guards=frozenset({Mode.AWAY}))}
    stream = [contact("c-02", 0, is_open=False), armed(10, Mode.HOME), contact("c-02", 20, is_open=True), armed(30)]
    facts = play(*stream, uses=uses)
    assert (said(facts), evidence(facts)) == ([("left_open", "c-02", 30)], [{"mode": "away", "covers": "window", "bypassed": True}])


# Movement.


def test_each_new_movement_counts_and_what_goes_on_does_not() -> None:
    stream = [moved("p-01", 10), moved("p-01", 100), moved("p-01", 200, is_moving=False), moved("p-01", 300), moved("p-01", 400)]
    assert said(play(armed(0), *stream)) == [("intrusion", "p-01", 10), ("intrusion", "p-01", 100), ("intrusion", "p-01", 300)]


def test_a_cached_movement_that_is_said_again_and_again_is_one() -> None:
    stream = [moved("p-01", 5, is_moving=False), *(moved("p-01", 10 + 90 * i) for i in range(5))]
    assert said(play(armed(0), *stream)) == [("intrusion", "p-01", 10)]


def test_a_sensor_that_never_says_that_movement_ended_counts_again_after_a_minute() -> None:
    times = (10, 40, 100, 161, 221)
    assert [t_s for _, _, t_s in said(play(armed(0), *(moved("p-01", t_s) for t_s in times)))] == [10, 161]


@pytest.mark.parametrize("how", ["back", "retained"])
def test_movement_that_comes_back_or_is_repeated_by_the_broker_is_nothing(how: str) -> None:
    assert play(armed(0), moved("p-01", 5, is_moving=False), moved("p-01", 10, **{how: True}), moved("p-01", 30)) == []
    assert play(armed(0), moved("p-01", 10, **{how: True}), moved("p-01", 30)) == []


def test_movement_while_armed_that_is_heard_after_the_disarming_is_judged_by_its_own_time() -> None:
    stream = [moved("p-01", 0, is_moving=False), armed(10), disarmed(20), moved("p-01", 3600, t_s=15), moved("p-01", 3601, t_s=25)]
    assert said(play(*stream)) == [("intrusion", "p-01", 15)]


# Exit delay.


EXIT = Arming(exit_delay_s=60)


def test_nothing_counts_before_the_exit_delay_is_over() -> None:
    leaving = [contact("c-01", 20, is_open=True), contact("c-01", 25, is_open=False), moved("p-01", 30), contact("c-02", 40, is_open=True)]
    stream = [contact("c-01", 0, is_open=False), contact("c-02", 0, is_open=False), armed(10), *leaving, contact("c-02", 50, is_open=False)]
    assert play(*stream, arming=EXIT) == []
    later = [contact("c-02", 70, is_open=True), moved("p-01", 71, is_moving=False), moved("p-01", 72)]
    assert said(play(*stream, *later, arming=EXIT)) == [("intrusion", "c-02", 70), ("intrusion", "p-01", 72)]


def test_what_is_open_at_the_end_of_the_exit_delay_is_bypassed_and_said() -> None:
    stream = [contact("c-01", 0, is_open=True), contact("c-02", 0, is_open=False), armed(10), contact("c-02", 69.9, is_open=True)]
    facts = play(*stream, arming=EXIT)
    assert said(facts) == [("left_open", "c-01", 70), ("left_open", "c-02", 69.999)]
    assert [one["bypassed"] for one in evidence(facts)] == [True, True]


def test_disarmed_within_the_exit_delay_nothing_was_armed() -> None:
    assert play(contact("c-02", 0, is_open=True), armed(10), disarmed(50), arming=EXIT) == []


def test_every_change_of_armed_mode_gives_time_anew() -> None:
    stream = [contact("c-01", 0, is_open=False), armed(10, Mode.HOME), armed(200), contact("c-01", 230, is_open=True)]
    assert said(play(*stream, arming=EXIT)) == [("left_open", "c-01", 260)]


def test_set_anew_to_the_mode_it_is_in_a_home_goes_on_being_guarded() -> None:
    stream = [contact("c-01", 0, is_open=False), armed(10), armed(200), contact("c-01", 230, is_open=True)]
    assert said(play(*stream, arming=EXIT)) == [("intrusion", "c-01", 230)]


def test_what_was_told_is_not_told_again_at_the_end_of_another_modes_exit_delay() -> None:
    assert said(play(contact("c-02", 0, is_open=True), armed(10), armed(200, Mode.NIGHT), arming=EXIT)) == [("left_open", "c-02", 70)]


CLOSING = Arming(exit_delay_s=60, arms_when_closed=True)


def test_the_door_closed_behind_them_ends_the_exit_delay() -> None:
    left = [contact("c-01", 0, is_open=False), armed(10), contact("c-01", 20, is_open=True), contact("c-01", 25, is_open=False)]
    assert said(play(*left, moved("p-01", 26), arming=CLOSING)) == [("intrusion", "p-01", 26)]
    assert said(play(*left, moved("p-01", 24), arming=CLOSING)) == []


def test_a_window_that_stands_open_as_the_door_is_closed_behind_them_is_said_then() -> None:
    stream = [contact("c-02", 0, is_open=True), contact("c-01", 0, is_open=True), armed(10), contact("c-01", 25, is_open=False)]
    facts = play(*stream, arming=CLOSING)
    assert (said(facts), known(facts)) == ([("left_open", "c-02", 25)], [25.25])


def test_a_window_closed_is_no_door_closed_behind_them() -> None:
    stream = [contact("c-02", 0, is_open=True), armed(10), contact("c-02", 25, is_open=False), contact("c-02", 30, is_open=True)]
    assert said(play(*stream, arming=CLOSING)) == [("left_open", "c-02", 70)]


def test_nobody_leaves_and_the_exit_delay_runs_out() -> None:
    stream = [contact("c-02", 0, is_open=False), armed(10), contact("c-02", 70, is_open=True)]
    assert said(play(*stream, arming=CLOSING)) == [("intrusion", "c-02", 70)]


def test_a_door_that_bounces_as_it_is_closed_behind_them_is_nobody_coming_in() -> None:
    slammed = [contact("c-01", 25 + i * 0.1, is_open=bool(i % 2)) for i in range(5)]
    stream = [contact("c-01", 0, is_open=False), armed(10), contact("c-01", 20, is_open=True), *slammed]
    assert play(*stream, arming=CLOSING) == []


# Entry delay.


ENTERING = Arming(entry_delay_s=30)
SHUT = [contact("c-01", 0, is_open=False), contact("c-02", 0, is_open=False), armed(10)]


def test_a_door_that_nobody_disarms_after_is_told_when_the_time_is_over() -> None:
    facts = play(*SHUT, contact("c-01", 100, is_open=True), contact("c-01", 105, is_open=False), arming=ENTERING)
    assert (said(facts), known(facts)) == ([("intrusion", "c-01", 100)], [130])
    assert evidence(facts) == [{"mode": "away", "covers": "door", "entry_delay_s": 30}]


def test_who_disarms_in_time_is_at_home() -> None:
    stream = [contact("c-01", 100, is_open=True), moved("p-01", 103), contact("c-01", 105, is_open=False), disarmed(129), armed(140)]
    assert play(*SHUT, *stream, arming=ENTERING) == []


def test_who_disarms_too_late_has_called_somebody() -> None:
    assert said(play(*SHUT, contact("c-01", 100, is_open=True), disarmed(131), arming=ENTERING)) == [("intrusion", "c-01", 100)]


def test_movement_and_another_entry_within_the_time_to_disarm_are_the_same_people() -> None:
    uses = {"c-01": Use(is_entry=True), "c-05": Use(is_entry=True)}
    inside = [moved("p-01", 99.5), contact("c-01", 100, is_open=True), moved("p-02", 110), contact("c-05", 120, is_open=True)]
    stream = [contact("c-05", 0, is_open=False), *SHUT, *inside]
    assert said(play(*stream, arming=ENTERING, uses=uses)) == [("intrusion", "c-01", 100)]
    assert said(play(*stream, disarmed(125), arming=ENTERING, uses=uses)) == []


def test_movement_after_the_time_to_disarm_is_told_and_so_is_movement_long_before() -> None:
    stream = [moved("p-01", 90), contact("c-01", 100, is_open=True), moved("p-02", 131)]
    facts = play(*SHUT, *stream, arming=ENTERING)
    assert sorted(said(facts)) == [("intrusion", "c-01", 100), ("intrusion", "p-01", 90), ("intrusion", "p-02", 131)]


def test_a_window_within_the_time_to_disarm_is_told_at_once() -> None:
    facts = play(*SHUT, contact("c-01", 100, is_open=True), contact("c-02", 110, is_open=True), disarmed(120), arming=ENTERING)
    assert (said(facts), known(facts)) == ([("intrusion", "c-02", 110)], [110])


def test_an_opening_heard_after_its_time_to_disarm_is_judged_by_what_was_done_then() -> None:
    late = contact("c-01", 3600, is_open=True, t_s=100)
    assert play(*SHUT, disarmed(120), late, arming=ENTERING) == []
    facts = play(*SHUT, disarmed(140), late, arming=ENTERING)
    assert (said(facts), known(facts)) == ([("intrusion", "c-01", 100)], [3600.25])


def test_a_backlog_of_an_hour_is_judged_by_the_modes_of_its_own_time() -> None:
    said_then = [
        (contact, "c-01", 100.0, True),
        (contact, "c-01", 105.0, False),
        (contact, "c-02", 500.0, True),
        (contact, "c-02", 505.0, False),
    ]
    late = [make(name, 4000 + i / 100, is_open=is_open, t_s=t_s) for i, (make, name, t_s, is_open) in enumerate(said_then)]
    late += [moved("p-01", 4000.05, t_s=103), moved("p-01", 4000.06, t_s=104, is_moving=False), moved("p-01", 4000.07, t_s=600)]
    facts = play(*SHUT, disarmed(550), armed(3900, Mode.NIGHT), *late)
    assert sorted(said(facts)) == [("intrusion", "c-01", 100), ("intrusion", "c-02", 500), ("intrusion", "p-01", 103)]
    facts = play(*SHUT, disarmed(120), armed(400), disarmed(550), *late, arming=ENTERING)
    assert said(facts) == [("intrusion", "c-02", 500)]


# Two sensors.


CONFIRM = Arming(confirm_s=30)


def test_two_sensors_within_the_time_confirm_each_other_and_both_are_named() -> None:
    facts = play(*SHUT, contact("c-02", 100, is_open=True), moved("p-01", 120), arming=CONFIRM)
    assert (said(facts), known(facts)) == ([("intrusion", "c-02", 100)], [120.25])
    assert evidence(facts) == [{"mode": "away", "covers": "window", "first": "c-02", "second": "p-01"}]


def test_one_sensor_twice_confirms_nothing() -> None:
    stream = [moved("p-01", 100), moved("p-01", 105, is_moving=False), moved("p-01", 110)]
    assert play(*SHUT, *stream, arming=CONFIRM) == []


def test_a_second_sensor_too_late_confirms_nothing_and_a_third_one_in_time_does() -> None:
    stream = [moved("p-01", 100), contact("c-02", 131, is_open=True), contact("c-02", 135, is_open=False), moved("p-02", 160)]
    facts = play(*SHUT, *stream, arming=CONFIRM)
    assert said(facts) == [("intrusion", "c-02", 131)]
    assert (evidence(facts)[0]["first"], evidence(facts)[0]["second"]) == ("c-02", "p-02")


def test_a_window_that_nothing_confirms_is_left_open_until_it_closes() -> None:
    facts = play(*SHUT, contact("c-02", 100, is_open=True), contact("c-02", 500, is_open=False), arming=CONFIRM)
    assert said(facts) == [("left_open", "c-02", 100), ("-left_open", "c-02", 500)]
    assert (evidence(facts), known(facts)[0]) == ([{"mode": "away", "covers": "window", "unconfirmed": True}], 130)


def test_a_window_opened_and_closed_again_that_nothing_confirms_is_nothing() -> None:
    assert play(*SHUT, contact("c-02", 100, is_open=True), contact("c-02", 129, is_open=False), arming=CONFIRM) == []


def test_what_is_disarmed_in_between_is_not_confirmed() -> None:
    assert play(*SHUT, contact("c-02", 100, is_open=True), disarmed(110), armed(115), moved("p-01", 120), arming=CONFIRM)[1:] == []


def test_each_further_sensor_is_told_once() -> None:
    stream = [moved("p-01", 100), moved("p-02", 110), contact("c-02", 115, is_open=True), contact("c-02", 117, is_open=False)]
    facts = play(*SHUT, *stream, arming=CONFIRM)
    assert said(facts) == [("intrusion", "p-01", 100), ("intrusion", "c-02", 115)]


def test_sensors_heard_in_the_wrong_order_confirm_each_other_by_their_own_times() -> None:
    facts = play(*SHUT, moved("p-01", 900, t_s=120), contact("c-02", 905, is_open=True, t_s=100), arming=CONFIRM)
    assert said(facts) == [("intrusion", "c-02", 100)]


def test_a_door_and_movement_need_both_the_time_to_disarm_and_each_other() -> None:
    both = Arming(entry_delay_s=30, confirm_s=60)
    stream = [contact("c-01", 100, is_open=True), contact("c-01", 102, is_open=False), moved("p-01", 105)]
    facts = play(*SHUT, *stream, arming=both)
    assert (said(facts), known(facts)) == ([("intrusion", "c-01", 100)], [130])
    assert play(*SHUT, *stream, disarmed(129), arming=both) == []
    assert play(*SHUT, *stream[:2], arming=both) == []


# What users of other systems complain of.


def test_a_bypass_is_not_forgotten_while_the_sensor_is_away_and_comes_back() -> None:
    stream = [
        contact("c-02", 0, is_open=True),
        armed(10),
        contact("c-02", 500, is_open=True, back=True),
        contact("c-02", 600, is_open=True),
    ]
    assert said(play(*stream)) == [("left_open", "c-02", 10)]
    again = [contact("c-02", 700, is_open=False), contact("c-02", 800, is_open=True)]
    assert said(play(*stream, *again))[1:] == [("-left_open", "c-02", 700), ("intrusion", "c-02", 800)]


def test_a_bypass_holds_for_one_arming_only() -> None:
    stream = [contact("c-02", 0, is_open=True), armed(10), contact("c-02", 20, is_open=False), disarmed(30), armed(40)]
    assert said(play(*stream, contact("c-02", 50, is_open=True)))[2:] == [("intrusion", "c-02", 50)]


def test_a_bypassed_window_whose_sensor_joins_anew_is_still_open_and_no_intrusion() -> None:
    joined = [contact("c-02", 500, is_open=False, back=True), contact("c-02", 500.4, is_open=True)]
    facts = play(contact("c-02", 0, is_open=True), armed(10), *joined)
    assert said(facts) == [("left_open", "c-02", 10), ("-left_open", "c-02", 500), ("left_open", "c-02", 500.4)]


def test_a_window_that_bounces_is_one_intrusion() -> None:
    bounced = [contact("c-02", 20 + 0.05 * i, is_open=not i % 2) for i in range(9)]
    assert said(play(*SHUT, *bounced)) == [("intrusion", "c-02", 20)]


def test_an_opening_delivered_twice_milliseconds_apart_is_one_intrusion() -> None:
    assert said(play(*SHUT, contact("c-02", 20, is_open=True), contact("c-02", 20.003, is_open=True))) == [("intrusion", "c-02", 20)]


def test_a_door_that_swings_open_again_as_the_home_is_armed_is_said() -> None:
    stream = [contact("c-01", 0, is_open=True), contact("c-01", 9.9, is_open=False), armed(10), contact("c-01", 10.3, is_open=True)]
    assert said(play(*stream)) == [("left_open", "c-01", 10)]


def test_armed_before_a_restart_a_window_opened_after_it_is_an_intrusion() -> None:
    before = run_of()
    before.play(SHUT)
    after = run_of()
    for change in (armed(10),):
        after.premises.modes.change(COMMUNITY, change.home, change.mode, ns(change.at_s))
    after.rule.restore(json.loads(json.dumps(before.rule.snapshot())))
    assert said(after.play([contact("c-02", 100, is_open=True)], until_s=200)) == [("intrusion", "c-02", 100)]


def test_what_version_0_1_kept_is_gone_on_with() -> None:
    kept = {"when_ns": ns(5), "judged_ns": ns(5), "judged_count": 0, "hold_ns": 0, "said_ns": None, "stands": False}
    run = run_of()
    run.premises.modes.change(COMMUNITY, "b1", Mode.AWAY, ns(10))
    run.rule.restore({f"{COMMUNITY}/c-01": {**kept, "is_open": False}, f"{COMMUNITY}/c-02": {**kept, "is_open": True}})
    facts = run.play([contact("c-01", 20, is_open=True), contact("c-02", 21, is_open=True)], until_s=100)
    assert said(facts) == [("left_open", "c-02", 10), ("intrusion", "c-01", 20)]


# Late readings.


def test_an_opening_heard_after_its_closing_is_an_intrusion_by_its_own_time() -> None:
    stream = [*SHUT, contact("c-02", 105, is_open=False), contact("c-02", 300, is_open=True, t_s=100)]
    assert said(play(*stream)) == [("intrusion", "c-02", 100)]


def test_an_opening_heard_again_after_its_closing_is_told_once() -> None:
    opened = [contact("c-02", at_s, is_open=True, t_s=100) for at_s in (100, 110, 3000)]
    stream = [*SHUT, opened[0], contact("c-02", 105, is_open=False), opened[1], contact("c-02", 200, is_open=False), opened[2]]
    assert said(play(*stream)) == [("intrusion", "c-02", 100)]


def test_a_late_opening_while_disarmed_is_nothing() -> None:
    stream = [contact("c-02", 0, is_open=False), contact("c-02", 9, is_open=False), armed(10), contact("c-02", 20, is_open=True, t_s=5)]
    assert play(*stream) == []


def test_an_opening_that_began_earlier_than_was_known_is_not_told_again() -> None:
    assert said(play(*SHUT, contact("c-02", 100, is_open=True), contact("c-02", 200, is_open=True, t_s=99))) == [("intrusion", "c-02", 100)]


def test_a_closing_heard_late_shows_that_a_bypassed_window_was_opened_anew() -> None:
    stream = [contact("c-02", 0, is_open=True), armed(10), contact("c-02", 100, is_open=True), contact("c-02", 110, is_open=False, t_s=50)]
    assert said(play(*stream)) == [("left_open", "c-02", 10), ("intrusion", "c-02", 100)]


# The laws, where sensors wait for each other.


READINGS = st.tuples(
    st.sampled_from(["c-01", "c-02", "p-01", "p-02", "away", "night", "disarmed"]),
    st.integers(1, 40),
    st.integers(0, 30),
    st.booleans(),
    st.sampled_from(["", "", "", "back", "retained"]),
)
ARMINGS = st.builds(
    Arming,
    exit_delay_s=st.sampled_from([0, 2]),
    entry_delay_s=st.sampled_from([0, 3]),
    confirm_s=st.sampled_from([0, 4]),
    arms_when_closed=st.booleans(),
)


def stream_of(drawn: list[tuple[str, int, int, bool, str]]) -> list[Item]:
    """Steps of a tenth of a second, some readings up to 3 s late."""
    stream: list[Item] = []
    at_s = 0.0
    for name, step, late, is_on, how in drawn:
        at_s = round(at_s + step / 10, 3)
        fields = {"t_s": at_s - late / 10} | ({how: True} if how else {})
        if name.startswith("c"):
            stream.append(contact(name, at_s, is_open=is_on, **fields))
        elif name.startswith("p"):
            stream.append(moved(name, at_s, is_moving=is_on, **fields))
        else:
            stream.append(armed(at_s, Mode(name)))
    return stream


@settings(deadline=None, max_examples=150)
@given(drawn=st.lists(READINGS, max_size=25), arming=ARMINGS, data=st.data())
def test_cut_anywhere_or_begun_anew_from_a_snapshot_the_same_is_told(
    drawn: list[tuple[str, int, int, bool, str]], arming: Arming, data: st.DataObject
) -> None:
    stream = stream_of(drawn)
    whole = run_of(arming, ENTRY).play(stream, until_s=500)
    cuts = data.draw(st.sets(st.integers(0, len(stream))))
    assert run_of(arming, ENTRY).play(stream, cuts=cuts, until_s=500) == whole
    cut = data.draw(st.integers(0, len(stream)))
    before, after = run_of(arming, ENTRY), run_of(arming, ENTRY, SENSORS[::-1])
    facts = before.play(stream[:cut])
    for item in stream[:cut]:
        if isinstance(item, ModeChange):
            after.premises.modes.change(COMMUNITY, item.home, item.mode, ns(item.at_s))
    after.rule.restore(json.loads(json.dumps(before.rule.snapshot())))
    assert facts + after.play(stream, start=cut, until_s=500) == whole
    events = [fact for fact in whole if isinstance(fact, Event)]
    assert len({(*fact.identity, fact.device_id) for fact in events}) == len(events)


@settings(deadline=None, max_examples=50)
@given(drawn=st.lists(READINGS, max_size=25), arming=ARMINGS)
def test_a_reading_makes_nothing_due_before_its_micro_batch_is_over(drawn: list[tuple[str, int, int, bool, str]], arming: Arming) -> None:
    run = run_of(arming, ENTRY)
    for seq, item in enumerate(stream_of(drawn)):
        run.advance(ns(item.at_s))
        if isinstance(item, ModeChange):
            run.premises.modes.change(COMMUNITY, item.home, item.mode, ns(item.at_s))
            run.advance(ns(item.at_s))
            continue
        before = run.rule.next_due()
        for one in batches(run.premises.registry, [(seq, item)]).values():
            run.rule.update(one)
        due = run.rule.next_due()
        assert due in {None, before} or due >= ns(item.at_s) + NS_PER_S // 4
