"""Questions of the pages, on both databases."""

from collections.abc import Callable
from dataclasses import replace

from devices.model import CommunityId, HomeId, PersonId
from incidents.directory import Channel, Severity
from incidents.model import Ended, Incident, IncidentId, IncidentState, Outcome, Purpose, Story
from rules.kinds import Mode
from store import configuration, outbox, views
from store.ledger import DatabaseBook
from store.outbox import Attempted, DeliveryOutcome, NotificationState
from store.session import Database

WILLOW, POPLAR = CommunityId("willow"), CommunityId("poplar")
Made = Callable[..., Incident]


def put(database: Database, *incidents: Incident, duties: tuple = (), now_ns: int = 1_000) -> None:
    with database.write() as session:
        DatabaseBook(session, incidents[0].community_id, now_ns).put(Outcome(incidents=incidents, duties=duties))


def over(incident: Incident, ended_ns: int) -> Incident:
    ended = {"ended": Ended.BY_RESPONDER, "ended_by": PersonId("guard"), "ended_ns": ended_ns}
    return replace(incident, state=IncidentState.RESOLVED, **ended)


def send(database: Database, now_ns: int, outcome: DeliveryOutcome = DeliveryOutcome.DELIVERED) -> None:
    with database.write() as session:
        for one in outbox.claim(session, now_ns, 30, 10, "me"):
            outbox.prepare(session, one, channel=Channel.SMS, gateway="console", text=f"to {one.duty.to}")
            outbox.record(session, one.community_id, one.id, one.attempt, Attempted(outcome=outcome, at_ns=now_ns + 5))


def test_the_gravest_incident_comes_first_then_what_nobody_has_then_the_oldest(database: Database, incident_of: Made) -> None:
    def made(id_: str, severity: Severity, opened_ns: int, state: IncidentState = IncidentState.OPEN) -> Incident:
        return replace(incident_of(id_, severity=severity, subject=id_, state=state), opened_ns=opened_ns)

    put(
        database,
        made("notice", Severity.NOTICE, 1),
        made("had", Severity.LIFE, 2, IncidentState.ACKNOWLEDGED),
        made("second", Severity.LIFE, 4),
        made("first", Severity.LIFE, 3, IncidentState.SUSPECTED),
        over(made("over", Severity.LIFE, 1), 5),
    )
    with database.read() as session:
        assert [one.id for one in views.open_incidents(session, WILLOW)] == ["first", "second", "had", "notice"]


def test_of_what_is_over_the_last_comes_first_and_no_more_than_asked_for(database: Database, incident_of: Made) -> None:
    put(database, *(over(incident_of(f"i-{n}", subject=f"s-{n}"), ended_ns) for n, ended_ns in enumerate((30, 10, 20))))
    with database.read() as session:
        assert [one.id for one in views.closed_incidents(session, WILLOW, 2)] == ["i-0", "i-2"]


def test_no_question_is_answered_out_of_another_community(database: Database, incident_of: Made, duty_of: Callable[..., object]) -> None:
    found = incident_of()
    put(database, found, duties=(duty_of(found),))
    send(database, 2_000)
    with database.write() as session:
        configuration.change_mode(session, WILLOW, HomeId("b1-101"), Mode.AWAY, at_ns=1, by=PersonId("guard"))
    with database.read() as session:
        assert views.open_incidents(session, POPLAR) == ()
        assert views.closed_incidents(session, POPLAR, 9) == ()
        assert views.incident(session, POPLAR, found.id) is None
        assert views.tellings(session, POPLAR, [found.id]) == {found.id: ()}
        assert views.recipients(session, POPLAR) == ()
        assert views.messages(session, POPLAR, PersonId("zhou-jie"), 9) == ()
        assert views.modes(session, POPLAR) == {}
        assert views.open_incidents(session, POPLAR) == ()
        assert views.signal(session, POPLAR) == "0-0"


