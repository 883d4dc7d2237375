from collections.abc import Mapping

import numpy as np
import pytest
from builders import Item, ModeChange, Run, acceleration, contact, device, meter, motion, ns, premises

from devices.model import Covers, Device, DeviceKind, HomeId, PersonId
from rules.kinds import Mode
from rules.model import Cleared, Event
from rules.person.absence import NoReturn
from rules.premises import Care, HomePlace, Premises, Use

HOUR = 3600
NIGHT = 12 * HOUR  # 02:00 in Shanghai: streams begin at 14:00
DOOR = device("c-01", DeviceKind.CONTACT, home="b1", covers=Covers.DOOR)
BACK_DOOR = device("c-02", DeviceKind.CONTACT, home="b1", covers=Covers.DOOR)
GATE = device("c-03", DeviceKind.CONTACT, home="b1", covers=Covers.GATE)
WINDOW = device("c-04", DeviceKind.CONTACT, home="b1", covers=Covers.WINDOW)
HALL = device("m-01", DeviceKind.MOTION, home="b1")
WATER = device("v-01", DeviceKind.METER, home="b1")
WATCH = device("w-01", DeviceKind.WEARABLE, home="b1", wearer="wang")
EVERY = (DOOR, BACK_DOOR, GATE, WINDOW, HALL, WATER, WATCH)
USES = {"c-01": Use(is_entry=True), "c-02": Use(is_entry=True), "c-03": Use(is_entry=True)}


def place_of(*devices: Device, care: Care | None = None, uses: Mapping[str, Use] = USES) -> Premises:
    wang = HomePlace(id=HomeId("b1"), occupants=(PersonId("wang"),))
    return premises(*(devices or EVERY), homes=[wang], care={"wang": care or Care()}, uses=uses)


def told(*stream: Item, until_s: float = NIGHT + 30 * HOUR, place: Premises | None = None) -> list[tuple[str, float]]:
    """(what, seconds at which it was known) of each fact."""
    where = place or place_of()
    facts = Run(premises=where, rule=NoReturn(where)).play(stream, until_s=until_s)
    words = {Event: "out", Cleared: "back"}
    return [(words[type(fact)], (fact.known_ns - ns(0)) / 1e9) for fact in facts if isinstance(fact, Event | Cleared)]


def through(at_s: float, door: str = "c-01") -> list[Item]:
    return [contact(door, at_s, is_open=True), contact(door, at_s + 5, is_open=False)]


FIRST: list[Item] = [
    *(contact(one, 0, is_open=False) for one in ("c-01", "c-02", "c-03", "c-04")),
    motion("m-01", 1),
    meter("v-01", 2, water_l=0.0),
]
OUT = [*FIRST, *through(NIGHT)]
MISSED = [("out", NIGHT + 1800)]


def test_who_goes_out_by_night_and_is_not_back_is_missed_with_all_that_is_known() -> None:
    place = place_of()
    (event,) = Run(premises=place, rule=NoReturn(place)).play(OUT, until_s=NIGHT + HOUR)
    assert isinstance(event, Event)
    assert (event.kind, event.subject, event.resident_id, event.home_id, event.cause) == ("no_return", "wang", "wang", "b1", "b1")
    assert (event.t_ns, event.known_ns, event.seq) == (ns(NIGHT + 1800), ns(NIGHT + 1800), -1)


PROOFS: dict[str, list[Item]] = {
    "motion": [motion("m-01", NIGHT + 60)],
    "a window": [contact("c-04", NIGHT + 60, is_open=True)],
    "the door again": through(NIGHT + 60),
    "the other door": through(NIGHT + 60, "c-02"),
}
NO_PROOFS: dict[str, list[Item]] = {
    "motion right behind the door": [motion("m-01", NIGHT + 10)],
    "a retained motion": [motion("m-01", NIGHT + 60, retained=True)],
    "the watch that she wears": [acceleration("w-01", NIGHT + 60, np.vstack([np.zeros((2, 50)), np.sin(np.arange(50))[None]]))],
    "the gate": through(NIGHT + 60, "c-03"),
    "the door at once again": through(NIGHT + 20),
    "a washing machine": [meter("v-01", NIGHT + 60 * i, water_l=10.0 * i) for i in range(1, 20)],
}


@pytest.mark.parametrize("name", PROOFS)
def test_who_is_back_is_not_missed(name: str) -> None:
    assert told(*OUT, *PROOFS[name], until_s=NIGHT + 5 * HOUR) == []


