"""Candles in points: whole numbers, so that adding them up in any order gives the same candle to the last digit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.int32]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_OPENS, _HIGHS, _LOWS, _CLOSES = (slice(row, 12, 4) for row in range(4))


@dataclass(frozen=True, slots=True)
class Bars:
    """Candles with a price, oldest first.

    `time`: int64 (n,), starts in epoch seconds. `prices`: int32 (12, n) in points: mid, bid and ask, of each
    open, high, low and close. `volume`: int32 (n,), number of prices, never 0.
    """

    time: Ints
    prices: Points
    volume: Points

    def __len__(self) -> int:
        return len(self.time)

    def rows(self, start: int | None, stop: int | None) -> "Bars":
        """The candles start..stop by position, sharing memory."""
        key = slice(start, stop)
        return Bars(self.time[key], self.prices[:, key], self.volume[key])

    def between(self, start: float, end: float) -> "Bars":
        """The candles that start in [start, end), sharing memory."""
        first, last = np.searchsorted(self.time, (start, end))
        return self.rows(int(first), int(last))


@dataclass(frozen=True, slots=True)
class Ticks:
    """Single prices, oldest first. `time`: float64 (n,), epoch seconds. `prices`: int32 (3, n): mid, bid, ask."""

    time: Floats
    prices: Points

    def __len__(self) -> int:
        return len(self.time)

    def between(self, start: float, end: float) -> "Ticks":
        """The prices of [start, end)."""
        first, last = np.searchsorted(self.time, (start, end))
        return Ticks(self.time[first:last], self.prices[:, first:last])


NO_BARS = Bars(np.zeros(0, np.int64), np.zeros((12, 0), np.int32), np.zeros(0, np.int32))
NO_TICKS = Ticks(np.zeros(0), np.zeros((3, 0), np.int32))


def chained(parts: Sequence[Bars]) -> Bars:
    """Bars that follow each other, as one."""
    filled = [part for part in parts if len(part)]
    if len(filled) <= 1:
        return filled[0] if filled else NO_BARS
    return Bars(
        np.concatenate([part.time for part in filled]),
        np.concatenate([part.prices for part in filled], axis=1),
        np.concatenate([part.volume for part in filled]),
    )


def gathered(bars: Bars, starts: Ints) -> Bars:
    """Longer candles: bars of equal `starts` (int64 (n,), ascending) become one that begins there."""
    if not len(bars):
        return bars
    first = np.flatnonzero(np.concatenate(([True], starts[1:] != starts[:-1])))
    last = np.concatenate((first[1:], [len(bars)])) - 1
    prices = np.empty((12, len(first)), np.int32)
    prices[_OPENS] = bars.prices[_OPENS, first]
    prices[_HIGHS] = np.maximum.reduceat(bars.prices[_HIGHS], first, axis=1)
    prices[_LOWS] = np.minimum.reduceat(bars.prices[_LOWS], first, axis=1)
    prices[_CLOSES] = bars.prices[_CLOSES, last]
    return Bars(starts[first], prices, np.add.reduceat(bars.volume, first))


def bars_of(ticks: Ticks, seconds: int) -> Bars:
    """Candles of `seconds` from single prices."""
    if not len(ticks):
        return NO_BARS
    single = Bars(
        (ticks.time // seconds).astype(np.int64) * seconds,
        np.repeat(ticks.prices, 4, axis=0),
        np.ones(len(ticks), np.int32),
    )
    return gathered(single, single.time)


def ticks_of(prices: Points, count: int, start: int, seconds: int) -> Ticks:
    """The `count` prices within a candle (int32 (12,)) that begins at `start` and lasts `seconds`.

    They lead from the open over low and high (in a rising candle; high and low in a falling one) to the close on
    straight lines, evenly spaced in time. Fewer than four prices have no room for extremes beyond open and close.
    """
    times = np.rint((start + seconds * (np.arange(count) + 0.5) / count) * 1e6) / 1e6  # as they are written
    if count == 1:
        return Ticks(times, prices[_CLOSES, None])
    rising = prices[3] >= prices[0]
    corners = (0, 2, 1, 3) if rising else (0, 1, 2, 3)
    stops = [0, count // 3, 2 * count // 3, count - 1]
    if count < 4:  # noqa: PLR2004 - see above
        corners, stops = (0, 3), [0, count - 1]  # type: ignore[assignment]  # two corners instead of four
    steps = np.arange(count)
    lines = [np.interp(steps, stops, prices[[side + corner for corner in corners]]) for side in (0, 4, 8)]
    return Ticks(times, np.floor(np.array(lines) + 0.5).astype(np.int32))
