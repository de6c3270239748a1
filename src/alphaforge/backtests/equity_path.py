"""The account day by day through the whole period of a backtest, and what its daily returns are worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alphaforge.core.candles import Floats, Ints
from alphaforge.statistics.calendar import day_name, trading_days
from alphaforge.statistics.days import Days
from alphaforge.statistics.deflated import deflated_sharpe, probabilistic_sharpe
from alphaforge.statistics.equity import equity

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Trials:
    """Of how many settings a result is the best, and the variance of their daily Sharpe ratios where it is known."""

    count: int = 1
    variance: float | None = None


@dataclass(frozen=True, slots=True)
class EquityPath:
    """Equity at the end of every trading day from the first to the last of the period, flat ones too; shape (d,).

    `day`: days since 1970, Mondays to Fridays and any other on which a trade closed.
    """

    balance: float
    day: Ints
    equity: Floats

    @property
    def drawdown(self) -> Floats:
        """Below the highest close so far, the balance among them, as a fraction of it; <= 0."""
        peak = np.maximum.accumulate(np.concatenate(([self.balance], self.equity)))[1:]
        return (self.equity - peak) / peak

    @property
    def returns(self) -> Floats:
        """Of each day on the equity before it; none once the equity was gone."""
        value = np.concatenate(([self.balance], self.equity))
        return np.diff(value) / value[:-1] if value.min() > 0 else np.zeros(0)

    def to_dict(self) -> dict[str, list[Any]]:
        """As JSON has it: `date` as 2025-07-31."""
        return {
            "date": [day_name(day) for day in self.day.tolist()],
            "equity": self.equity.tolist(),
            "drawdown": self.drawdown.tolist(),
        }


def equity_path(days: Days, balance: float, periods: Sequence[Sequence[float]]) -> EquityPath:
    """The path of an account in which trades were closed on `days`; `periods`: from and to, epoch seconds."""
    account = equity(days, balance)
    spans = [trading_days(np.array([start, end - 1])).tolist() for start, end in periods]
    every = np.unique(np.concatenate([np.arange(first, last + 1) for first, last in spans]))
    every = np.union1d(every[(every + 3) % 7 < _SATURDAY], account.day)
    return EquityPath(balance, every, account.equity[np.searchsorted(account.day[1:], every, side="right")])


def sharpe_held_against(path: EquityPath, trials: Trials) -> dict[str, Any]:
    """The daily Sharpe ratio: the probability of a true one above zero, and above the luckiest of so many trials.

    Where the variance of the trials is not known, that of ratios without an edge is assumed: 1 / (n - 1).
    """
    returns = path.returns
    assumed = trials.count > 1 and trials.variance is None
    variance = trials.variance or 0.0
    if assumed and len(returns) > 1:
        variance = 1 / (len(returns) - 1)
    found = deflated_sharpe(returns, trials.count, variance)
    return {
        "tried": trials.count,
        "n": len(returns),
        "daily": found.sharpe,
        "probability": probabilistic_sharpe(returns),
        "luckiest": found.benchmark,
        "deflated": found.probability,
        "assumed": assumed,
    }
