"""All of a PostgreSQL database as rows: out of one moment of it, and into it in one transaction.

Rows travel by a cursor and by COPY in batches of a few MiB, so that memory does not grow with the tables.
"""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, text
from sqlalchemy.util import await_only

from alphaforge.core.errors import DatabaseForeign, DatabaseInUse, StorageError
from alphaforge.storage import adoption, adoption_sqlite, tables
from alphaforge.storage.address import Address
from alphaforge.storage.adoption_postgresql import catalog, over_engine
from alphaforge.storage.backup.anew import begin_anew, recount_statements
from alphaforge.storage.backup.file import Digest, Row, Tell, columns_in, open_part, open_still, quoted, tables_in
from alphaforge.storage.backup.values import Meant, kept
from alphaforge.storage.connection import dispose, transaction
from alphaforge.storage.engine import PoolSettings, postgresql_engine
from alphaforge.storage.failures import plainly, unreachable

DERIVED = frozenset({tables.journal_totals.name, tables.journal_changes.name})
"""Kept by triggers, from other tables: counted again instead of carried over."""
_BATCH_BYTES, _BATCH_ROWS = 4 * 1024 * 1024, 1_000
_OTHERS = text(
    "SELECT DISTINCT coalesce(nullif(application_name, ''), 'unnamed') FROM pg_stat_activity WHERE pid <>"
    " pg_backend_pid() AND datname = current_database() AND usename = current_user AND backend_type = 'client backend'"
)
_LENGTHS = """SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema()
    AND table_name = $1 AND data_type IN ('text', 'bytea') AND column_name = ANY($2)"""


@dataclass(slots=True)
class Count:
    """How far all tables together have come."""

    tell: Tell
    what: str
    total: int
    done: int = 0

    def more(self, rows: int) -> None:
        """So many rows more."""
        self.done += rows
        self.tell(self.what, self.done, self.total)


async def copy_out(address: Address, part: Path, tell: Tell) -> list[str]:
    """Write everything that is ours into a new file, as one moment shows it; what was left out as not ours."""
    engine = postgresql_engine(address, PoolSettings(size=1, max_overflow=0))
    try:
        with plainly():
            reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            async with transaction(reader) as connection:
                found = await connection.run_sync(catalog)
                if adoption.state_of(found, address.for_people) not in {adoption.State.CURRENT, adoption.State.OLDER}:
                    raise adoption.not_adopted(address.for_people, adoption.state_of(found, address.for_people))
                driver = await connection.run_sync(_driver)
                await driver.execute("SET LOCAL enable_seqscan = on")
                return await _copied(driver, found, part, tell)
    except OSError as error:
        raise unreachable(error, address.for_people) from error
    finally:
        await dispose(engine)


def _driver(connection: Connection) -> Any:  # noqa: ANN401 - asyncpg's connection, in the same transaction
    return connection.connection.driver_connection


async def _copied(driver: Any, found: adoption.Catalog, part: Path, tell: Tell) -> list[str]:  # noqa: ANN401 - asyncpg's
    with adoption_sqlite.transaction(part) as connection:
        adoption.create(connection, found.revisions[0])
    with closing(open_part(part)) as target:
        wanted = {name: columns_in(target, name) for name in tables_in(target) if name != "alembic_version"}
        left_out = sorted(found.tables.keys() - wanted.keys() - {"alembic_version"})
        left_out += sorted(f"{name}.{one}" for name in wanted for one in found.tables[name] - set(wanted[name]))
        again = _without_what_follows_rows(target)
        wanted = {name: columns for name, columns in wanted.items() if name not in DERIVED}
        counts = [await driver.fetchval(f"SELECT count(*) FROM {quoted(name)}") for name in wanted]  # noqa: S608 - quoted
        count = Count(tell, "copying rows", sum(counts))
        for name, columns in wanted.items():
            await _copy_table(driver, target, name, columns, count)
        tell("building indexes", 0, 1)
        for statement in again:
            target.execute(statement)
        tell("building indexes", 1, 1)
        return left_out


def _without_what_follows_rows(target: sqlite3.Connection) -> list[str]:
    """Drop indexes and triggers, which are cheaper and safer to have when all rows are there; what makes them again."""
    found = target.execute("SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql <> ''")
    again = []
    for kind, name, sql in found.fetchall():
        target.execute(f"DROP {kind} {quoted(name)}")
        again.append(sql)
    return [*recount_statements("sqlite", tables_in(target)), *again]


async def _copy_table(driver: Any, target: sqlite3.Connection, name: str, columns: list[str], count: Count) -> None:  # noqa: ANN401 - asyncpg's
    places = ", ".join("?" * len(columns))
    insert = f"INSERT INTO {quoted(name)} ({', '.join(map(quoted, columns))}) VALUES ({places})"  # noqa: S608 - quoted
    target.execute("BEGIN")
    target.execute(f"DELETE FROM {quoted(name)}")  # noqa: S608 - quoted
    async for batch in _batches(driver, name, columns):
        target.executemany(insert, batch)
        count.more(len(batch))
    target.execute("COMMIT")


