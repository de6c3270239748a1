"""How fast prices move, and whether they have gone far."""

from dataclasses import dataclass

import numpy as np

from alphaforge.core.candles import Floats
from alphaforge.indicators.library import talib
from alphaforge.indicators.windows import highest, lowest, mean, newest, quotient


def rsi(values: Floats, period: int) -> Floats:
    """Relative strength index with Wilder's smoothing, 0-100; NaN where the price never moved.

    Source: J. Welles Wilder, New Concepts in Technical Trading Systems, 1978.
    """
    rising: Floats = talib.RSI(values, period)
    zero = rising == 0
    if not zero.any():
        return rising
    falling = talib.RSI(-values, period)  # TA-Lib says 0 for "only losses" and for "no movement": the mirror knows
    return np.where(zero & (falling == 0), np.nan, rising)


@dataclass(frozen=True, slots=True)
class Macd:
    """`line`: fast minus slow average. `signal`: the line's own average."""

    line: Floats
    signal: Floats


def macd(values: Floats, fast: int, slow: int, signal: int) -> Macd:
    """Moving average convergence / divergence of three exponential averages, in prices."""
    line, average, _ = talib.MACD(values, fast, slow, signal)
    return Macd(line, average)


@dataclass(frozen=True, slots=True)
class Stochastic:
    """`k`: where the close lies between lowest low and highest high, 0-100. `d`: its simple average.

    `cross`: +1 where K crosses above D, -1 where it crosses below, else 0.
    """

    k: Floats
    d: Floats
    cross: Floats


def stochastic(high: Floats, low: Floats, close: Floats, k_period: int, d_period: int) -> Stochastic:
    """The fast stochastic. Shapes: k (n - k_period + 1,), d d_period - 1 shorter, cross one shorter still.

    NaN where the window's high equals its low, and in every D that would need such a K.
    """
    bottom = lowest(low, k_period)
    reach = highest(high, k_period) - bottom
    k = quotient(100 * (newest(close, len(bottom)) - bottom), reach)
    d = mean(k, d_period)
    return Stochastic(k, d, _crossing(newest(k, len(d)) - d))


def _crossing(above: Floats) -> Floats:
    """+1 where the difference turns positive, -1 where it turns negative, else 0; from the second value on."""
    was, now = above[:-1], above[1:]
    up, down = (was <= 0) & (now > 0), (was >= 0) & (now < 0)
    cross: Floats = (up.view(np.int8) - down.view(np.int8)).astype(np.float64)
    return cross
