"""The desk as the interface sees it: each service of `api.services`, answered by the desk's parts."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from alphaforge.api.measurements import Measurements
from alphaforge.api.services import CandleFacts, ChannelFacts, MarketFacts, Services
from alphaforge.core.candles import CandleSeries
from alphaforge.core.errors import MarketError
from alphaforge.core.instruments import Instrument
from alphaforge.core.market_hours import MarketHours
from alphaforge.market.freshness import STALE_AFTER
from alphaforge.market.price_feed import PriceFeed
from alphaforge.market.source import Quote
from alphaforge.signals.settings import StrategySettings
from alphaforge.signals.sizing import KellyStatistics
from alphaforge.storage.candles import CandleStore
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.evaluation_counts import EvaluationTally
from alphaforge.storage.journal_days import JournalDays
from alphaforge.tasks.alert_delivery import AlertDelivery
from alphaforge.tasks.alert_troubles import MarketTrouble, market_trouble
from alphaforge.tasks.job_board import JobBoard
from alphaforge.tasks.strategy import Strategy
from alphaforge.tasks.watchlist import Watchlist
from alphaforge.workflows.desk import Desk
from alphaforge.workflows.record_trade_result import read_kelly, record_trade_result
from alphaforge.workflows.scan_market import ScanResult
from alphaforge.workflows.settle_signals import Settlement


def desk_services(
    strategy: Strategy,
    watchlist: Watchlist,
    feed: PriceFeed,
    board: JobBoard,
    delivery: AlertDelivery,
    *,
    gemini_configured: bool,
    measurements: Measurements | None = None,
) -> Services:
    """Everything a request may touch."""
    desk = strategy.desk
    return Services(
        database=desk.database,
        clock=desk.clock,
        desk=_Workflows(strategy),
        strategy=strategy,
        prices=_Prices(desk, feed),
        candles=_Candles(desk),
        instruments=_Instruments(desk, watchlist),
        status=_Status(desk, gemini_configured),
        evaluations=EvaluationTally(desk.database),
        jobs=board,
        alerts=_Alerts(delivery),
        journal_days=JournalDays(desk.database),
        measurements=measurements,
    )


def trouble_of_market(desk: Desk, feed: PriceFeed) -> MarketTrouble | None:
    """What is wrong with the market at this moment, for those who are alerted; None where nothing is."""
    traffic = desk.source.traffic
    return market_trouble(feed.status, time.monotonic(), problem=traffic.last_error, refused=traffic.refused)


@dataclass(frozen=True, slots=True)
class _Workflows:
    """The workflows, bound to their desk."""

    strategy: Strategy

    @property
    def settings(self) -> StrategySettings:
        return self.strategy.desk.strategy

    async def scan(self, instruments: Sequence[str] | None = None) -> Sequence[ScanResult]:
        return await self.strategy.scan(instruments)

    async def settle(self, *, own_only: bool) -> Sequence[Settlement]:
        return await self.strategy.settle(own_only=own_only)

    async def record_trade_result(
        self, connection: AsyncConnection, instrument: str, profit_loss: float, risk: float
    ) -> KellyStatistics:
        return await record_trade_result(self.strategy.desk, connection, instrument, profit_loss, risk)

    async def kelly(self, instrument: str | None = None) -> KellyStatistics:
        desk = self.strategy.desk
        return await read_kelly(desk, (instrument,) if instrument else desk.names)


@dataclass(frozen=True, slots=True)
class _Prices:
    """Quotes from memory while they are fresh, else asked of the market."""

    desk: Desk
    feed: PriceFeed

    async def quotes(self, instruments: Sequence[str]) -> Sequence[Quote]:
        missing = [name for name in instruments if not self._is_fresh(name)]
        asked: dict[str, Quote] = {}
        problem: MarketError | None = None
        if missing:
            try:
                asked = {quote.instrument: quote for quote in await self.desk.source.quotes(missing)}
            except MarketError as error:
                problem = error  # an older quote with its own time is still the truth
        found = [quote for name in instruments if (quote := asked.get(name) or self.feed.quote(name))]
        if not found and problem is not None:
            raise problem
        return found

    def _is_fresh(self, name: str) -> bool:
        """Whether the newest quote came or was confirmed just now; while the market is closed the last one stays so."""
        quote, age = self.feed.quote(name), self.feed.age(name)
        if quote is None or age is None:
            return False
        return age < STALE_AFTER or not self.desk.hours_of(name).is_open(self.desk.clock.now())


@dataclass(frozen=True, slots=True)
class _Candles:
    """Closed M5 candles, in memory and in the archive of the present market."""

    desk: Desk

    def series(self, instrument: str) -> CandleSeries:
        return self.desk.candles.series(instrument)

    async def between(self, instrument: str, start: int, end: int) -> CandleSeries:
        return await CandleStore(self.desk.database, self.desk.source.name).between(instrument, start, end)


@dataclass(frozen=True, slots=True)
class _Instruments:
    """The instruments by OANDA's name."""

    desk: Desk
    watchlist: Watchlist

    @property
    def watched(self) -> Sequence[str]:
        return self.desk.names

    @property
    def known(self) -> Mapping[str, Instrument]:
        return self.desk.instruments

    def hours(self, instrument: str) -> MarketHours:
        return self.desk.hours_of(instrument)

    async def add(self, instrument: str) -> bool:
        return await self.watchlist.add(instrument)

    async def remove(self, instrument: str) -> None:
        await self.watchlist.remove(instrument)


@dataclass(frozen=True, slots=True)
class _Status:
    """What is known without asking anybody."""

    desk: Desk
    gemini_configured: bool
    started_at: float = field(default_factory=time.time)

    def market(self) -> MarketFacts:
        source = self.desk.source
        answered, error = source.traffic.last_answer, source.traffic.last_error
        at = None if answered is None else time.time() - (time.monotonic() - answered)
        return MarketFacts(source.name, source.simulated, at is not None and not error, at, error or None)

    def candles(self) -> Sequence[CandleFacts]:
        facts = []
        for name in self.desk.names:
            series = self.desk.candles.series(name)
            needed = self.desk.strategy.window
            facts.append(CandleFacts(name, len(series), needed, series.end if len(series) else None))
        return facts


@dataclass(frozen=True, slots=True)
class _Alerts:
    """The channels for alerts, without their addresses."""

    delivery: AlertDelivery

    async def facts(self) -> Sequence[ChannelFacts]:
        facts = []
        for channel, state, sent in await self.delivery.states():
            wanted = channel.wanted
            facts.append(
                ChannelFacts(
                    channel.name,
                    channel.schema,
                    sorted(wanted.kinds),
                    sorted(wanted.instruments),
                    wanted.min_confidence,
                    None if wanted.quiet is None else str(wanted.quiet),
                    state.failures,
                    state.disabled_at,
                    state.last_error,
                    sent,
                )
            )
        return facts

    async def test(self, name: str) -> None:
        await self.delivery.test(name)

    async def enable(self, name: str) -> None:
        await self.delivery.enable(name)
