"""What is not kept for ever: rejections, each with its whole decision 4 KB, and the answers to repeated requests."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn

import structlog

from alphaforge.core.errors import AlphaForgeError
from alphaforge.storage.engine import Database
from alphaforge.storage.idempotent_answers import KEPT_SECONDS, AnswerRepository
from alphaforge.storage.rejections import RejectionRepository
from alphaforge.workflows.desk import Desk

log = structlog.get_logger(__name__)

DAY = 86_400
BATCH = 500
"""Rows forgotten in one transaction: some milliseconds, so that no other write waits longer."""
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
            if keep_days:
                await prune_rejections(desk, keep_days, wait)
        except AlphaForgeError as error:
            log.error("pruning_failed", error=error.message, advice=error.advice)  # noqa: TRY400 - said in words
        await wait(DAY / max(desk.clock.speed, 1.0))


async def prune_rejections(desk: Desk, keep_days: int, wait: Wait = asyncio.sleep) -> int:
    """Forget this market's rejections that are more than `keep_days` of its days old; answers how many they were.

    Another market's are left alone: its time may be another.
    """
    before, forgotten = desk.clock.now() - keep_days * DAY, 0
    while True:
        async with desk.database.write("rejections") as connection:
            count = await RejectionRepository(connection).prune(before, source=desk.source.name, at_most=BATCH)
        forgotten += count
        if count < BATCH:
            break
        await wait(BREATH)
    if forgotten:
        log.info("rejections_forgotten", count=forgotten, older_than_days=keep_days)
    return forgotten


async def prune_answers(database: Database, wait: Wait = asyncio.sleep) -> int:
    """Forget the answers kept for an Idempotency-Key that is a day old by the machine's clock; answers how many."""
    before, forgotten = time.time() - KEPT_SECONDS, 0
    while True:
        async with database.write("idempotent_answers") as connection:
            count = await AnswerRepository(connection).prune(before, at_most=BATCH)
        forgotten += count
        if count < BATCH:
            return forgotten
        await wait(BREATH)
