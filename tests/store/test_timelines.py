"""What an auditor reads of an incident, on both databases."""

import json
from concurrent.futures import ThreadPoolExecutor, wait
from io import BytesIO
from typing import Any

import pytest
from fakes.pictures import MAKER, photo
from PIL import Image
from stories import ESTATE

from devices.model import NS_PER_S, CommunityId, HomeId, PersonId
from incidents import desk
from incidents.model import Act, Do, Incident, IncidentState, Outcome, Quiet, Refused
from incidents.timeline import Because, Cause, Entry, EntryKind
from rules.kinds import EventKind, Mode
from rules.model import Event
from store import configuration, timelines, views
from store.acts import act_on, silence
from store.estates import Estates
from store.ledger import DatabaseBook, add_event
from store.session import Database

WILLOW = CommunityId("willow")
GUARD = PersonId("day-guard")
T0_NS = 1_772_416_800 * NS_PER_S  # 10:00 in Shanghai
JPEG = photo()


def ns(seconds: float) -> int:
    return T0_NS + round(seconds * NS_PER_S)


@pytest.fixture
def willow(database: Database) -> Database:
    with database.write() as session:
        configuration.append_community(session, WILLOW, 0, json.dumps(ESTATE))
    return database


def happens(database: Database, at_s: float, kind: EventKind, subject: str, **fields: Any) -> Incident:
    event = Event(community_id=WILLOW, kind=kind, subject=subject, t_ns=ns(at_s), known_ns=ns(at_s), seq=1, **fields)
    with database.write() as session:
        book = DatabaseBook(session, WILLOW, ns(at_s))
        add_event(session, event)
        outcome = desk.take(event, book, Estates().community(session, WILLOW).directory, ns(at_s))
        book.put(outcome)
    return outcome.incidents[0]


def acts(database: Database, at_s: float, do: Do, subject: str, **fields: Any) -> None:
    act = Act(by=GUARD, do=do, subject=subject, **fields)
    assert isinstance(act_on(database, Estates(), WILLOW, act, ns(at_s)), Outcome)


def passes(database: Database, to_s: float) -> None:
    with database.write() as session:
        directory = Estates().community(session, WILLOW).directory
        book = DatabaseBook(session, WILLOW, ns(to_s))
        due_ns = book.next_due() or ns(to_s)
        book.put(desk.sweep(book, directory, ns(to_s)), Because(cause=Cause.TIME, late_ns=ns(to_s) - due_ns))


def entries(database: Database, incident: Incident) -> list[Entry]:
    with database.read() as session:
        return [entry for _, entry in timelines.read(session, WILLOW, incident.id)]


def kinds(database: Database, incident: Incident) -> list[tuple[float, str]]:
    return [((one.at_ns - T0_NS) / NS_PER_S, one.kind.value) for one in entries(database, incident)]


def test_a_story_stands_in_it_from_the_reading_to_the_end(willow: Database) -> None:
    incident = happens(willow, 0, EventKind.SOS, "zhou-fen", score=0.97, evidence={"impact_g": 3.2})
    acts(willow, 20, Do.ACKNOWLEDGE, "zhou-fen", eta_min=10)
    acts(willow, 30, Do.ACKNOWLEDGE, "zhou-fen", eta_min=5)
    passes(willow, 400)
    acts(willow, 500, Do.ON_SCENE, "zhou-fen")
    acts(willow, 900, Do.RESOLVE, "zhou-fen")
    assert kinds(willow, incident) == [
        (0, "event"),
        (0, "state"),
        *[(0, "told")] * 2,
        (20, "state"),
        (30, "act"),
        (400, "state"),
        (400, "told"),
        (500, "state"),
        (900, "state"),
        *[(900, "told")] * 2,
    ]


def test_a_decision_is_there_with_its_score_and_evidence(willow: Database) -> None:
    incident = happens(willow, 0, EventKind.SOS, "zhou-fen", score=0.97, evidence={"impact_g": 3.2, "still": True})
    detail = entries(willow, incident)[0].detail
    assert (detail["kind"], detail["score"], detail["evidence"]) == ("sos", 0.97, {"impact_g": 3.2, "still": True})


