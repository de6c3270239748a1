"""All background work of a desk: begun together, ended together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from alphaforge.core.errors import MarketError
from alphaforge.core.granularity import Granularity
from alphaforge.core.memory import give_back
from alphaforge.tasks.pruning import prune_every_day
from alphaforge.tasks.scanning import ScanSchedule
from alphaforge.tasks.settling import settle_every_minute
from alphaforge.tasks.strategy import Strategy
from alphaforge.tasks.supervisor import keep_running
from alphaforge.workflows.open_market import open_market, warm_connections
from alphaforge.workflows.scan_market import ScanResult

log = structlog.get_logger(__name__)

RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)


@dataclass(slots=True)
class Background:
    """Opens the market, then scans at every close, settles every minute and follows prices, until cancelled.

    With `scheduled` off the market is opened, its candles fetched once, and the rest left to whoever asks.
    `keep_days`: how long rejections are kept, for ever with 0.
    """

    strategy: Strategy
    follow_prices: Callable[[], Awaitable[object]]
    scheduled: bool = True
    keep_days: int = 0
    opened: bool = False
    _scanned: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Open the market and work."""
        await self._open()
        if not self.scheduled:
            return
        desk = self.strategy.desk
        schedule = ScanSchedule(self._scan, desk.clock, desk.names, self._was_open)
        async with asyncio.TaskGroup() as group:
            group.create_task(keep_running("connections", self._warm_connections))
            group.create_task(keep_running("scanning", schedule.run))
            group.create_task(keep_running("settling", partial(settle_every_minute, self.strategy.settle_own)))
            group.create_task(keep_running("prices", self.follow_prices))
            group.create_task(keep_running("pruning", partial(prune_every_day, desk, self.keep_days)))

    async def _open(self) -> None:
        """Ask the market until it answers; the interface serves what is stored meanwhile."""
        desk, attempt = self.strategy.desk, 0
        while not self.opened:
            try:
                await open_market(desk, desk.names)
            except MarketError as error:
                pause = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
                log.error("market_not_opened", error=error.message, advice=error.advice, again_in_seconds=pause)  # noqa: TRY400 - said in words
                attempt += 1
                await asyncio.sleep(pause)
            else:
                self.opened = True

    async def _scan(self, names: Sequence[str]) -> Sequence[ScanResult]:
        """The scheduled scan; with the strategy stopped candles are collected and nothing is decided.

        What it took goes back to the machine: megabytes of pages the first time, only now held by nobody any more.
        """
        strategy = self.strategy
        try:
            results = await (strategy.scan(names) if strategy.is_running else strategy.collect(names))
        finally:
            self._scanned.set()
        await asyncio.to_thread(give_back)
        return results

    async def _warm_connections(self) -> None:
        """After the first scan: connections that are being prepared serve nothing else for a second."""
        await self._scanned.wait()
        await warm_connections(self.strategy.desk)

    def _was_open(self, name: str, boundary: int) -> bool:
        """Whether the candle that ended at `boundary` can have had a price."""
        hours = self.strategy.desk.hours_of(name)
        return hours.is_open(boundary - Granularity.M5.seconds) or hours.is_open(boundary - 1)
