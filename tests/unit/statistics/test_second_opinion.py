"""empyrical-reloaded agrees where it means the same; where it does not, the difference is its rule, and here."""

import empyrical
import numpy as np
import pytest

from alphaforge.statistics.days import summarised
from alphaforge.statistics.equity import daily_returns
from alphaforge.statistics.figures import figures_of
from statistics_builders import DAY, MONDAY, seeded, trades_of

NEAR = {"rel": 1e-9, "abs": 1e-12}
BALANCE = 20_000.0
RECORDS = [(40, 30, 1), (300, 60, 2), (90, 400, 3), (2_000, 700, 4), (25, 900, 5)]


@pytest.mark.parametrize(("count", "length", "seed"), RECORDS)
def test_the_figures_of_daily_returns_agree(count: int, length: int, seed: int) -> None:
    days = summarised(seeded(count, length, seed))
    figures, returns = figures_of(days, balance=BALANCE), daily_returns(days, BALANCE)
    daily = figures.daily
    assert (daily.days, daily.flat_days) == (len(returns), len(returns) - len(days))
    assert daily.mean_return.value == pytest.approx(returns.mean(), **NEAR)
    assert daily.volatility == pytest.approx(empyrical.annual_volatility(returns), **NEAR)
    assert daily.sharpe.value == pytest.approx(empyrical.sharpe_ratio(returns), **NEAR)
    assert daily.sortino == pytest.approx(empyrical.sortino_ratio(returns), **NEAR)
    assert daily.value_at_risk == pytest.approx(empyrical.value_at_risk(returns), **NEAR)
    assert daily.expected_shortfall == pytest.approx(empyrical.conditional_value_at_risk(returns), **NEAR)
    assert figures.drawdown.maximum_share == pytest.approx(empyrical.max_drawdown(returns), **NEAR)
    assert daily.total_return == pytest.approx(empyrical.cum_returns_final(returns), **NEAR)
    assert (daily.best, daily.worst) == (returns.max(), returns.min())


@pytest.mark.parametrize(("count", "length", "seed"), RECORDS[1:])
def test_growth_differs_by_the_length_of_a_year_alone(count: int, length: int, seed: int) -> None:
    # they: 252 returns are a year; we: 365.25 calendar days are, whatever number of days was traded
    days = summarised(seeded(count, length, seed))
    daily, returns = figures_of(days, balance=BALANCE).daily, daily_returns(days, BALANCE)
    calendar = int(days.day[-1] - days.day[0]) + 1
    ours = empyrical.cagr(returns, annualization=365.25 * len(returns) / calendar)
    assert daily.cagr == pytest.approx(ours, **NEAR)
    assert daily.calmar == pytest.approx(ours / -empyrical.max_drawdown(returns), **NEAR)


def test_where_they_have_infinity_or_nan_we_have_nothing() -> None:
    closed = (MONDAY + DAY * np.arange(2)).tolist()
    days = summarised(trades_of([1.0, 1.01], closed=closed))
    daily, returns = figures_of(days, balance=100).daily, daily_returns(days, 100)
    assert np.isinf(empyrical.sortino_ratio(returns))
    assert daily.sortino is None
    assert np.isnan(empyrical.calmar_ratio(returns))
    assert daily.calmar is None


def test_a_record_whose_worst_twentieth_is_flat_or_won_agrees_too() -> None:
    for amounts, step in (([5.0] * 30 + [-1.0], 1), ([5.0] * 30, 1), ([5.0, 6.0] * 15, 2)):
        closed = (MONDAY + step * DAY * np.arange(len(amounts))).tolist()
        days = summarised(trades_of(amounts, closed=closed))
        daily, returns = figures_of(days, balance=100).daily, daily_returns(days, 100)
        assert daily.value_at_risk == pytest.approx(empyrical.value_at_risk(returns), **NEAR)
        assert daily.expected_shortfall == pytest.approx(empyrical.conditional_value_at_risk(returns), **NEAR)
