"""Edit a journal of 500,000 entries at random, and hold the figures that are kept against figures made anew.

    python tests/e2e/journal_at_scale.py --entries 500000 --edits 300

On SQLite and on PostgreSQL: ten years of trades, then edit after edit, one entry or hundreds, by the application or in
plain SQL. After each, a question to what a process keeps; now and then, and at the end, another process's first
question, which reads everything: days and figures must be equal bit for bit. What a question costs, and what memory,
is printed.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

sys.path.append(str(Path(__file__).parents[1]))

import psutil
from rich.console import Console

from alphaforge.core.times import parse_rfc3339
from alphaforge.statistics.days import Days
from alphaforge.statistics.figures import figures_of
from alphaforge.storage import bulk
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.engine import Database
from alphaforge.storage.journal import JournalRepository, NewEntry
from alphaforge.storage.journal_days import JournalDays
from servers import postgres_server

console = Console(stderr=True)

FIRST, YEARS = parse_rfc3339("2016-01-04T00:00:00Z"), 10 * 365.25 * 86_400
WEEK, OPEN = 7 * 86_400, 5 * 86_400
BALANCE = 10_000.0
KINDS = ("sqlite", "postgresql")
_COLUMNS = "open_time, close_time, symbol, trade_type, lots, entry_price, profit_loss, pips, r_value, mae, mfe, outcome"
_PIPS = "((i * 7919) % 401 - 190) / 10.0"
_VALUES = f"""'GBPUSD', 'BUY', 1, 1.3, {_PIPS} * 8.17, {_PIPS}, {_PIPS} / 11.0, (i % 150) / 10.0, (i % 307) / 10.0,
    CASE WHEN {_PIPS} > 0 THEN 'WIN' WHEN {_PIPS} < 0 THEN 'LOSS' ELSE 'BREAKEVEN' END"""
_SQLITE = f"""INSERT INTO journal_entries ({_COLUMNS})
    WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < :entries),
    at(i, s) AS (SELECT i, CAST(i * :step AS INTEGER) FROM n),
    moments(i, t) AS (SELECT i, :first + s / :open * :week + s % :open FROM at)
    SELECT strftime('%Y-%m-%d %H:%M:%S.000000', t, 'unixepoch'),
    strftime('%Y-%m-%d %H:%M:%S.000000', t + 600 + i % 9000, 'unixepoch'), {_VALUES} FROM moments"""  # noqa: S608 - texts of this module only
_POSTGRESQL = f"""INSERT INTO journal_entries ({_COLUMNS})
    SELECT to_timestamp(t) AT TIME ZONE 'UTC', to_timestamp(t + 600 + i % 9000) AT TIME ZONE 'UTC', {_VALUES} FROM (
        SELECT i, :first + (i * :step)::bigint / :open * :week + (i * :step)::bigint % :open AS t
        FROM generate_series(1::bigint, :entries) AS i
    ) n"""  # noqa: S608 - the same


@dataclass(slots=True)
class Proof:
    """What was seen on one kind of database; seconds and bytes."""

    kind: str
    faults: list[str] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)
    made: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    grown: int = 0
    days: int = 0


async def fill(connection: AsyncConnection, entries: int) -> None:
    """Ten years of trades, on weekdays; in one statement, and PostgreSQL's totals counted once."""
    values = {
        "first": int(FIRST),
        "step": YEARS * OPEN / WEEK / entries,
        "open": OPEN,
        "week": WEEK,
        "entries": entries,
    }
    statement = _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL
    for name, value in values.items():
        statement = statement.replace(f":{name}", repr(value))
    if connection.dialect.name == "postgresql":
        await connection.exec_driver_sql("ALTER TABLE journal_entries DISABLE TRIGGER journal_totals_rows")
    await connection.exec_driver_sql(statement)
    if connection.dialect.name == "postgresql":
        await connection.exec_driver_sql("ALTER TABLE journal_entries ENABLE TRIGGER journal_totals_rows")


Edit = Callable[[AsyncConnection, Random, int], Awaitable[object]]


def _entry(dice: Random) -> NewEntry:
    opened = FIRST + dice.random() * YEARS
    closed = None if dice.random() < 0.1 else opened + dice.randrange(60, 90_000)
    amount = dice.choice([None, round(dice.gauss(0, 100), 2)])
    return NewEntry(opened, "XAUUSD", "SELL", 0.5, 1900.0, close_time=closed, profit_loss=amount, pips=dice.gauss(0, 9))


def _changes(dice: Random) -> dict[str, object]:
    new = _entry(dice)
    amounts = {"profit_loss": new.profit_loss, "r_value": dice.gauss(0, 1)}
    times = {"open_time": new.open_time, "close_time": new.close_time}
    words = {"outcome": dice.choice([None, "WIN", "LOSS", "BREAKEVEN"])}
    return dice.choice([amounts, times, words, {**amounts, **times, **words}])


async def _add_one(connection: AsyncConnection, dice: Random, _: int) -> None:
    await JournalRepository(connection).create(_entry(dice))


async def _change_one(connection: AsyncConnection, dice: Random, entries: int) -> None:
    await JournalRepository(connection).update(dice.randint(1, entries), _changes(dice))


