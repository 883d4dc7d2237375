"""Who signs in by what: codes, passwords, authenticators, invitations, and for how long somebody is in."""

from collections.abc import Iterator
from dataclasses import replace

import pyotp
import pytest
from sqlmodel import SQLModel, select

from devices.model import NS_PER_S
from store import accounts, attempts
from store.accounts import (
    CODE_AGAIN_NS,
    CODE_LASTS_NS,
    INVITED_FOR_NS,
    MOST_TRIES,
    SHORTEST_PASSWORD,
    STEP_S,
    Attempt,
    Invitation,
    SignedIn,
    Tried,
    WeakPasswordError,
)
from store.attempts import CODES_FROM_AN_ADDRESS, CODES_OF_A_NUMBER, WRONG_FROM_AN_ADDRESS, WRONG_OF_A_LOGIN
from store.session import Database
from store.tables import AccountRow, AttemptRow, InvitationRow, SignInCodeRow, SignInRow

KEY, NOW_NS = b"k" * 32, 1_772_416_920 * NS_PER_S
LEI, CHEN, HERE = "+8613800000001", "+8613800000002", "192.0.2.1"
PASSWORD = "灯火 by the lake"  # noqa: S105  of nobody
STEP_NS = STEP_S * NS_PER_S
HOUR_NS = 3600 * NS_PER_S


def asked(database: Database, now_ns: int = NOW_NS, login: str = LEI, address: str = HERE) -> str | None:
    with database.write() as session:
        return accounts.begin_code(session, KEY, Attempt(login=login, address=address, now_ns=now_ns))


def sent(database: Database, now_ns: int = NOW_NS, login: str = LEI) -> str:
    code = asked(database, now_ns, login)
    assert code is not None
    return code


def typed(database: Database, code: str, now_ns: int = NOW_NS, login: str = LEI, address: str = HERE) -> Tried:
    with database.write() as session:
        return accounts.take_code(session, KEY, Attempt(login=login, address=address, now_ns=now_ns), code)


def other(code: str) -> str:
    return "000000" if code != "000000" else "000001"


def invited(database: Database, login: str = CHEN, now_ns: int = NOW_NS) -> Invitation:
    with database.write() as session:
        return accounts.invite(session, KEY, login, now_ns)


def opened(database: Database, token: str, now_ns: int = NOW_NS, key: bytes = KEY) -> Invitation | None:
    with database.read() as session:
        return accounts.invitation(session, key, token, now_ns)


def accepted(database: Database, by: Invitation, now_ns: int = NOW_NS, password: str = PASSWORD, code: str | None = None) -> bool:
    with database.write() as session:
        return accounts.accept(session, KEY, by, password, at(by, now_ns) if code is None else code, now_ns=now_ns)


