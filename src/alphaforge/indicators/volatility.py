"""How much prices move."""

from dataclasses import dataclass

import numpy as np

from alphaforge.core.candles import Floats
from alphaforge.indicators.library import talib
from alphaforge.indicators.windows import mean_and_deviation, newest, quotient, windows

_COUNTED = 255  # so many values a byte can count
_CACHE = 2 * 1024**2  # bytes that stay in the processor's cache


def atr(high: Floats, low: Floats, close: Floats, period: int) -> Floats:
    """Average true range with Wilder's smoothing, in prices."""
    result: Floats = talib.ATR(high, low, close, period)
    return result


@dataclass(frozen=True, slots=True)
class Bands:
    """Bollinger's bands in prices, shapes (n - period + 1,).

    `position`: where the value lies between them, 0 on the lower and 1 on the upper, NaN for bands without width.
    """

    lower: Floats
    middle: Floats
    upper: Floats
    position: Floats


def bollinger(values: Floats, period: int, deviations: float) -> Bands:
    """The simple average and `deviations` population standard deviations around it."""
    middle, deviation = mean_and_deviation(values, period)
    reach = deviations * deviation
    lower, upper = middle - reach, middle + reach
    return Bands(lower, middle, upper, quotient(newest(values, len(lower)) - lower, upper - lower))


def percentile_rank(values: Floats, window: int) -> Floats:
    """The share of the last `window` values that are at or below the newest, itself included, in percent.

    Shape (n - window + 1,); NaN where the window holds one.
    """
    steps, missing = windows(values, window).T, np.isnan(values)
    rank = np.zeros(steps.shape[1])
    together = min(_COUNTED, max(1, _CACHE // max(1, len(rank))))
    for start in range(0, window, together):
        below = steps[start : start + together] <= steps[-1]
        rank += np.add.reduce(below.view(np.uint8), axis=0, dtype=np.uint8)
    if missing.any():
        before = np.concatenate(([0], missing.cumsum()))
        rank[before[window:] > before[: len(rank)]] = np.nan
    return rank * 100.0 / window
