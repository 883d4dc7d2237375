"""Why a notification waits and how it is answered, how long a delivery's text was, and which contact methods are broken."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add columns that older rows have empty, and the tables of contact methods and links."""
    op.add_column("notification", sa.Column("held", sa.String(), nullable=True))
    op.add_column("notification", sa.Column("address", sa.String(), nullable=True))
    op.add_column("notification", sa.Column("answer_number", sa.Integer(), nullable=True))
    op.create_index(
        "ix_notification_answer",
        "notification",
        ["address", "answer_number"],
        sqlite_where=sa.text("answer_number IS NOT NULL"),
        postgresql_where=sa.text("answer_number IS NOT NULL"),
    )
    op.add_column("delivery", sa.Column("to_person", sa.String(), nullable=True))
    op.add_column("delivery", sa.Column("segments", sa.Integer(), nullable=True))
    op.create_index("ix_delivery_community_id_handed_ns", "delivery", ["community_id", "handed_ns"])
    op.create_index("ix_delivery_community_id_to_person_handed_ns", "delivery", ["community_id", "to_person", "handed_ns"])
    op.create_table(
        "contact",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("since_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "person_id", "channel", name="pk_contact"),
    )
    op.create_index("ix_contact_address_channel", "contact", ["address", "channel"])
    op.create_table(
        "link",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("notification_id", sa.String(), nullable=False),
        sa.Column("expires_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_link"),
    )
    op.create_index("ix_link_expires_ns", "link", ["expires_ns"])
