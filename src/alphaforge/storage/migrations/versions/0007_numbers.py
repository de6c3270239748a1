"""Backtests, which days of the journal have changed, and which signal an entry follows."""

import sqlalchemy as sa
from alembic import op

from alphaforge.storage import journal_changes

revision = "0007_numbers"
down_revision = "0006_measurements"
branch_labels = None
depends_on = None

_CLOSED = (
    *("close_time", "id", "open_time", "outcome", "profit_loss", "r_value", "pips", "mae", "mfe"),
    *("symbol", "trade_type", "session", "trade_setup", "tags"),
)
_FOLLOWED = ["signal_id", "open_time", "id", "trade_type", "entry_price", "r_value", "symbol"]
_RECORD = [
    *("source", "timestamp", "id", "status", "origin", "strategy", "simulated", "instrument", "direction"),
    *("candle_time", "exit_time", "regime", "confidence_score", "pips_captured", "r_multiple", "mae", "mfe"),
    *("entry", "stop_loss", "exit_price", "spread_paid", "ambiguous"),
]
"""All that the track record reads: ten thousand rows of the table have their texts on the way."""


def upgrade() -> None:
    """Add it."""
    op.create_table(
        "journal_changes",
        sa.Column("day", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "backtests",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("summary", sa.Text()),
        sa.Column("report", sa.LargeBinary()),
        sa.Column("error", sa.Text()),
        sa.Column("finished_at", sa.Double()),
    )
    op.create_table(
        "backtest_parts",
        sa.Column("backtest_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("result", sa.LargeBinary(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_journal_closed", "journal_entries", list(_CLOSED))
    connection = op.get_bind()
    for statement in journal_changes.create_statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
    op.add_column("journal_entries", sa.Column("signal_id", sa.Integer()))
    op.create_index("ix_signals_record", "trading_signals", _RECORD)
    follows = sa.text("signal_id IS NOT NULL")
    op.create_index(
        *("ix_journal_of_signal", "journal_entries", _FOLLOWED),
        sqlite_where=follows,
        postgresql_where=follows,
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_index("ix_signals_record", "trading_signals")
    op.drop_index("ix_journal_of_signal", "journal_entries")
    op.drop_column("journal_entries", "signal_id")
    connection = op.get_bind()
    for statement in journal_changes.drop_statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
    op.drop_index("ix_journal_closed", "journal_entries")
    op.drop_table("backtest_parts")
    op.drop_table("backtests")
    op.drop_table("journal_changes")
