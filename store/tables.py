"""The tables, as SQLModel; the migrations make the same, and a test compares them.

Times are int64 nanoseconds UTC. Enums are stored by their value, bodies as JSON text, so that both databases hold the same bytes.
What belongs to a tenant has `community_id` first in its key.
"""

from typing import ClassVar

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Integer, LargeBinary, MetaData, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

_NUMBERED = BigInteger().with_variant(Integer(), "sqlite")
"""A key that the database counts up: in SQLite only an INTEGER primary key does."""


class Table(SQLModel):
    """Base of the tables, so that their constraints have names of ours on both databases."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=_NAMES)


class CommunityLockRow(Table, table=True):
    """Held by whoever writes about a community; `number` goes up each time, so it also numbers what is written."""

    __tablename__ = "community_lock"
    community_id: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger)


class CommunityVersionRow(Table, table=True):
    """A community's file as it holds from a time on. Append-only."""

    __tablename__ = "community_version"
    community_id: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger, primary_key=True)
    effective_ns: int = Field(sa_type=BigInteger)
    document: str = Field(sa_type=Text)
    __table_args__ = (Index(None, "community_id", "effective_ns", "number"),)


class ModeChangeRow(Table, table=True):
    """A home's mode from a time on, and who said so. Append-only."""

    __tablename__ = "mode_change"
    community_id: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger, primary_key=True)
    home_id: str
    at_ns: int = Field(sa_type=BigInteger)
    mode: str
    by: str
    __table_args__ = (Index(None, "community_id", "home_id", "number"),)


class StandingRow(Table, table=True):
    """Whether a door or window is open, as far as is known: what is asked before a home is armed."""

    __tablename__ = "standing"
    community_id: str = Field(primary_key=True)
    device_id: str = Field(primary_key=True)
    home_id: str
    is_open: bool
    since_ns: int = Field(sa_type=BigInteger)
    __table_args__ = (Index(None, "community_id", "home_id"),)


class IncidentRow(Table, table=True):
    """An incident: what is asked for as columns, all of it as `body`."""

    __tablename__ = "incident"
    community_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger)
    story: str
    subject: str
    rule: str
    state: str
    is_open: bool
    severity: str
    kind: str
    opened_ns: int = Field(sa_type=BigInteger)
    ended_ns: int | None = Field(default=None, sa_type=BigInteger)
    next_due_ns: int | None = Field(default=None, sa_type=BigInteger)
    version: int
    body: str = Field(sa_type=Text)
    __table_args__ = (
        Index(
            "uq_incident_one_open",
            "community_id",
            "story",
            "subject",
            "rule",
            unique=True,
            sqlite_where=sql("is_open = 1"),
            postgresql_where=sql("is_open"),
        ),
        Index(None, "community_id", "subject", "story"),
        Index(None, "community_id", "is_open", "ended_ns"),
        Index(
            "ix_incident_due",
            "next_due_ns",
            sqlite_where=sql("next_due_ns IS NOT NULL"),
            postgresql_where=sql("next_due_ns IS NOT NULL"),
        ),
    )


class EntryRow(Table, table=True):
    """One entry of an incident's timeline: what moved it, and why. Only ever appended to; the database itself refuses anything else."""

    __tablename__ = "timeline"
    community_id: str = Field(primary_key=True)
    incident_id: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger, primary_key=True)
    at_ns: int = Field(sa_type=BigInteger)
    kind: str
    by: str | None = None
    body: str = Field(sa_type=Text)
    __table_args__ = (ForeignKeyConstraint(["community_id", "incident_id"], ["incident.community_id", "incident.id"]),)


class DeskNoteRow(Table, table=True):
    """What a shift leaves to the next in its own words."""

    __tablename__ = "desk_note"
    community_id: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger, primary_key=True)
    at_ns: int = Field(sa_type=BigInteger)
    by: str
    body: str = Field(sa_type=Text)
    __table_args__ = (Index(None, "community_id", "at_ns"),)


class FileExportRow(Table, table=True):
    """Who took a community's file along when."""

    __tablename__ = "file_export"
    community_id: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger, primary_key=True)
    at_ns: int = Field(sa_type=BigInteger)
    by: str
    __table_args__ = (Index(None, "community_id", "at_ns"),)


class BatteryLevelRow(Table, table=True):
    """How full a device's battery was at a time."""

    __tablename__ = "battery_level"
    community_id: str = Field(primary_key=True)
    device_id: str = Field(primary_key=True)
    at_ns: int = Field(sa_type=BigInteger, primary_key=True)
    battery_percent: float


class PhotoRow(Table, table=True):
    """A picture that somebody added to a timeline, under its entry's number."""

    __tablename__ = "photo"
    community_id: str = Field(primary_key=True)
    incident_id: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger, primary_key=True)
    media_type: str
    content: bytes = Field(sa_type=LargeBinary)
    __table_args__ = (
        ForeignKeyConstraint(
            ["community_id", "incident_id", "number"], ["timeline.community_id", "timeline.incident_id", "timeline.number"]
        ),
    )


