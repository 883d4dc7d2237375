"""Who signs in, and by what: residents and families by a code sent to their number, who works here by a password and a second factor.

A login is a number in E.164, or `community/person` of somebody who has none. It says nothing of rights: those follow from the people of
every community who have it (`members`). Nothing here says whether a login is known, neither in words nor by the time that it takes.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.fernet import Fernet, InvalidToken
from sqlmodel import Session, col, delete

from devices.model import NS_PER_S, CommunityId
from incidents.directory import Person
from store import attempts, verification
from store.attempts import CODES_FROM_AN_ADDRESS, CODES_OF_A_NUMBER, WRONG_FROM_AN_ADDRESS, WRONG_OF_A_LOGIN, Limit
from store.estates import Estates
from store.links import digest
from store.model import Community, StoreError
from store.tables import AccountRow, InvitationRow, SignInCodeRow, SignInRow
from store.verification import MOST_TRIES, new_code

CODE_LASTS_NS, CODE_AGAIN_NS = verification.LASTS_NS, verification.AGAIN_NS
INVITED_FOR_NS = 72 * 3600 * NS_PER_S
SHORTEST_PASSWORD = 10
"""Characters (NIST SP 800-63B asks for eight at least beside a second factor)."""

STEP_S = 30
_DRIFT_STEPS = 1
"""An authenticator's clock may be so many steps off (RFC 6238, 5.2)."""

_FAMILY_NS, _STAFF_NS = 90 * 24 * 3600 * NS_PER_S, 12 * 3600 * NS_PER_S
_hasher = PasswordHasher()


class WeakPasswordError(StoreError):
    """A password is too short, or its own login."""


