"""All background work of a process: begun together, ended together."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import structlog

from alphaforge.core.errors import MarketError, StorageError
from alphaforge.core.granularity import Granularity
from alphaforge.tasks.engine import Engine
from alphaforge.tasks.following import follow_others
from alphaforge.tasks.job_board import JobBoard
from alphaforge.tasks.leader import Leadership
from alphaforge.tasks.market_jobs import scan_by_job, settle_by_job
from alphaforge.tasks.pruning import prune_every_day
from alphaforge.tasks.scanning import ScanSchedule
from alphaforge.tasks.settling import settle_every_minute
from alphaforge.tasks.strategy import Strategy
from alphaforge.tasks.supervisor import keep_running
from alphaforge.tasks.watchlist import Watchlist
from alphaforge.workflows.open_market import open_market, warm_connections

log = structlog.get_logger(__name__)

RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)


@dataclass(slots=True)
class Background:
    """Opens the market and runs jobs, follows prices and other processes, and keeps the schedule while it leads.

    With `scheduled` off the market is opened, its candles fetched once, and the rest left to whoever asks.
    `keep_days`: how long rejections are kept, for ever with 0. `opened` is set when the market has answered.
    `beside`: further work, by name, whether the market answers or not.
    """

    strategy: Strategy
    watchlist: Watchlist
    follow_prices: Callable[[], Awaitable[object]]
    engine: Engine
    leadership: Leadership
    opened: asyncio.Event
    scheduled: bool = True
    keep_days: int = 0
    beside: Mapping[str, Callable[[], Awaitable[object]]] = field(default_factory=dict)
    board: JobBoard = field(init=False)

    def __post_init__(self) -> None:
        self.board = JobBoard(self.strategy.desk.database, self.engine, in_background=self.scheduled)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._with_the_market())
            if self.scheduled:
                group.create_task(keep_running("jobs", self.engine.run))
                for name, work in self.beside.items():
                    group.create_task(keep_running(name, work))

    async def _with_the_market(self) -> None:
        await self._open()
        desk = self.strategy.desk
        async with asyncio.TaskGroup() as group:
            if desk.database.is_shared:
                group.create_task(keep_running("following", partial(follow_others, self.strategy, self.watchlist)))
            if self.scheduled:
                group.create_task(keep_running("connections", self._warm_connections))
                group.create_task(keep_running("prices", self.follow_prices))
                group.create_task(keep_running("leading", partial(self.leadership.run, self._lead)))

    async def _lead(self) -> None:
        """What only one process does."""
        desk = self.strategy.desk
        scan, settle = partial(scan_by_job, self.board), partial(settle_by_job, self.board)
        schedule = ScanSchedule(scan, desk.clock, lambda: desk.names, self._was_open)
        async with asyncio.TaskGroup() as group:
            group.create_task(keep_running("scanning", schedule.run))
            group.create_task(keep_running("settling", partial(settle_every_minute, settle)))
            group.create_task(keep_running("pruning", partial(prune_every_day, desk, self.keep_days)))

    async def _open(self) -> None:
        """Ask the market until it answers; the interface serves what is stored meanwhile."""
        desk, attempt = self.strategy.desk, 0
        while not self.opened.is_set():
            try:
                await open_market(desk, desk.names)
                await self.strategy.recall()
            except (MarketError, StorageError) as error:
                pause = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
                log.error("market_not_opened", error=error.message, advice=error.advice, again_in_seconds=pause)  # noqa: TRY400 - said in words
                attempt += 1
                await asyncio.sleep(pause)
            else:
                self.opened.set()

    async def _warm_connections(self) -> None:
        """After the first scan of this process: connections that are being prepared serve nothing else for a second."""
        await self.strategy.scanned.wait()
        await warm_connections(self.strategy.desk)

    def _was_open(self, name: str, boundary: int) -> bool:
        """Whether the candle that ended at `boundary` can have had a price."""
        hours = self.strategy.desk.hours_of(name)
        return hours.is_open(boundary - Granularity.M5.seconds) or hours.is_open(boundary - 1)
