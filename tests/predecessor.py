"""A database as the predecessor leaves it, generated: its schema in our words, and a few dozen rows."""

import random
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

SIGNAL_COLUMNS = (
    *("id", "timestamp", "symbol", "direction", "entry", "stop_loss", "tp1", "tp2", "tp3", "rr_ratio"),
    *("position_size", "risk_amount", "confidence_score", "signal_strength", "reasoning", "status"),
    *("entry_time", "entry_price", "exit_time", "exit_price", "outcome", "pips_captured", "actual_pnl"),
    *("potential_pnl", "duration_hours", "mae", "mfe", "slippage", "market_condition", "session"),
    *("volatility_level", "notes", "tags", "created_at", "updated_at"),
)
JOURNAL_COLUMNS = (
    *("id", "open_time", "close_time", "symbol", "trade_type", "lots", "entry_price", "exit_price", "stop_loss"),
    *("take_profit", "pips", "profit_loss", "mae", "mfe", "r_value", "trade_setup", "session"),
    *("duration_minutes", "notes", "tags", "screenshot_entry", "screenshot_exit", "screenshot_analysis"),
    *("outcome", "created_at", "updated_at"),
)
COLUMNS = {"trading_signals": SIGNAL_COLUMNS, "journal_entries": JOURNAL_COLUMNS}

_ENUMS = {
    "signalstatus": ("WON", "LOST", "EXPIRED", "PENDING", "ACTIVE", "CLOSED", "CANCELLED"),
    "signaloutcome": ("WIN", "LOSS", "BREAKEVEN", "PARTIAL_LOSS"),
    "tradetype": ("BUY", "SELL"),
    "sessiontype": ("ASIAN", "LONDON", "NEW_YORK", "OVERLAP"),
    "tradeoutcome": ("WIN", "LOSS", "BREAKEVEN"),
}
_SCHEMA = """
CREATE TABLE trading_signals (
  id {id}, timestamp {time} NOT NULL, symbol VARCHAR(20) NOT NULL, direction VARCHAR(10) NOT NULL,
  entry FLOAT NOT NULL, stop_loss FLOAT NOT NULL, tp1 FLOAT NOT NULL, tp2 FLOAT, tp3 FLOAT, rr_ratio VARCHAR(10),
  position_size FLOAT, risk_amount FLOAT, confidence_score FLOAT, signal_strength VARCHAR(20), reasoning TEXT,
  status {signalstatus} NOT NULL, entry_time {time}, entry_price FLOAT, exit_time {time}, exit_price FLOAT,
  outcome {signaloutcome}, pips_captured FLOAT, actual_pnl FLOAT, potential_pnl FLOAT, duration_hours FLOAT,
  mae FLOAT, mfe FLOAT, slippage FLOAT, market_condition VARCHAR(50), session VARCHAR(20), volatility_level FLOAT,
  notes TEXT, tags VARCHAR(200), created_at {time} NOT NULL, updated_at {time} NOT NULL{key});
CREATE INDEX ix_trading_signals_symbol ON trading_signals (symbol);
CREATE INDEX ix_trading_signals_id ON trading_signals (id);
CREATE INDEX ix_trading_signals_outcome ON trading_signals (outcome);
CREATE INDEX ix_trading_signals_status ON trading_signals (status);
CREATE INDEX ix_trading_signals_timestamp ON trading_signals (timestamp);
CREATE TABLE trade_analytics (
  id {id}, date {time} NOT NULL, total_trades INTEGER, winning_trades INTEGER, losing_trades INTEGER,
  breakeven_trades INTEGER, win_rate FLOAT, profit_factor FLOAT, total_pnl FLOAT, gross_profit FLOAT,
  gross_loss FLOAT, avg_win FLOAT, avg_loss FLOAT, largest_win FLOAT, largest_loss FLOAT, expectancy FLOAT,
  avg_duration FLOAT, avg_rr_achieved FLOAT, avg_confidence FLOAT, best_symbol VARCHAR(20),
  worst_symbol VARCHAR(20), best_session VARCHAR(20), worst_session VARCHAR(20), created_at {time}{key});
CREATE INDEX ix_trade_analytics_date ON trade_analytics (date);
CREATE TABLE journal_entries (
  id {id}, open_time {time} NOT NULL, close_time {time}, symbol VARCHAR(20) NOT NULL,
  trade_type {tradetype} NOT NULL, lots FLOAT NOT NULL, entry_price FLOAT NOT NULL, exit_price FLOAT,
  stop_loss FLOAT, take_profit FLOAT, pips FLOAT, profit_loss FLOAT, mae FLOAT, mfe FLOAT, r_value FLOAT,
  trade_setup VARCHAR(100), session {sessiontype}, duration_minutes INTEGER, notes TEXT, tags VARCHAR(500),
  screenshot_entry TEXT, screenshot_exit TEXT, screenshot_analysis TEXT, outcome {tradeoutcome},
  created_at {time}, updated_at {time}{key});
CREATE INDEX ix_journal_entries_open_time ON journal_entries (open_time);
CREATE INDEX ix_journal_entries_id ON journal_entries (id);
CREATE INDEX ix_journal_entries_created_at ON journal_entries (created_at);
CREATE INDEX ix_journal_entries_symbol ON journal_entries (symbol)
"""
_VARCHARS = {name: f"VARCHAR({max(map(len, words))})" for name, words in _ENUMS.items()}
_FIRST = datetime(2025, 11, 20, 16, 18)  # noqa: DTZ001 - the predecessor's times carry no zone

Row = dict[str, Any]


