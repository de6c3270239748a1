"""The predecessor's tables, as its own code creates them."""

import sqlalchemy as sa
from alembic import op

revision = "0001_predecessor"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them; a predecessor's database is stamped with this revision instead."""
    op.create_table(
        "trading_signals",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("timestamp", sa.TIMESTAMP(), nullable=False),
        sa.Column("symbol", sa.String(20), nullable=False),
        sa.Column("direction", sa.String(10), nullable=False),
        sa.Column("entry", sa.Float(), nullable=False),
        sa.Column("stop_loss", sa.Float(), nullable=False),
        sa.Column("tp1", sa.Float(), nullable=False),
        sa.Column("tp2", sa.Float()),
        sa.Column("tp3", sa.Float()),
        sa.Column("rr_ratio", sa.String(10)),
        sa.Column("position_size", sa.Float()),
        sa.Column("risk_amount", sa.Float()),
        sa.Column("confidence_score", sa.Float()),
        sa.Column("signal_strength", sa.String(20)),
        sa.Column("reasoning", sa.Text()),
        sa.Column("status", sa.String(9), nullable=False),
        sa.Column("entry_time", sa.TIMESTAMP()),
        sa.Column("entry_price", sa.Float()),
        sa.Column("exit_time", sa.TIMESTAMP()),
        sa.Column("exit_price", sa.Float()),
        sa.Column("outcome", sa.String(12)),
        sa.Column("pips_captured", sa.Float()),
        sa.Column("actual_pnl", sa.Float()),
        sa.Column("potential_pnl", sa.Float()),
        sa.Column("duration_hours", sa.Float()),
        sa.Column("mae", sa.Float()),
        sa.Column("mfe", sa.Float()),
        sa.Column("slippage", sa.Float()),
        sa.Column("market_condition", sa.String(50)),
        sa.Column("session", sa.String(20)),
        sa.Column("volatility_level", sa.Float()),
        sa.Column("notes", sa.Text()),
        sa.Column("tags", sa.String(200)),
        sa.Column("created_at", sa.TIMESTAMP(), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(), nullable=False),
    )
    op.create_table(
        "journal_entries",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("open_time", sa.TIMESTAMP(), nullable=False),
        sa.Column("close_time", sa.TIMESTAMP()),
        sa.Column("symbol", sa.String(20), nullable=False),
        sa.Column("trade_type", sa.String(4), nullable=False),
        sa.Column("lots", sa.Float(), nullable=False),
        sa.Column("entry_price", sa.Float(), nullable=False),
        sa.Column("exit_price", sa.Float()),
        sa.Column("stop_loss", sa.Float()),
        sa.Column("take_profit", sa.Float()),
        sa.Column("pips", sa.Float()),
        sa.Column("profit_loss", sa.Float()),
        sa.Column("mae", sa.Float()),
        sa.Column("mfe", sa.Float()),
        sa.Column("r_value", sa.Float()),
        sa.Column("trade_setup", sa.String(100)),
        sa.Column("session", sa.String(8)),
        sa.Column("duration_minutes", sa.Integer()),
        sa.Column("notes", sa.Text()),
        sa.Column("tags", sa.String(500)),
        sa.Column("screenshot_entry", sa.Text()),
        sa.Column("screenshot_exit", sa.Text()),
        sa.Column("screenshot_analysis", sa.Text()),
        sa.Column("outcome", sa.String(9)),
        sa.Column("created_at", sa.TIMESTAMP()),
        sa.Column("updated_at", sa.TIMESTAMP()),
    )
    op.create_table(
        "trade_analytics",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("date", sa.TIMESTAMP(), nullable=False),
        sa.Column("total_trades", sa.Integer()),
        sa.Column("winning_trades", sa.Integer()),
        sa.Column("losing_trades", sa.Integer()),
        sa.Column("breakeven_trades", sa.Integer()),
        sa.Column("win_rate", sa.Float()),
        sa.Column("profit_factor", sa.Float()),
        sa.Column("total_pnl", sa.Float()),
        sa.Column("gross_profit", sa.Float()),
        sa.Column("gross_loss", sa.Float()),
        sa.Column("avg_win", sa.Float()),
        sa.Column("avg_loss", sa.Float()),
        sa.Column("largest_win", sa.Float()),
        sa.Column("largest_loss", sa.Float()),
        sa.Column("expectancy", sa.Float()),
        sa.Column("avg_duration", sa.Float()),
        sa.Column("avg_rr_achieved", sa.Float()),
        sa.Column("avg_confidence", sa.Float()),
        sa.Column("best_symbol", sa.String(20)),
        sa.Column("worst_symbol", sa.String(20)),
        sa.Column("best_session", sa.String(20)),
        sa.Column("worst_session", sa.String(20)),
        sa.Column("created_at", sa.TIMESTAMP()),
    )
    op.create_index("ix_trading_signals_id", "trading_signals", ["id"])
    op.create_index("ix_trading_signals_symbol", "trading_signals", ["symbol"])
    op.create_index("ix_trading_signals_outcome", "trading_signals", ["outcome"])
    op.create_index("ix_trading_signals_status", "trading_signals", ["status"])
    op.create_index("ix_trading_signals_timestamp", "trading_signals", ["timestamp"])
    op.create_index("ix_journal_entries_id", "journal_entries", ["id"])
    op.create_index("ix_journal_entries_open_time", "journal_entries", ["open_time"])
    op.create_index("ix_journal_entries_created_at", "journal_entries", ["created_at"])
    op.create_index("ix_journal_entries_symbol", "journal_entries", ["symbol"])
    op.create_index("ix_trade_analytics_date", "trade_analytics", ["date"])


def downgrade() -> None:
    """Leave nothing, as before the first start."""
    op.drop_table("trade_analytics")
    op.drop_table("journal_entries")
    op.drop_table("trading_signals")
