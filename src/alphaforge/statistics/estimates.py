"""Bootstrap intervals of the figures that claim an edge."""

from dataclasses import dataclass

import numpy as np

from alphaforge.core.candles import Floats
from alphaforge.statistics.days import Days
from alphaforge.statistics.resampling import MINIMUM_DAYS, UNKNOWN, Interval, blocks, resampled, studentised

YEAR = 252
"""Trading days of a year, for what is annualised by its root."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Intervals of profit factor and mean of one column."""

    profit_factor: Interval = UNKNOWN
    expectancy: Interval = UNKNOWN


@dataclass(frozen=True, slots=True)
class Pace:
    """Intervals of the mean daily return and of the Sharpe ratio."""

    mean_return: Interval = UNKNOWN
    sharpe: Interval = UNKNOWN


def edge(days: Days, profit: str, shortfall: str, count: str) -> Edge:
    """Intervals from the named columns of `Days`: what was won, what was lost (<= 0), how many results are known."""
    if len(days) < MINIMUM_DAYS:
        return Edge()
    won, lost, known = blocks(np.stack((days.of(profit), days.of(shortfall), days.of(count))))
    columns = (won, lost, known, won * won, won * lost, lost * lost, won * known, lost * known, known * known)
    totals = resampled(np.stack(columns))
    few = len(won) / (len(won) - 1)
    with np.errstate(all="ignore"):  # a resample may have drawn no win, no loss, or nothing known
        return Edge(_profit_factor(totals, few), _mean(totals, few))


def _profit_factor(totals: Floats, few: float) -> Interval:
    """On the log scale, where a factor and its inverse are as far from 1."""
    won, lost, _, won2, both, lost2, *_ = totals
    if not (won[0] > 0 and lost[0] < 0):
        return UNKNOWN
    error = np.sqrt(few * np.maximum(won2 / won**2 - 2 * both / (won * lost) + lost2 / lost**2, 0.0))
    return _ends(tuple(np.exp(studentised(np.log(won / -lost), error))))


def _mean(totals: Floats, few: float) -> Interval:
    won, lost, known, won2, both, lost2, won_known, lost_known, known2 = totals
    if not known[0] > 0:
        return UNKNOWN
    mean = (won + lost) / known
    squares = won2 + 2 * both + lost2 - 2 * mean * (won_known + lost_known) + mean**2 * known2
    return _ends(studentised(mean, np.sqrt(few * np.maximum(squares, 0.0)) / known))


def pace(returns: Floats, flat: Floats) -> Pace:
    """Intervals from the returns of days with trades, (d,), and how many flat days follow each, (d,)."""
    if len(returns) < MINIMUM_DAYS:
        return Pace()
    x, q, n = blocks(np.stack((returns, np.square(returns), 1.0 + flat)))
    totals = resampled(np.stack((x, q, n, x * x, x * q, q * q, x * n, q * n, n * n)))
    few = len(x) / (len(x) - 1)
    with np.errstate(all="ignore"):  # a resample may have drawn equal returns only
        return _pace(totals, few)


def _pace(totals: Floats, few: float) -> Pace:
    x, q, n, xx, xq, qq, xn, qn, nn = totals
    mean, square = x / n, q / n
    deviation = np.sqrt(square - mean**2)
    if not deviation[0] > 1e-12 * abs(mean[0]):  # returns that are equal but for rounding
        return Pace()
    of_mean = np.maximum(xx - 2 * mean * xn + mean**2 * nn, 0.0)
    of_square = qq - 2 * square * qn + square**2 * nn
    of_both = xq - mean * qn - square * xn + mean * square * nn
    # the delta method: how the ratio moves with the mean and with the mean square
    by_mean, by_square = 1 / deviation + mean**2 / deviation**3, -mean / (2 * deviation**3)
    of_ratio = by_mean**2 * of_mean + 2 * by_mean * by_square * of_both + by_square**2 * of_square
    ratio = studentised(mean / deviation, np.sqrt(few * np.maximum(of_ratio, 0.0)) / n)
    root = YEAR**0.5
    return Pace(
        mean_return=_ends(studentised(mean, np.sqrt(few * of_mean) / n)),
        sharpe=_ends((ratio[0] * root, ratio[1] * root)),
    )


def _ends(pair: tuple[float, float]) -> Interval:
    """Both ends; None where an end lies at infinity or is not known."""
    low, high = (float(end) if np.isfinite(end) else None for end in pair)
    return low, high
