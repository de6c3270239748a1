"""Columns with room at their end, so that a candle is added without copying thirteen thousand."""

import numpy as np

from alphaforge.core.candles import CandleSeries, empty_series, series_from_columns
from alphaforge.core.granularity import Granularity


class CandleBuffer:
    """At least the newest `capacity` candles of an instrument, and at most `slack` more.

    Rows that a series shows are never written again: candles are added behind them, and whatever else changes is
    built anew. So a series handed out stays as it was.
    """

    def __init__(self, instrument: str, granularity: Granularity, capacity: int, slack: int) -> None:
        self._capacity = capacity
        self._size = capacity + slack
        self.series = empty_series(instrument, granularity)
        self._rows: list[np.ndarray[tuple[int], np.dtype[np.generic]]] = []
        self._end = self._size

    def append(self, newer: CandleSeries) -> None:
        """Add candles that all start after the last one."""
        end = self._end + len(newer)
        if end > self._size or not self._rows:
            older = self.series.last(max(0, self._capacity - len(newer)))
            columns = zip(older.columns(), newer.columns(), strict=True)
            self.replace(self._as_series([np.concatenate(pair) for pair in columns]))
            return
        for row, column in zip(self._rows, newer.columns(), strict=True):
            row[self._end : end] = column
        self.series = self._as_series([row[:end] for row in self._rows])
        self._end = end

    def replace(self, series: CandleSeries) -> None:
        """Hold the newest `capacity` candles of `series` and nothing else."""
        kept = series.last(self._capacity)
        rows = [np.empty(self._size, column.dtype) for column in kept.columns()]
        for row, column in zip(rows, kept.columns(), strict=True):
            row[: len(kept)] = column
        self._rows, self._end = rows, len(kept)
        self.series = self._as_series([row[: len(kept)] for row in rows])

    def _as_series(self, columns: list[np.ndarray[tuple[int], np.dtype[np.generic]]]) -> CandleSeries:
        return series_from_columns(self.series.instrument, self.series.granularity, columns)
