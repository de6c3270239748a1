"""Candle series as columns, and the derivation of longer candles from shorter ones.

A series is a value: its arrays are read-only, and its constructor refuses candles that no market can have made.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alphaforge.core.errors import InvalidCandle
from alphaforge.core.granularity import Granularity
from alphaforge.core.times import rfc3339

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ohlc:
    """One price of each candle: four arrays of shape (n,), float64."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats

    def rows(self, key: slice) -> "Ohlc":
        """The same rows of each column, sharing memory."""
        return Ohlc(self.open[key], self.high[key], self.low[key], self.close[key])

    def folded(self, starts: Ints, ends: Ints) -> "Ohlc":
        """Longer candles: each takes the rows from its start up to and with its end, as `buckets` gives them."""
        longest = int((ends - starts).max(initial=0)) + 1
        rows = np.minimum(starts + np.arange(longest)[:, np.newaxis], ends)  # a tenth of reduceat's time
        return Ohlc(
            self.open[starts],
            self.high.take(rows, mode="clip").max(axis=0),
            self.low.take(rows, mode="clip").min(axis=0),
            self.close[ends],
        )

    def columns(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Open, high, low, close."""
        return (self.open, self.high, self.low, self.close)


@dataclass(frozen=True, slots=True)
class CandleSeries:
    """Closed candles of one instrument and granularity, oldest first.

    `time`: int64 (n,), bucket starts in epoch seconds, strictly increasing, multiples of the granularity.
    `mid`, `bid`, `ask`: Ohlc of float64 (n,). `volume`: int64 (n,), number of prices.
    Raises InvalidCandle, naming the first bad candle.
    """

    instrument: str
    granularity: Granularity
    time: Ints
    mid: Ohlc
    bid: Ohlc
    ask: Ohlc
    volume: Ints

    def __post_init__(self) -> None:
        n = len(self.time)
        for column in self.columns():
            if column.shape != (n,):
                message = f"{self.instrument}: a column has shape {column.shape} beside {n} times"
                raise InvalidCandle(message)
        self._refuse(self.time % self.granularity.seconds != 0, "does not start on its bucket")
        self._refuse(np.concatenate(([False], np.diff(self.time) <= 0)) if n else np.zeros(0, bool), "is out of order")
        for name, price in (("mid", self.mid), ("bid", self.bid), ("ask", self.ask)):
            self._refuse(~_possible(price), f"has an impossible {name} price")
        self._refuse(self.volume < 0, "has a negative volume")
        self._refuse(self.bid.close > self.ask.close, "has its bid above its ask")
        for column in self.columns():
            column.setflags(write=False)

    def _refuse(self, bad: npt.NDArray[np.bool_], why: str) -> None:
        if bad.any():
            at = rfc3339(int(self.time[int(np.argmax(bad))]))
            message = f"{self.instrument} {self.granularity} candle {at} {why}"
            raise InvalidCandle(
                message,
                advice="A candle has finite, positive prices, low <= open, close <= high, and starts after the last.",
            )

    def __len__(self) -> int:
        return len(self.time)

    def columns(self) -> tuple[npt.NDArray[np.generic], ...]:
        """Every column in a fixed order: time, mid, bid, ask (open, high, low, close each), volume."""
        return (self.time, *self.mid.columns(), *self.bid.columns(), *self.ask.columns(), self.volume)

    @property
    def end(self) -> int:
        """The end of the last bucket in epoch seconds; raises InvalidCandle where there is none."""
        if not len(self):
            message = f"{self.instrument}: an empty series has no end"
            raise InvalidCandle(message)
        return int(self.time[-1]) + self.granularity.seconds

    def rows(self, start: int | None = None, stop: int | None = None) -> "CandleSeries":
        """The candles start..stop by position, sharing memory."""
        key = slice(start, stop)
        part = object.__new__(CandleSeries)  # rows of a valid series are valid: nothing to check again
        for name in ("instrument", "granularity"):
            object.__setattr__(part, name, getattr(self, name))
        for name in ("mid", "bid", "ask"):
            object.__setattr__(part, name, getattr(self, name).rows(key))
        for name in ("time", "volume"):
            object.__setattr__(part, name, getattr(self, name)[key])
        return part

    def last(self, count: int) -> "CandleSeries":
        """At most the `count` newest candles, sharing memory."""
        return self.rows(max(0, len(self) - count))

    def until(self, moment: float) -> "CandleSeries":
        """The candles that have ended by `moment` (epoch seconds)."""
        return self.rows(0, int(np.searchsorted(self.time, moment - self.granularity.seconds, side="right")))

    def after(self, moment: float) -> "CandleSeries":
        """The candles that start at or after `moment` (epoch seconds)."""
        return self.rows(int(np.searchsorted(self.time, moment, side="left")))


def _possible(price: Ohlc) -> npt.NDArray[np.bool_]:
    """Which candles are finite, positive, and hold their open and close between low and high."""
    with np.errstate(invalid="ignore"):
        inside = (price.low <= np.minimum(price.open, price.close)) & (
            np.maximum(price.open, price.close) <= price.high
        )
        possible: npt.NDArray[np.bool_] = inside & (price.low > 0) & np.isfinite(price.high)
    return possible


def empty_series(instrument: str, granularity: Granularity) -> CandleSeries:
    """A series without candles."""
    return series_from_columns(instrument, granularity, [np.zeros(0)] * 14)


def joined(older: CandleSeries, newer: CandleSeries) -> CandleSeries:
    """Both series as one; where both have a candle, the newer series' candle stays."""
    if not len(older):
        return newer
    if not len(newer):
        return older
    time = np.concatenate((newer.time, older.time))
    _, first = np.unique(time, return_index=True)
    merged = [np.concatenate((b, a))[first] for a, b in zip(older.columns(), newer.columns(), strict=True)]
    return series_from_columns(older.instrument, older.granularity, merged)


def series_from_columns(
    instrument: str, granularity: Granularity, columns: Sequence[npt.NDArray[np.generic]]
) -> CandleSeries:
    """The series of 14 columns in the order of `CandleSeries.columns`."""
    time, volume = columns[0].astype(np.int64, copy=False), columns[13].astype(np.int64, copy=False)
    prices = [column.astype(np.float64, copy=False) for column in columns[1:13]]
    return CandleSeries(
        instrument, granularity, time, Ohlc(*prices[0:4]), Ohlc(*prices[4:8]), Ohlc(*prices[8:12]), volume
    )


def derived(series: CandleSeries, granularity: Granularity) -> CandleSeries:
    """Longer candles from shorter ones: floor-of-UTC buckets, partial ones kept, empty ones absent.

    The last bucket may still be open: who uses it must hold its end against the clock (`bucket_end <= t + 5 min`).
    """
    if not len(series):
        return empty_series(series.instrument, granularity)
    time, starts, ends = buckets(series.time, granularity)
    return CandleSeries(
        series.instrument,
        granularity,
        time,
        series.mid.folded(starts, ends),
        series.bid.folded(starts, ends),
        series.ask.folded(starts, ends),
        bucket_sums(series.volume, starts, ends),
    )


def buckets(time: Ints, granularity: Granularity) -> tuple[Ints, Ints, Ints]:
    """The buckets that candles at `time` (int64 (n,), increasing) fall into, each an int64 array of shape (buckets,).

    Bucket starts in epoch seconds, and the positions of each bucket's first and last candle.
    """
    number = time // granularity.seconds
    if not len(time):
        return number, number, number
    starts = np.concatenate(([0], np.flatnonzero(number[1:] != number[:-1]) + 1))
    ends = np.concatenate((starts[1:], [len(time)])) - 1
    return number[starts] * granularity.seconds, starts, ends


def bucket_sums(counts: Ints, starts: Ints, ends: Ints) -> Ints:
    """The sum of each bucket's counts (int64), as `buckets` gives its first and last candle."""
    running = np.cumsum(counts)
    return running[ends] - running[starts] + counts[starts]
