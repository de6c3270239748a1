"""A desk's database, filled at once: seeded, the same on every machine.

Rows look like the strategy's own and like those of the predecessor's journal; they are written past the application
in one transaction, and the database's triggers keep the totals.
"""

import asyncio
import atexit
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from alphaforge.storage.engine import Database

SIGNALS = 10_000
ENTRIES = 5_000

Row = dict[str, Any]

_NEWEST = datetime(2025, 11, 20, 16, 15, tzinfo=UTC)
_MARKETS = {"GBP_USD": ("GBP/USD", 1.31, 0.0012), "XAU_USD": ("GOLD", 2650.0, 4.5), "USD_JPY": ("USD/JPY", 151.2, 0.14)}
_SETTLED = ("WON", "LOST", "WON", "LOST", "EXPIRED", "WON", "LOST", "LOST", "WON", "EXPIRED")
_OPEN = ("ACTIVE", "PENDING")
_STILL_OPEN = 20
"""The newest signals are not settled yet."""

_OUTCOMES = {"WON": "WIN", "LOST": "LOSS"}
_REASON = (
    "BUY: agreement 0.67 and strength 0.58 in a transitional regime. M5: moving averages, MACD and stochastic up; "
    "M15: moving averages and ADX up, bands quiet; H1: no vote. Spread 1.2 pips, risk 2.0 % by Kelly over 50 results."
)