class Tried(StrEnum):
    """What came of signing in. A login that nobody has is a wrong one."""

    IN = "in"
    WRONG = "wrong"
    TOO_OFTEN = "too_often"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody of a community who has a login."""

    community_id: CommunityId
    person: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Who asks, by a cookie.

    Attributes
    ----------
    is_strong : bool
        By password and second factor: without, the rights of who works here are not had.
    """

    login: str
    is_strong: bool
    expires_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Somebody tries to sign in now, from an address of the network."""

    login: str
    address: str
    now_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A password beside the digest that was kept when it was typed, and the digest to keep from now on."""

    kept: str = field(repr=False)
    is_right: bool
    renewed: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A link with which somebody chooses a password, and the secret for their authenticator."""

    token: str = field(repr=False)
    login: str
    totp: str = field(repr=False)


def login_of(community_id: CommunityId, person: Person) -> str:
    """What somebody signs in with."""
    return person.phone_e164 or f"{community_id}/{person.id}"


class Logins:
    """Who has which login, of every community; looked through once for each version of a community."""

    def __init__(self, estates: Estates) -> None:
        self._estates = estates
        self._known: dict[CommunityId, tuple[Community, dict[str, list[Member]]]] = {}

    def members(self, session: Session, login: str) -> tuple[Member, ...]:
        """Everybody of every community who has a login, in the order of the communities and their files."""
        return tuple(one for community_id in self._estates.ids(session) for one in self._of(session, community_id).get(login, ()))

    def _of(self, session: Session, community_id: CommunityId) -> dict[str, list[Member]]:
        community = self._estates.community(session, community_id)
        known = self._known.get(community_id)
        if known is None or known[0] is not community:
            by_login: dict[str, list[Member]] = {}
            for person in (one for one in community.directory.people.values() if one.roles):
                by_login.setdefault(login_of(community_id, person), []).append(Member(community_id=community_id, person=person))
            known = self._known[community_id] = (community, by_login)
        return known[1]


def begin_code(session: Session, key: bytes, by: Attempt) -> str | None:
    """A new code for a number, in the place of any earlier one; None if that was asked for too often."""
    login, now_ns = by.login, by.now_ns
    row = session.get(SignInCodeRow, login, with_for_update=True)
    if row is not None and now_ns - row.sent_ns < CODE_AGAIN_NS:
        return None
    # By address first: who may ask for no more wears out nobody's number, and leaves nothing behind of those that they made up.
    limits = ((CODES_FROM_AN_ADDRESS, by.address), (CODES_OF_A_NUMBER, login))
    if not all(attempts.take(session, limit, whose, now_ns) for limit, whose in limits):
        return None
    code = new_code()
    if row is None:
        row = SignInCodeRow(login=login, digest="", sent_ns=0)
        session.add(row)
    row.digest, row.sent_ns, row.tries = _code_digest(key, login, code), now_ns, 0
    session.flush()
    return code


def take_code(session: Session, key: bytes, by: Attempt, code: str) -> Tried:
    """Take a code that was typed; the right one is good once."""
    now_ns = by.now_ns
    if attempts.is_spent(session, WRONG_FROM_AN_ADDRESS, by.address, now_ns):
        return Tried.TOO_OFTEN
    row = session.get(SignInCodeRow, by.login, with_for_update=True)
    typed = _code_digest(key, by.login, "".join(code.split()))
    is_open = row is not None and row.tries < MOST_TRIES and now_ns - row.sent_ns <= CODE_LASTS_NS
    if row is None or not hmac.compare_digest(row.digest, typed) or not is_open:
        attempts.take(session, WRONG_FROM_AN_ADDRESS, by.address, now_ns)
        if row is not None:
            row.tries += 1
            session.flush()
        return Tried.WRONG
    session.delete(row)
    return Tried.IN


def invite(session: Session, key: bytes, login: str, now_ns: int) -> Invitation:
    """A link with which a login chooses its password, once; earlier ones end."""
    session.exec(delete(InvitationRow).where(col(InvitationRow.login) == login))
    made = Invitation(token=secrets.token_urlsafe(16), login=login, totp=pyotp.random_base32())
    row = InvitationRow(digest=digest(made.token), login=login, totp_sealed=_seal(key, made.totp), expires_ns=now_ns + INVITED_FOR_NS)
    session.add(row)
    session.flush()
    return made


def invitation(session: Session, key: bytes, token: str, now_ns: int) -> Invitation | None:
    """What a link invites to; None where it is none, or none any more."""
    row = session.get(InvitationRow, digest(token))
    if row is None or now_ns >= row.expires_ns or (totp := _unseal(key, row.totp_sealed)) is None:
        return None
    return Invitation(token=token, login=row.login, totp=totp)


def accept(session: Session, key: bytes, invited: Invitation, password: str, code: str, *, now_ns: int) -> bool:
    """Take the password that somebody chose and the first code of their authenticator; False if the code is wrong.

    Whoever was signed in by this login is so no longer.

    Raises
    ------
    WeakPasswordError
        The password will not do.
    """
    if len(password) < SHORTEST_PASSWORD or invited.login in password:
        raise WeakPasswordError(f"the password has {len(password)} characters, wanted at least {SHORTEST_PASSWORD}")
    step = _step_of(invited.totp, code, now_ns, after=-1)
    if step is None:
        return False
    session.exec(delete(InvitationRow).where(col(InvitationRow.login) == invited.login))
    session.exec(delete(AccountRow).where(col(AccountRow.login) == invited.login))
    sign_out_everywhere(session, invited.login)
    row = AccountRow(
        login=invited.login,
        password_hash=_hasher.hash(password),
        totp_sealed=_seal(key, invited.totp),
        totp_step=step,
        changed_ns=now_ns,
    )
    session.add(row)
    session.flush()
    return True


def compare(session: Session, by: Attempt, password: str) -> Compared | None:
    """Whether a password is that of a login: slow by design, so in a look and not in a write. None if that was tried too often."""
    if _is_worn_out(session, by):
        return None
    row = session.get(AccountRow, by.login)
    kept = row.password_hash if row else _nobodys_hash()
    is_right = _matches(kept, password)
    renewed = _hasher.hash(password) if is_right and _hasher.check_needs_rehash(kept) else kept
    return Compared(kept=kept, is_right=is_right, renewed=renewed)


def take_password(session: Session, key: bytes, by: Attempt, compared: Compared | None, code: str) -> Tried:
    """Take a password that was compared and the code of an authenticator; which of the two was wrong is not said."""
    login, now_ns = by.login, by.now_ns
    if compared is None or _is_worn_out(session, by):
        return Tried.TOO_OFTEN
    row = session.get(AccountRow, login, with_for_update=True)
    is_right = compared.is_right and row is not None and row.password_hash == compared.kept
    totp = _unseal(key, row.totp_sealed) if row else None
    step = _step_of(totp or _NOBODYS_TOTP, code, now_ns, after=row.totp_step if row else -1)
    if row is None or totp is None or not is_right or step is None:
        for limit, whose in _limits(by):
            attempts.take(session, limit, whose, now_ns)
        return Tried.WRONG
    row.totp_step, row.password_hash = step, compared.renewed
    attempts.forget(session, WRONG_OF_A_LOGIN, login)
    session.flush()
    return Tried.IN


def sign_in(session: Session, login: str, now_ns: int, *, is_strong: bool) -> str:
    """Let somebody in; the word for their cookie, of which only the digest is kept."""
    word = secrets.token_urlsafe(32)
    lasts_ns = _STAFF_NS if is_strong else _FAMILY_NS
    session.add(SignInRow(digest=digest(word), login=login, is_strong=is_strong, began_ns=now_ns, expires_ns=now_ns + lasts_ns))
    session.flush()
    return word


def signed_in(session: Session, word: str, now_ns: int) -> SignedIn | None:
    """Whose a cookie is; None where it is nobody's, or nobody's any more."""
    row = session.get(SignInRow, digest(word)) if word else None
    if row is None or now_ns >= row.expires_ns:
        return None
    return SignedIn(login=row.login, is_strong=row.is_strong, expires_ns=row.expires_ns)


def move(session: Session, word: str, login: str, *, end: str | None) -> None:
    """Whoever has a cookie has a new login, and stays signed in by it; of the login that ends nobody stays."""
    row = session.get(SignInRow, digest(word))
    if row is not None:
        row.login = login
        session.flush()
    if end is not None:
        sign_out_everywhere(session, end)


def sign_out(session: Session, word: str) -> None:
    """A cookie is nobody's any more."""
    session.exec(delete(SignInRow).where(col(SignInRow.digest) == digest(word)))


