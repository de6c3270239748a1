"""A market that was: candles from files, played again at any speed."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from alphaforge.core.errors import InvalidSetting
from alphaforge.core.times import rfc3339
from alphaforge.market.sandbox.bars import NO_TICKS, Bars, Points, Ticks, bars_of, chained, ticks_of
from alphaforge.market.sandbox.buckets import Buckets
from alphaforge.market.sandbox.candle_files import instrument_of, read_bars
from alphaforge.market.sandbox.clock import SandboxClock
from alphaforge.market.sandbox.layered import LayeredMarket
from alphaforge.market.sandbox.listings import listings_of

_M5, _S5 = 300, 5


class ReplayMarket(LayeredMarket):
    """The candles of `files`, from `start` (epoch seconds) on at `speed` market seconds a second.

    All that was before `start` is history. Within a candle the streamed price goes from the open over low and high to
    the close (see bars.ticks_of): its extremes are the file's, their times are not. 60 bytes a candle are kept.
    Raises InvalidInput for bad files, InvalidSetting for a start that no file covers.
    """

    def __init__(self, files: Sequence[Path], start: float, speed: float = 1.0) -> None:
        super().__init__("replay", listings_of([instrument_of(path) for path in files]), SandboxClock(start, speed))
        self._bars = {
            name: read_bars(path, listing) for path, (name, listing) in zip(files, self.listings.items(), strict=True)
        }
        self.name = f"replay-{_digest(self._bars.values())}"
        spans = [(int(bars.time[0]), int(bars.time[-1]) + _M5) for bars in self._bars.values() if len(bars)]
        if not any(first <= start < end for first, end in spans):
            covered = ", ".join(f"{rfc3339(first)} to {rfc3339(end)}" for first, end in spans) or "nothing"
            message = f"The files have no candles at {rfc3339(start)}"
            raise InvalidSetting(message, advice=f"They cover {covered}.")

    def candles(self, instrument: str, buckets: Buckets, start: int, end: int, now: float) -> Bars:
        """As of any market; none shorter than five minutes: the files do not tell what happened inside theirs."""
        if buckets.seconds % _M5:
            return chained([])
        return super().candles(instrument, buckets, start, end, now)

    def earliest(self, instrument: str) -> int:
        """The start of the file's first candle."""
        bars = self._bars[instrument]
        return int(bars.time[0]) if len(bars) else 0

    def minutes5(self, instrument: str, start: int, end: int) -> Bars:
        """The file's candles that start in [start, end)."""
        return self._bars[instrument].between(start, end)

    def seconds5(self, instrument: str, start: int, end: int) -> Bars:
        """The candles of five seconds that start in [start, end), made of the path within the file's candles."""
        bars = self.minutes5(instrument, start // _M5 * _M5, end)
        return chained([bars_of(_path(bars, row), _S5) for row in range(len(bars))]).between(start, end)

    def ticks(self, instrument: str, start: float, end: float) -> Ticks:
        """The prices of [start, end)."""
        bars = self.minutes5(instrument, int(start // _M5) * _M5, int(end // _M5) * _M5 + _M5)
        if not len(bars):
            return NO_TICKS
        parts = [_path(bars, row) for row in range(len(bars))]
        ticks = Ticks(np.concatenate([part.time for part in parts]), np.hstack([part.prices for part in parts]))
        return ticks.between(start, end)


def _digest(series: Iterable[Bars]) -> str:
    """Eight hex digits that tell the candles of one set of files from another's."""
    digest = hashlib.blake2b(digest_size=4)
    for bars in series:
        digest.update(bars.time.tobytes())
        digest.update(np.ascontiguousarray(bars.prices).tobytes())
    return digest.hexdigest()


def _path(bars: Bars, row: int) -> Ticks:
    """The prices within a candle: as many as its volume says, or as its shape needs."""
    prices = bars.prices[:, row]
    return ticks_of(prices, max(int(bars.volume[row]), _needed(prices)), int(bars.time[row]), _M5)


def _needed(prices: Points) -> int:
    """How many prices it takes to open, reach both extremes and close as this candle did."""
    opens, highs, lows, closes = (prices[corner::4] for corner in range(4))
    if (highs > np.maximum(opens, closes)).any() or (lows < np.minimum(opens, closes)).any():
        return 4
    return 2 if (opens != closes).any() else 1
