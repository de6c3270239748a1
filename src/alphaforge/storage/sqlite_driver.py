"""SQLite at one thread hop a statement.

SQLAlchemy's aiosqlite dialect asks its connection for a cursor, an execution, the rows and a close, each of them a
trip to the connection's thread and back; a transaction adds three more. This connection answers the same questions
but travels once: a transaction begins together with its first statement, rows come back with the execution, and
the end of a read-only transaction is not waited for.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn, Self, TypeVar

T = TypeVar("T")
Row = tuple[Any, ...]
BUSY_SECONDS = 5.0


def open_writer(path: Path) -> sqlite3.Connection:
    """The one writing connection: WAL, every commit on the disk before it returns."""
    connection = _connect(path, "rw")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write; its own cache is small, since the system's holds the file for all of them."""
    connection = _connect(path, "ro")
    connection.execute("PRAGMA cache_size=-512")
    connection.execute("PRAGMA query_only=ON")
    return connection


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.as_uri()}?mode={mode}", uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )


class ThreadConnection:
    """A SQLite connection that lives in a thread of its own, in the shape of an `aiosqlite.Connection`."""

    def __init__(self, opened: Callable[[], sqlite3.Connection], begin: str) -> None:
        self._opened = opened
        self._begin = begin
        self._ends_unwaited = begin == "BEGIN"
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
        self._connection: sqlite3.Connection | None = None
        self._used = False  # asked for something since the last transaction ended
        self._begun = False  # the same as the thread sees it

    async def connected(self) -> Self:
        """Open it; sqlite3.Error where that fails."""
        try:
            self._connection = await self._hop(self._opened)
        except BaseException:
            self._worker.shutdown(wait=False)
            raise
        return self

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in the thread, within the transaction."""
        self._used = True
        return await self._hop(self._within, work)

    def cursor(self) -> "ThreadCursor":
        """A cursor; costs nothing."""
        return ThreadCursor(self)

    async def commit(self) -> None:
        """End the transaction; acknowledged only when it is on the disk."""
        await self._end("COMMIT")

    async def rollback(self) -> None:
        """Give the transaction up."""
        await self._end("ROLLBACK")

    async def close(self) -> None:
        """Close it after whatever is still running in its thread."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await self._hop(connection.close)
        self._worker.shutdown(wait=False)

    def stop(self) -> None:
        """Close it without waiting."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            self._worker.submit(connection.close)
        self._worker.shutdown(wait=False)

    async def create_function(
        self, name: str, arguments: int, function: Callable[..., Any], *, deterministic: bool = False
    ) -> None:
        """SQLAlchemy registers `regexp` with every connection."""
        await self._hop(lambda: self._living().create_function(name, arguments, function, deterministic=deterministic))

    def _hop(self, work: Callable[..., T], *args: object) -> "asyncio.Future[T]":
        return asyncio.get_running_loop().run_in_executor(self._worker, work, *args)

    def _living(self) -> sqlite3.Connection:
        if self._connection is None:
            message = "connection closed"
            raise sqlite3.ProgrammingError(message)
        return self._connection

    def _within(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._living()
        if not self._begun:
            connection.execute(self._begin)
            self._begun = True
        elif not connection.in_transaction:
            _complain_of_lost_transaction()
        return work(connection)

    async def _end(self, word: str) -> None:
        if not self._used:
            return
        self._used = False
        if self._ends_unwaited:
            # its thread works in order: the next statement here comes after this one
            self._worker.submit(self._ended, "ROLLBACK")
        else:
            await self._hop(self._ended, word)

    def _ended(self, word: str) -> None:
        connection = self._living()
        begun, self._begun = self._begun, False
        if connection.in_transaction:
            connection.execute(word)
        elif begun and word == "COMMIT":
            _complain_of_lost_transaction()


def _complain_of_lost_transaction() -> NoReturn:
    """SQLite gives a transaction up by itself on a full or failing disk; what follows must not pass for its rest."""
    message = "the transaction was rolled back by an earlier error"
    raise sqlite3.OperationalError(message)


class ThreadCursor:
    """A cursor whose rows come back with its execution."""

    arraysize = 1

    def __init__(self, connection: ThreadConnection) -> None:
        self._on = connection
        self._rows: list[Row] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Self:
        """Run it and fetch what it returns."""

        def work(connection: sqlite3.Connection) -> tuple[list[Row], Any, int, int | None]:
            cursor = connection.execute(statement, parameters)
            rows = cursor.fetchall()
            return rows, cursor.description, cursor.rowcount, cursor.lastrowid

        self._rows, self.description, self.rowcount, self.lastrowid = await self._on.run(work)
        return self

    async def executemany(self, statement: str, parameters: Sequence[Sequence[Any]]) -> Self:
        """Run it for each of `parameters`."""
        self.rowcount = await self._on.run(lambda connection: connection.executemany(statement, parameters).rowcount)
        return self

    async def fetchall(self) -> list[Row]:
        """Every row that is left."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Nothing is open."""
