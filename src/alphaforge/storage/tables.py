"""Every table. The first three are the predecessor's, with our nullable columns behind its own.

The predecessor goes on reading and writing its tables: its INSERTs name its columns only, so each of ours may be
NULL, and none of its columns is renamed, retyped or narrowed. Its times are naive UTC (`Moment`); ours are epoch
seconds. `migrations/versions` says the same in steps; a test holds the two together.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    text,
)

from alphaforge.storage.types import Moment, Word

metadata = MetaData()
identity = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts up only a column that is declared INTEGER."""

signals = Table(
    "trading_signals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("timestamp", Moment, nullable=False),
    Column("symbol", String(20), nullable=False),
    Column("direction", Word(10), nullable=False),
    Column("entry", Float, nullable=False),
    Column("stop_loss", Float, nullable=False),
    Column("tp1", Float, nullable=False),
    Column("tp2", Float),
    Column("tp3", Float),
    Column("rr_ratio", String(10)),
    Column("position_size", Float),
    Column("risk_amount", Float),
    Column("confidence_score", Float),
    Column("signal_strength", String(20)),
    Column("reasoning", Text),
    Column("status", Word(9), nullable=False),
    Column("entry_time", Moment),
    Column("entry_price", Float),
    Column("exit_time", Moment),
    Column("exit_price", Float),
    Column("outcome", Word(12)),
    Column("pips_captured", Float),
    Column("actual_pnl", Float),
    Column("potential_pnl", Float),
    Column("duration_hours", Float),
    Column("mae", Float),
    Column("mfe", Float),
    Column("slippage", Float),
    Column("market_condition", String(50)),
    Column("session", String(20)),
    Column("volatility_level", Float),
    Column("notes", Text),
    Column("tags", String(200)),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    # ours
    Column("instrument", String(24)),
    Column("origin", String(10)),
    Column("strategy", String(40)),
    Column("candle_time", BigInteger),
    Column("source", String(40)),
    Column("simulated", Boolean),
    Column("candle_hash", String(100)),
    Column("settings_hash", String(40)),
    Column("regime", String(40)),
    Column("strength", Double),
    Column("agreement", Double),
    Column("spread", Double),
    Column("risk_fraction", Double),
    Column("expires_at", BigInteger),
    Column("r_multiple", Double),
    Column("spread_paid", Double),
    Column("ambiguous", Boolean),
    Column("decision", Text),
    Index("ix_trading_signals_id", "id"),
    Index("ix_trading_signals_symbol", "symbol"),
    Index("ix_trading_signals_outcome", "outcome"),
    Index("ix_trading_signals_status", "status"),
    Index("ix_trading_signals_timestamp", "timestamp"),
    # behind place and order: what lists are filtered by, and what performance adds up
    Index(
        "ix_signals_newest",
        *("timestamp", "id", "status", "instrument", "direction", "confidence_score"),
        *("symbol", "actual_pnl", "pips_captured", "r_multiple"),
    ),
    Index("ix_signals_of_status", "status", "timestamp", "id", "instrument", "direction", "confidence_score"),
    Index("ix_signals_of_instrument", "instrument", "timestamp", "id", "status", "direction", "confidence_score"),
    Index("ix_signals_by_candle", "candle_time", "id"),
    Index("ix_signals_result", "instrument", "exit_time", "r_multiple"),
    # all that the track record reads
    Index(
        "ix_signals_record",
        *("source", "timestamp", "id", "status", "origin", "strategy", "simulated", "instrument", "direction"),
        *("candle_time", "exit_time", "regime", "confidence_score", "pips_captured", "r_multiple", "mae", "mfe"),
        *("entry", "stop_loss", "exit_price", "spread_paid", "ambiguous"),
    ),
    Index("ux_signals_identity", "strategy", "source", "instrument", "candle_time", unique=True),
)

journal = Table(
    "journal_entries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("open_time", Moment, nullable=False),
    Column("close_time", Moment),
    Column("symbol", String(20), nullable=False),
    Column("trade_type", Word(4), nullable=False),
    Column("lots", Float, nullable=False),
    Column("entry_price", Float, nullable=False),
    Column("exit_price", Float),
    Column("stop_loss", Float),
    Column("take_profit", Float),
    Column("pips", Float),
    Column("profit_loss", Float),
    Column("mae", Float),
    Column("mfe", Float),
    Column("r_value", Float),
    Column("trade_setup", String(100)),
    Column("session", Word(8)),
    Column("duration_minutes", Integer),
    Column("notes", Text),
    Column("tags", String(500)),
    Column("screenshot_entry", Text),
    Column("screenshot_exit", Text),
    Column("screenshot_analysis", Text),
    Column("outcome", Word(9)),
    Column("created_at", Moment),
    Column("updated_at", Moment),
    # ours
    Column("signal_id", Integer),
    Index("ix_journal_entries_id", "id"),
    Index("ix_journal_entries_open_time", "open_time"),
    Index("ix_journal_entries_created_at", "created_at"),
    Index("ix_journal_entries_symbol", "symbol"),
    # the same
    Index(
        "ix_journal_newest",
        *("open_time", "id", "symbol", "trade_type", "outcome", "session", "trade_setup", "tags"),
    ),
    Index(
        "ix_journal_of_symbol",
        *("symbol", "open_time", "id", "trade_type", "outcome", "session", "trade_setup", "tags"),
    ),
    # of the entries that follow a signal only: what names none costs nothing
    Index(
        "ix_journal_of_signal",
        *("signal_id", "open_time", "id", "trade_type", "entry_price", "r_value", "symbol"),
        sqlite_where=text("signal_id IS NOT NULL"),
        postgresql_where=text("signal_id IS NOT NULL"),
    ),
    # all that figures are made of: a row may hold pictures, and its outcome lies behind them
    Index(
        "ix_journal_closed",
        *("close_time", "id", "open_time", "outcome", "profit_loss", "r_value", "pips", "mae", "mfe"),
        *("symbol", "trade_type", "session", "trade_setup", "tags"),
    ),
)

