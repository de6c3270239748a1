"""Desks that decide often: a strategy that lets nearly everything pass, and short windows that load in no time."""

from dataclasses import dataclass, field

from alphaforge.bootstrap import CATCH_UP, _Archive
from alphaforge.core.candles import CandleSeries
from alphaforge.core.clock import Clock
from alphaforge.core.granularity import Granularity
from alphaforge.market.rolling import RollingCandles
from alphaforge.market.source import CandlePage
from alphaforge.signals.settings import StrategySettings
from alphaforge.storage.candle_keeping import CandleKeeping
from alphaforge.storage.engine import Database
from alphaforge.workflows.desk import Desk
from market_builders import FakeBroker, HandClock

WILLING = StrategySettings(
    window=600,
    minimum_candles=40,
    volatility_window=30,
    minimum_votes=0.01,
    minimum_agreement=0.0,
    minimum_strength=0.0,
    minimum_volatility=0.0,
    maximum_volatility=0.3,
    minimum_adx=0.0,
    maximum_spread_share=100.0,
    untraded=(),
    exposure_cap=1_000,
    cooldown=0.0,
)
"""Almost every candle that is neither stale nor of a closed market makes a signal."""


def desk_of(
    database: Database,
    source: object,
    names: tuple[str, ...],
    strategy: StrategySettings = WILLING,
    *,
    spare: int = CATCH_UP,
) -> Desk:
    """A desk put together as `bootstrap.open_desk` does it; `source` has a clock, as an OandaClient has."""
    clock: Clock = source.clock  # type: ignore[attr-defined] - an OandaClient, or what a test puts in its place
    candles = RollingCandles(
        source, _Archive(database, source, CandleKeeping(database)), clock, strategy.window + spare
    )  # type: ignore[arg-type] - the same
    return Desk(database, source, candles, clock, names, strategy)  # type: ignore[arg-type] - the same


@dataclass(slots=True)
class MemoryMarket(FakeBroker):
    """A market in memory with finer candles, by granularity, beside its history. Its name says whether it is real."""

    finer: dict[Granularity, CandleSeries] = field(default_factory=dict)
    finer_asked: list[tuple[Granularity, int | None, int | None]] = field(default_factory=list)
    finer_failures: list[Exception] = field(default_factory=list)
    finer_forming: bool = False
    seconds_each: float = 0.0

    async def candles(
        self,
        instrument: str,
        granularity: Granularity,
        *,
        start: int | None = None,
        end: int | None = None,
        count: int | None = None,
    ) -> CandlePage:
        self.clock.time += self.seconds_each
        if granularity is Granularity.M5:
            return await FakeBroker.candles(self, instrument, granularity, start=start, end=end, count=count)
        self.finer_asked.append((granularity, start, end))
        if self.finer_failures:
            raise self.finer_failures.pop(0)
        found = self.finer[granularity].after(start or 0).until(end or 0)
        return CandlePage(found, forming=self.finer_forming)


def market_of(*histories: CandleSeries, moment: float, name: str = "sandbox") -> MemoryMarket:
    """A market at a moment; one by another name than `sandbox` is real."""
    series = {one.instrument: one for one in histories}
    return MemoryMarket(HandClock(moment), series, name=name, simulated=name == "sandbox")
