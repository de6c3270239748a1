"""The weather on H1: trending, ranging or between, with high or low volatility."""

from typing import Final

import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import Floats
from alphaforge.indicators import padded, percentile_rank
from alphaforge.signals.model import Regime
from alphaforge.signals.settings import StrategySettings
from alphaforge.signals.timeframe import Indicators

Codes = npt.NDArray[np.int8]

REGIMES: Final = tuple(Regime)
"""A regime's code is its position here."""

RANGING: Final = 2
"""The trend of a ranging market, beside +1 for up, -1 for down and 0 for neither."""

_TREND_OF: Final = {
    Regime.TRENDING_UP_HIGH: 1,
    Regime.TRENDING_UP_LOW: 1,
    Regime.TRENDING_DOWN_HIGH: -1,
    Regime.TRENDING_DOWN_LOW: -1,
    Regime.RANGING_HIGH: RANGING,
    Regime.RANGING_LOW: RANGING,
}
_TRENDS: Final = np.array([_TREND_OF.get(regime, 0) for regime in REGIMES], np.int8)


def trends(codes: Codes) -> Codes:
    """What the voters ask of each regime: +1 trending up, -1 trending down, RANGING, 0 for any other."""
    found: Codes = _TRENDS[codes]
    return found


def volatility_rank(volatility: Floats, settings: StrategySettings, first: int = 0) -> Floats:
    """The percentile of each value of ATR / close (m,) among the last 500; only promised from position `first` on."""
    begin = max(0, first - settings.volatility_window + 1)
    return padded(percentile_rank(volatility[begin:], settings.volatility_window), len(volatility))


def classify(hourly: Indicators, rank: Floats, settings: StrategySettings) -> Codes:
    """The regime of H1 candles as positions in REGIMES, int8, shaped as the input; unknown where a value is missing."""
    lean = hourly.plus_di - hourly.minus_di
    trending = hourly.adx >= settings.trending_adx
    codes = np.full(rank.shape, REGIMES.index(Regime.TRANSITIONAL), np.int8)
    high = rank >= settings.high_volatility_percentile
    for where, volatile, calm in (
        (hourly.adx < settings.ranging_adx, Regime.RANGING_HIGH, Regime.RANGING_LOW),
        (trending & (lean > 0), Regime.TRENDING_UP_HIGH, Regime.TRENDING_UP_LOW),
        (trending & (lean < 0), Regime.TRENDING_DOWN_HIGH, Regime.TRENDING_DOWN_LOW),
        (np.isnan(hourly.adx + lean + rank), Regime.UNKNOWN, Regime.UNKNOWN),
    ):
        codes[where & high] = REGIMES.index(volatile)
        codes[where & ~high] = REGIMES.index(calm)
    return codes
