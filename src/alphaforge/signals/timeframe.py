"""One timeframe: its candles as derived from M5, their indicators, and which of them an M5 candle may know."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import CandleSeries, Floats, Ints, Ohlc, bucket_sums, buckets
from alphaforge.core.granularity import Granularity
from alphaforge.indicators import atr, bollinger, directional, ema, macd, rsi, stochastic, volume_ratio
from alphaforge.signals.settings import StrategySettings

_T = TypeVar("_T", bound=np.generic)

Alignment = Callable[[Ints, Ints, Granularity], Ints]
"""From M5 starts (n,) and bucket starts (m,) to the position of the newest usable bucket, (n,), -1 for none."""


def by_bucket_end(m5: Ints, bucket: Ints, granularity: Granularity) -> Ints:
    """A bucket is usable from the M5 candle on that ends when the bucket ends: `bucket_end <= t_start + 5 min`.

    Joining by the bucket's start instead would let a decision see up to an hour of its own future.
    """
    newest_start = m5 + (Granularity.M5.seconds - granularity.seconds)
    return np.searchsorted(bucket, newest_start, side="right") - 1


@dataclass(frozen=True, slots=True)
class Runs:
    """Rows (n,) in runs (r,) through which a timeframe's and the H1's newest usable candle stay the same.

    What depends on those two is computed once for each run, and spread over its rows. `first`: each run's first row,
    (r,). `of`: the run of each row, (n,).
    """

    first: Ints
    of: Ints

    def spread(self, values: npt.NDArray[_T]) -> npt.NDArray[_T]:
        """From a value for each run to one for each row."""
        return values[self.of]


def runs(position: Ints, hourly: Ints) -> Runs:
    """The runs through which neither position, (n,), changes."""
    begins = np.ones(len(position), bool)
    np.not_equal(position[1:], position[:-1], out=begins[1:])
    begins[1:] |= hourly[1:] != hourly[:-1]
    return Runs(np.flatnonzero(begins), np.cumsum(begins) - 1)


@dataclass(frozen=True, slots=True)
class Bars:
    """Mid candles without an instrument: what indicators are made from."""

    time: Ints
    price: Ohlc
    volume: Ints

    def folded(self, granularity: Granularity) -> "Bars":
        """The longer candles that `core.candles.derived` makes of these."""
        if not len(self.time):
            return self
        time, starts, ends = buckets(self.time, granularity)
        return Bars(time, self.price.folded(starts, ends), bucket_sums(self.volume, starts, ends))

    def since(self, position: int) -> "Bars":
        """The candles from `position` on."""
        key = slice(position, None)
        return Bars(self.time[key], self.price.rows(key), self.volume[key])


def bars(series: CandleSeries) -> Bars:
    """The mid candles of a series."""
    return Bars(series.time, series.mid, series.volume)


@dataclass(frozen=True, slots=True)
class Indicators:
    """Every indicator as float64 arrays, NaN where one has no value.

    Of a timeframe's candles, the arrays end with the newest candle and begin where each has values; of places (`at`),
    they all have the same shape. `stochastic_cross` is +1 where K crosses above D, -1 where it crosses below, else 0.
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

    def columns(self) -> tuple[Floats, ...]:
        """The arrays, in the order of NAMES."""
        return _COLUMNS(self)

    def values(self, back: int) -> dict[str, float | None]:
        """The indicators of one candle by name, None where one has no value; `back` is -1 for the newest candle."""
        found: dict[str, float | None] = {}
        for name, column in zip(NAMES, _COLUMNS(self), strict=True):
            value = column.item(back) if -back <= len(column) else math.nan
            found[name] = None if math.isnan(value) else value
        return found


NAMES = tuple(field.name for field in fields(Indicators))
"""The indicators' names, in their order."""

_COLUMNS = attrgetter(*NAMES)


def at(column: npt.NDArray[_T], back: Ints, missing: float) -> npt.NDArray[_T]:
    """A column at the places `back` (r,), counted from the end, -1 being its last; `missing` before its first."""
    known = -back <= len(column)
    if known.all():
        return column[back]
    values = np.full(len(back), missing, column.dtype)
    values[known] = column[back[known]]
    return values


def all_at(frames: Sequence[tuple[Indicators, Ints]]) -> Indicators:
    """What each timeframe's indicators are at its places `back` (r,), one timeframe after another in flat arrays.

    A place is counted from the end, -1 being the newest candle; NaN before an indicator's first value.
    """
    values, start = np.empty((len(NAMES), sum(len(back) for _, back in frames))), 0
    for found, back in frames:
        furthest, stop = -int(back.min(initial=-1)), start + len(back)
        for row, column in zip(values[:, start:stop], _COLUMNS(found), strict=True):
            row[:] = column[back] if furthest <= len(column) else at(column, back, np.nan)
        start = stop
    return Indicators(*values)


def indicators(frames: Sequence[tuple[Bars, int]], settings: StrategySettings) -> list[Indicators]:
    """The indicators of each timeframe's candles; the windowed ones from the given position on.

    A window needs nothing but itself, so who asks for the last candles does not pay for the others. The timeframes'
    candles lie one after another in one array, so that their windows are computed at once; what a window that reaches
    over such a border comes to is left out.
    """
    tails = [candles.since(max(0, first - settings.longest_window)) for candles, first in frames]
    high, low, close = (_flat([getattr(one.price, name) for one in tails]) for name in ("high", "low", "close"))
    bands = bollinger(close, settings.bollinger_period, settings.bollinger_deviations)
    swing = stochastic(high, low, close, settings.stochastic_k, settings.stochastic_d)
    volume = volume_ratio(_flat([one.volume for one in tails]), settings.volume_period)
    windowed = (bands.lower, bands.upper, bands.position, swing.k, swing.d, swing.cross, volume)
    found, start = [], 0
    for (candles, _), tail in zip(frames, tails, strict=True):
        stop = start + len(tail.time)
        own = (column[start : max(start, stop - (len(close) - len(column)))] for column in windowed)
        found.append(Indicators(*_recursive(candles.price, settings), *own))
        start = stop
    return found


def _flat(columns: Sequence[Floats | Ints]) -> Floats:
    """Columns one after another."""
    flat: Floats = np.concatenate(columns, dtype=np.float64)
    return flat


def _recursive(price: Ohlc, settings: StrategySettings) -> tuple[Floats, ...]:
    """The indicators that remember all candles before, in the order of their names."""
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