@cache
def filled_database() -> Path:
    """The usual database, made once for all benchmarks of a run; who serves it, serves a copy."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    new_database(folder / "filled.db")
    return folder / "filled.db"


def new_database(path: Path, *, signals: int = SIGNALS, entries: int = ENTRIES, seed: int = 7) -> str:
    """Make a database with so many rows at `path`; answers its URL."""
    url = f"sqlite:///{path}"
    asyncio.run(_created(url))
    dice = random.Random(seed)
    connection = sqlite3.connect(path)
    with connection:
        _insert(connection, "trading_signals", _signals(dice, signals))
        _insert(connection, "journal_entries", _entries(dice, entries))
    connection.close()
    return url


def add_entries(path: Path, count: int, seed: int = 11, minutes: float = 47) -> None:
    """So many journal entries more, `minutes` from one to the next; server stopped."""
    connection = sqlite3.connect(path)
    with connection:
        _insert(connection, "journal_entries", _entries(random.Random(seed), count, minutes))
    connection.close()


async def _created(url: str) -> None:
    await (await Database.open(url)).close()


def _insert(connection: sqlite3.Connection, table: str, rows: Iterator[Row]) -> None:
    first = next(rows, None)
    if first is None:
        return
    statement = f"INSERT INTO {table} ({', '.join(first)}) VALUES ({', '.join(f':{name}' for name in first)})"  # noqa: S608 - names of this module only
    connection.execute(statement, first)
    connection.executemany(statement, rows)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


def _signals(dice: random.Random, count: int) -> Iterator[Row]:
    for number in range(count):
        name = dice.choice(list(_MARKETS))
        moment = _NEWEST - timedelta(minutes=5 * (count - number))
        is_settled = number < count - _STILL_OPEN
        yield _signal(dice, name, moment, _SETTLED[number % 10] if is_settled else _OPEN[number % 2])


def _signal(dice: random.Random, name: str, moment: datetime, status: str) -> Row:
    symbol, level, risk = _MARKETS[name]
    sign = dice.choice((1, -1))
    entry = round(level * (1 + dice.gauss(0, 0.01)), 5)
    r_multiple = {"WON": 2.0, "LOST": -1.0, "EXPIRED": round(dice.gauss(0, 0.3), 3)}.get(status)
    ended = None if r_multiple is None else _text(moment + timedelta(minutes=dice.randrange(5, 240, 5)))
    agreement, kelly = dice.choice((0.67, 1.0)), 0.02
    return {
        "timestamp": _text(moment),
        "symbol": symbol,
        "direction": "BUY" if sign > 0 else "SELL",
        "entry": entry,
        "stop_loss": round(entry - sign * risk, 5),
        "tp1": round(entry + 2 * sign * risk, 5),
        "rr_ratio": "1:2.0",
        "confidence_score": round(dice.uniform(40, 95), 1),
        "reasoning": _REASON,
        "status": status,
        "exit_time": ended,
        "exit_price": None if r_multiple is None else round(entry + sign * r_multiple * risk, 5),
        "outcome": _OUTCOMES.get(status),
        "pips_captured": None if r_multiple is None else round(r_multiple * 12, 1),
        "actual_pnl": None if r_multiple is None else round(r_multiple * 100, 2),
        "mae": None if r_multiple is None else round(dice.uniform(0, 12), 1),
        "mfe": None if r_multiple is None else round(dice.uniform(0, 24), 1),
        "market_condition": "transitional",
        "notes": f"Regime: transitional, Agreement: {agreement:.2f}, Kelly: {kelly:.3f}",
        "created_at": _text(moment),
        "updated_at": ended or _text(moment),
        **_ours(name, moment, r_multiple),
        "agreement": agreement,
        "risk_fraction": kelly,
    }


def _ours(name: str, moment: datetime, r_multiple: float | None) -> Row:
    """The columns that the predecessor did not have, but for those that its notes name too."""
    closed = int(moment.timestamp())
    return {
        "instrument": name,
        "origin": "strategy",
        "strategy": "voting-v3",
        "candle_time": closed - 300,
        "source": "benchmark",
        "simulated": 1,
        "candle_hash": f"{closed:064x}",
        "settings_hash": "5f3c1f0d9a7be204",
        "regime": "transitional",
        "strength": 0.58,
        "spread": 0.00012,
        "expires_at": closed + 14_400,
        "r_multiple": r_multiple,
        "spread_paid": None if r_multiple is None else 0.1,
        "ambiguous": None if r_multiple is None else 0,
        "decision": '{"votes":[' + ",".join(['{"indicator":"macd","vote":1,"value":0.00012}'] * 24) + "]}",
    }


def _entries(dice: random.Random, count: int, minutes: float = 47) -> Iterator[Row]:
    for number in range(count):
        moment = _NEWEST - timedelta(minutes=minutes * (count - number))
        name = dice.choice(list(_MARKETS))
        _, level, risk = _MARKETS[name]
        sign, pips = dice.choice((1, -1)), round(dice.gauss(2, 20), 1)
        entry = round(level * (1 + dice.gauss(0, 0.01)), 5)
        yield {
            "open_time": _text(moment),
            "close_time": _text(moment + timedelta(minutes=217)),
            "symbol": name.replace("_", ""),
            "trade_type": "BUY" if sign > 0 else "SELL",
            "lots": round(dice.uniform(0.1, 2), 2),
            "entry_price": entry,
            "exit_price": round(entry + sign * pips / 10 * risk, 5),
            "stop_loss": round(entry - sign * risk, 5),
            "take_profit": round(entry + 2 * sign * risk, 5),
            "pips": pips,
            "profit_loss": round(pips * 8.17, 2),
            "mae": round(dice.uniform(0, 15), 1),
            "mfe": round(dice.uniform(0, 30), 1),
            "r_value": round(pips / 11, 2),
            "trade_setup": dice.choice(("Breakout", "Pullback", "Range")),
            "session": dice.choice(("ASIAN", "LONDON", "NEW_YORK", "OVERLAP")),
            "duration_minutes": 217,
            "notes": "Waited for the close above the range, took half at 1R.",
            "tags": dice.choice(("news", "fomo,late", "plan")),
            "outcome": "WIN" if pips > 0 else "LOSS" if pips < 0 else "BREAKEVEN",
            "created_at": _text(moment),
            "updated_at": _text(moment),
        }
