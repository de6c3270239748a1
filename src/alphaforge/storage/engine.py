"""The database: opened once, read in read-only transactions, written in one transaction at a time.

SQLite: one writing connection and a few that cannot write, in one process (before 3.51.3 it can damage a WAL that
two connections write and checkpoint at once). PostgreSQL: a pool. Whoever opens a transaction here commits it by
leaving the block.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self, cast

from sqlalchemy import Connection, Engine, QueuePool, event
from sqlalchemy.engine.interfaces import DBAPIConnection

from alphaforge.core.errors import DatabaseUnwritable
from alphaforge.storage import adoption_postgresql, adoption_sqlite
from alphaforge.storage.address import Address, parse_address
from alphaforge.storage.change_events import EVENTFUL, LOCK
from alphaforge.storage.commits import ALWAYS_CERTAIN, Commits, Freshness
from alphaforge.storage.connection import AsyncConnection, awaiting_engine, dispose, driver_connection, transaction
from alphaforge.storage.failures import plainly, unreachable
from alphaforge.storage.lock import ProcessLock
from alphaforge.storage.query_times import QueryTimes
from alphaforge.storage.sqlite_driver import ThreadConnection, open_reader, open_writer

SQLITE_READERS = 8
LONG_READERS = 2
"""Connections that those may have together who read everything; the others stay for short answers."""
_CONNECT_SECONDS = 5.0
_AGAIN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """How many connections, how long to wait for one, and from when on a statement is slow (0: never).

    `recycle`, `timeout` and `slow_query` in seconds.
    """

    size: int = 20
    max_overflow: int = 10
    recycle: int = 3600
    timeout: float = 3.0
    slow_query: float = 0.0


@dataclass(frozen=True, slots=True)
class PoolUse:
    """Connections of a pool: at work, open in all, and the most that may be open."""

    in_use: int
    open: int
    most: int


class Database:
    """An open database; made by `open`, ended by `close`. `figures`: what its work takes."""

    def __init__(
        self, address: Address, reader: Engine, writer: Engine | None, lock: ProcessLock | None, slow_query: float = 0.0
    ) -> None:
        self.dialect = address.dialect
        self.url_for_people = address.for_people
        self._reader = reader
        self._writer = writer
        self._lock = lock
        self.figures = QueryTimes(slow_query)
        self.commits = Commits()
        self.long_reads = asyncio.Semaphore(LONG_READERS)
        self.freshness: Freshness = ALWAYS_CERTAIN
        self._listening: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, url: str, pool: PoolSettings | None = None, *, read_only: bool = False) -> Self:
        """Open it, having created, adopted or migrated it first where that is due.

        `read_only` opens beside a running server and changes nothing. Raises InvalidSetting for a URL that cannot
        be meant, and the StorageError family for everything that a database can be or lack.
        """
        address = parse_address(url)
        settings = pool or PoolSettings()
        if address.path is not None:
            return await cls._open_sqlite(address, address.path, settings, read_only=read_only)
        return await cls._open_postgresql(address, settings, read_only=read_only)

    @classmethod
    async def _open_sqlite(cls, address: Address, path: Path, pool: PoolSettings, *, read_only: bool) -> Self:
        lock: ProcessLock | None = None
        if read_only:
            await asyncio.to_thread(adoption_sqlite.check_current, path)
        else:
            lock = await asyncio.to_thread(adoption_sqlite.claim, path)
        reader = _sqlite_engine(partial(open_reader, path), "BEGIN", min(pool.size, SQLITE_READERS), pool)
        writer = None if read_only else _sqlite_engine(partial(open_writer, path), "BEGIN IMMEDIATE", 1, pool)
        return await cls._begun(cls(address, reader, writer, lock, pool.slow_query))

    @classmethod
    async def _open_postgresql(cls, address: Address, pool: PoolSettings, *, read_only: bool) -> Self:
        engine = postgresql_engine(address, pool)
        try:
            with plainly():
                if read_only:
                    await adoption_postgresql.check_current(engine, address.for_people)
                else:
                    await adoption_postgresql.claim(engine, address.for_people)
        except OSError as error:
            await dispose(engine)
            raise unreachable(error, address.for_people) from error
        except BaseException:
            await dispose(engine)
            raise
        # one pool; a reader's transactions see one moment and cannot write
        reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        writer = None if read_only else engine
        database = await cls._begun(cls(address, reader, writer, None, pool.slow_query))
        if not read_only:
            database._listen(engine)  # noqa: SLF001 - its own
        return database

    def _listen(self, engine: Engine) -> None:
        """Hear of the commits of other processes."""
        from alphaforge.storage.listening import Announcements  # noqa: PLC0415 - only PostgreSQL needs its driver

        announcements = Announcements(lambda: driver_connection(engine), self.commits)
        self.freshness = announcements
        self._listening = asyncio.create_task(announcements.run(), name="announcements")

    @classmethod
    async def _begun(cls, database: Self) -> Self:
        try:
            if database._writer is not None:
                await database._name_late_signals()
        except BaseException:
            await database.close()
            raise
        return database

    async def _name_late_signals(self) -> None:
        """Give instruments to the signals that the predecessor wrote since the last start."""
        from alphaforge.storage.signals import SignalRepository  # noqa: PLC0415 - repositories know no engine

        async with self.write() as connection:
            await SignalRepository(connection).name_late()

    @property
    def is_shared(self) -> bool:
        """Whether other processes may write it too."""
        return self.dialect == "postgresql"

    def read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction that cannot write and sees one moment. DatabaseBusy when no connection becomes free."""
        return self._transaction(self._reader, writes=False)

    @asynccontextmanager
    async def write(self, *nouns: str) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed, and on the disk, when the block is left; rolled back by an exception.

        `nouns`: what it changes, by their tables' names; anything, where none is given. See `commits`.
        """
        if self._writer is None:
            message = f"{self.url_for_people} was opened for reading only"
            raise DatabaseUnwritable(message)
        eventful = not EVENTFUL.isdisjoint(nouns)
        async with self._transaction(self._writer, writes=True) as connection:
            if eventful and self.is_shared:
                await connection.exec_driver_sql(LOCK)
            yield connection
        self.commits.happened((*nouns, "events") if eventful else nouns)

    @asynccontextmanager
    async def _transaction(self, engine: Engine, *, writes: bool) -> AsyncIterator[AsyncConnection]:
        begun = transaction(engine, self.figures, self._pool_name(writes=writes), writes=writes)
        with plainly(self.figures.failed):
            async with AsyncExitStack() as stack:
                try:
                    connection = await stack.enter_async_context(begun)
                except OSError as error:
                    plain = unreachable(error, self.url_for_people)
                    self.figures.failed(plain)
                    raise plain from error
                yield connection

    def _pool_name(self, *, writes: bool) -> str:
        return "all" if self.is_shared else "writer" if writes else "reader"

    def connections(self) -> dict[str, PoolUse]:
        """How each pool is used at this moment: on PostgreSQL there is one, `all`; on SQLite `reader` and `writer`."""
        found = {self._pool_name(writes=False): _use(self._reader)}
        if self._writer is not None:
            found[self._pool_name(writes=True)] = _use(self._writer)
        return found

    async def close(self) -> None:
        """Close every connection and let the next process have the file."""
        if self._listening is not None:
            while not self._listening.done():  # a driver that is just being answered may swallow a cancellation
                self._listening.cancel()
                await asyncio.wait({self._listening}, timeout=_AGAIN_SECONDS)
        await dispose(self._reader)
        if self._writer is not None:
            await dispose(self._writer)  # last, so that SQLite folds its WAL back into the file
        if self._lock is not None:
            self._lock.release()


def _use(engine: Engine) -> PoolUse:
    pool = cast("QueuePool", engine.pool)
    most = pool.size() + pool._max_overflow  # noqa: SLF001 - it tells nobody otherwise
    return PoolUse(pool.checkedout(), pool.checkedout() + pool.checkedin(), most)


def _sqlite_engine(opened: Callable[[], Any], begin: str, size: int, pool: PoolSettings) -> Engine:
    return awaiting_engine(
        "sqlite+aiosqlite:///file",
        lambda: ThreadConnection(opened, begin).connected(),
        pool_size=size,
        max_overflow=0,
        pool_timeout=pool.timeout,
    )


def postgresql_engine(address: Address, pool: PoolSettings) -> Engine:
    """An engine over asyncpg with these limits."""
    if address.url is None:
        message = f"{address.for_people} is not PostgreSQL"
        raise ValueError(message)
    engine = awaiting_engine(
        address.url,
        connect_args={"timeout": _CONNECT_SECONDS, **address.connect_args},
        pool_size=pool.size,
        max_overflow=pool.max_overflow,
        pool_recycle=pool.recycle,
        pool_timeout=pool.timeout,
        pool_pre_ping=True,  # a restarted PostgreSQL costs nobody an error
    )
    event.listen(engine, "connect", _by_index)
    return engine


def _by_index(connection: DBAPIConnection, _: object) -> None:
    """Walk an index rather than the table for what is rare: it has all that is asked, and comes in the list's order.

    PostgreSQL reckons with pages in memory as if they came from a disk, and takes the table and a sort.
    """
    cursor = connection.cursor()
    cursor.execute("SET enable_seqscan = off")
    cursor.close()
    connection.commit()  # or the setting goes with the transaction


async def over_database(url: str, work: Callable[[Connection], None]) -> None:
    """Run `work` (Alembic's, mostly) in one transaction on the database at `url`, server stopped."""
    address = parse_address(url)
    if address.path is not None:
        await asyncio.to_thread(adoption_sqlite.over_file, address.path, work)
        return
    engine = postgresql_engine(address, PoolSettings(size=1, max_overflow=0))
    try:
        with plainly():
            await adoption_postgresql.over_engine(engine, work)
    finally:
        await dispose(engine)
