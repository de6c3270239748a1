"""Bootstrap intervals: what other figures the same days might have given, had they come in other numbers.

Trading days are drawn, not trades: trades of one day overlap and share its market. Days stand in consecutive blocks,
at most 250; flat days belong to the block of the day before. Blocks are drawn with replacement, 999 times, with a
fixed seed, so that the same days always have the same interval. Sources: B. Efron, Bootstrap Methods: Another Look at
the Jackknife, Annals of Statistics 1979; for the studentised interval B. Efron and R. Tibshirani, An Introduction to
the Bootstrap, 1993, chapter 12.5, and P. Hall, Theoretical Comparison of Bootstrap Confidence Intervals, Annals of
Statistics 1988; its standard errors by the delta method, blocks being the sampling unit.
"""

from functools import lru_cache

import numpy as np

from alphaforge.core.candles import Floats

RESAMPLES = 999
"""With the sample itself a thousand, so that the ends are the 25th from either side."""
MINIMUM_DAYS = 20
"""Fewer days with trades have no interval: it would miss the true value too often."""

_SIZES = (MINIMUM_DAYS, 25, 32, 40, 50, 63, 80, 100, 125, 160, 200, 250)  # few, so that they can be kept
_PIECES = 20
_LOW, _HIGH = 0.025, 0.975
_MOST = 0.99  # where more resamples than a hundredth have no such figure, as without a loss, there is no interval
_SEED = 19_790_101

Interval = tuple[float | None, float | None]
UNKNOWN: Interval = (None, None)


def blocks(columns: Floats) -> Floats:
    """Sums of consecutive blocks of days, (k, b), from columns of days, (k, d) with d >= MINIMUM_DAYS."""
    days = columns.shape[1]
    size = max(one for one in _SIZES if one <= days)
    if size == days:
        return columns
    starts = np.arange(size) * days // size
    found: Floats = np.add.reduceat(columns, starts, axis=1)
    return found


@lru_cache(maxsize=len(_SIZES))
def _weights(size: int) -> Floats:
    """How often each block is drawn, (_PIECES, size, (1 + RESAMPLES) / _PIECES); the first resample is the sample.

    In pieces, because OpenBLAS puts threads to larger products: on busy cores they wait for each other many times as
    long as one needs for all of it.
    """
    generator = np.random.Generator(np.random.PCG64(_SEED + size))
    drawn = generator.multinomial(size, np.full(size, 1 / size), RESAMPLES)
    every = np.concatenate((np.ones((1, size)), drawn.astype(np.float64)))
    return np.ascontiguousarray(every.reshape(_PIECES, -1, size).transpose(0, 2, 1))


def resampled(columns: Floats) -> Floats:
    """Totals of the sample (first column) and of each resample, (k, 1 + RESAMPLES), from blocks, (k, b); k <= 18."""
    pieces: Floats = columns @ _weights(columns.shape[1])
    return pieces.transpose(1, 0, 2).reshape(len(columns), -1)


def studentised(estimates: Floats, errors: Floats) -> tuple[Floats, Floats]:
    """Low and high ends of bootstrap-t intervals, (k,), from estimates and standard errors, (k, 1 + RESAMPLES).

    The sample's own come first in each row. Ends may be infinite, and are NaN where the sample has no estimate.
    """
    with np.errstate(all="ignore"):
        t = (estimates[:, 1:] - estimates[:, :1]) / errors[:, 1:]
        low, high = np.array([_quantiles(row) for row in t]).T
        return estimates[:, 0] - high * errors[:, 0], estimates[:, 0] - low * errors[:, 0]


def _quantiles(values: Floats) -> tuple[float, float]:
    """The ordered values of ranks (n + 1) 0.025 and (n + 1) 0.975: Davison and Hinkley 1997, chapter 5."""
    known = ~np.isnan(values)
    if np.count_nonzero(known) < _MOST * len(values):
        return np.nan, np.nan
    values = values[known]
    ranks = [round(share * (len(values) + 1)) - 1 for share in (_LOW, _HIGH)]
    values = np.partition(values, ranks)
    return float(values[ranks[0]]), float(values[ranks[1]])
