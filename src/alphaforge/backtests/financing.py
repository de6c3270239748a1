"""What holding a position over night costs or brings.

A broker books a night at 17:00 New York for each day by which it moves the value date of an open position. Value dates
lie two days ahead and skip weekends: Wednesday's 17:00 moves one from Friday to Monday and counts three days, those of
Saturday and Sunday move none, all others one. Holidays, and the few pairs that settle a day ahead, are not known here.
"""

from typing import Final

import numpy as np

from alphaforge.core.candles import Floats, Ints
from alphaforge.core.zones import NEW_YORK, offsets

_DAY: Final = 86_400
_YEAR: Final = 365
_EVENING: Final = 17 * 3_600
_THURSDAY: Final = 3
"""The weekday of 1970-01-01, Monday being 0."""
_NIGHTS: Final = np.array([1, 1, 3, 1, 1, 0, 0], np.int64)
"""Days that 17:00 counts, from Monday's to Sunday's."""


def nights(opened: Ints, closed: Ints) -> Ints:
    """The days of financing of positions held from `opened` until `closed` (epoch seconds, (n,) each), int64 (n,).

    A night counts where 17:00 New York falls at or after the opening and before the closing.
    """
    if not len(opened):
        return np.zeros(0, np.int64)
    days = np.arange(opened.min() // _DAY - 1, closed.max() // _DAY + 2)
    evenings = days * _DAY + _EVENING
    moments = evenings - offsets(evenings + 5 * 3_600, NEW_YORK)  # near enough: it changes on Sundays at 2:00
    counted = np.concatenate(([0], np.cumsum(_NIGHTS[(days + _THURSDAY) % 7])))
    found: Ints = counted[np.searchsorted(moments, closed)] - counted[np.searchsorted(moments, opened)]
    return found


def financing(days: Ints, sign: Floats, rates: tuple[float, float], entry: Floats, stop: Floats) -> Floats:
    """What `days` of financing are worth in R-multiples, (n,): negative where it is paid.

    `sign`: +1.0 BUY, -1.0 SELL. `rates`: a year's of a long and of a short position, as fractions of its price at the
    entry; a day counts for the 365th part.
    """
    rate = np.where(sign > 0, *rates)
    found: Floats = rate / _YEAR * days * entry / np.abs(entry - stop) + 0.0  # nothing paid is 0, not -0
    return found
