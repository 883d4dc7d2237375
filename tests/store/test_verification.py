"""Codes that show whose a contact method is."""

from dataclasses import replace

import pytest

from devices.model import NS_PER_S, CommunityId
from incidents.directory import Channel, Person, Role
from store import contacts, verification
from store.contacts import ContactMethod, ContactState, Known
from store.model import StoreError
from store.session import Database
from store.tables import ContactCodeRow
from store.verification import AGAIN_NS, LASTS_NS, MOST_TRIES, Confirmed, TooSoonError

WILLOW, KEY, NOW_NS = CommunityId("willow"), b"k" * 32, 1_772_416_920 * NS_PER_S
LEI = Person(
    id="wang-lei", name="王磊", roles=frozenset({Role.RELATIVE}), phone_e164="+8613800000001", channels=(Channel.SMS, Channel.VOICE)
)
AT = ContactMethod(community_id=WILLOW, person=LEI, channel=Channel.SMS)


def begin(database: Database, now_ns: int = NOW_NS, at: ContactMethod = AT) -> str:
    with database.write() as session:
        return verification.begin(session, KEY, at, now_ns)


def confirm(database: Database, code: str, now_ns: int = NOW_NS, key: bytes = KEY, at: ContactMethod = AT) -> Confirmed:
    with database.write() as session:
        return verification.confirm(session, key, at, code, now_ns)


def state(database: Database) -> ContactState | None:
    with database.read() as session:
        return contacts.state(session, WILLOW, LEI, Channel.SMS)


def test_the_right_code_verifies_once_and_mends_what_was_broken(database: Database) -> None:
    with database.write() as session:
        contacts.mark(session, WILLOW, LEI, Known(channel=Channel.SMS, state=ContactState.BROKEN, code="30005", since_ns=1))
    code = begin(database)
    assert (len(code), code.isdigit(), state(database)) == (6, True, ContactState.BROKEN)
    assert confirm(database, f" {code} ", NOW_NS + LASTS_NS) is Confirmed.VERIFIED
    assert state(database) is ContactState.VERIFIED
    assert confirm(database, code) is Confirmed.OVER


def test_after_five_wrong_codes_the_right_one_is_good_for_nothing(database: Database) -> None:
    code = begin(database)
    wrong = "000000" if code != "000000" else "000001"
    assert [confirm(database, wrong) for _ in range(MOST_TRIES)] == [Confirmed.WRONG] * MOST_TRIES
    assert (confirm(database, code), state(database)) == (Confirmed.OVER, None)


def test_a_code_is_over_after_ten_minutes_and_with_a_new_one(database: Database) -> None:
    first = begin(database)
    assert confirm(database, first, NOW_NS + LASTS_NS + 1) is Confirmed.OVER
    second = begin(database, NOW_NS + AGAIN_NS)
    if first != second:
        assert confirm(database, first, NOW_NS + AGAIN_NS) is Confirmed.WRONG
    assert confirm(database, second, NOW_NS + AGAIN_NS) is Confirmed.VERIFIED


def test_no_two_codes_are_made_within_a_minute(database: Database) -> None:
    begin(database)
    with pytest.raises(TooSoonError, match="59 s ago"):
        begin(database, NOW_NS + AGAIN_NS - 1)


def test_a_code_is_for_one_address_of_one_channel_and_one_installation(database: Database) -> None:
    code = begin(database)
    moved = ContactMethod(community_id=WILLOW, person=replace(LEI, phone_e164="+8613800000002"), channel=Channel.SMS)
    called = ContactMethod(community_id=WILLOW, person=LEI, channel=Channel.VOICE)
    assert confirm(database, code, at=moved) is Confirmed.OVER
    assert confirm(database, code, at=called) is Confirmed.OVER
    assert confirm(database, code, key=b"x" * 32) is Confirmed.WRONG
    with pytest.raises(StoreError, match="has no push"):
        begin(database, at=ContactMethod(community_id=WILLOW, person=LEI, channel=Channel.PUSH))


def test_the_database_does_not_hold_the_code(database: Database) -> None:
    code = begin(database)
    with database.read() as session:
        row = session.get_one(ContactCodeRow, (WILLOW, LEI.id, Channel.SMS))
        assert code not in row.model_dump_json()
        assert len(row.digest) == 64
