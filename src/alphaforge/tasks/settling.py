"""The scheduled settlement: every minute, for signals that this desk made."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

import structlog

from alphaforge.core.errors import AlphaForgeError
from alphaforge.telemetry import tracing

log = structlog.get_logger(__name__)

PERIOD = 60.0


async def settle_every_minute(
    settle: Callable[[], Awaitable[object]], wait: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> NoReturn:
    """Settle for ever; a failure is logged and the next minute is a new chance."""
    while True:
        await wait(PERIOD)
        try:
            with tracing.begin("settle"):
                await settle()
        except AlphaForgeError as error:
            log.error("settlement_failed", error=error.message, advice=error.advice)  # noqa: TRY400 - said in words
