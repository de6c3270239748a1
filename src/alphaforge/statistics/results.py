"""The sections that are made of totals: counts, rates, money, R, pips, holding, excursions, streaks."""

from collections.abc import Mapping
from math import sqrt

import numpy as np

from alphaforge.statistics.calendar import day_name
from alphaforge.statistics.days import COLUMNS, Days
from alphaforge.statistics.estimates import Edge
from alphaforge.statistics.intervals import wilson
from alphaforge.statistics.sections import (
    Counts,
    Estimate,
    Excursions,
    Holding,
    Money,
    Multiples,
    Pips,
    Rates,
    Streaks,
)

_EQUAL = 1e-12  # deviations below this share of the mean are rounding

Totals = Mapping[str, float]


def totals_of(days: Days) -> Totals:
    """The sum of each column, and the extremes of those that are extremes (NaN where none is known)."""
    totals = dict(zip(COLUMNS, days.values.sum(axis=1).tolist(), strict=True))
    for name in ("amount", "r", "pips"):
        totals[f"{name}_best"] = float(np.fmax.reduce(days.of(f"{name}_best"), initial=np.nan))
        totals[f"{name}_worst"] = float(np.fmin.reduce(days.of(f"{name}_worst"), initial=np.nan))
    return totals


def ratio(part: float, whole: float) -> float | None:
    """A part by the whole, None where there is nothing to divide by."""
    return part / whole if whole else None


def counts_of(totals: Totals, days: Days) -> Counts:
    """How many trades, by class and by what is known of them."""
    return Counts(
        trades=int(totals["trades"]),
        wins=int(totals["wins"]),
        losses=int(totals["losses"]),
        breakevens=int(totals["breakevens"]),
        expired=int(totals["expired"]),
        unknown=int(totals["unknown"]),
        days=len(days),
        amounts=int(totals["amounts"]),
        costs=int(totals["costs"]),
        r_multiples=int(totals["rs"]),
        pips=int(totals["pips_known"]),
        excursions=int(totals["mfes"]),
    )


def rates_of(totals: Totals) -> Rates:
    """Shares of wins, each with its Wilson interval."""
    wins, decided = int(totals["wins"]), int(totals["wins"] + totals["losses"])
    closed = decided + int(totals["breakevens"] + totals["expired"])
    return Rates(
        win_rate=share(wins, decided),
        win_rate_all=share(wins, closed),
        break_even=_break_even(payoff(totals)),
    )


def share(part: int, whole: int) -> Estimate:
    """A share with its Wilson interval."""
    low, high = wilson(part, whole) or (None, None)
    return Estimate(ratio(part, whole), whole, low, high)


def payoff(totals: Totals) -> float | None:
    """The average profit by the average loss, positive."""
    if not (totals["profits"] and totals["shortfalls"]):
        return None
    return (totals["profit"] / totals["profits"]) / (-totals["shortfall"] / totals["shortfalls"])


def money_of(totals: Totals, days: Days, intervals: Edge) -> Money:
    """What was earned, in money."""
    n = int(totals["amounts"])
    return Money(
        gross_profit=totals["profit"] if n else None,
        gross_loss=totals["shortfall"] if n else None,
        net=totals["amount"] if n else None,
        cost=totals["cost"] if totals["costs"] else None,
        before_cost=totals["before_cost"] if totals["with_cost"] else None,
        expectancy=Estimate(ratio(totals["amount"], n), n, *intervals.expectancy),
        deviation=deviation(totals, days, "amount", "amounts"),
        profit_factor=profit_factor(totals["profit"], totals["shortfall"], n, intervals),
        no_losses=bool(totals["profit"] > 0 and not totals["shortfall"]),
        average_win=ratio(totals["profit"], totals["profits"]),
        average_loss=ratio(totals["shortfall"], totals["shortfalls"]),
        payoff_ratio=payoff(totals),
        kelly=_kelly(totals),
        best=known(totals["amount_best"]),
        worst=known(totals["amount_worst"]),
    )


def profit_factor(profit: float, loss: float, n: int, intervals: Edge) -> Estimate:
    """What was won by what was lost; None without losses."""
    return Estimate(ratio(profit, -loss), n, *intervals.profit_factor)


