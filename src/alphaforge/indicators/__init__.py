"""Indicators as pure functions of arrays, oldest value first; the only room that uses TA-Lib.

Recursive indicators (EMA, RSI, MACD, ADX, ATR) come from TA-Lib, answer with arrays as long as their input, and forget
where they began after some hundred candles. Windowed ones (Bollinger, stochastic, volume ratio, percentile) are
computed here, each value from its own window alone and in one fixed order, so that the same window gives the same bits
wherever a series begins; they answer for full windows only. Every array's last value belongs to the newest candle.
NaN means "no value": not enough candles yet, or a denominator of zero.
"""

from alphaforge.indicators.momentum import Macd, Stochastic, macd, rsi, stochastic
from alphaforge.indicators.trend import Directional, directional, ema
from alphaforge.indicators.volatility import Bands, atr, bollinger, percentile_rank
from alphaforge.indicators.volume import volume_ratio
from alphaforge.indicators.windows import newest

__all__ = [
    "Bands",
    "Directional",
    "Macd",
    "Stochastic",
    "atr",
    "bollinger",
    "directional",
    "ema",
    "macd",
    "newest",
    "percentile_rank",
    "rsi",
    "stochastic",
    "volume_ratio",
]
