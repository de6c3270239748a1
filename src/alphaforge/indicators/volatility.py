"""How much prices move."""

from dataclasses import dataclass

import numpy as np

from alphaforge.core.candles import Floats
from alphaforge.indicators.library import talib
from alphaforge.indicators.windows import mean_and_deviation, padded, quotient, windows


def atr(high: Floats, low: Floats, close: Floats, period: int) -> Floats:
    """Average true range with Wilder's smoothing, in prices."""
    result: Floats = talib.ATR(high, low, close, period)
    return result


@dataclass(frozen=True, slots=True)
class Bands:
    """Bollinger's bands, in prices."""

    lower: Floats
    middle: Floats
    upper: Floats

    def position(self, values: Floats) -> Floats:
        """Where `values` lie between the bands: 0 on the lower, 1 on the upper, NaN where both are the same."""
        return quotient(values - self.lower, self.upper - self.lower)


def bollinger(values: Floats, period: int, deviations: float) -> Bands:
    """The simple average and `deviations` population standard deviations around it."""
    middle, deviation = mean_and_deviation(values, period)
    reach = deviations * deviation
    n = len(values)
    return Bands(padded(middle - reach, n), padded(middle, n), padded(middle + reach, n))


def percentile_rank(values: Floats, window: int) -> Floats:
    """The share of the last `window` values that are at or below the newest, itself included, in percent.

    NaN until there are `window` values.
    """
    rows = windows(values, window)
    newest = rows[:, -1:]
    rank = np.count_nonzero(rows <= newest, axis=1) * 100.0 / window
    return padded(np.where(np.isnan(rows).any(axis=1), np.nan, rank), len(values))
