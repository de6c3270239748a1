"""How much prices move."""

from dataclasses import dataclass

import numpy as np

from alphaforge.core.candles import Floats
from alphaforge.indicators.library import talib
from alphaforge.indicators.windows import chunks, mean_and_deviation, newest, quotient, windows

_CHUNK = 256  # windows at a time: these are long


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
    every, missing = windows(values, window), np.concatenate(([0], np.cumsum(np.isnan(values))))
    count = np.empty(len(every))
    for part in chunks(len(every), _CHUNK):
        rows = every[part]
        bits = np.packbits(rows <= rows[:, -1:], axis=-1)
        count[part] = np.bitwise_count(bits).sum(axis=-1)
    count[missing[window:] > missing[: len(every)]] = np.nan
    return count * 100.0 / window
