"""The timeline of incidents with its pictures, and which doors stand open."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables, and let the database itself refuse to change a timeline."""
    op.create_table(
        "standing",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("home_id", sa.String(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("since_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "device_id", name="pk_standing"),
    )
    op.create_index("ix_standing_community_id_home_id", "standing", ["community_id", "home_id"])
    op.create_table(
        "timeline",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "incident_id", "number", name="pk_timeline"),
        sa.ForeignKeyConstraint(["community_id", "incident_id"], ["incident.community_id", "incident.id"], name="fk_timeline_incident"),
    )
    op.create_table(
        "photo",
        sa.Column("community_id", sa.String(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "incident_id", "number", name="pk_photo"),
        sa.ForeignKeyConstraint(
            ["community_id", "incident_id", "number"],
            ["timeline.community_id", "timeline.incident_id", "timeline.number"],
            name="fk_photo_timeline",
        ),
    )
    for statement in _APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


_APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER timeline_no_{what} BEFORE {what} ON timeline BEGIN SELECT RAISE(ABORT, 'a timeline is only appended to'); END"
        for what in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        """CREATE FUNCTION timeline_refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'a timeline is only appended to'; END $$""",
        "CREATE TRIGGER timeline_append_only BEFORE UPDATE OR DELETE ON timeline FOR EACH ROW EXECUTE FUNCTION timeline_refuse()",
    ],
}
