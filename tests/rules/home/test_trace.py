import itertools
import json

from hypothesis import given
from hypothesis import strategies as st

from rules.home.trace import BOUNCE_NS, MOST_STATES, Trace

STATES = st.lists(st.tuples(st.integers(0, 60), st.booleans(), st.booleans()), max_size=60)


def trace(*states: tuple[int, bool]) -> Trace:
    made = Trace()
    for t_ns, is_on in states:
        made.add(t_ns, is_on=is_on, is_live=True)
    return made


def turned_on(made: Trace) -> list[int]:
    """Times of all that turned on."""
    kept = made.kept()
    return [int(after[0]) for before, after in itertools.pairwise(kept) if after[1] and not before[1]]


@given(states=st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=20, unique_by=lambda state: state[0]), data=st.data())
def test_heard_in_any_order_it_is_what_it_was_last_and_turned_on_when_it_said_so(
    states: list[tuple[int, bool]], data: st.DataObject
) -> None:
    shuffled = trace(*data.draw(st.permutations(states)))
    assert shuffled.is_on == trace(*sorted(states)).is_on
    assert set(turned_on(shuffled)) <= {t_ns for t_ns, is_on in states if is_on}


@given(states=STATES)
def test_it_stays_small_and_in_order_and_keeps_only_the_ends_of_a_run(states: list[tuple[int, bool, bool]]) -> None:
    made = Trace()
    for t_ns, is_on, is_live in states:
        made.add(t_ns, is_on=is_on, is_live=is_live)
    kept = made.kept()
    assert len(kept) <= MOST_STATES
    assert [state[0] for state in kept] == sorted(state[0] for state in kept)
    assert all(not kept[i][1] == kept[i + 1][1] == kept[i + 2][1] for i in range(len(kept) - 2))
    assert Trace(json.loads(json.dumps(kept))).kept() == kept


def test_what_was_heard_before_is_heard_once() -> None:
    made = trace((10, False), (20, True), (30, False))
    assert made.add(20, is_on=True, is_live=True) is None
    assert turned_on(made) == [20]


def test_a_late_turning_on_finds_its_place() -> None:
    made = trace((10, False), (30, False))
    at = made.add(20, is_on=True, is_live=True)
    assert at is not None
    assert not made.is_newest(at)
    found = made.turned_on(at)
    assert found is not None
    assert found.t_ns == 20


def test_a_late_turning_off_shows_the_turning_on_after_it() -> None:
    made = trace((10, False), (20, True), (40, True))
    at = made.add(30, is_on=False, is_live=True)
    assert at is not None
    found = made.turned_on(at)
    assert found is not None
    assert found.t_ns == 40


def test_the_first_thing_that_is_heard_turned_nothing_on() -> None:
    made = trace()
    assert made.add(10, is_on=True, is_live=True) == 0
    assert made.turned_on(0) is None


def test_off_for_less_than_a_second_is_a_bounce() -> None:
    for off_ns, expected in ((BOUNCE_NS - 1, True), (BOUNCE_NS, False)):
        made = trace((0, True), (10, False), (10 + off_ns // 2, False), (10 + off_ns, True))
        assert made.newest is not None
        assert made.is_bounce(made.newest) is expected


def test_it_is_no_bounce_where_it_was_never_on() -> None:
    made = trace((0, False), (10, True))
    assert made.newest is not None
    assert not made.is_bounce(made.newest)
