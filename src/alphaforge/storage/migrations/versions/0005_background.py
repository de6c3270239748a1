"""What working in the background needs: jobs, what happened, who leads, how the channels of alerts do."""

import sqlalchemy as sa
from alembic import op

from alphaforge.storage import announcements, change_events

revision = "0005_background"
down_revision = "0004_filters"
branch_labels = None
depends_on = None

_identity = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_RUNNING = sa.text("status = 'running'")


def upgrade() -> None:
    """Add it."""
    _create_jobs()
    op.create_table(
        "events",
        sa.Column("id", _identity, primary_key=True),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("instrument", sa.String(24)),
        sa.Column("ref", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("holder", sa.String(80), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
    )
    op.create_table(
        "alert_channels",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("disabled_at", sa.Double()),
        sa.Column("last_error", sa.Text()),
        sa.Column("last_sent_at", sa.Double()),
    )
    connection = op.get_bind()
    for statement in change_events.create_statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
    if connection.dialect.name == "postgresql":
        for statement in announcements.trigger_statements(announcements.LATER_NOUNS):
            connection.exec_driver_sql(statement)


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", _identity, primary_key=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("key", sa.String(200)),
        sa.Column("lane", sa.String(100)),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("run_at", sa.Double(), nullable=False),
        sa.Column("holder", sa.String(80)),
        sa.Column("held_until", sa.Double()),
        sa.Column("cancelling", sa.Boolean(), nullable=False),
        sa.Column("progress", sa.Double()),
        sa.Column("result", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double()),
        sa.Column("finished_at", sa.Double()),
    )
    op.create_index("ux_jobs_key", "jobs", ["key"], unique=True)
    op.create_index("ix_jobs_due", "jobs", ["status", "run_at", "id"])
    op.create_index("ix_jobs_of_kind", "jobs", ["kind", "id"])
    op.create_index("ux_jobs_lane", "jobs", ["lane"], unique=True, sqlite_where=_RUNNING, postgresql_where=_RUNNING)
    op.create_table(
        "job_chunks",
        sa.Column("job_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Take it away."""
    connection = op.get_bind()
    for statement in change_events.drop_statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
    for table in ("alert_channels", "leases", "events", "job_chunks", "jobs"):
        op.drop_table(table)
