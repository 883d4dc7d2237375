"""Who took a community's file along, and how full batteries were each night."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "file_export",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "number", name="pk_file_export"),
    )
    op.create_index("ix_file_export_community_id_at_ns", "file_export", ["community_id", "at_ns"])
    op.create_table(
        "battery_level",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("battery_percent", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "device_id", "at_ns", name="pk_battery_level"),
    )
