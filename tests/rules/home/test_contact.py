"""What is left open: for how long, by day and by night, and what silence, arming and habit do to it."""

import json

import pytest
from builders import Item, ModeChange, Run, contact, device, ns, premises

from devices.model import NS_PER_S, Covers, DeviceKind
from rules.home.contact import LeftOpen
from rules.kinds import EventKind, Mode
from rules.model import Cleared, Event, Facts
from rules.premises import Use

MINUTE, HOUR = 60, 3600
DUSK, DAWN = 8 * HOUR, 16 * HOUR  # streams begin at 14:00 in Shanghai; night is from 22:00 until 06:00

DEVICES = (
    *(device(f"{covers.value}-1", DeviceKind.CONTACT, home="b1", covers=covers) for covers in Covers),
    device("door-2", DeviceKind.CONTACT, home="b1"),
    device("door-3", DeviceKind.CONTACT, home="b2", covers=Covers.DOOR),
    device("door-4", DeviceKind.CONTACT, covers=Covers.DOOR),
)


def run_of(**uses: Use) -> Run:
    place = premises(*DEVICES, uses={name.replace("_", "-"): use for name, use in uses.items()})
    return Run(premises=place, rule=LeftOpen(place))


def play(*stream: Item, until_s: float = 100 * HOUR, **uses: Use) -> Facts:
    return run_of(**uses).play(stream, until_s=until_s)


def told(facts: Facts) -> list[tuple[str, float, float]]:
    """(device, t, known) in seconds; of what is over with a minus."""
    return [
        (("-" if isinstance(fact, Cleared) else "") + fact.cause, (fact.t_ns - ns(0)) / NS_PER_S, (fact.known_ns - ns(0)) / NS_PER_S)
        for fact in facts
        if isinstance(fact, Event | Cleared)
    ]


def armed(at_s: float, mode: Mode = Mode.AWAY) -> ModeChange:
    return ModeChange(at_s=at_s, home="b1", mode=mode)


def opens(name: str, at_s: float) -> list[Item]:
    return [contact(name, at_s - 1, is_open=False), contact(name, at_s, is_open=True)]


@pytest.mark.parametrize(
    ("name", "by_day", "by_night"),
    [
        ("door-1", 15 * MINUTE, 10 * MINUTE),
        ("door-2", 15 * MINUTE, 10 * MINUTE),
        ("gate-1", 30 * MINUTE, 30 * MINUTE),
        ("fridge-1", 5 * MINUTE, 5 * MINUTE),
        ("stove-1", 60 * MINUTE, 30 * MINUTE),
        ("gas-1", 10, 10),
    ],
)
def test_what_is_open_for_too_long_is_told_at_that_moment(name: str, by_day: float, by_night: float) -> None:
    assert told(play(*opens(name, 60))) == [(name, 60 + by_day, 60 + by_day)]
    assert told(play(*opens(name, DUSK + 60))) == [(name, DUSK + 60 + by_night, DUSK + 60 + by_night)]


@pytest.mark.parametrize("name", ["cabinet-1", "other-1", "door-4"])
def test_a_cabinet_what_is_not_named_and_what_is_in_no_home_may_stay_open(name: str) -> None:
    assert play(*opens(name, 0)) == []


def test_a_window_may_be_open_all_day_and_is_told_half_an_hour_into_the_night() -> None:
    assert play(*opens("window-1", 60), until_s=DUSK + 1799) == []
    (event,) = play(*opens("window-1", 60))
    assert isinstance(event, Event)
    assert event.t_ns == ns(DUSK + 1800)
    assert event.evidence == {"open_s": DUSK + 1800.0 - 60.0, "covers": "window", "night": True}


def test_a_window_that_is_opened_each_evening_is_told_once_until_a_night_has_passed_without_it() -> None:
    day = 24 * HOUR
    evenings = [
        item
        for night in (0, 1, 2, 5)
        for item in (*opens("window-1", night * day + DUSK), contact("window-1", night * day + DAWN, is_open=False))
    ]
    facts = play(*evenings, until_s=7 * day)
    assert [t for name, t, _ in told(facts) if name == "window-1"] == [DUSK + 1800, 5 * day + DUSK + 1800]


def test_a_window_with_a_time_of_its_own_is_told_every_night() -> None:
    evenings = [*opens("window-1", DUSK), contact("window-1", DAWN, is_open=False), *opens("window-1", 24 * HOUR + DUSK)]
    facts = play(*evenings, window_1=Use(open_night_s=600))
    assert [t for name, t, _ in told(facts) if name == "window-1"] == [DUSK + 600, 24 * HOUR + DUSK + 600]


