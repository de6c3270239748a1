"""How likely a Sharpe ratio is no luck, given its length, its shape, and how many settings were tried.

Sources: D. H. Bailey and M. Lopez de Prado, The Sharpe Ratio Efficient Frontier, Journal of Risk 2012; and The
Deflated Sharpe Ratio, Journal of Portfolio Management 2014. Ratios here are of single days, not annualised.
"""

from dataclasses import dataclass
from math import e, sqrt
from statistics import NormalDist
from typing import Final

import numpy as np

from alphaforge.core.candles import Floats
from alphaforge.core.errors import InvalidInput

MINIMUM_RETURNS: Final = 20
"""Fewer daily returns have no skewness and kurtosis worth the name."""

_EULER = float(np.euler_gamma)
_EQUAL = 1e-12  # deviations below this share of the mean are rounding


@dataclass(frozen=True, slots=True)
class Deflated:
    """`sharpe`: daily. `benchmark`: the best that luck alone would show. `probability`: that the true one is above it.

    None where there are too few returns, or no deviation. `n`: daily returns. `trials`: settings that were tried.
    """

    sharpe: float | None
    benchmark: float
    probability: float | None
    n: int
    trials: int


def daily_sharpe(returns: Floats) -> float | None:
    """Mean by standard deviation (ddof 1) of daily returns, flat days among them, not annualised."""
    if len(returns) < MINIMUM_RETURNS:
        return None
    mean, deviation = float(returns.mean()), float(returns.std(ddof=1))
    return mean / deviation if deviation > _EQUAL * abs(mean) else None


def probabilistic_sharpe(returns: Floats, benchmark: float = 0.0) -> float | None:
    """The probability that the true daily Sharpe ratio is above `benchmark`, by skewness and kurtosis of the returns.

    Phi((S - S*) sqrt(n - 1) / sqrt(1 - skewness S + (kurtosis - 1) / 4 S^2)); kurtosis of a normal is 3.
    """
    sharpe = daily_sharpe(returns)
    if sharpe is None:
        return None
    z = (returns - returns.mean()) / returns.std()
    skewness, kurtosis = float((z**3).mean()), float((z**4).mean())
    variance = 1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe * sharpe
    if not variance > 0:
        return None
    return NormalDist().cdf((sharpe - benchmark) * sqrt(len(returns) - 1) / sqrt(variance))


def luckiest_sharpe(trials: int, variance: float) -> float:
    """The daily Sharpe ratio to expect of the best of `trials` settings without an edge.

    `variance`: of the trials' daily ratios. One trial has no luck to choose from: 0.
    Raises InvalidInput for fewer than one trial, and for a variance below zero.
    """
    if trials < 1 or not variance >= 0:
        message = f"{trials} trials with a variance of {variance} are impossible"
        raise InvalidInput(message)
    if trials == 1:
        return 0.0
    quantile = NormalDist().inv_cdf
    return sqrt(variance) * ((1 - _EULER) * quantile(1 - 1 / trials) + _EULER * quantile(1 - 1 / (trials * e)))


def deflated_sharpe(returns: Floats, trials: int, variance: float) -> Deflated:
    """The probabilistic Sharpe ratio against what luck alone would have made of so many trials."""
    benchmark = luckiest_sharpe(trials, variance)
    return Deflated(
        sharpe=daily_sharpe(returns),
        benchmark=benchmark,
        probability=probabilistic_sharpe(returns, benchmark),
        n=len(returns),
        trials=trials,
    )
