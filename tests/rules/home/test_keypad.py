import json
from collections.abc import Sequence
from typing import Any

import pytest
from builders import COMMUNITY, Item, ModeChange, Run, device, keypad, ns, premises

from devices.model import DeviceKind, HomeId, PersonId
from rules.home import codes
from rules.home.keypad import Keypad, duress
from rules.kinds import EventKind, Mode
from rules.model import Cleared, Event, Facts, ModeSet
from rules.premises import Codes, HomePlace

HALL = device("k-01", DeviceKind.KEYPAD, home="b1")
BACK = device("k-02", DeviceKind.KEYPAD, home="b1")
SHARED = device("k-03", DeviceKind.KEYPAD, home="b2")
CODELESS = device("k-04", DeviceKind.KEYPAD, home="b3")
HOMELESS = device("k-05", DeviceKind.KEYPAD)


def kept(code: str, duress_code: str | None = None, salt: bytes = bytes(16)) -> Codes:
    return Codes(code=codes.digest(code, salt), duress=duress_code and codes.digest(duress_code, salt))


WANG, LI, ZHAO = PersonId("wang"), PersonId("li"), PersonId("zhao")
HOMES = (
    HomePlace(id=HomeId("b1"), occupants=(WANG,), codes={WANG: kept("2580", "8520"), ZHAO: kept("1357", "7531", b"z" * 16)}),
    HomePlace(id=HomeId("b2"), occupants=(WANG, LI), codes={LI: kept("2468", "8642"), ZHAO: kept("1357", "7531")}),
    HomePlace(id=HomeId("b3"), occupants=(LI,)),
)


def run_of() -> Run:
    place = premises(HALL, BACK, SHARED, CODELESS, HOMELESS, homes=HOMES)
    return Run(premises=place, rule=Keypad(place))


def play(*stream: Item) -> Facts:
    return run_of().play(stream)


def said(facts: Facts) -> Sequence[tuple[Any, ...]]:
    """(mode, who, since), (event, subject, t), (-event, subject, t)."""
    found: list[tuple[Any, ...]] = []
    for fact in facts:
        at_s = (fact.t_ns - ns(0)) / 1e9
        match fact:
            case ModeSet():
                found.append((fact.mode.value, fact.by, at_s))
            case Event() | Cleared():
                found.append((("-" if isinstance(fact, Cleared) else "") + fact.kind, fact.subject, at_s))
    return found


def wrong(at_s: float, name: str = "k-01", **fields: Any) -> Item:
    return keypad(name, at_s, Mode.DISARMED, "0000", **fields)


@pytest.mark.parametrize("mode", Mode)
def test_a_right_code_sets_the_mode_at_once_and_says_who(mode: Mode) -> None:
    run = run_of()
    (fact,) = run.play([keypad("k-01", 5, mode, "1357")])
    assert fact == ModeSet(community_id=COMMUNITY, home_id=HomeId("b1"), mode=mode, by=ZHAO, t_ns=ns(5), known_ns=ns(5), seq=0)
    assert run.premises.modes.changes(COMMUNITY, "b1") == [(ns(5), mode)]


def test_the_mode_that_it_is_in_already_is_set_all_the_same() -> None:
    stream = [keypad("k-01", 0, Mode.AWAY, "2580"), keypad("k-02", 10, Mode.AWAY, "1357")]
    assert said(play(*stream)) == [("away", "wang", 0), ("away", "zhao", 10)]


@pytest.mark.parametrize("mode", Mode)
def test_the_code_under_duress_sets_the_mode_like_any_other_and_calls_for_help(mode: Mode) -> None:
    run = run_of()
    usual, (arming, call) = run_of().play([keypad("k-01", 5, mode, "2580")]), run.play([keypad("k-01", 5, mode, "8520")])
    assert [arming] == usual
    assert call == Event(
        community_id=COMMUNITY,
        kind=EventKind.DURESS,
        subject="wang",
        t_ns=ns(5),
        known_ns=ns(5),
        seq=0,
        device_id=HALL.id,
        resident_id=WANG,
        home_id=HomeId("b1"),
        cause="k-01",
        evidence={"by": "wang"},
    )


