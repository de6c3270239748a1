"""What other processes of the same desk do, taken up: their candles, their decisions, the switch, the instruments."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from alphaforge.core.errors import AlphaForgeError
from alphaforge.storage.commits import Commits
from alphaforge.tasks.strategy import Strategy
from alphaforge.tasks.watchlist import Watchlist

log = structlog.get_logger(__name__)

_GATHER_SECONDS = 0.02
"""What is committed within this is taken up at once: a scan stores the candles of each instrument by itself."""
_AGAIN_SECONDS = 1.0


async def follow_others(strategy: Strategy, watchlist: Watchlist) -> None:
    """Take up what has been committed, whenever something is, until cancelled; of each noun by itself."""
    desk = strategy.desk
    async with asyncio.TaskGroup() as group:
        for nouns, recall in (
            (("app_settings",), strategy.restore),
            (("app_settings",), watchlist.restore),
            (("candles",), lambda: desk.candles.recall(desk.names)),
            (("rejections", "trading_signals", "jobs"), strategy.recall),
        ):
            group.create_task(_follow(desk.database.commits, nouns, recall))


async def _follow(commits: Commits, nouns: tuple[str, ...], recall: Callable[[], Awaitable[object]]) -> None:
    with commits.heard(*nouns) as changed:
        while True:
            await changed.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            changed.clear()
            try:
                await recall()
            except AlphaForgeError as error:
                log.warning("others_not_followed", error=error.message)
                changed.set()
                await asyncio.sleep(_AGAIN_SECONDS)
