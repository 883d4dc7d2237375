"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "community_lock",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", name="pk_community_lock"),
    )
    op.create_table(
        "community_version",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("effective_ns", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "number", name="pk_community_version"),
    )
    op.create_index(
        "ix_community_version_community_id_effective_ns_number", "community_version", ["community_id", "effective_ns", "number"]
    )
    op.create_table(
        "decision_state",
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("device_key", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("rule", "device_key", name="pk_decision_state"),
    )
    op.create_table(
        "incident",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("story", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("opened_ns", sa.BigInteger(), nullable=False),
        sa.Column("ended_ns", sa.BigInteger(), nullable=True),
        sa.Column("next_due_ns", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "id", name="pk_incident"),
    )
    op.create_index("ix_incident_community_id_subject_story", "incident", ["community_id", "subject", "story"])
    op.create_index("ix_incident_community_id_is_open_ended_ns", "incident", ["community_id", "is_open", "ended_ns"])
    op.create_index(
        "ix_incident_due",
        "incident",
        ["next_due_ns"],
        sqlite_where=sa.text("next_due_ns IS NOT NULL"),
        postgresql_where=sa.text("next_due_ns IS NOT NULL"),
    )
    op.create_index(
        "uq_incident_one_open",
        "incident",
        ["community_id", "story", "subject", "rule"],
        unique=True,
        sqlite_where=sa.text("is_open = 1"),
        postgresql_where=sa.text("is_open"),
    )
    op.create_table(
        "mode_change",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("home_id", sa.String(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "number", name="pk_mode_change"),
    )
    op.create_index("ix_mode_change_community_id_home_id_number", "mode_change", ["community_id", "home_id", "number"])
    op.create_table(
        "position",
        sa.Column("stream_created", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("checkpoint_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream_created", "partition", name="pk_position"),
    )
    op.create_table(
        "receipt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("received_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_receipt"),
    )
    op.create_index("ix_receipt_gateway_provider_id", "receipt", ["gateway", "provider_id"])
    op.create_table(
        "rejected_count",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "reason", "day", name="pk_rejected_count"),
    )
    op.create_table(
        "event",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("t_ns", sa.BigInteger(), nullable=False),
        sa.Column("known_ns", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=True),
        sa.Column("resident_id", sa.String(), nullable=True),
        sa.Column("home_id", sa.String(), nullable=True),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["community_id", "incident_id"], ["incident.community_id", "incident.id"], name="fk_event_incident"),
        sa.PrimaryKeyConstraint("community_id", "kind", "subject", "t_ns", name="pk_event"),
    )
    op.create_index("ix_event_community_id_known_ns", "event", ["community_id", "known_ns"])
    op.create_table(
        "notification",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("to_person", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("is_stopped", sa.Boolean(), nullable=False),
        sa.Column("severity_rank", sa.Integer(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("next_attempt_ns", sa.BigInteger(), nullable=False),
        sa.Column("fallback_ns", sa.BigInteger(), nullable=True),
        sa.Column("claimed_until_ns", sa.BigInteger(), nullable=False),
        sa.Column("claimed_by", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["community_id", "incident_id"], ["incident.community_id", "incident.id"], name="fk_notification_incident"),
        sa.PrimaryKeyConstraint("community_id", "id", name="pk_notification"),
    )
    op.create_index("ix_notification_community_id_incident_id_to_person", "notification", ["community_id", "incident_id", "to_person"])
    op.create_index("ix_notification_community_id_to_person_created_ns", "notification", ["community_id", "to_person", "created_ns"])
    op.create_index(
        "ix_notification_fallback",
        "notification",
        ["fallback_ns"],
        sqlite_where=sa.text("fallback_ns IS NOT NULL"),
        postgresql_where=sa.text("fallback_ns IS NOT NULL"),
    )
    op.create_index(
        "ix_notification_waiting",
        "notification",
        ["next_attempt_ns"],
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "delivery",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("notification_id", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=True),
        sa.Column("gateway", sa.String(), nullable=True),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("handed_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id", "notification_id"], ["notification.community_id", "notification.id"], name="fk_delivery_notification"
        ),
        sa.PrimaryKeyConstraint("community_id", "notification_id", "attempt", name="pk_delivery"),
        sa.UniqueConstraint("gateway", "provider_id", name="uq_delivery_gateway_provider_id"),
    )
    op.create_index("ix_delivery_community_id_updated_ns", "delivery", ["community_id", "updated_ns"])
    op.create_index(
        "ix_delivery_unsettled",
        "delivery",
        ["handed_ns"],
        sqlite_where=sa.text("outcome = 'accepted'"),
        postgresql_where=sa.text("outcome = 'accepted'"),
    )
