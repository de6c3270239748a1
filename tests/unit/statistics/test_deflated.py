import math
from statistics import NormalDist

import numpy as np
import pytest

from alphaforge.core.errors import InvalidInput
from alphaforge.statistics.deflated import deflated_sharpe, luckiest_sharpe, probabilistic_sharpe


def test_the_papers_example() -> None:
    # The Deflated Sharpe Ratio, 2014: 1,250 days, an annual ratio of 2.5, skewness -3, kurtosis 10, 100 trials whose
    # annual ratios vary by 1/2; the expected maximum is 0.1132 a day, and 0.9004 is left
    benchmark = luckiest_sharpe(100, 0.5 / 250)
    assert benchmark == pytest.approx(0.1132, abs=5e-5)
    daily = 2.5 / math.sqrt(250)
    left = (daily - benchmark) * math.sqrt(1249) / math.sqrt(1 + 3 * daily + 9 / 4 * daily**2)
    assert NormalDist().cdf(left) == pytest.approx(0.9004, abs=5e-5)


def test_the_probability_is_the_formula_of_the_returns_own_shape() -> None:
    returns = np.random.default_rng(1).standard_t(5, 300) * 0.01 + 0.001
    sharpe = returns.mean() / returns.std(ddof=1)
    z = (returns - returns.mean()) / returns.std()
    variance = 1 - (z**3).mean() * sharpe + ((z**4).mean() - 1) / 4 * sharpe**2
    expected = NormalDist().cdf((sharpe - 0.02) * math.sqrt(299) / math.sqrt(variance))
    assert probabilistic_sharpe(returns, 0.02) == pytest.approx(expected, rel=1e-12)


def test_more_trials_leave_less() -> None:
    returns = np.random.default_rng(2).normal(0.001, 0.01, 500)
    left = [deflated_sharpe(returns, trials, 0.002).probability for trials in (1, 2, 10, 1_000)]
    assert left == sorted(left, reverse=True)
    assert left[0] == probabilistic_sharpe(returns)
    assert len(set(left)) == 4


def test_the_expected_maximum_is_that_of_seeded_luck() -> None:
    luck = np.random.default_rng(3).normal(0, 0.05, (4_000, 50)).max(axis=1).mean()
    assert luckiest_sharpe(50, 0.05**2) == pytest.approx(luck, rel=0.02)


def test_too_few_or_equal_returns_have_no_probability() -> None:
    assert deflated_sharpe(np.full(19, 0.01) * np.arange(19), 3, 0.1).probability is None
    found = deflated_sharpe(np.full(50, 0.01), 3, 0.1)
    assert (found.sharpe, found.probability, found.n, found.trials) == (None, None, 50, 3)


@pytest.mark.parametrize(("trials", "variance"), [(0, 1.0), (2, -1.0), (2, math.nan)])
def test_impossible_trials_are_refused(trials: int, variance: float) -> None:
    with pytest.raises(InvalidInput, match="impossible"):
        luckiest_sharpe(trials, variance)