def multiples_of(totals: Totals, days: Days, intervals: Edge) -> Multiples:
    """What was earned, in R."""
    n = int(totals["rs"])
    spread = deviation(totals, days, "r", "rs")
    return Multiples(
        total=totals["r"] if n else None,
        expectancy=Estimate(ratio(totals["r"], n), n, *intervals.expectancy),
        deviation=spread,
        profit_factor=profit_factor(totals["r_profit"], totals["r_shortfall"], n, intervals),
        sqn=Estimate(sqrt(n) * totals["r"] / n / spread if spread else None, n),
        best=known(totals["r_best"]),
        worst=known(totals["r_worst"]),
    )


def pips_of(totals: Totals, days: Days) -> Pips:
    """What was earned, in pips."""
    n = int(totals["pips_known"])
    return Pips(
        total=totals["pips"] if n else None,
        mean=Estimate(ratio(totals["pips"], n), n),
        deviation=deviation(totals, days, "pips", "pips_known"),
        best=known(totals["pips_best"]),
        worst=known(totals["pips_worst"]),
    )


def holding_of(totals: Totals, days: Days) -> Holding:
    """When, and for how long."""
    n = int(totals["trades"])
    if not n:
        return Holding(None, None, Estimate(None, 0), None)
    span = float(days.of("last_closed")[-1] - days.of("first_opened").min())
    return Holding(
        first_day=day_name(days.day[0]),
        last_day=day_name(days.day[-1]),
        mean_seconds=Estimate(totals["holding"] / n, n),
        exposure=ratio(totals["holding"], span),
    )


def excursions_of(totals: Totals) -> Excursions:
    """Excursions, and how much of the best was kept at the exit."""
    exits = int(totals["exits"])
    return Excursions(
        mae=Estimate(ratio(totals["mae"], totals["maes"]), int(totals["maes"])),
        mfe=Estimate(ratio(totals["mfe"], totals["mfes"]), int(totals["mfes"])),
        exit_efficiency=Estimate(ratio(totals["exit_pips"], totals["exit_mfe"]), exits),
        exit_efficiency_mean=Estimate(ratio(totals["exit_share"], exits), exits),
    )


def streaks_of(days: Days) -> Streaks:
    """The longest streaks, over the ends of days, and the one that lasts."""
    win, winning = _streak(days, "win", "wins")
    loss, losing = _streak(days, "loss", "losses")
    return Streaks(win, loss, winning - losing)


def _streak(days: Days, kind: str, count: str) -> tuple[int, int]:
    """The longest and the current streak of one kind."""
    if not len(days):
        return 0, 0
    ends, whole = days.of(f"{kind}_suffix"), days.of(count) == days.of("trades")
    running = np.cumsum(np.where(whole, ends, 0.0))
    broken = np.maximum.accumulate(np.where(whole, -1, np.arange(len(ends))))
    start = np.where(broken < 0, 0.0, ends[broken] - running[broken])
    lasting = running + start  # at the end of each day
    joined = np.concatenate(([0.0], lasting[:-1])) + days.of(f"{kind}_prefix")
    return int(max(joined.max(), days.of(f"{kind}_longest").max())), int(lasting[-1])


def deviation(totals: Totals, days: Days, name: str, count: str) -> float | None:
    """The standard deviation with ddof 1 of a column, from each day's own: Chan, Golub and LeVeque 1983."""
    n = totals[count]
    if n <= 1:
        return None
    mean, number, values = totals[name] / n, days.of(count), days.of(name)
    with np.errstate(invalid="ignore"):  # days without a known value
        between = np.where(number > 0, np.square(values - mean * number) / number, 0.0)
    found = sqrt((totals[f"{name}_spread"] + float(between.sum())) / (n - 1))
    return found if found > _EQUAL * abs(mean) else 0.0


def known(value: float) -> float | None:
    """None for NaN."""
    return None if value != value else value  # noqa: PLR0124 - the one value that is not itself


def _break_even(ratio_of: float | None) -> float | None:
    return None if ratio_of is None else 1 / (1 + ratio_of)


def _kelly(totals: Totals) -> float | None:
    """Kelly's p - (1 - p) / b, by amounts above and below zero; None where one of the sides is missing."""
    won = payoff(totals)
    if won is None:
        return None
    p = totals["profits"] / (totals["profits"] + totals["shortfalls"])
    return p - (1 - p) / won