def test_closing_in_time_is_nothing_and_closing_late_ends_it() -> None:
    assert play(*opens("door-1", 0), contact("door-1", 899, is_open=False)) == []
    assert told(play(*opens("door-1", 0), contact("door-1", 1200, is_open=False))) == [("door-1", 900, 900), ("-door-1", 1200, 1200)]


def test_of_one_opening_it_is_told_once_and_of_the_next_again() -> None:
    again = [contact("door-1", 60.0 * i, is_open=True) for i in range(1, 60)]
    assert told(play(*opens("door-1", 0), *again)) == [("door-1", 900, 900)]
    facts = play(*opens("door-1", 0), contact("door-1", 1000, is_open=False), contact("door-1", 1010, is_open=True))
    assert [name for name, _, _ in told(facts)] == ["door-1", "-door-1", "door-1"]


def test_a_time_given_for_the_day_holds_for_the_night_too() -> None:
    use = Use(open_s=120)
    assert told(play(*opens("cabinet-1", 60), cabinet_1=use)) == [("cabinet-1", 180, 180)]
    assert told(play(*opens("cabinet-1", DUSK), cabinet_1=use)) == [("cabinet-1", DUSK + 120, DUSK + 120)]


def test_a_time_given_for_the_night_leaves_the_day_as_it_was() -> None:
    use = Use(open_night_s=60)
    assert told(play(*opens("door-1", 0), door_1=use)) == [("door-1", 900, 900)]
    assert told(play(*opens("door-1", DUSK), door_1=use)) == [("door-1", DUSK + 60, DUSK + 60)]


def test_no_time_at_all_is_at_once_and_not_before_the_closing_of_the_same_burst() -> None:
    use = Use(open_s=0)
    assert told(play(*opens("cabinet-1", 60), cabinet_1=use)) == [("cabinet-1", 60, 61)]
    assert play(*opens("cabinet-1", 60), contact("cabinet-1", 60.5, is_open=False), cabinet_1=use) == []


def test_a_door_is_told_by_the_limit_of_the_hour_in_which_it_runs_out() -> None:
    assert told(play(*opens("door-1", DUSK - 780))) == [("door-1", DUSK, DUSK)]
    assert told(play(*opens("door-1", DUSK - 300))) == [("door-1", DUSK + 300, DUSK + 300)]
    assert told(play(*opens("door-1", DAWN - 300))) == [("door-1", DAWN + 600, DAWN + 600)]


def test_a_late_opening_counts_from_its_own_time() -> None:
    late = [contact("door-1", 0, is_open=False, t_s=-3000), contact("door-1", 10, is_open=True, t_s=-2000)]
    assert told(play(*late)) == [("door-1", -1100, 11)]


def test_a_late_opening_whose_closing_comes_with_it_is_nothing() -> None:
    assert play(contact("door-1", 10, is_open=True, t_s=-2000), contact("door-1", 10.4, is_open=False, t_s=-500)) == []


def test_a_clock_that_is_ahead_does_not_count_from_the_future() -> None:
    assert told(play(contact("door-1", 0, is_open=False), contact("door-1", 10, is_open=True, t_s=50))) == [("door-1", 910, 910)]


def test_a_reading_older_than_the_newest_changes_nothing() -> None:
    assert told(play(*opens("door-1", 0), contact("door-1", 5, is_open=False, t_s=-5))) == [("door-1", 900, 900)]


@pytest.mark.parametrize("changes", [{}, {"retained": True, "t_s": -5000.0}, {"back": True, "t_s": -5000.0}])
def test_what_is_found_open_says_so(changes: dict[str, float | bool]) -> None:
    (event,) = play(contact("door-1", 0, is_open=True, **changes))
    assert isinstance(event, Event)
    assert event.evidence == {"open_s": 900.0, "covers": "door", "night": False, "found_open": True}
    assert event.t_ns == ns(900)


def test_a_sensor_that_rejoins_open_counts_from_its_return() -> None:
    facts = play(*opens("door-1", 0), contact("door-1", 600, is_open=True, back=True))
    assert told(facts) == [("door-1", 1500, 1500)]
    assert isinstance(facts[0], Event)
    assert facts[0].evidence["found_open"] is True


def test_a_sensor_that_rejoins_after_it_was_told_is_not_told_again_and_its_closing_ends_it() -> None:
    facts = play(*opens("door-1", 0), contact("door-1", 5000, is_open=True, back=True), contact("door-1", 9000, is_open=False))
    assert told(facts) == [("door-1", 900, 900), ("-door-1", 9000, 9000)]


