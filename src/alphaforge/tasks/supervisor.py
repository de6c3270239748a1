"""Keeps background work alive: what breaks is logged with its trace and begun again."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger(__name__)

RESTART_DELAY = 5.0


async def keep_running(
    name: str, work: Callable[[], Awaitable[object]], wait: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Run `work` until it returns; where it raises, say so and begin again after a pause."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("background_work_failed", work=name, again_in_seconds=RESTART_DELAY)
            await wait(RESTART_DELAY)
        else:
            return
