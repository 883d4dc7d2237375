from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from devices.model import NS_PER_S, CommunityId, PersonId
from incidents.directory import Channel, Severity
from incidents.model import Duty, Incident, IncidentId, Outcome, Purpose, Story
from store import outbox
from store.ledger import DatabaseBook
from store.model import StoreError
from store.outbox import Attempted, DeliveryOutcome, Notification, NotificationState
from store.session import Database

Made = Callable[..., Any]
WILLOW = CommunityId("willow")
TOLD = "fall-1:tell:0:0:zhou-jie:sms"
LEASE_S = 10.0
SILENCE_NS = 20 * NS_PER_S


@pytest.fixture
def incident(database: Database, incident_of: Made) -> Incident:
    """An open incident that is in the database."""
    made = incident_of()
    write(database, made)
    return made


def write(database: Database, incident: Incident, *duties: Duty, now_ns: int = 0) -> None:
    with database.write() as session:
        DatabaseBook(session, incident.community_id, now_ns).put(Outcome(incidents=(incident,), duties=duties))


def add(database: Database, *duties: Duty, now_ns: int = 0) -> list[bool]:
    with database.write() as session:
        return [outbox.add(session, duty, now_ns) for duty in duties]


def claim(database: Database, now_ns: int = 0, worker: str = "one", limit: int = 10) -> list[Notification]:
    with database.write() as session:
        return outbox.claim(session, now_ns, LEASE_S, limit, worker, silence_ns=SILENCE_NS)


def record(database: Database, attempt: int, outcome: str, at_ns: int = 0, **others: Any) -> NotificationState:
    with database.write() as session:
        return outbox.record(session, WILLOW, TOLD, attempt, Attempted(outcome=DeliveryOutcome(outcome), at_ns=at_ns, **others))


def cancel(database: Database) -> int:
    with database.write() as session:
        return outbox.cancel_unsent(session, WILLOW, IncidentId("fall-1"))


def due(database: Database) -> int | None:
    with database.read() as session:
        return outbox.next_due(session)


def fallbacks(database: Database, now_ns: int) -> list[str]:
    with database.write() as session:
        return [one.id for one in outbox.take_fallbacks(session, now_ns, 10)]


def test_the_same_duty_is_told_once(database: Database, incident: Incident, duty_of: Made) -> None:
    assert add(database, duty_of(incident), duty_of(incident)) == [True, False]
    assert [one.attempt for one in claim(database)] == [1]
    record(database, 1, "accepted")
    assert add(database, duty_of(incident)) == [False]
    assert claim(database, 3600 * NS_PER_S) == []


def test_the_same_incident_id_in_two_communities_is_told_in_both(
    database: Database, incident: Incident, incident_of: Made, duty_of: Made
) -> None:
    other = incident_of(community_id="lake")
    write(database, other, duty_of(other))
    add(database, duty_of(incident))
    assert [(one.community_id, one.id) for one in claim(database)] == [("lake", TOLD), ("willow", TOLD)]


def test_a_claim_gives_the_duty_as_it_was_written(database: Database, incident: Incident, duty_of: Made) -> None:
    duty = duty_of(incident, channel=None)
    add(database, duty, now_ns=7)
    (claimed,) = claim(database, 8)
    assert (claimed.duty, claimed.created_ns, claimed.previous) == (duty, 7, None)


def test_life_safety_goes_first_then_what_waits_longest(database: Database, incident: Incident, incident_of: Made, duty_of: Made) -> None:
    notice = incident_of("open-1", story=Story.LEFT_OPEN, severity=Severity.NOTICE)
    write(database, notice)
    add(database, duty_of(notice, "a"), now_ns=1)
    add(database, duty_of(incident, "b"), now_ns=3)
    add(database, duty_of(incident, "c"), now_ns=2)
    assert [one.duty.to for one in claim(database, 5, limit=2)] == ["c", "b"]
    assert [one.duty.to for one in claim(database, 5)] == ["a"]