@pytest.mark.parametrize(
    ("name", "code", "subject", "resident"),
    [
        ("k-01", "8520", "wang", "wang"),  # lives there
        ("k-01", "7531", "wang", "wang"),  # does not: the one who does
        ("k-03", "8642", "li", "li"),
        ("k-03", "7531", "b2", None),  # two do
    ],
)
def test_it_is_about_who_typed_it_or_the_one_who_lives_there_or_the_home(name: str, code: str, subject: str, resident: str | None) -> None:
    _, call = play(keypad(name, 5, Mode.DISARMED, code))
    assert isinstance(call, Event)
    assert (call.subject, call.resident_id, call.home_id) == (subject, resident, "b1" if name == "k-01" else "b2")


def test_one_persons_code_that_is_anothers_code_under_duress_calls_for_help() -> None:
    place = HomePlace(id=HomeId("b1"), occupants=(WANG, LI), codes={WANG: kept("2580"), LI: kept("1111", "2580")})
    both = premises(HALL, homes=[place])
    facts = Run(premises=both, rule=Keypad(both)).play([keypad("k-01", 0, Mode.DISARMED, "2580")])
    assert said(facts) == [("disarmed", "li", 0), ("duress", "li", 0)]


def test_a_wrong_code_changes_nothing_and_says_nothing() -> None:
    run = run_of()
    assert run.play([wrong(0), keypad("k-01", 1, Mode.AWAY, "2468"), keypad("k-01", 2, Mode.AWAY, "25800")]) == []
    assert run.premises.modes.changes(COMMUNITY, "b1") == []


def test_five_wrong_codes_lock_the_keypad_for_five_minutes_and_say_so_once() -> None:
    stream = [*(wrong(60.0 * i) for i in range(5)), wrong(250), keypad("k-01", 539, Mode.AWAY, "2580"), wrong(539.5)]
    facts = play(*stream)
    assert said(facts) == [("tamper", "k-01", 240)]
    (event,) = facts
    assert isinstance(event, Event)
    assert (event.evidence, event.cause, event.home_id) == ({"wrong_codes": 5, "locked_s": 300.0}, "codes", "b1")


def test_a_right_code_after_the_lock_is_over_ends_it() -> None:
    stream = [*(wrong(i) for i in range(5)), keypad("k-01", 304, Mode.AWAY, "2580"), keypad("k-01", 310, Mode.HOME, "2580")]
    assert said(play(*stream)) == [("tamper", "k-01", 4), ("-tamper", "k-01", 304), ("away", "wang", 304), ("home", "wang", 310)]


def test_each_lock_is_told() -> None:
    stream = [*(wrong(i) for i in range(5)), *(wrong(400 + i) for i in range(5))]
    assert said(play(*stream)) == [("tamper", "k-01", 4), ("tamper", "k-01", 404)]


def test_four_wrong_codes_in_five_minutes_lock_nothing() -> None:
    assert said(play(*(wrong(75.0 * i) for i in range(40)))) == []


def test_a_right_code_makes_the_wrong_ones_before_it_forgotten() -> None:
    stream = [*(wrong(i) for i in range(4)), keypad("k-01", 10, Mode.AWAY, "2580"), *(wrong(20 + i) for i in range(4))]
    assert said(play(*stream)) == [("away", "wang", 10)]


def test_a_locked_keypad_locks_no_other_and_no_other_counts_for_it() -> None:
    stream = [*(wrong(i) for i in range(4)), wrong(4, "k-02"), wrong(5), keypad("k-02", 6, Mode.AWAY, "2580")]
    assert said(play(*stream)) == [("tamper", "k-01", 5), ("away", "wang", 6)]


