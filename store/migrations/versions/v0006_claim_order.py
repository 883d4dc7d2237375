"""What waits to be sent, in the order in which it is claimed."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Put the index of what waits into that order: else each claim sorts everything that waits."""
    waiting = sa.text("state = 'waiting'")
    op.drop_index("ix_notification_waiting", "notification")
    op.create_index(
        "ix_notification_waiting",
        "notification",
        [sa.text("severity_rank DESC"), "next_attempt_ns", "community_id", "id", "claimed_until_ns"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
