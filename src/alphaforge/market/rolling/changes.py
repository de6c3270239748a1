"""What an answer says that was not known."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import CandleSeries, series_from_columns


@dataclass(frozen=True, slots=True)
class Changes:
    """Candles fetched that are not held as they are.

    `new` start after the last one held. `revised` lie among those held, with other numbers or missing until now.
    `older` start before the first one held.
    """

    new: CandleSeries
    revised: CandleSeries
    older: CandleSeries

    @property
    def all(self) -> CandleSeries:
        """All of them, oldest first."""
        if not (len(self.older) or len(self.revised)):
            return self.new
        parts = zip(self.older.columns(), self.revised.columns(), self.new.columns(), strict=True)
        return series_from_columns(
            self.new.instrument, self.new.granularity, [np.concatenate(columns) for columns in parts]
        )


def changes(held: CandleSeries, fetched: CandleSeries) -> Changes:
    """How `fetched` differs from `held`."""
    if not len(held):
        return Changes(fetched, fetched.rows(0, 0), fetched.rows(0, 0))
    older = fetched.rows(0, int(np.searchsorted(fetched.time, held.time[0])))
    new = fetched.after(int(held.time[-1]) + 1)
    common = fetched.rows(len(older), len(fetched) - len(new))
    alike = _held_alike(held, common)
    return Changes(new, common.rows(0, 0) if alike.all() else chosen(common, ~alike), older)


def chosen(series: CandleSeries, rows: npt.NDArray[np.bool_]) -> CandleSeries:
    """The candles of some rows."""
    return series_from_columns(series.instrument, series.granularity, [column[rows] for column in series.columns()])


def _held_alike(held: CandleSeries, common: CandleSeries) -> npt.NDArray[np.bool_]:
    """Which candles of `common`, all within the time of `held`, it holds with the same numbers."""
    place = np.searchsorted(held.time, common.time)
    alike = np.ones(len(common), bool)
    for ours, theirs in zip(held.columns(), common.columns(), strict=True):
        alike &= ours[place] == theirs
    return alike