@pytest.mark.parametrize("behind_s", [0.0, 30.0, 3600.0])
def test_a_flood_of_wrong_codes_costs_no_more_than_five_digests_of_each_code(behind_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    digest = codes.digest

    def counted(code: str, salt: bytes) -> str:
        made.append(code)
        return digest(code, salt)

    monkeypatch.setattr(codes, "digest", counted)
    flood = [keypad("k-01", i / 10, Mode.DISARMED, f"{i:04d}", t_s=i / 10 - behind_s * (1 + i / 500)) for i in range(1000)]
    assert [kind for kind, _, _ in said(play(*flood))] == ["tamper"]
    assert len(made) == 5 * 4


def test_a_retained_message_is_ignored_and_not_counted() -> None:
    stream = [keypad("k-01", 0, Mode.DISARMED, "8520", retained=True), *(wrong(1 + i, retained=True) for i in range(9))]
    assert play(*stream) == []


def test_what_was_typed_more_than_a_minute_ago_opens_no_door() -> None:
    run = run_of()
    late = [keypad("k-01", 3600, Mode.DISARMED, "2580", t_s=0), keypad("k-01", 3601, Mode.DISARMED, "2580", t_s=3540.999)]
    assert run.play(late) == []
    assert run.premises.modes.changes(COMMUNITY, "b1") == []


def test_a_call_for_help_from_an_hour_ago_is_still_one() -> None:
    assert said(play(keypad("k-01", 3600, Mode.DISARMED, "8520", t_s=0))) == [("duress", "wang", 0)]


def test_disarmed_it_is_from_when_the_code_was_typed_and_armed_from_when_that_is_known() -> None:
    stream = [keypad("k-01", 100, Mode.AWAY, "2580", t_s=70), keypad("k-01", 200, Mode.DISARMED, "2580", t_s=170)]
    assert said(play(*stream)) == [("away", "wang", 100), ("disarmed", "wang", 170)]


def test_a_keypad_whose_clock_is_ahead_sets_the_mode_now() -> None:
    assert said(play(keypad("k-01", 100, Mode.DISARMED, "2580", t_s=150))) == [("disarmed", "wang", 100)]


def test_it_is_never_before_the_last_change_of_the_home() -> None:
    stream = [ModeChange(at_s=100, home="b1", mode=Mode.AWAY), keypad("k-01", 101, Mode.DISARMED, "2580", t_s=95)]
    run = run_of()
    assert said(run.play(stream)) == [("disarmed", "wang", 100)]
    assert run.premises.modes.changes(COMMUNITY, "b1") == [(ns(100), Mode.AWAY), (ns(100), Mode.DISARMED)]


def test_what_somebody_said_since_is_the_last_word() -> None:
    """As when the worker was away for an hour: the code came first, and then somebody armed on a page."""
    run = run_of()
    run.premises.modes.change(COMMUNITY, "b1", Mode.AWAY, ns(3000))
    assert said(run.play([keypad("k-01", 10, Mode.DISARMED, "8520")])) == [("duress", "wang", 10)]
    assert run.premises.modes.changes(COMMUNITY, "b1") == [(ns(3000), Mode.AWAY)]


def test_judged_once_more_after_a_start_it_says_the_same_and_appends_nothing() -> None:
    stream = [
        keypad("k-01", 0, Mode.AWAY, "2580"),
        ModeChange(at_s=100, home="b1", mode=Mode.NIGHT),
        keypad("k-01", 101, Mode.DISARMED, "2580", t_s=95),
        keypad("k-02", 200, Mode.HOLIDAY, "1357"),
        ModeChange(at_s=300, home="b1", mode=Mode.HOME),
    ]
    first = run_of()
    facts = first.play(stream)
    again = run_of()
    for at_ns, mode in first.premises.modes.changes(COMMUNITY, "b1"):
        again.premises.modes.change(COMMUNITY, "b1", mode, at_ns)
    typed = [item for item in stream if not isinstance(item, ModeChange)]
    assert said(again.play(typed)) == said(facts)
    assert again.premises.modes.changes(COMMUNITY, "b1") == first.premises.modes.changes(COMMUNITY, "b1")


@pytest.mark.parametrize("name", ["k-04", "k-05"])
def test_where_nobody_has_a_code_and_where_there_is_no_home_nothing_is_said(name: str) -> None:
    assert play(*(wrong(i, name) for i in range(9))) == []


def test_no_code_is_in_a_snapshot_or_in_a_fact() -> None:
    run = run_of()
    facts = run.play([*(keypad("k-01", i, Mode.AWAY, "97531") for i in range(5)), keypad("k-02", 9, Mode.AWAY, "8520")])
    told = f"{facts!r}{json.dumps(run.rule.snapshot())}"
    assert "97531" not in told
    assert "8520" not in told
    assert len(facts) == 3


def test_a_page_without_a_keypad_makes_the_same_call() -> None:
    call = duress(COMMUNITY, HomeId("b1"), (WANG,), ZHAO, t_ns=1, known_ns=2)
    assert (call.subject, call.resident_id, call.device_id, call.seq, call.evidence) == ("wang", "wang", None, -1, {"by": "zhao"})
