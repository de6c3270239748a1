"""What a decision saw, as a short text that anyone can compute again from stored candles.

Each candle is folded to 64 bits (every step is reversible, so a change of any one column shows), the candles of a
UTC day to a BLAKE2b digest, and the days of the window to the hash. The text is `N:hex`, N the number of candles.
A decision sees the last 13,000 M5 candles, so a window of that many is hashed the same live, in a replay and in
a verification, whatever came before it.
"""

import hashlib
from bisect import bisect_left, bisect_right
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import CandleSeries
from alphaforge.signals.settings import DEFAULT_SETTINGS

_DAY = 86_400
_BYTES = 16
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: odd, so multiplying by it loses nothing
_FOLD = np.uint64(29)


def candle_hash(series: CandleSeries, window: int = DEFAULT_SETTINGS.window) -> str:
    """The receipt of the last `window` candles of a series, or of all where there are fewer."""
    return Receipts(series, window, len(series) - 1).at(len(series) - 1)


def candles_hashed(receipt: str) -> int:
    """How many candles a receipt was made from: as many as must be loaded to compute it again."""
    return int(receipt.partition(":")[0])


class Receipts:
    """The receipts of a series' rows from `first` on; whole days are digested once, so that a replay stays fast."""

    __slots__ = ("_days", "_edges", "_folded", "_offset", "_series", "_window")

    def __init__(self, series: CandleSeries, window: int, first: int = 0) -> None:
        self._offset, self._window = max(0, first + 1 - window), window
        self._series = series.rows(self._offset)
        self._edges: list[int] | None = None
        self._folded: npt.NDArray[np.uint64] | None = None
        self._days: tuple[int, int, bytes] = (0, 0, b"")

    def at(self, row: int) -> str:
        """The receipt of the window that ends with `row` (0..n-1; -1 where the series is empty)."""
        if self._edges is None:
            self._edges = (np.flatnonzero(np.diff(self._series.time // _DAY)) + 1).tolist()
        stop = row + 1 - self._offset
        start = max(0, stop - self._window)
        total = hashlib.blake2b(f"{self._series.instrument}|{self._series.granularity}".encode(), digest_size=_BYTES)
        # The window's first and last day may be cut by it; the days between are whole and come again in the next row.
        first, last = bisect_right(self._edges, start), bisect_left(self._edges, stop)
        if first >= last:
            total.update(self._digest(start, stop))
        else:
            total.update(self._digest(start, self._edges[first]))
            total.update(self._whole_days(first, last))
            total.update(self._digest(self._edges[last - 1], stop))
        return f"{stop - start}:{total.hexdigest()}"

    def _whole_days(self, first: int, last: int) -> bytes:
        """The digests of the days between two edges, one after another; the last answer is remembered."""
        known_first, known_last, known = self._days
        if self._edges is not None and (known_first, known_last) != (first, last):
            known = b"".join(self._digest(begin, end) for begin, end in pairwise(self._edges[first:last]))
            self._days = (first, last, known)
        return known

    def _digest(self, begin: int, end: int) -> bytes:
        if self._folded is None:
            self._folded = _folded(self._series)
        return hashlib.blake2b(self._folded[begin:end].tobytes(), digest_size=_BYTES).digest()


def _folded(series: CandleSeries) -> npt.NDArray[np.uint64]:
    """64 bits of each candle, little-endian, shape (n,): its columns in their order, mixed one after another."""
    state = np.zeros(len(series), "<u8")
    for column in series.columns():
        state ^= column.astype("<f8" if column.dtype.kind == "f" else "<i8", copy=False).view("<u8")
        state *= _ODD
        state ^= state >> _FOLD
    return state
