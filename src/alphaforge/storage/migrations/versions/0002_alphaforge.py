"""Ours: columns behind the predecessor's, tables beside them. Only additions, so that it can go on writing."""

import sqlalchemy as sa
from alembic import op

from alphaforge.storage import totals

revision = "0002_alphaforge"
down_revision = "0001_predecessor"
branch_labels = None
depends_on = None

_identity = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_millionths = sa.BigInteger().with_variant(sa.Numeric(), "postgresql")

_INDEXES = (
    ("ix_signals_newest", "trading_signals", ("timestamp", "id"), False),
    ("ix_signals_of_status", "trading_signals", ("status", "timestamp", "id"), False),
    ("ix_signals_of_instrument", "trading_signals", ("instrument", "timestamp", "id"), False),
    ("ix_signals_result", "trading_signals", ("instrument", "exit_time", "r_multiple"), False),
    ("ux_signals_identity", "trading_signals", ("strategy", "source", "instrument", "candle_time"), True),
    ("ix_journal_newest", "journal_entries", ("open_time", "id"), False),
    ("ix_rejections_newest", "rejections", ("decided_at", "id"), False),
    ("ix_rejections_of_instrument", "rejections", ("instrument", "decided_at", "id"), False),
    ("ux_rejections_identity", "rejections", ("strategy", "source", "instrument", "candle_time"), True),
    ("ix_trade_results_newest", "trade_results", ("instrument", "at", "id"), False),
)
_TABLES = ("app_settings", "trade_results", "candles", "rejections", "evaluations", "journal_totals")


def _signal_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("instrument", sa.String(24)),
        sa.Column("origin", sa.String(10)),
        sa.Column("strategy", sa.String(40)),
        sa.Column("candle_time", sa.BigInteger()),
        sa.Column("source", sa.String(40)),
        sa.Column("simulated", sa.Boolean()),
        sa.Column("candle_hash", sa.String(100)),
        sa.Column("settings_hash", sa.String(40)),
        sa.Column("regime", sa.String(40)),
        sa.Column("strength", sa.Double()),
        sa.Column("agreement", sa.Double()),
        sa.Column("spread", sa.Double()),
        sa.Column("risk_fraction", sa.Double()),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("r_multiple", sa.Double()),
        sa.Column("spread_paid", sa.Double()),
        sa.Column("ambiguous", sa.Boolean()),
        sa.Column("decision", sa.Text()),
    ]


def upgrade() -> None:
    """Add them."""
    for column in _signal_columns():
        op.add_column("trading_signals", column)
    op.create_table(
        "journal_totals",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("trades", sa.BigInteger(), nullable=False),
        sa.Column("wins", sa.BigInteger(), nullable=False),
        sa.Column("losses", sa.BigInteger(), nullable=False),
        sa.Column("r_count", sa.BigInteger(), nullable=False),
        sa.Column("pnl", _millionths, nullable=False),
        sa.Column("pips", _millionths, nullable=False),
        sa.Column("r_sum", _millionths, nullable=False),
    )
    op.create_table(
        "evaluations",
        sa.Column("source", sa.String(40), primary_key=True),
        sa.Column("instrument", sa.String(24), primary_key=True),
        sa.Column("candle_time", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("strategy", sa.String(40), primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rejections",
        sa.Column("id", _identity, primary_key=True),
        sa.Column("strategy", sa.String(40), nullable=False),
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("instrument", sa.String(24), nullable=False),
        sa.Column("candle_time", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.Double(), nullable=False),
        sa.Column("regime", sa.String(40), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("strength", sa.Double(), nullable=False),
        sa.Column("agreement", sa.Double(), nullable=False),
        sa.Column("buy_votes", sa.Double(), nullable=False),
        sa.Column("sell_votes", sa.Double(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("atr_pct", sa.Double()),
        sa.Column("adx", sa.Double()),
        sa.Column("volatility_ok", sa.Boolean()),
        sa.Column("strength_ok", sa.Boolean()),
        sa.Column("adx_ok", sa.Boolean()),
        sa.Column("last_price", sa.Double(), nullable=False),
        sa.Column("suggested_direction", sa.String(4)),
        sa.Column("proposed_entry", sa.Double()),
        sa.Column("proposed_stop_loss", sa.Double()),
        sa.Column("proposed_take_profit", sa.Double()),
        sa.Column("decision", sa.Text(), nullable=False),
    )
    op.create_table(
        "candles",
        sa.Column("source", sa.String(40), primary_key=True),
        sa.Column("instrument", sa.String(24), primary_key=True),
        sa.Column("time", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "trade_results",
        sa.Column("id", _identity, primary_key=True),
        sa.Column("instrument", sa.String(24), nullable=False),
        sa.Column("profit_loss", sa.Double(), nullable=False),
        sa.Column("risk", sa.Double(), nullable=False),
        sa.Column("r_multiple", sa.Double(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("source", sa.String(40), nullable=False),
    )
    op.create_table(
        "app_settings",
        sa.Column("key", sa.String(100), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
    )
    for name, table, columns, unique in _INDEXES:
        op.create_index(name, table, list(columns), unique=unique)
    connection = op.get_bind()
    for statement in totals.create_statements(connection.dialect.name):
        connection.exec_driver_sql(statement)


def downgrade() -> None:
    """Leave the predecessor's schema with every row of it."""
    connection = op.get_bind()
    for statement in totals.drop_statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
    for name, table, _, _ in reversed(_INDEXES):
        op.drop_index(name, table)
    for table in _TABLES:
        op.drop_table(table)
    for column in reversed(_signal_columns()):
        op.drop_column("trading_signals", column.name)
