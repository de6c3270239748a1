"""Six voters, each for buy, for sell or silent. A missing value is never a vote."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import reduce
from operator import attrgetter

import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import Floats
from alphaforge.signals.regime import RANGING, Codes
from alphaforge.signals.settings import StrategySettings
from alphaforge.signals.timeframe import Indicators

Mask = npt.NDArray[np.bool_]
Sides = tuple[Mask, Mask]
"""Where a voter votes for buy, and where for sell."""


@dataclass(frozen=True, slots=True)
class Votes:
    """Votes at several places, (n,) each: int8 +1 for buy, -1 for sell, 0 silent.

    `volume` is half a vote with the sign of the side that leads; `buy` and `sell` are the sums of each side.
    """

    ema_ribbon: Codes
    rsi: Codes
    macd: Codes
    bollinger: Codes
    stochastic: Codes
    volume: Floats
    buy: Floats
    sell: Floats

    def rows(self, key: slice) -> "Votes":
        """The votes at some of the places, sharing memory."""
        return Votes(*(column[key] for column in _COLUMNS(self)))


_COLUMNS = attrgetter(*(field.name for field in fields(Votes)))


def joined(votes: Sequence[Votes]) -> Votes:
    """Votes at places and at the places after them as one."""
    return votes[0] if len(votes) == 1 else Votes(*map(np.concatenate, zip(*map(_COLUMNS, votes), strict=True)))


def cast_votes(values: Indicators, trend: Codes, settings: StrategySettings) -> Votes:
    """The votes that indicators give in a market of this trend (`regime.trends`), all of shape (n,)."""
    sides = (
        _ema_ribbon(values),
        _rsi(values, trend, settings),
        (values.macd > values.macd_signal, values.macd < values.macd_signal),
        _bollinger(values, trend, settings),
        _stochastic(values, settings),
    )
    up, down = _count(buy for buy, _ in sides), _count(sell for _, sell in sides)
    busy = values.volume_ratio > settings.busy_volume
    volume = busy * np.sign(up - down) * settings.volume_votes
    ema_ribbon, rsi, macd, bollinger, stochastic = (buy.view(np.int8) - sell.view(np.int8) for buy, sell in sides)
    return Votes(
        ema_ribbon=ema_ribbon,
        rsi=rsi,
        macd=macd,
        bollinger=bollinger,
        stochastic=stochastic,
        volume=volume,
        buy=up + np.maximum(volume, 0.0),
        sell=down + np.maximum(-volume, 0.0),
    )


def _count(masks: Iterable[Mask]) -> Codes:
    """How many of the masks are true at each place."""
    count: Codes = reduce(np.add, (mask.view(np.int8) for mask in masks))
    return count


def _ema_ribbon(values: Indicators) -> Sides:
    return (
        (values.ema_fast > values.ema_middle) & (values.ema_middle > values.ema_slow),
        (values.ema_fast < values.ema_middle) & (values.ema_middle < values.ema_slow),
    )


def _rsi(values: Indicators, trend: Codes, settings: StrategySettings) -> Sides:
    """Ranging: only far extremes. Trending: a pullback to the middle votes with the trend. Otherwise: extremes."""
    rsi = values.rsi
    low, middle, high = settings.rsi_low, settings.rsi_middle, settings.rsi_high
    up, down, ranging, other = trend == 1, trend == -1, trend == RANGING, trend == 0
    return (
        (ranging & (rsi < settings.rsi_ranging_low)) | (up & (rsi >= low) & (rsi <= middle)) | (other & (rsi < low)),
        (ranging & (rsi > settings.rsi_ranging_high))
        | (down & (rsi >= middle) & (rsi <= high))
        | (other & (rsi > high)),
    )


def _bollinger(values: Indicators, trend: Codes, settings: StrategySettings) -> Sides:
    """Ranging: back from the bands. Trending: a breakout or a pullback votes with the trend. Otherwise: silent."""
    place = values.bollinger_position  # NaN for bands without width: every comparison below is then false
    wide = ~np.isnan(place)
    up, down, ranging = trend == 1, trend == -1, trend == RANGING
    return (
        (ranging & (place < settings.bollinger_ranging_low))
        | (up & wide & ((values.close > values.bollinger_upper) | (place < settings.bollinger_pullback))),
        (ranging & (place > settings.bollinger_ranging_high))
        | (down & wide & ((values.close < values.bollinger_lower) | (place > settings.bollinger_rebound))),
    )


def _stochastic(values: Indicators, settings: StrategySettings) -> Sides:
    return (
        (values.stochastic_k < settings.stochastic_low) & (values.stochastic_cross > 0),
        (values.stochastic_k > settings.stochastic_high) & (values.stochastic_cross < 0),
    )