def at(by: Invitation, now_ns: int) -> str:
    """What the authenticator shows."""
    return pyotp.TOTP(by.totp).at(now_ns // NS_PER_S)


@pytest.fixture
def chen(database: Database) -> Invitation:
    """Has chosen a password a while ago."""
    invitation = invited(database, now_ns=NOW_NS - HOUR_NS)
    assert accepted(database, invitation, NOW_NS - HOUR_NS)
    return invitation


def entered(
    database: Database, by: Invitation, now_ns: int = NOW_NS, *, password: str = PASSWORD, code: str | None = None, login: str = CHEN
) -> Tried:
    attempt = Attempt(login=login, address=HERE, now_ns=now_ns)
    with database.read() as session:
        compared = accounts.compare(session, attempt, password)
    with database.write() as session:
        return accounts.take_password(session, KEY, attempt, compared, at(by, now_ns) if code is None else code)


def signed(database: Database, word: str, now_ns: int = NOW_NS) -> SignedIn | None:
    with database.read() as session:
        return accounts.signed_in(session, word, now_ns)


def let_in(database: Database, login: str = CHEN, *, is_strong: bool = True) -> str:
    with database.write() as session:
        return accounts.sign_in(session, login, NOW_NS, is_strong=is_strong)


def test_the_right_code_is_good_once(database: Database) -> None:
    code = sent(database)
    assert (len(code), code.isdigit()) == (6, True)
    assert typed(database, other(code)) is Tried.WRONG
    assert typed(database, f" {code} ", NOW_NS + CODE_LASTS_NS) is Tried.IN
    assert typed(database, code, NOW_NS + CODE_LASTS_NS) is Tried.WRONG


def test_a_code_is_of_one_number(database: Database) -> None:
    code = sent(database)
    while sent(database, login=CHEN) == code:
        with database.write() as session:
            session.delete(session.get_one(SignInCodeRow, CHEN))
    assert typed(database, code, login=CHEN) is Tried.WRONG
    assert typed(database, code) is Tried.IN


def test_after_five_wrong_codes_the_right_one_is_good_for_nothing(database: Database) -> None:
    code = sent(database)
    assert [typed(database, other(code)) for _ in range(MOST_TRIES)] == [Tried.WRONG] * MOST_TRIES
    assert typed(database, code) is Tried.WRONG
    again = sent(database, NOW_NS + CODE_AGAIN_NS)
    assert typed(database, again, NOW_NS + CODE_AGAIN_NS) is Tried.IN


def test_a_code_is_over_after_ten_minutes_and_with_a_new_one(database: Database) -> None:
    first = sent(database)
    assert typed(database, first, NOW_NS + CODE_LASTS_NS + 1) is Tried.WRONG
    second = sent(database, NOW_NS + CODE_LASTS_NS + 2)
    if first != second:
        assert typed(database, first, NOW_NS + CODE_LASTS_NS + 2) is Tried.WRONG
    assert typed(database, second, NOW_NS + CODE_LASTS_NS + 2) is Tried.IN


def test_who_asks_again_too_soon_gets_no_new_code_and_the_old_one_is_good(database: Database) -> None:
    code = sent(database)
    assert asked(database, NOW_NS + CODE_AGAIN_NS - 1) is None
    assert typed(database, code, NOW_NS + CODE_AGAIN_NS) is Tried.IN


def test_a_number_gets_so_many_codes_an_hour_and_then_more(database: Database) -> None:
    minutes = [NOW_NS + n * CODE_AGAIN_NS for n in range(CODES_OF_A_NUMBER.most + 1)]
    assert [asked(database, now_ns) is not None for now_ns in minutes] == [True] * CODES_OF_A_NUMBER.most + [False]
    assert asked(database, minutes[-1], CHEN) is not None
    assert asked(database, NOW_NS + HOUR_NS) is not None


def test_an_address_gets_so_many_codes_an_hour_and_wears_out_no_number_by_asking_on(database: Database) -> None:
    most = CODES_FROM_AN_ADDRESS.most
    numbers = [f"+86139{n:08d}" for n in range(most + 1)]
    assert [asked(database, login=one) is not None for one in numbers] == [True] * most + [False]
    for n in range(CODES_OF_A_NUMBER.most):
        assert asked(database, NOW_NS + n * CODE_AGAIN_NS) is None
    with database.read() as session:
        assert session.get(AttemptRow, (CODES_OF_A_NUMBER.what, LEI)) is None  # nothing is kept of what was refused
    assert asked(database, address="192.0.2.2") is not None


def test_an_address_may_type_so_many_wrong_codes_and_then_no_right_one_for_a_while(database: Database) -> None:
    code = sent(database)
    for _ in range(WRONG_FROM_AN_ADDRESS.most):
        assert typed(database, code, login=CHEN) is Tried.WRONG
    assert typed(database, code) is Tried.TOO_OFTEN
    assert typed(database, code, address="192.0.2.2") is Tried.IN
    again_ns = NOW_NS + WRONG_FROM_AN_ADDRESS.within_ns
    assert typed(database, sent(database, again_ns), again_ns) is Tried.IN


def test_a_number_that_nobody_has_is_treated_as_any_other(database: Database) -> None:
    """Nothing here knows whether somebody has it: the code is made, and not sent."""
    assert asked(database, login="+8613999999999") is not None
    assert typed(database, "", login="+8613777777777") is Tried.WRONG


def test_a_password_and_the_authenticator_let_in(database: Database, chen: Invitation) -> None:
    assert entered(database, chen) is Tried.IN


@pytest.mark.parametrize(
    "wrong", [{"password": "灯火 by the lakes"}, {"password": ""}, {"code": ""}, {"code": "۱۲۳۴۵۶"}, {"code": "1" * 200}]
)
def test_a_wrong_password_or_a_wrong_code_does_not(database: Database, chen: Invitation, wrong: dict[str, str]) -> None:
    assert entered(database, chen, **wrong) is Tried.WRONG
    assert entered(database, chen, code=other(at(chen, NOW_NS))) is Tried.WRONG
    assert entered(database, chen) is Tried.IN


def test_a_code_of_the_authenticator_is_good_once_and_so_is_every_older_one(database: Database, chen: Invitation) -> None:
    assert entered(database, chen) is Tried.IN
    assert entered(database, chen) is Tried.WRONG
    if (before := at(chen, NOW_NS - STEP_NS)) != at(chen, NOW_NS):
        assert entered(database, chen, code=before) is Tried.WRONG
    assert entered(database, chen, NOW_NS + STEP_NS) is Tried.IN


def test_the_code_with_which_somebody_was_set_up_lets_nobody_in(database: Database) -> None:
    invitation = invited(database)
    assert accepted(database, invitation)
    assert entered(database, invitation) is Tried.WRONG


@pytest.mark.parametrize(("steps", "came_to"), [(-2, Tried.WRONG), (-1, Tried.IN), (1, Tried.IN), (2, Tried.WRONG)])
def test_a_clock_that_is_one_step_off_will_do(database: Database, chen: Invitation, steps: int, came_to: Tried) -> None:
    shown = at(chen, NOW_NS + steps * STEP_NS)
    near = {at(chen, NOW_NS + n * STEP_NS) for n in (-1, 0, 1)}
    assert entered(database, chen, code=f"{shown[:3]} {shown[3:]}") is (Tried.IN if shown in near else came_to)


@pytest.mark.usefixtures("chen")
def test_a_password_that_is_changed_while_it_is_compared_is_a_wrong_one(database: Database) -> None:
    attempt = Attempt(login=CHEN, address=HERE, now_ns=NOW_NS)
    with database.read() as session:
        compared = accounts.compare(session, attempt, PASSWORD)
    assert compared is not None
    assert compared.is_right
    again = invited(database)
    assert accepted(database, again)
    with database.write() as session:
        assert accounts.take_password(session, KEY, attempt, compared, at(again, NOW_NS + STEP_NS)) is Tried.WRONG


def test_after_five_wrong_ones_nobody_gets_in_for_a_quarter_of_an_hour(database: Database, chen: Invitation) -> None:
    for _ in range(WRONG_OF_A_LOGIN.most):
        assert entered(database, chen, password="no") is Tried.WRONG  # noqa: S106  the point
    assert entered(database, chen) is Tried.TOO_OFTEN
    open_ns = NOW_NS + WRONG_OF_A_LOGIN.within_ns
    assert entered(database, chen, open_ns - 1) is Tried.TOO_OFTEN
    assert entered(database, chen, open_ns) is Tried.IN


def test_who_gets_in_begins_anew_with_what_they_may_get_wrong(database: Database, chen: Invitation) -> None:
    for begins in range(2):
        for _ in range(WRONG_OF_A_LOGIN.most - 1):
            assert entered(database, chen, NOW_NS + begins * STEP_NS, password="no") is Tried.WRONG  # noqa: S106  the point
        assert entered(database, chen, NOW_NS + begins * STEP_NS) is Tried.IN


def test_a_login_that_nobody_has_is_a_wrong_one_and_is_counted(database: Database, chen: Invitation) -> None:
    for _ in range(WRONG_OF_A_LOGIN.most):
        assert entered(database, chen, login="lakeside/nobody") is Tried.WRONG
    assert entered(database, chen, login="lakeside/nobody") is Tried.TOO_OFTEN
    assert entered(database, chen) is Tried.IN


def test_a_login_that_nobody_has_takes_as_much_work_as_one_that_is_there(
    database: Database, chen: Invitation, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered(database, chen, login="nobody")  # its hash is made once
    hashed: list[str] = []
    monkeypatch.setattr(accounts, "_matches", lambda kept, _: bool(hashed.append(kept)))
    for login in (CHEN, "nobody"):
        assert entered(database, chen, login=login) is Tried.WRONG
    assert [one.rsplit("$", 2)[0] for one in hashed] == [hashed[0].rsplit("$", 2)[0]] * 2  # the same parameters
    assert hashed[0].startswith("$argon2id$")


def test_an_invitation_is_good_once(database: Database) -> None:
    invitation = invited(database)
    assert opened(database, invitation.token) == invitation
    assert accepted(database, invitation)
    assert opened(database, invitation.token) is None


def test_an_invitation_is_over_after_three_days_and_with_a_new_one(database: Database) -> None:
    invitation = invited(database)
    assert opened(database, invitation.token, NOW_NS + INVITED_FOR_NS - 1) is not None
    assert opened(database, invitation.token, NOW_NS + INVITED_FOR_NS) is None
    again = invited(database)
    assert (opened(database, invitation.token), opened(database, again.token)) == (None, again)
    for none in ("", "x", invitation.token.swapcase()):
        assert opened(database, none) is None


def test_an_invitation_of_another_installation_is_none(database: Database) -> None:
    assert opened(database, invited(database).token, key=b"j" * 32) is None


@pytest.mark.parametrize("password", ["", "x" * (SHORTEST_PASSWORD - 1), f"my {CHEN} phone"])
def test_a_weak_password_is_refused_and_the_invitation_stays_good(database: Database, password: str) -> None:
    invitation = invited(database)
    with pytest.raises(WeakPasswordError) as refused:
        accepted(database, invitation, password=password)
    assert not password or password not in str(refused.value)
    assert opened(database, invitation.token) == invitation


def test_a_wrong_first_code_sets_nothing_up(database: Database) -> None:
    invitation = invited(database)
    assert not accepted(database, invitation, code=other(at(invitation, NOW_NS)))
    assert opened(database, invitation.token) == invitation
    with database.read() as session:
        assert session.get(AccountRow, CHEN) is None


def test_who_chooses_a_new_password_is_signed_out_everywhere_and_the_old_one_is_over(database: Database, chen: Invitation) -> None:
    word, elsewhere = let_in(database), let_in(database, LEI)
    again = invited(database)
    assert accepted(database, again, password=f"{PASSWORD}!")
    assert signed(database, word) is None
    assert signed(database, elsewhere) is not None
    assert entered(database, chen, NOW_NS + STEP_NS) is Tried.WRONG
    assert entered(database, again, NOW_NS + STEP_NS, password=f"{PASSWORD}!") is Tried.IN


def test_who_has_left_gets_in_no_more(database: Database, chen: Invitation) -> None:
    word, invitation = let_in(database), invited(database)
    with database.write() as session:
        accounts.end(session, CHEN)
    assert (signed(database, word), opened(database, invitation.token)) == (None, None)
    assert entered(database, chen) is Tried.WRONG


@pytest.mark.parametrize(("is_strong", "hours"), [(True, 12), (False, 90 * 24)])
def test_a_session_ends_by_itself(database: Database, is_strong: bool, hours: int) -> None:  # noqa: FBT001
    word = let_in(database, is_strong=is_strong)
    ends_ns = NOW_NS + hours * HOUR_NS
    assert signed(database, word, ends_ns - 1) == SignedIn(login=CHEN, is_strong=is_strong, expires_ns=ends_ns)
    assert signed(database, word, ends_ns) is None


def test_signing_out_ends_one_session_on_the_server(database: Database) -> None:
    word, other_device = let_in(database), let_in(database)
    assert word != other_device
    with database.write() as session:
        accounts.sign_out(session, word)
    assert (signed(database, word), signed(database, other_device) is not None) == (None, True)
    for none in ("", "x", word[:-1]):
        assert signed(database, none) is None


def test_what_is_over_is_forgotten_and_nothing_else(database: Database, chen: Invitation) -> None:
    word, invitation = let_in(database), invited(database)
    sent(database)
    assert entered(database, chen, password="no") is Tried.WRONG  # noqa: S106  the point

    def kept(now_ns: int) -> list[int]:
        with database.write() as session:
            accounts.drop(session, now_ns)
        with database.read() as session:
            return [len(session.exec(select(table)).all()) for table in (SignInRow, InvitationRow, SignInCodeRow, AttemptRow, AccountRow)]

    assert kept(NOW_NS + CODE_LASTS_NS) == [1, 1, 1, 4, 1]
    assert signed(database, word) is not None
    assert opened(database, invitation.token) is not None
    assert kept(NOW_NS + INVITED_FOR_NS) == [0, 0, 0, 0, 1]


def rows(database: Database) -> Iterator[SQLModel]:
    with database.read() as session:
        for table in (SignInRow, InvitationRow, SignInCodeRow, AttemptRow, AccountRow):
            yield from session.exec(select(table)).all()


def test_no_secret_is_kept_in_clear(database: Database, chen: Invitation) -> None:
    code, word, invitation = sent(database), let_in(database), invited(database, LEI)
    kept = " ".join(repr(row.model_dump()) for row in rows(database))
    assert kept.count(CHEN) >= 2
    secrets = [word, PASSWORD, chen.token, chen.totp, invitation.token, invitation.totp]
    assert [secret for secret in secrets if secret in kept] == []
    assert code not in {part for row in rows(database) for part in map(str, row.model_dump().values())}


def test_the_same_password_is_kept_differently_for_everybody(database: Database, chen: Invitation) -> None:
    lei = invited(database, LEI)
    assert accepted(database, lei)
    assert chen.totp != lei.totp
    with database.read() as session:
        assert len({row.password_hash for row in session.exec(select(AccountRow))}) == 2


def test_no_secret_is_shown_by_a_log_or_an_error(database: Database) -> None:
    invitation = invited(database)
    shown = repr(invitation)
    assert (invitation.token in shown, invitation.totp in shown, CHEN in shown) == (False, False, True)
    assert replace(invitation, login="x") != invitation


def test_a_limit_counts_from_the_first_and_is_forgotten_when_it_went_well(database: Database) -> None:
    limit = WRONG_OF_A_LOGIN

    def take(now_ns: int) -> bool:
        with database.write() as session:
            return attempts.take(session, limit, CHEN, now_ns)

    def is_spent(now_ns: int) -> bool:
        with database.read() as session:
            return attempts.is_spent(session, limit, CHEN, now_ns)

    assert [take(NOW_NS + n) for n in range(limit.most + 1)] == [True] * limit.most + [False]
    assert (is_spent(NOW_NS + limit.within_ns - 1), is_spent(NOW_NS + limit.within_ns)) == (True, False)
    assert take(NOW_NS + limit.within_ns)
    assert not is_spent(NOW_NS + limit.within_ns)
    for n in range(limit.most):
        take(NOW_NS + n)
    with database.write() as session:
        attempts.forget(session, limit, CHEN)
    assert not is_spent(NOW_NS)
