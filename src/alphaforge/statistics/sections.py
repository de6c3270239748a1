"""The figures, by section. None is `not known` or `not defined`, never zero; docs/statistics.md has each formula.

Money is in the account's currency, or in R where amounts are. Shares, returns and drawdowns are fractions: 0.05 is
5 %. What is lost is negative: the gross loss, drawdowns, the value at risk.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value, the number `n` of observations behind it, and its 95 % interval where it has one."""

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many; the last five: of how many trades a result, a cost, an excursion is known."""

    trades: int
    wins: int
    losses: int
    breakevens: int
    expired: int
    unknown: int
    days: int
    amounts: int
    costs: int
    r_multiples: int
    pips: int
    excursions: int


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of wins. `win_rate`: among wins and losses; `win_rate_all`: among all trades whose class is known."""

    win_rate: Estimate
    win_rate_all: Estimate
    break_even: float | None


@dataclass(frozen=True, slots=True)
class Money:
    """What was earned."""

    gross_profit: float | None
    gross_loss: float | None
    net: float | None
    cost: float | None
    before_cost: float | None
    expectancy: Estimate
    deviation: float | None
    profit_factor: Estimate
    no_losses: bool
    average_win: float | None
    average_loss: float | None
    payoff_ratio: float | None
    kelly: float | None
    best: float | None
    worst: float | None


@dataclass(frozen=True, slots=True)
class Multiples:
    """The same in R, the distance from entry to stop."""

    total: float | None
    expectancy: Estimate
    deviation: float | None
    profit_factor: Estimate
    sqn: Estimate
    best: float | None
    worst: float | None


@dataclass(frozen=True, slots=True)
class Pips:
    """The same in pips."""

    total: float | None
    mean: Estimate
    deviation: float | None
    best: float | None
    worst: float | None


@dataclass(frozen=True, slots=True)
class Streaks:
    """Wins or losses in a row; `current` is negative for losses, 0 where the last trade was neither."""

    longest_win: int
    longest_loss: int
    current: int


@dataclass(frozen=True, slots=True)
class Holding:
    """When, and for how long. Days as `2025-07-31`."""

    first_day: str | None
    last_day: str | None
    mean_seconds: Estimate
    exposure: float | None


@dataclass(frozen=True, slots=True)
class Excursions:
    """How far trades went against and for their owner, in pips, and how much of the latter was kept."""

    mae: Estimate
    mfe: Estimate
    exit_efficiency: Estimate
    exit_efficiency_mean: Estimate


@dataclass(frozen=True, slots=True)
class Daily:
    """Returns on equity by trading day; None without a balance, and from the day on which the equity was gone."""

    balance: float | None
    equity: float | None
    days: int
    flat_days: int
    ruined: bool
    mean_return: Estimate
    sharpe: Estimate
    total_return: float | None = None
    best: float | None = None
    worst: float | None = None
    cagr: float | None = None
    volatility: float | None = None
    sortino: float | None = None
    calmar: float | None = None
    value_at_risk: float | None = None
    expected_shortfall: float | None = None


@dataclass(frozen=True, slots=True)
class Drawdown:
    """Falls of the equity below its highest close; `trade_by_trade` within days too."""

    maximum: float | None = None
    maximum_share: float | None = None
    start: str | None = None
    trough: str | None = None
    recovery: str | None = None
    days: int | None = None
    longest_days: int | None = None
    trade_by_trade: float | None = None
    current: float | None = None
    current_share: float | None = None
    recovery_factor: float | None = None
    ulcer_index: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """Every figure of some trades."""

    counts: Counts
    rates: Rates
    money: Money
    r: Multiples
    pips: Pips
    streaks: Streaks
    holding: Holding
    excursions: Excursions
    daily: Daily
    drawdown: Drawdown
