"""What the service says of its own speed, and which trace a job or an event belongs to."""

import sqlalchemy as sa
from alembic import op

revision = "0006_measurements"
down_revision = "0005_background"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it."""
    op.create_table(
        "process_figures",
        sa.Column("process", sa.String(80), primary_key=True),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("figures", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "performance_minutes",
        sa.Column("at", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("process", sa.String(80), primary_key=True),
        sa.Column("figures", sa.LargeBinary(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.add_column("jobs", sa.Column("trace", sa.String(55)))
    op.add_column("events", sa.Column("trace", sa.String(55)))


def downgrade() -> None:
    """Take it away."""
    op.drop_column("events", "trace")
    op.drop_column("jobs", "trace")
    op.drop_table("performance_minutes")
    op.drop_table("process_figures")
