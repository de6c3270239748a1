"""What confidence was worth: results by bucket of the score that each trade had when it was made."""

from dataclasses import dataclass
from math import atanh, sqrt, tanh
from statistics import NormalDist
from typing import Final

import numpy as np

from alphaforge.core.candles import Floats
from alphaforge.core.errors import InvalidInput
from alphaforge.statistics.results import share
from alphaforge.statistics.sections import Estimate
from alphaforge.statistics.trades import ResultClass, Trades

EDGES: Final = tuple(range(0, 101, 10))
MINIMUM_PAIRS: Final = 10
"""Fewer trades of known confidence and R have no rank correlation."""

_SCALE = 100.0


@dataclass(frozen=True, slots=True)
class Bucket:
    """Trades with low <= confidence < high; the last bucket holds 100 too."""

    low: int
    high: int
    trades: int
    wins: int
    losses: int
    expired: int
    win_rate: Estimate
    mean_r: Estimate


@dataclass(frozen=True, slots=True)
class Calibration:
    """Ten buckets, of which trades the confidence is known, and its rank correlation with R."""

    buckets: tuple[Bucket, ...]
    known: int
    rank_correlation: Estimate


def calibration(trades: Trades, confidence: Floats) -> Calibration:
    """The results of trades by their confidence, float64 (n,), 0 to 100; NaN, not known, is in no bucket.

    Raises InvalidInput for another number of scores, and for one outside of its range.
    """
    known = ~np.isnan(confidence)
    score = confidence[known]
    if len(confidence) != len(trades) or (score < 0).any() or (score > _SCALE).any():
        message = f"{len(confidence)} scores for {len(trades)} trades, or one that is not within 0 and 100"
        raise InvalidInput(message)
    number = np.minimum(score.astype(np.int64) // EDGES[1], len(EDGES) - 2)
    result, r = trades.result[known], trades.r[known]
    buckets = [
        _bucket(position, result[number == position], r[number == position]) for position in range(len(EDGES) - 1)
    ]
    pairs = ~np.isnan(r)
    return Calibration(tuple(buckets), len(score), rank_correlation(score[pairs], r[pairs]))


def _bucket(position: int, result: np.ndarray[tuple[int], np.dtype[np.int8]], r: Floats) -> Bucket:
    wins, losses = int((result == ResultClass.WIN).sum()), int((result == ResultClass.LOSS).sum())
    of_r = r[~np.isnan(r)]
    return Bucket(
        low=EDGES[position],
        high=EDGES[position + 1],
        trades=len(result),
        wins=wins,
        losses=losses,
        expired=int((result == ResultClass.EXPIRED).sum()),
        win_rate=share(wins, wins + losses),
        mean_r=Estimate(float(of_r.mean()) if len(of_r) else None, len(of_r)),
    )


def rank_correlation(one: Floats, other: Floats) -> Estimate:
    """Spearman's correlation of ranks, ties at their mean rank, with its 95 % interval.

    None below `MINIMUM_PAIRS`, and where one side is all the same. Sources: C. Spearman, The Proof and Measurement of
    Association between Two Things, 1904; the interval by D. G. Bonett and T. A. Wright, Sample Size Requirements for
    Estimating Pearson, Kendall and Spearman Correlations, Psychometrika 2000. It takes trades as independent.
    """
    n = len(one)
    if n < MINIMUM_PAIRS:
        return Estimate(None, n)
    x, y = _ranks(one), _ranks(other)
    x, y = x - x.mean(), y - y.mean()
    both = sqrt(float((x * x).sum()) * float((y * y).sum()))
    if not both:
        return Estimate(None, n)
    rho = min(max(float((x * y).sum()) / both, -1.0), 1.0)
    if abs(rho) == 1:
        return Estimate(rho, n, rho, rho)
    reach = NormalDist().inv_cdf(0.975) * sqrt((1 + rho * rho / 2) / (n - 3))
    return Estimate(rho, n, tanh(atanh(rho) - reach), tanh(atanh(rho) + reach))


def _ranks(values: Floats) -> Floats:
    """Ranks from 1, equal values at the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks: Floats = (last - (count - 1) / 2)[place]
    return ranks
