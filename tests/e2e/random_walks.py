"""Do the statistics invent edges? Backtests of seeded random walks without a spread, whose true profit factor is 1.

    python tests/e2e/random_walks.py [--runs 1000] [--candles 60000]

Each run is the whole strategy over a walk of its own. Nothing can be earned or lost on one by any rule, so of the
95 % intervals of the profit factor 95 in 100 must hold 1. Highs and lows are drawn as a Brownian bridge has them
between the candle's open and close, so that a level is touched as often as by a price that moves without steps.
"""

import argparse
import math
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.progress import track

from alphaforge.backtests.engine import run
from alphaforge.backtests.model import Market, Options
from alphaforge.backtests.trades import trades_of
from alphaforge.core.candles import CandleSeries, Floats, Ohlc
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import Instrument
from alphaforge.core.market_hours import hours_of
from alphaforge.signals.settings import DEFAULT_SETTINGS
from alphaforge.statistics.figures import statistics_of

M5 = 300
FINE = Instrument("GBP_USD", -4, 10)
_STEP = 3e-4
"""The standard deviation of a candle's logarithmic return."""

console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Found:
    """What one run reports: trades, and the profit factor and expectancy with their intervals, None without one."""

    trades: int
    profit_factor: float | None
    factor_interval: tuple[float, float] | None
    expectancy_interval: tuple[float, float] | None


def walk(seed: int, count: int) -> CandleSeries:
    """A random walk in logarithms, without a gap and without a spread."""
    dice = np.random.default_rng(seed)
    step = dice.normal(0, _STEP, count)
    close = np.cumsum(step)
    opened = close - step
    high, low = (_extreme(sign, opened, close, dice.random(count)) for sign in (1.0, -1.0))
    mid = Ohlc(*(1.3 * np.exp(price) for price in (opened, high, low, close)))
    start = np.arange(count, dtype=np.int64) * M5 + 1_700_006_400
    return CandleSeries("GBP_USD", Granularity.M5, start, mid, mid, mid, dice.integers(50, 900, count))


def _extreme(sign: float, opened: Floats, close: Floats, chance: Floats) -> Floats:
    """The highest (+1) or lowest (-1) point of Brownian bridges, by the inverse of its distribution."""
    reach = np.sqrt((close - opened) ** 2 - 2 * _STEP**2 * np.log(chance))
    found: Floats = (opened + close + sign * reach) / 2
    return found


def backtest(seed: int, count: int) -> Found:
    """The strategy over one walk."""
    market = Market({FINE.name: walk(seed, count)}, (FINE,), {FINE.name: hours_of(FINE.name)}, "walk")
    figures = statistics_of(trades_of(run(market, DEFAULT_SETTINGS, Options(risk=0.001))))
    factor, expectancy = figures.r.profit_factor, figures.r.expectancy
    return Found(figures.counts.trades, factor.value, _interval(factor), _interval(expectancy))


def _interval(estimate: object) -> tuple[float, float] | None:
    low, high = getattr(estimate, "low", None), getattr(estimate, "high", None)
    return None if low is None or high is None else (low, high)


def covered(intervals: list[tuple[float, float]], truth: float) -> float:
    """The share of the intervals that hold the truth."""
    return sum(low <= truth <= high for low, high in intervals) / len(intervals)


def main() -> int:
    """0 where the profit factor's interval holds 1 in 95 +- 2 % of the runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--candles", type=int, default=60_000)
    given = parser.parse_args()
    began = time.monotonic()
    with ProcessPoolExecutor() as pool:
        jobs = [pool.submit(backtest, seed, given.candles) for seed in range(given.runs)]
        found = [job.result() for job in track(jobs, "walks", console=console, transient=True)]
    factors = [one.factor_interval for one in found if one.factor_interval]
    expectancies = [one.expectancy_interval for one in found if one.expectancy_interval]
    share = covered(factors, 1.0)
    typical = sorted(one.profit_factor or math.nan for one in found)[len(found) // 2]
    trades = sorted(one.trades for one in found)[len(found) // 2]
    took = time.monotonic() - began
    console.print(f"{len(found)} walks of {given.candles} candles, {trades} trades each; {took:.0f} s")
    console.print(f"The middle profit factor is {typical:.3f}; {len(found) - len(factors)} runs had no interval.")
    console.print(f"The interval of the profit factor holds 1 in {share:.1%} of the runs,")
    console.print(f"that of the expectancy 0 in {covered(expectancies, 0.0):.1%}.")
    return 0 if abs(share - 0.95) <= 0.02 else 1


if __name__ == "__main__":
    sys.exit(main())
