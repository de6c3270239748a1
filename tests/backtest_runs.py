"""Backtests over seeded candles that several tests look at; they are values, so they are made once."""

from functools import lru_cache
from itertools import pairwise

import numpy as np

from alphaforge.backtests.controls import Controls, controls_of
from alphaforge.backtests.engine import run
from alphaforge.backtests.model import Market, Options, Run
from alphaforge.core.candles import CandleSeries
from alphaforge.core.instruments import Instrument
from alphaforge.core.market_hours import hours_of
from alphaforge.signals.analysis import Analysis, analyse
from alphaforge.signals.settings import DEFAULT_SETTINGS, StrategySettings
from builders import GBP_USD, XAU_USD, walk

SEEDS = 20


def market_of(*series: CandleSeries, instruments: tuple[Instrument, ...] = (GBP_USD, XAU_USD)) -> Market:
    """A market of these candles, whose prices were invented."""
    ones = tuple(one for one in instruments if one.name in {each.instrument for each in series})
    return Market({one.instrument: one for one in series}, ones, {one.name: hours_of(one.name) for one in ones}, "walk")


@lru_cache
def market() -> Market:
    """Two instruments, warm for some 3,500 candles."""
    return market_of(walk(GBP_USD, 15_500, seed=40), walk(XAU_USD, 15_500, seed=42))


@lru_cache
def analyses(settings: StrategySettings = DEFAULT_SETTINGS) -> dict[str, Analysis]:
    """Of the market's candles."""
    return {name: analyse(series, settings) for name, series in market().series.items()}


def period() -> tuple[float, float]:
    """From before the first candle to the end of the last."""
    return float(min(one.time[0] for one in market().series.values())), float(
        max(one.end for one in market().series.values())
    )


@lru_cache
def whole() -> Run:
    """The backtest of everything."""
    start, end = period()
    return run(market(), DEFAULT_SETTINGS, Options(), start=start, end=end, analyses=analyses())


@lru_cache
def thirds() -> tuple[Run, ...]:
    """Three backtests that follow each other."""
    first, last = whole().fills.opened[[0, -1]] // 300 * 300
    cuts = [whole().start, *np.linspace(first, last, 4)[1:3] // 300 * 300, whole().end]
    return tuple(
        run(market(), DEFAULT_SETTINGS, Options(), start=start, end=end, analyses=analyses())
        for start, end in pairwise(map(float, cuts))
    )


@lru_cache
def controls() -> Controls:
    """Of the whole run, with few seeds."""
    return controls_of(whole(), analyses(), seeds=SEEDS)