def signal_rows(count: int = 40) -> list[Row]:
    """Signals of every status; times naive, as the predecessor has them."""
    chance = random.Random(7)
    rows = []
    for number in range(1, count + 1):
        moment = _FIRST - timedelta(minutes=43 * number)
        status = _ENUMS["signalstatus"][number % 7]
        ended = moment + timedelta(minutes=166) if status in {"WON", "LOST", "CLOSED"} else None
        entry, buys = round(chance.uniform(1.29, 1.32), 5), chance.random() < 0.5
        risk = 0.0018 if buys else -0.0018
        row = dict.fromkeys(SIGNAL_COLUMNS) | {
            "id": number,
            "timestamp": moment,
            "symbol": ("GOLD", "GBP/USD", "USD/JPY", "GBPUSD")[number % 4],
            "direction": "BUY" if buys else "SELL",
            "entry": entry,
            "stop_loss": entry - risk,
            "tp1": entry + 2 * risk,
            "confidence_score": chance.uniform(30, 90),
            "reasoning": chance.choice([None, "Stochastic crossover from oversold; M5 disagrees."]),
            "status": status,
            "exit_time": ended,
            "exit_price": None if ended is None else entry + 2 * risk,
            "outcome": {"WON": "WIN", "LOST": "LOSS"}.get(status),
            "actual_pnl": None if ended is None else round(chance.gauss(0, 40), 2),
            "notes": "Regime: transitional, Agreement: 0.67, Kelly: 0.020",
            "created_at": moment,
            "updated_at": moment,
        }
        rows.append(row)
    return rows


def journal_rows(count: int = 30) -> list[Row]:
    """Trades, some of them still open."""
    chance = random.Random(8)
    rows = []
    for number in range(1, count + 1):
        moment = _FIRST - timedelta(hours=7 * number)
        closed = number % 9 != 0
        pips = round(chance.gauss(3, 20), 1)
        row = dict.fromkeys(JOURNAL_COLUMNS) | {
            "id": number,
            "open_time": moment,
            "close_time": moment + timedelta(minutes=217) if closed else None,
            "symbol": chance.choice(["GBPUSD", "XAUUSD", "USDJPY"]),
            "trade_type": chance.choice(["BUY", "SELL"]),
            "lots": 0.25,
            "entry_price": 157.0,
            "pips": pips if closed else None,
            "profit_loss": round(pips * 8.17, 2) if closed else None,
            "r_value": round(pips / 11, 2) if closed else None,
            "session": chance.choice([None, *_ENUMS["sessiontype"]]),
            "duration_minutes": 217 if closed else None,
            "tags": chance.choice([None, "news", "fomo,late"]),
            "outcome": ("WIN" if pips > 0 else "LOSS") if closed else None,
            "created_at": moment,
            "updated_at": moment,
        }
        rows.append(row)
    return rows


def as_text(value: Any) -> Any:
    """A value as the predecessor's driver writes it to SQLite."""
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value


def epoch(moment: datetime | None) -> float | None:
    """A naive UTC time in epoch seconds."""
    return None if moment is None else moment.replace(tzinfo=UTC).timestamp()


def build_sqlite(path: Path, *, signals: int = 40, entries: int = 30) -> None:
    """Write such a database to a file."""
    connection = sqlite3.connect(path)
    types = {"id": "INTEGER NOT NULL", "time": "DATETIME", "key": ", PRIMARY KEY (id)", **_VARCHARS}
    connection.executescript(_SCHEMA.format(**types))
    for table, rows in (("trading_signals", signal_rows(signals)), ("journal_entries", journal_rows(entries))):
        for row in rows:
            write_sqlite(connection, table, row)
    connection.commit()
    connection.close()


def write_sqlite(connection: sqlite3.Connection, table: str, row: Row) -> None:
    """Insert as the predecessor does: naming its own columns only."""
    names, places = ", ".join(row), ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", [as_text(v) for v in row.values()])  # noqa: S608 - names of this module


def read_sqlite(path: Path, table: str) -> list[tuple[Any, ...]]:
    """Read as the predecessor does."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute(f"SELECT {', '.join(COLUMNS[table])} FROM {table} ORDER BY id").fetchall()  # noqa: S608 - names of this module
    finally:
        connection.close()


async def build_postgresql(url: str, *, enums: bool) -> None:
    """Write such a database to PostgreSQL, with native enums as older SQLAlchemy made them, or with VARCHAR."""
    connection = await asyncpg.connect(url)
    types = {"id": "SERIAL PRIMARY KEY", "time": "TIMESTAMP WITHOUT TIME ZONE", "key": ""}
    if enums:
        for name, words in _ENUMS.items():
            await connection.execute(f"CREATE TYPE {name} AS ENUM ({', '.join(repr(word) for word in words)})")
    types |= {name: name for name in _ENUMS} if enums else _VARCHARS
    await connection.execute(_SCHEMA.format(**types))
    for table, rows in (("trading_signals", signal_rows()), ("journal_entries", journal_rows())):
        for row in rows:
            await write_postgresql(connection, table, {name: v for name, v in row.items() if name != "id"})
    await connection.close()


async def write_postgresql(connection: Any, table: str, row: Row) -> None:
    """Insert as the predecessor does: naming its own columns only, words as bare literals."""
    names, places = ", ".join(row), ", ".join(f"${n}" for n in range(1, len(row) + 1))
    await connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", *row.values())  # noqa: S608 - names of this module


async def read_postgresql(url: str, table: str, schema: str = "public") -> list[tuple[Any, ...]]:
    """Read as the predecessor does."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(f"SELECT {', '.join(COLUMNS[table])} FROM {schema}.{table} ORDER BY id")  # noqa: S608 - names of this module
        return [tuple(row) for row in rows]
    finally:
        await connection.close()