class EventRow(Table, table=True):
    """A fact a rule found; its key is its identity, so the same fact twice is one row."""

    __tablename__ = "event"
    community_id: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    t_ns: int = Field(sa_type=BigInteger, primary_key=True)
    known_ns: int = Field(sa_type=BigInteger)
    seq: int = Field(sa_type=BigInteger)
    device_id: str | None = None
    resident_id: str | None = None
    home_id: str | None = None
    score: float
    cause: str
    evidence: str = Field(sa_type=Text)
    incident_id: str | None = None
    __table_args__ = (
        ForeignKeyConstraint(["community_id", "incident_id"], ["incident.community_id", "incident.id"]),
        Index(None, "community_id", "known_ns"),
    )


class NotificationRow(Table, table=True):
    """The outbox: a duty to tell one person something.

    `fallback_ns`: with no `delivered` by then the next channel is tried. `is_stopped`: nothing further is to be tried, whatever comes.
    `held`: why it waits until `next_attempt_ns`. `bundle`: of how many others its text tells too. `answer_number`: by which whoever
    has `address` answers it while its incident is open.
    """

    __tablename__ = "notification"
    community_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    incident_id: str
    purpose: str
    step: int
    round: int
    to_person: str
    channel: str | None = None
    state: str
    is_stopped: bool = False
    severity_rank: int
    created_ns: int = Field(sa_type=BigInteger)
    next_attempt_ns: int = Field(sa_type=BigInteger)
    fallback_ns: int | None = Field(default=None, sa_type=BigInteger)
    claimed_until_ns: int = Field(default=0, sa_type=BigInteger)
    claimed_by: str | None = None
    attempts: int = 0
    held: str | None = None
    bundle: int | None = None
    address: str | None = None
    answer_number: int | None = None
    text: str | None = Field(default=None, sa_type=Text)
    body: str = Field(sa_type=Text)
    __table_args__ = (
        ForeignKeyConstraint(["community_id", "incident_id"], ["incident.community_id", "incident.id"]),
        Index(None, "community_id", "incident_id", "to_person"),
        Index(None, "community_id", "to_person", "created_ns"),
        Index(
            "ix_notification_answer",
            "address",
            "answer_number",
            sqlite_where=sql("answer_number IS NOT NULL"),
            postgresql_where=sql("answer_number IS NOT NULL"),
        ),
        Index(
            "ix_notification_waiting",  # the order of claims
            sql("severity_rank DESC"),
            "next_attempt_ns",
            "community_id",
            "id",
            "claimed_until_ns",
            sqlite_where=sql("state = 'waiting'"),
            postgresql_where=sql("state = 'waiting'"),
        ),
        Index(
            "ix_notification_fallback",
            "fallback_ns",
            sqlite_where=sql("fallback_ns IS NOT NULL"),
            postgresql_where=sql("fallback_ns IS NOT NULL"),
        ),
    )


class DeliveryRow(Table, table=True):
    """One attempt at a notification, written before it is made: an attempt whose process died stays `begun`.

    `cost_micro`: what it costs if it is taken, in millionths of the operator's currency; empty where no price is known.
    """

    __tablename__ = "delivery"
    community_id: str = Field(primary_key=True)
    notification_id: str = Field(primary_key=True)
    attempt: int = Field(primary_key=True)
    channel: str | None = None
    gateway: str | None = None
    provider_id: str | None = None
    outcome: str
    code: str | None = None
    to_person: str | None = None
    segments: int | None = None
    cost_micro: int | None = Field(default=None, sa_type=BigInteger)
    handed_ns: int = Field(sa_type=BigInteger)
    updated_ns: int = Field(sa_type=BigInteger)
    __table_args__ = (
        ForeignKeyConstraint(["community_id", "notification_id"], ["notification.community_id", "notification.id"]),
        UniqueConstraint("gateway", "provider_id"),
        Index(
            "ix_delivery_unsettled",
            "handed_ns",
            sqlite_where=sql("outcome = 'accepted'"),
            postgresql_where=sql("outcome = 'accepted'"),
        ),
        Index(None, "community_id", "updated_ns"),
        Index(None, "community_id", "handed_ns"),
        Index(None, "community_id", "to_person", "handed_ns"),
        Index(None, "gateway", "handed_ns"),
    )


class ContactRow(Table, table=True):
    """What is known of one contact method of a person: broken, opted out, verified. Without a row nothing is known.

    `address` is what it was said of: another number of the same person is another contact method.
    """

    __tablename__ = "contact"
    community_id: str = Field(primary_key=True)
    person_id: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    address: str
    state: str
    code: str | None = None
    since_ns: int = Field(sa_type=BigInteger)
    __table_args__ = (Index(None, "address", "channel"),)


class ContactCodeRow(Table, table=True):
    """A code that was sent to a contact method and not typed yet: of it only a keyed digest, in hexadecimal."""

    __tablename__ = "contact_code"
    community_id: str = Field(primary_key=True)
    person_id: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    address: str
    digest: str
    sent_ns: int = Field(sa_type=BigInteger)
    tries: int = 0


