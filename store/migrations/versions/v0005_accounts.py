"""Who signs in by what, who let whom have what, and tests of the chain of those who are told."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String(), nullable=False) for name in names]


def _times(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def upgrade() -> None:
    """Make the tables, and let the database itself refuse to change what was consented to."""
    op.create_table(
        "account",
        *_text("login", "password_hash", "totp_sealed"),
        *_times("totp_step", "changed_ns"),
        sa.PrimaryKeyConstraint("login", name="pk_account"),
    )
    op.create_table(
        "invitation",
        *_text("digest", "login", "totp_sealed"),
        *_times("expires_ns"),
        sa.PrimaryKeyConstraint("digest", name="pk_invitation"),
    )
    op.create_table(
        "sign_in_code",
        *_text("login", "digest"),
        *_times("sent_ns"),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("login", name="pk_sign_in_code"),
    )
    op.create_table(
        "sign_in",
        *_text("digest", "login"),
        sa.Column("is_strong", sa.Boolean(), nullable=False),
        *_times("began_ns", "expires_ns"),
        sa.PrimaryKeyConstraint("digest", name="pk_sign_in"),
    )
    op.create_index("ix_sign_in_login", "sign_in", ["login"])
    op.create_index("ix_sign_in_expires_ns", "sign_in", ["expires_ns"])
    op.create_table(
        "attempt",
        *_text("what", "whose"),
        *_times("since_ns"),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("what", "whose", name="pk_attempt"),
    )
    op.create_table(
        "consent",
        *_text("community_id"),
        *_times("number"),
        *_text("resident_id", "purpose", "recipient"),
        sa.Column("is_given", sa.Boolean(), nullable=False),
        *_text("by"),
        *_times("at_ns"),
        sa.PrimaryKeyConstraint("community_id", "number", name="pk_consent"),
    )
    op.create_index("ix_consent_community_id_resident_id", "consent", ["community_id", "resident_id"])
    op.create_table(
        "chain_check",
        *_text("community_id"),
        *_times("number"),
        *_text("home_id"),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "number", name="pk_chain_check"),
    )
    op.create_index("ix_chain_check_community_id_home_id_number", "chain_check", ["community_id", "home_id", "number"])
    for statement in _APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


_APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER consent_no_{what} BEFORE {what} ON consent BEGIN SELECT RAISE(ABORT, 'consent is only appended to'); END"
        for what in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        """CREATE FUNCTION consent_refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'consent is only appended to'; END $$""",
        "CREATE TRIGGER consent_append_only BEFORE UPDATE OR DELETE ON consent FOR EACH ROW EXECUTE FUNCTION consent_refuse()",
    ],
}