def silent(run: Run, name: str, *, is_silent: bool = True) -> None:
    row = run.premises.registry.row("lakeside", name)
    assert row is not None
    (run.premises.hearing.silent.add if is_silent else run.premises.hearing.silent.discard)(row)


def test_a_sensor_that_is_silent_now_is_not_told_until_it_is_heard_and_open_for_as_long_again() -> None:
    run, stream = run_of(), [*opens("door-1", 0), contact("door-1", 5000, is_open=True, back=True)]
    run.play(stream[:2])
    silent(run, "door-1")
    assert run.advance(ns(4000)) == []
    silent(run, "door-1", is_silent=False)
    assert told(run.play(stream, start=2, until_s=9000)) == [("door-1", 5900, 5900)]


def test_a_retained_word_does_not_wake_a_silent_sensor() -> None:
    run, stream = run_of(), [*opens("door-1", 0), contact("door-1", 5000, is_open=True, retained=True)]
    run.play(stream[:2])
    silent(run, "door-1")
    run.advance(ns(4000))
    silent(run, "door-1", is_silent=False)
    assert run.play(stream, start=2, until_s=9000) == []


def test_after_we_heard_nobody_a_minute_is_given_to_close() -> None:
    run, stream = run_of(), opens("door-1", 0)
    run.play(stream)
    run.premises.hearing.deaf_until_ns = ns(890)
    assert told(run.advance(ns(2000))) == [("door-1", 900, 950)]


def told_by_intrusion(run: Run, t_s: float, seq: int = -1) -> None:
    the = next(one for one in DEVICES if one.id == "door-1")
    fact = Event(
        community_id=the.community_id, kind=EventKind.LEFT_OPEN, subject="b1", t_ns=ns(t_s), known_ns=ns(t_s), seq=seq, cause=the.id
    )
    run.rule.hear([fact])  # type: ignore[attr-defined]


def test_what_the_arming_said_already_is_not_told_again() -> None:
    run, stream = run_of(), [*opens("door-1", 0), contact("door-1", 500, is_open=True, back=True)]
    run.play(stream[:2])
    told_by_intrusion(run, 60)
    assert run.play(stream, start=2, until_s=9000) == []


def test_the_next_opening_after_one_that_the_arming_said_is_told() -> None:
    run, stream = run_of(), [*opens("door-1", 0), contact("door-1", 80, is_open=False), *opens("door-1", 90)]
    run.play(stream[:2])
    told_by_intrusion(run, 60)
    assert told(run.play(stream, start=2, until_s=9000)) == [("door-1", 990, 990)]


def test_what_a_reading_of_the_same_batch_told_settles_that_opening_only() -> None:
    run, stream = (
        run_of(),
        [contact("door-1", 0, is_open=True), contact("door-1", 0.1, is_open=False), contact("door-1", 0.2, is_open=True)],
    )
    told_by_intrusion(run, 0, seq=0)
    assert told(run.play(stream, until_s=9000)) == [("door-1", 900.2, 900.2)]
    again = run_of()
    told_by_intrusion(again, 0.2, seq=2)
    assert again.play(stream, until_s=9000) == []


def test_an_event_is_another_than_the_one_that_the_arming_told_at_that_time() -> None:
    run, stream = run_of(), [*opens("door-1", 0), *opens("door-2", 2)]
    run.play(stream)
    told_by_intrusion(run, 902)
    assert told(run.advance(ns(9000))) == [("door-2", 901.999, 902)]


def test_opened_while_armed_is_told_like_any_other() -> None:
    assert told(play(armed(0), *opens("door-1", 60))) == [("door-1", 960, 960)]


def test_two_of_one_home_at_one_time_are_two_events_and_of_two_homes_are_apart() -> None:
    stream = [contact(name, 0, is_open=True) for name in ("door-2", "door-1", "door-3")]
    facts = play(*stream)
    assert told(facts) == [("door-1", 900, 900), ("door-2", 899.999, 900), ("door-3", 900, 900)]
    assert len({fact.identity for fact in facts if isinstance(fact, Event)}) == 3


def test_what_was_open_before_a_restart_goes_on() -> None:
    run, stream = run_of(), opens("door-1", 0)
    run.play(stream)
    after = run_of()
    after.rule.restore(json.loads(json.dumps(run.rule.snapshot())))
    assert told(after.advance(ns(2000))) == [("door-1", 900, 900)]
