"""Desks that decide often: a strategy that lets nearly everything pass, and short windows that load in no time."""

from alphaforge.bootstrap import CATCH_UP, _Archive
from alphaforge.core.clock import Clock
from alphaforge.market.rolling import RollingCandles
from alphaforge.signals.settings import StrategySettings
from alphaforge.storage.engine import Database
from alphaforge.workflows.desk import Desk

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
    candles = RollingCandles(source, _Archive(database, source), clock, strategy.window + spare)  # type: ignore[arg-type] - the same
    return Desk(database, source, candles, clock, names, strategy)  # type: ignore[arg-type] - the same
