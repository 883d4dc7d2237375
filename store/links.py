"""Links by which one person answers one notification without signing in: a token of 128 bits, of which only the digest is kept.

The token follows from a key of this installation and the notification, so that the same message is the same text however often it is
attempted, and a text that is kept holds `MARK` where the token goes.
"""

import hashlib
import hmac
import os
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from sqlmodel import Session, col, delete

from devices.model import NS_PER_S, CommunityId
from store.model import StoreError
from store.session import insert
from store.tables import LinkRow

MARK = "TOKEN-OF-THIS-MESSAGE-"
"""Stands for the token in a text that is kept: as long, and of letters that cost as much."""

LASTS_NS = 48 * 3600 * NS_PER_S
"""So long after it was made a link answers."""

_KEY_BYTES, _TOKEN_BYTES = 32, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Makes links.

    Attributes
    ----------
    public_url : str
        Where people reach us, without a path.
    """

    public_url: str
    key: bytes = field(repr=False)

    @classmethod
    def of(cls, public_url: str, state: Path) -> Self | None:
        """Of an installation; its key is made when it is first needed. None where nobody reaches us.

        Raises
        ------
        StoreError
            The key cannot be read or written, or is none.
        """
        return cls(public_url=public_url.rstrip("/"), key=installation_key(state)) if public_url else None

    @property
    def marked(self) -> str:
        """A link as a text that is kept has it."""
        return f"{self.public_url}/a/{MARK}"

    def token(self, community_id: CommunityId, notification_id: str) -> str:
        """The token of a notification: 22 letters, digits, - and _."""
        digest = hmac.digest(self.key, f"{community_id}\0{notification_id}".encode(), hashlib.sha256)
        return urlsafe_b64encode(digest[:_TOKEN_BYTES]).decode().rstrip("=")


def installation_key(state: Path) -> bytes:
    """The secret key of an installation, 32 bytes in its state folder; made when it is first needed.

    Raises
    ------
    StoreError
        It cannot be read or written, or is none.
    """
    file = state / "links.key"
    try:
        try:
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as made:
                made.write(secrets.token_bytes(_KEY_BYTES))
                made.flush()
                os.fsync(made.fileno())
        except FileExistsError:
            pass
        key = file.read_bytes()
    except OSError as error:
        raise StoreError(f"{file}: {error.strerror or error}") from None
    if len(key) != _KEY_BYTES:
        raise StoreError(f"{file} holds {len(key)} bytes, wanted {_KEY_BYTES}: remove it, and a new one is made")
    return key


def keep(session: Session, token: str, community_id: CommunityId, notification_id: str, now_ns: int) -> None:
    """Let a token answer a notification; the same one again is a no-op."""
    row = insert(session, LinkRow).values(
        digest=digest(token), community_id=community_id, notification_id=notification_id, expires_ns=now_ns + LASTS_NS
    )
    session.exec(row.on_conflict_do_nothing())


def find(session: Session, token: str, now_ns: int) -> tuple[CommunityId, str] | None:
    """The notification that a token answers; None where it answers none, or none any more."""
    row = session.get(LinkRow, digest(token))
    return (CommunityId(row.community_id), row.notification_id) if row is not None and now_ns < row.expires_ns else None


def drop(session: Session, now_ns: int) -> int:
    """Forget tokens that answer nothing any more; how many."""
    return int(session.exec(delete(LinkRow).where(col(LinkRow.expires_ns) <= now_ns)).rowcount)


def digest(token: str) -> str:
    """What is kept of a word that opens something: from it the word cannot be found."""
    return hashlib.sha256(token.encode()).hexdigest()