class PageRow(Table, table=True):
    """When the operator was told of a trouble last, or a daily duty was done, so that no part and no restart does it again."""

    __tablename__ = "page"
    trouble: str = Field(primary_key=True)
    about: str = Field(primary_key=True)
    told_ns: int = Field(sa_type=BigInteger)


class LinkRow(Table, table=True):
    """A link by which one person answers one notification: of its token only the SHA-256 digest, in hexadecimal."""

    __tablename__ = "link"
    digest: str = Field(primary_key=True)
    community_id: str
    notification_id: str
    expires_ns: int = Field(sa_type=BigInteger)
    __table_args__ = (Index(None, "expires_ns"),)


class AccountRow(Table, table=True):
    """How somebody who works here signs in: a password, of which only the Argon2 hash is kept, and a second factor.

    `login` is their number in E.164, or `community/person` of who has none. `totp_sealed`: the secret of their authenticator, encrypted
    with the installation's key. `totp_step`: the last time step that was used, so that no code works twice.
    """

    __tablename__ = "account"
    login: str = Field(primary_key=True)
    password_hash: str
    totp_sealed: str
    totp_step: int = Field(sa_type=BigInteger)
    changed_ns: int = Field(sa_type=BigInteger)


class InvitationRow(Table, table=True):
    """A link by which somebody who works here chooses their password, once: of its token only the SHA-256 digest."""

    __tablename__ = "invitation"
    digest: str = Field(primary_key=True)
    login: str
    totp_sealed: str
    expires_ns: int = Field(sa_type=BigInteger)


class SignInCodeRow(Table, table=True):
    """A code that was sent to a number for signing in, and not typed yet: of it only a keyed digest."""

    __tablename__ = "sign_in_code"
    login: str = Field(primary_key=True)
    digest: str
    sent_ns: int = Field(sa_type=BigInteger)
    tries: int = 0


class SignInRow(Table, table=True):
    """Somebody is signed in on a device: of the cookie only the SHA-256 digest. `is_strong`: by password and second factor."""

    __tablename__ = "sign_in"
    digest: str = Field(primary_key=True)
    login: str
    is_strong: bool
    began_ns: int = Field(sa_type=BigInteger)
    expires_ns: int = Field(sa_type=BigInteger)
    __table_args__ = (Index(None, "login"), Index(None, "expires_ns"))


class AttemptRow(Table, table=True):
    """How often something was tried within a window of time: signing in, by number and by address of the network."""

    __tablename__ = "attempt"
    what: str = Field(primary_key=True)
    whose: str = Field(primary_key=True)
    since_ns: int = Field(sa_type=BigInteger)
    count: int


class ConsentRow(Table, table=True):
    """That a resident lets somebody have something for a purpose, or no longer. Append-only; the newest of each pair holds."""

    __tablename__ = "consent"
    community_id: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger, primary_key=True)
    resident_id: str
    purpose: str
    recipient: str
    is_given: bool
    by: str
    at_ns: int = Field(sa_type=BigInteger)
    __table_args__ = (Index(None, "community_id", "resident_id"),)


class ChainCheckRow(Table, table=True):
    """A test that walked the chain of those who would be told about a resident (`store.chain_checks`), as JSON."""

    __tablename__ = "chain_check"
    community_id: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger, primary_key=True)
    home_id: str
    body: str = Field(sa_type=Text)
    __table_args__ = (Index(None, "community_id", "home_id", "number"),)


class ReceiptRow(Table, table=True):
    """What a gateway said, until it is matched with its delivery: it may come before our own record of the hand-over."""

    __tablename__ = "receipt"
    id: int | None = Field(default=None, sa_type=_NUMBERED, primary_key=True)
    gateway: str
    provider_id: str
    status: str
    code: str | None = None
    received_ns: int = Field(sa_type=BigInteger)
    __table_args__ = (Index(None, "gateway", "provider_id"),)


class PositionRow(Table, table=True):
    """How far a partition of the log has been judged; `epoch` goes up with each transaction that moves it.

    `checkpoint_seq`: how far it had been judged when the decision state was written last.
    """

    __tablename__ = "position"
    stream_created: str = Field(primary_key=True)
    partition: int = Field(primary_key=True)
    seq: int = Field(sa_type=BigInteger)
    epoch: int = Field(sa_type=BigInteger)
    checkpoint_seq: int = Field(sa_type=BigInteger)


class DecisionStateRow(Table, table=True):
    """A rule's decision state about one device; a device's key begins with its community."""

    __tablename__ = "decision_state"
    rule: str = Field(primary_key=True)
    device_key: str = Field(primary_key=True)
    body: str = Field(sa_type=Text)


class RejectedCountRow(Table, table=True):
    """Messages set aside, counted by reason and day (UTC, `2026-03-01`); the community is empty where the topic named none we know."""

    __tablename__ = "rejected_count"
    community_id: str = Field(primary_key=True)
    reason: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    count: int = Field(sa_type=BigInteger)
