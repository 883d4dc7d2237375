"""Acts and modes of the pages, each in one transaction, on both databases."""

import json

import pytest
from stories import ESTATE, estate

from devices.model import NS_PER_S, CommunityId, HomeId, PersonId
from incidents.desk import take
from incidents.model import Act, Do, Incident, IncidentId, IncidentState, Outcome, Refused
from rules.home import codes
from rules.kinds import EventKind, Mode
from rules.model import Event
from store import configuration, outbox, views
from store.acts import CHANGED, Answered, act_on, answer, set_mode
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


def test_an_act_that_is_said_again_on_a_bad_line_counts_once(willow: Database) -> None:
    incident = happened(willow, EventKind.SOS)
    said = Act(by=GUARD, do=Do.ACKNOWLEDGE, subject="zhou-fen", eta_min=10, id="0f1e2d3c-4b5a")
    for seconds in (1, 300):
        assert isinstance(act_on(willow, Estates(), WILLOW, said, T0_NS + seconds * NS_PER_S, incident_id=incident.id), Outcome)
    assert now(willow, incident).eta_ns == T0_NS + 601 * NS_PER_S
    assert isinstance(act(willow, Do.RESOLVE, only=incident.id), Outcome)
    again = act_on(willow, Estates(), WILLOW, said, T0_NS + 400 * NS_PER_S, incident_id=incident.id)
    assert again == Outcome(), "although it is over by now"


def test_an_act_on_what_stands_otherwise_by_now_is_not_done(willow: Database) -> None:
    incident = happened(willow, EventKind.SOS)
    seen = now(willow, incident).stands
    act(willow, Do.ACKNOWLEDGE)
    late = Act(by=PersonId("zhou-jie"), do=Do.ACKNOWLEDGE, subject="zhou-fen")
    refused = act_on(willow, Estates(), WILLOW, late, T0_NS + 2 * NS_PER_S, incident_id=incident.id, stands=seen)
    assert refused == Refused(reason=CHANGED)
    assert now(willow, incident).acknowledged_by == GUARD
    seen = now(willow, incident).stands
    assert isinstance(act_on(willow, Estates(), WILLOW, late, T0_NS + 3 * NS_PER_S, incident_id=incident.id, stands=seen), Outcome)


def test_who_is_asked_to_take_it_may_take_it_by_an_answer_from_outside_and_others_may_not(willow: Database) -> None:
    incident = happened(willow, EventKind.SOS)
    act(willow, Do.ACKNOWLEDGE)
    over = Act(by=GUARD, do=Do.HAND_OVER, subject="zhou-fen", to=PersonId("zhou-jie"))
    assert isinstance(act_on(willow, Estates(), WILLOW, over, T0_NS + 2 * NS_PER_S, incident_id=incident.id), Outcome)

    def answers(by: str) -> Answered:
        said = Act(by=PersonId(by), do=Do.ACKNOWLEDGE, subject="zhou-fen")
        return answer(willow, Estates(), WILLOW, said, incident_id=incident.id, now_ns=T0_NS + 3 * NS_PER_S)

    assert [answers("hospital"), answers("zhou-jie")] == [Answered.TAKEN, Answered.DONE]
    assert now(willow, incident).acknowledged_by == "zhou-jie"


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


CODE, FORCED = codes.digest("2580", bytes(16)), codes.digest("8520", bytes(16))


@pytest.fixture
def with_codes(database: Database) -> Database:
    """The estate, where she and the guard have codes, she has a phone, and whoever lives there would be told first."""
    given = estate()
    for person in given["people"]:
        if person["id"] in {"zhou-fen", "day-guard"}:
            person.update(code=CODE, duress_code=FORCED, phone="+8613900000009")
    given["policies"][0]["steps"][0]["tell"] = ["occupants", "zhou-fen", "relatives", "roster:gate"]
    with database.write() as session:
        configuration.append_community(session, WILLOW, 0, json.dumps(given))
    return database


def typed(database: Database, by: str, code: str | None, home: str = "b1-101") -> int | Refused:
    return set_mode(database, Estates(), WILLOW, HomeId(home), Mode.DISARMED, by=PersonId(by), now_ns=T0_NS, code=code)


def opened(database: Database) -> list[Incident]:
    with database.read() as session:
        return list(DatabaseBook(session, WILLOW, T0_NS).all_open())


def modes(database: Database) -> dict[str, views.ModeSince]:
    with database.read() as session:
        return dict(views.modes(session, WILLOW))


def test_a_code_of_ones_own_changes_the_mode_and_calls_nobody(with_codes: Database) -> None:
    assert typed(with_codes, "zhou-fen", "2580") == T0_NS
    assert modes(with_codes)["b1-101"].mode is Mode.DISARMED
    assert opened(with_codes) == []


@pytest.mark.parametrize("by", ["zhou-fen", "day-guard"])
def test_the_code_under_duress_shows_the_mode_like_any_other_and_calls_for_help(with_codes: Database, by: str) -> None:
    assert typed(with_codes, by, "8520") == T0_NS
    assert modes(with_codes) == {"b1-101": views.ModeSince(mode=Mode.DISARMED, since_ns=T0_NS, by=PersonId(by))}
    (incident,) = opened(with_codes)
    assert (incident.kind, incident.subject, incident.home_id, incident.state) == ("duress", "zhou-fen", "b1-101", IncidentState.OPEN)
    assert incident.headline.evidence == {"by": by}


def test_its_sms_goes_to_nobody_who_lives_there(with_codes: Database) -> None:
    typed(with_codes, "zhou-fen", "8520")
    (incident,) = opened(with_codes)
    with with_codes.read() as session:
        told = views.tellings(session, WILLOW, [incident.id])[incident.id]
    assert {one.to for one in told} == {"zhou-jie", "day-guard"}


@pytest.mark.parametrize(
    ("by", "code", "home"),
    [
        ("zhou-fen", "0000", "b1-101"),
        ("zhou-fen", "", "b1-101"),
        ("zhou-jie", "2580", "b1-101"),  # is hers
        ("zhou-fen", "8520", "b1-102"),  # no home of hers
        ("emma-xu", None, "b1-101"),
    ],
)
def test_a_code_that_is_not_theirs_and_a_home_that_is_not_are_refused_in_the_same_words(
    with_codes: Database, by: str, code: str | None, home: str
) -> None:
    assert typed(with_codes, by, code, home) == Refused(reason=f"{by} may not change the mode of {home}")
    assert modes(with_codes) == {}
    assert opened(with_codes) == []