def test_a_change_says_who_why_and_until_when(willow: Database) -> None:
    incident = happens(willow, 0, EventKind.SOS, "zhou-fen")
    acts(willow, 20, Do.ACKNOWLEDGE, "zhou-fen", eta_min=10)
    taken = next(one for one in entries(willow, incident) if one.by == GUARD and one.kind is EntryKind.STATE)
    assert (taken.detail["before"], taken.detail["state"], taken.detail["do"], taken.detail["cause"]) == (
        *("open", "acknowledged", "acknowledge", "act"),
    )
    assert taken.detail["eta_ns"] == ns(620)


def test_what_time_did_says_how_late_it_was(willow: Database) -> None:
    incident = happens(willow, 0, EventKind.SOS, "zhou-fen")
    acts(willow, 20, Do.ACKNOWLEDGE, "zhou-fen", eta_min=1)
    passes(willow, 82.5)
    expired = next(one for one in entries(willow, incident) if one.detail.get("before") == "acknowledged")
    assert (expired.detail["cause"], expired.detail["late_ms"]) == ("time", 2500)


def test_what_is_over_and_what_is_held_back_is_there(willow: Database) -> None:
    quiet = Quiet(by=GUARD, subject="b1-101", reason="换锁", until_ns=ns(600))
    outcome = silence(willow, Estates(), WILLOW, quiet, ns(0))
    assert isinstance(outcome, Outcome)
    assert kinds(willow, outcome.incidents[0]) == [(0, "event"), (0, "state")]
    incident = happens(willow, 10, EventKind.INTRUSION, "b1-101", cause="door-1")
    held = entries(willow, incident)[-1]
    assert (held.kind, held.detail) == (EntryKind.HELD, {"until_ns": ns(600)})


def test_a_refused_silence_writes_nothing(willow: Database) -> None:
    quiet = Quiet(by=PersonId("hospital"), subject="b1-101", reason="x", until_ns=ns(600))
    assert isinstance(silence(willow, Estates(), WILLOW, quiet, ns(0)), Refused)
    with willow.read() as session:
        assert views.open_incidents(session, WILLOW) == ()


def test_a_silence_and_a_mode_are_found_by_another_process(willow: Database) -> None:
    silence(willow, Estates(), WILLOW, Quiet(by=GUARD, subject="b1-101", reason="x", until_ns=ns(600)), ns(0))
    with willow.write() as session:
        configuration.change_mode(session, WILLOW, HomeId("b1-101"), Mode.AWAY, at_ns=ns(5), by=GUARD)
    with willow.read() as session:
        book = DatabaseBook(session, WILLOW, ns(10))
        assert [one.state for one in book.quiets()] == [IncidentState.ACKNOWLEDGED]
        assert (book.mode(HomeId("b1-101"), ns(4)), book.mode(HomeId("b1-101"), ns(5))) == (Mode.DISARMED, Mode.AWAY)


def test_notes_and_pictures_are_added_to_what_is_open_and_to_what_is_over(willow: Database) -> None:
    incident = happens(willow, 0, EventKind.SOS, "zhou-fen")
    acts(willow, 20, Do.RESOLVE, "zhou-fen")
    with willow.write() as session:
        assert isinstance(timelines.note(session, WILLOW, incident.id, by=GUARD, text=" 在厨房 ", at_ns=ns(30)), int)
        number = timelines.add_photo(session, WILLOW, incident.id, by=GUARD, photo=timelines.drawn_anew(JPEG), at_ns=ns(40))
    assert [(one.kind, one.by, one.detail) for one in entries(willow, incident)[-2:]] == [
        (EntryKind.NOTE, GUARD, {"text": "在厨房"}),
        (EntryKind.PHOTO, GUARD, {}),
    ]
    with willow.read() as session:
        assert isinstance(number, int)
        kept = timelines.photo(session, WILLOW, incident.id, number)
    assert kept is not None
    assert kept.media_type == "image/jpeg"
    with Image.open(BytesIO(kept.content)) as shown:
        assert (shown.size, shown.getexif()) == ((48, 64), {})  # upright, as it was taken
        assert shown.getpixel((24, 8)) == pytest.approx((254, 0, 0), abs=8)
    assert MAKER.encode() not in kept.content


