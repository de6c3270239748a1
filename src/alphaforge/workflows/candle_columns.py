"""Candles as files that several processes look at: a column each, mapped into memory, so that they are there once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import CandleSeries, series_from_columns
from alphaforge.core.granularity import Granularity

_TYPES = ("<i8", *("<f8",) * 12, "<i8")
"""Of the columns, in the order of `CandleSeries.columns`."""


@dataclass(frozen=True, slots=True)
class CandleColumns:
    """The M5 candles of one instrument in a folder."""

    folder: Path
    instrument: str

    def append(self, series: CandleSeries) -> None:
        """Write candles behind those that are there; they start after them."""
        for path, kind, column in zip(self._paths(), _TYPES, series.columns(), strict=True):
            with path.open("ab") as file:
                file.write(column.astype(kind, copy=False).tobytes())

    def series(self) -> CandleSeries:
        """All of them, read only. Raises InvalidCandle where they are no series."""
        return series_from_columns(self.instrument, Granularity.M5, self._mapped())

    def _mapped(self) -> Sequence[npt.NDArray[np.generic]]:
        columns = []
        for path, kind in zip(self._paths(), _TYPES, strict=True):
            if path.exists() and path.stat().st_size:
                columns.append(np.memmap(path, kind, "r").view(np.ndarray))
            else:  # nothing can be mapped to nothing
                columns.append(np.zeros(0, kind))
        return columns

    def _paths(self) -> list[Path]:
        return [self.folder / f"{self.instrument}.{number:02d}" for number in range(len(_TYPES))]
