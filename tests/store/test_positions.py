from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import ledger, positions
from store.model import PositionLostError, StoreError
from store.positions import Position
from store.session import Database

Made = Callable[..., Any]
STREAM = "2026-03-01T06:00:00.000000001Z"

states = st.dictionaries(
    st.sampled_from(["willow/w-1", "willow/w-2", "lake/w-1"]),
    st.one_of(
        st.none(),
        st.integers(-(2**63), 2**63 - 1),
        st.lists(st.text(max_size=5), max_size=3),
        st.dictionaries(st.text(max_size=5), st.booleans()),
    ),
    max_size=3,
)


def at(database: Database, *partitions: int, stream: str = STREAM) -> dict[int, Position]:
    with database.write() as session:
        return positions.positions(session, stream, partitions)


def test_a_stream_begins_at_nothing(database: Database) -> None:
    assert at(database, 3, 0) == {0: Position(seq=0, epoch=0), 3: Position(seq=0, epoch=0)}


def test_positions_move_on_and_stay(database: Database) -> None:
    begun = at(database, 0, 1, 2)
    with database.write() as session:
        moved = positions.advance(session, STREAM, {0: 10, 2: 0}, begun)
    assert moved == {0: Position(seq=10, epoch=1), 2: Position(seq=0, epoch=1)}
    assert at(database, 0, 1, 2) == {**begun, **moved}


def test_a_stream_made_anew_has_positions_of_its_own(database: Database) -> None:
    begun = at(database, 0)
    with database.write() as session:
        positions.advance(session, STREAM, {0: 10}, begun)
        assert positions.known_streams(session) == {STREAM}
    assert at(database, 0, stream="2026-03-02T00:00:00Z") == {0: Position(seq=0, epoch=0)}


def test_who_lost_a_position_writes_nothing(database: Database, event_of: Made) -> None:
    begun = at(database, 0, 1)
    with database.write() as session:
        positions.advance(session, STREAM, {1: 5}, begun)

    def judge() -> None:
        with database.write() as session:
            ledger.add_event(session, event_of(1_000))
            positions.advance(session, STREAM, {0: 7, 1: 7}, begun)

    with pytest.raises(PositionLostError, match="partition 1 is no longer at epoch 0"):
        judge()
    assert at(database, 0, 1) == {0: Position(seq=0, epoch=0), 1: Position(seq=5, epoch=1)}
    with database.write() as session:
        assert ledger.add_event(session, event_of(1_000))


def test_a_position_nobody_began_is_lost(database: Database) -> None:
    with pytest.raises(PositionLostError), database.write() as session:
        positions.advance(session, STREAM, {4: 1}, {4: Position(seq=0, epoch=0)})


def test_a_position_does_not_move_back(database: Database) -> None:
    with pytest.raises(StoreError, match="cannot move back to 1"), database.write() as session:
        positions.advance(session, STREAM, {0: 1}, {0: Position(seq=2, epoch=0)})


def test_of_workers_who_fight_for_a_partition_each_record_is_judged_by_one(url: str, opened: Made) -> None:
    won: list[int] = []

    def work(_: int) -> None:
        database = opened(url)
        for _ in range(8):
            known = at(database, 0)
            try:
                with database.write() as session:
                    moved = positions.advance(session, STREAM, {0: known[0].seq + 1}, known)
            except PositionLostError:
                continue
            won.append(moved[0].seq)

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(work, range(3)))
    assert sorted(won) == list(range(1, len(won) + 1))
    assert at(opened(url), 0)[0] == Position(seq=len(won), epoch=len(won))


@given(st.lists(states, max_size=4))
@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_saving_what_changed_saves_the_whole_snapshot(database: Database, snapshots: list[dict[str, Any]]) -> None:
    with database.read() as session:
        before = positions.decisions(session).get("sos", {})
    for snapshot in snapshots:
        with database.write() as session:
            positions.save_decisions(session, "sos", *positions.changes(before, snapshot))
        before = snapshot
    with database.read() as session:
        assert positions.decisions(session).get("sos", {}) == before


def test_only_what_changed_is_saved() -> None:
    assert positions.changes({"a": [1], "b": 2, "c": None}, {"a": [1], "b": 3, "d": 4}) == ({"b": 3, "d": 4}, {"c"})


def test_rules_do_not_mix(database: Database) -> None:
    with database.write() as session:
        positions.save_decisions(session, "sos", {"willow/w-1": 1})
        positions.save_decisions(session, "fall", {"willow/w-1": 2})
        positions.save_decisions(session, "sos", {}, gone=["willow/w-1"])
    with database.read() as session:
        assert positions.decisions(session) == {"fall": {"willow/w-1": 2}}


def test_what_is_set_aside_is_counted_by_community_reason_and_day(database: Database) -> None:
    for counts in ({("willow", "json"): 2, ("", "topic"): 1}, {("willow", "json"): 3}, {}):
        with database.write() as session:
            positions.count_rejected(session, "2026-03-01", counts)
    with database.read() as session:
        assert positions.rejected(session, "willow", "2026-03-01") == {"json": 5}
        assert positions.rejected(session, "", "2026-03-01") == {"topic": 1}
        assert positions.rejected(session, "willow", "2026-03-02") == {}
