"""What is not kept for ever: rejections (4 KB each), the answers to repeated requests, jobs, what happened."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn

import structlog

from alphaforge.core.errors import AlphaForgeError
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.engine import Database
from alphaforge.storage.events import EventRepository
from alphaforge.storage.idempotent_answers import KEPT_SECONDS, AnswerRepository
from alphaforge.storage.job_pieces import prune_pieces
from alphaforge.storage.jobs import JobRepository
from alphaforge.storage.rejections import RejectionRepository
from alphaforge.workflows.desk import Desk

log = structlog.get_logger(__name__)

DAY = 86_400
BATCH = 500
"""Rows forgotten in one transaction: some milliseconds, so that no other write waits longer."""
PIECES = 20
"""Pieces of files forgotten in one transaction, a megabyte each."""
BREATH = 0.1
"""Seconds between two transactions, for whoever else writes."""

Wait = Callable[[float], Awaitable[None]]


async def prune_every_day(desk: Desk, keep_days: int, wait: Wait = asyncio.sleep) -> NoReturn:
    """Forget what is old at once and after every day of the market; after a failure the next day tries again.

    `keep_days`: how long rejections are kept, for ever with 0.
    """
    while True:
        try:
            await prune_answers(desk.database, wait)
            await prune_jobs(desk.database, wait)
            await prune_events(desk.database, wait)
            if keep_days:
                await prune_rejections(desk, keep_days, wait)
        except AlphaForgeError as error:
            log.error("pruning_failed", error=error.message, advice=error.advice)  # noqa: TRY400 - said in words
        await wait(DAY / max(desk.clock.speed, 1.0))


async def prune_rejections(desk: Desk, keep_days: int, wait: Wait = asyncio.sleep) -> int:
    """Forget this market's rejections that are more than `keep_days` of its days old; answers how many they were.

    Another market's are left alone: its time may be another.
    """
    before = desk.clock.now() - keep_days * DAY

    async def some(connection: AsyncConnection) -> int:
        return await RejectionRepository(connection).prune(before, source=desk.source.name, at_most=BATCH)

    forgotten = await _all(desk.database, "rejections", some, BATCH, wait)
    if forgotten:
        log.info("rejections_forgotten", count=forgotten, older_than_days=keep_days)
    return forgotten


async def prune_answers(database: Database, wait: Wait = asyncio.sleep) -> int:
    """Forget the answers kept for an Idempotency-Key that is a day old by the machine's clock; answers how many."""
    before = time.time() - KEPT_SECONDS

    async def some(connection: AsyncConnection) -> int:
        return await AnswerRepository(connection).prune(before, at_most=BATCH)

    return await _all(database, "idempotent_answers", some, BATCH, wait)


async def prune_jobs(database: Database, wait: Wait = asyncio.sleep) -> int:
    """Forget the jobs that ended a week ago, their files first; answers how many."""

    async def some_pieces(connection: AsyncConnection) -> int:
        return await prune_pieces(connection, at_most=PIECES)

    async def some(connection: AsyncConnection) -> int:
        return await JobRepository(connection).prune(at_most=BATCH)

    await _all(database, "job_chunks", some_pieces, PIECES, wait)
    return await _all(database, "jobs", some, BATCH, wait)


async def prune_events(database: Database, wait: Wait = asyncio.sleep) -> int:
    """Forget the events of more than a day ago; answers how many."""

    async def some(connection: AsyncConnection) -> int:
        return await EventRepository(connection).prune(at_most=BATCH)

    return await _all(database, "events", some, BATCH, wait)


async def _all(
    database: Database, noun: str, some: Callable[[AsyncConnection], Awaitable[int]], batch: int, wait: Wait
) -> int:
    """Forget some, `batch` at most, and with a breath in between again until there are no more; answers how many."""
    forgotten = 0
    while True:
        async with database.write(noun) as connection:
            count = await some(connection)
        forgotten += count
        if count < batch:
            return forgotten
        await wait(BREATH)
