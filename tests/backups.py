"""Databases of both kinds to back up, restore and look into, without any code of ours in between."""

import asyncio
import sqlite3
from collections.abc import Coroutine, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg

from alphaforge.storage.backup.restoring import Restored, restore
from alphaforge.storage.backup.taking import Taken, take

NOW = 1_767_323_045.0
ENTRY = (
    "INSERT INTO journal_entries (id, open_time, symbol, trade_type, lots, entry_price, profit_loss, outcome, notes)"
    " VALUES ({id}, '2025-07-07 06:00:00.000001', 'GBPUSD', 'BUY', 0.1, 1.36, {pnl}, 'WIN', '{notes}')"
)

SIGNAL = (
    "INSERT INTO trading_signals (id, timestamp, symbol, direction, entry, stop_loss, tp1, status, created_at,"
    " updated_at, instrument) VALUES ({id}, '2025-07-07 06:00:00.000000', 'GBP/USD', 'BUY', 1.31, 1.308, 1.314,"
    " 'PENDING', '2025-07-07 06:00:00.000000', '2025-07-07 06:00:00.000000', 'GBP_USD')"
)
"""Makes an event as well."""


def silent(what: str, done: int, of: int) -> None:
    """Nobody looks."""


def taken(url: str, path: Path, *, force: bool = False) -> Taken:
    """A backup, by nobody's clock."""
    return take(url, path, silent, program="2.0.0", now=NOW, force=force)


def restored(url: str, path: Path, *, force: bool = False) -> Restored:
    """A restored database."""
    return restore(url, path, silent, now=NOW, force=force)


def path_of(url: str) -> Path:
    """Of a SQLite database."""
    return Path(url.removeprefix("sqlite:///"))


def ask(url: str, *statements: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """The rows of the last of these statements; what they change is committed."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(path_of(url))) as connection, connection:
            for statement in statements:
                found = connection.execute(statement, values).fetchall()
            return found
    return alone(_asked(url, statements, values))


async def _asked(url: str, statements: Sequence[str], values: Sequence[Any]) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            found = await connection.fetch(statement, *values)
        return [tuple(row) for row in found]
    finally:
        await connection.close()


def alone(work: Coroutine[Any, Any, Any]) -> Any:
    """Run something that waits, in a test that does not."""
    return asyncio.run(work)
