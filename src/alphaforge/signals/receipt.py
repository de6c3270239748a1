"""What a decision saw, as a short text that anyone can compute again from stored candles.

Each candle is folded to 64 bits (every step is reversible, so a change of any one column shows), the candles of a
UTC day to a BLAKE2b digest, and the days of the window to the hash. The text is `N:hex`, N the number of candles.
A decision sees the last 13,000 M5 candles, so a window of that many is hashed the same live, in a replay and in
a verification, whatever came before it.
"""

import hashlib
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import CandleSeries, Ints
from alphaforge.signals.settings import DEFAULT_SETTINGS

_DAY = 86_400
_BYTES = 16
_REMEMBERED = 512
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: odd, so multiplying by it loses nothing
_FOLD = np.uint64(29)


def candle_hash(series: CandleSeries, window: int = DEFAULT_SETTINGS.window) -> str:
    """The receipt of the last `window` candles of a series, or of all where there are fewer."""
    return Receipts(series, window).at(len(series) - 1)


def candles_hashed(receipt: str) -> int:
    """How many candles a receipt was made from: as many as must be loaded to compute it again."""
    return int(receipt.partition(":")[0])


class Receipts:
    """The receipts of every row of one series; whole days are digested once, so that a replay stays fast."""

    __slots__ = ("_days", "_edges", "_folded", "_series", "_window")

    def __init__(self, series: CandleSeries, window: int) -> None:
        self._series, self._window = series, window
        self._edges: Ints | None = None
        self._folded: npt.NDArray[np.uint64] | None = None
        self._days: dict[tuple[int, int], bytes] = {}

    def at(self, row: int) -> str:
        """The receipt of the window that ends with `row` (0..n-1; -1 where the series is empty)."""
        stop = row + 1
        start = max(0, stop - self._window)
        total = hashlib.blake2b(f"{self._series.instrument}|{self._series.granularity}".encode(), digest_size=_BYTES)
        for begin, end in self._blocks(start, stop):
            total.update(self._digest(begin, end))
        return f"{stop - start}:{total.hexdigest()}"

    def _blocks(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """The candles start..stop cut at the beginning of each UTC day."""
        if self._edges is None:
            self._edges = np.flatnonzero(np.diff(self._series.time // _DAY)) + 1
        inside = self._edges[np.searchsorted(self._edges, start, "right") : np.searchsorted(self._edges, stop)]
        cuts = [start, *inside.tolist(), stop]
        return pairwise(cuts)

    def _digest(self, begin: int, end: int) -> bytes:
        """The digest of a block; a day inside a window comes again in the next one, so it is remembered."""
        known = self._days.get((begin, end))
        if known is None:
            if self._folded is None:
                self._folded = _folded(self._series)
            known = hashlib.blake2b(self._folded[begin:end].tobytes(), digest_size=_BYTES).digest()
            self._days[begin, end] = known
            if len(self._days) > _REMEMBERED:
                self._days.clear()
        return known


def _folded(series: CandleSeries) -> npt.NDArray[np.uint64]:
    """64 bits of each candle, little-endian, shape (n,): its columns in their order, mixed one after another."""
    state = np.zeros(len(series), "<u8")
    for column in series.columns():
        state ^= column.astype("<f8" if column.dtype.kind == "f" else "<i8", copy=False).view("<u8")
        state *= _ODD
        state ^= state >> _FOLD
    return state
