"""One timeframe: its candles as derived from M5, their indicators, and which of them an M5 candle may know."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from alphaforge.core.candles import CandleSeries, Floats, Ints, Ohlc, buckets
from alphaforge.core.granularity import Granularity
from alphaforge.indicators import atr, bollinger, directional, ema, macd, rsi, stochastic, volume_ratio
from alphaforge.signals.settings import StrategySettings

Alignment = Callable[[Ints, Ints, Granularity], Ints]
"""From M5 starts (n,) and bucket starts (m,) to the position of the newest usable bucket, (n,), -1 for none."""


def by_bucket_end(m5: Ints, bucket: Ints, granularity: Granularity) -> Ints:
    """A bucket is usable from the M5 candle on that ends when the bucket ends: `bucket_end <= t_start + 5 min`.

    Joining by the bucket's start instead would let a decision see up to an hour of its own future.
    """
    ended = bucket + granularity.seconds
    return np.searchsorted(ended, m5 + Granularity.M5.seconds, side="right") - 1


@dataclass(frozen=True, slots=True)
class Bars:
    """Mid candles without an instrument: what indicators are made from."""

    time: Ints
    price: Ohlc
    volume: Floats


def bars(series: CandleSeries, granularity: Granularity) -> Bars:
    """The series' own candles, or the longer ones that `core.candles.derived` would make of them."""
    if granularity == series.granularity or not len(series):
        return Bars(series.time, series.mid, series.volume.astype(np.float64))
    time, starts, ends = buckets(series.time, granularity)
    return Bars(time, series.mid.folded(starts, ends), np.add.reduceat(series.volume, starts).astype(np.float64))


@dataclass(frozen=True, slots=True)
class Indicators:
    """Every indicator, float64 arrays of one shape, NaN where one has no value.

    `stochastic_cross` is +1 where K crosses above D, -1 where it crosses below, else 0.
    """

    close: Floats
    ema_fast: Floats
    ema_middle: Floats
    ema_slow: Floats
    rsi: Floats
    macd: Floats
    macd_signal: Floats
    adx: Floats
    plus_di: Floats
    minus_di: Floats
    atr: Floats
    bollinger_lower: Floats
    bollinger_upper: Floats
    bollinger_position: Floats
    stochastic_k: Floats
    stochastic_d: Floats
    stochastic_cross: Floats
    volume_ratio: Floats


NAMES = tuple(field.name for field in fields(Indicators))
"""The indicators' names, in the order of a table's rows."""

_WINDOWED = NAMES.index("bollinger_lower")


def table(candles: Bars, settings: StrategySettings, first: int = 0) -> Floats:
    """Every indicator of every candle, float64 (indicators, m), in the order of NAMES.

    The windowed ones are only promised from position `first` on: a window needs nothing but itself,
    so who asks for the last candles does not pay for the others.
    """
    begin = max(0, first - max(settings.bollinger_period, settings.volume_period, settings.stochastic_reach))
    rows = np.full((len(NAMES), len(candles.time)), np.nan)
    for row, column in zip(rows, _recursive(candles.price, settings), strict=False):
        row[:] = column
    tail = slice(begin, None)
    for row, column in zip(
        rows[_WINDOWED:], _windowed(candles.price.rows(tail), candles.volume[tail], settings), strict=True
    ):
        row[tail] = column
    return rows


def _recursive(price: Ohlc, settings: StrategySettings) -> tuple[Floats, ...]:
    high, low, close = price.high, price.low, price.close
    averages = macd(close, settings.macd_fast, settings.macd_slow, settings.macd_signal)
    moves = directional(high, low, close, settings.adx_period)
    return (
        close,
        ema(close, settings.ema_fast),
        ema(close, settings.ema_middle),
        ema(close, settings.ema_slow),
        rsi(close, settings.rsi_period),
        averages.line,
        averages.signal,
        moves.adx,
        moves.plus,
        moves.minus,
        atr(high, low, close, settings.atr_period),
    )


def _windowed(price: Ohlc, volume: Floats, settings: StrategySettings) -> tuple[Floats, ...]:
    bands = bollinger(price.close, settings.bollinger_period, settings.bollinger_deviations)
    swing = stochastic(price.high, price.low, price.close, settings.stochastic_k, settings.stochastic_d)
    return (
        bands.lower,
        bands.upper,
        bands.position(price.close),
        swing.k,
        swing.d,
        crossing(swing.k, swing.d),
        volume_ratio(volume, settings.volume_period),
    )


def crossing(line: Floats, other: Floats) -> Floats:
    """+1 where `line` is above `other` and was not before, -1 where it is below and was not before, else 0."""
    cross = np.zeros(len(line))
    was, now = line[:-1] - other[:-1], line[1:] - other[1:]
    cross[1:] = ((was <= 0) & (now > 0)) * 1.0 - ((was >= 0) & (now < 0)) * 1.0
    return cross


def gathered(rows: Floats, positions: Ints) -> Floats:
    """The columns of a table at `positions` (n,), NaN for the position -1: shape (indicators, n)."""
    if not rows.shape[1]:
        return np.full((len(rows), len(positions)), np.nan)
    columns: Floats = rows[:, positions]
    columns[:, positions < 0] = np.nan
    return columns


def values_of(rows: Floats, position: int) -> dict[str, float | None]:
    """The indicators of one candle by name, None where one has no value."""
    return {
        name: None if math.isnan(value) else value
        for name, value in zip(NAMES, rows[:, position].tolist(), strict=True)
    }