def test_claimers_never_share(url: str, opened: Made, incident_of: Made, duty_of: Made) -> None:
    incident = incident_of()
    write(opened(url), incident, *[duty_of(incident, f"p{number}") for number in range(40)])

    def claimed(worker: int) -> list[str]:
        database = opened(url)
        return [one.id for _ in range(5) for one in claim(database, worker=str(worker), limit=3)]

    with ThreadPoolExecutor(3) as threads:
        ids = [one for found in threads.map(claimed, range(3)) for one in found]
    ids += [one.id for one in claim(opened(url), limit=40)]
    assert len(ids) == len(set(ids)) == 40


def test_a_lease_that_ran_out_is_claimable_and_says_that_the_last_attempt_is_unsure(
    database: Database, incident: Incident, duty_of: Made
) -> None:
    add(database, duty_of(incident))
    claim(database, 0, "dies")
    assert claim(database, round(LEASE_S * NS_PER_S) - 1) == []
    assert due(database) == round(LEASE_S * NS_PER_S)
    (again,) = claim(database, round(LEASE_S * NS_PER_S))
    assert (again.attempt, again.previous) == (2, DeliveryOutcome.BEGUN)


def test_what_is_to_be_tried_again_is_not_before_its_time(database: Database, incident: Incident, duty_of: Made) -> None:
    add(database, duty_of(incident))
    claim(database)
    assert record(database, 1, "retry", retry_ns=50, code="429") is NotificationState.WAITING
    assert claim(database, 49) == []
    assert due(database) == 50
    assert [one.previous for one in claim(database, 50)] == [DeliveryOutcome.RETRY]


@pytest.mark.parametrize(("outcome", "others"), [("retry", {}), ("accepted", {"retry_ns": 5})])
def test_a_time_to_try_again_belongs_to_retry(
    outcome: str, others: dict[str, int], database: Database, incident: Incident, duty_of: Made
) -> None:
    add(database, duty_of(incident))
    claim(database)
    with pytest.raises(StoreError, match="must have one with retry"):
        record(database, 1, outcome, **others)


def test_an_attempt_that_was_never_made_is_refused(database: Database, incident: Incident, duty_of: Made) -> None:
    add(database, duty_of(incident))
    with pytest.raises(StoreError, match="has no attempt 1"):
        record(database, 1, "accepted")


def test_what_was_delivered_stays_delivered(database: Database, incident: Incident, duty_of: Made) -> None:
    add(database, duty_of(incident))
    claim(database)
    assert record(database, 1, "accepted") is NotificationState.ACCEPTED
    assert record(database, 1, "delivered") is NotificationState.DELIVERED
    for late in ("accepted", "rejected", "unknown"):
        assert record(database, 1, late) is NotificationState.DELIVERED
    assert due(database) is None


def test_an_accepted_attempt_does_not_become_unsure(database: Database, incident: Incident, duty_of: Made) -> None:
    add(database, duty_of(incident))
    claim(database)
    record(database, 1, "accepted")
    assert record(database, 1, "unknown") is NotificationState.ACCEPTED
    assert record(database, 1, "retry", retry_ns=5) is NotificationState.ACCEPTED
    assert due(database) == SILENCE_NS


def test_an_attempt_whose_lease_ran_out_counts_if_it_got_through(database: Database, incident: Incident, duty_of: Made) -> None:
    add(database, duty_of(incident))
    claim(database)
    claim(database, round(LEASE_S * NS_PER_S))
    assert record(database, 1, "rejected") is NotificationState.WAITING
    assert record(database, 2, "accepted") is NotificationState.ACCEPTED
    with database.read() as session:
        assert [one.outcome for one in outbox.deliveries(session, WILLOW, [TOLD])] == ["rejected", "accepted"]


def test_what_is_cancelled_while_it_is_sent_is_said_to_be_sent_and_not_tried_again(
    database: Database, incident: Incident, duty_of: Made
) -> None:
    add(database, duty_of(incident))
    claim(database)
    assert cancel(database) == 1
    assert record(database, 1, "retry", retry_ns=5) is NotificationState.CANCELLED
    assert record(database, 1, "accepted") is NotificationState.ACCEPTED
    assert due(database) is None


def test_a_failure_after_somebody_has_it_falls_back_to_nothing(database: Database, incident: Incident, duty_of: Made) -> None:
    add(database, duty_of(incident))
    claim(database)
    record(database, 1, "accepted")
    assert cancel(database) == 0
    assert record(database, 1, "rejected", at_ns=5) is NotificationState.FAILED
    assert fallbacks(database, 2 * SILENCE_NS) == []


