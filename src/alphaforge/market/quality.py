"""What is wrong with a pile of candles: impossible ones, doubled ones, and holes while the market was open.

`RawCandles` is what came out of a file: nothing about it is certain yet. Only what `sound` leaves becomes a series.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import CandleSeries, Floats, Ints, series_from_columns
from alphaforge.core.granularity import Granularity
from alphaforge.core.market_hours import MarketHours

_M5 = Granularity.M5.seconds


@dataclass(frozen=True, slots=True)
class RawCandles:
    """Unchecked M5 candles. `time` int64 (n,); `prices` float64 (12, n): mid, bid, ask, each open, high, low, close."""

    time: Ints
    prices: Floats
    volume: Ints

    @classmethod
    def of(cls, series: CandleSeries) -> "RawCandles":
        """The candles of a series, for a look at its holes."""
        return cls(series.time, np.array(series.columns()[1:13], np.float64), series.volume)

    def rows(self, chosen: npt.NDArray[np.generic]) -> "RawCandles":
        """Some of the candles, by mask or by position."""
        return RawCandles(self.time[chosen], self.prices[:, chosen], self.volume[chosen])


@dataclass(frozen=True, slots=True)
class BadCandle:
    """A candle that cannot be: when (epoch seconds) and why."""

    time: int
    why: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Candles that are not there although the market was open: first and last missing start, and how many."""

    start: int
    last: int
    missing: int


@dataclass(frozen=True, slots=True)
class Quality:
    """The findings over one instrument. `expected`: M5 candles in open hours between the first and the last one."""

    candles: int
    first: int | None
    last: int | None
    expected: int
    outside_hours: int
    duplicates: int
    bad: tuple[BadCandle, ...]
    gaps: tuple[Gap, ...]

    @property
    def missing(self) -> int:
        """Candles that are not there although the market was open. Quiet hours have such holes by nature."""
        return sum(gap.missing for gap in self.gaps)

    @property
    def is_sound(self) -> bool:
        """Whether every candle can be used."""
        return not self.bad and not self.duplicates


def assess(raw: RawCandles, hours: MarketHours, *, now: float = math.inf) -> Quality:
    """Look at every candle and at every hole between the first and the last.

    `now` (epoch seconds): candles that end later cannot have been seen by anybody. Stored ones need none, for a market
    may have a time of its own.
    """
    bad = _bad(raw, now)
    times, counts = np.unique(raw.time, return_counts=True)
    aligned = times[times % _M5 == 0]
    if not len(aligned):
        return Quality(len(raw.time), None, None, 0, 0, int((counts - 1).sum()), bad, ())
    first, last = int(aligned[0]), int(aligned[-1])
    every = np.arange(first, last + 1, _M5, dtype=np.int64)
    trading = hours.open_at(every)
    present = np.isin(every, aligned, assume_unique=True)
    return Quality(
        candles=len(raw.time),
        first=first,
        last=last,
        expected=int(trading.sum()),
        outside_hours=int((present & ~trading).sum()),
        duplicates=int((counts - 1).sum()),
        bad=bad,
        gaps=_gaps(every[trading], present[trading]),
    )


def sound(raw: RawCandles, *, now: float = math.inf) -> RawCandles:
    """The candles that can be, in order, the last of each double."""
    kept = raw.rows(_faults(raw, now) == 0)
    _, newest = np.unique(kept.time[::-1], return_index=True)
    return kept.rows(len(kept.time) - 1 - newest)


def to_series(raw: RawCandles, instrument: str) -> CandleSeries:
    """The series of sound candles; InvalidCandle names the first that is none."""
    return series_from_columns(instrument, Granularity.M5, [raw.time, *raw.prices, raw.volume])


_REASONS = (
    "does not start on its five minutes",
    "has a price that is no number above zero",
    "has a low above or a high below its open or close",
    "has its bid above its ask",
    "has a negative volume",
    "is older than the candle before it",
    "has not ended yet",
)


def _faults(raw: RawCandles, now: float) -> Ints:
    """For each candle 0, or 1 + the position of its first fault in `_REASONS`."""
    prices = raw.prices.reshape(3, 4, -1)  # side, open/high/low/close, candle
    opened, high, low, close = (prices[:, column] for column in range(4))
    with np.errstate(invalid="ignore"):
        faults = (
            raw.time % _M5 != 0,
            ~(np.isfinite(raw.prices) & (raw.prices > 0)).all(axis=0),
            ((low > np.minimum(opened, close)) | (high < np.maximum(opened, close))).any(axis=0),
            close[1] > close[2],
            raw.volume < 0,
            np.diff(raw.time, prepend=raw.time[:1]) < 0,
            raw.time + _M5 > now,
        )
    first: Ints = np.zeros(len(raw.time), np.int64)
    for position in range(len(faults), 0, -1):
        first[faults[position - 1]] = position
    return first


def _bad(raw: RawCandles, now: float) -> tuple[BadCandle, ...]:
    faults = _faults(raw, now)
    return tuple(BadCandle(int(raw.time[i]), _REASONS[int(faults[i]) - 1]) for i in np.flatnonzero(faults))


def _gaps(expected: Ints, present: npt.NDArray[np.bool_]) -> tuple[Gap, ...]:
    """Runs of missing candles among the expected ones; a run may span a weekend, which has none to miss."""
    edges = np.diff(np.concatenate(([False], ~present, [False])).astype(np.int8))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    return tuple(Gap(int(expected[a]), int(expected[b]), int(b - a + 1)) for a, b in zip(starts, ends, strict=True))
