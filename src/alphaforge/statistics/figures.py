"""Every figure, from the table of days; see docs/statistics.md for formulas and sources."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from math import sqrt
from typing import Any

import numpy as np

from alphaforge.core.candles import Floats
from alphaforge.statistics import equity as accounts
from alphaforge.statistics import results
from alphaforge.statistics.days import Days, summarised
from alphaforge.statistics.equity import Equity
from alphaforge.statistics.estimates import YEAR, edges, pace
from alphaforge.statistics.sections import Daily, Drawdown, Estimate, Figures
from alphaforge.statistics.trades import Trades

CALENDAR_YEAR = 365.25
MINIMUM_SPAN = 30
"""Calendar days below which nothing is said of a year."""
MINIMUM_RETURNS = 20
"""Daily returns below which nothing is said of the worst twentieth."""

_TAIL = 0.05
_EQUAL = 1e-12  # deviations below this share of the mean are rounding


Span = tuple[int, int]


def statistics_of(trades: Trades, *, balance: float | None = None, span: Span | None = None) -> Figures:
    """Every figure of some trades: `figures_of` their days."""
    return figures_of(summarised(trades), balance=balance, span=span)


def figures_of(days: Days, *, balance: float | None = None, span: Span | None = None) -> Figures:
    """Every figure of some days.

    `balance`: money at the start; None: nothing is said in percent. `span`: first and last trading day of the record,
    where it is longer than from the first to the last trade; days without a trade count.
    Raises InvalidInput for a balance that is not above zero.
    """
    totals = results.totals_of(days)
    in_money, in_r = edges(days)
    account = accounts.equity(days, balance, span)
    daily = _daily(account)
    return Figures(
        counts=results.counts_of(totals, days),
        rates=results.rates_of(totals),
        money=results.money_of(totals, days, in_money),
        r=results.multiples_of(totals, days, in_r),
        pips=results.pips_of(totals, days),
        streaks=results.streaks_of(days),
        holding=results.holding_of(totals, days),
        excursions=results.excursions_of(totals),
        daily=daily,
        drawdown=_drawdown(days, account, totals),
    )


def plain(figures: Any) -> dict[str, Any]:  # noqa: ANN401 - any of the dataclasses of this room
    """The figures as JSON has them: dicts by section, None for what is not known."""
    return {field.name: _plain(getattr(figures, field.name)) for field in fields(figures)}


def _plain(value: Any) -> Any:  # noqa: ANN401 - a section, an estimate or a value
    return plain(value) if is_dataclass(value) else value


def _daily(account: Equity) -> Daily:
    flat = account.flat_days
    n = len(account.flat) + flat
    x = accounts.returns(account) if n else None
    balance = account.balance
    last = None if balance is None else float(account.equity[-1])
    ruined = balance is not None and bool(account.equity.min() <= 0)
    if x is None or balance is None:
        return Daily(balance, last, n, flat, ruined, mean_return=Estimate(None, 0), sharpe=Estimate(None, 0))
    mean = float(x.sum()) / n
    deviation = _deviation(x, flat, mean)
    downside = sqrt(float(np.square(np.minimum(x, 0.0)).sum()) / n)
    growth = _growth(account, balance)
    deepest = float((account.drawdown / account.peak).min())
    after = account.flat.astype(np.float64)
    after[0] += account.lead
    intervals = pace(x, after)
    return Daily(
        balance=balance,
        equity=last,
        days=n,
        flat_days=flat,
        ruined=ruined,
        total_return=float(account.equity[-1]) / balance - 1,
        mean_return=Estimate(mean, n, *intervals.mean_return),
        best=max(float(x.max()), 0.0) if flat else float(x.max()),
        worst=min(float(x.min()), 0.0) if flat else float(x.min()),
        cagr=growth,
        volatility=None if deviation is None else deviation * sqrt(YEAR),
        sharpe=Estimate(mean / deviation * sqrt(YEAR) if deviation else None, n, *intervals.sharpe),
        sortino=mean / downside * sqrt(YEAR) if downside else None,
        calmar=growth / -deepest if growth is not None and deepest else None,
        **_tail(x, flat),
    )


def _deviation(x: Floats, flat: int, mean: float) -> float | None:
    n = len(x) + flat
    if n <= 1:
        return None
    found = sqrt((float(np.square(x - mean).sum()) + flat * mean * mean) / (n - 1))
    return found if found > _EQUAL * abs(mean) else 0.0


def _growth(account: Equity, balance: float) -> float | None:
    """The yearly growth of the equity, by calendar time."""
    span = account.last - int(account.day[0]) + 1
    if span < MINIMUM_SPAN:
        return None
    return float((account.equity[-1] / balance) ** (CALENDAR_YEAR / span)) - 1


def _tail(x: Floats, flat: int) -> dict[str, float | None]:
    """The 5 % quantile (linear, Hyndman and Fan's type 7) and the mean of the floor(0.05 (n - 1)) + 1 worst days."""
    n = len(x) + flat
    if n < MINIMUM_RETURNS:
        return {"value_at_risk": None, "expected_shortfall": None}
    ordered = np.sort(x)
    below = int(np.searchsorted(ordered, 0.0))  # flat days stand here
    place = _TAIL * (n - 1)
    first = int(place)

    def at(rank: int) -> float:
        if rank < below:
            return float(ordered[rank])
        return 0.0 if rank < below + flat else float(ordered[rank - flat])

    low, high = at(first), at(first + 1)
    above = ordered[below : max(first + 1 - flat, below)]  # where even the worst twentieth was no loss
    worst = float(ordered[: min(first + 1, below)].sum()) + float(above.sum())
    return {"value_at_risk": low + (high - low) * (place - first), "expected_shortfall": worst / (first + 1)}


def _drawdown(days: Days, account: Equity, totals: Mapping[str, float]) -> Drawdown:
    if not totals["amounts"]:
        return Drawdown()
    deepest = accounts.deepest(account)
    each = accounts.trade_by_trade(days)
    shares = None if account.balance is None else account.drawdown / account.peak
    weights = 1.0 + account.flat  # the lead is as high as the start
    return Drawdown(
        maximum=deepest.depth if deepest else 0.0,
        maximum_share=None if shares is None else float(shares.min()),
        start=deepest.start if deepest else None,
        trough=deepest.trough if deepest else None,
        recovery=deepest.recovery if deepest else None,
        days=deepest.days if deepest else None,
        longest_days=accounts.longest_fall(account),
        trade_by_trade=each,
        current=float(account.drawdown[-1]),
        current_share=None if shares is None else float(shares[-1]),
        recovery_factor=totals["amount"] / -each if each else None,
        ulcer_index=None
        if shares is None
        else sqrt(float((weights * shares[1:] ** 2).sum()) / (len(days) + account.flat_days)),
    )