def test_a_failure_falls_back_at_once(database: Database, incident: Incident, duty_of: Made) -> None:
    add(database, duty_of(incident))
    claim(database)
    record(database, 1, "rejected", at_ns=5)
    assert due(database) == 5
    assert fallbacks(database, 5) == [TOLD]


def test_a_failure_after_silence_does_not_fall_back_once_more(database: Database, incident: Incident, duty_of: Made) -> None:
    add(database, duty_of(incident))
    claim(database)
    record(database, 1, "accepted")
    assert fallbacks(database, SILENCE_NS) == [TOLD]
    assert record(database, 1, "rejected", at_ns=2 * SILENCE_NS) is NotificationState.FAILED
    assert fallbacks(database, 2 * SILENCE_NS) == []


def test_an_ending_falls_back_after_a_failure_and_not_after_silence(database: Database, incident: Incident, duty_of: Made) -> None:
    add(database, duty_of(incident, purpose=Purpose.ENDING))
    (claimed,) = claim(database)
    assert fallbacks(database, 2 * SILENCE_NS) == []
    with database.write() as session:
        rejected = Attempted(outcome=DeliveryOutcome.REJECTED, at_ns=7)
        outbox.record(session, WILLOW, claimed.id, 1, rejected)
    assert fallbacks(database, 7) == [claimed.id]


def test_silence_is_counted_from_the_first_attempt_whatever_becomes_of_it(database: Database, incident: Incident, duty_of: Made) -> None:
    add(database, duty_of(incident))
    claim(database)
    record(database, 1, "retry", retry_ns=5)
    claim(database, 5)
    assert fallbacks(database, SILENCE_NS - 1) == []
    assert fallbacks(database, SILENCE_NS) == [TOLD]


def test_a_claim_leaves_what_is_less_grave_than_asked_for(database: Database, incident: Incident, incident_of: Made, duty_of: Made) -> None:
    notice = incident_of("open-1", story=Story.LEFT_OPEN, severity=Severity.NOTICE)
    write(database, notice, duty_of(notice), duty_of(incident))
    with database.write() as session:
        assert [one.id for one in outbox.claim(session, 0, LEASE_S, 5, "one", least=Severity.LIFE)] == [TOLD]


def unsettled(database: Database, since_ns: int = 0) -> list[tuple[str, int]]:
    with database.read() as session:
        return [(one.notification_id, one.attempt) for one in outbox.unsettled(session, since_ns, 10)]


def test_what_was_accepted_is_unsettled_until_the_last_word(database: Database, incident: Incident, duty_of: Made) -> None:
    add(database, duty_of(incident))
    claim(database)
    assert unsettled(database) == []
    record(database, 1, "accepted", provider_id="SM1", gateway="twilio")
    assert (unsettled(database), unsettled(database, 1)) == ([(TOLD, 1)], [])
    record(database, 1, "delivered")
    assert unsettled(database) == []


def test_what_is_unknown_is_claimed_again_when_the_gateway_can_be_asked(database: Database, incident: Incident, duty_of: Made) -> None:
    add(database, duty_of(incident))
    claim(database)
    assert record(database, 1, "unknown", retry_ns=5) is NotificationState.WAITING
    assert [one.previous for one in claim(database, 5)] == [DeliveryOutcome.UNKNOWN]
    assert record(database, 2, "unknown", at_ns=6) is NotificationState.UNKNOWN
    assert claim(database, SILENCE_NS) == []
    assert fallbacks(database, 6) == [TOLD]


def test_what_the_gateway_has_under_an_id_is_known_or_not(database: Database, incident: Incident, duty_of: Made) -> None:
    add(database, duty_of(incident))
    claim(database)
    record(database, 1, "accepted", provider_id="SM1", gateway="twilio")
    with database.read() as session:
        found = [outbox.delivery_of(session, *asked) for asked in (("twilio", "SM1"), ("twilio", "SM2"), ("console", "SM1"))]
        assert [one and (one.notification_id, one.attempt) for one in found] == [(TOLD, 1), None, None]


