"""Bootstrap intervals: what other figures the same days might have given, had they come in other numbers.

Trading days are drawn, not trades: trades of one day overlap and share its market. Days stand in consecutive blocks,
at most 250; flat days belong to the block of the day before. Blocks are drawn with replacement, 1,000 times, with a
fixed seed, so that the same days always have the same interval. Sources: B. Efron, Bootstrap Methods: Another Look at
the Jackknife, Annals of Statistics 1979; for the studentised interval B. Efron and R. Tibshirani, An Introduction to
the Bootstrap, 1993, chapter 12.5, and P. Hall, Theoretical Comparison of Bootstrap Confidence Intervals, Annals of
Statistics 1988; its standard errors by the delta method, blocks being the sampling unit.
"""

from functools import lru_cache

import numpy as np

from alphaforge.core.candles import Floats

RESAMPLES = 1_000
MINIMUM_DAYS = 5
"""Fewer days with trades have no interval."""

_SIZES = (*range(MINIMUM_DAYS, 21), 25, 32, 40, 50, 63, 80, 100, 125, 160, 200, 250)  # few, so that they can be kept
_LOW, _HIGH = 0.025, 0.975
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
    """How often each block is drawn in each resample, (1 + RESAMPLES, size); the first row is the sample itself."""
    generator = np.random.Generator(np.random.PCG64(_SEED + size))
    drawn = generator.multinomial(size, np.full(size, 1 / size), RESAMPLES)
    return np.concatenate((np.ones((1, size)), drawn.astype(np.float64)))


def resampled(columns: Floats) -> Floats:
    """Totals of the sample (first column) and of each resample, (k, 1 + RESAMPLES), from blocks, (k, b)."""
    totals: Floats = columns @ _weights(columns.shape[1]).T
    return totals


def studentised(estimate: Floats, error: Floats) -> tuple[float, float]:
    """The bootstrap-t interval from estimates and their standard errors, (1 + RESAMPLES,), the sample's own first.

    An end may be infinite, or NaN where no resample has an error.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        t = (estimate[1:] - estimate[0]) / error[1:]
    t = np.sort(t[~np.isnan(t)])
    return (
        float(estimate[0] - _quantile(t, _HIGH) * error[0]),
        float(estimate[0] - _quantile(t, _LOW) * error[0]),
    )


def _quantile(ordered: Floats, share: float) -> float:
    """The value with `share` of (n + 1) at or below it, no interpolation: Davison and Hinkley 1997, equation 5.6."""
    at = round(share * (len(ordered) + 1)) - 1
    return float(ordered[min(max(at, 0), len(ordered) - 1)]) if len(ordered) else float("nan")
