"""What answering from memory and page by page needs: announced commits, kept answers to writes, indexes of lists."""

import sqlalchemy as sa
from alembic import op

from alphaforge.storage import announcements

revision = "0003_answers"
down_revision = "0002_alphaforge"
branch_labels = None
depends_on = None

_INDEXES = (
    ("ix_signals_by_candle", "trading_signals", ("candle_time", "id")),
    ("ix_rejections_by_candle", "rejections", ("candle_time", "id")),
    ("ix_journal_of_symbol", "journal_entries", ("symbol", "open_time", "id")),
)


def upgrade() -> None:
    """Add them."""
    op.create_table(
        "idempotent_answers",
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
    )
    op.create_index("ix_idempotent_answers_age", "idempotent_answers", ["created_at"])
    for name, table, columns in _INDEXES:
        op.create_index(name, table, list(columns))
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        for statement in announcements.create_statements():
            connection.exec_driver_sql(statement)


def downgrade() -> None:
    """Take them away."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        for statement in announcements.drop_statements():
            connection.exec_driver_sql(statement)
    for name, table, _ in reversed(_INDEXES):
        op.drop_index(name, table)
    op.drop_table("idempotent_answers")
