"""The weather on H1: trending, ranging or between, with high or low volatility."""

from typing import Final

import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import Floats
from alphaforge.indicators import newest, percentile_rank
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


def volatility_rank(hourly: Indicators, settings: StrategySettings, first: int = 0) -> Floats:
    """The percentile of ATR / close among its last 500 values, ending with the newest candle.

    As with windowed indicators, only the candles from position `first` on are sure to have one.
    """
    begin = max(0, first - settings.volatility_window + 1)
    return percentile_rank(hourly.atr[begin:] / hourly.close[begin:], settings.volatility_window)


def classify(hourly: Indicators, rank: Floats, settings: StrategySettings) -> Codes:
    """The regime of the newest H1 candles, as many as have a rank: positions in REGIMES, int8, as long as `rank`.

    Unknown where a value is missing.
    """
    adx, plus, minus = (newest(column, len(rank)) for column in (hourly.adx, hourly.plus_di, hourly.minus_di))
    lean = plus - minus
    trending = adx >= settings.trending_adx
    codes = np.full(rank.shape, REGIMES.index(Regime.TRANSITIONAL), np.int8)
    high = rank >= settings.high_volatility_percentile
    for where, volatile in (
        (adx < settings.ranging_adx, Regime.RANGING_HIGH),
        (trending & (lean > 0), Regime.TRENDING_UP_HIGH),
        (trending & (lean < 0), Regime.TRENDING_DOWN_HIGH),
    ):
        np.copyto(codes, REGIMES.index(volatile) + 1 - high.view(np.int8), where=where)  # the calm one follows it
    codes[np.isnan(adx + lean + rank)] = REGIMES.index(Regime.UNKNOWN)
    return codes