def test_who_was_told_stands_with_every_attempt_and_what_came_of_it(
    database: Database, incident_of: Made, duty_of: Callable[..., object]
) -> None:
    found, other = incident_of(), incident_of("cross-1", story=Story.PERIMETER)
    put(database, found, other, duties=(duty_of(found), duty_of(other, to="guard")))
    with database.write() as session:
        (one,) = [one for one in outbox.claim(session, 2_000, 30, 10, "me") if one.duty.to == "zhou-jie"]
        outbox.prepare(session, one, channel=Channel.SMS, gateway="console", text="words")
        outbox.record(session, WILLOW, one.id, 1, Attempted(outcome=DeliveryOutcome.RETRY, at_ns=2_100, retry_ns=2_200))
    send(database, 3_000, DeliveryOutcome.REJECTED)
    with database.read() as session:
        told = views.tellings(session, WILLOW, [found.id, IncidentId("none")])
    assert told[IncidentId("none")] == ()
    (telling,) = told[found.id]
    assert (telling.to, telling.purpose, telling.channel, telling.state) == ("zhou-jie", Purpose.TELL, "sms", NotificationState.FAILED)
    assert [(one.attempt, one.outcome, one.updated_ns) for one in telling.attempts] == [(1, "retry", 2_100), (2, "rejected", 3_005)]


def test_what_was_not_handed_over_yet_is_no_message(database: Database, incident_of: Made, duty_of: Callable[..., object]) -> None:
    found = incident_of()
    put(database, found, duties=(duty_of(found),))
    with database.read() as session:
        assert views.recipients(session, WILLOW) == (PersonId("zhou-jie"),)
        assert views.messages(session, WILLOW, PersonId("zhou-jie"), 9) == ()


def test_the_newest_message_comes_first_and_so_does_who_heard_last(
    database: Database, incident_of: Made, duty_of: Callable[..., object]
) -> None:
    found = incident_of()
    put(database, found, duties=(duty_of(found), duty_of(found, to="guard")), now_ns=1_000)
    with database.write() as session:
        for step in (1, 2):
            outbox.add(session, duty_of(found, step=step), 1_000 + step)
    send(database, 2_000)
    with database.read() as session:
        assert views.recipients(session, WILLOW) == ("zhou-jie", "guard")
        shown = views.messages(session, WILLOW, PersonId("zhou-jie"), 2)
    assert [(one.created_ns, one.text) for one in shown] == [(1_002, "to zhou-jie"), (1_001, "to zhou-jie")]


def test_a_home_is_in_the_mode_that_was_said_last(database: Database) -> None:
    with database.write() as session:
        for at_ns, mode in ((5, Mode.AWAY), (9, Mode.NIGHT)):
            configuration.change_mode(session, WILLOW, HomeId("b1-101"), mode, at_ns=at_ns, by=PersonId("guard"))
    with database.read() as session:
        assert views.modes(session, WILLOW) == {"b1-101": views.ModeSince(mode=Mode.NIGHT, since_ns=9, by=PersonId("guard"))}


def test_the_last_changes_of_each_home_stand_newest_first(database: Database) -> None:
    with database.write() as session:
        for n in range(4):
            for home in ("b1-101", "b1-102"):
                by = PersonId(f"p-{n}-{home}")
                configuration.change_mode(session, WILLOW, HomeId(home), list(Mode)[n], at_ns=10 * n, by=by)
        configuration.change_mode(session, WILLOW, HomeId("b1-103"), Mode.NIGHT, at_ns=1, by=PersonId("guard"))
        configuration.change_mode(session, POPLAR, HomeId("b1-101"), Mode.NIGHT, at_ns=1, by=PersonId("guard"))
    with database.read() as session:
        history = views.mode_history(session, WILLOW, 3)
        assert {home: [one.by for one in changes] for home, changes in history.items()} == {
            "b1-101": ["p-3-b1-101", "p-2-b1-101", "p-1-b1-101"],
            "b1-102": ["p-3-b1-102", "p-2-b1-102", "p-1-b1-102"],
            "b1-103": ["guard"],
        }
        assert {home: changes[0] for home, changes in history.items()} == views.modes(session, WILLOW)


def test_the_signal_changes_with_every_decision_and_every_answer_of_a_gateway(
    database: Database, incident_of: Made, duty_of: Callable[..., object]
) -> None:
    signals = []

    def look() -> None:
        with database.read() as session:
            signals.append(views.signal(session, WILLOW))

    look()
    found = incident_of()
    put(database, found, duties=(duty_of(found),))
    look()
    send(database, 2_000, DeliveryOutcome.ACCEPTED)
    look()
    with database.write() as session:
        (telling,) = views.tellings(session, WILLOW, [found.id])[found.id]
        outbox.record(session, WILLOW, telling.id, 1, Attempted(outcome=DeliveryOutcome.DELIVERED, at_ns=3_000))
    look()
    with database.write() as session:
        configuration.change_mode(session, WILLOW, HomeId("b1-101"), Mode.AWAY, at_ns=1, by=PersonId("guard"))
    look()
    assert len(set(signals)) == len(signals)