def test_what_one_attempt_has_got_through_another_does_not_undo(database: Database, incident: Incident, duty_of: Made) -> None:
    add(database, duty_of(incident))
    claim(database)
    claim(database, round(LEASE_S * NS_PER_S))
    record(database, 1, "accepted")
    for outcome, others in (("retry", {"retry_ns": 5}), ("unknown", {"retry_ns": 5}), ("rejected", {})):
        assert record(database, 2, outcome, **others) is NotificationState.ACCEPTED


def test_silence_falls_back_once_and_not_before_its_time(database: Database, incident: Incident, duty_of: Made) -> None:
    add(database, duty_of(incident))
    claim(database)
    record(database, 1, "accepted")
    assert [fallbacks(database, SILENCE_NS + more_ns) for more_ns in (-1, 0, 1)] == [[], [TOLD], []]


def test_a_fallback_is_lost_with_its_transaction(database: Database, incident: Incident, duty_of: Made) -> None:
    add(database, duty_of(incident))
    claim(database)
    record(database, 1, "accepted")

    def broken() -> None:
        with database.write() as session:
            outbox.take_fallbacks(session, SILENCE_NS, 10)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert fallbacks(database, SILENCE_NS) == [TOLD]


def test_a_thread_is_what_one_person_is_told_of_an_incident(database: Database, incident: Incident, duty_of: Made) -> None:
    add(database, duty_of(incident), duty_of(incident, channel=Channel.VOICE), duty_of(incident, "guard"), now_ns=1)
    add(database, duty_of(incident, round=1), duty_of(incident, step=1), duty_of(incident, purpose=Purpose.ENDING), now_ns=2)
    with database.read() as session:

        def channels(**which: Any) -> list[Channel | None]:
            return [one.duty.channel for one in outbox.thread(session, WILLOW, incident.id, PersonId("zhou-jie"), **which)]

        assert len(channels()) == 5
        assert channels(purpose=Purpose.TELL, round_=0, step=0) == [Channel.SMS, Channel.VOICE]
        assert len(channels(purpose=Purpose.TELL, round_=0)) == 3
        assert outbox.thread(session, CommunityId("lake"), incident.id, PersonId("zhou-jie")) == []


def keep(database: Database, status: str, provider_id: str = "SM1") -> None:
    with database.write() as session:
        outbox.keep_receipt(session, "twilio", provider_id, status=status, code=None, received_ns=5)


def taken(database: Database) -> list[tuple[str, str]]:
    with database.write() as session:
        return [(one.delivery.notification_id, one.status) for one in outbox.take_receipts(session, 10)]


def test_a_receipt_waits_for_the_record_of_its_delivery(database: Database, incident: Incident, duty_of: Made) -> None:
    add(database, duty_of(incident))
    claim(database)
    keep(database, "sent")
    keep(database, "delivered")
    assert taken(database) == []
    record(database, 1, "accepted", gateway="twilio", provider_id="SM1")
    assert taken(database) == [(TOLD, "sent"), (TOLD, "delivered")]
    assert taken(database) == []


def test_a_receipt_that_never_finds_its_delivery_is_forgotten(database: Database) -> None:
    keep(database, "delivered", "SM-of-somebody-else")
    with database.write() as session:
        assert outbox.drop_receipts(session, 5) == 0
        assert outbox.drop_receipts(session, 6) == 1


def test_an_attempt_keeps_what_was_said_and_by_which_channel(database: Database, incident: Incident, duty_of: Made) -> None:
    add(database, duty_of(incident))
    with database.write() as session:
        (claimed,) = outbox.claim(session, 3, LEASE_S, 10, "one", silence_ns=SILENCE_NS)
        outbox.prepare(session, claimed, channel=Channel.SMS, gateway="twilio", text="周芬摔倒了")
    said = {"channel": Channel.SMS, "gateway": "twilio", "provider_id": "SM1"}
    record(database, 1, "accepted", 4, **said)
    record(database, 1, "delivered", 9)
    with database.read() as session:
        (one,) = outbox.deliveries(session, WILLOW, [TOLD])
        assert (one.channel, one.gateway, one.provider_id, one.handed_ns, one.updated_ns) == (*said.values(), 3, 9)
        assert [told.text for told in outbox.thread(session, WILLOW, incident.id, PersonId("zhou-jie"))] == ["周芬摔倒了"]
