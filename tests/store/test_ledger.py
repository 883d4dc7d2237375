from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from devices.model import NS_PER_S, CommunityId, DeviceId, PersonId
from incidents.book import Book
from incidents.desk import act, sweep, take
from incidents.directory import Directory
from incidents.grouping import Thread
from incidents.model import Act, Do, Duty, Incident, IncidentId, IncidentState, Outcome, Purpose, Refused, Story
from rules.kinds import EventKind
from rules.model import Cancelled, Cleared, Event, Fact
from store import ledger, outbox
from store.ledger import DatabaseBook
from store.model import StoreError
from store.session import Database
from store.tables import EventRow, IncidentRow

Made = Callable[..., Any]
WILLOW = CommunityId("willow")
DISTRESS = Thread(Story.DISTRESS, "zhou-fen", "")
_numbers = count()

in_database = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])

numbers = st.integers(-(2**63), 2**63 - 1)
evidence = st.dictionaries(
    st.text(max_size=8),
    st.one_of(numbers, st.booleans(), st.text(max_size=8), st.floats(allow_nan=False, allow_infinity=False)),
    max_size=4,
)
events = st.builds(Event, evidence=evidence, score=st.floats(0, 1), t_ns=numbers, known_ns=numbers)
incidents = st.builds(Incident, headline=events, events=st.lists(events, max_size=3).map(tuple))


@given(incidents)
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
def test_an_incident_comes_back_from_the_database_as_it_was(incident: Incident) -> None:
    stored = TypeAdapter(Incident)
    back = stored.validate_json(stored.dump_json(incident))
    assert back == incident
    assert repr(back.headline.evidence) == repr(dict(incident.headline.evidence))


@given(st.builds(Duty, incident=incidents))
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
def test_a_duty_comes_back_from_the_database_as_it_was(duty: Duty) -> None:
    stored = TypeAdapter(Duty)
    assert stored.validate_json(stored.dump_json(duty)) == duty


def put(database: Database, *incidents: Incident, duties: tuple[Duty, ...] = ()) -> None:
    with database.write() as session:
        DatabaseBook(session, incidents[0].community_id, 5_000).put(Outcome(incidents=incidents, duties=duties))


def test_an_event_is_new_once(database: Database, event_of: Made) -> None:
    with database.write() as session:
        assert ledger.add_event(session, event_of(1_000))
        assert not ledger.add_event(session, event_of(1_000, score=0.5))
    with database.write() as session:
        assert not ledger.add_event(session, event_of(1_000))
        assert session.exec(select(EventRow.score)).all() == [1.0]


@pytest.mark.parametrize("other", [{"community_id": "lake"}, {"kind": EventKind.SOS}, {"subject": "xu-bo"}, {"t_ns": 1_001}])
def test_an_event_of_another_identity_is_new(other: dict[str, Any], database: Database, event_of: Made) -> None:
    with database.write() as session:
        assert ledger.add_event(session, event_of(1_000))
        assert ledger.add_event(session, event_of(**{"t_ns": 1_000} | other))


def test_an_event_names_the_incident_it_is_part_of(database: Database, event_of: Made, incident_of: Made) -> None:
    opening, joining = event_of(1_000), event_of(2_000, kind=EventKind.RECOVERED)
    with database.write() as session:
        ledger.add_event(session, opening)
        ledger.add_event(session, joining)
        DatabaseBook(session, WILLOW, 5_000).put(Outcome(incidents=(incident_of("fall-1"),)))
    with database.write() as session:
        book = DatabaseBook(session, WILLOW, 5_000)
        known = book[IncidentId("fall-1")]
        assert session.exec(select(EventRow.incident_id).order_by("t_ns")).all() == ["fall-1", None]
        book.put(Outcome(incidents=(replace(known, events=(*known.events, joining)),)))
    with database.read() as session:
        assert session.exec(select(EventRow.incident_id)).all() == ["fall-1", "fall-1"]


def test_a_second_open_incident_of_a_thread_is_refused(database: Database, incident_of: Made) -> None:
    put(database, incident_of("fall-1"))
    with pytest.raises(IntegrityError):
        put(database, incident_of("fall-2"))


@pytest.mark.parametrize("other", [{"community_id": "lake"}, {"story": Story.ABSENCE}, {"subject": "xu-bo"}, {"rule": "bath"}])
def test_threads_do_not_mix(other: dict[str, Any], database: Database, incident_of: Made) -> None:
    put(database, incident_of("fall-1"))
    put(database, incident_of("fall-2", **other))
    with database.read() as session:
        assert DatabaseBook(session, WILLOW, 0).open_in(DISTRESS) == incident_of("fall-1")
        assert len(session.exec(select(IncidentRow.id)).all()) == 2


def test_a_closed_incident_makes_room_for_the_next(database: Database, incident_of: Made) -> None:
    put(database, incident_of("fall-1", state=IncidentState.RESOLVED, ended_ns=2_000))
    put(database, incident_of("fall-2"))
    with database.read() as session:
        book = DatabaseBook(session, WILLOW, 0)
        assert book.open_in(DISTRESS) == incident_of("fall-2")
        assert book.last_closed(DISTRESS) == incident_of("fall-1", state=IncidentState.RESOLVED, ended_ns=2_000)


def test_a_book_does_not_write_about_another_community(database: Database, incident_of: Made) -> None:
    with pytest.raises(StoreError, match="must be of willow"), database.write() as session:
        DatabaseBook(session, WILLOW, 0).put(Outcome(incidents=(incident_of(community_id="lake"),)))