@pytest.mark.parametrize("content", [b"", b"<svg onload=alert(1)>", b"GIF89a", JPEG[:200], JPEG + b"0" * timelines.LARGEST_PHOTO])
def test_what_is_no_picture_or_too_large_is_refused(willow: Database, content: bytes) -> None:
    incident = happens(willow, 0, EventKind.SOS, "zhou-fen")
    with willow.write() as session:
        drawn = timelines.drawn_anew(content)
        assert isinstance(timelines.add_photo(session, WILLOW, incident.id, by=GUARD, photo=drawn, at_ns=0), str)
    assert not [one for one in entries(willow, incident) if one.kind is EntryKind.PHOTO]


@pytest.mark.parametrize("text", ["", "   ", "x" * (timelines.LONGEST_NOTE + 1)])
def test_an_empty_note_or_a_book_is_refused(willow: Database, text: str) -> None:
    incident = happens(willow, 0, EventKind.SOS, "zhou-fen")
    with willow.write() as session:
        assert isinstance(timelines.note(session, WILLOW, incident.id, by=GUARD, text=text, at_ns=0), str)


def test_who_looked_is_noted_the_first_time(willow: Database) -> None:
    incident = happens(willow, 0, EventKind.SOS, "zhou-fen")
    with willow.write() as session:
        assert timelines.opened(session, WILLOW, incident.id, by=GUARD, at_ns=ns(5))
        assert not timelines.opened(session, WILLOW, incident.id, by=GUARD, at_ns=ns(6))
        assert timelines.opened(session, WILLOW, incident.id, by=PersonId("zhou-jie"), at_ns=ns(7))
    assert [(one.by, one.at_ns) for one in entries(willow, incident) if one.kind is EntryKind.OPENED] == [
        (GUARD, ns(5)),
        ("zhou-jie", ns(7)),
    ]


def test_who_ends_a_silence_did_nothing_about_what_it_held_back(willow: Database) -> None:
    begun = silence(willow, Estates(), WILLOW, Quiet(by=GUARD, subject="willow", reason="停电", until_ns=ns(6000)), ns(0))
    assert isinstance(begun, Outcome)
    incident = happens(willow, 10, EventKind.INTRUSION, "b1-101", cause="door-1")
    acts(willow, 20, Do.RESOLVE, "willow")
    assert kinds(willow, begun.incidents[0]) == [(0, "event"), (0, "state"), (20, "state")]
    assert kinds(willow, incident) == [(10, "event"), (10, "state"), (10, "held"), (20, "released"), (20, "told"), (20, "told")]


def test_who_opens_a_page_twice_at_one_time_is_noted_once(willow: Database) -> None:
    incident = happens(willow, 0, EventKind.SOS, "zhou-fen")

    def look() -> bool:
        with willow.write() as session:
            return timelines.opened(session, WILLOW, incident.id, by=GUARD, at_ns=ns(6))

    with ThreadPoolExecutor(1) as pool:
        with willow.write() as session:
            assert timelines.opened(session, WILLOW, incident.id, by=GUARD, at_ns=ns(5))
            second = pool.submit(look)
            wait([second], timeout=0.2)
        assert not second.result()


def test_who_ended_the_silence_that_held_it_back_is_there_once(willow: Database) -> None:
    quiet = Quiet(by=GUARD, subject="b1-101", reason="换锁", until_ns=ns(600))
    outcome = silence(willow, Estates(), WILLOW, quiet, ns(0))
    assert isinstance(outcome, Outcome)
    incident = happens(willow, 10, EventKind.INTRUSION, "b1-101", cause="door-1")
    ending = Act(by=GUARD, do=Do.RESOLVE, subject="b1-101")
    act_on(willow, Estates(), WILLOW, ending, ns(60), incident_id=outcome.incidents[0].id)
    assert [(one.at_ns, one.by) for one in entries(willow, incident) if one.kind is EntryKind.RELEASED] == [(ns(60), GUARD)]


def test_a_silence_that_ends_as_planned_is_there_too(willow: Database) -> None:
    silence(willow, Estates(), WILLOW, Quiet(by=GUARD, subject="b1-101", reason="换锁", until_ns=ns(600)), ns(0))
    incident = happens(willow, 10, EventKind.INTRUSION, "b1-101", cause="door-1")
    passes(willow, 600)
    assert [(one.at_ns, one.by) for one in entries(willow, incident) if one.kind is EntryKind.RELEASED] == [(ns(600), None)]
