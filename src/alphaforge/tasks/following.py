"""What other processes of the same desk do, taken up: their candles, their decisions, the switch, the instruments."""

import asyncio

import structlog

from alphaforge.core.errors import AlphaForgeError
from alphaforge.tasks.strategy import Strategy
from alphaforge.tasks.watchlist import Watchlist

log = structlog.get_logger(__name__)

_GATHER_SECONDS = 0.02
"""What is committed within this is taken up at once: a scan stores the candles of each instrument by itself."""
_AGAIN_SECONDS = 1.0


async def follow_others(strategy: Strategy, watchlist: Watchlist) -> None:
    """Take up what has been committed, whenever something is, until cancelled."""
    desk = strategy.desk
    with desk.database.commits.heard("app_settings", "candles", "rejections", "trading_signals", "jobs") as changed:
        while True:
            await changed.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            changed.clear()
            try:
                await strategy.restore()
                await watchlist.restore()
                await desk.candles.recall(desk.names)
                await strategy.recall()
            except AlphaForgeError as error:
                log.warning("others_not_followed", error=error.message)
                changed.set()
                await asyncio.sleep(_AGAIN_SECONDS)