analytics = Table(
    "trade_analytics",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("date", Moment, nullable=False),
    Column("total_trades", Integer),
    Column("winning_trades", Integer),
    Column("losing_trades", Integer),
    Column("breakeven_trades", Integer),
    Column("win_rate", Float),
    Column("profit_factor", Float),
    Column("total_pnl", Float),
    Column("gross_profit", Float),
    Column("gross_loss", Float),
    Column("avg_win", Float),
    Column("avg_loss", Float),
    Column("largest_win", Float),
    Column("largest_loss", Float),
    Column("expectancy", Float),
    Column("avg_duration", Float),
    Column("avg_rr_achieved", Float),
    Column("avg_confidence", Float),
    Column("best_symbol", String(20)),
    Column("worst_symbol", String(20)),
    Column("best_session", String(20)),
    Column("worst_session", String(20)),
    Column("created_at", Moment),
    Index("ix_trade_analytics_date", "date"),
)

_millionths = BigInteger().with_variant(Numeric(asdecimal=False), "postgresql")

journal_totals = Table(
    "journal_totals",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("trades", BigInteger, nullable=False),
    Column("wins", BigInteger, nullable=False),
    Column("losses", BigInteger, nullable=False),
    Column("r_count", BigInteger, nullable=False),
    Column("pnl", _millionths, nullable=False),
    Column("pips", _millionths, nullable=False),
    Column("r_sum", _millionths, nullable=False),
)
"""One row, kept by triggers on `journal_entries`: see totals.py."""

journal_changes = Table(
    "journal_changes",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
)
"""What version the entries are that closed on a UTC day (since 1970), kept by triggers: see journal_changes.py."""

evaluations = Table(
    "evaluations",
    metadata,
    Column("source", String(40), primary_key=True),
    Column("instrument", String(24), primary_key=True),
    Column("candle_time", BigInteger, primary_key=True, autoincrement=False),
    Column("strategy", String(40), primary_key=True),
    sqlite_with_rowid=False,
)
"""The identity of every evaluation: what makes it a signal or a rejection, never both, whoever writes first."""

rejections = Table(
    "rejections",
    metadata,
    Column("id", identity, primary_key=True),
    Column("strategy", String(40), nullable=False),
    Column("source", String(40), nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("instrument", String(24), nullable=False),
    Column("candle_time", BigInteger, nullable=False),
    Column("decided_at", Double, nullable=False),
    Column("regime", String(40), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("strength", Double, nullable=False),
    Column("agreement", Double, nullable=False),
    Column("buy_votes", Double, nullable=False),
    Column("sell_votes", Double, nullable=False),
    Column("confidence", Double, nullable=False),
    Column("atr_pct", Double),
    Column("adx", Double),
    Column("volatility_ok", Boolean),
    Column("strength_ok", Boolean),
    Column("adx_ok", Boolean),
    Column("last_price", Double, nullable=False),
    Column("suggested_direction", String(4)),
    Column("proposed_entry", Double),
    Column("proposed_stop_loss", Double),
    Column("proposed_take_profit", Double),
    Column("decision", Text, nullable=False),
    Index("ix_rejections_newest", "decided_at", "id"),
    Index("ix_rejections_by_candle", "candle_time", "id"),
    Index("ix_rejections_of_instrument", "instrument", "decided_at", "id"),
    Index("ux_rejections_identity", "strategy", "source", "instrument", "candle_time", unique=True),
)

candles = Table(
    "candles",
    metadata,
    Column("source", String(40), primary_key=True),
    Column("instrument", String(24), primary_key=True),
    Column("time", BigInteger, primary_key=True, autoincrement=False),
    Column("packed", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""M5 candles. `packed`: 104 bytes, little-endian: mid, bid, ask (open, high, low, close as float64), volume (int64)."""

trade_results = Table(
    "trade_results",
    metadata,
    Column("id", identity, primary_key=True),
    Column("instrument", String(24), nullable=False),
    Column("profit_loss", Double, nullable=False),
    Column("risk", Double, nullable=False),
    Column("r_multiple", Double, nullable=False),
    Column("at", Double, nullable=False),
    Column("source", String(40), nullable=False),
    Index("ix_trade_results_newest", "instrument", "at", "id"),
)

app_settings = Table(
    "app_settings",
    metadata,
    Column("key", String(100), primary_key=True),
    Column("value", Text, nullable=False),
    Column("updated_at", Double, nullable=False),
)

idempotent_answers = Table(
    "idempotent_answers",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("request", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", Double, nullable=False),
    Index("ix_idempotent_answers_age", "created_at"),
)
"""What was answered to a write that carried an Idempotency-Key. `request` is a digest of what was asked."""
