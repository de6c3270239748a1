"""Every indicator against its textbook, written out with plain loops."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from alphaforge.core.instruments import Instrument
from alphaforge.indicators import (
    atr,
    bollinger,
    directional,
    ema,
    macd,
    percentile_rank,
    rsi,
    stochastic,
    volume_ratio,
)
from builders import GBP_USD, USD_JPY, XAU_USD, walk

WARM = 900
INSTRUMENTS = pytest.mark.parametrize("instrument", [GBP_USD, USD_JPY, XAU_USD], ids=lambda one: one.name)


def averaged(values: Sequence[float], period: int, weight: float) -> list[float]:
    """An average that begins with the mean of the first values and then moves by `weight`."""
    smoothed = [sum(values[:period]) / period]
    for value in values[period:]:
        smoothed.append(smoothed[-1] + weight * (value - smoothed[-1]))
    return smoothed


def textbook_ema(values: Sequence[float], period: int) -> list[float]:
    return averaged(values, period, 2 / (period + 1))


def textbook_rsi(values: Sequence[float], period: int) -> list[float]:
    changes = [now - was for was, now in pairwise(values)]
    up = averaged([max(0.0, change) for change in changes], period, 1 / period)
    down = averaged([max(0.0, -change) for change in changes], period, 1 / period)
    return [100 - 100 / (1 + gain / loss) for gain, loss in zip(up, down, strict=True)]


def true_ranges(high: Sequence[float], low: Sequence[float], close: Sequence[float]) -> list[float]:
    return [max(high[i], close[i - 1]) - min(low[i], close[i - 1]) for i in range(1, len(close))]


def textbook_directional(
    high: Sequence[float], low: Sequence[float], close: Sequence[float], period: int
) -> tuple[list[float], list[float], list[float]]:
    plus, minus = [], []
    for i in range(1, len(close)):
        up, down = high[i] - high[i - 1], low[i - 1] - low[i]
        plus.append(up if up > down and up > 0 else 0.0)
        minus.append(down if down > up and down > 0 else 0.0)
    reach = averaged(true_ranges(high, low, close), period, 1 / period)
    plus_di = [100 * a / b for a, b in zip(averaged(plus, period, 1 / period), reach, strict=True)]
    minus_di = [100 * a / b for a, b in zip(averaged(minus, period, 1 / period), reach, strict=True)]
    dx = [100 * abs(p - m) / (p + m) for p, m in zip(plus_di, minus_di, strict=True)]
    return averaged(dx, period, 1 / period), plus_di, minus_di


def agree(ours: np.ndarray, expected: Sequence[float], tolerance: float = 1e-9) -> None:
    """The newest values agree; recursive indicators begin in different ways, so their first ones need not."""
    count = min(len(expected), len(ours)) - WARM
    assert count > 300
    np.testing.assert_allclose(ours[-count:], expected[-count:], rtol=0, atol=tolerance)


@INSTRUMENTS
def test_recursive_indicators_agree_with_their_textbooks(instrument: Instrument) -> None:
    price = walk(instrument, 1_500, seed=3).mid
    high, low, close = price.high.tolist(), price.low.tolist(), price.close.tolist()

    for period in (5, 8, 13):
        agree(ema(price.close, period), textbook_ema(close, period))
    agree(rsi(price.close, 7), textbook_rsi(close, 7))
    agree(atr(price.high, price.low, price.close, 14), averaged(true_ranges(high, low, close), 14, 1 / 14))

    line = [fast - slow for fast, slow in zip(textbook_ema(close, 6)[7:], textbook_ema(close, 13), strict=True)]
    ours = macd(price.close, 6, 13, 4)
    agree(ours.line, line)
    agree(ours.signal, textbook_ema(line, 4))

    adx, plus, minus = textbook_directional(high, low, close, 14)
    moves = directional(price.high, price.low, price.close, 14)
    agree(moves.adx, adx)
    agree(moves.plus, plus)
    agree(moves.minus, minus)


@INSTRUMENTS
def test_windowed_indicators_agree_with_their_textbooks(instrument: Instrument) -> None:
    series = walk(instrument, 1_500, seed=4)
    price, close = series.mid, series.mid.close.tolist()
    bands = bollinger(price.close, 20, 2.0)
    swing = stochastic(price.high, price.low, price.close, 5, 3)
    ratio = volume_ratio(series.volume.astype(float), 20)

    expected: dict[str, list[float]] = {"lower": [], "upper": [], "place": [], "k": [], "ratio": []}
    for i in range(19, len(close)):
        window = close[i - 19 : i + 1]
        middle = math.fsum(window) / 20
        deviation = math.sqrt(math.fsum((value - middle) ** 2 for value in window) / 20)
        expected["lower"].append(middle - 2 * deviation)
        expected["upper"].append(middle + 2 * deviation)
        expected["place"].append((close[i] - middle + 2 * deviation) / (4 * deviation))
        bottom, top = min(price.low[i - 4 : i + 1].tolist()), max(price.high[i - 4 : i + 1].tolist())
        expected["k"].append(100 * (close[i] - bottom) / (top - bottom))
        expected["ratio"].append(int(series.volume[i]) * 20 / sum(series.volume[i - 19 : i + 1].tolist()))

    np.testing.assert_allclose(bands.lower, expected["lower"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(bands.upper, expected["upper"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(bands.position, expected["place"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(swing.k[-len(expected["k"]) :], expected["k"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(ratio, expected["ratio"], rtol=0, atol=1e-9)
    k = expected["k"]
    d = [(k[i - 2] + k[i - 1] + k[i]) / 3 for i in range(2, len(k))]
    np.testing.assert_allclose(swing.d[-len(d) :], d, rtol=0, atol=1e-9)
    crosses = [
        1 if k[i + 1] <= d[i - 1] and k[i + 2] > d[i] else -1 if k[i + 1] >= d[i - 1] and k[i + 2] < d[i] else 0
        for i in range(1, len(d))
    ]
    assert swing.cross[-len(crosses) :].tolist() == crosses
    assert {1, -1, 0} == set(crosses)


@INSTRUMENTS
def test_talib_agrees_with_the_windowed_indicators(instrument: Instrument) -> None:
    talib = pytest.importorskip("talib")
    series = walk(instrument, 3_000, seed=5)
    price = series.mid
    upper, middle, lower = talib.BBANDS(price.close, 20, 2.0, 2.0)
    k, d = talib.STOCHF(price.high, price.low, price.close, 5, 3)
    average = talib.SMA(series.volume.astype(float), 20)
    bands = bollinger(price.close, 20, 2.0)
    swing = stochastic(price.high, price.low, price.close, 5, 3)

    # TA-Lib takes the variance as a difference of squares, which costs a price of 2,700 some of its digits.
    tolerance = 1e-9 * max(1.0, float(price.close[0]) ** 2 / 1_000)
    for ours, theirs in ((bands.upper, upper), (bands.middle, middle), (bands.lower, lower)):
        np.testing.assert_allclose(ours, theirs[19:], rtol=0, atol=tolerance)
    np.testing.assert_allclose(swing.k[2:], k[6:], rtol=0, atol=1e-8)
    np.testing.assert_allclose(swing.d, d[6:], rtol=0, atol=1e-8)
    np.testing.assert_allclose(
        volume_ratio(series.volume.astype(float), 20), series.volume[19:] / average[19:], rtol=0, atol=1e-9
    )


def test_the_percentile_counts_the_values_at_or_below_the_newest() -> None:
    values = np.array([3.0, 1.0, 2.0, 2.0, 5.0, 0.5])
    assert percentile_rank(values, 4).tolist() == [75.0, 100.0, 25.0]
    random = np.random.default_rng(1).normal(size=700)
    expected = [100 * sum(value <= random[i] for value in random[i - 499 : i + 1]) / 500 for i in range(499, 700)]
    assert percentile_rank(random, 500).tolist() == expected


def test_a_missing_value_leaves_the_percentile_without_one() -> None:
    assert np.isnan(percentile_rank(np.array([np.nan, 1.0, 2.0]), 3)).tolist() == [True]