@pytest.mark.parametrize("name", NO_PROOFS)
def test_what_shows_nobody_inside_brings_nobody_back(name: str) -> None:
    assert told(*OUT, *NO_PROOFS[name], until_s=NIGHT + 5 * HOUR) == MISSED


def test_water_hours_later_shows_that_she_is_there() -> None:
    later = [meter("v-01", NIGHT + 3 * HOUR, water_l=0.0), meter("v-01", NIGHT + 3 * HOUR + 900, water_l=9.0)]
    assert told(*OUT, *later, until_s=NIGHT + 5 * HOUR) == [*MISSED, ("back", NIGHT + 3 * HOUR + 900.25)]


def test_out_back_and_out_again_is_out() -> None:
    assert told(*OUT, *through(NIGHT + 300), *through(NIGHT + 900), until_s=NIGHT + 2 * HOUR) == [("out", NIGHT + 900 + 1800)]


def test_a_door_that_stood_open_and_is_closed_at_night_is_no_leaving_by_night() -> None:
    stream = [contact("c-01", NIGHT - HOUR, is_open=True), motion("m-01", NIGHT - 3500), contact("c-01", NIGHT, is_open=False)]
    assert told(*FIRST, *stream, until_s=NIGHT + 5 * HOUR) == []


def test_a_gate_is_an_entry_where_there_is_no_door() -> None:
    place = place_of(GATE, HALL)
    stream = [contact("c-03", 0, is_open=False), motion("m-01", 1), *through(NIGHT, "c-03")]
    assert told(*stream, until_s=NIGHT + HOUR, place=place) == MISSED


def test_a_door_inside_the_home_is_none() -> None:
    place = place_of(DOOR, HALL, uses={"c-01": Use()})
    assert told(contact("c-01", 0, is_open=False), motion("m-01", 1), *through(NIGHT), until_s=NIGHT + 20 * HOUR, place=place) == []


@pytest.mark.parametrize("first", [[], [contact("c-01", 0, is_open=False, retained=True)]])
def test_a_doors_first_word_is_a_state_unless_one_was_kept(first: list[Item]) -> None:
    stream = [*first, motion("m-01", 1), contact("c-01", NIGHT, is_open=True)]
    assert told(*stream, until_s=NIGHT + HOUR) == (MISSED if first else [])


def test_a_door_that_comes_back_open_from_silence_is_no_leaving() -> None:
    assert told(*FIRST, contact("c-01", NIGHT, is_open=True, back=True), until_s=NIGHT + 5 * HOUR) == []


def test_who_left_while_we_heard_nobody_ourselves_is_not_missed() -> None:
    place = place_of()
    run = Run(premises=place, rule=NoReturn(place))
    assert run.play(OUT, until_s=NIGHT + 60) == []
    place.hearing.deaf_until_ns = ns(NIGHT + 600)
    assert run.advance(ns(NIGHT + 5 * HOUR)) == []


@pytest.mark.parametrize("mode", [Mode.AWAY, Mode.HOLIDAY])
def test_a_mode_that_was_away_for_a_while_excuses_her(mode: Mode) -> None:
    said = [ModeChange(at_s=NIGHT + 60, home="b1", mode=mode), ModeChange(at_s=NIGHT + 600, home="b1", mode=Mode.HOME)]
    assert told(*OUT, *said, until_s=NIGHT + 5 * HOUR) == []


def test_a_sensor_silent_for_a_while_is_remembered_over_a_restart() -> None:
    place = place_of()
    run = Run(premises=place, rule=NoReturn(place))
    run.play([*FIRST, meter("v-01", 600, water_l=5.0), *through(NIGHT)], until_s=NIGHT + 60)
    place.hearing.silent.update({0, 4, 5})  # the door, the hall and the meter, which alone speaks by itself
    run.advance(ns(NIGHT + 600))
    place.hearing.silent.clear()
    after = Run(premises=place, rule=NoReturn(place))
    after.rule.restore(run.rule.snapshot())
    assert after.advance(ns(NIGHT + 5 * HOUR)) == []


def test_comings_and_goings_without_end_are_forgotten() -> None:
    place = place_of(DOOR)
    run = Run(premises=place, rule=NoReturn(place))
    run.play([contact("c-01", 0, is_open=False), *(item for i in range(99) for item in through(600.0 * (i + 1)))], until_s=20 * HOUR)
    assert len(run.rule.snapshot()["lakeside/home:b1"]["edges"]) <= 2 * 17
