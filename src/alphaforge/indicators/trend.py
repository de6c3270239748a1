"""Where prices go, and how steadily."""

from dataclasses import dataclass

import numpy as np

from alphaforge.core.candles import Floats
from alphaforge.indicators.library import talib


def ema(values: Floats, period: int) -> Floats:
    """Exponential moving average, weight 2 / (period + 1), begun with the mean of the first `period` values."""
    result: Floats = talib.EMA(values, period)
    return result


@dataclass(frozen=True, slots=True)
class Directional:
    """Wilder's directional movement, 0-100: `adx` is the trend's strength, `plus` and `minus` its two sides."""

    adx: Floats
    plus: Floats
    minus: Floats


def directional(high: Floats, low: Floats, close: Floats, period: int) -> Directional:
    """ADX, +DI and -DI with Wilder's smoothing; NaN where nothing moved at all.

    Source: J. Welles Wilder, New Concepts in Technical Trading Systems, 1978.
    """
    plus = talib.PLUS_DI(high, low, close, period)
    minus = talib.MINUS_DI(high, low, close, period)
    adx = talib.ADX(high, low, close, period)
    still = plus + minus == 0  # TA-Lib answers 0 / 0 with zeros, and ADX with its last value
    if still.any():
        adx, plus, minus = (np.where(still, np.nan, column) for column in (adx, plus, minus))
    return Directional(adx, plus, minus)
