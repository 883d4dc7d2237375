"""Acts and modes of the pages, each in one transaction, on both databases."""

import json

import pytest
from stories import ESTATE

from devices.model import NS_PER_S, CommunityId, HomeId, PersonId
from incidents.desk import take
from incidents.model import Act, Do, Incident, IncidentId, IncidentState, Outcome, Refused
from rules.model import Event, EventKind, Mode
from store import configuration, outbox, views
from store.acts import act_on, set_mode
from store.estates import Estates
from store.ledger import DatabaseBook
from store.model import StoreError
from store.session import Database

WILLOW = CommunityId("willow")
T0_NS = 1_772_344_800 * NS_PER_S
GUARD = PersonId("day-guard")


@pytest.fixture
def willow(database: Database) -> Database:
    with database.write() as session:
        configuration.append_community(session, WILLOW, 0, json.dumps(ESTATE))
    return database


def happened(database: Database, kind: EventKind, subject: str = "zhou-fen") -> Incident:
    event = Event(community_id=WILLOW, kind=kind, subject=subject, t_ns=T0_NS, known_ns=T0_NS, seq=1)
    with database.write() as session:
        directory = Estates().community(session, WILLOW).directory
        book = DatabaseBook(session, WILLOW, T0_NS)
        outcome = take(event, book, directory, T0_NS)
        book.put(outcome)
    return outcome.incidents[0]


def act(database: Database, do: Do, by: str = GUARD, only: IncidentId | None = None) -> Outcome | Refused:
    said = Act(by=PersonId(by), do=do, subject="zhou-fen")
    return act_on(database, Estates(), WILLOW, said, T0_NS + NS_PER_S, incident_id=only)


def now(database: Database, incident: Incident) -> Incident:
    with database.read() as session:
        found = views.incident(session, WILLOW, incident.id)
    assert found is not None
    return found


def test_an_act_is_written_with_whom_to_tell(willow: Database) -> None:
    incident = happened(willow, EventKind.SOS)
    with willow.write() as session:
        assert outbox.claim(session, T0_NS, 30, 10, "me")
    outcome = act(willow, Do.RESOLVE)
    assert isinstance(outcome, Outcome)
    assert now(willow, incident).state is IncidentState.RESOLVED
    with willow.read() as session:
        told = views.tellings(session, WILLOW, [incident.id])[incident.id]
    assert {one.to for one in told if one.purpose == "ending"} == {"zhou-jie"}


def test_an_act_takes_back_what_was_not_sent_yet(willow: Database) -> None:
    incident = happened(willow, EventKind.SOS)
    act(willow, Do.ACKNOWLEDGE)
    with willow.write() as session:
        assert outbox.claim(session, T0_NS + NS_PER_S, 30, 10, "me") == []
    assert now(willow, incident).acknowledged_by == GUARD


def test_an_act_means_the_incident_that_was_looked_at_and_not_a_graver_one_of_the_same_person(willow: Database) -> None:
    fallen, gone = happened(willow, EventKind.SOS), happened(willow, EventKind.EXIT)
    assert isinstance(act(willow, Do.RESOLVE, only=gone.id), Outcome)
    assert (now(willow, fallen).is_open, now(willow, gone).is_open) == (True, False)


def test_an_act_without_an_incident_means_the_distress(willow: Database) -> None:
    fallen, gone = happened(willow, EventKind.SOS), happened(willow, EventKind.EXIT)
    act(willow, Do.RESOLVE)
    assert (now(willow, fallen).is_open, now(willow, gone).is_open) == (False, True)


def test_an_act_on_what_is_over_is_refused_although_the_same_person_needs_help_again(willow: Database) -> None:
    first = happened(willow, EventKind.EXIT)
    act(willow, Do.RESOLVE, only=first.id)
    second = happened(willow, EventKind.SOS)
    assert isinstance(act(willow, Do.RESOLVE, only=first.id), Refused)
    assert now(willow, second).is_open


@pytest.mark.parametrize("by", ["nobody", "zhou-fen", ""])
def test_who_does_not_answer_for_it_is_refused_and_nothing_changes(willow: Database, by: str) -> None:
    incident = happened(willow, EventKind.SOS)
    assert isinstance(act(willow, Do.RESOLVE, by), Refused)
    assert now(willow, incident) == incident


def test_an_act_in_an_unknown_community_writes_nothing(willow: Database) -> None:
    said = Act(by=GUARD, do=Do.RESOLVE, subject="zhou-fen")
    with pytest.raises(StoreError, match="there is no community poplar"):
        act_on(willow, Estates(), CommunityId("poplar"), said, T0_NS)
    with willow.read() as session:
        assert views.signal(session, CommunityId("poplar")) == "0-0"


@pytest.mark.parametrize("by", ["zhou-fen", "zhou-jie", "day-guard"])
def test_who_lives_there_their_relatives_and_guards_change_a_mode(willow: Database, by: str) -> None:
    since = set_mode(willow, Estates(), WILLOW, HomeId("b1-101"), Mode.AWAY, by=PersonId(by), now_ns=T0_NS)
    with willow.read() as session:
        assert views.modes(session, WILLOW) == {"b1-101": views.ModeSince(mode=Mode.AWAY, since_ns=T0_NS, by=PersonId(by))}
    assert since == T0_NS


@pytest.mark.parametrize(("home", "by"), [("b1-101", "emma-xu"), ("b1-101", "hospital"), ("b1-101", "nobody"), ("b9-999", "day-guard")])
def test_others_change_no_mode_and_there_must_be_such_a_home(willow: Database, home: str, by: str) -> None:
    refused = set_mode(willow, Estates(), WILLOW, HomeId(home), Mode.AWAY, by=PersonId(by), now_ns=T0_NS)
    assert isinstance(refused, Refused)
    with willow.read() as session:
        assert views.modes(session, WILLOW) == {}