async def _remove_one(connection: AsyncConnection, dice: Random, entries: int) -> None:
    await JournalRepository(connection).delete(dice.randint(1, entries))


async def _add_many(connection: AsyncConnection, dice: Random, _: int) -> None:
    await bulk.create_entries(connection, [_entry(dice) for _ in range(300)])


async def _change_many(connection: AsyncConnection, dice: Random, entries: int) -> None:
    wanted = dice.sample(range(1, entries), 300)
    there = await bulk.held_entries(connection, wanted)
    await bulk.change_entries(connection, [{"id": one, **_changes(dice)} for one in there])


async def _remove_some_plainly(connection: AsyncConnection, dice: Random, entries: int) -> None:
    first = dice.randint(1, entries)
    await connection.exec_driver_sql(f"DELETE FROM journal_entries WHERE id BETWEEN {first} AND {first + 50}")  # noqa: S608 - numbers


async def _change_some_plainly(connection: AsyncConnection, dice: Random, entries: int) -> None:
    first = dice.randint(1, entries)
    change = dice.choice(
        ["profit_loss = -profit_loss", "close_time = open_time", "outcome = NULL, mfe = 3", "notes = 'x'"]
    )
    await connection.exec_driver_sql(
        f"UPDATE journal_entries SET {change} WHERE id BETWEEN {first} AND {first + 200}"  # noqa: S608 - the same
    )


_ONE: tuple[Edit, ...] = (_add_one, _change_one, _remove_one)
_MANY: tuple[Edit, ...] = (_add_many, _change_many, _remove_some_plainly, _change_some_plainly)


def _same(one: Days, other: Days) -> bool:
    equal = one.day.tobytes() == other.day.tobytes() and one.values.tobytes() == other.values.tobytes()
    return equal and repr(figures_of(one, balance=BALANCE)) == repr(figures_of(other, balance=BALANCE))


async def prove(url: str, entries: int, edits: int, seed: int) -> Proof:
    """Edit after edit, each followed by a question."""
    database, dice = await Database.open(url), Random(seed)
    proof, process = Proof(database.dialect), psutil.Process()
    async with database.write("journal_entries") as connection:
        await fill(connection, entries)
    before, kept = process.memory_info().rss, JournalDays(database)
    proof.first.append(await _seconds(kept.now))
    proof.grown = process.memory_info().rss - before
    for number in range(edits):
        single = dice.random() < 0.7  # most edits are of one entry
        edit = dice.choice(_ONE if single else _MANY)
        async with database.write("journal_entries") as connection:
            await edit(connection, dice, entries)
        took = await _seconds(kept.now)
        days = (await kept.now()).days
        if single:
            began = time.process_time()
            figures_of(days, balance=BALANCE)
            proof.made.append(time.process_time() - began)
            proof.asked.append(took)
        if number % max(edits // 5, 1) == 0 or number == edits - 1:
            anew = JournalDays(database)
            proof.first.append(await _seconds(anew.now))
            if not _same(days, (await anew.now()).days):
                proof.faults.append(f"after edit {number} ({edit.__name__}) what is kept differs")
    proof.days = len((await kept.now()).days)
    await database.close()
    return proof


async def _seconds(work: Callable[[], Awaitable[object]]) -> float:
    """What it takes of this process, threads included; on PostgreSQL the server's part comes on top."""
    began = time.process_time()
    await work()
    return time.process_time() - began


@contextmanager
def databases(folder: Path) -> Iterator[list[str]]:
    """The URLs of an empty database of each of `KINDS`."""
    with postgres_server() as url:
        yield [f"sqlite:///{folder / 'journal.db'}", url]


def _report(proof: Proof, entries: int, edits: int) -> None:
    console.print(f"[bold]{proof.kind}[/]: {entries:,} entries on {proof.days:,} trading days, {edits} edits")
    console.print(
        f"  a first question {min(proof.first):.2f} to {max(proof.first):.2f} s; memory +{proof.grown / 2**20:.1f} MiB"
    )
    for what, took in (("the days after an edit of one entry", proof.asked), ("all figures from the days", proof.made)):
        ordered = sorted(took)
        low, middle = ordered[0], ordered[len(ordered) // 2]
        console.print(f"  {what}: {1e3 * low:.2f} ms (least), {1e3 * middle:.2f} (median) of processor time")
    for fault in proof.faults:
        console.print(f"  [red]{fault}")
    if not proof.faults:
        console.print("  what is kept and what was made anew were equal bit for bit, each time")


def main() -> int:
    """0 where they always agreed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=500_000)
    parser.add_argument("--edits", type=int, default=300)
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    given = parser.parse_args()
    faults = 0
    with tempfile.TemporaryDirectory(prefix="alphaforge-journal-") as folder, databases(Path(folder)) as urls:
        for url in (url for kind, url in zip(KINDS, urls, strict=True) if kind in given.kinds):
            proof = asyncio.run(prove(url, given.entries, given.edits, given.seed))
            _report(proof, given.entries, given.edits)
            faults += len(proof.faults)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
