"""Awaiting SQLAlchemy Core: its asynchronous drivers without its package of that name.

`sqlalchemy.ext.asyncio` is a proxy over an ordinary engine whose driver may await, and brings the whole object mapper
with it: 7 MB and a tenth of a second of every start. The desk needs a connection, a statement and a transaction.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from types import coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from sqlalchemy import ClauseElement, Connection, CursorResult, Dialect, Engine, Executable, create_engine
from sqlalchemy.util import greenlet_spawn

from alphaforge.storage.query_times import COMMIT, QueryTimes
from alphaforge.storage.sqlite_driver import ThreadConnection

T = TypeVar("T")
P = ParamSpec("P")
Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class AsyncConnection:
    """A connection within its transaction, see `transaction`.

    What is asked of it is timed by who asks: the frame of whoever awaits a coroutine is behind the coroutine's own.
    """

    __slots__ = ("_figures", "_plain")

    def __init__(self, plain: Connection, figures: QueryTimes) -> None:
        self._plain = plain
        self._figures = figures

    @property
    def dialect(self) -> Dialect:
        """Which database it is."""
        return self._plain.dialect

    async def execute(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """Run a statement; its rows are here already."""
        asker = self._figures.asker(sys._getframe(1))  # noqa: SLF001 - see above
        work = greenlet_spawn(self._plain.execute, statement, parameters)
        return await self._figures.timed(asker, work, lambda: self._text(statement))

    async def scalar(self, statement: Executable) -> Any:  # noqa: ANN401 - whatever the column holds
        """The first column of the first row, or None."""
        asker = self._figures.asker(sys._getframe(1))  # noqa: SLF001 - see above
        work = greenlet_spawn(self._plain.scalar, statement)
        return await self._figures.timed(asker, work, lambda: self._text(statement))

    async def exec_driver_sql(
        self, statement: str, parameters: tuple[Any, ...] | list[tuple[Any, ...]] = ()
    ) -> CursorResult[*tuple[Any, ...]]:
        """Run a statement as the driver knows it."""
        asker = self._figures.asker(sys._getframe(1))  # noqa: SLF001 - see above
        work = greenlet_spawn(self._plain.exec_driver_sql, statement, parameters)
        return await self._figures.timed(asker, work, lambda: statement)

    async def fetch(self, *queries: tuple[str, tuple[Any, ...]]) -> list[list[tuple[Any, ...]]]:
        """The rows of statements as the driver knows them and has them, in one trip where the driver can."""
        asker = self._figures.asker(sys._getframe(1))  # noqa: SLF001 - see above
        return await self._figures.timed(asker, self._fetch(queries), lambda: "; ".join(query[0] for query in queries))

    async def _fetch(self, queries: Sequence[tuple[str, tuple[Any, ...]]]) -> list[list[tuple[Any, ...]]]:
        driver = self._plain.connection.driver_connection
        if isinstance(driver, ThreadConnection):
            return await driver.run(lambda thread: [thread.execute(*query).fetchall() for query in queries])
        return await greenlet_spawn(self._fetched, queries)

    def _fetched(self, queries: Sequence[tuple[str, tuple[Any, ...]]]) -> list[list[tuple[Any, ...]]]:
        return [[tuple(row) for row in self._plain.exec_driver_sql(*query)] for query in queries]

    async def run_sync(self, work: Callable[Concatenate[Connection, P], T], *given: P.args, **named: P.kwargs) -> T:
        """Run code that knows nothing of awaiting, on this connection."""
        asker = self._figures.asker(sys._getframe(1))  # noqa: SLF001 - see above
        running = greenlet_spawn(partial(work, self._plain, *given, **named))
        return await self._figures.timed(asker, running, lambda: getattr(work, "__qualname__", "several statements"))

    async def wait_for_lock(self, statement: str) -> None:
        """Run a statement that takes a lock, however long others have it: no query, and not counted as one."""
        await greenlet_spawn(self._plain.exec_driver_sql, statement)

    def _text(self, statement: Executable) -> str:
        """A statement's text with marks where its parameters go."""
        return str(cast("ClauseElement", statement).compile(dialect=self.dialect))


def awaiting_engine(url: Any, opened: Callable[[], Awaitable[Any]] | None = None, **options: Any) -> Engine:  # noqa: ANN401 - as create_engine has them
    """An engine whose driver awaits: use it by `transaction` and `dispose` alone.

    `opened` makes the driver's connection, where the driver's own way is not wanted.
    """
    if opened is not None:
        options["creator"] = lambda: cast("Any", engine.dialect.dbapi).connect(async_creator_fn=opened)
    engine: Engine = create_engine(url, _is_async=True, **options)
    return engine


@asynccontextmanager
async def transaction(
    engine: Engine, figures: QueryTimes | None = None, pool: str = "all", *, writes: bool = True
) -> AsyncIterator[AsyncConnection]:
    """A connection of the pool in a transaction: committed at the end of the block, rolled back by an exception.

    `figures` counts what it takes, the wait for a connection of `pool` by its name; the end of one that only reads is
    not worth counting.
    """
    counted, asked = figures or QueryTimes(), time.perf_counter()
    try:
        plain = await greenlet_spawn(_begun, engine)
    finally:
        counted.waited(pool, time.perf_counter() - asked)
    try:
        yield AsyncConnection(plain, counted)
        if writes:
            await counted.timed(COMMIT, greenlet_spawn(plain.commit), lambda: "COMMIT")
        else:
            await greenlet_spawn(plain.commit)
    finally:
        # rolls back what was not committed; whoever is cancelled meanwhile leaves no connection behind
        await _unhurried(greenlet_spawn(plain.close))


async def _unhurried(closing: Coroutine[Any, Any, None]) -> None:
    """Run it to its end though its caller be cancelled; where it need not wait, as after reading, without a task."""
    try:
        waits_for = closing.send(None)
    except StopIteration:
        return
    await asyncio.shield(asyncio.ensure_future(_resumed(closing, waits_for)))


@coroutine
def _resumed(begun: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, None, None]:  # noqa: ANN401 - a future
    """Go on with a coroutine that waits for something already."""
    try:
        yield waits_for
    except BaseException as error:
        begun.throw(error)
        raise
    yield from begun


def _begun(engine: Engine) -> Connection:
    plain = engine.connect()
    try:
        plain.begin()
    except BaseException:
        plain.close()
        raise
    return plain


async def driver_connection(engine: Engine) -> Any:  # noqa: ANN401 - what the driver has
    """A connection of the driver's own kind, outside the pool; whoever asks for it closes it."""

    def taken() -> Any:  # noqa: ANN401 - the same
        pooled = engine.raw_connection()
        found = pooled.driver_connection
        pooled.detach()
        return found

    taking = asyncio.ensure_future(greenlet_spawn(taken))
    try:
        return await asyncio.shield(taking)
    except asyncio.CancelledError:
        while not taking.done():  # one that is half opened would be left behind
            with suppress(asyncio.CancelledError):
                await asyncio.wait({taking})
        if not taking.cancelled() and taking.exception() is None:
            taking.result().terminate()
        raise


async def dispose(engine: Engine) -> None:
    """Close the connections of the pool."""
    await greenlet_spawn(engine.dispose)