def sign_out_everywhere(session: Session, login: str) -> None:
    """None of a login's cookies is any more."""
    session.exec(delete(SignInRow).where(col(SignInRow.login) == login))


def end(session: Session, login: str) -> None:
    """Nobody signs in by this password any more, and nobody is signed in."""
    for gone in (delete(AccountRow).where(col(AccountRow.login) == login), delete(InvitationRow).where(col(InvitationRow.login) == login)):
        session.exec(gone)
    sign_out_everywhere(session, login)


def drop(session: Session, now_ns: int) -> None:
    """Forget what is over."""
    for over in (
        delete(SignInRow).where(col(SignInRow.expires_ns) <= now_ns),
        delete(InvitationRow).where(col(InvitationRow.expires_ns) <= now_ns),
        delete(SignInCodeRow).where(col(SignInCodeRow.sent_ns) < now_ns - CODE_LASTS_NS),
    ):
        session.exec(over)
    attempts.drop(session, now_ns)


def _limits(by: Attempt) -> tuple[tuple[Limit, str], ...]:
    return (WRONG_OF_A_LOGIN, by.login), (WRONG_FROM_AN_ADDRESS, by.address)


def _is_worn_out(session: Session, by: Attempt) -> bool:
    return any(attempts.is_spent(session, limit, whose, by.now_ns) for limit, whose in _limits(by))


_NOBODYS_TOTP = "A" * 32


@cache
def _nobodys_hash() -> str:
    """Of a password that nobody has: a login that is not known takes as long as one that is."""
    return _hasher.hash(secrets.token_urlsafe(16))


def _matches(kept: str, password: str) -> bool:
    try:
        return _hasher.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


def _step_of(secret: str, code: str, now_ns: int, *, after: int) -> int | None:
    """The time step of which a code is; None of none, or of one that was used."""
    totp, now_step = pyotp.TOTP(secret), now_ns // NS_PER_S // STEP_S
    typed = "".join(code.split())
    fits = [
        step
        for step in range(now_step - _DRIFT_STEPS, now_step + _DRIFT_STEPS + 1)
        if hmac.compare_digest(totp.at(step * STEP_S).encode(), typed.encode()) and step > after
    ]
    return fits[-1] if fits else None


def _seal(key: bytes, secret: str) -> str:
    return _box(key).encrypt(secret.encode()).decode()


def _unseal(key: bytes, sealed: str) -> str | None:
    try:
        return _box(key).decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


def _box(key: bytes) -> Fernet:
    return Fernet(urlsafe_b64encode(hmac.digest(key, b"authenticators", hashlib.sha256)))


def _code_digest(key: bytes, login: str, code: str) -> str:
    return hmac.new(key, f"sign in\0{login}\0{code}".encode(), hashlib.sha256).hexdigest()
