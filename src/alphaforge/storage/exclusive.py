"""One at a time, among all tasks of all processes that share a database."""

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType

from alphaforge.core.errors import DatabaseBusy
from alphaforge.storage.engine import Database

_WAIT_SECONDS = 60
_FROZEN_SECONDS = 120
"""After this long without a word PostgreSQL takes the lock from whoever holds it."""


class Exclusive:
    """A lock by number, to be used as `async with`. Whoever has it knows of every commit that was made before.

    The lock lives in a transaction of its own: it ends with its process, however that dies.
    """

    def __init__(self, database: Database, number: int) -> None:
        self._database = database
        self._number = number
        self._here = asyncio.Lock()
        self._there = AsyncExitStack()

    async def __aenter__(self) -> None:
        """Wait for it. Raises DatabaseBusy where another process holds it for a minute."""
        await self._here.acquire()
        try:
            if self._database.is_shared:
                await self._lock()
        except BaseException:
            self._here.release()
            raise

    async def _lock(self) -> None:
        async with AsyncExitStack() as stack:
            connection = await stack.enter_async_context(self._database.write("leases"))
            await connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_WAIT_SECONDS}s'")
            await connection.exec_driver_sql(
                f"SET LOCAL idle_in_transaction_session_timeout = '{_FROZEN_SECONDS}s'",
            )
            try:
                await connection.wait_for_lock(f"SELECT pg_advisory_xact_lock({self._number})")
            except DatabaseBusy:
                message = f"Another process has been deciding for {_WAIT_SECONDS} s"
                raise DatabaseBusy(message, advice="Try again in a moment.") from None
            await self._database.freshness.ascertain()
            self._there = stack.pop_all()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._there.aclose()
        finally:
            self._here.release()
