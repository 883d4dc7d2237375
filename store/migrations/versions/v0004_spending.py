"""What deliveries cost, messages that tell of others too, codes that verify contact methods, and what the operator was told."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add columns that older rows have empty, an index, and two tables."""
    op.add_column("notification", sa.Column("bundle", sa.Integer(), nullable=True))
    op.add_column("delivery", sa.Column("cost_micro", sa.BigInteger(), nullable=True))
    op.create_index("ix_delivery_gateway_handed_ns", "delivery", ["gateway", "handed_ns"])
    op.create_table(
        "contact_code",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("sent_ns", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "person_id", "channel", name="pk_contact_code"),
    )
    op.create_table(
        "page",
        sa.Column("trouble", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("told_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("trouble", "about", name="pk_page"),
    )
