"""Hearing what PostgreSQL announces; loaded only where it is the database.

Whether all announcements have arrived is certain for a moment after each question to the announcing connection:
PostgreSQL sends what was announced before its answer.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import structlog
from sqlalchemy.exc import TimeoutError as PoolTimeout

from alphaforge.storage.announcements import CHANNEL
from alphaforge.storage.commits import Commits

log = structlog.get_logger(__name__)

CERTAIN_SECONDS = 0.03
"""For how long one question counts: other processes' commits are known within this, and a round trip."""
_ASKED_AGAIN_SECONDS = CERTAIN_SECONDS / 2
"""After so long whoever wants to know has the next question asked, so that nobody waits for it while all goes well."""

_PATIENCE = 2.0
_PAUSES = (0.05, 0.2, 1.0, 2.0, 5.0)
_FAILURES = (OSError, TimeoutError, PoolTimeout, asyncpg.PostgresError, asyncpg.InterfaceError)


class Announcements:
    """Listens to PostgreSQL on a connection of its own, made by `connect` (of asyncpg) as often as it is lost."""

    def __init__(
        self, connect: Callable[[], Awaitable[Any]], commits: Commits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._connect = connect
        self._commits = commits
        self._clock = clock
        self._connection: Any = None
        self._certain_until = 0.0
        self._question: asyncio.Task[bool] | None = None

    def is_certain(self) -> bool:
        """Whether everything committed until a moment ago is known here."""
        left = self._certain_until - self._clock()
        if 0 < left < _ASKED_AGAIN_SECONDS and self._question is None and self._connection is not None:
            self._begin_question()
        return left > 0

    async def ascertain(self) -> bool:
        """Ask PostgreSQL, once for all who want to know; False while it cannot be heard."""
        if self._connection is None:
            return False
        return await asyncio.shield(self._question or self._begin_question())

    def _begin_question(self) -> "asyncio.Task[bool]":
        self._question = asyncio.create_task(self._ask(), name="announcements")
        self._question.add_done_callback(self._answered)
        return self._question

    async def run(self) -> None:
        """Listen until cancelled."""
        attempt = 0
        while True:
            try:
                await self._listen()
                attempt = 0
            except _FAILURES as error:
                if not attempt:
                    log.warning("announcements_lost", reason=type(error).__name__, advice="Nothing is kept meanwhile.")
            await asyncio.sleep(_PAUSES[min(attempt, len(_PAUSES) - 1)])
            attempt += 1

    async def _listen(self) -> None:
        connection = await self._connect()
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            async with asyncio.timeout(_PATIENCE):
                await connection.add_listener(CHANNEL, self._heard)
                # what was announced before is unknown; one name for all, so that processes agree on versions again
                await connection.execute(f"SELECT pg_notify('{CHANNEL}', '* ' || txid_current())")
            self._commits.happened(())
            self._connection = connection
            await lost.wait()
        finally:
            self._connection = None
            self._certain_until = 0.0
            connection.terminate()
        log.warning("announcements_lost", reason="connection closed", advice="Nothing is kept meanwhile.")

    def _heard(self, _connection: object, _process: int, _channel: str, payload: str) -> None:
        noun, _, name = payload.partition(" ")
        self._commits.happened(() if noun == "*" else (noun,), name)

    async def _ask(self) -> bool:
        connection, asked = self._connection, self._clock()
        try:
            async with asyncio.timeout(_PATIENCE):
                await connection.execute("SELECT 1")
        except _FAILURES:
            connection.terminate()
            return False
        if self._connection is not connection:
            return False
        self._certain_until = asked + CERTAIN_SECONDS
        return True

    def _answered(self, _: object) -> None:
        self._question = None