def test_an_incident_that_was_written_behind_a_book_s_back_is_not_overwritten(database: Database, incident_of: Made) -> None:
    put(database, incident_of())
    with database.write() as session:
        book, behind = DatabaseBook(session, WILLOW, 0), DatabaseBook(session, WILLOW, 0)
        known = book[IncidentId("fall-1")]
        behind.put(Outcome(incidents=(replace(behind[known.id], round=1),)))
        with pytest.raises(StoreError, match="no longer at version 1"):
            book.put(Outcome(incidents=(replace(known, round=2),)))


def test_writers_of_one_community_lose_nothing_of_each_other(url: str, opened: Made, incident_of: Made) -> None:
    put(opened(url), incident_of())

    def raise_round(_: int) -> None:
        with opened(url).write() as session:
            book = DatabaseBook(session, WILLOW, 0)
            known = book[IncidentId("fall-1")]
            book.put(Outcome(incidents=(replace(known, round=known.round + 1),)))

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(raise_round, range(12)))
    with opened(url).read() as session:
        assert DatabaseBook(session, WILLOW, 0)[IncidentId("fall-1")].round == 12


def states(database: Database) -> dict[str, str]:
    with database.read() as session:
        told = outbox.thread(session, WILLOW, IncidentId("fall-1"), PersonId("zhou-jie"))
        return {one.duty.purpose: one.state for one in told}


@pytest.mark.parametrize("state", [IncidentState.ACKNOWLEDGED, IncidentState.ON_SCENE, IncidentState.FALSE_ALARM])
def test_what_is_taken_on_is_not_told_any_more_but_for_its_ending(
    state: IncidentState, database: Database, incident_of: Made, duty_of: Made
) -> None:
    incident = incident_of()
    put(database, incident, duties=(duty_of(incident), duty_of(incident, purpose=Purpose.ENDING)))
    with database.write() as session:
        book = DatabaseBook(session, WILLOW, 6_000)
        book.put(Outcome(incidents=(replace(book[incident.id], state=state),)))
    assert states(database) == {"tell": "cancelled", "ending": "waiting"}


def test_what_an_act_itself_says_is_told(database: Database, incident_of: Made, duty_of: Made) -> None:
    incident = incident_of(state=IncidentState.ON_SCENE)
    put(database, incident, duties=(duty_of(incident, purpose=Purpose.UPDATE),))
    assert states(database) == {"update": "waiting"}


def test_who_is_told_is_lost_with_its_incident(database: Database, incident_of: Made, duty_of: Made) -> None:
    incident = incident_of()

    def broken() -> None:
        with database.write() as session:
            DatabaseBook(session, WILLOW, 0).put(Outcome(incidents=(incident,), duties=(duty_of(incident),)))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert states(database) == {}


def test_the_sweeper_learns_which_communities_are_due(database: Database, event_of: Made, directory_of: Made) -> None:
    for community_id, at_ns in (("willow", 7), ("lake", 5), ("hill", 40 * NS_PER_S)):
        with database.write() as session:
            book = DatabaseBook(session, CommunityId(community_id), 0)
            book.put(take(event_of(at_ns, community_id=community_id), book, directory_of(community_id), at_ns))
    with database.read() as session:
        assert ledger.next_due(session) == 30 * NS_PER_S + 5
        assert ledger.communities_due(session, 30 * NS_PER_S + 7) == ("lake", "willow")


seconds = st.integers(0, 200)
kinds = st.sampled_from([EventKind.FALL, EventKind.LONG_LIE, EventKind.SOS, EventKind.EXIT, EventKind.RECOVERED, EventKind.CROSS])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("event"), seconds, kinds),
        st.tuples(st.just("cleared"), seconds, kinds),
        st.tuples(st.just("cancelled"), seconds, st.none()),
        st.tuples(st.just("act"), seconds, st.sampled_from(Do)),
        st.tuples(st.just("sweep"), seconds, st.none()),
    ),
    max_size=12,
)


def done(step: tuple[str, Any], book: Any, directory: Directory, now_ns: int) -> Outcome | Refused:
    what, kind = step
    place = {"community_id": directory.community_id, "subject": "zhou-fen", "t_ns": now_ns, "known_ns": now_ns, "seq": 1}
    facts: dict[str, Callable[[], Fact]] = {
        "event": lambda: Event(kind=kind, cause="estate", **place),
        "cleared": lambda: Cleared(kind=kind, cause="estate", **place),
        "cancelled": lambda: Cancelled(device_id=DeviceId("w-1"), **place),
    }
    if what == "act":
        return act(Act(by=PersonId("guard"), do=kind, subject="zhou-fen"), book, directory, now_ns)
    return sweep(book, directory, now_ns) if what == "sweep" else take(facts[what](), book, directory, now_ns)


@given(steps)
@in_database
def test_a_database_answers_what_a_book_in_memory_answers(
    database: Database, directory_of: Made, script: list[tuple[str, int, Any]]
) -> None:
    directory = directory_of(f"willow-{next(_numbers)}")
    memory = Book()
    now_ns = 0
    for what, after_s, kind in script:
        now_ns += after_s * NS_PER_S + 1
        expected = done((what, kind), memory, directory, now_ns)
        with database.write() as session:
            book = DatabaseBook(session, directory.community_id, now_ns)
            outcome = done((what, kind), book, directory, now_ns)
            assert outcome == expected
            if isinstance(outcome, Outcome):
                memory.put(outcome)
                book.put(outcome)
    with database.read() as session:
        book = DatabaseBook(session, directory.community_id, now_ns)
        assert book.next_due() == memory.next_due()
        assert book.due(2**62) == memory.due(2**62)
        assert book.open_about("zhou-fen") == memory.open_about("zhou-fen") == book.all_open()
        for story in Story:
            thread = Thread(story, "zhou-fen", "")
            assert book.open_in(thread) == memory.open_in(thread)
            assert book.last_closed(thread) == memory.last_closed(thread)
