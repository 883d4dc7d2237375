"""What a shift leaves to the next in its own words."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table of notes."""
    op.create_table(
        "desk_note",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "number", name="pk_desk_note"),
    )
    op.create_index("ix_desk_note_community_id_at_ns", "desk_note", ["community_id", "at_ns"])
