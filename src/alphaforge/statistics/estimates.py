"""Bootstrap intervals of the figures that claim an edge.

Standard errors are those of sums over blocks without a factor for few blocks: it would be in each and cancel.
"""

from dataclasses import dataclass

import numpy as np

from alphaforge.core.candles import Floats
from alphaforge.statistics.days import Days
from alphaforge.statistics.resampling import MINIMUM_DAYS, UNKNOWN, Interval, blocks, resampled, studentised

YEAR = 252
"""Trading days of a year, for what is annualised by its root."""

_SUMS = ("profit", "r_profit", "shortfall", "r_shortfall", "amounts", "rs")
_EQUAL = 1e-12  # deviations below this share of the mean are rounding


@dataclass(frozen=True, slots=True)
class Edge:
    """Intervals of the profit factor and of the mean of one column."""

    profit_factor: Interval = UNKNOWN
    expectancy: Interval = UNKNOWN


@dataclass(frozen=True, slots=True)
class Pace:
    """Intervals of the mean daily return and of the Sharpe ratio."""

    mean_return: Interval = UNKNOWN
    sharpe: Interval = UNKNOWN


def edges(days: Days) -> tuple[Edge, Edge]:
    """The intervals of amounts, and those of R."""
    if len(days) < MINIMUM_DAYS:
        return Edge(), Edge()
    sums = blocks(np.stack([days.of(name) for name in _SUMS]))
    won, lost, known = sums.reshape(3, 2, -1)  # amounts and R side by side from here on
    columns = (won, lost, known, won * won, won * lost, lost * lost, won * known, lost * known, known * known)
    totals = resampled(np.concatenate(columns)).reshape(len(columns), 2, -1)
    with np.errstate(all="ignore"):  # a resample may have drawn no win, no loss, or nothing known
        factor, factor_error = _log_profit_factor(totals)
        mean, mean_error = _mean(totals)
        low, high = studentised(np.concatenate((factor, mean)), np.concatenate((factor_error, mean_error)))
        low[:2], high[:2] = np.exp(low[:2]), np.exp(high[:2])
    in_money, in_r = (Edge(_ends(low[side], high[side]), _ends(low[side + 2], high[side + 2])) for side in (0, 1))
    return in_money, in_r


def _log_profit_factor(totals: Floats) -> tuple[Floats, Floats]:
    """On the log scale, where a factor and its inverse are as far from 1. With its standard error."""
    won, lost, _, won2, both, lost2, *_ = totals
    variance = won2 / won**2 - 2 * both / (won * lost) + lost2 / lost**2
    return np.log(won / -lost), np.sqrt(np.maximum(variance, 0.0))


def _mean(totals: Floats) -> tuple[Floats, Floats]:
    won, lost, known, won2, both, lost2, won_known, lost_known, known2 = totals
    mean = (won + lost) / known
    squares = won2 + 2 * both + lost2 - 2 * mean * (won_known + lost_known) + mean**2 * known2
    return mean, np.sqrt(np.maximum(squares, 0.0)) / known


def pace(returns: Floats, flat: Floats) -> Pace:
    """Intervals from the returns of days with trades, (d,), and how many flat days follow each, (d,)."""
    if len(returns) < MINIMUM_DAYS:
        return Pace()
    x, q, n = blocks(np.stack((returns, np.square(returns), 1.0 + flat)))
    totals = resampled(np.stack((x, q, n, x * x, x * q, q * q, x * n, q * n, n * n)))
    with np.errstate(all="ignore"):  # a resample may have drawn equal returns only
        estimates, errors = _mean_and_sharpe(totals)
        low, high = studentised(estimates, errors)
    root = YEAR**0.5
    return Pace(_ends(low[0], high[0]), _ends(low[1] * root, high[1] * root))


def _mean_and_sharpe(totals: Floats) -> tuple[Floats, Floats]:
    """Both of (2, 1 + RESAMPLES); the ratio's error by how it moves with mean and mean square: the delta method."""
    x, q, n, xx, xq, qq, xn, qn, nn = totals
    mean, square = x / n, q / n
    deviation = np.sqrt(np.maximum(square - mean**2, 0.0))
    deviation[deviation <= _EQUAL * np.abs(mean)] = np.nan
    of_mean = np.maximum(xx - 2 * mean * xn + mean**2 * nn, 0.0)
    of_square = qq - 2 * square * qn + square**2 * nn
    of_both = xq - mean * qn - square * xn + mean * square * nn
    cube = deviation * deviation * deviation  # numpy's third power takes fifty times as long
    by_mean, by_square = 1 / deviation + mean**2 / cube, -mean / (2 * cube)
    of_ratio = by_mean**2 * of_mean + 2 * by_mean * by_square * of_both + by_square**2 * of_square
    errors = np.sqrt(np.stack((of_mean, np.maximum(of_ratio, 0.0)))) / n
    return np.stack((mean, mean / deviation)), errors


def _ends(low: float, high: float) -> Interval:
    """Both ends; None where an end lies at infinity or is not known."""
    return (float(low) if np.isfinite(low) else None, float(high) if np.isfinite(high) else None)
