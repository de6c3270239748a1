"""One timeframe: its candles as derived from M5, their indicators, and which of them an M5 candle may know."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from itertools import accumulate, pairwise
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
    if len(m5) <= len(bucket):
        return np.searchsorted(bucket, newest_start, side="right") - 1
    usable = np.searchsorted(newest_start, bucket)  # by which row each bucket is: the shorter way round
    return np.repeat(np.arange(-1, len(bucket)), np.diff(usable, prepend=0, append=len(m5)))


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
        return self.rows(slice(position, None))

    def rows(self, key: slice) -> "Bars":
        """Some of the candles, sharing memory."""
        return Bars(self.time[key], self.price.rows(key), self.volume[key])


def bars(series: CandleSeries) -> Bars:
    """The mid candles of a series."""
    return Bars(series.time, series.mid, series.volume)


@dataclass(frozen=True, slots=True)
class Indicators:
    """Every indicator as a float64 array, NaN where it has no value.

    Of a timeframe's candles, the arrays end with the newest candle, and begin where somebody asked for values; of
    places in it (`at`), all are of the same length. `stochastic_cross` is +1 where K crosses above D, -1 where it
    crosses below, else 0.
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

    def at(self, back: Ints) -> "Indicators":
        """The indicators at the places `back` (r,) that never fall, counted from the end, -1 being the newest candle.

        They share memory where these are all candles from one to another. NaN before an indicator's first value.
        """
        start, stop = (int(back[0]), int(back[-1]) + 1) if len(back) else (0, 0)
        if len(back) == stop - start and (len(back) < 2 or bool((back[1:] > back[:-1]).all())):  # noqa: PLR2004 - two
            return Indicators(*(_between(column, start, stop) for column in _COLUMNS(self)))
        return Indicators(
            *(column[back] if -start <= len(column) else at(column, back, np.nan) for column in _COLUMNS(self))
        )

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
_WINDOWED = 7  # the last so many of them come from a window, the others from all candles before

_CHUNK = 16_384  # windows at a time: what they are computed from stays in the processor's cache


def _between(column: Floats, start: int, stop: int) -> Floats:
    """The values from place to place, counted from the end; NaN before the first."""
    known = column[max(0, start + len(column)) : max(0, stop + len(column))]
    lacking = stop - start - len(known)
    return np.concatenate((np.full(lacking, np.nan), known)) if lacking else known


def at(column: npt.NDArray[_T], back: Ints, missing: float) -> npt.NDArray[_T]:
    """A column at the places `back` (r,), counted from the end, -1 being its last; `missing` before its first."""
    known = back >= -len(column)
    if known.all():
        return column[back]
    values = np.full(len(back), missing, column.dtype)
    values[known] = column[back[known]]
    return values


def at_one(several: Sequence[tuple[Indicators, int]]) -> Indicators:
    """What the indicators of several timeframes are at one place each, (timeframes,); NaN before the first value."""
    rows = []
    for one, back in several:
        columns = _COLUMNS(one)
        known = -back <= min(map(len, columns))
        rows.append([column.item(back) if known or -back <= len(column) else math.nan for column in columns])
    return Indicators(*np.array(rows).T)


def indicators(frames: Sequence[tuple[Bars, int]], settings: StrategySettings) -> list[Indicators]:
    """The indicators of each timeframe's candles; the windowed ones from the given position on.

    A window needs nothing but itself, so who asks for the last candles does not pay for the others.
    """
    windowed = _windowed(
        [candles.since(max(0, first - settings.longest_window)) for candles, first in frames], settings
    )
    return [
        Indicators(*_recursive(candles.price, settings), *own)
        for (candles, _), own in zip(frames, windowed, strict=True)
    ]


def _windowed(tails: Sequence[Bars], settings: StrategySettings) -> list[list[Floats]]:
    """The windowed indicators of each timeframe's candles.

    All are computed at once, some thousand candles at a time: the candles lie one after another, each timeframe's from
    one edge to the next. What a window comes to that reaches over an edge is left out.
    """
    edges = [0, *accumulate(len(tail.time) for tail in tails)]
    values, lost = np.empty((_WINDOWED, edges[-1])), [0] * _WINDOWED
    for begin in range(0, edges[-1], _CHUNK):
        start, stop = max(0, begin - settings.longest_window), min(begin + _CHUNK, edges[-1])
        found = _of_windows(_between_edges(tails, edges, start, stop), settings)
        lost = [stop - start - len(column) for column in found]
        for row, column in zip(values, found, strict=True):
            new = column[begin - stop :]
            row[stop - len(new) : stop] = new
    return [
        [row[min(edge + count, end) : end] for row, count in zip(values, lost, strict=True)]
        for edge, end in pairwise(edges)
    ]


def _between_edges(tails: Sequence[Bars], edges: Sequence[int], start: int, stop: int) -> Sequence[Bars]:
    """The candles start..stop of candles that lie one after another, each from one edge to the next."""
    if stop - start == edges[-1]:
        return tails
    return [
        one.rows(slice(max(0, start - edge), stop - edge))
        for one, (edge, end) in zip(tails, pairwise(edges), strict=True)
        if edge < stop and end > start
    ]


def _of_windows(candles: Sequence[Bars], settings: StrategySettings) -> tuple[Floats, ...]:
    """The windowed indicators of candles that lie one after another, each from its first full window on."""
    high, low, close = (_flat([getattr(one.price, name) for one in candles]) for name in ("high", "low", "close"))
    bands = bollinger(close, settings.bollinger_period, settings.bollinger_deviations)
    swing = stochastic(high, low, close, settings.stochastic_k, settings.stochastic_d)
    volume = volume_ratio(_flat([one.volume for one in candles]), settings.volume_period)
    return (bands.lower, bands.upper, bands.position, swing.k, swing.d, swing.cross, volume)


def _flat(columns: Sequence[Floats | Ints]) -> Floats:
    """Columns one after another."""
    flat: Floats = (
        np.concatenate(columns, dtype=np.float64) if len(columns) > 1 else columns[0].astype(np.float64, copy=False)
    )
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
