"""What does a decision cost, without network and disk?

Reference of the same run: copying the three instruments' windows once (memcpy).
"""

import time
from collections.abc import Callable

import numpy as np

from alphaforge.core.candles import CandleSeries, Ohlc
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import FALLBACK_INSTRUMENTS
from alphaforge.core.memory import at_full_speed
from alphaforge.signals.analysis import analyse, analyse_last
from alphaforge.signals.decision import Context, decide
from alphaforge.signals.screening import screen
from benchmarks.report import median, show

WINDOW = 13_000
YEAR = 75_000
WANTED = 4e6


def run() -> None:
    """Print the figures."""
    print("Evaluation, compute only")
    windows = [walk(name, WINDOW, seed) for seed, name in enumerate(FALLBACK_INSTRUMENTS)]
    three = timed(lambda: [decided(series) for series in windows], 50)
    copy = timed(lambda: [[column.copy() for column in series.columns()] for series in windows], 50)
    show("three decisions on 13,000 candles each", f"{three * 1e3:.2f} ms", "within 15 ms", met=three <= 0.015)
    show("  as a multiple of copying those candles", f"{three / copy:.1f}")
    with at_full_speed():
        for years, rounds in ((1, 40), (10, 5)):
            speed = whole(years * YEAR, rounds)
            name = "a whole year of one instrument, evaluated" if years == 1 else f"  {years} years of it"
            show(name, f"{speed / 1e6:.2f} M candles/s", "at least 4 M candles/s", met=speed >= WANTED)


def whole(count: int, rounds: int) -> float:
    """Candles evaluated in a second of one core: analysed, and screened by every filter but the desk's two.

    The best of several rounds by the processor's own clock: what else the machine does meanwhile is not asked.
    """
    series, market_open, best = walk("GBP_USD", count, 7), np.ones(count, bool), float("inf")
    for _ in range(rounds):
        began = time.process_time()
        screen(analyse(series), market_open)
        best = min(best, time.process_time() - began)
    return count / best


def timed(work: Callable[[], object], rounds: int) -> float:
    """The median seconds of one round."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return median(took)


def decided(series: CandleSeries) -> object:
    context = Context(float(series.end), True, {}, None, (), FALLBACK_INSTRUMENTS[series.instrument])
    return decide(analyse_last(series), -1, context)


def walk(name: str, count: int, seed: int) -> CandleSeries:
    """A seeded random walk of M5 candles without gaps."""
    dice = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(dice.normal(0, 3e-4, count)))
    opened = np.concatenate(([100.0], close[:-1]))
    reach = np.abs(dice.normal(0, 1.5e-4, (2, count))) * close
    mid = (opened, np.maximum(opened, close) + reach[0], np.minimum(opened, close) - reach[1], close)
    bid, ask = (Ohlc(*(price + half for price in mid)) for half in (-0.005, 0.005))
    time_ = np.arange(count, dtype=np.int64) * 300 + 1_700_000_100 // 300 * 300
    return CandleSeries(name, Granularity.M5, time_, Ohlc(*mid), bid, ask, dice.integers(50, 900, count))