async def _batches(driver: Any, name: str, columns: list[str]) -> AsyncIterator[list[Row]]:  # noqa: ANN401 - asyncpg's
    """All rows of a table as the file keeps them; the fewer at a time, the longer its longest row."""
    long = [row[0] for row in await driver.fetch(_LENGTHS, name, columns)]
    longest = 0
    if long:
        width = " + ".join(f"coalesce(octet_length({quoted(column)}), 0)" for column in long)
        longest = await driver.fetchval(f"SELECT coalesce(max({width}), 0) FROM {quoted(name)}")  # noqa: S608 - quoted
    size = max(1, min(_BATCH_ROWS, _BATCH_BYTES // (longest + 1)))
    cursor = quoted(f"all_{name}")  # a cursor of asyncpg's own cannot be closed, and its table not be altered then
    select = f"SELECT {', '.join(map(quoted, columns))} FROM {quoted(name)}"  # noqa: S608 - quoted
    await driver.execute(f"DECLARE {cursor} NO SCROLL CURSOR FOR {select}")
    while batch := await driver.fetch(f"FETCH {size} FROM {cursor}"):
        yield [kept(row) for row in batch]
    await driver.execute(f"CLOSE {cursor}")


async def copy_in(address: Address, file: Path, tell: Tell, *, force: bool) -> None:
    """Fill the database with what the file holds, in one transaction: all of it arrived, or nothing is changed."""
    engine = postgresql_engine(address, PoolSettings(size=1, max_overflow=0))
    try:
        with plainly(), closing(open_still(file)) as source:
            work = partial(_filled, source=source, where=address.for_people, tell=tell, force=force)
            await over_engine(engine, work)
    except OSError as error:
        raise unreachable(error, address.for_people) from error
    finally:
        await dispose(engine)


def _filled(connection: Connection, source: sqlite3.Connection, where: str, tell: Tell, *, force: bool) -> None:
    _make_room(connection, where, force=force)
    loaded = [table for table in tables.metadata.sorted_tables if table.name not in DERIVED]
    for table in tables.metadata.sorted_tables:
        connection.exec_driver_sql(f"ALTER TABLE {quoted(table.name)} DISABLE TRIGGER USER")
    rows = sum(source.execute(f"SELECT count(*) FROM {quoted(table.name)}").fetchone()[0] for table in loaded)  # noqa: S608 - quoted
    count = Count(tell, "writing rows", rows)
    sent = {table.name: await_only(_load(_driver(connection), source, table, count)) for table in loaded}
    count = Count(tell, "reading back", rows)
    for table in loaded:
        if await_only(_arrived(_driver(connection), table, count)) != sent[table.name]:
            raise StorageError(f"{table.name} did not arrive as it was sent", advice="Nothing was changed. Try again.")
    for table in tables.metadata.sorted_tables:
        connection.exec_driver_sql(f"ALTER TABLE {quoted(table.name)} ENABLE TRIGGER USER")
        _continue_numbers(connection, table)
    for statement in recount_statements("postgresql"):
        connection.exec_driver_sql(statement)
    begin_anew(connection)
    for table in tables.metadata.sorted_tables:
        connection.exec_driver_sql(f"ANALYZE {quoted(table.name)}")


def _make_room(connection: Connection, where: str, *, force: bool) -> None:
    """Our tables, current and empty."""
    others = list(connection.execute(_OTHERS).scalars())
    if others:
        message = f"{where} is in use by other connections of this user: {', '.join(sorted(others))}"
        raise DatabaseInUse(message, advice="Stop every server and program that has it open, then try again.")
    state = adoption.state_of(catalog(connection), where)
    if state is not adoption.State.EMPTY and not force:
        raise not_empty(where)
    if state is not adoption.State.CURRENT:
        adoption.bring_up_to_date(connection, state)
    names = ", ".join(quoted(table.name) for table in tables.metadata.sorted_tables)
    connection.exec_driver_sql(f"TRUNCATE {names}")


def not_empty(where: str) -> DatabaseForeign:
    """Somebody's work may be in there."""
    return DatabaseForeign(
        f"{where} is not empty",
        advice="Name an empty database in DATABASE_URL, or replace what is there with --force. It is untouched.",
    )


async def _load(driver: Any, source: sqlite3.Connection, table: Table, count: Count) -> str:  # noqa: ANN401 - asyncpg's
    """COPY a table; the digest of what was sent."""
    meant, digest = Meant(table), Digest()
    names = [column.name for column in table.columns]
    found = source.execute(f"SELECT {', '.join(map(quoted, names))} FROM {quoted(table.name)}")  # noqa: S608 - quoted

    def rows() -> Iterator[Row]:
        for number, row in enumerate(found, 1):
            sent = meant.row(row)
            for _ in digest.of([kept(sent)]):
                yield sent
            if number % _BATCH_ROWS == 0:
                count.more(_BATCH_ROWS)

    await driver.copy_records_to_table(table.name, columns=names, records=rows())
    count.more(digest.rows % _BATCH_ROWS)
    return digest.hex


async def _arrived(driver: Any, table: Table, count: Count) -> str:  # noqa: ANN401 - asyncpg's
    digest = Digest()
    async for batch in _batches(driver, table.name, [column.name for column in table.columns]):
        for _ in digest.of(batch):
            pass
        count.more(len(batch))
    return digest.hex


def _continue_numbers(connection: Connection, table: Table) -> None:
    """Let the next row get a number behind the largest."""
    for column in table.primary_key.columns:
        sequence = connection.scalar(
            text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": quoted(table.name), "column": column.name}
        )
        if sequence is not None:
            largest = f"(SELECT max({quoted(column.name)}) FROM {quoted(table.name)})"  # noqa: S608 - quoted
            reached = f"greatest(coalesce({largest}, 1), 1), coalesce({largest}, 0) > 0"  # it counts from 1
            connection.exec_driver_sql(f"SELECT setval('{sequence}', {reached})")
